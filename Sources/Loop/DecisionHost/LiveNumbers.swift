// The numbers that are valid now, shared by everything that needs an address.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Synchronization

/// The current ``NumberIndex``; readers take a snapshot, a load replaces it.
public final class LiveNumbers: Sendable {
    private let index: Mutex<NumberIndex>

    /// Starts with nobody.
    public init() {
        index = Mutex(NumberIndex(numbers: []))
    }

    /// The numbers as they are now.
    public var current: NumberIndex { index.withLock { $0 } }

    /// Replaces all numbers.
    public func replace(by new: NumberIndex) {
        index.withLock { $0 = new }
    }
}
