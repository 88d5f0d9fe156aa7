// The report as one self-contained HTML page: charts are inline SVG, nothing is loaded from anywhere.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Evaluation
import Model
public import Texts

extension DemoReport {
    /// The page in one language.
    public func html(_ t: Language) -> String {
        let title = t("Gyre 演示报告", "Gyre demo report")
        return """
            <!doctype html>
            <html lang="\(t.tag)"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title)</title><style>\(Self.style)</style></head>
            <body><main><h1>\(title)</h1>
            \(operators.map { $0.html(t) }.joined(separator: "\n"))
            </main></body></html>

            """
    }

    private static let style = """
        body{font:16px/1.6 system-ui,"Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;color:#1f2329;background:#f5f7fa;margin:0}
        main{max-width:60rem;margin:0 auto;padding:1.5rem}
        section{background:#fff;border:1px solid #dfe3e8;border-radius:8px;padding:1rem 1.5rem;margin:1rem 0}
        h1{font-size:1.6rem}h2{font-size:1.3rem;margin:.2rem 0 .8rem}h3{font-size:1.05rem;margin:1.2rem 0 .4rem}
        ol.headline{padding-left:1.2rem}ol.headline li{margin:.3rem 0;font-weight:600}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th,td{padding:.25rem .5rem;border-bottom:1px solid #e8ebef;text-align:left}td.n,th.n{text-align:right}
        svg{display:block;width:100%;height:auto}figure{margin:.8rem 0}figcaption{color:#4b5563;font-size:.9rem}
        pre{background:#f0f3f6;padding:.8rem;border-radius:6px;overflow-x:auto}.note{color:#4b5563}
        """
}

extension OperatorReport {
    func html(_ t: Language) -> String {
        """
        <section><h2>\(escaped(t(title))) · \(t.number(subscribers)) \(t("用户", "subscribers"))</h2>
        <ol class="headline">\(headline(t).map { "<li>\(escaped($0))</li>" }.joined())</ol>
        \(campaigns.map { $0.html(t) }.joined())
        <h3>\(t("下一步", "Next steps"))</h3><ul>\(nextSteps(t).map { "<li>\(escaped($0))</li>" }.joined())</ul>
        <h3>\(t("三条可直接粘贴的命令", "Three commands to paste"))</h3>
        <pre>\(escaped(commands.joined(separator: "\n")))</pre>
        <p class="note">\(escaped(truthLine(t)))</p></section>
        """
    }
}

extension CampaignReport {
    func html(_ t: Language) -> String {
        """
        <h3>\(escaped(evaluation.name))</h3><p class="note">\(escaped(message))</p>
        \(funnel(t))\(liftChart(t))
        <p>\(liftLines(t).map(escaped).joined(separator: "<br>"))</p>
        <table><caption class="note">\(t("去向（合计等于目标）", "Losses by reason (they add up to the target)"))</caption>
        <thead><tr><th>\(t("结果", "Outcome"))</th><th class="n">\(t("用户数", "Subscribers"))</th><th class="n">%</th></tr></thead>
        <tbody>\(evaluation.outcomes.map { row($0, t) }.joined())</tbody></table>
        """
    }

    private func row(_ total: OutcomeTotal, _ t: Language) -> String {
        let share = evaluation.target == 0 ? 0 : Double(total.count) / Double(evaluation.target)
        return "<tr><td>\(escaped(t(total.outcome.name)))</td><td class=\"n\">\(t.number(Int(total.count)))</td>"
            + "<td class=\"n\">\(t.percent(share))</td></tr>"
    }

    /// Four bars from target to orders, each with its number.
    private func funnel(_ t: Language) -> String {
        let steps = [
            (t("目标", "Target"), evaluation.target), (t("可触达", "Reachable"), evaluation.reachable),
            (t("送达", "Delivered"), evaluation.delivered), (t("订购", "Ordered"), evaluation.lift.contact.successes),
        ]
        let greatest = Double(max(1, evaluation.target))
        let bars = steps.enumerated().map { position, step in
            let y = position * 34
            let width = Int(Double(step.1) / greatest * 520)
            return "<text x=\"0\" y=\"\(y + 20)\">\(step.0)</text>"
                + "<rect x=\"110\" y=\"\(y + 4)\" width=\"\(max(1, width))\" height=\"22\" rx=\"3\" fill=\"#0958d9\"/>"
                + "<text x=\"\(118 + width)\" y=\"\(y + 20)\">\(t.number(step.1))</text>"
        }
        let title = t("漏斗（用户数）", "Funnel (subscribers)")
        return "<figure><figcaption>\(title)</figcaption><svg viewBox=\"0 0 760 140\" role=\"img\" "
            + "aria-label=\"\(title)\" font-size=\"14\">\(bars.joined())</svg></figure>"
    }

    /// The difference and its interval on an axis that holds 0.
    private func liftChart(_ t: Language) -> String {
        let interval = evaluation.lift.interval
        let (low, high) = (min(0, interval.lowerBound), max(0, interval.upperBound))
        let span = max(high - low, 1e-9)
        func x(_ value: Double) -> Int { 40 + Int((value - low) / span * 660) }
        func label(_ value: Double) -> String { t.fixed(value * 100, decimals: 2) }
        let title = t("净提升（百分点，95% 区间）", "Lift (percentage points, 95 % interval)")
        return """
            <figure><figcaption>\(title)</figcaption><svg viewBox="0 0 760 70" role="img" aria-label="\(title)" font-size="13">
            <line x1="\(x(0))" y1="6" x2="\(x(0))" y2="46" stroke="#4b5563" stroke-dasharray="4 3"/>
            <text x="\(x(0))" y="62" text-anchor="middle">0</text>
            <line x1="\(x(interval.lowerBound))" y1="26" x2="\(x(interval.upperBound))" y2="26" stroke="#0958d9" stroke-width="3"/>
            <circle cx="\(x(evaluation.lift.difference))" cy="26" r="7" fill="#0958d9"/>
            <text x="\(x(interval.lowerBound))" y="48" text-anchor="middle">\(label(interval.lowerBound))</text>
            <text x="\(x(evaluation.lift.difference))" y="14" text-anchor="middle">\(label(evaluation.lift.difference))</text>
            <text x="\(x(interval.upperBound))" y="48" text-anchor="middle">\(label(interval.upperBound))</text>
            </svg></figure>
            """
    }
}

/// Text with the characters that mean something in HTML replaced.
func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
        switch character {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        default: result.append(character)
        }
    }
}
