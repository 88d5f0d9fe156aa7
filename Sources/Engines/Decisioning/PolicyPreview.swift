// What a draft of the contact policy would change for the whole base: who could be reached before and after.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// A group of subscribers that a preview counts by itself, for example a brand.
public struct PreviewGroup: Hashable, Sendable {
    /// Identifier, for example the value of the attribute; empty = everybody.
    public var code: String
    /// Names in both languages.
    public var name: BilingualText
    /// Rule text that is true for its members.
    public var rule: String

    /// Makes a group; see the properties.
    public init(code: String, name: BilingualText, rule: String) {
        self.code = code
        self.name = name
        self.rule = rule
    }
}

/// Subscribers of a group that a channel class can reach: not held out, on no barring list, after the minimum
/// interval, and with room under both caps.
///
/// What depends on a campaign is not looked at: products, similarity, category rules, unticked classes.
public struct PolicyReach: Hashable, Sendable {
    /// The channel class.
    public var channel: ChannelClass
    /// Under the live policy.
    public var before = 0
    /// Under the draft.
    public var after = 0
    /// Reached under the draft only.
    public var gained = 0
    /// Reached under the live policy only.
    public var lost = 0
}

/// What a preview says of one group.
public struct PolicyGroupPreview: Hashable, Sendable {
    /// The group.
    public var group: PreviewGroup
    /// Its subscribers.
    public var subscribers: Int
    /// By channel class.
    public var reach: [PolicyReach]
}

/// Subscribers of a tier before and after; code `unknown` = in no tier.
public struct PolicyTierPreview: Hashable, Sendable {
    /// Code of the tier.
    public var code: String
    /// Its name, that of the draft where both have it.
    public var name: BilingualText
    /// Subscribers under the live policy; nil = it has no such tier.
    public var before: Int?
    /// Subscribers under the draft; nil = it has no such tier.
    public var after: Int?
}

/// Subscribers a category rule keeps away, for rules that differ.
public struct PolicyRulePreview: Hashable, Sendable {
    /// Code of the rule.
    public var code: String
    /// Its name, that of the draft where both have it.
    public var name: BilingualText
    /// Subscribers under the live policy; nil = it has no such rule.
    public var before: Int?
    /// Subscribers under the draft; nil = it has no such rule.
    public var after: Int?
}

/// What a draft would change, as of a day.
public struct PolicyPreview: Hashable, Sendable {
    /// The day; caps are those of its month.
    public var day: LocalDay
    /// The live revision it is compared with.
    public var revision: Int
    /// Everybody with an index.
    public var subscribers: Int
    /// Subscribers whose reach changes on a channel class, or whose tier does.
    public var affected: Int
    /// Subscribers whose tier changes.
    public var retiered: Int
    /// Everybody first, then the groups asked for, then those in none of them where there are any.
    public var groups: [PolicyGroupPreview]
    /// Tiers before and after, in the draft's order.
    public var tiers: [PolicyTierPreview]
    /// Category rules that differ.
    public var rules: [PolicyRulePreview]
    /// Parts of the policy that differ.
    public var changed: [PolicySection]
}

/// Live policy and draft beside each other, with all sets looked up; counts block by block.
public struct PolicyComparison: Sendable {
    /// One of the two policies.
    private struct Side: Sendable {
        var rows: [CapRow]
        /// By channel class, sets whose members cannot be reached: lists and the holdout.
        var bars: [[Bitset]]
        var recents: [[RecentContacts]]
        /// Draws the holdout where it is not among the sets.
        var holdout: (hash: KeyedHash, below: UInt64)?
    }

