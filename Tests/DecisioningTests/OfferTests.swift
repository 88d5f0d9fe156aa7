// Offers to single subscribers: what is offered, what it reserves, and what an outcome means elsewhere.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import InMemory
import Kernel
import Model
import Testing
import TestSupport

/// A small operator with campaigns in the offer pool, and requests with numbers of their own.
struct Desk {
    let world: DecisionWorld
    let log = InMemoryDecisionLog()
    let objects = InMemoryObjects()
    let host: DecisionHost
    private let requests = LockedValue<UInt64>(0)

    /// Ten in the morning of the first day of the world.
    var morning: LocalTime { at(hours: 0) }

    func at(hours: Int) -> LocalTime {
        let start = world.start
        let tenOClock = Int64(start.day.number) * 86_400_000 + 10 * 3_600_000 - Int64(start.offsetSeconds) * 1000
        return LocalTime(
            instant: Instant(epochMs: tenOClock + Int64(hours) * 3_600_000),
            offsetSeconds: start.offsetSeconds
        )
    }

    init(
        _ campaigns: [CampaignSpec],
        subscribers: Int = 2_000,
        policy change: (inout ContactPolicy) -> Void = { _ in }
    ) async throws {
        world = DecisionWorld(seed: 77, subscribers: subscribers)
        host = try DecisionHost(log: log, objects: objects, inputs: world.inputs(objects), threads: 2)
        try await host.record(world.setUp(objects, campaigns: campaigns))
        var policy = world.policy
        policy.revision = 2
        change(&policy)
        try await set(policy)
        let everybody = Bitset(full: subscribers)
        for spec in campaigns {
            try await host.record([.poolSet(spec.id, file: objects.put(everybody.listFile))])
        }
    }

    func set(_ policy: ContactPolicy) async throws {
        let file = try objects.put(Array(JSONEncoder().encode(policy)))
        try await host.record([.policySet(revision: Int32(policy.revision), file: file)])
    }

    func request(
        _ index: UInt32,
        _ touchpoint: Touchpoint,
        limit: UInt8 = 3,
        at time: LocalTime? = nil,
        campaigns: [CampaignID] = []
    ) -> OfferRequest {
        let number = requests.withLock { next in
            next += 1
            return next
        }
        return OfferRequest(
            request: number,
            index: index,
            touchpoint: touchpoint,
            entrance: touchpoint == .sms ? .event : .inbound,
            at: time ?? morning,
            limit: limit,
            campaigns: campaigns
        )
    }

    func ask(
        _ index: UInt32,
        _ touchpoint: Touchpoint,
        limit: UInt8 = 3,
        at time: LocalTime? = nil
    ) async throws -> OfferAnswer {
        try await host.answer(request(index, touchpoint, limit: limit, at: time))
    }

    func respond(_ answer: OfferAnswer, _ result: ContactResult, _ campaign: CampaignID? = nil) async throws {
        let response = OfferResponse(
            request: answer.request.request,
            index: answer.request.index,
            campaign: campaign,
            result: result,
            at: answer.request.at
        )
        #expect(try await host.respond(response) == .taken)
    }

    func used(_ index: UInt32, _ channel: ChannelClass) async throws -> Int {
        let month = morning.month
        return try await host.read { $0.ledger.count(SubscriberIndex(index), channel: channel, month: month) }
    }

    /// Subscribers whom nothing keeps from a campaign at a touchpoint.
    func free(_ touchpoint: Touchpoint, count: Int, offers: Int = 1) async throws -> [UInt32] {
        var found: [UInt32] = []
        for index in 0..<UInt32(world.subscribers) where found.count < count {
            let request = request(index, touchpoint, limit: 8)
            if try await host.read({ try $0.decide(request).answer.offers.count }) >= offers { found.append(index) }
        }
        return found
    }
}

