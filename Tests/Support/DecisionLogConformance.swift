// What every decision log must keep, as checks that run on each adapter.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
public import Ports
import Testing

/// The conformance kit of the ``DecisionLog`` port.
///
/// Each method is one promise; an adapter's test suite calls all of them, each on an empty log.
public struct DecisionLogConformance: Sendable {
    private let open: @Sendable () throws -> any DecisionLog
    private let whileAppendsFail: @Sendable (() throws -> Void) throws -> Void

    /// Checks an adapter.
    ///
    /// - Parameters:
    ///   - whileAppendsFail: Runs its argument while the log cannot be written, as on a full disk.
    ///   - open: Opens the same log each time it is called, as after a restart or from another process.
    public init(
        whileAppendsFail: @escaping @Sendable (() throws -> Void) throws -> Void,
        open: @escaping @Sendable () throws -> any DecisionLog
    ) {
        self.whileAppendsFail = whileAppendsFail
        self.open = open
    }

    /// Batches that follow each other, `count` of them, spread over chains; every third has a key.
    private struct Source {
        var position = LogPosition.start

        private static func payload(_ sequence: Int64) -> [UInt8] {
            [UInt8](repeating: UInt8(sequence % 251), count: Int(sequence % 900))
        }

        mutating func next(_ count: Int, payload: (Int64) -> [UInt8] = Self.payload) -> [LogBatch] {
            (0..<count).map { _ in
                let sequence = position.sequence + 1
                let chain = LogChain(number: UInt8(sequence * 7 % 5 == 0 ? 64 : sequence * 7 % 5))
                let payload = payload(sequence)
                let previous = position.heads[Int(chain.number)]
                var hashed = ByteWriter(capacity: payload.count + 48)
                hashed.write(raw: previous.bytes)
                hashed.write(sequence)
                hashed.write(raw: payload)
                let digest = ContentHash.sha256(hashed.bytes)
                position.sequence = sequence
                position.heads[Int(chain.number)] = digest
                let key = sequence % 3 == 0 ? LogKey(wave: sequence % 4, block: Int32(sequence % 2) - 1) : nil
                return LogBatch(
                    sequence: sequence,
                    chain: chain,
                    key: key,
                    payload: payload,
                    previous: previous,
                    digest: digest
                )
            }
        }
    }

    private func all(_ log: any DecisionLog, from sequence: Int64 = 1) throws -> [LogBatch] {
        var found: [LogBatch] = []
        try log.read(from: sequence) { found.append($0) }
        return found
    }

    /// An empty log begins at the start and holds nothing.
    public func anEmptyLogHoldsNothing() throws {
        let log = try open()
        #expect(try log.position() == .start)
        try log.append([])
        #expect(try all(log).isEmpty && log.batches(for: LogKey(wave: 1, block: 0)).isEmpty)
        #expect(try open().position() == .start)
    }

    /// What was appended is read in order, from any sequence on, and the position is its end; after a restart too.
    public func whatWasAppendedIsReadInOrder() throws {
        var source = Source()
        var expected: [LogBatch] = []
        var log = try open()
        for count in [1, 2, 64, 65, 1, 130, 7] {
            let batches = source.next(count)
            try log.append(batches)
            expected += batches
            #expect(try log.position() == source.position)
            if count == 65 { log = try open() }
        }
        for reader in [log, try open()] {
            #expect(try reader.position() == source.position)
            #expect(try all(reader) == expected)
            for sequence in [Int64(2), 64, 65, 66, 270, 271] {
                #expect(try all(reader, from: sequence) == expected.filter { $0.sequence >= sequence })
            }
        }
    }

    /// Keys find their batches in order, and each chain is read alone, with and without the batches that have a key.
    public func keysAndChainsAreFound() throws {
        var source = Source()
        let expected = source.next(400)
        let log = try open()
        for start in stride(from: 0, to: 400, by: 40) { try log.append(Array(expected[start..<start + 40])) }
        for wave in Int64(0)..<5 {
            for block in Int32(-1)...1 {
                let key = LogKey(wave: wave, block: block)
                #expect(try log.batches(for: key) == expected.filter { $0.key == key })
            }
        }
        #expect(try log.batches(at: [400, 7, 401, 1, 0, 133]) == [400, 7, 1, 133].map { expected[$0 - 1] })
        for chain in [LogChain(number: 1), LogChain(number: 3), .common, LogChain(number: 40), nil] {
            for (sequence, withKeys) in [(Int64(1), true), (1, false), (133, true), (133, false)] {
                var found: [LogBatch] = []
                try log.read(chain: chain, from: sequence, withKeys: withKeys) { found.append($0) }
                let wanted = expected.filter {
                    (chain == nil || $0.chain == chain) && $0.sequence >= sequence && (withKeys || $0.key == nil)
                }
                #expect(found == wanted, "chain \(chain?.number ?? 99) from \(sequence)")
            }
        }
    }

