// Models of every page, filled with a text that tries to be markup.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Assembly
import HTTPAPI
import Kernel
import Model
import Ports
import Texts

@testable import Console
@testable import DecisionHost
@testable import Decisioning
@testable import Evaluation
@testable import Execution
@testable import Planning
@testable import Rules

/// Pages with made-up contents.
struct ConsoleModels {
    var evil: String

    static let now = LocalTime(instant: Instant(epochMs: 1_794_880_800_000), offsetSeconds: 28_800)

    static func frame(_ language: Language, _ role: Role?, query: [Frame.QueryItem] = []) -> Frame {
        Frame(
            language: language,
            staff: role.map { Staff(login: "someone", name: "某人", role: $0) },
            path: "/x",
            query: query,
            now: now,
            waiting: 3,
            notice: Notice(isError: false, text: "ok")
        )
    }

    var segment: Segment {
        var segment = Segment(
            name: evil,
            rule: evil,
            owner: evil,
            scope: OrganisationScope(province: evil),
            updatedAt: Self.now.instant
        )
        segment.id = 7
        segment.count = 1234
        return segment
    }

    func campaign(_ phase: CampaignPhase = .draft) -> Campaign {
        var plan = CampaignPlan(
            name: evil,
            scene: evil,
            goal: evil,
            category: evil,
            segment: 7,
            message: evil,
            planned: Self.now,
            validTo: Self.now.day
        )
        plan.product = evil
        plan.score = evil
        plan.conflictingProducts = [evil]
        plan.unticked = [5]
        var campaign = Campaign(plan: plan, owner: evil, scope: .all, updatedAt: Self.now.instant)
        campaign.id = CampaignID(9)
        campaign.version = 1
        campaign.phase = phase
        campaign.dryRun = DryRunRecord(
            at: Self.now.instant,
            outcomes: ["contact": 80, "control": 20, "cap_sms": 7, "dnd_05": 3],
            outcomeSHA256: "ab",
            costMinor: 400
        )
        return campaign
    }

    var approval: Approval {
        var approval = Approval(campaign: CampaignID(9), revision: 1, submittedBy: evil, submittedAt: Self.now.instant)
        approval.reason = evil
        return approval
    }

    /// Two closed waves of campaign 9.
    var waves: [EvaluatedWave] {
        let spec = CampaignSpec(
            id: CampaignID(9),
            name: evil,
            category: evil,
            validFrom: Self.now.day,
            validTo: Self.now.day
        )
        return (1...2).map { occurrence in
            var state = WaveState(
                wave: WaveID(campaign: CampaignID(9), occurrence: Int32(occurrence)),
                serial: UInt32(occurrence),
                planned: Self.now,
                audience: .zero,
                openedAt: 1,
                spec: spec
            )
            state.totals = [OutcomeTotal(outcome: .contact, count: 80), OutcomeTotal(outcome: .listBlack, count: 20)]
            return EvaluatedWave(planned: Self.now, evaluation: WaveEvaluation(state, valuePerOrderMinor: 100))
        }
    }

    var policy: ContactPolicy {
        let name = BilingualText(zh: evil, en: evil)
        return ContactPolicy(
            revision: 2,
            tiers: [
                PolicyTier(
                    code: "a",
                    name: name,
                    rule: evil,
                    caps: [.sms: Cap(count: 1, months: 3)],
                    overall: Cap(count: 2, months: 1)
                )
            ],
            dnd: [DNDClass(number: 5, name: name, isByChannel: true, mayBeUnticked: true)],
            intervalDays: [.sms: 3],
            similarDays: [evil: 9],
            quietHours: [.sms: QuietHours(from: 1260, to: 540)],
            holidays: [Self.now.day]
        )
    }

    /// All that a clerk sees of a customer, in words that would do harm.
    private var deskSummary: DeskSummary {
        let name = BilingualText(zh: evil, en: evil)
        let plain = Attribute(code: "x", name: name, type: .text, group: "", isHot: true)
        var computed = Attribute(code: "y", name: name, type: .flag, group: "", isHot: false)
        computed.expression = "TRUE"
        let contact = CustomerContact(
            at: Self.now,
            channel: evil,
            kind: evil,
            outcome: evil,
            category: evil,
            campaign: evil,
            isOwn: false
        )
        let values = AttributeValues(
            group: AttributeGroup(code: "g", name: name),
            values: [(plain, .text(evil)), (computed, .flag(true))]
        )
        return DeskSummary(name: evil, profile: [values], contacts: [contact])
    }

