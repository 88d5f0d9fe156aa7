// One's own password, and what staff of a part of the organisation sees of lists and logs.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import HTTPTypes
import Model
import Ports
import Testing

@testable import Console

struct ConsoleAccountTests {
    private func person(_ login: String) async throws -> (world: ConsoleWorld, client: APIClient, password: String) {
        let world = try await ConsoleWorld.shared
        let password = try await world.base.site.accounts.add(
            Staff(login: login, name: login, role: .agent),
            by: "test"
        )
        var client = world.client
        client.token = try await world.base.site.accounts.signIn(login: login, password: password, address: "t").token
        return (world, client, password)
    }

    @Test func `a new password of one's own ends all other sessions and keeps this one`() async throws {
        let (world, client, old) = try await person("own.password")
        var other = client
        other.token = try await world.base.site.accounts.signIn(login: "own.password", password: old, address: "t")
            .token
        #expect(try await client.get("/me/password").text.contains("autocomplete=\"current-password\""))
        let new = "a%20much%20longer%20one"
        let answer = try await client.form("/me/password", "old=\(old)&new=\(new)&again=\(new)")
        #expect(answer.status == 303 && answer.headers[.location] == "/?done=password")
        #expect(try await client.get("/").status == 303)
        #expect(try await other.get("/").status == 303)
        let cookie = try #require(answer.headers[.setCookie])
        var next = client
        next.token = nil
        next.cookie = cookie.split(separator: ";")[0].split(separator: "=", maxSplits: 1).last.map(String.init)
        #expect(try await next.get("/").status == 200)
        let log = try await world.base.platform.store.audit(ListQuery(search: "staff/own.password", limit: 10)).rows
        #expect(log.contains { $0.action == "staff.password" && $0.who == "own.password" })
        await #expect(throws: EdgeError.wrongPassword) {
            _ = try await world.base.site.accounts.signIn(login: "own.password", password: old, address: "t")
        }
    }

    @Test func `a password that is wrong, short or typed differently changes nothing`() async throws {
        let (world, client, old) = try await person("wrong.password")
        for body in ["old=no&new=0123456789&again=0123456789", "old=\(old)&new=short&again=short"] {
            let answer = try await client.form("/me/password", body)
            #expect(answer.status == 422 && answer.text.contains("class=\"wrong\""), "\(body)")
        }
        let differing = try await client.form("/me/password", "old=\(old)&new=0123456789&again=0123456780")
        #expect(differing.status == 422 && differing.text.contains("id=\"again-error\""))
        #expect(try await client.get("/").status == 200)
        for _ in 0..<4 { _ = try await client.form("/me/password", "old=no&new=0123456789&again=0123456789") }
        // Now even the right one has to wait.
        #expect(try await client.form("/me/password", "old=\(old)&new=0123456789&again=0123456789").status == 422)
        #expect(try await world.client.form("/me/password", "").status == 401)
    }

    @Test func `staff, lists and the audit log end where the scope ends`() async throws {
        let world = try await ConsoleWorld.shared
        let admin = try await world.signedIn("lzadmin")
        let staff = try await admin.get("/staff.csv").text
        #expect(staff.contains("\r\nlzadmin,") && staff.contains("\r\nlanzhou,") && !staff.contains("\r\nplan,"))
        for act in ["password", "deactivate", "activate"] {
            #expect(try await admin.form("/staff/plan/\(act)", "").status == 404, "\(act)")
        }
        let wide = try await admin.form("/staff", "login=too.wide&name=W&role=agent")
        #expect(wide.status == 422)
        #expect(try await world.base.platform.store.staff(login: "too.wide") == nil)

        let (lanzhou, planner) = (try await world.signedIn("lanzhou"), try await world.signedIn("plan"))
        let (_, _) = try await world.base.draft(by: lanzhou, "兰州日志")
        let (_, _) = try await world.base.draft(by: planner, "全省日志")
        let inside = try await world.base.number(5, inLanzhou: true)
        let outside = try await world.base.number(5, inLanzhou: false)
        let agent = try await world.signedIn("agent")
        let seen = try await agent.post("/api/v1/lists/look-up", ["number": inside]).json["subscriber"] as? Int ?? -1
        let unseen = try await agent.post("/api/v1/lists/look-up", ["number": outside]).json["subscriber"] as? Int ?? -1
        for path in ["/audit.csv", "/api/v1/audit?format=csv"] {
            let log = try await admin.get(path).text
            #expect(log.contains("segment/客户群 兰州日志") && log.contains("campaign/兰州日志"), "\(path)")
            #expect(!log.contains("全省日志"), "\(path)")
            #expect(log.contains("subscriber/\(seen),") && !log.contains("subscriber/\(unseen),"), "\(path)")
            #expect(!log.contains(",plan,"))
            let whole = try await world.signedIn("admin").get(path).text
            #expect(whole.contains("兰州日志") && whole.contains("全省日志"), "\(path)")
        }
        let page = try await admin.get("/api/v1/audit?limit=2").json
        #expect((page["items"] as? [Any])?.count == 2)
        let all = try await world.signedIn("admin").get("/api/v1/audit?limit=1").json["total"] as? Int ?? 0
        #expect((page["total"] as? Int ?? .max) < all)
    }

    @Test func `sizes of special lists count the scope's subscribers only`() async throws {
        let world = try await ConsoleWorld.shared
        let agent = try await world.signedIn("agent")
        for position in 0..<2 {
            for isInside in [true, false] {
                let number = try await world.base.number(50 + position, inLanzhou: isInside)
                _ = try await agent.post("/api/v1/lists/dnd_09/add", ["number": number, "reason": "范围"])
            }
        }
        func size(_ login: String) async throws -> Int? {
            try await world.signedIn(login).get("/api/v1/lists").array.first { $0["code"] as? String == "dnd_09" }?[
                "count"
            ]
                as? Int
        }
        #expect(try await size("agent") == 4)
        #expect(try await size("lanzhou") == 2)
        let subscribers = try await world.base.site.subscribers(in: APIWorld.lanzhou)
        #expect(subscribers > 0 && subscribers < 1_500)
    }
}
