// What rules may ask about behaviour: the tables that are loaded, and the relations that SQL reads of them.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Rules

/// The tables of behaviour with their columns: fixed ones (docs/formats.md), and what loads gave a type.
struct EventSources: Sendable {
    private let warehouse: any WarehouseEngine

    init(_ warehouse: any WarehouseEngine) {
        self.warehouse = warehouse
    }

    /// All sources, loaded or not: of a table without rows nobody has done anything.
    func all() async throws -> [EventSource] {
        let loaded = try await columns()
        return EventSource.standard.map { fixed in
            var source = fixed
            let known = Set(fixed.columns.attributes.map(\.code))
            let typed = loaded[fixed.name, default: []].filter { !known.contains($0.code) }
            source.columns = AttributeCatalogue(groups: [], attributes: fixed.columns.attributes + typed)
            return source
        }
    }

    /// Makes the relations of sources for one connection: each row with the index of its subscriber.
    ///
    /// Rows of lines that are not subscribers any more are left out.
    ///
    /// `today`: The logical day, up to which computed sources look.
    func provide(_ sources: [EventSource], to session: any WarehouseSession, today: LocalDay) async throws {
        guard !sources.isEmpty else { return }
        let loaded = try await names(of: sources, session)
        for source in sources {
            let view = session.dialect.quoted(identifier: source.relation)
            let dialect = session.dialect
            let select = Self.rows(of: source, loaded: loaded, dialect, today) { dialect.quoted(identifier: $0) }
            try await session.execute(
                SQLText("CREATE OR REPLACE TEMPORARY VIEW \(view) AS \(select)", dialect: session.dialect)
            )
        }
    }

    /// The relations of all sources for own queries, by the tables' names.
    func relations(in sandbox: any QuerySandbox, today: LocalDay) async throws -> [OwnRelation] {
        let sources = try await all()
        let loaded = try await names(of: sources, warehouse)
        return sources.map { source in
            OwnRelation(source.name, Self.rows(of: source, loaded: loaded, sandbox.dialect, today, view: sandbox.view))
        }
    }

    /// The rows of a source for one subscriber or many.
    static func rows(
        of source: EventSource,
        loaded tables: [String: Set<String>],
        _ dialect: SQLDialect,
        _ today: LocalDay,
        view: (String) -> String
    ) -> String {
        if source.name == ProductInterest.source {
            return ProductInterest.rows(tables, dialect, today: today, view: view)
        }
        let loaded = tables[source.name, default: []]
        func quoted(_ name: String) -> String { dialect.quoted(identifier: name) }
        let fields =
            source.columns.attributes.map { WarehouseField($0.code, $0.type.warehouseType) }
            + (source.time.map { [WarehouseField($0, .timestamp)] } ?? [])
        let columns = fields.map { field in
            let value = loaded.contains(field.name) ? quoted(field.name) : "NULL"
            return "CAST(\(value) AS \(dialect.typeName(field.type))) AS \(quoted(field.name))"
        }
        let from =
            loaded.isEmpty
            ? " WHERE FALSE"
            : " FROM \(view(source.name)) WHERE idx IS NOT NULL"
        let idx = loaded.isEmpty ? "CAST(NULL AS \(dialect.typeName(.integer))) AS idx" : "idx"
        return "SELECT \(([idx] + columns).joined(separator: ", "))\(from)"
    }

    // MARK: What is loaded

    /// Columns of loaded tables that rules can read, as attributes.
    private func columns() async throws -> [String: [Attribute]] {
        var found: [String: [Attribute]] = [:]
        for (table, column, type) in try await catalogue(EventSource.standard.flatMap(\.tables), warehouse) {
            guard !Self.identities.contains(column), let type = AttributeType(sql: type) else { continue }
            let name = BilingualText(zh: column, en: column)
            found[table, default: []].append(Attribute(code: column, name: name, type: type, group: "", isHot: false))
        }
        return found
    }

    func names(of sources: [EventSource], _ session: any WarehouseSession) async throws -> [String: Set<String>] {
        try await columnNames(of: sources.flatMap(\.tables), session)
    }

    /// The columns of those of some tables that are loaded.
    func columnNames(of tables: [String], _ session: any WarehouseSession) async throws -> [String: Set<String>] {
        var found: [String: Set<String>] = [:]
        for (table, column, _) in try await catalogue(tables, session) { found[table, default: []].insert(column) }
        return found
    }

    /// Table, column and type of what is shown now, in the order of the columns.
    private func catalogue(
        _ tables: [String],
        _ session: any WarehouseSession
    ) async throws -> [(table: String, column: String, type: String)] {
        let tables = Set(tables).sorted().map { session.dialect.quoted(literal: $0) }.joined(separator: ", ")
        let sql = SQLText(
            """
            SELECT table_name, column_name, data_type FROM information_schema.columns
            WHERE table_schema = 'main' AND table_name IN (\(tables)) ORDER BY table_name, ordinal_position
            """,
            dialect: session.dialect
        )
        return try await session.rows(sql).compactMap { row in
            guard case .text(let table) = row[0], case .text(let column) = row[1], case .text(let type) = row[2] else {
                return nil
            }
            return (table, column, type)
        }
    }

    /// Who a row belongs to; nothing that a rule asks.
    private static let identities: Set<String> = ["idx", "line_id", "msisdn", "imsi", "customer_id", "account_id"]
}

extension EventSource {
    /// The tables of the warehouse that its rows come from.
    var tables: [String] { name == ProductInterest.source ? ProductInterest.tables : [name] }
}

extension AttributeType {
    /// The type of a warehouse column; nil for one that rules cannot read.
    fileprivate init?(sql: String) {
        switch sql {
        case "BOOLEAN": self = .flag
        case "BIGINT": self = .integer
        case "DATE": self = .day
        case "VARCHAR": self = .text
        default:
            guard sql.hasPrefix("DECIMAL(18,"), sql.hasSuffix(")"), let scale = Int(sql.dropFirst(11).dropLast()),
                (1...9).contains(scale)
            else { return nil }
            self = .decimal(scale: scale)
        }
    }
}
