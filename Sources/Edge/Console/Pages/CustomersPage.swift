// 客户统一视图: finding a customer, by a whole number or by what is known of it.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Texts

/// The page that finds customers.
struct CustomersPage {
    /// What customers are found by.
    enum By: String, CaseIterable {
        case number, imsi, customer, fragment

        var text: ConsoleText {
            switch self {
            case .number: .byNumber
            case .imsi: .byIMSI
            case .customer: .byCustomer
            case .fragment: .byFragment
            }
        }
    }

    /// Provinces and cities as the catalogue has them.
    var province: Attribute?
    var city: Attribute?
    var by = By.number
    var typed = ""
    var chosen = OrganisationScope.all
    var error: String?
    var found: CustomerCandidates?

    /// What was asked.
    var question: CustomerQuestion {
        switch by {
        case .number: .number(typed)
        case .imsi: .imsi(typed)
        case .customer: .customer(typed)
        case .fragment: .fragment(typed, province: chosen.province ?? "", city: chosen.city ?? "")
        }
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .customers,
            title: f.t(.menuCustomers),
            hint: f.t(.customersHint),
            actions: !f.may(.viewSegments)
                ? .empty : linkButton(f.t(.channelAnalysis), to: "/customers/channels", .chart),
            body:
                "\(card(nil, finder(f)))\(found.map { candidates($0, f) } ?? card(nil, emptyState(f.t(.customersEmpty))))"
        )
    }

    private func finder(_ f: Frame) -> HTML {
        """
        <form method="post" action="/customers/find" class="stack">
        <div class="fields even">\(field(f.t(.customerBy), id: "by", select("by", By.allCases.map { ($0.rawValue, f.t($0.text)) }, selected: by.rawValue)))
        \(field(f.t(.customerText), id: "text", isRequired: true, help: f.t(.customerTextHelp), error: error, "<input id=\"text\" name=\"text\" value=\"\(typed)\" required maxlength=\"30\" autocomplete=\"off\" autofocus placeholder=\"13800138000\" aria-describedby=\"text-help\">"))
        \(province.map { region($0, "province", chosen.province, f) })\
        \(city.map { region($0, "city", chosen.city, f) })</div>
        <p><button class="button primary" type="submit">\(Icon.search.markup)\(f.t(.find))</button></p></form>
        """
    }

    private func region(_ attribute: Attribute, _ name: String, _ chosen: String?, _ f: Frame) -> HTML {
        let values = attribute.domain.map { ($0.value, f.language($0.label)) }
        return field(
            f.language(attribute.name),
            id: name,
            select(name, [("", f.t(.unlimited))] + values, selected: chosen ?? "")
        )
    }

    private func label(_ value: String?, _ attribute: Attribute?, _ f: Frame) -> String {
        attribute?.domain.first { $0.value == value }.map { f.language($0.label) } ?? value ?? "--"
    }

    private func candidates(_ found: CustomerCandidates, _ f: Frame) -> HTML {
        let columns: [Column<CustomerCandidate>] = [
            Column(f.t(.msisdn), plain: { $0.masked.isEmpty ? "--" : $0.masked }),
            Column(f.t(.province), plain: { label($0.province, province, f) }),
            Column(f.t(.city), plain: { label($0.city, city, f) }),
            Column(f.t(.actions), plain: { _ in "" }, cell: { Self.open($0, f) }),
        ]
        return card(
            f.t(.candidates),
            """
            \(when: found.hasMore, "<p class=\"help\">\(f.t(.customersMore, "\(CustomerCandidates.most)"))</p>")
            \(f.scrolled(f.t(.candidates), isTight: true, f.plainTable(columns, found.lines)))
            """
        )
    }

    static func open(_ line: CustomerCandidate, _ f: Frame) -> HTML {
        actionButton(
            f.t(.openCustomer),
            to: "/customers/open",
            hidden: [("subscriber", "\(line.index.number)")]
        )
    }
}
