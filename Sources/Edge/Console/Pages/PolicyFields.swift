// From what somebody typed into the form of a policy draft to a policy, and back.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// The fields of a policy's form as text, each by its name; lists have numbered rows.
struct PolicyFields: Sendable {
    /// Lists whose rows can be added and removed.
    enum List: String, CaseIterable {
        case tiers, similar, product, rules, areas, linkage, dnd

        /// Fields of which one must be filled for a row to count.
        var texts: [String] {
            switch self {
            case .tiers, .rules, .areas: ["code", "zh", "en", "rule"]
            case .linkage: ["code", "zh", "en", "categories"]
            case .similar: ["category", "days", "to"]
            case .product: ["product", "days"]
            case .dnd: ["number", "zh", "en"]
            }
        }
    }

    private(set) var values: [String: String] = [:]

    subscript(name: String) -> String {
        get { values[name] ?? "" }
        set { values[name] = newValue.isEmpty ? nil : newValue }
    }

    func isOn(_ name: String) -> Bool { values[name] == "on" }

    /// Rows of a list, without the empty one behind them.
    func rows(_ list: List) -> Int { min(max(0, Int(self["\(list.rawValue).rows"]) ?? 0), 1_000) }

    /// What was typed.
    init(_ body: FormBody) {
        for field in body.fields {
            self[field.name] = field.value.unixLines.trimmingPrefix(while: \.isWhitespace).description
            while let last = self[field.name].last, last.isWhitespace { self[field.name].removeLast() }
        }
    }

    /// A policy as the form shows it.
    init(_ policy: ContactPolicy) {
        func put(_ list: List, _ row: Int, _ pairs: [(String, String)]) {
            for (name, value) in pairs { self["\(list.rawValue).\(row).\(name)"] = value }
        }
        func hours(_ prefix: String, _ hours: [ChannelClass: QuietHours]) {
            for (channel, quiet) in hours {
                self["\(prefix).\(channel.code).from"] = clock(quiet.from)
                self["\(prefix).\(channel.code).to"] = clock(quiet.to)
            }
        }
        for (row, tier) in policy.tiers.enumerated() {
            put(.tiers, row, [("code", tier.code), ("zh", tier.name.zh), ("en", tier.name.en), ("rule", tier.rule)])
            for (name, cap) in ChannelClass.allCases.map({ ($0.code, tier.caps[$0]) }) + [("overall", tier.overall)] {
                put(.tiers, row, [(name, cap.map { "\($0.count)" } ?? ""), (name + ".months", "\(cap?.months ?? 1)")])
            }
        }
        for (row, dnd) in policy.dnd.enumerated() {
            put(.dnd, row, [("number", "\(dnd.number)"), ("zh", dnd.name.zh), ("en", dnd.name.en)])
            put(.dnd, row, [("channel", dnd.isByChannel ? "on" : ""), ("untick", dnd.mayBeUnticked ? "on" : "")])
            put(.dnd, row, (dnd.untickedBy ?? []).map { ("role.\($0)", "on") })
        }
        for (channel, days) in policy.intervalDays { self["interval.\(channel.code)"] = "\(days)" }
        for (row, category) in Self.similarRows(policy).enumerated() {
            let days = policy.similarDays[category].map { "\($0)" } ?? ""
            let others = policy.similarTo[category] ?? []
            put(.similar, row, [("category", category), ("days", days), ("to", others.joined(separator: ", "))])
        }
        for (row, product) in policy.productDays.keys.sorted().enumerated() {
            put(.product, row, [("product", product), ("days", "\(policy.productDays[product] ?? 0)")])
        }
        for (row, rule) in policy.categoryRules.enumerated() {
            put(.rules, row, [("code", rule.code), ("zh", rule.name.zh), ("en", rule.name.en), ("rule", rule.rule)])
            put(.rules, row, [("categories", rule.categories.joined(separator: ", "))])
        }
        hours("quiet", policy.quietHours)
        for (row, area) in policy.quietAreas.enumerated() {
            put(.areas, row, [("code", area.code), ("zh", area.name.zh), ("en", area.name.en), ("rule", area.rule)])
            hours("areas.\(row).quiet", area.quietHours)
        }
        self["holidays"] = policy.holidays.map(\.iso).joined(separator: "\n")
        self["holdout"] = percent(policy.holdout.ppm)
        self["epoch"] = policy.holdout.epoch
        self["reservation"] = "\(policy.reservationHours)"
        for (place, key) in policy.ranking.enumerated() { self["ranking.\(place)"] = key.rawValue }
        self["offers.most"] = "\(policy.offers.offers)"
        self["offers.show"] = "\(policy.offers.minutesToShow)"
        self["offers.kept"] = "\(policy.offers.minutesKept)"
        for (row, type) in policy.linkage.types.enumerated() {
            put(.linkage, row, [("code", type.code), ("zh", type.name.zh), ("en", type.name.en)])
            put(.linkage, row, [("categories", type.categories.joined(separator: ", "))])
            put(.linkage, row, type.historyAt.map { ("at.\($0.code)", "on") })
            for cell in type.cells {
                put(.linkage, row, cell.cancels.map { (Self.cell(cell.contacted, cell.result, $0), "on") })
            }
        }
        let counts: [(List, Int)] = [
            (.tiers, policy.tiers.count), (.dnd, policy.dnd.count), (.similar, Self.similarRows(policy).count),
            (.product, policy.productDays.count), (.rules, policy.categoryRules.count),
            (.areas, policy.quietAreas.count), (.linkage, policy.linkage.types.count),
        ]
        for (list, count) in counts { self["\(list.rawValue).rows"] = "\(count)" }
    }

