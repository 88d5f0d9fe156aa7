// API: why a subscriber was or was not contacted, decision by decision, and everything that happened to one.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
public import Decisioning
import Dispatch
import Hummingbird
public import Kernel
public import Model
public import Texts

/// A decision with the names its sentences need.
public typealias NamedExplanation = (explanation: Explanation, names: SentenceNames)

extension Site {
    private struct Question: Decodable {
        var number: String
        var days: Int?
        var campaign: Int64?
        var request: String?
    }

    private struct Answer: Encodable {
        var subscriber: UInt32
        var number: String
        var decisions: [JSONObject]
    }

    private struct History: Encodable {
        var subscriber: UInt32
        var number: String
        var events: [JSONObject]
    }

    func addExplainRoutes() {
        post("\(Self.api)/explain", .explain) { [self] request, context in
            let staff = try context.user()
            let input = try await request.json(Question.self, context)
            guard (1...366).contains(input.days ?? 90) else {
                throw EdgeError.badRequest(field: "days", why: "use 1 to 366")
            }
            let asked = input.request.map { UInt64($0) }
            if asked == .some(nil) { throw EdgeError.badRequest(field: "request", why: "use the number of a request") }
            let index = try await subscriber(input.number, for: staff)
            let found =
                if let campaign = input.campaign {
                    [try await explain(CampaignID(campaign), index, for: staff)]
                } else if let asked = asked ?? nil {
                    try await explain(request: asked, index, for: staff)
                } else {
                    try await explain(index, days: input.days ?? 90, for: staff)
                }
            let language = context.language
            return try await answer(
                request,
                context,
                name: "subscriber/\(index.number)/decisions",
                rows: found,
                columns: [
                    CSVColumn("时间", "Time") { $0.explanation.at.isoOffset },
                    CSVColumn("活动", "Campaign") { $0.names.campaign },
                    CSVColumn("结果", "Outcome") { $0.explanation.outcome.code },
                    CSVColumn("说明", "Explanation") { $0.explanation.sentence(language, $0.names) },
                ],
                json: Answer(
                    subscriber: index.number,
                    number: platform.numbers.current.number(of: index)?.national ?? "",
                    decisions: found.map { JSONObject($0.explanation, $0.names, language) }
                )
            )
        }
        post("\(Self.api)/explain/history", .explain) { [self] request, context in
            let staff = try context.user()
            let input = try await request.json(Question.self, context)
            let index = try await subscriber(input.number, for: staff)
            let (events, names) = try await history(of: index, for: staff)
            let language = context.language
            return try await answer(
                request,
                context,
                name: "subscriber/\(index.number)/history",
                rows: events,
                columns: [
                    CSVColumn("时间", "Time") { $0.at.isoOffset },
                    CSVColumn("事件", "Event") { $0.code },
                    CSVColumn("说明", "What happened") { $0.sentence(language, names) },
                ],
                json: History(
                    subscriber: index.number,
                    number: platform.numbers.current.number(of: index)?.national ?? "",
                    events: events.map { JSONObject($0, names, language) }
                )
            )
        }
    }

    /// All decisions on a subscriber of the last days, newest first; recorded.
    public func explain(_ index: SubscriberIndex, days: Int, for staff: Staff) async throws -> [NamedExplanation] {
        try await audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "decisions")
        let earliest = now.adding(ms: -Int64(days) * 86_400_000)
        return try await named { try $0.explainAll(index, since: earliest) }
    }

    /// The last decision of one campaign on a subscriber, with every check; recorded.
    public func explain(
        _ campaign: CampaignID,
        _ index: SubscriberIndex,
        for staff: Staff
    ) async throws -> NamedExplanation {
        try await audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "decisions")
        do {
            let found = try await named { [try $0.explain(campaign, index)] }
            guard let explanation = found.first else { throw EdgeError.notFound("campaign/\(campaign.number)") }
            return explanation
        } catch DecisionError.unknownCampaign {
            throw EdgeError.notFound("campaign/\(campaign.number)")
        }
    }

    /// Every campaign that a request could have offered, in the order of ranking; recorded.
    public func explain(
        request: UInt64,
        _ index: SubscriberIndex,
        for staff: Staff
    ) async throws -> [NamedExplanation] {
        try await audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "decisions")
        return try await named { try $0.explain(request: request, index) }
    }

    /// Everything that happened to a subscriber, newest first; recorded.
    public func history(
        of index: SubscriberIndex,
        for staff: Staff
    ) async throws -> (events: [SubscriberEvent], names: EventNames) {
        try await audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "history")
        let events = try await explained { try $0.history(of: index) }
        let (policy, campaigns) = try await platform.host.read { ($0.policy, $0.campaigns.mapValues(\.spec.name)) }
        return (events, EventNames(campaigns: campaigns, policy: policy))
    }

    private func named(
        _ explain: @escaping @Sendable (Explainer) throws -> [Explanation]
    ) async throws -> [NamedExplanation] {
        let found = try await explained(explain)
        let (policy, specs) = try await platform.host.read { ($0.policy, $0.campaigns.mapValues(\.spec)) }
        let campaigns = specs.mapValues(\.name)
        return found.map { explanation in
            let spec = specs[explanation.campaign]
            let channel = explanation.request?.touchpoint.channel ?? spec?.channel ?? .sms
            let names = SentenceNames(
                campaign: spec?.name ?? "",
                channel: channel,
                policy: policy,
                campaigns: campaigns
            )
            return (explanation, names)
        }
    }

    /// Reading the log takes milliseconds of disk: not on the threads that answer requests.
    private func explained<T: Sendable>(_ body: @escaping @Sendable (Explainer) throws -> T) async throws -> T {
        let explainer = platform.explainer
        return try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try body(explainer) }) }
        }
    }
}
