// Errors with a stable name for logs, metrics and API problems.
// SPDX-License-Identifier: Apache-2.0

/// An error that the edge can show: a stable code, a sentence that says what happened and what to do next.
public protocol CodedError: Error, CustomStringConvertible {
    /// Stable name such as `load.duplicate_line`; never reused for another meaning.
    var code: String { get }
}
