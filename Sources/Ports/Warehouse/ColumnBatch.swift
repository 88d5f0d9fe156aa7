// Typed columns: how rows travel between Gyre and a warehouse engine, in both directions.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

/// The type of a warehouse column as Gyre reads and writes it; there is no floating point and no unsigned number.
public enum WarehouseType: Hashable, Sendable {
    /// True or false.
    case flag
    /// A 64-bit whole number.
    case integer
    /// A decimal of at most 18 digits with `scale` (1...18) after the point, held as an unscaled `Int64`.
    case decimal(scale: Int)
    /// A calendar day: days since 1970-01-01.
    case day
    /// A moment in UTC: microseconds since 1970-01-01T00:00:00Z.
    case timestamp
    /// UTF-8 text.
    case text
}

extension AttributeType {
    /// The warehouse type of a column that holds an attribute of this type (enumerations are stored as text).
    public var warehouseType: WarehouseType {
        switch self {
        case .flag: .flag
        case .integer: .integer
        case .decimal(let scale): .decimal(scale: scale)
        case .day: .day
        case .enumeration, .text: .text
        }
    }
}

/// Name and type of a column.
public struct WarehouseField: Hashable, Sendable {
    /// The column's name, unquoted.
    public var name: String
    /// The column's type.
    public var type: WarehouseType

    /// Joins a name and a type.
    public init(_ name: String, _ type: WarehouseType) {
        self.name = name
        self.type = type
    }
}

/// Which rows of a column hold a value: bit `i` of word `w` is row `64w + i`, 1 = value, 0 = NULL.
public struct Validity: Hashable, Sendable {
    /// The words; bits at and beyond `count` are zero.
    public private(set) var words: [UInt64]
    /// Number of rows.
    public private(set) var count: Int

    /// No NULL among `count` rows.
    public init(allValid count: Int) {
        words = [UInt64](repeating: .max, count: (count + 63) / 64)
        self.count = count
        if count & 63 != 0 { words[words.count - 1] = (1 << UInt64(count & 63)) - 1 }
    }

    /// Rows from their words; bits at and beyond `count` must be zero.
    public init(words: [UInt64], count: Int) {
        precondition(words.count == (count + 63) / 64, "\(words.count) words for \(count) rows")
        self.words = words
        self.count = count
    }

    /// Whether `row` holds a value.
    @inlinable
    public subscript(row: Int) -> Bool {
        words[row >> 6] >> UInt64(row & 63) & 1 == 1
    }

    /// Adds a row.
    public mutating func append(_ isValid: Bool) {
        if count & 63 == 0 { words.append(0) }
        if isValid { words[count >> 6] |= 1 << UInt64(count & 63) }
        count += 1
    }

    /// Takes the last row back.
    public mutating func removeLast() {
        count -= 1
        words[count >> 6] &= ~(1 << UInt64(count & 63))
        if count & 63 == 0 { words.removeLast() }
    }

    /// Makes `row` NULL.
    public mutating func setNull(_ row: Int) {
        precondition(row < count, "row \(row) of \(count)")
        words[row >> 6] &= ~(1 << UInt64(row & 63))
    }

    /// Number of NULL rows.
    public var nullCount: Int {
        count - words.reduce(0) { $0 + $1.nonzeroBitCount }
    }
}

/// Texts of a column, end to end in one buffer of UTF-8; rows `offsets[i] ..< offsets[i + 1]`.
public struct TextColumn: Hashable, Sendable {
    /// All texts, end to end.
    public private(set) var bytes: [UInt8]
    /// Where each text starts, and after the last one the length of `bytes`.
    public private(set) var offsets: [Int32]

    /// A column without rows, with room for `rows` texts.
    public init(rows: Int = 0) {
        bytes = []
        offsets = []
        offsets.reserveCapacity(rows + 1)
        offsets.append(0)
    }

    /// Texts from their buffers; offsets start at 0, never fall and end at the length of `bytes`.
    public init(bytes: [UInt8], offsets: [Int32]) {
        precondition(offsets.first == 0 && Int(offsets.last ?? -1) == bytes.count, "offsets do not cover the bytes")
        self.bytes = bytes
        self.offsets = offsets
    }

    /// Texts of an array.
    public init(_ texts: some Sequence<String>) {
        self.init()
        for text in texts { append(text) }
    }

    /// Number of rows.
    public var count: Int { offsets.count - 1 }

    /// The text of a row (empty for NULL).
    public subscript(row: Int) -> String {
        withUTF8(row) { String(decoding: $0, as: UTF8.self) }
    }

