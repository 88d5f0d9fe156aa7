// Single offers as they concern one subscriber, folded naively: no shared code with the journal of the core.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// One offer of an answer to one subscriber, or one that a control group kept back.
public struct OfferTouch: Hashable, Sendable {
    /// The request that was answered.
    public var request: OfferRequest
    /// The campaign.
    public var campaign: CampaignID
    /// Whether the control group kept it back.
    public var isControl: Bool
    /// Whether it was seen or answered to.
    public var isShown = false
    /// Whether it was given back.
    public var isReleased = false
    /// What came of it, in order.
    public var results: [(result: ContactResult, at: LocalTime)] = []
    /// Channel classes on which it was cancelled.
    public var cancelled: Set<ChannelClass> = []
    /// The day from which it may be made again.
    public var until: LocalDay?

    /// Where it was made.
    public var touchpoint: Touchpoint { request.touchpoint }
    /// When it was made.
    public var at: LocalTime { request.at }
    /// Whether it stands as a contact.
    public var isContact: Bool { !isControl && !isReleased }

    /// Whether it is one of those that make a campaign count on websites in a month, where it counts once.
    func isCountedWebsite(_ campaign: CampaignID, in month: LocalMonth) -> Bool {
        self.campaign == campaign && isContact && touchpoint.channel == .website && at.month == month
    }

    public static func == (a: OfferTouch, b: OfferTouch) -> Bool {
        a.request == b.request && a.campaign == b.campaign
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(request)
        hasher.combine(campaign)
    }
}

extension SubscriberFold {
    func take(_ answer: OfferAnswer) {
        let request = answer.request
        let isKnown =
            offers.contains { $0.request.request == request.request } || emptyRequests.contains(request.request)
        guard !isKnown else { return }
        if answer.offers.isEmpty, answer.controls.isEmpty { emptyRequests.insert(request.request) }
        let channel = request.touchpoint.channel
        for campaign in answer.offers {
            if channel == .website, !offers.contains(where: { $0.isCountedWebsite(campaign, in: request.at.month) }) {
                count(channel, request.at.month, by: 1)
            }
            offers.append(OfferTouch(request: request, campaign: campaign, isControl: false))
        }
        if channel != .website, !answer.offers.isEmpty { count(channel, request.at.month, by: 1) }
        offers += answer.controls.map { OfferTouch(request: request, campaign: $0, isControl: true) }
    }

    func take(_ response: OfferResponse) {
        change(response.request) { offer in
            guard response.campaign == nil || response.campaign == offer.campaign else { return }
            offer.results.append((response.result, response.at))
            guard response.result != .failed else {
                if !offer.isShown { offer.isReleased = true }
                return
            }
            offer.isShown = true
            offer.isReleased = false
            if response.result == .later { offer.until = response.until ?? response.at.day.adding(days: 1) }
            let linkage = campaigns[offer.campaign].flatMap { policy?.linkage.type(of: $0.spec.category) }
            for result in [.shown, response.result] {
                offer.cancelled.formUnion(linkage?.cancelled(after: result, on: offer.touchpoint.channel) ?? [])
            }
        }
    }

    func take(_ lapse: OfferLapse) {
        change(lapse.request) { if !$0.isShown { $0.isReleased = true } }
    }

    /// Changes the offers of an answer and lets the counters follow.
    func change(_ request: UInt64, _ body: (inout OfferTouch) -> Void) {
        let places = offers.indices.filter { offers[$0].request.request == request && !offers[$0].isControl }
        guard let first = places.first else { return }
        let (channel, month) = (offers[first].touchpoint.channel, offers[first].at.month)
        func counted() -> Int {
            guard channel == .website else { return places.contains { offers[$0].isContact } ? 1 : 0 }
            let seen = Set(offers.map(\.campaign)).filter { campaign in
                offers.contains { $0.isCountedWebsite(campaign, in: month) }
            }
            return seen.count
        }
        let before = counted()
        for place in places { body(&offers[place]) }
        count(channel, month, by: counted() - before)
    }

    func withdrawnCheck(
        _ spec: CampaignSpec,
        on day: LocalDay,
        channel: ChannelClass,
        isWave: Bool
    ) -> CheckResult {
        let own = offers.filter { $0.campaign == spec.id && !$0.isControl }
        if let offer = own.last(where: { $0.cancelled.contains(channel) }) {
            let last = offer.results.last
            let evidence = [
                Evidence("touchpoint", offer.touchpoint.code), Evidence("result", last?.result.code ?? "shown"),
                Evidence("last", (last?.at ?? offer.at).day.iso),
            ]
            return CheckResult(.withdrawn, isPassed: false, evidence)
        }
        if let until = own.compactMap(\.until).filter({ $0 > day }).max() {
            return CheckResult(.withdrawn, isPassed: false, [Evidence("until", until.iso)])
        }
        let linkage = policy?.linkage.type(of: spec.category)
        if !isWave, linkage?.cancelled(after: .shown, on: .sms).contains(channel) == true,
            let sent = touches.last(where: { $0.spec.id == spec.id && $0.spec.channel == .sms && $0.isHandedOff })
        {
            return CheckResult(.withdrawn, isPassed: false, [Evidence("sent", sent.planned.day.iso)])
        }
        return CheckResult(.withdrawn, isPassed: true)
    }