func offer(
    _ number: Int64,
    category: String = "data_pack",
    priority: Int = 5,
    touchpoints: [Touchpoint] = [.counter, .hotline, .website, .outbound, .sms]
) -> CampaignSpec {
    let world = DecisionWorld(seed: 77, subscribers: 1)
    var spec = world.campaign(number, category: category)
    spec.product = nil
    spec.conflictingProducts = []
    spec.touchpoints = touchpoints
    spec.priority = priority
    spec.valuePerOrderMinor = number * 100
    spec.controlPPM = 0
    return spec
}

@Suite struct OfferTests {
    @Test func `the best offers come first, and an interaction counts once however many it shows`() async throws {
        let desk = try await Desk([offer(1, priority: 7), offer(2, priority: 1), offer(3, priority: 7)])
        let index = try #require(try await desk.free(.counter, count: 1, offers: 3).first)
        let before = try await desk.used(index, .inbound)
        let answer = try await desk.ask(index, .counter)
        let score = try #require(desk.world.score(index))
        let rest: [Int64] = score >= 0 ? [3, 1] : [1, 3]
        #expect(answer.offers == ([2] + rest).map(CampaignID.init))
        #expect(try await desk.used(index, .inbound) == before + 1)
        let again = try await desk.host.answer(answer.request)
        #expect(again == answer)
        #expect(try await desk.used(index, .inbound) == before + 1)
    }

    @Test func `a website counts each campaign once a month and stops at its cap`() async throws {
        let desk = try await Desk((1...5).map { offer($0) })
        let index = try #require(try await desk.free(.website, count: 1, offers: 3).first)
        let before = try await desk.used(index, .website)
        let first = try await desk.ask(index, .website, limit: 1)
        #expect(first.offers.count == 1)
        #expect(try await desk.used(index, .website) == before + 1)
        let again = try await desk.ask(index, .website, limit: 1)
        #expect(again.offers == first.offers, "the same campaign may be shown again")
        #expect(try await desk.used(index, .website) == before + 1)
        let all = try await desk.ask(index, .website, limit: 8)
        #expect(all.offers.count == 3 - before, "three campaigns a month, those of history included")
        #expect(try await desk.used(index, .website) == 3)
    }

    @Test func `what was never shown lapses, and what turns out to have been shown counts again`() async throws {
        let desk = try await Desk([offer(1)])
        let indices = try await desk.free(.hotline, count: 2)
        let lost = try await desk.ask(indices[0], .hotline)
        let seen = try await desk.ask(indices[1], .hotline)
        try await desk.respond(seen, .shown)
        let used = (try await desk.used(indices[0], .inbound), try await desk.used(indices[1], .inbound))
        try await desk.host.tick(desk.at(hours: 1))
        #expect(try await desk.used(indices[0], .inbound) == used.0 - 1)
        #expect(try await desk.used(indices[1], .inbound) == used.1)
        try await desk.respond(lost, .shown)
        #expect(try await desk.used(indices[0], .inbound) == used.0)
        try await desk.host.tick(desk.at(hours: 9))
        let isKept = try await desk.host.read { $0.interaction(lost.request.request) != nil }
        #expect(!isKept, "after two hours the interaction is forgotten, its contact is not")
        #expect(try await desk.used(indices[0], .inbound) == used.0)
    }

    @Test func `a contact that failed is given back, one that was shown is not`() async throws {
        let desk = try await Desk([offer(1)])
        let index = try #require(try await desk.free(.outbound, count: 1).first)
        let before = try await desk.used(index, .outbound)
        let answer = try await desk.ask(index, .outbound)
        try await desk.respond(answer, .failed)
        #expect(try await desk.used(index, .outbound) == before)
        let second = try await desk.ask(index, .outbound)
        try await desk.respond(second, .shown)
        try await desk.respond(second, .failed)
        #expect(try await desk.used(index, .outbound) == before + 1)
    }

