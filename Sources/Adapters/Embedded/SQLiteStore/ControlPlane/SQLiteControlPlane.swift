// The control plane in one SQLite file.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import Kernel
import Model
public import Ports

/// A ``ControlPlaneStore`` in one SQLite file: WAL, `synchronous=FULL`, one writer and several readers.
///
/// A change runs in one `IMMEDIATE` transaction together with its audit entry, and has been synced when it returns.
/// Plans and dry runs are JSON with sorted keys; what lists search and order by is in columns beside them; times are
/// milliseconds since 1970. The schema is ``ControlPlaneSchema``.
public final class SQLiteControlPlane: ControlPlaneStore {
    let pool: DatabasePool

    /// Opens the file, which is made readable by its owner only when it is not there, and brings its tables up to date.
    ///
    /// A change waits for `lockTimeoutSeconds` while another program writes.
    ///
    /// - Throws: ``SQLiteControlPlaneError``, of kind `newer` when a later release has changed the tables.
    public init(path: String, lockTimeoutSeconds: Int = 5) throws {
        do {
            // SQLite takes an empty file for an empty database; its own files beside it get the same rights.
            if !FileManager.default.fileExists(atPath: path) {
                _ = FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
            }
            var configuration = Configuration()
            configuration.label = "control-plane"
            configuration.busyMode = .timeout(TimeInterval(lockTimeoutSeconds))
            pool = try DatabasePool(path: path, configuration: configuration)
            // The pool itself sets NORMAL while it opens, under which a power cut takes back the last changes.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            let migrator = ControlPlaneSchema.migrator
            let unknown = try pool.read { try migrator.appliedIdentifiers($0) }
                .subtracting(ControlPlaneSchema.steps.map(\.name))
            guard unknown.isEmpty else {
                let steps = unknown.sorted().joined(separator: ", ")
                throw SQLiteControlPlaneError(kind: .newer, path: path, message: "a newer release added \(steps)")
            }
            try migrator.migrate(pool)
        } catch let error as SQLiteControlPlaneError {
            throw error
        } catch {
            throw SQLiteControlPlaneError(error, path: path)
        }
    }

    /// Closes the file; later calls throw.
    public func close() throws {
        try pool.close()
    }

    /// Reads from one snapshot.
    func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws -> Result {
        do {
            return try await pool.read(body)
        } catch {
            throw translated(error)
        }
    }

    /// Runs a change and records its audit entry in one transaction; an error of either takes back both.
    func change<Result: Sendable>(
        _ entry: AuditEntry?,
        _ body: @escaping @Sendable (Database) throws -> Result
    ) async throws -> Result {
        if let entry { try ControlPlaneChecks.check(entry) }
        do {
            return try await pool.write { db in
                let result = try body(db)
                if let entry { try Self.insert(entry, db) }
                return result
            }
        } catch {
            throw translated(error)
        }
    }

    private func translated(_ error: any Error) -> any Error {
        switch error {
        case is ControlPlaneError, is DataRequestError, is CancellationError: error
        default: SQLiteControlPlaneError(error, path: pool.path)
        }
    }
}
