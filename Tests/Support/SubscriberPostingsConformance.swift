// What every index of subscribers in the log must keep, as checks that run on each adapter.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Ports
import Testing

/// The conformance kit of the ``SubscriberPostings`` port; `open` opens the same postings each time it is called.
public struct SubscriberPostingsConformance: Sendable {
    private let open: @Sendable () throws -> any SubscriberPostings

    /// Checks an adapter that begins empty.
    public init(open: @escaping @Sendable () throws -> any SubscriberPostings) {
        self.open = open
    }

    /// What was added is found, each once and in order, also by who opens it later; then all of it can be forgotten.
    public func whatWasAddedIsFound() throws {
        let postings = try open()
        #expect(try postings.end() == 0 && postings.sequences(naming: SubscriberIndex(7)).isEmpty)
        var random = SeededRandom(seed: 3)
        var expected: [UInt32: Set<Int64>] = [:]
        var sequence: Int64 = 0
        for _ in 0..<40 {
            var added: [SubscriberPosting] = []
            for _ in 0..<50 {
                sequence += Int64.random(in: 0...2, using: &random)
                let subscriber = UInt32.random(in: 0..<60, using: &random)
                added.append(SubscriberPosting(subscriber: subscriber, sequence: sequence))
                expected[subscriber, default: []].insert(sequence)
            }
            try postings.add(added, upTo: sequence + 1)
            sequence += 1
            #expect(try postings.end() == sequence)
        }
        for reader in [postings, try open()] {
            #expect(try reader.end() == sequence)
            for subscriber in UInt32(0)..<61 {
                let found = try reader.sequences(naming: SubscriberIndex(subscriber))
                #expect(found == expected[subscriber, default: []].sorted())
            }
        }
        try postings.add([], upTo: sequence + 5)
        #expect(try postings.end() == sequence + 5)
        try postings.removeAll()
        #expect(try postings.end() == 0 && postings.sequences(naming: SubscriberIndex(5)).isEmpty)
    }
}
