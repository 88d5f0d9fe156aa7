// Column batches as CSV (RFC 4180, UTF-8, LF), for files that tests and newcomers load like an operator's own.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Ports

/// Formats batches as CSV; NULL is the empty field, flags are 1 and 0, moments are UTC.
public struct CSVText {
    /// The bytes so far; take them with ``take()``.
    private var bytes: [UInt8] = []

    /// An empty text.
    public init() {}

    /// The bytes formatted since the last call.
    public mutating func take() -> [UInt8] {
        defer { bytes.removeAll(keepingCapacity: true) }
        return bytes
    }

    /// Adds a line with the names of `fields`.
    public mutating func appendHeader(_ fields: [WarehouseField]) {
        for (position, field) in fields.enumerated() {
            if position > 0 { bytes.append(UInt8(ascii: ",")) }
            append(text: Array(field.name.utf8))
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Adds the rows of a batch.
    public mutating func append(_ batch: ColumnBatch) {
        for row in 0..<batch.rowCount {
            for (position, column) in batch.columns.enumerated() {
                if position > 0 { bytes.append(UInt8(ascii: ",")) }
                if !column.isNull(row) { append(column.values, row, batch.fields[position].type) }
            }
            bytes.append(UInt8(ascii: "\n"))
        }
    }

    private mutating func append(_ values: ColumnData.Values, _ row: Int, _ type: WarehouseType) {
        switch (values, type) {
        case (.flags(let array), _): bytes.append(array[row] ? UInt8(ascii: "1") : UInt8(ascii: "0"))
        case (.days(let array), _): append(ascii: LocalDay(number: array[row]).iso)
        case (.texts(let column), _): column.withUTF8(row) { append(text: $0) }
        case (.integers(let array), .decimal(let scale)):
            append(ascii: Scaled(unscaled: array[row], scale: scale).description)
        case (.integers(let array), .timestamp):
            let milliseconds = array[row].quotientAndRemainder(dividingBy: 1_000).quotient
            append(ascii: Instant(epochMs: milliseconds).iso)
        case (.integers(let array), _): append(ascii: String(array[row]))
        }
    }

    private mutating func append(ascii text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    /// Quoted only where it has to be; quotes inside are doubled.
    private mutating func append(text: some Collection<UInt8>) {
        let special: Set<UInt8> = [UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r")]
        guard text.contains(where: special.contains) else {
            bytes.append(contentsOf: text)
            return
        }
        bytes.append(UInt8(ascii: "\""))
        for byte in text {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
