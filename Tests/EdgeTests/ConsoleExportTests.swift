// Every table of the console can be downloaded: walked page by page.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Dispatching
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Ports
import Testing
import Texts

@testable import Console

struct ConsoleExportTests {
    /// Addresses of the downloads on a page: links and buttons.
    private func exports(_ html: String) -> [String] {
        html.matches(of: #/(?:href|action)="([^"]+\.csv[^"]*)"/#)
            .map { String($0.1).replacing("&amp;", with: "&") }
    }

    private func tables(_ html: String) -> Int { html.components(separatedBy: "<table").count - 1 }

    @Test(arguments: Language.allCases)
    func `every table of every page has an export of its own`(language: Language) {
        var found = 0
        for (role, page) in Role.allCases.flatMap({ role in ConsoleModels(evil: "plain").pages.map { (role, $0) } }) {
            let frame = ConsoleModels.frame(language, role)
            let html = frame.render(page.make(frame)).text
            let links = Set(exports(html)).filter {
                !$0.hasPrefix("/segments/attributes.csv") && !$0.contains("/scenes.csv")
            }
            #expect(links.count >= tables(html), "\(page.name): \(tables(html)) tables, \(links)")
            found += tables(html)
        }
        #expect(found > 20)
    }

    @Test(.timeLimit(.minutes(10)))
    func `every export of every page answers with CSV, gated and on record`() async throws {
        let world = try await ConsoleWorld.shared
        let campaign = try await world.measuredCampaign("导出")
        let waiting = try await world.waitingCampaign("待审批导出")
        let planner = try await world.signedIn("plan")
        let segment = try #require(
            try await world.base.platform.store.segment(named: "客户群 导出")?.id
        )
        let agent = try await world.signedIn("agent")
        let number = try await world.base.number(40)
        _ = try await agent.post("/api/v1/lists/dnd_01/add", ["number": number, "channel": "sms", "reason": "导出"])
        let explained = try #require(try await agent.form("/explain/find", "number=\(number)").headers[.location])
        let found = try #require(try await agent.form("/lists/find", "number=\(number)").headers[.location])
        let imported = try #require(try await agent.importing("\(number)\nabc\n+12025550123\n").headers[.location])
        let draft = try #require(
            try await world.signedIn("admin").form("/policy/drafts/new", "").headers[.location]?.split(separator: "?")
                .first.map(String.init)
        )
        let wanted: [String: any Sendable] = [
            "title": "导出", "need": "号码", "reason": "外呼", "wantedBy": "2999-01-01",
        ]
        _ = try await planner.post("/api/v1/data-requests", wanted)
        let tabs = ["dry-run", "run", "rules", "evaluation", "records"].map { "/campaigns/\(campaign)?tab=\($0)" }
        let walks: [(APIClient, [String])] = [
            (
                planner,
                [
                    "/", "/segments", "/segments/new", "/segments/\(segment)",
                    "/segments/\(segment)/profile", "/catalogue", "/catalogue?group=fees&q=arpu",
                    "/catalogue/arpu_avg_3m", "/catalogue/brand", "/catalogue-revisions",
                    "/campaigns", "/campaigns/new", "/requests", "/requests?tab=mine",
                    "/campaigns/\(campaign)", "/campaigns/\(campaign)?tab=evaluation&wave=1", "/policy", "/pool",
                ] + tabs
            ),
            (try await world.signedIn("appr"), ["/approvals", "/approvals/\(waiting)"]),
            (agent, ["/lists", found, imported, "/explain", explained]),
            (
                try await world.signedIn("admin"),
                [
                    "/staff", "/staff?tab=audit", "/staff/new", "/policy", "/policy/history", "/policy/revisions/1",
                    draft, "\(draft)?tab=effect",
                ]
            ),
        ]
        var seen: Set<String> = []
        for (client, paths) in walks {
            for path in paths {
                let address = path.split(separator: "#").first.map(String.init) ?? path
                let page = try await client.get(address)
                #expect(page.status == 200, "\(address): \(page.status)")
                let links = exports(page.text)
                #expect(Set(links).count >= tables(page.text), "\(address): \(links)")
                for link in links where seen.insert(link).inserted {
                    for language in Language.allCases {
                        let cookie = ["Cookie": "lang=\(language.tag)"]
                        let posted = [
                            "/segments/sample.csv":
                                "definition=%7B%22from%22:%7B%22rule%22:%22arpu_avg_3m%20%3E%3D%200%22%7D%7D",
                            "/segments/funnel.csv": "definition=%7B%22from%22:%7B%22rule%22:%22TRUE%22%7D%7D",
                            "/segments/\(segment)/parts.csv": "by=random&detail=1%201",
                        ]
                        let answer =
                            if let form = posted[link] { try await client.form(link, form) } else {
                                try await client.get(link, cookie)
                            }
                        #expect(answer.status == 200, "\(link): \(answer.text)")
                        #expect(answer.headers[.contentType] == "text/csv; charset=utf-8", "\(link)")
                        #expect(answer.headers[.contentDisposition]?.hasPrefix("attachment; filename=\"") == true)
                        #expect(answer.text.hasPrefix("\u{FEFF}") && answer.text.contains("\r\n"), "\(link)")
                    }
                    let plain = link.split(separator: "?")[0]
                    let log = try await world.base.platform.store.audit(ListQuery(search: String(plain), limit: 1)).rows
                    #expect(log.first?.action == "export", "\(link) is not on record")
                    let anonymous = try await world.client.get(link)
                    #expect([303, 405].contains(anonymous.status), "\(link)")
                }
            }
        }
        for wanted in [
            "/campaigns/\(campaign)/dry-run/losses.csv", "/campaigns/\(campaign)/evaluation/funnel.csv?wave=2",
            "/campaigns/\(campaign)/evaluation/funnel.csv?wave=1",
            "/campaigns/\(campaign)/evaluation/waves.csv?tab=evaluation",
            "/campaigns/\(waiting)/dry-run/losses.csv", "/segments/sample.csv", "/segments/attributes.csv",
            "/campaigns/scenes.csv", "/policy/rules.csv",
        ] { #expect(seen.contains(wanted), "\(wanted) is on no page") }
        #expect(seen.contains { $0.contains("/rejects.csv") } && seen.contains { $0.contains("/entries.csv") })
    }

