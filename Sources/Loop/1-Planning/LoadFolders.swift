// The folders of loads: the Parquet files in them, how SQL reads them, and what is said of damaged ones.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Ports

/// Folders of Parquet files, one for each load, named `TABLE/ID`.
struct LoadFolders: Sendable {
    let warehouse: any WarehouseEngine
    /// The folder they are in.
    let root: String

    var dialect: SQLDialect { warehouse.dialect }

    func path(_ folder: String) -> String { "\(root)/\(folder)" }

    /// All rows of some folders as a table expression.
    ///
    /// Files are named one by one: in a `*` pattern, `[` and `?` in the name of the data directory would count as well.
    func rows(in folders: [String]) throws -> String {
        let files = try folders.flatMap { folder in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path(folder))) ?? []
            let files = names.filter { $0.hasSuffix(".parquet") }.sorted().map { path("\(folder)/\($0)") }
            guard !files.isEmpty else {
                throw LoadingError.damaged(folder: path(folder), cause: "\(Self.name(ofPart: 0)) is missing")
            }
            return files
        }
        let list = files.map { dialect.quoted(literal: $0) }.joined(separator: ", ")
        // Loads of one table may have columns of their own.
        return "read_parquet([\(list)]\(folders.count > 1 ? ", union_by_name = true" : ""))"
    }

    /// Reads columns of a load of subscribers in the order of the index; the batches begin with the index.
    ///
    /// - Throws: ``LoadingError/outOfOrder(file:row:)`` with the folder's name.
    func read<Result: Sendable>(
        _ columns: [String],
        of folder: String,
        into initial: Result,
        _ update: @escaping @Sendable (inout Result, ColumnBatch) throws -> Void
    ) async throws -> Result {
        let sql = SQLText(
            "SELECT \(dialect.columnList(["idx"] + columns)) FROM \(try rows(in: [folder]))",
            dialect: dialect
        )
        // The engine keeps the order of files and rows; that it did is checked, not hoped for.
        return try await warehouse.query(sql, into: (row: 0, result: initial)) { state, batch in
            for index in try batch.integers(0) {
                guard index == state.row else { throw LoadingError.outOfOrder(file: folder, row: state.row) }
                state.row += 1
            }
            try update(&state.result, batch)
        }.result
    }

    /// Writes the rows of a query as one part of a load.
    func export(_ rows: String, part: Int = 0, to folder: String) async throws {
        let file = path("\(folder)/\(Self.name(ofPart: part))")
        try await warehouse.exportParquet(SQLText(rows, dialect: dialect), to: file)
    }

    private static func name(ofPart part: Int) -> String {
        let number = String(part)
        return "part-" + String(repeating: "0", count: max(0, 5 - number.count)) + number + ".parquet"
    }

    /// Says of an error of the engine which loaded files it concerns.
    func reading<Result>(_ folder: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as WarehouseError where ![.diskFull, .memory].contains(error.kind) {
            throw LoadingError.damaged(folder: path(folder), cause: error.summary)
        } catch LoadingError.outOfOrder(_, let row) {
            throw LoadingError.damaged(folder: path(folder), cause: "row \(row) is out of order")
        }
    }

    /// Names and types of the columns of a table expression.
    func columns(_ rows: String) async throws -> [(name: String, type: String)] {
        let sql = SQLText("SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM \(rows))", dialect: dialect)
        return try await warehouse.rows(sql).compactMap { row in
            guard case .text(let name) = row[0], case .text(let type) = row[1] else { return nil }
            return (name, type)
        }
    }

    /// The folders of loads in which there is a mark.
    func marked<Mark: LoadMark>(_ mark: Mark.Type) throws -> [(folder: String, mark: Mark)] {
        let manager = FileManager.default
        return try manager.contentsOfDirectory(atPath: root).sorted().flatMap { table in
            (try? manager.contentsOfDirectory(atPath: path(table)))?.sorted().map { "\(table)/\($0)" } ?? []
        }
        .compactMap { folder in Mark(in: path(folder)).map { (folder, $0) } }
    }

    /// Shows a query under a name.
    func view(_ name: String, _ select: String) async throws {
        let sql = "CREATE OR REPLACE VIEW \(dialect.quoted(identifier: name)) AS \(select)"
        try await warehouse.execute(SQLText(sql, dialect: dialect))
    }
}

extension TableSource {
    /// The folder of its load.
    var folder: String { "\(table)/\(loadID)" }
}
