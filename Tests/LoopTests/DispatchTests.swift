// Dispatching: which campaigns run, and what becomes of a wave that could not be written.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Dispatching
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct DispatchTests {
    private let world = DecisionWorld(seed: 3, subscribers: 2_000)
    private let log = InMemoryDecisionLog()
    private let objects = InMemoryObjects()

    private func campaign(_ number: Int64, _ phase: CampaignPhase) -> Campaign {
        let plan = CampaignPlan(
            name: "campaign \(number)",
            scene: "retention",
            goal: "keep them",
            category: "c\(number)",
            segment: 1,
            message: "hello",
            planned: world.start,
            validTo: world.start.day.adding(days: 30)
        )
        var campaign = Campaign(plan: plan, owner: "planner", scope: .all, updatedAt: world.start.instant)
        campaign.id = CampaignID(number)
        campaign.phase = phase
        return campaign
    }

    private func run(_ campaign: Campaign, on dispatches: Dispatches) async throws -> WaveSummary {
        try await dispatches.run(
            campaign,
            audience: world.audience(percent: 50),
            by: "planner",
            at: world.start
        ).1
    }

    @Test func `a wave whose commit failed is finished by the next run, and other campaigns go on`() async throws {
        let host = try await world.host(log: log, objects: objects, campaigns: [])
        let dispatches = Dispatches(store: InMemoryControlPlane(), host: host)
        for (first, second) in [(Int64(1), Int64(1)), (2, 3)] {
            try await dispatches.publish(campaign(first, .running))
            log.failNextAppend(after: 1)
            await #expect(throws: DecisionHostError.self) {
                _ = try await run(campaign(first, .running), on: dispatches)
            }
            #expect(try await host.read { $0.openWave?.wave.campaign } == CampaignID(first))
            let finished = try await run(campaign(second, .running), on: dispatches)
            #expect(finished.wave == WaveID(campaign: CampaignID(second), occurrence: 1))
            #expect(finished.count(.contact) > 0)
            #expect(try await host.read { $0.openWave } == nil)
            #expect(
                try await host.read { state in
                    state.waves.values.count { $0.wave.campaign == CampaignID(first) }
                } == 1
            )
        }
    }

    @Test func `only approved and running campaigns run`() async throws {
        let host = try await world.host(log: log, objects: objects, campaigns: [])
        let dispatches = Dispatches(store: InMemoryControlPlane(), host: host)
        try await dispatches.publish(campaign(1, .running))
        let before = try await host.read { $0.sequence }
        for phase in CampaignPhase.allCases where phase != .approved && phase != .running {
            await #expect(throws: DispatchError.wrongPhase(phase, wanted: .running)) {
                _ = try await run(campaign(1, phase), on: dispatches)
            }
        }
        #expect(try await host.read { $0.sequence } == before)
    }

    @Test func `a slot of its own moves the wave and not the plan`() async throws {
        let host = try await world.host(log: log, objects: objects, campaigns: [])
        let dispatches = Dispatches(store: InMemoryControlPlane(), host: host)
        let slot = LocalTime(
            instant: world.start.instant.adding(ms: 5 * 86_400_000),
            offsetSeconds: world.start.offsetSeconds
        )
        let (after, summary) = try await dispatches.run(
            campaign(1, .running),
            slot: slot,
            audience: world.audience(percent: 50),
            by: "planner",
            at: world.start
        )
        #expect(after.plan.planned == world.start)
        #expect(try await host.read { $0.waves[summary.wave]?.planned } == slot)
    }
}
