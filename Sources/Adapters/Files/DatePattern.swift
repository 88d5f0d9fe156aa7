// Patterns of days, months and times, such as YYYY/MM/DD hh:mm.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel

/// How days, months or times are written in a file.
public struct DatePattern: Hashable, Sendable, CustomStringConvertible {
    /// Days written as `YYYY-MM-DD`.
    public static let day = DatePattern("YYYY-MM-DD", parts(of: "YYYY-MM-DD"))
    /// Months written as `YYYY-MM`.
    public static let month = DatePattern("YYYY-MM", parts(of: "YYYY-MM"))
    /// Times written as `YYYY-MM-DD hh:mm:ss`.
    public static let time = DatePattern("YYYY-MM-DD hh:mm:ss", parts(of: "YYYY-MM-DD hh:mm:ss"))

    enum Part: Hashable, Sendable {
        case year
        /// Least number of digits, 1 or 2; two at most.
        case month(Int)
        case day(Int)
        case hour
        case minute
        case second
        case byte(UInt8)
    }

    /// The pattern as it was written.
    public let description: String
    let parts: [Part]

    private init(_ description: String, _ parts: [Part]) {
        self.description = description
        self.parts = parts
    }

    private static func parts(of text: String) -> [Part] {
        let tokens: [(String, Part)] = [
            ("YYYY", .year), ("MM", .month(2)), ("M", .month(1)), ("DD", .day(2)), ("D", .day(1)), ("hh", .hour),
            ("mm", .minute), ("ss", .second),
        ]
        var parts: [Part] = []
        var rest = text[...]
        while !rest.isEmpty {
            if let (token, part) = tokens.first(where: { rest.hasPrefix($0.0) }) {
                parts.append(part)
                rest = rest.dropFirst(token.count)
            } else {
                parts += String(rest.removeFirst()).utf8.map { .byte($0) }
            }
        }
        return parts
    }

    /// Reads a pattern; nil when it names no year or month, or one part twice.
    init?(_ text: String) {
        let parts = Self.parts(of: text)
        func count(_ isPart: (Part) -> Bool) -> Int { parts.count(where: isPart) }
        let months = count { if case .month = $0 { true } else { false } }
        let days = count { if case .day = $0 { true } else { false } }
        let times = [Part.hour, .minute, .second].map { part in count { $0 == part } }
        guard count({ $0 == .year }) == 1, months == 1, days <= 1, times.allSatisfy({ $0 <= 1 }) else { return nil }
        self.init(text, parts)
    }

    /// Whether the pattern names the day of the month.
    var hasDay: Bool { parts.contains { if case .day = $0 { true } else { false } } }
    /// Whether the pattern names the hour.
    var hasHour: Bool { parts.contains(.hour) }

    /// A written moment: its day, seconds since midnight, and the offset it carries, in seconds east of UTC.
    struct Moment: Equatable {
        var day: LocalDay
        var second: Int32
        var offsetSeconds: Int32?
    }

    /// Reads a text of this pattern; what the pattern does not name is the first day, midnight.
    ///
    /// - Parameters:
    ///   - text: The text, without spaces around it.
    ///   - allowsOffset: Whether a final `Z` or `±hh:mm` may follow, and a fraction of a second, which is dropped.
    /// - Returns: nil when the text has another shape or there is no such day or time.
    func parse(_ text: UnsafeBufferPointer<UInt8>, allowsOffset: Bool = false) -> Moment? {
        var (year, month, day, hour, minute, second) = (0, 1, 1, 0, 0, 0)
        var position = 0
        func number(_ least: Int, _ most: Int) -> Int? {
            var value = 0
            var digits = 0
            while digits < most, position < text.count, (0x30...0x39).contains(text[position]) {
                value = value * 10 + Int(text[position] & 0x0F)
                position += 1
                digits += 1
            }
            return digits >= least ? value : nil
        }
        for part in parts {
            var value: Int?
            switch part {
            case .year:
                value = number(4, 4)
                year = value ?? 0
            case .month(let least):
                value = number(least, 2)
                month = value ?? 0
            case .day(let least):
                value = number(least, 2)
                day = value ?? 0
            case .hour:
                value = number(2, 2)
                hour = value ?? 0
            case .minute:
                value = number(2, 2)
                minute = value ?? 0
            case .second:
                value = number(2, 2)
                second = value ?? 0
            case .byte(let byte):
                // ISO 8601 writes T where people write a space.
                let isThere =
                    position < text.count
                    && (text[position] == byte || byte == 0x20 && text[position] == UInt8(ascii: "T"))
                value = isThere ? 0 : nil
                position += 1
            }
            if value == nil { return nil }
        }
        var offset: Int32?
        if allowsOffset, position < text.count {
            guard let suffix = Self.suffix(UnsafeBufferPointer(rebasing: text[position...])) else { return nil }
            offset = suffix.offset
            position = text.count
        }
        guard position == text.count, hour < 24, minute < 60, second < 60,
            let date = LocalDay(year: year, month: month, day: day)
        else { return nil }
        return Moment(day: date, second: Int32(hour * 3_600 + minute * 60 + second), offsetSeconds: offset)
    }

    /// What may follow a time: a fraction of a second and an offset.
    private static func suffix(_ text: UnsafeBufferPointer<UInt8>) -> (offset: Int32?, Void)? {
        var rest = text[...]
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(1 + digits.count)
        }
        if rest.isEmpty { return (nil, ()) }
        if rest.elementsEqual([UInt8(ascii: "Z")]) { return (0, ()) }
        return offsetSeconds(String(decoding: rest, as: UTF8.self)).map { ($0, ()) }
    }

    /// Reads `±hh:mm` (or `±hhmm`, `±hh`), at most 18 hours; nil for anything else.
    static func offsetSeconds(_ text: String) -> Int32? {
        let digits = text.dropFirst().replacing(":", with: "")
        guard let sign = text.first, sign == "+" || sign == "-", digits.utf8.count == 2 || digits.utf8.count == 4,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let hours = Int32(digits.prefix(2)),
            let minutes = Int32(digits.count == 4 ? digits.suffix(2) : "0"), hours <= 18, minutes < 60
        else { return nil }
        return (sign == "-" ? -1 : 1) * (hours * 3_600 + minutes * 60)
    }
}
