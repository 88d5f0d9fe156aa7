// bench refresh: a thousand saved segments after daily loads that touch few subscribers, beside finding all of them anew.
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

/// Refreshes as the server does, over the operator of bench `generate`.
///
/// A touched subscriber takes over all attributes in memory of another one, so every column changes, in a share of its rows.
/// Whatever is measured includes writing the audiences and recording them.
struct RefreshBench {
    let options: BenchOptions
    private static let segments = 1_000
    /// Audiences held against finding their members anew.
    private static let compared = 25

    private let today = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)

    func run() async throws -> [String: Double] {
        let folder = options.folder("refresh")
        try await BenchOperator(options).copy(to: folder)
        var random = SeededRandom(seed: options.seed)
        let platform = try await BenchOperator(options).open(copy: folder)
        let ids = try await save(platform, &random)
        var results: [String: Double] = ["segments": Double(Self.segments), "compared": Double(Self.compared)]
        var visible = 0.0
        results["first_s"] = try await refresh(platform.segments, "the first time")
        for (name, ppm): (String, UInt64) in [("refresh", 20_000), ("refresh_1", 10_000), ("refresh_4", 40_000)] {
            visible = max(visible, try await touch(platform, ppm, load: name, &random))
            let before = bytes(below: folder + "/objects")
            results["\(name)_s"] = try await refresh(platform.segments, "after \(Double(ppm) / 10_000) % changed")
            results["\(name)_bytes"] = bytes(below: folder + "/objects") - before
            try await compare(platform, ids, &random)
        }
        _ = try await touch(platform, 20_000, load: "after a start", &random)
        results["restart_s"] = try await refresh(platform.segments.afterStart(), "after a start")
        try await compare(platform, ids, &random)
        _ = try await touch(platform, 20_000, load: "again", &random)
        results["recompute_s"] = try await refresh(platform.segments.withoutPast(), "everything anew")
        try await compare(platform, ids, &random)
        results["visible_load_s"] = visible
        results["visible_list_s"] = try await listed(platform)
        await platform.close()
        try? FileManager.default.removeItem(atPath: folder)
        results["ratio"] = (results["recompute_s"] ?? 0) / (results["refresh_s"] ?? 1)
        results["seed"] = Double(options.seed)
        return results
    }

    private var now: LocalTime {
        LocalTime(instant: Instant(epochMs: 1_789_516_800_000), offsetSeconds: 28_800)
    }

    /// Rules of two to eight conditions, of which every fourth takes lists away.
    private func save(_ platform: Platform, _ random: inout SeededRandom) async throws -> [Int64] {
        options.note("saving \(Self.segments) segments")
        let conditions = try await Conditions(platform.segments, today: today)
        let staff = Staff(login: "bench", name: "bench", role: .planner)
        let lists = ["black", "grey", "dnd_01", "dnd_02"]
        var ids: [Int64] = []
        for number in 0..<Self.segments {
            let count = Int.random(in: 2...8, using: &random)
            let parts = (0..<count).map { _ in conditions.one(&random) }
            let rule = conditions.tree(parts, isAnd: Bool.random(using: &random), &random)
            var segment = Segment(
                name: "bench \(number)",
                rule: rule,
                owner: "bench",
                scope: .all,
                updatedAt: now.instant
            )
            if number % 4 == 0 { segment.definition.exclusions = lists.map { .list($0) } }
            segment.refresh = .onLoad
            ids.append(try await platform.segments.save(segment, by: staff, today: today, at: now.instant).id)
        }
        return ids
    }

    private func refresh(_ segments: Segments, _ what: String) async throws -> Double {
        options.note("refresh: \(what)")
        let (problems, ms) = try await milliseconds { try await segments.keepFresh(at: now) }
        guard problems.isEmpty else { throw BenchError.answersDiffer(problems[0].problem) }
        return ms / 1_000
    }

    /// A load in which some subscribers have taken over the values of others.
    ///
    /// - Returns: Seconds from its columns being stored until a count knew of it.
    private func touch(
        _ platform: Platform,
        _ ppm: UInt64,
        load: String,
        _ random: inout SeededRandom
    ) async throws -> Double {
        options.note("a load that touches \(Double(ppm) / 10_000) %")
        let (reader, catalogue) = try await platform.host.read { (try $0.profileReader(), $0.attributes?.catalogue) }
        guard let profile = (reader as? ColumnProfile)?.profile, let catalogue else { throw DecisionError.noProfile }
        let source = (0..<UInt32(profile.universe)).map { index in
            random.next() % 1_000_000 < ppm ? UInt32(random.next() % UInt64(profile.universe)) : index
        }
        let codes = profile.columns.keys.sorted()
        let (host, rule) = (platform.host, "age >= 30")
        let before = try await platform.segments.members(rule, in: .all, today: today)
        let files = try codes.concurrentMap(threads: options.threads) { code in
            try profile.columns[code].map { try host.store($0.packed(source).encoded()) }
        }
        let columns = zip(codes, files).compactMap { code, file in file.map { AttributeColumn(code: code, file: $0) } }
        let (count, ms) = try await milliseconds {
            try await platform.host.record([.attributesLoaded(load: load, catalogue: catalogue, columns: columns)])
            return try await platform.segments.count(rule, in: .all, today: today)
        }
        let expected = source.count { before.contains($0) }
        guard count == expected else { throw BenchError.answersDiffer("\(rule): \(count), not \(expected)") }
        return ms / 1_000
    }

    /// Seconds from putting somebody on a list until a count leaves him out.
    private func listed(_ platform: Platform) async throws -> Double {
        let staff = Staff(login: "bench", name: "bench", role: .administrator)
        let rule = "NOT on_list('black')"
        let members = try await platform.segments.members(rule, in: .all, today: today)
        guard let one = members.indices.first else { throw BenchError.answersDiffer("all are on the black list") }
        let (count, ms) = try await milliseconds {
            _ = try await platform.lists.add(
                SubscriberIndex(one),
                to: ListID("black"),
                reason: "bench",
                by: staff,
                at: now.instant
            )
            return try await platform.segments.count(rule, in: .all, today: today)
        }
        guard count == members.count - 1 else { throw BenchError.answersDiffer("\(rule): \(count)") }
        return ms / 1_000
    }

    /// Audiences of some segments hold exactly whom finding them anew finds.
    private func compare(_ platform: Platform, _ ids: [Int64], _ random: inout SeededRandom) async throws {
        for id in ids.shuffled(using: &random).prefix(Self.compared) {
            guard let segment = try await platform.store.segment(id), let number = segment.audience,
                let audience = try await platform.store.audience(number)
            else { throw BenchError.answersDiffer("segment \(id) has no audience") }
            let found = try await platform.segments.find(segment.definition, of: id, in: .all, today: today)
            guard try await platform.segments.members(of: audience.file) == found.members, audience.steps == found.steps
            else { throw BenchError.answersDiffer(segment.name) }
        }
    }
}
