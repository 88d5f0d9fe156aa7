// Which subscriber has which number now.
// SPDX-License-Identifier: Apache-2.0

/// Numbers of all subscribers at one moment: by index, and back.
///
/// 20 bytes a subscriber: the number by index (8), and numbers sorted with their index (8 + 4).
public struct NumberIndex: Sendable {
    private let byIndex: [Int64]
    private let sorted: [Int64]
    private let owners: [UInt32]

    /// Takes the number of each subscriber by index; 0 = no number now.
    public init(numbers: [Int64]) {
        byIndex = numbers
        var owners = (0..<UInt32(numbers.count)).filter { numbers[Int($0)] != 0 }
        owners.sort { (numbers[Int($0)], $0) < (numbers[Int($1)], $1) }
        self.owners = owners
        sorted = owners.map { numbers[Int($0)] }
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
