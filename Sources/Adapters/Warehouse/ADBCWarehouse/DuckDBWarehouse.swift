// The warehouse port on DuckDB, in process, over ADBC.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
public import Kernel
public import Ports
internal import Synchronization

/// DuckDB as the warehouse.
///
/// One process owns a database file; statements run on a fixed number of connections, each with its own thread.
public final class DuckDBWarehouse: WarehouseEngine {
    private let pool: ConnectionPool
    public let product: String
    /// What to tell the operator when the library is not the version Gyre is tested with; nil when it is.
    public let versionWarning: String?

    public var dialect: SQLDialect { .duckdb }

    /// Opens or makes the database and bars SQL from everything outside the allowed directories.
    ///
    /// - Throws: ``WarehouseError``: `library` (with what to run), `locked` when another process has the file open,
    ///   `file` when it cannot be read or written.
    public static func open(_ settings: DuckDBSettings) async throws -> DuckDBWarehouse {
        try await withCheckedThrowingContinuation { waiter in
            DispatchQueue.global().async {
                waiter.resume(with: Result { try DuckDBWarehouse(settings) })
            }
        }
    }

    private init(_ settings: DuckDBSettings) throws {
        precondition((1...64).contains(settings.connections), "\(settings.connections) connections")
        let driver = try ADBCDriver(
            path: settings.library,
            entry: "duckdb_adbc_init",
            advice: DuckDBSettings.advice
        )
        let database = try ADBCDatabase(
            driver: driver,
            options: [
                ("path", settings.database ?? ":memory:"),
                ("threads", String(settings.threads)),
                ("memory_limit", "\(settings.memoryLimitBytes)B"),
            ]
        )
        let connections = try (0..<settings.connections).map { number in
            try ADBCConnection(database, label: "gyre.warehouse.\(number)")
        }
        for statement in Self.configuration(settings) { try connections[0].execute(SQLText(statement), nil) }
        var version = ""
        try connections[0].fetch(SQLText("SELECT version()"), nil) { version = try $0.texts(0)[0] }
        product = "DuckDB \(version)"
        versionWarning =
            version == DuckDBSettings.pinnedVersion
            ? nil : "\(settings.library) is DuckDB \(version); \(DuckDBSettings.advice)"
        pool = ConnectionPool(connections)
    }

    /// Statements for all connections, the last of which forbids further changes.
    private static func configuration(_ settings: DuckDBSettings) -> [String] {
        let quoted = { SQLDialect.duckdb.quoted(literal: $0) }
        var statements = [
            "SET GLOBAL TimeZone = 'UTC'",
            // Decimals of 18 digits arrive as 64-bit integers.
            "SET GLOBAL arrow_output_version = '1.5'",
        ]
        if let directory = settings.temporaryDirectory {
            statements.append("SET GLOBAL temp_directory = \(quoted(directory))")
        }
        if let bytes = settings.temporaryLimitBytes {
            statements.append("SET GLOBAL max_temp_directory_size = '\(bytes)B'")
        }
        let directories = settings.allowedDirectories.map(quoted).joined(separator: ", ")
        statements.append("SET GLOBAL allowed_directories = [\(directories)]")
        statements.append("SET GLOBAL enable_external_access = false")
        statements.append("SET GLOBAL lock_configuration = true")
        return statements
    }

    /// Waits for running statements, then closes the database so that another process may open it.
    public func close() async {
        await pool.close()
    }

    @discardableResult
    public func execute(_ sql: SQLText) async throws -> Int? {
        try await pool.withConnection { try await DuckDBSession(connection: $0).execute(sql) }
    }

