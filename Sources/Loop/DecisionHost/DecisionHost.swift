// The one owner of the decision core: orders commands, makes them durable, then lets their effects out.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Dispatch
public import Kernel
public import Model
public import Ports
import Synchronization

/// Steps of the protocol after which a crash must do no harm; tests stop the process at each of them.
public enum ProtocolStep: String, Sendable, CaseIterable {
    /// Work on a batch begins; up to its commit it is in memory only.
    case batchBegun = "batch.begun"
    case waveOpened = "wave.opened"
    case waveSelected = "wave.selected"
    case blocksDecided = "wave.blocks_decided"
    case blocksCommitted = "wave.blocks_committed"
    case waveClosing = "wave.closing"
    case waveClosed = "wave.closed"
    case handOffChecked = "handoff.checked"
    case handOffCommitted = "handoff.committed"
    case submitted = "handoff.submitted"
    case feedbackCommitted = "feedback.committed"
    case reservationsDecided = "reserve.decided"
    case reservationsCommitted = "reserve.committed"
    case checkpointStored = "checkpoint.stored"
    case checkpointCommitted = "checkpoint.committed"
}

/// Why the host refuses a command.
public enum DecisionHostError: CodedError {
    /// A commit failed; nothing is decided until the log takes a probe write.
    case readOnly(cause: String)

    public var code: String { "decision.read_only" }
    public var description: String {
        switch self {
        case .readOnly(let cause):
            "the decision log cannot be written (\(cause)); nothing was decided. Free disk space or repair the disk; "
                + "the next command tries again"
        }
    }
}

/// Owns state and log.
///
/// All commands run one after the other on one thread of its own; single reservations share commits (group commit),
/// everything else commits before it answers.
///
/// Effects of a command become visible to callers only after its batches are durable. When a commit fails the
/// effects are undone in reverse and the host refuses work until a probe of the log succeeds.
public final class DecisionHost: @unchecked Sendable {
    let log: any DecisionLog
    let objects: any ObjectStore
    let threads: Int
    let blocksPerCommit: Int
    let observe: @Sendable (ProtocolStep) -> Void
    let owner = DispatchQueue(label: "gyre.decisions.owner", qos: .userInitiated)
    private let writer = DispatchQueue(label: "gyre.decisions.writer", qos: .userInitiated)

    /// Single requests that wait for the owner, who takes all of them at once.
    let inbox = Mutex(Inbox())

    private let campaignChanges = Mutex<[CampaignID: Int]>([:])

    // Everything below belongs to the owner queue.
    var state: DecisionState
    var builder: LogBuilder
    var resumable: WaveSession?
    var failure: String?
    var pending = Pending()
    var inFlight: InFlight?
    var shadow: Shadow?
    var shadowWave: ShadowWave?
    /// When single requests were served last, and when a wave made room for them last.
    var servedAt = ContinuousClock.now
    var roomMadeAt = ContinuousClock.now
    var checkpoint: Checkpoint?
    var checkpointedAt: Int64

    /// Why the host did not begin at the last checkpoint, one sentence for each that cannot be read; the log says the
    /// same, so that only time was lost.
    public let passedOver: [String]

    /// Folds the log from the last checkpoint on, and is ready to finish a wave that was open when the process ended.
    ///
    /// - Parameters:
    ///   - log: The decision log; this host is its only writer.
    ///   - objects: Content-addressed files; new inputs are stored there.
    ///   - inputs: The same files as the state reads them.
    ///   - threads: Workers for waves; results do not depend on it.
    ///   - blocksPerCommit: Blocks of a wave that are decided and written together; results do not depend on it.
    ///   - observe: Called at each step of the protocol.
    /// - Throws: ``DecisionError/brokenChain(sequence:why:)`` for a damaged log.
    public init(
        log: any DecisionLog,
        objects: any ObjectStore,
        inputs: any DecisionInputs,
        threads: Int,
        blocksPerCommit: Int = 32,
        observe: @escaping @Sendable (ProtocolStep) -> Void = { _ in }
    ) throws {
        self.log = log
        self.objects = objects
        self.threads = threads
        self.blocksPerCommit = max(1, blocksPerCommit)
        self.observe = observe
        let replay = try Replay(fromCheckpointOf: log, inputs: inputs, threads: threads)
        checkpoint = replay.checkpoint
        checkpointedAt = replay.state.sequence
        passedOver = replay.passedOver
        try replay.fold()
        state = replay.state
        builder = replay.builder
        resumable = replay.openSession
    }

