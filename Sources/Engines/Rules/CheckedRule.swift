// A rule that fits the catalogue: names resolved, scales aligned, widths proven. All evaluators start from it.
// SPDX-License-Identifier: Apache-2.0

public import Model

/// The type of a value in a rule.
public enum ValueType: Hashable, Sendable {
    /// A number with `scale` digits after the point; integers have scale 0.
    case number(scale: Int)
    case day
    case flag
    /// A value of the named attribute's domain.
    case enumeration(attribute: String)
    case text

    var isNumber: Bool { if case .number = self { true } else { false } }
}

/// A value whose type is known.
///
/// Numbers are scaled `Int64`, days count from 1970-01-01, flags are 0 and 1.
public struct CheckedValue: Hashable, Sendable {
    /// How the value comes about; NULL in gives NULL out.
    public indirect enum Operation: Hashable, Sendable {
        /// An unscaled number, a day number, or a flag.
        case constant(Int64)
        case text(String)
        case today
        case attribute(Attribute)
        /// Numbers of the same scale.
        case add(CheckedValue, CheckedValue)
        /// Numbers of the same scale.
        case subtract(CheckedValue, CheckedValue)
        /// The scales add up.
        case multiply(CheckedValue, CheckedValue)
        /// The quotient of the unscaled numbers, rounded toward zero; NULL when the divisor is zero.
        case divide(CheckedValue, CheckedValue)
        case negate(CheckedValue)
        /// Times 10^`power`, 1...18, to reach a higher scale.
        case scaleUp(CheckedValue, power: Int)
        /// Divided by 10^`power`, 1...18, rounded toward zero, to reach a lower scale.
        case scaleDown(CheckedValue, power: Int)
        case addDays(CheckedValue, Int)
        /// The same day of the month, or the month's last day.
        case addMonths(CheckedValue, Int)
        /// Days from the first day to the second.
        case daysBetween(CheckedValue, CheckedValue)
        /// What the subscriber did.
        case aggregate(CheckedAggregate)
    }

    /// How the value comes about.
    public let operation: Operation
    /// The type of the value.
    public let type: ValueType
    /// Bounds of the unscaled value over all rows; `0...0` for texts.
    public let range: ClosedRange<Int64>

    init(_ operation: Operation, type: ValueType, range: ClosedRange<Int64>) {
        self.operation = operation
        self.type = type
        self.range = range
    }

    static func constant(_ value: Int64, _ type: ValueType) -> CheckedValue {
        CheckedValue(.constant(value), type: type, range: value...value)
    }

    /// The values directly below.
    var children: [CheckedValue] {
        switch operation {
        case .constant, .text, .today, .attribute, .aggregate: []
        case .add(let a, let b), .subtract(let a, let b), .multiply(let a, let b), .divide(let a, let b),
            .daysBetween(let a, let b):
            [a, b]
        case .negate(let a), .scaleUp(let a, _), .scaleDown(let a, _), .addDays(let a, _), .addMonths(let a, _): [a]
        }
    }
}

/// A condition whose names and types are known; three-valued like SQL.
public indirect enum CheckedCondition: Hashable, Sendable {
    case constant(Bool)
    case and([CheckedCondition])
    case or([CheckedCondition])
    case not(CheckedCondition)
    /// True where the condition is, else false: what a derived attribute means that is a condition.
    case holds(CheckedCondition)
    /// A flag of its own.
    case flag(Attribute)
    /// Both sides have one type and scale. Order of enumerations is that of the domain; texts compare as UTF-8 bytes.
    case compare(CheckedValue, ComparisonOperator, CheckedValue)
    /// The items are constants of the value's type and scale, or days relative to today.
    case isIn(CheckedValue, [CheckedValue])
    /// An attribute's text, or that of the latest row of a source.
    case like(CheckedValue, LikePattern)
    case isNull(CheckedValue)
    /// On a list, in an audience, owns a product; never NULL.
    case member(Membership)
}

/// One named set that a rule asks for.
public struct Membership: Hashable, Sendable {
    /// List, audience or product.
    public var kind: MembershipKind
    /// Its code.
    public var name: String

    /// Joins kind and code.
    public init(_ kind: MembershipKind, _ name: String) {
        self.kind = kind
        self.name = name
    }
}

/// What a rule reads.
public struct RuleUses: Hashable, Sendable {
    /// Attributes, each once, in the order of their first use.
    public internal(set) var attributes: [Attribute] = []
    /// Lists, audiences and products, each once, in the order of their first use.
    public internal(set) var memberships: [Membership] = []
    /// Tables of behaviour, each once, in the order of their first use.
    public internal(set) var sources: [EventSource] = []
    /// Whether the answer depends on the day.
    public internal(set) var today = false

    /// Attributes that are not held in memory.
    public var coldAttributes: [Attribute] { attributes.filter { !$0.isHot } }
    /// Whether the rule needs the warehouse because it reads a cold attribute or behaviour.
    public var requiresWarehouse: Bool { !sources.isEmpty || attributes.contains { !$0.isHot } }
}

/// A condition that fits the catalogue.
public struct CheckedRule: Hashable, Sendable {
    /// The rule as written.
    public let syntax: RuleSyntax
    /// Its meaning.
    public let condition: CheckedCondition
    /// What it reads.
    public let uses: RuleUses

    init(syntax: RuleSyntax, condition: CheckedCondition, uses: RuleUses) {
        self.syntax = syntax
        self.condition = condition
        self.uses = uses
    }
}

/// A numeric value that ranks subscribers, in micro-units that fit `Int32`.
public struct CheckedScore: Hashable, Sendable {
    /// The score as written.
    public let syntax: RuleSyntax
    /// Its value with scale 6.
    public let value: CheckedValue
    /// What it reads.
    public let uses: RuleUses

    init(syntax: RuleSyntax, value: CheckedValue, uses: RuleUses) {
        self.syntax = syntax
        self.value = value
        self.uses = uses
    }
}
