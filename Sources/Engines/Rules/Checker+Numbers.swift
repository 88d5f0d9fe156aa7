// Arithmetic in the checker: scales, and the proof that nothing overflows at run time.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension Checker {
    /// Digits after the point of a quotient.
    static let quotientScale = 6

    mutating func negated(_ node: RuleNode, _ range: Range<Int>) throws(RuleFault) -> CheckedValue {
        let value = try value(node)
        guard case .number = value.type else {
            throw RuleFault(
                .wrongOperands(
                    operator: "-",
                    left: RuleProblem.typeName(value.type),
                    right: BilingualText(zh: "空", en: "nothing")
                ),
                range
            )
        }
        let bounds = Bounds(value.range)
        return try made(.negate(value), value.type, Bounds(-bounds.high, -bounds.low), range)
    }

    mutating func arithmetic(
        _ leftNode: RuleNode,
        _ sign: ArithmeticOperator,
        _ rightNode: RuleNode,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedValue {
        if case .interval(let interval) = rightNode.kind {
            return try shifted(leftNode, sign, interval, range)
        }
        let left = try value(leftNode)
        let right = try value(rightNode)
        guard case .number(let leftScale) = left.type, case .number(let rightScale) = right.type else {
            throw notNumbers(left, leftNode, sign, right, rightNode, range)
        }
        switch sign {
        case .add, .subtract:
            let (a, b) = try aligned(left, right, range)
            let (x, y) = (Bounds(a.range), Bounds(b.range))
            return sign == .add
                ? try made(.add(a, b), a.type, Bounds(x.low + y.low, x.high + y.high), range)
                : try made(.subtract(a, b), a.type, Bounds(x.low - y.high, x.high - y.low), range)
        case .multiply:
            guard leftScale + rightScale <= Scaled.maximumScale else { throw RuleFault(.tooManyDigits, range) }
            let (x, y) = (Bounds(left.range), Bounds(right.range))
            let corners = [x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high]
            let bounds = Bounds(corners.min() ?? 0, corners.max() ?? 0)
            return try made(.multiply(left, right), .number(scale: leftScale + rightScale), bounds, range)
        case .divide:
            // (l / 10^a) / (r / 10^b) * 10^6 = l * 10^(6 - a + b) / r
            let power = Self.quotientScale - leftScale + rightScale
            let dividend = power > 0 ? try scaledUp(left, by: power, range) : left
            let divisor = power < 0 ? try scaledUp(right, by: -power, range) : right
            return try quotient(dividend, divisor, range)
        }
    }

    private func quotient(
        _ dividend: CheckedValue,
        _ divisor: CheckedValue,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedValue {
        let (x, y) = (Bounds(dividend.range), Bounds(divisor.range))
        let smallest = max(1, y.low > 0 ? y.low : y.high < 0 ? -y.high : 1)
        let largest = max(abs(x.low), abs(x.high)) / smallest
        // One sign on each side: the quotient has a known sign too.
        let positive = (x.low >= 0 && y.low >= 0) || (x.high <= 0 && y.high <= 0)
        let negative = (x.low >= 0 && y.high <= 0) || (x.high <= 0 && y.low >= 0)
        let bounds = Bounds(positive ? 0 : -largest, negative ? 0 : largest)
        return try made(.divide(dividend, divisor), .number(scale: Self.quotientScale), bounds, range)
    }

    /// A day plus or minus an interval.
    private mutating func shifted(
        _ node: RuleNode,
        _ sign: ArithmeticOperator,
        _ interval: RuleInterval,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedValue {
        guard sign == .add || sign == .subtract else { throw RuleFault(.misplacedInterval, range) }
        let day = try value(node)
        guard day.type == .day else { throw RuleFault(.misplacedInterval, range) }
        let count = sign == .add ? interval.count : -interval.count
        // A month has at most 31 days, so this is at least as wide as the truth.
        let reach = Int64(interval.unit == .day ? count : count * 31)
        let bounds = Bounds(
            Int128(day.range.lowerBound) + Int128(min(reach, 0)),
            Int128(day.range.upperBound) + Int128(max(reach, 0))
        )
        let operation = interval.unit == .day ? CheckedValue.Operation.addDays(day, count) : .addMonths(day, count)
        return try made(operation, .day, bounds, range)
    }

    private func notNumbers(
        _ left: CheckedValue,
        _ leftNode: RuleNode,
        _ sign: ArithmeticOperator,
        _ right: CheckedValue,
        _ rightNode: RuleNode,
        _ range: Range<Int>
    ) -> RuleFault {
        switch (left.type, right.type, rightNode.kind) {
        case (.day, .day, _) where sign == .subtract:
            return RuleFault(.dayDifference, range, suggestion: "days_between(\(rightNode.text), \(leftNode.text))")
        case (.day, .number, .number(let days)) where (sign == .add || sign == .subtract) && days.scale == 0:
            return RuleFault(.dayArithmetic, rightNode.range, suggestion: "INTERVAL \(days) DAY")
        case (.day, _, _): return RuleFault(.dayArithmetic, range)
        default:
            return RuleFault(
                .wrongOperands(
                    operator: sign.rawValue,
                    left: RuleProblem.typeName(left.type),
                    right: RuleProblem.typeName(right.type)
                ),
                range
            )
        }
    }

    // MARK: Comparisons

    /// Compares numbers at one scale.
    ///
    /// A constant that is finer than the other side moves to the next number that the
    /// other side can be, together with the operator, so that the comparison stays exact.
    func numbers(
        _ left: CheckedValue,
        _ sign: ComparisonOperator,
        _ right: CheckedValue,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedCondition {
        if case .constant(let number) = right.operation { return compare(left, sign, with: number, right.scale) }
        if case .constant(let number) = left.operation {
            return compare(right, sign.mirrored, with: number, left.scale)
        }
        let (a, b) = try aligned(left, right, range)
        return .compare(a, sign, b)
    }

    private func compare(
        _ value: CheckedValue,
        _ sign: ComparisonOperator,
        with number: Int64,
        _ scale: Int
    ) -> CheckedCondition {
        let (floor, isExact) = Self.floor(number, from: scale, to: value.scale)
        func against(_ sign: ComparisonOperator, _ bound: Int64) -> CheckedCondition {
            .compare(value, sign, .constant(bound, value.type))
        }
        // Beyond Int64 the comparison is the same for every number; NULL stays NULL.
        let always = against(.greaterOrEqual, .min)
        let never = against(.less, .min)
        switch sign {
        case .equal where !isExact: return never
        case .notEqual where !isExact: return always
        case .equal, .notEqual:
            guard let bound = Int64(exactly: floor) else { return sign == .equal ? never : always }
            return against(sign, bound)
        case .less, .lessOrEqual:
            guard let bound = Int64(exactly: floor) else { return floor > 0 ? always : never }
            return against(isExact ? sign : .lessOrEqual, bound)
        case .greater, .greaterOrEqual:
            guard let bound = Int64(exactly: floor) else { return floor > 0 ? never : always }
            return against(isExact ? sign : .greater, bound)
        }
    }

    /// Membership in a list of numbers; numbers that the value can never be are left out.
    func numberIsIn(_ value: CheckedValue, _ items: [CheckedValue]) -> CheckedCondition {
        let reachable = items.compactMap { item -> CheckedValue? in
            guard case .constant(let number) = item.operation else { return nil }
            let (floor, isExact) = Self.floor(number, from: item.scale, to: value.scale)
            guard isExact, let bound = Int64(exactly: floor) else { return nil }
            return .constant(bound, value.type)
        }
        return reachable.isEmpty
            ? .compare(value, .less, .constant(.min, value.type)) : .isIn(value, reachable)
    }

    /// The largest number of another scale that is not above `number`, and whether it is the same number.
    private static func floor(_ number: Int64, from scale: Int, to target: Int) -> (Int128, isExact: Bool) {
        if target >= scale { return (Int128(number) * Int128(Scaled.powerOfTen(target - scale)), true) }
        let (quotient, rest) = Int128(number).quotientAndRemainder(
            dividingBy: Int128(Scaled.powerOfTen(scale - target))
        )
        return (rest < 0 ? quotient - 1 : quotient, rest == 0)
    }

    // MARK: Scores

    mutating func score(_ node: RuleNode) throws(RuleFault) -> CheckedValue {
        let value = try value(node)
        guard case .number(let scale) = value.type else {
            throw RuleFault(.scoreNotNumber(found: RuleProblem.typeName(value.type)), node.range)
        }
        let target = Self.quotientScale
        // Judged before scaling, so that the message can say how wide the score is.
        let limit = Bounds(Int128(Int32.min) + 1, Int128(Int32.max))
        let (low, _) = Self.floor(value.range.lowerBound, from: scale, to: target)
        let (high, _) = Self.floor(value.range.upperBound, from: scale, to: target)
        guard low >= limit.low, high <= limit.high else {
            throw RuleFault(
                .scoreTooWide(
                    low: Scaled(unscaled: value.range.lowerBound, scale: scale),
                    high: Scaled(unscaled: value.range.upperBound, scale: scale)
                ),
                node.range
            )
        }
        if scale < target { return try scaledUp(value, by: target - scale, node.range) }
        guard scale > target else { return value }
        let bounds = Bounds(low, high + 1)
        return try made(.scaleDown(value, power: scale - target), .number(scale: target), bounds, node.range)
    }

    // MARK: Widths

    /// A number with other digits after the point; those beyond them are cut off.
    func rescaled(_ value: CheckedValue, to scale: Int, _ range: Range<Int>) throws(RuleFault) -> CheckedValue {
        guard value.scale > scale else { return try scaledUp(value, by: scale - value.scale, range) }
        let divisor = Int128(Scaled.powerOfTen(value.scale - scale))
        let bounds = Bounds(Int128(value.range.lowerBound) / divisor, Int128(value.range.upperBound) / divisor)
        return try made(.scaleDown(value, power: value.scale - scale), .number(scale: scale), bounds, range)
    }

    private func aligned(
        _ left: CheckedValue,
        _ right: CheckedValue,
        _ range: Range<Int>
    ) throws(RuleFault) -> (CheckedValue, CheckedValue) {
        let scale = max(left.scale, right.scale)
        return (
            try scaledUp(left, by: scale - left.scale, range), try scaledUp(right, by: scale - right.scale, range)
        )
    }

    private func scaledUp(
        _ value: CheckedValue,
        by power: Int,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedValue {
        guard power > 0 else { return value }
        guard power <= Scaled.maximumScale else { throw RuleFault(.tooManyDigits, range) }
        let factor = Int128(Scaled.powerOfTen(power))
        let bounds = Bounds(Int128(value.range.lowerBound) * factor, Int128(value.range.upperBound) * factor)
        return try made(.scaleUp(value, power: power), .number(scale: value.scale + power), bounds, range)
    }

    /// A value whose bounds are proven to fit; the error names the attributes that need a range.
    private func made(
        _ operation: CheckedValue.Operation,
        _ type: ValueType,
        _ bounds: Bounds,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedValue {
        let limit = type == .day ? Bounds(DayBounds.arithmetic) : Bounds(-Int128(Int64.max), Int128(Int64.max))
        guard bounds.low >= limit.low, bounds.high <= limit.high, let low = Int64(exactly: bounds.low),
            let high = Int64(exactly: bounds.high)
        else {
            let value = CheckedValue(operation, type: type, range: 0...0)
            throw RuleFault(.overflow(attributes: value.unboundedAttributes), range)
        }
        return CheckedValue(operation, type: type, range: low...high).folded
    }
}

/// Bounds wide enough for the product of any two `Int64`.
private struct Bounds {
    var low: Int128
    var high: Int128

    init(_ low: Int128, _ high: Int128) {
        self.low = low
        self.high = high
    }

    init(_ range: ClosedRange<Int64>) {
        self.init(Int128(range.lowerBound), Int128(range.upperBound))
    }
}

extension CheckedValue {
    /// Digits after the point; 0 for what is no number.
    var scale: Int {
        if case .number(let scale) = type { scale } else { 0 }
    }

    /// Attributes below this value whose width is only that of their type.
    fileprivate var unboundedAttributes: [String] {
        if case .attribute(let attribute) = operation { return attribute.range == nil ? [attribute.code] : [] }
        var seen: [String] = []
        for code in children.flatMap(\.unboundedAttributes) where !seen.contains(code) { seen.append(code) }
        return seen
    }
}
