// Pass 1 of a wave: every check on every audience member, and the exact top-N, without reserving anything.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Kernel
import Model

/// A member that passed all checks up to the ranking, packed into one word:
/// biased score (32 bits), control flag (bit 16), offset in the block (16 bits).
struct Survivor {
    var packed: UInt64

    @inline(__always)
    init(score: Int32, isControl: Bool, offset: Int) {
        let biased = UInt32(bitPattern: score) ^ 0x8000_0000
        packed = UInt64(biased) << 32 | (isControl ? 1 << 16 : 0) | UInt64(offset)
    }

    var biasedScore: UInt32 { UInt32(truncatingIfNeeded: packed >> 32) }
    var score: Int32 { Int32(bitPattern: biasedScore ^ 0x8000_0000) }
    var isControl: Bool { packed & 1 << 16 != 0 }
    var offset: Int { Int(packed & 0xFFFF) }
}

/// The result of pass 1: an outcome for every member that failed, the others by rank.
final class WaveSelection: @unchecked Sendable {
    let plan: WavePlan
    /// Raw outcome by index; 0 for survivors and subscribers outside the audience.
    let codes: UnsafeMutablePointer<UInt8>
    private(set) var survivors: [[Survivor]]
    private(set) var cuts: [RankCut] = []

    private let journal: OfferJournal

    private init(plan: WavePlan, journal: OfferJournal) {
        self.plan = plan
        self.journal = journal
        // Zeroed block by block as they are checked: all at once would keep others waiting.
        codes = .allocate(capacity: max(1, plan.blocks) * Block.size)
        survivors = [[Survivor]](repeating: [], count: plan.blocks)
    }

    deinit { codes.deallocate() }

    /// Runs pass 1 over the whole audience with `threads` threads; the result does not depend on their number.
    ///
    /// `pace`: Called before each slice, see ``WaveSession/select(pace:)``.
    static func select(
        _ plan: WavePlan,
        ledger: ContactLedger,
        journal: OfferJournal,
        threads: Int,
        pace: () -> WavePace
    ) -> WaveSelection {
        let selection = WaveSelection(plan: plan, journal: journal)
        let workers = max(1, min(threads, plan.blocks))
        let scratches = (0..<workers).map { _ in SelectionScratch() }
        ledger.beginSelection()
        journal.beginSelection()
        defer {
            ledger.endSelection()
            journal.endSelection()
        }
        var first = 0
        while first < plan.blocks {
            switch pace() {
            case .part:
                let parts = stride(from: 0, to: Block.words, by: Self.wordsOfPart)
                for (number, begin) in parts.enumerated() {
                    if number > 0 { _ = pace() }
                    ledger.asOfBeginning(CollectionOfOne(first)) {
                        selection.check(first..<first + 1, begin..<begin + Self.wordsOfPart, ledger, scratches)
                    }
                }
                first += 1
            case .blocks(let count):
                let slice = first..<min(first + max(1, min(workers, count)), plan.blocks)
                ledger.asOfBeginning(slice) { selection.check(slice, 0..<Block.words, ledger, scratches) }
                first = slice.upperBound
            }
        }
        selection.cuts = plan.ranks.compactMap {
            selection.cut(outcome: $0.outcome, rank: $0.rank) { _ = pace() }
        }
        return selection
    }

    /// Words of a block that are checked at a time while others wait.
    private static let wordsOfPart = Block.words / 16

    /// Checks some words of a few blocks side by side, each with scratch memory of its own.
    private func check(
        _ slice: Range<Int>,
        _ part: Range<Int>,
        _ ledger: ContactLedger,
        _ scratches: [SelectionScratch]
    ) {
        let found = Shared([[Survivor]](repeating: [], count: slice.count))
        found.withBuffer { buffer in
            let target = UncheckedBuffer(buffer)
            let scratches = UncheckedScratches(all: scratches)
            DispatchQueue.concurrentPerform(iterations: slice.count) { place in
                let block = slice.lowerBound + place
                target.buffer[place] = check(block: block, part, ledger: ledger, scratch: scratches.all[place])
            }
        }
        for (block, found) in zip(slice, found.value) {
            if part.lowerBound == 0 { survivors[block] = found } else { survivors[block] += found }
        }
    }

