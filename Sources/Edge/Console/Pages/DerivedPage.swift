// 派生属性: a form with a check while it is typed and a look at the values before it is saved.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Profiles
import Texts

/// The form of a derived attribute as it was typed.
struct DerivedForm: Sendable {
    var code = ""
    var zh = ""
    var en = ""
    var group = ""
    var expression = ""
    var decimals = ""
    var unit = ""
    var reason = ""
    /// The revision it is based on.
    var base = 0

    /// A form with a definition, or an empty one.
    init(_ derived: DerivedAttribute?, group: String, base: Int) {
        self.group = derived?.group ?? group
        self.base = base
        guard let derived else { return }
        (code, zh, en) = (derived.code, derived.name.zh, derived.name.en)
        (expression, unit) = (derived.expression, derived.unit ?? "")
        decimals = derived.decimals.map { "\($0)" } ?? ""
    }

    init(_ body: FormBody) {
        (code, zh, en) = (body.trimmed("code"), body.trimmed("zh"), body.trimmed("en"))
        (group, unit, reason) = (body["group"], body.trimmed("unit"), body.trimmed("reason"))
        (expression, decimals) = (body.trimmed("expression").unixLines, body.trimmed("decimals"))
        base = Int(body["base"]) ?? -1
    }

    var definition: DerivedAttribute {
        DerivedAttribute(
            code: code,
            name: BilingualText(zh: zh, en: en),
            group: group,
            expression: expression,
            // What is no number is told like one that is too large.
            decimals: decimals.isEmpty ? nil : Int(decimals) ?? -1,
            unit: unit.isEmpty ? nil : unit
        )
    }
}

/// The page of the form.
struct DerivedPage {
    var form: DerivedForm
    /// The code of the attribute that is edited; nil = a new one.
    var old: String?
    var groups: [AttributeGroup]
    var preview: DerivedPreview?
    /// The field that is wrong, and why.
    var wrong: (field: String, message: String)?

    private var path: String { "/derived-attributes" + (old.map { "/\($0)" } ?? "") }

    func page(_ f: Frame) -> Screen {
        let isNew = old == nil
        return Screen(
            item: .catalogue,
            title: f.t(isNew ? .addDerived : .editDerived),
            hint: f.t(.derivedHint),
            above: old.map { [($0, "/catalogue/\($0)")] } ?? [],
            body: """
                <form method="post" action="\(path)" data-rules="/catalogue-check" novalidate>
                <input type="hidden" name="base" value="\(form.base)">
                <input type="hidden" name="old" value="\(old ?? "")">
                \(card(f.t(.derivedWord), "<div class=\"fields\">\(fields(f))</div>"))
                \(found(f))
                <div class="footer"><button class="button primary" type="submit">\(f.t(.save))</button>\
                <button class="button" type="submit" name="act" value="preview">\(f.t(.previewDerived))</button>\
                \(linkButton(f.t(.cancel), to: old.map { "/catalogue/\($0)" } ?? "/catalogue"))</div>
                </form>
                """
        )
    }

    private func error(_ field: String) -> String? { wrong?.field == field ? wrong?.message : nil }

    private func fields(_ f: Frame) -> HTML {
        let options = groups.map { ($0.code, f.language($0.name)) }
        let expression: HTML = """
            <textarea id="expression" name="expression" rows="3" class="rule" spellcheck="false" required \
            maxlength="2000" aria-describedby="expression-help" data-rule\
            \(attribute: "aria-invalid", error("expression") == nil ? nil : "true")>\(form.expression)</textarea>\
            <div class="ruleresult" aria-live="polite"></div>
            """
        let decimals = input(
            "decimals",
            form.decimals,
            type: "number",
            least: "0",
            most: "9",
            hasHelp: true
        )
        let reason = input("reason", form.reason, isRequired: true, maxLength: 500, hasHelp: true)
        return """
            \(field(f.t(.code), id: "code", isRequired: true, error: error("code"), input("code", form.code, isRequired: true, maxLength: 63)))
            \(field(f.t(.attributeGroup), id: "group", isRequired: true, error: error("group"), select("group", options, selected: form.group)))
            \(field(f.t(.nameChinese), id: "zh", isRequired: true, error: error("zh"), input("zh", form.zh, isRequired: true, maxLength: 60)))
            \(field(f.t(.nameEnglish), id: "en", isRequired: true, error: error("en"), input("en", form.en, isRequired: true, maxLength: 60)))
            \(field(f.t(.derivedExpression), id: "expression", isRequired: true, help: f.t(.derivedExpressionHelp), error: error("expression"), isWide: true, expression))
            \(field(f.t(.derivedDecimals), id: "decimals", help: f.t(.derivedDecimalsHelp), error: error("decimals"), decimals))
            \(field(f.t(.unit), id: "unit", error: error("unit"), input("unit", form.unit, maxLength: 20)))
            \(field(f.t(.reasonWord), id: "reason", isRequired: true, help: f.t(.changeReasonHelp), error: error("reason"), isWide: true, reason))
            """
    }

    /// What the preview found.
    private func found(_ f: Frame) -> HTML {
        guard let preview else { return .empty }
        let attribute = preview.attribute
        let kind: HTML = """
            <p>\(f.t(.derivedIs, f.typeName(attribute))) \
            \(tag(f.t(attribute.isHot ? .hotStorage : .coldStorage), attribute.isHot ? .warn : .info))</p>
            """
        guard let distribution = preview.distribution else {
            return card(f.t(.distribution), "\(kind)\(emptyState(f.t(.maskedDistribution)))")
        }
        let view = ProfiledAttributeView(attribute: attribute, distribution: distribution, hasMembers: false)
        let (total, nulls) = (distribution.total.base, distribution.nulls.base)
        let export: HTML = """
            <button class="button small" type="submit" formaction="/catalogue-preview.csv">\(f.t(.exportCSV))</button>
            """
        let description = f.t(.distributionDescription, f.title(attribute), f.number(total))
        return card(
            f.t(.distribution),
            actions: export,
            """
            \(kind)\(figures([(f.t(.memberCount), f.number(total), nil), (f.t(.noValue), f.number(nulls), f.share(nulls, of: total))]))
            \(f.spread(view, description: description))
            """
        )
    }
}
