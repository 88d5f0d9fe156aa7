// The row of table `subscriber`: the catalogue's attributes, computed from traits and months.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// A value that a column stores as NULL.
enum Null {
    static let day = Int32.min
    static let number = Int64.min
    static let code = -1
}

/// All attributes of one subscriber.
struct Profile {
    var t: Traits
    // Sums over the three months.
    var fees = 0
    var voiceFees = 0
    var dataFees = 0
    var valueAddedFees = 0
    var roamingFees = 0
    var discounts = 0
    var dataMB = 0
    var minutes = 0
    var messages = 0
    var lastFees = 0
    var messageFees = 0
    var use = ServiceUse()
    var newArrears = 0

    var imsi: Int64 = 0
    var customer: Int64 = 0
    var account: Int64 = 0
    var name = 0
    var vipLevel = 0
    var sex = 0
    var isAgeKnown = true
    var occupation = 0
    var terminalType = 0
    var terminalBrand = 0
    var terminalModel = 0
    var terminalSince: Int32 = 0
    var lastTopUp: Int32 = 0
    var lastAppDay = Null.day
    var lastComplaint = Null.day
    var isPostpaid = false
    var arrears = 0
    var balance = 0
    var points = 0
    var enquiries = 0
    var preferredChannel = 0
    var isAppUser = false
    var hasAutoTopUp = false
    var hasElectronicBill = false
    var isDualSIM = false
    var churnPPM = 0
    var upgradePPM = 0
    var dataPackPPM = 0

    /// Data used as a share of the plan's allowance, in hundredths of a percent; nil where the plan holds no data.
    func dataUseRatio(_ plan: Plan) -> Int? {
        plan.dataMB == 0 ? nil : dataMB * 10_000 / 3 / plan.dataMB
    }
}

extension SyntheticOperator {
    func profile(_ index: Int) -> Profile {
        var p = Profile(t: traits(index))
        addMonths(&p)
        addIdentity(&p)
        var draw = Draws(key: p.t.key, purpose: .profile)
        addPerson(&p, &draw)
        addTerminal(&p, &draw)
        addMoney(&p, &draw)
        addChannels(&p, &draw)
        addScores(&p, &draw)
        return p
    }

    private func addMonths(_ p: inout Profile) {
        let (a, b, c) = monthFacts(p.t)
        p.fees = a.total + b.total + c.total
        p.lastFees = c.total
        p.voiceFees = a.voiceFee + b.voiceFee + c.voiceFee
        p.dataFees = a.dataFee + b.dataFee + c.dataFee
        p.valueAddedFees = a.valueAddedFee + b.valueAddedFee + c.valueAddedFee
        p.roamingFees = a.roamingFee + b.roamingFee + c.roamingFee
        p.discounts = a.discount + b.discount + c.discount
        p.dataMB = a.dataMB + b.dataMB + c.dataMB
        p.minutes = a.minutes + b.minutes + c.minutes
        p.messages = a.messages + b.messages + c.messages
        p.messageFees = a.smsFee + b.smsFee + c.smsFee
        p.use = serviceUse(p.t)
        p.enquiries = enquiries(p.t, 0) + enquiries(p.t, 1) + enquiries(p.t, 2)
    }

    /// Four neighbours in line order belong to one customer now and then (families, small firms).
    private func addIdentity(_ p: inout Profile) {
        let first = p.t.index & ~3
        var draw = Draws(key: key(first), purpose: .customer)
        let lines = draw.chance(9_000) ? 2 + draw.below(3) : 1
        let holder = p.t.index - first < lines ? first : p.t.index
        p.customer = Self.customerBase + Int64(holder) * 16 + Int64(key(holder) >> 60)
        p.account = Self.accountBase + Int64(holder) * 16 + Int64(key(holder) >> 56 & 15)
        p.imsi = 460_000_000_000_000 + Int64((p.t.numberPosition * 7_919 + 12_345) % 10_000_000_000)
        p.name = Int(SeededRandom.mix(key(holder) ^ 0x4E) % UInt64(Domains.customerNames.count))
    }

