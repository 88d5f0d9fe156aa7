// The canonical text of a rule: reading it again gives the same tree.
// SPDX-License-Identifier: Apache-2.0

import Kernel

extension RuleNode {
    /// The canonical text: keywords in capitals, one space around operators, only the brackets that are needed.
    public var text: String {
        switch kind {
        case .and(let parts): parts.map { $0.text(within: .negation) }.joined(separator: " AND ")
        case .or(let parts): parts.map { $0.text(within: .conjunction) }.joined(separator: " OR ")
        case .not(let part): "NOT " + part.text(within: .negation)
        case .comparison(let left, let sign, let right):
            "\(left.text(within: .sum)) \(sign.rawValue) \(right.text(within: .sum))"
        case .isIn(let value, let list, let negated):
            value.text(within: .sum) + (negated ? " NOT IN (" : " IN (")
                + list.map { $0.text(within: .sum) }.joined(separator: ", ") + ")"
        case .between(let value, let low, let high, let negated):
            value.text(within: .sum) + (negated ? " NOT BETWEEN " : " BETWEEN ") + low.text(within: .sum) + " AND "
                + high.text(within: .sum)
        case .like(let value, let pattern, let escape, let negated):
            value.text(within: .sum) + (negated ? " NOT LIKE " : " LIKE ") + pattern.text(within: .sum)
                + (escape.map { " ESCAPE " + $0.text(within: .sum) } ?? "")
        case .isNull(let value, let negated): value.text(within: .sum) + (negated ? " IS NOT NULL" : " IS NULL")
        case .name(let name): Self.isPlain(name) ? name : Self.quoted(name, "\"")
        case .number(let number): number.description
        case .text(let text): Self.quoted(text, "'")
        case .day(let day): "DATE '\(day.iso)'"
        case .boolean(let value): value ? "TRUE" : "FALSE"
        case .today: "today"
        case .null: "NULL"
        case .arithmetic(let left, let sign, let right):
            "\(left.text(within: level)) \(sign.rawValue) \(right.text(within: level.next))"
        case .negative(let part): "-" + part.text(within: .primary)
        case .interval(let interval): "INTERVAL \(interval.count) \(interval.unit.rawValue.uppercased())"
        case .call(let function, let arguments):
            function + "(" + arguments.map { $0.text(within: .sum) }.joined(separator: ", ") + ")"
        case .aggregate(let aggregate): aggregate.text
        }
    }

    /// Scalar by scalar, as it is read: a quote before a joiner or an accent is no `Character` of its own.
    private static func quoted(_ text: String, _ quote: Unicode.Scalar) -> String {
        var quoted = String.UnicodeScalarView([quote])
        for scalar in text.unicodeScalars { quoted += scalar == quote ? [quote, quote] : [scalar] }
        quoted.append(quote)
        return String(quoted)
    }

    /// How tightly a node holds together; a part is bracketed where it holds less tightly than its place asks for.
    fileprivate enum Level: Int {
        case disjunction, conjunction, negation, predicate, sum, product, factor, primary

        var next: Level { self == .sum ? .product : .factor }
    }

    private var level: Level {
        switch kind {
        case .or: .disjunction
        case .and: .conjunction
        case .not: .negation
        case .comparison, .isIn, .between, .like, .isNull: .predicate
        case .arithmetic(_, .add, _), .arithmetic(_, .subtract, _): .sum
        case .arithmetic(_, .multiply, _), .arithmetic(_, .divide, _): .product
        case .negative: .factor
        case .name, .number, .text, .day, .boolean, .today, .null, .interval, .call, .aggregate: .primary
        }
    }

    fileprivate func text(within required: Level) -> String {
        level.rawValue >= required.rawValue ? text : "(" + text + ")"
    }
}

extension RuleAggregate {
    fileprivate var text: String {
        let parts: [String?] = [sourceName.text, columnName?.text, condition?.text, window?.text]
        return function.rawValue + "(" + parts.compactMap { $0 }.joined(separator: ", ") + ")"
    }
}

extension RuleWindow {
    fileprivate var text: String {
        switch self {
        case .within(let interval):
            "within \(interval.count) \(interval.unit.rawValue)" + (interval.count == 1 ? "" : "s")
        case .between(let low, let high): "BETWEEN \(low.text(within: .sum)) AND \(high.text(within: .sum))"
        }
    }
}
