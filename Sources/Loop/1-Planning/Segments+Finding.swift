// Finds the members of a segment: its source, then what is taken away, then what is picked.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
public import Model
import Ports
import Profiles
import Rules
import Segmentation

/// The members of a definition, and what each of its steps did.
public struct FoundMembers: Sendable {
    /// Members after the last step.
    public var members: Bitset
    /// The steps in their order; the first is the source.
    public var steps: [SegmentStep]
    /// The load whose attributes were looked at.
    public var load: String

    /// Joins all.
    public init(members: Bitset, steps: [SegmentStep], load: String) {
        (self.members, self.steps, self.load) = (members, steps, load)
    }
}

extension Segments {
    /// The members a campaign or another segment uses: the released audience when there is one, else the members now.
    public func members(
        of segment: Segment,
        in organisation: OrganisationScope,
        today: LocalDay
    ) async throws -> Bitset {
        try await members(of: segment, in: organisation, today: today, within: [])
    }

    /// Finds the members of a definition inside an organisation scope.
    ///
    /// - Parameters:
    ///   - definition: What is looked for.
    ///   - segment: The segment it belongs to; nil for one that is not saved yet.
    ///   - organisation: Others are left out.
    ///   - today: The logical local day.
    /// - Returns: Members and steps.
    /// - Throws: ``PlanningError`` for a part that cannot be, with its place.
    public func find(
        _ definition: SegmentDefinition,
        of segment: Int64? = nil,
        in organisation: OrganisationScope,
        today: LocalDay
    ) async throws -> FoundMembers {
        let found = Finding(
            segments: self,
            organisation: organisation,
            today: today,
            within: segment.map { [$0] } ?? []
        )
        return try await found.members(of: definition)
    }

    func members(
        of segment: Segment,
        in organisation: OrganisationScope,
        today: LocalDay,
        within path: [Int64]
    ) async throws -> Bitset {
        guard !path.contains(segment.id) else { throw PlanningError.circular(segment.id) }
        let finding = Finding(segments: self, organisation: organisation, today: today, within: path + [segment.id])
        if segment.refresh != .atUse, let number = segment.published, let audience = try await store.audience(number) {
            var members = try await members(of: audience.file)
            if let inScope = try await finding.inScope() { members.formIntersection(inScope) }
            return members
        }
        return try await finding.members(of: segment.definition).members
    }

    /// Segments of a scope that a subscriber is in, by name: in the released audience, else in the last one, else by the
    /// rule as it holds now.
    ///
    /// Those without an audience that are made of more than a rule are left out: to find out would take finding all of
    /// their members.
    public func all(with index: SubscriberIndex, in scope: OrganisationScope, today: LocalDay) async throws -> [Segment]
    {
        let rules = try await self.scope()
        let (profile, lists) = try await host.read { (try $0.profileReader(), $0.memberships) }
        var found: [Segment] = []
        for segment in try await all(SegmentFilter(states: [.saved, .computed, .published]))
        where scope.covers(segment.scope) {
            let isMember: Bool
            let frozen = segment.refresh == .atUse ? nil : segment.published ?? segment.audience
            if let frozen, let audience = try await store.audience(frozen) {
                isMember = try await members(of: audience.file).contains(index.number)
            } else if let rule = segment.definition.rule, segment.definition == SegmentDefinition(.rule(rule)) {
                let restricted = Self.restricted(rule, to: segment.scope, catalogue: rules.catalogue)
                guard let checked = try? rules.check(restricted) else { continue }
                isMember =
                    checked.uses.requiresWarehouse
                    ? try await members(rule, in: segment.scope, today: today).contains(index.number)
                    : try profile.holds(restricted, at: index, today: today, lists: lists)
            } else {
                continue
            }
            if isMember { found.append(segment) }
        }
        return found.sorted { $0.name < $1.name }
    }

    /// The members in a file.
    public func members(of file: ContentHash) async throws -> Bitset {
        try files.members(of: file, subscribers: try await host.read { $0.subscribers })
    }

    /// Gathers a set block by block, so that requests are answered in between.
    func gather(_ words: @escaping @Sendable (DecisionState, Int) -> [UInt64]) async throws -> Bitset {
        let (subscribers, blocks) = try await host.read { ($0.subscribers, $0.blocks) }
        var all: [UInt64] = []
        all.reserveCapacity(blocks * Block.words)
        for block in 0..<blocks { all += try await host.read { words($0, block) } }
        return Bitset(universe: subscribers, words: Array(all.prefix((subscribers + 63) / 64)))
    }

    /// The customer of each subscriber, numbered from 0.
    func customerNumbers() async throws -> [UInt32] {
        let (load, count) = try await host.read { ($0.attributes?.load, $0.subscribers) }
        guard let load else { throw DecisionError.noProfile }
        return try await customers.numbers(load: "\(load) \(count)") { [warehouse] in
            let sql = SQLText("SELECT idx, customer_id FROM subscriber", dialect: warehouse.dialect)
            return try await warehouse.query(sql, into: [Int64](repeating: 0, count: count)) { ids, batch in
                let values = try batch.integers(1)
                for (row, index) in try batch.integers(0).enumerated() { ids[Int(index)] = values[row] }
            }
        }
    }
}

