// Overruns through API and console: loaded contacts and a late receipt put customers above their caps.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Planning
import Ports
import Testing

@Suite(.serialized) struct APIOverrunTests {
    /// An operator of its own, whose customers have contacts that others made: three have nine texts each.
    private struct World {
        let base: APIWorld
        /// Two outside Lanzhou and one in it, by index.
        let members: [SubscriberIndex]

        init() async throws {
            base = try await APIWorld()
            base.running.cancel()
            _ = await base.running.result
            let platform = base.platform
            let numbers = platform.numbers.current
            var members: [SubscriberIndex] = []
            for (position, inLanzhou) in [(3, false), (9, false), (2, true)] {
                let number = try #require(MSISDN(normalising: await base.number(position, inLanzhou: inLanzhou)))
                members.append(try #require(numbers.owner(of: number)))
            }
            self.members = members.sorted()
            try await load(9, .sms, members)
        }

        func load(_ count: UInt8, _ channel: ChannelClass, _ members: [SubscriberIndex]) async throws {
            let (platform, month) = (base.platform, base.platform.clock.now.month)
            var counts = [UInt8](repeating: 0, count: try await platform.host.read { $0.subscribers })
            for index in members { counts[Int(index.number)] = count }
            var history = ContactHistory()
            history.counters = [.init(channel: channel, month: month, counts: counts)]
            try await platform.host.record([.historyLoaded(file: platform.host.store(history.encoded()))])
        }
    }

    private static let made = Task { try await World() }
    private let path = "/api/v1/overruns"

    private func items(_ answer: APIAnswer) -> [[String: Any]] { answer.json["items"] as? [[String: Any]] ?? [] }

    @Test func `overruns are listed with their cause, paged, searched and counted`() async throws {
        let world = try await Self.made.value
        let planner = try await world.base.signedIn("plan")
        let first = try await planner.get(path + "?limit=2")
        #expect(first.status == 200 && first.json["total"] as? Int == 3, "\(first.text)")
        #expect(items(first).map { $0["subscriber"] as? Int } == world.members.prefix(2).map { Int($0.number) })
        let next = try #require(first.json["next"] as? String)
        let second = try await planner.get(path + "?limit=2&cursor=\(next)")
        #expect(items(second).map { $0["subscriber"] as? Int } == [Int(world.members[2].number)])
        let last = try await planner.get(path + "?limit=1&direction=desc")
        #expect(items(last).map { $0["subscriber"] as? Int } == [Int(world.members[2].number)])

        let item = try #require(items(first).first)
        let number = try #require(world.base.platform.numbers.current.number(of: world.members[0]))
        #expect(item["number"] as? String == number.masked && !first.text.contains(number.national))
        #expect(item["isGuaranteeBroken"] as? Bool == false)
        let overruns = try #require(item["overruns"] as? [[String: Any]])
        #expect(overruns.map { $0["check"] as? String } == ["cap_sms", "cap_overall"])
        let causes = overruns.flatMap { $0["causes"] as? [[String: Any]] ?? [] }
        #expect(causes.map { $0["code"] as? String } == ["loaded", "loaded"])
        let end = try await world.base.platform.host.read { $0.sequence }
        #expect(causes.allSatisfy { ($0["position"] as? Int64 ?? 0) > 0 && ($0["position"] as? Int64 ?? 0) <= end })

        let summary = try await planner.get(path + "/summary")
        #expect(summary.json["above"] as? Int == 3 && summary.json["looked"] as? Int == 1_500, "\(summary.text)")
        let counts = summary.json["counts"] as? [[String: Any]] ?? []
        let texts = counts.filter { $0["check"] as? String == "cap_sms" && $0["from"] as? String == "2026-09" }
        #expect(texts.compactMap { $0["subscribers"] as? Int }.reduce(0, +) == 3)
        let website = try await planner.get(path + "?search=cap_website")
        #expect(website.json["total"] as? Int == 0)
        #expect(try await planner.get(path + "?search=CAP_SMS").json["total"] as? Int == 3)

        let csv = try await planner.get(path + "?format=csv", ["Accept-Language": "zh-CN"])
        #expect(csv.text.contains(number.masked) && csv.text.contains("导入了其他来源的接触记录"))
        #expect(csv.text.split(separator: "\r\n").count == 4)
        let table = try await planner.get(path + "/summary?format=csv", ["Accept-Language": "en"])
        #expect(table.text.contains("Overall cap") && table.text.contains("2026-09"))
    }

