// The load of one file into one table: CSV and Parquet by the same rules.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
public import Kernel
public import Ports

/// A file, its mapping and where its rejected rows go.
public struct TableLoad: Sendable {
    /// The file.
    public var file: String
    /// How the file becomes rows.
    public var mapping: LoadMapping
    /// Where rejected rows go; an older file of that name is removed.
    public var rejectFile: String
    /// A folder that the engine's SQL may read: a Parquet file stands there during the load; nil = SQL may read the file
    /// where it is.
    public var inbox: String?
    /// Lines whose rows are taken; nil = all.
    public var lines: LineSet?
    /// Is kept up to date while the load runs.
    public let progress: LoadProgress

    /// Prepares a load.
    public init(
        file: String,
        mapping: LoadMapping,
        rejectFile: String,
        inbox: String? = nil,
        progress: LoadProgress = LoadProgress()
    ) {
        self.file = file
        self.mapping = mapping
        self.rejectFile = rejectFile
        self.inbox = inbox
        self.progress = progress
    }

    /// Appends the file's rows to a table with the mapping's fields.
    ///
    /// - Parameters:
    ///   - table: The table; it exists, with ``LoadMapping/fields``.
    ///   - session: Where the rows go, a transaction when more must happen at once. On an error nothing of the file may be
    ///     kept: the session's append is all or nothing, a transaction is rolled back.
    ///   - engine: Reads Parquet files, on a connection of its own.
    /// - Returns: What was loaded and what was not.
    /// - Throws: ``LoadError``, `WarehouseError`, or `CancellationError`.
    @discardableResult
    public func run(
        into table: String,
        on session: any WarehouseSession,
        engine: any WarehouseEngine
    ) async throws -> LoadSummary {
        let pipe = BatchPipe()
        defer { pipe.stopReading() }
        try await withTaskCancellationHandler {
            if mapping.format != .parquet { fillFromCSV(pipe) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                if mapping.format == .parquet { group.addTask { try await fillFromParquet(pipe, engine) } }
                group.addTask {
                    defer { pipe.stopReading() }
                    try await session.ingest(into: table, fields: mapping.fields, from: PipedBatches(pipe: pipe))
                }
                try await group.waitForAll()
            }
        } onCancel: {
            pipe.finish(.failure(CancellationError()))
            pipe.stopReading()
        }
        return progress.summary
    }

    /// Starts a thread that reads the file and fills the pipe while the engine empties it.
    private func fillFromCSV(_ pipe: BatchPipe) {
        DispatchQueue(label: "gyre.load").async { [self] in
            do {
                var rows = try CSVRows(
                    file: file,
                    mapping: mapping,
                    rejectFile: rejectFile,
                    progress: progress,
                    known: lines
                )
                while let batch = try rows.next() { try pipe.push(batch) }
                pipe.finish(.success(()))
            } catch {
                pipe.finish(.failure(error))
            }
        }
    }

    private func fillFromParquet(_ pipe: BatchPipe, _ engine: any WarehouseEngine) async throws {
        var inboxFile: InboxFile?
        defer { inboxFile?.remove() }
        do {
            inboxFile = try inbox.map { try InboxFile(file, in: $0) }
            let path = inboxFile?.path ?? file
            let names = try await engine.rows(engine.dialect.parquetColumns(path)).compactMap { row in
                if case .text(let name) = row[0] { name } else { nil }
            }
            let columns = try FileColumns(names, mapping: mapping, file: file)
            progress.update { $0.ignoredColumns = columns.ignored }
            let needed = mapping.fileColumns
            let positions = Dictionary(uniqueKeysWithValues: needed.enumerated().map { ($1, $0) })
            let rejects = try RejectLog(
                file: file,
                rejectPath: rejectFile,
                maximum: mapping.maximumRejects,
                progress: progress
            )
            let rows = ParquetRows(RowTyper(mapping, positions: positions, known: lines), rejects, names: needed)
            let query = engine.dialect.parquetAsText(path, columns: needed)
            _ = try await engine.query(query, into: 0) { _, batch in try rows.append(batch, to: pipe) }
            try rows.finish()
            pipe.finish(.success(()))
        } catch is BatchPipe.ReaderGone {
            // The append failed and says why itself.
        } catch {
            let error = translated(error, path: inboxFile?.path ?? file)
            pipe.finish(.failure(error))
            throw error
        }
    }

    /// What the engine says of the file, as an error about the file.
    private func translated(_ error: any Error, path: String) -> any Error {
        guard let error = error as? WarehouseError, ![.diskFull, .memory].contains(error.kind) else { return error }
        let cause = error.summary.replacing(path, with: file)
        return LoadError(
            kind: .damaged,
            file: file,
            message: "cannot be read as Parquet (\(cause)); check that it is a whole Parquet file, or fetch it again"
        )
    }
}

/// The typing of a Parquet file's rows, which arrive as batches of texts.
///
/// The engine's query thread alone uses it, one batch after the other.
private final class ParquetRows: @unchecked Sendable {
    private let names: [String]
    private var typer: RowTyper
    private var rejects: RejectLog

    init(_ typer: RowTyper, _ rejects: RejectLog, names: [String]) {
        self.names = names
        self.typer = typer
        self.rejects = rejects
    }

    func append(_ batch: ColumnBatch, to pipe: BatchPipe) throws {
        let texts = try batch.columns.indices.map { try batch.texts($0) }
        for number in 0..<batch.rowCount {
            let row = Row(batch: batch, texts: texts, number: number)
            if let (column, refusal) = typer.append(row) {
                try reject(row, column, refusal)
            } else {
                rejects.accept()
            }
        }
        rejects.report(bytes: FileBytesProgress())
        let typed = typer.take()
        if typed.rowCount > 0 { try pipe.push(typed) }
    }

    func finish() throws { try rejects.finish() }

    private func reject(_ row: Row, _ column: ColumnMapping, _ refusal: Refusal) throws {
        let position = if case .column(let name) = column.source { names.firstIndex(of: name) } else { Int?.none }
        let raw = names.indices.map { row.text($0) }.joined(separator: ",")
        try rejects.reject(
            line: rejects.rows + 1,
            column: position.map { names[$0] } ?? column.name,
            value: position.map { Array(row.text($0).utf8) } ?? [],
            refusal,
            raw: Array(raw.utf8.prefix(CSVReader.rawLimit))
        )
    }

    private struct Row: RawRow {
        let batch: ColumnBatch
        let texts: [TextColumn]
        let number: Int

        func withField<R>(_ position: Int, _ body: (UnsafeBufferPointer<UInt8>?) -> R) -> R {
            batch.columns[position].isNull(number) ? body(nil) : texts[position].withUTF8(number, body)
        }

        func text(_ position: Int) -> String { texts[position][number] }
    }
}
