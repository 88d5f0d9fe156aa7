// The unified customer view: found by number, IMSI, customer or a part of a number; masked; each look on record.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
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

@Suite(.serialized) struct CustomerTests {
    /// A world of its own with facts loaded.
    private static let made = Task {
        let world = try await APIWorld()
        let examples = APIWorld.repository.appending(path: "Examples").path(percentEncoded: false) + "/"
        let catalogue = try CatalogueFile.read(path: examples + "operator/catalogue.yaml")
        for table in ["subscriber_month", "contact", "complaint", "subscription", "visit"] {
            guard let kind = SyntheticTable(rawValue: table) else { continue }
            _ = try await world.platform.loading.load(
                SyntheticTableSource(world.synthetic, kind),
                catalogue: catalogue,
                by: "test",
                at: world.platform.clock.now.instant
            )
        }
        return world
    }

    private var world: APIWorld { get async throws { try await Self.made.value } }

    private func audit(_ world: APIWorld, _ action: String) async throws -> [AuditEntry] {
        try await world.platform.store.audit(ListQuery(search: action, limit: 1_000)).rows.filter {
            $0.action == action
        }
    }

    /// The first subscriber with contacts, and its row.
    private func somebody(
        _ world: APIWorld
    ) async throws -> (index: SubscriberIndex, number: String, customer: Int64, imsi: Int64) {
        let rows = try await world.platform.warehouse.rows(
            SQLText(
                """
                SELECT idx, customer_id, imsi, msisdn FROM subscriber
                WHERE idx IN (SELECT idx FROM contact) AND msisdn IS NOT NULL AND city <> '6201' ORDER BY idx LIMIT 1
                """
            )
        )
        let row = try #require(rows.first)
        let number = MSISDN(row[3].integer ?? 0).national
        return (SubscriberIndex(UInt32(row[0].integer ?? 0)), number, row[1].integer ?? 0, row[2].integer ?? 0)
    }

    @Test func `a customer is found by number, IMSI, customer number, and a part of a number with a region`()
        async throws
    {
        let world = try await world
        let agent = try await world.signedIn("agent")
        let (index, number, customer, imsi) = try await somebody(world)
        let profile = try await world.platform.host.read { try $0.profileReader() }
        let province = try #require(profile.text(of: "province", at: index))
        let questions: [[String: any Sendable]] = [
            ["number": number], ["imsi": "\(imsi)"], ["customer": "\(customer)"],
            ["fragment": String(number.suffix(4)), "province": province],
            ["fragment": number.prefix(3) + "****" + number.suffix(4), "province": province],
        ]
        for question in questions {
            let found = try await agent.post("/api/v1/customers/find", question)
            #expect(found.status == 200, "\(question.keys) \(found.text)")
            let lines = found.json["lines"] as? [[String: Any]] ?? []
            #expect(lines.contains { $0["subscriber"] as? Int == Int(index.number) }, "\(question.keys)")
            #expect(!found.text.contains(number), "masked")
        }
        let wrong: [([String: any Sendable], Int, String)] = [
            (["fragment": String(number.suffix(4))], 422, "customer.region_missing"),
            (["fragment": "12", "province": province], 422, "customer.bad_fragment"),
            (["imsi": "12"], 422, "customer.bad_imsi"), (["customer": "1x"], 422, "customer.bad_customer"),
            (["customer": "999999999999999999"], 404, "customer.nobody"), ([:], 400, "edge.bad_request"),
        ]
        for (question, status, code) in wrong {
            let answer = try await agent.post("/api/v1/customers/find", question)
            #expect(answer.status == status && answer.code == code, "\(question.keys) \(answer.text)")
        }
        let lanzhou = try await world.signedIn("lanzhou")
        #expect(try await lanzhou.post("/api/v1/customers/find", ["customer": "\(customer)"]).status == 404)
        #expect(try await lanzhou.get("/api/v1/customers/\(index.number)").status == 404)
    }

