// What single offers mean for waves: intervals look at them, and an answer may have withdrawn the campaign.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension DecisionState {
    /// Single offers that lie fewer than `days` days from `day` and are like the contacts asked for.
    func recentOffers(
        on day: LocalDay,
        within days: Int,
        where isRelevant: (RecentContacts) -> Bool
    ) -> [RecentContacts] {
        guard !journal.blocks.isEmpty else { return [] }
        // By touchpoint and pool number: whether such an offer is meant.
        let campaigns = pool.campaigns.count
        let touchpoints = (Touchpoint.allCases.map(\.rawValue).max() ?? 0) + 1
        var isMeant = [Bool](repeating: false, count: Int(touchpoints) * campaigns)
        for touchpoint in Touchpoint.allCases {
            for (number, pooled) in pool.campaigns.enumerated() {
                guard let spec = self.campaigns[pooled.id]?.spec else { continue }
                var contacts = RecentContacts(spec, day: day)
                contacts.channel = touchpoint.channel
                isMeant[Int(touchpoint.rawValue) * campaigns + number] = isRelevant(contacts)
            }
        }
        guard isMeant.contains(true) else { return [] }
        let blocks = blocks { entry in
            entry.isContact && abs(Int(entry.day) - Int(day.number)) < days
                && isMeant[Int(entry.touchpoint.rawValue) * campaigns + Int(entry.campaign)]
        }
        return blocks.isEmpty ? [] : [RecentContacts(channel: .inbound, category: nil, day: day, blocks: blocks)]
    }

    /// Who must not get a campaign on its channel because of an answer, or asked for a later day; nil = nobody.
    func withdrawn(from spec: CampaignSpec, on day: LocalDay) -> Bitset? {
        guard pool.known(spec.id) != nil else { return nil }
        let blocks = blocks(where: isWithdrawn(from: spec, on: day))
        guard !blocks.isEmpty else { return nil }
        var members = Bitset(universe: subscribers)
        for (block, set) in blocks { set.forEach { members.insert(UInt32(block * Block.size + $0)) } }
        return members
    }

    /// The same for one block.
    func withdrawn(from spec: CampaignSpec, on day: LocalDay, block: Int) -> BlockSet {
        journal.existing(block)?.offsets(where: isWithdrawn(from: spec, on: day)) ?? BlockSet()
    }

    private func isWithdrawn(from spec: CampaignSpec, on day: LocalDay) -> (OfferEntry) -> Bool {
        guard let number = pool.known(spec.id) else { return { _ in false } }
        return { entry in
            guard entry.campaign == number else { return false }
            return entry.cancelled & spec.channel.bit != 0
                || entry.flags.contains(.later) && Int32(entry.until) > day.number
        }
    }

    private func blocks(where isWanted: (OfferEntry) -> Bool) -> [Int: BlockSet] {
        var result: [Int: BlockSet] = [:]
        for (number, block) in journal.blocks.enumerated() {
            guard let found = block?.offsets(where: isWanted), !found.isEmpty else { continue }
            result[number] = found
        }
        return result
    }
}