    // MARK: Running on the owner

    func onOwner<T>(_ body: @escaping () throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            let work = UncheckedWork(body: body, continuation: continuation)
            owner.async { work.run() }
        }
    }

    /// Reads the state; everything that is durable is visible, and only that.
    public func read<T: Sendable>(_ body: @escaping @Sendable (DecisionState) throws -> T) async throws -> T {
        try await onOwner {
            self.drain()
            return try body(self.state)
        }
    }

    // MARK: Commit

    /// Commits records behind everything pending, all in one, and applies them; used for what is not on a hot path.
    ///
    /// When the commit fails, what was pending is undone and those who wait for it are told.
    func commit(_ records: [LogRecord]) throws {
        guard !records.isEmpty else { return }
        try? land()
        let sent = pending
        pending = Pending()
        if sent.isEmpty { observe(.batchBegun) } else { observe(sent.decided) }
        let decided = sent.records()
        state.order(by: decided)
        var next = builder
        let batches = (decided + records).map { next.batch($0) }
        do {
            try append(batches)
        } catch {
            sent.undo(in: state)
            sent.answer(.failure(error))
            throw error
        }
        builder = next
        sent.answer(.success(()))
        if !sent.isEmpty { observe(sent.committed) }
        for (record, batch) in zip(records, batches.suffix(records.count)) {
            try state.apply(record, sequence: batch.sequence)
        }
    }

    private func append(_ batches: [LogBatch]) throws {
        try probe()
        do {
            try log.append(batches)
        } catch {
            failure = "\(error)"
            throw DecisionHostError.readOnly(cause: "\(error)")
        }
    }

    /// After a failed commit, asks the log where it ends; it must be where the host thinks, or a batch was lost or
    /// doubled.
    func probe() throws {
        guard failure != nil else { return }
        let position: LogPosition
        do {
            position = try log.position()
        } catch {
            throw DecisionHostError.readOnly(cause: "\(error)")
        }
        guard position == builder.position else {
            throw DecisionError.brokenChain(
                sequence: position.sequence,
                why: "after a failed write the log ends at \(position.sequence), expected \(builder.position.sequence)"
            )
        }
        failure = nil
    }

    // MARK: Inputs

    /// Stores a file and returns its name for use in records.
    public func store(_ bytes: [UInt8]) throws -> ContentHash {
        try objects.put(bytes)
    }

    /// Stores many files at once; see `ObjectStore`.
    public func store(all contents: [[UInt8]]) throws -> [ContentHash] {
        try objects.put(all: contents)
    }

    /// Records inputs: lists, attributes, policy, campaigns, ticks.
    ///
    /// They count for every later decision.
    ///
    /// - Throws: ``DecisionError`` for a record that could not be applied; nothing is written then, since what is in the
    ///   log must fold for ever.
    public func record(_ records: [LogRecord]) async throws {
        _ = try await record(records) { _ in true }
    }

    /// Records inputs unless what they were made from has changed meanwhile.
    ///
    /// `holds`: Whether the state is still the one they were made from.
    ///
    /// - Returns: Whether they are recorded.
    public func record(
        _ records: [LogRecord],
        if holds: @escaping @Sendable (DecisionState) -> Bool
    ) async throws -> Bool {
        try await onOwner {
            self.drain()
            guard holds(self.state) else { return false }
            try self.state.check(records)
            try self.commit(records)
            for case .campaignSet(let campaign, _, _) in records {
                self.campaignChanges.withLock { $0[campaign, default: 0] += 1 }
            }
            return true
        }
    }

    /// How often a revision of a campaign was approved since the start: while it is the same, what was read of it holds.
    public func changes(of campaign: CampaignID) -> Int { campaignChanges.withLock { $0[campaign] ?? 0 } }

    /// Moves logical time on; what was reserved too long ago is settled (it left) or released (it never did).
    public func tick(_ time: LocalTime) async throws {
        try await onOwner {
            try self.commit([.tick(time)])
            try self.commit(self.state.expired(at: time))
        }
    }

    /// Moves logical time on when a new month has begun, so that the counters hold it; else nothing happens.
    public func beginMonth(of time: LocalTime) async throws {
        try await onOwner { try self.moveOn(to: time) }
    }

    func moveOn(to time: LocalTime) throws {
        if time.month > state.ledger.currentMonth { try commit([.tick(time)]) }
    }

    /// Keeps the state in files, so that the next start need not fold the log before this position.
    ///
    /// Files that only the checkpoint before needed are removed. Nothing is done while a wave is open.
    ///
    /// `batches`: Nothing is done either when fewer batches came since the checkpoint before.
    public func keepCheckpoint(after batches: Int) async throws {
        try await onOwner {
            self.drain()
            guard self.state.sequence - self.checkpointedAt >= Int64(max(1, batches)), self.state.openWave == nil
            else { return }
            try self.makeCheckpoint()
        }
    }

    /// Keeps the state in files now; the owner calls it while no wave is open.
    func makeCheckpoint() throws {
        observe(.batchBegun)
        let made = try state.checkpoint(at: builder.position, after: checkpoint, threads: threads, in: objects)
        observe(.checkpointStored)
        try commit([.checkpoint(file: made.manifest)])
        let old = checkpoint
        checkpoint = made
        checkpointedAt = state.sequence
        observe(.checkpointCommitted)
        for file in old?.files(notIn: made) ?? [] { try objects.remove(file) }
    }

    // MARK: Writing beside deciding

    /// Sends everything pending to the log in one commit; the owner goes on deciding.
    func send() {
        let sent = pending
        observe(sent.decided)
        pending = Pending()
        let before = builder.position
        let records = sent.records()
        state.order(by: records)
        let batches = records.map { builder.batch($0) }
        state.advance(to: builder.position.sequence)
        let flight = InFlight(batches: batches, before: before, pending: sent)
        inFlight = flight
        inbox.withLock { $0.isWriting = true }
        writer.async { [self] in
            let result = Result { try log.append(flight.batches) }
            if case .success = result { observe(flight.pending.committed) }
            flight.complete(result.mapError { DecisionHostError.readOnly(cause: "\($0)") })
            owner.async { [self] in
                if inFlight === flight { try? land() }
                serveInbox()
            }
        }
    }

    /// Waits for the write under way; when it failed, everything decided since is undone in reverse.
    func land() throws {
        guard let flight = inFlight else { return }
        inFlight = nil
        inbox.withLock { $0.isWriting = false }
        guard case .failure(let error) = flight.wait() else { return }
        failure = "\(error)"
        let lost = pending
        pending = Pending()
        lost.undo(in: state)
        flight.pending.undo(in: state)
        state.advance(to: flight.before.sequence)
        builder = LogBuilder(position: flight.before)
        lost.answer(.failure(error))
        throw error
    }

    /// Makes everything decided so far durable, or undoes it; those who wait for it are told, the next command tries
    /// anew.
    func drain() {
        try? land()
        guard !pending.isEmpty else { return }
        send()
        try? land()
    }
}

/// A command on its way to the owner.
private struct UncheckedWork<T>: @unchecked Sendable {
    let body: () throws -> T
    let continuation: CheckedContinuation<T, any Error>

    func run() {
        continuation.resume(with: Result { try body() })
    }
}
