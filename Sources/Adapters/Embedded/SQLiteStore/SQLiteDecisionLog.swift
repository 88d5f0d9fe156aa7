// The decision log in SQLite files, one per segment.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import GRDBSQLite
public import Kernel
public import Ports
import Synchronization

/// Why the decision log cannot be opened or written.
public enum SQLiteDecisionLogError: CodedError {
    case notConsecutive(expected: Int64, got: Int64)
    case gap(segment: String, first: Int64, expected: Int64)
    case missing(segment: String, found: String)
    case lostBeginning(segment: String)
    case damaged(segment: String, cause: String)
    case lost(end: Int64, expected: Int64)
    case badRow(sequence: Int64, segment: String)
    case io(operation: String, path: String, cause: String)

    public var code: String {
        switch self {
        case .notConsecutive: "log.not_consecutive"
        case .gap: "log.gap"
        case .missing: "log.missing_segment"
        case .lostBeginning: "log.lost_beginning"
        case .damaged: "log.damaged"
        case .lost: "log.lost"
        case .badRow: "log.bad_row"
        case .io: "log.io"
        }
    }

    public var description: String {
        switch self {
        case .notConsecutive(let expected, let got): "batch \(got) cannot follow; the log expects \(expected)"
        case .gap(let segment, let first, let expected):
            "\(segment) begins at batch \(first) instead of \(expected); a segment is missing, restore it"
        case .missing(let segment, let found): "\(segment) is missing but \(found) is there; restore it from a backup"
        case .lostBeginning(let segment):
            "\(segment) is missing or empty, though decisions were made here; restore it from a backup"
        case .damaged(let segment, let cause): "\(segment) is damaged (\(cause)); restore it from a backup"
        case .lost(let end, let expected):
            "the log on the disk ends at batch \(end), but batch \(expected) was written; restore it from a backup"
        case .badRow(let sequence, let segment): "batch \(sequence) in \(segment) is not readable; restore the segment"
        case .io(let operation, let path, let cause):
            "cannot \(operation) \(path): \(cause). The folder must be there, be writable and have free space"
        }
    }
}

/// A ``DecisionLog`` in SQLite files `segment-00000001.sqlite`, `…2.sqlite`: WAL, `synchronous=FULL`, one writer.
///
/// A segment holds about 1 GiB; retention removes whole segments, never rows. After a failed write everything is
/// closed and opened anew, so that what is read next is what the disk holds, and what the failed write left is removed.
public final class SQLiteDecisionLog: DecisionLog {
    private let folder: String
    private let segmentBytes: Int
    private let mayBegin: Bool
    private let configuration: Configuration
    private let vfsName: String?
    private let segments: Mutex<Segments>

    private struct Segments {
        var open: [Segment] = []
        /// About how large the last one is, at least when it is too large; nil = not looked yet.
        var bytes: Int?
        /// The end of what was acknowledged.
        var position: LogPosition = .start
        /// A write that failed but may be on the disk all the same; nil when all is well.
        var failed: FailedWrite?
    }

    private struct FailedWrite {
        var batches: [LogBatch]
        /// The heads of all chains before it.
        var heads: [ContentHash]
    }

    /// One file and the first sequence in it.
    private struct Segment {
        var path: String
        var database: DatabaseQueue
        var first: Int64
    }

    /// Opens the log in a folder, which is made when it is not there.
    ///
    /// - Parameters:
    ///   - folder: Where the segments are; nothing else may be kept there.
    ///   - segmentBytes: A new segment begins when the last one is at least this large.
    ///   - mayBegin: Whether a log that is not there is begun; false where one has been, which must not be replaced by an
    ///     empty one.
    ///   - checkpointPages: Pages of 8 KiB after which the WAL is copied into the segment; few, because a commit waits
    ///     for it.
    ///   - vfs: Name of a registered SQLite file layer; tests use one that loses unsynced writes.
    /// - Throws: ``SQLiteDecisionLogError``.
    public init(
        folder: String,
        segmentBytes: Int = 1 << 30,
        mayBegin: Bool = true,
        checkpointPages: Int = 400,
        vfs: String? = nil
    ) throws {
        self.folder = folder
        self.mayBegin = mayBegin
        self.segmentBytes = segmentBytes
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            if vfs != nil { try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
            try db.execute(sql: "PRAGMA page_size = 8192")
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = \(checkpointPages)")
        }
        self.configuration = configuration
        vfsName = vfs
        segments = Mutex(Segments())
        try DurableFolder.make(folder)
        let found = try openAll(Segments())
        segments.withLock { $0 = found }
    }