    private func addPerson(_ p: inout Profile, _ draw: inout Draws) {
        p.isAgeKnown = !draw.chance(3_277)
        p.sex = draw.chance(1_300) ? Null.code : draw.chance(33_600) ? 0 : 1
        let monthly = p.fees / 300
        let rank = monthly + min(p.t.tenureDays / 30, 120) / 4 + (p.t.brand == 0 ? 60 : 0) + draw.below(60)
        p.vipLevel = rank >= 370 ? 3 : rank >= 335 ? 2 : rank >= 300 ? 1 : 0
        let share = draw.below(100)
        switch p.t.age {
        case ..<23: p.occupation = share < 78 ? 0 : 1
        case 60...: p.occupation = share < 72 ? 7 : 5
        default: p.occupation = share < 40 ? 1 : share < 48 ? 2 : share < 54 ? 3 : share < 70 ? 4 : share < 85 ? 5 : 6
        }
        if p.t.complaints > 0 { p.lastComplaint = complaintDays(p.t).last ?? Null.day }
    }

    private func addTerminal(_ p: inout Profile, _ draw: inout Draws) {
        let modern = p.t.digital + p.t.wealth / 3 + draw.around(200)
        p.terminalType = draw.chance(900) ? 3 : modern > 660 ? 2 : modern > 220 ? 1 : 0
        let rich = p.t.wealth + draw.around(500)
        let other = draw.below(100)
        switch p.terminalType {
        case 0, 3: p.terminalBrand = other < 20 ? 0 : 7
        default:
            p.terminalBrand = rich > 760 ? (other < 48 ? 5 : other < 88 ? 0 : 6) : [1, 2, 2, 3, 3, 4, 4, 0][other & 7]
        }
        p.terminalModel = p.terminalBrand * 8 + draw.below(8)
        p.terminalSince = tables.today - Int32(tables.terminalAge(draw.share()))
        p.isDualSIM = p.terminalType != 0 && draw.chance(26_000)
    }

    private func addMoney(_ p: inout Profile, _ draw: inout Draws) {
        p.isPostpaid = draw.chance(p.t.brand == 0 ? 40_000 : 9_000)
        let owes = p.t.isSuspended ? draw.chance(52_000) : draw.chance(1_000 + p.t.trouble * 2)
        let size = draw.share()
        p.arrears = owes ? 200 + (p.lastFees * (size >> 6)) >> 9 : 0
        // What the last month added: arrears older than that stay.
        p.newArrears = min(p.arrears, p.lastFees / 4)
        p.balance = owes ? 0 : 50 + (p.fees * (draw.share() >> 7)) >> 9
        p.points = (min(p.t.tenureDays, 3_650) * tables.pointSpread(draw.share())) >> 4
        p.lastTopUp = tables.today - Int32(min(tables.topUpAge(draw.share()), p.t.tenureDays))
        p.hasAutoTopUp = draw.chance(6_000 + p.t.digital * 24)
        p.hasElectronicBill = draw.chance(14_000 + p.t.digital * 40)
    }

    private func addChannels(_ p: inout Profile, _ draw: inout Draws) {
        p.isAppUser = p.terminalType != 0 && draw.chance(8_000 + p.t.digital * 48)
        if p.isAppUser { p.lastAppDay = tables.today - Int32((draw.below(300) * draw.below(300)) / 1_000) }
        let share = draw.below(100)
        let taste = p.t.digital + draw.around(300)
        p.preferredChannel =
            taste > 640
            ? (share < 62 ? 5 : share < 80 ? 4 : 0)
            : taste > 330
                ? (share < 55 ? 0 : share < 80 ? 5 : 3)
                : (share < 45 ? 2 : share < 70 ? 1 : share < 85 ? 3 : 0)
    }

    /// The operator's models: what they see of the hidden state, with some noise, as a share in millionths.
    private func addScores(_ p: inout Profile, _ draw: inout Draws) {
        let plan = tables.plans[p.t.plan]
        p.churnPPM = Logistic.ppm(churnScore(p.t) + draw.around(80)) + draw.below(600)
        p.upgradePPM =
            Logistic.ppm(
                -1_150 + p.t.digital + p.t.wealth * 2 / 5 + (p.terminalType == 2 ? 330 : -150) - (plan.is5G ? 700 : 0)
                    + draw.around(150)
            ) + draw.below(600)
        let used = min(p.dataUseRatio(plan) ?? 4_000, 25_000) / 100
        p.dataPackPPM = Logistic.ppm(-1_250 + used * 5 + p.t.digital / 3 + draw.around(150)) + draw.below(600)
    }

    /// How near to leaving a subscriber is, on the scale of ``Logistic``.
    func churnScore(_ t: Traits) -> Int {
        -840 + t.trouble + t.decline * 8 - min(t.tenureDays, 3_600) / 10 - (t.hasContract ? 260 : 0)
            + t.complaints * 110 - (t.hasBroadband ? 90 : 0)
    }
}
