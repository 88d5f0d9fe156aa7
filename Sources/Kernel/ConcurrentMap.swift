// Work on the elements of a collection by several threads.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

extension RandomAccessCollection where Self: Sendable, Index == Int {
    /// Transforms the elements with up to `threads` threads, this one among them, and waits for all.
    ///
    /// - Returns: The results in the order of the elements.
    /// - Throws: The error of the first element, in that order, that has one; the others are transformed as well.
    public func concurrentMap<Value: Sendable, Failure: Error>(
        threads: Int,
        _ transform: @Sendable (Element) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        let found = Mutex([Result<Value, Failure>?](repeating: nil, count: count))
        let next = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: Swift.max(1, Swift.min(threads, count))) { _ in
            while case let place = next.add(1, ordering: .relaxed).oldValue, place < count {
                let result = Result { () throws(Failure) in try transform(self[startIndex + place]) }
                found.withLock { $0[place] = result }
            }
        }
        var values: [Value] = []
        for result in found.withLock({ $0 }) { if let result { values.append(try result.get()) } }
        return values
    }
}
