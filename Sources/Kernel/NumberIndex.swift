// Which subscriber has which number now.
// SPDX-License-Identifier: Apache-2.0

/// Numbers of all subscribers at one moment: by index, and back.
///
/// 20 bytes a subscriber: the number by index (8), and numbers sorted with their index (8 + 4).
public struct NumberIndex: Sendable {
    private let byIndex: [Int64]
    private let sorted: [Int64]
    private let owners: [UInt32]

    /// Takes the number of each subscriber by index, positive; 0 = no number now.
    public init(numbers: [Int64]) {
        byIndex = numbers
        owners = Self.ordered(numbers)
        sorted = owners.map { numbers[Int($0)] }
    }

    /// The indices with a number, by number and then by index.
    ///
    /// A radix sort, least significant 16 bits first, which keeps equal digits in the order of the index: numbers of 11
    /// to 13 digits take three passes.
    private static func ordered(_ numbers: [Int64]) -> [UInt32] {
        var order = (0..<UInt32(numbers.count)).filter { numbers[Int($0)] != 0 }
        var next = [UInt32](repeating: 0, count: order.count)
        let largest = UInt64(max(0, numbers.max() ?? 0))
        for shift in stride(from: UInt64(0), to: 64, by: 16) where largest >> shift > 0 {
            var places = [Int](repeating: 0, count: 65_537)
            for index in order { places[Int(UInt64(numbers[Int(index)]) >> shift & 0xFFFF) + 1] += 1 }
            for digit in 1..<65_537 { places[digit] += places[digit - 1] }
            for index in order {
                let digit = Int(UInt64(numbers[Int(index)]) >> shift & 0xFFFF)
                next[places[digit]] = index
                places[digit] += 1
            }
            swap(&order, &next)
        }
        return order
    }

    /// Subscribers with an index, with a number or without.
    public var count: Int { byIndex.count }

    /// The number of a subscriber; nil when it has none.
    public func number(of index: SubscriberIndex) -> MSISDN? {
        guard Int(index.number) < byIndex.count, byIndex[Int(index.number)] != 0 else { return nil }
        return MSISDN(byIndex[Int(index.number)])
    }

    /// The subscriber who has a number now.
    public func owner(of number: MSISDN) -> SubscriberIndex? {
        var low = 0
        var high = sorted.count
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < number.number { low = middle + 1 } else { high = middle }
        }
        guard low < sorted.count, sorted[low] == number.number else { return nil }
        return SubscriberIndex(owners[low])
    }

    /// Whether the subscriber has a number and is the one who has it (checked before data leaves).
    public func isReachable(_ index: SubscriberIndex) -> Bool {
        number(of: index).map { owner(of: $0) == index } ?? false
    }
}
