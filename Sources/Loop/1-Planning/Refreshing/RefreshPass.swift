// One refresh of many segments: most of them look only at who changed since the last one.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Kernel
import Model
import Ports
import Profiles
import Rules
import Segmentation
import Synchronization

/// Finds segments anew whose definitions ask each subscriber for himself.
///
/// All see the attributes and lists of one moment. Who changed since the last refresh is packed together, with the values
/// of then and of now; each definition is run over both, and the difference is what becomes of its members, of its steps
/// and of its file. The price of a segment is that of who changed, not that of who there are.
struct RefreshPass {
    /// Changes are written as such while they take less than one part in so many of a whole file.
    private static let smallest = 4

    private let segments: Segments
    private let now: LocalTime
    private var problems: [(segment: Segment, problem: String)] = []

    init(_ segments: Segments, at now: LocalTime) { (self.segments, self.now) = (segments, now) }

    /// A segment with its definition, ready to be run.
    private struct Task {
        let due: DueSegment
        let definition: RowwiseDefinition
        /// How it was found last, if nothing but time has passed since.
        let past: RefreshMemory.Entry?
    }

    /// What was found for a segment.
    private struct Found: Sendable {
        let task: Task
        let count: Int64
        let steps: [SegmentStep]
        /// The audience's file; nil when it is that of the last one.
        let file: [UInt8]?
        let isWhole: Bool
    }

    /// Segments that are found and recorded together, so that what is found is recorded soon and memory stays small.
    private static let together = 128

    /// Computes segments.
    ///
    /// - Returns: Those that are to be found in another way, and those that failed.
    consuming func compute(
        _ due: [DueSegment]
    ) async throws -> (
        rest: [Segment], problems: [(segment: Segment, problem: String)]
    ) {
        guard let snapshot = try await RefreshSnapshot(of: segments.host, today: now.day) else {
            return (due.map(\.segment), [])
        }
        let (tasks, rest) = await tasks(due, lists: Set(snapshot.lists.keys))
        // Rules were checked against what is live; that a load came between is seen in the next pass.
        guard try await segments.host.read({ $0.attributes?.load }) == snapshot.load else { return (rest, problems) }
        var sets: Set<Membership> = []
        for input in tasks.lazy.flatMap(\.definition.inputs) { if case .set(let set) = input { sets.insert(set) } }
        let past = RefreshedPast(snapshot, sets: sets)

        let byPast = Dictionary(grouping: tasks) { $0.past.map { ObjectIdentifier($0.past) } }
        var (whole, groups) = (byPast[nil] ?? [], byPast)
        groups[nil] = nil
        for (_, group) in groups.sorted(by: { $0.value[0].due.segment.id < $1.value[0].due.segment.id }) {
            whole += try await computeChanges(group, snapshot, past)
        }
        try await computeWhole(whole, snapshot, past)
        return (rest, problems)
    }

    private mutating func tasks(_ due: [DueSegment], lists: Set<ListID>) async -> ([Task], rest: [Segment]) {
        var (tasks, rest): ([Task], [Segment]) = ([], [])
        for each in due {
            do {
                if let definition = try await segments.rowwise(each.segment, lists: lists) {
                    let past = segments.refreshed.past(of: each.segment, last: each.last)
                    tasks.append(Task(due: each, definition: definition, past: past))
                } else {
                    rest.append(each.segment)
                }
            } catch {
                problems.append((each.segment, "\(error)"))
            }
        }
        return (tasks, rest)
    }

    // MARK: Everybody

    private mutating func computeWhole(_ tasks: [Task], _ snapshot: RefreshSnapshot, _ past: RefreshedPast) async throws
    {
        for start in stride(from: 0, to: tasks.count, by: Self.together) {
            var found: [Found] = []
            for task in tasks[start..<min(start + Self.together, tasks.count)] {
                do {
                    let (members, steps) = try task.definition.members(in: rows(task.definition, snapshot))
                    let file = members.listFile
                    found.append(
                        Found(task: task, count: Int64(members.count), steps: steps, file: file, isWhole: true)
                    )
                } catch {
                    problems.append((task.due.segment, "\(error)"))
                }
            }
            try await record(found, snapshot, past)
        }
    }

    private func rows(_ definition: RowwiseDefinition, _ snapshot: RefreshSnapshot) throws -> RefreshRows {
        var sets: [RefreshInput: Bitset] = [:]
        for input in definition.inputs {
            switch input {
            case .attribute: break
            case .set(let membership): sets[input] = snapshot.set(membership)
            case .file(let file): sets[input] = try segments.files.members(of: file, subscribers: snapshot.subscribers)
            }
        }
        return RefreshRows(profile: snapshot.profile, sets: sets, today: snapshot.today, threads: segments.threads)
    }

    // MARK: Who changed

