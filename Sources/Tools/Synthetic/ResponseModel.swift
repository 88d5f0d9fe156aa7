// The simulator's truth: how a subscriber reacts to a contact, and what they would have done without it.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// What decides a subscriber's reaction to one campaign; probabilities in millionths.
public struct ResponseTraits: Hashable, Sendable {
    /// A contact is not delivered.
    public var failurePPM: Int
    /// An order without any contact, within the campaign's time.
    public var baseOrderPPM: Int
    /// What a delivered contact adds to the probability of an order (negative: it puts people off).
    public var upliftPPM: Int
    /// A delivered contact is answered with an unsubscription (`TD`).
    public var unsubscribePPM: Int
    /// A delivered contact is answered with other text.
    public var otherReplyPPM: Int

    /// Joins the probabilities; each is held inside 0...1 000 000, base and uplift together too.
    public init(failurePPM: Int, baseOrderPPM: Int, upliftPPM: Int, unsubscribePPM: Int, otherReplyPPM: Int) {
        self.failurePPM = failurePPM.held(0...1_000_000)
        self.baseOrderPPM = baseOrderPPM.held(0...1_000_000)
        self.upliftPPM = upliftPPM.held(-self.baseOrderPPM...1_000_000 - self.baseOrderPPM)
        self.unsubscribePPM = unsubscribePPM.held(0...1_000_000)
        self.otherReplyPPM = otherReplyPPM.held(0...1_000_000 - self.unsubscribePPM)
    }

    /// What assigning a contact adds to the probability of an order, undelivered contacts included, in 10^-12.
    public var effectPerTrillion: Int64 {
        Int64(1_000_000 - failurePPM) * Int64(upliftPPM)
    }
}

/// How one subscriber reacts to one contact of one campaign.
public struct SimulatedResponse: Hashable, Sendable {
    /// What the subscriber answers to a delivered contact.
    public enum Reply: String, Sendable {
        /// `TD`: no more of this.
        case unsubscribe
        /// Any other text.
        case other
    }

    /// Whether a contact is delivered.
    public var isDelivered: Bool
    /// Seconds from hand-off to the status report: some seconds mostly, hours for handsets that are off.
    public var receiptSeconds: Int
    /// The answer, if any; nil when the contact is not delivered.
    public var reply: Reply?
    /// Seconds from the status report to the answer.
    public var replySeconds: Int
    /// Whether the subscriber orders when nothing is sent.
    public var ordersWithoutContact: Bool
    /// Whether the subscriber orders when the contact is sent (delivered or not).
    public var ordersWithContact: Bool
    /// Seconds from hand-off (or, without contact, from the planned slot) to the order, up to ten days.
    public var orderSeconds: Int
}

/// Draws reactions by keyed hashes of (seed, campaign, line): the same subscriber reacts the same way whatever arm the
/// campaign puts them in, so contact and control arms can be compared and the true effect is known.
public struct ResponseModel: Sendable {
    private let hash: KeyedHash

    /// The reactions to one campaign in the world of one seed.
    public init(seed: UInt64, campaign: CampaignID) {
        let key = SeededRandom.mix(seed ^ 0x5265_7370_6F6E_7365)
        hash = KeyedHash(key0: key, key1: SeededRandom.mix(key ^ UInt64(bitPattern: campaign.number)))
    }

    /// The reaction of one line.
    public func response(of line: LineID, traits: ResponseTraits) -> SimulatedResponse {
        let draws = hash(line.number)
        let more = SeededRandom.mix(draws)
        // Independent draws of 20 bits and more; an order uses the same draw with and without contact.
        let orderDraw = Self.million(draws & 0xFFFF_FFFF)
        let isDelivered = Self.million(draws >> 32) >= traits.failurePPM
        let replyDraw = Self.million(more & 0xFFFF_FFFF)
        let isUnsubscribing = replyDraw < traits.unsubscribePPM
        let isAnswering = replyDraw < traits.unsubscribePPM + traits.otherReplyPPM
        let last = SeededRandom.mix(more)
        return SimulatedResponse(
            isDelivered: isDelivered,
            receiptSeconds: Self.receiptSeconds(Int(more >> 48)),
            reply: isDelivered && isAnswering ? (isUnsubscribing ? .unsubscribe : .other) : nil,
            replySeconds: Self.replySeconds(Int(last >> 32 & 0xFFFF)),
            ordersWithoutContact: orderDraw < traits.baseOrderPPM,
            ordersWithContact: orderDraw < traits.baseOrderPPM + (isDelivered ? traits.upliftPPM : 0),
            orderSeconds: Self.orderSeconds(Int(last >> 48))
        )
    }

