// The staff, segments and campaigns that the control plane's checks work with.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneConformance {
    /// All that the port shows, for comparisons.
    struct Everything: Equatable {
        var staff: [Staff]
        var passwords: [PasswordHash?]
        var segments: [Segment]
        var campaigns: [Campaign]
        var plans: [CampaignPlan?]
        var approvals: [[Approval]]
        var waiting: [CampaignApproval]
        var policyDrafts: [PolicyDraft]
        var policyRevisions: [PolicyRevision]
        var catalogueRevisions: [CatalogueRevision]
        var listChanges: [ListChange]
        var listImports: [ListImportRecord]
        var listDates: [ListDates]
        var loads: [LoadRecord]
        var audit: [AuditEntry]

        func audited(_ audit: [AuditEntry]) -> Everything {
            var copy = self
            copy.audit = audit
            return copy
        }
    }

    func everything() async throws -> Everything {
        let query = ListQuery(limit: 1_000)
        let staff = try await store.staff(query).rows
        let campaigns = try await store.campaigns(query, phases: Set(CampaignPhase.allCases), in: .all).rows
        var result = Everything(
            staff: staff,
            passwords: [],
            segments: try await store.segments(query, in: .all).rows,
            campaigns: campaigns,
            plans: [],
            approvals: [],
            waiting: try await store.pendingApprovals(query, in: .all).rows,
            policyDrafts: try await store.policyDrafts(query, states: Set(PolicyDraftState.allCases)).rows,
            policyRevisions: try await store.policyRevisions(query).rows,
            catalogueRevisions: try await store.catalogueRevisions(query).rows,
            listChanges: try await store.listChanges(of: 5),
            listImports: try await store.listImports(),
            listDates: try await store.listDates(.all),
            loads: try await store.loads(table: nil),
            audit: try await store.audit(query).rows
        )
        for member in staff { result.passwords.append(try await store.staff(login: member.login)?.password) }
        for campaign in campaigns {
            result.approvals.append(try await store.approvals(of: campaign.id))
            for revision in 1...3 { result.plans.append(try await store.plan(of: campaign.id, revision: revision)) }
        }
        return result
    }

    func at(_ ms: Int64) -> Instant { Instant(epochMs: 1_793_700_000_000 + ms) }

    func token(_ number: UInt8) -> ContentHash {
        ContentHash(bytes: [UInt8](repeating: number, count: 32)) ?? .zero
    }

    func entry(_ action: String = "test") -> AuditEntry {
        AuditEntry(at: at(100), who: "tester", action: action, object: "x/1", detail: "\u{1F600} ' \"")
    }

    /// Actions in the audit log, oldest first.
    func actions() async throws -> [String] {
        try await store.audit(ListQuery(limit: 1_000)).rows.map(\.action).reversed()
    }

    func name(_ campaign: Campaign) -> String { "campaign/\(campaign.id.number)" }

    func add(_ staff: Staff) async throws {
        try await store.add(staff, password: PasswordHash(text: "scrypt$\(staff.login)"), audit: entry("staff.add"))
    }

    func update(_ staff: Staff, name: String, password: String) async throws {
        var changed = staff
        changed.name = name
        try await store.update(changed, password: PasswordHash(text: password), audit: entry("staff.update"))
    }

    func newLoad(_ id: String, table: String) -> LoadRecord {
        LoadRecord(
            id: id,
            at: at(4),
            file: "用户 2026.csv",
            table: table,
            rows: 10,
            loaded: 9,
            rejected: 1,
            folder: "loads/\(id)"
        )
    }

    func newDraft(_ note: String, base: Int = 0) -> PolicyDraft {
        let name = BilingualText(zh: "贵宾 \"金\"", en: "VIP's")
        let tier = PolicyTier(
            code: "vip",
            name: name,
            rule: "vip_level <> '普通'",
            caps: [.sms: Cap(count: 2, months: 1)],
            overall: Cap(count: 3, months: 1)
        )
        var policy = ContactPolicy(revision: 9, tiers: [tier], dnd: [], holidays: [LocalDay(number: 20_000)])
        policy.productDays = ["*": 60]
        return PolicyDraft(base: base, policy: policy, author: "wang", note: note, at: at(6))
    }

    func newSegment(_ name: String) -> Segment {
        Segment(name: name, rule: "arpu >= 100", owner: "wang", scope: .all, updatedAt: at(1))
    }

    /// A campaign that is not saved yet; its planned slot follows its name's first byte.
    func newCampaign(_ name: String, segment: Int64? = nil) async throws -> Campaign {
        var target = segment
        if target == nil { target = try await store.segment(named: "campaign target")?.id }
        if target == nil { target = try await store.save(newSegment("campaign target"), audit: entry()).id }
        let planned = LocalTime(instant: at(Int64(name.utf8.first ?? 0)), offsetSeconds: 28_800)
        let plan = CampaignPlan(
            name: name,
            scene: "retention",
            goal: "why not",
            category: "retention",
            segment: try #require(target),
            message: "hello",
            planned: planned,
            validTo: LocalDay(number: 20_800)
        )
        return Campaign(plan: plan, owner: "wang", scope: .all, updatedAt: at(2))
    }

    func saved(_ name: String) async throws -> Campaign {
        try await store.save(try await newCampaign(name), audit: entry("campaign.create"))
    }

    func moved(_ campaign: Campaign, _ phase: CampaignPhase) -> Campaign {
        var moved = campaign
        moved.phase = phase
        return moved
    }

    func submit(
        _ campaign: Campaign,
        by submitter: String = "wang",
        at instant: Instant? = nil
    ) async throws -> CampaignApproval {
        let approval = Approval(
            campaign: campaign.id,
            revision: campaign.revision,
            submittedBy: submitter,
            submittedAt: instant ?? at(10)
        )
        return try await store.save(approval, with: moved(campaign, .submitted), audit: entry("campaign.submit"))
    }

    func decision(_ approval: Approval, _ result: ApprovalResult) -> Approval {
        var decided = approval
        (decided.result, decided.decidedBy, decided.decidedAt) = (result, "li", at(20))
        decided.reason = result == .pass ? nil : "太贵"
        return decided
    }

    /// Moves a campaign one step, with an approval where it needs one.
    func move(_ campaign: Campaign, to phase: CampaignPhase) async throws -> Campaign {
        if phase == .submitted { return try await submit(campaign).campaign }
        if campaign.phase == .submitted {
            let waiting = try #require(try await store.approvals(of: campaign.id).last)
            let result = try #require(ApprovalResult.allCases.first { $0.phase == phase })
            return try await store.save(
                decision(waiting, result),
                with: moved(campaign, phase),
                audit: entry("campaign.\(result.rawValue)")
            ).campaign
        }
        return try await store.save(moved(campaign, phase), audit: entry("campaign.move"))
    }

    /// A campaign brought to a phase.
    func campaign(in phase: CampaignPhase, _ name: String) async throws -> Campaign {
        let path: [CampaignPhase] =
            switch phase {
            case .draft: []
            case .submitted: [.submitted]
            case .approved: [.submitted, .approved]
            case .running: [.submitted, .approved, .running]
            case .paused: [.submitted, .approved, .running, .paused]
            case .stopped: [.submitted, .approved, .stopped]
            case .finished: [.submitted, .approved, .running, .finished]
            case .rejected: [.submitted, .rejected]
            }
        var campaign = try await saved(name)
        for step in path { campaign = try await move(campaign, to: step) }
        return campaign
    }
}
