// A policy beside the live one: it decides everything again, without effect.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
public import Kernel
public import Model

/// A shadow at work.
struct Shadow {
    var policy: ShadowPolicy
    var status: ShadowStatus
}

/// Which policy runs beside the live one, since when, and what it found.
public struct ShadowStatus: Hashable, Sendable {
    /// Whose contents they are: the number of a draft.
    public var draft: Int64
    /// The version of the draft.
    public var version: Int
    /// The policy.
    public var policy: ContactPolicy
    /// Since when.
    public var since: LocalTime
    /// How decisions would differ.
    public var report = ShadowReport()
}

extension DecisionHost {
    /// Lets a policy decide beside the live one from now on; another that ran is ended.
    ///
    /// It costs as much time as the decisions themselves, and changes nothing. It ends with the process.
    public func startShadow(_ policy: ContactPolicy, draft: Int64, version: Int, at time: LocalTime) async throws {
        try await onOwner {
            let status = ShadowStatus(draft: draft, version: version, policy: policy, since: time)
            self.shadow = Shadow(policy: ShadowPolicy(policy), status: status)
        }
    }

    /// Ends the shadow.
    ///
    /// - Returns: What it found; nil when none ran.
    public func stopShadow() async throws -> ShadowStatus? {
        try await onOwner {
            defer { self.shadow = nil }
            return self.shadow?.status
        }
    }

    /// What the shadow found so far; nil when none runs.
    public func shadowStatus() async throws -> ShadowStatus? {
        try await onOwner { self.shadow?.status }
    }

    /// Decides a request again that was just decided and not taken yet.
    func shadow(_ decision: OfferDecision) {
        guard let shadow else { return }
        do {
            let other = try state.under(shadow.policy) { try state.decide(decision.answer.request) }
            self.shadow?.status.report.add(decision.answer, shadow: other.answer)
        } catch {
            self.shadow?.status.report.fail(error)
        }
    }

    /// The same wave under the shadow, selected as of now; nil when none runs or it cannot decide.
    func shadowWave(_ wave: WaveID, planned: LocalTime, audience: Bitset) -> ShadowWave? {
        guard let shadow else { return nil }
        do {
            let session = try state.under(shadow.policy) {
                try WaveSession(
                    state: state,
                    wave: wave,
                    planned: planned,
                    audience: audience,
                    isDryRun: true,
                    threads: threads
                )
            }
            session.select { self.makeRoom() }
            return ShadowWave(session: session, comparison: ShadowReport.Wave(wave: wave, planned: planned))
        } catch {
            self.shadow?.status.report.fail(error)
            return nil
        }
    }

    /// Adds a wave that ended.
    func add(_ wave: ShadowWave) {
        if let problem = wave.problem {
            shadow?.status.report.fail(problem)
        } else {
            shadow?.status.report.add(wave.comparison)
        }
    }
}

/// A wave that is decided under the shadow, block by block with the real one.
final class ShadowWave {
    var wave: WaveID { comparison.wave }
    private let session: WaveSession
    private(set) var comparison: ShadowReport.Wave
    private(set) var problem: (any Error)?

    init(session: WaveSession, comparison: ShadowReport.Wave) {
        self.session = session
        self.comparison = comparison
    }

    /// What the shadow gives for some blocks, before the real wave reserves there.
    func decide(_ blocks: ArraySlice<Int>) -> [LogRecord] { session.decide(blocks) }

    /// Compares the real outcomes of blocks with those of the shadow.
    func compare(_ live: [LogRecord], with shadow: [LogRecord]) {
        for (live, shadow) in zip(live, shadow) {
            guard case .waveBlock(_, _, let made) = live, case .waveBlock(_, _, let other) = shadow else { continue }
            do { try comparison.add(live: made, shadow: other) } catch { problem = error }
        }
    }
}
