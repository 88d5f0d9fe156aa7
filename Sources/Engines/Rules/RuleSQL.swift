// A checked rule as SQL. Arithmetic runs on unscaled integers; the engine's own division and floating point are unused.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model

extension CheckedRule {
    /// The rule as a condition on the rows of table `subscriber`, for a WHERE clause.
    ///
    /// Attributes are columns named by their codes. Membership reads `list_member("list", "idx")`,
    /// `audience_member("audience", "idx")` and `product_owner("product", "idx")`, behaviour ``EventSource/relation``.
    /// There are no parameters. It is true exactly for the members; for others a rule with behaviour may be false
    /// where its meaning is unknown.
    ///
    /// - Parameters:
    ///   - dialect: The SQL to write.
    ///   - today: The logical local day.
    /// - Returns: A condition without a trailing semicolon; brackets are needed beside other conditions.
    public func sql(_ dialect: SQLDialect, today: LocalDay) -> SQLText {
        SQLText(SQLPrinter(dialect: dialect).members(condition.bound(today: today)), dialect: dialect)
    }
}

extension CheckedScore {
    /// The score in micro-units as an integer expression on the rows of table `subscriber`; NULL where there is none.
    public func sql(_ dialect: SQLDialect, today: LocalDay) -> SQLText {
        SQLText(SQLPrinter(dialect: dialect).integer(value.bound(today: today)), dialect: dialect)
    }
}

extension MembershipKind {
    /// The table that SQL reads members from, and its column of names; the other column is `idx`.
    public var table: (name: String, key: String) {
        switch self {
        case .list: ("list_member", "list")
        case .audience: ("audience_member", "audience")
        case .product: ("product_owner", "product")
        }
    }
}

struct SQLPrinter {
    let dialect: SQLDialect
    /// The aggregate whose groups the printed condition is about.
    var grouped: CheckedAggregate?

    func condition(_ condition: CheckedCondition) -> String {
        switch condition {
        case .constant(let value): value ? "TRUE" : "FALSE"
        case .and(let parts): parts.map { bracketed($0) }.joined(separator: " AND ")
        case .or(let parts): parts.map { bracketed($0) }.joined(separator: " OR ")
        case .not(let part): "NOT " + bracketed(part)
        case .holds(let part): bracketed(part) + " IS TRUE"
        case .flag(let attribute): column(attribute)
        case .compare(let left, let sign, let right): comparison(left, sign, right)
        case .isIn(let value, let items): member(value, items)
        case .like(let value, let pattern): operand(value) + " LIKE " + self.pattern(pattern)
        case .isNull(let value): operand(value) + " IS NULL"
        case .member(let membership): member(membership)
        }
    }

    func bracketed(_ condition: CheckedCondition) -> String {
        switch condition {
        case .constant, .flag: self.condition(condition)
        default: "(" + self.condition(condition) + ")"
        }
    }

    func column(_ attribute: Attribute) -> String {
        dialect.quoted(identifier: attribute.code)
    }

    private func member(_ membership: Membership) -> String {
        let (table, key) = membership.kind.table
        let idx = dialect.quoted(identifier: "idx")
        return "\(idx) IN (SELECT \(idx) FROM \(dialect.quoted(identifier: table)) WHERE "
            + "\(dialect.quoted(identifier: key)) = \(dialect.quoted(literal: membership.name)))"
    }

    private func pattern(_ pattern: LikePattern) -> String {
        // Spark always takes a backslash for an escape, DuckDB only where it is told so.
        let special: [Unicode.Scalar] = dialect == .spark ? ["%", "_", "\\"] : ["%", "_"]
        let escapes = pattern.pieces.contains { piece in special.contains { piece == .exactly($0) } }
        var text = String.UnicodeScalarView()
        for piece in pattern.pieces {
            switch piece {
            case .any: text.append("%")
            case .one: text.append("_")
            case .exactly(let scalar):
                if escapes, scalar == "%" || scalar == "_" || scalar == "\\" { text.append("\\") }
                text.append(scalar)
            }
        }
        let literal = dialect.quoted(literal: String(text))
        return escapes && dialect == .duckdb ? literal + " ESCAPE '\\'" : literal
    }

    private func comparison(_ left: CheckedValue, _ sign: ComparisonOperator, _ right: CheckedValue) -> String {
        if case .enumeration = left.type, sign != .equal, sign != .notEqual {
            return "\(rank(left, beside: right)) \(sign.rawValue) \(rank(right, beside: left))"
        }
        return isPlain([left, right])
            ? "\(operand(left)) \(sign.rawValue) \(operand(right))"
            : "\(integer(left)) \(sign.rawValue) \(integer(right))"
    }

    private func member(_ value: CheckedValue, _ items: [CheckedValue]) -> String {
        let list = items.map { isPlain([value]) ? operand($0) : integer($0) }
        return operand(value) + " IN (" + list.joined(separator: ", ") + ")"
    }

