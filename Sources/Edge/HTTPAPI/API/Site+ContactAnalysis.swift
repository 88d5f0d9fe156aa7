// API: contacts by channel, channels that customers prefer, and what moved to electronic ones.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
import Model
import Planning

extension JSONObject {
    fileprivate init(_ report: ChannelReport, _ question: ChannelQuestion, physical: Set<String>) {
        self = [
            "from": question.from.iso, "to": question.to.iso, "physical": physical.sorted(),
            "contacts": report.contacts.map { row -> JSONObject in
                [
                    "month": row.month.iso, "channel": row.channel, "kind": row.kind, "contacts": row.contacts,
                    "subscribers": row.subscribers,
                ]
            },
            "preferences": report.preferences.map { row -> JSONObject in
                [
                    "channel": row.channel, "subscribers": row.subscribers, "contacts": row.contacts,
                    "onChannel": row.onChannel,
                ]
            },
            "diversion": report.diversion(physical: physical).map { row -> JSONObject in
                ["month": row.month.iso, "physical": row.physical, "electronic": row.electronic]
            },
        ]
    }
}

extension Site {
    /// Most months of an analysis.
    private static let mostMonths = 120

    private static let channelColumns: [CSVColumn<ChannelContacts>] = [
        CSVColumn("月份", "Month") { $0.month.iso }, CSVColumn("渠道", "Channel") { $0.channel },
        CSVColumn("接触类型", "Kind") { $0.kind }, CSVColumn("接触次数", "Contacts") { "\($0.contacts)" },
        CSVColumn("用户数", "Subscribers") { "\($0.subscribers)" },
    ]

    func addContactAnalysis() {
        get("\(Self.api)/contact-analysis", .viewSegments) { [self] request, context in
            let staff = try context.user()
            let question = try channelQuestion(request)
            let report = try await platform.customers.channels(question, in: staff.scope, today: today)
            let named = request.query("physical").map { Set($0.split(separator: ",").map(String.init)) }
            let physical = named ?? Set(report.channels.filter(ChannelReport.isPhysical))
            return try await answer(
                request,
                context,
                name: "contact-analysis",
                rows: report.contacts,
                columns: Self.channelColumns,
                json: JSONObject(report, question, physical: physical)
            )
        }
    }

    /// The last six months unless others are named.
    private func channelQuestion(_ request: Request) throws(EdgeError) -> ChannelQuestion {
        func month(_ name: String) throws(EdgeError) -> LocalMonth? {
            guard let text = request.query(name) else { return nil }
            guard text.utf8.count == 7, let day = LocalDay(iso: text + "-01") else {
                throw .badRequest(field: name, why: "write a month as YYYY-MM")
            }
            return day.month
        }
        let to = try month("to") ?? today.month
        let from = try month("from") ?? LocalMonth(number: to.number - 5)
        guard from <= to, to.number - from.number < Self.mostMonths else {
            throw .badRequest(field: "from", why: "name a month before `to`, at most \(Self.mostMonths) months in all")
        }
        return ChannelQuestion(
            from: from,
            to: to,
            rule: String((request.query("rule") ?? "").prefix(2_000)),
            kind: request.query("kind")
        )
    }
}
