// Tables of what subscribers used, held and did: their rows and columns.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// A touch between the operator and a subscriber.
struct ContactFacts {
    var line: Int64
    /// Local day and second of that day.
    var day: Int32
    var second: Int32
    var channel: Int
    var kind: Int
    /// Position in ``OfferCategory``; ``Null/code`` for what is not marketing.
    var category = Null.code
    var outcome: Int
    /// Number of the campaign; ``Null/number`` for what is not marketing.
    var campaign = Null.number
    /// The product it was about, in ``Domains/products``; ``Null/code`` where it was about none.
    var business = Null.code
    /// How long a call took; ``Null/number`` for what is no call.
    var seconds = Null.number
}

/// A step on the web, in a voice menu or with the hotline.
struct VisitFacts {
    var line: Int64
    var day: Int32
    var second: Int32
    var channel: Int
    var step: Int
    var business: Int
    var seconds: Int64
}

/// A complaint.
struct ComplaintFacts {
    var line: Int64
    var day: Int32
    var topic: Int
    var isResolved: Bool
    var isEscalated: Bool
}

/// A plan or product held over a time.
struct SubscriptionFacts {
    var line: Int64
    var product: Int
    var from: Int32
    var to = Null.day
}

extension SyntheticOperator {
    var monthColumns: [Column<MonthFacts>] {
        [
            .integer("line_id") { $0.pointee.line },
            .day("month") { $0.pointee.firstDay },
            .decimal("fee_total", scale: 2) { $0.pointee.total },
            .decimal("fee_rent", scale: 2) { $0.pointee.rent },
            .decimal("fee_voice", scale: 2) { $0.pointee.voiceFee },
            .decimal("fee_data", scale: 2) { $0.pointee.dataFee },
            .decimal("fee_sms", scale: 2) { $0.pointee.smsFee },
            .decimal("fee_value_added", scale: 2) { $0.pointee.valueAddedFee },
            .decimal("fee_roaming", scale: 2) { $0.pointee.roamingFee },
            .decimal("discount", scale: 2) { $0.pointee.discount },
            .count("voice_minutes") { $0.pointee.minutes },
            .count("data_mb") { $0.pointee.dataMB },
            .count("sms_count") { $0.pointee.messages },
            .count("roaming_mb") { $0.pointee.roamingMB },
            .count("active_days") { $0.pointee.activeDays },
        ]
    }

    var contactColumns: [Column<ContactFacts>] {
        let offset = Int64(utcOffsetSeconds)
        return [
            .integer("line_id") { $0.pointee.line },
            .timestamp("at") { (Int64($0.pointee.day) * 86_400 + Int64($0.pointee.second) - offset) * 1_000_000 },
            .day("day") { $0.pointee.day },
            .text("channel", Domains.channel) { $0.pointee.channel },
            .text("kind", Domains.contactKind) { $0.pointee.kind },
            .text("category", OfferCategory.allCases.map(\.rawValue)) { $0.pointee.category },
            .text("outcome", Domains.contactOutcome) { $0.pointee.outcome },
            .integer("campaign") { $0.pointee.campaign },
            .text("business", Domains.products) { $0.pointee.business },
            .integer("seconds") { $0.pointee.seconds },
        ]
    }

    var visitColumns: [Column<VisitFacts>] {
        let offset = Int64(utcOffsetSeconds)
        return [
            .integer("line_id") { $0.pointee.line },
            .timestamp("at") { (Int64($0.pointee.day) * 86_400 + Int64($0.pointee.second) - offset) * 1_000_000 },
            .day("day") { $0.pointee.day },
            .text("channel", Domains.visitChannel) { $0.pointee.channel },
            .text("step", Domains.visitStep) { $0.pointee.step },
            .text("business", Domains.products) { $0.pointee.business },
            .integer("seconds") { $0.pointee.seconds },
        ]
    }

