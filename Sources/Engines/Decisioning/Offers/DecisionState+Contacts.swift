// What happened to one subscriber lately, for who serves him now: read from the live state, not from the log.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// How far a contact came.
public enum ContactStanding: String, Sendable, CaseIterable {
    /// Left for the channel, or offered; nothing is known of it yet.
    case open
    /// Delivered, seen or heard.
    case shown
    /// The customer thinks about it.
    case considering
    /// The customer asked for another time.
    case later
    /// The customer does not want it, or unsubscribed in answer to it.
    case refused
    /// The customer took it.
    case accepted
}

/// A contact with a subscriber, at a touchpoint or by a wave.
public struct PastContact: Hashable, Sendable {
    /// The campaign.
    public var campaign: CampaignID
    /// Its name.
    public var name: String
    /// Where.
    public var touchpoint: Touchpoint
    /// The local day.
    public var day: LocalDay
    /// How far it came.
    public var standing: ContactStanding
    /// For ``ContactStanding/later``: the day from which it may be offered again.
    public var until: LocalDay?
}

/// One offer of an answer, as it stands now.
public struct StandingOffer: Hashable, Sendable {
    /// The campaign.
    public var campaign: CampaignID
    /// What came of it so far.
    public var standing: ContactStanding
    /// Whether it was given back because nobody showed it.
    public var isReleased: Bool
    /// For ``ContactStanding/later``: the day from which it may be offered again.
    public var until: LocalDay?
}

extension OfferEntry {
    /// How far the offer came; what was decided last in substance wins.
    var standing: ContactStanding {
        if flags.contains(.accepted) { return .accepted }
        if flags.contains(.refused) { return .refused }
        if flags.contains(.later) { return .later }
        if flags.contains(.considering) { return .considering }
        return flags.contains(.shown) ? .shown : .open
    }

    var laterDay: LocalDay? { flags.contains(.later) ? LocalDay(number: Int32(until)) : nil }
}

extension DecisionState {
    /// What touchpoints and channels did with a subscriber, newest first, as far as the linkage of the live policy lets
    /// a touchpoint see it (LNK-08).
    ///
    /// Control groups and what was given back are no contacts. A few steps for single offers and a look-up per wave of
    /// the days asked for, so that it may be asked at every visit.
    ///
    /// - Parameters:
    ///   - index: The subscriber.
    ///   - touchpoint: Where it would be shown.
    ///   - since: The first day of interest.
    ///   - request: The interaction that asks; its own offers are no history.
    /// - Returns: Contacts, newest first; none where linkage shows none.
    public func history(
        of index: SubscriberIndex,
        at touchpoint: Touchpoint,
        since: LocalDay,
        except request: UInt64? = nil
    ) -> [PastContact] {
        guard let linkage = policy?.linkage, linkage.types.contains(where: { $0.historyAt.contains(touchpoint) }),
            Int(index.number) < subscribers
        else { return [] }
        func isShown(_ category: String) -> Bool {
            linkage.type(of: category)?.historyAt.contains(touchpoint) == true
        }
        var contacts: [PastContact] = []
        let own = request.flatMap { interactions[$0]?.entries } ?? 0..<0
        journal.existing(index.block)?.forEach(offset: index.offset) { position, entry in
            let campaign = pool.campaigns[Int(entry.campaign)].id
            guard entry.isContact, Int32(entry.day) >= since.number, !own.contains(position),
                let spec = campaigns[campaign]?.spec, isShown(spec.category)
            else { return }
            contacts.append(
                PastContact(
                    campaign: campaign,
                    name: spec.name,
                    touchpoint: entry.touchpoint,
                    day: LocalDay(number: Int32(entry.day)),
                    standing: entry.standing,
                    until: entry.laterDay
                )
            )
        }
        for wave in waves.values where wave.planned.day >= since && wave.status != .aborted {
            guard let block = wave.blocks[index.block], block.handedOff.contains(index.offset),
                !block.released.contains(index.offset), isShown(wave.spec.category)
            else { continue }
            contacts.append(
                PastContact(
                    campaign: wave.wave.campaign,
                    name: wave.spec.name,
                    touchpoint: wave.spec.channel.ofWaves,
                    day: wave.planned.day,
                    standing: block.standing(of: index.offset)
                )
            )
        }
        return contacts.sorted {
            ($0.day, $0.campaign, $0.touchpoint.rawValue) > ($1.day, $1.campaign, $1.touchpoint.rawValue)
        }
    }

    /// The offers of an answer as they stand, best first; nil when the interaction is not kept (any more).
    public func standing(of request: UInt64) -> [StandingOffer]? {
        guard let interaction = interactions[request] else { return nil }
        let index = SubscriberIndex(interaction.answer.request.index)
        guard let block = journal.existing(index.block) else { return [] }
        return zip(interaction.entries, interaction.answer.offers).map { position, campaign in
            let entry = block.entries[position]
            return StandingOffer(
                campaign: campaign,
                standing: entry.standing,
                isReleased: entry.flags.contains(.released),
                until: entry.laterDay
            )
        }
    }
}

extension WaveBlockState {
    fileprivate func standing(of offset: Int) -> ContactStanding {
        if ordered.contains(offset) { return .accepted }
        if unsubscribed.contains(offset) { return .refused }
        return delivered.contains(offset) || replied.contains(offset) ? .shown : .open
    }
}

extension ChannelClass {
    /// Where the contacts of a wave on this class are made.
    fileprivate var ofWaves: Touchpoint {
        switch self {
        case .sms: .sms
        case .outbound: .outbound
        case .inbound: .hotline
        case .website: .website
        }
    }
}
