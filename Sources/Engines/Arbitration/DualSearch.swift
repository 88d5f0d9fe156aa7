// The search for duals: a projected Newton descent whose curvature is measured on a sample of the subscribers.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// Lowers the dual value until it hardly falls any more.
///
/// The dual value is convex and piecewise linear; its slope in a constraint's dual is the room that the relaxed choice
/// leaves (M. Held, P. Wolfe, H. Crowder, "Validation of subgradient optimization", Mathematical Programming 6, 1974). Over
/// many subscribers it is nearly smooth, so instead of small subgradient steps the slope's change is measured too: each
/// dual is raised a little on a sample, and the differences in use are the columns of the curvature. The step solves the
/// quadratic model under "no dual below zero" by projected Gauss-Seidel sweeps, and is halved until the dual value falls.
/// Samples of 1/256 and 1/16 of the subscribers come first; on the whole base a few steps remain.
struct DualSearch {
    private let table: PriceTable
    private let threads: Int
    /// Coarse to fine; the last is the whole problem.
    private let levels: [ArbitrationProblem]

    /// Samples have 1/16 of the subscribers of the next finer level.
    private static let ratio = 16
    /// No sample is smaller: below, its own optimum lies too far from that of the whole.
    private static let leastSample = 4_096
    /// Fraction bits of a step, which is counted in probe distances.
    private static let fraction: Int128 = 1 << 16
    /// Probe distances that a step may go: farther the curvature says nothing.
    private static let reach: Int128 = 16

    init(_ problem: ArbitrationProblem, table: PriceTable, threads: Int) {
        self.table = table
        self.threads = threads
        var levels = [problem]
        while let finer = levels.last, finer.subscribers.count / Self.ratio >= Self.leastSample {
            levels.append(Self.sample(of: finer))
        }
        self.levels = levels.reversed()
    }

    /// The best duals found.
    ///
    /// - Parameter previous: Duals of a similar problem: the coarsest sample is skipped.
    /// - Returns: One dual per constraint.
    func best(from previous: [Int64]?) -> [Int64] {
        let none = [Int64](repeating: 0, count: table.constraints.count)
        var best = (duals: previous ?? none, bound: Int128.max)
        for (number, level) in levels.enumerated() where number == levels.count - 1 || previous == nil || number > 0 {
            let point = descend(level, from: best.duals, curvatureOn: levels[max(0, number - 1)])
            best = (point.duals, point.bound)
        }
        // Only from far-off duals that no step improved; without any, the bound is the value of the best sets.
        return best.bound > Int64.max ? none : best.duals
    }

    /// One subscriber of each sixteen, drawn by a fixed hash, with a sixteenth of all limits.
    private static func sample(of problem: ArbitrationProblem) -> ArbitrationProblem {
        let rows = (0..<problem.subscribers.count / ratio).map {
            $0 * ratio + Int(SeededRandom.mix(UInt64($0)) % UInt64(ratio))
        }
        return problem.part(rows: rows) {
            $0.kind == .minimum ? $0.limit / Int64(ratio) : ($0.limit + Int64(ratio) - 1) / Int64(ratio)
        }
    }

    // MARK: Descent

    private func descend(
        _ level: ArbitrationProblem,
        from duals: [Int64],
        curvatureOn sample: ArbitrationProblem
    ) -> DualPoint {
        let table = PriceTable(level)
        var point = level.relaxed(duals: duals, table, threads: threads)
        // Probe distances shrink from 1/16 of a dual while steps fail or gain little.
        var shift: Int64 = 4
        for _ in 0..<30 where shift <= 10 {
            guard let next = step(level, table, from: point, curvatureOn: sample, shift: shift) else {
                shift += 2
                continue
            }
            if point.bound - next.bound < point.bound >> 16 { shift += 2 }
            point = next
        }
        return point
    }

    /// The point after one step, or nil when none of its halvings lowers the dual value.
    private func step(
        _ level: ArbitrationProblem,
        _ table: PriceTable,
        from point: DualPoint,
        curvatureOn sample: ArbitrationProblem,
        shift: Int64
    ) -> DualPoint? {
        let probes = probes(point, shift)
        let active = point.duals.indices.filter {
            point.duals[$0] > 0 || table.excess($0, used: point.used[$0]) > 0
        }
        let share = (Int128(sample.subscribers.count), Int128(max(1, level.subscribers.count)))
        let excess = active.map {
            Int128(table.excess($0, used: point.used[$0])) * Self.fraction * share.0 / share.1
        }
        let curvature = curvature(sample, at: point.duals, active, probes)
        // Rounded away from zero, so that a dual on its way to zero gets there.
        let lowest = active.map { constraint in
            let (dual, probe) = (Int128(point.duals[constraint]), Int128(probes[constraint]))
            return max(-Self.reach * Self.fraction, -(dual * Self.fraction + probe - 1) / probe)
        }
        let direction = Self.solve(curvature, excess, lowest: lowest)
        for halving in 0..<6 {
            var duals = point.duals
            for (slot, constraint) in active.enumerated() {
                let change = direction[slot] * Int128(probes[constraint]) / (Self.fraction << halving)
                duals[constraint] = Int64(
                    min(max(0, Int128(duals[constraint]) + change), Int128(table.ceiling(constraint)))
                )
            }
            guard duals != point.duals else { return nil }
            let next = level.relaxed(duals: duals, table, threads: threads)
            if next.bound < point.bound { return next }
        }
        return nil
    }

    /// How far each dual is raised to measure the curvature: a share of itself, or of the mean value of a contact.
    private func probes(_ point: DualPoint, _ shift: Int64) -> [Int64] {
        let contacts = point.totals.contacts.reduce(0, +)
        let mean = contacts > 0 ? point.totals.value / contacts : 1 << 20
        return table.constraints.indices.map { position in
            let terms = table.constraints[position].terms
            let weight = terms.isEmpty ? 1 : terms.reduce(0) { $0 + $1.weight } / Int64(terms.count)
            return max(point.duals[position] >> shift, ((mean << PriceTable.fraction) / weight) >> (shift + 2), 1)
        }
    }

    /// How much less each active constraint is used when the dual of each is raised by its probe, in the sample.
    private func curvature(
        _ sample: ArbitrationProblem,
        at duals: [Int64],
        _ active: [Int],
        _ probes: [Int64]
    ) -> [[Int128]] {
        func excess(_ duals: [Int64]) -> [Int128] {
            let used = table.used(sample.relaxed(prices: table.prices(duals), threads: threads).contacts)
            return active.map { Int128(table.isMinimum($0) ? -used[$0] : used[$0]) }
        }
        let base = excess(duals)
        return active.map { constraint in
            var raised = duals
            raised[constraint] += probes[constraint]
            return zip(base, excess(raised)).map { $0 - $1 }
        }
    }

    /// Steps that bring all excesses to zero in the linear model, none below `lowest`; in probe distances.
    private static func solve(_ columns: [[Int128]], _ excess: [Int128], lowest: [Int128]) -> [Int128] {
        var steps = [Int128](repeating: 0, count: excess.count)
        for _ in 0..<40 {
            for row in excess.indices {
                var rest = excess[row]
                for column in columns.indices { rest -= columns[column][row] * steps[column] }
                let own = max(columns[row][row], 1)
                steps[row] = min(max(steps[row] + rest / own, lowest[row]), reach * fraction)
            }
        }
        return steps
    }
}
