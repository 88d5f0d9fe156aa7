// Behaviour as SQL: which subscribers have rows that come to something, as sets of subscribers where that is possible.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension SQLPrinter {
    /// A condition that is true for the members and for nobody else.
    ///
    /// NOT moves to the leaves, so that a set of those for whom a leaf is true says all there is to know: rows are read
    /// and grouped once. Only leaves that bring behaviour together with attributes or other behaviour ask row by row.
    func members(_ condition: CheckedCondition, negated: Bool = false) -> String {
        guard condition.readsBehaviour else {
            return negated ? "NOT " + bracketed(condition) : self.condition(condition)
        }
        switch condition {
        case .not(let part): return members(part, negated: !negated)
        case .holds(let part): return negated ? "(\(members(part))) IS NOT TRUE" : members(part)
        case .and(let parts):
            return parts.map { "(\(members($0, negated: negated)))" }.joined(separator: negated ? " OR " : " AND ")
        case .or(let parts):
            return parts.map { "(\(members($0, negated: negated)))" }.joined(separator: negated ? " AND " : " OR ")
        case .compare(let left, let sign, let right) where negated:
            return leaf(.compare(left, sign.negated, right))
        default: return leaf(negated ? .not(condition) : condition)
        }
    }

    private func leaf(_ leaf: CheckedCondition) -> String {
        guard let aggregate = leaf.onlyAggregate else { return condition(leaf) }
        // Whoever has no row is in no group: he is a member by being in none of the groups that are not.
        let isOfNothing = leaf.truthOfNothing == true
        var having = ""
        if case .compare(let value, let sign, let bound) = leaf, value.operation == .aggregate(aggregate),
            aggregate.function == .count, case .constant(let number) = bound.operation
        {
            let wanted = isOfNothing ? sign.negated : sign
            if !wanted.holdsFromOne(number) { having = "count(*) \(wanted.rawValue) \(number)" }
        } else {
            let test = SQLPrinter(dialect: dialect, grouped: aggregate).condition(leaf)
            having = isOfNothing ? "(\(test)) IS NOT TRUE" : test
        }
        let idx = dialect.quoted(identifier: "idx")
        return "\(idx)\(isOfNothing ? " NOT" : "") IN (SELECT \(idx) FROM \(rows(of: aggregate))"
            + (having.isEmpty ? "" : " GROUP BY \(idx) HAVING \(having)") + ")"
    }

    /// The value of an aggregate: in its group, or else looked up for a row of table `subscriber`.
    func aggregate(_ aggregate: CheckedAggregate) -> String {
        guard aggregate != grouped else { return result(of: aggregate) }
        let idx = dialect.quoted(identifier: "idx")
        let relation = dialect.quoted(identifier: aggregate.source.relation)
        return "(SELECT \(result(of: aggregate)) FROM "
            + rows(of: aggregate, and: "\(relation).\(idx) = \(dialect.quoted(identifier: "subscriber")).\(idx)") + ")"
    }

    private func rows(of aggregate: CheckedAggregate, and own: String? = nil) -> String {
        let day = dialect.quoted(identifier: aggregate.source.day)
        var conditions = own.map { [$0] } ?? []
        if let condition = aggregate.condition {
            conditions.append("(\(SQLPrinter(dialect: dialect).condition(condition)))")
        }
        if let window = aggregate.window {
            conditions.append("\(day) BETWEEN \(integer(window.first)) AND \(integer(window.last))")
        } else if case .last = aggregate.function {
            conditions.append("\(day) IS NOT NULL")
        }
        return dialect.quoted(identifier: aggregate.source.relation)
            + (conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND "))
    }

    /// What rows come to, as an unscaled BIGINT; days, flags and texts in their own types.
    private func result(of aggregate: CheckedAggregate) -> String {
        switch aggregate.function {
        case .count: return "count(*)"
        case .sum(let column):
            let values = self.column(column)
            let bound = Scaled(unscaled: CheckedAggregate.sumBound(scale: column.scale), scale: column.scale)
            let sum =
                switch dialect {
                case .duckdb: "sum(\(values))"
                // Spark's sum has ten digits more than what it adds up.
                case .spark: "sum(CAST(\(values) AS DECIMAL(28, \(column.scale))))"
                }
            let held =
                "CASE WHEN \(sum) > \(bound) THEN \(bound) WHEN \(sum) < -\(bound) THEN -\(bound) ELSE \(sum) END"
            return column.scale > 0 ? unscaled(held, column) : "CAST(\(held) AS BIGINT)"
        case .last(let column):
            let (value, source) = (self.column(column), aggregate.source)
            let order =
                ([source.day] + (source.time.map { [$0] } ?? [])).map { dialect.quoted(identifier: $0) } + [value]
            return switch dialect {
            case .duckdb:
                unscaled("last(\(value) ORDER BY \(order.map { $0 + " NULLS FIRST" }.joined(separator: ", ")))", column)
            case .spark: unscaled("max_by(\(value), struct(\(order.joined(separator: ", "))))", column)
            }
        }
    }
}

