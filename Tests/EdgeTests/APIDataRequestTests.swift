// API and console: data requests from one desk to another.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Ports
import Testing

@Suite(.serialized) struct APIDataRequestTests {
    private func raise(
        _ client: APIClient,
        _ title: String,
        _ more: [String: any Sendable] = [:]
    ) async throws -> APIAnswer {
        let body: [String: any Sendable] = [
            "title": title, "need": "号码与套餐", "reason": "外呼挽留", "wantedBy": "2999-01-01",
        ]
        return try await client.post("/api/v1/data-requests", body.merging(more) { $1 })
    }

    @Test func `a request goes to and fro until it is accepted, and everybody sees what he may do`() async throws {
        let world = try await APIWorld.shared
        let (asker, worker) = (try await world.signedIn("appr"), try await world.signedIn("plan"))
        let raised = try await raise(asker, "五月流失用户")
        #expect(raised.status == 201 && raised.json["acts"] as? [String] == ["cancel"], "\(raised.text)")
        let id = try #require(raised.json["id"] as? Int)
        let path = "/api/v1/data-requests/\(id)"
        var version = 1
        func step(
            _ client: APIClient,
            _ act: String,
            _ body: [String: any Sendable] = [:]
        ) async throws -> APIAnswer {
            let sent: [String: any Sendable] = ["version": version]
            let answer = try await client.post("\(path)/\(act)", sent.merging(body) { $1 })
            version = answer.json["version"] as? Int ?? version
            return answer
        }
        #expect(try await worker.get(path).json["acts"] as? [String] == ["take"])
        let waiting = try await worker.get("/api/v1/data-requests?view=waiting&q=\("五月流失".encoded)").json
        #expect(waiting["total"] as? Int == 1)
        #expect(try await step(asker, "take").status == 403, "an approver makes no segments")
        #expect(try await step(worker, "take").json["worker"] as? String == "plan")
        #expect(try await step(worker, "ask", ["text": " "]).code == "request.text_missing")
        #expect(try await step(worker, "ask", ["text": "哪个月？"]).json["state"] as? String == "asked")
        #expect(try await step(asker, "reply", ["text": "五月"]).json["state"] as? String == "taken")
        #expect(try await step(asker, "accept").status == 409)
        let stale = try await worker.post("\(path)/answer", ["version": 1, "text": "x"])
        #expect(stale.status == 409 && stale.code == "control.stale")
        let unknown = try await step(worker, "answer", ["segment": 999_999])
        #expect(unknown.status == 422 && unknown.code == "request.segment_hidden")
        let answered = try await step(worker, "answer", ["text": "共 3 户，见附件"])
        #expect((answered.json["answer"] as? [String: Any])?["text"] as? String == "共 3 户，见附件")
        #expect(try await step(asker, "accept").json["state"] as? String == "closed")
        let history = try #require(try await asker.get(path).json["history"] as? [[String: Any]])
        #expect(history.map { $0["act"] as? String } == ["take", "ask", "reply", "answer", "accept"])
        let log = try await world.platform.store.audit(ListQuery(search: "request/\(id)", limit: 50)).rows
        #expect(log.map(\.action).contains("request.accept"))
        #expect(try await asker.get("/api/v1/data-requests?view=other").status == 400)
        #expect(try await asker.get("/api/v1/data-requests?state=open,flying").status == 400)
        let csv = try await asker.get("/api/v1/data-requests?format=csv&view=mine")
        #expect(csv.text.contains("五月流失用户"))
    }

    @Test func `what is wrong with a request is said, and other parts of the organisation see nothing of it`()
        async throws
    {
        let world = try await APIWorld.shared
        let (all, lanzhou) = (try await world.signedIn("plan"), try await world.signedIn("lanzhou"))
        let cases: [([String: any Sendable], Int, String)] = [
            (["title": " "], 422, "request.bad_field"), (["wantedBy": "2020-01-01"], 422, "request.past_day"),
            (["wantedBy": "soon"], 400, "edge.bad_request"), (["segment": 999_999], 422, "request.segment_hidden"),
            (["scope": ["province": "11"]], 422, "request.outside_scope"),
        ]
        for (body, status, code) in cases {
            let answer = try await raise(lanzhou, "错误", body)
            #expect(answer.status == status && answer.code == code, "\(body): \(answer.text)")
        }
        let id = try #require(try await raise(all, "全省数据").json["id"] as? Int)
        #expect(try await lanzhou.get("/api/v1/data-requests/\(id)").status == 404)
        #expect(try await lanzhou.post("/api/v1/data-requests/\(id)/take", ["version": 1]).status == 404)
        let own = try #require(try await raise(lanzhou, "兰州数据").json["id"] as? Int)
        #expect(try await all.get("/api/v1/data-requests/\(own)").status == 200)
        let seen = try await lanzhou.get("/api/v1/data-requests?limit=1000").text
        #expect(seen.contains("兰州数据") && !seen.contains("全省数据"))
        let agent = try await world.signedIn("agent")
        #expect(try await agent.get("/api/v1/data-requests").status == 403)
    }
}
