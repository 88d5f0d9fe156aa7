// Own SQL against people who try to get out of it: each attempt ends with a typed error, and others are answered.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Foundation
import Kernel
import Model
import Ports
import Testing

@Suite(.serialized) struct OwnQueryTests {
    // MARK: Refused

    /// Code of the error, and queries that get it.
    private static let attacks: [(String, [String])] = [
        (
            "sql.not_one_select",
            [
                "INSERT INTO subscriber VALUES (1, 2, 'a')", "UPDATE subscriber SET city = 'x'",
                "DELETE FROM subscriber",
                "CREATE TABLE t (idx BIGINT)", "CREATE VIEW subscriber AS SELECT 1", "CREATE MACRO lower(x) AS 1",
                "CREATE OR REPLACE TEMP TABLE t AS SELECT 1", "DROP TABLE subscriber", "DROP VIEW line",
                "ALTER VIEW line RENAME TO l", "TRUNCATE subscriber", "ATTACH '/tmp/own.duckdb'", "DETACH memory",
                "USE memory", "COPY (SELECT 1) TO '/tmp/own.csv'", "COPY subscriber FROM '/etc/passwd'",
                "EXPORT DATABASE '/tmp/own'", "IMPORT DATABASE '/tmp/own'", "INSTALL httpfs", "LOAD httpfs",
                "PRAGMA database_list", "PRAGMA memory_limit = '100GB'", "SET memory_limit = '100GB'",
                "SET VARIABLE a = 1", "RESET memory_limit", "CALL pragma_version()", "BEGIN TRANSACTION", "COMMIT",
                "ROLLBACK", "CHECKPOINT", "VACUUM", "ANALYZE", "PREPARE a AS SELECT 1", "EXECUTE a", "EXPLAIN SELECT 1",
                "MERGE INTO subscriber USING contact ON true WHEN MATCHED THEN DELETE",
                "SELECT idx FROM subscriber; DROP VIEW subscriber", "SELECT 1 AS idx; SELECT 2 AS idx",
                "SELECT 1 AS idx; /* x */ SELECT 2", "", "  -- nothing\n", ";",
                "SELECT * FROM (PIVOT subscriber ON city USING count(*))",
            ]
        ),
        (
            "sql.syntax",
            [
                "SELECT", "SELECT idx FRM subscriber WHERE", "SELECT idx FROM subscriber) AS own(member), (SELECT 1",
                "SELECT idx FROM subscriber /* open", "SELECT 'open", "SELECT idx FROM subscriber WHERE (",
                "SELECT idx FROM subscriber) UNION SELECT 1 FROM (SELECT 1", "SELECT \"open FROM subscriber",
                "sElEcT \u{2028}(",
            ]
        ),
        (
            "sql.unknown_table",
            [
                "SELECT idx FROM line", "SELECT * FROM other", "SELECT * FROM main.subscriber",
                "SELECT * FROM temp.subscriber", "SELECT * FROM temp.main.subscriber", "SELECT * FROM memory.main.line",
                "SELECT * FROM \"temp\".\"line\"", "SELECT * FROM 'people.csv'", "SELECT * FROM '/etc/passwd'",
                "SELECT * FROM \"/etc/hosts.csv\"", "SELECT * FROM 'https://example.com/a.parquet'",
                "SELECT * FROM sqlite_master", "SELECT * FROM information_schema.tables", "SELECT * FROM duckdb_tables",
                "SELECT * FROM pg_catalog.pg_class", "SELECT * FROM pragma_database_list", "TABLE line",
                "SELECT * FROM \"SUBSCRIBER \"", "SELECT * FROM ѕubscriber",
                "SELECT 1 AS idx WHERE EXISTS (FROM line)", "SELECT (SELECT max(idx) FROM line) AS idx",
                "SELECT 1 FROM subscriber s, (WITH line AS (SELECT 1) SELECT * FROM line) x, line",
                "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
                "WITH line AS (SELECT * FROM line) SELECT idx FROM line", "SELECT 1 UNION ALL SELECT idx FROM line",
                "SELECT idx FROM subscriber ORDER BY (SELECT max(idx) FROM line)",
                "SELECT idx FROM subscriber LIMIT (SELECT 1 FROM line)", "VALUES ((SELECT max(idx) FROM line))",
                "SELECT count(*) FILTER (WHERE EXISTS (FROM line)) AS idx FROM subscriber",
            ]
        ),
        (
            "sql.function",
            [
                "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')",
                "SELECT * FROM read_blob('/etc/passwd')", "SELECT * FROM read_parquet('*.parquet')",
                "SELECT * FROM read_json('/etc/x.json')", "SELECT * FROM glob('/etc/*')",
                "SELECT * FROM duckdb_settings()",
                "SELECT * FROM duckdb_secrets()", "SELECT * FROM query('SELECT 1')",
                "SELECT * FROM query_table('line')",
                "SELECT * FROM json_execute_serialized_sql('{}')", "SELECT * FROM sniff_csv('/etc/passwd')",
                "SELECT * FROM main.range(3)", "SELECT * FROM parquet_metadata('a')", "SELECT * FROM seq_scan('a')",
                "SELECT * FROM pragma_table_info('line')", "SELECT * FROM unnest([1])", "SELECT * FROM checkpoint()",
                "SELECT getenv('HOME') AS idx", "SELECT current_setting('memory_limit') AS idx",
                "SELECT getvariable('a') AS idx", "SELECT nextval('a') AS idx",
                "SELECT system.main.getenv('HOME') AS idx",
                "SELECT current_user AS idx", "SELECT current_query() AS idx", "SELECT version() AS idx",
                "SELECT txid_current() AS idx", "SELECT random() AS idx", "SELECT now() AS idx",
                "SELECT current_date AS idx",
                "SELECT write_log('a') AS idx", "SELECT pg_sleep(100) AS idx", "SELECT sleep_ms(100000) AS idx",
                "SELECT length(repeat('x', 4000000000)) AS idx", "SELECT length('a' || 'b') AS idx",
                "SELECT lpad('a', 4000000000, 'b') AS idx",
                "SELECT \"GetEnv\"('HOME') AS idx", "SELECT list(idx) AS idx FROM subscriber",
                "SELECT idx FROM subscriber WHERE error(city) IS NULL",
                "SELECT concat(city, city) AS idx FROM subscriber",
                "SELECT json_serialize_sql('SELECT 1') AS idx", "SELECT [1, 2] AS idx", "SELECT {'a': 1} AS idx",
            ]
        ),
        (
            "sql.not_offered",
            [
                "DESCRIBE subscriber", "SHOW TABLES", "SUMMARIZE subscriber", "SELECT * FROM (DESCRIBE line)",
                "WITH a AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM a", "SELECT ? AS idx",
                "SELECT $1 AS idx",
                "WITH a AS (DELETE FROM subscriber RETURNING *) SELECT * FROM a",
                "SELECT idx FROM subscriber TABLESAMPLE 10%", "SELECT idx FROM subscriber USING SAMPLE 5",
                "SELECT idx FROM subscriber AT (VERSION => 1)", "SELECT x -> 'a' AS idx FROM subscriber",
                "SELECT idx::regclass FROM subscriber", "SELECT ARRAY[1] AS idx", "SELECT idx[1] FROM subscriber",
                "UNPIVOT subscriber ON city", "SELECT city COLLATE nocase AS idx FROM subscriber",
                "SELECT DEFAULT AS idx",
                "SELECT TRY(idx) AS idx FROM subscriber", "SELECT CAST('{}' AS JSON) AS idx",
            ]
        ),
        (
            "sql.whole_row", ["SELECT subscriber AS idx FROM subscriber", "SELECT s AS idx FROM (SELECT 1) s"]
        ),
        (
            "sql.wrong",
            [
                "SELECT idx FROM subscriber WHERE nope = 1", "SELECT msisdn AS idx FROM subscriber",
                "SELECT filename AS idx FROM subscriber", "SELECT idx FROM contact WHERE idx IN (SELECT 'a')",
                "SELECT rowid AS idx FROM subscriber",
            ]
        ),
        (
            "sql.first_column", ["SELECT city FROM subscriber", "SELECT city AS idx FROM subscriber", "SELECT 1"]
        ),
        (
            "sql.too_complex",
            [
                "SELECT " + String(repeating: "(", count: 5_000) + "1" + String(repeating: ")", count: 5_000),
                "SELECT idx FROM " + String(repeating: "(SELECT idx FROM ", count: 1_000) + "subscriber"
                    + String(repeating: ")", count: 1_000),
                "SELECT 1" + String(repeating: "+1", count: 9_000),
                "SELECT " + String(repeating: "NOT ", count: 4_000) + "true",
                "SELECT 1" + String(repeating: " UNION SELECT 1", count: 1_200),
                doubling("SELECT x.idx FROM %@ x, %@ y"),
                doubling("SELECT *, * FROM %@"), "SELECT 1 AS idx WHERE 'a' LIKE '%a%a%a%a%a%a%b'",
                "SELECT 1 AS idx WHERE '" + String(repeating: "a", count: 5_000) + "' = ''",
            ]
        ),
        (
            "sql.unreadable",
            ["SELECT 1 AS idx\0", "SELECT\u{7} 1", String(repeating: " ", count: 20_001), "SELECT \u{85}1"]
        ),
    ]

