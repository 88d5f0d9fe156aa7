// 客户统一视图: one customer; masked until somebody who may says why it is needed in full.
// SPDX-License-Identifier: Apache-2.0

import HTTPAPI
import Kernel
import Model
import Planning
import Ports
import Texts

/// One customer's page.
struct CustomerPage {
    enum Tab: String, CaseIterable, Sendable {
        case profile, usage, contacts, why

        var text: ConsoleText {
            switch self {
            case .profile: .tabProfile
            case .usage: .tabUsage
            case .contacts: .tabContacts
            case .why: .tabWhy
            }
        }
    }

    /// What a tab shows besides who the customer is.
    enum Content: Sendable {
        case profile(CustomerProfile)
        case usage(CustomerUsage)
        case contacts(ContactsFound, ContactChoice)
        case why([ContactRecord])

        var tab: Tab {
            switch self {
            case .profile: .profile
            case .usage: .usage
            case .contacts: .contacts
            case .why: .why
            }
        }
    }

    var identity: CustomerIdentity
    var content: Content
    /// Whether masked values are shown; for this view only.
    var isShown = false
    /// Whether pages that need the whole number may be linked.
    var isNumberKnown = false

    var path: String { "/customers/\(identity.index.number)" }

    func number(_ f: Frame) -> String {
        identity.msisdn.map { isShown ? $0.national : $0.masked } ?? "--"
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .customers,
            title: f.t(.customerTitle, number(f)),
            actions: linkButton(f.t(.otherCustomer), to: "/customers", .search),
            body: """
                \(card(f.t(.identity), actions: "\(unmask(f))\(links(f))", identityFacts(f)))
                \(tabs(f.t(.menuCustomers), Tab.allCases.map { tab in
                    (f.t(tab.text), tab == .profile ? path : path + "?tab=" + tab.rawValue, nil, tab == content.tab)
                }))
                \(body(f))
                """
        )
    }

    private func body(_ f: Frame) -> HTML {
        switch content {
        case .profile(let profile): profileCards(profile, f)
        case .usage(let usage):
            """
            \(CustomerCharts(months: usage.months).cards(f, path: path))
            \(each: CustomerUsage.tables, { table in
                card(f.t(table.title), "\(help(table, f))\(rows(table.rows(usage), table.title, table.name, table.empty, f))")
            })
            """
        case .contacts(let contacts, let choice): contactCard(contacts, choice, f)
        case .why(let records):
            card(
                f.t(.whyLast),
                f.table(
                    f.t(.whyLast),
                    ExplainPage.columns(f),
                    of: records,
                    exportPath: path + "/decisions.csv",
                    searchHint: f.t(.searchContacts),
                    empty: emptyState(f.t(.noDecisions))
                )
            )
        }
    }

    // MARK: Who

    private func identityFacts(_ f: Frame) -> HTML {
        let name = identity.name.map { isShown ? $0 : Mask.name($0) } ?? "--"
        let imsi = identity.imsi.map { isShown ? "\($0)" : Mask.imsi($0) } ?? "--"
        func id(_ number: Int64?) -> HTML { "\(number.map { "\($0)" } ?? "--")" }
        let known = facts([
            (f.t(.msisdn), "\(number(f))"), (f.t(.customerName), "\(name)"),
            (f.t(.customerNumber), id(identity.customer)), (f.t(.accountNumber), id(identity.account)),
            (f.t(.lineNumber), id(identity.line)), ("IMSI", "\(imsi)"),
        ])
        let isHint = !isNumberKnown && f.may(.unmask)
        return "\(known)\(when: isHint, "<p class=\"help\">\(f.t(.linksNeedNumber))</p>")"
    }

    private func unmask(_ f: Frame) -> HTML {
        guard f.may(.unmask), !isShown else { return .empty }
        return """
            <details class="drop"><summary class="button primary">\(Icon.customers.markup)\(f.t(.showInFull))</summary>
            <form method="post" action="\(path)/show" class="stack"><input type="hidden" name="tab" value="\(content.tab.rawValue)">
            \(field(f.t(.showReason), id: "reason", isRequired: true, help: f.t(.showHelp), input("reason", "", isRequired: true, maxLength: 200, hasHelp: true)))
            <button class="button primary" type="submit">\(f.t(.showInFull))</button></form></details>
            """
    }

    private func links(_ f: Frame) -> HTML {
        guard isNumberKnown else { return .empty }
        let index = identity.index.number
        return """
            \(when: f.may(.explain), linkButton(f.t(.menuExplain), to: "/explain/\(index)", .explain))\
            \(when: f.may(.viewLists), linkButton(f.t(.menuLists), to: "/lists?subscriber=\(index)#found", .lists))
            """
    }

    // MARK: Tables

    private func help(_ table: CustomerUsage.Table, _ f: Frame) -> HTML {
        table.help.map { "<p class=\"help\">\(f.t($0))</p>" } ?? .empty
    }

    private func rows(_ facts: FactRows, _ title: ConsoleText, _ name: String, _ empty: ConsoleText, _ f: Frame) -> HTML
    {
        f.table(
            f.t(title),
            f.factColumns(facts),
            of: facts.rows,
            prefix: "\(name.prefix(2)).",
            exportPath: "\(path)/\(name).csv",
            searchHint: f.t(title),
            empty: "<p class=\"help\">\(f.t(empty))</p>"
        )
    }

    static func contactColumns(_ f: Frame) -> [Column<CustomerContact>] {
        [
            Column(f.t(.time), key: "at", rank: { $0.at.instant.epochMs }, plain: { f.time($0.at) }),
            Column(f.t(.contactKind), key: "kind", plain: { f.touchKind($0.kind) }),
            Column(f.t(.channel), key: "channel", plain: { f.touchChannel($0.channel) }),
            Column(f.t(.result), key: "outcome", plain: { f.touchOutcome($0.outcome) }),
            Column(
                f.t(.menuCampaigns),
                key: "campaign",
                plain: { $0.campaign.isEmpty ? "--" : $0.campaign }
            ),
            Column(f.t(.businessType), plain: { business($0, f) }),
            Column(f.t(.details), plain: { details($0, f) }),
            Column(f.t(.source), key: "source", plain: { f.t($0.isOwn ? .byGyre : .byOthers) }),
        ]
    }

    private static func business(_ contact: CustomerContact, _ f: Frame) -> String {
        let category = contact.category.isEmpty ? "" : f.category(contact.category)
        let handling = labelled(.handlingType, contact.handling, f)
        let parts = [contact.business, handling, category].filter { !$0.isEmpty }
        return parts.isEmpty ? "--" : parts.joined(separator: f.language("，", ", "))
    }

    /// A fact with what it is; empty when it is not known.
    private static func labelled(_ label: ConsoleText, _ fact: String, _ f: Frame) -> String {
        fact.isEmpty ? "" : f.language("\(f.t(label))：\(fact)", "\(f.t(label)): \(fact)")
    }

    private static func details(_ contact: CustomerContact, _ f: Frame) -> String {
        let parts = [
            labelled(.contactMeans, contact.means, f), labelled(.department, contact.department, f), contact.details,
        ].filter { !$0.isEmpty }
        return parts.isEmpty ? "--" : parts.joined(separator: f.language("，", ", "))
    }

    private func contactCard(_ contacts: ContactsFound, _ choice: ContactChoice, _ f: Frame) -> HTML {
        card(
            f.t(.tabContacts),
            """
            \(choice.form(f, path: path, channels: contacts.channels))
            \(figures(contacts.kinds.map { (f.touchKind($0.kind), f.number($0.count), nil) }))
            \(f.table(
                f.t(.tabContacts), Self.contactColumns(f), of: contacts.shown, exportPath: path + "/contacts.csv",
                searchHint: f.t(.searchTouches), empty: emptyState(f.t(.noTouches))))
            """
        )
    }
}

