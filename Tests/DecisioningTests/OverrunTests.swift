// Overruns: who is above a cap is found exactly, and the facts that did it are named; decisions are none of them.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Foundation
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@testable import Decisioning

/// Inputs whose second load puts everybody into the first tier.
private struct TwoLoads: DecisionInputs {
    static let second = ContentHash.sha256(Array("second".utf8))

    var first: FakeInputs

    func bytes(_ file: ContentHash) throws -> [UInt8] { try first.bytes(file) }

    func bytes(_ file: ContentHash, offset: Int, count: Int) throws -> [UInt8] {
        try first.bytes(file, offset: offset, count: count)
    }

    func profile(catalogue: ContentHash, columns: [AttributeColumn], subscribers: Int) -> any ProfileReader {
        let profile = first.make(subscribers)
        guard catalogue == Self.second else { return profile }
        let rules = profile.rules.merging(["vip": { _ in true }]) { $1 }
        return FakeProfile(subscribers: subscribers, rules: rules, scores: profile.scores)
    }
}

@Suite struct OverrunTests {
    private struct Kind: Hashable {
        var tier: String
        var check: Outcome
        var window: CapWindow
    }

    /// Counts everybody, contact by contact, in every window of the months that are held.
    private static func naive(
        _ state: DecisionState,
        _ world: DecisionWorld,
        _ policy: ContactPolicy
    ) -> (members: [UInt32], counts: [Kind: Int]) {
        var (members, counts): ([UInt32], [Kind: Int]) = ([], [:])
        let rules = world.inputs(InMemoryObjects()).make(world.subscribers).rules
        let held = state.ledger.monthsHeld
        for number in 0..<UInt32(world.subscribers) {
            let tier = policy.tiers.first { rules[$0.rule]?(number) == true } ?? policy.strictest
            var isAbove = false
            func check(_ outcome: Outcome, _ channels: [ChannelClass], _ cap: Cap) {
                var first = held.lowerBound
                while first.number + Int32(cap.months) - 1 <= held.upperBound.number {
                    let window = CapWindow(first: first, months: cap.months)
                    var used = 0
                    for channel in channels {
                        for month in window.all {
                            used += state.ledger.count(SubscriberIndex(number), channel: channel, month: month)
                        }
                    }
                    if used > cap.count {
                        counts[Kind(tier: tier.code, check: outcome, window: window), default: 0] += 1
                        isAbove = true
                    }
                    first = LocalMonth(number: first.number + 1)
                }
            }
            for (channel, cap) in tier.caps { check(.cap(channel), [channel], cap) }
            check(.capOverall, [.sms, .outbound, .inbound], tier.overall)
            if isAbove { members.append(number) }
        }
        return (members, counts)
    }