    /// One visit of three steps or fewer for two in five subscribers, within the last 30 days.
    func visits(_ t: Traits, _ add: (VisitFacts) -> Void) {
        var draw = Draws(key: t.key, purpose: .visits)
        guard draw.chance(16_000 + t.digital * 20) else { return }
        let channel = draw.chance(30_000 + t.digital * 20) ? 0 : 1 + draw.below(2)
        let day = tables.today - 1 - Int32(draw.below(min(30, max(1, t.tenureDays))))
        var second = 28_800 + (draw.share() * 50_000) >> 16
        let business = draw.below(Domains.products.count)
        for step in 0..<(1 + draw.below(3)) {
            let seconds = 10 + draw.below(120)
            add(
                VisitFacts(
                    line: t.line,
                    day: day,
                    second: Int32(second),
                    channel: channel,
                    step: channel * 3 + step,
                    business: step == 0 ? Null.code : business,
                    seconds: Int64(seconds)
                )
            )
            second += seconds
        }
    }

    var complaintColumns: [Column<ComplaintFacts>] {
        [
            .integer("line_id") { $0.pointee.line },
            .day("day") { $0.pointee.day },
            .text("topic", Domains.complaintTopic) { $0.pointee.topic },
            .flag("resolved") { $0.pointee.isResolved },
            .flag("escalated") { $0.pointee.isEscalated },
        ]
    }

    var subscriptionColumns: [Column<SubscriptionFacts>] {
        [
            .integer("line_id") { $0.pointee.line },
            .text("product", Domains.subscribable) { $0.pointee.product },
            .day("from_day") { $0.pointee.from },
            .day("to_day") { $0.pointee.to },
        ]
    }

    /// Days of a subscriber's complaints within the last 182 days, ascending.
    func complaintDays(_ t: Traits) -> [Int32] {
        var draw = Draws(key: t.key ^ 0xDA, purpose: .complaints)
        return (0..<t.complaints).map { _ in tables.today - 1 - Int32(draw.below(min(182, max(1, t.tenureDays)))) }
            .sorted()
    }

    func complaints(_ t: Traits, _ add: (ComplaintFacts) -> Void) {
        guard t.complaints > 0 else { return }
        var draw = Draws(key: t.key ^ 0x70, purpose: .complaints)
        let days = complaintDays(t)
        for (position, day) in days.enumerated() {
            let isLast = position == days.count - 1
            let topic = [0, 0, 1, 1, 1, 2, 3, 4, 5, 5][draw.below(10)]
            let isResolved = draw.chance(isLast && tables.today - day < 14 ? 30_000 : 61_000)
            add(
                ComplaintFacts(
                    line: t.line,
                    day: day,
                    topic: topic,
                    isResolved: isResolved,
                    isEscalated: isLast && t.isEscalated
                )
            )
        }
    }

    func subscriptions(_ t: Traits, _ add: (SubscriptionFacts) -> Void) {
        var draw = Draws(key: t.key, purpose: .subscriptions)
        let since = t.planSince
        let join = tables.today - Int32(t.tenureDays)
        if since > join, draw.chance(16_000) {
            let range = tables.plansOfBrand[t.brand]
            let former = range.lowerBound + draw.below(range.count)
            if former != t.plan { add(SubscriptionFacts(line: t.line, product: former, from: join, to: since)) }
        }
        add(SubscriptionFacts(line: t.line, product: t.plan, from: since))
        func held(_ product: Domains.Product, _ isHeld: Bool, past: Int) {
            let ends = !isHeld && draw.chance(past)
            guard isHeld || ends else { return }
            let length = max(1, (t.tenureDays * (8_192 + draw.share() * 7 / 8)) >> 16)
            let ended = max(1, (length * draw.share()) >> 16)
            add(
                SubscriptionFacts(
                    line: t.line,
                    product: tables.plans.count + product.rawValue,
                    from: tables.today - Int32(length),
                    to: ends ? tables.today - Int32(ended) : Null.day
                )
            )
        }
        held(.broadband, t.hasBroadband, past: 700)
        held(.iptv, t.hasIPTV, past: 500)
        held(.ringBackTone, t.hasRingBackTone, past: 5_000)
        held(.video, t.hasVideo, past: 4_000)
        held(.game, t.hasGame, past: 3_000)
        held(.roaming, t.roams, past: 1_500)
        held(.family, t.hasFamilyPlan, past: 1_500)
        held(.dataPack, draw.chance(t.digital * 10), past: 4_000)
        let use = serviceUse(t)
        held(.mailbox, use.uses(.mailbox), past: 700)
        held(.newspaper, use.uses(.newspaper), past: 900)
    }
}
