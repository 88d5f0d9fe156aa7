// Special lists by hand: find a number's entries, add, remove, import a file of numbers, export (LST).
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports

/// Why a special list is not changed.
public enum SpecialListError: CodedError, Equatable {
    case badNumber
    case unknownNumber
    case unknownList(String)
    case notByChannel(String)
    case reasonMissing
    case emptyFile

    public var code: String {
        switch self {
        case .badNumber: "list.bad_number"
        case .unknownNumber: "list.unknown_number"
        case .unknownList: "list.unknown_list"
        case .notByChannel: "list.not_by_channel"
        case .reasonMissing: "list.reason_missing"
        case .emptyFile: "list.empty_file"
        }
    }

    // A number is personal: no message repeats it.
    public var description: String {
        switch self {
        case .badNumber: "this is no telephone number; write 11 digits, or + and the country code"
        case .unknownNumber: "no subscriber in your part of the organisation has this number now; check its digits"
        case .unknownList(let code):
            "there is no special list \(code.prefix(30)); use dnd_01 to dnd_15, black, grey or another one there is"
        case .notByChannel(let code): "entries of list \(code) hold for all channels; leave the channel out"
        case .reasonMissing: "say why the list is changed, so that others understand it later"
        case .emptyFile: "the file has no line with a number; nothing was changed"
        }
    }
}

/// One list that a subscriber is on, and who put him there.
public struct ListEntry: Hashable, Sendable {
    /// The list.
    public var list: ListID
    /// The last change by hand that added him; nil when the entry came with a file of the operator's.
    public var added: ListChange?
}

/// A special list and its size.
public struct ListSize: Hashable, Sendable {
    /// The list.
    public var list: ListID
    /// Subscribers on it, over the whole operator.
    public var count: Int
}

/// What an import of numbers did.
public struct ListImport: Hashable, Sendable, Codable {
    /// Lines with something on them, a heading not counted.
    public var lines = 0
    /// Subscribers put on the list.
    public var added = 0
    /// Numbers that were on the list before.
    public var present = 0
    /// Numbers that stood in the file before.
    public var duplicates = 0
    /// Numbers that no subscriber in the importer's scope has now.
    public var unknown = 0
    /// Lines that are no number.
    public var malformed = 0
    /// Lines behind ``unknown`` and ``malformed``, the first 1 000.
    public var rejects: [Reject] = []

    /// A line that was left out.
    public struct Reject: Hashable, Sendable, Codable {
        /// Line in the file, from 1.
        public var line: Int
        /// `list.bad_number` or `list.unknown_number`.
        public var code: String
    }
}

/// Changes special lists; a change counts from the next decision on.
public struct SpecialLists: Sendable {
    private static let rejectLimit = 1_000
    private let host: DecisionHost
    private let store: any ControlPlaneStore
    private let numbers: LiveNumbers
    private let segments: Segments

    /// Works on the decision core's lists, and keeps reasons in a store.
    public init(host: DecisionHost, store: any ControlPlaneStore, numbers: LiveNumbers, segments: Segments) {
        self.host = host
        self.store = store
        self.numbers = numbers
        self.segments = segments
    }

    // MARK: Finding

    /// The subscriber who has a number now, as people write it.
    ///
    /// - Throws: ``SpecialListError/badNumber``; ``SpecialListError/unknownNumber`` also when the subscriber is outside
    ///   the scope.
    public func subscriber(_ number: String, in scope: OrganisationScope) async throws -> SubscriberIndex {
        let index = try subscriber(number)
        guard try await visibility(scope)(index) else { throw SpecialListError.unknownNumber }
        return index
    }

    /// The same for those whose scope is the whole operator.
    public func subscriber(_ number: String) throws(SpecialListError) -> SubscriberIndex {
        guard let msisdn = MSISDN(normalising: number) ?? MSISDN(normalising: number.filter { !$0.isWhitespace })
        else { throw .badNumber }
        guard let index = numbers.current.owner(of: msisdn) else { throw .unknownNumber }
        return index
    }

    /// Says for each subscriber whether the scope covers him.
    private func visibility(_ scope: OrganisationScope) async throws -> @Sendable (SubscriberIndex) -> Bool {
        guard scope != .all else { return { _ in true } }
        let catalogue = try await segments.catalogue()
        let profile = try await host.read { try $0.profileReader() }
        let wanted = [("province", scope.province), ("city", scope.city), ("county", scope.county)]
            .compactMap { code, value in catalogue[code] == nil ? nil : value.map { (code, $0) } }
        return { index in wanted.allSatisfy { profile.text(of: $0.0, at: index) == $0.1 } }
    }

    /// The special lists a subscriber is on, by code.
    public func entries(of index: SubscriberIndex) async throws -> [ListEntry] {
        let lists = try await host.read { state in
            state.lists.filter { Self.isSpecial($0.key) && $0.value.contains(index.number) }.map(\.key).sorted()
        }
        let changes = try await store.listChanges(of: index.number)
        return lists.map { list in
            ListEntry(list: list, added: changes.last { $0.list == list && $0.isAdded })
        }
    }

    /// All special lists and their sizes, by code; those that every operator has are there when empty too.
    public func sizes() async throws -> [ListSize] {
        let counts = try await host.read { state in
            state.lists.filter { Self.isSpecial($0.key) }.mapValues { $0.count }
        }
        let all = Set(counts.keys).union(ListID.standardCodes.map { ListID($0) })
        return all.sorted().map { ListSize(list: $0, count: counts[$0] ?? 0) }
    }

