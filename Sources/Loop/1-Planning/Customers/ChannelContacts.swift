// Contacts per channel, kind and month; which channel subscribers prefer; what moved to electronic channels (CON-09 to CON-11).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Foundation
public import Kernel
public import Model
import Ports

/// Contacts of one month, channel and kind.
public struct ChannelContacts: Hashable, Sendable {
    public var month: LocalMonth
    /// Channel and kind by their codes.
    public var channel: String
    public var kind: String
    public var contacts: Int
    /// Subscribers who had one or more of them.
    public var subscribers: Int
}

/// Subscribers whose most contacts were on one channel.
public struct ChannelPreference: Hashable, Sendable {
    public var channel: String
    public var subscribers: Int
    /// All contacts of these subscribers, and those on the channel.
    public var contacts: Int
    public var onChannel: Int
}

/// What an analysis of contacts found.
public struct ChannelReport: Hashable, Sendable {
    /// By month, channel and kind.
    public var contacts: [ChannelContacts]
    /// Most subscribers first.
    public var preferences: [ChannelPreference]

    /// Joins contacts and preferences.
    public init(contacts: [ChannelContacts] = [], preferences: [ChannelPreference] = []) {
        self.contacts = contacts
        self.preferences = preferences
    }

    /// Electronic channels serve themselves; on the others the customer meets or speaks to somebody.
    public static func isPhysical(_ channel: String) -> Bool {
        ["inbound", "outbound", "counter", "hall", "hotline", "manager", "agent", "shop"].contains(channel)
    }
}

/// Contacts of a month on physical and on electronic channels.
public struct ChannelDiversion: Hashable, Sendable {
    public var month: LocalMonth
    public var physical: Int
    public var electronic: Int

    public init(month: LocalMonth, physical: Int, electronic: Int) {
        (self.month, self.physical, self.electronic) = (month, physical, electronic)
    }
}

extension ChannelReport {
    /// All channels with contacts, by code.
    public var channels: [String] { Set(contacts.map(\.channel)).sorted() }

    /// All months with contacts.
    public var months: [LocalMonth] { Set(contacts.map(\.month)).sorted() }

    /// Contacts of each month on these channels and on all others.
    public func diversion(physical: Set<String>) -> [ChannelDiversion] {
        months.map { month in
            let own = contacts.filter { $0.month == month }
            let sum = own.filter { physical.contains($0.channel) }.reduce(0) { $0 + $1.contacts }
            return ChannelDiversion(
                month: month,
                physical: sum,
                electronic: own.reduce(0) { $0 + $1.contacts } - sum
            )
        }
    }
}

/// Which contacts an analysis looks at.
public struct ChannelQuestion: Hashable, Sendable {
    public var from: LocalMonth
    public var to: LocalMonth
    /// A rule that subscribers fulfil; empty = all.
    public var rule: String
    /// A kind of contact; nil = all.
    public var kind: String?

    public init(from: LocalMonth, to: LocalMonth, rule: String = "", kind: String? = nil) {
        self.from = from
        self.to = to
        self.rule = rule
        self.kind = kind
    }
}

extension Customers {
    /// Analyses the loaded contacts of a scope.
    ///
    /// A subscriber prefers the channel that has most of the contacts; of equal ones the first by name.
    ///
    /// - Throws: `RuleError` for a rule that does not check.
    public func channels(
        _ question: ChannelQuestion,
        in scope: OrganisationScope,
        today: LocalDay
    ) async throws -> ChannelReport {
        let isEverybody = question.rule.allSatisfy(\.isWhitespace) && scope == .all
        let rule = question.rule.allSatisfy(\.isWhitespace) ? "TRUE" : question.rule
        let members = isEverybody ? nil : try await segments.members(rule, in: scope, today: today)
        guard try await !store.loads(table: "contact").isEmpty else {
            return ChannelReport()
        }
        return try await warehouse.transaction { [warehouse] session in
            var conditions = [
                "day >= DATE '\(question.from.firstDay.iso)'",
                "day < DATE '\(LocalMonth(number: question.to.number + 1).firstDay.iso)'",
            ]
            if let kind = question.kind { conditions.append("kind = \(warehouse.dialect.quoted(literal: kind))") }
            // Of a name of its own: analyses may run side by side.
            let chosen = "chosen_" + UUID().uuidString.filter { $0 != "-" }.lowercased()
            if let members {
                try await Self.provide(members, as: chosen, to: session)
                conditions.append("idx IN (SELECT idx FROM \(chosen))")
            }
            let rows = "SELECT idx, channel, kind, day FROM contact WHERE \(conditions.joined(separator: " AND "))"
            let report = ChannelReport(
                contacts: try await Self.contacts(rows, session),
                preferences: try await Self.preferences(rows, session)
            )
            if members != nil { try await session.execute(warehouse.dialect.dropTable(chosen)) }
            return report
        }
    }

    private static func provide(_ members: Bitset, as table: String, to session: any WarehouseSession) async throws {
        let fields = [WarehouseField("idx", .integer)]
        try await session.execute(session.dialect.createTable(table, fields))
        var indices: [Int64] = []
        members.forEach { indices.append(Int64($0)) }
        let batch = ColumnBatch(fields: fields, columns: [ColumnData(.integers(indices))])
        try await session.ingest(into: table, fields: fields, from: InMemoryBatches([batch]))
    }

    private static func contacts(_ rows: String, _ session: any WarehouseSession) async throws -> [ChannelContacts] {
        let sql = """
            SELECT CAST(date_trunc('month', day) AS DATE), channel, kind, CAST(count(*) AS BIGINT),
                CAST(count(DISTINCT idx) AS BIGINT)
            FROM (\(rows)) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """
        return try await session.rows(SQLText(sql, dialect: session.dialect), limit: 100_000).compactMap { row in
            guard let month = row[0].day?.month, let channel = row[1].text, let kind = row[2].text else { return nil }
            return ChannelContacts(
                month: month,
                channel: channel,
                kind: kind,
                contacts: Int(row[3].integer ?? 0),
                subscribers: Int(row[4].integer ?? 0)
            )
        }
    }

    private static func preferences(_ rows: String, _ session: any WarehouseSession) async throws -> [ChannelPreference]
    {
        let sql = """
            WITH counted AS (SELECT idx, channel, count(*) AS own FROM (\(rows)) GROUP BY 1, 2),
            ranked AS (
                SELECT *, sum(own) OVER (PARTITION BY idx) AS whole,
                    row_number() OVER (PARTITION BY idx ORDER BY own DESC, channel) AS place FROM counted)
            SELECT channel, CAST(count(*) AS BIGINT), CAST(sum(whole) AS BIGINT), CAST(sum(own) AS BIGINT)
            FROM ranked WHERE place = 1 GROUP BY 1 ORDER BY 2 DESC, 1
            """
        return try await session.rows(SQLText(sql, dialect: session.dialect)).compactMap { row in
            guard let channel = row[0].text else { return nil }
            return ChannelPreference(
                channel: channel,
                subscribers: Int(row[1].integer ?? 0),
                contacts: Int(row[2].integer ?? 0),
                onChannel: Int(row[3].integer ?? 0)
            )
        }
    }
}
