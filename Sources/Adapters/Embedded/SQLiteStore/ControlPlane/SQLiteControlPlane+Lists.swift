// Changes of special lists in SQLite: one by one, and lists of numbers as a whole.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func record(_ changes: [ListChange], dates: [ListDates], audit: AuditEntry) async throws {
        for change in changes { try ControlPlaneChecks.check(change) }
        for entry in dates { try ControlPlaneChecks.check(entry) }
        try await change(audit) { db in
            try Self.insert(changes, db)
            try Self.set(dates, db)
        }
    }

    public func record(
        _ entry: ListImportRecord,
        changes: [ListChange],
        dates: [ListDates],
        audit: AuditEntry
    ) async throws {
        try ControlPlaneChecks.check(entry)
        for change in changes { try ControlPlaneChecks.check(change) }
        for entry in dates { try ControlPlaneChecks.check(entry) }
        try await change(audit) { db in
            try db.execute(
                sql: """
                    INSERT INTO list_import (at_ms, who, list, channel, mode, source, reason, read, left_out, added,
                        removed, added_file, removed_file)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    entry.at.epochMs, entry.who, entry.list.code, entry.list.channel?.code, entry.mode.rawValue,
                    entry.source, entry.reason, entry.rows, entry.leftOut, entry.added, entry.removed,
                    entry.addedFile?.hex, entry.removedFile?.hex,
                ]
            )
            try Self.insert(changes, db)
            try Self.set(dates, db)
        }
    }

    private static func set(_ dates: [ListDates], _ db: Database) throws {
        let forget = try db.cachedStatement(sql: "DELETE FROM list_dates WHERE list = ? AND channel = ? AND idx = ?")
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO list_dates (list, channel, idx, from_day, to_day, who, reason, is_entered)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        for entry in dates {
            let (code, channel) = (entry.list.code, entry.list.channel?.code ?? "")
            try forget.execute(arguments: [code, channel, Int64(entry.index)])
            guard !entry.isEmpty else { continue }
            try insert.execute(arguments: [
                code, channel, Int64(entry.index), entry.from?.number, entry.to?.number, entry.who, entry.reason,
                entry.isEntered,
            ])
        }
    }

    public func listDates(_ choice: ListDatesChoice) async throws -> [ListDates] {
        let (condition, arguments): (String, StatementArguments) =
            switch choice {
            case .all: ("TRUE", [])
            case .list(let list): ("list = ? AND channel = ?", [list.code, list.channel?.code ?? ""])
            case .subscriber(let index): ("idx = ?", [Int64(index)])
            case .due(let day):
                (
                    "to_day < ? OR is_entered = 0 AND (from_day IS NULL OR from_day <= ?)",
                    [day.number, day.number]
                )
            }
        return try await read { db in
            let sql = "SELECT * FROM list_dates WHERE \(condition)"
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map { row in
                let (index, channel): (Int64, String) = (try row.value("idx"), try row.value("channel"))
                let days: (Int32?, Int32?) = (try row.optional("from_day"), try row.optional("to_day"))
                return ListDates(
                    list: ListID(try row.value("list"), channel: ChannelClass(code: channel)),
                    index: UInt32(truncatingIfNeeded: index),
                    from: days.0.map { LocalDay(number: $0) },
                    to: days.1.map { LocalDay(number: $0) },
                    who: try row.value("who"),
                    reason: try row.value("reason"),
                    isEntered: try row.value("is_entered")
                )
            }
            .sorted { ($0.list, $0.index) < ($1.list, $1.index) }
        }
    }

    private static func insert(_ changes: [ListChange], _ db: Database) throws {
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO list_change (at_ms, who, list, channel, idx, is_added, reason)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """
        )
        for change in changes {
            try insert.execute(arguments: [
                change.at.epochMs, change.who, change.list.code, change.list.channel?.code, Int64(change.index),
                change.isAdded, change.reason,
            ])
        }
    }

    public func listChanges(of index: UInt32) async throws -> [ListChange] {
        try await read { db in
            let sql = "SELECT * FROM list_change WHERE idx = ? ORDER BY id"
            return try Row.fetchAll(db, sql: sql, arguments: [Int64(index)]).map { row in
                ListChange(
                    at: try row.instant("at_ms"),
                    who: try row.value("who"),
                    list: try Self.list(row),
                    index: index,
                    isAdded: try row.value("is_added"),
                    reason: try row.value("reason")
                )
            }
        }
    }

    public func listImports() async throws -> [ListImportRecord] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM list_import ORDER BY id").map { row in
                let mode: String = try row.value("mode")
                var entry = ListImportRecord(
                    at: try row.instant("at_ms"),
                    who: try row.value("who"),
                    list: try Self.list(row),
                    mode: ListImportMode(rawValue: mode) ?? .add,
                    source: try row.value("source"),
                    reason: try row.value("reason")
                )
                (entry.rows, entry.leftOut) = (try row.value("read"), try row.value("left_out"))
                (entry.added, entry.removed) = (try row.value("added"), try row.value("removed"))
                let files: (String?, String?) = (try row.optional("added_file"), try row.optional("removed_file"))
                (entry.addedFile, entry.removedFile) = (
                    files.0.flatMap { ContentHash(hex: $0) }, files.1.flatMap { ContentHash(hex: $0) }
                )
                return entry
            }
        }
    }

    private static func list(_ row: Row) throws -> ListID {
        let channel: String? = try row.optional("channel")
        return ListID(try row.value("list"), channel: channel.flatMap { ChannelClass(code: $0) })
    }
}
