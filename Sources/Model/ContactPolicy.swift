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
    /// Roles that may cancel it; nil = every planner.
    public var untickedBy: [String]?

    /// Makes a class; see the properties.
    public init(
        number: Int,
        name: BilingualText,
        isByChannel: Bool,
        mayBeUnticked: Bool,
        untickedBy: [String]? = nil
    ) {
        self.number = number
        self.name = name
        self.isByChannel = isByChannel
        self.mayBeUnticked = mayBeUnticked
        self.untickedBy = untickedBy
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

/// Keeps campaigns of some categories away from subscribers, for example who tried the service and left (SEG-29, SEG-30).
public struct CategoryRule: Hashable, Sendable, Codable {
    /// Identifier, for example `tried_within_6_months`.
    public var code: String
    /// Names in both languages.
    public var name: BilingualText
    /// Campaign categories it holds for; empty = all.
    public var categories: [String]
    /// Rule text over hot attributes and lists; whoever it is true for is left out.
    public var rule: String

    /// Makes a rule; see the properties.
    public init(code: String, name: BilingualText, categories: [String], rule: String) {
        self.code = code
        self.name = name
        self.categories = categories
        self.rule = rule
    }

    /// Whether it holds for campaigns of a category.
    public func applies(to category: String) -> Bool {
        categories.isEmpty || categories.contains(category)
    }
}

/// Quiet hours of an area, instead of the general ones.
public struct QuietArea: Hashable, Sendable, Codable {
    /// Identifier, for example `tibet`.
    public var code: String
    /// Names in both languages.
    public var name: BilingualText
    /// Rule text over hot attributes that is true for the area's subscribers; the first area whose rule holds counts.
    public var rule: String
    /// Quiet hours by channel class; a class that is absent has none in this area.
    public var quietHours: [ChannelClass: QuietHours]

    /// Makes an area; see the properties.
    public init(code: String, name: BilingualText, rule: String, quietHours: [ChannelClass: QuietHours]) {
        self.code = code
        self.name = name
        self.rule = rule
        self.quietHours = quietHours
    }
}

/// What competing offers are ranked by (CFL-09, CFL-10); the first difference decides.
public enum RankingKey: String, Sendable, CaseIterable, Codable {
    /// The general priority of the campaign, 1 first.
    case priority
    /// The personal priority, an expression over the subscriber's attributes; higher first, none last.
    case personalPriority = "personal_priority"
    /// Propensity times value of an order; higher first.
    case expectedValue = "expected_value"
    /// Value of an order; higher first.
    case value
}

/// How many offers an answer may hold, and how long it is kept.
public struct OfferLimits: Hashable, Sendable, Codable {
    /// Most offers in one answer, 1...8.
    public var offers: Int
    /// Minutes after which an offer that was returned but never shown is given back.
    public var minutesToShow: Int
    /// Minutes in which the same interaction gets the same answer; at least ``minutesToShow``.
    public var minutesKept: Int

    /// Makes limits; see the properties.
    public init(offers: Int = 3, minutesToShow: Int = 30, minutesKept: Int = 120) {
        self.offers = offers
        self.minutesToShow = minutesToShow
        self.minutesKept = minutesKept
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
    /// Further categories that count as similar to a category (CFL-04).
    public var similarTo: [String: [String]]
    /// Least days between two contacts for the same product on any channel (FRQ-12); `*` = every product not named.
    public var productDays: [String: Int]
    /// Rules by category (SEG-29, SEG-30).
    public var categoryRules: [CategoryRule]
    /// Quiet hours by channel class.
    public var quietHours: [ChannelClass: QuietHours]
    /// Areas with quiet hours of their own.
    public var quietAreas: [QuietArea]
    /// Local days on which outbound and SMS stay silent.
    public var holidays: [LocalDay]
    /// The global holdout.
    public var holdout: Holdout
    /// Hours after hand-off until a contact without an answer is settled; before hand-off until it is released.
    public var reservationHours: Int
    /// What competing offers are ranked by, the first difference decides.
    public var ranking: [RankingKey]
    /// Limits of answers to single requests.
    public var offers: OfferLimits
    /// What a contact on one channel means on the others.
    public var linkage: Linkage

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
        reservationHours: Int = 72,
        linkage: Linkage = .standard
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
        self.linkage = linkage
        similarTo = [:]
        productDays = [:]
        categoryRules = []
        quietAreas = []
        ranking = [.priority, .expectedValue]
        offers = OfferLimits()
    }

    /// Reads a policy; what earlier revisions did not have yet gets the value that changes nothing.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            revision: try c.decode(Int.self, forKey: .revision),
            tiers: try c.decode([PolicyTier].self, forKey: .tiers),
            dnd: try c.decode([DNDClass].self, forKey: .dnd),
            intervalDays: try c.decode([ChannelClass: Int].self, forKey: .intervalDays),
            similarDays: try c.decode([String: Int].self, forKey: .similarDays),
            quietHours: try c.decode([ChannelClass: QuietHours].self, forKey: .quietHours),
            holidays: try c.decode([LocalDay].self, forKey: .holidays),
            holdout: try c.decode(Holdout.self, forKey: .holdout),
            reservationHours: try c.decode(Int.self, forKey: .reservationHours),
            linkage: try c.decodeIfPresent(Linkage.self, forKey: .linkage) ?? .none
        )
        similarTo = try c.decodeIfPresent([String: [String]].self, forKey: .similarTo) ?? similarTo
        productDays = try c.decodeIfPresent([String: Int].self, forKey: .productDays) ?? productDays
        categoryRules = try c.decodeIfPresent([CategoryRule].self, forKey: .categoryRules) ?? categoryRules
        quietAreas = try c.decodeIfPresent([QuietArea].self, forKey: .quietAreas) ?? quietAreas
        ranking = try c.decodeIfPresent([RankingKey].self, forKey: .ranking) ?? ranking
        offers = try c.decodeIfPresent(OfferLimits.self, forKey: .offers) ?? offers
    }

    /// Least days between two contacts for a product; nil = any.
    public func days(betweenContactsFor product: String) -> Int? {
        productDays[product] ?? productDays["*"]
    }

    /// The categories that count as similar to a category, itself included.
    public func categories(similarTo category: String) -> [String] {
        [category] + (similarTo[category] ?? [])
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