    private let day: LocalDay
    private let policy: ContactPolicy
    private let draft: ContactPolicy
    private let lines: [Int64]
    private let live: Side
    private let next: Side
    /// By channel class, whether both reach the same subscribers of a tier.
    private let isSame: [Bool]
    /// Row of every subscriber under the live policy.
    private let tiers: [UInt8]
    /// Members of the draft's tiers in order; nil = the tiers are the live ones.
    private let draftTiers: [Bitset]?
    /// By row of the live policy, the row of the draft with the same tier; 255 = it has none.
    private let sameTier: [UInt8]
    private let groups: [PreviewGroup]
    private let members: [Bitset]
    private let rules: [PolicyRulePreview]

    /// Blocks there are.
    public var blocks: Range<Int> { 0..<Block.count(subscribers: lines.count) }

    fileprivate init(
        _ state: DecisionState,
        _ policy: ContactPolicy,
        _ draft: ContactPolicy,
        _ day: LocalDay,
        _ groups: [PreviewGroup]
    ) throws {
        self.day = day
        self.policy = policy
        self.draft = draft
        self.groups = groups
        lines = state.lines
        let profile = try state.profileReader()
        func set(_ rule: String) throws -> Bitset {
            try profile.members(where: rule, today: day, lists: state.memberships)
        }
        tiers = try state.tiers(on: day)
        let areTiersSame =
            policy.tiers.map(\.code) == draft.tiers.map(\.code) && policy.tiers.map(\.rule) == draft.tiers.map(\.rule)
        draftTiers = areTiersSame ? nil : try draft.tiers.map { try set($0.rule) }
        sameTier =
            policy.tiers.map { tier in
                draft.tiers.firstIndex { $0.code == tier.code }.map { UInt8($0) } ?? .max
            } + [UInt8(draft.tiers.count)]
        members = try groups.map { try set($0.rule) }
        isSame = ChannelClass.allCases.map { Self.isSame(policy, draft, $0) }
        live = Self.side(policy, state, day, isLive: true)
        next = Self.side(draft, state, day, isLive: draft.holdout == policy.holdout)
        let (old, new) = (policy.categoryRules, draft.categoryRules)
        let codes = new.map(\.code) + old.map(\.code).filter { code in !new.contains { $0.code == code } }
        rules = try codes.compactMap { code in
            let (before, after) = (old.first { $0.code == code }, new.first { $0.code == code })
            guard before?.rule != after?.rule || before?.categories != after?.categories else { return nil }
            return PolicyRulePreview(
                code: code,
                name: after?.name ?? before?.name ?? BilingualText(zh: code, en: code),
                before: try before.map { try set($0.rule).count },
                after: try after.map { try set($0.rule).count }
            )
        }
    }

    private static func side(
        _ policy: ContactPolicy,
        _ state: DecisionState,
        _ day: LocalDay,
        isLive: Bool
    ) -> Side {
        let classes = policy.dnd.map { ListID.dnd($0.number).code } + ["black", "grey"]
        let isHeldOut = policy.holdout.ppm > 0
        var erased = Bitset(universe: state.subscribers)
        for index in state.erased { erased.insert(index) }
        let held =
            (isLive && isHeldOut ? [state.holdoutMembers(policy.holdout)] : []) + (erased.isEmpty ? [] : [erased])
        let bars = ChannelClass.allCases.map { channel in
            held + classes.flatMap { [ListID($0), ListID($0, channel: channel)] }.compactMap { state.lists[$0] }
        }
        let recents = ChannelClass.allCases.map { channel in
            guard let days = policy.intervalDays[channel] else { return [RecentContacts]() }
            let isOffered = state.recentOffers(on: day, within: days) { $0.channel == channel }
            let offered = isOffered.map { state.offered(where: $0) } ?? [:]
            return state.recentContacts(on: day, within: days, except: nil) { $0.channel == channel }
                + [RecentContacts(channel: channel, category: nil, day: day, blocks: offered)]
        }
        return Side(
            rows: policy.capRows,
            bars: bars,
            recents: recents,
            holdout: isHeldOut && !isLive
                ? (
                    state.draw("holdout/" + policy.holdout.epoch, of: nil),
                    DecisionState.threshold(ppm: policy.holdout.ppm)
                ) : nil
        )
    }

