// The contact policy as revisioned configuration: drafted, checked, previewed, made live (FRQ-04).
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
public import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
import Rules

/// Why a policy is not changed.
public enum PolicyError: CodedError {
    /// The draft was made from a revision that is no longer live.
    case baseNotLive(draft: Int64, base: Int, live: Int)
    /// The draft, or the file's policy, has problems.
    case invalid([PolicyProblem])
    /// The draft became live or was discarded.
    case closed(draft: Int64, PolicyDraftState)
    /// The policy holds for everybody, so only staff of the whole operator change it.
    case notWholeOperator
    /// The draft does not differ from the live policy.
    case nothingChanged(draft: Int64)

    public var code: String {
        switch self {
        case .baseNotLive: "policy.base_not_live"
        case .invalid: "policy.invalid"
        case .closed: "policy.closed"
        case .notWholeOperator: "policy.not_allowed"
        case .nothingChanged: "policy.nothing_changed"
        }
    }

    public var description: String {
        switch self {
        case .baseNotLive(let draft, let base, let live):
            "draft \(draft) was made from revision \(base), but revision \(live) is live; rebase the draft on it, look "
                + "at what it changes now, and repeat"
        case .invalid(let problems):
            "the policy has \(problems.count) problems: "
                + problems.map { "\($0.key): \($0.remark.message.en)" }.joined(separator: "; ")
        case .closed(let draft, let state):
            "draft \(draft) is \(state.rawValue) and does not change any more; begin a new one"
        case .notWholeOperator:
            "the contact policy holds for the whole operator; staff of a part of it cannot change it"
        case .nothingChanged(let draft): "draft \(draft) is the live policy; change something first"
        }
    }
}

/// Changes the contact policy.
public struct Policies: Sendable {
    private let store: any ControlPlaneStore
    private let host: DecisionHost
    private let segments: Segments
    private let threads: Int
    private let turns = Turns()

    /// Blocks the owner of the decision core counts at a time, so that requests are answered in between.
    private static let blocksAtOnce = 16

    /// Keeps drafts in a store and makes them live through the host.
    public init(store: any ControlPlaneStore, host: DecisionHost, segments: Segments, threads: Int) {
        self.store = store
        self.host = host
        self.segments = segments
        self.threads = threads
    }

    /// The policy in force; nil before the first.
    public func live() async throws -> ContactPolicy? { try await host.read { $0.policy } }

    /// The draft with this number.
    ///
    /// - Throws: `ControlPlaneError/notFound(object:)`.
    public func draft(_ id: Int64) async throws -> PolicyDraft {
        guard let draft = try await store.policyDraft(id) else {
            throw ControlPlaneError.notFound(object: "policy-draft/\(id)")
        }
        return draft
    }

    /// The revision with this number.
    ///
    /// - Throws: `ControlPlaneError/notFound(object:)`.
    public func revision(_ number: Int) async throws -> PolicyRevision {
        guard let revision = try await store.policyRevision(number) else {
            throw ControlPlaneError.notFound(object: "policy/\(number)")
        }
        return revision
    }

    /// What is different in a draft from the revision it was made from; from nothing when there was none.
    public func changes(of draft: PolicyDraft) async throws -> [PolicyChange] {
        guard draft.base > 0 else { return ContactPolicy(revision: 0, tiers: [], dnd: []).changes(to: draft.policy) }
        return try await revision(draft.base).policy.changes(to: draft.policy)
    }

    /// What is different in one revision from another.
    public func changes(from old: Int, to new: Int) async throws -> [PolicyChange] {
        let before = old == 0 ? ContactPolicy(revision: 0, tiers: [], dnd: []) : try await revision(old).policy
        return before.changes(to: try await revision(new).policy)
    }

    // MARK: Checks

