// What the decision core needs to know of a campaign, frozen per revision.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A campaign's number, unique in a data directory.
public struct CampaignID: Hashable, Comparable, Sendable, Codable {
    /// 1 for the first campaign.
    public var number: Int64

    /// Makes an id from its number.
    public init(_ number: Int64) {
        self.number = number
    }

    public init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }

    /// Lower numbers sort first.
    public static func < (a: CampaignID, b: CampaignID) -> Bool { a.number < b.number }
}

/// One run of the decision core over an audience: campaign and occurrence (1 for the first).
public struct WaveID: Hashable, Comparable, Sendable, Codable {
    /// The campaign.
    public var campaign: CampaignID
    /// 1 for the first wave of the campaign.
    public var occurrence: Int32

    /// Joins campaign and occurrence.
    public init(campaign: CampaignID, occurrence: Int32) {
        self.campaign = campaign
        self.occurrence = occurrence
    }

    /// One number for keys and indices: campaign x 2^16 + occurrence; positive for campaigns below 2^46.
    public var packed: Int64 { campaign.number << 16 | Int64(occurrence) }

    /// Takes a packed number apart.
    public init(packed: Int64) {
        self.init(campaign: CampaignID(packed >> 16), occurrence: Int32(packed & 0xFFFF))
    }

    /// Orders by campaign, then occurrence.
    public static func < (a: WaveID, b: WaveID) -> Bool { a.packed < b.packed }
}

/// Where a campaign stands as the decision core sees it.
public enum CampaignStatus: UInt8, Sendable, Codable {
    /// Approved and confirmed: waves run.
    case live = 1
    /// Waves and hand-off wait; reservations stay.
    case paused = 2
    /// Ended; what has not left is released.
    case stopped = 3
}

/// The decision-relevant part of a campaign revision.
public struct CampaignSpec: Hashable, Sendable, Codable {
    /// The campaign's number.
    public var id: CampaignID
    /// Number of this revision, from 1.
    public var revision: Int
    /// Name as people know it.
    public var name: String
    /// Category for similarity (CFL-04), for example `retention`.
    public var category: String
    /// Product on offer (BOSS product id); its owners are not asked again.
    ///
    /// Nil for care without a product.
    public var product: String?
    /// Products that exclude this one.
    public var conflictingProducts: [String]
    /// The channel class it contacts through.
    public var channel: ChannelClass
    /// Whether the channel confirmed count and date (APR-10).
    public var isChannelConfirmed: Bool
    /// First local day of validity.
    public var validFrom: LocalDay
    /// Last local day of validity.
    public var validTo: LocalDay
    /// Do-not-disturb classes whose removal the planner cancelled, and who did (LST-17).
    public var unticked: [Unticked]
    /// Numeric attribute or expression that ranks subscribers; nil ranks by the keyed hash alone.
    public var score: String?
    /// Most contacts of a wave (top-N); nil = everyone who passes.
    public var limit: Int?
    /// Messages the channel can take for a wave; nil = unlimited.
    public var capacity: Int?
    /// Money for a wave in minor units; nil = unlimited.
    public var budgetMinor: Int64?
    /// Cost of one contact in minor units.
    public var costPerContactMinor: Int64
    /// Share of control subscribers in millionths, 0...1 000 000.
    public var controlPPM: Int
    /// Where the offer pool shows it; empty = nowhere.
    public var touchpoints: [Touchpoint]
    /// General priority, 1 first (CFL-09).
    public var priority: Int
    /// Expression whose value orders a subscriber's offers of equal general priority; higher first (CFL-10).
    public var personalPriority: String?
    /// Value of one order in minor units.
    public var valuePerOrderMinor: Int64

    /// A cancelled removal: the class and the planner who cancelled it.
    public struct Unticked: Hashable, Sendable, Codable {
        /// Do-not-disturb class 1...15.
        public var dndClass: Int
        /// Sign-in name of the planner.
        public var by: String

        /// Joins class and planner.
        public init(dndClass: Int, by: String) {
            self.dndClass = dndClass
            self.by = by
        }
    }

    /// Makes a spec; see the properties.
    public init(
        id: CampaignID,
        revision: Int = 1,
        name: String,
        category: String,
        product: String? = nil,
        conflictingProducts: [String] = [],
        channel: ChannelClass = .sms,
        isChannelConfirmed: Bool = true,
        validFrom: LocalDay,
        validTo: LocalDay,
        unticked: [Unticked] = [],
        score: String? = nil,
        limit: Int? = nil,
        capacity: Int? = nil,
        budgetMinor: Int64? = nil,
        costPerContactMinor: Int64 = 0,
        controlPPM: Int = 0,
        touchpoints: [Touchpoint] = [],
        priority: Int = Self.usualPriority,
        personalPriority: String? = nil,
        valuePerOrderMinor: Int64 = 0
    ) {
        self.id = id
        self.revision = revision
        self.name = name
        self.category = category
        self.product = product
        self.conflictingProducts = conflictingProducts
        self.channel = channel
        self.isChannelConfirmed = isChannelConfirmed
        self.validFrom = validFrom
        self.validTo = validTo
        self.unticked = unticked
        self.score = score
        self.limit = limit
        self.capacity = capacity
        self.budgetMinor = budgetMinor
        self.costPerContactMinor = costPerContactMinor
        self.controlPPM = controlPPM
        self.touchpoints = touchpoints
        self.priority = priority
        self.personalPriority = personalPriority
        self.valuePerOrderMinor = valuePerOrderMinor
    }