    /// Payloads of any size come back as they were.
    public func payloadsOfAnySizeSurvive() throws {
        let sizes = [0, 1, 8_191, 8_192, 65_537, 3_000_000]
        var source = Source()
        let batches = source.next(sizes.count) { sequence in
            let size = sizes[Int(sequence) - 1]
            return (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        }
        try open().append(batches)
        #expect(try all(open()) == batches)
    }

    /// What does not follow is refused whole: a gap, a repeat, a wrong batch behind right ones.
    public func whatDoesNotFollowIsRefusedWhole() throws {
        var source = Source()
        let first = source.next(3)
        let log = try open()
        try log.append(first)
        let end = source.position
        let next = source.next(3)
        for wrong in [[next[1]], [first[2]], first, [next[0], next[2]], [next[0], next[0]]] {
            #expect(throws: (any Error).self) { try log.append(wrong) }
            #expect(try log.position() == end && all(log) == first)
        }
        #expect(try open().position() == end)
        try log.append(next)
        #expect(try all(open()) == first + next)
    }

    /// An append that fails leaves nothing, now or after a restart, and the same batches can be appended later.
    public func aFailedAppendLeavesNothing() throws {
        var source = Source()
        let first = source.next(5)
        let log = try open()
        try log.append(first)
        let end = source.position
        let next = source.next(40)
        try whileAppendsFail {
            #expect(throws: (any Error).self) { try log.append(next) }
        }
        #expect(try log.position() == end && all(log) == first)
        try log.append(next)
        #expect(try log.position() == source.position)
        #expect(try all(open()) == first + next)
    }

    /// A second writer that does not know what the first wrote is refused and changes nothing.
    public func aSecondWriterIsRefused() throws {
        var source = Source()
        let (first, second) = (try open(), try open())
        let batches = source.next(4)
        try first.append(batches)
        var other = Source()
        let rival = other.next(4) { _ in [255] }
        #expect(throws: (any Error).self) { try second.append(rival) }
        #expect(throws: (any Error).self) { try second.append(batches) }
        #expect(try all(first) == batches && all(second) == batches)
        let more = source.next(2)
        try first.append(more)
        #expect(try all(open()) == batches + more)
    }

    /// A reader may use the log while it reads, and its error reaches the caller.
    public func aReaderMayUseTheLog() throws {
        struct Stop: Error {}
        var source = Source()
        let log = try open()
        let batches = source.next(150)
        try log.append(batches)
        var found = 0
        try log.read(from: 1) { batch in
            found += 1
            let same = try batch.key.map { try log.batches(for: $0) } ?? [batch]
            #expect(same.contains(batch))
            let (count, end) = try batch.sequence == 70 ? (all(log).count, log.position().sequence) : (150, 150)
            #expect(count == 150 && end == 150)
        }
        #expect(found == 150)
        #expect(throws: Stop.self) { try log.read(from: 1) { if $0.sequence == 100 { throw Stop() } } }
        #expect(throws: Stop.self) { try log.read(chain: .common, from: 1, withKeys: true) { _ in throw Stop() } }
    }

    /// Readers beside the writer see whole appends only, without gaps.
    public func readersSeeWholeAppends() async throws {
        let log = try open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var source = Source()
                for _ in 0..<60 { try log.append(source.next(5)) }
            }
            for _ in 0..<2 {
                group.addTask {
                    var last = 0
                    while last < 300 {
                        let sequences = try all(log).map(\.sequence)
                        #expect(sequences == Array(1..<Int64(sequences.count) + 1))
                        #expect(sequences.count % 5 == 0 && sequences.count >= last)
                        last = sequences.count
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}
