// Campaigns and all revisions of their plans in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    /// A campaign joined to its current plan.
    static let campaignTables = """
        campaign JOIN campaign_revision
        ON campaign_revision.campaign = campaign.id AND campaign_revision.revision = campaign.revision
        """

    public func campaign(_ id: CampaignID) async throws -> Campaign? {
        try await read { db in try Self.campaign(id, db) }
    }

    public func campaign(named name: String) async throws -> Campaign? {
        try await read { db in
            let sql = "SELECT campaign.*, plan FROM \(Self.campaignTables) WHERE name = ?"
            return try Row.fetchOne(db, sql: sql, arguments: [name]).map(Self.campaign)
        }
    }

    public func campaigns(
        _ query: ListQuery,
        phases: Set<CampaignPhase>,
        in scope: OrganisationScope
    ) async throws -> Page<Campaign> {
        var list = ListStatement("campaign.*, plan", from: Self.campaignTables)
        let places = phases.map { _ in "?" }.joined(separator: ", ")
        list.keep("phase IN (\(places))", StatementArguments(phases.map(\.rawValue)))
        list.keep("campaign", in: scope)
        list.keep(query.search, in: ["name", "goal", "owner"])
        let order = query.order(by: CampaignColumn.self)
        let column =
            switch order.column {
            case .name: "name"
            case .owner: "owner"
            case .phase: Self.phaseNumber
            case .planned: "planned_ms"
            case .updated: "updated_ms"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "id", Self.campaign)
        }
    }

    public func plan(of campaign: CampaignID, revision: Int) async throws -> CampaignPlan? {
        try await read { db in
            let sql = "SELECT plan FROM campaign_revision WHERE campaign = ? AND revision = ?"
            return try Row.fetchOne(db, sql: sql, arguments: [campaign.number, revision])
                .map { try $0.json("plan", of: "campaign/\(campaign.number)") }
        }
    }

    public func save(_ campaign: Campaign, audit: AuditEntry) async throws -> Campaign {
        try await change(audit) { db in
            let stored = try Self.stored(campaign, db)
            try ControlPlaneChecks.check(campaign, replacing: stored)
            return try Self.write(campaign, replacing: stored, db)
        }
    }

    /// Where a phase stands in the life of a campaign.
    private static let phaseNumber =
        CampaignPhase.allCases.enumerated().reduce("CASE phase") { sql, phase in
            sql + " WHEN '\(phase.element.rawValue)' THEN \(phase.offset)"
        } + " END"

    static func campaign(_ id: CampaignID, _ db: Database) throws -> Campaign? {
        let sql = "SELECT campaign.*, plan FROM \(campaignTables) WHERE id = ?"
        return try Row.fetchOne(db, sql: sql, arguments: [id.number]).map(campaign)
    }

    /// The campaign that `campaign` is a change of; nil when it is new.
    static func stored(_ campaign: Campaign, _ db: Database) throws -> Campaign? {
        guard campaign.version > 0 else { return nil }
        try requireVersion(campaign.version, in: "campaign", id: campaign.id.number, db)
        return try Self.campaign(campaign.id, db)
    }

    /// Writes the campaign, and its plan when the revision is new.
    static func write(_ campaign: Campaign, replacing stored: Campaign?, _ db: Database) throws -> Campaign {
        let plan = campaign.plan
        try requireFreeName(plan.name, in: "campaign", id: stored?.id.number, db)
        guard try Row.fetchOne(db, sql: "SELECT 1 FROM segment WHERE id = ?", arguments: [plan.segment]) != nil else {
            throw ControlPlaneError.notFound(object: "segment/\(plan.segment)")
        }
        let scope = campaign.scope
        var saved = campaign
        saved.version += 1
        let values: StatementArguments = [
            saved.version, campaign.revision, plan.name, plan.goal, plan.segment, plan.planned.instant.epochMs,
            campaign.phase.rawValue, campaign.owner, scope.province, scope.city, scope.county,
            try campaign.dryRun.map(canonicalJSON), campaign.updatedAt.epochMs,
        ]
        if stored == nil {
            try db.execute(sql: insertCampaign, arguments: values)
            saved.id = CampaignID(db.lastInsertedRowID)
        } else {
            try db.execute(sql: updateCampaign, arguments: values + [campaign.id.number])
        }
        if campaign.revision != stored?.revision {
            try db.execute(
                sql: "INSERT INTO campaign_revision (campaign, revision, plan) VALUES (?, ?, ?)",
                arguments: [saved.id.number, campaign.revision, try canonicalJSON(plan)]
            )
        }
        return saved
    }

    private static let insertCampaign = """
        INSERT INTO campaign (version, revision, name, goal, segment, planned_ms, phase, owner, province, city, county,
            dry_run, updated_ms)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    private static let updateCampaign = """
        UPDATE campaign SET version = ?, revision = ?, name = ?, goal = ?, segment = ?, planned_ms = ?, phase = ?,
            owner = ?, province = ?, city = ?, county = ?, dry_run = ?, updated_ms = ?
        WHERE id = ?
        """

    static func campaign(_ row: Row) throws -> Campaign {
        let id: Int64 = try row.value("id")
        let object = "campaign/\(id)"
        var campaign = Campaign(
            plan: try row.json("plan", of: object),
            owner: try row.value("owner"),
            scope: try row.scope(),
            updatedAt: try row.instant("updated_ms")
        )
        campaign.id = CampaignID(id)
        campaign.version = try row.value("version")
        campaign.revision = try row.value("revision")
        campaign.phase = try row.name("phase", of: object)
        campaign.dryRun = try row.optionalJSON("dry_run", of: object)
        return campaign
    }
}
