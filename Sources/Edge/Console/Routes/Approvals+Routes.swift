// 审批待办.
// SPDX-License-Identifier: Apache-2.0

import Approval
import Assembly
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Ports
import Texts

extension Console {
    func addApprovals() {
        page("/approvals", .approve) { frame, _, context in
            let (query, staff) = (TableQuery(frame), try context.user())
            let waiting = try await platform.store.pendingApprovals(query.list, in: staff.scope)
            let handedIn = SegmentListPage.Tab.waiting.filter
            let segments = try await platform.store.segments(ListQuery(limit: 1), handedIn, seenBy: staff).total
            return ApprovalListPage(waiting: waiting, segments: segments, query: query).page(frame)
        }
        export("/approvals.csv", .approve, columns: ApprovalListPage.columns) { frame, context in
            let scope = try context.user().scope
            return try await everything(TableQuery(frame)) { try await platform.store.pendingApprovals($0, in: scope) }
        }
        page("/approvals/{id}", .approve) { frame, _, context in
            try await approval(context).page(frame)
        }
        form("/approvals/{id}", .approve) { body, frame, context in
            let staff = try context.user()
            var page = try await approval(context)
            guard let result = ApprovalResult(rawValue: body["result"]) else {
                throw EdgeError.badRequest(field: "result", why: "is pass, adjust or fail")
            }
            page.reason = body.trimmed("reason")
            do {
                guard page.campaign.version == Int(body["version"]) else {
                    throw ControlPlaneError.stale(object: "campaign", expectedVersion: Int(body["version"]) ?? 0)
                }
                _ = try await platform.approvals.decide(
                    page.campaign,
                    result,
                    reason: page.reason,
                    by: staff,
                    at: frame.now.instant
                )
            } catch ApprovalError.reasonMissing {
                page.error = frame.t(.reasonMissing)
                return .page(page.page(frame), nil)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
            return .next("/approvals", .decided(result))
        }
    }

    private func approval(_ context: EdgeContext) async throws -> ApprovalPage {
        let campaign = try await site.campaign(context.id(), for: context.user())
        let submissions = try await platform.store.approvals(of: campaign.id)
        guard let waiting = submissions.last(where: { $0.result == nil }) else { throw ApprovalError.alreadyDecided }
        return ApprovalPage(
            campaign: campaign,
            approval: waiting,
            segment: try await platform.store.segment(campaign.plan.segment)
        )
    }
}