    // MARK: Counting

    /// Counts of some blocks.
    public struct Counts: Sendable {
        fileprivate var affected = 0
        fileprivate var retiered = 0
        fileprivate var tiersBefore: [Int]
        fileprivate var tiersAfter: [Int]
        /// Everybody, the groups, the others.
        fileprivate var subscribers: [Int]
        fileprivate var reach: [[PolicyReach]]

        fileprivate mutating func add(_ other: Counts) {
            affected += other.affected
            retiered += other.retiered
            for row in tiersBefore.indices { tiersBefore[row] += other.tiersBefore[row] }
            for row in tiersAfter.indices { tiersAfter[row] += other.tiersAfter[row] }
            for group in subscribers.indices {
                subscribers[group] += other.subscribers[group]
                for place in reach[group].indices {
                    reach[group][place].before += other.reach[group][place].before
                    reach[group][place].after += other.reach[group][place].after
                    reach[group][place].gained += other.reach[group][place].gained
                    reach[group][place].lost += other.reach[group][place].lost
                }
            }
        }
    }

    private var nothing: Counts {
        Counts(
            tiersBefore: Array(repeating: 0, count: policy.tiers.count + 1),
            tiersAfter: Array(repeating: 0, count: draft.tiers.count + 1),
            subscribers: Array(repeating: 0, count: groups.count + 2),
            reach: Array(
                repeating: ChannelClass.allCases.map { PolicyReach(channel: $0) },
                count: groups.count + 2
            )
        )
    }

    /// Counts blocks with the counters as they are now; the sum over all blocks does not depend on how they are cut
    /// into portions, nor on the number of threads.
    ///
    /// `ledger`: That of the state the comparison was made from; nobody else may write it meanwhile.
    public func count(_ blocks: Range<Int>, _ ledger: ContactLedger, threads: Int) -> Counts {
        blocks.countBlocks(threads: threads, from: nothing, scratch: PreviewScratch.init) { block, scratch, sum in
            count(block, ledger, scratch, &sum)
        } add: {
            $0.add($1)
        }
    }

    private func count(_ block: Int, _ ledger: ContactLedger, _ scratch: PreviewScratch, _ sum: inout Counts) {
        let base = block * Block.size
        let universe = min(Block.size, lines.count - base)
        scratch.fillUniverse(universe)
        let isRetiered = placeTiers(block, universe, scratch, &sum)
        scratch.affected.update(from: scratch.retiered, count: Block.words)
        let usage = PreviewUsage(ledger, block, day.month, live.rows + next.rows)
        for (place, channel) in ChannelClass.allCases.enumerated() {
            reach(live, place, block, universe, scratch.before, scratch)
            usage.removeFull(channel, live.rows, tiers: scratch.tiersBefore, from: scratch.before)
            if isSame[place], !isRetiered {
                scratch.after.update(from: scratch.before, count: Block.words)
            } else {
                reach(next, place, block, universe, scratch.after, scratch)
                usage.removeFull(channel, next.rows, tiers: scratch.tiersAfter, from: scratch.after)
            }
            for i in 0..<Block.words {
                let (before, after) = (scratch.before[i], scratch.after[i])
                scratch.affected[i] |= before ^ after
                guard before | after != 0 else { continue }
                var rest = before | after
                add(before, after, to: &sum.reach[0][place])
                for (group, set) in members.enumerated() {
                    let word = block * Block.words + i
                    let mask = word < set.words.count ? set.words[word] : 0
                    add(before & mask, after & mask, to: &sum.reach[group + 1][place])
                    rest &= ~mask
                }
                add(before & rest, after & rest, to: &sum.reach[groups.count + 1][place])
            }
        }
        countGroups(block, scratch, &sum)
    }

