// One attribute of all subscribers in memory, as narrow as its values allow.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// The value of one attribute of one subscriber.
public enum HotValue: Hashable, Sendable, CustomStringConvertible {
    case null
    case flag(Bool)
    case number(Scaled)
    case day(LocalDay)
    case text(String)

    /// Plain text: digits, `YYYY-MM-DD`, the stored text; `NULL` for no value.
    public var description: String {
        switch self {
        case .null: "NULL"
        case .flag(let value): value ? "TRUE" : "FALSE"
        case .number(let number): number.description
        case .day(let day): day.iso
        case .text(let text): text
        }
    }
}

/// One attribute over the subscriber index: row i belongs to subscriber index i.
///
/// Numbers and days are stored as unsigned distances from the smallest value in 1, 2, 4 or 8 bytes, enumerations and
/// texts as codes into a sorted dictionary, flags as bits. A bitset of NULLs exists only where there are any.
public struct HotColumn: Sendable {
    /// How a row is stored.
    enum Width: UInt8 {
        case bit = 0
        case one = 1
        case two = 2
        case four = 4
        case eight = 8

        /// The narrowest whole-byte width that holds numbers up to `largest`.
        init(largest: UInt64) {
            self = largest <= 0xFF ? .one : largest <= 0xFFFF ? .two : largest <= 0xFFFF_FFFF ? .four : .eight
        }

        /// Bytes that `rows` rows take, padded to whole words of 64 rows.
        func bytes(_ rows: Int) -> Int {
            self == .bit ? words(rows) * 8 : words(rows) * 64 * Int(rawValue)
        }
    }

    /// The type of the attribute.
    public let type: AttributeType
    /// Number of subscribers.
    public let rows: Int
    /// Number of subscribers without a value.
    public let nullCount: Int
    /// Texts by code: an enumeration's whole domain in its order, else the texts in use by UTF-8 bytes.
    public let dictionary: [String]

    let width: Width
    /// The smallest value; 0 for codes, flags and columns without a value.
    let base: Int64
    /// The largest distance from `base`.
    let largest: UInt64
    /// NULL rows hold 0.
    let values: ColumnStorage
    /// 1 = NULL; nil when there are none.
    let nulls: ColumnStorage?

    init(
        type: AttributeType,
        rows: Int,
        nullCount: Int,
        dictionary: [String],
        width: Width,
        base: Int64,
        largest: UInt64,
        values: ColumnStorage,
        nulls: ColumnStorage?
    ) {
        self.type = type
        self.rows = rows
        self.nullCount = nullCount
        self.dictionary = dictionary
        self.width = width
        self.base = base
        self.largest = largest
        self.values = values
        self.nulls = nulls
    }

    /// Bytes of memory that values and NULLs take, without the dictionary.
    public var byteCount: Int { values.bytes.count + (nulls?.bytes.count ?? 0) }

    /// Bits that a subscriber's value takes: 1, 8, 16, 32 or 64.
    public var bitsPerValue: Int { width == .bit ? 1 : Int(width.rawValue) * 8 }

    /// Smallest and largest unscaled number or day number; nil without values, and for flags and texts.
    public var range: ClosedRange<Int64>? {
        switch type {
        case .flag, .enumeration, .text: nil
        case .integer, .decimal, .day:
            nullCount == rows ? nil : base...Int64(bitPattern: UInt64(bitPattern: base) &+ largest)
        }
    }

    /// Whether values are numbers or days, which have an order of their own.
    public var isOrdered: Bool {
        switch type {
        case .integer, .decimal, .day: true
        case .flag, .enumeration, .text: false
        }
    }

    /// Whether a subscriber has no value.
    public func isNull(_ row: Int) -> Bool {
        precondition((0..<rows).contains(row), "row \(row) of \(rows)")
        return nulls.map { $0.pointer(to: UInt64.self)[row >> 6] >> UInt64(row & 63) & 1 == 1 } ?? false
    }

    /// A subscriber's value.
    public func value(at row: Int) -> HotValue {
        if isNull(row) { return .null }
        switch type {
        case .flag: return .flag(number(at: row) == 1)
        case .integer: return .number(Scaled(unscaled: number(at: row), scale: 0))
        case .decimal(let scale): return .number(Scaled(unscaled: number(at: row), scale: scale))
        case .day: return .day(LocalDay(number: Int32(truncatingIfNeeded: number(at: row))))
        case .enumeration, .text: return .text(dictionary[Int(number(at: row))])
        }
    }

    /// The unscaled number, day number, code in the dictionary or flag of a subscriber; nil for NULL.
    public func unscaled(at row: Int) -> Int64? { isNull(row) ? nil : number(at: row) }

    /// The unscaled number, day number, code or flag of a row that is not NULL.
    func number(at row: Int) -> Int64 {
        switch width {
        case .bit: Int64(values.pointer(to: UInt64.self)[row >> 6] >> UInt64(row & 63) & 1)
        case .one: base &+ Int64(values.pointer(to: UInt8.self)[row])
        case .two: base &+ Int64(values.pointer(to: UInt16.self)[row])
        case .four: base &+ Int64(values.pointer(to: UInt32.self)[row])
        case .eight: base &+ Int64(bitPattern: values.pointer(to: UInt64.self)[row])
        }
    }

    /// The code of a text, if the dictionary has it; texts are equal when their UTF-8 bytes are.
    func code(of text: String) -> Int? {
        if type == .enumeration { return dictionary.firstIndex { $0.utf8.elementsEqual(text.utf8) } }
        var (low, high) = (0, dictionary.count)
        while low < high {
            let middle = (low + high) / 2
            if dictionary[middle].utf8.lexicographicallyPrecedes(text.utf8) { low = middle + 1 } else { high = middle }
        }
        return low < dictionary.count && dictionary[low].utf8.elementsEqual(text.utf8) ? low : nil
    }
}
