// Answers by request number: a hash table of places, so that growing it moves no answers.
// SPDX-License-Identifier: Apache-2.0

/// The answers that are kept.
///
/// Request numbers are hashes already, so their bits are used as they are (open addressing, linear probing, at most half
/// full). Answers lie in an array; places that were given up are used again.
struct InteractionTable: Sendable {
    private var answers: [Interaction?] = []
    private var free: [Int32] = []
    /// Place + 1, or 0 for an empty slot; the size is a power of two.
    private var slots = [Int32](repeating: 0, count: 1_024)

    /// Number of answers.
    var count: Int { answers.count - free.count }

    /// All answers, in no particular order.
    var values: [Interaction] { answers.compactMap { $0 } }

    subscript(request: UInt64) -> Interaction? {
        get {
            let slot = find(request)
            return slots[slot] == 0 ? nil : answers[Int(slots[slot]) - 1]
        }
        set {
            let slot = find(request)
            switch (newValue, slots[slot]) {
            case (nil, 0): return
            case (nil, let place): remove(slot, Int(place) - 1)
            case (let new?, 0): insert(new, slot)
            case (let new?, let place): answers[Int(place) - 1] = new
            }
        }
    }

    /// Whether a request has an answer.
    func contains(_ request: UInt64) -> Bool { slots[find(request)] != 0 }

    /// The slot where the search for a request begins.
    func slot(of request: UInt64) -> UInt64 { UInt64(bitPattern: Int64(slots[home(request)])) }

    private func home(_ request: UInt64) -> Int {
        // Numbers of tests and benches count up: spread them (Knuth 6.4).
        Int(truncatingIfNeeded: (request &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - slots.count.trailingZeroBitCount))
    }

    /// The slot that holds a request, or the empty one where it belongs.
    private func find(_ request: UInt64) -> Int {
        var slot = home(request)
        while slots[slot] != 0, answers[Int(slots[slot]) - 1]?.answer.request.request != request {
            slot = (slot + 1) & (slots.count - 1)
        }
        return slot
    }

    private mutating func insert(_ new: Interaction, _ slot: Int) {
        let place: Int
        if let reused = free.popLast() {
            place = Int(reused)
            answers[place] = new
        } else {
            place = answers.count
            answers.append(new)
        }
        slots[slot] = Int32(place + 1)
        if count * 2 > slots.count { grow() }
    }

    private mutating func grow() {
        slots = [Int32](repeating: 0, count: slots.count * 2)
        for (place, kept) in answers.enumerated() {
            guard let kept else { continue }
            slots[find(kept.answer.request.request)] = Int32(place + 1)
        }
    }

    /// Empties a slot and moves those behind it up, so that they are still found.
    private mutating func remove(_ slot: Int, _ place: Int) {
        answers[place] = nil
        free.append(Int32(place))
        slots[slot] = 0
        var next = (slot + 1) & (slots.count - 1)
        while slots[next] != 0 {
            let moved = slots[next]
            slots[next] = 0
            if let request = answers[Int(moved) - 1]?.answer.request.request { slots[find(request)] = moved }
            next = (next + 1) & (slots.count - 1)
        }
    }
}
