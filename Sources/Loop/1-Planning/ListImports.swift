// Special lists changed by lists of numbers: up to a whole operator at once, in one log record.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
public import Model
public import Ports

/// What a list of numbers did to a special list.
public struct ListImport: Hashable, Sendable, Codable {
    /// What became of its rows.
    public var report: MemberReport
    /// Subscribers put on the list.
    public var added: Int
    /// Subscribers taken off it.
    public var removed: Int
    /// Subscribers named whose entry was as it should be before.
    public var present: Int
    /// Subscribers who come on it on a later day.
    public var planned = 0
}

extension SpecialLists {
    private static let attempts = 10
    /// Subscribers an import with days may name: each has days of his own in the store.
    public static let mostDated = 100_000

    /// Changes a list by a list of numbers; all of it counts from the next decision on, or nothing is changed.
    ///
    /// A change of many is one file in the log, and one entry in the store that names who was added and who removed.
    ///
    /// `from` and `until`: The first and the last day of those who are added; nil = today, and for good.
    ///
    /// - Throws: What the source throws; ``SpecialListError``.
    public func change(
        _ list: ListID,
        by source: any IdentitySource,
        mode: ListImportMode,
        from: LocalDay? = nil,
        until: LocalDay? = nil,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> ListImport {
        try await check(list, reason, by: staff)
        guard mode == .add || (from, until) == (nil, nil) else { throw SpecialListError.daysNotHere }
        let today = try await day(of: now)
        guard until.map({ $0 >= max(from ?? today, today) }) ?? true else { throw SpecialListError.badDays }
        let begins = from.flatMap { $0 > today ? $0 : nil }
        let (members, report) = try await memberLists.members(of: source, in: staff.scope)
        guard report.rows > 0 else { throw SpecialListError.emptyFile }
        guard mode != .replace || report.members > 0 else { throw SpecialListError.nobodyFound }
        let isDated = begins != nil || until != nil
        guard !isDated || report.members <= Self.mostDated else {
            throw SpecialListError.tooManyDated(Self.mostDated)
        }
        var record = ListImportRecord(
            at: now,
            who: staff.login,
            list: list,
            mode: mode,
            source: MemberReport.masked(source.name),
            reason: reason
        )
        (record.rows, record.leftOut) = (report.rows, report.leftOut)
        let visible = mode == .replace ? try await memberLists.visible(to: staff.scope) : nil
        let changes =
            begins != nil ? [] : try await apply(&record) { ListChanges(from: $0, mode, members, visible: visible) }
        let detail =
            "\(record.source): \(record.added) added, \(record.removed) removed, \(record.rows) rows; \(reason)"
        let dates: [ListDates]
        if isDated {
            let who = staff.login
            dates = members.indices.map { index in
                ListDates(
                    list: list,
                    index: index,
                    from: begins,
                    to: until,
                    who: who,
                    reason: reason,
                    isEntered: begins == nil
                )
            }
        } else {
            // Whom an import names stays on the list or off it, whatever days an entry had.
            dates = try await store.listDates(.list(list)).map(\.cleared).filter { dates in
                mode == .replace ? visible?.contains(dates.index) ?? true : members.contains(dates.index)
            }
        }
        let audit = entry(begins == nil ? "list.import" : "list.plan", list, staff, now, detail)
        try await store.record(record, changes: changes, dates: dates, audit: audit)
        guard begins == nil else {
            return ListImport(report: report, added: 0, removed: 0, present: 0, planned: report.members)
        }
        let named = mode == .replace ? record.added : record.added + record.removed
        return ListImport(
            report: report,
            added: record.added,
            removed: record.removed,
            present: report.members - named
        )
    }

    /// Writes a change to the log; made again when the list was changed by others meanwhile.
    ///
    /// Fills in the counts and files of the record, and returns the single changes where those are few.
    func apply(_ record: inout ListImportRecord, _ make: (Bitset) -> ListChanges) async throws -> [ListChange] {
        let list = record.list
        for _ in 0..<Self.attempts {
            let (known, subscribers) = try await host.read { ($0.lists[list], $0.subscribers) }
            let change = make(known ?? Bitset(universe: subscribers))
            (record.added, record.removed) = (change.added.count, change.removed.count)
            let total = record.added + record.removed
            guard total > 0 else { return [] }
            guard total > mostSingly else {
                let (added, removed) = (change.added.indices, change.removed.indices)
                try await host.record([.listChanged(list, added: added, removed: removed)])
                return [(added, true), (removed, false)].flatMap { indices, isAdded in
                    indices.map { [record] index in
                        ListChange(
                            at: record.at,
                            who: record.who,
                            list: list,
                            index: index,
                            isAdded: isAdded,
                            reason: record.reason
                        )
                    }
                }
            }
            record.addedFile = try record.added > 0 ? host.store(change.added.listFile) : nil
            record.removedFile = try record.removed > 0 ? host.store(change.removed.listFile) : nil
            let file = try host.store(change.target.listFile)
            if try await host.record([.listReplaced(list, file: file)], if: { $0.lists[list] == known }) { return [] }
        }
        throw SpecialListError.tooManyChanges
    }
}

/// What becomes of a list.
struct ListChanges {
    var target: Bitset
    var added: Bitset
    var removed: Bitset

    init(from old: Bitset, _ mode: ListImportMode, _ members: Bitset, visible: Bitset?) {
        let universe = max(old.universe, members.universe)
        func grown(_ set: Bitset) -> Bitset {
            var set = set
            set.grow(universe: universe)
            return set
        }
        let (old, members) = (grown(old), grown(members))
        target = old
        switch mode {
        case .add: target.formUnion(members)
        case .remove: target.subtract(members)
        case .replace:
            if let visible { target.subtract(grown(visible)) } else { target = Bitset(universe: universe) }
            target.formUnion(members)
        }
        (added, removed) = (target, old)
        added.subtract(old)
        removed.subtract(target)
    }
}

extension Bitset {
    /// All members, ascending.
    fileprivate var indices: [UInt32] {
        var all: [UInt32] = []
        forEach { all.append($0) }
        return all
    }
}
