// Loading an operator's tables: staged, checked, indexed, made durable, and only then visible.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
import Profiles
import Synchronization

/// Loads tables and makes their content visible to segments and decisions.
///
/// Loads take turns. Each is a folder of Parquet files, visible once the log (subscribers) or the store (other tables)
/// names it.
public struct SubscriberLoading: Sendable {
    private let warehouse: any WarehouseEngine
    private let host: DecisionHost
    private let store: any ControlPlaneStore
    private let numbers: LiveNumbers
    private let folder: String
    private let workers: Int
    private let turns = Turns()

    /// Loads into Parquet files below `folder` with a number of workers; the files do not depend on it.
    public init(
        warehouse: any WarehouseEngine,
        host: DecisionHost,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        folder: String,
        workers: Int
    ) {
        self.warehouse = warehouse
        self.host = host
        self.store = store
        self.numbers = numbers
        self.folder = folder
        self.workers = max(1, workers)
    }

    private var dialect: SQLDialect { warehouse.dialect }

    // MARK: Opening

    /// Shows what is loaded as views, and reads the numbers; called once when a data directory is opened.
    ///
    /// - Throws: ``LoadingError/damaged(folder:cause:)`` for files that are lost or damaged.
    public func open() async throws {
        if let load = try await host.read({ $0.attributes?.load }) {
            try await showSubscribers(load: load)
            let (found, subscribers) = (try await readNumbers(ofLoad: load), try await host.read { $0.subscribers })
            guard found.count == subscribers else {
                let cause = "they hold \(found.count) lines instead of \(subscribers)"
                throw LoadingError.damaged(folder: path("subscriber", load), cause: cause)
            }
            numbers.replace(by: found)
        }
        // Where the store still cannot be written, the next load says so before it begins.
        try? await listLive()
        let tables = Set(try await store.loads(table: nil).map(\.table)).subtracting(["subscriber"])
        for table in tables.sorted() { try await show(table) }
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
        let path = path(source.table, source.loadID)
        let entry: Entry
        let records: [LogRecord]
        var counts: LoadCounts
        do {
            // Parts that a killed process left; what is live was found above.
            try? FileManager.default.removeItem(atPath: path)
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            if let parted = source as? any PartedTableSource, !isSubscribers || known == 0 {
                counts = try await writeParts(parted)
            } else {
                counts = try await writeStaged(source, known: known)
            }
            entry = Entry(source, counts, by: who, at: now)
            if isSubscribers {
                records = try await subscriberRecords(source, catalogue: catalogue)
                try await writeNumbers(of: source, at: now)
                try entry.write(to: path)
            } else {
                records = []
            }
            try Task.checkCancellation()
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw error
        }
        // Not cancelled any more: what decisions use must be shown, too.
        counts.notListed = try await Task { try await makeLive(entry, records) }.value
        return (entry.record, counts)
    }

    /// Makes a load live: subscribers with one commit of the log, other tables with their entry in the store.
    ///
    /// Returns why a live load is not in the list of loads; nil when it is.
    private func makeLive(_ entry: Entry, _ records: [LogRecord]) async throws -> String? {
        var notListed: String?
        if records.isEmpty {
            try await store.record(entry.record, audit: entry.audit)
        } else {
            // Read before the commit and replaced right after it: nobody is sent a message at an address of before.
            let addresses = try await readNumbers(ofLoad: entry.record.id)
            try await host.record(records)
            numbers.replace(by: addresses)
            do {
                try await store.record(entry.record, audit: entry.audit)
            } catch {
                notListed = "\(error)"
            }
        }
        do {
            try await records.isEmpty ? show(entry.record.table) : showSubscribers(load: entry.record.id)
        } catch {
            throw LoadingError.notShown(file: entry.record.file, cause: "\(error)")
        }
        return notListed
    }

    /// Enters the live load of subscribers in the store, when a crash or a full disk came between log and store.
    private func listLive() async throws {
        guard let load = try await host.read({ $0.attributes?.load }), try await store.load(id: load) == nil else {
            return
        }
        guard let entry = Entry(from: path("subscriber", load)) else {
            throw LoadingError.damaged(folder: path("subscriber", load), cause: "_load.json is missing")
        }
        try await store.record(entry.record, audit: entry.audit)
    }

    private func path(_ table: String, _ load: String) -> String { "\(folder)/\(table)/\(load)" }

    /// All rows of a load as a table expression.
    private func parquet(_ table: String, _ load: String) throws -> String { try parquet(["\(table)/\(load)"]) }

