// Members in an order given by a key, cut at ranks: exact, and without sorting all of them.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// The place of a member in an order: by key, equal keys by index.
struct RankPlace: Comparable {
    var key: UInt64
    var index: UInt32

    @inline(__always)
    static func < (a: RankPlace, b: RankPlace) -> Bool { a.key != b.key ? a.key < b.key : a.index < b.index }
}

/// Members in ascending order of a key.
struct RankOrder<Key: RankKey> {
    let members: Bitset
    let key: Key
    let threads: Int

    private static var buckets: Int { 65_536 }

    /// The places of the members with some ranks, which are ascending and lie in `1...members.count`.
    ///
    /// A histogram over the first 16 bits of all keys shows in which few buckets the ranks lie; only those are gathered,
    /// and cut in the same way by their next bits.
    func places(ranks: [Int]) -> [RankPlace] {
        guard !ranks.isEmpty else { return [] }
        let counts = shares { range in
            var counts = [Int](repeating: 0, count: Self.buckets)
            forEach(range) { counts[Int(key($0) >> 48)] &+= 1 }
            return counts
        }.reduce(into: [Int](repeating: 0, count: Self.buckets)) { sums, counts in
            for bucket in 0..<Self.buckets { sums[bucket] += counts[bucket] }
        }
        let wanted = Self.locate(ranks, counts)
        let isWanted = wanted.reduce(into: [Bool](repeating: false, count: Self.buckets)) { $0[$1.bucket] = true }
        let gathered = shares { range in
            var found: [RankPlace] = []
            forEach(range) { index in
                let key = key(index)
                if isWanted[Int(key >> 48)] { found.append(RankPlace(key: key, index: index)) }
            }
            return found
        }.flatMap { $0 }
        return Self.refine(gathered, wanted, shift: 48)
    }

    /// One set more than places: members up to the first place, from there up to the second, and so on.
    func parts(at places: [RankPlace]) -> [Bitset] {
        // By bucket: how many places lie in buckets before it, and how many in it.
        var before = [UInt16](repeating: 0, count: Self.buckets + 1)
        for place in places { before[Int(place.key >> 48) + 1] += 1 }
        for bucket in 0..<Self.buckets { before[bucket + 1] += before[bucket] }
        let (length, starts) = (members.words.count, before)
        var words = [UInt64](repeating: 0, count: length * (places.count + 1))
        words.withUnsafeMutableBufferPointer { words in
            let target = Unchecked(words)
            Chunks.forEach(length, threads: threads) { range in
                forEach(range) { index in
                    let key = key(index)
                    let bucket = Int(key >> 48)
                    var part = Int(starts[bucket])
                    let place = RankPlace(key: key, index: index)
                    while part < Int(starts[bucket + 1]), places[part] < place { part += 1 }
                    target.value[part * length + Int(index >> 6)] |= 1 << UInt64(index & 63)
                }
            }
        }
        let (all, universe) = (words, members.universe)
        return Array(0...places.count).concurrentMap(threads: threads) { part in
            Bitset(universe: universe, words: Array(all[part * length..<(part + 1) * length]))
        }
    }

    private func shares<Found: Sendable>(_ body: @Sendable (Range<Int>) -> Found) -> [Found] {
        Chunks.shares(members.words.count, threads: threads).concurrentMap(threads: threads, body)
    }

    @inline(__always)
    private func forEach(_ range: Range<Int>, _ body: (UInt32) -> Void) {
        members.words.withUnsafeBufferPointer { words in
            for position in range {
                var rest = words[position]
                while rest != 0 {
                    body(UInt32(truncatingIfNeeded: position &* 64 &+ rest.trailingZeroBitCount))
                    rest &= rest &- 1
                }
            }
        }
    }

    /// A rank and the bucket it lies in.
    private typealias Located = (bucket: Int, rank: Int)

    /// The buckets that ranks lie in, and the ranks inside them.
    private static func locate(_ ranks: [Int], _ counts: [Int]) -> [Located] {
        var found: [Located] = []
        var (bucket, before) = (0, 0)
        for rank in ranks {
            while before + counts[bucket] < rank {
                before += counts[bucket]
                bucket += 1
            }
            found.append((bucket, rank - before))
        }
        return found
    }

    /// The places of ranks inside buckets of `items`, which are in the order of their indices.
    private static func refine(_ items: [RankPlace], _ wanted: [Located], shift: UInt64) -> [RankPlace] {
        var byBucket: [Int: [RankPlace]] = [:]
        for item in items { byBucket[Int(item.key >> shift & 0xFFFF), default: []].append(item) }
        var found: [RankPlace] = []
        var rest = wanted[...]
        while let first = rest.first {
            let ranks = rest.prefix { $0.bucket == first.bucket }.map(\.rank)
            rest = rest.dropFirst(ranks.count)
            let members = byBucket[first.bucket] ?? []
            found += places(of: ranks, in: members, shift: shift)
        }
        return found
    }

    private static func places(of ranks: [Int], in items: [RankPlace], shift: UInt64) -> [RankPlace] {
        // Equal keys are in the order of their indices already.
        guard shift > 0 else { return ranks.map { items[$0 - 1] } }
        guard items.count > 4_096 else {
            let sorted = items.sorted()
            return ranks.map { sorted[$0 - 1] }
        }
        var counts = [Int](repeating: 0, count: buckets)
        for item in items { counts[Int(item.key >> (shift - 16) & 0xFFFF)] += 1 }
        let wanted = locate(ranks, counts)
        let buckets = Set(wanted.map(\.bucket))
        let few = items.filter { buckets.contains(Int($0.key >> (shift - 16) & 0xFFFF)) }
        return refine(few, wanted, shift: shift - 16)
    }
}

/// A key of each member; the same member always has the same key.
protocol RankKey: Sendable {
    func callAsFunction(_ index: UInt32) -> UInt64
}

/// Orders by a keyed hash of the line id: at random, and the same whatever order subscribers were loaded in.
struct DrawKey: RankKey {
    let hash: KeyedHash
    let lines: [Int64]

    @inline(__always)
    func callAsFunction(_ index: UInt32) -> UInt64 { hash(lines[Int(index)]) }
}

/// Orders by a score, the best first; equal scores by the keyed hash.
struct ScoreKey: RankKey {
    let scores: [Int32]
    let draw: DrawKey

    @inline(__always)
    func callAsFunction(_ index: UInt32) -> UInt64 {
        let rank = ~(UInt32(bitPattern: scores[Int(index)]) ^ 0x8000_0000)
        return UInt64(rank) << 32 | draw(index) >> 32
    }
}
