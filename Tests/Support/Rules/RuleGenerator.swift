// Random rules over a table. Constants come from the table, so that most rules select some rows and not all.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model
import Profiles
public import Rules

/// A kind of attribute for which operators are generated.
public enum RuleOperandKind: String, CaseIterable, Sendable {
    case flag, integer, decimal, day, plainEnum, orderedEnum, text

    var codes: [String] {
        switch self {
        case .flag: ["is_5g", "is_group"]
        case .integer: ["age", "d_whole", "tenure", "points"]
        case .decimal: ["arpu", "d_sum", "d_ratio", "d_score", "d_years", "rent", "rate", "balance"]
        case .day: ["activated", "d_anniversary", "last_order"]
        case .plainEnum: ["brand", "old_brand"]
        case .orderedEnum: ["card", "best_card"]
        case .text: ["city", "home"]
        }
    }

    var isNumber: Bool { self == .integer || self == .decimal }
}

/// An operator on a type that a rule is sure to contain.
public enum RuleFeature: Hashable, Sendable {
    case compare(ComparisonOperator, RuleOperandKind)
    case isIn(RuleOperandKind, negated: Bool)
    case between(RuleOperandKind, negated: Bool)
    case like(RuleOperandKind, negated: Bool)
    case isNull(RuleOperandKind, negated: Bool)
    case arithmetic(ArithmeticOperator, RuleOperandKind)
    case negative(RuleOperandKind)
    case shift(ArithmeticOperator, IntervalUnit)
    case daysBetween
    case flag
    case member(MembershipKind)
    case behaviour(BehaviourFeature)

    /// Every operator on every type that it goes with.
    public static let all: [RuleFeature] = {
        let kinds = RuleOperandKind.allCases
        var all: [RuleFeature] = [.daysBetween, .flag]
        for sign in ComparisonOperator.allCases {
            let isEquality = sign == .equal || sign == .notEqual
            let ordered: [RuleOperandKind] = [.integer, .decimal, .day, .orderedEnum]
            all += (isEquality ? kinds : ordered).map { .compare(sign, $0) }
        }
        for negated in [false, true] {
            all += kinds.filter { $0 != .flag }.map { .isIn($0, negated: negated) }
            // Three operands have eight combinations of NULLs: more cases to meet them all.
            for kind in [RuleOperandKind.integer, .decimal, .day, .orderedEnum] {
                all += Array(repeating: .between(kind, negated: negated), count: 3)
            }
            all += [RuleOperandKind.plainEnum, .orderedEnum, .text].map { .like($0, negated: negated) }
            all += kinds.map { .isNull($0, negated: negated) }
        }
        for sign in ArithmeticOperator.allCases { all += [.arithmetic(sign, .integer), .arithmetic(sign, .decimal)] }
        all += [.negative(.integer), .negative(.decimal)]
        for unit in IntervalUnit.allCases { all += [.shift(.add, unit), .shift(.subtract, unit)] }
        all += MembershipKind.allCases.map { .member($0) }
        return all
    }()
}

/// Draws rules over one table.
public struct RuleGenerator {
    private var random: SeededRandom
    var interpreter: RowInterpreter
    let table: RuleTable

    /// A generator that draws from `random`.
    public init(_ table: RuleTable, random: SeededRandom) {
        self.table = table
        self.random = random
        interpreter = RowInterpreter(table)
    }

    /// A condition that contains a feature, beside up to three others.
    public mutating func rule(featuring feature: RuleFeature) -> RuleNode {
        var parts = [leaf(feature)]
        for _ in 0..<[0, 0, 0, 1, 1, 2, 3][below(7)] {
            parts.append(leaf(RuleFeature.all[below(RuleFeature.all.count)]))
        }
        while parts.count > 1 {
            let first = parts.remove(at: below(parts.count))
            let second = parts.remove(at: below(parts.count))
            let pair = parts.isEmpty || below(2) == 0 ? [first, second] : [first, second, parts.removeLast()]
            parts.append(maybeNot(RuleNode(below(2) == 0 ? .and(pair) : .or(pair))))
        }
        return maybeNot(parts[0])
    }

    /// A numeric value.
    public mutating func score() -> RuleNode {
        let kind: RuleOperandKind = below(2) == 0 ? .integer : .decimal
        return expression(ArithmeticOperator.allCases[below(4)], kind)
    }

    // MARK: Leaves

