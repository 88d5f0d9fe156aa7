// Counting and writing of the rejected rows of one load, and the limit on them.
// SPDX-License-Identifier: Apache-2.0

/// Notes rejected rows.
struct RejectLog {
    private let file: String
    private let rejectPath: String
    private let maximum: Int
    private let progress: LoadProgress
    private let rejectFile: RejectFile
    private(set) var rows = 0
    private var rejected = 0

    /// Starts with no rows; `maximum` is the largest share of rejected rows, in hundredths of a percent.
    init(file: String, rejectPath: String, maximum: Int, progress: LoadProgress) throws {
        self.file = file
        self.rejectPath = rejectPath
        self.maximum = maximum
        self.progress = progress
        rejectFile = try RejectFile(rejectPath)
    }

    mutating func accept() { rows += 1 }

    mutating func reject(
        line: Int,
        column: String?,
        value: [UInt8],
        _ refusal: Refusal,
        raw: [UInt8]
    ) throws {
        rows += 1
        rejected += 1
        let text = String(decoding: value.prefix(Reject.valueLimit * 4), as: UTF8.self)
        let reject = Reject(
            line: line,
            column: column,
            value: text.count > Reject.valueLimit ? text.prefix(Reject.valueLimit) + "…" : text,
            code: refusal.code,
            sentence: refusal.sentence
        )
        try rejectFile.write(reject, raw: raw)
        progress.update { summary in
            summary.reasons[reject.code, default: 0] += 1
            if summary.firstRejects.count < LoadSummary.shownRejects { summary.firstRejects.append(reject) }
            summary.rejectFile = rejectPath
            summary.rejected += 1
        }
    }

    func report(bytes: FileBytesProgress) {
        progress.update { [rows] summary in
            summary.rows = rows
            summary.bytesRead = bytes.read
            summary.bytesTotal = bytes.total
        }
    }

    /// Closes the books.
    ///
    /// - Throws: ``LoadError`` when the file had no rows or too many of them were rejected.
    func finish() throws {
        try rejectFile.flush()
        progress.update { [rows] in $0.rows = rows }
        guard rows > 0 else {
            throw LoadError(
                kind: .noRows,
                file: file,
                message: "has a header but no rows; check the export that made it"
            )
        }
        // Two products of counts below 10^12 and 10^4: no overflow.
        guard rejected * 10_000 > maximum * rows else { return }
        let share = Self.percent(rejected * 10_000 / rows)
        throw LoadError(
            kind: .tooManyRejects,
            file: file,
            message:
                "\(rejected) of \(rows) rows are rejected (\(share) %, allowed \(Self.percent(maximum)) %); nothing was "
                + "loaded. The reasons are in \(rejectPath)"
        )
    }

    private static func percent(_ hundredths: Int) -> String {
        let rest = hundredths % 100
        return "\(hundredths / 100)" + (rest == 0 ? "" : rest < 10 ? ".0\(rest)" : ".\(rest)")
    }
}
