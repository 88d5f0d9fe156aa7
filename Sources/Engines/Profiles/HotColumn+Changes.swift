// What became of a column from one load to the next, and some of its rows as a column of their own.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

extension HotColumn {
    /// The rows whose value differs from that in an older column of the same attribute.
    ///
    /// Rows that the older one does not have are among them. Both may be packed differently: what counts is the value.
    public func rowsChanged(since old: HotColumn) -> Bitset {
        var changed = Bitset(universe: rows)
        let shared = min(rows, old.rows)
        changed.withMutableWords { words in
            if width == .bit, old.width == .bit {
                let (new, old) = (values.pointer(to: UInt64.self), old.values.pointer(to: UInt64.self))
                for word in 0..<(shared + 63) / 64 { words[word] = new[word] ^ old[word] }
            } else {
                markValues(of: old, shared, into: words)
            }
            if nulls != nil || old.nulls != nil {
                let (new, old) = (nulls?.pointer(to: UInt64.self), old.nulls?.pointer(to: UInt64.self))
                for word in 0..<(shared + 63) / 64 {
                    let (isNull, wasNull) = (new?[word] ?? 0, old?[word] ?? 0)
                    // What a NULL row holds means nothing; who was and is NULL has not changed.
                    words[word] = words[word] & ~(isNull & wasNull) | (isNull ^ wasNull)
                }
            }
            if shared & 63 != 0 { words[shared >> 6] &= (1 << UInt64(shared & 63)) - 1 }
            for row in shared..<rows { words[row >> 6] |= 1 << UInt64(row & 63) }
        }
        return changed
    }

    /// Marks rows whose number or text differs, NULL or not.
    private func markValues(of old: HotColumn, _ shared: Int, into words: UnsafeMutableBufferPointer<UInt64>) {
        if dictionary != old.dictionary {
            // Codes of the older dictionary as codes of this one; a text that is gone is no code of this one.
            let codes = old.dictionary.map { code(of: $0).map { UInt64($0) } ?? .max }
            mark(shared, into: words) { row in
                UInt64(bitPattern: number(at: row)) != codes[Int(old.number(at: row))]
            }
        } else if width == old.width, base == old.base {
            switch width {
            case .bit: break
            case .one: markDifferent(old, shared, UInt8.self, into: words)
            case .two: markDifferent(old, shared, UInt16.self, into: words)
            case .four: markDifferent(old, shared, UInt32.self, into: words)
            case .eight: markDifferent(old, shared, UInt64.self, into: words)
            }
        } else {
            mark(shared, into: words) { number(at: $0) != old.number(at: $0) }
        }
    }

    private func markDifferent<Stored: FixedWidthInteger & BitwiseCopyable>(
        _ old: HotColumn,
        _ shared: Int,
        _ type: Stored.Type,
        into words: UnsafeMutableBufferPointer<UInt64>
    ) {
        let (new, old) = (values.pointer(to: type), old.values.pointer(to: type))
        for word in 0..<(shared + 63) / 64 {
            let (a, b) = (new + word * 64, old + word * 64)
            var bits: UInt64 = 0
            // Few rows differ, but one in most words: eights are skipped as a whole.
            for eight in stride(from: 0, to: 64, by: 8) {
                var differing: Stored = 0
                for row in eight..<eight + 8 { differing |= a[row] ^ b[row] }
                guard differing != 0 else { continue }
                for row in eight..<eight + 8 { bits |= (a[row] == b[row] ? 0 : 1) << UInt64(row) }
            }
            words[word] = bits
        }
    }

    private func mark(
        _ shared: Int,
        into words: UnsafeMutableBufferPointer<UInt64>,
        _ differs: (Int) -> Bool
    ) {
        for row in 0..<shared where differs(row) { words[row >> 6] |= 1 << UInt64(row & 63) }
    }

    /// Some rows as a column of their own: row i is row `chosen[i]` of this one.
    ///
    /// A row that this column does not have has no value.
    public func packed(_ chosen: [UInt32]) -> HotColumn {
        let count = chosen.count
        let packed = ColumnStorage(byteCount: width.bytes(count))
        var largest: UInt64 = 0
        func gather<Stored: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ type: Stored.Type) {
            let (from, to) = (values.pointer(to: type), packed.pointer(to: type))
            var greatest: Stored = 0
            for (place, row) in chosen.enumerated() where row < rows {
                to[place] = from[Int(row)]
                greatest = max(greatest, from[Int(row)])
            }
            largest = UInt64(greatest)
        }
        switch width {
        case .bit: packed.gatherBits(of: values, chosen, rows)
        case .one: gather(UInt8.self)
        case .two: gather(UInt16.self)
        case .four: gather(UInt32.self)
        case .eight: gather(UInt64.self)
        }
        var (nullCount, missing): (Int, ColumnStorage?) = (0, nil)
        if nulls != nil || chosen.contains(where: { $0 >= rows }) {
            let bits = ColumnStorage(byteCount: words(count) * 8)
            if let nulls { bits.gatherBits(of: nulls, chosen, rows) }
            let pointer = bits.pointer(to: UInt64.self)
            for (place, row) in chosen.enumerated() where row >= rows { pointer[place >> 6] |= 1 << UInt64(place & 63) }
            for word in 0..<words(count) { nullCount += pointer[word].nonzeroBitCount }
            missing = nullCount > 0 ? bits : nil
        }
        return HotColumn(
            type: type,
            rows: count,
            nullCount: nullCount,
            dictionary: dictionary,
            width: width,
            base: base,
            largest: largest,
            values: packed,
            nulls: missing
        )
    }
}

extension ColumnStorage {
    /// Takes over the bits of some rows; those from `rows` on are 0.
    fileprivate func gatherBits(of source: ColumnStorage, _ chosen: [UInt32], _ rows: Int) {
        let (from, to) = (source.pointer(to: UInt64.self), pointer(to: UInt64.self))
        for (place, row) in chosen.enumerated() where row < rows {
            to[place >> 6] |= (from[Int(row >> 6)] >> UInt64(row & 63) & 1) << UInt64(place & 63)
        }
    }
}

extension HotProfile {
    /// Some subscribers, and of them some attributes, as a profile of their own; see ``HotColumn/packed(_:)``.
    ///
    /// - Throws: ``ProfileError`` when an attribute has no column.
    public func packed(_ chosen: [UInt32], attributes: some Sequence<String>) throws(ProfileError) -> HotProfile {
        var columns: [String: HotColumn] = [:]
        for code in attributes {
            guard let column = self.columns[code] else { throw .requiresWarehouse(attributes: [code]) }
            columns[code] = column.packed(chosen)
        }
        return try HotProfile(catalogue: catalogue, universe: chosen.count, columns: columns)
    }
}
