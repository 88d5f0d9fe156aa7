// The five kinds of rules of a campaign and its four populations, kept apart (CFL-01 ... CFL-06).
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Evaluation
import Kernel
import Model
import Texts

/// What rules removed of a campaign's target, and whom that left.
struct CampaignFilter: Sendable {
    /// The campaign in the offer pool.
    struct Pooled: Sendable {
        var members: Int
        var made: Int
        var shown: Int
        var accepted: Int
    }

    /// One row of the populations.
    struct Population: Sendable {
        var source: String
        var target: Int
        var execution: Int
        /// Nil where nothing has left yet.
        var contacted: Int?
        var ordered: Int?
    }

    /// One kind of rules.
    struct Kind: Sendable {
        var name: String
        var meaning: String
        var rules: [String]
        /// Nil before anything was counted.
        var removed: Int?
        var reasons: [String]
    }

    var campaign: Campaign
    var segment: Segment?
    var policy: ContactPolicy?
    /// The closed waves, oldest first.
    var waves: [EvaluatedWave]
    var pooled: Pooled?

    /// Members per outcome: of the last wave, else of the dry run.
    private var outcomes: [(outcome: Outcome, count: Int)] {
        waves.last?.evaluation.losses ?? campaign.dryRun?.totals ?? []
    }

    private var withdrawn: Int { waves.last?.withdrawn ?? 0 }

    func html(_ f: Frame) -> HTML {
        let path = "/campaigns/\(campaign.id.number)/rules"
        let meanings: [(ConsoleText, ConsoleText)] = [
            (.populationTarget, .populationTargetIs), (.populationExecution, .populationExecutionIs),
            (.populationContacted, .populationContactedIs), (.populationOrdered, .populationOrderedIs),
        ]
        let source = source(f)
        return """
            \(card(f.t(.populations), actions: populations(f).isEmpty ? .empty : f.exportLink(path + "/populations.csv"), """
                \(populations(f).isEmpty ? "<p>\(f.t(.noDryRun))</p>" : f.scrolled(f.t(.populations), isTight: true, f.plainTable(Self.populationColumns(f), populations(f))))
                <dl class="meanings">\(each: meanings, { "<div><dt>\(f.t($0.0))</dt><dd>\(f.t($0.1))</dd></div>" })</dl>
                """))
            \(card(f.t(.ruleKinds), actions: f.exportLink(path + "/kinds.csv"), """
                <div class="kinds">\(f.scrolled(f.t(.ruleKinds), f.plainTable(Self.kindColumns(f), kinds(f))))</div>
                <p class="help">\(source.map { f.t(.rulesCountedFrom, $0) } ?? f.t(.rulesNotCounted))</p>
                """))
            """
    }

    private func source(_ f: Frame) -> String? {
        waves.last.map { f.t(.waveShown, "\($0.occurrence)", f.time($0.planned)) }
            ?? campaign.dryRun.map { f.t(.fromDryRun, f.time($0.at)) }
    }

    // MARK: Populations

    static func populationColumns(_ f: Frame) -> [Column<Population>] {
        func count(_ title: ConsoleText, _ value: @escaping (Population) -> Int?) -> Column<Population> {
            Column(f.t(title), isNumber: true, plain: { value($0).map { f.number($0) } ?? "--" })
        }
        return [
            Column(f.t(.populationSource), plain: \.source), count(.populationTarget) { $0.target },
            count(.populationExecution) { $0.execution }, count(.populationContacted) { $0.contacted },
            count(.populationOrdered) { $0.ordered },
        ]
    }

    /// Newest wave first, then what touchpoints did; before the first wave, what the dry run expects.
    func populations(_ f: Frame) -> [Population] {
        var rows = waves.reversed().map { wave in
            Population(
                source: f.t(.waveShown, "\(wave.occurrence)", f.time(wave.planned)),
                target: wave.evaluation.target,
                execution: wave.evaluation.contacts,
                contacted: wave.evaluation.delivered,
                ordered: wave.evaluation.lift.contact.successes
            )
        }
        if rows.isEmpty, let dryRun = campaign.dryRun {
            rows.append(
                Population(
                    source: f.t(.fromDryRun, f.time(dryRun.at)),
                    target: dryRun.target,
                    execution: dryRun.count(.contact)
                )
            )
        }
        if let pooled {
            rows.append(
                Population(
                    source: f.t(.fromPool),
                    target: pooled.members,
                    execution: pooled.made,
                    contacted: pooled.shown,
                    ordered: pooled.accepted
                )
            )
        }
        return rows
    }

    // MARK: Rules

