// What imports of this session did, so that their report can be read again and its rejected lines downloaded.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Synchronization

/// What an import did, and with which file.
struct ImportReport: Sendable {
    var file: String
    var list: ListID
    var mode: ListImportMode
    var done: ListImport
}

/// What became of the rows of a list that made a segment.
struct SegmentImport: Sendable {
    var file: String
    var segment: Int64
    var report: MemberReport
}

/// The reports of imports, each for the session that made it.
final class Imports<Report: Sendable>: Sendable {
    private struct Entry {
        var id: Int
        var session: String
        var report: Report
    }

    /// Reports kept in memory; older ones are forgotten.
    private let limit = 200
    private let entries = Mutex<[Entry]>([])

    /// Keeps a report.
    ///
    /// - Returns: The number its page and export are asked for by.
    func add(_ report: Report, session: String) -> Int {
        entries.withLock { entries in
            let id = (entries.last?.id ?? 0) + 1
            if entries.count >= limit { entries.removeFirst() }
            entries.append(Entry(id: id, session: session, report: report))
            return id
        }
    }

    /// A report of this session; nil for any other.
    func report(_ id: Int?, session: String?) -> Report? {
        entries.withLock { $0.first { $0.id == id && $0.session == session }?.report }
    }
}
