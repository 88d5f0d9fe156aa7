// Which subscriber has which number now.
// SPDX-License-Identifier: Apache-2.0

/// Numbers of all subscribers at one moment: by index, and back.
///
/// 14 to 20 bytes a subscriber: the number by index (8), and a hash table of indices (4, at most two thirds full).
public struct NumberIndex: Sendable {
    private let byIndex: [Int64]
    /// Open addressing: an index + 1, or 0 for an empty slot; the size is a power of two.
    private let slots: [UInt32]

    /// Takes the number of each subscriber by index; 0 = no number now.
    ///
    /// Of two with one number the first has it.
    public init(numbers: [Int64]) {
        byIndex = numbers
        var size = 16
        while size * 2 < numbers.count * 3 { size *= 2 }
        var slots = [UInt32](repeating: 0, count: size)
        slots.withUnsafeMutableBufferPointer { slots in
            for (index, number) in numbers.enumerated() where number != 0 {
                var slot = Self.slot(of: number, in: slots.count)
                while slots[slot] != 0, numbers[Int(slots[slot]) - 1] != number {
                    slot = (slot + 1) & (slots.count - 1)
                }
                if slots[slot] == 0 { slots[slot] = UInt32(index) + 1 }
            }
        }
        self.slots = slots
    }

    /// Neighbouring numbers are spread by a multiplication (Knuth 6.4).
    private static func slot(of number: Int64, in size: Int) -> Int {
        let product = UInt64(bitPattern: number) &* 0x9E37_79B9_7F4A_7C15
        return Int(product >> UInt64(64 - size.trailingZeroBitCount))
    }

    /// Subscribers with an index, with a number or without.
    public var count: Int { byIndex.count }

    /// The same without the numbers of some subscribers.
    public func without(_ indices: some Sequence<UInt32>) -> NumberIndex {
        var numbers = byIndex
        for index in indices where Int(index) < numbers.count { numbers[Int(index)] = 0 }
        return NumberIndex(numbers: numbers)
    }

    /// The number of a subscriber; nil when it has none.
    public func number(of index: SubscriberIndex) -> MSISDN? {
        guard Int(index.number) < byIndex.count, byIndex[Int(index.number)] != 0 else { return nil }
        return MSISDN(byIndex[Int(index.number)])
    }

    /// The subscriber who has a number now.
    public func owner(of number: MSISDN) -> SubscriberIndex? {
        guard number.number != 0 else { return nil }
        var slot = Self.slot(of: number.number, in: slots.count)
        while slots[slot] != 0 {
            let index = slots[slot] - 1
            if byIndex[Int(index)] == number.number { return SubscriberIndex(index) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Whether the subscriber has a number and is the one who has it (checked before data leaves).
    public func isReachable(_ index: SubscriberIndex) -> Bool {
        number(of: index).map { owner(of: $0) == index } ?? false
    }
}