    /// All rows of loads in some folders as a table expression.
    ///
    /// Files are named one by one: in a `*` pattern, `[` and `?` in the name of the data directory would count as well.
    private func parquet(_ folders: [String]) throws -> String {
        let files = try folders.flatMap { name in
            let path = "\(folder)/\(name)"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            let files = names.filter { $0.hasSuffix(".parquet") }.sorted().map { "\(path)/\($0)" }
            guard !files.isEmpty else {
                throw LoadingError.damaged(folder: path, cause: "\(partName(0)) is missing")
            }
            return files
        }
        return "read_parquet([\(files.map { dialect.quoted(literal: $0) }.joined(separator: ", "))])"
    }

    private func partName(_ part: Int) -> String {
        let number = String(part)
        return "part-" + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".parquet"
    }

    // MARK: Writing Parquet

    /// Writes the parts of a generator, each with its own staging table, several at a time.
    private func writeParts(_ source: some PartedTableSource) async throws -> LoadCounts {
        let parts = Parts(count: source.parts)
        let rows = try await withThrowingTaskGroup(of: Int.self) { group in
            for worker in 0..<min(workers, source.parts) {
                group.addTask {
                    var rows = 0
                    while let part = parts.next() { rows += try await writePart(part, of: source, worker: worker) }
                    return rows
                }
            }
            return try await group.reduce(0, +)
        }
        let counts = LoadCounts(rows: rows, rejected: 0)
        guard counts.loaded > 0 else { throw LoadingError.empty(file: source.name) }
        return counts
    }

    private func writePart(_ part: Int, of source: some PartedTableSource, worker: Int) async throws -> Int {
        try await withStaging("staging_\(worker)", source.fields) { staging in
            let count = try await warehouse.ingest(into: staging, fields: source.fields, from: source.part(part))
            try await export("SELECT * FROM \(staging)", part, of: source)
            return count
        }
    }

    /// Collects all rows in a staging table, whose checks see the whole file, and writes them in order.
    private func writeStaged(_ source: any TableSource, known: Int) async throws -> LoadCounts {
        try await withStaging("staging", source.fields) { staging in
            let counts = try await source.fill(staging, on: warehouse, engine: warehouse)
            guard counts.loaded > 0 else { throw LoadingError.empty(file: source.name) }
            let rows =
                source.table == "subscriber"
                ? try await merged(staging, fields: source.fields, known: known)
                : "SELECT * FROM \(staging) ORDER BY line_id"
            try await export(rows, 0, of: source)
            return counts
        }
    }

    private func export(_ rows: String, _ part: Int, of source: any TableSource) async throws {
        try await warehouse.exportParquet(
            SQLText(rows, dialect: dialect),
            to: path(source.table, source.loadID) + "/" + partName(part)
        )
    }

    private func withStaging<Result: Sendable>(
        _ name: String,
        _ fields: [WarehouseField],
        _ body: (String) async throws -> Result
    ) async throws -> Result {
        try await warehouse.execute(dialect.dropTable(name))
        try await warehouse.execute(dialect.createTable(name, fields))
        do {
            let result = try await body(name)
            try await warehouse.execute(dialect.dropTable(name))
            return result
        } catch {
            // The error of the load is the one to report; the next load drops what is left.
            _ = try? await warehouse.execute(dialect.dropTable(name))
            throw error
        }
    }

    /// All subscribers after a load, by index: those of the file, and those loaded before that it does not name.
    ///
    /// New lines get the next indices in order of their ids. An MSISDN or IMSI that the file gives to another line is
    /// taken from the one that had it. The columns are those of the file: what a kept line lacks is NULL.
    private func merged(_ new: String, fields: [WarehouseField], known: Int) async throws -> String {
        let fields = fields.filter { $0.name != "idx" }
        let names = dialect.columnList(fields.map(\.name))
        let next = "SELECT line_id, \(known) + row_number() OVER (ORDER BY line_id) - 1 AS idx FROM \(new)"
        guard known > 0 else {
            return "SELECT place.idx, \(names) FROM \(new) JOIN (\(next)) AS place USING (line_id) ORDER BY idx"
        }
        let describe = SQLText("SELECT column_name FROM (DESCRIBE subscriber)", dialect: dialect)
        let old = Set(try await warehouse.rows(describe).map { $0[0] })
        let kept = fields.map { field in
            let name = dialect.quoted(identifier: field.name)
            let value = old.contains(.text(field.name)) ? "old.\(name)" : "NULL"
            let isNumber = ["msisdn", "imsi"].contains(field.name)
            let taken = "CASE WHEN \(value) IN (SELECT \(name) FROM \(new)) THEN NULL ELSE \(value) END"
            return "CAST(\(isNumber ? taken : value) AS \(dialect.typeName(field.type))) AS \(name)"
        }
        return """
            SELECT place.idx, \(names) FROM \(new) JOIN
                (SELECT line_id, idx FROM line UNION ALL \(next) ANTI JOIN line USING (line_id)) AS place USING (line_id)
            UNION ALL
            SELECT old.idx, \(kept.joined(separator: ", ")) FROM subscriber AS old ANTI JOIN \(new) USING (line_id)
            ORDER BY idx
            """
    }

