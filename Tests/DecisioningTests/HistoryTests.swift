// Loaded contacts that are taken out again: nothing of them is left, in the state and in what is told of one subscriber.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import InMemory
import Kernel
import Model
import Ports
import Testing
import TestSupport

@testable import Decisioning

struct HistoryTests {
    @Test func `what is loaded and taken out again leaves the state and every subscriber as they were`() async throws {
        let world = DecisionWorld(seed: 21, subscribers: 700)
        let (log, objects) = (InMemoryDecisionLog(), InMemoryObjects())
        let host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1)])
        func facts() async throws -> ([RecentContacts], [Int]) {
            try await host.read { state in
                let counts = ChannelClass.allCases.flatMap { channel in
                    (0..<UInt32(world.subscribers)).map {
                        state.ledger.count(SubscriberIndex($0), channel: channel, month: world.month)
                    }
                }
                return (state.history, counts)
            }
        }
        let before = try await facts()
        var random = SeededRandom(seed: 9)
        let files = (0..<4).map { number in
            var history = ContactHistory()
            for channel in ChannelClass.allCases {
                let counts = (0..<world.subscribers).map { _ in UInt8.random(in: 0..<3, using: &random) }
                history.counters.append(.init(channel: channel, month: world.month, counts: counts))
            }
            let indices = (0..<UInt32(world.subscribers)).filter { $0 % UInt32(number + 2) == 0 }
            history.add(channel: .sms, category: "upsell", day: world.start.day.adding(days: -number), indices: indices)
            return objects.put(history.encoded())
        }
        try await host.record(files.map { .historyLoaded(file: $0) })
        #expect(try await facts().1 != before.1)
        // In another order than they came.
        try await host.record([2, 0, 3, 1].map { .historyRemoved(file: files[$0]) })
        #expect(try await facts() == before)
        for number in stride(from: UInt32(0), to: 700, by: 53) {
            let index = SubscriberIndex(number)
            let end = log.position().sequence
            let now = try SubscriberFold(index: index, log: log, inputs: world.inputs(objects), upTo: end)
            let then = try SubscriberFold(index: index, log: log, inputs: world.inputs(objects), upTo: end - 8)
            #expect(now.history.count == then.history.count)
            for channel in ChannelClass.allCases {
                #expect(now.counts[world.month]?[channel] ?? 0 == then.counts[world.month]?[channel] ?? 0)
            }
        }
    }
}
