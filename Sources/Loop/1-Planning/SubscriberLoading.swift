// Loading an operator's tables: written, checked, indexed, made durable, and only then visible.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
public import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports

/// A step of a load or of taking one out after which a crash must do no harm; tests end it at each of them.
public enum LoadStep: String, Sendable, CaseIterable {
    case written, recorded, listed, counted
    case removalMarked, removalRecorded, unlisted, uncounted
}

/// Loads tables and makes their content visible to segments and decisions.
///
/// Loads take turns. Each is a folder of Parquet files, visible once the log (subscribers) or the store (other tables)
/// names it. Loads of subscribers replace one another; those of other tables add up.
public struct SubscriberLoading: Sendable {
    /// What a load of subscribers makes live: records of one commit, and the addresses that go with them.
    typealias Subscribers = (records: [LogRecord], numbers: NumberIndex)

    let host: DecisionHost
    let store: any ControlPlaneStore
    let numbers: LiveNumbers
    let folders: LoadFolders
    let facts: FactRecords
    let workers: Int
    let turns = Turns()
    let observe: @Sendable (LoadStep) throws -> Void

    var dated: DatedNumbers { DatedNumbers(folders: folders) }

    /// Loads into Parquet files below `folder` with a number of workers; the files do not depend on it.
    ///
    /// `log`, `inputs`: What `host` writes and reads.
    public init(
        warehouse: any WarehouseEngine,
        host: DecisionHost,
        log: any DecisionLog,
        inputs: any DecisionInputs,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        folder: String,
        workers: Int,
        observe: @escaping @Sendable (LoadStep) throws -> Void = { _ in }
    ) {
        self.host = host
        self.store = store
        self.numbers = numbers
        folders = LoadFolders(warehouse: warehouse, root: folder)
        facts = FactRecords(folders: folders, host: host, log: log, inputs: inputs)
        self.workers = max(1, workers)
        self.observe = observe
    }

