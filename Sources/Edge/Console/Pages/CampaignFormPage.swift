// A campaign from a scene, on one page: why, who, what, when, where (5W), and the controls around it.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Texts

/// The choice of a scene, before the form.
struct ScenePage {
    /// Kept when the planner comes from a segment.
    var segment: Int64?
    /// What of the segment's matches the campaign begins with.
    var match: Int?

    static func columns(_ f: Frame) -> [Column<Scene>] {
        [
            Column(f.t(.scene), plain: { f.language($0.name) }), Column(f.t(.code), plain: \.code),
            Column(f.t(.goal), plain: { f.language($0.goal) }), Column(f.t(.message), plain: \.message),
            Column(f.t(.product), plain: { $0.product ?? "" }),
            Column(f.t(.valuePerOrder), plain: { f.language.money(minor: $0.valuePerOrderMinor) }),
            Column(f.t(.controlShare), plain: { f.language.percent(Double($0.controlPPM) / 1_000_000) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .campaigns,
            title: f.t(.newCampaign),
            hint: f.t(.chooseScene),
            actions: f.exportLink("/campaigns/scenes.csv"),
            body: """
                <ul class="scenes">\(each: Scene.standard, { scene in
                    """
                    <li class="card"><h2>\(f.language(scene.name))</h2><p>\(f.language(scene.goal))</p><blockquote>\
                    \(scene.message)</blockquote>
                    \(linkButton(f.t(.useScene), to: "/campaigns/new?scene=\(scene.code)\(segment.map { "&segment=\($0)" } ?? "")\(match.map { "&match=\($0)" } ?? "")", isPrimary: true))</li>

                    """
                })</ul>
                """
        )
    }
}

/// What a planner typed, as text; each field by its name in the form.
struct CampaignForm: Sendable {
    var id: Int64?
    var version = 0
    var values: [String: String] = [:]
    var unticked: Set<Int> = []
    var touchpoints: Set<Touchpoint> = []
    /// Where in an expression its error is: the browser selects it.
    var places: [String: Range<Int>] = [:]
    /// What is wrong, by field.
    var errors: [String: String] = [:]

    subscript(name: String) -> String { values[name] ?? "" }

    /// Begins as a segment's match says (SEG-31).
    mutating func take(_ match: SegmentMatch) {
        values["goal"] = match.subject
        values["channel"] = match.channel.code
        values["priority"] = "\(match.priority)"
    }
}

/// The form of a campaign.
struct CampaignFormPage {
    var form: CampaignForm
    var scene: Scene
    var segments: [Segment]
    var policy: ContactPolicy?
    /// Numeric attributes that may rank.
    var scores: [Attribute]

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .campaigns,
            title: form.id == nil ? f.t(.newCampaign) : f.t(.editCampaign),
            hint: f.t(.sceneIs, f.language(scene.name)),
            above: form.id == nil ? [] : [(form["name"], "/campaigns/\(Int(form.id ?? 0))")],
            body: """
                \(when: !form.errors.isEmpty, "<div class=\"notice error\" role=\"alert\">\(Icon.error.markup)<p>\(f.t(.formHasErrors, "\(form.errors.count)"))</p></div>")
                <form method="post" action="/campaigns/save" class="blocks" data-guard novalidate>
                <input type="hidden" name="id" value="\(form.id.map { "\($0)" } ?? "")"><input type="hidden" \
                name="version" value="\(form.version)">
                <input type="hidden" name="scene" value="\(scene.code)"><input type="hidden" name="category" \
                value="\(form["category"])">
                \(card(f.t(.blockWhy), why(f)))
                \(card(f.t(.blockWho), who(f)))
                \(card(f.t(.blockWhat), what(f)))
                \(card(f.t(.blockWhen), when(f)))
                \(card(f.t(.blockWhere), place(f)))
                \(card(f.t(.blockOffer), offer(f)))
                <div class="footer"><button class="button primary" type="submit">\(f.t(.saveDraft))</button>\
                \(linkButton(f.t(.cancel), to: form.id.map { "/campaigns/\($0)" } ?? "/campaigns"))</div>
                </form>
                """
        )
    }