    /// Makes the checks of some words of one block in their order; writes outcomes of those that fail, returns the
    /// others.
    private func check(block: Int, _ part: Range<Int>, ledger: ContactLedger, scratch: SelectionScratch) -> [Survivor] {
        let plan = plan
        let first = block * Block.words
        let words = scratch.members
        plan.copyAudience(ofBlock: block, part, to: words)
        let codes = codes + block * Block.size
        (codes + part.lowerBound * 64).initialize(repeating: 0, count: part.count * 64)
        for (offset, outcome) in plan.given[block] ?? [] where words[offset >> 6] >> UInt64(offset & 63) & 1 == 1 {
            words[offset >> 6] &= ~(1 << UInt64(offset & 63))
            codes[offset] = outcome.rawValue
        }
        if let failure = plan.campaignFailure {
            forEachBit(words) { codes[$0] = failure.rawValue }
            return []
        }
        // In whatever parts a block is checked, its earlier contacts are looked through once.
        if part.lowerBound == 0 { findEarlier(block: block, scratch) }
        var earlier = scratch.earlier.makeIterator()
        func remove(_ excluded: UnsafePointer<UInt64>?, _ outcome: Outcome) {
            guard let excluded else { return }
            for i in part { Self.remove(excluded[i], from: words, at: i, codes, outcome.rawValue) }
        }
        for exclusion in plan.exclusions {
            switch exclusion.who {
            case .members(let members):
                members.words.withUnsafeBufferPointer { excluded in
                    for i in part where first + i < excluded.count {
                        Self.remove(excluded[first + i], from: words, at: i, codes, exclusion.outcome.rawValue)
                    }
                }
            case .offered: remove(earlier.next(), exclusion.outcome)
            }
        }
        for recent in plan.recents { remove(earlier.next(), recent.outcome) }
        checkCaps(block: block, part, ledger: ledger, words: words, codes: codes)
        if let scorer = plan.scorer {
            for i in 0..<Block.words { scratch.set[i] = 0 }
            scorer.fill(block: block, members: words, scores: scratch.scores, present: scratch.set)
            for i in part {
                Self.remove(~scratch.set[i], from: words, at: i, codes, Outcome.noScore.rawValue)
            }
        }
        plan.assigned?.words.withUnsafeBufferPointer { assigned in
            for i in part {
                let kept = first + i < assigned.count ? assigned[first + i] : 0
                Self.remove(~kept, from: words, at: i, codes, Outcome.outranked.rawValue)
            }
        }
        return rank(block: block, words: words, scores: plan.scorer == nil ? nil : scratch.scores)
    }

    /// Finds those of a block who had such contacts and offers as exclusions and intervals ask for, in their order.
    private func findEarlier(block: Int, _ scratch: SelectionScratch) {
        let offers = journal.existing(block)
        scratch.forgetEarlier()
        for case .offered(let isMeant) in plan.exclusions.lazy.map(\.who) {
            let words = scratch.nextEarlier()
            offers?.markOfBeginning(where: isMeant, in: words)
        }
        for recent in plan.recents {
            let words = scratch.nextEarlier()
            for contacts in recent.contacts { contacts.members(ofBlock: block)?.formUnion(into: words) }
            if let isMeant = recent.isOffered { offers?.markOfBeginning(where: isMeant, in: words) }
        }
    }

    @inline(__always)
    private static func remove(
        _ excluded: UInt64,
        from words: UnsafeMutablePointer<UInt64>,
        at position: Int,
        _ codes: UnsafeMutablePointer<UInt8>,
        _ code: UInt8
    ) {
        var failed = words[position] & excluded
        guard failed != 0 else { return }
        words[position] &= ~excluded
        while failed != 0 {
            codes[position &* 64 &+ failed.trailingZeroBitCount] = code
            failed &= failed &- 1
        }
    }

