// 免打扰名单: find a number, add or remove it, import a file; how many are on each list.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Planning
import Ports
import Texts

/// A number somebody looked up, and the lists it is on.
struct FoundNumber: Sendable {
    /// An entry of a list.
    struct Entry: Sendable {
        var list: ListID
        /// The last change by hand; nil when the entry came with a load.
        var change: ListChange?
        /// The days it holds; nil when it has none.
        var dates: ListDates?

        /// The days as people read them.
        func days(_ f: Frame) -> String {
            let days = window(f)
            return dates?.isEntered == false ? "\(days) · \(f.t(.notYet))" : days
        }

        private func window(_ f: Frame) -> String {
            switch (dates?.from, dates?.to) {
            case (nil, nil): f.t(.forGood)
            case (let from?, nil): f.t(.sinceDay, from.iso)
            case (nil, let to?): f.t(.untilDay, to.iso)
            case (let from?, let to?): f.t(.windowOf, from.iso, to.iso)
            }
        }
    }

    /// The subscriber, as the address names it.
    var index: UInt32
    /// The number in full: the reader typed it.
    var number: String
    var entries: [Entry]
    /// Changes by hand, newest first.
    var changes: [ListChange]
}

/// A list and how many are on it.
struct ListCount: Sendable {
    var list: ListID
    var count: Int
    /// Whether planners may cancel the removal; nil for lists that are no do-not-disturb class.
    var mayBeUnticked: Bool?
    /// Who brought it up to date last, and when that is expected again.
    var upkeep: ListUpkeep?
}

/// The page of do-not-disturb and special lists.
struct ListsPage {
    var counts: [ListCount]
    var found: FoundNumber?
    /// An import of this session, and the number it is asked for by.
    var report: (id: Int, report: ImportReport)?
    /// What was typed, kept after an error.
    var typed = ""
    var findError: String?
    var importError: String?
    /// What the form for imports shows.
    var importing = ImportForm()
    var policy: ContactPolicy?

