// An audience as what differs from an earlier one: a refreshed segment differs little from the day before.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// The subscribers in whom an audience differs from a whole one that is stored already.
///
/// Its file: mark (8 bytes, not the start of a list file), name of the whole file, universe and count (UInt64), then for
/// each index its distance from the one before in groups of seven bits, lowest first (LEB128).
public struct AudienceChanges: Hashable, Sendable {
    /// The whole audience; a file of indices, never another one of changes.
    public let whole: ContentHash
    /// Subscribers the audience ranges over, of whom the whole one may know fewer.
    public let universe: Int
    /// Who is in one of both only, in ascending order.
    public let indices: [UInt32]

    /// Starts a file of changes; a list file starts with its universe, which is below 2^32.
    private static let mark: UInt64 = 0x0147_4843_4552_5947

    /// Joins all; the indices ascend and are below the universe.
    public init(whole: ContentHash, universe: Int, indices: [UInt32]) {
        (self.whole, self.universe, self.indices) = (whole, universe, indices)
    }

    /// Whether a file holds changes.
    public static func isFile(_ bytes: [UInt8]) -> Bool {
        var reader = ByteReader(bytes)
        return (try? reader.read(UInt64.self)) == mark
    }

    /// Reads what ``bytes`` wrote.
    ///
    /// - Throws: `MalformedBytes` for anything else.
    public init(decoding bytes: [UInt8]) throws(MalformedBytes) {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt64.self) == Self.mark,
            let whole = ContentHash(bytes: Array(try reader.read(count: 32)))
        else { throw MalformedBytes(offset: 0, expected: "changes of an audience") }
        let (universe, count) = (try reader.read(UInt64.self), try reader.read(UInt64.self))
        guard universe <= UInt64(UInt32.max), count <= universe, count <= UInt64(bytes.count) else {
            throw MalformedBytes(offset: 40, expected: "at most 2^32 - 1 subscribers, of whom no more changed")
        }
        var indices: [UInt32] = []
        indices.reserveCapacity(Int(count))
        var next: UInt64 = 0
        for _ in 0..<count {
            var (distance, shift): (UInt64, UInt64) = (0, 0)
            while true {
                let byte = try reader.read(UInt8.self)
                guard shift < 35 else { throw MalformedBytes(offset: reader.offset, expected: "a distance") }
                distance |= UInt64(byte & 0x7F) << shift
                guard byte & 0x80 != 0 else { break }
                shift += 7
            }
            next += distance
            guard next < universe else {
                throw MalformedBytes(offset: reader.offset, expected: "indices below \(universe)")
            }
            indices.append(UInt32(next))
            next += 1
        }
        guard reader.isAtEnd else { throw MalformedBytes(offset: reader.offset, expected: "the end") }
        self.init(whole: whole, universe: Int(universe), indices: indices)
    }

    /// The file.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 56 + indices.count * 2)
        writer.write(Self.mark)
        writer.write(raw: whole.bytes)
        writer.write(UInt64(universe))
        writer.write(UInt64(indices.count))
        var next: UInt32 = 0
        for index in indices {
            var distance = index - next
            while distance >= 0x80 {
                writer.write(UInt8(truncatingIfNeeded: distance) | 0x80)
                distance >>= 7
            }
            writer.write(UInt8(distance))
            next = index + 1
        }
        return writer.bytes
    }

    /// The audience, made of the whole one.
    public func members(of whole: Bitset) -> Bitset {
        var members = whole
        members.grow(universe: max(universe, whole.universe))
        members.withMutableWords { words in
            for index in indices { words[Int(index >> 6)] ^= 1 << UInt64(index & 63) }
        }
        return members
    }

    /// Changes of changes: who changed twice is as in the whole audience.
    public func changed(in others: [UInt32], universe: Int) -> AudienceChanges {
        var merged: [UInt32] = []
        merged.reserveCapacity(indices.count + others.count)
        var (mine, theirs) = (0, 0)
        while mine < indices.count, theirs < others.count {
            let (a, b) = (indices[mine], others[theirs])
            if a != b { merged.append(min(a, b)) }
            if a <= b { mine += 1 }
            if b <= a { theirs += 1 }
        }
        merged += indices[mine...]
        merged += others[theirs...]
        return AudienceChanges(whole: whole, universe: universe, indices: merged)
    }
}
