// kill -9 at every step of the protocol and at random times: nothing is lost, doubled or over a cap.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Kernel
import ObjectFiles
import SQLiteStore
import TestSupport
import Testing

/// A data directory on which crash-rig is killed again and again, and everything it ever told.
private struct KilledDirectory {
    private static let subscribers = 140_000  // three blocks
    private static let limit = 400
    private static let requests = 1_200

    let world: DecisionWorld
    private let folder: TemporaryFolder
    private var told: [Told] = []

    init(seed: UInt64) throws {
        world = DecisionWorld(seed: seed, subscribers: Self.subscribers)
        folder = try TemporaryFolder()
    }

    /// The last cycle that began.
    var lastCycle: Int {
        told.map { if case .recorded(let cycle) = $0 { cycle } else { 0 } }.max() ?? 0
    }

    /// Runs crash-rig once more and audits what it left.
    mutating func run(_ arguments: [String], cycles: Int, killAfterMs: Double? = nil) async throws -> CrashRigRun {
        let settings = [
            folder.path, "--seed", "\(world.seed)", "--subscribers", "\(Self.subscribers)", "--limit", "\(Self.limit)",
            "--requests", "\(Self.requests)", "--cycles", "\(cycles)",
        ]
        let run = try await CrashRigProcess.run(settings + arguments, killAfterMs: killAfterMs)
        told += run.told
        #expect(run.wasKilled || run.exitCode == 0, "\(run.lines)")
        let objects = try ObjectFiles(folder: folder.path + "/objects")
        let problems = try audit(
            SQLiteDecisionLog(folder: folder.path + "/log"),
            world: world,
            objects: objects,
            told: told
        )
        let place = "seed \(world.seed), after \(arguments) \(killAfterMs ?? 0) ms"
        #expect(problems.isEmpty, "\(place): \(problems.prefix(5))")
        return run
    }

    /// Lets crash-rig finish undisturbed and compares with a run that never was interrupted.
    mutating func finish(cycles: Int) async throws {
        let run = try await run([], cycles: cycles)
        let reference = try await Reference(
            world: world,
            limit: Self.limit,
            requests: Self.requests,
            cycles: cycles
        )
        #expect(reference.problems.isEmpty, "seed \(world.seed): \(reference.problems.prefix(5))")
        #expect(run.rest(of: "state") == reference.state.hex, "seed \(world.seed)")
        for case .ran(let cycle, let outcome) in told {
            #expect(outcome == reference.outcomes[cycle], "seed \(world.seed), wave of cycle \(cycle)")
        }
    }
}

@Suite(.serialized) struct KillTests {
    /// Kills at each named step; with ``isLong`` also when it comes by for the second, third and fourth time.
    private static let rounds = isLong ? 4 : 1
    /// Kills at random times, in rounds: together with the 15 steps 27, with ``isLong`` 516.
    private static let randomRounds = isLong ? (count: 12, kills: 38) : (count: 1, kills: 12)

    @Test(arguments: 1...rounds) func `killed at every step of the protocol, a wave ends as if it never was`(
        occurrence: Int
    ) async throws {
        var directory = try KilledDirectory(seed: UInt64(500 + occurrence))
        for step in ProtocolStep.allCases {
            let cycles = directory.lastCycle + occurrence + 1
            let run = try await directory.run(["--kill", step.rawValue, "\(occurrence)"], cycles: cycles)
            #expect(run.wasKilled, "\(step) came by \(occurrence) times")
        }
        try await directory.finish(cycles: directory.lastCycle + 1)
        print("kill -9: seed \(directory.world.seed), at each of \(ProtocolStep.allCases.count) steps")
    }

    @Test func `killed at random times, mostly inside a batch, everything told is still so`() async throws {
        var (kills, inside) = (0, 0)
        for round in 0..<Self.randomRounds.count {
            let seed = UInt64.random(in: 1...UInt64(UInt32.max))
            var random = SeededRandom(seed: seed)
            var directory = try KilledDirectory(seed: seed)
            _ = try await directory.run([], cycles: 1)
            // Chance, or a machine that is busy, may spare the batches: others make up for it.
            var left = Self.randomRounds.kills
            while left > 0 || (inside * 2 < kills && left > -3 * Self.randomRounds.kills) {
                left -= 1
                let ms = Double(UInt64.random(in: 0...250_000, using: &random)) / 1_000
                let run = try await directory.run([], cycles: 1_000, killAfterMs: ms)
                #expect(run.wasKilled)
                kills += 1
                inside += run.endedInsideBatch ? 1 : 0
            }
            try await directory.finish(cycles: directory.lastCycle + 1)
            print("kill -9: round \(round), seed \(seed), \(directory.lastCycle) cycles")
        }
        print("kill -9: \(kills) at random times, \(inside) of them inside a batch")
        #expect(inside * 2 >= kills, "only \(inside) of \(kills) hit a batch")
    }
}