    private func line(
        _ f: Frame,
        _ name: String,
        _ label: ConsoleText,
        help: ConsoleText? = nil,
        type: String = "text",
        isRequired: Bool = false,
        least: String? = nil,
        most: String? = nil,
        step: String? = nil,
        isWide: Bool = false
    ) -> HTML {
        field(
            f.t(label),
            id: name,
            isRequired: isRequired,
            help: help.map { f.t($0) },
            error: form.errors[name],
            isWide: isWide,
            input(
                name,
                form[name],
                type: type,
                isRequired: isRequired,
                least: least,
                most: most,
                step: step,
                maxLength: type == "text" ? 200 : nil,
                hasHelp: help != nil
            )
        )
    }

    private func why(_ f: Frame) -> HTML {
        """
        <div class="fields">\(line(f, "name", .campaignName, isRequired: true, isWide: true))
        \(line(f, "goal", .goal, isRequired: true, isWide: true))
        \(line(f, "value", .valuePerOrder, help: .valueHelp, type: "number", least: "0", step: "0.01"))</div>
        """
    }

    private func who(_ f: Frame) -> HTML {
        let options =
            [("", f.t(.choose))]
            + segments.map { segment in
                ("\(segment.id)", segment.name + (segment.count.map { "（\(f.number($0))）" } ?? ""))
            }
        let ranks = [("", f.t(.byLot))] + scores.map { ($0.code, f.language($0.name)) }
        let unknown =
            form["score"].isEmpty || scores.contains { $0.code == form["score"] }
            ? [] : [(form["score"], form["score"])]
        return """
            <div class="fields">\(field(f.t(.segment), id: "segment", isRequired: true, help: segments.isEmpty ? f.t(.segmentsMissing) : nil, error: form.errors["segment"], select("segment", options, selected: form["segment"], isRequired: true)))
            \(line(f, "limit", .limit, help: .limitHelp, type: "number", least: "1", step: "1"))
            \(field(f.t(.rankBy), id: "score", help: f.t(.rankHelp), error: form.errors["score"], select("score", ranks + unknown, selected: form["score"])))
            \(line(f, "control", .controlShare, help: .controlHelp, type: "number", isRequired: true, least: "0", most: "90", step: "0.1"))
            \(untick(f))</div>
            """
    }

    private func untick(_ f: Frame) -> HTML {
        let classes = (policy?.dnd ?? []).sorted { $0.number < $1.number }
        guard !classes.isEmpty else { return .empty }
        func isFree(_ dnd: DNDClass) -> Bool { f.staff.map { dnd.mayBeUnticked(by: $0.role) } ?? false }
        return """
            <fieldset class="wide"><legend>\(f.t(.dndRemoval))</legend><p class="help">\(f.t(.dndRemovalHelp))</p>\
            <div class="checks">\(each: classes, { dnd in
                "<label><input type=\"checkbox\" name=\"keep\" value=\"\(dnd.number)\"\(attribute: "checked", isFree(dnd) && form.unticked.contains(dnd.number) ? nil : "")\(attribute: "disabled", isFree(dnd) ? nil : "")> \(dnd.number) \(f.language(dnd.name))\(when: !isFree(dnd), " <small>\(dnd.mayBeUnticked ? f.t(.untickedByOthers) : f.t(.always))</small>")</label>"
            })</div></fieldset>
            """
    }

    private func what(_ f: Frame) -> HTML {
        """
        <div class="fields">\(field(f.t(.message), id: "message", isRequired: true, help: f.t(.messageHelp), error: form.errors["message"], isWide: true, """
            <textarea id="message" name="message" rows="4" required maxlength="1000" \
            aria-describedby="message-size message-help" data-counter="message-size">\(form["message"])</textarea>\
            <p class="size" id="message-size" aria-live="polite" data-pattern="\(f.t(.messageSize, "{0}", "{1}"))">\
            \(size(f))</p>
            """))
        \(line(f, "product", .product, help: .productHelp))
        \(line(f, "conflicts", .conflicts, help: .conflictsHelp))</div>
        """
    }

