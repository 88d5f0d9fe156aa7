// From what a planner typed to a plan, and back.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Kernel
import Model
import Planning
import Rules
import Texts

/// `12.5` of millionths: per cent without needless zeros.
func percent(_ ppm: Int) -> String { trimmed(Scaled(unscaled: Int64(ppm), scale: 4)) }

/// `12.5` of minor units: yuan without needless zeros.
func money(_ minor: Int64) -> String { trimmed(Scaled(unscaled: minor, scale: 2)) }

private func trimmed(_ number: Scaled) -> String {
    var text = number.description
    while text.contains("."), text.hasSuffix("0") || text.hasSuffix(".") { text.removeLast() }
    return text
}

extension CampaignForm {
    /// What was typed.
    init(_ body: FormBody, classes: [Int]) {
        id = Int64(body["id"])
        version = Int(body["version"]) ?? 0
        let names = [
            "name", "goal", "category", "segment", "limit", "score", "control", "message", "product", "conflicts",
            "value",
            "planned", "validTo", "cost", "budget", "channel", "script", "priority", "personal",
        ]
        let texts: Set = ["message", "script"]
        values = Dictionary(names.map { ($0, texts.contains($0) ? body[$0].unixLines : body.trimmed($0)) }) {
            first,
            _ in first
        }
        touchpoints = Set(body.all("touchpoint").compactMap { Touchpoint(code: $0) })
        // Ticked classes are removed; those that can never be unticked are disabled in the form and not sent.
        let kept = Set(body.all("keep").compactMap { Int($0) })
        unticked = Set(classes).subtracting(kept)
    }

    /// A stored plan.
    init(_ campaign: Campaign) {
        let plan = campaign.plan
        id = campaign.id.number
        version = campaign.version
        unticked = Set(plan.unticked)
        touchpoints = Set(plan.touchpoints)
        values = [
            "name": plan.name, "goal": plan.goal, "category": plan.category, "segment": "\(plan.segment)",
            "limit": plan.limit.map { "\($0)" } ?? "", "score": plan.score ?? "", "control": percent(plan.controlPPM),
            "message": plan.message, "product": plan.product ?? "",
            "conflicts": plan.conflictingProducts.joined(separator: ", "), "value": money(plan.valuePerOrderMinor),
            "planned": String(plan.planned.isoLocal.prefix(16)), "validTo": plan.validTo.iso,
            "cost": money(plan.costPerPartMinor), "budget": plan.budgetMinor.map { money($0) } ?? "",
            "channel": plan.channel.code, "script": plan.script ?? "", "priority": "\(plan.priority)",
            "personal": plan.personalPriority ?? "",
        ]
    }

    /// The plan as typed; what cannot be read is noted in ``errors`` and stands as a default.
    mutating func plan(scene: Scene, _ f: Frame, clock: OperatorClock) -> CampaignPlan {
        for name in ["name", "goal", "segment", "message", "planned", "validTo", "control"] where self[name].isEmpty {
            errors[name] = f.t(.required)
        }
        let planned = self["planned"].split(separator: "T")
        var slot = f.now
        if let day = planned.first.flatMap({ LocalDay(iso: $0) }), planned.count == 2, let minute = minute(planned[1]) {
            slot = clock.at(day, minute: minute)
        } else {
            errors["planned"] = errors["planned"] ?? f.t(.wrongDate)
        }
        let validTo = LocalDay(iso: self["validTo"])
        if validTo == nil { errors["validTo"] = errors["validTo"] ?? f.t(.wrongDate) }
        if let validTo, validTo < slot.day { errors["validTo"] = f.t(.wrongValidTo) }
        var plan = CampaignPlan(
            name: self["name"],
            scene: scene.code,
            goal: self["goal"],
            category: scene.category,
            segment: Int64(self["segment"]) ?? 0,
            message: self["message"],
            planned: slot,
            validTo: validTo ?? slot.day,
            channel: ChannelClass(code: self["channel"]) ?? .sms
        )
        offer(&plan, f)
        plan.product = self["product"].isEmpty ? nil : self["product"]
        plan.conflictingProducts = self["conflicts"].split { ",，、 ".contains($0) }.map(String.init)
        plan.score = self["score"].isEmpty ? nil : self["score"]
        plan.valuePerOrderMinor = number("value", scale: 2, f) ?? 0
        plan.costPerPartMinor = number("cost", scale: 2, f) ?? 0
        plan.budgetMinor = number("budget", scale: 2, f)
        plan.limit = number("limit", scale: 0, f).map { Int($0) }
        if plan.limit == 0 { errors["limit"] = f.t(.wrongNumber) }
        plan.controlPPM = Int(number("control", scale: 4, f) ?? 0)
        if plan.controlPPM > 900_000 { errors["control"] = f.t(.wrongControl) }
        plan.unticked = unticked.sorted()
        return plan
    }

