// What can be loaded: rows of one table from a file or a generator, and what a load says about them.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Ports

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
    /// Appends all rows of some lines (nil = all) to a staging table that has these columns; nothing is kept when it throws.
    func fill(
        _ staging: String,
        of lines: LineSet?,
        on session: any WarehouseSession,
        engine: any WarehouseEngine
    ) async throws
        -> LoadCounts
}

/// A source that makes its rows part by part, on any thread: a generator of any size.
///
/// Parts follow one another in ascending order of line id. In table `subscriber` each line occurs once, and column
/// `idx` counts the rows of all parts from 0. The number and content of parts depend on nothing but the source.
public protocol PartedTableSource: TableSource {
    /// Rows of one part.
    associatedtype Part: ColumnBatchSource

    /// Number of parts, at least 1.
    var parts: Int { get }
    /// The rows of a part, counted from 0.
    func part(_ number: Int) -> Part
}

extension PartedTableSource {
    public func fill(
        _ staging: String,
        of lines: LineSet?,
        on session: any WarehouseSession,
        engine: any WarehouseEngine
    ) async throws
        -> LoadCounts
    {
        var rows = 0
        for number in 0..<parts { rows += try await session.ingest(into: staging, fields: fields, from: part(number)) }
        return LoadCounts(rows: rows, rejected: 0)
    }
}

/// What a load read and rejected.
public struct LoadCounts: Hashable, Sendable, Codable {
    /// Rows read.
    public var rows: Int
    /// Rows rejected.
    public var rejected: Int
    /// File of the rejected rows; nil when there are none.
    public var rejectFile: String?
    /// Why the load, which is live, is not in the list of loads yet; nil when it is.
    public var notListed: String?

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
    case unreadable(file: String, cause: String)
    /// The load is live, but cannot be shown to segments.
    case notShown(file: String, cause: String)
    /// Files of an earlier load are lost or damaged.
    case damaged(folder: String, cause: String)
    /// The load is live, but the ledger or the product owners do not know of it.
    case notCounted(file: String, cause: String)
    case unknownLoad(String)
    /// Of subscribers only the last load can be taken out.
    case notLast(String, last: String)
    case onlyLoad(String)
    /// The load was made by a build that did not keep its catalogue.
    case noCatalogue(String)
    /// A generator gave rows in an order it must not give.
    case outOfOrder(file: String, row: Int)

    public var code: String {
        switch self {
        case .noSubscribers: "load.no_subscribers"
        case .empty: "load.empty"
        case .unreadable: "load.unreadable"
        case .notShown: "load.not_shown"
        case .damaged: "load.damaged"
        case .outOfOrder: "load.out_of_order"
        case .notCounted: "load.not_counted"
        case .unknownLoad: "load.unknown"
        case .notLast: "load.not_last"
        case .onlyLoad: "load.only"
        case .noCatalogue: "load.no_catalogue"
        }
    }

    public var description: String {
        switch self {
        case .noSubscribers(let table): "table \(table) belongs to subscribers; load table subscriber first"
        case .unreadable(let file, let cause): "\(file) cannot be read (\(cause)); check its name and rights"
        case .notShown(let file, let cause):
            "\(file) is loaded and decisions use it, but segments cannot read it yet (\(cause)); "
                + "it is shown when the data directory is opened next"
        case .damaged(let folder, let cause):
            "the loaded files in \(folder) are damaged: \(cause); restore the data directory from a backup"
        case .outOfOrder(let file, let row):
            "\(file), row \(row): lines must ascend and indices count from 0; nothing was changed"
        case .notCounted(let file, let cause):
            "\(file) is loaded, but contact caps and product checks do not know of it yet (\(cause)); "
                + "they get to know of it before the next load and when the data directory is opened next"
        case .unknownLoad(let id): "there is no load \(id.prefix(60)); gyre load --list shows all"
        case .notLast(let id, let last):
            "load \(id) of subscribers is not the last one; take out \(last) first"
        case .onlyLoad(let id): "load \(id) is the only one of subscribers; load a corrected file instead"
        case .noCatalogue(let id):
            "load \(id), which would live again, was made by an earlier build that did not keep its catalogue; "
                + "load its file again instead"
        case .empty(let file): "\(file) has no rows to load; nothing was changed"
        }
    }
}
