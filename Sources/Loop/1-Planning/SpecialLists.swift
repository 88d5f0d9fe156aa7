// Special lists by hand: find a number's entries, add, remove, export (LST).
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
    case nobodyFound
    case badDays
    /// Days were given for a change that knows none.
    case daysNotHere
    /// An import with days names more subscribers than this.
    case tooManyDated(Int)
    case tooManyChanges
    /// An administrator said who may change the list, and it is somebody else.
    case notAllowed(String)
    /// Nobody has this sign-in name.
    case unknownLogin(String)
    case badFrequency
    /// A rule fills the list; nobody changes it by hand.
    case filledByRule(String)
    /// What is wrong with the rule that is to fill a list.
    case badRule(String)
    /// The role may not change lists at all.
    case badRole(Role)

    public var code: String {
        switch self {
        case .badNumber: "list.bad_number"
        case .unknownNumber: "list.unknown_number"
        case .unknownList: "list.unknown_list"
        case .notByChannel: "list.not_by_channel"
        case .reasonMissing: "list.reason_missing"
        case .emptyFile: "list.empty_file"
        case .nobodyFound: "list.nobody_found"
        case .badDays: "list.bad_days"
        case .daysNotHere: "list.days_not_here"
        case .tooManyDated: "list.too_many_dated"
        case .tooManyChanges: "list.busy"
        case .notAllowed: "list.not_allowed"
        case .unknownLogin: "list.unknown_login"
        case .badFrequency: "list.bad_frequency"
        case .filledByRule: "list.filled_by_rule"
        case .badRule: "list.bad_rule"
        case .badRole: "list.bad_role"
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
        case .nobodyFound: "no row names a subscriber, so that replacing would empty the list; nothing was changed"
        case .daysNotHere:
            "days are given to who is added; a list is replaced, and numbers are taken off it, at once: leave the days out"
        case .tooManyDated(let most):
            "a file with days names at most \(most) subscribers; split it, or leave the days out"
        case .badDays: "the last day of an entry is neither before its first day nor before today"
        case .tooManyChanges: "the list was changed again and again meanwhile; nothing was imported, try again"
        case .notAllowed(let code):
            "list \(code.prefix(30)) is changed by others; its settings name them, and an administrator sets them"
        case .unknownLogin(let login):
            "nobody signs in as \(login.prefix(64)); use sign-in names of staff, inbox for the folder, cli for commands"
        case .filledByRule(let code):
            "list \(code.prefix(30)) is filled by the rule in its settings; change the attributes it reads, or the settings"
        case .badRule(let why): "the rule cannot fill a list: \(why)"
        case .badFrequency: "write how often as 1 to \(ListSetting.mostDays) days, or leave it out"
        case .badRole(let role): "the role \(role.rawValue) may not change lists; choose another one"
        }
    }
}

/// One list that a subscriber is on, and who put him there.
public struct ListEntry: Hashable, Sendable {
    /// The list.
    public var list: ListID
    /// The last change by hand that added him; nil when the entry came with a file of the operator's.
    public var added: ListChange?
    /// The days it holds; nil when it has none.
    public var dates: ListDates?

    /// Whether its first day has not come, so that it does not count yet.
    public var isPlanned: Bool { dates?.isEntered == false }
}

/// A special list and its size.
public struct ListSize: Hashable, Sendable {
    /// The list.
    public var list: ListID
    /// Subscribers on it, over the whole operator.
    public var count: Int
}

/// Changes special lists; a change counts from the next decision on.
public struct SpecialLists: Sendable {
    let host: DecisionHost
    let store: any ControlPlaneStore
    private let inputs: StoredInputs
    private let numbers: LiveNumbers
    let segments: Segments
    let memberLists: MemberLists
    let mostSingly: Int
    let ruleMemory = ListRuleMemory()

    /// Works on the decision core's lists, and keeps reasons in a store.
    ///
    /// `mostSingly`: Changes of one import up to which each subscriber has an entry of his own in the log and the store.
    public init(
        host: DecisionHost,
        store: any ControlPlaneStore,
        inputs: StoredInputs,
        numbers: LiveNumbers,
        segments: Segments,
        memberLists: MemberLists,
        mostSingly: Int = 10_000
    ) {
        self.host = host
        self.store = store
        self.inputs = inputs
        self.numbers = numbers
        self.segments = segments
        self.memberLists = memberLists
        self.mostSingly = mostSingly
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
        let changes = try await changes(of: index)
        let dates = try await store.listDates(.subscriber(index.number))
        let planned = dates.filter { !$0.isEntered && !lists.contains($0.list) }
        return lists.map { list in
            ListEntry(
                list: list,
                added: changes.last { $0.list == list && $0.isAdded },
                dates: dates.first { $0.list == list }
            )
        } + planned.map { ListEntry(list: $0.list, dates: $0) }
    }

