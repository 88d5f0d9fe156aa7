// The file form of a column: a header of 64 bytes, then values, NULLs and dictionary as they lie in memory.
// SPDX-License-Identifier: Apache-2.0

import CColumns
import Kernel
import Model

/// The fixed part at the start of a column's bytes; all numbers are little-endian.
struct ColumnHeader {
    static let size = 64
    /// "GYRECOL" and the version of the format.
    static let magic: UInt64 = 0x01_4C_4F_43_45_52_59_47

    var type: UInt8
    var scale: UInt8
    var width: UInt8
    var hasNulls: UInt8
    var dictionaryCount: UInt32
    var rows: UInt64
    var base: Int64
    var largest: UInt64
    var nullCount: UInt64
    var dictionaryBytes: UInt64
}

extension HotColumn {
    /// Writes the column; equal columns give equal bytes, so the bytes may be addressed by their hash.
    ///
    /// - Parameter write: Called with each part in order; an error it throws is rethrown.
    /// - Throws: What `write` throws.
    public func encode<Failure: Error>(
        to write: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        var texts = ByteWriter()
        for text in dictionary { texts.write(text: text) }
        var header = ByteWriter(capacity: ColumnHeader.size)
        let (type, scale) = typeCode
        header.write(ColumnHeader.magic)
        for byte in [type, scale, width.rawValue, nulls == nil ? 0 : 1] { header.write(byte) }
        header.write(UInt32(dictionary.count))
        header.write(UInt64(rows))
        header.write(base)
        header.write(largest)
        header.write(UInt64(nullCount))
        header.write(UInt64(texts.bytes.count))
        header.write(UInt64(0))
        try header.bytes.withUnsafeBufferPointer { part throws(Failure) in try write(UnsafeRawBufferPointer(part)) }
        try write(UnsafeRawBufferPointer(rebasing: values.bytes[..<width.bytes(rows)]))
        if let nulls { try write(UnsafeRawBufferPointer(rebasing: nulls.bytes[..<(words(rows) * 8)])) }
        try texts.bytes.withUnsafeBufferPointer { part throws(Failure) in try write(UnsafeRawBufferPointer(part)) }
    }

