// 工作台.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Model
import Planning
import Ports

extension Console {
    func addHome() {
        page("/", .signedIn) { frame, _, context in
            let staff = try context.user()
            let isViewer = staff.may(.viewCampaigns)
            return HomePage(
                toDos: try await toDos(of: staff),
                requests: try await requests(for: staff),
                running: isViewer ? try await running(for: staff) : [],
                subscribers: try await site.subscribers(in: staff.scope)
            ).page(frame)
        }
    }

    private func requests(for staff: Staff) async throws -> Page<DataRequest>? {
        guard staff.may(.viewSegments) else { return nil }
        let waiting = platform.dataRequests.waiting(for: staff)
        let soonest = ListQuery(order: DataRequestColumn.wanted.rawValue, isDescending: false, limit: 10)
        return try await platform.store.dataRequests(soonest, waiting, in: staff.scope)
    }

    private func toDos(of staff: Staff) async throws -> [HomePage.ToDo] {
        var found: [HomePage.ToDo] = []
        if staff.may(.approve) {
            let waiting = try await platform.store.pendingApprovals(ListQuery(limit: 100), in: staff.scope)
            found += waiting.rows.filter { $0.campaign.owner != staff.login && $0.approval.submittedBy != staff.login }
                .map {
                    HomePage.ToDo(
                        kind: .approve,
                        number: $0.campaign.id.number,
                        name: $0.campaign.plan.name,
                        since: $0.approval.submittedAt
                    )
                }
            found += try await reviews(for: staff)
        }
        if staff.may(.editCampaigns) {
            let mine = try await platform.store.campaigns(
                ListQuery(limit: 100),
                phases: [.draft, .approved],
                in: staff.scope
            )
            found += mine.rows.filter { $0.owner == staff.login }.map {
                HomePage.ToDo(
                    kind: $0.phase == .approved ? .run : $0.dryRun == nil ? .rehearse : .submit,
                    number: $0.id.number,
                    name: $0.plan.name,
                    since: $0.updatedAt
                )
            }
        }
        return found
    }

    /// Segments of others that were handed in.
    private func reviews(for staff: Staff) async throws -> [HomePage.ToDo] {
        let handedIn = SegmentListPage.Tab.waiting.filter
        let waiting = try await platform.store.segments(ListQuery(limit: 100), handedIn, seenBy: staff)
        return waiting.rows.compactMap { segment in
            guard let review = segment.review, staff.scope.covers(segment.scope),
                ![segment.owner, review.submittedBy].contains(staff.login)
            else { return nil }
            return HomePage.ToDo(kind: .review, number: segment.id, name: segment.name, since: review.submittedAt)
        }
    }

    private func running(for staff: Staff) async throws -> [HomePage.Running] {
        let campaigns = try await platform.store.campaigns(
            ListQuery(limit: 20),
            phases: [.running, .paused],
            in: staff.scope
        )
        var found: [HomePage.Running] = []
        for campaign in campaigns.rows {
            let progress = try await site.runner.progress(of: campaign)?.progress
            found.append(
                HomePage.Running(
                    campaign: campaign,
                    contacts: progress?.contacts ?? 0,
                    sent: progress?.sent ?? 0,
                    delivered: progress?.delivered ?? 0
                )
            )
        }
        return found
    }
}