    /// Numbers of a list's members in the scope, by subscriber index; members without a number are left out.
    public func members(of list: ListID, in scope: OrganisationScope) async throws -> [MSISDN] {
        let members = try await host.read { $0.lists[list] }
        guard members != nil || ListID.standardCodes.contains(list.code) else {
            throw SpecialListError.unknownList(list.code)
        }
        let isVisible = try await visibility(scope)
        let numbers = numbers.current
        var found: [MSISDN] = []
        members?.forEach { index in
            let index = SubscriberIndex(index)
            if isVisible(index), let number = numbers.number(of: index) { found.append(number) }
        }
        return found
    }

    // MARK: Changing

    /// Puts a subscriber on a list.
    ///
    /// - Returns: False when he was on it before; the reason is recorded all the same.
    public func add(
        _ index: SubscriberIndex,
        to list: ListID,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Bool {
        try await change(index, list, isAdded: true, reason: reason, by: staff, at: now)
    }

    /// Takes a subscriber off a list.
    ///
    /// - Returns: False when he was not on it; nothing is recorded then.
    public func remove(
        _ index: SubscriberIndex,
        from list: ListID,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Bool {
        try await change(index, list, isAdded: false, reason: reason, by: staff, at: now)
    }

    private func change(
        _ index: SubscriberIndex,
        _ list: ListID,
        isAdded: Bool,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Bool {
        try await check(list, reason)
        let number = index.number
        let (isMember, isErased) = try await host.read {
            ($0.lists[list]?.contains(number) ?? false, $0.isErased(index))
        }
        guard !isErased else { throw DecisionError.erased(index) }
        guard isAdded || isMember else { return false }
        if isMember != isAdded {
            try await host.record([.listChanged(list, added: isAdded ? [number] : [], removed: isAdded ? [] : [number])]
            )
        }
        let change = ListChange(at: now, who: staff.login, list: list, index: number, isAdded: isAdded, reason: reason)
        try await store.record([change], audit: entry(isAdded ? "list.add" : "list.remove", list, staff, now, reason))
        return isMember != isAdded
    }

    /// Puts the numbers of a file on a list: one number a line, in the first column of a CSV or alone (TXT).
    ///
    /// A first line without digits is a heading. All numbers are added together, or none.
    public func add(
        file: String,
        to list: ListID,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> ListImport {
        try await check(list, reason)
        let isVisible = try await visibility(staff.scope)
        var (report, found) = read(file, isVisible)
        guard report.lines > 0 else { throw SpecialListError.emptyFile }
        let present = try await host.read { $0.lists[list] }
        let new = found.filter { present?.contains($0) != true }
        report.present = found.count - new.count
        report.added = new.count
        guard !new.isEmpty else { return report }
        found = new.sorted()
        try await host.record([.listChanged(list, added: found, removed: [])])
        try await store.record(
            found.map {
                ListChange(at: now, who: staff.login, list: list, index: $0, isAdded: true, reason: reason)
            },
            audit: entry("list.import", list, staff, now, "\(found.count) of \(report.lines) lines; \(reason)")
        )
        return report
    }

    private func read(_ file: String, _ isVisible: (SubscriberIndex) -> Bool) -> (ListImport, [UInt32]) {
        var report = ListImport()
        var found: [UInt32] = []
        var seen: Set<MSISDN> = []
        let numbers = numbers.current
        let text = file.unicodeScalars.first == "\u{FEFF}" ? String(file.unicodeScalars.dropFirst()) : file
        func reject(_ line: Int, _ code: String) {
            if report.rejects.count < Self.rejectLimit { report.rejects.append(.init(line: line, code: code)) }
        }
        var line = 0
        for content in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            line += 1
            let cell = content.split(omittingEmptySubsequences: false) { ",;\t".contains($0) }.first ?? ""
            let value = cell.trimmingCharacters(in: CharacterSet(charactersIn: " \"'\u{3000}"))
            guard !value.isEmpty else { continue }
            if line == 1, !value.utf8.contains(where: { (0x30...0x39).contains($0) }) { continue }
            report.lines += 1
            guard let number = MSISDN(normalising: value) else {
                report.malformed += 1
                reject(line, "list.bad_number")
                continue
            }
            guard seen.insert(number).inserted else {
                report.duplicates += 1
                continue
            }
            guard let index = numbers.owner(of: number), isVisible(index) else {
                report.unknown += 1
                reject(line, "list.unknown_number")
                continue
            }
            found.append(index.number)
        }
        return (report, found)
    }

    // MARK: Rules

    /// Whether a list of the decision core is a special list; product owners and others are not changed by hand.
    private static func isSpecial(_ list: ListID) -> Bool { !list.code.hasPrefix("product/") }

    private func check(_ list: ListID, _ reason: String) async throws {
        guard ListID.standardCodes.contains(list.code) else { throw SpecialListError.unknownList(list.code) }
        guard reason.contains(where: { !$0.isWhitespace }) else { throw SpecialListError.reasonMissing }
        guard list.channel != nil else { return }
        let policy = try await host.read { $0.policy }
        guard policy?.dnd.first(where: { Outcome.dnd(class: $0.number).code == list.code })?.isByChannel == true else {
            throw SpecialListError.notByChannel(list.code)
        }
    }

    private func entry(_ action: String, _ list: ListID, _ staff: Staff, _ now: Instant, _ detail: String) -> AuditEntry
    {
        let object = "list/\(list.code)" + (list.channel.map { "/\($0.code)" } ?? "")
        return AuditEntry(at: now, who: staff.login, action: action, object: object, detail: detail)
    }
}
