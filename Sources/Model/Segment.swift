// Segments as planners work with them: a definition, its life, and the audiences frozen from it (SEG).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Where a segment stands (SEG-20).
public enum SegmentState: String, Sendable, CaseIterable, Codable {
    /// Begun; its definition need not be right yet.
    case draft
    /// Its definition is right; members are found when they are asked for.
    case saved
    /// An audience of its present definition is frozen.
    case computed
    /// An audience is released: campaigns and other systems use exactly that one.
    case published
    /// Not used for anything new any more.
    case expired

    /// States that may follow this one; the one table of allowed transitions.
    public var next: Set<SegmentState> {
        switch self {
        case .draft: [.saved]
        case .saved: [.computed, .expired]
        case .computed: [.saved, .published, .expired]
        case .published: [.saved, .computed, .expired]
        case .expired: [.saved]
        }
    }
}

/// Who may see and use a segment.
public enum SegmentSharing: String, Sendable, CaseIterable, Codable {
    /// Its owner.
    case owner
    /// Everybody whose scope covers that of the segment.
    case scope
    /// Everybody; others than those above see and use it, and do not change it.
    case everyone
}

/// When a segment is computed anew by itself (SEG-36).
public enum SegmentRefresh: String, Sendable, CaseIterable, Codable {
    /// Never: members are those of the last time somebody asked.
    case byHand = "by_hand"
    /// When attributes, or tables of behaviour that it asks, were loaded.
    case onLoad = "on_load"
    /// Every full hour, and when attributes were loaded.
    case hourly
    /// Every day, and when attributes were loaded.
    case daily
    /// Every Monday, and at no other time, whatever was loaded.
    case weekly
    /// On the first day of every month, and at no other time, whatever was loaded.
    case monthly
    /// Members are found anew whenever the segment is used (动态目标群, SEG-07).
    case atUse = "at_use"

    /// Whether it is computed anew when attributes, or tables of behaviour that it asks, were loaded.
    public var followsLoads: Bool { [.onLoad, .hourly, .daily].contains(self) }

    /// Whether its time has come.
    ///
    /// - Parameters:
    ///   - last: When it was computed last.
    ///   - now: The operator's time.
    /// - Returns: False for what has no times.
    public func hasCome(since last: LocalTime, at now: LocalTime) -> Bool {
        switch self {
        case .byHand, .onLoad, .atUse: false
        case .hourly: (last.day, last.minuteOfDay / 60) < (now.day, now.minuteOfDay / 60)
        case .daily: last.day < now.day
        case .weekly: last.day < now.day.adding(days: 1 - now.day.weekday)
        case .monthly: last.month < now.month
        }
    }
}

/// A saved definition of a target customer group (SEG).
public struct Segment: Hashable, Sendable {
    /// Number, unique; 0 until saved.
    public var id: Int64 = 0
    /// Version for optimistic updates; 0 until saved.
    public var version = 0
    /// Revision of the definition; each change makes the next, and earlier ones stay readable.
    public var revision = 1
    /// Name, unique among segments.
    public var name: String
    /// What it is for, in the owner's words; may be empty.
    public var purpose = ""
    /// How members are found.
    public var definition: SegmentDefinition
    /// Where it stands.
    public var state = SegmentState.saved
    /// Who made it.
    public var owner: String
    /// Whose it is; members outside the scope are left out.
    public var scope: OrganisationScope
    /// Who else may use it.
    public var sharing = SegmentSharing.scope
    /// Whether it is offered as a model for new ones (客户群模型, SEG-12).
    public var isTemplate = false
    /// When it is computed anew.
    public var refresh = SegmentRefresh.byHand
    /// Last local day it may be used; nil = without end.
    public var validTo: LocalDay?
    /// What it is matched with; campaigns begin with one of them.
    public var matches: [SegmentMatch] = []
    /// Members when last counted; nil when never.
    public var count: Int64?
    /// The last audience frozen from it.
    public var audience: Int64?
    /// The audience that is released; stays while a new revision is worked on.
    public var published: Int64?
    /// The last time it was handed in for another's decision; nil when it was not.
    public var review: SegmentReview?
    /// Last change.
    public var updatedAt: Instant

    /// Makes a segment that is not saved yet.
    public init(
        name: String,
        definition: SegmentDefinition,
        owner: String,
        scope: OrganisationScope,
        updatedAt: Instant
    ) {
        self.name = name
        self.definition = definition
        self.owner = owner
        self.scope = scope
        self.updatedAt = updatedAt
    }

    /// Makes a segment of a rule that is not saved yet.
    public init(name: String, rule: String, owner: String, scope: OrganisationScope, updatedAt: Instant) {
        self.init(
            name: name,
            definition: SegmentDefinition(.rule(rule)),
            owner: owner,
            scope: scope,
            updatedAt: updatedAt
        )
    }

    /// Whether a member of staff sees it and may use it.
    public func isVisible(to staff: Staff) -> Bool {
        sharing == .everyone || staff.login == owner || (sharing == .scope && staff.scope.covers(scope))
    }

