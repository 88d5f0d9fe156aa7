// The second check before data leaves, and what becomes of reservations nobody answered.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Who may leave after the second check, who may not any more, and who waits.
public struct SecondCheck: Sendable {
    /// Why nobody of a block leaves now; the reservations stay.
    public enum Hold: Hashable, Sendable {
        /// The campaign is paused.
        case paused
        /// Quiet hours or a holiday, until this moment; nil when the policy never lets the channel go. With quiet areas it is
        /// the first moment at which one of those asked for may leave.
        case quiet(until: LocalTime?)
    }

    /// When the check was made.
    public let time: LocalTime
    /// May leave, ascending.
    public internal(set) var leaving: [SubscriberIndex] = []
    /// Must not leave; their reservations are released.
    public internal(set) var drops: [OutcomeSet] = []
    /// Set when everybody has to wait.
    public internal(set) var hold: Hold?
    /// Wait for the end of their area's quiet hours; empty under a policy without areas, which holds all or nobody.
    ///
    /// What else there is against them is asked when they may leave.
    public internal(set) var held = BlockSet()
    /// When the first of ``held`` may leave; nil when nobody is held, or the policy never lets them.
    public internal(set) var heldUntil: LocalTime?

    /// Whether there is nothing to do.
    public var isEmpty: Bool { leaving.isEmpty && drops.isEmpty }
}

extension SecondCheck {
    /// Holds those whose area lets nobody go yet, and with them the hand-off when nobody else is asked for.
    fileprivate mutating func hold(_ asked: BlockSet, block: Int, until times: AreaTimes) {
        guard times.starts.contains(where: { $0 != time }) else { return }
        var offsets: [UInt16] = []
        asked.forEach { offset in
            let start = times[SubscriberIndex(UInt32(block * Block.size + offset))]
            guard start != time else { return }
            offsets.append(UInt16(offset))
            guard let start, heldUntil.map({ start.instant < $0.instant }) ?? true else { return }
            heldUntil = start
        }
        held = BlockSet(ascending: offsets)
        if !offsets.isEmpty, offsets.count == asked.count { hold = .quiet(until: heldUntil) }
    }
}

extension DecisionState {
    // MARK: Second check

    /// Checks once more, just before data leaves, the members of a block that have not left (FRQ-06, LST-20).
    ///
    /// Lists may have changed since the wave, and the campaign may have ended. Quiet hours hold those whose area has them
    /// now, and everybody where the policy has no areas: who is held neither leaves nor is dropped. A contact counts in the
    /// month it is made: one that leaves in another month than planned must pass the caps of that month and moves there; in
    /// its own month it is counted already and not checked again.
    /// - Returns: Everybody as a drop when the campaign is stopped or its validity is over.
    /// - Throws: ``DecisionError``, or when the rule of an area cannot be evaluated any more.
    public func secondCheck(
        _ wave: WaveID,
        block: Int,
        range: Range<Int>,
        at time: LocalTime,
        reachable: (SubscriberIndex) -> Bool
    ) throws -> SecondCheck {
        guard let state = waves[wave] else { throw DecisionError.unknownWave(wave) }
        guard state.status == .closed else { throw DecisionError.waveNotClosed(wave) }
        var result = SecondCheck(time: time)
        guard let members = state.blocks[block], let campaign = campaigns[wave.campaign], let policy else {
            return result
        }
        let isOver = campaign.status == .stopped || time.day > state.spec.validTo
        var asked = members.unsent.members(in: range)
        if !isOver {
            if campaign.status == .paused {
                result.hold = .paused
                return result
            }
            if policy.quietAreas.isEmpty {
                let start = policy.notBefore(time, channel: state.spec.channel)
                if start != time { result.hold = .quiet(until: start) }
            } else {
                let times = try areaTimes(time, channel: state.spec.channel, policy: policy)
                result.hold(asked, block: block, until: times)
                asked = asked.subtracting(result.held)
            }
            if result.hold != nil { return result }
        }
        let withdrawn = withdrawn(from: state.spec, on: time.day, block: block)
        let barred = barringLists(state.spec, policy: policy)
        let move = try time.month == state.planned.month ? nil : capsForMove(state, block: block, to: time)
        var drops: [Outcome: [UInt16]] = [:]
        asked.forEach { offset in
            let index = SubscriberIndex(UInt32(block * Block.size + offset))
            let outcome: Outcome? =
                isErased(index)
                ? .erased
                : isOver
                    ? .campaignNotLive
                    : withdrawn.contains(offset)
                        ? .withdrawn
                        : barred.first { $0.members.contains(index.number) }?.outcome
                            ?? (reachable(index) ? nil : .noAddress) ?? move?(offset)
            if let outcome {
                drops[outcome, default: []].append(UInt16(offset))
            } else {
                result.leaving.append(index)
            }
        }
        result.drops = drops.sorted { $0.key.rawValue < $1.key.rawValue }
            .map { OutcomeSet(outcome: $0.key, members: BlockSet($0.value)) }
        return result
    }

    /// The caps in the way of contacts of a block that move to another month, by offset.
    ///
    /// A window may hold both months: the contact's own reservation does not stand in its way.
    private func capsForMove(_ wave: WaveState, block: Int, to time: LocalTime) throws -> (Int) -> Outcome? {
        let channel = wave.spec.channel
        let checker = CapChecker(
            ledger: ledger,
            block: block,
            channel: channel,
            month: time.month,
            rows: capRows
        )
        let tiers = try tiers(on: time.day)
        let own = ledger.column(block: block, channel: channel, month: wave.planned.month)
        return { offset in
            let isCounted = own.map { $0[offset] > 0 } ?? false
            if let own, isCounted { own[offset] -= 1 }
            defer { if let own, isCounted { own[offset] += 1 } }
            switch checker.failure(offset: offset, tier: Int(tiers[block * Block.size + offset])) {
            case .channel: return .cap(channel)
            case .overall: return .capOverall
            case nil: return nil
            }
        }
    }

    // MARK: Expiry

    /// What a tick ends: reservations that left without an answer are settled, those that never left are released.
    public func expired(at time: LocalTime) -> [LogRecord] {
        guard let policy else { return [] }
        let age = Int64(policy.reservationHours) * 3_600_000
        var records: [LogRecord] = []
        // Months of waves that are long concluded are passed over at every tick, so this must be quick.
        let waiting = waves.values.filter { $0.status == .closed && !$0.blocks.values.allSatisfy(\.isConcluded) }
        for wave in waiting.sorted(by: { $0.wave < $1.wave }) {
            let last = [wave.planned, wave.handedOffAt ?? wave.planned].max { $0.instant < $1.instant } ?? wave.planned
            let waited = time.instant.epochMs - last.instant.epochMs
            guard waited >= age else { continue }
            // On holidays nothing may leave, so they do not count against what waits.
            let holidays = policy.holidays(from: last.day, to: time.day, channel: wave.spec.channel)
            let isStale = waited - Int64(holidays) * 86_400_000 >= age
            for (block, state) in wave.blocks.sorted(by: { $0.key < $1.key }) {
                let open = state.open
                let silent = open.intersection(state.handedOff)
                let unsent = state.unsent
                if !silent.isEmpty {
                    records.append(
                        .reported(wave.wave, block: Int32(block), kind: .unknown, members: silent, at: time)
                    )
                }
                if isStale, !unsent.isEmpty {
                    records.append(.released(wave.wave, block: Int32(block), members: unsent))
                }
            }
        }
        return records + lapsed()
    }
}
