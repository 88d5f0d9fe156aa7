// Random rules about behaviour.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles
import Rules

/// What a rule asks of behaviour.
public enum BehaviourFeature: Hashable, Sendable, CaseIterable {
    case did, count, countOfNone, countIn, countIsNull
    case sum, sumIn, sumIsNull
    case lastNumber, lastDay, lastFlag, lastText, lastLike, lastIn, lastIsNull
    case arithmetic, besideAttribute, besideOther
}

extension RuleFeature {
    /// Every question about behaviour.
    public static let behaviour = BehaviourFeature.allCases.map { RuleFeature.behaviour($0) }
}

extension RuleGenerator {
    mutating func behaviour(_ feature: BehaviourFeature) -> RuleNode {
        switch feature {
        case .did: return maybeNot(below(4) == 0 ? RuleNode(.name("d_active")) : aggregate(.did))
        case .count: return against(below(3) == 0 ? RuleNode(.name("d_contacts")) : aggregate(.count))
        case .countOfNone:
            let sign = ComparisonOperator.allCases[below(6)]
            return RuleNode(.comparison(aggregate(.count), sign, number(Int64(below(3)))))
        case .countIn:
            let list = (0...below(3)).map { _ in number(Int64(below(4))) }
            return RuleNode(.isIn(aggregate(.count), list, negated: below(2) == 0))
        case .countIsNull: return RuleNode(.isNull(aggregate(.count), negated: below(2) == 0))
        case .sum: return against(aggregate(.sum))
        case .sumIn: return isIn(aggregate(.sum))
        case .sumIsNull: return RuleNode(.isNull(aggregate(.sum), negated: below(2) == 0))
        case .lastNumber: return against(aggregate(.last) { $0.isNumber })
        case .lastDay:
            let day = aggregate(.last) { $0 == .day }
            return against(below(2) == 0 ? day : RuleNode(.call("days_between", [day, RuleNode(.today)])))
        case .lastFlag:
            let flag = aggregate(.last) { $0 == .flag }
            return below(2) == 0 ? flag : RuleNode(.comparison(flag, .notEqual, RuleNode(.boolean(below(2) == 0))))
        case .lastText:
            let text = aggregate(.last) { $0 == .text }
            return RuleNode(.comparison(text, below(2) == 0 ? .equal : .notEqual, sample(text)))
        case .lastLike:
            let text = aggregate(.last) { $0 == .text }
            let pattern = ["%", "_%", "a%", "%a%", "__"][below(5)]
            return RuleNode(.like(text, pattern: RuleNode(.text(pattern)), escape: nil, negated: below(2) == 0))
        case .lastIn: return isIn(aggregate(.last) { $0 != .flag })
        case .lastIsNull: return RuleNode(.isNull(aggregate(.last), negated: below(2) == 0))
        case .arithmetic:
            let sign = ArithmeticOperator.allCases[below(4)]
            let right = below(2) == 0 ? number(Int64(below(5))) : aggregate(.count)
            return against(RuleNode(.arithmetic(aggregate(below(2) == 0 ? .sum : .count), sign, right)))
        case .besideAttribute:
            let attribute = attribute(below(2) == 0 ? .integer : .decimal)
            return RuleNode(.comparison(aggregate(below(2) == 0 ? .sum : .count), anySign(), attribute))
        case .besideOther:
            return RuleNode(.comparison(aggregate(.sum), anySign(), aggregate(below(2) == 0 ? .sum : .count)))
        }
    }

    // MARK: Parts

    private mutating func anySign() -> ComparisonOperator { ComparisonOperator.allCases[below(6)] }

    private func number(_ number: Int64) -> RuleNode { RuleNode(.number(Scaled(unscaled: number, scale: 0))) }

    private mutating func isIn(_ value: RuleNode) -> RuleNode {
        let list = (0...below(4)).map { _ in sample(value) }
        return RuleNode(.isIn(value, list, negated: below(2) == 0))
    }

