// What the ledger needs to know of the time before Gyre: contacts, product owners and special lists.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
public import Kernel
public import Model
public import Ports

/// Brings facts of the warehouse into the decision log.
public struct FactLoading: Sendable {
    private let warehouse: any WarehouseEngine
    private let host: DecisionHost

    /// Reads from a warehouse, records through the host.
    public init(warehouse: any WarehouseEngine, host: DecisionHost) {
        self.warehouse = warehouse
        self.host = host
    }

    private var dialect: SQLDialect { warehouse.dialect }

    /// Counts the marketing contacts of table `contact` for the caps and intervals (FRQ-13).
    ///
    /// `today`: Only contacts before this day count.
    /// `recentDays`: Days back that intervals and similarity may ask for.
    public func loadContacts(before today: LocalDay, recentDays: Int) async throws {
        let subscribers = try await host.read { $0.subscribers }
        let oldest = LocalMonth(number: today.month.number - Int32(ContactLedger.monthsBack)).firstDay
        let marketing = "kind = 'marketing' AND day >= DATE '\(oldest.iso)' AND day < DATE '\(today.iso)'"
        let counted = SQLText(
            """
            SELECT channel, CAST(year(day) * 12 + month(day) - 1 AS BIGINT) AS month, line.idx,
                CAST(CASE WHEN channel = 'website' THEN count(DISTINCT campaign) ELSE count(*) END AS BIGINT)
            FROM contact JOIN line USING (line_id) WHERE \(marketing) GROUP BY 1, 2, 3
            """,
            dialect: dialect
        )
        struct Key: Hashable {
            var channel: ChannelClass
            var month: Int64
        }
        var history = ContactHistory()
        let columns = try await warehouse.query(counted, into: [Key: [UInt8]]()) { columns, batch in
            let channels = try batch.texts(0)
            let (months, indices, counts) = (try batch.integers(1), try batch.integers(2), try batch.integers(3))
            for row in 0..<batch.rowCount {
                guard let channel = ChannelClass(code: channels[row]) else { continue }
                let key = Key(channel: channel, month: months[row])
                columns[key, default: [UInt8](repeating: 0, count: subscribers)][Int(indices[row])] =
                    UInt8(clamping: counts[row])
            }
        }
        for (key, counts) in columns.sorted(by: {
            ($0.key.month, $0.key.channel.rawValue) < ($1.key.month, $1.key.channel.rawValue)
        }) {
            let month = LocalMonth(number: Int32(key.month - 1970 * 12))
            history.counters.append(.init(channel: key.channel, month: month, counts: counts))
        }
        try await addRecent(to: &history, from: today.adding(days: -recentDays), before: today)
        try await host.record([.historyLoaded(file: try host.store(history.encoded()))])
    }

    private func addRecent(to history: inout ContactHistory, from: LocalDay, before: LocalDay) async throws {
        struct Key: Hashable {
            var channel: ChannelClass
            var category: String
            var day: Int32
        }
        let recent = SQLText(
            """
            SELECT channel, coalesce(category, ''), day, line.idx FROM contact JOIN line USING (line_id)
            WHERE kind = 'marketing' AND day >= DATE '\(from.iso)' AND day < DATE '\(before.iso)'
            """,
            dialect: dialect
        )
        let found = try await warehouse.query(recent, into: [Key: [UInt32]]()) { found, batch in
            let (channels, categories) = (try batch.texts(0), try batch.texts(1))
            let (days, indices) = (try batch.days(2), try batch.integers(3))
            for row in 0..<batch.rowCount {
                guard let channel = ChannelClass(code: channels[row]) else { continue }
                let key = Key(channel: channel, category: categories[row], day: days[row])
                found[key, default: []].append(UInt32(indices[row]))
            }
        }
        let ordered = found.sorted {
            ($0.key.day, $0.key.channel.rawValue, $0.key.category) < (
                $1.key.day, $1.key.channel.rawValue, $1.key.category
            )
        }
        for (key, indices) in ordered {
            history.add(
                channel: key.channel,
                category: key.category.isEmpty ? nil : key.category,
                day: LocalDay(number: key.day),
                indices: indices
            )
        }
    }

    /// Makes the owners of each product of table `subscription` known to the checks.
    public func loadOwners(on day: LocalDay) async throws {
        let subscribers = try await host.read { $0.subscribers }
        let sql = SQLText(
            """
            SELECT DISTINCT product, line.idx FROM subscription JOIN line USING (line_id)
            WHERE from_day <= DATE '\(day.iso)' AND (to_day IS NULL OR to_day >= DATE '\(day.iso)')
            """,
            dialect: dialect
        )
        let owners = try await warehouse.query(sql, into: [String: Bitset]()) { owners, batch in
            let (products, indices) = (try batch.texts(0), try batch.integers(1))
            for row in 0..<batch.rowCount {
                owners[products[row], default: Bitset(universe: subscribers)].insert(UInt32(indices[row]))
            }
        }
        try await host.record(
            owners.sorted { $0.key < $1.key }.map { product, members in
                .listReplaced(.product(product), file: try host.store(members.listFile))
            }
        )
    }

    /// Replaces special lists.
    public func replace(_ lists: [(list: ListID, members: Bitset)]) async throws {
        try await host.record(lists.map { .listReplaced($0.list, file: try host.store($0.members.listFile)) })
    }
}
