// Splits as people type them, in the console and on the command line.
// SPDX-License-Identifier: Apache-2.0

public import Model

extension SegmentSplit {
    /// Reads a way and its details: `random` with weights, or with how many equal parts; `tail` with groups of digits, `conditions` with a rule a line,
    /// `value:CODE`, and `bands:CODE` with edges.
    ///
    /// - Throws: ``PlanningError/badDefinition(part:why:)`` for an unknown way and for weights that are no numbers.
    public init(by way: String, detail: String) throws(PlanningError) {
        let parts = way.split(separator: ":", maxSplits: 1).map(String.init)
        let words = detail.split { " ,，;；\n\t".contains($0) }.map(String.init)
        switch parts.first {
        case "tail": self = .tailDigits(words)
        case "conditions":
            self = .conditions(detail.split(separator: "\n").map(String.init).filter { !$0.allSatisfy(\.isWhitespace) })
        case "value" where parts.count == 2: self = .attribute(parts[1])
        case "bands" where parts.count == 2: self = .bands(parts[1], edges: words)
        case nil, "random":
            let weights = words.compactMap { Int($0) }
            guard weights.count == words.count else {
                throw .badDefinition(
                    part: "weights",
                    why: BilingualText(zh: "权重请填写数字，如 1 1 2", en: "weights are numbers, such as 1 1 2")
                )
            }
            // One number says how many equal parts there are.
            let equal = weights.count == 1 ? min(max(0, weights[0]), Self.mostParts + 1) : 0
            self = .random(weights: equal > 0 ? Array(repeating: 1, count: equal) : weights, draw: 1)
        default:
            throw .badDefinition(
                part: "by",
                why: BilingualText(
                    zh: "拆分方式有 random、tail、conditions、value:属性、bands:属性",
                    en: "split by random, tail, conditions, value:CODE or bands:CODE"
                )
            )
        }
    }

    /// Reads texts with the way before the details: `random:3` (as many equal parts), `random:1,1,2` (weights),
    /// `tail:13579,02468`, `value:CODE`, `bands:CODE:30,50`, and `rule:RULE`, of which there may be several.
    ///
    /// - Throws: As ``init(by:detail:)``.
    public init(typed texts: [String]) throws(PlanningError) {
        let rules = texts.filter { $0.hasPrefix("rule:") }.map { String($0.dropFirst(5)) }
        if rules.count == texts.count, !rules.isEmpty {
            self = .conditions(rules)
            return
        }
        guard texts.count == 1, let parts = texts.first?.split(separator: ":", maxSplits: 2).map(String.init),
            let way = parts.first, ["random", "tail", "value", "bands"].contains(way),
            parts.count == (way == "bands" ? 3 : 2)
        else {
            throw .badDefinition(
                part: "by",
                why: BilingualText(
                    zh: "拆分方式写作 random:3、random:1,1,2、tail:135,246、value:属性、bands:属性:30,50，或若干 rule:规则",
                    en:
                        "write random:3, random:1,1,2, tail:135,246, value:CODE, bands:CODE:30,50, or rules as rule:RULE"
                )
            )
        }
        let isNamed = ["value", "bands"].contains(way)
        try self.init(by: isNamed ? "\(way):\(parts[1])" : way, detail: isNamed ? parts.last ?? "" : parts[1])
    }
}