    /// Where the offer pool shows it, and in which order.
    private mutating func offer(_ plan: inout CampaignPlan, _ f: Frame) {
        plan.touchpoints = Touchpoint.allCases.filter(touchpoints.contains)
        if !plan.hasWaves, plan.touchpoints.isEmpty { errors["touchpoints"] = f.t(.wrongTouchpoints) }
        let isBlank = self["script"].allSatisfy(\.isWhitespace)
        plan.script = isBlank ? nil : self["script"]
        if self["script"].count > 1000 { errors["script"] = f.t(.wrongScript) }
        let priority = self["priority"].isEmpty ? CampaignSpec.usualPriority : Int(self["priority"]) ?? 0
        if !(1...9).contains(priority) { errors["priority"] = f.t(.wrongPriority) }
        plan.priority = priority
        plan.personalPriority = self["personal"].isEmpty ? nil : self["personal"]
    }

    /// Notes an error of the server at its field; false when it belongs to none.
    mutating func take(_ error: any CodedError, _ f: Frame) -> Bool {
        guard let field = field(of: error) else { return false }
        errors[field.name] = field.text.map { f.t($0) } ?? f.problem(error)
        if case PlanningError.badExpression(_, let error)? = error as? PlanningError {
            places[field.name] = error.start.offset..<max(error.start.offset, error.end.offset)
        }
        return true
    }

    private func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":").map { Int($0) }
        guard parts.count >= 2, let hour = parts[0], let minute = parts[1], (0...23).contains(hour),
            (0...59).contains(minute)
        else { return nil }
        return hour * 60 + minute
    }

    /// A number with at most `scale` digits after the point, unscaled; nil when empty or wrong.
    private mutating func number(_ name: String, scale: Int, _ f: Frame) -> Int64? {
        guard !self[name].isEmpty else { return nil }
        guard let typed = Scaled(parsing: self[name]), let value = typed.rescaled(to: scale)?.unscaled, value >= 0,
            value < 1_000_000_000_000
        else {
            errors[name] = f.t(.wrongNumber)
            return nil
        }
        return value
    }

    /// The field an error belongs to, and the text where it is not the error's own.
    func field(of error: any CodedError) -> (name: String, text: ConsoleText?)? {
        switch error.code {
        case "plan.bad_name": ("name", nil)
        case "control.name_taken": ("name", nil)
        case "plan.bad_message": ("message", nil)
        case "plan.unknown_segment", "edge.not_found": ("segment", .required)
        default:
            if case PlanningError.badExpression(let field, _)? = error as? PlanningError {
                (field == "score" ? "score" : "personal", nil)
            } else if case PlanningError.badValue(let field, _)? = error as? PlanningError {
                [
                    "validTo": ("validTo", .wrongValidTo), "controlPPM": ("control", .wrongControl),
                    "limit": ("limit", .wrongNumber), "priority": ("priority", .wrongPriority),
                    "script": ("script", .wrongScript), "score": ("score", .wrongExpression),
                    "personalPriority": ("personal", .wrongExpression),
                ][field]
            } else {
                nil
            }
        }
    }
}
