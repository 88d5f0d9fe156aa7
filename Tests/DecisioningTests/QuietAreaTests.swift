// Quiet hours by area at the second check: who waits, until when, and that everybody leaves in the end.
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

/// A world with areas whose campaign 1 has a wave at its start, 18:00.
private struct AreaRun {
    let world: DecisionWorld
    let host: DecisionHost
    let log = InMemoryDecisionLog()
    let objects = InMemoryObjects()
    let contacts: Set<SubscriberIndex>

    static let wave = WaveID(campaign: CampaignID(1), occurrence: 1)

    static func hours(_ from: Int, _ to: Int) -> [ChannelClass: QuietHours] {
        [.sms: QuietHours(from: from * 60, to: to * 60)]
    }

    static func area(_ rule: String, _ hours: [ChannelClass: QuietHours]) -> QuietArea {
        QuietArea(code: rule, name: BilingualText(zh: rule, en: rule), rule: rule, quietHours: hours)
    }

    init(seed: UInt64 = 17, subscribers: Int = 4_000, _ areas: [QuietArea], holidays: [Int] = []) async throws {
        var world = DecisionWorld(seed: seed, subscribers: subscribers)
        world.quietAreas = areas
        self.world = world
        host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1)])
        if !holidays.isEmpty {
            var policy = world.policy
            policy.revision = 2
            policy.holidays = holidays.map { world.start.day.adding(days: $0) }
            let file = try host.store(Array(JSONEncoder().encode(policy)))
            try await host.record([.policySet(revision: 2, file: file)])
        }
        _ = try await host.run(wave: Self.wave, planned: world.start, audience: world.audience(percent: 100))
        contacts = Set(try await host.read { $0.waves[Self.wave]?.members(\.contact) ?? [] })
    }

    /// The contacts of an area, or of none, as the first rule that holds says.
    func members(of rule: String?) -> Set<SubscriberIndex> {
        let rules = world.inputs(objects).make(world.subscribers).rules
        return contacts.filter { index in
            world.quietAreas.first { rules[$0.rule]?(index.number) == true }?.rule == rule
        }
    }

    /// A time of the clock on the day of the wave, or some days after it.
    func at(_ hour: Int, _ minute: Int = 0, days: Int = 0) -> LocalTime {
        world.start.adding(minutes: (days * 24 + hour - 18) * 60 + minute)
    }

    func leave(
        at time: LocalTime,
        range: Range<Int> = 0..<Block.size,
        reachable: @escaping @Sendable (SubscriberIndex) -> Bool = { _ in true }
    ) async throws -> SecondCheck {
        try await host.handOff(Self.wave, block: 0, range: range, at: time, reachable: reachable)
    }

    /// The sequence of the last record, which nothing that waits may add to.
    func end() async throws -> Int64 { try await host.read { $0.sequence } }

    func types() throws -> [UInt8] { log.batches.map { $0.payload[0] } }

    /// The log keeps all promises, and deciding again gives the same.
    func audit() async throws {
        let audit = try LogAudit(log, world: world, objects: objects)
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: true)
        try replay.fold()
        audit.compare(with: replay.state)
        #expect(audit.problems == [])
        #expect(try await host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    /// A log in which some records are replaced, with chains that are whole.
    func forged(_ change: (LogRecord) throws -> LogRecord) throws -> Replay {
        var builder = LogBuilder(position: .start)
        let batches = try log.batches.map { builder.batch(try change(LogRecord(decoding: $0.payload))) }
        return Replay(
            log: InMemoryDecisionLog(batches: batches),
            inputs: world.inputs(objects),
            threads: 1,
            verifies: true
        )
    }
}

extension BlockSet {
    fileprivate var indices: Set<SubscriberIndex> {
        var found: Set<SubscriberIndex> = []
        forEach { found.insert(SubscriberIndex(UInt32($0))) }
        return found
    }
}

@Suite struct QuietAreaTests {
    private typealias Run = AreaRun

