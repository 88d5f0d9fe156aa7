// Distributions: the same as counting row by row, for every type and width.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles
import RuleSupport
import Testing

@Suite struct ColumnDistributionTests {
    /// Who is counted, drawn with a share of all.
    private func set(_ rows: Int, _ percent: UInt64, _ random: inout SeededRandom) -> Bitset {
        var set = Bitset(universe: rows)
        for index in 0..<rows where random.next() % 100 < percent { set.insert(UInt32(index)) }
        return set
    }

    private func column(_ kind: Int, _ rows: Int, _ random: inout SeededRandom) throws -> HotColumn {
        func attribute(_ code: String) throws -> Attribute { try #require(RuleWorld.catalogue[code]) }
        let nulls: UInt64 = random.next() % 3 == 0 ? 0 : 20
        func draw<T>(_ value: (UInt64) -> T) -> [T?] {
            (0..<rows).map { _ in random.next() % 100 < nulls ? nil : value(random.next()) }
        }
        switch kind {
        case 0: return try HotColumn(attribute("is_5g"), flags: draw { $0 % 3 == 0 })
        case 1: return try HotColumn(attribute("card"), texts: draw { ["普通", "银卡", "金卡"][Int($0 % 3)] })
        case 2: return try HotColumn(attribute("city"), texts: draw { "c\($0 % ($0 % 2 == 0 ? 300 : 7))" })
        case 3: return try HotColumn(attribute("age"), integers: draw { Int64($0 % 120) - 20 })
        case 4: return try HotColumn(attribute("points"), integers: draw { Int64($0 % 40_000) - 500 })
        case 5: return try HotColumn(attribute("activated"), integers: draw { Int64($0 % 9_000) + 10_000 })
        case 6: return try HotColumn(attribute("points"), integers: draw { Int64($0 % 3_000_000_000) })
        case 7:
            return try HotColumn(
                attribute("points"),
                integers: draw { Int64($0 % 900_000_000_000_000) - 400_000_000_000_000 }
            )
        default: return try HotColumn(attribute("points"), integers: draw { _ in nil as Int64? }.map { $0 ?? nil })
        }
    }

    @Test(arguments: 0..<9, [1, 63, 64, 1_000, 70_001])
    func `a distribution is what counting row by row gives`(kind: Int, rows: Int) throws {
        var random = SeededRandom(seed: UInt64(kind * 100_000 + rows))
        for share: UInt64 in [0, 3, 60, 100] {
            let column = try column(kind, rows, &random)
            let (base, members) = (set(rows, share == 60 ? 80 : 100, &random), set(rows, share, &random))
            let found = column.distribution(of: members, in: base, threads: 1)
            #expect(column.distribution(of: members, in: base, threads: 3) == found)
            check(found, Naive(column, members, base), column)
        }
    }

    private func check(_ found: ColumnDistribution, _ naive: Naive, _ column: HotColumn) {
        #expect(found.total == .init(base: naive.base.count, members: naive.members.count))
        #expect(found.nulls == .init(base: naive.base.count { $0 == nil }, members: naive.members.count { $0 == nil }))
        var sum = found.others
        (sum.base, sum.members) = found.parts.reduce((sum.base, sum.members)) {
            ($0.0 + $1.count.base, $0.1 + $1.count.members)
        }
        #expect(sum.base == found.total.base - found.nulls.base)
        #expect(sum.members == found.total.members - found.nulls.members)
        for part in found.parts {
            #expect(
                part.count
                    == .init(
                        base: naive.base.count { $0.map(part.values.contains) ?? false },
                        members: naive.members.count { $0.map(part.values.contains) ?? false }
                    )
            )
            if let text = part.text { #expect(column.dictionary[Int(part.values.lowerBound)] == text) }
        }
        #expect(
            zip(found.parts, found.parts.dropFirst()).allSatisfy {
                !column.isOrdered || $0.values.upperBound < $1.values.lowerBound
            }
        )
        #expect(column.type == .enumeration || found.parts.count <= HotColumn.mostParts)
        let cell = { (value: Int64?) -> Int64? in
            value.map { value in
                let low = column.range?.lowerBound ?? 0
                return low + (value - low) / Int64(found.step) * Int64(found.step)
            }
        }
        #expect(
            found.baseQuantiles?.values == naive.quantiles(naive.base, column.isOrdered).map { $0.compactMap(cell) }
        )
        #expect(
            found.memberQuantiles?.values
                == naive.quantiles(naive.members, column.isOrdered).map { $0.compactMap(cell) }
        )
        #expect(found.distancePPM == naive.distance(isOrdered: column.isOrdered, cell))
        let spread = column.range.map { UInt64($0.upperBound - $0.lowerBound) } ?? 0
        #expect(
            spread >= 65_536 ? spread / found.step < 65_536 && spread / (found.step / 2) >= 65_536 : found.step == 1
        )
    }

    @Test func `members like the base are at distance 0, members apart from all others at 1,000,000`() throws {
        let attribute = try #require(RuleWorld.catalogue["age"])
        let column = try HotColumn(attribute, integers: (0..<128).map { Int64($0 / 64) })
        let all = Bitset(full: 128)
        #expect(column.distribution(of: all, in: all, threads: 2).distancePPM == 0)
        let half = Bitset(universe: 128, words: [.max, 0])
        #expect(column.distribution(of: half, in: all, threads: 2).distancePPM == 500_000)
        #expect(column.distribution(of: Bitset(universe: 128), in: all, threads: 2).distancePPM == 0)
    }

    @Test func `few large values do not press all others into one part`() throws {
        let attribute = try #require(RuleWorld.catalogue["points"])
        let column = try HotColumn(attribute, integers: (0..<10_000).map { $0 < 10 ? 60_000 : Int64($0 % 100) })
        let all = Bitset(full: 10_000)
        let parts = column.distribution(of: all, in: all, threads: 1).parts
        #expect(parts.count == 50)
        #expect(parts.last?.values == 98...60_000)
        #expect(parts.first?.values.lowerBound == 0)
    }
}