    private func countGroups(_ block: Int, _ scratch: PreviewScratch, _ sum: inout Counts) {
        for i in 0..<Block.words {
            var rest = scratch.universe[i]
            guard rest != 0 else { continue }
            sum.affected += scratch.affected[i].nonzeroBitCount
            sum.retiered += scratch.retiered[i].nonzeroBitCount
            sum.subscribers[0] += rest.nonzeroBitCount
            for (group, set) in members.enumerated() {
                let word = block * Block.words + i
                let mask = word < set.words.count ? set.words[word] : 0
                sum.subscribers[group + 1] += (scratch.universe[i] & mask).nonzeroBitCount
                rest &= ~mask
            }
            sum.subscribers[groups.count + 1] += rest.nonzeroBitCount
        }
    }

    @inline(__always)
    private func add(_ before: UInt64, _ after: UInt64, to reach: inout PolicyReach) {
        reach.before += before.nonzeroBitCount
        reach.after += after.nonzeroBitCount
        reach.gained += (after & ~before).nonzeroBitCount
        reach.lost += (before & ~after).nonzeroBitCount
    }

    /// Whether lists, holdout, interval and caps of a channel class are those of the live policy.
    private static func isSame(_ a: ContactPolicy, _ b: ContactPolicy, _ channel: ChannelClass) -> Bool {
        Set(a.dnd.map(\.number)) == Set(b.dnd.map(\.number)) && a.holdout == b.holdout
            && a.intervalDays[channel] == b.intervalDays[channel] && a.tiers.count == b.tiers.count
            && zip(a.tiers, b.tiers).allSatisfy { $0.caps[channel] == $1.caps[channel] && $0.overall == $1.overall }
    }

    /// Writes the rows of a block's subscribers under both policies; returns whether any differs.
    private func placeTiers(_ block: Int, _ universe: Int, _ scratch: PreviewScratch, _ sum: inout Counts) -> Bool {
        let base = block * Block.size
        scratch.retiered.update(repeating: 0, count: Block.words)
        tiers.withUnsafeBufferPointer { tiers in
            for offset in 0..<Block.size { scratch.tiersBefore[offset] = tiers[base + offset] }
        }
        let unknown = UInt8(draft.tiers.count)
        if let draftTiers {
            scratch.tiersAfter.update(repeating: unknown, count: Block.size)
            for (row, set) in draftTiers.enumerated().reversed() {
                set.words.withUnsafeBufferPointer { words in
                    for i in 0..<Block.words {
                        let word = block * Block.words + i
                        var rest = word < words.count ? words[word] : 0
                        while rest != 0 {
                            scratch.tiersAfter[i * 64 + rest.trailingZeroBitCount] = UInt8(row)
                            rest &= rest - 1
                        }
                    }
                }
            }
        } else {
            scratch.tiersAfter.update(from: scratch.tiersBefore, count: Block.size)
        }
        var isChanged = false
        for offset in 0..<universe {
            let (before, after) = (scratch.tiersBefore[offset], scratch.tiersAfter[offset])
            sum.tiersBefore[Int(before)] += 1
            sum.tiersAfter[Int(after)] += 1
            guard sameTier[Int(before)] != after else { continue }
            scratch.retiered[offset >> 6] |= 1 << UInt64(offset & 63)
            isChanged = true
        }
        return isChanged || draftTiers != nil
    }

    /// Fills `words` with whom lists, holdout and interval leave on a channel class.
    private func reach(
        _ side: Side,
        _ place: Int,
        _ block: Int,
        _ universe: Int,
        _ words: UnsafeMutablePointer<UInt64>,
        _ scratch: PreviewScratch
    ) {
        words.update(from: scratch.universe, count: Block.words)
        for set in side.bars[place] {
            set.words.withUnsafeBufferPointer { barred in
                let first = block * Block.words
                for i in 0..<min(Block.words, max(0, barred.count - first)) { words[i] &= ~barred[first + i] }
            }
        }
        for contacts in side.recents[place] { contacts.members(ofBlock: block)?.subtract(from: words) }
        guard let holdout = side.holdout else { return }
        if place == 0 {
            scratch.heldOut.update(repeating: 0, count: Block.words)
            lines.withUnsafeBufferPointer { lines in
                for offset in 0..<universe where holdout.hash(lines[block * Block.size + offset]) < holdout.below {
                    scratch.heldOut[offset >> 6] |= 1 << UInt64(offset & 63)
                }
            }
        }
        for i in 0..<Block.words { words[i] &= ~scratch.heldOut[i] }
    }

