// Data-protection requests through API and console: who may, what is asked first, and what is said afterwards.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import HTTPAPI
import HTTPTypes
import Kernel
import Model
import Planning
import Ports
import Testing

@testable import Console

@Suite(.serialized) struct ErasureEdgeTests {
    private let path = "/api/v1/subscribers/erase"

    @Test func `an administrator erases by number, and nobody is told anything of him afterwards`() async throws {
        let base = try await APIWorld()
        let world = try await ConsoleWorld(base: base)
        let (admin, agent) = (try await world.signedIn("admin"), try await world.signedIn("agent"))
        let numbers = [try await base.number(3, inLanzhou: true), try await base.number(4, inLanzhou: false)]
        // He is on a screen while he is erased.
        let shown = try await agent.form("/explain/find", "number=\(numbers[0])")
        let explained = try #require(shown.headers[.location])
        #expect(try await agent.get(explained).status == 200)
        let index = try #require(UInt32(explained.split(separator: "/").last ?? ""))

        let refused: [(APIAnswer, Int, String)] = [
            (try await agent.post(path, ["numbers": numbers, "reason": "x"]), 403, "edge.forbidden"),
            (
                try await world.signedIn("plan").post(path, ["numbers": numbers, "reason": "x"]), 403,
                "edge.forbidden"
            ),
            (
                try await world.signedIn("lzadmin").post(path, ["numbers": numbers, "reason": "x"]), 404,
                "list.unknown_number"
            ),
            (try await admin.post(path, ["numbers": numbers, "reason": " "]), 422, "erase.reason_missing"),
            (try await admin.post(path, ["numbers": [String](), "reason": "x"]), 422, "erase.no_numbers"),
            (
                try await admin.post(path, ["numbers": numbers + ["12025550123"], "reason": "x"]), 422,
                "list.bad_number"
            ),
        ]
        for (answer, status, code) in refused {
            #expect(answer.status == status && answer.code == code, "\(answer.text)")
        }
        #expect(try await base.platform.host.read { $0.erased.isEmpty }, "one wrong number, and nobody is erased")

        let answer = try await admin.post(path, ["numbers": numbers, "reason": "DSR-7"])
        #expect(answer.status == 200, "\(answer.text)")
        let erased = try #require(answer.json["subscribers"] as? [Int])
        #expect(erased.count == 2 && erased.contains(Int(index)))

        for page in [explained, "\(explained)/history", "\(explained)/contacts.csv", "/desk/\(index)?visit=x"] {
            for (language, text) in [("zh-CN", "该用户的信息已按要求删除"), ("en", "was erased on request")] {
                let answer = try await agent.get(page, ["Cookie": "lang=\(language)"])
                #expect(answer.status == 410 && answer.text.contains(text), "\(page): \(answer.status)")
                #expect(!answer.text.contains(numbers[0]))
            }
        }
        for (path, body) in [
            ("/api/v1/explain", ["number": numbers[0]]), ("/api/v1/explain/history", ["number": numbers[0]]),
            ("/api/v1/lists/look-up", ["number": numbers[0]]),
            ("/api/v1/touchpoints/counter/offers", ["number": numbers[0], "interaction": "1"]),
        ] {
            let answer = try await agent.post(path, body)
            #expect(answer.status == 404 && answer.code == "list.unknown_number", "\(path): \(answer.text)")
        }
        let entries = try await base.platform.store.audit(ListQuery(limit: 1_000)).rows
        #expect(entries.count { $0.action == "subscriber.erase" && $0.detail == "DSR-7" } == 2)
        for entry in entries { for number in numbers { #expect(!"\(entry)".contains(number)) } }
    }

    @Test func `the console asks a second time, and says what cannot be undone`() async throws {
        let base = try await APIWorld()
        let world = try await ConsoleWorld(base: base)
        let admin = try await world.signedIn("admin")
        #expect(try await world.signedIn("agent").get("/erasure").status == 403)
        #expect(try await admin.get("/erasure").text.contains("action=\"/erasure/check\""))
        let number = try await base.number(9)
        let wrong = try await admin.form("/erasure/check", "numbers=\(number)%0A123&reason=DSR")
        #expect(wrong.status == 422 && wrong.text.contains("class=\"wrong\""))
        #expect(try await admin.form("/erasure/check", "numbers=&reason=").status == 422)
        let asked = try await admin.form("/erasure/check", "numbers=\(number)&reason=DSR")
        #expect(asked.status == 200 && asked.text.contains("name=\"understood\""))
        #expect(asked.text.contains("cannot be undone") || asked.text.contains("不可撤销"))
        // Without the second word nothing happens.
        #expect(try await admin.form("/erasure", "numbers=\(number)&reason=DSR").status == 422)
        #expect(try await base.platform.host.read { $0.erased.isEmpty })
        let done = try await admin.form("/erasure", "numbers=\(number)&reason=DSR&understood=yes")
        #expect(done.status == 303 && done.headers[.location] == "/erasure?done=erased")
        #expect(try await base.platform.host.read { $0.erased.count } == 1)
        #expect(try await admin.form("/erasure", "numbers=\(number)&reason=DSR&understood=yes").status == 422)
    }
}
