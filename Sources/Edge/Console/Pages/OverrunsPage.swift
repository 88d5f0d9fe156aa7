// 超限用户: counters above their caps, by tier, cap and window, and who they are, with the cause.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model
import Ports
import Texts

/// A subscriber above a cap, as the page shows him.
struct OverrunRow: Sendable {
    var subscriber: OverrunSubscriber
    /// Masked: nobody looked it up.
    var number: String
}

/// The report of overruns.
struct OverrunsPage {
    var report: OverrunReport
    var rows: Page<OverrunRow>
    var names: EventNames
    var query: TableQuery

    static let path = "/policy/overruns"

    static func countColumns(_ f: Frame) -> [Column<OverrunCount>] {
        [
            Column(f.t(.tier), key: "tier", plain: { f.language($0.group.tierName) }),
            Column(f.t(.exceededCap), key: "cap", plain: { f.language($0.group.capName) }),
            Column(f.t(.capWindow), key: "window", plain: { $0.group.window.text }),
            Column(
                f.t(.memberCount),
                key: "count",
                isNumber: true,
                rank: { Int64($0.subscribers) },
                plain: { f.number($0.subscribers) }
            ),
        ]
    }

    static func columns(_ f: Frame, _ names: EventNames) -> [Column<OverrunRow>] {
        [
            Column(f.t(.subscriberIndex), isNumber: true, plain: { "\($0.subscriber.index.number)" }),
            Column(f.t(.msisdn), plain: \.number),
            Column(f.t(.tier), plain: { f.language($0.subscriber.tierName) }),
            Column(f.t(.exceeded), plain: { $0.subscriber.sentence(f.language) }) {
                $0.subscriber.overruns.isEmpty
                    ? HTML(escaping: f.t(.noLongerExceeded))
                    : lines($0.subscriber.overruns.map { $0.sentence(f.language) })
            },
            Column(f.t(.overrunCause), plain: { $0.subscriber.causes(f.language, names) }) {
                lines($0.subscriber.causes.map { $0.sentence(f.language, names) })
            },
        ]
    }

    private static func lines(_ texts: [String]) -> HTML { "\(each: texts, { "<div>\($0)</div>" })" }

    func page(_ f: Frame) -> Screen {
        let isBroken = rows.rows.contains { $0.subscriber.isBroken }
        return Screen(
            item: .policy,
            title: f.t(.overrunsTitle),
            hint: f.t(.overrunsHint),
            actions: linkButton(f.t(.menuPolicy), to: "/policy"),
            body: """
                \(when: isBroken, "<div class=\"notice error\" role=\"alert\">\(Icon.error.markup)<p>\(f.t(.guaranteeBroken))</p></div>")\
                \(figures([
                    (f.t(.subscribersAbove), f.number(report.members.count), f.t(.ofSubscribers, f.number(report.subscribers))),
                    (f.t(.revisionWord), "\(report.revision)", report.day.iso),
                ]))
                \(when: !report.counts.isEmpty, card(f.t(.overrunCounts), counts(f)))
                \(card(f.t(.overrunSubscribers), list(f)))
                """
        )
    }

    private func counts(_ f: Frame) -> HTML {
        f.table(
            f.t(.overrunCounts),
            Self.countColumns(f),
            of: report.counts,
            prefix: "c.",
            exportPath: Self.path + "/summary.csv",
            empty: .empty
        )
    }

    private func list(_ f: Frame) -> HTML {
        f.table(
            Table(
                f.t(.overrunSubscribers),
                columns: Self.columns(f, names),
                page: rows,
                query: query,
                exportPath: Self.path + "/subscribers.csv",
                searchHint: f.t(.searchOverruns),
                empty: emptyState(f.t(.noOverruns), linkButton(f.t(.menuPolicy), to: "/policy"))
            )
        )
    }
}
