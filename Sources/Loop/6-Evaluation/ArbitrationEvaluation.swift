// Planned against reserved value of an arbitration: what its waves made of what they were given.
// SPDX-License-Identifier: Apache-2.0

public import Arbitration
public import Decisioning
import Kernel
public import Model
public import Ports

/// Members and what they were expected to bring.
public struct ValueTally: Hashable, Sendable {
    /// Members.
    public var members = 0
    /// Expected value when the arbitration was solved, minor currency units.
    public var valueMinor: Int64 = 0
}

/// One campaign of an arbitration after its wave.
public struct PlannedAndReserved: Hashable, Sendable {
    /// Planned members that the wave did not contact, by the reason it gave.
    public struct Loss: Hashable, Sendable {
        /// The reason; `not_in_segment` for those who had left the audience.
        public var outcome: Outcome
        /// Who was lost.
        public var tally: ValueTally
    }

    /// The campaign.
    public var campaign: CampaignID
    /// The first wave that was planned for the window and ran; nil before.
    public var wave: WaveID?
    /// What the arbitration gave to it.
    public var planned: ValueTally
    /// What its wave reserved of that.
    public var reserved = ValueTally()
    /// What it did not, in the order of checks; sums up with ``reserved`` to ``planned``.
    public var lost: [Loss] = []
    /// Contacts that the arbitration had not given to the campaign; none where the wave went by it.
    public var unplanned = 0
    /// Members of the control group that were assigned.
    public var plannedControls: Int
    /// Those of them that the wave kept back.
    public var keptControls = 0
}

extension PlannedAndReserved {
    /// Compares a result with what the waves of its window decided.
    ///
    /// - Parameters:
    ///   - result: What was planned.
    ///   - setup: Its window.
    ///   - waves: Waves of its campaigns.
    ///   - log: Holds the outcomes of their blocks.
    /// - Returns: The campaigns in the result's order.
    /// - Throws: A log error, or `MalformedBytes` for a damaged record.
    public static func all(
        of result: ArbitrationResult,
        in setup: ArbitrationSetup,
        waves: [WaveState],
        log: any DecisionLog
    ) throws -> [PlannedAndReserved] {
        try result.campaigns.map { part in
            let values = part.values.reduce(Int64(0)) { $0 + Int64($1) }
            var found = PlannedAndReserved(
                campaign: CampaignID(part.number),
                planned: ValueTally(members: part.members.count, valueMinor: result.minor(values)),
                plannedControls: part.controls.count
            )
            let own = waves.filter {
                $0.wave.campaign == found.campaign && $0.status == .closed && $0.spec.revision == Int(part.revision)
                    && (setup.from...setup.to).contains($0.planned.day)
            }
            guard let wave = own.min(by: { $0.wave < $1.wave }) else { return found }
            found.wave = wave.wave
            try found.compare(part, with: wave, in: log) { result.minor($0) }
            return found
        }
    }

    private mutating func compare(
        _ part: ArbitratedCampaign,
        with wave: WaveState,
        in log: any DecisionLog,
        minor: (Int64) -> Int64
    ) throws {
        var sums: [Outcome: (members: Int, value: Int64)] = [:]
        var next = 0
        let blocks = Set(part.members.map { Int($0 >> 16) }).union(wave.blocks.keys).sorted()
        for block in blocks {
            let outcomes = try Self.outcomes(of: wave.wave, block: block, in: log)
            while next < part.members.count, Int(part.members[next] >> 16) == block {
                let outcome = outcomes[Int(part.members[next] & 0xFFFF)] ?? .notInSegment
                sums[outcome, default: (0, 0)].members += 1
                sums[outcome, default: (0, 0)].value += Int64(part.values[next])
                next += 1
            }
        }
        let tallies = Outcome.allCases.compactMap { outcome in
            sums[outcome].map {
                Loss(outcome: outcome, tally: ValueTally(members: $0.members, valueMinor: minor($0.value)))
            }
        }
        reserved = tallies.first { $0.outcome == .contact }?.tally ?? ValueTally()
        lost = tallies.filter { $0.outcome != .contact }
        unplanned = wave.sum(\.contact) - reserved.members
        let kept = Set(wave.members(\.control).map(\.number))
        keptControls = part.controls.count(where: kept.contains)
    }

    /// Outcomes by offset, as they were logged; empty for a block without members.
    private static func outcomes(of wave: WaveID, block: Int, in log: any DecisionLog) throws -> [Int: Outcome] {
        var result: [Int: Outcome] = [:]
        for batch in try log.batches(for: LogKey(wave: wave.packed, block: Int32(block))) {
            guard case .waveBlock(_, _, let outcomes) = try LogRecord(decoding: batch.payload) else { continue }
            for outcome in outcomes.present { try outcomes.members(outcome).forEach { result[$0] = outcome } }
        }
        return result
    }
}