    /// Gives the UTF-8 of a row without making a `String`.
    @inlinable
    public func withUTF8<R>(_ row: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        let start = Int(offsets[row])
        let end = Int(offsets[row + 1])
        return try bytes.withUnsafeBufferPointer { try body(.init(rebasing: $0[start..<end])) }
    }

    /// Adds a row.
    ///
    /// The texts of one column of one batch together stay below 2 GiB.
    public mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        closeRow()
    }

    /// Adds a row of valid UTF-8.
    public mutating func append(utf8 text: UnsafeBufferPointer<UInt8>) {
        bytes.append(contentsOf: text)
        closeRow()
    }

    /// Takes the last row back.
    public mutating func removeLast() {
        offsets.removeLast()
        bytes.removeLast(bytes.count - Int(offsets[offsets.count - 1]))
    }

    private mutating func closeRow() {
        precondition(bytes.count <= Int(Int32.max), "the texts of one batch exceed 2 GiB")
        offsets.append(Int32(truncatingIfNeeded: bytes.count))
    }
}

/// The values of one column of a batch, contiguous in memory.
public struct ColumnData: Sendable {
    /// The values by representation; NULL rows hold false, 0 or the empty text.
    public enum Values: Sendable {
        /// Values of a ``WarehouseType/flag``.
        case flags([Bool])
        /// Values of an integer; of a decimal (unscaled); of a timestamp (microseconds since 1970-01-01T00:00:00Z).
        case integers([Int64])
        /// Values of a day: days since 1970-01-01.
        case days([Int32])
        /// Values of a text.
        case texts(TextColumn)
    }

    /// The values, NULL rows included.
    public var values: Values
    /// Which rows hold a value; nil when no row is NULL.
    public var validity: Validity?

    /// Joins values and their validity (nil = no NULL).
    public init(_ values: Values, validity: Validity? = nil) {
        self.values = values
        self.validity = validity
    }

    /// Number of rows.
    public var count: Int {
        switch values {
        case .flags(let array): array.count
        case .integers(let array): array.count
        case .days(let array): array.count
        case .texts(let column): column.count
        }
    }

    /// Whether a row is NULL.
    public func isNull(_ row: Int) -> Bool {
        validity.map { !$0[row] } ?? false
    }
}

/// Rows of a query or for a table, as columns of equal length.
public struct ColumnBatch: Sendable {
    /// Rows of every batch that a query hands out, except its last: one block.
    public static let rows = Block.size

    /// Name and type of each column.
    public var fields: [WarehouseField]
    /// The columns, in the order of `fields`.
    public var columns: [ColumnData]
    /// Number of rows in each column.
    public var rowCount: Int

    /// Joins columns of equal length with their names and types.
    public init(fields: [WarehouseField], columns: [ColumnData]) {
        precondition(fields.count == columns.count, "\(fields.count) fields for \(columns.count) columns")
        rowCount = columns.first?.count ?? 0
        precondition(columns.allSatisfy { [rowCount] in $0.count == rowCount }, "columns of different lengths")
        self.fields = fields
        self.columns = columns
    }

    /// The values of an integer, decimal or timestamp column.
    ///
    /// - Throws: ``WarehouseError`` when the column has another type.
    public func integers(_ column: Int) throws -> [Int64] {
        guard case .integers(let values) = columns[column].values else { throw mismatch(column, "a number") }
        return values
    }

    /// The values of a day column.
    ///
    /// - Throws: ``WarehouseError`` when the column has another type.
    public func days(_ column: Int) throws -> [Int32] {
        guard case .days(let values) = columns[column].values else { throw mismatch(column, "a day") }
        return values
    }

    /// The values of a flag column.
    ///
    /// - Throws: ``WarehouseError`` when the column has another type.
    public func flags(_ column: Int) throws -> [Bool] {
        guard case .flags(let values) = columns[column].values else { throw mismatch(column, "a flag") }
        return values
    }

    /// The values of a text column.
    ///
    /// - Throws: ``WarehouseError`` when the column has another type.
    public func texts(_ column: Int) throws -> TextColumn {
        guard case .texts(let values) = columns[column].values else { throw mismatch(column, "a text") }
        return values
    }

    private func mismatch(_ column: Int, _ expected: String) -> WarehouseError {
        WarehouseError(
            kind: .type,
            phase: .fetch,
            message: "column \(fields[column].name) is \(fields[column].type), not \(expected); cast it in the query"
        )
    }
}
