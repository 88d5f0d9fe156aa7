// What people wrote about subscribers who are erased goes out of the file, free pages and write-ahead log included.
// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Model
public import Ports

extension SQLiteControlPlane {
    public func erasedSubscribers() async throws -> Set<UInt32> {
        try await read { db in
            Set(try Int64.fetchAll(db, sql: "SELECT idx FROM erased_subscriber").compactMap { UInt32(exactly: $0) })
        }
    }

    public func recordErased(_ subscribers: [UInt32], audit: AuditEntry) async throws {
        try await change(audit) { db in
            let insert = try db.cachedStatement(sql: "INSERT OR IGNORE INTO erased_subscriber (idx) VALUES (?)")
            for index in subscribers { try insert.execute(arguments: [Int64(index)]) }
        }
    }

    public func forget(_ subscribers: [UInt32], mentions: Mentions) async throws {
        try await change(nil) { db in
            for index in subscribers {
                try Self.forget(index, db)
                try db.execute(sql: "DELETE FROM list_dates WHERE idx = ?", arguments: [Int64(index)])
            }
            let places = [
                ("audit", "detail"), ("list_change", "reason"), ("list_import", "reason"), ("list_import", "source"),
                ("list_dates", "reason"), ("catalogue_revision", "reason"), ("data_request", "title"),
                ("data_request", "need"), ("data_request", "reason"), ("data_request_step", "text"),
                ("list_setting", "reason"), ("segment_export", "reason"), ("segment", "purpose"),
            ]
            for (table, column) in places {
                try Self.forget(mentions, in: table, column, by: "\(column) = ?", db)
            }
            try Self.forget(
                mentions,
                in: "segment",
                "coalesce(review ->> '$.reason', '')",
                by: "review = json_set(review, '$.reason', ?)",
                db
            )
        }
        try await leaveNoTrace()
    }

    /// Writes over the texts of a table that mention somebody.
    private static func forget(
        _ mentions: Mentions,
        in table: String,
        _ text: String,
        by change: String,
        _ db: Database
    ) throws {
        let texts = try Row.fetchCursor(db, sql: "SELECT id, \(text) AS text FROM \(table)")
        var found: [Int64] = []
        while let row = try texts.next() {
            if mentions.occur(in: try row.value("text")) { found.append(try row.value("id")) }
        }
        for id in found {
            try db.execute(sql: "UPDATE \(table) SET \(change) WHERE id = ?", arguments: [Mentions.erased, id])
        }
    }

    /// Reasons of changes of lists stand in the audit entries that were written with them, too.
    private static func forget(_ index: UInt32, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE audit SET detail = ?1 WHERE detail <> ?1 AND action IN ('list.add', 'list.remove') AND EXISTS (
                    SELECT 1 FROM list_change AS change WHERE change.idx = ?2 AND change.at_ms = audit.at_ms
                    AND change.who = audit.who
                    AND audit.object = 'list/' || change.list || coalesce('/' || change.channel, ''))
                """,
            arguments: [Mentions.erased, Int64(index)]
        )
        try db.execute(
            sql: "UPDATE list_change SET reason = ? WHERE idx = ?",
            arguments: [Mentions.erased, Int64(index)]
        )
    }

    /// Writes the file anew without free space, and empties the write-ahead log; waits for who reads.
    private func leaveNoTrace() async throws {
        do {
            try await pool.barrierWriteWithoutTransaction { db in
                try db.execute(sql: "VACUUM")
                try db.checkpoint(.truncate)
            }
        } catch {
            throw SQLiteControlPlaneError(error, path: pool.path)
        }
    }
}
