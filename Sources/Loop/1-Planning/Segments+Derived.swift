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
    /// Derived attributes as SQL over the rows of `subscriber`, of the types that loaded ones have; those that ask for
    /// behaviour are left out.
    func derivedSQL(_ dialect: SQLDialect, today: LocalDay) async throws -> [(attribute: Attribute, sql: SQLText)] {
        let catalogue = try await catalogue()
        let scope = RuleScope(catalogue: catalogue)
        return catalogue.attributes.filter { $0.expression != nil }.compactMap { attribute in
            guard let checked = try? scope.checkExpression(RuleNode(.name(attribute.code)).text) else { return nil }
            var value = checked.sql(dialect, today: today)
            if case .decimal(let scale) = attribute.type {
                let unit = "0." + String(repeating: "0", count: scale - 1) + "1"
                let type = dialect.typeName(attribute.type.warehouseType)
                value.text = "CAST(CAST(\(value.text) AS DECIMAL(18, 0)) * \(unit) AS \(type))"
            }
            return (attribute, value)
        }
    }
}
