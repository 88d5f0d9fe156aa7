// Values that the tables of behaviour hold: the dictionaries that selection is driven by (CUS-18).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Rules
import Synchronization

/// Values of text columns by table and column, those of most rows first.
public typealias ValuesByColumn = [String: [String: [String]]]

/// What was found last, for as long as the tables show the same loads.
final class KnownValues: Sendable {
    private let kept = Mutex<(shown: ContentHash, values: ValuesByColumn)?>(nil)

    func values(of shown: ContentHash, _ read: () async throws -> ValuesByColumn) async throws -> ValuesByColumn {
        if let kept = kept.withLock({ $0 }), kept.shown == shown { return kept.values }
        let values = try await read()
        kept.withLock { $0 = (shown, values) }
        return values
    }
}

extension Segments {
    /// A column with more values is no dictionary.
    private static let mostKnown = 100
    /// Columns of free text, which may tell of people.
    private static let freeText: Set<String> = ["details", "content", "resolution"]

    /// What text columns of behaviour hold, where it is few different values: topics of complaints, departments, products.
    ///
    /// - Throws: What the warehouse throws; `DecisionError.noProfile` before the first load.
    public func knownValues() async throws -> ValuesByColumn {
        let tables = Set(EventSource.standard.flatMap(\.tables))
        guard let shown = try await shownTables().digest(of: tables) else { return [:] }
        return try await known.values(of: shown) {
            let sources = EventSources(warehouse)
            let loaded = try await sources.columnNames(of: Array(tables), warehouse)
            var values: ValuesByColumn = [:]
            for source in try await sources.all() {
                let columns = source.columns.attributes.filter { column in
                    column.type == .text && loaded[source.name]?.contains(column.code) == true
                        && !Self.freeText.contains(column.code)
                }
                values[source.name] = try await knownValues(columns.map(\.code), in: source.name)
            }
            return values
        }
    }

    private func knownValues(_ columns: [String], in table: String) async throws -> [String: [String]] {
        guard !columns.isEmpty else { return [:] }
        let dialect = warehouse.dialect
        func quoted(_ name: String) -> String { dialect.quoted(identifier: name) }
        let counts = columns.map { "approx_count_distinct(\(quoted($0)))" }.joined(separator: ", ")
        let numbers = try await warehouse.rows(SQLText("SELECT \(counts) FROM \(quoted(table))", dialect: dialect))
        var values: [String: [String]] = [:]
        for (column, number) in zip(columns, numbers.first ?? []) {
            guard let number = number.integer, 1...Int64(Self.mostKnown) ~= number else { continue }
            let sql = """
                SELECT \(quoted(column)) FROM \(quoted(table))
                WHERE length(\(quoted(column))) BETWEEN 1 AND 100
                GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT \(Self.mostKnown)
                """
            values[column] = try await warehouse.rows(SQLText(sql, dialect: dialect)).compactMap { $0[0].text }
        }
        return values
    }
}
