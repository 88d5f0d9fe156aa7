// When segments are computed anew by themselves (SEG-36).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Testing

@Suite struct SegmentRefreshTests {
    /// Shanghai time; 2026-09-16 is a Wednesday.
    private func time(_ day: String, _ hour: Int, _ minute: Int) throws -> LocalTime {
        let seconds = Int64(try #require(LocalDay(iso: day)).number) * 86_400 + Int64(hour * 3_600 + minute * 60)
        return LocalTime(instant: Instant(epochMs: (seconds - 28_800) * 1_000), offsetSeconds: 28_800)
    }

    @Test func `times come by the operator's clock, each once`() throws {
        let last = try time("2026-09-16", 9, 30)
        func come(_ now: LocalTime) -> [SegmentRefresh] {
            SegmentRefresh.allCases.filter { $0.hasCome(since: last, at: now) }
        }
        #expect(try come(time("2026-09-16", 9, 59)) == [])
        #expect(try come(time("2026-09-16", 10, 0)) == [.hourly])
        #expect(try come(time("2026-09-17", 0, 0)) == [.hourly, .daily])
        // An hour of the day says nothing without its day.
        #expect(try come(time("2026-09-17", 9, 30)) == [.hourly, .daily])
        #expect(try come(time("2026-09-20", 23, 59)) == [.hourly, .daily])
        #expect(try come(time("2026-09-21", 0, 0)) == [.hourly, .daily, .weekly])
        #expect(try come(time("2026-09-30", 23, 59)) == [.hourly, .daily, .weekly])
        #expect(try come(time("2026-10-01", 0, 0)) == [.hourly, .daily, .weekly, .monthly])
        #expect(try come(time("2026-09-15", 23, 0)) == [], "a clock that was set back computes nothing again")
    }
}