    @Test func `who is in an area with quiet hours waits, the others leave, and then exactly the rest`() async throws {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        let (east, others) = (run.members(of: "east"), run.members(of: nil))
        try #require(!east.isEmpty && !others.isEmpty)
        let first = try await run.leave(at: run.at(20, 50))
        #expect(Set(first.leaving) == others && first.drops.isEmpty && first.hold == nil)
        #expect(first.held.indices == east && first.heldUntil == run.at(10, days: 1))
        #expect(try run.types().last == 29)
        // Nobody else is left: from here on it is a hold, which is not written down.
        let end = try await run.end()
        let second = try await run.leave(at: run.at(9, 30, days: 1))
        #expect(second.isEmpty && second.hold == .quiet(until: run.at(10, days: 1)) && second.held.indices == east)
        #expect(try await run.end() == end)
        #expect(try await run.host.read { $0.waves[Run.wave]?.sum(\.open) } == run.contacts.count)
        let last = try await run.leave(at: run.at(10, days: 1))
        #expect(Set(last.leaving) == east && last.held.isEmpty && last.hold == nil)
        #expect(try run.types().last == 16, "nobody waits: the record is the usual one")
        try await run.audit()
    }

    @Test func `an area may leave while it is quiet everywhere else, and one without hours at any time`() async throws {
        let run = try await Run([Run.area("east", Run.hours(23, 8)), Run.area("west", [:])])
        let night = try await run.leave(at: run.at(23, 30))
        #expect(Set(night.leaving) == run.members(of: "west") && !night.leaving.isEmpty)
        #expect(night.heldUntil == run.at(8, days: 1), "the east before the others")
        let early = try await run.leave(at: run.at(8, days: 1))
        #expect(Set(early.leaving) == run.members(of: "east") && early.heldUntil == run.at(9, days: 1))
        let morning = try await run.leave(at: run.at(9, days: 1))
        #expect(Set(morning.leaving) == run.members(of: nil) && morning.held.isEmpty)
        try await run.audit()
    }

    @Test func `at every half hour of four days with a holiday it is the own hours that count`() async throws {
        let run = try await Run(
            [
                Run.area("east", Run.hours(20, 10)), Run.area("west", Run.hours(1, 6)),
                Run.area("gold", Run.hours(12, 12)), Run.area("young", [:]),
            ],
            holidays: [2]
        )
        let policy = try #require(try await run.host.read { $0.policy })
        let areas =
            [nil, "east", "west", "young"].map { rule in
                (policy.quietAreas.first { $0.rule == rule }?.quietHours ?? policy.quietHours, run.members(of: rule))
            } + [([:], run.members(of: "gold"))]
        #expect(areas.allSatisfy { !$0.1.isEmpty })
        func isQuiet(_ hours: [ChannelClass: QuietHours], _ time: LocalTime) -> Bool {
            policy.holidays.contains(time.day) || hours[.sms]?.contains(minute: time.minuteOfDay) == true
        }
        var (partly, wholly) = (0, 0)
        for step in 0..<192 {
            let time = run.at(18, step * 30)
            let check = try await run.host.read {
                try $0.secondCheck(Run.wave, block: 0, range: 0..<Block.size, at: time) { _ in true }
            }
            let waiting = areas.filter { isQuiet($0.0, time) }
            let expected = waiting.reduce(into: Set()) { $0.formUnion($1.1) }
            #expect(check.held.indices == expected, "\(time.isoLocal)")
            #expect(Set(check.leaving) == run.contacts.subtracting(expected), "\(time.isoLocal)")
            let first = (0..<6_000).lazy.map { time.adding(minutes: $0) }
                .first { time in waiting.contains { !isQuiet($0.0, time) } }
            #expect(check.heldUntil == (waiting.isEmpty ? nil : first), "\(time.isoLocal)")
            if expected == run.contacts {
                wholly += 1
                #expect(check.hold == .quiet(until: first))
            } else {
                #expect(check.hold == nil)
                if !expected.isEmpty { partly += 1 }
            }
        }
        #expect(partly > 60 && wholly == 48, "the holiday holds everybody")
    }

