// All hot attributes of all subscribers, and the rules that run on them.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Rules

/// The hot columns of a universe of subscribers.
///
/// A value: whoever holds one keeps seeing the same columns while a newer one is put together.
public struct HotProfile: Sendable {
    /// The catalogue that the columns follow.
    public let catalogue: AttributeCatalogue
    /// Number of subscribers; every column has as many rows.
    public let universe: Int
    /// Columns by attribute code.
    public private(set) var columns: [String: HotColumn]

    /// Joins columns.
    ///
    /// - Throws: ``ProfileError`` when a column does not fit its attribute: another type, domain, width or length.
    public init(
        catalogue: AttributeCatalogue,
        universe: Int,
        columns: [String: HotColumn] = [:]
    ) throws(ProfileError) {
        self.catalogue = catalogue
        self.universe = universe
        self.columns = [:]
        for (code, column) in columns.sorted(by: { $0.key < $1.key }) { try set(code, column) }
    }

    /// Adds or replaces a column.
    ///
    /// - Throws: ``ProfileError`` when the column does not fit the attribute.
    public mutating func set(_ code: String, _ column: HotColumn) throws(ProfileError) {
        guard let attribute = catalogue[code] else { throw .unknownAttribute(code) }
        guard column.type == attribute.type else {
            throw .wrongType(attribute: code, expected: attribute.type.name, found: column.type.name)
        }
        guard column.rows == universe else {
            throw .rowCount(attribute: code, expected: universe, found: column.rows)
        }
        if attribute.type == .enumeration, column.dictionary != attribute.domain.map(\.value) {
            throw .wrongType(attribute: code, expected: "the domain of the catalogue", found: "another domain")
        }
        if let range = column.range, !attribute.valueRange.contains(range) {
            let value = attribute.valueRange.contains(range.lowerBound) ? range.upperBound : range.lowerBound
            let row = (0..<universe).first { !column.isNull($0) && column.number(at: $0) == value } ?? 0
            throw .outOfRange(attribute: code, row: row, value: value)
        }
        columns[code] = column
    }

    /// Bytes of memory that the columns take, without dictionaries.
    public var byteCount: Int { columns.values.reduce(0) { $0 + $1.byteCount } }

    /// Compiles a condition.
    ///
    /// - Parameters:
    ///   - rule: A rule checked against the same catalogue.
    ///   - today: The logical local day.
    ///   - members: The members of a list, audience or product; nil = there is none of that name. Called once for
    ///     each that the rule names; the answer is copied.
    /// - Returns: The condition, ready to run.
    /// - Throws: ``ProfileError`` when the rule reads an attribute without a column or behaviour, or asks for an unknown set.
    public func compile(
        _ rule: CheckedRule,
        today: LocalDay,
        members: (Membership) -> Bitset? = { _ in nil }
    ) throws(ProfileError) -> ColumnPredicate {
        try requireColumns(rule.uses)
        var sets: [Membership: Bitset] = [:]
        for membership in rule.uses.memberships { sets[membership] = members(membership) }
        let program = try PredicateCompiler.compile(rule.condition.bound(today: today), self) { sets[$0] }
        return ColumnPredicate(program, universe: universe)
    }

    /// Compiles a score.
    ///
    /// - Throws: ``ProfileError`` when the score reads an attribute without a column.
    public func compile(_ score: CheckedScore, today: LocalDay) throws(ProfileError) -> ColumnScore {
        try requireColumns(score.uses)
        let (program, owners) = try PredicateCompiler.compile(score.value.bound(today: today), self)
        return ColumnScore(program, owners: owners, universe: universe)
    }

    /// The value of one attribute of one subscriber.
    ///
    /// - Throws: ``ProfileError`` when the attribute has no column or the index is beyond the universe.
    public func value(of code: String, at index: SubscriberIndex) throws(ProfileError) -> HotValue {
        guard let column = columns[code] else { throw .requiresWarehouse(attributes: [code]) }
        guard Int(index.number) < universe else {
            throw .rowCount(attribute: code, expected: universe, found: Int(index.number) + 1)
        }
        return column.value(at: Int(index.number))
    }

    /// The value of one attribute of one subscriber as people read it: labels of an enumeration, units of a number.
    ///
    /// - Throws: ``ProfileError`` as for ``value(of:at:)``.
    public func display(of code: String, at index: SubscriberIndex) throws(ProfileError) -> BilingualText {
        switch try value(of: code, at: index) {
        case .null: return BilingualText(zh: "无", en: "none")
        case .flag(let value): return value ? BilingualText(zh: "是", en: "yes") : BilingualText(zh: "否", en: "no")
        case .text(let text):
            let label = catalogue[code]?.domain.first { $0.value == text }?.label
            return label ?? BilingualText(zh: text, en: text)
        case .number(let number):
            let text = catalogue[code]?.unit.map { "\(number) \($0)" } ?? number.description
            return BilingualText(zh: text, en: text)
        case .day(let day): return BilingualText(zh: day.iso, en: day.iso)
        }
    }

    private func requireColumns(_ uses: RuleUses) throws(ProfileError) {
        let missing = uses.attributes.map(\.code).filter { columns[$0] == nil } + uses.sources.map(\.name)
        guard missing.isEmpty else { throw .requiresWarehouse(attributes: missing) }
    }

    /// The column of an attribute.
    func hot(_ attribute: Attribute) throws(ProfileError) -> HotColumn {
        guard let column = columns[attribute.code] else { throw .requiresWarehouse(attributes: [attribute.code]) }
        return column
    }
}
