// What the same waves would have done without contact control: the damage that was avoided.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Contacts that break the policy, counted the same way with Gyre and without.
public struct PolicyBreaches: Hashable, Sendable {
    /// Subscribers whom the waves brought over a cap of their tier.
    public var subscribersOverCap: Int
    /// Contacts to numbers on a do-not-disturb class, black or grey list.
    public var contactsToBarred: Int
    /// Contacts made.
    public var contacts: Int
}

extension DecisionState {
    /// Everybody whom the lists of this moment bar from a campaign.
    public func barred(from spec: CampaignSpec) throws -> Bitset {
        guard let policy else { throw DecisionError.noPolicy }
        var barred = Bitset(universe: subscribers)
        for list in barringLists(spec, policy: policy) { barred.formUnion(list.members) }
        return barred
    }

    /// Breaches of the policy by the given waves as they were decided.
    ///
    /// `barred`: Whom the lists barred when each wave was opened; who unsubscribed later does not count.
    public func breaches(of waves: [WaveState], barred: [WaveID: Bitset]) throws -> PolicyBreaches {
        try breaches(of: waves, barred: barred) { wave in
            var contacts = Bitset(universe: subscribers)
            for (block, state) in wave.blocks {
                state.counted.forEach { contacts.insert(UInt32(block * Block.size + $0)) }
            }
            return contacts
        }
    }

    /// Breaches if each wave had gone to its whole audience, as many as its limit allows, unchecked.
    ///
    /// `barred`: Whom the lists barred when each wave was opened.
    /// `audience`: The members of a wave's audience file.
    public func breachesWithoutControl(
        of waves: [WaveState],
        barred: [WaveID: Bitset],
        audience: (WaveState) throws -> Bitset
    ) throws -> PolicyBreaches {
        try breaches(of: waves, barred: barred) { wave in
            let all = try audience(wave)
            guard let limit = wave.spec.limit, all.count > limit else { return all }
            return try best(limit, of: all, for: wave)
        }
    }

    /// The members with the best scores, ties by hash, as the wave would rank them.
    private func best(_ limit: Int, of members: Bitset, for wave: WaveState) throws -> Bitset {
        var scored: [(score: Int32, hash: UInt64, index: UInt32)] = []
        let hash = rankHash(of: wave.spec.id)
        let scorer = try wave.spec.score.map {
            try profileReader().scorer($0, today: wave.planned.day, lists: memberships)
        }
        var words = members.words
        words.append(
            contentsOf: repeatElement(0, count: Block.count(subscribers: subscribers) * Block.words - words.count)
        )
        var scores = [Int32](repeating: 0, count: Block.size)
        var present = [UInt64](repeating: .max, count: Block.words)
        for block in 0..<Block.count(subscribers: subscribers) {
            words[block * Block.words..<(block + 1) * Block.words].withUnsafeBufferPointer { own in
                guard let base = own.baseAddress else { return }
                if let scorer {
                    for i in 0..<Block.words { present[i] = 0 }
                    scorer.fill(block: block, members: base, scores: &scores, present: &present)
                }
                forEachBit(base) { offset in
                    guard present[offset >> 6] >> UInt64(offset & 63) & 1 == 1 else { return }
                    let index = UInt32(block * Block.size + offset)
                    scored.append((scorer == nil ? 0 : scores[offset], hash(lines[Int(index)]), index))
                }
            }
        }
        scored.sort { ($1.score, $0.hash, $0.index) < ($0.score, $1.hash, $1.index) }
        var result = Bitset(universe: subscribers)
        for member in scored.prefix(limit) { result.insert(member.index) }
        return result
    }

    private func breaches(
        of waves: [WaveState],
        barred: [WaveID: Bitset],
        contacts: (WaveState) throws -> Bitset
    ) throws -> PolicyBreaches {
        guard let policy else { throw DecisionError.noPolicy }
        var result = PolicyBreaches(subscribersOverCap: 0, contactsToBarred: 0, contacts: 0)
        var added: [LocalMonth: [ChannelClass: [UInt16]]] = [:]
        for wave in waves {
            let contacted = try contacts(wave)
            result.contacts += contacted.count
            var wrong = barred[wave.wave] ?? Bitset(universe: subscribers)
            wrong.formIntersection(contacted)
            result.contactsToBarred += wrong.count
            let month = wave.planned.month
            var counts = added[month]?[wave.spec.channel] ?? [UInt16](repeating: 0, count: subscribers)
            contacted.forEach { counts[Int($0)] += 1 }
            added[month, default: [:]][wave.spec.channel] = counts
        }
        result.subscribersOverCap = try overCap(added, waves: waves, policy: policy)
        return result
    }

    /// Subscribers over a cap when the contacts of `waves` are replaced by `added`.
    private func overCap(
        _ added: [LocalMonth: [ChannelClass: [UInt16]]],
        waves: [WaveState],
        policy: ContactPolicy
    ) throws -> Int {
        let day = waves.map(\.planned.day).max() ?? now.day
        let tiers = try tiers(on: day)
        let rows = policy.tiers + [policy.strictest]
        var over = Bitset(universe: subscribers)
        for (month, classes) in added {
            var own: [ChannelClass: [UInt8]] = [:]
            for wave in waves where wave.planned.month == month {
                var counts = own[wave.spec.channel] ?? [UInt8](repeating: 0, count: subscribers)
                for (block, state) in wave.blocks {
                    state.counted.forEach { counts[block * Block.size + $0] += 1 }
                }
                own[wave.spec.channel] = counts
            }
            for index in 0..<subscribers {
                guard classes.values.contains(where: { $0[index] > 0 }) else { continue }
                let row = rows[Int(tiers[index])]
                func used(_ channel: ChannelClass) -> Int {
                    ledger.count(SubscriberIndex(UInt32(index)), channel: channel, month: month)
                        - Int(own[channel]?[index] ?? 0) + Int(classes[channel]?[index] ?? 0)
                }
                let isOver = classes.contains { channel, counts in
                    counts[index] > 0 && used(channel) > (row.caps[channel]?.count ?? .max)
                }
                let overall = ChannelClass.allCases.filter(\.countsOverall).reduce(0) { $0 + used($1) }
                if isOver || overall > row.overall.count { over.insert(UInt32(index)) }
            }
        }
        return over.count
    }
}
