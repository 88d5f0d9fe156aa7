// Reservations of single contacts outside waves, second check before data leaves, expiry.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// The answer to a single reservation or conclusion.
public enum SingleAnswer: Hashable, Sendable {
    /// One contact is reserved.
    case reserved
    /// Nothing is reserved; the outcome says which cap stands in the way.
    case refused(Outcome)
    /// The reservation is settled or released; the same holds when it already was.
    case concluded
}

/// Who may leave after the second check, and who may not any more.
public struct SecondCheck: Sendable {
    /// May leave, ascending.
    public var leaving: [SubscriberIndex]
    /// Must not leave; their reservations are released.
    public var drops: [OutcomeSet]

    /// Whether there is nothing to do.
    public var isEmpty: Bool { leaving.isEmpty && drops.isEmpty }
}

extension DecisionState {
    /// Says up to where the log holds what the state shows, after a command changed the state directly.
    public func advance(to sequence: Int64) {
        moveSequence(to: sequence)
    }

    /// Checks both caps and counts one contact; the same request gets the same answer again.
    public func reserve(_ reservation: SingleReservation, on day: LocalDay) throws -> SingleAnswer {
        if singles[reservation.request] != nil || concluded[reservation.request] != nil { return .reserved }
        guard let policy else { throw DecisionError.noPolicy }
        let index = SubscriberIndex(reservation.index)
        guard Int(index.number) < subscribers, ledger.monthsHeld.contains(reservation.month) else {
            return .refused(.notInSegment)
        }
        let rows = policy.tiers.map(CapRow.init) + [CapRow(policy.strictest)]
        let checker = CapChecker(
            ledger: ledger,
            block: index.block,
            channel: reservation.channel,
            month: reservation.month,
            rows: rows
        )
        if let failure = checker.failure(offset: index.offset, tier: Int(try tiers(on: day)[Int(index.number)])) {
            return .refused(failure == .channel ? .cap(reservation.channel) : .capOverall)
        }
        singles[reservation.request] = reservation
        checker.add(offset: index.offset)
        return .reserved
    }

    /// Takes back a reservation whose commit failed.
    public func undoReserve(_ reservation: SingleReservation) {
        guard singles.removeValue(forKey: reservation.request) != nil else { return }
        ledger.remove(SubscriberIndex(reservation.index), channel: reservation.channel, month: reservation.month)
    }

    /// Ends a reservation; nil when it is not open, in which case nothing changes.
    public func conclude(_ conclusion: SingleConclusion) -> SingleReservation? {
        guard let open = singles.removeValue(forKey: conclusion.request) else { return nil }
        concluded[conclusion.request] = conclusion.isSettled
        if !conclusion.isSettled {
            ledger.remove(SubscriberIndex(open.index), channel: open.channel, month: open.month)
        }
        return open
    }

    /// Opens a reservation again whose conclusion could not be committed.
    public func undoConclude(_ conclusion: SingleConclusion, open: SingleReservation) {
        concluded[conclusion.request] = nil
        singles[open.request] = open
        if !conclusion.isSettled {
            ledger.add(SubscriberIndex(open.index), channel: open.channel, month: open.month)
        }
    }

    // MARK: Second check

    /// Checks once more, just before data leaves, the members of a block that have not left (FRQ-06, LST-20).
    ///
    /// Lists may have changed since the wave; the reservation itself is counted already and not checked again.
    /// - Returns: Nobody when the campaign is paused; everybody as a drop when it is stopped.
    public func secondCheck(
        _ wave: WaveID,
        block: Int,
        range: Range<Int>,
        reachable: (SubscriberIndex) -> Bool
    ) throws -> SecondCheck {
        guard let state = waves[wave] else { throw DecisionError.unknownWave(wave) }
        guard state.status == .closed else { throw DecisionError.waveNotClosed(wave) }
        guard let members = state.blocks[block], let campaign = campaigns[wave.campaign], let policy else {
            return SecondCheck(leaving: [], drops: [])
        }
        guard campaign.status != .paused else { return SecondCheck(leaving: [], drops: []) }
        let waiting = members.open.subtracting(members.handedOff).members(in: range)
        var drops: [Outcome: [UInt16]] = [:]
        var leaving: [SubscriberIndex] = []
        let barred = barringLists(state.spec, policy: policy)
        waiting.forEach { offset in
            let index = SubscriberIndex(UInt32(block * Block.size + offset))
            let outcome: Outcome? =
                campaign.status == .stopped
                ? .campaignNotLive
                : barred.first { $0.members.contains(index.number) }?.outcome ?? (reachable(index) ? nil : .noAddress)
            if let outcome { drops[outcome, default: []].append(UInt16(offset)) } else { leaving.append(index) }
        }
        return SecondCheck(
            leaving: leaving,
            drops: drops.sorted { $0.key.rawValue < $1.key.rawValue }
                .map { OutcomeSet(outcome: $0.key, members: BlockSet($0.value)) }
        )
    }

    // MARK: Expiry

    /// What a tick ends: reservations that left without an answer are settled, those that never left are released.
    public func expired(at time: LocalTime) -> [LogRecord] {
        guard let policy else { return [] }
        let age = Int64(policy.reservationHours) * 3_600_000
        var records: [LogRecord] = []
        for wave in waves.values.sorted(by: { $0.wave < $1.wave }) where wave.status == .closed {
            let last = max(wave.planned.instant, wave.handedOffAt?.instant ?? wave.planned.instant)
            guard time.instant.epochMs - last.epochMs >= age else { continue }
            for (block, state) in wave.blocks.sorted(by: { $0.key < $1.key }) {
                let open = state.open
                let silent = open.intersection(state.handedOff)
                let unsent = open.subtracting(state.handedOff)
                if !silent.isEmpty {
                    records.append(
                        .feedback(wave.wave, block: Int32(block), kind: .unknown, members: silent, at: time)
                    )
                }
                if !unsent.isEmpty {
                    records.append(.released(wave.wave, block: Int32(block), members: unsent))
                }
            }
        }
        return records
    }
}