    func draft(_ state: PolicyDraftState = .draft) -> PolicyDraft {
        var policy = policy
        let name = BilingualText(zh: evil, en: evil)
        policy.categoryRules = [CategoryRule(code: evil, name: name, categories: [evil], rule: evil)]
        policy.quietAreas = [QuietArea(code: evil, name: name, rule: evil, quietHours: policy.quietHours)]
        policy.similarTo = [evil: [evil]]
        policy.productDays = [evil: 5]
        policy.linkage.types[0].name = name
        policy.linkage.types[0].code = evil
        var draft = PolicyDraft(base: 2, policy: policy, author: evil, note: evil, at: Self.now.instant)
        (draft.id, draft.version, draft.state) = (4, 3, state)
        return draft
    }

    var preview: PolicyPreview {
        let name = BilingualText(zh: evil, en: evil)
        return PolicyPreview(
            day: Self.now.day,
            revision: 2,
            subscribers: 10,
            affected: 3,
            retiered: 1,
            groups: [
                PolicyGroupPreview(
                    group: PreviewGroup(code: evil, name: name, rule: evil),
                    subscribers: 10,
                    reach: [PolicyReach(channel: .sms, before: 5, after: 4, gained: 1, lost: 2)]
                )
            ],
            tiers: [PolicyTierPreview(code: evil, name: name, before: nil, after: 3)],
            rules: [PolicyRulePreview(code: evil, name: name, before: 3, after: nil)],
            changed: [.tiers]
        )
    }

    func draftPage(_ state: PolicyDraftState, _ tab: PolicyDraftTab, isWrong: Bool = false) -> PolicyDraftPage {
        let draft = draft(state)
        var page = PolicyDraftPage(draft: draft, tab: tab, live: isWrong ? 3 : 2)
        page.changes = policy.changes(to: draft.policy)
        page.preview = isWrong ? nil : preview
        page.categories = [evil]
        guard isWrong else { return page }
        let remark = RuleRemark(message: BilingualText(zh: evil, en: evil), range: 0..<3, suggestion: evil)
        page.problems = [
            PolicyProblem(path: ["tiers", "[0]", "rule"], remark: remark),
            PolicyProblem(path: ["linkage", "types", "[0]", "code"], remark: remark),
        ]
        return page
    }

    /// A visit with one offer that stands somehow; nil = without any offer.
    func deskPage(_ standing: ContactStanding?, isQuiet: Bool = false) -> DeskPage {
        let id = CampaignID(9)
        let offer = PresentedOffer(
            campaign: id,
            name: evil,
            product: evil,
            script: evil,
            reason: evil,
            priority: 1,
            segment: evil
        )
        let contacts = ContactStanding.allCases.map {
            PastContact(
                campaign: id,
                name: evil,
                touchpoint: .website,
                day: Self.now.day,
                standing: $0,
                until: $0 == .later ? Self.now.day : nil
            )
        }
        let visit = TouchpointVisit(
            offers: standing.map {
                [(offer, StandingOffer(campaign: id, standing: $0, isReleased: isQuiet, until: Self.now.day))]
            } ?? [],
            notBefore: isQuiet ? Self.now : nil,
            lapses: Self.now,
            history: standing == nil ? [] : contacts
        )
        var page = DeskPage(
            visit: DeskVisit(index: 3, number: evil, touchpoint: .counter, id: evil, visit: visit, summary: deskSummary)
        )
        if standing == .open { page.wrongDay = (id, evil) }
        return page
    }

    var poolRows: [PoolRow] {
        var plan = campaign().plan
        plan.touchpoints = [.counter, .website]
        let row = PoolRow(
            id: CampaignID(9),
            plan: plan,
            members: 1_000,
            made: 20,
            shown: 10,
            accepted: 4,
            refused: 3,
            isPaused: false
        )
        var (broken, paused) = (row, row)
        broken.problem = evil
        paused.isPaused = true
        return [row, broken, paused]
    }

