// Everything that happened to one subscriber, and all candidates of one of its requests.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import HTTPAPI
import Kernel
import Model
import Texts

/// What the log tells of a subscriber, newest first.
struct SubscriberHistoryPage {
    var index: UInt32
    /// The number in full: the reader typed it.
    var number: String
    var events: [SubscriberEvent]
    var names: EventNames

    static func columns(_ f: Frame, _ names: EventNames) -> [Column<SubscriberEvent>] {
        [
            Column(f.t(.time), key: "at", rank: { $0.at.instant.epochMs }, plain: { f.time($0.at) }),
            Column(f.t(.whatHappened), plain: { $0.sentence(f.language, names) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let path = "/explain/\(index)"
        return Screen(
            item: .explain,
            title: f.t(.wholeHistory),
            hint: f.t(.contactsOf, number),
            actions: linkButton(f.t(.backToSubscriber), to: path),
            body: """
                \(card(nil, f.table(
                    f.t(.wholeHistory), Self.columns(f, names), of: events,
                    exportPath: path + "/history.csv", searchHint: f.t(.searchContacts),
                    empty: emptyState(f.t(.noHistory), linkButton(f.t(.otherNumber), to: "/explain")))))
                """
        )
    }
}

/// The campaigns that a request could have offered, in the order of ranking.
struct RequestPage {
    var index: UInt32
    var number: String
    var request: UInt64
    var candidates: [NamedExplanation]

    var records: [ContactRecord] {
        candidates.map { ContactRecord(at: $0.explanation.at, source: .decision($0.explanation, $0.names)) }
    }

    func page(_ f: Frame) -> Screen {
        let place = candidates.first?.explanation.request.map { f.language($0.touchpoint.name) } ?? ""
        return Screen(
            item: .explain,
            title: f.t(.candidatesOf, number, place),
            hint: f.t(.candidatesHint),
            actions: linkButton(f.t(.backToSubscriber), to: "/explain/\(index)"),
            body: """
                \(card(nil, f.table(
                    f.t(.allCandidates), ExplainPage.columns(f), of: records,
                    exportPath: "/explain/\(index)/requests/\(request)/candidates.csv",
                    searchHint: f.t(.searchContacts), empty: emptyState(f.t(.noContacts)))))
                """
        )
    }
}
