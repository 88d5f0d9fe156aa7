// What can go wrong in a warehouse engine: the engine's own words, the statement, and the step that failed.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A failed warehouse operation.
///
/// Cancellation is not one: it throws `CancellationError`.
public struct WarehouseError: CodedError, Equatable {
    /// What kind of failure it is; the stable part.
    public enum Kind: String, Sendable, CaseIterable {
        /// The engine's library is not there or cannot be loaded.
        case library
        /// The database file belongs to another process.
        case locked
        /// The statement is wrong: syntax, unknown table or column, wrong types.
        case statement
        /// A value does not fit the type it is cast to, or a constraint is broken.
        case value
        /// A number does not fit a 64-bit integer.
        case overflow
        /// A column has a type that Gyre does not read, or not the one that was asked for.
        case type
        /// The disk is full.
        case diskFull = "disk_full"
        /// The engine's memory limit is too small for the statement.
        case memory
        /// A file cannot be read or written, or is outside the allowed directories.
        case file
        /// A helper for small results met a large one.
        case tooManyRows = "too_many_rows"
        /// Any other failure of the engine.
        case engine
    }

    /// The step that failed.
    public enum Phase: String, Sendable {
        /// Opening library, database or connection.
        case open
        /// Parsing and binding the statement.
        case prepare
        /// Running the statement.
        case execute
        /// Reading the result; rows that were already handed out are void.
        case fetch
        /// Appending rows; none of them is kept.
        case ingest
        /// Writing a file; the file it would have replaced is untouched.
        case export
    }

    /// Characters of a statement that an error keeps.
    public static let sqlLimit = 1_000

    /// What kind of failure it is.
    public var kind: Kind
    /// The step that failed.
    public var phase: Phase
    /// The engine's message, or ours, and what to do next.
    public var message: String
    /// The statement, cut to ``sqlLimit`` characters; nil where there was none.
    public var sql: String?

    /// Makes an error; the statement is cut to ``sqlLimit`` characters.
    public init(kind: Kind, phase: Phase, message: String, sql: String? = nil) {
        self.kind = kind
        self.phase = phase
        self.message = message
        self.sql = sql.map { $0.count > Self.sqlLimit ? $0.prefix(Self.sqlLimit) + "…" : $0 }
    }

    public var code: String { "warehouse.\(kind.rawValue)" }

    /// The message without the excerpt of the statement that the engine adds on further lines.
    public var summary: String { String(message.prefix { $0 != "\n" }) }

    public var description: String {
        "warehouse, \(phase.rawValue): \(message)" + (advice.map { "\n\($0)" } ?? "")
            + (sql.map { "\nstatement: \($0)" } ?? "")
    }

    /// What to do next, where the kind says it.
    private var advice: String? {
        switch kind {
        case .file: "check the file and its rights; a damaged one of the data directory is restored from a backup"
        case .diskFull: "free some space and try again"
        default: nil
        }
    }
}
