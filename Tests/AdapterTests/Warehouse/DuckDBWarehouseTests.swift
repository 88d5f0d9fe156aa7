// DuckDB against the warehouse port's conformance kit, and what only DuckDB promises.
// SPDX-License-Identifier: Apache-2.0

import ADBCWarehouse
import Foundation
import Kernel
import Ports
import TestSupport
import Testing

@Suite struct DuckDBWarehouseTests {
    @Test(arguments: DuckDBCheck.allCases)
    func `keeps the promises of the port`(_ check: DuckDBCheck) async throws {
        try await withWarehouse { warehouse, directory in
            try await check.run(WarehouseConformance(warehouse, directory: directory))
        }
    }

    @Test func `is the pinned version`() async throws {
        try await withWarehouse { warehouse, _ in
            #expect(warehouse.product == "DuckDB \(DuckDBSettings.pinnedVersion)" || warehouse.versionWarning != nil)
        }
    }

    @Test func `keeps committed rows across a restart and gives the file free`() async throws {
        try await withDirectory { directory in
            let settings = try settings(directory, database: directory + "/w.duckdb")
            let first = try await DuckDBWarehouse.open(settings)
            try await first.execute(SQLText("CREATE TABLE t AS SELECT 7 AS n"))
            try await first.sync()
            await first.close()
            let closed = await #expect(throws: WarehouseError.self) { try await first.rows(SQLText("SELECT 1")) }
            #expect(closed?.message.contains("closed") == true)
            let second = try await DuckDBWarehouse.open(settings)
            #expect(try await second.integer(SQLText("SELECT n FROM t")) == 7)
            await second.close()
        }
    }

    @Test func `a file that another process has open is told as such`() async throws {
        try await withDirectory { directory in
            let settings = try settings(directory, database: directory + "/w.duckdb")
            let first = try await DuckDBWarehouse.open(settings)
            try await first.execute(SQLText("CREATE TABLE t AS SELECT 7 AS n"))
            let script = """
                import fcntl, sys
                # The lock DuckDB takes: a write lock of the whole file.
                f = open(sys.argv[1], "r+b"); fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB); print("locked", flush=True)
                sys.stdin.read()
                """
            await first.close()
            let other = Process()
            other.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
            other.arguments = ["-c", script, directory + "/w.duckdb"]
            let (input, output) = (Pipe(), Pipe())
            (other.standardInput, other.standardOutput) = (input, output)
            try other.run()
            _ = output.fileHandleForReading.availableData
            let error = await #expect(throws: WarehouseError.self) { try await DuckDBWarehouse.open(settings) }
            #expect(error?.kind == .locked)
            try input.fileHandleForWriting.close()
            other.waitUntilExit()
        }
    }

    @Test func `SQL cannot reach beyond the allowed directories nor lift the bar`() async throws {
        try await withWarehouse { warehouse, directory in
            try "n\n1\n".write(toFile: directory + "/a.csv", atomically: true, encoding: .utf8)
            let fields = [WarehouseField("n", .integer)]
            let csv = warehouse.dialect.csv(directory + "/a.csv", fields)
            #expect(try await warehouse.integer(SQLText("SELECT n FROM \(csv)")) == 1)
            for refused in [
                "SELECT * FROM read_csv('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/gyre-test.csv'",
                "SELECT * FROM read_text('\(directory)/../x')", "ATTACH '/tmp/gyre-test.duckdb'", "INSTALL httpfs",
                "LOAD '/tmp/x.so'", "SET enable_external_access = true", "SET threads = 1", "RESET lock_configuration",
            ] {
                let error = await #expect(throws: WarehouseError.self, "\(refused)") {
                    try await warehouse.execute(SQLText(refused))
                }
                #expect(error?.sql == refused)
            }
        }
    }

    @Test func `a memory limit that is too small is told as such and the engine lives on`() async throws {
        try await withDirectory { directory in
            var settings = try settings(directory)
            settings.memoryLimitBytes = 50 << 20
            let warehouse = try await DuckDBWarehouse.open(settings)
            let big = "CREATE TABLE t AS SELECT md5(CAST(range AS VARCHAR)) AS m FROM range(5000000) ORDER BY m"
            let error = await #expect(throws: WarehouseError.self) { try await warehouse.execute(SQLText(big)) }
            #expect(error?.kind == .memory)
            #expect(try await warehouse.integer(SQLText("SELECT 1")) == 1)
            await warehouse.close()
        }
    }

    @Test func `a sort larger than the memory limit spills and ends well`() async throws {
        try await withDirectory { directory in
            var settings = try settings(directory, database: directory + "/w.duckdb")
            settings.memoryLimitBytes = 150 << 20
            settings.temporaryDirectory = directory + "/spill"
            let warehouse = try await DuckDBWarehouse.open(settings)
            let big = "CREATE TABLE t AS SELECT md5(CAST(range AS VARCHAR)) AS m FROM range(3000000) ORDER BY m"
            try await warehouse.execute(SQLText(big))
            #expect(try await warehouse.integer(SQLText("SELECT COUNT(*) FROM t")) == 3_000_000)
            await warehouse.close()
        }
    }

    @Test func `a sync waits for nothing that only reads`() async throws {
        try await withDirectory { directory in
            let settings = try settings(directory, database: directory + "/w.duckdb")
            let warehouse = try await DuckDBWarehouse.open(settings)
            try await warehouse.execute(SQLText("CREATE TABLE t AS SELECT range AS n FROM range(1000000)"))
            let synced = try await warehouse.transaction { session in
                let before = try await session.integer(SQLText("SELECT COUNT(*) FROM t"))
                try await warehouse.execute(SQLText("INSERT INTO t VALUES (-1)"))
                try await warehouse.sync()
                return (before, try await session.integer(SQLText("SELECT COUNT(*) FROM t")))
            }
            #expect(synced.0 == 1_000_000 && synced.1 == 1_000_000)
            #expect(try await warehouse.integer(SQLText("SELECT COUNT(*) FROM t")) == 1_000_001)
            await warehouse.close()
        }
    }

    @Test func `a missing library says what to run`() async throws {
        let error = await #expect(throws: WarehouseError.self) {
            try await DuckDBWarehouse.open(DuckDBSettings(library: "/nowhere/libduckdb.so"))
        }
        #expect(error?.kind == .library && error?.message.contains("bin/setup") == true)
        #expect(error?.message.contains("GYRE_DUCKDB") == true)
        #expect(throws: WarehouseError.self) { try DuckDBSettings.findLibrary(setting: "/nowhere.so", from: ["/"]) }
        #expect(throws: WarehouseError.self) { try DuckDBSettings.findLibrary(setting: nil, from: ["/usr/share"]) }
        let other = await #expect(throws: WarehouseError.self) {
            try await DuckDBWarehouse.open(DuckDBSettings(library: "libz.so.1"))
        }
        #expect(other?.message.contains("no ADBC driver") == true)
    }

    @Test func `a statement in an error is cut`() {
        let error = WarehouseError(
            kind: .engine,
            phase: .fetch,
            message: "m",
            sql: String(repeating: "x", count: 5_000)
        )
        #expect(error.sql?.count == WarehouseError.sqlLimit + 1)
        #expect(error.code == "warehouse.engine")
    }
}

