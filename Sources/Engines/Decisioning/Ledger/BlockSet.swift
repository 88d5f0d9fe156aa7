// A set of positions inside one block of 65 536 subscribers: sorted list when sparse, bitmap when dense.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A set of offsets (0...65 535) inside a block.
public struct BlockSet: Hashable, Sendable {
    /// Up to this many members the sorted list (2 bytes each) is not larger than the bitmap (8 KiB).
    static let sparseLimit = 4_096

    private enum Storage: Hashable, Sendable {
        case sparse([UInt16])
        case dense([UInt64], count: Int)
    }

    private var storage: Storage

    /// The empty set.
    public init() {
        storage = .sparse([])
    }

    /// A set from a bitmap of 1 024 words.
    public init(words: UnsafePointer<UInt64>) {
        var count = 0
        for i in 0..<Block.words { count += words[i].nonzeroBitCount }
        if count > Self.sparseLimit {
            storage = .dense(Array(UnsafeBufferPointer(start: words, count: Block.words)), count: count)
            return
        }
        var offsets: [UInt16] = []
        offsets.reserveCapacity(count)
        forEachBit(words) { offsets.append(UInt16($0)) }
        storage = .sparse(offsets)
    }

    /// A set from ascending, distinct offsets.
    init(ascending offsets: some RandomAccessCollection<UInt16>) {
        guard offsets.count > Self.sparseLimit else {
            storage = .sparse(Array(offsets))
            return
        }
        var words = [UInt64](repeating: 0, count: Block.words)
        for offset in offsets { words[Int(offset >> 6)] |= 1 << UInt64(offset & 63) }
        storage = .dense(words, count: offsets.count)
    }

    /// A set from offsets in any order, repeats allowed.
    public init(_ offsets: some Sequence<UInt16>) {
        var words = [UInt64](repeating: 0, count: Block.words)
        for offset in offsets { words[Int(offset >> 6)] |= 1 << UInt64(offset & 63) }
        self = words.withUnsafeBufferPointer { Self(unsafeWords: $0) }
    }

    private init(unsafeWords words: UnsafeBufferPointer<UInt64>) {
        guard let base = words.baseAddress else {
            self.init()
            return
        }
        self.init(words: base)
    }

    /// Number of members.
    public var count: Int {
        switch storage {
        case .sparse(let offsets): offsets.count
        case .dense(_, let count): count
        }
    }

    /// Whether there are no members.
    public var isEmpty: Bool { count == 0 }

    /// The least member; nil when there is none.
    public var first: Int? {
        switch storage {
        case .sparse(let offsets): offsets.first.map { Int($0) }
        case .dense(let words, _):
            words.firstIndex { $0 != 0 }.map { $0 * 64 + words[$0].trailingZeroBitCount }
        }
    }

    /// Whether the set holds an offset.
    public func contains(_ offset: Int) -> Bool {
        switch storage {
        case .dense(let words, _):
            return words[offset >> 6] >> UInt64(offset & 63) & 1 == 1
        case .sparse(let offsets):
            var low = 0
            var high = offsets.count
            while low < high {
                let middle = (low + high) / 2
                if Int(offsets[middle]) < offset { low = middle + 1 } else { high = middle }
            }
            return low < offsets.count && Int(offsets[low]) == offset
        }
    }

    /// Number of members with offsets in a range.
    public func count(in range: Range<Int>) -> Int {
        var count = 0
        forEach { if range.contains($0) { count += 1 } }
        return count
    }

    /// Sets the bits of all members in a bitmap of 1 024 words.
    public func formUnion(into words: UnsafeMutablePointer<UInt64>) {
        switch storage {
        case .dense(let mine, _): for i in 0..<Block.words { words[i] |= mine[i] }
        case .sparse(let offsets): for o in offsets { words[Int(o >> 6)] |= 1 << UInt64(o & 63) }
        }
    }

    /// Clears the bits of all members in a bitmap of 1 024 words.
    public func subtract(from words: UnsafeMutablePointer<UInt64>) {
        switch storage {
        case .dense(let mine, _): for i in 0..<Block.words { words[i] &= ~mine[i] }
        case .sparse(let offsets): for o in offsets { words[Int(o >> 6)] &= ~(1 << UInt64(o & 63)) }
        }
    }

