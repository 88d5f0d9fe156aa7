// Columns from batches of rows, in the order of the subscriber index.
// SPDX-License-Identifier: Apache-2.0

public import Model
import Rules

/// Collects one attribute of all subscribers and then packs it into a ``HotColumn``.
///
/// While it collects, every row takes the narrowest signed width that holds the values so far. In a batch, bit `i` of
/// `valid` tells whether row `i` has a value; nil = all have. Rows without a value may hold anything.
public struct HotColumnBuilder {
    private let attribute: Attribute
    private let rows: Int
    private var filled = 0
    private var nullCount = 0
    private var nulls: ColumnStorage?
    /// Numbers, days, or codes in the order of their first use.
    private var numbers: SignedNumbers
    private var least = Int64.max
    private var greatest = Int64.min
    private let flags: ColumnStorage
    private var texts = TextCodes()

    /// Starts a column of `rows` rows for an attribute.
    public init(_ attribute: Attribute, rows: Int) {
        self.attribute = attribute
        self.rows = rows
        let isFlag = attribute.type == .flag
        numbers = SignedNumbers(rows: isFlag ? 0 : rows)
        flags = ColumnStorage(byteCount: isFlag ? words(rows) * 8 : 0)
        if attribute.type == .enumeration {
            for value in attribute.domain { texts.add(value.value) }
        }
    }

    // MARK: Batches

    /// Adds integers, unscaled decimals, or day numbers.
    ///
    /// - Throws: ``ProfileError`` when the attribute is no number or day, or a value is outside its range.
    public mutating func append(
        integers: UnsafeBufferPointer<Int64>,
        valid: UnsafeBufferPointer<UInt64>? = nil
    ) throws(ProfileError) {
        switch attribute.type {
        case .integer, .decimal, .day: break
        case .flag, .enumeration, .text: throw wrongType("numbers")
        }
        try admit(integers.count, valid)
        let bounds = attribute.valueRange
        for row in integers.indices where isValid(valid, row) {
            guard bounds.contains(integers[row]) else {
                throw .outOfRange(attribute: attribute.code, row: filled + row, value: integers[row])
            }
            put(integers[row], at: filled + row)
        }
        filled += integers.count
    }

    /// Adds day numbers.
    ///
    /// - Throws: ``ProfileError`` when the attribute is no day, or a day is outside its range.
    public mutating func append(
        days: UnsafeBufferPointer<Int32>,
        valid: UnsafeBufferPointer<UInt64>? = nil
    ) throws(ProfileError) {
        guard attribute.type == .day else { throw wrongType("days") }
        try admit(days.count, valid)
        let bounds = attribute.valueRange
        for row in days.indices where isValid(valid, row) {
            guard bounds.contains(Int64(days[row])) else {
                throw .outOfRange(attribute: attribute.code, row: filled + row, value: Int64(days[row]))
            }
            put(Int64(days[row]), at: filled + row)
        }
        filled += days.count
    }

    /// Adds flags.
    ///
    /// - Throws: ``ProfileError`` when the attribute is no flag.
    public mutating func append(
        flags values: UnsafeBufferPointer<Bool>,
        valid: UnsafeBufferPointer<UInt64>? = nil
    ) throws(ProfileError) {
        guard attribute.type == .flag else { throw wrongType("flags") }
        try admit(values.count, valid)
        let bits = flags.pointer(to: UInt64.self)
        for row in values.indices where values[row] && isValid(valid, row) {
            bits[(filled + row) >> 6] |= 1 << UInt64((filled + row) & 63)
        }
        filled += values.count
    }

