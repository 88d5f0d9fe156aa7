// What subscribers did, asked of loaded tables: counts agree with SQL of one's own, and the decision core refuses.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Demo
import Foundation
import Kernel
import Model
import Planning
import Ports
import Rules
import SimulatedChannel
import Synthetic
import Testing

@Suite(.serialized) struct BehaviourTests {
    private static let subscribers = 3_000
    private let today = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)

    private func with<Result>(
        _ tables: [SyntheticTable],
        _ body: (Platform, AttributeCatalogue, SyntheticOperator) async throws -> Result
    ) async throws -> Result {
        try await withOperator(tables, subscribers: Self.subscribers, on: today, body)
    }

    private func load(
        _ table: SyntheticTable,
        of world: SyntheticOperator,
        _ platform: Platform,
        _ catalogue: AttributeCatalogue
    ) async throws {
        let source = SyntheticTableSource(world, table)
        _ = try await platform.loading.load(source, catalogue: catalogue, by: "test", at: Instant(epochMs: 0))
    }

    /// Rule, and who it means: line ids.
    private static let questions = [
        ("did(contact)", "SELECT line_id FROM contact"),
        (
            "count(contact, channel = 'sms' AND kind = 'marketing', within 60 days) >= 2",
            """
            SELECT line_id FROM contact WHERE channel = 'sms' AND kind = 'marketing'
            AND "day" > DATE '2026-07-18' AND "day" <= DATE '2026-09-16' GROUP BY ALL HAVING count(*) > 1
            """
        ),
        (
            "NOT did(complaint, within 3 months)",
            "SELECT line_id FROM line EXCEPT SELECT line_id FROM complaint WHERE \"day\" > DATE '2026-06-16'"
        ),
        (
            "did(投诉, NOT 已解决 AND escalated)",
            "SELECT line_id FROM complaint WHERE resolved = FALSE AND escalated = TRUE"
        ),
        (
            "did(subscription, to_day IS NOT NULL, between DATE '2026-01-01' and today - INTERVAL 3 MONTH)",
            """
            SELECT line_id FROM subscription WHERE to_day IS NOT NULL
            AND from_day >= DATE '2026-01-01' AND from_day <= DATE '2026-06-16'
            """
        ),
        (
            "sum(subscriber_month, fee_total, within 3 months) / 3 >= 60",
            """
            SELECT line_id FROM subscriber_month WHERE "month" > DATE '2026-06-16' AND "month" <= DATE '2026-09-16'
            GROUP BY line_id HAVING sum(fee_total) >= 180
            """
        ),
        (
            "last(contact, outcome) = 'refused' AND NOT count(contact) = 1",
            """
            SELECT line_id FROM (SELECT line_id, outcome, row_number() OVER (
                PARTITION BY line_id ORDER BY "day" DESC, "at" DESC, outcome DESC NULLS LAST) AS place FROM contact)
            WHERE place = 1 AND outcome = 'refused'
            INTERSECT SELECT line_id FROM contact GROUP BY line_id HAVING count(*) > 1
            """
        ),
        (
            "sum(月账单, data_mb) > points * 2",
            """
            SELECT line_id FROM subscriber WHERE points * 2 < (
                SELECT sum(data_mb) FROM subscriber_month WHERE subscriber_month.line_id = subscriber.line_id)
            """
        ),
    ]

    /// Rule, and own SQL for the same.
    private static let ownQueries = [
        ("did(contact)", "SELECT idx FROM contact"),
        ("did(subscription)", "SELECT DISTINCT idx, product FROM subscription -- all of them"),
        (
            "count(contact, channel = 'sms' AND kind = 'marketing', within 60 days) >= 2",
            """
            WITH near AS (
                SELECT idx, channel, kind FROM contact, today WHERE contact."day" > today."day" - 60
                AND contact."day" <= today."day"
            )
            SELECT idx FROM near WHERE channel = 'sms' AND kind = 'marketing' GROUP BY idx HAVING count(*) >= 2
            """
        ),
        ("NOT did(complaint)", "SELECT line_id FROM subscriber WHERE idx NOT IN (SELECT idx FROM complaint)"),
    ]

    @Test func `own SQL selects whom a rule selects, and its scope holds`() async throws {
        try await with([.subscriber, .contact, .complaint, .subscription]) { platform, _, _ in
            let segments = platform.segments
            for (rule, sql) in Self.ownQueries {
                let definition = SegmentDefinition(.sql(sql))
                try await segments.check(definition, in: .all)
                let found = try await segments.find(definition, in: .all, today: today)
                #expect(try await found.members == segments.members(rule, in: .all, today: today), "\(sql)")
                #expect(found.members.count > 0, "\(sql)")
            }
            let city = try #require(
                try await platform.warehouse.rows(SQLText("SELECT province, city FROM subscriber LIMIT 1")).first
            )
            guard case .text(let province) = city[0], case .text(let name) = city[1] else {
                Issue.record("the first subscriber has no city")
                return
            }
            let scope = OrganisationScope(province: province, city: name)
            let all = SegmentDefinition(.sql("SELECT idx FROM subscriber"))
            let inScope = try await segments.find(all, in: scope, today: today).members
            #expect(try await inScope == segments.members("TRUE", in: scope, today: today))
            #expect((1..<Self.subscribers).contains(inScope.count))
            for (sql, code) in [
                ("SELECT idx FROM subscriber WHERE msisdn = '13800000000'", "sql.wrong"),
                ("SELECT idx FROM line", "sql.unknown_table"), ("SELECT city FROM subscriber", "sql.first_column"),
            ] {
                let error = await #expect(throws: OwnQueryError.self, "\(sql)") {
                    try await segments.check(SegmentDefinition(.sql(sql)), in: .all)
                }
                #expect(error?.code == code, "\(sql)")
            }
            let error = await #expect(throws: OwnQueryError.self) {
                try await segments.find(SegmentDefinition(.sql("SELECT 999999 AS idx")), in: .all, today: today)
            }
            #expect(error?.problem == .nobody(999_999))
        }
    }

    @Test func `the own SQL of the documentation can be used`() async throws {
        let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/segments.md")
        let queries = try String(contentsOf: docs, encoding: .utf8).components(separatedBy: "```sql\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        #expect(queries.count >= 3)
        try await with([.subscriber, .contact, .complaint, .subscription, .subscriberMonth]) { platform, _, _ in
            for query in queries {
                let found = try await platform.segments.find(SegmentDefinition(.sql(query)), in: .all, today: today)
                #expect(found.members.count > 0, "\(query)")
            }
        }
    }

    @Test func `segments select by behaviour whom SQL over the loaded tables selects`() async throws {
        try await with(SyntheticTable.allCases) { platform, _, _ in
            for (rule, sql) in Self.questions {
                let expected = SQLText(
                    "SELECT CAST(count(DISTINCT line_id) AS BIGINT), CAST(sum(DISTINCT idx) AS BIGINT) FROM line "
                        + "WHERE line_id IN (\(sql))"
                )
                let members = try await platform.segments.members(rule, in: .all, today: today)
                var sum: Int64 = 0
                members.forEach { sum += Int64($0) }
                let count = Int64(members.count)
                #expect(try await platform.warehouse.rows(expected) == [[.integer(count), .integer(sum)]], "\(rule)")
                #expect((1..<Int64(Self.subscribers)).contains(count), "\(rule) selects \(count)")
                #expect(try await platform.segments.count(rule, in: .all, today: today) == Int(count))
            }
        }
    }

    @Test func `of a table that is not loaded nobody has done anything, and its typed columns come with a load`()
        async throws
    {
        try await with([.subscriber]) { platform, catalogue, world in
            let segments = platform.segments
            #expect(try await segments.count("count(complaint) = 0", in: .all, today: today) == Self.subscribers)
            #expect(
                try await segments.count("last(contact, outcome) IS NULL", in: .all, today: today) == Self.subscribers
            )
            #expect(try await segments.count("did(subscription)", in: .all, today: today) == 0)
            let unknown = await #expect(throws: RuleError.self) {
                try await segments.check("did(subscriber_month, fee_total > 0)")
            }
            #expect(unknown?.code == "rule.unknown_column")
            try await load(.complaint, of: world, platform, catalogue)
            #expect(try await segments.count("did(complaint, escalated)", in: .all, today: today) > 0)
            try await load(.subscriberMonth, of: world, platform, catalogue)
            #expect(try await segments.count("did(subscriber_month, fee_total > 0)", in: .all, today: today) > 0)
            let identity = await #expect(throws: RuleError.self) {
                try await segments.check("did(complaint, line_id = 5)")
            }
            #expect(identity?.code == "rule.unknown_column")
        }
    }

    @Test func `rows of nobody do not count`() async throws {
        try await with([.subscriber, .contact]) { platform, _, _ in
            let (rule, _) = Self.questions[1]
            let warehouse: any WarehouseSession = platform.warehouse
            let before = try await platform.segments.members(rule, in: .all, today: today)
            for sql in [
                "CREATE TABLE kept AS SELECT * FROM contact",
                "INSERT INTO kept SELECT * REPLACE (NULL AS idx) FROM contact",
                "CREATE OR REPLACE VIEW contact AS SELECT * FROM kept",
            ] { try await warehouse.execute(SQLText(sql)) }
            #expect(try await platform.segments.members(rule, in: .all, today: today) == before)
            #expect(!before.isEmpty)
        }
    }

    @Test func `many ask at once`() async throws {
        try await with([.subscriber, .contact, .complaint]) { platform, _, _ in
            let alone = try await platform.segments.count(Self.questions[0].0, in: .all, today: today)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<12 {
                    let rule = number % 2 == 0 ? Self.questions[0].0 : "did(contact) AND count(complaint) >= 0"
                    group.addTask { try await platform.segments.count(rule, in: .all, today: today) }
                }
                for try await count in group { #expect(count == alone) }
            }
        }
    }

    @Test func `policies, priorities and scores refuse behaviour and say what to do`() async throws {
        try await with([.subscriber, .contact]) { platform, _, _ in
            let remark = try await platform.policies.ruleCheck()("count(contact, within 30 days) > 3")
            #expect(remark?.message.en.contains("put the condition into the rule of a segment") == true)
            #expect(remark?.range == 6..<13)
            let (reader, lists) = try await platform.host.read { (try $0.profileReader(), $0.memberships) }
            let index = SubscriberIndex(0)
            let refusals: [() throws -> Void] = [
                { _ = try reader.members(where: "did(contact)", today: today, lists: lists) },
                { _ = try reader.holds("NOT did(contact)", at: index, today: today, lists: lists) },
                { _ = try reader.test("count(contact) > 1", today: today, lists: lists) },
                { _ = try reader.scorer("count(contact) / 1000", today: today, lists: lists) },
                { _ = try reader.score("sum(contact, campaign) / 1000", at: index, today: today, lists: lists) },
                { _ = try reader.subscriberScore("count(contact) / 1000", today: today) },
            ]
            for refused in refusals {
                let error = #expect(throws: RuleError.self) { try refused() }
                #expect(error?.problem == .behaviourNotHere)
            }
            try await refusedByCampaigns(platform)
        }
    }

    private func refusedByCampaigns(_ platform: Platform) async throws {
        let staff = Staff(login: "plan", name: "plan", role: .planner, scope: .all)
        let now = Instant(epochMs: 0)
        let segment = try await platform.segments.save(
            Segment(name: "often asked", rule: "count(contact) > 3", owner: "plan", scope: .all, updatedAt: now),
            by: staff,
            today: today,
            at: now
        )
        #expect((segment.count ?? 0) > 0, "a segment may ask for behaviour")
        var plan = CampaignPlan(
            name: "more",
            scene: "data_pack",
            goal: "sell",
            category: "data_pack",
            segment: segment.id,
            message: "hello",
            planned: LocalTime(instant: now, offsetSeconds: 28_800),
            validTo: today
        )
        for field in [\CampaignPlan.score, \.personalPriority] {
            plan.score = nil
            plan[keyPath: field] = "count(contact) / 1000"
            let campaign = Campaign(plan: plan, owner: "plan", scope: .all, updatedAt: now)
            let error = await #expect(throws: PlanningError.self) {
                try await platform.campaigns.save(campaign, by: staff, at: now)
            }
            #expect(error?.code == "rule.behaviour_not_here")
        }
    }
}