    private static func doubling(_ step: String) -> String {
        let steps = (1...30).map { "c\($0) AS (\(step.replacing("%@", with: "c\($0 - 1)")))" }
        return "WITH c0 AS (SELECT idx FROM subscriber), \(steps.joined(separator: ", ")) SELECT idx FROM c30"
    }

    @Test(arguments: attacks.indices)
    func `refuses what reaches outside, with its code`(_ group: Int) async throws {
        let (code, queries) = Self.attacks[group]
        try await withSandbox { (sandbox, _) async throws -> Void in
            for query in queries {
                let start = ContinuousClock.now
                let error = await #expect(throws: OwnQueryError.self, "\(query.prefix(200))") {
                    try await sandbox.subscribers(of: Self.query(query), into: 0) { $0 += $1.count }
                }
                #expect(error?.code == code, "\(query.prefix(200)): \(error?.description ?? "")")
                if let error { #expect(!error.message.zh.isEmpty && !error.message.en.isEmpty) }
                await #expect(throws: OwnQueryError.self) { try await sandbox.check(Self.query(query)) }
                #expect(ContinuousClock.now - start < .seconds(20), "\(query.prefix(200))")
            }
            #expect(try await Self.sum(sandbox, "SELECT idx FROM subscriber") == 4_950)
        }
    }