    /// Adds texts (NFC, as loads leave them) that lie end to end: row `i` is `offsets[i] ..< offsets[i + 1]`.
    ///
    /// - Throws: ``ProfileError`` when the attribute is no text or enumeration, or a text is not in its domain.
    public mutating func append(
        utf8: UnsafeBufferPointer<UInt8>,
        offsets: UnsafeBufferPointer<Int32>,
        valid: UnsafeBufferPointer<UInt64>? = nil
    ) throws(ProfileError) {
        guard attribute.type == .text || attribute.type == .enumeration else { throw wrongType("texts") }
        let count = max(0, offsets.count - 1)
        try admit(count, valid)
        for row in 0..<count where isValid(valid, row) {
            let bytes = UnsafeBufferPointer(rebasing: utf8[Int(offsets[row])..<Int(offsets[row + 1])])
            if let code = texts.code(of: bytes) {
                put(Int64(code), at: filled + row)
                continue
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard attribute.type == .text else {
                throw .notInDomain(attribute: attribute.code, row: filled + row, value: text)
            }
            put(Int64(texts.add(text)), at: filled + row)
        }
        filled += count
    }

    /// Adds values of an enumeration by their places in its domain.
    ///
    /// - Throws: ``ProfileError`` when the attribute is no enumeration, or a place is beyond its domain.
    public mutating func append(
        places: UnsafeBufferPointer<UInt16>,
        valid: UnsafeBufferPointer<UInt64>? = nil
    ) throws(ProfileError) {
        guard attribute.type == .enumeration else { throw wrongType("places in a domain") }
        try admit(places.count, valid)
        for row in places.indices where isValid(valid, row) {
            guard Int(places[row]) < texts.all.count else {
                throw .notInDomain(attribute: attribute.code, row: filled + row, value: "#\(places[row])")
            }
            put(Int64(places[row]), at: filled + row)
        }
        filled += places.count
    }

    /// Packs the rows.
    ///
    /// - Throws: ``ProfileError`` when there are fewer rows than the column was made for.
    public consuming func finish() throws(ProfileError) -> HotColumn {
        guard filled == rows else { throw .rowCount(attribute: attribute.code, expected: rows, found: filled) }
        switch attribute.type {
        case .flag: return column([], .bit, base: 0, largest: 0, flags)
        case .integer, .decimal, .day:
            guard least <= greatest else {
                return column([], .one, base: 0, largest: 0, ColumnStorage(byteCount: HotColumn.Width.one.bytes(rows)))
            }
            let base = least
            let largest = UInt64(bitPattern: greatest) &- UInt64(bitPattern: base)
            let width = HotColumn.Width(largest: largest)
            let values = pack(width) { UInt64(bitPattern: $0) &- UInt64(bitPattern: base) }
            return column([], width, base: base, largest: largest, values)
        case .enumeration:
            let width = HotColumn.Width(largest: UInt64(max(1, texts.all.count) - 1))
            return column(texts.all, width, base: 0, largest: UInt64(max(0, greatest)), pack(width) { UInt64($0) })
        case .text:
            let texts = texts.all
            let order = texts.indices.sorted { texts[$0].utf8.lexicographicallyPrecedes(texts[$1].utf8) }
            var places = [UInt64](repeating: 0, count: texts.count)
            for (place, code) in order.enumerated() { places[code] = UInt64(place) }
            let largest = UInt64(max(1, texts.count) - 1)
            let width = HotColumn.Width(largest: largest)
            return column(order.map { texts[$0] }, width, base: 0, largest: largest, pack(width) { places[Int($0)] })
        }
    }

    // MARK: Parts

    private func wrongType(_ found: String) -> ProfileError {
        .wrongType(attribute: attribute.code, expected: attribute.type.name, found: found)
    }

    private func isValid(_ valid: UnsafeBufferPointer<UInt64>?, _ row: Int) -> Bool {
        valid.map { $0[row >> 6] >> UInt64(row & 63) & 1 == 1 } ?? true
    }

    /// Makes sure that a batch fits, and notes its NULLs.
    private mutating func admit(_ count: Int, _ valid: UnsafeBufferPointer<UInt64>?) throws(ProfileError) {
        guard filled + count <= rows else {
            throw .rowCount(attribute: attribute.code, expected: rows, found: filled + count)
        }
        guard let valid else { return }
        for row in 0..<count where !isValid(valid, row) {
            let nulls = self.nulls ?? ColumnStorage(byteCount: words(rows) * 8)
            self.nulls = nulls
            nulls.pointer(to: UInt64.self)[(filled + row) >> 6] |= 1 << UInt64((filled + row) & 63)
            nullCount += 1
        }
    }

    private mutating func put(_ value: Int64, at row: Int) {
        if value < least || value > greatest {
            least = min(least, value)
            greatest = max(greatest, value)
            numbers.widen(for: value, filled: row)
        }
        numbers[row] = value
    }

    private func column(
        _ dictionary: [String],
        _ width: HotColumn.Width,
        base: Int64,
        largest: UInt64,
        _ values: ColumnStorage
    ) -> HotColumn {
        HotColumn(
            type: attribute.type,
            rows: rows,
            nullCount: nullCount,
            dictionary: dictionary,
            width: width,
            base: base,
            largest: largest,
            values: values,
            nulls: nulls
        )
    }

    /// The rows in their final width; NULL rows become 0.
    private func pack(_ width: HotColumn.Width, _ transform: (Int64) -> UInt64) -> ColumnStorage {
        let packed = ColumnStorage(byteCount: width.bytes(rows))
        func fill<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ type: T.Type) {
            let out = packed.pointer(to: T.self)
            let isNull = nulls?.pointer(to: UInt64.self)
            for row in 0..<rows {
                if let isNull, isNull[row >> 6] >> UInt64(row & 63) & 1 == 1 { continue }
                out[row] = T(truncatingIfNeeded: transform(numbers[row]))
            }
        }
        switch width {
        case .bit: preconditionFailure("flags are packed already")
        case .one: fill(UInt8.self)
        case .two: fill(UInt16.self)
        case .four: fill(UInt32.self)
        case .eight: fill(UInt64.self)
        }
        return packed
    }
}

/// Texts with codes in the order of their first use, found by their bytes without making a `String` of each row.
private struct TextCodes {
    private(set) var all: [String] = []
    private var bytes: [[UInt8]] = []
    /// Open addressing: a code + 1, or 0 for an empty slot; at most half of the slots are taken.
    private var slots = [Int32](repeating: 0, count: 64)

