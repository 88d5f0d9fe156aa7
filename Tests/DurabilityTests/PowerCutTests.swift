// Power cuts on a disk that loses, keeps or tears what was not synced.
// SPDX-License-Identifier: Apache-2.0

import CPowerCut
import DecisionHost
import Decisioning
import InMemory
import Kernel
import Ports
import TestSupport
import Testing

/// A script on a disk in memory, interrupted again and again, and everything that was ever told.
private final class CutDisk {
    let world: DecisionWorld
    let disk: PowerCutDisk
    private let limit: Int
    private let requests: Int
    private let objects = InMemoryObjects()
    private let told = LockedValue<[Told]>([])
    private var random: SeededRandom

    init(world: DecisionWorld, limit: Int, requests: Int, seed: UInt64) throws {
        self.world = world
        self.limit = limit
        self.requests = requests
        disk = try PowerCutDisk()
        random = SeededRandom(seed: seed)
    }

    func script(_ observe: @escaping @Sendable (ProtocolStep) -> Void = { _ in }) -> LoopScript {
        LoopScript(
            world: world,
            limit: limit,
            requests: requests,
            objects: objects,
            observe: observe,
            tell: { [told] entry in told.withLock { $0.append(entry) } }
        )
    }

    func audit(_ log: any DecisionLog, verifies: Bool) throws -> [String] {
        try DurabilityTests.audit(
            log,
            world: world,
            objects: objects,
            told: told.withLock { $0 },
            verifies: verifies
        )
    }

    /// Opens the log, audits it and plays on until the power goes; gives the state hash when the script came to its end.
    func playUntilCut(after operations: Int, cycles: Int) async throws -> (state: ContentHash?, problems: [String]) {
        disk.cut(after: operations)
        var problems: [String] = []
        var state: ContentHash?
        do {
            let log = try disk.log()
            problems = try audit(log, verifies: random.next() % 8 == 0)
            let script = script()
            let host = try script.host(log)
            try await script.play(on: host, to: cycles)
            state = try await host.read { $0.account() }
        } catch {
            guard disk.isOff else { throw error }
        }
        disk.restart(seed: random.next())
        return (state, problems)
    }

    /// How many operations the disk lives on: mostly some commits, sometimes hardly the opening of the log.
    func nextCut() -> Int {
        Int.random(in: 1...(random.next() % 4 == 0 ? 12 : 300), using: &random)
    }
}

@Suite struct PowerCutTests {
    private static let cuts = isLong ? 1_000 : 300
    private static let cycles = 4
    private static let (limit, requests) = (150, 40)

    @Test func `power cuts lose nothing that was told and double nothing`() async throws {
        let seed = UInt64.random(in: 1...UInt64(UInt32.max))
        // Mostly a small operator; every 32nd has two blocks, so that commits span partitions.
        let worlds = [2_000, 67_000].map { DecisionWorld(seed: seed, subscribers: $0) }
        var references: [Reference] = []
        for world in worlds {
            let reference = try await Reference(
                world: world,
                limit: Self.limit,
                requests: Self.requests,
                cycles: Self.cycles
            )
            #expect(reference.problems.isEmpty, "seed \(seed): \(reference.problems.prefix(5))")
            references.append(reference)
        }
        var (cuts, disks) = (0, 0)
        var (kept, dropped, torn) = (0, 0, 0)
        while cuts < Self.cuts {
            let size = disks % 32 == 31 ? 1 : 0
            let diskSeed = seed &+ UInt64(disks)
            let cut = try CutDisk(world: worlds[size], limit: Self.limit, requests: Self.requests, seed: diskSeed)
            var state: ContentHash?
            while state == nil {
                var problems: [String]
                (state, problems) = try await cut.playUntilCut(after: cut.nextCut(), cycles: Self.cycles)
                cuts += state == nil ? 1 : 0
                try #require(problems.isEmpty, "seeds \(seed), \(diskSeed), cut \(cuts): \(problems.prefix(5))")
            }
            disks += 1
            #expect(state == references[size].state, "seeds \(seed), \(diskSeed)")
            let problems = try cut.audit(cut.disk.log(), verifies: true)
            #expect(problems.isEmpty, "seeds \(seed), \(diskSeed), at the end: \(problems.prefix(5))")
            kept += Int(cut.disk.losses.kept)
            dropped += Int(cut.disk.losses.dropped)
            torn += Int(cut.disk.losses.torn)
        }
        print("power cuts: seed \(seed), \(cuts) on \(disks) disks")
        print("of what was not synced: \(kept) writes kept, \(dropped) lost, \(torn) torn")
        #expect(dropped > cuts / 2 && torn > cuts / 2, "the cuts really lose something")
    }

    @Test func `a disk that only says it synced is found out`() async throws {
        let world = DecisionWorld(seed: 77, subscribers: 2_000)
        var isFound = false
        for attempt in UInt64(0)..<20 where !isFound {
            let cut = try CutDisk(world: world, limit: 100, requests: 20, seed: attempt)
            cut.disk.lie()
            do {
                for _ in 0..<3 {
                    let (_, problems) = try await cut.playUntilCut(after: 250, cycles: 2)
                    isFound = isFound || !problems.isEmpty
                }
            } catch {
                isFound = true
            }
        }
        #expect(isFound, "the checks above would notice a missing sync")
    }
}
