// 目标客户群: list and editor.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

/// The list of segments.
struct SegmentListPage {
    var segments: Page<Segment>
    var query: TableQuery

    static func columns(_ f: Frame) -> [Column<Segment>] {
        [
            Column(f.t(.name), key: "name", plain: \.name) { segment in
                "<a href=\"/segments/\(Int(segment.id))\">\(segment.name)</a>"
            },
            Column(f.t(.rule), plain: \.rule) { "<code class=\"clip\" title=\"\($0.rule)\">\($0.rule)</code>" },
            Column(f.t(.memberCount), key: "count", isNumber: true, plain: { $0.count.map { f.number($0) } ?? "--" }),
            Column(f.t(.scope), plain: { f.scope($0.scope) }),
            Column(f.t(.owner), key: "owner", plain: \.owner),
            Column(f.t(.updatedAt), key: "updated", plain: { f.time($0.updatedAt) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let new =
            f.may(.editSegments) ? linkButton(f.t(.newSegment), to: "/segments/new", .add, isPrimary: true) : .empty
        return Screen(
            item: .segments,
            title: f.t(.menuSegments),
            hint: f.t(.segmentsHint),
            actions: new,
            body: card(
                nil,
                f.table(
                    Table(
                        f.t(.menuSegments),
                        columns: Self.columns(f),
                        page: segments,
                        query: query,
                        exportPath: "/segments.csv",
                        searchHint: f.t(.searchSegments),
                        empty: emptyState(f.t(.noSegments), f.may(.editSegments) ? new : .empty),
                        actions: { segment in
                            """
                            <a href="/segments/\(Int(segment.id))">\(f.t(f.may(.editSegments) ? .edit : .view))</a>\
                            \(when: f.may(.editCampaigns), " <a href=\"/campaigns/new?segment=\(Int(segment.id))\">\(f.t(.useInCampaign))</a>")
                            """
                        }
                    )
                )
            )
        )
    }
}

/// The editor of a segment.
struct SegmentEditorPage {
    /// Number; nil for a new one.
    var id: Int64?
    var version: Int
    var name: String
    var rule: String
    var scope: OrganisationScope
    var catalogue: AttributeCatalogue
    /// The result for the rule as it stands; nil for an empty rule.
    var result: RuleResult?
    /// What is wrong with the name.
    var nameError: String?

    func page(_ f: Frame) -> Screen {
        let title = id == nil ? f.t(.newSegment) : name
        let isEditable = f.may(.editSegments)
        return Screen(
            item: .segments,
            title: title,
            hint: f.t(.segmentEditorHint),
            body: """
                <form method="post" action="/segments/save" class="editor" data-live="/segments/check">
                <input type="hidden" name="id" value="\(id.map { "\($0)" } ?? "")"><input type="hidden" name="version" \
                value="\(version)">
                <div class="columns wide-left">
                \(card(f.t(.ruleCard), inputs(f, isEditable)))
                \(card(f.t(.attributePicker), actions: f.exportLink("/segments/attributes.csv"), AttributePicker(catalogue: catalogue, isEnabled: isEditable).html(f)))
                </div>
                \(card(f.t(.resultCard), "<div id=\"result\" aria-live=\"polite\">\(result?.html(f) ?? emptyResult(f))</div>"))
                \(when: isEditable, "<div class=\"footer\"><button class=\"button primary\" type=\"submit\">\(f.t(.save))</button>\(linkButton(f.t(.cancel), to: "/segments"))</div>")
                </form>
                <form id="sample" method="post" action="/segments/sample.csv" data-download></form>
                """
        )
    }

    private func emptyResult(_ f: Frame) -> HTML { "<p class=\"help\">\(f.t(.resultEmpty))</p>" }

    private func inputs(_ f: Frame, _ isEditable: Bool) -> HTML {
        """
        \(field(f.t(.name), id: "name", isRequired: true, error: nameError, isWide: true, input("name", name, isRequired: true, maxLength: 100)))
        \(field(f.t(.rule), id: "rule", isRequired: true, help: f.t(.ruleHelp), isWide: true, "<textarea id=\"rule\" name=\"rule\" rows=\"8\" class=\"code\" spellcheck=\"false\" required aria-describedby=\"rule-help\" maxlength=\"20000\"\(attribute: "readonly", isEditable ? nil : "")>\(rule)</textarea>"))
        <p class="help">\(f.t(.scopeNote, f.scope(scope)))</p>
        """
    }
}

/// What a rule comes to: members and a sample, or what is wrong and where.
enum RuleResult {
    case members(
        rule: String,
        count: Int,
        base: Int,
        milliseconds: Int,
        sample: [MaskedMember],
        attributes: [Attribute]
    )
    case wrong(RuleError, rule: String)
    case failed(String)

    func html(_ f: Frame) -> HTML {
        switch self {
        case .failed(let message): return "<div class=\"notice error\">\(Icon.error.markup)<p>\(message)</p></div>"
        case .wrong(let error, let rule): return wrong(error, rule, f)
        case .members(let rule, let count, let base, let milliseconds, let sample, let attributes):
            return """
                \(figures([(f.t(.memberCount), f.number(count), f.t(.shareOfBase, f.share(count, of: base))), (f.t(.countTime), "\(milliseconds) ms", nil)]))
                \(sample.isEmpty ? emptyState(f.t(.noMembers)) : table(rule, sample, attributes, f))
                """
        }
    }

    private func wrong(_ error: RuleError, _ rule: String, _ f: Frame) -> HTML {
        let units = Array(rule.utf16)
        let start = min(max(0, error.start.offset), units.count)
        let end = min(max(start, error.end.offset), units.count)
        func text(_ range: Range<Int>) -> String { String(decoding: units[range], as: UTF16.self) }
        return """
            <div class="notice error" data-start="\(start)" data-end="\(max(end, start))">\(Icon.error.markup)<p>\
            \(f.t(.rulePlace, "\(error.start.line)", "\(error.start.column)"))\(f.language(error.message))</p>\
            <button type="button" class="button small" data-jump>\(f.t(.jumpToError))</button></div>
            <pre class="marked">\(text(0..<start))<mark>\(start == end ? " " : text(start..<end))</mark>\
            \(text(end..<units.count))</pre>
            """
    }

    static func sampleColumns(_ attributes: [Attribute], _ f: Frame) -> [Column<MaskedMember>] {
        [Column(f.t(.msisdn), plain: \.msisdn)]
            + attributes.map { attribute in
                Column(
                    f.language(attribute.name) + (attribute.unit.map { "（\($0)）" } ?? ""),
                    isNumber: attribute.isNumber,
                    plain: { attribute.shown($0.attributes[attribute.code] ?? "", f.language) }
                )
            }
    }

    /// The export belongs to a form of its own: the editor's is for saving.
    private func table(_ rule: String, _ sample: [MaskedMember], _ attributes: [Attribute], _ f: Frame) -> HTML {
        """
        <div class="tools spread"><span>\(f.t(.sampleCaption, f.number(sample.count)))</span>\
        <textarea name="rule" form="sample" hidden>\(rule)</textarea>\
        <button class="button small" type="submit" form="sample">\(Icon.download.markup)\(f.t(.exportCSV))</button></div>
        <div class="scroll" tabindex="0" role="region" aria-label="\(f.t(.sample))">\
        \(f.plainTable(Self.sampleColumns(attributes, f), sample))</div>
        """
    }
}

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
            Column(f.t(.type), plain: \.type.name), Column(f.t(.unit), plain: { $0.unit ?? "" }),
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
