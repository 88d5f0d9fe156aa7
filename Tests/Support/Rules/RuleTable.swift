// Random tables for the tests of rules: few distinct values, so that they meet, and many awkward ones.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model
public import Profiles
public import Rules

/// Rows of ``RuleWorld``'s attributes as they are after a load, and the members of its lists, audiences and products.
public struct RuleTable: Sendable {
    /// Values by attribute code; every array has ``rows`` values.
    public private(set) var values: [String: [HotValue]] = [:]
    /// Rows by list, audience or product.
    public private(set) var members: [Membership: Set<Int>] = [:]
    /// Rows of behaviour by source.
    public private(set) var events: [String: [RuleEvent]] = [:]
    /// Number of rows.
    public let rows: Int
    /// The logical day.
    public let today: LocalDay

    /// Draws a table; some columns have no NULL, some are nearly all NULL.
    public init(rows: Int, random: inout SeededRandom) {
        self.rows = rows
        // A day of the leap year 2024 or of the years around it.
        today = LocalDay(number: 19_509 + Int32.random(in: 0..<900, using: &random))
        for attribute in RuleWorld.catalogue.attributes where attribute.isHot {
            let pool = Self.pool(attribute, today: today, random: &random)
            let nullPercent = [0, 10, 30, 30, 60, 90][Int.random(in: 0..<6, using: &random)]
            values[attribute.code] = (0..<rows).map { _ in
                Int.random(in: 0..<100, using: &random) < nullPercent
                    ? .null : pool[Int.random(in: 0..<pool.count, using: &random)]
            }
        }
        for kind in MembershipKind.allCases {
            for name in RuleWorld.scope.names(kind).sorted() {
                members[Membership(kind, name)] = Set((0..<rows).filter { _ in Bool.random(using: &random) })
            }
        }
    }

    /// Adds behaviour: some rows have none in a source, some a good deal.
    mutating func drawEvents(_ random: inout SeededRandom) {
        for source in RuleWorld.sources {
            let pools = source.columns.attributes.map { Self.eventPool($0, today: today, random: &random) }
            let most = [2, 4, 8][Int.random(in: 0..<3, using: &random)]
            events[source.name] = (0..<rows).flatMap { row in
                (0..<max(0, Int.random(in: -1...most, using: &random))).map { _ in
                    var event = RuleEvent(row: row, second: Int.random(in: -1...2, using: &random))
                    for (column, pool) in zip(source.columns.attributes, pools) {
                        event.values[column.code] = pool[Int.random(in: 0..<pool.count, using: &random)]
                    }
                    return event
                }
            }
        }
    }

    /// A few values, so that rows of one day and equal sums occur, with one or more NULLs among them.
    private static func eventPool(_ column: Attribute, today: LocalDay, random: inout SeededRandom) -> [HotValue] {
        var pool: [HotValue] =
            column.type == .day
            ? [0, 0, 1, 2, 29, 30, 31, 89, 90, 91, 400, -1].map { .day(today.adding(days: -$0)) }
                + [1, 2, 3].map { .day(today.adding(months: -$0)) }
                + [1, 2, 3].map { .day(today.adding(months: -$0).adding(days: 1)) }
            : Self.pool(column, today: today, random: &random)
        let distinct = column.type == .day ? 6 : 4
        pool = (0..<distinct).map { _ in pool[Int.random(in: 0..<pool.count, using: &random)] }
        return pool + Array(repeating: .null, count: Int.random(in: 1...2, using: &random))
    }

    /// The value of a row.
    public func value(_ code: String, _ row: Int) -> HotValue {
        values[code]?[row] ?? .null
    }

    private static func pool(_ attribute: Attribute, today: LocalDay, random: inout SeededRandom) -> [HotValue] {
        switch attribute.type {
        case .flag: return [.flag(true), .flag(false)]
        case .enumeration: return attribute.domain.map { .text($0.value) }
        case .text:
            // Some arrive decomposed; the load normalises them.
            let drawn = (0..<12).map { _ in awkwardTexts[Int.random(in: 0..<awkwardTexts.count, using: &random)] }
            return drawn.map { .text($0.nfc) }
        case .integer: return numbers(attribute, scale: 0, &random)
        case .decimal(let scale): return numbers(attribute, scale: scale, &random)
        case .day: return days(today, &random)
        }
    }

