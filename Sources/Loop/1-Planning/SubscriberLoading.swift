// Loading an operator's tables: written, checked, indexed, made durable, and only then visible.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports

/// Loads tables and makes their content visible to segments and decisions.
///
/// Loads take turns. Each is a folder of Parquet files, visible once the log (subscribers) or the store (other tables)
/// names it.
public struct SubscriberLoading: Sendable {
    /// What a load of subscribers makes live: records of one commit, and the addresses that go with them.
    private typealias Subscribers = (records: [LogRecord], numbers: NumberIndex)

    private let host: DecisionHost
    private let store: any ControlPlaneStore
    private let numbers: LiveNumbers
    let folders: LoadFolders
    private let workers: Int
    private let turns = Turns()

    private var dated: DatedNumbers { DatedNumbers(folders: folders) }

    /// Loads into Parquet files below `folder` with a number of workers; the files do not depend on it.
    public init(
        warehouse: any WarehouseEngine,
        host: DecisionHost,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        folder: String,
        workers: Int
    ) {
        self.host = host
        self.store = store
        self.numbers = numbers
        folders = LoadFolders(warehouse: warehouse, root: folder)
        self.workers = max(1, workers)
    }

    /// Does something while no load goes on; it is brought to its end even when who asked for it has gone.
    func alone<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await turns.complete(body)
    }

    // MARK: Opening

    /// Shows what is loaded as views, and reads the numbers; called once when a data directory is opened.
    ///
    /// - Returns: Why the live load of subscribers is not in the list of loads yet; nil when it is. The next load tries
    ///   again before it begins.
    /// - Throws: ``LoadingError/damaged(folder:cause:)`` for files that are lost or damaged.
    public func open() async throws -> String? {
        let (live, lines) = try await host.read { ($0.attributes?.load, $0.subscribers) }
        if let live {
            try await showSubscribers(load: live)
            numbers.replace(by: try await dated.current(ofLoad: live, lines: lines))
        }
        var notListed: String?
        do { try await listLive() } catch { notListed = "\(error)" }
        let tables = Set(try await store.loads(table: nil).map(\.table)).subtracting(["subscriber"])
        for table in tables.sorted() { try await show(table) }
        return notListed
    }

    // MARK: Loading

    /// Loads one table; a second load of the same content changes nothing and returns the first one's record.
    ///
    /// `catalogue`: Types the attributes of table `subscriber`.
    /// `who`: Sign-in name for the audit log.
    public func load(
        _ source: any TableSource,
        catalogue: AttributeCatalogue,
        by who: String,
        at now: Instant
    ) async throws -> (record: LoadRecord, counts: LoadCounts) {
        try await turns.take { try await loadAlone(source, catalogue: catalogue, by: who, at: now) }
    }

    private func loadAlone(
        _ source: any TableSource,
        catalogue: AttributeCatalogue,
        by who: String,
        at now: Instant
    ) async throws -> (record: LoadRecord, counts: LoadCounts) {
        try await listLive()
        if let done = try await store.load(id: source.loadID) {
            return (done, LoadCounts(rows: done.rows, rejected: done.rejected))
        }
        let isSubscribers = source.table == "subscriber"
        let known = try await host.read { $0.subscribers }
        guard isSubscribers || known > 0 else { throw LoadingError.noSubscribers(table: source.table) }
        let path = folders.path(source.folder)
        let entry: LoadEntry
        var subscribers: Subscribers?
        var counts: LoadCounts
        do {
            // Parts that a killed process left; what is live was found above.
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            counts = try await PartWriting(folders: folders, workers: workers).write(source, known: known)
            entry = LoadEntry(source, counts, by: who, at: now)
            if isSubscribers {
                subscribers = try await prepare(source, catalogue: catalogue, at: now)
                try entry.write(to: path)
            }
            try Task.checkCancellation()
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw error
        }
        // Not cancelled any more: what decisions use must be shown, too.
        counts.notListed = try await Task { [subscribers] in try await makeLive(entry, subscribers) }.value
        return (entry.record, counts)
    }

    /// Derives from the Parquet files of a load what decisions use; writes the dated numbers.
    private func prepare(
        _ source: any TableSource,
        catalogue: AttributeCatalogue,
        at now: Instant
    ) async throws -> Subscribers {
        let (offset, live) = try await host.read { ($0.now.offsetSeconds, $0.attributes?.load) }
        let (records, lines) = try await SubscriberRecords(folders: folders, host: host, workers: workers)
            .records(of: source, catalogue: catalogue)
        let today = LocalTime(instant: now, offsetSeconds: offset).day
        try await dated.write(source, after: live, on: today)
        return (records, try await dated.current(ofLoad: source.loadID, lines: lines))
    }

    /// Makes a load live: subscribers with one commit of the log, other tables with their entry in the store.
    ///
    /// Returns why a live load is not in the list of loads; nil when it is.
    private func makeLive(_ entry: LoadEntry, _ subscribers: Subscribers?) async throws -> String? {
        var notListed: String?
        if let subscribers {
            // Replaced right after the commit: nobody is sent a message at an address of before.
            try await host.record(subscribers.records)
            numbers.replace(by: subscribers.numbers)
            do { try await list(entry) } catch { notListed = "\(error)" }
        } else {
            try await list(entry)
        }
        do {
            try await subscribers == nil ? show(entry.record.table) : showSubscribers(load: entry.record.id)
        } catch {
            throw LoadingError.notShown(file: entry.record.file, cause: "\(error)")
        }
        return notListed
    }

    /// Enters a load in the store's list of loads.
    private func list(_ entry: LoadEntry) async throws {
        try await store.record(entry.record, audit: entry.audit)
    }

    /// Enters the live load of subscribers in the list, when a crash or a full disk came between log and store.
    private func listLive() async throws {
        guard let load = try await host.read({ $0.attributes?.load }), try await store.load(id: load) == nil else {
            return
        }
        let path = folders.path("subscriber/\(load)")
        guard let entry = LoadEntry(from: path) else {
            throw LoadingError.damaged(folder: path, cause: "_load.json is missing or damaged")
        }
        try await list(entry)
    }

    // MARK: Views

    private func showSubscribers(load: String) async throws {
        let folder = "subscriber/\(load)"
        try await folders.reading(folder) {
            let rows = try folders.rows(in: [folder])
            try await folders.view("subscriber", "SELECT * FROM \(rows)")
            try await folders.view("line", "SELECT line_id, idx FROM \(rows)")
            try await folders.view("line_number", "SELECT * FROM \(try dated.rows(ofLoad: load))")
        }
    }

    private func show(_ table: String) async throws {
        let loads = try await store.loads(table: table).map(\.folder)
        guard !loads.isEmpty else { return }
        try await folders.reading(table) {
            try await folders.view(table, "SELECT * FROM \(try folders.rows(in: loads))")
        }
    }
}
