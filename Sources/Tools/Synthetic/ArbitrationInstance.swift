// Seeded arbitration problems: many subscribers, heavy-tailed values, capacities and budgets that bind.
// SPDX-License-Identifier: Apache-2.0

public import Arbitration
import Kernel

/// A seeded arbitration problem: ten campaigns through four channels on three days.
///
/// Each subscriber is a candidate for twenty of the forty offers, drawn at random, and may get one offer per channel and two
/// in all. Values are Pareto-like products of an offer's scale, the subscriber's activity and a draw of the pair; no two
/// candidates of a subscriber are worth the same. Twelve capacities (channel and day) and eight campaign budgets are set
/// to a half to a third of what subscribers would take were nothing limited.
public enum ArbitrationInstance {
    private static let campaigns = 10
    private static let days = 3
    private static let channels: [(name: String, costMinor: Int64)] = [
        ("sms", 5), ("outbound", 320), ("inbound", 90), ("website", 2),
    ]
    private static let budgets = 8
    private static let candidates = 20

    /// Makes the problem that belongs to a seed.
    ///
    /// - Throws: ``ArbitrationError`` when the parts do not fit together, which is a mistake of the generator.
    public static func problem(
        subscribers: Int,
        seed: UInt64,
        threads: Int
    ) throws(ArbitrationError) -> ArbitrationProblem {
        var random = SeededRandom(seed: seed)
        let offers = (0..<campaigns * channels.count).map {
            ArbitrationOffer(number: UInt32($0 + 1), channelClass: UInt8($0 % channels.count))
        }
        let scales = offers.map { _ in Int64.random(in: 2_500_000...10_000_000, using: &random) }
        let costs = offers.map {
            channels[Int($0.channelClass)].costMinor * Int64.random(in: 50...150, using: &random) / 100 + 1
        }
        let (chosen, values) = draw(subscribers, scales, &random)
        let open = try ArbitrationProblem(
            offers: offers,
            limits: ContactLimits(perSubscriber: 2, perClass: channels.map { _ in 1 }),
            constraints: constraints(costs),
            subscribers: (0..<UInt32(subscribers)).map { $0 },
            starts: (0...UInt32(subscribers)).map { $0 * UInt32(candidates) },
            candidateOffers: chosen,
            values: values
        )
        let bound = zip(open.constraints, open.demand(threads: threads)).map { constraint, demand in
            var constraint = constraint
            constraint.limit = demand * 100 / Int64.random(in: 200...300, using: &random)
            return constraint
        }
        return try open.with(constraints: bound)
    }

    private static func constraints(_ costs: [Int64]) -> [ArbitrationConstraint] {
        let capacities = (0..<channels.count * days).map { number in
            let (channel, day) = (number / days, number % days)
            let campaigns = (0..<campaigns).filter { $0 % days == day }
            return ArbitrationConstraint(
                name: "\(channels[channel].name) day \(day + 1)",
                kind: .capacity,
                limit: 0,
                terms: campaigns.map { .init(offer: $0 * channels.count + channel, weight: 1) }
            )
        }
        let budgets = (0..<budgets).map { campaign in
            let offers = campaign * channels.count..<(campaign + 1) * channels.count
            return ArbitrationConstraint(
                name: "budget \(campaign + 1)",
                kind: .budget,
                limit: 0,
                terms: offers.map { .init(offer: $0, weight: costs[$0]) }
            )
        }
        return capacities + budgets
    }

    /// Draws the candidates of all subscribers.
    private static func draw(
        _ subscribers: Int,
        _ scales: [Int64],
        _ random: inout SeededRandom
    ) -> (offers: [UInt16], values: [Int32]) {
        let (activity, affinity) = (Tail(percent: 30), Tail(percent: 60))
        var offers: [UInt16] = []
        var values: [Int32] = []
        offers.reserveCapacity(subscribers * candidates)
        values.reserveCapacity(subscribers * candidates)
        for _ in 0..<subscribers {
            let active = activity.draw(&random)
            let first = values.count
            var needed = UInt64(candidates)
            for offer in scales.indices where needed > 0 {
                // Selection sampling: each subset of twenty is equally likely.
                guard random.next() % UInt64(scales.count - offer) < needed else { continue }
                needed -= 1
                let worth = (((scales[offer] * active) >> 16) * affinity.draw(&random)) >> 16
                // The rare values beyond Int32 are spread below its end.
                var value = Int32(worth < 2_000_000_000 ? worth : 2_000_000_000 + Int64(random.next() >> 38))
                while values[first...].contains(value) { value += 1 }
                offers.append(UInt16(offer))
                values.append(value)
            }
        }
        return (offers, values)
    }
}

/// A Pareto-like distribution in integers: with probability 2⁻ⁿ a draw is above 2^(n · percent / 100), in 1/65,536.
private struct Tail {
    /// Quantiles at 2⁻ⁿ, n = 0...25.
    private let quantiles: [Int64]

    init(percent: Int) {
        // 2^0.01 to the percent, in 1/2³⁰.
        let hundredth: Int64 = 1_081_210_289
        let octave = (0..<percent).reduce(Int64(1 << 30)) { factor, _ in (factor * hundredth) >> 30 }
        quantiles = (0..<25).reduce(into: [1 << 16]) { found, _ in found.append((found[found.count - 1] * octave) >> 30)
        }
    }

    func draw(_ random: inout SeededRandom) -> Int64 {
        let word = random.next()
        let octave = min(word.leadingZeroBitCount, 24)
        // The bits after the first one say how far the draw lies below the top of its octave.
        let below = Int64((word << UInt64(octave + 1)) >> 48)
        return quantiles[octave] + ((quantiles[octave + 1] - quantiles[octave]) * (65_535 - below)) >> 16
    }
}