    /// Does something while no load goes on; it is brought to its end even when who asked for it has gone.
    func alone<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        try await turns.complete(body)
    }

    // MARK: Opening

    /// Shows what is loaded as views, and reads the numbers; called once when a data directory is opened.
    ///
    /// - Throws: ``LoadingError/damaged(folder:cause:)`` for files that are lost or damaged.
    public func open() async throws {
        let (live, lines) = try await host.read { ($0.attributes?.load, $0.subscribers) }
        if let live {
            try await showSubscribers(load: live)
            numbers.replace(by: try await dated.current(ofLoad: live, lines: lines))
        }
        let tables = Set(try await store.loads(table: nil).map(\.table)).subtracting(["subscriber"])
        for table in tables.sorted() {
            try await completeOld(table)
            try await show(table)
        }
    }

    /// Brings to its end what a crash or a full disk interrupted; called when a data directory is open and no wave is.
    ///
    /// - Returns: Why something is not settled yet: the live load of subscribers is not in the list of loads, or the ledger
    ///   does not count one; nil when all is. The next load tries again before it begins.
    public func settleAfterOpening(at now: Instant) async -> String? {
        do { try await settle(at: now) } catch { return "\(error)" }
        return nil
    }

    /// Brings to its end what a crash or a full disk interrupted.
    func settle(at now: Instant) async throws {
        try await listLive()
        try await finishRemovals(at: now)
        try await record(at: now)
    }

    /// Makes the ledger and the product owners follow the live loads.
    func record(at now: Instant) async throws {
        try await facts.count(try await live("contact").map(\.folder))
        try observe(.counted)
        try await facts.setOwners(try await live("subscription").map(\.id), on: try await day(at: now))
    }

    func live(_ table: String) async throws -> [LoadRecord] { try await store.loads(table: table) }

    /// The operator's day of an instant.
    func day(at now: Instant) async throws -> LocalDay {
        LocalTime(instant: now, offsetSeconds: try await host.read { $0.now.offsetSeconds }).day
    }

    /// Gives loads of earlier builds what those of today have.
    private func completeOld(_ table: String) async throws {
        for (place, load) in try await live(table).enumerated() {
            try await folders.reading(load.folder) {
                try await PartWriting(folders: folders, workers: workers, number: place + 1).complete(load.folder)
            }
        }
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
        try await settle(at: now)
        if let done = try await store.load(id: source.loadID) {
            return (done, LoadCounts(rows: done.rows, rejected: done.rejected))
        }
        let isSubscribers = source.table == "subscriber"
        let known = try await host.read { $0.subscribers }
        guard isSubscribers || known > 0 else { throw LoadingError.noSubscribers(table: source.table) }
        let inForce = isSubscribers ? try await withRevision(catalogue) : catalogue
        let path = folders.path(source.folder)
        let entry: LoadEntry
        var subscribers: Subscribers?
        var counts: LoadCounts
        do {
            // Parts that a killed process left; what is live was found above.
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            counts = try await writing(source).write(source, known: known)
            var made = LoadEntry(source, counts, by: who, at: now)
            if isSubscribers {
                subscribers = try await prepare(source, catalogue: inForce, at: now)
                made.catalogue = catalogue
                try made.write(in: path)
            }
            if source.table == "contact" {
                let others = try await live("contact").map(\.folder)
                try await facts.noteHistory(of: source.folder, besides: others, on: try await day(at: now))
            }
            entry = made
            try Task.checkCancellation()
            try observe(.written)
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw error
        }
        // Not cancelled any more: what decisions use must be shown, too.
        counts.notListed = try await Task { [subscribers] in try await makeLive(entry, subscribers) }.value
        return (entry.record, counts)
    }

    /// Writes the parts of a source.
    private func writing(_ source: any TableSource) async throws -> PartWriting {
        var writing = PartWriting(folders: folders, workers: workers)
        guard source.table != "subscriber" else { return writing }
        writing.lines = LineSet(try await host.read { $0.lines })
        let loads = try await live(source.table).map(\.folder)
        if !loads.isEmpty {
            let last = "SELECT max(load_no) FROM \(try folders.rows(in: loads))"
            writing.number += Int(try await folders.warehouse.integer(SQLText(last, dialect: folders.dialect)) ?? 0)
        }
        return writing
    }

    /// Derives from the Parquet files of a load what decisions use; writes the dated numbers.
    private func prepare(
        _ source: any TableSource,
        catalogue: AttributeCatalogue,
        at now: Instant
    ) async throws -> Subscribers {
        let live = try await host.read { $0.attributes?.load }
        let (records, lines) = try await SubscriberRecords(folders: folders, host: host, workers: workers)
            .records(ofLoad: source.loadID, name: source.name, catalogue: catalogue)
        try await dated.write(source, after: live, on: try await day(at: now))
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
            try observe(.recorded)
            do { try await list(entry) } catch { notListed = "\(error)" }
        } else {
            try await list(entry)
            try observe(.listed)
        }
        do {
            try await subscribers == nil ? show(entry.record.table) : showSubscribers(load: entry.record.id)
        } catch {
            throw LoadingError.notShown(file: entry.record.file, cause: "\(error)")
        }
        if subscribers == nil {
            do {
                try await record(at: entry.record.at)
            } catch let error as any CodedError {
                throw LoadingError.notCounted(file: entry.record.file, cause: "\(error)")
            }
        }
        return notListed
    }

    /// Enters a load in the store's list of loads.
    private func list(_ entry: LoadEntry) async throws {
        try await store.record(entry.record, audit: entry.audit)
    }

    /// Enters the live load of subscribers in the list, when a crash or a full disk came between log and store.
    func listLive() async throws {
        guard let load = try await host.read({ $0.attributes?.load }), try await store.load(id: load) == nil else {
            return
        }
        let path = folders.path("subscriber/\(load)")
        guard let entry = LoadEntry(in: path) else {
            throw LoadingError.damaged(folder: path, cause: "_load.json is missing or damaged")
        }
        try await list(entry)
    }

    // MARK: Views

    func showSubscribers(load: String) async throws {
        let folder = "subscriber/\(load)"
        try await folders.reading(folder) {
            let rows = try folders.rows(in: [folder])
            try await folders.view("subscriber", "SELECT * FROM \(rows)")
            try await folders.view("line", "SELECT line_id, idx FROM \(rows)")
            try await folders.view("line_number", "SELECT * FROM \(try dated.rows(ofLoad: load))")
        }
    }

    /// Columns that say what a row is about: of rows with the same, those of the newest load hold.
    private static let keys = [
        "subscriber_month": ["idx", "month"], "complaint": ["idx", "day", "topic"],
        "subscription": ["idx", "product", "from_day"],
    ]

    /// Shows the live loads of a table together, or nothing when there is none.
    func show(_ table: String) async throws {
        let loads = try await live(table).map(\.folder)
        let dialect = folders.dialect
        guard !loads.isEmpty else {
            let drop = "DROP VIEW IF EXISTS \(dialect.quoted(identifier: table))"
            _ = try await folders.warehouse.execute(SQLText(drop, dialect: dialect))
            return
        }
        try await folders.reading(table) {
            let rows = try folders.rows(in: loads)
            guard loads.count > 1, let keys = Self.keys[table] else {
                return try await folders.view(table, "SELECT * FROM \(rows)")
            }
            let newest = "max(load_no) OVER (PARTITION BY \(dialect.columnList(keys))) AS newest_no"
            try await folders.view(
                table,
                "SELECT * EXCLUDE (newest_no) FROM (SELECT *, \(newest) FROM \(rows)) WHERE load_no = newest_no"
            )
        }
    }
}
