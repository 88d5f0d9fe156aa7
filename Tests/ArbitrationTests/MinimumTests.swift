// Minimum volumes: met where they can be, named where they cannot.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Synthetic
import Testing

@Suite struct MinimumTests {
    private let solver = ArbitrationSolver(threads: 2)

    /// Forty subscribers, three offers of one class; the first is worth most to everyone.
    private func problem(_ constraints: [ArbitrationConstraint]) throws -> ArbitrationProblem {
        let subscribers = 40
        let values: [[Int32]] = (0..<Int32(subscribers)).map { [1_000 + $0, 500 + $0 * 2, 10 + $0] }
        return try ArbitrationProblem(
            offers: (0..<3).map { ArbitrationOffer(number: $0, channelClass: 0) },
            limits: ContactLimits(perSubscriber: 1, perClass: [1]),
            constraints: constraints,
            subscribers: (0..<UInt32(subscribers)).map { $0 },
            starts: (0...UInt32(subscribers)).map { $0 * 3 },
            candidateOffers: Array([[UInt16]](repeating: [0, 1, 2], count: subscribers).joined()),
            values: Array(values.joined())
        )
    }

    private func minimum(_ name: String, _ limit: Int64, _ offers: [Int]) -> ArbitrationConstraint {
        ArbitrationConstraint(
            name: name,
            kind: .minimum,
            limit: limit,
            terms: offers.map { .init(offer: $0, weight: 1) }
        )
    }

    private func capacity(_ name: String, _ limit: Int64, _ offers: [Int]) -> ArbitrationConstraint {
        ArbitrationConstraint(
            name: name,
            kind: .capacity,
            limit: limit,
            terms: offers.map { .init(offer: $0, weight: 1) }
        )
    }

    @Test func `a minimum that costs value is met, and its dual says what one contact less would bring`() throws {
        let problem = try problem([minimum("third", 12, [2])])
        let solution = try solver.solve(problem)
        #expect(ArbitrationCheck.check(solution, of: problem).problems == [])
        #expect(solution.constraints[0].used == 12)
        #expect((985...990).contains(solution.constraints[0].shadowPrice))
        #expect(solution.bound - solution.value <= 12)
    }

    @Test func `minimums, capacities and budgets hold together on a binding instance`() throws {
        let open = try ArbitrationInstance.problem(subscribers: 20_000, seed: 5, threads: 2)
        let plain = try solver.solve(open)
        // Three campaigns want a tenth more contacts than they would get, within the same budgets.
        let minimums = [1, 4, 8].map { campaign in
            let offers = Array(campaign * 4..<campaign * 4 + 4)
            let contacts = offers.reduce(0) { $0 + plain.assignments[$1].subscribers.count }
            return minimum("campaign \(campaign + 1)", Int64(contacts * 11 / 10), offers)
        }
        let problem = try open.with(
            constraints: open.constraints + minimums
        )
        let solution = try solver.solve(problem)
        #expect(ArbitrationCheck.check(solution, of: problem).problems == [])
        #expect(solution.gapPPM <= 1_000, "gap \(solution.gapPPM) ppm")
        #expect(solution.duals.suffix(3).allSatisfy { $0 > 0 })
    }

    @Test func `too few candidates are named`() throws {
        let problem = try problem([minimum("all", 41, [0, 1, 2])])
        #expect(
            throws: ArbitrationError.minimums([
                MinimumGap(constraint: "all", wanted: 41, possible: 40, reason: .candidates)
            ])
        ) { try solver.solve(problem) }
    }

    @Test func `a capacity or budget too small for a minimum is named`() throws {
        let budget = ArbitrationConstraint(
            name: "money",
            kind: .budget,
            limit: 100,
            terms: [.init(offer: 1, weight: 30), .init(offer: 2, weight: 20)]
        )
        #expect(
            throws: ArbitrationError.minimums([
                MinimumGap(constraint: "two", wanted: 6, possible: 5, reason: .limits(["money"]))
            ])
        ) { try solver.solve(try problem([budget, minimum("two", 6, [1, 2])])) }
        #expect(
            throws: ArbitrationError.minimums([
                MinimumGap(constraint: "two", wanted: 8, possible: 7, reason: .limits(["Monday", "Tuesday"]))
            ])
        ) {
            try solver.solve(
                try problem([capacity("Monday", 3, [0, 1]), capacity("Tuesday", 4, [2]), minimum("two", 8, [1, 2])])
            )
        }
    }

    @Test func `a capacity that does not hold the sum of its minimums is named with what it leaves to each`() throws {
        let problem = try problem([
            capacity("day", 10, [0, 1, 2]), minimum("first", 7, [0]), minimum("second", 5, [1]),
        ])
        #expect(
            throws: ArbitrationError.minimums([
                MinimumGap(constraint: "first", wanted: 7, possible: 5, reason: .shared("day")),
                MinimumGap(constraint: "second", wanted: 5, possible: 3, reason: .shared("day")),
            ])
        ) { try solver.solve(problem) }
    }

    @Test func `minimums that only together are too much are refused with a proof`() throws {
        // Each alone is possible: 40 subscribers, one contact each.
        let problem = try problem([minimum("first", 30, [0]), minimum("second", 25, [1, 2])])
        let error = try #require(throws: ArbitrationError.self) { try solver.solve(problem) }
        guard case .minimums(let gaps) = error else { throw error }
        for gap in gaps {
            #expect(gap.reason == .together)
            #expect(gap.possible == (gap.constraint == "first" ? 15 : 10))
        }
        #expect(!gaps.isEmpty)
    }

    @Test func `a minimum raised until it fails is refused with a proof of how many contacts are possible`() throws {
        let open = try ArbitrationInstance.problem(subscribers: 4_000, seed: 5, threads: 2)
        var reached: Int64 = 0
        for wanted in stride(from: Int64(300), through: 3_000, by: 100) {
            let constraints = open.constraints + [minimum("campaign 5", wanted, Array(16..<20))]
            do throws(ArbitrationError) {
                _ = try solver.solve(try open.with(constraints: constraints))
                reached = wanted
            } catch {
                guard case .minimums(let gaps) = error, let gap = gaps.first else { throw error }
                #expect(gap.reason == .together)
                #expect(gap.possible >= reached && gap.possible < wanted)
                return
            }
        }
        Issue.record("a minimum of 3,000 contacts was met")
    }
}
