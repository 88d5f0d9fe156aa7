// The first sheet of an XLSX file as CSV, line by line of the sheet, so that it is read like any other list.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel

/// A sheet as CSV text; line `n` of the text is row `n` of the sheet.
final class SheetBytes: ByteSource {
    /// Rows and columns of a sheet (ECMA-376 has no other limits; no spreadsheet writes more).
    private static let mostRows = 1_048_576
    private static let mostColumns = 16_384
    /// Digits that a spreadsheet keeps of a number.
    private static let digitsKept = 15
    private static let portion = 1 << 16

    private let file: String
    private let texts: SharedTexts
    private let xml: XMLStream
    private var out: [UInt8] = []
    private var taken = 0
    private var isAtEnd = false

    /// Rows that are written.
    private var rows = 0
    /// The row being read: its cells, and how many of them are written.
    private var row: [UInt8] = []
    private var columns = 0
    private var column = 0
    private var cell: [UInt8] = []
    private var kind = Kind.number
    private var isValue = false
    private var isReading = false

    private enum Kind { case number, shared, text }

    init(_ archive: ZipArchive) throws {
        let workbook = try Workbook(archive)
        file = archive.file
        texts = workbook.texts
        xml = try XMLStream(archive.entry(workbook.sheet, limit: Workbook.sheetLimit), file: file)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if taken == out.count {
            out.removeAll(keepingCapacity: true)
            taken = 0
            while !isAtEnd, out.count < Self.portion { try step() }
        }
        let count = min(out.count - taken, buffer.count)
        out.withUnsafeBytes { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[taken..<taken + count])) }
        taken += count
        return count
    }

    private func step() throws {
        switch try xml.next() {
        case nil: isAtEnd = true
        case .text: if isValue, !isReading { xml.appendText(to: &cell) }
        case .start: try start()
        case .end: try end()
        }
    }

    private func start() throws {
        let isEmpty = xml.isEmpty
        if xml.isNamed("v") || xml.isNamed("t") {
            isValue = !isEmpty
        } else if xml.isNamed("c") {
            try startCell()
            if isEmpty { try endCell() }
        } else if xml.isNamed("row") {
            try startRow()
            if isEmpty { endRow() }
        } else if xml.isNamed("rPh") {
            isReading = !isEmpty
        }
    }

    private func end() throws {
        if xml.isNamed("v") || xml.isNamed("t") {
            isValue = false
        } else if xml.isNamed("c") {
            try endCell()
        } else if xml.isNamed("row") {
            endRow()
        } else if xml.isNamed("rPh") {
            isReading = false
        } else if xml.isNamed("sheetData") {
            isAtEnd = true
        }
    }

    // MARK: Rows and cells

    private func startRow() throws {
        var number = rows + 1
        xml.attributes { isNamed, value in
            if isNamed("r") { number = Self.whole(value) ?? 0 }
        }
        guard number > rows, number <= Self.mostRows else { throw damaged("row \(rows + 1) is out of order") }
        out.append(contentsOf: repeatElement(0x0A, count: number - rows - 1))
        rows = number
        row.removeAll(keepingCapacity: true)
        (columns, column) = (0, 0)
    }

    private func endRow() {
        out += row
        out.append(0x0A)
    }

    private func startCell() throws {
        cell.removeAll(keepingCapacity: true)
        kind = .number
        var place: Int? = column + 1
        xml.attributes { isNamed, value in
            if isNamed("r") {
                place = Self.column(value)
            } else if isNamed("t") {
                // n and no type: a number; s: shared; inlineStr, str, b, e, d: as it stands there.
                switch (value[0], value[0] == 0 ? 0 : value[1]) {
                case (UInt8(ascii: "n"), 0): kind = .number
                case (UInt8(ascii: "s"), 0): kind = .shared
                default: kind = .text
                }
            }
        }
        guard let place, place > column, place <= Self.mostColumns else {
            throw damaged("a cell of row \(rows) is out of order")
        }
        column = place
    }

    private func endCell() throws {
        isValue = false
        guard !cell.isEmpty else { return }
        switch kind {
        case .text: write(cell[...])
        case .number: write(Self.plain(cell)[...])
        case .shared:
            guard let number = Int(String(decoding: cell, as: UTF8.self)), let text = texts[number] else {
                throw damaged("a cell of row \(rows) names a text that is not there")
            }
            write(text)
        }
    }

    private func write(_ text: ArraySlice<UInt8>) {
        guard !text.isEmpty else { return }
        row.append(contentsOf: repeatElement(UInt8(ascii: ","), count: column - max(1, columns)))
        columns = column
        guard text.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else {
            row += text
            return
        }
        row.append(0x22)
        for byte in text {
            if byte == 0x22 { row.append(0x22) }
            // A line break would move all rows below.
            row.append(byte == 0x0A || byte == 0x0D ? 0x20 : byte)
        }
        row.append(0x22)
    }

    private func damaged(_ what: String) -> LoadError {
        LoadError(kind: .damaged, file: file, message: "the sheet is damaged: \(what); save the list again")
    }

    // MARK: Numbers

    /// Digits as a number; nil for anything else.
    private static func whole(_ text: UnsafePointer<UInt8>) -> Int? {
        var (value, place) = (0, 0)
        while text[place] != 0 {
            guard (0x30...0x39).contains(text[place]), place < 9 else { return nil }
            value = value * 10 + Int(text[place] - 0x30)
            place += 1
        }
        return place > 0 ? value : nil
    }

    /// The column in a reference such as `AB12`, from 1.
    private static func column(_ reference: UnsafePointer<UInt8>) -> Int? {
        var (value, place) = (0, 0)
        while (0x41...0x5A).contains(reference[place]), place < 4 {
            value = value * 26 + Int(reference[place] - 0x40)
            place += 1
        }
        return place > 0 ? value : nil
    }

    /// A number of a cell with all its digits, when it is whole.
    ///
    /// The file holds `1.3987650001E10` for a number that the sheet may show as 1.39877E+10: nothing is lost. Of more than
    /// 15 digits a spreadsheet has rounded the last away; those stay in the form that a list refuses as shortened.
    static func plain(_ text: [UInt8]) -> [UInt8] {
        var (digits, exponent, isFraction): ([UInt8], Int, Bool) = ([], 0, false)
        var rest = text[...]
        scan: while let byte = rest.popFirst() {
            switch byte {
            case 0x30...0x39:
                if !digits.isEmpty || byte != 0x30 { digits.append(byte) }
                if isFraction { exponent -= 1 }
            case UInt8(ascii: ".") where !isFraction: isFraction = true
            case UInt8(ascii: "E"), UInt8(ascii: "e"):
                guard let power = Int(String(decoding: rest, as: UTF8.self)), abs(power) < 400 else { return text }
                exponent += power
                break scan
            default: return text
            }
        }
        while digits.last == 0x30 {
            digits.removeLast()
            exponent += 1
        }
        guard !digits.isEmpty, exponent >= 0 else { return text }
        let length = digits.count + exponent
        if length <= digitsKept { return digits + repeatElement(0x30, count: exponent) }
        let kept = digits.prefix(digitsKept)
        return kept.prefix(1) + Array(".".utf8) + kept.dropFirst() + Array("E+\(length - 1)".utf8)
    }
}
