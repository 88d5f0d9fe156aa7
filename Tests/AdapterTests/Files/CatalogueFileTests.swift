// Attribute catalogues: what is read, and that every mistake is told with its place.
// SPDX-License-Identifier: Apache-2.0

import Files
import Model
import Testing

@Suite struct CatalogueFileTests {
    static let groups = "groups:\n  - { code: g, zh: 组, en: Group }\n"

    @Test func `a catalogue is read with all its keys`() throws {
        let text = """
            groups:
              - { code: contract, zh: 合约, en: Contract }
            attributes:
              - code: level
                zh: 等级
                en: Level
                type: enum
                group: contract
                domain: [ { value: "A", zh: 甲, en: First }, B ]
                ordered: true
                sensitivity: masked
              - { code: fee, zh: 月费, en: Fee, type: decimal(2), group: contract, unit: CNY, range: [0, 99.5], hot: false }
              - { code: joined, zh: 入网, en: Joined, type: day, group: contract, range: [2000-01-01, 2030-12-31] }
              - { code: note, zh: 备注, en: Note, type: text, group: contract }
              - { code: vip, zh: 贵宾, en: VIP, type: flag, group: contract }
            """
        let catalogue = try CatalogueFile.parse(text, file: "c.yaml")
        #expect(catalogue.groups.map(\.code) == ["contract"])
        let level = try #require(catalogue["level"])
        #expect(level.type == .enumeration && level.isOrdered && level.sensitivity == .masked && level.isHot)
        #expect(level.domain.map(\.value) == ["A", "B"] && level.domain.map(\.label.zh) == ["甲", "B"])
        let fee = try #require(catalogue["fee"])
        #expect(fee.type == .decimal(scale: 2) && fee.range == 0...9_950 && fee.unit == "CNY" && !fee.isHot)
        #expect(catalogue["joined"]?.range == 10_957...22_279)
        #expect(catalogue["note"]?.isHot == false)
        #expect(catalogue.attribute(named: "贵宾")?.code == "vip")
    }

    @Test(arguments: [
        ("{ code: Fee, zh: a, en: a, type: flag, group: g }", "attributes[0].code", "no identifier"),
        ("{ code: msisdn, zh: a, en: a, type: flag, group: g }", "attributes[0].code", "fixed column"),
        ("{ code: between, zh: a, en: a, type: flag, group: g }", "attributes[0].code", "rule language"),
        ("{ code: a, en: a, type: flag, group: g }", "attributes[0]", "'zh' is missing"),
        ("{ code: a, zh: '', en: a, type: flag, group: g }", "attributes[0].zh", "is empty"),
        ("{ code: a, zh: a, en: a, type: decimal(10), group: g }", "attributes[0].type", "decimal(9)"),
        ("{ code: a, zh: a, en: a, type: float, group: g }", "attributes[0].type", "no type"),
        ("{ code: a, zh: a, en: a, type: flag, group: gg }", "attributes[0].group", "did you mean 'g'"),
        ("{ code: a, zh: a, en: a, type: flag, groep: g, group: g }", "attributes[0].groep", "did you mean 'group'"),
        ("{ code: a, zh: a, en: a, type: enum, group: g }", "attributes[0]", "needs a 'domain'"),
        ("{ code: a, zh: a, en: a, type: enum, group: g, domain: [] }", "attributes[0].domain", "empty"),
        ("{ code: a, zh: a, en: a, type: enum, group: g, domain: [x, x] }", "attributes[0].domain[1]", "listed twice"),
        ("{ code: a, zh: a, en: a, type: flag, group: g, domain: [x] }", "attributes[0].domain", "only an enum"),
        ("{ code: a, zh: a, en: a, type: flag, group: g, ordered: true }", "attributes[0].ordered", "only an enum"),
        ("{ code: a, zh: a, en: a, type: text, group: g, hot: true }", "attributes[0].hot", "in memory"),
        ("{ code: a, zh: a, en: a, type: flag, group: g, hot: maybe }", "attributes[0].hot", "true or false"),
        ("{ code: a, zh: a, en: a, type: integer, group: g, range: [5, 1] }", "attributes[0].range", "exchange"),
        ("{ code: a, zh: a, en: a, type: integer, group: g, range: [1.5, 2] }", "attributes[0].range[0]", "no integer"),
        ("{ code: a, zh: a, en: a, type: decimal(1), group: g, range: [0, 0.25] }", "attributes[0].range[1]", "no dec"),
        ("{ code: a, zh: a, en: a, type: flag, group: g, range: [0, 1] }", "attributes[0].range[0]", "remove it"),
        ("{ code: a, zh: a, en: a, type: flag, group: g, sensitivity: hidden }", "attributes[0].sensitivity", "masked"),
        ("just a text", "attributes[0]", "expected a map"),
    ])
    func `a mistake is told with line and key`(entry: String, key: String, words: String) throws {
        let text = Self.groups + "attributes:\n  - " + entry + "\n"
        let error = #expect(throws: DocumentError.self) { try CatalogueFile.parse(text, file: "c.yaml") }
        let problem = try #require(
            error?.problems.first { $0.key == key },
            "\(error.map(String.init(describing:)) ?? "")"
        )
        #expect(problem.line == 4 && problem.message.contains(words))
        #expect(error?.code == "catalogue.invalid" && error?.description.contains("c.yaml: line 4") == true)
    }

    @Test func `all mistakes are told at once, in the order of the file`() throws {
        let text = """
            groups:
              - { code: g, zh: 组, en: Group }
              - { code: g, zh: 组, en: Group }
            attributes:
              - { code: a, zh: 甲, en: A, type: flag, group: g }
              - { code: a, zh: 乙, en: B, type: flag, group: g }
              - { code: c, zh: 甲, en: C, type: nothing, group: h }
              - { code: d, zh: 甲, en: D, type: flag, group: g }
            colour: red
            """
        let error = try #require(throws: DocumentError.self) { try CatalogueFile.parse(text, file: "c.yaml") }
        #expect(error.problems.map(\.line) == [3, 6, 7, 7, 8, 9])
        #expect(
            error.problems.map(\.key) == [
                "groups[1].code", "attributes[1].code", "attributes[2].type", "attributes[2].group", "attributes[3].zh",
                "colour",
            ]
        )
    }

    @Test(arguments: ["", "a: [", "attributes: 1\nattributes: 2\n", "\ta: 1", "groups: []\nattributes: []"])
    func `what is no catalogue at all is told with a line`(text: String) throws {
        let error = try #require(throws: DocumentError.self) { try CatalogueFile.parse(text, file: "c.yaml") }
        #expect(!error.problems.isEmpty && error.problems.allSatisfy { ($0.line ?? 0) >= 1 && !$0.message.isEmpty })
    }

    @Test func `a file that is not there is told`() throws {
        let error = try #require(throws: DocumentError.self) { try CatalogueFile.read(path: "/nowhere/c.yaml") }
        #expect(error.description.contains("/nowhere/c.yaml") && error.description.contains("cannot be read"))
    }

    @Test func `names and values are kept in NFC`() throws {
        let text =
            Self.groups
            + "attributes:\n  - { code: a, zh: e\u{301}, en: a, type: enum, group: g, domain: [e\u{301}] }\n"
        let attribute = try #require(CatalogueFile.parse(text, file: "c.yaml")["a"])
        #expect(Array(attribute.name.zh.utf8) == Array("\u{E9}".utf8))
        #expect(Array(attribute.domain[0].value.utf8) == Array("\u{E9}".utf8))
    }
}
