// From which day to which an entry of a special list holds.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// The days an entry of a special list holds, in the operator's zone.
public struct ListDates: Hashable, Sendable {
    /// The list.
    public var list: ListID
    /// The subscriber.
    public var index: UInt32
    /// The first day; nil = at once.
    public var from: LocalDay?
    /// The last day; nil = for good.
    public var to: LocalDay?
    /// Who set the days, and why.
    public var who: String
    public var reason: String
    /// Whether the first day has come and the subscriber was put on the list.
    public var isEntered: Bool

    /// Whether nothing is to happen on any day.
    public var isEmpty: Bool { from == nil && to == nil }

    /// Makes the days of an entry; see the properties.
    public init(
        list: ListID,
        index: UInt32,
        from: LocalDay? = nil,
        to: LocalDay? = nil,
        who: String,
        reason: String,
        isEntered: Bool
    ) {
        (self.list, self.index, self.from, self.to) = (list, index, from, to)
        (self.who, self.reason, self.isEntered) = (who, reason, isEntered)
    }

    /// The same entry without days, which is how it is forgotten.
    public var cleared: ListDates {
        var dates = self
        (dates.from, dates.to) = (nil, nil)
        return dates
    }
}
