// JSON that is written field by field reads as what it was written from.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import Testing

@testable import HTTPAPI

struct JSONTextTests {
    @Test(arguments: [
        "", "plain", "引号 \" 和反斜线 \\", "line\nfeed\ttab\r", "\u{0}\u{1}\u{8}\u{c}\u{1f}\u{7f}", "</script>", "👩‍👩‍👧 ok",
    ])
    func `any text comes back as it was`(text: String) throws {
        var json = JSONText()
        json.field("text", text)
        let read = try JSONDecoder().decode([String: String].self, from: Data(json.finished().readableBytesView))
        #expect(read == ["text": text])
    }

    @Test func `it is what JSONEncoder writes with sorted keys`() throws {
        struct Row: Encodable {
            var name: String
            var size: Int64
            var until: String?
        }
        struct Answer: Encodable {
            var count: Int
            var empty: [Row]
            var rows: [Row]
            var title: String
        }
        let rows = [Row(name: "a/b", size: .min, until: nil), Row(name: "", size: 7, until: "2026-01-31")]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let expected = try encoder.encode(Answer(count: 2, empty: [], rows: rows, title: "é\"\n"))
        var json = JSONText()
        json.field("count", 2)
        json.field("empty", [Row]()) { $0.field("name", $1.name) }
        json.field("rows", rows) { json, row in
            json.field("name", row.name)
            json.field("size", row.size)
            json.field("until", row.until)
        }
        json.field("title", "é\"\n")
        #expect(String(buffer: json.finished()) == String(decoding: expected, as: UTF8.self))
        #expect(String(buffer: JSONText().finished()) == "{}")
    }
}
