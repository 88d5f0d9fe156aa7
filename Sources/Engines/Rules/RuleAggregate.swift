// What subscribers did: how often, how much, what last; as a rule writes it.
// SPDX-License-Identifier: Apache-2.0

/// What the rows of a table of behaviour come to, as in `count(contact, channel = 'sms', within 90 days)`.
public struct RuleAggregate: Hashable, Sendable {
    /// What is asked of the rows.
    public enum Function: String, Sendable, CaseIterable {
        /// How many rows; 0 when there are none.
        case count
        /// The sum of a column; NULL when no row has a value.
        case sum
        /// A column of the latest row; NULL when there is no row.
        case last
        /// Whether there is a row; a condition.
        case did

        /// Whether a column is named behind the source.
        public var takesColumn: Bool { self == .sum || self == .last }
    }

    /// What is asked.
    public var function: Function
    /// The condition that rows meet; nil = all.
    public var condition: RuleNode?
    /// The days that rows are of; nil = all rows, those without a day too.
    public var window: RuleWindow?
    /// Names with their places.
    let sourceName: RuleNode
    let columnName: RuleNode?

    init(_ function: Function, _ source: RuleNode, _ column: RuleNode?, condition: RuleNode?, window: RuleWindow?) {
        self.function = function
        sourceName = source
        columnName = column
        self.condition = condition
        self.window = window
    }

    /// Asks `function` of the rows of `source`; `column` belongs to `sum` and `last`.
    public init(
        _ function: Function,
        source: String,
        column: String? = nil,
        condition: RuleNode? = nil,
        window: RuleWindow? = nil
    ) {
        self.init(
            function,
            RuleNode(.name(source)),
            column.map { RuleNode(.name($0)) },
            condition: condition,
            window: window
        )
    }

    /// The table of behaviour by its code or Chinese name.
    public var source: String { sourceName.word }
    /// The column that `sum` and `last` read.
    public var column: String? { columnName?.word }

    var children: [RuleNode] { [condition].compactMap { $0 } + (window?.bounds ?? []) }
}

/// The days that rows are of.
public enum RuleWindow: Hashable, Sendable {
    /// After today minus the interval, and not after today.
    case within(RuleInterval)
    /// From a day to a day, both included.
    case between(RuleNode, RuleNode)

    var bounds: [RuleNode] {
        switch self {
        case .within: []
        case .between(let low, let high): [low, high]
        }
    }
}

extension RuleNode {
    fileprivate var word: String {
        if case .name(let name) = kind { name } else { "" }
    }
}
