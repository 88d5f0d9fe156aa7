// What every control-plane adapter must keep, as checks that run on each of them.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
public import Ports
import Testing

/// The conformance kit of the control-plane port: an adapter's test suite checks every ``Promise`` on a fresh store.
public struct ControlPlaneConformance: Sendable {
    /// One promise of ``ControlPlaneStore``.
    public enum Promise: String, CaseIterable, Sendable {
        case staff, sessions
        case segments, segmentRevisions, segmentStates, segmentUse, segmentSharing, segmentExports, segmentDeliveries
        case segmentReviews
        case dataRequests, waitingRequests
        case campaigns, planRevisions, phases
        case approvals, refusedDecisions
        case policyDrafts, policyRevisions, catalogueRevisions
        case arbitrations
        case listChanges, listSettings, loads, audit
        case erasure
        case allOrNothing, staleWrites, twoWriters
        case search, order, pages, scopes, texts
    }

    let store: any ControlPlaneStore
    let failWrites: @Sendable (Bool) async throws -> Void

    /// Checks an empty `store`; while `failWrites(true)` is in force each change fails at its last step.
    public init(_ store: any ControlPlaneStore, failWrites: @escaping @Sendable (Bool) async throws -> Void) {
        self.store = store
        self.failWrites = failWrites
    }

    /// Checks one promise.
    public func check(_ promise: Promise) async throws {
        switch promise {
        case .staff: try await staffAreAddedAndUpdated()
        case .sessions: try await sessionsEnd()
        case .segments: try await segmentsAreVersioned()
        case .segmentRevisions: try await segmentsKeepTheirRevisions()
        case .segmentStates: try await segmentsFollowTheirTable()
        case .segmentUse: try await segmentsInUseStay()
        case .segmentExports: try await exportsAreAgreedToBySomebodyElse()
        case .segmentDeliveries: try await deliveriesAreAgreedToRecordedAndEnded()
        case .segmentReviews: try await segmentsAreDecidedOnByOthers()
        case .segmentSharing: try await segmentsAreSharedAsTheySay()
        case .dataRequests: try await dataRequestsKeepTheirSteps()
        case .waitingRequests: try await dataRequestsAreFoundByWhoseTurnItIs()
        case .campaigns: try await campaignsAreVersioned()
        case .planRevisions: try await plansChangeByRevisionInDraftOnly()
        case .phases: try await phasesFollowTheirTable()
        case .approvals: try await approvalsMoveTheirCampaign()
        case .refusedDecisions: try await decisionsAreRefused()
        case .policyDrafts: try await policyDraftsAreVersioned()
        case .policyRevisions: try await policyRevisionsAreKept()
        case .catalogueRevisions: try await catalogueRevisionsFollowEachOther()
        case .arbitrations: try await arbitrationsFollowTheirTable()
        case .listChanges: try await listChangesAreKeptInOrder()
        case .listSettings: try await listSettingsAreVersioned()
        case .loads: try await loadsAreRecordedOnce()
        case .audit: try await auditIsKeptAndFound()
        case .erasure: try await whatWasWrittenOfTheErasedIsGone()
        case .allOrNothing: try await aFailedChangeLeavesNothing()
        case .staleWrites: try await aRefusedChangeLeavesNothing()
        case .twoWriters: try await oneOfTwoWritersWins()
        case .search: try await searchIsLiteral()
        case .order: try await listsAreOrdered()
        case .pages: try await pagesAddUp()
        case .scopes: try await listsShowWhatTheScopeCovers()
        case .texts: try await textsAreBytes()
        }
    }
}

// MARK: Staff

