// Who came and who left between two audiences, through API and console.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Testing

struct APIMovementTests {
    /// A segment of its own with two audiences.
    private func segment(_ planner: APIClient, _ name: String) async throws -> (id: Int, from: Int, to: Int) {
        let made = try await planner.post("/api/v1/segments", ["name": name, "rule": "age >= 30"])
        let path = "/api/v1/segments/\(made.id)"
        func freeze() async throws -> Int {
            let version = try await planner.get(path).json["version"] as? Int ?? 0
            let answer = try await planner.post(path + "/compute", ["version": version])
            return (answer.json["audience"] as? [String: Any])?["id"] as? Int ?? 0
        }
        let from = try await freeze()
        let version = try await planner.get(path).json["version"] as? Int ?? 0
        _ = try await planner.put(path, ["name": name, "rule": "age < 50", "version": version])
        return (made.id, from, try await freeze())
    }

    private func count(_ client: APIClient, _ rule: String) async throws -> Int {
        try await client.post("/api/v1/segments/count", ["rule": rule]).json["count"] as? Int ?? -1
    }

    @Test func `counts, masked samples and segments of who came and who left`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let (id, from, to) = try await segment(planner, "进出")
        let path = "/api/v1/segments/\(id)/movement"
        let answer = try await planner.get("\(path)?from=\(from)&to=\(to)")
        let came = try await count(planner, "age < 30")
        #expect(answer.status == 200 && answer.json["came"] as? Int == came, "\(answer.text)")
        let left = try await count(planner, "age >= 50")
        let stayed = try await count(planner, "age >= 30 AND age < 50")
        #expect(answer.json["left"] as? Int == left && answer.json["stayed"] as? Int == stayed)
        let samples = try #require(answer.json["sample"] as? [String: [[String: Any]]])
        #expect(samples["came"]?.count == 10 && samples["left"]?.count == 10)
        let numbers = samples.values.joined().compactMap { $0["msisdn"] as? String }
        #expect(numbers.count == 20 && numbers.allSatisfy { $0.contains("****") })

        let input: [String: any Sendable] = ["from": from, "to": to, "side": "came"]
        let saved = try await planner.post(path, input)
        #expect(saved.status == 201 && saved.json["count"] as? Int == came, "\(saved.text)")
        #expect((saved.json["name"] as? String)?.hasPrefix("进出 · ") == true)
        #expect(try await planner.post(path, input).code == "control.name_taken")
        let nobody = try await planner.post(path, ["from": from, "to": from, "side": "left"])
        #expect(nobody.status == 422 && nobody.code == "plan.bad_definition", "\(nobody.text)")
        #expect(try await planner.post(path, ["from": from, "to": to, "side": "stayed"]).status == 400)
        #expect(try await planner.get(path + "?from=\(from)").status == 400)
        #expect(try await world.signedIn("appr").post(path, input).status == 403)
    }

    @Test func `somebody of a part of the organisation sees and saves his part only`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let (id, from, to) = try await segment(planner, "进出共享")
        let path = "/api/v1/segments/\(id)"
        let shown = try await planner.get(path).json
        _ = try await planner.put(
            path,
            [
                "name": "进出共享", "rule": "age < 50", "sharing": "everyone",
                "version": shown["version"] as? Int ?? 0,
            ]
        )
        let lanzhou = try await world.signedIn("lanzhou")
        let answer = try await lanzhou.get("\(path)/movement?from=\(from)&to=\(to)")
        guard answer.status == 200 else {
            Issue.record("\(answer.text)")
            return
        }
        let own = try await count(lanzhou, "age < 30")
        let whole = try await count(planner, "age < 30")
        #expect(answer.json["came"] as? Int == own && own < whole)
        let saved = try await lanzhou.post("\(path)/movement", ["from": from, "to": to, "side": "came"])
        #expect(saved.status == 201 && saved.json["count"] as? Int == own)
        #expect((saved.json["scope"] as? [String: Any])?["city"] as? String == "6201", "\(saved.text)")
    }

    @Test func `the console shows both sides, exports the samples and saves one`() async throws {
        let world = try await ConsoleWorld.shared
        let planner = try await world.signedIn("plan")
        let (id, from, to) = try await segment(planner, "进出页面")
        let path = "/segments/\(id)/movement"
        let detail = try await planner.get("/segments/\(id)")
        #expect(detail.text.contains("action=\"\(path)\""))
        for headers in [["Cookie": "lang=en"], ["Cookie": "lang=zh-CN"]] {
            let page = try await planner.get("\(path)?from=\(from)&to=\(to)", headers)
            #expect(page.status == 200 && page.text.contains("****"))
            #expect(page.text.firstMatch(of: #/[^0-9]1[3-9][0-9]{9}[^0-9]/#) == nil)
        }
        #expect(try await planner.get(path).status == 200)
        for side in ["came", "left"] {
            let csv = try await planner.get("\(path)/\(side).csv?from=\(from)&to=\(to)")
            #expect(csv.text.split(separator: "\r\n").count == 11)
        }
        let saved = try await planner.form(path + "/save", "from=\(from)&to=\(to)&side=left")
        #expect(saved.status == 303 && saved.headers[.location]?.hasPrefix("/segments/") == true)
        #expect(try await planner.form(path + "/save", "from=\(from)&to=\(to)&side=left").status == 422)
        #expect(try await world.signedIn("appr").get("\(path)?from=\(from)&to=\(to)").status < 500)
    }
}
