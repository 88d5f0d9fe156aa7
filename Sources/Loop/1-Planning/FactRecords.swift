// What the log gets to know of loaded contacts and subscriptions: counters and recent days, and product owners.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Ports

/// Keeps the ledger and the product owners in step with the live loads of `contact` and `subscription`.
///
/// Each contact is counted once: a load's mark is written before its record, and says after a crash where to look for it.
struct FactRecords: Sendable {
    /// Days back that intervals and similarity may ask for.
    static let recentDays = 92

    let folders: LoadFolders
    let host: DecisionHost
    let log: any DecisionLog
    let inputs: any DecisionInputs

    private var warehouse: any WarehouseEngine { folders.warehouse }
    private var dialect: SQLDialect { folders.dialect }

    // MARK: Contacts

    /// Notes beside a load of contacts that is not live yet what the ledger will count of it.
    func noteHistory(of folder: String, besides others: [String], on today: LocalDay) async throws {
        let history = try await history(of: folder, besides: others, on: today)
        guard history != ContactHistory() else { return }
        let file = try host.store(history.encoded())
        let mark = HistoryMark(file: file.hex, after: try log.position().sequence, isCounted: false)
        try mark.write(in: folders.path(folder))
    }

    /// Counts what loads that are live note, unless it was counted before.
    func count(_ loads: [String]) async throws {
        for folder in loads.map(folders.path) {
            guard var mark = HistoryMark(in: folder), !mark.isCounted else { continue }
            try await record(.historyLoaded(file: mark.hash), after: mark.after)
            mark.isCounted = true
            try mark.write(in: folder)
        }
    }

    /// What the ledger must stop counting when a load is taken out; nil when it counts nothing of it.
    func removal(of folder: String, besides others: [String], on today: LocalDay) async throws -> ContentHash? {
        guard let mark = HistoryMark(in: folders.path(folder)), mark.isCounted else { return nil }
        var removed = try ContactHistory(decoding: inputs.bytes(mark.hash))
        // A campaign seen on websites stays counted while another load has it too.
        let now = try await history(of: folder, besides: others, on: today)
        removed.counters =
            removed.counters.filter { $0.channel != .website } + now.counters.filter { $0.channel == .website }
        return try host.store(removed.encoded())
    }

    /// Stops counting, unless that was done before.
    func uncount(_ file: ContentHash, after position: Int64) async throws {
        try await record(.historyRemoved(file: file), after: position)
    }

    /// Commits a record that comes after a position of the log, unless it is there.
    private func record(_ record: LogRecord, after position: Int64) async throws {
        var isThere = false
        try log.read(chain: .common, from: position + 1, withKeys: false) { batch in
            if !isThere { isThere = try LogRecord(decoding: batch.payload) == record }
        }
        guard !isThere else { return }
        // What a wave selects is that of its beginning; it is over soon.
        while try await host.read({ $0.openWave != nil }) { try await Task.sleep(for: .milliseconds(100)) }
        try await host.record([record])
    }

    /// The marketing contacts of a load for the caps and intervals (FRQ-13).
    ///
    /// `others`: Other live loads; what they have of campaigns on websites is not counted again.
    private func history(of folder: String, besides others: [String], on today: LocalDay) async throws -> ContactHistory
    {
        let subscribers = try await host.read { $0.subscribers }
        let oldest = LocalMonth(number: today.month.number - Int32(ContactLedger.monthsBack)).firstDay
        let month = "CAST(year(day) * 12 + month(day) - 1 AS BIGINT) AS month"
        let own = "SELECT * FROM \(try folders.rows(in: [folder])) WHERE kind = 'marketing'"
        let counted = "\(own) AND day >= DATE '\(oldest.iso)'"
        var seen =
            "SELECT DISTINCT \(month), idx, CAST(campaign AS VARCHAR) AS campaign FROM (\(counted)) WHERE channel = 'website'"
        if !others.isEmpty {
            // Read together, so that a load without campaigns has them as NULL.
            let number = "(SELECT max(load_no) FROM \(try folders.rows(in: [folder])))"
            seen += """
                 EXCEPT SELECT \(month), idx, CAST(campaign AS VARCHAR) FROM \(try folders.rows(in: others + [folder]))
                WHERE load_no <> \(number) AND kind = 'marketing' AND channel = 'website' AND day >= DATE '\(oldest.iso)'
                """
        }
        let sql = """
            SELECT channel, \(month), idx, count(*) FROM (\(counted)) WHERE channel <> 'website' GROUP BY 1, 2, 3
            UNION ALL SELECT 'website', month, idx, count(*) FROM (\(seen)) GROUP BY 1, 2, 3
            """
        var history = ContactHistory()
        history.counters = try await counters(SQLText(sql, dialect: dialect), subscribers: subscribers)
        let from = today.adding(days: -Self.recentDays).iso
        try await addRecent("(\(own) AND day >= DATE '\(from)')", to: &history)
        return history
    }