extension ControlPlaneConformance {
    func staffAreAddedAndUpdated() async throws {
        var wang = Staff(
            login: "wang",
            name: "王芳",
            role: .planner,
            scope: OrganisationScope(province: "浙江", city: "杭州")
        )
        try await store.add(wang, password: PasswordHash(text: "scrypt$1"), audit: entry("staff.add"))
        let added = try #require(try await store.staff(login: "wang"))
        #expect(added.staff == wang && added.password.text == "scrypt$1")
        #expect(try await store.staff(login: "li") == nil)

        await #expect(throws: ControlPlaneError.nameTaken(object: "staff", name: "wang")) {
            try await store.add(wang, password: PasswordHash(text: "scrypt$2"), audit: entry())
        }
        (wang.role, wang.isActive, wang.scope) = (.administrator, false, .all)
        try await store.update(wang, password: nil, audit: entry("staff.update"))
        let updated = try #require(try await store.staff(login: "wang"))
        #expect(updated.staff == wang && updated.password.text == "scrypt$1")
        try await store.update(wang, password: PasswordHash(text: "scrypt$3"), audit: entry("staff.password"))
        #expect(try await store.staff(login: "wang")?.password.text == "scrypt$3")

        await #expect(throws: ControlPlaneError.notFound(object: "staff/li")) {
            try await store.update(Staff(login: "li", name: "李", role: .agent), password: nil, audit: entry())
        }
        for login in ["", "Wang", "wang fang", "王", String(repeating: "a", count: 65), "a\0"] {
            await #expect(throws: ControlPlaneError.self) {
                try await store.add(
                    Staff(login: login, name: "x", role: .agent),
                    password: PasswordHash(text: "s"),
                    audit: entry()
                )
            }
        }
        #expect(try await store.staff(ListQuery()).rows == [wang])
        #expect(try await actions() == ["staff.add", "staff.update", "staff.password"])
    }

    func sessionsEnd() async throws {
        var wang = Staff(login: "wang", name: "王芳", role: .planner)
        try await add(wang)
        try await add(Staff(login: "li", name: "李", role: .agent))
        let (first, second, third) = (token(1), token(2), token(3))
        try await store.openSession(tokenHash: first, login: "wang", at: at(0), expires: at(1_000))
        try await store.openSession(tokenHash: second, login: "li", at: at(0), expires: at(2_000))
        #expect(try await store.session(tokenHash: first, at: at(999)) == wang)
        #expect(try await store.session(tokenHash: first, at: at(1_000)) == nil)
        #expect(try await store.session(tokenHash: third, at: at(0)) == nil)
        await #expect(throws: ControlPlaneError.notFound(object: "staff/zhao")) {
            try await store.openSession(tokenHash: third, login: "zhao", at: at(0), expires: at(9))
        }
        await #expect(throws: ControlPlaneError.self, "a token opens one session only") {
            try await store.openSession(tokenHash: second, login: "wang", at: at(0), expires: at(9_000))
        }

        wang.role = .approver
        try await store.update(wang, password: nil, audit: entry())
        #expect(try await store.session(tokenHash: first, at: at(5)) == wang, "a session shows staff as they are now")
        wang.isActive = false
        try await store.update(wang, password: nil, audit: entry())
        #expect(try await store.session(tokenHash: first, at: at(5)) == nil)
        wang.isActive = true
        try await store.update(wang, password: PasswordHash(text: "new"), audit: entry())
        #expect(try await store.session(tokenHash: first, at: at(5)) == nil, "a new password ends the old sessions")
        #expect(try await store.session(tokenHash: second, at: at(5))?.login == "li")

        try await store.openSession(tokenHash: third, login: "li", at: at(2_000), expires: at(3_000))
        #expect(try await store.session(tokenHash: second, at: at(5)) == nil, "expired sessions are forgotten")
        try await store.closeSession(tokenHash: third)
        try await store.closeSession(tokenHash: third)
        #expect(try await store.session(tokenHash: third, at: at(2_001)) == nil)
    }
}

// MARK: Segments and campaigns

