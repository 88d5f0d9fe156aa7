// Campaigns through the API: from a rule to a measured campaign.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import HTTPAPI
import HTTPTypes
import Hummingbird
import Kernel
import Model
import NIOCore
import NIOPosix
import Ports
import SimulatedChannel
import Testing

@Suite(.serialized) struct APICampaignTests {
    private func progress(_ client: APIClient, _ id: Int) async throws -> [String: Any] {
        try await client.get("/api/v1/campaigns/\(id)/progress").json
    }

    /// Waits until a number of the progress is at least `least`, or the stage is reached.
    private func wait(
        _ client: APIClient,
        _ id: Int,
        for key: String = "sent",
        _ least: Int = 1,
        stage: String? = nil
    )
        async throws -> [String: Any]
    {
        for _ in 0..<300 {
            let state = try await progress(client, id)
            let isThere = stage.map { state["stage"] as? String == $0 } ?? ((state[key] as? Int ?? 0) >= least)
            if isThere { return state }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("campaign \(id) did not get there: \(try await progress(client, id))")
        return [:]
    }

    /// A campaign that passed, over a rule.
    private func approved(
        _ name: String,
        rule: String,
        limit: Int? = nil,
        in other: APIWorld? = nil
    ) async throws -> Int {
        let shared = try await APIWorld.shared
        let world = other ?? shared
        let planner = try await world.signedIn("plan")
        let segment = try await planner.post("/api/v1/segments", ["name": "客户群 \(name)", "rule": rule])
        var input = world.newCampaign(name, segment: segment.id)
        if let limit { input["limit"] = limit }
        let draft = try await planner.post("/api/v1/campaigns", input)
        try #require(draft.status == 201, "\(draft.text)")
        try #require(try await planner.post("/api/v1/campaigns/\(draft.id)/dry-run").status == 200)
        try #require(try await planner.post("/api/v1/campaigns/\(draft.id)/submit").status == 201)
        let approver = try await world.signedIn("appr")
        let decision = try await approver.post("/api/v1/campaigns/\(draft.id)/decision", ["result": "pass"])
        try #require(decision.json["phase"] as? String == "approved", "\(decision.text)")
        return draft.id
    }

    @Test func `a campaign goes from its rule to its evaluation`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let id = try await approved("闭环活动", rule: "status = '正常'", limit: 30)
        #expect(try await planner.get("/api/v1/campaigns/\(id)/progress").status == 404)
        let run = try await planner.post("/api/v1/campaigns/\(id)/run", [:], ["Idempotency-Key": "run-\(id)"])
        #expect(run.status == 202)
        let again = try await planner.post("/api/v1/campaigns/\(id)/run", [:], ["Idempotency-Key": "run-\(id)"])
        #expect(again.status == 202 && again.text == run.text)
        let done = try await wait(planner, id, stage: "finished")
        #expect(done["sent"] as? Int == 30 && done["delivered"] as? Int == 30 && done["open"] as? Int == 0)
        let campaign = try await planner.get("/api/v1/campaigns/\(id)").json
        #expect(campaign["phase"] as? String == "finished")
        let waves = try await planner.get("/api/v1/campaigns/\(id)/evaluation").array
        #expect(waves.count == 1 && waves[0]["sent"] as? Int == 30 && waves[0]["costMinor"] as? Int == 150)
        // Other tests change lists meanwhile, so single reasons may differ from those of the dry run.
        let dry = try #require((campaign["dryRun"] as? [String: Any])?["outcomes"] as? [String: Int])
        let real = try #require(waves[0]["outcomes"] as? [String: Int])
        #expect(dry["contact"] == 30 && real["contact"] == 30 && dry.values.reduce(0, +) == real.values.reduce(0, +))
        // A new key does not run it twice.
        let third = try await planner.post("/api/v1/campaigns/\(id)/run", [:], ["Idempotency-Key": "other-\(id)"])
        #expect(third.status == 409 && third.code == "dispatch.wrong_phase")
        // Somebody of the wave is explained, with a sentence and every check.
        let contacted = try await world.platform.host.read { state in
            state.waves.values.first { $0.wave.campaign.number == Int64(id) }.flatMap { wave in
                var found: UInt32?
                for (block, sets) in wave.blocks { sets.contact.forEach { found = UInt32(block << 16 + $0) } }
                return found
            }
        }
        let index = SubscriberIndex(try #require(contacted))
        let number = try #require(world.platform.numbers.current.number(of: index))
        let why = try await world.signedIn("agent").post("/api/v1/explain", ["number": number.national])
        let decision = try #require(
            (why.json["decisions"] as? [[String: Any]])?.first { $0["campaign"] as? Int == id }
        )
        #expect(decision["outcome"] as? String == "contact" && decision["campaignName"] as? String == "闭环活动")
        #expect((decision["sentence"] as? String)?.isEmpty == false)
        #expect((decision["checks"] as? [Any])?.isEmpty == false)
    }