    @Test func `a part of the organisation sees its own, and nobody without signing in`() async throws {
        let world = try await Self.made.value
        let lanzhou = try await world.base.signedIn("lanzhou")
        let found = try await lanzhou.get(path)
        #expect(found.json["total"] as? Int == 1, "\(found.text)")
        #expect(try await lanzhou.get(path + "/summary").json["above"] as? Int == 1)
        #expect(try await world.base.client.get(path).status == 401)
        #expect(try await lanzhou.get(path + "?order=used").status == 400)
    }

    @Test func `the console lists them in both languages, exports them and leads there from the policy`() async throws {
        let world = try await Self.made.value
        let console = try await ConsoleWorld(base: world.base).signedIn("plan")
        let number = try #require(world.base.platform.numbers.current.number(of: world.members[0]))
        for (language, cause, title) in [
            ("zh-CN", "导入了其他来源的接触记录", "超限用户"), ("en", "contacts of other sources were loaded", "Above their caps"),
        ] {
            let headers = ["Cookie": "lang=\(language)"]
            let policy = try await console.get("/policy", headers)
            #expect(policy.text.contains("href=\"/policy/overruns\"") && policy.text.contains(title))
            let page = try await console.get("/policy/overruns", headers)
            #expect(page.status == 200 && page.text.contains(cause) && page.text.contains(number.masked))
            #expect(!page.text.contains(number.national))
            let none = try await console.get("/policy/overruns?q=nothing", headers)
            #expect(none.status == 200 && !none.text.contains(cause))
            let csv = try await console.get("/policy/overruns/subscribers.csv", headers)
            #expect(csv.text.contains(cause) && !csv.text.contains(number.national))
            #expect(try await console.get("/policy/overruns/summary.csv?q=cap_sms", headers).text.contains("2026-09"))
        }
    }

    @Test func `a late receipt is named with its campaign, and a broken guarantee could not be overlooked`()
        async throws
    {
        let world = try await World()
        let platform = world.base.platform
        let planner = try await world.base.signedIn("plan")
        // A text that failed, then four contacts of others, then the channel's file: it was delivered after all.
        let month = platform.clock.now.month
        let texted = try await platform.host.read { state in
            (0..<UInt32(state.subscribers)).map { SubscriberIndex($0) }.filter {
                state.ledger.count($0, channel: .sms, month: month) == 0
            }
        }
        var audience = Bitset(universe: 1_500)
        for index in texted { audience.insert(index.number) }
        let spec = CampaignSpec(
            id: CampaignID(71),
            name: "迟到活动",
            category: "care",
            validFrom: platform.clock.now.day,
            validTo: platform.clock.now.day.adding(days: 30)
        )
        let file = try platform.host.store(spec.canonicalJSON())
        try await platform.host.record([.campaignSet(spec.id, revision: 1, file: file)])
        let wave = WaveID(campaign: spec.id, occurrence: 1)
        let now = platform.clock.now
        _ = try await platform.host.run(wave: wave, planned: now, audience: audience)
        let check = try await platform.host.handOff(wave, block: 0, range: 0..<1_500, at: now) { _ in true }
        let member = try #require(check.leaving.first)
        try await platform.host.feedback(wave, .failed, [member], at: now)
        try await world.load(4, .sms, [member])
        try await platform.host.feedback(wave, .delivered, [member], at: now)
        let found = try await planner.get(path + "?limit=1000", ["Accept-Language": "en"])
        let item = try #require(items(found).first { $0["subscriber"] as? Int == Int(member.number) }, "\(found.text)")
        let overruns = item["overruns"] as? [[String: Any]] ?? []
        let causes = overruns.flatMap { $0["causes"] as? [[String: Any]] ?? [] }
        let late = try #require(causes.first { $0["code"] as? String == "late_receipt" })
        #expect(late["campaign"] as? Int == 71)
        #expect((late["sentence"] as? String)?.contains("迟到活动") == true)

        let console = try await ConsoleWorld(base: world.base).signedIn("plan")
        let alarm = "GUARANTEE BROKEN"
        #expect(try await !console.get("/policy/overruns", ["Cookie": "lang=en"]).text.contains(alarm))
        // No command does this: a reservation is written to the log without any check.
        let forged = SingleReservation(
            request: 1,
            index: world.members[0].number,
            channel: .sms,
            month: month,
            campaign: spec.id
        )
        try await platform.host.record([.reserved([forged])])
        let all = items(try await planner.get(path + "?limit=1000"))
        let broken = try #require(all.first { $0["subscriber"] as? Int == Int(forged.index) })
        #expect(broken["isGuaranteeBroken"] as? Bool == true)
        let page = try await console.get("/policy/overruns", ["Cookie": "lang=en"]).text
        #expect(page.contains(alarm) && page.contains("role=\"alert\""))
    }
}
