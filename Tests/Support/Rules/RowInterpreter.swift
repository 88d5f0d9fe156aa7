// The meaning of rules, written down a third time as plainly as possible: one row, one node at a time.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
public import Profiles
public import Rules

/// A deliberate mistake, to show that the comparison of the evaluators would notice it.
public enum PlantedFault: CaseIterable, Sendable {
    case notOfUnknownIsTrue, nullEqualsNull, andOfUnknownIsFalse, nullIsInNoList, divisionRoundsDown,
        divisionByZeroIsZero
    case lessIncludesEqual, betweenExcludesHigh, scaleIgnored, underscoreIsUTF16, likeIgnoresCase, textIgnoresCase
    case monthSpillsOver, emptyIsNull, orderByText, signOfInterval
    case windowIncludesItsStart, sumOfNothingIsZero, sumIsUnbounded, lastIsOfAnyDay, lastSkipsNull, unknownRowsCount

    /// Mistakes about behaviour, which columns in memory do not show.
    public static let ofBehaviour: [PlantedFault] = [
        .windowIncludesItsStart, .sumOfNothingIsZero, .sumIsUnbounded, .lastIsOfAnyDay, .lastSkipsNull,
        .unknownRowsCount,
    ]
}

/// Evaluates a rule's syntax tree on one row of a table, three-valued, without the checker's help.
public struct RowInterpreter {
    /// A value; nil = NULL.
    enum Value: Equatable {
        case number(Int128, scale: Int)
        case day(LocalDay)
        case flag(Bool)
        case text(String)
    }

    let table: RuleTable
    let fault: PlantedFault?
    /// The row of behaviour whose columns the names are, inside the condition of an aggregate.
    var event: (source: EventSource, row: RuleEvent)?
    /// Operator, type and NULLs of everything that was evaluated, for example `<= decimal value,NULL`.
    public private(set) var seen: Set<String> = []

    /// An interpreter for a table, with at most one deliberate mistake.
    public init(_ table: RuleTable, fault: PlantedFault? = nil) {
        self.table = table
        self.fault = fault
    }

    /// Forgets what was seen.
    public mutating func reset() { seen = [] }

    /// The rows where a condition is true.
    public mutating func members(_ rule: RuleNode) -> [Int] {
        (0..<table.rows).filter { truth(rule, $0) == true }
    }

    /// The value of an expression with 6 digits after the point, rounded toward zero; nil = NULL.
    public mutating func micros(_ node: RuleNode, _ row: Int) -> Int64? {
        guard case .number(let number, let scale) = value(node, row) else { return nil }
        return Int64(scale <= 6 ? number * power(6 - scale) : number / power(scale - 6))
    }

    /// The value of an expression on a row as a literal would say it; nil = NULL.
    public mutating func literal(_ node: RuleNode, _ row: Int) -> HotValue? {
        switch value(node, row) {
        case .number(let number, let scale): Int64(exactly: number).map { .number(Scaled(unscaled: $0, scale: scale)) }
        case .day(let day): .day(day)
        case .flag(let flag): .flag(flag)
        case .text(let text): .text(text)
        case nil: nil
        }
    }

    /// The value of an attribute on a row, derived ones computed.
    mutating func hotValue(_ code: String, _ row: Int) -> HotValue {
        literal(RuleNode(.name(code)), row) ?? .null
    }

    // MARK: Conditions

