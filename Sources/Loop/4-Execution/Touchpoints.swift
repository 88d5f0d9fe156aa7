// Touchpoints: the offers of a customer who is here now, and what came of them (areas TCH, LNK, POL).
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import DecisionHost
public import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
import Synchronization

/// Why a touchpoint gets no answer.
public enum TouchpointError: CodedError, Equatable {
    case badInteraction
    case unknownInteraction
    case notOffered(CampaignID)

    public var code: String {
        switch self {
        case .badInteraction: "touchpoint.bad_interaction"
        case .unknownInteraction: "touchpoint.unknown_interaction"
        case .notOffered: "touchpoint.not_offered"
        }
    }

    public var description: String {
        switch self {
        case .badInteraction: "an interaction id is 1 to 128 characters"
        case .unknownInteraction:
            "no offers were made in this interaction, or they are no longer kept; ask for offers first"
        case .notOffered(let campaign): "campaign \(campaign.number) was not offered in this interaction"
        }
    }
}

/// One offer as a clerk, an agent or a site presents it.
public struct PresentedOffer: Hashable, Sendable {
    /// The campaign.
    public var campaign: CampaignID
    /// Its name.
    public var name: String
    /// The product on offer; nil for care without a product.
    public var product: String?
    /// What to say or show.
    public var script: String
    /// Why the customer gets it, in the planner's words.
    public var reason: String
    /// General priority, 1 first.
    public var priority: Int
    /// The target group it is meant for, by name; nil when that is gone.
    public var segment: String?
}

/// A visit or call at a desk: what was offered in it and how that stands, and what happened before.
public struct TouchpointVisit: Hashable, Sendable {
    /// The offers, best first.
    public var offers: [(offer: PresentedOffer, standing: StandingOffer)]
    /// When the contact may begin, in quiet hours; nil = now.
    public var notBefore: LocalTime?
    /// When offers that nobody mentioned are given back.
    public var lapses: LocalTime
    /// Contacts before, newest first, as far as linkage lets the touchpoint see them (LNK-08).
    public var history: [PastContact]

    public static func == (a: Self, b: Self) -> Bool {
        a.offers.map(\.offer) == b.offers.map(\.offer) && a.offers.map(\.standing) == b.offers.map(\.standing)
            && a.notBefore == b.notBefore && a.lapses == b.lapses && a.history == b.history
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(offers.map(\.standing))
        hasher.combine(history)
    }
}

/// The answer to a touchpoint.
public struct TouchpointAnswer: Hashable, Sendable {
    /// The decision.
    public var decision: OfferAnswer
    /// Its offers, best first.
    public var offers: [PresentedOffer]
    /// Contacts before, newest first, as far as linkage lets the touchpoint see them (LNK-08); nil when nobody asked.
    public var history: [PastContact]?
}

/// Asks the decision core on behalf of touchpoints, and tells it what came of its offers.
public final class Touchpoints: Sendable {
    private final class Kept: Sendable {
        let offer: PresentedOffer
        /// ``DecisionHost/changes(of:)`` before it was read.
        let changes: Int
        let until: ContinuousClock.Instant

        init(offer: PresentedOffer, changes: Int, until: ContinuousClock.Instant) {
            self.offer = offer
            self.changes = changes
            self.until = until
        }
    }

    private let host: DecisionHost
    private let store: any ControlPlaneStore
    private let catalogue = Mutex<[CampaignID: Kept]>([:])
    /// What is no part of a campaign, such as the name of its segment, is read anew after this time.
    private static let freshness = Duration.seconds(600)
    /// Days of history that a touchpoint sees.
    private static let days = 90

    /// Works on a host; names and scripts come from the store.
    public init(host: DecisionHost, store: any ControlPlaneStore) {
        self.host = host
        self.store = store
    }

    /// The offers of a subscriber here and now; reserved, and durable when this returns.
    ///
    /// - Parameters:
    ///   - interaction: Names the visit, call or session; the same id gets the same answer.
    ///   - index: The subscriber.
    ///   - touchpoint: Where.
    ///   - entrance: Event or inbound.
    ///   - limit: Most offers wanted, 1...8.
    ///   - campaigns: The only campaigns asked for; empty = all.
    ///   - wantsHistory: Whether the answer tells of contacts before (LNK-08).
    ///   - now: The current time.
    /// - Returns: The decision, and its offers as they are presented.
    /// - Throws: ``TouchpointError/badInteraction``; errors of the decision core.
    public func offers(
        interaction: String,
        of index: SubscriberIndex,
        at touchpoint: Touchpoint,
        entrance: Entrance = .inbound,
        limit: Int = 3,
        campaigns: [CampaignID] = [],
        wantsHistory: Bool = false,
        now: LocalTime
    ) async throws -> TouchpointAnswer {
        let request = try Self.offerRequest(interaction, index, touchpoint, entrance, limit, campaigns, now)
        let decision = try await host.answer(request)
        var offers: [PresentedOffer] = []
        for campaign in decision.offers { offers.append(try await presented(campaign)) }
        guard wantsHistory else { return TouchpointAnswer(decision: decision, offers: offers) }
        let since = now.day.adding(days: -Self.days)
        let contacts = try await host.look {
            $0.history(of: index, at: touchpoint, since: since, except: request.request)
        }
        return TouchpointAnswer(decision: decision, offers: offers, history: contacts)
    }

