// Reservations of single contacts outside waves.
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

extension DecisionState {
    /// Checks both caps and counts one contact; the same request gets the same answer again.
    public func reserve(_ reservation: SingleReservation, on day: LocalDay) throws -> SingleAnswer {
        if singles[reservation.request] != nil || concluded[reservation.request] != nil { return .reserved }
        guard policy != nil else { throw DecisionError.noPolicy }
        let index = SubscriberIndex(reservation.index)
        guard Int(index.number) < subscribers, ledger.monthsHeld.contains(reservation.month) else {
            return .refused(.notInSegment)
        }
        guard !isErased(index) else { return .refused(.erased) }
        let row = capRows[Int(try tiers(on: day)[Int(index.number)])]
        switch ledger.failure(index, channel: reservation.channel, month: reservation.month, row: row) {
        case .channel: return .refused(.cap(reservation.channel))
        case .overall: return .refused(.capOverall)
        case nil: break
        }
        singles[reservation.request] = reservation
        ledger.add(index, channel: reservation.channel, month: reservation.month)
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
}
