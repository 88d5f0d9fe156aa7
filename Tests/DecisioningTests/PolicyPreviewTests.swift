// The preview of a draft policy agrees with a naive loop over all subscribers.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Kernel
import Model
import TestSupport
import Testing

@testable import Decisioning

@Suite struct PolicyPreviewTests {
    private static let name = BilingualText(zh: "组", en: "group")
    private static let groups = ["vip", "young"].map { PreviewGroup(code: $0, name: name, rule: $0) }
    private let world = DecisionWorld(seed: 11, subscribers: 66_001)

    /// Drafts that change another part of the policy each, and one that changes all.
    private static let edits: [@Sendable (inout ContactPolicy) -> Void] = [
        { _ in },
        { $0.tiers[0].caps[.sms] = Cap(count: 5, months: 1) },
        { $0.tiers[1].caps[.outbound] = Cap(count: 2, months: 2) },
        { $0.tiers[2].overall = Cap(count: 3, months: 3) },
        { $0.tiers.swapAt(0, 2) },
        { $0.tiers.removeFirst() },
        { $0.dnd.removeAll { $0.number > 7 } },
        { $0.intervalDays = [.sms: 5, .website: 9] },
        { $0.intervalDays = [:] },
        { $0.holdout = Holdout(ppm: 50_000, epoch: "2027") },
        { $0.holdout = Holdout(ppm: 0, epoch: "none") },
        { policy in
            policy.tiers[0].code = "renamed"
            policy.tiers[1].caps[.inbound] = Cap(count: 0, months: 1)
            policy.dnd.removeFirst()
            policy.intervalDays = [.sms: 2, .outbound: 30]
            policy.holdout.ppm = 10_000
            policy.categoryRules = [CategoryRule(code: "r", name: name, categories: ["a"], rule: "gold")]
        },
    ]

    private func preview(_ draft: ContactPolicy, threads: Int, by step: Int) async throws -> PolicyPreview {
        let host = try await world.host(campaigns: [])
        let day = world.start.day
        return try await host.read { state in
            let comparison = try state.comparison(with: draft, on: day, groups: Self.groups)
            let parts = stride(from: 0, to: comparison.blocks.count, by: step).map { first in
                comparison.count(first..<min(first + step, comparison.blocks.count), state.ledger, threads: threads)
            }
            return comparison.preview(parts)
        }
    }

    @Test(arguments: edits.indices)
    func `every count is that of a loop over all subscribers`(_ number: Int) async throws {
        var draft = world.policy
        Self.edits[number](&draft)
        let preview = try await preview(draft, threads: 2, by: 1)
        let naive = try await naive(draft)
        #expect(preview.subscribers == 66_001)
        #expect(preview.affected == naive.affected && preview.retiered == naive.retiered)
        #expect((preview.affected > 0) == (number > 0))
        #expect(preview.groups.map(\.subscribers) == naive.subscribers)
        #expect(preview.groups.map(\.reach) == naive.reach)
        #expect(preview.changed == world.policy.changedSections(to: draft))
        #expect(preview.tiers.reduce(0) { $0 + ($1.before ?? 0) } == 66_001)
        #expect(preview.tiers.reduce(0) { $0 + ($1.after ?? 0) } == 66_001)
    }

    @Test func `the answer does not depend on threads or portions`() async throws {
        var draft = world.policy
        Self.edits[Self.edits.count - 1](&draft)
        let one = try await preview(draft, threads: 1, by: 2)
        #expect(try await preview(draft, threads: 3, by: 1) == one)
        #expect(one.rules.map(\.code) == ["r"] && one.rules.first?.before == nil)
        #expect(one.rules.first?.after == (0..<66_001).count { world.isDrawn(81, $0, perMille: 300) })
        let codes = one.tiers.map(\.code)
        #expect(codes == ["renamed", "gold", "young", "unknown", "vip"])
        #expect(one.tiers.last?.after == nil && one.tiers.first?.before == nil)
    }

