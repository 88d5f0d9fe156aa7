// A value behind a lock, for observers in tests.
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A value behind a lock.
public final class LockedValue<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    /// Starts with a value.
    public init(_ value: Value) { self.value = Mutex(value) }

    /// Runs `body` with the value, alone.
    public func withLock<R: Sendable>(_ body: (inout sending Value) throws -> sending R) rethrows -> R {
        try value.withLock(body)
    }
}
