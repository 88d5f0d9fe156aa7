// The offer pool: which live campaigns each subscriber could be offered (POL-09).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Profiles

/// A campaign that is or was in the pool.
public struct PooledCampaign: Hashable, Sendable {
    /// The campaign.
    public let id: CampaignID
    /// The audience file its members came from last.
    public internal(set) var audience: ContentHash
    /// Its column in the rows; nil once it ended.
    var slot: Int?
    /// Offers made and not given back: what capacity and budget are compared with.
    public internal(set) var contacts: Int64 = 0
    /// Subscribers in it; 0 once it ended.
    public internal(set) var members = 0
    /// Offers that were seen or heard.
    public internal(set) var shown: Int64 = 0
    /// Offers that were taken.
    public internal(set) var accepted: Int64 = 0
    /// Offers that were refused.
    public internal(set) var refused: Int64 = 0

    /// Whether it is offered now.
    public var isOffered: Bool { slot != nil }
}

/// One bit per subscriber and pooled campaign, row by row: all offers of a subscriber lie side by side, 256 to a row of
/// 32 bytes, so that a request reads one cache line, however many campaigns are live.
///
/// A campaign gets a number at its first entry, which it keeps; columns of ended campaigns are used again. Rows exist
/// only for blocks that have members.
final class OfferPool {
    /// Words of a row.
    private static let width = 4
    /// Columns of a row.
    private static let columns = width * 64

    /// All campaigns that ever were in the pool, by number.
    private(set) var campaigns: [PooledCampaign] = []
    /// Number + 1 by campaign id, 0 = never in the pool.
    ///
    /// Every offer of every answer asks, and ids are given out one after the other; those from ``manyIDs`` on lie beside.
    private var numbers: [Int32] = []
    private var numbersBeyond: [CampaignID: Int] = [:]
    private static let manyIDs: Int64 = 1 << 22
    /// By plane of 256 columns and block.
    private var planes: [[UnsafeMutablePointer<UInt64>?]] = []
    private var numberOfSlot: [Int?] = []

    deinit {
        for plane in planes { for block in plane { block?.deallocate() } }
    }

    /// Puts a campaign's members in place of those it had.
    func set(_ id: CampaignID, audience: ContentHash, members: Bitset) {
        let number = number(of: id)
        campaigns[number].audience = audience
        if let slot = campaigns[number].slot { clear(slot) }
        let slot = campaigns[number].slot ?? freeSlot()
        campaigns[number].slot = slot
        numberOfSlot[slot] = number
        campaigns[number].members = members.count
        fill(slot, members)
    }

    /// Takes a campaign out; its number stays.
    func remove(_ id: CampaignID) {
        guard let number = known(id), let slot = campaigns[number].slot else { return }
        campaigns[number].slot = nil
        campaigns[number].members = 0
        numberOfSlot[slot] = nil
        clear(slot)
    }

    /// The number of a campaign, a new one at its first entry.
    func number(of id: CampaignID) -> Int {
        if let number = known(id) { return number }
        let number = campaigns.count
        campaigns.append(PooledCampaign(id: id, audience: .zero))
        if (0..<Self.manyIDs).contains(id.number) {
            while numbers.count <= id.number { numbers.append(0) }
            numbers[Int(id.number)] = Int32(number + 1)
        } else {
            numbersBeyond[id] = number
        }
        return number
    }

    /// The number of a campaign that is or was in the pool.
    func known(_ id: CampaignID) -> Int? {
        guard (0..<Self.manyIDs).contains(id.number) else { return numbersBeyond[id] }
        guard id.number < numbers.count, case let number = numbers[Int(id.number)], number != 0 else { return nil }
        return Int(number) - 1
    }

    /// Counts offers made (positive) or given back (negative).
    func count(_ number: Int, _ step: Int64) {
        campaigns[number].contacts += step
    }

