// 审批待办: what waits for an approver, and the decision.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// The list of waiting submissions.
struct ApprovalListPage {
    var waiting: Page<CampaignApproval>
    /// Segments that were handed in.
    var segments: Int
    var query: TableQuery

    static func columns(_ f: Frame) -> [Column<CampaignApproval>] {
        [
            Column(f.t(.campaign), key: "campaign", plain: \.campaign.plan.name) {
                "<a href=\"/approvals/\($0.campaign.id.number)\">\($0.campaign.plan.name)</a>"
            },
            Column(f.t(.submittedBy), key: "submitter", plain: \.approval.submittedBy),
            Column(f.t(.submittedAt), key: "submitted", plain: { f.time($0.approval.submittedAt) }),
            Column(f.t(.plannedAt), plain: { f.time($0.campaign.plan.planned) }),
            Column(
                f.t(.plannedContacts),
                isNumber: true,
                plain: { f.number($0.campaign.dryRun?.count(.contact) ?? 0) }
            ),
            Column(
                f.t(.costYuan),
                isNumber: true,
                plain: { f.language.money(minor: $0.campaign.dryRun?.costMinor ?? 0) }
            ),
        ]
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .approvals,
            title: f.t(.menuApprovals),
            hint: f.t(.approvalsHint),
            actions: segments > 0
                ? linkButton(f.t(.segmentsToApprove, f.number(segments)), to: SegmentListPage.waitingPath, .segments)
                : .empty,
            body: card(
                nil,
                f.table(
                    Table(
                        f.t(.menuApprovals),
                        columns: Self.columns(f),
                        page: waiting,
                        query: query,
                        exportPath: "/approvals.csv",
                        searchHint: f.t(.searchApprovals),
                        empty: emptyState(f.t(.noneWaiting), linkButton(f.t(.allCampaigns), to: "/campaigns")),
                        actions: { "<a href=\"/approvals/\($0.campaign.id.number)\">\(f.t(.decide))</a>" }
                    )
                )
            )
        )
    }
}

/// One submission, with everything the approver needs to decide.
struct ApprovalPage {
    var campaign: Campaign
    var approval: Approval
    var segment: Segment?
    /// What was typed, and what is wrong with it, after a refused decision.
    var reason = ""
    var error: String?

    func page(_ f: Frame) -> Screen {
        let isOwn = f.staff?.login == campaign.owner || f.staff?.login == approval.submittedBy
        return Screen(
            item: .approvals,
            title: campaign.plan.name,
            hint: f.t(.submittedLine, approval.submittedBy, f.time(approval.submittedAt), "\(approval.revision)"),
            body: """
                \(campaign.dryRun.map { DryRunCards(dryRun: $0, campaign: campaign.id).html(f) })
                \(PlanCards(campaign: campaign, segment: segment).html(f))
                \(card(f.t(.decision), id: "decision", isOwn ? "<p>\(f.t(.ownCampaign))</p>" : form(f)))
                """
        )
    }

    private func form(_ f: Frame) -> HTML {
        let contacts = campaign.dryRun?.count(.contact) ?? 0
        let effect = f.t(
            .sendEffect,
            f.number(contacts),
            f.language.money(minor: campaign.dryRun?.costMinor ?? 0),
            f.time(campaign.plan.planned)
        )
        return """
            <form method="post" action="/approvals/\(campaign.id.number)" class="stack" \
            data-reason-missing="\(f.t(.reasonMissing))"><input type="hidden" name="version" \
            value="\(campaign.version)">
            \(decisionFields(
                f, reason: reason, error: error,
                pass: Question(title: f.t(.passQuestion, campaign.plan.name), effect: effect),
                fail: Question(title: f.t(.failQuestion, campaign.plan.name), effect: f.t(.failEffect), isDangerous: true)))</form>
            """
    }
}
