// Campaigns in planning: made from a scene, rehearsed on the whole base, submitted for approval.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
import Rules

/// Plans campaigns.
public struct Campaigns: Sendable {
    private let store: any ControlPlaneStore
    private let host: DecisionHost
    private let segments: Segments

    /// Plans over a store, rehearses through the host.
    public init(store: any ControlPlaneStore, host: DecisionHost, segments: Segments) {
        self.store = store
        self.host = host
        self.segments = segments
    }

    /// Saves a draft; an edit of a draft makes a new revision and forgets its dry run.
    ///
    /// Do-not-disturb classes are unticked only by roles that the policy lets (LST-17).
    /// - Throws: ``PlanningError`` for contents that cannot be, `ControlPlaneError` for a taken name or stale version.
    public func save(_ campaign: Campaign, by staff: Staff, at now: Instant) async throws -> Campaign {
        var campaign = campaign
        guard campaign.phase == .draft else { throw PlanningError.wrongPhase(campaign.phase, wanted: .draft) }
        try await validate(&campaign.plan, by: staff)
        if campaign.version > 0 { campaign.revision += 1 }
        campaign.dryRun = nil
        campaign.updatedAt = now
        let action = campaign.version == 0 ? "campaign.create" : "campaign.update"
        return try await store.save(campaign, audit: entry(action, campaign, staff, now))
    }

    private func validate(_ plan: inout CampaignPlan, by staff: Staff) async throws {
        plan.name = plan.name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...100).contains(plan.name.count) else { throw PlanningError.badName(plan.name) }
        let characters = plan.message.count
        guard (1...1000).contains(characters) else { throw PlanningError.badMessage(characters: characters) }
        guard plan.planned.day <= plan.validTo else {
            throw PlanningError.badValue(field: "validTo", why: "validity ends before the planned day")
        }
        guard (0...900_000).contains(plan.controlPPM) else {
            throw PlanningError.badValue(field: "controlPPM", why: "the control share is 0 to 90 per cent")
        }
        guard plan.limit.map({ $0 > 0 }) ?? true else {
            throw PlanningError.badValue(field: "limit", why: "a limit is a positive number, or left empty")
        }
        let policy = try await host.read { $0.policy }
        for number in plan.unticked {
            guard let dnd = policy?.dnd.first(where: { $0.number == number }), dnd.mayBeUnticked else {
                throw PlanningError.badValue(field: "unticked", why: "do-not-disturb class \(number) always applies")
            }
            guard dnd.mayBeUnticked(by: staff.role) else {
                let roles = (dnd.untickedBy ?? []).joined(separator: ", ")
                throw PlanningError.badValue(
                    field: "unticked",
                    why: "do-not-disturb class \(number) may be unticked by these roles only: \(roles)"
                )
            }
        }
        guard try await store.segment(plan.segment) != nil else { throw PlanningError.unknownSegment(plan.segment) }
        guard (1...9).contains(plan.priority) else {
            throw PlanningError.badValue(field: "priority", why: "the general priority is 1 (first) to 9 (last)")
        }
        guard plan.script.map({ (1...1000).contains($0.count) }) ?? true else {
            throw PlanningError.badValue(field: "script", why: "a script has 1 to 1000 characters, or is left out")
        }
        try await checkExpressions(of: plan)
    }

    /// Makes sure that what ranks subscribers and offers can be evaluated over what is loaded now.
    private func checkExpressions(of plan: CampaignPlan) async throws {
        let expressions = [("score", plan.score), ("personalPriority", plan.personalPriority)]
        for case (let field, let expression?) in expressions {
            do {
                _ = try await segments.scope().checkScore(expression)
            } catch let error as RuleError {
                throw PlanningError.badExpression(field: field, error)
            }
            let reader = try await host.read { try $0.profileReader() }
            do {
                _ = try reader.subscriberScore(expression, today: plan.planned.day)
            } catch {
                throw PlanningError.badValue(field: field, why: "\(error)")
            }
        }
    }

    // MARK: Rehearsal

    /// The audience as it is now: members of the segment inside the campaign's organisation scope.
    public func audience(of campaign: Campaign) async throws -> Bitset {
        guard let segment = try await store.segment(campaign.plan.segment) else {
            throw PlanningError.unknownSegment(campaign.plan.segment)
        }
        let day = campaign.plan.planned.day
        return try await segments.members(of: segment, in: campaign.scope, today: day)
    }

    /// Runs all decisions without effect (试算) and keeps the result for the approver.
    public func dryRun(_ campaign: Campaign, by staff: Staff, at now: Instant) async throws -> (Campaign, WaveSummary) {
        let audience = try await audience(of: campaign)
        let spec = campaign.spec(unticker: campaign.owner)
        let summary = try await host.rehearse(
            spec,
            occurrence: try await host.nextOccurrence(of: campaign.id),
            planned: campaign.plan.planned,
            audience: audience
        )
        var updated = campaign
        updated.dryRun = DryRunRecord(
            at: now,
            outcomes: Dictionary(summary.totals.map { ($0.outcome.code, $0.count) }, uniquingKeysWith: +),
            outcomeSHA256: summary.outcomeSHA256.hex,
            costMinor: summary.count(.contact) * spec.costPerContactMinor
        )
        updated.updatedAt = now
        updated = try await store.save(updated, audit: entry("campaign.dry_run", campaign, staff, now))
        return (updated, summary)
    }

    /// Hands a rehearsed draft to the approvers.
    public func submit(_ campaign: Campaign, by staff: Staff, at now: Instant) async throws -> CampaignApproval {
        guard campaign.phase.next.contains(.submitted) else {
            throw PlanningError.wrongPhase(campaign.phase, wanted: .submitted)
        }
        guard campaign.dryRun != nil else { throw PlanningError.noDryRun }
        // Between saving and submitting a load may have taken away an attribute.
        try await checkExpressions(of: campaign.plan)
        var campaign = campaign
        campaign.phase = .submitted
        campaign.updatedAt = now
        let approval = Approval(
            campaign: campaign.id,
            revision: campaign.revision,
            submittedBy: staff.login,
            submittedAt: now
        )
        return try await store.save(approval, with: campaign, audit: entry("campaign.submit", campaign, staff, now))
    }

    private func entry(_ action: String, _ campaign: Campaign, _ staff: Staff, _ now: Instant) -> AuditEntry {
        AuditEntry(
            at: now,
            who: staff.login,
            action: action,
            object: campaign.id.number == 0 ? "campaign/\(campaign.plan.name)" : "campaign/\(campaign.id.number)",
            detail: "revision \(campaign.revision)"
        )
    }
}
