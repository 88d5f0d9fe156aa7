// Loads through API and console: listed with who and state, taken out again, and what may not be.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Demo
import Files
import Foundation
import HTTPTypes
import Kernel
import Model
import Planning
import Ports
import Synthetic
import Testing

@Suite(.serialized) struct APILoadTests {
    /// An operator of its own with contacts.
    private static let made = Task {
        let world = try await APIWorld()
        world.running.cancel()
        _ = await world.running.result
        let examples = APIWorld.repository.appending(path: "Examples").path(percentEncoded: false)
        _ = try await world.platform.loading.load(
            SyntheticTableSource(world.synthetic, .contact),
            catalogue: try CatalogueFile.read(path: examples + "/operator/catalogue.yaml"),
            by: "loader",
            at: world.platform.clock.now.instant
        )
        return world
    }

    private let path = "/api/v1/loads"

    @Test func `a load is listed while it is live and kept in the history when it was taken out`() async throws {
        let world = try await Self.made.value
        let admin = try await world.signedIn("admin")
        let live = try await admin.get(path).array
        #expect(live.map { $0["table"] as? String } == ["subscriber", "contact"])
        let contact = try #require(live.last)
        let id = try #require(contact["id"] as? String)
        #expect(contact["who"] as? String == "loader" && contact["state"] as? String == "live")
        #expect(contact["loaded"] as? Int ?? 0 > 0)
        #expect(try await admin.get(path + "?state=old").status == 400)

        let console = try await ConsoleWorld(base: world).signedIn("admin")
        let page = try await console.get("/loads", ["Cookie": "lang=en"])
        #expect(
            page.status == 200 && page.text.contains("/loads/\(id)/rollback") && page.text.contains("Contacts contact")
        )
        #expect(try await ConsoleWorld(base: world).signedIn("plan").get("/loads").status == 403)
        let partial = try await ConsoleWorld(base: world).signedIn("lzadmin").get("/loads")
        #expect(partial.status == 200 && !partial.text.contains("/rollback"))
        #expect(try await console.get("/loads?q=nothing", ["Cookie": "lang=en"]).text.contains("Nothing matches"))

        let answer = try await admin.post("\(path)/\(id)/rollback", [:], ["Idempotency-Key": "out"])
        #expect(answer.status == 200 && answer.json["state"] as? String == "removed", "\(answer.text)")
        #expect(answer.json["removedBy"] as? String == "admin" && answer.json["who"] as? String == "loader")
        #expect(try await admin.get(path).array.count == 1)
        let removed = try #require(try await admin.get(path + "?state=removed").array.first)
        for key in ["id", "file", "table", "who"] { #expect(removed[key] as? String == contact[key] as? String) }
        for key in ["rows", "loaded", "rejected"] { #expect(removed[key] as? Int == contact[key] as? Int) }
        #expect(removed["removedBy"] as? String == "admin" && removed["removedAt"] is String)
        #expect(try await admin.get(path + "?state=all").array.count == 2)
        #expect(try await admin.get(path + "?state=all&table=contact").array.count == 1)
        let csv = try await console.get("/loads.csv?q=contact", ["Cookie": "lang=en"])
        #expect(
            csv.text.contains("Taken out") && csv.text.contains("loader")
                && !csv.text.contains("Subscribers subscriber")
        )
    }

    @Test func `the console refuses to take out what Planning keeps, and says why in both languages`() async throws {
        let world = try await Self.made.value
        let only = try #require(
            try await world.platform.loading.history().first { $0.table == "subscriber" && $0.removal == nil }
        )
        let admin = try await ConsoleWorld(base: world).signedIn("admin")
        for (language, why, gone) in [
            ("zh-CN", "不能撤回", "该装载不存在"), ("en", "the only load of subscribers", "no such load"),
        ] {
            let headers = ["Cookie": "lang=\(language)", "Content-Type": "application/x-www-form-urlencoded"]
            let refused = try await admin.send(.post, "/loads/\(only.id)/rollback", text: "", headers: headers)
            #expect(refused.status == 422 && refused.text.contains(why), "\(refused.text)")
            let unknown = try await admin.send(.post, "/loads/none/rollback", text: "", headers: headers)
            #expect(unknown.status == 422 && unknown.text.contains(gone))
        }
        let partial = try await ConsoleWorld(base: world).signedIn("lzadmin")
        #expect(try await partial.form("/loads/\(only.id)/rollback", "").status == 403)
    }
}
