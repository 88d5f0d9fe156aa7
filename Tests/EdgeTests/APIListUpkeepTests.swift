// Settings of special lists hold at every entrance, and the inbox says what became of each file.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Planning
import Ports
import Testing

@Suite(.serialized) struct APIListUpkeepTests {
    private func say(_ client: APIClient, _ list: String, _ more: [String: any Sendable]) async throws -> APIAnswer {
        let read = try await client.get("/api/v1/lists/\(list)/settings").json["version"] as? Int ?? 0
        let body: [String: any Sendable] = ["version": read, "reason": "集团要求"]
        return try await client.send(.put, "/api/v1/lists/\(list)/settings", json: body.merging(more) { $1 })
    }

    @Test func `a list is changed by those an administrator names, by hand, by import and by the folder`() async throws
    {
        // Files of others are counted in the shared inbox.
        let world = try await APIWorld()
        let (admin, agent) = (try await world.signedIn("admin"), try await world.signedIn("agent"))
        let planner = try await world.signedIn("plan")
        let number = try await world.number(300)
        let body: [String: any Sendable] = ["number": number, "reason": "x"]
        #expect(try await agent.post("/api/v1/lists/dnd_09/add", body).status == 200)
        let said = try await say(admin, "dnd_09", ["roles": ["planner"], "everyDays": 7])
        #expect(said.status == 200 && said.json["version"] as? Int == 1, "\(said.text)")
        for path in ["add", "remove"] {
            let refused = try await agent.post("/api/v1/lists/dnd_09/\(path)", body)
            #expect(refused.status == 403 && refused.code == "list.not_allowed", "\(refused.text)")
        }
        let text = "msisdn\n\(number)\n"
        let refused = try await agent.send(.post, "/api/v1/lists/dnd_09/import?reason=x", text: text)
        #expect(refused.status == 403 && refused.code == "list.not_allowed")
        #expect(try await planner.send(.post, "/api/v1/lists/dnd_09/import?reason=x", text: text).status == 200)
        let inbox = world.platform.listInbox
        func put(_ name: String) async throws -> InboxFile? {
            let path = URL(filePath: "\(inbox.path)/\(name)")
            try Data(text.utf8).write(to: path, options: .atomic)
            #expect(try inbox.files().contains { $0.name == name })
            for _ in 0..<200 where FileManager.default.fileExists(atPath: path.path) {
                _ = try await inbox.take()
                try await Task.sleep(for: .milliseconds(20))
            }
            return try inbox.files().first { $0.name == name }
        }
        let first = try #require(try await put("dnd_09.settings.csv"))
        #expect(first.standing == .refused && inbox.list(of: first) == .dnd(9))
        #expect(try inbox.refusal(of: first)?.code == "list.not_allowed")
        #expect(try await say(admin, "dnd_09", ["logins": ["inbox"], "everyDays": 7]).status == 200)
        let second = try #require(try await put("dnd_09.allowed.csv"))
        #expect(second.standing == .taken)
        #expect(try inbox.report(of: second)?.report.rows == 1)
        let kept = try #require(
            (try await agent.get("/api/v1/lists").array).first { $0["code"] as? String == "dnd_09" }
        )
        #expect(kept["updatedBy"] as? String == "inbox" && kept["updatedHow"] as? String == "inbox")
        #expect(kept["everyDays"] as? Int == 7 && kept["isOverdue"] as? Bool == false && kept["nextDay"] is String)
        #expect(try await world.platform.store.audit(ListQuery(search: "list.settings")).total >= 2)
        #expect(try await say(admin, "dnd_09", [:]).status == 200)
        #expect(try await agent.post("/api/v1/lists/dnd_09/remove", body).status == 200)
    }

    @Test func `settings that cannot be are refused, and so is who may not make them`() async throws {
        let world = try await APIWorld.shared
        let admin = try await world.signedIn("admin")
        let cases: [(String, [String: any Sendable], Int, String)] = [
            ("dnd_08", ["logins": ["nobody-here"]], 422, "list.unknown_login"),
            ("dnd_08", ["everyDays": 0], 422, "list.bad_frequency"),
            ("dnd_08", ["reason": " "], 422, "list.reason_missing"),
            ("dnd_08", ["roles": ["approver"]], 422, "list.bad_role"),
            ("dnd_08", ["roles": ["king"]], 400, "edge.bad_request"), ("dnd_08", ["version": 9], 409, "control.stale"),
            ("purple", [:], 422, "list.unknown_list"),
        ]
        for (list, body, status, code) in cases {
            let answer = try await say(admin, list, body)
            #expect(answer.status == status && answer.code == code, "\(list) \(body): \(answer.text)")
        }
        #expect(try await say(world.signedIn("lzadmin"), "dnd_08", [:]).status == 403)
        #expect(try await say(world.signedIn("agent"), "dnd_08", [:]).status == 403)
        #expect(try await admin.get("/api/v1/lists/purple/settings").status == 404)
    }

    @Test func `pages of settings and folder are for those concerned`() async throws {
        let world = try await ConsoleWorld.shared
        let (admin, agent) = (try await world.signedIn("admin"), try await world.signedIn("agent"))
        #expect(try await agent.get("/lists/settings/dnd_07").status == 403)
        #expect(try await admin.get("/lists/settings/purple").status == 404)
        #expect(try await admin.get("/lists/settings/dnd_07").status == 200)
        let wrong = try await admin.form("/lists/settings/dnd_07", "version=0&everyDays=x&reason=y")
        #expect(wrong.status == 422 && wrong.text.contains("366"))
        let done = try await admin.form(
            "/lists/settings/dnd_07",
            "version=0&role=agent&program=inbox&everyDays=3&reason=y"
        )
        #expect(done.headers[.location]?.contains("done=saved") == true)
        let setting = try await world.base.platform.lists.setting(of: "dnd_07")
        #expect(setting?.roles == [.agent] && setting?.logins == ["inbox"] && setting?.everyDays == 3)
        #expect(try await agent.get("/lists/inbox").status == 200)
        #expect(try await agent.get("/lists/inbox/report?file=../../lock").status == 404)
        #expect(try await world.signedIn("lanzhou").get("/lists/inbox").status == 404)
        #expect(try await world.signedIn("appr").get("/lists/inbox").status == 403)
    }
}
