// 营销活动: the list, by phase.
// SPDX-License-Identifier: Apache-2.0

import Model
import Ports
import Texts

/// The tabs of the campaign list: groups of phases.
enum PhaseTab: String, CaseIterable, Sendable {
    case all, draft, submitted, approved, running, ended, rejected

    var phases: Set<CampaignPhase> {
        switch self {
        case .all: Set(CampaignPhase.allCases)
        case .draft: [.draft]
        case .submitted: [.submitted]
        case .approved: [.approved]
        case .running: [.running, .paused]
        case .ended: [.finished, .stopped]
        case .rejected: [.rejected]
        }
    }

    var title: ConsoleText {
        switch self {
        case .all: .all
        case .draft: .phaseDraft
        case .submitted: .phaseSubmitted
        case .approved: .phaseApproved
        case .running: .phaseRunning
        case .ended: .phaseEnded
        case .rejected: .phaseRejected
        }
    }
}

/// The list of campaigns.
struct CampaignListPage {
    var campaigns: Page<Campaign>
    var tab: PhaseTab
    /// Campaigns of each tab.
    var counts: [PhaseTab: Int]
    var query: TableQuery

    static func columns(_ f: Frame) -> [Column<Campaign>] {
        [
            Column(f.t(.name), key: "name", plain: \.plan.name) {
                "<a href=\"/campaigns/\($0.id.number)\">\($0.plan.name)</a>"
            },
            Column(f.t(.phase), key: "phase", plain: { f.t($0.phase.text) }, cell: { f.phase($0.phase) }),
            Column(f.t(.scene), plain: { f.scene($0.plan.scene) }),
            Column(f.t(.channel), plain: { f.language($0.plan.channel.name) }),
            Column(f.t(.plannedAt), key: "planned", plain: { f.time($0.plan.planned) }),
            Column(
                f.t(.plannedContacts),
                isNumber: true,
                plain: { $0.dryRun.map { f.number($0.outcomes["contact"] ?? 0) } ?? "--" }
            ),
            Column(
                f.t(.costYuan),
                isNumber: true,
                plain: { $0.dryRun.map { f.language.money(minor: $0.costMinor) } ?? "--" }
            ),
            Column(f.t(.owner), key: "owner", plain: \.owner),
            Column(f.t(.updatedAt), key: "updated", plain: { f.time($0.updatedAt) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let new =
            f.may(.editCampaigns) ? linkButton(f.t(.newCampaign), to: "/campaigns/new", .add, isPrimary: true) : .empty
        let empty =
            tab == .all
            ? emptyState(f.t(.noCampaigns), new)
            : emptyState(f.t(.noCampaignsInPhase), linkButton(f.t(.allCampaigns), to: "/campaigns"))
        return Screen(
            item: .campaigns,
            title: f.t(.menuCampaigns),
            hint: f.t(.campaignsHint),
            actions: new,
            body: """
                \(tabs(f.t(.phase), PhaseTab.allCases.map { item in
                    (f.t(item.title), item == .all ? "/campaigns" : "/campaigns?phase=\(item.rawValue)", counts[item] ?? 0, item == tab)
                }))
                \(card(nil, f.table(Table(
                    f.t(.menuCampaigns), columns: Self.columns(f), page: campaigns, query: query,
                    exportPath: "/campaigns.csv", searchHint: f.t(.searchCampaigns), empty: empty,
                    actions: { campaign in "<a href=\"/campaigns/\(campaign.id.number)\">\(f.t(.view))</a>" }))))
                """
        )
    }
}
