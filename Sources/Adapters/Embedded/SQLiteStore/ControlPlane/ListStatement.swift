// A list of the control plane as SQL.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Model
import Ports

/// A `SELECT` for one page of a list and for the number of rows on all pages.
///
/// Column names and conditions are texts of this module; everything a person typed is bound.
struct ListStatement {
    private let columns: String
    private let tables: String
    private var conditions: [String] = []
    private var arguments: StatementArguments = []

    /// A list of all rows of `tables`.
    init(_ columns: String, from tables: String) {
        self.columns = columns
        self.tables = tables
    }

    /// Keeps the rows for which the condition holds.
    mutating func keep(_ condition: String, _ values: StatementArguments) {
        conditions.append(condition)
        arguments += values
    }

    /// Keeps the rows that have one of some names in a column.
    mutating func keep<Name: RawRepresentable<String>>(_ column: String, among names: Set<Name>) {
        let names = names.map(\.rawValue).sorted()
        keep("\(column) IN (\(names.map { _ in "?" }.joined(separator: ", ")))", StatementArguments(names))
    }

    /// Keeps the rows of `table` whose scope is covered.
    mutating func keep(_ table: String, in scope: OrganisationScope) {
        for (level, place) in [("province", scope.province), ("city", scope.city), ("county", scope.county)] {
            if let place { keep("\(table).\(level) = ?", [place]) }
        }
    }

    /// Keeps the rows that hold the text in one of the columns; SQLite's `LIKE` matches ASCII letters in both cases.
    mutating func keep(_ search: String, in columns: [String]) {
        guard !search.isEmpty else { return }
        // No searched text holds NUL, at which a bound pattern would end.
        guard !search.utf8.contains(0) else { return keep("0", []) }
        let literal = search.unicodeScalars.map { ["\\", "%", "_"].contains($0) ? "\\\($0)" : "\($0)" }.joined()
        let condition = columns.map { "\($0) LIKE ? ESCAPE '\\'" }.joined(separator: " OR ")
        keep("(\(condition))", StatementArguments(columns.map { _ in "%\(literal)%" }))
    }

    /// Fetches the page; `number` orders rows that are equal in `column`.
    func page<Element: Sendable>(
        _ db: Database,
        _ query: ListQuery,
        by column: String,
        isDescending: Bool,
        number: String,
        _ element: (Row) throws -> Element
    ) throws -> Page<Element> {
        let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
        let direction = isDescending ? "DESC" : "ASC"
        let rows = try Row.fetchAll(
            db,
            sql: "SELECT \(columns) FROM \(tables)\(filter) ORDER BY \(column) \(direction), \(number) \(direction) "
                + "LIMIT ? OFFSET ?",
            arguments: arguments + [query.limit, query.offset]
        )
        let total = try Int.fetchOne(db, sql: "SELECT count(*) FROM \(tables)\(filter)", arguments: arguments)
        return Page(rows: try rows.map(element), total: total ?? 0)
    }
}