    /// The column's bytes in one array.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ColumnHeader.size + byteCount)
        encode { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Reads a column that ``encode(to:)`` wrote; the bytes are copied and may go away afterwards.
    ///
    /// - Throws: ``ProfileError/malformed(offset:expected:)`` for anything that is not exactly one sound column: a
    ///   column that was read never reaches beyond its memory, dictionary or bounds.
    public init(decoding bytes: UnsafeRawBufferPointer) throws(ProfileError) {
        let header = try ColumnHeader(bytes)
        guard let type = AttributeType(header), let width = Width(rawValue: header.width),
            type == .flag ? width == .bit : width != .bit
        else { throw .malformed(offset: 8, expected: "a known type and width") }
        guard header.rows <= UInt64(UInt32.max), header.nullCount <= header.rows,
            (header.nullCount > 0) == (header.hasNulls == 1)
        else { throw .malformed(offset: 16, expected: "at most 2^32 - 1 rows and their NULLs") }
        let rows = Int(header.rows)
        let valuesEnd = ColumnHeader.size + width.bytes(rows)
        let nullsEnd = valuesEnd + (header.hasNulls == 1 ? words(rows) * 8 : 0)
        guard header.dictionaryBytes <= UInt64(bytes.count), nullsEnd + Int(header.dictionaryBytes) == bytes.count
        else {
            throw .malformed(offset: bytes.count, expected: "\(nullsEnd) bytes and the dictionary")
        }
        let dictionary = try Self.texts(header, Array(bytes[nullsEnd...]), at: nullsEnd)
        let values = ColumnStorage(copying: UnsafeRawBufferPointer(rebasing: bytes[ColumnHeader.size..<valuesEnd]))
        let nulls =
            header.hasNulls == 1
            ? ColumnStorage(copying: UnsafeRawBufferPointer(rebasing: bytes[valuesEnd..<nullsEnd])) : nil
        self.init(
            type: type,
            rows: rows,
            nullCount: Int(header.nullCount),
            dictionary: dictionary,
            width: width,
            base: header.base,
            largest: header.largest,
            values: values,
            nulls: nulls
        )
        try verify()
    }

    /// Reads a column from an array; see ``init(decoding:)-(UnsafeRawBufferPointer)``.
    public init(decoding bytes: [UInt8]) throws(ProfileError) {
        self = try bytes.withUnsafeBufferPointer { bytes throws(ProfileError) in
            try HotColumn(decoding: UnsafeRawBufferPointer(bytes))
        }
    }

    /// The dictionary in its bytes, which began at an offset of the column.
    static func texts(_ header: ColumnHeader, _ bytes: [UInt8], at start: Int) throws(ProfileError) -> [String] {
        var reader = ByteReader(bytes)
        var texts: [String] = []
        do {
            for _ in 0..<header.dictionaryCount { texts.append(try reader.readText()) }
        } catch {
            throw .malformed(offset: start + error.offset, expected: error.expected)
        }
        guard reader.isAtEnd else { throw .malformed(offset: start + reader.offset, expected: "the end") }
        return texts
    }

    /// Everything that evaluation takes for granted.
    private func verify() throws(ProfileError) {
        let kernels = ColumnKernels.best
        let padded = words(rows) * 64
        let found: UInt64 =
            switch width {
            case .bit: 0
            case .one: kernels.largest8(values.pointer(), padded)
            case .two: kernels.largest16(values.pointer(), padded)
            case .four: kernels.largest32(values.pointer(), padded)
            case .eight: kernels.largest64(values.pointer(), padded)
            }
        guard found == largest else { throw .malformed(offset: 32, expected: "\(found) as the largest value") }
        switch type {
        case .flag: guard base == 0 else { throw .malformed(offset: 24, expected: "base 0") }
        case .integer, .decimal, .day:
            guard dictionary.isEmpty, largest <= UInt64(bitPattern: .max &- base) else {
                throw .malformed(offset: 24, expected: "values that fit 64 bits, without a dictionary")
            }
        case .enumeration, .text:
            guard base == 0, nullCount == rows || largest < UInt64(dictionary.count) else {
                throw .malformed(offset: 32, expected: "codes below \(dictionary.count)")
            }
        }
        if type == .text {
            for (a, b) in zip(dictionary, dictionary.dropFirst()) where !a.utf8.lexicographicallyPrecedes(b.utf8) {
                throw .malformed(offset: 12, expected: "texts in ascending order, each once")
            }
        }
        try verifyNulls()
    }

    /// NULLs are counted right, and rows that are NULL or beyond the last hold 0.
    private func verifyNulls() throws(ProfileError) {
        let isNull = nulls?.pointer(to: UInt64.self)
        let isFlag = type == .flag
        var count = 0
        for word in 0..<words(rows) {
            let beyond: UInt64 = word == rows >> 6 ? ~((1 << UInt64(rows & 63)) - 1) : 0
            let null = isNull.map { $0[word] } ?? 0
            count += null.nonzeroBitCount
            guard null & beyond == 0 else { throw .malformed(offset: 40, expected: "no NULLs beyond row \(rows)") }
            var empty = null | beyond
            if isFlag {
                guard values.pointer(to: UInt64.self)[word] & empty == 0 else {
                    throw .malformed(offset: ColumnHeader.size + word * 8, expected: "0 for NULL")
                }
                continue
            }
            while empty != 0 {
                let row = word * 64 + empty.trailingZeroBitCount
                guard number(at: row) == base else {
                    throw .malformed(offset: 64, expected: "0 for NULL in row \(row)")
                }
                empty &= empty - 1
            }
        }
        guard count == nullCount else { throw .malformed(offset: 40, expected: "\(count) NULLs") }
    }

    private var typeCode: (UInt8, UInt8) {
        switch type {
        case .flag: (0, 0)
        case .integer: (1, 0)
        case .decimal(let scale): (2, UInt8(scale))
        case .day: (3, 0)
        case .enumeration: (4, 0)
        case .text: (5, 0)
        }
    }
}

extension ColumnHeader {
    init(_ bytes: UnsafeRawBufferPointer) throws(ProfileError) {
        guard bytes.count >= Self.size else { throw .malformed(offset: bytes.count, expected: "a header of 64 bytes") }
        var reader = ByteReader(Array(bytes[..<Self.size]))
        do throws(MalformedBytes) {
            let magic: UInt64 = try reader.read()
            guard magic == Self.magic else { throw MalformedBytes(offset: 0, expected: "a column of version 1") }
            type = try reader.read()
            scale = try reader.read()
            width = try reader.read()
            hasNulls = try reader.read()
            dictionaryCount = try reader.read()
            rows = try reader.read()
            base = try reader.read()
            largest = try reader.read()
            nullCount = try reader.read()
            dictionaryBytes = try reader.read()
            let reserved: UInt64 = try reader.read()
            guard reserved == 0 else { throw MalformedBytes(offset: 56, expected: "0") }
        } catch {
            throw .malformed(offset: error.offset, expected: error.expected)
        }
    }
}

extension AttributeType {
    init?(_ header: ColumnHeader) {
        switch (header.type, header.scale) {
        case (0, 0): self = .flag
        case (1, 0): self = .integer
        case (2, 1...9): self = .decimal(scale: Int(header.scale))
        case (3, 0): self = .day
        case (4, 0): self = .enumeration
        case (5, 0): self = .text
        default: return nil
        }
    }
}
