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

    /// Whether a day is a holiday for contacts the operator begins.
    private func isHoliday(_ day: LocalDay, channel: ChannelClass) -> Bool {
        holidays.contains(day) && (channel == .sms || channel == .outbound)
    }

    /// Number of holidays from one day to another, both included.
    func holidays(from first: LocalDay, to last: LocalDay, channel: ChannelClass) -> Int {
        holidays.count { first <= $0 && $0 <= last && isHoliday($0, channel: channel) }
    }
}

extension DecisionState {
    /// Whether contact is possible before the campaign's validity ends.
    func isQuietTimeOver(spec: CampaignSpec, planned: LocalTime, policy: ContactPolicy) -> Bool {
        policy.notBefore(planned, channel: spec.channel).map { $0.day <= spec.validTo } ?? false
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
