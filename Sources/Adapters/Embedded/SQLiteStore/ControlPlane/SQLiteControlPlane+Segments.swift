// Segments in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func segment(_ id: Int64) async throws -> Segment? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM segment WHERE id = ?", arguments: [id]).map(Self.segment)
        }
    }

    public func segment(named name: String) async throws -> Segment? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM segment WHERE name = ?", arguments: [name]).map(Self.segment)
        }
    }

    public func segments(_ query: ListQuery, in scope: OrganisationScope) async throws -> Page<Segment> {
        var list = ListStatement("*", from: "segment")
        list.keep("segment", in: scope)
        list.keep(query.search, in: ["name", "rule", "owner"])
        let order = query.order(by: SegmentColumn.self)
        let column =
            switch order.column {
            case .name: "name"
            case .owner: "owner"
            case .count: "count"
            case .updated: "updated_ms"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "id", Self.segment)
        }
    }

    public func save(_ segment: Segment, audit: AuditEntry) async throws -> Segment {
        try ControlPlaneChecks.check(segment)
        return try await change(audit) { db in
            let isNew = segment.version == 0
            if !isNew { try Self.requireVersion(segment.version, in: "segment", id: segment.id, db) }
            try Self.requireFreeName(segment.name, in: "segment", id: isNew ? nil : segment.id, db)
            let scope = segment.scope
            let values: StatementArguments = [
                segment.name, segment.rule, segment.owner, scope.province, scope.city, scope.county, segment.count,
                segment.updatedAt.epochMs,
            ]
            var saved = segment
            saved.version += 1
            if isNew {
                try db.execute(
                    sql: """
                        INSERT INTO segment (name, rule, owner, province, city, county, count, updated_ms, version)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: values + [saved.version]
                )
                saved.id = db.lastInsertedRowID
            } else {
                try db.execute(
                    sql: """
                        UPDATE segment SET name = ?, rule = ?, owner = ?, province = ?, city = ?, county = ?, count = ?,
                            updated_ms = ?, version = ?
                        WHERE id = ?
                        """,
                    arguments: values + [saved.version, segment.id]
                )
            }
            return saved
        }
    }

    /// Throws unless the object is stored with this version; `table` is also what people call the object.
    static func requireVersion(_ version: Int, in table: String, id: Int64, _ db: Database) throws {
        let stored = try Int.fetchOne(db, sql: "SELECT version FROM \(table) WHERE id = ?", arguments: [id])
        guard let stored else { throw ControlPlaneError.notFound(object: "\(table)/\(id)") }
        guard stored == version else {
            throw ControlPlaneError.stale(object: "\(table)/\(id)", expectedVersion: version)
        }
    }

    /// Throws when another object of the table than `id` has the name.
    static func requireFreeName(_ name: String, in table: String, id: Int64?, _ db: Database) throws {
        let owner = try Int64.fetchOne(db, sql: "SELECT id FROM \(table) WHERE name = ?", arguments: [name])
        guard owner == nil || owner == id else { throw ControlPlaneError.nameTaken(object: table, name: name) }
    }

    private static func segment(_ row: Row) throws -> Segment {
        var segment = Segment(
            name: try row.value("name"),
            rule: try row.value("rule"),
            owner: try row.value("owner"),
            scope: try row.scope(),
            updatedAt: try row.instant("updated_ms")
        )
        segment.id = try row.value("id")
        segment.version = try row.value("version")
        segment.count = try row.optional("count")
        return segment
    }
}