    private func counters(_ sql: SQLText, subscribers: Int) async throws -> [ContactHistory.Column] {
        struct Key: Hashable {
            var channel: ChannelClass
            var month: Int64
        }
        let columns = try await warehouse.query(sql, into: [Key: [UInt8]]()) { columns, batch in
            let channels = try batch.texts(0)
            let (months, indices, counts) = (try batch.integers(1), try batch.integers(2), try batch.integers(3))
            for row in 0..<batch.rowCount {
                guard let channel = ChannelClass(code: channels[row]) else { continue }
                let key = Key(channel: channel, month: months[row])
                columns[key, default: [UInt8](repeating: 0, count: subscribers)][Int(indices[row])] =
                    UInt8(clamping: counts[row])
            }
        }
        return columns.sorted { ($0.key.month, $0.key.channel.rawValue) < ($1.key.month, $1.key.channel.rawValue) }
            .map { key, counts in
                ContactHistory.Column(
                    channel: key.channel,
                    month: LocalMonth(number: Int32(key.month - 1970 * 12)),
                    counts: counts
                )
            }
    }

    private func addRecent(_ rows: String, to history: inout ContactHistory) async throws {
        struct Key: Hashable {
            var channel: ChannelClass
            var category: String
            var day: Int32
        }
        let sql = SQLText("SELECT channel, coalesce(category, ''), day, idx FROM \(rows)", dialect: dialect)
        let found = try await warehouse.query(sql, into: [Key: [UInt32]]()) { found, batch in
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

    // MARK: Owners

    /// Makes the owners of each product of table `subscription` known to the checks, when its loads are others than before.
    func setOwners(_ loads: [String], on day: LocalDay) async throws {
        let folder = folders.path("subscription")
        let before = OwnersMark(in: folder)
        guard loads != before?.loads ?? [] else { return }
        let subscribers = try await host.read { $0.subscribers }
        var owners = Dictionary(
            uniqueKeysWithValues: (before?.products ?? []).map { ($0, Bitset(universe: subscribers)) }
        )
        if !loads.isEmpty {
            let sql = """
                SELECT DISTINCT product, idx FROM subscription
                WHERE from_day <= DATE '\(day.iso)' AND (to_day IS NULL OR to_day >= DATE '\(day.iso)')
                """
            owners = try await warehouse.query(SQLText(sql, dialect: dialect), into: owners) { owners, batch in
                let (products, indices) = (try batch.texts(0), try batch.integers(1))
                for row in 0..<batch.rowCount {
                    owners[products[row], default: Bitset(universe: subscribers)].insert(UInt32(indices[row]))
                }
            }
        }
        let lists = try await host.read { $0.lists }
        let changed = owners.filter { lists[.product($0.key)] != $0.value }.sorted { $0.key < $1.key }
        try await host.record(
            changed.map { .listReplaced(.product($0.key), file: try host.store($0.value.listFile)) }
        )
        try OwnersMark(loads: loads, products: owners.keys.sorted()).write(in: folder)
    }
}
