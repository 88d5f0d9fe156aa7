// What can be wrong with the control plane's file.
// SPDX-License-Identifier: Apache-2.0

import GRDB
public import Kernel

/// Why the control plane's file cannot be opened, read or written; nothing of the change at hand was stored.
public struct SQLiteControlPlaneError: CodedError {
    /// What is wrong.
    public enum Kind: String, Sendable {
        /// No room is left where the file is.
        case full = "disk_full"
        /// The file or its folder is not there, may not be written, or the disk fails.
        case access = "no_access"
        /// Another program kept the file locked for longer than the store waits.
        case locked
        /// The file is no database, or a row in it makes no sense.
        case damaged
        /// A newer release of Gyre has written the file.
        case newer
        /// Anything else that SQLite reports.
        case failed
    }

    /// What is wrong.
    public let kind: Kind
    /// The file.
    public let path: String
    /// What SQLite says, with its statement but never with values.
    public let message: String

    public var code: String { "control.file_\(kind.rawValue)" }

    public var description: String {
        let advice =
            switch kind {
            case .full: "free some space and repeat the change"
            case .access: "check the disk, its free space, and that the folder is there and may be written"
            case .locked: "end the other program that uses it"
            case .damaged: "restore it from a backup"
            case .newer: "use that release, or restore a backup of this one"
            case .failed: "nothing was stored; report this message"
            }
        return "\(path): \(message); \(advice)"
    }
}

extension SQLiteControlPlaneError {
    init(_ error: any Error, path: String) {
        self.path = path
        switch error {
        case let error as DatabaseError:
            kind = Kind(error.resultCode)
            let statement = error.sql.map { " in \($0)" } ?? ""
            message = (error.message ?? "SQLite error \(error.resultCode.rawValue)") + statement
        case let error as UnreadableRow:
            kind = .damaged
            message = "\(error.object): \(error.reason)"
        default:
            kind = .failed
            message = String(describing: error)
        }
    }
}

extension SQLiteControlPlaneError.Kind {
    fileprivate init(_ code: ResultCode) {
        switch code {
        case .SQLITE_FULL: self = .full
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_IOERR: self = .access
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .damaged
        default: self = .failed
        }
    }
}

/// A row whose content is not what this release or an earlier one writes.
struct UnreadableRow: Error {
    let object: String
    let reason: String
}
