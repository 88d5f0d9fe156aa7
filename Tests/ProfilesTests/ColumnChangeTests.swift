// What changed between two columns, and rows packed together: the same as looking row by row.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles
import RuleSupport
import Rules
import Testing

@Suite struct ColumnChangeTests {
    private static let kinds = 0..<6

    /// Values of one kind, of which a share differs from those given.
    private func values(_ kind: Int, _ rows: Int, from old: [Int64?], _ random: inout SeededRandom) -> [Int64?] {
        (0..<rows).map { row in
            if row < old.count, random.next() % 100 < 90 { return old[row] }
            if random.next() % 5 == 0 { return nil }
            let draw = Int64(random.next() % 1_000_000)
            return switch kind {
            case 0: draw % 2
            case 1: draw % 3
            case 2: draw % (draw % 2 == 0 ? 300 : 7)
            case 3: draw % 100 - Int64(old.count % 20)
            case 4: draw % 40_000 - Int64(old.count % 500)
            default: draw * 1_000_003
            }
        }
    }

    private func column(_ kind: Int, _ values: [Int64?]) throws -> HotColumn {
        func attribute(_ code: String) throws -> Attribute { try #require(RuleWorld.catalogue[code]) }
        return switch kind {
        case 0: try HotColumn(attribute("is_5g"), flags: values.map { $0.map { $0 == 1 } })
        case 1: try HotColumn(attribute("card"), texts: values.map { $0.map { ["普通", "银卡", "金卡"][Int($0)] } })
        case 2: try HotColumn(attribute("city"), texts: values.map { $0.map { "c\($0)" } })
        default: try HotColumn(attribute(kind == 3 ? "age" : "points"), integers: values)
        }
    }

    @Test(arguments: kinds, [1, 63, 64, 1_000, 20_003])
    func `rows that changed are those whose value differs, however both are packed`(kind: Int, rows: Int) throws {
        var random = SeededRandom(seed: UInt64(kind * 100_000 + rows))
        var old = values(kind, rows, from: [], &random)
        for added in [0, 5, 200] {
            let new = values(kind, old.count + added, from: old, &random)
            let (before, after) = (try column(kind, old), try column(kind, new))
            let changed = after.rowsChanged(since: before)
            let expected = new.indices.filter { $0 >= old.count || new[$0] != old[$0] }
            #expect(changed.indices == expected.map { UInt32($0) })
            #expect(after.rowsChanged(since: after).isEmpty)

            let chosen = changed.indices
            for (column, values) in [(after, new), (before, old)] {
                let packed = column.packed(chosen)
                #expect(packed.rows == chosen.count)
                let asked = chosen.map { Int($0) < values.count ? column.value(at: Int($0)) : .null }
                #expect(chosen.indices.map { packed.value(at: $0) } == asked)
                #expect(packed.nullCount == asked.count { $0 == .null })
                let read = try HotColumn(decoding: packed.encoded())
                #expect(read.rowsChanged(since: packed).isEmpty)
            }
            old = new
        }
    }

    @Test func `a rule over rows packed together finds whom it finds among all`() throws {
        var random = SeededRandom(seed: 11)
        var (age, points): ([Int64?], [Int64?]) = ([], [])
        for _ in 0..<3_000 {
            age.append(random.next() % 9 == 0 ? nil : Int64(random.next() % 120))
            points.append(random.next() % 9 == 0 ? nil : Int64(random.next() % 70_000))
        }
        let columns = ["age": try column(3, age), "points": try column(4, points)]
        let profile = try HotProfile(catalogue: RuleWorld.catalogue, universe: 3_000, columns: columns)
        let rule = try RuleWorld.scope.check("age BETWEEN 20 AND 60 AND points > 30000 OR age IS NULL")
        let today = LocalDay(number: 20_000)
        let chosen = (0..<UInt32(3_000)).filter { _ in random.next() % 5 == 0 }
        let all = try profile.compile(rule, today: today).evaluate()
        let packed = try profile.packed(chosen, attributes: ["age", "points"])
        #expect(try packed.compile(rule, today: today).evaluate() == all.packed(chosen))
        #expect(throws: ProfileError.self) { try profile.packed(chosen, attributes: ["city"]) }
    }
}
