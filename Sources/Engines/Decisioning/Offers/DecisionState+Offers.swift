// Offers to single subscribers: reserve, settle, release, and what an outcome means on other channels.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// An answer that may still be asked for again, or answered to.
public struct Interaction: Hashable, Sendable {
    /// The answer that was given.
    public let answer: OfferAnswer
    /// Positions of its entries in the journal of the subscriber's block: offers first, then controls.
    let entries: Range<Int>
    /// Whether the whole answer counts as one contact (every class but website) and holds it now.
    var isCounted: Bool
    /// Whether anything of it was shown or answered to.
    public internal(set) var isSettled = false
    /// Whether it lapsed.
    public internal(set) var isReleased = false
}

extension ByteWriter {
    mutating func write(_ interaction: Interaction) {
        write(interaction.answer)
        write(UInt32(interaction.entries.lowerBound))
        write(UInt8(interaction.isCounted ? 1 : 0))
        write(UInt8(interaction.isSettled ? 1 : 0))
        write(UInt8(interaction.isReleased ? 1 : 0))
    }
}

extension ByteReader {
    mutating func readInteraction() throws(MalformedBytes) -> Interaction {
        let answer = try readAnswer()
        let first = Int(try read(UInt32.self))
        var interaction = Interaction(
            answer: answer,
            entries: first..<first + answer.offers.count + answer.controls.count,
            isCounted: try read(UInt8.self) == 1
        )
        interaction.isSettled = try read(UInt8.self) == 1
        interaction.isReleased = try read(UInt8.self) == 1
        return interaction
    }
}

/// What a response to an offer changed, so that it can be taken back when its commit fails.
public struct OfferUndo {
    let interaction: Interaction
    let entries: [(position: Int, entry: OfferEntry)]
    let counted: [(class: ChannelClass, month: LocalMonth, step: Int)]
}

extension DecisionState {
    /// The answer that a request got, while it is kept.
    public func interaction(_ request: UInt64) -> Interaction? { interactions[request] }

    /// All answers that are kept, in no particular order.
    public var keptInteractions: [Interaction] { interactions.values }

    /// A campaign in the pool, now or before; nil when it never was.
    public func pooled(_ campaign: CampaignID) -> PooledCampaign? {
        pool.known(campaign).map { pool.campaigns[$0] }
    }

    /// How many campaigns of the pool a subscriber is a member of.
    public func poolSize(of index: SubscriberIndex) -> Int {
        var count = 0
        pool.forEach(of: index) { _ in count += 1 }
        return count
    }

    /// All campaigns that are or were in the pool.
    public var pooledCampaigns: [PooledCampaign] { pool.campaigns }

    // MARK: Answers

    /// Reserves what an answer offers: one contact for the interaction, or on websites one for each campaign that was not
    /// seen this month.
    ///
    /// Nothing happens when the interaction is known.
    public func take(_ answer: OfferAnswer) {
        let request = answer.request
        guard !interactions.contains(request.request) else { return }
        let index = SubscriberIndex(request.index)
        let (channel, month) = (request.touchpoint.channel, request.at.month)
        let isEmpty = answer.offers.isEmpty && answer.controls.isEmpty
        var first = 0
        if !isEmpty {
            let block = journal.block(index.block)
            first = block.entries.count
            for campaign in answer.offers {
                let number = pool.number(of: campaign)
                var flags: OfferEntry.Flags = []
                if channel == .website {
                    var isSeen = false
                    block.forEach(offset: index.offset) {
                        if $1.isCountedWebsite(number, in: month) { isSeen = true }
                    }
                    if !isSeen {
                        flags = .counted
                        ledger.add(index, channel: channel, month: month)
                    }
                }
                append(campaign: number, request, flags, to: block)
                pool.count(number, 1)
            }
            for campaign in answer.controls {
                append(campaign: pool.number(of: campaign), request, .control, to: block)
            }
        }
        let isCounted = channel != .website && !answer.offers.isEmpty
        if isCounted { ledger.add(index, channel: channel, month: month) }
        interactions[request.request] = Interaction(
            answer: answer,
            entries: first..<first + answer.offers.count + answer.controls.count,
            isCounted: isCounted
        )
        waiting.append(request.request)
    }

    private func append(campaign: Int, _ request: OfferRequest, _ flags: OfferEntry.Flags, to block: OfferBlock) {
        _ = block.append(
            OfferEntry(
                next: 0,
                campaign: UInt32(campaign),
                day: UInt16(clamping: request.at.day.number),
                touchpoint: request.touchpoint,
                flags: flags
            ),
            offset: SubscriberIndex(request.index).offset
        )
    }

