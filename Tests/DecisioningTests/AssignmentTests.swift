// Waves under an adopted arbitration: only who is assigned is contacted, and everything else stays as it was.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct AssignmentTests {
    private let world = DecisionWorld(seed: 17, subscribers: 3_000)
    private let log = InMemoryDecisionLog()
    private let objects = InMemoryObjects()
    private let wave = WaveID(campaign: CampaignID(1), occurrence: 1)

    private var days: ClosedRange<LocalDay> { world.start.day...world.start.day.adding(days: 6) }
    private var assigned: Bitset { world.members(96, perMille: 400) }

    private func assignment(
        _ campaign: Int64 = 1,
        revision: Int = 1,
        days: ClosedRange<LocalDay>? = nil,
        of members: Bitset? = nil
    ) -> LogRecord {
        let assignment = Assignment(
            campaign: CampaignID(campaign),
            revision: revision,
            days: days ?? self.days,
            solution: .sha256(Array("solution".utf8)),
            members: members ?? assigned
        )
        return .assignmentSet(CampaignID(campaign), file: objects.put(assignment.encoded()))
    }

    private func host() async throws -> DecisionHost {
        try await world.host(log: log, objects: objects, campaigns: [world.campaign(1, limit: 500)])
    }

    private func run(_ host: DecisionHost, days: Int = 0) async throws -> WaveSummary {
        let planned = LocalTime(
            instant: world.start.instant.adding(ms: Int64(days) * 86_400_000),
            offsetSeconds: world.start.offsetSeconds
        )
        return try await host.run(wave: wave, planned: planned, audience: world.audience(percent: 80))
    }

    @Test func `a wave contacts only who is assigned, and deciding again gives the same`() async throws {
        let host = try await host()
        let spec = world.campaign(1, limit: 500)
        let free = try await host.rehearse(
            spec,
            occurrence: 1,
            planned: world.start,
            audience: world.audience(percent: 80)
        )
        let all = try await host.candidates(of: spec, planned: world.start, audience: world.audience(percent: 80))
        try await host.record([assignment()])
        let again = try await host.candidates(of: spec, planned: world.start, audience: world.audience(percent: 80))
        #expect(again.indices == all.indices, "who could be contacted does not depend on an assignment")
        let dry = try await host.dryRun(wave: wave, planned: world.start, audience: world.audience(percent: 80))
        let summary = try await run(host)
        #expect(dry.outcomeSHA256 == summary.outcomeSHA256)
        let state = try #require(try await host.read { $0.waves.values.first })
        for index in state.members(\.contact) + state.members(\.control) {
            #expect(assigned.contains(index.number), "subscriber \(index.number) is not assigned")
        }
        let candidates = all.indices.indices.filter { !all.controls[$0] }.map { all.indices[$0] }
        let expected = candidates.count(where: assigned.contains)
        #expect(summary.count(.contact) == Int64(min(500, expected)) && expected > 100)
        #expect(summary.count(.control) > 0, "control members are assigned like the others")
        for total in free.totals where total.outcome.rawValue < Outcome.outranked.rawValue {
            #expect(summary.count(total.outcome) == total.count, "\(total.outcome) comes before the assignment")
        }

        let explainer = Explainer(
            log: log,
            inputs: world.inputs(objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        )
        for number in 0..<UInt32(world.subscribers) {
            let explanation = try explainer.explain(CampaignID(1), SubscriberIndex(number))
            let naive = explanation.checks.first { !$0.isPassed }?.outcome ?? .contact
            #expect(naive == explanation.outcome, "subscriber \(number)")
            if naive == .outranked, !assigned.contains(number) {
                let name = ContentHash.sha256(Array("solution".utf8)).hex.prefix(12)
                #expect(explanation.deciding?.evidence.contains(Evidence("assignment", name)) == true)
            }
        }
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: true)
        try replay.fold()
        #expect(replay.decisionsVerified == summary.target)
        #expect(try await host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    @Test func `an assignment of another revision or other days, withdrawn or over changes nothing`() async throws {
        let plain = try await run(host())
        let nobody = Bitset(universe: world.subscribers)
        let later = days.upperBound.adding(days: 1)...days.upperBound.adding(days: 3)
        let over = LocalTime(
            instant: world.start.instant.adding(ms: 7 * 86_400_000),
            offsetSeconds: world.start.offsetSeconds
        )
        let changes: [[LogRecord]] = [
            [assignment(revision: 2, of: nobody)], [assignment(days: later, of: nobody)],
            [assignment(of: nobody), .assignmentSet(CampaignID(1), file: nil)],
        ]
        for records in changes {
            let other = try await world.host(objects: objects, campaigns: [world.campaign(1, limit: 500)])
            try await other.record(records)
            #expect(try await run(other).totals == plain.totals)
        }
        let other = try await world.host(objects: objects, campaigns: [world.campaign(1, limit: 500)])
        try await other.record([assignment(of: nobody)])
        #expect(try await run(other).count(.contact) == 0)
        try await other.tick(over)
        #expect(try await other.read { $0.assignments.isEmpty }, "it is gone once its days are over")
    }

    @Test func `an assignment that cannot hold is refused before it is written`() async throws {
        let host = try await host()
        let before = try await host.read { $0.sequence }
        let tooWide = Bitset(full: world.subscribers + 1)
        guard case .assignmentSet(_, let file) = assignment() else { return }
        for record in [assignment(2), .assignmentSet(CampaignID(2), file: file), assignment(of: tooWide)] {
            await #expect(throws: DecisionError.self) { try await host.record([record]) }
        }
        let list = objects.put(assigned.listFile)
        await #expect(throws: DecisionError.self) {
            try await host.record([.assignmentSet(CampaignID(1), file: list)])
        }
        #expect(try await host.read { $0.sequence } == before)
    }

    @Test func `a checkpoint keeps assignments, and one of the version before is still read`() async throws {
        let host = try await host()
        func restarted() throws -> Replay {
            let replay = try Replay(fromCheckpointOf: log, inputs: world.inputs(objects), threads: 1)
            try replay.fold()
            return replay
        }
        // Version 2 ends where version 3 goes on with the number of assignments.
        let empty = try restarted()
        let made = try empty.state.checkpoint(at: empty.builder.position, after: nil, threads: 1, in: objects)
        var bytes = try objects.bytes(made.manifest)
        #expect(bytes[7] == 3 && bytes.suffix(4) == [0, 0, 0, 0])
        bytes[7] = 2
        try await host.record([.checkpoint(file: objects.put(Array(bytes.dropLast(4))))])
        let old = try restarted()
        #expect(old.checkpoint != nil && old.passedOver == [])
        #expect(try await host.read { $0.stateSHA256() } == old.state.stateSHA256())

        try await host.record([assignment()])
        try await host.keepCheckpoint(after: 1)
        let new = try restarted()
        #expect(new.checkpoint != nil && new.batches == 1)
        #expect(new.state.assignments[CampaignID(1)]?.assignment.members == assigned)
        #expect(try await host.read { $0.stateSHA256() } == new.state.stateSHA256())
    }
}
