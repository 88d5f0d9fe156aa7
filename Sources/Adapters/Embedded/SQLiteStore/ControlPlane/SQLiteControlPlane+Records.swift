// What is recorded once and never changed, in SQLite: loads and the audit log.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    // MARK: Loads

    public func load(id: String) async throws -> LoadRecord? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM load WHERE id = ?", arguments: [id]).map(Self.load)
        }
    }

    public func loads(table: String?) async throws -> [LoadRecord] {
        try await read { db in
            let (filter, arguments): (String, StatementArguments) =
                table.map { ("WHERE table_name = ? ", [$0]) } ?? ("", [])
            let sql = "SELECT * FROM load \(filter)ORDER BY number"
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map(Self.load)
        }
    }

    public func record(_ load: LoadRecord, audit: AuditEntry) async throws {
        try ControlPlaneChecks.check(load)
        try await change(audit) { db in
            try db.execute(
                sql: """
                    INSERT INTO load (id, at_ms, file, table_name, read, loaded, rejected, folder)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING
                    """,
                arguments: [
                    load.id, load.at.epochMs, load.file, load.table, load.rows, load.loaded, load.rejected, load.folder,
                ]
            )
            guard db.changesCount == 1 else { throw ControlPlaneError.nameTaken(object: "load", name: load.id) }
        }
    }

    public func removeLoad(id: String, audit: AuditEntry) async throws {
        try await change(audit) { db in
            try db.execute(sql: "DELETE FROM load WHERE id = ?", arguments: [id])
            guard db.changesCount == 1 else { throw ControlPlaneError.notFound(object: "load \(id)") }
        }
    }

    private static func load(_ row: Row) throws -> LoadRecord {
        LoadRecord(
            id: try row.value("id"),
            at: try row.instant("at_ms"),
            file: try row.value("file"),
            table: try row.value("table_name"),
            rows: try row.value("read"),
            loaded: try row.value("loaded"),
            rejected: try row.value("rejected"),
            folder: try row.value("folder")
        )
    }

    // MARK: Audit

    public func append(_ entry: AuditEntry) async throws {
        try await change(entry) { _ in }
    }

    public func audit(_ query: ListQuery) async throws -> Page<AuditEntry> {
        var list = ListStatement("*", from: "audit")
        list.keep(query.search, in: ["who", "action", "object", "detail"])
        let order = query.order(by: AuditColumn.self)
        let column =
            switch order.column {
            case .at: "at_ms"
            case .who: "who"
            case .action: "action"
            case .object: "object"
            }
        return try await read { [list] db in
            try list.page(
                db,
                query,
                by: column,
                isDescending: order.isDescending,
                number: "id",
                Self.auditEntry
            )
        }
    }

    public func auditOfLoads() async throws -> [AuditEntry] {
        // The condition is word for word that of the index.
        let names = ControlPlaneChecks.loadChanges.map { "'\($0)'" }.joined(separator: ", ")
        return try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM audit WHERE action IN (\(names)) ORDER BY id")
                .map(Self.auditEntry)
        }
    }

    static func auditEntry(_ row: Row) throws -> AuditEntry {
        AuditEntry(
            at: try row.instant("at_ms"),
            who: try row.value("who"),
            action: try row.value("action"),
            object: try row.value("object"),
            detail: try row.value("detail")
        )
    }

    static func insert(_ entry: AuditEntry, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT INTO audit (at_ms, who, action, object, detail) VALUES (?, ?, ?, ?, ?)")
            .execute(arguments: [entry.at.epochMs, entry.who, entry.action, entry.object, entry.detail])
    }
}