    var poolCustomer: PoolCustomer {
        let reason = BilingualText(zh: evil, en: evil)
        return PoolCustomer(
            index: 3,
            number: evil,
            touchpoint: .counter,
            standings: [
                PoolStanding(rank: 1, id: CampaignID(9), name: evil, priority: 1),
                PoolStanding(id: CampaignID(10), name: evil, priority: 5, reason: reason),
            ]
        )
    }

    func filter(_ phase: CampaignPhase) -> CampaignFilter {
        var campaign = campaign(phase)
        if phase == .rejected { campaign.dryRun = nil }
        return CampaignFilter(
            campaign: campaign,
            segment: segment,
            policy: phase == .draft ? nil : policy,
            waves: phase == .running ? waves : [],
            pooled: phase == .running ? .init(members: 9, made: 3, shown: 2, accepted: 1) : nil
        )
    }

    var catalogue: AttributeCatalogue {
        let name = BilingualText(zh: evil, en: evil)
        return AttributeCatalogue(
            groups: [AttributeGroup(code: "g", name: name)],
            attributes: [
                Attribute(
                    code: "brand",
                    name: name,
                    type: .enumeration,
                    group: "g",
                    domain: [DomainValue(value: evil, label: name)],
                    unit: evil
                ),
                Attribute(code: "arpu", name: name, type: .decimal(scale: 2), group: "g"),
            ]
        )
    }

    private var error: RuleError {
        RuleError(
            problem: .unknownAttribute(evil),
            start: RulePosition(offset: 2, line: 1, column: 3),
            end: RulePosition(offset: 900, line: 1, column: 9)
        )
    }

    private static let request = OfferRequest(
        request: 7,
        index: 3,
        touchpoint: .hotline,
        entrance: .inbound,
        at: now,
        limit: 3
    )

    private var shadow: ShadowStatus {
        var status = ShadowStatus(draft: 2, version: 1, policy: policy, since: Self.now)
        var wave = ShadowReport.Wave(wave: WaveID(campaign: CampaignID(9), occurrence: 1), planned: Self.now)
        wave.members = [
            .init(live: .contact, shadow: .capSMS): 1_200, .init(live: .contact, shadow: .contact): 30_000,
        ]
        status.report.add(wave)
        let answer = OfferAnswer(request: Self.request, offers: [CampaignID(9)])
        status.report.add(answer, shadow: OfferAnswer(request: Self.request, offers: []))
        status.report.fail(EvilError(description: evil))
        return status
    }

    private struct EvilError: Error, CustomStringConvertible {
        let description: String
    }

    private var events: [SubscriberEvent] {
        let wave = WaveID(campaign: CampaignID(9), occurrence: 1)
        let answer = OfferAnswer(request: Self.request, offers: [CampaignID(9)], controls: [CampaignID(8)])
        let response = OfferResponse(request: 7, index: 3, campaign: CampaignID(9), result: .accepted, at: Self.now)
        let kinds: [SubscriberEvent.Kind] = [
            .known, .listed(ListID(evil)), .unlisted(.product(evil)), .decided(wave, .contact),
            .decided(wave, .capSMS), .dropped(wave, .dnd02), .handedOff(wave), .feedback(wave, .delivered),
            .corrected(wave, .delivered), .corrected(wave, .failed), .released(wave), .answered(answer),
            .answered(OfferAnswer(request: Self.request, offers: [])),
            .responded(response), .lapsed(7),
        ]
        return kinds.enumerated().map { SubscriberEvent(at: Self.now, position: Int64($0), kind: $1) }
    }

    private var candidate: NamedExplanation {
        let changes: [Counterfactual.Change] = [
            .notOn(ListID(evil)), .without(campaign: CampaignID(9), channel: .sms, day: Self.now.day),
            .fewer(.sms, Self.now.month, count: 2), .passes(.outranked),
        ]
        let explanation = Explanation(
            campaign: CampaignID(9),
            wave: nil,
            request: Self.request,
            at: Self.now,
            outcome: .outranked,
            position: 4,
            checks: [
                CheckResult(
                    .outranked,
                    isPassed: false,
                    [Evidence("rank", 2), Evidence("of", 5), Evidence("ahead", 9)]
                )
            ],
            aftermath: [Evidence("answer_refused", evil)],
            counterfactual: Counterfactual(changes: changes, outcome: .contact)
        )
        let names = SentenceNames(campaign: evil, channel: .inbound, policy: policy, campaigns: [CampaignID(9): evil])
        return (explanation, names)
    }

