// A small seeded operator for tests of the decision core: lines, lists, policy, history and campaigns as log records.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
public import DecisionHost
import Foundation
public import InMemory
public import Kernel
public import Model
public import Ports

/// A profile whose rules and scores are Swift closures over the index.
public struct FakeProfile: ProfileReader {
    public let subscribers: Int
    public let rules: [String: @Sendable (UInt32) -> Bool]
    public let scores: [String: @Sendable (UInt32) -> Int32?]

    public struct Unknown: Error { let name: String }

    /// Joins rules and scores by their text.
    public init(
        subscribers: Int,
        rules: [String: @Sendable (UInt32) -> Bool],
        scores: [String: @Sendable (UInt32) -> Int32?]
    ) {
        self.subscribers = subscribers
        self.rules = rules
        self.scores = scores
    }

    public func members(where rule: String, today: LocalDay, lists: any MembershipReader) throws -> Bitset {
        guard let test = rules[rule] else { throw Unknown(name: rule) }
        var members = Bitset(universe: subscribers)
        for index in 0..<UInt32(subscribers) where test(index) { members.insert(index) }
        return members
    }

    public func holds(
        _ rule: String,
        at index: SubscriberIndex,
        today: LocalDay,
        lists: any MembershipReader
    ) throws
        -> Bool
    {
        guard let test = rules[rule] else { throw Unknown(name: rule) }
        return test(index.number)
    }

    public func scorer(_ expression: String, today: LocalDay, lists: any MembershipReader) throws -> any BlockScorer {
        guard let score = scores[expression] else { throw Unknown(name: expression) }
        return FakeScorer(score: score)
    }

    public func score(
        _ expression: String,
        at index: SubscriberIndex,
        today: LocalDay,
        lists: any MembershipReader
    ) throws -> Int32? {
        guard let score = scores[expression] else { throw Unknown(name: expression) }
        return score(index.number)
    }

    public func test(_ rule: String, today: LocalDay, lists: any MembershipReader) throws -> SubscriberTest {
        guard let test = rules[rule] else { throw Unknown(name: rule) }
        return SubscriberTest(usesLists: false) { test($0.number) }
    }

    public func subscriberScore(
        _ expression: String,
        today: LocalDay
    ) throws -> @Sendable (SubscriberIndex) -> Int32? {
        guard let score = scores[expression] else { throw Unknown(name: expression) }
        return { score($0.number) }
    }

    public func text(of attribute: String, at index: SubscriberIndex) -> String? { nil }
}

private struct FakeScorer: BlockScorer {
    let score: @Sendable (UInt32) -> Int32?

    func fill(
        block: Int,
        members: UnsafePointer<UInt64>,
        scores: UnsafeMutablePointer<Int32>,
        present: UnsafeMutablePointer<UInt64>
    ) {
        for offset in 0..<Block.size where members[offset >> 6] >> UInt64(offset & 63) & 1 == 1 {
            guard let value = score(UInt32(block * Block.size + offset)) else { continue }
            scores[offset] = value
            present[offset >> 6] |= 1 << UInt64(offset & 63)
        }
    }
}

/// Inputs from an object store, with the fake profile.
public struct FakeInputs: DecisionInputs {
    public let objects: any ObjectStore
    public let make: @Sendable (Int) -> FakeProfile

    public init(objects: any ObjectStore, make: @escaping @Sendable (Int) -> FakeProfile) {
        self.objects = objects
        self.make = make
    }

    public func bytes(_ file: ContentHash) throws -> [UInt8] { try objects.bytes(file) }

    public func bytes(_ file: ContentHash, offset: Int, count: Int) throws -> [UInt8] {
        try objects.bytes(file, offset: offset, count: count)
    }

    public func profile(catalogue: ContentHash, columns: [AttributeColumn], subscribers: Int) -> any ProfileReader {
        make(subscribers)
    }
}