    @Test func `pause takes effect within two seconds, and resume goes on`() async throws {
        let planner = try await APIWorld.shared.signedIn("plan")
        let id = try await approved("暂停活动", rule: "status = '正常' OR status <> '正常'", limit: 200)
        _ = try await planner.post("/api/v1/campaigns/\(id)/run", [:], ["Idempotency-Key": "run-\(id)"])
        _ = try await wait(planner, id)
        let paused = try await planner.post("/api/v1/campaigns/\(id)/pause")
        #expect(paused.json["phase"] as? String == "paused")
        try await Task.sleep(for: .seconds(1))
        let held = try await progress(planner, id)
        #expect((held["sent"] as? Int ?? 0) < (held["contacts"] as? Int ?? 0))
        try await Task.sleep(for: .seconds(1.5))
        let later = try await progress(planner, id)
        #expect(later["sent"] as? Int == held["sent"] as? Int)
        #expect(later["stage"] as? String == "paused")
        #expect(try await planner.post("/api/v1/campaigns/\(id)/resume").json["phase"] as? String == "running")
        let more = try await wait(planner, id, (held["sent"] as? Int ?? 0) + 1)
        #expect((more["sent"] as? Int ?? 0) > (held["sent"] as? Int ?? 0))
        #expect(try await planner.post("/api/v1/campaigns/\(id)/stop").json["phase"] as? String == "stopped")
        let end = try await progress(planner, id)
        #expect(end["stage"] as? String == "stopped" && (end["released"] as? Int ?? 0) > 0)
        try await Task.sleep(for: .seconds(1))
        let after = try await progress(planner, id)
        let (sent, released) = (after["sent"] as? Int ?? 0, after["released"] as? Int ?? 0)
        #expect(sent + released == after["contacts"] as? Int)
    }

