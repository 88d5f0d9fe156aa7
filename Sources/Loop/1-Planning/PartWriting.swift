// Writing the Parquet parts of a load: a generator's side by side, a file's rows checked and merged in a staging table.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Ports

/// Writes the rows of a source into the folder of its load.
struct PartWriting: Sendable {
    let folders: LoadFolders
    let workers: Int
    /// Lines whose rows are taken into tables other than `subscriber`.
    var lines: LineSet?
    /// Number of the load in such a table: a later load has a greater one.
    var number = 1

    private var warehouse: any WarehouseEngine { folders.warehouse }
    private var dialect: SQLDialect { warehouse.dialect }

    /// Writes all rows; `known` is the number of subscribers before.
    func write(_ source: any TableSource, known: Int) async throws -> LoadCounts {
        guard let parted = source as? any PartedTableSource, source.table != "subscriber" || known == 0 else {
            return try await writeStaged(source, known: known)
        }
        return try await writeParts(parted)
    }

    /// Writes the parts of a generator, each with its own staging table, several at a time.
    private func writeParts(_ source: some PartedTableSource) async throws -> LoadCounts {
        let rows = try await sideBySide(source.parts, workers: workers) { part, worker in
            // Lines that came in several loads do not ascend with the index: only then are rows sorted.
            let isFact = source.table != "subscriber"
            let fields = (isFact ? [WarehouseField("idx", .integer)] : []) + source.fields
            return try await withStaging("staging_\(worker)", fields) { staging in
                let count: Int
                var rows = "SELECT * FROM \(staging)"
                if isFact, let lines {
                    let batches = IndexedBatches(source.part(part), fields: source.fields, of: lines, name: source.name)
                    count = try await warehouse.ingest(into: staging, fields: fields, from: batches)
                    rows = "SELECT idx, CAST(\(number) AS BIGINT) AS load_no, * EXCLUDE (idx) FROM \(staging)"
                    if !lines.isAscending { rows += " ORDER BY idx, rowid" }
                } else {
                    count = try await warehouse.ingest(into: staging, fields: fields, from: source.part(part))
                }
                try await folders.export(rows, part: part, to: source.folder)
                return count
            }
        }
        let counts = LoadCounts(rows: rows.reduce(0, +), rejected: 0)
        guard counts.loaded > 0 else { throw LoadingError.empty(file: source.name) }
        return counts
    }

    /// Collects all rows in a staging table, whose checks see the whole file, and writes them in order.
    private func writeStaged(_ source: any TableSource, known: Int) async throws -> LoadCounts {
        try await withStaging("staging", source.fields) { staging in
            let counts = try await source.fill(staging, of: lines, on: warehouse, engine: warehouse)
            guard counts.loaded > 0 else { throw LoadingError.empty(file: source.name) }
            let rows =
                source.table == "subscriber"
                ? try await merged(staging, fields: source.fields, known: known)
                : indexed(staging)
            try await folders.export(rows, to: source.folder)
            return counts
        }
    }

    /// Gives the rows of a load of an earlier build what those of today have; nothing happens to others.
    func complete(_ folder: String) async throws {
        let path = folders.path(folder)
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(".parquet") {
            let columns = try await warehouse.rows(dialect.parquetColumns("\(path)/\(name)"))
            guard !columns.contains(where: { $0.first == .text("idx") }) else { continue }
            let copy = "CREATE TABLE staging AS SELECT * FROM \(dialect.parquet("\(path)/\(name)"))"
            try await warehouse.execute(dialect.dropTable("staging"))
            try await warehouse.execute(SQLText(copy, dialect: dialect))
            try await warehouse.exportParquet(SQLText(indexed("staging"), dialect: dialect), to: "\(path)/\(name)")
            try await warehouse.execute(dialect.dropTable("staging"))
        }
    }

    /// Rows of a table by the index of their subscribers, so that those of one stand together and are found by the
    /// statistics of row groups.
    private func indexed(_ staging: String) -> String {
        """
        SELECT line.idx, CAST(\(number) AS BIGINT) AS load_no, \(staging).* FROM \(staging) JOIN line USING (line_id)
        ORDER BY line.idx, \(staging).rowid
        """
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
}
