// Own SQL on DuckDB: the promises of the port, what only DuckDB understands, and its memory.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Foundation
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite(.serialized) struct OwnQueryTests {
    @Test(arguments: QuerySandboxConformance.Promise.allCases)
    func `keeps the promises of the port`(_ promise: QuerySandboxConformance.Promise) async throws {
        try await OwnQueryWorld.withSandbox(promise.limits) { (sandbox, _) async throws -> Void in
            try await QuerySandboxConformance(sandbox).keeps(promise)
        }
    }

    private static let endless = [
        "WITH RECURSIVE a(idx) AS (SELECT 1 UNION ALL SELECT idx + 0 FROM a) SELECT count(*) AS idx FROM a WHERE idx = 2",
        "SELECT count(*) AS idx FROM range(18000000) a, range(18000000) b WHERE a.range + b.range = 1.5",
        "SELECT sum(x.range % 7) AS idx FROM range(100000000000) x",
        "SELECT count(DISTINCT md5(CAST(range AS VARCHAR))) AS idx FROM range(100000000000)",
    ]

    @Test(.timeLimit(.minutes(10))) func `stops what runs for ever`() async throws {
        try await OwnQueryWorld.withSandbox(OwnQueryLimits(seconds: 2, rows: 1_000_000)) {
            (sandbox, _) async throws -> Void in
            for query in Self.endless {
                let error = await #expect(throws: OwnQueryError.self, "\(query)") {
                    try await OwnQueryWorld.sum(sandbox, query)
                }
                #expect(
                    ["sql.time_limit", "sql.memory_limit"].contains(error?.code ?? ""),
                    "\(query): \(String(describing: error))"
                )
            }
            let error = await #expect(throws: OwnQueryError.self) {
                try await OwnQueryWorld.sum(sandbox, "SELECT range AS idx FROM range(100000000)")
            }
            #expect(error?.problem == .rows(limit: 1_000_000))
            #expect(try await OwnQueryWorld.sum(sandbox, "SELECT idx FROM subscriber") == 4_950)
        }
    }

    /// The first would run for an hour, so whatever is answered meanwhile did not wait for it.
    @Test(.timeLimit(.minutes(10))) func `answers others while one runs for ever`() async throws {
        try await OwnQueryWorld.withSandbox(OwnQueryLimits(seconds: 3_600)) {
            (sandbox, warehouse) async throws -> Void in
            let running = Task { try await OwnQueryWorld.sum(sandbox, Self.endless[2]) }
            try await Task.sleep(for: .milliseconds(300))
            #expect(try await warehouse.integer(SQLText("SELECT count(*) FROM subscriber")) == 100)
            #expect(try await OwnQueryWorld.sum(sandbox, "SELECT idx FROM subscriber WHERE idx < 3") == 3)
            running.cancel()
            await #expect(throws: CancellationError.self) { try await running.value }
        }
    }

    @Test func `stops what takes more memory than it may`() async throws {
        try await OwnQueryWorld.withSandbox { (sandbox, warehouse) async throws -> Void in
            let error = await #expect(throws: OwnQueryError.self) {
                try await OwnQueryWorld.sum(
                    sandbox,
                    "SELECT max(n) AS idx FROM (SELECT row_number() OVER (ORDER BY md5(CAST(range AS VARCHAR))) AS n FROM range(30000000))"
                )
            }
            #expect(error?.code == "sql.memory_limit")
            #expect(try await warehouse.integer(SQLText("SELECT count(*) FROM subscriber")) == 100)
            #expect(try await OwnQueryWorld.sum(sandbox, "SELECT idx FROM subscriber") == 4_950)
        }
    }

    @Test func `answers queries by index and by line`() async throws {
        try await OwnQueryWorld.withSandbox { (sandbox, _) async throws -> Void in
            for (query, sum) in [
                ("SELECT idx FROM subscriber WHERE city = '苏州'", 2_450),
                ("select LINE_ID from SUBSCRIBER where idx < 10", 45),
                ("SELECT line_id, city FROM subscriber WHERE line_id = 1003 -- one", 3),
                ("FROM subscriber", 4_950), ("SELECT s.idx FROM subscriber s SEMI JOIN contact USING (idx)", 190),
                ("WITH few AS (SELECT idx FROM contact) SELECT idx FROM few WHERE idx < 4", 6),
                ("WITH subscriber AS (SELECT 7 AS idx) SELECT idx FROM subscriber", 7),
                ("SELECT idx FROM subscriber WHERE idx BETWEEN 3 AND 5 OR idx IN (9, 10) ORDER BY idx DESC", 31),
                ("SELECT idx FROM subscriber QUALIFY row_number() OVER (PARTITION BY city ORDER BY idx) = 1", 1),
                (
                    "SELECT NULL::BIGINT AS idx UNION ALL SELECT CASE WHEN city LIKE '苏%' THEN idx END FROM subscriber",
                    2_450
                ),
                (
                    "WITH RECURSIVE n(idx) AS (SELECT 1 UNION ALL SELECT idx + 1 FROM n WHERE idx < 4) SELECT idx FROM n",
                    10
                ),
                ("SELECT idx FROM contact GROUP BY idx HAVING max(\"day\") >= DATE '2026-01-02' + INTERVAL 17 DAY", 37),
                (
                    "SELECT CAST(count(*) AS BIGINT) AS idx FROM subscriber WHERE length(trim(city)) = 2 AND city IS NOT NULL",
                    100
                ),
                ("VALUES (1)", nil), ("SELECT idx FROM range(5) AS r(idx)", 10),
                ("(SELECT 1 AS idx) EXCEPT (SELECT 2)", 1),
            ] as [(String, Int64?)] {
                guard let sum else {
                    let error = await #expect(throws: OwnQueryError.self) {
                        try await sandbox.check(OwnQueryWorld.query(query))
                    }
                    #expect(error?.code == "sql.first_column")
                    continue
                }
                try await sandbox.check(OwnQueryWorld.query(query))
                #expect(try await OwnQueryWorld.sum(sandbox, query) == sum, "\(query)")
            }
        }
    }
}
