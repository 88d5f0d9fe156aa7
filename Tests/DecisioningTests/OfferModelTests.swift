// Random days of mixed work: requests, responses, waves, list and policy changes, ticks; two implementations must agree.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Foundation
import InMemory
import Kernel
import Model
import Ports
import Testing
import TestSupport

@testable import Decisioning

/// Plays random work on a host and compares it with the naive fold of the log.
private final class MixedDay {
    let world: DecisionWorld
    let log = InMemoryDecisionLog()
    let objects = InMemoryObjects()
    let host: DecisionHost
    private var random: SeededRandom
    private var now: LocalTime
    private var policy: ContactPolicy
    fileprivate var answers: [OfferAnswer] = []
    private var requests: UInt64 = 0
    private var occurrence: Int32 = 0
    private(set) var compared = 0
    private(set) var offered = 0
    private(set) var kept = 0

    init(seed: UInt64, subscribers: Int) async throws {
        world = DecisionWorld(seed: seed, subscribers: subscribers)
        random = SeededRandom(seed: seed)
        now = world.start
        policy = world.policy
        host = try DecisionHost(
            log: log,
            objects: objects,
            inputs: world.inputs(objects),
            threads: 2,
            blocksPerCommit: 1
        )
        try await host.record(world.setUp(objects, campaigns: []))
        for number in 1...9 { try await setCampaign(Int64(number)) }
        try await setPolicy()
    }

    private func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
    private func isDrawn(_ percent: Int) -> Bool { below(100) < percent }
    private func anybody() -> UInt32 { UInt32(below(world.subscribers)) }
    /// A few subscribers come again and again, so that their chains grow.
    fileprivate func customer() -> UInt32 { isDrawn(60) ? UInt32(below(60)) * 37 : anybody() }

    private func setCampaign(_ number: Int64) async throws {
        var spec = world.campaign(number, category: ["retention", "data_pack", "care", "voice_plan"][below(4)])
        spec.touchpoints = Touchpoint.allCases.filter { _ in isDrawn(70) }
        spec.product = isDrawn(30) ? nil : "P\(1 + below(3))"
        spec.conflictingProducts = isDrawn(30) ? ["P2"] : []
        spec.priority = 1 + below(3)
        spec.personalPriority = isDrawn(50) ? "score" : nil
        spec.score = isDrawn(70) ? "score" : nil
        spec.valuePerOrderMinor = Int64(below(5) * 100)
        spec.capacity = isDrawn(30) ? below(60) : nil
        spec.controlPPM = isDrawn(50) ? 200_000 : 0
        spec.validTo = world.start.day.adding(days: 20 + below(40))
        spec.limit = 200
        let file = try objects.put(Array(JSONEncoder().encode(spec)))
        var audience = Bitset(universe: world.subscribers)
        for index in 0..<UInt32(world.subscribers) where isDrawn(75) { audience.insert(index) }
        try await host.record([
            .campaignSet(spec.id, revision: Int32(spec.revision), file: file), .campaignStatus(spec.id, .live),
            .poolSet(spec.id, file: objects.put(audience.listFile)),
        ])
    }

    private func setPolicy() async throws {
        policy.revision += 1
        policy.similarDays = isDrawn(50) ? ["retention": 30, "data_pack": 5] : [:]
        policy.similarTo = isDrawn(50) ? ["data_pack": ["voice_plan"]] : [:]
        policy.productDays = isDrawn(50) ? ["P1": 10, "*": 3] : [:]
        policy.intervalDays = isDrawn(50) ? [.sms: 3, .outbound: 7] : [:]
        policy.categoryRules =
            isDrawn(50)
            ? [CategoryRule(code: "r", name: BilingualText(zh: "r", en: "r"), categories: ["care"], rule: "gold")] : []
        policy.quietHours = isDrawn(50) ? [.sms: QuietHours(from: 1260, to: 540)] : [:]
        policy.quietAreas =
            isDrawn(30)
            ? [
                QuietArea(
                    code: "a",
                    name: BilingualText(zh: "a", en: "a"),
                    rule: "young",
                    quietHours: [.sms: QuietHours(from: 600, to: 900)]
                )
            ] : []
        policy.ranking = [[.priority, .expectedValue], [.personalPriority, .value], [.expectedValue]][below(3)]
        policy.offers = OfferLimits(offers: 1 + below(4), minutesToShow: 20, minutesKept: 60)
        var linkage = Linkage.standard
        if isDrawn(50) {
            linkage.types[2].cells.append(LinkageCell(.sms, .shown, cancels: [.website, .outbound]))
        }
        policy.linkage = linkage
        // Fewer caps in the way of what is to be seen here.
        for tier in policy.tiers.indices {
            policy.tiers[tier].caps[.inbound] = Cap(count: 6, months: 1 + below(2))
            policy.tiers[tier].caps[.outbound] = Cap(count: 3, months: 3)
            policy.tiers[tier].overall = Cap(count: 9, months: 1)
        }
        let file = try objects.put(Array(JSONEncoder().encode(policy)))
        try await host.record([.policySet(revision: Int32(policy.revision), file: file)])
    }

