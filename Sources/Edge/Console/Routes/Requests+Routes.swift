// 取数需求.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addRequests() {
        page("/requests", .viewSegments) { frame, _, context in
            let (staff, query) = (try context.user(), TableQuery(frame))
            let tab = RequestsPage.Tab(rawValue: frame.parameter("tab")) ?? .active
            let waiting = platform.dataRequests.waiting(for: staff)
            let filter = tab.filter(waiting, staff.login)
            let (store, scope) = (platform.store, staff.scope)
            return RequestsPage(
                requests: try await store.dataRequests(query.list, filter, in: scope),
                query: query,
                tab: tab,
                waiting: try await store.dataRequests(ListQuery(limit: 1), waiting, in: scope).total
            ).page(frame)
        }
        export("/requests.csv", .viewSegments, columns: RequestsPage.columns) { frame, context in
            let staff = try context.user()
            let tab = RequestsPage.Tab(rawValue: frame.parameter("tab")) ?? .active
            let filter = tab.filter(platform.dataRequests.waiting(for: staff), staff.login)
            return try await everything(TableQuery(frame)) {
                try await platform.store.dataRequests($0, filter, in: staff.scope)
            }
        }
        addRaising()
        page("/requests/{id}", .viewSegments) { frame, _, context in
            let staff = try context.user()
            let request = try await platform.dataRequests.request(try context.id(), for: staff)
            return try await requestPage(request, for: staff).page(frame)
        }
        for act in DataRequestAct.allCases { add(act) }
    }

    private func addRaising() {
        page("/requests/new", .viewSegments) { frame, _, context in
            let staff = try context.user()
            let values = [
                "province": staff.scope.province ?? "", "city": staff.scope.city ?? "",
                "county": staff.scope.county ?? "", "segment": frame.parameter("segment"),
            ]
            return RequestFormPage(values: values, segments: try await visibleSegments(to: staff)).page(frame)
        }
        form("/requests/new", .viewSegments) { body, frame, context in
            let staff = try context.user()
            func level(_ name: String) -> String? { body.trimmed(name).isEmpty ? nil : body.trimmed(name) }
            var page = RequestFormPage(
                values: Dictionary(body.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 }),
                segments: try await visibleSegments(to: staff)
            )
            guard let day = LocalDay(iso: body.trimmed("wantedBy")) else {
                page.errors["wantedBy"] = frame.t(.required)
                return .page(page.page(frame), nil)
            }
            do {
                let raised = try await platform.dataRequests.raise(
                    DataRequest(
                        title: body.trimmed("title"),
                        need: body.trimmed("need").unixLines,
                        reason: body.trimmed("reason").unixLines,
                        wantedBy: day,
                        scope: OrganisationScope(
                            province: level("province"),
                            city: level("city"),
                            county: level("county")
                        ),
                        segment: Int64(body["segment"]),
                        requestedBy: staff.login,
                        requestedAt: frame.now.instant
                    ),
                    by: staff,
                    today: frame.now.day,
                    at: frame.now.instant
                )
                return .next("/requests/\(raised.id)", .raised)
            } catch let error as DataRequestError {
                page.errors[error.field] = frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
    }

    private func add(_ act: DataRequestAct) {
        form("/requests/{id}/\(act.rawValue)", act.access) { body, frame, context in
            let staff = try context.user()
            let request = try await platform.dataRequests.request(try context.id(), for: staff)
            do {
                _ = try await platform.dataRequests.take(
                    act,
                    of: request,
                    version: Int(body["version"]) ?? 0,
                    text: body.trimmed("text").unixLines,
                    segment: act == .answer ? Int64(body["segment"]) : nil,
                    by: staff,
                    at: frame.now.instant
                )
                return .next("/requests/\(request.id)", .requestStep)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                var page = try await requestPage(request, for: staff)
                page.typed = (act, body["text"], body["segment"])
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    private func requestPage(_ request: DataRequest, for staff: Staff) async throws -> DataRequestPage {
        let requests = platform.dataRequests
        let acts = requests.acts(on: request, of: staff)
        return DataRequestPage(
            request: request,
            acts: acts,
            segment: try await requests.segment(request.segment, seenBy: staff),
            answer: try await requests.segment(request.answer?.segment, seenBy: staff),
            choices: acts.contains(.answer) ? try await visibleSegments(to: staff).filter { $0.audience != nil } : []
        )
    }

    /// The segments changed last that somebody sees.
    private func visibleSegments(to staff: Staff) async throws -> [Segment] {
        try await platform.store.segments(ListQuery(limit: 200), SegmentListPage.Tab.all.filter, seenBy: staff).rows
    }
}

extension DataRequestError {
    /// The field of the form it belongs to.
    fileprivate var field: String {
        switch self {
        case .badField(let name): name
        case .pastDay: "wantedBy"
        case .outsideScope: "province"
        case .segmentHidden, .segmentNotFrozen: "segment"
        case .wrongState, .wrongPerson, .textMissing, .answerMissing: "title"
        }
    }
}