    @Test func `the scan finds who a naive count finds, by tier, cap and window, however it is cut`() async throws {
        let world = DecisionWorld(seed: 31, subscribers: 70_000)
        let objects = InMemoryObjects()
        let host = try await world.host(objects: objects, campaigns: [])
        var policy = world.policy
        (policy.revision, policy.tiers[1].overall) = (2, Cap(count: 6, months: 2))
        policy.tiers[2].caps[.website] = Cap(count: 2, months: 2)
        let file = try objects.put(Array(JSONEncoder().encode(policy)))
        try await host.record([.policySet(revision: 2, file: file)])
        try await host.read { [policy] state in
            let scan = try #require(try state.overrunScan(on: world.start.day))
            let (members, counts) = Self.naive(state, world, policy)
            #expect(members.count > 1_000 && members.count < 60_000)
            for (threads, portions) in [(1, [0..<2]), (3, [0..<1, 1..<2])] {
                let report = scan.report(portions.map { scan.count($0, state.ledger, threads: threads) })
                var found: [UInt32] = []
                report.members.forEach { found.append($0) }
                #expect(found == members)
                let kinds = report.counts.map {
                    (Kind(tier: $0.group.tier, check: $0.group.check, window: $0.group.window), $0.subscribers)
                }
                #expect(Dictionary(uniqueKeysWithValues: kinds) == counts)
                #expect(report.revision == 2 && report.subscribers == 70_000)
                #expect(report.page(offset: 0, limit: 3).map(\.number) == Array(members.prefix(3)))
                let middle = report.page(offset: 500, limit: 20, isDescending: true).map(\.number)
                #expect(middle == Array(members.reversed()[500..<520]))
                #expect(report.page(offset: members.count, limit: 3).isEmpty)
            }
            // Some of them, and one kind.
            var some = Bitset(universe: 70_000)
            for index in stride(from: UInt32(0), to: 70_000, by: 3) { some.insert(index) }
            let narrow = try #require(
                try state.overrunScan(on: world.start.day, among: some) {
                    $0.check == .capWebsite && $0.tier == "young"
                }
            )
            let report = narrow.report([narrow.count(0..<2, state.ledger, threads: 2)])
            #expect(!report.counts.isEmpty && report.counts.allSatisfy { $0.group.check == .capWebsite })
            #expect(
                report.members.count > 0 && report.page(offset: 0, limit: .max >> 1).allSatisfy { $0.number % 3 == 0 }
            )
        }
    }

    @Test func `without a policy nobody is above a cap`() async throws {
        let state = DecisionState(inputs: DecisionWorld(seed: 1, subscribers: 10).inputs(InMemoryObjects()))
        #expect(try state.overrunScan(on: LocalDay(number: 20_000)) == nil)
    }

    // MARK: Causes

    /// One subscriber of tier `young` (4 SMS a month, 1 visit a month, 5 overall) without any contact before.
    private struct Case {
        let world = DecisionWorld(seed: 6, subscribers: 600)
        let log = InMemoryDecisionLog()
        let objects = InMemoryObjects()
        let host: DecisionHost
        let index: SubscriberIndex
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)

        init() async throws {
            let inputs = TwoLoads(first: world.inputs(objects))
            host = try DecisionHost(log: log, objects: objects, inputs: inputs, threads: 1)
            var spec = world.campaign(1)
            (spec.touchpoints, spec.controlPPM, spec.product, spec.score) = ([.counter], 0, nil, nil)
            var policy = world.policy
            policy.holdout = Holdout(ppm: 0, epoch: "none")
            policy.offers = OfferLimits(offers: 3, minutesToShow: 30, minutesKept: 120)
            let (profile, subscribers) = (world.inputs(objects).make(world.subscribers), world.subscribers)
            try await host.record(
                world.setUp(objects, campaigns: []).filter {
                    if case .historyLoaded = $0 { false } else if case .listReplaced = $0 { false } else { true }
                } + [
                    .policySet(revision: 2, file: objects.put(Array(try JSONEncoder().encode(policy)))),
                    .campaignSet(spec.id, revision: 1, file: objects.put(try spec.canonicalJSON())),
                    .campaignStatus(spec.id, .live),
                    .poolSet(spec.id, file: objects.put(Bitset(full: subscribers).listFile)),
                ]
            )
            let young = (0..<UInt32(subscribers)).first { number in
                ["vip", "gold", "young"].map { profile.rules[$0]?(number) == true } == [false, false, true]
            }
            index = SubscriberIndex(try #require(young))
        }

        func load(_ count: UInt8, _ channel: ChannelClass) async throws {
            var history = ContactHistory()
            var counts = [UInt8](repeating: 0, count: world.subscribers)
            counts[Int(index.number)] = count
            history.counters = [.init(channel: channel, month: world.month, counts: counts)]
            try await host.record([.historyLoaded(file: objects.put(history.encoded()))])
        }

        func found() async throws -> OverrunSubscriber {
            let inputs = TwoLoads(first: world.inputs(objects))
            let explainer = Explainer(log: log, inputs: inputs, postings: InMemoryPostings(), rows: InMemoryWaveRows())
            let found = try #require(try explainer.overruns(of: [index], on: world.start.day).first)
            // The whole base is asked the same.
            let isAbove = try await host.read { [day = world.start.day, index] state in
                guard let scan = try state.overrunScan(on: day) else { return false }
                let report = scan.report([scan.count(scan.blocks, state.ledger, threads: 1)])
                return report.members.contains(index.number)
            }
            #expect(isAbove == !found.overruns.isEmpty)
            return found
        }

        func position() -> Int64 { log.position().sequence }

        /// The wave has sent its text; the gateway says that it failed.
        func fail() async throws {
            var audience = Bitset(universe: world.subscribers)
            audience.insert(index.number)
            _ = try await host.run(wave: wave, planned: world.start, audience: audience)
            let check = try await host.handOff(wave, block: 0, range: 0..<600, at: world.start) { _ in true }
            #expect(check.leaving == [index])
            try await host.feedback(wave, .failed, [index], at: world.start)
        }
    }

    @Test func `a late receipt and loaded contacts are named, with day, campaign and place in the log`() async throws {
        let one = try await Case()
        try await one.fail()
        try await one.load(4, .sms)
        #expect(try await one.found().overruns.isEmpty, "four of four")
        let later = one.world.start.adding(minutes: 7 * 24 * 60)
        try await one.host.feedback(one.wave, .delivered, [one.index], at: later)
        var found = try await one.found()
        #expect(found.tier == "young" && !found.isBroken)
        let late = OverrunCause(kind: .lateReceipt(one.wave), at: later, position: one.position())
        let window = CapWindow(first: one.world.month, months: 1)
        #expect(found.overruns == [Overrun(check: .capSMS, window: window, used: 5, cap: 4, causes: [late])])
        #expect(late.campaign == CampaignID(1) && late.code == "late_receipt")
        try await one.load(1, .sms)
        found = try await one.found()
        #expect(found.overruns.map(\.check) == [.capSMS, .capOverall])
        #expect(found.overruns.map(\.used) == [6, 6])
        #expect(found.overruns[0].causes.map(\.kind) == [.lateReceipt(one.wave), .loaded])
        #expect(found.overruns[1].causes.map(\.kind) == [.loaded], "five of five came before")
        #expect(found.causes.map(\.position) == [late.position, one.position()])
    }

    @Test func `an offer that was shown after it lapsed is named`() async throws {
        let one = try await Case()
        let request = OfferRequest(
            request: 9,
            index: one.index.number,
            touchpoint: .counter,
            entrance: .inbound,
            at: one.world.start,
            limit: 1
        )
        #expect(try await one.host.answer(request).offers == [CampaignID(1)])
        try await one.host.tick(one.world.start.adding(minutes: 31))
        try await one.load(1, .inbound)
        #expect(try await one.found().overruns.isEmpty)
        let shown = OfferResponse(
            request: 9,
            index: one.index.number,
            campaign: nil,
            result: .shown,
            at: one.world.start.adding(minutes: 40)
        )
        #expect(try await one.host.respond(shown) == .taken)
        let found = try await one.found()
        #expect(found.overruns.map(\.check) == [.capInbound])
        #expect(found.causes.map(\.kind) == [.shownAfterAll(CampaignID(1))])
        #expect(found.causes.map(\.at) == [shown.at])
    }

    @Test func `a policy with a lower cap and a move to another tier are named, and end with their reason`()
        async throws
    {
        let one = try await Case()
        try await one.load(3, .sms)
        #expect(try await one.found().overruns.isEmpty)
        try await one.host.record([.attributesLoaded(load: "2", catalogue: TwoLoads.second, columns: [])])
        var found = try await one.found()
        #expect(found.tier == "vip")
        #expect(found.causes.map(\.kind) == [.tier("vip")])
        #expect(found.causes.map(\.position) == [one.position()])
        try await one.host.record([.attributesLoaded(load: "3", catalogue: .zero, columns: [])])
        #expect(try await one.found().overruns.isEmpty, "back in his tier")
        var policy = one.world.policy
        (policy.revision, policy.tiers[2].caps[.sms]) = (3, Cap(count: 1, months: 1))
        let file = one.objects.put(Array(try JSONEncoder().encode(policy)))
        let later = one.world.start.adding(minutes: 3 * 24 * 60)
        try await one.host.tick(later)
        try await one.host.record([.policySet(revision: 3, file: file)])
        found = try await one.found()
        #expect(found.causes.map(\.at) == [later], "dated by the last tick, though nothing happened to him since")
        #expect(found.overruns.map(\.used) == [3] && found.overruns.map(\.cap) == [1])
        #expect(found.causes.map(\.kind) == [.policy(revision: 3)], "what is over is not named any more")
    }

    @Test func `a decision above the cap, which there never may be, is said loudly`() async throws {
        let one = try await Case()
        try await one.load(4, .sms)
        try await one.host.record([
            .reserved([
                SingleReservation(
                    request: 5,
                    index: one.index.number,
                    channel: .sms,
                    month: one.world.month,
                    campaign: CampaignID(1)
                )
            ])
        ])
        let found = try await one.found()
        #expect(found.isBroken)
        #expect(found.causes.map(\.kind) == [.decision(CampaignID(1))])
        #expect(found.causes[0].isBroken && found.causes[0].position == one.position())
    }
}
