// Behaviour in the checker: sources, their columns, windows.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension Checker {
    /// `count`, `sum` and `last` as a value; `did` as its count.
    mutating func aggregate(_ node: RuleAggregate, _ range: Range<Int>) throws(RuleFault) -> CheckedValue {
        try refuseInsideSource(range)
        let source = try source(node.sourceName)
        if !uses.sources.contains(where: { $0.name == source.name }) { uses.sources.append(source) }
        let function = try function(node, source)
        var condition: CheckedCondition?
        if let written = node.condition {
            var inner = Checker(inside: source, of: scope)
            condition = try inner.condition(written)
            if inner.uses.today { uses.today = true }
        }
        let aggregate = CheckedAggregate(
            function: function,
            source: source,
            condition: condition,
            window: try node.window.map { window throws(RuleFault) in try self.window(window) }
        )
        return CheckedValue(.aggregate(aggregate), type: aggregate.type, range: aggregate.range)
    }

    /// Whether there is a row, as a condition.
    mutating func did(_ node: RuleAggregate, _ range: Range<Int>) throws(RuleFault) -> CheckedCondition {
        .compare(try aggregate(node, range), .greaterOrEqual, .constant(1, .number(scale: 0)))
    }

    /// Inside the condition of an aggregate only columns of its source have a value.
    func refuseInsideSource(_ range: Range<Int>) throws(RuleFault) {
        guard let inside else { return }
        throw RuleFault(.onlyColumns(source: inside.name, columns: inside.columns.attributes.map(\.code)), range)
    }

    private func source(_ node: RuleNode) throws(RuleFault) -> EventSource {
        guard let sources = scope.sources else { throw RuleFault(.behaviourNotHere, node.range) }
        guard case .name(let name) = node.kind else { throw RuleFault(.unknownSource(node.text), node.range) }
        if let source = sources.first(where: { $0.name == name || $0.title.zh == name }) { return source }
        let nearest = Nearest.name(name, among: sources.flatMap { [$0.name, $0.title.zh] })
        throw RuleFault(.unknownSource(name), node.range, suggestion: nearest.map { RuleNode(.name($0)).text })
    }

    private func function(
        _ node: RuleAggregate,
        _ source: EventSource
    ) throws(RuleFault) -> CheckedAggregate.Function {
        guard node.function.takesColumn, let name = node.columnName else { return .count }
        let column = try source.column(name)
        if node.function == .last { return .last(column) }
        guard case .number = column.valueType else {
            throw RuleFault(.sumNotNumber(found: RuleProblem.typeName(column.valueType)), name.range)
        }
        return .sum(column)
    }

    private mutating func window(_ window: RuleWindow) throws(RuleFault) -> CheckedWindow {
        switch window {
        case .within(let interval):
            uses.today = true
            let today = CheckedValue(.today, type: .day, range: DayBounds.calendar)
            let back = -interval.count
            let before = CheckedValue(
                interval.unit == .day ? .addDays(today, back) : .addMonths(today, back),
                type: .day,
                range: DayBounds.arithmetic
            )
            return CheckedWindow(
                first: CheckedValue(.addDays(before, 1), type: .day, range: DayBounds.arithmetic),
                last: today
            )
        case .between(let first, let last): return CheckedWindow(first: try bound(first), last: try bound(last))
        }
    }

    private mutating func bound(_ node: RuleNode) throws(RuleFault) -> CheckedValue {
        if case .text(let text) = node.kind, LocalDay(iso: text) != nil {
            throw RuleFault(.windowNotDay, node.range, suggestion: "DATE '\(text)'")
        }
        let day = try value(node)
        guard day.type == .day, day.isConstantOfDay else { throw RuleFault(.windowNotDay, node.range) }
        return day
    }
}

extension EventSource {
    /// The column that a name node means.
    func column(_ node: RuleNode) throws(RuleFault) -> Attribute {
        guard case .name(let name) = node.kind, let column = columns.attribute(named: name) else {
            throw unknownColumn(node.text, node.range)
        }
        return column
    }

    func unknownColumn(_ name: String, _ range: Range<Int>) -> RuleFault {
        let nearest = Nearest.name(name, among: columns.attributes.flatMap { [$0.code, $0.name.zh] })
        return RuleFault(
            .unknownColumn(name, source: self.name),
            range,
            suggestion: nearest.map { RuleNode(.name($0)).text }
        )
    }
}

extension CheckedAggregate {
    fileprivate var type: ValueType {
        switch function {
        case .count: .number(scale: 0)
        case .sum(let column): column.valueType
        case .last(let column):
            // A domain belongs to attributes of the catalogue; here the value is a text like any other.
            if case .enumeration = column.type { .text } else { column.valueType }
        }
    }

    fileprivate var range: ClosedRange<Int64> {
        switch function {
        case .count: return 0...Self.mostRows
        case .last(let column): return column.valueRange
        case .sum(let column):
            let bound = Self.sumBound(scale: column.scale)
            let values = column.valueRange
            return (values.lowerBound < 0 ? -bound : 0)...(values.upperBound > 0 ? bound : 0)
        }
    }
}

extension Attribute {
    /// Digits after the point; 0 for what is no number.
    var scale: Int {
        if case .decimal(let scale) = type { scale } else { 0 }
    }
}
