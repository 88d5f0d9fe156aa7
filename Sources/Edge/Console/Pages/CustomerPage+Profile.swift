// The profile of a customer: attributes by group, lists, segments, numbers, other lines; and charts of twelve months.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Texts

/// What the first tab shows.
struct CustomerProfile: Sendable {
    var groups: [AttributeValues]
    var others: CustomerCandidates
    var lists: [FoundNumber.Entry]
    var segments: [Segment]
    var numbers: [DatedNumber]
    var policy: ContactPolicy?
}

extension CustomerPage {
    func profileCards(_ profile: CustomerProfile, _ f: Frame) -> HTML {
        """
        <div class="columns">\(each: profile.groups, { group in
            card(f.language(group.group.name), facts(group.values.map { ("\(f.language($0.attribute.name))", "\(text($0, f))") }))
        })
        \(card(f.t(.segmentsOf), segments(profile.segments, f)))
        \(when: !profile.others.lines.isEmpty, card(f.t(.otherLines), others(profile.others, f)))</div>
        \(card(f.t(.preferences), id: "preferences", preferences(profile, f)))
        \(card(f.t(.onLists), lists(profile, f)))
        \(card(f.t(.numbersOf), f.table(
            f.t(.numbersOf), numberColumns(f), of: profile.numbers, prefix: "n.",
            exportPath: path + "/numbers.csv", empty: "<p class=\"help\">\(f.t(.none))</p>")))
        """
    }

    private func text(_ pair: (attribute: Attribute, value: WarehouseValue), _ f: Frame) -> String {
        guard pair.value != .null, pair.attribute.sensitivity == .masked, !isShown else {
            return f.value(pair.value, of: pair.attribute)
        }
        return Mask.value
    }

    private func segments(_ segments: [Segment], _ f: Frame) -> HTML {
        guard !segments.isEmpty else { return "<p class=\"help\">\(f.t(.inNoSegment))</p>" }
        return """
            <ul class="list">\(each: segments, { segment in
                f.may(.viewSegments) ? "<li><a href=\"/segments/\(segment.id)\">\(segment.name)</a></li>" : "<li>\(segment.name)</li>"
            })</ul>
            """
    }

    private func lists(_ profile: CustomerProfile, _ f: Frame) -> HTML {
        f.table(
            f.t(.onLists),
            ListsPage.entryColumns(f, profile.policy),
            of: profile.lists.filter { Preference(rawValue: $0.list.code) == nil },
            prefix: "l.",
            exportPath: path + "/lists.csv",
            empty: "<p class=\"help\">\(f.t(.onNoList))</p>"
        )
    }

    /// What customer managers wrote back, and a form for more (CUS-26).
    private func preferences(_ profile: CustomerProfile, _ f: Frame) -> HTML {
        let known = profile.lists.filter { Preference(rawValue: $0.list.code) != nil }
        let choices = Preference.allCases.filter { one in !known.contains { $0.list == one.list } }
            .map { ($0.rawValue, f.language($0.name)) }
        let table = f.table(
            f.t(.preferences),
            ListsPage.entryColumns(f, profile.policy).filter { $0.title != f.t(.channel) },
            of: known,
            prefix: "p.",
            exportPath: path + "/lists.csv",
            empty: "<p class=\"help\">\(f.t(.noPreferences))</p>",
            actions: f.may(.editLists) ? { forget($0, f) } : nil
        )
        return "\(table)\(when: f.may(.editLists) && !choices.isEmpty, preferenceForm(choices, f))"
    }

    private func preferenceForm(_ choices: [(value: String, label: String)], _ f: Frame) -> HTML {
        """
        <form method="post" action="\(path)/preferences" class="fields notes">
        \(field(f.t(.preference), id: "preference", isRequired: true, select("preference", choices, selected: "", isRequired: true)))
        \(field(f.t(.preferenceNote), id: "note", isRequired: true, help: f.t(.preferenceNoteHelp), input("note", "", isRequired: true, maxLength: 200, hasHelp: true)))
        \(field(f.t(.lastDay), id: "to", help: f.t(.lastDayHelp), input("to", "", type: "date", hasHelp: true)))
        <div class="field act"><button class="button" type="submit">\(Icon.add.markup)\(f.t(.addPreference))</button></div></form>
        """
    }

    private func forget(_ entry: FoundNumber.Entry, _ f: Frame) -> HTML {
        let question = Question(
            title: f.t(.forgetPreference, f.list(entry.list)),
            effect: f.t(.forgetPreferenceEffect)
        )
        return actionButton(
            f.t(.remove),
            to: path + "/preferences/remove",
            question: question,
            hidden: [("preference", entry.list.code)]
        )
    }

    private func others(_ others: CustomerCandidates, _ f: Frame) -> HTML {
        """
        <ul class="list">\(each: others.lines, { line in
            "<li>\(line.masked.isEmpty ? "--" : line.masked) \(CustomersPage.open(line, f))</li>"
        })</ul>
        """
    }

    func numberColumns(_ f: Frame) -> [Column<DatedNumber>] {
        [
            Column(f.t(.numberKind), plain: { $0.kind == "msisdn" ? f.t(.msisdn) : "IMSI" }),
            Column(
                f.t(.numberWord),
                plain: { number in
                    if number.kind == "msisdn" {
                        return isShown ? MSISDN(number.number).national : MSISDN(number.number).masked
                    }
                    return isShown ? "\(number.number)" : Mask.imsi(number.number)
                }
            ),
            Column(f.t(.fromDay), key: "from", plain: { $0.from.iso }),
            Column(f.t(.toDay), key: "to", plain: { $0.to?.iso ?? f.t(.untilNow) }),
        ]
    }
}

/// Fees and usage by month, as charts and as a table.
struct CustomerCharts {
    /// Most charts of usage, each with its own unit.
    private static let most = 3

    var months: FactRows

    func cards(_ f: Frame, path: String) -> HTML {
        guard !months.rows.isEmpty else { return card(f.t(.monthsTitle), emptyState(f.t(.noMonths))) }
        let fees = series(f) { if case .decimal = $0 { true } else { false } }
        let usage = series(f) { $0 == .integer }.prefix(Self.most)
        let places = months.rows.map { f.month(months.value("month", $0)) }
        return """
            <div class="columns">\(when: !fees.isEmpty, card(f.t(.feesTitle), f.trend(f.t(.feesTitle), unit: f.t(.unitYuan), places: places, head: f.t(.month), fees.map(\.series))))
            \(each: usage, { each in
                let title = f.t(.usageTitle, each.series.name)
                return card(title, f.trend(title, unit: each.unit ?? f.t(.unitNone), places: places, head: f.t(.month), [each.series]))
            })</div>
            \(card(f.t(.monthsTitle), f.table(
                f.t(.monthsTitle), f.factColumns(months), of: Array(months.rows.reversed()), prefix: "m.",
                exportPath: path + "/months.csv", empty: .empty)))
            """
    }

    private func series(
        _ f: Frame,
        where isWanted: (WarehouseType) -> Bool
    ) -> [(series: TrendSeries, unit: String?)] {
        months.fields.enumerated().compactMap { place, field in
            guard isWanted(field.type), !["idx", "line_id"].contains(field.name) else { return nil }
            let (title, unit) = f.factColumn(field.name)
            let values = months.rows.map { row -> (value: Double, label: String)? in
                switch row[place] {
                case .integer(let number): (Double(number), f.number(number))
                case .decimal(let decimal): (Double(decimal.description) ?? 0, decimal.description)
                default: nil
                }
            }
            return (TrendSeries(name: title, values: values), unit)
        }
    }
}
