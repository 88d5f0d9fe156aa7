// The decision log and object store in memory, with failures on demand; for tests.
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Kernel
public import Ports
import Synchronization

/// A failure that a test asked for.
public struct RequestedFailure: Error, Equatable {
    /// Makes the failure.
    public init() {}
}

/// A ``DecisionLog`` in memory; ``failNextAppend()`` makes one append fail as a full disk would.
public final class InMemoryDecisionLog: DecisionLog {
    /// A batch that does not follow the last one.
    public struct NotConsecutive: Error, Equatable {
        let expected: Int64
        let got: Int64
    }

    private struct Content {
        var batches: [LogBatch] = []
        /// Places of the batches that have a key.
        var places: [LogKey: [Int]] = [:]
        var position: LogPosition = .start
        var failures = 0
        var passing = 0

        mutating func add(_ batch: LogBatch) {
            if let key = batch.key { places[key, default: []].append(batches.count) }
            batches.append(batch)
            position.sequence = batch.sequence
            position.heads[Int(batch.chain.number)] = batch.digest
        }
    }

    private let content = Mutex(Content())

    /// An empty log.
    public init() {}

    /// A log that already holds these batches.
    public init(batches: [LogBatch]) {
        content.withLock { content in
            for batch in batches { content.add(batch) }
        }
    }

    /// All batches in order.
    public var batches: [LogBatch] { content.withLock { $0.batches } }

    /// Makes the next append, or that after `passing` ones, fail and write nothing.
    public func failNextAppend(after passing: Int = 0) {
        content.withLock { content in
            content.failures += 1
            content.passing = passing
        }
    }

    public func position() -> LogPosition { content.withLock { $0.position } }

    public func append(_ batches: [LogBatch]) throws {
        try content.withLock { content in
            if content.failures > 0 {
                guard content.passing > 0 else {
                    content.failures -= 1
                    throw RequestedFailure()
                }
                content.passing -= 1
            }
            var next = content.position.sequence
            for batch in batches {
                next += 1
                guard batch.sequence == next else { throw NotConsecutive(expected: next, got: batch.sequence) }
            }
            for batch in batches { content.add(batch) }
        }
    }

    public func read(from sequence: Int64, _ body: (LogBatch) throws -> Void) throws {
        for batch in batches where batch.sequence >= sequence { try body(batch) }
    }

    public func batches(for key: LogKey) -> [LogBatch] {
        content.withLock { content in content.places[key]?.map { content.batches[$0] } ?? [] }
    }

    public func batches(at sequences: [Int64]) -> [LogBatch] {
        content.withLock { content in
            sequences.compactMap { sequence in
                // Each batch follows the one before it.
                let place = Int(sequence - (content.batches.first?.sequence ?? 0))
                return content.batches.indices.contains(place) ? content.batches[place] : nil
            }
        }
    }

    public func read(chain: LogChain?, from sequence: Int64, withKeys: Bool, _ body: (LogBatch) throws -> Void) throws {
        for batch in batches
        where (chain == nil || batch.chain == chain) && batch.sequence >= sequence && (withKeys || batch.key == nil) {
            try body(batch)
        }
    }
}

/// ``SubscriberPostings`` in memory.
public final class InMemoryPostings: SubscriberPostings {
    private let content = Mutex<(postings: [UInt32: [Int64]], end: Int64)>(([:], 0))

    /// No postings.
    public init() {}

    public func end() -> Int64 { content.withLock { $0.end } }

    public func add(_ postings: [SubscriberPosting], upTo sequence: Int64) {
        content.withLock { content in
            for posting in postings where content.postings[posting.subscriber]?.last != posting.sequence {
                content.postings[posting.subscriber, default: []].append(posting.sequence)
            }
            content.end = sequence
        }
    }

    public func sequences(naming subscriber: SubscriberIndex) -> [Int64] {
        content.withLock { $0.postings[subscriber.number]?.sorted() ?? [] }
    }

    public func removeAll() { content.withLock { $0 = ([:], 0) } }
}

/// ``WaveRows`` in memory.
public final class InMemoryWaveRows: WaveRows {
    private let groups = Mutex<[Int: (key: ContentHash, bytes: [UInt8])]>([:])

    /// No groups.
    public init() {}

    public func group(_ number: Int) -> (key: ContentHash, rows: Int)? {
        groups.withLock { $0[number].map { ($0.key, $0.bytes.count / 8) } }
    }

    public func write(group number: Int, key: ContentHash, next: () throws -> [UInt8]?) throws {
        var bytes: [UInt8] = []
        while let part = try next() { bytes += part }
        groups.withLock { $0[number] = (key, bytes) }
    }

    public func row(_ index: Int, ofGroup number: Int) -> UInt64 {
        groups.withLock { groups in
            (0..<8).reduce(0) { $0 | UInt64(groups[number]?.bytes[index * 8 + $1] ?? 0) << UInt64(8 * $1) }
        }
    }
}

/// An ``ObjectStore`` in memory.
public final class InMemoryObjects: ObjectStore {
    /// A content that is not there.
    public struct Missing: Error {}

    private let contents = Mutex<[ContentHash: [UInt8]]>([:])

    /// An empty store.
    public init() {}

    public func put(_ bytes: [UInt8]) -> ContentHash {
        let name = ContentHash(bytes: Array(SHA256.hash(data: bytes))) ?? .zero
        contents.withLock { $0[name] = bytes }
        return name
    }

    public func put(all contents: [[UInt8]]) -> [ContentHash] { contents.map { put($0) } }

    public func bytes(_ name: ContentHash) throws -> [UInt8] {
        guard let bytes = contents.withLock({ $0[name] }) else { throw Missing() }
        return bytes
    }

    public func bytes(_ name: ContentHash, offset: Int, count: Int) throws -> [UInt8] {
        Array(try bytes(name)[offset..<offset + count])
    }

    public func remove(_ name: ContentHash) {
        contents.withLock { $0[name] = nil }
    }

    public func names() -> [ContentHash] { contents.withLock { Array($0.keys) } }

    public func destroy(_ names: [ContentHash]) {
        for name in names { remove(name) }
    }

    /// Number of contents.
    public var count: Int { contents.withLock { $0.count } }
}
