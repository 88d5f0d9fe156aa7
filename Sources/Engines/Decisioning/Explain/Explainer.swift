// Explains decisions from the log, as of the position at which they were made.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports

/// Answers why and why not, and what happened to one subscriber, from the log alone.
public struct Explainer: Sendable {
    private let log: SubscriberLog
    private let inputs: DecodedInputs

    /// Reads from a log and the files it names; `postings` and `rows` may be empty or behind, and are completed.
    public init(
        log: any DecisionLog,
        inputs: any DecisionInputs,
        postings: any SubscriberPostings,
        rows: any WaveRows
    ) {
        let decoded = DecodedInputs(inputs)
        self.inputs = decoded
        self.log = SubscriberLog(log: log, inputs: decoded, postings: postings, rows: rows)
    }

    /// Reads what the log got since the last question, so that the next one need not.
    public func catchUp() throws {
        try log.makeRows(log.current())
    }

    /// Explains the last decision of a campaign on a subscriber, by a wave or a request; without one, what the checks give
    /// now.
    ///
    /// - Throws: ``DecisionError/unknownCampaign(_:)``; ``DecisionError/erased(_:)``, as all questions here do.
    public func explain(_ campaign: CampaignID, _ index: SubscriberIndex) throws -> Explanation {
        let world = try log.current(for: index)
        let records = try log.records(of: index, in: world, campaign: campaign)
        // A request may not have thought of the campaign: then the wave or the request before it decides.
        let candidates = records.indices.reversed().filter { records[$0].record.mayDecide(campaign, on: index) }
        for place in candidates.prefix(Self.decisionsLookedAt) {
            let walk = Walk(index: index, inputs: inputs, records: records)
            let found = try walk.run { position, fold in
                guard position == place else { return [] }
                return try fold.explanations(of: records[position], selected: walk.cuts).filter {
                    $0.campaign == campaign
                }
            }
            if let explanation = found.last { return walk.withAftermath(explanation) }
        }
        let walk = Walk(index: index, inputs: inputs, records: records)
        _ = try walk.run { _, _ in [] }
        guard let state = walk.fold.campaigns[campaign] else { throw DecisionError.unknownCampaign(campaign) }
        return try walk.fold.explanationNow(of: state.spec, position: world.end)
    }

    private static let decisionsLookedAt = 4

    /// Explains every decision on a subscriber from an instant on, newest first: of waves each one, of requests what was
    /// offered or kept back.
    ///
    /// Of waves that did not mean the subscriber only that is said.
    public func explainAll(_ index: SubscriberIndex, since: Instant = Instant(epochMs: .min)) throws -> [Explanation] {
        let world = try log.current(for: index)
        let records = try log.records(of: index, in: world, campaign: nil)
        let walk = Walk(index: index, inputs: inputs, records: records)
        let found = try walk.run { position, fold in
            guard let at = records[position].record.decisionTime(on: index), at.instant >= since else { return [] }
            return try fold.explanations(of: records[position], selected: walk.cuts, all: false)
        }
        let own = found.map { walk.withAftermath($0) }
        let others: [Explanation] = world.waves.compactMap { wave in
            guard case .waveOpened(let id, let planned, _, _, _) = wave.opened.record, planned.instant >= since,
                !walk.fold.touches.contains(where: { $0.wave == id })
            else { return nil }
            return Explanation(
                campaign: id.campaign,
                wave: id,
                at: planned,
                outcome: .notInSegment,
                position: wave.opened.sequence,
                checks: [CheckResult(.notInSegment, isPassed: false)]
            )
        }
        return (own + others).sorted { ($0.at.instant, $0.position) > ($1.at.instant, $1.position) }
    }

    /// Explains a request: every campaign of the pool that meant the subscriber, in the order of ranking.
    ///
    /// Empty when there is no such request of the subscriber.
    public func explain(request: UInt64, _ index: SubscriberIndex) throws -> [Explanation] {
        let world = try log.current(for: index)
        let records = try log.records(of: index, in: world, campaign: nil)
        let walk = Walk(index: index, inputs: inputs, records: records)
        let found = try walk.run { position, fold in
            guard case .answered(let all) = records[position].record,
                all.contains(where: { $0.request.request == request && $0.request.index == index.number })
            else { return [] }
            return try fold.explanations(of: records[position], selected: walk.cuts)
                .filter { $0.request?.request == request }
        }
        return found.map { walk.withAftermath($0) }
    }

