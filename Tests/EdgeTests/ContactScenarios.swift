// Scenario W10 of the requirements under the policy that comes with Gyre: do-not-disturb and contact frequency.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Execution
import Feedback
import Foundation
import HTTPTypes
import Kernel
import Model
import Planning
import Ports
import SimulatedChannel
import Testing

/// Caps, brands, do-not-disturb classes and intervals are those of `Examples/operator/policy.yaml`.
///
/// Every test has an operator of its own and drives its stages one after the other: campaigns are planned and approved
/// through the API, decided, sent and answered when the test says so.
@Suite(.serialized) struct ContactScenarios {
    // MARK: Do not disturb

    @Test func `W10-1: a silver customer is removed, and included when the planner unticks, who is shown`() async throws
    {
        let office = try await Office()
        let silver = "vip_level = '银卡' AND status = '正常'"
        let removed = try await office.approved("不取消", rule: silver)
        let listed = try await office.free(removed, 3)
        try await office.list(listed, in: "dnd_04")
        let without = try await office.carriedOut(removed, on: 16)
        #expect(without.count(.dnd04) == 3)
        #expect(Set(without.members(\.contact)).isDisjoint(with: listed))
        #expect(without.sum(\.contact) > 0, "who is not on the list is contacted")
        let included = try await office.approved("取消银卡剔除", rule: silver, unticked: [4])
        let with = try await office.carriedOut(included, on: 17)
        #expect(with.count(.dnd04) == 0)
        #expect(Set(with.members(\.contact)).isSuperset(of: listed))
        let checks = try #require(try await office.why(included, listed[0])["checks"] as? [[String: Any]])
        let check = try #require(checks.first { $0["code"] as? String == "dnd_04" })
        let evidence = check["evidence"] as? [[String: Any]] ?? []
        #expect(check["isPassed"] as? Bool == true)
        #expect(evidence.map { "\($0["key"] ?? "") \($0["value"] ?? "")" } == ["unticked_by plan"])
        let console = try await ConsoleWorld(base: office.world).signedIn("agent")
        let found = try await console.form("/explain/find", "number=\(try office.number(listed[0]))")
        let path = try #require(found.headers[.location])
        let page = try await console.get(path, ["Cookie": "lang=zh-CN"])
        #expect(page.text.contains("由 plan 取消剔除"), "the page says who unticked it")
    }

    @Test func `W10-2: a customer who is blocked on SMS only is in no SMS list and in the outbound list`() async throws
    {
        let office = try await Office()
        let text = try await office.approved("短信活动", rule: "status = '正常'")
        let call = try await office.approved("外呼活动", rule: "status = '正常'", channel: .outbound)
        let blocked = try await office.free(text, 5)
        try await office.list(blocked, in: "dnd_01", channel: "sms")
        let texts = try await office.carriedOut(text, on: 16)
        #expect(texts.count(.dnd01) == 5 && texts.sum(\.handedOff) > 0)
        #expect(Set(texts.members(\.handedOff)).isDisjoint(with: blocked))
        let calls = try await office.carriedOut(call, on: 16)
        #expect(calls.count(.dnd01) == 0)
        #expect(Set(calls.members(\.handedOff)).isSuperset(of: blocked))
    }

    @Test func `W10-3: a sensitive complainer is in no list, whatever is unticked`() async throws {
        let office = try await Office()
        let segment = try await office.segment("客户群", rule: "status = '正常'")
        var input = office.world.newCampaign("取消2类", segment: segment)
        input["unticked"] = [2]
        let refused = try await office.planner.post("/api/v1/campaigns", input)
        #expect(refused.status == 422 && refused.code == "plan.bad_value", "class 2 cannot be unticked")
        let everything = Array(3...13)
        let text = try await office.approved("短信", rule: "status = '正常'", unticked: everything)
        let sensitive = try await office.free(text, 4)
        try await office.list(sensitive, in: "dnd_02")
        let touchpoints: [Touchpoint] = [.counter, .hotline, .website, .app, .terminal]
        let call = try await office.approved(
            "外呼",
            rule: "status = '正常'",
            channel: .outbound,
            unticked: everything
        )
        let pool = try await office.offered("到访", at: touchpoints, unticked: everything)
        for campaign in [text, call] {
            let wave = try await office.carriedOut(campaign, on: 16)
            #expect(wave.count(.dnd02) == 4 && wave.sum(\.contact) > 0)
            #expect(Set(wave.members(\.contact) + wave.members(\.control)).isDisjoint(with: sensitive))
        }
        for touchpoint in touchpoints {
            #expect(try await office.ask(sensitive[0], touchpoint).isEmpty, "\(touchpoint)")
        }
        #expect(try await office.why(pool, sensitive[0])["outcome"] as? String == "dnd_02")
        let somebody = try await office.free(pool, 1)
        #expect(try await office.ask(somebody[0], .counter) == [pool.id.number], "the offer itself is live")
    }

