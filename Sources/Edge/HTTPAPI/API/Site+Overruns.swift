// API: counters above their caps, by tier, cap and window, and subscriber by subscriber with the cause.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
public import Decisioning
import Feedback
import Hummingbird
import Kernel
public import Model
public import Ports
public import Texts

/// Orders of the list of overruns.
private enum OverrunColumn: String, ListColumn {
    case subscriber

    static var ownOrder: (column: Self, isDescending: Bool) { (.subscriber, false) }
}

extension Site {
    private static let countColumns: @Sendable (Language) -> [CSVColumn<OverrunCount>] = { language in
        [
            CSVColumn("档位", "Tier") { language($0.group.tierName) },
            CSVColumn("上限", "Cap") { language($0.group.capName) },
            CSVColumn("时间窗", "Window") { $0.group.window.text },
            CSVColumn("用户数", "Subscribers") { "\($0.subscribers)" },
        ]
    }

    func addOverrunRoutes() {
        let path = "\(Self.api)/overruns"
        get(path, .explain) { [self] request, context in
            let staff = try context.user()
            let report = try await overruns(matching: request.query("search") ?? "", for: staff)
            let (names, language) = (try await eventNames(), context.language)
            return try await list(
                request,
                context,
                name: "overruns",
                order: OverrunColumn.self,
                columns: [
                    CSVColumn("用户", "Subscriber") { "\($0.index.number)" },
                    CSVColumn("号码", "Number") { [self] in maskedNumber(of: $0) },
                    CSVColumn("档位", "Tier") { language($0.tierName) },
                    CSVColumn("超限", "Exceeded") { $0.sentence(language) },
                    CSVColumn("原因", "Causes") { $0.causes(language, names) },
                ],
                form: { JSONObject($0, number: maskedNumber(of: $0), names, language) }
            ) { query in
                // By index, ascending unless asked otherwise.
                var query = query
                query.isDescending = request.query("direction") == "desc"
                return try await overruns(of: report, query)
            }
        }
        get("\(path)/summary", .explain) { [self] request, context in
            let report = try await overruns(matching: request.query("search") ?? "", for: context.user())
            return try await answer(
                request,
                context,
                name: "overruns/summary",
                rows: report.counts,
                columns: Self.countColumns(context.language),
                json: JSONObject(report, context.language)
            )
        }
    }

    /// Who of a person's part of the organisation is above a cap, by the tiers of today.
    ///
    /// `search`: Only tiers, caps and months that it names.
    public func overruns(matching search: String, for staff: Staff) async throws -> OverrunReport {
        try await platform.overruns.report(on: today, among: try await visible(to: staff.scope)) { $0.matches(search) }
    }

    /// A page of a report with the causes.
    public func overruns(of report: OverrunReport, _ query: ListQuery) async throws -> Page<OverrunSubscriber> {
        let rows = try await platform.overruns.explained(
            report,
            offset: query.offset,
            limit: query.limit,
            isDescending: query.isDescending
        )
        return Page(rows: rows, total: report.members.count)
    }

    /// The number of a subscriber for lists: masked, for nobody looked it up (SEC-04).
    public func maskedNumber(of subscriber: OverrunSubscriber) -> String {
        platform.numbers.current.number(of: subscriber.index)?.masked ?? ""
    }

    /// Names that causes refer to.
    public func eventNames() async throws -> EventNames {
        let (policy, campaigns) = try await platform.host.read { ($0.policy, $0.campaigns.mapValues(\.spec.name)) }
        return EventNames(campaigns: campaigns, policy: policy)
    }
}

extension JSONObject {
    init(_ report: OverrunReport, _ language: Language) {
        self = [
            "day": report.day.iso, "policy": report.revision, "looked": report.subscribers,
            "above": report.members.count,
            "counts": report.counts.map { count -> JSONObject in
                [
                    "tier": count.group.tier, "tierName": language(count.group.tierName),
                    "check": count.group.check.code, "checkName": language(count.group.capName),
                    "from": count.group.window.first.iso, "to": count.group.window.last.iso,
                    "subscribers": count.subscribers,
                ]
            },
        ]
    }

    init(_ subscriber: OverrunSubscriber, number: String, _ names: EventNames, _ language: Language) {
        self = [
            "subscriber": subscriber.index.number, "number": number, "tier": subscriber.tier,
            "tierName": language(subscriber.tierName), "isGuaranteeBroken": subscriber.isBroken,
            "overruns": subscriber.overruns.map { overrun -> JSONObject in
                [
                    "check": overrun.check.code, "from": overrun.window.first.iso, "to": overrun.window.last.iso,
                    "used": overrun.used, "cap": overrun.cap, "sentence": overrun.sentence(language),
                    "causes": overrun.causes.map { cause -> JSONObject in
                        [
                            "code": cause.code, "at": cause.at.isoOffset, "campaign": cause.campaign?.number,
                            "position": cause.position, "sentence": cause.sentence(language, names),
                        ]
                    },
                ]
            },
        ]
    }
}
