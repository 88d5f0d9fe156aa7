// One row of an encoded column, read without the others.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

extension HotColumn {
    /// Reads of the bytes that ``encode(to:)`` wrote one row only, as a column that has no other.
    ///
    /// A row behind the last one has no value. Reads a few bytes, and for enumerations and texts the dictionary; nothing
    /// is checked but the header.
    ///
    /// - Parameters:
    ///   - row: Subscriber index.
    ///   - read: Gives `count` bytes of the column at an offset.
    /// - Throws: ``ProfileError/malformed(offset:expected:)``, or what `read` throws.
    public init(row: Int, of read: (_ offset: Int, _ count: Int) throws -> [UInt8]) throws {
        let head = try read(0, ColumnHeader.size)
        let header = try head.withUnsafeBytes { bytes throws(ProfileError) in try ColumnHeader(bytes) }
        guard let type = AttributeType(header), let width = Width(rawValue: header.width) else {
            throw ProfileError.malformed(offset: 8, expected: "a known type and width")
        }
        let rows = Int(header.rows)
        let valuesEnd = ColumnHeader.size + width.bytes(rows)
        let nullsEnd = valuesEnd + (header.hasNulls == 1 ? words(rows) * 8 : 0)
        func isSet(_ start: Int) throws -> Bool { try read(start + row / 8, 1)[0] >> UInt8(row & 7) & 1 == 1 }
        let isNull = try row >= rows || (header.hasNulls == 1 && isSet(valuesEnd))

        var number: UInt64 = 0
        if !isNull {
            if width == .bit {
                number = try isSet(ColumnHeader.size) ? 1 : 0
            } else {
                let bytes = try read(ColumnHeader.size + row * Int(width.rawValue), Int(width.rawValue))
                number = bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
        }
        var dictionary: [String] = []
        if header.dictionaryBytes > 0 {
            dictionary = try Self.texts(header, read(nullsEnd, Int(header.dictionaryBytes)), at: nullsEnd)
        }
        if type == .text, !dictionary.isEmpty {
            guard number < UInt64(dictionary.count) else {
                throw ProfileError.malformed(offset: 32, expected: "codes below \(dictionary.count)")
            }
            dictionary = isNull ? [] : [dictionary[Int(number)]]
            number = 0
        }
        let values = ColumnStorage(byteCount: width.bytes(1))
        withUnsafeBytes(of: number.littleEndian) {
            values.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<max(1, Int(width.rawValue))]))
        }
        self.init(
            type: type,
            rows: 1,
            nullCount: isNull ? 1 : 0,
            dictionary: dictionary,
            width: width,
            base: header.base,
            largest: width == .bit ? 0 : number,
            values: values,
            nulls: isNull ? ColumnStorage([UInt64(1)]) : nil
        )
    }
}