/// One search for members.
private struct Finding {
    let segments: Segments
    let organisation: OrganisationScope
    let today: LocalDay
    /// The segments on the way from the first to this one.
    let within: [Int64]

    func members(of definition: SegmentDefinition) async throws -> FoundMembers {
        let (load, erased) = try await segments.host.read { ($0.attributes?.load ?? "", $0.erased) }
        var members = try await source(definition.source)
        members.remove(erased)
        var steps = [SegmentStep(.source, removed: 0, left: Int64(members.count))]
        if definition.rule == nil, let inScope = try await inScope() {
            members.formIntersection(inScope)
            steps.append(after: .scope, left: members.count)
        }
        var sets: [Bitset] = []
        for (place, exclusion) in definition.exclusions.enumerated() {
            sets.append(try await self.set(exclusion, at: "exclude.\(place)"))
        }
        for (place, step) in members.exclude(sets, threads: segments.threads).enumerated() {
            steps.append(after: .exclusion(place), left: step.left)
        }
        if let line = definition.customerLine {
            members = try await oneLine(line, of: members)
            steps.append(after: .onePerCustomer, left: members.count)
        }
        if let pick = definition.pick {
            members = try await picked(pick, of: members)
            steps.append(after: .pick, left: members.count)
        }
        return FoundMembers(members: members, steps: steps, load: load)
    }

    /// Everybody in the organisation scope; nil when that is everybody.
    func inScope() async throws -> Bitset? {
        organisation == .all ? nil : try await segments.members("TRUE", in: organisation, today: today)
    }

    private func source(_ source: SegmentSource) async throws -> Bitset {
        switch source {
        case .rule(let rule): return try await selected(by: rule, at: "from.rule")
        case .members(let file): return try await segments.members(of: file.file)
        case .algebra(let algebra):
            if let excess = algebra.excess { throw PlanningError.badDefinition(part: "from.algebra", why: excess) }
            var sets: [Int64: Bitset] = [:]
            for id in algebra.segments { sets[id] = try await members(ofSegment: id) }
            let universe = try await segments.host.read { $0.subscribers }
            return algebra.members(of: sets, universe: universe, threads: segments.threads)
        case .outcome(let outcome):
            guard !outcome.results.isEmpty else {
                throw PlanningError.badDefinition(
                    part: "from.outcome.results",
                    why: BilingualText(zh: "请至少选择一种反馈结果", en: "name at least one result")
                )
            }
            let results = Set(outcome.results)
            let campaign = try await known(outcome.campaign, at: "from.outcome.campaign")
            return try await segments.gather { $0.words(results, of: campaign, block: $1) }
        case .sql(let text): return try await segments.members(sql: text, today: today)
        }
    }

    private func selected(by rule: String, at part: String) async throws -> Bitset {
        do {
            return try await segments.members(rule, in: organisation, today: today)
        } catch let error as RuleError {
            throw PlanningError.badRule(part: part, error)
        }
    }

    private func members(ofSegment id: Int64) async throws -> Bitset {
        guard let segment = try await segments.store.segment(id) else { throw PlanningError.unknownSegment(id) }
        return try await segments.members(of: segment, in: organisation, today: today, within: within)
    }

    /// The campaign with this number: one that there is not would be nobody, in silence.
    private func known(_ id: Int64, at part: String) async throws -> CampaignID {
        let campaign = CampaignID(id)
        guard try await segments.store.campaign(campaign) != nil else {
            throw PlanningError.badDefinition(
                part: part,
                why: BilingualText(zh: "营销活动 \(id) 不存在", en: "campaign \(id) does not exist")
            )
        }
        return campaign
    }

    private func set(_ exclusion: SegmentExclusion, at part: String) async throws -> Bitset {
        switch exclusion {
        case .list(let code):
            let (lists, subscribers) = try await segments.host.read { ($0.lists, $0.subscribers) }
            guard lists.isKnown(code) else {
                throw PlanningError.badDefinition(
                    part: part,
                    why: BilingualText(zh: "名单 \(code.prefix(40)) 不存在", en: "there is no list \(code.prefix(40))")
                )
            }
            return lists.members(excludedBy: code) ?? Bitset(universe: subscribers)
        case .filter(let filter):
            try filter.check(at: part)
            return try await selected(by: filter.rule, at: part)
        case .contacted(let category, let days):
            guard (1...3_660).contains(days) else {
                throw PlanningError.badDefinition(
                    part: part,
                    why: BilingualText(zh: "天数为 1 至 3660", en: "days are 1 to 3660")
                )
            }
            let until = today
            return try await segments.gather {
                $0.words(.recent(category: category, days: days, until: until), block: $1)
            }
        case .campaigns(let ids):
            guard !ids.isEmpty else {
                throw PlanningError.badDefinition(
                    part: "\(part).campaigns",
                    why: BilingualText(zh: "请至少选择一个营销活动", en: "name at least one campaign")
                )
            }
            var all: Set<CampaignID> = []
            for (place, id) in ids.enumerated() { all.insert(try await known(id, at: "\(part).campaigns.\(place)")) }
            return try await segments.gather { [all] in $0.words(.campaigns(all), block: $1) }
        case .rule(let rule): return try await selected(by: rule, at: part)
        case .segment(let id): return try await members(ofSegment: id)
        }
    }