    /// What is wrong with a rule of a policy: tiers, category rules and areas read attributes in memory and lists.
    public func ruleCheck() async throws -> @Sendable (String) -> RuleRemark? {
        let scope = RuleScope(catalogue: try await segments.catalogue(), lists: ListID.standardCodes)
        return { rule in
            do {
                let cold = try scope.check(rule).uses.coldAttributes
                guard !cold.isEmpty else { return nil }
                let names = cold.map(\.code).joined(separator: ", ")
                return RuleRemark(
                    message: BilingualText(
                        zh: "属性 \(names) 不在内存中（hot: false），策略规则不能使用",
                        en: "reads \(names), which is not held in memory (hot: false); use other attributes"
                    )
                )
            } catch let error as RuleError {
                return RuleRemark(
                    message: error.message,
                    range: error.start.offset..<max(error.start.offset, error.end.offset),
                    suggestion: error.suggestion
                )
            } catch {
                return RuleRemark(message: BilingualText(zh: "规则无法检查：\(error)", en: "cannot be checked: \(error)"))
            }
        }
    }

    /// How many subscribers a rule of a policy is true for.
    ///
    /// - Throws: ``PolicyError/invalid(_:)`` for a rule that cannot stand in a policy.
    public func count(_ rule: String, today: LocalDay) async throws -> Int {
        if let remark = try await ruleCheck()(rule) {
            throw PolicyError.invalid([PolicyProblem(path: ["rule"], remark: remark)])
        }
        return try await segments.count(rule, in: .all, today: today)
    }

    /// Everything that keeps a policy from being made live.
    public func problems(of policy: ContactPolicy) async throws -> [PolicyProblem] {
        policy.problems(checkRule: try await ruleCheck())
    }

    // MARK: Preview

    /// What a draft would change as of a day, by brand where the catalogue has it, else by the first enumeration.
    ///
    /// - Throws: ``PolicyError/invalid(_:)`` for a draft that cannot be made live.
    public func preview(_ draft: ContactPolicy, on day: LocalDay) async throws -> PolicyPreview {
        let problems = try await problems(of: draft)
        guard problems.isEmpty else { throw PolicyError.invalid(problems) }
        let groups = Self.groups(try await segments.catalogue())
        let comparison = try await host.read { try $0.comparison(with: draft, on: day, groups: groups) }
        var counts: [PolicyComparison.Counts] = []
        for first in stride(from: 0, to: comparison.blocks.count, by: Self.blocksAtOnce) {
            let portion = first..<min(first + Self.blocksAtOnce, comparison.blocks.count)
            counts.append(try await host.read { [threads] in comparison.count(portion, $0.ledger, threads: threads) })
        }
        return comparison.preview(counts)
    }

    /// Most values of an attribute that groups subscribers.
    private static let mostGroups = 12

    static func groups(_ catalogue: AttributeCatalogue) -> [PreviewGroup] {
        func isGrouping(_ attribute: Attribute) -> Bool {
            attribute.type == .enumeration && attribute.isHot && attribute.sensitivity == .open
                && (2...mostGroups).contains(attribute.domain.count)
        }
        let brand = catalogue["brand"].flatMap { isGrouping($0) ? $0 : nil }
        guard let attribute = brand ?? catalogue.attributes.first(where: isGrouping) else { return [] }
        return attribute.domain.map { value in
            let literal = SQLDialect.duckdb.quoted(literal: value.value)
            return PreviewGroup(code: value.value, name: value.label, rule: "\(attribute.code) = \(literal)")
        }
    }

    // MARK: Shadow

    /// Lets a draft decide beside the live policy, without effect; another draft that did is ended.
    ///
    /// - Throws: ``PolicyError/invalid(_:)`` for a draft that cannot be made live; `ControlPlaneError/stale`.
    public func startShadow(_ id: Int64, version: Int, by staff: Staff, at now: LocalTime) async throws {
        try Self.check(staff)
        let draft = try await draft(id)
        guard draft.state == .draft else { throw PolicyError.closed(draft: id, draft.state) }
        guard draft.version == version else {
            throw ControlPlaneError.stale(object: "policy-draft/\(id)", expectedVersion: version)
        }
        let problems = try await problems(of: draft.policy)
        guard problems.isEmpty else { throw PolicyError.invalid(problems) }
        try await store.append(
            Self.entry("policy.shadow", "policy-draft/\(id)", staff, now.instant, "version \(version)")
        )
        try await host.startShadow(draft.policy, draft: id, version: version, at: now)
    }