    private func checkCaps(
        block: Int,
        _ part: Range<Int>,
        ledger: ContactLedger,
        words: UnsafeMutablePointer<UInt64>,
        codes: UnsafeMutablePointer<UInt8>
    ) {
        let channel = plan.spec.channel
        let checker = CapChecker(ledger: ledger, block: block, channel: channel, month: plan.month, rows: plan.capRows)
        let byChannel = Outcome.cap(channel).rawValue
        plan.tiers.withUnsafeBufferPointer { tiers in
            for i in part {
                var rest = words[i]
                while rest != 0 {
                    let bit = rest & (0 &- rest)
                    let offset = i &* 64 &+ rest.trailingZeroBitCount
                    if let failure = checker.failure(offset: offset, tier: Int(tiers[block &* Block.size &+ offset])) {
                        words[i] &= ~bit
                        codes[offset] = failure == .channel ? byChannel : Outcome.capOverall.rawValue
                    }
                    rest &= rest &- 1
                }
            }
        }
    }

    private func rank(
        block: Int,
        words: UnsafePointer<UInt64>,
        scores: UnsafePointer<Int32>?
    ) -> [Survivor] {
        var count = 0
        for i in 0..<Block.words { count &+= words[i].nonzeroBitCount }
        let plan = plan
        return [Survivor](unsafeUninitializedCapacity: count) { buffer, initialised in
            plan.lines.withUnsafeBufferPointer { lines in
                let base = block * Block.size
                forEachBit(words) { offset in
                    let isControl = plan.controlHash(lines[base &+ offset]) < plan.controlBelow
                    buffer[initialised] = Survivor(
                        score: scores?[offset] ?? 0,
                        isControl: isControl,
                        offset: offset
                    )
                    initialised &+= 1
                }
            }
        }
    }

    // MARK: Top-N

    /// The key of the member with the given rank among non-control survivors; nil when there are not more of them.
    ///
    /// Order: score descending, keyed hash ascending, index ascending. Radix histograms over 16 bits at a time
    /// narrow the search until the few members of one bucket are sorted.
    ///
    /// `between`: Called again and again meanwhile.
    private func cut(outcome: Outcome, rank: Int, between: () -> Void) -> RankCut? {
        let total = survivors.reduce(0) { $0 + $1.count(where: { !$0.isControl }) }
        guard total > rank else { return nil }
        guard rank > 0 else { return RankCut(outcome: outcome, score: .max, hash: 0, index: 0) }
        var rest = rank
        let high = Self.bucket(histogram(between) { $1.biasedScore >> 16 }, rank: &rest, descending: true)
        let low = Self.bucket(
            histogram(between) { $1.biasedScore >> 16 == UInt32(high) ? $1.biasedScore & 0xFFFF : nil },
            rank: &rest,
            descending: true
        )
        let biased = UInt32(high) << 16 | UInt32(low)
        let prefix = Self.bucket(
            histogram(between) { $1.biasedScore == biased ? UInt32(rankHash($0) >> 48) : nil },
            rank: &rest,
            descending: false
        )
        var candidates: [(hash: UInt64, index: Int)] = []
        forEachRanked(between) { index, survivor in
            guard survivor.biasedScore == biased, case let hash = rankHash(index), hash >> 48 == UInt64(prefix) else {
                return
            }
            candidates.append((hash, index))
        }
        let last = candidates.sorted { $0 < $1 }[rest - 1]
        let score = Int32(bitPattern: biased ^ 0x8000_0000)
        return RankCut(outcome: outcome, score: score, hash: last.hash, index: UInt32(last.index))
    }

    @inline(__always)
    private func rankHash(_ index: Int) -> UInt64 { plan.rankHash(plan.lines[index]) }

