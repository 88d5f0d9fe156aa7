// The host after failures: what memory says and what the log says stay the same.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Glibc
import InMemory
import Kernel
import Model
import ObjectFiles
import Ports
import SQLiteStore
import TestSupport
import Testing

@Suite struct HostRecoveryTests {
    private static let world = DecisionWorld(seed: 4, subscribers: 3_000)

    /// What a host over the same log knows after a restart.
    private func folded(
        _ log: any DecisionLog,
        _ world: DecisionWorld,
        _ objects: any ObjectStore
    ) throws -> ContentHash {
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 1)
        try replay.fold()
        return replay.state.stateSHA256()
    }

    private func reservation(_ request: UInt64, _ index: UInt32) -> SingleReservation {
        SingleReservation(
            request: request,
            index: index,
            channel: .website,
            month: Self.world.month,
            campaign: CampaignID(1)
        )
    }

    @Test func `a request that is repeated is logged once, open or concluded`() async throws {
        let (world, log, objects) = (Self.world, InMemoryDecisionLog(), InMemoryObjects())
        let host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1)])
        let day = world.start.day
        let free = try await host.read { state in
            (0..<UInt32(world.subscribers)).first {
                state.ledger.count(SubscriberIndex($0), channel: .website, month: world.month) == 0
            }
        }
        let first = reservation(1, try #require(free))
        for _ in 0..<3 { #expect(try await host.reserve(first, on: day) == .reserved) }
        _ = try await host.conclude(SingleConclusion(request: 1, index: first.index, isSettled: false))
        for _ in 0..<2 { #expect(try await host.reserve(first, on: day) == .reserved) }
        let problems = try audit(log, world: world, objects: objects, told: [])
        #expect(problems.isEmpty, "\(problems)")
        #expect(try await host.read { $0.stateSHA256() } == folded(log, world, objects))
    }

    @Test func `a conclusion under a wrong index ends the reservation after a restart too`() async throws {
        let world = DecisionWorld(seed: 4, subscribers: 140_000)
        let (log, objects) = (SlowLog(), InMemoryObjects())
        let host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1)])
        let day = world.start.day
        let free = try await host.read { state in
            (131_072..<UInt32(world.subscribers)).filter {
                state.ledger.count(SubscriberIndex($0), channel: .website, month: world.month) == 0
            }.prefix(2)
        }
        let (first, second) = (reservation(1, try #require(free.first)), reservation(2, try #require(free.last)))
        // While the first is written, the second is reserved and concluded: both end up in the next commit, where the
        // conclusion's partition must not come before the reservation's.
        log.isHeld.withLock { $0 = true }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await host.reserve(first, on: day) }
            while !log.isWaiting.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
            group.addTask { _ = try await host.reserve(second, on: day) }
            try await Task.sleep(for: .milliseconds(50))
            group.addTask { _ = try await host.conclude(SingleConclusion(request: 2, index: 1, isSettled: false)) }
            try await Task.sleep(for: .milliseconds(50))
            log.isHeld.withLock { $0 = false }
            try await group.waitForAll()
        }
        #expect(log.commits.withLock { $0.suffix(2) } == [1, 2], "reservation and conclusion share a commit")
        #expect(try await host.read { $0.stateSHA256() } == folded(log, world, objects))
    }

    @Test func `a log folds to the same state whatever time zone the machine is set to`() async throws {
        let folder = try TemporaryFolder()
        let world = DecisionWorld(seed: 5, subscribers: 3_000)
        func run(in zone: String) async throws -> CrashRigRun {
            try await CrashRigProcess.run([
                folder.path, "--seed", "5", "--subscribers", "3000", "--limit", "200", "--requests", "60", "--cycles",
                "2", "--zone", zone,
            ])
        }
        let reference = try await Reference(world: world, limit: 200, requests: 60, cycles: 2)
        let played = try await run(in: "Asia/Shanghai")
        #expect(played.rest(of: "state") == reference.state.hex)
        let log = try SQLiteDecisionLog(folder: folder.path + "/log")
        let hash = try folded(log, world, ObjectFiles(folder: folder.path + "/objects"))
        for zone in ["Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns", "UTC"] {
            let opened = try await run(in: zone)
            #expect(opened.rest(of: "hash") == hash.hex && opened.rest(of: "state") == reference.state.hex, "\(zone)")
        }
    }

    @Test func `blocks decided beside a commit that fails are taken back with it`() async throws {
        let world = DecisionWorld(seed: 8, subscribers: 300_000)
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let decided = LockedValue(0)
        let observe: @Sendable (ProtocolStep) -> Void = { step in
            guard step == .blocksDecided else { return }
            let count = decided.withLock { count in
                count += 1
                return count
            }
            // The first block's write fails; the second is decided beside it.
            if count == 1 { log.failNextAppend() }
        }
        let script = LoopScript(world: world, limit: 4_000, requests: 10, objects: objects, observe: observe)
        let host = try script.host(log)
        await #expect(throws: DecisionHostError.self) { try await script.play(on: host, to: 1) }
        let state = try await host.read { $0.stateSHA256() }
        #expect(try state == folded(log, world, objects), "no counter stays raised")
        try await script.play(on: host, to: 1)
        let reference = try await Reference(world: world, limit: 4_000, requests: 10, cycles: 1)
        #expect(try await host.read { $0.account() } == reference.state)
    }
}

/// A log in memory whose appends wait while it is held.
private final class SlowLog: DecisionLog {
    let isHeld = LockedValue(false)
    let isWaiting = LockedValue(false)
    /// Batches of each append.
    let commits = LockedValue<[Int]>([])
    private let log = InMemoryDecisionLog()

    func append(_ batches: [LogBatch]) throws {
        while isHeld.withLock({ $0 }) {
            isWaiting.withLock { $0 = true }
            usleep(500)
        }
        try log.append(batches)
        commits.withLock { $0.append(batches.count) }
    }

    func position() throws -> LogPosition { log.position() }

    func read(from sequence: Int64, _ body: (LogBatch) throws -> Void) throws { try log.read(from: sequence, body) }

    func batches(for key: LogKey) throws -> [LogBatch] { log.batches(for: key) }

    func batches(at sequences: [Int64]) throws -> [LogBatch] { log.batches(at: sequences) }

    func read(chain: LogChain?, from sequence: Int64, withKeys: Bool, _ body: (LogBatch) throws -> Void) throws {
        try log.read(chain: chain, from: sequence, withKeys: withKeys, body)
    }
}
