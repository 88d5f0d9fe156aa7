// Which line ids are subscribers' now, and which subscriber has one.
// SPDX-License-Identifier: Apache-2.0

/// Line ids with their indices: 8 bytes each when they ascend with the index, else 12.
public struct LineSet: Sendable {
    private let ids: [Int64]
    /// The index of each id; nil = its place.
    private let indices: [UInt32]?

    /// Takes the ids of all subscribers by index; 0 is none.
    public init(_ lines: [Int64]) {
        // Those of one load ascend already.
        if zip(lines, lines.dropFirst()).allSatisfy({ $0 < $1 }), lines.first != 0 {
            (ids, indices) = (lines, nil)
        } else {
            let order = lines.indices.lazy.filter { lines[$0] != 0 }.map { UInt32($0) }
                .sorted { lines[Int($0)] < lines[Int($1)] }
            (ids, indices) = (order.map { lines[Int($0)] }, order)
        }
    }

    /// Whether ids ascend with the index.
    public var isAscending: Bool { indices == nil }

    /// The subscriber of a line; nil when it is nobody's.
    public func index(of line: Int64) -> UInt32? {
        var (low, high) = (0, ids.count)
        while low < high {
            let middle = (low + high) / 2
            if ids[middle] < line { low = middle + 1 } else { high = middle }
        }
        guard low < ids.count, ids[low] == line else { return nil }
        return indices.map { $0[low] } ?? UInt32(low)
    }

    /// Whether a line is a subscriber's.
    public func contains(_ line: Int64) -> Bool { index(of: line) != nil }
}
