// How the values of one attribute are spread over a base of subscribers and over some of them, and how far the two differ.
// SPDX-License-Identifier: Apache-2.0

import CColumns
public import Kernel
import Model

/// The values of one attribute, counted for a base and for members of it.
///
/// Everything is a whole number. A column is counted in cells of ``step`` unscaled values: one value each while the values
/// span fewer than 65,536, else the smallest power of two that leaves no more cells than that.
public struct ColumnDistribution: Hashable, Sendable {
    /// How many subscribers.
    public struct Counts: Hashable, Sendable {
        /// Of the base.
        public var base: Int
        /// Of the members.
        public var members: Int

        /// Joins both.
        public init(base: Int, members: Int) { (self.base, self.members) = (base, members) }

        static func += (sum: inout Counts, other: Counts) {
            sum.base += other.base
            sum.members += other.members
        }
    }

    /// Subscribers with one text or flag, or with a number or day of a range.
    public struct Part: Hashable, Sendable {
        /// Unscaled numbers, day numbers, 0 or 1 for flags, or the code of a text.
        public var values: ClosedRange<Int64>
        /// The text; nil for numbers, days and flags.
        public var text: String?
        /// How many have them.
        public var count: Counts

        /// Joins all.
        public init(values: ClosedRange<Int64>, text: String? = nil, count: Counts) {
            (self.values, self.text, self.count) = (values, text, count)
        }
    }

    /// Unscaled values below or at which so many percent lie (nearest rank), rounded down to the start of a cell.
    public struct Quantiles: Hashable, Sendable {
        /// 5, 25, 50, 75 and 95 percent.
        public static let percents = [5, 25, 50, 75, 95]
        /// One for each of ``percents``.
        public var values: [Int64]

        /// Half lie below.
        public var median: Int64 { values[2] }

        /// Takes one value for each of ``percents``.
        public init(_ values: [Int64]) { self.values = values }
    }

    /// Size of the base and of the members in it.
    public var total: Counts
    /// Those without a value.
    public var nulls: Counts
    /// All flags and the domain of an enumeration in order, the most frequent texts, or up to 64 ranges of numbers or days.
    public var parts: [Part]
    /// Those with texts that are no part of their own.
    public var others: Counts
    /// Of numbers and days of the base; nil without any.
    public var baseQuantiles: Quantiles?
    /// Of numbers and days of the members; nil without any.
    public var memberQuantiles: Quantiles?
    /// Unscaled values that were counted together.
    public var step: UInt64
    /// How far the members are from the base, in millionths, rounded down.
    ///
    /// For flags and texts the total variation distance, NULL being a value too; for numbers and days the
    /// Kolmogorov-Smirnov distance, NULL being the least value. 0 = alike, 1,000,000 = nothing in common.
    public var distancePPM: Int

    /// Joins all; see the properties.
    public init(
        total: Counts,
        nulls: Counts,
        parts: [Part],
        others: Counts = Counts(base: 0, members: 0),
        baseQuantiles: Quantiles? = nil,
        memberQuantiles: Quantiles? = nil,
        step: UInt64,
        distancePPM: Int
    ) {
        (self.total, self.nulls, self.parts, self.others) = (total, nulls, parts, others)
        (self.baseQuantiles, self.memberQuantiles) = (baseQuantiles, memberQuantiles)
        (self.step, self.distancePPM) = (step, distancePPM)
    }
}

extension HotColumn {
    /// Parts that a distribution has at most.
    public static let mostParts = 64
    /// Cells of numbers at most.
    private static let mostCells: UInt64 = 65_536

