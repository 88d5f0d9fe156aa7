// Special lists by hand, and what is written down of look-ups.
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

extension Sequence {
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}

@Suite(.serialized) struct APIListTests {
    private func codes(_ answer: APIAnswer) -> [String] {
        (answer.json["entries"] as? [[String: Any]] ?? []).compactMap { $0["code"] as? String }
    }

    @Test func `an agent registers do-not-disturb, sees who and why, and takes it back`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let number = try await world.number(10)
        let body: [String: any Sendable] = ["number": "+86 \(number)", "channel": "sms", "reason": "客户来电要求"]
        let added = try await agent.post("/api/v1/lists/dnd_01/add", body)
        #expect(added.status == 200 && added.json["isChanged"] as? Bool == true, "\(added.text)")
        let found = try await agent.post("/api/v1/lists/look-up", ["number": number])
        let entry = try #require(
            (found.json["entries"] as? [[String: Any]])?.first { $0["code"] as? String == "dnd_01" }
        )
        #expect(entry["channel"] as? String == "sms" && entry["addedBy"] as? String == "agent")
        #expect(entry["reason"] as? String == "客户来电要求")
        // It counts at the next decision.
        let index = SubscriberIndex(UInt32(found.json["subscriber"] as? Int ?? 0))
        let isListed = try await world.platform.host.read { state in
            state.lists[.dnd(1, channel: .sms)]?.contains(index.number)
        }
        #expect(isListed == true)
        #expect(try await agent.post("/api/v1/lists/dnd_01/add", body).json["isChanged"] as? Bool == false)
        let removed = try await agent.post("/api/v1/lists/dnd_01/remove", body)
        #expect(removed.json["isChanged"] as? Bool == true && !codes(removed).contains("dnd_01"))
        #expect(try await agent.post("/api/v1/lists/dnd_01/remove", body).json["isChanged"] as? Bool == false)
    }

    @Test func `a change without reason, with a wrong list, channel or number is refused`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let number = try await world.number(11)
        let cases: [(String, [String: any Sendable], Int, String)] = [
            ("dnd_01", ["number": number, "reason": " "], 422, "list.reason_missing"),
            ("purple", ["number": number, "reason": "x"], 422, "list.unknown_list"),
            ("product%2FDATA10", ["number": number, "reason": "x"], 422, "list.unknown_list"),
            ("black", ["number": number, "channel": "sms", "reason": "x"], 422, "list.not_by_channel"),
            ("dnd_01", ["number": number, "channel": "fax", "reason": "x"], 400, "edge.bad_request"),
            ("dnd_01", ["number": "12345", "reason": "x"], 422, "list.bad_number"),
            ("dnd_01", ["number": "+12025550123", "reason": "x"], 404, "list.unknown_number"),
        ]
        for (list, body, status, code) in cases {
            let answer = try await agent.post("/api/v1/lists/\(list)/add", body)
            #expect(answer.status == status && answer.code == code, "\(list): \(answer.text)")
            #expect(!answer.text.contains(number), "a message repeats the number")
        }
    }

    @Test func `an import tells what it did with every line`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let (a, b) = (try await world.number(20), try await world.number(21))
        let spaced = "\(a.prefix(3)) \(a.dropFirst(3).prefix(4))-\(a.suffix(4))"
        let file = "\u{FEFF}手机号码,备注\r\n\"\(spaced)\",甲\r\n86\(a),重复\r\n\r\n0086\(b)\r\n12345,错\r\n+12025550123\r\n"
        let reason = "reason=投诉".encoded
        let answer = try await agent.send(.post, "/api/v1/lists/grey/import?\(reason)", text: file)
        let report = answer.json
        #expect(answer.status == 200, "\(answer.text)")
        #expect(report["rows"] as? Int == 5 && report["members"] as? Int == 2 && report["added"] as? Int == 2)
        #expect(report["present"] as? Int == 0)
        #expect(report["left"] as? [String: Int] == ["duplicate": 1, "not_a_phone_number": 1, "unknown": 1])
        let rejects = report["rejects"] as? [[String: Any]] ?? []
        #expect(rejects.map { $0["line"] as? Int } == [3, 6, 7])
        #expect(rejects[0]["text"] as? String == "\(a.prefix(3))****\(a.suffix(4))" && !answer.text.contains(a))
        let again = try await agent.send(.post, "/api/v1/lists/grey/import?\(reason)", text: "\(a)\n\(b)")
        #expect(again.json["present"] as? Int == 2 && again.json["added"] as? Int == 0)
        let export = try await agent.get("/api/v1/lists/grey/export")
        #expect(export.text.contains(a) && export.text.contains(b) && export.text.hasPrefix("\u{FEFF}"))
        #expect(
            try await agent.send(.post, "/api/v1/lists/grey/import?\(reason)", text: "\n\n").code == "load.empty"
        )
        #expect(try await agent.send(.post, "/api/v1/lists/grey/import", text: a).code == "list.reason_missing")
        let sizes = try await agent.get("/api/v1/lists").array
        #expect(sizes.first { $0["code"] as? String == "grey" }?["count"] as? Int == 2)
    }

    @Test func `a scoped planner neither sees nor changes lines outside his city`() async throws {
        let world = try await APIWorld.shared
        let lanzhou = try await world.signedIn("lanzhou")
        let (inside, outside) = (
            try await world.number(3, inLanzhou: true), try await world.number(3, inLanzhou: false)
        )
        let reason = "?reason=test"
        let answer = try await lanzhou.send(.post, "/api/v1/lists/white/import\(reason)", text: "\(inside)\n\(outside)")
        #expect(answer.json["added"] as? Int == 1 && (answer.json["left"] as? [String: Int])?["unknown"] == 1)
        _ = try await world.signedIn("agent").send(.post, "/api/v1/lists/white/import\(reason)", text: outside)
        let export = try await lanzhou.get("/api/v1/lists/white/export").text
        #expect(export.contains(inside) && !export.contains(outside))
    }

    @Test func `lines and customers are found, a customer with all his lines, and a list is replaced or reduced`()
        async throws
    {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let rows = try await world.platform.warehouse.rows(
            SQLText(
                "SELECT idx, line_id, customer_id, (SELECT count(*) FROM subscriber b WHERE b.customer_id = a.customer_id) "
                    + "FROM subscriber a ORDER BY 4 DESC, idx LIMIT 40",
                dialect: .duckdb
            )
        )
        let lines = rows.compactMap { if case .integer(let line) = $0[1] { line } else { nil } }
        guard case .integer(let customer) = rows[0][2], case .integer(let owned) = rows[0][3] else {
            return #expect(Bool(false))
        }
        let path = "/api/v1/lists/vip/import?reason=x&kind="
        let byLine = try await agent.send(
            .post,
            path + "line",
            text: "line_id\n\(lines[0])\n\(lines[39])\n1\n\(lines[0])\n"
        )
        #expect(byLine.json["added"] as? Int == 2, "\(byLine.text)")
        #expect(byLine.json["left"] as? [String: Int] == ["unknown": 1, "duplicate": 1])
        let replaced = try await agent.send(.post, path + "customer&mode=replace", text: "\(customer)\n\(customer)\n")
        #expect(owned > 1 && replaced.json["members"] as? Int == Int(owned), "\(replaced.text)")
        #expect(replaced.json["removed"] as? Int == 1 && replaced.json["present"] as? Int == 1)
        let removed = try await agent.send(.post, path + "customer&mode=remove", text: "\(customer)")
        #expect(removed.json["removed"] as? Int == Int(owned))
        #expect(try await agent.send(.post, path + "customer&mode=replace", text: "1").code == "list.nobody_found")
        #expect(try await agent.send(.post, path + "imsi", text: "1").code == "edge.bad_request")
        #expect(try await agent.send(.post, path + "line&column=Z9", text: "a,b\n1,2").code == "load.missing_columns")
        let damaged = try await agent.send(.post, path + "line", text: "PK\u{3}\u{4}")
        #expect(damaged.status == 422 && damaged.code == "load.damaged")
    }

    @Test func `a large import is one file and one entry, and each subscriber's history shows it`() async throws {
        let world = try await APIWorld.shared
        let platform = world.platform
        let lists = SpecialLists(
            host: platform.host,
            store: platform.store,
            inputs: platform.inputs,
            numbers: platform.numbers,
            segments: platform.segments,
            memberLists: platform.memberLists,
            mostSingly: 20
        )
        let staff = Staff(login: "agent", name: "agent", role: .agent)
        let numbers = try await (0..<60).asyncMap { try await world.number($0 + 100) }
        var now = platform.clock.now.instant
        func change(_ numbers: ArraySlice<String>, _ mode: ListImportMode) async throws -> ListImport {
            now = Instant(epochMs: now.epochMs + 1)
            return try await lists.change(
                ListID("important"),
                by: platform.list(text: numbers.joined(separator: "\n"), name: "13912345678.txt", kind: .msisdn),
                mode: mode,
                reason: "大批量",
                by: staff,
                at: now
            )
        }
        let first = try await change(numbers[0..<50], .add)
        #expect(first.added == 50 && first.report.rows == 50)
        let (inside, outside) = (try lists.subscriber(numbers[3]), try lists.subscriber(numbers[55]))
        let entry = try #require(try await platform.store.listImports().last)
        #expect(entry.added == 50 && entry.addedFile != nil && entry.removedFile == nil)
        #expect(!entry.source.contains("13912345678"))
        #expect(try await platform.store.listChanges(of: inside.number).isEmpty)
        let history = try await lists.changes(of: inside)
        #expect(history.map(\.isAdded) == [true] && history[0].who == "agent" && history[0].reason.hasPrefix("大批量"))
        #expect(try await lists.entries(of: inside).first { $0.list.code == "important" }?.added == history[0])
        #expect(try await lists.changes(of: outside).isEmpty)
        // The rest stays, 25 go, 5 come: more than 20 changes again.
        let second = try await change(numbers[25..<55], .replace)
        #expect(second.added == 5 && second.removed == 25 && second.present == 25)
        #expect(try await lists.changes(of: inside).map(\.isAdded) == [true, false])
        #expect(try await platform.host.read { $0.lists[ListID("important")]?.count } == 30)
        // Few changes have their own entries.
        #expect(try await change(numbers[50..<60], .remove).removed == 5)
        #expect(
            try await platform.store.listChanges(of: lists.subscriber(numbers[50]).number).map(\.isAdded) == [false]
        )
        #expect(try await lists.changes(of: lists.subscriber(numbers[50])).map(\.isAdded) == [true, false])
        let again = try await change(numbers[50..<60], .remove)
        #expect(again.removed == 0 && again.present == 10)
    }

    @Test func `an entry with days begins and ends by itself, and what is said later holds`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let (lists, now) = (world.platform.lists, world.platform.clock.now)
        let numbers = try await (200..<204).asyncMap { try await world.number($0) }
        let day: (Int32) -> String = { LocalDay(number: now.day.number + $0).iso }
        func add(_ position: Int, _ days: [String: any Sendable]) async throws -> APIAnswer {
            let body: [String: any Sendable] = ["number": numbers[position], "reason": "出国"]
            return try await agent.post("/api/v1/lists/sensitive/add", body.merging(days) { $1 })
        }
        func members() async throws -> [Int] {
            let indices = try numbers.map { try lists.subscriber($0).number }
            let list = try await world.platform.host.read { $0.lists[.dnd(2)] }
            return indices.indices.filter { list?.contains(indices[$0]) == true }
        }
        func pass(_ days: Int64) async throws {
            try await lists.keepDays(at: Instant(epochMs: now.instant.epochMs + days * 86_400_000))
        }
        for days in [["to": day(-1)], ["from": day(3), "to": day(2)]] {
            #expect(try await add(0, days).code == "list.bad_days", "\(days)")
        }
        #expect(try await add(0, ["to": "tomorrow"]).code == "edge.bad_request")
        let planned = try await add(0, ["from": day(2), "to": day(3)])
        #expect(planned.json["isChanged"] as? Bool == false)
        let entry = try #require(
            (planned.json["entries"] as? [[String: Any]])?.first { $0["code"] as? String == "dnd_02" }
        )
        #expect(
            entry["isPlanned"] as? Bool == true && entry["from"] as? String == day(2)
                && entry["to"] as? String == day(3)
        )
        #expect(try await add(1, ["to": day(0)]).json["isChanged"] as? Bool == true)
        _ = try await add(2, ["to": day(1)])
        _ = try await add(2, [:])
        _ = try await add(3, ["from": day(1)])
        _ = try await agent.post("/api/v1/lists/dnd_02/remove", ["number": numbers[3], "reason": "撤销"])
        #expect(try await members() == [1, 2])
        try await pass(0)
        #expect(try await members() == [1, 2])
        for _ in 0..<2 { try await pass(1) }
        #expect(try await members() == [2])
        try await pass(2)
        #expect(try await members() == [0, 2])
        try await pass(3)
        #expect(try await members() == [0, 2])
        try await pass(4)
        #expect(try await members() == [2])
        let history = try await lists.changes(of: lists.subscriber(numbers[0]))
        #expect(
            history.map(\.isAdded) == [true, false] && history.allSatisfy { $0.who == "agent" && $0.reason == "出国" }
        )
        // A list of numbers ends what days an entry had.
        _ = try await add(1, ["to": day(5)])
        _ = try await agent.send(.post, "/api/v1/lists/dnd_02/import?reason=x", text: numbers[1])
        try await pass(6)
        #expect(try await members() == [1, 2])
    }

    @Test func `a list of numbers may hold for some days`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let (lists, now) = (world.platform.lists, world.platform.clock.now)
        let numbers = try await (220..<224).asyncMap { try await world.number($0) }
        let day: (Int32) -> String = { LocalDay(number: now.day.number + $0).iso }
        func put(_ query: String, _ positions: [Int]) async throws -> APIAnswer {
            let text = positions.map { numbers[$0] }.joined(separator: "\n")
            return try await agent.send(.post, "/api/v1/lists/dnd_09/import?reason=奥运&\(query)", text: text)
        }
        func members(on days: Int64) async throws -> [Int] {
            try await lists.keepDays(at: Instant(epochMs: now.instant.epochMs + days * 86_400_000))
            let indices = try numbers.map { try lists.subscriber($0).number }
            let list = try await world.platform.host.read { $0.lists[.dnd(9)] }
            return indices.indices.filter { list?.contains(indices[$0]) == true }
        }
        #expect(try await put("to=\(day(-1))", [0]).code == "list.bad_days")
        #expect(try await put("from=\(day(3))&to=\(day(2))", [0]).code == "list.bad_days")
        #expect(try await put("to=soon", [0]).code == "edge.bad_request")
        for mode in ["replace", "remove"] {
            #expect(try await put("mode=\(mode)&to=\(day(2))", [0]).code == "list.days_not_here")
        }
        let later = try await put("from=\(day(2))&to=\(day(3))", [0, 1]).json
        #expect(later["planned"] as? Int == 2 && later["added"] as? Int == 0)
        let now2 = try await put("to=\(day(1))", [2]).json
        #expect(now2["planned"] as? Int == 0 && now2["added"] as? Int == 1)
        _ = try await put("", [3])
        // Taken off before its day comes, it does not come.
        _ = try await put("mode=remove", [1])
        #expect(try await members(on: 0) == [2, 3])
        #expect(try await members(on: 1) == [2, 3])
        #expect(try await members(on: 2) == [0, 3])
        #expect(try await members(on: 3) == [0, 3])
        #expect(try await members(on: 4) == [3])
        let history = try await lists.changes(of: lists.subscriber(numbers[0]))
        #expect(history.map(\.isAdded) == [true, false] && history.allSatisfy { $0.reason == "奥运" })
    }

    @Test func `files in the inbox are taken in once, or refused with their reason`() async throws {
        let world = try await APIWorld.shared
        let inbox = world.platform.listInbox
        let numbers = try await (210..<214).asyncMap { try await world.number($0) }
        let manager = FileManager.default
        func put(_ name: String, _ content: String) throws {
            try Data(content.utf8).write(to: URL(filePath: "\(inbox.path)/\(name)"), options: .atomic)
        }
        func left() throws -> [String] {
            try manager.contentsOfDirectory(atPath: inbox.path).filter { !["done", "failed"].contains($0) }
        }
        /// The runner of the shared world may be at it, too.
        func taken() async throws {
            for _ in 0..<200 where try left().contains(where: { !$0.hasSuffix(".part") }) {
                _ = try await inbox.take()
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        func members() async throws -> Int {
            try await world.platform.host.read { $0.lists[.dnd(11)]?.count ?? 0 }
        }
        try put("dnd_11.2026-09-16.csv", numbers[0..<3].joined(separator: "\n"))
        try put("dnd_11.sms.csv", numbers[0])
        try put("purple.csv", numbers[0])
        try put("README", numbers[0])
        try put("dnd_11.empty.csv", "")
        try put("dnd_11.until-soon.csv", numbers[0])
        try put("dnd_13.from-2000-01-01.until-2999-12-31.csv", numbers[0])
        try put("dnd_11.csv.part", numbers[3])
        try await taken()
        #expect(try left() == ["dnd_11.csv.part"])
        #expect(try await members() == 3)
        let done = try manager.contentsOfDirectory(atPath: inbox.path + "/done").sorted()
        #expect(done.count == 4 && done.contains { $0.hasSuffix("-dnd_11.2026-09-16.csv") })
        #expect(done.contains { $0.hasSuffix("-dnd_11.2026-09-16.csv.report.json") })
        let dates = try await world.platform.store.listDates(.list(.dnd(13)))
        #expect(dates.map(\.to) == [LocalDay(iso: "2999-12-31")] && dates.allSatisfy(\.isEntered))
        let failed = try manager.contentsOfDirectory(atPath: inbox.path + "/failed")
        let reasons = try failed.filter { $0.hasSuffix(".reason.txt") }.map {
            try String(contentsOfFile: inbox.path + "/failed/" + $0, encoding: .utf8).prefix { $0 != ":" }
        }
        #expect(
            reasons.sorted()
                == ["list.bad_days", "list.not_by_channel", "list.unknown_list", "list.unknown_list", "load.empty"]
        )
        #expect(failed.count == 10)
        // The same file again changes nothing; another replaces the list.
        let index = try world.platform.lists.subscriber(numbers[0])
        let staff = Staff(login: "agent", name: "agent", role: .agent)
        let now = world.platform.clock.now.instant
        _ = try await world.platform.lists.remove(index, from: .dnd(11), reason: "x", by: staff, at: now)
        try put("dnd_11.2026-09-16.csv", numbers[0..<3].joined(separator: "\n"))
        try await taken()
        #expect(try await members() == 2)
        try put("dnd_11.replace.csv", "msisdn\n\(numbers[3])")
        try await taken()
        #expect(try await members() == 1)
        #expect(
            try await world.platform.lists.changes(of: world.platform.lists.subscriber(numbers[3])).map(\.who) == [
                "inbox"
            ]
        )
    }

    @Test func `look-ups are on record by subscriber, and no log holds a number`() async throws {
        let world = try await APIWorld.shared
        let agent = try await world.signedIn("agent")
        let number = try await world.number(30)
        let found = try await agent.post("/api/v1/lists/look-up", ["number": number])
        _ = try await agent.post("/api/v1/explain", ["number": number])
        _ = try await agent.get("/api/v1/lists/\(number)/export")
        let subscriber = try #require(found.json["subscriber"] as? Int)
        let log = try await world.platform.store.audit(ListQuery(search: "subscriber/\(subscriber)", limit: 100)).rows
        #expect(log.filter { $0.action == "subscriber.look_up" && $0.object == "subscriber/\(subscriber)" }.count >= 2)
        let everything = try await world.platform.store.audit(ListQuery(limit: 1000)).rows
        #expect(!everything.contains { ($0.object + $0.detail + $0.who).contains(number) })
        #expect(!world.logs.all.isEmpty)
        #expect(!world.logs.all.contains { $0.contains(number) })
    }
}
