// An arbitration is set up: the window, the campaigns in it, and the limits.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPAPI
import Kernel
import Model
import Planning
import Texts

/// What a planner typed, as text; each field by its name in the form.
struct ArbitrationForm: Sendable {
    var name = ""
    var from: LocalDay
    var to: LocalDay
    /// Campaigns that are ticked.
    var chosen: Set<Int64> = []
    /// Minimums, `perSubscriber`, `class.sms` …, `capacity.sms` … and `capacity.sms.2026-11-27` … as typed.
    var values: [String: String] = [:]
    /// What is wrong, by field.
    var errors: [String: String] = [:]

    subscript(name: String) -> String { values[name] ?? "" }

    /// An empty form over some campaigns.
    init(from: LocalDay, to: LocalDay, campaigns: [Campaign]) {
        self.from = from
        self.to = to
        chosen = Set(campaigns.map(\.id.number))
        values["perSubscriber"] = "1"
    }

    /// The form of another arbitration that starts from one.
    init(_ old: Arbitration, campaigns: [Campaign]) {
        let setup = old.setup
        self.init(from: setup.from, to: setup.to, campaigns: [])
        name = old.name
        chosen = Set(setup.entries.map(\.campaign.number))
        values["perSubscriber"] = "\(setup.perSubscriber)"
        for (channel, most) in setup.perClass { values["class.\(channel.code)"] = "\(most)" }
        for (channel, day) in Self.slots(campaigns) {
            values[Self.field(channel, day)] = setup.capacity(channel, on: day).map { "\($0)" }
        }
        for entry in setup.entries where entry.minimum > 0 {
            values["minimum.\(entry.campaign.number)"] = "\(entry.minimum)"
        }
    }

    /// What was sent.
    init(_ body: FormBody, from: LocalDay, to: LocalDay) {
        self.init(from: from, to: to, campaigns: [])
        name = body.trimmed("name")
        chosen = Set(body.all("campaign").compactMap { Int64($0) })
        for field in body.fields where field.name.contains(".") || field.name == "perSubscriber" {
            values[field.name] = field.value.trimmingCharacters(in: .whitespaces)
        }
    }

    static func field(_ channel: ChannelClass, _ day: LocalDay) -> String { "capacity.\(channel.code).\(day.iso)" }

    /// Channel classes and days of some campaigns' waves.
    static func slots(_ campaigns: [Campaign]) -> [(channel: ChannelClass, day: LocalDay)] {
        let all = Set(campaigns.map { [Int32($0.plan.channel.rawValue), $0.plan.planned.day.number] })
        return all.sorted { $0.lexicographicallyPrecedes($1) }.compactMap { slot in
            ChannelClass(rawValue: UInt8(slot[0])).map { ($0, LocalDay(number: slot[1])) }
        }
    }

    /// The setup as typed; ``errors`` says what is no number.
    mutating func setup(_ f: Frame) -> ArbitrationSetup {
        if !(1...100).contains(name.count) { errors["name"] = f.t(.wrongName) }
        if chosen.count < 2 { errors["campaign"] = f.t(.chooseTwo) }
        var setup = ArbitrationSetup(from: from, to: to, entries: [])
        setup.perSubscriber = number("perSubscriber", f, isRequired: true, 1...255) ?? 1
        for channel in ArbitrationFormPage.channels {
            setup.perClass[channel] = number("class.\(channel.code)", f, 0...255)
            if let limit = number("capacity.\(channel.code)", f) {
                setup.capacities.append(ArbitrationCapacity(channel: channel, limit: limit))
            }
        }
        for field in values.keys.sorted() where field.hasPrefix("capacity.") {
            let parts = field.split(separator: ".")
            guard parts.count == 3, let channel = ChannelClass(code: String(parts[1])),
                let day = LocalDay(iso: String(parts[2])), let limit = number(field, f)
            else { continue }
            setup.capacities.append(ArbitrationCapacity(channel: channel, day: day, limit: limit))
        }
        setup.entries = chosen.sorted().map { id in
            ArbitrationEntry(campaign: CampaignID(id), revision: 0, minimum: number("minimum.\(id)", f) ?? 0)
        }
        return setup
    }

