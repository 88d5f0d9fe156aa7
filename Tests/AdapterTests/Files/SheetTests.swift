// Lists in spreadsheets: the first sheet of an XLSX file is read like a CSV file, and no file can harm.
// SPDX-License-Identifier: Apache-2.0

import CZip
import Files
import Foundation
import Kernel
import Model
import Testing

/// A workbook as a spreadsheet program writes it, part by part.
struct WorkbookMaker {
    var parts: [String: String] = [:]
    private var texts: [String] = []

    /// `rows`: The XML of the sheet's rows.
    init(rows: String, texts: [String]? = nil) {
        let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        parts["[Content_Types].xml"] = "<Types/>"
        parts["xl/workbook.xml"] = """
            <?xml version="1.0" encoding="UTF-8"?><workbook xmlns="\(main)" xmlns:r="\(relations)"><sheets>\
            <sheet name="名单" sheetId="3" r:id="rId7"/><sheet name="other" sheetId="1" r:id="rId1"/></sheets></workbook>
            """
        parts["xl/_rels/workbook.xml.rels"] = """
            <Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">\
            <Relationship Id="rId1" Type="\(relations)/worksheet" Target="worksheets/sheet1.xml"/>\
            <Relationship Id="rId7" Type="\(relations)/worksheet" Target="/xl/worksheets/sheet2.xml"/>\
            <Relationship Id="rId9" Type="\(relations)/sharedStrings" Target="./sharedStrings.xml"/></Relationships>
            """
        parts["xl/worksheets/sheet1.xml"] = "<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>"
        parts["xl/worksheets/sheet2.xml"] =
            "<worksheet xmlns=\"\(main)\"><cols><col min=\"1\"/></cols><sheetData>\(rows)</sheetData><x/></worksheet>"
        let shared = (texts ?? []).map { "<si>\($0)</si>" }.joined()
        parts["xl/sharedStrings.xml"] = "<sst xmlns=\"\(main)\">\(shared)</sst>"
    }

    /// The file's bytes.
    func bytes() throws -> [UInt8] {
        let path = FileManager.default.temporaryDirectory.appending(path: "gyre-\(UUID().uuidString).xlsx")
            .path(percentEncoded: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let archive = try #require(zip_open(path, ZIP_CREATE, nil))
        for (name, text) in parts.sorted(by: { $0.key < $1.key }) {
            let content = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, text.utf8.count), alignment: 1)
            content.copyBytes(from: text.utf8)
            // The archive frees its content with free(3).
            let copy = try #require(malloc(content.count))
            copy.copyMemory(from: UnsafeRawPointer(try #require(content.baseAddress)), byteCount: content.count)
            content.deallocate()
            let source = zip_source_buffer(archive, copy, zip_uint64_t(text.utf8.count), 1)
            try #require(zip_file_add(archive, name, source, 0) >= 0)
        }
        try #require(zip_close(archive) == 0)
        return Array(try Data(contentsOf: URL(filePath: path)))
    }
}

@Suite struct SheetTests {
    private static let number: Int64 = 8_613_987_650_001

