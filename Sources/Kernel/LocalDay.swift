// Calendar days and months in the operator's zone, as plain numbers. Pure; no clock, no time-zone database.
// SPDX-License-Identifier: Apache-2.0

/// A calendar day in the operator's zone: days since 1970-01-01 in the proleptic Gregorian calendar.
public struct LocalDay: Hashable, Comparable, Sendable, Codable {
    /// Days since 1970-01-01; negative before.
    public var number: Int32

    /// Makes a day from its number of days since 1970-01-01.
    @inlinable
    public init(number: Int32) {
        self.number = number
    }

    /// Makes a day from year, month (1...12) and day of month.
    ///
    /// - Returns: nil when there is no such day (for example 30 February).
    ///
    /// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil).
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= LocalMonth(year: year, month: month).length
        else { return nil }
        self.init(number: Self.days(year: year, month: month, day: day))
    }

    /// Parses `YYYY-MM-DD`; nil for anything else or for a day that does not exist.
    public init?(iso text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return nil }
        self.init(year: year, month: month, day: day)
    }

    static func days(year: Int, month: Int, day: Int) -> Int32 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int32(era * 146_097 + dayOfEra - 719_468)
    }

    /// Year, month (1...12) and day of month.
    public var components: (year: Int, month: Int, day: Int) {
        let z = Int(number) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    /// The calendar month that holds this day.
    public var month: LocalMonth {
        let (year, month, _) = components
        return LocalMonth(year: year, month: month)
    }

    /// The day `days` later (earlier when negative).
    public func adding(days: Int) -> LocalDay {
        LocalDay(number: number + Int32(days))
    }

    /// The same day of month `months` later, clamped to the month's end (31 January + 1 month = 28 or 29 February).
    public func adding(months: Int) -> LocalDay {
        let day = components.day
        let target = LocalMonth(number: month.number + Int32(months))
        return LocalDay(number: target.firstDay.number + Int32(min(day, target.length) - 1))
    }

    /// Day of week from Monday = 1 to Sunday = 7 (ISO 8601).
    public var weekday: Int {
        let shifted = (Int(number) + 3) % 7
        return (shifted < 0 ? shifted + 7 : shifted) + 1
    }

    /// `YYYY-MM-DD`.
    public var iso: String {
        let (year, month, day) = components
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2)
    }

    /// Earlier days sort first.
    @inlinable
    public static func < (a: LocalDay, b: LocalDay) -> Bool { a.number < b.number }
}

/// A calendar month: months since January 1970.
public struct LocalMonth: Hashable, Comparable, Sendable, Codable {
    /// Months since January 1970; negative before.
    public var number: Int32

    /// Makes a month from its number of months since January 1970.
    @inlinable
    public init(number: Int32) {
        self.number = number
    }

    /// Makes a month from year and month (1...12).
    public init(year: Int, month: Int) {
        number = Int32((year - 1970) * 12 + month - 1)
    }

    /// Year and month (1...12).
    public var components: (year: Int, month: Int) {
        let year = Int((number >= 0 ? number : number - 11) / 12)
        return (1970 + year, Int(number) - year * 12 + 1)
    }

    /// Days in the month, 28...31.
    public var length: Int {
        let (year, month) = components
        switch month {
        case 4, 6, 9, 11: return 30
        case 2: return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        default: return 31
        }
    }

    /// The first day of the month.
    public var firstDay: LocalDay {
        let (year, month) = components
        return LocalDay(number: LocalDay.days(year: year, month: month, day: 1))
    }

    /// `YYYY-MM`.
    public var iso: String {
        let (year, month) = components
        return padded(year, 4) + "-" + padded(month, 2)
    }

    /// Earlier months sort first.
    @inlinable
    public static func < (a: LocalMonth, b: LocalMonth) -> Bool { a.number < b.number }
}

func padded(_ number: Int, _ width: Int) -> String {
    let text = String(number)
    return text.utf8.count >= width ? text : String(repeating: "0", count: width - text.utf8.count) + text
}
