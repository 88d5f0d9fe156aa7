// Set algebra, exclusion, draws and parts against Swift's own sets and sorting.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Segmentation
import Testing

/// Subscribers with lines, scores and customers, and sets of them.
private struct People {
    let universe: Int
    let lines: [Int64]
    let scores: [Int32]
    let customers: [UInt32]
    var random: SeededRandom

    init(seed: UInt64, universe: Int, scores distinct: Int32 = 1_000) {
        var random = SeededRandom(seed: seed)
        self.universe = universe
        lines = (0..<universe).map { _ in Int64.random(in: 1...(.max), using: &random) }
        scores = (0..<universe).map { _ in
            random.next() % 10 == 0 ? Draws.noScore : Int32.random(in: -distinct...distinct, using: &random)
        }
        customers = (0..<universe).map { _ in
            random.next() % 20 == 0
                ? Bitset.noCustomer : UInt32.random(in: 0..<UInt32(max(1, universe / 2)), using: &random)
        }
        self.random = random
    }

    mutating func some(_ percent: UInt64, of universe: Int? = nil) -> Set<UInt32> {
        Set((0..<UInt32(universe ?? self.universe)).filter { _ in random.next() % 100 < percent })
    }

    func bits(_ members: Set<UInt32>, universe: Int? = nil) -> Bitset {
        var bits = Bitset(universe: universe ?? self.universe)
        for member in members { bits.insert(member) }
        return bits
    }

    func draws(_ key: UInt64 = 1, threads: Int = 2) -> Draws {
        Draws(hash: KeyedHash(key0: key, key1: 2), lines: lines, threads: threads)
    }

    /// In the order of the draw.
    func drawn(_ members: Set<UInt32>, _ key: UInt64 = 1) -> [UInt32] {
        let hash = KeyedHash(key0: key, key1: 2)
        return members.sorted { (hash(lines[Int($0)]), $0) < (hash(lines[Int($1)]), $1) }
    }
}

private func members(_ set: Bitset) -> Set<UInt32> {
    var found: Set<UInt32> = []
    set.forEach { found.insert($0) }
    return found
}

@Suite struct SegmentationTests {
    private static let sizes = [0, 1, 63, 64, 65, 5_000, 140_000]

    // MARK: Algebra

    private func random(_ depth: Int, _ random: inout SeededRandom) -> SegmentAlgebra {
        guard depth > 0, random.next() % 4 != 0 else { return .segment(Int64.random(in: 1...5, using: &random)) }
        let parts = (0..<Int.random(in: 2...4, using: &random)).map { _ in self.random(depth - 1, &random) }
        switch random.next() % 3 {
        case 0: return .union(parts)
        case 1: return .intersection(parts)
        default: return .difference(parts)
        }
    }

    private func naive(_ algebra: SegmentAlgebra, _ sets: [Int64: Set<UInt32>]) -> Set<UInt32> {
        switch algebra {
        case .segment(let id): return sets[id] ?? []
        case .union(let parts): return parts.reduce(into: []) { $0.formUnion(naive($1, sets)) }
        case .intersection(let parts):
            return parts.dropFirst().reduce(naive(parts[0], sets)) { $0.intersection(naive($1, sets)) }
        case .difference(let parts):
            return parts.dropFirst().reduce(naive(parts[0], sets)) { $0.subtracting(naive($1, sets)) }
        }
    }

    @Test(arguments: sizes) func `set algebra of any depth agrees with Swift's sets`(universe: Int) throws {
        var people = People(seed: UInt64(universe) + 1, universe: universe)
        // Segments that were made while there were fewer subscribers.
        let sizes = [universe, universe, universe / 2, universe * 9 / 10, 0]
        var sets: [Int64: Set<UInt32>] = [:]
        var bits: [Int64: Bitset] = [:]
        for (number, size) in zip(Int64(1)..., sizes) {
            sets[number] = people.some(50, of: size)
            bits[number] = people.bits(sets[number] ?? [], universe: size)
        }
        for threads in 1...3 {
            for _ in 0..<(universe > 100_000 ? 4 : 40) {
                let algebra = random(3, &people.random)
                let found = algebra.members(of: bits, universe: universe, threads: threads)
                #expect(members(found) == naive(algebra, sets), "\(algebra)")
                #expect(found.universe == universe)
            }
        }
    }

