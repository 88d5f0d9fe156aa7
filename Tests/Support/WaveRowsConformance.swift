// What every store of rows of waves must keep, as checks that run on each adapter.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
public import Ports
import Testing

/// The conformance kit of the ``WaveRows`` port; `open` opens the same rows each time it is called.
public struct WaveRowsConformance: Sendable {
    private struct Stop: Error {}

    private let open: @Sendable () throws -> any WaveRows

    /// Checks an adapter that begins empty.
    public init(open: @escaping @Sendable () throws -> any WaveRows) {
        self.open = open
    }

    private static func rows(_ count: Int, seed: UInt64) -> [UInt64] {
        (0..<count).map { SeededRandom.mix(seed &+ UInt64($0)) }
    }

    private static func write(_ rows: [UInt64], group: Int, key: ContentHash, to store: any WaveRows) throws {
        var parts = stride(from: 0, to: rows.count, by: 100).map { Array(rows[$0..<min($0 + 100, rows.count)]) }
        try store.write(group: group, key: key) {
            guard !parts.isEmpty else { return nil }
            return parts.removeFirst().flatMap { row in (0..<8).map { UInt8(truncatingIfNeeded: row >> UInt64(8 * $0)) }
            }
        }
    }

    /// A group is there with its key once it is written to its end, also for who opens later; and can be written anew.
    public func groupsAreThereWhole() throws {
        let store = try open()
        #expect(try store.group(0) == nil)
        for (number, count) in [(0, 1_000), (1, 1), (5, 640)] {
            let (rows, key) = (Self.rows(count, seed: UInt64(number)), ContentHash.sha256([UInt8(number)]))
            try Self.write(rows, group: number, key: key, to: store)
            for reader in [store, try open()] {
                let group = try #require(try reader.group(number))
                #expect(group.key == key && group.rows == count)
                for index in stride(from: 0, to: count, by: 7) {
                    #expect(try reader.row(index, ofGroup: number) == rows[index])
                }
            }
        }
        let anew = Self.rows(300, seed: 99)
        try Self.write(anew, group: 0, key: .sha256([77]), to: store)
        #expect(try store.group(0)?.rows == 300 && store.row(299, ofGroup: 0) == anew[299])
        #expect(throws: Stop.self) { try store.write(group: 0, key: .sha256([78])) { throw Stop() } }
        #expect(try store.group(0)?.key == .sha256([77]) && store.row(0, ofGroup: 0) == anew[0])
    }
}