/// What a customer used, held and did.
struct CustomerUsage: Sendable {
    /// A table of the tab.
    struct Table: Sendable {
        var name: String
        var title: ConsoleText
        var empty: ConsoleText
        var help: ConsoleText?
        var rows: @Sendable (CustomerUsage) -> FactRows
    }

    var months = FactRows()
    var subscriptions = FactRows()
    var interests = FactRows()
    var complaints = FactRows()
    var visits = FactRows()
    var elsewhere = FactRows()

    static let tables = [
        Table(name: "subscriptions", title: .subscriptionsTitle, empty: .noSubscriptions, rows: { $0.subscriptions }),
        Table(
            name: "interests",
            title: .interestsTitle,
            empty: .noInterests,
            help: .interestsHelp,
            rows: { $0.interests }
        ),
        Table(name: "complaints", title: .complaintsTitle, empty: .noComplaints, rows: { $0.complaints }),
        Table(name: "visits", title: .visitsTitle, empty: .noVisits, rows: { $0.visits }),
        Table(name: "elsewhere", title: .elsewhereTitle, empty: .noElsewhere, rows: { $0.elsewhere }),
    ]
}

/// Contacts of a period, and those of them that are wanted.
struct ContactsFound: Sendable {
    var all: [CustomerContact]
    var shown: [CustomerContact]

