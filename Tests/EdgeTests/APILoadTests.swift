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

    @Test func `what a feed brings is loaded by itself, seen by everybody, and never twice`() async throws {
        let world = try await APIWorld()
        world.running.cancel()
        _ = await world.running.result
        let (admin, agent) = (try await world.signedIn("admin"), try await world.signedIn("agent"))
        let feeds = world.platform.feeds
        #expect(try await admin.get("/api/v1/feeds").array.isEmpty)
        let none = try await admin.send(.post, "/api/v1/feeds/crm/files?name=a.csv", text: "x")
        #expect(none.status == 404 && none.code == "feed.unknown", "\(none.text)")

        let folder = URL(filePath: feeds.path + "/crm")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let mapping = """
            table: contact
            columns:
              { line_id: { column: line, form: number }, at: time, channel: channel, kind: kind, outcome: { column: outcome, blank: "null" },
                details: details }
            """
        try Data(mapping.utf8).write(to: folder.appending(path: "mapping.yaml"))
        try Data("rows that are being written".utf8).write(to: folder.appending(path: "next.csv.part"))
        let day = world.platform.clock.now.day.iso
        let lines = [300, 301].map { world.synthetic.line($0).number }
        let rows = """
            line,time,channel,kind,outcome,details
            \(lines[0]),\(day) 00:10:00,website,enquiry,answered,asked for 5G
            \(lines[1]),\(day) 00:11:00,hall,complaint,,bill
            """
        let put = "/api/v1/feeds/crm/files?name="
        let first = try await admin.send(.post, put + "0910.csv", text: rows)
        #expect(first.status == 202 && first.json["state"] as? String == "waiting", "\(first.text)")
        for bad in ["..%2Fx.csv", ".hidden", "x.part", "a%20b.csv"] {
            let refused = try await admin.send(.post, put + bad, text: rows)
            #expect(refused.status == 422 && refused.code == "feed.bad_name", "\(bad) \(refused.text)")
        }
        #expect(try await admin.send(.post, "/api/v1/feeds/crm/files", text: rows).status == 400)
        #expect(try await agent.send(.post, put + "x.csv", text: rows).status == 403)
        #expect(try await world.signedIn("lzadmin").send(.post, put + "x.csv", text: rows).status == 403)
        #expect(try await feeds.take().map(\.file) == ["crm/0910.csv"])
        let seen = try await agent.get("/api/v1/customers/300/contacts?kind=enquiry")
        #expect(seen.text.contains("asked for 5G") && seen.text.contains("website"), "\(seen.text)")

        // The builder of conditions offers what the columns hold, but no free text.
        let planner = try await ConsoleWorld(base: world).signedIn("plan")
        func offered(_ values: [String]) async throws -> [String] {
            let text = try await planner.get("/segments/catalogue.json").text
            return values.filter { text.contains("\"value\":\"\($0)\"") }
        }
        #expect(try await offered(["hall", "answered", "bill"]) == ["hall", "answered"])

        // The same rows again, under whatever name, and a file that is no list of rows.
        for (name, text) in [("0910.csv", rows), ("again.csv", rows), ("bad.csv", "a,b\n1,2\n"), ("none.csv", "")] {
            #expect(try await admin.send(.post, put + name, text: text).status == 202)
        }
        let taken = try await feeds.take()
        #expect(taken.map(\.file) == ["0910", "again", "bad", "none"].map { "crm/\($0).csv" })
        #expect(taken.map(\.problem) == [nil, nil, "load.missing_columns", "load.empty"], "\(taken)")
        #expect(try await admin.get("/api/v1/loads?table=contact").array.count == 1)
        let files = try await admin.get("/api/v1/feeds/crm/files").array
        #expect(files.count == 4 && files.count { $0["state"] as? String == "refused" } == 2)
        let done = try #require(files.first { $0["name"] as? String == "0910.csv" })
        #expect(done["rows"] as? Int == 2 && done["loaded"] as? Int == 2 && done["load"] is String, "\(done)")
        let feed = try #require(try await admin.get("/api/v1/feeds").array.first)
        #expect(feed["table"] as? String == "contact" && feed["taken"] as? Int == 2 && feed["refused"] as? Int == 2)

        // What was taken out comes back with the same file.
        let load = try #require(done["load"] as? String)
        let out = try await admin.post("/api/v1/loads/\(load)/rollback", [:], ["Idempotency-Key": "feed"])
        #expect(out.status == 200, "\(out.text)")
        #expect(try await !agent.get("/api/v1/customers/300/contacts?kind=enquiry").text.contains("asked for 5G"))
        #expect(try await offered(["hall"]).isEmpty)
        #expect(try await admin.send(.post, put + "0910.csv", text: rows).status == 202)
        #expect(try await feeds.take().map(\.problem) == [nil])
        #expect(try await agent.get("/api/v1/customers/300/contacts?kind=enquiry").text.contains("asked for 5G"))

        // A mapping that is broken refuses files, and another feed goes on.
        let other = URL(filePath: feeds.path + "/other")
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
        try Data("table: nothing".utf8).write(to: other.appending(path: "mapping.yaml"))
        try Data(rows.utf8).write(to: other.appending(path: "a.csv"))
        #expect(try await feeds.take().map(\.problem) == ["mapping.invalid"])
        let console = try await ConsoleWorld(base: world).signedIn("admin")
        for (language, words) in [("zh-CN", ["已拒绝", "crm"]), ("en", ["Refused", "crm"])] {
            let page = try await console.get("/loads/feeds", ["Cookie": "lang=\(language)"])
            #expect(page.status == 200 && words.allSatisfy(page.text.contains), "\(page.text)")
            #expect(!page.text.contains(feeds.path), "no path of the server")
            let table = try await console.get("/loads/feeds.csv?q=crm", ["Cookie": "lang=\(language)"])
            #expect(table.text.split(whereSeparator: \.isNewline).count == 5, "\(table.text)")
        }
        #expect(try await ConsoleWorld(base: world).signedIn("lzadmin").get("/loads/feeds").status == 403)
    }
}
