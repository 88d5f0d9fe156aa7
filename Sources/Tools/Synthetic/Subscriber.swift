// One synthetic subscriber: hidden traits first, then everything that follows from them. Depends on (seed, index) only.
// SPDX-License-Identifier: Apache-2.0

/// Usage and fees of one subscriber in one month.
struct MonthFacts {
    var line: Int64 = 0
    var firstDay: Int32 = 0
    // Fees in cents.
    var rent = 0
    var voiceFee = 0
    var dataFee = 0
    var smsFee = 0
    var valueAddedFee = 0
    var roamingFee = 0
    var discount = 0
    // Usage.
    var minutes = 0
    var dataMB = 0
    var messages = 0
    var roamingMB = 0
    var activeDays = 0

    /// What the subscriber pays for the month, in cents.
    var total: Int { rent + voiceFee + dataFee + smsFee + valueAddedFee + roamingFee - discount }
}

/// The hidden state of a subscriber and the facts that any table may need.
struct Traits {
    var index = 0
    var key: UInt64 = 0
    var line: Int64 = 0
    var msisdn: Int64 = 0
    var numberPosition = 0
    var city = 0

    // Hidden, 0...1023.
    var wealth = 0
    var digital = 0
    var trouble = 0

    var brand = 0
    var plan = 0
    var age = 0
    var birthday: Int32 = 0
    var tenureDays = 0
    var planSince: Int32 = 0
    /// Percent of usage lost per month; negative when it grows.
    var decline = 0
    var isSuspended = false
    var isCancelled = false
    var isOrganisation = false
    var isGroupMember = false
    var hasBroadband = false
    var hasIPTV = false
    var hasRingBackTone = false
    var hasVideo = false
    var hasGame = false
    var roams = false
    var hasFamilyPlan = false
    /// Days from the reference day to the contract's end; negative when it has ended, nil without any contract.
    var contractDays: Int?
    var complaints = 0
    var isEscalated = false

    var hasContract: Bool { (contractDays ?? -1) >= 0 }
}

extension SyntheticOperator {
    /// The traits of subscriber `index`.
    func traits(_ index: Int) -> Traits {
        var t = Traits()
        t.index = index
        t.key = key(index)
        t.line = Self.lineBase + Int64(index) * Self.lineStride + Int64(t.key & UInt64(Self.lineStride - 1))
        t.numberPosition = permutation(index)
        (t.msisdn, t.city) = numbers.number(at: t.numberPosition)

        var draw = Draws(key: t.key, purpose: .traits)
        drawPerson(&t, &draw)
        drawContract(&t, &draw)
        drawServices(&t, &draw)
        drawComplaints(&t)
        return t
    }

    private func drawPerson(_ t: inout Traits, _ draw: inout Draws) {
        let brand = draw.share()
        t.brand = brand < 13_100 ? 0 : brand < 31_500 ? 1 : 2
        t.age = tables.age[t.brand](draw.share())
        t.birthday = tables.anniversary[t.age] - Int32(draw.below(365))
        let decade = min(t.age / 10, 7)
        t.wealth =
            (tables.brandWealth[t.brand] + tables.decadeWealth[decade] + tables.cityWealth[t.city] + draw.around(330))
            .held(0...1023)
        t.digital = (tables.decadeDigital[decade] + (t.wealth - 450) / 5 + draw.around(300)).held(0...1023)
        let unrest = draw.share() >> 6
        t.trouble = (unrest * unrest) >> 10
        t.tenureDays = min(tables.tenure[t.brand](draw.share()), max(1, (t.age - 10) * 365))
        t.planSince = tables.today - Int32(min(tables.planAge(draw.share()), t.tenureDays))
        let rank = ((t.wealth * 3 + t.digital) / 4 - tables.planThrift[t.brand] + draw.around(260)).held(0...1023)
        let plans = tables.plansOfBrand[t.brand]
        t.plan = plans.lowerBound + (plans.count * rank) >> 10
    }

