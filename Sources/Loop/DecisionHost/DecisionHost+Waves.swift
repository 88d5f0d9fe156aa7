// Waves: run, rehearse, resume, abort. Single requests are served between two slices of a wave.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Dispatch
import Foundation
public import Kernel
public import Model
import Ports

extension DecisionHost {
    /// Runs a wave over an audience, or returns the result of the one that already ran under this id.
    ///
    /// A wave that was open when the process ended is resumed at the first block that is not in the log.
    public func run(wave: WaveID, planned: LocalTime, audience: Bitset) async throws -> WaveSummary {
        // Stored before the owner is asked: who waits for it need not wait for the disk.
        let file = try objects.put(audience.listFile)
        return try await onOwner {
            self.drain()
            if let done = self.state.waves[wave], done.status != .open { return try WaveSummary(done) }
            if let open = self.state.openWave {
                guard open.wave == wave, let session = self.resumable else { throw DecisionError.waveOpen(open.wave) }
                return try self.finish(session, after: open)
            }
            return try self.start(wave, planned: planned, audience: audience, file: file)
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
            self.decideOnly(session)
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
            self.decideOnly(session)
            return WaveSummary(wave: wave, result: session.result, batches: 0)
        }
    }

    /// Everybody in an audience whom a campaign may contact as things are, whatever rank they have and whatever an
    /// arbitration said; the campaign may be one that the log does not know yet.
    public func candidates(of spec: CampaignSpec, planned: LocalTime, audience: Bitset) async throws -> WaveCandidates {
        try await onOwner {
            self.drain()
            let session = try WaveSession(
                state: self.state,
                wave: WaveID(campaign: spec.id, occurrence: 1),
                planned: planned,
                audience: audience,
                isDryRun: true,
                threads: self.threads,
                spec: spec,
                readsAssignment: false
            )
            session.select { self.makeRoom() }
            return session.candidates { _ = self.makeRoom() }
        }
    }

    /// Makes all decisions of a dry run, and serves who waits.
    private func decideOnly(_ session: WaveSession) {
        session.select { self.makeRoom() }
        var rest = session.blocks[...]
        while !rest.isEmpty {
            let slice = rest.prefix(makeRoom().blocks)
            rest = rest.dropFirst(slice.count)
            _ = session.decide(slice)
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

    private func start(
        _ wave: WaveID,
        planned: LocalTime,
        audience: Bitset,
        file: ContentHash
    ) throws -> WaveSummary {
        guard let campaign = state.campaigns[wave.campaign] else { throw DecisionError.unknownCampaign(wave.campaign) }
        // Before the plan: requests that are let in while the shadow selects belong to what the wave finds.
        shadowWave = shadowWave(wave, planned: planned, audience: audience)
        state.prepareWaves { _ = makeRoom() }
        // What is being written may fail alone; what is pending fails with the opening.
        serveWhileWriting()
        try land()
        // The plan is made before the wave is announced: what cannot be evaluated never opens. The selection is that of
        // this position of the log, whatever single requests come between.
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
        session.select { self.makeRoom() }
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
        var missing = missingBlocks(of: session)[...]
        var width = isBusyWithRequests ? 1 : threads
        while !missing.isEmpty {
            let slice = missing.prefix(width)
            missing = missing.dropFirst(slice.count)
            try decide(slice, of: session)
            width = makeRoom().blocks
            if let failure { throw DecisionHostError.readOnly(cause: failure) }
        }
        serveWhileWriting()
        try land()
        guard missingBlocks(of: session).isEmpty else {
            // A request that came after a failed commit found the log well again; the blocks of that commit are lost.
            throw DecisionHostError.readOnly(cause: "a commit with blocks of the wave failed")
        }
        observe(.waveClosing)
        // With the last blocks.
        try commit([session.closing])
        resumable = nil
        observe(.waveClosed)
        if let shadowWave { add(shadowWave) }
        shadowWave = nil
        return WaveSummary(wave: session.wave, result: session.result, batches: session.blocks.count)
    }

    /// Blocks of a wave that are not decided, or whose commit failed.
    private func missingBlocks(of session: WaveSession) -> [Int] {
        let decided = state.waves[session.wave]?.blocks ?? [:]
        return session.blocks.filter { decided[$0] == nil }
    }

    /// Decides some blocks while those before are being written, and serves who waits.
    private func decide(_ blocks: ArraySlice<Int>, of session: WaveSession) throws {
        if pending.blocks == 0 { observe(.batchBegun) }
        let shadow = shadowWave.flatMap { $0.wave == session.wave ? $0 : nil }
        let shadowed = shadow?.decide(blocks) ?? []
        let decided = session.decide(blocks)
        shadow?.compare(decided, with: shadowed)
        for (block, record) in zip(blocks, decided) {
            try state.apply(record, sequence: state.sequence, countsContacts: false)
            pending.add(record, of: session.wave, block: block)
        }
        // A request's commit comes after the one under way: while requests come, those of a wave are short.
        if pending.blocks >= (isBusyWithRequests ? max(1, blocksPerCommit / 8) : blocksPerCommit) {
            serveWhileWriting()
            // What was served meanwhile may have taken the blocks along.
            if pending.blocks > 0 {
                try land()
                send()
            }
        }
    }

    /// Serves who waits between two slices of a wave; while requests come, the wave takes a quarter of the owner's time.
    ///
    /// A wave can wait and a customer cannot: both decide on the same cores that read and write the requests.
    /// - Returns: How much the next slice may hold.
    func makeRoom() -> WavePace {
        let begin = ContinuousClock.now
        let end = begin + min(begin - roomMadeAt, Self.patience) * 3
        serveInbox()
        while case let now = ContinuousClock.now, now < end, now - servedAt < Self.patience { serveInboxSoon() }
        roomMadeAt = .now
        return isBusyWithRequests ? .part : .blocks(threads)
    }

    /// Whether somebody was served a moment ago.
    private var isBusyWithRequests: Bool { ContinuousClock.now - servedAt < Self.patience }

    /// For so long after the last request the next one is awaited.
    private static let patience = Duration.milliseconds(5)

    /// Serves who waits until what is being written now is durable, or failed to be.
    private func serveWhileWriting() {
        guard let flight = inFlight else { return }
        while !flight.isDone {
            usleep(200)
            // Once it is done, whoever asked for it goes first: serving would begin the next write.
            if !flight.isDone { serveInbox() }
        }
    }

    /// Serves who comes within a fraction of a millisecond.
    private func serveInboxSoon() {
        usleep(200)
        serveInbox()
    }
}
