// What subscribers did, with names and types known: an aggregate over the rows of one source.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

/// A value over the rows that one subscriber has in a source.
public struct CheckedAggregate: Hashable, Sendable {
    /// What the rows come to.
    public enum Function: Hashable, Sendable {
        /// Number of rows; never NULL.
        case count
        /// Sum of a column's values, NULLs left out, held within ``CheckedAggregate/sumBound(scale:)``; NULL without values.
        case sum(Attribute)
        /// The column of the latest row: by day, then time, then the greatest value, NULL being the least.
        ///
        /// Rows without a day do not count.
        case last(Attribute)
    }

    /// What the rows come to.
    public let function: Function
    /// Where the rows are.
    public let source: EventSource
    /// The condition on the source's columns that rows meet; nil = all.
    public let condition: CheckedCondition?
    /// First and last day of the rows; nil = all rows.
    public let window: CheckedWindow?

    /// The greatest unscaled sum, a trillion with `scale` digits after the point or else 18 digits.
    ///
    /// What would be above it, or below its negative, is taken as this: so no sum overflows what is calculated with it.
    public static func sumBound(scale: Int) -> Int64 {
        scale < 6 ? 1_000_000_000_000 * Scaled.powerOfTen(scale) : Scaled.powerOfTen(18) - 1
    }

    /// More rows than any table has.
    static let mostRows: Int64 = 1_000_000_000_000

    /// The value of somebody without rows; nil = NULL.
    var ofNothing: Int64? { function == .count ? 0 : nil }

    /// The same aggregate with `today` replaced by a day.
    func bound(today: LocalDay) -> CheckedAggregate {
        CheckedAggregate(
            function: function,
            source: source,
            condition: condition?.bound(today: today),
            window: window?.bound(today: today)
        )
    }
}

/// Two days, both included; constants, or relative to today.
public struct CheckedWindow: Hashable, Sendable {
    /// The first day.
    public let first: CheckedValue
    /// The last day.
    public let last: CheckedValue

    func bound(today: LocalDay) -> CheckedWindow {
        CheckedWindow(first: first.bound(today: today), last: last.bound(today: today))
    }
}
