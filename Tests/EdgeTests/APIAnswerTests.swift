// What the API answers: problems, pages, CSV, keys, metrics, files.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import NIOCore
import Ports
import Testing
import Yams

@Suite struct APIAnswerTests {
    private static let verbs: Set = ["get", "put", "post", "delete", "patch", "head", "options"]

    @Test func `the specification and the routes agree`() async throws {
        let routes = Set(
            try await APIWorld.shared.site.routes.map { "\($0.method.rawValue) \($0.path)" }
                .filter { $0.contains(" /api/") }
        )
        let file = APIWorld.repository.appending(path: "Sources/Edge/HTTPAPI/openapi.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        #expect((document["openapi"] as? String)?.hasPrefix("3.1") == true)
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        let described = Set(
            paths.flatMap { path, item in item.keys.filter(Self.verbs.contains).map { "\($0.uppercased()) \(path)" } }
        )
        #expect(routes.subtracting(described).sorted() == [], "routes that openapi.yaml lacks")
        #expect(described.subtracting(routes).sorted() == [], "operations that no route serves")
    }

    @Test func `the specification names the roles that the gate asks for`() async throws {
        let file = APIWorld.repository.appending(path: "Sources/Edge/HTTPAPI/openapi.yaml")
        let text = try String(contentsOf: file, encoding: .utf8)
        let document = try #require(try Yams.load(yaml: text) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        for route in try await APIWorld.shared.site.routes where route.path.hasPrefix("/api/") {
            let operation = paths[route.path]?[route.method.rawValue.lowercased()] as? [String: Any]
            let named = operation?["x-permission"] as? String
            switch route.access {
            case .permission(let needed): #expect(named == needed.rawValue, "\(route.method) \(route.path)")
            default: #expect(named == nil, "\(route.method) \(route.path)")
            }
        }
    }

