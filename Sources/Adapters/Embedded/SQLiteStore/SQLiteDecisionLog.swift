// The decision log in SQLite files, one per segment.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
public import Kernel
public import Ports
import Synchronization

/// Why the decision log cannot be opened or written.
public enum SQLiteDecisionLogError: CodedError {
    case notConsecutive(expected: Int64, got: Int64)
    case gap(segment: String, first: Int64, expected: Int64)
    case badRow(sequence: Int64, segment: String)

    public var code: String {
        switch self {
        case .notConsecutive: "log.not_consecutive"
        case .gap: "log.gap"
        case .badRow: "log.bad_row"
        }
    }

    public var description: String {
        switch self {
        case .notConsecutive(let expected, let got): "batch \(got) cannot follow; the log expects \(expected)"
        case .gap(let segment, let first, let expected):
            "\(segment) begins at batch \(first) instead of \(expected); a segment is missing, restore it"
        case .badRow(let sequence, let segment): "batch \(sequence) in \(segment) is not readable; restore the segment"
        }
    }
}

/// A ``DecisionLog`` in SQLite files `segment-00000001.sqlite`, `…2.sqlite`: WAL, `synchronous=FULL`, one writer.
///
/// A segment holds about 1 GiB; retention removes whole segments, never rows. After a failed write the segment is
/// closed and opened anew, so that what is read next is what the disk holds.
public final class SQLiteDecisionLog: DecisionLog {
    private let folder: String
    private let segmentBytes: Int
    private let configuration: Configuration
    private let segments: Mutex<Segments>

    private struct Segments {
        var open: [Segment] = []
        var next: Int64 = 1
        var position: LogPosition = .start
        var needsReopening = false
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
    ///   - segmentBytes: A new segment begins when the last one is at least this large.
    ///   - vfs: Name of a registered SQLite file layer; tests use one that loses unsynced writes.
    public init(folder: String, segmentBytes: Int = 1 << 30, vfs: String? = nil) throws {
        self.folder = folder
        self.segmentBytes = segmentBytes
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            if vfs != nil { try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
            try db.execute(sql: "PRAGMA page_size = 8192")
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
        }
        self.configuration = configuration
        vfsName = vfs
        segments = Mutex(Segments())
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try segments.withLock { try openAll(&$0) }
    }

    private let vfsName: String?

    public func position() throws -> LogPosition {
        try segments.withLock { segments in
            if segments.needsReopening { try openAll(&segments) }
            return segments.position
        }
    }

    public func append(_ batches: [LogBatch]) throws {
        guard !batches.isEmpty else { return }
        try segments.withLock { segments in
            if segments.needsReopening { try openAll(&segments) }
            var position = segments.position
            for batch in batches {
                guard batch.sequence == position.sequence + 1 else {
                    throw SQLiteDecisionLogError.notConsecutive(expected: position.sequence + 1, got: batch.sequence)
                }
                position.sequence = batch.sequence
                position.heads[Int(batch.chain.number)] = batch.digest
            }
            do {
                try write(batches, &segments)
            } catch {
                segments.needsReopening = true
                throw error
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

    public func read(chain: LogChain, from sequence: Int64, withKeys: Bool, _ body: (LogBatch) throws -> Void) throws {
        let filter = withKeys ? "" : "AND wave IS NULL "
        let sql = "SELECT * FROM batch WHERE chain = ? AND sequence >= ? \(filter)ORDER BY sequence LIMIT \(Self.page)"
        try page(from: sequence, { try self.rows($0, sql, [Int64(chain.number), $1]) }, body)
    }

    /// Rows read at once; `body` runs between pages, so that it may use the log itself.
    private static let page = 64

    private func page(
        from start: Int64,
        _ fetch: (Segment, Int64) throws -> [LogBatch],
        _ body: (LogBatch) throws -> Void
    ) throws {
        for segment in try readable() {
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
            if segments.needsReopening { try openAll(&segments) }
            return segments.open
        }
    }

    private func openAll(_ segments: inout Segments) throws {
        segments = Segments()
        var number: Int64 = 1
        while FileManager.default.fileExists(atPath: path(number)) || (vfsName != nil && number == 1) {
            try open(number, &segments)
            number += 1
        }
        if segments.open.isEmpty { try open(1, &segments) }
        segments.next = Int64(segments.open.count) + 1
    }

    private func path(_ number: Int64) -> String {
        let digits = String(number)
        return folder + "/segment-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + ".sqlite"
    }

    private func open(_ number: Int64, _ segments: inout Segments) throws {
        let path = path(number)
        let location = vfsName.map { "file:\(path)?vfs=\($0)" } ?? path
        let database = try DatabaseQueue(path: location, configuration: configuration)
        let expected = segments.position.sequence + 1
        let first = try database.inDatabase { db -> Int64 in
            try db.inTransaction(.immediate) {
                try db.execute(sql: Self.schema)
                try db.execute(sql: "INSERT OR IGNORE INTO segment (id, first) VALUES (1, ?)", arguments: [expected])
                return .commit
            }
            return try Int64.fetchOne(db, sql: "SELECT first FROM segment") ?? expected
        }
        guard first == expected else {
            throw SQLiteDecisionLogError.gap(segment: path, first: first, expected: expected)
        }
        segments.open.append(Segment(path: path, database: database, first: first))
        try database.inDatabase { db in
            segments.position.sequence = try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM batch") ?? expected - 1
            let heads = try Row.fetchAll(
                db,
                sql: "SELECT chain, digest FROM batch WHERE sequence IN (SELECT max(sequence) FROM batch GROUP BY chain)"
            )
            for row in heads {
                let digest: Data = row["digest"]
                guard let head = ContentHash(bytes: digest) else {
                    throw SQLiteDecisionLogError.badRow(sequence: segments.position.sequence, segment: path)
                }
                segments.position.heads[row["chain"]] = head
            }
        }
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
        CREATE INDEX IF NOT EXISTS batch_by_chain ON batch (chain, sequence);
        """

    // MARK: Rows

    private func write(_ batches: [LogBatch], _ segments: inout Segments) throws {
        if let last = segments.open.last, try size(last) >= segmentBytes {
            try open(segments.next, &segments)
            segments.next += 1
        }
        guard let segment = segments.open.last else { return }
        try segment.database.inDatabase { db in
            try db.inTransaction(.immediate) {
                let insert = try db.cachedStatement(
                    sql: "INSERT INTO batch (sequence, chain, wave, block, previous, digest, payload) VALUES (?,?,?,?,?,?,?)"
                )
                for batch in batches {
                    try insert.execute(arguments: [
                        batch.sequence, Int64(batch.chain.number), batch.key?.wave, batch.key?.block,
                        Data(batch.previous.bytes), Data(batch.digest.bytes), Data(batch.payload),
                    ])
                }
                return .commit
            }
        }
    }

    private func size(_ segment: Segment) throws -> Int {
        guard segmentBytes < .max else { return 0 }
        return try segment.database.inDatabase { db in
            try (Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0) * (Int.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
        }
    }

    private func rows(_ segment: Segment, _ sql: String, _ arguments: StatementArguments) throws -> [LogBatch] {
        try segment.database.inDatabase { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map { row in
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
