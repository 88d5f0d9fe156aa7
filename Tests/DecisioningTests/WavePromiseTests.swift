// Waves beside requests, waves given up, and draws that stay as they are.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct WavePromiseTests {
    private let log = InMemoryDecisionLog()
    private let objects = InMemoryObjects()

    private func wave(_ occurrence: Int32) -> WaveID { WaveID(campaign: CampaignID(1), occurrence: occurrence) }

    private func host(
        _ world: DecisionWorld,
        _ campaigns: [CampaignSpec],
        observe: @escaping @Sendable (ProtocolStep) -> Void = { _ in }
    ) async throws -> DecisionHost {
        let host = try DecisionHost(
            log: log,
            objects: objects,
            inputs: world.inputs(objects),
            threads: 1,
            blocksPerCommit: 1,
            observe: observe
        )
        try await host.record(world.setUp(objects, campaigns: campaigns))
        return host
    }

    private func verify(_ host: DecisionHost, _ world: DecisionWorld) async throws {
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: true)
        try replay.fold()
        #expect(try await host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    @Test func `what a request takes between the passes of a wave ends as taken meanwhile`() async throws {
        let world = DecisionWorld(seed: 19, subscribers: 3 * Block.size)
        let betweenPasses = LockedValue<(@Sendable () -> Void)?>(nil)
        var text = offer(1)
        text.touchpoints = []
        text.score = nil
        let host = try await host(world, [text, offer(2, category: "care", touchpoints: [.sms])]) { step in
            if step == .waveSelected { betweenPasses.withLock { $0 }?() }
        }
        var policy = world.policy
        policy.revision = 2
        (policy.intervalDays, policy.similarDays, policy.quietHours) = ([:], [:], [:])
        for tier in policy.tiers.indices { policy.tiers[tier].caps[.sms] = Cap(count: 1, months: 1) }
        let everybody = Bitset(full: world.subscribers)
        try await host.record([
            .policySet(revision: 2, file: objects.put(Array(try JSONEncoder().encode(policy)))),
            .poolSet(CampaignID(2), file: objects.put(everybody.listFile)),
        ])
        let requests = try await host.candidates(of: text, planned: world.start, audience: everybody).indices
            .filter { SubscriberIndex($0).block == 2 }
            .map { index in
                OfferRequest(
                    request: UInt64(index),
                    index: index,
                    touchpoint: .sms,
                    entrance: .event,
                    at: world.start,
                    limit: 1
                )
            }
        let asking = try await host.read { state in
            try requests.prefix(60).filter { try !state.decide($0).answer.offers.isEmpty }
        }
        try #require(asking.count > 20)
        func counted() async throws -> [Int] {
            try await host.read { state in
                (0..<UInt32(state.subscribers)).map {
                    state.ledger.count(SubscriberIndex($0), channel: .sms, month: world.month)
                }
            }
        }
        let before = try await counted()
        let asked = LockedValue<[Task<OfferAnswer, any Error>]>([])
        let begun = LockedValue(0)
        betweenPasses.withLock {
            $0 = {
                asked.withLock {
                    $0 = asking.map { request in
                        Task(priority: .high) {
                            begun.withLock { $0 += 1 }
                            return try await host.answer(request)
                        }
                    }
                }
                // The owner stands here until they wait for it; it serves them after the first block.
                for _ in 0..<12_000 where begun.withLock({ $0 }) < asking.count { Thread.sleep(forTimeInterval: 0.01) }
                Thread.sleep(forTimeInterval: 0.05)
            }
        }
        let summary = try await host.run(wave: wave(1), planned: world.start, audience: everybody)
        var (taken, left): (Set<UInt32>, Set<UInt32>) = ([], [])
        for answer in asked.withLock({ $0 }) {
            let answer = try await answer.value
            if answer.offers.isEmpty { left.insert(answer.request.index) } else { taken.insert(answer.request.index) }
        }
        let contacts = try #require(try await host.read { $0.waves[wave(1)] }).members(\.contact).map(\.number)
        #expect(!taken.isEmpty && summary.count(.takenMeanwhile) == Int64(taken.count))
        #expect(
            taken.isDisjoint(with: contacts) && left.isSubset(of: contacts),
            "each got one contact, from one of both"
        )
        let over = zip(before, try await counted()).filter { $1 > $0 && $1 > 1 }
        #expect(over.isEmpty, "nobody came above the cap of one, except by what was before")
        try await verify(host, world)
    }

    @Test func `a wave that is given up gives back everything`() async throws {
        let world = DecisionWorld(seed: 23, subscribers: 3 * Block.size)
        let (steps, log) = (StepCounter(), log)
        let host = try await host(world, [world.campaign(1)]) { step in
            if step == .blocksDecided, steps.count(step) == 1 { log.failNextAppend() }
        }
        func counted() async throws -> Int {
            try await host.read { state in
                (0..<UInt32(state.subscribers)).reduce(0) {
                    $0 + state.ledger.count(SubscriberIndex($1), channel: .sms, month: world.month)
                }
            }
        }
        let before = try await counted()
        let audience = world.audience(percent: 40)
        await #expect(throws: DecisionHostError.self) {
            try await host.run(wave: wave(1), planned: world.start, audience: audience)
        }
        let open = try #require(try await host.read { $0.openWave })
        #expect(open.sum(\.contact) > 0)
        #expect(try await counted() == before + open.sum(\.contact))
        try await host.abort(wave(1))
        let given = try #require(try await host.read { $0.waves[wave(1)] })
        #expect(given.status == .aborted && given.sum(\.released) == open.sum(\.contact))
        #expect(try await counted() == before)
        let next = try await host.run(wave: wave(2), planned: world.start, audience: audience)
        #expect(try await counted() == before + Int(next.count(.contact)))
        try await verify(host, world)
    }

    @Test func `a control group stays the same in every wave of its campaign`() async throws {
        let world = DecisionWorld(seed: 29, subscribers: 8_000)
        let host = try await host(world, [world.campaign(1)])
        var (contacts, controls): ([Set<SubscriberIndex>], [Set<SubscriberIndex>]) = ([], [])
        for occurrence in Int32(1)...2 {
            let later = world.start.instant.adding(ms: Int64(occurrence - 1) * 40 * 86_400_000)
            let planned = LocalTime(instant: later, offsetSeconds: world.start.offsetSeconds)
            _ = try await host.run(wave: wave(occurrence), planned: planned, audience: world.audience(percent: 100))
            let state = try #require(try await host.read { $0.waves[wave(occurrence)] })
            contacts.append(Set(state.members(\.contact)))
            controls.append(Set(state.members(\.control)))
        }
        #expect(
            controls[0].intersection(controls[1]).count > 100 && contacts[0].intersection(contacts[1]).count > 1_000
        )
        #expect(controls[0].isDisjoint(with: contacts[1]) && controls[1].isDisjoint(with: contacts[0]))
    }

    @Test func `a holdout stays for its epoch and is drawn anew for the next`() async throws {
        let world = DecisionWorld(seed: 29, subscribers: 60_000)
        let host = try await host(world, [world.campaign(1)])
        let (now, again, next) = try await host.read { state in
            let next = state.holdoutMembers(Holdout(ppm: 20_000, epoch: "2027"))
            let holdout = Holdout(ppm: 20_000, epoch: "2026")
            return (state.holdoutMembers(holdout), state.holdoutMembers(holdout), next)
        }
        #expect(now == again && (1_050...1_350).contains(now.count) && (1_050...1_350).contains(next.count))
        let both = (0..<UInt32(world.subscribers)).count { now.contains($0) && next.contains($0) }
        #expect(both < 60, "two draws have about 24 of 60,000 in common")
        let summary = try await host.run(wave: wave(1), planned: world.start, audience: Bitset(full: world.subscribers))
        #expect(summary.count(.holdout) == Int64(now.count))
    }
}
