// Problems of a YAML file that a person wrote: all of them, each with its place and what to do.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// One problem of a document.
public struct DocumentProblem: Hashable, Sendable, CustomStringConvertible {
    /// Line, from 1; nil where the file as a whole is meant.
    public var line: Int?
    /// Column in characters, from 1.
    public var column: Int
    /// Where in the document, for example `attributes[3].type`; empty for the document itself.
    public var key: String
    /// What is wrong and what to do.
    public var message: String

    public var description: String {
        (line.map { "line \($0), column \(column)" + (key.isEmpty ? "" : ", \(key)") + ": " } ?? "") + message
    }
}

/// A file that cannot be used; nothing of it was.
public struct DocumentError: CodedError, Equatable {
    /// What kind of document it is; names the code.
    public enum Kind: String, Sendable {
        case catalogue
        case mapping
        case policy
        case starter
    }

    /// What kind of document it is.
    public var kind: Kind
    /// The file's name as it was given.
    public var file: String
    /// All problems, in the order of the document.
    public var problems: [DocumentProblem]

    public var code: String { "\(kind.rawValue).invalid" }

    public var description: String {
        problems.map { "\(file): \($0)" }.joined(separator: "\n")
    }
}
