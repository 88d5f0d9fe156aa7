// 客户统一视图. Numbers travel in bodies only; whoever is looked at is on record, and so is every look behind the mask.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    private static let days = 90

    func addCustomers() {
        page("/customers", .explain) { frame, _, _ in try await customersPage().page(frame) }
        form("/customers/find", .explain) { body, frame, context in
            var page = try await customersPage()
            page.by = CustomersPage.By(rawValue: body["by"]) ?? .number
            page.typed = body.trimmed("text")
            page.chosen = OrganisationScope(province: body["province"], city: body["city"])
            do {
                if page.by == .number {
                    let index = try await lookUp(page.typed, context)
                    return .next("/customers/\(index.number)", nil)
                }
                let found = try await site.customers(page.question, for: try context.user())
                page.found = found
                let count = frame.t(.customersFound, "\(found.lines.count)\(found.hasMore ? "+" : "")")
                return .page(page.page(frame), Notice(isError: false, text: count))
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                page.error = frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
        form("/customers/open", .explain) { body, _, context in
            guard let index = UInt32(body["subscriber"]).map({ SubscriberIndex($0) }) else {
                return .next("/customers", nil)
            }
            try await site.requireKept(index)
            guard try await platform.customers.isVisible(index, in: try context.user().scope) else {
                throw EdgeError.notFound("subscriber")
            }
            lookUps.add(nil, index, session: context.sessionToken)
            return .next("/customers/\(index.number)", nil)
        }
        site.get("/customers/{subscriber}", .explain) { request, context in
            let frame = try await frame(request, context)
            let tab = CustomerPage.Tab(rawValue: frame.parameter("tab")) ?? .profile
            guard let page = try await customer(tab, context, frame) else { return redirect("/customers") }
            return respond(frame.render(page.page(frame)))
        }
        form("/customers/{subscriber}/show", .unmask) { body, frame, context in
            let tab = CustomerPage.Tab(rawValue: body["tab"]) ?? .profile
            guard var page = try await customer(tab, context, frame) else { return .next("/customers", nil) }
            do {
                try await site.unmask(page.identity.index, reason: body.trimmed("reason"), for: try context.user())
            } catch let error as CustomerError {
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
            lookUps.add(page.identity.msisdn, page.identity.index, session: context.sessionToken)
            (page.isShown, page.isNumberKnown) = (true, page.identity.msisdn != nil)
            return .page(page.page(frame), Notice(isError: false, text: frame.t(.shownInFull)))
        }
        addCustomerExports()
        addPreferences()
        addChannels()
    }

    private func addCustomerExports() {
        func facts(_ name: String, _ prefix: String, _ pick: @escaping @Sendable (CustomerPage.Content) -> FactRows?) {
            export("/customers/{subscriber}/\(name).csv", .explain) { frame, context in
                let page = try await wantedCustomer(.usage, context, frame)
                let rows = pick(page.content) ?? FactRows()
                let columns = frame.factColumns(rows)
                return csv(columns, TableQuery(frame, prefix: prefix).page(of: rows.rows, columns, isWhole: true).rows)
            }
        }
        facts("months", "m.") { if case .usage(let usage) = $0 { usage.months } else { nil } }
        for table in CustomerUsage.tables {
            facts(table.name, "\(table.name.prefix(2)).") {
                if case .usage(let usage) = $0 { table.rows(usage) } else { nil }
            }
        }
        export("/customers/{subscriber}/contacts.csv", .explain, columns: CustomerPage.contactColumns) {
            frame,
            context in
            guard case .contacts(let contacts, _) = try await wantedCustomer(.contacts, context, frame).content else {
                return []
            }
            return TableQuery(frame).page(of: contacts.shown, CustomerPage.contactColumns(frame), isWhole: true).rows
        }
        export("/customers/{subscriber}/decisions.csv", .explain, columns: ExplainPage.columns) { frame, context in
            guard case .why(let records) = try await wantedCustomer(.why, context, frame).content else { return [] }
            return TableQuery(frame).page(of: records, ExplainPage.columns(frame), isWhole: true).rows
        }
        export("/customers/{subscriber}/lists.csv", .explain) { frame, context in
            let page = try await wantedCustomer(.profile, context, frame)
            guard case .profile(let profile) = page.content else { return "" }
            return csv(ListsPage.entryColumns(frame, profile.policy), profile.lists)
        }
        export("/customers/{subscriber}/numbers.csv", .explain) { frame, context in
            let page = try await wantedCustomer(.profile, context, frame)
            guard case .profile(let profile) = page.content else { return "" }
            return csv(page.numberColumns(frame), profile.numbers)
        }
    }

    private func addPreferences() {
        form("/customers/{subscriber}/preferences", .editLists) { body, frame, context in
            try await preference(body, frame, context) { index, list, staff in
                _ = try await site.lists.add(
                    index,
                    to: list,
                    until: LocalDay(iso: body.trimmed("to")),
                    reason: body.trimmed("note"),
                    by: staff,
                    at: frame.now.instant
                )
                return .added
            }
        }
        form("/customers/{subscriber}/preferences/remove", .editLists) { body, frame, context in
            try await preference(body, frame, context) { index, list, staff in
                let reason = frame.t(.preferenceGone)
                _ = try await site.lists.remove(index, from: list, reason: reason, by: staff, at: frame.now.instant)
                return .removed
            }
        }
    }

    /// Changes a preference of the customer of the path, whom this session looked up.
    private func preference(
        _ body: FormBody,
        _ frame: Frame,
        _ context: EdgeContext,
        _ change: (SubscriberIndex, ListID, Staff) async throws -> Done
    ) async throws -> FormAnswer {
        guard let page = try await customer(.profile, context, frame) else { return .next("/customers", nil) }
        guard let preference = Preference(rawValue: body["preference"]) else {
            return .page(page.page(frame), Notice(isError: true, text: frame.t(.choosePreference)))
        }
        do {
            let done = try await change(page.identity.index, preference.list, try context.user())
            return .next("/customers/\(page.identity.index.number)#preferences", done)
        } catch let error as SpecialListError {
            return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
        }
    }

    private func wantedCustomer(
        _ tab: CustomerPage.Tab,
        _ context: EdgeContext,
        _ frame: Frame
    ) async throws -> CustomerPage {
        guard let page = try await customer(tab, context, frame) else { throw EdgeError.notFound("subscriber") }
        return page
    }

    private func customersPage() async throws -> CustomersPage {
        let hasSubscribers = try await platform.host.read { $0.attributes != nil }
        guard hasSubscribers else { return CustomersPage() }
        let catalogue = try await platform.segments.catalogue()
        return CustomersPage(province: catalogue["province"], city: catalogue["city"])
    }

    /// A tab of the customer of the path, whom this session looked up; nil when it did not.
    ///
    /// Each look is on record.
    private func customer(_ tab: CustomerPage.Tab, _ context: EdgeContext, _ frame: Frame) async throws -> CustomerPage?
    {
        guard let typed = context.parameters.get("subscriber").flatMap({ UInt32($0) }) else { return nil }
        let index = SubscriberIndex(typed)
        try await site.requireKept(index)
        guard lookUps.isKnown(index, session: context.sessionToken) else { return nil }
        let staff = try context.user()
        try await site.audit(staff.login, "subscriber.look_up", "subscriber/\(index.number)", detail: "customer/\(tab)")
        let customers = platform.customers
        let (identity, groups) = try await customers.profile(of: index)
        let content: CustomerPage.Content =
            switch tab {
            case .profile:
                .profile(
                    CustomerProfile(
                        groups: groups,
                        others: try await customers.others(of: identity, in: staff.scope),
                        lists: try await site.lists.entries(of: index).map {
                            FoundNumber.Entry(list: $0.list, change: $0.added, dates: $0.dates)
                        },
                        segments: try await customers.segments(with: index, in: staff.scope, today: frame.now.day),
                        numbers: try await customers.datedNumbers(of: index),
                        policy: try await policy()
                    )
                )
            case .usage:
                .usage(
                    CustomerUsage(
                        months: try await customers.months(of: index),
                        subscriptions: try await customers.subscriptions(of: index),
                        interests: try await customers.interests(of: index, today: frame.now.day),
                        complaints: try await customers.complaints(of: index),
                        visits: try await customers.visits(of: index),
                        elsewhere: try await customers.elsewhere(of: index)
                    )
                )
            case .contacts: try await contacts(of: index, frame)
            case .why:
                .why(
                    try await site.explain(index, days: Self.days, for: staff).map {
                        ContactRecord(at: $0.explanation.at, source: .decision($0.explanation, $0.names))
                    }
                    .filter { !$0.isUntargeted }
                )
            }
        return CustomerPage(
            identity: identity,
            content: content,
            isNumberKnown: lookUps.number(of: index, session: context.sessionToken) != nil
        )
    }

    private func contacts(of index: SubscriberIndex, _ frame: Frame) async throws -> CustomerPage.Content {
        let (choice, clock) = (ContactChoice(frame), platform.clock)
        // All of the period are read: the form offers the channels there are, and counts go by kind.
        let filter = choice.filter(on: frame.now.day)
        let all = try await platform.customers.contacts(of: index, ContactFilter(from: filter.from)) { clock.local($0) }
        return .contacts(ContactsFound(all: all, shown: all.filter(filter.admits)), choice)
    }
}