    static func kindColumns(_ f: Frame) -> [Column<Kind>] {
        [
            Column(
                f.t(.ruleKind),
                plain: { $0.name + f.language("：", ": ") + $0.meaning },
                cell: { "<b>\($0.name)</b><br><span class=\"muted\">\($0.meaning)</span>" }
            ),
            Column(f.t(.ruleOfCampaign), plain: { $0.rules.joined(separator: f.language("；", "; ")) }) { kind in
                kind.rules.isEmpty
                    ? "--" : "<ul class=\"plainlist\">\(each: kind.rules, { "<li>\($0)</li>" })</ul>"
            },
            Column(f.t(.ruleRemoved), isNumber: true, plain: { $0.removed.map { f.number($0) } ?? "--" }) {
                "<span class=\"label\">\(f.t(.ruleRemoved))</span> \($0.removed.map { f.number($0) } ?? "--")"
            },
            Column(
                f.t(.ruleReasons),
                plain: { $0.reasons.isEmpty ? "--" : $0.reasons.joined(separator: f.language("；", "; ")) }
            ),
        ]
    }

    func kinds(_ f: Frame) -> [Kind] {
        let all = outcomes
        func removed(_ kind: RuleKind) -> Int {
            all.reduce(0) { $0 + ($1.outcome.ruleKind == kind ? $1.count : 0) }
        }
        func reasons(_ kind: RuleKind) -> [String] {
            all.filter { $0.outcome.ruleKind == kind && $0.count > 0 }
                .map { "\(f.language($0.outcome.name)) \(f.number($0.count))" }
        }
        func make(_ kind: RuleKind, _ name: ConsoleText, _ meaning: ConsoleText, _ rules: [String]) -> Kind {
            Kind(
                name: f.t(name),
                meaning: f.t(meaning),
                rules: rules,
                removed: all.isEmpty ? nil : removed(kind),
                reasons: reasons(kind)
            )
        }
        var execution = make(.execution, .kindExecution, .kindExecutionIs, channels(f))
        let merged: [(RuleKind, ConsoleText)] = [
            (.adjusted, .kindAdjusted), (.common, .kindPublic), (.conflict, .kindConflict),
        ]
        if !all.isEmpty {
            execution.removed = merged.reduce(withdrawn) { $0 + removed($1.0) }
            execution.reasons = merged.map { "\(f.t($0.1)) \(f.number(removed($0.0)))" }
            if withdrawn > 0 { execution.reasons.append(f.t(.ruleWithdrawn, f.number(withdrawn))) }
        }
        return [
            make(.planning, .kindPlanning, .kindPlanningIs, planning(f)),
            make(.adjusted, .kindAdjusted, .kindAdjustedIs, adjusted(f)),
            make(.common, .kindPublic, .kindPublicIs, common(f)),
            make(.conflict, .kindConflict, .kindConflictIs, conflict(f)), execution,
        ]
    }

    /// Where the execution rules go with the customers.
    private func channels(_ f: Frame) -> [String] {
        let plan = campaign.plan
        let waves = plan.hasWaves ? [f.t(.ruleWavesText, f.language(plan.channel.name))] : []
        return waves + (plan.touchpoints.isEmpty ? [] : [f.t(.rulePoolText, f.places(plan.touchpoints))])
    }

    private func planning(_ f: Frame) -> [String] {
        let plan = campaign.plan
        let rules = [
            segment.map { f.t(.ruleSegmentText, $0.name, $0.definition.summary) },
            plan.product.map { f.t(.ruleProductText, $0) },
            plan.score.map { f.t(.ruleRankText, $0) }, plan.limit.map { f.t(.ruleLimitText, f.number($0)) },
        ]
        return rules.compactMap { $0 }
    }

    private func adjusted(_ f: Frame) -> [String] {
        let plan = campaign.plan
        let kept = plan.unticked.sorted().map { f.list(.dnd($0), policy) }.joined(separator: f.language("、", ", "))
        let rules = [
            kept.isEmpty ? nil : f.t(.ruleUntickedText, kept),
            plan.budgetMinor.map { f.t(.ruleBudgetText, f.language.money(minor: $0)) },
            f.t(.ruleControlText, f.language.percent(Double(plan.controlPPM) / 1_000_000)),
            f.t(.ruleValidText, plan.validTo.iso),
        ]
        return rules.compactMap { $0 }
    }

    private func common(_ f: Frame) -> [String] {
        guard let policy else { return [f.t(.ruleNoPolicyText)] }
        let rules = policy.categoryRules.filter { $0.applies(to: campaign.plan.category) }
        return [f.t(.rulePublicText, "\(policy.revision)")] + rules.map { f.language($0.name) }
    }

    private func conflict(_ f: Frame) -> [String] {
        let plan = campaign.plan
        let similar = policy?.similarDays[plan.category]
        let rules = [
            plan.product == nil && plan.conflictingProducts.isEmpty ? nil : f.t(.ruleOwnersText),
            similar.map { f.t(.ruleSimilarText, f.category(plan.category), "\($0)") }, f.t(.ruleLinkageText),
        ]
        return rules.compactMap { $0 }
    }
}

extension CampaignFilter.Pooled {
    /// What the decision core counts; the members are those of the audience it had last.
    init(_ pooled: PooledCampaign, members: Int) {
        self.init(
            members: members,
            made: Int(pooled.contacts),
            shown: Int(pooled.shown),
            accepted: Int(pooled.accepted)
        )
    }
}
