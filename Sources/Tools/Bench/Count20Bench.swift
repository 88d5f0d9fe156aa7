// bench count20: counts by rules of twenty nested conditions, four of them lists and audiences, beside DuckDB.
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
import Profiles
import Rules

/// Counts as the console does, over the operator of bench `generate`.
struct Count20Bench {
    let options: BenchOptions
    private static let repetitions = 200
    /// Counts that DuckDB makes as well.
    private static let compared = 20
    private static let audiences = 4

    private let today = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)

    func run() async throws -> [String: Double] {
        let folder = options.folder("count20")
        try await BenchOperator(options).copy(to: folder)
        var platform = try await BenchOperator(options).open(copy: folder)
        var random = SeededRandom(seed: options.seed)
        let conditions = try await Conditions(platform.segments, today: today)
        options.note("\(Self.audiences) audiences")
        let audiences = try await audiences(platform, conditions, &random)
        let sets = try await sets(platform) + audiences

        var (times, rules): ([Double], [(rule: String, count: Int)]) = ([], [])
        for _ in 0..<Self.repetitions {
            let rule = conditions.rule(sets, &random)
            let (count, ms) = try await milliseconds {
                try await platform.segments.count(rule, in: .all, today: today)
            }
            times.append(ms)
            rules.append((rule, count))
        }
        let selective = rules.filter { (1..<options.subscribers).contains($0.count) }
        guard selective.count >= Self.repetitions / 2 else {
            throw BenchError.answersDiffer("only \(selective.count) rules select some, so they measure nothing")
        }
        await platform.close()

        options.note("the first count on a cold attribute")
        platform = try await BenchOperator(options).open(copy: folder)
        let cold = try conditions.cold(sets, &random)
        let (coldCount, coldMs) = try await milliseconds {
            try await platform.segments.count(cold, in: .all, today: today)
        }
        options.note("DuckDB counts \(Self.compared) of them")
        let asked = Array(rules.prefix(Self.compared)) + [(cold, coldCount)]
        let peer = try await duckDB(platform, asked)
        await platform.close()
        return [
            "p95_ms": times.percentile(0.95), "p50_ms": times.median, "cold_s": coldMs / 1_000,
            "duckdb_p95_ms": peer.dropLast().percentile(0.95), "duckdb_cold_s": (peer.last ?? 0) / 1_000,
            "ratio": peer.dropLast().percentile(0.95) / Array(times.prefix(Self.compared)).percentile(0.95),
            "repetitions": Double(Self.repetitions), "compared": Double(Self.compared), "conditions": 20,
            "selective": Double(selective.count), "seed": Double(options.seed),
        ]
    }

    /// Special lists that somebody is on.
    private func sets(_ platform: Platform) async throws -> [String] {
        let lists = try await platform.host.read { state in state.lists.filter { !$0.value.isEmpty }.map(\.key.code) }
        return Set(lists).intersection(ListID.standardCodes).sorted().map { "on_list('\($0)')" }
    }

    private func audiences(
        _ platform: Platform,
        _ conditions: Conditions,
        _ random: inout SeededRandom
    ) async throws -> [String] {
        let staff = Staff(login: "bench", name: "bench", role: .planner)
        let now = platform.clock.now.instant
        var found: [String] = []
        for number in 0..<Self.audiences {
            let rule = "\(conditions.one(&random)) AND \(conditions.one(&random))"
            let segment = Segment(name: "bench \(number)", rule: rule, owner: "bench", scope: .all, updatedAt: now)
            let saved = try await platform.segments.save(segment, by: staff, today: today, at: now)
            _ = try await platform.segments.compute(saved, by: "bench", today: today, at: now)
            found.append("in_audience('bench \(number)')")
        }
        return found
    }

    // MARK: DuckDB

    /// Milliseconds of each count over the same Parquet files; sets are tables that were made before.
    private func duckDB(_ platform: Platform, _ rules: [(rule: String, count: Int)]) async throws -> [Double] {
        let scope = try await scope(platform)
        let checked = try rules.map { (try scope.check($0.rule), $0.count) }
        var sets: [Membership: Bitset] = [:]
        for membership in Set(checked.flatMap { $0.0.uses.memberships }) {
            sets[membership] = try await members(membership, platform)
        }
        let (subscribers, today) = (options.subscribers, today)
        return try await platform.warehouse.transaction { [sets] session in
            for kind in MembershipKind.allCases {
                let (table, key) = kind.table
                let fields = [WarehouseField(key, .text), WarehouseField("idx", .integer)]
                try await session.execute(session.dialect.dropTable(table))
                try await session.execute(session.dialect.createTable(table, fields))
                for (membership, set) in sets where membership.kind == kind {
                    var indices: [Int64] = []
                    set.forEach { indices.append(Int64($0)) }
                    let names = TextColumn(repeatElement(membership.name, count: indices.count))
                    let columns = [ColumnData(.texts(names)), ColumnData(.integers(indices))]
                    let batch = ColumnBatch(fields: fields, columns: columns)
                    try await session.ingest(into: table, fields: fields, from: InMemoryBatches([batch]))
                }
            }
            var times: [Double] = []
            for (rule, count) in checked {
                let condition = rule.sql(session.dialect, today: today).text
                let sql = SQLText("SELECT count(*) FROM subscriber WHERE \(condition)", dialect: session.dialect)
                let (found, ms) = try await milliseconds { try await session.integer(sql) }
                guard found == Int64(count) else {
                    throw BenchError.answersDiffer("\(rule.syntax.text): \(count) and \(found ?? -1) of \(subscribers)")
                }
                times.append(ms)
            }
            return times
        }
    }

    private func scope(_ platform: Platform) async throws -> RuleScope {
        var scope = try await platform.segments.scope()
        scope.audiences = Set((0..<Self.audiences).map { "bench \($0)" })
        return scope
    }

    private func members(_ membership: Membership, _ platform: Platform) async throws -> Bitset {
        try await platform.segments.members(
            "\(membership.kind.function)('\(membership.name)')",
            in: .all,
            today: today
        )
    }
}
