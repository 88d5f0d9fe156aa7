// Arbitrations across campaigns as planners work with them: what competes, under which limits, and what became of it.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A campaign that takes part in an arbitration, and the fewest contacts it must get.
public struct ArbitrationEntry: Hashable, Sendable, Codable {
    /// The campaign.
    public var campaign: CampaignID
    /// The revision that takes part; another one makes a result void.
    public var revision: Int
    /// Contacts it must get at least; 0 = none.
    public var minimum: Int

    /// Joins the parts.
    public init(campaign: CampaignID, revision: Int, minimum: Int = 0) {
        self.campaign = campaign
        self.revision = revision
        self.minimum = minimum
    }
}

/// How many contacts the channels of a class take on a day.
public struct ArbitrationCapacity: Hashable, Sendable, Codable {
    /// The class.
    public var channel: ChannelClass
    /// The day; nil = each day of the window that has no capacity of its own.
    public var day: LocalDay?
    /// Contacts.
    public var limit: Int

    /// Joins the parts.
    public init(channel: ChannelClass, day: LocalDay? = nil, limit: Int) {
        self.channel = channel
        self.day = day
        self.limit = limit
    }
}

/// What the planner may set: who gets how much at most, what the channels take, what campaigns need.
public struct ArbitrationSetup: Hashable, Sendable, Codable {
    /// The first day of the window.
    public var from: LocalDay
    /// Its last day.
    public var to: LocalDay
    /// The campaigns whose waves lie in the window, by number.
    public var entries: [ArbitrationEntry]
    /// Offers a subscriber may get in the window.
    public var perSubscriber: Int
    /// Offers a subscriber may get in the window by channel class; classes not named: as many as in all.
    public var perClass: [ChannelClass: Int]
    /// Contacts by class and day; what is not named is not limited.
    public var capacities: [ArbitrationCapacity]

    /// Joins the parts; see the properties.
    public init(
        from: LocalDay,
        to: LocalDay,
        entries: [ArbitrationEntry],
        perSubscriber: Int = 1,
        perClass: [ChannelClass: Int] = [:],
        capacities: [ArbitrationCapacity] = []
    ) {
        self.from = from
        self.to = to
        self.entries = entries
        self.perSubscriber = perSubscriber
        self.perClass = perClass
        self.capacities = capacities
    }

    /// Contacts that a class takes on a day; nil = not limited.
    public func capacity(_ channel: ChannelClass, on day: LocalDay) -> Int? {
        capacities.last { $0.channel == channel && $0.day == day }?.limit
            ?? capacities.last { $0.channel == channel && $0.day == nil }?.limit
    }
}

/// A limit of an arbitration; its name is what the solution and the API call it.
public enum ArbitrationLimit: Hashable, Sendable {
    /// Contacts of a channel class on a day.
    case capacity(ChannelClass, LocalDay)
    /// Contacts of a campaign, from its plan.
    case limit(CampaignID)
    /// Spending of a campaign, from its plan.
    case budget(CampaignID)
    /// Contacts a campaign must get.
    case minimum(CampaignID)

    /// For example `capacity/sms/2026-11-27` or `budget/12`.
    public var name: String {
        switch self {
        case .capacity(let channel, let day): "capacity/\(channel.code)/\(day.iso)"
        case .limit(let campaign): "limit/\(campaign.number)"
        case .budget(let campaign): "budget/\(campaign.number)"
        case .minimum(let campaign): "minimum/\(campaign.number)"
        }
    }

    /// Reads ``name``; nil for any other text.
    public init?(name: String) {
        let parts = name.split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("capacity", 3):
            guard let channel = ChannelClass(code: parts[1]), let day = LocalDay(iso: parts[2]) else { return nil }
            self = .capacity(channel, day)
        case ("limit", 2), ("budget", 2), ("minimum", 2):
            guard let number = Int64(parts[1]) else { return nil }
            let campaign = CampaignID(number)
            self =
                parts[0] == "limit" ? .limit(campaign) : parts[0] == "budget" ? .budget(campaign) : .minimum(campaign)
        default: return nil
        }
    }
}

