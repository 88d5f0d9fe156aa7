// What every sandbox for queries of people must keep, as checks that run on each adapter.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
public import Ports
import Testing

/// The conformance kit of the ``QuerySandbox`` port.
///
/// The adapter brings its world: a view `subscriber` of a hundred subscribers with `idx` 0 to 99, `line_id` 1000 + `idx` and
/// `city`, 苏州 for even indices and 南京 for odd ones; a view `line` with the same `line_id` and `idx`; a view `contact`
/// with `idx` and `day` of the first twenty. Its sandbox runs under the promise's limits.
public struct QuerySandboxConformance: Sendable {
    private struct Stop: Error {}

    /// What a sandbox promises; each is one check.
    public enum Promise: CaseIterable, Sendable {
        case answers, checksWithoutRunning, refuses, points, hidesValues, stopsAtTime, stopsAtRows, isCancelled
        case answersTogether, passesErrorsOn

        /// Limits that the adapter's sandbox runs under: tight where a query is stopped, else wide on a busy machine.
        public var limits: OwnQueryLimits {
            switch self {
            case .stopsAtTime, .isCancelled: OwnQueryLimits(seconds: 2, rows: 1_000_000)
            case .answersTogether: OwnQueryLimits(seconds: 8, rows: 1_000_000)
            default: OwnQueryLimits(seconds: 20, rows: 1_000_000)
            }
        }
    }

    /// What is never finished.
    private static let endless =
        "WITH RECURSIVE a(idx) AS (SELECT 1 UNION ALL SELECT idx + 0 FROM a) SELECT count(*) AS idx FROM a"

    private let sandbox: any QuerySandbox

    /// Checks a sandbox over the world above.
    public init(_ sandbox: any QuerySandbox) { self.sandbox = sandbox }

    /// A query over the world above; `view` names a view of the warehouse.
    public static func query(_ text: String, view: (String) -> String) -> OwnQuery {
        OwnQuery(
            text,
            relations: [
                OwnRelation("subscriber", "SELECT idx, line_id, city FROM \(view("subscriber"))"),
                OwnRelation("contact", "SELECT idx, \"day\" FROM \(view("contact"))"),
            ],
            lines: "SELECT line_id, idx FROM \(view("line"))",
            views: ["subscriber", "contact", "line"]
        )
    }

    /// Checks one promise.
    public func keeps(_ promise: Promise) async throws {
        switch promise {
        case .answers: try await answers()
        case .checksWithoutRunning: try await checksWithoutRunning()
        case .refuses: try await refuses()
        case .points: try await points()
        case .hidesValues: try await hidesValues()
        case .stopsAtTime: try await stopsAtTime()
        case .stopsAtRows: try await stopsAtRows()
        case .isCancelled: try await isCancelled()
        case .answersTogether: try await answersTogether()
        case .passesErrorsOn: try await passesErrorsOn()
        }
        #expect(try await members("SELECT idx FROM subscriber").count == 100, "it works on after \(promise)")
    }

    private func query(_ text: String) -> OwnQuery { Self.query(text, view: sandbox.view) }

    private func members(_ text: String) async throws -> [Int64] {
        try await sandbox.subscribers(of: query(text), into: [Int64]()) { $0 += $1 }.sorted()
    }

