// Where DuckDB's library and database are, and how much of the machine the engine may use.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Kernel
internal import Ports

/// Settings of the embedded warehouse.
public struct DuckDBSettings: Sendable {
    /// The version Gyre is tested with; `bin/setup` installs it.
    public static let pinnedVersion = "v2.0.0"

    /// File of the DuckDB library.
    public var library: String
    /// The database file, made when missing; nil = in memory.
    public var database: String?
    /// Memory the engine may use before it spills to the temporary directory, in bytes.
    public var memoryLimitBytes: Int
    /// Threads one statement may use, all statements together.
    public var threads: Int
    /// Where the engine spills; nil = beside the database file, or nowhere for a database in memory.
    public var temporaryDirectory: String?
    /// Bytes it may spill; nil = what the disk has.
    public var temporaryLimitBytes: Int?
    /// Directories whose files SQL may read and write; everything else outside the database is refused.
    public var allowedDirectories: [String]
    /// Statements that can run at the same time, 1...64.
    public var connections: Int

    /// Settings with the defaults of a small machine: 2 GiB, 2 threads, 4 connections.
    public init(
        library: String,
        database: String? = nil,
        memoryLimitBytes: Int = 2 << 30,
        threads: Int = 2,
        temporaryDirectory: String? = nil,
        allowedDirectories: [String] = [],
        connections: Int = 4
    ) {
        self.library = library
        self.database = database
        self.memoryLimitBytes = memoryLimitBytes
        self.threads = threads
        self.temporaryDirectory = temporaryDirectory
        self.allowedDirectories = allowedDirectories
        self.connections = connections
    }

    /// Finds the library: the operator's setting (`GYRE_DUCKDB`), else `.deps/lib/libduckdb.so` in one of the
    /// directories or above it.
    ///
    /// - Parameters:
    ///   - setting: The operator's own library; empty counts as not set.
    ///   - directories: Where to start looking, for example the program's and the working directory.
    /// - Returns: The library's file.
    /// - Throws: ``WarehouseError`` that says what to run when there is none.
    public static func findLibrary(setting: String?, from directories: [String]) throws -> String {
        if let setting, !setting.isEmpty {
            guard access(setting, R_OK) == 0 else {
                throw missing("GYRE_DUCKDB names \(setting), which cannot be read")
            }
            return setting
        }
        let name = ".deps/lib/libduckdb.so"
        if let found = nearestFile(name, from: directories, where: { access($0, R_OK) == 0 }) { return found }
        throw missing("there is no \(name) in or above \(directories.joined(separator: ", "))")
    }

    static let advice = "run bin/setup, or set GYRE_DUCKDB to a libduckdb.so of \(pinnedVersion)"

    private static func missing(_ what: String) -> WarehouseError {
        WarehouseError(kind: .library, phase: .open, message: "\(what); \(advice)")
    }
}
