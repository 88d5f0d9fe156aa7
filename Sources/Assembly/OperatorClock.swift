// Time at the edge: the real clock or a simulated one, in the operator's zone.
// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import Kernel
import Synchronization

/// Says what time it is, as an instant and on the operator's wall clock.
public final class OperatorClock: Sendable {
    private let zone: TimeZone
    private let simulated: Mutex<Instant?>

    /// The real clock, or one that stands still at `start` until it is moved.
    public init(zone: TimeZone, simulatedFrom start: Instant? = nil) {
        self.zone = zone
        simulated = Mutex(start)
    }

    /// Now.
    public var now: LocalTime {
        local(
            simulated.withLock { $0 } ?? Instant(epochMs: Int64((Date().timeIntervalSince1970 * 1000).rounded(.down)))
        )
    }

    /// Moves a simulated clock forward; never back.
    public func advance(to instant: Instant) {
        simulated.withLock { current in
            if let now = current, now < instant { current = instant }
        }
    }

    /// An instant with the zone's offset at that instant.
    public func local(_ instant: Instant) -> LocalTime {
        let date = Date(timeIntervalSince1970: Double(instant.epochMs) / 1000)
        return LocalTime(instant: instant, offsetSeconds: Int32(zone.secondsFromGMT(for: date)))
    }

    /// The moment at which the operator's clock shows a day and minute.
    public func at(_ day: LocalDay, minute: Int) -> LocalTime {
        let guess = Instant(epochMs: (Int64(day.number) * 86_400 + Int64(minute) * 60) * 1000)
        let offset = local(guess).offsetSeconds
        return local(guess.adding(ms: -Int64(offset) * 1000))
    }
}
