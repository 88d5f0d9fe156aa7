// No answer before the sync: between the last write of a batch and its answer lies a sync of the same file.
// SPDX-License-Identifier: Apache-2.0

import CPowerCut
import DecisionHost
import InMemory
import TestSupport
import Testing

@Suite struct SyncOrderTests {
    /// The steps right before an answer.
    private static let committed: Set<ProtocolStep> = [
        .waveOpened, .waveSelected, .blocksCommitted, .waveClosed, .handOffCommitted, .feedbackCommitted,
        .reservationsCommitted,
    ]

    @Test func `between the last write of a batch and its answer lies a sync`() async throws {
        let disk = try PowerCutDisk()
        let unsynced = LockedValue<[ProtocolStep: Int]>([:])
        let script = LoopScript(
            world: DecisionWorld(seed: 5, subscribers: 67_000),
            limit: 400,
            requests: 60,
            objects: InMemoryObjects(),
            observe: { step in
                guard Self.committed.contains(step) else { return }
                let count = disk.unsynced
                unsynced.withLock { $0[step, default: 0] += count }
                disk.mark()
            }
        )
        let host = try script.host(disk.log())
        try await script.play(on: host, to: 2)
        let found = unsynced.withLock { $0 }
        #expect(found.count == Self.committed.count, "every kind of answer was given")
        #expect(found.values.allSatisfy { $0 == 0 }, "nothing is unsynced when an answer is given: \(found)")
        var answersAfterWrites = 0
        for events in disk.events.split(whereSeparator: { $0.kind == POWER_CUT_MARK }).dropLast() {
            guard let last = events.lastIndex(where: { $0.kind == POWER_CUT_WRITE }) else { continue }
            answersAfterWrites += 1
            let isSynced = events[last...].contains { $0.kind == POWER_CUT_SYNC && $0.file == events[last].file }
            #expect(isSynced, "file \(events[last].file) was not synced after its last write")
        }
        #expect(answersAfterWrites >= 30)
    }

    @Test func `on the real disk nothing is unsynced at an answer, folders and their names included`() async throws {
        let folder = try TemporaryFolder()
        let run = try await CrashRigProcess.run([
            folder.path, "--subscribers", "67000", "--limit", "400", "--cycles", "2", "--trace",
        ])
        #expect(run.exitCode == 0 && run.rest(of: "state") != nil, "\(run.lines)")
        #expect(!run.lines.contains { $0.hasPrefix("unsynced") }, "\(Set(run.lines))")
        let counts = (run.rest(of: "traced") ?? "").split(separator: " ").compactMap { Int($0) }
        try #require(counts.count == 2)
        print("system calls under the data directory: \(counts[0]) writes, \(counts[1]) syncs")
        #expect(counts[0] > 100 && counts[1] > 50, "the calls were seen")
    }
}
