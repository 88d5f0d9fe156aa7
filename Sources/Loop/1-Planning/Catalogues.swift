// The attribute catalogue as revisioned configuration: derived attributes, and what is held in memory.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
public import Kernel
public import Model
public import Ports
public import Profiles
import Rules

/// A derived attribute as it would be.
public struct DerivedPreview: Sendable {
    /// With its type and bounds.
    public var attribute: Attribute
    /// How its values are spread over the reader's part of the base; nil when the reader may not see them.
    public var distribution: ColumnDistribution?

    /// Joins both.
    public init(attribute: Attribute, distribution: ColumnDistribution?) {
        (self.attribute, self.distribution) = (attribute, distribution)
    }
}

/// Changes the attribute catalogue.
///
/// A revision is recorded in the store first, and then followed by the log: its catalogue is what rules are checked against
/// and decisions are made with. What a crash left in between is brought to its end when the directory is opened, and before
/// the next change.
public struct Catalogues: Sendable {
    private let store: any ControlPlaneStore
    private let host: DecisionHost
    private let loading: SubscriberLoading
    private let segments: Segments

    /// Keeps revisions in a store and makes the live load follow them.
    public init(store: any ControlPlaneStore, host: DecisionHost, loading: SubscriberLoading, segments: Segments) {
        self.store = store
        self.host = host
        self.loading = loading
        self.segments = segments
    }

    /// The last revision; nil before the first.
    public func last() async throws -> CatalogueRevision? { try await store.catalogueRevision(nil) }

    /// The revision with this number; number 0 is the operator's file, which nobody made.
    ///
    /// - Throws: ``CatalogueError/unknownRevision(_:)``.
    public func content(of number: Int) async throws -> CatalogueContent {
        if number == 0 { return CatalogueContent() }
        guard let revision = try await store.catalogueRevision(number) else {
            throw CatalogueError.unknownRevision(number)
        }
        return revision.content
    }

    /// What a revision changed.
    public func changes(by revision: CatalogueRevision) async throws -> [CatalogueChange] {
        try await content(of: revision.number - 1).changes(to: revision.content)
    }

    // MARK: Changes

