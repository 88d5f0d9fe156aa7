// The syntax tree of a rule: what was written, before any name or type is looked up.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// How two values are compared.
public enum ComparisonOperator: String, Sendable, CaseIterable {
    case equal = "="
    case notEqual = "<>"
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="

    /// The operator that gives the same answer with the two sides exchanged.
    public var mirrored: ComparisonOperator {
        switch self {
        case .equal, .notEqual: self
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        }
    }
}

/// How two numbers are combined, or a day and an interval.
public enum ArithmeticOperator: String, Sendable, CaseIterable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
}

/// The unit of an interval; months clamp to the month's end.
public enum IntervalUnit: String, Sendable, Codable, CaseIterable {
    case day
    case month
}

/// A number of days or months.
public struct RuleInterval: Hashable, Sendable, Codable {
    /// Not negative, at most ``RuleLimits/interval``.
    public var count: Int
    /// Days or months.
    public var unit: IntervalUnit

    /// Joins a count and a unit.
    public init(count: Int, unit: IntervalUnit) {
        self.count = count
        self.unit = unit
    }
}

/// Bounds on what a rule may look like, so that no input exhausts memory or the stack.
public enum RuleLimits {
    /// Unicode scalars in a rule's text.
    public static let length = 65_536
    /// Levels of a rule's tree.
    public static let depth = 100
    /// Days or months of an interval: 2,737 years of days.
    public static let interval = 1_000_000
    /// Derived attributes that one may be made of, each of the one before.
    public static let derivations = 10
    /// Nodes that the derived attributes of a rule have together, each use counted.
    public static let derivedNodes = 5_000
}

/// A node of the syntax tree.
///
/// Two nodes are equal when they say the same, wherever it was written.
public struct RuleNode: Sendable {
    /// What a node says.
    ///
    /// Conditions and values share one type; the checker tells them apart.
    public indirect enum Kind: Hashable, Sendable {
        /// All of two or more conditions.
        case and([RuleNode])
        /// Any of two or more conditions.
        case or([RuleNode])
        case not(RuleNode)
        case comparison(RuleNode, ComparisonOperator, RuleNode)
        case isIn(RuleNode, [RuleNode], negated: Bool)
        case between(RuleNode, low: RuleNode, high: RuleNode, negated: Bool)
        case like(RuleNode, pattern: RuleNode, escape: RuleNode?, negated: Bool)
        case isNull(RuleNode, negated: Bool)
        /// An attribute by its code or Chinese name.
        case name(String)
        /// A number as written, not negative.
        case number(Scaled)
        /// A text, NFC.
        case text(String)
        case day(LocalDay)
        case boolean(Bool)
        case today
        case null
        case arithmetic(RuleNode, ArithmeticOperator, RuleNode)
        case negative(RuleNode)
        case interval(RuleInterval)
        /// A function, its name in lower case.
        case call(String, [RuleNode])
        /// What a subscriber did: `count`, `sum`, `last` or `did`.
        case aggregate(RuleAggregate)
    }

    /// What the node says.
    public let kind: Kind
    /// Where it stands in the rule's text, in Unicode scalars; not part of the node's identity.
    let range: Range<Int>
    /// Levels of the tree under and including this node.
    let height: Int
    /// Nodes of the tree: this one and all below.
    let count: Int

    /// Makes a node that was not read from text, for example by the visual builder.
    public init(_ kind: Kind) {
        self.init(kind, range: 0..<0)
    }

    init(_ kind: Kind, range: Range<Int>) {
        self.kind = kind
        self.range = range
        height = 1 + kind.children.reduce(0) { max($0, $1.height) }
        count = 1 + kind.children.reduce(0) { $0 + $1.count }
    }
}

extension RuleNode: Hashable {
    /// Whether both nodes say the same.
    public static func == (a: RuleNode, b: RuleNode) -> Bool { a.kind == b.kind }

    /// Feeds what the node says.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(kind)
    }
}

extension RuleNode.Kind {
    /// The nodes directly below.
    var children: [RuleNode] {
        switch self {
        case .and(let parts), .or(let parts), .call(_, let parts): parts
        case .not(let part), .negative(let part), .isNull(let part, _): [part]
        case .comparison(let left, _, let right), .arithmetic(let left, _, let right): [left, right]
        case .isIn(let value, let list, _): [value] + list
        case .between(let value, let low, let high, _): [value, low, high]
        case .like(let value, let pattern, let escape, _): [value, pattern] + (escape.map { [$0] } ?? [])
        case .aggregate(let aggregate): aggregate.children
        case .name, .number, .text, .day, .boolean, .today, .null, .interval: []
        }
    }
}
