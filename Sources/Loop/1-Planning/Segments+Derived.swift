// Derived attributes as values: computed by SQL where somebody looks at them, never stored.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Kernel
import Model
import Ports
import Profiles
import Rules

extension Segments {
    /// The values of a derived attribute, which need not be in the catalogue yet, for as long as one question takes.
    func derivedColumn(
        _ attribute: Attribute,
        in catalogue: AttributeCatalogue,
        _ rows: Int,
        _ today: LocalDay
    ) async throws -> HotColumn {
        var scope = try await scope()
        scope.catalogue = AttributeCatalogue(
            groups: catalogue.groups,
            attributes: catalogue.attributes.filter { $0.code != attribute.code } + [attribute]
        )
        let checked = try scope.checkValue(RuleNode(.name(attribute.code)).text)
        let value = checked.sql(warehouse.dialect, today: today)
        let select = SQLText(
            "SELECT idx, \(value.text) FROM subscriber ORDER BY idx",
            parameters: value.parameters,
            dialect: warehouse.dialect
        )
        let building = ColumnsBeingBuilt([HotColumnBuilder(attribute, rows: rows)])
        return try await warehouse.transaction { session in
            try await EventSources(warehouse).provide(checked.uses.sources, to: session)
            let done = try await session.query(select, into: building) { building, batch in
                for index in try batch.integers(0) {
                    guard index == Int64(building.filled) else {
                        throw LoadingError.outOfOrder(file: "subscriber", row: building.filled)
                    }
                    building.filled += 1
                }
                try building.builders[0].append(batch.columns[1])
            }
            return try done.builders[0].finish()
        }
    }

    /// Derived attributes as SQL over the rows of `subscriber`; those that ask for behaviour are left out.
    func derivedSQL() async throws -> [(attribute: Attribute, sql: SQLText)] {
        let catalogue = try await catalogue()
        let today = try await host.read { $0.now.day }
        let scope = RuleScope(catalogue: catalogue)
        return catalogue.attributes.filter { $0.expression != nil }.compactMap { attribute in
            (try? scope.checkValue(RuleNode(.name(attribute.code)).text)).map {
                (attribute, $0.sql(warehouse.dialect, today: today))
            }
        }
    }
}
