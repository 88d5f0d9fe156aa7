// 取数需求: raised by one, served by another (SEG-21). Which step may follow which is said by `DataRequest`.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports

/// Raises data requests and takes their steps.
public struct DataRequests: Sendable {
    private let store: any ControlPlaneStore

    /// Keeps requests in a store.
    public init(store: any ControlPlaneStore) { self.store = store }

    /// Whether somebody may work on data requests: whoever makes segments.
    public static func isWorker(_ staff: Staff) -> Bool { staff.may(.editSegments) }

    // MARK: Reading

    /// The request with this number.
    ///
    /// - Throws: ``ControlPlaneError/notFound(object:)`` also when it is outside the scope.
    public func request(_ id: Int64, for staff: Staff) async throws -> DataRequest {
        guard let request = try await store.dataRequest(id), staff.scope.covers(request.scope) else {
            throw ControlPlaneError.notFound(object: "request/\(id)")
        }
        return request
    }

    /// Requests whose turn it is for somebody.
    public func waiting(for staff: Staff) -> DataRequestFilter {
        DataRequestFilter(waitingFor: .init(login: staff.login, isWorker: Self.isWorker(staff)))
    }

    /// What somebody may do next with a request.
    public func acts(on request: DataRequest, of staff: Staff) -> [DataRequestAct] {
        request.acts(of: staff.login, isWorker: Self.isWorker(staff))
    }

    /// The segment with this number, where somebody may see it.
    public func segment(_ id: Int64?, seenBy staff: Staff) async throws -> Segment? {
        guard let id, let segment = try await store.segment(id), segment.isVisible(to: staff) else { return nil }
        return segment
    }

    // MARK: Changing

    /// Raises a request.
    ///
    /// - Throws: ``DataRequestError`` for a text that is missing or too long, a day that is over, a scope beyond one's
    ///   own, or a segment that the requester does not see.
    public func raise(
        _ request: DataRequest,
        by staff: Staff,
        today: LocalDay,
        at now: Instant
    ) async throws -> DataRequest {
        try request.checkTexts()
        guard request.wantedBy >= today else { throw DataRequestError.pastDay }
        guard staff.scope.covers(request.scope) else { throw DataRequestError.outsideScope }
        if let id = request.segment, try await segment(id, seenBy: staff) == nil {
            throw DataRequestError.segmentHidden(id)
        }
        var raised = request
        (raised.requestedBy, raised.requestedAt) = (staff.login, now)
        let audit = AuditEntry(
            at: now,
            who: staff.login,
            action: "request.raise",
            object: "request",
            detail: raised.title
        )
        return try await store.raise(raised, audit: audit)
    }

    /// Takes the next step of a request.
    ///
    /// `version`: The version of the request that the step was decided on.
    ///
    /// - Throws: ``DataRequestError``; ``ControlPlaneError/stale(object:expectedVersion:)`` when somebody was faster.
    public func take(
        _ act: DataRequestAct,
        of request: DataRequest,
        version: Int,
        text: String = "",
        segment id: Int64? = nil,
        by staff: Staff,
        at now: Instant
    ) async throws -> DataRequest {
        let object = "request/\(request.id)"
        guard staff.scope.covers(request.scope) else { throw ControlPlaneError.notFound(object: object) }
        guard act.actor == .requester || Self.isWorker(staff) else { throw DataRequestError.wrongPerson(act) }
        // Who was faster is told before what is wrong with a step that came too late.
        guard request.version == version else {
            throw ControlPlaneError.stale(object: object, expectedVersion: version)
        }
        let step = DataRequestStep(act, who: staff.login, at: now, text: text, segment: id)
        var next = request
        try next.take(step)
        if let id { try await check(answer: id, to: request, by: staff) }
        let detail = id.map { "segment/\($0) \(text)" } ?? text
        let audit = AuditEntry(
            at: now,
            who: staff.login,
            action: "request.\(act.rawValue)",
            object: object,
            detail: detail
        )
        return try await store.record(step, of: request.id, version: version, audit: audit)
    }

    /// An answer is of use only when the requester sees the segment, and members of it are frozen.
    private func check(answer id: Int64, to request: DataRequest, by staff: Staff) async throws {
        let requester = try await store.staff(login: request.requestedBy)?.staff
        guard let segment = try await segment(id, seenBy: staff), let requester, segment.isVisible(to: requester) else {
            throw DataRequestError.segmentHidden(id)
        }
        guard segment.audience != nil else { throw DataRequestError.segmentNotFrozen(id) }
    }
}
