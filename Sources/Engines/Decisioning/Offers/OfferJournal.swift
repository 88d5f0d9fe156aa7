// The journal of single offers: per subscriber a short chain of what was offered and what came of it.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

/// One offer made to one subscriber, or one that a control group kept from it.
struct OfferEntry: Hashable {
    struct Flags: OptionSet, Hashable {
        let rawValue: UInt8

        /// Would have been offered; the subscriber is in the control group.
        static let control = Flags(rawValue: 1)
        /// Raised the counter of websites; one of the entries of a campaign and month that stand, never a released one.
        static let counted = Flags(rawValue: 2)
        /// Seen or heard: settled.
        static let shown = Flags(rawValue: 4)
        /// Given back.
        static let released = Flags(rawValue: 8)
        static let accepted = Flags(rawValue: 16)
        static let refused = Flags(rawValue: 32)
        static let considering = Flags(rawValue: 64)
        static let later = Flags(rawValue: 128)
    }

    /// Position of the subscriber's entry before this one, plus 1; 0 = none.
    var next: UInt32
    /// The subscriber's place in the block.
    var offset: UInt16 = 0
    /// Number of the campaign in the pool.
    var campaign: UInt32
    /// Day number of the request.
    var day: UInt16
    /// For `later`: day number from which the offer may be made again.
    var until: UInt16 = 0
    var touchpoint: Touchpoint
    var flags: Flags
    /// Channel classes on which the offer is cancelled, by bit.
    var cancelled: UInt8 = 0

    /// Whether it stands as a contact: made and not given back.
    var isContact: Bool { flags.isDisjoint(with: [.control, .released]) }
}

/// The entries of one block in the order they came, chained per subscriber from the newest back.
///
/// Caps keep a subscriber's chain short, so every question about one subscriber is a walk of a few steps.
final class OfferBlock {
    private(set) var entries: [OfferEntry] = []
    private var heads: UnsafeMutablePointer<UInt32>
    /// While a wave selects: how many entries there were when it began, and those of them that changed since, as they were.
    private var countOfBeginning: Int?
    private var changed: [Int: OfferEntry] = [:]

    init() {
        heads = .allocate(capacity: Block.size)
        heads.initialize(repeating: 0, count: Block.size)
    }

    deinit { heads.deallocate() }

    /// Position of a subscriber's newest entry, plus 1; 0 = none.
    func head(of offset: Int) -> UInt32 { heads[offset] }

    /// Adds an entry to a subscriber's chain and returns its position.
    func append(_ entry: OfferEntry, offset: Int) -> Int {
        var entry = entry
        entry.next = heads[offset]
        entry.offset = UInt16(offset)
        entries.append(entry)
        heads[offset] = UInt32(entries.count)
        return entries.count - 1
    }

    /// Takes back the last `count` entries, all of one subscriber.
    func removeLast(_ count: Int, offset: Int) {
        for _ in 0..<count { heads[offset] = entries.removeLast().next }
    }

    /// Calls `body` with each entry of a subscriber, newest first, and its position.
    @inline(__always)
    func forEach(offset: Int, _ body: (Int, OfferEntry) -> Void) {
        var position = heads[offset]
        while position != 0 {
            let entry = entries[Int(position) - 1]
            body(Int(position) - 1, entry)
            position = entry.next
        }
    }

    /// Position of the newest contact on websites with the campaign and month of an entry that stands.
    func standing(like entry: OfferEntry, offset: Int) -> Int? {
        first(offset: offset) { $0.isSeenOnWebsite(Int(entry.campaign), in: LocalDay(number: Int32(entry.day)).month) }
    }

    /// The same of those that are counted, of which there is one at most.
    func counted(like entry: OfferEntry, offset: Int) -> Int? {
        first(offset: offset) { $0.isCountedWebsite(Int(entry.campaign), in: LocalDay(number: Int32(entry.day)).month) }
    }

