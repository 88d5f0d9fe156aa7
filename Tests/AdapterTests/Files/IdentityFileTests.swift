// Lists of numbers as people bring them: every form that means a number is read, everything else is told with its line.
// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import Kernel
import Model
import Testing

@Suite struct IdentityFileTests {
    /// All rows of a list: line, number or why not.
    private struct Row: Equatable, CustomStringConvertible {
        var line: Int
        var value: Int64?
        var why: IdentityRefusal?

        init(_ line: Int, _ value: Int64) { (self.line, self.value) = (line, value) }
        init(_ line: Int, _ why: IdentityRefusal) { (self.line, self.why) = (line, why) }

        var description: String { "\(line): \(value.map { "\($0)" } ?? why?.rawValue ?? "")" }
    }

    private func rows(_ file: IdentityFile) throws -> [Row] {
        var file = file
        var rows: [Row] = []
        while let batch = try file.next() {
            var refusals = batch.refusals[...]
            for (position, value) in batch.values.enumerated() {
                if refusals.first?.position == position, let refused = refusals.popFirst() {
                    #expect(value == 0 && refused.text.count <= 40)
                    rows.append(Row(Int(batch.lines[position]), refused.why))
                } else {
                    rows.append(Row(Int(batch.lines[position]), value))
                }
            }
        }
        return rows
    }

