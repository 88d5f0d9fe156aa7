// The meaning of behaviour, row by row.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles
import Rules

extension RowInterpreter {
    /// The column that a sum or a last value reads.
    func column(of aggregate: RuleAggregate) -> Attribute? {
        aggregate.column.flatMap { source(aggregate).columns.attribute(named: $0) }
    }

    private func source(_ aggregate: RuleAggregate) -> EventSource {
        let source = RuleWorld.sources.first { $0.name == aggregate.source || $0.title.zh == aggregate.source }
        guard let source else { preconditionFailure("no source \(aggregate.source)") }
        return source
    }

    mutating func aggregate(_ aggregate: RuleAggregate, _ row: Int) -> Value? {
        let rows = rows(of: aggregate, row)
        let result: Value?
        switch aggregate.function {
        case .count: result = .number(Int128(rows.count), scale: 0)
        case .sum: result = sum(aggregate, rows)
        case .last: result = last(aggregate, rows)
        case .did: preconditionFailure("did is a condition")
        }
        let type = column(of: aggregate).map { typeName($0) } ?? "rows"
        note(aggregate.function.rawValue, type, rows.isEmpty ? "no row" : result == nil ? "NULL" : "value")
        return result
    }

    /// The rows of behaviour that an aggregate is about.
    mutating func rows(of aggregate: RuleAggregate, _ row: Int) -> [RuleEvent] {
        let source = source(aggregate)
        var rows: [RuleEvent] = []
        for event in table.events[source.name] ?? [] where event.row == row {
            let isInWindow = aggregate.window.map { holds($0, of: day(event, source), row) } ?? true
            self.event = (source, event)
            let truth = aggregate.condition.map { self.truth($0, row) } ?? true
            self.event = nil
            note("row", "condition", truth.map { $0 ? "true" : "false" } ?? "unknown")
            if isInWindow, truth ?? (fault == .unknownRowsCount) { rows.append(event) }
        }
        if aggregate.function == .did { note("did", "rows", rows.isEmpty ? "no row" : "row") }
        return rows
    }

    private func day(_ event: RuleEvent, _ source: EventSource) -> LocalDay? {
        if case .day(let day) = event.values[source.day] { day } else { nil }
    }

    private mutating func holds(_ window: RuleWindow, of day: LocalDay?, _ row: Int) -> Bool {
        switch window {
        case .within(let interval):
            let start = moved(table.today, -interval.count, interval.unit)
            let isIn = day.map { (fault == .windowIncludesItsStart ? $0 >= start : $0 > start) && $0 <= table.today }
            note("within", interval.unit.rawValue, isIn.map { $0 ? "in" : "out" } ?? "no day")
            return isIn ?? false
        case .between(let low, let high):
            guard case .day(let first) = value(low, row), case .day(let last) = value(high, row) else { return false }
            let isIn = day.map { $0 >= first && $0 <= last }
            note("between", "window", isIn.map { $0 ? "in" : "out" } ?? "no day")
            return isIn ?? false
        }
    }

    private func sum(_ aggregate: RuleAggregate, _ rows: [RuleEvent]) -> Value? {
        guard let column = column(of: aggregate) else { preconditionFailure("a sum has a column") }
        let numbers = rows.compactMap { event -> Int128? in
            if case .number(let number) = event.values[column.code] { Int128(number.unscaled) } else { nil }
        }
        let scale = if case .decimal(let scale) = column.type { scale } else { 0 }
        guard !numbers.isEmpty else { return fault == .sumOfNothingIsZero ? .number(0, scale: scale) : nil }
        let bound = fault == .sumIsUnbounded ? power(30) : min(power(12 + scale), power(18) - 1)
        return .number(min(max(numbers.reduce(0, +), -bound), bound), scale: scale)
    }

    /// The latest day, then the latest time, then the greatest value; no time and no value come first.
    private func last(_ aggregate: RuleAggregate, _ rows: [RuleEvent]) -> Value? {
        guard let column = column(of: aggregate) else { preconditionFailure("a last value has a column") }
        let source = source(aggregate)
        var latest: (day: LocalDay, second: Int, value: Value?)?
        for event in rows {
            guard let day = day(event, source) ?? (fault == .lastIsOfAnyDay ? table.today : nil) else { continue }
            let second = source.time == nil ? 0 : event.second
            let value = value(event.values[column.code] ?? .null)
            if fault == .lastSkipsNull, value == nil { continue }
            guard let known = latest else {
                latest = (day, second, value)
                continue
            }
            let isLater =
                day != known.day
                ? day > known.day
                : second != known.second ? second > known.second : isGreater(value, than: known.value)
            if isLater { latest = (day, second, value) }
        }
        return latest?.value
    }

    private func isGreater(_ a: Value?, than b: Value?) -> Bool {
        switch (a, b) {
        case (nil, _): false
        case (_, nil): true
        case (.number(let x, _), .number(let y, _)): x > y
        case (.day(let x), .day(let y)): x > y
        case (.flag(let x), .flag(let y)): x && !y
        case (.text(let x), .text(let y)): y.utf8.lexicographicallyPrecedes(x.utf8)
        default: preconditionFailure("a column has one type")
        }
    }
}
