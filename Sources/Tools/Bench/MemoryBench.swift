// bench memory: how much memory an open data directory takes, and how soon it counts and reserves.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Planning
import Ports

/// Opens the operator of bench `generate` in a fresh process, which measures itself.
struct MemoryBench {
    let options: BenchOptions

    /// Environment of the fresh process: when it was started, in nanoseconds of the monotonic clock.
    private static let started = "GYRE_BENCH_STARTED"

    func run() async throws -> [String: Double] {
        if let started = ProcessInfo.processInfo.environment[Self.started].flatMap(UInt64.init) {
            return try await measure(since: started)
        }
        let world = try BenchOperator(options)
        try await world.prepare()
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = CommandLine.arguments.dropFirst().filter { $0 != "--json" } + ["--json"]
        process.environment = ProcessInfo.processInfo.environment.merging(
            [Self.started: "\(DispatchTime.now().uptimeNanoseconds)"]
        ) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchError.childFailed(process.terminationStatus) }
        return try JSONDecoder().decode(BenchResult.self, from: text).results
    }

    // MARK: In the fresh process

    private func measure(since started: UInt64) async throws -> [String: Double] {
        func seconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9 }
        let world = try BenchOperator(options)
        let platform = try await world.open()
        let opened = seconds()
        let clock = platform.clock.now
        var random = SeededRandom(seed: options.seed &+ started)
        let fee = Int.random(in: 40...120, using: &random)
        let rule = "status = '正常' AND fee_last_month >= \(fee) AND is_5g_terminal"
        let count = try await platform.segments.count(rule, in: .all, today: clock.day)
        let before = try await platform.host.read { $0.singles.count }
        let answer = try await reserve(platform, &random)
        let ready = seconds()
        guard answer == .reserved, try await platform.host.read({ $0.singles.count }) == before + 1 else {
            throw BenchError.answersDiffer("the first reservation was \(answer)")
        }
        let resident = try Self.peakResident()
        let expected = try await platform.warehouse.integer(
            SQLText("SELECT count(*) FROM subscriber WHERE \(rule)")
        )
        guard expected == Int64(count) else {
            throw BenchError.answersDiffer("\(rule): \(count), \(expected ?? -1) by SQL")
        }
        let hot = try await touchEverything(platform, today: clock.day)
        return [
            "resident_bytes": try Self.peakResident(), "resident_when_ready_bytes": resident, "open_s": opened,
            "ready_s": ready, "hot_attributes": Double(hot), "repetitions": 1, "seed": Double(options.seed),
            "data_bytes": bytes(below: world.directory),
        ]
    }

    private func reserve(_ platform: Platform, _ random: inout SeededRandom) async throws -> SingleAnswer {
        let number = CampaignID(Int64(try await platform.host.nextCampaignNumber()))
        let today = platform.clock.now.day
        let spec = CampaignSpec(
            id: number,
            name: "bench",
            category: "bench",
            validFrom: today,
            validTo: today,
            costPerContactMinor: 0,
            controlPPM: 0
        )
        try await platform.host.record([
            .tick(platform.clock.now),
            .campaignSet(number, revision: 1, file: try platform.host.store(spec.canonicalJSON())),
        ])
        return try await platform.host.reserve(
            SingleReservation(
                request: random.next(),
                index: UInt32.random(in: 0..<UInt32(options.subscribers), using: &random),
                channel: .website,
                month: today.month,
                campaign: number
            ),
            on: today
        )
    }

    /// Reads every value of every hot attribute, every counter and line id, and every number both ways.
    ///
    /// - Returns: Number of hot attributes.
    private func touchEverything(_ platform: Platform, today: LocalDay) async throws -> Int {
        let hot = try await platform.segments.catalogue().attributes.filter(\.isHot)
        for attribute in hot {
            let value =
                switch attribute.type {
                case .flag: "\(attribute.code)"
                case .day: "\(attribute.code) >= DATE '2020-01-01'"
                case .enumeration: "\(attribute.code) <> '\(attribute.domain.first?.value ?? "")'"
                case .text: "\(attribute.code) <> ''"
                case .integer, .decimal: "\(attribute.code) > 1"
                }
            _ = try await platform.segments.count(value, in: .all, today: today)
        }
        _ = try await platform.host.read { $0.stateSHA256() }
        let numbers = platform.numbers.current
        let reachable = (0..<UInt32(options.subscribers)).count { numbers.isReachable(SubscriberIndex($0)) }
        guard reachable == options.subscribers else {
            throw BenchError.answersDiffer("\(reachable) of \(options.subscribers) numbers lead back to their line")
        }
        return hot.count
    }

    /// The most memory this process ever had in RAM, file-backed pages included, in bytes.
    static func peakResident() throws -> Double {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Double($0)
            })
        else { throw CocoaError(.fileReadCorruptFile) }
        return kilobytes * 1024
    }
}
