// The control plane in memory, with failures on demand; for tests.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports
import Synchronization

/// A ``ControlPlaneStore`` in memory; ``failWrites(_:)`` makes changes fail as a full disk would.
public final class InMemoryControlPlane: ControlPlaneStore {
    struct Content {
        var staff: [String: (staff: Staff, password: PasswordHash)] = [:]
        var sessions: [ContentHash: (login: String, expires: Instant)] = [:]
        var segments: [Segment] = []
        var segmentRevisions: [SegmentRevision] = []
        var audiences: [Audience] = []
        var segmentExports: [SegmentExport] = []
        var deliveredFiles: [DeliveredFile] = []
        var lastSegment: Int64 = 0
        var dataRequests: [DataRequest] = []
        var listSettings: [ListSetting] = []
        var campaigns: [Campaign] = []
        var plans: [CampaignID: [CampaignPlan]] = [:]
        var approvals: [Approval] = []
        var policyDrafts: [PolicyDraft] = []
        var policyRevisions: [PolicyRevision] = []
        var catalogueRevisions: [CatalogueRevision] = []
        var arbitrations: [Arbitration] = []
        var changes: [ListChange] = []
        var imports: [ListImportRecord] = []
        var dates: [ListDates] = []

        mutating func set(_ new: [ListDates]) throws {
            for entry in new {
                try ControlPlaneChecks.check(entry)
                dates.removeAll { $0.list == entry.list && $0.index == entry.index }
                if !entry.isEmpty { dates.append(entry) }
            }
        }
        var erased: Set<UInt32> = []
        var loads: [LoadRecord] = []
        var audit: [AuditEntry] = []
        var isFailing = false
    }

    let content = Mutex(Content())

    /// An empty control plane.
    public init() {}

    /// Makes each change fail with ``RequestedFailure`` at its end, or no longer.
    public func failWrites(_ isFailing: Bool) {
        content.withLock { $0.isFailing = isFailing }
    }

    /// Applies a change and its audit entry to a copy, which becomes the content when nothing threw.
    func change<Result: Sendable>(
        _ entry: AuditEntry?,
        _ body: (inout Content) throws -> Result
    ) throws -> Result {
        try content.withLock { content in
            if let entry { try ControlPlaneChecks.check(entry) }
            var next = content
            let result = try body(&next)
            if let entry { next.audit.append(entry) }
            guard !next.isFailing else { throw RequestedFailure() }
            content = next
            return result
        }
    }

    func look<Result: Sendable>(_ body: (Content) -> Result) -> Result {
        content.withLock { body($0) }
    }

    // MARK: Staff and sessions

    public func staff(login: String) -> (staff: Staff, password: PasswordHash)? {
        look { $0.staff[login] }
    }

    public func staff(_ query: ListQuery) -> Page<Staff> {
        let order = query.order(by: StaffColumn.self)
        return look { $0.staff.values.map(\.staff) }.page(
            query,
            isDescending: order.isDescending,
            searching: { [$0.login, $0.name] },
            number: \.login
        ) {
            switch order.column {
            case .login: .text($0.login)
            case .name: .text($0.name)
            case .role: .text($0.role.rawValue)
            }
        }
    }

    public func add(_ staff: Staff, password: PasswordHash, audit: AuditEntry) throws {
        try change(audit) { content in
            try ControlPlaneChecks.check(staff)
            guard content.staff[staff.login] == nil else {
                throw ControlPlaneError.nameTaken(object: "staff", name: staff.login)
            }
            content.staff[staff.login] = (staff, password)
        }
    }

    public func update(_ staff: Staff, password: PasswordHash?, audit: AuditEntry) throws {
        try change(audit) { content in
            try ControlPlaneChecks.check(staff)
            guard let stored = content.staff[staff.login] else {
                throw ControlPlaneError.notFound(object: "staff/\(staff.login)")
            }
            content.staff[staff.login] = (staff, password ?? stored.password)
            if password != nil { content.sessions = content.sessions.filter { $0.value.login != staff.login } }
        }
    }

