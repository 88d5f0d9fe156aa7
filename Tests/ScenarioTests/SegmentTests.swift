// Segments over a loaded operator: every way to find members held against a naive one, and the life of a segment.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Approval
import Assembly
import DecisionHost
import Decisioning
import Demo
import Foundation
import Kernel
import Model
import Planning
import Ports
import Profiles
import Rules
import Segmentation
import SimulatedChannel
import Synthetic
import Testing

@Suite(.serialized) struct SegmentTests {
    private static let subscribers = 3_000
    private static let today = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)
    private let today = Self.today
    private let now = Instant(epochMs: 1_789_516_800_000)
    private let staff = Staff(login: "plan", name: "plan", role: .planner, scope: .all)

    private func with<Result>(_ body: (Platform) async throws -> Result) async throws -> Result {
        try await withOperator([.subscriber, .contact], subscribers: Self.subscribers, on: today) { platform, _, _ in
            try await body(platform)
        }
    }

    private func save(_ platform: Platform, _ name: String, _ definition: SegmentDefinition) async throws -> Segment {
        try await platform.segments.save(
            Segment(name: name, definition: definition, owner: "plan", scope: .all, updatedAt: now),
            by: staff,
            today: today,
            at: now
        )
    }

    private func find(_ platform: Platform, _ definition: SegmentDefinition) async throws -> FoundMembers {
        try await platform.segments.find(definition, in: .all, today: today)
    }

    private func members(_ platform: Platform, _ rule: String) async throws -> Set<UInt32> {
        set(try await platform.segments.members(rule, in: .all, today: today))
    }

    private func set(_ members: Bitset) -> Set<UInt32> {
        var all: Set<UInt32> = []
        members.forEach { all.insert($0) }
        return all
    }

    // MARK: Finding

    @Test func `who is erased is a member of nothing that is found from then on, whatever it asks for`() async throws {
        try await with { platform in
            let everybody = try await save(platform, "everybody", SegmentDefinition(.rule("TRUE")))
            let (frozen, _) = try await platform.segments.compute(everybody, by: "plan", today: today, at: now)
            let file = MemberFile(file: frozen.file, count: frozen.count, origin: .file, name: "f")
            let time = LocalTime(instant: now, offsetSeconds: 28_800)
            let index = SubscriberIndex(7)
            let number = try #require(platform.numbers.current.number(of: index)).national
            let admin = Staff(login: "root", name: "root", role: .administrator, scope: .all)
            _ = try await platform.erasing.erase([number], reason: "DSR", by: admin, at: time)

            let others = Set(0..<UInt32(Self.subscribers)).subtracting([7])
            for rule in ["TRUE", "arpu_avg_3m IS NULL OR TRUE", "did(contact) OR TRUE"] {
                #expect(try await members(platform, rule) == others, "\(rule)")
                #expect(try await platform.segments.count(rule, in: .all, today: today) == others.count, "\(rule)")
            }
            for source in [
                SegmentSource.rule("TRUE"), .members(file), .algebra(.union([.segment(everybody.id)])),
                .sql("SELECT idx FROM subscriber"),
            ] {
                let found = try await find(platform, SegmentDefinition(source))
                #expect(set(found.members) == others && found.steps.last?.left == Int64(others.count), "\(source)")
            }
        }
    }

    @Test func `sources and exclusions find whom sets of Swift find, step by step`() async throws {
        try await with { platform in
            let (rich, young) = ("arpu_avg_3m >= 60", "age < 30")
            let first = try await save(platform, "rich", SegmentDefinition(.rule(rich)))
            let second = try await save(platform, "young", SegmentDefinition(.rule(young)))
            let (a, b) = (try await members(platform, rich), try await members(platform, young))
            #expect(!a.isEmpty && !b.isEmpty && first.count == Int64(a.count))
            for (algebra, expected) in [
                (SegmentAlgebra.union([.segment(first.id), .segment(second.id)]), a.union(b)),
                (.intersection([.segment(first.id), .segment(second.id)]), a.intersection(b)),
                (.difference([.segment(first.id), .segment(second.id)]), a.subtracting(b)),
            ] {
                #expect(set(try await find(platform, SegmentDefinition(.algebra(algebra))).members) == expected)
            }
            let black = try await members(platform, "vip_level IS NULL")
            var listed = Bitset(universe: Self.subscribers)
            for index in black.prefix(500) { listed.insert(index) }
            let file = try platform.host.store(listed.listFile)
            try await platform.host.record([.listReplaced(ListID("black"), file: file)])
            let contacted = try await members(platform, "did(contact, kind = 'marketing', within 90 days)")
            let definition = SegmentDefinition(
                .rule(rich),
                exclusions: [
                    .list("black"), .contacted(category: nil, days: 90), .segment(second.id), .rule("brand = '全球通'"),
                ]
            )
            let found = try await find(platform, definition)
            var expected = a.subtracting(set(listed))
            #expect(found.steps[1] == step(.exclusion(0), a, expected))
            // What the ledger knows of loaded history is as far back as the policy's longest interval.
            let after = expected.subtracting(contacted)
            #expect(found.steps[2].left >= Int64(after.count) && found.steps[2].removed > 0)
            expected = set(try await find(platform, definition).members)
            #expect(expected.isSubset(of: a.subtracting(b).subtracting(set(listed))))
            #expect(found.steps.map(\.removed).reduce(0, +) == Int64(a.count - expected.count))
            let brand = try await members(platform, "brand = '全球通'")
            #expect(expected.isDisjoint(with: brand))
            #expect(set(try await find(platform, definition).members) == set(found.members), "repeatable")
        }
    }

    private func step(_ kind: SegmentStep.Kind, _ before: Set<UInt32>, _ after: Set<UInt32>) -> SegmentStep {
        SegmentStep(kind, removed: Int64(before.count - after.count), left: Int64(after.count))
    }

    @Test func `one line of each customer stays, and picks are exact and repeatable`() async throws {
        try await with { platform in
            let rows = try await platform.warehouse.query(
                SQLText("SELECT idx, customer_id, arpu_avg_3m FROM subscriber", dialect: .duckdb),
                into: [(idx: UInt32, customer: Int64)]()
            ) { rows, batch in
                let (indices, customers) = (try batch.integers(0), try batch.integers(1))
                for row in 0..<batch.rowCount { rows.append((UInt32(indices[row]), customers[row])) }
            }
            let found = try await find(
                platform,
                SegmentDefinition(.rule("TRUE"), customerLine: .highest("arpu_avg_3m"))
            )
            let customerOf = Dictionary(uniqueKeysWithValues: rows.map { ($0.idx, $0.customer) })
            let kept = set(found.members)
            #expect(Set(kept.compactMap { customerOf[$0] }).count == kept.count, "one each")
            #expect(kept.count == Set(rows.map(\.customer)).count, "each has one")
            #expect(kept.count < Self.subscribers, "some customers have several lines")
            let reader = try await platform.host.read { try $0.profileReader() }
            func arpu(_ index: UInt32) -> Int64? {
                (reader as? ColumnProfile)?.profile.columns["arpu_avg_3m"]?.unscaled(at: Int(index))
            }
            for (_, lines) in Dictionary(grouping: rows, by: \.customer) where lines.count > 1 {
                let best = lines.map { arpu($0.idx) ?? .min }.max()
                #expect(lines.filter { kept.contains($0.idx) }.map { arpu($0.idx) ?? .min } == [best])
            }

            let sample = SegmentDefinition(.rule("TRUE"), pick: .sample(100, draw: 1))
            let once = set(try await find(platform, sample).members)
            let again = set(try await find(platform, sample).members)
            #expect(once.count == 100 && once == again)
            let other = SegmentDefinition(.rule("TRUE"), pick: .sample(100, draw: 2))
            #expect(set(try await find(platform, other).members) != once)
            let best = SegmentDefinition(.rule("TRUE"), pick: .top(50, score: "arpu_avg_3m / 100"))
            let top = try await find(platform, best)
            let scores = (0..<UInt32(Self.subscribers)).compactMap { arpu($0) }.sorted(by: >)
            #expect(top.members.count == 50)
            #expect(set(top.members).compactMap { arpu($0) }.min() ?? 0 >= scores[49] / 100 * 100)
        }
    }

    @Test func `parts add up to the whole`() async throws {
        try await with { platform in
            let segment = try await save(platform, "all", SegmentDefinition(.rule("arpu_avg_3m >= 10")))
            let members = try await platform.segments.members(of: segment, in: .all, today: today)
            let whole = set(members)
            for split in [
                SegmentSplit.random(weights: [1, 2, 3], draw: 1), .attribute("brand"),
                .bands("age", edges: ["25", "40", "60"]), .conditions(["age < 30", "brand = '全球通'"]),
                .tailDigits(["135", "246"]),
            ] {
                let parts = try await platform.segments.split(members, by: split, today: today)
                #expect(parts.count > 1 && parts.map(\.members.count).reduce(0, +) == whole.count, "\(split)")
                #expect(parts.reduce(into: Set<UInt32>()) { $0.formUnion(set($1.members)) } == whole, "\(split)")
            }
            let digits = try await platform.segments.split(members, by: .tailDigits(["135", "246"]), today: today)
            let numbers = platform.numbers.current
            for index in set(digits[0].members) {
                let last = numbers.number(of: SubscriberIndex(index)).map { $0.number % 10 }
                #expect([1, 3, 5].contains(last))
            }
            for wrong in [
                SegmentSplit.random(weights: [1], draw: 1), .random(weights: [0, 1], draw: 1), .attribute("nothing"),
                .attribute("age"), .bands("age", edges: ["40", "25"]), .bands("age", edges: []),
                .bands("brand", edges: ["1"]),
                .conditions([]), .conditions(["age <"]), .tailDigits(["12", "23"]), .tailDigits(["a"]), .tailDigits([]),
            ] {
                await #expect(throws: PlanningError.self, "\(wrong)") {
                    try await platform.segments.split(members, by: wrong, today: today)
                }
            }
            let parts = try await platform.segments.split(members, by: .random(weights: [1, 1], draw: 1), today: today)
            let saved = try await platform.segments.save(parts, of: segment, name: \.en, by: staff, at: now)
            #expect(saved.map(\.name) == ["all · part 1/2", "all · part 2/2"])
            let first = try await platform.segments.members(of: saved[0], in: .all, today: today)
            #expect(set(first) == set(parts[0].members))
        }
    }

    @Test func `definitions that cannot be are refused with their place`() async throws {
        try await with { platform in
            let bad = "plan.bad_definition"
            let known = try await save(platform, "known", everybody())
            for (definition, code, part) in [
                (SegmentDefinition(.rule("age <")), "rule.expected", "from.rule"),
                (SegmentDefinition(.rule("nothing > 1")), "rule.unknown_attribute", "from.rule"),
                (everybody(except: .list("black"), .rule("x")), "rule.unknown_attribute", "exclude.1.rule"),
                (SegmentDefinition(.rule("TRUE"), pick: .top(5, score: "brand")), "rule", "pick.top.score"),
            ] {
                let error = await #expect(throws: PlanningError.self, "\(definition)") {
                    try await save(platform, "wrong", definition)
                }
                guard case .badRule(let place, let rule)? = error else {
                    Issue.record("\(code): \(String(describing: error))")
                    continue
                }
                #expect(place == part && rule.code.hasPrefix(code), "\(rule.code) at \(place)")
            }
            for (definition, code) in [
                (SegmentDefinition(.algebra(.union([.segment(known.id), .segment(99)]))), "plan.unknown_segment"),
                (SegmentDefinition(.outcome(CampaignOutcome(campaign: 99, results: [.accepted]))), bad),
                (everybody(except: .list("nothing")), bad),
                (everybody(except: .contacted(category: nil, days: 0)), bad),
                (everybody(except: .campaigns([])), bad),
                (SegmentDefinition(.rule("TRUE"), customerLine: .highest("brand")), bad),
                (SegmentDefinition(.rule("TRUE"), pick: .sample(0, draw: 1)), bad),
            ] {
                let error = await #expect(throws: PlanningError.self, "\(definition)") {
                    try await save(platform, "wrong", definition)
                }
                #expect(error?.code == code)
            }
            for (definition, part) in [
                (
                    SegmentDefinition(.outcome(CampaignOutcome(campaign: 99, results: [.accepted]))),
                    "from.outcome.campaign"
                ),
                (everybody(except: .list("black"), .campaigns([98])), "exclude.1.campaigns.0"),
            ] {
                let error = await #expect(throws: PlanningError.self) { try await save(platform, "wrong", definition) }
                guard case .badDefinition(part, let why)? = error else {
                    Issue.record("\(part): \(String(describing: error))")
                    continue
                }
                #expect(why.en.hasSuffix("does not exist") && why.zh.hasSuffix("不存在"))
            }
            var outer = try await save(platform, "outer", everybody(except: .segment(known.id)))
            var inner = known
            inner.definition.exclusions = [.segment(outer.id)]
            let error = await #expect(throws: PlanningError.self) {
                try await platform.segments.save(inner, by: staff, today: today, at: now)
            }
            #expect(error?.code == "plan.circular_segment")
            outer.name = " "
            await #expect(throws: PlanningError.badName("")) {
                try await platform.segments.save(outer, by: staff, today: today, at: now)
            }
        }
    }

    private func everybody(except exclusions: SegmentExclusion...) -> SegmentDefinition {
        SegmentDefinition(.rule("TRUE"), exclusions: exclusions)
    }

    // MARK: Life

    @Test func `what is released never changes, and audiences are asked for by name`() async throws {
        try await with { platform in
            var segment = try await save(platform, "客户群", SegmentDefinition(.rule("on_list('grey')")))
            #expect(segment.count == 0)
            await #expect(throws: PlanningError.wrongState(.saved, wanted: .published)) {
                try await platform.segments.publish(segment, by: staff, at: now)
            }
            func grey(_ indices: [UInt32]) async throws {
                try await platform.host.record([.listChanged(ListID("grey"), added: indices, removed: [])])
            }
            try await grey([3, 5, 8])
            let (first, computed) = try await platform.segments.compute(segment, by: "plan", today: today, at: now)
            #expect(first.count == 3 && first.universe == 3_000 && computed.state == .computed)
            segment = try await platform.segments.publish(computed, by: staff, at: now)
            try await grey([13])
            #expect(try await set(platform.segments.members(of: segment, in: .all, today: today)) == [3, 5, 8])
            #expect(try await members(platform, "in_audience('客户群')") == [3, 5, 8])
            #expect(try await members(platform, "on_list('grey') AND NOT in_audience('客户群')") == [13])
            let unknown = await #expect(throws: RuleError.self) {
                try await members(platform, "in_audience('nobody')")
            }
            #expect("\(String(describing: unknown))".contains("nobody"))

            segment.definition = SegmentDefinition(.rule("on_list('grey') AND age >= 0"))
            segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
            #expect(segment.state == .saved && segment.revision == 2 && segment.published == first.id)
            #expect(try await set(platform.segments.members(of: segment, in: .all, today: today)) == [3, 5, 8])
            let (second, _) = try await platform.segments.compute(segment, by: "plan", today: today, at: now)
            let change = try await platform.segments.movement(from: first, to: second, in: .all, today: today)
            #expect(change.counts.came == change.came.count && change.counts.left == change.left.count)
            #expect(set(change.came).isSubset(of: [13]))
            let overlap = try await platform.segments.overlap([segment, segment], in: .all, today: today)
            #expect(overlap.both(0, 1) == 3 && overlap.exactly == [0, 0, 0, 3])
        }
    }

    @Test func `a segment goes from its planner to an approver, back with a reason, and out`() async throws {
        try await with { platform in
            let (segments, li) = (platform.segments, Staff(login: "li", name: "李", role: .approver, scope: .all))
            func decide(
                _ segment: Segment,
                _ result: ApprovalResult,
                _ reason: String = "",
                by who: Staff
            ) async throws
                -> Segment
            {
                try await platform.approvals.decide(segment, result, reason: reason, by: who, at: now)
            }
            var segment = try await save(platform, "flow", SegmentDefinition(.rule("age >= 30")))
            await #expect(throws: PlanningError.wrongState(.saved, wanted: .published)) {
                try await segments.submit(segment, by: staff, at: now)
            }
            segment.sharing = .owner
            segment.refresh = .hourly
            segment = try await segments.save(segment, by: staff, today: today, at: now)
            segment = try await segments.compute(segment, by: "plan", today: today, at: now).1
            await #expect(throws: PlanningError.self, "nobody else would see it") {
                try await segments.submit(segment, by: staff, at: now)
            }
            segment.sharing = .scope
            segment = try await segments.save(segment, by: staff, today: today, at: now)
            await #expect(throws: ApprovalError.alreadyDecided) { try await decide(segment, .pass, by: li) }
            segment = try await segments.submit(segment, by: staff, at: now)
            #expect(segment.isWaiting && segment.state == .computed)
            await #expect(throws: PlanningError.self, "another decides") {
                try await segments.publish(segment, by: staff, at: now)
            }
            await #expect(throws: ApprovalError.ownSegment) { try await decide(segment, .pass, by: staff) }
            let city = Staff(login: "he", name: "何", role: .approver, scope: OrganisationScope(city: "西安"))
            await #expect(throws: ApprovalError.outsideScope) { try await decide(segment, .pass, by: city) }
            await #expect(throws: ApprovalError.reasonMissing) { try await decide(segment, .adjust, " ", by: li) }
            let hours = LocalTime(instant: now.adding(ms: 7_200_000), offsetSeconds: 28_800)
            #expect(try await segments.keepFresh(at: hours).isEmpty)
            #expect(try await platform.store.segment(segment.id) == segment, "what waits is not computed anew")

            segment = try await decide(segment, .adjust, "too young", by: li)
            #expect(segment.state == .computed && segment.review?.reason == "too young" && segment.published == nil)
            segment.definition = SegmentDefinition(.rule("age >= 40"))
            segment = try await segments.save(segment, by: staff, today: today, at: now)
            segment = try await segments.compute(segment, by: "plan", today: today, at: now).1
            await #expect(throws: PlanningError.self, "what was returned is handed in anew") {
                try await segments.publish(segment, by: staff, at: now)
            }
            segment = try await segments.submit(segment, by: staff, at: now)
            segment = try await segments.compute(segment, by: "plan", today: today, at: now).1
            #expect(!segment.isWaiting, "a new audience takes it back")
            segment = try await segments.submit(segment, by: staff, at: now)
            segment = try await decide(segment, .pass, by: li)
            #expect(segment.state == .published && segment.published == segment.audience)
            #expect(segment.review?.decidedBy == "li")
            let actions = try await platform.store.audit(ListQuery(search: "segment/\(segment.id)", limit: 100)).rows
                .map(\.action)
            #expect(actions.first == "approval.pass" && actions.contains("segment.submit"))

            var other = try await save(platform, "ended", SegmentDefinition(.rule("age >= 30")))
            other = try await segments.compute(other, by: "plan", today: today, at: now).1
            other = try await segments.submit(other, by: staff, at: now)
            other = try await decide(other, .fail, "not at all", by: li)
            #expect(other.state == .expired && other.published == nil)
            other = try await segments.move(other, to: .saved, by: "plan", at: now)
            #expect(other.review?.result == .fail)
        }
    }

    @Test func `numbers leave after somebody else agreed, marked, in an order of their own and on record`() async throws
    {
        try await with { platform in
            var segment = try await save(platform, "out", SegmentDefinition(.rule("age >= 30")))
            func ask(_ reason: String = "print", _ attributes: [String] = ["brand"]) async throws -> SegmentExport {
                try await platform.segments.askForExport(
                    of: segment,
                    attributes: attributes,
                    reason: reason,
                    by: staff,
                    at: LocalTime(instant: now, offsetSeconds: 28_800)
                )
            }
            await #expect(throws: PlanningError.self, "nothing is frozen") { try await ask() }
            segment = try await platform.segments.compute(segment, by: "plan", today: today, at: now).1
            await #expect(throws: PlanningError.self) { try await ask(" ") }
            await #expect(throws: PlanningError.self) { try await ask("x", ["nothing"]) }
            let local = Staff(login: "local", name: "l", role: .planner, scope: OrganisationScope(province: "浙江"))
            await #expect(throws: PlanningError.self, "nobody takes numbers from beyond his part") {
                try await platform.segments.askForExport(
                    of: segment,
                    attributes: [],
                    reason: "x",
                    by: local,
                    at: LocalTime(instant: now, offsetSeconds: 28_800)
                )
            }
            let (first, second) = (try await ask(), try await ask())
            let approver = Staff(login: "appr", name: "appr", role: .approver, scope: .all)
            await #expect(throws: PlanningError.self, "nobody agrees to his own") {
                try await platform.segments.decide(first, isApproved: true, by: staff, at: now)
            }
            await #expect(throws: PlanningError.self, "not yet") {
                try await platform.segments.fetch(first, by: staff, at: LocalTime(instant: now, offsetSeconds: 28_800))
            }
            let agreed = try await platform.segments.decide(first, isApproved: true, by: approver, at: now)
            let other = try await platform.segments.decide(second, isApproved: true, by: approver, at: now)
            await #expect(throws: PlanningError.self, "whoever asked fetches") {
                try await platform.segments.fetch(
                    agreed,
                    by: approver,
                    at: LocalTime(instant: now, offsetSeconds: 28_800)
                )
            }
            let late = now.adding(ms: SegmentExport.validMs + 1)
            await #expect(throws: PlanningError.self) {
                try await platform.segments.fetch(
                    agreed,
                    by: staff,
                    at: LocalTime(instant: late, offsetSeconds: 28_800)
                )
            }
            let rows = try await platform.segments.fetch(
                agreed,
                by: staff,
                at: LocalTime(instant: now, offsetSeconds: 28_800)
            )
            let others = try await platform.segments.fetch(
                other,
                by: staff,
                at: LocalTime(instant: now, offsetSeconds: 28_800)
            )
            #expect(rows.count == Int(agreed.count) && Set(rows) == Set(others) && rows != others)
            #expect(
                try await platform.segments.fetch(agreed, by: staff, at: LocalTime(instant: now, offsetSeconds: 28_800))
                    == rows
            )
            #expect(rows.allSatisfy { $0.number.count == 11 && !$0.attributes[0].isEmpty })
            let log = try await platform.store.audit(ListQuery(search: "export.fetch"))
            #expect(log.total == 3 && agreed.mark == "E\(first.id)/plan")
        }
    }

    @Test func `segments that are due are computed, those whose days are over expire, and one that fails stops none`()
        async throws
    {
        try await with { platform in
            var broken = Segment(name: "broken", rule: "TRUE", owner: "plan", scope: .all, updatedAt: now)
            broken.definition.source = .members(MemberFile(file: .zero, count: 1, origin: .file, name: "lost"))
            (broken.refresh, broken.count) = (.onLoad, 1)
            let audit = AuditEntry(at: now, who: "plan", action: "test", object: "")
            _ = try await platform.store.save(broken, audit: audit)
            var fresh = Segment(name: "fresh", rule: "age >= 30", owner: "plan", scope: .all, updatedAt: now)
            fresh.refresh = .daily
            fresh = try await platform.segments.save(fresh, by: staff, today: today, at: now)
            var timed: [SegmentRefresh: Int64] = [:]
            for refresh in [SegmentRefresh.hourly, .weekly, .monthly] {
                var segment = fresh
                (segment.id, segment.version, segment.name, segment.refresh) = (0, 0, refresh.rawValue, refresh)
                timed[refresh] = try await platform.segments.save(segment, by: staff, today: today, at: now).id
            }
            var over = Segment(name: "over", rule: "TRUE", owner: "plan", scope: .all, updatedAt: now)
            over.validTo = today
            over = try await platform.segments.save(over, by: staff, today: today, at: now)
            func pass(_ days: Int32) async throws -> [String] {
                let time = LocalTime(instant: now.adding(ms: Int64(days) * 86_400_000), offsetSeconds: 28_800)
                return try await platform.segments.keepFresh(at: time).map(\.segment.name)
            }
            #expect(try await pass(0) == ["broken"])
            #expect(try await platform.store.audiences(ofSegment: fresh.id).count == 1)
            #expect(try await platform.store.segment(over.id)?.state == .saved)
            #expect(try await pass(0) == ["broken"])
            #expect(try await platform.store.audiences(ofSegment: fresh.id).count == 1, "once a day")
            #expect(try await pass(1) == ["broken"])
            #expect(try await platform.store.audiences(ofSegment: fresh.id).count == 2)
            func times(_ refresh: SegmentRefresh) async throws -> Int {
                try await platform.store.audiences(ofSegment: #require(timed[refresh])).count
            }
            #expect(try await (times(.hourly), times(.weekly), times(.monthly)) == (2, 1, 1))
            // Wednesday the 16th: the next Monday is the 21st, the next month begins on day 15 from now.
            _ = try await pass(5)
            #expect(try await (times(.hourly), times(.weekly), times(.monthly)) == (3, 2, 1))
            _ = try await pass(15)
            #expect(try await (times(.hourly), times(.weekly), times(.monthly)) == (4, 3, 2))
            #expect(try await platform.store.segment(over.id)?.state == .expired)
            var again = try #require(try await platform.store.segment(over.id))
            again = try await platform.segments.move(again, to: .saved, by: "plan", at: now)
            #expect(again.state == .saved && again.validTo == nil)
        }
    }

    @Test func `conditions of a model are taken over one by one`() throws {
        let rule = "age >= 30 AND (brand = 'a' OR brand = 'b') AND NOT on_list('black')"
        let conditions = try Segments.conditions(of: rule)
        #expect(conditions.count == 3)
        let two = try Segments.rule(of: [conditions[1], conditions[2]])
        #expect(two == "(brand = 'a' OR brand = 'b') AND NOT on_list('black')")
        #expect(try Segments.rule(of: [conditions[1]]) == "brand = 'a' OR brand = 'b'")
        #expect(try Segments.rule(of: []) == "" && Segments.conditions(of: "age > 3") == ["age > 3"])
    }

    @Test func `a segment is matched with subjects, channels, conditions and priorities, and they are checked`()
        async throws
    {
        try await with { platform in
            var segment = try await save(platform, "matched", SegmentDefinition(.rule("age >= 30")))
            segment.matches = [
                SegmentMatch(
                    subject: "5G 升级",
                    channel: .sms,
                    condition: "did(contact, kind = 'enquiry', within 7 days)"
                ),
                SegmentMatch(subject: "挽留", channel: .outbound, priority: 1),
            ]
            let revision = segment.revision
            segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
            #expect(try await platform.store.segment(segment.id)?.matches == segment.matches)
            #expect(segment.revision == revision && segment.state == .saved, "its members stay")
            let bad: [SegmentMatch] = [
                SegmentMatch(subject: " ", channel: .sms), SegmentMatch(subject: "x", channel: .sms, priority: 10),
                SegmentMatch(subject: "x", channel: .sms, condition: "agee > 3"),
                SegmentMatch(subject: "x", channel: .sms, condition: "TRUE); DROP TABLE subscriber; --"),
                SegmentMatch(subject: String(repeating: "长", count: 101), channel: .sms),
            ]
            for match in bad {
                var changed = segment
                changed.matches.append(match)
                await #expect(throws: PlanningError.self, "\(match)") {
                    _ = try await platform.segments.save(changed, by: staff, today: today, at: now)
                }
            }
            var changed = segment
            changed.matches = Array(repeating: segment.matches[1], count: SegmentMatch.most + 1)
            await #expect(throws: PlanningError.self) {
                _ = try await platform.segments.save(changed, by: staff, today: today, at: now)
            }
            #expect(try await platform.store.segment(segment.id)?.matches == segment.matches)
        }
    }

    @Test func `a segment that asks what subscribers did is due when that is loaded, and when a load is taken out`()
        async throws
    {
        try await withOperator([.subscriber], subscribers: Self.subscribers, on: today) { platform, catalogue, world in
            let time = LocalTime(instant: now, offsetSeconds: 28_800)
            var made: [String: Segment] = [:]
            for (name, rule) in [
                ("asks", "count(contact, kind = 'marketing') >= 1"), ("complains", "did(投诉)"),
                ("derived", "touched >= 1"), ("only age", "age > 30"),
                ("named", "in_audience('asks') AND age > 30"),
            ] {
                if name == "derived" {
                    _ = try await platform.catalogues.define(
                        DerivedAttribute(
                            code: "touched",
                            name: BilingualText(zh: "被接触", en: "touched"),
                            group: "fees",
                            expression: "count(contact)",
                            decimals: nil
                        ),
                        replacing: nil,
                        base: 0,
                        reason: "x",
                        by: Staff(login: "admin", name: "admin", role: .administrator),
                        at: now
                    )
                }
                var segment = Segment(name: name, rule: rule, owner: "plan", scope: .all, updatedAt: now)
                segment.refresh = .onLoad
                made[name] = try await platform.segments.save(segment, by: staff, today: today, at: now)
                // A rule may name an audience once there is one.
                if name == "asks", let asks = made[name] {
                    made[name] = try await platform.segments.compute(asks, by: "plan", today: today, at: now).1
                }
            }
            /// How many audiences each has, and members.
            func pass() async throws -> (audiences: [String: Int], counts: [String: Int64]) {
                #expect(try await platform.segments.keepFresh(at: time).isEmpty)
                var (audiences, counts): ([String: Int], [String: Int64]) = ([:], [:])
                for (name, segment) in made {
                    audiences[name] = try await platform.store.audiences(ofSegment: segment.id).count
                    counts[name] = try await platform.store.segment(segment.id)?.count
                }
                return (audiences, counts)
            }
            #expect(try await pass().audiences.values.allSatisfy { $0 == 1 })
            #expect(try await pass().audiences.values.allSatisfy { $0 == 1 }, "nothing came")
            let contacts = SyntheticTableSource(world, .contact)
            _ = try await platform.loading.load(contacts, catalogue: catalogue, by: "test", at: now)
            let after = try await pass()
            #expect(after.audiences == ["asks": 2, "complains": 1, "derived": 2, "only age": 1, "named": 2])
            #expect(after.counts["asks"] ?? 0 > 0 && after.counts["derived"] ?? 0 > 0 && after.counts["complains"] == 0)
            #expect(after.counts["named"] ?? 0 > 0 && after.counts["named"] != after.counts["asks"])
            let complaints = SyntheticTableSource(world, .complaint)
            _ = try await platform.loading.load(complaints, catalogue: catalogue, by: "test", at: now)
            #expect(try await pass().counts["complains"] ?? 0 > 0)
            _ = try await platform.loading.rollback(contacts.loadID, by: "test", at: now)
            let last = try await pass()
            #expect(last.counts["asks"] == 0 && last.counts["complains"] ?? 0 > 0)
            #expect(last.audiences == ["asks": 3, "complains": 2, "derived": 3, "only age": 1, "named": 3])
        }
    }

    @Test func `strategy filters take away exactly those who did it with the product within the days`() async throws {
        try await withOperator(
            [.subscriber, .contact, .complaint, .subscription],
            subscribers: Self.subscribers,
            on: today
        ) { platform, _, _ in
            let (product, topic, day) = ("视频会员", "资费争议", "DATE '\(today.iso)'")
            let held = "(to_day IS NULL OR to_day > \(day))"
            let expected: [(StrategyFilter, String)] = [
                (
                    StrategyFilter(.subscribed, product: product),
                    "SELECT idx FROM subscription WHERE product = '\(product)' AND \(held)"
                ),
                (
                    StrategyFilter(.unsubscribed, product: product),
                    "SELECT idx FROM subscription WHERE product = '\(product)' AND to_day <= \(day) AND to_day > \(day) - INTERVAL 365 DAY"
                ),
                (
                    StrategyFilter(.cancelledSoon, product: product, days: 200),
                    "SELECT idx FROM subscription WHERE product = '\(product)' AND to_day <= \(day) AND from_day > \(day) - INTERVAL 200 DAY AND from_day <= \(day)"
                ),
                (
                    StrategyFilter(.developed, product: product, days: 300),
                    "SELECT idx FROM subscription WHERE product = '\(product)' AND from_day > \(day) - INTERVAL 300 DAY AND from_day <= \(day)"
                ),
                (
                    StrategyFilter(.marketed, product: product),
                    "SELECT idx FROM contact WHERE kind = 'marketing' AND business = '\(product)' AND day > \(day) - INTERVAL 92 DAY AND day <= \(day)"
                ),
                (
                    StrategyFilter(.complained, product: topic, days: 100),
                    "SELECT idx FROM complaint WHERE topic = '\(topic)' AND day > \(day) - INTERVAL 100 DAY AND day <= \(day)"
                ),
                // Neither trials nor reasons of ending are in these loads.
                (StrategyFilter(.tried, product: product), "SELECT idx FROM subscription WHERE FALSE"),
                (StrategyFilter(.bulkUnsubscribed, product: product), "SELECT idx FROM subscription WHERE FALSE"),
            ]
            #expect(Set(expected.map(\.0.kind)) == Set(StrategyFilter.Kind.allCases))
            for (filter, sql) in expected {
                let rows = try await platform.warehouse.rows(
                    SQLText("SELECT DISTINCT idx FROM (\(sql)) WHERE idx IS NOT NULL")
                )
                let definition = SegmentDefinition(.rule("TRUE"), exclusions: [.filter(filter)])
                let found = try await find(platform, definition)
                #expect(found.steps.last?.removed == Int64(rows.count), "\(filter.kind)")
                let left = Set(found.members.indices)
                #expect(rows.allSatisfy { !left.contains(UInt32($0[0].integer ?? 0)) })
                if ![.tried, .bulkUnsubscribed].contains(filter.kind) { #expect(!rows.isEmpty, "\(filter.kind)") }
                let data = try JSONEncoder().encode(definition)
                #expect(try JSONDecoder().decode(SegmentDefinition.self, from: data) == definition)
            }
            let evil = StrategyFilter(.subscribed, product: "x') OR TRUE; DROP TABLE subscriber; --")
            let nobody = try await find(platform, SegmentDefinition(.rule("TRUE"), exclusions: [.filter(evil)]))
            #expect(nobody.members.count == Self.subscribers)
            for bad in [StrategyFilter(.marketed, product: ""), StrategyFilter(.marketed, product: "x", days: 0)] {
                await #expect(throws: PlanningError.self) {
                    _ = try await save(
                        platform,
                        "bad filter",
                        SegmentDefinition(.rule("TRUE"), exclusions: [.filter(bad)])
                    )
                }
            }
        }
    }

    @Test func `a list by channel takes away those of the channel and those of all channels`() async throws {
        try await with { platform in
            func put(_ list: ListID, _ members: [UInt32]) async throws {
                var set = Bitset(universe: Self.subscribers)
                for member in members { set.insert(member) }
                try await platform.host.record([.listReplaced(list, file: platform.host.store(set.listFile))])
            }
            try await put(.dnd(1), [1, 2])
            try await put(.dnd(1, channel: .sms), [2, 3, 4])
            try await put(.dnd(1, channel: .outbound), [9])
            for (name, removed) in [("dnd_01", 2), ("dnd_01@sms", 4), ("dnd_01@outbound", 3), ("dnd_01@inbound", 2)] {
                let found = try await find(platform, SegmentDefinition(.rule("TRUE"), exclusions: [.list(name)]))
                #expect(found.steps.last?.removed == Int64(removed), "\(name)")
            }
            for name in ["dnd_01@fax", "nothing@sms", "@", ""] {
                await #expect(throws: PlanningError.self, "\(name)") {
                    _ = try await find(platform, SegmentDefinition(.rule("TRUE"), exclusions: [.list(name)]))
                }
            }
        }
    }
}
