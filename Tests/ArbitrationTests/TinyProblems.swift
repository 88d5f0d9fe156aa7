// Problems small enough to try every assignment.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Kernel

/// Problems small enough to try every assignment.
enum TinyProblem {
    /// A problem of at most six subscribers and ten candidates with capacities, budgets and perhaps minimums.
    static func drawn(seed: UInt64, minimums: Bool) throws -> ArbitrationProblem {
        var random = SeededRandom(seed: seed)
        let classes = Int.random(in: 1...3, using: &random)
        let offers = (0..<Int.random(in: 1...4, using: &random)).map {
            ArbitrationOffer(number: UInt32(10 + $0), channelClass: UInt8(Int.random(in: 0..<classes, using: &random)))
        }
        var (starts, candidates, values): ([UInt32], [UInt16], [Int32]) = ([0], [], [])
        let subscribers = Int.random(in: 1...6, using: &random)
        for _ in 0..<subscribers {
            for offer in offers.indices where Bool.random(using: &random) && values.count < 10 {
                candidates.append(UInt16(offer))
                values.append(Int32.random(in: 0...1_000, using: &random))
            }
            starts.append(UInt32(values.count))
        }
        func some() -> [Int] { offers.indices.filter { _ in Bool.random(using: &random) } }
        var constraints: [ArbitrationConstraint] = []
        for number in 0..<Int.random(in: 0...3, using: &random) {
            constraints.append(
                ArbitrationConstraint(
                    name: "capacity \(number)",
                    kind: .capacity,
                    limit: Int64.random(in: 0...4, using: &random),
                    terms: some().map { .init(offer: $0, weight: 1) }
                )
            )
        }
        for number in 0..<Int.random(in: 0...2, using: &random) {
            constraints.append(
                ArbitrationConstraint(
                    name: "budget \(number)",
                    kind: .budget,
                    limit: Int64.random(in: 0...60, using: &random),
                    terms: some().map { .init(offer: $0, weight: Int64.random(in: 1...30, using: &random)) }
                )
            )
        }
        for number in 0..<(minimums ? Int.random(in: 1...2, using: &random) : 0) {
            constraints.append(
                ArbitrationConstraint(
                    name: "minimum \(number)",
                    kind: .minimum,
                    limit: Int64.random(in: 1...2, using: &random),
                    terms: some().map { .init(offer: $0, weight: 1) }
                )
            )
        }
        return try ArbitrationProblem(
            offers: offers,
            limits: ContactLimits(
                perSubscriber: UInt8.random(in: 1...3, using: &random),
                perClass: (0..<classes).map { _ in UInt8.random(in: 0...2, using: &random) }
            ),
            constraints: constraints,
            subscribers: (0..<UInt32(subscribers)).map { $0 * 7 + 3 },
            starts: starts,
            candidateOffers: candidates,
            values: values
        )
    }

    /// The best value of any assignment within all limits, by trying each; nil when there is none.
    static func optimum(_ problem: ArbitrationProblem) -> Int64? {
        var best: Int64?
        for set in 0..<(1 << problem.values.count) where isAllowed(set, problem) {
            let value = problem.values.indices.reduce(Int64(0)) {
                $0 + (set >> $1 & 1 == 1 ? Int64(problem.values[$1]) : 0)
            }
            best = max(best ?? 0, value)
        }
        return best
    }

    private static func isAllowed(_ set: Int, _ problem: ArbitrationProblem) -> Bool {
        for row in problem.subscribers.indices {
            let taken = (Int(problem.starts[row])..<Int(problem.starts[row + 1])).filter { set >> $0 & 1 == 1 }
            guard taken.count <= Int(problem.limits.perSubscriber) else { return false }
            for (number, limit) in problem.limits.perClass.enumerated() {
                let own = taken.count { Int(problem.offers[Int(problem.candidateOffers[$0])].channelClass) == number }
                guard own <= Int(limit) else { return false }
            }
        }
        return problem.constraints.allSatisfy { constraint in
            let used = constraint.terms.reduce(Int64(0)) { sum, term in
                let contacts = problem.values.indices.count {
                    set >> $0 & 1 == 1 && Int(problem.candidateOffers[$0]) == term.offer
                }
                return sum + Int64(contacts) * term.weight
            }
            return constraint.kind == .minimum ? used >= constraint.limit : used <= constraint.limit
        }
    }
}
