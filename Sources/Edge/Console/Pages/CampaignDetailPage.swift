// A campaign: plan, dry run, execution with live progress, evaluation, approvals.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Decisioning
import Evaluation
import Kernel
import Model
import Texts

/// The parts of a campaign's page.
enum CampaignTab: String, CaseIterable, Sendable {
    case overview
    case dryRun = "dry-run"
    case run
    case rules
    case evaluation
    case records

    var title: ConsoleText {
        switch self {
        case .overview: .tabOverview
        case .dryRun: .tabDryRun
        case .run: .tabRun
        case .rules: .tabRules
        case .evaluation: .tabEvaluation
        case .records: .tabRecords
        }
    }
}

/// How far the execution of a campaign is.
struct RunState: Sendable {
    /// What it does at the moment.
    var stage: RunStage
    /// Reserved contacts.
    var contacts = 0
    var sent = 0
    var delivered = 0
    var released = 0
    /// Neither settled nor released yet.
    var open = 0
    /// Wait for the end of their area's quiet hours, while all others have left.
    var held = 0
    /// What failed; nil = nothing did.
    var problem: String?
}

extension RunState {
    /// What the runner says.
    init(_ progress: RunProgress) {
        self.init(
            stage: progress.stage,
            contacts: progress.contacts,
            sent: progress.sent,
            delivered: progress.delivered,
            released: progress.released,
            open: progress.open,
            held: progress.heldByArea,
            problem: progress.problem
        )
    }
}

extension RunState {
    /// What it does at the moment, in words.
    func note(_ f: Frame) -> String {
        stage == .waiting && held > 0 ? f.t(.stageHeld, f.number(held)) : f.t(stage.text, problem ?? "")
    }
}

extension RunStage {
    var text: ConsoleText {
        switch self {
        case .deciding: .stageDeciding
        case .waiting: .stageWaiting
        case .sending: .stageSending
        case .paused: .stagePaused
        case .collecting: .stageCollecting
        case .offered: .stageOffered
        case .finished: .stageFinished
        case .stopped: .stageStopped
        case .failed: .stageFailed
        }
    }
}

/// A closed wave and what it came to.
struct EvaluatedWave: Sendable {
    /// The slot it was planned for.
    var planned: LocalTime
    var evaluation: WaveEvaluation
    /// Reserved contacts that were given back before they left: by the second check, a stop or expiry.
    var withdrawn = 0

    var occurrence: Int32 { evaluation.wave.occurrence }
}

/// One campaign.
struct CampaignDetailPage {
    var campaign: Campaign
    var tab: CampaignTab
    var segment: Segment?
    var run: RunState?
    /// The closed waves, oldest first; read for the evaluation only.
    var waves: [EvaluatedWave] = []
    /// Occurrence of the wave whose evaluation is shown; nil = the last one.
    var chosenWave: Int32?
    var approvals: [Approval]
    /// What rules removed and whom it left; read for its own part only.
    var filter: CampaignFilter?
    /// How its offers stand; read for the execution only, nil when it is not in the pool.
    var pooled: CampaignFilter.Pooled?
    /// Staff numbers the test was last sent to, kept after an error.
    var testNumbers = ""

