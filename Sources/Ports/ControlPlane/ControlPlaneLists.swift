// How lists of the control plane are searched, ordered and cut into pages.
// SPDX-License-Identifier: Apache-2.0

public import Model

/// A page of a list: what is on it, and how many there are on all pages.
public struct Page<Element: Sendable>: Sendable {
    /// The rows of this page.
    public var rows: [Element]
    /// Rows on all pages.
    public var total: Int

    /// Joins rows and total.
    public init(rows: [Element], total: Int) {
        self.rows = rows
        self.total = total
    }
}

extension Page: Equatable where Element: Equatable {}

/// Which rows of a list are wanted: text to search, order, and place.
public struct ListQuery: Hashable, Sendable {
    /// Part of a name or another visible text, taken literally; ASCII letters match in both cases; empty = all.
    public var search: String
    /// Raw value of a ``ListColumn`` of the list; any other text means the list's own order and direction.
    public var order: String
    /// Whether the order is descending; rows that are equal in it follow their number in the same direction.
    public var isDescending: Bool
    /// Rows to skip, at least 0.
    public var offset: Int { didSet { offset = max(0, offset) } }
    /// Most rows on the page, 1...1 000.
    public var limit: Int { didSet { limit = Self.clamped(limit) } }

    /// Makes a query; see the properties, whose ranges hold: a number outside becomes the nearest inside.
    public init(search: String = "", order: String = "", isDescending: Bool = true, offset: Int = 0, limit: Int = 20) {
        self.search = search
        self.order = order
        self.isDescending = isDescending
        self.offset = max(0, offset)
        self.limit = Self.clamped(limit)
    }

    private static func clamped(_ limit: Int) -> Int { min(max(1, limit), 1000) }

    /// The column and direction asked for, or the list's own.
    public func order<Column: ListColumn>(by _: Column.Type) -> (column: Column, isDescending: Bool) {
        Column(rawValue: order).map { ($0, isDescending) } ?? Column.ownOrder
    }
}

/// The columns a list can be ordered by, by the names used in addresses and the API.
///
/// Objects without a value in the column come before all others, last when descending.
public protocol ListColumn: RawRepresentable, CaseIterable, Sendable where RawValue == String {
    /// The order when none is asked for.
    static var ownOrder: (column: Self, isDescending: Bool) { get }
}

/// Orders of the staff list; by login unless asked otherwise.
public enum StaffColumn: String, ListColumn {
    case login, name, role

    public static var ownOrder: (column: Self, isDescending: Bool) { (.login, false) }
}

/// Orders of the segment list; last changed first unless asked otherwise.
public enum SegmentColumn: String, ListColumn {
    case name, owner, count, state, updated

    public static var ownOrder: (column: Self, isDescending: Bool) { (.updated, true) }
}

/// An audience to be recorded, and what becomes of its segment with it.
public struct AudienceRecording: Sendable {
    /// The audience, not numbered yet.
    public var audience: Audience
    /// The segment it was found for.
    public var segment: Segment
    /// Who found it.
    public var audit: AuditEntry

    /// Joins all.
    public init(audience: Audience, segment: Segment, audit: AuditEntry) {
        (self.audience, self.segment, self.audit) = (audience, segment, audit)
    }
}

/// Which segments a list shows.
public struct SegmentFilter: Hashable, Sendable {
    /// States.
    public var states: Set<SegmentState>
    /// Models only, or all but models; nil = both.
    public var isTemplate: Bool?
    /// Those that wait for another's decision, or all but those; nil = both.
    public var isWaiting: Bool?
    /// Those that are computed anew in one of these ways.
    public var refreshes: Set<SegmentRefresh>

    /// All segments unless said otherwise.
    public init(
        states: Set<SegmentState> = Set(SegmentState.allCases),
        isTemplate: Bool? = nil,
        isWaiting: Bool? = nil,
        refreshes: Set<SegmentRefresh> = Set(SegmentRefresh.allCases)
    ) {
        self.states = states
        self.isTemplate = isTemplate
        self.isWaiting = isWaiting
        self.refreshes = refreshes
    }

