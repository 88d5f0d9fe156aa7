// Values of some subscribers as people read them: from memory where they are hot, from the warehouse otherwise.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Kernel
import Model
import Ports
import Profiles
import Rules

/// Open attributes of some subscribers.
struct MemberValues {
    private let hot: any ProfileReader
    /// Columns that are not in memory, with a row for each subscriber in ``places``, or for all.
    private let read: HotProfile
    private let places: [UInt32: Int]?

    fileprivate init(hot: any ProfileReader, read: HotProfile, places: [UInt32: Int]?) {
        (self.hot, self.read, self.places) = (hot, read, places)
    }

    /// A value as text; empty when there is none.
    func text(of code: String, at index: UInt32) -> String {
        guard read.columns[code] != nil else { return hot.text(of: code, at: SubscriberIndex(index)) ?? "" }
        let place = places.map { $0[index] } ?? Int(index)
        guard let place, let value = try? read.value(of: code, at: SubscriberIndex(UInt32(place))), value != .null
        else {
            return ""
        }
        return value.description
    }
}

extension Segments {
    /// Up to so many subscribers are asked for by name; for more, columns are read whole.
    private static let fewest = 1_000

    /// Attributes that samples and exports may show, by code: those that are open and have values.
    ///
    /// - Throws: ``PlanningError`` for one that may not be shown or is not there.
    func shown(_ codes: [String]) async throws -> [Attribute] {
        let catalogue = try await catalogue()
        return try codes.map { code in
            guard let attribute = catalogue[code], attribute.sensitivity == .open else {
                throw PlanningError.badValue(field: "attributes", why: "\(code.prefix(63)) is no open attribute")
            }
            return attribute
        }
    }

    /// Values of attributes, hot, cold and derived ones, for as long as one question takes.
    ///
    /// `members`: Whose; ascending.
    func values(of attributes: [Attribute], for members: [UInt32], today: LocalDay) async throws -> MemberValues {
        let (hot, count) = try await host.read { (try $0.profileReader(), $0.subscribers) }
        let others = attributes.filter { !$0.isHotColumn }
        let chosen = members.count <= Self.fewest ? members : nil
        let catalogue = try await catalogue()
        var read = try HotProfile(catalogue: catalogue, universe: chosen?.count ?? count)
        if !others.isEmpty, !members.isEmpty {
            let columns = try await warehouseColumns(others, in: catalogue, rows: count, chosen: chosen, on: today)
            for (attribute, column) in zip(others, columns) { try read.set(attribute.code, column) }
        }
        let places = chosen.map { chosen in
            Dictionary(chosen.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        }
        return MemberValues(hot: hot, read: read, places: places)
    }

    /// Columns of the warehouse, and values that derived attributes stand for.
    ///
    /// - Parameters:
    ///   - attributes: Which; a derived one need not be in the live catalogue yet.
    ///   - catalogue: What expressions may name beside them.
    ///   - rows: Subscribers there are.
    ///   - chosen: Who is wanted, ascending; nil = everybody.
    ///   - today: The day that expressions count from.
    /// - Returns: A column for each attribute, in their order.
    /// - Throws: `RuleError` for an expression that cannot be evaluated, and what the warehouse throws.
    func warehouseColumns(
        _ attributes: [Attribute],
        in catalogue: AttributeCatalogue,
        rows: Int,
        chosen: [UInt32]? = nil,
        on today: LocalDay
    ) async throws -> [HotColumn] {
        var scope = try await scope()
        let codes = Set(attributes.map(\.code))
        scope.catalogue = AttributeCatalogue(
            groups: catalogue.groups,
            attributes: catalogue.attributes.filter { !codes.contains($0.code) } + attributes
        )
        var (texts, sources): ([String], [EventSource]) = ([], [])
        var parameters: [SQLValue] = []
        for attribute in attributes {
            guard attribute.expression != nil else {
                texts.append(warehouse.dialect.quoted(identifier: attribute.code))
                continue
            }
            let checked = try scope.checkExpression(RuleNode(.name(attribute.code)).text)
            let value = checked.sql(warehouse.dialect, today: today)
            texts.append(value.text)
            parameters += value.parameters
            sources += checked.uses.sources.filter { source in !sources.contains { $0.name == source.name } }
        }
        let condition = chosen.map { " WHERE idx IN (\($0.map { "\($0)" }.joined(separator: ", ")))" } ?? ""
        let select = SQLText(
            "SELECT \((["idx"] + texts).joined(separator: ", ")) FROM subscriber\(condition) ORDER BY idx",
            parameters: parameters,
            dialect: warehouse.dialect
        )
        let building = ColumnsBeingBuilt(attributes.map { HotColumnBuilder($0, rows: chosen?.count ?? rows) })
        return try await warehouse.transaction { [sources] session in
            try await EventSources(warehouse).provide(sources, to: session, today: today)
            let done = try await session.query(select, into: building) { building, batch in
                for index in try batch.integers(0) {
                    let wanted = chosen.map { $0.indices.contains(building.filled) ? Int64($0[building.filled]) : -1 }
                    guard index == wanted ?? Int64(building.filled) else {
                        throw LoadingError.outOfOrder(file: "subscriber", row: building.filled)
                    }
                    building.filled += 1
                }
                for (place, column) in batch.columns.dropFirst().enumerated() {
                    try building.builders[place].append(column)
                }
            }
            return try done.builders.map { try $0.finish() }
        }
    }
}
