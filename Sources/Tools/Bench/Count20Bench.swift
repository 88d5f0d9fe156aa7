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

/// Conditions whose constants lie where the values of the base lie.
private struct Conditions {
    private static let ofAttributes = 16
    private static let ofSets = 4
    private let hot: [(attribute: Attribute, spread: ColumnDistribution)]
    private let coldOnes: [(attribute: Attribute, spread: ColumnDistribution)]

    init(_ segments: Segments, today: LocalDay) async throws {
        var found: [(Attribute, ColumnDistribution)] = []
        for attribute in try await segments.catalogue().attributes where attribute.type != .text {
            if let spread = try await segments.distribution(of: attribute, in: .all, today: today),
                spread.total.base > 0
            {
                found.append((attribute, spread))
            }
        }
        hot = found.filter { $0.0.isHot }
        coldOnes = found.filter { !$0.0.isHot }
    }

    /// One condition on a hot attribute.
    func one(_ random: inout SeededRandom) -> String {
        let (attribute, spread) = hot[Int.random(in: 0..<hot.count, using: &random)]
        return condition(attribute, spread, &random)
    }

    /// Twenty conditions, four of them sets, nested by AND, OR and NOT.
    func rule(_ sets: [String], _ random: inout SeededRandom) -> String {
        var parts = (0..<Self.ofAttributes).map { _ in one(&random) }
        parts += sets.shuffled(using: &random).prefix(Self.ofSets).map {
            Bool.random(using: &random) ? $0 : "NOT \($0)"
        }
        return tree(parts.shuffled(using: &random), isAnd: false, &random)
    }

    /// The same with one of the conditions on a cold attribute.
    func cold(_ sets: [String], _ random: inout SeededRandom) throws -> String {
        guard let (attribute, spread) = coldOnes.first(where: { $0.attribute.isNumber }) else {
            throw BenchError.answersDiffer("the operator has no cold number")
        }
        var parts = (0..<Self.ofAttributes - 1).map { _ in one(&random) }
        parts.append(condition(attribute, spread, &random))
        parts += sets.shuffled(using: &random).prefix(Self.ofSets)
        return tree(parts.shuffled(using: &random), isAnd: false, &random)
    }

    private func tree(_ parts: [String], isAnd: Bool, _ random: inout SeededRandom) -> String {
        guard parts.count > 1 else { return parts[0] }
        let groups = Int.random(in: 2...min(4, parts.count), using: &random)
        let bounds = (0...groups).map { parts.count * $0 / groups }
        let texts = (0..<groups).map { tree(Array(parts[bounds[$0]..<bounds[$0 + 1]]), isAnd: !isAnd, &random) }
        let text = "(\(texts.joined(separator: isAnd ? " AND " : " OR ")))"
        return Int.random(in: 0..<8, using: &random) == 0 ? "NOT \(text)" : text
    }

    private func condition(_ attribute: Attribute, _ spread: ColumnDistribution, _ random: inout SeededRandom) -> String
    {
        switch attribute.type {
        case .flag: return Bool.random(using: &random) ? attribute.code : "NOT \(attribute.code)"
        case .enumeration, .text:
            let texts = spread.parts.compactMap(\.text).shuffled(using: &random)
            let chosen = texts.prefix(Int.random(in: 1...max(1, texts.count * 2 / 3), using: &random))
            let list = chosen.map { SQLDialect.duckdb.quoted(literal: $0) }.joined(separator: ", ")
            return "\(attribute.code) \(Bool.random(using: &random) ? "" : "NOT ")IN (\(list))"
        case .integer, .decimal, .day:
            guard let quantiles = spread.baseQuantiles else { return "\(attribute.code) IS NULL" }
            func literal(_ place: Int) -> String { attribute.literal(quantiles.values[place]) }
            let place = Int.random(in: 0..<quantiles.values.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: return "\(attribute.code) BETWEEN \(literal(0)) AND \(literal(3))"
            case 1: return "\(attribute.code) IS NOT NULL"
            case 2...4: return "\(attribute.code) < \(literal(place))"
            default: return "\(attribute.code) >= \(literal(place))"
            }
        }
    }
}

extension Attribute {
    fileprivate var isNumber: Bool {
        switch type {
        case .integer, .decimal: true
        default: false
        }
    }

    fileprivate func literal(_ value: Int64) -> String {
        switch type {
        case .decimal(let scale): Scaled(unscaled: value, scale: scale).description
        case .day: "DATE '\(LocalDay(number: Int32(truncatingIfNeeded: value)).iso)'"
        default: "\(value)"
        }
    }
}
