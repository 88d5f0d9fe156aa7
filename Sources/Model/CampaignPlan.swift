// Campaigns and approvals as planners and approvers work with them.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Where a campaign stands for people (CMP-14).
public enum CampaignPhase: String, Sendable, CaseIterable, Codable {
    /// Being planned.
    case draft
    /// Waiting for an approver.
    case submitted
    /// Passed; may run.
    case approved
    /// Running or sending.
    case running
    /// Paused by hand.
    case paused
    /// Stopped by hand; what had not left was released.
    case stopped
    /// Everything was sent and answered or expired.
    case finished
    /// Failed at approval.
    case rejected

    /// Phases that may follow this one; the one table of allowed transitions.
    public var next: Set<CampaignPhase> {
        switch self {
        case .draft: [.submitted]
        case .submitted: [.draft, .approved, .rejected]
        case .approved: [.running, .stopped]
        case .running: [.paused, .stopped, .finished]
        case .paused: [.running, .stopped]
        case .stopped, .finished, .rejected: []
        }
    }
}

/// A campaign as it is planned: who, what, when, where and why (CMP-11), and the controls around it.
public struct CampaignPlan: Hashable, Sendable, Codable {
    /// Name, unique among campaigns.
    public var name: String
    /// The scene it was made from.
    public var scene: String
    /// Why: the goal in the planner's words.
    public var goal: String
    /// Why: category for similarity.
    public var category: String
    /// Who: the segment.
    public var segment: Int64
    /// What: product on offer; nil for care without a product.
    public var product: String?
    /// What: the message text; 1...1 000 characters.
    public var message: String
    /// What: value of one order in minor units, for the benefit.
    public var valuePerOrderMinor: Int64
    /// When: planned slot.
    public var planned: LocalTime
    /// When: last local day of validity.
    public var validTo: LocalDay
    /// Where: channel class.
    public var channel: ChannelClass
    /// Attribute or expression that ranks; nil = by lot.
    public var score: String?
    /// Most contacts; nil = everybody.
    public var limit: Int?
    /// Budget in minor units; nil = unlimited.
    public var budgetMinor: Int64?
    /// Cost of one message part in minor units.
    public var costPerPartMinor: Int64
    /// Share of control in millionths.
    public var controlPPM: Int
    /// Do-not-disturb classes the planner unticked.
    public var unticked: [Int]
    /// Products that exclude this one.
    public var conflictingProducts: [String]
    /// Where the offer pool shows it besides (LNK-04); empty = nowhere.
    public var touchpoints: [Touchpoint]
    /// What clerks and agents say, and sites show; nil = the message.
    public var script: String?
    /// General priority among a subscriber's offers, 1 first, 9 last (CFL-09).
    public var priority: Int
    /// Expression that orders offers of equal general priority for one subscriber; higher first (CFL-10).
    public var personalPriority: String?

    /// Makes a plan with the fields every scene fills; the others start empty.
    public init(
        name: String,
        scene: String,
        goal: String,
        category: String,
        segment: Int64,
        message: String,
        planned: LocalTime,
        validTo: LocalDay,
        channel: ChannelClass = .sms
    ) {
        self.name = name
        self.scene = scene
        self.goal = goal
        self.category = category
        self.segment = segment
        self.message = message
        self.planned = planned
        self.validTo = validTo
        self.channel = channel
        valuePerOrderMinor = 0
        costPerPartMinor = 0
        controlPPM = 100_000
        unticked = []
        conflictingProducts = []
        touchpoints = []
        priority = CampaignSpec.usualPriority
    }