    /// 0 ..< 1 000 000 from 32 bits.
    private static func million(_ bits: UInt64) -> Int {
        Int((bits * 1_000_000) >> 32)
    }

    private static let receiptSeconds = Quantiles([2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 11, 14, 20, 60, 900, 21_600])
    private static let replySeconds = Quantiles([
        15, 40, 60, 90, 120, 180, 260, 360, 500, 700, 1_000, 1_500, 2_400, 4_000, 8_000, 20_000, 86_400,
    ])
    private static let orderSeconds = Quantiles([
        60, 300, 700, 1_500, 3_000, 6_000, 10_000, 18_000, 30_000, 50_000, 80_000, 120_000, 180_000, 260_000, 380_000,
        560_000, 864_000,
    ])

    /// The true average effect of assigning a contact, over a set of subscribers.
    ///
    /// - Parameter traits: The traits of the set's members.
    /// - Returns: The difference in the share that orders, intention to treat, in millionths (rounded toward zero); nil
    ///   for the empty set.
    public static func trueEffectPPM(over traits: some Sequence<ResponseTraits>) -> Int? {
        var sum: Int64 = 0
        var count: Int64 = 0
        for trait in traits {
            sum += trait.effectPerTrillion / 1_000
            count += 1
        }
        return count == 0 ? nil : Int(sum / count / 1_000)
    }
}

extension SyntheticOperator {
    /// How subscriber `index` reacts to campaigns of a category.
    ///
    /// It comes from the hidden state, not from the scores, so models can be better or worse at guessing it.
    public func responseTraits(_ index: Int, category: OfferCategory) -> ResponseTraits {
        let profile = profile(index)
        let t = profile.t
        let (base, uplift) = orderPPM(profile, category)
        let worked = t.trouble * 2 + t.complaints * 700
        return ResponseTraits(
            failurePPM: t.isCancelled ? 1_000_000 : t.isSuspended ? 400_000 : 18_000 + (1_023 - t.digital) * 25,
            baseOrderPPM: base,
            upliftPPM: uplift,
            unsubscribePPM: 1_500 + worked,
            otherReplyPPM: 6_000 + t.digital * 4
        )
    }

    /// Order probability without contact, and what a delivered contact adds.
    private func orderPPM(_ profile: Profile, _ category: OfferCategory) -> (base: Int, uplift: Int) {
        let t = profile.t
        guard !t.isCancelled else { return (0, 0) }
        let plan = tables.plans[t.plan]
        let wish: Int  // on the scale of Logistic
        switch category {
        case .dataPack: wish = min((profile.dataUseRatio(plan) ?? 4_000) / 100, 250) * 3 + t.digital / 4 - 1_050
        case .upgrade5G:
            wish = t.digital + t.wealth / 3 + (profile.terminalType == 2 ? 250 : -150) - (plan.is5G ? 800 : 0) - 1_550
        case .retention: wish = churnScore(t) / 2 - 450
        case .broadband: wish = t.wealth / 2 - (t.hasBroadband ? 900 : 0) - 800
        case .valueAdded: wish = t.digital / 2 - 950
        case .roaming: wish = t.wealth / 2 + (t.roams ? 200 : -200) - 1_000
        case .terminal: wish = t.wealth / 2 + Int(tables.today - profile.terminalSince) / 6 - 1_050
        case .general: wish = t.digital / 4 - 950
        }
        let base = Logistic.ppm(wish - 520)
        // People who are annoyed already are won less easily, the most annoyed not at all.
        let uplift = (Logistic.ppm(wish - 220) - base) * max(0, 900 - t.trouble) / 900
        return (base, uplift)
    }
}
