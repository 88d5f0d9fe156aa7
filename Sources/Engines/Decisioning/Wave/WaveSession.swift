// One wave from selection to totals. Pure: it says which records to write; the host writes them.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
public import Kernel
public import Model

/// How much of a wave may be done before others are let in.
public enum WavePace: Hashable, Sendable {
    /// Part of a block, a fraction of a millisecond, where it can be done in parts.
    case part
    /// Some blocks side by side, milliseconds each.
    case blocks(Int)

    /// Whole blocks, one at least, for what cannot be done in parts.
    public var blocks: Int {
        switch self {
        case .part: 1
        case .blocks(let count): max(1, count)
        }
    }
}

/// A wave that is being decided.
///
/// The selection is made from the state as it is when the session starts; blocks are decided in ascending order
/// against the counters as they are then. A dry run makes the same decisions and counts nothing.
public final class WaveSession {
    /// Campaign and occurrence.
    public let wave: WaveID
    /// Blocks that hold audience members, ascending.
    public let blocks: [Int]
    /// Whether nothing is reserved.
    public let isDryRun: Bool
    /// What was decided so far.
    public private(set) var result = WaveResult()
    private let plan: WavePlan
    private var selection: WaveSelection?
    private let ledger: ContactLedger
    private let journal: OfferJournal
    private let threads: Int

    /// Looks up everything a wave needs; ``select(pace:)`` comes next.
    ///
    /// `spec`: The campaign as a draft, live for the sake of the rehearsal; nil = as the log knows it.
    /// `readsAssignment`: False to see whom the campaign could have without arbitration.
    /// `given`: Outcomes of members who were erased since, as the log has them.
    /// - Throws: ``DecisionError`` when the campaign, policy or profile is missing, or the policy's or campaign's
    ///   expressions cannot be evaluated.
    public init(
        state: DecisionState,
        wave: WaveID,
        planned: LocalTime,
        audience: Bitset,
        isDryRun: Bool,
        threads: Int,
        spec: CampaignSpec? = nil,
        readsAssignment: Bool = true,
        given: [UInt32: Outcome] = [:]
    ) throws {
        self.wave = wave
        self.isDryRun = isDryRun
        self.threads = max(1, threads)
        ledger = state.ledger
        journal = state.journal
        let plan = try state.plan(
            wave: wave,
            planned: planned,
            audience: audience,
            spec: spec,
            readsAssignment: readsAssignment,
            given: given
        )
        self.plan = plan
        blocks = (0..<plan.blocks).filter { plan.hasMembers(block: $0) }
    }

    /// Makes all checks on the whole audience (pass 1) as of now.
    ///
    /// `pace`: Called before each slice; says how much the slice may hold. Single reservations it makes do not change the
    /// selection.
    public func select(pace: () -> WavePace = { .blocks(.max) }) {
        selection = WaveSelection.select(plan, ledger: ledger, journal: journal, threads: threads, pace: pace)
    }

    /// Cuts where somebody else did.
    ///
    /// Returns whether these can be the cuts of a selection that had up to `missing` members more to rank.
    func cut(at cuts: [RankCut], missing: Int) -> Bool {
        selected.cut(at: cuts)
        return selected.cutsArePossible(missing: missing)
    }

    /// Members that passed every check up to the ranking, whatever rank they have.
    ///
    /// `between`: Called again and again meanwhile.
    public func candidates(between: () -> Void = {}) -> WaveCandidates {
        var candidates = WaveCandidates()
        for (block, survivors) in selected.survivors.enumerated() {
            between()
            for survivor in survivors {
                let index = UInt32(block * Block.size + survivor.offset)
                if plan.keptByQuietHours?.contains(index) == true { continue }
                candidates.indices.append(index)
                candidates.scores.append(survivor.score)
                candidates.controls.append(survivor.isControl)
            }
        }
        return candidates
    }

    /// Where ranking, capacity and budget cut.
    public var cuts: [RankCut] { selected.cuts }

    private var selected: WaveSelection {
        guard let selection else { preconditionFailure("a wave is selected before it is decided") }
        return selection
    }

    /// Decides some blocks (pass 2); contacts are reserved unless this is a dry run.
    ///
    /// - Returns: One ``LogRecord/waveBlock(_:block:outcomes:)`` per block, in the order given.
    public func decide(_ blocks: some Collection<Int>) -> [LogRecord] {
        let wanted = Array(blocks)
        let found = Shared([BlockDecision?](repeating: nil, count: wanted.count))
        found.withBuffer { buffer in
            let target = UncheckedBuffer(buffer)
            let session = UncheckedSession(selection: selected, ledger: ledger, isDryRun: isDryRun)
            let workers = min(threads, wanted.count)
            guard workers > 0 else { return }
            DispatchQueue.concurrentPerform(iterations: workers) { worker in
                for position in stride(from: worker, to: wanted.count, by: workers) {
                    target.buffer[position] = session.selection.decide(
                        block: wanted[position],
                        ledger: session.ledger,
                        isDryRun: session.isDryRun
                    )
                }
            }
        }
        return found.value.compactMap { decision in
            guard let decision else { return nil }
            result.add(decision.outcomes, block: decision.block, digest: decision.digest)
            return .waveBlock(wave, block: Int32(decision.block), outcomes: decision.outcomes)
        }
    }

    /// Adds a block that was decided before a restart, so that totals and hash are those of the whole wave.
    public func adopt(block: Int, outcomes: BlockOutcomes) {
        result.add(outcomes, block: block, digest: .sha256(outcomes.bytes))
    }

    /// The record that closes the wave.
    public var closing: LogRecord {
        .waveClosed(wave, totals: result.totals, outcome: result.outcomeSHA256)
    }
}

/// What workers share; each works on blocks of its own.
private struct UncheckedSession: @unchecked Sendable {
    let selection: WaveSelection
    let ledger: ContactLedger
    let isDryRun: Bool
}
