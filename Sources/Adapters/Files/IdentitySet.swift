// Ids seen so far in a file, for finding duplicates: 16 bytes for each id at most, nothing else.
// SPDX-License-Identifier: Apache-2.0

internal import Kernel

/// A set of positive numbers, open addressing with linear probing.
struct IdentitySet {
    private var slots: [Int64]
    private(set) var count = 0

    init() { slots = [Int64](repeating: 0, count: 1 << 12) }

    /// Where `number`, which is not zero, may be added before the next change; nil when the set holds it.
    func place(for number: Int64) -> Int? {
        let slot = slot(number)
        return slots[slot] == 0 ? slot : nil
    }

    /// Adds a number at its place.
    mutating func insert(_ number: Int64, at place: Int) {
        slots[place] = number
        count += 1
        if count * 4 > slots.count * 3 { grow() }
    }

    private func slot(_ number: Int64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: SeededRandom.mix(UInt64(bitPattern: number))) & mask
        while slots[slot] != 0, slots[slot] != number { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        let old = slots
        slots = [Int64](repeating: 0, count: old.count * 2)
        for number in old where number != 0 { slots[slot(number)] = number }
    }
}

/// Turns text ids into numbers and notices when two texts meet in one number.
struct TextIDs {
    /// The greatest number: 18 digits, as all line ids.
    private static let limit: UInt64 = 999_999_999_999_999_999

    private var numbers: [Int64]
    private var checks: [UInt64]
    private var count = 0

    init() {
        numbers = [Int64](repeating: 0, count: 1 << 10)
        checks = [UInt64](repeating: 0, count: 1 << 10)
    }

    /// The number of a text: it depends on nothing but the text (docs/formats.md, "Text ids").
    static func number(_ text: UnsafeBufferPointer<UInt8>) -> Int64 {
        Int64(SeededRandom.mix(FNV1a.hash(text)) % limit) + 1
    }

    /// The number of a text, or nil when another text of this file has it already.
    mutating func number(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        let number = Self.number(text)
        // A second, independent hash tells the same text from another one.
        let check = FNV1a.hash(text, offsetBasis: 0x6C62_272E_07BB_0142)
        let slot = slot(number)
        if numbers[slot] == number { return checks[slot] == check ? number : nil }
        (numbers[slot], checks[slot]) = (number, check)
        count += 1
        if count * 4 > numbers.count * 3 { grow() }
        return number
    }

    private func slot(_ number: Int64) -> Int {
        let mask = numbers.count - 1
        var slot = Int(truncatingIfNeeded: number) & mask
        while numbers[slot] != 0, numbers[slot] != number { slot = (slot + 1) & mask }
        return slot
    }

    private mutating func grow() {
        let (oldNumbers, oldChecks) = (numbers, checks)
        numbers = [Int64](repeating: 0, count: oldNumbers.count * 2)
        checks = [UInt64](repeating: 0, count: oldNumbers.count * 2)
        for (number, check) in zip(oldNumbers, oldChecks) where number != 0 {
            let slot = slot(number)
            (numbers[slot], checks[slot]) = (number, check)
        }
    }
}
