// Data requests and their steps in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func dataRequest(_ id: Int64) async throws -> DataRequest? {
        try await read { try Self.dataRequest(id, $0) }
    }

    public func dataRequests(
        _ query: ListQuery,
        _ filter: DataRequestFilter,
        in scope: OrganisationScope
    ) async throws -> Page<DataRequest> {
        var list = ListStatement("*", from: "data_request")
        list.keep("data_request", in: scope)
        list.keep("state", among: filter.states)
        if let login = filter.requestedBy { list.keep("requested_by = ?", [login]) }
        if let reader = filter.waitingFor {
            list.keep(
                """
                ((state IN ('asked', 'answered') AND requested_by = ?) OR (state = 'taken' AND worker = ?)
                    OR (state = 'open' AND ? AND requested_by <> ?))
                """,
                [reader.login, reader.login, reader.isWorker, reader.login]
            )
        }
        list.keep(query.search, in: ["title", "need", "requested_by", "coalesce(worker, '')"])
        let order = query.order(by: DataRequestColumn.self)
        let column =
            switch order.column {
            case .number: "id"
            case .title: "title"
            case .who: "requested_by"
            case .worker: "worker"
            case .wanted: "wanted_day"
            case .state: Self.life
            case .updated: "updated_ms"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "id") {
                try Self.dataRequest($0, db)
            }
        }
    }

    /// States as numbers, in the order of a request's life.
    private static let life =
        "CASE state "
        + DataRequestState.allCases.enumerated().map { "WHEN '\($1.rawValue)' THEN \($0)" }.joined(separator: " ")
        + " END"

    public func raise(_ request: DataRequest, audit: AuditEntry) async throws -> DataRequest {
        try ControlPlaneChecks.check(request)
        return try await change(audit) { db in
            let scope = request.scope
            try db.execute(
                sql: """
                    INSERT INTO data_request (title, need, reason, wanted_day, province, city, county, segment,
                        requested_by, requested_ms, state, worker, updated_ms)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    request.title, request.need, request.reason, request.wantedBy.number, scope.province, scope.city,
                    scope.county, request.segment, request.requestedBy, request.requestedAt.epochMs,
                    request.state.rawValue, request.worker, request.updatedAt.epochMs,
                ]
            )
            var saved = request
            saved.id = db.lastInsertedRowID
            return saved
        }
    }

    public func record(
        _ step: DataRequestStep,
        of id: Int64,
        version: Int,
        audit: AuditEntry
    ) async throws -> DataRequest {
        try ControlPlaneChecks.check(step, of: id)
        return try await change(audit) { db in
            guard var request = try Self.dataRequest(id, db) else {
                throw ControlPlaneError.notFound(object: "request/\(id)")
            }
            guard request.version == version else {
                throw ControlPlaneError.stale(object: "request/\(id)", expectedVersion: version)
            }
            try request.take(step)
            try db.execute(
                sql:
                    "INSERT INTO data_request_step (request, act, who, at_ms, text, segment) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [id, step.act.rawValue, step.who, step.at.epochMs, step.text, step.segment]
            )
            try db.execute(
                sql: "UPDATE data_request SET state = ?, worker = ?, updated_ms = ? WHERE id = ?",
                arguments: [request.state.rawValue, request.worker, request.updatedAt.epochMs, id]
            )
            return request
        }
    }

    private static func dataRequest(_ id: Int64, _ db: Database) throws -> DataRequest? {
        try Row.fetchOne(db, sql: "SELECT * FROM data_request WHERE id = ?", arguments: [id])
            .map { try dataRequest($0, db) }
    }

    private static func dataRequest(_ row: Row, _ db: Database) throws -> DataRequest {
        let id: Int64 = try row.value("id")
        let day: Int32 = try row.value("wanted_day")
        var request = DataRequest(
            title: try row.value("title"),
            need: try row.value("need"),
            reason: try row.value("reason"),
            wantedBy: LocalDay(number: day),
            scope: try row.scope(),
            segment: try row.optional("segment"),
            requestedBy: try row.value("requested_by"),
            requestedAt: try row.instant("requested_ms")
        )
        request.id = id
        let sql = "SELECT * FROM data_request_step WHERE request = ? ORDER BY id"
        let steps = try Row.fetchAll(db, sql: sql, arguments: [id]).map { row in
            DataRequestStep(
                try row.name("act", of: "request/\(id)"),
                who: try row.value("who"),
                at: try row.instant("at_ms"),
                text: try row.value("text"),
                segment: try row.optional("segment")
            )
        }
        return DataRequest(request, steps: steps)
    }
}
