// An independent check of a solution: slow, plain, and sharing nothing with the solver.
// SPDX-License-Identifier: Apache-2.0

/// What an independent check of a solution found.
public struct ArbitrationFindings: Hashable, Sendable {
    /// Value of the written assignment, recomputed; micro-units.
    public var value: Int64
    /// Dual value at the written duals, recomputed; micro-units.
    public var bound: Int64
    /// What is wrong; empty for a sound solution, at most ``ArbitrationCheck/mostProblems`` sentences.
    public var problems: [String]

    /// Whether nothing is wrong.
    public var isSound: Bool { problems.isEmpty }
}

/// Recomputes feasibility, value and bound from the problem, the written assignment and the written duals.
///
/// It trusts no figure of the solution and uses no code of the solver: subscribers are looked up one by one, candidates are
/// sorted, sums are 128 bits wide.
public enum ArbitrationCheck {
    /// Sentences after which no more are collected.
    public static let mostProblems = 20

    /// Checks a solution against its problem.
    public static func check(_ solution: ArbitrationSolution, of problem: ArbitrationProblem) -> ArbitrationFindings {
        var problems: [String] = []
        func complain(_ what: String) { if problems.count < mostProblems { problems.append(what) } }
        if solution.problem != problem.digest() { complain("the solution was made for another problem") }
        if solution.limits != problem.limits { complain("the contact limits are not those of the problem") }
        if solution.assignments.map(\.offer) != problem.offers.map(\.number) {
            complain("the offers are not those of the problem")
        }
        if solution.constraints.map(\.name) != problem.constraints.map(\.name)
            || solution.constraints.map(\.kind) != problem.constraints.map(\.kind)
            || solution.constraints.map(\.limit) != problem.constraints.map(\.limit)
        {
            complain("the constraints are not those of the problem")
        }
        guard problems.isEmpty else { return ArbitrationFindings(value: 0, bound: 0, problems: problems) }

        let value = checkAssignment(solution, problem, complain)
        checkUse(solution, problem, complain)
        if value != Int128(solution.value) { complain("the value is \(value), not \(solution.value)") }
        let bound = bound(solution.duals, problem)
        if solution.duals.contains(where: { $0 < 0 }) { complain("a dual is negative") }
        if bound != Int128(solution.bound) { complain("the bound is \(bound), not \(solution.bound)") }
        if bound < value { complain("the bound \(bound) is below the value \(value)") }
        return ArbitrationFindings(value: Int64(clamping: value), bound: Int64(clamping: bound), problems: problems)
    }

    /// Looks up every assigned pair and counts contacts by subscriber and class.
    ///
    /// - Returns: The value of the assignment.
    private static func checkAssignment(
        _ solution: ArbitrationSolution,
        _ problem: ArbitrationProblem,
        _ complain: (String) -> Void
    ) -> Int128 {
        let classes = problem.limits.perClass.count
        var contacts = [Int](repeating: 0, count: problem.subscribers.count * classes)
        var value: Int128 = 0
        for (offer, assignment) in solution.assignments.enumerated() {
            var last: UInt32?
            for subscriber in assignment.subscribers {
                if let last, last >= subscriber {
                    complain("offer \(assignment.offer) names \(subscriber) out of order")
                }
                last = subscriber
                guard let row = row(of: subscriber, problem), let worth = worth(row, offer, problem) else {
                    complain("subscriber \(subscriber) is no candidate for offer \(assignment.offer)")
                    continue
                }
                value += Int128(worth)
                contacts[row * classes + Int(problem.offers[offer].channelClass)] += 1
            }
        }
        for row in problem.subscribers.indices {
            let own = contacts[row * classes..<(row + 1) * classes]
            let isOver = zip(own, problem.limits.perClass).contains { $0 > Int($1) }
            if isOver || own.reduce(0, +) > Int(problem.limits.perSubscriber) {
                complain("subscriber \(problem.subscribers[row]) gets too many offers")
            }
        }
        return value
    }

    private static func row(of subscriber: UInt32, _ problem: ArbitrationProblem) -> Int? {
        var (low, high) = (0, problem.subscribers.count)
        while low < high {
            let middle = (low + high) / 2
            if problem.subscribers[middle] < subscriber { low = middle + 1 } else { high = middle }
        }
        return low < problem.subscribers.count && problem.subscribers[low] == subscriber ? low : nil
    }

    private static func worth(_ row: Int, _ offer: Int, _ problem: ArbitrationProblem) -> Int32? {
        for place in Int(problem.starts[row])..<Int(problem.starts[row + 1])
        where Int(problem.candidateOffers[place]) == offer {
            return problem.values[place]
        }
        return nil
    }

    /// Recomputes what each constraint takes and compares it with its limit and with what is written.
    private static func checkUse(
        _ solution: ArbitrationSolution,
        _ problem: ArbitrationProblem,
        _ complain: (String) -> Void
    ) {
        for (constraint, report) in zip(problem.constraints, solution.constraints) {
            var used: Int128 = 0
            for term in constraint.terms {
                used += Int128(term.weight) * Int128(solution.assignments[term.offer].subscribers.count)
            }
            if used != Int128(report.used) { complain("\(constraint.name) is used \(used), not \(report.used)") }
            let isBroken =
                switch constraint.kind {
                case .capacity, .budget: used > Int128(constraint.limit)
                case .minimum: used < Int128(constraint.limit)
                }
            if isBroken { complain("\(constraint.name) is broken: \(used) against \(constraint.limit)") }
        }
    }

    /// The dual value: for every subscriber the best reduced values that fit, plus what the limits are worth.
    private static func bound(_ duals: [Int64], _ problem: ArbitrationProblem) -> Int128 {
        var prices = [Int128](repeating: 0, count: problem.offers.count)
        var worth: Int128 = 0
        for (dual, constraint) in zip(duals, problem.constraints) {
            let signed = constraint.kind == .minimum ? -Int128(dual) : Int128(dual)
            worth += signed * Int128(constraint.limit)
            for term in constraint.terms { prices[term.offer] += signed * Int128(term.weight) }
        }
        // Duals count 1/65,536 micro-units; prices are rounded down and the worth of the limits up.
        prices = prices.map { roundedDown($0, dividedBy: 65_536) }
        var bound = -roundedDown(-worth, dividedBy: 65_536)
        for row in problem.subscribers.indices {
            var gains: [(reduced: Int128, channelClass: Int)] = []
            for place in Int(problem.starts[row])..<Int(problem.starts[row + 1]) {
                let offer = Int(problem.candidateOffers[place])
                let reduced = Int128(problem.values[place]) - prices[offer]
                if reduced > 0 { gains.append((reduced, Int(problem.offers[offer].channelClass))) }
            }
            gains.sort { $0.reduced > $1.reduced }
            var left = problem.limits.perClass.map(Int.init)
            var all = Int(problem.limits.perSubscriber)
            for gain in gains where all > 0 && left[gain.channelClass] > 0 {
                bound += gain.reduced
                left[gain.channelClass] -= 1
                all -= 1
            }
        }
        return bound
    }

    private static func roundedDown(_ number: Int128, dividedBy divisor: Int128) -> Int128 {
        let (quotient, rest) = number.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
