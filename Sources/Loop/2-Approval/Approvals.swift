// Approval: an approver passes, sends back or fails what somebody else planned (APR).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports

/// Why a decision on a submission is refused.
public enum ApprovalError: CodedError, Equatable {
    /// Nobody approves their own campaign.
    case ownCampaign
    /// Nobody decides on their own segment.
    case ownSegment
    /// The segment reaches beyond the approver's part of the organisation.
    case outsideScope
    case alreadyDecided
    case reasonMissing

    public var code: String {
        switch self {
        case .ownCampaign: "approval.own_campaign"
        case .ownSegment: "approval.own_segment"
        case .outsideScope: "approval.outside_scope"
        case .alreadyDecided: "approval.already_decided"
        case .reasonMissing: "approval.reason_missing"
        }
    }

    public var description: String {
        switch self {
        case .ownCampaign: "nobody approves a campaign of their own; another approver decides"
        case .ownSegment: "nobody decides on a segment of their own; another approver does"
        case .outsideScope: "the segment reaches beyond your part of the organisation; an approver of all of it decides"
        case .alreadyDecided: "the submission is decided already"
        case .reasonMissing: "say why, so that the planner knows what to change"
        }
    }
}

/// Decides submissions.
public struct Approvals: Sendable {
    private let store: any ControlPlaneStore

    /// Works on a store.
    public init(store: any ControlPlaneStore) {
        self.store = store
    }

    /// Records the approver's decision on a segment that was handed in: releases it, returns it, or ends its use (SEG-23).
    ///
    /// - Throws: ``ApprovalError``; `ControlPlaneError` when somebody else was faster.
    public func decide(
        _ segment: Segment,
        _ result: ApprovalResult,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Segment {
        guard let review = segment.review, review.isWaiting else { throw ApprovalError.alreadyDecided }
        guard staff.login != segment.owner, staff.login != review.submittedBy else { throw ApprovalError.ownSegment }
        guard staff.scope.covers(segment.scope) else { throw ApprovalError.outsideScope }
        guard result == .pass || reason.contains(where: { !$0.isWhitespace }) else { throw ApprovalError.reasonMissing }
        var decided = segment
        decided.review = review.decided(result, by: staff.login, at: now, reason: reason)
        decided.state = result.segmentState
        if result == .pass { decided.published = review.audience }
        decided.updatedAt = now
        return try await store.save(decided, audit: entry(result, "segment/\(segment.id)", reason, staff, now))
    }

    /// Records the approver's decision and moves the campaign to the phase that follows from it.
    ///
    /// - Throws: ``ApprovalError``; `ControlPlaneError` when somebody else was faster.
    public func decide(
        _ campaign: Campaign,
        _ result: ApprovalResult,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Campaign {
        let pending = try await store.approvals(of: campaign.id).last { $0.result == nil }
        guard var approval = pending, campaign.phase == .submitted, approval.revision == campaign.revision else {
            throw ApprovalError.alreadyDecided
        }
        guard staff.login != campaign.owner, staff.login != approval.submittedBy else {
            throw ApprovalError.ownCampaign
        }
        guard result == .pass || reason.contains(where: { !$0.isWhitespace }) else { throw ApprovalError.reasonMissing }
        approval.result = result
        approval.decidedBy = staff.login
        approval.decidedAt = now
        approval.reason = reason
        var campaign = campaign
        campaign.phase = result.phase
        campaign.updatedAt = now
        let audit = entry(result, "campaign/\(campaign.id.number)", reason, staff, now)
        return try await store.save(approval, with: campaign, audit: audit).campaign
    }

    private func entry(
        _ result: ApprovalResult,
        _ object: String,
        _ reason: String,
        _ staff: Staff,
        _ now: Instant
    ) -> AuditEntry {
        AuditEntry(at: now, who: staff.login, action: "approval.\(result.rawValue)", object: object, detail: reason)
    }
}
