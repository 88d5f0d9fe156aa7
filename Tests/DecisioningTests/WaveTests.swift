// Waves: every member gets exactly one outcome, the right one, whatever the threads, orders and failures.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct WaveTests {
    @Test func `every outcome agrees with a naive check of one subscriber after the other`() async throws {
        let world = DecisionWorld(seed: 7, subscribers: 3_000)
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1, limit: 700)])
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let summary = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 80))
        #expect(summary.target == Int64(world.audience(percent: 80).count))
        let explainer = Explainer(
            log: log,
            inputs: world.inputs(objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        )
        var seen: [Outcome: Int] = [:]
        for number in 0..<UInt32(world.subscribers) {
            let explanation = try explainer.explain(CampaignID(1), SubscriberIndex(number))
            let naive = explanation.checks.first { !$0.isPassed }?.outcome ?? .contact
            #expect(naive == explanation.outcome, "subscriber \(number)")
            seen[explanation.outcome, default: 0] += 1
        }
        for total in summary.totals { #expect(seen[total.outcome] == Int(total.count), "\(total.outcome)") }
        #expect(summary.count(.contact) == 700, "exactly N subscribers are contacted")
        let expected: [Outcome] = [
            .holdout, .productOwned, .productConflict, .dnd01, .dnd02, .dnd15, .listBlack, .listGrey, .interval,
            .similarCampaign, .capSMS, .capOverall, .noScore, .outranked, .control, .contact,
        ]
        for outcome in expected { #expect(summary.count(outcome) > 0, "\(outcome) occurs in the test") }
        #expect(summary.count(.dnd04) == 0, "a class the planner unticked removes nobody")
    }

    @Test func `threads and the order of inputs do not change the state`() async throws {
        let world = DecisionWorld(seed: 3, subscribers: 200_000)
        var hashes: Set<ContentHash> = []
        var outcomes: Set<ContentHash> = []
        for (threads, reversed) in [(1, false), (2, false), (7, false), (2, true)] {
            let campaigns = [world.campaign(1, limit: 30_000), world.campaign(2, category: "upsell")]
            let host = try await world.host(campaigns: campaigns, threads: threads, reversed: reversed)
            for number in [Int64(1), 2] {
                let summary = try await host.run(
                    wave: WaveID(campaign: CampaignID(number), occurrence: 1),
                    planned: world.start,
                    audience: world.audience(percent: 60)
                )
                outcomes.insert(summary.outcomeSHA256)
            }
            hashes.insert(try await host.read { $0.stateSHA256() })
        }
        #expect(hashes.count == 1)
        #expect(outcomes.count == 2, "one outcome hash for each of the two waves")
    }

    @Test func `top N with nine in ten tied equals a full sort`() async throws {
        var world = DecisionWorld(seed: 11, subscribers: 8_000)
        world.tiedPercent = 90
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let limit = 1_000
        let host = try await world.host(
            log: log,
            objects: objects,
            campaigns: [world.campaign(1), world.campaign(2, limit: limit)]
        )
        let audience = world.audience(percent: 100)
        let planned = world.start
        let all = try await host.dryRun(
            wave: WaveID(campaign: CampaignID(1), occurrence: 1),
            planned: planned,
            audience: audience
        )
        let top = try await host.run(
            wave: WaveID(campaign: CampaignID(2), occurrence: 1),
            planned: planned,
            audience: audience
        )
        #expect(top.count(.contact) == Int64(limit))
        #expect(all.count(.contact) > Int64(limit) * 2)
        // Full sort: of those that pass every other check, not in control, by score, hash, index.
        let explainer = Explainer(
            log: log,
            inputs: world.inputs(objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        )
        var passing: [(score: Int32, hash: UInt64, index: UInt32, isContact: Bool)] = []
        let (lines, rank) = try await host.read { ($0.lines, $0.rankHash(of: CampaignID(2))) }
        for number in stride(from: UInt32(0), to: UInt32(world.subscribers), by: 1) {
            guard let score = world.score(number) else { continue }
            let explanation = try explainer.explain(CampaignID(2), SubscriberIndex(number))
            let others = explanation.checks.filter { $0.outcome != .outranked }
            guard others.allSatisfy(\.isPassed) else { continue }
            passing.append((score, rank(lines[Int(number)]), number, explanation.outcome == .contact))
        }
        passing.sort { ($1.score, $0.hash, $0.index) < ($0.score, $1.hash, $1.index) }
        #expect(!passing.prefix(limit).contains { !$0.isContact })
        #expect(!passing.dropFirst(limit).contains { $0.isContact })
    }

    @Test func `a dry run changes nothing and has the hash of its wave`() async throws {
        let world = DecisionWorld(seed: 5, subscribers: 70_000)
        let host = try await world.host(campaigns: [world.campaign(1, limit: 9_000)])
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let before = try await host.read { $0.stateSHA256() }
        let dry = try await host.dryRun(wave: wave, planned: world.start, audience: world.audience(percent: 50))
        #expect(try await host.read { $0.stateSHA256() } == before)
        let real = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 50))
        #expect(dry.outcomeSHA256 == real.outcomeSHA256)
        #expect(dry.totals == real.totals)
        #expect(try await host.read { $0.stateSHA256() } != before)
    }

    @Test func `a selection made in parts of blocks, while contacts come and go, is that made at once`() async throws {
        let world = DecisionWorld(seed: 17, subscribers: 200_000)
        let host = try await world.host(campaigns: [world.campaign(1, limit: 30_000)])
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let (planned, audience) = (world.start, world.audience(percent: 60))
        let whole = try await host.dryRun(wave: wave, planned: planned, audience: audience)
        for seed in UInt64(1)...3 {
            let hash = try await host.read { state in
                var random = SeededRandom(seed: seed)
                let session = try WaveSession(
                    state: state,
                    wave: wave,
                    planned: planned,
                    audience: audience,
                    isDryRun: true,
                    threads: 2
                )
                var requests: [SingleReservation] = []
                session.select {
                    let index = UInt32.random(in: 0..<UInt32(world.subscribers), using: &random)
                    let number = UInt64(requests.count + 1)
                    let request = SingleReservation(
                        request: number,
                        index: index,
                        channel: .sms,
                        month: planned.month,
                        campaign: CampaignID(1)
                    )
                    if (try? state.reserve(request, on: planned.day)) == .reserved { requests.append(request) }
                    return random.next() % 2 == 0 ? .part : .blocks(Int.random(in: 1...3, using: &random))
                }
                #expect(!requests.isEmpty, "somebody is contacted meanwhile")
                for request in requests.reversed() { state.undoReserve(request) }
                _ = session.decide(session.blocks)
                return session.result.outcomeSHA256
            }
            #expect(hash == whole.outcomeSHA256, "seed \(seed)")
        }
    }

    @Test func `running a closed wave again returns its result and reserves nothing`() async throws {
        let world = DecisionWorld(seed: 5, subscribers: 5_000)
        let host = try await world.host(campaigns: [world.campaign(1)])
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let first = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 50))
        let state = try await host.read { $0.stateSHA256() }
        let second = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 50))
        #expect(first.totals == second.totals && first.outcomeSHA256 == second.outcomeSHA256)
        #expect(try await host.read { $0.stateSHA256() } == state)
    }

    @Test func `a paused or expired campaign contacts nobody and says so`() async throws {
        let world = DecisionWorld(seed: 5, subscribers: 2_000)
        let host = try await world.host(campaigns: [world.campaign(1), world.campaign(2)])
        try await host.record([.campaignStatus(CampaignID(1), .paused)])
        let audience = world.audience(percent: 50)
        let paused = try await host.dryRun(
            wave: WaveID(campaign: CampaignID(1), occurrence: 1),
            planned: world.start,
            audience: audience
        )
        #expect(paused.totals == [OutcomeTotal(outcome: .campaignNotLive, count: Int64(audience.count))])
        let late = LocalTime(instant: world.start.instant.adding(ms: 61 * 86_400_000), offsetSeconds: 28_800)
        let expired = try await host.dryRun(
            wave: WaveID(campaign: CampaignID(2), occurrence: 1),
            planned: late,
            audience: audience
        )
        #expect(expired.totals.map(\.outcome) == [.campaignNotLive])
    }

    @Test func `capacity and budget cut behind the limit, in that order`() async throws {
        let world = DecisionWorld(seed: 9, subscribers: 8_000)
        var spec = world.campaign(1, limit: 900)
        spec.capacity = 600
        spec.budgetMinor = 2_000  // 400 contacts at 5
        let host = try await world.host(campaigns: [spec])
        let summary = try await host.run(
            wave: WaveID(campaign: CampaignID(1), occurrence: 1),
            planned: world.start,
            audience: world.audience(percent: 100)
        )
        #expect(summary.count(.contact) == 400)
        #expect(summary.count(.capacity) > 250 && summary.count(.budget) > 180 && summary.count(.outranked) > 500)
    }

    @Test func `a commit that fails half way undoes everything and the next attempt decides the same`() async throws {
        let world = DecisionWorld(seed: 13, subscribers: 140_000)
        let log = InMemoryDecisionLog()
        let steps = StepCounter()
        let host = try await world.host(log: log, campaigns: [world.campaign(1)]) { step in
            if step == .blocksDecided, steps.count(step) == 0 { log.failNextAppend() }
        }
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let audience = world.audience(percent: 30)
        let dry = try await host.dryRun(wave: wave, planned: world.start, audience: audience)
        await #expect(throws: DecisionHostError.self) {
            try await host.run(wave: wave, planned: world.start, audience: audience)
        }
        let batches = log.batches.count
        #expect(try await host.read { $0.sequence } == Int64(batches), "state and log end at the same batch")
        let again = try await host.run(wave: wave, planned: world.start, audience: audience)
        #expect(again.outcomeSHA256 == dry.outcomeSHA256)
    }
}

/// Counts how often each step came by.
final class StepCounter: Sendable {
    private let counts = LockedValue<[ProtocolStep: Int]>([:])

    /// How often the step had come by before this call.
    func count(_ step: ProtocolStep) -> Int {
        counts.withLock { counts in
            counts[step, default: 0] += 1
            return (counts[step] ?? 1) - 1
        }
    }
}