    /// Takes back an answer whose commit failed; answers are taken back newest first.
    public func undoTake(_ answer: OfferAnswer) {
        guard let interaction = interactions[answer.request.request] else { return }
        interactions[answer.request.request] = nil
        let index = SubscriberIndex(answer.request.index)
        let (channel, month) = (answer.request.touchpoint.channel, answer.request.at.month)
        if interaction.isCounted { ledger.remove(index, channel: channel, month: month) }
        if let block = journal.existing(index.block), !interaction.entries.isEmpty {
            for position in interaction.entries {
                let entry = block.entries[position]
                if entry.flags.contains(.counted) { ledger.remove(index, channel: channel, month: month) }
                if !entry.flags.contains(.control) { pool.count(Int(entry.campaign), -1) }
            }
            block.removeLast(interaction.entries.count, offset: index.offset)
        }
        // It is among the last, but they may lie in the order of the log already.
        if let place = waiting.lastIndex(of: answer.request.request) { waiting.remove(at: place) }
    }

    /// Puts the newest answers into the order in which the log got them, which sorts a commit by partition.
    ///
    /// Answers grow old in this order, so it must be the one that a fold finds.
    public func order(by records: [LogRecord]) {
        var requests: [UInt64] = []
        for case .answered(let answers) in records { requests += answers.map(\.request.request) }
        guard requests.count > 1 else { return }
        waiting.removeLast(requests.count)
        waiting += requests
    }

    // MARK: Responses

    /// Takes in what came of offers: settles them, or gives the contact back when it did not come about.
    ///
    /// A response after the reservation lapsed is an outside fact: the contact was made, so it counts again, whatever the
    /// caps say.
    /// - Returns: What changed; nil when the interaction is not known (any more).
    @discardableResult
    public func take(_ response: OfferResponse) -> OfferUndo? {
        guard var interaction = interactions[response.request] else { return nil }
        let request = interaction.answer.request
        let index = SubscriberIndex(request.index)
        let (channel, month) = (request.touchpoint.channel, request.at.month)
        let old = interaction
        var changed: [(Int, OfferEntry)] = []
        var counted: [(ChannelClass, LocalMonth, Int)] = []
        func count(_ step: Int) {
            if step > 0 {
                ledger.add(index, channel: channel, month: month)
            } else {
                ledger.remove(index, channel: channel, month: month)
            }
            counted.append((channel, month, step))
        }
        let places = interaction.entries.prefix(interaction.answer.offers.count)
        let concerned = zip(places, interaction.answer.offers)
            .filter { response.campaign == nil || response.campaign == $0.1 }
        let block = journal.existing(index.block)
        for (position, campaign) in concerned {
            guard let block else { break }
            let before = block.entries[position]
            changed.append((position, before))
            if response.result.isContact {
                settle(position, in: block, by: response, campaign: campaign, channel: channel)
                guard before.flags.contains(.released) else { continue }
                pool.count(Int(before.campaign), 1)
                guard channel == .website, block.counted(like: before, offset: index.offset) == nil else { continue }
                block.update(position) { $0.flags.insert(.counted) }
                count(1)
            } else if before.flags.isDisjoint(with: [.shown, .released]) {
                let heir = release(position, in: block, offset: index.offset)
                if let heir { changed.append(heir) }
                if before.flags.contains(.counted), heir == nil { count(-1) }
            }
        }
        if !concerned.isEmpty, response.result.isContact {
            interaction.isSettled = true
            if interaction.isReleased, channel != .website, !interaction.isCounted {
                interaction.isCounted = true
                count(1)
            }
        }
        if interaction.isCounted, !interaction.isSettled, let block,
            places.allSatisfy({ block.entries[$0].flags.contains(.released) })
        {
            interaction.isCounted = false
            interaction.isReleased = true
            count(-1)
        }
        interactions[response.request] = interaction
        return OfferUndo(interaction: old, entries: changed, counted: counted)
    }

    /// Gives an entry back; one that was counted leaves that to another of the same campaign and month that stands, as
    /// websites count a campaign once a month.
    ///
    /// - Returns: The entry that is counted instead, as it was before; nil when there is none.
    private func release(_ position: Int, in block: OfferBlock, offset: Int) -> (Int, OfferEntry)? {
        let entry = block.entries[position]
        block.update(position) {
            $0.flags.remove(.counted)
            $0.flags.insert(.released)
        }
        pool.count(Int(entry.campaign), -1)
        guard entry.flags.contains(.counted), let heir = block.standing(like: entry, offset: offset) else { return nil }
        let before = block.entries[heir]
        block.update(heir) { $0.flags.insert(.counted) }
        return (heir, before)
    }