extension ControlPlaneConformance {
    func segmentsAreVersioned() async throws {
        let scope = OrganisationScope(province: "浙江", county: "西湖")
        var segment = Segment(name: "高价值", rule: "arpu >= 100", owner: "wang", scope: scope, updatedAt: at(5))
        let first = try await store.save(segment, audit: entry("segment.create"))
        (segment.id, segment.version) = (first.id, 1)
        #expect(first == segment && first.id > 0)
        segment.count = .max
        segment.definition = SegmentDefinition(.rule("arpu >= 200"))
        let second = try await store.save(segment, audit: entry("segment.save"))
        (segment.version, segment.revision) = (2, 2)
        #expect(second == segment)
        #expect(try await store.segment(first.id) == second)
        #expect(try await store.segment(named: "高价值") == second)
        #expect(try await store.segment(first.id + 1) == nil)
        #expect(try await store.segment(named: "高价") == nil)

        await #expect(throws: ControlPlaneError.nameTaken(object: "segment", name: "高价值")) {
            try await store.save(newSegment("高价值"), audit: entry())
        }
        var other = try await store.save(newSegment("其他"), audit: entry("segment.create"))
        other.name = "高价值"
        await #expect(throws: ControlPlaneError.nameTaken(object: "segment", name: "高价值")) {
            try await store.save(other, audit: entry())
        }
        other.name = "低价值"
        #expect(try await store.save(other, audit: entry("segment.save")).version == 2)
        #expect(try await store.segment(named: "其他") == nil)
        other.id = 99
        await #expect(throws: ControlPlaneError.notFound(object: "segment/99")) {
            try await store.save(other, audit: entry())
        }
        await #expect(throws: ControlPlaneError.self) { try await store.save(newSegment(" "), audit: entry()) }
        #expect(try await actions().count == 4)
    }

    func campaignsAreVersioned() async throws {
        var campaign = try await newCampaign("国庆 \"8 折\"")
        campaign.plan.goal = "留住老用户"
        campaign.plan.product = "P-5G-129"
        campaign.plan.valuePerOrderMinor = 12_900
        campaign.plan.score = "arpu"
        campaign.plan.limit = 50_000
        campaign.plan.budgetMinor = .max
        campaign.plan.costPerPartMinor = 5
        campaign.plan.controlPPM = 300_000
        campaign.plan.unticked = [1, 15]
        campaign.plan.conflictingProducts = ["P/4G", "P-5G-99"]
        campaign.plan.message = "尊敬的用户\n'quoted' \\ \u{1F600} \u{7F}"
        campaign.scope = OrganisationScope(province: "浙江")
        let saved = try await store.save(campaign, audit: entry("campaign.create"))
        (campaign.id, campaign.version) = (saved.id, 1)
        #expect(saved == campaign && saved.id.number > 0)
        #expect(try await store.campaign(saved.id) == campaign)
        campaign.dryRun = DryRunRecord(
            at: at(77),
            outcomes: ["contact": 1_402, "dnd_02": 12, "control": 600],
            outcomeSHA256: String(repeating: "ab", count: 32),
            costMinor: 7_010
        )
        campaign.updatedAt = at(99)
        _ = try await store.save(campaign, audit: entry("campaign.dryrun"))
        campaign.version = 2
        #expect(try await store.campaign(named: "国庆 \"8 折\"") == campaign)
        campaign.dryRun = nil
        _ = try await store.save(campaign, audit: entry("campaign.save"))
        #expect(try await store.campaign(saved.id)?.dryRun == nil)
        #expect(try await store.campaign(CampaignID(99)) == nil)

        let twin = try await newCampaign("国庆 \"8 折\"")
        await #expect(throws: ControlPlaneError.nameTaken(object: "campaign", name: twin.plan.name)) {
            try await store.save(twin, audit: entry())
        }
        var lost = try await newCampaign("无客户群")
        lost.plan.segment = 99
        await #expect(throws: ControlPlaneError.notFound(object: "segment/99")) {
            try await store.save(lost, audit: entry())
        }
        (lost.id, lost.version) = (CampaignID(99), 1)
        await #expect(throws: ControlPlaneError.notFound(object: "campaign/99")) {
            try await store.save(lost, audit: entry())
        }
    }

    func plansChangeByRevisionInDraftOnly() async throws {
        var campaign = try await saved("双十一")
        let first = campaign.plan
        campaign.plan.message = "second"
        await #expect(throws: ControlPlaneError.self, "a changed plan is a new revision") {
            try await store.save(campaign, audit: entry())
        }
        campaign.revision = 3
        await #expect(throws: ControlPlaneError.self, "revisions have no gaps") {
            try await store.save(campaign, audit: entry())
        }
        campaign.revision = 2
        campaign = try await store.save(campaign, audit: entry("campaign.edit"))
        #expect(try await store.plan(of: campaign.id, revision: 1) == first)
        #expect(try await store.plan(of: campaign.id, revision: 2) == campaign.plan)
        for revision in [-1, 0, 3] { #expect(try await store.plan(of: campaign.id, revision: revision) == nil) }
        #expect(try await store.plan(of: CampaignID(99), revision: 1) == nil)

        campaign = try await submit(campaign).campaign
        campaign.plan.message = "third"
        campaign.revision = 3
        await #expect(throws: ControlPlaneError.self, "what was submitted does not change") {
            try await store.save(campaign, audit: entry())
        }
        #expect(try await store.campaign(campaign.id)?.plan.message == "second")
    }

    func phasesFollowTheirTable() async throws {
        var number = 0
        for from in CampaignPhase.allCases {
            let there = try await campaign(in: from, "refused \(from)")
            for to in CampaignPhase.allCases where to != from && !from.next.contains(to) {
                await #expect(throws: ControlPlaneError.transition(object: name(there), from: from, to: to)) {
                    var moved = there
                    moved.phase = to
                    _ = try await store.save(moved, audit: entry())
                }
            }
            #expect(try await store.campaign(there.id) == there)
            for to in from.next {
                number += 1
                let start = try await campaign(in: from, "allowed \(number)")
                #expect(try await move(start, to: to).phase == to)
            }
        }
        var born = try await newCampaign("born running")
        born.phase = .running
        await #expect(throws: ControlPlaneError.transition(object: "campaign/0", from: .draft, to: .running)) {
            try await store.save(born, audit: entry())
        }
    }
}

