// The warehouse port: statements in, typed column batches out, bulk append, Parquet files.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Rows for a bulk append, pulled batch by batch on a thread of the engine; `next` may block.
public protocol ColumnBatchSource: SendableMetatype {
    /// The next rows in the order of the append's fields, or nil after the last.
    mutating func next() throws -> ColumnBatch?
}

/// Where statements run: the engine itself (each on any free connection) or one transaction.
///
/// All methods throw ``WarehouseError``, or `CancellationError` when the task is cancelled: the running statement
/// ends within 100 ms and the session can be used again. No call blocks Swift's cooperative threads.
public protocol WarehouseSession: Sendable {
    /// The SQL this engine understands.
    var dialect: SQLDialect { get }

    /// Runs one statement to its end.
    ///
    /// - Returns: Rows inserted, updated or deleted; nil where the engine does not say.
    @discardableResult
    func execute(_ sql: SQLText) async throws -> Int?

    /// Runs one query and folds its batches, in order, into a result.
    ///
    /// Batches have ``ColumnBatch/rows`` rows, the last one fewer; a query without rows gives no batch. A stream that
    /// fails half way throws: the partial result is dropped. `update` runs on a thread of the engine; while it works,
    /// the engine does not run ahead by more than a few batches.
    ///
    /// - Parameters:
    ///   - sql: The query.
    ///   - initial: The result before the first batch.
    ///   - update: Adds a batch to the result; an error it throws ends the query and is rethrown.
    /// - Returns: The result after the last batch.
    /// - Throws: ``WarehouseError``, `CancellationError`, or what `update` throws.
    func query<Result: Sendable>(
        _ sql: SQLText,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, ColumnBatch) throws -> Void
    ) async throws -> Result

    /// Appends rows to an existing table: all or none. Rows keep the order in which the source gives them.
    ///
    /// - Parameters:
    ///   - table: The table's name, unquoted.
    ///   - fields: Columns of the table that the batches fill, by name, in the batches' order; the others get NULL.
    ///   - source: Gives the rows; an error it throws ends the append and is rethrown.
    /// - Returns: Number of rows appended.
    /// - Throws: ``WarehouseError``, `CancellationError`, or what the source throws.
    @discardableResult
    func ingest(
        into table: String,
        fields: [WarehouseField],
        from source: sending some ColumnBatchSource
    ) async throws -> Int
}

/// A warehouse engine: subscribers, usage, contacts and facts; scans, joins, exports (DESIGN section 8).
///
/// What every adapter must keep is written down as tests: `WarehouseConformance`.
public protocol WarehouseEngine: WarehouseSession {
    /// Name and version of the engine as it reports them, for example `DuckDB v2.0.0`.
    var product: String { get }

    /// Runs `body` in one transaction on one connection: committed when it returns, rolled back when it throws.
    ///
    /// The body works on the session it gets. Statements on the engine itself see only what is committed, and wait for
    /// another connection, which bodies of other transactions may hold.
    func transaction<Result: Sendable>(
        _ body: @Sendable (any WarehouseSession) async throws -> Result
    ) async throws -> Result

    /// Writes a query's rows to a Parquet file (zstd) that appears whole, synced, or not at all; an older file of that
    /// name is replaced.
    ///
    /// - Returns: Number of rows written.
    @discardableResult
    func exportParquet(_ sql: SQLText, to path: String) async throws -> Int

    /// Brings everything committed so far to the disk.
    func sync() async throws
}

/// A value of a small result.
public enum WarehouseValue: Hashable, Sendable {
    case null
    case flag(Bool)
    case integer(Int64)
    case decimal(Scaled)
    case day(LocalDay)
    /// Microseconds since 1970-01-01T00:00:00Z.
    case timestamp(Int64)
    case text(String)
}

extension ColumnBatch {
    /// One value, for small results and messages; columns are for volume.
    public func value(column: Int, row: Int) -> WarehouseValue {
        if columns[column].isNull(row) { return .null }
        switch (columns[column].values, fields[column].type) {
        case (.flags(let values), _): return .flag(values[row])
        case (.days(let values), _): return .day(LocalDay(number: values[row]))
        case (.texts(let values), _): return .text(values[row])
        case (.integers(let values), .decimal(let scale)): return .decimal(Scaled(unscaled: values[row], scale: scale))
        case (.integers(let values), .timestamp): return .timestamp(values[row])
        case (.integers(let values), _): return .integer(values[row])
        }
    }
}

extension WarehouseSession {
    /// Rows that ``rows(_:limit:)`` returns unless told otherwise.
    public static var smallResult: Int { 10_000 }

    /// A small result, row by row.
    ///
    /// - Throws: ``WarehouseError`` of kind `tooManyRows` when there are more than `limit` rows.
    public func rows(_ sql: SQLText, limit: Int = smallResult) async throws -> [[WarehouseValue]] {
        try await query(sql, into: [[WarehouseValue]]()) { rows, batch in
            guard rows.count + batch.rowCount <= limit else {
                throw WarehouseError(
                    kind: .tooManyRows,
                    phase: .fetch,
                    message: "more than \(limit) rows; add a LIMIT or read them in batches",
                    sql: sql.text
                )
            }
            for row in 0..<batch.rowCount {
                rows.append(batch.fields.indices.map { batch.value(column: $0, row: row) })
            }
        }
    }

    /// The number in the first column of the only row, for example a count; nil when it is NULL.
    ///
    /// - Throws: ``WarehouseError`` when there is not exactly one row or it holds no integer.
    public func integer(_ sql: SQLText) async throws -> Int64? {
        let rows = try await rows(sql, limit: 2)
        switch rows.count == 1 ? rows[0].first : nil {
        case .integer(let number): return number
        case .null: return nil
        default:
            throw WarehouseError(
                kind: .type,
                phase: .fetch,
                message: "expected one row with one integer",
                sql: sql.text
            )
        }
    }
}

/// A source that gives batches from memory.
public struct InMemoryBatches: ColumnBatchSource {
    private var rest: ArraySlice<ColumnBatch>

    /// Gives `batches` in order.
    public init(_ batches: [ColumnBatch]) {
        rest = batches[...]
    }

    public mutating func next() -> ColumnBatch? {
        rest.popFirst()
    }
}