    // MARK: Result

    /// The preview from the counts of all blocks.
    public func preview(_ counts: [Counts]) -> PolicyPreview {
        let sum = counts.reduce(into: nothing) { $0.add($1) }
        let everybody = PreviewGroup(code: "", name: BilingualText(zh: "全部", en: "All"), rule: "TRUE")
        let others = PreviewGroup(code: "other", name: BilingualText(zh: "其他", en: "Others"), rule: "")
        var shown = ([everybody] + groups + [others]).enumerated().map { place, group in
            PolicyGroupPreview(group: group, subscribers: sum.subscribers[place], reach: sum.reach[place])
        }
        if groups.isEmpty || shown.last?.subscribers == 0 { shown.removeLast() }
        var tiers: [PolicyTierPreview] = []
        for (row, tier) in (draft.tiers + [draft.strictest]).enumerated() {
            let old = row == draft.tiers.count ? policy.tiers.count : policy.tiers.firstIndex { $0.code == tier.code }
            tiers.append(
                PolicyTierPreview(
                    code: tier.code,
                    name: tier.name,
                    before: old.map { sum.tiersBefore[$0] },
                    after: sum.tiersAfter[row]
                )
            )
        }
        for (row, tier) in policy.tiers.enumerated() where sameTier[row] == .max {
            tiers.append(PolicyTierPreview(code: tier.code, name: tier.name, before: sum.tiersBefore[row], after: nil))
        }
        return PolicyPreview(
            day: day,
            revision: policy.revision,
            subscribers: lines.count,
            affected: sum.affected,
            retiered: sum.retiered,
            groups: shown,
            tiers: tiers,
            rules: rules,
            changed: policy.changedSections(to: draft)
        )
    }
}

extension DecisionState {
    /// Puts a draft beside the live policy as of a day; groups may overlap.
    ///
    /// - Throws: ``DecisionError`` when there is no policy or profile, or the day's month is not counted; what a rule
    ///   that cannot be evaluated throws.
    public func comparison(
        with draft: ContactPolicy,
        on day: LocalDay,
        groups: [PreviewGroup]
    ) throws -> PolicyComparison {
        let policy = try livePolicy()
        guard ledger.monthsHeld.contains(day.month) else {
            throw DecisionError.monthNotHeld(day.month, held: ledger.monthsHeld)
        }
        return try PolicyComparison(self, policy, draft, day, groups)
    }
}

/// Memory one worker reuses for block after block.
private final class PreviewScratch {
    let universe = PreviewScratch.words()
    let before = PreviewScratch.words()
    let after = PreviewScratch.words()
    let affected = PreviewScratch.words()
    let retiered = PreviewScratch.words()
    let heldOut = PreviewScratch.words()
    let tiersBefore = PreviewScratch.rows()
    let tiersAfter = PreviewScratch.rows()

    private static func words() -> UnsafeMutablePointer<UInt64> {
        let words = UnsafeMutablePointer<UInt64>.allocate(capacity: Block.words)
        words.initialize(repeating: 0, count: Block.words)
        return words
    }

    private static func rows() -> UnsafeMutablePointer<UInt8> {
        let rows = UnsafeMutablePointer<UInt8>.allocate(capacity: Block.size)
        rows.initialize(repeating: 0, count: Block.size)
        return rows
    }