extension CheckedCondition {
    /// Whether what subscribers did has a part in it.
    var readsBehaviour: Bool {
        switch self {
        case .constant, .flag, .member: false
        case .and(let parts), .or(let parts): parts.contains(where: \.readsBehaviour)
        case .not(let part), .holds(let part): part.readsBehaviour
        case .compare, .isIn, .like, .isNull: values.contains(where: \.readsBehaviour)
        }
    }

    /// The values of a leaf that are not constant.
    private var values: [CheckedValue] {
        switch self {
        case .compare(let left, _, let right): [left, right]
        case .isIn(let value, _), .like(let value, _), .isNull(let value): [value]
        case .not(let part): part.values
        case .constant, .flag, .member, .and, .or, .holds: []
        }
    }

    /// The only thing that differs between subscribers in a leaf, where that is an aggregate.
    fileprivate var onlyAggregate: CheckedAggregate? {
        let varying = Set(values.flatMap(\.varying))
        guard varying.count == 1, case .aggregate(let aggregate) = varying.first else { return nil }
        return aggregate
    }

    /// What a leaf says of somebody without rows; nil = unknown.
    fileprivate var truthOfNothing: Bool? {
        switch self {
        case .not(let part): return part.truthOfNothing.map { !$0 }
        case .compare(let left, let sign, let right):
            guard let a = left.evaluate({ _ in nil }), let b = right.evaluate({ _ in nil }) else { return nil }
            return sign.holds(a, b)
        case .isIn(let value, let items):
            guard let number = value.evaluate({ _ in nil }) else { return nil }
            return items.contains { $0.evaluate({ _ in nil }) == number }
        case .isNull(let value): return value.evaluate({ _ in nil }) == nil
        default: return nil
        }
    }
}

extension CheckedValue {
    fileprivate var readsBehaviour: Bool {
        if case .aggregate = operation { true } else { children.contains(where: \.readsBehaviour) }
    }

    /// Attributes and aggregates below and including this value.
    fileprivate var varying: [Operation] {
        switch operation {
        case .attribute, .aggregate: [operation]
        default: children.flatMap(\.varying)
        }
    }
}

extension ComparisonOperator {
    /// The operator that holds exactly where this one does not.
    public var negated: ComparisonOperator {
        switch self {
        case .equal: .notEqual
        case .notEqual: .equal
        case .less: .greaterOrEqual
        case .lessOrEqual: .greater
        case .greater: .lessOrEqual
        case .greaterOrEqual: .less
        }
    }

    /// Whether it holds between every number from 1 on and `bound`.
    fileprivate func holdsFromOne(_ bound: Int64) -> Bool {
        switch self {
        case .greaterOrEqual: bound <= 1
        case .greater, .notEqual: bound <= 0
        case .equal, .less, .lessOrEqual: false
        }
    }
}
