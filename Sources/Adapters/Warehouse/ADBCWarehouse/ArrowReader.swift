// Arrow record batches of an engine's result, gathered into Gyre's typed columns of one block each.
// SPDX-License-Identifier: Apache-2.0

internal import CADBC
internal import Ports

/// How the values of an Arrow column are laid out, by its format string.
///
/// Source: Arrow C data interface, "Data type description – format strings".
enum ArrowLayout {
    case bit
    case signed(bytes: Int)
    case unsigned(bytes: Int)
    case decimal(bits: Int)
    case day
    /// Microseconds = value x `multiplier` / `divisor`.
    case timestamp(multiplier: Int64, divisor: Int64)
    case text(offsetBytes: Int)

    /// Reads a format string; nil when Gyre does not read columns of that type.
    static func parse(_ format: String) -> (layout: ArrowLayout, type: WarehouseType)? {
        switch format {
        case "b": return (.bit, .flag)
        case "c": return (.signed(bytes: 1), .integer)
        case "s": return (.signed(bytes: 2), .integer)
        case "i": return (.signed(bytes: 4), .integer)
        case "l": return (.signed(bytes: 8), .integer)
        case "C": return (.unsigned(bytes: 1), .integer)
        case "S": return (.unsigned(bytes: 2), .integer)
        case "I": return (.unsigned(bytes: 4), .integer)
        case "L": return (.unsigned(bytes: 8), .integer)
        case "tdD": return (.day, .day)
        case "u": return (.text(offsetBytes: 4), .text)
        case "U": return (.text(offsetBytes: 8), .text)
        default: break
        }
        if format.hasPrefix("d:") {
            let parts = format.dropFirst(2).split(separator: ",").compactMap { Int($0) }
            let bits = parts.count == 3 ? parts[2] : 128
            guard parts.count >= 2, (0...18).contains(parts[1]), [32, 64, 128].contains(bits) else { return nil }
            return (.decimal(bits: bits), parts[1] == 0 ? .integer : .decimal(scale: parts[1]))
        }
        let units: [Substring: (Int64, Int64)] = [
            "tss": (1_000_000, 1), "tsm": (1_000, 1), "tsu": (1, 1), "tsn": (1, 1_000),
        ]
        guard format.contains(":"), let unit = units[format.prefix(3)] else { return nil }
        return (.timestamp(multiplier: unit.0, divisor: unit.1), .timestamp)
    }
}

/// Gathers the rows of one Arrow column.
struct ColumnGatherer {
    let field: WarehouseField
    private let layout: ArrowLayout
    private let sql: String
    private var rows = 0
    private var flags: [Bool] = []
    private var integers: [Int64] = []
    private var days: [Int32] = []
    private var bytes: [UInt8] = []
    private var offsets: [Int32] = [0]
    private var validityWords: [UInt64] = []
    private var hasNulls = false

    init(schema: ArrowSchema, sql: String) throws {
        let name = schema.name.map { String(cString: $0) } ?? ""
        let format = schema.format.map { String(cString: $0) } ?? ""
        guard schema.dictionary == nil, let (layout, type) = ArrowLayout.parse(format) else {
            throw WarehouseError(
                kind: .type,
                phase: .fetch,
                message:
                    "column \(name) has the Arrow type '\(format)', which Gyre does not read; cast it in the query "
                    + "to BIGINT, DECIMAL(18,n), BOOLEAN, DATE, TIMESTAMP or VARCHAR",
                sql: sql
            )
        }
        field = WarehouseField(name, type)
        self.layout = layout
        self.sql = sql
        reserve()
    }

    private mutating func reserve() {
        switch layout {
        case .bit: flags.reserveCapacity(ColumnBatch.rows)
        case .day: days.reserveCapacity(ColumnBatch.rows)
        case .text: offsets.reserveCapacity(ColumnBatch.rows + 1)
        default: integers.reserveCapacity(ColumnBatch.rows)
        }
    }

    /// Appends rows `start ..< start + count` of an array of this column.
    mutating func append(_ array: ArrowArray, start: Int, count: Int) throws {
        let first = Int(array.offset) + start
        if case .text(let offsetBytes) = layout {
            try appendTexts(array, first: first, count: count, offsetBytes: offsetBytes)
        } else {
            guard let raw = array.buffers?[1] else { throw malformed("without values") }
            try appendValues(raw, first: first, count: count)
        }
        try appendValidity(array, first: first, count: count)
        rows += count
    }

