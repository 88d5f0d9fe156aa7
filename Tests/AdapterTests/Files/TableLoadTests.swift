// Loads of whole files into the real engine: CSV and Parquet by the same rules, all or nothing, cancellable.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Files
import Foundation
import Kernel
import Ports
import Testing

@Suite struct TableLoadTests {
    static let columns =
        CSVRowsTests.keys + "  name: name\n  fee: { column: fee, blank: null }\n  joined: joined\n  senior: senior"

    static func csv(rows: Int, from first: Int = 1) -> String {
        "id,phone,name,fee,joined,senior\n"
            + (first..<first + rows).map { row in
                "\(row),\(13_000_000_000 + row),用户\(row),\(row % 7 == 0 ? "" : "\(row % 900).5"),"
                    + "20\(10 + row % 14)-0\(row % 9 + 1)-15,\(row % 2)\n"
            }.joined()
    }

    @Test func `a CSV file and its Parquet copy load as the same rows`() async throws {
        try await withLoads { warehouse, directory in
            let mapping = try CSVRowsTests.mapping(Self.columns)
            try Self.csv(rows: 70_000).write(toFile: directory + "/in.csv", atomically: true, encoding: .utf8)
            for table in ["a", "b"] {
                try await warehouse.execute(warehouse.dialect.createTable(table, mapping.fields))
            }
            let first = TableLoad(file: directory + "/in.csv", mapping: mapping, rejectFile: directory + "/r.csv")
            let summary = try await first.run(into: "a", on: warehouse, engine: warehouse)
            #expect(summary.rows == 70_000 && summary.rejected == 0)
            let names = ["line_id AS id", "msisdn AS phone", "name", "fee", "joined", "senior"].joined(separator: ", ")
            try await warehouse.exportParquet(SQLText("SELECT \(names) FROM a"), to: directory + "/in.parquet")
            var parquet = mapping
            parquet.format = .parquet
            let second = TableLoad(file: directory + "/in.parquet", mapping: parquet, rejectFile: directory + "/r.csv")
            #expect(try await second.run(into: "b", on: warehouse, engine: warehouse).rows == 70_000)
            let difference = "SELECT COUNT(*) FROM ((FROM a EXCEPT FROM b) UNION ALL (FROM b EXCEPT FROM a))"
            #expect(try await warehouse.integer(SQLText(difference)) == 0)
            #expect(try await warehouse.integer(SQLText("SELECT COUNT(*) FROM a WHERE fee IS NULL")) == 10_000)
            #expect(try await warehouse.integer(SQLText("SELECT COUNT(*) FROM a WHERE line_id <> rowid + 1")) == 0)
        }
    }

    @Test func `bad rows of a Parquet file are rejected by the same rules`() async throws {
        try await withLoads { warehouse, directory in
            var mapping = try CSVRowsTests.mapping(CSVRowsTests.keys + "  fee: fee")
            mapping.format = .parquet
            let query = """
                SELECT * FROM (VALUES (1, '13800138000', 1.5), (1, '13800138001', 1.5), (3, 'x', 1.5), (4, '13800138004', NULL))
                AS t(id, phone, fee)
                """
            try await warehouse.exportParquet(SQLText(query), to: directory + "/in.parquet")
            try await warehouse.execute(warehouse.dialect.createTable("a", mapping.fields))
            let load = TableLoad(file: directory + "/in.parquet", mapping: mapping, rejectFile: directory + "/r.csv")
            let summary = try await load.run(into: "a", on: warehouse, engine: warehouse)
            #expect(summary.firstRejects.map(\.code) == [.duplicateLine, .badMSISDN, .blank])
            #expect(summary.firstRejects.map(\.line) == [2, 3, 4] && summary.loaded == 1)
            mapping.columns[0].source = .column("line")
            let other = TableLoad(file: directory + "/in.parquet", mapping: mapping, rejectFile: directory + "/r.csv")
            let error = await #expect(throws: LoadError.self) {
                try await other.run(into: "a", on: warehouse, engine: warehouse)
            }
            #expect(error?.kind == .missingColumns)
        }
    }

    @Test(arguments: [false, true])
    func `a load with too many rejects leaves nothing`(isParquet: Bool) async throws {
        try await withLoads { warehouse, directory in
            var mapping = try CSVRowsTests.mapping(CSVRowsTests.keys)
            mapping.maximumRejects = 500
            let table =
                "SELECT range AS id, CASE WHEN range % 10 = 0 THEN 'x' ELSE '1380' || (1000000 + range) END AS phone "
                + "FROM range(1, 200001)"
            let file = directory + "/in." + (isParquet ? "parquet" : "csv")
            if isParquet {
                mapping.format = .parquet
                try await warehouse.exportParquet(SQLText(table), to: file)
            } else {
                try await warehouse.execute(SQLText("COPY (\(table)) TO '\(file)' (HEADER)"))
            }
            try await warehouse.execute(warehouse.dialect.createTable("a", mapping.fields))
            let load = TableLoad(file: file, mapping: mapping, rejectFile: directory + "/r.csv")
            let error = await #expect(throws: LoadError.self) {
                try await load.run(into: "a", on: warehouse, engine: warehouse)
            }
            #expect(error?.kind == .tooManyRejects)
            #expect(try await warehouse.integer(SQLText("SELECT COUNT(*) FROM a")) == 0)
            let rejects = try String(contentsOfFile: directory + "/r.csv", encoding: .utf8)
            #expect(rejects.components(separatedBy: "\r\n").count == 20_002)
        }
    }

    @Test func `an append that fails reports the engine's error`() async throws {
        try await withLoads { warehouse, directory in
            let mapping = try CSVRowsTests.mapping(Self.columns)
            try Self.csv(rows: 70_000).write(toFile: directory + "/in.csv", atomically: true, encoding: .utf8)
            let load = TableLoad(file: directory + "/in.csv", mapping: mapping, rejectFile: directory + "/r.csv")
            let error = await #expect(throws: WarehouseError.self) {
                try await load.run(into: "missing", on: warehouse, engine: warehouse)
            }
            #expect(error?.message.contains("missing") == true)
        }
    }

    @Test func `a load can be cancelled while it waits for a slow file`() async throws {
        try await withLoads { warehouse, directory in
            let mapping = try CSVRowsTests.mapping(CSVRowsTests.keys)
            try await warehouse.execute(warehouse.dialect.createTable("a", mapping.fields))
            let file = directory + "/pipe"
            #expect(mkfifo(file, 0o600) == 0)
            // Both ends are open, so the reader waits for more and never sees the end.
            let descriptor = open(file, O_RDWR)
            defer { close(descriptor) }
            let start = "id,phone\n1,13800138000\n"
            #expect(write(descriptor, start, start.utf8.count) == start.utf8.count)
            let load = TableLoad(file: file, mapping: mapping, rejectFile: directory + "/r.csv")
            let task = Task { try await load.run(into: "a", on: warehouse, engine: warehouse) }
            try await Task.sleep(for: .milliseconds(200))
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await warehouse.integer(SQLText("SELECT COUNT(*) FROM a")) == 0)
        }
    }

    private func withLoads(_ body: (DuckDBWarehouse, String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("gyre-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let library = try DuckDBSettings.findLibrary(
            setting: ProcessInfo.processInfo.environment["GYRE_DUCKDB"],
            from: [FileManager.default.currentDirectoryPath, String(#filePath)]
        )
        let warehouse = try await DuckDBWarehouse.open(
            DuckDBSettings(library: library, allowedDirectories: [directory])
        )
        try await body(warehouse, directory)
        await warehouse.close()
    }
}