    // MARK: Subscribers

    /// The log records that give new lines their indices and make a load with its hot columns live, all at once.
    private func subscriberRecords(
        _ source: any TableSource,
        catalogue: AttributeCatalogue
    ) async throws -> [LogRecord] {
        let known = try await host.read { $0.lines }
        let all = try await rows(of: source, columns: ["line_id"], into: [Int64]()) { $0 += try $1.integers(1) }
        let wrong = all.indices.first { row in
            row < known.count ? all[row] != known[row] : row > known.count && all[row] <= all[row - 1]
        }
        if let row = wrong ?? (all.count < known.count ? all.count : nil) {
            throw LoadingError.outOfOrder(file: source.name, row: row)
        }
        let new = Array(all[known.count...])
        var records: [LogRecord] = []
        if !new.isEmpty {
            var bytes = ByteWriter(capacity: new.count * 8)
            new.withUnsafeBytes { bytes.write(raw: $0) }
            records.append(
                .linesAssigned(
                    base: UInt32(known.count),
                    count: UInt32(new.count),
                    file: try host.store(bytes.bytes)
                )
            )
        }
        let columns = try await hotColumns(source, catalogue: catalogue, rows: all.count)
        let types = try JSONEncoder.canonical.encode(catalogue)
        records.append(
            .attributesLoaded(load: source.loadID, catalogue: try host.store(Array(types)), columns: columns)
        )
        return records
    }

    /// Writes which line had which MSISDN and IMSI from which day to which (table `line_number`, DESIGN section 4).
    ///
    /// What the load no longer says ends on the day of the load, what is new begins on it; a load without IMSIs says
    /// nothing of them.
    private func writeNumbers(of source: any TableSource, at now: Instant) async throws {
        let (offset, live) = try await host.read { ($0.now.offsetSeconds, $0.attributes?.load) }
        let day = "DATE '\(LocalTime(instant: now, offsetSeconds: offset).day.iso)'"
        let rows = try parquet(source.table, source.loadID)
        let kinds = ["msisdn", "imsi"].filter { kind in source.fields.contains { $0.name == kind } }
        let current = kinds.map { kind in
            "SELECT '\(kind)' AS kind, \(kind) AS number, idx FROM \(rows) WHERE \(kind) IS NOT NULL"
        }
        .joined(separator: " UNION ALL ")
        let loaded = kinds.map { "'\($0)'" }.joined(separator: ", ")
        let begun = "SELECT kind, number, idx, \(day) AS from_day, CAST(NULL AS DATE) AS to_day"
        var sql = "\(begun) FROM (\(current))"
        if let live {
            sql = """
                WITH now AS (\(current)), known AS (SELECT * FROM \(try numbers(ofLoad: live)))
                SELECT * FROM known WHERE to_day IS NOT NULL
                UNION ALL SELECT kind, number, idx, from_day, CASE WHEN now.idx IS NULL THEN \(day) END
                    FROM known LEFT JOIN now USING (kind, number, idx) WHERE to_day IS NULL AND kind IN (\(loaded))
                UNION ALL SELECT * FROM known WHERE to_day IS NULL AND kind NOT IN (\(loaded))
                UNION ALL \(begun) FROM now ANTI JOIN (SELECT * FROM known WHERE to_day IS NULL) AS old
                    USING (kind, number, idx)
                """
        }
        let folder = "\(source.table)/\(source.loadID)/numbers"
        try FileManager.default.createDirectory(atPath: "\(self.folder)/\(folder)", withIntermediateDirectories: true)
        try await warehouse.exportParquet(
            SQLText(sql, dialect: dialect),
            to: "\(self.folder)/\(folder)/\(partName(0))"
        )
    }

