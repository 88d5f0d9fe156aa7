// The contact policy: who may be contacted how often, when, and who never (areas FRQ, LST, CFL).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// At most `count` contacts in any `months` consecutive calendar months that hold the contact (FRQ-01).
public struct Cap: Hashable, Sendable, Codable {
    /// Contacts (website: distinct campaigns) allowed, 0...200.
    public var count: Int
    /// Consecutive calendar months, 1...3.
    public var months: Int

    /// Joins count and period.
    public init(count: Int, months: Int) {
        self.count = count
        self.months = months
    }
}

/// One row of the cap table: a tier of subscribers and its caps (FRQ-01).
public struct PolicyTier: Hashable, Sendable, Codable {
    /// Identifier, for example `vip`.
    public var code: String
    /// Names in both languages.
    public var name: BilingualText
    /// Rule text; the first tier whose rule holds is the subscriber's.
    public var rule: String
    /// Cap of each channel class.
    public var caps: [ChannelClass: Cap]
    /// Cap over SMS, outbound and inbound together (FRQ-02).
    public var overall: Cap

    /// Makes a row; see the properties.
    public init(code: String, name: BilingualText, rule: String, caps: [ChannelClass: Cap], overall: Cap) {
        self.code = code
        self.name = name
        self.rule = rule
        self.caps = caps
        self.overall = overall
    }
}

/// One do-not-disturb class (area LST).
public struct DNDClass: Hashable, Sendable, Codable {
    /// 1...15.
    public var number: Int
    /// Names in both languages.
    public var name: BilingualText
    /// Whether entries name the channel they block (class 1).
    public var isByChannel: Bool
    /// Whether a planner may cancel the removal; classes 2, 14 and 15 never (LST-17).
    public var mayBeUnticked: Bool

    /// Makes a class; see the properties.
    public init(number: Int, name: BilingualText, isByChannel: Bool, mayBeUnticked: Bool) {
        self.number = number
        self.name = name
        self.isByChannel = isByChannel
        self.mayBeUnticked = mayBeUnticked
    }
}

/// Hours in which a channel class stays silent, in minutes of the local day; `from` may be after `to` (over midnight).
public struct QuietHours: Hashable, Sendable, Codable {
    /// First quiet minute of the day, 0...1439.
    public var from: Int
    /// First minute after the quiet time, 0...1439.
    public var to: Int

    /// Joins begin and end.
    public init(from: Int, to: Int) {
        self.from = from
        self.to = to
    }

    /// Whether a minute of the day is quiet.
    public func contains(minute: Int) -> Bool {
        from <= to ? (from..<to).contains(minute) : minute >= from || minute < to
    }
}

/// The global holdout: a share of subscribers that gets no marketing during an epoch.
public struct Holdout: Hashable, Sendable, Codable {
    /// Share of subscribers in millionths.
    public var ppm: Int
    /// Names the draw; a new epoch draws anew.
    public var epoch: String

    /// Joins share and epoch.
    public init(ppm: Int, epoch: String) {
        self.ppm = ppm
        self.epoch = epoch
    }
}

/// The whole contact policy, one revision of it.
public struct ContactPolicy: Hashable, Sendable, Codable {
    /// Number of this revision, from 1.
    public var revision: Int
    /// Rows of the cap table in order; VIP stands before the brands.
    public var tiers: [PolicyTier]
    /// The do-not-disturb classes.
    public var dnd: [DNDClass]
    /// Least days between two contacts of a channel class; a class that is absent has no interval.
    public var intervalDays: [ChannelClass: Int]
    /// Days within which a campaign of the same category is similar (CFL-04), by category code.
    public var similarDays: [String: Int]
    /// Quiet hours by channel class.
    public var quietHours: [ChannelClass: QuietHours]
    /// Local days on which outbound and SMS stay silent.
    public var holidays: [LocalDay]
    /// The global holdout.
    public var holdout: Holdout
    /// Hours after hand-off until a contact without an answer is settled; before hand-off until it is released.
    public var reservationHours: Int

    /// Makes a policy; see the properties.
    public init(
        revision: Int,
        tiers: [PolicyTier],
        dnd: [DNDClass],
        intervalDays: [ChannelClass: Int] = [:],
        similarDays: [String: Int] = [:],
        quietHours: [ChannelClass: QuietHours] = [:],
        holidays: [LocalDay] = [],
        holdout: Holdout = Holdout(ppm: 0, epoch: "none"),
        reservationHours: Int = 72
    ) {
        self.revision = revision
        self.tiers = tiers
        self.dnd = dnd
        self.intervalDays = intervalDays
        self.similarDays = similarDays
        self.quietHours = quietHours
        self.holidays = holidays
        self.holdout = holdout
        self.reservationHours = reservationHours
    }

    /// The caps of a subscriber that no tier names: the strictest of every column.
    public var strictest: PolicyTier {
        func least(_ caps: [Cap]) -> Cap {
            caps.min { ($0.count, -$0.months) < ($1.count, -$1.months) } ?? Cap(count: 0, months: 1)
        }
        var caps: [ChannelClass: Cap] = [:]
        for channel in ChannelClass.allCases { caps[channel] = least(tiers.compactMap { $0.caps[channel] }) }
        return PolicyTier(
            code: "unknown",
            name: BilingualText(zh: "未知", en: "Unknown"),
            rule: "TRUE",
            caps: caps,
            overall: least(tiers.map(\.overall))
        )
    }
}