    // MARK: Caps

    @Test
    func `W10-4: four SMS are all an M-Zone customer gets; overall counts SMS, calls and visits, not the website`()
        async throws
    {
        let office = try await Office()
        let mzone = "brand = '动感地带' AND vip_level = '普通' AND status = '正常'"
        let visit = try await office.offered("到访", at: [.counter, .outbound, .website])
        for name in ["网站甲", "网站乙"] { _ = try await office.offered(name, at: [.website]) }
        var texted: Set<SubscriberIndex>?
        for (number, day) in [16, 19, 22, 25].enumerated() {
            let text = try await office.approved("第\(number + 1)条", rule: mzone)
            let wave = try await office.carriedOut(text, on: day)
            texted = (texted ?? Set(wave.members(\.handedOff))).intersection(wave.members(\.handedOff))
        }
        let full = try #require(texted).sorted()
        try #require(full.count >= 2)
        let text = try await office.approved("第五条", rule: mzone)
        let fifth = try await office.carriedOut(text, on: 28)
        #expect(fifth.count(.capSMS) == full.count && fifth.sum(\.contact) == 0)
        #expect(try await office.why(text, full[0])["outcome"] as? String == "cap_sms")
        // 4 SMS and 3 website campaigns are 4 contacts overall: a call is still possible.
        #expect(try await office.ask(full[1], .website).count == 3)
        #expect(try await office.used(full[1]) == [4, 0, 0, 3])
        #expect(try await office.ask(full[1], .outbound) == [visit.id.number])
        #expect(try await office.used(full[1]) == [4, 1, 0, 3])
        // 4 SMS and a visit are 5: no call.
        #expect(try await office.ask(full[0], .counter) == [visit.id.number])
        #expect(try await office.used(full[0]) == [4, 0, 1, 0])
        #expect(try await office.ask(full[0], .outbound).isEmpty)
        #expect(try await office.why(visit, full[0])["outcome"] as? String == "cap_overall")
    }

    @Test func `W10-5: a VIP with two SMS and one visit gets no counted contact, and website items up to three`()
        async throws
    {
        let office = try await Office()
        let vip = "vip_level <> '普通' AND status = '正常'"
        let site = try await office.offered("网站一", at: [.website]) { $0["priority"] = 1 }
        for name in ["网站二", "网站三"] {
            _ = try await office.offered(name, at: [.website]) { $0["priority"] = 1 }
        }
        let visit = try await office.offered("到访", at: [.counter, .hotline, .outbound, .website])
        var texted: Set<SubscriberIndex>?
        for (number, day) in [16, 19].enumerated() {
            let text = try await office.approved("第\(number + 1)条", rule: vip)
            let wave = try await office.carriedOut(text, on: day)
            texted = (texted ?? Set(wave.members(\.handedOff))).intersection(wave.members(\.handedOff))
        }
        let full = try #require(texted).sorted()
        try #require(full.count >= 2)
        let customer = full[0]
        #expect(try await office.ask(customer, .counter) == [visit.id.number])
        #expect(try await office.used(customer) == [2, 0, 1, 0])
        let text = try await office.approved("第三条", rule: vip)
        #expect(!(try await office.carriedOut(text, on: 22)).members(\.contact).contains(customer))
        let call = try await office.approved("外呼", rule: vip, channel: .outbound)
        let calls = try await office.carriedOut(call, on: 22)
        #expect(try await office.why(call, customer)["outcome"] as? String == "cap_overall")
        #expect(calls.members(\.contact).contains(full[1]), "without the visit there is room for a call")
        #expect(try await office.ask(customer, .hotline).isEmpty)
        #expect(try await office.used(customer) == [2, 0, 1, 0])
        // The website goes on, to three campaigns.
        let shown = try await office.ask(customer, .website)
        #expect(shown.count == 3 && shown.contains(site.id.number) && !shown.contains(visit.id.number))
        #expect(try await office.ask(customer, .website, only: visit).isEmpty)
        #expect(try await office.why(visit, customer)["outcome"] as? String == "cap_website")
        #expect(try await office.used(customer) == [2, 0, 1, 3])
    }