    private func request(_ index: UInt32) -> OfferRequest {
        requests += 1
        return OfferRequest(
            request: requests,
            index: index,
            touchpoint: Touchpoint.allCases[below(Touchpoint.allCases.count)],
            entrance: isDrawn(80) ? .inbound : .event,
            at: now,
            limit: UInt8(1 + below(5)),
            campaigns: isDrawn(15) ? [CampaignID(Int64(1 + below(9))), CampaignID(Int64(1 + below(9)))] : []
        )
    }

    func step() async throws {
        switch below(100) {
        case 0..<55:
            let answer = try await host.answer(request(customer()))
            answers.append(answer)
            offered += answer.offers.count
            kept += answer.controls.count
        case 55..<78:
            guard let answer = answers.suffix(40).randomElement(using: &random) else { return }
            _ = try await host.respond(
                OfferResponse(
                    request: answer.request.request,
                    index: answer.request.index,
                    campaign: isDrawn(60) ? answer.offers.randomElement(using: &random) : nil,
                    result: ContactResult.allCases[below(ContactResult.allCases.count)],
                    at: now,
                    until: isDrawn(50) ? now.day.adding(days: 1 + below(9)) : nil
                )
            )
        case 78..<88:
            let minutes = isDrawn(80) ? below(40) : below(3 * 1440)
            now = LocalTime(instant: now.instant.adding(ms: Int64(minutes) * 60_000), offsetSeconds: now.offsetSeconds)
            try await host.tick(now)
        case 88..<92:
            let list = [ListID("black"), .dnd(1, channel: .sms), .dnd(2), .dnd(4), .product("P1"), .product("P3")][
                below(6)
            ]
            let (added, removed) = (customer(), customer())
            try await host.record([.listChanged(list, added: [added], removed: added == removed ? [] : [removed])])
        case 92..<94: try await setPolicy()
        case 94..<95: try await setCampaign(Int64(1 + below(9)))
        case 95..<96:
            try await host.record([
                .campaignStatus(CampaignID(Int64(1 + below(9))), [.paused, .live, .stopped][below(3)])
            ])
        default: try await wave()
        }
    }

    private func wave() async throws {
        occurrence += 1
        let wave = WaveID(campaign: CampaignID(Int64(1 + below(9))), occurrence: occurrence)
        let summary = try await host.run(wave: wave, planned: now, audience: world.audience(percent: 30))
        guard summary.count(.contact) > 0, isDrawn(70) else { return }
        let contacts = try await host.read { $0.waves[wave]?.members(\.contact) ?? [] }
        for block in Set(contacts.map(\.block)).sorted() {
            let time = now
            let check = try await host.handOff(wave, block: block, range: 0..<Block.size, at: time) {
                $0.number % 50 != 0
            }
            try await host.feedback(wave, .accepted, check.leaving, at: now)
            let kinds: [FeedbackKind] = [.delivered, .failed, .delivered]
            try await host.feedback(wave, kinds[below(3)], check.leaving.filter { $0.number % 3 != 1 }, at: now)
        }
    }

    /// Compares counters and decisions of some subscribers with the naive fold of everything up to here.
    func compare(_ count: Int) async throws {
        let inputs = world.inputs(objects)
        let contacts = try await host.read { state in
            Dictionary(uniqueKeysWithValues: state.pooledCampaigns.map { ($0.id, $0.contacts) })
        }
        for _ in 0..<count {
            let index = SubscriberIndex(customer())
            let fold = try SubscriberFold(index: index, log: log, inputs: inputs, upTo: log.position().sequence)
            let counts = try await host.read { state in
                state.ledger.monthsHeld.flatMapMonths { month in
                    ChannelClass.allCases.map { ($0, month, state.ledger.count(index, channel: $0, month: month)) }
                }
            }
            for (channel, month, count) in counts {
                #expect(count == min(255, fold.counts[month]?[channel] ?? 0), "\(index.number) \(channel) \(month.iso)")
            }
            for _ in 0..<3 {
                let request = request(index.number)
                let decided = try await host.read { try $0.decide(request).answer }
                let naive = try fold.answer(to: request) { contacts[$0] ?? 0 }
                #expect(decided == naive)
                compared += 1
            }
        }
    }
}

