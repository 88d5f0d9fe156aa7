// Who is at the desk, in short: how he stands, what is known of him, and the last contacts (360视图, CUS-19).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Texts

/// What clerks see of a customer beside the offers; masked as on the customer's own page.
struct DeskSummary: Sendable {
    /// Contacts shown at most.
    static let mostContacts = 5
    /// Attributes that tell most, in the order they are shown; a catalogue may lack some.
    private static let telling = [
        "status", "tariff_plan", "tenure_months", "vip_level", "value_tier", "life_stage", "arpu_avg_3m", "balance",
        "arrears", "terminal_model", "churn_risk", "last_complaint_day",
    ]
    private static let fewest = 4

    var name: String?
    var values: [(attribute: Attribute, value: WarehouseValue)]
    /// Profile tags that hold.
    var tags: [Attribute]
    /// The newest first.
    var contacts: [CustomerContact]

    /// Chooses of a profile what tells most: the first open attributes that are held in memory, where the usual are missing.
    init(name: String?, profile: [AttributeValues], contacts: [CustomerContact]) {
        let all = profile.flatMap(\.values).filter { $0.attribute.sensitivity == .open }
        let plain = all.filter { $0.attribute.expression == nil }
        let usual = Self.telling.compactMap { code in plain.first { $0.attribute.code == code } }
        self.name = name
        values = usual.count >= Self.fewest ? usual : Array(plain.filter { $0.attribute.isHot }.prefix(10))
        tags = all.filter { $0.attribute.expression != nil && $0.value == .flag(true) }.map(\.attribute)
        self.contacts = Array(contacts.prefix(Self.mostContacts))
    }

    func view(_ desk: DeskVisit, _ f: Frame) -> HTML {
        let who = [(f.t(.customerName), "\(name.map { Mask.name($0) } ?? "--")" as HTML)]
        let known = values.map { (f.language($0.attribute.name), "\(f.value($0.value, of: $0.attribute))" as HTML) }
        return card(
            f.t(.deskSummary),
            actions: linkButton(f.t(.menuCustomers), to: "/customers/\(desk.index)", .customers),
            """
            \(facts(who + known + (tags.isEmpty ? [] : [(f.t(.profileTags), "\(each: tags, { "\(tag(f.language($0.name))) " })" as HTML)])))
            <h3>\(f.t(.lastContacts))</h3>\(recent(f))
            """
        )
    }

    private func recent(_ f: Frame) -> HTML {
        guard !contacts.isEmpty else { return "<p class=\"help\">\(f.t(.noTouches))</p>" }
        return """
            <ul class="list history">\(each: contacts, { each in
                "<li><span><b>\(f.touchKind(each.kind))</b> \(f.touchChannel(each.channel)) \(each.campaign)</span><span>\(f.touchOutcome(each.outcome))</span><time>\(f.time(each.at))</time></li>"
            })</ul>
            """
    }
}
