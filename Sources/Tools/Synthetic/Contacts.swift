// Table `contact`: marketing with a heavy tail over the caps of FRQ-01, care, enquiries, handling and queries.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// Positions in ``Domains/channel``, ``Domains/contactKind`` and ``Domains/contactOutcome``.
private enum Code {
    static let sms = 0, outbound = 1, inbound = 2, website = 3
    static let care = 0, enquiry = 1, complaint = 2, handling = 3, marketing = 4, query = 5
    static let delivered = 0, undelivered = 1, accepted = 2, considering = 3, refused = 4, noAnswer = 5, done = 6
    static let viewed = 7, clicked = 8
}

/// Contacts of one subscriber before they are in order of time: one 64-bit number each, time in the high bits.
private struct ContactBuffer {
    static let capacity = 128
    let entries: UnsafeMutableBufferPointer<UInt64>
    var count = 0

    mutating func add(
        second: Int,
        channel: Int,
        kind: Int,
        outcome: Int,
        category: Int = 0,
        campaign: Int = 0
    ) {
        precondition(count < Self.capacity, "a subscriber has at most \(Self.capacity) contacts")
        let payload = channel | kind << 2 | outcome << 5 | category << 9 | campaign << 12
        let entry = UInt64(second) << 32 | UInt64(payload)
        var place = count
        while place > 0, entries[place - 1] > entry {
            entries[place] = entries[place - 1]
            place -= 1
        }
        entries[place] = entry
        count += 1
    }
}

/// How many marketing messages a month, by how closely a subscriber is worked: shares of 65 536 for "more than n".
private let messagesBeyond: [[Int]] = [
    [11_796, 1_966],
    [32_768, 13_107, 4_587, 1_310, 327],
    [60_293, 49_152, 34_734, 20_316, 10_485, 4_587, 1_310],
    [65_535, 64_225, 60_293, 52_428, 39_321, 26_214, 13_107, 5_242],
]