    /// Reads a plan; what earlier versions did not have yet gets the value that changes nothing.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            name: try c.decode(String.self, forKey: .name),
            scene: try c.decode(String.self, forKey: .scene),
            goal: try c.decode(String.self, forKey: .goal),
            category: try c.decode(String.self, forKey: .category),
            segment: try c.decode(Int64.self, forKey: .segment),
            message: try c.decode(String.self, forKey: .message),
            planned: try c.decode(LocalTime.self, forKey: .planned),
            validTo: try c.decode(LocalDay.self, forKey: .validTo),
            channel: try c.decode(ChannelClass.self, forKey: .channel)
        )
        product = try c.decodeIfPresent(String.self, forKey: .product)
        valuePerOrderMinor = try c.decode(Int64.self, forKey: .valuePerOrderMinor)
        score = try c.decodeIfPresent(String.self, forKey: .score)
        limit = try c.decodeIfPresent(Int.self, forKey: .limit)
        budgetMinor = try c.decodeIfPresent(Int64.self, forKey: .budgetMinor)
        costPerPartMinor = try c.decode(Int64.self, forKey: .costPerPartMinor)
        controlPPM = try c.decode(Int.self, forKey: .controlPPM)
        unticked = try c.decode([Int].self, forKey: .unticked)
        conflictingProducts = try c.decode([String].self, forKey: .conflictingProducts)
        touchpoints = try c.decodeIfPresent([Touchpoint].self, forKey: .touchpoints) ?? touchpoints
        script = try c.decodeIfPresent(String.self, forKey: .script)
        priority = try c.decodeIfPresent(Int.self, forKey: .priority) ?? priority
        personalPriority = try c.decodeIfPresent(String.self, forKey: .personalPriority)
    }

    /// Whether the campaign begins contacts itself; else it waits at its touchpoints.
    public var hasWaves: Bool { channel == .sms || channel == .outbound }

    /// Length of the message and the number of SMS it is sent as.
    ///
    /// Text outside the GSM 7-bit alphabet is sent as UCS-2: 70 characters in one part, 67 in each of several;
    /// otherwise 160 and 153 (3GPP TS 23.040, 9.2.3.24.1). Characters are counted in UTF-16 units, as UCS-2 sends them.
    public var messageSize: (characters: Int, parts: Int) {
        let isGSM = message.unicodeScalars.allSatisfy { Self.gsmAlphabet.contains($0) }
        let extended = isGSM ? message.unicodeScalars.count { Self.gsmExtension.contains($0) } : 0
        let length = isGSM ? message.unicodeScalars.count + extended : message.utf16.count
        let (single, each) = isGSM ? (160, 153) : (70, 67)
        return (length, length <= single ? (length == 0 ? 0 : 1) : (length + each - 1) / each)
    }

    private static let gsmExtension = Set("^{}\\[~]|€".unicodeScalars)
    private static let gsmAlphabet = gsmExtension.union(
        Set(
            ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
                + "abcdefghijklmnopqrstuvwxyzäöñüà").unicodeScalars
        )
    )
}

/// A campaign in the control plane.
public struct Campaign: Hashable, Sendable, Codable {
    /// Number, unique; 0 until saved.
    public var id: CampaignID
    /// Version for optimistic updates; 0 until saved.
    public var version: Int
    /// Revision of the plan; a new one for each edit.
    public var revision: Int
    /// The plan.
    public var plan: CampaignPlan
    /// Where it stands.
    public var phase: CampaignPhase
    /// Who plans it; may not approve it.
    public var owner: String
    /// Whose it is.
    public var scope: OrganisationScope
    /// Result of the last dry run; nil when there was none since the last edit.
    public var dryRun: DryRunRecord?
    /// Last change.
    public var updatedAt: Instant

    /// Makes a campaign that is not saved yet.
    public init(plan: CampaignPlan, owner: String, scope: OrganisationScope, updatedAt: Instant) {
        id = CampaignID(0)
        version = 0
        revision = 1
        self.plan = plan
        phase = .draft
        self.owner = owner
        self.scope = scope
        self.updatedAt = updatedAt
    }
}

/// What a dry run said, as the approver sees it.
public struct DryRunRecord: Hashable, Sendable, Codable {
    /// When it ran.
    public var at: Instant
    /// Members per outcome code.
    public var outcomes: [String: Int64]
    /// Outcome hash as hexadecimal digits.
    public var outcomeSHA256: String
    /// Cost of all contacts in minor units.
    public var costMinor: Int64

    /// Makes a record; see the properties.
    public init(at: Instant, outcomes: [String: Int64], outcomeSHA256: String, costMinor: Int64) {
        self.at = at
        self.outcomes = outcomes
        self.outcomeSHA256 = outcomeSHA256
        self.costMinor = costMinor
    }
}

/// What an approver decides (APR-03).
public enum ApprovalResult: String, Sendable, CaseIterable, Codable {
    /// 通过
    case pass
    /// 退回修改
    case adjust
    /// 不通过
    case fail

