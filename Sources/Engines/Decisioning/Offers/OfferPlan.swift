// What the decision core looks up once per campaign, so that a request costs no look-ups by name.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// The checks of one pooled campaign with their data, valid for one revision of all inputs and one day.
final class OfferPlan {
    let number: Int
    let spec: CampaignSpec
    /// Offers that capacity and budget allow; nil = any number.
    let most: Int64?
    /// Set when the campaign as a whole may not contact anybody.
    let campaignFailure: Outcome?
    /// Why an expression of the campaign cannot be evaluated; such a campaign is offered to nobody until it can.
    let problem: String?
    let owners: Bitset?
    let conflicts: [Bitset]
    /// Do-not-disturb classes whose removal the planner cancelled, by bit.
    let unticked: UInt32
    let rules: [@Sendable (SubscriberIndex) -> Bool]
    let score: (@Sendable (SubscriberIndex) -> Int32?)?
    let personal: (@Sendable (SubscriberIndex) -> Int32?)?
    /// Questions to the ``RecentIndex``.
    let sameProduct: (id: Int, days: Int)?
    let similar: (ids: [Int], days: Int)?
    /// Ids of its product and of similar categories, as ``OfferDay`` numbers them.
    let product: Int32?
    let similarCategories: [Int32]
    /// Channel classes on which a text of a wave of this campaign cancels the offer, by bit.
    let cancelledByText: UInt8
    let controlHash: KeyedHash
    let controlBelow: UInt64

    init(
        number: Int,
        spec: CampaignSpec,
        campaignFailure: Outcome?,
        problem: String?,
        owners: Bitset?,
        conflicts: [Bitset],
        unticked: UInt32,
        rules: [@Sendable (SubscriberIndex) -> Bool],
        score: (@Sendable (SubscriberIndex) -> Int32?)?,
        personal: (@Sendable (SubscriberIndex) -> Int32?)?,
        sameProduct: (id: Int, days: Int)?,
        similar: (ids: [Int], days: Int)?,
        product: Int32?,
        similarCategories: [Int32],
        linkage: LinkageType?,
        control: (hash: KeyedHash, below: UInt64)
    ) {
        self.number = number
        self.spec = spec
        most = [spec.capacity, spec.contactsWithinBudget].compactMap { $0 }.min().map(Int64.init)
        self.campaignFailure = campaignFailure
        self.problem = problem
        self.owners = owners
        self.conflicts = conflicts
        self.unticked = unticked
        self.rules = rules
        self.score = score
        self.personal = personal
        self.sameProduct = sameProduct
        self.similar = similar
        self.product = product
        self.similarCategories = similarCategories
        cancelledByText = (linkage?.cancelled(after: .shown, on: .sms) ?? []).reduce(0) { $0 | $1.bit }
        (controlHash, controlBelow) = control
    }
}

/// What all campaigns share on one day.
final class OfferDay {
    let policy: ContactPolicy
    let tiers: [@Sendable (SubscriberIndex) -> Bool]
    /// The tier of everybody, where no tier asks for lists; else it would have to be found anew with each list change.
    let everybody: [UInt8]?
    let rows: [CapRow]
    let holdout: (hash: KeyedHash, below: UInt64)?
    /// Do-not-disturb classes the policy knows, black and grey list, by bit.
    let knownBars: UInt32
    let areas: [(test: @Sendable (SubscriberIndex) -> Bool, hours: [ChannelClass: QuietHours])]
    /// By channel class: the question whether the minimum interval is kept.
    let intervals: [(id: Int, days: Int)?]
    /// By pool number: ids of product and category, the same for equal ones; -1 = none.
    let products: [Int32]
    let categories: [Int32]
    let ids: [String: Int32]

