// The lists that bar a subscriber, without looking at every list.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

/// By channel class the lists that bar it and their union; most subscribers are in no list, which the union says at once.
final class BarIndex {
    /// Bits of the black and the grey list in a mask; class n of do-not-disturb has bit n.
    static let black = 16
    static let grey = 17
    /// Bits that count whatever the policy lists.
    static let alwaysKnown: UInt32 = 1 << 16 | 1 << 17

    private struct Channel {
        var lists: [(bit: UInt32, list: ListID, members: Bitset)]
        var union: Bitset
    }

    private var channels: [Channel?] = Array(repeating: nil, count: ChannelClass.allCases.count)

    /// The lists a subscriber is on that bar a channel class, by bit.
    func mask(_ index: SubscriberIndex, _ channel: ChannelClass, _ lists: [ListID: Bitset]) -> UInt32 {
        let place = Int(channel.rawValue)
        if channels[place] == nil { channels[place] = Self.make(channel, lists) }
        guard channels[place]?.union.contains(index.number) == true else { return 0 }
        return channels[place]?.lists.reduce(0) { $0 | ($1.members.contains(index.number) ? 1 << $1.bit : 0) } ?? 0
    }

    /// The word of a channel's union that holds a subscriber; 0 when it was never asked for.
    func word(of index: SubscriberIndex, _ channel: ChannelClass) -> UInt64 {
        let place = Int(index.number >> 6)
        guard let words = channels[Int(channel.rawValue)]?.union.words, place < words.count else { return 0 }
        return words[place]
    }

    /// A list was replaced, or subscribers were added.
    func forget() {
        channels = Array(repeating: nil, count: ChannelClass.allCases.count)
    }

    /// Members were added to or removed from a list, which `lists` holds already.
    func update(_ list: ListID, added: [UInt32], removed: [UInt32], _ lists: [ListID: Bitset]) {
        guard Self.bit(of: list) != nil, let members = lists[list] else { return }
        for channel in ChannelClass.allCases where list.channel == nil || list.channel == channel {
            let place = Int(channel.rawValue)
            guard var kept = channels[place] else { continue }
            channels[place] = nil
            guard let position = kept.lists.firstIndex(where: { $0.list == list }),
                members.universe == kept.union.universe
            else { continue }
            kept.lists[position].members = members
            for index in added where Int(index) < kept.union.universe { kept.union.insert(index) }
            for index in removed where !kept.lists.contains(where: { $0.members.contains(index) }) {
                kept.union.remove(index)
            }
            channels[place] = kept
        }
    }

    private static func make(_ channel: ChannelClass, _ lists: [ListID: Bitset]) -> Channel {
        var made = Channel(lists: [], union: Bitset(universe: lists.values.map(\.universe).max() ?? 0))
        for (list, members) in lists where list.channel == nil || list.channel == channel {
            guard let bit = bit(of: list) else { continue }
            made.lists.append((bit, list, members))
            made.union.formUnion(members)
        }
        return made
    }

    private static func bit(of list: ListID) -> UInt32? {
        switch list.code {
        case "black": UInt32(black)
        case "grey": UInt32(grey)
        default: Outcome(code: list.code)?.dndClass.map(UInt32.init)
        }
    }
}