    public func position() throws -> LogPosition {
        try segments.withLock { segments in
            try repair(&segments)
            return segments.position
        }
    }

    public func append(_ batches: [LogBatch]) throws {
        guard !batches.isEmpty else { return }
        try segments.withLock { segments in
            try repair(&segments)
            var position = segments.position
            for batch in batches {
                guard batch.sequence == position.sequence + 1 else {
                    throw SQLiteDecisionLogError.notConsecutive(expected: position.sequence + 1, got: batch.sequence)
                }
                position.sequence = batch.sequence
                position.heads[Int(batch.chain.number)] = batch.digest
            }
            do {
                try write(batches, endingAt: position, &segments)
            } catch {
                // A batch that is there already was written by somebody else and is not ours to remove.
                let isTaken = (error as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT
                segments.failed = FailedWrite(batches: isTaken ? [] : batches, heads: segments.position.heads)
                // At once, so that a restart finds nothing of it either; when the disk fails again, before the next use.
                try? repair(&segments)
                throw Self.typed(error, "write to", folder)
            }
            segments.position = position
        }
    }

    public func read(from sequence: Int64, _ body: (LogBatch) throws -> Void) throws {
        let sql = "SELECT * FROM batch WHERE sequence >= ? ORDER BY sequence LIMIT \(Self.page)"
        try page(from: sequence, { try self.rows($0, sql, [$1]) }, body)
    }

    public func batches(for key: LogKey) throws -> [LogBatch] {
        let sql = "SELECT * FROM batch WHERE wave = ? AND block = ? ORDER BY sequence"
        return try readable().flatMap { try rows($0, sql, [key.wave, key.block]) }
    }

    public func batches(at sequences: [Int64]) throws -> [LogBatch] {
        let segments = try readable()
        return try sequences.compactMap { sequence in
            guard let segment = segments.last(where: { $0.first <= sequence }) else { return nil }
            return try rows(segment, "SELECT * FROM batch WHERE sequence = ?", [sequence]).first
        }
    }

    public func read(chain: LogChain?, from sequence: Int64, withKeys: Bool, _ body: (LogBatch) throws -> Void) throws {
        let filter = (chain.map { "chain = \($0.number) AND " } ?? "") + (withKeys ? "" : "wave IS NULL AND ")
        let sql = "SELECT * FROM batch WHERE \(filter)sequence >= ? ORDER BY sequence LIMIT \(Self.page)"
        try page(from: sequence, { try self.rows($0, sql, [$1]) }, body)
    }

    /// Rows read at once; `body` runs between pages, so that it may use the log itself.
    private static let page = 64

    private func page(
        from start: Int64,
        _ fetch: (Segment, Int64) throws -> [LogBatch],
        _ body: (LogBatch) throws -> Void
    ) throws {
        let segments = try readable()
        // Those that end before the start hold nothing that is asked for.
        for segment in segments[(segments.lastIndex { $0.first <= start } ?? 0)...] {
            var next = start
            while true {
                let batches = try fetch(segment, next)
                for batch in batches { try body(batch) }
                guard batches.count == Self.page, let last = batches.last else { break }
                next = last.sequence + 1
            }
        }
    }

    // MARK: Segments

    private func readable() throws -> [Segment] {
        try segments.withLock { segments in
            try repair(&segments)
            return segments.open
        }
    }

    /// After a failed write: closes and opens everything, and checks that it ends where it was acknowledged to end.
    private func repair(_ segments: inout Segments) throws {
        guard segments.failed != nil else { return }
        for segment in segments.open { try? segment.database.close() }
        segments.open = []
        let found = try openAll(segments)
        guard found.position.sequence >= segments.position.sequence else {
            throw SQLiteDecisionLogError.lost(end: found.position.sequence, expected: segments.position.sequence)
        }
        segments = found
    }

    /// Opens the segments there are, or the first; removes from them what a failed write `before` left.
    private func openAll(_ before: Segments) throws -> Segments {
        var found = Segments()
        while try exists(path(found.open.count + 1)) {
            try openNext(&found, removing: before.failed)
        }
        // SQLite takes an empty file for none: whoever began it was stopped before anything was in it.
        let next = path(found.open.count + 1)
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder)
        if let later = files?.map({ folder + "/" + $0 }).first(where: { $0.hasSuffix(".sqlite") && $0 > next }) {
            throw SQLiteDecisionLogError.missing(segment: next, found: later)
        }
        if found.open.isEmpty {
            guard mayBegin else { throw SQLiteDecisionLogError.lostBeginning(segment: next) }
            try openNext(&found)
        }
        return found
    }