    init(
        policy: ContactPolicy,
        tiers: [@Sendable (SubscriberIndex) -> Bool],
        everybody: [UInt8]?,
        rows: [CapRow],
        holdout: (hash: KeyedHash, below: UInt64)?,
        areas: [(test: @Sendable (SubscriberIndex) -> Bool, hours: [ChannelClass: QuietHours])],
        intervals: [(id: Int, days: Int)?],
        specs: [CampaignSpec?]
    ) {
        var ids: [String: Int32] = [:]
        func id(_ name: String?) -> Int32 {
            guard let name else { return -1 }
            if let known = ids[name] { return known }
            ids[name] = Int32(ids.count)
            return Int32(ids.count - 1)
        }
        products = specs.map { id($0?.product.map { "product " + $0 }) }
        categories = specs.map { id($0.map { "category " + $0.category }) }
        self.ids = ids
        self.policy = policy
        self.tiers = tiers
        self.everybody = everybody
        self.rows = rows
        self.holdout = holdout
        knownBars = policy.dnd.reduce(BarIndex.alwaysKnown) { $0 | 1 << UInt32($1.number) }
        self.areas = areas
        self.intervals = intervals
    }
}

/// Plans by campaign, made when first asked for and again when an input changed.
final class OfferPlans {
    struct Stamp: Equatable {
        var inputs: Int
        var day: LocalDay
    }

    /// A test and what it depends on.
    private struct Kept<T> {
        var profile: Int
        var lists: Int?
        var day: LocalDay
        var value: T
    }

    private var plans: [(stamp: Stamp, plan: OfferPlan)?] = []
    private var days: (stamp: Stamp, day: OfferDay)?
    private var tests: [String: Kept<@Sendable (SubscriberIndex) -> Bool>] = [:]
    private var scores: [String: Kept<@Sendable (SubscriberIndex) -> Int32?>] = [:]

    /// The day that was asked for last.
    var lastDay: OfferDay? { days?.day }
    /// Scores that campaigns ask for, as many as are worth reading ahead.
    var someScores: [@Sendable (SubscriberIndex) -> Int32?] { scores.values.prefix(3).map(\.value) }

    func plan(_ number: Int, _ stamp: Stamp, make: () throws -> OfferPlan) rethrows -> OfferPlan {
        while plans.count <= number { plans.append(nil) }
        if let kept = plans[number], kept.stamp == stamp { return kept.plan }
        let made = try make()
        plans[number] = (stamp, made)
        return made
    }

    func day(_ stamp: Stamp, make: () throws -> OfferDay) rethrows -> OfferDay {
        if let kept = days, kept.stamp == stamp { return kept.day }
        let made = try make()
        days = (stamp, made)
        return made
    }

    func test(
        _ rule: String,
        profile: Int,
        lists: Int,
        day: LocalDay,
        make: () throws -> SubscriberTest
    ) rethrows -> @Sendable (SubscriberIndex) -> Bool {
        if let kept = tests[rule], kept.profile == profile, kept.day == day, kept.lists == nil || kept.lists == lists {
            return kept.value
        }
        let made = try make()
        tests[rule] = Kept(profile: profile, lists: made.usesLists ? lists : nil, day: day, value: made.holds)
        return made.holds
    }

    func score(
        _ expression: String,
        profile: Int,
        day: LocalDay,
        make: () throws -> @Sendable (SubscriberIndex) -> Int32?
    ) rethrows -> @Sendable (SubscriberIndex) -> Int32? {
        if let kept = scores[expression], kept.profile == profile, kept.day == day { return kept.value }
        let made = try make()
        scores[expression] = Kept(profile: profile, lists: nil, day: day, value: made)
        return made
    }
}

extension DecisionState {
    func offerPlan(_ number: Int, on day: LocalDay) throws -> OfferPlan {
        try offerPlans.plan(number, OfferPlans.Stamp(inputs: inputVersion, day: day)) {
            try makePlan(number, on: day, policy: livePolicy())
        }
    }

