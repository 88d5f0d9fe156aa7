// The number ranges of an operator: which MSISDNs it gives out, and the home city of each.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A file of number ranges that cannot be used.
public struct NumberPlanError: CodedError, Equatable {
    /// Line in the file, from 1; 0 for the file as a whole.
    public var line: Int
    /// What is wrong and what would be right.
    public var problem: String

    public var code: String { "synthetic.number_plan" }
    public var description: String {
        line == 0 ? "number ranges: \(problem)" : "number ranges, line \(line): \(problem)"
    }
}

/// Number ranges of seven digits with the city each belongs to; every range holds 10 000 numbers.
public struct NumberPlan: Sendable {
    /// Codes of the cities (GB/T 2260: the first two digits are the province), ascending.
    public let cityCodes: [Int]
    private let prefixes: [Int64]
    private let cities: [Int32]  // position in `cityCodes` of each prefix

    /// Numbers in all ranges together.
    public var capacity: Int { prefixes.count * 10_000 }

    /// Reads the file `Examples/number-ranges.csv` or one like it: header `prefix7,city_code`, one range a line.
    ///
    /// - Throws: ``NumberPlanError`` with the line for a wrong header, a prefix that is not 1[3-9] and five digits, a
    ///   city code that is not four digits, or a prefix that is given twice; also for a file without ranges.
    public init(csv text: String) throws(NumberPlanError) {
        var ranges: [(prefix: Int64, city: Int)] = []
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            number += 1
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.filter { !$0.isWhitespace && $0 != "\u{FEFF}" }
            }
            if number == 1 {
                guard fields == ["prefix7", "city_code"] else {
                    throw NumberPlanError(line: 1, problem: "expected the header prefix7,city_code")
                }
                continue
            }
            if fields == [""] { continue }
            guard fields.count == 2, let prefix = Int64(fields[0]), (1_300_000...1_999_999).contains(prefix),
                let city = Int(fields[1]), (1_000...9_999).contains(city)
            else {
                throw NumberPlanError(line: number, problem: "expected 1[3-9] and five digits, then a four-digit city")
            }
            ranges.append((prefix, city))
        }
        guard !ranges.isEmpty else { throw NumberPlanError(line: 0, problem: "no range in the file") }
        ranges.sort { $0.prefix < $1.prefix }
        for (a, b) in zip(ranges, ranges.dropFirst()) where a.prefix == b.prefix {
            throw NumberPlanError(line: 0, problem: "the range \(a.prefix) is given twice")
        }
        let codes = Set(ranges.map(\.city)).sorted()
        let positions = Dictionary(uniqueKeysWithValues: codes.enumerated().map { ($0.element, Int32($0.offset)) })
        cityCodes = codes
        prefixes = ranges.map(\.prefix)
        cities = ranges.compactMap { positions[$0.city] }
    }

    /// The MSISDN (with country code 86) of a position below ``capacity``, and its city's position in ``cityCodes``.
    @inline(__always)
    func number(at position: Int) -> (msisdn: Int64, city: Int) {
        let (range, rest) = position.quotientAndRemainder(dividingBy: 10_000)
        return (8_600_000_000_000 + prefixes[range] * 10_000 + Int64(rest), Int(cities[range]))
    }

    /// The city code of a MSISDN; nil when no range holds it.
    public func cityCode(of msisdn: MSISDN) -> Int? {
        let prefix = msisdn.number / 10_000 - 860_000_000
        var low = 0
        var high = prefixes.count
        while low < high {
            let middle = (low + high) / 2
            if prefixes[middle] < prefix { low = middle + 1 } else { high = middle }
        }
        return low < prefixes.count && prefixes[low] == prefix ? cityCodes[Int(cities[low])] : nil
    }
}

/// A seeded one-to-one mapping of 0 ..< `count` onto itself: a Feistel network, walked until it lands inside.
struct Permutation {
    private let count: Int
    private let bits: UInt64
    private let keys: [UInt64]

    init(count: Int, seed: UInt64) {
        precondition(count > 0, "a permutation needs members")
        self.count = count
        var bits: UInt64 = 1
        while 1 << (2 * bits) < count { bits += 1 }
        self.bits = bits
        var random = SeededRandom(seed: seed)
        keys = (0..<4).map { _ in random.next() }
    }

    @inline(__always)
    func callAsFunction(_ position: Int) -> Int {
        let mask: UInt64 = (1 &<< bits) &- 1
        var value = UInt64(position)
        repeat {
            var left = value &>> bits
            var right = value & mask
            for round in 0..<4 {
                (left, right) = (right, left ^ (SeededRandom.mix(right ^ keys[round]) & mask))
            }
            value = left &<< bits | right
        } while value >= UInt64(count)
        return Int(value)
    }
}
