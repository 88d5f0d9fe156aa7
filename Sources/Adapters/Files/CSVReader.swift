// A streaming CSV reader (RFC 4180): one record at a time, no copy of plain fields, memory bounded by limits.
// SPDX-License-Identifier: Apache-2.0

/// Reads the records of a CSV file.
///
/// Fields of the current record are lent from the reader's buffer.
final class CSVReader {
    /// Bytes one field may have.
    static let fieldLimit = 1 << 20
    /// Bytes one record may have.
    static let recordLimit = 16 << 20
    /// Bytes of a rejected record that are kept.
    static let rawLimit = 4_096

    /// What came next.
    enum Step: Equatable {
        case record
        /// A record that breaks the rules; `field` counts from 0.
        case malformed(RejectCode, field: Int, value: [UInt8], sentence: String)
        case end
    }

    private struct Field {
        var start: Int32
        /// Behind the last byte; negative when the bytes are in `scratch`, with quotes undoubled.
        var end: Int32

        init(start: Int, end: Int, isCopied: Bool = false) {
            self.start = Int32(truncatingIfNeeded: start)
            self.end = Int32(truncatingIfNeeded: isCopied ? ~end : end)
        }
    }

    private let source: any ByteSource
    private let file: String
    private let delimiter: UInt8
    private var buffer: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private var end = 0
    private var isSourceAtEnd = false
    // Plain memory, because every byte of a file passes here: class properties and arrays would be checked at each access.
    private var fields: UnsafeMutablePointer<Field>
    private var fieldCapacity = 64
    private var scratch: [UInt8] = []
    private var recordStart = 0
    private var recordEnd = 0
    /// Where the next record starts.
    private var position = 0
    private var nextLine = 1
    /// The first bytes of a malformed record, which the buffer need not hold.
    private var malformed: [UInt8]?

    /// Line where the current record starts, from 1.
    private(set) var line = 0
    /// Whether the current record is the last of the file and has no line end.
    private(set) var isWithoutLineEnd = false

    init(_ source: any ByteSource, file: String, delimiter: UInt8, chunk: Int = 1 << 20) {
        self.source = source
        self.file = file
        self.delimiter = delimiter
        capacity = chunk
        buffer = .allocate(capacity: chunk)
        fields = .allocate(capacity: fieldCapacity)
    }

    deinit {
        buffer.deallocate()
        fields.deallocate()
    }

    /// Fields in the current record.
    private(set) var fieldCount = 0

    /// Gives the bytes of a field, without its quotes.
    @inline(__always)
    func withField<R>(_ number: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        let field = fields[number]
        let start = Int(field.start)
        guard field.end < 0 else {
            return try body(UnsafeBufferPointer(start: UnsafePointer(buffer + start), count: Int(field.end) - start))
        }
        return try scratch.withUnsafeBufferPointer {
            try body(UnsafeBufferPointer(rebasing: $0[start..<Int(~field.end)]))
        }
    }

    /// The current record as it stands in the file, without its line end; of a long one the first bytes.
    var raw: [UInt8] {
        malformed
            ?? Array(
                UnsafeBufferPointer(start: buffer + recordStart, count: min(recordEnd - recordStart, Self.rawLimit))
            )
    }

    /// Skips a byte order mark at the start of the file.
    func skipByteOrderMark() throws {
        while end < 3, !isSourceAtEnd { try fill() }
        if end >= 3, buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF { position = 3 }
    }

    /// Reads the next record; empty lines do not count.
    ///
    /// - Throws: ``LoadError`` when the file cannot be read on: a quote that is never closed or encloses too much, a
    ///   record that is too long.
    func next() throws -> Step {
        malformed = nil
        while true {
            recordStart = position
            line = nextLine
            switch try parse() {
            case .needsMore: try fill()
            case .emptyLine: continue
            case .step(let step): return step
            }
        }
    }

    private enum Outcome {
        case needsMore
        case emptyLine
        case step(Step)
    }

    /// Parses one record from `recordStart`, or finds that the buffer does not hold all of it.
    private func parse() throws -> Outcome {
        var count = 0
        if !scratch.isEmpty { scratch.removeAll(keepingCapacity: true) }
        if recordStart == end, isSourceAtEnd { return .step(.end) }
        let (buffer, end, delimiter) = (UnsafePointer(buffer), end, delimiter)
        var fields = fields
        var at = recordStart
        var linesInQuotes = 0
        while true {
            if count == fieldCapacity {
                growFields()
                fields = self.fields
            }
            if at < end, buffer[at] == 0x22 {
                guard let quoted = try parseQuoted(at, &linesInQuotes) else { return .needsMore }
                fields[count] = quoted.field
                count += 1
                at = quoted.next
                if at < end, buffer[at] == 0x0D {
                    if at + 1 == end, !isSourceAtEnd { return .needsMore }
                    if at + 1 == end || buffer[at + 1] == 0x0A { at += 1 }
                }
                if at < end, buffer[at] != delimiter, buffer[at] != 0x0A {
                    let sentence = "goes on after its closing quote; double the quotes inside a field"
                    return .step(try giveUp(at, .badQuote, sentence, fields: count, lines: linesInQuotes))
                }
            } else {
                let start = at
                while at < end, buffer[at] != delimiter, buffer[at] != 0x0A, buffer[at] != 0x22 { at += 1 }
                if at - start > Self.fieldLimit {
                    fields[count] = Field(start: start, end: at)
                    count += 1
                    let sentence = "has more than \(Self.fieldLimit) bytes"
                    return .step(try giveUp(at, .fieldTooLong, sentence, fields: count, lines: linesInQuotes))
                }
                if at < end, buffer[at] == 0x22 {
                    fields[count] = Field(start: start, end: at)
                    count += 1
                    let sentence = "has a quote inside; enclose the field in quotes and double those inside"
                    return .step(try giveUp(at, .badQuote, sentence, fields: count, lines: linesInQuotes))
                }
                let isLast = at == end || buffer[at] == 0x0A
                let stop = isLast && at > start && buffer[at - 1] == 0x0D ? at - 1 : at
                fields[count] = Field(start: start, end: stop)
                count += 1
            }
            if at == end, !isSourceAtEnd { return .needsMore }
            if at == end || buffer[at] == 0x0A { break }
            at += 1
        }
        recordEnd = at > recordStart && buffer[at - 1] == 0x0D ? at - 1 : at
        fieldCount = count
        isWithoutLineEnd = at == end
        position = min(at + 1, end)
        nextLine = line + linesInQuotes + 1
        return recordEnd == recordStart ? .emptyLine : .step(.record)
    }