    private var explained: ExplainedSubscriber {
        let explanation = Explanation(
            campaign: CampaignID(9),
            wave: WaveID(campaign: CampaignID(9), occurrence: 1),
            at: Self.now,
            outcome: .productOwned,
            position: 4,
            checks: [
                CheckResult(
                    .campaignNotLive,
                    isPassed: true,
                    [Evidence("status", "live"), Evidence("valid_to", evil)]
                ),
                CheckResult(
                    .productOwned,
                    isPassed: false,
                    [Evidence("product", evil), Evidence("list", evil), Evidence(evil, evil)]
                ),
            ],
            aftermath: [Evidence("handed_off", "yes"), Evidence("delivered", evil)]
        )
        return ExplainedSubscriber(
            index: 3,
            number: evil,
            records: [
                ContactRecord(
                    at: Self.now,
                    source: .decision(explanation, SentenceNames(campaign: evil, channel: .sms, policy: policy))
                ),
                ContactRecord(at: Self.now, source: .loaded(channel: evil, kind: evil, category: evil, outcome: evil)),
            ],
            lists: [ListID(evil)],
            since: Self.now.day.adding(days: -90)
        )
    }

    func arbitration(_ state: ArbitrationState) -> Arbitration {
        let day = Self.now.day
        let setup = ArbitrationSetup(
            from: day,
            to: day.adding(days: 6),
            entries: [
                .init(campaign: CampaignID(9), revision: 1, minimum: 3), .init(campaign: CampaignID(10), revision: 1),
            ],
            perClass: [.sms: 1],
            capacities: [.init(channel: .sms, day: day, limit: 9)]
        )
        var arbitration = Arbitration(name: evil, setup: setup, owner: evil, scope: .all, at: Self.now.instant)
        (arbitration.id, arbitration.version, arbitration.state) = (4, 2, state)
        switch state {
        case .solving: break
        case .failed: arbitration.problem = evil
        case .infeasible:
            arbitration.shortfalls = ArbitrationShortfall.Reason.allCases.map {
                .init(
                    campaign: CampaignID(9),
                    wanted: 9,
                    possible: 3,
                    reason: $0,
                    limits: ["capacity/sms/\(day.iso)", "budget/9"]
                )
            }
        case .solved, .adopted, .withdrawn:
            arbitration.figures = ArbitrationFigures(
                contacts: 12,
                valueMinor: 5_000,
                boundMinor: 5_010,
                greedyMinor: state == .withdrawn ? nil : 4_700,
                gapPPM: 1_996,
                milliseconds: 120
            )
            if state != .solved { (arbitration.adoptedBy, arbitration.adoptedAt) = (evil, Self.now.instant) }
        }
        return arbitration
    }

    func arbitrationPage(_ state: ArbitrationState) -> ArbitrationPage {
        var page = ArbitrationPage(arbitration: arbitration(state), names: [CampaignID(9): evil])
        page.unapproved = state == .withdrawn ? [evil] : []
        if state == .solving {
            page.progress = ArbitrationProgress(stage: .reading, read: 1, campaigns: 2, since: Self.now.instant)
        }
        guard page.arbitration.figures != nil else { return page }
        page.limits = [
            LimitRow(name: "capacity/sms/2026-11-17", kind: .capacity, limit: 900, used: 900, price: 32_000_000),
            LimitRow(name: "budget/9", kind: .budget, limit: 900, used: 30, price: 0),
            LimitRow(name: "minimum/9", kind: .minimum, limit: 3, used: 4, price: 900_000_000),
        ]
        var ran = PlannedAndReserved(
            campaign: CampaignID(9),
            planned: ValueTally(members: 7, valueMinor: 900),
            plannedControls: 1
        )
        let planned = ArbitratedRow(
            name: evil,
            number: 10,
            day: Self.now.day,
            audience: 20,
            candidates: 9,
            compared: ran
        )
        ran.wave = WaveID(campaign: CampaignID(9), occurrence: 1)
        ran.reserved = ValueTally(members: 5, valueMinor: 700)
        ran.lost = [.init(outcome: .listBlack, tally: ValueTally(members: 2, valueMinor: 200))]
        var row = planned
        (row.number, row.compared) = (9, ran)
        page.rows = [row, planned]
        return page
    }

