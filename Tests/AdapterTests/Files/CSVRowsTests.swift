// CSV files by their mapping: values, and every kind of bad input with its line, column and reason.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Ports
import Testing

@testable import Files

@Suite struct CSVRowsTests {
    /// Reads bytes as a file of the mapping `columns` over the catalogue of the mapping tests.
    struct Outcome {
        var batches: [ColumnBatch] = []
        var summary = LoadSummary()
        var rejectFile: String?

        func column(_ name: String) -> [WarehouseValue] {
            batches.flatMap { batch in
                let position = batch.fields.firstIndex { $0.name == name } ?? 0
                return (0..<batch.rowCount).map { batch.value(column: position, row: $0) }
            }
        }

        var codes: [RejectCode] { summary.firstRejects.map(\.code) }
    }

    static func mapping(_ columns: String, head: String = "", absent: [String] = []) throws -> LoadMapping {
        let names = MappingFileTests.catalogue.attributes.map(\.code).filter { !columns.contains("\($0):") }
        let text = """
            table: subscriber
            max_reject_percent: 100
            \(head)
            absent: [\(names.joined(separator: ", "))]
            columns:
            \(columns)
            """
        return try MappingFile.parse(text, file: "m.yaml", catalogue: MappingFileTests.catalogue)
    }

