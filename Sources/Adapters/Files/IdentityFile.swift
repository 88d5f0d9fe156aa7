// A list of numbers in a file or pasted into a box: CSV or TXT, plain or gzip, UTF-8, GBK or UTF-16, or a sheet (XLSX).
// SPDX-License-Identifier: Apache-2.0

internal import Kernel
public import Model

/// Reads a list of numbers, batch by batch.
///
/// A first row without a digit in the column is a heading. Which bytes other columns hold does not matter: a GBK file
/// needs no more than its column's place.
public struct IdentityFile {
    /// Rows of a batch.
    public static let batchRows = 65_536

    let reader: CSVReader
    private let bytes: FileBytes?
    let kind: IdentityKind
    let column: Int
    /// The first row, when it is no heading and waits in the reader.
    var pending: CSVReader.Step?
    private var isAtEnd = false

    /// Opens a file.
    ///
    /// `name`: What errors call it; nil = its path.
    ///
    /// - Throws: ``LoadError`` when it cannot be read, is empty, or has no such column.
    public init(file: String, name: String? = nil, kind: IdentityKind, column: IdentityColumn = .found) throws {
        let bytes = try FileBytes(file)
        let name = name ?? file
        try self.init(bytes, bytes: bytes, start: bytes.peek(4_096), file: name, kind, column) {
            try ZipArchive(file: file, name: name)
        }
    }

    /// Reads what was pasted or sent.
    ///
    /// `name`: What errors call it.
    public init(text: [UInt8], name: String, kind: IdentityKind, column: IdentityColumn = .found) throws {
        try self.init(TextBytes(text), bytes: nil, start: Array(text.prefix(4_096)), file: name, kind, column) {
            try ZipArchive(bytes: text, name: name)
        }
    }

