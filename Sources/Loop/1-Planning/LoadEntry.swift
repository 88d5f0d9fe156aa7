// A load as the list of loads knows it, and the copy of it beside the Parquet files (`_load.json`).
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Ports

/// What the store gets to know of a load; also kept beside its Parquet files, should the store not get it.
struct LoadEntry: Codable, Sendable {
    private static let file = "/_load.json"

    var record: LoadRecord
    var who: String

    init(_ source: any TableSource, _ counts: LoadCounts, by who: String, at now: Instant) {
        record = LoadRecord(
            id: source.loadID,
            at: now,
            file: source.name,
            table: source.table,
            rows: counts.rows,
            loaded: counts.loaded,
            rejected: counts.rejected,
            folder: source.folder
        )
        self.who = who
    }

    /// Reads the entry in the folder of a load; nil when there is none.
    init?(from folder: String) {
        guard let data = FileManager.default.contents(atPath: folder + Self.file),
            let entry = try? JSONDecoder().decode(LoadEntry.self, from: data)
        else { return nil }
        self = entry
    }

    var audit: AuditEntry {
        AuditEntry(at: record.at, who: who, action: "load", object: "load/\(record.id)", detail: record.file)
    }

    /// Writes and syncs the entry.
    func write(to folder: String) throws {
        let url = URL(filePath: folder + Self.file)
        try Data(canonicalJSON()).write(to: url)
        let handle = try FileHandle(forUpdating: url)
        try handle.synchronize()
        try handle.close()
    }
}
