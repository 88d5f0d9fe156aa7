// What a refresh looked at, and who changed since.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Profiles
import Rules
import Synchronization

/// Attributes, lists and day of one moment.
struct RefreshSnapshot: Sendable {
    let load: String
    let catalogue: ContentHash
    /// Column files by attribute.
    let columns: [String: ContentHash]
    let profile: ColumnProfile
    let lists: [ListID: Bitset]
    /// Subscribers who are erased, members of nothing.
    let erased: Set<UInt32>
    let today: LocalDay

    /// Nil before the first load.
    init?(of host: DecisionHost, today: LocalDay) async throws {
        let found = try await host.read { state in
            try state.attributes.map { ($0, state.hotColumns, try state.profileReader(), state.lists, state.erased) }
        }
        guard let (attributes, columns, reader, lists, erased) = found, let profile = reader as? ColumnProfile else {
            return nil
        }
        (load, catalogue) = (attributes.load, attributes.catalogue)
        self.columns = Dictionary(columns.map { ($0.code, $0.file) }, uniquingKeysWith: { first, _ in first })
        (self.profile, self.lists, self.erased, self.today) = (profile, lists, erased, today)
    }

    var subscribers: Int { profile.profile.universe }

    /// Everybody but who is erased; nil when nobody is.
    var present: Bitset? { erased.isEmpty ? nil : Bitset(full: subscribers, but: erased) }

    /// The members of a list or the owners of a product; nil for anything else, and when there is none of that name.
    func set(_ membership: Membership) -> Bitset? {
        switch membership.kind {
        case .list: lists.members(excludedBy: membership.name)
        case .product: lists[.product(membership.name)]
        case .audience: nil
        }
    }
}

/// What is remembered of a refresh until the next, also when the process ends in between.
final class RefreshedPast: Sendable {
    /// What the next refresh needs of it, as a file: columns and sets are files of their own.
    private struct Content: Codable {
        struct Named: Codable {
            let kind: String
            let name: String
            let file: ContentHash
        }

        let catalogue: ContentHash
        let columns: [String: ContentHash]
        let subscribers: Int
        /// Nil when nobody was, also before this was looked at: members may have been among them then.
        let erased: [UInt32]?
        let day: Int32
        let sets: [Named]
    }

    /// Where it is stored.
    let file: ContentHash
    let catalogue: ContentHash
    let columns: [String: ContentHash]
    let subscribers: Int
    let erased: Set<UInt32>
    /// Sets that were looked at.
    ///
    /// One that has not changed since shares its memory with the live one.
    let sets: [Membership: Bitset]
    private let setFiles: [Membership: ContentHash]
    let today: LocalDay
    /// Columns that were looked at; until the next load they are the live ones.
    private let values: Mutex<[String: HotColumn]>

    /// Remembers what is looked at, and stores it.
    ///
    /// `before`: Whose files are named again where sets are the same.
    init(
        _ snapshot: RefreshSnapshot,
        inputs: Set<RefreshInput>,
        before: RefreshedPast?,
        store: ([[UInt8]]) throws -> [ContentHash]
    ) throws {
        (catalogue, columns) = (snapshot.catalogue, snapshot.columns)
        (subscribers, erased, today) = (snapshot.subscribers, snapshot.erased, snapshot.today)
        var (sets, values): ([Membership: Bitset], [String: HotColumn]) = ([:], [:])
        for input in inputs {
            switch input {
            case .attribute(let code): values[code] = snapshot.profile.profile.columns[code]
            case .set(let asked): sets[asked] = snapshot.set(asked) ?? Bitset(universe: snapshot.subscribers)
            case .file: break
            }
        }
        var files: [Membership: ContentHash] = [:]
        for (asked, set) in sets where before?.sets[asked] == set { files[asked] = before?.setFiles[asked] }
        let others = sets.filter { files[$0.key] == nil }
        for (asked, file) in zip(others.keys, try store(others.values.map(\.listFile))) { files[asked] = file }
        let content = Content(
            catalogue: catalogue,
            columns: columns,
            subscribers: subscribers,
            erased: erased.isEmpty ? nil : erased.sorted(),
            day: today.number,
            sets: files.map { Content.Named(kind: $0.key.kind.rawValue, name: $0.key.name, file: $0.value) }
                .sorted { ($0.kind, $0.name) < ($1.kind, $1.name) }
        )
        file = try store([try content.canonicalJSON()])[0]
        (self.sets, setFiles) = (sets, files)
        self.values = Mutex(values)
    }

    /// Reads what a process before this one remembered; columns are read when they are asked for.
    init(stored file: ContentHash, inputs: StoredInputs) throws {
        let content = try JSONDecoder().decode(Content.self, from: Data(inputs.bytes(file)))
        self.file = file
        (catalogue, columns, subscribers) = (content.catalogue, content.columns, content.subscribers)
        erased = Set(content.erased ?? [])
        today = LocalDay(number: content.day)
        var (sets, files): ([Membership: Bitset], [Membership: ContentHash]) = ([:], [:])
        for named in content.sets {
            guard let kind = MembershipKind(rawValue: named.kind) else { continue }
            let membership = Membership(kind, named.name)
            files[membership] = named.file
            sets[membership] = try Bitset(audienceFile: inputs.bytes(named.file), subscribers: content.subscribers)
        }
        (self.sets, setFiles) = (sets, files)
        values = Mutex([:])
    }