    /// Adds a derived attribute, or replaces the one with the code `old`; a changed code is one removed and one added.
    ///
    /// `base`: The revision that the change is based on; 0 = none.
    /// - Throws: ``CatalogueError``.
    public func define(
        _ derived: DerivedAttribute,
        replacing old: String? = nil,
        base: Int,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> CatalogueRevision {
        try await change(base: base, reason: reason, by: staff, at: now) { content in
            if let old {
                guard let place = content.derived.firstIndex(where: { $0.code == old }) else {
                    throw CatalogueError.unknownDerived(old)
                }
                content.derived[place] = derived
            } else {
                content.derived.append(derived)
            }
        }
    }

    /// Adds derived attributes in one revision.
    ///
    /// `base`: The revision that the change is based on; 0 = none.
    /// - Throws: ``CatalogueError``; none of them is there then.
    public func add(
        _ derived: [DerivedAttribute],
        base: Int,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> CatalogueRevision {
        try await change(base: base, reason: reason, by: staff, at: now) { $0.derived += derived }
    }

    /// Removes a derived attribute that nothing uses.
    public func remove(
        _ code: String,
        base: Int,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> CatalogueRevision {
        try await change(base: base, reason: reason, by: staff, at: now) { content in
            guard content[code] != nil else { throw CatalogueError.unknownDerived(code) }
            content.derived.removeAll { $0.code == code }
        }
    }

    /// Holds an attribute in memory, or in the warehouse only.
    public func hold(
        _ code: String,
        hot: Bool,
        base: Int,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> CatalogueRevision {
        let file = try await loading.fileCatalogue()
        guard let attribute = file[code] else {
            let why = "only attributes of the load are held somewhere; a derived one is hot when all that it reads is"
            throw CatalogueError.badField(attribute: String(code.prefix(63)), field: "hot", why: why)
        }
        return try await change(base: base, reason: reason, by: staff, at: now) { content in
            content.hot[code] = hot == attribute.isHot ? nil : hot
        }
    }

    /// Makes the content of an older revision, or of the file (0), that of a new one.
    public func restore(
        _ number: Int,
        base: Int,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> CatalogueRevision {
        let old = try await content(of: number)
        return try await change(base: base, reason: reason, by: staff, at: now) { $0 = old }
    }

    private func change(
        base: Int,
        reason: String,
        by staff: Staff,
        at now: Instant,
        _ body: @escaping @Sendable (inout CatalogueContent) throws -> Void
    ) async throws -> CatalogueRevision {
        guard staff.scope == .all else { throw CatalogueError.notWholeOperator }
        guard reason.contains(where: { !$0.isWhitespace }), reason.count <= 500 else {
            throw CatalogueError.reasonMissing
        }
        return try await loading.alone {
            let last = try await last()
            guard base == last?.number ?? 0 else { throw CatalogueError.stale(base: base, current: last?.number ?? 0) }
            try await follow()
            let before = last?.content ?? CatalogueContent()
            var content = before
            try body(&content)
            guard content != before else { throw CatalogueError.nothingChanged }
            let file = try await loading.fileCatalogue()
            try await refuseUsed(content, before)
            let catalogue = try await loading.catalogue(file, with: content, revision: base + 1)
            try await refuseBroken(by: catalogue)
            // Columns are built before anything is recorded: what cannot be read changes nothing.
            let record = try await loading.record(of: catalogue)
            let revision = CatalogueRevision(
                number: base + 1,
                at: now,
                who: staff.login,
                reason: reason,
                content: content
            )
            let changed = before.changes(to: content).map(\.code)
            let named = changed.prefix(10).joined(separator: ", ") + (changed.count > 10 ? " …" : "")
            try await store.record(
                revision,
                audit: AuditEntry(
                    at: now,
                    who: staff.login,
                    action: "catalogue.change",
                    object: "catalogue/\(revision.number)",
                    detail: "\(named): \(reason)"
                )
            )
            try await host.record([record])
            return revision
        }
    }

    /// Makes the log follow the last revision where a crash came between; called when a data directory is opened.
    ///
    /// - Returns: Why it does not follow yet; nil when it does.
    public func settle() async -> String? {
        do { try await loading.alone { try await follow() } } catch { return "\(error)" }
        return nil
    }

    private func follow() async throws {
        guard let last = try await last(), let live = try? await segments.catalogue(), live.revision != last.number
        else {
            return
        }
        let catalogue = try await loading.withRevision(try await loading.fileCatalogue())
        try await host.record([try await loading.record(of: catalogue)])
    }

    // MARK: Looking

    /// What a definition would be, with its distribution; nothing is changed.
    ///
    /// `old`: The code of the definition that it would replace.
    /// - Throws: ``CatalogueError`` as ``define(_:replacing:base:reason:by:at:)`` does, but for uses.
    public func preview(
        _ derived: DerivedAttribute,
        replacing old: String? = nil,
        for staff: Staff,
        today: LocalDay
    ) async throws -> DerivedPreview {
        var content = try await last()?.content ?? CatalogueContent()
        if let old, let place = content.derived.firstIndex(where: { $0.code == old }) {
            content.derived[place] = derived
        } else {
            content.derived.append(derived)
        }
        let catalogue = try await loading.catalogue(try await loading.fileCatalogue(), with: content, revision: 0)
        guard let attribute = catalogue[derived.code] else { throw CatalogueError.unknownDerived(derived.code) }
        let maySee = attribute.sensitivity == .open || staff.may(.unmask)
        return DerivedPreview(
            attribute: attribute,
            distribution: maySee
                ? try await segments.distribution(of: attribute, among: catalogue, in: staff.scope, today: today) : nil
        )
    }

    // MARK: Uses

    /// Everything that names an attribute.
    public func uses(of attribute: Attribute) async throws -> [CatalogueUse] {
        let names: Set<String> = [attribute.code, attribute.name.zh]
        var found = try await readers().filter { reader in
            (try? RuleSyntax(parsing: reader.text)).map { !$0.attributeNames.isDisjoint(with: names) } ?? false
        }
        .map(\.use)
        found += try await last()?.content.users(of: names) ?? []
        return found
    }

    /// Derived attributes that name one that goes are named as its users, not as broken.
    private func refuseUsed(_ content: CatalogueContent, _ before: CatalogueContent) async throws {
        let gone = before.derived.filter { content[$0.code] == nil }
        let names = Set(gone.flatMap { [$0.code, $0.name.zh] })
        let users = content.users(of: names.subtracting(content.derived.flatMap { [$0.code, $0.name.zh] }))
        guard users.isEmpty else { throw CatalogueError.inUse(users) }
    }

    /// Everything that works with the catalogue as it is goes on working with another one.
    private func refuseBroken(by catalogue: AttributeCatalogue) async throws {
        let now = try await segments.scope()
        var then = now
        then.catalogue = catalogue
        let broken = try await readers().compactMap { reader -> CatalogueUse? in
            guard reader.problem(in: now) == nil, let problem = reader.problem(in: then) else { return nil }
            var use = reader.use
            use.why = problem
            return use
        }
        guard broken.isEmpty else { throw CatalogueError.inUse(broken) }
    }

    private func readers() async throws -> [AttributeReader] {
        var found: [AttributeReader] = []
        for segment in try await segments.all(SegmentFilter()) { found += AttributeReader.all(of: segment) }
        let phases = Set(CampaignPhase.allCases).subtracting([.stopped, .finished, .rejected])
        for campaign in try await everything({ try await store.campaigns($0, phases: phases, in: .all) }) {
            found += AttributeReader.all(of: campaign)
        }
        if let policy = try await host.read({ $0.policy }) {
            found += AttributeReader.all(of: policy, CatalogueUse(.policy, name: "\(policy.revision)"))
        }
        for draft in try await everything({ try await store.policyDrafts($0, states: [.draft]) }) {
            found += AttributeReader.all(of: draft.policy, CatalogueUse(.policyDraft, id: draft.id, name: draft.note))
        }
        for setting in try await store.listSettings() {
            let use = CatalogueUse(.list, name: setting.list)
            found += setting.rule.map { [AttributeReader(use, "", .rule, $0)] } ?? []
        }
        return found
    }

    private func everything<Row>(_ page: (ListQuery) async throws -> Page<Row>) async throws -> [Row] {
        var (found, query): ([Row], ListQuery) = ([], ListQuery(limit: 1_000))
        while true {
            let next = try await page(query)
            found += next.rows
            query.offset += next.rows.count
            if next.rows.isEmpty || query.offset >= next.total { return found }
        }
    }
}