    public func query<Result: Sendable>(
        _ sql: SQLText,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, ColumnBatch) throws -> Void
    ) async throws -> Result {
        try await pool.withConnection { try await DuckDBSession(connection: $0).query(sql, into: initial, update) }
    }

    @discardableResult
    public func ingest(
        into table: String,
        fields: [WarehouseField],
        from source: sending some ColumnBatchSource
    ) async throws -> Int {
        let transfer = Transfer(source)
        return try await transaction { session in
            try await session.ingest(into: table, fields: fields, from: transfer.take())
        }
    }

    public func transaction<Result: Sendable>(
        _ body: @Sendable (any WarehouseSession) async throws -> Result
    ) async throws -> Result {
        try await pool.withConnection { connection in
            let session = DuckDBSession(connection: connection)
            try await session.execute(SQLText("BEGIN TRANSACTION"))
            do {
                let result = try await body(session)
                try session.end()
                try await connection.run(cancellable: false) { try connection.execute(SQLText("COMMIT"), $0) }
                return result
            } catch {
                session.close()
                // The first error is the one to report; a failed COMMIT has already rolled back.
                _ = try? await connection.run(cancellable: false) { try connection.execute(SQLText("ROLLBACK"), $0) }
                throw error
            }
        }
    }

    @discardableResult
    public func exportParquet(_ sql: SQLText, to path: String) async throws -> Int {
        try await pool.withConnection { connection in
            try await connection.run { job in
                let file = DurableFile(path)
                do {
                    let target = SQLDialect.duckdb.quoted(literal: file.temporaryPath)
                    let copy = "COPY (\(sql.text)) TO \(target) (FORMAT parquet, COMPRESSION zstd)"
                    let rows = try connection.execute(SQLText(copy, parameters: sql.parameters), job)
                    try job.checkCancellation()
                    try file.publish()
                    return rows ?? 0
                } catch {
                    file.discard()
                    throw error
                }
            }
        }
    }

    public func sync() async throws {
        try await execute(SQLText("CHECKPOINT"))
    }
}

/// Statements on one connection, until the transaction that owns it ends.
final class DuckDBSession: WarehouseSession {
    private enum State { case open, failed, closed }

    private let connection: ADBCConnection
    private let state = Mutex(State.open)

    var dialect: SQLDialect { .duckdb }

    init(connection: ADBCConnection) { self.connection = connection }

    @discardableResult
    func execute(_ sql: SQLText) async throws -> Int? {
        try checkOpen()
        return try await connection.run { [connection] in try connection.execute(sql, $0) }
    }

    func query<Result: Sendable>(
        _ sql: SQLText,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, ColumnBatch) throws -> Void
    ) async throws -> Result {
        try checkOpen()
        return try await connection.run { [connection] job in
            var result = initial
            try connection.fetch(sql, job) { try update(&result, $0) }
            return result
        }
    }

    func ingest(
        into table: String,
        fields: [WarehouseField],
        from source: sending some ColumnBatchSource
    ) async throws -> Int {
        try checkOpen()
        let transfer = Transfer(source)
        do {
            return try await connection.run { [connection] job in
                try connection.append(to: table, fields: fields, from: transfer.take(), job)
            }
        } catch {
            // Some rows may already be in the table: only a rollback can remove them.
            state.withLock { $0 = .failed }
            throw error
        }
    }

    /// Ends the session before COMMIT.
    ///
    /// - Throws: When an append failed: the transaction cannot be committed.
    func end() throws {
        try checkOpen()
        close()
    }

    func close() { state.withLock { $0 = .closed } }

    private func checkOpen() throws {
        let reason: String? = state.withLock { state in
            switch state {
            case .open: nil
            case .failed: "an append failed in this transaction, which can only be rolled back"
            case .closed: "this transaction has ended"
            }
        }
        if let reason { throw WarehouseError(kind: .engine, phase: .execute, message: reason) }
    }
}

/// Carries a source, which only one thread uses at a time, to the engine's thread.
private final class Transfer<Source: ColumnBatchSource>: @unchecked Sendable {
    private let source: Mutex<Source?>

    init(_ source: sending Source) { self.source = Mutex(source) }

    func take() -> sending Source {
        source.withLock { state in
            guard let source = state.take() else { preconditionFailure("a source is used once") }
            return source
        }
    }
}