    /// Calls `body` with each member, ascending.
    public func forEach(_ body: (Int) throws -> Void) rethrows {
        switch storage {
        case .sparse(let offsets): for o in offsets { try body(Int(o)) }
        case .dense(let words, _):
            for (position, word) in words.enumerated() where word != 0 {
                var rest = word
                while rest != 0 {
                    try body(position * 64 + rest.trailingZeroBitCount)
                    rest &= rest - 1
                }
            }
        }
    }

    /// Members of both sets.
    public func intersection(_ other: BlockSet) -> BlockSet {
        isEmpty || other.isEmpty ? BlockSet() : combining(other) { $0 & $1 }
    }

    /// Members of either set.
    public func union(_ other: BlockSet) -> BlockSet {
        if other.isEmpty { return self }
        return isEmpty ? other : combining(other) { $0 | $1 }
    }

    /// Members that `other` does not hold.
    public func subtracting(_ other: BlockSet) -> BlockSet {
        isEmpty || other.isEmpty ? self : combining(other) { $0 & ~$1 }
    }

    private func combining(_ other: BlockSet, _ operation: (UInt64, UInt64) -> UInt64) -> BlockSet {
        var mine = bitmap
        let theirs = other.bitmap
        for i in 0..<Block.words { mine[i] = operation(mine[i], theirs[i]) }
        return mine.withUnsafeBufferPointer { Self(unsafeWords: $0) }
    }

    /// The set as 1 024 words.
    public var bitmap: [UInt64] {
        switch storage {
        case .dense(let words, _): return words
        case .sparse(let offsets):
            var words = [UInt64](repeating: 0, count: Block.words)
            for o in offsets { words[Int(o >> 6)] |= 1 << UInt64(o & 63) }
            return words
        }
    }

    /// Appends the set: a 32-bit count, then the sorted offsets (up to 4 096) or the bitmap.
    public func encode(to writer: inout ByteWriter) {
        writer.write(UInt32(count))
        switch storage {
        case .sparse(let offsets): offsets.withUnsafeBytes { writer.write(raw: $0) }
        case .dense(let words, _): words.withUnsafeBytes { writer.write(raw: $0) }
        }
    }

    /// Reads a set written by ``encode(to:)``; the count decides the form, and both forms are checked.
    public init(from reader: inout ByteReader) throws(MalformedBytes) {
        let start = reader.offset
        let count = Int(try reader.read(UInt32.self))
        guard count <= Block.size else { throw MalformedBytes(offset: start, expected: "at most 65536 members") }
        if count <= Self.sparseLimit {
            let raw = try reader.read(count: count * 2)
            var offsets: [UInt16] = []
            offsets.reserveCapacity(count)
            raw.withUnsafeBytes { bytes in
                for i in 0..<count {
                    offsets.append(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)))
                }
            }
            for i in offsets.indices.dropFirst() where offsets[i] <= offsets[i - 1] {
                throw MalformedBytes(offset: start, expected: "ascending offsets")
            }
            storage = .sparse(offsets)
            return
        }
        let raw = try reader.read(count: Block.words * 8)
        var words: [UInt64] = []
        words.reserveCapacity(Block.words)
        raw.withUnsafeBytes { bytes in
            for i in 0..<Block.words {
                words.append(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: i * 8, as: UInt64.self)))
            }
        }
        guard words.reduce(0, { $0 + $1.nonzeroBitCount }) == count else {
            throw MalformedBytes(offset: start, expected: "a bitmap of \(count) members")
        }
        storage = .dense(words, count: count)
    }
}

/// Calls `body` with the position of each set bit of a block's bitmap, ascending.
@inline(__always)
func forEachBit(_ words: UnsafePointer<UInt64>, _ body: (Int) -> Void) {
    for i in 0..<Block.words {
        var rest = words[i]
        while rest != 0 {
            body(i &* 64 &+ rest.trailingZeroBitCount)
            rest &= rest &- 1
        }
    }
}
