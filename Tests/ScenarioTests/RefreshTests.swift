// Segments that are computed by themselves: after each load they hold whom finding them anew finds.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Planning
import Ports
import Profiles
import Segmentation
import Synthetic
import Testing

@Suite(.serialized) struct RefreshTests {
    private static let subscribers = 20_000
    private static let today = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)
    private let today = Self.today
    private let now = Instant(epochMs: 1_789_516_800_000)
    private let staff = Staff(login: "plan", name: "plan", role: .planner, scope: .all)

    /// Definitions of every kind, by name; what the second half needs is more than a look at each subscriber.
    private func definitions(_ file: MemberFile) -> [(String, SegmentDefinition, OrganisationScope)] {
        [
            ("rule", SegmentDefinition(.rule("arpu_avg_3m >= 60 AND (age < 30 OR brand = '全球通')")), .all),
            ("null", SegmentDefinition(.rule("vip_level IS NULL")), .all),
            ("everybody", SegmentDefinition(.rule("TRUE")), .all),
            ("text", SegmentDefinition(.rule("city LIKE '61%' AND NOT on_list('black')")), .all),
            (
                "funnel",
                SegmentDefinition(
                    .rule("age >= 20"),
                    exclusions: [.list("black"), .list("dnd_01@sms"), .rule("arpu_avg_3m < 20")]
                ), .all
            ), ("file", SegmentDefinition(.members(file), exclusions: [.list("grey"), .rule("age > 70")]), .all),
            (
                "scoped", SegmentDefinition(.members(file), exclusions: [.rule("age > 50")]),
                OrganisationScope(province: "61")
            ), ("days", SegmentDefinition(.rule("join_day > today - INTERVAL 36 MONTH")), .all),
            ("sample", SegmentDefinition(.rule("age >= 20"), pick: .sample(100, draw: 1)), .all),
            ("one each", SegmentDefinition(.rule("TRUE"), customerLine: .highest("arpu_avg_3m")), .all),
            ("audience", SegmentDefinition(.rule("in_audience('rule') AND age > 20")), .all),
            ("behaviour", SegmentDefinition(.rule("did(contact) AND age < 40")), .all),
        ]
    }

    @Test func `after any change an audience holds whom finding it anew finds, and most files are only changes`()
        async throws
    {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        try await withOperator([.subscriber, .contact], subscribers: Self.subscribers, on: today) { platform, _, _ in
            var listed = Bitset(universe: Self.subscribers)
            for index in 0..<UInt32(Self.subscribers) where random.next() % 3 == 0 { listed.insert(index) }
            let file = MemberFile(
                file: try platform.host.store(listed.listFile),
                count: Int64(listed.count),
                origin: .file,
                name: "f"
            )
            var segments: [Int64] = []
            for (name, definition, scope) in definitions(file) {
                var segment = Segment(name: name, definition: definition, owner: "plan", scope: scope, updatedAt: now)
                segment.refresh = .onLoad
                segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
                // A rule may name an audience once there is one.
                if name == "rule" {
                    _ = try await platform.segments.compute(segment, by: "plan", today: today, at: now)
                }
                segments.append(segment.id)
            }
            var (day, changes, wholes) = (0, 0, 0)
            var erased: Set<UInt32> = []
            var kept = platform.segments
            var changesAfterStart = 0
            for round in 0..<12 {
                // Mostly few change, once in a while many, nobody, or there are more subscribers.
                let share: UInt64 = [5, 5, 0, 600, 5, 2][round % 6]
                if round > 0 {
                    try await load(platform, "round \(round)", perMille: share, added: round % 4 == 3 ? 90 : 0, &random)
                }
                if round % 3 == 1 { try await change("black", platform, &random) }
                if round % 5 == 4 { day += 1 }
                let time = LocalTime(instant: now.adding(ms: Int64(day) * 86_400_000), offsetSeconds: 28_800)
                if round % 3 == 2 {
                    for _ in 0..<3 { erased.insert(UInt32(random.next() % UInt64(Self.subscribers))) }
                    try await platform.host.erase(erased.sorted(), at: time)
                }
                // Once in a while the process ends in between.
                if round % 6 == 4 { kept = platform.segments.afterStart() }
                let problems = try await kept.keepFresh(at: time)
                #expect(problems.isEmpty, "seed \(seed): \(problems.map(\.problem))")
                for id in segments {
                    let segment = try #require(try await platform.store.segment(id))
                    let audience = try #require(try await platform.store.audience(segment.audience ?? 0))
                    let found = try await platform.segments.find(
                        segment.definition,
                        of: id,
                        in: segment.scope,
                        today: time.day
                    )
                    let members = try await platform.segments.members(of: audience.file)
                    let place: Comment = "seed \(seed), round \(round): \(segment.name)"
                    #expect(members == found.members, place)
                    #expect(!erased.contains { members.contains($0) }, place)
                    #expect(audience.count == Int64(found.members.count) && segment.count == audience.count, place)
                    #expect(audience.steps == found.steps && audience.load == found.load, place)
                    #expect(audience.universe == Int64(found.members.universe), place)
                    guard round > 0, share <= 5, segment.name != "days" || round % 5 != 4 else { continue }
                    let isChanges = AudienceDelta.depth(ofMark: try platform.inputs.bytes(audience.file)) > 0
                    (changes, wholes) = (changes + (isChanges ? 1 : 0), wholes + (isChanges ? 0 : 1))
                    if round % 6 == 4, isChanges { changesAfterStart += 1 }
                }
            }
            #expect(changes > 20, "seed \(seed): \(changes) of changes, \(wholes) whole")
            #expect(changesAfterStart > 6, "seed \(seed): \(changesAfterStart) of changes after a start")
        }
    }

    @Test func `a segment that somebody changed or computed in between is found anew`() async throws {
        var random = SeededRandom(seed: 4)
        try await withOperator([.subscriber], subscribers: Self.subscribers, on: today) { platform, _, _ in
            var segment = Segment(name: "s", rule: "age >= 30", owner: "plan", scope: .all, updatedAt: now)
            segment.refresh = .onLoad
            segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
            let time = LocalTime(instant: now, offsetSeconds: 28_800)
            func pass(_ round: Int) async throws {
                try await load(platform, "round \(round)", perMille: 5, added: 0, &random)
                #expect(try await platform.segments.keepFresh(at: time).isEmpty)
                segment = try #require(try await platform.store.segment(segment.id))
                let audience = try #require(try await platform.store.audience(segment.audience ?? 0))
                let found = try await platform.segments.find(segment.definition, in: segment.scope, today: today)
                #expect(try await platform.segments.members(of: audience.file) == found.members)
                #expect(audience.steps == found.steps)
            }
            try await pass(1)
            try await pass(2)
            segment.definition = SegmentDefinition(.rule("age < 30"))
            segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
            try await pass(3)
            segment.scope = OrganisationScope(province: "61")
            segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
            try await pass(4)
            _ = try await platform.segments.compute(segment, by: "plan", today: today, at: now)
            try await pass(5)
            // What was computed can lie in changes that cannot be read any more: it is found anew.
            try await pass(6)
            try await pass(7)
            // Files of changes follow each other, and now and then comes a whole one.
            var depths: [Int] = []
            for round in 8..<28 {
                try await pass(round)
                let audience = try #require(try await platform.store.audience(segment.audience ?? 0))
                depths.append(AudienceDelta.depth(ofMark: try platform.inputs.bytes(audience.file)))
            }
            let whole = try #require(depths.firstIndex(of: 0))
            #expect(
                depths[..<whole].allSatisfy { $0 <= 16 + 15 }
                    && depths[whole...] == ArraySlice(0..<depths.count - whole)
            )
        }
    }

    @Test func `a list that there is for a channel only is refused, not taken for one that excludes nobody`()
        async throws
    {
        try await withOperator([.subscriber], subscribers: Self.subscribers, on: today) { platform, _, _ in
            let everybody = try platform.host.store(Bitset(full: Self.subscribers).listFile)
            try await platform.host.record([.listReplaced(ListID("storm", channel: .sms), file: everybody)])
            let definition = SegmentDefinition(.rule("TRUE"), exclusions: [.list("storm")])
            var segment = Segment(name: "s", definition: definition, owner: "plan", scope: .all, updatedAt: now)
            segment.refresh = .onLoad
            // Saving it the usual way would refuse it at once.
            let audit = AuditEntry(at: now, who: "plan", action: "segment.create", object: "segment", detail: "")
            segment = try await platform.store.save(segment, audit: audit)
            let time = LocalTime(instant: now, offsetSeconds: 28_800)
            let problems = try await platform.segments.keepFresh(at: time)
            #expect(problems.map(\.segment.id) == [segment.id] && problems.first?.problem.contains("storm") == true)
            try await platform.host.record([.listReplaced(ListID("storm"), file: everybody)])
            #expect(try await platform.segments.keepFresh(at: time).isEmpty)
            #expect(try await platform.store.segment(segment.id)?.count == 0)
        }
    }

    @Test func `a segment whose scope changed is found anew`() async throws {
        try await withOperator([.subscriber], subscribers: Self.subscribers, on: today) { platform, _, _ in
            var segment = Segment(name: "s", rule: "TRUE", owner: "plan", scope: .all, updatedAt: now)
            segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
            (_, segment) = try await platform.segments.compute(segment, by: "plan", today: today, at: now)
            #expect(segment.count == Int64(Self.subscribers) && segment.state == .computed)
            segment.scope = OrganisationScope(province: "61")
            segment = try await platform.segments.save(segment, by: staff, today: today, at: now)
            let found = try await platform.segments.find(segment.definition, in: segment.scope, today: today)
            #expect(segment.count == Int64(found.members.count) && found.members.count < Self.subscribers)
            #expect(segment.state == .saved)
        }
    }

    /// A load in which some subscribers have the values of others.
    private func load(
        _ platform: Platform,
        _ name: String,
        perMille: UInt64,
        added: Int,
        _ random: inout SeededRandom
    ) async throws {
        let (profile, catalogue, count) = try await platform.host.read {
            (try $0.profileReader(), $0.attributes?.catalogue, $0.subscribers)
        }
        let columns = try #require((profile as? ColumnProfile)?.profile.columns)
        var source = (0..<UInt32(count)).map {
            random.next() % 1_000 < perMille ? UInt32(random.next() % UInt64(count)) : $0
        }
        for _ in 0..<added { source.append(UInt32(random.next() % UInt64(count))) }
        var records: [LogRecord] = []
        if added > 0 {
            var lines = ByteWriter()
            for place in 0..<added { lines.write(Int64(7_000_000_000_000 + count + place)) }
            let file = try platform.host.store(lines.bytes)
            records.append(.linesAssigned(base: UInt32(count), count: UInt32(added), file: file))
        }
        var files: [AttributeColumn] = []
        for (code, column) in columns.sorted(by: { $0.key < $1.key }) {
            // Only some attributes change; all have to know who is new.
            let isTouched = perMille > 0 && random.next() % 2 == 0
            let packed = isTouched || added > 0 ? column.packed(source) : column
            files.append(AttributeColumn(code: code, file: try platform.host.store(packed.encoded())))
        }
        records.append(.attributesLoaded(load: name, catalogue: try #require(catalogue), columns: files))
        try await platform.host.record(records)
    }

    private func change(_ code: String, _ platform: Platform, _ random: inout SeededRandom) async throws {
        let (list, count) = try await platform.host.read { ($0.lists[ListID(code)], $0.subscribers) }
        var members = list ?? Bitset(universe: count)
        for _ in 0..<30 {
            let index = UInt32(random.next() % UInt64(count))
            if members.contains(index) { members.remove(index) } else { members.insert(index) }
        }
        let file = try platform.host.store(members.listFile)
        try await platform.host.record([.listReplaced(ListID(code), file: file)])
    }
}