    @Test func `a runner that starts again goes on where the last one was broken off`() async throws {
        let world = try await APIWorld()
        let planner = try await world.signedIn("plan")
        let id = try await approved("中断", rule: "status = '正常'", limit: 100, in: world)
        _ = try await planner.post("/api/v1/campaigns/\(id)/run", [:], ["Idempotency-Key": "run"])
        _ = try await wait(planner, id)
        world.running.cancel()
        _ = await world.running.result
        let left = world.gateway.messageCount
        #expect(left > 0 && left < 100)
        try await Task.sleep(for: .seconds(1))
        #expect(world.gateway.messageCount == left)
        let next = CampaignRunner(world.platform, pace: APIWorld.pace, logger: world.logs.logger("next"))
        let running = Task { try await next.run() }
        let campaign = CampaignID(Int64(id))
        for _ in 0..<200 where try await world.platform.store.campaign(campaign)?.phase != .finished {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(try await world.platform.store.campaign(campaign)?.phase == .finished)
        #expect(world.gateway.messageCount == 100)
        let waves = try await world.platform.host.read { $0.waves.values.map { $0.sum(\.handedOff) } }
        #expect(waves == [100])
        running.cancel()
        _ = await running.result
    }

    @Test func `at night a campaign goes to the area that is awake, says who waits, and sends the rest in the morning`()
        async throws
    {
        let world = try await APIWorld()
        let clock = world.platform.clock
        clock.advance(to: clock.at(clock.now.day, minute: 22 * 60).instant)
        let example = APIWorld.repository.appending(path: "Examples/operator/policy.yaml")
        let file = FileManager.default.temporaryDirectory.appending(path: "gyre-policy-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try String(contentsOf: example, encoding: .utf8)
            .replacing("rule: province = '65'", with: "rule: brand = '神州行'")
            .write(to: file, atomically: true, encoding: .utf8)
        try await world.platform.setPolicy(file: file.path(percentEncoded: false), by: "test")
        let id = try await approved("分地区免扰", rule: "status = '正常'", limit: 60, in: world)
        var planner = try await world.signedIn("plan")
        _ = try await planner.post("/api/v1/campaigns/\(id)/run", [:], ["Idempotency-Key": "run"])
        let waiting = try await wait(planner, id, for: "heldByArea")
        let held = try #require(waiting["heldByArea"] as? Int)
        #expect(waiting["stage"] as? String == "waiting")
        #expect(held > 0 && held < 60 && waiting["sent"] as? Int == 60 - held)
        let morning = clock.at(clock.now.day.adding(days: 1), minute: 9 * 60)
        #expect(waiting["until"] as? String == morning.instant.iso)
        // The gateway answers at once; from then on nothing happens, and nothing is tried again and again.
        let quiet = try await wait(planner, id, for: "delivered", 60 - held)
        let sequence = try await world.platform.host.read { $0.sequence }
        try await Task.sleep(for: .seconds(2))
        let still = try await progress(planner, id)
        #expect(still["number"] as? Int == quiet["number"] as? Int && still["heldByArea"] as? Int == held)
        #expect(try await world.platform.host.read { $0.sequence } == sequence)
        let console = try await ConsoleWorld(base: world).signedIn("plan")
        let page = try await console.get("/campaigns/\(id)?tab=run", ["Cookie": "lang=zh-CN"])
        #expect(page.text.contains("其余均已发出，\(held) 户等待所在地区的免扰时段结束。"))
        clock.advance(to: morning.instant)
        planner = try await world.signedIn("plan")
        let done = try await wait(planner, id, stage: "finished")
        #expect(done["sent"] as? Int == 60 && done["delivered"] as? Int == 60 && done["heldByArea"] as? Int == 0)
        #expect(world.gateway.messageCount == 60)
        world.running.cancel()
        _ = await world.running.result
    }

    @Test func `a wave that is ordered while its campaign is being started is refused, and one wave runs`() async throws
    {
        let world = try await APIWorld.shared
        let id = CampaignID(Int64(try await approved("两次启动", rule: "status = '正常'", limit: 5)))
        let campaign = try #require(try await world.platform.store.campaign(id))
        // Orders to a runner that does not work yet stay in its queue.
        let idle = CampaignRunner(world.platform, pace: APIWorld.pace)
        try await idle.start(campaign, by: "plan")
        await #expect(throws: RunnerError.busy(id)) { try await idle.decide(campaign, by: "cli") }
        #expect(try await world.runner.decide(campaign, by: "cli").wave == WaveID(campaign: id, occurrence: 1))
        for _ in 0..<200 where try await world.platform.store.campaign(id)?.phase != .finished {
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(try await world.platform.store.campaign(id)?.phase == .finished, "what was decided is sent")
        #expect(try await world.platform.host.nextOccurrence(of: id) == 2, "and decided once")
    }

    @Test func `sending waits for the planned slot`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let segment = try await planner.post("/api/v1/segments", ["name": "明天", "rule": "status = '正常'"])
        let input = world.newCampaign("明天的活动", segment: segment.id, planned: "2026-09-17T10:00")
        let draft = try await planner.post("/api/v1/campaigns", input)
        _ = try await planner.post("/api/v1/campaigns/\(draft.id)/dry-run")
        _ = try await planner.post("/api/v1/campaigns/\(draft.id)/submit")
        let approver = try await world.signedIn("appr")
        _ = try await approver.post("/api/v1/campaigns/\(draft.id)/decision", ["result": "pass"])
        _ = try await planner.post("/api/v1/campaigns/\(draft.id)/run", [:], ["Idempotency-Key": "tomorrow"])
        let state = try await wait(planner, draft.id, stage: "waiting")
        #expect(state["until"] as? String == "2026-09-17T02:00:00Z" && state["sent"] as? Int == 0)
        _ = try await planner.post("/api/v1/campaigns/\(draft.id)/stop")
        #expect(try await wait(planner, draft.id, stage: "stopped")["sent"] as? Int == 0)
    }

    @Test func `nobody approves what he submitted, whatever his role is now`() async throws {
        let world = try await APIWorld.shared
        let admin = try await world.signedIn("admin")
        let made = try await admin.post("/api/v1/staff", ["login": "both", "name": "B", "role": "planner"])
        var both = world.client
        let session = try await both.post(
            "/api/v1/session",
            ["login": "both", "password": made.json["password"] as? String ?? ""]
        )
        both.token = session.json["token"] as? String
        let (id, _) = try await world.draft(by: both, "自批活动")
        let early = try await both.post("/api/v1/campaigns/\(id)/submit")
        #expect(early.status == 409 && early.code == "plan.no_dry_run")
        _ = try await both.post("/api/v1/campaigns/\(id)/dry-run")
        #expect(try await both.post("/api/v1/campaigns/\(id)/submit").status == 201)
        #expect(try await both.post("/api/v1/campaigns/\(id)/decision", ["result": "pass"]).status == 403)
        _ = try await admin.put("/api/v1/staff/both", ["role": "approver"])
        let own = try await both.post("/api/v1/campaigns/\(id)/decision", ["result": "pass"])
        #expect(own.status == 403 && own.code == "approval.own_campaign")
        let approver = try await world.signedIn("appr")
        let silent = try await approver.post("/api/v1/campaigns/\(id)/decision", ["result": "adjust"])
        #expect(silent.status == 422 && silent.code == "approval.reason_missing")
        let pending = try await approver.get("/api/v1/approvals?search=自批活动".encoded)
        #expect(pending.json["total"] as? Int == 1)
        let back = try await approver.post(
            "/api/v1/campaigns/\(id)/decision",
            ["result": "adjust", "reason": "语气太硬"]
        )
        #expect(back.json["phase"] as? String == "draft")
        let history = try await approver.get("/api/v1/campaigns/\(id)/approvals").array
        #expect(history.count == 1 && history[0]["reason"] as? String == "语气太硬")
    }

    @Test func `an edit of what somebody else changed is refused`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let (id, _) = try await world.draft(by: planner, "改两次")
        let read = try await planner.get("/api/v1/campaigns/\(id)").json
        let version = try #require(read["version"] as? Int)
        let object = try JSONSerialization.data(withJSONObject: read["plan"] as Any)
        var plan = try #require(try JSONSerialization.jsonObject(with: object) as? [String: any Sendable])
        plan["message"] = "新内容"
        let first = try await planner.put("/api/v1/campaigns/\(id)", ["version": version, "plan": plan])
        #expect(first.status == 200 && first.json["revision"] as? Int == 2)
        let second = try await planner.put("/api/v1/campaigns/\(id)", ["version": version, "plan": plan])
        #expect(second.status == 409 && second.code == "control.stale")
        plan["planned"] = "soon"
        let bad = try await planner.put("/api/v1/campaigns/\(id)", ["version": version + 1, "plan": plan])
        #expect(bad.status == 400 && (bad.json["detail"] as? String)?.contains("planned") == true)
    }

    @Test func `a test goes to staff numbers and is counted apart`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let (id, _) = try await world.draft(by: planner, "测试短信")
        let numbers: [String: any Sendable] = ["numbers": ["13800138000", "+86 139-0013-9000"]]
        let path = "/api/v1/campaigns/\(id)/test-send"
        #expect(try await planner.post(path, numbers).code == "edge.key_missing")
        let sent = try await planner.post(path, numbers, ["Idempotency-Key": "test-\(id)"])
        #expect(sent.json["accepted"] as? Int == 2)
        let bad = try await planner.post(path, ["numbers": ["12"]], ["Idempotency-Key": "bad-\(id)"])
        #expect(bad.status == 400)
        let waves = try await world.platform.host.read { $0.waves.keys.contains { $0.campaign.number == Int64(id) } }
        #expect(!waves)
    }