    static func read(_ bytes: some Sequence<UInt8>, _ mapping: LoadMapping) throws -> Outcome {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("gyre-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let file = directory.appendingPathComponent("in.csv").path
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let progress = LoadProgress()
        let rejects = directory.appendingPathComponent("rejects.csv").path
        var rows = try CSVRows(file: file, mapping: mapping, rejectFile: rejects, progress: progress)
        var outcome = Outcome()
        defer { outcome.summary = progress.summary }
        while let batch = try rows.next() { outcome.batches.append(batch) }
        outcome.summary = progress.summary
        outcome.rejectFile = FileManager.default.contents(atPath: rejects).map { String(decoding: $0, as: UTF8.self) }
        return outcome
    }

    static func read(_ text: String, _ columns: String = keys, head: String = "") throws -> Outcome {
        try read(text.utf8, mapping(columns, head: head))
    }

    static let keys = "  line_id: id\n  msisdn: phone\n"

    // MARK: Values

    @Test func `values of every type are read`() throws {
        let columns = """
            \(Self.keys)
              imsi: imsi
              name: name
              contract: contract
              fee: fee
              senior: { column: senior, values: { "Yes": true, "No": false, "?": null } }
              joined: { column: joined, date: YYYY/M/D }
              tenure: { column: tenure, blank: null }
              note: { constant: 全球通 }
            """
        let outcome = try Self.read(
            """
            id,phone,imsi,name,contract,fee,senior,joined,tenure,other
            1,13800138000,460001234567890,"王, ""小"" 明",One year, 29.9 ,Yes,2024/2/29,-5,x
            2,+86 138-0013-8001,46000123456789,é,包年,0.00,No,1999/12/31,,x
            999999999999999999,0044 20 7946 0000,460001234567891,z,Month-to-month,1000,?,2000/01/01,0,x
            """,
            columns
        )
        #expect(outcome.summary.rejected == 0, "\(outcome.summary.firstRejects)")
        #expect(outcome.column("line_id") == [.integer(1), .integer(2), .integer(999_999_999_999_999_999)])
        #expect(
            outcome.column("msisdn") == [8_613_800_138_000, 8_613_800_138_001, 442_079_460_000].map { .integer($0) }
        )
        #expect(outcome.column("customer_id") == outcome.column("line_id"))
        #expect(outcome.column("account_id") == outcome.column("line_id"))
        #expect(outcome.column("name") == [.text("王, \"小\" 明"), .text("é"), .text("z")])
        #expect(outcome.column("contract") == [.text("One year"), .text("包年"), .text("Month-to-month")])
        #expect(outcome.column("fee") == [2_990, 0, 100_000].map { .decimal(Scaled(unscaled: $0, scale: 2)) })
        #expect(outcome.column("senior") == [.flag(true), .flag(false), .null])
        #expect(
            outcome.column("joined")
                == ["2024-02-29", "1999-12-31", "2000-01-01"].compactMap { LocalDay(iso: $0) }.map { .day($0) }
        )
        #expect(outcome.column("tenure") == [.integer(-5), .null, .integer(0)])
        #expect(outcome.column("note") == Array(repeating: .text("全球通"), count: 3))
        #expect(outcome.summary.ignoredColumns == ["other"] && outcome.summary.rows == 3)
        #expect(outcome.rejectFile == nil && outcome.summary.rejectFile == nil)
    }

    @Test(arguments: [
        ("fee: v", "1.005", RejectCode.tooPrecise), ("fee: v", "1000.01", .outOfRange),
        ("fee: v", "-0.01", .outOfRange),
        ("fee: v", "1e3", .notANumber), ("fee: v", "1.", .notANumber), ("fee: v", ".5", .notANumber),
        ("fee: v", "99999999999999999999", .outOfRange), ("fee: v", "", .blank), ("fee: v", "1,5", .notANumber),
        ("tenure: v", "1.5", .tooPrecise), ("tenure: v", "9223372036854775808", .outOfRange),
        ("tenure: v", "x", .notANumber),
        ("tenure: v", "--1", .notANumber), ("tenure: v", "１", .notANumber), ("senior: v", "2", .notAFlag),
        ("senior: v", "yes", .notAFlag), ("joined: v", "2023-02-29", .notADay), ("joined: v", "2023-2-1", .notADay),
        ("joined: v", "20230201", .notADay), ("joined: v", "0000-01-01", .notADay),
        ("contract: v", "one year", .notInDomain),
        ("imsi: v", "4600012345678", .badIMSI), ("imsi: v", "46000123456789x", .badIMSI),
        ("customer_id: v", "0", .badID),
        ("account_id: v", "1234567890123456789", .badID),
    ])
    func `a wrong value rejects its row with line, column and reason`(
        column: String,
        value: String,
        code: RejectCode
    ) throws {
        let quoted = "\"\(value)\""
        let outcome = try Self.read("id,phone,v\n1,13800138000,\(quoted)\n", Self.keys + "  \(column)")
        let reject = try #require(outcome.summary.firstRejects.first)
        #expect(reject.code == code && reject.line == 2 && reject.column == "v" && reject.value == value)
        #expect(outcome.batches.isEmpty && outcome.summary.rows == 1 && outcome.summary.loaded == 0)
        let file = try #require(outcome.rejectFile)
        let lines = file.components(separatedBy: "\r\n")
        #expect(lines[0] == "\u{FEFF}line,column,value,reason,explanation,row" && lines[1].hasPrefix("2,v,"))
        #expect(lines[1].contains(code.rawValue) && lines[1].hasSuffix("\"1,13800138000,\"\"\(value)\"\"\""))
    }

    @Test(arguments: ["0", "-1", "1234567890123456789", "12a", "", "1.0"])
    func `a line id is a positive number of at most 18 digits`(id: String) throws {
        let outcome = try Self.read("id,phone\n\"\(id)\",13800138000\n")
        #expect(outcome.codes == [id.isEmpty ? .blank : .badLineID])
    }

    @Test(arguments: ["12345", "23800138000", "1380013800", "138001380000", "+8612345678901", "phone", "13800138O00"])
    func `a telephone number must be one`(number: String) throws {
        let outcome = try Self.read("id,phone\n1,\(number)\n")
        #expect(outcome.codes == [.badMSISDN] && outcome.summary.firstRejects[0].column == "phone")
    }

    @Test func `decimals with other signs are read and rounded on request`() throws {
        let columns = Self.keys + "  fee: { column: v, point: \",\", group: \".\", round: true }"
        let outcome = try Self.read(
            "id;phone;v\n1;13800138000;1.000,00\n2;13800138001;2,345\n3;13800138002;2,3449\n",
            columns,
            head: "file: { delimiter: \";\" }"
        )
        #expect(outcome.column("fee") == [100_000, 235, 234].map { .decimal(Scaled(unscaled: $0, scale: 2)) })
    }

    @Test func `of equal line ids and numbers the first accepted row stays`() throws {
        let outcome = try Self.read(
            """
            id,phone,t
            1,13800138000,x
            1,13800138000,1
            2,13800138001,1
            1,13800138002,1
            3,13800138001,1
            4,+8613800138001,1
            5,13800138005,1
            """,
            Self.keys + "  tenure: t"
        )
        #expect(outcome.column("line_id") == [.integer(1), .integer(2), .integer(5)])
        #expect(outcome.codes == [.notANumber, .duplicateLine, .duplicateMSISDN, .duplicateMSISDN])
        #expect(outcome.summary.firstRejects.map(\.line) == [2, 5, 6, 7])
        #expect(outcome.summary.reasons == [.notANumber: 1, .duplicateLine: 1, .duplicateMSISDN: 2])
    }

    @Test func `text ids become the same numbers every time and collide with nothing else`() throws {
        let columns =
            "  line_id: { column: id, form: text }\n  msisdn: phone\n  account_id: { column: id, form: text }\n"
        let first = try Self.read(
            "id,phone\n7590-VHVEG,13800138000\n客户甲,13800138001\n7590-VHVEG,13800138002\n",
            columns
        )
        #expect(first.codes == [.duplicateLine])
        // The number is part of the format: it must never change.
        #expect(first.column("line_id")[0] == .integer(try #require(Self.textID("7590-VHVEG"))))
        #expect(first.column("account_id") == first.column("line_id"))
        let second = try Self.read("phone,id\n13800138009,客户甲\n", columns)
        #expect(second.column("line_id")[0] == first.column("line_id")[1])
    }

    /// The rule of docs/formats.md, written down a second time.
    static func textID(_ text: String) -> Int64? {
        var hash: UInt64 = 14_695_981_039_346_656_037
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
        hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
        hash ^= hash >> 31
        return Int64(hash % 999_999_999_999_999_999) + 1
    }

    @Test func `times are turned into UTC and give the local day`() throws {
        let text = """
            table: contact
            columns: { line_id: id, at: t, channel: { constant: sms }, kind: { constant: marketing }, ok: { column: ok, type: flag } }
            """
        let mapping = try MappingFile.parse(text, file: "m.yaml", catalogue: MappingFileTests.catalogue)
        let file = """
            id,t,ok
            1,2024-03-01 00:30:00,1
            1,2024-02-29T16:30:00Z,0
            1,2024-02-29 15:30:00.250-01:00,1
            """
        let outcome = try Self.read(file.utf8, mapping)
        let moment: Int64 = 1_709_224_200_000_000
        #expect(outcome.column("at") == Array(repeating: .timestamp(moment), count: 3))
        #expect(outcome.column("day") == Array(repeating: .day(try #require(LocalDay(iso: "2024-03-01"))), count: 3))
        #expect(outcome.column("category") == [.null, .null, .null])
        let bad = "id,t,ok\n1,2024-03-01 24:00:00,1\n2,2024-03-01,1\n3,2024-03-01 10:00:00+99:00,1\n"
        var lenient = mapping
        lenient.maximumRejects = 10_000
        #expect(try Self.read(bad.utf8, lenient).codes == [.notATime, .notATime, .notATime])
    }

    @Test func `months are their first day`() throws {
        let text = "table: subscriber_month\ncolumns: { line_id: id, month: m, fee: { column: f, type: decimal(2) } }\n"
        let mapping = try MappingFile.parse(text, file: "m.yaml", catalogue: MappingFileTests.catalogue)
        let outcome = try Self.read("id,m,f\n1,2024-02,1.5\n1,2024-03,2\n".utf8, mapping)
        #expect(
            outcome.column("month") == ["2024-02-01", "2024-03-01"].compactMap { LocalDay(iso: $0) }.map { .day($0) }
        )
    }

    // MARK: Shape of the file

    @Test func `quotes, line ends, BOM and empty lines follow RFC 4180`() throws {
        let text =
            "\u{FEFF}id,phone,name\r\n1,13800138000,\"a\nb\"\"c\"\r\n\r\n2,13800138001,\"\"\"\"\n\n3,13800138002,\"z\""
        let outcome = try Self.read(text, Self.keys + "  name: name")
        #expect(outcome.column("name") == [.text("a\nb\"c"), .text("\""), .text("z")])
        let bad = try Self.read("id,phone,name\r\n1,13800138000,\"a\r\nb\"\r\nx,y,z\r\n", Self.keys + "  name: name")
        #expect(bad.summary.firstRejects.map(\.line) == [4])
    }

    @Test(arguments: [1, 2, 3, 5, 16, 64])
    func `records survive every buffer border`(chunk: Int) throws {
        let text = "a,b,c\r\n\"x\"\"y\",,\"1\n2\"\r\n\r\nlast,\"q\",\"\""
        final class Pieces: ByteSource {
            var rest: [UInt8]
            let size: Int
            init(_ text: String, _ size: Int) { (rest, self.size) = (Array(text.utf8), size) }
            func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
                let count = min(size, rest.count, buffer.count)
                buffer.copyBytes(from: rest.prefix(count))
                rest.removeFirst(count)
                return count
            }
        }
        let reader = CSVReader(Pieces(text, chunk), file: "f", delimiter: UInt8(ascii: ","), chunk: 4)
        var records: [[String]] = []
        while try reader.next() == .record {
            records.append((0..<reader.fieldCount).map { reader.withField($0) { String(decoding: $0, as: UTF8.self) } })
        }
        #expect(records == [["a", "b", "c"], ["x\"y", "", "1\n2"], ["last", "q", ""]])
        #expect(reader.line == 5 || reader.line == 6)
    }

    @Test func `rows with too few, too many or broken fields are rejected and the next row is read`() throws {
        let outcome = try Self.read(
            "id,phone,name\n1,13800138000\n2,13800138001,a,b\n3,13800138002,a\"b\n4,13800138003,\"a\"b\n5,13800138004,c\n",
            Self.keys + "  name: name"
        )
        #expect(outcome.codes == [.tooFewFields, .tooManyFields, .badQuote, .badQuote])
        #expect(outcome.summary.firstRejects.map(\.line) == [2, 3, 4, 5])
        #expect(outcome.summary.firstRejects[2].column == "name")
        #expect(outcome.column("line_id") == [.integer(5)] && outcome.summary.rows == 5)
        #expect(outcome.rejectFile?.contains("\"4,13800138003,\"\"a\"\"b\"") == true)
    }

    @Test func `a file that ends mid-line keeps a complete record and rejects half of one`() throws {
        let complete = try Self.read("id,phone\n1,13800138000\n2,13800138001")
        #expect(complete.column("line_id") == [.integer(1), .integer(2)] && complete.summary.rejected == 0)
        let half = try Self.read("id,phone\n1,13800138000\n2")
        #expect(half.codes == [.cutOff] && half.summary.firstRejects[0].line == 3)
        #expect(half.summary.firstRejects[0].sentence.contains("the file ends inside this row"))
    }

    @Test func `a quote that is never closed fails the file and says where it opens`() throws {
        let error = try #require(throws: LoadError.self) {
            try Self.read(
                "id,phone,name\n1,13800138000,ok\n2,13800138001,\"lost\n3,13800138002,x\n",
                Self.keys + "  name: name"
            )
        }
        #expect(error.kind == .openQuote && error.line == 3 && error.column == 15)
    }

    @Test func `ten million characters in one field are an error with line and column`() throws {
        let huge = String(repeating: "x", count: 10_000_000)
        let columns = Self.keys + "  name: name"
        let plain = try Self.read("id,phone,name\n1,13800138000,\(huge)\n2,13800138001,b\n", columns)
        let reject = try #require(plain.summary.firstRejects.first)
        #expect(reject.code == .fieldTooLong && reject.line == 2 && reject.column == "name" && reject.value.count <= 81)
        #expect(plain.column("line_id") == [.integer(2)])
        #expect((plain.rejectFile?.utf8.count ?? .max) < 20_000)
        let error = try #require(throws: LoadError.self) {
            try Self.read("id,phone,name\n1,13800138000,\"\(huge)\"\n", columns)
        }
        #expect(error.kind == .fieldTooLong && error.line == 2 && error.column == 15)
        let wide = String(repeating: "\(String(repeating: "y", count: 1_000)),", count: 20_000)
        let record = try #require(throws: LoadError.self) { try Self.read("id,phone\n1,\(wide)\n") }
        #expect(record.kind == .recordTooLong && record.line == 2)
    }

    @Test(arguments: [
        ("", LoadError.Kind.empty), ("\n\n", .empty), ("\u{FEFF}", .empty), ("id,phone\n", .noRows),
        ("id,phone", .noRows),
    ])
    func `an empty file is told as such`(text: String, kind: LoadError.Kind) throws {
        let error = try #require(throws: LoadError.self) { try Self.read(text) }
        #expect(error.kind == kind && error.code == "load.\(kind.rawValue)")
    }

    @Test func `missing columns are named with near matches`() throws {
        let error = try #require(throws: LoadError.self) {
            try Self.read("ID,telephone,Tenure_Months\n", Self.keys + "  tenure: tenure_month")
        }
        #expect(error.kind == .missingColumns)
        #expect(error.message.contains("'id' (the file has 'ID')"))
        #expect(
            error.message.contains("'phone',")
                && error.message.contains("'tenure_month' (the file has 'Tenure_Months')")
        )
        let twice = try #require(throws: LoadError.self) { try Self.read("id,phone,id\n1,13800138000,2\n") }
        #expect(twice.kind == .header && twice.message.contains("'id' stands twice"))
    }

    @Test func `a file without a header takes its names from the mapping`() throws {
        let outcome = try Self.read("1|13800138000\n", head: "file: { delimiter: '|', header: [id, phone] }")
        #expect(outcome.column("line_id") == [.integer(1)])
    }

    @Test func `files that cannot be read are told as such`() throws {
        let mapping = try Self.mapping(Self.keys)
        for (file, words) in [("/nowhere.csv", "No such file"), ("/tmp", "is a directory")] {
            let error = try #require(throws: LoadError.self) {
                try CSVRows(file: file, mapping: mapping, rejectFile: "/tmp/gyre-none", progress: LoadProgress())
            }
            #expect(error.kind == .cannotRead && error.message.contains(words))
        }
    }

    // MARK: Encodings

    @Test func `bytes that are no UTF-8 reject the row and say which byte`() throws {
        var bytes = Array("id,phone,name\n1,13800138000,ab".utf8)
        bytes += [0xE7, 0x8E] + Array("\n2,13800138001,ok\n".utf8)
        let outcome = try Self.read(bytes, Self.mapping(Self.keys + "  name: name"))
        #expect(outcome.codes == [.badEncoding] && outcome.summary.firstRejects[0].line == 2)
        #expect(outcome.summary.firstRejects[0].sentence.contains("byte 3 of it"))
        #expect(outcome.column("name") == [.text("ok")])
    }

    @Test func `a GBK file is read when its mapping says so and named when it does not`() throws {
        // 姓名 / 王小明 / 人民 in GBK; the second byte of 亅 (0x81 0x7C) is a delimiter by itself.
        let header: [UInt8] = Array("id|phone|".utf8) + [0xD0, 0xD5, 0xC3, 0xFB] + [0x0A]
        let rows: [UInt8] = Array("1|13800138000|".utf8) + [0xCD, 0xF5, 0xD0, 0xA1, 0xC3, 0xF7, 0x81, 0x7C, 0x0A]
        let broken: [UInt8] = Array("2|13800138001|a".utf8) + [0xFF, 0x0A] + Array("3|13800138002|b".utf8) + [0xCD]
        let columns = Self.keys + "  name: 姓名"
        let gbk = try Self.mapping(columns, head: "file: { delimiter: '|', encoding: gbk }")
        let outcome = try Self.read(header + rows + broken, gbk)
        #expect(outcome.column("name") == [.text("王小明亅")])
        #expect(outcome.codes == [.badEncoding, .badEncoding])
        let utf8 = try Self.mapping(columns, head: "file: { delimiter: '|' }")
        let error = try #require(throws: LoadError.self) { try Self.read(header + rows, utf8) }
        #expect(error.kind == .encoding && error.message.contains("encoding: gbk"))
        let utf16 = try #require(throws: LoadError.self) { try Self.read([0xFF, 0xFE, 0x69, 0x00], utf8) }
        #expect(utf16.kind == .encoding && utf16.message.contains("UTF-16"))
    }

    @Test func `a large GBK file keeps every character across buffer borders`() throws {
        let gbk: [UInt8] = [0xCD, 0xF5, 0xD0, 0xA1, 0xC3, 0xF7]
        var bytes = Array("id,phone,name\n".utf8)
        for row in 0..<60_000 {
            bytes +=
                Array("\(row + 1),\(13_800_000_000 + row),".utf8) + gbk + Array(row % 2 == 0 ? "x\n".utf8 : "\n".utf8)
        }
        let mapping = try Self.mapping(Self.keys + "  name: name", head: "file: { encoding: gbk }")
        let outcome = try Self.read(bytes, mapping)
        #expect(outcome.summary.rejected == 0 && outcome.summary.rows == 60_000)
        #expect(Set(outcome.column("name")) == [.text("王小明x"), .text("王小明")])
    }

    @Test func `texts are normalised to NFC`() throws {
        let outcome = try Self.read(
            "id,phone,name,c\n1,13800138000,e\u{301}\u{212B},包年\n",
            Self.keys + "  name: name\n  contract: c"
        )
        guard case .text(let name) = outcome.column("name")[0] else { Issue.record("no text"); return }
        #expect(Array(name.utf8) == Array("\u{E9}\u{C5}".utf8))
    }

    @Test func `the quick check never passes what normalisation would change`() {
        var random = SeededRandom(seed: 7)
        for scalar in (1...0x2FFFF).compactMap(Unicode.Scalar.init) {
            let neighbours = [0x301, 0x1161, 0x11A8, 0x3099, 0x41, 0x738B].compactMap(Unicode.Scalar.init)
            var text = String.UnicodeScalarView()
            text.append(scalar)
            text.append(neighbours[Int.random(in: 0..<6, using: &random)])
            let bytes = Array(String(text).utf8)
            let verdict = bytes.withUnsafeBufferPointer { NFC.check($0) }
            guard verdict == .normal else { continue }
            let normal = Array(String(text).precomposedStringWithCanonicalMapping.utf8)
            #expect(normal == bytes, "U+\(String(scalar.value, radix: 16))")
        }
    }

    @Test func `the UTF-8 check agrees with the standard library`() {
        var random = SeededRandom(seed: 11)
        let interesting: [UInt8] = [
            0x41, 0x7F, 0x80, 0xBF, 0xC1, 0xC2, 0xE0, 0xA0, 0x9F, 0xED, 0xEF, 0xF0, 0x90, 0x8F, 0xF4, 0xF5,
        ]
        for _ in 0..<200_000 {
            let bytes = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                interesting[Int.random(in: 0..<interesting.count, using: &random)]
            }
            let verdict = bytes.withUnsafeBufferPointer { NFC.check($0) }
            let isValid = if case .invalid = verdict { false } else { true }
            #expect(isValid == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
        }
    }

    @Test func `gzip files are read, also in members, and damage is told`() throws {
        let first = try Self.gzip("id,phone\n1,13800138000\n")
        let second = try Self.gzip("2,13800138001\n")
        let outcome = try Self.read(first + second, Self.mapping(Self.keys))
        #expect(outcome.column("line_id") == [.integer(1), .integer(2)])
        let cut = try #require(throws: LoadError.self) { try Self.read(first.dropLast(9), Self.mapping(Self.keys)) }
        #expect(cut.kind == .damaged && cut.message.contains("cut off"))
        var damaged = first
        damaged[first.count / 2] ^= 0xFF
        let error = try #require(throws: LoadError.self) { try Self.read(damaged, Self.mapping(Self.keys)) }
        #expect(error.kind == .damaged)
    }

    static func gzip(_ text: String) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/gzip")
        process.arguments = ["-c"]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Array(data)
    }

    // MARK: Limits

    @Test func `too many rejects fail the load as a whole`() throws {
        var mapping = try Self.mapping(Self.keys)
        mapping.maximumRejects = 500
        let good = (1...19).map { "\($0),\(13_800_138_000 + $0)\n" }.joined()
        let atLimit = try Self.read(("id,phone\n" + good + "x,1\n").utf8, mapping)
        #expect(atLimit.summary.rows == 20 && atLimit.summary.rejected == 1)
        let error = try #require(throws: LoadError.self) {
            try Self.read(("id,phone\n" + good + "x,1\ny,1\n").utf8, mapping)
        }
        #expect(error.kind == .tooManyRejects)
        #expect(
            error.message.contains("2 of 21 rows") && error.message.contains("9.52 %") && error.message.contains("5 %")
        )
    }

    @Test func `a value that a spreadsheet would run as a formula is defused in the reject file`() throws {
        let outcome = try Self.read("id,phone\n=1+1,13800138000\n")
        #expect(outcome.rejectFile?.contains("2,id,'=1+1,bad_line_id") == true)
    }

    @Test func `batches are whole blocks`() throws {
        let text = "id,phone\n" + (1...70_000).map { "\($0),\(13_800_000_000 + $0)\n" }.joined()
        let outcome = try Self.read(text)
        #expect(outcome.batches.map(\.rowCount) == [65_536, 4_464])
        #expect(outcome.summary.bytesRead == text.utf8.count && outcome.summary.bytesTotal == text.utf8.count)
    }
}
