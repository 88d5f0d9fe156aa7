// The folder other systems put lists of numbers into: what waits, was taken in or refused (LST-18).
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Kernel
import Model
import Planning
import Ports
import Texts

/// A file of the folder, with what became of it once it is looked at.
struct InboxRow: Sendable {
    var file: InboxFile
    /// The list its name says; nil when it says none.
    var list: ListID?
    var done: ListImport?
    /// Why it was refused, in the reader's language.
    var problem: String?
}

/// The list of files.
struct InboxPage {
    var files: Page<InboxRow>
    var query: TableQuery

    /// Files name subscribers of the whole operator.
    static func isSeen(by staff: Staff?) -> Bool { staff?.may(.editLists) == true && staff?.scope == .all }

    static func columns(_ f: Frame) -> [Column<InboxRow>] {
        [
            Column(f.t(.file), key: "name", plain: \.file.name) { row in
                row.file.standing == .taken
                    ? "<a href=\"/lists/inbox/report?file=\(Frame.encoded(value: row.file.key))\">\(row.file.name)</a>"
                    : "\(row.file.name)"
            },
            Column(f.t(.listName), key: "list", plain: { $0.list.map { f.list($0) } ?? "--" }),
            Column(f.t(.state), key: "state", plain: { f.t($0.file.standing.text) }) {
                tag(f.t($0.file.standing.text), $0.file.standing.tone)
            },
            Column(f.t(.time), key: "time", rank: \.file.at.epochMs, plain: { f.time($0.file.at) }),
            Column(f.t(.added), isNumber: true, plain: { $0.done.map { f.number($0.added) } ?? "--" }),
            Column(f.t(.taken), isNumber: true, plain: { $0.done.map { f.number($0.removed) } ?? "--" }),
            Column(f.t(.rejected), isNumber: true, plain: { $0.done.map { f.number($0.report.leftOut) } ?? "--" }),
            Column(f.t(.reasonWord), plain: { $0.problem ?? "--" }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let table = Table(
            f.t(.inboxTitle),
            columns: Self.columns(f),
            page: files,
            query: query,
            exportPath: "/lists/inbox.csv",
            searchHint: f.t(.searchInbox),
            empty: emptyState(f.t(.inboxEmpty), linkButton(f.t(.menuLists), to: "/lists"))
        )
        return Screen(
            item: .lists,
            title: f.t(.inboxTitle),
            hint: f.t(.inboxHint),
            body: card(nil, f.table(table))
        )
    }
}

/// What one file did.
struct InboxReportPage {
    var file: InboxFile
    var list: ListID?
    var done: ListImport
    var policy: ContactPolicy?

    func page(_ f: Frame) -> Screen {
        let rows = done.report
        let list = list.map { f.list($0, policy) }
        var counts: [(label: String, value: String, hint: String?)] = [
            (f.t(.linesRead), f.number(rows.rows), nil), (f.t(.added), f.number(done.added), list),
            (f.t(.taken), f.number(done.removed), nil), (f.t(.alreadyThere), f.number(done.present), nil),
        ]
        for code in MemberReport.Code.allCases {
            if let count = rows.left[code] { counts.append((f.t(code.text), f.number(count), nil)) }
        }
        let more = rows.leftOut - rows.rejects.count
        let table = f.table(
            f.t(.rejected),
            ListsPage.rejectColumns(f),
            of: rows.rejects,
            prefix: "r.",
            exportPath: "/lists/inbox/rejects.csv",
            empty: emptyState(f.t(.nothingRejected))
        )
        return Screen(
            item: .lists,
            title: f.t(.importReport, file.name),
            hint: f.time(file.at),
            above: [(f.t(.inboxTitle), "/lists/inbox")],
            body: """
                \(card(nil, figures(counts)))
                \(card(f.t(.rejected), "\(table)\(when: more > 0, "<p class=\"help\">\(f.t(.moreRejects, f.number(more)))</p>")"))
                """
        )
    }
}

extension InboxFile.Standing {
    var text: ConsoleText {
        switch self {
        case .waiting: .inboxWaiting
        case .taken: .inboxTaken
        case .refused: .standingRefused
        }
    }

    var tone: Tone {
        switch self {
        case .waiting: .warn
        case .taken: .good
        case .refused: .bad
        }
    }
}
