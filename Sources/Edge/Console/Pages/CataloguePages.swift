// 属性目录: every fact about a subscriber, and how its values are spread.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Profiles
import Texts

/// The attributes of the catalogue by group.
struct CataloguePage {
    var catalogue: AttributeCatalogue
    /// Subscribers without a value by code, of attributes in memory.
    var nulls: [String: Int]
    var subscribers: Int
    /// The chosen group; empty = all.
    var group: String

    struct Row: Sendable {
        var attribute: Attribute
        var group: BilingualText
        var nulls: Int?
        var subscribers: Int
    }

    /// The attributes of the chosen group in the order of the catalogue.
    var rows: [Row] {
        let names = Dictionary(catalogue.groups.map { ($0.code, $0.name) }, uniquingKeysWith: { first, _ in first })
        return catalogue.attributes.filter { group.isEmpty || $0.group == group }.map {
            Row(
                attribute: $0,
                group: names[$0.group] ?? BilingualText(zh: $0.group, en: $0.group),
                nulls: nulls[$0.code],
                subscribers: subscribers
            )
        }
    }

    static func columns(_ f: Frame) -> [Column<Row>] {
        [
            Column(f.t(.name), key: "name", plain: { f.language($0.attribute.name) }) {
                """
                <a href="/catalogue/\($0.attribute.code)">\(f.language($0.attribute.name))</a>\
                \(when: $0.attribute.expression != nil, " \(tag(f.t(.derivedWord)))")
                """
            },
            Column(f.t(.code), key: "code", plain: \.attribute.code, cell: { "<code>\($0.attribute.code)</code>" }),
            Column(f.t(.attributeGroup), key: "group", plain: { f.language($0.group) }),
            Column(f.t(.type), key: "type", plain: { f.typeName($0.attribute) }),
            Column(f.t(.unit), plain: { $0.attribute.unit.map { f.unit($0) } ?? "" }),
            Column(
                f.t(.values),
                plain: { row in row.attribute.domain.map { f.language($0.label) }.joined(separator: ", ") }
            ) {
                let labels = $0.attribute.domain.map { f.language($0.label) }
                let all = labels.joined(separator: ", ")
                return labels.count <= 4
                    ? "\(all)"
                    : "<span title=\"\(all)\">\(labels.prefix(3).joined(separator: ", ")) … (\(labels.count))</span>"
            },
            Column(f.t(.storage), key: "storage", plain: { f.t($0.attribute.isHot ? .hotStorage : .coldStorage) }) {
                tag(f.t($0.attribute.isHot ? .hotStorage : .coldStorage), $0.attribute.isHot ? .warn : .info)
            },
            Column(f.t(.masked), key: "masked", plain: { f.t($0.attribute.sensitivity == .open ? .no : .yes) }),
            Column(
                f.t(.withoutValue),
                key: "nulls",
                isNumber: true,
                rank: { Int64($0.nulls ?? -1) },
                plain: { row in row.nulls.map { f.share($0, of: row.subscribers) } ?? "--" }
            ),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let groups = catalogue.groups.filter { group in catalogue.attributes.contains { $0.group == group.code } }
        let all: [(title: String, path: String, count: Int?, isCurrent: Bool)] =
            [(f.t(.all), "/catalogue", catalogue.attributes.count, group.isEmpty)]
            + groups.map { entry in
                (
                    f.language(entry.name), "/catalogue?group=\(entry.code)",
                    catalogue.attributes.count { $0.group == entry.code }, entry.code == group
                )
            }
        return Screen(
            item: .catalogue,
            title: f.t(.menuCatalogue),
            hint: f.t(.catalogueHint),
            actions: """
                \(linkButton(f.t(.catalogueHistory), to: "/catalogue-revisions"))\
                \(when: f.mayEditCatalogue && !catalogue.attributes.isEmpty, linkButton(f.t(.addDerived), to: "/derived-attributes", .add, isPrimary: true))
                """,
            body: """
                \(tabs(f.t(.attributeGroup), all))
                \(card(nil, f.table(
                    f.t(.menuCatalogue), Self.columns(f), of: rows, exportPath: "/catalogue.csv",
                    searchHint: f.t(.searchCatalogue), empty: emptyState(f.t(.noCatalogue)))))
                """
        )
    }
}

/// One attribute of the catalogue.
struct AttributePage {
    var attribute: Attribute
    var group: BilingualText
    /// nil = not in the load, or not for the reader.
    var distribution: ColumnDistribution?
    var isHidden: Bool
    var segments: [Segment]
    /// What else uses it.
    var uses: [CatalogueUse] = []
    /// The last revision of the catalogue; 0 = none.
    var revision = 0

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .catalogue,
            title: f.language(attribute.name),
            hint: attribute.code,
            actions: f.mayEditCatalogue && attribute.expression != nil
                ? linkButton(f.t(.editDerived), to: "/derived-attributes/\(attribute.code)", isPrimary: true) : .empty,
            body: """
                <div class="columns">
                \(card(f.t(.aboutAttribute), facts(about(f))))
                \(card(f.t(.attributeUse), usage(f)))
                </div>
                \(when: f.mayEditCatalogue, attribute.expression == nil ? storage(f) : removal(f))
                \(spread(f))
                """
        )
    }

    private func about(_ f: Frame) -> [(label: String, value: HTML)] {
        var items: [(label: String, value: HTML)] = [
            (f.t(.code), "<code>\(attribute.code)</code>"),
            (f.t(.name), "\(attribute.name.zh) / \(attribute.name.en)"),
            (f.t(.attributeGroup), "\(f.language(group))"), (f.t(.type), "\(f.typeName(attribute))"),
            attribute.expression.map { (f.t(.derivedExpression), "<code>\($0)</code>") }
                ?? (f.t(.warehouseColumn), "<code>subscriber.\(attribute.code)</code>"),
            (f.t(.storage), "\(f.t(attribute.isHot ? .hotStorage : .coldStorage))"),
            (f.t(.masked), "\(f.t(attribute.sensitivity == .open ? .no : .yes))"),
        ]
        if let unit = attribute.unit { items.append((f.t(.unit), "\(f.unit(unit))")) }
        if let range = attribute.range {
            let ends = [range.lowerBound, range.upperBound].map { attribute.shown(unscaled: $0) }
            items.append((f.t(.acceptedRange), "\(ends[0]) ~ \(ends[1])"))
        }
        if !attribute.domain.isEmpty {
            let values = attribute.domain.map { value in
                let label = f.language(value.label)
                return label == value.value ? label : "\(label) (\(value.value))"
            }
            items.append((f.t(.values), "\(values.joined(separator: ", "))"))
        }
        return items
    }

    private func usage(_ f: Frame) -> HTML {
        let others: HTML = "<h3>\(f.t(.otherUses))</h3><ul>\(each: uses, { "<li>\(f.use($0))</li>" })</ul>"
        guard !segments.isEmpty else { return uses.isEmpty ? emptyState(f.t(.attributeNotUsed)) : others }
        return """
            <ul>\(each: segments, { "<li><a href=\"/segments/\(Int($0.id))\">\($0.name)</a></li>" })</ul>\
            \(when: !uses.isEmpty, others)
            """
    }

    /// The switch between memory and warehouse; texts have none.
    private func storage(_ f: Frame) -> HTML {
        guard attribute.type != .text || attribute.isHot else { return .empty }
        let isHot = attribute.isHot
        return reasoned(
            f,
            f.t(.changeStorage),
            to: "/catalogue/\(attribute.code)/storage",
            button: f.t(isHot ? .makeCold : .makeHot),
            help: f.t(isHot ? .makeColdHelp : .makeHotHelp),
            Question(
                title: "\(f.t(isHot ? .makeCold : .makeHot)): \(f.language(attribute.name))",
                effect: f.t(isHot ? .makeColdHelp : .makeHotHelp)
            ),
            hidden: [("hot", isHot ? "no" : "yes")]
        )
    }

    private func removal(_ f: Frame) -> HTML {
        reasoned(
            f,
            f.t(.removeDerived),
            to: "/derived-attributes/\(attribute.code)/remove",
            button: f.t(.remove),
            help: f.t(.removeDerivedEffect),
            Question(
                title: f.t(.removeDerivedQuestion, f.language(attribute.name)),
                effect: f.t(.removeDerivedEffect),
                isDangerous: true
            )
        )
    }

    private func reasoned(
        _ f: Frame,
        _ title: String,
        to path: String,
        button: String,
        help: String,
        _ question: Question,
        hidden: [(name: String, value: String)] = []
    ) -> HTML {
        card(title, f.reasonForm(to: path, button: button, base: revision, help: help, question, hidden: hidden))
    }

    private func spread(_ f: Frame) -> HTML {
        guard let distribution else {
            return card(f.t(.distribution), emptyState(f.t(isHidden ? .maskedDistribution : .notInLoad)))
        }
        let view = ProfiledAttributeView(attribute: attribute, distribution: distribution, hasMembers: false)
        let (total, nulls) = (distribution.total.base, distribution.nulls.base)
        var items: [(label: String, value: String, hint: String?)] = [
            (f.t(.memberCount), f.number(total), nil), (f.t(.noValue), f.number(nulls), f.share(nulls, of: total)),
        ]
        if let quantiles = distribution.baseQuantiles {
            let step = distribution.step > 1 ? f.t(.quantileStep, attribute.shown(step: distribution.step)) : nil
            for (percent, value) in zip(ColumnDistribution.Quantiles.percents, quantiles.values) {
                items.append(("\(f.t(.quantile)) \(percent)%", attribute.shown(unscaled: value), step))
            }
        }
        return """
            \(figures(items))
            \(card(
                f.t(.distribution),
                actions: f.exportLink("/catalogue/\(attribute.code)/distribution.csv"),
                f.spread(view, description: f.t(.distributionDescription, f.title(attribute), f.number(total)))
            ))
            """
    }
}

