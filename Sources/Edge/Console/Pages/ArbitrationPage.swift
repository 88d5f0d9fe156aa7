// One arbitration: how far it is, what it is worth, what each limit costs, and what the waves made of it.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Decisioning
import Evaluation
import Kernel
import Model
import Planning
import Texts

/// A campaign of a result, and what became of it.
struct ArbitratedRow: Sendable {
    var name: String
    var number: Int64
    var day: LocalDay
    var audience: Int64
    var candidates: Int64
    var compared: PlannedAndReserved

    static func all(
        _ result: ArbitrationResult,
        _ compared: [PlannedAndReserved],
        names: [CampaignID: String]
    ) -> [ArbitratedRow] {
        zip(result.campaigns, compared).map {
            ArbitratedRow(
                name: names[CampaignID($0.number)] ?? "\($0.number)",
                number: $0.number,
                day: $0.day,
                audience: $0.audience,
                candidates: $0.candidates,
                compared: $1
            )
        }
    }
}

/// A limit of a result with its price.
struct LimitRow: Sendable {
    /// What it is called in the solution.
    var name: String
    var kind: ArbitrationConstraint.Kind
    var limit: Int64
    var used: Int64
    /// Millionths of a minor currency unit for one more unit.
    var price: Int64

    /// What one per cent more brings at most, in minor currency units.
    var onePercentMinor: Int64 { Int64(clamping: Int128(price) * Int128(limit) / 100_000_000) }

    static func all(_ result: ArbitrationResult) -> [LimitRow] {
        result.solution.constraints.map {
            LimitRow(
                name: $0.name,
                kind: $0.kind,
                limit: $0.limit,
                used: $0.used,
                price: result.microMinorPerUnit($0)
            )
        }
    }
}

/// One arbitration and everything that is known of it.
struct ArbitrationPage {
    var arbitration: Arbitration
    /// Names of its campaigns.
    var names: [CampaignID: String]
    /// Campaigns that are not approved yet, or not any more.
    var unapproved: [String] = []
    var progress: ArbitrationProgress?
    var limits: [LimitRow] = []
    var rows: [ArbitratedRow] = []
    var isOver = false