    /// Counts the values of a base and of members of it in one pass.
    ///
    /// - Parameters:
    ///   - members: Who is counted apart; those outside the base are left out.
    ///   - base: Who is counted.
    ///   - threads: Workers; the answer does not depend on it.
    /// - Returns: The distribution.
    public func distribution(of members: Bitset, in base: Bitset, threads: Int) -> ColumnDistribution {
        precondition(base.universe == rows && members.universe == rows, "sets over another universe than \(rows) rows")
        var both = members
        both.formIntersection(base)
        let total = ColumnDistribution.Counts(base: base.count, members: both.count)
        let shift = isOrdered ? max(0, 48 - largest.leadingZeroBitCount) : 0
        let cells = width == .bit ? flags(base, both) : tally(base, both, shift: shift, threads: threads)
        let valued = cells.reduce(into: ColumnDistribution.Counts(base: 0, members: 0)) { $0 += $1 }
        let nulls = ColumnDistribution.Counts(base: total.base - valued.base, members: total.members - valued.members)

        var found = ColumnDistribution(
            total: total,
            nulls: nulls,
            parts: [],
            step: 1 << UInt64(shift),
            distancePPM: isOrdered
                ? Distance.ofOrdered([nulls] + cells, total) : Distance.ofUnordered([nulls] + cells, total)
        )
        if isOrdered {
            let counted = CellRange(
                cells: cells,
                first: self.base,
                last: self.base &+ Int64(bitPattern: largest),
                shift: shift
            )
            found.parts = counted.parts(valued.base)
            found.baseQuantiles = counted.quantiles(valued.base, \.base)
            found.memberQuantiles = counted.quantiles(valued.members, \.members)
        } else {
            (found.parts, found.others) = parts(of: cells)
        }
        return found
    }

    // MARK: Counting

    private func flags(_ base: Bitset, _ members: Bitset) -> [ColumnDistribution.Counts] {
        let (bits, nulls) = (values.pointer(to: UInt64.self), nulls?.pointer(to: UInt64.self))
        var cells = [ColumnDistribution.Counts](repeating: .init(base: 0, members: 0), count: 2)
        for word in 0..<words(rows) {
            let present = nulls.map { ~$0[word] } ?? .max
            let (base, members) = (base.words[word] & present, members.words[word] & present)
            cells[1] += .init(
                base: (base & bits[word]).nonzeroBitCount,
                members: (members & bits[word]).nonzeroBitCount
            )
            cells[0] += .init(
                base: (base & ~bits[word]).nonzeroBitCount,
                members: (members & ~bits[word]).nonzeroBitCount
            )
        }
        return cells
    }

    /// Each worker counts into tables of its own; base in the low half of a counter, members in the high one.
    private func tally(_ base: Bitset, _ members: Bitset, shift: Int, threads: Int) -> [ColumnDistribution.Counts] {
        let count = isOrdered ? Int(largest >> UInt64(shift)) + 1 : max(1, dictionary.count)
        // Few cells are hit again before the last count is written; four tables keep them apart.
        let tables = count <= 4_096 ? 4 : 1
        let all = words(rows)
        let workers = max(1, min(threads, all / 1_024))
        let ranges = (0..<workers).map { all * $0 / workers..<all * ($0 + 1) / workers }
        let counted = ranges.concurrentMap(threads: workers) { range in
            var counts = [UInt64](repeating: 0, count: count * tables)
            base.words.withUnsafeBufferPointer { base in
                members.words.withUnsafeBufferPointer { members in
                    guard let base = base.baseAddress, let members = members.baseAddress else { return }
                    let nulls = nulls.map { UnsafePointer($0.pointer(to: UInt64.self)) + range.lowerBound }
                    let (sets, stride) = (
                        (base + range.lowerBound, members + range.lowerBound), tables == 1 ? 0 : count
                    )
                    let (kernels, words, shift) = (ColumnKernels.best, range.count, Int32(shift))
                    func start<T: BitwiseCopyable>(_ type: T.Type) -> UnsafePointer<T> {
                        UnsafePointer(values.pointer(to: T.self)) + range.lowerBound * 64
                    }
                    switch width {
                    case .bit: break
                    case .one: kernels.tally8(start(UInt8.self), words, shift, sets.0, sets.1, nulls, stride, &counts)
                    case .two: kernels.tally16(start(UInt16.self), words, shift, sets.0, sets.1, nulls, stride, &counts)
                    case .four:
                        kernels.tally32(start(UInt32.self), words, shift, sets.0, sets.1, nulls, stride, &counts)
                    case .eight:
                        kernels.tally64(start(UInt64.self), words, shift, sets.0, sets.1, nulls, stride, &counts)
                    }
                }
            }
            return counts
        }
        var cells = [ColumnDistribution.Counts](repeating: .init(base: 0, members: 0), count: count)
        for counts in counted {
            for (place, pair) in counts.enumerated() where pair != 0 {
                cells[place % count] += .init(base: Int(pair & 0xFFFF_FFFF), members: Int(pair >> 32))
            }
        }
        return cells
    }