    private func path(_ number: Int) -> String {
        let digits = String(number)
        return folder + "/segment-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".sqlite"
    }

    /// Asks the file layer in use, which need not be the operating system's.
    private func exists(_ path: String) throws -> Bool {
        var found: CInt = 0
        guard let layer = sqlite3_vfs_find(vfsName),
            layer.pointee.xAccess(layer, path, SQLITE_ACCESS_EXISTS, &found) == SQLITE_OK
        else { throw SQLiteDecisionLogError.io(operation: "look for", path: path, cause: "no answer") }
        return found != 0
    }

    /// Opens or begins the segment after the last one that is open.
    private func openNext(_ segments: inout Segments, removing failed: FailedWrite? = nil) throws {
        let path = path(segments.open.count + 1)
        do {
            let location = vfsName.map { "file:\(path)?vfs=\($0)" } ?? path
            let database = try DatabaseQueue(path: location, configuration: configuration)
            let expected = segments.position.sequence + 1
            var position = segments.position
            let first = try database.inDatabase { db in
                let first = try Self.prepare(db, after: segments.position, removing: failed)
                try Self.readEnd(db, path: path, &position)
                return first
            }
            guard first == expected else {
                throw SQLiteDecisionLogError.gap(segment: path, first: first, expected: expected)
            }
            segments.open.append(Segment(path: path, database: database, first: first))
            segments.position = position
        } catch {
            throw Self.typed(error, "open", path)
        }
    }

    /// Brings the tables into being and removes what a failed write left; says which batch the segment begins with.
    private static func prepare(
        _ db: Database,
        after position: LogPosition,
        removing failed: FailedWrite?
    ) throws -> Int64 {
        var first = position.sequence + 1
        try db.inTransaction(.immediate) {
            try db.execute(sql: schema)
            try db.execute(sql: "INSERT OR IGNORE INTO segment (id, first) VALUES (1, ?)", arguments: [first])
            try keepHeads(db, after: position)
            if let failed {
                for batch in failed.batches {
                    try db.execute(
                        sql: "DELETE FROM batch WHERE sequence = ? AND digest = ?",
                        arguments: [batch.sequence, Data(batch.digest.bytes)]
                    )
                    if db.changesCount > 0 { try write(failed.heads, db) }
                }
            }
            first = try Int64.fetchOne(db, sql: "SELECT first FROM segment") ?? first
            return .commit
        }
        return first
    }

    private static func readEnd(_ db: Database, path: String, _ position: inout LogPosition) throws {
        position.sequence = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM batch") ?? position.sequence
        guard let bytes = try Data.fetchOne(db, sql: "SELECT heads FROM segment") else { return }
        let heads = stride(from: 0, to: bytes.count, by: 32).compactMap {
            ContentHash(bytes: bytes.dropFirst($0).prefix(32))
        }
        guard heads.count == LogChain.count else {
            throw SQLiteDecisionLogError.badRow(sequence: position.sequence, segment: path)
        }
        position.heads = heads
    }

