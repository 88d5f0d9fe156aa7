// Quiet hours and holidays: they postpone a contact, and drop it only when validity ends first.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

extension ContactPolicy {
    /// The first moment at or after `time` at which a channel class may make contact.
    ///
    /// - Returns: nil when the next 60 days are all quiet, which only a wrong policy brings about.
    ///
    /// `hours`: Quiet hours of the subscriber's area instead of the general ones.
    public func notBefore(
        _ time: LocalTime,
        channel: ChannelClass,
        hours: [ChannelClass: QuietHours]? = nil
    ) -> LocalTime? {
        var candidate = time
        for _ in 0..<130 {
            if isHoliday(candidate.day, channel: channel) {
                candidate = candidate.startOfNextDay
            } else if let quiet = (hours ?? quietHours)[channel], quiet.contains(minute: candidate.minuteOfDay) {
                candidate = candidate.next(minuteOfDay: quiet.to)
            } else {
                return candidate
            }
        }
        return nil
    }

    /// The first moment at or after `time` at which a channel class may make contact with anybody, whatever his area.
    ///
    /// - Returns: nil when neither the general hours nor those of an area ever let it.
    public func notBeforeAnywhere(_ time: LocalTime, channel: ChannelClass) -> LocalTime? {
        ([nil] + quietAreas.map(\.quietHours)).compactMap { notBefore(time, channel: channel, hours: $0) }
            .min { $0.instant < $1.instant }
    }

    /// Whether a day is a holiday for contacts the operator begins.
    private func isHoliday(_ day: LocalDay, channel: ChannelClass) -> Bool {
        holidays.contains(day) && (channel == .sms || channel == .outbound)
    }

    /// Number of holidays from one day to another, both included.
    func holidays(from first: LocalDay, to last: LocalDay, channel: ChannelClass) -> Int {
        holidays.count { first <= $0 && $0 <= last && isHoliday($0, channel: channel) }
    }
}

/// When a channel class may make contact, by the area of the subscriber.
struct AreaTimes {
    /// Whether a subscriber is in an area, in their order; the first that holds counts.
    private let areas: [@Sendable (SubscriberIndex) -> Bool]
    /// The first moment of each area, and behind them that of everybody else; nil = never.
    let starts: [LocalTime?]

    init(areas: [@Sendable (SubscriberIndex) -> Bool], starts: [LocalTime?]) {
        (self.areas, self.starts) = (areas, starts)
    }

    /// The first moment of one subscriber; nil = never.
    subscript(index: SubscriberIndex) -> LocalTime? {
        starts[areas.firstIndex { $0(index) } ?? areas.count]
    }
}

extension DecisionState {
    /// When each area may be contacted at or after `time`; a rule that is unknown for a subscriber is not true for him.
    ///
    /// - Throws: When the rule of an area cannot be evaluated.
    func areaTimes(_ time: LocalTime, channel: ChannelClass, policy: ContactPolicy) throws -> AreaTimes {
        AreaTimes(
            areas: try policy.quietAreas.map { try test($0.rule, on: time.day) },
            starts: policy.quietAreas.map { policy.notBefore(time, channel: channel, hours: $0.quietHours) }
                + [policy.notBefore(time, channel: channel)]
        )
    }

    /// Who of an audience cannot be contacted before the campaign's validity ends; nil = everybody can.
    ///
    /// - Throws: When the rule of an area cannot be evaluated, also where nobody is kept.
    func keptByQuietHours(
        spec: CampaignSpec,
        planned: LocalTime,
        audience: Bitset,
        policy: ContactPolicy
    ) throws -> Bitset? {
        let times = try areaTimes(planned, channel: spec.channel, policy: policy)
        func isTooLate(_ start: LocalTime?) -> Bool { start.map { $0.day > spec.validTo } ?? true }
        guard times.starts.contains(where: isTooLate) else { return nil }
        guard !times.starts.allSatisfy(isTooLate) else { return audience }
        var kept = Bitset(universe: audience.universe)
        audience.forEach { if isTooLate(times[SubscriberIndex($0)]) { kept.insert($0) } }
        return kept
    }
}

extension LocalTime {
    /// Local midnight that begins the next day, at the same offset.
    var startOfNextDay: LocalTime {
        next(minuteOfDay: 0)
    }

    /// The next time the local clock shows this minute of the day, later than now, at the same offset.
    func next(minuteOfDay minute: Int) -> LocalTime {
        let midnight = (Int64(day.number) * 86_400 - Int64(offsetSeconds)) * 1000
        let today = midnight + Int64(minute) * 60_000
        let ms = today > instant.epochMs ? today : today + 86_400_000
        return LocalTime(instant: Instant(epochMs: ms), offsetSeconds: offsetSeconds)
    }
}
