// The contact ledger: how many contacts each subscriber has had, per channel class and calendar month.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Profiles

/// Contact counters of all subscribers: one byte per subscriber, channel class and month.
///
/// A ring of six months is kept: three back, the current one, two ahead (DESIGN section 4). Memory is laid out
/// block by block and, inside a block, counter by counter, so that a wave over one channel and month reads only
/// the bytes it needs. Not thread-safe: one thread owns a block at a time.
public final class ContactLedger: @unchecked Sendable {
    /// The classes that count towards the overall cap lie side by side (FRQ-02).
    private static let overallClasses = 0..<ChannelClass.allCases.count(where: \.countsOverall)
    /// Months in the ring.
    public static let months = 6
    /// Months before the current one that are kept.
    public static let monthsBack = 3
    /// Bytes of one block: 6 months x 4 classes x 65 536 subscribers.
    public static let blockBytes = months * 4 * Block.size

    /// The current month in the operator's zone, as the last clock tick said.
    public private(set) var currentMonth: LocalMonth
    private var blocks: [UnsafeMutablePointer<UInt8>] = []
    /// What the blocks lie in, four to an allocation: so many fill whole huge pages.
    private var memory: [UnsafeMutableRawPointer] = []
    private static let blocksTogether = 4
    /// By block, what single contacts changed since a selection began; nil while none is made.
    private var changes: [Int: [Change]]?

    private struct Change {
        var index: SubscriberIndex
        var channel: ChannelClass
        var month: LocalMonth
        var step: Int
    }

    /// An empty ledger in the given month.
    public init(currentMonth: LocalMonth) {
        self.currentMonth = currentMonth
    }

    deinit {
        for memory in memory { memory.deallocate() }
    }

    /// Makes room for `subscribers` indices; new counters are zero.
    func grow(subscribers: Int) {
        while blocks.count < Block.count(subscribers: subscribers) {
            let place = blocks.count % Self.blocksTogether
            if place == 0 { memory.append(HugePages.allocate(byteCount: Self.blocksTogether * Self.blockBytes)) }
            let block = (memory[memory.count - 1] + place * Self.blockBytes)
                .bindMemory(to: UInt8.self, capacity: Self.blockBytes)
            block.initialize(repeating: 0, count: Self.blockBytes)
            blocks.append(block)
        }
    }

    /// The months the ring holds now, oldest first.
    public var monthsHeld: ClosedRange<LocalMonth> {
        LocalMonth(number: currentMonth.number - Int32(Self.monthsBack))...LocalMonth(number: currentMonth.number + 2)
    }

    /// Moves the ring forward; months that fall out of it are forgotten, months that enter it start at zero.
    func advance(to month: LocalMonth) {
        while currentMonth < month {
            currentMonth = LocalMonth(number: currentMonth.number + 1)
            let entering = Self.slot(LocalMonth(number: currentMonth.number + 2))
            for block in blocks {
                (block + entering * 4 * Block.size).update(repeating: 0, count: 4 * Block.size)
            }
        }
    }

    static func slot(_ month: LocalMonth) -> Int {
        let rest = Int(month.number) % months
        return rest >= 0 ? rest : rest + months
    }

    /// The counter column of a block for one class and month; nil when the ring does not hold the month.
    @inline(__always)
    func column(block: Int, channel: ChannelClass, month: LocalMonth) -> UnsafeMutablePointer<UInt8>? {
        guard monthsHeld.contains(month) else { return nil }
        return blocks[block] + (Self.slot(month) * 4 + Int(channel.rawValue)) * Block.size
    }

    /// Contacts of a subscriber in one class and month; 0 for months outside the ring.
    public func count(_ index: SubscriberIndex, channel: ChannelClass, month: LocalMonth) -> Int {
        guard index.block < blocks.count else { return 0 }
        return column(block: index.block, channel: channel, month: month).map { Int($0[index.offset]) } ?? 0
    }

    /// Counts one contact more, stopping at 255.
    func add(_ index: SubscriberIndex, channel: ChannelClass, month: LocalMonth) {
        guard let column = column(block: index.block, channel: channel, month: month) else { return }
        guard column[index.offset] < .max else { return }
        column[index.offset] += 1
        changes?[index.block, default: []].append(Change(index: index, channel: channel, month: month, step: 1))
    }

    /// Counts one contact less, stopping at 0.
    func remove(_ index: SubscriberIndex, channel: ChannelClass, month: LocalMonth) {
        guard let column = column(block: index.block, channel: channel, month: month) else { return }
        guard column[index.offset] > 0 else { return }
        column[index.offset] -= 1
        changes?[index.block, default: []].append(Change(index: index, channel: channel, month: month, step: -1))
    }

