// Log records: what is written is read back, and damage is found.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct RecordTests {
    private static let time = LocalTime(instant: Instant(epochMs: 1_793_700_000_123), offsetSeconds: 28_800)
    private static let wave = WaveID(campaign: CampaignID(12), occurrence: 3)
    private static let hash = ContentHash.sha256(Array("content".utf8))
    private static let sparse = BlockSet([1, 5, 65_535])
    private static let dense = BlockSet((0..<9_000).map { UInt16($0 * 7) })

    static let records: [LogRecord] = [
        .genesis(salt: [1, 2, 3], now: time),
        .linesAssigned(base: 5, count: 7, file: hash),
        .attributesLoaded(load: "2026-11", catalogue: hash, columns: [AttributeColumn(code: "arpu", file: hash)]),
        .listReplaced(ListID("black", channel: .sms), file: hash),
        .listChanged(ListID("dnd_02"), added: [1, 2], removed: [3]),
        .policySet(revision: 4, file: hash),
        .campaignSet(CampaignID(12), revision: 2, file: hash),
        .campaignStatus(CampaignID(12), .paused),
        .historyLoaded(file: hash),
        .historyRemoved(file: hash),
        .tick(time),
        .waveOpened(wave, planned: time, audience: hash, policyRevision: 1, campaignRevision: 2),
        .waveSelected(wave, cuts: [RankCut(outcome: .outranked, score: -5, hash: .max, index: 9)]),
        .waveClosed(wave, totals: [OutcomeTotal(outcome: .contact, count: 1 << 40)], outcome: hash),
        .waveAborted(wave),
        .handedOff(
            wave,
            block: 3,
            from: 0,
            to: 65_536,
            at: time,
            drops: [OutcomeSet(outcome: .dnd01, members: sparse)]
        ),
        .handedOffSome(
            wave,
            block: 3,
            from: 20,
            to: 65_536,
            members: dense,
            at: time,
            drops: [OutcomeSet(outcome: .noAddress, members: sparse)]
        ),
        .feedback(wave, block: 1, kind: .delivered, members: dense, at: time),
        .released(wave, block: 1, members: sparse),
        .reserved([
            SingleReservation(
                request: .max,
                index: 70_000,
                channel: .website,
                month: LocalMonth(year: 2026, month: 12),
                campaign: CampaignID(1)
            )
        ]),
        .concluded([SingleConclusion(request: 1, index: 70_000, isSettled: true)]),
        .assignmentSet(CampaignID(12), file: hash),
        .assignmentSet(CampaignID(12), file: nil),
        .reported(wave, block: 1, kind: .failed, members: sparse, at: time),
        .erased([7, 70_000], files: [FileReplacement(old: hash, new: .sha256([1]))], at: time),
        .erased([], files: [], at: time),
    ]

    @Test(arguments: records) func `a record is read back as it was written`(record: LogRecord) throws {
        #expect(try LogRecord(decoding: record.encoded()) == record)
    }

    @Test(arguments: records) func `a record that is cut short or too long is refused`(record: LogRecord) {
        let bytes = record.encoded()
        #expect(throws: MalformedBytes.self) { try LogRecord(decoding: bytes + [0]) }
        for length in 0..<min(bytes.count, 40) {
            #expect(throws: MalformedBytes.self) { try LogRecord(decoding: Array(bytes.prefix(length))) }
        }
    }

    @Test func `block sets agree with Swift sets, sparse and dense`() {
        var random = SeededRandom(seed: 1)
        let sizes = [0, 1, 50, 4_096, 4_097, 20_000]
        for (size, other) in sizes.flatMap({ size in sizes.map { (size, $0) } }) {
            let a = Set((0..<size).map { _ in UInt16.random(in: 0 ... .max, using: &random) })
            let b = Set((0..<other).map { _ in UInt16.random(in: 0 ... .max, using: &random) })
            #expect(BlockSet(a).count == a.count)
            #expect(members(BlockSet(a).union(BlockSet(b))) == a.union(b).sorted())
            #expect(members(BlockSet(a).intersection(BlockSet(b))) == a.intersection(b).sorted())
            #expect(members(BlockSet(a).subtracting(BlockSet(b))) == a.subtracting(b).sorted())
            #expect(a.allSatisfy { BlockSet(a).contains(Int($0)) })
            #expect(b.subtracting(a).allSatisfy { !BlockSet(a).contains(Int($0)) })
        }
    }

    private func members(_ set: BlockSet) -> [UInt16] {
        var result: [UInt16] = []
        set.forEach { result.append(UInt16($0)) }
        return result
    }
}