    private var path: String { "/campaigns/\(campaign.id.number)" }
    private var plan: CampaignPlan { campaign.plan }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .campaigns,
            title: plan.name,
            hint: nil,
            actions: actions(f),
            body: """
                \(head(f))
                \(tabs(f.t(.partsOfCampaign), CampaignTab.allCases.map { (f.t($0.title), $0 == .overview ? path : path + "?tab=" + $0.rawValue, nil, $0 == tab) }))
                \(contents(f))
                """
        )
    }

    private func contents(_ f: Frame) -> HTML {
        switch tab {
        case .overview: overview(f)
        case .dryRun: dryRun(f)
        case .run: execution(f)
        case .rules: filter.map { $0.html(f) } ?? .empty
        case .evaluation: evaluated(f)
        case .records: records(f)
        }
    }

    private func head(_ f: Frame) -> HTML {
        let position: Int =
            switch campaign.phase {
            case .draft: campaign.dryRun == nil ? 0 : 1
            case .submitted, .rejected: 2
            case .approved, .running, .paused: 3
            case .stopped, .finished: 4
            }
        return """
            <section class="card summary"><p>\(f.phase(campaign.phase)) <span class="muted">\
            \(f.t(.campaignNumber, "\(campaign.id.number)", "\(campaign.revision)"))</span></p>
            \(steps([f.t(.stepPlan), f.t(.tabDryRun), f.t(.stepApproval), f.t(.tabRun), f.t(.tabEvaluation)], current: position))</section>
            """
    }

    // MARK: Actions

    private func actions(_ f: Frame) -> HTML {
        var buttons: [HTML] = []
        let isDraft = campaign.phase == .draft && f.may(.editCampaigns)
        if isDraft {
            buttons.append(linkButton(f.t(.edit), to: path + "/edit", .edit))
            buttons.append(
                actionButton(
                    f.t(campaign.dryRun == nil ? .runDryRun : .repeatDryRun),
                    to: path + "/dry-run",
                    .dryRun,
                    isPrimary: campaign.dryRun == nil
                )
            )
        }
        if isDraft, let dryRun = campaign.dryRun {
            buttons.append(
                actionButton(
                    f.t(.submit),
                    to: path + "/submit",
                    .send,
                    isPrimary: true,
                    question: Question(title: f.t(.submitQuestion), effect: effect(f, dryRun))
                )
            )
        }
        if f.may(.runCampaigns) { buttons += runButtons(f) }
        if f.may(.approve), campaign.phase == .submitted {
            buttons.append(
                linkButton(f.t(.toApproval), to: "/approvals/\(campaign.id.number)", .approvals, isPrimary: true)
            )
        }
        return HTML(buttons)
    }

    private func runButtons(_ f: Frame) -> [HTML] {
        let stop = actionButton(
            f.t(.stop),
            to: path + "/stop",
            .stop,
            question: Question(
                title: f.t(.stopQuestion, plan.name),
                effect: f.t(.stopEffect, f.number((run?.contacts ?? 0) - (run?.sent ?? 0))),
                isDangerous: true
            )
        )
        switch campaign.phase {
        case .approved:
            let effect = campaign.dryRun.map { self.effect(f, $0) } ?? ""
            return [
                actionButton(
                    f.t(.start),
                    to: path + "/run",
                    .play,
                    isPrimary: true,
                    question: Question(title: f.t(.startQuestion, plan.name), effect: effect)
                ),
                stop,
            ]
        case .running: return [actionButton(f.t(.pause), to: path + "/pause", .pause), stop]
        case .paused: return [actionButton(f.t(.resume), to: path + "/resume", .play, isPrimary: true), stop]
        default: return []
        }
    }

    /// What a mass send means, before it is confirmed.
    private func effect(_ f: Frame, _ dryRun: DryRunRecord) -> String {
        f.t(
            .sendEffect,
            f.number(dryRun.count(.contact)),
            f.language.money(minor: dryRun.costMinor),
            f.time(plan.planned)
        )
    }

    // MARK: Overview

    private func overview(_ f: Frame) -> HTML {
        """
        \(PlanCards(campaign: campaign, segment: segment).html(f))
        \(when: f.may(.editCampaigns), card(f.t(.testSend), testForm(f)))
        """
    }

    private func testForm(_ f: Frame) -> HTML {
        """
        <form method="post" action="\(path)/test-send" class="rowform">\
        \(field(f.t(.staffNumbers), id: "numbers", isRequired: true, help: f.t(.testHelp), input("numbers", testNumbers, isRequired: true, maxLength: 200, hasHelp: true)))\
        <button class="button" type="submit">\(Icon.send.markup)\(f.t(.testSend))</button></form>
        """
    }

    // MARK: Dry run

    private func dryRun(_ f: Frame) -> HTML {
        guard let dryRun = campaign.dryRun else {
            let action: HTML =
                campaign.phase == .draft && f.may(.editCampaigns)
                ? actionButton(f.t(.runDryRun), to: path + "/dry-run", .dryRun, isPrimary: true) : .empty
            return card(nil, emptyState(f.t(.noDryRun), action))
        }
        return DryRunCards(dryRun: dryRun, campaign: campaign.id).html(f)
    }

    // MARK: Execution

    private func execution(_ f: Frame) -> HTML {
        guard let run else {
            switch campaign.phase {
            case .approved:
                return card(nil, emptyState(f.t(.readyToRun), f.may(.runCampaigns) ? runButtons(f)[0] : .empty))
            default:
                return card(nil, emptyState(f.t(.notRunYet), linkButton(f.t(.tabDryRun), to: path + "?tab=dry-run")))
            }
        }
        let isLive = run.stage != .finished && run.stage != .stopped
        let figures: [(key: String, label: ConsoleText, value: Int)] = [
            ("contacts", .stageContacts, run.contacts), ("sent", .stageSent, run.sent),
            ("delivered", .stageDelivered, run.delivered), ("open", .awaiting, run.open),
            ("released", .givenBack, run.released),
        ]
        let address = "/api/v1/campaigns/\(campaign.id.number)/progress"
        return card(
            f.t(.progress),
            """
            <div class="live" data-stage="\(run.stage.rawValue)"\(attribute: "data-progress", isLive ? address : nil)>
            <progress max="\(max(1, run.contacts))" value="\(run.sent)" aria-label="\(f.t(.progress))"></progress>
            <dl class="figures">\(each: figures, { figure in
                "<div><dt>\(f.t(figure.label))</dt><dd data-value=\"\(figure.key)\">\(f.number(figure.value))</dd></div>"
            })</dl>
            <p class="help" data-note\(notes(f))>\(run.note(f))</p></div>
            \(pooled.map { offered($0, f) } ?? .empty)
            """
        )
    }

    /// What touchpoints did, beside the waves.
    private func offered(_ pooled: CampaignFilter.Pooled, _ f: Frame) -> HTML {
        let all: [(ConsoleText, Int)] = [
            (.poolMembers, pooled.members), (.poolMade, pooled.made), (.standingShown, pooled.shown),
            (.poolAccepted, pooled.accepted),
        ]
        return "<h3>\(f.t(.blockOffer))</h3>\(figures(all.map { (f.t($0.0), f.number($0.1), nil) }))"
    }

    /// What the script says at each stage.
    private func notes(_ f: Frame) -> HTML {
        "\(each: RunStage.allCases, { stage in " data-\(stage.rawValue)=\"\(f.t(stage.text))\"" }) data-held=\"\(f.t(.stageHeld))\""
    }

    // MARK: Evaluation

    private func evaluated(_ f: Frame) -> HTML {
        guard let wave = waves.last(where: { chosenWave == nil || $0.occurrence == chosenWave }) else {
            return card(nil, emptyState(f.t(.noEvaluation), linkButton(f.t(.tabRun), to: path + "?tab=run")))
        }
        let e = wave.evaluation
        let cost = e.costPerAdditionalOrderMinor.map { f.language.money(minor: $0) } ?? "--"
        func export(_ name: String) -> HTML {
            f.exportLink("\(path)/evaluation/\(name).csv?wave=\(Int(wave.occurrence))")
        }
        return """
            \(when: waves.count > 1, waveTable(wave, f))
            <p class="help">\(f.t(.waveShown, "\(wave.occurrence)", f.time(wave.planned)))</p>
            \(figures([
                (f.t(.additionalOrders), f.language.fixed(e.lift.additional.orders, decimals: 0), f.t(.from95, f.language.fixed(e.lift.additional.low, decimals: 0), f.language.fixed(e.lift.additional.high, decimals: 0))),
                (f.t(.liftPoints), f.points(e.lift), f.t(e.lift.isSignificant ? .significant : .notSignificant)),
                (f.t(.netBenefit), f.language.money(minor: e.netBenefitMinor), f.t(.benefitHint, f.language.money(minor: e.valuePerOrderMinor))),
                (f.t(.costPerOrder), cost, f.t(.costTotal, f.language.money(minor: e.costMinor))),
            ]))
            <div class="columns">
            \(card(f.t(.funnelTitle), actions: export("funnel"), f.funnel(e)))
            \(card(f.t(.liftTitle), actions: export("lift"), "<p>\(f.t(.liftSentence, f.points(e.lift), f.pointsInterval(e.lift), f.language.fixed(e.lift.smallestDetectable * 100, decimals: 2)))</p>\(f.lift(e.lift))"))
            </div>
            \(card(f.t(.lossesTitle), actions: export("losses"), f.losses(e.losses)))
            \(card(f.t(.feedbackTitle), facts([
                (f.t(.replies), "\(f.number(e.replies))"), (f.t(.unsubscriptions), "\(f.number(e.unsubscriptions))"),
                (f.t(.givenBack), "\(f.number(e.released))"), (f.t(.awaiting), "\(f.number(e.open))"),
                (f.t(.blockedByLists), "\(f.number(e.blockedByLists))"), (f.t(.blockedByFrequency), "\(f.number(e.blockedByFrequency))"),
            ])))
            """
    }

    static func waveColumns(_ f: Frame, _ path: String = "", shown: Int32? = nil) -> [Column<EvaluatedWave>] {
        func count(
            _ title: ConsoleText,
            _ key: String,
            _ value: @escaping (WaveEvaluation) -> Int
        ) -> Column<EvaluatedWave> {
            Column(
                f.t(title),
                key: key,
                isNumber: true,
                rank: { Int64(value($0.evaluation)) },
                plain: { f.number(value($0.evaluation)) }
            )
        }
        return [
            Column(f.t(.wave), key: "wave", rank: { Int64($0.occurrence) }, plain: { "\($0.occurrence)" }) { wave in
                "<a href=\"\(path)?tab=evaluation&amp;wave=\(Int(wave.occurrence))\"\(attribute: "aria-current", wave.occurrence == shown ? "true" : nil)>\(f.t(.waveNumber, "\(wave.occurrence)"))</a>"
            },
            Column(
                f.t(.plannedAt),
                key: "planned",
                rank: { $0.planned.instant.epochMs },
                plain: { f.time($0.planned) }
            ),
            count(.stageTarget, "target") { $0.target },
            count(.stageContacts, "contacts") { $0.contacts },
            count(.stageDelivered, "delivered") { $0.delivered },
            count(.stageOrdered, "ordered") { $0.lift.contact.successes },
            Column(
                f.t(.liftPoints),
                key: "lift",
                isNumber: true,
                rank: { Int64(($0.evaluation.lift.difference * 1_000_000).rounded()) },
                plain: { f.points($0.evaluation.lift) }
            ),
            Column(f.t(.interval95), isNumber: true, plain: { f.pointsInterval($0.evaluation.lift) }),
            Column(
                f.t(.netBenefit),
                key: "benefit",
                isNumber: true,
                rank: { $0.evaluation.netBenefitMinor },
                plain: { f.language.money(minor: $0.evaluation.netBenefitMinor) }
            ),
        ]
    }

    private func waveTable(_ shown: EvaluatedWave, _ f: Frame) -> HTML {
        card(
            f.t(.waves),
            f.table(
                f.t(.waves),
                Self.waveColumns(f, path, shown: shown.occurrence),
                of: waves.reversed(),
                prefix: "w.",
                exportPath: path + "/evaluation/waves.csv",
                empty: .empty
            )
        )
    }

    // MARK: Records

    static func approvalColumns(_ f: Frame) -> [Column<Approval>] {
        [
            Column(f.t(.revision), key: "revision", rank: { Int64($0.revision) }, plain: { "\($0.revision)" }),
            Column(f.t(.submittedBy), key: "by", plain: \.submittedBy),
            Column(f.t(.submittedAt), key: "at", rank: { $0.submittedAt.epochMs }, plain: { f.time($0.submittedAt) }),
            Column(
                f.t(.result),
                key: "result",
                plain: { f.t($0.result.text) },
                cell: { tag(f.t($0.result.text), $0.result.tone) }
            ),
            Column(f.t(.decidedBy), key: "decided", plain: { $0.decidedBy ?? "--" }),
            Column(f.t(.decidedAt), plain: { $0.decidedAt.map(f.time) ?? "--" }),
            Column(f.t(.opinion), plain: { ($0.reason ?? "").isEmpty ? "--" : $0.reason ?? "--" }),
        ]
    }

    private func records(_ f: Frame) -> HTML {
        card(
            f.t(.tabRecords),
            f.table(
                f.t(.tabRecords),
                Self.approvalColumns(f),
                of: approvals,
                exportPath: path + "/approvals.csv",
                searchHint: f.t(.searchApprovals),
                empty: emptyState(f.t(.noApprovals), linkButton(f.t(.tabDryRun), to: path + "?tab=dry-run"))
            )
        )
    }
}

