// The solver against brute force, against greedy, and against itself.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Kernel
import Synthetic
import Testing

@Suite struct SolverTests {
    private let solver = ArbitrationSolver(threads: 2)

    @Test func `on tiny problems the optimum lies between value and bound, and every figure checks`() throws {
        var (optimal, solved) = (0, 0)
        for seed in 0..<UInt64(1_500) {
            let problem = try TinyProblem.drawn(seed: seed, minimums: false)
            let optimum = try #require(TinyProblem.optimum(problem))
            let solution = try solver.solve(problem)
            #expect(solution.value <= optimum && optimum <= solution.bound, "seed \(seed)")
            #expect(solution.value >= GreedyArbitration.solve(problem, threads: 1).value, "seed \(seed)")
            #expect(ArbitrationCheck.check(solution, of: problem).problems == [], "seed \(seed)")
            optimal += solution.value == optimum ? 1 : 0
            solved += 1
        }
        #expect(optimal * 100 >= solved * 90, "\(optimal) of \(solved) are optimal")
    }

    @Test func `with minimums a solution is sound, and a refusal never claims a proof against the facts`() throws {
        var (met, possible) = (0, 0)
        for seed in 0..<UInt64(1_500) {
            let problem = try TinyProblem.drawn(seed: seed, minimums: true)
            let optimum = TinyProblem.optimum(problem)
            possible += optimum == nil ? 0 : 1
            do throws(ArbitrationError) {
                let solution = try solver.solve(problem)
                #expect(optimum.map { solution.value <= $0 && $0 <= solution.bound } == true, "seed \(seed)")
                #expect(ArbitrationCheck.check(solution, of: problem).problems == [], "seed \(seed)")
                met += 1
            } catch {
                guard case .minimums(let gaps) = error else { throw error }
                #expect(!gaps.isEmpty)
                #expect(optimum == nil || gaps.allSatisfy { $0.reason == .notReached }, "seed \(seed): \(error)")
            }
        }
        #expect(met * 100 >= possible * 97, "\(met) of \(possible) possible problems were solved")
    }

    @Test func `without shared constraints the value is the bound`() throws {
        for seed in 0..<UInt64(200) {
            let problem = try TinyProblem.drawn(seed: seed, minimums: false).with(constraints: [])
            let solution = try solver.solve(problem)
            #expect(solution.value == solution.bound)
            #expect(solution.value == TinyProblem.optimum(problem))
        }
    }

    @Test func `limits too wide to bind cost nothing`() throws {
        let problem = try ArbitrationInstance.problem(subscribers: 2_000, seed: 3, threads: 2)
        let wide = try problem.with(
            constraints: zip(problem.constraints, problem.demand(threads: 2)).map { constraint, demand in
                var constraint = constraint
                constraint.limit = demand
                return constraint
            }
        )
        let solution = try solver.solve(wide)
        #expect(solution.value == solution.bound)
        #expect(solution.duals.allSatisfy { $0 == 0 })
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func `binding instances are solved to a small gap, better than greedy, and alike on any number of threads`(
        seed: UInt64
    ) throws {
        let problem = try ArbitrationInstance.problem(subscribers: 20_000, seed: seed, threads: 2)
        let one = try ArbitrationSolver(threads: 1).solve(problem)
        let three = try ArbitrationSolver(threads: 3).solve(problem)
        #expect(one.encoded() == three.encoded())
        #expect(one.gapPPM <= 500, "gap \(one.gapPPM) ppm")
        #expect(one.duals.count { $0 > 0 } >= 8)
        let greedy = try #require(one.greedyValue)
        #expect(one.value > greedy)
        #expect(greedy == GreedyArbitration.solve(problem, threads: 3).value)
        #expect(ArbitrationCheck.check(one, of: problem).problems == [])
    }

    @Test(arguments: [1, 2, 5])
    func `where few different values are, the gap stays small`(levels: Int) throws {
        let drawn = try ArbitrationInstance.problem(subscribers: 1_000, seed: 3, threads: 2)
        let problem = try ArbitrationProblem(
            offers: drawn.offers,
            limits: drawn.limits,
            constraints: drawn.constraints,
            subscribers: drawn.subscribers,
            starts: drawn.starts,
            candidateOffers: drawn.candidateOffers,
            values: drawn.values.map { 1_000_000 * (1 + $0 % Int32(levels)) }
        )
        let solution = try solver.solve(problem)
        #expect(ArbitrationCheck.check(solution, of: problem).problems == [])
        #expect(solution.gapPPM <= 2_000, "gap \(solution.gapPPM) ppm")
    }

    @Test func `solving again from the duals before a change proves as much as solving anew`() throws {
        let problem = try ArbitrationInstance.problem(subscribers: 20_000, seed: 11, threads: 2)
        let before = try solver.solve(problem)
        var constraints = problem.constraints
        constraints[0].limit /= 2
        let changed = try problem.with(constraints: constraints)
        let warm = try solver.solve(changed, from: before.duals)
        let cold = try solver.solve(changed)
        #expect(ArbitrationCheck.check(warm, of: changed).problems == [])
        #expect(warm.gapPPM <= 500 && cold.gapPPM <= 500)
        #expect(warm.bound >= cold.value && cold.bound >= warm.value)
        #expect(warm.duals[0] > before.duals[0])
        #expect(warm.value < before.value)
    }

    @Test func `a shadow price says about what one more unit brings`() throws {
        let problem = try ArbitrationInstance.problem(subscribers: 20_000, seed: 12, threads: 2)
        let before = try solver.solve(problem)
        let dearest = try #require(problem.constraints.indices.max { before.duals[$0] < before.duals[$1] })
        var constraints = problem.constraints
        let more = constraints[dearest].limit / 50
        constraints[dearest].limit += more
        let after = try solver.solve(try problem.with(constraints: constraints), from: before.duals)
        let estimate = before.constraints[dearest].shadowPrice * more
        #expect((estimate * 8 / 10...estimate * 11 / 10).contains(after.value - before.value))
    }

    @Test func `duals of other constraints are refused`() throws {
        let problem = try ArbitrationInstance.problem(subscribers: 100, seed: 1, threads: 1)
        #expect(throws: ArbitrationError.badDuals("there are 1 for 20 constraints")) {
            try solver.solve(problem, from: [0])
        }
        #expect(throws: ArbitrationError.badDuals("that of sms day 1 is -1")) {
            try solver.solve(problem, from: [-1] + [Int64](repeating: 0, count: 19))
        }
    }

    @Test func `far-off duals to start from do no harm`() throws {
        let problem = try ArbitrationInstance.problem(subscribers: 20_000, seed: 2, threads: 2)
        let solution = try solver.solve(problem, from: [Int64](repeating: 1 << 61, count: 20))
        #expect(ArbitrationCheck.check(solution, of: problem).problems == [])
        let greedy = try #require(solution.greedyValue)
        #expect(solution.value >= greedy)
    }
}