    private func rows(
        _ text: String,
        _ kind: IdentityKind = .msisdn,
        _ column: IdentityColumn = .found
    ) throws -> [Row] {
        try rows(IdentityFile(text: Array(text.utf8), name: "list", kind: kind, column: column))
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? any CodedError)?.code ?? "\(error)"
        }
    }

    private static let number: Int64 = 8_613_987_650_001

    @Test(arguments: [
        "13987650001", "8613987650001", "+8613987650001", "008613987650001", "+86 139 8765 0001", "86-139-8765-0001",
        " 13987650001 ", "\t13987650001", "\"13987650001\"", "'13987650001", "\u{3000}13987650001\u{A0}",
        "\u{200B}13987650001", "13987650001.0", "13987650001.000", "1.3987650001E10", "1.3987650001e+10",
        "1.39876500010E+10", "8.613987650001E+12", "139 8765-0001",
    ]) func `every way to write a telephone number is read`(text: String) throws {
        #expect(try rows(text) == [Row(1, Self.number)])
    }

    @Test(arguments: [
        ("1.39877E+10", IdentityRefusal.shortened), ("1.4E10", .shortened), ("1E10", .shortened),
        ("8.6E+12", .shortened),
        ("1398765000", .notAPhoneNumber), ("139876500011", .notAPhoneNumber), ("12987650001", .notAPhoneNumber),
        ("0", .notAPhoneNumber), ("1.5", .notANumber), ("13987650001.5", .notANumber), ("139x7650001", .notANumber),
        ("139８7650001", .notANumber), ("--", .notANumber), ("1e", .notANumber), ("1e999", .notANumber),
        ("1.2.3", .notANumber), ("=13987650001", .notANumber), ("9999999999999999999999", .notANumber),
        ("1'; DROP TABLE subscriber; --", .notANumber),
    ]) func `what is no telephone number is refused with its reason`(text: String, why: IdentityRefusal) throws {
        #expect(
            try rows("13987650001\n\(text)\n13987650001") == [Row(1, Self.number), Row(2, why), Row(3, Self.number)]
        )
    }

    @Test func `lines and customers are whole numbers`() throws {
        for kind in [IdentityKind.line, .customer] {
            #expect(
                try rows("70000000252747\n 7 \n-5\n0\n8.8E3\n8.8E1\n1e1\n007\n92233720368547758079\n", kind)
                    == [
                        Row(1, 70_000_000_252_747), Row(2, 7), Row(3, .notANumber), Row(4, .notANumber),
                        Row(5, .shortened),
                        Row(6, 88), Row(7, .shortened), Row(8, 7), Row(9, .notANumber),
                    ]
            )
        }
    }

    @Test func `the column is found by its heading, by its place or by what people call it`() throws {
        let file = "姓名,手机号码,Line ID\r\n\"王, 小\",13987650001,77\r\n李,,78\r\n张\r\n"
        let found = [Row(2, Self.number), Row(3, .blank), Row(4, .blank)]
        #expect(try rows(file) == found)
        #expect(try rows(file, .msisdn, .named("手机号码")) == found)
        #expect(try rows(file, .msisdn, .number(2)) == found)
        #expect(try rows(file, .line) == [Row(2, 77), Row(3, 78), Row(4, .blank)])
        #expect(try rows(file, .line, .named("LINE  id")) == [Row(2, 77), Row(3, 78), Row(4, .blank)])
        #expect(code { _ = try rows(file, .line, .named("none")) } == "load.missing_columns")
        #expect(code { _ = try rows(file, .line, .number(0)) } == "load.header")
        #expect(try rows(file, .msisdn, .number(9)).allSatisfy { $0.why == .blank })
    }

    @Test func `semicolons, tabs and bars separate as commas do, and empty lines are none`() throws {
        for separator in [",", ";", "\t", "|"] {
            let text = "a\(separator)13987650001\n\n\nb\(separator)13987650001"
            #expect(try rows(text, .msisdn, .number(2)) == [Row(1, Self.number), Row(4, Self.number)], "\(separator)")
        }
    }

    @Test func `a broken record is refused alone, an open quote ends the list`() throws {
        let text = "\"1\"x,13987650001\n13987650001\n139\"87650001\n13987650001"
        #expect(
            try rows(text) == [Row(1, .malformed), Row(2, Self.number), Row(3, .malformed), Row(4, Self.number)]
        )
        #expect(code { _ = try rows("13987650001\n\"13987650001\n13987650001") } == "load.open_quote")
    }

    @Test func `encodings: byte order marks, UTF-16 and GBK beside the numbers`() throws {
        let text = "姓名,手机号\r\n王小明,13987650001\r\n"
        let expected = [Row(2, Self.number)]
        #expect(try rows("\u{FEFF}" + text) == expected)
        #expect(try rows("\u{FEFF}13987650001") == [Row(1, Self.number)])
        for encoding in [String.Encoding.utf16LittleEndian, .utf16BigEndian] {
            let mark: [UInt8] = encoding == .utf16LittleEndian ? [0xFF, 0xFE] : [0xFE, 0xFF]
            let bytes = mark + Array(try #require(text.data(using: encoding)))
            #expect(try rows(IdentityFile(text: bytes, name: "list", kind: .msisdn)) == expected)
        }
        // 姓名,手机号 and 王 in GBK; its heading is not known, its place is.
        let gbk: [UInt8] =
            [0xD0, 0xD5, 0xC3, 0xFB, 0x2C, 0xCA, 0xD6, 0xBB, 0xFA, 0xBA, 0xC5, 0x0A, 0xCD, 0xF5, 0x2C]
            + Array("13987650001\n".utf8)
        #expect(try rows(IdentityFile(text: gbk, name: "list", kind: .msisdn, column: .number(2))) == expected)
    }

    @Test func `the first rows are shown column by column, whatever follows them`() throws {
        func preview(_ bytes: [UInt8], _ column: IdentityColumn = .found, rows: Int = 3) throws -> ListPreview {
            var file = try IdentityFile(text: bytes, name: "list", kind: .msisdn, column: column)
            return try file.preview(rows: rows)
        }
        let text = "姓名;手机号;城市\n王小明;13987650001;昆明\n李雷;139 8765 0002\n\"韩;梅\";x;大理\n"
        let found = try preview(Array(text.utf8))
        #expect(found.chosen == 2 && found.rows == 3)
        #expect(found.columns.map(\.heading) == ["姓名", "手机号", "城市"])
        #expect(found.columns.map(\.numbers) == [0, 2, 0])
        #expect(found.columns[0].cells == ["王小明", "李雷", "韩;梅"])
        #expect(found.columns[2].cells == ["昆明", "", "大理"])
        #expect(try preview(Array(text.utf8), .number(3)).chosen == 3)
        #expect(throws: LoadError.self) { try preview(Array(text.utf8), .named("no such")) }

        // Without a heading; in GBK (王 and a number); a mark, quotes and lines of different lengths.
        let bare = try preview(Array("13987650001\n13987650002,x\n".utf8))
        #expect(bare.columns.map(\.heading) == [nil, nil] && bare.columns[1].cells == ["", "x"] && bare.chosen == 1)
        let gbk = try preview([0xCD, 0xF5, 0x2C] + Array("13987650001\n".utf8), .number(2))
        #expect(gbk.columns.map(\.cells) == [["王"], ["13987650001"]])

        // The beginning of a longer file is enough, packed or not.
        let long = "手机号,n\n" + (0..<50_000).map { "1398765\(1_000 + $0 % 9_000),\($0)\n" }.joined()
        let packed = try CSVRowsTests.gzip(long)
        for bytes in [Array(long.utf8.prefix(20_001)), Array(packed.prefix(packed.count / 2))] {
            let cut = try preview(bytes, rows: 5)
            #expect(cut.rows == 5 && cut.columns[0].numbers == 5 && cut.columns[1].cells == ["0", "1", "2", "3", "4"])
        }
        let wide = Array((0..<30).map { "\($0)" }.joined(separator: ",").utf8)
        #expect(try preview(wide).columns.count == ListPreview.mostColumns)
    }

    @Test func `what is no list says so`() {
        for (bytes, wanted) in [
            ([], "load.empty"), (Array("\n\n".utf8), "load.empty"), (Array("PAR1xxxx".utf8), "load.encoding"),
            ([0x50, 0x4B, 0x03, 0x04, 0], "load.damaged"), ([0x1F, 0x8B, 0, 0, 0], "load.damaged"),
        ] {
            #expect(
                code { _ = try IdentityFile(text: bytes, name: "list", kind: .msisdn) } == wanted,
                "\(bytes.prefix(4))"
            )
        }
        #expect(code { _ = try IdentityFile(file: "/none/such", kind: .msisdn) } == "load.cannot_read")
    }

    @Test func `a packed file of many batches is read whole, with its progress`() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-list-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let count = IdentityFile.batchRows * 2 + 17
        var text = "msisdn\n"
        for row in 0..<count { text += "\(13_900_000_000 + row)\n" }
        let plain = folder.appending(path: "list.csv")
        try Data(text.utf8).write(to: plain)
        let gzip = Process()
        gzip.executableURL = URL(filePath: "/usr/bin/gzip")
        gzip.arguments = ["-k", plain.path(percentEncoded: false)]
        try gzip.run()
        gzip.waitUntilExit()
        for name in ["list.csv", "list.csv.gz"] {
            let path = folder.appending(path: name).path(percentEncoded: false)
            var file = try IdentityFile(file: path, kind: .msisdn)
            var (sum, batches) = (0, 0)
            while let batch = try file.next() {
                #expect(batch.refusals.isEmpty && batch.values[0] == 8_613_900_000_000 + Int64(sum))
                sum += batch.values.count
                batches += 1
            }
            #expect(sum == count && batches == 3)
            #expect(file.progress?.read == file.progress?.total && file.progress?.total ?? 0 > 0)
        }
    }

    @Test(arguments: 0..<8) func `whatever bytes a list has, each row is a number or refused`(_ round: UInt64) throws {
        let given = ProcessInfo.processInfo.environment["GYRE_SEED"].flatMap { UInt64($0) }
        let seed = (given ?? UInt64.random(in: 1...UInt64(UInt32.max))) &+ round
        print("lists of any bytes: seed \(seed)")
        var random = SeededRandom(seed: seed)
        let pieces = [
            "13987650001", ",", "\n", "\r\n", "\"", " ", "+86", "E+10", ".", "-", "\u{FEFF}", "号", "\u{0}", "x",
        ]
        for _ in 0..<600 {
            var bytes = (0..<Int.random(in: 1...30, using: &random)).flatMap { _ in
                Array((pieces.randomElement(using: &random) ?? "").utf8)
            }
            if random.next() % 4 == 0 {
                for _ in 0..<3 {
                    let place = Int.random(in: 0..<max(1, bytes.count), using: &random)
                    if place < bytes.count { bytes[place] = UInt8(truncatingIfNeeded: random.next()) }
                }
            }
            let kind = IdentityKind.allCases[Int(random.next() % 3)]
            do {
                let all = try rows(IdentityFile(text: bytes, name: "list", kind: kind))
                // Lines ascend and lie inside the text; every number is positive.
                let lines = bytes.count { $0 == 0x0A } + 1
                #expect(zip(all, all.dropFirst()).allSatisfy { $0.line < $1.line }, "seed \(seed): \(bytes)")
                #expect(all.allSatisfy { (1...lines).contains($0.line) && $0.value ?? 1 > 0 }, "seed \(seed): \(bytes)")
            } catch is LoadError {
            }
        }
    }
}
