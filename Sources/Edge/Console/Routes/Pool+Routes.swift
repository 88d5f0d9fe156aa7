// 营销活动池.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Dispatch
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addPool() {
        page("/pool", .viewCampaigns) { frame, _, context in
            PoolPage(rows: try await poolRows(frame, for: context.user())).page(frame)
        }
        export("/pool.csv", .viewCampaigns, columns: PoolPage.columns) { frame, context in
            let rows = try await poolRows(frame, for: context.user())
            return TableQuery(frame).page(of: rows, PoolPage.columns(frame), isWhole: true).rows
        }
        form("/pool/find", .explain) { body, frame, context in
            do {
                let index = try await lookUp(body.trimmed("number"), context)
                let who = try context.user().login
                try await site.audit(who, "subscriber.look_up", "subscriber/\(index.number)", detail: "pool")
                return .next("/pool/\(index.number)", nil)
            } catch let error as SpecialListError {
                var page = PoolPage(rows: try await poolRows(frame, for: context.user()), typed: body["number"])
                page.error = frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
        site.get("/pool/{subscriber}", .explain) { request, context in
            let frame = try await frame(request, context)
            guard let customer = try await customer(frame, context) else {
                return redirect(frame.may(.viewCampaigns) ? "/pool" : "/desk")
            }
            return respond(frame.render(PoolPage(rows: [], customer: customer).page(frame)))
        }
        export("/pool/{subscriber}/offers.csv", .explain, columns: PoolPage.standingColumns) { frame, context in
            guard let customer = try await customer(frame, context) else { throw EdgeError.notFound("subscriber") }
            return customer.standings
        }
    }

    /// The campaigns in the pool that a member of staff may see.
    private func poolRows(_ frame: Frame, for staff: Staff) async throws -> [PoolRow] {
        let today = frame.now.day
        let (pooled, paused, problems) = try await platform.host.read { state in
            (
                state.pooledCampaigns.filter(\.isOffered),
                Set(state.campaigns.filter { $0.value.status == .paused }.keys),
                // Before a policy and a load there is nothing to rank, and the page of either says so.
                (try? state.poolProblems(on: today)) ?? [:]
            )
        }
        var rows: [PoolRow] = []
        for campaign in pooled {
            guard let known = try await platform.store.campaign(campaign.id), staff.scope.covers(known.scope) else {
                continue
            }
            rows.append(
                PoolRow(
                    id: campaign.id,
                    plan: known.plan,
                    members: campaign.members,
                    made: Int(campaign.contacts),
                    shown: Int(campaign.shown),
                    accepted: Int(campaign.accepted),
                    refused: Int(campaign.refused),
                    isPaused: paused.contains(campaign.id),
                    problem: problems[campaign.id]
                )
            )
        }
        return rows.sorted { ($0.plan.priority, $0.id) < ($1.plan.priority, $1.id) }
    }

    /// What a customer whom this session looked up would be offered; nil when it did not.
    ///
    /// Nothing is reserved.
    private func customer(_ frame: Frame, _ context: EdgeContext) async throws -> PoolCustomer? {
        guard let typed = context.parameters.get("subscriber").flatMap({ UInt32($0) }),
            let number = lookUps.number(of: SubscriberIndex(typed), session: context.sessionToken)
        else { return nil }
        let touchpoint = Touchpoint(code: frame.parameter("at")) ?? .counter
        let request = OfferRequest(
            request: 0,
            index: typed,
            touchpoint: touchpoint,
            entrance: .inbound,
            at: frame.now,
            limit: 8
        )
        let (log, inputs) = (platform.log, platform.inputs)
        // Reading the log takes milliseconds of disk: not on the threads that answer requests.
        let candidates = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                nonisolated(unsafe) let found = Result {
                    try SubscriberFold(
                        index: SubscriberIndex(typed),
                        log: log,
                        inputs: inputs,
                        upTo: log.position().sequence
                    ).candidates(for: request)
                }
                continuation.resume(with: found)
            }
        }
        let (answer, policy, pooled) = try await platform.host.read { state in
            (try state.decide(request).answer, state.policy, state.pooledCampaigns)
        }
        let full = Set(
            pooled.filter { campaign in
                guard let spec = candidates.first(where: { $0.spec.id == campaign.id })?.spec else { return false }
                let most = [spec.capacity, spec.contactsWithinBudget].compactMap { $0 }.min()
                return most.map { campaign.contacts >= Int64($0) } ?? false
            }.map(\.id)
        )
        var standings: [PoolStanding] = []
        for candidate in candidates {
            let rank = answer.offers.firstIndex(of: candidate.spec.id).map { $0 + 1 }
            standings.append(
                PoolStanding(
                    rank: rank,
                    id: candidate.spec.id,
                    name: candidate.spec.name,
                    priority: candidate.spec.priority,
                    reason: rank == nil
                        ? reason(candidate, answer, isFull: full.contains(candidate.spec.id), policy) : nil
                )
            )
        }
        return PoolCustomer(
            index: typed,
            number: number.national,
            touchpoint: touchpoint,
            standings: standings.filter { $0.rank != nil }.sorted { ($0.rank ?? 0) < ($1.rank ?? 0) }
                + standings.filter { $0.rank == nil }
        )
    }

    /// The first thing that keeps an offer from a customer.
    private func reason(
        _ candidate: SubscriberFold.Candidate,
        _ answer: OfferAnswer,
        isFull: Bool,
        _ policy: ContactPolicy?
    ) -> BilingualText {
        func both(_ text: ConsoleText, _ argument: String...) -> BilingualText {
            BilingualText(zh: text(.zh, argument), en: text(.en, argument))
        }
        let touchpoint = answer.request.touchpoint
        if let failed = candidate.checks.first(where: { !$0.isPassed && $0.outcome != .control }) {
            if failed.outcome == .campaignNotLive { return both(.poolNotLive) }
            if failed.outcome == .channelNotConfirmed { return both(.poolNotHere) }
            if failed.evidence.contains(where: { $0.key == "problem" }) { return both(.poolCannotRank) }
            return failed.reason(
                SentenceNames(campaign: candidate.spec.name, channel: touchpoint.channel, policy: policy)
            )
        }
        if answer.controls.contains(candidate.spec.id) {
            return BilingualText(zh: Outcome.control.name.zh, en: Outcome.control.name.en)
        }
        if isFull { return Outcome.capacity.name }
        let most = policy?.offers.offers ?? 0
        if answer.offers.count >= most { return both(.poolBeyond, "\(most)") }
        return candidate.checks.contains { $0.outcome == .control && !$0.isPassed }
            ? Outcome.control.name : both(.poolRoom)
    }
}
