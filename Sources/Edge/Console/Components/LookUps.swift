// Who looked up which number: what a page may show in full, and only to that session.
// SPDX-License-Identifier: Apache-2.0

import HTTPAPI
import Kernel
import Synchronization

/// Subscribers that sessions looked up.
///
/// Addresses name a subscriber by index; without a look-up before, there is no page.
final class LookUps: Sendable {
    private struct Entry {
        var session: String
        var index: UInt32
        /// Nil when the reader found the subscriber without knowing the whole number.
        var number: MSISDN?
    }

    /// Enough for every agent of a province at a time; older ones are looked up again.
    private static let limit = 20_000
    private let entries = Mutex<[Entry]>([])

    /// Remembers a look-up; a number that is known already stays known.
    func add(_ number: MSISDN?, _ index: SubscriberIndex, session: String?) {
        guard let session else { return }
        entries.withLock { entries in
            let old = entries.last { $0.session == session && $0.index == index.number }
            entries.removeAll { $0.session == session && $0.index == index.number }
            if entries.count >= Self.limit { entries.removeFirst(Self.limit / 10) }
            entries.append(Entry(session: session, index: index.number, number: number ?? old?.number))
        }
    }

    /// The number that a session looked up or was shown in full.
    func number(of index: SubscriberIndex, session: String?) -> MSISDN? {
        entries.withLock { $0.last { $0.session == session && $0.index == index.number }?.number }
    }

    /// Whether a session looked the subscriber up in any way.
    func isKnown(_ index: SubscriberIndex, session: String?) -> Bool {
        entries.withLock { $0.contains { $0.session == session && $0.index == index.number } }
    }
}
