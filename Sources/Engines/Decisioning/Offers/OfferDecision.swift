// Decides which offers one subscriber gets: the checks of DESIGN section 4 in their order, on one subscriber.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

/// A candidate that passed everything before the ranking; only trivial fields, because it is moved while sorting.
private struct Candidate {
    /// Number of the campaign in the pool.
    var number: Int
    var campaign: CampaignID
    /// Larger is better, key by key.
    var rank: SIMD4<Int64>

    @inline(__always)
    static func isBefore(_ a: Candidate, _ b: Candidate) -> Bool {
        for key in 0..<4 where a.rank[key] != b.rank[key] { return a.rank[key] > b.rank[key] }
        return a.campaign < b.campaign
    }
}

/// An answer before it is reserved.
public struct OfferDecision: Hashable, Sendable {
    /// The answer.
    public var answer: OfferAnswer
    /// Whether it depends on what other subscribers were answered: a campaign with a capacity or budget was looked at.
    ///
    /// Such answers stay in the log in the order they were decided, all others only in that of their partition.
    public var isShared: Bool
}

extension DecisionState {
    /// Reads what decisions on some subscribers begin with, all at once: memory answers a dozen reads side by side in the
    /// time of one.
    public func warm(_ requests: ArraySlice<OfferRequest>) {
        let (day, scores) = (offerPlans.lastDay, offerPlans.someScores)
        let tiers = day?.everybody ?? []
        var sum: UInt64 = 0
        for request in requests where Int(request.index) < subscribers {
            let index = SubscriberIndex(request.index)
            sum &+= UInt64(bitPattern: lines[Int(request.index)])
            if Int(request.index) < tiers.count { sum &+= UInt64(tiers[Int(request.index)]) }
            for channel in ChannelClass.allCases {
                if let column = ledger.column(block: index.block, channel: channel, month: request.at.month) {
                    sum &+= UInt64(column[index.offset])
                }
            }
            sum &+= pool.firstWord(of: index) &+ UInt64(journal.existing(index.block)?.head(of: index.offset) ?? 0)
            sum &+= interactions.slot(of: request.request) &+ bars.word(of: index, request.touchpoint.channel)
            sum &+= recent.warmth(of: index)
        }
        for request in requests where Int(request.index) < subscribers {
            let index = SubscriberIndex(request.index)
            for area in day?.areas ?? [] { sum &+= area.test(index) ? 1 : 0 }
            for score in scores { sum &+= UInt64(bitPattern: Int64(score(index) ?? 0)) }
        }
        warmth = sum
    }

    /// The answer to a request as the state is now; nothing is reserved.
    ///
    /// A campaign is not in its own way where the customer came by itself: what was sent or shown before for the same
    /// campaign neither makes it similar to itself nor too early for its product (W03). Website and app count a
    /// campaign once a month, so one that was seen this month costs nothing (FRQ-01).
    /// - Throws: ``DecisionError`` when there is no policy or profile, the month is not counted, or a rule of the policy
    ///   or of a campaign cannot be evaluated.
    public func decide(_ request: OfferRequest) throws -> OfferDecision {
        let day = try offerDay(on: request.at.day)
        guard ledger.monthsHeld.contains(request.at.month) else {
            throw DecisionError.monthNotHeld(request.at.month, held: ledger.monthsHeld)
        }
        let index = SubscriberIndex(request.index)
        let nothing = OfferDecision(answer: OfferAnswer(request: request, offers: []), isShared: false)
        guard Int(request.index) < subscribers, !isErased(index) else { return nothing }
        let line = lines[Int(request.index)]
        if let holdout = day.holdout, holdout.hash(line) < holdout.below { return nothing }
        let channel = request.touchpoint.channel
        let tier = day.everybody.map { Int($0[Int(index.number)]) } ?? day.tiers.firstIndex { $0(index) }
        let row = day.rows[tier ?? day.tiers.count]
        let room = ledger.room(index, channel: channel, month: request.at.month, row: row)
        guard room > 0 || channel == .website else { return nothing }
        var subject = Subject(index: index, line: line, request: request, bars: barMask(index, channel, day))
        journal.existing(index.block)?.forEach(offset: index.offset) { subject.entries.append($1) }
        if let interval = day.intervals[Int(channel.rawValue)], isTooEarly(subject, interval) { return nothing }
        var candidates: [Candidate] = []
        candidates.reserveCapacity(16)
        func consider(_ number: Int) throws {
            let plan = try offerPlan(number, on: request.at.day)
            guard failure(plan, subject, day) == nil else { return }
            var score: Int32 = 0
            if let scorer = plan.score {
                guard let found = scorer(index) else { return }
                score = found
            }
            let rank = rank(plan, score: score, index, day.policy.ranking)
            let candidate = Candidate(number: number, campaign: plan.spec.id, rank: rank)
            // There are few: each goes to its place at once.
            let place = candidates.firstIndex { Candidate.isBefore(candidate, $0) } ?? candidates.count
            candidates.insert(candidate, at: place)
        }
        if request.campaigns.isEmpty {
            var numbers: [Int] = []
            numbers.reserveCapacity(16)
            pool.forEach(of: index) { numbers.append($0) }
            for number in numbers { try consider(number) }
        } else {
            for campaign in Set(request.campaigns).sorted() {
                guard let number = pool.known(campaign), pool.contains(index, number: number) else { continue }
                try consider(number)
            }
        }
        return try choose(candidates, for: subject, room: room, day: day)
    }

