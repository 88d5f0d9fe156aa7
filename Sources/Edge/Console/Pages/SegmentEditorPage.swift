// 目标客户群: the editor, for each way to find members.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Texts

/// The editor of a segment.
struct SegmentEditorPage {
    var form: SegmentForm
    var scope: OrganisationScope
    var catalogue: AttributeCatalogue
    /// Segments that may be combined and excluded.
    var segments: [Segment]
    var campaigns: [Campaign]
    var policy: ContactPolicy?
    /// What the form comes to as it stands; nil for an empty one.
    var result: RuleResult?
    /// What is wrong with the name.
    var nameError: String?

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .segments,
            title: form.id == nil ? f.t(.newSegment) : form.name,
            hint: f.t(.segmentEditorHint),
            above: form.id.map { [(form.name, "/segments/\($0)")] } ?? [],
            body: """
                \(when: form.id == nil && form.kind != .members, SegmentKind.ways(current: form.kind, f))
                <form method="post" action="/segments/save" class="editor" data-live="/segments/check" \
                data-failed="\(f.t(.countFailed))">
                <input type="hidden" name="id" value="\(form.id.map { "\($0)" } ?? "")"><input type="hidden" name="version" \
                value="\(form.version)"><input type="hidden" name="kind" value="\(form.kind.rawValue)">
                \(form.kind == .rule ? "<div class=\"columns wide-left\">\(card(f.t(.ruleCard), source(f)))\(card(f.t(.attributePicker), actions: f.exportLink("/segments/attributes.csv"), AttributePicker(catalogue: catalogue, isEnabled: true).html(f)))</div>" : card(f.t(form.kind.text), source(f)))
                \(card(f.t(.exclusions), exclusions(f)))
                \(card(f.t(.segmentOptions), options(f)))
                \(card(f.t(.resultCard), "<div id=\"result\" aria-live=\"polite\">\(result?.html(f) ?? "<p class=\"help\">\(f.t(.resultEmpty))</p>")</div>"))
                <div class="footer"><button class="button primary" type="submit">\(f.t(.save))</button>\
                <button class="button" type="submit" name="draft" value="yes">\(f.t(.saveAsDraft))</button>\
                \(linkButton(f.t(.cancel), to: form.id.map { "/segments/\($0)" } ?? "/segments"))</div>
                </form>
                <form id="sample" method="post" action="/segments/sample.csv" data-download></form>
                <form id="funnel" method="post" action="/segments/funnel.csv" data-download></form>
                """
        )
    }

    private func source(_ f: Frame) -> HTML {
        """
        \(field(f.t(.name), id: "name", isRequired: true, error: nameError, isWide: true, input("name", form.name, isRequired: true, maxLength: 100)))
        \(field(f.t(.purpose), id: "purpose", isWide: true, input("purpose", form.purpose, maxLength: 1000)))
        \(members(f))
        <p class="help">\(f.t(.scopeNote, f.scope(scope)))</p>
        """
    }

    private func members(_ f: Frame) -> HTML {
        switch form.kind {
        case .rule: code(f, "rule", f.t(.rule), form.rule, help: f.t(.ruleHelp))
        case .sql: code(f, "sql", "SQL", form.sql, help: f.t(.sqlHelp))
        case .outcome: outcome(f)
        case .algebra: algebra(f)
        case .members:
            """
            <input type="hidden" name="members" value="\((try? form.members?.canonicalJSON()).map { String(decoding: $0, as: UTF8.self) } ?? "")">
            \(facts([(f.t(.source), "\(form.members?.name ?? "--")"), (f.t(.memberCount), "\(form.members.map { f.number(Int($0.count)) } ?? "--")")]))
            """
        }
    }

    private func code(_ f: Frame, _ name: String, _ label: String, _ text: String, help: String) -> HTML {
        field(
            label,
            id: name,
            isRequired: true,
            help: help,
            isWide: true,
            "<textarea id=\"\(name)\" name=\"\(name)\" rows=\"8\" class=\"code\" spellcheck=\"false\" aria-describedby=\"\(name)-help\" maxlength=\"20000\">\(text)</textarea>"
        )
    }

    private func outcome(_ f: Frame) -> HTML {
        let options = [("", f.t(.choose))] + campaigns.map { ("\($0.id.number)", $0.plan.name) }
        return """
            \(field(f.t(.campaignName), id: "campaign", isRequired: true, isWide: true, select("campaign", options, selected: form.campaign)))
            <fieldset class="checks"><legend>\(f.t(.campaignResults))</legend>\(each: CampaignResult.allCases, { result in
                "<label class=\"check\"><input type=\"checkbox\" name=\"result\" value=\"\(result.rawValue)\"\(attribute: "checked", form.results.contains(result.rawValue) ? "" : nil)>\(f.t(result.text))</label>"
            })</fieldset>
            """
    }

    private func algebra(_ f: Frame) -> HTML {
        if let nested = form.nested {
            let json = (try? nested.canonicalJSON()).map { String(decoding: $0, as: UTF8.self) } ?? ""
            return """
                <input type="hidden" name="nested" value="\(json)"><p><code>\(nested.text)</code></p>
                <p class="help">\(f.t(.nestedAlgebraHelp))</p>
                """
        }
        let rows = form.operations + [SegmentForm.Operation](repeating: .init(), count: SegmentForm.spareRows)
        let signs = [("union", f.t(.union)), ("intersection", f.t(.intersection)), ("difference", f.t(.difference))]
        return """
            <p class="help">\(f.t(.algebraHelp))</p><ol class="rows" data-rows\(rowWords(f, .addAlgebraStep))>\(each: rows.enumerated(), { place, row in
                "<li><select name=\"sign\" aria-label=\"\(f.t(.operation))\"\(attribute: "hidden", place == 0 ? "" : nil)>\(each: signs, { "<option value=\"\($0.0)\"\(attribute: "selected", $0.0 == row.sign ? "" : nil)>\($0.1)</option>" })</select><select name=\"segment\" aria-label=\"\(f.t(.segment))\">\(choices(f, selected: row.segment))</select></li>"
            })</ol>
            """
    }

    private func choices(_ f: Frame, selected: String) -> HTML {
        """
        <option value="">\(f.t(.choose))</option>\(each: segments.filter { $0.id != form.id }, { segment in
            "<option value=\"\(Int(segment.id))\"\(attribute: "selected", "\(segment.id)" == selected ? "" : nil)>\(segment.name)\(segment.count.map { " (" + f.number(Int($0)) + ")" } ?? "")</option>"
        })
        """
    }

    // MARK: Exclusions and options

    private func exclusions(_ f: Frame) -> HTML {
        let rows = form.exclusions + [SegmentForm.Exclusion](repeating: .init(), count: SegmentForm.spareRows)
        return """
            <p class="help">\(f.t(.exclusionsHelp))</p><ol class="rows" data-rows data-standard="list:black,list:grey,contacted:,rule" data-standard-label="\(f.t(.standardOrder))"\(rowWords(f, .addExclusion))>\(each: rows, { row in
                "<li><select name=\"exclude\" aria-label=\"\(f.t(.exclusion))\">\(each: groups(f), { group in "<optgroup label=\"\(group.title)\">\(each: group.items, { item in "<option value=\"\(item.value)\"\(attribute: "selected", item.value == row.what ? "" : nil)>\(item.label)</option>" })</optgroup>" })</select><input name=\"detail\" value=\"\(row.detail)\" aria-label=\"\(f.t(.exclusionDetail))\" placeholder=\"\(f.t(.exclusionDetail))\" maxlength=\"2000\"></li>"
            })</ol>
            """
    }

    /// What the buttons of rows say, which scripts add.
    private func rowWords(_ f: Frame, _ add: ConsoleText) -> HTML {
        """
         data-add="\(f.t(add))" data-up="\(f.t(.moveUp))" data-down="\(f.t(.moveDown))" \
        data-remove="\(f.t(.remove))" data-drag="\(f.t(.dragHint))" data-moved="\(f.t(.movedTo))" \
        data-days="\(f.t(.days))" data-rule="\(f.t(.rule))" data-product="\(f.t(.filterDetail))"
        """
    }

    private func groups(_ f: Frame) -> [(title: String, items: [(value: String, label: String)])] {
        let classes = (policy?.dnd ?? []).sorted { $0.number < $1.number }.flatMap { dnd in
            // Where entries are by channel, those for one channel are a list of their own.
            let channels = dnd.isByChannel ? ChannelClass.allCases : []
            return [(ListID.dnd(dnd.number).code, "\(dnd.number) \(f.language(dnd.name))")]
                + channels.map { channel in
                    (
                        "\(ListID.dnd(dnd.number).code)@\(channel.code)",
                        "\(dnd.number) \(f.language(dnd.name)) · \(f.language(channel.name))"
                    )
                }
        }
        .map { ("list:" + $0.0, $0.1) }
        let others = ["black", "grey", "important", "vip", "white"] + Preference.allCases.map(\.rawValue)
        let filters = StrategyFilter.Kind.allCases.map { kind in
            let name = f.language(kind.name)
            return (
                "filter:\(kind.rawValue)",
                kind == .subscribed ? name : f.t(.filterDays, name, "\(kind.usualDays)")
            )
        }
        let categories = Set(Scene.standard.map(\.category)).sorted()
        let offered: [(title: String, items: [(value: String, label: String)])] = [
            ("", [("", f.t(.noExclusion))]),
            (f.t(.menuLists), others.prefix(2).map { ("list:" + $0, f.list(ListID($0))) } + classes),
            (f.t(.otherLists), others.dropFirst(2).map { ("list:" + $0, f.list(ListID($0))) }),
            (
                f.t(.recentContacts),
                [("contacted:", f.t(.anyCampaign))] + categories.map { ("contacted:" + $0, f.t(.similarCampaign, $0)) }
            ),
            (f.t(.strategyFilters), filters),
            (f.t(.campaignName), campaigns.map { ("campaign:\($0.id.number)", $0.plan.name) }),
            (f.t(.segment), segments.filter { $0.id != form.id }.map { ("segment:\($0.id)", $0.name) }),
            (f.t(.rule), [("rule", f.t(.whoMeetsRule))]),
        ]
        // What the definition names and is not offered any more stays until somebody takes it away.
        let values = Set(offered.flatMap(\.items).map(\.value))
        let kept = Set(form.exclusions.map(\.what)).subtracting(values).sorted()
        return offered + (kept.isEmpty ? [] : [(f.t(.exclusion), kept.map { ($0, $0) })])
    }

    private func options(_ f: Frame) -> HTML {
        let lines =
            [("", f.t(.allLines)), ("main", f.t(.mainLine))]
            + catalogue.attributes.filter { $0.isHotColumn && $0.isNumber }.map {
                ("highest:" + $0.code, f.t(.highestLine, f.language($0.name)))
            }
        let picks = [("", f.t(.pickAll)), ("top", f.t(.pickTop)), ("sample", f.t(.pickSample))]
        return """
            <div class="fields even">
            \(field(f.t(.stepOnePerCustomer), id: "line", select("line", lines, selected: form.line)))
            \(field(f.t(.pick), id: "pick", select("pick", picks, selected: form.pick)))
            \(field(f.t(.pickCount), id: "pick-count", input("pick-count", form.pickCount, type: "number", least: "1")))
            \(field(f.t(.pickScore), id: "score", help: f.t(.pickScoreHelp), input("score", form.score, maxLength: 1000, hasHelp: true)))
            \(field(f.t(.draw), id: "draw", help: f.t(.drawHelp), input("draw", form.draw, type: "number", least: "1", hasHelp: true)))
            \(field(f.t(.refresh), id: "refresh", select("refresh", SegmentRefresh.allCases.map { ($0.rawValue, f.t($0.text)) }, selected: form.refresh.rawValue)))
            \(field(f.t(.sharing), id: "sharing", select("sharing", SegmentSharing.allCases.map { ($0.rawValue, f.t($0.text)) }, selected: form.sharing.rawValue)))
            \(field(f.t(.validTo), id: "validTo", input("validTo", form.validTo, type: "date")))
            <div class="field"><span></span><label class="check"><input type="checkbox" name="template" value="yes"\(attribute: "checked", form.isTemplate ? "" : nil)>\(f.t(.isTemplate))</label></div>
            </div>
            """
    }
}