    private func oneLine(_ line: CustomerLine, of members: Bitset) async throws -> Bitset {
        let customers = try await segments.customerNumbers()
        switch line {
        case .main: return members.onePerCustomer(customers) { _ in 0 }
        case .highest(let code):
            let reader = try await segments.host.read { try $0.profileReader() }
            guard let column = (reader as? ColumnProfile)?.profile.columns[code], column.isOrdered else {
                throw PlanningError.badDefinition(
                    part: "one_per_customer.highest",
                    why: BilingualText(
                        zh: "\(code.prefix(63)) 不是常驻内存的数值或日期属性",
                        en: "\(code.prefix(63)) is no hot attribute that holds numbers or days"
                    )
                )
            }
            return members.onePerCustomer(customers) { column.unscaled(at: Int($0)) ?? .min }
        }
    }

    private func picked(_ pick: SegmentPick, of members: Bitset) async throws -> Bitset {
        let (count, draw) =
            switch pick {
            case .top(let count, _): (count, 0)
            case .sample(let count, let draw): (count, draw)
            }
        guard count > 0 else {
            throw PlanningError.badDefinition(part: "pick", why: BilingualText(zh: "抽取人数至少为 1", en: "pick 1 or more"))
        }
        let draws = try await segments.draws(draw)
        guard case .top(_, let expression) = pick else { return draws.sample(count, of: members) }
        let (reader, lists) = try await segments.host.read { (try $0.profileReader(), $0.memberships) }
        do {
            let scores = try reader.scores(expression, of: members, today: today, lists: lists)
            return draws.top(count, of: members, scores: scores)
        } catch let error as RuleError {
            throw PlanningError.badRule(part: "pick.top.score", error)
        }
    }
}

extension Segments {
    /// Draws by lot; each number is a draw of its own.
    func draws(_ number: Int) async throws -> Draws {
        let lines = try await host.read { $0.lines }
        let key = UInt64(bitPattern: Int64(number))
        return Draws(hash: KeyedHash(key0: 0x7365_676D_656E_7473, key1: key), lines: lines, threads: threads)
    }
}

extension ProfileReader {
    /// The scores of members by index; `Draws.noScore` for all others.
    fileprivate func scores(
        _ expression: String,
        of members: Bitset,
        today: LocalDay,
        lists: any MembershipReader
    ) throws -> [Int32] {
        let scorer = try scorer(expression, today: today, lists: lists)
        let blocks = Block.count(subscribers: members.universe)
        var scores = [Int32](repeating: Draws.noScore, count: blocks * Block.size)
        var words = members.words
        words += [UInt64](repeating: 0, count: blocks * Block.words - words.count)
        var present = [UInt64](repeating: 0, count: Block.words)
        for block in 0..<blocks {
            words.withUnsafeBufferPointer { words in
                scores.withUnsafeMutableBufferPointer { scores in
                    present.withUnsafeMutableBufferPointer { present in
                        guard let words = words.baseAddress, let scores = scores.baseAddress,
                            let present = present.baseAddress
                        else { return }
                        scorer.fill(
                            block: block,
                            members: words + block * Block.words,
                            scores: scores + block * Block.size,
                            present: present
                        )
                    }
                }
            }
        }
        return scores
    }
}

extension [ListID: Bitset] {
    /// Whether an exclusion may name a list.
    func isKnown(_ name: String) -> Bool {
        let named = ListID.lists(named: name)
        return named.first.map { ListID.standardCodes.contains($0.code) } == true
            || named.contains { self[$0] != nil }
    }

    /// Who a list named in an exclusion holds, see `ListID.lists(named:)`; nil when there is nobody on it.
    func members(excludedBy name: String) -> Bitset? {
        let sets = ListID.lists(named: name).compactMap { self[$0] }
        guard var members = sets.first else { return nil }
        for set in sets.dropFirst() { members.formUnion(set) }
        return members
    }
}

extension StrategyFilter {
    /// Throws when it names no product or too many days.
    func check(at part: String) throws(PlanningError) {
        guard (1...100).contains(product.count) else {
            throw .badDefinition(
                part: "\(part).product",
                why: BilingualText(zh: "请填写产品", en: "say which product")
            )
        }
        guard kind == .subscribed || (1...3_660).contains(days) else {
            throw .badDefinition(
                part: "\(part).days",
                why: BilingualText(zh: "天数为 1 至 3660", en: "days are 1 to 3660")
            )
        }
    }
}
