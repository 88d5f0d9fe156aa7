// Finds everybody whose counters are above his caps: the whole base, block by block.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model

/// Who is above a cap, and how many by tier, check and window.
public struct OverrunReport: Sendable {
    /// The day whose tiers hold.
    public var day: LocalDay
    /// The live revision of the policy; 0 = there is none, and nothing can be exceeded.
    public var revision: Int
    /// Subscribers who were looked at.
    public var subscribers: Int
    /// Who is above a cap.
    public var members: Bitset
    /// How many, by tier, check and window; a subscriber may be in several.
    public var counts: [OverrunCount]

    /// The report of an operator without a policy.
    public init(nothingOn day: LocalDay, subscribers: Int) {
        (self.day, revision, self.subscribers) = (day, 0, subscribers)
        (members, counts) = (Bitset(universe: subscribers), [])
    }

    fileprivate init(day: LocalDay, revision: Int, subscribers: Int, members: Bitset, counts: [OverrunCount]) {
        (self.day, self.revision, self.subscribers) = (day, revision, subscribers)
        (self.members, self.counts) = (members, counts)
    }

    /// A page of its subscribers, by index.
    public func page(offset: Int, limit: Int, isDescending: Bool = false) -> [SubscriberIndex] {
        let total = members.count
        let end = min(total, max(0, offset) + max(0, limit))
        guard offset < end else { return [] }
        let wanted = isDescending ? total - end..<total - offset : offset..<end
        var (place, found) = (0, [SubscriberIndex]())
        for (position, word) in members.words.enumerated() where word != 0 {
            if place >= wanted.upperBound { break }
            let count = word.nonzeroBitCount
            defer { place += count }
            guard place + count > wanted.lowerBound else { continue }
            var (rest, rank) = (word, place)
            while rest != 0 {
                if wanted.contains(rank) {
                    found.append(SubscriberIndex(UInt32(position * 64 + rest.trailingZeroBitCount)))
                }
                rest &= rest - 1
                rank += 1
            }
        }
        return isDescending ? found.reversed() : found
    }
}

/// The caps in force beside everybody's tier, ready to be compared with the counters.
public struct OverrunScan: Sendable {
    /// A cap of a tier by its place in the counts.
    private struct Limit: Sendable {
        var cap: UInt16
        var months: Int
    }

    private static let checks: [(check: Outcome, channels: [ChannelClass])] =
        ChannelClass.allCases.map { (.cap($0), [$0]) }
        + [(.capOverall, ChannelClass.allCases.filter(\.countsOverall))]
    private static let longest = 3

    private let day: LocalDay
    private let revision: Int
    private let subscribers: Int
    private let ring: ClosedRange<LocalMonth>
    /// Row of every subscriber.
    private let tiers: [UInt8]
    private let names: [PolicyTier]
    /// By row and check.
    private let limits: [[Limit?]]
    /// Which places of the counts are asked for.
    private let isWanted: [Bool]
    /// Who is looked at; nil = everybody.
    private let members: Bitset?

    /// Blocks there are.
    public var blocks: Range<Int> { 0..<Block.count(subscribers: subscribers) }

    fileprivate init(
        _ state: DecisionState,
        _ policy: ContactPolicy,
        _ day: LocalDay,
        _ members: Bitset?,
        _ isWanted: (OverrunGroup) -> Bool
    ) throws {
        self.day = day
        self.members = members
        revision = policy.revision
        subscribers = state.subscribers
        ring = state.ledger.monthsHeld
        tiers = try state.tiers(on: day)
        names = policy.tiers + [policy.strictest]
        limits = names.map { tier in
            let caps = tier.checkedCaps
            return Self.checks.map { check in
                caps.first { $0.check == check.check }.map {
                    Limit(cap: UInt16(clamping: $0.cap.count), months: min(max($0.cap.months, 1), Self.longest))
                }
            }
        }
        let (names, ring) = (names, ring)
        self.isWanted = (0..<names.count * Self.placesOfRow).map { place in
            Self.group(place, names, ring).map(isWanted) ?? false
        }
    }

    // MARK: Places in the counts

    private static var placesOfRow: Int { checks.count * longest * ContactLedger.months }

    private static func place(row: Int, check: Int, months: Int, window: Int) -> Int {
        ((row * checks.count + check) * longest + months - 1) * ContactLedger.months + window
    }

    private static func group(_ place: Int, _ names: [PolicyTier], _ ring: ClosedRange<LocalMonth>) -> OverrunGroup? {
        let window = place % ContactLedger.months
        let months = place / ContactLedger.months % longest + 1
        let windows = CapWindow.all(of: months, in: ring)
        guard window < windows.count else { return nil }
        let row = names[place / placesOfRow]
        let check = checks[place / (ContactLedger.months * longest) % checks.count].check
        return OverrunGroup(tier: row.code, tierName: row.name, check: check, window: windows[window])
    }

    // MARK: Counting

    /// What was found in some blocks.
    public struct Counts: Sendable {
        fileprivate var places: [Int]
        /// Bits of those who are above a cap, by block.
        fileprivate var words: [Int: [UInt64]] = [:]

