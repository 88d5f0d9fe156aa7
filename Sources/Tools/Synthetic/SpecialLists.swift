// The special lists of a synthetic operator: do-not-disturb classes 1-15, black, grey, white and others (area LST).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Shares of 65 536 of the lists that no attribute decides.
private enum ListShare {
    static let requested = 1_700
    static let groupCompany = 15_500  // of group members
    static let employees = 360, government = 430, police = 390, olympic = 330, foreign = 360, blackAccounts = 430
    static let mobileOffice = 520  // 随E行
    static let black = 560, grey = 860, white = 330, important = 400
}

extension SyntheticOperator {
    /// All special lists: class 1 for every channel and for each channel alone (LST-02), classes 2-15, `black`, `grey`,
    /// `white`, `important` (重要客户).
    ///
    /// A class holds 0.4-3 % of the subscribers, class 1 over all channels together. Classes 2 (two complaints or one that was escalated), 3 (VIP diamond
    /// and gold card), 4 (VIP silver card), 5, 10, 14 (suspended) and 15 (cancelled) agree with the attributes; the
    /// others are drawn.
    public static let specialLists: [ListID] =
        [.dnd(1)] + ChannelClass.allCases.map { .dnd(1, channel: $0) } + (2...15).map { .dnd($0) }
        + ["black", "grey", "white", "important"].map { ListID($0) }

    /// The members of all special lists among the subscribers of one block.
    ///
    /// - Parameter block: A block of 65 536 subscribers; blocks may be computed in any order and on any thread.
    /// - Returns: For each list of ``specialLists``, in that order, ``Block/words`` words: bit `i` of word `w` is the
    ///   block's subscriber `64w + i`.
    public func specialListWords(block: Int) -> [[UInt64]] {
        var words = [[UInt64]](
            repeating: [UInt64](repeating: 0, count: Block.words),
            count: Self.specialLists.count
        )
        let first = block * Block.size
        for index in first..<max(first, min(first + Block.size, subscribers)) {
            var memberships = memberships(index)
            while memberships != 0 {
                words[memberships.trailingZeroBitCount][(index - first) >> 6] |= 1 << UInt64(index & 63)
                memberships &= memberships - 1
            }
        }
        return words
    }

    /// The special lists with their members over the whole operator, block by block on the calling thread.
    public func specialListMembers() -> [(list: ListID, members: Bitset)] {
        var words = [[UInt64]](repeating: [], count: Self.specialLists.count)
        for block in 0..<Block.count(subscribers: subscribers) {
            for (position, part) in specialListWords(block: block).enumerated() {
                words[position].append(contentsOf: part)
            }
        }
        return zip(Self.specialLists, words).map { ($0, Bitset(universe: subscribers, words: $1)) }
    }

    /// The lists a subscriber is on: bit `n` is `specialLists[n]`.
    private func memberships(_ index: Int) -> UInt64 {
        let profile = profile(index)
        let t = profile.t
        var draw = Draws(key: t.key, purpose: .lists)
        var lists: UInt64 = 0
        func put(_ position: Int, _ isMember: Bool) { lists |= isMember ? 1 << UInt64(position) : 0 }
        func dnd(_ number: Int, _ isMember: Bool) { put(number + 3, isMember) }

        if draw.chance(ListShare.requested + t.complaints * 2_000) {
            let share = draw.below(100)
            put(share < 30 ? 0 : share < 65 ? 1 : share < 90 ? 2 : share < 95 ? 3 : 4, true)
        }
        dnd(2, t.complaints >= 2 || t.isEscalated)
        dnd(3, profile.vipLevel >= 2)
        dnd(4, profile.vipLevel == 1)
        dnd(5, draw.chance(ListShare.groupCompany) && t.isGroupMember)
        dnd(6, draw.chance(ListShare.employees))
        dnd(7, draw.chance(ListShare.government))
        dnd(8, draw.chance(ListShare.police))
        dnd(9, draw.chance(ListShare.olympic))
        dnd(10, t.isOrganisation)
        dnd(11, draw.chance(ListShare.foreign))
        dnd(12, draw.chance(ListShare.blackAccounts))
        dnd(13, draw.chance(ListShare.mobileOffice))
        dnd(14, t.isSuspended)
        dnd(15, t.isCancelled)
        put(19, draw.chance(ListShare.black))
        put(20, draw.chance(ListShare.grey))
        put(21, draw.chance(ListShare.white))
        put(22, draw.chance(ListShare.important))
        return lists
    }
}
