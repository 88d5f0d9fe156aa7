// A naive account of offers to single subscribers: what stands, what lapsed, and what the counters must be.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model

/// The offers of a log, interaction by interaction; counters are found by counting what stands.
struct OfferAudit {
    /// What a record changed.
    struct Change {
        /// Contacts of the subscriber more or less, in the class and month of the request.
        var step = 0
        /// Whether a campaign has more offers than it may since this record.
        var isOverCapacity = false
        var problems: [String] = []
    }

    struct Interaction {
        struct Offer {
            var campaign: CampaignID
            var isShown = false
            var isReleased = false
        }

        var answer: OfferAnswer
        var offers: [Offer]
        var results: [ContactResult] = []
    }

    private struct Place: Hashable {
        var index: UInt32
        var channel: ChannelClass
        var month: LocalMonth
    }

    var now = LocalTime(instant: Instant(epochMs: 0), offsetSeconds: 0)
    var limits = OfferLimits()
    var specs: [CampaignID: CampaignSpec] = [:]
    var pool: Set<CampaignID> = []
    private var paused: Set<CampaignID> = []
    private(set) var interactions: [UInt64: Interaction] = [:]
    private var requests: [Place: [UInt64]] = [:]
    private var contacts: [CampaignID: Int] = [:]
    /// Interactions with an offer that was neither shown nor given back.
    private var unshown: Set<UInt64> = []

    mutating func set(_ id: CampaignID, _ status: CampaignStatus) {
        if status == .stopped { pool.remove(id) }
        if status == .live { paused.remove(id) } else { paused.insert(id) }
    }

    // MARK: Records

    mutating func take(_ answer: OfferAnswer) -> Change {
        let request = answer.request
        var change = Change()
        func problem(_ text: String) { change.problems.append("request \(request.request): \(text)") }
        guard interactions[request.request] == nil else {
            problem("answered twice")
            return change
        }
        if answer.offers.count > min(Int(request.limit), limits.offers) { problem("too many offers") }
        let all = answer.offers + answer.controls
        if Set(all).count != all.count { problem("an offer twice") }
        for campaign in all {
            if !request.campaigns.isEmpty, !request.campaigns.contains(campaign) {
                problem("not asked for: \(campaign)")
            }
            if !pool.contains(campaign) || paused.contains(campaign) { problem("not in the pool: \(campaign)") }
            guard let spec = specs[campaign] else { continue }
            if !(spec.validFrom...spec.validTo).contains(request.at.day) { problem("not valid: \(campaign)") }
            if !spec.touchpoints.contains(request.touchpoint) { problem("not at this touchpoint: \(campaign)") }
            if let most = Self.most(spec), contacts[campaign, default: 0] >= most, answer.offers.contains(campaign) {
                problem("\(campaign) has its \(most) offers already")
            }
        }
        let place = place(request)
        let before = count(place)
        interactions[request.request] = Interaction(answer: answer, offers: answer.offers.map { .init(campaign: $0) })
        requests[place, default: []].append(request.request)
        for campaign in answer.offers { contacts[campaign, default: 0] += 1 }
        if !answer.offers.isEmpty { unshown.insert(request.request) }
        change.step = count(place) - before
        return change
    }

    mutating func take(_ response: OfferResponse) -> Change {
        interactions[response.request]?.results.append(response.result)
        return update(response.request) { offer in
            guard response.campaign == nil || response.campaign == offer.campaign else { return }
            if response.result.isContact {
                offer.isShown = true
                offer.isReleased = false
            } else if !offer.isShown {
                offer.isReleased = true
            }
        }
    }

    mutating func take(_ lapse: OfferLapse) -> Change {
        var problems: [String] = []
        if !isDue(lapse.request) { problems.append("\(lapse.request) lapsed with nothing that was due") }
        var change = update(lapse.request) { if !$0.isShown { $0.isReleased = true } }
        change.problems += problems
        return change
    }

    private mutating func update(_ request: UInt64, _ body: (inout Interaction.Offer) -> Void) -> Change {
        guard var interaction = interactions[request] else { return Change() }
        let place = place(interaction.answer.request)
        let before = count(place)
        var change = Change()
        for position in interaction.offers.indices {
            let campaign = interaction.offers[position].campaign
            let wasReleased = interaction.offers[position].isReleased
            body(&interaction.offers[position])
            let isReleased = interaction.offers[position].isReleased
            contacts[campaign, default: 0] += (wasReleased ? 1 : 0) - (isReleased ? 1 : 0)
            if wasReleased, !isReleased, let most = specs[campaign].flatMap(Self.most),
                contacts[campaign, default: 0] > most
            {
                change.isOverCapacity = true
            }
        }
        interactions[request] = interaction
        if !interaction.offers.contains(where: { !$0.isShown && !$0.isReleased }) { unshown.remove(request) }
        change.step = count(place) - before
        return change
    }

    private static func most(_ spec: CampaignSpec) -> Int? {
        [spec.capacity, spec.contactsWithinBudget].compactMap { $0 }.min()
    }

    private func place(_ request: OfferRequest) -> Place {
        Place(index: request.index, channel: request.touchpoint.channel, month: request.at.month)
    }

    /// Contacts that stand: on websites one for each campaign, elsewhere one for each interaction (FRQ-01).
    private func count(_ place: Place) -> Int {
        let standing = (requests[place] ?? []).compactMap { interactions[$0]?.offers.filter { !$0.isReleased } }
        return place.channel == .website
            ? Set(standing.joined().map(\.campaign)).count : standing.count { !$0.isEmpty }
    }

    // MARK: Lapse

    private func isDue(_ request: UInt64) -> Bool {
        guard unshown.contains(request), let at = interactions[request]?.answer.request.at else { return false }
        return now.instant.epochMs - at.instant.epochMs >= Int64(limits.minutesToShow) * 60_000
    }

    /// What is past its time to be shown and was not given back.
    var due: [UInt64] { unshown.filter(isDue) }

    // MARK: Comparing

    /// Contacts that stand, over all subscribers.
    var standing: Int { requests.keys.reduce(0) { $0 + count($1) } }

    func differences(from state: DecisionState) -> [String] {
        var found: [String] = []
        for pooled in state.pooledCampaigns where pooled.contacts != contacts[pooled.id, default: 0] {
            found.append("\(pooled.id): the log says \(contacts[pooled.id, default: 0]), the state \(pooled.contacts)")
        }
        for kept in state.keptInteractions {
            let request = kept.answer.request.request
            guard let mine = interactions[request], mine.answer == kept.answer else {
                found.append("the state keeps another answer to \(request)")
                continue
            }
            let released = state.standing(of: request)?.map(\.isReleased)
            if released != mine.offers.map(\.isReleased) { found.append("what stands of \(request) differs") }
            let isShown = mine.offers.contains { $0.isShown }
            if kept.isSettled != isShown { found.append("whether \(request) is settled differs") }
        }
        return found
    }
}
