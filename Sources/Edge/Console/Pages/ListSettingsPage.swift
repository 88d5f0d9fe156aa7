// How a special list is kept up: who may change it, how often that is expected (LST-18).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Texts

/// The form of one list's settings.
struct ListSettingsPage {
    var list: ListID
    var policy: ContactPolicy?
    var version: Int
    var roles: Set<String>
    /// Whether the folder and the command line may change it.
    var isInboxAllowed: Bool
    var isCommandAllowed: Bool
    /// Other sign-in names, with blanks between them.
    var logins: String
    var everyDays: String
    /// The rule that fills it; empty = none.
    var rule: String
    var reason = ""
    /// Who said so last, and why.
    var said: ListSetting?
    var errors: [String: String] = [:]

    /// What is said now.
    init(_ list: ListID, _ setting: ListSetting?, policy: ContactPolicy?) {
        (self.list, self.policy, said) = (list, policy, setting)
        version = setting?.version ?? 0
        roles = Set((setting?.roles ?? []).map(\.rawValue))
        let named = setting?.logins ?? []
        isInboxAllowed = named.contains(ListSetting.inbox)
        isCommandAllowed = named.contains(ListSetting.commandLine)
        logins = named.subtracting([ListSetting.inbox, ListSetting.commandLine]).sorted().joined(separator: " ")
        everyDays = setting?.everyDays.map { "\($0)" } ?? ""
        rule = setting?.rule ?? ""
    }

    /// What somebody filled in.
    mutating func fill(_ body: FormBody) {
        version = Int(body["version"]) ?? 0
        roles = Set(body.all("role"))
        isInboxAllowed = body.all("program").contains(ListSetting.inbox)
        isCommandAllowed = body.all("program").contains(ListSetting.commandLine)
        (logins, everyDays, reason) = (body.trimmed("logins"), body.trimmed("everyDays"), body.trimmed("reason"))
        rule = body.trimmed("rule").unixLines
    }

    func page(_ f: Frame) -> Screen {
        func box(_ name: String, _ value: String, _ label: String, _ isChecked: Bool) -> HTML {
            """
            <label class="check"><input type="checkbox" name="\(name)" value="\(value)"\(attribute: "checked", isChecked ? "" : nil)> \(label)</label>

            """
        }
        let days = input(
            "everyDays",
            everyDays,
            type: "number",
            least: "1",
            most: "\(ListSetting.mostDays)",
            step: "1",
            hasHelp: true
        )
        let names = input("logins", logins, maxLength: 1_000, hasHelp: true, completion: "off")
        let filling: HTML = """
            <textarea id="rule" name="rule" rows="3" class="rule" spellcheck="false" maxlength="5000" \
            aria-describedby="rule-help"\(attribute: "aria-invalid", errors["rule"] == nil ? nil : "true")>\(rule)</textarea>
            """
        let why = input("reason", reason, isRequired: true, maxLength: 200)
        let boxes = SpecialLists.changingRoles.map {
            box("role", $0.rawValue, f.t($0.text), roles.contains($0.rawValue))
        }
        return Screen(
            item: .lists,
            title: f.t(.listSettingsOf, f.list(list, policy)),
            hint: f.t(.listSettingsHint),
            body: """
                <form method="post" action="/lists/settings/\(list.code)" class="blocks"><input type="hidden" \
                name="version" value="\(version)">\(card(f.t(.whoMayChange), """
                    <p class="help">\(f.t(.whoMayChangeHelp))</p>
                    <fieldset class="checks"><legend>\(f.t(.role))</legend>\(boxes)</fieldset>
                    <fieldset class="checks"><legend>\(f.t(.programs))</legend>\(box("program", ListSetting.inbox, f.t(.inboxTitle), isInboxAllowed))\
                    \(box("program", ListSetting.commandLine, f.t(.commandLine), isCommandAllowed))</fieldset>
                    \(field(f.t(.otherLogins), id: "logins", help: f.t(.otherLoginsHelp), error: errors["logins"], names))
                    """))
                \(card(f.t(.filledByRule), field(f.t(.rule), id: "rule", help: f.t(.listRuleHelp), error: errors["rule"], filling)))
                \(card(f.t(.howOften), """
                    <div class="fields">\(field(f.t(.everyDays), id: "everyDays", help: f.t(.everyDaysHelp), error: errors["everyDays"], days))
                    \(field(f.t(.reasonWord), id: "reason", isRequired: true, error: errors["reason"], why))</div>
                    \(when: said != nil, "<p class=\"help\">\(f.t(.saidLast, said?.who ?? "", said.map { f.time($0.at) } ?? "", said?.reason ?? ""))</p>")
                    """))
                <div class="footer"><button class="button primary" type="submit">\(f.t(.save))</button>\
                \(linkButton(f.t(.cancel), to: "/lists"))</div></form>
                """
        )
    }
}

extension Frame {
    /// Who brought a list up to date, and how.
    func updater(_ update: ListUpdate) -> String {
        switch update.way {
        case .single: t(.wayOf, update.who, t(.waySingle))
        case .file: t(.wayOf, update.who, t(.wayFile))
        case .inbox: t(.inboxTitle)
        case .rule: t(.filledByRule)
        }
    }

    /// The day by which a list should be brought up to date again, as text.
    func nextUpdate(_ upkeep: ListUpkeep?) -> String {
        guard let upkeep, let day = upkeep.nextDay else { return "--" }
        return upkeep.isOverdue(on: now.day) ? "\(day.iso) \(t(.overdueWord))" : day.iso
    }
}
