// What single offers mean for waves: intervals look at them, and an answer may have withdrawn the campaign.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension DecisionState {
    /// Whether a single offer lies fewer than `days` days from `day` and is like the contacts asked for; nil when none
    /// can be.
    func recentOffers(
        on day: LocalDay,
        within days: Int,
        where isRelevant: (RecentContacts) -> Bool
    ) -> ((OfferEntry) -> Bool)? {
        guard !journal.blocks.isEmpty else { return nil }
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
        guard isMeant.contains(true) else { return nil }
        return { entry in
            entry.isContact && abs(Int(entry.day) - Int(day.number)) < days
                && isMeant[Int(entry.touchpoint.rawValue) * campaigns + Int(entry.campaign)]
        }
    }

    /// Whose entries are wanted, by block.
    func offered(where isWanted: (OfferEntry) -> Bool) -> [Int: BlockSet] {
        var result: [Int: BlockSet] = [:]
        for (number, block) in journal.blocks.enumerated() {
            guard let found = block?.offsets(where: isWanted), !found.isEmpty else { continue }
            result[number] = found
        }
        return result
    }

    /// Who must not get a campaign on its channel because of an answer, or asked for a later day, in one block.
    func withdrawn(from spec: CampaignSpec, on day: LocalDay, block: Int) -> BlockSet {
        guard let isWithdrawn = isWithdrawn(from: spec, on: day) else { return BlockSet() }
        return journal.existing(block)?.offsets(where: isWithdrawn) ?? BlockSet()
    }

    /// Whether an entry keeps a campaign from its subscriber; nil when none can.
    func isWithdrawn(from spec: CampaignSpec, on day: LocalDay) -> ((OfferEntry) -> Bool)? {
        guard let number = pool.known(spec.id) else { return nil }
        return { entry in
            guard entry.campaign == number else { return false }
            return entry.cancelled & spec.channel.bit != 0
                || entry.flags.contains(.later) && Int32(entry.until) > day.number
        }
    }
}
