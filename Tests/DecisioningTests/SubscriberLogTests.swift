// What explaining finds through rows of waves is what a reading of the whole log finds.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Foundation
import InMemory
import Kernel
import Model
import Ports
import Testing
import TestSupport

@testable import Decisioning

struct SubscriberLogTests {
    @Test func `waves are found through their rows, and those without a row yet through their audiences`() async throws
    {
        let world = DecisionWorld(seed: 12, subscribers: 3_000)
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let inputs = world.inputs(objects)
        let host = try DecisionHost(log: log, objects: objects, inputs: inputs, threads: 2)
        try await host.record(world.setUp(objects, campaigns: []))
        let rows = InMemoryWaveRows()
        let decoded = DecodedInputs(inputs)
        let found = SubscriberLog(log: log, inputs: decoded, postings: InMemoryPostings(), rows: rows)
        var random = SeededRandom(seed: 5)
        for number in Int64(1)...140 {
            let spec = world.campaign(number, category: "c\(number % 9)", limit: 400)
            let file = try objects.put(Array(JSONEncoder().encode(spec)))
            try await host.record([
                .campaignSet(spec.id, revision: 1, file: file), .campaignStatus(spec.id, .live),
            ])
            // Some audiences are older than the last subscribers, and shorter.
            var audience = Bitset(universe: number % 3 == 0 ? 2_900 : 3_000)
            for index in 0..<UInt32(audience.universe) where Int.random(in: 0..<4, using: &random) == 0 {
                audience.insert(index)
            }
            let wave = WaveID(campaign: spec.id, occurrence: 1)
            _ = try await host.run(wave: wave, planned: world.start, audience: audience)
            if number == 70 || number == 135 { try found.makeRows(found.current()) }
        }
        #expect(rows.group(0)?.rows == 3_008 && rows.group(1) != nil && rows.group(2) == nil)
        func compare() throws {
            for number in stride(from: UInt32(0), to: 3_000, by: 97) {
                let index = SubscriberIndex(number)
                let indexed = SubscriberFold(index: index, inputs: decoded)
                for entry in try found.records(of: index, in: found.current(), campaign: nil) {
                    try indexed.apply(entry.record, sequence: entry.sequence)
                }
                let naive = try SubscriberFold(index: index, log: log, inputs: inputs, upTo: log.position().sequence)
                #expect(indexed.touches == naive.touches.filter { $0.outcome != nil } && indexed.touches.count > 15)
                #expect(indexed.counts == naive.counts)
            }
        }
        try compare()
        // Rows of another log are not taken for these.
        var parts = [[UInt8](repeating: 255, count: 3_008 * 8)]
        try rows.write(group: 0, key: .sha256([1]), next: { parts.popLast() })
        try compare()
        try found.makeRows(found.current())
        #expect(rows.group(0)?.key != .sha256([1]))
        try compare()
    }
}
