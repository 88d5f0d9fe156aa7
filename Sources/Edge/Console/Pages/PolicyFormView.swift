// The form of a policy draft: every part of the policy, editable without scripts and by keyboard.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// The form of a draft.
struct PolicyFormView {
    var draft: PolicyDraft
    var path: String
    var fields: PolicyFields
    /// What is wrong, by field.
    var errors: [String: String]
    /// What to write instead, by field of a rule.
    var suggestions: [String: RuleRemark]
    var categories: [String]

    func html(_ f: Frame) -> HTML {
        """
        <form method="post" action="\(path)/save" class="blocks policy" data-guard data-rules="/policy/rules/check" novalidate>
        <input type="hidden" name="version" value="\(draft.version)">
        \(each: PolicyFields.List.allCases, { "<input type=\"hidden\" name=\"\($0.rawValue).rows\" value=\"\(fields.rows($0))\">" })
        <datalist id="categories">\(each: categories, { "<option value=\"\($0)\">\(f.category($0))</option>" })</datalist>
        \(card(nil, field(f.t(.draftNote), id: "note", help: f.t(.draftNoteHelp), isWide: true, input("note", fields["note"].isEmpty ? draft.note : fields["note"], maxLength: 200, hasHelp: true))))
        \(card(f.t(.capTable), id: "caps", actions: f.exportLink(path + "/caps.csv"), tiers(f)))
        <div class="columns">
        \(card(f.t(.channelIntervals), intervals(f)))
        \(card(f.t(.similarCampaigns), rows(.similar, f, help: .similarHelp, similar)))
        \(card(f.t(.productIntervals), rows(.product, f, help: .productIntervalsHelp, product)))
        \(card(f.t(.quietHoursField), "\(hours("quiet", f))\(field(f.t(.holidays), id: "holidays", help: f.t(.holidaysHelp), error: errors["holidays"], isWide: true, "<textarea id=\"holidays\" name=\"holidays\" rows=\"4\" aria-describedby=\"holidays-help\" maxlength=\"4000\">\(fields["holidays"])</textarea>"))"))
        </div>
        \(card(f.t(.categoryRules), rows(.rules, f, help: .categoryRulesHelp, categoryRule)))
        \(card(f.t(.quietAreas), rows(.areas, f, help: .quietAreasHelp, area)))
        \(card(f.t(.dndClasses), actions: f.exportLink(path + "/dnd.csv"), classes(f)))
        <div class="columns">
        \(card(f.t(.holdoutShare), "<div class=\"fields\">\(line("holdout", .holdoutPercent, f, type: "number", most: "50", step: "0.0001"))\(line("epoch", .epochField, f, help: .epochHelp))\(line("reservation", .reservationField, f, type: "number", most: "720"))</div>"))
        \(card(f.t(.rankingTitle), ranking(f)))
        </div>
        \(card(f.t(.linkageTitle), linkage(f)))
        <div class="footer"><button class="button primary" type="submit">\(f.t(.saveAndCheck))</button>\
        \(linkButton(f.t(.showEffect), to: path + "?tab=effect"))</div>
        </form>
        """
    }

    // MARK: Pieces

    private func wrong(_ name: String, _ f: Frame) -> HTML {
        guard let error = errors[name] else { return .empty }
        let suggestion = suggestions[name].flatMap { remark in
            remark.suggestion.flatMap { text in remark.range.map { (text, $0) } }
        }
        let button: HTML =
            suggestion.map { text, range in
                """
                 <button type="button" class="button small" data-suggest="\(name)" data-start="\(range.lowerBound)" \
                data-end="\(range.upperBound)" data-text="\(text)">\(f.t(.useSuggestion, text))</button>
                """
            } ?? .empty
        return "<p class=\"wrong\" role=\"alert\" id=\"\(name)-error\">\(error)\(button)</p>"
    }

    private func line(
        _ name: String,
        _ label: ConsoleText,
        _ f: Frame,
        help: ConsoleText? = nil,
        type: String = "text",
        most: String? = nil,
        step: String? = nil
    ) -> HTML {
        field(
            f.t(label),
            id: name,
            help: help.map { f.t($0) },
            error: errors[name],
            input(
                name,
                fields[name],
                type: type,
                least: type == "number" ? "0" : nil,
                most: most,
                step: step,
                maxLength: type == "text" ? 200 : nil,
                hasHelp: help != nil
            )
        )
    }

