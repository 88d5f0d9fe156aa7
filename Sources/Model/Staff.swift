// Who works with Gyre: staff, roles, what a role may do, and for which part of the organisation.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// What staff of a role may do (SEC-02).
public enum Role: String, Sendable, CaseIterable, Codable {
    /// Plans segments and campaigns.
    case planner
    /// Approves campaigns of others.
    case approver
    /// Answers customers: makes offers, looks up contacts, registers do-not-disturb; also for systems of touchpoints.
    case agent
    /// Manages staff, reads the audit log, and erases subscribers on request.
    case administrator

    /// The permissions of the role.
    public var permissions: Set<Permission> {
        switch self {
        case .planner:
            [
                .viewSegments, .editSegments, .viewCampaigns, .editCampaigns, .runCampaigns, .viewLists, .editLists,
                .explain, .viewPolicy, .editCatalogue,
            ]
        case .approver:
            [
                .viewSegments, .viewCampaigns, .approve, .viewLists, .explain, .viewPolicy, .editPolicy,
                .publishPolicy,
            ]
        case .agent: [.viewLists, .editLists, .explain, .viewPolicy, .serve, .unmask]
        case .administrator: Set(Permission.allCases).subtracting([.approve, .editCampaigns, .editSegments])
        }
    }
}

/// One thing a role may be allowed to do; every route names the one it needs.
public enum Permission: String, Sendable, CaseIterable, Codable {
    case viewSegments
    case editSegments
    /// Change the attribute catalogue: derived attributes, and what is held in memory.
    case editCatalogue
    case viewCampaigns
    case editCampaigns
    case approve
    /// Run, pause, resume and stop campaigns.
    case runCampaigns
    case viewLists
    case editLists
    /// Look up why a subscriber was or was not contacted.
    case explain
    case viewPolicy
    /// Ask for a customer's offers at a touchpoint, and say what came of them.
    case serve
    /// Write drafts of the contact policy and see what they would change (FRQ-04).
    case editPolicy
    /// Make a draft of the contact policy live.
    case publishPolicy
    case manageStaff
    case viewAudit
    /// See masked data of a subscriber in full, for a reason that is recorded (SEC-04).
    case unmask
    /// See the loads of the operator's tables, and take one out again.
    case manageLoads
    /// Erase subscribers for good (data protection).
    case erase
}

/// The part of the organisation staff works for; nil = all of the level (VIS-23, SEC-08).
public struct OrganisationScope: Hashable, Sendable, Codable {
    /// Province, as the attribute `province` has it.
    public var province: String?
    /// City, as the attribute `city` has it.
    public var city: String?
    /// County, as the attribute `county` has it.
    public var county: String?

    /// The whole operator.
    public static let all = OrganisationScope()

    /// Joins the levels.
    public init(province: String? = nil, city: String? = nil, county: String? = nil) {
        self.province = province
        self.city = city
        self.county = county
    }

    /// Whether everything in `other` is in this scope too.
    public func covers(_ other: OrganisationScope) -> Bool {
        (province == nil || province == other.province) && (city == nil || city == other.city)
            && (county == nil || county == other.county)
    }
}

/// A member of staff.
public struct Staff: Hashable, Sendable, Codable {
    /// Sign-in name, unique, lower-case ASCII.
    public var login: String
    /// Name as people know it.
    public var name: String
    /// The role.
    public var role: Role
    /// The part of the organisation.
    public var scope: OrganisationScope
    /// Whether sign-in is possible.
    public var isActive: Bool

    /// Makes a member of staff; see the properties.
    public init(login: String, name: String, role: Role, scope: OrganisationScope = .all, isActive: Bool = true) {
        self.login = login
        self.name = name
        self.role = role
        self.scope = scope
        self.isActive = isActive
    }

    /// Whether the role allows it.
    public func may(_ permission: Permission) -> Bool {
        isActive && role.permissions.contains(permission)
    }
}

/// One line of the append-only audit log: who did what to what, and when.
public struct AuditEntry: Hashable, Sendable, Codable {
    /// When.
    public var at: Instant
    /// Sign-in name, or `system`.
    public var who: String
    /// What was done, for example `campaign.submit`.
    public var action: String
    /// What it was done to, for example `campaign/12`; never a telephone number.
    public var object: String
    /// Anything worth keeping, for example a reason.
    public var detail: String

    /// Makes an entry; see the properties.
    public init(at: Instant, who: String, action: String, object: String, detail: String = "") {
        self.at = at
        self.who = who
        self.action = action
        self.object = object
        self.detail = detail
    }
}
