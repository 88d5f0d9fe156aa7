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
    /// Changes in a row, after which a whole file is written; a few more for some, so that not all are written at once.
    private static func most(_ segment: Segment) -> Int { 16 + Int(segment.id % 16) }

    private let segments: Segments
    private let now: LocalTime

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
        /// Changes that the file follows; 0 = it is a whole one.
        let depth: Int
    }

    /// Segments that are found and recorded together, so that what is found is recorded soon and memory stays small.
    private static let together = 64

    /// Computes segments.
    ///
    /// - Returns: Those that are to be found in another way, and those that failed.
    func compute(_ due: [DueSegment]) async throws -> (rest: [Segment], problems: [SegmentProblem]) {
        guard let snapshot = try await RefreshSnapshot(of: segments.host, today: now.day) else {
            return (due.map(\.segment), [])
        }
        var (tasks, rest, problems): ([Task], [Segment], [SegmentProblem]) = ([], [], [])
        let scope = RuleScope(try segments.inputs.catalogue(snapshot.catalogue), lists: snapshot.lists.keys)
        let memory = segments.refreshed
        memory.checkAnew(unless: RefreshMemory.Names(catalogue: snapshot.catalogue, lists: Set(snapshot.lists.keys)))
        for each in due {
            do {
                if let definition = try memory.definition(
                    of: each.segment,
                    { try Segments.rowwise($0, scope, snapshot.lists) }
                ) {
                    let past = memory.past(of: each.segment, last: each.last, segments.inputs)
                    tasks.append(Task(due: each, definition: definition, past: past))
                } else {
                    rest.append(each.segment)
                }
            } catch {
                problems.append((each.segment, "\(error)"))
            }
        }
        guard !tasks.isEmpty else {
            memory.forgetValues(unless: snapshot.columns)
            return (rest, problems)
        }
        let past = try RefreshedPast(
            snapshot,
            inputs: tasks.reduce(into: []) { $0.formUnion($1.definition.inputs) },
            before: memory.latest ?? tasks.lazy.compactMap(\.past).first?.past,
            store: segments.host.store(all:)
        )
        let byPast = Dictionary(grouping: tasks) { $0.past.map { ObjectIdentifier($0.past) } }
        var (whole, groups) = (byPast[nil] ?? [], byPast)
        groups[nil] = nil
        for (_, group) in groups.sorted(by: { $0.value[0].due.segment.id < $1.value[0].due.segment.id }) {
            whole += try await computeChanges(group, snapshot, past)
        }
        problems += try await computeWhole(whole, snapshot, past)
        return (rest, problems)
    }

    /// Finds some segments after the others; while they are found, those before are recorded.
    private func inTurns(
        _ tasks: [Task],
        _ snapshot: RefreshSnapshot,
        _ past: RefreshedPast,
        find: ([Task]) -> [Found]
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { recordings in
            for start in stride(from: 0, to: tasks.count, by: Self.together) {
                let found = find(Array(tasks[start..<min(start + Self.together, tasks.count)]))
                try await recordings.next()
                recordings.addTask { try await record(found, snapshot, past) }
            }
            try await recordings.waitForAll()
        }
    }

    // MARK: Everybody

    private func computeWhole(
        _ tasks: [Task],
        _ snapshot: RefreshSnapshot,
        _ past: RefreshedPast
    ) async throws -> [SegmentProblem] {
        var problems: [SegmentProblem] = []
        try await inTurns(tasks, snapshot, past) { tasks in
            tasks.compactMap { task in
                do {
                    let (members, steps) = try task.definition.members(in: rows(task.definition, snapshot))
                    let (count, file) = (Int64(members.count), members.listFile)
                    return Found(task: task, count: count, steps: steps, file: file, depth: 0)
                } catch {
                    problems.append((task.due.segment, "\(error)"))
                    return nil
                }
            }
        }
        return problems
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
        return RefreshRows(
            profile: snapshot.profile,
            sets: sets,
            present: snapshot.present,
            today: snapshot.today,
            threads: segments.threads
        )
    }

    // MARK: Who changed

    /// Computes those whose changes are few and known; gives back the others.
    private func computeChanges(
        _ tasks: [Task],
        _ snapshot: RefreshSnapshot,
        _ past: RefreshedPast
    ) async throws -> [Task] {
        let (inputs, files, threads) = (segments.inputs, segments.files, segments.threads)
        guard let before = tasks.first?.past?.past,
            let changes = try RefreshChanges(
                since: before,
                to: snapshot,
                for: tasks.map(\.definition),
                files: { try files.members(of: $0, subscribers: snapshot.subscribers) },
                threads: threads,
                column: { try HotColumn(decoding: inputs.bytes($0)) }
            )
        else { return tasks }
        let chosen = try segments.host.store(changes.changed.listFile)
        var whole = tasks.filter { !changes.cover($0.definition) }
        try await inTurns(tasks.filter { changes.cover($0.definition) }, snapshot, past) { some in
            let results = some.concurrentMap(threads: threads) { task in
                Result { try Self.found(task, changes, snapshot.subscribers, chosen, files) }
            }
            // What cannot be read is found anew, and written anew with it.
            for (task, result) in zip(some, results) { if case .failure = result { whole.append(task) } }
            return results.compactMap { try? $0.get() }
        }
        return whole
    }

    private static func found(
        _ task: Task,
        _ changes: RefreshChanges,
        _ subscribers: Int,
        _ chosen: ContentHash,
        _ files: MemberFiles
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
        let count = last.count + (newSteps.last?.left ?? 0) - (oldSteps.last?.left ?? 0)
        func found(_ file: [UInt8]?, depth: Int) -> Found {
            Found(task: task, count: count, steps: steps, file: file, depth: depth)
        }
        var difference = new
        difference.formSymmetricDifference(old)
        guard !difference.isEmpty else { return found(nil, depth: entry.depth) }
        guard entry.depth < most(task.due.segment) else {
            var members = try files.members(of: last.file, subscribers: subscribers)
            members.formSymmetricDifference(difference.spread(over: changes.changed))
            return found(members.listFile, depth: 0)
        }
        let change = AudienceDelta(
            after: last.file,
            depth: entry.depth,
            of: chosen,
            universe: subscribers,
            difference
        )
        return found(change.bytes, depth: change.depth)
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
                lookedAt: Audience.LookedAt(file: past.file, scope: segment.scope),
                facts: each.task.due.facts,
                who: Segments.system,
                at: now.instant
            )
            return segments.recording(audience, of: segment)
        }
        for (recorded, each) in zip(try await segments.store.record(recordings), found) {
            // Nil: somebody is working on it; the next pass sees what they made of it.
            guard let (audience, _) = recorded else { continue }
            segments.refreshed.keep(audience, depth: each.depth, past)
        }
    }
}

/// Why members cannot be told from those of before.
private enum RefreshError: Error {
    case unknownPast
}
