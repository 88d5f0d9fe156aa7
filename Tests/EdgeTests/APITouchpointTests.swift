// Touchpoints through the API: a campaign without waves, the customers who come, and what they answer (W02).
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import HTTPAPI
import Kernel
import Model
import Ports
import Testing

@Suite(.serialized) struct APITouchpointTests {
    /// A campaign that waits in the offer pool for everybody on network.
    private func offered(_ name: String, priority: Int, world: APIWorld) async throws -> Int {
        let planner = try await world.signedIn("plan")
        let segment = try await planner.post("/api/v1/segments", ["name": "客户群 \(name)", "rule": "status = '正常'"])
        let draft = try await planner.post("/api/v1/campaigns", world.newCampaign(name, segment: segment.id))
        try #require(draft.status == 201, "\(draft.text)")
        var plan = try #require(draft.json["plan"] as? [String: any Sendable])
        plan["channel"] = "inbound"
        plan["touchpoints"] = ["hotline", "website"]
        plan["priority"] = priority
        plan["script"] = "\(name)：您当前套餐更适合388元档。"
        plan["product"] = "PLAN388-\(priority)"
        plan["controlPPM"] = 0
        let body: [String: any Sendable] = ["version": draft.json["version"] as? Int ?? 0, "plan": plan]
        let saved = try await planner.put("/api/v1/campaigns/\(draft.id)", body)
        try #require(saved.status == 200, "\(saved.text)")
        try #require(try await planner.post("/api/v1/campaigns/\(draft.id)/dry-run").status == 200)
        try #require(try await planner.post("/api/v1/campaigns/\(draft.id)/submit").status == 201)
        let approver = try await world.signedIn("appr")
        _ = try await approver.post("/api/v1/campaigns/\(draft.id)/decision", ["result": "pass"])
        let run = try await planner.post("/api/v1/campaigns/\(draft.id)/run", [:], ["Idempotency-Key": name])
        try #require(run.status == 202, "\(run.text)")
        for _ in 0..<300 {
            let progress = try await planner.get("/api/v1/campaigns/\(draft.id)/progress").json
            if progress["stage"] as? String == "offered" { return draft.id }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the campaign never reached the pool")
        return draft.id
    }

    @Test func `a customer who comes is offered the campaign, takes it with one click, and is not asked again`()
        async throws
    {
        let world = try await APIWorld.shared
        let first = try await offered("388套餐", priority: 1, world: world)
        let second = try await offered("流量包", priority: 3, world: world)
        let agent = try await world.signedIn("agent")
        // Of the first customers somebody has nothing in the way; a barred one gets no area at all (W02, step 5).
        var (number, offers): (String, [[String: Any]]) = ("", [])
        for position in 0..<60 where offers.count < 2 {
            number = try await world.number(position)
            let answer = try await agent.post(
                "/api/v1/touchpoints/website/offers",
                ["number": number, "interaction": "visit-\(position)"]
            )
            #expect(answer.status == 200, "\(answer.text)")
            offers = answer.json["offers"] as? [[String: Any]] ?? []
        }
        try #require(offers.count == 2, "nobody was offered both")
        #expect(offers.map { $0["campaign"] as? Int } == [first, second])
        #expect((offers[0]["script"] as? String)?.contains("388") == true && offers[0]["priority"] as? Int == 1)
        let position = try #require(
            try await (0..<60).asyncFirst { try await world.number($0) == number }
        )
        let visit: [String: any Sendable] = ["number": number, "interaction": "visit-\(position)"]
        let again = try await agent.post("/api/v1/touchpoints/website/offers", visit)
        #expect((again.json["offers"] as? [[String: Any]])?.count == 2, "the same visit gets the same answer")
        var taken = visit
        taken["campaign"] = first
        taken["result"] = "accepted"
        #expect(try await agent.post("/api/v1/touchpoints/website/results", taken).status == 204)
        // The hotline does not offer what was taken on the site; the other offer is still there.
        let call = try await agent.post(
            "/api/v1/touchpoints/hotline/offers",
            ["number": number, "interaction": "call-1"]
        )
        let campaigns = (call.json["offers"] as? [[String: Any]] ?? []).map { $0["campaign"] as? Int }
        #expect(!campaigns.contains(first))

        // Why: at the hotline the first was cancelled by what happened on the site, and what that would have needed.
        let why = try await agent.post("/api/v1/explain", ["number": number, "campaign": first])
        let decision = try #require((why.json["decisions"] as? [[String: Any]])?.first, "\(why.text)")
        #expect(decision["outcome"] as? String == "withdrawn" && decision["touchpoint"] as? String == "hotline")
        let needed = try #require(decision["counterfactual"] as? [String: Any])
        #expect(needed["outcome"] as? String == "contact" && (needed["changes"] as? [String])?.isEmpty == false)
        let all = try await agent.post("/api/v1/explain", ["number": number])
        let visits = (all.json["decisions"] as? [[String: Any]] ?? []).filter {
            $0["touchpoint"] as? String == "website"
        }
        #expect(visits.compactMap { $0["campaign"] as? Int }.sorted() == [first, second].sorted())
        let request = try #require(visits.first?["request"] as? String)
        let candidates = try await agent.post("/api/v1/explain", ["number": number, "request": request])
        let ranked = (candidates.json["decisions"] as? [[String: Any]] ?? []).filter {
            $0["outcome"] as? String == "contact"
        }
        #expect(ranked.compactMap { $0["campaign"] as? Int } == [first, second])
        let history = try await agent.post("/api/v1/explain/history", ["number": number])
        let codes = (history.json["events"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
        #expect(codes.contains("answered") && codes.contains("answer_accepted") && codes.last == "known")
        #expect(try await agent.post("/api/v1/explain", ["number": number, "campaign": 99_999]).status == 404)
        #expect(try await agent.post("/api/v1/explain", ["number": number, "request": "x"]).status == 400)
    }

    @Test func `wrong requests of touchpoints say what is wrong`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let number = try await world.number(3)
        let cases: [(String, [String: any Sendable], Int, String)] = [
            ("fax/offers", ["number": number, "interaction": "a"], 404, "edge.not_found"),
            ("hotline/offers", ["number": number], 400, "edge.bad_request"),
            ("hotline/offers", ["number": number, "interaction": ""], 422, "touchpoint.bad_interaction"),
            ("hotline/offers", ["number": number, "interaction": "a", "limit": 9], 400, "edge.bad_request"),
            ("hotline/offers", ["number": number, "interaction": "a", "entrance": "wave"], 400, "edge.bad_request"),
            ("hotline/offers", ["number": "12345", "interaction": "a"], 422, "list.bad_number"),
            (
                "hotline/results", ["number": number, "interaction": "x", "result": "shown"], 404,
                "touchpoint.unknown_interaction"
            ),
            ("hotline/results", ["number": number, "interaction": "x", "result": "maybe"], 400, "edge.bad_request"),
            (
                "hotline/results",
                ["number": number, "interaction": "x", "result": "later", "until": "soon"], 400, "edge.bad_request"
            ),
        ]
        for (path, body, status, code) in cases {
            let answer = try await agent.post("/api/v1/touchpoints/\(path)", body)
            #expect(answer.status == status && answer.code == code, "\(path) \(body): \(answer.text)")
        }
        let planner = try await world.signedIn("plan")
        let refused = try await planner.post(
            "/api/v1/touchpoints/hotline/offers",
            ["number": number, "interaction": "a"]
        )
        #expect(refused.status == 403, "only who serves customers may ask")
    }
}

extension Range<Int> {
    fileprivate func asyncFirst(where isWanted: (Int) async throws -> Bool) async rethrows -> Int? {
        for value in self where try await isWanted(value) { return value }
        return nil
    }
}