    private init(
        _ source: any ByteSource,
        bytes: FileBytes?,
        start: [UInt8],
        file: String,
        _ kind: IdentityKind,
        _ column: IdentityColumn,
        archive: () throws -> ZipArchive
    ) throws {
        func failure(_ error: LoadError.Kind, _ message: String) -> LoadError {
            LoadError(kind: error, file: file, message: message)
        }
        guard !start.isEmpty else { throw failure(.empty, "the list is empty") }
        if start.starts(with: Array("PAR1".utf8)) {
            throw failure(.encoding, "this is a Parquet file; send XLSX, CSV or TXT")
        }
        if start.starts(with: [0xD0, 0xCF, 0x11, 0xE0]) {
            throw failure(.encoding, "this is an XLS file, or one with a password; save it as XLSX without a password")
        }
        let isSheet = start.starts(with: [0x50, 0x4B])
        var (source, head) = (source, start)
        if isSheet { source = try SheetBytes(archive()) }
        if start.starts(with: [0x1F, 0x8B]) {
            source = try GzipBytes(source, file: file)
            let ahead = try ReadAhead(source, 4_096)
            (source, head) = (ahead, ahead.start)
        }
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) {
            // The mark itself tells the order of the bytes.
            source = try ConvertedBytes(source, from: "UTF-16", file: file)
            head = head.filter { $0 != 0 && $0 < 0x80 }
        }
        self.kind = kind
        self.bytes = isSheet ? nil : bytes
        let comma = UInt8(ascii: ",")
        let reader = CSVReader(source, file: file, delimiter: isSheet ? comma : Self.delimiter(head))
        self.reader = reader
        try reader.skipByteOrderMark()
        var cells: [String] = []
        let first = try reader.next()
        if case .end = first { throw failure(.empty, "the list has no row") }
        if case .record = first { cells = (0..<reader.fieldCount).map { reader.withField($0) { Self.heading($0) } } }
        let (place, isNamed) = try Self.place(of: column, in: cells, kind, failure)
        self.column = place
        let isHeading =
            place < cells.count && !cells[place].isEmpty
            && !cells[place].utf8.contains { (0x30...0x39).contains($0) }
        pending = isNamed || isHeading ? nil : first
    }

    /// Bytes of the file read so far, and all; nil for a text and for a sheet.
    public var progress: (read: Int, total: Int)? { bytes.map { ($0.progress.read, $0.progress.total) } }

    /// The next rows; nil at the end.
    ///
    /// - Throws: ``LoadError`` when the file cannot be read on.
    public mutating func next() throws -> IdentityBatch? {
        var batch = IdentityBatch()
        while !isAtEnd, batch.values.count < Self.batchRows {
            let step = try pending ?? reader.next()
            pending = nil
            switch step {
            case .end: isAtEnd = true
            case .malformed(_, _, let value, _): refuse(.malformed, value, &batch)
            case .record: take(&batch)
            }
        }
        return batch.values.isEmpty ? nil : batch
    }

    private func take(_ batch: inout IdentityBatch) {
        guard column < reader.fieldCount else { return refuse(.blank, reader.raw, &batch) }
        let found = reader.withField(column) { IdentityCell.value($0, kind) }
        switch found {
        case .success(let value):
            batch.lines.append(Int32(clamping: reader.line))
            batch.values.append(value)
        case .failure(let refusal): refuse(refusal.why, reader.withField(column) { Array($0) }, &batch)
        }
    }

    private func refuse(_ why: IdentityRefusal, _ value: [UInt8], _ batch: inout IdentityBatch) {
        let text = String(String(decoding: value.prefix(160), as: UTF8.self).prefix(40))
        batch.refusals.append(IdentityBatch.Refused(position: batch.values.count, why: why, text: text))
        batch.lines.append(Int32(clamping: reader.line))
        batch.values.append(0)
    }

    // MARK: The first row

    /// The delimiter that the first row holds most often; a comma when there is none.
    ///
    /// A tab in front keeps spreadsheets from shortening a number and separates nothing.
    private static func delimiter(_ start: [UInt8]) -> UInt8 {
        let row = start.prefix { $0 != 0x0A }.drop { $0 == 0x09 || $0 == 0x20 }
        let candidates = [",", ";", "\t", "|"].compactMap(\.utf8.first)
        let counts = candidates.map { candidate in row.count { $0 == candidate } }
        let most = counts.max() ?? 0
        return most == 0 ? candidates[0] : candidates[counts.firstIndex(of: most) ?? 0]
    }

    private static func heading(_ cell: UnsafeBufferPointer<UInt8>) -> String {
        let text = String(decoding: cell.prefix(200), as: UTF8.self)
        return text.filter { !$0.isWhitespace || $0 == " " }.lowercased().split(separator: " ").joined(separator: " ")
    }

    /// The place of a column from 0, and whether its heading named it.
    private static func place(
        of column: IdentityColumn,
        in cells: [String],
        _ kind: IdentityKind,
        _ failure: (LoadError.Kind, String) -> LoadError
    ) throws -> (place: Int, isNamed: Bool) {
        switch column {
        case .number(let number):
            guard (1...IdentityColumn.most).contains(number) else {
                throw failure(.header, "columns count from 1 to \(IdentityColumn.most)")
            }
            return (number - 1, false)
        case .named(let name):
            let wanted = name.lowercased().split(separator: " ").joined(separator: " ")
            if let place = cells.firstIndex(of: wanted) { return (place, true) }
            if let number = IdentityColumn.number(ofLetters: name) { return (number - 1, false) }
            let there = cells.prefix(20).map { String($0.prefix(30)) }.joined(separator: ", ")
            throw failure(.missingColumns, "no column has the heading \(name.prefix(30)); there are \(there)")
        case .found: return (cells.firstIndex { kind.columnNames.contains($0) } ?? 0, false)
        }
    }
}

/// Bytes that are in memory.
final class TextBytes: ByteSource {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = min(rest.count, buffer.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
}

/// Looks at the first bytes of a source before they are read.
private final class ReadAhead: ByteSource {
    private let source: any ByteSource
    let start: [UInt8]
    private var rest: ArraySlice<UInt8>

    init(_ source: any ByteSource, _ count: Int) throws {
        self.source = source
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = try bytes.withUnsafeMutableBytes {
                try source.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[filled...]))
            }
            if more == 0 { break }
            filled += more
        }
        start = Array(bytes.prefix(filled))
        rest = start[...]
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard !rest.isEmpty else { return try source.read(into: buffer) }
        let count = min(rest.count, buffer.count)
        buffer.copyBytes(from: rest.prefix(count))
        rest = rest.dropFirst(count)
        return count
    }
}
