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
        let start = reader.offset
        let read = bytes.withUnsafeBufferPointer { Self.indices($0, from: start, count: Int(count), below: universe) }
        switch read {
        case .success(let indices): self.init(whole: whole, universe: Int(universe), indices: indices)
        case .failure(let malformed): throw malformed
        }
    }

    /// Indices from their distances, which end with the bytes.
    private static func indices(
        _ bytes: UnsafeBufferPointer<UInt8>,
        from start: Int,
        count: Int,
        below universe: UInt64
    ) -> Result<[UInt32], MalformedBytes> {
        func malformed(_ offset: Int, _ expected: String) -> Result<[UInt32], MalformedBytes> {
            .failure(MalformedBytes(offset: offset, expected: expected))
        }
        var (indices, offset, next): ([UInt32], Int, UInt64) = ([], start, 0)
        indices.reserveCapacity(count)
        for _ in 0..<count {
            var (distance, shift): (UInt64, UInt64) = (0, 0)
            while true {
                guard offset < bytes.count, shift < 35 else { return malformed(offset, "the end of a distance") }
                let byte = bytes[offset]
                offset += 1
                distance |= UInt64(byte & 0x7F) << shift
                guard byte & 0x80 != 0 else { break }
                shift += 7
            }
            next += distance
            guard next < universe else { return malformed(offset, "indices below \(universe)") }
            indices.append(UInt32(next))
            next += 1
        }
        return offset == bytes.count ? .success(indices) : malformed(offset, "the end")
    }

    /// The file.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 56)
        writer.write(Self.mark)
        writer.write(raw: whole.bytes)
        writer.write(UInt64(universe))
        writer.write(UInt64(indices.count))
        let head = writer.bytes
        // A distance of 32 bits takes five groups of seven at most.
        return [UInt8](unsafeUninitializedCapacity: head.count + indices.count * 5) { bytes, count in
            for byte in head {
                bytes[count] = byte
                count += 1
            }
            var next: UInt32 = 0
            for index in indices {
                var distance = index - next
                while distance >= 0x80 {
                    bytes[count] = UInt8(truncatingIfNeeded: distance) | 0x80
                    count += 1
                    distance >>= 7
                }
                bytes[count] = UInt8(truncatingIfNeeded: distance)
                count += 1
                next = index + 1
            }
        }
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