    @Test func `an answer ends the offer everywhere, a broken-off call nowhere`() async throws {
        let desk = try await Desk([offer(1), offer(2)])
        let indices = try await desk.free(.website, count: 400, offers: 2)
        let callable = try await desk.free(.outbound, count: 400)
        let both = Array(Set(indices).intersection(callable).sorted().prefix(3))
        try #require(both.count == 3)
        let refused = try await desk.ask(both[0], .outbound, limit: 1)
        try await desk.respond(refused, .refused)
        let kept = try await desk.ask(both[1], .outbound, limit: 1)
        try await desk.respond(kept, .interrupted)
        for (index, answer, isOffered) in [(both[0], refused, false), (both[1], kept, true)] {
            let later = try await desk.ask(index, .website, limit: 8)
            #expect(later.offers.contains(answer.offers[0]) == isOffered)
        }
        let completed = try await desk.ask(both[2], .outbound, limit: 1)
        try await desk.respond(completed, .completed)
        let site = try await desk.ask(both[2], .website, limit: 8)
        #expect(site.offers.contains(completed.offers[0]), "a call that was brought to its end keeps the site")
        let text = desk.request(both[2], .sms, campaigns: completed.offers)
        #expect(try await desk.host.answer(text).offers.isEmpty, "and cancels texts")
    }

    @Test func `a refused offer drops out of the wave of its campaign, also just before it leaves`() async throws {
        var spec = offer(1, category: "data_pack")
        spec.score = nil
        let desk = try await Desk([spec]) { $0.quietHours = [:] }
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let everybody = Bitset(full: desk.world.subscribers)
        let dry = try await desk.host.dryRun(wave: wave, planned: desk.morning, audience: everybody)
        #expect(dry.count(.withdrawn) == 0)
        let indices = try await desk.free(.website, count: 2)
        let first = try await desk.ask(indices[0], .website, limit: 1)
        try await desk.respond(first, .refused)
        let run = try await desk.host.run(wave: wave, planned: desk.morning, audience: everybody)
        #expect(run.count(.withdrawn) == 1)
        let contacts = try await desk.host.read { $0.waves[wave]?.members(\.contact) ?? [] }
        let chosen = try #require(contacts.first)
        let answer = try await desk.host.answer(desk.request(chosen.number, .website))
        guard !answer.offers.isEmpty else { return }
        try await desk.respond(answer, .refused)
        let check = try await desk.host.handOff(
            wave,
            block: chosen.block,
            range: chosen.offset..<chosen.offset + 1,
            at: desk.morning
        ) { _ in true }
        #expect(check.drops.map(\.outcome) == [.withdrawn])
    }

