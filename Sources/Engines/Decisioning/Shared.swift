// Blocks side by side: each worker has memory of its own and writes to elements of its own.
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Lets workers write to elements of their own of one array.
final class Shared<Element>: @unchecked Sendable {
    private(set) var value: [Element]

    init(_ value: [Element]) { self.value = value }

    func withBuffer(_ body: (UnsafeMutableBufferPointer<Element>) -> Void) {
        value.withUnsafeMutableBufferPointer { body($0) }
    }
}

/// A buffer that may cross to workers because each touches elements of its own.
struct UncheckedBuffer<Element>: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Element>

    init(_ buffer: UnsafeMutableBufferPointer<Element>) { self.buffer = buffer }
}

extension Range<Int> {
    /// Counts blocks with up to `threads` workers; `add` must not depend on the order of what it adds.
    ///
    /// - Parameters:
    ///   - threads: Most workers.
    ///   - nothing: What each worker begins with.
    ///   - scratch: Makes the memory that one worker uses for block after block.
    ///   - count: Adds one block.
    ///   - add: Adds what another worker found.
    /// - Returns: The sum over all blocks.
    func countBlocks<Sum, Scratch>(
        threads: Int,
        from nothing: Sum,
        scratch: () -> Scratch,
        _ count: (Int, Scratch, inout Sum) -> Void,
        add: (inout Sum, Sum) -> Void
    ) -> Sum {
        let workers = Swift.max(1, Swift.min(threads, self.count))
        let found = Shared([Sum](repeating: nothing, count: workers))
        found.withBuffer { buffer in
            let target = UncheckedBuffer(buffer)
            withoutActuallyEscaping(scratch) { scratch in
                withoutActuallyEscaping(count) { count in
                    let work = UncheckedCount(scratch: scratch, count: count)
                    DispatchQueue.concurrentPerform(iterations: workers) { worker in
                        let scratch = work.scratch()
                        var sum = target.buffer[worker]
                        for block in stride(from: lowerBound + worker, to: upperBound, by: workers) {
                            work.count(block, scratch, &sum)
                        }
                        target.buffer[worker] = sum
                    }
                }
            }
        }
        return found.value.dropFirst().reduce(into: found.value[0], add)
    }
}

/// How a block is counted; may cross to workers because each counts blocks of its own.
private struct UncheckedCount<Sum, Scratch>: @unchecked Sendable {
    let scratch: () -> Scratch
    let count: (Int, Scratch, inout Sum) -> Void
}
