// Every page renders for every role in both languages, and every address passes the gate.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPAPI
import HTTPTypes
import Model
import Testing
import Texts

@testable import Console

struct ConsolePagesTests {
    @Test(arguments: Role.allCases, Language.allCases)
    func `every page renders whole and in its language`(role: Role, language: Language) throws {
        let frame = ConsoleModels.frame(language, role)
        for page in ConsoleModels(evil: "plain").pages {
            let html = frame.render(page.make(frame)).text
            #expect(html.hasPrefix("<!doctype html>"))
            #expect(html.contains("<html lang=\"\(language.tag)\">"))
            #expect(html.components(separatedBy: "<h1>").count == 2, "\(page.name) has one heading")
            // Patterns that a script of the page fills in.
            let hasPatterns = page.name.hasPrefix("campaign") || page.name.hasPrefix("segment editor")
            #expect(!html.contains("{0}") || hasPatterns, "\(page.name)")
            for tag in ["div", "form", "table", "section", "ul", "li", "details", "select", "fieldset"] {
                let opened = html.components(separatedBy: "<\(tag)").filter {
                    $0.first.map { " >".contains($0) } ?? false
                }.count
                #expect(
                    opened - (html.hasPrefix("<\(tag)") ? 1 : 0) == html.components(separatedBy: "</\(tag)>").count - 1,
                    "\(tag) in \(page.name)"
                )
            }
            let ids = html.matches(of: /\sid="([^"]+)"/).map { String($0.1) }
            #expect(Set(ids).count == ids.count, "\(page.name) repeats an id: \(ids.sorted())")
        }
    }

    @Test func `the menu shows what the role may use and nothing else`() {
        let seen = Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0, ConsoleModels.frame(.zh, $0).menuItems) })
        #expect(
            seen[.planner] == [
                .home, .customers, .segments, .requests, .catalogue, .campaigns, .arbitrations, .pool, .lists, .explain,
                .policy,
            ]
        )
        #expect(
            seen[.approver] == [
                .home, .customers, .segments, .requests, .catalogue, .campaigns, .arbitrations, .pool, .approvals,
                .lists, .explain, .policy,
            ]
        )
        #expect(seen[.agent] == [.home, .desk, .customers, .lists, .explain, .policy])
        #expect(
            seen[.administrator] == [
                .home, .desk, .customers, .segments, .requests, .catalogue, .campaigns, .arbitrations, .pool, .lists,
                .explain, .policy, .loads, .staff,
            ]
        )
        #expect(Set(seen.values.joined()) == Set(MenuItem.allCases))
    }

    @Test(arguments: Language.allCases)
    func `menu entries lead to a page for those who see them and to 403 for the others`(language: Language) async throws
    {
        let world = try await ConsoleWorld.shared
        for (login, role) in [
            ("plan", Role.planner), ("appr", .approver), ("agent", .agent), ("admin", .administrator),
        ] {
            let client = try await world.signedIn(login)
            for item in MenuItem.allCases {
                let answer = try await client.get(item.path, ["Cookie": "lang=\(language.tag)"])
                let isAllowed = item.permission.map { role.permissions.contains($0) } ?? true
                #expect(answer.status == (isAllowed ? 200 : 403), "\(login) \(item)")
                #expect(answer.text.contains("<html lang=\"\(language.tag)\">"))
                #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
            }
        }
    }

    @Test func `without sign-in every page leads to the sign-in page and back`() async throws {
        let world = try await ConsoleWorld.shared
        let answer = try await world.client.get("/campaigns?phase=draft")
        #expect(answer.status == 303)
        #expect(answer.headers[.location]?.hasPrefix("/sign-in?next=/campaigns") == true)
        #expect(try await world.client.get("/sign-in").status == 200)
        #expect(try await world.client.get("/language/zh?back=//evil.example").headers[.location] == "/")
    }

    @Test func `a look-up is needed before a subscriber is shown, and another session does not see it`() async throws {
        let world = try await ConsoleWorld.shared
        let number = try await world.base.number()
        let agent = try await world.signedIn("agent")
        #expect(try await agent.get("/explain/0").headers[.location] == "/explain")
        let found = try await agent.form("/explain/find", "number=\(number)")
        #expect(found.status == 303)
        let path = try #require(found.headers[.location])
        #expect(try await agent.get(path).text.contains(number))
        #expect(try await world.signedIn("agent").get(path).status == 303)
        #expect(try await agent.form("/explain/find", "number=12").status == 422)
    }

    @Test func `a rule cannot leave the organisation it is restricted to`() async throws {
        let world = try await ConsoleWorld.shared
        let planner = try await world.signedIn("lanzhou")
        let answer = try await planner.form("/segments/save", "name=x&rule=TRUE)%20OR%20(TRUE")
        #expect(answer.status == 422)
        #expect(answer.text.contains("<mark>"))
    }
}

/// The API's small operator with the console on its site.
final class ConsoleWorld: Sendable {
    private static let made = Task { try await ConsoleWorld() }
    static var shared: ConsoleWorld { get async throws { try await made.value } }

    let base: APIWorld
    let client: APIClient
    let measured = Once()

    /// The console over a world of its own, or the one that all share.
    init(base own: APIWorld? = nil) async throws {
        let shared = try await APIWorld.shared
        base = own ?? shared
        var settings = SiteSettings()
        settings.passwordCost = .tests
        let site = try Site(
            platform: base.platform,
            runner: base.runner,
            settings: settings,
            logger: base.logs.logger("site")
        )
        Console.add(to: site)
        client = APIClient(router: site.router(), logger: base.logs.logger("request"))
    }

    func signedIn(_ login: String) async throws -> APIClient {
        var client = client
        client.token = try await base.token(login)
        return client
    }
}

extension APIClient {
    /// Sends a form as a browser does.
    func form(_ path: String, _ body: String) async throws -> APIAnswer {
        try await send(.post, path, text: body, headers: ["Content-Type": "application/x-www-form-urlencoded"])
    }
}