    @Test func `who waits is dropped when he may leave, who may leave at once`() async throws {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        let (east, others) = (run.members(of: "east").sorted(), run.members(of: nil).sorted())
        let listed = [east[0], east[1], others[0], others[1]].map(\.number).sorted()
        try await run.host.record([.listChanged(ListID("black"), added: listed, removed: [])])
        let unreachable: Set = [east[2], others[2]]
        let first = try await run.leave(at: run.at(20, 30)) { !unreachable.contains($0) }
        #expect(first.drops.map(\.outcome) == [.listBlack, .noAddress])
        #expect(first.drops.reduce(into: Set()) { $0.formUnion($1.members.indices) } == Set(others.prefix(3)))
        #expect(first.held.indices == Set(east), "what is against them is asked later")
        let released = try await run.host.read { $0.waves[Run.wave]?.members(\.released) }
        #expect(released == Array(others.prefix(3)))
        // One is taken from the list meanwhile: nothing was decided about him.
        try await run.host.record([.listChanged(ListID("black"), added: [], removed: [east[1].number])])
        let last = try await run.leave(at: run.at(10, days: 1)) { !unreachable.contains($0) }
        #expect(last.drops.reduce(into: Set()) { $0.formUnion($1.members.indices) } == [east[0], east[2]])
        #expect(Set(last.leaving) == Set(east).subtracting([east[0], east[2]]))
        try await run.audit()
    }

    @Test func `a record with drops only says who waits, too`() async throws {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        let others = run.members(of: nil)
        try await run.host.record([
            .listChanged(ListID("black"), added: others.map(\.number).sorted(), removed: [])
        ])
        let check = try await run.leave(at: run.at(20, 30))
        #expect(check.leaving.isEmpty && check.hold == nil && check.held.indices == run.members(of: "east"))
        #expect(try run.types().last == 29)
        try await run.audit()
    }

    @Test func `a pause holds every area, and the end of a campaign drops who waits`() async throws {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        _ = try await run.leave(at: run.at(20, 30))
        try await run.host.record([.campaignStatus(CampaignID(1), .paused)])
        let paused = try await run.leave(at: run.at(20, 40))
        #expect(paused.hold == .paused && paused.held.isEmpty && paused.isEmpty)
        try await run.host.record([.campaignStatus(CampaignID(1), .stopped)])
        let stopped = try await run.leave(at: run.at(20, 50))
        #expect(stopped.drops.map(\.outcome) == [.campaignNotLive] && stopped.held.isEmpty)
        #expect(stopped.drops.first?.members.indices == run.members(of: "east"))
        try await run.audit()
    }

    @Test func `what waits may leave earlier when the policy changes`() async throws {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        _ = try await run.leave(at: run.at(20, 30))
        var policy = run.world.policy
        (policy.revision, policy.quietAreas) = (2, [])
        let file = try run.host.store(Array(JSONEncoder().encode(policy)))
        try await run.host.record([.policySet(revision: 2, file: file)])
        let check = try await run.leave(at: run.at(20, 40))
        #expect(Set(check.leaving) == run.members(of: "east"))
        try await run.audit()
    }

    @Test func `a contact that waits into the next month moves there with the part that leaves`() async throws {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        let days = try #require((1...31).first { run.at(10, days: $0).month > run.world.start.month })
        let check = try await run.leave(at: run.at(9, 30, days: days))
        #expect(!check.leaving.isEmpty && check.held.indices == run.members(of: "east"))
        let moved = try await run.host.read { $0.waves[Run.wave]?.blocks[0]?.moved.first?.members.indices }
        #expect(moved == Set(check.leaving))
        try await run.audit()
    }

    // MARK: Waves

