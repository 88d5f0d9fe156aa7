// Special lists that a rule fills: after loads and days, and never by hand.
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
import Synthetic
import Testing

@Suite(.serialized) struct ListRuleTests {
    private let today = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)
    private let admin = Staff(login: "admin", name: "admin", role: .administrator)
    private let list = ListID.dnd(5)

    private func setting(_ rule: String?, version: Int = 0) -> ListSetting {
        ListSetting(
            list: list.code,
            rule: rule,
            reason: "规则",
            who: "admin",
            at: Instant(epochMs: 0),
            version: version
        )
    }

    private func members(_ platform: Platform) async throws -> Bitset? {
        try await platform.host.read { [list] in $0.lists[list] }
    }

    @Test func `a list holds whom its rule selects, after each load and each day, and nobody else`() async throws {
        try await withOperator([.subscriber, .complaint], subscribers: 3_000, on: today) { platform, catalogue, world in
            let (lists, clock) = (platform.lists, platform.clock)
            func selected(_ rule: String, on day: LocalDay) async throws -> Bitset {
                try await platform.segments.members(rule, in: .all, today: day)
            }
            func entries() async throws -> Int { try await platform.store.listImports().count }
            // At once, with a cold attribute.
            let said = try await lists.say(setting("occupation = '学生'"), by: admin, at: clock.now.instant)
            let students = try await selected("occupation = '学生'", on: clock.now.day)
            #expect(try await members(platform) == students && students.count > 0)
            let first = SubscriberIndex(try #require(students.indices.first))
            #expect(try await lists.changes(of: first).map(\.who) == ["gyre"])
            #expect(try await entries() == 1)
            #expect(try await lists.keepRules(at: clock.now.instant).isEmpty)
            #expect(try await entries() == 1, "the same members are not written again")
            // Not by hand.
            await #expect(throws: SpecialListError.filledByRule(list.code)) {
                _ = try await lists.remove(first, from: list, reason: "x", by: admin, at: clock.now.instant)
            }
            let numbers = platform.list(text: "13800138000", name: "n", kind: .msisdn)
            await #expect(throws: SpecialListError.filledByRule(list.code)) {
                _ = try await lists.change(
                    list,
                    by: numbers,
                    mode: .add,
                    reason: "x",
                    by: admin,
                    at: clock.now.instant
                )
            }
            // Another day, another load: who has been a customer for five years is one more.
            let rule = "join_day < today - INTERVAL 60 MONTH"
            _ = try await lists.say(setting(rule, version: said.version), by: admin, at: clock.now.instant)
            let before = try await members(platform)
            #expect(before == (try await selected(rule, on: clock.now.day)))
            let later = clock.now.instant.adding(ms: 40 * 86_400_000)
            #expect(try await lists.keepRules(at: later).isEmpty)
            let after = try await members(platform)
            let day = LocalTime(instant: later, offsetSeconds: clock.now.offsetSeconds).day
            #expect(after == (try await selected(rule, on: day)) && after != before)
            // Behaviour: the list follows what is loaded and taken out again.
            let again = try await lists.say(
                setting("did(complaint)", version: said.version + 1),
                by: admin,
                at: clock.now.instant
            )
            #expect(try await members(platform)?.count ?? 0 > 0)
            for load in try await platform.store.loads(table: "complaint") {
                _ = try await platform.loading.rollback(load.id, by: "test", at: clock.now.instant)
            }
            #expect(try await lists.keepRules(at: clock.now.instant).isEmpty)
            #expect(try await members(platform)?.count == 0)
            // Without a rule the list is people's again.
            _ = try await lists.say(setting(nil, version: again.version), by: admin, at: clock.now.instant)
            #expect(try await lists.add(first, to: list, reason: "x", by: admin, at: clock.now.instant))
            #expect(try await lists.keepRules(at: clock.now.instant).isEmpty)
            #expect(try await members(platform)?.count == 1)
            // Who is erased has no attributes, and is on no list for that.
            let number = try #require(platform.numbers.current.number(of: first)).national
            _ = try await platform.erasing.erase([number], reason: "DSR", by: admin, at: clock.now)
            let version = try #require(try await platform.store.listSettings().first).version
            _ = try await lists.say(
                setting("status IS NULL OR TRUE", version: version),
                by: admin,
                at: clock.now.instant
            )
            #expect(try await members(platform)?.count == 2_999)
        }
    }

    @Test func `a rule that cannot fill a list is refused, and one that a load breaks leaves the list as it was`()
        async throws
    {
        try await withOperator([.subscriber], subscribers: 500, on: today) { platform, catalogue, world in
            let (lists, now) = (platform.lists, platform.clock.now.instant)
            for rule in ["agee > 3", "age >", "on_list('black')", "in_audience('x')", "owns('彩铃')", "age + 1"] {
                let error = await #expect(throws: SpecialListError.self) {
                    _ = try await lists.say(setting(rule), by: admin, at: now)
                }
                #expect(error?.code == "list.bad_rule", "\(rule): \(String(describing: error))")
            }
            #expect(try await platform.store.listSettings().isEmpty)
            let tag = DerivedAttribute(
                code: "tag_bill",
                name: BilingualText(zh: "电子账单客户", en: "Bill"),
                group: "fees",
                expression: "e_bill"
            )
            let catalogues = platform.catalogues
            _ = try await catalogues.define(tag, base: 0, reason: "x", by: admin, at: now)
            let said = try await lists.say(setting("tag_bill"), by: admin, at: now)
            // What a list is filled by is not taken away.
            let inUse = await #expect(throws: CatalogueError.self) {
                _ = try await catalogues.remove("tag_bill", base: 1, reason: "x", by: admin, at: now)
            }
            #expect(inUse?.description.contains(list.code) == true)
            _ = try await lists.say(setting("e_bill", version: said.version), by: admin, at: now)
            _ = try await catalogues.remove("tag_bill", base: 1, reason: "x", by: admin, at: now)
            let before = try await members(platform)
            let less = AttributeCatalogue(
                groups: catalogue.groups,
                attributes: catalogue.attributes.filter { $0.code != "e_bill" }
            )
            let ranges = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../Examples/number-ranges.csv")
            let next = try SyntheticOperator(
                seed: world.seed,
                subscribers: world.subscribers,
                asOf: today.adding(days: 1),
                numbers: NumberPlan(csv: String(contentsOf: ranges, encoding: .utf8))
            )
            let source = SyntheticTableSource(next, .subscriber)
            _ = try await platform.loading.load(source, catalogue: less, by: "test", at: now)
            let problems = try await lists.keepRules(at: now)
            #expect(problems.map(\.list) == [list.code] && problems[0].problem.contains("e_bill"))
            #expect(try await members(platform) == before)
        }
    }
}
