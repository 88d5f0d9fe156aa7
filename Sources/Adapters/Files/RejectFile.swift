// The rejected rows of a load as a CSV file that spreadsheets open.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Writes rejected rows: `line, column, value, reason, explanation, row`, UTF-8 with BOM.
///
/// The file is made with the first row; a load without rejects leaves none, nor an older one.
final class RejectFile {
    static let header = ["line", "column", "value", "reason", "explanation", "row"]

    private let path: String
    private var descriptor: Int32 = -1
    private var buffer: [UInt8] = []

    init(_ path: String) throws {
        self.path = path
        if unlink(path) != 0, errno != ENOENT { throw failure() }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Adds a row; `raw` is the record as it stands in the file.
    func write(_ reject: Reject, raw: [UInt8]) throws {
        if descriptor < 0 {
            descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw failure() }
            buffer += [0xEF, 0xBB, 0xBF]
            append(Self.header)
        }
        append([
            String(reject.line), reject.column ?? "", reject.value, reject.code.rawValue, reject.sentence,
            String(decoding: raw, as: UTF8.self),
        ])
        if buffer.count > 1 << 16 { try flush() }
    }

    /// Brings everything to the file.
    func flush() throws {
        var start = 0
        while start < buffer.count {
            let written = buffer.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start)
            }
            if written < 0, errno == EINTR { continue }
            guard written >= 0 else { throw failure() }
            start += written
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func append(_ fields: [String]) {
        for (position, field) in fields.enumerated() {
            if position > 0 { buffer.append(UInt8(ascii: ",")) }
            buffer += Self.quoted(field).utf8
        }
        buffer += [0x0D, 0x0A]
    }

    /// A field; what a spreadsheet would take for a formula gets an apostrophe before it.
    private static func quoted(_ field: String) -> String {
        let isFormula = field.utf8.first.map { "=+-@\t\r".utf8.contains($0) } ?? false
        return CSVText.field(isFormula ? "'" + field : field)
    }

    private func failure() -> LoadError {
        let reason = String(cString: strerror(errno))
        return LoadError(kind: .cannotWriteRejects, file: path, message: "the reject file cannot be written: \(reason)")
    }
}
