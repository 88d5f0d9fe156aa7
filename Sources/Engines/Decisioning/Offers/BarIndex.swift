// Whether any list at all bars a subscriber, in one look.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

/// By channel class the union of all lists that bar it; most subscribers are on none, and then no list is looked at.
final class BarIndex {
    /// Bits of the black and the grey list in a mask; class n of do-not-disturb has bit n.
    static let black = 16
    static let grey = 17
    /// Bits that count whatever the policy lists.
    static let alwaysKnown: UInt32 = 1 << 16 | 1 << 17
    /// Bits and list codes, in the order of checks.
    static let codes: [(bit: Int, code: String)] =
        (1...15).map { ($0, ListID.dnd($0).code) } + [(black, "black"), (grey, "grey")]
    private static let barring = Set(codes.map(\.code))

    private var unions: [Bitset?] = Array(repeating: nil, count: ChannelClass.allCases.count)

    /// Whether any list bars the subscriber on a channel class.
    func contains(_ index: SubscriberIndex, _ channel: ChannelClass, _ lists: [ListID: Bitset]) -> Bool {
        let place = Int(channel.rawValue)
        if let union = unions[place] { return union.contains(index.number) }
        var union: Bitset?
        for (list, members) in lists where Self.bars(list, channel) {
            if union == nil { union = members } else { union?.formUnion(members) }
        }
        unions[place] = union ?? Bitset(universe: 0)
        return union?.contains(index.number) ?? false
    }

    /// A list was replaced, or subscribers were added.
    func forget() {
        unions = Array(repeating: nil, count: ChannelClass.allCases.count)
    }

    /// Members were added to or removed from a list, which `lists` holds already.
    func update(_ list: ListID, added: [UInt32], removed: [UInt32], _ lists: [ListID: Bitset]) {
        guard Self.barring.contains(list.code) else { return }
        for channel in ChannelClass.allCases where Self.bars(list, channel) {
            let place = Int(channel.rawValue)
            guard var union = unions[place] else { continue }
            unions[place] = nil
            for index in added where Int(index) < union.universe { union.insert(index) }
            let isComplete = added.allSatisfy { Int($0) < union.universe }
            for index in removed {
                let isOnOther = lists.contains { Self.bars($0.key, channel) && $0.value.contains(index) }
                if !isOnOther { union.remove(index) }
            }
            if isComplete { unions[place] = union }
        }
    }

    private static func bars(_ list: ListID, _ channel: ChannelClass) -> Bool {
        barring.contains(list.code) && (list.channel == nil || list.channel == channel)
    }
}
