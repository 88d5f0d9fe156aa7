// What sets a segment apart: its attributes beside those of the whole base, the most different first.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
public import Model
import Ports
public import Profiles
import Rules
import Synchronization

/// One attribute of a segment beside the base.
public struct ProfiledAttribute: Hashable, Sendable {
    /// The attribute.
    public var attribute: Attribute
    /// How its values are spread.
    public var distribution: ColumnDistribution

    /// Joins both.
    public init(attribute: Attribute, distribution: ColumnDistribution) {
        (self.attribute, self.distribution) = (attribute, distribution)
    }
}

/// A segment beside the base.
public struct SegmentProfile: Hashable, Sendable {
    /// Members that are compared.
    public var members: Int
    /// Subscribers of the base.
    public var base: Int
    /// The load whose attributes were looked at.
    public var load: String
    /// Hot attributes, the most different first, in the order of the catalogue where they are equally different.
    public var attributes: [ProfiledAttribute]

    /// Joins all.
    public init(members: Int, base: Int, load: String, attributes: [ProfiledAttribute]) {
        (self.members, self.base, self.load, self.attributes) = (members, base, load, attributes)
    }
}

extension Segments {
    /// Compares members with everybody of an organisation scope, by every hot attribute.
    ///
    /// - Parameters:
    ///   - members: Those outside the scope are left out.
    ///   - organisation: Who is compared with.
    ///   - showsMasked: Whether masked attributes are compared, too.
    ///   - today: The logical local day.
    /// - Returns: The attributes, the most different first.
    /// - Throws: ``DecisionError/noProfile`` before the first load.
    public func profile(
        of members: Bitset,
        in organisation: OrganisationScope,
        showsMasked: Bool,
        today: LocalDay
    ) async throws -> SegmentProfile {
        let live = try await liveColumns()
        let base = try await base(organisation, live.subscribers, today: today)
        var compared = members
        compared.grow(universe: live.subscribers)
        let catalogue = live.columns.profile.catalogue.attributes.filter { showsMasked || $0.sensitivity == .open }
        let found = catalogue.compactMap { attribute in
            live.columns.profile.columns[attribute.code].map {
                ProfiledAttribute(
                    attribute: attribute,
                    distribution: $0.distribution(of: compared, in: base, threads: threads)
                )
            }
        }
        compared.formIntersection(base)
        let order = found.indices.sorted {
            (-found[$0].distribution.distancePPM, $0) < (-found[$1].distribution.distancePPM, $1)
        }
        return SegmentProfile(
            members: compared.count,
            base: base.count,
            load: live.load,
            attributes: order.map { found[$0] }
        )
    }

    /// How the values of an attribute are spread over an organisation scope; kept of hot ones until others are loaded.
    ///
    /// A cold or derived attribute is read from the warehouse, which takes seconds on a large base; `catalogue` is what a
    /// derived one is made of, nil = the live one.
    ///
    /// - Returns: The distribution without members; nil when the live load has no such column.
    /// - Throws: ``DecisionError/noProfile`` before the first load.
    public func distribution(
        of attribute: Attribute,
        among catalogue: AttributeCatalogue? = nil,
        in organisation: OrganisationScope,
        today: LocalDay
    ) async throws -> ColumnDistribution? {
        let live = try await liveColumns()
        // A derived attribute may depend on the day, and its definition changes without a load.
        if attribute.expression != nil {
            let catalogue = catalogue ?? live.columns.profile.catalogue
            let column = try await warehouseColumns([attribute], in: catalogue, rows: live.subscribers, on: today)[0]
            let base = try await base(organisation, live.subscribers, today: today)
            return column.distribution(of: Bitset(universe: live.subscribers), in: base, threads: threads)
        }
        let key = BaseDistributions.Key(code: attribute.code, organisation: organisation)
        if let known = spreads.known(key, version: live.version) { return known }
        let hot = live.columns.profile.columns[attribute.code]
        var column = hot
        if column == nil { column = try await coldColumns([attribute], rows: live.subscribers)?[attribute.code] }
        guard let column else { return nil }
        let base = try await base(organisation, live.subscribers, today: today)
        let none = Bitset(universe: live.subscribers)
        let found = column.distribution(of: none, in: base, threads: threads)
        // The warehouse may still show the load before this one, or values that are being erased.
        if hot != nil { spreads.keep(found, key, version: live.version) }
        return found
    }

    /// Subscribers without a value, of attributes in memory, by code.
    public func withoutValue() async throws -> [String: Int] {
        try await liveColumns().columns.profile.columns.mapValues(\.nullCount)
    }

    /// Segments that somebody sees and that name an attribute in a rule, a score or an order, by name.
    public func users(of attribute: Attribute, seenBy staff: Staff) async throws -> [Segment] {
        let names: Set<String> = [attribute.code, attribute.name.zh]
        return try await all(SegmentFilter()).filter { segment in
            guard segment.isVisible(to: staff) else { return false }
            var texts = segment.definition.rules
            if case .highest(let code) = segment.definition.customerLine { texts.append(code) }
            if case .top(_, let score) = segment.definition.pick { texts.append(score) }
            return texts.contains { text in
                (try? RuleSyntax(parsing: text)).map { !$0.attributeNames.isDisjoint(with: names) } ?? false
            }
        }
        .sorted { $0.name < $1.name }
    }

    /// The columns in memory, and what says that they are others.
    private func liveColumns() async throws -> LiveColumns {
        try await host.read { state in
            guard let columns = try state.profileReader() as? ColumnProfile else { throw DecisionError.noProfile }
            return LiveColumns(
                columns: columns,
                load: state.attributes?.load ?? "",
                version: state.profileVersion,
                subscribers: columns.profile.universe
            )
        }
    }

    private func base(_ organisation: OrganisationScope, _ subscribers: Int, today: LocalDay) async throws -> Bitset {
        guard organisation != .all else { return Bitset(full: subscribers) }
        var base = try await members("TRUE", in: organisation, today: today)
        base.grow(universe: subscribers)
        return base
    }
}

private struct LiveColumns {
    var columns: ColumnProfile
    var load: String
    var version: Int
    var subscribers: Int
}

/// Distributions over whole scopes, kept as long as the attributes are the same.
final class BaseDistributions: Sendable {
    struct Key: Hashable {
        var code: String
        var organisation: OrganisationScope
    }

    private let kept = Mutex<(version: Int, found: [Key: ColumnDistribution])>((0, [:]))

    func known(_ key: Key, version: Int) -> ColumnDistribution? {
        kept.withLock { $0.version == version ? $0.found[key] : nil }
    }

    func keep(_ found: ColumnDistribution, _ key: Key, version: Int) {
        kept.withLock { kept in
            if kept.version != version { kept = (version, [:]) }
            kept.found[key] = found
        }
    }
}
