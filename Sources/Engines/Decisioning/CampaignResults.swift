// Who was contacted and what came of it, block by block: the sets that segments are made of (SEG-05, SEG-14, SEG-17).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Which contacts are asked for.
public enum ContactQuestion: Hashable, Sendable {
    /// Those of some campaigns, whenever they were.
    case campaigns(Set<CampaignID>)
    /// Those of the last `days` days before and on a day, of one category or of any; loaded history included.
    case recent(category: String?, days: Int, until: LocalDay)
}

extension DecisionState {
    /// Blocks there are.
    public var blocks: Int { Block.count(subscribers: subscribers) }

    /// The subscribers of a block with any of some results of a campaign, as 1 024 words.
    ///
    /// - Complexity: The waves of the campaign, and the offers ever made in the block.
    public func words(_ results: Set<CampaignResult>, of campaign: CampaignID, block: Int) -> [UInt64] {
        let waves = waves.values.filter { $0.wave.campaign == campaign && $0.status == .closed }
            .compactMap { $0.blocks[block] }
        let offers = offers(of: campaign, block: block)
        func union(_ sets: [BlockSet]) -> BlockSet { sets.reduce(BlockSet()) { $0.union($1) } }
        func members(_ result: CampaignResult) -> BlockSet {
            let contacted = union(waves.map(\.counted) + [offers(\.isContact)])
            return switch result {
            case .contacted: contacted
            case .control: union(waves.map(\.control) + [offers { $0.flags.contains(.control) }])
            case .delivered: union(waves.map(\.delivered) + [offers { $0.flags.contains(.shown) }])
            case .failed:
                union(waves.map(\.released) + [offers { $0.flags.contains(.released) }]).subtracting(contacted)
            case .accepted:
                union(waves.map { $0.ordered.intersection($0.contact) } + [offers { $0.flags.contains(.accepted) }])
            case .refused: offers { $0.flags.contains(.refused) }
            case .considering: offers { !$0.flags.isDisjoint(with: [.considering, .later]) }
            case .replied: union(waves.map(\.replied))
            case .unsubscribed: union(waves.map(\.unsubscribed))
            case .silent:
                [.accepted, .refused, .considering, .replied, .unsubscribed]
                    .reduce(contacted) { $0.subtracting(members($1)) }
            }
        }
        return union(results.map(members)).bitmap
    }

    /// The subscribers of a block who were contacted, as 1 024 words; contacts given back do not count.
    public func words(_ question: ContactQuestion, block: Int) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: Block.words)
        words.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            switch question {
            case .campaigns(let ids):
                for wave in waves.values where ids.contains(wave.wave.campaign) && wave.status == .closed {
                    wave.blocks[block]?.counted.formUnion(into: base)
                }
                for id in ids { offers(of: id, block: block)(\.isContact).formUnion(into: base) }
            case .recent(let category, let days, let until):
                addRecent(category, until.adding(days: 1 - days)...until, block, base)
            }
        }
        return words
    }

    private func addRecent(
        _ category: String?,
        _ days: ClosedRange<LocalDay>,
        _ block: Int,
        _ words: UnsafeMutablePointer<UInt64>
    ) {
        func isWanted(_ other: String?) -> Bool { category == nil || category == other }
        for contacts in history where days.contains(contacts.day) && isWanted(contacts.category) {
            contacts.members(ofBlock: block)?.formUnion(into: words)
        }
        for wave in waves.values
        where wave.status == .closed && days.contains(wave.planned.day) && isWanted(wave.spec.category) {
            wave.blocks[block]?.counted.formUnion(into: words)
        }
        let numbers = pool.campaigns.map { isWanted(campaigns[$0.id]?.spec.category) }
        journal.existing(block)?.offsets { entry in
            entry.isContact && numbers[Int(entry.campaign)] && days.contains(LocalDay(number: Int32(entry.day)))
        }
        .formUnion(into: words)
    }

    /// Gives the subscribers of a block with offers of a campaign that meet a condition.
    private func offers(of campaign: CampaignID, block: Int) -> ((OfferEntry) -> Bool) -> BlockSet {
        guard let number = pool.known(campaign), let offers = journal.existing(block) else {
            return { _ in BlockSet() }
        }
        return { isWanted in offers.offsets { $0.campaign == number && isWanted($0) } }
    }
}
