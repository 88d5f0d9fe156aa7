// The pool under campaigns that cannot be ranked, what it counts, and what touchpoints see of each other (LNK-08).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

@Suite struct OfferPoolTests {
    private func broken(_ number: Int64, _ change: (inout CampaignSpec) -> Void) -> CampaignSpec {
        var spec = offer(number, priority: 1)
        change(&spec)
        return spec
    }

    @Test func `a campaign whose expression cannot be evaluated is skipped and named, the others are offered`()
        async throws
    {
        let desk = try await Desk([
            offer(1), broken(2) { $0.score = "gone" }, broken(3) { $0.personalPriority = "also gone" },
        ])
        var answered = 0
        for index in 0..<UInt32(200) {
            let answer = try await desk.ask(index, .counter)
            #expect(!answer.offers.contains(CampaignID(2)) && !answer.offers.contains(CampaignID(3)))
            answered += answer.offers.count
            let fold = try SubscriberFold(
                index: SubscriberIndex(index),
                log: desk.log,
                inputs: desk.world.inputs(desk.objects),
                upTo: desk.log.position().sequence
            )
            #expect(fold.offers.map(\.campaign) == answer.offers)
        }
        #expect(answered > 20)
        let day = desk.morning.day
        let problems = try await desk.host.read { try $0.poolProblems(on: day) }
        #expect(problems.keys.sorted() == [CampaignID(2), CampaignID(3)])
        #expect(problems[CampaignID(3)]?.contains("also gone") == true)
    }

    @Test func `campaigns are offered whatever their number`() async throws {
        let numbers: [Int64] = [0, 1, 4_194_303, 4_194_304, 1 << 50]
        let desk = try await Desk(numbers.map { offer($0) })
        var offered: Set<Int64> = []
        for index in 0..<UInt32(200) { offered.formUnion(try await desk.ask(index, .counter).offers.map(\.number)) }
        #expect(offered.sorted() == numbers)
        for number in numbers {
            let pooled = try await desk.host.read { $0.pooled(CampaignID(number)) }
            #expect(pooled?.id.number == number && pooled?.isOffered == true)
        }
        #expect(try await desk.host.read { $0.pooled(CampaignID(2)) ?? $0.pooled(CampaignID(-1)) } == nil)
    }

    @Test func `the naive fold gives the same answer where a campaign cannot be ranked`() async throws {
        let desk = try await Desk([offer(1), broken(2) { $0.personalPriority = "gone" }])
        for index in 0..<UInt32(60) {
            let request = desk.request(index, .hotline)
            let fold = try SubscriberFold(
                index: SubscriberIndex(index),
                log: desk.log,
                inputs: desk.world.inputs(desk.objects),
                upTo: desk.log.position().sequence
            )
            let mine = try await desk.host.read { try $0.decide(request).answer }
            #expect(try fold.answer(to: request, contacts: { _ in 0 }) == mine)
        }
    }

    @Test func `the pool counts what was shown, taken and refused, also after a start from a checkpoint`() async throws
    {
        let desk = try await Desk([offer(1)])
        let indices = try await desk.free(.counter, count: 4)
        for (index, result) in zip(indices, [ContactResult.accepted, .refused, .shown, .failed]) {
            try await desk.respond(try await desk.ask(index, .counter), result)
        }
        func tally(_ host: DecisionHost) async throws -> [Int64] {
            let pooled = try #require(try await host.read { $0.pooled(CampaignID(1)) })
            return [pooled.contacts, pooled.shown, pooled.accepted, pooled.refused, Int64(pooled.members)]
        }
        let counted = try await tally(desk.host)
        #expect(counted == [3, 3, 1, 1, 2_000])
        try await desk.host.keepCheckpoint(after: 1)
        let inputs = desk.world.inputs(desk.objects)
        let again = try DecisionHost(log: desk.log, objects: desk.objects, inputs: inputs, threads: 1)
        #expect(try await tally(again) == counted)
    }

    @Test func `history is seen where the linkage shows it and nowhere else`() async throws {
        let desk = try await Desk([offer(1), offer(2, category: "retention")]) {
            $0.quietHours = [:]
            $0.similarDays = [:]
        }
        let callable = Set(try await desk.free(.outbound, count: 2_000, offers: 2))
        let index = try #require(try await desk.free(.website, count: 2_000, offers: 2).first(where: callable.contains))
        let call = try await desk.ask(index, .outbound)
        try #require(Set(call.offers) == [CampaignID(1), CampaignID(2)])
        try await desk.respond(call, .completed)
        let since = desk.morning.day.adding(days: -90)
        func seen(_ touchpoint: Touchpoint, except request: UInt64? = nil) async throws -> [PastContact] {
            try await desk.host.look {
                $0.history(of: SubscriberIndex(index), at: touchpoint, since: since, except: request)
            }
        }
        for touchpoint in [Touchpoint.hotline, .counter, .outbound] {
            let contacts = try await seen(touchpoint)
            #expect(contacts.map(\.campaign) == [CampaignID(1)], "retention is shown nowhere")
            #expect(contacts.map(\.touchpoint) == [.outbound] && contacts.map(\.standing) == [.shown])
            #expect(contacts.map(\.day) == [desk.morning.day])
        }
        for touchpoint in [Touchpoint.website, .app, .sms] { #expect(try await seen(touchpoint).isEmpty) }
        #expect(try await seen(.hotline, except: call.request.request).isEmpty, "its own offers are no history")
        let visit = try await desk.ask(index, .counter, limit: 1)
        if let offered = visit.offers.first {
            try await desk.respond(visit, .refused)
            let standing = try await desk.host.read { $0.standing(of: visit.request.request) }
            #expect(standing?.map(\.standing) == [.refused] && standing?.first?.campaign == offered)
        }
    }

    @Test func `a wave's texts are history from the moment they left, with their orders`() async throws {
        var spec = offer(1, touchpoints: [])
        spec.score = nil
        let desk = try await Desk([spec]) { $0.quietHours = [:] }
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let everybody = Bitset(full: desk.world.subscribers)
        _ = try await desk.host.run(wave: wave, planned: desk.morning, audience: everybody)
        let contacts = try await desk.host.read { $0.waves[wave]?.members(\.contact) ?? [] }
        let chosen = try #require(contacts.first)
        let since = desk.morning.day
        func seen() async throws -> [PastContact] {
            try await desk.host.look { $0.history(of: chosen, at: .hotline, since: since) }
        }
        #expect(try await seen().isEmpty)
        _ = try await desk.host.handOff(wave, block: 0, range: 0..<Block.size, at: desk.morning) { _ in true }
        #expect(try await seen().map(\.standing) == [.open])
        #expect(try await seen().map(\.touchpoint) == [.sms])
        let tomorrow = since.adding(days: 1)
        #expect(try await desk.host.look { $0.history(of: chosen, at: .hotline, since: tomorrow) }.isEmpty)
    }
}
