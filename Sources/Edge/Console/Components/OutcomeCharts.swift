// Charts of a wave or dry run: losses by reason, funnel, lift.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Evaluation
import Model
import Texts

extension Frame {
    /// Why members of the audience are not contacted: bars, and the table behind.
    func losses(_ outcomes: [(outcome: Outcome, count: Int)]) -> HTML {
        let lost = outcomes.filter { $0.outcome != .contact && $0.outcome != .control && $0.count > 0 }
        guard !lost.isEmpty else { return "<p class=\"help\">\(t(.noLosses))</p>" }
        let items = lost.sorted { ($1.count, $0.outcome.rawValue) < ($0.count, $1.outcome.rawValue) }.map {
            Chart.Item(name: language($0.outcome.name), value: Double($0.count), label: number($0.count))
        }
        let description = t(.lossesDescription, number(lost.reduce(0) { $0 + $1.count }))
        return chart(Chart(kind: .bars, items: items, description: description), lossTable(outcomes))
    }

    /// Members per outcome; losses, control and contacts add up to the target.
    func lossTable(_ outcomes: [(outcome: Outcome, count: Int)]) -> TextTable {
        let target = outcomes.reduce(0) { $0 + $1.count }
        return TextTable(
            head: [t(.reason), t(.subscribersUnit), t(.shareOfTarget)],
            rows: outcomes.filter { $0.count > 0 }.map {
                [language($0.outcome.name), number($0.count), share($0.count, of: target)]
            } + [[t(.targetTotal), number(target), share(target, of: target)]]
        )
    }

    /// From the target to the orders.
    func funnel(_ e: WaveEvaluation) -> HTML {
        let items = stages(of: e).map { Chart.Item(name: t($0.0), value: Double($0.1), label: number($0.1)) }
        let description = t(.funnelDescription, number(e.target), number(e.lift.contact.successes))
        return chart(Chart(kind: .funnel, items: items, description: description), funnelTable(e))
    }

    /// The stages of the funnel with their shares.
    func funnelTable(_ e: WaveEvaluation) -> TextTable {
        let stages = stages(of: e)
        return TextTable(
            head: [t(.stage), t(.subscribersUnit), t(.shareOfPrevious), t(.shareOfTarget)],
            rows: stages.enumerated().map { position, stage in
                [
                    t(stage.0), number(stage.1), position == 0 ? "--" : share(stage.1, of: stages[position - 1].1),
                    share(stage.1, of: e.target),
                ]
            }
        )
    }

    private func stages(of e: WaveEvaluation) -> [(ConsoleText, Int)] {
        [
            (.stageTarget, e.target), (.stageReachable, e.reachable), (.stageContacts, e.contacts),
            (.stageSent, e.sent), (.stageDelivered, e.delivered), (.stageOrdered, e.lift.contact.successes),
        ]
    }

    /// Orders of both arms with their intervals, and the difference.
    func lift(_ lift: Lift) -> HTML {
        let items = arms(of: lift).map { name, arm in
            let interval = arm.wilson(z: Lift.z95)
            return Chart.Item(
                name: t(name),
                value: arm.share * 100,
                label: language.percent(arm.share, decimals: 2),
                low: interval.low * 100,
                high: interval.high * 100
            )
        }
        let description = t(.liftDescription, items[0].label, items[1].label, points(lift))
        return chart(Chart(kind: .lift, items: items, description: description), liftTable(lift))
    }

    /// Orders of both arms with their intervals.
    func liftTable(_ lift: Lift) -> TextTable {
        TextTable(
            head: [t(.arm), t(.subscribersUnit), t(.orders), t(.orderRate), t(.interval95)],
            rows: arms(of: lift).map { name, arm in
                let interval = arm.wilson(z: Lift.z95)
                return [
                    t(name), number(arm.total), number(arm.successes), language.percent(arm.share, decimals: 2),
                    language.percent(interval.low, decimals: 2) + " ～ " + language.percent(interval.high, decimals: 2),
                ]
            }
        )
    }

    private func arms(of lift: Lift) -> [(ConsoleText, Proportion)] {
        [(.contactArm, lift.contact), (.controlArm, lift.control)]
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

extension WaveEvaluation {
    /// Members per outcome in the order of checks.
    var losses: [(outcome: Outcome, count: Int)] { outcomes.map { ($0.outcome, Int($0.count)) } }
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
