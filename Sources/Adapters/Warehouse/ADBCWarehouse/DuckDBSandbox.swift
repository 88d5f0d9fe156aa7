// Own queries on a DuckDB of their own, which holds nothing but views of the loaded files.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import Kernel
public import Ports

/// Runs own queries on an engine beside the warehouse: with its own memory, threads and connections.
///
/// The engine parses a query without running it; the tree is checked against what is offered; the text that runs is
/// parsed once more with its frame, and must be that frame with that tree in its place.
public final class DuckDBSandbox: QuerySandbox {
    private let warehouse: DuckDBWarehouse
    private let engine: SandboxEngine
    private let limits: OwnQueryLimits

    public var dialect: SQLDialect { .duckdb }

    /// A sandbox over the views of a warehouse; its engine opens at the first query.
    ///
    /// - Parameters:
    ///   - warehouse: Has the views.
    ///   - settings: Of the engine; its allowed directories are those of the files that the views read.
    ///   - limits: Of each query.
    public init(_ warehouse: DuckDBWarehouse, _ settings: DuckDBSettings, limits: OwnQueryLimits = OwnQueryLimits()) {
        self.warehouse = warehouse
        self.limits = limits
        engine = SandboxEngine(settings)
    }

    /// Waits for running queries and closes the engine.
    public func close() async { await engine.close() }

    public func view(_ name: String) -> String { "temp." + dialect.quoted(identifier: name) }

    public func check(_ query: OwnQuery) async throws {
        try await run(query) { _, _ in }
    }