    private func numbers(ofLoad load: String) throws -> String { try parquet("subscriber", "\(load)/numbers") }

    /// Reads columns of a subscriber load in the order of the index; the batches begin with the index.
    private func rows<Result: Sendable>(
        of source: any TableSource,
        columns: [String],
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, ColumnBatch) throws -> Void
    ) async throws -> Result {
        let names = dialect.columnList(["idx"] + columns)
        let sql = SQLText("SELECT \(names) FROM \(try parquet(source.table, source.loadID))", dialect: dialect)
        let name = source.name
        // The engine keeps the order of files and rows; that it did is checked, not hoped for.
        return try await warehouse.query(sql, into: (row: 0, result: initial)) { state, batch in
            for index in try batch.integers(0) {
                guard index == state.row else { throw LoadingError.outOfOrder(file: name, row: state.row) }
                state.row += 1
            }
            try update(&state.result, batch)
        }.result
    }

    /// The hot columns of a load: a few attributes at a time, since columns being built are larger than built ones.
    private func hotColumns(
        _ source: any TableSource,
        catalogue: AttributeCatalogue,
        rows count: Int
    ) async throws -> [AttributeColumn] {
        let loaded = Set(source.fields.map(\.name))
        let hot = catalogue.attributes.filter { $0.isHot && loaded.contains($0.code) }
        let groups = stride(from: 0, to: hot.count, by: 4).map { Array(hot[$0..<min($0 + 4, hot.count)]) }
        let found = try await withThrowingTaskGroup(of: [AttributeColumn].self) { group in
            var columns: [AttributeColumn] = []
            for (position, attributes) in groups.enumerated() {
                if position >= workers, let done = try await group.next() { columns += done }
                group.addTask { try await hotColumns(source, attributes, rows: count) }
            }
            for try await done in group { columns += done }
            return columns
        }
        let byCode = Dictionary(found.map { ($0.code, $0) }, uniquingKeysWith: { first, _ in first })
        return hot.compactMap { byCode[$0.code] }
    }

    private func hotColumns(
        _ source: any TableSource,
        _ attributes: [Attribute],
        rows count: Int
    ) async throws -> [AttributeColumn] {
        let building = ColumnsBeingBuilt(attributes.map { HotColumnBuilder($0, rows: count) })
        _ = try await rows(of: source, columns: attributes.map(\.code), into: building) { building, batch in
            for (position, column) in batch.columns.dropFirst().enumerated() {
                try building.builders[position].append(column)
            }
        }
        return try zip(attributes, building.builders).map { attribute, builder in
            AttributeColumn(code: attribute.code, file: try host.store(builder.finish().encoded()))
        }
    }

    // MARK: Views

    private func showSubscribers(load: String) async throws {
        let file = try parquet("subscriber", load)
        try await reading("subscriber/\(load)") {
            try await view("subscriber", "SELECT * FROM \(file)")
            try await view("line", "SELECT line_id, idx FROM \(file)")
            try await view("line_number", "SELECT * FROM \(try numbers(ofLoad: load))")
        }
    }

    /// The number of every subscriber of a load.
    private func readNumbers(ofLoad load: String) async throws -> NumberIndex {
        let file = try parquet("subscriber", load)
        let found = try await reading("subscriber/\(load)") {
            let sql = SQLText("SELECT idx, coalesce(msisdn, 0) FROM \(file)", dialect: dialect)
            let count = try await warehouse.integer(SQLText("SELECT count(*) FROM \(file)", dialect: dialect)) ?? 0
            return try await warehouse.query(sql, into: NumbersBeingRead(count: Int(count))) { found, batch in
                for (index, number) in zip(try batch.integers(0), try batch.integers(1)) where index < count {
                    found.numbers[Int(index)] = number
                }
            }
        }
        return NumberIndex(numbers: found.numbers)
    }

    private func show(_ table: String) async throws {
        let folders = try await store.loads(table: table).map(\.folder)
        guard !folders.isEmpty else { return }
        try await reading(table) { try await view(table, "SELECT * FROM \(try parquet(folders))") }
    }

    /// Says of an error of the engine which loaded files it concerns.
    private func reading<Result>(_ name: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as WarehouseError where ![.diskFull, .memory].contains(error.kind) {
            throw LoadingError.damaged(folder: "\(folder)/\(name)", cause: error.summary)
        }
    }

    private func view(_ name: String, _ select: String) async throws {
        let sql = "CREATE OR REPLACE VIEW \(dialect.quoted(identifier: name)) AS \(select)"
        try await warehouse.execute(SQLText(sql, dialect: dialect))
    }
}