    /// A column as it was; nil when it is not held any more and has to be read.
    func values(of code: String) -> HotColumn? { values.withLock { $0[code] } }

    /// Lets go of the columns: after a load they would be a second copy of all attributes.
    func forgetValues() { values.withLock { $0 = [:] } }
}

/// Who changed between two moments, in what some definitions look at; old and new values of theirs.
struct RefreshChanges {
    /// Of all subscribers at most one in so many may have changed: for more, finding everybody takes no longer.
    private static let fewest = 8

    /// Who changed, of all subscribers.
    let changed: Bitset
    let old: RefreshRows
    let new: RefreshRows
    /// Inputs whose changes are known and few.
    private let known: Set<RefreshInput>
    private let isSameDay: Bool

    /// Whether the members of a definition can be found from those of before and who changed.
    func cover(_ definition: RowwiseDefinition) -> Bool {
        (isSameDay || !definition.usesDay) && definition.inputs.isSubset(of: known)
    }

    /// Compares an earlier moment with a later one; nil when too much changed.
    ///
    /// - Parameters:
    ///   - past: The earlier moment.
    ///   - snapshot: The later one.
    ///   - definitions: What is to be found.
    ///   - files: Members in files.
    ///   - threads: Threads that share the work.
    ///   - column: Reads a column that `past` holds no more; one
    ///     that is not there any more counts as changed in every row.
    /// - Throws: what `files` throws, and `ProfileError`.
    init?(
        since past: RefreshedPast,
        to snapshot: RefreshSnapshot,
        for definitions: [RowwiseDefinition],
        files: (ContentHash) throws -> Bitset,
        threads: Int,
        column: @Sendable (ContentHash) throws -> HotColumn
    ) throws {
        guard past.catalogue == snapshot.catalogue, past.subscribers <= snapshot.subscribers else { return nil }
        isSameDay = past.today == snapshot.today
        let asked = definitions.filter { past.today == snapshot.today || !$0.usesDay }
        let limit = snapshot.subscribers / Self.fewest
        var known: Set<RefreshInput> = []
        var changed = Bitset(full: snapshot.subscribers)
        changed.subtract(Self.grown(Bitset(full: past.subscribers), snapshot.subscribers))
        for subscriber in snapshot.erased.symmetricDifference(past.erased) { changed.insert(subscriber) }

        var inputs: Set<RefreshInput> = []
        for definition in asked { inputs.formUnion(definition.inputs) }
        var moved: [String] = []
        for input in inputs {
            switch input {
            case .file: known.insert(input)
            case .attribute(let code):
                guard let file = past.columns[code] else { continue }
                if snapshot.columns[code] == file { known.insert(input) } else { moved.append(code) }
            case .set(let membership):
                guard let before = past.sets[membership] else { continue }
                var difference = Self.grown(before, snapshot.subscribers)
                if let now = snapshot.set(membership) { difference.formSymmetricDifference(now) }
                guard difference.count <= limit else { continue }
                changed.formUnion(difference)
                known.insert(input)
            }
        }
        let profile = snapshot.profile.profile
        var oldColumns = profile.columns
        let compared = moved.sorted().concurrentMap(threads: threads) { code -> (String, HotColumn, Bitset)? in
            guard let file = past.columns[code], let new = profile.columns[code],
                let old = try? past.values(of: code) ?? column(file)
            else { return nil }
            return (code, old, new.rowsChanged(since: old))
        }
        for case (let code, let old, let rows)? in compared
        where rows.count <= limit + snapshot.subscribers - past.subscribers {
            known.insert(.attribute(code))
            changed.formUnion(rows)
            oldColumns[code] = old
        }
        guard changed.count <= limit else { return nil }
        let chosen = changed.indices
        let codes = known.compactMap { if case .attribute(let code) = $0 { code } else { nil } }.sorted()
        func rows(
            _ columns: [String: HotColumn],
            present: Bitset?,
            on today: LocalDay,
            _ set: (RefreshInput) throws -> Bitset?
        ) throws -> RefreshRows {
            let packed = codes.concurrentMap(threads: threads) { ($0, columns[$0]?.packed(chosen)) }
            var profile = try HotProfile(catalogue: profile.catalogue, universe: chosen.count)
            for case (let code, let column?) in packed { try profile.set(code, column) }
            var sets: [RefreshInput: Bitset] = [:]
            for input in known { sets[input] = try set(input)?.packed(chosen) }
            let packedProfile = ColumnProfile(profile, threads: 1)
            return RefreshRows(profile: packedProfile, sets: sets, present: present, today: today, threads: 1)
        }
        new = try rows(profile.columns, present: snapshot.present?.packed(chosen), on: snapshot.today) {
            try Self.set($0, files) { snapshot.set($0) }
        }
        let wereThere = Bitset(full: past.subscribers, but: past.erased).packed(chosen)
        old = try rows(oldColumns, present: wereThere, on: past.today) { try Self.set($0, files) { past.sets[$0] } }
        (self.changed, self.known) = (changed, known)
    }

    private static func set(
        _ input: RefreshInput,
        _ files: (ContentHash) throws -> Bitset,
        _ membership: (Membership) -> Bitset?
    ) rethrows -> Bitset? {
        switch input {
        case .attribute: nil
        case .file(let file): try files(file)
        case .set(let asked): membership(asked)
        }
    }

    private static func grown(_ set: Bitset, _ universe: Int) -> Bitset {
        var set = set
        set.grow(universe: universe)
        return set
    }
}