    private func size(_ f: Frame) -> String {
        var plan = CampaignPlan(
            name: "",
            scene: "",
            goal: "",
            category: "",
            segment: 0,
            message: form["message"],
            planned: f.now,
            validTo: f.now.day
        )
        plan.message = form["message"].replacing("\r\n", with: "\n")
        return f.t(.messageSize, "\(plan.messageSize.characters)", "\(plan.messageSize.parts)")
    }

    private func when(_ f: Frame) -> HTML {
        let quiet = policy?.quietHours[.sms].map { f.t(.quietNow, clock($0.from), clock($0.to)) }
        return """
            <div class="fields">\(field(f.t(.plannedAt), id: "planned", isRequired: true, help: quiet, error: form.errors["planned"], input("planned", form["planned"], type: "datetime-local", isRequired: true, hasHelp: quiet != nil)))
            \(line(f, "validTo", .validTo, help: .validToHelp, type: "date", isRequired: true))</div>
            """
    }

    private func place(_ f: Frame) -> HTML {
        """
        <div class="fields">\(field(f.t(.channel), id: "channel", help: f.t(.channelHelpOffer), select("channel", channels(f), selected: form["channel"])))
        \(line(f, "cost", .costPerPart, help: .costHelp, type: "number", least: "0", step: "0.01"))
        \(line(f, "budget", .budget, help: .budgetHelp, type: "number", least: "0", step: "0.01"))</div>
        """
    }

    /// The channels a console plans for; another one that the plan has stays.
    private func channels(_ f: Frame) -> [(value: String, label: String)] {
        let usual: [(ChannelClass, ConsoleText)] = [
            (.sms, .channelSMS), (.inbound, .channelInbound), (.website, .channelWebsite),
        ]
        let other = ChannelClass(code: form["channel"]).flatMap { channel in
            usual.contains { $0.0 == channel } ? nil : (channel.code, f.language(channel.name))
        }
        return usual.map { ($0.0.code, f.t($0.1)) } + (other.map { [$0] } ?? [])
    }

    private func offer(_ f: Frame) -> HTML {
        let error = form.errors["touchpoints"]
        let place = form.places["personal"]
        let isPersonalUsed = policy.map { $0.ranking.contains(.personalPriority) } ?? true
        return """
            <p class="help">\(f.t(.blockOfferHelp))</p>
            <div class="fields"><fieldset class="wide"\(attribute: "aria-describedby", error == nil ? nil : "touchpoints-error")>\
            <legend>\(f.t(.touchpoints))</legend>\
            <div class="checks">\(each: Touchpoint.allCases, {
                "<label><input type=\"checkbox\" name=\"touchpoint\" value=\"\($0.code)\"\(attribute: "checked", form.touchpoints.contains($0) ? "" : nil)> \(f.language($0.name))</label>"
            })</div>\(when: error != nil, "<p class=\"wrong\" role=\"alert\" id=\"touchpoints-error\">\(error ?? "")</p>")</fieldset>
            \(field(f.t(.script), id: "script", help: f.t(.scriptHelp), error: form.errors["script"], isWide: true, "<textarea id=\"script\" name=\"script\" rows=\"3\" maxlength=\"1000\" aria-describedby=\"script-help\">\(form["script"])</textarea>"))
            \(line(f, "priority", .priority, help: .priorityHelp, type: "number", isRequired: true, least: "1", most: "9", step: "1"))
            \(field(f.t(.personalPriority), id: "personal", help: f.t(.personalHelp) + (isPersonalUsed ? "" : f.language("。", ". ") + f.t(.personalUnused)), error: form.errors["personal"], """
                <input id="personal" name="personal" type="text" class="code" value="\(form["personal"])" maxlength="1000" \
                autocomplete="off" spellcheck="false" aria-describedby="personal-help"\
                \(attribute: "aria-invalid", form.errors["personal"] == nil ? nil : "true")\
                \(attribute: "data-start", place.map { "\($0.lowerBound)" })\(attribute: "data-end", place.map { "\($0.upperBound)" })>
                """))</div>
            """
    }
}

/// `09:30` of a minute of the day.
func clock(_ minute: Int) -> String {
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return two(minute / 60) + ":" + two(minute % 60)
}

extension Frame {
    /// A scene's name by its code.
    func scene(_ code: String) -> String { Scene.named(code).map { language($0.name) } ?? code }
}
