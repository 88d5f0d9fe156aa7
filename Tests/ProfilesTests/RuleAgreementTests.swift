// One meaning, three evaluators: random rules over random tables select the same rows as SQL, as columns and row by row.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Foundation
import Kernel
import Ports
import Profiles
import RuleSupport
import Rules
import Testing

@Suite struct RuleAgreementTests {
    private static let tables = 40
    private static let rulesPerTable = 100

    /// A warehouse in memory; the library is where `bin/setup` puts it.
    private func warehouse() async throws -> DuckDBWarehouse {
        let library = try DuckDBSettings.findLibrary(
            setting: ProcessInfo.processInfo.environment["GYRE_DUCKDB"],
            from: [String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/") ?? #filePath.endIndex))]
        )
        return try await DuckDBWarehouse.open(DuckDBSettings(library: library, connections: 1))
    }

    /// Rules as SQL of a warehouse.
    private func sql(_ warehouse: DuckDBWarehouse) -> RuleAgreement.Evaluator {
        { table, rules in
            for statement in table.setup(.duckdb) { try await warehouse.execute(statement) }
            let none = [[Int]](repeating: [], count: rules.count)
            return try await warehouse.query(table.query(rules, .duckdb), into: none) { members, batch in
                let (numbers, rows) = (try batch.integers(0), try batch.integers(1))
                for (number, row) in zip(numbers, rows) { members[Int(number)].append(Int(row)) }
            }.map { $0.sorted() }
        }
    }

    @Test func `SQL, columns and the row interpreter agree on random rules`() async throws {
        let seed = ProcessInfo.processInfo.environment["GYRE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
        let warehouse = try await warehouse()
        var agreement = RuleAgreement(seed: seed)
        for table in 0..<2 * Self.tables where table < Self.tables || !agreement.rare.isEmpty {
            try await agreement.run(
                rules: Self.rulesPerTable,
                evaluators: [("columns", RuleAgreement.columns), ("SQL", sql(warehouse))]
            )
        }
        await warehouse.close()
        print(agreement.coverageTable)
        print("\(agreement.cases) cases, \(agreement.telling) of them select 1 to 99 %; repeat with GYRE_SEED=\(seed)")
        for difference in agreement.differences.prefix(5) { Issue.record("GYRE_SEED=\(seed) \(difference)") }
        #expect(agreement.cases >= 2_000)
        #expect(agreement.telling * 2 >= agreement.cases)
        #expect(agreement.rare.isEmpty, "GYRE_SEED=\(seed)")
    }

    @Test func `scores agree too, to the micro-unit`() async throws {
        let seed = ProcessInfo.processInfo.environment["GYRE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
        let warehouse = try await warehouse()
        var random = SeededRandom(seed: seed)
        var compared = 0
        for _ in 0..<10 {
            let (table, scores) = try RuleAgreement.scores(30, random: &random)
            var interpreter = RowInterpreter(table)
            let profile = try table.profile()
            for statement in table.setup(.duckdb) { try await warehouse.execute(statement) }
            let none = [[Int64?]](repeating: Array(repeating: nil, count: table.rows), count: scores.count)
            let found = try await warehouse.query(table.query(scores, .duckdb), into: none) { found, batch in
                for row in 0..<batch.rowCount where !batch.columns[2].isNull(row) {
                    found[Int(try batch.integers(0)[row])][Int(try batch.integers(1)[row])] = try batch.integers(2)[row]
                }
            }
            for (number, score) in scores.enumerated() {
                let expected = (0..<table.rows).map { interpreter.micros(score.syntax.root, $0) }
                let columns = try profile.compile(score, today: table.today)
                let filled = RuleAgreement.filled(columns)
                #expect(found[number] == expected, "GYRE_SEED=\(seed) SQL: \(score.syntax.canonicalText)")
                #expect(filled == expected, "GYRE_SEED=\(seed) columns: \(score.syntax.canonicalText)")
                compared += expected.count { $0 != nil }
            }
        }
        await warehouse.close()
        #expect(compared > 5_000)
    }

    @Test func `SQL and the row interpreter agree on what subscribers did`() async throws {
        let seed = ProcessInfo.processInfo.environment["GYRE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
        let warehouse = try await warehouse()
        var agreement = RuleAgreement(seed: seed, behaviour: true)
        for table in 0..<60 where table < 30 || !agreement.rare.isEmpty {
            try await agreement.run(rules: 68, evaluators: [("SQL", sql(warehouse))])
        }
        await warehouse.close()
        print(agreement.coverageTable)
        print("\(agreement.cases) cases, \(agreement.telling) of them select 1 to 99 %; repeat with GYRE_SEED=\(seed)")
        for difference in agreement.differences.prefix(5) { Issue.record("GYRE_SEED=\(seed) \(difference)") }
        #expect(agreement.cases >= 2_000)
        #expect(agreement.telling * 2 >= agreement.cases)
        #expect(agreement.rare.isEmpty, "GYRE_SEED=\(seed)")
    }

    @Test(arguments: PlantedFault.ofBehaviour)
    func `a planted fault about behaviour is found within one run`(fault: PlantedFault) async throws {
        let warehouse = try await warehouse()
        var agreement = RuleAgreement(seed: 2026, behaviour: true)
        for _ in 0..<30 where agreement.differences.isEmpty {
            try await agreement.run(rules: 68, fault: fault, evaluators: [("SQL", sql(warehouse))])
        }
        await warehouse.close()
        #expect(!agreement.differences.isEmpty)
    }

    @Test func `columns refuse a rule about behaviour and name what they lack`() throws {
        var random = SeededRandom(seed: 1)
        let profile = try RuleTable(rows: 70, random: &random).profile()
        for text in [
            "did(contact)", "is_5g AND count(contact) > age", "remark = 'a' AND last(subscriber_month, fee) > 5",
        ] {
            let rule = try RuleWorld.scope.check(text)
            #expect(rule.uses.requiresWarehouse)
            let error = #expect(throws: ProfileError.self) {
                try profile.compile(rule, today: LocalDay(number: 20_000))
            }
            let cold = text.contains("remark") ? ["remark", "subscriber_month"] : ["contact"]
            #expect(error == .requiresWarehouse(attributes: cold))
        }
    }

    @Test(arguments: PlantedFault.allCases.filter { !PlantedFault.ofBehaviour.contains($0) })
    func `a planted fault is found within one run`(fault: PlantedFault) async throws {
        var agreement = RuleAgreement(seed: 2026)
        for _ in 0..<Self.tables where agreement.differences.isEmpty {
            try await agreement.run(
                rules: Self.rulesPerTable,
                fault: fault,
                evaluators: [("columns", RuleAgreement.columns)]
            )
        }
        #expect(!agreement.differences.isEmpty)
    }
}
