// Hand-off: who may leave when the moment has come, and in which month it counts.
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

@Suite struct HandOffTests {
    private let world = DecisionWorld(seed: 17, subscribers: 4_000)
    private let log = InMemoryDecisionLog()
    private let objects = InMemoryObjects()

    private func wave(_ number: Int64) -> WaveID { WaveID(campaign: CampaignID(number), occurrence: 1) }

    private func later(days: Int64, hours: Int64 = 0) -> LocalTime {
        LocalTime(
            instant: world.start.instant.adding(ms: (days * 24 + hours) * 3_600_000),
            offsetSeconds: world.start.offsetSeconds
        )
    }

    /// A host on which the campaign's wave has run at the world's start.
    private func host(_ campaigns: [CampaignSpec]) async throws -> DecisionHost {
        let host = try await world.host(log: log, objects: objects, campaigns: campaigns)
        _ = try await host.run(wave: wave(1), planned: world.start, audience: world.audience(percent: 100))
        return host
    }

    private func leave(_ number: Int64, at time: LocalTime, on host: DecisionHost) async throws -> SecondCheck {
        try await host.handOff(wave(number), block: 0, range: 0..<Block.size, at: time) { _ in true }
    }

    /// The log keeps all promises, and deciding again gives the same.
    private func audit(_ host: DecisionHost) async throws {
        let audit = try LogAudit(log, world: world, objects: objects)
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: true)
        try replay.fold()
        audit.compare(with: replay.state)
        #expect(audit.problems == [])
        #expect(try await host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    @Test func `nobody leaves in quiet hours, and everybody who may leaves when they end`() async throws {
        let host = try await host([world.campaign(1)])
        let held = try await leave(1, at: later(days: 0, hours: 4), on: host)
        #expect(held.isEmpty)
        #expect(held.hold == .quiet(until: later(days: 0, hours: 15)), "22:00 waits until 9:00")
        #expect(try await host.read { $0.waves[wave(1)]?.sum(\.handedOff) } == 0)
        let left = try await leave(1, at: later(days: 0, hours: 15), on: host)
        #expect(left.hold == nil)
        #expect(left.leaving.count == (try await host.read { $0.waves[wave(1)]?.sum(\.contact) }))
        try await audit(host)
    }

    @Test func `what has not left when validity ends is given back`() async throws {
        let host = try await host([world.campaign(1)])
        let check = try await leave(1, at: later(days: 61), on: host)
        #expect(check.leaving.isEmpty)
        #expect(check.drops.map(\.outcome) == [.campaignNotLive])
        #expect(try await host.read { $0.waves[wave(1)]?.sum(\.open) } == 0)
        try await audit(host)
    }

    @Test func `a contact that leaves in another month counts there and no longer in the planned one`() async throws {
        let host = try await host([world.campaign(1)])
        let (planned, next) = (world.start.month, later(days: 30).month)
        #expect(planned < next)
        let member = try #require(try await host.read { $0.waves[wave(1)]?.members(\.contact).first })
        func counts() async throws -> [Int] {
            try await host.read { state in
                [planned, next].map { state.ledger.count(member, channel: .sms, month: $0) }
            }
        }
        let before = try await counts()
        let left = try await leave(1, at: later(days: 30), on: host)
        #expect(left.leaving.contains(member))
        #expect(try await counts() == [before[0] - 1, before[1] + 1])
        let explained = try Explainer(
            log: log,
            inputs: world.inputs(objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        ).explain(
            CampaignID(1),
            member
        )
        #expect(explained.outcome == .contact)
        try await host.feedback(wave(1), .failed, [member], at: later(days: 30))
        #expect(try await counts() == [before[0] - 1, before[1]], "given back where it counts")
        try await audit(host)
    }

    @Test func `a contact does not leave into a month that is full, and is given back`() async throws {
        let others = Int64(2)...6
        let host = try await host([world.campaign(1)] + others.map { world.campaign($0, category: "upsell \($0)") })
        // Contacts of other campaigns are planned for the next month and take the room there.
        for number in others {
            let planned = later(days: 28 + number * 4)
            _ = try await host.run(wave: wave(number), planned: planned, audience: world.audience(percent: 100))
        }
        let check = try await leave(1, at: later(days: 30), on: host)
        let dropped = Set(check.drops.map(\.outcome))
        #expect(dropped.isSubset(of: [.capSMS, .capOverall]) && !dropped.isEmpty)
        #expect(!check.leaving.isEmpty)
        let released = try await host.read { $0.waves[wave(1)]?.sum(\.released) }
        #expect(released == check.drops.reduce(0) { $0 + $1.members.count })
        try await audit(host)
    }

    @Test func `a wave in a month whose contacts are not counted is refused`() async throws {
        let host = try await host([world.campaign(1), world.campaign(2)])
        for time in [later(days: 100), later(days: -130)] {
            await #expect(throws: DecisionError.self) {
                _ = try await host.run(wave: wave(2), planned: time, audience: world.audience(percent: 50))
            }
        }
        #expect(try await host.read { $0.waves[wave(2)] } == nil)
        try await host.beginMonth(of: later(days: 100))
        let spec = CampaignID(2)
        let late = try await host.run(wave: wave(2), planned: later(days: 100), audience: world.audience(percent: 50))
        #expect(late.wave.campaign == spec)
        try await audit(host)
    }

    @Test func `holidays do not count against what waits for them to end`() async throws {
        let host = try await host([world.campaign(1)])
        var policy = world.policy
        policy.revision = 2
        policy.holidays = (1...8).map { world.start.day.adding(days: $0) }
        let file = try host.store(Array(JSONEncoder().encode(policy)))
        try await host.record([.policySet(revision: 2, file: file)])
        let contacts = try await host.read { $0.waves[wave(1)]?.sum(\.contact) }
        func open() async throws -> Int? { try await host.read { $0.waves[wave(1)]?.sum(\.open) } }
        #expect(try await leave(1, at: later(days: 1), on: host).hold != nil)
        try await host.tick(later(days: 4))
        #expect(try await open() == contacts, "72 hours have passed, but nobody might leave")
        try await host.tick(later(days: 9))
        #expect(try await open() == contacts, "the day after the holidays")
        try await host.tick(later(days: 12))
        #expect(try await open() == 0, "72 hours in which they might have left")
        try await audit(host)
    }
}
