// The contact policy through use cases and API: drafts, preview, making live, history, and who may what.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Files
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Planning
import Ports
import Testing
import Texts

@testable import Console

@Suite(.serialized) struct APIPolicyTests {
    /// An operator of its own: its policy changes.
    private static let made = Task { try await APIWorld() }
    private let drafts = "/api/v1/policy/drafts"

    private var world: APIWorld { get async throws { try await Self.made.value } }

    private func staff(_ login: String) async throws -> Staff {
        try #require(try await world.platform.store.staff(login: login)?.staff)
    }

    private func begin(_ note: String) async throws -> (Policies, Staff, Instant, PolicyDraft) {
        let platform = try await world.platform
        let (admin, now) = (try await staff("admin"), platform.clock.now.instant)
        return (platform.policies, admin, now, try await platform.policies.begin(note: note, by: admin, at: now))
    }

    // MARK: Use cases

    @Test func `a draft is edited, made live once, and what was live before stays readable`() async throws {
        let (policies, admin, now, draft) = try await begin("收紧短信")
        let live = try #require(try await policies.live())
        #expect(draft.base == live.revision && draft.policy.changes(to: live).isEmpty)
        await #expect(throws: PolicyError.self, "nothing is changed yet") {
            try await policies.makeLive(draft.id, version: 1, by: admin, at: now)
        }
        var policy = draft.policy
        policy.tiers[1].caps[.sms] = Cap(count: 1, months: 1)
        let edited = try await policies.edit(
            draft.id,
            version: 1,
            policy: policy,
            note: "收紧短信",
            by: admin,
            at: now
        )
        #expect(edited.version == 2)
        #expect(try await policies.changes(of: edited).map(\.section) == [.tiers])
        await #expect(throws: ControlPlaneError.self, "the version is the one that was read") {
            try await policies.makeLive(draft.id, version: 1, by: admin, at: now)
        }
        let revision = try await policies.makeLive(draft.id, version: 2, by: admin, at: now)
        #expect(revision.number == live.revision + 1 && revision.draft == draft.id)
        #expect(try await policies.live() == revision.policy)
        #expect(try await policies.revision(live.revision).policy == live)
        let changes = try await policies.changes(from: live.revision, to: revision.number)
        #expect(changes.map { $0.sentence(.en) } == ["Tier GoTone, SMS cap: 3 a month → 1 a month"])
        #expect(changes.map { $0.sentence(.zh) } == ["档位 全球通，短信上限：3 次/月 → 1 次/月"])
        await #expect(throws: PolicyError.self, "it is live already") {
            try await policies.makeLive(draft.id, version: 3, by: admin, at: now)
        }
        let audit = try await world.platform.store.audit(ListQuery(search: "policy", limit: 3)).rows
        #expect(audit.map(\.action) == ["policy.live", "policy.edit", "policy.draft"])
        #expect(audit[0].object == "policy/\(revision.number)" && audit[1].detail.contains("tiers"))
        // What was live comes back as a draft of its own.
        let back = try await policies.begin(note: "撤回", from: live.revision, by: admin, at: now)
        #expect(back.base == revision.number)
        #expect(try await policies.changes(of: back).count == 1)
        #expect(try await policies.discard(back.id, version: 1, by: admin, at: now).state == .discarded)
    }

    @Test func `a draft whose base is no longer live is rebased first, part by part`() async throws {
        let (policies, admin, now, first) = try await begin("first")
        let second = try await policies.begin(note: "second", by: admin, at: now)
        var policy = first.policy
        policy.intervalDays[.outbound] = 40
        policy.holdout.ppm = 30_000
        _ = try await policies.edit(first.id, version: 1, policy: policy, note: "first", by: admin, at: now)
        let revision = try await policies.makeLive(first.id, version: 2, by: admin, at: now)
        policy = second.policy
        policy.reservationHours = 48
        policy.holdout.ppm = 10_000
        _ = try await policies.edit(second.id, version: 1, policy: policy, note: "second", by: admin, at: now)
        do {
            _ = try await policies.makeLive(second.id, version: 2, by: admin, at: now)
            Issue.record("the base is old")
        } catch PolicyError.baseNotLive(let draft, let base, let live) {
            #expect(draft == second.id && base == first.base && live == revision.number)
        }
        let (moved, both) = try await policies.rebase(second.id, version: 2, by: admin, at: now)
        #expect(both == [.holdout] && moved.base == revision.number && moved.version == 3)
        #expect(moved.policy.intervalDays[.outbound] == 40, "the part it left alone is the live one")
        #expect(moved.policy.reservationHours == 48 && moved.policy.holdout.ppm == 10_000)
        let last = try await policies.makeLive(second.id, version: 3, by: admin, at: now)
        #expect(last.number == revision.number + 1)
    }

    @Test func `of two who make their drafts live at once one is told to rebase`() async throws {
        let (policies, admin, now, first) = try await begin("a")
        let second = try await policies.begin(note: "b", by: admin, at: now)
        for (draft, hours) in [(first, 11), (second, 12)] {
            var policy = draft.policy
            policy.reservationHours = hours
            _ = try await policies.edit(draft.id, version: 1, policy: policy, note: "", by: admin, at: now)
        }
        let before = try #require(try await policies.live()).revision
        let results = await withTaskGroup(of: Result<Int, any Error>.self) { group in
            for id in [first.id, second.id] {
                group.addTask {
                    do { return .success(try await policies.makeLive(id, version: 2, by: admin, at: now).number) } catch
                    {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.compactMap { try? $0.get() } == [before + 1])
        #expect(try await policies.live()?.revision == before + 1)
    }

    @Test func `a revision that reached the log but not the store is recorded at the next chance`() async throws {
        let (policies, admin, now, draft) = try await begin("interrupted")
        var policy = draft.policy
        policy.reservationHours = 96
        let edited = try await policies.edit(draft.id, version: 1, policy: policy, note: "x", by: admin, at: now)
        let host = try await world.platform.host
        let file = try host.store(Array(JSONEncoder().encode(edited.policy)))
        try await host.record([.policySet(revision: Int32(edited.policy.revision), file: file)])
        try await policies.settle(at: now)
        let revision = try await policies.revision(edited.policy.revision)
        #expect(revision.draft == draft.id && revision.who == "system" && revision.policy == edited.policy)
        #expect(try await policies.draft(draft.id).state == .live)
    }

    @Test func `problems are those of the file, and keep a draft from being made live`() async throws {
        let (policies, admin, now, draft) = try await begin("wrong")
        var policy = draft.policy
        policy.tiers[0].rule = "brend = '全球通'"
        policy.tiers[1].overall = Cap(count: 201, months: 1)
        policy.categoryRules[0].rule = "occupation = '学生'"
        policy.categoryRules[1].rule = "owns('DATA10')"
        _ = try await policies.edit(draft.id, version: 1, policy: policy, note: "", by: admin, at: now)
        let problems = try await policies.problems(of: policy)
        #expect(
            problems.map(\.key)
                == ["tiers[0].rule", "tiers[1].overall", "categoryRules[0].rule", "categoryRules[1].rule"]
        )
        #expect(problems[0].remark.suggestion == "brand" && problems[0].remark.range == 0..<5)
        #expect(problems[2].remark.message.en.contains("occupation"))
        await #expect(throws: PolicyError.self) {
            try await policies.makeLive(draft.id, version: 2, by: admin, at: now)
        }
        await #expect(throws: PolicyError.self) { try await policies.preview(policy, on: now.day(in: world)) }
        _ = try await policies.discard(draft.id, version: 2, by: admin, at: now)
        await #expect(throws: PolicyError.self) {
            try await policies.edit(draft.id, version: 3, policy: policy, note: "", by: admin, at: now)
        }
    }

    // MARK: API

    @Test func `a cap is changed through the API, seen in the preview, and made live`() async throws {
        let admin = try await world.signedIn("admin")
        let made = try await admin.post(drafts, ["note": "API"])
        #expect(made.status == 201 && (made.json["problems"] as? [Any])?.isEmpty == true)
        let path = "\(drafts)/\(made.id)"
        var policy = try Self.sendable(made.json["policy"])
        policy["holidays"] = ["2027-02-17", "2026-10-01"]
        var tiers = try #require(policy["tiers"] as? [[String: any Sendable]])
        var caps = try #require(tiers[3]["caps"] as? [String: any Sendable])
        caps["sms"] = ["count": 0, "months": 1]
        tiers[3]["caps"] = caps
        policy["tiers"] = tiers
        let put = try await admin.put(path, ["version": 1, "policy": policy])
        #expect(put.status == 200 && put.json["version"] as? Int == 2, "\(put.text)")
        let stored = try #require(put.json["policy"] as? [String: Any])
        #expect(stored["holidays"] as? [String] == ["2026-10-01", "2027-02-17"])

        let preview = try await admin.get(path + "/preview")
        #expect(preview.status == 200, "\(preview.text)")
        let groups = try #require(preview.json["groups"] as? [[String: Any]])
        #expect(groups.compactMap { $0["code"] as? String } == ["", "全球通", "动感地带", "神州行"])
        let lost = groups.map { ($0["reach"] as? [[String: Any]])?.first?["lost"] as? Int ?? -1 }
        #expect(lost[0] > 0 && lost[0] == lost[1] + lost[2] + lost[3])
        #expect(preview.json["affected"] as? Int == lost[0] && preview.json["retiered"] as? Int == 0)
        #expect(preview.json["subscribers"] as? Int == 1_500)
        let table = try await admin.get(path + "/preview?format=csv")
        #expect(table.text.split(separator: "\r\n").count == 17)
        let changes = try await admin.get(path + "/changes")
        #expect(changes.array.compactMap { $0["section"] as? String } == ["tiers", "holidays"])

        let before = try await admin.get("/api/v1/policy").json["revision"] as? Int ?? 0
        let live = try await admin.post(path + "/live", ["version": 2])
        #expect(live.status == 200 && live.json["revision"] as? Int == before + 1, "\(live.text)")
        #expect(try await admin.get("/api/v1/policy").json["revision"] as? Int == before + 1)
        let revision = try await admin.get("/api/v1/policy/revisions/\(before + 1)")
        #expect((revision.json["policy"] as? [String: Any])?["revision"] as? Int == before + 1)
        let words = try await admin.get("/api/v1/policy/revisions/\(before + 1)/changes?from=\(before)")
        #expect(words.array.count == 2)
        let all = try await admin.get("/api/v1/policy/revisions?limit=1")
        #expect(all.json["total"] as? Int == before + 1)
        #expect(try await admin.post(path + "/live", ["version": 3]).code == "policy.closed")
    }

    @Test func `a draft runs beside the live policy, reports, and is ended`() async throws {
        let admin = try await world.signedIn("admin")
        let made = try await admin.post(drafts, ["note": "shadow"])
        let path = "\(drafts)/\(made.id)"
        #expect(try await admin.get("/api/v1/policy/shadow").status == 404)
        #expect(try await admin.post(path + "/shadow", ["version": 9]).status == 409)
        let started = try await admin.post(path + "/shadow", ["version": 1])
        #expect(started.status == 200 && started.json["draft"] as? Int == made.id, "\(started.text)")
        #expect(started.json["waveCount"] as? Int == 0 && started.json["failures"] as? Int == 0)
        let planner = try await world.signedIn("plan")
        #expect(try await planner.get("/api/v1/policy/shadow").json["version"] as? Int == 1)
        #expect(try await planner.send(.delete, "/api/v1/policy/shadow").status == 403)
        #expect(try await admin.send(.delete, "/api/v1/policy/shadow").status == 204)
        #expect(try await admin.send(.delete, "/api/v1/policy/shadow").status == 404)
    }

    @Test func `what is wrong in a body is told with its place`() async throws {
        let admin = try await world.signedIn("admin")
        let made = try await admin.post(drafts, ["note": "wrong"])
        let path = "\(drafts)/\(made.id)"
        let policy = try Self.sendable(made.json["policy"])
        func put(_ change: (inout [String: any Sendable]) -> Void) async throws -> APIAnswer {
            var changed = policy
            change(&changed)
            return try await admin.put(path, ["version": 1, "policy": changed])
        }
        for answer in [
            try await put { $0["productsDays"] = [String: Int]() }, try await put { $0["holidays"] = ["2026-02-30"] },
            try await put { $0["tiers"] = nil }, try await put { $0["ranking"] = ["luck"] },
            try await admin.get(path + "/preview?day=tomorrow"), try await admin.get("\(drafts)?state=dead"),
            try await admin.get("/api/v1/policy/revisions/1/changes?from=-1"),
        ] {
            #expect(answer.status == 400 && answer.code == "edge.bad_request", "\(answer.text)")
        }
        let saved = try await put { $0["reservationHours"] = 0 }
        let problems = try #require(saved.json["problems"] as? [[String: Any]])
        #expect(saved.status == 200 && problems.map { $0["field"] as? String } == ["reservationHours"])
        let refused = try await admin.post(path + "/live", ["version": 2])
        #expect(refused.status == 422 && refused.code == "policy.invalid")
        #expect((refused.json["errors"] as? [[String: Any]])?.first?["field"] as? String == "reservationHours")
        #expect(try await put { _ in }.code == "control.stale")
        #expect(try await admin.post(path + "/discard", ["version": 2]).json["state"] as? String == "discarded")
        #expect(try await admin.get("\(drafts)/9999").status == 404)
        #expect(try await admin.get("/api/v1/policy/revisions/9999").status == 404)
    }

    @Test func `planners and agents only read, and nobody of a part of the operator changes the policy`() async throws {
        for (login, code) in [
            ("plan", "edge.forbidden"), ("agent", "edge.forbidden"), ("lzadmin", "policy.not_allowed"),
        ] {
            let client = try await world.signedIn(login)
            let refused = try await client.post(drafts, ["note": "mine"])
            #expect(refused.status == 403 && refused.code == code)
            #expect(try await client.get("/api/v1/policy").status == 200)
            #expect(try await client.get("/api/v1/policy/revisions").status == 200)
        }
        let made = try await world.signedIn("appr").post(drafts, ["note": "by an approver"])
        #expect(made.status == 201)
        let preview = "\(drafts)/\(made.id)/preview"
        #expect(try await world.signedIn("lzadmin").get(preview).status == 403)
        #expect(try await world.signedIn("plan").post("\(drafts)/\(made.id)/live", ["version": 1]).status == 403)
    }

    @Test func `planners untick only the classes that the policy lets their role untick`() async throws {
        let (policies, admin, now, draft) = try await begin("untick")
        var policy = draft.policy
        for place in policy.dnd.indices {
            switch policy.dnd[place].number {
            case 5: policy.dnd[place].untickedBy = ["planner"]
            case 6: policy.dnd[place].untickedBy = ["approver", "administrator"]
            default: break
            }
        }
        _ = try await policies.edit(draft.id, version: 1, policy: policy, note: "", by: admin, at: now)
        _ = try await policies.makeLive(draft.id, version: 2, by: admin, at: now)
        let world = try await world
        let planner = try await world.signedIn("plan")
        let segment = try await planner.post("/api/v1/segments", ["name": "角色", "rule": "TRUE"])
        for (classes, status) in [([5], 201), ([4], 201), ([6], 422), ([5, 6], 422), ([2], 422)] {
            var input = world.newCampaign("untick \(classes)", segment: segment.id)
            input["unticked"] = classes
            let answer = try await planner.post("/api/v1/campaigns", input)
            #expect(answer.status == status, "\(classes): \(answer.text)")
            #expect(status == 201 || answer.code == "plan.bad_value")
        }
        let site = try Site(platform: world.platform, runner: world.runner)
        Console.add(to: site)
        var browser = APIClient(router: site.router(), logger: world.logs.logger("browser"))
        browser.token = planner.token
        let page = try await browser.get("/campaigns/new?scene=care").text
        #expect(page.contains(#"value="6" checked="" disabled="""#) && page.contains(#"value="5" checked="">"#))
        let body =
            "scene=care&name=form&goal=g&segment=\(segment.id)&message=hello&planned=2026-09-17T10:00"
            + "&validTo=2026-09-30&control=0&value=0&cost=0"
        let saved = try await browser.form("/campaigns/save", body)
        #expect(saved.status == 303)
        let plan = try #require(try await world.platform.store.campaign(named: "form")?.plan)
        #expect(plan.unticked.contains(5) && !plan.unticked.contains(6), "class 6 stays removed whatever is sent")
    }

    // MARK: Console

    @Test func `the form of a policy gives the same policy back`() throws {
        let policy = try Self.example()
        let frame = ConsoleModels.frame(.en, .administrator)
        let (read, errors) = PolicyFields(policy).policy(frame)
        #expect(errors.isEmpty)
        #expect(policy.changes(to: read).isEmpty, "\(policy.changes(to: read).map { $0.sentence(.en) })")
        #expect(read.problems { _ in nil } == [])
    }

    @Test func `fields that cannot be read are told, empty rows are left out, and rows can be removed`() throws {
        let policy = try Self.example()
        let frame = ConsoleModels.frame(.en, .administrator)
        var fields = PolicyFields(policy)
        fields["tiers.0.sms"] = "many"
        fields["quiet.sms.to"] = ""
        fields["holidays"] = "2026-10-01, next week"
        fields["holdout"] = "a third"
        fields["offers.most"] = ""
        fields["similar.3.category"] = "retention"
        fields["similar.3.days"] = "3"
        #expect(
            Set(fields.policy(frame).errors.keys)
                == ["tiers.0.sms", "quiet.sms", "holidays", "holdout", "offers.most", "similar.3.category"]
        )
        fields = PolicyFields(policy)
        fields["rules.0.remove"] = "on"
        fields["rules.3.code"] = "new_rule"
        let (read, errors) = fields.policy(frame)
        #expect(errors.isEmpty && read.categoryRules.map(\.code) == ["has_5g_plan", "complained_often", "new_rule"])
        let names = read.problems { _ in nil }.map { PolicyFields.name(of: $0, in: read) }
        #expect(names == ["rules.2.zh", "rules.2.en", "rules.2.rule"])
    }

    private static func example() throws -> ContactPolicy {
        let path = APIWorld.repository.appending(path: "Examples/operator/policy.yaml").path(percentEncoded: false)
        return try PolicyFile.read(path: path, revision: 1) { _ in nil }
    }

    /// JSON as it came, to be sent again.
    private static func sendable(_ value: Any?) throws -> [String: any Sendable] {
        func convert(_ value: Any) -> any Sendable {
            switch value {
            case let list as [Any]: return list.map(convert)
            case let map as [String: Any]: return map.mapValues(convert)
            case let number as NSNumber where CFNumberIsBoolean(number): return number.boolValue
            case let number as NSNumber: return number.intValue
            case let text as String: return text
            default: return NSNull()
            }
        }
        return try #require(value as? [String: Any]).mapValues(convert)
    }
}

private func CFNumberIsBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

extension Instant {
    fileprivate func day(in world: APIWorld) -> LocalDay { world.platform.clock.now.day }
}
