// Scans over the candidates: raw memory, blocks of subscribers handed to threads, integer sums only.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// The candidates as raw memory, alive while the problem lends it.
struct Candidates: @unchecked Sendable {
    let rows: Int
    let starts: UnsafeBufferPointer<UInt32>
    let offers: UnsafeBufferPointer<UInt16>
    let values: UnsafeBufferPointer<Int32>
    /// Channel class by offer.
    let classes: UnsafeBufferPointer<UInt8>
    let classLimits: UnsafeBufferPointer<UInt8>
    let classCount: Int
    let limit: Int
    /// So many may be chosen without looking at their classes.
    let free: Int
    let widest: Int

    @inline(__always)
    func range(_ row: Int) -> Range<Int> { Int(starts[row])..<Int(starts[row &+ 1]) }
}

extension ArbitrationProblem {
    /// Lends the flat arrays as raw memory.
    func withCandidates<T>(_ body: (Candidates) -> T) -> T {
        offers.map(\.channelClass).withUnsafeBufferPointer { classes in
            limits.perClass.withUnsafeBufferPointer { classLimits in
                starts.withUnsafeBufferPointer { starts in
                    candidateOffers.withUnsafeBufferPointer { offers in
                        values.withUnsafeBufferPointer { values in
                            body(
                                Candidates(
                                    rows: subscribers.count,
                                    starts: starts,
                                    offers: offers,
                                    values: values,
                                    classes: classes,
                                    classLimits: classLimits,
                                    classCount: limits.perClass.count,
                                    limit: Int(limits.perSubscriber),
                                    free: Int(limits.perClass.reduce(limits.perSubscriber, min)),
                                    widest: widest
                                )
                            )
                        }
                    }
                }
            }
        }
    }
}

/// Hands blocks of rows to threads.
///
/// What a block yields depends on the block alone, and sums are of integers, so no result
/// depends on the number of threads.
enum Rows {
    private static let block = 4_096

    /// Runs `body` on all blocks; each worker makes its own scratch memory and hands over its result at the end.
    static func forEach<Scratch>(
        _ rows: Int,
        threads: Int,
        scratch: @Sendable () -> Scratch,
        _ body: @Sendable (Range<Int>, inout Scratch) -> Void,
        finish: @Sendable (Scratch) -> Void
    ) {
        let next = Atomic(0)
        @Sendable func work() {
            var own = scratch()
            while case let first = next.add(block, ordering: .relaxed).oldValue, first < rows {
                body(first..<min(first + block, rows), &own)
            }
            finish(own)
        }
        let workers = max(1, min(threads, (rows + block - 1) / block))
        if workers == 1 { work() } else { DispatchQueue.concurrentPerform(iterations: workers) { _ in work() } }
    }

    /// Collects what the blocks append, in the order of the rows.
    static func gather<Element: Sendable, Scratch>(
        _ rows: Int,
        threads: Int,
        scratch: @Sendable () -> Scratch,
        _ body: @Sendable (Range<Int>, inout Scratch, inout [Element]) -> Void
    ) -> [Element] {
        let parts = Mutex([[Element]](repeating: [], count: (rows + block - 1) / block))
        forEach(rows, threads: threads, scratch: scratch) { range, own in
            var found: [Element] = []
            body(range, &own, &found)
            let result = found
            if !result.isEmpty { parts.withLock { $0[range.lowerBound / block] = result } }
        } finish: { _ in
        }
        return parts.withLock { parts in
            var all: [Element] = []
            all.reserveCapacity(parts.reduce(0) { $0 + $1.count })
            for part in parts { all.append(contentsOf: part) }
            return all
        }
    }
}

/// Memory for choosing the best candidates of one subscriber at given prices.
final class Chooser {
    /// Reduced value and position of candidates, packed so that the larger number is the better candidate.
    let keys: UnsafeMutablePointer<Int64>
    private let taken: UnsafeMutablePointer<UInt8>
    private let candidates: Candidates

    init(_ candidates: Candidates) {
        self.candidates = candidates
        keys = .allocate(capacity: candidates.widest + 1)
        taken = .allocate(capacity: ArbitrationProblem.classLimit)
    }

    deinit {
        keys.deallocate()
        taken.deallocate()
    }

    /// Position of a chosen candidate within the subscriber's candidates.
    @inline(__always)
    func position(_ slot: Int) -> Int { 0xFFFF &- Int(truncatingIfNeeded: keys[slot] & 0xFFFF) }