    @Test func `contacts of a wave are seen, and a month that is not counted is refused`() async throws {
        let spec = world.campaign(1)
        let host = try await world.host(campaigns: [spec])
        let (day, start) = (world.start.day, world.start)
        var draft = world.policy
        draft.intervalDays = [:]
        func lost() async throws -> Int {
            try await host.read { [draft] state in
                let comparison = try state.comparison(with: draft, on: day, groups: [])
                let counts = comparison.count(comparison.blocks, state.ledger, threads: 2)
                return comparison.preview([counts]).groups[0].reach[0].gained
            }
        }
        let before = try await lost()
        let summary = try await host.run(
            wave: WaveID(campaign: spec.id, occurrence: 1),
            planned: start,
            audience: world.audience(percent: 40)
        )
        #expect(summary.count(.contact) > 1_000)
        #expect(try await lost() > before, "without the interval those just contacted can be reached again")
        await #expect(throws: DecisionError.self) {
            _ = try await host.read { [draft] in try $0.comparison(with: draft, on: day.adding(months: 4), groups: []) }
        }
    }

    // MARK: The slow way

    private struct Naive: Sendable {
        var affected = 0
        var retiered = 0
        var subscribers = [0, 0, 0, 0]
        var reach = (0..<4).map { _ in ChannelClass.allCases.map { PolicyReach(channel: $0) } }
    }

    private func naive(_ draft: ContactPolicy) async throws -> Naive {
        let host = try await world.host(campaigns: [])
        let (world, live) = (world, world.policy)
        return try await host.read { state in
            let sides = [live, draft].map { Side($0, state, world) }
            var result = Naive()
            for index in 0..<UInt32(state.subscribers) {
                let groups = [true, world.isDrawn(80, index, perMille: 80), world.isDrawn(82, index, perMille: 500)]
                let isIn = groups + [!groups[1] && !groups[2]]
                let tiers = [live, draft].map { Self.tier(index, $0, world) }
                var isAffected = tiers[0].code != tiers[1].code
                result.retiered += isAffected ? 1 : 0
                for (group, isMember) in isIn.enumerated() where isMember { result.subscribers[group] += 1 }
                for (place, channel) in ChannelClass.allCases.enumerated() {
                    let before = sides[0].isReachable(index, channel, tiers[0])
                    let after = sides[1].isReachable(index, channel, tiers[1])
                    isAffected = isAffected || before != after
                    for (group, isMember) in isIn.enumerated() where isMember {
                        result.reach[group][place].before += before ? 1 : 0
                        result.reach[group][place].after += after ? 1 : 0
                        result.reach[group][place].gained += after && !before ? 1 : 0
                        result.reach[group][place].lost += before && !after ? 1 : 0
                    }
                }
                result.affected += isAffected ? 1 : 0
            }
            return result
        }
    }

    private static func tier(_ index: UInt32, _ policy: ContactPolicy, _ world: DecisionWorld) -> PolicyTier {
        let shares: [String: (UInt64, UInt64)] = ["vip": (80, 80), "gold": (81, 300), "young": (82, 500)]
        return policy.tiers.first { tier in
            shares[tier.rule].map { world.isDrawn($0.0, index, perMille: $0.1) } ?? false
        } ?? policy.strictest
    }

    /// What one policy asks of a subscriber, check by check.
    private struct Side {
        let state: DecisionState
        let world: DecisionWorld
        let policy: ContactPolicy
        let holdout: KeyedHash
        let lists: [ChannelClass: [Bitset]]

        init(_ policy: ContactPolicy, _ state: DecisionState, _ world: DecisionWorld) {
            (self.policy, self.state, self.world) = (policy, state, world)
            holdout = state.draw("holdout/" + policy.holdout.epoch, of: nil)
            var lists: [ChannelClass: [Bitset]] = [:]
            for channel in ChannelClass.allCases {
                for code in policy.dnd.map({ ListID.dnd($0.number).code }) + ["black", "grey"] {
                    let found = [ListID(code), ListID(code, channel: channel)].compactMap { state.lists[$0] }
                    lists[channel, default: []] += found
                }
            }
            self.lists = lists
        }

        func isReachable(_ index: UInt32, _ channel: ChannelClass, _ tier: PolicyTier) -> Bool {
            let below = DecisionState.threshold(ppm: policy.holdout.ppm)
            if holdout(state.lines[Int(index)]) < below { return false }
            for list in lists[channel] ?? [] where list.contains(index) { return false }
            // History of the world: SMS on each of the last five days.
            let days = channel == .sms ? policy.intervalDays[channel] ?? 0 : 0
            for back in 1...5 where back < days && world.isDrawn(70 + UInt64(back), index, perMille: 15) {
                return false
            }
            let index = SubscriberIndex(index)
            return state.ledger.failure(index, channel: channel, month: world.month, row: CapRow(tier)) == nil
        }
    }
}
