// The operator's clock: month ends, leap days, daylight saving, clocks that leap and go back.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Foundation
import InMemory
import Kernel
import Model
import Ports
import Testing
import TestSupport

@testable import Decisioning

/// The wall clock of a zone, as Foundation knows it.
private struct WallClock {
    let zone: TimeZone
    private let calendar: Calendar

    init(_ name: String) throws {
        zone = try #require(TimeZone(identifier: name))
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        self.calendar = calendar
    }

    /// `ms` milliseconds from the first moment of a local day on.
    func time(_ year: Int, _ month: Int, _ day: Int, ms: Int64 = 0) throws -> LocalTime {
        let midnight = try #require(calendar.date(from: DateComponents(year: year, month: month, day: day)))
        return self.time(Instant(epochMs: Int64((midnight.timeIntervalSince1970 * 1_000).rounded()) + ms))
    }

    func time(_ instant: Instant) -> LocalTime {
        let date = Date(timeIntervalSince1970: Double(instant.epochMs) / 1_000)
        return LocalTime(instant: instant, offsetSeconds: Int32(zone.secondsFromGMT(for: date)))
    }

    /// Year, month and day that Foundation's calendar shows.
    func date(_ time: LocalTime) -> String {
        let date = Date(timeIntervalSince1970: (Double(time.instant.epochMs) / 1_000).rounded(.down))
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        let numbers = [parts.year, parts.month, parts.day].map { $0 ?? 0 }
        return numbers.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "-")
    }
}

extension Desk {
    /// One campaign that is always valid, and fresh subscribers to ask.
    fileprivate static func always() async throws -> (desk: Desk, fresh: [UInt32]) {
        var spec = offer(1)
        (spec.validFrom, spec.validTo) = (spec.validFrom.adding(days: -90), spec.validFrom.adding(days: 2_000))
        let desk = try await Desk([spec]) { $0.offers = OfferLimits(offers: 3, minutesToShow: 30, minutesKept: 60) }
        return (desk, try await desk.free(.counter, count: 60))
    }

    fileprivate func counts(_ index: UInt32, _ channel: ChannelClass) async throws -> [String: Int] {
        try await host.read { state in
            let held = state.ledger.monthsHeld
            let months = (held.lowerBound.number...held.upperBound.number).map { LocalMonth(number: $0) }
            let counts = months.map {
                ($0.iso, state.ledger.count(SubscriberIndex(index), channel: channel, month: $0))
            }
            return Dictionary(uniqueKeysWithValues: counts).filter { $0.value > 0 }
        }
    }

    fileprivate func checkReplay() async throws {
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2, verifies: true)
        try replay.fold()
        #expect(try await host.read { $0.stateSHA256() } == replay.state.stateSHA256())
        let audit = try LogAudit(log, world: world, objects: objects)
        audit.compare(with: replay.state)
        #expect(audit.problems.isEmpty, "\(audit.problems.prefix(5))")
    }
}

@Suite struct OperatorTimeTests {
    @Test(arguments: ["Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns", "Asia/Shanghai"])
    func `a contact counts on the day and in the month that the operator's wall clock shows`(
        zone: String
    ) async throws {
        let clock = try WallClock(zone)
        let (desk, fresh) = try await Desk.always()
        // The first moments of days after which a month, a leap day or a year begins, and after both Berlin switches.
        let days = [
            (2027, 2, 28), (2027, 3, 1), (2027, 3, 28), (2027, 3, 29), (2027, 10, 31), (2027, 11, 1), (2028, 1, 1),
            (2028, 2, 28), (2028, 2, 29), (2028, 3, 1), (2028, 3, 26), (2028, 3, 27),
        ]
        var places = fresh[...]
        for (year, month, day) in days {
            // The last millisecond of the day before, the first of the day, and those beside the night's switches.
            let hour: Int64 = 3_600_000
            for ms in [-1, 0, hour - 1, hour, 2 * hour] as [Int64] {
                let time = try clock.time(year, month, day, ms: ms)
                let index = places.removeFirst()
                try await desk.host.tick(time)
                let answer = try await desk.ask(index, .counter, at: time)
                #expect(answer.offers == [CampaignID(1)])
                try await desk.respond(answer, .accepted)
                let date = clock.date(time)
                #expect(time.day.iso == date, "\(time)")
                #expect(try await desk.counts(index, .inbound) == [String(date.prefix(7)): 1], "\(date)")
            }
        }
        var logged = 0
        for batch in desk.log.batches {
            guard case .answered(let answers) = try LogRecord(decoding: batch.payload) else { continue }
            for answer in answers where !answer.offers.isEmpty {
                logged += 1
                #expect(answer.request.at.day.iso == clock.date(answer.request.at))
                #expect(answer.request.at.month == answer.request.at.day.month)
            }
        }
        #expect(logged == days.count * 5)
        try await desk.checkReplay()
    }

