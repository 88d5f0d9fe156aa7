// A load as the list of loads knows it, and the copy of it beside the Parquet files (`_load.json`).
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Ports

/// What the store gets to know of a load; also kept beside its Parquet files, should the store not get it.
struct LoadEntry: LoadMark {
    static let file = "_load.json"
    /// What the audit log calls a load, and acts on it.
    static let object = "load/"
    static let (loading, removal) = (ControlPlaneChecks.loadChanges[0], ControlPlaneChecks.loadChanges[1])

    var record: LoadRecord
    var who: String
    /// What types the attributes of a load of subscribers.
    var catalogue: AttributeCatalogue?

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

    var audit: AuditEntry {
        AuditEntry(at: record.at, who: who, action: Self.loading, object: Self.object + record.id, detail: record.file)
    }
}
