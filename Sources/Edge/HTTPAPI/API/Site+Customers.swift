// API: one customer, masked unless a reason says why it is needed in full. Numbers travel in bodies only.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Hummingbird
public import Kernel
public import Model
public import Planning
import Ports
import Texts

/// Orders of a customer's contacts.
private enum ContactColumn: String, ListColumn {
    case at

    static var ownOrder: (column: Self, isDescending: Bool) { (.at, true) }
}

extension Site {
    private struct Question: Decodable {
        var number: String?
        var imsi: String?
        var customer: String?
        var fragment: String?
        var province: String?
        var city: String?

        func question() throws -> CustomerQuestion {
            let questions: [CustomerQuestion?] = [
                number.map { .number($0) }, imsi.map { .imsi($0) }, customer.map { .customer($0) },
                fragment.map { .fragment($0, province: province ?? "", city: city ?? "") },
            ]
            let asked = questions.compactMap { $0 }
            guard asked.count == 1 else {
                throw EdgeError.badRequest(field: "number", why: "send one of number, imsi, customer and fragment")
            }
            return asked[0]
        }
    }

    private struct AttributeQuestion: Decodable {
        var numbers: [String]
        var attributes: [String]
    }

    private struct Reason: Decodable {
        var reason: String
    }

    func addCustomerRoutes() {
        let path = "\(Self.api)/customers"
        post("\(path)/find", .explain) { [self] request, context in
            let question = try await request.json(Question.self, context).question()
            let found = try await customers(question, for: context.user())
            return try Response.json(JSONObject(found))
        }
        post("\(path)/attributes", .explain) { [self] request, context in
            let (staff, asked) = (try context.user(), try await request.json(AttributeQuestion.self, context))
            let answers = try await platform.customers.attributes(
                asked.attributes,
                of: asked.numbers,
                in: staff.scope,
                today: today
            )
            let codes = asked.attributes.joined(separator: ", ")
            try await audit(staff.login, "subscriber.attributes", "subscribers", detail: "\(answers.count): \(codes)")
            return try Response.json(["answers": answers.map { JSONObject($0, of: asked.attributes) }] as JSONObject)
        }
        get("\(path)/{subscriber}", .explain) { [self] request, context in
            try await Response.json(JSONObject(customer(context, isShown: false), isShown: false, context.language))
        }
        post("\(path)/{subscriber}/show", .unmask) { [self] request, context in
            let reason = try await request.json(Reason.self, context).reason
            let view = try await customer(context, isShown: true)
            try await unmask(view.identity.index, reason: reason, for: context.user())
            return try Response.json(JSONObject(view, isShown: true, context.language))
        }
        get("\(path)/{subscriber}/contacts", .explain) { [self] request, context in
            let index = try await visible(context)
            let (filter, clock) = (try Self.filter(request), platform.clock)
            try await audit(
                try context.user().login,
                "subscriber.look_up",
                "subscriber/\(index.number)",
                detail: "customer/contacts"
            )
            let all = try await platform.customers.contacts(of: index, filter) { clock.local($0) }
            let ordered = request.query("direction") == "asc" ? Array(all.reversed()) : all
            return try await list(
                request,
                context,
                name: "subscriber/\(index.number)/contacts",
                order: ContactColumn.self,
                columns: Self.contactColumns,
                form: { JSONObject($0) }
            ) { query in
                Page(rows: Array(ordered.dropFirst(query.offset).prefix(query.limit)), total: ordered.count)
            }
        }
    }

    private static let contactColumns: [CSVColumn<CustomerContact>] = [
        CSVColumn("时间", "Time") { $0.at.isoOffset }, CSVColumn("接触类型", "Kind") { $0.kind },
        CSVColumn("渠道", "Channel") { $0.channel }, CSVColumn("结果", "Outcome") { $0.outcome },
        CSVColumn("活动", "Campaign") { $0.campaign }, CSVColumn("类别", "Category") { $0.category },
        CSVColumn("业务类型", "Business") { $0.business }, CSVColumn("办理类型", "Handling") { $0.handling },
        CSVColumn("联系方式", "Means") { $0.means }, CSVColumn("被投诉部门", "Department") { $0.department },
        CSVColumn("详情", "Details") { $0.details }, CSVColumn("来源", "Source") { $0.isOwn ? "gyre" : "loaded" },
    ]

    private static func filter(_ request: Request) throws(EdgeError) -> ContactFilter {
        func day(_ name: String) throws(EdgeError) -> LocalDay? {
            guard let text = request.query(name) else { return nil }
            return try LocalDay(day: text, field: name)
        }
        return ContactFilter(
            kind: request.query("kind"),
            channel: request.query("channel"),
            from: try day("from"),
            to: try day("to")
        )
    }

    // MARK: Shared with the console

    /// The lines that fit a question, in the part of the organisation of who asks.
    public func customers(_ question: CustomerQuestion, for staff: Staff) async throws -> CustomerCandidates {
        try await platform.customers.find(question, in: staff.scope)
    }

    /// Records that somebody sees what is masked of a subscriber, and why.
    ///
    /// - Throws: `CustomerError.reasonMissing`.
    public func unmask(_ index: SubscriberIndex, reason: String, for staff: Staff) async throws {
        guard reason.contains(where: { !$0.isWhitespace }) else { throw CustomerError.reasonMissing }
        try await audit(
            staff.login,
            "subscriber.unmask",
            "subscriber/\(index.number)",
            detail: String(reason.prefix(200))
        )
    }

    /// The subscriber of the path, when the reader's part of the organisation has him.
    private func visible(_ context: EdgeContext) async throws -> SubscriberIndex {
        guard let number = context.parameters.get("subscriber").flatMap({ UInt32($0) }) else {
            throw EdgeError.notFound("subscriber")
        }
        let index = SubscriberIndex(number)
        try await requireKept(index)
        guard try await platform.customers.isVisible(index, in: try context.user().scope) else {
            throw EdgeError.notFound("subscriber")
        }
        return index
    }

    private func customer(_ context: EdgeContext, isShown: Bool) async throws -> CustomerView {
        let (index, staff) = (try await visible(context), try context.user())
        if !isShown {
            try await audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "customer")
        }
        return try await platform.customers.view(of: index, in: staff.scope, today: today)
    }
}

extension JSONObject {
    fileprivate init(_ answer: AttributeAnswer, of codes: [String]) {
        let values = answer.values.map { Dictionary(zip(codes, $0)) { first, _ in first } }
        self = ["number": answer.number, "values": values, "problem": answer.problem]
    }
}