    /// Channels of all, by name.
    var channels: [String] { Set(all.map(\.channel)).filter { !$0.isEmpty }.sorted() }

    /// How many there are of each kind, kinds without any left out (CON-02).
    var kinds: [(kind: String, count: Int)] {
        let counts = Dictionary(grouping: all, by: \.kind).mapValues(\.count)
        let others = counts.keys.filter { !ContactChoice.kinds.contains($0) }.sorted()
        return (ContactChoice.kinds + others).compactMap { kind in counts[kind].map { (kind, $0) } }
    }
}

/// Which contacts the reader wants to see.
struct ContactChoice: Sendable {
    static let kinds = ["care", "enquiry", "complaint", "handling", "marketing", "query"]
    static let periods: [(code: String, days: Int?, text: ConsoleText)] = [
        ("30", 30, .last30), ("90", 90, .last90), ("365", 365, .last365), ("all", nil, .allTime),
    ]

    var kind: String
    var channel: String
    var days: String

    /// Reads the parameters of an address.
    init(_ f: Frame) {
        kind = f.parameter("kind")
        channel = f.parameter("channel")
        days = f.parameter("days")
        if !Self.periods.contains(where: { $0.code == days }) { days = "365" }
    }

    func filter(on today: LocalDay) -> ContactFilter {
        let span = Self.periods.first { $0.code == days }?.days
        return ContactFilter(
            kind: kind.isEmpty ? nil : kind,
            channel: channel.isEmpty ? nil : channel,
            from: span.map { today.adding(days: -$0) }
        )
    }

    func form(_ f: Frame, path: String, channels found: [String]) -> HTML {
        let kinds = [("", f.t(.all))] + Self.kinds.map { ($0, f.touchKind($0)) }
        let classes = ChannelClass.allCases.map(\.code)
        let channels =
            [("", f.t(.allChannels))]
            + (classes + found.filter { !classes.contains($0) }).map { ($0, f.touchChannel($0)) }
        let periods = Self.periods.map { ($0.code, f.t($0.text)) }
        return """
            <form method="get" action="\(path)" class="fields three"><input type="hidden" name="tab" value="contacts">
            \(field(f.t(.contactKind), id: "kind", select("kind", kinds, selected: kind)))
            \(field(f.t(.channel), id: "channel", select("channel", channels, selected: channel)))
            \(field(f.t(.contactPeriod), id: "days", select("days", periods, selected: days)))
            <div class="field act"><button class="button" type="submit">\(Icon.search.markup)\(f.t(.apply))</button></div></form>
            """
    }
}
