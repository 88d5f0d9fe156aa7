// Which line ids are subscribers' now.
// SPDX-License-Identifier: Apache-2.0

/// A set of line ids, 8 bytes each.
public struct LineSet: Sendable {
    private let ids: [Int64]

    /// Takes ids in any order; 0 is none.
    public init(_ lines: [Int64]) {
        var ids = lines.filter { $0 != 0 }
        // Those of one load ascend already.
        if !zip(ids, ids.dropFirst()).allSatisfy({ $0 < $1 }) { ids.sort() }
        self.ids = ids
    }

    /// Whether a line is a subscriber's.
    public func contains(_ line: Int64) -> Bool {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < line { low = middle + 1 } else { high = middle }
        }
        return low < ids.count && ids[low] == line
    }
}
