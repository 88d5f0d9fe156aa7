// Sessions, passwords and staff.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Foundation
import HTTPAPI
import HTTPTypes
import Hummingbird
import Kernel
import Model
import Ports
import Testing

@Suite struct APISessionTests {
    @Test func `a token opens the API until it is given back`() async throws {
        let world = try await APIWorld.shared
        var client = world.client
        let answer = try await client.post("/api/v1/session", ["login": "Plan ", "password": APIWorld.password])
        #expect(answer.status == 200)
        client.token = answer.json["token"] as? String
        let me = try await client.get("/api/v1/me")
        #expect((me.json["staff"] as? [String: Any])?["login"] as? String == "plan")
        #expect((me.json["permissions"] as? [String])?.contains("editCampaigns") == true)
        #expect(try await client.send(.delete, "/api/v1/session").status == 204)
        #expect(try await client.get("/api/v1/me").status == 401)
    }

    @Test func `a wrong password and an unknown name look alike, and attempts are limited`() async throws {
        let world = try await APIWorld.shared
        for login in ["nobody-\(UUID().uuidString.prefix(8).lowercased())", "agent2"] {
            if login == "agent2" {
                _ = try await world.site.accounts.add(Staff(login: login, name: "A", role: .agent), by: "test")
            }
            for _ in 0..<5 {
                let answer = try await world.client.post("/api/v1/session", ["login": login, "password": "wrong"])
                #expect(answer.status == 401)
                #expect(answer.code == "edge.wrong_password")
            }
            let answer = try await world.client.post("/api/v1/session", ["login": login, "password": "wrong"])
            #expect(answer.status == 429)
            #expect(answer.headers[.retryAfter].flatMap { Int($0) }.map { (1...900).contains($0) } == true)
        }
    }

    @Test func `signing in, failing and signing out are on record`() async throws {
        let world = try await APIWorld.shared
        let token = try await world.token("appr")
        let staff = try #require(try await world.platform.store.staff(login: "appr")?.staff)
        try await world.site.accounts.signOut(token: token, staff: staff)
        await #expect(throws: EdgeError.wrongPassword) {
            _ = try await world.site.accounts.signIn(login: "appr", password: "no", address: "203.0.113.9")
        }
        let log = try await world.platform.store.audit(ListQuery(search: "session.", limit: 1000)).rows
        for action in ["session.open", "session.close", "session.refused"] {
            #expect(log.contains { $0.who == "appr" && $0.action == action }, "\(action)")
        }
    }

    @Test func `a new password ends all sessions, and staff who left cannot sign in`() async throws {
        let world = try await APIWorld.shared
        let admin = try await world.signedIn("admin")
        let made = try await admin.post("/api/v1/staff", ["login": "li.lei", "name": "李雷", "role": "planner"])
        #expect(made.status == 201)
        let first = try #require(made.json["password"] as? String)
        var person = world.client
        let session = try await person.post("/api/v1/session", ["login": "li.lei", "password": first])
        person.token = session.json["token"] as? String
        let short = try await person.post("/api/v1/me/password", ["old": first, "new": "short"])
        #expect(short.code == "edge.bad_password")
        let new = try await person.post("/api/v1/me/password", ["old": first, "new": "a much longer one"])
        #expect(new.status == 204)
        #expect(try await person.get("/api/v1/me").status == 401)
        let again = try await person.post("/api/v1/session", ["login": "li.lei", "password": "a much longer one"])
        #expect(again.status == 200)
        person.token = again.json["token"] as? String
        #expect(try await admin.put("/api/v1/staff/li.lei", ["isActive": false]).status == 200)
        #expect(try await person.get("/api/v1/me").status == 401)
        let gone = try await world.client.post("/api/v1/session", ["login": "li.lei", "password": "a much longer one"])
        #expect(gone.status == 401)
        let twice = try await admin.post("/api/v1/staff", ["login": "li.lei", "name": "李雷", "role": "planner"])
        #expect(twice.status == 409)
        #expect(twice.code == "control.name_taken")
    }

    @Test func `first staff get passwords once`() async throws {
        let world = try await APIWorld.shared
        let wanted = [Staff(login: "first", name: "一", role: .agent)]
        let made = try await world.site.accounts.ensure(wanted)
        #expect(made.count == 1)
        #expect(try await world.site.accounts.ensure(wanted).isEmpty)
        let renewed = try await world.site.accounts.ensure(wanted, renewing: true)
        #expect(renewed.count == 1 && renewed[0].password != made[0].password)
    }

    @Test func `passwords are kept as scrypt with a salt of their own`() throws {
        let (a, b) = (try Passwords.hash("秘密 12345", cost: .tests), try Passwords.hash("秘密 12345", cost: .tests))
        #expect(a != b && a.text.hasPrefix("scrypt$16$8$1$"))
        #expect(try Passwords.matches("秘密 12345", a))
        #expect(try !Passwords.matches("秘密 12346", a))
        #expect(try !Passwords.matches("", PasswordHash(text: "plain")))
        let made = (0..<200).map { _ in Passwords.make() }
        #expect(Set(made).count == 200 && made.allSatisfy { $0.count == 19 })
    }

    @Test func `the session cookie is out of reach of scripts and other sites`() async throws {
        let cookie = try await APIWorld.shared.site.accounts.cookie(token: "abc").description
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"))
    }
}
