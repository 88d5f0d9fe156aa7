// An assignment under construction: marks, use of the constraints, value; and the moves that change it.
// SPDX-License-Identifier: Apache-2.0

/// A change of one subscriber: a candidate comes in or goes out.
struct Move: Comparable, Sendable {
    /// Reduced value gained; moves with more come first.
    var gain: Int64
    var row: Int32
    var place: UInt32

    /// Better first; equal gains by place.
    static func < (a: Move, b: Move) -> Bool { a.gain != b.gain ? a.gain > b.gain : a.place < b.place }
}

/// An assignment under construction.
final class Draft {
    let problem: ArbitrationProblem
    let table: PriceTable
    let threads: Int
    /// 1 where a candidate is assigned.
    let marks: Marks
    /// Use of each constraint.
    private(set) var used: [Int64]
    /// Value of the assignment, micro-units.
    private(set) var value: Int64

    /// Nobody gets anything.
    init(empty problem: ArbitrationProblem, table: PriceTable, threads: Int) {
        self.problem = problem
        self.table = table
        self.threads = threads
        marks = Marks(count: problem.values.count)
        used = [Int64](repeating: 0, count: table.constraints.count)
        value = 0
    }

    /// Everyone gets their best set at the prices, whatever the shared constraints say; `blurred` has the values that the
    /// choice is made by.
    init(
        _ problem: ArbitrationProblem,
        choosing blurred: ArbitrationProblem,
        prices: [Int64],
        table: PriceTable,
        threads: Int
    ) {
        self.problem = problem
        self.table = table
        self.threads = threads
        marks = Marks(count: problem.values.count)
        used = table.used(blurred.relaxed(prices: prices, threads: threads, marks: marks).contacts)
        value = 0
        for place in problem.values.indices where marks.bytes[place] != 0 { value += Int64(problem.values[place]) }
    }

    // MARK: Constraints

    func excess(_ constraint: Int) -> Int64 { table.excess(constraint, used: used[constraint]) }

    /// Minimums that are not reached.
    var shortMinimums: [Int] { used.indices.filter { table.isMinimum($0) && excess($0) > 0 } }

    /// Whether a capacity or budget is overdrawn.
    var isOverdrawn: Bool { used.indices.contains { !table.isMinimum($0) && excess($0) > 0 } }

    /// Contacts with an offer that its capacities and budgets still hold.
    func room(_ offer: Int) -> Int64 {
        var room = Int64.max
        for term in table.terms[offer] where !table.isMinimum(term.constraint) {
            room = min(room, -excess(term.constraint) / term.weight)
        }
        return room
    }

    /// The first capacity or budget that does not hold one more contact with `offer` after `leaving` made room; nil when
    /// all do.
    func obstacle(to offer: Int, leaving: Int?) -> Int? {
        table.terms[offer].first { term in
            !table.isMinimum(term.constraint)
                && excess(term.constraint) + term.weight > weight(leaving, in: term.constraint)
        }?.constraint
    }

    /// Whether a contact with `offer` may be taken away (for one with `entering`) without missing a minimum other than
    /// `filling`.
    func isSpare(_ offer: Int, entering: Int? = nil, filling: Int? = nil) -> Bool {
        table.terms[offer].allSatisfy { term in
            !table.isMinimum(term.constraint) || term.constraint == filling
                || excess(term.constraint) < weight(entering, in: term.constraint)
        }
    }

    func weight(_ offer: Int?, in constraint: Int) -> Int64 {
        guard let offer else { return 0 }
        return table.terms[offer].first { $0.constraint == constraint }?.weight ?? 0
    }

    func isAssigned(_ place: Int) -> Bool { marks.bytes[place] != 0 }

    func assign(_ place: Int, _ candidates: Candidates) { change(place, candidates, to: 1) }

    func remove(_ place: Int, _ candidates: Candidates) { change(place, candidates, to: 0) }

    private func change(_ place: Int, _ candidates: Candidates, to mark: UInt8) {
        marks.bytes[place] = mark
        let sign: Int64 = mark == 1 ? 1 : -1
        value += sign * Int64(candidates.values[place])
        for term in table.terms[Int(candidates.offers[place])] { used[term.constraint] += sign * term.weight }
    }
}

/// What one subscriber has, and what must go before another candidate fits.
final class Holding {
    /// What must go before a candidate fits the subscriber's limits.
    enum Price: Equatable {
        case nothing
        /// The candidate at this place.
        case place(Int)
        /// The candidate's class is closed.
        case never
    }

    private let candidates: Candidates
    private let marks: Marks
    private let prices: [Int64]
    private let byClass: UnsafeMutablePointer<Int>
    private var row = 0
    private var count = 0

    init(_ marks: Marks, _ candidates: Candidates, prices: [Int64]) {
        self.candidates = candidates
        self.prices = prices
        self.marks = marks
        byClass = .allocate(capacity: candidates.classCount)
    }

    deinit { byClass.deallocate() }

    /// The reduced value of the candidate at a place.
    @inline(__always)
    func reduced(_ place: Int) -> Int64 {
        Int64(candidates.values[place]) &- prices[Int(candidates.offers[place])]
    }

    /// Looks at a subscriber.
    @inline(__always)
    func read(_ row: Int) {
        self.row = row
        var count = 0
        for number in 0..<candidates.classCount { byClass[number] = 0 }
        for place in candidates.range(row) where marks.bytes[place] != 0 {
            byClass[channelClass(place)] &+= 1
            count &+= 1
        }
        self.count = count
    }

    @inline(__always)
    private func channelClass(_ place: Int) -> Int { Int(candidates.classes[Int(candidates.offers[place])]) }

    @inline(__always)
    private func hasRoom(_ number: Int) -> Bool { byClass[number] < Int(candidates.classLimits[number]) }

    /// Whether the candidate at `other` could come in place of the assigned one at `place`.
    @inline(__always)
    func canReplace(_ place: Int, by other: Int) -> Bool {
        let number = channelClass(other)
        return number == channelClass(place) || hasRoom(number)
    }

    /// Whether the candidate at a place fits beside what the subscriber has.
    @inline(__always)
    func fits(_ place: Int) -> Bool { count < candidates.limit && hasRoom(channelClass(place)) }

    /// What must go before the candidate at a place fits: of its class where that is full, else of all.
    @inline(__always)
    func displaced(by place: Int) -> Price {
        fits(place) ? .nothing : least(hasRoom(channelClass(place)) ? nil : channelClass(place))
    }

    /// The assigned candidate of least reduced value, of one class or of all.
    private func least(_ number: Int?) -> Price {
        var least: Int?
        for place in candidates.range(row)
        where marks.bytes[place] != 0 && (number == nil || channelClass(place) == number) {
            if let found = least, reduced(found) <= reduced(place) { continue }
            least = place
        }
        return least.map { .place($0) } ?? .never
    }
}
