// What a load has done so far: for progress bars while it runs, for the answer when it ends.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// What a load has done.
public struct LoadSummary: Hashable, Sendable {
    /// Rejects that a summary shows; the reject file has all.
    public static let shownRejects = 20

    /// Rows of the file, rejected ones included.
    public var rows = 0
    /// Rows that were refused.
    public var rejected = 0
    /// Refused rows by reason.
    public var reasons: [RejectCode: Int] = [:]
    /// The first refused rows.
    public var firstRejects: [Reject] = []
    /// The file with all refused rows; nil when there are none.
    public var rejectFile: String?
    /// Columns of the file that the mapping does not use.
    public var ignoredColumns: [String] = []
    /// Bytes of the file read so far, and its size; zero where the engine reads it (Parquet).
    public var bytesRead = 0
    /// Size of the file in bytes.
    public var bytesTotal = 0

    /// Rows that were loaded, once the load has ended well.
    public var loaded: Int { rows - rejected }

    /// A load that has not begun.
    public init() {}
}

/// The summary of a running load, readable from any thread.
public final class LoadProgress: Sendable {
    private let state = Mutex(LoadSummary())

    /// A load that has not begun.
    public init() {}

    /// How far the load is.
    public var summary: LoadSummary { state.withLock { $0 } }

    func update(_ body: (inout LoadSummary) -> Void) { state.withLock { body(&$0) } }
}
