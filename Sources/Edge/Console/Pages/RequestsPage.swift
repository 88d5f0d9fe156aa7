// 取数需求: the queue, and the form that raises a request (SEG-21).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// The queue of data requests.
struct RequestsPage {
    /// Which requests it shows.
    enum Tab: String, CaseIterable {
        case active, waiting, mine, open, taken, asked, answered, closed, cancelled

        func filter(_ waiting: DataRequestFilter, _ login: String) -> DataRequestFilter {
            switch self {
            case .active: DataRequestFilter(states: Set(DataRequestState.allCases.filter { !$0.isEnd }))
            case .waiting: waiting
            case .mine: DataRequestFilter(requestedBy: login)
            default: DataRequestFilter(states: Set(DataRequestState(rawValue: rawValue).map { [$0] } ?? []))
            }
        }

        var text: ConsoleText {
            switch self {
            case .active: .requestsActive
            case .waiting: .requestsWaiting
            case .mine: .requestsMine
            default: DataRequestState(rawValue: rawValue)?.text ?? .all
            }
        }
    }

    var requests: Page<DataRequest>
    var query: TableQuery
    var tab: Tab
    /// How many wait for the reader.
    var waiting: Int

    static func columns(_ f: Frame) -> [Column<DataRequest>] {
        [
            Column(f.t(.idWord), key: "number", isNumber: true, plain: { "\($0.id)" }),
            Column(f.t(.requestTitle), key: "title", plain: \.title) {
                "<a href=\"/requests/\(Int($0.id))\">\($0.title)</a>"
            },
            Column(f.t(.state), key: "state", plain: { f.t($0.state.text) }) { tag(f.t($0.state.text), $0.state.tone) },
            Column(f.t(.wantedBy), key: "wanted", plain: { f.wanted($0) }) { f.wantedTag($0) },
            Column(f.t(.raisedBy), key: "who", plain: \.requestedBy),
            Column(f.t(.worker), key: "worker", plain: { $0.worker ?? "--" }),
            Column(f.t(.scope), plain: { f.scope($0.scope) }),
            Column(f.t(.updatedAt), key: "updated", plain: { f.time($0.updatedAt) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let new = linkButton(f.t(.newRequest), to: "/requests/new", .add, isPrimary: true)
        let shown = Tab.allCases.map { other in
            (
                f.t(other.text), other == .active ? "/requests" : "/requests?tab=\(other.rawValue)",
                other == .waiting ? waiting : Int?.none, other == tab
            )
        }
        let table = Table(
            f.t(.menuRequests),
            columns: Self.columns(f),
            page: requests,
            query: query,
            exportPath: "/requests.csv",
            searchHint: f.t(.searchRequests),
            empty: emptyState(f.t(.noRequests), new),
            actions: { "<a href=\"/requests/\(Int($0.id))\">\(f.t(.view))</a>" }
        )
        return Screen(
            item: .requests,
            title: f.t(.menuRequests),
            hint: f.t(.requestsHint),
            actions: new,
            body: "\(tabs(f.t(.menuRequests), shown))\(card(nil, f.table(table)))"
        )
    }
}

/// The form that raises a request.
struct RequestFormPage {
    var values: [String: String] = [:]
    var errors: [String: String] = [:]
    /// Segments it may be about.
    var segments: [Segment]

    func page(_ f: Frame) -> Screen {
        func words(_ name: String, _ label: ConsoleText, _ help: ConsoleText) -> HTML {
            let control: HTML = """
                <textarea id="\(name)" name="\(name)" rows="4" required maxlength="\(DataRequest.longestText)" \
                aria-describedby="\(name)-help">\(values[name] ?? "")</textarea>
                """
            return field(
                f.t(label),
                id: name,
                isRequired: true,
                help: f.t(help),
                error: errors[name],
                isWide: true,
                control
            )
        }
        func level(_ name: String, _ label: ConsoleText, help: String? = nil) -> HTML {
            let control = input(name, values[name] ?? "", maxLength: 64, hasHelp: help != nil, completion: "off")
            return field(f.t(label), id: name, help: help, error: errors[name], control)
        }
        let title = input(
            "title",
            values["title"] ?? "",
            isRequired: true,
            maxLength: DataRequest.longestTitle,
            completion: "off"
        )
        let day = input(
            "wantedBy",
            values["wantedBy"] ?? "",
            type: "date",
            isRequired: true,
            least: f.now.day.iso
        )
        let choice = select("segment", f.choices(segments), selected: values["segment"] ?? "")
        return Screen(
            item: .requests,
            title: f.t(.newRequest),
            hint: f.t(.newRequestHint),
            body: """
                <form method="post" action="/requests/new" class="blocks">\(card(nil, """
                    <div class="fields">\(field(f.t(.requestTitle), id: "title", isRequired: true, error: errors["title"], title))
                    \(field(f.t(.wantedBy), id: "wantedBy", isRequired: true, error: errors["wantedBy"], day))
                    \(words("need", .requestNeed, .requestNeedHelp))
                    \(words("reason", .requestReason, .requestReasonHelp))
                    \(field(f.t(.requestSegment), id: "segment", error: errors["segment"], choice))
                    \(level("province", .province, help: f.t(.requestScopeHelp, f.scope(f.staff?.scope ?? .all))))
                    \(level("city", .city))
                    \(level("county", .county))</div>
                    """))
                <div class="footer"><button class="button primary" type="submit">\(f.t(.raiseRequest))</button>\
                \(linkButton(f.t(.cancel), to: "/requests"))</div></form>
                """
        )
    }
}

extension Frame {
    /// Segments of a choice that may stay empty.
    func choices(_ segments: [Segment]) -> [(value: String, label: String)] {
        [("", t(.none))] + segments.map { ("\($0.id)", "\($0.id) \($0.name)") }
    }

    /// The day a request is wanted by, as text.
    func wanted(_ request: DataRequest) -> String {
        request.isOverdue(on: now.day) ? "\(request.wantedBy.iso) \(t(.overdueWord))" : request.wantedBy.iso
    }

    /// The same, marked when it is over.
    func wantedTag(_ request: DataRequest) -> HTML {
        let mark = request.isOverdue(on: now.day) ? " \(tag(t(.overdueWord), .bad))" : HTML.empty
        return "\(request.wantedBy.iso)\(mark)"
    }
}

extension DataRequestState {
    var text: ConsoleText {
        switch self {
        case .open: .requestOpen
        case .taken: .requestTaken
        case .asked: .requestAsked
        case .answered: .requestAnswered
        case .closed: .requestClosed
        case .cancelled: .requestCancelled
        }
    }

    var tone: Tone {
        switch self {
        case .open, .asked: .warn
        case .taken: .info
        case .answered, .closed: .good
        case .cancelled: .neutral
        }
    }
}

extension DataRequestAct {
    /// The word on its button.
    var text: ConsoleText {
        switch self {
        case .take: .actTake
        case .release: .actRelease
        case .ask: .actAsk
        case .reply: .actReply
        case .answer: .actAnswer
        case .accept: .actAccept
        case .reopen: .actReopen
        case .cancel: .actCancel
        }
    }

    /// What the history says was done.
    var past: ConsoleText {
        switch self {
        case .take: .didTake
        case .release: .didRelease
        case .ask: .didAsk
        case .reply: .didReply
        case .answer: .didAnswer
        case .accept: .didAccept
        case .reopen: .didReopen
        case .cancel: .didCancel
        }
    }
}
