// Mapping files: what is read, and that every mistake is told with its place.
// SPDX-License-Identifier: Apache-2.0

import Files
import Model
import Ports
import Testing

@Suite struct MappingFileTests {
    static let catalogue = AttributeCatalogue(
        groups: [],
        attributes: [
            attribute("contract", .enumeration, domain: ["Month-to-month", "One year", "包年"]),
            attribute("fee", .decimal(scale: 2), range: 0...100_000),
            attribute("senior", .flag),
            attribute("joined", .day),
            attribute("tenure", .integer),
            attribute("note", .text),
        ]
    )

    static func attribute(
        _ code: String,
        _ type: AttributeType,
        domain: [String] = [],
        range: ClosedRange<Int64>? = nil
    ) -> Attribute {
        Attribute(
            code: code,
            name: BilingualText(zh: code, en: code),
            type: type,
            group: "g",
            domain: domain.map { DomainValue(value: $0, label: BilingualText(zh: $0, en: $0)) },
            range: range,
            isHot: type != .text
        )
    }

    /// A mapping of the test catalogue with further lines.
    static func text(_ columns: String = "", head: String = "") -> String {
        """
        table: subscriber
        \(head)
        absent: [contract, fee, senior, joined, tenure, note]
        columns:
          line_id: id
          msisdn: phone
        \(columns)
        """
    }