// MARK: Approvals

extension ControlPlaneConformance {
    func approvalsMoveTheirCampaign() async throws {
        var campaign = try await saved("审批")
        for (round, result) in [ApprovalResult.adjust, .pass].enumerated() {
            let submitted = try await submit(campaign)
            #expect(submitted.approval.id == Int64(round) + 1 && submitted.campaign.phase == .submitted)
            #expect(submitted.campaign.version == campaign.version + 1)
            #expect(try await store.pendingApprovals(ListQuery(), in: .all).rows == [submitted])
            #expect(try await store.approvals(of: campaign.id).last == submitted.approval)
            let decided = try await store.save(
                decision(submitted.approval, result),
                with: moved(submitted.campaign, result.phase),
                audit: entry("campaign.\(result.rawValue)")
            )
            #expect(decided.approval == decision(submitted.approval, result))
            #expect(decided.campaign.phase == result.phase)
            #expect(try await store.campaign(campaign.id) == decided.campaign)
            #expect(try await store.pendingApprovals(ListQuery(), in: .all).total == 0)
            campaign = decided.campaign
        }
        #expect(try await store.approvals(of: campaign.id).map(\.result) == [.adjust, .pass])
        #expect(try await store.approvals(of: CampaignID(99)).isEmpty)
        #expect(
            try await actions().suffix(4) == ["campaign.submit", "campaign.adjust", "campaign.submit", "campaign.pass"]
        )