    /// Whether values can stand in the engine's own types: columns and constants, which have one scale.
    private func isPlain(_ values: [CheckedValue]) -> Bool {
        values.allSatisfy {
            switch $0.operation {
            case .attribute, .constant, .text: true
            default: false
            }
        }
    }

    /// A column or constant in the engine's own type; anything else as an unscaled integer.
    private func operand(_ value: CheckedValue) -> String {
        switch (value.operation, value.type) {
        case (.attribute(let attribute), _): column(attribute)
        case (.constant(let unscaled), .number(let scale)):
            Scaled(unscaled: unscaled, scale: scale).description
        default: integer(value)
        }
    }

    /// The place of an enumeration's value in its domain.
    private func rank(_ value: CheckedValue, beside other: CheckedValue) -> String {
        let domain =
            [value, other].lazy.compactMap { side -> [DomainValue]? in
                if case .attribute(let attribute) = side.operation { attribute.domain } else { nil }
            }.first ?? []
        guard case .attribute(let attribute) = value.operation else {
            return String(domain.firstIndex { value.operation == .text($0.value) } ?? -1)
        }
        let cases = domain.enumerated().map { "WHEN \(dialect.quoted(literal: $1.value)) THEN \($0)" }
        return "CASE \(column(attribute)) \(cases.joined(separator: " ")) END"
    }

    /// A value as an unscaled BIGINT; days, flags and texts in their own types.
    func integer(_ value: CheckedValue) -> String {
        switch value.operation {
        case .constant(let number): constant(number, value.type)
        case .text(let text): dialect.quoted(literal: text)
        case .attribute(let attribute): unscaled(attribute)
        case .add(let a, let b): "(\(integer(a)) + \(integer(b)))"
        case .subtract(let a, let b): "(\(integer(a)) - \(integer(b)))"
        case .multiply(let a, let b): "(\(integer(a)) * \(integer(b)))"
        case .negate(let a): "(- \(integer(a)))"
        case .scaleUp(let a, let power): "(\(integer(a)) * \(Scaled.powerOfTen(power)))"
        case .divide(let a, let b):
            if case .constant(let divisor) = b.operation, divisor != 0 {
                quotient(integer(a), integer(b))
            } else {
                quotient(integer(a), "NULLIF(\(integer(b)), 0)")
            }
        case .scaleDown(let a, let power): quotient(integer(a), String(Scaled.powerOfTen(power)))
        case .addDays(let a, let count): shifted(a, count, "DAY")
        case .addMonths(let a, let count): shifted(a, count, "MONTH")
        case .daysBetween(let from, let to):
            switch dialect {
            case .duckdb: "datediff('day', \(integer(from)), \(integer(to)))"
            case .spark: "CAST(datediff(\(integer(to)), \(integer(from))) AS BIGINT)"
            }
        case .aggregate(let aggregate): self.aggregate(aggregate)
        case .today: preconditionFailure("today is bound before SQL is printed")
        }
    }

    /// Both engines' integer division rounds toward zero.
    private func quotient(_ dividend: String, _ divisor: String) -> String {
        switch dialect {
        case .duckdb: "(\(dividend) // \(divisor))"
        case .spark: "(\(dividend) div \(divisor))"
        }
    }

    private func shifted(_ value: CheckedValue, _ count: Int, _ unit: String) -> String {
        "CAST(\(integer(value)) \(count < 0 ? "-" : "+") INTERVAL \(count.magnitude) \(unit) AS DATE)"
    }

    private func constant(_ number: Int64, _ type: ValueType) -> String {
        switch type {
        case .day:
            guard DayBounds.calendar.contains(number) else {
                // No literal says such a day.
                let epoch = CheckedValue.constant(0, .day)
                return shifted(epoch, Int(number), "DAY")
            }
            return "DATE '\(LocalDay(number: Int32(truncatingIfNeeded: number)).iso)'"
        case .flag: return number == 0 ? "FALSE" : "TRUE"
        default: return number < 0 ? "(\(number))" : String(number)
        }
    }

    private func unscaled(_ attribute: Attribute) -> String {
        unscaled(column(attribute), attribute)
    }

    /// An expression of a column's type as an unscaled BIGINT.
    func unscaled(_ expression: String, _ attribute: Attribute) -> String {
        guard attribute.scale > 0 else { return expression }
        let factor = Scaled.powerOfTen(attribute.scale)
        return switch dialect {
        // DuckDB keeps the width of the column in a product; Spark widens it by itself.
        case .duckdb: "CAST(CAST(\(expression) AS DECIMAL(38, \(attribute.scale))) * \(factor) AS BIGINT)"
        case .spark: "CAST(\(expression) * \(factor) AS BIGINT)"
        }
    }
}