    /// An input in a table or row, named for assistive technology.
    private func cell(
        _ name: String,
        _ label: String,
        type: String = "text",
        most: String? = nil,
        list: String? = nil
    ) -> HTML {
        """
        <input id="\(name)" name="\(name)" type="\(type)" value="\(fields[name])" aria-label="\(label)"\
        \(attribute: "min", type == "number" ? "0" : nil)\(attribute: "max", most)\(attribute: "list", list)\
        \(attribute: "maxlength", type == "text" ? "200" : nil)\
        \(attribute: "aria-invalid", errors[name] == nil ? nil : "true")\
        \(attribute: "aria-describedby", errors[name] == nil ? nil : name + "-error")>
        """
    }

    private func tick(_ name: String, _ label: String, isLabelHidden: Bool = false) -> HTML {
        let box: HTML =
            "<input type=\"checkbox\" id=\"\(name)\" name=\"\(name)\" value=\"on\"\(attribute: "checked", fields.isOn(name) ? "" : nil)\(attribute: "aria-label", isLabelHidden ? label : nil)>"
        return isLabelHidden ? box : "<label>\(box) \(label)</label>"
    }

    /// A rule's text; scripts check it while it is typed.
    private func rule(_ name: String, _ label: String, _ f: Frame) -> HTML {
        """
        <textarea id="\(name)" name="\(name)" rows="2" class="rule" spellcheck="false" aria-label="\(label)" \
        maxlength="5000" data-rule\(attribute: "aria-invalid", errors[name] == nil ? nil : "true")>\(fields[name])</textarea>\
        <div class="ruleresult" aria-live="polite">\(wrong(name, f))</div>
        """
    }

    private func removal(_ name: String, _ isNew: Bool, _ f: Frame) -> HTML {
        isNew ? "<small class=\"muted\">\(f.t(.newRow))</small>" : tick(name + ".remove", f.t(.remove))
    }

    // MARK: Frequency

    private func tiers(_ f: Frame) -> HTML {
        let columns =
            ChannelClass.allCases.map { ($0.code, f.language($0.name), f.t($0 == .website ? .unitItems : .unitTimes)) }
            + [("overall", f.t(.overall), f.t(.unitTimes))]
        return """
            <p class="help">\(f.t(.capFormHelp)) \(f.t(.addRowHelp))</p>
            <div class="scroll" tabindex="0" role="region" aria-label="\(f.t(.capTable))"><table class="editable">
            <thead><tr><th scope="col">\(f.t(.tier))</th><th scope="col">\(f.t(.rule))</th>\(each: columns, { _, title, unit in
                "<th scope=\"col\" class=\"cap\">\(title)<small>\(unit)</small></th>"
            })<th scope="col"><span class="hidden">\(f.t(.actions))</span></th></tr></thead>
            <tbody>\(each: 0...fields.rows(.tiers), { tier($0, columns, f) })</tbody></table></div>
            <p class="help">\(f.t(.capHelp))</p>
            """
    }

    private func tier(_ row: Int, _ columns: [(String, String, String)], _ f: Frame) -> HTML {
        let name = "tiers.\(row)"
        let isNew = row == fields.rows(.tiers)
        let title = isNew ? f.t(.newRow) : fields["\(name).\(f.language == .zh ? "zh" : "en")"]
        func label(_ text: String) -> String { "\(title): \(text)" }
        return """
            <tr><td class="names">\(each: [("code", ConsoleText.code), ("zh", .nameZh), ("en", .nameEn)], { part, text in
                "<label><span>\(f.t(text))</span>\(cell("\(name).\(part)", label(f.t(text))))</label>\(wrong("\(name).\(part)", f))"
            })</td>
            <td class="rulecell" data-label="\(f.t(.rule))">\(rule(name + ".rule", label(f.t(.rule)), f))</td>
            \(each: columns, { code, title, unit in
                let field = "\(name).\(code)"
                let months = fields[field + ".months"]
                let options = [1, 2, 3].map { ("\($0)", $0 == 1 ? f.t(.periodMonth) : f.t(.periodMonths, "\($0)")) }
                return """
                    <td class="cap" data-label="\(title)（\(unit)）">\(cell(field, label(f.t(.capTimes, title)), type: "number", most: "200"))\
                    <select id="\(field).months" name="\(field).months" aria-label="\(label(f.t(.capPeriod, title)))">\
                    \(each: options, { "<option value=\"\($0)\"\(attribute: "selected", $0 == (months.isEmpty ? "1" : months) ? "" : nil)>\($1)</option>" })</select>\
                    \(wrong(field, f))</td>
                    """
            })<td class="removing">\(removal(name, isNew, f))</td></tr>

            """
    }

    private func intervals(_ f: Frame) -> HTML {
        """
        <p class="help">\(f.t(.emptyIsNone))</p><div class="fields">\(each: ChannelClass.allCases, { channel in
            let name = "interval.\(channel.code)"
            return field(f.language(channel.name), id: name, error: errors[name], input(name, fields[name], type: "number", least: "1", most: "180"))
        })</div>
        """
    }

