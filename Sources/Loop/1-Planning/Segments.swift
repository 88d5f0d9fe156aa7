// Segments: rules over the whole base, counted while they are typed and frozen as audiences.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
public import Rules

/// A member as a sample shows it: never the whole number.
public struct MaskedMember: Hashable, Sendable, Codable {
    /// Number with the middle hidden.
    public var msisdn: String
    /// Open attributes by code, as text.
    public var attributes: [String: String]
}

/// Counts, freezes and saves segments.
public struct Segments: Sendable {
    let warehouse: any WarehouseEngine
    let sandbox: any QuerySandbox
    let host: DecisionHost
    let inputs: StoredInputs
    let store: any ControlPlaneStore
    let numbers: LiveNumbers
    let threads: Int
    let files: MemberFiles
    let customers = CustomerNumbers()
    let spreads = BaseDistributions()
    let known = KnownValues()
    var refreshed = RefreshMemory()

    /// Reads hot attributes through the host and cold ones from the warehouse; own SQL runs in the sandbox.
    public init(
        warehouse: any WarehouseEngine,
        sandbox: any QuerySandbox,
        host: DecisionHost,
        inputs: StoredInputs,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        threads: Int
    ) {
        self.warehouse = warehouse
        self.sandbox = sandbox
        self.host = host
        self.inputs = inputs
        self.store = store
        self.numbers = numbers
        self.threads = threads
        files = MemberFiles(inputs: inputs)
    }

    /// The catalogue that is live.
    ///
    /// - Throws: ``DecisionError/noProfile`` before the first load.
    public func catalogue() async throws -> AttributeCatalogue {
        guard let file = try await host.read({ $0.attributes?.catalogue }) else { throw DecisionError.noProfile }
        return try inputs.catalogue(file)
    }

    /// What rules may refer to now, but for audiences.
    public func scope() async throws -> RuleScope {
        try await scope(withBehaviour: true)
    }

    /// Without the tables of behaviour the warehouse is not asked, which takes longer than most counts.
    private func scope(withBehaviour: Bool) async throws -> RuleScope {
        var scope = RuleScope(try await catalogue(), lists: try await host.read { Array($0.lists.keys) })
        if withBehaviour { scope.sources = try await EventSources(warehouse).all() }
        return scope
    }

    /// Checks a rule text.
    ///
    /// - Throws: `RuleError` that points at the character.
    public func check(_ rule: String) async throws -> CheckedRule {
        try await scope(for: rule).0.check(rule)
    }

    /// What a rule may refer to, and the audiences that it names.
    private func scope(for rule: String) async throws -> (RuleScope, [String: Bitset]) {
        let syntax = try RuleSyntax(parsing: rule)
        let catalogue = try await catalogue()
        // A derived attribute that is not hot may ask for behaviour.
        let mayAsk = syntax.attributeNames.contains { name in
            catalogue.attribute(named: name).map { $0.expression != nil && !$0.isHot } ?? false
        }
        var scope = try await scope(withBehaviour: syntax.asksForBehaviour || mayAsk)
        var audiences: [String: Bitset] = [:]
        for name in syntax.audiences {
            guard let number = try await store.segment(named: name)?.audience,
                let audience = try await store.audience(number)
            else { continue }
            audiences[name] = try await members(of: audience.file)
            scope.audiences.insert(name)
        }
        return (scope, audiences)
    }

    /// Checks a rule together with an organisation scope.
    func check(_ rule: String, in organisation: OrganisationScope) async throws -> CheckedRule {
        try Self.check(rule, in: organisation, try await scope(for: rule).0)
    }

    /// The subscribers a rule selects inside an organisation scope.
    public func members(_ rule: String, in organisation: OrganisationScope, today: LocalDay) async throws -> Bitset {
        let (scope, audiences) = try await scope(for: rule)
        let checked = try Self.check(rule, in: organisation, scope)
        return try await members(checked, audiences, today: today)
    }

    /// How many subscribers a rule selects inside an organisation scope.
    public func count(_ rule: String, in organisation: OrganisationScope, today: LocalDay) async throws -> Int {
        let (scope, audiences) = try await scope(for: rule)
        let checked = try Self.check(rule, in: organisation, scope)
        let (profile, lists, isAnyErased) = try await host.read {
            (try $0.profileReader(), $0.memberships, !$0.erased.isEmpty)
        }
        guard !checked.uses.requiresWarehouse, !isAnyErased else {
            return try await members(checked, audiences, today: today).count
        }
        guard let columns = profile as? ColumnProfile else { throw DecisionError.noProfile }
        return try columns.count(where: checked, today: today, lists: WithAudiences(lists, audiences))
    }

    /// Checks a rule by itself, so that errors point into its own text and no bracket of it reaches beyond it, and then
    /// together with the organisation scope.
    static func check(
        _ rule: String,
        in organisation: OrganisationScope,
        _ scope: RuleScope
    ) throws
        -> CheckedRule
    {
        let alone = try scope.check(rule)
        let restricted = restricted(alone.syntax.canonicalText, to: organisation, catalogue: scope.catalogue)
        return organisation == .all ? alone : try scope.check(restricted)
    }

    /// Adds the organisation scope as conditions, where the catalogue has the attribute.
    static func restricted(_ rule: String, to scope: OrganisationScope, catalogue: AttributeCatalogue) -> String {
        let levels = [("province", scope.province), ("city", scope.city), ("county", scope.county)]
        let conditions = levels.compactMap { code, value in
            value.flatMap { catalogue[code] == nil ? nil : "\(code) = \(SQLDialect.duckdb.quoted(literal: $0))" }
        }
        return conditions.isEmpty ? rule : "(\(rule)\n) AND " + conditions.joined(separator: " AND ")
    }

