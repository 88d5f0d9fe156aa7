// bench explain: why and why not of one subscriber, after 2,000 waves over the whole base.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import SQLiteStore

/// Explains random campaigns to random subscribers, from the log of 90 days.
struct ExplainBench {
    let options: BenchOptions

    private static let waves: Int64 = 2_000
    /// Of these waves, one in so many is sent and answered.
    private static let delivered: Int64 = 25
    private static let requests: UInt64 = 200_000
    private static let offers = 12
    private static let questions = 200

    private var directory: String { options.folder("explain") }

    func run() async throws -> [String: Double] {
        let ready = directory + "/explained"
        let first: Int64
        if let text = try? String(contentsOfFile: ready, encoding: .utf8), let number = Int64(text) {
            first = number
        } else {
            first = try await prepare()
            try String(first).write(toFile: ready, atomically: true, encoding: .utf8)
        }
        let platform = try await BenchOperator(options).open(copy: directory)
        let explainer = platform.explainer
        let (_, catchUp) = try await milliseconds { try explainer.catchUp() }
        var random = SeededRandom(seed: options.seed)
        func anybody() -> SubscriberIndex {
            SubscriberIndex(UInt32.random(in: 0..<UInt32(options.subscribers), using: &random))
        }
        var (one, all, history): ([Double], [Double], [Double]) = ([], [], [])
        var (decided, meant) = (0, 0)
        func ask(_ campaign: CampaignID, _ index: SubscriberIndex) async throws {
            let (explanation, ms) = try await milliseconds { try explainer.explain(campaign, index) }
            one.append(ms)
            // Every refusal names the check that decided; that of a place lost while the wave ran is in the log alone.
            let isFound = [.notInSegment, .contact, .takenMeanwhile].contains(explanation.outcome)
            guard isFound || explanation.deciding != nil else { throw BenchError.answersDiffer("\(explanation)") }
            if explanation.outcome != .notInSegment { decided += 1 }
        }
        // Everybody is asked for once only: nothing of him was read before. Half of them were meant by the campaign.
        let past = BenchPast(platform: platform, subscribers: options.subscribers, seed: options.seed)
        for question in 0..<Self.questions * 2 {
            let number = first + Int64.random(in: 0..<Self.waves, using: &random)
            var index = anybody()
            if question % 2 == 0 {
                let audience = past.audience(number, halvings: 6)
                while !audience.contains(index.number) { index = anybody() }
            }
            try await ask(CampaignID(number), index)
        }
        for _ in 0..<Self.questions {
            let index = anybody()
            let (explanations, ms) = try await milliseconds { try explainer.explainAll(index) }
            all.append(ms)
            let own = explanations.filter { $0.outcome != .notInSegment }
            meant += own.count
            let (events, more) = try await milliseconds { try explainer.history(of: index) }
            history.append(more)
            guard events.count >= own.count(where: { $0.outcome == .contact }) else {
                throw BenchError.answersDiffer("\(events.count) events of subscriber \(index.number)")
            }
        }
        let size = bytes(below: directory)
        await platform.close()
        return [
            "p50_ms": one.median, "p95_ms": one.percentile(0.95), "max_ms": one.max() ?? 0,
            "all_p50_ms": all.median, "all_p95_ms": all.percentile(0.95), "history_p95_ms": history.percentile(0.95),
            "catch_up_s": catchUp / 1000, "waves": Double(Self.waves), "meant": Double(meant) / Double(all.count),
            "decided": Double(decided), "repetitions": Double(one.count), "seed": Double(options.seed),
            "data_bytes": size,
        ]
    }

    /// Makes the past; returns the number of the first campaign.
    private func prepare() async throws -> Int64 {
        let world = try BenchOperator(options)
        try await world.copy(to: directory)
        let platform = try await world.open(copy: directory)
        let past = BenchPast(platform: platform, subscribers: options.subscribers, seed: options.seed)
        try await platform.host.tick(platform.clock.now)
        let first = Int64(try await platform.host.nextCampaignNumber())
        let half = options.subscribers / 128
        for number in 0..<Self.waves {
            if number % 100 == 0 { options.note("wave \(number) of \(Self.waves)") }
            let slot = past.slot(daysAgo: 1 + Int((Self.waves - 1 - number) * 88 / Self.waves))
            let audience = past.audience(first + number, halvings: 6)
            let wave = try await past.wave(first + number, planned: slot, audience: audience, limit: half)
            if number % Self.delivered == 0 { try await past.deliver(wave, at: slot) }
        }
        options.note("\(Self.requests) requests")
        try await past.fillPool(from: first + Self.waves, count: Self.offers)
        try await past.requests(1..<Self.requests + 1)
        await platform.close()
        return first
    }
}
