// The loops of every processor generation give the same bits as a plain loop.
// SPDX-License-Identifier: Apache-2.0

import CColumns
import Kernel
import Testing

@Suite struct ColumnKernelTests {
    private static let words = 5
    private static let rows = words * 64

    /// The generations that this processor can run.
    private static let levels = (0..<Int32(COLUMN_LEVELS)).filter { column_kernels_of($0) != nil }

    private func kernels(_ level: Int32) throws -> column_kernels { try #require(column_kernels_of(level)).pointee }

    private func bits(_ fits: (Int) -> Bool) -> [UInt64] {
        (0..<Self.words).map { word in
            (0..<64).reduce(0) { $0 | (fits(word * 64 + $1) ? 1 << UInt64($1) : 0) }
        }
    }

    /// Values that crowd around the ends of the ranges.
    private func values<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type, _ random: inout SeededRandom) -> [T] {
        let corners: [T] = [0, 1, 2, 100, .max / 2, .max / 2 + 1, .max - 1, .max]
        return (0..<Self.rows).map { _ in
            Bool.random(using: &random)
                ? corners[Int.random(in: 0..<8, using: &random)] : T(truncatingIfNeeded: random.next())
        }
    }

    private typealias Ranges<T> = (
        UnsafePointer<T>, Int, UnsafePointer<UInt64>, UnsafePointer<UInt64>, Int, UnsafeMutablePointer<UInt64>
    ) -> Void

    private func check<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type,
        _ ranges: Ranges<T>,
        _ largest: (UnsafePointer<T>, Int) -> UInt64
    ) {
        var random = SeededRandom(seed: 3)
        for count in 1...6 {
            for _ in 0..<20 {
                let values = values(T.self, &random)
                let bounds = (0..<count).map { _ in
                    let pair = (
                        values[Int.random(in: 0..<Self.rows, using: &random)],
                        values[Int.random(in: 0..<Self.rows, using: &random)]
                    )
                    return min(pair.0, pair.1)...max(pair.0, pair.1)
                }
                var out = [UInt64](repeating: 0, count: Self.words)
                ranges(
                    values,
                    Self.words,
                    bounds.map { UInt64($0.lowerBound) },
                    bounds.map { UInt64($0.upperBound - $0.lowerBound) },
                    count,
                    &out
                )
                #expect(out == bits { row in bounds.contains { $0.contains(values[row]) } })
                #expect(largest(values, Self.rows) == values.max().map { UInt64($0) })
                #expect(largest(values, 0) == 0)
            }
        }
    }

    @Test(arguments: levels)
    func `ranges`(level: Int32) throws {
        let kernels = try kernels(level)
        check(UInt8.self, kernels.ranges8, kernels.largest8)
        check(UInt16.self, kernels.ranges16, kernels.largest16)
        check(UInt32.self, kernels.ranges32, kernels.largest32)
        check(UInt64.self, kernels.ranges64, kernels.largest64)
    }

    @Test(arguments: levels)
    func `lookups`(level: Int32) throws {
        let kernels = try kernels(level)
        var random = SeededRandom(seed: 4)
        for codes in [1, 64, 200, 256] {
            let members = (0..<4).map { _ in random.next() }
            let values = (0..<Self.rows).map { _ in Int.random(in: 0..<codes, using: &random) }
            let expected = bits { members[values[$0] >> 6] >> UInt64(values[$0] & 63) & 1 == 1 }
            var out = [UInt64](repeating: 0, count: Self.words)
            kernels.lookup8(values.map { UInt8($0) }, Self.words, members, &out)
            #expect(out == expected)
            kernels.lookup16(values.map { UInt16($0) }, Self.words, members, &out)
            #expect(out == expected)
            kernels.lookup32(values.map { UInt32($0) }, Self.words, members, &out)
            #expect(out == expected)
        }
    }

    @Test(arguments: levels)
    func `64-bit comparisons, searches and widening`(level: Int32) throws {
        let kernels = try kernels(level)
        var random = SeededRandom(seed: 5)
        let corners: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        let drawn = { (random: inout SeededRandom) in corners[Int.random(in: 0..<7, using: &random)] }
        let (a, b) = ((0..<Self.rows).map { _ in drawn(&random) }, (0..<Self.rows).map { _ in drawn(&random) })
        var out = [UInt64](repeating: 0, count: Self.words)
        kernels.compare64(a, b, Self.words, COLUMN_LESS, &out)
        #expect(out == bits { a[$0] < b[$0] })
        kernels.compare64(a, b, Self.words, COLUMN_LESS_OR_EQUAL, &out)
        #expect(out == bits { a[$0] <= b[$0] })
        kernels.compare64(a, b, Self.words, COLUMN_EQUAL, &out)
        #expect(out == bits { a[$0] == b[$0] })
        for count in 1...7 {
            let low = Array(corners.prefix(count))
            kernels.search64(a, Self.words, low, low, count, &out)
            #expect(out == bits { low.contains(a[$0]) })
        }
        kernels.search64(a, Self.words, [-1, 5], [1, .max - 1], 2, &out)
        #expect(out == bits { (-1...1).contains(a[$0]) || (5...(.max - 1)).contains(a[$0]) })
        let narrow = (0..<Self.rows).map { UInt16(truncatingIfNeeded: $0 * 7_919) }
        var wide = [Int64](repeating: 0, count: Self.rows)
        kernels.widen16(narrow, Self.rows, -5, &wide)
        #expect(wide == narrow.map { Int64($0) - 5 })
    }

    @Test(arguments: levels)
    func `masks are merged, NULLs left out`(level: Int32) throws {
        let kernels = try kernels(level)
        var random = SeededRandom(seed: 6)
        let draw = { (random: inout SeededRandom) in (0..<Self.words).map { _ in random.next() } }
        let (mask, nulls, before) = (draw(&random), draw(&random), draw(&random))
        for flip in [0, UInt64.max] {
            for nulls in [nil, nulls] {
                let word = (0..<Self.words).map { (mask[$0] ^ flip) & ~(nulls?[$0] ?? 0) }
                for (mode, expected) in [
                    (COLUMN_SET, word), (COLUMN_AND, (0..<Self.words).map { before[$0] & word[$0] }),
                    (COLUMN_OR, (0..<Self.words).map { before[$0] | word[$0] }),
                ] {
                    var out = before
                    if let nulls {
                        kernels.combine(mask, flip, nulls, Self.words, mode, &out)
                    } else {
                        kernels.combine(mask, flip, nil, Self.words, mode, &out)
                    }
                    #expect(out == expected)
                }
            }
        }
        #expect(kernels.count(mask, Self.words) == mask.reduce(0) { $0 + UInt64($1.nonzeroBitCount) })
    }
}
