// Loading an operator's tables: staged, checked, indexed, made durable, and only then visible.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
import Profiles

/// Rows on their way into a warehouse table: a file with its mapping, or the generator.
public protocol TableSource: Sendable {
    /// The warehouse table.
    var table: String { get }
    /// Columns of the rows.
    var fields: [WarehouseField] { get }
    /// Name of the file for the record, without folders.
    var name: String { get }
    /// Identifies content and mapping; the same id is never loaded twice.
    var loadID: String { get }
    /// Appends all rows to a staging table that has these columns; nothing is kept when it throws.
    func fill(
        _ staging: String,
        on session: any WarehouseSession,
        engine: any WarehouseEngine
    ) async throws
        -> LoadCounts
}

/// What a load read and rejected.
public struct LoadCounts: Hashable, Sendable, Codable {
    /// Rows read.
    public var rows: Int
    /// Rows rejected.
    public var rejected: Int
    /// File of the rejected rows; nil when there are none.
    public var rejectFile: String?

    /// Joins the counts.
    public init(rows: Int, rejected: Int, rejectFile: String? = nil) {
        self.rows = rows
        self.rejected = rejected
        self.rejectFile = rejectFile
    }

    /// Rows loaded.
    public var loaded: Int { rows - rejected }
}

/// Why a load was refused.
public enum LoadingError: CodedError {
    case noSubscribers(table: String)
    case empty(file: String)
    case unreadable(file: String)

    public var code: String {
        switch self {
        case .noSubscribers: "load.no_subscribers"
        case .empty: "load.empty"
        case .unreadable: "load.unreadable"
        }
    }

    public var description: String {
        switch self {
        case .noSubscribers(let table): "table \(table) belongs to subscribers; load table subscriber first"
        case .unreadable(let file): "\(file) cannot be read; check its name and rights"
        case .empty(let file): "\(file) has no rows to load; nothing was changed"
        }
    }
}

/// Loads tables and makes their content visible to segments and decisions.
public struct SubscriberLoading: Sendable {
    private let warehouse: any WarehouseEngine
    private let host: DecisionHost
    private let store: any ControlPlaneStore
    private let numbers: LiveNumbers
    private let folder: String

    /// Loads into Parquet files below `folder`.
    public init(
        warehouse: any WarehouseEngine,
        host: DecisionHost,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        folder: String
    ) {
        self.warehouse = warehouse
        self.host = host
        self.store = store
        self.numbers = numbers
        self.folder = folder
    }

    private var dialect: SQLDialect { warehouse.dialect }

    // MARK: Opening

    /// Shows what is loaded as views, and reads the numbers; called once when a data directory is opened.
    public func open() async throws {
        if let load = try await host.read({ $0.attributes?.load }) { try await showSubscribers(load: load) }
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
        if let done = try await store.load(id: source.loadID) {
            return (done, LoadCounts(rows: done.rows, rejected: done.rejected))
        }
        let staging = "staging"
        try await warehouse.execute(dialect.dropTable(staging))
        try await warehouse.execute(dialect.createTable(staging, source.fields))
        let counts: LoadCounts
        do {
            counts = try await source.fill(staging, on: warehouse, engine: warehouse)
            guard counts.loaded > 0 else { throw LoadingError.empty(file: source.name) }
            if source.table == "subscriber" {
                try await commitSubscribers(staging, source: source, catalogue: catalogue)
            } else {
                try await commitTable(staging, source: source)
            }
        } catch {
            _ = try? await warehouse.execute(dialect.dropTable(staging))
            throw error
        }
        try await warehouse.execute(dialect.dropTable(staging))
        let record = LoadRecord(
            id: source.loadID,
            at: now,
            file: source.name,
            table: source.table,
            rows: counts.rows,
            loaded: counts.loaded,
            rejected: counts.rejected,
            folder: "\(source.table)/\(source.loadID).parquet"
        )
        try await store.record(
            record,
            audit: AuditEntry(at: now, who: who, action: "load", object: "load/\(record.id)", detail: source.name)
        )
        if source.table != "subscriber" { try await show(source.table) }
        return (record, counts)
    }

    private func path(_ table: String, _ load: String) -> String { "\(folder)/\(table)/\(load).parquet" }

    private func commitTable(_ staging: String, source: any TableSource) async throws {
        guard try await host.read({ $0.subscribers }) > 0 else { throw LoadingError.noSubscribers(table: source.table) }
        let sql = SQLText("SELECT * FROM \(dialect.quoted(identifier: staging)) ORDER BY line_id", dialect: dialect)
        try FileManager.default.createDirectory(atPath: "\(folder)/\(source.table)", withIntermediateDirectories: true)
        try await warehouse.exportParquet(sql, to: path(source.table, source.loadID))
    }

    /// Gives new lines their indices, merges the rows with those loaded before, writes Parquet and hot columns, and
    /// makes all of it live with one commit of the decision log.
    private func commitSubscribers(
        _ staging: String,
        source: any TableSource,
        catalogue: AttributeCatalogue
    ) async throws {
        let known = try await host.read { $0.lines }
        var records: [LogRecord] = []
        let isFirst = known.isEmpty
        let newLines = try await lines(staging, notIn: isFirst ? nil : "line")
        if !newLines.isEmpty {
            var bytes = ByteWriter(capacity: newLines.count * 8)
            newLines.withUnsafeBytes { bytes.write(raw: $0) }
            records.append(
                .linesAssigned(
                    base: UInt32(known.count),
                    count: UInt32(newLines.count),
                    file: try host.store(bytes.bytes)
                )
            )
        }
        let all = known + newLines
        try await makeLineTable(all)
        try FileManager.default.createDirectory(atPath: "\(folder)/subscriber", withIntermediateDirectories: true)
        let file = path("subscriber", source.loadID)
        try await warehouse.exportParquet(merged(staging, fields: source.fields, isFirst: isFirst), to: file)
        let columns = try await hotColumns(file, catalogue: catalogue, fields: source.fields, rows: all.count)
        let types = try JSONEncoder.canonical.encode(catalogue)
        records.append(
            .attributesLoaded(load: source.loadID, catalogue: try host.store(Array(types)), columns: columns)
        )
        try await host.record(records)
        try await showSubscribers(load: source.loadID)
    }