    @Test func `W10-6: one call in three months, those of third parties included`() async throws {
        let office = try await Office()
        func called(on month: Int, _ day: Int) async throws -> (Campaign, WaveState) {
            let call = try await office.approved("外呼 \(month)月", rule: "status = '正常'", channel: .outbound)
            return (call, try await office.carriedOut(call, in: month, on: day))
        }
        let probe = try await office.approved("试算", rule: "status = '正常'", channel: .outbound)
        let free = try await office.free(probe, 3)
        // Third parties' calls come as a file: June is out of every window with September in it, July is in one.
        let (july, june) = (free[0], free[1])
        try await office.loadCalls([(july, "2026-07-20 10:00:00"), (june, "2026-06-20 10:00:00")])
        let (call, september) = try await called(on: 9, 16)
        #expect(september.members(\.contact).contains(june))
        #expect(!september.members(\.contact).contains(july))
        #expect(try await office.why(call, july)["outcome"] as? String == "cap_outbound")
        // What was called in September is free again in December, what was called in October is not.
        let (_, october) = try await called(on: 10, 20)
        #expect(!october.members(\.contact).contains(june) && october.members(\.contact).contains(july))
        let (_, november) = try await called(on: 11, 18)
        #expect(Set(november.members(\.contact)).isDisjoint(with: [june, july]))
        let (_, december) = try await called(on: 12, 16)
        #expect(december.members(\.contact).contains(june) && !december.members(\.contact).contains(july))
    }

    // MARK: Budget and hand-off

    @Test func `W10-7: everybody is charged one contact, and failures are given back after the run, once`() async throws
    {
        let office = try await Office { $0.isOdd == false }
        let text = try await office.approved("试发", rule: "status = '正常'")
        let wave = try await office.decided(text, on: 16)
        let contacts = wave.members(\.contact)
        #expect(try await office.charged(contacts, .sms) == Array(repeating: 1, count: contacts.count))
        #expect(try await office.charged(nil, .sms).reduce(0, +) == contacts.count, "nobody else is charged")
        try await office.send(wave, text)
        let done = try await office.state(of: wave)
        let (failed, delivered) = (done.members(\.released), done.members(\.settled))
        #expect(failed == contacts.filter(office.isOdd) && delivered == contacts.filter { !office.isOdd($0) })
        try #require(!failed.isEmpty && !delivered.isEmpty)
        #expect(try await office.charged(failed, .sms) == Array(repeating: 0, count: failed.count))
        #expect(try await office.charged(delivered, .sms) == Array(repeating: 1, count: delivered.count))
        // A failure is no contact: the interval of three days holds only those who were reached.
        let again = try await office.approved("次日", rule: "status = '正常'")
        #expect(try await office.decided(again, on: 17).members(\.contact) == failed)
        // The same failures, reported once more, take nothing from what is charged now.
        try await office.world.platform.host.feedback(wave.wave, .failed, failed, at: office.world.platform.clock.now)
        #expect(try await office.charged(failed, .sms) == Array(repeating: 1, count: failed.count))
    }

    @Test func `W10-8: a list imported between execution and transfer keeps its members from leaving`() async throws {
        let office = try await Office()
        let text = try await office.approved("执行后导入", rule: "status = '正常'")
        let wave = try await office.decided(text, on: 16)
        let late = Array(wave.members(\.contact).prefix(6))
        #expect(try await office.charged(late, .sms) == Array(repeating: 1, count: 6))
        try await office.list(late, in: "dnd_02")
        try await office.send(wave, text)
        let sent = try await office.state(of: wave)
        #expect(Set(sent.members(\.handedOff)).isDisjoint(with: late))
        #expect(office.world.gateway.messageCount == wave.sum(\.contact) - 6)
        #expect(sent.members(\.released) == late)
        #expect(try await office.charged(late, .sms) == Array(repeating: 0, count: 6))
        let why = try await office.why(text, late[0])
        let aftermath = (why["aftermath"] as? [[String: Any]] ?? []).map { "\($0["key"] ?? "") \($0["value"] ?? "")" }
        #expect(why["outcome"] as? String == "contact" && aftermath == ["dropped dnd_02", "released yes"])
    }
}

// MARK: -

/// An operator with the example policy whose stages run when they are told to.
private final class Office: Sendable {
    let world: APIWorld