    /// Takes the best that capacity, budget, validity and the caps allow; control members are met on the way.
    private func choose(
        _ candidates: [Candidate],
        for subject: Subject,
        room: Int,
        day: OfferDay
    ) throws -> OfferDecision {
        let request = subject.request
        var isShared = false
        var answer = OfferAnswer(request: request, offers: [])
        let limit = min(Int(request.limit), day.policy.offers.offers)
        let begin = begin(of: request, subject.index, day: day)
        if begin != request.at { answer.notBefore = begin }
        var room = room
        for candidate in candidates {
            guard answer.offers.count < limit else { break }
            let plan = try offerPlan(candidate.number, on: request.at.day)
            if let most = plan.most {
                isShared = true
                guard pool.campaigns[plan.number].contacts < most else { continue }
            }
            guard let begin, begin.day <= plan.spec.validTo else { continue }
            let isNew =
                request.touchpoint.channel == .website && !subject.isSeen(plan.number, in: request.at.month)
            guard !isNew || room > 0 else { continue }
            if plan.controlHash(subject.line) < plan.controlBelow {
                answer.controls.append(plan.spec.id)
                continue
            }
            if isNew { room -= 1 }
            answer.offers.append(plan.spec.id)
        }
        if answer.offers.isEmpty { answer.notBefore = nil }
        return OfferDecision(answer: answer, isShared: isShared)
    }

    /// The first check before the ranking that keeps an offer from a subscriber.
    private func failure(_ plan: OfferPlan, _ subject: Subject, _ day: OfferDay) -> Outcome? {
        let index = subject.index
        let touchpoint = subject.request.touchpoint
        if let failure = plan.campaignFailure { return failure }
        guard plan.problem == nil else { return .noScore }
        guard plan.spec.touchpoints.contains(touchpoint) else { return .channelNotConfirmed }
        if plan.owners?.contains(index.number) == true { return .productOwned }
        if plan.conflicts.contains(where: { $0.contains(index.number) }) { return .productConflict }
        if isWithdrawn(plan, subject) { return .withdrawn }
        let bars = subject.bars & ~plan.unticked
        if bars != 0 { return Self.outcome(ofBar: bars.trailingZeroBitCount) }
        if plan.rules.contains(where: { $0(index) }) { return .categoryRule }
        let isOwn = touchpoint.channel == .inbound || touchpoint.channel == .website
        if let same = plan.sameProduct,
            hasRecent(
                plan,
                subject,
                [same.id],
                same.days,
                exceptOwn: isOwn,
                where: { day.products[$0] == plan.product }
            )
        {
            return .interval
        }
        if let similar = plan.similar,
            hasRecent(
                plan,
                subject,
                similar.ids,
                similar.days,
                exceptOwn: isOwn,
                where: { plan.similarCategories.contains(day.categories[$0]) }
            )
        {
            return .similarCampaign
        }
        return nil
    }

    /// Whether an answer or a contact elsewhere cancelled the offer here, or the customer asked for a later day.
    private func isWithdrawn(_ plan: OfferPlan, _ subject: Subject) -> Bool {
        let bit = subject.request.touchpoint.channel.bit
        for entry in subject.entries where entry.campaign == plan.number {
            if entry.cancelled & bit != 0 { return true }
            if entry.flags.contains(.later), Int32(entry.until) > subject.request.at.day.number { return true }
        }
        guard plan.cancelledByText & bit != 0 else { return false }
        return waves(of: plan.spec.id).contains { wave in
            wave.spec.channel == .sms
                && wave.blocks[subject.index.block]?.handedOff.contains(subject.index.offset) == true
        }
    }

    private func waves(of campaign: CampaignID) -> some Sequence<WaveState> {
        (wavesOf[campaign] ?? []).lazy.compactMap { self.waves[$0] }
    }

    private func isTooEarly(_ subject: Subject, _ interval: (id: Int, days: Int)) -> Bool {
        let day = subject.request.at.day
        let channel = subject.request.touchpoint.channel
        let isOffered = subject.entries.contains {
            $0.isContact && $0.touchpoint.channel == channel && abs(Int($0.day) - Int(day.number)) < interval.days
        }
        return isOffered || isRecent(interval.id, subject.index, on: day)
    }

