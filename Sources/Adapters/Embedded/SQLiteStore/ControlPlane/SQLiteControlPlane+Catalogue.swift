// Revisions of the attribute catalogue in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func record(_ revision: CatalogueRevision, audit: AuditEntry) async throws {
        try await change(audit) { db in
            let last = try Int.fetchOne(db, sql: "SELECT max(id) FROM catalogue_revision") ?? 0
            try ControlPlaneChecks.check(revision, after: last)
            try db.execute(
                sql: "INSERT INTO catalogue_revision (id, at_ms, who, reason, content) VALUES (?, ?, ?, ?, ?)",
                arguments: [
                    revision.number, revision.at.epochMs, revision.who, revision.reason,
                    try canonicalJSON(revision.content),
                ]
            )
        }
    }

    public func catalogueRevision(_ number: Int?) async throws -> CatalogueRevision? {
        try await read { db in
            try Row.fetchOne(
                db,
                sql:
                    "SELECT * FROM catalogue_revision WHERE id = coalesce(?, (SELECT max(id) FROM catalogue_revision))",
                arguments: [number]
            )
            .map(Self.catalogueRevision)
        }
    }

    public func catalogueRevisions(_ query: ListQuery) async throws -> Page<CatalogueRevision> {
        var list = ListStatement("*", from: "catalogue_revision")
        list.keep(query.search, in: ["who", "reason"])
        let order = query.order(by: CatalogueRevisionColumn.self)
        let column =
            switch order.column {
            case .number: "id"
            case .at: "at_ms"
            case .who: "who"
            case .reason: "reason"
            }
        return try await read { [list] db in
            try list.page(
                db,
                query,
                by: column,
                isDescending: order.isDescending,
                number: "id",
                Self.catalogueRevision
            )
        }
    }

    private static func catalogueRevision(_ row: Row) throws -> CatalogueRevision {
        let number: Int = try row.value("id")
        return CatalogueRevision(
            number: number,
            at: try row.instant("at_ms"),
            who: try row.value("who"),
            reason: try row.value("reason"),
            content: try row.json("content", of: "catalogue/\(number)")
        )
    }
}
