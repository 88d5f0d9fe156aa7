// Scenario W10 of the requirements: do-not-disturb and frequency.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import InMemory
import Kernel
import Model
import TestSupport
import Testing

@Suite struct DoNotDisturbScenarios {
    private let world = DecisionWorld(seed: 77, subscribers: 20_000)

    private func outcomes(_ host: DecisionHost, _ spec: CampaignSpec) async throws -> [Outcome: Set<UInt32>] {
        let wave = WaveID(campaign: spec.id, occurrence: 1)
        _ = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 100))
        let state = try #require(try await host.read { $0.waves[wave] })
        return [
            .contact: Set(state.members(\.contact).map(\.number)),
            .control: Set(state.members(\.control).map(\.number)),
        ]
    }

    @Test func `a silver-card customer is removed by default and included when the planner unticks the class`()
        async throws
    {
        var removed = world.campaign(1)
        removed.unticked = []
        removed.controlPPM = 0
        var included = world.campaign(2, category: "other")
        included.controlPPM = 0
        let silver = world.members(18, perMille: 12)  // class 4 of the world
        let first = try await outcomes(try await world.host(campaigns: [removed]), removed)
        let second = try await outcomes(try await world.host(campaigns: [included]), included)
        #expect(first[.contact]?.contains { silver.contains($0) } == false)
        #expect(second[.contact]?.contains { silver.contains($0) } == true)
        #expect(included.unticked.first?.by == "planner", "it is recorded who unticked it")
    }

    @Test func `a class-1 customer blocked on SMS gets no SMS but may be called`() async throws {
        let bySMS = world.members(12, perMille: 30)
        var sms = world.campaign(1)
        var call = world.campaign(2, category: "other")
        call.channel = .outbound
        sms.controlPPM = 0
        call.controlPPM = 0
        let messages = try await outcomes(try await world.host(campaigns: [sms]), sms)
        let calls = try await outcomes(try await world.host(campaigns: [call]), call)
        #expect(messages[.contact]?.contains { bySMS.contains($0) } == false)
        #expect(calls[.contact]?.contains { bySMS.contains($0) } == true)
    }

    @Test func `a class-2 customer is in no list, whatever the planner unticks`() async throws {
        var spec = world.campaign(1)
        spec.unticked = (1...15).map { .init(dndClass: $0, by: "planner") }
        let sensitive = world.members(16, perMille: 12)
        let found = try await outcomes(try await world.host(campaigns: [spec]), spec)
        #expect(found[.contact]?.contains { sensitive.contains($0) } == false)
        #expect(found[.control]?.contains { sensitive.contains($0) } == false)
    }

    @Test func `a list imported between the run and the transfer keeps its members from leaving`() async throws {
        let host = try await world.host(campaigns: [world.campaign(1)])
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        _ = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 100))
        let contacts = try #require(try await host.read { $0.waves[wave] }).members(\.contact)
        let late = contacts.prefix(50).map(\.number)
        try await host.record([.listChanged(.dnd(2), added: late, removed: [])])
        let left = try await host.handOff(wave, block: 0, range: 0..<Block.size, at: world.start) { _ in true }.leaving
        #expect(Set(left.map(\.number)).isDisjoint(with: late))
        #expect(left.count == contacts.count - late.count)
        let released = try #require(try await host.read { $0.waves[wave] }).members(\.released)
        #expect(released.map(\.number) == late, "what did not leave is given back")
    }

    @Test func `failures are given back after the run and free the cap again`() async throws {
        let host = try await world.host(campaigns: [world.campaign(1)])
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        _ = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 100))
        let left = try await host.handOff(wave, block: 0, range: 0..<Block.size, at: world.start) { _ in true }.leaving
        let failed = try #require(left.first)
        let month = world.month
        let before = try await host.read { $0.ledger.count(failed, channel: .sms, month: month) }
        try await host.feedback(wave, .failed, [failed], at: world.start)
        try await host.feedback(wave, .failed, [failed], at: world.start)
        let after = try await host.read { $0.ledger.count(failed, channel: .sms, month: month) }
        #expect(after == before - 1, "given back once, however often it is reported")
    }

    @Test func `website contacts count campaigns and stay outside the overall cap`() async throws {
        var website = world.campaign(1)
        website.channel = .website
        website.controlPPM = 0
        let host = try await world.host(campaigns: [website])
        let month = world.month
        let full = try await host.read { state in
            (0..<UInt32(state.subscribers)).filter { number in
                let index = SubscriberIndex(number)
                let counted = [ChannelClass.sms, .outbound, .inbound]
                    .reduce(0) { $0 + state.ledger.count(index, channel: $1, month: month) }
                return counted >= 5 && state.ledger.count(index, channel: .website, month: month) < 3
            }
        }
        let found = try await outcomes(host, website)
        #expect(full.contains { found[.contact]?.contains($0) == true })
    }
}