    private func lines(_ staging: String, notIn table: String?) async throws -> [Int64] {
        let source = dialect.quoted(identifier: staging)
        let filter = table.map { " ANTI JOIN \($0) USING (line_id)" } ?? ""
        let sql = SQLText("SELECT line_id FROM \(source)\(filter) ORDER BY line_id", dialect: dialect)
        return try await warehouse.query(sql, into: [Int64]()) { lines, batch in lines += try batch.integers(0) }
    }

    /// Table `line` (line_id, idx): the index of every line.
    private func makeLineTable(_ lines: [Int64]) async throws {
        let fields = [WarehouseField("line_id", .integer), WarehouseField("idx", .integer)]
        try await warehouse.execute(dialect.dropTable("line"))
        try await warehouse.execute(dialect.createTable("line", fields))
        try await warehouse.ingest(into: "line", fields: fields, from: LineBatches(lines: lines, fields: fields))
    }

    /// All subscribers after a load: those of the file, and those loaded before that it does not name.
    ///
    /// A number that the file gives to another line is taken from the one that had it.
    private func merged(_ staging: String, fields: [WarehouseField], isFirst: Bool) -> SQLText {
        let new = dialect.quoted(identifier: staging)
        let fields = fields.filter { $0.name != "idx" }
        let names = dialect.columnList(fields.map(\.name))
        let fresh = "SELECT line.idx, \(names) FROM \(new) JOIN line USING (line_id)"
        guard !isFirst else { return SQLText("\(fresh) ORDER BY idx", dialect: dialect) }
        let kept = fields.map { field in
            let name = dialect.quoted(identifier: field.name)
            return field.name == "msisdn"
                ? "CASE WHEN old.msisdn IN (SELECT msisdn FROM \(new)) THEN NULL ELSE old.msisdn END AS msisdn"
                : "old.\(name)"
        }
        let old =
            "SELECT old.idx, \(kept.joined(separator: ", ")) FROM subscriber AS old ANTI JOIN \(new) USING (line_id)"
        return SQLText("\(fresh) UNION ALL \(old) ORDER BY idx", dialect: dialect)
    }

    private func hotColumns(
        _ file: String,
        catalogue: AttributeCatalogue,
        fields: [WarehouseField],
        rows: Int
    ) async throws -> [AttributeColumn] {
        let loaded = Set(fields.map(\.name))
        let hot = catalogue.attributes.filter { $0.isHot && loaded.contains($0.code) }
        var columns: [AttributeColumn] = []
        for group in stride(from: 0, to: hot.count, by: 8).map({ Array(hot[$0..<min($0 + 8, hot.count)]) }) {
            let sql = SQLText(
                "SELECT \(dialect.columnList(group.map(\.code))) FROM \(dialect.parquet(file)) ORDER BY idx",
                dialect: dialect
            )
            let building = ColumnsBeingBuilt(group.map { HotColumnBuilder($0, rows: rows) })
            _ = try await warehouse.query(sql, into: building) { building, batch in
                for position in building.builders.indices {
                    try building.builders[position].append(batch.columns[position])
                }
            }
            for (attribute, builder) in zip(group, building.builders) {
                let column = try builder.finish()
                columns.append(AttributeColumn(code: attribute.code, file: try host.store(column.encoded())))
            }
        }
        return columns
    }

    // MARK: Views

    private func showSubscribers(load: String) async throws {
        let file = path("subscriber", load)
        try await view("subscriber", "SELECT * FROM \(dialect.parquet(file))")
        try await makeLineTable(try await host.read { $0.lines })
        let sql = SQLText("SELECT coalesce(msisdn, 0) FROM \(dialect.parquet(file)) ORDER BY idx", dialect: dialect)
        let loaded = try await warehouse.query(sql, into: [Int64]()) { $0 += try $1.integers(0) }
        numbers.replace(by: NumberIndex(numbers: loaded))
    }

    private func show(_ table: String) async throws {
        let files = try await store.loads(table: table).map { dialect.quoted(literal: "\(folder)/\($0.folder)") }
        guard !files.isEmpty else { return }
        try await view(table, "SELECT * FROM read_parquet([\(files.joined(separator: ", "))])")
    }

    private func view(_ name: String, _ select: String) async throws {
        let sql = "CREATE OR REPLACE VIEW \(dialect.quoted(identifier: name)) AS \(select)"
        try await warehouse.execute(SQLText(sql, dialect: dialect))
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

/// Line ids with their indices, in batches.
private struct LineBatches: ColumnBatchSource {
    let lines: [Int64]
    let fields: [WarehouseField]
    var position = 0

    mutating func next() throws -> ColumnBatch? {
        guard position < lines.count else { return nil }
        let range = position..<min(position + ColumnBatch.rows, lines.count)
        position = range.upperBound
        return ColumnBatch(
            fields: fields,
            columns: [ColumnData(.integers(Array(lines[range]))), ColumnData(.integers(range.map(Int64.init)))]
        )
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
