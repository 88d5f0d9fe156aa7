// A full disk, a disk that fails, a folder that cannot be written: refused with a typed error, undone, and working
// again when the disk does.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import Glibc
import InMemory
import Kernel
import Model
import ObjectFiles
import Ports
import SQLiteStore
import TestSupport
import Testing

/// How a disk fails.
enum DiskFailure: CaseIterable, Sendable {
    case full, writeError, syncError

    /// Operations of the kind in some commits.
    var some: Int { self == .syncError ? 40 : 150 }

    var fault: PowerCutDisk.Fault {
        switch self {
        case .full: .writes(code: 13)  // SQLITE_FULL
        case .writeError: .writes(code: 10 | 3 << 8)  // SQLITE_IOERR_WRITE
        case .syncError: .syncs
        }
    }
}

@Suite struct FailingDiskTests {
    private static let world = DecisionWorld(seed: 31, subscribers: 67_000)
    private static let (limit, requests, cycles) = (200, 30, 2)

    @Test(arguments: DiskFailure.allCases)
    func `a host on a disk that fails refuses, undoes, and goes on when the disk does`(
        _ failure: DiskFailure
    ) async throws {
        let reference = try await Reference(
            world: Self.world,
            limit: Self.limit,
            requests: Self.requests,
            cycles: Self.cycles
        )
        var refusals = 0
        for seed in UInt64(0)..<(isLong ? 60 : 8) {
            var random = SeededRandom(seed: seed)
            let (disk, objects) = (try PowerCutDisk(), InMemoryObjects())
            let told = LockedValue<[Told]>([])
            let script = LoopScript(
                world: Self.world,
                limit: Self.limit,
                requests: Self.requests,
                objects: objects,
                tell: { entry in told.withLock { $0.append(entry) } }
            )
            let log = try disk.log()
            let host = try script.host(log)
            var isDone = false
            for _ in 0..<12 where !isDone {
                // From one operation to all: those of the repair fail as well.
                let counts = [1, 2, 5, 1_000_000]
                disk.fail(
                    failure.fault,
                    skip: Int.random(in: 0..<failure.some, using: &random),
                    count: counts[Int.random(in: 0..<4, using: &random)]
                )
                do {
                    try await script.play(on: host, to: Self.cycles)
                    isDone = true
                } catch let error as DecisionHostError {
                    refusals += 1
                    #expect(error.code == "decision.read_only")
                }
                disk.mend()
                let (state, end) = try await host.read { ($0.stateSHA256(), $0.sequence) }
                let replay = Replay(log: log, inputs: Self.world.inputs(objects), threads: 2)
                try replay.fold()
                #expect(try log.position().sequence == end, "seed \(seed): log and state end at the same batch")
                #expect(replay.state.stateSHA256() == state, "seed \(seed): what failed is undone")
            }
            try await script.play(on: host, to: Self.cycles)
            #expect(try await host.read { $0.account() } == reference.state, "seed \(seed)")
            disk.restart(seed: seed)
            let problems = try audit(disk.log(), world: Self.world, objects: objects, told: told.withLock { $0 })
            #expect(problems.isEmpty, "seed \(seed): \(problems.prefix(5))")
        }
        print("failing disk (\(failure)): \(refusals) commands refused")
        #expect(refusals > 20)
    }

    @Test func `a file that may not grow refuses commands, and when it may, all ends as if nothing had been`()
        async throws
    {
        let (seed, cycles) = (UInt64(9), 2)
        let world = DecisionWorld(seed: seed, subscribers: 67_000)
        let reference = try await Reference(world: world, limit: 400, requests: 64, cycles: cycles)
        var codes: Set<String> = []
        for limit in [4_096, 850_000, 1_000_000, 1_200_000] {
            let folder = try TemporaryFolder()
            let run = try await CrashRigProcess.run([
                folder.path, "--seed", "\(seed)", "--subscribers", "67000", "--limit", "400", "--cycles", "\(cycles)",
                "--file-limit", "\(limit)",
            ])
            #expect(run.exitCode == 0 && run.rest(of: "state") == reference.state.hex, "\(limit): \(run.lines)")
            for line in run.lines where line.hasPrefix("refused") {
                codes.insert(String(line.split(separator: " ")[1]))
            }
            let objects = try ObjectFiles(folder: folder.path + "/objects")
            let log = try SQLiteDecisionLog(folder: folder.path + "/log")
            #expect(try audit(log, world: world, objects: objects, told: run.told).isEmpty)
        }
        #expect(codes == ["objects.io", "decision.read_only"], "files and log are refused with a code")
    }

    @Test func `a folder that may not be written is named in a typed error`() async throws {
        let folder = try TemporaryFolder()
        for name in ["log", "objects"] {
            try FileManager.default.createDirectory(atPath: folder.path + "/" + name, withIntermediateDirectories: true)
        }
        _ = try SQLiteDecisionLog(folder: folder.path + "/log")
        for mode in [0o555, 0o000] as [mode_t] {
            for name in ["log", "objects"] { chmod(folder.path + "/" + name, mode) }
            defer { for name in ["log", "objects"] { chmod(folder.path + "/" + name, 0o755) } }
            let run = try await CrashRigProcess.run([folder.path, "--as-nobody"])
            let log = run.lines.first { $0.hasPrefix("refused log log.io") }
            #expect(log?.contains(folder.path + "/log") == true, "\(run.lines)")
            let objects = run.lines.first { $0.hasPrefix("refused objects objects.io") }
            #expect(objects?.contains(folder.path + "/objects") == true, "\(run.lines)")
        }
    }
}
