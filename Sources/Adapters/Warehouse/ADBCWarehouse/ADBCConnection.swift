// One connection, the thread its blocking calls run on, and the cancellation of what runs there.
// SPDX-License-Identifier: Apache-2.0

internal import CADBC
internal import Dispatch
internal import Kernel
internal import Ports
internal import Synchronization

/// An open database; it closes when the last connection to it is gone.
final class ADBCDatabase: @unchecked Sendable {
    let driver: ADBCDriver
    fileprivate let handle: UnsafeMutablePointer<AdbcDatabase>

    init(driver: ADBCDriver, options: [(key: String, value: String)]) throws {
        self.driver = driver
        handle = .allocate(capacity: 1)
        handle.initialize(to: AdbcDatabase())
        let handle = handle
        try driver.check(.open, nil) { driver.table.pointee.DatabaseNew?(handle, $0) }
        handle.pointee.private_driver = driver.table
        for (key, value) in options {
            try driver.check(.open, nil) { driver.table.pointee.DatabaseSetOption?(handle, key, value, $0) }
        }
        try driver.check(.open, nil) { driver.table.pointee.DatabaseInit?(handle, $0) }
    }

    deinit {
        var error = AdbcError()
        _ = driver.table.pointee.DatabaseRelease?(handle, &error)
        error.release?(&error)
        handle.deallocate()
    }
}

/// A running piece of work that a cancelled task can interrupt.
///
/// An interrupt that arrives before the engine has begun the statement is lost, so it is repeated until the work ends;
/// the lock keeps it away from statements that are already released.
final class WarehouseJob: Sendable {
    private struct State: @unchecked Sendable {
        var isCancelled = false
        var isFinished = false
        var statement: UnsafeMutablePointer<AdbcStatement>?
    }

    private let driver: ADBCDriver
    private let state = Mutex(State())

    init(driver: ADBCDriver) { self.driver = driver }

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    func checkCancellation() throws {
        if isCancelled { throw CancellationError() }
    }

    func attach(_ statement: UnsafeMutablePointer<AdbcStatement>?) {
        nonisolated(unsafe) let statement = statement
        state.withLock { $0.statement = statement }
    }

    func finish() { state.withLock { $0.isFinished = true } }

    func cancel() {
        state.withLock { $0.isCancelled = true }
        interrupt()
    }

    private func interrupt() {
        let isRunning = state.withLock { state in
            if let statement = state.statement {
                var error = AdbcError()
                _ = driver.table.pointee.StatementCancel?(statement, &error)
                error.release?(&error)
            }
            return !state.isFinished
        }
        guard isRunning else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(5)) { self.interrupt() }
    }
}

/// A connection, whose driver calls are made on its own queue, one at a time.
final class ADBCConnection: @unchecked Sendable {
    private let database: ADBCDatabase
    private let driver: ADBCDriver
    private let queue: DispatchQueue
    private let handle: UnsafeMutablePointer<AdbcConnection>

    /// Opens a connection; blocks.
    init(_ database: ADBCDatabase, label: String) throws {
        self.database = database
        driver = database.driver
        queue = DispatchQueue(label: label)
        handle = .allocate(capacity: 1)
        handle.initialize(to: AdbcConnection())
        let (driver, handle) = (driver, handle)
        try driver.check(.open, nil) { driver.table.pointee.ConnectionNew?(handle, $0) }
        handle.pointee.private_driver = driver.table
        try driver.check(.open, nil) { driver.table.pointee.ConnectionInit?(handle, database.handle, $0) }
    }

    deinit {
        var error = AdbcError()
        _ = driver.table.pointee.ConnectionRelease?(handle, &error)
        error.release?(&error)
        handle.deallocate()
    }

