// A compiled condition, and the ways to run it over the hot columns.
// SPDX-License-Identifier: Apache-2.0

import CColumns
import Dispatch
public import Kernel
import Synchronization

/// A condition compiled for the columns of one profile on one day.
///
/// It keeps the columns and sets it was compiled for, so its answers do not change. Any number of threads may use it.
public struct ColumnPredicate: Sendable {
    private let program: PredicateProgram
    /// Number of subscribers.
    public let universe: Int

    init(_ program: PredicateProgram, universe: Int) {
        self.program = program
        self.universe = universe
    }

    /// Blocks that the universe takes.
    public var blocks: Range<Int> { 0..<Block.count(subscribers: universe) }

    /// The members of some blocks, or of all.
    ///
    /// - Parameters:
    ///   - blocks: Blocks of 65,536 indices; the other blocks stay empty. nil = all.
    ///   - threads: Threads that share the work; the answer is the same for any number.
    /// - Returns: A set over the whole universe.
    public func evaluate(blocks: Range<Int>? = nil, threads: Int = 1) -> Bitset {
        var result = Bitset(universe: universe)
        result.withMutableWords { words in
            guard let start = words.baseAddress else { return }
            let out = UncheckedPointer(start)
            forEachChunk(blocks ?? self.blocks, threads) { _, first, count, scratch in
                program.run(first: first, words: count, scratch: scratch, out: out.pointer + first)
                clearTail(out.pointer + first, first: first, count: count)
            }
        }
        return result
    }

    /// The number of members of some blocks, or of all; see ``evaluate(blocks:threads:)``.
    public func count(blocks: Range<Int>? = nil, threads: Int = 1) -> Int {
        let total = Atomic<Int>(0)
        forEachChunk(blocks ?? self.blocks, threads) { masks, first, count, scratch in
            program.run(first: first, words: count, scratch: scratch, out: masks)
            clearTail(masks, first: first, count: count)
            total.wrappingAdd(Int(ColumnKernels.best.count(masks, count)), ordering: .relaxed)
        }
        return total.load(ordering: .relaxed)
    }

    /// Writes the members of one block into memory of the caller.
    ///
    /// That takes ``Block/words`` words; bit i of word w = index 65,536 `block` + 64 w + i. Indices beyond the
    /// universe are no members.
    public func evaluate(block: Int, into words: UnsafeMutableBufferPointer<UInt64>) {
        precondition(words.count >= Block.words, "a block takes \(Block.words) words")
        guard let start = words.baseAddress else { return }
        start.update(repeating: 0, count: Block.words)
        let out = UncheckedPointer(start - block * Block.words)
        forEachChunk(block..<block + 1, 1) { _, first, count, scratch in
            program.run(first: first, words: count, scratch: scratch, out: out.pointer + first)
            clearTail(out.pointer + first, first: first, count: count)
        }
    }

    /// Whether one subscriber is a member.
    public func contains(_ index: SubscriberIndex) -> Bool {
        guard Int(index.number) < universe else { return false }
        let scratch = PredicateProgram.Scratch(program)
        return withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 1) { word in
            guard let out = word.baseAddress else { return false }
            program.run(first: Int(index.number >> 6), words: 1, scratch: scratch, out: out)
            return out.pointee >> UInt64(index.number & 63) & 1 == 1
        }
    }

    private func clearTail(_ out: UnsafeMutablePointer<UInt64>, first: Int, count: Int) {
        if universe & 63 != 0, first + count == words(universe) {
            out[count - 1] &= (1 << UInt64(universe & 63)) - 1
        }
    }

    /// Hands chunks of words to threads; each gets its own scratch memory and row of masks.
    private func forEachChunk(
        _ blocks: Range<Int>,
        _ threads: Int,
        _ body:
            @Sendable (
                UnsafeMutablePointer<UInt64>, _ first: Int, _ count: Int, borrowing PredicateProgram.Scratch
            ) -> Void
    ) {
        let range = blocks.clamped(to: self.blocks)
        let end = min(range.upperBound * Block.words, words(universe))
        let next = Atomic<Int>(range.lowerBound * Block.words)
        @Sendable func work() {
            let scratch = PredicateProgram.Scratch(program)
            let masks = UnsafeMutablePointer<UInt64>.allocate(capacity: PredicateProgram.chunkWords)
            defer { masks.deallocate() }
            while true {
                let step = PredicateProgram.chunkWords
                let first = next.wrappingAdd(step, ordering: .relaxed).oldValue
                guard first < end else { return }
                body(masks, first, min(step, end - first), scratch)
            }
        }
        let chunks =
            (end - range.lowerBound * Block.words + PredicateProgram.chunkWords - 1) / PredicateProgram.chunkWords
        let workers = max(1, min(threads, chunks))
        if workers == 1 { work() } else { DispatchQueue.concurrentPerform(iterations: workers) { _ in work() } }
    }
}

/// A pointer that threads share because they write to different places behind it.
private struct UncheckedPointer: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<UInt64>

    init(_ pointer: UnsafeMutablePointer<UInt64>) {
        self.pointer = pointer
    }
}