@Suite struct ReplayTests {
    private func loggedWorld() async throws -> (DecisionWorld, InMemoryDecisionLog, InMemoryObjects, DecisionHost) {
        let world = DecisionWorld(seed: 21, subscribers: 70_000)
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let host = try await world.host(
            log: log,
            objects: objects,
            campaigns: [world.campaign(1, limit: 9_000), world.campaign(2, category: "upsell")]
        )
        for number in [Int64(1), 2] {
            let wave = WaveID(campaign: CampaignID(number), occurrence: 1)
            _ = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 70))
            let left = try await host.handOff(wave, block: 0, range: 0..<40_000, at: world.start) {
                $0.number % 50 != 0
            }.leaving
            try await host.feedback(wave, .accepted, left, at: world.start)
            try await host.feedback(wave, .failed, left.filter { $0.number % 9 == 0 }, at: world.start)
            try await host.feedback(wave, .delivered, left.filter { $0.number % 9 > 1 }, at: world.start)
            try await host.record([.listChanged(.dnd(2), added: [5, 6, 7, 8, 9], removed: [])])
        }
        return (world, log, objects, host)
    }

    @Test func `folding the log gives the state of the live host`() async throws {
        let (world, log, objects, host) = try await loggedWorld()
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 1)
        try replay.fold()
        let live = try await host.read { $0.stateSHA256() }
        #expect(replay.state.stateSHA256() == live)
        #expect(replay.batches == log.batches.count)
    }

    @Test func `deciding everything again agrees with the log`() async throws {
        let (world, log, objects, _) = try await loggedWorld()
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 7, verifies: true)
        try replay.fold()
        #expect(replay.decisionsVerified == Int64(world.audience(percent: 70).count) * 2)
    }

    @Test func `deciding again with another salt names the first subscriber that differs`() async throws {
        let (world, log, objects, _) = try await loggedWorld()
        var builder = LogBuilder(position: .start)
        let forged = try log.batches.map { batch in
            let record = try LogRecord(decoding: batch.payload)
            if case .genesis(_, let now) = record { return builder.batch(.genesis(salt: [9], now: now)) }
            return builder.batch(record)
        }
        let replay = Replay(
            log: InMemoryDecisionLog(batches: forged),
            inputs: world.inputs(objects),
            threads: 2,
            verifies: true
        )
        #expect(throws: DecisionError.self) { try replay.fold() }
    }

    @Test func `a changed byte anywhere breaks the chain`() async throws {
        let (world, log, objects, _) = try await loggedWorld()
        var random = SeededRandom(seed: 4)
        for _ in 0..<20 {
            var batches = log.batches
            let position = Int.random(in: 0..<batches.count, using: &random)
            let byte = Int.random(in: 0..<batches[position].payload.count, using: &random)
            batches[position].payload[byte] ^= 1
            let replay = Replay(log: InMemoryDecisionLog(batches: batches), inputs: world.inputs(objects), threads: 1)
            #expect(throws: DecisionError.self) { try replay.fold() }
        }
    }

    @Test func `reserved is settled plus released plus open, and counters say the same`() async throws {
        let (world, _, _, host) = try await loggedWorld()
        let sums = try await host.read { state in
            state.waves.values.map { wave in
                (wave.sum(\.contact), wave.sum(\.settled), wave.sum(\.released), wave.sum(\.open), wave.sum(\.counted))
            }
        }
        for (contact, settled, released, open, counted) in sums {
            #expect(contact == settled + released + open)
            #expect(contact == counted + released)
            #expect(settled > 0 && released > 0 && open > 0)
        }
        let before = try await DecisionWorld(seed: 21, subscribers: 70_000).host(campaigns: []).read {
            Self.total($0, world.month)
        }
        let after = try await host.read { Self.total($0, world.month) }
        #expect(after - before == sums.reduce(0) { $0 + $1.4 })
    }

    @Test func `a tick releases what never left and settles what left without an answer`() async throws {
        let (world, _, _, host) = try await loggedWorld()
        try await host.tick(LocalTime(instant: world.start.instant.adding(ms: 73 * 3_600_000), offsetSeconds: 28_800))
        let waves = try await host.read { Array($0.waves.values) }
        for wave in waves {
            #expect(wave.sum(\.open) == 0)
            #expect(wave.sum(\.contact) == wave.sum(\.settled) + wave.sum(\.released))
            #expect(wave.blocks[1].map { $0.released == $0.contact } == true, "block 1 never left")
        }
    }

    @Test func `what is stopped does not leave, what is paused waits`() async throws {
        let (world, _, _, host) = try await loggedWorld()
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        try await host.record([.campaignStatus(CampaignID(1), .paused)])
        #expect(
            try await host.handOff(wave, block: 1, range: 0..<65_536, at: world.start) { _ in true }.leaving.isEmpty
        )
        #expect(try await host.read { $0.waves[wave]?.blocks[1]?.open.isEmpty } == false)
        try await host.record([.campaignStatus(CampaignID(1), .stopped)])
        #expect(
            try await host.handOff(wave, block: 1, range: 0..<65_536, at: world.start) { _ in true }.leaving.isEmpty
        )
        #expect(try await host.read { $0.waves[wave]?.blocks[1]?.open.isEmpty } == true)
    }

    @Test func `an input that cannot be applied is refused before it is written`() async throws {
        let world = DecisionWorld(seed: 2, subscribers: 500)
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1)])
        let before = log.batches.count
        let noise = objects.put([1, 2, 3])
        let bad: [LogRecord] = [
            .campaignStatus(CampaignID(99), .paused), .policySet(revision: 2, file: noise),
            .campaignSet(CampaignID(2), revision: 1, file: noise), .historyLoaded(file: noise),
            .historyRemoved(file: noise),
            .listReplaced(ListID("black"), file: noise), .linesAssigned(base: 7, count: 1, file: noise),
            .policySet(revision: 2, file: .zero),
        ]
        for record in bad {
            await #expect(throws: (any Error).self, "\(record)") { try await host.record([record]) }
        }
        #expect(log.batches.count == before)
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 1)
        try replay.fold()
        #expect(replay.batches == before)
    }

    private static func total(_ state: DecisionState, _ month: LocalMonth) -> Int {
        (0..<UInt32(state.subscribers)).reduce(0) {
            $0 + state.ledger.count(SubscriberIndex($1), channel: .sms, month: month)
        }
    }
}