    func arbitrationForm(previous: Arbitration?) -> ArbitrationFormPage {
        var other = campaign(.approved)
        other.id = CampaignID(10)
        let campaigns = [campaign(.approved), other]
        var form =
            previous.map { ArbitrationForm($0, campaigns: campaigns) }
            ?? ArbitrationForm(from: Self.now.day, to: Self.now.day, campaigns: campaigns)
        form.name = evil
        form.errors = ["name": evil, "campaign": evil, "minimum.9": evil, "perSubscriber": evil]
        return ArbitrationFormPage(form: form, campaigns: campaigns, previous: previous)
    }

    private var noOverruns: OverrunsPage {
        OverrunsPage(
            report: OverrunReport(nothingOn: Self.now.day, subscribers: 9),
            rows: Page(rows: [], total: 0),
            names: EventNames(campaigns: [:], policy: nil),
            query: TableQuery()
        )
    }

    /// Every kind of cause, and somebody who is not above any cap any more.
    private var overruns: OverrunsPage {
        var page = noOverruns
        let (wave, window) = (
            WaveID(campaign: CampaignID(9), occurrence: 1), CapWindow(first: Self.now.month, months: 2)
        )
        let kinds: [OverrunCause.Kind] = [
            .lateReceipt(wave), .loaded, .shownAfterAll(nil), .shownAfterAll(wave.campaign), .policy(revision: 2),
            .tier(evil), .tier("a"), .decision(wave.campaign), .decision(nil),
        ]
        let causes = kinds.map { OverrunCause(kind: $0, at: Self.now, position: 4) }
        let (name, checks) = (BilingualText(zh: evil, en: evil), [Outcome.capSMS, .capOverall])
        let overruns = checks.map { Overrun(check: $0, window: window, used: 5, cap: 4, causes: causes) }
        page.names = EventNames(campaigns: [wave.campaign: evil], policy: policy)
        page.report.counts = checks.map {
            OverrunCount(
                group: OverrunGroup(tier: evil, tierName: name, check: $0, window: window),
                subscribers: 2
            )
        }
        page.rows = Page(
            rows: [overruns, []].map {
                let subscriber = OverrunSubscriber(index: SubscriberIndex(3), tier: evil, tierName: name, overruns: $0)
                return OverrunRow(subscriber: subscriber, number: evil)
            },
            total: 2
        )
        return page
    }

    typealias Named = (name: String, make: (Frame) -> Screen)

