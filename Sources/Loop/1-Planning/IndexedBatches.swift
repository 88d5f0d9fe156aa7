// Rows of a generator with the index of their subscribers: lines ascend, so nothing need be joined or sorted.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Ports

/// Adds column `idx` to batches that have `line_id`.
struct IndexedBatches<Source: ColumnBatchSource>: ColumnBatchSource {
    private var source: Source
    private let lines: LineSet
    private let lineColumn: Int
    /// What messages call the rows.
    private let name: String
    private var rows = 0
    private var last: (line: Int64, index: Int64) = (0, -1)

    init(_ source: Source, fields: [WarehouseField], of lines: LineSet, name: String) {
        self.source = source
        self.lines = lines
        self.name = name
        lineColumn = fields.firstIndex { $0.name == "line_id" } ?? 0
    }

    /// The next rows.
    ///
    /// - Throws: ``LoadingError/outOfOrder(file:row:)`` for a line that no subscriber has, and for one before the last.
    mutating func next() throws -> ColumnBatch? {
        guard let batch = try source.next() else { return nil }
        var indices: [Int64] = []
        indices.reserveCapacity(batch.rowCount)
        for line in try batch.integers(lineColumn) {
            if line != last.line {
                guard line > last.line, let index = lines.index(of: line) else {
                    throw LoadingError.outOfOrder(file: name, row: rows + indices.count)
                }
                last = (line, Int64(index))
            }
            indices.append(last.index)
        }
        rows += batch.rowCount
        return ColumnBatch(
            fields: [WarehouseField("idx", .integer)] + batch.fields,
            columns: [ColumnData(.integers(indices))] + batch.columns
        )
    }
}