    /// Who is erased has no attributes, which a rule may ask for, and is a member of nothing.
    private func members(
        _ rule: CheckedRule,
        _ audiences: [String: Bitset],
        today: LocalDay
    ) async throws -> Bitset {
        var members = try await selected(by: rule, audiences, today: today)
        members.remove(try await host.read { $0.erased })
        return members
    }

    private func selected(
        by rule: CheckedRule,
        _ audiences: [String: Bitset],
        today: LocalDay
    ) async throws -> Bitset {
        let (profile, memberships, subscribers) = try await host.read {
            (try $0.profileReader(), $0.memberships, $0.subscribers)
        }
        let lists = WithAudiences(memberships, audiences)
        if let hot = profile as? ColumnProfile, let columns = try await columns(hot, for: rule) {
            return try columns.members(where: rule, today: today, lists: lists)
        }
        let condition = rule.sql(warehouse.dialect, today: today)
        let select = SQLText(
            "SELECT idx FROM subscriber WHERE \(condition.text)",
            parameters: condition.parameters,
            dialect: warehouse.dialect
        )
        return try await warehouse.transaction { session in
            try await Self.provide(rule.uses.memberships, lists, subscribers, to: session)
            try await EventSources(warehouse).provide(rule.uses.sources, to: session, today: today)
            return try await session.query(select, into: Bitset(universe: subscribers)) { members, batch in
                for index in try batch.integers(0) { members.insert(UInt32(index)) }
            }
        }
    }

    /// Gives SQL the sets a rule names, as tables of this transaction.
    private static func provide(
        _ memberships: [Membership],
        _ lists: any MembershipReader,
        _ subscribers: Int,
        to session: any WarehouseSession
    ) async throws {
        for kind in MembershipKind.allCases {
            let wanted = memberships.filter { $0.kind == kind }
            guard !wanted.isEmpty else { continue }
            let (table, name) = kind.table
            let fields = [WarehouseField(name, .text), WarehouseField("idx", .integer)]
            try await session.execute(session.dialect.dropTable(table))
            try await session.execute(session.dialect.createTable(table, fields))
            for membership in wanted {
                let set =
                    switch kind {
                    case .list: lists.members(ofList: membership.name)
                    case .product: lists.owners(ofProduct: membership.name)
                    case .audience: lists.members(ofAudience: membership.name)
                    }
                var indices: [Int64] = []
                (set ?? Bitset(universe: subscribers)).forEach { indices.append(Int64($0)) }
                let names = TextColumn(repeatElement(membership.name, count: indices.count))
                let batch = ColumnBatch(
                    fields: fields,
                    columns: [ColumnData(.texts(names)), ColumnData(.integers(indices))]
                )
                try await session.ingest(into: table, fields: fields, from: InMemoryBatches([batch]))
            }
        }
    }

    // MARK: Looking at members

    /// Some members, numbers masked, with the open attributes asked for.
    ///
    /// The sample is spread evenly over the members, so that repeating it shows the same ones.
    public func sample(
        _ members: Bitset,
        attributes: [String],
        limit: Int = 10,
        today: LocalDay
    ) async throws -> [MaskedMember] {
        let count = members.count
        guard count > 0 else { return [] }
        let step = max(1, count / limit)
        var chosen: [UInt32] = []
        var position = 0
        members.forEach { index in
            if position % step == 0, chosen.count < limit { chosen.append(index) }
            position += 1
        }
        let values = try await values(of: try await shown(attributes), for: chosen, today: today)
        let numbers = numbers.current
        return chosen.map { number in
            let values = attributes.map { ($0, values.text(of: $0, at: number)) }
            return MaskedMember(
                msisdn: numbers.number(of: SubscriberIndex(number))?.masked ?? "",
                attributes: Dictionary(values, uniquingKeysWith: { first, _ in first })
            )
        }
    }
}

extension Bitset {
    /// Everybody of a universe but some.
    init(full universe: Int, but members: Set<UInt32>) {
        self.init(full: universe)
        remove(members)
    }

    /// Takes some members out; those beyond the universe are none.
    mutating func remove(_ members: Set<UInt32>) {
        for member in members where Int(member) < universe { remove(member) }
    }
}

/// Lists with the audiences that a rule names.
struct WithAudiences: MembershipReader {
    private let lists: any MembershipReader
    private let audiences: [String: Bitset]

    init(_ lists: any MembershipReader, _ audiences: [String: Bitset]) {
        self.lists = lists
        self.audiences = audiences
    }

    func members(ofList code: String) -> Bitset? { lists.members(ofList: code) }
    func owners(ofProduct code: String) -> Bitset? { lists.owners(ofProduct: code) }
    func members(ofAudience name: String) -> Bitset? { audiences[name] }
}

extension RuleScope {
    /// Attributes, lists and products, but no audiences and no behaviour.
    init(_ catalogue: AttributeCatalogue, lists: some Collection<ListID>) {
        let products = lists.compactMap { $0.code.hasPrefix("product/") ? String($0.code.dropFirst(8)) : nil }
        let codes = lists.map(\.code).filter { !$0.hasPrefix("product/") }
        self.init(
            catalogue: catalogue,
            lists: ListID.standardCodes.union(codes),
            products: Set(products),
            sources: []
        )
    }
}