extension SyntheticOperator {
    /// The contacts of a subscriber in order of time.
    func contacts(_ t: Traits, _ add: (ContactFacts) -> Void) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: ContactBuffer.capacity) { memory in
            var buffer = ContactBuffer(entries: memory)
            var draw = Draws(key: t.key, purpose: .contacts)
            let level = workLevel(t, &draw)
            for month in 0...3 {
                addMarketing(t, month, level, &draw, &buffer)
                addService(t, month, &draw, &buffer)
            }
            let begin = tables.monthFirstDay[0]
            for day in complaintDays(t) where day >= begin {
                buffer.add(
                    second: Int(day - begin) * 86_400 + 30_000 + draw.share() / 2,
                    channel: Code.inbound,
                    kind: Code.complaint,
                    outcome: Code.done
                )
            }
            let join = tables.today - Int32(t.tenureDays)
            for entry in UnsafeBufferPointer(rebasing: memory[..<buffer.count]) {
                let fact = contact(entry, line: t.line)
                if fact.day >= join, fact.day < tables.today { add(fact) }
            }
        }
    }

    private func contact(_ entry: UInt64, line: Int64) -> ContactFacts {
        let (day, second) = Int(entry >> 32).quotientAndRemainder(dividingBy: 86_400)
        let payload = Int(entry & 0xFFFF_FFFF)
        let kind = payload >> 2 & 7
        let category = payload >> 9 & 7
        var fact = ContactFacts(
            line: line,
            day: tables.monthFirstDay[0] + Int32(day),
            second: Int32(second),
            channel: payload & 3,
            kind: kind,
            outcome: payload >> 5 & 15
        )
        if kind == Code.marketing {
            let month = tables.monthFirstDay.lastIndex { $0 <= fact.day } ?? 0
            fact.category = category
            fact.campaign = Int64((tables.monthNumber + month) * 100 + category * 10 + payload >> 12)
            fact.business = Self.business(of: category)
        } else if kind == Code.enquiry || kind == Code.handling || kind == Code.query {
            // Of one line mostly the same, so that an interest shows.
            fact.business = Int((UInt64(bitPattern: line) &* 0x9E37_79B9_7F4A_7C15) >> 60) % Domains.products.count
        }
        if payload & 3 == Code.inbound, kind != Code.marketing { fact.seconds = Int64(40 + second % 500) }
        return fact
    }

    /// The product that marketing of a category offers; none for those that offer a plan, a handset or nothing in particular.
    private static func business(of category: Int) -> Int {
        switch OfferCategory.allCases[category] {
        case .dataPack: Domains.Product.dataPack.rawValue
        case .broadband: Domains.Product.broadband.rawValue
        case .valueAdded: Domains.Product.video.rawValue
        case .roaming: Domains.Product.roaming.rawValue
        case .upgrade5G, .retention, .terminal, .general: Null.code
        }
    }

    /// How closely marketing works a subscriber: 0 (hardly) to 3 (in everybody's target group).
    private func workLevel(_ t: Traits, _ draw: inout Draws) -> Int {
        let rank = draw.share() + (t.wealth + t.digital - 900) * 6
        return rank > 64_200 ? 3 : rank > 58_000 ? 2 : rank > 38_500 ? 1 : 0
    }

    /// Seconds from the first day of history to a time of day in a month.
    private func second(_ month: Int, from: Int, length: Int, _ draw: inout Draws) -> Int {
        let day = Int(tables.monthFirstDay[month] - tables.monthFirstDay[0]) + draw.below(tables.monthLength[month])
        return day * 86_400 + from + (draw.share() * length) >> 16
    }

    private func addMarketing(
        _ t: Traits,
        _ month: Int,
        _ level: Int,
        _ draw: inout Draws,
        _ buffer: inout ContactBuffer
    ) {
        let share = draw.share()
        for beyond in messagesBeyond[level] where share < beyond {
            buffer.add(
                second: second(month, from: 32_400, length: 39_600, &draw),
                channel: Code.sms,
                kind: Code.marketing,
                outcome: draw.chance(2_600) ? Code.undelivered : draw.chance(1_000) ? Code.accepted : Code.delivered,
                category: draw.below(8),
                campaign: draw.below(10)
            )
        }
        let other = draw.share()
        for beyond in [1_850, 130] where other < beyond + level * beyond / 3 {
            buffer.add(
                second: second(month, from: 34_200, length: 34_200, &draw),
                channel: Code.outbound,
                kind: Code.marketing,
                outcome: [
                    Code.noAnswer, Code.noAnswer, Code.refused, Code.refused, Code.refused, Code.considering,
                    Code.considering, Code.accepted,
                ][draw.below(8)],
                category: draw.below(8),
                campaign: draw.below(10)
            )
        }
        if draw.chance(1_900) {
            buffer.add(
                second: second(month, from: 28_800, length: 50_400, &draw),
                channel: Code.inbound,
                kind: Code.marketing,
                outcome: draw.chance(14_000) ? Code.accepted : Code.refused,
                category: draw.below(8),
                campaign: draw.below(10)
            )
        }
        let visits = draw.share()
        for beyond in [14, 5, 2, 1] where visits < beyond * (300 + t.digital / 2) {
            buffer.add(
                second: second(month, from: 25_200, length: 61_000, &draw),
                channel: Code.website,
                kind: Code.marketing,
                outcome: draw.chance(9_000) ? Code.clicked : Code.viewed,
                category: draw.below(8),
                campaign: draw.below(10)
            )
        }
    }

    private func addService(_ t: Traits, _ month: Int, _ draw: inout Draws, _ buffer: inout ContactBuffer) {
        for _ in 0..<enquiries(t, month) {
            buffer.add(
                second: second(month, from: 28_800, length: 50_400, &draw),
                channel: Code.inbound,
                kind: Code.enquiry,
                outcome: Code.done
            )
        }
        if draw.chance(2_600) {
            buffer.add(
                second: second(month, from: 30_000, length: 36_000, &draw),
                channel: Code.inbound,
                kind: Code.handling,
                outcome: Code.done
            )
        }
        if draw.chance(3_900) {
            buffer.add(
                second: second(month, from: 34_200, length: 28_800, &draw),
                channel: Code.sms,
                kind: Code.care,
                outcome: Code.delivered
            )
        }
        if draw.chance(1_500 + t.digital * 7) {
            buffer.add(
                second: second(month, from: 25_200, length: 61_000, &draw),
                channel: draw.chance(20_000) ? Code.sms : Code.website,
                kind: Code.query,
                outcome: Code.done
            )
        }
    }
}