    private static func similarRows(_ policy: ContactPolicy) -> [String] {
        Set(policy.similarDays.keys).union(policy.similarTo.keys).sorted()
    }

    /// Name of a tick of the linkage matrix inside a row.
    static func cell(_ contacted: ChannelClass, _ result: ContactResult, _ cancelled: ChannelClass) -> String {
        "cell.\(contacted.code).\(result.code).\(cancelled.code)"
    }

    /// Results that a row of the linkage matrix shows for a channel class: those it can have, and any that is ticked.
    func results(_ channel: ChannelClass, of name: String) -> [ContactResult] {
        ContactResult.allCases.filter { result in
            let isUsual: Bool
            switch result {
            case .completed, .interrupted: isUsual = channel == .outbound
            case .failed: isUsual = channel == .outbound || channel == .sms
            default: isUsual = true
            }
            return isUsual || ChannelClass.allCases.contains { isOn("\(name).\(Self.cell(channel, result, $0))") }
        }
    }

    // MARK: Back to a policy

    /// The policy as typed, and what could not be read by field; such fields stand as a default.
    func policy(_ f: Frame) -> (policy: ContactPolicy, errors: [String: String]) {
        var reader = Reader(fields: self, frame: f)
        return (reader.policy(), reader.errors)
    }

    /// The field that a problem of the policy belongs to.
    static func name(of problem: PolicyProblem, in policy: ContactPolicy) -> String {
        var path = problem.path[...]
        let first = path.popFirst() ?? ""
        func row() -> String { String(path.popFirst()?.dropFirst().dropLast() ?? "0") }
        func part() -> String {
            let part = path.popFirst() ?? ""
            switch part {
            case "name", "caps": return path.popFirst() ?? ""
            case "mayBeUnticked": return "untick"
            case "untickedBy": return "roles"
            case "quietHours": return "quiet.\(path.popFirst() ?? "")"
            case "historyAt", "cells": return "code"
            case "": return "code"
            default: return part
            }
        }
        switch first {
        case "tiers", "dnd": return path.isEmpty ? "\(first).0.code" : "\(first).\(row()).\(part())"
        case "intervalDays": return "interval.\(part())"
        case "similarDays", "similarTo":
            let place = similarRows(policy).firstIndex(of: path.first ?? "") ?? 0
            return "similar.\(place).\(first == "similarTo" ? "to" : "days")"
        case "productDays":
            return "product.\(policy.productDays.keys.sorted().firstIndex(of: path.first ?? "") ?? 0).days"
        case "categoryRules": return "rules.\(row()).\(part())"
        case "quietHours": return "quiet.\(part())"
        case "quietAreas": return "areas.\(row()).\(part())"
        case "holdout": return part() == "ppm" ? "holdout" : "epoch"
        case "reservationHours": return "reservation"
        case "ranking": return "ranking.0"
        case "offers":
            return ["offers": "offers.most", "minutesToShow": "offers.show"][part()] ?? "offers.kept"
        case "linkage":
            path = path.dropFirst()
            return "linkage.\(row()).\(part())"
        default: return first
        }
    }
}

