// Moments in time, and the same moment as the operator's wall clock shows it. Pure; the edge supplies both.
// SPDX-License-Identifier: Apache-2.0

/// A moment in time: milliseconds since 1970-01-01T00:00:00Z.
public struct Instant: Hashable, Comparable, Sendable, Codable {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var epochMs: Int64

    /// Makes an instant from milliseconds since 1970-01-01T00:00:00Z.
    public init(epochMs: Int64) {
        self.epochMs = epochMs
    }

    /// The instant `milliseconds` later (earlier when negative).
    public func adding(ms milliseconds: Int64) -> Instant {
        Instant(epochMs: epochMs + milliseconds)
    }

    /// ISO 8601 in UTC with seconds, for example `2026-11-21T08:30:00Z`.
    public var iso: String {
        LocalTime(instant: self, offsetSeconds: 0).isoLocal + "Z"
    }

    /// Earlier instants sort first.
    public static func < (a: Instant, b: Instant) -> Bool { a.epochMs < b.epochMs }
}

/// An instant together with the offset of the operator's zone at that instant.
///
/// Log records carry this value, so replay never asks a time-zone database (DESIGN section 4).
public struct LocalTime: Hashable, Sendable, Codable {
    /// The moment itself.
    public var instant: Instant
    /// Seconds that local time is ahead of UTC (28 800 for Asia/Shanghai).
    public var offsetSeconds: Int32

    /// Joins an instant and the zone's offset at that instant, in seconds east of UTC.
    public init(instant: Instant, offsetSeconds: Int32) {
        self.instant = instant
        self.offsetSeconds = offsetSeconds
    }

    private var localSeconds: Int64 {
        let ms = instant.epochMs + Int64(offsetSeconds) * 1000
        return (ms >= 0 ? ms : ms - 999) / 1000
    }

    /// The calendar day on the operator's wall clock.
    public var day: LocalDay {
        let seconds = localSeconds
        return LocalDay(number: Int32((seconds >= 0 ? seconds : seconds - 86_399) / 86_400))
    }

    /// The calendar month on the operator's wall clock.
    public var month: LocalMonth { day.month }

    /// Minutes since local midnight, 0...1439.
    public var minuteOfDay: Int {
        let rest = localSeconds % 86_400
        return Int(rest >= 0 ? rest : rest + 86_400) / 60
    }

    /// Local date and time without zone, `YYYY-MM-DDThh:mm:ss`.
    public var isoLocal: String {
        let rest = localSeconds % 86_400
        let second = Int(rest >= 0 ? rest : rest + 86_400)
        return day.iso + "T" + padded(second / 3600, 2) + ":" + padded(second / 60 % 60, 2) + ":"
            + padded(second % 60, 2)
    }
}
