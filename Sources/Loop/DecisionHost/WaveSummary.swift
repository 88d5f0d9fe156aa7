// What a wave or dry run came to.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
public import Kernel
public import Model

/// What a wave or dry run came to.
public struct WaveSummary: Hashable, Sendable {
    /// Campaign and occurrence.
    public var wave: WaveID
    /// Members per outcome, in the order of checks; outcomes without members are left out.
    public var totals: [OutcomeTotal]
    /// Blocks written; 0 for a dry run.
    public var batches: Int
    /// Hash over all outcomes: equal for a dry run and its wave when their inputs are.
    public var outcomeSHA256: ContentHash

    init(wave: WaveID, result: WaveResult, batches: Int) {
        self.wave = wave
        totals = result.totals
        self.batches = batches
        outcomeSHA256 = result.outcomeSHA256
    }

    /// The summary of a wave that is complete.
    public init(_ state: WaveState) throws {
        guard state.status == .closed, let outcome = state.outcome else {
            throw DecisionError.waveNotClosed(state.wave)
        }
        wave = state.wave
        totals = state.totals
        batches = state.blocks.count
        outcomeSHA256 = outcome
    }

    /// Members of the audience.
    public var target: Int64 { totals.reduce(0) { $0 + $1.count } }

    /// Members with an outcome.
    public func count(_ outcome: Outcome) -> Int64 {
        totals.first { $0.outcome == outcome }?.count ?? 0
    }
}