    private mutating func leaf(_ feature: RuleFeature) -> RuleNode {
        switch feature {
        case .compare(let sign, let kind): return compare(sign, kind)
        case .isIn(let kind, let negated):
            let attribute = attribute(kind)
            let list = (0...below(4)).map { _ in constant(like: attribute, kind) }
            return RuleNode(.isIn(attribute, list, negated: negated))
        case .between(let kind, let negated):
            let attribute = attribute(kind)
            var bounds = [other(than: attribute, kind), other(than: attribute, kind)]
            if below(3) > 0 { bounds[below(2)] = constant(like: attribute, kind) }
            return RuleNode(.between(attribute, low: bounds[0], high: bounds[1], negated: negated))
        case .like(let kind, let negated): return like(kind, negated)
        case .isNull(let kind, let negated):
            let value = kind.isNumber && below(3) == 0 ? expression(.divide, kind) : attribute(kind)
            return RuleNode(.isNull(value, negated: negated))
        case .arithmetic(let sign, let kind): return against(expression(sign, kind))
        case .negative(let kind): return against(RuleNode(.negative(attribute(kind))))
        case .shift(let sign, let unit):
            let count = [0, 1, 2, 11, 13, 30, 90, 400][below(8)]
            let interval = RuleNode(.interval(RuleInterval(count: unit == .month ? min(count, 30) : count, unit: unit)))
            let day = below(6) == 0 ? RuleNode(.today) : attribute(.day)
            return against(RuleNode(.arithmetic(day, sign, interval)))
        case .daysBetween:
            let first = attribute(.day)
            let second = below(3) == 0 ? RuleNode(.today) : other(than: first, .day)
            let days = RuleNode(.call("days_between", below(2) == 0 ? [first, second] : [second, first]))
            return against(days)
        case .flag: return attribute(.flag)
        case .member(let kind):
            let names = RuleWorld.scope.names(kind).sorted()
            return RuleNode(.call(kind.function, [RuleNode(.text(names[below(names.count)]))]))
        case .behaviour(let feature): return behaviour(feature)
        }
    }

    private mutating func compare(_ sign: ComparisonOperator, _ kind: RuleOperandKind) -> RuleNode {
        let left = attribute(kind)
        guard below(5) < 2 else { return RuleNode(.comparison(left, sign, other(than: left, kind))) }
        let right = constant(like: left, kind)
        return below(4) == 0 ? RuleNode(.comparison(right, sign, left)) : RuleNode(.comparison(left, sign, right))
    }

    /// An expression compared with the value it has on some row.
    mutating func against(_ expression: RuleNode) -> RuleNode {
        let sign = ComparisonOperator.allCases[below(6)]
        for _ in 0..<8 {
            guard let value = interpreter.literal(expression, below(table.rows)) else { continue }
            return RuleNode(.comparison(expression, sign, nudged(value)))
        }
        return RuleNode(.isNull(expression, negated: below(2) == 0))
    }

    private mutating func expression(_ sign: ArithmeticOperator, _ kind: RuleOperandKind, depth: Int = 0) -> RuleNode {
        // `points` and `balance` are too wide to calculate with.
        let codes = kind.codes.dropLast()
        var operands = (0..<2).map { _ in RuleNode(.name(codes[below(codes.count)])) }
        if below(3) == 0 {
            operands[below(2)] = literal(.number(Scaled(unscaled: Int64(below(2_000)), scale: below(4))))
        }
        if depth < 2, below(3) == 0 {
            let inner = expression(
                ArithmeticOperator.allCases[below(4)],
                below(2) == 0 ? .integer : .decimal,
                depth: depth + 1
            )
            operands[below(2)] = below(4) == 0 ? RuleNode(.negative(inner)) : inner
        }
        return RuleNode(.arithmetic(operands[0], sign, operands[1]))
    }

    private mutating func like(_ kind: RuleOperandKind, _ negated: Bool) -> RuleNode {
        let attribute = attribute(kind)
        var scalars: [Unicode.Scalar] = []
        if case .text(let text) = constant(like: attribute, kind).kind { scalars = Array(text.unicodeScalars) }
        var pattern = String.UnicodeScalarView()
        let escapes = below(3) == 0
        if below(4) == 0 { pattern.append("%") }
        for scalar in scalars {
            switch below(6) {
            case 0: pattern.append("_")
            case 1: pattern.append("%")
            default:
                if escapes, "%_!".unicodeScalars.contains(scalar) { pattern.append("!") }
                pattern.append(scalar)
            }
        }
        if below(3) == 0 { pattern.append("%") }
        let escape = escapes ? RuleNode(.text("!")) : nil
        return RuleNode(.like(attribute, pattern: RuleNode(.text(String(pattern))), escape: escape, negated: negated))
    }

