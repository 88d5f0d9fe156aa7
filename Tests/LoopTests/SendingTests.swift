// Sending through a gateway: what leaves, what waits for the quiet hours of its area, and what a crash leaves behind.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Execution
import InMemory
import Kernel
import Model
import Ports
import SimulatedChannel
import TestSupport
import Testing

@Suite struct SendingTests {
    private static let wave = WaveID(campaign: CampaignID(1), occurrence: 1)

    /// An operator with areas whose campaign has a wave at 18:00.
    private struct Office {
        let world: DecisionWorld
        let host: DecisionHost
        let log = InMemoryDecisionLog()
        let objects = InMemoryObjects()
        let gateway: SimulatedGateway
        let sending: Sending
        let contacts: [SubscriberIndex]
        /// Numbers that got a message, in their order.
        let sent = LockedValue<[MSISDN]>([])

        init(_ areas: [QuietArea], rate: Int? = nil) async throws {
            var world = DecisionWorld(seed: 5, subscribers: 70_000)
            world.quietAreas = areas
            self.world = world
            host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1, limit: 900)])
            let sent = sent
            gateway = SimulatedGateway(ratePerSecond: rate) { message in
                sent.withLock { $0.append(message.to) }
                return SimulatedReaction(isDelivered: true, receiptSeconds: 0)
            }
            let numbers = LiveNumbers()
            numbers.replace(by: NumberIndex(numbers: (0..<70_000).map { 13_800_000_000 + $0 }))
            sending = Sending(host: host, gateway: gateway, numbers: numbers)
            _ = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 60))
            contacts = try await host.read { $0.waves[wave]?.members(\.contact) ?? [] }
        }

        func isIn(_ rule: String, _ index: SubscriberIndex) -> Bool {
            world.inputs(objects).make(world.subscribers).rules[rule]?(index.number) == true
        }

        func at(_ hour: Int, _ minute: Int = 0, days: Int = 0) -> LocalTime {
            world.start.adding(minutes: (days * 24 + hour - 18) * 60 + minute)
        }

        func send(at time: LocalTime) async throws -> SendProgress {
            try await sending.send(wave, text: "text", now: { time })
        }

        func left() async throws -> Set<SubscriberIndex> {
            Set(try await host.read { $0.waves[wave]?.members(\.handedOff) ?? [] })
        }
    }

    private static func area(_ rule: String, _ from: Int, _ to: Int) -> QuietArea {
        QuietArea(
            code: rule,
            name: BilingualText(zh: rule, en: rule),
            rule: rule,
            quietHours: [.sms: QuietHours(from: from * 60, to: to * 60)]
        )
    }

    @Test(arguments: [nil, 40] as [Int?])
    func `one area leaves at ten to nine in the evening, the other the next morning`(rate: Int?) async throws {
        let office = try await Office([Self.area("east", 20, 10)], rate: rate)
        let east = Set(office.contacts.filter { office.isIn("east", $0) })
        try #require(office.contacts.count == 900 && !east.isEmpty)
        let evening = try await office.send(at: office.at(20, 50))
        #expect(evening.sent == 900 - east.count && evening.accepted == evening.sent)
        #expect(evening.isHeld && evening.heldByArea == east.count && evening.heldUntil == office.at(10, days: 1))
        #expect(try await office.left() == Set(office.contacts).subtracting(east))
        // Before its time nobody leaves, and nothing is written.
        let end = try await office.host.read { $0.sequence }
        for time in [office.at(21), office.at(3, days: 1), office.at(9, 59, days: 1)] {
            let early = try await office.send(at: time)
            #expect(early.isHeld && early.sent == evening.sent && early.heldByArea == east.count)
        }
        #expect(try await office.host.read { $0.sequence } == end && office.gateway.messageCount == evening.sent)
        let morning = try await office.send(at: office.at(10, days: 1))
        #expect(!morning.isHeld && morning.sent == 900 && morning.heldByArea == 0 && morning.heldUntil == nil)
        #expect(office.sent.withLock { $0.count == 900 && Set($0).count == 900 }, "each number once")
        let audit = try LogAudit(office.log, world: office.world, objects: office.objects)
        #expect(audit.problems == [])
        let replay = Replay(
            log: office.log,
            inputs: office.world.inputs(office.objects),
            threads: 1,
            verifies: true
        )
        try replay.fold()
        #expect(try await office.host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    @Test func `what left in part and got no answer before a crash is in doubt and not sent again`() async throws {
        let office = try await Office([Self.area("east", 20, 10)])
        let east = office.contacts.filter { office.isIn("east", $0) }
        // The record is durable, the gateway never got it: as after a crash between the two.
        let check = try await office.host.handOff(Self.wave, block: 0, range: 0..<Block.size, at: office.at(20, 50)) {
            _ in true
        }
        try #require(!check.leaving.isEmpty && !check.held.isEmpty)
        let evening = try await office.send(at: office.at(20, 55))
        let morning = try await office.send(at: office.at(10, days: 1))
        #expect(evening.heldByArea == east.count && !morning.isHeld)
        #expect(office.gateway.messageCount == 900 - check.leaving.count)
        try await office.host.tick(office.at(10, days: 5))
        let state = try #require(try await office.host.read { $0.waves[Self.wave] })
        #expect(state.sum(\.open) == 0 && Set(state.members(\.settled)).isSuperset(of: check.leaving))
    }

    @Test func `a pause while some areas wait says nothing of them`() async throws {
        let office = try await Office([Self.area("east", 20, 10)])
        try await office.host.record([.campaignStatus(CampaignID(1), .paused)])
        let paused = try await office.send(at: office.at(20, 50))
        #expect(paused.isHeld && paused.heldByArea == 0 && paused.sent == 0)
    }

    @Test func `without areas quiet hours end the sending at once`() async throws {
        let office = try await Office([])
        let night = try await office.send(at: office.at(22))
        #expect(night.isHeld && night.heldByArea == 0 && night.heldUntil == nil && night.sent == 0)
        let morning = try await office.send(at: office.at(9, days: 1))
        #expect(!morning.isHeld && morning.sent == 900)
    }
}
