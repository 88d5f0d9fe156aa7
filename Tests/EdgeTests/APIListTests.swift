// Special lists by hand, and what is written down of look-ups.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Planning
import Ports
import Testing

@Suite(.serialized) struct APIListTests {
    private func codes(_ answer: APIAnswer) -> [String] {
        (answer.json["entries"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    }

    @Test func `an agent registers do-not-disturb, sees who and why, and takes it back`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let number = try await world.number(10)
        let body: [String: any Sendable] = ["number": "+86 \(number)", "channel": "sms", "reason": "客户来电要求"]
        let added = try await agent.post("/api/v1/lists/dnd_01/add", body)
        #expect(added.status == 200 && added.json["isChanged"] as? Bool == true, "\(added.text)")
        let found = try await agent.post("/api/v1/lists/look-up", ["number": number])
        let entry = try #require(
            (found.json["entries"] as? [[String: Any]])?.first { $0["code"] as? String == "dnd_01" }
        )
        #expect(entry["channel"] as? String == "sms" && entry["addedBy"] as? String == "agent")
        #expect(entry["reason"] as? String == "客户来电要求")
        // It counts at the next decision.
        let index = SubscriberIndex(UInt32(found.json["subscriber"] as? Int ?? 0))
        let isListed = try await world.platform.host.read { state in
            state.lists[.dnd(1, channel: .sms)]?.contains(index.number)
        }
        #expect(isListed == true)
        #expect(try await agent.post("/api/v1/lists/dnd_01/add", body).json["isChanged"] as? Bool == false)
        let removed = try await agent.post("/api/v1/lists/dnd_01/remove", body)
        #expect(removed.json["isChanged"] as? Bool == true && !codes(removed).contains("dnd_01"))
        #expect(try await agent.post("/api/v1/lists/dnd_01/remove", body).json["isChanged"] as? Bool == false)
    }

    @Test func `a change without reason, with a wrong list, channel or number is refused`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let number = try await world.number(11)
        let cases: [(String, [String: any Sendable], Int, String)] = [
            ("dnd_01", ["number": number, "reason": " "], 422, "list.reason_missing"),
            ("purple", ["number": number, "reason": "x"], 422, "list.unknown_list"),
            ("product%2FDATA10", ["number": number, "reason": "x"], 422, "list.unknown_list"),
            ("black", ["number": number, "channel": "sms", "reason": "x"], 422, "list.not_by_channel"),
            ("dnd_01", ["number": number, "channel": "fax", "reason": "x"], 400, "edge.bad_request"),
            ("dnd_01", ["number": "12345", "reason": "x"], 422, "list.bad_number"),
            ("dnd_01", ["number": "+12025550123", "reason": "x"], 404, "list.unknown_number"),
        ]
        for (list, body, status, code) in cases {
            let answer = try await agent.post("/api/v1/lists/\(list)/add", body)
            #expect(answer.status == status && answer.code == code, "\(list): \(answer.text)")
            #expect(!answer.text.contains(number), "a message repeats the number")
        }
    }

    @Test func `an import tells what it did with every line`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let (a, b) = (try await world.number(20), try await world.number(21))
        let spaced = "\(a.prefix(3)) \(a.dropFirst(3).prefix(4))-\(a.suffix(4))"
        let file = "\u{FEFF}手机号码,备注\r\n\"\(spaced)\",甲\r\n86\(a),重复\r\n\r\n0086\(b)\r\n12345,错\r\n+12025550123\r\n"
        let reason = "reason=投诉".encoded
        let answer = try await agent.send(.post, "/api/v1/lists/grey/import?\(reason)", text: file)
        let report = answer.json
        #expect(answer.status == 200, "\(answer.text)")
        #expect(report["lines"] as? Int == 5 && report["added"] as? Int == 2 && report["duplicates"] as? Int == 1)
        #expect(report["malformed"] as? Int == 1 && report["unknown"] as? Int == 1 && report["present"] as? Int == 0)
        let rejects = report["rejects"] as? [[String: Any]] ?? []
        #expect(rejects.map { $0["line"] as? Int } == [6, 7])
        let again = try await agent.send(.post, "/api/v1/lists/grey/import?\(reason)", text: "\(a)\n\(b)")
        #expect(again.json["present"] as? Int == 2 && again.json["added"] as? Int == 0)
        let export = try await agent.get("/api/v1/lists/grey/export")
        #expect(export.text.contains(a) && export.text.contains(b) && export.text.hasPrefix("\u{FEFF}"))
        #expect(
            try await agent.send(.post, "/api/v1/lists/grey/import?\(reason)", text: "\n\n").code == "list.empty_file"
        )
        #expect(try await agent.send(.post, "/api/v1/lists/grey/import", text: a).code == "list.reason_missing")
        let sizes = try await agent.get("/api/v1/lists").array
        #expect(sizes.first { $0["code"] as? String == "grey" }?["count"] as? Int == 2)
    }

    @Test func `a scoped planner neither sees nor changes lines outside his city`() async throws {
        let world = try await APIWorld.shared
        let lanzhou = try await world.signedIn("lanzhou")
        let (inside, outside) = (
            try await world.number(3, inLanzhou: true), try await world.number(3, inLanzhou: false)
        )
        let reason = "?reason=test"
        let answer = try await lanzhou.send(.post, "/api/v1/lists/white/import\(reason)", text: "\(inside)\n\(outside)")
        #expect(answer.json["added"] as? Int == 1 && answer.json["unknown"] as? Int == 1)
        _ = try await world.signedIn("agent").send(.post, "/api/v1/lists/white/import\(reason)", text: outside)
        let export = try await lanzhou.get("/api/v1/lists/white/export").text
        #expect(export.contains(inside) && !export.contains(outside))
    }

    @Test func `look-ups are on record by subscriber, and no log holds a number`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let number = try await world.number(30)
        let found = try await agent.post("/api/v1/lists/look-up", ["number": number])
        _ = try await agent.post("/api/v1/explain", ["number": number])
        _ = try await agent.get("/api/v1/lists/\(number)/export")
        let subscriber = try #require(found.json["subscriber"] as? Int)
        let log = try await world.platform.store.audit(ListQuery(search: "subscriber/\(subscriber)", limit: 100)).rows
        #expect(log.filter { $0.action == "subscriber.look_up" && $0.object == "subscriber/\(subscriber)" }.count >= 2)
        let everything = try await world.platform.store.audit(ListQuery(limit: 1000)).rows
        #expect(!everything.contains { ($0.object + $0.detail + $0.who).contains(number) })
        #expect(!world.logs.all.isEmpty)
        #expect(!world.logs.all.contains { $0.contains(number) })
    }
}
