// How the decisions of a shadow policy differ from those that were made.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// What a policy that ran beside the live one would have decided differently, since it was started.
///
/// Each decision is compared by itself: what the shadow would have contacted does not change what it decides next.
public struct ShadowReport: Hashable, Sendable {
    /// An outcome under the live policy and one under the shadow.
    public struct Pair: Hashable, Sendable {
        /// Under the live policy.
        public var live: Outcome
        /// Under the shadow.
        public var shadow: Outcome

        /// Joins both.
        public init(live: Outcome, shadow: Outcome) {
            self.live = live
            self.shadow = shadow
        }
    }

    /// A wave decided both ways.
    public struct Wave: Hashable, Sendable {
        /// The wave.
        public var wave: WaveID
        /// The slot.
        public var planned: LocalTime
        /// Members by both outcomes.
        public var members: [Pair: Int] = [:]

        /// Begins a comparison.
        public init(wave: WaveID, planned: LocalTime) {
            self.wave = wave
            self.planned = planned
        }

        /// Members whose outcome differs.
        public var changed: Int { members.reduce(0) { $0 + ($1.key.live == $1.key.shadow ? 0 : $1.value) } }
        /// Everybody in the audience.
        public var target: Int { members.values.reduce(0, +) }

        /// Members with an outcome, live and under the shadow.
        public func count(_ outcome: Outcome) -> (live: Int, shadow: Int) {
            members.reduce((0, 0)) { sum, entry in
                (
                    sum.0 + (entry.key.live == outcome ? entry.value : 0),
                    sum.1 + (entry.key.shadow == outcome ? entry.value : 0)
                )
            }
        }

        /// Adds a block; both have the same members.
        public mutating func add(live: BlockOutcomes, shadow: BlockOutcomes) throws(MalformedBytes) {
            for outcome in live.present {
                var left = try live.members(outcome)
                for other in shadow.present where left.count > 0 {
                    let both = left.intersection(try shadow.members(other))
                    guard both.count > 0 else { continue }
                    members[Pair(live: outcome, shadow: other), default: 0] += both.count
                    left = left.subtracting(both)
                }
            }
        }
    }

    /// Requests at one touchpoint decided both ways.
    public struct Requests: Hashable, Sendable {
        /// Requests answered.
        public var requests = 0
        /// Of these, the ones that would have got other offers.
        public var changed = 0
        /// Offers made.
        public var live = 0
        /// Offers the shadow would have made.
        public var shadow = 0
    }

    /// A request that would have been answered otherwise.
    public struct Example: Hashable, Sendable {
        /// The answer that was given.
        public var answer: OfferAnswer
        /// The offers of the shadow, best first.
        public var offers: [CampaignID]
    }

    /// Waves, in order; only the last are kept.
    public private(set) var waves: [Wave] = []
    /// Sum over all waves, the forgotten ones included.
    public private(set) var total: [Pair: Int] = [:]
    /// Waves that were decided both ways.
    public private(set) var waveCount = 0
    /// Requests by touchpoint.
    public private(set) var requests: [Touchpoint: Requests] = [:]
    /// The last requests that differ.
    public private(set) var examples: [Example] = []
    /// Decisions the shadow could not make, and the last reason; they are in no other figure.
    public private(set) var failures: (count: Int, last: String)?

    private static let wavesKept = 200
    private static let examplesKept = 100

    /// An empty report.
    public init() {}

    /// Adds a wave that ended.
    public mutating func add(_ wave: Wave) {
        waves.append(wave)
        if waves.count > Self.wavesKept { waves.removeFirst() }
        waveCount += 1
        total.merge(wave.members) { $0 + $1 }
    }

    /// Adds a request.
    public mutating func add(_ answer: OfferAnswer, shadow: OfferAnswer) {
        let isChanged = answer.offers != shadow.offers
        var sum = requests[answer.request.touchpoint] ?? Requests()
        sum.requests += 1
        sum.changed += isChanged ? 1 : 0
        sum.live += answer.offers.count
        sum.shadow += shadow.offers.count
        requests[answer.request.touchpoint] = sum
        guard isChanged else { return }
        examples.append(Example(answer: answer, offers: shadow.offers))
        if examples.count > Self.examplesKept { examples.removeFirst() }
    }

    /// Notes a decision that could not be made.
    public mutating func fail(_ error: any Error) {
        failures = ((failures?.count ?? 0) + 1, "\(error)")
    }

    public static func == (a: ShadowReport, b: ShadowReport) -> Bool {
        a.waves == b.waves && a.total == b.total && a.waveCount == b.waveCount && a.requests == b.requests
            && a.examples == b.examples && a.failures?.count == b.failures?.count
            && a.failures?.last == b.failures?.last
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(waves)
        hasher.combine(requests)
    }
}