    @Test func `an hour that the wall clock shows twice is two hours, and one it leaves out is none`() async throws {
        let clock = try WallClock("Europe/Berlin")
        let (desk, fresh) = try await Desk.always()
        let autumn = try clock.time(2027, 10, 31)
        func at(_ minutes: Int, after start: LocalTime) -> LocalTime {
            clock.time(start.adding(minutes: minutes).instant)
        }
        // 02:50 summer time; a quarter of an hour later it is 02:05, and 02:25 is past the half hour to show.
        let asked = at(170, after: autumn)
        try await desk.host.tick(asked)
        let answer = try await desk.ask(fresh[0], .counter, at: asked)
        #expect(answer.offers.count == 1 && at(185, after: autumn).minuteOfDay == 125)
        try await desk.host.tick(at(185, after: autumn))
        #expect(try await desk.counts(fresh[0], .inbound) == ["2027-10": 1])
        try await desk.host.tick(at(205, after: autumn))
        #expect(try await desk.counts(fresh[0], .inbound) == [:])
        // 01:55 winter time; ten minutes later it is 03:05, and nothing lapses for the hour that never was.
        let spring = try clock.time(2028, 3, 26)
        let second = at(115, after: spring)
        try await desk.host.tick(second)
        #expect(try await desk.ask(fresh[1], .counter, at: second).offers.count == 1)
        #expect(at(125, after: spring).minuteOfDay == 185)
        try await desk.host.tick(at(125, after: spring))
        #expect(try await desk.counts(fresh[1], .inbound) == ["2028-03": 1])
        try await desk.host.tick(at(145, after: spring))
        #expect(try await desk.counts(fresh[1], .inbound) == [:])
        try await desk.checkReplay()
    }

    @Test func `an offer put off to the first of March is made again on that day, leap year or not`() async throws {
        let clock = try WallClock("Europe/Berlin")
        let (desk, fresh) = try await Desk.always()
        for (year, last, index) in [(2027, 28, fresh[0]), (2028, 29, fresh[1])] {
            let noon: Int64 = 12 * 3_600_000
            let evening = try clock.time(year, 2, last, ms: noon)
            try await desk.host.tick(evening)
            let answer = try await desk.ask(index, .counter, at: evening)
            // Without a day it is the next one.
            try await desk.respond(answer, .later)
            let night = try clock.time(year, 3, 1, ms: -1)
            #expect(try await desk.ask(index, .website, at: night).offers.isEmpty)
            let morning = try clock.time(year, 3, 1)
            #expect(try await desk.ask(index, .website, at: morning).offers == [CampaignID(1)])
        }
        try await desk.checkReplay()
    }

    @Test func `a clock that goes back or leaps by months loses nothing and counts nothing twice`() async throws {
        let (desk, fresh) = try await Desk.always()
        // Later than anything in the log so far.
        let start = desk.at(hours: 24)
        func days(_ count: Int) -> LocalTime { start.adding(minutes: count * 1_440) }
        func hash() async throws -> ContentHash { try await desk.host.read { $0.stateSHA256() } }
        try await desk.host.tick(start)
        let shown = try await desk.ask(fresh[0], .counter, at: start)
        try await desk.respond(shown, .shown)
        let open = try await desk.ask(fresh[1], .counter, at: start)
        let wave = WaveID(campaign: CampaignID(1), occurrence: 1)
        let summary = try await desk.host.run(
            wave: wave,
            planned: start,
            audience: Bitset(full: desk.world.subscribers)
        )
        #expect(summary.count(.contact) > 0)
        let before = try await hash()
        for back in [-1, -40, -400] { try await desk.host.tick(days(back)) }
        #expect(try await hash() == before, "time never goes back")
        #expect(try await desk.counts(fresh[1], .inbound)["2026-11"] == 1)

        // A request on a clock that is behind counts where its clock says; before the months that are held it is refused.
        func october(_ index: UInt32) async throws -> Int? { try await desk.counts(index, .inbound)["2026-10"] }
        var behind = fresh[2]
        for index in fresh.dropFirst(2) where try await october(index) == nil { behind = index }
        #expect(try await desk.ask(behind, .counter, at: days(-20)).offers.count == 1)
        #expect(try await october(behind) == 1)
        await #expect(throws: DecisionError.self) { try await desk.ask(fresh[3], .counter, at: days(-200)) }

        // Three months on November is still held: what was shown stands, what was not is given back once.
        for _ in 0..<2 { try await desk.host.tick(days(92)) }
        #expect(try await desk.counts(fresh[0], .inbound)["2026-11"] == 1)
        #expect(try await desk.counts(fresh[1], .inbound)["2026-11"] == nil)
        #expect(try await october(behind) == nil)
        #expect(try await desk.host.read { $0.waves[wave]?.sum(\.open) } == 0)
        // Nobody remembers the answer after that; a response changes nothing.
        try await desk.host.tick(days(93))
        let late = OfferResponse(
            request: open.request.request,
            index: open.request.index,
            campaign: nil,
            result: .shown,
            at: days(93)
        )
        #expect(try await desk.host.respond(late) == .unknownInteraction)
        // A request that comes before the tick of its month begins the month.
        let may = try await desk.ask(fresh[0], .counter, at: days(200))
        #expect(may.offers.count == 1)
        #expect(try await desk.counts(fresh[0], .inbound) == [days(200).month.iso: 1], "November is history")
        try await desk.checkReplay()
    }
}