    deinit {
        for words in [universe, before, after, affected, retiered, heldOut] { words.deallocate() }
        for rows in [tiersBefore, tiersAfter] { rows.deallocate() }
    }

    /// Sets the bits of the block's subscribers.
    func fillUniverse(_ count: Int) {
        for i in 0..<Block.words {
            let bits = min(64, max(0, count - i * 64))
            universe[i] = bits == 64 ? .max : 1 << UInt64(bits) - 1
        }
    }
}

/// The most contacts in any window around a month, for every subscriber of a block, class and length in use.
private final class PreviewUsage {
    /// By channel class, and behind them overall; by length of the window.
    private var used: [[UnsafeMutablePointer<UInt16>?]]

    init(_ ledger: ContactLedger, _ block: Int, _ month: LocalMonth, _ rows: [CapRow]) {
        used = Array(repeating: Array(repeating: nil, count: 4), count: ChannelClass.allCases.count + 1)
        let sum = UnsafeMutablePointer<UInt16>.allocate(capacity: Block.size)
        defer { sum.deallocate() }
        func fill(_ channels: [ChannelClass], _ length: Int) -> UnsafeMutablePointer<UInt16> {
            let most = UnsafeMutablePointer<UInt16>.allocate(capacity: Block.size)
            most.initialize(repeating: 0, count: Block.size)
            for window in windows(holding: month, length: length, in: ledger.monthsHeld) {
                sum.initialize(repeating: 0, count: Block.size)
                for month in window {
                    for channel in channels {
                        guard let column = ledger.column(block: block, channel: channel, month: month) else { continue }
                        for offset in 0..<Block.size { sum[offset] &+= UInt16(column[offset]) }
                    }
                }
                for offset in 0..<Block.size { most[offset] = max(most[offset], sum[offset]) }
            }
            return most
        }
        for (place, channel) in ChannelClass.allCases.enumerated() {
            for length in Set(rows.map { Self.length($0.months[place]) }) {
                used[place][length] = fill([channel], length)
            }
        }
        for length in Set(rows.map { Self.length($0.overallMonths) }) {
            used[ChannelClass.allCases.count][length] = fill(ChannelClass.allCases.filter(\.countsOverall), length)
        }
    }

    deinit {
        for lengths in used { for counts in lengths { counts?.deallocate() } }
    }

    private static func length(_ months: UInt8) -> Int { min(max(Int(months), 1), 3) }

    /// Clears the bits of those for whom one more contact would exceed the cap of the class or the overall one.
    func removeFull(
        _ channel: ChannelClass,
        _ rows: [CapRow],
        tiers: UnsafePointer<UInt8>,
        from words: UnsafeMutablePointer<UInt64>
    ) {
        let place = Int(channel.rawValue)
        let limits = rows.compactMap { row -> Limit? in
            guard let own = used[place][Self.length(row.months[place])],
                let all = used[ChannelClass.allCases.count][Self.length(row.overallMonths)]
            else { return nil }
            return Limit(
                own: own,
                ownMost: UInt16(row.count[place]),
                all: all,
                allMost: channel.countsOverall ? UInt16(row.overallCount) : .max
            )
        }
        limits.withUnsafeBufferPointer { limits in
            for i in 0..<Block.words {
                var rest = words[i]
                var kept = rest
                while rest != 0 {
                    let offset = i &* 64 &+ rest.trailingZeroBitCount
                    let limit = limits[Int(tiers[offset])]
                    if limit.own[offset] >= limit.ownMost || limit.all[offset] >= limit.allMost {
                        kept &= ~(rest & (0 &- rest))
                    }
                    rest &= rest &- 1
                }
                words[i] = kept
            }
        }
    }

    private struct Limit {
        var own: UnsafeMutablePointer<UInt16>
        var ownMost: UInt16
        var all: UnsafeMutablePointer<UInt16>
        var allMost: UInt16
    }
}
