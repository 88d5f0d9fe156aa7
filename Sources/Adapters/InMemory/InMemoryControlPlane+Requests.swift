// Data requests in memory.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model
public import Ports

extension InMemoryControlPlane {
    public func dataRequest(_ id: Int64) -> DataRequest? {
        look { $0.dataRequests.first { $0.id == id } }
    }

    public func dataRequests(
        _ query: ListQuery,
        _ filter: DataRequestFilter,
        in scope: OrganisationScope
    ) -> Page<DataRequest> {
        let order = query.order(by: DataRequestColumn.self)
        return look { $0.dataRequests }.filter { filter.contains($0) && scope.covers($0.scope) }
            .page(
                query,
                isDescending: order.isDescending,
                searching: { [$0.title, $0.need, $0.requestedBy, $0.worker ?? ""] },
                number: \.id
            ) {
                switch order.column {
                case .number: .number($0.id)
                case .title: .text($0.title)
                case .who: .text($0.requestedBy)
                case .worker: .text($0.worker ?? "")
                case .wanted: .number(Int64($0.wantedBy.number))
                case .state: .number(DataRequestState.allCases.firstIndex(of: $0.state).map(Int64.init))
                case .updated: .number($0.updatedAt.epochMs)
                }
            }
    }

    public func raise(_ request: DataRequest, audit: AuditEntry) throws -> DataRequest {
        try change(audit) { content in
            try ControlPlaneChecks.check(request)
            var saved = request
            saved.id = Int64(content.dataRequests.count) + 1
            content.dataRequests.append(saved)
            return saved
        }
    }

    public func record(
        _ step: DataRequestStep,
        of id: Int64,
        version: Int,
        audit: AuditEntry
    ) throws -> DataRequest {
        try change(audit) { content in
            try ControlPlaneChecks.check(step, of: id)
            guard let place = content.dataRequests.firstIndex(where: { $0.id == id }) else {
                throw ControlPlaneError.notFound(object: "request/\(id)")
            }
            guard content.dataRequests[place].version == version else {
                throw ControlPlaneError.stale(object: "request/\(id)", expectedVersion: version)
            }
            try content.dataRequests[place].take(step)
            return content.dataRequests[place]
        }
    }
}

extension DataRequest {
    /// The same without texts that mention somebody.
    func without(_ mentions: Mentions) -> DataRequest {
        func clean(_ text: String) -> String { mentions.occur(in: text) ? Mentions.erased : text }
        var request = self
        (request.title, request.need, request.reason) = (clean(title), clean(need), clean(reason))
        return DataRequest(
            request,
            steps: steps.map { step in
                var step = step
                step.text = clean(step.text)
                return step
            }
        )
    }
}
