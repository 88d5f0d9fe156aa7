// Where in the log each subscriber is named, in one SQLite file beside it.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
public import Kernel
public import Ports

/// ``SubscriberPostings`` in one SQLite file.
///
/// The file can be made anew from the log at any time: one that is damaged is replaced by an empty one, and no sync is
/// waited for.
public final class SQLitePostings: SubscriberPostings {
    private let database: DatabaseQueue

    /// Opens the file, which is made when it is not there or not readable.
    public init(path: String) throws {
        var configuration = Configuration()
        configuration.label = "postings"
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        func open() throws -> DatabaseQueue {
            let database = try DatabaseQueue(path: path, configuration: configuration)
            try database.write { try $0.execute(sql: Self.schema) }
            return database
        }
        do {
            database = try open()
        } catch let error as DatabaseError
            where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
        {
            for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            database = try open()
        }
    }

    public func end() throws -> Int64 {
        try database.read { try Int64.fetchOne($0, sql: "SELECT sequence FROM read_up_to") ?? 0 }
    }

    public func add(_ postings: [SubscriberPosting], upTo sequence: Int64) throws {
        // In the order of the table, so that neighbours are written together.
        let ordered = postings.sorted { ($0.subscriber, $0.sequence) < ($1.subscriber, $1.sequence) }
        try database.write { db in
            let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO posting VALUES (?, ?)")
            for posting in ordered { try insert.execute(arguments: [posting.subscriber, posting.sequence]) }
            try db.execute(sql: "INSERT OR REPLACE INTO read_up_to VALUES (1, ?)", arguments: [sequence])
        }
    }

    public func sequences(naming subscriber: SubscriberIndex) throws -> [Int64] {
        try database.read { db in
            let statement = try db.cachedStatement(
                sql: "SELECT sequence FROM posting WHERE subscriber = ? ORDER BY sequence"
            )
            return try Int64.fetchAll(statement, arguments: [subscriber.number])
        }
    }

    public func removeAll() throws {
        try database.write { try $0.execute(sql: "DELETE FROM posting; DELETE FROM read_up_to") }
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS posting (
            subscriber INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (subscriber, sequence)
        ) WITHOUT ROWID, STRICT;
        CREATE TABLE IF NOT EXISTS read_up_to (
            id INTEGER PRIMARY KEY CHECK (id = 1), sequence INTEGER NOT NULL
        ) STRICT;
        """
}