    @Test func `every error is a problem with code, status and request number`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        let count = "/api/v1/segments/count"
        let cases: [(APIAnswer, Int, String)] = [
            (try await planner.get("/api/v1/nothing"), 404, "edge.not_found"),
            (try await planner.get("/api/v1/campaigns/0"), 404, "edge.not_found"),
            (try await planner.get("/api/v1/campaigns/99999999999999999999"), 404, "edge.not_found"),
            (try await planner.get("/api/v1/campaigns?limit=0"), 400, "edge.bad_request"),
            (try await planner.get("/api/v1/campaigns?order=color"), 400, "edge.bad_request"),
            (try await planner.get("/api/v1/campaigns?phase=asleep"), 400, "edge.bad_request"),
            (try await planner.get("/api/v1/campaigns?cursor=zzz"), 400, "edge.bad_request"),
            (try await planner.send(.post, count, text: "{"), 415, "edge.bad_request"),
            (try await planner.post(count, ["rule": 5]), 400, "edge.bad_request"),
            (try await planner.post(count), 400, "edge.bad_request"),
            (try await planner.post(count, ["rule": "arpu_avg_3m >= "]), 422, "rule.expected"),
            (
                try await planner.post("/api/v1/segments", ["name": "", "rule": "arpu_avg_3m > 1"]), 422,
                "plan.bad_name"
            ),
            (try await planner.post("/api/v1/campaigns", ["scene": "none"]), 400, "edge.bad_request"),
            (try await planner.get("/api/v1/staff"), 403, "edge.forbidden"),
        ]
        for (answer, status, code) in cases {
            #expect(answer.status == status && answer.code == code, "\(answer.text)")
            #expect(answer.headers[.contentType] == "application/problem+json; charset=utf-8")
            #expect(answer.json["status"] as? Int == status)
            #expect(answer.json["type"] as? String == "urn:gyre:problem:\(code)")
            #expect((answer.json["detail"] as? String)?.isEmpty == false)
            #expect((answer.json["requestId"] as? String)?.isEmpty == false)
        }
    }

    @Test func `a rule's error names its place, in the language of the request`() async throws {
        let planner = try await APIWorld.shared.signedIn("plan")
        let answer = try await planner.post(
            "/api/v1/segments/count",
            ["rule": "arpu_avg_3m >= 80 AND citi = '6201'"],
            ["Accept-Language": "zh-CN,zh;q=0.9"]
        )
        #expect(answer.status == 422 && answer.code == "rule.unknown_attribute")
        let place = try #require((answer.json["errors"] as? [[String: Any]])?.first)
        #expect(place["start"] as? Int == 22 && place["end"] as? Int == 26 && place["suggestion"] as? String == "city")
        #expect((answer.json["detail"] as? String)?.contains("没有属性 citi") == true)
    }

    @Test func `a rule goes to its tree and back`() async throws {
        let planner = try await APIWorld.shared.signedIn("plan")
        let first = try await planner.post("/api/v1/rules", ["rule": "arpu_avg_3m>=80 and not on_list('black')"])
        #expect(first.json["rule"] as? String == "arpu_avg_3m >= 80 AND NOT on_list('black')")
        #expect(first.json["attributes"] as? [String] == ["arpu_avg_3m"])
        let data = try JSONSerialization.data(withJSONObject: first.json["tree"] as Any)
        let tree = try #require(try JSONSerialization.jsonObject(with: data) as? [String: any Sendable])
        let second = try await planner.post("/api/v1/rules", ["tree": tree])
        // What names an audience is understood as it is where members are counted.
        let made = try await planner.post("/api/v1/segments", ["name": "命名客户群", "rule": "age > 30"]).json
        let id = try #require(made["id"] as? Int)
        _ = try await planner.post("/api/v1/segments/\(id)/compute", ["version": 1])
        let naming = try await planner.post("/api/v1/rules", ["rule": "in_audience('命名客户群') AND age < 60"])
        #expect(naming.status == 200 && naming.json["attributes"] as? [String] == ["age"], "\(naming.text)")
        #expect(second.json["rule"] as? String == first.json["rule"] as? String)
        let broken = try await planner.post("/api/v1/rules", ["tree": ["type": "comparison"]])
        #expect(broken.status == 400)
    }

    @Test func `every known error code has a status that is no fault of the server`() {
        let codes: [String] = [
            EdgeError.signedOut.code, EdgeError.keyReused.code,
            ControlPlaneError.stale(object: "", expectedVersion: 1).code,
            "plan.bad_value", "approval.own_campaign", "dispatch.wrong_phase", "run.busy", "rule.too_long",
            "list.bad_number", "decision.no_profile", "control.name_taken",
        ]
        for code in codes { #expect((400..<500).contains(Problem.status(ofCode: code).code), "\(code)") }
        #expect(Problem.status(ofCode: "control.file_disk_full").code == 507)
        #expect(Problem.status(ofCode: "decision.read_only").code == 503)
        #expect(Problem.status(ofCode: "decision.broken_chain").code == 500)
    }

    @Test func `a cursor walks a list once and fits no other list`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        for number in 1...5 {
            let made = try await planner.post(
                "/api/v1/segments",
                ["name": "翻页 \(number)", "rule": "arpu_avg_3m > \(number)"]
            )
            #expect(made.status == 201, "\(made.text)")
        }
        let list = "/api/v1/segments?search=翻页&order=name&direction=asc&limit=2".encoded
        var names: [String] = []
        var next: String? = ""
        var pages = 0
        while let cursor = next, pages < 10 {
            let page = try await planner.get(list + (cursor.isEmpty ? "" : "&cursor=\(cursor)"))
            names += (page.json["items"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
            next = page.json["next"] as? String
            pages += 1
            if pages == 1, let cursor = next {
                #expect(try await planner.get("/api/v1/segments?cursor=\(cursor)").status == 400)
            }
        }
        #expect(pages == 3)
        #expect(names == (1...5).map { "翻页 \($0)" })
    }

    @Test func `every list comes as CSV for spreadsheets, on record and without formulas`() async throws {
        let world = try await APIWorld.shared
        let planner = try await world.signedIn("plan")
        _ = try await planner.post(
            "/api/v1/segments",
            ["name": "=cmd(1)", "rule": "brand = '全球通' AND arpu_avg_3m IN (1, 2)"]
        )
        let answer = try await planner.get("/api/v1/segments?format=csv&limit=1", ["Accept-Language": "zh-CN"])
        #expect(answer.headers[.contentType] == "text/csv; charset=utf-8")
        #expect(answer.text.hasPrefix("\u{FEFF}编号,名称,状态,定义,"))
        #expect(answer.text.contains("'=cmd(1)") && !answer.text.contains(",=cmd"))
        #expect(answer.text.contains("\"brand = '全球通' AND arpu_avg_3m IN (1, 2)\""))
        let admin = try await world.signedIn("admin")
        for path in ["campaigns", "staff", "audit", "lists", "scenes", "catalogue"] {
            let csv = try await admin.get("/api/v1/\(path)?format=csv")
            #expect(csv.text.hasPrefix("\u{FEFF}") && csv.text.contains("\r\n"), "\(path)")
        }
        let (draft, _) = try await world.draft(by: planner, "导出评估")
        let none = try await planner.get(
            "/api/v1/campaigns/\(draft)/evaluation?format=csv",
            ["Accept-Language": "zh-CN"]
        )
        #expect(none.text.hasPrefix("\u{FEFF}波次,目标,"))
        let number = try await world.number(60)
        let why = try await admin.post("/api/v1/explain?format=csv", ["number": number], ["Accept-Language": "zh-CN"])
        #expect(why.text.hasPrefix("\u{FEFF}时间,活动,结果,说明\r\n") && !why.text.contains(number))
        let approver = try await world.signedIn("appr")
        #expect(try await approver.get("/api/v1/approvals", ["Accept": "text/csv"]).text.hasPrefix("\u{FEFF}"))
        let log = try await world.platform.store.audit(ListQuery(search: "export", limit: 100)).rows
        #expect(log.contains { $0.who == "plan" && $0.action == "export" && $0.object == "segments" })
    }

    @Test func `a repeated key repeats the answer, not the work`() async throws {
        let planner = try await APIWorld.shared.signedIn("plan")
        let body: [String: any Sendable] = ["name": "只建一次", "rule": "arpu_avg_3m > 3"]
        let key = ["Idempotency-Key": "segment-once"]
        let first = try await planner.post("/api/v1/segments", body, key)
        let second = try await planner.post("/api/v1/segments", body, key)
        #expect(first.status == 201, "\(first.text)")
        #expect(second.status == 201 && second.text == first.text)
        let other = try await planner.post("/api/v1/segments", ["name": "另一个", "rule": "arpu_avg_3m > 3"], key)
        #expect(other.status == 422 && other.code == "edge.key_reused")
        // A failure may be repeated.
        let wrong = ["Idempotency-Key": "segment-wrong"]
        #expect(try await planner.post("/api/v1/segments", body, wrong).code == "control.name_taken")
        #expect(try await planner.post("/api/v1/segments", body, wrong).code == "control.name_taken")
    }

    @Test func `metrics count by route, and health is told`() async throws {
        let client = try await APIWorld.shared.client
        #expect(try await client.get("/healthz").text == "ok\n")
        #expect(try await client.get("/readyz").text == "ready\n")
        let text = try await client.get("/metrics").text
        #expect(text.contains("# TYPE gyre_http_requests_total counter"))
        #expect(text.contains("gyre_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"}"))
        #expect(text.contains("gyre_http_request_seconds_bucket{method=\"GET\",route=\"/healthz\",le=\"+Inf\"}"))
        #expect(text.contains("gyre_subscribers 1500.0"))
    }

    @Test func `files have versions, go zipped where wanted, and nothing else is served`() async throws {
        let world = try await APIWorld.shared
        let folder = FileManager.default.temporaryDirectory.appending(path: "assets-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data("body{}".utf8).write(to: folder.appending(path: "a.css"))
        try Data([0x1F, 0x8B]).write(to: folder.appending(path: "a.css.gz"))
        try Data("secret".utf8).write(to: folder.appending(path: "b.conf"))
        var settings = SiteSettings()
        settings.assetFolders = [folder.path()]
        let site = try Site(platform: world.platform, runner: world.runner, settings: settings)
        let client = APIClient(router: site.router(), logger: world.logs.logger("assets"))
        let plain = try await client.get("/assets/a.css")
        #expect(plain.text == "body{}" && plain.headers[.contentType] == "text/css; charset=utf-8")
        let zipped = try await client.get(site.assets.address("a.css"), ["Accept-Encoding": "gzip, br"])
        #expect(zipped.headers[.contentEncoding] == "gzip" && zipped.body.readableBytes == 2)
        #expect(zipped.headers[.cacheControl]?.contains("immutable") == true)
        let tag = try #require(zipped.headers[.eTag])
        let same = try await client.get("/assets/a.css", ["Accept-Encoding": "gzip", "If-None-Match": tag])
        #expect(same.status == 304 && same.body.readableBytes == 0)
        for path in ["b.conf", "a.css.gz", "..%2fa.css", "%2e%2e%2fb.conf", ""] {
            #expect(try await client.get("/assets/\(path)").status == 404, "\(path)")
        }
        #expect(site.assets.names == ["a.css"])
    }

    @Test func `times are read as people and programs write them`() throws {
        let zone = try #require(TimeZone(identifier: "Asia/Shanghai"))
        let clock = OperatorClock(zone: zone, simulatedFrom: Instant(epochMs: 0))
        #expect(clock.time(parsing: "2026-01-31T09:30")?.instant.iso == "2026-01-31T01:30:00Z")
        #expect(clock.time(parsing: "2026-01-31T09:30:00")?.instant.iso == "2026-01-31T01:30:00Z")
        #expect(clock.time(parsing: "2026-01-31T09:30:00+08:00")?.instant.iso == "2026-01-31T01:30:00Z")
        #expect(clock.time(parsing: "2026-01-31T01:30:00Z")?.isoLocal == "2026-01-31T09:30:00")
        for text in [
            "", "2026-01-31", "2026-02-31T09:30", "2026-01-31T24:00", "2026-01-31T9:30", "2026-01-31T09:30:61",
        ] {
            #expect(clock.time(parsing: text) == nil, "\(text)")
        }
    }
}