    public func subscribers<Result: Sendable>(
        of query: OwnQuery,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, [Int64]) throws -> Void
    ) async throws -> Result {
        let limit = limits.rows
        return try await run(query) { session, sql in
            try await session.query(sql, into: (rows: 0, result: initial)) { state, batch in
                state.rows += batch.rowCount
                guard state.rows <= limit else { throw OwnQueryError(.rows(limit: limit)) }
                try update(&state.result, batch.integers(0))
            }.result
        }
    }

    // MARK: Running

    /// Checks a query and gives its framed text to `body`, all within the time limit.
    private func run<Result: Sendable>(
        _ query: OwnQuery,
        _ body: @escaping @Sendable (any WarehouseSession, SQLText) async throws -> Result
    ) async throws -> Result {
        let isReadable = query.text.unicodeScalars.allSatisfy {
            $0.properties.generalCategory != .control || ["\n", "\t", "\r"].contains($0)
        }
        guard isReadable, query.text.unicodeScalars.count <= OwnQueryLimits.characters else {
            throw OwnQueryError(.unreadable)
        }
        let views = try await views(query.views)
        let engine = try await engine.open()
        do {
            return try await engine.transaction { session in
                try await self.limited {
                    for view in views { try await session.execute(SQLText(view)) }
                    let sql = try await self.framed(query, session)
                    return try await body(session, sql)
                }
            }
        } catch let error as WarehouseError {
            if error.kind == .engine { await self.engine.drop(engine) }
            throw Self.translated(error, query.text) ?? error
        }
    }

    private func limited<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let seconds = limits.seconds
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                throw OwnQueryError(.time(seconds: seconds))
            }
            defer { group.cancelAll() }
            guard let result = try await group.next() ?? nil else { throw CancellationError() }
            return result
        }
    }

    /// Statements that show views of the warehouse to one connection.
    private func views(_ names: [String]) async throws -> [String] {
        let list = names.map { dialect.quoted(literal: $0) }.joined(separator: ", ")
        let sql =
            "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND schema_name = 'main' AND view_name IN (\(list))"
        return try await warehouse.rows(SQLText(sql)).compactMap { row in
            guard case .text(let name) = row[0], case .text(let text) = row[1], let start = text.range(of: " AS ")
            else {
                return nil
            }
            let select = text[start.upperBound...].trimmingCharacters(in: CharacterSet(charactersIn: "; \n"))
            return "CREATE OR REPLACE TEMPORARY VIEW \(dialect.quoted(identifier: name)) AS \(select)"
        }
    }

    // MARK: Checking

    /// The text that runs: one column of indices.
    private func framed(_ query: OwnQuery, _ session: any WarehouseSession) async throws -> SQLText {
        let describe = { (text: String) in
            "SELECT column_name, column_type FROM (DESCRIBE (\(Self.with(query)) SELECT * FROM (\n\(text)\n) AS own))"
        }
        try await prove(query, { "\(Self.with(query)) SELECT * FROM (\n\($0)\n) AS own" }, session)
        let columns = try await session.rows(SQLText(describe(query.text)), limit: 100_000)
        guard let first = columns.first, case .text(let name) = first[0], case .text(let type) = first[1],
            ["idx", "line_id"].contains(name.lowercased()), Self.numbers.contains(type)
        else {
            let shown =
                columns.first?.map { if case .text(let text) = $0 { String(text.prefix(80)) } else { "" } } ?? ["", ""]
            throw OwnQueryError(.firstColumn(name: shown[0], type: shown[1]))
        }
        let frame: @Sendable (String) -> String = { text in
            name.lowercased() == "idx"
                ? """
                \(Self.with(query)) SELECT CAST(own.member AS BIGINT) AS idx FROM (\n\(text)\n) AS own(member)
                WHERE own.member IS NOT NULL
                """
                : """
                \(Self.with(query)) SELECT line.idx FROM (\(query.lines)) AS line
                WHERE line.line_id IN (SELECT own.member FROM (\n\(text)\n) AS own(member))
                """
        }
        try await prove(query, frame, session)
        return SQLText(frame(query.text))
    }

    private static let numbers: Set<String> = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"]

    /// What may be read, by name; the names hide everything else of that name.
    private static func with(_ query: OwnQuery) -> String {
        "WITH "
            + query.relations.map {
                "\(SQLDialect.duckdb.quoted(identifier: $0.name)) AS NOT MATERIALIZED (\($0.select))"
            }
            .joined(separator: ", ")
    }

    /// Proves that a query has only what is offered, and that its frame holds it as one part.
    private func prove(
        _ query: OwnQuery,
        _ frame: (String) -> String,
        _ session: any WarehouseSession
    ) async throws {
        let place = "SELECT 4711 AS place"
        let texts = [query.text, place, frame(query.text), frame(place)]
        let sql = SQLText(
            "SELECT " + texts.map { _ in "json_serialize_sql(?)" }.joined(separator: ", "),
            parameters: texts.map { .text($0) }
        )
        let row = try await session.rows(sql)[0]
        let trees = try row.map { value in
            guard case .text(let json) = value else { throw OwnQueryError(.notOneSelect) }
            return json
        }
        let own = try statement(trees[0], query.text)
        do throws(SelectCheck.Refusal) {
            var check = SelectCheck(readable: query.relations.map(\.name))
            try check.check(own)
        } catch {
            throw OwnQueryError(error.problem, at: error.range.flatMap { Self.units($0, of: query.text) })
        }
        let (empty, whole) = (try statement(trees[1], nil), try statement(trees[2], nil))
        let expected = try statement(trees[3], nil).bare(replacing: empty["node"].bare(), with: own["node"].bare())
        guard whole.bare() == expected else { throw OwnQueryError(.notOneSelect) }
    }

    /// The one statement of a parsed text.
    ///
    /// - Parameters:
    ///   - json: What the parser said.
    ///   - text: The text as it was written, for places; nil for a framed one.
    /// - Returns: The tree.
    /// - Throws: ``OwnQueryError``
    private func statement(_ json: String, _ text: String?) throws -> SyntaxTree {
        guard let tree = try? SyntaxTree(json: json) else { throw OwnQueryError(.tooComplex) }
        if tree["error"].isTrue {
            let words = tree["error_message"].text
            if words.hasPrefix("Max expression depth") { throw OwnQueryError(.tooComplex) }
            guard tree["error_type"].text == "parser" else { throw OwnQueryError(.notOneSelect) }
            let start = Int(tree["position"].text)
            throw OwnQueryError(
                .syntax(String(words.prefix(200))),
                at: text.flatMap { text in start.flatMap { Self.units($0..<$0, of: text) } }
            )
        }
        let statements = tree["statements"].parts
        guard statements.count == 1 else { throw OwnQueryError(.notOneSelect) }
        return statements[0]
    }

    // MARK: Words of the engine

    /// UTF-16 code units of a range of bytes.
    private static func units(_ bytes: Range<Int>, of text: String) -> Range<Int>? {
        let utf8 = text.utf8
        guard bytes.lowerBound >= 0, bytes.upperBound <= utf8.count else { return nil }
        let start = utf8.index(utf8.startIndex, offsetBy: bytes.lowerBound)
        let end = utf8.index(utf8.startIndex, offsetBy: bytes.upperBound)
        return start.utf16Offset(in: text)..<end.utf16Offset(in: text)
    }

    /// The fault of a query in the engine's words; nil for what is no fault of it.
    private static func translated(_ error: WarehouseError, _ text: String) -> OwnQueryError? {
        let lines = error.message.split(separator: "\n")
        let words =
            lines.first.map { $0.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? String($0) } ?? ""
        let hint = lines.first { $0.hasPrefix("Candidate bindings") }.map { "; \($0)" } ?? ""
        switch error.kind {
        case .statement:
            return OwnQueryError(.wrong(String((words + hint).prefix(400))), at: place(of: words, in: text))
        case .type: return OwnQueryError(.wrong(String(words.prefix(200))))
        case .value, .overflow: return OwnQueryError(.value(masked(words)))
        case .memory: return OwnQueryError(.memory)
        case .engine where error.message.hasPrefix("Not implemented"):
            return OwnQueryError(.wrong(String(words.prefix(200))))
        default: return nil
        }
    }

    /// Where the first name that the engine quotes stands in a query.
    private static func place(of words: String, in text: String) -> Range<Int>? {
        let parts = words.split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count > 2, let found = text.range(of: parts[1], options: .caseInsensitive) else { return nil }
        return found.lowerBound.utf16Offset(in: text)..<found.upperBound.utf16Offset(in: text)
    }

    /// Values of subscribers stay out of messages.
    private static func masked(_ words: String) -> String {
        words.split(separator: "'", omittingEmptySubsequences: false).enumerated()
            .map { $0.offset % 2 == 1 ? "…" : String($0.element) }.joined(separator: "'")
    }
}

/// The engine, opened when it is first needed, and anew after it has failed.
private actor SandboxEngine {
    private let settings: DuckDBSettings
    private var opening: Task<DuckDBWarehouse, any Error>?

    init(_ settings: DuckDBSettings) { self.settings = settings }

    func open() async throws -> DuckDBWarehouse {
        let settings = settings
        let task = opening ?? Task { try await DuckDBWarehouse.open(settings) }
        opening = task
        do {
            return try await task.value
        } catch {
            if opening == task { opening = nil }
            throw error
        }
    }

    /// Gives up an engine after a fault of its own; the next query opens another one.
    func drop(_ engine: DuckDBWarehouse) async {
        guard let task = opening, let current = try? await task.value, current === engine else { return }
        if opening == task { opening = nil }
        await engine.close()
    }

    func close() async {
        guard let task = opening else { return }
        opening = nil
        if let engine = try? await task.value { await engine.close() }
    }
}
