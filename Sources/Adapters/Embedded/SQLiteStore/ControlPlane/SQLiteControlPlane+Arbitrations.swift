// Arbitrations across campaigns in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func arbitration(_ id: Int64) async throws -> Arbitration? {
        try await read { try Self.arbitration(id, $0) }
    }

    public func arbitrations(
        _ query: ListQuery,
        states: Set<ArbitrationState>,
        in scope: OrganisationScope
    ) async throws -> Page<Arbitration> {
        var list = ListStatement("*", from: "arbitration")
        list.keep("state", among: states)
        list.keep("arbitration", in: scope)
        list.keep(query.search, in: ["name", "owner"])
        let order = query.order(by: ArbitrationColumn.self)
        let column =
            switch order.column {
            case .number: "id"
            case .name: "name"
            case .owner: "owner"
            case .state: "state"
            case .updated: "updated_ms"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "id", Self.arbitration)
        }
    }

    public func save(_ arbitration: Arbitration, audit: AuditEntry) async throws -> Arbitration {
        try await change(audit) { db in
            let object = "arbitration/\(arbitration.id)"
            let stored = arbitration.version == 0 ? nil : try Self.arbitration(arbitration.id, db)
            if arbitration.version > 0 {
                guard let stored else { throw ControlPlaneError.notFound(object: object) }
                guard stored.version == arbitration.version else {
                    throw ControlPlaneError.stale(object: object, expectedVersion: arbitration.version)
                }
            }
            if let previous = arbitration.previous, try Self.arbitration(previous, db) == nil {
                throw ControlPlaneError.notFound(object: "arbitration/\(previous)")
            }
            try ControlPlaneChecks.check(arbitration, replacing: stored)
            var saved = arbitration
            saved.version += 1
            let values: StatementArguments = [
                saved.version, saved.name, saved.state.rawValue, try canonicalJSON(saved.setup), saved.previous,
                saved.result?.hex, try saved.figures.map { try canonicalJSON($0) }, try canonicalJSON(saved.shortfalls),
                saved.problem, saved.owner, saved.scope.province, saved.scope.city, saved.scope.county,
                saved.createdAt.epochMs, saved.updatedAt.epochMs, saved.adoptedBy, saved.adoptedAt?.epochMs,
            ]
            if stored == nil {
                try db.execute(
                    sql: """
                        INSERT INTO arbitration (version, name, state, setup, previous, result, figures, shortfalls,
                            problem, owner, province, city, county, created_ms, updated_ms, adopted_by, adopted_ms)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: values
                )
                saved.id = db.lastInsertedRowID
            } else {
                try db.execute(
                    sql: """
                        UPDATE arbitration SET version = ?, name = ?, state = ?, setup = ?, previous = ?, result = ?,
                            figures = ?, shortfalls = ?, problem = ?, owner = ?, province = ?, city = ?, county = ?,
                            created_ms = ?, updated_ms = ?, adopted_by = ?, adopted_ms = ?
                        WHERE id = ?
                        """,
                    arguments: values + [saved.id]
                )
            }
            return saved
        }
    }

    private static func arbitration(_ id: Int64, _ db: Database) throws -> Arbitration? {
        try Row.fetchOne(db, sql: "SELECT * FROM arbitration WHERE id = ?", arguments: [id]).map(arbitration)
    }

    private static func arbitration(_ row: Row) throws -> Arbitration {
        let id: Int64 = try row.value("id")
        let object = "arbitration/\(id)"
        var arbitration = Arbitration(
            name: try row.value("name"),
            setup: try row.json("setup", of: object),
            previous: try row.optional("previous"),
            owner: try row.value("owner"),
            scope: try row.scope(),
            at: try row.instant("created_ms")
        )
        arbitration.id = id
        arbitration.version = try row.value("version")
        arbitration.state = try row.name("state", of: object)
        if let hex: String = try row.optional("result") {
            guard let result = ContentHash(hex: hex) else {
                throw UnreadableRow(object: object, reason: "column result holds no SHA-256")
            }
            arbitration.result = result
            arbitration.figures = try row.json("figures", of: object)
        }
        arbitration.shortfalls = try row.json("shortfalls", of: object)
        arbitration.problem = try row.optional("problem")
        arbitration.updatedAt = try row.instant("updated_ms")
        arbitration.adoptedBy = try row.optional("adopted_by")
        arbitration.adoptedAt = try row.optional("adopted_ms").map { Instant(epochMs: $0) }
        return arbitration
    }
}