    @Test func `set algebra is read and written as JSON, and what is none is refused`() throws {
        let text =
            #"{"difference":[{"union":[{"segment":3},{"segment":1}]},{"intersection":[{"segment":2},{"segment":1}]}]}"#
        let read = try JSONDecoder().decode(SegmentAlgebra.self, from: Data(text.utf8))
        #expect(
            read == .difference([.union([.segment(3), .segment(1)]), .intersection([.segment(2), .segment(1)])])
        )
        #expect(read.segments == [1, 2, 3])
        #expect(try String(decoding: JSONEncoder().encode(read), as: UTF8.self) == text)
        let deep = String(repeating: #"{"union":[{"segment":1},"#, count: 10_000)
        let many = (1...101).map { #"{"segment":\#($0)}"# }.joined(separator: ",")
        for wrong in [
            "", "7", "[]", "{}", #"{"segment":"x"}"#, #"{"segment":1,"union":[]}"#, #"{"union":[{"segment":1}]}"#,
            #"{"difference":[]}"#, #"{"union":[{"segment":1},{}]}"#, deep,
        ] {
            #expect(throws: DecodingError.self, "\(wrong.prefix(60))") {
                try JSONDecoder().decode(SegmentAlgebra.self, from: Data(wrong.utf8))
            }
        }
        let levels = { (count: Int) in
            (0..<count).reduce(SegmentAlgebra.segment(2)) { part, _ in .union([.segment(1), part]) }
        }
        #expect(levels(19).excess == nil && levels(20).excess?.en.contains("20 levels") == true)
        let wide = try JSONDecoder().decode(SegmentAlgebra.self, from: Data(#"{"union":[\#(many)]}"#.utf8))
        #expect(wide.excess?.en.contains("100 segments") == true)
    }

    // MARK: Exclusion

    @Test(arguments: sizes) func `an exclusion counts at the first step that takes a member away`(universe: Int) {
        var people = People(seed: UInt64(universe) + 2, universe: universe)
        let start = people.some(80)
        let sets = [people.some(10), people.some(30, of: universe / 3), [], people.some(50)]
        var bits = people.bits(start)
        let steps = bits.exclude(
            zip(sets, [universe, universe / 3, 0, universe]).map { people.bits($0, universe: $1) },
            threads: 2
        )
        var left = start
        for (set, step) in zip(sets, steps) {
            #expect(step.removed == left.intersection(set).count)
            left.subtract(set)
            #expect(step.left == left.count)
        }
        #expect(members(bits) == left && steps.count == sets.count)
    }

    // MARK: Draws

    @Test(arguments: sizes) func `a sample holds exactly as many as asked for, those a sort by the draw puts first`(
        universe: Int
    ) {
        var people = People(seed: UInt64(universe) + 3, universe: universe)
        let start = people.some(70)
        let sorted = people.drawn(start)
        for count in [0, 1, start.count / 3, start.count - 1, start.count, start.count + 5] where count >= 0 {
            for threads in [1, 3] {
                let sample = people.draws(threads: threads).sample(count, of: people.bits(start))
                #expect(members(sample) == Set(sorted.prefix(count)))
            }
        }
    }

    @Test func `another seed draws others, and who was loaded when does not matter`() {
        var people = People(seed: 9, universe: 5_000)
        let start = people.some(70)
        let first = members(people.draws(1).sample(500, of: people.bits(start)))
        let second = members(people.draws(7).sample(500, of: people.bits(start)))
        #expect(first.count == 500 && second.count == 500 && first.intersection(second).count < 150)
        // The same lines under other indices.
        let shift = 1_234
        let moved = Draws(
            hash: KeyedHash(key0: 1, key1: 2),
            lines: Array(people.lines[shift...] + people.lines[..<shift]),
            threads: 2
        )
        let there = { (index: UInt32) in UInt32((Int(index) + people.universe - shift) % people.universe) }
        let again = moved.sample(500, of: people.bits(Set(start.map(there))))
        #expect(members(again) == Set(first.map(there)))
    }

    @Test(arguments: [(Int32(1_000_000), 30_000), (3, 30_000), (0, 30_000), (1_000, 100)])
    func `the best by a score are those a full sort finds, ties by the draw`(distinct: Int32, universe: Int) {
        var people = People(seed: 4, universe: universe, scores: distinct)
        let start = people.some(90)
        let hash = KeyedHash(key0: 1, key1: 2)
        let scored = start.filter { people.scores[Int($0)] != Draws.noScore }
        // The draw decides with its upper half, then the index.
        let sorted = scored.sorted {
            let (a, b) = (people.scores[Int($0)], people.scores[Int($1)])
            return a != b
                ? a > b : (hash(people.lines[Int($0)]) >> 32, $0) < (hash(people.lines[Int($1)]) >> 32, $1)
        }
        for count in [1, universe / 50, scored.count / 2, scored.count, universe] {
            let best = people.draws().top(count, of: people.bits(start), scores: people.scores)
            #expect(members(best) == Set(sorted.prefix(count)), "\(count)")
        }
    }

    @Test func `equal keys are cut by index`() {
        let lines = [Int64](repeating: 7, count: 70_000)
        let draws = Draws(hash: KeyedHash(key0: 1, key1: 2), lines: lines, threads: 2)
        let all = Bitset(full: 70_000)
        #expect(members(draws.sample(10, of: all)) == Set(0..<10))
        #expect(members(draws.top(66_000, of: all, scores: [Int32](repeating: 3, count: 70_000))) == Set(0..<66_000))
    }

    @Test(arguments: sizes) func `parts by weights are a partition with the sizes of the weights`(universe: Int) {
        var people = People(seed: UInt64(universe) + 5, universe: universe)
        let start = people.some(60)
        let sorted = people.drawn(start)
        for weights in [[1], [1, 1], [3, 1], [1, 1, 1], [10, 20, 70], [Int](repeating: 1, count: 100)] {
            let parts = people.draws().split(people.bits(start), weights: weights)
            #expect(parts.count == weights.count)
            var (begin, sum) = (0, 0)
            for (part, weight) in zip(parts, weights) {
                sum += weight
                let end = start.count * sum / weights.reduce(0, +)
                #expect(members(part) == Set(sorted[begin..<end]), "\(weights)")
                begin = end
            }
        }
        #expect(people.draws().split(people.bits(start), weights: []).isEmpty)
    }

    // MARK: Parts

    @Test func `parts by conditions go to the first that holds, parts by digits to theirs`() {
        var people = People(seed: 6, universe: 3_000)
        let start = people.some(70)
        let (gold, city) = (people.some(30), people.some(40, of: 1_000))
        let parts = people.bits(start).parts(by: [people.bits(gold), people.bits(city, universe: 1_000)])
        #expect(members(parts[0]) == start.intersection(gold))
        #expect(members(parts[1]) == start.intersection(city).subtracting(gold))
        #expect(members(parts[2]) == start.subtracting(gold).subtracting(city))
        let digits = people.bits(start).parts(2) { $0 % 10 == 0 ? nil : Int($0 % 2) }
        #expect(members(digits[0]) == start.filter { $0 % 2 == 0 && $0 % 10 != 0 })
        #expect(members(digits[1]) == start.filter { $0 % 2 == 1 })
    }

    @Test(arguments: sizes) func `one line of each customer stays, the one with the highest rank`(universe: Int) {
        var people = People(seed: UInt64(universe) + 7, universe: universe, scores: 3)
        let start = people.some(80)
        let kept = people.bits(start).onePerCustomer(people.customers) { Int64(people.scores[Int($0)]) }
        var expected: Set<UInt32> = []
        for (customer, lines) in Dictionary(grouping: start, by: { people.customers[Int($0)] }) {
            if customer == Bitset.noCustomer {
                expected.formUnion(lines)
            } else if let best = lines.min(by: {
                (-Int64(people.scores[Int($0)]), $0) < (-Int64(people.scores[Int($1)]), $1)
            }) {
                expected.insert(best)
            }
        }
        #expect(members(kept) == expected)
    }
}