/// A seeded operator: everything a wave needs, as records.
public struct DecisionWorld: Sendable {
    public let seed: UInt64
    public let subscribers: Int
    public let start = LocalTime(instant: Instant(epochMs: 1_793_700_000_000), offsetSeconds: 28_800)
    /// Distinct scores; 1 makes everyone tie.
    public var scoreLevels: UInt64 = 5_000
    /// Share of all others that tie at one score, in percent.
    public var tiedPercent: UInt64 = 0
    /// Areas of the policy with quiet hours of their own; their rules may be `east` and `west`, which overlap.
    public var quietAreas: [QuietArea] = []

    public init(seed: UInt64, subscribers: Int) {
        self.seed = seed
        self.subscribers = subscribers
    }

    public var month: LocalMonth { start.month }

    /// A value that depends only on seed, name and index.
    public func draw(_ name: UInt64, _ index: UInt32) -> UInt64 {
        SeededRandom.mix(seed &* 0x9E37 &+ SeededRandom.mix(name << 32 | UInt64(index)))
    }

    public func isDrawn(_ name: UInt64, _ index: UInt32, perMille: UInt64) -> Bool {
        draw(name, index) % 1000 < perMille
    }

    public func score(_ index: UInt32) -> Int32? {
        if isDrawn(90, index, perMille: 10) { return nil }
        if isDrawn(91, index, perMille: tiedPercent * 10) { return 250_000 }
        return Int32(truncatingIfNeeded: draw(92, index) % scoreLevels) * 1000 - 100_000
    }

    public func members(_ name: UInt64, perMille: UInt64) -> Bitset {
        var set = Bitset(universe: subscribers)
        for index in 0..<UInt32(subscribers) where isDrawn(name, index, perMille: perMille) { set.insert(index) }
        return set
    }

    public var policy: ContactPolicy {
        func caps(_ sms: Int) -> [ChannelClass: Cap] {
            [
                .sms: Cap(count: sms, months: 1), .outbound: Cap(count: 1, months: 3),
                .inbound: Cap(count: 1, months: 1), .website: Cap(count: 3, months: 1),
            ]
        }
        func tier(_ code: String, _ sms: Int, _ overall: Int) -> PolicyTier {
            PolicyTier(
                code: code,
                name: BilingualText(zh: code, en: code),
                rule: code,
                caps: caps(sms),
                overall: Cap(count: overall, months: 1)
            )
        }
        var policy = ContactPolicy(
            revision: 1,
            tiers: [tier("vip", 2, 3), tier("gold", 3, 4), tier("young", 4, 5)],
            dnd: (1...15).map {
                DNDClass(
                    number: $0,
                    name: BilingualText(zh: "\($0)", en: "\($0)"),
                    isByChannel: $0 == 1,
                    mayBeUnticked: ![1, 2, 14, 15].contains($0)
                )
            },
            intervalDays: [.sms: 3],
            similarDays: ["retention": 30],
            quietHours: [.sms: QuietHours(from: 21 * 60, to: 9 * 60)],
            holdout: Holdout(ppm: 20_000, epoch: "2026"),
            reservationHours: 72
        )
        policy.quietAreas = quietAreas
        return policy
    }

    public func inputs(_ objects: any ObjectStore) -> FakeInputs {
        let world = self
        return FakeInputs(objects: objects) { subscribers in
            FakeProfile(
                subscribers: subscribers,
                rules: [
                    "vip": { world.isDrawn(80, $0, perMille: 80) },
                    "gold": { world.isDrawn(81, $0, perMille: 300) },
                    "young": { world.isDrawn(82, $0, perMille: 500) },
                    "east": { world.isDrawn(83, $0, perMille: 300) },
                    "west": { world.isDrawn(84, $0, perMille: 300) },
                ],
                scores: ["score": { world.score($0) }]
            )
        }
    }

