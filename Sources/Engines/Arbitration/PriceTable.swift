// From duals of constraints to prices of offers, and from contacts to the use of constraints.
// SPDX-License-Identifier: Apache-2.0

/// The shared constraints of a problem, by constraint and by offer.
struct PriceTable: Sendable {
    /// The largest price of an offer, micro-units: none is worth as much (values are below 2³¹).
    static let highestPrice: Int64 = 1 << 45
    /// Fraction bits of a dual (``ConstraintReport/dual``).
    static let fraction: Int64 = 16
    /// The largest dual of a capacity or budget.
    static let highest: Int64 = highestPrice << fraction
    /// The largest dual of a minimum; sixty-four of them keep a price above -2⁴⁴ (``ArbitrationProblem/minimumsPerOffer``).
    static let highestMinimum: Int64 = (1 << 38) << fraction

    let constraints: [ArbitrationConstraint]
    private let limits: [Int64]
    private let minimums: [Bool]
    /// What an offer takes of each constraint it lies in.
    let terms: [[(constraint: Int, weight: Int64)]]

    init(_ problem: ArbitrationProblem) {
        constraints = problem.constraints
        limits = problem.constraints.map(\.limit)
        minimums = problem.constraints.map { $0.kind == .minimum }
        var terms = [[(constraint: Int, weight: Int64)]](repeating: [], count: problem.offers.count)
        for (position, constraint) in problem.constraints.enumerated() {
            for term in constraint.terms { terms[term.offer].append((position, term.weight)) }
        }
        self.terms = terms
    }

    func isMinimum(_ constraint: Int) -> Bool { minimums[constraint] }

    /// The largest dual of a constraint.
    func ceiling(_ constraint: Int) -> Int64 { isMinimum(constraint) ? Self.highestMinimum : Self.highest }

    /// The price of each offer in micro-units: what its contact takes of capacities and budgets, less what it gives to
    /// minimums, rounded down so that the bound stays one.
    ///
    /// Prices above 2⁴⁵ are cut there: no value reaches them, so the choice is the same.
    func prices(_ duals: [Int64]) -> [Int64] {
        terms.map { terms in
            let sum = terms.reduce(Int128(0)) {
                let part = Int128(duals[$1.constraint]) * Int128($1.weight)
                return isMinimum($1.constraint) ? $0 - part : $0 + part
            }
            return Int64(min(sum >> Int128(Self.fraction), Int128(Self.highestPrice)))
        }
    }

    /// The use of each constraint by contacts per offer; below 2⁶³ (fewer than 2³² contacts of weight below 2³¹).
    func used(_ contacts: [Int64]) -> [Int64] {
        constraints.map { $0.terms.reduce(0) { $0 + contacts[$1.offer] * $1.weight } }
    }

    /// How far a constraint is overdrawn; negative when there is room.
    func excess(_ constraint: Int, used: Int64) -> Int64 {
        let rest = used - limits[constraint]
        return isMinimum(constraint) ? -rest : rest
    }
}

/// The relaxed problem at one vector of duals.
struct DualPoint: Sendable {
    /// Dual of each constraint, 0 or more: 1/65,536 micro-units for one more contact or minor currency unit.
    var duals: [Int64]
    /// The dual value: no assignment within the constraints is worth more.
    var bound: Int128
    /// Use of each constraint by the relaxed choice.
    var used: [Int64]
    /// Contacts and value of the relaxed choice.
    var totals: Totals
}

extension ArbitrationProblem {
    /// The dual value: every subscriber's best set at the prices, plus what the limits are worth at the duals.
    ///
    /// Computed in integers, prices rounded down and the worth of the limits up, so the bound is proven whatever the duals
    /// (A. M. Geoffrion, "Lagrangean relaxation for integer programming", Mathematical Programming Study 2, 1974).
    func relaxed(duals: [Int64], _ table: PriceTable, threads: Int) -> DualPoint {
        let prices = table.prices(duals)
        let totals = relaxed(prices: prices, threads: threads)
        var bound = Int128(totals.value)
        for (contacts, price) in zip(totals.contacts, prices) { bound -= Int128(contacts) * Int128(price) }
        let worth = constraints.indices.reduce(Int128(0)) {
            let part = Int128(duals[$1]) * Int128(constraints[$1].limit)
            return constraints[$1].kind == .minimum ? $0 - part : $0 + part
        }
        bound -= -worth >> Int128(PriceTable.fraction)
        return DualPoint(duals: duals, bound: bound, used: table.used(totals.contacts), totals: totals)
    }
}

extension ArbitrationProblem {
    /// Use of each constraint if every subscriber got their best offers and nothing shared were limited.
    ///
    /// - Parameter threads: Threads to use; the result does not depend on them.
    /// - Returns: Contacts or minor currency units by constraint.
    public func demand(threads: Int) -> [Int64] {
        let table = PriceTable(self)
        let free = [Int64](repeating: 0, count: offers.count)
        return table.used(relaxed(prices: free, threads: threads).contacts)
    }
}
