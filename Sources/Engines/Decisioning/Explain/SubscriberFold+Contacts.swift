// The contacts of the past that intervals look at.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension SubscriberFold {
    /// A contact that stands.
    struct PastContact {
        enum Source {
            case wave(WaveID)
            case offer(UInt64, CampaignID)
            case history(Int)
        }

        var source: Source
        var channel: ChannelClass
        /// The day it was planned for, or made.
        var day: LocalDay
        /// The campaign, its product and category; what was loaded has a category at most.
        var campaign: CampaignID?
        var product: String?
        var category: String?
    }

    /// A rule that needs some days between contacts.
    struct Interval {
        var outcome: Outcome
        var days: Int
        var evidence: [Evidence] = []
        var isRelevant: (PastContact) -> Bool

        func rulesOut(_ contact: PastContact, on day: LocalDay) -> Bool {
            isRelevant(contact) && abs(Int(contact.day.number) - Int(day.number)) < days
        }
    }

    /// All contacts that stand, of waves, of requests and loaded.
    var pastContacts: [PastContact] {
        let waves = touches.filter(\.isCounted).map { touch in
            PastContact(
                source: .wave(touch.wave),
                channel: touch.spec.channel,
                day: touch.planned.day,
                campaign: touch.spec.id,
                product: touch.spec.product,
                category: touch.spec.category
            )
        }
        let single = offers.filter(\.isContact).map { offer in
            let spec = campaigns[offer.campaign]?.spec
            return PastContact(
                source: .offer(offer.request.request, offer.campaign),
                channel: offer.touchpoint.channel,
                day: offer.at.day,
                campaign: offer.campaign,
                product: spec?.product,
                category: spec?.category
            )
        }
        let loaded = history.enumerated().map { place, entry in
            PastContact(source: .history(place), channel: entry.channel, day: entry.day, category: entry.category)
        }
        return waves + single + loaded
    }

    /// The intervals that hold for a campaign, by a wave or at a touchpoint.
    func intervals(of spec: CampaignSpec, at touchpoint: Touchpoint?, policy: ContactPolicy) -> [Interval] {
        let channel = touchpoint?.channel ?? spec.channel
        // Where the customer came by himself, a campaign is not in its own way.
        let isOwn = touchpoint != nil && (channel == .inbound || channel == .website)
        func isOther(_ contact: PastContact) -> Bool { !isOwn || contact.campaign != spec.id }
        var result: [Interval] = []
        if let days = policy.intervalDays[channel] {
            result.append(Interval(outcome: .interval, days: days) { $0.channel == channel })
        }
        if let product = spec.product, let days = policy.days(betweenContactsFor: product) {
            result.append(
                Interval(outcome: .interval, days: days, evidence: [Evidence("product", product)]) {
                    $0.product == product && isOther($0)
                }
            )
        }
        if let days = policy.similarDays[spec.category] {
            let similar = policy.categories(similarTo: spec.category)
            result.append(
                Interval(outcome: .similarCampaign, days: days, evidence: [Evidence("category", spec.category)]) {
                    $0.category.map(similar.contains) ?? false && isOther($0)
                }
            )
        }
        return result
    }

    /// The contacts without which no interval would be too short.
    func pastContactsInTheWay(of question: Question) -> [PastContact] {
        guard let policy else { return [] }
        let intervals = intervals(of: question.spec, at: question.touchpoint, policy: policy)
        return pastContacts.filter { contact in
            intervals.contains { $0.rulesOut(contact, on: question.at.day) }
        }
    }

    /// Makes as if a contact had not been made.
    func remove(_ contact: PastContact) {
        switch contact.source {
        case .wave(let wave):
            guard let place = touches.lastIndex(where: { $0.wave == wave }), touches[place].isCounted else { return }
            touches[place].isReleased = true
            count(contact.channel, touches[place].month, by: -1)
        case .offer(let request, let campaign):
            change(request) { if $0.campaign == campaign { $0.isReleased = true } }
        case .history(let place):
            // Its place must stay, for those behind it; no interval reaches this day.
            history[place].day = LocalDay(number: .min / 2)
        }
    }
}