    static func columns(_ f: Frame) -> [Column<ListCount>] {
        [
            Column(f.t(.listName), key: "name", plain: { f.list($0.list) }),
            Column(f.t(.code), key: "code", plain: \.list.code, cell: { "<code>\($0.list.code)</code>" }),
            Column(
                f.t(.channel),
                key: "channel",
                plain: { $0.list.channel.map { f.language($0.name) } ?? f.t(.allChannels) }
            ),
            Column(
                f.t(.entriesCount),
                key: "count",
                isNumber: true,
                rank: { Int64($0.count) },
                plain: { f.number($0.count) }
            ),
            Column(f.t(.untickable), plain: { $0.mayBeUnticked.map { f.t($0 ? .yes : .no) } ?? "--" }),
            Column(
                f.t(.lastUpdated),
                key: "updated",
                rank: { $0.upkeep?.last?.at.epochMs ?? 0 },
                plain: { $0.upkeep?.last.map { f.time($0.at) } ?? "--" }
            ),
            Column(
                f.t(.updatedBy),
                key: "who",
                plain: { count in
                    let isFilled = count.upkeep?.setting?.rule != nil
                    return isFilled ? f.t(.filledByRule) : count.upkeep?.last.map { f.updater($0) } ?? "--"
                }
            ),
            Column(
                f.t(.nextUpdate),
                key: "next",
                rank: { Int64($0.upkeep?.nextDay?.number ?? .max) },
                plain: { f.nextUpdate($0.upkeep) },
                cell: { count in
                    let mark =
                        count.upkeep?.isOverdue(on: f.now.day) == true ? tag(f.t(.overdueWord), .bad) : HTML.empty
                    return "\(count.upkeep?.nextDay?.iso ?? "--") \(mark)"
                }
            ),
        ]
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .lists,
            title: f.t(.menuLists),
            hint: f.t(.listsHint),
            actions: InboxPage.isSeen(by: f.staff) ? linkButton(f.t(.inboxTitle), to: "/lists/inbox") : .empty,
            body: """
                <div class="columns">
                \(card(f.t(.findNumber), finder(f)))
                \(when: f.may(.editLists), card(f.t(.importFile), id: "import", importer(f)))
                </div>
                \(report.map { reported($0.report, id: $0.id, f) })
                \(found.map { foundCard($0, f) })
                \(card(f.t(.allLists), f.table(
                    f.t(.allLists), Self.columns(f), of: counts,
                    exportPath: "/lists.csv", searchHint: f.t(.searchLists), empty: emptyState(f.t(.noLists)),
                    actions: f.may(.manageStaff) && f.staff?.scope == .all
                        ? { "<a href=\"/lists/settings/\($0.list.code)\">\(f.t(.listSettings))</a>" } : nil)))
                """
        )
    }

    private func finder(_ f: Frame) -> HTML {
        numberForm(f, action: "/lists/find", typed: typed, error: findError, button: .find)
    }

    /// The lists an entry may go to.
    private func choices(_ f: Frame) -> [(value: String, label: String)] {
        let classes = (policy?.dnd ?? []).sorted { $0.number < $1.number }.map {
            (ListID.dnd($0.number).code, "\($0.number) \(f.language($0.name))")
        }
        return classes
            + (["black", "grey", "white", "important", "vip"] + Preference.allCases.map(\.rawValue)).map {
                ($0, f.list(ListID($0)))
            }
    }

    private func channels(_ f: Frame) -> [(value: String, label: String)] {
        [("", f.t(.allChannels))] + ChannelClass.allCases.map { ($0.code, f.language($0.name)) }
    }

    private func importer(_ f: Frame) -> HTML {
        let form = importing
        let numbers = NumberListFields(kind: form.kind, column: form.column)
        let modes = ListImportMode.allCases.map { ($0.rawValue, f.t($0.text)) }
        return """
            <form method="post" action="/lists/import" enctype="multipart/form-data" class="stack" \
            data-ask="\(f.t(.importQuestion))" data-effect="\(f.t(.importEffect))">
            \(numbers.content(action: "/lists/import", error: importError, rows: 3, f))
            <div class="fields">\(numbers.choice(f))
            \(field(f.t(.importMode), id: "mode", select("mode", modes, selected: form.mode)))
            \(field(f.t(.listName), id: "import-list", isRequired: true, named(select("list", choices(f), selected: form.list, isRequired: true), "import-list")))
            \(field(f.t(.channel), id: "import-channel", help: f.t(.channelHelp), named(select("channel", channels(f), selected: form.channel), "import-channel")))
            \(field(f.t(.firstDay), id: "import-from", help: f.t(.firstDayHelp), named(input("from", form.from, type: "date", least: f.now.day.iso), "import-from")))
            \(field(f.t(.lastDay), id: "import-to", help: f.t(.lastDayHelp), named(input("to", form.to, type: "date", least: f.now.day.iso), "import-to")))
            \(field(f.t(.reasonWord), id: "import-reason", isRequired: true, named(input("reason", form.reason, isRequired: true, maxLength: 200), "import-reason")))</div>
            <button class="button" type="submit">\(Icon.upload.markup)\(f.t(.importFile))</button></form>
            """
    }

    /// The same control under another id, where a page has two of its name.
    private func named(_ control: HTML, _ id: String) -> HTML {
        var control = control
        if let range = control.text.range(of: "id=\"") {
            let end = control.text[range.upperBound...].firstIndex(of: "\"") ?? range.upperBound
            control.text.replaceSubrange(range.upperBound..<end, with: id)
        }
        return control
    }

    static func rejectColumns(_ f: Frame) -> [Column<MemberReport.Reject>] {
        [
            Column(f.t(.line), key: "line", rank: { Int64($0.line) }, plain: { "\($0.line)" }),
            Column(f.t(.number), plain: \.text),
            Column(f.t(.reasonWord), key: "reason", plain: { f.t($0.code.text) }),
        ]
    }

    private func reported(_ report: ImportReport, id: Int, _ f: Frame) -> HTML {
        let (done, rows) = (report.done, report.done.report)
        let more = rows.leftOut - rows.rejects.count
        var counts: [(label: String, value: String, hint: String?)] = [
            (f.t(.linesRead), f.number(rows.rows), nil),
            (f.t(.added), f.number(done.added), f.list(report.list, policy)),
        ]
        if done.removed > 0 { counts.append((f.t(.taken), f.number(done.removed), nil)) }
        if done.planned > 0 { counts.append((f.t(.comesLater), f.number(done.planned), nil)) }
        counts.append((f.t(.alreadyThere), f.number(done.present), nil))
        for code in MemberReport.Code.allCases {
            if let count = rows.left[code] { counts.append((f.t(code.text), f.number(count), nil)) }
        }
        return card(
            f.t(.importReport, report.file),
            id: "report",
            """
            \(figures(counts))
            \(when: rows.leftOut > 0, f.table(
                f.t(.rejected), Self.rejectColumns(f), of: rows.rejects, prefix: "r.",
                exportPath: "/lists/imports/\(id)/rejects.csv", empty: .empty))
            \(when: more > 0, "<p class=\"help\">\(f.t(.moreRejects, f.number(more)))</p>")
            """
        )
    }

    private func foundCard(_ found: FoundNumber, _ f: Frame) -> HTML {
        card(
            f.t(.listsOf, found.number),
            id: "found",
            actions: f.may(.explain)
                ? """
                \(linkButton(f.t(.menuCustomers), to: "/customers/\(found.index)", .customers))\
                \(linkButton(f.t(.menuExplain), to: "/explain/\(found.index)", .explain))
                """ : .empty,
            """
            \(entries(found, f))
            \(when: f.may(.editLists), "<h3>\(f.t(.registerDND))</h3>\(registerForm(found, f))")
            \(when: !found.changes.isEmpty, history(found, f))
            """
        )
    }

    static func entryColumns(_ f: Frame, _ policy: ContactPolicy?) -> [Column<FoundNumber.Entry>] {
        [
            Column(f.t(.listName), key: "name", plain: { f.list($0.list, policy) }),
            Column(f.t(.channel), plain: { $0.list.channel.map { f.language($0.name) } ?? f.t(.allChannels) }),
            Column(f.t(.validDays), plain: { $0.days(f) }),
            Column(
                f.t(.source),
                plain: { $0.change.map { "\($0.who) \(f.time($0.at))" } ?? $0.dates?.who ?? f.t(.loaded) }
            ),
            Column(f.t(.reasonWord), plain: { $0.change?.reason ?? $0.dates?.reason ?? "--" }),
        ]
    }

    private func entries(_ found: FoundNumber, _ f: Frame) -> HTML {
        f.table(
            f.t(.listName),
            Self.entryColumns(f, policy),
            of: found.entries,
            prefix: "e.",
            exportPath: "/lists/found/\(found.index)/entries.csv",
            empty: "<p class=\"help\">\(f.t(.onNoList))</p>",
            actions: f.may(.editLists) ? { remove($0, found, f) } : nil
        )
    }

    private func remove(_ entry: FoundNumber.Entry, _ found: FoundNumber, _ f: Frame) -> HTML {
        let question = Question(
            title: f.t(.removeQuestion, found.number),
            effect: f.t(.removeEffect, f.list(entry.list, policy)),
            isDangerous: true
        )
        return """
            <form method="post" action="/lists/remove" class="removal"\(confirming: question)><input type="hidden" \
            name="subscriber" value="\(Int(found.index))">\
            <input type="hidden" name="list" value="\(entry.list.code)"><input type="hidden" name="channel" \
            value="\(entry.list.channel?.code ?? "")">\
            <input name="reason" required maxlength="200" aria-label="\(f.t(.removeReason))" \
            placeholder="\(f.t(.removeReason))">\
            <button type="submit" class="button danger">\(f.t(.remove))</button></form>
            """
    }

    private func registerForm(_ found: FoundNumber, _ f: Frame) -> HTML {
        """
        <form method="post" action="/lists/add" class="fields three"><input type="hidden" name="subscriber" \
        value="\(Int(found.index))">
        \(field(f.t(.listName), id: "list", isRequired: true, select("list", choices(f), selected: "dnd_01", isRequired: true)))
        \(field(f.t(.channel), id: "channel", help: f.t(.channelHelp), select("channel", channels(f), selected: "")))
        \(field(f.t(.reasonWord), id: "reason", isRequired: true, input("reason", "", isRequired: true, maxLength: 200)))
        \(field(f.t(.firstDay), id: "from", help: f.t(.firstDayHelp), input("from", "", type: "date", least: f.now.day.iso, hasHelp: true)))
        \(field(f.t(.lastDay), id: "to", help: f.t(.lastDayHelp), input("to", "", type: "date", least: f.now.day.iso, hasHelp: true)))
        <div class="field act"><button class="button primary" type="submit">\(f.t(.registerDND))</button></div></form>
        """
    }

    private func history(_ found: FoundNumber, _ f: Frame) -> HTML {
        """
        <h3>\(f.t(.changesByHand))</h3><ul class="timeline">\(each: found.changes, { change in
            "<li><time>\(f.time(change.at))</time> \(change.who) \(f.t(change.isAdded ? .addedTo : .removedFrom)) \(f.list(change.list, policy))（\(change.list.channel.map { f.language($0.name) } ?? f.t(.allChannels))） \(change.reason)</li>"
        })</ul>
        """
    }
}

