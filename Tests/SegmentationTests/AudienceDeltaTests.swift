// Audiences as changes of earlier ones: what is written is read, and files that are damaged are refused.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Segmentation
import Testing

@Suite struct AudienceDeltaTests {
    private let previous = ContentHash(hex: String(repeating: "a1", count: 32)) ?? .zero
    private let chosen = ContentHash(hex: String(repeating: "b2", count: 32)) ?? .zero

    private func set(_ universe: Int, _ perMille: UInt64, _ random: inout SeededRandom) -> Bitset {
        var set = Bitset(universe: universe)
        for index in 0..<UInt32(universe) where random.next() % 1_000 < perMille { set.insert(index) }
        return set
    }

    @Test(arguments: [1, 63, 64, 65, 1_000, 50_000])
    func `the members of some are those of all, and back`(universe: Int) {
        var random = SeededRandom(seed: UInt64(universe))
        for share: UInt64 in [0, 5, 300, 1_000] {
            let (members, chosen) = (set(universe, 400, &random), set(universe, share, &random))
            var expected = members
            expected.formIntersection(chosen)
            #expect(members.packed(chosen.indices).spread(over: chosen) == expected)
        }
    }

    @Test(arguments: [0, 1, 64, 1_000])
    func `a change is read as it was written`(count: Int) throws {
        var random = SeededRandom(seed: UInt64(count))
        for depth in [0, 1, 17, 65_534] {
            let change = AudienceDelta(
                after: previous,
                depth: depth,
                of: chosen,
                universe: 9_000,
                set(count, 300, &random)
            )
            #expect(AudienceDelta.depth(ofMark: change.bytes) == depth + 1)
            #expect(try AudienceDelta(decoding: change.bytes) == change)
        }
    }

    @Test func `a file that is damaged is refused, wherever it is`() throws {
        var random = SeededRandom(seed: 3)
        let change = AudienceDelta(after: previous, depth: 3, of: chosen, universe: 9_000, set(700, 300, &random))
        let bytes = change.bytes
        for count in 0..<bytes.count {
            #expect(throws: MalformedBytes.self) { try AudienceDelta(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: MalformedBytes.self) { try AudienceDelta(decoding: bytes + [0]) }
        for _ in 0..<5_000 {
            var damaged = bytes
            damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            // Refused, or still a change of no more than there are.
            guard let read = try? AudienceDelta(decoding: damaged) else { continue }
            #expect(read.difference.universe <= read.universe && read.depth > 0)
            #expect(read.difference.complement().complement() == read.difference, "nobody beyond the universe")
        }
        #expect(AudienceDelta.depth(ofMark: [0x28, 0x23, 0, 0, 0, 0, 0, 0]) == 0, "a list file")
        #expect(AudienceDelta.depth(ofMark: []) == 0)
    }
}
