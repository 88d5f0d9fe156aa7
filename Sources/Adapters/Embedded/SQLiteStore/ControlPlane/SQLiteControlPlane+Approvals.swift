// Approvals in SQLite, written together with their campaigns.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func approvals(of campaign: CampaignID) async throws -> [Approval] {
        try await read { db in
            let sql = "SELECT * FROM approval WHERE campaign = ? ORDER BY id"
            return try Row.fetchAll(db, sql: sql, arguments: [campaign.number]).map(Self.approval)
        }
    }

    public func pendingApprovals(
        _ query: ListQuery,
        in scope: OrganisationScope
    ) async throws -> Page<CampaignApproval> {
        var list = ListStatement("approval.*", from: "approval JOIN campaign ON campaign.id = approval.campaign")
        list.keep("approval.result IS NULL", [])
        list.keep("campaign", in: scope)
        list.keep(query.search, in: ["campaign.name", "approval.submitted_by"])
        let order = query.order(by: ApprovalColumn.self)
        let column =
            switch order.column {
            case .campaign: "campaign.name"
            case .submitter: "approval.submitted_by"
            case .submitted: "approval.submitted_ms"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "approval.id") { row in
                let approval = try Self.approval(row)
                guard let campaign = try Self.campaign(approval.campaign, db) else {
                    throw UnreadableRow(object: "approval/\(approval.id)", reason: "its campaign is missing")
                }
                return CampaignApproval(approval: approval, campaign: campaign)
            }
        }
    }

    public func save(
        _ approval: Approval,
        with campaign: Campaign,
        audit: AuditEntry
    ) async throws -> CampaignApproval {
        try await change(audit) { db in
            guard let stored = try Self.stored(campaign, db) else {
                throw ControlPlaneError.invalid(object: "approval", reason: "save the campaign first")
            }
            let waiting = try Row.fetchOne(db, sql: "SELECT * FROM approval WHERE id = ?", arguments: [approval.id])
                .map(Self.approval)
            guard approval.id == 0 || waiting != nil else {
                throw ControlPlaneError.notFound(object: "approval/\(approval.id)")
            }
            try ControlPlaneChecks.check(approval, replacing: waiting, with: campaign, replacing: stored)
            let saved = try Self.write(campaign, replacing: stored, db)
            return CampaignApproval(approval: try Self.write(approval, isNew: waiting == nil, db), campaign: saved)
        }
    }

    private static func write(_ approval: Approval, isNew: Bool, _ db: Database) throws -> Approval {
        guard isNew else {
            try db.execute(
                sql: "UPDATE approval SET result = ?, decided_by = ?, decided_ms = ?, reason = ? WHERE id = ?",
                arguments: [
                    approval.result?.rawValue, approval.decidedBy, approval.decidedAt?.epochMs, approval.reason,
                    approval.id,
                ]
            )
            return approval
        }
        try db.execute(
            sql: "INSERT INTO approval (campaign, revision, submitted_by, submitted_ms) VALUES (?, ?, ?, ?)",
            arguments: [
                approval.campaign.number, approval.revision, approval.submittedBy, approval.submittedAt.epochMs,
            ]
        )
        var saved = approval
        saved.id = db.lastInsertedRowID
        return saved
    }

    private static func approval(_ row: Row) throws -> Approval {
        var approval = Approval(
            campaign: CampaignID(try row.value("campaign")),
            revision: try row.value("revision"),
            submittedBy: try row.value("submitted_by"),
            submittedAt: try row.instant("submitted_ms")
        )
        approval.id = try row.value("id")
        let result: String? = try row.optional("result")
        if result != nil {
            approval.result = try row.name("result", of: "approval/\(approval.id)")
            approval.decidedBy = try row.value("decided_by")
            approval.decidedAt = try row.instant("decided_ms")
        }
        approval.reason = try row.optional("reason")
        return approval
    }
}