extension Attribute {
    /// The width of a cell: days for days, else a number like the attribute's.
    fileprivate func shown(step: UInt64) -> String {
        if type == .day { return "\(step)" }
        return shown(unscaled: Int64(clamping: step))
    }
}

extension Frame {
    /// The type of an attribute as people read it.
    func typeName(_ attribute: Attribute) -> String {
        switch attribute.type {
        case .flag: language("是/否", "yes/no")
        case .integer: language("整数", "whole number")
        case .decimal(let scale): language("小数（\(scale) 位）", "decimal, \(scale) places")
        case .day: language("日期", "day")
        case .enumeration: language("枚举", "one of a list")
        case .text: language("文本", "text")
        }
    }
}

extension Frame {
    /// Whether the reader may change the catalogue: the role allows it, and he is responsible for the whole operator.
    var mayEditCatalogue: Bool { may(.editCatalogue) && staff?.scope == .all }

    /// A button with the reason for a change of the catalogue that is based on a revision.
    func reasonForm(
        to path: String,
        button: String,
        base: Int,
        help: String,
        _ question: Question,
        hidden: [(name: String, value: String)] = []
    ) -> HTML {
        let reason = input("reason", "", isRequired: true, maxLength: 500, hasHelp: true)
        return """
            <form method="post" action="\(path)" class="rowform"\(confirming: question)>\
            \(each: hidden + [("base", "\(base)")], { "<input type=\"hidden\" name=\"\($0.name)\" value=\"\($0.value)\">" })\
            \(field(t(.reasonWord), id: "reason", isRequired: true, help: help, reason))\
            <button class="button\(question.isDangerous ? " danger" : "")" type="submit">\(button)</button></form>
            """
    }
}