    public func openSession(tokenHash: ContentHash, login: String, at now: Instant, expires: Instant) throws {
        try change(nil) { content in
            guard content.staff[login] != nil else { throw ControlPlaneError.notFound(object: "staff/\(login)") }
            content.sessions = content.sessions.filter { $0.value.expires > now }
            guard content.sessions.updateValue((login, expires), forKey: tokenHash) == nil else {
                throw ControlPlaneError.invalid(object: "session of \(login)", reason: "its token is in use")
            }
        }
    }

    public func session(tokenHash: ContentHash, at now: Instant) -> Staff? {
        look { content in
            guard let session = content.sessions[tokenHash], session.expires > now,
                let staff = content.staff[session.login]?.staff, staff.isActive
            else { return nil }
            return staff
        }
    }

    public func closeSession(tokenHash: ContentHash) throws {
        try change(nil) { $0.sessions[tokenHash] = nil }
    }

    // MARK: Campaigns

    public func campaign(_ id: CampaignID) -> Campaign? {
        look { $0.campaigns.first { $0.id == id } }
    }

    public func campaign(named name: String) -> Campaign? {
        look { $0.campaigns.first { isSame($0.plan.name, name) } }
    }

    public func campaigns(
        _ query: ListQuery,
        phases: Set<CampaignPhase>,
        in scope: OrganisationScope
    ) -> Page<Campaign> {
        let order = query.order(by: CampaignColumn.self)
        return look { $0.campaigns }.filter { phases.contains($0.phase) && scope.covers($0.scope) }
            .page(
                query,
                isDescending: order.isDescending,
                searching: { [$0.plan.name, $0.plan.goal, $0.owner] },
                number: \.id.number
            ) {
                switch order.column {
                case .name: .text($0.plan.name)
                case .owner: .text($0.owner)
                case .phase: .number(CampaignPhase.allCases.firstIndex(of: $0.phase).map(Int64.init))
                case .planned: .number($0.plan.planned.instant.epochMs)
                case .updated: .number($0.updatedAt.epochMs)
                }
            }
    }

    public func plan(of campaign: CampaignID, revision: Int) -> CampaignPlan? {
        look { content in
            guard let plans = content.plans[campaign], (1...plans.count).contains(revision) else { return nil }
            return plans[revision - 1]
        }
    }

    public func save(_ campaign: Campaign, audit: AuditEntry) throws -> Campaign {
        try change(audit) { content in
            let stored = try stored(campaign, content)
            try ControlPlaneChecks.check(campaign, replacing: stored)
            return try put(campaign, &content)
        }
    }

    /// The campaign as it is stored; nil when it is new.
    private func stored(_ campaign: Campaign, _ content: Content) throws -> Campaign? {
        guard campaign.version > 0 else { return nil }
        let object = "campaign/\(campaign.id.number)"
        guard let stored = content.campaigns.first(where: { $0.id == campaign.id }) else {
            throw ControlPlaneError.notFound(object: object)
        }
        guard stored.version == campaign.version else {
            throw ControlPlaneError.stale(object: object, expectedVersion: campaign.version)
        }
        return stored
    }

    private func put(_ campaign: Campaign, _ content: inout Content) throws -> Campaign {
        var saved = campaign
        if saved.version == 0 { saved.id = CampaignID(Int64(content.campaigns.count) + 1) }
        guard !content.campaigns.contains(where: { isSame($0.plan.name, saved.plan.name) && $0.id != saved.id }) else {
            throw ControlPlaneError.nameTaken(object: "campaign", name: saved.plan.name)
        }
        guard content.segments.contains(where: { $0.id == saved.plan.segment }) else {
            throw ControlPlaneError.notFound(object: "segment/\(saved.plan.segment)")
        }
        saved.version += 1
        if saved.revision > content.plans[saved.id, default: []].count {
            content.plans[saved.id, default: []].append(saved.plan)
        }
        content.campaigns.put(saved, at: content.campaigns.firstIndex { $0.id == saved.id })
        return saved
    }

