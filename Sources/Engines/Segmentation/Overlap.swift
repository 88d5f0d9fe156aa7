// How some sets overlap: how many are in exactly which of them (UpSet plots, SEG look-before-use).
// SPDX-License-Identifier: Apache-2.0

import Dispatch
public import Kernel

/// How many members are in exactly which of some sets.
public struct Overlap: Hashable, Sendable {
    /// Sets that are compared at most: each doubles the combinations.
    public static let mostSets = 8

    /// Number of sets.
    public let sets: Int
    /// By combination: bit i = in set i; combination 0, in none, is left out and 0.
    public let exactly: [Int]

    /// Counts the combinations of some sets.
    ///
    /// - Complexity: One read of each set, and an operation per word and combination.
    public init(_ sets: [Bitset], threads: Int) {
        precondition(sets.count <= Self.mostSets, "at most \(Self.mostSets) sets are compared")
        self.sets = sets.count
        let (length, combinations) = (sets.map(\.words.count).max() ?? 0, 1 << sets.count)
        let words = sets.map(\.words)
        let counts = Chunks.shares(length, threads: threads).concurrentMap(threads: threads) { range in
            var counts = [Int](repeating: 0, count: combinations)
            var parts = [UInt64](repeating: 0, count: combinations)
            for place in range {
                let values = words.map { place < $0.count ? $0[place] : 0 }
                guard values.contains(where: { $0 != 0 }) else { continue }
                // Each set cuts every part so far in two: those in it, and the rest.
                parts[0] = ~0
                for (set, value) in values.enumerated() {
                    for part in 0..<1 << set {
                        parts[part | 1 << set] = parts[part] & value
                        parts[part] &= ~value
                    }
                }
                for part in 1..<combinations { counts[part] &+= parts[part].nonzeroBitCount }
            }
            return counts
        }
        exactly = (0..<combinations).map { part in counts.reduce(0) { $0 + $1[part] } }
    }

    /// How many are in both of two sets; of one set with itself, its members.
    public func both(_ a: Int, _ b: Int) -> Int {
        exactly.indices.reduce(0) { $0 + ($1 >> a & 1 == 1 && $1 >> b & 1 == 1 ? exactly[$1] : 0) }
    }
}
