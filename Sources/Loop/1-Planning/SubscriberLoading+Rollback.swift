// Taking a load out again: what was counted of it counts no more, and what was before it holds.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
import Ports

extension SubscriberLoading {
    /// Takes a load out: its rows are gone from the tables and its files are removed.
    ///
    /// Of subscribers only the last load can be taken out; the attributes of the one before it live again. Lines that came
    /// with it keep their indices, and have no values and no number.
    ///
    /// - Parameters:
    ///   - id: The load.
    ///   - who: Sign-in name for the audit log.
    ///   - now: When.
    /// - Returns: The record it had.
    /// - Throws: ``LoadingError``.
    public func rollback(_ id: String, by who: String, at now: Instant) async throws -> LoadRecord {
        try await alone {
            try await settle(at: now)
            guard let load = try await store.load(id: id) else { throw LoadingError.unknownLoad(id) }
            try await load.table == "subscriber"
                ? takeOutSubscribers(load, by: who, at: now) : takeOutFacts(load, by: who, at: now)
            return load
        }
    }

    // MARK: Facts

    private func takeOutFacts(_ load: LoadRecord, by who: String, at now: Instant) async throws {
        let after = try facts.log.position().sequence
        var mark = RemovalMark(id: load.id, who: who, after: after)
        if load.table == "contact" {
            let others = try await live("contact").filter { $0.id != load.id }.map(\.folder)
            mark.file = try await facts.removal(of: load.folder, besides: others, on: try await day(at: now))?.hex
        }
        try mark.write(in: folders.path(load.folder))
        try observe(.removalMarked)
        try await unlist(mark, load, at: now)
        try observe(.unlisted)
        try await show(load.table)
        try await finishRemovals(at: now)
        try await record(at: now)
    }

    private func unlist(_ mark: RemovalMark, _ load: LoadRecord, at now: Instant) async throws {
        let audit = AuditEntry(
            at: now,
            who: mark.who,
            action: LoadEntry.removal,
            object: LoadEntry.object + mark.id,
            detail: load.counts
        )
        try await store.removeLoad(id: mark.id, audit: audit)
    }

    /// Brings removals to their end that a crash interrupted; what was marked only, and is live, stays.
    func finishRemovals(at now: Instant) async throws {
        let live = try await host.read { $0.attributes?.load }
        for (folder, mark) in try folders.marked(RemovalMark.self) {
            let path = folders.path(folder)
            if let load = try await store.load(id: mark.id) {
                guard load.table == "subscriber", load.id != live else {
                    try RemovalMark.remove(in: path)
                    continue
                }
                try await unlist(mark, load, at: now)
            }
            if let file = mark.hash { try await facts.uncount(file, after: mark.after) }
            try observe(.uncounted)
            // The mark goes last: without it nobody would look here again.
            for name in try FileManager.default.contentsOfDirectory(atPath: path) where name != RemovalMark.file {
                try FileManager.default.removeItem(atPath: "\(path)/\(name)")
            }
            try FileManager.default.removeItem(atPath: path)
        }
    }

    // MARK: Subscribers

    private func takeOutSubscribers(_ load: LoadRecord, by who: String, at now: Instant) async throws {
        let loads = try await live("subscriber")
        let last = try await host.read { $0.attributes?.load }
        guard load.id == last else { throw LoadingError.notLast(load.id, last: last ?? "") }
        guard let place = loads.lastIndex(where: { $0.id == load.id }), place > 0 else {
            throw LoadingError.onlyLoad(load.id)
        }
        let earlier = loads[place - 1]
        guard let catalogue = LoadEntry(in: folders.path(earlier.folder))?.catalogue else {
            throw LoadingError.noCatalogue(earlier.id)
        }
        try await folders.reading(earlier.folder) { try await pad(earlier.folder) }
        let (records, lines) = try await SubscriberRecords(folders: folders, host: host, workers: workers)
            .records(ofLoad: earlier.id, name: earlier.file, catalogue: try await withRevision(catalogue))
        let known = try await dated.current(ofLoad: earlier.id, lines: lines)
        let mark = RemovalMark(id: load.id, who: who, after: 0)
        try mark.write(in: folders.path(load.folder))
        try observe(.removalMarked)
        try await host.record(records)
        numbers.replace(by: known)
        try observe(.removalRecorded)
        try await showSubscribers(load: earlier.id)
        try await finishRemovals(at: now)
    }

    /// Gives a load the lines that came after it, without values.
    private func pad(_ folder: String) async throws {
        let (rows, dialect) = (try folders.rows(in: [folder]), folders.dialect)
        let count =
            try await folders.warehouse.integer(
                SQLText("SELECT CAST(count(*) AS BIGINT) FROM \(rows)", dialect: dialect)
            ) ?? 0
        guard try await host.read({ $0.subscribers }) > count else { return }
        let columns = try await folders.columns(rows).map { column in
            let name = dialect.quoted(identifier: column.name)
            return ["idx", "line_id"].contains(column.name) ? name : "CAST(NULL AS \(column.type)) AS \(name)"
        }
        let parts = try FileManager.default.contentsOfDirectory(atPath: folders.path(folder))
            .filter { $0.hasSuffix(".parquet") }.count
        let added = "SELECT \(columns.joined(separator: ", ")) FROM line WHERE idx >= \(count) ORDER BY idx"
        try await folders.export(added, part: parts, to: folder)
    }
}
