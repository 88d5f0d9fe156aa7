// Exports of segments in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func segmentExport(_ id: Int64) async throws -> SegmentExport? {
        try await read { try Self.segmentExport(id, $0) }
    }

    public func segmentExports(_ query: ListQuery, in scope: OrganisationScope) async throws -> Page<SegmentExport> {
        var list = ListStatement("*", from: "segment_export")
        list.keep("segment_export", in: scope)
        list.keep(query.search, in: ["name", "reason", "requested_by"])
        let order = query.order(by: SegmentExportColumn.self)
        let column =
            switch order.column {
            case .number: "id"
            case .name: "name"
            case .who: "requested_by"
            case .state: "state"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "id", Self.segmentExport)
        }
    }

    public func save(_ export: SegmentExport, audit: AuditEntry) async throws -> SegmentExport {
        try await change(audit) { db in
            let stored = export.id == 0 ? nil : try Self.segmentExport(export.id, db)
            guard export.id == 0 || stored != nil else {
                throw ControlPlaneError.notFound(object: "export/\(export.id)")
            }
            try ControlPlaneChecks.check(export, replacing: stored)
            var saved = export
            if export.endedAt != nil {
                try db.execute(
                    sql: "UPDATE segment_export SET ended_by = ?, ended_ms = ? WHERE id = ?",
                    arguments: [export.endedBy, export.endedAt?.epochMs, export.id]
                )
                return saved
            }
            if stored != nil {
                try db.execute(
                    sql: "UPDATE segment_export SET state = ?, decided_by = ?, decided_ms = ? WHERE id = ?",
                    arguments: [export.state.rawValue, export.decidedBy, export.decidedAt?.epochMs, export.id]
                )
                return saved
            }
            let scope = export.scope
            try db.execute(
                sql: """
                    INSERT INTO segment_export (segment, name, audience, count, attributes, reason, province, city, county,
                        requested_by, requested_ms, state, system, until_day)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    export.segment, export.name, export.audience, export.count, try canonicalJSON(export.attributes),
                    export.reason, scope.province, scope.city, scope.county, export.requestedBy,
                    export.requestedAt.epochMs, export.state.rawValue, export.delivery?.system,
                    export.delivery?.until?.number,
                ]
            )
            saved.id = db.lastInsertedRowID
            return saved
        }
    }

    public func openDeliveries() async throws -> [SegmentExport] {
        let sql = """
            SELECT * FROM segment_export AS asked
            WHERE system IS NOT NULL AND state = 'approved' AND ended_ms IS NULL AND (until_day IS NOT NULL
                OR NOT EXISTS (SELECT 1 FROM segment_delivery WHERE export = asked.id))
            ORDER BY id
            """
        return try await read { try Row.fetchAll($0, sql: sql).map(Self.segmentExport) }
    }

    public func deliveredFiles(ofExport id: Int64) async throws -> [DeliveredFile] {
        let sql = "SELECT * FROM segment_delivery WHERE export = ? ORDER BY audience DESC"
        return try await read { db in
            try Row.fetchAll(db, sql: sql, arguments: [id]).map { row in
                DeliveredFile(
                    export: try row.value("export"),
                    audience: try row.value("audience"),
                    name: try row.value("name"),
                    count: try row.value("count"),
                    removed: try row.value("removed"),
                    at: try row.instant("at_ms")
                )
            }
        }
    }

    public func record(_ file: DeliveredFile, audit: AuditEntry) async throws {
        try await change(audit) { db in
            let export = try Self.segmentExport(file.export, db)
            try ControlPlaneChecks.check(file, of: export)
            try db.execute(
                sql: """
                    INSERT OR REPLACE INTO segment_delivery (export, audience, name, count, removed, at_ms)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [file.export, file.audience, file.name, file.count, file.removed, file.at.epochMs]
            )
        }
    }

    private static func segmentExport(_ id: Int64, _ db: Database) throws -> SegmentExport? {
        try Row.fetchOne(db, sql: "SELECT * FROM segment_export WHERE id = ?", arguments: [id]).map(segmentExport)
    }

    private static func segmentExport(_ row: Row) throws -> SegmentExport {
        let id: Int64 = try row.value("id")
        let object = "export/\(id)"
        var export = SegmentExport(
            segment: try row.value("segment"),
            name: try row.value("name"),
            audience: try row.value("audience"),
            count: try row.value("count"),
            attributes: try row.json("attributes", of: object),
            reason: try row.value("reason"),
            scope: try row.scope(),
            requestedBy: try row.value("requested_by"),
            requestedAt: try row.instant("requested_ms")
        )
        export.id = id
        export.state = try row.name("state", of: object)
        export.decidedBy = try row.optional("decided_by")
        export.decidedAt = try row.optional("decided_ms").map { Instant(epochMs: $0) }
        if let system: String = try row.optional("system") {
            let until: LocalDay? = try row.optional("until_day").map { LocalDay(number: $0) }
            export.delivery = SegmentDelivery(to: system, until: until)
        }
        export.endedBy = try row.optional("ended_by")
        export.endedAt = try row.optional("ended_ms").map { Instant(epochMs: $0) }
        return export
    }
}
