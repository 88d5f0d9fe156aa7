// A column without the values of some subscribers.
// SPDX-License-Identifier: Apache-2.0

public import Model

extension HotColumn {
    /// The column with NULL for some subscribers, packed anew: a text that only they had leaves the dictionary, too.
    ///
    /// `attribute`: What the column was made for.
    ///
    /// - Returns: Nil when none of them has a value.
    /// - Throws: ``ProfileError`` when the column is not one of the attribute.
    public func erasing(_ subscribers: some Sequence<Int>, attribute: Attribute) throws(ProfileError) -> HotColumn? {
        let erased = Set(subscribers.filter { $0 < rows && !isNull($0) })
        guard !erased.isEmpty else { return nil }
        var builder = HotColumnBuilder(attribute, rows: rows)
        for start in stride(from: 0, to: rows, by: Self.rowsAtOnce) {
            let part = start..<min(start + Self.rowsAtOnce, rows)
            var valid = [UInt64](repeating: 0, count: words(part.count))
            for (place, row) in part.enumerated() where !isNull(row) && !erased.contains(row) {
                valid[place >> 6] |= 1 << UInt64(place & 63)
            }
            try append(part, valid, to: &builder)
        }
        return try builder.finish()
    }

    private static let rowsAtOnce = 65_536

    private func append(
        _ part: Range<Int>,
        _ valid: [UInt64],
        to builder: inout HotColumnBuilder
    ) throws(ProfileError) {
        func isValid(_ row: Int) -> Bool {
            valid[(row - part.lowerBound) >> 6] >> UInt64((row - part.lowerBound) & 63) & 1 == 1
        }
        switch type {
        case .flag:
            try append(part.map { isValid($0) && number(at: $0) == 1 }, valid) { values, valid throws(ProfileError) in
                try builder.append(flags: values, valid: valid)
            }
        case .integer, .decimal, .day:
            try append(part.map { isValid($0) ? number(at: $0) : 0 }, valid) { values, valid throws(ProfileError) in
                try builder.append(integers: values, valid: valid)
            }
        case .enumeration, .text:
            var (utf8, offsets): ([UInt8], [Int32]) = ([], [0])
            for row in part {
                if isValid(row) { utf8 += dictionary[Int(number(at: row))].utf8 }
                offsets.append(Int32(utf8.count))
            }
            try append(offsets, valid) { offsets, valid throws(ProfileError) in
                try utf8.withUnsafeBufferPointer { utf8 throws(ProfileError) in
                    try builder.append(utf8: utf8, offsets: offsets, valid: valid)
                }
            }
        }
    }

    /// Lends values and their mask as buffers.
    private func append<T>(
        _ values: [T],
        _ valid: [UInt64],
        _ body: (UnsafeBufferPointer<T>, UnsafeBufferPointer<UInt64>) throws(ProfileError) -> Void
    ) throws(ProfileError) {
        try values.withUnsafeBufferPointer { values throws(ProfileError) in
            try valid.withUnsafeBufferPointer { valid throws(ProfileError) in try body(values, valid) }
        }
    }
}
