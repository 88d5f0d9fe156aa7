// Identities of subscribers and the fixed geometry of blocks and partitions.
// SPDX-License-Identifier: Apache-2.0

/// The dense number of a subscriber, given at first load and never reused (DESIGN section 4).
public struct SubscriberIndex: Hashable, Comparable, Sendable, Codable {
    /// 0 for the first subscriber.
    public var number: UInt32

    /// Makes an index from its number.
    @inlinable
    public init(_ number: UInt32) {
        self.number = number
    }

    /// The block of 65 536 indices that holds this one.
    public var block: Int { Int(number >> 16) }
    /// The position inside the block, 0...65 535.
    public var offset: Int { Int(number & 0xFFFF) }

    /// Lower indices sort first.
    @inlinable
    public static func < (a: SubscriberIndex, b: SubscriberIndex) -> Bool { a.number < b.number }
}

/// A block: 65 536 consecutive indices, the unit of storage, snapshot and work.
public enum Block {
    /// Subscribers in a block.
    public static let size = 65_536
    /// 64-bit words in a block's bitset.
    public static let words = 1_024

    /// Blocks needed for `subscribers` indices.
    public static func count(subscribers: Int) -> Int {
        (subscribers + size - 1) / size
    }
}

/// A logical partition: fixed for the life of a data directory, `block % 64`.
public enum Partition {
    /// Logical partitions of a data directory.
    public static let count = 64

    /// The partition of a block.
    public static func of(block: Int) -> Int { block % count }
}

/// The operator's permanent number of a line (BOSS user id), never the MSISDN.
public struct LineID: Hashable, Comparable, Sendable, Codable {
    /// A positive number of at most 18 digits.
    public var number: Int64

    /// Makes a line id from its number.
    @inlinable
    public init(_ number: Int64) {
        self.number = number
    }

    /// Parses 1...18 decimal digits, not zero; nil for anything else.
    public init?(parsing text: some StringProtocol) {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int64(text), number > 0
        else { return nil }
        self.number = number
    }

    /// Lower ids sort first.
    public static func < (a: LineID, b: LineID) -> Bool { a.number < b.number }
}

/// A telephone number in international form without `+`, as a number (86138… for a Chinese mobile).
public struct MSISDN: Hashable, Comparable, Sendable, Codable {
    /// Country code and national number, at most 15 digits (ITU-T E.164).
    public var number: Int64

    /// Wraps a number that is already in international form.
    @inlinable
    public init(_ number: Int64) {
        self.number = number
    }

    /// Normalises what people and files write: spaces, hyphens, `+86`, `0086` and `86` are accepted; a Chinese
    /// mobile number without country code gets 86.
    ///
    /// - Returns: nil when what remains is not a Chinese mobile number (1[3-9] and nine digits) and not an
    ///   international number written with `+` or `00` of 8...15 digits.
    @inlinable
    public init?(normalising text: some StringProtocol) {
        var (value, digits): (Int64, Int) = (0, 0)
        var isInternational = false
        for (position, byte) in text.utf8.enumerated() {
            switch byte {
            case 0x30...0x39:
                (value, digits) = (value * 10 + Int64(byte - 0x30), digits + 1)
                if digits == 2, value == 0, !isInternational { (digits, isInternational) = (0, true) }
                guard digits <= 15 else { return nil }
            case UInt8(ascii: " "), UInt8(ascii: "-"): continue
            case UInt8(ascii: "+") where position == 0: isInternational = true
            default: return nil
            }
        }
        if !isInternational, digits == 11, value / 10_000_000_000 == 1 {
            (value, digits) = (8_600_000_000_000 + value, 13)
        }
        let isChinese = digits == 13 && (8613...8619).contains(value / 1_000_000_000)
        var leading = value
        for _ in 0..<max(0, digits - 2) { leading /= 10 }
        // Two digits or more, no zero in front; numbers of China are checked above.
        let isForeign = isInternational && (8...15).contains(digits) && leading >= 10 && leading != 86
        guard isChinese || isForeign else { return nil }
        number = value
    }

    /// National form for people: a Chinese number without 86, others with `+`.
    public var national: String {
        let text = String(number)
        return text.utf8.count == 13 && text.hasPrefix("86") ? String(text.dropFirst(2)) : "+" + text
    }

    /// National form with the middle hidden, for example `138****8000`.
    public var masked: String {
        let text = national
        guard text.count >= 8 else { return String(repeating: "*", count: text.count) }
        return text.prefix(3) + "****" + text.suffix(4)
    }

    /// Lower numbers sort first.
    public static func < (a: MSISDN, b: MSISDN) -> Bool { a.number < b.number }
}
