// API: why a subscriber was or was not contacted, decision by decision.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
public import Decisioning
import Dispatch
import Hummingbird
public import Kernel
public import Model
public import Texts

extension Site {
    private struct Question: Decodable {
        var number: String
        var days: Int?
    }

    private struct Answer: Encodable {
        var subscriber: UInt32
        var number: String
        var decisions: [JSONObject]
    }

    func addExplainRoutes() {
        post("\(Self.api)/explain", .explain) { [self] request, context in
            let staff = try context.user()
            let input = try await request.json(Question.self, context)
            guard (1...366).contains(input.days ?? 90) else {
                throw EdgeError.badRequest(field: "days", why: "use 1 to 366")
            }
            let index = try await subscriber(input.number, for: staff)
            let found = try await explain(index, days: input.days ?? 90, for: staff)
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
    }

    /// All decisions on a subscriber of the last days, newest first, with the names their sentences need; recorded.
    public func explain(
        _ index: SubscriberIndex,
        days: Int,
        for staff: Staff
    ) async throws -> [(explanation: Explanation, names: SentenceNames)] {
        try await audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "decisions")
        let earliest = now.adding(ms: -Int64(days) * 86_400_000)
        let explainer = platform.explainer
        // Reading the log takes milliseconds of disk: not on the threads that answer requests.
        let all = try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try explainer.explainAll(index) }) }
        }
        let (policy, specs) = try await platform.host.read { ($0.policy, $0.campaigns.mapValues(\.spec)) }
        return all.filter { $0.at.instant >= earliest }.map { explanation in
            let spec = explanation.wave.flatMap { specs[$0.campaign] }
            let names = SentenceNames(campaign: spec?.name ?? "", channel: spec?.channel ?? .sms, policy: policy)
            return (explanation, names)
        }
    }
}