    @Test func `capacity is never exceeded, whoever asks at the same time, and deciding again agrees`() async throws {
        var limited = offer(1, priority: 1)
        limited.capacity = 25
        let desk = try await Desk([limited, offer(2)], subscribers: 200_000)
        let indices = try await desk.free(.counter, count: 120)
        let answers = try await withThrowingTaskGroup(of: OfferAnswer.self) { group in
            for index in indices { group.addTask { try await desk.ask(index, .counter, limit: 1) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.count { $0.offers == [CampaignID(1)] } == 25)
        #expect(answers.count { $0.offers == [CampaignID(2)] } == 95)
        let replay = Replay(log: desk.log, inputs: desk.world.inputs(desk.objects), threads: 2, verifies: true)
        try replay.fold()
        #expect(replay.decisionsVerified >= 120)
    }

    @Test func `offers shown after they lapsed and new requests, all at once, are decided again the same`() async throws
    {
        var limited = offer(1, priority: 1)
        limited.capacity = 40
        let desk = try await Desk([limited, offer(2)], subscribers: 260_000)
        // From all blocks, so that partitions mix in one commit.
        var indices: [UInt32] = []
        for index in stride(from: UInt32(0), to: 260_000, by: 331) {
            let request = desk.request(index, .counter, limit: 1)
            if try await desk.host.read({ try !$0.decide(request).answer.offers.isEmpty }) { indices.append(index) }
        }
        try #require(indices.count > 120)
        var lapsed: [OfferAnswer] = []
        for index in indices.prefix(30) { lapsed.append(try await desk.ask(index, .counter, limit: 1)) }
        let later = desk.at(hours: 1)
        try await desk.host.tick(later)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // While the owner is busy everything waits, and is then decided for one commit.
            group.addTask { try await desk.host.read { _ in Thread.sleep(forTimeInterval: 0.3) } }
            try await Task.sleep(for: .milliseconds(50))
            for (place, index) in indices.dropFirst(30).enumerated() {
                group.addTask { _ = try await desk.ask(index, .counter, limit: 1, at: later) }
                if place < lapsed.count {
                    let answer = lapsed[place]
                    group.addTask { try await desk.respond(answer, .shown) }
                }
            }
            try await group.waitForAll()
        }
        let replay = Replay(log: desk.log, inputs: desk.world.inputs(desk.objects), threads: 2, verifies: true)
        try replay.fold()
        let live = try await desk.host.read { $0.stateSHA256() }
        #expect(replay.state.stateSHA256() == live)
    }

    @Test func `an event that comes to nothing leaves no trace, a request of a customer does`() async throws {
        let desk = try await Desk([offer(1, touchpoints: [.sms, .counter])])
        let month = desk.morning.month
        let barred = try #require(
            try await desk.host.read { state in
                (0..<UInt32(2_000)).first { state.lists[.dnd(2)]?.contains($0) == true && $0 > 0 }
            }
        )
        let before = desk.log.batches.count
        #expect(try await desk.ask(barred, .sms).offers.isEmpty)
        #expect(desk.log.batches.count == before)
        #expect(try await desk.ask(barred, .counter).offers.isEmpty)
        #expect(desk.log.batches.count == before + 1)
        #expect(month == desk.morning.month)
    }

    @Test func `a wave does not see what requests take while it selects, but never exceeds a cap`() async throws {
        let spec = offer(1, touchpoints: [.outbound])
        var sms = offer(2)
        sms.touchpoints = []
        let desk = try await Desk([spec, sms], subscribers: 300_000) {
            $0.quietHours = [:]
            $0.intervalDays = [:]
            $0.similarDays = [:]
        }
        let wave = WaveID(campaign: CampaignID(2), occurrence: 1)
        let everybody = Bitset(full: desk.world.subscribers)
        async let summary = desk.host.run(wave: wave, planned: desk.morning, audience: everybody)
        var offered = 0
        for index in stride(from: UInt32(0), to: 300_000, by: 997) {
            offered += try await desk.ask(index, .outbound).offers.count
        }
        #expect(offered > 20)
        #expect(try await summary.target == 300_000)
        let replay = Replay(log: desk.log, inputs: desk.world.inputs(desk.objects), threads: 2, verifies: true)
        try replay.fold()
        let live = try await desk.host.read { $0.stateSHA256() }
        #expect(replay.state.stateSHA256() == live)
    }
}

