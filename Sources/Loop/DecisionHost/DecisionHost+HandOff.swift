// Hand-off and feedback: the second check, what leaves, what comes back.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
public import Kernel
public import Model

extension DecisionHost {
    /// Makes the second check on members of one block that have not left, and makes their leaving durable.
    ///
    /// `range`: Offsets inside the block.
    /// `time`: Asked when the command's turn has come: what waited behind a wave leaves then, not when it was given.
    /// `reachable`: Says whether a subscriber has a number of its own now.
    /// **Returns**: Who may leave now, who was dropped, and who has to wait, or why everybody has.
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
            let (block, from, to) = (Int32(block), Int32(range.lowerBound), Int32(range.upperBound))
            let some = BlockSet(check.leaving.map { UInt16($0.offset) })
            try self.commit([
                check.held.isEmpty
                    ? .handedOff(wave, block: block, from: from, to: to, at: time, drops: check.drops)
                    : .handedOffSome(
                        wave,
                        block: block,
                        from: from,
                        to: to,
                        members: some,
                        at: time,
                        drops: check.drops
                    )
            ])
            self.observe(.handOffCommitted)
            return check
        }
    }

    /// Records what came back for some subscribers of a wave, however late, as often as it comes, in any order.
    ///
    /// It is a fact: a delivery counts also when the contact had been given back, and may raise a counter above its cap.
    public func feedback(
        _ wave: WaveID,
        _ kind: FeedbackKind,
        _ members: [SubscriberIndex],
        at time: LocalTime
    ) async throws {
        guard !members.isEmpty else { return }
        let byBlock = Dictionary(grouping: members, by: \.block).sorted { $0.key < $1.key }
        let records = byBlock.map { block, members in
            LogRecord.reported(
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
                    members.unsent.isEmpty ? nil : .released(wave, block: Int32(block), members: members.unsent)
                }
            )
        }
    }
}
