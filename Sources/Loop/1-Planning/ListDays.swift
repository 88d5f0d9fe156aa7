// Entries of special lists that begin or end on a day (LST): the day's change is a change like any other.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
import Model
import Ports

extension SpecialLists {
    /// Puts on lists and takes off them whose first day has come or whose last day is over.
    ///
    /// Called now and then and when a data directory is opened; doing it twice, or after a crash half way, gives the same.
    ///
    /// - Returns: How many entries began or ended.
    @discardableResult
    public func keepDays(at now: Instant) async throws -> Int {
        let today = try await day(of: now)
        let due = try await store.listDates(.due(today))
        guard !due.isEmpty else { return 0 }
        var (changes, dates): ([ListChange], [ListDates]) = ([], [])
        var added: [ListID: [UInt32]] = [:]
        var removed: [ListID: [UInt32]] = [:]
        let names = Set(due.map(\.list))
        let lists = try await host.read { $0.lists.filter { names.contains($0.key) } }
        for entry in due {
            let isMember = lists[entry.list]?.contains(entry.index) ?? false
            let isOver = entry.isOver(on: today)
            if isOver, isMember { removed[entry.list, default: []].append(entry.index) }
            if !isOver, !isMember { added[entry.list, default: []].append(entry.index) }
            // What began and ended while nothing ran never was.
            if entry.isEntered || !isOver {
                changes.append(
                    ListChange(
                        at: now,
                        who: entry.who,
                        list: entry.list,
                        index: entry.index,
                        isAdded: !isOver,
                        reason: entry.reason
                    )
                )
            }
            var left = isOver || entry.to == nil ? entry.cleared : entry
            left.isEntered = true
            dates.append(left)
        }
        let records = names.sorted().compactMap { list -> LogRecord? in
            let (new, gone) = (added[list] ?? [], removed[list] ?? [])
            return new.isEmpty && gone.isEmpty ? nil : .listChanged(list, added: new, removed: gone)
        }
        if !records.isEmpty { try await host.record(records) }
        let detail = "\(changes.count(where: \.isAdded)) began, \(changes.count(where: { !$0.isAdded })) ended"
        try await store.record(
            changes,
            dates: dates,
            audit: AuditEntry(at: now, who: "system", action: "list.days", object: "lists", detail: detail)
        )
        return due.count
    }
}

extension ListDates {
    fileprivate func isOver(on day: LocalDay) -> Bool { to.map { $0 < day } ?? false }
}
