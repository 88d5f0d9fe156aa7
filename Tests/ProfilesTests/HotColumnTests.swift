// Columns: how narrow they are, what they refuse, and that their bytes come back or are refused.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles
import RuleSupport
import Testing

@Suite struct HotColumnTests {
    private func attribute(_ code: String) throws -> Attribute { try #require(RuleWorld.catalogue[code]) }

    @Test(
        arguments: [
            ([0, 255], 8), ([1_000_000, 1_000_255], 8), ([-128, 127], 8), ([0, 256], 16), ([-1, 65_534], 16),
            ([0, 65_536], 32),
            ([-3_000_000_000, 0], 32), ([-1_000_000_000_000_000, 1_000_000_000_000_000], 64), ([7, 7], 8),
            ([nil, nil], 8),
            ([nil, 5_000_000_000, nil], 8),
        ] as [([Int64?], Int)]
    )
    func `numbers take the narrowest width their spread allows`(values: [Int64?], bits: Int) throws {
        let column = try HotColumn(attribute("points"), integers: values)
        #expect(column.bitsPerValue == bits)
        #expect(column.nullCount == values.count { $0 == nil })
        for (row, value) in values.enumerated() {
            #expect(column.value(at: row) == value.map { .number(Scaled(unscaled: $0, scale: 0)) } ?? .null)
            #expect(column.isNull(row) == (value == nil))
        }
        let present = values.compactMap { $0 }
        #expect(column.range == present.min().flatMap { low in present.max().map { low...$0 } })
    }

    @Test func `a builder widens on the way and packs at the end`() throws {
        var builder = HotColumnBuilder(try attribute("points"), rows: 200_000)
        var expected: [Int64] = []
        for batch in 0..<4 {
            let values = (0..<50_000).map { Int64($0 * (batch == 3 ? 1_000_000_000 : batch)) }
            try values.withUnsafeBufferPointer { try builder.append(integers: $0) }
            expected += values
        }
        let column = try builder.finish()
        #expect(column.bitsPerValue == 64)
        for row in stride(from: 0, to: 200_000, by: 997) {
            #expect(column.value(at: row) == .number(Scaled(unscaled: expected[row], scale: 0)))
        }
    }

    @Test func `texts are coded in the order of their bytes, enumerations in the order of their domain`() throws {
        let city = try HotColumn(attribute("city"), texts: ["深圳", "b", nil, "", "深圳", "a", "😀"])
        #expect(city.dictionary == ["", "a", "b", "深圳", "😀"])
        #expect(city.value(at: 0) == .text("深圳"))
        #expect(city.value(at: 2) == .null)
        #expect(city.value(at: 3) == .text(""))
        let card = try HotColumn(attribute("card"), texts: ["金卡", "普通", nil])
        #expect(card.dictionary == ["普通", "银卡", "金卡", "钻石卡"])
        #expect(card.value(at: 0) == .text("金卡"))
    }

    @Test func `a dictionary of 300 texts takes two bytes a row`() throws {
        let texts = (0..<1_000).map { "t\($0 % 300)" }
        let column = try HotColumn(attribute("city"), texts: texts)
        #expect(column.bitsPerValue == 16)
        #expect((0..<1_000).allSatisfy { column.value(at: $0) == .text(texts[$0]) })
    }

    @Test func `a column without the values of some has all others, and no text that only they had`() throws {
        var random = SeededRandom(seed: 4)
        let rows = 70_001
        func drawn<T>(_ value: (Int) -> T) -> [T?] {
            (0..<rows).map { Int.random(in: 0..<9, using: &random) == 0 ? nil : value($0) }
        }
        let columns: [(String, HotColumn)] = [
            ("points", try HotColumn(attribute("points"), integers: drawn { Int64($0) * 1_000 - 5 })),
            ("city", try HotColumn(attribute("city"), texts: drawn { $0 == 66_000 ? "独一无二" : "c\($0 % 300)" })),
            ("card", try HotColumn(attribute("card"), texts: drawn { ["普通", "金卡"][$0 % 2] })),
            ("activated", try HotColumn(attribute("activated"), integers: drawn { Int64(15_000 + $0 % 900) })),
        ]
        let erased = [0, 63, 64, 65_535, 65_536, 66_000, rows - 1, rows + 5]
        for (code, column) in columns {
            let found = try #require(try column.erasing(erased, attribute: attribute(code)))
            for row in 0..<rows {
                let expected = erased.contains(row) ? .null : column.value(at: row)
                if found.value(at: row) != expected { Issue.record("\(code), row \(row)") }
            }
            #expect(!found.dictionary.contains("独一无二"))
            #expect(try HotColumn(decoding: found.encoded()).nullCount == found.nullCount)
            #expect(try found.erasing(erased, attribute: attribute(code)) == nil, "nothing is left to erase")
        }
    }

    @Test func `what does not fit the attribute is refused with its row`() throws {
        #expect(throws: ProfileError.outOfRange(attribute: "age", row: 1, value: 121)) {
            try HotColumn(attribute("age"), integers: [120, 121])
        }
        #expect(throws: ProfileError.notInDomain(attribute: "brand", row: 2, value: "移动")) {
            try HotColumn(attribute("brand"), texts: ["全球通", nil, "移动"])
        }
        #expect(throws: ProfileError.wrongType(attribute: "age", expected: "integer", found: "flags")) {
            try HotColumn(attribute("age"), flags: [true])
        }
        #expect(throws: ProfileError.rowCount(attribute: "age", expected: 3, found: 2)) {
            var builder = HotColumnBuilder(try attribute("age"), rows: 3)
            let values: [Int64] = [1, 2]
            try values.withUnsafeBufferPointer { try builder.append(integers: $0) }
            _ = try builder.finish()
        }
        #expect(throws: ProfileError.notInDomain(attribute: "brand", row: 0, value: "#3")) {
            var builder = HotColumnBuilder(try attribute("brand"), rows: 1)
            let places: [UInt16] = [3]
            try places.withUnsafeBufferPointer { try builder.append(places: $0) }
        }
    }

    @Test func `a profile takes only columns that fit its catalogue`() throws {
        var profile = try HotProfile(catalogue: RuleWorld.catalogue, universe: 2)
        #expect(throws: ProfileError.unknownAttribute("nonsense")) {
            try profile.set("nonsense", HotColumn(attribute("age"), integers: [1, 2]))
        }
        #expect(throws: ProfileError.rowCount(attribute: "age", expected: 2, found: 1)) {
            try profile.set("age", HotColumn(attribute("age"), integers: [1]))
        }
        #expect(throws: ProfileError.wrongType(attribute: "age", expected: "integer", found: "day")) {
            try profile.set("age", HotColumn(attribute("activated"), integers: [1, 2]))
        }
        #expect(throws: ProfileError.outOfRange(attribute: "age", row: 1, value: 400)) {
            try profile.set("age", HotColumn(attribute("tenure"), integers: [1, 400]))
        }
        #expect(
            throws: ProfileError.wrongType(
                attribute: "brand",
                expected: "the domain of the catalogue",
                found: "another domain"
            )
        ) {
            try profile.set("brand", HotColumn(attribute("card"), texts: ["金卡", nil]))
        }
    }

    @Test func `display text has labels, units and words`() throws {
        let profile = try HotProfile(
            catalogue: RuleWorld.catalogue,
            universe: 1,
            columns: [
                "brand": HotColumn(attribute("brand"), texts: ["全球通"]),
                "is_5g": HotColumn(attribute("is_5g"), flags: [true]),
                "arpu": HotColumn(attribute("arpu"), integers: [8_050]),
                "age": HotColumn(attribute("age"), integers: [nil]),
                "activated": HotColumn(attribute("activated"), integers: [20_778]),
            ]
        )
        let index = SubscriberIndex(0)
        #expect(try profile.display(of: "brand", at: index) == BilingualText(zh: "全球通客户", en: "全球通"))
        #expect(try profile.display(of: "is_5g", at: index) == BilingualText(zh: "是", en: "yes"))
        #expect(try profile.display(of: "arpu", at: index) == BilingualText(zh: "80.50", en: "80.50"))
        #expect(try profile.display(of: "age", at: index) == BilingualText(zh: "无", en: "none"))
        #expect(try profile.value(of: "activated", at: index).description == "2026-11-21")
        #expect(throws: ProfileError.requiresWarehouse(attributes: ["remark"])) {
            try profile.value(of: "remark", at: index)
        }
        #expect(throws: ProfileError.rowCount(attribute: "age", expected: 1, found: 2)) {
            try profile.value(of: "age", at: SubscriberIndex(1))
        }
    }
}