    private mutating func number(
        _ field: String,
        _ f: Frame,
        isRequired: Bool = false,
        _ range: ClosedRange<Int> = 0...Int(Int32.max)
    ) -> Int? {
        let text = self[field]
        if text.isEmpty, !isRequired { return nil }
        guard let number = Int(text), range.contains(number) else {
            errors[field] = f.t(.wrongNumber)
            return nil
        }
        return number
    }
}

/// The form of an arbitration.
struct ArbitrationFormPage {
    /// Channel classes of campaigns with waves.
    static let channels: [ChannelClass] = [.sms, .outbound]

    var form: ArbitrationForm
    /// Campaigns that may take part, by planned time.
    var campaigns: [Campaign]
    /// The arbitration it starts from, whose campaigns stay; nil for a new one.
    var previous: Arbitration?

    private var path: String { previous.map { "/arbitrations/\($0.id)/again" } ?? "/arbitrations/new" }

    private var exportPath: String {
        previous.map { "/arbitrations/\($0.id)/entries.csv" }
            ?? "/arbitrations/plannable.csv?from=\(form.from.iso)&to=\(form.to.iso)"
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .arbitrations,
            title: f.t(previous == nil ? .newArbitration : .solveAgain),
            hint: previous.map { f.t(.solveAgainHint, $0.name) } ?? f.t(.arbitrationsHint),
            above: previous.map { [($0.name, "/arbitrations/\($0.id)")] } ?? [],
            body: """
                \(when: previous == nil, card(f.t(.chooseWindow), window(f)))
                \(campaigns.count < 2 ? card(nil, emptyState(f.t(.nothingToArbitrate), linkButton(f.t(.allCampaigns), to: "/campaigns"))) : limits(f))
                """
        )
    }

    private func window(_ f: Frame) -> HTML {
        """
        <form method="get" action="\(path)" class="tools"><label for="from">\(f.t(.windowFrom))</label>\
        <span>\(input("from", form.from.iso, type: "date", isRequired: true))</span>\
        <label for="to">\(f.t(.windowTo))</label><span>\(input("to", form.to.iso, type: "date", isRequired: true))</span>\
        <button class="button" type="submit">\(f.t(.showCampaigns))</button></form>
        \(when: form.errors["to"] != nil, "<p class=\"wrong\" role=\"alert\">\(form.errors["to"] ?? "")</p>")
        """
    }

    private func limits(_ f: Frame) -> HTML {
        """
        <form method="post" action="\(path)">
        <input type="hidden" name="from" value="\(form.from.iso)"><input type="hidden" name="to" value="\(form.to.iso)">
        \(card(f.t(.competingCampaigns), actions: f.exportLink(exportPath), """
            <div class="fields">\(line(f, "name", f.t(.name), isText: true))</div>
            <p class="help">\(f.t(.competingHelp))</p>
            \(when: form.errors["campaign"] != nil, "<p class=\"wrong\" role=\"alert\">\(form.errors["campaign"] ?? "")</p>")
            \(f.scrolled(f.t(.competingCampaigns), f.plainTable(columns(f), campaigns)))
            """))
        \(card(f.t(.contactLimits), """
            <p class="help">\(f.t(.contactLimitsHelp))</p>
            <div class="fields">\(line(f, "perSubscriber", f.t(.perSubscriber), isRequired: true, least: "1", most: "255"))
            \(each: used, { channel in line(f, "class.\(channel.code)", f.t(.perClass, f.language(channel.name)), help: f.t(.sameAsAll), most: "255") })</div>
            """))
        \(card(f.t(.channelCapacity), """
            <p class="help">\(f.t(.channelCapacityHelp))</p>
            <div class="fields">\(capacities(f))</div>
            """))
        <div class="actions"><button class="button primary" type="submit">\(Icon.play.markup)\(f.t(.solveNow))</button></div></form>
        """
    }

    private var used: [ChannelClass] { Self.channels.filter { c in campaigns.contains { $0.plan.channel == c } } }

    private func capacities(_ f: Frame) -> [HTML] {
        guard previous != nil else {
            return used.map { line(f, "capacity.\($0.code)", f.t(.capacityEachDay, f.language($0.name))) }
        }
        return ArbitrationForm.slots(campaigns).map { channel, day in
            line(f, ArbitrationForm.field(channel, day), f.t(.capacityOn, f.language(channel.name), day.iso))
        }
    }

    /// What is known of the campaigns.
    static func columns(_ f: Frame) -> [Column<Campaign>] {
        [
            Column(f.t(.campaignName), plain: \.plan.name) {
                "<a href=\"/campaigns/\($0.id.number)\">\($0.plan.name)</a>"
            },
            Column(f.t(.phase), plain: { f.t($0.phase.text) }, cell: { f.phase($0.phase) }),
            Column(f.t(.channel), plain: { f.language($0.plan.channel.name) }),
            Column(f.t(.plannedAt), plain: { f.time($0.plan.planned) }),
            Column(f.t(.rankBy), plain: { $0.plan.score ?? "--" }),
            Column(
                f.t(.valuePerOrder),
                isNumber: true,
                plain: { $0.plan.valuePerOrderMinor == 0 ? "--" : f.language.money(minor: $0.plan.valuePerOrderMinor) }
            ),
            Column(f.t(.limit), isNumber: true, plain: { $0.plan.limit.map { f.number($0) } ?? "--" }),
            Column(
                f.t(.budget),
                isNumber: true,
                plain: { $0.plan.budgetMinor.map { f.language.money(minor: $0) } ?? "--" }
            ),
        ]
    }

    private func columns(_ f: Frame) -> [Column<Campaign>] {
        let chosen = Column<Campaign>(f.t(.takesPart), plain: { "\($0.id.number)" }) { campaign in
            let id = campaign.id.number
            guard previous == nil else {
                return "<input type=\"hidden\" name=\"campaign\" value=\"\(id)\">\(f.t(.yes))"
            }
            return """
                <input type="checkbox" name="campaign" value="\(id)" \
                aria-label="\(f.t(.takesPartOf, campaign.plan.name))"\(attribute: "checked", form.chosen.contains(id) ? "" : nil)>
                """
        }
        let minimum = Column<Campaign>(f.t(.minimumContacts), plain: { form["minimum.\($0.id.number)"] }) { campaign in
            let name = "minimum.\(campaign.id.number)"
            return """
                <input id="\(name)" name="\(name)" type="number" min="0" step="1" value="\(form[name])" class="number" \
                aria-label="\(f.t(.minimumOf, campaign.plan.name))">\
                \(when: form.errors[name] != nil, "<p class=\"wrong\" role=\"alert\">\(form.errors[name] ?? "")</p>")
                """
        }
        return [chosen] + Self.columns(f) + [minimum]
    }

    private func line(
        _ f: Frame,
        _ name: String,
        _ label: String,
        help: String? = nil,
        isRequired: Bool = false,
        isText: Bool = false,
        least: String = "0",
        most: String? = nil
    ) -> HTML {
        field(
            label,
            id: name,
            isRequired: isRequired || isText,
            help: help,
            error: form.errors[name],
            isText
                ? input(name, form.name, isRequired: true, maxLength: 100)
                : input(
                    name,
                    form[name],
                    type: "number",
                    isRequired: isRequired,
                    least: least,
                    most: most,
                    step: "1",
                    hasHelp: help != nil
                )
        )
    }
}
