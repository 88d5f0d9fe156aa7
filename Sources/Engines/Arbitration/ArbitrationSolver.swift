// Optimal arbitration: duals, a feasible assignment, and the proven bound beside its value.
// SPDX-License-Identifier: Apache-2.0

/// Assigns offers to subscribers over the whole base within contact limits, capacities, budgets and minimum volumes, for
/// the most expected value.
///
/// Method: the shared constraints are priced by duals (Lagrangian relaxation), so every subscriber's best set can be chosen
/// alone. The sum is a proven upper bound at any duals; ``DualSearch`` lowers it, and the relaxed choice at the best duals
/// is repaired to a feasible assignment whose value stands beside the bound. Sources: A. M. Geoffrion, "Lagrangean
/// relaxation for integer programming", 1974; M. Held, P. Wolfe, H. Crowder, "Validation of subgradient optimization",
/// 1974; M. L. Fisher, "The Lagrangian relaxation method for solving integer programming problems", 1981.
///
/// All arithmetic is in integers, rounded only where the bound stays one; the result depends on the problem and the duals
/// started from, not on threads.
public struct ArbitrationSolver: Sendable {
    /// Threads to use.
    public var threads: Int

    /// Makes a solver.
    public init(threads: Int) {
        self.threads = threads
    }

    /// Solves a problem.
    ///
    /// The assignment is never worth less than the greedy one: where greedy is better, it is taken.
    ///
    /// - Parameters:
    ///   - problem: What to solve.
    ///   - previous: Duals of a solution of the same constraints with other limits, to start from; by constraint.
    /// - Returns: A feasible assignment with its value, and the bound.
    /// - Throws: ``ArbitrationError/minimums(_:)`` naming the minimums that cannot be met or were not,
    ///   ``ArbitrationError/badDuals(_:)`` for duals that are not one per constraint and 0 or more.
    public func solve(
        _ problem: ArbitrationProblem,
        from previous: [Int64]? = nil
    ) throws(ArbitrationError) -> ArbitrationSolution {
        let table = PriceTable(problem)
        if let previous { try Self.check(previous, table) }
        let gaps = MinimumLimits(problem: problem, table: table, threads: threads).gaps()
        guard gaps.isEmpty else { throw .minimums(gaps) }

        let greedy = Draft(empty: problem, table: table, threads: threads)
        greedy.assignGreedily()
        var best = Attempt(draft: greedy, point: nil)
        best.improve(by: attempt(problem, table, choosing: problem, search(problem, table, from: previous)))
        if best.isPoor {
            forEachBlurredSearch(problem, table) { blurred, duals in
                best.improve(by: attempt(problem, table, choosing: blurred, duals))
            }
        }
        guard let point = best.point, best.draft.shortMinimums.isEmpty else {
            throw .minimums(missed(by: best.draft))
        }
        return ArbitrationSolution(
            best.draft,
            at: point,
            greedyValue: greedy.shortMinimums.isEmpty ? greedy.value : nil
        )
    }

    private static func check(_ duals: [Int64], _ table: PriceTable) throws(ArbitrationError) {
        guard duals.count == table.constraints.count else {
            throw .badDuals("there are \(duals.count) for \(table.constraints.count) constraints")
        }
        guard let bad = duals.indices.first(where: { !(0...table.ceiling($0)).contains(duals[$0]) }) else { return }
        throw .badDuals("that of \(table.constraints[bad].name) is \(duals[bad])")
    }
}

extension ArbitrationSolver {
    /// An assignment and a bound.
    private struct Attempt {
        var draft: Draft
        /// The relaxed problem at the best duals; nil before any search.
        var point: DualPoint?

        /// Takes the better assignment and the lower bound.
        mutating func improve(by other: Attempt) {
            let (mine, theirs) = (draft.missing, other.draft.missing)
            if theirs < mine || theirs == mine && other.draft.value >= draft.value { draft = other.draft }
            if let found = other.point, point.map({ found.bound < $0.bound }) ?? true { point = found }
        }

        /// Whether the gap is above a five-hundredth, or a minimum short.
        var isPoor: Bool {
            guard let point else { return true }
            return draft.missing > 0 || (point.bound - Int128(draft.value)) * 500 > point.bound
        }
    }

    private func search(_ problem: ArbitrationProblem, _ table: PriceTable, from duals: [Int64]?) -> [Int64] {
        DualSearch(problem, table: table, threads: threads).best(from: duals)
    }

    private func attempt(
        _ problem: ArbitrationProblem,
        _ table: PriceTable,
        choosing blurred: ArbitrationProblem,
        _ duals: [Int64]
    ) -> Attempt {
        let prices = table.prices(duals)
        let draft = Draft(problem, choosing: blurred, prices: prices, table: table, threads: threads)
        draft.repair(prices: prices)
        return Attempt(draft: draft, point: problem.relaxed(duals: duals, table, threads: threads))
    }

    /// Searches duals where many values are equal: the dual value then has steps that no slope tells of.
    ///
    /// Values blurred ever less lead to the duals: from half the mean value of a contact down to a two-thousandth.
    private func forEachBlurredSearch(
        _ problem: ArbitrationProblem,
        _ table: PriceTable,
        _ body: (_ blurred: ArbitrationProblem, _ duals: [Int64]) -> Void
    ) {
        let free = problem.relaxed(prices: [Int64](repeating: 0, count: problem.offers.count), threads: threads)
        let contacts = free.contacts.reduce(0, +)
        let mean = contacts > 0 ? free.value / contacts : 0
        var duals: [Int64]?
        for width in [1, 3, 5, 7, 9, 11].map({ mean >> $0 }) where width > 1 {
            let blurred = problem.blurred(width: width)
            let found = search(blurred, table, from: duals)
            duals = found
            body(blurred, found)
        }
    }

    // MARK: Minimums

    /// The minimums that stayed short, with what is possible of each where that is proven.
    private func missed(by draft: Draft) -> [MinimumGap] {
        draft.shortMinimums.map { minimum in
            let constraint = draft.table.constraints[minimum]
            let most = mostContacts(minimum, draft.problem)
            let isProven = most < constraint.limit
            return MinimumGap(
                constraint: constraint.name,
                wanted: constraint.limit,
                possible: isProven ? most : draft.used[minimum],
                reason: isProven ? .together : .notReached
            )
        }
    }

    /// An upper bound of the contacts that a minimum can get beside all other constraints: the lowest dual value found of
    /// the problem that counts them; negative ones say that not even the others can be met.
    private func mostContacts(_ minimum: Int, _ problem: ArbitrationProblem) -> Int64 {
        let counting = problem.counting(minimum)
        let table = PriceTable(counting)
        var bound = counting.relaxed(duals: search(counting, table, from: nil), table, threads: threads).bound
        forEachBlurredSearch(counting, table) { _, duals in
            bound = min(bound, counting.relaxed(duals: duals, table, threads: threads).bound)
        }
        return Int64(clamping: max(0, bound / Int128(ArbitrationProblem.countedValue)))
    }
}

extension Draft {
    /// Contacts that minimums are short of.
    fileprivate var missing: Int64 { shortMinimums.reduce(0) { $0 + excess($1) } }
}