    /// Parses a quoted field whose opening quote is at `open`; nil when the buffer ends first.
    private func parseQuoted(_ open: Int, _ lines: inout Int) throws -> (field: Field, next: Int)? {
        let (buffer, end) = (UnsafePointer(buffer), end)
        var at = open + 1
        var copiedFrom = at
        let scratchStart = scratch.count
        while true {
            while at < end, buffer[at] != 0x22 {
                if buffer[at] == 0x0A { lines += 1 }
                at += 1
            }
            if at - open > Self.fieldLimit {
                let advice = "its closing quote is probably missing"
                throw failure(.fieldTooLong, open, "a quoted field has more than \(Self.fieldLimit) bytes; \(advice)")
            }
            if at == end, isSourceAtEnd {
                throw failure(.openQuote, open, "this quote is never closed; the file ends inside it")
            }
            if at == end || at + 1 == end && !isSourceAtEnd { return nil }
            guard at + 1 < end, buffer[at + 1] == 0x22 else { break }
            scratch.append(contentsOf: UnsafeBufferPointer(start: buffer + copiedFrom, count: at + 1 - copiedFrom))
            at += 2
            copiedFrom = at
        }
        if copiedFrom == open + 1 { return (Field(start: open + 1, end: at), at + 1) }
        scratch.append(contentsOf: UnsafeBufferPointer(start: buffer + copiedFrom, count: at - copiedFrom))
        return (Field(start: scratchStart, end: scratch.count, isCopied: true), at + 1)
    }

    private func failure(_ kind: LoadError.Kind, _ at: Int, _ message: String) -> LoadError {
        var (line, lineStart) = (line, recordStart)
        for position in recordStart..<at where buffer[position] == 0x0A { (line, lineStart) = (line + 1, position + 1) }
        return LoadError(kind: kind, file: file, line: line, column: at - lineStart + 1, message: message)
    }

    /// Gives the record up and goes on behind the line that holds `at`; only the first bytes of it are kept.
    private func giveUp(_ at: Int, _ code: RejectCode, _ sentence: String, fields count: Int, lines: Int) throws -> Step
    {
        let number = count - 1
        let value = withField(number) { Array($0.prefix(Reject.valueLimit * 4)) }
        var kept = Array(UnsafeBufferPointer(start: buffer + recordStart, count: min(at - recordStart, Self.rawLimit)))
        position = at
        while true {
            let skippedFrom = position
            while position < end, buffer[position] != 0x0A { position += 1 }
            let room = min(Self.rawLimit - kept.count, position - skippedFrom)
            kept.append(contentsOf: UnsafeBufferPointer(start: buffer + skippedFrom, count: room))
            if position < end || isSourceAtEnd { break }
            recordStart = position
            try fill()
        }
        malformed = kept
        isWithoutLineEnd = position == end
        position = min(position + 1, end)
        nextLine = line + lines + 1
        return .malformed(code, field: number, value: value, sentence: sentence)
    }

    private func growFields() {
        let larger = UnsafeMutablePointer<Field>.allocate(capacity: fieldCapacity * 2)
        larger.moveInitialize(from: fields, count: fieldCapacity)
        fields.deallocate()
        (fields, fieldCapacity) = (larger, fieldCapacity * 2)
    }

    /// Moves the current record to the front of the buffer and reads more behind it.
    private func fill() throws {
        if recordStart > 0 {
            buffer.update(from: buffer + recordStart, count: end - recordStart)
            (position, end, recordStart) = (position - recordStart, end - recordStart, 0)
        }
        if end == capacity {
            guard capacity < Self.recordLimit else {
                throw LoadError(
                    kind: .recordTooLong,
                    file: file,
                    line: line,
                    message: "this record has more than \(Self.recordLimit >> 20) MiB; check delimiter and quotes"
                )
            }
            let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
            larger.update(from: buffer, count: end)
            buffer.deallocate()
            (buffer, capacity) = (larger, capacity * 2)
        }
        let room = UnsafeMutableRawBufferPointer(start: buffer + end, count: capacity - end)
        let count = try source.read(into: room)
        end += count
        isSourceAtEnd = count == 0
    }
}