extension MixedDay {
    /// What explaining finds through its index is what a reading of the whole log finds, and agrees with what was decided.
    func compareExplanations(
        _ count: Int,
        postings: InMemoryPostings,
        rows: InMemoryWaveRows
    ) throws -> (refused: Int, undone: Int) {
        let inputs = world.inputs(objects)
        let explainer = Explainer(log: log, inputs: inputs, postings: postings, rows: rows)
        let decoded = DecodedInputs(inputs)
        let byIndex = SubscriberLog(log: log, inputs: decoded, postings: postings, rows: rows)
        var (refused, undone) = (0, 0)
        for _ in 0..<count {
            let index = SubscriberIndex(customer())
            let naive = try SubscriberFold(index: index, log: log, inputs: inputs, upTo: log.position().sequence)
            let world = try byIndex.current()
            let indexed = SubscriberFold(index: index, inputs: decoded)
            for entry in try byIndex.records(of: index, in: world, campaign: nil) {
                try indexed.apply(entry.record, sequence: entry.sequence)
            }
            #expect(indexed.counts == naive.counts && indexed.lists == naive.lists && indexed.now == naive.now)
            #expect(indexed.touches == naive.touches.filter { $0.outcome != nil })
            #expect(indexed.offers == naive.offers && indexed.policy == naive.policy)

            for answer in answers.suffix(200) where answer.request.index == index.number {
                let candidates = try explainer.explain(request: answer.request.request, index)
                #expect(candidates.filter { $0.outcome == .contact }.map(\.campaign) == answer.offers)
                #expect(candidates.filter { $0.outcome == .control }.map(\.campaign) == answer.controls)
                for candidate in candidates where candidate.outcome != .contact {
                    refused += 1
                    #expect(candidate.deciding != nil, "\(candidate.outcome.code)")
                    #expect(candidate.counterfactual?.outcome == .contact, "\(candidate.outcome.code)")
                }
            }
            for explanation in try explainer.explainAll(index) where explanation.wave != nil {
                guard explanation.outcome != .notInSegment, explanation.outcome != .takenMeanwhile else { continue }
                #expect(explanation.outcome == .contact || explanation.deciding != nil, "\(explanation)")
                guard explanation.outcome != .contact, let counterfactual = explanation.counterfactual else { continue }
                undone += counterfactual.changes.count
                #expect(counterfactual.outcome == .contact, "\(explanation)")
            }
            let history = try explainer.history(of: index)
            #expect(history == history.sorted { $0.position > $1.position })
        }
        return (refused, undone)
    }
}

extension ClosedRange<LocalMonth> {
    fileprivate func flatMapMonths<T>(_ body: (LocalMonth) -> [T]) -> [T] {
        (lowerBound.number...upperBound.number).flatMap { body(LocalMonth(number: $0)) }
    }
}

@Suite struct OfferModelTests {
    @Test(arguments: UInt64(1)...6)
    func `a day of mixed work agrees with a naive fold, folds again and is decided again the same`(
        seed: UInt64
    ) async throws {
        let day = try await MixedDay(seed: 4_000 + seed, subscribers: 66_500)
        let (postings, rows) = (InMemoryPostings(), InMemoryWaveRows())
        for step in 1...900 {
            try await day.step()
            if step == 450 { _ = try day.compareExplanations(2, postings: postings, rows: rows) }
            if step % 90 == 0 { try await day.compare(6) }
            if step == 600 { try await day.host.keepCheckpoint(after: 1) }
        }
        // Read in between as well, so that what comes later is added to what was known.
        let (refused, undone) = try day.compareExplanations(30, postings: postings, rows: rows)
        #expect(refused > 20 && undone > 5)
        #expect(day.compared == 180 && day.offered > 150 && day.kept > 10)
        let live = try await day.host.read { $0.stateSHA256() }
        let inputs = day.world.inputs(day.objects)
        let verified = Replay(log: day.log, inputs: inputs, threads: 1, verifies: true)
        try verified.fold()
        #expect(verified.state.stateSHA256() == live)
        let restarted = try Replay(fromCheckpointOf: day.log, inputs: inputs, threads: 2)
        try restarted.fold()
        #expect(restarted.checkpoint != nil)
        #expect(restarted.state.stateSHA256() == live)
    }
}