    /// Everything that happened to a subscriber, newest first.
    public func history(of index: SubscriberIndex) throws -> [SubscriberEvent] {
        let world = try log.current(for: index)
        let records = try log.records(of: index, in: world, campaign: nil)
        var events: [SubscriberEvent] = []
        let walk = Walk(index: index, inputs: inputs, records: records)
        _ = try walk.run { position, fold in
            events += try fold.events(of: records[position])
            return []
        }
        return events.reversed()
    }

    /// Which caps of some subscribers are exceeded, by their tiers of a day, and the facts that brought it about.
    ///
    /// Subscribers without a policy or an index yet are left out.
    public func overruns(of subscribers: [SubscriberIndex], on day: LocalDay) throws -> [OverrunSubscriber] {
        let world = try log.current()
        return try subscribers.compactMap { index in
            let walk = OverrunWalk(SubscriberFold(index: index, inputs: inputs))
            for entry in try log.records(of: index, in: world, campaign: nil) {
                try walk.take(entry.record, sequence: entry.sequence)
            }
            return try walk.end(on: day, position: world.end)
        }
    }
}

/// One pass over a subscriber's records.
private struct Walk {
    let fold: SubscriberFold
    let cuts: [WaveID: [RankCut]]
    private let records: [(sequence: Int64, record: LogRecord)]

    init(index: SubscriberIndex, inputs: DecodedInputs, records: [(sequence: Int64, record: LogRecord)]) {
        fold = SubscriberFold(index: index, inputs: inputs)
        self.records = records
        cuts = records.reduce(into: [:]) { cuts, entry in
            if case .waveSelected(let wave, let found) = entry.record { cuts[wave] = found }
        }
    }

    /// Applies everything; `explain` is asked before each record, with the state it was decided in.
    func run(
        _ explain: (_ position: Int, _ before: SubscriberFold) throws -> [Explanation]
    ) throws -> [Explanation] {
        var found: [Explanation] = []
        for (position, entry) in records.enumerated() {
            found += try explain(position, fold)
            try fold.apply(entry.record, sequence: entry.sequence)
        }
        return found
    }

    /// Adds the logged outcome of a wave and what happened afterwards.
    func withAftermath(_ explanation: Explanation) -> Explanation {
        var explanation = explanation
        if let wave = explanation.wave, let touch = fold.touches.last(where: { $0.wave == wave }) {
            explanation.outcome = touch.outcome ?? .notInSegment
            explanation.aftermath = touch.aftermath
        }
        if let request = explanation.request?.request,
            let touch = fold.offers.first(where: {
                $0.request.request == request && $0.campaign == explanation.campaign
            })
        {
            explanation.aftermath = touch.aftermath
        }
        return explanation
    }
}

extension SubscriberFold.Touch {
    var aftermath: [Evidence] {
        var result: [Evidence] = []
        if isHandedOff { result.append(Evidence("handed_off", "yes")) }
        if let drop { result.append(Evidence("dropped", drop.code)) }
        for entry in feedback { result.append(Evidence(entry.kind.code, entry.at.isoLocal)) }
        if isSettled { result.append(Evidence("settled", "yes")) }
        if isReleased { result.append(Evidence("released", "yes")) }
        return result
    }
}

extension OfferTouch {
    var aftermath: [Evidence] {
        results.map { Evidence("answer_" + $0.result.code, $0.at.isoLocal) }
            + (isReleased ? [Evidence("released", "yes")] : [])
    }
}

extension LogRecord {
    /// Whether a decision on a campaign and subscriber may stand in the record.
    fileprivate func mayDecide(_ campaign: CampaignID, on index: SubscriberIndex) -> Bool {
        switch self {
        case .waveOpened(let wave, _, _, _, _): wave.campaign == campaign
        case .answered(let all):
            all.contains { answer in
                let asked = answer.request.campaigns
                return answer.request.index == index.number && (asked.isEmpty || asked.contains(campaign))
            }
        default: false
        }
    }

    /// When the record decided on a subscriber; nil when it did not.
    fileprivate func decisionTime(on index: SubscriberIndex) -> LocalTime? {
        switch self {
        case .waveOpened(_, let planned, _, _, _): planned
        case .answered(let all): all.last { $0.request.index == index.number }?.request.at
        default: nil
        }
    }
}
