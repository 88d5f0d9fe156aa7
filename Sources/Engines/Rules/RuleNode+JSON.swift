// The JSON form of a rule's tree, for the visual builder: one object per node, told apart by `type`.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// All fields a node's object may have; each type uses a few of them.
private struct NodeForm: Codable {
    enum Tag: String, Codable {
        case and, or, not, comparison, `in`, between, like, isNull, attribute, number, text, day, boolean, today, null
        case arithmetic, negative, interval, call, count, sum, last, did
    }

    var type: Tag
    var conditions: [RuleNode]?
    var condition: RuleNode?
    var left: RuleNode?
    var `operator`: String?
    var right: RuleNode?
    var value: RuleNode?
    var list: [RuleNode]?
    var low: RuleNode?
    var high: RuleNode?
    var pattern: RuleNode?
    var escape: RuleNode?
    var negated: Bool?
    var attribute: String?
    /// Digits such as `"12.50"`, so that nothing is rounded on the way.
    var number: String?
    var text: String?
    var day: String?
    var boolean: Bool?
    var interval: RuleInterval?
    var function: String?
    var arguments: [RuleNode]?
    /// A table of behaviour, and the column that is summed or of which the last value is meant.
    var source: String?
    var column: String?
    /// The window of an aggregate; else `low` and `high`.
    var within: RuleInterval?
}

extension RuleNode: Codable {
    /// Writes the node as one object.
    public func encode(to encoder: any Encoder) throws {
        try form.encode(to: encoder)
    }

    private var form: NodeForm {
        switch kind {
        case .and(let parts): NodeForm(type: .and, conditions: parts)
        case .or(let parts): NodeForm(type: .or, conditions: parts)
        case .not(let part): NodeForm(type: .not, condition: part)
        case .comparison(let left, let sign, let right):
            NodeForm(type: .comparison, left: left, operator: sign.rawValue, right: right)
        case .isIn(let value, let list, let negated): NodeForm(type: .in, value: value, list: list, negated: negated)
        case .between(let value, let low, let high, let negated):
            NodeForm(type: .between, value: value, low: low, high: high, negated: negated)
        case .like(let value, let pattern, let escape, let negated):
            NodeForm(type: .like, value: value, pattern: pattern, escape: escape, negated: negated)
        case .isNull(let value, let negated): NodeForm(type: .isNull, value: value, negated: negated)
        case .name(let name): NodeForm(type: .attribute, attribute: name)
        case .number(let number): NodeForm(type: .number, number: number.description)
        case .text(let text): NodeForm(type: .text, text: text)
        case .day(let day): NodeForm(type: .day, day: day.iso)
        case .boolean(let value): NodeForm(type: .boolean, boolean: value)
        case .today: NodeForm(type: .today)
        case .null: NodeForm(type: .null)
        case .arithmetic(let left, let sign, let right):
            NodeForm(type: .arithmetic, left: left, operator: sign.rawValue, right: right)
        case .negative(let part): NodeForm(type: .negative, value: part)
        case .interval(let interval): NodeForm(type: .interval, interval: interval)
        case .call(let function, let arguments): NodeForm(type: .call, function: function, arguments: arguments)
        case .aggregate(let aggregate): aggregate.form
        }
    }

    /// Reads one object.
    ///
    /// - Throws: `DecodingError` that names the path of the object and what is missing in it.
    public init(from decoder: any Decoder) throws {
        func malformed(_ problem: String) -> DecodingError {
            .dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem))
        }
        // Every level of the tree adds one or two keys to the path.
        guard decoder.codingPath.count <= 2 * RuleLimits.depth else {
            throw malformed("the rule is nested deeper than \(RuleLimits.depth) levels")
        }
        let form = try NodeForm(from: decoder)
        func need<T>(_ value: T?, _ name: String) throws -> T {
            guard let value else { throw malformed("a node of type \(form.type.rawValue) needs '\(name)'") }
            return value
        }
        func parse<T>(_ text: String?, _ name: String, _ parse: (String) -> T?) throws -> T {
            let text = try need(text, name)
            guard let value = parse(text) else { throw malformed("'\(text)' is no \(name)") }
            return value
        }
        let negated = form.negated ?? false
        switch form.type {
        case .and: self.init(.and(try need(form.conditions, "conditions")))
        case .or: self.init(.or(try need(form.conditions, "conditions")))
        case .not: self.init(.not(try need(form.condition, "condition")))
        case .comparison:
            let sign = try parse(form.operator, "operator", ComparisonOperator.init(rawValue:))
            self.init(.comparison(try need(form.left, "left"), sign, try need(form.right, "right")))
        case .in: self.init(.isIn(try need(form.value, "value"), try need(form.list, "list"), negated: negated))
        case .between:
            let (low, high) = (try need(form.low, "low"), try need(form.high, "high"))
            self.init(.between(try need(form.value, "value"), low: low, high: high, negated: negated))
        case .like:
            let (value, pattern) = (try need(form.value, "value"), try need(form.pattern, "pattern"))
            self.init(.like(value, pattern: pattern, escape: form.escape, negated: negated))
        case .isNull: self.init(.isNull(try need(form.value, "value"), negated: negated))
        case .attribute: self.init(.name(try need(form.attribute, "attribute")))
        case .number: self.init(.number(try parse(form.number, "number") { Scaled(parsing: $0) }))
        case .text: self.init(.text(try need(form.text, "text")))
        case .day: self.init(.day(try parse(form.day, "day") { LocalDay(iso: $0) }))
        case .boolean: self.init(.boolean(try need(form.boolean, "boolean")))
        case .today: self.init(.today)
        case .null: self.init(.null)
        case .arithmetic:
            let sign = try parse(form.operator, "operator", ArithmeticOperator.init(rawValue:))
            self.init(.arithmetic(try need(form.left, "left"), sign, try need(form.right, "right")))
        case .negative: self.init(.negative(try need(form.value, "value")))
        case .interval: self.init(.interval(try need(form.interval, "interval")))
        case .call: self.init(.call(try need(form.function, "function"), try need(form.arguments, "arguments")))
        case .count, .sum, .last, .did:
            guard let function = RuleAggregate.Function(rawValue: form.type.rawValue) else {
                throw malformed("'\(form.type.rawValue)' is no function")
            }
            var window = form.within.map { RuleWindow.within($0) }
            if form.low != nil || form.high != nil {
                guard window == nil else { throw malformed("a window is 'within' or from 'low' to 'high', not both") }
                window = .between(try need(form.low, "low"), try need(form.high, "high"))
            }
            let aggregate = RuleAggregate(
                function,
                source: try need(form.source, "source"),
                column: form.column,
                condition: form.condition,
                window: window
            )
            self.init(.aggregate(aggregate))
        }
    }
}

extension RuleAggregate {
    fileprivate var form: NodeForm {
        var form = NodeForm(type: NodeForm.Tag(rawValue: function.rawValue) ?? .count, condition: condition)
        form.source = source
        form.column = column
        switch window {
        case .within(let interval): form.within = interval
        case .between(let low, let high): (form.low, form.high) = (low, high)
        case nil: break
        }
        return form
    }
}