    // MARK: Stopped

    private static let tight = OwnQueryLimits(seconds: 2, rows: 1_000_000)

    @Test func `stops what runs for ever, while others are answered`() async throws {
        try await withSandbox(Self.tight) { (sandbox, warehouse) async throws -> Void in
            for query in [
                "WITH RECURSIVE a(idx) AS (SELECT 1 UNION ALL SELECT idx + 0 FROM a) SELECT count(*) AS idx FROM a WHERE idx = 2",
                "SELECT count(*) AS idx FROM range(18000000) a, range(18000000) b WHERE a.range + b.range = 1.5",
                "SELECT sum(x.range % 7) AS idx FROM range(100000000000) x",
                "SELECT count(DISTINCT md5(CAST(range AS VARCHAR))) AS idx FROM range(100000000000)",
            ] {
                let start = ContinuousClock.now
                async let stopped = #expect(throws: OwnQueryError.self, "\(query)") {
                    try await Self.sum(sandbox, query)
                }
                try await Task.sleep(for: .milliseconds(300))
                let asked = ContinuousClock.now
                #expect(try await warehouse.integer(SQLText("SELECT count(*) FROM subscriber")) == 100)
                #expect(try await Self.sum(sandbox, "SELECT idx FROM subscriber WHERE idx < 3") == 3)
                #expect(ContinuousClock.now - asked < .seconds(2), "\(query)")
                let error = await stopped
                #expect(
                    ["sql.time_limit", "sql.memory_limit"].contains(error?.code ?? ""),
                    "\(query): \(String(describing: error))"
                )
                #expect(ContinuousClock.now - start < .seconds(6), "\(query)")
            }
            let error = await #expect(throws: OwnQueryError.self) {
                try await Self.sum(sandbox, "SELECT range AS idx FROM range(100000000)")
            }
            #expect(error?.problem == .rows(limit: 1_000_000))
            #expect(try await Self.sum(sandbox, "SELECT idx FROM subscriber") == 4_950)
        }
    }

    @Test func `stops what takes more memory than it may`() async throws {
        try await withSandbox { (sandbox, warehouse) async throws -> Void in
            let error = await #expect(throws: OwnQueryError.self) {
                try await Self.sum(
                    sandbox,
                    "SELECT max(n) AS idx FROM (SELECT row_number() OVER (ORDER BY md5(CAST(range AS VARCHAR))) AS n FROM range(30000000))"
                )
            }
            #expect(error?.code == "sql.memory_limit")
            #expect(try await warehouse.integer(SQLText("SELECT count(*) FROM subscriber")) == 100)
            #expect(try await Self.sum(sandbox, "SELECT idx FROM subscriber") == 4_950)
        }
    }

    @Test func `stops when its task is cancelled`() async throws {
        try await withSandbox { (sandbox, _) async throws -> Void in
            let task = Task { try await Self.sum(sandbox, "SELECT sum(x.range % 7) AS idx FROM range(100000000000) x") }
            try await Task.sleep(for: .milliseconds(300))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
    }

    // MARK: Answered

    @Test func `answers queries by index and by line`() async throws {
        try await withSandbox { (sandbox, _) async throws -> Void in
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
                    let error = await #expect(throws: OwnQueryError.self) { try await sandbox.check(Self.query(query)) }
                    #expect(error?.code == "sql.first_column")
                    continue
                }
                try await sandbox.check(Self.query(query))
                #expect(try await Self.sum(sandbox, query) == sum, "\(query)")
            }
        }
    }

    @Test func `points at the character that is wrong`() async throws {
        try await withSandbox { (sandbox, _) async throws -> Void in
            for (query, wrong) in [
                ("SELECT idx FROM subscriber WHERE city = '苏州' AND idx IN (SELECT idx FROM line)", "line"),
                ("SELECT idx FROM subscriber WHERE city = '苏州' AND getenv('a') = 'b'", "getenv('a')"),
                ("SELECT idx FROM subscriber WHERE city = '苏州' AND nope", "nope"),
            ] {
                let error = await #expect(throws: OwnQueryError.self) { try await sandbox.check(Self.query(query)) }
                let units = Array(query.utf16)
                let range = try #require(error?.range, "\(query)")
                #expect(String(decoding: units[range], as: UTF16.self).hasSuffix(wrong), "\(query)")
            }
        }
    }

    // MARK: By chance

    @Test func `nothing made of pieces of attacks gets out`() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        let pieces = [
            "SELECT", "idx", "*", "FROM", "subscriber", "line", "contact", "(", ")", ",", ";", "--", "/*", "*/", "'",
            "\"", "WHERE",
            "WITH", "a", "AS", "UNION", "ALL", "read_csv('/etc/passwd')", "getenv('HOME')", "main.", "temp.", "DROP",
            "VIEW", "JOIN",
            "USING (idx)", "1", "=", "\n", "range(3)", "EXISTS", "own", "member", "LIMIT 1", "$$", "\\", "E'\\''",
            "::BIGINT",
        ]
        try await withSandbox(OwnQueryLimits(seconds: 5)) { (sandbox, warehouse) async throws -> Void in
            var answered = 0
            for round in 0..<400 {
                var parts: [String] = round % 2 == 0 ? ["SELECT idx FROM subscriber"] : []
                for _ in 0..<Int(random.next() % 8) { parts.append(pieces[Int(random.next() % UInt64(pieces.count))]) }
                let text = parts.joined(separator: " ")
                do {
                    _ = try await Self.sum(sandbox, text)
                    answered += 1
                    for word in ["read_csv", "getenv", "main.", "temp."] where text.contains(word) {
                        // What was answered may name them only where they are no SQL: in texts and comments.
                        #expect(["--", "/*", "'", "\"", "$$"].contains { text.contains($0) }, "seed \(seed): \(text)")
                    }
                } catch is OwnQueryError {
                } catch {
                    Issue.record("seed \(seed): \(text): \(error)")
                }
            }
            #expect(answered > 0, "seed \(seed)")
            #expect(try await warehouse.integer(SQLText("SELECT count(*) FROM subscriber")) == 100)
            #expect(try await Self.sum(sandbox, "SELECT idx FROM subscriber") == 4_950)
        }
    }

    // MARK: World

    private static func query(_ text: String) -> OwnQuery {
        OwnQuery(
            text,
            relations: [
                OwnRelation("subscriber", "SELECT idx, line_id, city FROM temp.subscriber"),
                OwnRelation("contact", "SELECT idx, \"day\" FROM temp.contact"),
            ],
            lines: "SELECT line_id, idx FROM temp.line",
            views: ["subscriber", "contact", "line"]
        )
    }

    private static func sum(_ sandbox: DuckDBSandbox, _ text: String) async throws -> Int64 {
        try await sandbox.subscribers(of: query(text), into: Int64(0)) { sum, indices in sum += indices.reduce(0, +) }
    }

    /// A hundred subscribers, of which the first twenty were contacted, each one day later.
    private func withSandbox(
        _ limits: OwnQueryLimits = OwnQueryLimits(seconds: 20),
        _ body: (DuckDBSandbox, DuckDBWarehouse) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "own-\(UUID().uuidString)")
            .path(percentEncoded: false)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let library = try DuckDBSettings.findLibrary(
            setting: ProcessInfo.processInfo.environment["GYRE_DUCKDB"],
            from: [FileManager.default.currentDirectoryPath, String(#filePath)]
        )
        let warehouse = try await DuckDBWarehouse.open(DuckDBSettings(library: library, allowedDirectories: [folder]))
        let people = """
            SELECT range AS idx, 1000 + range AS line_id, '138' || range AS msisdn,
            CASE WHEN range % 2 = 0 THEN '苏州' ELSE '南京' END AS city FROM range(100)
            """
        let contacts =
            "SELECT range AS idx, CAST(DATE '2026-01-01' + CAST(range AS INTEGER) AS DATE) AS \"day\" FROM range(20)"
        try await warehouse.exportParquet(SQLText(people), to: folder + "/people.parquet")
        try await warehouse.exportParquet(SQLText(contacts), to: folder + "/contacts.parquet")
        for (view, columns, file) in [
            ("subscriber", "*", "people"), ("line", "line_id, idx", "people"), ("contact", "*", "contacts"),
        ] {
            let sql = "CREATE VIEW \(view) AS SELECT \(columns) FROM read_parquet(['\(folder)/\(file).parquet'])"
            try await warehouse.execute(SQLText(sql))
        }
        var settings = DuckDBSettings(
            library: library,
            memoryLimitBytes: 100 << 20,
            threads: 1,
            allowedDirectories: [folder]
        )
        settings.temporaryDirectory = folder + "/spill"
        settings.temporaryLimitBytes = 20 << 20
        settings.connections = 2
        let sandbox = DuckDBSandbox(warehouse, settings, limits: limits)
        do { try await body(sandbox, warehouse) } catch {
            await sandbox.close()
            await warehouse.close()
            throw error
        }
        await sandbox.close()
        await warehouse.close()
    }
}