    // MARK: As of the beginning of a selection

    /// From here on ``asOfBeginning(_:_:)`` shows counters as they are now.
    func beginSelection() { changes = [:] }

    /// Forgets what changed.
    func endSelection() { changes = nil }

    /// Runs `body` while the counters of some blocks stand as they did when the selection began.
    func asOfBeginning(_ blocks: some Sequence<Int>, _ body: () -> Void) {
        let changed = blocks.flatMap { changes?[$0] ?? [] }
        for change in changed.reversed() { apply(change, -change.step) }
        body()
        for change in changed { apply(change, change.step) }
    }

    private func apply(_ change: Change, _ step: Int) {
        guard let column = column(block: change.index.block, channel: change.channel, month: change.month) else {
            return
        }
        column[change.index.offset] = UInt8(clamping: Int(column[change.index.offset]) + step)
    }

    /// Counts contacts of many subscribers, by index, stopping at 255 each.
    func add(_ counts: [UInt8], channel: ChannelClass, month: LocalMonth) {
        for block in 0..<blocks.count {
            guard let column = column(block: block, channel: channel, month: month) else { return }
            let base = block * Block.size
            for offset in 0..<max(0, min(Block.size, counts.count - base)) {
                column[offset] = UInt8(min(255, Int(column[offset]) + Int(counts[base + offset])))
            }
        }
    }

    /// Counts contacts less that were counted with ``add(_:channel:month:)-(_,_,_)``, stopping at 0.
    func remove(_ counts: [UInt8], channel: ChannelClass, month: LocalMonth) {
        for block in 0..<blocks.count {
            guard let column = column(block: block, channel: channel, month: month) else { return }
            let base = block * Block.size
            for offset in 0..<max(0, min(Block.size, counts.count - base)) {
                column[offset] -= min(column[offset], counts[base + offset])
            }
        }
    }

    /// The cap that stands in the way of one more contact of one subscriber; nil when there is none.
    func failure(_ index: SubscriberIndex, channel: ChannelClass, month: LocalMonth, row: CapRow) -> CapFailure? {
        let position = Int(channel.rawValue)
        if most(index, position..<position + 1, month, length: Int(row.months[position])) >= Int(row.count[position]) {
            return .channel
        }
        if channel.countsOverall,
            most(index, Self.overallClasses, month, length: Int(row.overallMonths)) >= Int(row.overallCount)
        {
            return .overall
        }
        return nil
    }

    /// How many more contacts both caps allow.
    func room(_ index: SubscriberIndex, channel: ChannelClass, month: LocalMonth, row: CapRow) -> Int {
        let position = Int(channel.rawValue)
        let length = Int(row.months[position])
        let room = Int(row.count[position]) - most(index, position..<position + 1, month, length: length)
        guard channel.countsOverall else { return room }
        let used = most(index, Self.overallClasses, month, length: Int(row.overallMonths))
        return min(room, Int(row.overallCount) - used)
    }

    /// The most contacts in any window of `length` months that holds `month`; months outside the ring count nothing.
    private func most(_ index: SubscriberIndex, _ classes: Range<Int>, _ month: LocalMonth, length: Int) -> Int {
        let block = blocks[index.block] + index.offset
        let (held, length) = (monthsHeld, min(max(length, 1), 3))
        if length == 1 {
            guard held.contains(month) else { return 0 }
            let counters = block + Self.slot(month) * 4 * Block.size
            var sum = 0
            for channel in classes { sum += Int(counters[channel * Block.size]) }
            return sum
        }
        var result = 0
        for back in 0..<length {
            var sum = 0
            for step in 0..<length {
                let month = LocalMonth(number: month.number - Int32(back) + Int32(step))
                guard held.contains(month) else { continue }
                let counters = block + Self.slot(month) * 4 * Block.size
                for channel in classes { sum += Int(counters[channel * Block.size]) }
            }
            result = max(result, sum)
        }
        return result
    }

    /// Raw counters of a block, for hashing and snapshots.
    func bytes(ofBlock block: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: blocks[block], count: Self.blockBytes)
    }

    /// Puts one counter column of a block back, in the order of ``bytes(ofBlock:)``.
    func restore(_ counters: ArraySlice<UInt8>, block: Int, column: Int) {
        let place = blocks[block] + column * Block.size
        for (offset, count) in counters.prefix(Block.size).enumerated() { place[offset] = count }
    }

    /// Number of blocks with counters.
    public var blockCount: Int { blocks.count }
}