    /// What was changed by hand for a subscriber, oldest first: one by one, and by lists of numbers that name him.
    public func changes(of index: SubscriberIndex) async throws -> [ListChange] {
        var changes = try await store.listChanges(of: index.number)
        for entry in try await store.listImports() {
            for (file, isAdded) in [(entry.addedFile, true), (entry.removedFile, false)] {
                guard let file, try Self.holds(index, file, inputs) else { continue }
                changes.append(
                    ListChange(
                        at: entry.at,
                        who: entry.who,
                        list: entry.list,
                        index: index.number,
                        isAdded: isAdded,
                        reason: "\(entry.reason) (\(entry.source))"
                    )
                )
            }
        }
        return changes.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    /// Whether a bitmap file holds a subscriber; reads his word of it, whatever its size.
    private static func holds(_ index: SubscriberIndex, _ file: ContentHash, _ inputs: StoredInputs) throws -> Bool {
        var head = ByteReader(try inputs.bytes(file, offset: 0, count: 8))
        guard UInt64(index.number) < (try head.read(UInt64.self)) else { return false }
        var word = ByteReader(try inputs.bytes(file, offset: 8 + Int(index.number >> 6) * 8, count: 8))
        return try word.read(UInt64.self) >> UInt64(index.number & 63) & 1 == 1
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

    /// Puts a subscriber on a list, for some days or for good.
    ///
    /// `from` and `until`: The first and the last day; nil = today, and for good.
    ///
    /// - Returns: False when he was on it before, or comes on it later; the reason is recorded all the same.
    public func add(
        _ index: SubscriberIndex,
        to list: ListID,
        from: LocalDay? = nil,
        until: LocalDay? = nil,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Bool {
        let today = try await day(of: now)
        guard until.map({ $0 >= max(from ?? today, today) }) ?? true else { throw SpecialListError.badDays }
        let begins = from.flatMap { $0 > today ? $0 : nil }
        guard let begins else {
            return try await change(index, list, until: until, isAdded: true, reason: reason, by: staff, at: now)
        }
        try await check(list, reason, by: staff)
        guard try await !host.read({ $0.isErased(index) }) else { throw DecisionError.erased(index) }
        let dates = ListDates(
            list: list,
            index: index.number,
            from: begins,
            to: until,
            who: staff.login,
            reason: reason,
            isEntered: false
        )
        try await store.record([], dates: [dates], audit: entry("list.plan", list, staff, now, reason))
        return false
    }

    /// Takes a subscriber off a list.
    ///
    /// - Returns: False when he was not on it and was not to come on it; nothing is recorded then.
    public func remove(
        _ index: SubscriberIndex,
        from list: ListID,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Bool {
        try await change(index, list, until: nil, isAdded: false, reason: reason, by: staff, at: now)
    }

    private func change(
        _ index: SubscriberIndex,
        _ list: ListID,
        until: LocalDay?,
        isAdded: Bool,
        reason: String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Bool {
        try await check(list, reason, by: staff)
        let number = index.number
        let (isMember, isErased) = try await host.read {
            ($0.lists[list]?.contains(number) ?? false, $0.isErased(index))
        }
        guard !isErased else { throw DecisionError.erased(index) }
        let dates = ListDates(
            list: list,
            index: number,
            to: until,
            who: staff.login,
            reason: reason,
            isEntered: true
        )
        guard isAdded || isMember else {
            // An entry that was to begin later begins no more.
            let isPlanned = try await store.listDates(.subscriber(number)).contains { $0.list == list }
            guard isPlanned else { return false }
            try await store.record([], dates: [dates], audit: entry("list.remove", list, staff, now, reason))
            return true
        }
        if isMember != isAdded {
            try await host.record([.listChanged(list, added: isAdded ? [number] : [], removed: isAdded ? [] : [number])]
            )
        }
        let change = ListChange(at: now, who: staff.login, list: list, index: number, isAdded: isAdded, reason: reason)
        let audit = entry(isAdded ? "list.add" : "list.remove", list, staff, now, reason)
        try await store.record([change], dates: [dates], audit: audit)
        return isMember != isAdded
    }

    // MARK: Rules

    func day(of now: Instant) async throws -> LocalDay {
        LocalTime(instant: now, offsetSeconds: try await host.read { $0.now.offsetSeconds }).day
    }

    /// Whether a list of the decision core is a special list; product owners and others are not changed by hand.
    private static func isSpecial(_ list: ListID) -> Bool { !list.code.hasPrefix("product/") }

    func check(_ list: ListID, _ reason: String, by staff: Staff) async throws {
        guard ListID.standardCodes.contains(list.code) else { throw SpecialListError.unknownList(list.code) }
        guard reason.contains(where: { !$0.isWhitespace }) else { throw SpecialListError.reasonMissing }
        if let setting = try await setting(of: list.code) {
            guard setting.rule == nil else { throw SpecialListError.filledByRule(list.code) }
            guard setting.allows(staff) else { throw SpecialListError.notAllowed(list.code) }
        }
        guard list.channel != nil else { return }
        let policy = try await host.read { $0.policy }
        guard policy?.dnd.first(where: { Outcome.dnd(class: $0.number).code == list.code })?.isByChannel == true else {
            throw SpecialListError.notByChannel(list.code)
        }
    }

    func entry(_ action: String, _ list: ListID, _ staff: Staff, _ now: Instant, _ detail: String) -> AuditEntry {
        AuditEntry(at: now, who: staff.login, action: action, object: Self.object(list), detail: detail)
    }

    /// A list in the audit log.
    static func object(_ list: ListID) -> String { "list/\(list.code)" + (list.channel.map { "/\($0.code)" } ?? "") }
}
