// The one gate: every route asks who it is, and nobody gets more than his role and scope.
// SPDX-License-Identifier: Apache-2.0

import Console
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Ports
import Testing

@Suite struct APIGateTests {
    private func path(_ route: Site.Route) -> String {
        route.path.replacing("{login}", with: "plan").replacing("{code}", with: "black")
            .replacing(#/\{[a-z]+\}/#, with: "1")
    }

    /// The site with API and console, and a client of it.
    private func whole() async throws -> (site: Site, client: APIClient) {
        let world = try await APIWorld.shared
        var settings = SiteSettings()
        settings.passwordCost = .tests
        let site = try Site(platform: world.platform, runner: world.runner, settings: settings)
        Console.add(to: site)
        return (site, APIClient(router: site.router(), logger: world.logs.logger("gate")))
    }

    @Test func `only these routes answer people who are not signed in`() async throws {
        let open = try await whole().site.routes.filter { $0.access == .open }
        #expect(
            Set(open.map { "\($0.method.rawValue) \($0.path)" }) == [
                "GET /healthz", "GET /readyz", "GET /metrics", "GET /assets/{name}", "POST /api/v1/session",
                "GET /sign-in", "POST /sign-in", "GET /language/{code}",
            ]
        )
    }

    @Test func `every other route refuses anonymous requests`() async throws {
        let (site, client) = try await whole()
        for route in site.routes where route.access != .open {
            let answer = try await client.send(route.method, path(route), json: [:])
            if route.path.hasPrefix("/api/") {
                #expect(answer.status == 401, "\(route.method) \(route.path)")
                #expect(answer.code == "edge.signed_out")
                #expect(answer.headers[.wwwAuthenticate] != nil)
            } else if route.method == .get {
                #expect(answer.status == 303, "\(route.method) \(route.path)")
                #expect(answer.headers[.location]?.hasPrefix("/sign-in") == true)
            } else {
                #expect(answer.status == 401, "\(route.method) \(route.path)")
            }
        }
    }

    @Test func `every route that needs a permission refuses roles without it`() async throws {
        let world = try await APIWorld.shared
        let (site, client) = try await whole()
        let logins: [(Role, String)] = [
            (.planner, "plan"), (.approver, "appr"), (.agent, "agent"), (.administrator, "admin"),
        ]
        var clients: [String: APIClient] = [:]
        for (_, login) in logins {
            clients[login] = client
            clients[login]?.token = try await world.token(login)
        }
        var refused = 0
        for route in site.routes {
            guard case .permission(let needed) = route.access else { continue }
            for (role, login) in logins where !role.permissions.contains(needed) {
                let answer = try await clients[login]?.send(route.method, path(route), json: [:])
                #expect(answer?.status == 403, "\(login): \(route.method) \(route.path)")
                #expect(answer?.code == "edge.forbidden" || !route.path.hasPrefix("/api/"))
                refused += 1
            }
        }
        #expect(refused > 20)
    }

    @Test func `a known path with another method is 405 and names the methods`() async throws {
        let world = try await APIWorld.shared
        for method in [HTTPRequest.Method.delete, .trace, .put] {
            let answer = try await world.client.send(method, "/api/v1/campaigns")
            #expect(answer.status == 405)
            #expect(answer.headers[.allow] == "GET, HEAD, POST")
            #expect(answer.headers[.contentType] == "application/problem+json; charset=utf-8")
        }
    }

    @Test func `every answer carries the security headers and its number`() async throws {
        let world = try await APIWorld.shared
        for path in ["/healthz", "/api/v1/me", "/nowhere", "/assets/none.css"] {
            let headers = try await world.client.get(path).headers
            let policy = headers[.contentSecurityPolicy] ?? ""
            #expect(policy.contains("default-src 'self'") && !policy.contains("unsafe"))
            #expect(headers[.xContentTypeOptions] == "nosniff")
            #expect(HTTPField.Name("X-Request-Id").flatMap { headers[$0] }?.isEmpty == false)
        }
    }

    @Test func `another site cannot act through a signed-in browser`() async throws {
        let world = try await APIWorld.shared
        var browser = world.client
        browser.cookie = try await world.token("agent")
        let (path, body) = ("/api/v1/lists/look-up", ["number": try await world.number()])
        let foreign: [[String: String]] = [
            ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"], ["Origin": "https://evil.example"],
            ["Origin": "null"], [:],
        ]
        for headers in foreign {
            let answer = try await browser.post(path, body, headers)
            #expect(answer.status == 403, "\(headers)")
            #expect(answer.code == "edge.cross_site")
        }
        for headers in [["Sec-Fetch-Site": "same-origin"], ["Origin": "http://gyre.test"]] {
            #expect(try await browser.post(path, body, headers).status == 200, "\(headers)")
        }
        // Reading is safe from anywhere: the browser does not give the answer to another site.
        #expect(try await browser.get("/api/v1/me", ["Sec-Fetch-Site": "cross-site"]).status == 200)
    }