    init(isDelivered: @escaping @Sendable (MSISDN) -> Bool = { _ in true }) async throws {
        world = try await APIWorld(isDelivered: isDelivered)
        // Nothing leaves by itself.
        world.running.cancel()
        _ = await world.running.result
    }

    private var platform: Platform { world.platform }
    // Sessions end while the clock moves on by days: everybody signs in anew.
    var planner: APIClient { get async throws { try await world.signedIn("plan") } }
    private var approver: APIClient { get async throws { try await world.signedIn("appr") } }
    private var agent: APIClient { get async throws { try await world.signedIn("agent") } }

    // MARK: Plans

    func segment(_ name: String, rule: String) async throws -> Int {
        let segment = try await planner.post("/api/v1/segments", ["name": name, "rule": rule])
        try #require(segment.status == 201, "\(segment.text)")
        return segment.id
    }

    /// A care campaign without control group, planned, tried and approved through the API.
    func approved(
        _ name: String,
        rule: String,
        channel: ChannelClass = .sms,
        at touchpoints: [Touchpoint] = [],
        unticked: [Int] = [],
        change: (inout [String: any Sendable]) -> Void = { _ in }
    ) async throws -> Campaign {
        let now = platform.clock.now
        var input = world.newCampaign(
            name,
            segment: try await segment("客户群 \(name)", rule: rule),
            planned: "\(now.day.iso)T10:00"
        )
        input["unticked"] = unticked
        let draft = try await planner.post("/api/v1/campaigns", input)
        try #require(draft.status == 201, "\(draft.text)")
        var plan = try #require(draft.json["plan"] as? [String: any Sendable])
        plan["channel"] = channel.code
        plan["touchpoints"] = touchpoints.map(\.code)
        plan["controlPPM"] = 0
        change(&plan)
        let path = "/api/v1/campaigns/\(draft.id)"
        let body: [String: any Sendable] = ["version": draft.json["version"] as? Int ?? 0, "plan": plan]
        let saved = try await planner.put(path, body)
        try #require(saved.status == 200, "\(saved.text)")
        try #require(try await planner.post(path + "/dry-run").status == 200)
        try #require(try await planner.post(path + "/submit").status == 201)
        try #require(try await approver.post(path + "/decision", ["result": "pass"]).status == 200)
        return try #require(try await platform.store.campaign(CampaignID(Int64(draft.id))))
    }

    /// A campaign in the offer pool.
    func offered(
        _ name: String,
        at touchpoints: [Touchpoint],
        unticked: [Int] = [],
        change: (inout [String: any Sendable]) -> Void = { _ in }
    ) async throws -> Campaign {
        let campaign = try await approved(
            name,
            rule: "status = '正常'",
            channel: .inbound,
            at: touchpoints,
            unticked: unticked,
            change: change
        )
        return try await platform.offer(campaign, by: "plan")
    }

    /// Customers with a number whom nothing keeps from a campaign as things are.
    func free(_ campaign: Campaign, _ count: Int) async throws -> [SubscriberIndex] {
        let found = try await platform.host.candidates(
            of: campaign.spec(unticker: campaign.owner),
            planned: campaign.plan.planned,
            audience: platform.campaigns.audience(of: campaign)
        )
        let numbers = platform.numbers.current
        let free = found.indices.map { SubscriberIndex($0) }.filter { numbers.isReachable($0) }
        try #require(free.count > count, "only \(free.count) customers are free")
        return Array(free.prefix(count))
    }

    // MARK: Waves

    /// Decides the wave of a campaign when its day has come; nothing leaves.
    func decided(_ campaign: Campaign, in month: Int = 9, on day: Int) async throws -> WaveState {
        let day = try #require(LocalDay(year: 2026, month: month, day: day))
        let slot = platform.clock.at(day, minute: 12 * 60)
        platform.clock.advance(to: slot.instant)
        try await platform.host.tick(platform.clock.now)
        let (_, summary) = try await platform.run(campaign, slot: slot, by: "plan")
        return try #require(try await platform.host.read { $0.waves[summary.wave] })
    }

    /// Hands off what a wave reserved, and takes what comes back.
    func send(_ wave: WaveState, _ campaign: Campaign) async throws {
        let clock = platform.clock
        let report = try await platform.sending.send(wave.wave, text: campaign.plan.message, now: { clock.now })
        #expect(!report.isHeld)
        _ = try await platform.receipts.collect(until: clock.now)
    }

