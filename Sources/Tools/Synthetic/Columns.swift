// From rows to typed column batches: each column is a name, a type and a function of the row.
// SPDX-License-Identifier: Apache-2.0

import Ports

/// One column of a table of `Row`; values are read through a pointer because rows are too large to be copied for each.
struct Column<Row>: Sendable {
    enum Value: Sendable {
        case flag(@Sendable (UnsafePointer<Row>) -> Bool)
        /// ``Null/number`` is NULL.
        case integer(@Sendable (UnsafePointer<Row>) -> Int64)
        /// ``Null/day`` is NULL.
        case day(@Sendable (UnsafePointer<Row>) -> Int32)
        /// Position in the dictionary; ``Null/code`` is NULL.
        case text(TextDictionary, @Sendable (UnsafePointer<Row>) -> Int)
    }

    var field: WarehouseField
    var value: Value

    static func flag(_ name: String, _ value: @escaping @Sendable (UnsafePointer<Row>) -> Bool) -> Column {
        Column(field: WarehouseField(name, .flag), value: .flag(value))
    }

    static func integer(_ name: String, _ value: @escaping @Sendable (UnsafePointer<Row>) -> Int64) -> Column {
        Column(field: WarehouseField(name, .integer), value: .integer(value))
    }

    static func count(_ name: String, _ value: @escaping @Sendable (UnsafePointer<Row>) -> Int) -> Column {
        integer(name) { Int64(value($0)) }
    }

    static func decimal(
        _ name: String,
        scale: Int,
        _ value: @escaping @Sendable (UnsafePointer<Row>) -> Int
    ) -> Column {
        Column(field: WarehouseField(name, .decimal(scale: scale)), value: .integer { Int64(value($0)) })
    }

    static func timestamp(_ name: String, _ value: @escaping @Sendable (UnsafePointer<Row>) -> Int64) -> Column {
        Column(field: WarehouseField(name, .timestamp), value: .integer(value))
    }

    static func day(_ name: String, _ value: @escaping @Sendable (UnsafePointer<Row>) -> Int32) -> Column {
        Column(field: WarehouseField(name, .day), value: .day(value))
    }

    static func text(
        _ name: String,
        _ values: [String],
        _ code: @escaping @Sendable (UnsafePointer<Row>) -> Int
    ) -> Column {
        Column(field: WarehouseField(name, .text), value: .text(TextDictionary(values), code))
    }
}

/// A small set of texts, laid out so that a column is built without touching a `String`.
struct TextDictionary: Sendable {
    private static let slack = 64
    private let bytes: [UInt8]
    private let starts: [Int32]

    init(_ texts: [String]) {
        var bytes: [UInt8] = []
        var starts: [Int32] = [0]
        for text in texts {
            precondition(text.utf8.count <= Self.slack, "a dictionary text has at most \(Self.slack) bytes")
            bytes.append(contentsOf: text.utf8)
            starts.append(Int32(bytes.count))
        }
        bytes.append(contentsOf: repeatElement(0, count: Self.slack))
        self.bytes = bytes
        self.starts = starts
    }

    /// The column of the texts at `codes`; negative codes give the empty text.
    func column(_ codes: [Int32]) -> TextColumn {
        let offsets = [Int32](unsafeUninitializedCapacity: codes.count + 1) { buffer, count in
            var end: Int32 = 0
            buffer.initializeElement(at: 0, to: 0)
            for (row, code) in codes.enumerated() {
                if code >= 0 { end &+= starts[Int(code) &+ 1] &- starts[Int(code)] }
                buffer.initializeElement(at: row &+ 1, to: end)
            }
            count = codes.count + 1
        }
        let total = Int(offsets[codes.count])
        let text = [UInt8](unsafeUninitializedCapacity: total + Self.slack) { buffer, count in
            guard let target = buffer.baseAddress else { return }
            bytes.withUnsafeBufferPointer { source in
                guard let source = source.baseAddress else { return }
                for (row, code) in codes.enumerated() where code >= 0 {
                    // Short texts are copied by one fixed-size move; what it writes too much, the next text covers.
                    let start = source + Int(starts[Int(code)])
                    let length = Int(starts[Int(code) &+ 1] &- starts[Int(code)])
                    let place = UnsafeMutableRawPointer(target + Int(offsets[row]))
                    if length <= 16 {
                        place.copyMemory(from: start, byteCount: 16)
                    } else {
                        place.copyMemory(from: start, byteCount: Self.slack)
                    }
                }
            }
            count = total
        }
        return TextColumn(bytes: text, offsets: offsets)
    }
}

