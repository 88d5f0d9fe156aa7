// bench inbound: offers of customers who are here now, through the HTTP API, each answered after its reservation is durable.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import HTTPAPI
import Hummingbird
import Kernel
import Logging
import Model
import NIOCore
import Planning
import Ports
import ServiceLifecycle
import Synchronization

/// 200 live offers of which six compete for the average subscriber; random subscribers; `wrk` with 64 connections beside
/// the server on the same cores.
struct InboundBench {
    let options: BenchOptions

    private static let offers = 200
    private static let competing = 6
    private static let connections = 64
    private static let seconds = 12
    private static let inProcess = 200_000

    private var directory: String { options.folder("inbound") }

    func run() async throws -> [String: Double] {
        try await BenchOperator(options).copy(to: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let platform = try await BenchOperator(options).open(copy: directory)
        let raw = try await rawSyncTimes(in: directory, count: 400)
        options.note("\(Self.offers) offers")
        let campaigns = try await fillPool(platform)
        let perSubscriber = try await competing(platform)
        options.note("\(Self.inProcess) requests in process")
        let core = try await corePerSecond(platform)
        var logger = Logger(label: "gyre.bench")
        logger.logLevel = .notice
        var site = SiteSettings()
        site.port = 0
        let served = try Site(
            platform: platform,
            runner: CampaignRunner(platform, logger: logger),
            settings: site,
            logger: logger
        )
        let agent = Staff(login: "bench", name: "bench", role: .agent)
        _ = try await served.accounts.ensure([agent])
        let token = try await served.accounts.open(agent, address: "local")
        let ports = AsyncStream.makeStream(of: Int.self)
        let application = served.application { channel in
            ports.continuation.yield(channel.localAddress?.port ?? 0)
            ports.continuation.finish()
        }
        let server = Task { try await application.run() }
        defer { server.cancel() }
        var port = 0
        for await found in ports.stream { port = found }
        let script = try writeScript(platform, token: token)
        // What is read once after a start (sessions, texts of campaigns) belongs to no figure.
        let before = try await load(script, port: port, seconds: 1)
        options.note("wrk, \(Self.seconds) s")
        let alone = try await load(script, port: port)
        options.note("wrk beside waves over 5 million, \(Self.seconds) s")
        let waves = try await Waves(platform, first: campaigns.upperBound + 1)
        let running = Task { try await waves.run() }
        let beside = try await load(script, port: port)
        waves.stop()
        let count = try await running.value
        try await check(platform, answered: before.requests + alone.requests + beside.requests)
        server.cancel()
        let size = bytes(below: directory)
        await platform.close()
        return [
            "http_per_s": alone.perSecond, "http_p50_ms": alone.p50, "http_p90_ms": alone.p90, "http_p99_ms": alone.p99,
            "http_max_ms": alone.max, "http_wave_per_s": beside.perSecond, "http_p50_wave_ms": beside.p50,
            "http_p90_wave_ms": beside.p90, "http_p99_wave_ms": beside.p99, "http_max_wave_ms": beside.max,
            "waves": Double(count),
            "core_per_s": core, "fdatasync_p50_ms": raw.median, "fdatasync_p99_ms": raw.percentile(0.99),
            "fdatasync_p99_http_ms": alone.syncs.percentile(0.99),
            "fdatasync_p99_wave_ms": beside.syncs.percentile(0.99),
            "offers": Double(Self.offers), "competing": perSubscriber,
            "repetitions": Double(alone.requests + beside.requests), "seed": Double(options.seed),
            "data_bytes": size,
        ]
    }

    // MARK: Data

    /// Makes the campaigns and puts them into the pool; each holds three per cent of all subscribers.
    private func fillPool(_ platform: Platform) async throws -> ClosedRange<Int64> {
        let now = platform.clock.now
        try await platform.host.tick(now)
        let segment = try await platform.segments.save(
            Segment(name: "bench", rule: "TRUE", owner: "bench", scope: .all, updatedAt: now.instant),
            by: Staff(login: "bench", name: "bench", role: .planner),
            today: now.day,
            at: now.instant
        )
        var numbers: [Int64] = []
        for position in 0..<Self.offers {
            var plan = CampaignPlan(
                name: "offer \(position)",
                scene: "bench",
                goal: "bench",
                category: "category \(position % 20)",
                segment: segment.id,
                message: "An offer of the bench, number \(position).",
                planned: now,
                validTo: now.day.adding(days: 60),
                channel: .inbound
            )
            plan.touchpoints = [.hotline, .website]
            plan.priority = 1 + position % 9
            plan.product = "BENCH\(position % 50)"
            plan.score = "arpu_avg_3m / 100"
            plan.valuePerOrderMinor = Int64(1_000 + 37 * position)
            plan.controlPPM = 50_000
            let saved = try await platform.store.save(
                Campaign(plan: plan, owner: "bench", scope: .all, updatedAt: now.instant),
                audit: AuditEntry(at: now.instant, who: "bench", action: "campaign.create", object: "campaign")
            )
            let spec = saved.spec(unticker: "bench")
            var members = Bitset(universe: options.subscribers)
            let (share, salt) = (UInt64(Self.competing), SeededRandom.mix(options.seed &+ UInt64(position)))
            members.withMutableWords { words in
                for index in 0..<options.subscribers
                where SeededRandom.mix(salt &+ UInt64(index)) % UInt64(Self.offers) < share {
                    words[index >> 6] |= 1 << UInt64(index & 63)
                }
            }
            try await platform.host.record([
                .campaignSet(spec.id, revision: 1, file: try platform.host.store(spec.canonicalJSON())),
                .campaignStatus(spec.id, .live),
                .poolSet(spec.id, file: try platform.host.store(members.listFile)),
            ])
            numbers.append(saved.id.number)
        }
        return (numbers.min() ?? 0)...(numbers.max() ?? 0)
    }

    private func competing(_ platform: Platform) async throws -> Double {
        let subscribers = options.subscribers
        return try await platform.host.read { state in
            let step = max(1, subscribers / 10_000)
            let counts = stride(from: 0, to: subscribers, by: step).map {
                state.poolSize(of: SubscriberIndex(UInt32($0)))
            }
            return Double(counts.reduce(0, +)) / Double(counts.count)
        }
    }

    // MARK: In process

    /// Requests decided and reserved in memory by the owner, one after the other, and taken back afterwards.
    ///
    /// The second of two rounds counts: in the first, tables grow and memory is touched that a server has at hand.
    private func corePerSecond(_ platform: Platform) async throws -> Double {
        let now = platform.clock.now
        var random = SeededRandom(seed: options.seed)
        let requests = (0..<Self.inProcess * 2).map { position in
            OfferRequest(
                request: UInt64.max - UInt64(position),
                index: UInt32.random(in: 0..<UInt32(options.subscribers), using: &random),
                touchpoint: .hotline,
                entrance: .inbound,
                at: now,
                limit: 3
            )
        }
        return try await platform.host.read { state in
            _ = try Self.decide(requests.prefix(Self.inProcess), state)
            return try Self.decide(requests.suffix(Self.inProcess), state)
        }
    }

    /// Requests per second of one round.
    private static func decide(
        _ requests: ArraySlice<OfferRequest>,
        _ state: DecisionState
    ) throws -> Double {
        var answers: [OfferAnswer] = []
        answers.reserveCapacity(requests.count)
        let start = ContinuousClock.now
        var rest = requests
        while !rest.isEmpty {
            // As the owner does with what waits for it.
            let batch = rest.prefix(connections)
            rest = rest.dropFirst(connections)
            state.warm(batch)
            for request in batch {
                let answer = try state.decide(request).answer
                state.take(answer)
                answers.append(answer)
            }
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        for answer in answers.reversed() { state.undoTake(answer) }
        guard answers.contains(where: { $0.offers.count > 1 }) else {
            throw BenchError.answersDiffer("no request was offered anything")
        }
        return Double(requests.count) / elapsed
    }

    // MARK: Over HTTP

    private struct Load {
        var requests: Int
        var perSecond: Double
        var p50: Double
        var p90: Double
        var p99: Double
        var max: Double
        /// Milliseconds of plain `fdatasync` calls beside it, fifty a second; one that took longer stands for those that
        /// would have begun meanwhile too, as `wrk` counts its requests.
        var syncs: [Double]
    }

    /// A script for `wrk`: every request is a new interaction of a random subscriber.
    private func writeScript(_ platform: Platform, token: String) throws -> String {
        var random = SeededRandom(seed: options.seed &+ 1)
        let numbers = platform.numbers.current
        var lines = ""
        for _ in 0..<1_000_000 {
            let index = SubscriberIndex(UInt32.random(in: 0..<UInt32(options.subscribers), using: &random))
            if let number = numbers.number(of: index) { lines += number.national + "\n" }
        }
        try lines.write(toFile: directory + "/numbers.txt", atomically: true, encoding: .utf8)
        let script = """
            -- One string: a table of a million is what the client would collect garbage in while its requests wait.
            local numbers = io.open("\(directory)/numbers.txt"):read("*a")
            local width = numbers:find("\\n")
            local known = #numbers / width
            local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer \(token)" }
            local wrong = 0
            math.randomseed(os.time())
            local count, run = 0, tostring(os.time()) .. "-" .. tostring(math.random(1000000))
            function request()
                count = count + 1
                local at = width * math.random(0, known - 1)
                local number = numbers:sub(at + 1, at + width - 1)
                local body = '{"number":"' .. number .. '","interaction":"' .. run .. '-' .. count .. '"}'
                return wrk.format("POST", "/api/v1/touchpoints/hotline/offers", headers, body)
            end
            function done(summary, latency, requests)
                io.write(string.format("RESULT %d %d %d %f %f %f %f\\n", summary.requests, summary.errors.status +
                    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
                    summary.duration, latency:percentile(50) / 1000, latency:percentile(90) / 1000,
                    latency:percentile(99) / 1000, latency.max / 1000))
            end
            """
        let path = directory + "/inbound.lua"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    private func load(_ script: String, port: Int, seconds: Int = seconds) async throws -> Load {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/wrk")
        process.arguments = [
            "-t1", "-c\(Self.connections)", "-d\(seconds)s", "--latency", "-s", script, "http://127.0.0.1:\(port)",
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        do {
            try process.run()
        } catch {
            throw BenchError.noTool("wrk", why: "\(error)")
        }
        let probe = Task { [directory] in
            try await rawSyncTimes(in: directory, count: .max, pause: .milliseconds(20))
                .flatMap { stride(from: $0, to: 0, by: -20) }
        }
        let data = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                let data = (try? output.fileHandleForReading.readToEnd()) ?? Data()
                process.waitUntilExit()
                continuation.resume(returning: data)
            }
        }
        probe.cancel()
        let text = String(decoding: data, as: UTF8.self)
        let words =
            text.split(separator: "\n").first { $0.hasPrefix("RESULT ") }?.split(separator: " ").dropFirst() ?? []
        let numbers = words.compactMap { Double($0) }
        guard numbers.count == 7, numbers[1] == 0, numbers[0] > 0 else { throw BenchError.noTool("wrk", why: text) }
        return Load(
            requests: Int(numbers[0]),
            perSecond: numbers[0] / (numbers[2] / 1e6),
            p50: numbers[3],
            p90: numbers[4],
            p99: numbers[5],
            max: numbers[6],
            syncs: try await probe.value
        )
    }

    /// The log holds an answer for every request that was answered, and a quarter at least was offered something.
    private func check(_ platform: Platform, answered: Int) async throws {
        let (kept, offered) = try await platform.host.read { state in
            let all = state.keptInteractions
            return (all.count, all.count { !$0.answer.offers.isEmpty })
        }
        guard kept >= answered, offered * 4 > kept else {
            throw BenchError.answersDiffer("\(answered) answers, \(kept) in the log, \(offered) with offers")
        }
    }
}

/// Waves over 5 of 18 million subscribers, one after the other until stopped.
private final class Waves: Sendable {
    private let platform: Platform
    private let first: Int64
    private let audience: Bitset
    private let isStopped = Atomic(false)

    init(_ platform: Platform, first: Int64) async throws {
        self.platform = platform
        self.first = first
        let subscribers = try await platform.host.read { $0.subscribers }
        var members = Bitset(universe: subscribers)
        members.withMutableWords { words in
            for index in 0..<subscribers where SeededRandom.mix(UInt64(index)) % 18 < 5 {
                words[index >> 6] |= 1 << UInt64(index & 63)
            }
        }
        audience = members
    }

    func stop() { isStopped.store(true, ordering: .relaxed) }

    /// Returns how many waves ran to their end.
    func run() async throws -> Int {
        var count: Int64 = 0
        while !isStopped.load(ordering: .relaxed) {
            let now = platform.clock.now
            let spec = CampaignSpec(
                id: CampaignID(first + count),
                name: "wave \(count)",
                category: "wave",
                product: "BENCH1",
                validFrom: now.day,
                validTo: now.day.adding(days: 30),
                score: "arpu_avg_3m / 100",
                limit: 1_000_000,
                controlPPM: 100_000
            )
            try await platform.host.record([
                .campaignSet(spec.id, revision: 1, file: try platform.host.store(spec.canonicalJSON())),
                .campaignStatus(spec.id, .live),
            ])
            _ = try await platform.host.run(
                wave: WaveID(campaign: spec.id, occurrence: 1),
                planned: now,
                audience: audience
            )
            count += 1
        }
        return Int(count)
    }
}