    // MARK: Lists of rows

    private func rows(
        _ list: PolicyFields.List,
        _ f: Frame,
        help: ConsoleText,
        _ body: (_ name: String, _ label: (ConsoleText) -> String, _ f: Frame) -> HTML
    ) -> HTML {
        """
        <p class="help">\(f.t(help)) \(f.t(.addRowHelp))</p>
        <ol class="rows">\(each: 0...fields.rows(list), { row in
            let name = "\(list.rawValue).\(row)"
            let isNew = row == fields.rows(list)
            return "<li class=\"row \(list.rawValue)\">\(body(name, { f.t(.rowOf, f.t($0), "\(row + 1)") }, f))<div class=\"drop-row\">\(removal(name, isNew, f))</div></li>\n"
        })</ol>
        """
    }

    /// A labelled input of a row.
    private func part(
        _ name: String,
        _ text: ConsoleText,
        _ label: (ConsoleText) -> String,
        _ f: Frame,
        type: String = "text",
        list: String? = nil
    ) -> HTML {
        """
        <div class="field\(errors[name] == nil ? "" : " wrong")"><label for="\(name)">\(f.t(text))</label>\
        \(cell(name, label(text), type: type, most: type == "number" ? "180" : nil, list: list))\(wrong(name, f))</div>
        """
    }

    private func similar(_ name: String, _ label: (ConsoleText) -> String, _ f: Frame) -> HTML {
        """
        \(part(name + ".category", .category, label, f, list: "categories"))\
        \(part(name + ".days", .days, label, f, type: "number"))\(part(name + ".to", .alsoSimilar, label, f))
        """
    }

    private func product(_ name: String, _ label: (ConsoleText) -> String, _ f: Frame) -> HTML {
        "\(part(name + ".product", .product, label, f))\(part(name + ".days", .days, label, f, type: "number"))"
    }

    private func names(_ name: String, _ label: (ConsoleText) -> String, _ f: Frame) -> HTML {
        """
        \(part(name + ".code", .code, label, f))\(part(name + ".zh", .nameZh, label, f))\
        \(part(name + ".en", .nameEn, label, f))
        """
    }

    private func categoryRule(_ name: String, _ label: (ConsoleText) -> String, _ f: Frame) -> HTML {
        """
        \(names(name, label, f))\(part(name + ".categories", .categoriesField, label, f))\
        <div class="field wide"><label for="\(name).rule">\(f.t(.rule))</label>\(rule(name + ".rule", label(.rule), f))</div>
        """
    }

    private func area(_ name: String, _ label: (ConsoleText) -> String, _ f: Frame) -> HTML {
        """
        \(names(name, label, f))\
        <div class="field wide"><label for="\(name).rule">\(f.t(.rule))</label>\(rule(name + ".rule", label(.rule), f))</div>\
        <div class="wide">\(hours(name + ".quiet", f))</div>
        """
    }

    private func hours(_ prefix: String, _ f: Frame) -> HTML {
        """
        <div class="hours">\(each: ChannelClass.allCases, { channel in
            let name = "\(prefix).\(channel.code)"
            let title = f.language(channel.name)
            return """
                <div class="field\(errors[name] == nil ? "" : " wrong")" id="\(name)"><span class="label">\(title)</span>\
                <span class="span">\(cell(name + ".from", f.t(.quietFrom, title), type: "time"))<span aria-hidden="true">～</span>\
                \(cell(name + ".to", f.t(.quietTo, title), type: "time"))</span>\(wrong(name, f))</div>
                """
        })</div>
        """
    }

    // MARK: Classes, ranking, linkage

    private func classes(_ f: Frame) -> HTML {
        """
        <p class="help">\(f.t(.rolesHelp)) \(f.t(.addRowHelp))</p>
        <div class="scroll" tabindex="0" role="region" aria-label="\(f.t(.dndClasses))"><table class="editable">
        <thead><tr>\(each: [ConsoleText.classNumber, .nameZh, .nameEn, .byChannel, .mayBeUntickedField, .rolesField], {
            "<th scope=\"col\">\(f.t($0))</th>"
        })<th scope="col"><span class="hidden">\(f.t(.actions))</span></th></tr></thead>
        <tbody>\(each: 0...fields.rows(.dnd), { dnd($0, f) })</tbody></table></div>
        """
    }