/// The unscaled values of a base and of its members, one after the other.
private struct Naive {
    var base: [Int64?] = []
    var members: [Int64?] = []

    init(_ column: HotColumn, _ members: Bitset, _ base: Bitset) {
        for row in 0..<column.rows where base.contains(UInt32(row)) {
            self.base.append(column.unscaled(at: row))
            if members.contains(UInt32(row)) { self.members.append(column.unscaled(at: row)) }
        }
    }

    func quantiles(_ values: [Int64?], _ isOrdered: Bool) -> [Int64]? {
        let sorted = values.compactMap { $0 }.sorted()
        guard isOrdered, !sorted.isEmpty else { return nil }
        return ColumnDistribution.Quantiles.percents.map { sorted[max(1, (sorted.count * $0 + 99) / 100) - 1] }
    }

    func distance(isOrdered: Bool, _ cell: (Int64?) -> Int64?) -> Int {
        guard !base.isEmpty, !members.isEmpty else { return 0 }
        var counts: [Int64?: (base: Int, members: Int)] = [:]
        for value in base { counts[isOrdered ? cell(value) : value, default: (0, 0)].base += 1 }
        for value in members { counts[isOrdered ? cell(value) : value, default: (0, 0)].members += 1 }
        let ordered = counts.sorted { ($0.key ?? .min) < ($1.key ?? .min) }.map(\.value)
        let differences = ordered.map { $0.members * base.count - $0.base * members.count }
        let whole = base.count * members.count
        guard isOrdered else { return differences.reduce(0) { $0 + abs($1) } * 1_000_000 / (2 * whole) }
        var (sum, most) = (0, 0)
        for difference in differences {
            sum += difference
            most = max(most, abs(sum))
        }
        return most * 1_000_000 / whole
    }
}