    func code(of text: UnsafeBufferPointer<UInt8>) -> Int? {
        var slot = slot(of: text)
        while slots[slot] != 0 {
            let code = Int(slots[slot]) - 1
            if bytes[code].count == text.count, bytes[code].elementsEqual(text) { return code }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Gives a text that has none the next code.
    @discardableResult
    mutating func add(_ text: String) -> Int {
        all.append(text)
        bytes.append(Array(text.utf8))
        if all.count * 2 > slots.count {
            slots = [Int32](repeating: 0, count: slots.count * 2)
            for code in all.indices { take(code) }
        } else {
            take(all.count - 1)
        }
        return all.count - 1
    }

    private mutating func take(_ code: Int) {
        var slot = bytes[code].withUnsafeBufferPointer { self.slot(of: $0) }
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(code + 1)
    }

    /// FNV-1a of the bytes.
    private func slot(of text: UnsafeBufferPointer<UInt8>) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32) & (slots.count - 1)
    }
}

/// Signed numbers that start with one byte each and widen when a value needs it.
private struct SignedNumbers {
    private let rows: Int
    private var bytes = 1
    private var storage: ColumnStorage

    init(rows: Int) {
        self.rows = rows
        storage = ColumnStorage(byteCount: rows)
    }

    /// Makes room for a value; the first `filled` rows are kept.
    mutating func widen(for value: Int64, filled: Int) {
        let needed =
            Int8(exactly: value) != nil ? 1 : Int16(exactly: value) != nil ? 2 : Int32(exactly: value) != nil ? 4 : 8
        guard needed > bytes else { return }
        var wider = self
        wider.bytes = needed
        wider.storage = ColumnStorage(byteCount: rows * needed)
        for row in 0..<filled { wider[row] = self[row] }
        self = wider
    }

    subscript(row: Int) -> Int64 {
        get {
            switch bytes {
            case 1: Int64(storage.pointer(to: Int8.self)[row])
            case 2: Int64(storage.pointer(to: Int16.self)[row])
            case 4: Int64(storage.pointer(to: Int32.self)[row])
            default: storage.pointer(to: Int64.self)[row]
            }
        }
        nonmutating set {
            switch bytes {
            case 1: storage.pointer(to: Int8.self)[row] = Int8(truncatingIfNeeded: newValue)
            case 2: storage.pointer(to: Int16.self)[row] = Int16(truncatingIfNeeded: newValue)
            case 4: storage.pointer(to: Int32.self)[row] = Int32(truncatingIfNeeded: newValue)
            default: storage.pointer(to: Int64.self)[row] = newValue
            }
        }
    }
}

extension HotColumn {
    /// A column of numbers or days from an array; nil = NULL.
    public init(_ attribute: Attribute, integers: [Int64?]) throws(ProfileError) {
        var builder = HotColumnBuilder(attribute, rows: integers.count)
        let values = integers.map { $0 ?? 0 }
        let valid = Self.validity(integers.map { $0 != nil })
        self = try values.withUnsafeBufferPointer { values throws(ProfileError) in
            try valid.withUnsafeBufferPointer { valid throws(ProfileError) in
                try builder.append(integers: values, valid: valid)
                return try builder.finish()
            }
        }
    }

    /// A column of flags from an array; nil = NULL.
    public init(_ attribute: Attribute, flags: [Bool?]) throws(ProfileError) {
        var builder = HotColumnBuilder(attribute, rows: flags.count)
        let values = flags.map { $0 ?? false }
        let valid = Self.validity(flags.map { $0 != nil })
        self = try values.withUnsafeBufferPointer { values throws(ProfileError) in
            try valid.withUnsafeBufferPointer { valid throws(ProfileError) in
                try builder.append(flags: values, valid: valid)
                return try builder.finish()
            }
        }
    }

    /// A column of texts or values of an enumeration from an array; nil = NULL.
    public init(_ attribute: Attribute, texts: [String?]) throws(ProfileError) {
        var builder = HotColumnBuilder(attribute, rows: texts.count)
        let utf8 = texts.flatMap { Array(($0 ?? "").utf8) }
        var offsets: [Int32] = [0]
        for text in texts { offsets.append((offsets.last ?? 0) + Int32((text ?? "").utf8.count)) }
        let valid = Self.validity(texts.map { $0 != nil })
        self = try utf8.withUnsafeBufferPointer { utf8 throws(ProfileError) in
            try offsets.withUnsafeBufferPointer { offsets throws(ProfileError) in
                try valid.withUnsafeBufferPointer { valid throws(ProfileError) in
                    try builder.append(utf8: utf8, offsets: offsets, valid: valid)
                    return try builder.finish()
                }
            }
        }
    }

    private static func validity(_ valid: [Bool]) -> [UInt64] {
        var bits = [UInt64](repeating: 0, count: words(valid.count))
        for (row, isValid) in valid.enumerated() where isValid { bits[row >> 6] |= 1 << UInt64(row & 63) }
        return bits
    }
}
