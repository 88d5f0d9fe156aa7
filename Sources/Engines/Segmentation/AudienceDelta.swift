// An audience as what differs from the one before: a refreshed segment differs little from the day before.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Who came to an audience or left it, among some subscribers that all changes of a refresh share.
///
/// Its file: mark and depth (UInt64), names of the file before and of the list file of the shared ones, universe and number
/// of the shared ones (UInt64 each), then a bit for each of them.
public struct AudienceDelta: Hashable, Sendable {
    /// The file before: a list file, or another change.
    public let previous: ContentHash
    /// Changes from the last list file on, this one included.
    public let depth: Int
    /// The list file of the subscribers that ``difference`` stands for.
    public let chosen: ContentHash
    /// Subscribers the audience ranges over, of whom the one before may know fewer.
    public let universe: Int
    /// Who comes or goes: bit i stands for the chosen subscriber at place i, in ascending order.
    public let difference: Bitset

    /// Starts a file of a change, with the depth in its last 16 bits; a list file starts with its universe, below 2^32.
    private static let mark: UInt64 = 0x0447_4843_4552 << 16
    /// Bytes that ``depth(ofMark:)`` needs.
    public static let markBytes = 8

    /// Follows an audience's file.
    ///
    /// - Parameters:
    ///   - previous: The file.
    ///   - depth: Its depth; 0 = it is a list file.
    ///   - chosen: The list file of the subscribers that `difference` stands for.
    ///   - universe: Subscribers the audience ranges over now.
    ///   - difference: Who comes or goes.
    public init(after previous: ContentHash, depth: Int, of chosen: ContentHash, universe: Int, _ difference: Bitset) {
        precondition(0..<Int(UInt16.max) ~= depth, "a chain of \(depth) changes")
        (self.previous, self.depth, self.chosen) = (previous, depth + 1, chosen)
        (self.universe, self.difference) = (universe, difference)
    }

    /// How many changes a file is away from a list file, by its first bytes; 0 = it holds no change.
    public static func depth(ofMark bytes: [UInt8]) -> Int {
        var reader = ByteReader(bytes)
        guard let first = try? reader.read(UInt64.self), first & ~0xFFFF == mark else { return 0 }
        return Int(first & 0xFFFF)
    }

    /// The file.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 88 + difference.words.count * 8)
        writer.write(Self.mark | UInt64(depth))
        writer.write(raw: previous.bytes)
        writer.write(raw: chosen.bytes)
        writer.write(UInt64(universe))
        writer.write(UInt64(difference.universe))
        difference.words.withUnsafeBytes { writer.write(raw: $0) }
        return writer.bytes
    }

    /// Reads a file.
    ///
    /// - Throws: `MalformedBytes` for anything else.
    public init(decoding bytes: [UInt8]) throws(MalformedBytes) {
        let depth = Self.depth(ofMark: bytes)
        var reader = ByteReader(bytes)
        _ = try reader.read(UInt64.self)
        guard depth > 0, let previous = ContentHash(bytes: Array(try reader.read(count: 32))),
            let chosen = ContentHash(bytes: Array(try reader.read(count: 32)))
        else { throw MalformedBytes(offset: 0, expected: "a change of an audience") }
        let (universe, count) = (try reader.read(UInt64.self), try reader.read(UInt64.self))
        guard universe <= UInt64(UInt32.max), count <= universe else {
            throw MalformedBytes(offset: 72, expected: "at most 2^32 - 1 subscribers, and no more who may change")
        }
        var words: [UInt64] = []
        words.reserveCapacity((Int(count) + 63) / 64)
        for _ in 0..<(Int(count) + 63) / 64 { words.append(try reader.read()) }
        guard reader.isAtEnd else { throw MalformedBytes(offset: reader.offset, expected: "the end") }
        let difference = Bitset(universe: Int(count), words: words)
        self.init(after: previous, depth: depth - 1, of: chosen, universe: Int(universe), difference)
    }
}