    func carriedOut(_ campaign: Campaign, in month: Int = 9, on day: Int) async throws -> WaveState {
        let wave = try await decided(campaign, in: month, on: day)
        try await send(wave, campaign)
        return try await state(of: wave)
    }

    func state(of wave: WaveState) async throws -> WaveState {
        let id = wave.wave
        return try #require(try await platform.host.read { $0.waves[id] })
    }

    // MARK: Customers

    func number(_ index: SubscriberIndex) throws -> String {
        try #require(platform.numbers.current.number(of: index)?.national)
    }

    func isOdd(_ index: SubscriberIndex) -> Bool {
        platform.numbers.current.number(of: index)?.isOdd == true
    }

    /// Imports a list file through the API.
    func list(_ members: [SubscriberIndex], in list: String, channel: String? = nil) async throws {
        let file = try members.map(number).joined(separator: "\r\n")
        let query = "reason=test" + (channel.map { "&channel=\($0)" } ?? "")
        let answer = try await agent.send(.post, "/api/v1/lists/\(list)/import?\(query)", text: file)
        try #require(answer.json["added"] as? Int == members.count, "\(answer.text)")
    }

    /// Loads calls that third parties made.
    func loadCalls(_ calls: [(index: SubscriberIndex, at: String)]) async throws {
        let lines = try await platform.host.read { $0.lines }
        let rows = calls.map { "\(lines[Int($0.index.number)]),\($0.at),outbound,marketing,third_party" }
        let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-calls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, mapping) = (folder.appending(path: "calls.csv"), folder.appending(path: "calls.yaml"))
        let header = "line_id,at,channel,kind,campaign"
        try Data(([header] + rows).joined(separator: "\n").utf8).write(to: file)
        let text = """
            table: contact
            file: { format: csv }
            columns:
              line_id: { column: line_id, form: number }
              at: at
              channel: channel
              kind: kind
              campaign: { column: campaign, type: text }
            """
        try Data(text.utf8).write(to: mapping)
        let loaded = try await platform.load(
            file: file.path(percentEncoded: false),
            mapping: mapping.path(percentEncoded: false),
            catalogue: platform.segments.catalogue(),
            by: "test"
        )
        #expect(loaded.counts.rows == calls.count && loaded.counts.rejected == 0)
    }

    /// What a touchpoint offers in a visit of its own, all of it shown.
    func ask(
        _ index: SubscriberIndex,
        _ touchpoint: Touchpoint,
        only campaign: Campaign? = nil
    ) async throws -> [Int64] {
        var body: [String: any Sendable] = ["number": try number(index), "interaction": UUID().uuidString]
        var question = body
        if let campaign { question["campaigns"] = [campaign.id.number] }
        let answer = try await agent.post("/api/v1/touchpoints/\(touchpoint.code)/offers", question)
        try #require(answer.status == 200, "\(answer.text)")
        let offers = answer.json["offers"] as? [[String: Any]] ?? []
        body["result"] = "shown"
        let shown = try await agent.post("/api/v1/touchpoints/\(touchpoint.code)/results", body)
        try #require(shown.status == 204, "\(shown.text)")
        return offers.compactMap { ($0["campaign"] as? Int).map(Int64.init) }
    }

    /// The last decision of a campaign on a customer, explained.
    func why(_ campaign: Campaign, _ index: SubscriberIndex) async throws -> [String: Any] {
        let body: [String: any Sendable] = ["number": try number(index), "campaign": campaign.id.number]
        let answer = try await agent.post("/api/v1/explain", body)
        return try #require((answer.json["decisions"] as? [[String: Any]])?.first, "\(answer.text)")
    }

    // MARK: Counters

    /// Contacts of a customer this month: SMS, outbound, inbound, website.
    func used(_ index: SubscriberIndex) async throws -> [Int] {
        let month = platform.clock.now.month
        return try await platform.host.read { state in
            ChannelClass.allCases.map { state.ledger.count(index, channel: $0, month: month) }
        }
    }

    /// Contacts this month of some customers, or of all.
    func charged(_ members: [SubscriberIndex]?, _ channel: ChannelClass) async throws -> [Int] {
        let month = platform.clock.now.month
        return try await platform.host.read { state in
            (members ?? (0..<UInt32(state.subscribers)).map { SubscriberIndex($0) })
                .map { state.ledger.count($0, channel: channel, month: month) }
        }
    }
}

extension MSISDN {
    /// Whether the last digit is odd.
    fileprivate var isOdd: Bool { national.last?.wholeNumberValue.map { $0 % 2 == 1 } ?? false }
}