    /// Counts how often a campaign was shown, taken and refused, when an entry of the journal changed or was read back.
    func tally(_ number: Int, from old: OfferEntry.Flags, to new: OfferEntry.Flags) {
        func step(_ flag: OfferEntry.Flags) -> Int64 { (new.contains(flag) ? 1 : 0) - (old.contains(flag) ? 1 : 0) }
        campaigns[number].shown += step(.shown)
        campaigns[number].accepted += step(.accepted)
        campaigns[number].refused += step(.refused)
    }

    /// Puts back what a checkpoint knows of a campaign.
    func restore(_ id: CampaignID, audience: ContentHash, members: Bitset?, contacts: Int64) {
        if let members { set(id, audience: audience, members: members) }
        let number = number(of: id)
        campaigns[number].audience = audience
        campaigns[number].contacts = contacts
    }

    /// Whether a subscriber is among a campaign's members.
    func contains(_ index: SubscriberIndex, number: Int) -> Bool {
        guard let slot = campaigns[number].slot else { return false }
        let (plane, word, bit) = Self.place(slot)
        return row(index, plane: plane).map { $0[word] & bit != 0 } ?? false
    }

    /// Calls `body` with the number of each campaign a subscriber could be offered, in the order of columns.
    @inline(__always)
    func forEach(of index: SubscriberIndex, _ body: (Int) -> Void) {
        for plane in planes.indices {
            guard let row = row(index, plane: plane) else { continue }
            for word in 0..<Self.width {
                var rest = row[word]
                while rest != 0 {
                    let slot = plane &* Self.columns &+ word &* 64 &+ rest.trailingZeroBitCount
                    if let number = numberOfSlot[slot] { body(number) }
                    rest &= rest &- 1
                }
            }
        }
    }

    /// The first word of a subscriber's row; 0 when there is none.
    func firstWord(of index: SubscriberIndex) -> UInt64 {
        planes.isEmpty ? 0 : row(index, plane: 0)?[0] ?? 0
    }

    @inline(__always)
    private func row(_ index: SubscriberIndex, plane: Int) -> UnsafeMutablePointer<UInt64>? {
        let blocks = planes[plane]
        guard index.block < blocks.count, let rows = blocks[index.block] else { return nil }
        return rows + index.offset &* Self.width
    }

    private func freeSlot() -> Int {
        if let free = numberOfSlot.firstIndex(of: nil) { return free }
        planes.append([])
        numberOfSlot += [Int?](repeating: nil, count: Self.columns)
        return numberOfSlot.count - Self.columns
    }

    /// Puts members into an empty column; only their rows are touched.
    private func fill(_ slot: Int, _ members: Bitset) {
        let (plane, word, bit) = Self.place(slot)
        while planes[plane].count < Block.count(subscribers: members.universe) { planes[plane].append(nil) }
        for (position, value) in members.words.enumerated() where value != 0 {
            let rows = rows(ofBlock: position / Block.words, plane: plane)
            let first = position % Block.words * 64
            var rest = value
            while rest != 0 {
                (rows + (first + rest.trailingZeroBitCount) * Self.width + word).pointee |= bit
                rest &= rest - 1
            }
        }
    }

    /// Empties a column.
    private func clear(_ slot: Int) {
        let (plane, word, bit) = Self.place(slot)
        for case let rows? in planes[plane] {
            for offset in 0..<Block.size { (rows + offset * Self.width + word).pointee &= ~bit }
        }
    }

    private static func place(_ slot: Int) -> (plane: Int, word: Int, bit: UInt64) {
        (slot / columns, slot % columns / 64, 1 << UInt64(slot % 64))
    }

    private func rows(ofBlock block: Int, plane: Int) -> UnsafeMutablePointer<UInt64> {
        if let rows = planes[plane][block] { return rows }
        let words = Block.size * Self.width
        let rows = HugePages.allocate(byteCount: words * MemoryLayout<UInt64>.stride)
            .bindMemory(to: UInt64.self, capacity: words)
        rows.initialize(repeating: 0, count: words)
        planes[plane][block] = rows
        return rows
    }
}