/// The caps of one tier in the form the checks use: per class and overall, as bytes.
struct CapRow: Hashable, Sendable {
    var count: [UInt8]
    var months: [UInt8]
    var overallCount: UInt8
    var overallMonths: UInt8

    init(_ tier: PolicyTier) {
        count = ChannelClass.allCases.map { UInt8(clamping: tier.caps[$0]?.count ?? 200) }
        months = ChannelClass.allCases.map { UInt8(clamping: tier.caps[$0]?.months ?? 1) }
        overallCount = UInt8(clamping: tier.overall.count)
        overallMonths = UInt8(clamping: tier.overall.months)
    }
}

extension ContactPolicy {
    /// The caps by tier, and behind them the strictest row, which is that of unknown tiers.
    var capRows: [CapRow] { tiers.map(CapRow.init) + [CapRow(strictest)] }
}

/// The windows of `length` consecutive months that hold `month`, each as a list of ring months.
///
/// A reservation is checked in every window that contains its month (DESIGN section 4, "Ledger").
func windows(holding month: LocalMonth, length: Int, in ring: ClosedRange<LocalMonth>) -> [[LocalMonth]] {
    (0..<max(1, length)).map { back in
        (0..<max(1, length)).map { LocalMonth(number: month.number - Int32(back) + Int32($0)) }
            .filter { ring.contains($0) }
    }
}

/// Cap checks for one block, channel class and month, with the counter columns looked up once.
struct CapChecker {
    private let rows: [CapRow]
    private let channel: Int
    private let countsOverall: Bool
    /// By length of the window (1...3): the windows, each a list of columns whose sum counts.
    private let channelWindows: [[[UnsafeMutablePointer<UInt8>]]]
    private let overallWindows: [[[UnsafeMutablePointer<UInt8>]]]
    /// The common case, one month: the single column, and the three that make the overall count.
    private let own: UnsafeMutablePointer<UInt8>?
    private let sms: UnsafeMutablePointer<UInt8>?
    private let outbound: UnsafeMutablePointer<UInt8>?
    private let inbound: UnsafeMutablePointer<UInt8>?
    private let isSimple: Bool

    init(ledger: ContactLedger, block: Int, channel: ChannelClass, month: LocalMonth, rows: [CapRow]) {
        self.rows = rows
        self.channel = Int(channel.rawValue)
        countsOverall = channel.countsOverall
        let ring = ledger.monthsHeld
        func columns(_ channels: [ChannelClass], length: Int) -> [[UnsafeMutablePointer<UInt8>]] {
            windows(holding: month, length: length, in: ring).map { window in
                window.flatMap { month in
                    channels.compactMap { ledger.column(block: block, channel: $0, month: month) }
                }
            }
        }
        let counted = ChannelClass.allCases.filter(\.countsOverall)
        channelWindows = (1...3).map { columns([channel], length: $0) }
        overallWindows = (1...3).map { columns(counted, length: $0) }
        own = ledger.column(block: block, channel: channel, month: month)
        sms = ledger.column(block: block, channel: .sms, month: month)
        outbound = ledger.column(block: block, channel: .outbound, month: month)
        inbound = ledger.column(block: block, channel: .inbound, month: month)
        let position = Int(channel.rawValue)
        isSimple = own != nil && rows.allSatisfy { $0.months[position] == 1 && $0.overallMonths == 1 }
    }

    /// The cap that stands in the way of one more contact; nil when there is none.
    @inline(__always)
    func failure(offset: Int, tier: Int) -> CapFailure? {
        let row = rows[tier]
        if isSimple, let own, let sms, let outbound, let inbound {
            if own[offset] >= row.count[channel] { return .channel }
            if countsOverall, Int(sms[offset]) + Int(outbound[offset]) + Int(inbound[offset]) >= Int(row.overallCount) {
                return .overall
            }
            return nil
        }
        if highest(channelWindows, Int(row.months[channel]), offset) >= Int(row.count[channel]) { return .channel }
        if countsOverall, highest(overallWindows, Int(row.overallMonths), offset) >= Int(row.overallCount) {
            return .overall
        }
        return nil
    }

    private func highest(_ windows: [[[UnsafeMutablePointer<UInt8>]]], _ length: Int, _ offset: Int) -> Int {
        var result = 0
        for window in windows[min(max(length, 1), 3) - 1] {
            var sum = 0
            for column in window { sum += Int(column[offset]) }
            result = max(result, sum)
        }
        return result
    }

    /// Counts the contact; false when the ring no longer holds the month.
    @inline(__always)
    func add(offset: Int) {
        if let own, own[offset] < .max { own[offset] += 1 }
    }
}

/// Which of the two caps is used up.
enum CapFailure {
    case channel
    case overall
}