    private func settle(
        _ position: Int,
        in block: OfferBlock,
        by response: OfferResponse,
        campaign: CampaignID,
        channel: ChannelClass
    ) {
        let linkage = campaigns[campaign].flatMap { policy?.linkage.type(of: $0.spec.category) }
        // What is answered to was shown, so both rows of the matrix hold.
        let results: [ContactResult] = [.shown, response.result]
        let cancelled = results.flatMap { linkage?.cancelled(after: $0, on: channel) ?? [] }
        let before = block.entries[position]
        block.update(position) { entry in
            entry.flags.remove(.released)
            entry.flags.insert(.shown)
            switch response.result {
            case .accepted: entry.flags.insert(.accepted)
            case .refused: entry.flags.insert(.refused)
            case .considering: entry.flags.insert(.considering)
            case .later:
                entry.flags.insert(.later)
                entry.until = UInt16(clamping: (response.until ?? response.at.day.adding(days: 1)).number)
            case .shown, .completed, .interrupted, .failed: break
            }
            entry.cancelled |= cancelled.reduce(0) { $0 | $1.bit }
        }
        pool.tally(Int(before.campaign), from: before.flags, to: block.entries[position].flags)
    }

    /// Takes back a response whose commit failed.
    public func undo(_ undo: OfferUndo) {
        let request = undo.interaction.answer.request
        let index = SubscriberIndex(request.index)
        interactions[request.request] = undo.interaction
        for (position, entry) in undo.entries {
            guard let block = journal.existing(index.block) else { continue }
            let now = block.entries[position]
            pool.count(Int(entry.campaign), (entry.isContact ? 1 : 0) - (now.isContact ? 1 : 0))
            pool.tally(Int(entry.campaign), from: now.flags, to: entry.flags)
            block.update(position) { $0 = entry }
        }
        for change in undo.counted {
            if change.step > 0 {
                ledger.remove(index, channel: change.class, month: change.month)
            } else {
                ledger.add(index, channel: change.class, month: change.month)
            }
        }
    }

    // MARK: Lapse

    /// The answers whose offers were not shown in time, one record for each partition.
    func lapsed() -> [LogRecord] {
        var byPartition = [[OfferLapse]](repeating: [], count: Partition.count)
        for request in due {
            guard let interaction = interactions[request], hasUnshown(interaction) else { continue }
            let index = interaction.answer.request.index
            byPartition[Partition.of(block: Int(index >> 16))].append(OfferLapse(request: request, index: index))
        }
        return byPartition.filter { !$0.isEmpty }.map { .lapsed($0) }
    }

    /// Time moved on: answers become due to lapse, and those no longer kept are forgotten; what they reserved stays in
    /// the journal.
    func ageInteractions() {
        guard let policy else { return }
        due.removeAll { request in interactions[request].map { !hasUnshown($0) } ?? true }
        let old = olderThan(policy.offers.minutesToShow, in: waiting)
        due += waiting.prefix(old)
        kept += waiting.prefix(old)
        waiting.removeFirst(old)
        let over = olderThan(max(policy.offers.minutesKept, policy.offers.minutesToShow), in: kept)
        for request in kept.prefix(over) {
            // What is due still lapses first; it is forgotten with the next of its age.
            if interactions[request].map(hasUnshown) == true {
                kept.append(request)
            } else {
                interactions[request] = nil
            }
        }
        kept.removeFirst(over)
    }

    /// How many of the first requests were answered at least some minutes ago; they came in the order of time.
    private func olderThan(_ minutes: Int, in requests: [UInt64]) -> Int {
        let limit = now.instant.epochMs - Int64(minutes) * 60_000
        return requests.firstIndex { request in
            interactions[request].map { $0.answer.request.at.instant.epochMs > limit } ?? false
        } ?? requests.count
    }

    private func hasUnshown(_ interaction: Interaction) -> Bool {
        guard !interaction.isReleased,
            let block = journal.existing(SubscriberIndex(interaction.answer.request.index).block)
        else { return false }
        return interaction.entries.prefix(interaction.answer.offers.count).contains {
            block.entries[$0].flags.isDisjoint(with: [.shown, .released])
        }
    }

    /// Gives back what was never shown of an answer.
    func lapse(_ lapse: OfferLapse) {
        guard var interaction = interactions[lapse.request], !interaction.isReleased else { return }
        let request = interaction.answer.request
        let index = SubscriberIndex(request.index)
        let (channel, month) = (request.touchpoint.channel, request.at.month)
        guard let block = journal.existing(index.block) else { return }
        for position in interaction.entries.prefix(interaction.answer.offers.count) {
            let entry = block.entries[position]
            guard entry.flags.isDisjoint(with: [.shown, .released]) else { continue }
            let heir = release(position, in: block, offset: index.offset)
            if entry.flags.contains(.counted), heir == nil { ledger.remove(index, channel: channel, month: month) }
        }
        if interaction.isCounted, !interaction.isSettled {
            interaction.isCounted = false
            ledger.remove(index, channel: channel, month: month)
        }
        interaction.isReleased = true
        interactions[lapse.request] = interaction
    }
}