    /// Ends the shadow, and says what it found; nil when none ran.
    public func stopShadow(by staff: Staff, at now: Instant) async throws -> ShadowStatus? {
        try Self.check(staff)
        guard let ended = try await host.stopShadow() else { return nil }
        try await store.append(Self.entry("policy.shadow_end", "policy-draft/\(ended.draft)", staff, now, ""))
        return ended
    }

    /// What the shadow found so far; nil when none runs.
    public func shadow() async throws -> ShadowStatus? { try await host.shadowStatus() }

    // MARK: Drafts

    /// Begins a draft of the live policy, or of an older revision that is to come back.
    public func begin(
        note: String,
        from revision: Int? = nil,
        by staff: Staff,
        at now: Instant
    ) async throws
        -> PolicyDraft
    {
        try Self.check(staff)
        return try await turns.complete {
            try await self.settle(at: now)
            guard let live = try await self.live() else { throw DecisionError.noPolicy }
            let policy = try await revision.asyncMap { try await self.revision($0).policy } ?? live
            let draft = PolicyDraft(base: live.revision, policy: policy, author: staff.login, note: note, at: now)
            let from = revision.map { ", contents of revision \($0)" } ?? ""
            let audit = Self.entry("policy.draft", "policy-draft", staff, now, "from revision \(live.revision)\(from)")
            return try await self.store.save(draft, audit: audit)
        }
    }

