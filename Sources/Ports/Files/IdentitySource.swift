// A list of numbers as the use cases read it, wherever it comes from.
// SPDX-License-Identifier: Apache-2.0

public import Model

/// A list of numbers: a file, or what was pasted or sent.
///
/// It may be read more than once, and gives the same rows each time while its file is the same.
public protocol IdentitySource: Sendable {
    /// What reports call it: the file's name, without folders.
    var name: String { get }

    /// What its numbers are.
    var kind: IdentityKind { get }

    /// Gives all rows in the order of the list; memory does not grow with the list.
    ///
    /// The caller's thread reads the file.
    ///
    /// - Parameter body: Takes the rows of a batch; what it throws ends the reading.
    /// - Throws: A `CodedError` for a list that cannot be read to its end.
    func forEachBatch(_ body: (IdentityBatch) throws -> Void) throws
}