    /// true, false, or nil = unknown.
    mutating func truth(_ node: RuleNode, _ row: Int) -> Bool? {
        switch node.kind {
        case .boolean(let value): return value
        case .and(let parts): return fold(parts, row, decisive: false, "AND")
        case .or(let parts): return fold(parts, row, decisive: true, "OR")
        case .not(let part):
            let inner = truth(part, row)
            note("NOT", "condition", inner.map { $0 ? "true" : "false" } ?? "unknown")
            return fault == .notOfUnknownIsTrue ? !(inner ?? false) : inner.map { !$0 }
        case .comparison(let left, let sign, let right): return comparison(left, sign, right, row)
        case .between(let value, let low, let high, let negated):
            return between(value, low, high, row, negated)
        case .isIn(let value, let list, let negated):
            let left = self.value(value, row)
            note(negated ? "NOT IN" : "IN", typeName(value), null(left))
            guard let left else { return fault == .nullIsInNoList ? negated : nil }
            return list.contains { item in self.value(item, row).map { order($0, left) == 0 } ?? false } != negated
        case .like(let value, let pattern, let escape, let negated):
            let left = self.value(value, row)
            note(negated ? "NOT LIKE" : "LIKE", typeName(value), null(left))
            guard case .text(let text) = left, case .text(let pattern) = self.value(pattern, row) else { return nil }
            var escapeScalar: Unicode.Scalar?
            if let escape, case .text(let character) = self.value(escape, row) {
                escapeScalar = character.unicodeScalars.first
            }
            return like(text, pattern, escapeScalar) != negated
        case .isNull(let value, let negated):
            let operand = self.value(value, row)
            note(negated ? "IS NOT NULL" : "IS NULL", typeName(value), null(operand))
            return (operand == nil) != negated
        case .aggregate(let aggregate) where aggregate.function == .did: return !rows(of: aggregate, row).isEmpty
        case .name, .aggregate:
            let value = value(node, row)
            note("alone", "flag", null(value))
            if case .flag(let flag) = value { return flag }
            return nil
        case .call(let function, let arguments):
            guard let kind = MembershipKind.allCases.first(where: { $0.function == function }),
                case .text(let name) = arguments.first.flatMap({ self.value($0, row) })
            else { preconditionFailure("no condition: \(node.text)") }
            let isMember = table.members[Membership(kind, name)]?.contains(row) ?? false
            note(function, kind.rawValue, isMember ? "member" : "no member")
            return isMember
        default: preconditionFailure("no condition: \(node.text)")
        }
    }

    private mutating func fold(_ parts: [RuleNode], _ row: Int, decisive: Bool, _ name: String) -> Bool? {
        var result: Bool? = !decisive
        for part in parts {
            let next = truth(part, row)
            let state = { (value: Bool?) in value.map { $0 ? "true" : "false" } ?? "unknown" }
            note(name, "condition", "\(state(result)),\(state(next))")
            if result == decisive || next == decisive {
                result = decisive
            } else if result == nil || next == nil {
                result = fault == .andOfUnknownIsFalse && !decisive ? false : nil
            }
        }
        return result
    }

    private mutating func comparison(
        _ leftNode: RuleNode,
        _ sign: ComparisonOperator,
        _ rightNode: RuleNode,
        _ row: Int
    ) -> Bool? {
        let left = value(leftNode, row)
        let right = value(rightNode, row)
        note(sign.rawValue, typeName(leftNode), "\(null(left)),\(null(right))")
        guard let left, let right else {
            return fault == .nullEqualsNull && left == nil && right == nil && sign == .equal ? true : nil
        }
        if fault == .scaleIgnored, case .number(let a, _) = left, case .number(let b, _) = right {
            return holds(sign, a < b ? -1 : a == b ? 0 : 1)
        }
        let domain = domain(leftNode) ?? domain(rightNode)
        if sign != .equal, sign != .notEqual, case .text(let a) = left, case .text(let b) = right {
            let place = { (text: String) in domain?.firstIndex(of: text) ?? -1 }
            return fault == .orderByText ? holds(sign, a < b ? -1 : a == b ? 0 : 1) : holds(sign, place(a) - place(b))
        }
        return holds(sign, order(left, right))
    }

    private mutating func between(
        _ node: RuleNode,
        _ low: RuleNode,
        _ high: RuleNode,
        _ row: Int,
        _ negated: Bool
    ) -> Bool? {
        let operands = [node, low, high].map { null(value($0, row)) }
        note(negated ? "NOT BETWEEN" : "BETWEEN", typeName(node), operands.joined(separator: ","))
        let before = seen
        let lower = comparison(node, .greaterOrEqual, low, row)
        let upper = comparison(node, fault == .betweenExcludesHigh ? .less : .lessOrEqual, high, row)
        seen = before
        let both: Bool? = lower == false || upper == false ? false : lower == true && upper == true ? true : nil
        return negated ? both.map { !$0 } : both
    }

    private func holds(_ sign: ComparisonOperator, _ order: Int) -> Bool {
        switch sign {
        case .equal: order == 0
        case .notEqual: order != 0
        case .less: fault == .lessIncludesEqual ? order <= 0 : order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        case .greaterOrEqual: order >= 0
        }
    }