    // MARK: Approvals

    public func approvals(of campaign: CampaignID) -> [Approval] {
        look { $0.approvals.filter { $0.campaign == campaign } }
    }

    public func pendingApprovals(_ query: ListQuery, in scope: OrganisationScope) -> Page<CampaignApproval> {
        let order = query.order(by: ApprovalColumn.self)
        let waiting = look { content in
            content.approvals.filter { $0.result == nil }.flatMap { approval in
                content.campaigns.filter { $0.id == approval.campaign && scope.covers($0.scope) }
                    .map { CampaignApproval(approval: approval, campaign: $0) }
            }
        }
        return waiting.page(
            query,
            isDescending: order.isDescending,
            searching: { [$0.campaign.plan.name, $0.approval.submittedBy] },
            number: \.approval.id
        ) {
            switch order.column {
            case .campaign: .text($0.campaign.plan.name)
            case .submitter: .text($0.approval.submittedBy)
            case .submitted: .number($0.approval.submittedAt.epochMs)
            }
        }
    }

    public func save(_ approval: Approval, with campaign: Campaign, audit: AuditEntry) throws -> CampaignApproval {
        try change(audit) { content in
            guard let stored = try stored(campaign, content) else {
                throw ControlPlaneError.invalid(object: "approval", reason: "save the campaign first")
            }
            let place = content.approvals.firstIndex { $0.id == approval.id }
            guard approval.id == 0 || place != nil else {
                throw ControlPlaneError.notFound(object: "approval/\(approval.id)")
            }
            let waiting = place.map { content.approvals[$0] }
            try ControlPlaneChecks.check(approval, replacing: waiting, with: campaign, replacing: stored)
            var saved = CampaignApproval(approval: approval, campaign: try put(campaign, &content))
            if place == nil { saved.approval.id = Int64(content.approvals.count) + 1 }
            content.approvals.put(saved.approval, at: place)
            return saved
        }
    }

    // MARK: Contact policy

    public func policyDraft(_ id: Int64) -> PolicyDraft? {
        look { $0.policyDrafts.first { $0.id == id } }
    }

    public func policyDrafts(_ query: ListQuery, states: Set<PolicyDraftState>) -> Page<PolicyDraft> {
        let order = query.order(by: PolicyDraftColumn.self)
        return look { $0.policyDrafts }.filter { states.contains($0.state) }
            .page(query, isDescending: order.isDescending, searching: { [$0.author, $0.note] }, number: \.id) {
                switch order.column {
                case .number: .number($0.id)
                case .author: .text($0.author)
                case .note: .text($0.note)
                case .updated: .number($0.updatedAt.epochMs)
                }
            }
    }

    public func save(_ draft: PolicyDraft, audit: AuditEntry) throws -> PolicyDraft {
        try change(audit) { content in
            var saved = draft
            if draft.version == 0 { saved.id = Int64(content.policyDrafts.count) + 1 }
            let place = content.policyDrafts.firstIndex { $0.id == saved.id }
            if draft.version > 0 {
                guard let place else { throw ControlPlaneError.notFound(object: "policy-draft/\(draft.id)") }
                guard content.policyDrafts[place].version == draft.version else {
                    throw ControlPlaneError.stale(object: "policy-draft/\(draft.id)", expectedVersion: draft.version)
                }
            }
            try ControlPlaneChecks.check(draft, replacing: place.map { content.policyDrafts[$0] })
            saved.version += 1
            content.policyDrafts.put(saved, at: place)
            return saved
        }
    }

