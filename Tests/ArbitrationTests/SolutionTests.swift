// The solution file and the independent check: what is changed is found.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Crypto
import Kernel
import Synthetic
import Testing

@Suite struct SolutionTests {
    private let problem: ArbitrationProblem
    private let solution: ArbitrationSolution

    init() throws {
        problem = try ArbitrationInstance.problem(subscribers: 40, seed: 9, threads: 1)
        solution = try ArbitrationSolver(threads: 1).solve(problem)
    }

    @Test func `a solution is read back as it was written`() throws {
        let bytes = solution.encoded()
        let read = try ArbitrationSolution(decoding: bytes)
        #expect(read == solution)
        #expect(read.encoded() == bytes)
    }

    @Test func `subscriber numbers of any size and distance are read back`() throws {
        var wide = solution
        wide.assignments[0].subscribers = [0, 1, 128, 129, 16_600, 1 << 21, 1 << 28, .max - 1, .max]
        #expect(try ArbitrationSolution(decoding: wide.encoded()) == wide)
    }

    @Test func `every truncation and every changed bit is refused`() {
        let bytes = solution.encoded()
        for count in 0..<bytes.count {
            #expect(throws: ArbitrationError.self) { try ArbitrationSolution(decoding: Array(bytes.prefix(count))) }
        }
        for position in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[position] ^= 1 << UInt8(bit)
                #expect(throws: ArbitrationError.self) { try ArbitrationSolution(decoding: changed) }
            }
        }
        #expect(throws: ArbitrationError.self) { try ArbitrationSolution(decoding: bytes + [0]) }
    }

    @Test func `a changed file with a new seal is refused, or read and found unsound, and never crashes`() throws {
        let content = Array(solution.encoded().dropLast(32))
        var random = SeededRandom(seed: 4)
        for position in content.indices {
            var changed = content
            changed[position] ^= UInt8.random(in: 1...255, using: &random)
            do throws(ArbitrationError) {
                let read = try ArbitrationSolution(decoding: changed + Array(SHA256.hash(data: changed)))
                // The greedy value is for information, and other duals may prove the same bound; all else is checked.
                var known = read
                known.greedyValue = solution.greedyValue
                for number in known.constraints.indices { known.constraints[number].dual = solution.duals[number] }
                #expect(known == solution || !ArbitrationCheck.check(read, of: problem).isSound, "byte \(position)")
            } catch {
                #expect(error.code == "arbitration.bad_solution")
            }
        }
    }

    @Test func `the check finds every tampered figure`() throws {
        func problems(_ change: (inout ArbitrationSolution) -> Void) -> [String] {
            var tampered = solution
            change(&tampered)
            return ArbitrationCheck.check(tampered, of: problem).problems
        }
        #expect(problems { _ in } == [])
        let dual = try #require(solution.duals.firstIndex { $0 > 0 })
        let full = try #require(solution.constraints.firstIndex { $0.kind == .capacity && $0.used == $0.limit })
        let offer = try #require(solution.assignments.firstIndex { !$0.subscribers.isEmpty })
        #expect(problems { $0.value += 1 } == ["the value is \(solution.value), not \(solution.value + 1)"])
        #expect(problems { $0.bound -= 1 } == ["the bound is \(solution.bound), not \(solution.bound - 1)"])
        #expect(!problems { $0.constraints[dual].dual += 1 << 40 }.isEmpty)
        #expect(!problems { $0.constraints[dual].dual = -1 }.isEmpty)
        #expect(!problems { $0.constraints[dual].dual = .max }.isEmpty)
        #expect(!problems { $0.constraints[full].used -= 1 }.isEmpty)
        #expect(!problems { $0.constraints[full].limit += 1 }.isEmpty)
        #expect(!problems { $0.assignments[offer].subscribers.removeFirst() }.isEmpty)
        #expect(!problems { $0.assignments[offer].subscribers.append(1_000_000) }.isEmpty)
        #expect(!problems { $0.assignments[offer].subscribers.append($0.assignments[offer].subscribers[0]) }.isEmpty)
        #expect(!problems { $0.assignments.swapAt(offer, offer + 1) }.isEmpty)
        #expect(!problems { $0.limits.perSubscriber += 1 }.isEmpty)
        #expect(!problems { $0.problem = .zero }.isEmpty)
    }

    @Test func `an assignment that breaks a capacity or a subscriber's limit is found`() throws {
        // Everyone gets everything, with value and use written to fit.
        var greedy = solution
        greedy.value = problem.values.reduce(0) { $0 + Int64($1) }
        for offer in problem.offers.indices {
            greedy.assignments[offer].subscribers = problem.subscribers.indices.filter { row in
                let places = Int(problem.starts[row])..<Int(problem.starts[row + 1])
                return problem.candidateOffers[places].contains(UInt16(offer))
            }.map { problem.subscribers[$0] }
        }
        let findings = ArbitrationCheck.check(greedy, of: problem)
        #expect(findings.problems.contains { $0.contains("too many offers") })
        #expect(findings.value == greedy.value)
        #expect(findings.problems.count == ArbitrationCheck.mostProblems)
    }

    @Test func `the digest tells problems apart`() throws {
        var constraints = problem.constraints
        constraints[0].limit += 1
        #expect(try problem.with(constraints: constraints).digest() != problem.digest())
        #expect(try problem.with(constraints: problem.constraints).digest() == problem.digest())
    }
}

