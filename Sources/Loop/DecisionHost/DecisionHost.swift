// The one owner of the decision core: orders commands, makes them durable, then lets their effects out.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Dispatch
public import Kernel
public import Model
public import Ports

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
    private let log: any DecisionLog
    private let objects: any ObjectStore
    private let threads: Int
    private let blocksPerCommit: Int
    private let observe: @Sendable (ProtocolStep) -> Void
    private let owner = DispatchQueue(label: "gyre.decisions.owner", qos: .userInitiated)
    private let writer = DispatchQueue(label: "gyre.decisions.writer", qos: .userInitiated)

    // Everything below belongs to the owner queue.
    private var state: DecisionState
    private var builder: LogBuilder
    private var resumable: WaveSession?
    private var failure: String?
    private var pending = PendingReservations()
    private var inFlight: InFlight?
    private var checkpoint: Checkpoint?
    private var checkpointedAt: Int64

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

    private func onOwner<T>(_ body: @escaping () throws -> T) async throws -> T {
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

    /// Commits records and applies them; used for everything that is not on a hot path.
    private func commit(_ records: [LogRecord]) throws {
        guard !records.isEmpty else { return }
        drain()
        observe(.batchBegun)
        var next = builder
        let batches = records.map { next.batch($0) }
        try append(batches)
        builder = next
        for (record, batch) in zip(records, batches) { try state.apply(record, sequence: batch.sequence) }
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
    private func probe() throws {
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

    /// Records inputs: lists, attributes, policy, campaigns, ticks.
    ///
    /// They count for every later decision.
    ///
    /// - Throws: ``DecisionError`` for a record that could not be applied; nothing is written then, since what is in the
    ///   log must fold for ever.
    public func record(_ records: [LogRecord]) async throws {
        try await onOwner {
            self.drain()
            try self.state.check(records)
            try self.commit(records)
        }
    }

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

    private func moveOn(to time: LocalTime) throws {
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
            self.observe(.batchBegun)
            let made = try self.state.checkpoint(
                at: self.builder.position,
                after: self.checkpoint,
                threads: self.threads,
                in: self.objects
            )
            self.observe(.checkpointStored)
            try self.commit([.checkpoint(file: made.manifest)])
            let old = self.checkpoint
            self.checkpoint = made
            self.checkpointedAt = self.state.sequence
            self.observe(.checkpointCommitted)
            for file in old?.files(notIn: made) ?? [] { try self.objects.remove(file) }
        }
    }

    // MARK: Waves

    /// Runs a wave over an audience, or returns the result of the one that already ran under this id.
    ///
    /// A wave that was open when the process ended is resumed at the first block that is not in the log.
    public func run(wave: WaveID, planned: LocalTime, audience: Bitset) async throws -> WaveSummary {
        try await onOwner {
            self.drain()
            if let done = self.state.waves[wave], done.status != .open { return try WaveSummary(done) }
            if let open = self.state.openWave {
                guard open.wave == wave, let session = self.resumable else { throw DecisionError.waveOpen(open.wave) }
                return try self.finish(session, after: open)
            }
            return try self.start(wave, planned: planned, audience: audience)
        }
    }

    /// Makes the decisions of a wave without reserving or logging anything.
    public func dryRun(wave: WaveID, planned: LocalTime, audience: Bitset) async throws -> WaveSummary {
        try await onOwner {
            self.drain()
            let session = try WaveSession(
                state: self.state,
                wave: wave,
                planned: planned,
                audience: audience,
                isDryRun: true,
                threads: self.threads
            )
            _ = session.decide(session.blocks)
            return WaveSummary(wave: wave, result: session.result, batches: 0)
        }
    }

    /// Makes the decisions of a campaign that the log need not know yet: a draft's dry run.
    public func rehearse(
        _ spec: CampaignSpec,
        occurrence: Int32,
        planned: LocalTime,
        audience: Bitset
    ) async throws -> WaveSummary {
        try await onOwner {
            self.drain()
            let wave = WaveID(campaign: spec.id, occurrence: occurrence)
            let session = try WaveSession(
                state: self.state,
                wave: wave,
                planned: planned,
                audience: audience,
                isDryRun: true,
                threads: self.threads,
                spec: spec
            )
            _ = session.decide(session.blocks)
            return WaveSummary(wave: wave, result: session.result, batches: 0)
        }
    }

    /// The occurrence the next wave of a campaign gets.
    public func nextOccurrence(of campaign: CampaignID) async throws -> Int32 {
        try await read { state in
            (state.waves.keys.filter { $0.campaign == campaign }.map(\.occurrence).max() ?? 0) + 1
        }
    }

    /// Finishes the wave that was open when the process ended, if there is one.
    public func resume() async throws -> WaveSummary? {
        try await onOwner {
            guard let open = self.state.openWave, let session = self.resumable else { return nil }
            return try self.finish(session, after: open)
        }
    }

    /// Gives up the open wave; all its reservations are released.
    public func abort(_ wave: WaveID) async throws {
        try await onOwner {
            try self.commit([.waveAborted(wave)])
            self.resumable = nil
        }
    }

    private func start(_ wave: WaveID, planned: LocalTime, audience: Bitset) throws -> WaveSummary {
        guard let campaign = state.campaigns[wave.campaign] else { throw DecisionError.unknownCampaign(wave.campaign) }
        observe(.batchBegun)
        let file = try objects.put(audience.listFile)
        // The selection is made before the wave is announced: what cannot be evaluated never opens.
        let session = try WaveSession(
            state: state,
            wave: wave,
            planned: planned,
            audience: audience,
            isDryRun: false,
            threads: threads
        )
        try commit([
            .waveOpened(
                wave,
                planned: planned,
                audience: file,
                policyRevision: Int32(state.policy?.revision ?? 0),
                campaignRevision: Int32(campaign.spec.revision)
            )
        ])
        resumable = session
        observe(.waveOpened)
        guard let open = state.openWave else { throw DecisionError.unknownWave(wave) }
        return try finish(session, after: open)
    }

    /// Writes what is missing of an open wave: the cuts, the undecided blocks, the end.
    private func finish(_ session: WaveSession, after open: WaveState) throws -> WaveSummary {
        if open.cuts == nil {
            try commit([.waveSelected(session.wave, cuts: session.cuts)])
            observe(.waveSelected)
        }
        try probe()
        let missing = session.blocks.filter { open.blocks[$0] == nil }
        for start in stride(from: 0, to: missing.count, by: blocksPerCommit) {
            try commitBlocks(session, missing[start..<min(start + blocksPerCommit, missing.count)])
        }
        try waitForBlocks()
        observe(.waveClosing)
        try commit([session.closing])
        resumable = nil
        observe(.waveClosed)
        return WaveSummary(wave: session.wave, result: session.result, batches: session.blocks.count)
    }

    /// Decides blocks while the ones before are being written.
    private func commitBlocks(_ session: WaveSession, _ blocks: ArraySlice<Int>) throws {
        observe(.batchBegun)
        let records = session.decide(blocks)
        for record in records { try state.apply(record, sequence: state.sequence, countsContacts: false) }
        observe(.blocksDecided)
        do {
            try waitForBlocks()
        } catch {
            takeBack(session.wave, blocks)
            throw error
        }
        let before = builder.position
        let batches = records.map { builder.batch($0) }
        state.advance(to: builder.position.sequence)
        launch(
            InFlight(batches: batches, before: before) { [self] in
                takeBack(session.wave, blocks)
                state.advance(to: before.sequence)
            }
        )
    }

    private func takeBack(_ wave: WaveID, _ blocks: ArraySlice<Int>) {
        for block in blocks.reversed() { state.undoReserve(wave, block: block) }
    }

    private func waitForBlocks() throws {
        try land()
        observe(.blocksCommitted)
    }

    // MARK: Writing beside deciding

    /// Starts writing; the owner goes on deciding.
    private func launch(_ flight: InFlight) {
        inFlight = flight
        writer.async { [self] in
            flight.complete(Result { try log.append(flight.batches) })
            owner.async { [self] in
                guard inFlight === flight else { return }
                try? land()
                if failure == nil, !pending.isEmpty { send() }
            }
        }
    }

    /// Waits for the write under way; when it failed, everything decided since is undone in reverse.
    private func land() throws {
        guard let flight = inFlight else { return }
        inFlight = nil
        guard case .failure(let error) = flight.wait() else { return }
        failure = "\(error)"
        let refusal = DecisionHostError.readOnly(cause: "\(error)")
        pending.fail(refusal, in: state)
        pending = PendingReservations()
        flight.undo()
        builder = LogBuilder(position: flight.before)
        throw refusal
    }

    /// Makes everything decided so far durable, or undoes it; those who wait for it are told, the next command tries
    /// anew.
    private func drain() {
        try? land()
        guard !pending.isEmpty else { return }
        send()
        try? land()
    }

    // MARK: Single reservations

    /// Reserves one contact outside a wave; answers after the commit that holds it.
    ///
    /// The same request id gets the same answer again.
    ///
    /// `day`: The local day of the contact; its month is the month it counts in.
    public func reserve(_ reservation: SingleReservation, on day: LocalDay) async throws -> SingleAnswer {
        try await withCheckedThrowingContinuation { continuation in
            owner.async { [self] in
                do {
                    try probe()
                    if pending.isEmpty { observe(.batchBegun) }
                    let request = reservation.request
                    let isNew = state.singles[request] == nil && state.concluded[request] == nil
                    let answer = try state.reserve(reservation, on: day)
                    pending.add(answer == .reserved && isNew ? .reserved(reservation) : nil, answer, continuation)
                    if inFlight == nil { send() }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Settles (contact made) or releases (given back) a single reservation; repeats change nothing.
    public func conclude(_ conclusion: SingleConclusion) async throws -> SingleAnswer {
        try await withCheckedThrowingContinuation { continuation in
            owner.async { [self] in
                do {
                    try probe()
                    if pending.isEmpty { observe(.batchBegun) }
                    var conclusion = conclusion
                    let open = state.conclude(conclusion)
                    // The log keeps it where the reservation is, whatever index the caller gave.
                    if let open { conclusion.index = open.index }
                    pending.add(open.map { .concluded(conclusion, $0) }, .concluded, continuation)
                    if inFlight == nil { send() }
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }

    /// Sends everything pending to the log in one commit.
    private func send() {
        observe(.reservationsDecided)
        let sent = pending
        pending = PendingReservations()
        let before = builder.position
        let batches = sent.records().map { builder.batch($0) }
        state.advance(to: builder.position.sequence)
        let observe = observe
        let flight = InFlight(batches: batches, before: before) { [self] in
            sent.undo(in: state)
            state.advance(to: before.sequence)
        } landed: { result in
            if case .success = result { observe(.reservationsCommitted) }
            sent.answer(result.mapError { DecisionHostError.readOnly(cause: "\($0)") })
        }
        launch(flight)
    }

    // MARK: Hand-off and feedback

    /// Makes the second check on members of one block that have not left, and makes their leaving durable.
    ///
    /// `range`: Offsets inside the block.
    /// `time`: Asked when the command's turn has come: what waited behind a wave leaves then, not when it was given.
    /// `reachable`: Says whether a subscriber has a number of its own now.
    /// **Returns**: Who may leave now, who was dropped, or why everybody has to wait.
    public func handOff(
        _ wave: WaveID,
        block: Int,
        range: Range<Int>,
        at time: @autoclosure @escaping @Sendable () -> LocalTime,
        reachable: @escaping @Sendable (SubscriberIndex) -> Bool
    ) async throws -> SecondCheck {
        try await onOwner {
            self.drain()
            let time = time()
            // Contacts count in the month they are made, which the counters must hold.
            try self.moveOn(to: time)
            let check = try self.state.secondCheck(wave, block: block, range: range, at: time, reachable: reachable)
            guard !check.isEmpty else { return check }
            self.observe(.handOffChecked)
            try self.commit([
                .handedOff(
                    wave,
                    block: Int32(block),
                    from: Int32(range.lowerBound),
                    to: Int32(range.upperBound),
                    at: time,
                    drops: check.drops
                )
            ])
            self.observe(.handOffCommitted)
            return check
        }
    }

    /// Records what came back for some subscribers of a wave.
    public func feedback(
        _ wave: WaveID,
        _ kind: FeedbackKind,
        _ members: [SubscriberIndex],
        at time: LocalTime
    ) async throws {
        guard !members.isEmpty else { return }
        let byBlock = Dictionary(grouping: members, by: \.block).sorted { $0.key < $1.key }
        let records = byBlock.map { block, members in
            LogRecord.feedback(
                wave,
                block: Int32(block),
                kind: kind,
                members: BlockSet(members.map { UInt16($0.offset) }),
                at: time
            )
        }
        try await onOwner {
            try self.commit(records)
            self.observe(.feedbackCommitted)
        }
    }

    /// Releases everything of a wave that has not left, for example when its campaign is stopped.
    public func releaseUnsent(_ wave: WaveID) async throws {
        try await onOwner {
            guard let state = self.state.waves[wave] else { throw DecisionError.unknownWave(wave) }
            try self.commit(
                state.blocks.sorted { $0.key < $1.key }.compactMap { block, members in
                    let unsent = members.open.subtracting(members.handedOff)
                    return unsent.isEmpty ? nil : .released(wave, block: Int32(block), members: unsent)
                }
            )
        }
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