    public func record(_ revision: PolicyRevision, audit: AuditEntry) throws {
        try change(audit) { content in
            guard !content.policyRevisions.contains(where: { $0.number == revision.number }) else {
                throw ControlPlaneError.nameTaken(object: "policy", name: "\(revision.number)")
            }
            let place = content.policyDrafts.firstIndex { $0.id == revision.draft }
            if let draft = revision.draft, place == nil {
                throw ControlPlaneError.notFound(object: "policy-draft/\(draft)")
            }
            try ControlPlaneChecks.check(revision, from: place.map { content.policyDrafts[$0] })
            if let place {
                content.policyDrafts[place].state = .live
                content.policyDrafts[place].version += 1
                content.policyDrafts[place].updatedAt = revision.at
            }
            content.policyRevisions.append(revision)
        }
    }

    public func policyRevision(_ number: Int) -> PolicyRevision? {
        look { $0.policyRevisions.first { $0.number == number } }
    }

    public func policyRevisions(_ query: ListQuery) -> Page<PolicyRevision> {
        let order = query.order(by: PolicyRevisionColumn.self)
        return look { $0.policyRevisions }
            .page(query, isDescending: order.isDescending, searching: { [$0.who, $0.note] }, number: \.number) {
                switch order.column {
                case .number: .number(Int64($0.number))
                case .at: .number($0.at.epochMs)
                case .who: .text($0.who)
                case .note: .text($0.note)
                }
            }
    }

    // MARK: Attribute catalogue

    public func record(_ revision: CatalogueRevision, audit: AuditEntry) throws {
        try change(audit) { content in
            try ControlPlaneChecks.check(revision, after: content.catalogueRevisions.last?.number ?? 0)
            content.catalogueRevisions.append(revision)
        }
    }

    public func catalogueRevision(_ number: Int?) -> CatalogueRevision? {
        look { content in
            number.map { number in content.catalogueRevisions.first { $0.number == number } }
                ?? content.catalogueRevisions.last
        }
    }

    public func catalogueRevisions(_ query: ListQuery) -> Page<CatalogueRevision> {
        let order = query.order(by: CatalogueRevisionColumn.self)
        return look { $0.catalogueRevisions }
            .page(query, isDescending: order.isDescending, searching: { [$0.who, $0.reason] }, number: \.number) {
                switch order.column {
                case .number: .number(Int64($0.number))
                case .at: .number($0.at.epochMs)
                case .who: .text($0.who)
                case .reason: .text($0.reason)
                }
            }
    }

    // MARK: Arbitrations

    public func arbitration(_ id: Int64) -> Arbitration? {
        look { $0.arbitrations.first { $0.id == id } }
    }

    public func arbitrations(
        _ query: ListQuery,
        states: Set<ArbitrationState>,
        in scope: OrganisationScope
    ) -> Page<Arbitration> {
        let order = query.order(by: ArbitrationColumn.self)
        return look { $0.arbitrations }.filter { states.contains($0.state) && scope.covers($0.scope) }
            .page(query, isDescending: order.isDescending, searching: { [$0.name, $0.owner] }, number: \.id) {
                switch order.column {
                case .number: .number($0.id)
                case .name: .text($0.name)
                case .owner: .text($0.owner)
                case .state: .text($0.state.rawValue)
                case .updated: .number($0.updatedAt.epochMs)
                }
            }
    }

    public func save(_ arbitration: Arbitration, audit: AuditEntry) throws -> Arbitration {
        try change(audit) { content in
            var saved = arbitration
            if saved.version == 0 { saved.id = Int64(content.arbitrations.count) + 1 }
            let place = content.arbitrations.firstIndex { $0.id == saved.id }
            let object = "arbitration/\(arbitration.id)"
            if arbitration.version > 0 {
                guard let place else { throw ControlPlaneError.notFound(object: object) }
                guard content.arbitrations[place].version == arbitration.version else {
                    throw ControlPlaneError.stale(object: object, expectedVersion: arbitration.version)
                }
            }
            if let previous = saved.previous, !content.arbitrations.contains(where: { $0.id == previous }) {
                throw ControlPlaneError.notFound(object: "arbitration/\(previous)")
            }
            try ControlPlaneChecks.check(arbitration, replacing: place.map { content.arbitrations[$0] })
            saved.version += 1
            content.arbitrations.put(saved, at: place)
            return saved
        }
    }

