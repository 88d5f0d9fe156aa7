// The sandbox of DuckDB over the world of its conformance kit.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Foundation
import Kernel
import Ports
import TestSupport

enum OwnQueryWorld {
    static func query(_ text: String) -> OwnQuery { QuerySandboxConformance.query(text) { "temp.\($0)" } }

    static func sum(_ sandbox: DuckDBSandbox, _ text: String) async throws -> Int64 {
        try await sandbox.subscribers(of: query(text), into: Int64(0)) { sum, indices in sum += indices.reduce(0, +) }
    }

    /// A hundred subscribers, of which the first twenty were contacted, each one day later.
    static func withSandbox(
        _ limits: OwnQueryLimits = OwnQueryLimits(seconds: 20),
        _ body: (DuckDBSandbox, DuckDBWarehouse) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "own-\(UUID().uuidString)")
            .path(percentEncoded: false)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let library = try DuckDBSettings.findLibrary(
            setting: ProcessInfo.processInfo.environment["GYRE_DUCKDB"],
            from: [FileManager.default.currentDirectoryPath, String(#filePath)]
        )
        let warehouse = try await DuckDBWarehouse.open(DuckDBSettings(library: library, allowedDirectories: [folder]))
        let people = """
            SELECT range AS idx, 1000 + range AS line_id, '138' || range AS msisdn,
            CASE WHEN range % 2 = 0 THEN '苏州' ELSE '南京' END AS city FROM range(100)
            """
        let contacts =
            "SELECT range AS idx, CAST(DATE '2026-01-01' + CAST(range AS INTEGER) AS DATE) AS \"day\" FROM range(20)"
        try await warehouse.exportParquet(SQLText(people), to: folder + "/people.parquet")
        try await warehouse.exportParquet(SQLText(contacts), to: folder + "/contacts.parquet")
        for (view, columns, file) in [
            ("subscriber", "*", "people"), ("line", "line_id, idx", "people"), ("contact", "*", "contacts"),
        ] {
            let sql = "CREATE VIEW \(view) AS SELECT \(columns) FROM read_parquet(['\(folder)/\(file).parquet'])"
            try await warehouse.execute(SQLText(sql))
        }
        var settings = DuckDBSettings(
            library: library,
            memoryLimitBytes: 100 << 20,
            threads: 1,
            allowedDirectories: [folder]
        )
        settings.temporaryDirectory = folder + "/spill"
        settings.temporaryLimitBytes = 20 << 20
        settings.connections = 2
        let sandbox = DuckDBSandbox(warehouse, settings, limits: limits)
        do { try await body(sandbox, warehouse) } catch {
            await sandbox.close()
            await warehouse.close()
            throw error
        }
        await sandbox.close()
        await warehouse.close()
    }
}