    private func refusal(_ text: String, whenRun: Bool = true) async -> OwnQueryError? {
        await #expect(throws: OwnQueryError.self, "\(text)") {
            if whenRun { _ = try await members(text) } else { try await sandbox.check(query(text)) }
        }
    }

    // MARK: Promises

    /// The first column names subscribers, by index or by line; NULL names nobody.
    private func answers() async throws {
        for (text, expected) in [
            ("SELECT idx FROM subscriber WHERE city = '苏州' AND idx < 7", [0, 2, 4, 6]),
            ("SELECT line_id, city FROM subscriber WHERE line_id IN (1003, 1005)", [3, 5]),
            ("SELECT line_id FROM (SELECT 1099 AS line_id UNION ALL SELECT 7) AS lines", [99]),
            (
                "SELECT s.idx FROM subscriber s JOIN contact c ON c.idx = s.idx WHERE city = '南京' AND s.idx > 14",
                [15, 17, 19]
            ),
            ("SELECT CASE WHEN idx = 8 THEN idx END AS idx FROM subscriber", [8]),
            ("WITH few AS (SELECT idx FROM contact WHERE idx < 2) SELECT idx FROM few -- the first", [0, 1]),
            ("SELECT 123456 AS idx", [123_456]), ("SELECT idx FROM subscriber WHERE idx < 0", []),
        ] as [(String, [Int64])] {
            try await sandbox.check(query(text))
            #expect(try await members(text) == expected, "\(text)")
        }
    }

    private func checksWithoutRunning() async throws {
        try await sandbox.check(query(Self.endless))
        try await sandbox.check(query("SELECT idx FROM subscriber WHERE CAST(city AS BIGINT) = 1"))
    }

    /// What is not one SELECT over the relations is refused with its code, before it runs.
    private func refuses() async throws {
        for (code, texts) in [
            (
                "sql.not_one_select",
                ["", "DROP VIEW subscriber", "DELETE FROM subscriber", "SELECT 1 AS idx; SELECT 2 AS idx"]
            ),
            (
                "sql.syntax",
                ["SELECT", "SELECT idx FROM subscriber WHERE (", "SELECT idx FROM subscriber) AS x, (SELECT 1"]
            ),
            (
                "sql.unknown_table",
                ["SELECT idx FROM line", "SELECT idx FROM nothing", "SELECT idx FROM main.subscriber"]
            ),
            ("sql.wrong", ["SELECT idx FROM subscriber WHERE msisdn = 1"]),
            ("sql.first_column", ["SELECT city FROM subscriber", "SELECT city AS idx FROM subscriber"]),
            (
                "sql.unreadable",
                ["SELECT 1 AS idx\0", "SELECT 1 AS idx" + String(repeating: " ", count: OwnQueryLimits.characters)]
            ),
        ] {
            for text in texts {
                #expect(await refusal(text, whenRun: false)?.code == code, "\(text.prefix(80))")
                #expect(await refusal(text)?.code == code, "\(text.prefix(80))")
            }
        }
        if case .unknownTable(_, let readable)? = await refusal("SELECT idx FROM line")?.problem {
            #expect(Set(readable) == ["subscriber", "contact"])
        }
    }

    /// Places are UTF-16 code units of the text as it was written.
    private func points() async throws {
        for (text, wrong) in [
            ("SELECT idx FROM subscriber WHERE city = '苏州𠀀' AND idx IN (SELECT idx FROM line)", "line"),
            ("SELECT idx FROM subscriber WHERE city = '苏州𠀀' AND nope", "nope"),
        ] {
            let range = try #require(await refusal(text, whenRun: false)?.range, "\(text)")
            #expect(String(decoding: Array(text.utf16)[range], as: UTF16.self).hasSuffix(wrong), "\(text)")
        }
    }

    /// A query that fails on a value says so without the value.
    private func hidesValues() async throws {
        let error = await refusal("SELECT idx FROM subscriber WHERE CAST(city AS BIGINT) = 1")
        #expect(error?.code == "sql.value")
        for city in ["苏州", "南京"] { #expect(error?.message.en.contains(city) == false) }
    }

    private func stopsAtTime() async throws {
        #expect(await refusal(Self.endless)?.problem == .time(seconds: Promise.stopsAtTime.limits.seconds))
    }

    private func stopsAtRows() async throws {
        let (row, limit) = (
            "SELECT a.idx FROM subscriber a, subscriber b, subscriber c", Promise.stopsAtRows.limits.rows
        )
        #expect(try await members(row).count == limit)
        #expect(await refusal(row + " UNION ALL SELECT 1")?.problem == .rows(limit: limit))
    }

    private func isCancelled() async throws {
        let task = Task { try await members(Self.endless) }
        try await Task.sleep(for: .milliseconds(200))
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    /// Queries side by side do not see each other; one that never ends holds nobody up.
    private func answersTogether() async throws {
        async let stopped = refusal(Self.endless)
        let found = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for number in 0..<8 {
                group.addTask {
                    try await members(
                        "WITH a AS (SELECT \(number) AS n) SELECT idx FROM subscriber, a WHERE idx % 8 = n"
                    )
                }
            }
            return try await group.reduce(into: [[Int64]]()) { $0.append($1) }
        }
        #expect(Set(found.flatMap { $0 }).count == 100 && found.allSatisfy { Set($0.map { $0 % 8 }).count == 1 })
        #expect(await stopped?.code == "sql.time_limit")
    }

    private func passesErrorsOn() async throws {
        await #expect(throws: Stop.self) {
            try await sandbox.subscribers(of: query("SELECT idx FROM subscriber"), into: 0) { _, _ in throw Stop() }
        }
    }
}
