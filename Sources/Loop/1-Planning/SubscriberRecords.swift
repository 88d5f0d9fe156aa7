// What the log gets to know of a load of subscribers: the indices of new lines, and the hot columns.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Kernel
import Model
import Ports
import Profiles

/// Makes log records of a load whose Parquet parts are written.
struct SubscriberRecords: Sendable {
    let folders: LoadFolders
    let host: DecisionHost
    let workers: Int

    /// The log records that give new lines their indices and make a load with its hot columns live, all at once.
    ///
    /// Returns also how many lines there are then.
    ///
    /// `name`: What messages call the load.
    func records(
        ofLoad load: String,
        name: String,
        catalogue: AttributeCatalogue
    ) async throws -> (records: [LogRecord], lines: Int) {
        let folder = "subscriber/\(load)"
        let known = try await host.read { $0.lines }
        let all = try await folders.read(["line_id"], of: folder, into: [Int64]()) { $0 += try $1.integers(1) }
        let wrong = all.indices.first { row in
            row < known.count ? all[row] != known[row] : row > known.count && all[row] <= all[row - 1]
        }
        if let row = wrong ?? (all.count < known.count ? all.count : nil) {
            throw LoadingError.outOfOrder(file: name, row: row)
        }
        let new = Array(all[known.count...])
        var records: [LogRecord] = []
        if !new.isEmpty {
            var bytes = ByteWriter(capacity: new.count * 8)
            new.withUnsafeBytes { bytes.write(raw: $0) }
            let file = try host.store(bytes.bytes)
            records.append(.linesAssigned(base: UInt32(known.count), count: UInt32(new.count), file: file))
        }
        let columns = try await hotColumns(folder, catalogue: catalogue, rows: all.count)
        let types = try host.store(catalogue.canonicalJSON())
        records.append(.attributesLoaded(load: load, catalogue: types, columns: columns))
        return (records, all.count)
    }

    /// The hot columns of a load: a few attributes at a time, since columns being built are larger than built ones.
    ///
    /// `having`: Columns of this load that are there already.
    func hotColumns(
        _ folder: String,
        catalogue: AttributeCatalogue,
        rows count: Int,
        having: [AttributeColumn] = []
    ) async throws -> [AttributeColumn] {
        let loaded = Set(try await folders.columns(folders.rows(in: [folder])).map(\.name))
        let all = catalogue.attributes.filter { $0.isHotColumn && loaded.contains($0.code) }
        var files = Dictionary(having.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
        let hot = all.filter { files[$0.code] == nil }
        let groups = stride(from: 0, to: hot.count, by: 4).map { Array(hot[$0..<min($0 + 4, hot.count)]) }
        let built = try await sideBySide(groups.count, workers: workers) { group, _ in
            let codes = groups[group].map(\.code)
            let building = ColumnsBeingBuilt(groups[group].map { HotColumnBuilder($0, rows: count) })
            _ = try await folders.read(codes, of: folder, into: building) { building, batch in
                for (position, column) in batch.columns.dropFirst().enumerated() {
                    try building.builders[position].append(column)
                }
            }
            return try zip(codes, building.builders).map { code, builder in
                AttributeColumn(code: code, file: try host.store(builder.finish().encoded()))
            }
        }
        for column in built.flatMap({ $0 }) { files[column.code] = column }
        return all.compactMap { files[$0.code] }
    }
}

/// Builders handed through a query, which uses them one batch after the other.
final class ColumnsBeingBuilt: @unchecked Sendable {
    var builders: [HotColumnBuilder]
    /// Rows so far.
    var filled = 0

    init(_ builders: [HotColumnBuilder]) { self.builders = builders }
}

extension HotColumnBuilder {
    /// Adds a column of a warehouse batch.
    mutating func append(_ column: ColumnData) throws {
        let valid = column.validity?.words
        switch column.values {
        case .integers(let values): try lending(values, valid) { try append(integers: $0, valid: $1) }
        case .days(let values): try lending(values, valid) { try append(days: $0, valid: $1) }
        case .flags(let values): try lending(values, valid) { try append(flags: $0, valid: $1) }
        case .texts(let texts):
            try lending(texts.bytes, valid) { bytes, valid in
                try texts.offsets.withUnsafeBufferPointer { try append(utf8: bytes, offsets: $0, valid: valid) }
            }
        }
    }
}

/// Lends an array and an optional mask as buffers.
private func lending<T>(
    _ values: [T],
    _ valid: [UInt64]?,
    _ body: (UnsafeBufferPointer<T>, UnsafeBufferPointer<UInt64>?) throws -> Void
) rethrows {
    try values.withUnsafeBufferPointer { values in
        guard let valid else { return try body(values, nil) }
        try valid.withUnsafeBufferPointer { try body(values, $0) }
    }
}