    public func campaign(_ number: Int64, category: String = "retention", limit: Int? = nil) -> CampaignSpec {
        CampaignSpec(
            id: CampaignID(number),
            name: "campaign \(number)",
            category: category,
            product: "P1",
            conflictingProducts: ["P2"],
            validFrom: start.day,
            validTo: start.day.adding(days: 60),
            unticked: [.init(dndClass: 4, by: "planner")],
            score: "score",
            limit: limit,
            costPerContactMinor: 5,
            controlPPM: 100_000
        )
    }

    /// Records that set the operator up; `reversed` gives the lists and campaigns in the opposite order.
    public func setUp(
        _ objects: any ObjectStore,
        campaigns: [CampaignSpec],
        reversed: Bool = false
    ) throws
        -> [LogRecord]
    {
        var lines = ByteWriter()
        for index in 0..<UInt64(subscribers) {
            lines.write(Int64(1_000_000 + index * 17 + draw(1, UInt32(index)) % 17))
        }
        var records: [LogRecord] = [
            .genesis(salt: Array(repeating: UInt8(seed & 255), count: 16), now: start),
            .linesAssigned(base: 0, count: UInt32(subscribers), file: try objects.put(lines.bytes)),
            .attributesLoaded(load: "1", catalogue: .zero, columns: []),
        ]
        var lists: [(ListID, Bitset)] = [
            (.product("P1"), members(10, perMille: 40)), (.product("P2"), members(11, perMille: 20)),
            (.dnd(1, channel: .sms), members(12, perMille: 30)),
            (.dnd(1, channel: .outbound), members(13, perMille: 500)),
            (ListID("black"), members(40, perMille: 20)), (ListID("grey"), members(41, perMille: 25)),
        ]
        for number in 2...15 { lists.append((.dnd(number), members(UInt64(14 + number), perMille: 12))) }
        for (list, set) in reversed ? lists.reversed() : lists {
            records.append(.listReplaced(list, file: try objects.put(set.listFile)))
        }
        records.append(.policySet(revision: 1, file: try objects.put(Array(JSONEncoder().encode(policy)))))
        var history = ContactHistory()
        for (channel, name) in [(ChannelClass.sms, UInt64(60)), (.outbound, 61), (.inbound, 62), (.website, 63)] {
            for back in 0..<3 {
                let month = LocalMonth(number: month.number - Int32(back))
                let counts = (0..<UInt32(subscribers)).map { index in
                    let roll = draw(name + UInt64(back) * 8, index) % 100
                    return UInt8(roll < 70 ? 0 : roll < 88 ? 1 : roll < 96 ? 2 : 4)
                }
                history.counters.append(.init(channel: channel, month: month, counts: counts))
            }
        }
        for back in 1...5 {
            let day = start.day.adding(days: -back)
            let indices = (0..<UInt32(subscribers)).filter { isDrawn(70 + UInt64(back), $0, perMille: 15) }
            history.add(channel: .sms, category: back % 2 == 0 ? "retention" : "upsell", day: day, indices: indices)
        }
        records.append(.historyLoaded(file: try objects.put(history.encoded())))
        for spec in reversed ? campaigns.reversed() : campaigns {
            records.append(
                .campaignSet(spec.id, revision: 1, file: try objects.put(Array(JSONEncoder().encode(spec))))
            )
        }
        return records
    }

    /// A host over the given log with this operator set up.
    public func host(
        log: any DecisionLog = InMemoryDecisionLog(),
        objects: any ObjectStore = InMemoryObjects(),
        campaigns: [CampaignSpec],
        threads: Int = 2,
        reversed: Bool = false,
        observe: @escaping @Sendable (ProtocolStep) -> Void = { _ in }
    ) async throws -> DecisionHost {
        let host = try DecisionHost(
            log: log,
            objects: objects,
            inputs: inputs(objects),
            threads: threads,
            observe: observe
        )
        try await host.record(setUp(objects, campaigns: campaigns, reversed: reversed))
        return host
    }

    /// An audience of about `percent` per cent.
    public func audience(percent: UInt64) -> Bitset {
        members(95, perMille: percent * 10)
    }
}