    // MARK: Lists, loads and audit

    public func record(_ changes: [ListChange], dates: [ListDates], audit: AuditEntry) throws {
        try change(audit) { content in
            for change in changes { try ControlPlaneChecks.check(change) }
            content.changes += changes
            try content.set(dates)
        }
    }

    public func listDates(_ choice: ListDatesChoice) -> [ListDates] {
        look { content in
            content.dates.filter { dates in
                switch choice {
                case .all: true
                case .list(let list): dates.list == list
                case .subscriber(let index): dates.index == index
                case .due(let day):
                    dates.to.map { $0 < day } ?? false || !dates.isEntered && dates.from.map { $0 <= day } ?? true
                }
            }
            .sorted { ($0.list, $0.index) < ($1.list, $1.index) }
        }
    }

    public func record(
        _ entry: ListImportRecord,
        changes: [ListChange],
        dates: [ListDates],
        audit: AuditEntry
    ) throws {
        try change(audit) { content in
            try ControlPlaneChecks.check(entry)
            for change in changes { try ControlPlaneChecks.check(change) }
            content.imports.append(entry)
            content.changes += changes
            try content.set(dates)
        }
    }

    public func listImports() -> [ListImportRecord] { look { $0.imports } }

    public func listChanges(of index: UInt32) -> [ListChange] {
        look { $0.changes.filter { $0.index == index } }
    }

    public func erasedSubscribers() -> Set<UInt32> { look { $0.erased } }

    public func forget(_ subscribers: [UInt32], mentions: Mentions) throws {
        try change(nil) { content in
            let own = content.changes.filter { subscribers.contains($0.index) }
            for place in content.audit.indices {
                let entry = content.audit[place]
                let isOwn = own.contains { change in
                    let object = "list/" + change.list.code + (change.list.channel.map { "/\($0.code)" } ?? "")
                    return ["list.add", "list.remove"].contains(entry.action) && change.at == entry.at
                        && isSame(change.who, entry.who) && isSame(object, entry.object)
                }
                if isOwn || mentions.occur(in: entry.detail) { content.audit[place].detail = Mentions.erased }
            }
            for place in content.changes.indices {
                let change = content.changes[place]
                guard subscribers.contains(change.index) || mentions.occur(in: change.reason) else { continue }
                content.changes[place].reason = Mentions.erased
            }
            content.dates.removeAll { subscribers.contains($0.index) }
            for place in content.catalogueRevisions.indices
            where mentions.occur(in: content.catalogueRevisions[place].reason) {
                content.catalogueRevisions[place].reason = Mentions.erased
            }
            for place in content.dates.indices where mentions.occur(in: content.dates[place].reason) {
                content.dates[place].reason = Mentions.erased
            }
            for place in content.imports.indices {
                let entry = content.imports[place]
                if mentions.occur(in: entry.reason) { content.imports[place].reason = Mentions.erased }
                if mentions.occur(in: entry.source) { content.imports[place].source = Mentions.erased }
            }
            content.dataRequests = content.dataRequests.map { $0.without(mentions) }
            for place in content.segmentExports.indices where mentions.occur(in: content.segmentExports[place].reason) {
                content.segmentExports[place].reason = Mentions.erased
            }
            for place in content.segments.indices {
                if mentions.occur(in: content.segments[place].purpose) {
                    content.segments[place].purpose = Mentions.erased
                }
                if let review = content.segments[place].review, mentions.occur(in: review.reason ?? "") {
                    content.segments[place].review = review.saying(Mentions.erased)
                }
            }
            for place in content.listSettings.indices where mentions.occur(in: content.listSettings[place].reason) {
                content.listSettings[place].reason = Mentions.erased
            }
        }
    }

