// Text as fields of CSV files.
// SPDX-License-Identifier: Apache-2.0

/// Writes CSV (RFC 4180).
public enum CSVText {
    /// A field, in quotes where it needs them.
    public static func field(_ text: String) -> String {
        guard text.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) else { return text }
        // Byte by byte: a quote before a joiner or an accent is another `Character`.
        return "\"" + String(decoding: text.utf8.flatMap { $0 == UInt8(ascii: "\"") ? [$0, $0] : [$0] }, as: UTF8.self)
            + "\""
    }
}