/// What is planned, as planner and approver read it.
struct PlanCards {
    var campaign: Campaign
    var segment: Segment?

    func html(_ f: Frame) -> HTML {
        let plan = campaign.plan
        let size = plan.messageSize
        let limits: [(String, HTML)] = [
            (f.t(.limit), "\(plan.limit.map { f.number($0) } ?? f.t(.unlimited))"),
            (f.t(.rankBy), "\(plan.score ?? f.t(.byLot))"),
            (f.t(.controlShare), "\(f.language.percent(Double(plan.controlPPM) / 1_000_000))"),
            (
                f.t(.keptClasses),
                "\(plan.unticked.isEmpty ? f.t(.none) : plan.unticked.sorted().map { f.language(Outcome.dnd(class: $0).name) }.joined(separator: f.language("、", ", ")))"
            ),
        ]
        return """
            <div class="columns">
            \(card(f.t(.blockWhy), facts([(f.t(.goal), "\(plan.goal)"), (f.t(.scene), "\(f.scene(plan.scene))"), (f.t(.valuePerOrder), "\(f.language.money(minor: plan.valuePerOrderMinor))"), (f.t(.owner), "\(campaign.owner)"), (f.t(.scope), "\(f.scope(campaign.scope))")])))
            \(card(f.t(.blockWho), facts([(f.t(.segment), segment.map { "<a href=\"/segments/\(Int($0.id))\">\($0.name)</a>" } ?? "--"), (f.t(.rule), "<code>\(segment?.definition.summary ?? "--")</code>")] + limits)))
            \(card(f.t(.blockWhat), "<blockquote class=\"sms\">\(plan.message)</blockquote><p class=\"help\">\(f.t(.messageSize, "\(size.characters)", "\(size.parts)"))</p>\(facts([(f.t(.product), "\(plan.product ?? f.t(.none))"), (f.t(.conflicts), "\(plan.conflictingProducts.isEmpty ? f.t(.none) : plan.conflictingProducts.joined(separator: ", "))")]))"))
            \(card(f.t(.blockWhenWhere), facts([(f.t(.plannedAt), "\(f.time(plan.planned))"), (f.t(.validTo), "\(plan.validTo.iso)"), (f.t(.channel), "\(f.language(plan.channel.name))"), (f.t(.costPerPart), "\(f.language.money(minor: plan.costPerPartMinor))"), (f.t(.budget), "\(plan.budgetMinor.map { f.language.money(minor: $0) } ?? f.t(.unlimited))")])))
            </div>
            \(card(f.t(.blockOffer), plan.touchpoints.isEmpty ? "<p>\(f.t(.noTouchpoints))</p>" : offer(plan, f)))
            """
    }

