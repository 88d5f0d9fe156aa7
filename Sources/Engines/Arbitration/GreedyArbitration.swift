// Greedy arbitration: the best candidate that still fits, again and again.
// SPDX-License-Identifier: Apache-2.0

/// What an assignment is worth and how it uses the constraints.
public struct ArbitrationOutcome: Hashable, Sendable {
    /// Expected value, micro-units.
    public var value: Int64
    /// Use of each constraint: contacts or minor currency units.
    public var used: [Int64]
    /// Names of minimums that were not reached.
    public var shortMinimums: [String]
}

/// The live ranking formula over the whole base: all candidates by value, each taken when its subscriber's limits, the
/// capacities and the budgets still hold it.
///
/// Candidates that count towards a minimum come first until it is reached. Equal values: by subscriber, then offer.
public enum GreedyArbitration {
    /// Assigns greedily.
    ///
    /// - Parameters:
    ///   - problem: What to assign.
    ///   - threads: Threads to use; the result does not depend on them.
    /// - Returns: Value and use; the assignment itself is not kept.
    public static func solve(_ problem: ArbitrationProblem, threads: Int) -> ArbitrationOutcome {
        let table = PriceTable(problem)
        let draft = Draft(empty: problem, table: table, threads: threads)
        draft.assignGreedily()
        return draft.outcome
    }
}

extension Draft {
    var outcome: ArbitrationOutcome {
        ArbitrationOutcome(value: value, used: used, shortMinimums: shortMinimums.map { table.constraints[$0].name })
    }

    /// Fills an empty draft in order of value.
    func assignGreedily() {
        if !shortMinimums.isEmpty { assignByValue(towardsMinimums: true) }
        assignByValue(towardsMinimums: false)
    }

    private func isWanted(_ offer: Int, _ towardsMinimums: Bool) -> Bool {
        room(offer) > 0
            && (!towardsMinimums
                || table.terms[offer].contains { table.isMinimum($0.constraint) && excess($0.constraint) > 0 })
    }

    /// One pass over the candidates in bands of falling value: a band collects what still fits, sorts it and takes it.
    private func assignByValue(towardsMinimums: Bool) {
        problem.withCandidates { candidates in
            let rows = RowFinder(candidates)
            let holding = Holding(marks, candidates, prices: [Int64](repeating: 0, count: table.terms.count))
            for band in bands(candidates, least: towardsMinimums ? 0 : 1) {
                var wanted = table.terms.indices.map { isWanted($0, towardsMinimums) }
                guard wanted.contains(true) else { return }
                for key in fitting(candidates, band, wanted) {
                    let place = Int(UInt32.max - UInt32(truncatingIfNeeded: key))
                    let offer = Int(candidates.offers[place])
                    guard wanted[offer] else { continue }
                    holding.read(rows.row(of: place))
                    guard holding.fits(place) else { continue }
                    // What is full stays full, so it is looked at only when something would be assigned.
                    wanted[offer] = isWanted(offer, towardsMinimums)
                    if wanted[offer] { assign(place, candidates) }
                }
            }
        }
    }

    /// Candidates of a band that fit their subscriber's limits, best first: value above, complement of the place below.
    private func fitting(_ candidates: Candidates, _ band: ClosedRange<Int32>, _ wanted: [Bool]) -> [UInt64] {
        let marks = marks
        let prices = [Int64](repeating: 0, count: wanted.count)
        var keys: [UInt64] = Rows.gather(candidates.rows, threads: threads) {
            Holding(marks, candidates, prices: prices)
        } _: { rows, holding, found in
            for row in rows {
                var isRead = false
                for place in candidates.range(row)
                where band.contains(candidates.values[place]) && wanted[Int(candidates.offers[place])]
                    && marks.bytes[place] == 0
                {
                    if !isRead { holding.read(row) }
                    isRead = true
                    guard holding.fits(place) else { continue }
                    found.append(UInt64(candidates.values[place]) << 32 | UInt64(UInt32.max - UInt32(place)))
                }
            }
        }
        keys.sort(by: >)
        return keys
    }

    /// Ranges of values from high to low that hold about two million candidates each.
    private func bands(_ candidates: Candidates, least: Int32) -> [ClosedRange<Int32>] {
        // Buckets of 1/64 octave: seven highest bits.
        func bucket(_ value: Int32) -> Int {
            let octave = 31 - (value | 1).leadingZeroBitCount
            return octave < 6 ? Int(value) : (octave - 5) << 6 | Int(value >> Int32(octave - 6)) & 63
        }
        func lowest(of bucket: Int) -> Int32 {
            bucket < 64 ? Int32(bucket) : Int32(64 | bucket & 63) << Int32(bucket >> 6 - 1)
        }
        var counts = [Int](repeating: 0, count: 64 * 26)
        for place in 0..<problem.values.count { counts[bucket(candidates.values[place])] += 1 }
        var bands: [ClosedRange<Int32>] = []
        var (top, held) = (Int32.max, 0)
        for bucket in counts.indices.reversed() where top >= least {
            held += counts[bucket]
            guard held >= 1 << 21 || bucket == 0 else { continue }
            let bottom = max(lowest(of: bucket), least)
            if bottom <= top { bands.append(bottom...top) }
            (top, held) = (bottom - 1, 0)
        }
        return bands
    }
}

/// Finds the subscriber of a candidate.
private struct RowFinder {
    private let candidates: Candidates
    /// The row that holds every 256th place.
    private var marks: [Int32] = []

    init(_ candidates: Candidates) {
        self.candidates = candidates
        for row in 0..<candidates.rows {
            while marks.count << 8 < Int(candidates.starts[row + 1]) { marks.append(Int32(row)) }
        }
    }

    func row(of place: Int) -> Int {
        var row = Int(marks[place >> 8])
        while Int(candidates.starts[row + 1]) <= place { row += 1 }
        return row
    }
}