/// What the store gets to know of a load; also kept beside its Parquet files, should the store not get it.
private struct Entry: Codable, Sendable {
    private static let file = "/_load.json"

    var record: LoadRecord
    var who: String

    init(_ source: any TableSource, _ counts: LoadCounts, by who: String, at now: Instant) {
        record = LoadRecord(
            id: source.loadID,
            at: now,
            file: source.name,
            table: source.table,
            rows: counts.rows,
            loaded: counts.loaded,
            rejected: counts.rejected,
            folder: "\(source.table)/\(source.loadID)"
        )
        self.who = who
    }

    /// Reads the entry in the folder of a load; nil when there is none.
    init?(from folder: String) {
        guard let data = FileManager.default.contents(atPath: folder + Self.file),
            let entry = try? JSONDecoder().decode(Entry.self, from: data)
        else { return nil }
        self = entry
    }

    var audit: AuditEntry {
        AuditEntry(at: record.at, who: who, action: "load", object: "load/\(record.id)", detail: record.file)
    }

    /// Writes and syncs the entry.
    func write(to folder: String) throws {
        let url = URL(filePath: folder + Self.file)
        try JSONEncoder.canonical.encode(self).write(to: url)
        let handle = try FileHandle(forUpdating: url)
        try handle.synchronize()
        try handle.close()
    }
}

/// Builders handed through a query, which uses them one batch after the other.
private final class ColumnsBeingBuilt: @unchecked Sendable {
    var builders: [HotColumnBuilder]

    init(_ builders: [HotColumnBuilder]) { self.builders = builders }
}

extension HotColumnBuilder {
    /// Adds a column of a warehouse batch.
    fileprivate mutating func append(_ column: ColumnData) throws(ProfileError) {
        let valid = column.validity?.words
        switch column.values {
        case .integers(let values):
            try lending(values, valid) { (v, m) throws(ProfileError) in try append(integers: v, valid: m) }
        case .days(let values):
            try lending(values, valid) { (v, m) throws(ProfileError) in try append(days: v, valid: m) }
        case .flags(let values):
            try lending(values, valid) { (v, m) throws(ProfileError) in try append(flags: v, valid: m) }
        case .texts(let texts):
            try lending(texts.bytes, valid) { (bytes, m) throws(ProfileError) in
                try lending(texts.offsets, nil) { (offsets, _) throws(ProfileError) in
                    try append(utf8: bytes, offsets: offsets, valid: m)
                }
            }
        }
    }
}

/// Lends an array and an optional mask as buffers.
private func lending<T>(
    _ values: [T],
    _ valid: [UInt64]?,
    _ body: (UnsafeBufferPointer<T>, UnsafeBufferPointer<UInt64>?) throws(ProfileError) -> Void
) throws(ProfileError) {
    let result = values.withUnsafeBufferPointer { values -> Result<Void, ProfileError> in
        guard let valid else { return catching { () throws(ProfileError) in try body(values, nil) } }
        return valid.withUnsafeBufferPointer { mask in
            catching { () throws(ProfileError) in try body(values, mask) }
        }
    }
    try result.get()
}

private func catching(_ body: () throws(ProfileError) -> Void) -> Result<Void, ProfileError> {
    do throws(ProfileError) {
        return .success(try body())
    } catch {
        return .failure(error)
    }
}

/// Parts that wait for a worker.
private final class Parts: Sendable {
    private let count: Int
    private let taken = Atomic(0)

    init(count: Int) { self.count = count }

    func next() -> Int? {
        let part = taken.add(1, ordering: .relaxed).oldValue
        return part < count ? part : nil
    }
}

/// Numbers by index, handed through a query.
private final class NumbersBeingRead: @unchecked Sendable {
    var numbers: [Int64]

    init(count: Int) { numbers = [Int64](repeating: 0, count: count) }
}

/// Lets work in one after the other, in the order of arrival.
private actor Turns {
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    nonisolated func take<Result: Sendable>(_ body: () async throws -> Result) async rethrows -> Result {
        await enter()
        do {
            let result = try await body()
            await leave()
            return result
        } catch {
            await leave()
            throw error
        }
    }

    private func enter() async {
        guard isTaken else { return isTaken = true }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
        if waiting.isEmpty { isTaken = false } else { waiting.removeFirst().resume() }
    }
}

extension JSONEncoder {
    /// Equal values give equal bytes: keys are sorted.
    static var canonical: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
