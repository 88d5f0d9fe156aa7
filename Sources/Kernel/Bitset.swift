// A dense set of subscriber indices, one bit each. Membership costs one load; set algebra runs over whole words.
// SPDX-License-Identifier: Apache-2.0

/// A dense set of subscriber indices over a fixed universe, stored as 64-bit words (bit i of word w = index 64w+i).
public struct Bitset: Hashable, Sendable {
    /// The words; bits at and beyond `universe` are always zero.
    public private(set) var words: [UInt64]
    /// The number of indices the set ranges over.
    public private(set) var universe: Int

    /// The empty set over `universe` indices.
    public init(universe: Int) {
        self.universe = universe
        words = [UInt64](repeating: 0, count: (universe + 63) / 64)
    }

    /// A set from its words; bits at and beyond `universe` are cleared, missing words are zero.
    public init(universe: Int, words: [UInt64]) {
        self.universe = universe
        self.words = words
        let needed = (universe + 63) / 64
        if self.words.count > needed { self.words.removeLast(self.words.count - needed) }
        if self.words.count < needed {
            self.words.append(contentsOf: repeatElement(0, count: needed - self.words.count))
        }
        clearTail()
    }

    /// The set of all indices below `universe`.
    public init(full universe: Int) {
        self.universe = universe
        words = [UInt64](repeating: .max, count: (universe + 63) / 64)
        clearTail()
    }

    private mutating func clearTail() {
        if universe & 63 != 0, !words.isEmpty { words[words.count - 1] &= (1 << UInt64(universe & 63)) - 1 }
    }

    /// Whether the set holds `index`; false beyond the universe.
    @inlinable
    public func contains(_ index: UInt32) -> Bool {
        let word = Int(index >> 6)
        return word < words.count && words[word] >> UInt64(index & 63) & 1 == 1
    }

    /// Adds an index of the universe.
    public mutating func insert(_ index: UInt32) {
        precondition(Int(index) < universe, "index \(index) is outside the universe of \(universe)")
        words[Int(index >> 6)] |= 1 << UInt64(index & 63)
    }

    /// Removes an index; nothing happens when it is not a member.
    public mutating func remove(_ index: UInt32) {
        guard Int(index) < universe else { return }
        words[Int(index >> 6)] &= ~(1 << UInt64(index & 63))
    }

    /// The same members over a larger universe.
    public mutating func grow(universe new: Int) {
        precondition(new >= universe, "a universe never shrinks")
        words.append(contentsOf: repeatElement(0, count: (new + 63) / 64 - words.count))
        universe = new
    }

    /// Number of members.
    public var count: Int {
        words.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Whether the set has no members.
    public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// Adds all members of `other`; both range over the same universe.
    public mutating func formUnion(_ other: Bitset) {
        combine(other) { $0 | $1 }
    }

    /// Keeps the members that `other` holds too; both range over the same universe.
    public mutating func formIntersection(_ other: Bitset) {
        combine(other) { $0 & $1 }
    }

    /// Removes the members of `other`; both range over the same universe.
    public mutating func subtract(_ other: Bitset) {
        combine(other) { $0 & ~$1 }
    }

    @inline(__always)
    private mutating func combine(_ other: Bitset, _ operation: (UInt64, UInt64) -> UInt64) {
        precondition(universe == other.universe, "sets over \(universe) and \(other.universe) indices")
        let count = words.count
        words.withUnsafeMutableBufferPointer { mine in
            other.words.withUnsafeBufferPointer { theirs in
                for i in 0..<count { mine[i] = operation(mine[i], theirs[i]) }
            }
        }
    }

    /// The complement inside the universe.
    public func complement() -> Bitset {
        Bitset(universe: universe, words: words.map { ~$0 })
    }

    /// Calls `body` with each member in ascending order.
    @inlinable
    public func forEach(_ body: (UInt32) throws -> Void) rethrows {
        for (position, word) in words.enumerated() where word != 0 {
            var rest = word
            while rest != 0 {
                try body(UInt32(position * 64 + rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
    }

    /// The members in ascending order.
    public var indices: [UInt32] {
        [UInt32](unsafeUninitializedCapacity: count) { all, found in
            var place = 0
            words.withUnsafeBufferPointer { words in
                for position in words.indices where words[position] != 0 {
                    var rest = words[position]
                    while rest != 0 {
                        all[place] = UInt32(truncatingIfNeeded: position &* 64 &+ rest.trailingZeroBitCount)
                        place &+= 1
                        rest &= rest &- 1
                    }
                }
            }
            found = place
        }
    }

    /// Which of some indices are members: bit i stands for `chosen[i]`.
    ///
    /// Beyond the universe nobody is one.
    public func packed(_ chosen: [UInt32]) -> Bitset {
        var packed = Bitset(universe: chosen.count)
        packed.withMutableWords { target in
            words.withUnsafeBufferPointer { words in
                for (place, index) in chosen.enumerated() where Int(index >> 6) < words.count {
                    target[place >> 6] |= (words[Int(index >> 6)] >> UInt64(index & 63) & 1) << UInt64(place & 63)
                }
            }
        }
        return packed
    }

    /// The members at the places of `chosen` that they stand for, the reverse of ``packed(_:)``.
    ///
    /// - Parameter chosen: A set with as many members as this universe has indices.
    /// - Returns: A part of `chosen`.
    public func spread(over chosen: Bitset) -> Bitset {
        precondition(universe == chosen.count, "\(universe) indices for \(chosen.count) members")
        var spread = Bitset(universe: chosen.universe)
        var place: UInt32 = 0
        spread.withMutableWords { target in
            chosen.forEach { index in
                target[Int(index >> 6)] |= (contains(place) ? 1 : 0) << UInt64(index & 63)
                place += 1
            }
        }
        return spread
    }

    /// The members of one of two sets only; both range over the same universe.
    public mutating func formSymmetricDifference(_ other: Bitset) {
        combine(other) { $0 ^ $1 }
    }

    /// Gives mutable access to the words; the caller keeps bits beyond the universe zero.
    public mutating func withMutableWords<R>(_ body: (UnsafeMutableBufferPointer<UInt64>) throws -> R) rethrows -> R {
        try words.withUnsafeMutableBufferPointer { try body($0) }
    }
}