    /// Negative, zero or positive; texts only tell equal from different.
    private func order(_ a: Value, _ b: Value) -> Int {
        switch (a, b) {
        case (.number(let x, let scaleX), .number(let y, let scaleY)):
            let scale = max(scaleX, scaleY)
            let (left, right) = (x * power(scale - scaleX), y * power(scale - scaleY))
            return left < right ? -1 : left == right ? 0 : 1
        case (.day(let x), .day(let y)): return Int(x.number) - Int(y.number)
        case (.flag(let x), .flag(let y)): return x == y ? 0 : 1
        case (.text(let x), .text(let y)):
            if fault == .textIgnoresCase { return x.lowercased() == y.lowercased() ? 0 : 1 }
            return Array(x.utf8) == Array(y.utf8) ? 0 : 1
        default: preconditionFailure("\(a) does not compare with \(b)")
        }
    }

    private func like(_ text: String, _ pattern: String, _ escape: Unicode.Scalar?) -> Bool {
        let (text, pattern) = fault == .likeIgnoresCase ? (text.lowercased(), pattern.lowercased()) : (text, pattern)
        func match(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            let rest = pattern.dropFirst()
            if first == escape, let literal = rest.first {
                return text.first == literal && match(text.dropFirst(), rest.dropFirst())
            }
            if first == "%" { return match(text, rest) || (!text.isEmpty && match(text.dropFirst(), pattern)) }
            guard let next = text.first else { return false }
            if first == "_", fault == .underscoreIsUTF16, next.value > 0xFFFF {
                return rest.first == "_" && match(text.dropFirst(), rest.dropFirst())
            }
            return (first == "_" || first == next) && match(text.dropFirst(), rest)
        }
        return match(Array(text.unicodeScalars)[...], Array(pattern.unicodeScalars)[...])
    }

    // MARK: Values

    mutating func value(_ node: RuleNode, _ row: Int) -> Value? {
        switch node.kind {
        case .name(let name): return column(name, row)
        case .number(let number): return .number(Int128(number.unscaled), scale: number.scale)
        case .text(let text): return .text(text)
        case .day(let day): return .day(day)
        case .boolean(let flag): return .flag(flag)
        case .today: return .day(table.today)
        case .negative(let part):
            let inner = value(part, row)
            note("-", "of " + typeName(part), null(inner))
            guard case .number(let number, let scale) = inner else { return nil }
            return .number(-number, scale: scale)
        case .arithmetic(let left, let sign, let right):
            if case .interval(let interval) = right.kind { return shifted(left, sign, interval, row) }
            return arithmetic(left, sign, right, row)
        case .call("days_between", let arguments):
            let (from, to) = (value(arguments[0], row), value(arguments[1], row))
            note("days_between", "day", "\(null(from)),\(null(to))")
            guard case .day(let first) = from, case .day(let last) = to else { return nil }
            return .number(Int128(last.number) - Int128(first.number), scale: 0)
        case .aggregate(let aggregate): return self.aggregate(aggregate, row)
        default: preconditionFailure("no value: \(node.text)")
        }
    }

    private mutating func column(_ name: String, _ row: Int) -> Value? {
        guard let attribute = attribute(name) else { preconditionFailure("no attribute \(name)") }
        let code = attribute.code
        if let expression = attribute.expression { return derived(expression, attribute, row) }
        return value(event.map { $0.row.values[code] ?? .null } ?? table.value(code, row))
    }

    /// The expression in the place of the name, with the digits of the attribute.
    private mutating func derived(_ expression: String, _ attribute: Attribute, _ row: Int) -> Value? {
        guard let root = try? RuleSyntax(parsing: expression).root else {
            preconditionFailure("no value: \(expression)")
        }
        if attribute.type == .flag { return .flag(truth(root, row) ?? false) }
        let value = value(root, row)
        let wanted: Int
        switch attribute.type {
        case .integer: wanted = 0
        case .decimal(let scale): wanted = scale
        default: return value
        }
        guard case .number(let number, let scale) = value else { return nil }
        let kept = scale <= wanted ? number * power(wanted - scale) : number / power(scale - wanted)
        return .number(kept, scale: wanted)
    }

    func attribute(_ name: String) -> Attribute? {
        (event?.source.columns ?? RuleWorld.derivedCatalogue).attribute(named: name)
    }

    func value(_ value: HotValue) -> Value? {
        switch value {
        case .null: return nil
        case .flag(let flag): return .flag(flag)
        case .number(let number): return .number(Int128(number.unscaled), scale: number.scale)
        case .day(let day): return .day(day)
        case .text(let text): return text.isEmpty && fault == .emptyIsNull ? nil : .text(text)
        }
    }

