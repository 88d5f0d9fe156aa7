// A policy that decides beside the live one: what it reports, and that it changes nothing.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import InMemory
import Kernel
import Model
import Ports
import Testing
import TestSupport

struct ShadowTests {
    private let world = DecisionWorld(seed: 77, subscribers: 70_000)
    private let log = InMemoryDecisionLog()
    private let objects = InMemoryObjects()

    private func host() async throws -> DecisionHost {
        let host = try DecisionHost(
            log: log,
            objects: objects,
            inputs: world.inputs(objects),
            threads: 2,
            blocksPerCommit: 1
        )
        try await host.record(world.setUp(objects, campaigns: []))
        var spec = world.campaign(1, category: "a", limit: 60_000)
        spec.touchpoints = [.hotline]
        let file = try objects.put(Array(JSONEncoder().encode(spec)))
        try await host.record([
            .campaignSet(spec.id, revision: 1, file: file), .campaignStatus(spec.id, .live),
            .poolSet(spec.id, file: objects.put(world.audience(percent: 90).listFile)),
        ])
        return host
    }

    private func work(_ host: DecisionHost) async throws -> WaveSummary {
        for number in UInt64(1)...300 {
            _ = try await host.answer(
                OfferRequest(
                    request: number,
                    index: UInt32(number * 211 % 70_000),
                    touchpoint: .hotline,
                    entrance: .inbound,
                    at: world.start,
                    limit: 3
                )
            )
        }
        return try await host.run(
            wave: WaveID(campaign: CampaignID(1), occurrence: 1),
            planned: world.start,
            audience: world.audience(percent: 60)
        )
    }

    @Test func `a shadow of the live policy decides everything the same`() async throws {
        let host = try await host()
        try await host.startShadow(world.policy, draft: 4, version: 2, at: world.start)
        let summary = try await work(host)
        let status = try #require(try await host.shadowStatus())
        let wave = try #require(status.report.waves.first)
        #expect(wave.changed == 0 && wave.target == Int(summary.target))
        for total in summary.totals { #expect(wave.count(total.outcome) == (Int(total.count), Int(total.count))) }
        let requests = try #require(status.report.requests[.hotline])
        #expect(requests.requests == 300 && requests.changed == 0 && requests.live > 20)
        #expect(status.report.failures == nil && status.report.examples.isEmpty)
    }

    @Test func `a stricter shadow reports what it would have kept back, and what was decided is as without it`()
        async throws
    {
        let host = try await host()
        var policy = world.policy
        for tier in policy.tiers.indices {
            policy.tiers[tier].caps[.inbound] = Cap(count: 0, months: 1)
            policy.tiers[tier].caps[.sms] = Cap(count: 1, months: 2)
        }
        try await host.startShadow(policy, draft: 4, version: 2, at: world.start)
        let summary = try await work(host)
        let report = try #require(try await host.stopShadow()).report
        let wave = try #require(report.waves.first)
        let contacts = wave.count(.contact)
        #expect(contacts.live == Int(summary.count(.contact)) && contacts.shadow < contacts.live)
        #expect(wave.count(.capSMS).shadow > wave.count(.capSMS).live)
        let requests = try #require(report.requests[.hotline])
        #expect(requests.shadow == 0 && requests.live > 20 && report.examples.count == min(100, requests.changed))
        #expect(report.examples.allSatisfy { $0.offers.isEmpty && !$0.answer.offers.isEmpty })
        #expect(try await host.shadowStatus() == nil)

        let shadowed = try await host.read { $0.stateSHA256() }
        let plain = try await ShadowTests().plain()
        #expect(plain == shadowed)
        let verified = Replay(log: log, inputs: world.inputs(objects), threads: 1, verifies: true)
        try verified.fold()
        #expect(verified.state.stateSHA256() == shadowed)
    }

    private func plain() async throws -> ContentHash {
        let host = try await host()
        _ = try await work(host)
        return try await host.read { $0.stateSHA256() }
    }

    @Test func `a shadow that cannot decide says so, and nobody else notices`() async throws {
        let host = try await host()
        var policy = world.policy
        policy.tiers[0].rule = "no such rule"
        try await host.startShadow(policy, draft: 4, version: 2, at: world.start)
        _ = try await work(host)
        let report = try #require(try await host.shadowStatus()).report
        #expect(report.failures?.count == 301 && report.waves.isEmpty && report.requests.isEmpty)
    }
}