    private var path: String { "/arbitrations/\(arbitration.id)" }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .arbitrations,
            title: arbitration.name,
            hint: f.t(.arbitrationOf, "\(arbitration.id)", f.window(arbitration.setup)),
            actions: actions(f),
            body: """
                <p class="summary"><span>\(f.state(arbitration.state))\(when: isOver, " \(tag(f.t(.windowOver)))")\
                \(when: arbitration.adoptedAt != nil, " \(f.t(.adoptedNote, arbitration.adoptedBy ?? "", arbitration.adoptedAt.map { f.time($0) } ?? ""))")</span></p>
                \(when: !arbitration.shortfalls.isEmpty, shortfalls(f))
                \(when: arbitration.problem != nil, problem(f))
                \(when: arbitration.state == .solving, card(f.t(.solvingCard), "<div data-watch=\"\(path)/progress\" aria-live=\"polite\">\(Self.progress(progress, f))</div>"))
                \(when: arbitration.figures != nil, solved(f))
                \(card(f.t(.arbitrationSetup), setup(f)))
                """
        )
    }

    /// How far the solving is; nothing once it is over.
    static func progress(_ progress: ArbitrationProgress?, _ f: Frame) -> HTML {
        guard let progress else { return .empty }
        let (read, all) = (progress.read, progress.campaigns)
        let text =
            switch progress.stage {
            case .waiting: f.t(.stepWaiting)
            case .reading: f.t(.stepReading, "\(read)", "\(all)")
            case .solving: f.t(.stepSolving)
            }
        // Reading is counted; how long the search takes is not known before.
        let bar: HTML =
            progress.stage == .reading
            ? "<progress max=\"\(all)\" value=\"\(read)\" aria-label=\"\(text)\"></progress>"
            : "<progress aria-label=\"\(text)\"></progress>"
        return "<p>\(text)</p>\(bar)<p class=\"help\">\(f.t(.stepSince, f.time(progress.since)))</p>"
    }

    private func actions(_ f: Frame) -> HTML {
        let version = [("version", "\(arbitration.version)")]
        let again: HTML =
            arbitration.state != .solving && f.may(.editCampaigns) && !isOver
            ? linkButton(f.t(.solveAgain), to: path + "/again") : .empty
        guard f.may(.approve), !isOver else { return again }
        switch arbitration.state {
        case .solved, .withdrawn:
            guard unapproved.isEmpty else { return again }
            let setup = arbitration.setup
            let effect = f.t(
                .adoptEffect,
                "\(setup.entries.count)",
                setup.from.iso,
                setup.to.iso,
                f.number(arbitration.figures?.contacts ?? 0)
            )
            let adopt = actionButton(
                f.t(.adopt),
                to: path + "/adopt",
                .done,
                isPrimary: true,
                question: Question(title: f.t(.adoptQuestion, arbitration.name), effect: effect),
                hidden: version
            )
            return "\(again)\(adopt)"
        case .adopted:
            let withdraw = actionButton(
                f.t(.withdraw),
                to: path + "/withdraw",
                .back,
                question: Question(
                    title: f.t(.withdrawQuestion, arbitration.name),
                    effect: f.t(.withdrawEffect),
                    isDangerous: true
                ),
                hidden: version
            )
            return "\(again)\(withdraw)"
        default: return again
        }
    }

    private func name(_ campaign: CampaignID) -> String { names[campaign] ?? "\(campaign.number)" }

    /// What was asked for.
    private func setup(_ f: Frame) -> HTML {
        let setup = arbitration.setup
        let (comma, none) = (f.language("、", ", "), f.t(.none))
        func list(_ parts: [String]) -> HTML { "\(parts.isEmpty ? none : parts.joined(separator: comma))" }
        let capacities = setup.capacities.map { capacity in
            let limit = f.number(capacity.limit)
            return capacity.day.map { "\($0.iso) \(f.language(capacity.channel.name)) \(limit)" }
                ?? "\(f.language(capacity.channel.name)) \(f.t(.perDay, limit))"
        }
        let perClass = setup.perClass.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { "\(f.language($0.key.name)) \($0.value)" }
        let minimums = setup.entries.filter { $0.minimum > 0 }
            .map { f.t(.minimumNamed, name($0.campaign), f.number($0.minimum)) }
        let previous: HTML =
            arbitration.previous.map { "<a href=\"/arbitrations/\($0)\">\(f.t(.startedFromNumber, "\($0)"))</a>" }
            ?? "\(none)"
        return facts([
            (f.t(.competingCampaigns), list(setup.entries.map { name($0.campaign) })),
            (f.t(.perSubscriber), list(["\(setup.perSubscriber)"] + perClass)),
            (f.t(.channelCapacity), list(capacities)), (f.t(.minimumContacts), list(minimums)),
            (f.t(.startedFrom), previous), (f.t(.owner), "\(arbitration.owner)"),
        ])
    }

    // MARK: No result

    private func problem(_ f: Frame) -> HTML {
        let text = arbitration.problem ?? ""
        let known = text.split(separator: ":").first.flatMap { Frame.texts[String($0)] }
        return """
            <div class="notice error" role="alert">\(Icon.error.markup)<p>\(known.map { f.t($0) } ?? f.t(.otherProblem, text))</p></div>
            """
    }

    private func shortfalls(_ f: Frame) -> HTML {
        """
        <div class="notice error" role="alert">\(Icon.error.markup)<div><p>\(f.t(.shortfallsTitle))</p>
        <ul class="plainlist">\(each: arbitration.shortfalls, { "<li>\(sentence($0, f))</li>" })</ul></div></div>
        """
    }

    private func sentence(_ short: ArbitrationShortfall, _ f: Frame) -> String {
        let limits = short.limits.map { f.limit($0, names) }.joined(separator: f.language("、", ", "))
        let text: ConsoleText =
            switch short.reason {
            case .candidates: .shortCandidates
            case .limits: .shortLimits
            case .shared: .shortShared
            case .together: .shortTogether
            case .notReached: .shortNotReached
            }
        return f.t(text, name(short.campaign), f.number(short.wanted), f.number(short.possible), limits)
    }

    // MARK: Result

    private func solved(_ f: Frame) -> HTML {
        guard let figures = arbitration.figures else { return .empty }
        return """
            \(when: [.solved, .withdrawn].contains(arbitration.state) && !isOver && !unapproved.isEmpty, "<p class=\"help\">\(f.t(.notApprovedYet, unapproved.joined(separator: f.language("、", ", "))))</p>")
            \(summary(figures, f))
            <div class="columns">\(card(f.t(.valueChart), actions: f.exportLink(path + "/value.csv"), valueChart(figures, f)))
            \(card(f.t(.worthChart), actions: worth.isEmpty ? .empty : f.exportLink(path + "/worth.csv"), worthChart(f)))</div>
            \(card(f.t(.limitsCard), actions: limits.isEmpty ? .empty : f.exportLink(path + "/limits.csv"), """
                <p class="help">\(f.t(limits.isEmpty ? .noLimits : .limitsHelp))</p>
                \(when: !limits.isEmpty, f.scrolled(f.t(.limitsCard), f.plainTable(Self.limitColumns(f, names), limits)))
                """))
            \(card(f.t(.planAgainstRun), actions: f.exportLink(path + "/campaigns.csv"), """
                <p class="help">\(f.t(.planAgainstRunHelp))</p>
                \(f.scrolled(f.t(.planAgainstRun), f.plainTable(Self.campaignColumns(f), rows)))
                """))
            """
    }

    private func summary(_ sums: ArbitrationFigures, _ f: Frame) -> HTML {
        figures([
            (f.t(.expectedValue), f.language.money(minor: sums.valueMinor), nil),
            (
                f.t(.overGreedy), f.overGreedy(sums) ?? "--",
                sums.greedyMinor.map { f.t(.greedyValue) + " " + f.language.money(minor: $0) } ?? f.t(.greedyMissed)
            ),
            (
                f.t(.gapAtMost), f.t(.gapValue, f.gap(sums)),
                f.t(.upperBound) + " " + f.language.money(minor: sums.boundMinor)
            ),
            (
                f.t(.assignedContacts), f.number(sums.contacts),
                f.t(.solveTime) + " " + f.t(.secondsOf, f.language.fixed(Double(sums.milliseconds) / 1000, decimals: 1))
            ),
        ])
    }

    /// Greedy, assignment and bound, as far as they are known.
    private func values(_ sums: ArbitrationFigures, _ f: Frame) -> [(name: String, minor: Int64)] {
        let greedy = sums.greedyMinor.map { [(f.t(.greedyValue), $0)] } ?? []
        return greedy + [(f.t(.optimalValue), sums.valueMinor), (f.t(.upperBound), sums.boundMinor)]
    }

    private func valueChart(_ sums: ArbitrationFigures, _ f: Frame) -> HTML {
        let money = { f.language.money(minor: $0) }
        let description = f.t(.valueChartDescription, money(sums.valueMinor), money(sums.boundMinor))
        let items = values(sums, f).map { f.bar($0.name, $0.minor) }
        return f.chart(Chart(kind: .bars, items: items, description: description), valueTable(f))
    }

    /// The figures behind the chart of values.
    func valueTable(_ f: Frame) -> TextTable {
        guard let sums = arbitration.figures else { return TextTable(head: [], rows: []) }
        return TextTable(
            head: [f.t(.name), f.t(.expectedValue), f.t(.shareOfBound)],
            rows: values(sums, f).map { name, minor in
                let share = sums.boundMinor == 0 ? nil : Double(minor) / Double(sums.boundMinor)
                return [
                    name, f.language.money(minor: minor), share.map { f.language.percent($0, decimals: 2) } ?? "--",
                ]
            }
        )
    }

    /// Limits that are worth widening, most first.
    private var worth: [LimitRow] {
        limits.filter { $0.onePercentMinor > 0 }
            .sorted { ($1.onePercentMinor, $0.name) < ($0.onePercentMinor, $1.name) }
    }

    private func worthChart(_ f: Frame) -> HTML {
        guard let first = worth.first else { return "<p class=\"help\">\(f.t(.nothingBinds))</p>" }
        let money = f.language.money(minor: first.onePercentMinor)
        return f.chart(
            Chart(
                kind: .bars,
                items: worth.prefix(12).map { f.bar(f.limit($0.name, names), $0.onePercentMinor) },
                description: f.t(.worthChartDescription, f.limit(first.name, names), money)
            ),
            worthTable(f)
        )
    }

    /// The figures behind the chart of what limits are worth.
    func worthTable(_ f: Frame) -> TextTable {
        TextTable(
            head: [f.t(.limitWord), f.t(.onePercent)],
            rows: worth.map { [f.limit($0.name, names), f.language.money(minor: $0.onePercentMinor)] }
        )
    }

    static func limitColumns(_ f: Frame, _ names: [CampaignID: String]) -> [Column<LimitRow>] {
        func amount(_ row: LimitRow, _ value: Int64) -> String {
            row.kind == .budget ? f.language.money(minor: value) : f.number(value)
        }
        return [
            Column(f.t(.limitWord), plain: { f.limit($0.name, names) }),
            Column(f.t(.usedWord), isNumber: true, plain: { amount($0, $0.used) }),
            Column(
                f.t(.limitValue),
                isNumber: true,
                plain: { ($0.kind == .minimum ? "≥ " : "≤ ") + amount($0, $0.limit) }
            ),
            Column(f.t(.usedShare), isNumber: true, plain: { f.share(Int($0.used), of: Int($0.limit)) }),
            Column(f.t(.oneMore), isNumber: true, plain: { f.price($0) }) { row in
                row.price == 0 ? "\(f.price(row))" : "<b class=\"gain\">\(f.price(row))</b>"
            },
            Column(f.t(.onePercent), isNumber: true, plain: { f.language.money(minor: $0.onePercentMinor) }),
        ]
    }

    static func campaignColumns(_ f: Frame) -> [Column<ArbitratedRow>] {
        func ran(_ row: ArbitratedRow, _ text: (PlannedAndReserved) -> String) -> String {
            row.compared.wave == nil ? f.t(.waveNotRun) : text(row.compared)
        }
        return [
            Column(f.t(.campaignName), plain: \.name) { "<a href=\"/campaigns/\($0.number)\">\($0.name)</a>" },
            Column(f.t(.plannedAt), plain: { $0.day.iso }) { "<span class=\"day\">\($0.day.iso)</span>" },
            Column(f.t(.audienceCount), isNumber: true, plain: { f.number($0.audience) }),
            Column(f.t(.candidateCount), isNumber: true, plain: { f.number($0.candidates) }),
            Column(f.t(.plannedMembers), isNumber: true, plain: { f.number($0.compared.planned.members) }),
            Column(
                f.t(.plannedValue),
                isNumber: true,
                plain: { f.language.money(minor: $0.compared.planned.valueMinor) }
            ),
            Column(f.t(.controlMembers), isNumber: true, plain: { f.number($0.compared.plannedControls) }),
            Column(
                f.t(.reservedMembers),
                isNumber: true,
                plain: { ran($0) { f.number($0.reserved.members) } }
            ),
            Column(
                f.t(.reservedValue),
                isNumber: true,
                plain: { ran($0) { f.language.money(minor: $0.reserved.valueMinor) } }
            ),
            Column(
                f.t(.lostTo),
                plain: {
                    ran($0) { compared in
                        guard !compared.lost.isEmpty else { return f.t(.none) }
                        return compared.lost.map { loss in
                            f.t(
                                .lossOf,
                                f.language(loss.outcome.name),
                                f.number(loss.tally.members),
                                f.language.money(minor: loss.tally.valueMinor)
                            )
                        }.joined(separator: f.language("；", "; "))
                    }
                }
            ),
        ]
    }
}

extension Frame {
    fileprivate func bar(_ name: String, _ minor: Int64) -> Chart.Item {
        Chart.Item(name: name, value: Double(minor) / 100, label: language.money(minor: minor))
    }

    /// A limit of an arbitration as people read it.
    func limit(_ name: String, _ names: [CampaignID: String]) -> String {
        func campaign(_ id: CampaignID) -> String { names[id] ?? "\(id.number)" }
        return switch ArbitrationLimit(name: name) {
        case .capacity(let channel, let day)?: t(.limitCapacity, language(channel.name), day.iso)
        case .limit(let id)?: t(.limitContacts, campaign(id))
        case .budget(let id)?: t(.limitBudget, campaign(id))
        case .minimum(let id)?: t(.limitMinimum, campaign(id))
        case nil: name
        }
    }

    /// What one more unit of a limit brings: money for a contact, or for each unit of money.
    func price(_ row: LimitRow) -> String {
        let decimals = 2
        return row.kind == .budget
            ? t(.perYuan, "¥" + language.fixed(Double(row.price) / 1_000_000, decimals: decimals))
            : t(.perContact, "¥" + language.fixed(Double(row.price) / 100_000_000, decimals: decimals))
    }
}
