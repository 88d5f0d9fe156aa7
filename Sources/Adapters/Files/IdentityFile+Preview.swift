// The first rows of a list, column by column, before it is imported.
// SPDX-License-Identifier: Apache-2.0

public import Model

extension IdentityFile {
    /// Reads the first rows; the list need not be whole, for they are shown while the rest is still with its owner.
    ///
    /// - Throws: ``LoadError`` when not even one row can be read.
    public mutating func preview(rows most: Int) throws -> ListPreview {
        var columns: [ListPreview.Column] = []
        func forEachField(_ body: (Int, UnsafeBufferPointer<UInt8>) -> Void) {
            for place in 0..<min(reader.fieldCount, ListPreview.mostColumns) {
                if place == columns.count { columns.append(ListPreview.Column(heading: nil, cells: [], numbers: 0)) }
                reader.withField(place) { body(place, $0) }
            }
        }
        if pending == nil { forEachField { columns[$0].heading = Self.text($1) } }
        var rows = 0
        while rows < most, let step = try nextStep(after: rows) {
            guard case .record = step else { continue }
            forEachField { place, field in
                // A row before this one may have had fewer fields.
                while columns[place].cells.count < rows { columns[place].cells.append("") }
                columns[place].cells.append(Self.text(field))
                if case .success = IdentityCell.value(field, kind) { columns[place].numbers += 1 }
            }
            rows += 1
        }
        for place in columns.indices {
            while columns[place].cells.count < rows { columns[place].cells.append("") }
        }
        return ListPreview(columns: columns, chosen: column + 1, rows: rows)
    }

    /// The next row; nil at the end, and where a list that was cut off cannot be read on.
    private mutating func nextStep(after rows: Int) throws -> CSVReader.Step? {
        let waiting = pending
        pending = nil
        do {
            let step = try waiting ?? reader.next()
            if case .end = step { return nil }
            return step
        } catch {
            guard rows > 0 else { throw error }
            return nil
        }
    }

    /// The beginning of a cell, in UTF-8 or GB 18030.
    private static func text(_ cell: UnsafeBufferPointer<UInt8>) -> String {
        let bytes = Array(cell.prefix(200))
        let text =
            String(validating: bytes, as: UTF8.self) ?? converted(bytes) ?? String(decoding: bytes, as: UTF8.self)
        return String(text.filter { !$0.isNewline }.prefix(40))
    }

    private static func converted(_ bytes: [UInt8]) -> String? {
        guard let source = try? ConvertedBytes(TextBytes(bytes), from: ConvertedBytes.gbk, file: "") else { return nil }
        var text = [UInt8](repeating: 0, count: bytes.count * 4)
        var filled = 0
        while filled < text.count {
            let count = try? text.withUnsafeMutableBytes {
                try source.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
            }
            guard let count, count > 0 else { break }
            filled += count
        }
        return String(validating: text.prefix(filled), as: UTF8.self)
    }
}