    @Test func `a mapping is read with all its keys`() throws {
        let text = """
            table: subscriber
            file: { format: csv, delimiter: tab, encoding: gbk, header: [id, phone, c], nulls: ["", NULL], utc_offset: "-03:30" }
            max_reject_percent: 0.25
            blank: null
            columns:
              line_id: { column: id, form: text }
              msisdn: phone
              contract: { column: c, values: { "M": Month-to-month, "-": null }, blank: reject }
              fee: { column: c, point: ",", group: ".", round: true }
              joined: { column: c, date: D.M.YYYY }
              note: { constant: 全球通 }
            absent: [senior, tenure]
            """
        let mapping = try MappingFile.parse(text, file: "m.yaml", catalogue: Self.catalogue)
        guard case .csv(let format) = mapping.format else { Issue.record("no CSV"); return }
        #expect(format.delimiter == 9 && format.encoding == .gbk && format.header == ["id", "phone", "c"])
        #expect(mapping.nulls == ["", "NULL"] && mapping.utcOffsetSeconds == -12_600 && mapping.maximumRejects == 25)
        #expect(
            mapping.columns.map(\.name) == [
                "line_id", "msisdn", "imsi", "customer_id", "account_id", "name", "contract", "fee", "senior", "joined",
                "tenure",
                "note",
            ]
        )
        let columns = Dictionary(uniqueKeysWithValues: mapping.columns.map { ($0.name, $0) })
        #expect(columns["line_id"]?.kind == .lineID(fromText: true) && columns["line_id"]?.blankIsNull == false)
        #expect(columns["customer_id"]?.source == .copy(of: "line_id"))
        #expect(columns["contract"]?.translations == ["M": "Month-to-month", "-": nil])
        #expect(columns["contract"]?.blankIsNull == false && columns["fee"]?.blankIsNull == true)
        #expect(columns["fee"]?.point == UInt8(ascii: ",") && columns["fee"]?.group == UInt8(ascii: "."))
        #expect(columns["fee"]?.rounds == true && columns["joined"]?.pattern.description == "D.M.YYYY")
        #expect(columns["note"]?.source == .constant("全球通") && columns["senior"]?.source == .absent)
        #expect(mapping.fileColumns == ["id", "phone", "c"])
    }

    @Test(arguments: [
        ("  colour: c", "columns.colour", "add it to the catalogue"),
        ("  tenur: c", "columns.tenur", "did you mean 'tenure'"),
        ("  tenure: { colum: c }", "columns.tenure.colum", "did you mean 'column'"),
        ("  tenure: { column: c, constant: 1 }", "columns.tenure", "either 'column' or 'constant'"),
        ("  tenure: {}", "columns.tenure", "either 'column' or 'constant'"),
        ("  tenure: { constant: x }", "columns.tenure.constant", "no whole number"),
        ("  contract: { constant: Two year }", "columns.contract.constant", "not in the domain"),
        ("  tenure: { column: c, blank: maybe }", "columns.tenure.blank", "null, reject"),
        ("  tenure: { column: c, date: YYYY-MM-DD }", "columns.tenure.date", "only days"),
        ("  joined: { column: c, date: YY-MM-DD }", "columns.joined.date", "no pattern"),
        ("  joined: { column: c, date: YYYY-MM }", "columns.joined.date", "add DD"),
        ("  tenure: { column: c, form: text }", "columns.tenure.form", "have a form"),
        ("  tenure: { column: c, round: true }", "columns.tenure.round", "only decimals"),
        ("  tenure: { column: c, point: '..' }", "columns.tenure.point", "one ASCII character"),
        ("  tenure: { column: c, type: integer }", "columns.tenure.type", "is fixed"),
        ("  account_id: { constant: 1 }", "columns.account_id.constant", "differs in every row"),
        ("  tenure: [c]", "columns.tenure", "expected a map"),
    ])
    func `a mistake in a column is told with line and key`(line: String, key: String, words: String) throws {
        let text = Self.text(line)
        let error = try #require(throws: DocumentError.self) {
            try MappingFile.parse(text, file: "m.yaml", catalogue: Self.catalogue)
        }
        let problem = try #require(error.problems.first { $0.key == key }, "\(error)")
        #expect(problem.line == 7 && problem.message.contains(words), "\(problem)")
        #expect(error.code == "mapping.invalid")
    }

    @Test(arguments: [
        ("max_reject_percent: 101", "max_reject_percent", "0 ... 100"),
        ("max_reject_percent: 0.125", "max_reject_percent", "two digits"),
        ("blank: no", "blank", "null, reject"),
        ("file: { format: xlsx }", "file.format", "csv, parquet"),
        ("file: { format: parquet, encoding: gbk }", "file.encoding", "remove the key"),
        ("file: { delimiter: '||' }", "file.delimiter", "one ASCII character"),
        ("file: { encoding: latin1 }", "file.encoding", "utf-8, gbk"),
        ("file: { header: [a, a] }", "file.header", "twice"),
        ("file: { utc_offset: Shanghai }", "file.utc_offset", "+08:00"),
        ("maximum: 3", "maximum", "unknown key"),
    ])
    func `a mistake in the head is told with line and key`(line: String, key: String, words: String) throws {
        let error = try #require(throws: DocumentError.self) {
            try MappingFile.parse(Self.text(head: line), file: "m.yaml", catalogue: Self.catalogue)
        }
        let problem = try #require(error.problems.first { $0.key == key }, "\(error)")
        #expect(problem.line == 2 && problem.message.contains(words), "\(problem)")
    }

    @Test func `every attribute is mapped or said to be absent`() throws {
        let text = "table: subscriber\nabsent: [fee, contrakt, line_id]\ncolumns: { line_id: id, fee: f }\n"
        let error = try #require(throws: DocumentError.self) {
            try MappingFile.parse(text, file: "m.yaml", catalogue: Self.catalogue)
        }
        let all = error.description
        #expect(all.contains("column 'msisdn' of subscriber is not mapped"))
        #expect(all.contains("attribute 'tenure' is not mapped") && all.contains("attribute 'contract' is not mapped"))
        #expect(all.contains("no attribute 'contrakt'; did you mean 'contract'?"))
        #expect(all.contains("'fee' is mapped and absent") && all.contains("no attribute 'line_id'"))
    }

    @Test func `other tables have fixed columns and typed ones of the file's own`() throws {
        let month = """
            table: subscriber_month
            columns: { line_id: id, month: m, fees: { column: f, type: decimal(2) }, mb: { column: u, type: integer } }
            """
        let mapping = try MappingFile.parse(month, file: "m.yaml", catalogue: Self.catalogue)
        #expect(mapping.fields.map(\.name) == ["line_id", "month", "fees", "mb"])
        #expect(mapping.fields.map(\.type) == [.integer, .day, .decimal(scale: 2), .integer])
        let contact = "table: contact\ncolumns: { line_id: id, at: t, channel: c, kind: k, extra: e }\n"
        let error = try #require(throws: DocumentError.self) {
            try MappingFile.parse(contact, file: "m.yaml", catalogue: Self.catalogue)
        }
        #expect(error.problems.map(\.key) == ["columns.extra"] && error.description.contains("give it a 'type'"))
        let other = try #require(throws: DocumentError.self) {
            try MappingFile.parse("table: contacts\ncolumns: {}\n", file: "m.yaml", catalogue: Self.catalogue)
        }
        #expect(other.description.contains("did you mean 'contact'?"))
    }
}