    @Test func `what is known of a customer agrees with the tables, and is masked until a reason is given`()
        async throws
    {
        let world = try await world
        let agent = try await world.signedIn("agent")
        let (index, number, _, imsi) = try await somebody(world)
        let path = "/api/v1/customers/\(index.number)"
        let looked = try await audit(world, "subscriber.look_up").count
        let masked = try await agent.get(path)
        #expect(masked.status == 200)
        #expect(!masked.text.contains(number) && !masked.text.contains("\(imsi)"))
        #expect(masked.json["name"] == nil)
        #expect(try await audit(world, "subscriber.look_up").count == looked + 1)
        for table in ["subscriber_month", "subscription", "complaint"] {
            let field =
                ["subscriber_month": "months", "subscription": "subscriptions", "complaint": "complaints"][table] ?? ""
            let count = try await world.platform.warehouse.integer(
                SQLText(
                    "SELECT CAST(count(*) AS BIGINT) FROM \(table) JOIN line USING (line_id) WHERE line.idx = \(index.number)"
                )
            )
            #expect((masked.json[field] as? [Any])?.count == count.map { Int($0) }, "\(table)")
        }
        let groups = masked.json["profile"] as? [[String: Any]] ?? []
        let attributes = groups.flatMap { $0["attributes"] as? [[String: Any]] ?? [] }
        let profile = try await world.platform.host.read { try $0.profileReader() }
        let brand = attributes.first { $0["code"] as? String == "brand" }?["value"] as? String
        #expect(brand == profile.text(of: "brand", at: index))

        #expect(try await agent.post(path + "/show", ["reason": " "]).code == "customer.reason_missing")
        #expect(try await audit(world, "subscriber.unmask").isEmpty)
        let shown = try await agent.post(path + "/show", ["reason": "客户本人核实"])
        #expect(shown.status == 200 && shown.json["number"] as? String == number)
        #expect(shown.json["imsi"] as? String == "\(imsi)")
        let entry = try #require(try await audit(world, "subscriber.unmask").first)
        #expect(entry.detail == "客户本人核实" && entry.who == "agent" && entry.object == "subscriber/\(index.number)")
        #expect(try await agent.get(path).text.contains(number) == false, "for that answer only")
        let planner = try await world.signedIn("plan")
        #expect(try await planner.post(path + "/show", ["reason": "x"]).status == 403)
    }

