// bench behaviour: segments that ask what subscribers did, over the loaded tables of a synthetic operator.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Kernel
import Model
import Planning
import Ports

struct BehaviourBench {
    let options: BenchOptions
    private static let repetitions = 5

    /// Name of the figure, and the rule; numbers are drawn anew for each repetition.
    private static func rules(_ random: inout SeededRandom) -> [(key: String, rule: String)] {
        let (days, count, months) = (
            Int.random(in: 30...90, using: &random), Int.random(in: 2...3, using: &random),
            Int.random(in: 1...3, using: &random)
        )
        return [
            ("did_ms", "did(contact, channel = 'sms' AND kind = 'marketing', within \(days) days)"),
            ("not_ms", "NOT did(contact, kind = 'marketing', within \(months) months)"),
            ("count_ms", "count(contact, channel = 'sms' AND kind = 'marketing', within \(days) days) >= \(count)"),
            ("sum_ms", "sum(subscriber_month, fee_total, within 3 months) / 3 >= \(days)"),
            ("last_ms", "last(contact, outcome, kind = 'marketing') = 'refused'"),
            ("beside_ms", "sum(subscriber_month, fee_total, within 3 months) > arpu_avg_3m * 2"),
            ("interest_ms", "did(interest, product = '视频会员' AND demand >= 50 AND rejection <= \(days))"),
            ("complaint_ms", "count(complaint, NOT resolved, within \(months) months) >= 1 AND arpu_avg_3m >= \(days)"),
        ]
    }

    func run() async throws -> [String: Double] {
        let world = try BenchOperator(options)
        try await world.prepare()
        let platform = try await world.open()
        let today = LocalDay(year: 2026, month: 9, day: 16) ?? platform.clock.now.day
        var random = SeededRandom(seed: options.seed)
        var times: [String: [Double]] = [:]
        for repetition in 0..<Self.repetitions {
            for (key, rule) in Self.rules(&random) {
                let (count, ms) = try await milliseconds {
                    try await platform.segments.count(rule, in: .all, today: today)
                }
                guard (1..<options.subscribers).contains(count) else {
                    throw BenchError.answersDiffer("\(rule) selects \(count), so it measures nothing")
                }
                options.note("\(repetition): \(count) in \(Int(ms)) ms: \(rule)")
                times[key, default: []].append(ms)
            }
        }
        let contacts = try await platform.warehouse.integer(SQLText("SELECT count(*) FROM contact"))
        await platform.close()
        var results = times.mapValues(\.median)
        results["contacts"] = Double(contacts ?? 0)
        results["repetitions"] = Double(Self.repetitions)
        results["seed"] = Double(options.seed)
        return results
    }
}
