// Markup that escapes by type: text is escaped, markup is not.
// SPDX-License-Identifier: Apache-2.0

/// A piece of markup.
///
/// In a literal, `\(text)` of type `String` is escaped and `\(markup)` of type `HTML` is not.
///
/// Attributes stand in double quotes; nothing is interpolated into scripts, styles or event handlers (there are none).
public struct HTML: ExpressibleByStringInterpolation, Hashable, Sendable {
    /// The markup, ready to send.
    public var text: String

    /// No markup.
    public static let empty = HTML(stringLiteral: "")

    public init(stringLiteral value: String) { text = value }
    public init(stringInterpolation interpolation: Interpolation) { text = interpolation.out }

    /// Joins pieces.
    public init(_ parts: [HTML]) { text = parts.reduce(into: "") { $0 += $1.text } }

    /// Text as markup.
    public init(escaping plain: String) {
        text = ""
        Self.escape(plain, into: &text)
    }

    public struct Interpolation: StringInterpolationProtocol {
        var out = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            out.reserveCapacity(literalCapacity + 24 * interpolationCount)
        }

        public mutating func appendLiteral(_ literal: String) { out += literal }
        public mutating func appendInterpolation(_ plain: String) { HTML.escape(plain, into: &out) }
        public mutating func appendInterpolation(_ number: some BinaryInteger) { out += String(number) }
        public mutating func appendInterpolation(_ markup: HTML) { out += markup.text }
        public mutating func appendInterpolation(_ markup: HTML?) { out += markup?.text ?? "" }
        public mutating func appendInterpolation(_ markup: [HTML]) { for part in markup { out += part.text } }

        /// Markup of every element: `\(each: rows, { row in "<tr>…" })`.
        public mutating func appendInterpolation<Elements: Sequence>(
            each elements: Elements,
            _ body: (Elements.Element) throws -> HTML
        ) rethrows {
            for element in elements { out += try body(element).text }
        }

        /// Markup on a condition.
        public mutating func appendInterpolation(when condition: Bool, _ markup: @autoclosure () -> HTML) {
            if condition { out += markup().text }
        }

        /// An attribute with a value; nothing when there is none: `<a\(attribute: "title", hint)>`.
        public mutating func appendInterpolation(attribute name: StaticString, _ value: String?) {
            guard let value else { return }
            out += " \(name)=\""
            HTML.escape(value, into: &out)
            out += "\""
        }
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == 0x26 || byte == 0x3C || byte == 0x3E || byte == 0x22 || byte == 0x27
    }

    private static func escape(_ plain: String, into out: inout String) {
        let bytes = plain.utf8
        guard bytes.contains(where: isSpecial) else {
            out += plain
            return
        }
        var start = bytes.startIndex
        for position in bytes.indices where isSpecial(bytes[position]) {
            out += plain[start..<position]
            switch bytes[position] {
            case 0x26: out += "&amp;"
            case 0x3C: out += "&lt;"
            case 0x3E: out += "&gt;"
            case 0x22: out += "&quot;"
            default: out += "&#39;"
            }
            start = bytes.index(after: position)
        }
        out += plain[start...]
    }
}
