// Reservations of waves: reserve, hand off, settle, release. Every step is idempotent.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

extension DecisionState {
    func reserve(_ wave: WaveID, block: Int, outcomes: BlockOutcomes, counts: Bool) throws {
        guard let state = waves[wave] else { throw DecisionError.unknownWave(wave) }
        guard state.blocks[block] == nil else { return }
        let contact = try outcomes.members(.contact)
        waves[wave]?.blocks[block] = WaveBlockState(contact: contact, control: try outcomes.members(.control))
        recent.add(RecentContacts(state.spec, day: state.planned.day), block: block, members: contact)
        guard counts else { return }
        count(contact, 1, block: block, channel: state.spec.channel, month: state.planned.month)
    }

    func abort(_ wave: WaveID) {
        guard let state = waves[wave], state.status == .open else { return }
        for (block, members) in state.blocks { release(wave, block: block, members: members.open) }
        waves[wave]?.status = .aborted
        recent.forgetAll()
    }

    /// Takes over what left; `only`: those who did when others of the range wait, nil = all who were not dropped.
    func handOff(
        _ wave: WaveID,
        block: Int,
        range: Range<Int>,
        only: BlockSet? = nil,
        at: LocalTime,
        drops: [OutcomeSet]
    ) {
        guard var state = waves[wave]?.blocks[block] else { return }
        let dropped = drops.members
        let unsent = state.unsent.members(in: range).subtracting(dropped)
        let leaving = only.map(unsent.intersection) ?? unsent
        state.handedOff = state.handedOff.union(leaving)
        if let owner = waves[wave], at.month != owner.planned.month, !leaving.isEmpty {
            let (from, to) = (owner.planned.month, at.month)
            count(leaving, -1, block: block, channel: owner.spec.channel, month: from)
            count(leaving, 1, block: block, channel: owner.spec.channel, month: to)
            state.move(leaving, to: to)
        }
        waves[wave]?.blocks[block] = state
        if !leaving.isEmpty { waves[wave]?.handedOffAt = at }
        release(wave, block: block, members: dropped)
    }

    func take(_ kind: FeedbackKind, wave: WaveID, block: Int, members: BlockSet) {
        guard var state = waves[wave]?.blocks[block] else { return }
        switch kind {
        case .accepted: state.accepted = state.accepted.union(members.intersection(state.handedOff))
        case .delivered:
            let arrived = members.intersection(state.handedOff)
            state.delivered = state.delivered.union(arrived)
            state.settled = state.settled.union(arrived.intersection(state.open))
        case .unknown:
            state.settled = state.settled.union(members.intersection(state.handedOff).intersection(state.open))
        case .refused, .failed: break
        case .replied: state.replied = state.replied.union(members.intersection(state.contact))
        case .unsubscribed: state.unsubscribed = state.unsubscribed.union(members.intersection(state.contact))
        case .ordered: state.ordered = state.ordered.union(members)
        }
        waves[wave]?.blocks[block] = state
        if kind == .refused || kind == .failed {
            release(wave, block: block, members: members.intersection(state.handedOff))
        }
    }

    /// Takes what came back, also for reservations that are concluded: a fact from outside corrects them.
    func report(_ kind: FeedbackKind, wave: WaveID, block: Int, members: BlockSet) {
        guard let owner = waves[wave], var state = owner.blocks[block] else { return }
        switch kind {
        case .delivered:
            // Also of those that Gyre never handed off: they left on another path.
            let arrived = members.intersection(state.contact)
            let back = arrived.intersection(state.released)
            state.handedOff = state.handedOff.union(arrived)
            state.delivered = state.delivered.union(arrived)
            state.settled = state.settled.union(arrived)
            state.released = state.released.subtracting(back)
            waves[wave]?.blocks[block] = state
            guard !back.isEmpty else { return }
            recent.add(RecentContacts(owner.spec, day: owner.planned.day), block: block, members: back)
            count(back, 1, block: block, of: owner, state)
        case .refused, .failed:
            let failed = members.intersection(state.handedOff).subtracting(state.delivered)
            giveBack(failed.subtracting(state.released), wave, block: block)
        case .accepted, .unknown, .replied, .unsubscribed, .ordered:
            take(kind, wave: wave, block: block, members: members)
        }
    }

    func release(_ wave: WaveID, block: Int, members: BlockSet) {
        guard let state = waves[wave]?.blocks[block] else { return }
        giveBack(members.intersection(state.open), wave, block: block)
    }

    /// Gives back contacts that count, settled or not.
    private func giveBack(_ given: BlockSet, _ wave: WaveID, block: Int) {
        guard !given.isEmpty, let owner = waves[wave], var state = owner.blocks[block] else { return }
        state.settled = state.settled.subtracting(given)
        state.released = state.released.union(given)
        waves[wave]?.blocks[block] = state
        recent.forget(block: block)
        count(given, -1, block: block, of: owner, state)
    }

    /// Counts contacts of a block more or less, each in the month in which it left or else was planned for.
    private func count(_ members: BlockSet, _ step: Int, block: Int, of owner: WaveState, _ state: WaveBlockState) {
        var unmoved = members
        for moved in state.moved {
            let there = members.intersection(moved.members)
            count(there, step, block: block, channel: owner.spec.channel, month: moved.month)
            unmoved = unmoved.subtracting(there)
        }
        count(unmoved, step, block: block, channel: owner.spec.channel, month: owner.planned.month)
    }

    /// Counts a contact of each member more or less; months that the ring no longer holds are history.
    private func count(_ members: BlockSet, _ step: Int, block: Int, channel: ChannelClass, month: LocalMonth) {
        guard let column = ledger.column(block: block, channel: channel, month: month) else { return }
        members.forEach { column[$0] = UInt8(clamping: Int(column[$0]) + step) }
    }

    /// Takes back a block that was decided but whose commit failed.
    public func undoReserve(_ wave: WaveID, block: Int) {
        guard let state = waves[wave], let members = state.blocks[block]?.contact else { return }
        count(members, -1, block: block, channel: state.spec.channel, month: state.planned.month)
        waves[wave]?.blocks[block] = nil
        recent.forget(block: block)
    }
}

extension [OutcomeSet] {
    /// Everybody in one of the sets.
    var members: BlockSet { reduce(BlockSet()) { $0.union($1.members) } }
}

extension BlockSet {
    /// The members with offsets in a range.
    func members(in range: Range<Int>) -> BlockSet {
        guard range != 0..<Block.size else { return self }
        var offsets: [UInt16] = []
        forEach { if range.contains($0) { offsets.append(UInt16($0)) } }
        return BlockSet(ascending: offsets)
    }
}