    // MARK: Parts

    /// Flags and domains whole; of texts the most frequent, by their bytes where they are equally frequent.
    private func parts(
        of cells: [ColumnDistribution.Counts]
    ) -> ([ColumnDistribution.Part], others: ColumnDistribution.Counts) {
        guard !dictionary.isEmpty || type == .flag else { return ([], .init(base: 0, members: 0)) }
        var order = Array(cells.indices)
        if type == .text { order.sort { (cells[$1].base, $0) < (cells[$0].base, $1) } }
        let shown = type == .text ? order.prefix(Self.mostParts) : order[...]
        let parts = shown.map { code in
            let text = type == .flag ? nil : dictionary[code]
            return ColumnDistribution.Part(values: Int64(code)...Int64(code), text: text, count: cells[code])
        }
        let others = order.dropFirst(shown.count).reduce(into: ColumnDistribution.Counts(base: 0, members: 0)) {
            $0 += cells[$1]
        }
        return (parts, others)
    }
}

/// Cells of numbers or days, in order.
private struct CellRange {
    let cells: [ColumnDistribution.Counts]
    let first: Int64
    let last: Int64
    let shift: Int

    private func start(_ cell: Int) -> Int64 { first &+ Int64(bitPattern: UInt64(cell) << UInt64(shift)) }

    private func end(_ cell: Int) -> Int64 { cell == cells.count - 1 ? last : start(cell + 1) &- 1 }

    /// The cell in which a rank from 1 lies.
    private func cell(_ rank: Int, _ count: KeyPath<ColumnDistribution.Counts, Int>) -> Int {
        var left = rank
        for (place, cell) in cells.enumerated() {
            left -= cell[keyPath: count]
            if left <= 0 { return place }
        }
        return cells.count - 1
    }

    func quantiles(_ total: Int, _ count: KeyPath<ColumnDistribution.Counts, Int>) -> ColumnDistribution.Quantiles? {
        guard total > 0 else { return nil }
        return .init(ColumnDistribution.Quantiles.percents.map { start(cell(max(1, (total * $0 + 99) / 100), count)) })
    }

    /// Ranges of equal width over the middle 99 percent of the base; the first and the last reach to the ends.
    ///
    /// Few large values would press all others into one range otherwise.
    func parts(_ total: Int) -> [ColumnDistribution.Part] {
        guard total > 0 else { return [] }
        let low = cell(max(1, (total * 5 + 999) / 1000), \.base)
        let high = cell(max(1, (total * 995 + 999) / 1000), \.base)
        let width = (high - low + HotColumn.mostParts) / HotColumn.mostParts
        let number = (high - low + width) / width
        let (least, most) = (cell(1, \.base), cell(total, \.base))
        return (0..<number).map { bin in
            let from = bin == 0 ? least : low + bin * width
            let to = bin == number - 1 ? most : low + (bin + 1) * width - 1
            let count = cells[from...to].reduce(into: ColumnDistribution.Counts(base: 0, members: 0)) { $0 += $1 }
            return .init(values: start(from)...end(to), count: count)
        }
    }
}

/// Distances of two ways to be spread, in millionths.
private enum Distance {
    /// Half the sum of what the shares differ by.
    static func ofUnordered(_ cells: [ColumnDistribution.Counts], _ total: ColumnDistribution.Counts) -> Int {
        let (base, members) = (Int128(total.base), Int128(total.members))
        let sum = cells.reduce(Int128(0)) { $0 + abs(Int128($1.members) * base - Int128($1.base) * members) }
        return ppm(sum, 2 * base * members)
    }

    /// The most that the shares up to any value differ by.
    static func ofOrdered(_ cells: [ColumnDistribution.Counts], _ total: ColumnDistribution.Counts) -> Int {
        let (base, members) = (Int128(total.base), Int128(total.members))
        var (sum, most): (Int128, Int128) = (0, 0)
        for cell in cells {
            sum += Int128(cell.members) * base - Int128(cell.base) * members
            most = max(most, abs(sum))
        }
        return ppm(most, base * members)
    }

    private static func ppm(_ part: Int128, _ whole: Int128) -> Int { whole == 0 ? 0 : Int(part * 1_000_000 / whole) }
}