        let other = try await submit(try await saved("不通过"))
        let failed = try await store.save(
            decision(other.approval, .fail),
            with: moved(other.campaign, .rejected),
            audit: entry("campaign.fail")
        )
        #expect(failed.campaign.phase == .rejected)
    }

    func decisionsAreRefused() async throws {
        let draft = try await saved("四眼")
        await #expect(throws: ControlPlaneError.self, "nothing is submitted without a submission") {
            try await store.save(moved(draft, .submitted), audit: entry())
        }
        var early = Approval(campaign: draft.id, revision: 1, submittedBy: "wang", submittedAt: at(10))
        early = decision(early, .pass)
        await #expect(throws: ControlPlaneError.self, "a submission has no result") {
            try await store.save(early, with: moved(draft, .submitted), audit: entry())
        }
        await #expect(throws: ControlPlaneError.self, "the submission names the revision") {
            let other = Approval(campaign: draft.id, revision: 2, submittedBy: "wang", submittedAt: at(10))
            _ = try await store.save(other, with: moved(draft, .submitted), audit: entry())
        }
        let waiting = try await submit(draft)
        let (approval, campaign) = (waiting.approval, waiting.campaign)
        await #expect(throws: ControlPlaneError.self, "no campaign is approved without a decision") {
            try await store.save(moved(campaign, .approved), audit: entry())
        }
        await #expect(throws: ControlPlaneError.self, "no campaign waits twice") {
            let again = Approval(campaign: draft.id, revision: 1, submittedBy: "wang", submittedAt: at(10))
            _ = try await store.save(again, with: campaign, audit: entry())
        }
        func refuse(_ why: Comment, to phase: CampaignPhase, _ change: @Sendable (inout Approval) -> Void) async {
            var changed = decision(approval, phase == .approved ? .pass : .fail)
            change(&changed)
            await #expect(throws: ControlPlaneError.self, why) {
                try await store.save(changed, with: moved(campaign, phase), audit: entry())
            }
        }
        await refuse("a decision has a result", to: .approved) { $0.result = nil }
        await refuse("the phase is that of the result", to: .rejected) { $0.result = .pass }
        await refuse("somebody decides", to: .approved) { $0.decidedBy = nil }
        await refuse("a decision has a time", to: .approved) { $0.decidedAt = nil }
        await refuse("a refusal has a reason", to: .rejected) { $0.reason = nil }
        await refuse("a reason is more than space", to: .rejected) { $0.reason = " \n" }
        await refuse("the submitter stays", to: .approved) { $0.submittedBy = "zhao" }
        await refuse("the revision stays", to: .approved) { $0.revision = 2 }
        await #expect(throws: ControlPlaneError.notFound(object: "approval/99")) {
            var lost = decision(approval, .pass)
            lost.id = 99
            _ = try await store.save(lost, with: moved(campaign, .approved), audit: entry())
        }
        #expect(try await store.pendingApprovals(ListQuery(), in: .all).rows == [waiting])

        let decided = try await store.save(
            decision(approval, .adjust),
            with: moved(campaign, .draft),
            audit: entry("campaign.adjust")
        )
        await #expect(throws: ControlPlaneError.stale(object: name(campaign), expectedVersion: campaign.version)) {
            try await store.save(decision(approval, .pass), with: moved(campaign, .approved), audit: entry())
        }
        let byDeputy = try await submit(try await saved("代提交"), by: "zhao")
        for person in ["wang", "zhao"] {
            await #expect(throws: ControlPlaneError.self, "neither owner nor submitter decides") {
                var own = decision(byDeputy.approval, .pass)
                own.decidedBy = person
                _ = try await store.save(own, with: moved(byDeputy.campaign, .approved), audit: entry())
            }
        }
        let again = try await submit(decided.campaign)
        await #expect(throws: ControlPlaneError.self, "a decided approval stays decided") {
            try await store.save(decision(approval, .pass), with: moved(again.campaign, .approved), audit: entry())
        }
        #expect(try await store.approvals(of: draft.id) == [decided.approval, again.approval])
    }
}

// MARK: Records