    /// A campaign's standing in a request: all its checks, and what it is ranked by.
    public struct Candidate {
        /// The campaign.
        public var spec: CampaignSpec
        /// Its checks before capacity, in their order.
        public var checks: [CheckResult]
        /// The value of each key of the policy's ranking; higher is better, nil is worst.
        public var rank: [Int64?]

        /// Whether nothing stands in the way before the ranking.
        public var isPassed: Bool { checks.allSatisfy { $0.isPassed || $0.outcome == .control } }

        static func isBefore(_ a: Candidate, _ b: Candidate) -> Bool {
            for (mine, other) in zip(a.rank, b.rank) where mine != other {
                guard let mine, let other else { return mine != nil }
                return mine > other
            }
            return a.spec.id < b.spec.id
        }
    }

    /// Every campaign of the pool, or those asked for, in the order of ranking, whether it passes or not.
    public func candidates(for request: OfferRequest) throws -> [Candidate] {
        let wanted = request.campaigns.isEmpty ? Set(pool.keys) : Set(request.campaigns).filter { pool[$0] != nil }
        return try wanted.sorted().compactMap { id in
            guard let spec = campaigns[id]?.spec, let file = pool[id], try isMember(ofAudience: file) else {
                return nil
            }
            var checks = try checks(spec, on: request.at, isMember: true, cuts: nil, at: request.touchpoint)
            do {
                return Candidate(spec: spec, checks: checks, rank: try rank(spec, on: request.at.day))
            } catch {
                // An expression that cannot be evaluated any more: the campaign is offered to nobody.
                checks.append(CheckResult(.noScore, isPassed: false, [Evidence("problem", "\(error)")]))
                return Candidate(spec: spec, checks: checks, rank: [])
            }
        }
        .sorted(by: Candidate.isBefore)
    }

    private func rank(_ spec: CampaignSpec, on day: LocalDay) throws -> [Int64?] {
        func value(_ expression: String?) throws -> Int64? {
            try expression.flatMap { try profile().score($0, at: index, today: day, lists: memberships) }.map(
                Int64.init
            )
        }
        // Also where the ranking does not ask for it: a campaign that cannot be ranked as planned is not offered.
        let personal = try value(spec.personalPriority)
        return try (policy?.ranking ?? []).map { key in
            switch key {
            case .priority: -Int64(spec.priority)
            case .personalPriority: personal
            case .value: spec.valuePerOrderMinor
            case .expectedValue:
                Self.product(try value(spec.score) ?? 0, spec.valuePerOrderMinor)
            }
        }
    }

    /// A product that stops at the ends of the range.
    private static func product(_ a: Int64, _ b: Int64) -> Int64 {
        let wide = Int128(a) * Int128(b)
        return Int64(clamping: wide)
    }

    /// The answer to a request, found candidate by candidate.
    ///
    /// `contacts`: How many offers of a campaign are made already, for its capacity and budget.
    public func answer(to request: OfferRequest, contacts: (CampaignID) -> Int64) throws -> OfferAnswer {
        var answer = OfferAnswer(request: request, offers: [])
        guard let policy, line != nil else { return answer }
        let isWebsite = request.touchpoint.channel == .website
        let limit = min(Int(request.limit), policy.offers.offers)
        var fresh = 0
        for candidate in try candidates(for: request) where candidate.isPassed && answer.offers.count < limit {
            let spec = candidate.spec
            let most = [spec.capacity, spec.contactsWithinBudget].compactMap { $0 }.min().map(Int64.init) ?? .max
            guard contacts(spec.id) < most else { continue }
            let isNew = isWebsite && !offers.contains { $0.isCountedWebsite(spec.id, in: request.at.month) }
            if isNew {
                guard let cap = candidate.checks.first(where: { $0.outcome == .capWebsite }),
                    let used = cap.number("used"), let most = cap.number("cap"), used + fresh < most
                else { continue }
            }
            if candidate.checks.contains(where: { $0.outcome == .control && !$0.isPassed }) {
                answer.controls.append(spec.id)
                continue
            }
            if isNew { fresh += 1 }
            answer.offers.append(spec.id)
        }
        if !answer.offers.isEmpty {
            let hours = try policy.quietAreas
                .first { try profile().holds($0.rule, at: index, today: request.at.day, lists: memberships) }?
                .quietHours
            let begin = policy.notBefore(request.at, channel: request.touchpoint.channel, hours: hours)
            if begin != request.at { answer.notBefore = begin }
        }
        return answer
    }
}

extension CheckResult {
    func number(_ key: String) -> Int? { evidence.first { $0.key == key }.flatMap { Int($0.value) } }
}