    private static func numbers(_ attribute: Attribute, scale: Int, _ random: inout SeededRandom) -> [HotValue] {
        let range = attribute.valueRange
        let unit = Scaled.powerOfTen(scale)
        var pool: [Int64] = [0, 0, unit, -unit, 3 * unit, -7, 1]
        pool += (0..<8).map { _ in
            Int64.random(in: max(range.lowerBound, -50 * unit)...min(range.upperBound, 120 * unit), using: &random)
        }
        if Int.random(in: 0..<3, using: &random) == 0 { pool += [range.lowerBound, range.upperBound] }
        return pool.filter(range.contains).map { .number(Scaled(unscaled: $0, scale: scale)) }
    }

    private static func days(_ today: LocalDay, _ random: inout SeededRandom) -> [HotValue] {
        var pool = [today, today.adding(days: -90), today.adding(months: -1), today.adding(months: -12)]
        for _ in 0..<6 {
            let month = LocalMonth(number: today.month.number - Int32.random(in: 0...40, using: &random))
            pool.append(month.firstDay.adding(days: month.length - 1 - Int.random(in: 0...3, using: &random)))
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            pool += ["0001-01-01", "1899-12-31", "1970-01-01", "9999-12-31"].compactMap { LocalDay(iso: $0) }
        }
        return pool.map { .day($0) }
    }

    /// Empty, case, wildcards, quotes, backslashes, composed and decomposed letters, letters beyond 16 bits.
    static let awkwardTexts = [
        "", "a", "A", "ab", "aab", "a b", "%", "_", "a_b", "a%b", "\\", "a\\b", "it's", "''", "\"", "caf\u{E9}",
        "cafe\u{301}", "cafe", "\u{E9}", "e\u{301}", "\u{1112}\u{1161}\u{11AB}", "\u{D55C}", "A\u{30A}", "\u{212B}",
        "深圳", "深", "广州", "😀", "a😀b", "😀😀", "𠮷野家", "吉野家", "深圳%", "NULL", " a", "a ", "\u{FFFD}", "é😀",
    ]
}

/// A row of behaviour.
public struct RuleEvent: Sendable {
    /// The row of the table whose behaviour it is.
    public var row: Int
    /// The time within the day; -1 = NULL.
    public var second: Int
    /// Values by column.
    public var values: [String: HotValue] = [:]
}

// MARK: Columns

extension RuleTable {
    /// The table as hot columns.
    public func profile() throws(ProfileError) -> HotProfile {
        var columns: [String: HotColumn] = [:]
        for (code, values) in values {
            guard let attribute = RuleWorld.catalogue[code] else { continue }
            columns[code] = try column(attribute, values)
        }
        return try HotProfile(catalogue: RuleWorld.derivedCatalogue, universe: rows, columns: columns)
    }

    private func column(_ attribute: Attribute, _ values: [HotValue]) throws(ProfileError) -> HotColumn {
        switch attribute.type {
        case .flag:
            return try HotColumn(attribute, flags: values.map { if case .flag(let flag) = $0 { flag } else { nil } })
        case .enumeration, .text:
            return try HotColumn(attribute, texts: values.map { if case .text(let text) = $0 { text } else { nil } })
        case .integer, .decimal, .day:
            return try HotColumn(
                attribute,
                integers: values.map {
                    switch $0 {
                    case .number(let number): number.unscaled
                    case .day(let day): Int64(day.number)
                    default: nil
                    }
                }
            )
        }
    }

    /// The members of a list, audience or product.
    public func bitset(_ membership: Membership) -> Bitset? {
        members[membership].map { rows in
            var set = Bitset(universe: self.rows)
            for row in rows { set.insert(UInt32(row)) }
            return set
        }
    }
}

// MARK: SQL

