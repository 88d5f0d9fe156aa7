// A CSV file as typed batches of a warehouse table.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Ports

/// Reads a CSV file by its mapping, batch by batch; rejected rows go to the reject file.
///
/// The last batch is followed by an error when too many rows were rejected, so that an append that pulls from this source
/// fails as a whole.
public struct CSVRows: ColumnBatchSource {
    private let reader: CSVReader
    private let bytes: FileBytes
    private var typer: RowTyper
    private var rejects: RejectLog
    private let header: [String]
    private var isAtEnd = false

    /// Opens a file and checks its header.
    ///
    /// - Parameters:
    ///   - file: The file; gzip is recognised by its content.
    ///   - mapping: A mapping of a CSV file.
    ///   - rejectFile: Where rejected rows go; an older file of that name is removed.
    ///   - progress: Is kept up to date while batches are pulled.
    ///   - known: Lines whose rows are taken, for tables other than `subscriber`; nil = all.
    /// - Throws: ``LoadError`` when the file cannot be read, is empty, has another encoding or lacks columns.
    public init(
        file: String,
        mapping: LoadMapping,
        rejectFile: String,
        progress: LoadProgress,
        known: LineSet? = nil
    ) throws {
        guard case .csv(let format) = mapping.format else {
            preconditionFailure("the mapping is for \(mapping.format)")
        }
        bytes = try FileBytes(file)
        let source = try Self.source(bytes, format)
        reader = CSVReader(source, file: file, delimiter: format.delimiter)
        header = try format.header ?? Self.header(reader, file)
        let columns = try FileColumns(header, mapping: mapping, file: file)
        typer = RowTyper(mapping, positions: columns.positions, known: known)
        rejects = try RejectLog(
            file: file,
            rejectPath: rejectFile,
            maximum: mapping.maximumRejects,
            progress: progress
        )
        progress.update { [bytes] summary in
            summary.ignoredColumns = columns.ignored
            summary.bytesTotal = bytes.progress.total
        }
    }

    public mutating func next() throws -> ColumnBatch? {
        while !isAtEnd, typer.rowCount < ColumnBatch.rows {
            switch try reader.next() {
            case .record: try accept()
            case .malformed(let code, let field, let value, let sentence):
                let column = field < header.count ? header[field] : nil
                let refusal = Refusal(code: code, sentence: sentence)
                try rejects.reject(line: reader.line, column: column, value: value, refusal, raw: reader.raw)
            case .end: isAtEnd = true
            }
        }
        rejects.report(bytes: bytes.progress)
        if typer.rowCount > 0 { return typer.take() }
        try rejects.finish()
        return nil
    }

    private mutating func accept() throws {
        let count = reader.fieldCount
        guard count == header.count else {
            let isCutOff = count < header.count && reader.isWithoutLineEnd
            let code: RejectCode = isCutOff ? .cutOff : count < header.count ? .tooFewFields : .tooManyFields
            let what = isCutOff ? "the file ends inside this row: it" : "the row"
            let refusal = Refusal(code: code, sentence: "\(what) has \(count) fields, the header \(header.count)")
            return try rejects.reject(line: reader.line, column: nil, value: [], refusal, raw: reader.raw)
        }
        guard let (column, refusal) = typer.append(Row(reader: reader)) else { return rejects.accept() }
        var name = column.name
        var value: [UInt8] = []
        if case .column(let source) = column.source, let position = header.firstIndex(of: source) {
            name = source
            value = reader.withField(position) { Array($0) }
        }
        try rejects.reject(line: reader.line, column: name, value: value, refusal, raw: reader.raw)
    }

    private struct Row: RawRow {
        let reader: CSVReader
        @inline(__always)
        func withField<R>(_ position: Int, _ body: (UnsafeBufferPointer<UInt8>?) -> R) -> R {
            reader.withField(position) { body($0) }
        }
    }

    private static func source(_ bytes: FileBytes, _ format: CSVFormat) throws -> any ByteSource {
        let start = try bytes.peek(4)
        guard !start.isEmpty else { throw LoadError(kind: .empty, file: bytes.file, message: "the file is empty") }
        if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) {
            throw LoadError(kind: .encoding, file: bytes.file, message: "the file is UTF-16; save it as UTF-8")
        }
        if start.starts(with: Array("PAR1".utf8)) {
            throw LoadError(kind: .encoding, file: bytes.file, message: "the file is Parquet; set format: parquet")
        }
        var source: any ByteSource = bytes
        if start.starts(with: [0x1F, 0x8B]) { source = try GzipBytes(source, file: bytes.file) }
        if format.encoding == .gbk { source = try ConvertedBytes(source, from: ConvertedBytes.gbk, file: bytes.file) }
        return source
    }

    private static func header(_ reader: CSVReader, _ file: String) throws -> [String] {
        try reader.skipByteOrderMark()
        guard case .record = try reader.next() else {
            throw LoadError(kind: .empty, file: file, line: 1, message: "the file has no header line")
        }
        return try (0..<reader.fieldCount).map { position in
            try reader.withField(position) { try columnName($0, position + 1, file) }
        }
    }

    private static func columnName(_ field: UnsafeBufferPointer<UInt8>, _ number: Int, _ file: String) throws -> String
    {
        guard field.count <= 1_000, !field.contains(0x0D) else {
            let message = "the first line is no header; check delimiter and line ends (LF or CRLF)"
            throw LoadError(kind: .header, file: file, line: 1, message: message)
        }
        if case .invalid(let offset) = NFC.check(field) {
            let message =
                "column \(number) of the header is not valid in the file's encoding (byte \(offset + 1) of it); "
                + "a GBK file needs encoding: gbk in its mapping"
            throw LoadError(kind: .encoding, file: file, line: 1, message: message)
        }
        return String(decoding: field, as: UTF8.self).nfc.trimmingSpaces
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}

/// Where the columns that a mapping needs stand in a file.
struct FileColumns {
    let positions: [String: Int]
    let ignored: [String]

    /// - Throws: ``LoadError`` that names all missing columns with near matches, or a name that stands twice.
    init(_ header: [String], mapping: LoadMapping, file: String) throws {
        var positions: [String: Int] = [:]
        let needed = mapping.fileColumns
        for (position, name) in header.enumerated() where positions.updateValue(position, forKey: name) != nil {
            guard needed.contains(name) else { continue }
            throw LoadError(
                kind: .header,
                file: file,
                line: 1,
                message: "column '\(name)' stands twice in the header; rename one"
            )
        }
        let missing = needed.filter { positions[$0] == nil }
        guard missing.isEmpty else {
            let names = missing.map { name in
                "'\(name)'" + (NearName.of(name, among: header).map { " (the file has '\($0)')" } ?? "")
            }
            throw LoadError(
                kind: .missingColumns,
                file: file,
                line: 1,
                message: "the file lacks \(names.joined(separator: ", ")); correct the mapping file or the export"
            )
        }
        self.positions = positions
        ignored = header.filter { !needed.contains($0) }
    }
}