    /// The column gathered so far; gathering starts anew.
    mutating func take() -> ColumnData {
        let values: ColumnData.Values =
            switch layout {
            case .bit: .flags(flags)
            case .day: .days(days)
            case .text: .texts(TextColumn(bytes: bytes, offsets: offsets))
            default: .integers(integers)
            }
        let data = ColumnData(values, validity: hasNulls ? Validity(words: validityWords, count: rows) : nil)
        (flags, integers, days, bytes, offsets, validityWords) = ([], [], [], [], [0], [])
        (rows, hasNulls) = (0, false)
        reserve()
        return data
    }

    private func malformed(_ what: String) -> WarehouseError {
        WarehouseError(kind: .engine, phase: .fetch, message: "the engine sent column \(field.name) \(what)", sql: sql)
    }

    private var overflow: WarehouseError {
        WarehouseError(
            kind: .overflow,
            phase: .fetch,
            message: "a number in column \(field.name) does not fit 64 bits; cast it in the query to a smaller type",
            sql: sql
        )
    }

    private mutating func appendValues(_ raw: UnsafeRawPointer, first: Int, count: Int) throws {
        switch layout {
        case .bit:
            for row in first..<first + count {
                flags.append(raw.load(fromByteOffset: row >> 3, as: UInt8.self) >> UInt8(row & 7) & 1 == 1)
            }
        case .signed(8): appendAll(raw, first, count, Int64.self)
        case .signed(4): appendAll(raw, first, count, Int32.self)
        case .signed(2): appendAll(raw, first, count, Int16.self)
        case .signed: appendAll(raw, first, count, Int8.self)
        case .unsigned(4): appendAll(raw, first, count, UInt32.self)
        case .unsigned(2): appendAll(raw, first, count, UInt16.self)
        case .unsigned(1): appendAll(raw, first, count, UInt8.self)
        case .unsigned:
            for value in elements(raw, first, count, UInt64.self) {
                guard let number = Int64(exactly: value) else { throw overflow }
                integers.append(number)
            }
        case .decimal(32): appendAll(raw, first, count, Int32.self)
        case .decimal(64): appendAll(raw, first, count, Int64.self)
        case .decimal: try appendWideDecimals(raw, first, count)
        case .day: days.append(contentsOf: elements(raw, first, count, Int32.self))
        case .timestamp(1, 1): appendAll(raw, first, count, Int64.self)
        case .timestamp(let multiplier, let divisor):
            for value in elements(raw, first, count, Int64.self) {
                let (product, tooLarge) = value.multipliedReportingOverflow(by: multiplier)
                guard !tooLarge else { throw overflow }
                integers.append(divisor == 1 ? product : (product - (product < 0 ? divisor - 1 : 0)) / divisor)
            }
        case .text: break
        }
    }

    private func elements<T>(_ raw: UnsafeRawPointer, _ first: Int, _ count: Int, _: T.Type) -> UnsafeBufferPointer<T> {
        UnsafeBufferPointer(start: raw.assumingMemoryBound(to: T.self) + first, count: count)
    }

    @inline(__always)
    private mutating func appendAll<T: FixedWidthInteger>(
        _ raw: UnsafeRawPointer,
        _ first: Int,
        _ count: Int,
        _ type: T.Type
    ) {
        if T.self == Int64.self {
            integers.append(contentsOf: elements(raw, first, count, Int64.self))
        } else {
            for value in elements(raw, first, count, type) { integers.append(Int64(truncatingIfNeeded: value)) }
        }
    }

    /// Decimals of 128 bits, little-endian; the upper half must repeat the sign of the lower.
    private mutating func appendWideDecimals(_ raw: UnsafeRawPointer, _ first: Int, _ count: Int) throws {
        let halves = elements(raw, first * 2, count * 2, Int64.self)
        for row in 0..<count {
            let low = halves[row * 2]
            guard halves[row * 2 + 1] == low >> 63 else { throw overflow }
            integers.append(low)
        }
    }