/// Collects rows column by column and hands them out as a batch.
struct BatchBuilder<Row> {
    private let columns: [Column<Row>]
    private let capacity: Int
    // One array per column of a kind, in the columns' order; codes of texts are beside the days.
    private var flags: [[Bool]] = []
    private var integers: [[Int64]] = []
    private var smalls: [[Int32]] = []

    init(_ columns: [Column<Row>], capacity: Int) {
        self.columns = columns
        self.capacity = capacity
        for column in columns {
            switch column.value {
            case .flag: flags.append(reserved())
            case .integer: integers.append(reserved())
            case .day, .text: smalls.append(reserved())
            }
        }
    }

    private func reserved<Element>() -> [Element] {
        var array: [Element] = []
        array.reserveCapacity(capacity)
        return array
    }

    /// Adds rows; some hundred at a time keep rows and columns in the cache.
    mutating func append(_ rows: UnsafeBufferPointer<Row>) {
        guard let first = rows.baseAddress else { return }
        var (flag, integer, small) = (0, 0, 0)
        for column in columns {
            switch column.value {
            case .flag(let value):
                flags[flag].append(contentsOf: rows.indices.lazy.map { value(first + $0) })
                flag += 1
            case .integer(let value):
                integers[integer].append(contentsOf: rows.indices.lazy.map { value(first + $0) })
                integer += 1
            case .day(let value):
                smalls[small].append(contentsOf: rows.indices.lazy.map { value(first + $0) })
                small += 1
            case .text(_, let code):
                smalls[small].append(
                    contentsOf: rows.indices.lazy.map { Int32(truncatingIfNeeded: code(first + $0)) }
                )
                small += 1
            }
        }
    }

    /// The rows as a batch.
    consuming func finish() -> ColumnBatch {
        var (flag, integer, small) = (0, 0, 0)
        let data = columns.map { column in
            switch column.value {
            case .flag:
                flag += 1
                return ColumnData(.flags(flags[flag - 1]))
            case .integer:
                integer += 1
                return Self.integers(integers[integer - 1])
            case .day:
                small += 1
                return Self.days(smalls[small - 1])
            case .text(let dictionary, _):
                small += 1
                return Self.texts(smalls[small - 1], dictionary)
            }
        }
        return ColumnBatch(fields: columns.map(\.field), columns: data)
    }

    private static func integers(_ array: [Int64]) -> ColumnData {
        guard array.contains(Null.number) else { return ColumnData(.integers(array)) }
        return ColumnData(
            .integers(array.map { $0 == Null.number ? 0 : $0 }),
            validity: validity(array) { $0 == Null.number }
        )
    }

    private static func days(_ array: [Int32]) -> ColumnData {
        guard array.contains(Null.day) else { return ColumnData(.days(array)) }
        return ColumnData(.days(array.map { $0 == Null.day ? 0 : $0 }), validity: validity(array) { $0 == Null.day })
    }

    private static func texts(_ codes: [Int32], _ dictionary: TextDictionary) -> ColumnData {
        let hasNull = codes.contains { $0 < 0 }
        return ColumnData(.texts(dictionary.column(codes)), validity: hasNull ? validity(codes) { $0 < 0 } : nil)
    }

    private static func validity<Element>(_ array: [Element], isNull: (Element) -> Bool) -> Validity {
        var words = [UInt64](repeating: 0, count: (array.count + 63) / 64)
        for row in array.indices where !isNull(array[row]) { words[row >> 6] |= 1 << UInt64(row & 63) }
        return Validity(words: words, count: array.count)
    }
}
