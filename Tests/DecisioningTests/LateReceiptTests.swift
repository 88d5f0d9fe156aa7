// Receipts that come late, twice or in any order: what they say is a fact, and the counters follow it.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct LateReceiptTests {
    private static let wave = WaveID(campaign: CampaignID(1), occurrence: 1)

    /// A wave of which a third left in its month, a third in the next one, and a third never.
    private struct Run {
        let world: DecisionWorld
        let log = InMemoryDecisionLog()
        let objects = InMemoryObjects()
        let host: DecisionHost
        let contacts: [SubscriberIndex]
        let before: [SubscriberIndex: [Int]]

        init(seed: UInt64) async throws {
            world = DecisionWorld(seed: seed, subscribers: 3_000)
            host = try await world.host(log: log, objects: objects, campaigns: [world.campaign(1)])
            before = try await Self.counts(host, world, (0..<3_000).map { SubscriberIndex($0) })
            _ = try await host.run(wave: wave, planned: world.start, audience: world.audience(percent: 100))
            contacts = try await host.read { $0.waves[wave]?.members(\.contact) ?? [] }
            for (range, time) in [(0..<1_000, world.start), (1_000..<2_000, Self.later(30, than: world.start))] {
                _ = try await host.handOff(wave, block: 0, range: range, at: time) { $0.number % 7 != 0 }
            }
            try await host.releaseUnsent(wave)
        }

        func later(_ days: Int64) -> LocalTime { Self.later(days, than: world.start) }

        private static func later(_ days: Int64, than start: LocalTime) -> LocalTime {
            LocalTime(instant: start.instant.adding(ms: days * 86_400_000), offsetSeconds: start.offsetSeconds)
        }

        /// SMS of the planned month and of the next, by subscriber.
        static func counts(
            _ host: DecisionHost,
            _ world: DecisionWorld,
            _ members: [SubscriberIndex]
        ) async throws -> [SubscriberIndex: [Int]] {
            let next = LocalMonth(number: world.month.number + 1)
            return try await host.read { state in
                Dictionary(
                    uniqueKeysWithValues: members.map { index in
                        (index, [world.month, next].map { state.ledger.count(index, channel: .sms, month: $0) })
                    }
                )
            }
        }

        /// How many contacts the wave counts for each member in both months.
        func counted() async throws -> [SubscriberIndex: [Int]] {
            try await Self.counts(host, world, contacts).reduce(into: [:]) { counted, entry in
                let (index, now) = entry
                counted[index] = zip(now, before[index] ?? []).map { $0 - $1 }
            }
        }

        /// The log keeps all promises, folds to the live state, and so does a naive fold of some members.
        func audit() async throws {
            let audit = try LogAudit(log, world: world, objects: objects)
            let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: true)
            try replay.fold()
            audit.compare(with: replay.state)
            #expect(audit.problems == [])
            #expect(try await host.read { $0.stateSHA256() } == replay.state.stateSHA256())
            for index in contacts where index.number % 97 == 0 {
                let fold = try SubscriberFold(
                    index: index,
                    log: log,
                    inputs: world.inputs(objects),
                    upTo: log.position().sequence
                )
                for month in fold.counts.keys where replay.state.ledger.monthsHeld.contains(month) {
                    let count = replay.state.ledger.count(index, channel: .sms, month: month)
                    #expect(fold.counts[month]?[.sms] ?? 0 == count)
                }
            }
        }
    }

    /// What is true of a contact when these receipts came, whatever came first.
    private static func isCounted(_ receipts: Set<FeedbackKind>, hasLeft: Bool) -> Bool {
        if receipts.contains(.delivered) { return true }
        return hasLeft && receipts.isDisjoint(with: [.failed, .refused])
    }

    @Test(arguments: [3, 4, 5] as [UInt64]) func `repeats and any order of receipts end in the same counters`(
        seed: UInt64
    ) async throws {
        var random = SeededRandom(seed: seed)
        var receipts: [(index: SubscriberIndex, kind: FeedbackKind)] = []
        let first = try await Run(seed: seed)
        for index in first.contacts {
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let kinds: [FeedbackKind] = [.accepted, .refused, .unknown, .delivered, .failed, .replied]
                receipts.append((index, kinds[Int.random(in: 0..<kinds.count, using: &random)]))
            }
        }
        var ends: [[SubscriberIndex: [Int]]] = []
        for order in 0..<3 {
            let run = order == 0 ? first : try await Run(seed: seed)
            let left = try await run.host.read { Set($0.waves[Self.wave]?.members(\.handedOff) ?? []) }
            let shuffled = receipts.shuffled(using: &random)
            for start in stride(from: 0, to: shuffled.count, by: 40) {
                let portion = shuffled[start..<min(start + 40, shuffled.count)]
                for (kind, members) in Dictionary(grouping: portion, by: \.kind).sorted(by: {
                    $0.key.rawValue < $1.key.rawValue
                }) {
                    try await run.host.feedback(Self.wave, kind, members.map(\.index), at: run.later(31))
                }
                // In the middle of it the rest expires.
                if start / 40 == order * 3 { try await run.host.tick(run.later(40)) }
            }
            try await run.host.tick(run.later(41))
            let counted = try await run.counted()
            for index in run.contacts {
                let kinds = Set(receipts.filter { $0.index == index }.map(\.kind))
                let counts = Self.isCounted(kinds, hasLeft: left.contains(index)) ? 1 : 0
                let isOfNextMonth = left.contains(index) && index.number >= 1_000
                let expected = isOfNextMonth ? [0, counts] : [counts, 0]
                #expect(counted[index] == expected, "\(index) \(kinds), order \(order)")
            }
            try await run.audit()
            ends.append(counted)
        }
        #expect(ends[0] == ends[1] && ends[1] == ends[2])
    }

    @Test func `a contact that was given back and arrived after all counts in the month it left in`() async throws {
        let run = try await Run(seed: 9)
        let member = try #require(run.contacts.first { (1_000..<2_000).contains($0.number) && $0.number % 7 != 0 })
        #expect(try await run.counted()[member] == [0, 1])
        try await run.host.feedback(Self.wave, .failed, [member], at: run.later(31))
        #expect(try await run.counted()[member] == [0, 0])
        try await run.host.feedback(Self.wave, .delivered, [member], at: run.later(62))
        #expect(try await run.counted()[member] == [0, 1], "not the month of the receipt")
        try await run.host.feedback(Self.wave, .failed, [member], at: run.later(63))
        #expect(try await run.counted()[member] == [0, 1], "what arrived has arrived")
        try await run.audit()
    }

    @Test func `what never left and arrived on another path counts, and does not leave any more`() async throws {
        let run = try await Run(seed: 10)
        let unsent = run.contacts.filter { $0.number >= 2_000 }
        let member = try #require(unsent.first)
        #expect(try await run.counted()[member] == [0, 0])
        try await run.host.feedback(Self.wave, .failed, unsent, at: run.later(2))
        try await run.host.feedback(Self.wave, .delivered, [member], at: run.later(2))
        #expect(try await run.counted()[member] == [1, 0])
        let after = try await run.host.handOff(Self.wave, block: 0, range: 0..<Block.size, at: run.later(2)) { _ in
            true
        }
        #expect(after.leaving == [])
        try await run.audit()
    }

    @Test func `what was settled as unknown and did not arrive is given back`() async throws {
        let run = try await Run(seed: 11)
        let member = try #require(run.contacts.first { $0.number < 1_000 && $0.number % 7 != 0 })
        try await run.host.tick(run.later(40))
        #expect(try await run.host.read { $0.waves[Self.wave]?.members(\.settled).contains(member) } == true)
        try await run.host.feedback(Self.wave, .refused, [member], at: run.later(41))
        #expect(try await run.counted()[member] == [0, 0])
        #expect(try await run.host.read { $0.waves[Self.wave]?.members(\.released).contains(member) } == true)
        try await run.audit()
    }

    @Test func `a contact that counts again keeps the next campaign away, in waves and requests, also after a restart`()
        async throws
    {
        let run = try await Run(seed: 12)
        let member = try #require(run.contacts.first { $0.number < 1_000 && $0.number % 7 != 0 })
        var spec = run.world.campaign(2, category: "retention")
        spec.touchpoints = [.sms]
        spec.controlPPM = 0
        let everybody = run.objects.put(Bitset(full: run.world.subscribers).listFile)
        try await run.host.record([
            .campaignSet(spec.id, revision: 1, file: run.objects.put(spec.canonicalJSON())),
            .campaignStatus(spec.id, .live), .poolSet(spec.id, file: everybody),
        ])
        func offered(_ request: UInt64, on host: DecisionHost) async throws -> Bool {
            let request = OfferRequest(
                request: request,
                index: member.number,
                touchpoint: .sms,
                entrance: .event,
                at: run.world.start,
                limit: 1
            )
            return try await host.answer(request).offers == [spec.id]
        }
        var audience = Bitset(universe: run.world.subscribers)
        audience.insert(member.number)
        func selected(on host: DecisionHost) async throws -> Int64 {
            try await host.dryRun(
                wave: WaveID(campaign: spec.id, occurrence: 1),
                planned: run.world.start,
                audience: audience
            ).count(.contact)
        }
        try await run.host.feedback(Self.wave, .failed, [member], at: run.world.start)
        #expect(try await selected(on: run.host) == 1)
        try await run.host.feedback(Self.wave, .delivered, [member], at: run.world.start)
        #expect(try await selected(on: run.host) == 0)
        #expect(try await !offered(1, on: run.host))
        try await run.host.keepCheckpoint(after: 1)
        let again = try DecisionHost(
            log: run.log,
            objects: run.objects,
            inputs: run.world.inputs(run.objects),
            threads: 2
        )
        let states = (try await run.host.read { $0.stateSHA256() }, try await again.read { $0.stateSHA256() })
        #expect(states.0 == states.1)
        #expect(try await selected(on: again) == 0)
        #expect(try await !offered(2, on: again))
    }

    @Test func `the history says what a late receipt did`() async throws {
        let run = try await Run(seed: 13)
        let member = try #require(run.contacts.first { $0.number < 1_000 && $0.number % 7 != 0 })
        for kind in [FeedbackKind.unknown, .failed, .delivered, .delivered] {
            try await run.host.feedback(Self.wave, kind, [member], at: run.later(1))
        }
        let explainer = Explainer(
            log: run.log,
            inputs: run.world.inputs(run.objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        )
        let kinds = try explainer.history(of: member).reversed().map(\.kind)
        #expect(
            kinds.suffix(4) == [
                .feedback(Self.wave, .unknown), .corrected(Self.wave, .failed), .corrected(Self.wave, .delivered),
                .feedback(Self.wave, .delivered),
            ]
        )
    }
}
