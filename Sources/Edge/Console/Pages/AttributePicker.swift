// The attributes of the catalogue beside a rule, to be put into it.
// SPDX-License-Identifier: Apache-2.0

import Model
import Texts

extension Attribute {
    var isNumber: Bool {
        switch type {
        case .integer, .decimal: true
        default: false
        }
    }

    /// A stored text as people read it.
    func shown(_ text: String, _ language: Language) -> String {
        guard !text.isEmpty else { return "--" }
        if type == .flag { return text == "TRUE" ? language("是", "yes") : language("否", "no") }
        return domain.first { $0.value == text }.map { language($0.label) } ?? text
    }

    /// What the picker puts into the rule.
    var snippet: String {
        switch type {
        case .flag: code
        case .integer, .decimal: "\(code) >= "
        case .day: "\(code) >= today - INTERVAL 90 DAY"
        case .enumeration: "\(code) = "
        case .text: "\(code) LIKE '%'"
        }
    }
}

/// The attributes of the catalogue, by group; pressing one puts it into the rule.
struct AttributePicker {
    var catalogue: AttributeCatalogue
    var isEnabled: Bool

    static func columns(_ f: Frame, _ groups: [AttributeGroup]) -> [Column<Attribute>] {
        [
            Column(f.t(.code), plain: \.code), Column(f.t(.name), plain: { f.language($0.name) }),
            Column(
                f.t(.attributeGroup),
                plain: { attribute in
                    groups.first { $0.code == attribute.group }.map { f.language($0.name) } ?? attribute.group
                }
            ),
            Column(f.t(.type), plain: \.type.name), Column(f.t(.unit), plain: { $0.unit.map { f.unit($0) } ?? "" }),
            Column(
                f.t(.values),
                plain: { $0.domain.map { "\($0.value) \(f.language($0.label))" }.joined(separator: "; ") }
            ),
            Column(f.t(.masked), plain: { f.t($0.sensitivity == .open ? .no : .yes) }),
        ]
    }

    func html(_ f: Frame) -> HTML {
        """
        <div class="picker" data-picker><label class="hidden" for="find">\(f.t(.findAttribute))</label>
        <input id="find" type="search" placeholder="\(f.t(.findAttribute))" autocomplete="off">
        <div class="groups" tabindex="0" role="region" aria-label="\(f.t(.attributePicker))">\
        \(each: catalogue.groups.enumerated(), { position, group in
            let members = catalogue.attributes.filter { $0.group == group.code }
            return """
                <details\(attribute: "open", position == 0 ? "" : nil)><summary>\(f.language(group.name)) <small>\
                \(members.count)</small></summary><ul>\(each: members, { item($0, f) })</ul></details>

                """
        })<details><summary>\(f.t(.functions))</summary><ul>\(each: functions(f), function)</ul></details></div></div>
        """
    }

    private func item(_ attribute: Attribute, _ f: Frame) -> HTML {
        """
        <li data-words="\(attribute.code) \(attribute.name.zh) \(attribute.name.en)"><button type="button" \
        data-insert="\(attribute.snippet)"\(attribute: "disabled", isEnabled ? nil : "")>\
        \(f.language(attribute.name)) <code>\(attribute.code)</code></button>\
        \(when: !attribute.domain.isEmpty, "<span class=\"values\">\(each: attribute.domain.prefix(12), { value in "<button type=\"button\" data-insert=\"\(attribute.code) = '\(value.value.replacing("'", with: "''"))'\"\(attribute: "disabled", isEnabled ? nil : "")>\(f.language(value.label))</button>" })</span>")</li>

        """
    }

    private func functions(_ f: Frame) -> [(label: String, text: String)] {
        [
            (f.t(.functionList), "NOT on_list('black')"), (f.t(.functionOwns), "owns('DATA10')"),
            (f.t(.functionDays), "days_between(joined_on, today) >= 365"),
            (f.t(.functionDid), "NOT did(complaint, within 12 months)"),
            (f.t(.functionCount), "count(contact, kind = 'marketing', within 3 months) >= 2"),
            (f.t(.functionLast), "last(contact, outcome) = 'accepted'"), ("AND", " AND "), ("OR", " OR "),
            ("NOT", "NOT "), ("IN", " IN ('', '')"), ("BETWEEN", " BETWEEN 0 AND 100"), ("IS NULL", " IS NULL"),
        ]
    }

    private func function(_ item: (label: String, text: String)) -> HTML {
        "<li data-words=\"\(item.label) \(item.text)\"><button type=\"button\" data-insert=\"\(item.text)\"\(attribute: "disabled", isEnabled ? nil : "")>\(item.label) <code>\(item.text)</code></button></li>\n"
    }
}