    /// A value that an expression has on some row.
    private mutating func sample(_ expression: RuleNode) -> RuleNode {
        for _ in 0..<8 {
            if let value = interpreter.literal(expression, below(table.rows)) { return literal(value) }
        }
        guard case .aggregate(let aggregate) = expression.kind, let column = interpreter.column(of: aggregate) else {
            return number(0)
        }
        return switch column.type {
        case .day: RuleNode(.today)
        case .flag: RuleNode(.boolean(true))
        case .text, .enumeration: RuleNode(.text("a"))
        case .integer, .decimal: number(0)
        }
    }

    private mutating func aggregate(
        _ function: RuleAggregate.Function,
        where suits: @escaping (AttributeType) -> Bool = { _ in true }
    ) -> RuleNode {
        let isRight = { (column: Attribute) in suits(column.type) && (function != .sum || column.type.isNumber) }
        let sources = RuleWorld.sources.filter { $0.columns.attributes.contains(where: isRight) }
        let source = sources[below(sources.count)]
        let columns = source.columns.attributes.filter(isRight)
        let column = columns[below(columns.count)]
        let isByTitle = below(5) == 0
        return RuleNode(
            .aggregate(
                RuleAggregate(
                    function,
                    source: isByTitle ? source.title.zh : source.name,
                    column: function.takesColumn ? (isByTitle ? column.name.zh : column.code) : nil,
                    condition: below(2) == 0 ? nil : condition(source),
                    window: window()
                )
            )
        )
    }

    private mutating func window() -> RuleWindow? {
        switch below(4) {
        case 0: return nil
        case 1: return .within(RuleInterval(count: [0, 1, 2, 30, 90][below(5)], unit: .day))
        case 2: return .within(RuleInterval(count: [0, 1, 2, 3, 13][below(5)], unit: .month))
        default:
            let bounds = [bound(), bound()]
            return .between(bounds[0], bounds[1])
        }
    }

    private mutating func bound() -> RuleNode {
        let days = [0, 1, 30, 90, 100][below(5)]
        if below(2) == 0 { return RuleNode(.day(table.today.adding(days: -days))) }
        let interval = RuleInterval(count: below(2) == 0 ? days : below(4), unit: below(2) == 0 ? .day : .month)
        return RuleNode(.arithmetic(RuleNode(.today), .subtract, RuleNode(.interval(interval))))
    }

    private mutating func condition(_ source: EventSource) -> RuleNode {
        let first = leaf(source)
        guard below(3) == 0 else { return maybeNot(first) }
        let both = [first, leaf(source)]
        return maybeNot(RuleNode(below(2) == 0 ? .and(both) : .or(both)))
    }

    private mutating func leaf(_ source: EventSource) -> RuleNode {
        let columns = source.columns.attributes
        let column = columns[below(columns.count)]
        let name = RuleNode(.name(below(5) == 0 ? column.name.zh : column.code))
        let events = table.events[source.name] ?? []
        let value = events.isEmpty ? HotValue.null : events[below(events.count)].values[column.code] ?? .null
        guard value != .null, below(6) > 0 else { return RuleNode(.isNull(name, negated: below(2) == 0)) }
        if column.type == .flag, below(2) == 0 { return name }
        let constant = column.type.isNumber || column.type == .day ? nudged(value) : literal(value)
        let isOrdered = column.type.isNumber || column.type == .day
        if column.type != .flag, below(4) == 0 {
            return RuleNode(.isIn(name, [constant, literal(value)], negated: below(2) == 0))
        }
        let sign = ComparisonOperator.allCases[below(isOrdered ? 6 : 2)]
        return RuleNode(.comparison(name, sign, constant))
    }
}

extension AttributeType {
    fileprivate var isNumber: Bool {
        switch self {
        case .integer, .decimal: true
        default: false
        }
    }
}
