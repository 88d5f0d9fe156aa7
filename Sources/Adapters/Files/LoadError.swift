// A file that cannot be loaded at all; nothing of it remains.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A load that failed as a whole.
public struct LoadError: CodedError, Equatable {
    /// What kind of failure it is; names the code.
    public enum Kind: String, Sendable, CaseIterable {
        case cannotRead = "cannot_read"
        case cannotCopy = "cannot_copy"
        case empty
        case noRows = "no_rows"
        case header
        case missingColumns = "missing_columns"
        case encoding
        case openQuote = "open_quote"
        case fieldTooLong = "field_too_long"
        case recordTooLong = "record_too_long"
        case damaged
        case tooLarge = "too_large"
        case cannotWriteRejects = "cannot_write_rejects"
        case tooManyRejects = "too_many_rejects"
    }

    /// What kind of failure it is.
    public var kind: Kind
    /// The file.
    public var file: String
    /// Line of the file, from 1; nil where the file as a whole is meant.
    public var line: Int?
    /// Column in bytes, from 1.
    public var column: Int?
    /// What happened and what to do.
    public var message: String

    public var code: String { "load.\(kind.rawValue)" }

    public var description: String {
        let place = line.map { ", line \($0)" + (column.map { ", column \($0)" } ?? "") } ?? ""
        return "\(file)\(place): \(message)"
    }
}
