// The disk in memory that loses what was not synced, as the tests use it.
// SPDX-License-Identifier: Apache-2.0

import CPowerCut
import Foundation
import SQLiteStore

/// A disk with a log on it; see CPowerCut.h.
final class PowerCutDisk: @unchecked Sendable {
    /// What a fault hits.
    enum Fault {
        case writes(code: Int32)
        case syncs
    }

    private let disk: OpaquePointer
    private let name: String
    private let folder: String

    struct NotRegistered: Error {}

    init() throws {
        name = "power-cut-" + UUID().uuidString
        guard let disk = power_cut_create(name) else { throw NotRegistered() }
        self.disk = disk
        // Only the folder is made on a real disk; nothing is written to it.
        let memory = "/dev/shm"
        let isThere = FileManager.default.isWritableFile(atPath: memory)
        folder = (isThere ? memory : FileManager.default.temporaryDirectory.path) + "/" + name
    }

    deinit {
        power_cut_destroy(disk)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Opens the log on the disk, with small segments and frequent checkpoints.
    func log(segmentBytes: Int = 400_000, checkpointPages: Int = 12) throws -> SQLiteDecisionLog {
        try SQLiteDecisionLog(
            folder: folder,
            segmentBytes: segmentBytes,
            checkpointPages: checkpointPages,
            vfs: name
        )
    }

    /// Cuts the power at the n-th operation from now that changes the disk.
    func cut(after operations: Int) { power_cut_after(disk, Int64(operations)) }
    var isOff: Bool { power_cut_is_off(disk) != 0 }
    /// Decides what becomes of what is not synced, and turns the power on again.
    func restart(seed: UInt64) { power_cut_restart(disk, seed) }
    /// Makes syncs report success without doing anything.
    func lie() { power_cut_lie(disk, 1) }

    /// Makes `count` operations fail after `skip` of them.
    func fail(_ fault: Fault, skip: Int, count: Int) {
        let ioErrorOnSync: Int32 = 10 | 4 << 8  // SQLITE_IOERR_FSYNC
        switch fault {
        case .writes(let code): power_cut_fail(disk, Int32(POWER_CUT_WRITES), code, Int64(skip), Int64(count))
        case .syncs: power_cut_fail(disk, Int32(POWER_CUT_SYNCS), ioErrorOnSync, Int64(skip), Int64(count))
        }
    }

    /// No more faults.
    func mend() { power_cut_fail(disk, 0, 0, 0, 0) }

    var operations: Int { Int(power_cut_operations(disk)) }
    var unsynced: Int { Int(power_cut_unsynced(disk)) }
    var losses: power_cut_losses { power_cut_lost(disk) }
    func mark() { power_cut_mark(disk) }

    var events: [power_cut_event] {
        let count = Int(power_cut_events(disk, nil, 0))
        return [power_cut_event](unsafeUninitializedCapacity: count) { buffer, initialised in
            initialised = min(count, Int(power_cut_events(disk, buffer.baseAddress, Int64(count))))
        }
    }
}