    @Test func `a segment is shown to those it has, a list when the customer is on it`() async throws {
        let world = try await world
        let planner = try await world.signedIn("plan")
        let (index, number, _, _) = try await somebody(world)
        let agent = try await world.signedIn("agent")
        _ = try await agent.post("/api/v1/lists/dnd_02/add", ["number": number, "reason": "x"])
        let profile = try await world.platform.host.read { try $0.profileReader() }
        let brand = try #require(profile.text(of: "brand", at: index))
        for (name, rule) in [
            ("with", "brand = '\(brand)'"), ("without", "brand <> '\(brand)'"), ("listed", "on_list('dnd_02')"),
            ("cold", "terminal_model LIKE '%'"),
        ] {
            let answer = try await planner.post("/api/v1/segments", ["name": "customer \(name)", "rule": rule])
            #expect(answer.status < 300, "\(answer.text)")
        }
        let view = try await planner.get("/api/v1/customers/\(index.number)")
        let names = (view.json["segments"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
        #expect(names.filter { $0.hasPrefix("customer ") } == ["customer cold", "customer listed", "customer with"])
        #expect(view.text.contains("dnd_02"))
    }

    @Test func `complaints that came without a contact are touches, and each kind is counted`() async throws {
        let world = try await world
        let rows = try await world.platform.warehouse.rows(
            SQLText(
                """
                SELECT c.idx, c.day, c.topic, s.customer_id FROM complaint c JOIN subscriber s ON s.idx = c.idx
                WHERE NOT EXISTS (SELECT 1 FROM contact t WHERE t.idx = c.idx AND t.day = c.day
                AND t.kind = 'complaint') AND s.city <> '6201' ORDER BY c.idx LIMIT 1
                """
            )
        )
        let row = try #require(rows.first)
        let (index, day, topic) = (row[0].integer ?? 0, row[1].day?.iso ?? "", row[2].text ?? "")
        let agent = try await world.signedIn("agent")
        let path = "/api/v1/customers/\(index)/contacts?limit=1000"
        let all = try await agent.get(path).json["items"] as? [[String: Any]] ?? []
        let told = all.filter { $0["kind"] as? String == "complaint" && ($0["at"] as? String)?.hasPrefix(day) == true }
        #expect(told.count == 1 && told[0]["business"] as? String == topic)
        let complaints = try await agent.get(path + "&kind=complaint").json["items"] as? [[String: Any]] ?? []
        #expect(complaints.count == all.count { $0["kind"] as? String == "complaint" })
        #expect(complaints.count >= 1)
        let console = try await ConsoleWorld(base: world)
        let reader = try await console.signedIn("agent")
        _ = try await reader.form("/customers/find", "by=customer&text=\(row[3].integer ?? 0)")
        _ = try await reader.form("/customers/open", "subscriber=\(index)")
        let page = try await reader.get("/customers/\(index)?tab=contacts&days=all")
        #expect(
            page.status == 200 && page.text.contains("<dd>\(complaints.count)")
                || page.text.contains(">\(complaints.count)<")
        )
        #expect(page.text.contains(topic))
    }

    @Test func `a contact tells of one complaint of its day, on whichever channel`() async throws {
        let world = try await world
        let row = try #require(
            try await world.platform.warehouse.rows(
                SQLText(
                    """
                    SELECT c.idx, c.line_id, c.day, t.channel FROM complaint c JOIN contact t
                    ON t.idx = c.idx AND t.day = c.day AND t.kind = 'complaint' JOIN subscriber s ON s.idx = c.idx
                    WHERE s.city <> '6201' ORDER BY c.idx, c.day LIMIT 1
                    """
                )
            ).first
        )
        let (index, line) = (row[0].integer ?? 0, row[1].integer ?? 0)
        let (day, channel) = (row[2].day?.iso ?? "", row[3].text ?? "")
        let agent = try await world.signedIn("agent")
        let path = "/api/v1/customers/\(index)/contacts?limit=1000&from=\(day)&to=\(day)&kind=complaint"
        func count(_ more: String = "") async throws -> Int {
            (try await agent.get(path + more).json["items"] as? [[String: Any]] ?? []).count
        }
        let before = (all: try await count(), onChannel: try await count("&channel=\(channel)"))
        let other = channel == "ivr" ? "hotline" : "ivr"
        #expect(try await count("&channel=\(other)") == 0, "the contact tells of it, on another channel")
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "complaint-\(UInt64.random(in: 0...(.max)))"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (file, mapping) = (folder.appending(path: "c.csv"), folder.appending(path: "c.yaml"))
        try Data("line,day,topic\n\(line),\(day),a second one\n".utf8).write(to: file)
        try Data("table: complaint\ncolumns: { line_id: line, day: day, topic: topic }\n".utf8).write(to: mapping)
        let loaded = try await world.platform.load(
            file: file.path(),
            mapping: mapping.path(),
            catalogue: try await world.platform.segments.catalogue(),
            by: "test"
        )
        #expect(try await count() == before.all + 1)
        #expect(try await count("&channel=\(channel)") == before.onChannel)
        _ = try await world.platform.loading.rollback(
            loaded.record.id,
            by: "test",
            at: world.platform.clock.now.instant
        )
        #expect(try await count() == before.all)
    }