    /// The phase the campaign goes to.
    public var phase: CampaignPhase {
        switch self {
        case .pass: .approved
        case .adjust: .draft
        case .fail: .rejected
        }
    }

    /// The state a segment goes to that waited for the decision (SEG-23).
    public var segmentState: SegmentState {
        switch self {
        case .pass: .published
        case .adjust: .computed
        case .fail: .expired
        }
    }
}

/// One submission of a campaign revision for approval, and what came of it.
public struct Approval: Hashable, Sendable, Codable {
    /// Number, unique; 0 until saved.
    public var id: Int64
    /// The campaign.
    public var campaign: CampaignID
    /// The revision that was submitted.
    public var revision: Int
    /// Who submitted it.
    public var submittedBy: String
    /// When.
    public var submittedAt: Instant
    /// What was decided; nil while it waits.
    public var result: ApprovalResult?
    /// Who decided.
    public var decidedBy: String?
    /// When.
    public var decidedAt: Instant?
    /// Why; required for all results but pass.
    public var reason: String?

    /// Makes a submission that waits.
    public init(campaign: CampaignID, revision: Int, submittedBy: String, submittedAt: Instant) {
        id = 0
        self.campaign = campaign
        self.revision = revision
        self.submittedBy = submittedBy
        self.submittedAt = submittedAt
    }
}

/// A change of a do-not-disturb or special list by hand, kept beside the log because it names reasons and people.
public struct ListChange: Hashable, Sendable, Codable {
    /// When.
    public var at: Instant
    /// Who.
    public var who: String
    /// The list.
    public var list: ListID
    /// The subscriber.
    public var index: UInt32
    /// Whether the subscriber was added (true) or removed.
    public var isAdded: Bool
    /// Why.
    public var reason: String

    /// Makes a change; see the properties.
    public init(at: Instant, who: String, list: ListID, index: UInt32, isAdded: Bool, reason: String) {
        self.at = at
        self.who = who
        self.list = list
        self.index = index
        self.isAdded = isAdded
        self.reason = reason
    }
}

/// What a list of numbers does to a special list.
public enum ListImportMode: String, Hashable, Sendable, Codable, CaseIterable {
    /// Puts everybody in it on the list.
    case add
    /// Takes everybody in it off the list.
    case remove
    /// Leaves on the list, of those the importer may see, exactly who is in it.
    case replace
}

/// A list of numbers that changed a special list: one entry, however many it named.
public struct ListImportRecord: Hashable, Sendable {
    /// When.
    public var at: Instant
    /// Who.
    public var who: String
    /// The list.
    public var list: ListID
    /// What was done.
    public var mode: ListImportMode
    /// Name of the file, without folders.
    public var source: String
    /// Why.
    public var reason: String
    /// Rows of the file, and those that named nobody new.
    public var rows: Int
    public var leftOut: Int
    /// Subscribers put on the list and taken off it.
    public var added: Int
    public var removed: Int
    /// Bitmap files of those; nil when there are none, or when each has a ``ListChange``.
    public var addedFile: ContentHash?
    public var removedFile: ContentHash?

    /// Makes a record of an import that did nothing yet.
    public init(at: Instant, who: String, list: ListID, mode: ListImportMode, source: String, reason: String) {
        self.at = at
        self.who = who
        self.list = list
        self.mode = mode
        self.source = source
        self.reason = reason
        (rows, leftOut, added, removed) = (0, 0, 0, 0)
    }
}

/// A load of an operator's file.
public struct LoadRecord: Hashable, Sendable, Codable {
    /// Identifier; the same file and mapping give the same.
    public var id: String
    /// When it was committed.
    public var at: Instant
    /// Name of the file, without folders.
    public var file: String
    /// Table it fills.
    public var table: String
    /// Rows read, loaded and rejected.
    public var rows: Int
    public var loaded: Int
    public var rejected: Int
    /// Folder of the Parquet files inside the data directory.
    public var folder: String

    /// Makes a record; see the properties.
    public init(
        id: String,
        at: Instant,
        file: String,
        table: String,
        rows: Int,
        loaded: Int,
        rejected: Int,
        folder: String
    ) {
        self.id = id
        self.at = at
        self.file = file
        self.table = table
        self.rows = rows
        self.loaded = loaded
        self.rejected = rejected
        self.folder = folder
    }
}
