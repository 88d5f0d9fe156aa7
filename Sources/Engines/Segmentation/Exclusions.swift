// The exclusion funnel: what each step takes away, in the order the steps are applied (SEG-14 to SEG-16).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Synchronization

/// What one step of an exclusion did.
public struct ExclusionStep: Hashable, Sendable, Codable {
    /// Members it took away.
    public var removed: Int
    /// Members left after it.
    public var left: Int

    /// Joins both.
    public init(removed: Int, left: Int) {
        self.removed = removed
        self.left = left
    }
}

extension Bitset {
    /// Takes sets away one after the other.
    ///
    /// - Returns: What each step took away; who is in several sets counts at the first.
    public mutating func exclude(_ sets: [Bitset], threads: Int) -> [ExclusionStep] {
        let removed = sets.map { _ in SharedCount() }
        var left = count
        withMutableWords { words in
            let target = Unchecked(words)
            Chunks.forEach(words.count, threads: threads) { range in
                for (set, removed) in zip(sets, removed) {
                    removed.add(Self.subtract(set.words, from: target.value, range))
                }
            }
        }
        return removed.map { count in
            left -= count.value
            return ExclusionStep(removed: count.value, left: left)
        }
    }

    /// Clears the bits of a range that `others` has; gives how many there were.
    private static func subtract(
        _ others: [UInt64],
        from words: UnsafeMutableBufferPointer<UInt64>,
        _ range: Range<Int>
    ) -> Int {
        var removed = 0
        others.withUnsafeBufferPointer { others in
            for i in range.clamped(to: 0..<others.count) {
                removed &+= (words[i] & others[i]).nonzeroBitCount
                words[i] &= ~others[i]
            }
        }
        return removed
    }

    /// Parts by sets in their order: who is in several belongs to the first; the last part is who is in none.
    public func parts(by sets: [Bitset]) -> [Bitset] {
        var rest = self
        var parts: [Bitset] = []
        for var set in sets {
            if set.universe < universe { set.grow(universe: universe) }
            var part = rest
            part.formIntersection(set)
            rest.subtract(part)
            parts.append(part)
        }
        return parts + [rest]
    }

    /// Parts by a number that each member has; who has none is in no part.
    ///
    /// `part`: From 0 to below `count`.
    public func parts(_ count: Int, by part: (UInt32) -> Int?) -> [Bitset] {
        var parts = [Bitset](repeating: Bitset(universe: universe), count: count)
        forEach { index in
            if let part = part(index) { parts[part].insert(index) }
        }
        return parts
    }

    /// One line of each customer: the one with the highest rank, and of equal ones that with the lowest index (一客多号去重).
    ///
    /// - Parameters:
    ///   - customers: The customer of each subscriber, numbered from 0 without large gaps; ``noCustomer`` for those whose
    ///     customer is not known, who all stay.
    ///   - rank: For example the ARPU, or 1 for the main line and 0 for others.
    /// - Returns: The members who stay.
    public func onePerCustomer(_ customers: [UInt32], rank: (UInt32) -> Int64) -> Bitset {
        var best = [UInt32](
            repeating: Self.noCustomer,
            count: Int(customers.lazy.filter { $0 != Self.noCustomer }.max() ?? 0) + 1
        )
        var kept = self
        forEach { index in
            guard Int(index) < customers.count, case let customer = customers[Int(index)], customer != Self.noCustomer
            else {
                return
            }
            let other = best[Int(customer)]
            guard other != Self.noCustomer else {
                best[Int(customer)] = index
                return
            }
            if rank(index) > rank(other) {
                best[Int(customer)] = index
                kept.remove(other)
            } else {
                kept.remove(index)
            }
        }
        return kept
    }

    /// Stands for a customer who is not known.
    public static var noCustomer: UInt32 { .max }
}

/// A count that several workers add to.
private final class SharedCount: Sendable {
    private let sum = Atomic(0)

    var value: Int { sum.load(ordering: .relaxed) }

    func add(_ count: Int) { sum.add(count, ordering: .relaxed) }
}
