// The integer tables behind the synthetic operator's distributions; all shares are of 65 536.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// Everything that is the same for all subscribers of an operator, computed once.
struct Tables {
    let plans = Domains.plans
    let plansOfBrand: [Range<Int>]
    let cityWealth: [Int]

    // Reference day and what lies before it.
    let today: Int32
    /// The reference day `n` years earlier.
    let anniversary: [Int32]
    /// Full months between `n` days before the reference day and the reference day.
    let fullMonths: [Int32]
    /// First day and length of the three months before, and of the reference day's month.
    let monthFirstDay: [Int32]
    let monthLength: [Int]
    /// Number of the first of these months since January 1970.
    let monthNumber: Int

    /// Age in full years, by brand.
    let age = [
        Quantiles([19, 27, 30, 33, 35, 37, 39, 41, 43, 45, 47, 49, 52, 55, 59, 65, 82]),
        Quantiles([14, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 31, 33, 36, 55]),
        Quantiles([12, 20, 24, 28, 31, 34, 38, 41, 44, 47, 50, 53, 57, 61, 66, 71, 92]),
    ]
    /// Days on the network, by brand.
    let tenure = [
        Quantiles([
            10, 300, 700, 1_100, 1_500, 1_900, 2_400, 2_900, 3_400, 3_900, 4_400, 4_900, 5_400, 5_900, 6_500, 7_200,
            8_400,
        ]),
        Quantiles([
            1, 60, 150, 250, 350, 500, 650, 800, 1_000, 1_200, 1_400, 1_700, 2_000, 2_400, 2_900, 3_600, 5_500,
        ]),
        Quantiles([
            1, 90, 200, 350, 550, 800, 1_100, 1_400, 1_800, 2_200, 2_700, 3_200, 3_800, 4_500, 5_300, 6_200, 7_800,
        ]),
    ]
    let brandWealth = [640, 400, 330]
    let decadeWealth = [-120, -120, 0, 60, 60, 0, -90, -90]
    let decadeDigital = [720, 720, 760, 640, 480, 330, 200, 110]
    /// How much cheaper than their means subscribers of a brand choose, on the scale of the hidden traits.
    let planThrift = [210, 140, 80]
    let contractShare = [29_500, 19_700, 16_400]

    /// Percent of the usual.
    let dataSpread = Quantiles([12, 28, 38, 46, 54, 62, 70, 78, 87, 96, 107, 120, 136, 156, 186, 240, 620])
    let voiceSpread = Quantiles([0, 12, 20, 28, 36, 45, 54, 64, 75, 87, 100, 116, 135, 160, 200, 270, 700])
    /// Messages a month.
    let messageSpread = Quantiles([0, 0, 1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 27, 36, 55, 240])
    /// Reward points per day on the network x 16.
    let pointSpread = Quantiles([0, 2, 4, 6, 8, 10, 12, 14, 17, 20, 24, 28, 34, 42, 54, 80, 260])
    /// Days since a change of handset, a change of plan, a top-up and a visit to the app.
    let terminalAge = Quantiles([
        0, 60, 120, 180, 240, 300, 365, 430, 500, 580, 660, 760, 880, 1_020, 1_220, 1_560, 3_200,
    ])
    let planAge = Quantiles([
        0, 40, 80, 130, 180, 240, 300, 370, 450, 540, 650, 780, 940, 1_150, 1_450, 2_000, 5_000,
    ])
    let topUpAge = Quantiles([0, 1, 3, 4, 6, 8, 9, 11, 13, 15, 17, 19, 22, 25, 29, 36, 120])

    init(asOf: LocalDay, cityCodes: [Int]) {
        plansOfBrand = (0..<3).map { brand in
            let own = Domains.plans.indices.filter { Domains.plans[$0].brand.rawValue == brand }
            return (own.first ?? 0)..<((own.last ?? -1) + 1)
        }
        cityWealth = cityCodes.map { $0 % 100 == 1 ? 50 : -10 }  // xx01 is the provincial capital
        today = asOf.number
        anniversary = (0...110).map { asOf.adding(months: -12 * $0).number }
        let (year, month, day) = asOf.components
        fullMonths = (0...9_000).map { back in
            let (y, m, d) = asOf.adding(days: -back).components
            return Int32((year - y) * 12 + month - m - (d > day ? 1 : 0))
        }
        let months = (-3...0).map { LocalMonth(number: asOf.month.number + Int32($0)) }
        monthFirstDay = months.map(\.firstDay.number)
        monthLength = months.map(\.length)
        monthNumber = Int(asOf.month.number) - 3
    }
}