    /// Whether a segment is shown.
    public func contains(_ segment: Segment) -> Bool {
        states.contains(segment.state) && refreshes.contains(segment.refresh)
            && isTemplate.map { $0 == segment.isTemplate } != false
            && isWaiting.map { $0 == segment.isWaiting } != false
    }
}

/// Orders of the list of exports of segments; newest first unless asked otherwise.
public enum SegmentExportColumn: String, ListColumn {
    case number, name, who, state

    public static var ownOrder: (column: Self, isDescending: Bool) { (.number, true) }
}

/// Orders of the list of data requests; newest first unless asked otherwise.
///
/// `state` follows the life of a request, in the order of ``DataRequestState``.
public enum DataRequestColumn: String, ListColumn {
    case number, title, who, worker, wanted, state, updated

    public static var ownOrder: (column: Self, isDescending: Bool) { (.number, true) }
}

/// Which data requests a list shows.
public struct DataRequestFilter: Hashable, Sendable {
    /// Somebody, and whether he may work on data requests.
    public struct Reader: Hashable, Sendable {
        /// His sign-in name.
        public var login: String
        /// Whether he may take requests.
        public var isWorker: Bool

        /// Joins both.
        public init(login: String, isWorker: Bool) { (self.login, self.isWorker) = (login, isWorker) }
    }

    /// States.
    public var states: Set<DataRequestState>
    /// Raised by somebody; nil = by anybody.
    public var requestedBy: String?
    /// Those whose turn it is (``DataRequest/waits(for:isWorker:)``); nil = all.
    public var waitingFor: Reader?

    /// All requests unless said otherwise.
    public init(
        states: Set<DataRequestState> = Set(DataRequestState.allCases),
        requestedBy: String? = nil,
        waitingFor: Reader? = nil
    ) {
        (self.states, self.requestedBy, self.waitingFor) = (states, requestedBy, waitingFor)
    }

    /// Whether a request is shown.
    public func contains(_ request: DataRequest) -> Bool {
        states.contains(request.state) && requestedBy.map { $0 == request.requestedBy } != false
            && waitingFor.map { request.waits(for: $0.login, isWorker: $0.isWorker) } != false
    }
}

/// Orders of the campaign list; last changed first unless asked otherwise.
///
/// `phase` follows the life of a campaign: draft, submitted, approved, running, paused, stopped, finished, rejected.
public enum CampaignColumn: String, ListColumn {
    case name, owner, phase, planned, updated

    public static var ownOrder: (column: Self, isDescending: Bool) { (.updated, true) }
}

/// Orders of the list of waiting approvals; longest waiting first unless asked otherwise.
public enum ApprovalColumn: String, ListColumn {
    case campaign, submitter, submitted

    public static var ownOrder: (column: Self, isDescending: Bool) { (.submitted, false) }
}

/// Orders of drafts of the contact policy; last changed first unless asked otherwise.
public enum PolicyDraftColumn: String, ListColumn {
    case number, author, note, updated

    public static var ownOrder: (column: Self, isDescending: Bool) { (.updated, true) }
}

/// Orders of revisions of the contact policy; newest first unless asked otherwise.
public enum PolicyRevisionColumn: String, ListColumn {
    case number, at, who, note

    public static var ownOrder: (column: Self, isDescending: Bool) { (.number, true) }
}

/// Orders of revisions of the attribute catalogue; newest first unless asked otherwise.
public enum CatalogueRevisionColumn: String, ListColumn {
    case number, at, who, reason

    public static var ownOrder: (column: Self, isDescending: Bool) { (.number, true) }
}

/// Columns arbitrations are ordered by.
public enum ArbitrationColumn: String, ListColumn {
    case number, name, owner, state, updated

    public static var ownOrder: (column: Self, isDescending: Bool) { (.updated, true) }
}

/// Orders of the audit log; newest first unless asked otherwise.
public enum AuditColumn: String, ListColumn {
    case at, who, action, object

    public static var ownOrder: (column: Self, isDescending: Bool) { (.at, true) }
}