    /// Calls `body` with index and survivor for all that are ranked: those outside the control group.
    @inline(__always)
    private func forEachRanked(_ between: () -> Void, _ body: (Int, Survivor) -> Void) {
        for (block, members) in survivors.enumerated() {
            for member in members where !member.isControl { body(block &* Block.size &+ member.offset, member) }
            if block % 8 == 7 { between() }
        }
    }

    /// How many of the ranked fall into each of 65 536 buckets; nil = into none.
    @inline(__always)
    private func histogram(_ between: () -> Void, _ bucket: (Int, Survivor) -> UInt32?) -> [Int] {
        var counts = [Int](repeating: 0, count: 65_536)
        forEachRanked(between) { index, survivor in
            if let bucket = bucket(index, survivor) { counts[Int(bucket)] &+= 1 }
        }
        return counts
    }

    /// The bucket that holds the given rank (from 1); `rank` becomes the rank inside it.
    private static func bucket(_ counts: [Int], rank: inout Int, descending: Bool) -> Int {
        for step in 0..<counts.count {
            let bucket = descending ? counts.count - 1 - step : step
            if counts[bucket] >= rank { return bucket }
            rank -= counts[bucket]
        }
        preconditionFailure("rank lies beyond the \(counts.reduce(0, +)) members counted")
    }

    /// Cuts where somebody else did.
    func cut(at cuts: [RankCut]) { self.cuts = cuts }

    /// Whether the cuts can be those of a selection that had up to `missing` members more to rank.
    func cutsArePossible(missing: Int) -> Bool {
        let total = survivors.reduce(0) { $0 + $1.count { !$0.isControl } }
        return plan.ranks.allSatisfy { outcome, rank in
            guard let cut = cuts.first(where: { $0.outcome == outcome }) else { return total <= rank }
            var passing = 0
            for (block, members) in survivors.enumerated() {
                for member in members where !member.isControl {
                    let index = block * Block.size + member.offset
                    if passes(cut, score: member.score, index: index) { passing += 1 }
                }
            }
            return total + missing > rank && passing <= rank && passing + missing >= rank
        }
    }

    @inline(__always)
    private func passes(_ cut: RankCut, score: Int32, index: Int) -> Bool {
        if score != cut.score { return score > cut.score }
        let hash = rankHash(index)
        return hash < cut.hash || (hash == cut.hash && index <= Int(cut.index))
    }

    /// The first cut a survivor lies behind; nil when it passes all.
    @inline(__always)
    func failedCut(score: Int32, index: Int) -> Outcome? {
        for cut in cuts {
            if !passes(cut, score: score, index: index) { return cut.outcome }
        }
        return nil
    }
}

/// Memory one worker reuses for block after block.
private final class SelectionScratch {
    let members = UnsafeMutablePointer<UInt64>.allocate(capacity: Block.words)
    let set = UnsafeMutablePointer<UInt64>.allocate(capacity: Block.words)
    let scores = UnsafeMutablePointer<Int32>.allocate(capacity: Block.size)

    private var sets: [UnsafeMutablePointer<UInt64>] = []
    private var used = 0

    init() {
        members.initialize(repeating: 0, count: Block.words)
        set.initialize(repeating: 0, count: Block.words)
        scores.initialize(repeating: 0, count: Block.size)
    }

    deinit {
        members.deallocate()
        set.deallocate()
        scores.deallocate()
        sets.forEach { $0.deallocate() }
    }

    /// Bitmaps of 1 024 words of the block that is being checked.
    var earlier: ArraySlice<UnsafeMutablePointer<UInt64>> { sets[..<used] }

    func forgetEarlier() { used = 0 }

    /// An empty bitmap more.
    func nextEarlier() -> UnsafeMutablePointer<UInt64> {
        if used == sets.count { sets.append(.allocate(capacity: Block.words)) }
        used += 1
        sets[used - 1].initialize(repeating: 0, count: Block.words)
        return sets[used - 1]
    }
}

/// Scratch memory that may cross to workers because each takes one of its own.
private struct UncheckedScratches: @unchecked Sendable {
    let all: [SelectionScratch]
}
