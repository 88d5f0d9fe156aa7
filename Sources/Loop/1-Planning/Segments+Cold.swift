// Cold attributes as columns, for as long as one question takes.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model
import Ports
import Profiles
import Rules

extension Segments {
    /// The columns a rule reads, cold ones among them; nil when SQL answers it sooner or alone can.
    ///
    /// Giving SQL the members of lists and audiences takes longer than reading a few columns of the warehouse. These are
    /// not kept: what is loaded or erased meanwhile would still be in them.
    func columns(_ hot: ColumnProfile, for rule: CheckedRule) async throws -> ColumnProfile? {
        let cold = rule.uses.attributes.filter { !$0.isHot }
        if !rule.uses.requiresWarehouse { return hot }
        guard rule.uses.sources.isEmpty, !rule.uses.memberships.isEmpty, cold.allSatisfy({ $0.type != .text }),
            let read = try await coldColumns(cold, rows: hot.profile.universe)
        else { return nil }
        var profile = hot.profile
        for (code, column) in read.sorted(by: { $0.key < $1.key }) { try profile.set(code, column) }
        return ColumnProfile(profile, threads: threads)
    }

    /// Attributes that are not in memory, as columns by code; nil when the live load lacks one.
    func coldColumns(_ attributes: [Attribute], rows: Int) async throws -> [String: HotColumn]? {
        let dialect = warehouse.dialect
        let codes = attributes.map { dialect.quoted(literal: $0.code) }.joined(separator: ", ")
        let shown = """
            SELECT count(*) FROM information_schema.columns WHERE table_schema = 'main' AND table_name = 'subscriber'
            AND column_name IN (\(codes))
            """
        guard try await warehouse.integer(SQLText(shown, dialect: dialect)) == Int64(attributes.count) else {
            return nil
        }
        let select = "SELECT \(dialect.columnList(["idx"] + attributes.map(\.code))) FROM subscriber"
        let building = ColumnsBeingBuilt(attributes.map { HotColumnBuilder($0, rows: rows) })
        _ = try await warehouse.query(SQLText(select, dialect: dialect), into: building) { building, batch in
            // Loads are written in the order of the index, which is the order they are read in.
            for index in try batch.integers(0) {
                guard index == Int64(building.filled) else {
                    throw LoadingError.outOfOrder(file: "subscriber", row: building.filled)
                }
                building.filled += 1
            }
            for (position, column) in batch.columns.dropFirst().enumerated() {
                try building.builders[position].append(column)
            }
        }
        let columns = try zip(attributes, building.builders).map { ($0.code, try $1.finish()) }
        return Dictionary(columns, uniquingKeysWith: { first, _ in first })
    }
}