    private func dnd(_ row: Int, _ f: Frame) -> HTML {
        let name = "dnd.\(row)"
        let isNew = row == fields.rows(.dnd)
        func label(_ text: ConsoleText) -> String { f.t(.rowOf, f.t(text), "\(row + 1)") }
        return """
            <tr><td data-label="\(f.t(.classNumber))">\(cell(name + ".number", label(.classNumber), type: "number", most: "15"))\(wrong(name + ".number", f))</td>
            <td data-label="\(f.t(.nameZh))">\(cell(name + ".zh", label(.nameZh)))\(wrong(name + ".zh", f))</td>
            <td data-label="\(f.t(.nameEn))">\(cell(name + ".en", label(.nameEn)))\(wrong(name + ".en", f))</td>
            <td data-label="\(f.t(.byChannel))">\(tick(name + ".channel", label(.byChannel), isLabelHidden: true))</td>
            <td data-label="\(f.t(.mayBeUntickedField))">\(tick(name + ".untick", label(.mayBeUntickedField), isLabelHidden: true))\(wrong(name + ".untick", f))</td>
            <td class="roles" data-label="\(f.t(.rolesField))">\(each: Role.allCases, { tick("\(name).role.\($0.rawValue)", f.t($0.text)) })\(wrong(name + ".roles", f))</td>
            <td class="removing">\(removal(name, isNew, f))</td></tr>

            """
    }

    private func ranking(_ f: Frame) -> HTML {
        let options = [("", "--")] + RankingKey.allCases.map { ($0.rawValue, f.language($0.name)) }
        return """
            <div class="fields">\(each: RankingKey.allCases.indices, { place in
                let name = "ranking.\(place)"
                return field(f.t(.rankingKey, "\(place + 1)"), id: name, error: errors[name], select(name, options, selected: fields[name]))
            })\(line("offers.most", .mostOffers, f, type: "number", most: "8"))\
            \(line("offers.show", .minutesToShow, f, help: .minutesToShowHelp, type: "number", most: "1440"))\
            \(line("offers.kept", .minutesKept, f, help: .minutesKeptHelp, type: "number", most: "10080"))</div>
            """
    }

    private func linkage(_ f: Frame) -> HTML {
        """
        <p class="help">\(f.t(.linkageHelp)) \(f.t(.addRowHelp))</p>
        \(each: 0...fields.rows(.linkage), { linkageType($0, f) })
        """
    }

    private func linkageType(_ row: Int, _ f: Frame) -> HTML {
        let name = "linkage.\(row)"
        let isNew = row == fields.rows(.linkage)
        let shown = fields["\(name).\(f.language == .zh ? "zh" : "en")"]
        let title = isNew ? f.t(.newRow) : shown.isEmpty ? fields[name + ".code"] : shown
        let label: (ConsoleText) -> String = { f.t(.rowOf, f.t($0), "\(row + 1)") }
        let code = fields[name + ".code"]
        let isOpen = errors.keys.contains { $0.hasPrefix(name + ".") }
        return """
            <details class="part"\(attribute: "open", isOpen ? "" : nil)><summary>\(title) <small>\(fields[name + ".categories"])</small></summary>
            <div class="row linkage">\(names(name, label, f))\(part(name + ".categories", .categoriesField, label, f))</div>
            <fieldset><legend>\(f.t(.historyAt))</legend><div class="checks">\(each: Touchpoint.allCases, { tick("\(name).at.\($0.code)", f.language($0.name)) })</div></fieldset>
            \(when: !isNew, matrix(name, code, title, f))
            <div class="drop-row">\(removal(name, isNew, f))</div></details>

            """
    }

    private func matrix(_ name: String, _ code: String, _ title: String, _ f: Frame) -> HTML {
        """
        <div class="tools spread"><span>\(f.t(.linkageOf, title))</span>\
        \(f.exportLink(path + "/linkage.csv?type=" + Frame.encoded(value: code)))</div>
        <div class="scroll" tabindex="0" role="region" aria-label="\(f.t(.linkageOf, title))"><table class="matrix">
        <thead><tr><th scope="col">\(f.t(.afterResult))</th>\(each: ChannelClass.allCases, {
            "<th scope=\"col\">\(f.t(.cancelsOn, f.language($0.name)))</th>"
        })</tr></thead><tbody>\(each: ChannelClass.allCases, { contacted in
            """
            \(each: fields.results(contacted, of: name), { result in
                let row = f.cell(contacted, result)
                return """
                    <tr><th scope="row">\(row)</th>\(each: ChannelClass.allCases, { channel in
                        let field = "\(name).\(PolicyFields.cell(contacted, result, channel))"
                        return "<td>\(tick(field, "\(row) · \(f.t(.cancelsOn, f.language(channel.name)))", isLabelHidden: true))</td>"
                    })</tr>

                    """
            })
            """
        })</tbody></table></div>
        """
    }
}