/// The checks of the kit, by name, so that each is a test case of its own.
enum DuckDBCheck: String, CaseIterable, Sendable {
    case everyType, parameters, quoting, decimals, floats, batches, halfWay, readerError, statements
    case cancellation, cancelledAppend, waiting, concurrency, appendByName, failedAppend, appendOrder
    case transactions, spoiltTransaction, cancelledTransaction, parquet, failedExport

    func run(_ kit: WarehouseConformance) async throws {
        switch self {
        case .everyType: try await kit.everyTypeSurvivesARoundTrip()
        case .parameters: try await kit.parametersAreValues()
        case .quoting: try await kit.quotingKeepsNamesAndTexts()
        case .decimals: try await kit.decimalsAreExactOrErrors()
        case .floats: try await kit.floatingPointIsRefused()
        case .batches: try await kit.batchesAreWholeBlocksInOrder()
        case .halfWay: try await kit.aStreamThatFailsHalfWayThrows()
        case .readerError: try await kit.anErrorOfTheReaderEndsTheQuery()
        case .statements: try await kit.wrongStatementsSayWhere()
        case .cancellation: try await kit.cancellationEndsTheStatementSoon()
        case .cancelledAppend: try await kit.aCancelledAppendLeavesNothing()
        case .waiting: try await kit.waitingCanBeCancelled()
        case .concurrency: try await kit.queriesRunConcurrently()
        case .appendByName: try await kit.appendsGoByName()
        case .failedAppend: try await kit.aFailedAppendLeavesNothing()
        case .appendOrder: try await kit.appendsKeepTheirOrder()
        case .transactions: try await kit.transactionsAreAllOrNothing()
        case .spoiltTransaction: try await kit.aFailedAppendSpoilsItsTransaction()
        case .cancelledTransaction: try await kit.aCancelledTransactionIsRolledBack()
        case .parquet: try await kit.parquetSurvivesARoundTrip()
        case .failedExport: try await kit.aFailedExportLeavesTheOlderFile()
        }
    }
}

private func settings(_ directory: String, database: String? = nil) throws -> DuckDBSettings {
    let library = try DuckDBSettings.findLibrary(
        setting: ProcessInfo.processInfo.environment["GYRE_DUCKDB"],
        from: [FileManager.default.currentDirectoryPath, String(#filePath)]
    )
    return DuckDBSettings(library: library, database: database, allowedDirectories: [directory])
}

private func withWarehouse(_ body: (DuckDBWarehouse, String) async throws -> Void) async throws {
    try await withDirectory { directory in
        let warehouse = try await DuckDBWarehouse.open(settings(directory))
        try await body(warehouse, directory)
        await warehouse.close()
    }
}

private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("gyre-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    try await body(directory.path)
}