    private func drawContract(_ t: inout Traits, _ draw: inout Draws) {
        let share = draw.share()
        let days = draw.share()
        let running = tables.contractShare[t.brand]
        t.contractDays =
            share < running ? (days * 730) >> 16 : share < running + 7_800 ? -1 - (days * 365) >> 16 : nil
        let unrest = t.trouble - (t.contractDays ?? -1 >= 0 ? 150 : 0) - min(t.tenureDays, 3_000) / 15
        t.decline = draw.chance(2_000 + max(0, unrest) * 24) ? 8 + draw.below(24) : draw.below(9) - 5
        t.isCancelled = draw.chance(300 + max(0, unrest))
        t.isSuspended = !t.isCancelled && draw.chance(600 + t.trouble * 2)
    }

    private func drawServices(_ t: inout Traits, _ draw: inout Draws) {
        t.isOrganisation = draw.chance(800)
        t.isGroupMember = t.isOrganisation || (t.age >= 20 && draw.chance(t.brand == 0 ? 11_000 : 4_500))
        t.hasBroadband = draw.chance(8_000 + t.wealth * 16 + min(t.tenureDays, 3_000) * 2)
        t.hasIPTV = draw.chance(40_000) && t.hasBroadband
        t.hasRingBackTone = draw.chance(6_000 + t.digital * 10)
        t.hasVideo = draw.chance(t.digital * 38)
        t.hasGame = draw.chance(max(0, 52 - t.age) * t.digital / 2)
        t.roams = draw.chance(1_500 + t.wealth * t.wealth / 64)
        t.hasFamilyPlan = draw.chance(t.age >= 25 ? 17_000 : 9_000)
    }

    private func drawComplaints(_ t: inout Traits) {
        var draw = Draws(key: t.key, purpose: .complaints)
        guard draw.chance(1_200 + t.trouble * t.trouble / 75) else { return }
        t.complaints = 1
        while t.complaints < 4, draw.chance(17_000) { t.complaints += 1 }
        t.isEscalated = draw.chance(3_000 + t.complaints * 3_000)
    }

    /// Usage and fees of month `month`: 0 is three months back, 2 is last month.
    func monthFacts(_ t: Traits, _ month: Int, _ draw: inout Draws) -> MonthFacts {
        let plan = tables.plans[t.plan]
        var m = MonthFacts()
        m.line = t.line
        m.firstDay = tables.monthFirstDay[month]
        m.activeDays = min(tables.monthLength[month], 12 + (t.digital + t.wealth) / 80 + draw.below(18))
        m.rent = plan.feeCents
        let strength = (100 - t.decline * month) * (80 + draw.below(41))  // 1/10 000 of the usual usage

        let wanted = ((t.digital * t.digital) >> 4) * tables.dataSpread(draw.share()) / 100 * strength / 10_000
        let over = max(0, wanted - plan.dataMB)
        m.dataMB = wanted - over + over / 4
        m.dataFee = min(over / 4 * 300 / 1_024, 6_000)

        m.minutes = (40 + t.wealth / 3) * tables.voiceSpread(draw.share()) / 100 * strength / 10_000
        m.voiceFee = max(0, m.minutes - plan.minutes) * 15
        m.messages = tables.messageSpread(draw.share()) * strength / 10_000
        m.smsFee = m.messages * 10
        m.valueAddedFee =
            (t.hasVideo ? 1_500 : 0) + (t.hasGame ? 900 : 0) + (t.hasRingBackTone ? 500 : 0) + (t.hasIPTV ? 1_000 : 0)
        if t.roams, draw.chance(9_000) {
            m.roamingMB = 50 + draw.below(3_000)
            m.roamingFee = m.roamingMB * 5
        }
        m.discount = t.hasContract ? m.rent / 5 : t.hasFamilyPlan ? m.rent / 20 : 0
        return m
    }

    /// The three months before the reference day's month, oldest first.
    func monthFacts(_ t: Traits) -> (MonthFacts, MonthFacts, MonthFacts) {
        var draw = Draws(key: t.key, purpose: .months)
        return (monthFacts(t, 0, &draw), monthFacts(t, 1, &draw), monthFacts(t, 2, &draw))
    }

    /// Enquiries in month `month` (3 = the reference day's); none in the month of joining.
    func enquiries(_ t: Traits, _ month: Int) -> Int {
        guard tables.today - Int32(t.tenureDays) <= tables.monthFirstDay[month] else { return 0 }
        let share = Int(truncatingIfNeeded: t.key >> UInt64(16 * month)) & 0xFFFF
        return share < 600 ? 2 : share < 2_600 + t.trouble * 4 ? 1 : 0
    }
}