        fileprivate mutating func add(_ other: Counts) {
            for place in places.indices { places[place] += other.places[place] }
            words.merge(other.words) { $1 }
        }
    }

    private var nothing: Counts { Counts(places: Array(repeating: 0, count: isWanted.count)) }

    /// Looks at some blocks with the counters as they are now; the result does not depend on how blocks are cut into
    /// portions, nor on the number of threads.
    ///
    /// `ledger`: That of the state the scan was made from; nobody else may write it meanwhile.
    public func count(_ blocks: Range<Int>, _ ledger: ContactLedger, threads: Int) -> Counts {
        blocks.countBlocks(threads: threads, from: nothing, scratch: OverrunScratch.init) { block, scratch, sum in
            count(block, ledger, scratch, &sum)
        } add: {
            $0.add($1)
        }
    }

    private func count(_ block: Int, _ ledger: ContactLedger, _ scratch: OverrunScratch, _ counts: inout Counts) {
        let base = block * Block.size
        let size = min(Block.size, subscribers - base)
        for (check, (_, channels)) in Self.checks.enumerated() {
            for months in Set(limits.compactMap { $0[check]?.months }).sorted() {
                fillCaps(block, check, months, scratch)
                for (place, window) in CapWindow.all(of: months, in: ring).enumerated() {
                    let columns = window.all.flatMap { month in
                        channels.compactMap { ledger.column(block: block, channel: $0, month: month) }
                    }
                    guard scratch.sum(columns) else { continue }
                    for offset in 0..<size where scratch.sums[offset] > scratch.caps[offset] {
                        let place = Self.place(
                            row: Int(tiers[base + offset]),
                            check: check,
                            months: months,
                            window: place
                        )
                        guard isWanted[place], members?.contains(UInt32(base + offset)) ?? true else { continue }
                        counts.places[place] += 1
                        counts.words[block, default: Array(repeating: 0, count: Block.words)][offset >> 6] |=
                            1 << UInt64(offset & 63)
                    }
                }
            }
        }
    }

    /// Writes everybody's cap of one check where it counts in windows of this length; else one that nothing exceeds.
    private func fillCaps(_ block: Int, _ check: Int, _ months: Int, _ scratch: OverrunScratch) {
        var table = [UInt16](repeating: .max, count: 256)
        for (row, limits) in limits.enumerated() {
            if let limit = limits[check], limit.months == months { table[row] = limit.cap }
        }
        let base = block * Block.size
        tiers.withUnsafeBufferPointer { tiers in
            table.withUnsafeBufferPointer { table in
                for offset in 0..<Block.size { scratch.caps[offset] = table[Int(tiers[base + offset])] }
            }
        }
    }

    /// The report from the counts of all blocks.
    public func report(_ counts: [Counts]) -> OverrunReport {
        let sum = counts.reduce(into: nothing) { $0.add($1) }
        var above = Bitset(universe: subscribers)
        above.withMutableWords { words in
            for (block, found) in sum.words {
                for (i, word) in found.enumerated() where word != 0 { words[block * Block.words + i] = word }
            }
        }
        return OverrunReport(
            day: day,
            revision: revision,
            subscribers: members?.count ?? subscribers,
            members: above,
            counts: sum.places.enumerated().compactMap { place, count in
                guard count > 0, let group = Self.group(place, names, ring) else { return nil }
                return OverrunCount(group: group, subscribers: count)
            }
        )
    }
}

extension DecisionState {
    /// Prepares a look at everybody's counters against the caps of his tier on a day.
    ///
    /// - Parameters:
    ///   - day: The day whose tiers hold.
    ///   - members: Who is looked at; nil = everybody.
    ///   - isWanted: Which kinds are asked for.
    /// - Returns: nil when there is no policy or no load of attributes: then no tier has a cap.
    /// - Throws: What a rule that cannot be evaluated throws.
    public func overrunScan(
        on day: LocalDay,
        among members: Bitset? = nil,
        where isWanted: (OverrunGroup) -> Bool = { _ in true }
    ) throws -> OverrunScan? {
        guard let policy, attributes != nil, subscribers > 0 else { return nil }
        return try OverrunScan(self, policy, day, members, isWanted)
    }
}

/// Memory one worker reuses for block after block.
private final class OverrunScratch {
    let caps = UnsafeMutablePointer<UInt16>.allocate(capacity: Block.size)
    let sums = UnsafeMutablePointer<UInt16>.allocate(capacity: Block.size)

    init() {
        caps.initialize(repeating: .max, count: Block.size)
        sums.initialize(repeating: 0, count: Block.size)
    }

    deinit {
        caps.deallocate()
        sums.deallocate()
    }

    /// Adds columns up; returns whether any sum is above its cap.
    func sum(_ columns: [UnsafeMutablePointer<UInt8>]) -> Bool {
        guard let first = columns.first else { return false }
        for offset in 0..<Block.size { sums[offset] = UInt16(first[offset]) }
        for column in columns.dropFirst() {
            for offset in 0..<Block.size { sums[offset] &+= UInt16(column[offset]) }
        }
        var above: UInt16 = 0
        for offset in 0..<Block.size { above |= sums[offset] > caps[offset] ? 1 : 0 }
        return above != 0
    }
}
