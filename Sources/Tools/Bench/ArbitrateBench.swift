// bench arbitrate: optimal assignment of offers over the whole base, against greedy and against solving chunks.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Dispatch
import Kernel
import Synchronization
import Synthetic

struct ArbitrateBench {
    let options: BenchOptions

    /// Seeded instances on which the value is compared with greedy and with chunks.
    private static let instances = 20
    private static let instanceSubscribers = 20_000
    private static let chunkSubscribers = 1_000
    private static let leastPositiveDuals = 8

    func run() async throws -> [String: Double] {
        options.note("making \(options.subscribers) subscribers with 20 candidates each")
        let problem = try ArbitrationInstance.problem(
            subscribers: options.subscribers,
            seed: options.seed,
            threads: options.threads
        )
        let solver = ArbitrationSolver(threads: options.threads)
        options.note("solving")
        let (solution, ms) = try await milliseconds { try solver.solve(problem) }
        let peak = try MemoryBench.peakResident()
        var results = try hardness(of: problem, solution)
        let bytes = solution.encoded()
        let (_, checkMs) = try await milliseconds { try Self.check(bytes, of: problem) }

        options.note("solving again after one constraint changed")
        let changed = try Self.tightened(problem, by: solution)
        let (again, againMs) = try await milliseconds { try solver.solve(changed, from: solution.duals) }
        try Self.check(again.encoded(), of: changed)

        options.note("greedy and chunks")
        let (greedy, greedyMs) = await milliseconds {
            GreedyArbitration.solve(problem, threads: options.threads).value
        }
        let chunked = try Self.chunkedValue(problem, seed: options.seed, threads: options.threads)
        options.note("\(Self.instances) instances of \(Self.instanceSubscribers) subscribers")
        try compareInstances(&results)
        let figures: [String: Double] = [
            "gap_percent": Self.gapPercent(solution), "solve_s": ms / 1000, "peak_bytes": peak,
            "value": Self.units(solution.value), "bound": Self.units(solution.bound),
            "greedy_value": Self.units(greedy), "chunked_value": Self.units(chunked), "greedy_s": greedyMs / 1000,
            "resolve_s": againMs / 1000, "resolve_gap_percent": Self.gapPercent(again), "check_s": checkMs / 1000,
            "file_bytes": Double(bytes.count), "candidates": Double(problem.values.count),
            "constraints": Double(problem.constraints.count), "seed": Double(options.seed),
        ]
        return results.merging(figures) { $1 }
    }

    private static func units(_ micros: Int64) -> Double { Double(micros) / 1e6 }

    // MARK: Checks

    /// What makes the instance hard; refuses one whose constraints hardly bind.
    private func hardness(of problem: ArbitrationProblem, _ solution: ArbitrationSolution) throws -> [String: Double] {
        // A dual counts when its constraint is used up as well, but for what no single contact fits into.
        let positive = solution.constraints.count { $0.dual > 0 && Double($0.used) >= Double($0.limit) * 0.99 }
        guard positive >= Self.leastPositiveDuals else {
            throw BenchError.easyInstance("\(positive) duals are positive, \(Self.leastPositiveDuals) are needed")
        }
        let ratios = zip(problem.constraints, problem.demand(threads: options.threads)).map {
            Double($1) / Double(max(1, $0.limit))
        }
        guard let least = ratios.min(), let most = ratios.max(), least >= 2, most < 3.01 else {
            throw BenchError.easyInstance("demand is not two to three times every limit: \(ratios)")
        }
        let sample = problem.values.prefix(400_000)
        return [
            "positive_duals": Double(positive), "least_demand_ratio": least, "most_demand_ratio": most,
            "distinct_values_percent": Double(Set(sample).count) / Double(sample.count) * 100,
        ]
    }