extension RuleTable {
    /// Statements that make the table anew, with its members.
    public func setup(_ dialect: SQLDialect) -> [SQLText] {
        let attributes = RuleWorld.catalogue.attributes.filter { values[$0.code] != nil }
        let text = dialect == .duckdb ? "VARCHAR" : "STRING"
        let columns = ["idx BIGINT"] + attributes.map { definition($0, dialect) }
        let lines = (0..<rows).map { row in
            "(" + ([String(row)] + attributes.map { literal(value($0.code, row), dialect) }).joined(separator: ", ")
                + ")"
        }
        var statements = ["subscriber", "list_member", "audience_member", "product_owner"].map {
            "DROP TABLE IF EXISTS \($0)"
        }
        statements.append("CREATE TABLE subscriber (\(columns.joined(separator: ", ")))")
        statements.append("INSERT INTO subscriber VALUES \(lines.joined(separator: ", "))")
        for (table, key, kind) in [
            ("list_member", "list", MembershipKind.list), ("audience_member", "audience", .audience),
            ("product_owner", "product", .product),
        ] {
            statements.append("CREATE TABLE \(table) (\(dialect.quoted(identifier: key)) \(text), idx BIGINT)")
            let entries = members.filter { $0.key.kind == kind }.flatMap { membership, rows in
                rows.map { "(\(dialect.quoted(literal: membership.name)), \($0))" }
            }.sorted()
            if !entries.isEmpty { statements.append("INSERT INTO \(table) VALUES \(entries.joined(separator: ", "))") }
        }
        for source in RuleWorld.sources { statements += setup(source, dialect) }
        return statements.map { SQLText($0, dialect: dialect) }
    }

    /// Statements that make the relation of a source anew.
    private func setup(_ source: EventSource, _ dialect: SQLDialect) -> [String] {
        let relation = dialect.quoted(identifier: source.relation)
        let columns = source.columns.attributes
        let time = source.time.map { ["\(dialect.quoted(identifier: $0)) TIMESTAMP"] } ?? []
        let definitions = ["idx BIGINT"] + time + columns.map { definition($0, dialect) }
        let lines = events[source.name, default: []].map { event in
            let second = event.second < 0 ? "NULL" : "TIMESTAMP '2026-01-01 00:00:0\(event.second)'"
            let values = columns.map { literal(event.values[$0.code] ?? .null, dialect) }
            return "(" + ([String(event.row)] + (time.isEmpty ? [] : [second]) + values).joined(separator: ", ") + ")"
        }
        return [
            "DROP TABLE IF EXISTS \(relation)",
            "CREATE TABLE \(relation) (\(definitions.joined(separator: ", ")))",
        ] + (lines.isEmpty ? [] : ["INSERT INTO \(relation) VALUES \(lines.joined(separator: ", "))"])
    }

    private func definition(_ attribute: Attribute, _ dialect: SQLDialect) -> String {
        let type =
            switch attribute.type {
            case .flag: "BOOLEAN"
            case .integer: "BIGINT"
            case .decimal(let scale): "DECIMAL(18, \(scale))"
            case .day: "DATE"
            case .enumeration, .text: dialect == .duckdb ? "VARCHAR" : "STRING"
            }
        return "\(dialect.quoted(identifier: attribute.code)) \(type)"
    }

    private func literal(_ value: HotValue, _ dialect: SQLDialect) -> String {
        switch value {
        case .null: "NULL"
        case .flag(let flag): flag ? "TRUE" : "FALSE"
        case .number(let number): number.description
        case .day(let day): "DATE '\(day.iso)'"
        case .text(let text): dialect.quoted(literal: text)
        }
    }

    /// One query for many rules: rows (number of the rule, idx of a member).
    public func query(_ rules: [CheckedRule], _ dialect: SQLDialect) -> SQLText {
        let parts = rules.enumerated().map { number, rule in
            "SELECT CAST(\(number) AS BIGINT) AS rule, idx FROM subscriber WHERE \(rule.sql(dialect, today: today).text)"
        }
        return SQLText(parts.joined(separator: " UNION ALL "), dialect: dialect)
    }

    /// One query for many scores: rows (number of the score, idx, score in micro-units or NULL).
    public func query(_ scores: [CheckedScore], _ dialect: SQLDialect) -> SQLText {
        let parts = scores.enumerated().map { number, score in
            "SELECT CAST(\(number) AS BIGINT) AS rule, idx, CAST(\(score.sql(dialect, today: today).text) AS BIGINT) "
                + "AS score FROM subscriber"
        }
        return SQLText(parts.joined(separator: " UNION ALL "), dialect: dialect)
    }
}