    /// Replaces the contents of a draft; problems do not keep it from being saved.
    ///
    /// - Throws: `ControlPlaneError/stale(object:expectedVersion:)`, ``PolicyError/closed(draft:_:)``.
    public func edit(
        _ id: Int64,
        version: Int,
        policy: ContactPolicy,
        note: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> PolicyDraft {
        try await change(id, version, "policy.edit", staff, now) { draft in
            let sections = draft.policy.changedSections(to: policy).map(\.rawValue)
            draft.policy = policy
            draft.note = note
            return sections.isEmpty ? "note" : sections.joined(separator: ", ")
        }
    }

    /// Gives a draft up.
    public func discard(_ id: Int64, version: Int, by staff: Staff, at now: Instant) async throws -> PolicyDraft {
        try await change(id, version, "policy.discard", staff, now) { draft in
            draft.state = .discarded
            return ""
        }
    }

    /// Moves a draft to the live revision: parts it left alone become those of the live policy, parts it changed stay.
    ///
    /// - Returns: The draft, and the parts that both changed since, where the draft's hold.
    public func rebase(
        _ id: Int64,
        version: Int,
        by staff: Staff,
        at now: Instant
    ) async throws -> (draft: PolicyDraft, both: [PolicySection]) {
        guard let live = try await live() else { throw DecisionError.noPolicy }
        let draft = try await draft(id)
        let base = try await revision(draft.base).policy
        let (here, there) = (Set(base.changedSections(to: draft.policy)), base.changedSections(to: live))
        let moved = try await change(id, version, "policy.rebase", staff, now) { draft in
            var policy = draft.policy
            for section in there where !here.contains(section) { section.copy(from: live, to: &policy) }
            draft.base = live.revision
            draft.policy = policy
            return "from revision \(base.revision) to \(live.revision)"
        }
        return (moved, there.filter(here.contains))
    }

    private func change(
        _ id: Int64,
        _ version: Int,
        _ action: String,
        _ staff: Staff,
        _ now: Instant,
        _ body: @escaping @Sendable (inout PolicyDraft) -> String
    ) async throws -> PolicyDraft {
        try Self.check(staff)
        return try await turns.complete {
            var draft = try await self.draft(id)
            guard draft.state == .draft else { throw PolicyError.closed(draft: id, draft.state) }
            draft.version = version
            draft.updatedAt = now
            let detail = body(&draft)
            let audit = Self.entry(action, "policy-draft/\(id)", staff, now, "version \(version + 1): \(detail)")
            return try await self.store.save(draft, audit: audit)
        }
    }

    // MARK: Making live

    /// Makes a draft live as the next revision.
    ///
    /// The log record is what counts: when the store fails after it, the revision is recorded at the next chance.
    ///
    /// - Throws: ``PolicyError``; `ControlPlaneError/stale(object:expectedVersion:)` when somebody changed the draft.
    public func makeLive(_ id: Int64, version: Int, by staff: Staff, at now: Instant) async throws -> PolicyRevision {
        try Self.check(staff)
        return try await turns.complete {
            try await self.settle(at: now)
            let draft = try await self.draft(id)
            guard draft.state == .draft else { throw PolicyError.closed(draft: id, draft.state) }
            guard draft.version == version else {
                throw ControlPlaneError.stale(object: "policy-draft/\(id)", expectedVersion: version)
            }
            let live = try await self.live()
            guard draft.base == live?.revision ?? 0 else {
                throw PolicyError.baseNotLive(draft: id, base: draft.base, live: live?.revision ?? 0)
            }
            if let live, live.changes(to: draft.policy).isEmpty { throw PolicyError.nothingChanged(draft: id) }
            return try await self.publish(draft.policy, draft: id, note: draft.note, who: staff.login, at: now)
        }
    }

    /// Makes a policy live that comes from a file, whatever drafts there are.
    ///
    /// `make`: Gets the number of the revision.
    public func set(
        note: String,
        by who: String,
        at now: Instant,
        _ make: @escaping @Sendable (_ revision: Int) throws -> ContactPolicy
    ) async throws -> PolicyRevision {
        try await turns.complete {
            try await self.settle(at: now)
            let policy = try make(((try await self.live())?.revision ?? 0) + 1)
            return try await self.publish(policy, draft: nil, note: note, who: who, at: now)
        }
    }

    private func publish(
        _ policy: ContactPolicy,
        draft: Int64?,
        note: String,
        who: String,
        at now: Instant
    ) async throws -> PolicyRevision {
        let problems = try await problems(of: policy)
        guard problems.isEmpty else { throw PolicyError.invalid(problems) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let file = try host.store(Array(encoder.encode(policy)))
        try await host.record([.policySet(revision: Int32(policy.revision), file: file)])
        let revision = PolicyRevision(at: now, who: who, note: note, draft: draft, policy: policy)
        try await record(revision, action: draft == nil ? "policy.set" : "policy.live")
        return revision
    }

    private func record(_ revision: PolicyRevision, action: String) async throws {
        let audit = AuditEntry(
            at: revision.at,
            who: revision.who,
            action: action,
            object: "policy/\(revision.number)",
            detail: revision.draft.map { "policy-draft/\($0)" } ?? revision.note
        )
        try await store.record(revision, audit: audit)
    }

    /// Records the live revision where the store lacks it: it was made live before revisions were kept, or the process
    /// ended between log and store.
    public func settle(at now: Instant) async throws {
        guard let live = try await live(), try await store.policyRevision(live.revision) == nil else { return }
        var query = ListQuery(limit: 1000)
        var source: PolicyDraft?
        repeat {
            let page = try await store.policyDrafts(query, states: [.draft])
            source = page.rows.first { $0.base == live.revision - 1 && $0.policy == live }
            query.offset += page.rows.count
            if page.rows.isEmpty || query.offset >= page.total { break }
        } while source == nil
        let revision = PolicyRevision(at: now, who: "system", note: source?.note ?? "", draft: source?.id, policy: live)
        try await record(revision, action: "policy.found")
    }

    // MARK: Who

    private static func check(_ staff: Staff) throws {
        guard staff.scope == .all else { throw PolicyError.notWholeOperator }
    }

    private static func entry(
        _ action: String,
        _ object: String,
        _ staff: Staff,
        _ now: Instant,
        _ detail: String
    ) -> AuditEntry {
        AuditEntry(at: now, who: staff.login, action: action, object: object, detail: detail)
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<T>(_ body: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await body(self)
    }
}
