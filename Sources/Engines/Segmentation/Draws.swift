// Samples, the best by a score, and parts of a segment (SEG-18).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Draws from the members of a segment; the same seed, lines and members give the same draw on every machine.
public struct Draws: Sendable {
    private let draw: DrawKey
    private let threads: Int

    /// Draws by a hash of line ids.
    ///
    /// - Parameters:
    ///   - hash: Of its own for each draw that must be independent of others.
    ///   - lines: The line id of every subscriber.
    ///   - threads: Most workers; the result does not depend on it.
    public init(hash: KeyedHash, lines: [Int64], threads: Int) {
        draw = DrawKey(hash: hash, lines: lines)
        self.threads = threads
    }

    /// Exactly `count` of the members at random, all when there are not more.
    public func sample(_ count: Int, of members: Bitset) -> Bitset {
        first(count, of: members, by: draw)
    }

    /// The `count` members with the highest scores; who has none is left out.
    ///
    /// `scores`: In micro-units by index; ``noScore`` for none.
    public func top(_ count: Int, of members: Bitset, scores: [Int32]) -> Bitset {
        var scored = members
        scored.withMutableWords { words in
            for position in words.indices where words[position] != 0 {
                var rest = words[position]
                while rest != 0 {
                    let index = position * 64 + rest.trailingZeroBitCount
                    if index >= scores.count || scores[index] == Self.noScore {
                        words[position] &= ~(1 << UInt64(index & 63))
                    }
                    rest &= rest - 1
                }
            }
        }
        return first(count, of: scored, by: ScoreKey(scores: scores, draw: draw))
    }

    /// Stands for "no score".
    public static let noScore = Int32.min

    /// Parts that a split may have: each takes memory for everybody.
    public static let mostParts = 1_000

    /// Parts at random whose sizes stand to each other as the weights, to the member: the sizes add up, and none is
    /// further than one from its share.
    public func split(_ members: Bitset, weights: [Int]) -> [Bitset] {
        guard weights.count > 1 else { return weights.isEmpty ? [] : [members] }
        let count = members.count
        let whole = weights.reduce(0, +)
        precondition(weights.count <= Self.mostParts, "a split has at most \(Self.mostParts) parts")
        precondition(
            weights.allSatisfy { $0 > 0 } && whole <= 1_000_000,
            "weights are positive and add up to a million"
        )
        var (ends, sum): ([Int], Int) = ([], 0)
        for weight in weights.dropLast() {
            sum += weight
            ends.append(count * sum / whole)
        }
        // A part of a small segment may be empty: its end is that of the part before it.
        let order = RankOrder(members: members, key: draw, threads: threads)
        let ranks = Set(ends).subtracting([0]).sorted()
        let found = order.parts(at: order.places(ranks: ranks))
        var (parts, begin): ([Bitset], Int) = ([], 0)
        for end in ends + [count] {
            let isEmpty = end == begin
            parts.append(
                isEmpty
                    ? Bitset(universe: members.universe)
                    : found[begin == 0 ? 0 : (ranks.firstIndex(of: begin) ?? 0) + 1]
            )
            begin = end
        }
        return parts
    }

    private func first(_ count: Int, of members: Bitset, by key: some RankKey) -> Bitset {
        guard count > 0 else { return Bitset(universe: members.universe) }
        guard members.count > count else { return members }
        let order = RankOrder(members: members, key: key, threads: threads)
        return order.parts(at: order.places(ranks: [count]))[0]
    }
}
