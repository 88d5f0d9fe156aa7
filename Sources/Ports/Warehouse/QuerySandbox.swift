// Queries that people write themselves (自定义SQL): what they may read, and the limits they run under.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A relation that an own query may read.
public struct OwnRelation: Hashable, Sendable {
    /// Its name in queries.
    public var name: String
    /// SQL of Gyre's that gives its rows from the views of the warehouse, each named by ``QuerySandbox/view(_:)``.
    public var select: String

    /// Joins both.
    public init(_ name: String, _ select: String) {
        self.name = name
        self.select = select
    }
}

/// A query as somebody wrote it, and what it may read.
///
/// It names subscribers in its first column, either by `idx` or by `line_id`; NULL names nobody.
public struct OwnQuery: Hashable, Sendable {
    /// As it was written.
    public var text: String
    /// What it may read; nothing else.
    public var relations: [OwnRelation]
    /// SQL of Gyre's that gives `line_id` and `idx` of every subscriber.
    public var lines: String
    /// Views of the warehouse that `relations` and `lines` name.
    public var views: [String]

    /// Joins all.
    public init(_ text: String, relations: [OwnRelation], lines: String, views: [String]) {
        self.text = text
        self.relations = relations
        self.lines = lines
        self.views = views
    }
}

/// What one own query may take; memory and spilling belong to the engine's settings.
public struct OwnQueryLimits: Hashable, Sendable {
    /// Seconds it may run.
    public var seconds: Int
    /// Rows it may give.
    public var rows: Int

    /// Characters it may have.
    public static let characters = 20_000

    /// Limits, with the defaults: 30 seconds, 100 million rows.
    public init(seconds: Int = 30, rows: Int = 100_000_000) {
        self.seconds = seconds
        self.rows = rows
    }
}

/// Runs queries of people apart from everything else.
///
/// A query reads its relations and nothing else: no other table, file, setting or function that reaches outside. Nothing
/// it does takes memory, connections or threads of the warehouse. All methods throw ``OwnQueryError`` for what is wrong
/// with the query, `CancellationError` when the task is cancelled, and ``WarehouseError`` for what is no fault of it.
public protocol QuerySandbox: Sendable {
    /// The SQL it understands.
    var dialect: SQLDialect { get }

    /// A view of the warehouse as the SQL of relations names it.
    func view(_ name: String) -> String

    /// Checks a query without running it.
    func check(_ query: OwnQuery) async throws

    /// Runs a query and folds the indices of the subscribers that it names into a result.
    ///
    /// An index may come more than once, and need not be one of a subscriber.
    func subscribers<Result: Sendable>(
        of query: OwnQuery,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, [Int64]) throws -> Void
    ) async throws -> Result
}
