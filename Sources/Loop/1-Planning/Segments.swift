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
    private let warehouse: any WarehouseEngine
    private let host: DecisionHost
    private let inputs: StoredInputs
    private let store: any ControlPlaneStore
    private let numbers: LiveNumbers
    private let threads: Int

    /// Reads hot attributes through the host and cold ones from the warehouse.
    public init(
        warehouse: any WarehouseEngine,
        host: DecisionHost,
        inputs: StoredInputs,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        threads: Int
    ) {
        self.warehouse = warehouse
        self.host = host
        self.inputs = inputs
        self.store = store
        self.numbers = numbers
        self.threads = threads
    }

    /// The catalogue that is live.
    ///
    /// - Throws: ``DecisionError/noProfile`` before the first load.
    public func catalogue() async throws -> AttributeCatalogue {
        guard let file = try await host.read({ $0.attributes?.catalogue }) else { throw DecisionError.noProfile }
        return try inputs.catalogue(file)
    }

    /// What rules may refer to now.
    public func scope() async throws -> RuleScope {
        let lists = try await host.read { Set($0.lists.keys) }
        let products = lists.compactMap { $0.code.hasPrefix("product/") ? String($0.code.dropFirst(8)) : nil }
        let codes = lists.map(\.code).filter { !$0.hasPrefix("product/") }
        return RuleScope(
            catalogue: try await catalogue(),
            lists: ListID.standardCodes.union(codes),
            products: Set(products),
            sources: try await EventSources(warehouse).all()
        )
    }

    /// Checks a rule text.
    ///
    /// - Throws: `RuleError` that points at the character.
    public func check(_ rule: String) async throws -> CheckedRule {
        try await scope().check(rule)
    }

    /// The subscribers a rule selects inside an organisation scope.
    public func members(_ rule: String, in organisation: OrganisationScope, today: LocalDay) async throws -> Bitset {
        let scope = try await scope()
        let checked = try Self.check(rule, in: organisation, scope)
        return try await members(checked, today: today)
    }

    /// How many subscribers a rule selects inside an organisation scope.
    public func count(_ rule: String, in organisation: OrganisationScope, today: LocalDay) async throws -> Int {
        let scope = try await scope()
        let checked = try Self.check(rule, in: organisation, scope)
        guard !checked.uses.requiresWarehouse else { return try await members(checked, today: today).count }
        let (profile, lists) = try await host.read { (try $0.profileReader(), $0.memberships) }
        guard let columns = profile as? ColumnProfile else { throw DecisionError.noProfile }
        return try columns.count(where: checked, today: today, lists: lists)
    }

    /// Checks a rule by itself, so that errors point into its own text and no bracket of it reaches beyond it, and then
    /// together with the organisation scope.
    private static func check(
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

    private func members(_ rule: CheckedRule, today: LocalDay) async throws -> Bitset {
        let (profile, lists, subscribers) = try await host.read {
            (try $0.profileReader(), $0.memberships, $0.subscribers)
        }
        if !rule.uses.requiresWarehouse, let columns = profile as? ColumnProfile {
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
            try await EventSources(warehouse).provide(rule.uses.sources, to: session)
            return try await session.query(select, into: Bitset(universe: subscribers)) { members, batch in
                for index in try batch.integers(0) { members.insert(UInt32(index)) }
            }
        }
    }

    /// Gives SQL the lists a rule names, as tables of this transaction.
    private static func provide(
        _ memberships: [Membership],
        _ lists: any MembershipReader,
        _ subscribers: Int,
        to session: any WarehouseSession
    ) async throws {
        for (kind, table, name) in [
            (MembershipKind.list, "list_member", "list"), (.product, "product_owner", "product"),
        ] {
            let wanted = memberships.filter { $0.kind == kind }
            guard !wanted.isEmpty else { continue }
            let fields = [WarehouseField(name, .text), WarehouseField("idx", .integer)]
            try await session.execute(session.dialect.dropTable(table))
            try await session.execute(session.dialect.createTable(table, fields))
            for membership in wanted {
                let set =
                    kind == .list ? lists.members(ofList: membership.name) : lists.owners(ofProduct: membership.name)
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
    public func sample(_ members: Bitset, attributes: [String], limit: Int = 10) async throws -> [MaskedMember] {
        let count = members.count
        guard count > 0 else { return [] }
        let step = max(1, count / limit)
        var chosen: [UInt32] = []
        var position = 0
        members.forEach { index in
            if position % step == 0, chosen.count < limit { chosen.append(index) }
            position += 1
        }
        let catalogue = try await catalogue()
        let open = attributes.filter { catalogue[$0]?.sensitivity == .open && catalogue[$0]?.isHot == true }
        let profile = try await host.read { try $0.profileReader() }
        let numbers = numbers.current
        return chosen.map { number in
            let index = SubscriberIndex(number)
            let values = open.map { ($0, profile.text(of: $0, at: index) ?? "") }
            return MaskedMember(
                msisdn: numbers.number(of: index)?.masked ?? "",
                attributes: Dictionary(values, uniquingKeysWith: { first, _ in first })
            )
        }
    }

    // MARK: Saving

    /// Saves a segment with its present count.
    ///
    /// - Throws: `RuleError` for a rule that does not check, `ControlPlaneError` for a taken name or a stale version.
    public func save(_ segment: Segment, by staff: Staff, today: LocalDay, at now: Instant) async throws -> Segment {
        var segment = segment
        segment.name = segment.name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...100).contains(segment.name.count) else { throw PlanningError.badName(segment.name) }
        segment.count = Int64(try await count(segment.rule, in: segment.scope, today: today))
        segment.updatedAt = now
        let action = segment.id == 0 ? "segment.create" : "segment.update"
        return try await store.save(
            segment,
            audit: AuditEntry(at: now, who: staff.login, action: action, object: "segment/\(segment.name)")
        )
    }
}

/// Why a plan cannot be saved or go on.
public enum PlanningError: CodedError, Equatable {
    case badName(String)
    case badMessage(characters: Int)
    case badValue(field: String, why: String)
    /// A score or personal priority that cannot be evaluated; the error points at the character.
    case badExpression(field: String, RuleError)
    case unknownSegment(Int64)
    case wrongPhase(CampaignPhase, wanted: CampaignPhase)
    case noDryRun
    case notAllowed(String)

    public var code: String {
        switch self {
        case .badName: "plan.bad_name"
        case .badMessage: "plan.bad_message"
        case .badValue: "plan.bad_value"
        case .badExpression(_, let error): error.code
        case .unknownSegment: "plan.unknown_segment"
        case .wrongPhase: "plan.wrong_phase"
        case .noDryRun: "plan.no_dry_run"
        case .notAllowed: "plan.not_allowed"
        }
    }

    public var description: String {
        switch self {
        case .badName(let name): "a name has 1 to 100 characters, not \(name.count)"
        case .badMessage(let count): "a message has 1 to 1000 characters, not \(count)"
        case .badValue(let field, let why): "\(field): \(why)"
        case .badExpression(let field, let error): "\(field): \(error)"
        case .unknownSegment(let id): "segment \(id) does not exist; choose one from the list"
        case .wrongPhase(let phase, let wanted):
            "the campaign is \(phase.rawValue) and cannot become \(wanted.rawValue)"
        case .noDryRun: "the plan has no dry run since its last change; run one so that the approver sees its effect"
        case .notAllowed(let why): why
        }
    }
}
