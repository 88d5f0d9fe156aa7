// Checkpoints: a start from one gives what folding the whole log gives, and goes on the same way.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct CheckpointTests {
    private let world = DecisionWorld(seed: 29, subscribers: 70_000)
    private let log = InMemoryDecisionLog()
    private let objects = InMemoryObjects()

    private var script: LoopScript { LoopScript(world: world, limit: 3_000, requests: 400, objects: objects) }

    private func whole() throws -> Replay {
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2)
        try replay.fold()
        return replay
    }

    private func restarted() throws -> Replay {
        let replay = try Replay(fromCheckpointOf: log, inputs: world.inputs(objects), threads: 2)
        try replay.fold()
        return replay
    }

    /// Everything a state holds, as the name of the checkpoint it would keep; the hash of the state covers less.
    private func contents(_ replay: Replay) throws -> Checkpoint {
        try replay.state.checkpoint(at: replay.builder.position, after: nil, threads: 1, in: InMemoryObjects())
    }

    @Test func `a start from a checkpoint gives the state of the whole log, cycle after cycle`() async throws {
        // Each cycle plays on a host that began at the checkpoint of the one before.
        for cycle in 1...4 {
            let host = try script.host(log)
            #expect(host.passedOver == [])
            try await script.play(on: host, to: cycle)
            let (all, some) = (try whole(), try restarted())
            #expect(some.checkpoint != nil)
            #expect(some.batches < 6, "of \(all.batches)")
            #expect(some.state.stateSHA256() == all.state.stateSHA256())
            #expect(try contents(some) == contents(all), "also what the hash leaves out")
            #expect(some.builder.position == all.builder.position)
        }
        let reference = InMemoryDecisionLog()
        let other = InMemoryObjects()
        let undisturbed = LoopScript(world: world, limit: 3_000, requests: 400, objects: other)
        let host = try undisturbed.host(reference)
        try await undisturbed.play(on: host, to: 4)
        #expect(try await host.read { $0.account() } == restarted().state.account())
    }

    @Test func `contacts that moved to another month are still there after a start from a checkpoint`() async throws {
        let host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1)])
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        _ = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 50))
        let december = LocalTime(
            instant: world.start.instant.adding(ms: 30 * 86_400_000),
            offsetSeconds: world.start.offsetSeconds
        )
        _ = try await host.handOff(wave, block: 0, range: 0..<30_000, at: december) { _ in true }
        try await host.keepCheckpoint(after: 1)
        let again = try script.host(log)
        for host in [host, again] {
            let hash = try await host.read { state in
                (state.stateSHA256(), state.waves[wave]?.blocks[0]?.moved.map(\.month))
            }
            #expect(hash.0 == (try whole().state.stateSHA256()))
            #expect(hash.1 == [december.month])
        }
        let left = try #require(try await again.read { $0.waves[wave]?.blocks[0]?.handedOff.count })
        #expect(left > 0)
    }

    @Test func `unchanged blocks are kept and files of the checkpoint before are removed`() async throws {
        let host = try script.host(log)
        try await script.play(on: host, to: 1)
        try await host.keepCheckpoint(after: 1)
        let files = objects.count
        // One subscriber of block 0 gets one contact: block 1 stays as it is.
        let reservation = SingleReservation(
            request: 9_999_999,
            index: 17,
            channel: .website,
            month: world.start.month,
            campaign: CampaignID(1)
        )
        _ = try await host.reserve(reservation, on: world.start.day)
        try await host.keepCheckpoint(after: 1)
        #expect(objects.count == files, "two new files for two old ones")
        #expect(try restarted().state.stateSHA256() == whole().state.stateSHA256())
        try await host.keepCheckpoint(after: 1_000)
        #expect(try restarted().batches == 1, "too little has happened for another one")
    }

    @Test func `a checkpoint with a missing or damaged file is passed over and named`() async throws {
        let host = try script.host(log)
        try await script.play(on: host, to: 1)
        let files = try #require(try restarted().checkpoint)
        let block = try objects.bytes(files.parts[4])
        objects.remove(files.parts[4])
        let without = try restarted()
        #expect(without.checkpoint == nil)
        #expect(without.passedOver.count == 1 && without.passedOver[0].hasPrefix("checkpoint at "))
        #expect(without.state.stateSHA256() == (try whole().state.stateSHA256()))
        #expect(objects.put(block) == files.parts[4])
        #expect(try restarted().checkpoint == files)
    }
}
