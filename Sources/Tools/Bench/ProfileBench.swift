// The part of bench segments that finds what sets a segment apart.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Assembly
import Foundation
import Kernel
import Model
import Planning
import Ports
import Profiles

/// Profiles segments of the operator of bench `generate`, over all its hot attributes.
struct ProfileBench {
    let options: BenchOptions
    private static let repetitions = 5

    func run() async throws -> [String: Double] {
        let folder = options.folder("segments") + "-operator"
        try await BenchOperator(options).copy(to: folder)
        let platform = try await BenchOperator(options).open(copy: folder)
        let today = LocalDay(year: 2026, month: 9, day: 16) ?? platform.clock.now.day
        var random = SeededRandom(seed: options.seed)
        var (times, attributes): ([Double], Int) = ([], 0)
        for _ in 0..<Self.repetitions {
            let rule = "arpu_avg_3m >= \(Int.random(in: 60...150, using: &random)) AND is_5g_terminal"
            options.note("profile of \(rule)")
            let members = try await platform.segments.members(rule, in: .all, today: today)
            let (profile, ms) = try await milliseconds {
                try await platform.segments.profile(of: members, in: .all, showsMasked: true, today: today)
            }
            times.append(ms / 1_000)
            attributes = profile.attributes.count
            try await check(profile, rule, platform)
        }
        await platform.close()
        return [
            "profile_s": times.max() ?? 0, "profile_p50_s": times.median, "profile_attributes": Double(attributes),
        ]
    }

    /// DuckDB counts the values of one attribute.
    private func check(_ profile: SegmentProfile, _ rule: String, _ platform: Platform) async throws {
        guard let brand = profile.attributes.first(where: { $0.attribute.code == "brand" })?.distribution else {
            throw BenchError.answersDiffer("the profile has no brand")
        }
        let sql =
            "SELECT brand, count(*), count(*) FILTER (WHERE \(rule)) FROM subscriber WHERE brand IS NOT NULL GROUP BY 1"
        for row in try await platform.warehouse.rows(SQLText(sql)) {
            guard case .text(let text) = row[0], let part = brand.parts.first(where: { $0.text == text }),
                row[1] == .integer(Int64(part.count.base)), row[2] == .integer(Int64(part.count.members))
            else { throw BenchError.answersDiffer("\(row) of brand for \(rule)") }
        }
    }
}