@Suite struct HotColumnCodingTests {
    private static func columns() throws -> [HotColumn] {
        let catalogue = RuleWorld.catalogue
        func attribute(_ code: String) throws -> Attribute { try #require(catalogue[code]) }
        var random = SeededRandom(seed: 5)
        func drawn<T>(_ count: Int, _ value: (inout SeededRandom) -> T) -> [T?] {
            (0..<count).map { _ in Int.random(in: 0..<5, using: &random) == 0 ? nil : value(&random) }
        }
        return [
            try HotColumn(attribute("is_5g"), flags: drawn(130) { Bool.random(using: &$0) }),
            try HotColumn(attribute("is_5g"), flags: [true, false, true]),
            try HotColumn(attribute("age"), integers: drawn(70) { Int64.random(in: -20...120, using: &$0) }),
            try HotColumn(attribute("arpu"), integers: drawn(64) { Int64.random(in: -9_000...9_000, using: &$0) }),
            try HotColumn(
                attribute("balance"),
                integers: drawn(65) { Int64.random(in: -1_000_000...1_000_000, using: &$0) }
            ),
            try HotColumn(attribute("points"), integers: [-1_000_000_000_000_000, nil, 1_000_000_000_000_000]),
            try HotColumn(attribute("activated"), integers: [nil, nil]),
            try HotColumn(attribute("activated"), integers: []),
            try HotColumn(attribute("brand"), texts: ["全球通", nil, "神州行"]),
            try HotColumn(attribute("city"), texts: drawn(200) { "城\(Int.random(in: 0..<50, using: &$0))" }),
        ]
    }

    @Test func `bytes come back as the same column, and equal columns give equal bytes`() throws {
        for column in try Self.columns() {
            let bytes = column.encoded()
            let back = try HotColumn(decoding: bytes)
            #expect(back.encoded() == bytes)
            #expect(back.type == column.type && back.rows == column.rows && back.nullCount == column.nullCount)
            #expect(back.dictionary == column.dictionary && back.range == column.range)
            for row in 0..<column.rows { #expect(back.value(at: row) == column.value(at: row)) }
        }
    }

    @Test func `one row is read from the bytes without the others, and is a sound column of its own`() throws {
        for column in try Self.columns() {
            let bytes = column.encoded()
            for row in 0..<column.rows + 3 {
                var read = 0
                let own = try HotColumn(row: row) { offset, count in
                    read += count
                    return Array(bytes[offset..<offset + count])
                }
                #expect(own.rows == 1 && own.type == column.type)
                #expect(own.value(at: 0) == (row < column.rows ? column.value(at: row) : .null))
                #expect(try HotColumn(decoding: own.encoded()).value(at: 0) == own.value(at: 0))
                #expect(read <= 64 + 9 + column.dictionary.reduce(0) { $0 + $1.utf8.count + 4 })
            }
        }
    }

    @Test func `every shortened or prolonged file is refused`() throws {
        for column in try Self.columns() {
            let bytes = column.encoded()
            for length in 0..<bytes.count {
                #expect(throws: ProfileError.self) { try HotColumn(decoding: Array(bytes.prefix(length))) }
            }
            #expect(throws: ProfileError.self) { try HotColumn(decoding: bytes + [0]) }
        }
    }

    @Test func `a damaged file is refused or is still a sound column`() throws {
        var random = SeededRandom(seed: 9)
        var refused = 0
        for column in try Self.columns() {
            let bytes = column.encoded()
            for round in 0..<400 {
                var damaged = bytes
                let place = round < 64 ? round : Int.random(in: 0..<bytes.count, using: &random)
                damaged[place] ^= UInt8.random(in: 1...255, using: &random)
                guard let column = try? HotColumn(decoding: damaged) else {
                    refused += 1
                    continue
                }
                for row in 0..<column.rows { _ = column.value(at: row) }
            }
        }
        #expect(refused > 1_000)
    }

    @Test func `lengths that would overflow are refused`() throws {
        var bytes = try HotColumn(#require(RuleWorld.catalogue["age"]), integers: [1]).encoded()
        for place in 16..<24 { bytes[place] = 0xFF }
        #expect(throws: ProfileError.self) { try HotColumn(decoding: bytes) }
        for place in 48..<56 { bytes[place] = 0xFF }
        #expect(throws: ProfileError.self) { try HotColumn(decoding: bytes) }
    }
}
