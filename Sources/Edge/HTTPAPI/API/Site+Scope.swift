// The one place where organisation scope is checked: what is outside a person's scope does not exist for him.
// SPDX-License-Identifier: Apache-2.0

import Assembly
public import Kernel
public import Model
import Planning
import Ports

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
    /// - Throws: ``EdgeError/notFound(_:)`` also when it is outside the scope.
    public func segment(_ id: Int64, for staff: Staff) async throws -> Segment {
        guard let segment = try await platform.store.segment(id), staff.scope.covers(segment.scope) else {
            throw EdgeError.notFound("segment \(id)")
        }
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
        guard let segment = try await platform.store.segment(plan.segment), staff.scope.covers(segment.scope) else {
            throw PlanningError.unknownSegment(plan.segment)
        }
    }

    /// Makes sure that a member of staff hands out no more of the organisation than he has.
    ///
    /// - Throws: ``EdgeError/notFound(_:)``.
    public func checkScope(_ scope: OrganisationScope, of login: String, for staff: Staff) throws(EdgeError) {
        guard staff.scope.covers(scope) else { throw .notFound("staff \(login.prefix(64))") }
    }
}