    /// The general priority of a campaign that says nothing else, in the middle of 1...9.
    public static let usualPriority = 5

    /// Reads a spec; what earlier revisions did not have yet gets the value that changes nothing.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try c.decode(CampaignID.self, forKey: .id),
            revision: try c.decode(Int.self, forKey: .revision),
            name: try c.decode(String.self, forKey: .name),
            category: try c.decode(String.self, forKey: .category),
            product: try c.decodeIfPresent(String.self, forKey: .product),
            conflictingProducts: try c.decode([String].self, forKey: .conflictingProducts),
            channel: try c.decode(ChannelClass.self, forKey: .channel),
            isChannelConfirmed: try c.decode(Bool.self, forKey: .isChannelConfirmed),
            validFrom: try c.decode(LocalDay.self, forKey: .validFrom),
            validTo: try c.decode(LocalDay.self, forKey: .validTo),
            unticked: try c.decode([Unticked].self, forKey: .unticked),
            score: try c.decodeIfPresent(String.self, forKey: .score),
            limit: try c.decodeIfPresent(Int.self, forKey: .limit),
            capacity: try c.decodeIfPresent(Int.self, forKey: .capacity),
            budgetMinor: try c.decodeIfPresent(Int64.self, forKey: .budgetMinor),
            costPerContactMinor: try c.decode(Int64.self, forKey: .costPerContactMinor),
            controlPPM: try c.decode(Int.self, forKey: .controlPPM),
            touchpoints: try c.decodeIfPresent([Touchpoint].self, forKey: .touchpoints) ?? [],
            priority: try c.decodeIfPresent(Int.self, forKey: .priority) ?? Self.usualPriority,
            personalPriority: try c.decodeIfPresent(String.self, forKey: .personalPriority),
            valuePerOrderMinor: try c.decodeIfPresent(Int64.self, forKey: .valuePerOrderMinor) ?? 0
        )
    }

    /// Most contacts the budget pays for; nil = unlimited.
    public var contactsWithinBudget: Int? {
        guard let budgetMinor, costPerContactMinor > 0 else { return nil }
        return Int(max(0, budgetMinor) / costPerContactMinor)
    }
}

/// A special list: its code and, where entries are by channel, the channel class (area LST).
public struct ListID: Hashable, Comparable, Sendable, Codable {
    /// One of `dnd_01` to `dnd_15`, `black`, `grey`, `white`, or another list of the operator.
    public var code: String
    /// The only channel class the entries block; nil = every channel.
    public var channel: ChannelClass?

    /// Joins code and channel.
    public init(_ code: String, channel: ChannelClass? = nil) {
        self.code = code
        self.channel = channel
    }

    /// Codes of the lists every operator has (area LST).
    public static let standardCodes: Set<String> = Set(
        (1...15).map { Outcome.dnd(class: $0).code } + ["black", "grey", "white", "important", "vip"]
            + Preference.allCases.map(\.rawValue)
    )

    /// The list that people name: `requested` (主动要求屏蔽) is class 1, `sensitive` (敏感投诉) class 2; others by their code.
    public init(named name: String, channel: ChannelClass? = nil) {
        let classes = ["requested": 1, "sensitive": 2]
        self.init(classes[name].map { Outcome.dnd(class: $0).code } ?? name, channel: channel)
    }

    /// The lists that a name like `black` or `dnd_01@sms` stands for: the one for all channels and, with a channel behind the
    /// name, that for the channel.
    public static func lists(named name: String) -> [ListID] {
        let parts = name.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return [ListID(name)] }
        guard let channel = ChannelClass(code: parts[1]) else { return [] }
        return [ListID(parts[0]), ListID(parts[0], channel: channel)]
    }

    /// The list of do-not-disturb class 1...15.
    public static func dnd(_ number: Int, channel: ChannelClass? = nil) -> ListID {
        ListID(Outcome.dnd(class: number).code, channel: channel)
    }

    /// Orders by code, then channel (all channels first).
    public static func < (a: ListID, b: ListID) -> Bool {
        (a.code, Int(a.channel?.rawValue ?? 0) + (a.channel == nil ? 0 : 1))
            < (b.code, Int(b.channel?.rawValue ?? 0) + (b.channel == nil ? 0 : 1))
    }
}