    private func makePlan(_ number: Int, on day: LocalDay, policy: ContactPolicy) throws -> OfferPlan {
        let id = pool.campaigns[number].id
        guard let campaign = campaigns[id] else { throw DecisionError.unknownCampaign(id) }
        let spec = campaign.spec
        let unticked = policy.dnd.filter { dnd in
            dnd.mayBeUnticked && spec.unticked.contains { $0.dndClass == dnd.number }
        }
        let similarTo = Set(policy.categories(similarTo: spec.category))
        let shared = try offerDay(on: day)
        let (score, personal, problem) = try scores(of: spec, on: day)
        return OfferPlan(
            number: number,
            spec: spec,
            campaignFailure: campaignFailure(campaign, on: day),
            problem: problem,
            owners: spec.product.flatMap { lists[.product($0)] },
            conflicts: spec.conflictingProducts.compactMap { lists[.product($0)] },
            unticked: unticked.reduce(0) { $0 | 1 << UInt32($1.number) },
            rules: try policy.categoryRules.filter { $0.applies(to: spec.category) }.map { try test($0.rule, on: day) },
            score: score,
            personal: personal,
            sameProduct: spec.product.flatMap { product in
                policy.days(betweenContactsFor: product).map { (recent.id(.product(product), days: $0), $0) }
            },
            similar: policy.similarDays[spec.category].map { days in
                (similarTo.sorted().map { recent.id(.category($0), days: days) }, days)
            },
            product: spec.product.flatMap { shared.ids["product " + $0] },
            similarCategories: similarTo.compactMap { shared.ids["category " + $0] },
            linkage: policy.linkage.type(of: spec.category),
            control: (draw("control", of: id), Self.threshold(ppm: spec.controlPPM))
        )
    }

    private typealias Scorer = @Sendable (SubscriberIndex) -> Int32?

    /// What ranks a campaign's offers; a load may have taken away what an expression asks for, which is told instead.
    private func scores(
        of spec: CampaignSpec,
        on day: LocalDay
    ) throws -> (score: Scorer?, personal: Scorer?, problem: String?) {
        _ = try profileReader()
        do {
            return (
                try spec.score.map { try subscriberScore($0, on: day) },
                try spec.personalPriority.map { try subscriberScore($0, on: day) }, nil
            )
        } catch {
            return (nil, nil, "\(error)")
        }
    }

    /// The campaigns of the pool that are offered to nobody because an expression cannot be evaluated, and why.
    ///
    /// - Throws: ``DecisionError`` when there is no policy or profile.
    public func poolProblems(on day: LocalDay) throws -> [CampaignID: String] {
        var problems: [CampaignID: String] = [:]
        for (number, campaign) in pool.campaigns.enumerated() where campaign.isOffered {
            problems[campaign.id] = try offerPlan(number, on: day).problem
        }
        return problems
    }

    func offerDay(on day: LocalDay) throws -> OfferDay {
        try offerPlans.day(OfferPlans.Stamp(inputs: inputVersion, day: day)) {
            let policy = try livePolicy()
            return OfferDay(
                policy: policy,
                tiers: try policy.tiers.map { try test($0.rule, on: day) },
                everybody: try tiersUseLists(on: day) ? nil : tiers(on: day),
                rows: capRows,
                holdout: policy.holdout.ppm == 0
                    ? nil : (draw("holdout/" + policy.holdout.epoch, of: nil), Self.threshold(ppm: policy.holdout.ppm)),
                areas: try policy.quietAreas.map { (try test($0.rule, on: day), $0.quietHours) },
                intervals: ChannelClass.allCases.map { channel in
                    policy.intervalDays[channel].map { (recent.id(.channel(channel), days: $0), $0) }
                },
                specs: pool.campaigns.map { campaigns[$0.id]?.spec }
            )
        }
    }

    /// A rule of the policy for single subscribers, kept until what it reads changes.
    func test(_ rule: String, on day: LocalDay) throws -> @Sendable (SubscriberIndex) -> Bool {
        try offerPlans.test(rule, profile: profileVersion, lists: listVersion, day: day) {
            try profileReader().test(rule, today: day, lists: memberships)
        }
    }

    private func subscriberScore(
        _ expression: String,
        on day: LocalDay
    ) throws -> @Sendable (SubscriberIndex) -> Int32? {
        try offerPlans.score(expression, profile: profileVersion, day: day) {
            try profileReader().subscriberScore(expression, today: day)
        }
    }
}