    /// Whether campaigns of a kind made contact within some days, in waves, loaded history or single offers.
    private func hasRecent(
        _ plan: OfferPlan,
        _ subject: Subject,
        _ ids: [Int],
        _ days: Int,
        exceptOwn: Bool,
        where isMeant: (Int) -> Bool
    ) -> Bool {
        let day = subject.request.at.day
        let isOffered = subject.entries.contains {
            $0.isContact && isMeant(Int($0.campaign)) && !(exceptOwn && $0.campaign == plan.number)
                && abs(Int($0.day) - Int(day.number)) < days
        }
        if isOffered { return true }
        guard ids.contains(where: { isRecent($0, subject.index, on: day) }) else { return false }
        guard exceptOwn, isContacted(by: plan.spec.id, subject.index, around: day, days) else { return true }
        // A wave of the campaign itself is among them: look whether another one is too.
        return ids.contains { id in
            recentSets(recent.kind(id), on: day, within: days, block: subject.index.block, except: plan.spec.id)
                .contains { $0.contains(subject.index.offset) }
        }
    }

    private func isRecent(_ id: Int, _ index: SubscriberIndex, on day: LocalDay) -> Bool {
        recent.contains(id, index, on: day) { kind, days in
            recentSets(kind, on: day, within: days, block: index.block, except: nil)
        }
    }

    /// Contacts of one block by waves and in loaded history.
    private func recentSets(
        _ kind: RecentKind,
        on day: LocalDay,
        within days: Int,
        block: Int,
        except campaign: CampaignID?
    ) -> [BlockSet] {
        func isNear(_ other: LocalDay) -> Bool { abs(Int(other.number) - Int(day.number)) < days }
        let before = history.filter { isNear($0.day) && kind.matches($0) }.compactMap { $0.blocks[block] }
        return before
            + waves.values.compactMap { wave in
                guard isNear(wave.planned.day), wave.status != .aborted, wave.wave.campaign != campaign,
                    kind.matches(RecentContacts(wave.spec, day: wave.planned.day))
                else { return nil }
                return wave.blocks[block]?.counted
            }
    }

    private func isContacted(
        by campaign: CampaignID,
        _ index: SubscriberIndex,
        around day: LocalDay,
        _ days: Int
    ) -> Bool {
        waves(of: campaign).contains { wave in
            wave.status != .aborted
                && abs(Int(wave.planned.day.number) - Int(day.number)) < days
                && wave.blocks[index.block]?.counted.contains(index.offset) == true
        }
    }

    /// The lists a subscriber is on that bar a channel: bit n for class n, then black and grey.
    private func barMask(_ index: SubscriberIndex, _ channel: ChannelClass, _ day: OfferDay) -> UInt32 {
        bars.mask(index, channel, lists) & day.knownBars
    }

    private static func outcome(ofBar bit: Int) -> Outcome {
        switch bit {
        case BarIndex.black: .listBlack
        case BarIndex.grey: .listGrey
        default: .dnd(class: bit)
        }
    }

    /// When the contact may begin: now, or after the quiet hours of the subscriber's area; nil = never.
    private func begin(
        of request: OfferRequest,
        _ index: SubscriberIndex,
        day: OfferDay
    ) -> LocalTime? {
        let area = day.areas.first { $0.test(index) }
        return day.policy.notBefore(request.at, channel: request.touchpoint.channel, hours: area?.hours)
    }

    private func rank(
        _ plan: OfferPlan,
        score: Int32,
        _ index: SubscriberIndex,
        _ keys: [RankingKey]
    ) -> SIMD4<Int64> {
        var values = SIMD4<Int64>()
        for (place, key) in keys.prefix(4).enumerated() {
            values[place] =
                switch key {
                case .priority: -Int64(plan.spec.priority)
                case .personalPriority: plan.personal?(index).map(Int64.init) ?? .min
                case .expectedValue: Self.product(Int64(score), plan.spec.valuePerOrderMinor)
                case .value: plan.spec.valuePerOrderMinor
                }
        }
        return values
    }

    /// A product that stops at the ends of the range.
    private static func product(_ a: Int64, _ b: Int64) -> Int64 {
        let (value, overflows) = a.multipliedReportingOverflow(by: b)
        return overflows ? ((a < 0) == (b < 0) ? .max : .min) : value
    }
}

/// The subscriber of a request, with what its journal says.
private struct Subject {
    let index: SubscriberIndex
    let line: Int64
    let request: OfferRequest
    let bars: UInt32
    var entries: [OfferEntry] = []

    /// Whether a website showed, or may still show, the campaign in a month.
    func isSeen(_ number: Int, in month: LocalMonth) -> Bool {
        entries.contains { $0.isCountedWebsite(number, in: month) }
    }
}

extension OfferEntry {
    /// Whether it counts a campaign on websites in a month.
    func isCountedWebsite(_ number: Int, in month: LocalMonth) -> Bool {
        flags.contains(.counted) && isSeenOnWebsite(number, in: month)
    }

    /// Whether it showed, or may still show, a campaign on a website in a month.
    func isSeenOnWebsite(_ number: Int, in month: LocalMonth) -> Bool {
        campaign == number && isContact && touchpoint.channel == .website && LocalDay(number: Int32(day)).month == month
    }
}
