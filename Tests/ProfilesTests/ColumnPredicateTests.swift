// Compiled conditions and scores: any number of threads, any block, any universe, the same answer.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles
import RuleSupport
import Rules
import Testing

/// A table large enough for several blocks, chunks and parts, with an interpreter's view of it.
private struct BigTable {
    static let rows = 2 * Block.size + 20_000 + 37
    static let today = LocalDay(number: 20_778)
    let profile: HotProfile
    let arpu: [Int64?]
    let age: [Int64?]
    let city: [String?]
    let isGroup: [Bool?]

    init() throws {
        var random = SeededRandom(seed: 1)
        func drawn<T>(_ nulls: Int, _ value: (inout SeededRandom) -> T) -> [T?] {
            (0..<Self.rows).map { _ in Int.random(in: 0..<100, using: &random) < nulls ? nil : value(&random) }
        }
        arpu = drawn(5) { Int64.random(in: -100_000...100_000, using: &$0) }
        age = drawn(0) { Int64.random(in: -20...120, using: &$0) }
        city = drawn(10) { "城市\(Int.random(in: 0..<400, using: &$0))" }
        isGroup = drawn(20) { Bool.random(using: &$0) }
        let catalogue = RuleWorld.catalogue
        profile = try HotProfile(
            catalogue: catalogue,
            universe: Self.rows,
            columns: [
                "arpu": HotColumn(#require(catalogue["arpu"]), integers: arpu),
                "age": HotColumn(#require(catalogue["age"]), integers: age),
                "city": HotColumn(#require(catalogue["city"]), texts: city),
                "is_group": HotColumn(#require(catalogue["is_group"]), flags: isGroup),
            ]
        )
    }

    func compile(_ rule: String) throws -> ColumnPredicate {
        try profile.compile(RuleWorld.scope.check(rule), today: Self.today)
    }
}

@Suite struct ColumnPredicateTests {
    private let table: BigTable

    init() throws {
        table = try BigTable()
    }

    private func expect(_ rule: String, _ fits: (Int) -> Bool) throws {
        let predicate = try table.compile(rule)
        var expected = Bitset(universe: BigTable.rows)
        for row in 0..<BigTable.rows where fits(row) { expected.insert(UInt32(row)) }
        #expect(predicate.evaluate() == expected, "\(rule)")
        #expect(predicate.count(threads: 2) == expected.count, "\(rule)")
    }

    @Test func `plain columns, arithmetic, long lists and patterns over several blocks`() throws {
        let (arpu, age, city, isGroup) = (table.arpu, table.age, table.city, table.isGroup)
        try expect("arpu > 0.5 AND is_group") { (arpu[$0] ?? 0) > 50 && isGroup[$0] == true }
        try expect("NOT (arpu <= 0.5 OR is_group)") { arpu[$0].map { $0 > 50 } == true && isGroup[$0] == false }
        try expect("arpu / age >= 1.5") { row in
            guard let arpu = arpu[row], let age = age[row], age != 0 else { return false }
            return arpu * 10_000 / age >= 1_500_000
        }
        let numbers = stride(from: -19, to: 120, by: 3).map(String.init).joined(separator: ", ")
        try expect("age IN (\(numbers))") { age[$0].map { ($0 + 19) % 3 == 0 && $0 < 120 } == true }
        try expect("age + 1 NOT IN (\(numbers))") {
            age[$0].map { ($0 + 20) % 3 != 0 || $0 + 1 < -19 || $0 + 1 >= 120 } == true
        }
        try expect("city LIKE '%7'") { city[$0]?.hasSuffix("7") == true }
        try expect("city NOT LIKE '城市1%'") { city[$0].map { !$0.hasPrefix("城市1") } == true }
        try expect("city IS NULL OR arpu IS NULL") { city[$0] == nil || arpu[$0] == nil }
        try expect("city = 'nowhere'") { _ in false }
        try expect("city <> 'nowhere'") { city[$0] != nil }
    }

    @Test func `any number of threads and any split into blocks give the same members`() throws {
        let predicate = try table.compile("(arpu >= 10 AND age < 60) OR city LIKE '%1%' OR arpu + age < -100")
        let all = predicate.evaluate()
        for threads in [2, 3, 7, 64] {
            #expect(predicate.evaluate(threads: threads) == all)
            #expect(predicate.count(threads: threads) == all.count)
        }
        #expect(predicate.blocks == 0..<3)
        var union = Bitset(universe: BigTable.rows)
        var total = 0
        for block in predicate.blocks {
            let part = predicate.evaluate(blocks: block..<block + 1, threads: 2)
            #expect(predicate.count(blocks: block..<block + 1) == part.count)
            var words = [UInt64](repeating: .max, count: Block.words)
            words.withUnsafeMutableBufferPointer { predicate.evaluate(block: block, into: $0) }
            let start = block * Block.words
            #expect(words.prefix(part.words.count - start).elementsEqual(part.words[start...].prefix(Block.words)))
            union.formUnion(part)
            total += part.count
        }
        #expect(union == all && total == all.count)
        #expect(predicate.evaluate(blocks: 5..<9).isEmpty)
        for row in stride(from: 0, to: UInt32(BigTable.rows), by: 4_999) {
            #expect(predicate.contains(SubscriberIndex(row)) == all.contains(row))
        }
        #expect(!predicate.contains(SubscriberIndex(UInt32(BigTable.rows))))
    }

    @Test(arguments: [0, 1, 63, 64, 65, 16_384, 65_536, 65_537])
    func `nothing beyond the universe is ever a member`(rows: Int) throws {
        let column = try HotColumn(#require(RuleWorld.catalogue["age"]), integers: Array(repeating: 7, count: rows))
        let profile = try HotProfile(catalogue: RuleWorld.catalogue, universe: rows, columns: ["age": column])
        for rule in ["age = 7", "NOT age = 8", "age IS NOT NULL", "TRUE", "NOT on_list('black')", "age * 2 = 14"] {
            let predicate = try profile.compile(RuleWorld.scope.check(rule), today: BigTable.today) { _ in
                Bitset(universe: 0)
            }
            #expect(predicate.count() == rows, "\(rule)")
            #expect(predicate.evaluate().count == rows, "\(rule)")
        }
    }

    @Test func `sets may be smaller or larger than the profile, and are those of the moment of compilation`() throws {
        let column = try HotColumn(#require(RuleWorld.catalogue["age"]), integers: Array(repeating: 7, count: 100))
        let profile = try HotProfile(catalogue: RuleWorld.catalogue, universe: 100, columns: ["age": column])
        var black = Bitset(universe: 1_000)
        for index in [0, 99, 100, 999] as [UInt32] { black.insert(index) }
        var owners = Bitset(universe: 10)
        owners.insert(9)
        let rule = try RuleWorld.scope.check("on_list('black') OR owns('vod') AND age = 7")
        let predicate = try profile.compile(rule, today: BigTable.today) { $0.kind == .list ? black : owners }
        black.remove(0)
        #expect(predicate.count() == 3)
        #expect(throws: ProfileError.unknownMembership(Membership(.list, "black"))) {
            try profile.compile(rule, today: BigTable.today)
        }
    }

    @Test func `a rule on an attribute without a column needs the warehouse`() throws {
        #expect(throws: ProfileError.requiresWarehouse(attributes: ["remark", "points"])) {
            try table.compile("remark LIKE '%' AND arpu > 1 AND points > 2")
        }
    }

    @Test func `a score is filled for the selected indices only`() throws {
        let score = try table.profile.compile(RuleWorld.scope.checkScore("arpu / age"), today: BigTable.today)
        var selected = [UInt64](repeating: 0, count: Block.words)
        for index in stride(from: 0, to: Block.size, by: 3) { selected[index >> 6] |= 1 << UInt64(index & 63) }
        for block in 0..<3 {
            var scores = [Int32](repeating: 1, count: Block.size)
            scores.withUnsafeMutableBufferPointer { scores in
                selected.withUnsafeBufferPointer { score.fill(block: block, selected: $0, into: scores) }
            }
            let wrong = (0..<Block.size).filter { offset in
                let row = block * Block.size + offset
                guard offset % 3 == 0, row < BigTable.rows, let arpu = table.arpu[row], let age = table.age[row],
                    age != 0
                else { return scores[offset] != ColumnScore.missing }
                return scores[offset] != Int32(arpu * 10_000 / age)
                    || score.value(at: SubscriberIndex(UInt32(row))) != scores[offset]
            }
            #expect(wrong.isEmpty)
        }
    }
}
