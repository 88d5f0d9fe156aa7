// Why a subscriber was or was not contacted: every check with its evidence, and the one that decided.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// One fact behind a check, as key and value; the edge turns them into a sentence in the reader's language.
public struct Evidence: Hashable, Sendable {
    /// Stable name, for example `list`, `used`, `cap`, `window`, `tier`, `score`, `cut`.
    public var key: String
    /// The fact.
    public var value: String

    /// Joins key and value.
    public init(_ key: String, _ value: some CustomStringConvertible) {
        self.key = key
        self.value = value.description
    }
}

/// One check made on one subscriber.
public struct CheckResult: Hashable, Sendable {
    /// What the subscriber gets when this check is the first to fail.
    public var outcome: Outcome
    /// Whether the subscriber passed.
    public var isPassed: Bool
    /// The facts behind it.
    public var evidence: [Evidence]

    /// Makes a result; see the properties.
    public init(_ outcome: Outcome, isPassed: Bool, _ evidence: [Evidence] = []) {
        self.outcome = outcome
        self.isPassed = isPassed
        self.evidence = evidence
    }
}

/// The answer to "why did, or didn't, this subscriber get this campaign".
public struct Explanation: Hashable, Sendable {
    /// The campaign.
    public var campaign: CampaignID
    /// The wave that decided; nil when a request did, or nothing yet, and the checks are those of now.
    public var wave: WaveID?
    /// The request that was answered; nil for a wave.
    public var request: OfferRequest?
    /// The slot or moment the decision was for.
    public var at: LocalTime
    /// The logged outcome, or what the checks give now.
    public var outcome: Outcome
    /// The log position the checks were made at.
    public var position: Int64
    /// All checks in their order.
    public var checks: [CheckResult]
    /// What happened to the contact afterwards, in order, for example that it was `delivered`.
    public var aftermath: [Evidence] = []
    /// What would have had to be different; nil for a contact.
    public var counterfactual: Counterfactual?

    /// The check that decided; nil for a contact.
    public var deciding: CheckResult? { checks.first { $0.outcome == outcome && !$0.isPassed } }
    /// Whether nothing was decided yet.
    public var isRehearsed: Bool { wave == nil && request == nil }
}

/// Something that happened to a subscriber, as the log tells it.
public struct SubscriberEvent: Hashable, Sendable {
    /// What happened.
    public enum Kind: Hashable, Sendable {
        /// The line got its index.
        case known
        /// It came on a list, or got a product.
        case listed(ListID)
        /// It left a list, or lost a product.
        case unlisted(ListID)
        /// A wave decided.
        case decided(WaveID, Outcome)
        /// The second check kept the contact from leaving.
        case dropped(WaveID, Outcome)
        /// The contact left for its channel.
        case handedOff(WaveID)
        /// Something came back.
        case feedback(WaveID, FeedbackKind)
        /// Something came back that corrects the count: delivered after all, or not delivered after all.
        case corrected(WaveID, FeedbackKind)
        /// What never left was given back.
        case released(WaveID)
        /// A request was answered.
        case answered(OfferAnswer)
        /// An offer was answered to.
        case responded(OfferResponse)
        /// Offers of a request were not shown in time and given back.
        case lapsed(UInt64)
    }

    /// When: the time that came with it, else the last tick before it.
    public var at: LocalTime
    /// Its place in the log.
    public var position: Int64
    /// What happened.
    public var kind: Kind
}
