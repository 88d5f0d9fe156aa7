// Arbitration through the API: from a window to waves that go by it, and what they made of it.
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

@Suite(.serialized) struct APIArbitrationTests {
    /// An operator of its own: arbitrations and waves of others would be in the way.
    private static let made = Task { try await APIWorld() }
    private let path = "/api/v1/arbitrations"

    private var world: APIWorld { get async throws { try await Self.made.value } }

    /// Two campaigns over the same subscribers, planned for tomorrow and the day after.
    private func campaigns(_ name: String, isApproved: Bool = true) async throws -> [Int] {
        let (planner, approver) = (try await world.signedIn("plan"), try await world.signedIn("appr"))
        let segment = try await planner.post("/api/v1/segments", ["name": "客户群 \(name)", "rule": "status = '正常'"])
        var ids: [Int] = []
        for (day, score, value) in [("17", "propensity_5g", 9_600), ("18", "propensity_data_pack", 1_000)] {
            var input = try await world.newCampaign(
                "\(name) \(day)",
                segment: segment.id,
                planned: "2026-09-\(day)T10:00"
            )
            (input["score"], input["valuePerOrderMinor"]) = (score, value)
            let draft = try await planner.post("/api/v1/campaigns", input)
            try #require(draft.status == 201, "\(draft.text)")
            ids.append(draft.id)
            guard isApproved else { continue }
            try #require(try await planner.post("/api/v1/campaigns/\(draft.id)/dry-run").status == 200)
            try #require(try await planner.post("/api/v1/campaigns/\(draft.id)/submit").status == 201)
            let decision = try await approver.post("/api/v1/campaigns/\(draft.id)/decision", ["result": "pass"])
            try #require(decision.status == 200, "\(decision.text)")
        }
        return ids
    }

    private func input(_ ids: [Int], sms: Int = 150, minimum: Int = 0) -> [String: any Sendable] {
        [
            "name": "九月", "from": "2026-09-16", "to": "2026-09-20",
            "campaigns": ids.map { ["id": $0, "minimum": minimum] as [String: any Sendable] },
            "capacities": [["channel": "sms", "limit": sms] as [String: any Sendable]],
        ]
    }