    private func first(offset: Int, where isWanted: (OfferEntry) -> Bool) -> Int? {
        var found: Int?
        forEach(offset: offset) { position, entry in
            if found == nil, isWanted(entry) { found = position }
        }
        return found
    }

    func update(_ position: Int, _ change: (inout OfferEntry) -> Void) {
        if let count = countOfBeginning, position < count, changed[position] == nil {
            changed[position] = entries[position]
        }
        change(&entries[position])
    }

    /// From here on ``markOfBeginning(where:in:)`` looks at the entries as they are now.
    func beginSelection() { countOfBeginning = entries.count }

    func endSelection() { (countOfBeginning, changed) = (nil, [:]) }

    /// Sets the bits of subscribers with an entry that was wanted when the selection began, in a bitmap of 1 024 words.
    func markOfBeginning(where isWanted: (OfferEntry) -> Bool, in words: UnsafeMutablePointer<UInt64>) {
        for (position, entry) in entries.prefix(countOfBeginning ?? entries.count).enumerated() {
            let entry = changed.isEmpty ? entry : changed[position] ?? entry
            if isWanted(entry) { words[Int(entry.offset >> 6)] |= 1 << UInt64(entry.offset & 63) }
        }
    }

    /// Subscribers with an entry that is wanted; entries come in the order of days but for clock jumps, hence all are
    /// looked at.
    func offsets(where isWanted: (OfferEntry) -> Bool) -> BlockSet {
        guard let first = entries.firstIndex(where: isWanted) else { return BlockSet() }
        var found = [Bool](repeating: false, count: Block.size)
        for entry in entries[first...] where isWanted(entry) { found[Int(entry.offset)] = true }
        return BlockSet(ascending: found.indices.lazy.filter { found[$0] }.map { UInt16($0) })
    }

    // MARK: Coding

    /// Appends all entries with their offsets, for the hash of the state and for checkpoints.
    func encode(to writer: inout ByteWriter) {
        writer.write(UInt32(entries.count))
        for entry in entries {
            writer.write(entry.offset)
            writer.write(entry.campaign)
            writer.write(entry.day)
            writer.write(entry.until)
            writer.write(entry.touchpoint.rawValue)
            writer.write(entry.flags.rawValue)
            writer.write(entry.cancelled)
        }
    }

    /// Reads what ``encode(to:)`` wrote.
    convenience init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init()
        for _ in 0..<(try reader.read(UInt32.self)) {
            let offset: UInt16 = try reader.read()
            let entry = OfferEntry(
                next: 0,
                campaign: try reader.read(),
                day: try reader.read(),
                until: try reader.read(),
                touchpoint: try reader.readRaw(Touchpoint.self, "a touchpoint"),
                flags: OfferEntry.Flags(rawValue: try reader.read()),
                cancelled: try reader.read()
            )
            _ = append(entry, offset: Int(offset))
        }
    }
}

/// The journals of all blocks; a block without offers takes no memory.
final class OfferJournal {
    private(set) var blocks: [OfferBlock?] = []
    private var isSelecting = false

    /// The journal of a block, made when there is none.
    func block(_ number: Int) -> OfferBlock {
        while blocks.count <= number { blocks.append(nil) }
        if let block = blocks[number] { return block }
        let block = OfferBlock()
        if isSelecting { block.beginSelection() }
        blocks[number] = block
        return block
    }

    /// A wave selects: it sees entries as they are now, whatever comes before it has looked at them.
    func beginSelection() {
        isSelecting = true
        for block in blocks { block?.beginSelection() }
    }

    func endSelection() {
        isSelecting = false
        for block in blocks { block?.endSelection() }
    }

    /// The journal of a block; nil when nobody in it was ever made an offer.
    func existing(_ number: Int) -> OfferBlock? {
        number < blocks.count ? blocks[number] : nil
    }

    func restore(_ number: Int, _ block: OfferBlock) {
        _ = self.block(number)
        blocks[number] = block
    }
}

extension ChannelClass {
    /// The bit of the class in a mask.
    var bit: UInt8 { 1 << rawValue }
}
