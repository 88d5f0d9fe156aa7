// Keyed draws: every value of the synthetic operator comes from (seed, subscriber, purpose) and integer tables.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// What a sequence of draws is for; sequences of different purposes are independent of each other.
enum Purpose: UInt64 {
    case identity = 0x1D
    case customer = 0xC5
    case traits = 0x7A
    case months = 0x3A
    case profile = 0x9F
    case complaints = 0xCC
    case contacts = 0xC0
    case subscriptions = 0x5B
    case lists = 0x11
    case visits = 0x71
    case services = 0x5E
}

/// Draws that belong to one key and purpose.
struct Draws {
    private var state: UInt64
    private var word: UInt64 = 0
    private var left = 0

    init(key: UInt64, purpose: Purpose) {
        state = key ^ (purpose.rawValue &* 0xD6E8_FEB8_6659_FD93)
    }

    /// 64 bits.
    @inline(__always)
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return SeededRandom.mix(state)
    }

    /// 0...65 535.
    @inline(__always)
    mutating func share() -> Int {
        if left == 0 {
            word = next()
            left = 4
        }
        left &-= 1
        let value = Int(word & 0xFFFF)
        word &>>= 16
        return value
    }

    /// True in `per65536` of 65 536 draws.
    @inline(__always)
    mutating func chance(_ per65536: Int) -> Bool {
        share() < per65536
    }

    /// 0 ..< `count`, for counts up to 65 536.
    @inline(__always)
    mutating func below(_ count: Int) -> Int {
        (share() &* count) &>> 16
    }

    /// -`width`...`width`, values near 0 more often (the difference of two draws).
    @inline(__always)
    mutating func around(_ width: Int) -> Int {
        ((share() &- share()) &* width) &>> 16
    }
}

/// A distribution as its quantiles: 17 knots for the shares 0, 1/16 and so on up to 1, straight lines between them.
struct Quantiles {
    private let knots: [Int]

    init(_ knots: [Int]) {
        precondition(knots.count == 17, "17 knots, not \(knots.count)")
        self.knots = knots
    }

    /// The value at a share of 0...65 535.
    @inline(__always)
    func callAsFunction(_ share: Int) -> Int {
        let below = share &>> 12
        let low = knots[below]
        return low &+ ((knots[below &+ 1] &- low) &* (share & 4095)) &>> 12
    }
}

/// A share in millionths for a score: the logistic curve 1 000 000 / (1 + e^(-score / 200)), -1 600...1 600.
enum Logistic {
    /// Values for -1 600, -1 550 and so on up to 1 600.
    private static let knots: [Int] = [
        335, 431, 553, 710, 911, 1_170, 1_501, 1_927, 2_473, 3_173, 4_070, 5_220, 6_693, 8_577, 10_987, 14_064,
        17_986, 22_977, 29_312, 37_327, 47_426, 60_087, 75_858, 95_349, 119_203, 148_047, 182_426, 222_700, 268_941,
        320_821, 377_541, 437_823, 500_000, 562_177, 622_459, 679_179, 731_059, 777_300, 817_574, 851_953, 880_797,
        904_651, 924_142, 939_913, 952_574, 962_673, 970_688, 977_023, 982_014, 985_936, 989_013, 991_423, 993_307,
        994_780, 995_930, 996_827, 997_527, 998_073, 998_499, 998_830, 999_089, 999_290, 999_447, 999_569, 999_665,
    ]

    static func ppm(_ score: Int) -> Int {
        let position = min(max(score, -1_600), 1_599) + 1_600
        let (below, rest) = position.quotientAndRemainder(dividingBy: 50)
        return knots[below] + (knots[below + 1] - knots[below]) * rest / 50
    }
}

extension Int {
    /// The value held inside `range`.
    @inline(__always)
    func held(_ range: ClosedRange<Int>) -> Int {
        self < range.lowerBound ? range.lowerBound : self > range.upperBound ? range.upperBound : self
    }
}