@Suite struct ProblemTests {
    private func make(
        offers: [ArbitrationOffer] = [.init(number: 1, channelClass: 0), .init(number: 2, channelClass: 0)],
        limits: ContactLimits = ContactLimits(perSubscriber: 1, perClass: [1]),
        constraint: ArbitrationConstraint? = nil,
        subscribers: [UInt32] = [4, 9],
        starts: [UInt32] = [0, 1, 3],
        candidates: [UInt16] = [1, 0, 1],
        values: [Int32] = [5, 6, 7]
    ) throws -> ArbitrationProblem {
        try ArbitrationProblem(
            offers: offers,
            limits: limits,
            constraints: constraint.map { [$0] } ?? [],
            subscribers: subscribers,
            starts: starts,
            candidateOffers: candidates,
            values: values
        )
    }

    private func constraint(_ limit: Int64, _ terms: [(Int, Int64)]) -> ArbitrationConstraint {
        ArbitrationConstraint(
            name: "c",
            kind: .capacity,
            limit: limit,
            terms: terms.map { .init(offer: $0.0, weight: $0.1) }
        )
    }

    @Test func `a problem that contradicts itself is refused`() throws {
        _ = try make()
        let wrong: [() throws -> ArbitrationProblem] = [
            { try make(offers: []) }, { try make(offers: [.init(number: 1, channelClass: 1)]) },
            { try make(offers: [.init(number: 1, channelClass: 0), .init(number: 1, channelClass: 0)]) },
            { try make(limits: ContactLimits(perSubscriber: 0, perClass: [1])) },
            { try make(limits: ContactLimits(perSubscriber: 1, perClass: [])) },
            { try make(constraint: constraint(-1, [(0, 1)])) }, { try make(constraint: constraint(1, [(2, 1)])) },
            { try make(constraint: constraint(1, [(0, 2)])) },
            { try make(constraint: constraint(1, [(1, 1), (0, 1)])) },
            { try make(subscribers: [9, 4]) }, { try make(subscribers: [4, 4]) }, { try make(starts: [0, 1]) },
            { try make(starts: [0, 4, 3]) }, { try make(starts: [1, 1, 3]) }, { try make(candidates: [1, 1, 0]) },
            { try make(candidates: [1, 1, 1]) }, { try make(candidates: [2, 0, 1]) }, { try make(candidates: [1, 0]) },
            { try make(values: [5, -6, 7]) },
        ]
        for (number, make) in wrong.enumerated() {
            let error = #expect(throws: ArbitrationError.self, "case \(number)") { try make() }
            #expect(error?.code == "arbitration.invalid_problem")
        }
    }
}
