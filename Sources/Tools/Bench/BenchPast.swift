// Decisions of past days on a bench's operator: waves, hand-offs, receipts, and offers to customers who came.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Kernel
import Model

/// Makes decisions of the past; everything depends on the seed alone.
struct BenchPast {
    let platform: Platform
    let subscribers: Int
    let seed: UInt64

    /// The slot of a wave some days ago, by day, outside quiet hours.
    func slot(daysAgo: Int) -> LocalTime {
        platform.clock.at(platform.clock.now.day.adding(days: -daysAgo), minute: 10 * 60)
    }

    /// One of 2^`halvings` subscribers, others for each number.
    func audience(_ number: Int64, halvings: Int) -> Bitset {
        var members = Bitset(universe: subscribers)
        let salt = SeededRandom.mix(seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
        members.withMutableWords { words in
            for place in words.indices {
                var word = UInt64.max
                for halving in 0..<halvings {
                    word &= SeededRandom.mix(salt &+ UInt64(place) &* 64 &+ UInt64(halving))
                }
                words[place] = word
            }
            // No member behind the last subscriber.
            if subscribers & 63 != 0 { words[words.count - 1] &= (1 << UInt64(subscribers & 63)) - 1 }
        }
        return members
    }

    /// Makes a campaign known and runs a wave of it.
    func wave(_ number: Int64, planned: LocalTime, audience: Bitset, limit: Int) async throws -> WaveID {
        let spec = CampaignSpec(
            id: CampaignID(number),
            name: "wave \(number)",
            category: "past \(number % 30)",
            product: "PAST\(number % 50)",
            validFrom: planned.day,
            validTo: planned.day.adding(days: 30),
            score: "arpu_avg_3m / 100",
            limit: limit,
            controlPPM: 50_000
        )
        try await platform.host.record([
            .campaignSet(spec.id, revision: 1, file: try platform.host.store(spec.canonicalJSON())),
            .campaignStatus(spec.id, .live),
        ])
        let wave = WaveID(campaign: spec.id, occurrence: 1)
        _ = try await platform.host.run(wave: wave, planned: planned, audience: audience)
        return wave
    }

    /// Everybody leaves, and nine in ten are delivered.
    func deliver(_ wave: WaveID, at time: LocalTime) async throws {
        for block in 0..<(subscribers + Block.size - 1) / Block.size {
            let check = try await platform.host.handOff(wave, block: block, range: 0..<Block.size, at: time) { _ in true
            }
            guard !check.leaving.isEmpty else { continue }
            try await platform.host.feedback(wave, .delivered, check.leaving.filter { $0.number % 10 != 0 }, at: time)
        }
    }

    /// Campaigns at the hotline that everybody may be offered, numbered from `first` on.
    func fillPool(from first: Int64, count: Int) async throws {
        let today = platform.clock.now.day
        for number in first..<first + Int64(count) {
            var spec = CampaignSpec(
                id: CampaignID(number),
                name: "offer \(number)",
                category: "offer \(number % 5)",
                validFrom: today.adding(days: -90),
                validTo: today.adding(days: 60),
                score: "arpu_avg_3m / 100"
            )
            spec.touchpoints = [.hotline, .website]
            spec.valuePerOrderMinor = 1_000 + number
            try await platform.host.record([
                .campaignSet(spec.id, revision: 1, file: try platform.host.store(spec.canonicalJSON())),
                .campaignStatus(spec.id, .live),
                .poolSet(spec.id, file: try platform.host.store(audience(number, halvings: 2).listFile)),
            ])
        }
    }

    /// Requests of random subscribers, `atOnce` at a time; a third is answered to.
    func requests(_ numbers: Range<UInt64>, atOnce: Int = 512) async throws {
        let (host, now, subscribers, seed) = (platform.host, platform.clock.now, UInt64(subscribers), seed)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (place, number) in numbers.enumerated() {
                if place >= atOnce { try await group.next() }
                group.addTask {
                    let index = UInt32(SeededRandom.mix(seed &+ number) % subscribers)
                    let answer = try await host.answer(
                        OfferRequest(
                            request: number,
                            index: index,
                            touchpoint: .hotline,
                            entrance: .inbound,
                            at: now,
                            limit: 3
                        )
                    )
                    guard number % 3 == 0, let offer = answer.offers.first else { return }
                    let result: ContactResult = number % 2 == 0 ? .refused : .accepted
                    _ = try await host.respond(
                        OfferResponse(request: number, index: index, campaign: offer, result: result, at: now)
                    )
                }
            }
            try await group.waitForAll()
        }
    }
}
