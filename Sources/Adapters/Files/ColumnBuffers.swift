// Memory for the rows of one column while a batch is gathered.
// SPDX-License-Identifier: Apache-2.0

internal import Model
internal import Ports

/// The rows of one column while a batch is gathered.
///
/// Plain memory: growing arrays would cost more than reading the values does.
final class ColumnBuffers {
    let integers: UnsafeMutablePointer<Int64>
    /// Days, or positions in an enumeration's domain.
    let days: UnsafeMutablePointer<Int32>
    let flags: UnsafeMutablePointer<Bool>
    let valid: UnsafeMutablePointer<Bool>
    private let representation: Representation
    private let domain: [[UInt8]]

    private enum Representation { case integers, days, flags, domain, texts }

    init(_ kind: ValueKind) {
        var domain: [[UInt8]] = []
        var isEnumeration = false
        if case .attribute(let attribute) = kind, attribute.type == .enumeration {
            domain = attribute.domain.map { Array($0.value.utf8) }
            isEnumeration = true
        }
        self.domain = domain
        representation =
            switch kind.warehouseType {
            case .flag: .flags
            case .day: .days
            case .text: isEnumeration ? .domain : .texts
            case .integer, .decimal, .timestamp: .integers
            }
        let rows = ColumnBatch.rows
        integers = .allocate(capacity: representation == .integers ? rows : 0)
        days = .allocate(capacity: representation == .days || representation == .domain ? rows : 0)
        flags = .allocate(capacity: representation == .flags ? rows : 0)
        valid = .allocate(capacity: rows)
    }

    deinit {
        integers.deallocate()
        days.deallocate()
        flags.deallocate()
        valid.deallocate()
    }

    func isValid(_ row: Int) -> Bool { valid[row] }

    /// Sets the value under a NULL.
    func setZero(_ row: Int) {
        switch representation {
        case .integers: integers[row] = 0
        case .days: days[row] = 0
        case .flags: flags[row] = false
        case .domain: days[row] = -1
        case .texts: break
        }
    }

    func values(_ rows: Int) -> ColumnData.Values {
        switch representation {
        case .integers: .integers(Array(UnsafeBufferPointer(start: integers, count: rows)))
        case .days: .days(Array(UnsafeBufferPointer(start: days, count: rows)))
        case .flags: .flags(Array(UnsafeBufferPointer(start: flags, count: rows)))
        case .domain, .texts: .texts(domainTexts(rows))
        }
    }

    private func domainTexts(_ rows: Int) -> TextColumn {
        var offsets: [Int32] = [0]
        offsets.reserveCapacity(rows + 1)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows * (domain.map(\.count).max() ?? 0))
        for row in 0..<rows {
            if days[row] >= 0 { bytes.append(contentsOf: domain[Int(days[row])]) }
            offsets.append(Int32(truncatingIfNeeded: bytes.count))
        }
        return TextColumn(bytes: bytes, offsets: offsets)
    }

    func validity(_ rows: Int) -> Validity? {
        var validity = Validity(allValid: rows)
        var hasNull = false
        for row in 0..<rows where !valid[row] {
            validity.setNull(row)
            hasNull = true
        }
        return hasNull ? validity : nil
    }
}