    /// Whether a member of staff may change it.
    public func isEditable(by staff: Staff) -> Bool {
        staff.login == owner || (sharing != .owner && staff.scope.covers(scope))
    }
}

/// The definition of a segment as an earlier or the present revision had it.
public struct SegmentRevision: Hashable, Sendable {
    /// The segment.
    public var segment: Int64
    /// 1 for the first.
    public var number: Int
    /// Its name then.
    public var name: String
    /// How members were found.
    public var definition: SegmentDefinition
    /// Who saved it.
    public var who: String
    /// When.
    public var at: Instant

    /// Joins all.
    public init(segment: Int64, number: Int, name: String, definition: SegmentDefinition, who: String, at: Instant) {
        self.segment = segment
        self.number = number
        self.name = name
        self.definition = definition
        self.who = who
        self.at = at
    }
}

/// The frozen members of a segment at one moment (客户群快照); never changes.
public struct Audience: Hashable, Sendable {
    /// Number, unique; 0 until recorded.
    public var id: Int64 = 0
    /// The segment.
    public var segment: Int64
    /// The revision of its definition.
    public var revision: Int
    /// The members, as a file.
    public var file: ContentHash
    /// How many they are.
    public var count: Int64
    /// Subscribers there were.
    public var universe: Int64
    /// What each step of the definition did, in its order.
    public var steps: [SegmentStep]
    /// The load whose attributes were looked at.
    public var load: String
    /// What was looked at, when members were found each for himself: a later refresh looks at who changed since.
    public var lookedAt: LookedAt?
    /// What the tables of behaviour held that the definition asks for; nil when it asks for none.
    public var facts: ContentHash?
    /// Who asked for it.
    public var who: String
    /// When.
    public var at: Instant

    /// Joins all.
    public init(
        segment: Int64,
        revision: Int,
        file: ContentHash,
        count: Int64,
        universe: Int64,
        steps: [SegmentStep],
        load: String,
        lookedAt: LookedAt? = nil,
        facts: ContentHash? = nil,
        who: String,
        at: Instant
    ) {
        self.segment = segment
        self.revision = revision
        self.file = file
        self.count = count
        self.universe = universe
        self.steps = steps
        self.load = load
        self.lookedAt = lookedAt
        self.facts = facts
        self.who = who
        self.at = at
    }
}

extension Audience {
    /// What finding the members of an audience looked at, besides the definition.
    public struct LookedAt: Hashable, Sendable, Codable {
        /// The file of attributes, lists and day; see `RefreshedPast`.
        public var file: ContentHash
        /// The scope outside of which members were left out.
        public var scope: OrganisationScope

        /// Joins both.
        public init(file: ContentHash, scope: OrganisationScope) {
            self.file = file
            self.scope = scope
        }
    }
}

/// What one step of a definition took away (SEG-15).
public struct SegmentStep: Hashable, Sendable, Codable {
    /// The step.
    public enum Kind: Hashable, Sendable {
        /// Members of the source.
        case source
        /// Outside the organisation scope.
        case scope
        /// An exclusion, by its place in the definition.
        case exclusion(Int)
        /// More than one line of a customer.
        case onePerCustomer
        /// Not among the best or the sample.
        case pick
    }

    /// The step.
    public var kind: Kind
    /// Members it took away.
    public var removed: Int64
    /// Members left after it.
    public var left: Int64

    /// Joins all.
    public init(_ kind: Kind, removed: Int64, left: Int64) {
        self.kind = kind
        self.removed = removed
        self.left = left
    }
}

/// What a segment is used for (SEG-33).
public struct SegmentUse: Hashable, Sendable {
    /// A campaign, segment, delivery or data request that names it.
    public struct User: Hashable, Sendable {
        /// Its number.
        public var id: Int64
        /// Its name.
        public var name: String
        /// The product that a campaign offers.
        public var product: String?

        /// Joins all.
        public init(id: Int64, name: String, product: String? = nil) {
            (self.id, self.name, self.product) = (id, name, product)
        }
    }

    /// Campaigns whose plan names it, in any phase, by number.
    public var campaigns: [User]
    /// Segments whose definition names it, by number.
    public var segments: [User]
    /// Exports that go, or may yet go, to another system, by number; the name is the system's.
    public var deliveries: [User]
    /// Data requests that begin from it or are answered by it, by number; they keep nobody from deleting it.
    public var requests: [User]

    /// Joins all.
    public init(
        campaigns: [User] = [],
        segments: [User] = [],
        deliveries: [User] = [],
        requests: [User] = []
    ) {
        (self.campaigns, self.segments) = (campaigns, segments)
        (self.deliveries, self.requests) = (deliveries, requests)
    }

    /// Whether nothing uses it that keeps it from being deleted.
    public var isEmpty: Bool { campaigns.isEmpty && segments.isEmpty && deliveries.isEmpty }
}