extension OfferTests {
    @Test func `a wave selects by the offers of its beginning, whatever is offered, answered and given back meanwhile`()
        async throws
    {
        let desk = try await Desk([offer(1), offer(2), offer(3, category: "roaming")], subscribers: 200_000) {
            $0.quietHours = [:]
            $0.similarDays = ["data_pack": 30]
        }
        let (morning, everybody) = (desk.morning, Bitset(full: desk.world.subscribers))
        for seed in UInt64(1)...4 {
            var random = SeededRandom(seed: seed)
            let requests = (0..<4_000).map { _ in desk.request(UInt32.random(in: 0..<200_000, using: &random), .website)
            }
            try await desk.host.read { [random] state in
                var (random, next, answers) = (random, 0, [OfferAnswer]())
                func happen() throws {
                    if next < requests.count, next < 400 || random.next() % 2 == 0 {
                        let answer = try state.decide(requests[next]).answer
                        state.take(answer)
                        if !answer.offers.isEmpty { answers.append(answer) }
                        next += 1
                    } else if let answer = answers.randomElement(using: &random) {
                        let results: [ContactResult] = [.shown, .failed, .refused, .accepted, .later]
                        _ = state.take(
                            OfferResponse(
                                request: answer.request.request,
                                index: answer.request.index,
                                campaign: answer.offers.randomElement(using: &random),
                                result: results[Int(random.next() % UInt64(results.count))],
                                at: answer.request.at
                            )
                        )
                    }
                }
                func candidates(_ pace: () -> WavePace) throws -> [UInt32] {
                    let session = try WaveSession(
                        state: state,
                        wave: WaveID(campaign: CampaignID(1), occurrence: 1),
                        planned: morning,
                        audience: everybody,
                        isDryRun: true,
                        threads: 2
                    )
                    session.select(pace: pace)
                    return session.candidates().indices
                }
                for _ in 0..<1_000 { try happen() }
                let whole = try candidates { .blocks(.max) }
                let inParts = try candidates {
                    for _ in 0..<30 { try? happen() }
                    return random.next() % 2 == 0 ? .part : .blocks(Int.random(in: 1...3, using: &random))
                }
                #expect(inParts == whole, "seed \(seed)")
                #expect(try candidates { .blocks(.max) } != whole, "seed \(seed): meanwhile nothing happened")
            }
        }
    }

    @Test func `a campaign counts once a month on websites, whichever of its visits was shown or lapsed`() async throws
    {
        let desk = try await Desk([offer(1)])
        let index = try #require(try await desk.free(.website, count: 1).first)
        let used = try await desk.used(index, .website)
        func count() async throws -> Int { try await desk.used(index, .website) - used }
        let first = try await desk.ask(index, .website)
        let second = try await desk.ask(index, .website)
        #expect(first.offers == [CampaignID(1)] && second.offers == first.offers)
        #expect(try await count() == 1)
        try await desk.respond(second, .shown)
        try await desk.host.tick(desk.at(hours: 1))
        #expect(try await count() == 1, "the visit that was shown counts, though the first lapsed")
        try await desk.respond(first, .shown)
        #expect(try await count() == 1, "shown after all: it is counted already")
        let third = try await desk.ask(index, .website, at: desk.at(hours: 1))
        try await desk.respond(third, .failed)
        #expect(try await count() == 1)
        let replay = Replay(log: desk.log, inputs: desk.world.inputs(desk.objects), threads: 2, verifies: true)
        try replay.fold()
        #expect(try await desk.host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    @Test func `answers of one commit grow old alike, live and folded, whatever clocks their requests had`()
        async throws
    {
        var spec = offer(1)
        spec.touchpoints = [.counter]
        let desk = try await Desk([spec], subscribers: 200_000) {
            $0.offers = OfferLimits(offers: 3, minutesToShow: 30, minutesKept: 30)
        }
        let base = desk.at(hours: 24)
        try await desk.host.tick(base)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // While the owner is busy everything waits, and is then decided for one commit, which sorts by block.
            group.addTask { try await desk.host.read { _ in Thread.sleep(forTimeInterval: 0.3) } }
            try await Task.sleep(for: .milliseconds(50))
            for number in 0..<120 {
                let index = UInt32(number * 37 % 120 * 1_663)
                let time = base.adding(minutes: number * 7 % 10)
                group.addTask { _ = try await desk.ask(index, .counter, at: time) }
            }
            try await group.waitForAll()
        }
        for minutes in 30...42 {
            try await desk.host.tick(base.adding(minutes: minutes))
            let replay = Replay(log: desk.log, inputs: desk.world.inputs(desk.objects), threads: 2)
            try replay.fold()
            #expect(try await desk.host.read { $0.stateSHA256() } == replay.state.stateSHA256(), "\(minutes) minutes")
        }
    }
}
