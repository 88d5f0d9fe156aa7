// An audience as what differs from an earlier one: a refreshed segment differs little from the day before.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// What became of a whole audience that is stored already, one change after the other; who changed twice is as before.
///
/// Its file: mark (8 bytes, not the start of a list file), name of the whole file, universe (UInt64), then each change: how
/// many subscribers (UInt32), and for each its distance from the one before in groups of seven bits, lowest first
/// (LEB128).
public struct AudienceChanges: Hashable, Sendable {
    /// The whole audience; a list file, never another one of changes.
    public let whole: ContentHash
    /// Subscribers the audience ranges over, of whom the whole one may know fewer.
    public let universe: Int
    /// The file.
    public let bytes: [UInt8]

    /// Starts a file of changes; a list file starts with its universe, which is below 2^32.
    private static let mark: UInt64 = 0x0247_4843_4552_5947
    private static let headBytes = 48
    /// Bytes that tell a file of changes.
    public static let markBytes = 8

    /// No change of a whole audience yet.
    public init(whole: ContentHash, universe: Int) {
        self.init(whole: whole, universe: universe, bytes: Self.head(whole, universe))
    }

    private init(whole: ContentHash, universe: Int, bytes: [UInt8]) {
        (self.whole, self.universe, self.bytes) = (whole, universe, bytes)
    }

    private static func head(_ whole: ContentHash, _ universe: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: headBytes)
        writer.write(mark)
        writer.write(raw: whole.bytes)
        writer.write(UInt64(universe))
        return writer.bytes
    }

    /// Whether a file holds changes.
    public static func isFile(_ bytes: [UInt8]) -> Bool {
        var reader = ByteReader(bytes)
        return (try? reader.read(UInt64.self)) == mark
    }

    /// Reads the head of a file; ``members(of:)`` reads the changes.
    ///
    /// - Throws: `MalformedBytes` for anything else.
    public init(decoding bytes: [UInt8]) throws(MalformedBytes) {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt64.self) == Self.mark,
            let whole = ContentHash(bytes: Array(try reader.read(count: 32)))
        else { throw MalformedBytes(offset: 0, expected: "changes of an audience") }
        let universe = try reader.read(UInt64.self)
        guard universe <= UInt64(UInt32.max) else {
            throw MalformedBytes(offset: 40, expected: "at most 2^32 - 1 subscribers")
        }
        self.init(whole: whole, universe: Int(universe), bytes: bytes)
    }

    /// The same with one change more.
    ///
    /// `others`: Who comes or goes; ascending, below the universe.
    public func adding(_ others: [UInt32], universe: Int) -> AudienceChanges {
        let head = Self.head(whole, universe)
        // A distance of 32 bits takes five groups of seven at most.
        let most = bytes.count + 4 + others.count * 5
        let changed = [UInt8](unsafeUninitializedCapacity: most) { target, count in
            guard let start = target.baseAddress else { return }
            _ = target.update(fromContentsOf: head)
            bytes.withUnsafeBufferPointer { kept in
                let rest = UnsafeBufferPointer(rebasing: kept.dropFirst(Self.headBytes))
                _ = UnsafeMutableBufferPointer(rebasing: target[Self.headBytes...]).update(fromContentsOf: rest)
            }
            var end = start + bytes.count
            withUnsafeBytes(of: UInt32(others.count).littleEndian) { for byte in $0 { end.append(byte) } }
            others.withUnsafeBufferPointer { others in
                var next: UInt32 = 0
                for other in others {
                    var distance = other &- next
                    while distance >= 0x80 {
                        end.append(UInt8(truncatingIfNeeded: distance) | 0x80)
                        distance >>= 7
                    }
                    end.append(UInt8(truncatingIfNeeded: distance))
                    next = other &+ 1
                }
            }
            count = end - start
        }
        return AudienceChanges(whole: whole, universe: universe, bytes: changed)
    }

    /// The audience, made of the whole one.
    ///
    /// - Throws: `MalformedBytes` when the changes cannot be read.
    public func members(of whole: Bitset) throws(MalformedBytes) -> Bitset {
        var members = whole
        members.grow(universe: max(universe, whole.universe))
        let end = members.withMutableWords { words in
            bytes.withUnsafeBufferPointer { Self.apply($0, below: UInt64(universe), to: words) }
        }
        switch end {
        case .success: return members
        case .failure(let malformed): throw malformed
        }
    }

    private static func apply(
        _ bytes: UnsafeBufferPointer<UInt8>,
        below universe: UInt64,
        to words: UnsafeMutableBufferPointer<UInt64>
    ) -> Result<Void, MalformedBytes> {
        func malformed(_ offset: Int, _ expected: String) -> Result<Void, MalformedBytes> {
            .failure(MalformedBytes(offset: offset, expected: expected))
        }
        var offset = headBytes
        while offset < bytes.count {
            guard bytes.count - offset >= 4 else { return malformed(offset, "how many changed") }
            let count = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: offset, as: UInt32.self)
            offset += 4
            var next: UInt64 = 0
            for _ in 0..<UInt32(littleEndian: count) {
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
                words[Int(next >> 6)] ^= 1 << (next & 63)
                next += 1
            }
        }
        return .success(())
    }
}

extension UnsafeMutablePointer<UInt8> {
    /// Writes a byte and moves on.
    fileprivate mutating func append(_ byte: UInt8) {
        pointee = byte
        self += 1
    }
}
