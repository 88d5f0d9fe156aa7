// What the state remembers of a wave: who was contacted, who is control, what came back.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Contacts that count in another month than the one their wave was planned for.
public struct MovedContacts: Hashable, Sendable {
    /// The month they left in.
    public var month: LocalMonth
    /// Their offsets.
    public var members: BlockSet
}

/// One block of a wave: sets over the block's offsets.
public struct WaveBlockState: Hashable, Sendable {
    /// Reserved contacts; settled, released or open.
    public var contact = BlockSet()
    /// The control group.
    public var control = BlockSet()
    /// Left for the channel.
    public var handedOff = BlockSet()
    /// Taken by the gateway.
    public var accepted = BlockSet()
    /// Delivered to the handset.
    public var delivered = BlockSet()
    /// Counted for good.
    public var settled = BlockSet()
    /// Given back.
    public var released = BlockSet()
    /// Replied.
    public var replied = BlockSet()
    /// Unsubscribed.
    public var unsubscribed = BlockSet()
    /// Ordered the product, contacted or not.
    public var ordered = BlockSet()

    /// Contacts that left in another month than planned, by month ascending.
    public private(set) var moved: [MovedContacts] = []

    mutating func move(_ members: BlockSet, to month: LocalMonth) {
        if let place = moved.firstIndex(where: { $0.month == month }) {
            moved[place].members = moved[place].members.union(members)
        } else {
            moved.append(MovedContacts(month: month, members: members))
            moved.sort { $0.month < $1.month }
        }
    }

    /// Reserved and neither settled nor released.
    public var open: BlockSet { contact.subtracting(settled).subtracting(released) }
    /// ``open`` and still here: what may leave.
    public var unsent: BlockSet { open.subtracting(handedOff) }
    /// Whether nothing is ``open``, found by counting: settled and released are two separate parts of the contacts.
    var isConcluded: Bool { contact.count == settled.count + released.count }
    /// Reserved and not given back: what intervals and similarity look at.
    public var counted: BlockSet {
        // Released are contacts: as many of them are all.
        released.count == contact.count ? BlockSet() : contact.subtracting(released)
    }

    private static var sets: [WritableKeyPath<WaveBlockState, BlockSet>] {
        [
            \.contact, \.control, \.handedOff, \.accepted, \.delivered, \.settled, \.released, \.replied,
            \.unsubscribed, \.ordered,
        ]
    }

    init() {}

    init(contact: BlockSet, control: BlockSet) {
        self.contact = contact
        self.control = control
    }

    /// Appends all sets, for the hash of the state and for checkpoints.
    func encode(to writer: inout ByteWriter) {
        for set in Self.sets { self[keyPath: set].encode(to: &writer) }
        writer.write(UInt32(moved.count))
        for moved in moved {
            writer.write(moved.month.number)
            moved.members.encode(to: &writer)
        }
    }

    /// Reads what ``encode(to:)`` wrote.
    init(from reader: inout ByteReader) throws(MalformedBytes) {
        for set in Self.sets { self[keyPath: set] = try BlockSet(from: &reader) }
        for _ in 0..<(try reader.read(UInt32.self)) {
            let month = LocalMonth(number: try reader.read())
            move(try BlockSet(from: &reader), to: month)
        }
    }
}

/// Where a wave stands.
public enum WaveStatus: String, Sendable {
    /// Begun; nothing may be handed off yet.
    case open
    /// Complete.
    case closed
    /// Given up; everything released.
    case aborted
}

/// A wave as the state remembers it.
public struct WaveState: Hashable, Sendable {
    /// Campaign and occurrence.
    public let wave: WaveID
    /// 1 for the first wave of the data directory; part of message ids.
    public let serial: UInt32
    /// The slot it was planned for; its month is the month its contacts count in.
    public let planned: LocalTime
    /// The audience file.
    public let audience: ContentHash
    /// Sequence of the record that opened it: the position its inputs were read at.
    public let openedAt: Int64
    /// The spec that was live when it was opened.
    public let spec: CampaignSpec
    /// Open, closed or aborted.
    public internal(set) var status: WaveStatus = .open
    /// Where ranking, capacity and budget cut; set once the selection is made.
    public internal(set) var cuts: [RankCut]?
    /// Blocks decided so far.
    public internal(set) var blocks: [Int: WaveBlockState] = [:]
    /// Totals by outcome, once closed.
    public internal(set) var totals: [OutcomeTotal] = []
    /// Outcome hash, once closed.
    public internal(set) var outcome: ContentHash?
    /// Time of the last hand-off; nil while nothing has left.
    public internal(set) var handedOffAt: LocalTime?

    /// Members with an outcome in the closed wave.
    public func count(_ outcome: Outcome) -> Int64 {
        totals.first { $0.outcome == outcome }?.count ?? 0
    }

    /// Sum over all blocks of the members of one set, for example `\.delivered`.
    public func sum(_ set: KeyPath<WaveBlockState, BlockSet>) -> Int {
        blocks.values.reduce(0) { $0 + $1[keyPath: set].count }
    }

    /// The subscribers in one set, ascending, for example `\.contact`.
    public func members(_ set: KeyPath<WaveBlockState, BlockSet>) -> [SubscriberIndex] {
        var result: [SubscriberIndex] = []
        for (block, state) in blocks.sorted(by: { $0.key < $1.key }) {
            state[keyPath: set].forEach { result.append(SubscriberIndex(UInt32(block * Block.size + $0))) }
        }
        return result
    }
}