    // MARK: Parts

    mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }

    mutating func maybeNot(_ node: RuleNode) -> RuleNode {
        below(4) == 0 ? RuleNode(.not(node)) : node
    }

    /// By code, or now and then by Chinese name.
    mutating func attribute(_ kind: RuleOperandKind) -> RuleNode {
        // Conditions that have a name are never NULL: seldom, so that flags that are stay frequent.
        let codes = kind == .flag && below(12) == 0 ? ["d_tag", "d_other_tag"] : kind.codes
        let code = codes[below(codes.count)]
        let name = below(5) == 0 ? RuleWorld.derivedCatalogue[code]?.name.zh : nil
        return RuleNode(.name(name ?? code))
    }

    private mutating func other(than attribute: RuleNode, _ kind: RuleOperandKind) -> RuleNode {
        let own = code(attribute)
        let others = kind.codes.filter { $0 != own }
        return RuleNode(.name(others[below(others.count)]))
    }

    private func code(_ node: RuleNode) -> String {
        if case .name(let name) = node.kind {
            RuleWorld.derivedCatalogue.attribute(named: name)?.code ?? name
        } else {
            ""
        }
    }

    /// A value that the attribute has on some row, or one close to it.
    private mutating func constant(like attribute: RuleNode, _ kind: RuleOperandKind) -> RuleNode {
        let code = code(attribute)
        for _ in 0..<8 {
            let value = interpreter.hotValue(code, below(table.rows))
            if value != .null { return kind.isNumber || kind == .day ? nudged(value) : literal(value) }
        }
        switch kind {
        case .flag: return RuleNode(.boolean(true))
        case .integer, .decimal: return literal(.number(Scaled(unscaled: 1, scale: 0)))
        case .day: return RuleNode(.today)
        case .plainEnum, .orderedEnum:
            return literal(.text(RuleWorld.derivedCatalogue[code]?.domain.first?.value ?? ""))
        case .text: return literal(.text(RuleTable.awkwardTexts[below(RuleTable.awkwardTexts.count)]))
        }
    }

    /// The value itself, or the next one, or one between two that the column can hold.
    mutating func nudged(_ value: HotValue) -> RuleNode {
        switch value {
        case .number(let number):
            var (unscaled, scale) = (number.unscaled, number.scale)
            if below(4) == 0, unscaled.magnitude < 1_000_000_000 { unscaled += Int64(below(3)) - 1 }
            if below(4) == 0, unscaled.magnitude < 1_000_000_000, scale < 9 {
                (unscaled, scale) = (unscaled * 10 + Int64(below(10)), scale + 1)
            }
            while scale > 0, unscaled % 10 == 0, below(2) == 0 { (unscaled, scale) = (unscaled / 10, scale - 1) }
            return literal(.number(Scaled(unscaled: unscaled, scale: scale)))
        case .day(let day):
            let today = Int(table.today.number)
            if below(4) == 0, abs(Int(day.number) - today) < 1_000 {
                let days = Int(day.number) - today
                let interval = RuleNode(.interval(RuleInterval(count: abs(days), unit: .day)))
                return RuleNode(.arithmetic(RuleNode(.today), days < 0 ? .subtract : .add, interval))
            }
            let moved = below(4) == 0 ? day.adding(days: below(3) - 1) : day
            return literal(.day((1...9999).contains(moved.components.year) ? moved : day))
        default: return literal(value)
        }
    }

    mutating func literal(_ value: HotValue) -> RuleNode {
        switch value {
        case .null: return RuleNode(.null)
        case .flag(let flag): return RuleNode(.boolean(flag))
        case .number(let number):
            guard number.unscaled < 0 else { return RuleNode(.number(number)) }
            return RuleNode(.negative(RuleNode(.number(Scaled(unscaled: -number.unscaled, scale: number.scale)))))
        case .day(let day): return (1...9999).contains(day.components.year) ? RuleNode(.day(day)) : RuleNode(.today)
        case .text(let text):
            // A third of the literals is written decomposed where that makes a difference.
            let decomposed = text == "caf\u{E9}" ? "cafe\u{301}" : text == "\u{E9}" ? "e\u{301}" : text
            return RuleNode(.text(below(3) == 0 ? decomposed : text))
        }
    }
}
