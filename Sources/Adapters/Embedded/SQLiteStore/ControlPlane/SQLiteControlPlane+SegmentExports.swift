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
                        requested_by, requested_ms, state)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    export.segment, export.name, export.audience, export.count, try canonicalJSON(export.attributes),
                    export.reason, scope.province, scope.city, scope.county, export.requestedBy,
                    export.requestedAt.epochMs, export.state.rawValue,
                ]
            )
            saved.id = db.lastInsertedRowID
            return saved
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
        return export
    }
}