    /// Computes those whose changes are few and known; gives back the others.
    private mutating func computeChanges(
        _ tasks: [Task],
        _ snapshot: RefreshSnapshot,
        _ past: RefreshedPast
    ) async throws -> [Task] {
        let (inputs, files) = (segments.inputs, segments.files)
        guard let before = tasks.first?.past?.past,
            let changes = try RefreshChanges(
                since: before,
                to: snapshot,
                for: tasks.map(\.definition),
                files: { try files.members(of: $0, subscribers: snapshot.subscribers) },
                threads: segments.threads,
                column: { try HotColumn(decoding: inputs.bytes($0)) }
            )
        else { return tasks }
        let covered = tasks.filter { changes.cover($0.definition) }
        var whole = tasks.filter { !changes.cover($0.definition) }
        for start in stride(from: 0, to: covered.count, by: Self.together) {
            let some = Array(covered[start..<min(start + Self.together, covered.count)])
            let results = some.concurrentMap(threads: segments.threads) { task in
                Result { try Self.found(task, changes, snapshot.subscribers, files, inputs) }
            }
            // What cannot be read is found anew, and written anew with it.
            for (task, result) in zip(some, results) { if case .failure = result { whole.append(task) } }
            try await record(results.compactMap { try? $0.get() }, snapshot, past)
        }
        return whole
    }

    private static func found(
        _ task: Task,
        _ changes: RefreshChanges,
        _ subscribers: Int,
        _ files: MemberFiles,
        _ inputs: StoredInputs
    ) throws -> Found {
        guard let last = task.due.last, let entry = task.past else { throw RefreshError.unknownPast }
        let (old, oldSteps) = try task.definition.members(in: changes.old)
        let (new, newSteps) = try task.definition.members(in: changes.new)
        guard last.steps.count == newSteps.count else { throw RefreshError.unknownPast }
        let steps = last.steps.indices.map { place in
            SegmentStep(
                newSteps[place].kind,
                removed: last.steps[place].removed + newSteps[place].removed - oldSteps[place].removed,
                left: last.steps[place].left + newSteps[place].left - oldSteps[place].left
            )
        }
        let count = last.count + Int64(new.count - old.count)
        var difference = new
        difference.formSymmetricDifference(old)
        var others: [UInt32] = []
        difference.forEach { others.append(changes.chosen[Int($0)]) }
        func found(_ file: [UInt8]?, isWhole: Bool) -> Found {
            Found(task: task, count: count, steps: steps, file: file, isWhole: isWhole)
        }
        guard !others.isEmpty else { return found(nil, isWhole: entry.isWhole) }
        let earlier =
            entry.isWhole
            ? AudienceChanges(whole: last.file, universe: subscribers, indices: [])
            : try AudienceChanges(decoding: inputs.bytes(last.file))
        let changed = earlier.changed(in: others, universe: subscribers)
        let bytes = changed.bytes
        if bytes.count < subscribers / 8 / smallest { return found(bytes, isWhole: false) }
        let whole = try files.members(of: changed.whole, subscribers: subscribers)
        return found(changed.members(of: whole).listFile, isWhole: true)
    }

    // MARK: Results

    private func record(_ found: [Found], _ snapshot: RefreshSnapshot, _ past: RefreshedPast) async throws {
        var names = try segments.host.store(all: found.compactMap(\.file)).makeIterator()
        let recordings = try found.map { each in
            let (segment, last) = (each.task.due.segment, each.task.due.last?.file)
            // Never nil: a name came back for each file, and without a file there is the last audience's.
            guard let file = each.file == nil ? last : names.next() else { throw RefreshError.unknownPast }
            let audience = Audience(
                segment: segment.id,
                revision: segment.revision,
                file: file,
                count: each.count,
                universe: Int64(snapshot.subscribers),
                steps: each.steps,
                load: snapshot.load,
                who: Segments.system,
                at: now.instant
            )
            return segments.recording(audience, of: segment)
        }
        for (recorded, each) in zip(try await segments.store.record(recordings), found) {
            // Nil: somebody is working on it; the next pass sees what they made of it.
            guard let (audience, segment) = recorded else { continue }
            segments.refreshed.keep(segment, audience, isWhole: each.isWhole, past)
        }
    }
}

/// Why members cannot be told from those of before.
private enum RefreshError: Error {
    case unknownPast
}

/// How segments were found last.
final class RefreshMemory: Sendable {
    struct Entry {
        let past: RefreshedPast
        /// Whether the audience's file is a whole one.
        let isWhole: Bool
        fileprivate let audience: Int64
        fileprivate let definition: SegmentDefinition
        fileprivate let scope: OrganisationScope
    }

    private let entries = Mutex<[Int64: Entry]>([:])

    /// How the last audience was found; nil when that was in another way, or of another definition.
    func past(of segment: Segment, last: Audience?) -> Entry? {
        guard let entry = entries.withLock({ $0[segment.id] }), let last, entry.audience == last.id,
            entry.definition == segment.definition, entry.scope == segment.scope
        else { return nil }
        return entry
    }

    func keep(_ segment: Segment, _ audience: Audience, isWhole: Bool, _ past: RefreshedPast) {
        let entry = Entry(
            past: past,
            isWhole: isWhole,
            audience: audience.id,
            definition: segment.definition,
            scope: segment.scope
        )
        entries.withLock { $0[segment.id] = entry }
    }
}
