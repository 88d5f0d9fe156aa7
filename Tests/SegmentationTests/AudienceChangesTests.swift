// Audiences as changes of a whole one: held against sets, and against files that are damaged.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Segmentation
import Testing

@Suite struct AudienceChangesTests {
    private let whole = ContentHash(hex: String(repeating: "a1", count: 32)) ?? .zero

    private func set(_ universe: Int, _ perMille: UInt64, _ random: inout SeededRandom) -> Bitset {
        var set = Bitset(universe: universe)
        for index in 0..<UInt32(universe) where random.next() % 1_000 < perMille { set.insert(index) }
        return set
    }

    @Test(arguments: [1, 64, 1_000, 50_000])
    func `an audience is the whole one with who changed, however often that was`(universe: Int) throws {
        var random = SeededRandom(seed: UInt64(universe))
        let first = set(universe, 300, &random)
        var changes = AudienceChanges(whole: whole, universe: universe)
        var expected = first
        for (round, share): (Int, UInt64) in [0, 5, 200, 1_000].enumerated() {
            let grown = universe + round * 70
            expected.grow(universe: grown)
            let others = set(grown, share, &random)
            expected.formSymmetricDifference(others)
            changes = changes.adding(others.indices, universe: grown)
            #expect(try changes.members(of: first) == expected)
            let bytes = changes.bytes
            #expect(AudienceChanges.isFile(bytes))
            #expect(try AudienceChanges(decoding: bytes) == changes)
        }
        #expect(changes.whole == whole)
    }

    @Test func `a file that is damaged is refused, wherever it is`() throws {
        var random = SeededRandom(seed: 3)
        let first = set(9_000, 300, &random)
        var changes = AudienceChanges(whole: whole, universe: 9_000)
        for _ in 0..<2 { changes = changes.adding(set(9_000, 20, &random).indices, universe: 9_000) }
        let bytes = changes.bytes
        func read(_ bytes: [UInt8]) throws -> Bitset { try AudienceChanges(decoding: bytes).members(of: first) }
        // Without its last change a file is one of fewer changes; cut anywhere else it is none.
        let ends = (0..<bytes.count).filter { (try? read(Array(bytes[..<$0]))) != nil }
        #expect(ends.count == 2, "\(ends)")
        #expect(throws: MalformedBytes.self) { try read(bytes + [0]) }
        for _ in 0..<5_000 {
            var damaged = bytes
            damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            // Refused, or still changes of subscribers that there are.
            guard let members = try? read(damaged) else { continue }
            #expect(members.complement().complement() == members, "no member beyond the universe")
        }
        #expect(!AudienceChanges.isFile([0x28, 0x23, 0, 0, 0, 0, 0, 0]), "a list file")
    }
}
