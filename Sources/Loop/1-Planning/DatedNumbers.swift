// Which line had which MSISDN and IMSI from which day to which: written beside each load of subscribers.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Ports

/// The dated numbers of a load, in `numbers/` in its folder (view `line_number`, DESIGN section 4), and those valid now.
struct DatedNumbers: Sendable {
    let folders: LoadFolders

    private func folder(_ load: String) -> String { "subscriber/\(load)/numbers" }

    /// All dated numbers of a load as a table expression.
    func rows(ofLoad load: String) throws -> String { try folders.rows(in: [folder(load)]) }

    /// Writes the numbers of a load that follows the `live` one.
    ///
    /// What the load no longer says ends on the day of the load, what is new begins on it; a load without IMSIs says
    /// nothing of them.
    func write(_ source: any TableSource, after live: String?, on today: LocalDay) async throws {
        let day = "DATE '\(today.iso)'"
        let lines = try folders.rows(in: [source.folder])
        let kinds = ["msisdn", "imsi"].filter { kind in source.fields.contains { $0.name == kind } }
        let current = kinds.map { kind in
            "SELECT '\(kind)' AS kind, \(kind) AS number, idx FROM \(lines) WHERE \(kind) IS NOT NULL"
        }
        .joined(separator: " UNION ALL ")
        let loaded = kinds.map { "'\($0)'" }.joined(separator: ", ")
        let begun = "SELECT kind, number, idx, \(day) AS from_day, CAST(NULL AS DATE) AS to_day"
        var sql = "\(begun) FROM (\(current))"
        if let live {
            sql = """
                WITH now AS (\(current)), known AS (SELECT * FROM \(try rows(ofLoad: live)))
                SELECT * FROM known WHERE to_day IS NOT NULL
                UNION ALL SELECT kind, number, idx, from_day, CASE WHEN now.idx IS NULL THEN \(day) END
                    FROM known LEFT JOIN now USING (kind, number, idx) WHERE to_day IS NULL AND kind IN (\(loaded))
                UNION ALL SELECT * FROM known WHERE to_day IS NULL AND kind NOT IN (\(loaded))
                UNION ALL \(begun) FROM now ANTI JOIN (SELECT * FROM known WHERE to_day IS NULL) AS old
                    USING (kind, number, idx)
                """
        }
        let folder = folder(source.loadID)
        try FileManager.default.createDirectory(atPath: folders.path(folder), withIntermediateDirectories: true)
        // One line's numbers stand together, and are found by the statistics of row groups.
        try await folders.export("SELECT * FROM (\(sql)) ORDER BY kind, idx, from_day, to_day", to: folder)
    }

    /// The MSISDN of every subscriber of a load that has `lines` of them.
    func current(ofLoad load: String, lines: Int) async throws -> NumberIndex {
        let folder = "subscriber/\(load)"
        let numbers = try await folders.reading(folder) {
            try await folders.read(["msisdn"], of: folder, into: [Int64]()) { numbers, batch in
                if numbers.isEmpty { numbers.reserveCapacity(lines) }
                numbers += try batch.integers(1)
            }
        }
        guard numbers.count == lines else {
            let cause = "they hold \(numbers.count) lines instead of \(lines)"
            throw LoadingError.damaged(folder: folders.path(folder), cause: cause)
        }
        return NumberIndex(numbers: numbers)
    }
}
