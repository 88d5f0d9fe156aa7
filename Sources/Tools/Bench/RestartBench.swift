// bench restart: a server killed in the middle of its work, and how soon the next one decides again.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Planning

/// A month of decisions in one process, which is killed with SIGKILL while it decides; a fresh process opens what is left.
struct RestartBench {
    let options: BenchOptions

    private static let days = 30
    private static let wavesADay: Int64 = 2
    private static let requestsADay: UInt64 = 50_000
    private static let offers = 12
    /// Batches after which the server makes a checkpoint.
    private static let checkpointAfter = 16_384

    /// Environment of a child: what it is to do.
    private static let part = "GYRE_BENCH_RESTART"

    private var directory: String { options.folder("restart") }

    func run() async throws -> [String: Double] {
        let part = ProcessInfo.processInfo.environment[Self.part]?.split(separator: ":") ?? []
        if part == ["work"] { return try await work() }
        if part.count == 3, let started = UInt64(part[1]), let batches = Int64(part[2]) {
            return try await measure(since: started, batches: batches)
        }
        return try await orchestrate()
    }

    private func orchestrate() async throws -> [String: Double] {
        try await BenchOperator(options).copy(to: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (worker, output) = try child("work")
        var said = ""
        // Whatever is there, not a certain count: the worker goes on without writing more.
        while !said.contains("\n"), case let more = output.fileHandleForReading.availableData, !more.isEmpty {
            said += String(decoding: more, as: UTF8.self)
        }
        guard let batches = Int64(said.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            worker.waitUntilExit()
            throw BenchError.childFailed(worker.terminationStatus)
        }
        try await Task.sleep(for: .seconds(2))
        options.note("killed after \(batches) batches and 2 s more")
        kill(worker.processIdentifier, SIGKILL)
        worker.waitUntilExit()
        let (opener, answer) = try child("open:\(DispatchTime.now().uptimeNanoseconds):\(batches)")
        let text = try answer.fileHandleForReading.readToEnd() ?? Data()
        opener.waitUntilExit()
        guard opener.terminationStatus == 0 else { throw BenchError.childFailed(opener.terminationStatus) }
        return try JSONDecoder().decode(BenchResult.self, from: text).results
    }

    private func child(_ part: String) throws -> (Process, Pipe) {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = CommandLine.arguments.dropFirst().filter { $0 != "--json" } + ["--json"]
        process.environment = ProcessInfo.processInfo.environment.merging([Self.part: part]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        return (process, output)
    }

    // MARK: In the children

    /// Decides a month, says how many batches that took, and goes on until it is killed.
    private func work() async throws -> [String: Double] {
        let platform = try await BenchOperator(options).open(copy: directory)
        let past = BenchPast(platform: platform, subscribers: options.subscribers, seed: options.seed)
        try await platform.host.tick(platform.clock.now)
        let first = Int64(try await platform.host.nextCampaignNumber())
        try await past.fillPool(from: first, count: Self.offers)
        var (number, request) = (first + Int64(Self.offers), UInt64(1))
        for day in 0..<Self.days {
            if day % 5 == 0 { options.note("day \(day) of \(Self.days)") }
            let slot = past.slot(daysAgo: Self.days - day)
            for _ in 0..<Self.wavesADay {
                let audience = past.audience(number, halvings: 4)
                let limit = options.subscribers / 40
                try await past.deliver(past.wave(number, planned: slot, audience: audience, limit: limit), at: slot)
                number += 1
            }
            try await past.requests(request..<request + Self.requestsADay)
            request += Self.requestsADay
            try await platform.host.keepCheckpoint(after: Self.checkpointAfter)
        }
        let batches = try await platform.host.read { $0.sequence }
        try FileHandle.standardOutput.write(contentsOf: Data("\(batches)\n".utf8))
        while true {
            try await past.requests(request..<request + Self.requestsADay)
            request += Self.requestsADay
        }
    }

    private func measure(since started: UInt64, batches: Int64) async throws -> [String: Double] {
        func seconds() -> Double { Double(DispatchTime.now().uptimeNanoseconds - started) / 1e9 }
        let platform = try await BenchOperator(options).open(copy: directory)
        let opened = seconds()
        let today = platform.clock.now.day
        _ = try await platform.segments.count("fee_last_month >= 50", in: .all, today: today)
        let past = BenchPast(platform: platform, subscribers: options.subscribers, seed: options.seed)
        try await past.requests(UInt64.max - 1..<UInt64.max)
        let ready = seconds()
        let (found, waves, answers) = try await platform.host.read { state in
            (state.sequence, state.waves.count, state.keptInteractions.count)
        }
        guard found > batches, waves == Self.days * Int(Self.wavesADay) else {
            throw BenchError.answersDiffer("\(found) batches and \(waves) waves after \(batches) batches")
        }
        return [
            "open_s": opened, "ready_s": ready, "batches": Double(found), "waves": Double(waves),
            "answers": Double(answers), "repetitions": 1, "seed": Double(options.seed),
            "data_bytes": bytes(below: directory),
        ]
    }
}