/// A minimum volume that cannot be met, or was not.
public struct ArbitrationShortfall: Hashable, Sendable, Codable {
    /// Why.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// The campaign has too few candidates; proven.
        case candidates
        /// The limits named allow fewer contacts, even if they served nothing else; proven.
        case limits
        /// The limit named serves several minimums and does not hold their sum; proven.
        case shared
        /// All limits and minimums together allow fewer; proven.
        case together
        /// The search did not meet it; whether it can be met is not known.
        case notReached
    }

    /// Whose minimum it is.
    public var campaign: CampaignID
    /// Contacts asked for.
    public var wanted: Int64
    /// Contacts that are possible at most; those reached when not known.
    public var possible: Int64
    /// Why.
    public var reason: Reason
    /// Names of the limits in the way (``ArbitrationLimit/name``).
    public var limits: [String]

    /// Joins the parts; see the properties.
    public init(campaign: CampaignID, wanted: Int64, possible: Int64, reason: Reason, limits: [String]) {
        self.campaign = campaign
        self.wanted = wanted
        self.possible = possible
        self.reason = reason
        self.limits = limits
    }
}

/// Figures of a solved arbitration; all values in minor currency units.
public struct ArbitrationFigures: Hashable, Sendable, Codable {
    /// Contacts assigned.
    public var contacts: Int64
    /// Expected value of the assignment.
    public var valueMinor: Int64
    /// Proven upper bound of the value of any assignment.
    public var boundMinor: Int64
    /// Expected value of taking the best candidate that fits, again and again; nil when that misses a minimum.
    public var greedyMinor: Int64?
    /// What the value may be short of the best possible, in millionths of the bound.
    public var gapPPM: Int64
    /// Milliseconds it took.
    public var milliseconds: Int64

    /// Joins the figures.
    public init(
        contacts: Int64,
        valueMinor: Int64,
        boundMinor: Int64,
        greedyMinor: Int64?,
        gapPPM: Int64,
        milliseconds: Int64
    ) {
        self.contacts = contacts
        self.valueMinor = valueMinor
        self.boundMinor = boundMinor
        self.greedyMinor = greedyMinor
        self.gapPPM = gapPPM
        self.milliseconds = milliseconds
    }
}

/// Where an arbitration stands.
public enum ArbitrationState: String, Sendable, CaseIterable, Codable {
    /// It is being solved.
    case solving
    /// There is a result; no wave goes by it.
    case solved
    /// Minimum volumes cannot be met, or were not.
    case infeasible
    /// Something went wrong.
    case failed
    /// The waves of its campaigns go by it.
    case adopted
    /// It was adopted and taken back.
    case withdrawn

    /// Where it can go from here.
    public var next: Set<ArbitrationState> {
        switch self {
        case .solving: [.solved, .infeasible, .failed]
        case .solved, .withdrawn: [.adopted]
        case .adopted: [.withdrawn]
        case .infeasible, .failed: []
        }
    }
}

/// An arbitration across campaigns (多活动统筹).
///
/// Its setup never changes; other limits make another arbitration that starts from this one's prices.
public struct Arbitration: Hashable, Sendable {
    /// Number, unique; 0 until saved.
    public var id: Int64
    /// Counts changes, for optimistic updates; 0 until saved.
    public var version: Int
    /// What people call it.
    public var name: String
    /// Campaigns and limits.
    public var setup: ArbitrationSetup
    /// The arbitration whose prices it starts from.
    public var previous: Int64?
    /// Where it stands.
    public var state: ArbitrationState
    /// The file of the result, once solved.
    public var result: ContentHash?
    /// Its figures.
    public var figures: ArbitrationFigures?
    /// Minimums that are short, when infeasible.
    public var shortfalls: [ArbitrationShortfall]
    /// What went wrong, when failed: a stable code, a colon, and a sentence.
    public var problem: String?
    /// Sign-in name of who asked for it.
    public var owner: String
    /// The part of the organisation it is for.
    public var scope: OrganisationScope
    /// When it was asked for.
    public var createdAt: Instant
    /// When it last changed.
    public var updatedAt: Instant
    /// Sign-in name of who adopted it last.
    public var adoptedBy: String?
    /// When that was.
    public var adoptedAt: Instant?

    /// Asks for an arbitration; see the properties.
    public init(
        name: String,
        setup: ArbitrationSetup,
        previous: Int64? = nil,
        owner: String,
        scope: OrganisationScope,
        at now: Instant
    ) {
        id = 0
        version = 0
        self.name = name
        self.setup = setup
        self.previous = previous
        state = .solving
        shortfalls = []
        self.owner = owner
        self.scope = scope
        createdAt = now
        updatedAt = now
    }
}