    /// All rows: line and number, or line and why not.
    private func rows(
        _ bytes: [UInt8],
        _ kind: IdentityKind = .msisdn,
        _ column: IdentityColumn = .found
    ) throws -> [String] {
        var file = try IdentityFile(text: bytes, name: "list.xlsx", kind: kind, column: column)
        var rows: [String] = []
        while let batch = try file.next() {
            var refusals = batch.refusals[...]
            for (position, value) in batch.values.enumerated() {
                let refused = refusals.first?.position == position ? refusals.popFirst() : nil
                rows.append("\(batch.lines[position]) \(refused?.why.rawValue ?? "\(value)")")
            }
        }
        return rows
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? any CodedError)?.code ?? "\(error)"
        }
    }

    private func cells(_ cells: String...) -> String {
        cells.enumerated().map { "<row r=\"\($0.offset + 1)\">\($0.element)</row>" }.joined()
    }

    @Test(arguments: [
        "<c><v>13987650001</v></c>", "<c t=\"n\"><v>1.3987650001E10</v></c>", "<c s=\"4\"><v>13987650001.0</v></c>",
        "<c t=\"s\"><v>0</v></c>", "<c t=\"s\"><v>1</v></c>", "<c t=\"str\"><f>A1</f><v>+86 139 8765 0001</v></c>",
        "<c t=\"inlineStr\"><is><t>139-8765-0001</t></is></c>",
        "<c t=\"inlineStr\"><is><r><t>1398765</t></r><r><t>0001</t></r><rPh><t>9</t></rPh></is></c>",
        "<c><v>8613987650001</v></c>", "<c><v>8.613987650001E+12</v></c>",
        "<c r=\"A1\"><v><![CDATA[13987650001]]></v></c>",
    ]) func `every cell that holds a telephone number is read with all its digits`(cell: String) throws {
        let texts = [
            "<t xml:space=\"preserve\"> 13987650001 </t>", "<r><t>139</t></r><r><t>87650001</t></r><rPh><t>1</t></rPh>",
        ]
        let bytes = try WorkbookMaker(rows: cells(cell), texts: texts).bytes()
        #expect(try rows(bytes) == ["1 \(Self.number)"], "\(cell)")
    }

    @Test func `a number of zeros is whole, what a spreadsheet cut short is refused`() throws {
        let sheet = cells(
            "<c><v>1.39E10</v></c>",
            "<c t=\"inlineStr\"><is><t>1.39877E+10</t></is></c>",
            "<c t=\"e\"><v>#N/A</v></c>",
            "<c t=\"b\"><v>1</v></c>",
            "<c><v>45000.5</v></c>",
            "<c><v>-1.5</v></c>"
        )
        #expect(
            try rows(WorkbookMaker(rows: sheet).bytes()) == [
                "1 8613900000000", "2 shortened", "3 not_a_number", "4 not_a_phone_number", "5 not_a_number",
                "6 not_a_number",
            ]
        )
        // Beyond 15 digits a spreadsheet has rounded.
        let lines = cells(
            "<c><v>70000000252747</v></c>",
            "<c><v>7.0000000252747E13</v></c>",
            "<c><v>70000000252747123</v></c>",
            "<c><v>7.00000002527471E+16</v></c>",
            "<c><v>7E+16</v></c>",
            "<c t=\"inlineStr\"><is><t>70000000252747123</t></is></c>"
        )
        #expect(
            try rows(WorkbookMaker(rows: lines).bytes(), .line) == [
                "1 70000000252747", "2 70000000252747", "3 shortened", "4 shortened", "5 shortened",
                "6 70000000252747123",
            ]
        )
    }

    @Test func `columns are chosen by heading, letter or place, and lines are the sheet's`() throws {
        let sheet = """
            <row r="2"><c r="A2" t="inlineStr"><is><t>姓名, 全</t></is></c><c r="C2" t="inlineStr"><is><t>手机\n号</t></is></c>\
            <c r="AB2" t="inlineStr"><is><t>客户编号</t></is></c></row><row r="4"/>\
            <row r="5"><c r="A5" t="inlineStr"><is><t>"王"\n1</t></is></c><c r="C5"><v>13987650001</v></c><c r="AB5"><v>7</v></c></row>\
            <row r="6"><c r="A6" s="1"/><c r="C6" s="1"/></row>\
            <row r="9"><c r="A9" t="inlineStr"><is><t>李</t></is></c></row>
            """
        let bytes = try WorkbookMaker(rows: sheet).bytes()
        let found = ["5 \(Self.number)", "9 blank"]
        #expect(try rows(bytes, .msisdn, .named("手机 号")) == found)
        #expect(try rows(bytes, .msisdn, IdentityColumn(typed: " c ")) == found)
        #expect(try rows(bytes, .msisdn, IdentityColumn(typed: "3")) == found)
        #expect(try rows(bytes, .customer) == ["5 7", "9 blank"])
        #expect(try rows(bytes, .customer, IdentityColumn(typed: "AB")) == ["5 7", "9 blank"])
        #expect(code { _ = try rows(bytes, .customer, .named("ABCD")) } == "load.missing_columns")
        #expect(IdentityColumn.number(ofLetters: "XFD") == 16_384 && IdentityColumn.number(ofLetters: "XFE") == nil)
    }

    @Test func `what is no workbook, or a broken one, says so`() throws {
        func broken(_ change: (inout WorkbookMaker) -> Void) throws -> String? {
            var maker = WorkbookMaker(rows: cells("<c><v>13987650001</v></c>"))
            change(&maker)
            let bytes = try maker.bytes()
            return code { _ = try rows(bytes) }
        }
        #expect(try broken { $0.parts["xl/workbook.xml"] = nil } == "load.encoding")
        #expect(try broken { $0.parts["xl/worksheets/sheet2.xml"] = nil } == "load.damaged")
        #expect(
            try broken { $0.parts["xl/worksheets/sheet2.xml"] = "<worksheet><sheetData><row><c><v>1" } == "load.damaged"
        )
        #expect(try broken { $0.parts["xl/workbook.xml"] = "<workbook><sheets/></workbook>" } == "load.empty")
        for row in [
            "<row r=\"2\"><c><v>1</v></c></row><row r=\"1\"><c><v>1</v></c></row>", "<row r=\"9999999\"/>",
            "<row r=\"x\"/>",
            "<row r=\"1\"><c r=\"B1\"><v>1</v></c><c r=\"A1\"><v>1</v></c></row>",
            "<row><c r=\"XFE1\"><v>1</v></c></row>",
            "<row><c t=\"s\"><v>5</v></c></row>", "<row><c t=\"s\"><v>-1</v></c></row>",
        ] {
            let bytes = try WorkbookMaker(rows: row).bytes()
            #expect(code { _ = try rows(bytes) } == "load.damaged", "\(row)")
        }
        #expect(code { _ = try rows([0xD0, 0xCF, 0x11, 0xE0, 0xA1]) } == "load.encoding")
        let whole = try WorkbookMaker(rows: cells("<c><v>13987650001</v></c>")).bytes()
        for cut in [4, 30, whole.count / 2, whole.count - 1] {
            #expect(code { _ = try rows(Array(whole.prefix(cut))) } == "load.damaged", "\(cut)")
        }
    }

    @Test func `no entity is expanded, no other file is read, and a bomb is bounded`() throws {
        let secret = FileManager.default.temporaryDirectory.appending(path: "gyre-\(UUID().uuidString).txt")
        try Data("13987650001".utf8).write(to: secret)
        defer { try? FileManager.default.removeItem(at: secret) }
        for type in [
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"\(secret.absoluteString)\">]>",
            "<!DOCTYPE x SYSTEM \"\(secret.absoluteString)\">",
            "<!DOCTYPE x [<!ENTITY a \"13987650001\"><!ENTITY e \"&a;&a;&a;&a;\">]>",
        ] {
            var maker = WorkbookMaker(rows: "")
            maker.parts["xl/worksheets/sheet2.xml"] =
                "\(type)<worksheet><sheetData><row><c t=\"str\"><v>&e;</v></c></row></sheetData></worksheet>"
            let bytes = try maker.bytes()
            #expect(code { _ = try rows(bytes) } == "load.damaged", "\(type)")
        }
        // 300 MB of texts in a file of 300 kB: they are bounded by what they unpack to.
        var bomb = WorkbookMaker(rows: cells("<c><v>13987650001</v></c>"))
        bomb.parts["xl/sharedStrings.xml"] =
            "<sst>" + String(repeating: "<si><t>\(String(repeating: " ", count: 1 << 20))</t></si>", count: 300)
            + "</sst>"
        let bytes = try bomb.bytes()
        #expect(bytes.count < 2 << 20)
        #expect(code { _ = try rows(bytes) } == "load.too_large")
    }

    @Test func `a file is read as its bytes are, batch after batch`() throws {
        let count = IdentityFile.batchRows + 17
        var sheet = ""
        for row in 0..<count {
            sheet += "<row r=\"\(row + 1)\"><c r=\"A\(row + 1)\"><v>\(13_900_000_000 + row)</v></c></row>"
        }
        let path = FileManager.default.temporaryDirectory.appending(path: "gyre-\(UUID().uuidString).xlsx")
        try Data(WorkbookMaker(rows: sheet).bytes()).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        var file = try IdentityFile(file: path.path(percentEncoded: false), kind: .msisdn)
        var read = 0
        while let batch = try file.next() {
            #expect(batch.refusals.isEmpty && batch.values[0] == 8_613_900_000_000 + Int64(read))
            read += batch.values.count
        }
        #expect(read == count && file.progress == nil)
    }

    @Test(arguments: 0..<4) func `whatever bytes a workbook has, it ends as rows or as an error`(_ round: UInt64) throws
    {
        let given = ProcessInfo.processInfo.environment["GYRE_SEED"].flatMap { UInt64($0) }
        let seed = (given ?? UInt64.random(in: 1...UInt64(UInt32.max))) &+ round
        print("workbooks of any bytes: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let pieces = [
            "<row>", "</row>", "<row r=\"3\">", "<c>", "</c>", "<c t=\"s\">", "<c r=\"B1\"/>", "<v>", "</v>",
            "13987650001", "1E10",
            "<is><t>", "</t></is>", "<v>0</v>", "&amp;", "&x;", "\u{0}", "号", "<v/>", "<!-- -->", "]]>",
        ]
        for _ in 0..<60 {
            let sheet = (0..<Int.random(in: 1...20, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            var bytes = try WorkbookMaker(rows: sheet.joined(), texts: ["<t>13987650001</t>"]).bytes()
            for _ in 0..<(random.next() % 3) {
                bytes[Int.random(in: 4..<bytes.count, using: &random)] = UInt8(truncatingIfNeeded: random.next())
            }
            do {
                _ = try rows(bytes)
            } catch is LoadError {
            }
        }
    }
}