    @Test func `a preference that is noted is on the page, in rules and in the history, until it is removed`()
        async throws
    {
        let world = try await world
        let console = try await ConsoleWorld(base: world)
        let (index, number, customer, _) = try await somebody(world)
        let agent = try await console.signedIn("agent")
        _ = try await agent.form("/customers/find", "by=customer&text=\(customer)")
        _ = try await agent.form("/customers/open", "subscriber=\(index.number)")
        let path = "/customers/\(index.number)/preferences"
        let wrong = try await agent.form(path, "preference=black&note=x")
        #expect(wrong.status == 422 || wrong.status == 200 && wrong.text.contains("role=\"alert\""), "no other list")
        #expect(try await agent.form(path, "preference=likes_games&note=%20").text.contains("likes_games"))
        #expect(try await agent.form(path, "preference=likes_games&note=回访时说起&to=2020-01-01").status != 303)
        let rule = "on_list('likes_games')"
        #expect(
            try await world.platform.segments.count(rule, in: .all, today: console.base.platform.clock.now.day) == 0
        )
        #expect(try await agent.form(path, "preference=likes_games&note=回访时说起").status == 303)
        #expect(
            try await world.platform.segments.count(rule, in: .all, today: console.base.platform.clock.now.day) == 1
        )
        let page = try await agent.get("/customers/\(index.number)")
        #expect(page.text.contains("回访时说起") && !page.text.contains(number))
        let view = try await agent.get("/api/v1/customers/\(index.number)").json
        let entry = (view["lists"] as? [[String: Any]] ?? []).first { $0["code"] as? String == "likes_games" }
        #expect(entry?["reason"] as? String == "回访时说起" && entry?["addedBy"] as? String == "agent")
        #expect(try await agent.form(path + "/remove", "preference=likes_games").status == 303)
        #expect(
            try await world.platform.segments.count(rule, in: .all, today: console.base.platform.clock.now.day) == 0
        )
        let changes = try await world.platform.store.listChanges(of: index.number)
        #expect(changes.filter { $0.list == ListID("likes_games") }.count == 2)
        let approver = try await console.signedIn("appr")
        #expect(try await approver.form(path, "preference=likes_games&note=x").status == 403)
    }

    @Test func `demand and rejection are the points of what is on record, on the page and in rules`() async throws {
        let world = try await world
        let (platform, today) = (world.platform, world.platform.clock.now.day)
        let days = "DATE '\(today.iso)'"
        // Written anew, subscriber by subscriber.
        let rows = try await platform.warehouse.rows(
            SQLText(
                """
                SELECT idx, product, from_day, to_day FROM subscription
                WHERE idx IN (SELECT idx FROM subscription WHERE to_day IS NOT NULL ORDER BY idx LIMIT 40)
                """
            )
        )
        let touches = try await platform.warehouse.rows(
            SQLText(
                "SELECT idx, business, kind, outcome FROM contact WHERE business IS NOT NULL AND day <= \(days) AND day > \(days) - INTERVAL 183 DAY"
            )
        )
        struct Key: Hashable { var index: Int64, product: String }
        var (demand, rejection): ([Key: Int64], [Key: Int64]) = ([:], [:])
        let chosen = Set(rows.compactMap(\.[0].integer))
        for row in rows {
            let key = Key(index: row[0].integer ?? 0, product: row[1].text ?? "")
            guard let from = row[2].day, from <= today else { continue }
            if let to = row[3].day, to <= today {
                guard to > today.adding(days: -365) else { continue }
                demand[key, default: 0] += 0
                rejection[key, default: 0] += to.number - from.number < 92 ? 50 : 30
            } else {
                demand[key, default: 0] += 50
            }
        }
        for row in touches where chosen.contains(row[0].integer ?? -1) {
            let key = Key(index: row[0].integer ?? 0, product: row[1].text ?? "")
            switch (row[2].text ?? "", row[3].text ?? "") {
            case ("enquiry", _), ("query", _), ("handling", _): demand[key, default: 0] += 15
            case ("marketing", "accepted"): demand[key, default: 0] += 30
            case ("marketing", "considering"): demand[key, default: 0] += 20
            case ("marketing", "refused"): rejection[key, default: 0] += 20
            case ("complaint", _): rejection[key, default: 0] += 25
            default: break
            }
        }
        var found = 0
        for index in chosen.sorted() {
            let interests = try await platform.customers.interests(of: SubscriberIndex(UInt32(index)), today: today)
            for row in interests.rows {
                let key = Key(index: index, product: interests.value("product", row).text ?? "")
                #expect(interests.value("demand", row).integer == min(100, demand[key] ?? 0), "\(key)")
                #expect(interests.value("rejection", row).integer == min(100, rejection[key] ?? 0), "\(key)")
                found += 1
            }
            let keys = Set(demand.keys).union(rejection.keys).filter { $0.index == index }
            #expect(interests.rows.count == keys.count)
        }
        #expect(found > 80)
        // A rule selects by the same points.
        let wanted = Set(
            demand.filter { $0.value >= 50 && (rejection[$0.key] ?? 0) == 0 && $0.key.product == "视频会员" }.keys.map(
                \.index
            )
        )
        let members = try await platform.segments.members(
            "did(interest, product = '视频会员' AND demand >= 50 AND rejection = 0)",
            in: .all,
            today: today
        )
        #expect(Set(members.indices.map { Int64($0) }).intersection(chosen) == wanted && !wanted.isEmpty)
        // And so does a query of one's own; steps of visits are known as well.
        let own = SegmentDefinition(
            .sql("SELECT line_id FROM subscriber WHERE idx IN (SELECT idx FROM interest WHERE demand >= 90)")
        )
        let many = try await platform.segments.find(own, in: .all, today: today).members
        #expect(many == (try await platform.segments.members("did(interest, demand >= 90)", in: .all, today: today)))
        let visitors = try await platform.segments.members(
            "did(visit, channel = 'web' AND step = '办理页')",
            in: .all,
            today: today
        )
        #expect(!visitors.indices.isEmpty && !many.indices.isEmpty)
        let visitor = try #require(visitors.indices.first)
        #expect(try await !platform.customers.visits(of: SubscriberIndex(visitor)).rows.isEmpty)
    }

    @Test func `contacts are paged and filtered by kind, channel and day`() async throws {
        let world = try await world
        let agent = try await world.signedIn("agent")
        let (index, _, _, _) = try await somebody(world)
        let path = "/api/v1/customers/\(index.number)/contacts"
        let all = try await agent.get(path + "?limit=1000")
        let rows = all.json["items"] as? [[String: Any]] ?? []
        // A complaint that no contact of its day tells of is one too.
        let count = try await world.platform.warehouse.integer(
            SQLText(
                """
                SELECT (SELECT count(*) FROM contact WHERE idx = \(index.number)) + (SELECT count(*) FROM complaint c
                WHERE idx = \(index.number) AND NOT EXISTS (SELECT 1 FROM contact t WHERE t.idx = c.idx
                AND t.day = c.day AND t.kind = 'complaint'))
                """
            )
        )
        #expect(rows.count == Int(count ?? 0) && !rows.isEmpty)
        let times = rows.compactMap { $0["at"] as? String }
        #expect(times == times.sorted(by: >))
        let first = try await agent.get(path + "?limit=1")
        #expect(first.json["total"] as? Int == rows.count)
        let kind = try #require(rows.first?["kind"] as? String)
        let filtered = try await agent.get(path + "?limit=1000&kind=\(kind)").json["items"] as? [[String: Any]] ?? []
        #expect(filtered.count == rows.count { $0["kind"] as? String == kind })
        let day = String(times[0].prefix(10))
        let since = try await agent.get(path + "?limit=1000&from=\(day)").json["items"] as? [[String: Any]] ?? []
        #expect(since.count == times.count { $0.prefix(10) >= day })
        #expect(try await agent.get(path + "?from=tomorrow").status == 400)
        #expect(try await agent.get(path + "?format=csv").text.hasPrefix("\u{FEFF}"))
    }

    @Test func `the console masks, shows for one page, and opens only what the session looked up`() async throws {
        let world = try await world
        let console = try await ConsoleWorld(base: world)
        let (index, number, customer, _) = try await somebody(world)
        let agent = try await console.signedIn("agent")
        #expect(try await agent.get("/customers/\(index.number)").headers[.location] == "/customers")
        let found = try await agent.form("/customers/find", "by=customer&text=\(customer)")
        #expect(found.status == 200 && found.text.contains("value=\"\(index.number)\"") && !found.text.contains(number))
        #expect(try await agent.form("/customers/open", "subscriber=\(index.number)").status == 303)
        for tab in ["profile", "usage", "contacts", "why"] {
            let page = try await agent.get("/customers/\(index.number)?tab=\(tab)")
            #expect(page.status == 200 && !page.text.contains(number), "\(tab)")
            for other in try await [
                agent.get("/explain/\(index.number)"), agent.get("/lists?subscriber=\(index.number)"),
            ] {
                #expect(!other.text.contains(number), "a part of a number opens no other page")
            }
        }
        let asked = try await audit(world, "subscriber.unmask").count
        #expect(try await agent.form("/customers/\(index.number)/show", "tab=profile&reason=%20").status == 422)
        let shown = try await agent.form("/customers/\(index.number)/show", "tab=profile&reason=check")
        #expect(shown.status == 200 && shown.text.contains(number))
        #expect(try await audit(world, "subscriber.unmask").count == asked + 1)
        #expect(try await !agent.get("/customers/\(index.number)").text.contains(number))
        for name in ["months", "subscriptions", "complaints", "contacts", "decisions", "numbers"] {
            let file = try await agent.get("/customers/\(index.number)/\(name).csv")
            #expect(file.status == 200 && file.text.hasPrefix("\u{FEFF}") && !file.text.contains(number), "\(name)")
        }
        let planner = try await console.signedIn("plan")
        #expect(try await planner.form("/customers/find", "by=number&text=\(number)").status == 303)
        #expect(try await !planner.get("/customers/\(index.number)").text.contains("/show"))
        #expect(try await planner.form("/customers/\(index.number)/show", "reason=x").status == 403)
    }

    @Test func `contacts by channel add up to the table, also for the subscribers of a rule`() async throws {
        let world = try await world
        let (customers, now) = (world.platform.customers, world.platform.clock.now)
        let months = ChannelQuestion(from: LocalMonth(number: now.month.number - 11), to: now.month)
        let all = try await customers.channels(months, in: .all, today: now.day)
        let count = try await world.platform.warehouse.integer(SQLText("SELECT CAST(count(*) AS BIGINT) FROM contact"))
        #expect(all.contacts.reduce(0) { $0 + $1.contacts } == Int(count ?? 0))
        let people = try await world.platform.warehouse.integer(
            SQLText("SELECT CAST(count(DISTINCT idx) AS BIGINT) FROM contact")
        )
        #expect(all.preferences.reduce(0) { $0 + $1.subscribers } == Int(people ?? 0))
        #expect(all.preferences.reduce(0) { $0 + $1.contacts } == Int(count ?? 0))
        var parts = 0
        for rule in ["brand = '全球通'", "NOT (brand = '全球通')"] {
            var question = months
            question.rule = rule
            parts += try await customers.channels(question, in: .all, today: now.day).contacts.reduce(0) {
                $0 + $1.contacts
            }
        }
        #expect(parts == Int(count ?? 0))
        let console = try await ConsoleWorld(base: world)
        let planner = try await console.signedIn("plan")
        #expect(try await planner.get("/customers/channels?months=12&kind=marketing").status == 200)
        let wrong = try await planner.get("/customers/channels?rule=brnd%20%3D%201")
        #expect(wrong.status == 200 && wrong.text.contains("rule-error"))
        for part in [".csv", "/preference.csv", "/diversion.csv"] {
            #expect(try await planner.get("/customers/channels\(part)").text.hasPrefix("\u{FEFF}"), "\(part)")
        }
        #expect(try await console.signedIn("agent").get("/customers/channels").status == 403)
    }

    @Test func `the API gives the analysis of contacts that the console shows`() async throws {
        let world = try await world
        let planner = try await world.signedIn("plan")
        let path = "/api/v1/contact-analysis"
        let now = world.platform.clock.now
        let shown = try await world.platform.customers.channels(
            ChannelQuestion(from: LocalMonth(number: now.month.number - 5), to: now.month),
            in: .all,
            today: now.day
        )
        func rows(_ answer: APIAnswer, _ name: String) -> [[String: Any]] {
            answer.json[name] as? [[String: Any]] ?? []
        }
        func sum(_ rows: [[String: Any]], _ name: String) -> Int {
            rows.reduce(0) { $0 + ($1[name] as? Int ?? 0) }
        }
        let all = try await planner.get(path)
        let count = shown.contacts.reduce(0) { $0 + $1.contacts }
        #expect(all.status == 200 && count > 0 && sum(rows(all, "contacts"), "contacts") == count, "\(all.text)")
        #expect(rows(all, "preferences").count == shown.preferences.count)
        let diversion = rows(all, "diversion")
        #expect(sum(diversion, "physical") + sum(diversion, "electronic") == count)
        #expect(sum(try await rows(planner.get(path + "?physical=none"), "diversion"), "physical") == 0)
        let month = now.month.iso
        let one = try await planner.get("\(path)?from=\(month)&to=\(month)&kind=marketing")
        #expect(rows(one, "contacts").allSatisfy { $0["kind"] as? String == "marketing" })
        #expect(one.json["from"] as? String == month && one.json["to"] as? String == month)
        let own = try await planner.get(path + "?rule=city%20%3D%20'6201'").json["contacts"] as? [[String: Any]] ?? []
        let lanzhou = try await world.signedIn("lanzhou").get(path).json["contacts"] as? [[String: Any]] ?? []
        #expect(sum(own, "contacts") == sum(lanzhou, "contacts") && sum(own, "contacts") < count)
        let csv = try await planner.get(path + "?format=csv", ["Accept-Language": "en"])
        #expect(csv.text.split(separator: "\r\n").count == shown.contacts.count + 1)
        for wrong in ["from=2026", "from=2026-13", "to=now", "from=2026-05&to=2026-04", "from=1990-01"] {
            #expect(try await planner.get("\(path)?\(wrong)").status == 400, "\(wrong)")
        }
        #expect(try await planner.get(path + "?rule=brnd%20%3D%201").status == 422)
        #expect(try await world.signedIn("agent").get(path).status == 403)
    }

    @Test func `loads are listed, and taken out again by administrators of the whole operator only`() async throws {
        let world = try await APIWorld()
        let admin = try await world.signedIn("admin")
        let loads = try await admin.get("/api/v1/loads").array
        let id = try #require(loads.first?["id"] as? String)
        let path = "/api/v1/loads/\(id)/rollback"
        #expect(try await world.signedIn("plan").get("/api/v1/loads").status == 403)
        #expect(try await world.signedIn("lzadmin").post(path, [:], ["Idempotency-Key": "a"]).status == 403)
        #expect(try await admin.post(path).code == "edge.key_missing")
        #expect(try await admin.post(path, [:], ["Idempotency-Key": "b"]).code == "load.only")
        let missing = try await admin.post("/api/v1/loads/none/rollback", [:], ["Idempotency-Key": "c"])
        #expect(missing.status == 404 && missing.code == "load.unknown")
        world.running.cancel()
    }
}
