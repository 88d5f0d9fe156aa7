// Charts of a wave or dry run: losses by reason, funnel, lift.
// SPDX-License-Identifier: Apache-2.0

import Evaluation
import Model
import Texts

extension Frame {
    /// Why members of the audience are not contacted: bars, and the table behind; losses and contacts add up.
    func losses(_ outcomes: [(outcome: Outcome, count: Int)]) -> HTML {
        let target = outcomes.reduce(0) { $0 + $1.count }
        let lost = outcomes.filter { $0.outcome != .contact && $0.outcome != .control && $0.count > 0 }
        guard !lost.isEmpty else { return "<p class=\"help\">\(t(.noLosses))</p>" }
        let items = lost.sorted { ($1.count, $0.outcome.rawValue) < ($0.count, $1.outcome.rawValue) }.map {
            Chart.Item(name: language($0.outcome.name), value: Double($0.count), label: number($0.count))
        }
        return chart(
            Chart(
                kind: .bars,
                items: items,
                description: t(.lossesDescription, number(lost.reduce(0) { $0 + $1.count }))
            ),
            head: [t(.reason), t(.subscribersUnit), t(.shareOfTarget)],
            rows: outcomes.filter { $0.count > 0 }.map {
                [language($0.outcome.name), number($0.count), share($0.count, of: target)]
            } + [[t(.targetTotal), number(target), share(target, of: target)]]
        )
    }

    /// From the target to the orders.
    func funnel(_ e: WaveEvaluation) -> HTML {
        let stages: [(ConsoleText, Int)] = [
            (.stageTarget, e.target), (.stageReachable, e.reachable), (.stageContacts, e.contacts),
            (.stageSent, e.sent),
            (.stageDelivered, e.delivered), (.stageOrdered, e.lift.contact.successes),
        ]
        let items = stages.map { Chart.Item(name: t($0.0), value: Double($0.1), label: number($0.1)) }
        return chart(
            Chart(
                kind: .funnel,
                items: items,
                description: t(.funnelDescription, number(e.target), number(e.lift.contact.successes))
            ),
            head: [t(.stage), t(.subscribersUnit), t(.shareOfPrevious), t(.shareOfTarget)],
            rows: stages.enumerated().map { position, stage in
                [
                    t(stage.0), number(stage.1), position == 0 ? "--" : share(stage.1, of: stages[position - 1].1),
                    share(stage.1, of: e.target),
                ]
            }
        )
    }

    /// Orders of both arms with their intervals, and the difference.
    func lift(_ lift: Lift) -> HTML {
        func arm(_ name: ConsoleText, _ proportion: Proportion) -> Chart.Item {
            let interval = proportion.wilson(z: Lift.z95)
            return Chart.Item(
                name: t(name),
                value: proportion.share * 100,
                label: language.percent(proportion.share, decimals: 2),
                low: interval.low * 100,
                high: interval.high * 100
            )
        }
        let arms = [arm(.contactArm, lift.contact), arm(.controlArm, lift.control)]
        let between = { (low: Double?, high: Double?) in
            self.language.fixed(low ?? 0, decimals: 2) + "% ～ " + self.language.fixed(high ?? 0, decimals: 2) + "%"
        }
        return chart(
            Chart(
                kind: .lift,
                items: arms,
                description: t(.liftDescription, arms[0].label, arms[1].label, points(lift))
            ),
            head: [t(.arm), t(.subscribersUnit), t(.orders), t(.orderRate), t(.interval95)],
            rows: zip(arms, [lift.contact, lift.control]).map { item, arm in
                [item.name, number(arm.total), number(arm.successes), item.label, between(item.low, item.high)]
            }
        )
    }

    /// `+1.23`: a lift in percentage points.
    func points(_ lift: Lift) -> String { signed(lift.difference * 100) }

    /// The interval of a lift in percentage points.
    func pointsInterval(_ lift: Lift) -> String {
        signed(lift.interval.lowerBound * 100) + " ～ " + signed(lift.interval.upperBound * 100)
    }

    private func signed(_ value: Double) -> String {
        let text = language.fixed(value, decimals: 2)
        return text.hasPrefix("−") ? text : "+" + text
    }
}

extension DryRunRecord {
    /// Members per outcome in the order of checks.
    var totals: [(outcome: Outcome, count: Int)] {
        Outcome.allCases.map { ($0, Int(outcomes[$0.code] ?? 0)) }
    }

    func count(_ outcome: Outcome) -> Int { Int(outcomes[outcome.code] ?? 0) }

    /// Members of the audience.
    var target: Int { Int(outcomes.values.reduce(0, +)) }
}