    public func recordErased(_ subscribers: [UInt32], audit: AuditEntry) throws {
        try change(audit) { $0.erased.formUnion(subscribers) }
    }

    public func load(id: String) -> LoadRecord? {
        look { $0.loads.first { isSame($0.id, id) } }
    }

    public func loads(table: String?) -> [LoadRecord] {
        look { $0.loads.filter { load in table.map { isSame(load.table, $0) } ?? true } }
    }

    public func record(_ load: LoadRecord, audit: AuditEntry) throws {
        try change(audit) { content in
            try ControlPlaneChecks.check(load)
            guard !content.loads.contains(where: { isSame($0.id, load.id) }) else {
                throw ControlPlaneError.nameTaken(object: "load", name: load.id)
            }
            content.loads.append(load)
        }
    }

    public func removeLoad(id: String, audit: AuditEntry) throws {
        try change(audit) { content in
            guard let place = content.loads.firstIndex(where: { isSame($0.id, id) }) else {
                throw ControlPlaneError.notFound(object: "load \(id)")
            }
            content.loads.remove(at: place)
        }
    }

    public func append(_ entry: AuditEntry) throws {
        try change(entry) { _ in }
    }

    public func audit(_ query: ListQuery) -> Page<AuditEntry> {
        let order = query.order(by: AuditColumn.self)
        let entries = look { Array($0.audit.enumerated()) }
        let page = entries.page(
            query,
            isDescending: order.isDescending,
            searching: { [$0.element.who, $0.element.action, $0.element.object, $0.element.detail] },
            number: \.offset
        ) {
            switch order.column {
            case .at: .number($0.element.at.epochMs)
            case .who: .text($0.element.who)
            case .action: .text($0.element.action)
            case .object: .text($0.element.object)
            }
        }
        return Page(rows: page.rows.map(\.element), total: page.total)
    }

    public func auditOfLoads() -> [AuditEntry] {
        look { $0.audit.filter { ControlPlaneChecks.loadChanges.contains($0.action) } }
    }
}

/// Whether two texts have the same bytes; `==` would also hold for other spellings of one character.
func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

/// What a row is ordered by.
enum SortKey {
    case text(String)
    case number(Int64?)

    /// Whether this key sorts before `other` of the same column; nothing sorts before every number.
    func precedes(_ other: SortKey) -> Bool {
        switch (self, other) {
        case (.text(let a), .text(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.number(let a), .number(let b)): b.map { b in a.map { $0 < b } ?? true } ?? false
        default: false
        }
    }
}

extension Array {
    mutating func put(_ element: Element, at place: Int?) {
        if let place { self[place] = element } else { append(element) }
    }
}

extension Sequence where Element: Sendable {
    /// The page of a list; `key` is what it is ordered by, `number` what equal rows are.
    func page(
        _ query: ListQuery,
        isDescending: Bool,
        searching texts: (Element) -> [String],
        number: (Element) -> some Comparable,
        key: (Element) -> SortKey
    ) -> Page<Element> {
        let needle = folded(query.search)
        let found = filter { row in
            needle.isEmpty || texts(row).contains { folded($0).firstRange(of: needle) != nil }
        }
        let sorted = found.sorted { first, second in
            let (a, b) = isDescending ? (second, first) : (first, second)
            let (keyA, keyB) = (key(a), key(b))
            return keyA.precedes(keyB) || (!keyB.precedes(keyA) && number(a) < number(b))
        }
        return Page(rows: Array(sorted.dropFirst(query.offset).prefix(query.limit)), total: sorted.count)
    }
}

/// The bytes of a text with ASCII letters in lower case.
private func folded(_ text: String) -> [UInt8] {
    text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
}