    /// Keeps the heads of all chains in one place: an index over chains would change a page of each at every commit.
    ///
    /// A segment of an earlier release has such an index instead.
    private static func keepHeads(_ db: Database, after position: LogPosition) throws {
        guard try !db.columns(in: "segment").contains(where: { $0.name == "heads" }) else { return }
        try db.execute(sql: "ALTER TABLE segment ADD COLUMN heads BLOB")
        var heads = position.heads
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT chain, digest FROM batch WHERE sequence IN (SELECT max(sequence) FROM batch GROUP BY chain)"
        )
        for row in rows { heads[row["chain"]] = ContentHash(bytes: row["digest"] as Data) ?? .zero }
        if !rows.isEmpty { try write(heads, db) }
        try db.execute(sql: "DROP INDEX IF EXISTS batch_by_chain")
    }

    private static func write(_ heads: [ContentHash], _ db: Database) throws {
        let update = try db.cachedStatement(sql: "UPDATE segment SET heads = ?")
        try update.execute(arguments: [Data(heads.flatMap(\.bytes))])
    }

    /// An error of SQLite as one of this log; others as they are.
    private static func typed(_ error: any Error, _ operation: String, _ path: String) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        let cause = "\(error.message ?? "SQLite error") (\(error.extendedResultCode.rawValue))"
        if [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) {
            return SQLiteDecisionLogError.damaged(segment: path, cause: cause)
        }
        return SQLiteDecisionLogError.io(operation: operation, path: path, cause: cause)
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS segment (id INTEGER PRIMARY KEY CHECK (id = 1), first INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS batch (
            sequence INTEGER PRIMARY KEY,
            chain INTEGER NOT NULL CHECK (chain BETWEEN 0 AND 64),
            wave INTEGER,
            block INTEGER,
            previous BLOB NOT NULL CHECK (length(previous) = 32),
            digest BLOB NOT NULL CHECK (length(digest) = 32),
            payload BLOB NOT NULL
        ) STRICT;
        CREATE INDEX IF NOT EXISTS batch_by_key ON batch (wave, block) WHERE wave IS NOT NULL;
        CREATE INDEX IF NOT EXISTS batch_in_common_chain ON batch (sequence) WHERE chain = \(LogChain.common.number);
        """

    // MARK: Rows

    private func write(_ batches: [LogBatch], endingAt position: LogPosition, _ segments: inout Segments) throws {
        if let last = segments.open.last, segments.bytes.map({ $0 >= segmentBytes }) ?? true {
            segments.bytes = try size(last)
            if segments.bytes ?? 0 >= segmentBytes {
                try openNext(&segments)
                segments.bytes = nil
            }
        }
        guard let segment = segments.open.last else {
            throw SQLiteDecisionLogError.io(operation: "write to", path: folder, cause: "no segment is open")
        }
        try segment.database.inDatabase { db in
            try db.inTransaction(.immediate) {
                let insert = try db.cachedStatement(
                    sql: """
                        INSERT INTO batch (sequence, chain, wave, block, previous, digest, payload)
                        VALUES (?,?,?,?,?,?,?)
                        """
                )
                for batch in batches {
                    try insert.execute(arguments: [
                        batch.sequence, Int64(batch.chain.number), batch.key?.wave, batch.key?.block,
                        Data(batch.previous.bytes), Data(batch.digest.bytes), Data(batch.payload),
                    ])
                }
                try Self.write(position.heads, db)
                return .commit
            }
        }
        // What a row takes beside its payload: columns and indices; a long payload fills its last page in part.
        segments.bytes? += batches.reduce(0) { $0 + $1.payload.count + ($1.payload.count < 2_048 ? 256 : 8_192) }
    }

    private func size(_ segment: Segment) throws -> Int {
        guard segmentBytes < .max else { return 0 }
        return try segment.database.inDatabase { db in
            try (Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0) * (Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
        }
    }

    private func rows(_ segment: Segment, _ sql: String, _ arguments: StatementArguments) throws -> [LogBatch] {
        do {
            return try fetch(segment, sql, arguments)
        } catch {
            throw Self.typed(error, "read", segment.path)
        }
    }

    private func fetch(_ segment: Segment, _ sql: String, _ arguments: StatementArguments) throws -> [LogBatch] {
        try segment.database.inDatabase { db in
            let statement = try db.cachedStatement(sql: sql)
            return try Row.fetchAll(statement, arguments: arguments).map { row in
                let sequence: Int64 = row["sequence"]
                let (previous, digest, payload): (Data, Data, Data) = (row["previous"], row["digest"], row["payload"])
                let (chain, wave, block): (Int64, Int64?, Int32?) = (row["chain"], row["wave"], row["block"])
                guard let before = ContentHash(bytes: previous), let own = ContentHash(bytes: digest),
                    (0...Int64(Partition.count)).contains(chain)
                else { throw SQLiteDecisionLogError.badRow(sequence: sequence, segment: segment.path) }
                return LogBatch(
                    sequence: sequence,
                    chain: LogChain(number: UInt8(chain)),
                    key: wave.flatMap { wave in block.map { LogKey(wave: wave, block: $0) } },
                    payload: Array(payload),
                    previous: before,
                    digest: own
                )
            }
        }
    }
}