/// Reads typed fields.
private struct Reader {
    let fields: PolicyFields
    let frame: Frame
    var errors: [String: String] = [:]

    mutating func policy() -> ContactPolicy {
        var policy = ContactPolicy(revision: 0, tiers: [], dnd: [])
        policy.tiers = rows(.tiers).map { tier("tiers.\($0)") }
        policy.dnd = rows(.dnd).map { dnd("dnd.\($0)") }
        for channel in ChannelClass.allCases {
            policy.intervalDays[channel] = number("interval.\(channel.code)", isNeeded: false)
        }
        for row in rows(.similar) { similar("similar.\(row)", &policy) }
        for row in rows(.product) {
            let name = "product.\(row)"
            let product = needed(name + ".product")
            if policy.productDays[product] != nil { errors[name + ".product"] = frame.t(.categoryTwice) }
            policy.productDays[product] = number(name + ".days") ?? 0
        }
        policy.categoryRules = rows(.rules).map { row in
            let name = "rules.\(row)"
            return CategoryRule(
                code: fields[name + ".code"],
                name: self.name(name),
                categories: list(name + ".categories"),
                rule: fields[name + ".rule"]
            )
        }
        policy.quietHours = hours("quiet")
        policy.quietAreas = rows(.areas).map { row in
            let name = "areas.\(row)"
            return QuietArea(
                code: fields[name + ".code"],
                name: self.name(name),
                rule: fields[name + ".rule"],
                quietHours: hours(name + ".quiet")
            )
        }
        policy.holidays = holidays()
        policy.holdout = Holdout(ppm: ppm("holdout"), epoch: fields["epoch"])
        policy.reservationHours = number("reservation") ?? policy.reservationHours
        policy.ranking = RankingKey.allCases.indices.compactMap { RankingKey(rawValue: fields["ranking.\($0)"]) }
        policy.offers.offers = number("offers.most") ?? policy.offers.offers
        policy.offers.minutesToShow = number("offers.show") ?? policy.offers.minutesToShow
        policy.offers.minutesKept = number("offers.kept") ?? policy.offers.minutesKept
        policy.linkage = Linkage(types: rows(.linkage).map { type("linkage.\($0)") })
        return policy
    }

    /// Rows that are neither empty nor to be removed.
    private func rows(_ list: PolicyFields.List) -> [Int] {
        (0...fields.rows(list)).filter { row in
            let name = "\(list.rawValue).\(row)"
            return !fields.isOn(name + ".remove") && list.texts.contains { !fields[name + "." + $0].isEmpty }
        }
    }

    private func name(_ prefix: String) -> BilingualText {
        BilingualText(zh: fields[prefix + ".zh"], en: fields[prefix + ".en"])
    }

    private func list(_ name: String) -> [String] {
        fields[name].split { ",，、;； \n\t".contains($0) }.map(String.init)
    }

    private mutating func needed(_ name: String) -> String {
        if fields[name].isEmpty { errors[name] = frame.t(.required) }
        return fields[name]
    }

    private mutating func number(_ name: String, isNeeded: Bool = true) -> Int? {
        let text = fields[name]
        if text.isEmpty, !isNeeded { return nil }
        guard let number = Int(text), text.utf8.count <= 6 else {
            errors[name] = frame.t(text.isEmpty ? .required : .wrongNumber)
            return nil
        }
        return number
    }

