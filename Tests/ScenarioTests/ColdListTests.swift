// Cold attributes beside lists and audiences: read as columns for one question, they select whom SQL and plain Swift select.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Assembly
import DecisionHost
import Decisioning
import Kernel
import Model
import Planning
import Ports
import Synthetic
import Testing

@Suite(.serialized) struct ColdListTests {
    /// What a rule may ask of one subscriber; nil is NULL.
    private struct Line {
        var balance: Int64?
        var age: Int64?
        var complained: Int32?
        var isGamer: Bool?
        var hasIPTV: Bool?
        var isGrey = false
        var isChosen = false
    }

    private static let today = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)
    private static let day = LocalDay(year: 2026, month: 6, day: 1) ?? LocalDay(number: 0)

    /// `a AND b` and `NOT a` where there may be no value.
    private static func and(_ a: Bool?, _ b: Bool?) -> Bool? {
        a == false || b == false ? false : a == nil || b == nil ? nil : true
    }

    private static func or(_ a: Bool?, _ b: Bool?) -> Bool? { and(a.map { !$0 }, b.map { !$0 }).map { !$0 } }

    /// Rules that mix cold attributes with lists, and what they mean.
    private static let rules: [(String, @Sendable (Line) -> Bool?)] = [
        ("balance >= 50 AND on_list('grey')", { and($0.balance.map { $0 >= 5_000 }, $0.isGrey) }),
        (
            "has_iptv AND NOT on_list('grey') AND age >= 30",
            { and(and($0.hasIPTV, !$0.isGrey), $0.age.map { $0 >= 30 }) }
        ),
        ("last_complaint_day IS NULL AND in_audience('chosen')", { $0.complained == nil && $0.isChosen }),
        (
            "last_complaint_day >= DATE '2026-06-01' OR on_list('grey') AND game_user",
            { or($0.complained.map { $0 >= day.number }, and($0.isGrey, $0.isGamer)) }
        ),
        (
            "NOT (balance < 20 OR in_audience('chosen'))",
            { or($0.balance.map { $0 < 2_000 }, $0.isChosen).map { !$0 } }
        ),
        (
            "(game_user OR in_audience('chosen')) AND NOT (on_list('grey') AND has_iptv)",
            { and(or($0.isGamer, $0.isChosen), and($0.isGrey, $0.hasIPTV).map { !$0 }) }
        ),
        (
            "balance > age AND (on_list('grey') OR in_audience('chosen'))",
            { line in
                let more: Bool? = if let balance = line.balance, let age = line.age { balance > age * 100 } else { nil }
                return and(more, line.isGrey || line.isChosen)
            }
        ),
    ]

    private static func lines(_ platform: Platform) async throws -> [Line] {
        try await platform.warehouse.query(
            SQLText(
                "SELECT balance, age, last_complaint_day, game_user, has_iptv FROM subscriber ORDER BY idx",
                dialect: .duckdb
            ),
            into: [Line]()
        ) { lines, batch in
            for row in 0..<batch.rowCount {
                var line = Line()
                if case .decimal(let value) = batch.value(column: 0, row: row) { line.balance = value.unscaled }
                if case .integer(let value) = batch.value(column: 1, row: row) { line.age = value }
                if case .day(let value) = batch.value(column: 2, row: row) { line.complained = value.number }
                if case .flag(let value) = batch.value(column: 3, row: row) { line.isGamer = value }
                if case .flag(let value) = batch.value(column: 4, row: row) { line.hasIPTV = value }
                lines.append(line)
            }
        }
    }

    @Test func `a rule of cold attributes and lists selects whom SQL and plain Swift select`() async throws {
        try await withOperator([.subscriber, .contact], subscribers: 2_000, on: Self.today) { platform, catalogue, _ in
            for code in ["balance", "last_complaint_day", "game_user", "has_iptv"] {
                try #require(catalogue[code]?.isHot == false, "\(code) is no cold attribute any more")
            }
            let (staff, now) = (Staff(login: "plan", name: "plan", role: .planner), Instant(epochMs: 1_789_516_800_000))
            var lines = try await Self.lines(platform)
            try #require(lines.count == 2_000)
            let grey = (0..<UInt32(2_000)).filter { $0 % 3 == 0 }
            try await platform.host.record([.listChanged(ListID("grey"), added: grey, removed: [])])
            let saved = try await platform.segments.save(
                Segment(name: "chosen", rule: "age >= 45", owner: "plan", scope: .all, updatedAt: now),
                by: staff,
                today: Self.today,
                at: now
            )
            _ = try await platform.segments.compute(saved, by: "plan", today: Self.today, at: now)
            for place in lines.indices {
                lines[place].isGrey = place % 3 == 0
                lines[place].isChosen = lines[place].age.map { $0 >= 45 } ?? false
            }
            for (rule, means) in Self.rules {
                let expected = lines.indices.filter { means(lines[$0]) == true }.map { UInt32($0) }
                #expect(!expected.isEmpty && expected.count < 2_000, "\(rule) tells nothing")
                // Asking what somebody did as well leaves no other way than SQL.
                let bySQL = "(\(rule)) AND did(contact) OR (\(rule)) AND NOT did(contact)"
                for text in [rule, bySQL] {
                    var found: [UInt32] = []
                    try await platform.segments.members(text, in: .all, today: Self.today).forEach { found.append($0) }
                    #expect(found == expected, "\(text)")
                }
            }
        }
    }
}
