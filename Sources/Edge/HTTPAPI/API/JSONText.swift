// JSON written field by field, for answers that are made thousands of times a second.
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// One JSON object as text (RFC 8259), in the order its fields are written.
///
/// Fields are written in the order of their names, as ``JSONEncoder``
/// does for all other answers.
struct JSONText {
    private(set) var buffer: ByteBuffer
    private var isFirst = true

    /// Begins an object.
    init(capacity: Int = 1024) {
        buffer = ByteBuffer()
        buffer.reserveCapacity(capacity)
        buffer.writeStaticString("{")
    }

    /// Ends the object.
    consuming func finished() -> ByteBuffer {
        buffer.writeStaticString("}")
        return buffer
    }

    /// A text; nothing is written for nil.
    mutating func field(_ name: StaticString, _ value: String?) {
        guard let value else { return }
        begin(name)
        write(value)
    }

    /// A number.
    mutating func field(_ name: StaticString, _ value: some FixedWidthInteger) {
        begin(name)
        buffer.writeString(String(value))
    }

    /// A list of objects.
    mutating func field<Element>(
        _ name: StaticString,
        _ elements: [Element],
        _ body: (inout JSONText, Element) -> Void
    ) {
        begin(name)
        buffer.writeStaticString("[")
        for (place, element) in elements.enumerated() {
            buffer.writeStaticString(place == 0 ? "{" : ",{")
            isFirst = true
            body(&self, element)
            buffer.writeStaticString("}")
        }
        buffer.writeStaticString("]")
        isFirst = false
    }

    private mutating func begin(_ name: StaticString) {
        buffer.writeStaticString(isFirst ? "\"" : ",\"")
        buffer.writeStaticString(name)
        buffer.writeStaticString("\":")
        isFirst = false
    }

    private mutating func write(_ text: String) {
        buffer.writeStaticString("\"")
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
            buffer.writeString(text)
        } else {
            for byte in text.utf8 { write(byte) }
        }
        buffer.writeStaticString("\"")
    }

    /// One byte of a text, escaped where RFC 8259 section 7 asks for it.
    private mutating func write(_ byte: UInt8) {
        switch byte {
        case 0x22: buffer.writeStaticString("\\\"")
        case 0x5C: buffer.writeStaticString("\\\\")
        case 0x08: buffer.writeStaticString("\\b")
        case 0x09: buffer.writeStaticString("\\t")
        case 0x0A: buffer.writeStaticString("\\n")
        case 0x0C: buffer.writeStaticString("\\f")
        case 0x0D: buffer.writeStaticString("\\r")
        case 0..<0x20: buffer.writeString((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16))
        default: buffer.writeInteger(byte)
        }
    }
}