    private mutating func ppm(_ name: String) -> Int {
        guard let percent = Scaled(parsing: fields[name])?.rescaled(to: 4), (0...1_000_000).contains(percent.unscaled)
        else {
            errors[name] = frame.t(.wrongNumber)
            return 0
        }
        return Int(percent.unscaled)
    }

    private mutating func cap(_ name: String) -> Cap {
        Cap(count: number(name) ?? 0, months: Int(fields[name + ".months"]) ?? 1)
    }

    private mutating func tier(_ name: String) -> PolicyTier {
        var caps: [ChannelClass: Cap] = [:]
        for channel in ChannelClass.allCases { caps[channel] = cap("\(name).\(channel.code)") }
        return PolicyTier(
            code: fields[name + ".code"],
            name: self.name(name),
            rule: fields[name + ".rule"],
            caps: caps,
            overall: cap(name + ".overall")
        )
    }

    private mutating func dnd(_ name: String) -> DNDClass {
        let roles = Role.allCases.map(\.rawValue).filter { fields.isOn("\(name).role.\($0)") }
        let mayBeUnticked = fields.isOn(name + ".untick")
        return DNDClass(
            number: number(name + ".number") ?? 0,
            name: self.name(name),
            isByChannel: fields.isOn(name + ".channel"),
            mayBeUnticked: mayBeUnticked,
            untickedBy: roles.isEmpty || !mayBeUnticked ? nil : roles
        )
    }

    private mutating func similar(_ name: String, _ policy: inout ContactPolicy) {
        let category = needed(name + ".category")
        if policy.similarDays[category] != nil || policy.similarTo[category] != nil {
            errors[name + ".category"] = frame.t(.categoryTwice)
        }
        policy.similarDays[category] = number(name + ".days", isNeeded: false)
        let others = list(name + ".to")
        if !others.isEmpty { policy.similarTo[category] = others }
        if policy.similarDays[category] == nil, others.isEmpty, errors[name + ".days"] == nil {
            errors[name + ".days"] = frame.t(.required)
        }
    }

    private mutating func hours(_ prefix: String) -> [ChannelClass: QuietHours] {
        var result: [ChannelClass: QuietHours] = [:]
        for channel in ChannelClass.allCases {
            let name = "\(prefix).\(channel.code)"
            let (from, to) = (minute(fields[name + ".from"]), minute(fields[name + ".to"]))
            if let from, let to { result[channel] = QuietHours(from: from, to: to) }
            let isEmpty = fields[name + ".from"].isEmpty && fields[name + ".to"].isEmpty
            if !isEmpty, result[channel] == nil { errors[name] = frame.t(.wrongHours) }
        }
        return result
    }

    private func minute(_ text: String) -> Int? {
        let parts = text.split(separator: ":").map { Int($0) }
        guard parts.count >= 2, let hour = parts[0], let minute = parts[1], (0...23).contains(hour),
            (0...59).contains(minute)
        else { return nil }
        return hour * 60 + minute
    }

    private mutating func holidays() -> [LocalDay] {
        var days: [LocalDay] = []
        for text in list("holidays") {
            if let day = LocalDay(iso: text) {
                days.append(day)
            } else {
                errors["holidays"] = frame.t(.wrongDays, text)
            }
        }
        return days.sorted()
    }

    private func type(_ name: String) -> LinkageType {
        let cells = ChannelClass.allCases.flatMap { contacted in
            fields.results(contacted, of: name).compactMap { result -> LinkageCell? in
                let cancels = ChannelClass.allCases.filter {
                    fields.isOn("\(name).\(PolicyFields.cell(contacted, result, $0))")
                }
                return cancels.isEmpty ? nil : LinkageCell(contacted, result, cancels: cancels)
            }
        }
        return LinkageType(
            code: fields[name + ".code"],
            name: self.name(name),
            categories: list(name + ".categories"),
            historyAt: Touchpoint.allCases.filter { fields.isOn("\(name).at.\($0.code)") },
            cells: cells
        )
    }
}
