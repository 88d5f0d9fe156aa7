// The one place where organisation scope is checked: what is outside a person's scope does not exist for him.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
public import Kernel
public import Model
public import Planning
public import Ports

extension Site {
    /// The campaign with this number.
    ///
    /// - Throws: ``EdgeError/notFound(_:)`` also when it is outside the scope.
    public func campaign(_ id: Int64, for staff: Staff) async throws -> Campaign {
        guard let campaign = try await platform.store.campaign(CampaignID(id)), staff.scope.covers(campaign.scope)
        else {
            throw EdgeError.notFound("campaign \(id)")
        }
        return campaign
    }

    /// The segment with this number.
    ///
    /// - Throws: ``EdgeError/notFound(_:)`` also when the member of staff may not see it.
    public func segment(_ id: Int64, for staff: Staff) async throws -> Segment {
        guard let segment = try await platform.store.segment(id), segment.isVisible(to: staff) else {
            throw EdgeError.notFound("segment \(id)")
        }
        return segment
    }

    /// The segment with this number, to be changed.
    ///
    /// - Throws: ``EdgeError/forbidden(_:)`` when the member of staff may only see it.
    public func editableSegment(_ id: Int64, for staff: Staff) async throws -> Segment {
        let segment = try await segment(id, for: staff)
        guard segment.isEditable(by: staff) else { throw EdgeError.forbidden(.editSegments) }
        return segment
    }

    /// The subscriber with a number as people write it.
    ///
    /// - Throws: ``SpecialListError/unknownNumber`` also when he is outside the scope.
    public func subscriber(_ number: String, for staff: Staff) async throws -> SubscriberIndex {
        try await lists.subscriber(number, in: staff.scope)
    }

    /// Makes sure that a plan's segment is one its planner may see.
    ///
    /// - Throws: `PlanningError/unknownSegment(_:)`.
    public func checkSegment(of plan: CampaignPlan, for staff: Staff) async throws {
        guard let segment = try await platform.store.segment(plan.segment), segment.isVisible(to: staff) else {
            throw PlanningError.unknownSegment(plan.segment)
        }
    }

    /// Makes sure that a member of staff hands out no more of the organisation than he has.
    ///
    /// - Throws: ``EdgeError/notFound(_:)``.
    public func checkScope(_ scope: OrganisationScope, of login: String, for staff: Staff) throws(EdgeError) {
        guard staff.scope.covers(scope) else { throw .notFound("staff \(login.prefix(64))") }
    }

    // MARK: Lists

    /// Every row of a list, read in portions.
    public static func everything<Row: Sendable>(
        _ query: ListQuery,
        _ read: (ListQuery) async throws -> Page<Row>
    ) async throws -> [Row] {
        var (rows, part): ([Row], ListQuery) = ([], query)
        part.limit = 1000
        while true {
            part.offset = rows.count
            let page = try await read(part)
            rows += page.rows
            guard !page.rows.isEmpty, rows.count < page.total else { return rows }
        }
    }

    /// The visible part of a list that the store has no scopes for: read whole, for scopes smaller than the operator.
    private static func cut<Row: Sendable>(
        _ query: ListQuery,
        _ read: (ListQuery) async throws -> Page<Row>,
        _ isVisible: (Row) -> Bool
    ) async throws -> Page<Row> {
        let rows = try await everything(query, read).filter(isVisible)
        return Page(rows: Array(rows.dropFirst(query.offset).prefix(query.limit)), total: rows.count)
    }

    /// Staff in a scope.
    public func staff(_ query: ListQuery, in scope: OrganisationScope) async throws -> Page<Staff> {
        guard scope != .all else { return try await platform.store.staff(query) }
        return try await Self.cut(query, { try await platform.store.staff($0) }, { scope.covers($0.scope) })
    }

    /// The audit log as far as a scope reaches: what staff of the scope did, and what anybody did to its staff,
    /// segments, campaigns and subscribers.
    ///
    /// Entries name segments, and campaigns before their first save, by name: those under a former name are only
    /// visible when their author is in the scope.
    public func audit(_ query: ListQuery, in scope: OrganisationScope) async throws -> Page<AuditEntry> {
        let store = platform.store
        guard scope != .all else { return try await store.audit(query) }
        let staff = try await Self.everything(ListQuery()) { try await self.staff($0, in: scope) }.map(\.login)
        let segments = try await platform.segments.all(SegmentFilter()).filter { scope.covers($0.scope) }
        let campaigns = try await Self.everything(ListQuery()) {
            try await store.campaigns($0, phases: Set(CampaignPhase.allCases), in: scope)
        }
        let objects = Set(
            staff.map { "staff/\($0)" } + segments.flatMap { ["segment/\($0.id)", "segment/\($0.name)"] }
                + campaigns.flatMap { ["campaign/\($0.id.number)", "campaign/\($0.plan.name)"] }
        )
        let (people, subscribers) = (Set(staff), try await members(of: scope))
        return try await Self.cut(query, { try await store.audit($0) }) { entry in
            if people.contains(entry.who) || objects.contains(entry.object) { return true }
            guard entry.object.hasPrefix("subscriber/"), let index = UInt32(entry.object.dropFirst(11)) else {
                return false
            }
            return subscribers.contains(index)
        }
    }

    // MARK: Subscribers

    /// How many subscribers a scope has.
    public func subscribers(in scope: OrganisationScope) async throws -> Int {
        let all = try await platform.host.read { $0.subscribers }
        return scope == .all || all == 0 ? all : try await platform.segments.count("TRUE", in: scope, today: today)
    }

    /// Special lists and how many of a scope's subscribers are on each, by code.
    public func listSizes(in scope: OrganisationScope) async throws -> [ListSize] {
        let sizes = try await lists.sizes()
        guard scope != .all else { return sizes }
        let members = try await members(of: scope)
        let counts = try await platform.host.read { state in
            state.lists.mapValues { list in
                var both = list
                both.formIntersection(members)
                return both.count
            }
        }
        return sizes.map { size in
            var size = size
            size.count = counts[size.list] ?? 0
            return size
        }
    }

    /// The subscribers that somebody of a scope may see; nil = all.
    func visible(to scope: OrganisationScope) async throws -> Bitset? {
        scope == .all ? nil : try await members(of: scope)
    }

    private func members(of scope: OrganisationScope) async throws -> Bitset {
        let all = try await platform.host.read { $0.subscribers }
        guard all > 0 else { return Bitset(universe: 0) }
        return try await platform.segments.members("TRUE", in: scope, today: today)
    }
}