    /// Chooses the subscriber's best set: the largest sum of positive reduced values within the limits.
    ///
    /// The limits by class and overall form a laminar matroid, so taking the best candidate that still fits, again and
    /// again, is optimal (J. Edmonds, "Matroids and the greedy algorithm", 1971). Equal candidates: lower position first.
    ///
    /// - Returns: Number of the chosen; they are in slots 0... of ``position(_:)``.
    @inline(__always)
    func choose(_ row: Int, prices: UnsafeBufferPointer<Int64>) -> Int {
        let (start, end) = (Int(candidates.starts[row]), Int(candidates.starts[row &+ 1]))
        let keys = keys
        var positive = 0
        var place = start
        while place < end {
            let reduced = Int64(candidates.values[place]) &- prices[Int(candidates.offers[place])]
            keys[positive] = reduced &<< 16 | (0xFFFF &- Int64(truncatingIfNeeded: place &- start))
            positive &+= reduced > 0 ? 1 : 0
            place &+= 1
        }
        return positive <= candidates.free ? positive : best(of: positive, from: start)
    }

    /// Moves the best of the first `positive` keys that fit the limits to the front.
    private func best(of positive: Int, from start: Int) -> Int {
        let (keys, taken) = (keys, taken)
        func channelClass(_ slot: Int) -> Int {
            Int(candidates.classes[Int(candidates.offers[start + position(slot)])])
        }
        for number in 0..<candidates.classCount { taken[number] = 0 }
        var chosen = 0
        while chosen < candidates.limit {
            var best: Int64 = -1
            var slot = -1
            for other in chosen..<positive where keys[other] > best {
                let number = channelClass(other)
                guard taken[number] < candidates.classLimits[number] else { continue }
                best = keys[other]
                slot = other
            }
            guard slot >= 0 else { break }
            taken[channelClass(slot)] &+= 1
            keys[slot] = keys[chosen]
            keys[chosen] = best
            chosen &+= 1
        }
        return chosen
    }
}

/// Totals of an assignment: its value and the contacts by offer.
struct Totals: Equatable, Sendable {
    /// Micro-units; below 2⁶³ because a problem has fewer than 2³² candidates.
    var value: Int64 = 0
    var contacts: [Int64]
}

extension ArbitrationProblem {
    /// Every subscriber's best set at given prices, without the shared constraints.
    ///
    /// - Parameters:
    ///   - prices: Price of each offer, -2⁴⁴...2⁴⁵.
    ///   - threads: Threads to use.
    ///   - marks: One byte a candidate, set to 1 where chosen and 0 elsewhere; nil when totals are enough.
    /// - Returns: Value and contacts of the choice.
    func relaxed(prices: [Int64], threads: Int, marks: Marks? = nil) -> Totals {
        withCandidates { candidates in
            let sum = Mutex(Totals(contacts: [Int64](repeating: 0, count: prices.count)))
            Rows.forEach(candidates.rows, threads: threads) {
                (chooser: Chooser(candidates), totals: Totals(contacts: [Int64](repeating: 0, count: prices.count)))
            } _: { rows, own in
                prices.withUnsafeBufferPointer { prices in
                    own.totals.contacts.withUnsafeMutableBufferPointer { contacts in
                        var value: Int64 = 0
                        for row in rows {
                            let start = Int(candidates.starts[row])
                            let chosen = own.chooser.choose(row, prices: prices)
                            if let marks { for place in candidates.range(row) { marks.bytes[place] = 0 } }
                            for slot in 0..<chosen {
                                let place = start &+ own.chooser.position(slot)
                                contacts[Int(candidates.offers[place])] &+= 1
                                value &+= Int64(candidates.values[place])
                                if let marks { marks.bytes[place] = 1 }
                            }
                        }
                        own.totals.value &+= value
                    }
                }
            } finish: { own in
                sum.withLock {
                    $0.value &+= own.totals.value
                    for offer in prices.indices { $0.contacts[offer] &+= own.totals.contacts[offer] }
                }
            }
            return sum.withLock { $0 }
        }
    }
}

/// One byte a candidate: whether it is assigned.
///
/// Threads write to different rows.
final class Marks: @unchecked Sendable {
    let bytes: UnsafeMutablePointer<UInt8>

    init(count: Int) {
        bytes = .allocate(capacity: max(1, count))
        bytes.initialize(repeating: 0, count: max(1, count))
    }

    deinit { bytes.deallocate() }
}
