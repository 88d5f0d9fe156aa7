// The result file, and the choice at given prices: what a control group would have got.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Kernel
import Synthetic
import Testing

@Suite struct ResultTests {
    private func result() throws -> ArbitrationResult {
        let problem = try ArbitrationInstance.problem(subscribers: 60, seed: 4, threads: 1)
        let solution = try ArbitrationSolver(threads: 1).solve(problem)
        let campaigns = solution.assignments.enumerated().map { place, assignment in
            ArbitratedCampaign(
                number: Int64(place) + 100,
                revision: 3,
                day: LocalDay(number: 20_000 + Int32(place)),
                audience: 60,
                candidates: 40,
                members: assignment.subscribers,
                values: assignment.subscribers.map { Int32($0) * 7 },
                controls: [UInt32(place), 1_000, .max]
            )
        }
        return ArbitrationResult(unit: 100, solution: solution, campaigns: campaigns)
    }

    @Test func `a result is read back as it was written`() throws {
        let result = try result()
        let bytes = result.encoded()
        let read = try ArbitrationResult(decoding: bytes)
        #expect(read == result && read.encoded() == bytes)
        #expect(result.minor(25_000) == 2 && result.minor(1_000_000) == 100)
        var priced = result.solution.constraints[0]
        priced.dual = 3 << 16
        #expect(result.microMinorPerUnit(priced) == 300)
    }

    @Test func `a result that is cut short, too long or of other campaigns is refused`() throws {
        let result = try result()
        let bytes = result.encoded()
        for count in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: ArbitrationError.self) { try ArbitrationResult(decoding: Array(bytes.prefix(count))) }
        }
        #expect(throws: ArbitrationError.self) { try ArbitrationResult(decoding: bytes + [0]) }
        var fewer = result
        fewer.campaigns.removeLast()
        #expect(throws: ArbitrationError.self) { try ArbitrationResult(decoding: fewer.encoded()) }
        var other = result
        other.campaigns[0].values.append(1)
        #expect(throws: ArbitrationError.self) { try ArbitrationResult(decoding: other.encoded()) }
    }

    @Test(arguments: 0..<300)
    func `the choice at any prices is everybody's best set`(seed: Int) throws {
        let problem = try TinyProblem.drawn(seed: UInt64(seed), minimums: false)
        var random = SeededRandom(seed: UInt64(seed) + 7)
        let duals = problem.constraints.map { _ in Int64.random(in: 0...200, using: &random) << 16 }
        let choice = try problem.choice(at: duals, threads: 1)
        #expect(choice.map(\.offer) == problem.offers.map(\.number))
        let prices = problem.offers.indices.map { offer in
            zip(problem.constraints, duals).reduce(Int64(0)) { sum, pair in
                sum + (pair.0.terms.first { $0.offer == offer }?.weight ?? 0) * (pair.1 >> 16)
            }
        }
        for row in problem.subscribers.indices {
            let places = Array(Int(problem.starts[row])..<Int(problem.starts[row + 1]))
            func isWithin(_ set: [Int]) -> Bool {
                let classes = set.map { Int(problem.offers[Int(problem.candidateOffers[$0])].channelClass) }
                return set.count <= Int(problem.limits.perSubscriber)
                    && problem.limits.perClass.indices.allSatisfy { one in
                        classes.count { $0 == one } <= Int(problem.limits.perClass[one])
                    }
            }
            func worth(_ set: [Int]) -> Int64 {
                set.reduce(0) { $0 + Int64(problem.values[$1]) - prices[Int(problem.candidateOffers[$1])] }
            }
            let best = (0..<1 << places.count).map { bits in
                places.indices.filter { bits >> $0 & 1 == 1 }.map { places[$0] }
            }.filter(isWithin).map(worth).max()
            let chosen = places.filter {
                choice[Int(problem.candidateOffers[$0])].subscribers.contains(problem.subscribers[row])
            }
            #expect(isWithin(chosen) && worth(chosen) == best, "subscriber \(problem.subscribers[row])")
        }
        #expect(throws: ArbitrationError.self) { try problem.choice(at: duals + [0], threads: 1) }
    }
}
