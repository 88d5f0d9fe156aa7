// Rows of texts in, typed column batches out: every value checked, duplicates of line id and MSISDN found.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel
internal import Ports

/// The fields of one raw row, by their position in the file; nil where the file itself says NULL.
protocol RawRow {
    func withField<R>(_ position: Int, _ body: (UnsafeBufferPointer<UInt8>?) -> R) -> R
}

/// Turns raw rows into rows of the table.
struct RowTyper {
    private enum Source {
        case field(Int)
        case constant([UInt8])
        case null
        case copy(Int)
        case localDay(Int)
    }

    private var readers: [ValueReader]
    private let sources: [Source]
    private let fields: [WarehouseField]
    private let lineColumn: Int?
    private let msisdnColumn: Int?
    private let known: LineSet?
    private var lines = IdentitySet()
    private var msisdns = IdentitySet()
    /// Rows gathered for the next batch.
    private(set) var rowCount = 0

    /// Prepares the mapping for a file whose columns stand at `positions`; every column of the file that the mapping
    /// names is there.
    ///
    /// Of tables other than `subscriber`, rows of lines that are not `known` are refused; nil = all are taken.
    init(_ mapping: LoadMapping, positions: [String: Int], known: LineSet? = nil) {
        readers = mapping.columns.map {
            ValueReader($0, nulls: mapping.nulls, utcOffsetSeconds: mapping.utcOffsetSeconds)
        }
        let names = mapping.columns.map(\.name)
        sources = mapping.columns.map { column in
            switch column.source {
            case .column(let name): positions[name].map { .field($0) } ?? .null
            case .constant(let text): .constant(Array(text.utf8))
            case .absent: .null
            case .copy(let other): names.firstIndex(of: other).map { .copy($0) } ?? .null
            case .localDay(let other): names.firstIndex(of: other).map { .localDay($0) } ?? .null
            }
        }
        fields = mapping.fields
        // Only the subscriber table has one row for a line; it makes lines known.
        let isSubscriber = mapping.table == .subscriber
        lineColumn = names.firstIndex(of: "line_id")
        self.known = isSubscriber ? nil : known
        msisdnColumn = isSubscriber ? names.firstIndex(of: "msisdn") : nil
    }

    /// Adds a row, unless one of its values is refused; nothing of a refused row stays.
    mutating func append(_ row: some RawRow) -> (column: ColumnMapping, refusal: Refusal)? {
        for position in readers.indices {
            var refusal: Refusal?
            switch sources[position] {
            case .field(let field):
                refusal = row.withField(field) { text in
                    text.map { readers[position].append($0) } ?? readers[position].appendBlank()
                }
            case .constant(let text): refusal = text.withUnsafeBufferPointer { readers[position].append($0) }
            case .null: readers[position].appendNull()
            case .copy(let other): readers[position].append(integer: readers[other].lastInteger)
            case .localDay(let other): readers[position].append(day: readers[other].lastLocalDay)
            }
            if let refusal {
                for undone in 0..<position { readers[undone].removeLast() }
                return (readers[position].mapping, refusal)
            }
        }
        if let refused = strangeLine() ?? duplicate() {
            for position in readers.indices { readers[position].removeLast() }
            return refused
        }
        rowCount += 1
        return nil
    }

    /// The rows gathered so far; gathering starts anew.
    mutating func take() -> ColumnBatch {
        rowCount = 0
        return ColumnBatch(fields: fields, columns: readers.indices.map { readers[$0].take() })
    }

    private func strangeLine() -> (ColumnMapping, Refusal)? {
        guard let known, let lineColumn, let line = readers[lineColumn].lastInteger, !known.contains(line) else {
            return nil
        }
        let sentence = "no subscriber has this line id; load table subscriber first"
        return (readers[lineColumn].mapping, Refusal(code: .unknownLine, sentence: sentence))
    }

    private mutating func duplicate() -> (ColumnMapping, Refusal)? {
        guard let lineColumn, let msisdnColumn, let line = readers[lineColumn].lastInteger,
            let msisdn = readers[msisdnColumn].lastInteger
        else { return nil }
        guard let linePlace = lines.place(for: line) else {
            let sentence = "an earlier row of this file has this line id; the first one stays"
            return (readers[lineColumn].mapping, Refusal(code: .duplicateLine, sentence: sentence))
        }
        guard let msisdnPlace = msisdns.place(for: msisdn) else {
            let sentence = "an earlier row of this file has this number; the first one stays"
            return (readers[msisdnColumn].mapping, Refusal(code: .duplicateMSISDN, sentence: sentence))
        }
        lines.insert(line, at: linePlace)
        msisdns.insert(msisdn, at: msisdnPlace)
        return nil
    }
}
