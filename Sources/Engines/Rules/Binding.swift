// A checked rule on one day: `today` becomes a constant, and what follows from constants is worked out once.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

extension CheckedCondition {
    /// The same condition with `today` replaced by a day.
    public func bound(today: LocalDay) -> CheckedCondition {
        switch self {
        case .constant, .flag, .member: self
        case .like(let value, let pattern): .like(value.bound(today: today), pattern)
        case .and(let parts): .and(parts.map { $0.bound(today: today) })
        case .or(let parts): .or(parts.map { $0.bound(today: today) })
        case .not(let part): .not(part.bound(today: today))
        case .holds(let part): .holds(part.bound(today: today))
        case .compare(let left, let sign, let right):
            .compare(left.bound(today: today), sign, right.bound(today: today)).folded
        case .isIn(let value, let items):
            .isIn(value.bound(today: today), items.map { $0.bound(today: today) })
        case .isNull(let value): .isNull(value.bound(today: today))
        }
    }

    private var folded: CheckedCondition {
        guard case .compare(let left, let sign, let right) = self, case .constant(let a) = left.operation,
            case .constant(let b) = right.operation
        else { return self }
        return .constant(sign.holds(a, b))
    }
}

extension ComparisonOperator {
    /// Whether the operator holds between two numbers.
    public func holds(_ a: Int64, _ b: Int64) -> Bool {
        switch self {
        case .equal: a == b
        case .notEqual: a != b
        case .less: a < b
        case .lessOrEqual: a <= b
        case .greater: a > b
        case .greaterOrEqual: a >= b
        }
    }
}

extension CheckedValue {
    /// The same value with `today` replaced by a day.
    public func bound(today: LocalDay) -> CheckedValue {
        func bind(_ value: CheckedValue) -> CheckedValue { value.bound(today: today) }
        let operation: Operation =
            switch operation {
            case .today: .constant(Int64(today.number))
            case .constant, .text, .attribute: self.operation
            case .add(let a, let b): .add(bind(a), bind(b))
            case .subtract(let a, let b): .subtract(bind(a), bind(b))
            case .multiply(let a, let b): .multiply(bind(a), bind(b))
            case .divide(let a, let b): .divide(bind(a), bind(b))
            case .negate(let a): .negate(bind(a))
            case .scaleUp(let a, let power): .scaleUp(bind(a), power: power)
            case .scaleDown(let a, let power): .scaleDown(bind(a), power: power)
            case .addDays(let a, let days): .addDays(bind(a), days)
            case .addMonths(let a, let months): .addMonths(bind(a), months)
            case .daysBetween(let a, let b): .daysBetween(bind(a), bind(b))
            case .aggregate(let aggregate): .aggregate(aggregate.bound(today: today))
            }
        return CheckedValue(operation, type: type, range: range).folded
    }

    /// The constant that follows when all parts are constants; a division by zero stays what it is, NULL.
    var folded: CheckedValue {
        let parts = children
        guard !parts.isEmpty, parts.allSatisfy(\.isConstant), let result = evaluate({ _ in nil }) else { return self }
        return .constant(result, type)
    }

    private var isConstant: Bool {
        if case .constant = operation { true } else { false }
    }

    /// The value for one subscriber, unscaled: the meaning of every operation, one row at a time.
    ///
    /// `today` is bound first, texts have no number, and behaviour is that of somebody who has done nothing.
    ///
    /// - Parameter attribute: The unscaled value, day number or flag of an attribute; nil = NULL.
    /// - Returns: nil = NULL.
    public func evaluate(_ attribute: (Attribute) -> Int64?) -> Int64? {
        func pair(_ a: CheckedValue, _ b: CheckedValue, _ combine: (Int64, Int64) -> Int64?) -> Int64? {
            guard let a = a.evaluate(attribute), let b = b.evaluate(attribute) else { return nil }
            return combine(a, b)
        }
        switch operation {
        case .constant(let number): return number
        case .attribute(let code): return attribute(code)
        case .add(let a, let b): return pair(a, b) { $0 + $1 }
        case .subtract(let a, let b): return pair(a, b) { $0 - $1 }
        case .multiply(let a, let b): return pair(a, b) { $0 * $1 }
        case .divide(let a, let b): return pair(a, b) { $1 == 0 ? nil : $0 / $1 }
        case .negate(let a): return a.evaluate(attribute).map { -$0 }
        case .scaleUp(let a, let power): return a.evaluate(attribute).map { $0 * Scaled.powerOfTen(power) }
        case .scaleDown(let a, let power): return a.evaluate(attribute).map { $0 / Scaled.powerOfTen(power) }
        case .addDays(let a, let days): return a.evaluate(attribute).map { $0 + Int64(days) }
        case .addMonths(let a, let months):
            return a.evaluate(attribute).map {
                Int64(LocalDay(number: Int32(truncatingIfNeeded: $0)).adding(months: months).number)
            }
        case .daysBetween(let from, let to): return pair(from, to) { $1 - $0 }
        case .aggregate(let aggregate): return aggregate.ofNothing
        case .text, .today: return nil
        }
    }

    /// Whether the value is the same for every subscriber: a constant, or a day relative to today.
    var isConstantOfDay: Bool {
        switch operation {
        case .constant, .text, .today: true
        case .addDays(let day, _), .addMonths(let day, _): day.isConstantOfDay
        default: false
        }
    }
}