    private mutating func appendTexts(_ array: ArrowArray, first: Int, count: Int, offsetBytes: Int) throws {
        guard count > 0 else { return }
        guard let rawOffsets = array.buffers?[1] else { throw malformed("without offsets") }
        func offset(_ row: Int) -> Int {
            offsetBytes == 4
                ? Int(rawOffsets.load(fromByteOffset: row * 4, as: Int32.self))
                : Int(rawOffsets.load(fromByteOffset: row * 8, as: Int64.self))
        }
        let start = offset(first)
        let end = offset(first + count)
        guard end - start + bytes.count <= Int(Int32.max) else { throw malformed("with over 2 GiB of text in a block") }
        let shift = bytes.count - start
        if end > start {
            guard let text = array.buffers?[2] else { throw malformed("without text") }
            bytes.append(contentsOf: elements(text, start, end - start, UInt8.self))
        }
        for row in first + 1...first + count { offsets.append(Int32(truncatingIfNeeded: offset(row) + shift)) }
    }

    /// Copies the validity bits and sets the values of NULL rows to zero.
    private mutating func appendValidity(_ array: ArrowArray, first: Int, count: Int) throws {
        let bitmap = array.null_count == 0 ? nil : array.buffers?[0]
        guard hasNulls || bitmap != nil else { return }
        if !hasNulls {
            hasNulls = true
            validityWords = Validity(allValid: rows).words
        }
        validityWords.append(contentsOf: repeatElement(0, count: (rows + count + 63) / 64 - validityWords.count))
        for row in 0..<count {
            let source = first + row
            let target = rows + row
            if bitmap.map({ $0.load(fromByteOffset: source >> 3, as: UInt8.self) >> UInt8(source & 7) & 1 == 1 })
                ?? true
            {
                validityWords[target >> 6] |= 1 << UInt64(target & 63)
            } else {
                try clear(target)
            }
        }
    }

    private mutating func clear(_ row: Int) throws {
        switch layout {
        case .bit: flags[row] = false
        case .day: days[row] = 0
        case .text:
            guard offsets[row] == offsets[row + 1] else { throw malformed("with text under a NULL") }
        default: integers[row] = 0
        }
    }
}

/// Reads a result stream to its end.
struct ArrowReader {
    /// Hands the rows of `stream` to `deliver` in batches of ``ColumnBatch/rows``.
    ///
    /// - Returns: Names and types of the result's columns.
    /// - Throws: What `deliver` throws, or a ``WarehouseError`` of the fetch: an engine may fail after many batches.
    @discardableResult
    static func read(
        _ stream: inout ArrowArrayStream,
        sql: String,
        deliver: (ColumnBatch) throws -> Void
    ) throws -> [WarehouseField] {
        var schema = ArrowSchema()
        try check(stream.get_schema?(&stream, &schema), &stream, sql)
        defer { schema.release?(&schema) }
        var columns = try (0..<Int(schema.n_children)).map { position in
            guard let child = schema.children?[position] else {
                throw WarehouseError(kind: .engine, phase: .fetch, message: "the engine sent no schema", sql: sql)
            }
            return try ColumnGatherer(schema: child.pointee, sql: sql)
        }
        let fields = columns.map(\.field)
        var gathered = 0
        func flush() throws {
            guard gathered > 0 else { return }
            gathered = 0
            try deliver(ColumnBatch(fields: fields, columns: columns.indices.map { columns[$0].take() }))
        }
        while true {
            var array = ArrowArray()
            try check(stream.get_next?(&stream, &array), &stream, sql)
            guard array.release != nil else { break }
            defer { array.release?(&array) }
            var start = 0
            while start < Int(array.length) {
                let count = min(Int(array.length) - start, ColumnBatch.rows - gathered)
                for position in columns.indices {
                    guard let child = array.children?[position] else { continue }
                    try columns[position].append(child.pointee, start: Int(array.offset) + start, count: count)
                }
                start += count
                gathered += count
                if gathered == ColumnBatch.rows { try flush() }
            }
        }
        try flush()
        return fields
    }

    /// Reads a stream to its end for its errors only; statements that return no rows may still fail there.
    static func drain(_ stream: inout ArrowArrayStream, phase: WarehouseError.Phase, sql: String) throws {
        while true {
            var array = ArrowArray()
            try check(stream.get_next?(&stream, &array), &stream, sql, phase)
            guard array.release != nil else { return }
            array.release?(&array)
        }
    }

    private static func check(
        _ status: Int32?,
        _ stream: inout ArrowArrayStream,
        _ sql: String,
        _ phase: WarehouseError.Phase = .fetch
    ) throws {
        guard status != 0 else { return }
        let text = stream.get_last_error?(&stream).map { String(cString: $0) }
        let message = text ?? "the result stream failed with status \(status.map(String.init) ?? "none")"
        throw WarehouseError(kind: .init(engineMessage: message), phase: phase, message: message, sql: sql)
    }
}
