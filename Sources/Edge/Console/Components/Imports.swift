// What imports of this session did, so that their report can be read again and its rejected lines downloaded.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Synchronization

/// A line of an imported file that was left out.
struct RejectedLine: Hashable, Sendable {
    /// Line in the file, from 1.
    var line: Int
    /// What stood there, masked like a number (SEC-04).
    var masked: String
    /// `list.bad_number` or `list.unknown_number`.
    var code: String
}

/// What an import did, and with which file.
struct ImportReport: Sendable {
    var file: String
    var list: ListID
    var counts: ListImport
    var rejects: [RejectedLine]

    /// Looks up in the file's text what stood on the rejected lines.
    init(file: String, text: String, list: ListID, counts: ListImport) {
        self.file = file
        self.list = list
        self.counts = counts
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        rejects = counts.rejects.map { reject in
            let line = lines.indices.contains(reject.line - 1) ? lines[reject.line - 1] : ""
            return RejectedLine(line: reject.line, masked: Self.masked(line), code: reject.code)
        }
    }

    /// The first cell of a line with its middle hidden; what is no number shows a quarter at each end at most.
    static func masked(_ line: Substring) -> String {
        let cell = line.split(omittingEmptySubsequences: false) { ",;\t".contains($0) }.first ?? ""
        let trimmed = cell.drop { $0 == "\u{FEFF}" || $0.isWhitespace || "\"'".contains($0) }
        let text = trimmed.prefix { !"\"'".contains($0) }
        if let number = MSISDN(normalising: text) { return number.masked }
        let shown = text.count / 4
        return text.prefix(min(3, shown)) + "****" + text.suffix(min(4, shown))
    }
}

/// The reports of imports, each for the session that made it.
final class Imports: Sendable {
    private struct Entry {
        var id: Int
        var session: String
        var report: ImportReport
    }

    /// Reports kept in memory; older ones are forgotten.
    private static let limit = 200
    private let entries = Mutex<[Entry]>([])

    /// Keeps a report.
    ///
    /// - Returns: The number its page and export are asked for by.
    func add(_ report: ImportReport, session: String) -> Int {
        entries.withLock { entries in
            let id = (entries.last?.id ?? 0) + 1
            if entries.count >= Self.limit { entries.removeFirst() }
            entries.append(Entry(id: id, session: session, report: report))
            return id
        }
    }

    /// A report of this session; nil for any other.
    func report(_ id: Int?, session: String?) -> ImportReport? {
        entries.withLock { $0.first { $0.id == id && $0.session == session }?.report }
    }
}
