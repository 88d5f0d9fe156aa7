// Segments in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func segment(_ id: Int64) async throws -> Segment? {
        try await read { try Self.segment(id, $0) }
    }

    public func segment(named name: String) async throws -> Segment? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM segment WHERE name = ?", arguments: [name]).map(Self.segment)
        }
    }

    public func segments(
        _ query: ListQuery,
        _ filter: SegmentFilter,
        seenBy staff: Staff?
    ) async throws -> Page<Segment> {
        var list = ListStatement("*", from: "segment")
        list.keep("state", among: filter.states)
        list.keep("refresh", among: filter.refreshes)
        if let isTemplate = filter.isTemplate { list.keep("is_template = ?", [isTemplate]) }
        if let isWaiting = filter.isWaiting {
            list.keep("(review IS NOT NULL AND review ->> '$.result' IS NULL) = ?", [isWaiting])
        }
        if let staff { list.keepSegments(seenBy: staff) }
        list.keep(query.search, in: ["name", "summary", "owner"])
        let order = query.order(by: SegmentColumn.self)
        let column =
            switch order.column {
            case .name: "name"
            case .owner: "owner"
            case .count: "count"
            case .state: "state"
            case .updated: "updated_ms"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "id", Self.segment)
        }
    }

    public func save(_ segment: Segment, audit: AuditEntry) async throws -> Segment {
        try await change(audit) { try Self.put(segment, who: audit.who, $0) }
    }

    public func deleteSegment(_ id: Int64, version: Int, audit: AuditEntry) async throws {
        try await change(audit) { db in
            let object = "segment/\(id)"
            try Self.requireVersion(version, in: "segment", id: id, db)
            let use = try Self.use(of: id, db)
            if let campaign = use.campaigns.first {
                throw ControlPlaneError.inUse(object: object, by: "campaign/\(campaign.id)")
            }
            if let user = use.segments.first { throw ControlPlaneError.inUse(object: object, by: "segment/\(user.id)") }
            if let user = use.deliveries.first {
                throw ControlPlaneError.inUse(object: object, by: "export/\(user.id)")
            }
            guard try Self.segment(id, db)?.published == nil else {
                throw ControlPlaneError.invalid(object: object, reason: "an audience of it was released; let it expire")
            }
            try db.execute(sql: "DELETE FROM segment WHERE id = ?", arguments: [id])
        }
    }

    public func revisions(ofSegment id: Int64) async throws -> [SegmentRevision] {
        try await read { db in
            let sql = "SELECT * FROM segment_revision WHERE segment = ? ORDER BY number DESC"
            return try Row.fetchAll(db, sql: sql, arguments: [id]).map { row in
                let number: Int = try row.value("number")
                return SegmentRevision(
                    segment: id,
                    number: number,
                    name: try row.value("name"),
                    definition: try row.json("definition", of: "segment/\(id), revision \(number)"),
                    who: try row.value("who"),
                    at: try row.instant("at_ms")
                )
            }
        }
    }

    public func use(ofSegment id: Int64) async throws -> SegmentUse {
        try await read { try Self.use(of: id, $0) }
    }

    public func record(
        _ audience: Audience,
        of segment: Segment,
        audit: AuditEntry
    ) async throws -> (Audience, Segment) {
        try await change(audit) { db in try Self.insert(audience, of: segment, who: audit.who, db) }
    }

    public func record(_ audiences: [AudienceRecording]) async throws -> [(audience: Audience, segment: Segment)?] {
        for each in audiences { try ControlPlaneChecks.check(each.audit) }
        return try await change(nil) { db in
            try audiences.map { each in
                var recorded: (Audience, Segment)?
                do {
                    try db.inSavepoint {
                        recorded = try Self.insert(each.audience, of: each.segment, who: each.audit.who, db)
                        try Self.insert(each.audit, db)
                        return .commit
                    }
                } catch ControlPlaneError.stale, ControlPlaneError.notFound {
                    return nil
                }
                return recorded
            }
        }
    }

    private static func insert(
        _ audience: Audience,
        of segment: Segment,
        who: String,
        _ db: Database
    ) throws -> (Audience, Segment) {
        try ControlPlaneChecks.check(audience, of: segment)
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO audience (segment, revision, file, count, universe, steps, load, looked_at, facts, who,
                    at_ms)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        try insert.execute(
            arguments: [
                segment.id, audience.revision, audience.file.hex, audience.count, audience.universe,
                try canonicalJSON(audience.steps), audience.load,
                try audience.lookedAt.map(canonicalJSON), audience.facts?.hex, audience.who, audience.at.epochMs,
            ]
        )
        var (recorded, updated) = (audience, segment)
        recorded.id = db.lastInsertedRowID
        updated.count = audience.count
        updated.audience = recorded.id
        if updated.state == .published { updated.published = recorded.id }
        return (recorded, try put(updated, who: who, db))
    }

    public func audience(_ id: Int64) async throws -> Audience? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM audience WHERE id = ?", arguments: [id]).map(Self.audience)
        }
    }

    public func audiences(ofSegment id: Int64) async throws -> [Audience] {
        try await read { db in
            let sql = "SELECT * FROM audience WHERE segment = ? ORDER BY id DESC"
            return try Row.fetchAll(db, sql: sql, arguments: [id]).map(Self.audience)
        }
    }

    // MARK: Rows

    private static func put(_ segment: Segment, who: String, _ db: Database) throws -> Segment {
        let isNew = segment.version == 0
        if !isNew { try requireVersion(segment.version, in: "segment", id: segment.id, db) }
        let stored = isNew ? nil : try Self.segment(segment.id, db)
        try requireFreeName(segment.name, in: "segment", id: isNew ? nil : segment.id, db)
        for audience in [segment.audience, segment.published].compactMap({ $0 }) {
            let exists = try db.cachedStatement(
                sql: "SELECT EXISTS (SELECT 1 FROM audience WHERE id = ? AND segment = ?)"
            )
            guard try Bool.fetchOne(exists, arguments: [audience, segment.id]) == true else {
                throw ControlPlaneError.notFound(object: "audience/\(audience)")
            }
        }
        try ControlPlaneChecks.check(segment, replacing: stored)
        var saved = segment
        saved.version += 1
        saved.revision = stored.map { $0.revision + ($0.definition == segment.definition ? 0 : 1) } ?? 1
        let scope = saved.scope
        let values: StatementArguments = [
            saved.version, saved.revision, saved.name, saved.purpose, try canonicalJSON(saved.definition),
            saved.definition.summary, saved.state.rawValue, saved.owner, scope.province, scope.city, scope.county,
            saved.sharing.rawValue, saved.isTemplate, saved.refresh.rawValue, saved.validTo?.number, saved.count,
            saved.audience, saved.published, saved.updatedAt.epochMs, try canonicalJSON(saved.matches),
            try saved.review.map(canonicalJSON),
        ]
        if isNew {
            try db.execute(
                sql: """
                    INSERT INTO segment (version, revision, name, purpose, definition, summary, state, owner, province,
                        city, county, sharing, is_template, refresh, valid_to, count, audience, published, updated_ms,
                        matches, review)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: values
            )
            saved.id = db.lastInsertedRowID
        } else {
            let update = try db.cachedStatement(
                sql: """
                    UPDATE segment SET version = ?, revision = ?, name = ?, purpose = ?, definition = ?, summary = ?,
                        state = ?, owner = ?, province = ?, city = ?, county = ?, sharing = ?, is_template = ?,
                        refresh = ?, valid_to = ?, count = ?, audience = ?, published = ?, updated_ms = ?,
                        matches = ?, review = ?
                    WHERE id = ?
                    """
            )
            try update.execute(arguments: values + [saved.id])
        }
        if saved.revision != stored?.revision { try addRevision(of: saved, who: who, db) }
        return saved
    }

    private static func addRevision(of segment: Segment, who: String, _ db: Database) throws {
        try db.execute(
            sql:
                "INSERT INTO segment_revision (segment, number, name, definition, who, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [
                segment.id, segment.revision, segment.name, try canonicalJSON(segment.definition), who,
                segment.updatedAt.epochMs,
            ]
        )
        try db.execute(sql: "DELETE FROM segment_use WHERE user = ?", arguments: [segment.id])
        for used in segment.definition.segments {
            guard try Self.segment(used, db) != nil else { throw ControlPlaneError.notFound(object: "segment/\(used)") }
            try db.execute(sql: "INSERT INTO segment_use (used, user) VALUES (?, ?)", arguments: [used, segment.id])
        }
    }

    private static func use(of id: Int64, _ db: Database) throws -> SegmentUse {
        func users(_ sql: String) throws -> [SegmentUse.User] {
            try Row.fetchAll(db, sql: sql, arguments: [id]).map { row in
                SegmentUse.User(
                    id: try row.value("id"),
                    name: try row.value("name"),
                    product: try row.optional("product")
                )
            }
        }
        return SegmentUse(
            campaigns: try users(
                """
                SELECT id, name, plan ->> '$.product' AS product FROM campaign AS c
                JOIN campaign_revision AS r ON r.campaign = c.id AND r.revision = c.revision
                WHERE segment = ? ORDER BY id
                """
            ),
            segments: try users(
                """
                SELECT id, name, NULL AS product FROM segment JOIN segment_use ON user = id WHERE used = ?
                ORDER BY id
                """
            ),
            deliveries: try users(
                """
                SELECT id, system AS name, NULL AS product FROM segment_export AS asked
                WHERE segment = ? AND system IS NOT NULL AND state <> 'refused' AND ended_ms IS NULL
                AND (until_day IS NOT NULL OR NOT EXISTS (SELECT 1 FROM segment_delivery WHERE export = asked.id))
                ORDER BY id
                """
            ),
            requests: try users(
                """
                SELECT id, title AS name, NULL AS product FROM data_request AS d WHERE segment = ?1
                OR EXISTS (SELECT 1 FROM data_request_step AS s WHERE s.request = d.id AND s.segment = ?1) ORDER BY id
                """
            )
        )
    }

    /// Throws unless the object is stored with this version; `table` is also what people call the object.
    static func requireVersion(_ version: Int, in table: String, id: Int64, _ db: Database) throws {
        let select = try db.cachedStatement(sql: "SELECT version FROM \(table) WHERE id = ?")
        let stored = try Int.fetchOne(select, arguments: [id])
        guard let stored else { throw ControlPlaneError.notFound(object: "\(table)/\(id)") }
        guard stored == version else {
            throw ControlPlaneError.stale(object: "\(table)/\(id)", expectedVersion: version)
        }
    }

    /// Throws when another object of the table than `id` has the name.
    static func requireFreeName(_ name: String, in table: String, id: Int64?, _ db: Database) throws {
        let select = try db.cachedStatement(sql: "SELECT id FROM \(table) WHERE name = ?")
        let owner = try Int64.fetchOne(select, arguments: [name])
        guard owner == nil || owner == id else { throw ControlPlaneError.nameTaken(object: table, name: name) }
    }

    private static func segment(_ id: Int64, _ db: Database) throws -> Segment? {
        let select = try db.cachedStatement(sql: "SELECT * FROM segment WHERE id = ?")
        return try Row.fetchOne(select, arguments: [id]).map(segment)
    }

    private static func segment(_ row: Row) throws -> Segment {
        let id: Int64 = try row.value("id")
        let object = "segment/\(id)"
        var segment = Segment(
            name: try row.value("name"),
            definition: try row.json("definition", of: object),
            owner: try row.value("owner"),
            scope: try row.scope(),
            updatedAt: try row.instant("updated_ms")
        )
        segment.id = id
        segment.version = try row.value("version")
        segment.revision = try row.value("revision")
        segment.purpose = try row.value("purpose")
        segment.state = try row.name("state", of: object)
        segment.sharing = try row.name("sharing", of: object)
        segment.isTemplate = try row.value("is_template")
        segment.refresh = try row.name("refresh", of: object)
        segment.validTo = try row.optional("valid_to").map { LocalDay(number: $0) }
        segment.count = try row.optional("count")
        segment.audience = try row.optional("audience")
        segment.published = try row.optional("published")
        segment.matches = try row.json("matches", of: object)
        segment.review = try row.optionalJSON("review", of: object)
        return segment
    }

    private static func audience(_ row: Row) throws -> Audience {
        let id: Int64 = try row.value("id")
        let object = "audience/\(id)"
        let hex: String = try row.value("file")
        guard let file = ContentHash(hex: hex) else {
            throw UnreadableRow(object: object, reason: "column file holds no SHA-256")
        }
        var audience = Audience(
            segment: try row.value("segment"),
            revision: try row.value("revision"),
            file: file,
            count: try row.value("count"),
            universe: try row.value("universe"),
            steps: try row.json("steps", of: object),
            load: try row.value("load"),
            lookedAt: try row.optionalJSON("looked_at", of: object),
            facts: try row.optional("facts").flatMap { ContentHash(hex: $0) },
            who: try row.value("who"),
            at: try row.instant("at_ms")
        )
        audience.id = id
        return audience
    }
}

extension ListStatement {
    /// Keeps the segments that a member of staff sees, see `Segment.isVisible(to:)`.
    fileprivate mutating func keepSegments(seenBy staff: Staff) {
        var covered = "sharing = 'scope'"
        var arguments: StatementArguments = [staff.login]
        let scope = staff.scope
        for (level, place) in [("province", scope.province), ("city", scope.city), ("county", scope.county)] {
            guard let place else { continue }
            covered += " AND \(level) = ?"
            arguments += [place]
        }
        keep("(sharing = 'everyone' OR owner = ? OR (\(covered)))", arguments)
    }
}