    /// Checks a solution as it is written, with the checker that shares nothing with the solver.
    private static func check(_ bytes: [UInt8], of problem: ArbitrationProblem) throws {
        let findings = ArbitrationCheck.check(try ArbitrationSolution(decoding: bytes), of: problem)
        guard findings.isSound else { throw BenchError.answersDiffer(findings.problems.joined(separator: "; ")) }
    }

    private static func gapPercent(_ solution: ArbitrationSolution) -> Double {
        Double(solution.bound - solution.value) / Double(max(1, solution.bound)) * 100
    }

    // MARK: What it is compared with

    /// The problem with a fifth less of its dearest capacity.
    private static func tightened(
        _ problem: ArbitrationProblem,
        by solution: ArbitrationSolution
    ) throws -> ArbitrationProblem {
        var constraints = problem.constraints
        let dearest = constraints.indices.filter { constraints[$0].kind == .capacity }
            .max { solution.constraints[$0].dual < solution.constraints[$1].dual }
        guard let dearest else { throw BenchError.easyInstance("there is no capacity") }
        constraints[dearest].limit -= constraints[dearest].limit / 5
        return try problem.with(constraints: constraints)
    }

    /// The value when random chunks of subscribers are solved alone, each with an even share of all limits.
    private static func chunkedValue(_ problem: ArbitrationProblem, seed: UInt64, threads: Int) throws -> Int64 {
        var random = SeededRandom(seed: seed ^ 0xC4)
        let order = problem.subscribers.indices.shuffled(using: &random)
        let chunks = max(1, order.count / chunkSubscribers)
        let values = Mutex([Result<Int64, ArbitrationError>?](repeating: nil, count: chunks))
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in
            while case let chunk = next.add(1, ordering: .relaxed).oldValue, chunk < chunks {
                let rows = order[order.count * chunk / chunks..<order.count * (chunk + 1) / chunks].sorted()
                let part = problem.part(rows: rows) {
                    $0.limit * Int64(chunk + 1) / Int64(chunks) - $0.limit * Int64(chunk) / Int64(chunks)
                }
                let value = Result { () throws(ArbitrationError) in try ArbitrationSolver(threads: 1).solve(part).value
                }
                values.withLock { $0[chunk] = value }
            }
        }
        return try values.withLock { $0 }.reduce(0) { $0 + (try $1?.get() ?? 0) }
    }

    /// Counts the instances on which the value is below that of greedy or of chunks.
    private func compareInstances(_ results: inout [String: Double]) throws {
        var (belowGreedy, belowChunks) = (0, 0)
        var (gaps, overGreedy, overChunks): ([Double], [Double], [Double]) = ([], [], [])
        for number in 0..<Self.instances {
            let seed = options.seed &+ UInt64(number + 1) &* 1_000_003
            let problem = try ArbitrationInstance.problem(
                subscribers: Self.instanceSubscribers,
                seed: seed,
                threads: options.threads
            )
            let solution = try ArbitrationSolver(threads: options.threads).solve(problem)
            _ = try hardness(of: problem, solution)
            try Self.check(solution.encoded(), of: problem)
            let greedy = GreedyArbitration.solve(problem, threads: options.threads).value
            let chunked = try Self.chunkedValue(problem, seed: seed, threads: options.threads)
            belowGreedy += solution.value < greedy ? 1 : 0
            belowChunks += solution.value < chunked ? 1 : 0
            gaps.append(Self.gapPercent(solution))
            overGreedy.append((Double(solution.value) / Double(greedy) - 1) * 100)
            overChunks.append((Double(solution.value) / Double(chunked) - 1) * 100)
        }
        results["instances"] = Double(Self.instances)
        results["worse_than_greedy"] = Double(belowGreedy)
        results["worse_than_chunks"] = Double(belowChunks)
        results["instance_gap_percent_max"] = gaps.max()
        results["instance_over_greedy_percent_min"] = overGreedy.min()
        results["instance_over_chunks_percent_min"] = overChunks.min()
    }
}
