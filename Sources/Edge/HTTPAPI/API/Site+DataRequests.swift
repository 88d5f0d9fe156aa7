// API: data requests, raised by one and served by another.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
public import Model
import Planning
import Ports
import Texts

extension Site {
    private struct Raise: Decodable {
        var title: String
        var need: String
        var reason: String
        var wantedBy: String
        var scope: OrganisationScope?
        var segment: Int64?
    }

    private struct Step: Decodable {
        var version: Int
        var text: String?
        var segment: Int64?
    }

    static let dataRequestColumns: [CSVColumn<DataRequest>] = [
        CSVColumn("编号", "Number") { "\($0.id)" }, CSVColumn("标题", "Title") { $0.title },
        CSVColumn("状态", "State") { $0.state.rawValue }, CSVColumn("期望日期", "Wanted by") { $0.wantedBy.iso },
        CSVColumn("提出人", "Raised by") { $0.requestedBy }, CSVColumn("提出时间", "Raised") { $0.requestedAt.iso },
        CSVColumn("处理人", "Worked on by") { $0.worker ?? "" },
        CSVColumn("更新时间", "Changed") { $0.updatedAt.iso },
    ]

    func addDataRequestRoutes() {
        get("\(Self.api)/data-requests", .viewSegments) { [self] request, context in
            let (staff, today) = (try context.user(), today)
            let filter = try filter(of: request, for: staff)
            return try await list(
                request,
                context,
                name: "data-requests",
                order: DataRequestColumn.self,
                columns: Self.dataRequestColumns,
                form: { JSONObject($0, acts: platform.dataRequests.acts(on: $0, of: staff), today: today) }
            ) { try await platform.store.dataRequests($0, filter, in: staff.scope) }
        }
        post("\(Self.api)/data-requests", .viewSegments) { [self] request, context in
            try await keys.once(request, context) { request in
                let staff = try context.user()
                let form = try await request.json(Raise.self, context)
                let day = try LocalDay(day: form.wantedBy, field: "wantedBy")
                let raised = try await platform.dataRequests.raise(
                    DataRequest(
                        title: form.title,
                        need: form.need,
                        reason: form.reason,
                        wantedBy: day,
                        scope: form.scope ?? staff.scope,
                        segment: form.segment,
                        requestedBy: staff.login,
                        requestedAt: now
                    ),
                    by: staff,
                    today: today,
                    at: now
                )
                return try answer(raised, for: staff, status: .created)
            }
        }
        get("\(Self.api)/data-requests/{id}", .viewSegments) { [self] _, context in
            let staff = try context.user()
            return try answer(try await platform.dataRequests.request(try context.id(), for: staff), for: staff)
        }
        for act in DataRequestAct.allCases {
            post("\(Self.api)/data-requests/{id}/\(act.rawValue)", act.access) { [self] request, context in
                let staff = try context.user()
                let found = try await platform.dataRequests.request(try context.id(), for: staff)
                let step = try await request.json(Step.self, context)
                let done = try await platform.dataRequests.take(
                    act,
                    of: found,
                    version: step.version,
                    text: step.text ?? "",
                    segment: step.segment,
                    by: staff,
                    at: now
                )
                return try answer(done, for: staff)
            }
        }
    }

    private func answer(
        _ request: DataRequest,
        for staff: Staff,
        status: HTTPResponse.Status = .ok
    ) throws -> Response {
        let acts = platform.dataRequests.acts(on: request, of: staff)
        return try Response.json(JSONObject(request, acts: acts, today: today), status: status)
    }

    /// Reads `state`, a list with commas, and `view`.
    private func filter(of request: Request, for staff: Staff) throws(EdgeError) -> DataRequestFilter {
        var filter = DataRequestFilter()
        switch request.query("view") {
        case nil, "", "all": break
        case "mine": filter.requestedBy = staff.login
        case "waiting": filter = platform.dataRequests.waiting(for: staff)
        default: throw .badRequest(field: "view", why: "use all, mine or waiting")
        }
        guard let text = request.query("state"), !text.isEmpty else { return filter }
        filter.states = []
        for name in text.split(separator: ",") {
            guard let state = DataRequestState(rawValue: String(name)) else {
                let names = DataRequestState.allCases.map(\.rawValue).joined(separator: ", ")
                throw .badRequest(field: "state", why: "use \(names)")
            }
            filter.states.insert(state)
        }
        return filter
    }
}

extension DataRequestAct {
    /// Who may take the step at all; that it is his turn is looked at later.
    public var access: Access { actor == .requester ? .viewSegments : .editSegments }
}

extension JSONObject {
    init(_ request: DataRequest, acts: [DataRequestAct], today: LocalDay) {
        self = [
            "id": request.id, "version": request.version, "title": request.title, "need": request.need,
            "reason": request.reason, "wantedBy": request.wantedBy.iso, "scope": request.scope,
            "segment": request.segment, "requestedBy": request.requestedBy,
            "requestedAt": request.requestedAt.iso, "state": request.state, "worker": request.worker,
            "updatedAt": request.updatedAt.iso, "isOverdue": request.isOverdue(on: today),
            "answer": request.answer.map { JSONObject($0) }, "acts": acts.map(\.rawValue),
            "history": request.steps.map { JSONObject($0) },
        ]
    }

    init(_ step: DataRequestStep) {
        self = [
            "act": step.act.rawValue, "who": step.who, "at": step.at.iso, "text": step.text, "segment": step.segment,
        ]
    }
}
