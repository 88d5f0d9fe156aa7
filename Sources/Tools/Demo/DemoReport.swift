// The facts of a demo's report: everything is read from the log, only the last line asks the simulator for the truth.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
public import Decisioning
public import Evaluation
import Kernel
public import Model
import Ports

/// What one campaign came to, with the simulator's truth beside the estimate.
public struct CampaignReport: Sendable {
    /// From receipts and orders alone.
    public var evaluation: WaveEvaluation
    /// The simulator's average effect of contacting these subscribers, in millionths.
    public var truePPM: Int
    /// Message as sent, and its parts.
    public var message: String
    public var parts: Int
    /// Numbers to explain: a contacted one, a control one, a dropped one.
    public var examples: [(kind: BilingualText, number: String)]
}

/// What the demo came to on one operator.
public struct OperatorReport: Sendable {
    /// Heading.
    public var title: BilingualText
    /// Data directory.
    public var directory: String
    /// Subscribers loaded.
    public var subscribers: Int
    /// Campaigns in order.
    public var campaigns: [CampaignReport]
    /// Policy breaches by Gyre's waves, and by the same waves without contact control.
    public var breaches: PolicyBreaches
    public var breachesWithoutControl: PolicyBreaches

    init(
        platform: Platform,
        world: any DemoWorld,
        campaigns: [(Campaign, WaveID)],
        market: Market
    ) async throws {
        title = world.title
        directory = platform.directory.path
        let ids = campaigns.map(\.1)
        let inputs = platform.inputs
        let waves = try await platform.host.read { state in ids.compactMap { state.waves[$0] } }
        let barred = try Self.barred(waves, platform)
        let (own, without, subscribers) = try await platform.host.read { state in
            (
                try state.breaches(of: waves, barred: barred),
                try state.breachesWithoutControl(of: waves, barred: barred) { wave in
                    try Bitset(audienceFile: inputs.bytes(wave.audience), subscribers: state.subscribers)
                },
                state.subscribers
            )
        }
        self.subscribers = subscribers
        breaches = own
        breachesWithoutControl = without
        self.campaigns = []
        for ((campaign, _), wave) in zip(campaigns, waves) {
            let contacted = wave.members(\.contact)
            let truth = market.trueEffectPPM(contacted, category: campaign.plan.category) ?? 0
            self.campaigns.append(
                CampaignReport(
                    evaluation: WaveEvaluation(wave, valuePerOrderMinor: campaign.plan.valuePerOrderMinor),
                    truePPM: truth,
                    message: campaign.plan.message,
                    parts: campaign.plan.messageSize.parts,
                    examples: try await Self.examples(wave, platform)
                )
            )
        }
    }

    /// Whom the lists barred when each wave was opened, read by replaying the log up to there.
    private static func barred(_ waves: [WaveState], _ platform: Platform) throws -> [WaveID: Bitset] {
        let replay = Replay(log: platform.log, inputs: platform.inputs, threads: platform.threads)
        var result: [WaveID: Bitset] = [:]
        for wave in waves.sorted(by: { $0.openedAt < $1.openedAt }) {
            try replay.fold(upTo: wave.openedAt - 1)
            result[wave.wave] = try replay.state.barred(from: wave.spec)
        }
        return result
    }

    private static func examples(
        _ wave: WaveState,
        _ platform: Platform
    ) async throws
        -> [(kind: BilingualText, number: String)]
    {
        let numbers = platform.numbers.current
        func number(_ index: SubscriberIndex?) -> String? { index.flatMap { numbers.number(of: $0)?.national } }
        let audience = try Bitset(audienceFile: platform.inputs.bytes(wave.audience), subscribers: numbers.count)
        let reached = Set(wave.members(\.contact) + wave.members(\.control))
        var dropped: SubscriberIndex?
        for index in 0..<UInt32(numbers.count) where audience.contains(index) {
            let candidate = SubscriberIndex(index)
            guard !reached.contains(candidate) else { continue }
            dropped = candidate
            let outcome = try platform.explainer.explain(wave.wave.campaign, candidate).outcome
            if outcome.dndClass != nil || outcome == .capSMS || outcome == .capOverall { break }
            if index > 5_000 { break }
        }
        // Where nobody was dropped, one whom the segment did not select.
        let outside = (0..<UInt32(numbers.count)).first { !audience.contains($0) }.map { SubscriberIndex($0) }
        let found: [(BilingualText, String?)] = [
            (BilingualText(zh: "已接触", en: "contacted"), number(wave.members(\.delivered).first)),
            (BilingualText(zh: "对照组", en: "control"), number(wave.members(\.control).first)),
            (BilingualText(zh: "被拦截", en: "dropped"), number(dropped ?? outside)),
        ]
        return found.compactMap { kind, number in number.map { (kind, $0) } }
    }

    /// All campaigns together, for the five lines at the top.
    public var total: ReportTotals { ReportTotals(campaigns.map(\.evaluation)) }
}

/// Several evaluations added up.
public struct ReportTotals: Sendable {
    public var target = 0
    public var reachable = 0
    public var delivered = 0
    public var ordered = 0
    public var costMinor: Int64 = 0
    public var blockedByLists = 0
    public var blockedByFrequency = 0
    /// Additional orders with a 95 % interval; deviations of independent estimates add in squares.
    public var additional: Double = 0
    public var low: Double = 0
    public var high: Double = 0
    /// Value of the additional orders less the cost.
    public var netBenefitMinor: Int64 = 0

    init(_ evaluations: [WaveEvaluation]) {
        var (down, up) = (0.0, 0.0)
        for evaluation in evaluations {
            target += evaluation.target
            reachable += evaluation.reachable
            delivered += evaluation.delivered
            ordered += evaluation.lift.contact.successes
            costMinor += evaluation.costMinor
            blockedByLists += evaluation.blockedByLists
            blockedByFrequency += evaluation.blockedByFrequency
            netBenefitMinor += evaluation.netBenefitMinor
            let (orders, low, high) = evaluation.lift.additional
            additional += orders
            down += (orders - low) * (orders - low)
            up += (high - orders) * (high - orders)
        }
        low = additional - down.squareRoot()
        high = additional + up.squareRoot()
    }

    /// Cost of one additional order; nil when there was none.
    public var costPerAdditionalOrderMinor: Int64? {
        additional > 0 ? Int64((Double(costMinor) / additional).rounded()) : nil
    }
}

/// The whole report.
public struct DemoReport: Sendable {
    /// The real table first, the synthetic operator second.
    public var operators: [OperatorReport]
    /// Seed of everything simulated.
    public var seed: UInt64
}