    @Test func `what is outside the scope does not exist`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let lanzhou = try await world.signedIn("lanzhou")
        let (id, segment) = try await world.draft(by: planner, "全省活动")
        for path in [
            "/api/v1/campaigns/\(id)", "/api/v1/campaigns/\(id)/progress", "/api/v1/campaigns/\(id)/evaluation",
            "/api/v1/campaigns/\(id)/approvals", "/api/v1/segments/\(segment)",
        ] {
            #expect(try await planner.get(path).status != 401)
            let answer = try await lanzhou.get(path)
            #expect(answer.status == 404, "\(path)")
        }
        for action in ["dry-run", "submit", "pause", "resume", "stop"] {
            #expect(try await lanzhou.post("/api/v1/campaigns/\(id)/\(action)").status == 404, "\(action)")
        }
        let listed = try await lanzhou.get("/api/v1/campaigns?limit=1000").json["items"] as? [[String: Any]]
        #expect(listed?.contains { $0["id"] as? Int == id } == false)
        // Nor may its segment be used, nor its subscribers be looked up.
        let new = try await lanzhou.post("/api/v1/campaigns", world.newCampaign("借用", segment: segment))
        #expect(new.code == "plan.unknown_segment")
        let outside = try await world.number(inLanzhou: false)
        #expect(try await lanzhou.post("/api/v1/explain", ["number": outside]).status == 404)
        let inside = try await world.number(inLanzhou: true)
        #expect(try await lanzhou.post("/api/v1/explain", ["number": inside]).status == 200)
    }

    @Test func `counts and samples stay inside the scope`() async throws {
        let world = try await APIWorld.shared
        let all = try await world.signedIn("plan").post(
            "/api/v1/segments/count",
            ["rule": "arpu_avg_3m >= 0 OR arpu_avg_3m < 0"]
        )
        let part = try await world.signedIn("lanzhou").post("/api/v1/segments/count", ["rule": "city = '6201'"])
        let same = try await world.signedIn("lanzhou").post(
            "/api/v1/segments/count",
            ["rule": "arpu_avg_3m >= 0 OR arpu_avg_3m < 0"]
        )
        #expect((all.json["count"] as? Int ?? 0) > (part.json["count"] as? Int ?? 0))
        #expect((same.json["count"] as? Int ?? -1) <= (part.json["count"] as? Int ?? 0))
        #expect((part.json["count"] as? Int ?? 0) > 0)
    }

    @Test func `no bracket of a rule leads out of the scope`() async throws {
        let world = try await APIWorld.shared
        let lanzhou = try await world.signedIn("lanzhou")
        let (_, segment) = try await world.draft(by: lanzhou, "括号")
        let rule = "brand = '全球通') OR (brand <> '全球通'"
        let inputs: [String: any Sendable] = ["name": "逃出", "rule": rule, "version": 1]
        for path in ["/api/v1/segments/count", "/api/v1/segments/sample", "/api/v1/segments", "/api/v1/rules"] {
            #expect(try await lanzhou.post(path, inputs).status == 422, "\(path)")
        }
        #expect(try await lanzhou.put("/api/v1/segments/\(segment)", inputs).status == 422)
        // The place of an error is that of the text as it was sent.
        let wrong = try await lanzhou.post("/api/v1/segments/count", ["rule": "citi = '6201'"])
        #expect((wrong.json["errors"] as? [[String: Any]])?.first?["start"] as? Int == 0)
    }

    @Test func `an administrator hands out no more of the organisation than he has`() async throws {
        let world = try await APIWorld.shared
        let admin = try await world.signedIn("lzadmin")
        let wide: [String: any Sendable] = ["login": "wide", "name": "W", "role": "agent", "scope": [String: String]()]
        #expect(try await admin.post("/api/v1/staff", wide).status == 404)
        #expect(try await admin.put("/api/v1/staff/plan", ["name": "x"]).status == 404)
        let own: [String: any Sendable] = ["login": "own", "name": "O", "role": "agent"]
        #expect(try await admin.post("/api/v1/staff", own).status == 201)
        let listed = try await admin.get("/api/v1/staff").json["items"] as? [[String: Any]] ?? []
        #expect(Set(listed.compactMap { $0["login"] as? String }) == ["lanzhou", "lzadmin", "own"])
    }
}

extension APIWorld {
    func newCampaign(_ name: String, segment: Int, planned: String = "2026-09-16T10:00") -> [String: any Sendable] {
        [
            "scene": "care", "name": name, "segment": segment, "planned": planned, "validTo": "2026-12-31",
            "costPerPartMinor": 5,
        ]
    }

    /// A segment and a draft over it.
    func draft(
        by client: APIClient,
        _ name: String,
        rule: String = "status = '正常'"
    ) async throws -> (id: Int, segment: Int) {
        let segment = try await client.post("/api/v1/segments", ["name": "客户群 \(name)", "rule": rule])
        try #require(segment.status == 201, "\(segment.text)")
        let campaign = try await client.post("/api/v1/campaigns", newCampaign(name, segment: segment.id))
        try #require(campaign.status == 201, "\(campaign.text)")
        return (campaign.id, segment.id)
    }
}