    /// Runs blocking work on this connection's thread; cancelling the task interrupts it.
    ///
    /// - Parameters:
    ///   - cancellable: False for work that must end whatever happens, such as COMMIT and ROLLBACK.
    ///   - work: Blocks.
    /// - Returns: What the work returns.
    /// - Throws: What the work throws, or `CancellationError` when it threw because of a cancellation.
    @discardableResult
    func run<Result: Sendable>(
        cancellable: Bool = true,
        _ work: @escaping @Sendable (WarehouseJob) throws -> Result
    ) async throws -> Result {
        let job = WarehouseJob(driver: driver)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Result, any Error>) in
                queue.async {
                    defer { job.finish() }
                    do {
                        try job.checkCancellation()
                        let result = try work(job)
                        waiter.resume(returning: result)
                    } catch {
                        waiter.resume(throwing: job.isCancelled ? CancellationError() : error)
                    }
                }
            }
        } onCancel: {
            if cancellable { job.cancel() }
        }
    }

    // MARK: Blocking calls, on this connection's queue or before it is shared

    /// Runs a statement to its end.
    ///
    /// - Returns: Rows inserted, updated or deleted; nil where the engine does not say.
    @discardableResult
    func execute(_ sql: SQLText, _ job: WarehouseJob?) throws -> Int? {
        try withStatement(sql, job, .execute) { statement in
            var (stream, rows) = try start(sql, statement)
            defer { stream.release?(&stream) }
            try ArrowReader.drain(&stream, phase: .execute, sql: sql.text)
            return rows >= 0 ? Int(rows) : nil
        }
    }

    /// Runs a query and hands out its batches.
    ///
    /// - Returns: Names and types of the result's columns.
    @discardableResult
    func fetch(
        _ sql: SQLText,
        _ job: WarehouseJob?,
        deliver: (ColumnBatch) throws -> Void
    ) throws -> [WarehouseField] {
        try withStatement(sql, job, .fetch) { statement in
            var (stream, _) = try start(sql, statement)
            defer { stream.release?(&stream) }
            return try ArrowReader.read(&stream, sql: sql.text) { batch in
                try job?.checkCancellation()
                try deliver(batch)
            }
        }
    }

    /// Appends all rows of a source to a table; the caller holds a transaction.
    func append(
        to table: String,
        fields: [WarehouseField],
        from source: any ColumnBatchSource,
        _ job: WarehouseJob
    ) throws -> Int {
        let name = "append to \(table)"
        let sample = "SELECT * FROM \(SQLDialect.duckdb.quoted(identifier: table)) LIMIT 0"
        let target = try fetch(SQLText(sample), job) { _ in }
        let writer = try ArrowBatchStream(source, fields: fields, table: table, target: target) { job.isCancelled }
        do {
            try withStatement(SQLText(""), job, .ingest) { statement in
                for (key, value) in [
                    ("adbc.ingest.target_table", table), ("adbc.ingest.mode", "adbc.ingest.mode.append"),
                ] {
                    try driver.check(.ingest, name) {
                        driver.table.pointee.StatementSetOption?(statement, key, value, $0)
                    }
                }
                var stream = writer.exported()
                defer { stream.release?(&stream) }
                try driver.check(.ingest, name) { driver.table.pointee.StatementBindStream?(statement, &stream, $0) }
                var rows: Int64 = -1
                try driver.check(.ingest, name) {
                    driver.table.pointee.StatementExecuteQuery?(statement, nil, &rows, $0)
                }
            }
        } catch {
            throw writer.failure ?? error
        }
        if let failure = writer.failure { throw failure }
        return writer.rows
    }

    private func start(
        _ sql: SQLText,
        _ statement: UnsafeMutablePointer<AdbcStatement>
    ) throws -> (ArrowArrayStream, Int64) {
        try driver.check(.prepare, sql.text) { driver.table.pointee.StatementSetSqlQuery?(statement, sql.text, $0) }
        if !sql.parameters.isEmpty { try bind(sql, statement) }
        var stream = ArrowArrayStream()
        var rows: Int64 = -1
        try driver.check(.execute, sql.text) {
            driver.table.pointee.StatementExecuteQuery?(statement, &stream, &rows, $0)
        }
        return (stream, rows)
    }

    private func bind(_ sql: SQLText, _ statement: UnsafeMutablePointer<AdbcStatement>) throws {
        try driver.check(.prepare, sql.text) { driver.table.pointee.StatementPrepare?(statement, $0) }
        var values = BoundParameters.array(sql.parameters)
        var schema = BoundParameters.schema(sql.parameters)
        // A driver that takes the values over clears their release callbacks.
        defer {
            values.release?(&values)
            schema.release?(&schema)
        }
        try driver.check(.prepare, sql.text) {
            driver.table.pointee.StatementBind?(statement, &values, &schema, $0)
        }
    }

    private func withStatement<Result>(
        _ sql: SQLText,
        _ job: WarehouseJob?,
        _ phase: WarehouseError.Phase,
        _ body: (UnsafeMutablePointer<AdbcStatement>) throws -> Result
    ) throws -> Result {
        let statement = UnsafeMutablePointer<AdbcStatement>.allocate(capacity: 1)
        statement.initialize(to: AdbcStatement())
        defer { statement.deallocate() }
        try driver.check(phase, sql.text) { driver.table.pointee.StatementNew?(handle, statement, $0) }
        statement.pointee.private_driver = driver.table
        job?.attach(statement)
        defer {
            job?.attach(nil)
            var error = AdbcError()
            _ = driver.table.pointee.StatementRelease?(statement, &error)
            error.release?(&error)
        }
        return try body(statement)
    }
}