    private func offer(_ plan: CampaignPlan, _ f: Frame) -> HTML {
        """
        <blockquote>\(plan.script ?? plan.message)</blockquote>\(facts([
            (f.t(.touchpoints), "\(f.places(plan.touchpoints))"), (f.t(.priorityShort), "\(plan.priority)"),
            (f.t(.personalPriority), plan.personalPriority.map { "<code>\($0)</code>" } ?? "\(f.t(.none))"),
        ]))
        """
    }
}

extension Frame {
    /// Touchpoints in words.
    func places(_ touchpoints: [Touchpoint]) -> String {
        touchpoints.map { language($0.name) }.joined(separator: language("、", ", "))
    }
}

/// What a dry run said.
struct DryRunCards {
    var dryRun: DryRunRecord
    var campaign: CampaignID

    func html(_ f: Frame) -> HTML {
        """
        \(figures([
            (f.t(.stageTarget), f.number(dryRun.target), nil),
            (f.t(.stageContacts), f.number(dryRun.count(.contact)), f.share(dryRun.count(.contact), of: dryRun.target)),
            (f.t(.controlArm), f.number(dryRun.count(.control)), f.share(dryRun.count(.control), of: dryRun.target)),
            (f.t(.lostTotal), f.number(dryRun.target - dryRun.count(.contact) - dryRun.count(.control)), nil),
            (f.t(.estimatedCost), f.language.money(minor: dryRun.costMinor), nil),
        ]))
        \(card(f.t(.lossesTitle), actions: f.exportLink("/campaigns/\(campaign.number)/dry-run/losses.csv"), f.losses(dryRun.totals)))
        <p class="help">\(f.t(.dryRunAt, f.time(dryRun.at)))<br>\(f.t(.outcomeHash)) <code>\
        \(dryRun.outcomeSHA256.prefix(16).description)</code></p>
        """
    }
}

extension ApprovalResult? {
    var text: ConsoleText {
        switch self {
        case .pass: .resultPass
        case .adjust: .resultAdjust
        case .fail: .resultFail
        case nil: .resultWaiting
        }
    }

    var tone: Tone {
        switch self {
        case .pass: .good
        case .adjust: .warn
        case .fail: .bad
        case nil: .info
        }
    }
}