    @Test func `an evaluation shows the wave that is chosen`() async throws {
        let world = try await ConsoleWorld.shared
        let campaign = try await world.measuredCampaign("导出")
        let planner = try await world.signedIn("plan")
        let path = "/campaigns/\(campaign)?tab=evaluation"
        let (last, first) = (try await planner.get(path).text, try await planner.get(path + "&wave=1").text)
        #expect(last.contains("Wave 2, planned for") && !last.contains("Wave 1, planned for"))
        #expect(first.contains("Wave 1, planned for"))
        #expect(first.contains(#"wave=1" aria-current="true""#))
        let funnel = "/campaigns/\(campaign)/evaluation/funnel.csv?wave="
        #expect(try await planner.get(funnel + "1").text != planner.get(funnel + "2").text)
        #expect(try await planner.get(funnel + "3").status == 404)
    }

    @Test func `the rejected lines of an import show why, masked, and only to who imported them`() async throws {
        let world = try await ConsoleWorld.shared
        let agent = try await world.signedIn("agent")
        let (known, unknown) = (try await world.base.number(41), "19900000001")
        let answer = try await agent.importing("号码\r\n\(known)\r\n\(unknown),x\r\n1380013800\r\nabc\r\n")
        let page = try #require(answer.headers[.location])
        #expect(page.hasPrefix("/lists?import="))
        let html = try await agent.get(page).text
        let link = try #require(exports(html).first { $0.contains("rejects") })
        let file = try await agent.get(link, ["Cookie": "lang=zh-CN"]).text
        let wanted = "\u{FEFF}行号,号码,原因\r\n3,199****0001,没有用户使用该号码或编号\r\n4,13****00,"
        #expect(file.hasPrefix(wanted), "\(file)")
        #expect(file.contains("\r\n5,abc,"))
        #expect(!html.contains(unknown) && !file.contains(unknown) && !file.contains("1380013800"))
        let other = try await world.signedIn("agent")
        #expect(try await other.get(link).status == 404)
        #expect(try await !other.get(page).text.contains("199****0001"))
    }
}

extension ConsoleWorld {
    private func step(
        _ client: APIClient,
        _ path: String,
        _ body: [String: any Sendable] = [:]
    ) async throws -> APIAnswer {
        let answer = try await client.post(path, body, ["Idempotency-Key": UUID().uuidString])
        try #require((200..<300).contains(answer.status), "\(path): \(answer.text)")
        return answer
    }

    /// A campaign that waits for its approver.
    func waitingCampaign(_ name: String) async throws -> Int {
        let planner = try await signedIn("plan")
        let (id, _) = try await base.draft(by: planner, name)
        _ = try await step(planner, "/api/v1/campaigns/\(id)/dry-run")
        _ = try await step(planner, "/api/v1/campaigns/\(id)/submit")
        return id
    }

    /// A campaign with two closed waves of different audiences; made once.
    func measuredCampaign(_ name: String) async throws -> Int {
        try await measured.value(name) {
            let id = try await self.waitingCampaign(name)
            let approver = try await self.signedIn("appr")
            _ = try await self.step(approver, "/api/v1/campaigns/\(id)/decision", ["result": "pass"])
            let store = self.base.platform.store
            let campaign = try #require(try await store.campaign(CampaignID(Int64(id))))
            // Decided, but not started: the runner of the shared world would send it.
            let platform = self.base.platform
            try await platform.dispatches.publish(campaign)
            var audience = Bitset(universe: try await platform.host.read { $0.subscribers })
            for (wave, size) in [(1, 20), (2, 60)] {
                for index in 0..<UInt32(size) { audience.insert(index) }
                _ = try await platform.host.run(
                    wave: WaveID(campaign: campaign.id, occurrence: Int32(wave)),
                    planned: campaign.plan.planned,
                    audience: audience
                )
            }
            return id
        }
    }
}

/// Makes a value once for all tests that ask for it.
actor Once {
    private var made: [String: Task<Int, any Error>] = [:]

    func value(_ name: String, _ make: @escaping @Sendable () async throws -> Int) async throws -> Int {
        let task = made[name] ?? Task { try await make() }
        made[name] = task
        return try await task.value
    }
}

extension APIClient {
    /// Sends a file of numbers as a browser does.
    func importing(_ numbers: String, to list: String = "dnd_06") async throws -> APIAnswer {
        var body = ""
        for (name, value) in [("list", list), ("channel", ""), ("reason", "导入")] {
            body += "--x\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
        }
        body +=
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"numbers.csv\"\r\n\r\n\(numbers)\r\n--x--\r\n"
        return try await send(
            .post,
            "/lists/import",
            text: body,
            headers: ["Content-Type": "multipart/form-data; boundary=x"]
        )
    }
}