extension ControlPlaneConformance {
    func listChangesAreKeptInOrder() async throws {
        let changes = [
            ListChange(at: at(9), who: "li", list: .dnd(2), index: .max, isAdded: true, reason: "客户来电"),
            ListChange(
                at: at(3),
                who: "li",
                list: ListID("black", channel: .sms),
                index: .max,
                isAdded: true,
                reason: "文件"
            ),
            ListChange(at: at(3), who: "li", list: .dnd(2), index: 0, isAdded: false, reason: "同意"),
        ]
        try await store.record(changes, audit: entry("list.import"))
        let last = ListChange(at: at(1), who: "li", list: .dnd(2), index: .max, isAdded: false, reason: "撤销")
        try await store.record([last], audit: entry("list.remove"))
        #expect(try await store.listChanges(of: .max) == [changes[0], changes[1], last])
        #expect(try await store.listChanges(of: 0) == [changes[2]])
        #expect(try await store.listChanges(of: 1).isEmpty)
        var unexplained = last
        unexplained.reason = ""
        await #expect(throws: ControlPlaneError.self) {
            try await store.record([last, unexplained], audit: entry())
        }
        #expect(try await store.listChanges(of: .max).count == 3)
        #expect(try await actions() == ["list.import", "list.remove"])
        var large = ListImportRecord(
            at: at(4),
            who: "li",
            list: .dnd(1, channel: .sms),
            mode: .replace,
            source: "名单.xlsx",
            reason: "投诉"
        )
        (large.rows, large.leftOut, large.added, large.removed) = (18_000_000, 3, 20_000, 1)
        large.addedFile = token(7)
        try await store.record(large, changes: [], dates: [], audit: entry("list.import"))
        var few = large
        (few.list, few.mode, few.addedFile, few.removedFile) = (ListID("black"), .add, nil, token(8))
        let days = ListDates(
            list: .dnd(1, channel: .sms),
            index: .max,
            from: LocalDay(number: 20_000),
            to: LocalDay(number: 20_001),
            who: "li",
            reason: "出国",
            isEntered: false
        )
        var open = days
        (open.list, open.index, open.from, open.isEntered) = (ListID("black"), 3, nil, true)
        try await store.record(few, changes: [changes[2]], dates: [days, open], audit: entry("list.import"))
        #expect(try await store.listDates(.all) == [open, days])
        #expect(try await store.listDates(.subscriber(3)) == [open])
        #expect(try await store.listDates(.list(days.list)) == [days])
        #expect(try await store.listDates(.list(ListID(days.list.code, channel: .website))).isEmpty)
        #expect(try await store.listDates(.due(LocalDay(number: 19_999))).isEmpty)
        #expect(try await store.listDates(.due(LocalDay(number: 20_000))) == [days], "its first day has come")
        #expect(try await store.listDates(.due(LocalDay(number: 20_002))) == [open, days], "both are over")
        #expect(try await store.listImports() == [large, few])
        #expect(try await store.listChanges(of: 0) == [changes[2], changes[2]])
        few.source = ""
        await #expect(throws: ControlPlaneError.self) {
            try await store.record(few, changes: [changes[2]], dates: [days.cleared], audit: entry())
        }
        var wrong = days
        wrong.to = LocalDay(number: 19_999)
        await #expect(throws: ControlPlaneError.self) { try await store.record([], dates: [wrong], audit: entry()) }
        #expect(try await store.listDates(.all) == [open, days])
        open.isEntered = false
        try await store.record([], dates: [days.cleared, open], audit: entry())
        #expect(try await store.listDates(.all) == [open])
        #expect(try await store.listImports().count == 2)
        #expect(try await store.listChanges(of: 0).count == 2)
    }

    func whatWasWrittenOfTheErasedIsGone() async throws {
        #expect(try await store.erasedSubscribers().isEmpty)
        func change(_ ms: Int64, _ index: UInt32, _ reason: String) -> ListChange {
            ListChange(
                at: at(ms),
                who: "li",
                list: ListID("black", channel: .sms),
                index: index,
                isAdded: true,
                reason: reason
            )
        }
        for change in [change(1, 7, "王芳来电"), change(2, 8, "同号 138-1234-5678"), change(3, 8, "x 138123456789")] {
            try await store.record(
                [change],
                audit: AuditEntry(
                    at: change.at,
                    who: "li",
                    action: "list.add",
                    object: "list/black/sms",
                    detail: change.reason
                )
            )
        }
        try await store.append(
            AuditEntry(at: at(1), who: "li", action: "export", object: "x", detail: "of 138-1234 5678")
        )
        try await store.append(AuditEntry(at: at(1), who: "li", action: "export", object: "x", detail: "of 12345"))
        let mentions = Mentions(["13812345678", "1234"])
        let large = ListImportRecord(
            at: at(5),
            who: "li",
            list: .dnd(2),
            mode: .add,
            source: "13812345678.csv",
            reason: "投诉 138-1234-5678"
        )
        let days = [7, 9].map {
            ListDates(
                list: .dnd(2),
                index: $0,
                to: LocalDay(number: 20_001),
                who: "li",
                reason: "13812345678 出国",
                isEntered: true
            )
        }
        try await store.record(large, changes: [], dates: days, audit: entry("list.import"))
        for _ in 0..<2 { try await store.forget([7], mentions: mentions) }
        let forgotten = try #require(try await store.listImports().first)
        #expect(forgotten.source == Mentions.erased && forgotten.reason == Mentions.erased)
        #expect(try await store.listDates(.all).map { [$0.index.description, $0.reason] } == [["9", Mentions.erased]])
        #expect(try await store.listChanges(of: 7).map(\.reason) == [Mentions.erased])
        #expect(try await store.listChanges(of: 8).map(\.reason) == [Mentions.erased, "x 138123456789"])
        let details = try await store.audit(ListQuery(limit: 1_000)).rows.map(\.detail).reversed()
        let gone = Mentions.erased
        #expect(Array(details) == [gone, gone, "of 12345", gone, "x 138123456789", entry().detail])
        try await failWrites(true)
        await #expect(throws: (any Error).self) { try await store.recordErased([7], audit: entry("erased")) }
        try await failWrites(false)
        #expect(try await store.erasedSubscribers().isEmpty)
        try await store.recordErased([7, .max], audit: entry("erased"))
        try await store.recordErased([7], audit: entry("erased"))
        #expect(try await store.erasedSubscribers() == [7, .max])
        #expect(try await actions().suffix(2) == ["erased", "erased"])
    }

    func loadsAreRecordedOnce() async throws {
        let first = newLoad("b", table: "subscriber")
        let second = newLoad("a", table: "contact")
        try await store.record(first, audit: entry("load"))
        try await store.record(second, audit: entry("load"))
        #expect(try await store.load(id: "b") == first)
        #expect(try await store.load(id: "c") == nil)
        #expect(try await store.loads(table: nil) == [first, second])
        #expect(try await store.loads(table: "contact") == [second])
        #expect(try await store.loads(table: "visit").isEmpty)
        await #expect(throws: ControlPlaneError.nameTaken(object: "load", name: "b")) {
            try await store.record(newLoad("b", table: "contact"), audit: entry())
        }
        await #expect(throws: ControlPlaneError.self) {
            var negative = newLoad("d", table: "contact")
            negative.rejected = -1
            try await store.record(negative, audit: entry())
        }
        #expect(try await store.loads(table: nil).count == 2)
        try await store.removeLoad(id: "b", audit: entry("load.rollback"))
        #expect(try await store.loads(table: nil) == [second])
        await #expect(throws: ControlPlaneError.self) { try await store.removeLoad(id: "b", audit: entry()) }
        #expect(try await actions().last == "load.rollback")
        try await store.record(first, audit: entry("load"))
        #expect(try await store.loads(table: nil) == [second, first], "it was recorded anew")
        try await store.append(entry("load.look_up"))
        #expect(try await store.auditOfLoads().map(\.action) == ["load", "load", "load.rollback", "load"])
    }

    func auditIsKeptAndFound() async throws {
        let entries = [
            AuditEntry(at: at(2), who: "wang", action: "explain", object: "subscriber/7", detail: "reason 100%"),
            AuditEntry(at: at(1), who: "li", action: "sign-in", object: "staff/li"),
            AuditEntry(at: at(2), who: "li", action: "explain", object: "subscriber/8"),
        ]
        for entry in entries { try await store.append(entry) }
        #expect(try await store.audit(ListQuery()).rows == [entries[2], entries[0], entries[1]])
        #expect(try await store.audit(ListQuery(search: "li")).rows == [entries[2], entries[1]])
        #expect(try await store.audit(ListQuery(search: "100%")).rows == [entries[0]])
        #expect(try await store.audit(ListQuery(search: "scriber/8")).total == 1)
        let byAction = ListQuery(order: "action", isDescending: false)
        #expect(try await store.audit(byAction).rows == [entries[0], entries[2], entries[1]])
        for (who, action) in [("", "x"), ("x", " "), ("x\0", "x")] {
            await #expect(throws: ControlPlaneError.self) {
                try await store.append(AuditEntry(at: at(0), who: who, action: action, object: ""))
            }
        }
        #expect(try await store.audit(ListQuery()).total == 3)
    }
}
