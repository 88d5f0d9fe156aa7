// The report as text for the terminal, in both languages.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Evaluation
import Foundation
import Model
public import Texts

extension DemoReport {
    /// The report in one language, for a terminal.
    public func text(_ language: Language) -> String {
        operators.map { $0.text(language) }.joined(separator: "\n") + "\n"
    }
}

extension OperatorReport {
    func text(_ t: Language) -> String {
        var lines = ["", "━━ \(t(title)) · \(t.number(subscribers)) \(t("用户", "subscribers"))", ""]
        lines += headline(t).map { "  " + $0 }
        for campaign in campaigns { lines += [""] + campaign.text(t).map { "  " + $0 } }
        lines += ["", "  " + t("下一步", "Next steps")]
        lines += nextSteps(t).map { "    · " + $0 }
        lines += ["", "  " + t("三条可直接粘贴的命令", "Three commands to paste")]
        lines += commands.map { "    " + $0 }
        lines += ["", "  " + truthLine(t)]
        return lines.joined(separator: "\n")
    }

    /// The five lines a marketing manager reads.
    func headline(_ t: Language) -> [String] {
        let total = total
        let money = t.money(minor:)
        return [
            t("目标 → 可触达 → 送达 → 订购：", "Target → reachable → delivered → ordered: ")
                + [total.target, total.reachable, total.delivered, total.ordered].map(t.number).joined(separator: " → "),
            t("净增订购：", "Additional orders: ")
                + "\(t.fixed(total.additional, decimals: 0)) "
                + t("（95% 区间 ", "(95 % interval ")
                + "\(t.fixed(total.low, decimals: 0)) … \(t.fixed(total.high, decimals: 0))" + t("）", ")"),
            t("每净增订购成本：", "Cost per additional order: ")
                + (total.costPerAdditionalOrderMinor.map(money) ?? "--")
                + t("；净收益：", "; net benefit: ") + money(total.netBenefitMinor),
            t("拦截：免打扰 ", "Held back: do-not-disturb ") + t.number(total.blockedByLists)
                + t("，超频 ", ", too frequent ") + t.number(total.blockedByFrequency),
            t("同月若无接触控制：", "The same month without contact control: ")
                + t.number(breachesWithoutControl.subscribersOverCap)
                + t(" 户超频，", " subscribers over cap, ")
                + t.number(breachesWithoutControl.contactsToBarred)
                + t(" 次打扰免打扰号码；使用 Gyre：", " contacts to do-not-contact numbers; with Gyre: ")
                + t.number(breaches.subscribersOverCap) + t(" 和 ", " and ") + t.number(breaches.contactsToBarred),
        ]
    }

    func nextSteps(_ t: Language) -> [String] {
        campaigns.map { campaign in
            let evaluation = campaign.evaluation
            let name = evaluation.name
            guard evaluation.lift.isSignificant else {
                return t(
                    "\(name)：净提升不显著；扩大接触或对照规模后再判断",
                    "\(name): lift not significant; widen contact or control before judging"
                )
            }
            return evaluation.netBenefitMinor > 0
                ? t("\(name)：有效，建议下月续做，并对排名靠后的客户扩量", "\(name): works; repeat next month, and widen to the outranked")
                : t("\(name)：有提升但不抵成本，建议降低成本或提高门槛", "\(name): lifts, but costs more; cut cost or raise the bar")
        }
    }

    var commands: [String] {
        let campaign = campaigns.first { $0.evaluation.blockedByFrequency > 0 } ?? campaigns.first
        guard let campaign else { return [] }
        return campaign.examples.map { _, number in
            "gyre explain '\(campaign.evaluation.name)' \(number) --data-dir \(directory)"
        }
    }

    /// The one line that looks behind the curtain.
    func truthLine(_ t: Language) -> String {
        let parts = campaigns.map { campaign in
            let lift = campaign.evaluation.lift
            let estimate = t.fixed(lift.difference * 100, decimals: 2)
            let truth = t.fixed(Double(campaign.truePPM) / 10_000, decimals: 2)
            let isInside = lift.interval.contains(Double(campaign.truePPM) / 1_000_000)
            return "\(campaign.evaluation.name) \(estimate) / \(truth) \(t("百分点", "pp"))"
                + (isInside
                    ? t("（区间包含真值）", " (interval holds the truth)") : t("（区间未含真值）", " (interval misses the truth)"))
        }
        return t(
            "客户反应由模拟器产生；净提升估计 / 模拟器真值：",
            "Responses are simulated; estimated lift / the simulator's truth: "
        ) + parts.joined(separator: t("；", "; "))
    }
}

extension CampaignReport {
    func text(_ t: Language) -> [String] {
        let e = evaluation
        var lines = ["▎\(e.name)"]
        lines.append(
            "  " + t("短信", "Message")
                + " (\(message.count) \(t("字", "characters")), \(parts) \(t("条", "part(s)"))): \(message)"
        )
        lines.append("  " + t("去向（合计等于目标）", "Losses by reason (they add up to the target)"))
        let width = e.outcomes.map { t.number(Int($0.count)).count }.max() ?? 1
        for total in e.outcomes {
            let count = t.number(Int(total.count))
            lines.append(
                "    " + String(repeating: " ", count: width - count.count) + count + "  "
                    + bar(total.count, of: Int64(e.target)) + "  " + t(total.outcome.name)
            )
        }
        lines.append(
            "  " + t("送达 ", "Delivered ") + t.number(e.delivered) + t("，返还 ", ", given back ") + t.number(e.released)
                + t("，回复 ", ", replies ") + t.number(e.replies) + t("，退订 ", ", unsubscribed ")
                + t.number(e.unsubscriptions)
        )
        lines += liftLines(t).map { "  " + $0 }
        return lines
    }

    func liftLines(_ t: Language) -> [String] {
        let lift = evaluation.lift
        let interval = lift.interval
        return [
            t("订购率：接触组 ", "Order rate: contacted ")
                + "\(t.percent(lift.contact.share, decimals: 2)) (\(t.number(lift.contact.successes))/\(t.number(lift.contact.total)))"
                + t("，对照组 ", ", control ")
                + "\(t.percent(lift.control.share, decimals: 2)) (\(t.number(lift.control.successes))/\(t.number(lift.control.total)))",
            t("净提升 ", "Lift ") + t.fixed(lift.difference * 100, decimals: 2)
                + t(" 个百分点，95% 区间 ", " percentage points, 95 % interval ")
                + "\(t.fixed(interval.lowerBound * 100, decimals: 2)) … \(t.fixed(interval.upperBound * 100, decimals: 2))"
                + (lift.isSignificant ? t("，显著", ", significant") : t("，不显著", ", not significant")),
            t("此对照规模能发现的最小差异：", "Smallest effect this control can show: ")
                + t.fixed(lift.smallestDetectable * 100, decimals: 2)
                + t(" 个百分点（功效 80%）", " percentage points (power 80 %)"),
        ]
    }

    private func bar(_ count: Int64, of all: Int64) -> String {
        let cells = all == 0 ? 0 : Int(count * 24 / all)
        return String(repeating: "█", count: cells) + (cells == 0 && count > 0 ? "▏" : "")
            + String(repeating: " ", count: max(0, 24 - max(cells, count > 0 ? 1 : 0)))
    }
}
