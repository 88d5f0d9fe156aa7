// Sets in pieces that stay in a core's cache, worked on side by side.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Kernel

/// Ranges of words of a set, a few for each worker.
enum Chunks {
    /// Words of a piece: 16 KiB, so that some of them lie in the first-level cache together.
    static let words = 2_048

    /// Calls `body` with pieces of `0..<count`, up to `threads` at a time.
    static func forEach(_ count: Int, threads: Int, _ body: (Range<Int>) -> Void) {
        let pieces = (count + words - 1) / words
        guard pieces > 0 else { return }
        let workers = max(1, min(threads, pieces))
        withoutActuallyEscaping(body) { body in
            let work = Unchecked(body)
            DispatchQueue.concurrentPerform(iterations: workers) { worker in
                // Neighbouring pieces go to one worker: memory is read in its order.
                for piece in pieces * worker / workers..<pieces * (worker + 1) / workers {
                    work.value(piece * words..<min(count, (piece + 1) * words))
                }
            }
        }
    }

    /// One range of `0..<count` for each worker, in order.
    static func shares(_ count: Int, threads: Int) -> [Range<Int>] {
        let workers = max(1, min(threads, count))
        return (0..<workers).map { count * $0 / workers..<count * ($0 + 1) / workers }
    }
}

/// What may cross to workers because each touches words of its own.
struct Unchecked<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