    private mutating func arithmetic(
        _ leftNode: RuleNode,
        _ sign: ArithmeticOperator,
        _ rightNode: RuleNode,
        _ row: Int
    ) -> Value? {
        let (left, right) = (value(leftNode, row), value(rightNode, row))
        let isZero = if case .number(0, _) = right { true } else { false }
        let type = [typeName(leftNode), typeName(rightNode)].contains("decimal") ? "decimal" : "integer"
        note(sign.rawValue, type, "\(null(left)),\(sign == .divide && isZero ? "zero" : null(right))")
        guard case .number(let a, let scaleA) = left, case .number(let b, let scaleB) = right else { return nil }
        let scale = max(scaleA, scaleB)
        switch sign {
        case .add: return .number(a * power(scale - scaleA) + b * power(scale - scaleB), scale: scale)
        case .subtract: return .number(a * power(scale - scaleA) - b * power(scale - scaleB), scale: scale)
        case .multiply: return .number(a * b, scale: scaleA + scaleB)
        case .divide:
            guard b != 0 else { return fault == .divisionByZeroIsZero ? .number(0, scale: 6) : nil }
            // Six digits after the point of a / b, whatever the scales: multiply first, then divide once.
            let up = 6 - scaleA + scaleB
            let (dividend, divisor) = up >= 0 ? (a * power(up), b) : (a, b * power(-up))
            let (quotient, rest) = dividend.quotientAndRemainder(dividingBy: divisor)
            let isBelow = rest != 0 && (rest < 0) != (divisor < 0)
            return .number(fault == .divisionRoundsDown && isBelow ? quotient - 1 : quotient, scale: 6)
        }
    }

    private mutating func shifted(
        _ node: RuleNode,
        _ sign: ArithmeticOperator,
        _ interval: RuleInterval,
        _ row: Int
    ) -> Value? {
        let base = value(node, row)
        note("\(sign.rawValue) INTERVAL", interval.unit.rawValue, null(base))
        guard case .day(let day) = base else { return nil }
        let count = (sign == .add) != (fault == .signOfInterval) ? interval.count : -interval.count
        return .day(moved(day, count, interval.unit))
    }

    func moved(_ day: LocalDay, _ count: Int, _ unit: IntervalUnit) -> LocalDay {
        if unit == .day { return LocalDay(number: day.number + Int32(count)) }
        let target = LocalMonth(number: day.month.number + Int32(count))
        let dayOfMonth = day.components.day
        let last = fault == .monthSpillsOver ? dayOfMonth : target.length
        return LocalDay(number: target.firstDay.number + Int32(min(dayOfMonth, last)) - 1)
    }

    // MARK: Names

    func power(_ exponent: Int) -> Int128 {
        (0..<exponent).reduce(Int128(1)) { result, _ in result * 10 }
    }

    private func domain(_ node: RuleNode) -> [String]? {
        guard case .name(let name) = node.kind else { return nil }
        return attribute(name)?.domain.map(\.value)
    }

    func typeName(_ attribute: Attribute) -> String {
        switch attribute.type {
        case .decimal: "decimal"
        case .enumeration: attribute.isOrdered ? "ordered enum" : "enum"
        default: attribute.type.name
        }
    }

    private func typeName(_ node: RuleNode) -> String {
        switch node.kind {
        case .name(let name):
            guard let attribute = attribute(name) else { return "?" }
            return typeName(attribute)
        case .number(let number): return number.scale == 0 ? "integer" : "decimal"
        case .text: return "text"
        case .day, .today: return "day"
        case .boolean: return "flag"
        case .negative(let part): return typeName(part)
        case .arithmetic(let left, _, let right):
            if case .interval = right.kind { return "day" }
            return [typeName(left), typeName(right)].contains("decimal") ? "decimal" : "integer"
        case .call: return "integer"
        case .aggregate(let aggregate): return column(of: aggregate).map { typeName($0) } ?? "integer"
        default: return "?"
        }
    }

    private func null(_ value: Value?) -> String {
        value == nil ? "NULL" : "value"
    }

    mutating func note(_ name: String, _ type: String, _ nulls: String) {
        seen.insert("\(name)|\(type)|\(nulls)")
    }
}