    private func solved(_ client: APIClient, _ id: Int) async throws -> APIAnswer {
        for _ in 0..<300 {
            let answer = try await client.get("\(path)/\(id)")
            if answer.json["state"] as? String != "solving" { return answer }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("arbitration \(id) is still being solved")
        return try await client.get("\(path)/\(id)")
    }

    @Test func `an arbitration is solved, adopted, run and compared`() async throws {
        let world = try await world
        let (planner, approver) = (try await world.signedIn("plan"), try await world.signedIn("appr"))
        let ids = try await campaigns("统筹")
        let begun = try await planner.post(path, input(ids))
        #expect(begun.status == 202 && begun.json["state"] as? String == "solving", "\(begun.text)")
        let answer = try await solved(planner, begun.id)
        #expect(answer.json["state"] as? String == "solved", "\(answer.text)")
        let figures = try #require(answer.json["figures"] as? [String: Int])
        let (value, bound) = (try #require(figures["valueMinor"]), try #require(figures["boundMinor"]))
        #expect(value > 0 && value <= bound && value >= figures["greedyMinor"] ?? 0)
        let limits = try #require(answer.json["limits"] as? [[String: Any]])
        #expect(limits.compactMap { $0["name"] as? String } == ["capacity/sms/2026-09-17", "capacity/sms/2026-09-18"])
        #expect(limits.contains { ($0["microMinorPerUnit"] as? Int ?? 0) > 0 && $0["used"] as? Int == 150 })

        // Planners do not adopt, and nobody adopts what he has not seen.
        let version = try #require(answer.json["version"] as? Int)
        #expect(try await planner.post("\(path)/\(begun.id)/adopt", ["version": version]).status == 403)
        let stale = try await approver.post("\(path)/\(begun.id)/adopt", ["version": version - 1])
        #expect(stale.status == 409 && stale.code == "control.stale")
        let adopted = try await approver.post("\(path)/\(begun.id)/adopt", ["version": version])
        #expect(adopted.status == 200 && adopted.json["state"] as? String == "adopted", "\(adopted.text)")
        #expect(adopted.json["adoptedBy"] as? String == "appr")
        let other = try await solved(planner, try await planner.post("\(path)/\(begun.id)/solve").id)
        let twice = try await approver.post(
            "\(path)/\(other.id)/adopt",
            ["version": other.json["version"] as? Int ?? 0]
        )
        #expect(twice.status == 409 && twice.code == "arbitrate.overlaps")

        let campaign = try #require(try await world.platform.store.campaign(CampaignID(Int64(ids[0]))))
        let (_, summary) = try await world.platform.run(campaign, by: "plan")
        let outcome = try #require(
            try await planner.get("\(path)/\(begun.id)").json["outcome"] as? [[String: Any]]
        )
        let reserved = try #require(outcome[0]["reserved"] as? [String: Any])
        #expect(reserved["members"] as? Int == outcome[0]["members"] as? Int && reserved["unplanned"] as? Int == 0)
        #expect(summary.count(.contact) == Int64(reserved["members"] as? Int ?? -1))
        #expect(outcome[1]["reserved"] == nil, "its wave is still to run")

        let next = try await approver.post(
            "\(path)/\(begun.id)/withdraw",
            ["version": adopted.json["version"] as? Int ?? 0]
        )
        #expect(next.status == 200 && next.json["state"] as? String == "withdrawn", "\(next.text)")
        #expect(try await world.platform.host.read { $0.assignments.isEmpty })
        let csv = try await planner.get(path + "?format=csv")
        #expect(csv.status == 200 && csv.text.contains("withdrawn") && csv.text.contains("九月"))
    }

    @Test func `minimums that cannot be met are named, and other limits are solved from there`() async throws {
        let planner = try await world.signedIn("plan")
        let ids = try await campaigns("最低量", isApproved: false)
        let short = try await solved(planner, try await planner.post(path, input(ids, sms: 20, minimum: 21)).id)
        #expect(short.json["state"] as? String == "infeasible", "\(short.text)")
        let gaps = try #require(short.json["shortfalls"] as? [[String: Any]])
        #expect(gaps.compactMap { $0["campaign"] as? Int } == ids)
        #expect(gaps[0]["reason"] as? String == "limits" && gaps[0]["possible"] as? Int == 20)
        #expect(gaps[0]["limits"] as? [String] == ["capacity/sms/2026-09-17"])
        let wider = try await planner.post(
            "\(path)/\(short.id)/solve",
            ["capacities": [["channel": "sms", "limit": 25] as [String: any Sendable]]]
        )
        #expect(wider.status == 202 && wider.json["previous"] as? Int == short.id)
        let found = try await solved(planner, wider.id)
        #expect(found.json["state"] as? String == "solved", "\(found.text)")
        let figures = try #require(found.json["figures"] as? [String: Int])
        #expect(figures["contacts"] == 50)
    }

    @Test func `what cannot be arbitrated is refused with a problem`() async throws {
        let planner = try await world.signedIn("plan")
        let ids = try await campaigns("拒绝", isApproved: false)
        var late = input(ids)
        (late["from"], late["to"]) = ("2026-09-01", "2026-09-10")
        var outside = input(ids)
        outside["to"] = "2026-09-17"
        var wrong = input(ids)
        wrong["perClass"] = ["pigeon": 1]
        let cases: [([String: any Sendable], Int, String)] = [
            (input([ids[0]]), 422, "arbitrate.campaigns"), (input([ids[0], 99_999]), 404, "control.not_found"),
            (late, 409, "arbitrate.over"), (outside, 422, "arbitrate.not_planned"), (wrong, 400, "edge.bad_request"),
            (input(ids, sms: -1), 422, "arbitrate.bad_limit"), ([:], 400, "edge.bad_request"),
        ]
        for (body, status, code) in cases {
            let answer = try await planner.post(path, body)
            #expect(answer.status == status && answer.code == code, "\(answer.text)")
        }
        #expect(try await world.signedIn("agent").get(path).status == 403)
        let draft = try await solved(planner, try await planner.post(path, input(ids)).id)
        let refused = try await world.signedIn("appr")
            .post("\(path)/\(draft.id)/adopt", ["version": draft.json["version"] as? Int ?? 0])
        #expect(refused.status == 409 && refused.code == "arbitrate.changed")
        let elsewhere = try await world.signedIn("lanzhou")
        #expect(try await elsewhere.get("\(path)/\(draft.id)").status == 404)
    }
}