    /// Decides and reserves like ``offers(interaction:of:at:entrance:limit:campaigns:wantsHistory:now:)``, for callers
    /// that no task waits for.
    ///
    /// `tell`: Called once, on a thread that it must not keep; nil when the request failed: asking again says why.
    public func decide(
        interaction: String,
        of index: SubscriberIndex,
        at touchpoint: Touchpoint,
        entrance: Entrance,
        limit: Int,
        campaigns: [CampaignID],
        now: LocalTime,
        tell: @escaping @Sendable (OfferAnswer?) -> Void
    ) {
        guard let request = try? Self.offerRequest(interaction, index, touchpoint, entrance, limit, campaigns, now)
        else { return tell(nil) }
        host.answer(request) { tell(try? $0.get()) }
    }

    /// A decision with its offers as they are presented; nil when their texts have to be read first.
    public func presented(_ decision: OfferAnswer) -> TouchpointAnswer? {
        let now = ContinuousClock.now
        let offers = decision.offers.compactMap { kept($0, at: now) }
        return offers.count == decision.offers.count ? TouchpointAnswer(decision: decision, offers: offers) : nil
    }

    /// A visit as it stands; nothing is decided or reserved.
    ///
    /// - Returns: Nil when no offers were made in this interaction, or they are no longer kept.
    /// - Throws: ``TouchpointError/badInteraction``.
    public func visit(
        interaction: String,
        of index: SubscriberIndex,
        at touchpoint: Touchpoint,
        now: LocalTime
    ) async throws -> TouchpointVisit? {
        let request = try Self.request(interaction, touchpoint, index)
        let since = now.day.adding(days: -Self.days)
        let seen = try await host.look { state in
            (
                answer: state.interaction(request)?.answer, offers: state.standing(of: request) ?? [],
                contacts: state.history(of: index, at: touchpoint, since: since, except: request),
                minutes: state.policy?.offers.minutesToShow ?? 0
            )
        }
        guard let answer = seen.answer else { return nil }
        var offers: [(PresentedOffer, StandingOffer)] = []
        for standing in seen.offers { offers.append((try await presented(standing.campaign), standing)) }
        let asked = answer.request.at
        return TouchpointVisit(
            offers: offers,
            notBefore: answer.notBefore,
            lapses: LocalTime(
                instant: asked.instant.adding(ms: Int64(seen.minutes) * 60_000),
                offsetSeconds: asked.offsetSeconds
            ),
            history: seen.contacts
        )
    }

    /// Takes in what came of offers in an interaction.
    ///
    /// - Parameters:
    ///   - interaction: Names the visit, call or session in which they were made.
    ///   - index: The subscriber.
    ///   - touchpoint: Where.
    ///   - result: What came of them.
    ///   - campaign: Which offer; nil = all of the interaction.
    ///   - until: For ``ContactResult/later``: when to ask again; nil = tomorrow.
    ///   - now: The current time.
    /// - Throws: ``TouchpointError``; errors of the decision core.
    public func respond(
        interaction: String,
        of index: SubscriberIndex,
        at touchpoint: Touchpoint,
        result: ContactResult,
        campaign: CampaignID?,
        until: LocalDay?,
        now: LocalTime
    ) async throws {
        let request = try Self.request(interaction, touchpoint, index)
        let response = OfferResponse(
            request: request,
            index: index.number,
            campaign: campaign,
            result: result,
            at: now,
            until: until
        )
        switch try await host.respond(response) {
        case .taken: return
        case .notOffered: throw campaign.map(TouchpointError.notOffered) ?? .unknownInteraction
        case .unknownInteraction: throw TouchpointError.unknownInteraction
        }
    }

    private static func offerRequest(
        _ interaction: String,
        _ index: SubscriberIndex,
        _ touchpoint: Touchpoint,
        _ entrance: Entrance,
        _ limit: Int,
        _ campaigns: [CampaignID],
        _ now: LocalTime
    ) throws -> OfferRequest {
        OfferRequest(
            request: try request(interaction, touchpoint, index),
            index: index.number,
            touchpoint: touchpoint,
            entrance: entrance,
            at: now,
            limit: UInt8(clamping: max(1, limit)),
            campaigns: campaigns
        )
    }

    /// The number of an interaction in the log: names of sessions and calls stay outside.
    private static func request(_ id: String, _ touchpoint: Touchpoint, _ index: SubscriberIndex) throws -> UInt64 {
        guard (1...128).contains(id.utf8.count) else { throw TouchpointError.badInteraction }
        var hasher = SHA256()
        withUnsafeBytes(of: index.number.littleEndian) { hasher.update(bufferPointer: $0) }
        hasher.update(data: [touchpoint.rawValue])
        hasher.update(data: Array(id.utf8))
        return hasher.finalize().withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
    }

    /// What was read of a campaign before, while it holds.
    private func kept(_ id: CampaignID, at now: ContinuousClock.Instant) -> PresentedOffer? {
        guard let kept = catalogue.withLock({ $0[id] }), kept.changes == host.changes(of: id), kept.until > now
        else { return nil }
        return kept.offer
    }

    private func presented(_ id: CampaignID) async throws -> PresentedOffer {
        let (now, changes) = (ContinuousClock.now, host.changes(of: id))
        if let offer = kept(id, at: now) { return offer }
        guard let plan = try await store.campaign(id)?.plan else { throw DecisionError.unknownCampaign(id) }
        let offer = PresentedOffer(
            campaign: id,
            name: plan.name,
            product: plan.product,
            script: plan.script ?? plan.message,
            reason: plan.goal,
            priority: plan.priority,
            segment: try await store.segment(plan.segment)?.name
        )
        catalogue.withLock { $0[id] = Kept(offer: offer, changes: changes, until: now + Self.freshness) }
        return offer
    }
}
