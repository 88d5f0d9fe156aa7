// Erasure in the decision core: nobody who is erased is contacted, nothing of him is left, and the log still says the same.
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

@Suite struct ErasureTests {
    private let log = InMemoryDecisionLog()
    private let objects = InMemoryObjects()

    private func host(_ world: DecisionWorld) throws -> DecisionHost {
        try DecisionHost(
            log: log,
            objects: objects,
            inputs: world.inputs(objects),
            threads: 2,
            blocksPerCommit: 1
        )
    }

    private func explainer(_ world: DecisionWorld) -> Explainer {
        Explainer(log: log, inputs: world.inputs(objects), postings: InMemoryPostings(), rows: InMemoryWaveRows())
    }

    private func replay(_ world: DecisionWorld) throws -> Replay {
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: true)
        try replay.fold()
        return replay
    }

    private func wave(_ number: Int64) -> WaveID { WaveID(campaign: CampaignID(number), occurrence: 1) }

    private func outcome(_ wave: WaveID, _ index: UInt32) throws -> Outcome? {
        for batch in log.batches(for: LogKey(wave: wave.packed, block: Int32(index >> 16))) {
            guard case .waveBlock(_, _, let outcomes) = try LogRecord(decoding: batch.payload) else { continue }
            return try outcomes.outcome(at: Int(index & 0xFFFF))
        }
        return nil
    }

    /// A campaign for waves and for the counter; `limit` and control group make every place of the ranking matter.
    private func campaign(_ number: Int64, _ world: DecisionWorld, limit: Int) -> CampaignSpec {
        var spec = world.campaign(number, category: "c\(number)", limit: limit)
        spec.validTo = world.start.day.adding(days: 60)
        spec.touchpoints = [.counter]
        spec.controlPPM = 200_000
        spec.capacity = limit / 2
        return spec
    }

    private func request(_ number: Int, _ world: DecisionWorld, _ index: UInt32) -> OfferRequest {
        OfferRequest(
            request: UInt64(number),
            index: index,
            touchpoint: .counter,
            entrance: .inbound,
            at: world.start,
            limit: 2
        )
    }

    private func run(_ number: Int64, _ world: DecisionWorld, on host: DecisionHost) async throws {
        let spec = campaign(number, world, limit: 900)
        let day = LocalTime(
            instant: world.start.instant.adding(ms: (number - 1) * 5 * 86_400_000),
            offsetSeconds: world.start.offsetSeconds
        )
        try await host.record([
            .campaignSet(spec.id, revision: 1, file: objects.put(spec.canonicalJSON())),
            .poolSet(spec.id, file: objects.put(Bitset(full: world.subscribers).listFile)),
            .tick(day),
        ])
        // Requests come while the wave is selected and decided.
        async let summary = host.run(wave: wave(number), planned: day, audience: world.audience(percent: 80))
        for place in 0..<200 {
            let index = UInt32(place * 331 + Int(number) * 17)
            var request = request(Int(number) * 10_000 + place, world, index)
            request.at = day
            _ = try await host.answer(request)
        }
        _ = try await summary
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `after erasures nobody who is erased is contacted, the log folds and is decided again the same`(
        seed: UInt64
    ) async throws {
        var drawn = DecisionWorld(seed: seed, subscribers: 70_000)
        // Ties make the hash of the line id decide, which is destroyed.
        drawn.tiedPercent = seed % 2 == 0 ? 60 : 0
        let world = drawn
        let host = try host(world)
        try await host.record(world.setUp(objects, campaigns: []))
        try await run(1, world, on: host)
        for number in 0..<300 { _ = try await host.answer(request(number, world, UInt32(number * 200))) }
        try await host.keepCheckpoint(after: 1)
        // The last one that passed each cut, and somebody of every outcome.
        let (cuts, totals) = try await host.read { ($0.waves[wave(1)]?.cuts ?? [], $0.waves[wave(1)]?.totals) }
        try #require(cuts.count == 2)
        var erased = Set(cuts.map(\.index))
        var wanted = Set(Outcome.allCases)
        for index in UInt32(0)..<70_000 {
            guard let outcome = try outcome(wave(1), index), wanted.remove(outcome) != nil else { continue }
            erased.insert(index)
        }
        erased.formUnion((0..<20).map { UInt32($0 * 3_200) })
        let bystander = try #require((UInt32(0)..<70_000).first { !erased.contains($0) })
        let before = try explainer(world).explain(CampaignID(1), SubscriberIndex(bystander))
        let ids = try await host.read { [erased] state in erased.map { state.lines[Int($0)] } }

        try await host.erase(erased.sorted(), at: world.start)
        try await host.destroyErased()
        try await host.erase(erased.sorted(), at: world.start)
        try await host.destroyErased()
        let records = log.batches(for: LogKey(wave: 0, block: -3))
        #expect(records.count == 1, "who is erased is not erased again")

        // Those who were contacted stay back at the hand-off.
        let leaving = try await host.handOff(wave(1), block: 0, range: 0..<65_536, at: world.start) { _ in true }
        #expect(!leaving.leaving.contains { erased.contains($0.number) } && leaving.leaving.count > 20)
        let kept = leaving.drops.first { $0.outcome == .erased }
        #expect((kept?.members.count ?? 0) > 0, "whoever had passed was still to leave")

        try await run(2, world, on: host)
        let audience = world.audience(percent: 80)
        for index in erased {
            #expect(try outcome(wave(2), index) == (audience.contains(index) ? .erased : nil))
            #expect(try await host.answer(request(1 << 40 + Int(index), world, index)).offers.isEmpty)
            #expect(throws: DecisionError.erased(SubscriberIndex(index))) {
                try explainer(world).explain(CampaignID(1), SubscriberIndex(index))
            }
            #expect(throws: DecisionError.erased(SubscriberIndex(index))) {
                try explainer(world).history(of: SubscriberIndex(index))
            }
        }
        #expect(try explainer(world).explain(CampaignID(1), SubscriberIndex(bystander)) == before)
        #expect(try await host.read { $0.waves[wave(1)]?.totals } == totals, "what was counted stays")

        // A second erasure goes on from the files of the first.
        try await host.erase([bystander], at: world.start)
        try await host.destroyErased()
        erased.insert(bystander)

        let live = try await host.read { $0.stateSHA256() }
        let again = try replay(world)
        #expect(again.state.stateSHA256() == live && again.state.erased == erased)
        #expect(again.decisionsErased >= Int64(erased.count / 2))
        let restarted = try self.host(world)
        #expect(restarted.passedOver == [])
        #expect(try await restarted.read { $0.stateSHA256() } == live)
        #expect(try await restarted.read { $0.erased } == erased)

        // Verifying still finds what differs for others.
        var other = world
        other.scoreLevels = 17
        #expect(throws: DecisionError.self) { try replay(other) }

        try notThere(ids)
    }

    /// No file holds one of these line ids, as they are stored.
    private func notThere(_ ids: [Int64]) throws {
        let ids = Set(ids)
        for name in objects.names() {
            let bytes = try objects.bytes(name)
            guard bytes.count >= 8 else { continue }
            bytes.withUnsafeBytes { raw in
                for offset in stride(from: 0, through: raw.count - 8, by: 4) {
                    let value = Int64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: Int64.self))
                    if ids.contains(value) { Issue.record("line id in file \(name.hex) at \(offset)") }
                }
            }
        }
    }

    @Test func `nobody is erased while a wave is open, nor who is not there`() async throws {
        let world = DecisionWorld(seed: 9, subscribers: 1_000)
        let host = try host(world)
        let spec = world.campaign(1)
        try await host.record(world.setUp(objects, campaigns: [spec]))
        await #expect(throws: DecisionError.unknownSubscriber(SubscriberIndex(1_000))) {
            try await host.erase([1_000], at: world.start)
        }
        let opened = LogRecord.waveOpened(
            wave(1),
            planned: world.start,
            audience: objects.put(world.audience(percent: 50).listFile),
            policyRevision: 1,
            campaignRevision: 1
        )
        try await host.record([opened])
        await #expect(throws: DecisionError.waveOpen(wave(1))) { try await host.erase([3], at: world.start) }
        #expect(try await host.read { $0.erased.isEmpty })
    }

    @Test func `erased between the steps, a start finds the record and destroys the rest`() async throws {
        let world = DecisionWorld(seed: 10, subscribers: 70_000)
        let first = try host(world)
        try await first.record(world.setUp(objects, campaigns: []))
        try await run(1, world, on: first)
        try await first.keepCheckpoint(after: 1)
        let id = try await first.read { $0.lines[77] }
        try await first.erase([77], at: world.start)
        // The process ends here: the checkpoint of before still has his line id.
        let second = try host(world)
        #expect(try await second.read { $0.erased } == [77])
        #expect(try await second.read { $0.lines[77] } == 0)
        try await second.destroyErased()
        try notThere([id])
        #expect(try replay(world).state.stateSHA256() == (try await second.read { $0.stateSHA256() }))
    }
}