    @Test(.timeLimit(.minutes(10))) func `progress comes as server-sent events`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let id = try await approved("事件流", rule: "status = '正常'", limit: 40)
        let token = try await world.token("plan")
        _ = try await planner.post("/api/v1/campaigns/\(id)/run", [:], ["Idempotency-Key": "sse-\(id)"])
        let text = try await stream(id, of: world.site, token: token) { $0.contains("\"finished\"") }
        #expect(text.contains("content-type: text/event-stream") || text.contains("Content-Type: text/event-stream"))
        let events = text.components(separatedBy: "event: progress").count - 1
        #expect(events >= 3, "\(text)")
        #expect(text.contains("\"sent\":40"))
    }

    /// Reads the progress of a campaign from a site that is served, until the text is enough.
    private func stream(
        _ id: Int,
        of site: Site,
        token: String,
        until isEnough: (String) -> Bool
    ) async throws -> String {
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let server = Task {
            let app = site.application { found.yield($0.localAddress?.port ?? 0) }
            try await app.run()
        }
        defer { server.cancel() }
        var port = 0
        for await opened in ports {
            port = opened
            break
        }
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { input, output in
            let request =
                "GET /api/v1/campaigns/\(id)/progress HTTP/1.1\r\nHost: gyre.test\r\nAccept: text/event-stream\r\n"
            try await output.write(ByteBuffer(string: request + "Authorization: Bearer \(token)\r\n\r\n"))
            var text = ""
            for try await part in input {
                text += String(buffer: part)
                if isEnough(text) { break }
            }
            return text
        }
    }

    @Test(.timeLimit(.minutes(10))) func `an event stream says that it is alive while nothing happens`() async throws {
        let world = try await APIWorld.shared
        let (id, _) = try await world.draft(by: try await world.signedIn("plan"), "心跳")
        var settings = SiteSettings()
        settings.heartbeat = .milliseconds(50)
        settings.port = 0
        let site = try Site(platform: world.platform, runner: world.runner, settings: settings)
        let text = try await stream(id, of: site, token: try await world.token("plan")) {
            $0.components(separatedBy: ": alive\n\n").count > 3
        }
        #expect(
            text.contains("retry: 2000\n\n") && text.contains(": alive\n\n") && !text.contains("\ndata:"),
            "\(text)"
        )
    }
}

extension String {
    /// The text with everything escaped that an address may not hold.
    var encoded: String {
        addingPercentEncoding(withAllowedCharacters: .urlQueryAllowed) ?? self
    }
}