    @Test func `quiet hours that outlast validity end the contact, area by area`() async throws {
        let run = try await Run([Run.area("east", Run.hours(17, 10))])
        var spec = run.world.campaign(2, category: "care")
        spec.validTo = run.world.start.day
        let file = try run.host.store(Array(JSONEncoder().encode(spec)))
        var policy = run.world.policy
        policy.revision = 2
        policy.intervalDays = [:]
        let policyFile = try run.host.store(Array(JSONEncoder().encode(policy)))
        try await run.host.record([
            .campaignSet(spec.id, revision: 1, file: file), .policySet(revision: 2, file: policyFile),
        ])
        let wave = WaveID(campaign: spec.id, occurrence: 1)
        let everybody = run.world.audience(percent: 100)
        let free = try await run.host.candidates(of: spec, planned: run.world.start, audience: everybody)
        let summary = try await run.host.run(wave: wave, planned: run.world.start, audience: everybody)
        let rules = run.world.inputs(run.objects).make(run.world.subscribers).rules
        func isEast(_ index: UInt32) -> Bool { rules["east"]?(index) == true }
        #expect(!free.indices.isEmpty && !free.indices.contains(where: isEast))
        let contacts = try await run.host.read { $0.waves[wave]?.members(\.contact) ?? [] }
        #expect(!contacts.isEmpty && !contacts.contains { isEast($0.number) })
        #expect(summary.count(.quietHours) > 0)
        let explainer = Explainer(
            log: run.log,
            inputs: run.world.inputs(run.objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        )
        let kept = try (0..<UInt32(600)).filter(isEast).map { try explainer.explain(spec.id, SubscriberIndex($0)) }
            .filter { $0.outcome == .quietHours }
        #expect(!kept.isEmpty)
        for explanation in kept {
            #expect(explanation.deciding?.evidence.map(\.key) == ["not_before", "area"])
            #expect(explanation.deciding?.evidence.last?.value == "east")
        }
        // In the evening nobody may be contacted any more.
        let late = WaveID(campaign: spec.id, occurrence: 2)
        let none = try await run.host.run(wave: late, planned: run.at(22), audience: everybody)
        #expect(none.count(.contact) == 0 && none.count(.quietHours) > summary.count(.quietHours))
        try await run.audit()
    }

    @Test func `the hours of his own area tell a subscriber's contact when it may leave`() async throws {
        let run = try await Run([Run.area("east", Run.hours(17, 20))])
        _ = try await run.leave(at: run.world.start)
        let explainer = Explainer(
            log: run.log,
            inputs: run.world.inputs(run.objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        )
        let (east, other) = (try #require(run.members(of: "east").min()), try #require(run.members(of: nil).min()))
        func hours(_ index: SubscriberIndex) throws -> (notBefore: String?, aftermath: [String]) {
            let explanation = try explainer.explain(CampaignID(1), index)
            #expect(explanation.outcome == .contact)
            let check = explanation.checks.first { $0.outcome == .quietHours }
            return (check?.evidence.first { $0.key == "not_before" }?.value, explanation.aftermath.map(\.key))
        }
        #expect(try hours(east) == (run.at(20).isoLocal, []))
        #expect(try hours(other) == (run.world.start.isoLocal, ["handed_off"]))
        func hasLeft(_ index: SubscriberIndex) throws -> Bool {
            try explainer.history(of: index).contains { $0.kind == .handedOff(Run.wave) }
        }
        #expect(try !hasLeft(east) && hasLeft(other))
        _ = try await run.leave(at: run.at(20))
        #expect(try hours(east).aftermath == ["handed_off"] && hasLeft(east))
    }

    // MARK: Deciding again

    @Test func `deciding again names who left in the quiet hours of the area, and who was held without them`()
        async throws
    {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        _ = try await run.leave(at: run.at(20, 30))
        let held = try #require(run.members(of: "east").min())
        let left = try #require(run.members(of: nil).min())
        let own = BlockSet([UInt16(held.offset)])
        func expectDifference(_ what: String, _ change: (LogRecord) throws -> LogRecord) throws {
            let replay = try run.forged(change)
            do {
                try replay.fold()
                Issue.record("nothing was found: \(what)")
            } catch DecisionError.different(let sequence, let text) {
                #expect(sequence == Int64(run.log.batches.count) && text.contains(what), "\(text)")
            }
        }
        func changed(
            _ record: LogRecord,
            _ change: (BlockSet, [OutcomeSet]) -> (BlockSet, [OutcomeSet])
        ) -> LogRecord {
            guard case .handedOffSome(let wave, let block, let from, let to, let members, let at, let drops) = record
            else { return record }
            let (some, out) = change(members, drops)
            return .handedOffSome(wave, block: block, from: from, to: to, members: some, at: at, drops: out)
        }
        try expectDifference("subscriber \(held.number) left in the quiet hours") {
            changed($0) { ($0.union(own), $1) }
        }
        try expectDifference("subscriber \(left.number) was held") {
            changed($0) { ($0.subtracting(BlockSet([UInt16(left.offset)])), $1) }
        }
        try expectDifference("subscriber \(held.number) left in the quiet hours") {
            changed($0) { ($0, $1 + [OutcomeSet(outcome: .listBlack, members: own)]) }
        }
        try expectDifference("subscriber \(held.number) left in the quiet hours") { record in
            guard case .handedOffSome(let wave, let block, let from, let to, _, let at, let drops) = record else {
                return record
            }
            return .handedOff(wave, block: block, from: from, to: to, at: at, drops: drops)
        }
        try run.forged { $0 }.fold()
    }

    @Test func `the part that left is decided again also when some of it and of those who wait are erased`()
        async throws
    {
        let run = try await Run([Run.area("east", Run.hours(20, 10))])
        _ = try await run.leave(at: run.at(20, 30))
        let gone = (run.members(of: "east").sorted().prefix(3) + run.members(of: nil).sorted().prefix(3)).map(\.number)
        try await run.host.erase(gone.sorted(), at: run.at(21))
        let last = try await run.leave(at: run.at(10, days: 1))
        #expect(last.drops.map(\.outcome) == [.erased] && last.drops.first?.members.count == 3)
        let replay = Replay(log: run.log, inputs: run.world.inputs(run.objects), threads: 1, verifies: true)
        try replay.fold()
        #expect(try await run.host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    // MARK: Everything at once

    @Test(arguments: UInt64(1)...12)
    func `whatever the areas and times, nobody leaves in his quiet hours or twice, and everybody is done in the end`(
        seed: UInt64
    ) async throws {
        var random = SeededRandom(seed: 8_000 + seed)
        func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
        // In the east it is quiet when the wave would leave, elsewhere it may be.
        let areas = ["east", "west", "gold"].map { rule in
            let hours =
                rule == "east"
                ? QuietHours(from: 900 + below(180), to: (1_081 + below(900)) % 1_440)
                : QuietHours(from: below(1_440), to: below(1_440))
            return Run.area(rule, rule != "east" && below(5) == 0 ? [:] : [.sms: hours])
        }
        let run = try await Run(seed: seed, subscribers: 1_500, areas, holidays: below(2) == 0 ? [1] : [])
        var left: Set<SubscriberIndex> = []
        var dropped: Set<SubscriberIndex> = []
        var time = run.world.start
        var (partly, steps) = (0, 0)
        while try await run.host.read({ $0.waves[Run.wave]?.sum(\.open) != $0.waves[Run.wave]?.sum(\.handedOff) }) {
            steps += 1
            try #require(steps < 500, "somebody waits for ever")
            if below(4) == 0 {
                let listed = try #require(run.contacts.randomElement(using: &random)).number
                try await run.host.record([.listChanged(ListID("grey"), added: [listed], removed: [])])
            }
            let edge = below(run.world.subscribers)
            for range in [0..<edge, edge..<Block.size] {
                let check = try await run.leave(at: time, range: range) { $0.number % 40 != 7 }
                #expect(left.isDisjoint(with: check.leaving))
                left.formUnion(check.leaving)
                for drop in check.drops { dropped.formUnion(drop.members.indices) }
                #expect(check.held.indices.isDisjoint(with: left.union(dropped)))
                if !check.held.isEmpty, !check.isEmpty { partly += 1 }
                // Whoever comes back at the moment that was said finds somebody who may leave.
                if let until = check.heldUntil, below(3) == 0 {
                    let next = try await run.leave(at: until, range: range) { $0.number % 40 != 7 }
                    #expect(next.hold == nil && !next.isEmpty)
                    left.formUnion(next.leaving)
                    for drop in next.drops { dropped.formUnion(drop.members.indices) }
                    time = until
                }
            }
            time = time.adding(minutes: 20 + below(180))
        }
        #expect(left.isDisjoint(with: dropped) && left.union(dropped) == run.contacts && partly > 0)
        try await run.audit()
    }
}