/// What the form for imports was filled with, kept after an error; a browser keeps no file.
struct ImportForm: Sendable {
    var kind = IdentityKind.msisdn.rawValue
    var column = ""
    var mode = ListImportMode.add.rawValue
    var list = "dnd_01"
    var channel = ""
    var from = ""
    var to = ""
    var reason = ""

    init() {}

    init(_ body: FormBody) {
        (kind, column, mode) = (body["kind"], body["column"], body["mode"])
        (list, channel, reason) = (body["list"], body["channel"], body["reason"])
        (from, to) = (body.trimmed("from"), body.trimmed("to"))
    }
}

extension IdentityKind {
    var text: ConsoleText {
        switch self {
        case .msisdn: .msisdn
        case .line: .lineIDs
        case .customer: .customerIDs
        }
    }
}

extension ListImportMode {
    var text: ConsoleText {
        switch self {
        case .add: .modeAdd
        case .remove: .modeRemove
        case .replace: .modeReplace
        }
    }
}

extension MemberReport.Code {
    /// Why a row of a list named nobody new.
    var text: ConsoleText {
        switch self {
        case .blank: .rowBlank
        case .notANumber: .rowNotANumber
        case .shortened: .rowShortened
        case .notAPhoneNumber: .numberInvalid
        case .malformed: .rowMalformed
        case .unknown: .rowUnknown
        case .duplicate: .duplicates
        }
    }
}

/// Asks for a number; the number goes in the body, never in an address.
func numberForm(_ f: Frame, action: String, typed: String, error: String?, button: ConsoleText) -> HTML {
    """
    <form method="post" action="\(action)" class="rowform">\
    \(field(f.t(.msisdn), id: "number", isRequired: true, help: f.t(.numberHelp), error: error, "<input id=\"number\" name=\"number\" type=\"tel\" inputmode=\"tel\" value=\"\(typed)\" required maxlength=\"30\" autocomplete=\"off\" placeholder=\"13800138000\" aria-describedby=\"number-help\">"))\
    <button class="button primary" type="submit">\(Icon.search.markup)\(f.t(button))</button></form>
    """
}

extension Frame {
    /// A list's name.
    func list(_ list: ListID, _ policy: ContactPolicy? = nil) -> String { language(list.name(policy)) }
}
