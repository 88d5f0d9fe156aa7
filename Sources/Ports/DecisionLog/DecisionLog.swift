// The decision log: what was decided, in order, durable and hash-chained.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A hash chain of the log: one per logical partition, and one for what concerns all of them.
public struct LogChain: Hashable, Comparable, Sendable {
    /// 0...63 for partitions, 64 for the common chain.
    public var number: UInt8

    /// The chain of records that concern all partitions.
    public static let common = LogChain(number: UInt8(Partition.count))
    /// Number of chains.
    public static let count = Partition.count + 1

    /// Makes a chain from its number, 0...64.
    public init(number: UInt8) {
        precondition(number <= UInt8(Partition.count), "chain \(number) is outside 0...\(Partition.count)")
        self.number = number
    }

    /// The chain of the partition that owns a block.
    public init(ofBlock block: Int) {
        number = UInt8(Partition.of(block: block))
    }

    /// Orders by number.
    public static func < (a: LogChain, b: LogChain) -> Bool { a.number < b.number }
}

/// Where a batch can be found again without reading the log: the outcome of one block in one wave.
public struct LogKey: Hashable, Sendable {
    /// Packed wave id.
    public var wave: Int64
    /// Block of 65 536 subscribers.
    public var block: Int32

    /// Joins wave and block.
    public init(wave: Int64, block: Int32) {
        self.wave = wave
        self.block = block
    }
}

/// A batch as it is stored: payload, place in the order of all batches, place in its chain.
public struct LogBatch: Hashable, Sendable {
    /// Position in the order of all batches of the log, from 1 without gaps.
    public var sequence: Int64
    /// The chain it belongs to.
    public var chain: LogChain
    /// Key under which ``DecisionLog/batches(for:)`` finds it; nil for most batches.
    public var key: LogKey?
    /// The record's bytes.
    public var payload: [UInt8]
    /// SHA-256 of the batch before this one in the same chain; zero for the first.
    public var previous: ContentHash
    /// SHA-256 over previous, sequence, chain and payload.
    public var digest: ContentHash

    /// Joins the parts; the caller computed the digest.
    public init(
        sequence: Int64,
        chain: LogChain,
        key: LogKey? = nil,
        payload: [UInt8],
        previous: ContentHash,
        digest: ContentHash
    ) {
        self.sequence = sequence
        self.chain = chain
        self.key = key
        self.payload = payload
        self.previous = previous
        self.digest = digest
    }
}

/// The end of a log: where the next batch goes and what it must refer to.
public struct LogPosition: Hashable, Sendable {
    /// Sequence of the last batch; 0 for an empty log.
    public var sequence: Int64
    /// ContentHash of the last batch of each chain, by chain number; zero for an empty chain.
    public var heads: [ContentHash]

    /// The position of an empty log.
    public static let start = LogPosition(
        sequence: 0,
        heads: [ContentHash](repeating: .zero, count: LogChain.count)
    )

    /// Joins sequence and heads (one per chain).
    public init(sequence: Int64, heads: [ContentHash]) {
        self.sequence = sequence
        self.heads = heads
    }
}

/// An append-only log with one writer.
///
/// Promises of every adapter (checked by `DecisionLogConformance`):
/// - When ``append(_:)`` returns, all its batches and all before them survive a power cut. When it throws, none
///   of its batches is visible, now or after a restart.
/// - Batches are kept in order of `sequence`, without gaps; a batch is never changed or removed on its own.
/// - Reads see exactly what was appended.
public protocol DecisionLog: Sendable {
    /// Where the log ends.
    func position() throws -> LogPosition
    /// Appends batches that continue the log: sequences rise by one from `position().sequence + 1`.
    func append(_ batches: [LogBatch]) throws
    /// Calls `body` with each batch whose sequence is at least `sequence`, in order.
    func read(from sequence: Int64, _ body: (LogBatch) throws -> Void) throws
    /// The batches stored under a key, in order.
    func batches(for key: LogKey) throws -> [LogBatch]
    /// The batches at these sequences that there are, in the order asked for.
    func batches(at sequences: [Int64]) throws -> [LogBatch]
    /// The batches of one chain, or of all (nil), from a sequence on, in order; those with a key are left out when asked.
    func read(chain: LogChain?, from sequence: Int64, withKeys: Bool, _ body: (LogBatch) throws -> Void) throws
}

/// Where in a log each subscriber is named by batches that are not found by a key.
///
/// Derived from the log and never ahead of it: lost ones are made anew by reading the log again. Promises of every
/// adapter (checked by `SubscriberPostingsConformance`): ``add(_:upTo:)`` is all or nothing; what was added is found.
public protocol SubscriberPostings: Sendable {
    /// The sequence up to which the log was read; 0 at the beginning.
    func end() throws -> Int64
    /// Adds what the log holds up to a sequence, beyond ``end()``.
    func add(_ postings: [SubscriberPosting], upTo sequence: Int64) throws
    /// The sequences of the batches that name a subscriber, ascending.
    func sequences(naming subscriber: SubscriberIndex) throws -> [Int64]
    /// Forgets everything.
    func removeAll() throws
}

/// Which waves meant which subscriber, 64 waves in a row of bits: one read in the place of 64.
///
/// Derived from the log and never ahead of it. Promises of every adapter (checked by `WaveRowsConformance`): a group is there
/// with its key when it was written to its end, else not at all.
public protocol WaveRows: Sendable {
    /// What a group was written with; nil when there is none.
    func group(_ number: Int) throws -> (key: ContentHash, rows: Int)?
    /// Writes a group, or writes it anew: `next` gives its rows in parts, 8 bytes each, little-endian; nil = the end.
    func write(group number: Int, key: ContentHash, next: () throws -> [UInt8]?) throws
    /// One row of a group that is there.
    func row(_ index: Int, ofGroup number: Int) throws -> UInt64
}

/// A subscriber that a batch names.
public struct SubscriberPosting: Hashable, Sendable {
    /// The subscriber.
    public var subscriber: UInt32
    /// Sequence of the batch.
    public var sequence: Int64

    /// Joins subscriber and sequence.
    public init(subscriber: UInt32, sequence: Int64) {
        self.subscriber = subscriber
        self.sequence = sequence
    }
}

/// Files named by the SHA-256 of their content; a log record refers to large inputs by that name.
///
/// Promises: ``put(_:)`` returns when the content survives a power cut; the same content is stored once;
/// ``bytes(_:)`` checks the digest and throws when content is missing or changed. Checked by `ObjectStoreConformance`.
public protocol ObjectStore: Sendable {
    /// Stores content and returns its name.
    func put(_ bytes: [UInt8]) throws -> ContentHash
    /// Stores many contents with little more waiting than one takes, and returns their names.
    func put(all contents: [[UInt8]]) throws -> [ContentHash]
    /// The whole content, its digest checked.
    func bytes(_ digest: ContentHash) throws -> [UInt8]
    /// Part of the content; the digest is not checked.
    func bytes(_ digest: ContentHash, offset: Int, count: Int) throws -> [UInt8]
    /// Removes content that nothing names any more; nothing happens when it is not there.
    func remove(_ digest: ContentHash) throws
    /// The names of everything that is stored, in any order.
    func names() throws -> [ContentHash]
    /// Removes contents for good: when this returns, none of them comes back after a power cut. Those that are not there
    /// are passed over.
    func destroy(_ digests: [ContentHash]) throws
}