    /// Every page, in every state that shows other parts.
    var pages: [Named] {
        let list = Page(rows: [segment], total: 31)
        let change = ListChange(
            at: Self.now.instant,
            who: evil,
            list: ListID(evil),
            index: 3,
            isAdded: true,
            reason: evil
        )
        let found = FoundNumber(
            index: 3,
            number: evil,
            entries: [FoundNumber.Entry(list: ListID(evil, channel: .sms), change: change)],
            changes: [change]
        )
        var imported = MemberImport(subscribers: 1, kind: .line)
        var rows = IdentityBatch()
        (rows.lines, rows.values) = ([2], [0])
        rows.refusals = [.init(position: 0, why: .notANumber, text: evil)]
        imported.add(rows) { _ in nil }
        let done = ListImport(report: imported.report, added: 1, removed: 1, present: 1)
        let staff = Staff(login: evil, name: evil, role: .agent, scope: OrganisationScope(city: evil))
        let entry = AuditEntry(at: Self.now.instant, who: evil, action: evil, object: evil, detail: evil)
        var form = CampaignForm(campaign())
        form.errors = ["name": evil, "message": evil, "touchpoints": evil, "script": evil, "personal": evil]
        form.places = ["personal": 2..<5]
        let sample = MaskedMember(msisdn: evil, attributes: ["brand": evil])
        var pages: [Named] = [
            (
                "home",
                {
                    HomePage(
                        toDos: [
                            HomePage.ToDo(kind: .approve, number: 9, name: evil, since: Self.now.instant),
                            HomePage.ToDo(kind: .review, number: 7, name: evil, since: Self.now.instant),
                        ],
                        requests: Page(rows: [dataRequest([])], total: 3),
                        running: [HomePage.Running(campaign: campaign(.running), contacts: 9, sent: 3, delivered: 2)],
                        subscribers: 5
                    ).page($0)
                }
            ),
            ("desk", { DeskPage(typed: evil, error: evil).page($0) }),
            ("desk, visit", { deskPage(.open).page($0) }), ("desk, considered", { deskPage(.considering).page($0) }),
            ("desk, taken", { deskPage(.accepted).page($0) }),
            ("desk, quiet", { deskPage(.later, isQuiet: true).page($0) }),
            ("desk, nothing", { deskPage(nil).page($0) }),
            (
                "desk, gone",
                { DeskPage(visit: DeskVisit(index: 3, number: evil, touchpoint: .hotline, id: evil)).page($0) }
            ),
            ("pool", { PoolPage(rows: poolRows, typed: evil, error: evil).page($0) }),
            ("pool, empty", { PoolPage(rows: []).page($0) }),
            ("pool, customer", { PoolPage(rows: [], customer: poolCustomer).page($0) }),
            (
                "pool, nobody",
                {
                    PoolPage(
                        rows: [],
                        customer: PoolCustomer(index: 3, number: evil, touchpoint: .sms, standings: [])
                    ).page($0)
                }
            ),
            ("home, empty", { HomePage(toDos: [], running: [], subscribers: 0).page($0) }),
            ("segments", { SegmentListPage(segments: list, query: TableQuery($0), tab: .all).page($0) }),
            (
                "segments, empty",
                { SegmentListPage(segments: Page(rows: [], total: 0), query: TableQuery($0), tab: .drafts).page($0) }
            ),
            ("scenes", { ScenePage(segment: 7).page($0) }),
            (
                "campaign form",
                {
                    CampaignFormPage(
                        form: form,
                        scene: Scene.standard[0],
                        segments: [segment],
                        policy: policy,
                        scores: catalogue.attributes
                    ).page($0)
                }
            ),
            (
                "campaigns",
                {
                    CampaignListPage(
                        campaigns: Page(rows: [campaign()], total: 1),
                        tab: .all,
                        counts: [:],
                        query: TableQuery($0)
                    ).page($0)
                }
            ),
            (
                "approvals",
                {
                    ApprovalListPage(
                        waiting: Page(
                            rows: [CampaignApproval(approval: approval, campaign: campaign(.submitted))],
                            total: 1
                        ),
                        segments: 2,
                        query: TableQuery($0)
                    ).page($0)
                }
            ),
            (
                "approval",
                {
                    ApprovalPage(
                        campaign: campaign(.submitted),
                        approval: approval,
                        segment: segment,
                        reason: evil,
                        error: evil
                    ).page($0)
                }
            ),
            (
                "lists",
                {
                    ListsPage(
                        counts: [ListCount(list: ListID(evil), count: 2, upkeep: upkeep)],
                        found: found,
                        report: (1, ImportReport(file: evil, list: ListID(evil), mode: .add, done: done)),
                        typed: evil,
                        findError: evil,
                        importError: evil,
                        policy: policy
                    ).page($0)
                }
            ),
            ("explain", { ExplainPage(answer: explained, typed: evil, error: evil, policy: policy).page($0) }),
            ("customers", { CustomersPage(typed: evil, error: evil).page($0) }),
            (
                "channels",
                {
                    ChannelsPage(report: ChannelReport(), rule: evil, kind: evil, physical: [evil], error: evil).page(
                        $0
                    )
                }
            ),
            ("explain, empty", { ExplainPage().page($0) }),
            ("policy", { PolicyPage(policy: policy).page($0) }),
            (
                "arbitrations",
                {
                    ArbitrationListPage(
                        arbitrations: Page(rows: ArbitrationState.allCases.map(arbitration), total: 6),
                        query: TableQuery($0)
                    ).page($0)
                }
            ),
            (
                "arbitrations, empty",
                { ArbitrationListPage(arbitrations: Page(rows: [], total: 0), query: TableQuery($0)).page($0) }
            ),
            ("arbitration form", { arbitrationForm(previous: nil).page($0) }),
            ("arbitration form, again", { arbitrationForm(previous: arbitration(.solved)).page($0) }),
            ("policy, none", { PolicyPage().page($0) }),
            ("overruns", { overruns.page($0) }), ("overruns, none", { noOverruns.page($0) }),
            (
                "policy with drafts",
                { PolicyPage(policy: draft().policy, drafts: Page(rows: [draft()], total: 1)).page($0) }
            ),
            ("shadow policy, none", { PolicyShadowPage(status: nil, campaigns: [:]).page($0) }),
            ("shadow policy", { PolicyShadowPage(status: shadow, campaigns: [CampaignID(9): evil]).page($0) }),
            (
                "subscriber history",
                {
                    SubscriberHistoryPage(
                        index: 3,
                        number: evil,
                        events: events,
                        names: EventNames(campaigns: [CampaignID(9): evil], policy: policy)
                    ).page($0)
                }
            ),
            (
                "request",
                { RequestPage(index: 3, number: evil, request: 7, candidates: [candidate]).page($0) }
            ),
            ("policy draft", { draftPage(.draft, .contents).page($0) }),
            ("policy draft, wrong", { draftPage(.draft, .contents, isWrong: true).page($0) }),
            ("policy draft, effect", { draftPage(.draft, .effect).page($0) }),
            ("policy draft, effect, wrong", { draftPage(.draft, .effect, isWrong: true).page($0) }),
            ("policy draft, live", { draftPage(.live, .contents).page($0) }),
            ("policy draft, discarded", { draftPage(.discarded, .effect).page($0) }),
            (
                "policy revision",
                {
                    PolicyRevisionPage(
                        revision: PolicyRevision(at: Self.now.instant, who: evil, note: evil, policy: draft().policy),
                        from: 2,
                        changes: policy.changes(to: draft().policy),
                        numbers: [3, 2]
                    ).page($0)
                }
            ),
            (
                "policy history",
                {
                    PolicyHistoryPage(
                        revisions: Page(
                            rows: [PolicyRevision(at: Self.now.instant, who: evil, note: evil, policy: policy)],
                            total: 1
                        ),
                        query: TableQuery($0)
                    ).page($0)
                }
            ),
            (
                "staff",
                {
                    StaffPage(
                        contents: .staff(Page(rows: [staff], total: 1)),
                        query: TableQuery($0),
                        newPassword: .init(login: evil, password: evil)
                    ).page($0)
                }
            ),
            ("audit", { StaffPage(contents: .audit(Page(rows: [entry], total: 1)), query: TableQuery($0)).page($0) }),
            ("password", { PasswordPage(errors: ["old": evil]).page($0) }),
            ("staff form", { StaffFormPage(values: ["login": evil, "name": evil], errors: ["login": evil]).page($0) }),
        ]
        let results: [RuleResult] = [
            .wrong(error.message.en, at: error.start.offset..<error.end.offset, of: evil), .failed(evil),
            .members(
                definition: definition,
                found: foundMembers,
                base: 9,
                milliseconds: 2,
                sample: [sample],
                attributes: catalogue.attributes
            ),
            .members(definition: definition, found: foundMembers, base: 9, milliseconds: 2, sample: [], attributes: []),
        ]
        for state in ArbitrationState.allCases {
            pages.append(("arbitration, \(state.rawValue)", { arbitrationPage(state).page($0) }))
        }
        pages += segmentPages(results)
        pages += upkeepPages(done)
        for phase in CampaignPhase.allCases {
            for tab in CampaignTab.allCases {
                pages.append(
                    (
                        "campaign \(phase) \(tab)",
                        {
                            CampaignDetailPage(
                                campaign: campaign(phase),
                                tab: tab,
                                segment: segment,
                                run: RunState(stage: .failed, contacts: 5, sent: 2, problem: evil),
                                waves: waves,
                                approvals: [approval],
                                filter: tab == .rules ? filter(phase) : nil,
                                pooled: phase == .running ? filter(phase).pooled : nil,
                                testNumbers: evil
                            ).page($0)
                        }
                    )
                )
            }
        }
        return pages
    }
}
