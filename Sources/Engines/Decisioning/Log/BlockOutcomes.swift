// The outcomes of one block in one wave, as they are stored: per outcome a set of offsets.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Outcomes of the audience members of one block.
///
/// Bytes: number of outcomes (1 byte); per outcome its raw value (1 byte), the length of its set in bytes (4 bytes);
/// then the sets in the same order. Nothing is stored for subscribers outside the audience.
public struct BlockOutcomes: Hashable, Sendable {
    /// The stored form.
    public let bytes: [UInt8]
    private let directory: [(outcome: Outcome, start: Int, length: Int)]

    /// Reads the directory of the stored form; the sets are read when asked for.
    public init(bytes: [UInt8]) throws(MalformedBytes) {
        var reader = ByteReader(bytes)
        let count: UInt8 = try reader.read()
        var entries: [(Outcome, Int)] = []
        for _ in 0..<count {
            entries.append((try reader.readRaw(Outcome.self, "an outcome"), Int(try reader.read(UInt32.self))))
        }
        var start = reader.offset
        var directory: [(Outcome, Int, Int)] = []
        for (outcome, length) in entries {
            directory.append((outcome, start, length))
            start += length
        }
        guard start == bytes.count else { throw MalformedBytes(offset: bytes.count, expected: "\(start) bytes") }
        self.bytes = bytes
        self.directory = directory
    }

    /// Sorts the members of a block by outcome.
    ///
    /// - Parameters:
    ///   - members: The audience's bitmap of the block, 1 024 words.
    ///   - codes: Raw outcome of each offset; only those of members are read.
    init(members: UnsafePointer<UInt64>, codes: UnsafePointer<UInt8>) {
        var counts = [Int](repeating: 0, count: 64)
        counts.withUnsafeMutableBufferPointer { counts in
            forEachBit(members) { counts[Int(codes[$0] & 63)] &+= 1 }
        }
        var starts = [Int](repeating: 0, count: 64)
        var sum = 0
        for code in 0..<64 {
            starts[code] = sum
            sum += counts[code]
        }
        let sorted = [UInt16](unsafeUninitializedCapacity: sum) { buffer, initialised in
            starts.withUnsafeMutableBufferPointer { cursor in
                forEachBit(members) {
                    let code = Int(codes[$0] & 63)
                    buffer[cursor[code]] = UInt16(truncatingIfNeeded: $0)
                    cursor[code] &+= 1
                }
            }
            initialised = sum
        }
        let present = Outcome.allCases.filter { counts[Int($0.rawValue)] > 0 }
        var writer = ByteWriter(capacity: sum * 2 + 256)
        writer.write(UInt8(present.count))
        for outcome in present {
            let count = counts[Int(outcome.rawValue)]
            writer.write(outcome.rawValue)
            writer.write(UInt32(4 + (count <= BlockSet.sparseLimit ? count * 2 : Block.words * 8)))
        }
        var directory: [(Outcome, Int, Int)] = []
        for outcome in present {
            let count = counts[Int(outcome.rawValue)]
            let end = starts[Int(outcome.rawValue)]
            let start = writer.bytes.count
            BlockSet(ascending: sorted[end - count..<end]).encode(to: &writer)
            directory.append((outcome, start, writer.bytes.count - start))
        }
        bytes = writer.bytes
        self.directory = directory
    }

    /// The outcomes that occur, ascending.
    public var present: [Outcome] { directory.map(\.outcome) }

    /// The members with an outcome; empty when it does not occur.
    public func members(_ outcome: Outcome) throws(MalformedBytes) -> BlockSet {
        guard let entry = directory.first(where: { $0.outcome == outcome }) else { return BlockSet() }
        var reader = ByteReader(Array(bytes[entry.start..<entry.start + entry.length]))
        return try BlockSet(from: &reader)
    }

    /// How many members have an outcome; reads 4 bytes.
    public func count(_ outcome: Outcome) -> Int {
        guard let entry = directory.first(where: { $0.outcome == outcome }), entry.length >= 4 else { return 0 }
        return (0..<4).reduce(0) { $0 | Int(bytes[entry.start + $1]) << (8 * $1) }
    }

    /// The outcome of one offset; nil when it is not an audience member.
    public func outcome(at offset: Int) throws(MalformedBytes) -> Outcome? {
        for entry in directory where try members(entry.outcome).contains(offset) { return entry.outcome }
        return nil
    }

    public static func == (a: BlockOutcomes, b: BlockOutcomes) -> Bool { a.bytes == b.bytes }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(bytes)
    }
}
