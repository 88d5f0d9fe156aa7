// API: what waits for approval, and decisions on it.
// SPDX-License-Identifier: Apache-2.0

import Approval
import Assembly
import Hummingbird
import Kernel
import Model
import Ports

extension Site {
    private struct Decision: Decodable {
        var result: String
        var reason: String?
    }

    static let pendingColumns: [CSVColumn<CampaignApproval>] = [
        CSVColumn("编号", "Number") { "\($0.approval.id)" },
        CSVColumn("营销活动", "Campaign") { $0.campaign.plan.name },
        CSVColumn("版本", "Revision") { "\($0.approval.revision)" },
        CSVColumn("提交人", "Submitted by") { $0.approval.submittedBy },
        CSVColumn("提交时间", "Submitted") { $0.approval.submittedAt.iso },
    ]

    func addApprovalRoutes() {
        get("\(Self.api)/approvals", .approve) { [self] request, context in
            let staff = try context.user()
            return try await list(
                request,
                context,
                name: "approvals",
                order: ApprovalColumn.self,
                columns: Self.pendingColumns,
                form: JSONObject.init
            ) { try await platform.store.pendingApprovals($0, in: staff.scope) }
        }
        get("\(Self.api)/campaigns/{id}/approvals", .viewCampaigns) { [self] _, context in
            let campaign = try await campaign(try context.id(), for: try context.user())
            return try await Response.json(platform.store.approvals(of: campaign.id).map { JSONObject($0) })
        }
        post("\(Self.api)/campaigns/{id}/decision", .approve) { [self] request, context in
            let staff = try context.user()
            let campaign = try await campaign(try context.id(), for: staff)
            let input = try await request.json(Decision.self, context)
            guard let result = ApprovalResult(rawValue: input.result) else {
                throw EdgeError.badRequest(field: "result", why: "use pass, adjust or fail")
            }
            let decided = try await platform.approvals.decide(
                campaign,
                result,
                reason: input.reason ?? "",
                by: staff,
                at: now
            )
            return try Response.json(JSONObject(decided))
        }
    }
}
