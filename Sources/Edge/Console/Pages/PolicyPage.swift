// 接触控制策略: the live revision, drafts of the next one, and the history.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// The contact policy in force, and the drafts that are worked at.
struct PolicyPage {
    var policy: ContactPolicy?
    var drafts = Page<PolicyDraft>(rows: [], total: 0)
    var query = TableQuery()

    static func draftColumns(_ f: Frame) -> [Column<PolicyDraft>] {
        [
            Column(f.t(.draftNote), key: "note", plain: { $0.note }) { draft in
                "<a href=\"/policy/drafts/\(draft.id)\">\(draft.note.isEmpty ? f.t(.draftNumber, "\(draft.id)") : draft.note)</a>"
            },
            Column(f.t(.baseRevision), isNumber: true, plain: { "\($0.base)" }),
            Column(f.t(.owner), key: "author", plain: \.author),
            Column(f.t(.updatedAt), key: "updated", plain: { f.time($0.updatedAt) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        guard let policy else {
            return Screen(
                item: .policy,
                title: f.t(.menuPolicy),
                body: card(nil, emptyState(f.t(.noPolicy), linkButton(f.t(.backHome), to: "/")))
            )
        }
        return Screen(
            item: .policy,
            title: f.t(.menuPolicy),
            hint: f.t(.policyHint, "\(policy.revision)"),
            actions: """
                \(when: f.may(.explain), linkButton(f.t(.overrunsTitle), to: OverrunsPage.path))\
                \(linkButton(f.t(.shadowTitle), to: "/policy/shadow"))\
                \(linkButton(f.t(.policyHistory), to: "/policy/history"))\
                \(when: f.mayEditPolicy, newDraft(f))
                """,
            body: """
                \(when: f.mayEditPolicy || f.may(.publishPolicy), card(f.t(.openDrafts), table(f)))
                \(PolicyView(policy: policy, path: "/policy").html(f))
                """
        )
    }

    private func newDraft(_ f: Frame) -> HTML {
        actionButton(f.t(.newPolicyDraft), to: "/policy/drafts/new", .add, isPrimary: true)
    }

    private func table(_ f: Frame) -> HTML {
        f.table(
            Table(
                f.t(.openDrafts),
                columns: Self.draftColumns(f),
                page: drafts,
                query: query,
                exportPath: "/policy/drafts.csv",
                empty: "<p class=\"help\">\(f.t(.noDrafts))</p>",
                actions: { "<a href=\"/policy/drafts/\($0.id)\">\(f.t(f.mayEditPolicy ? .edit : .view))</a>" }
            )
        )
    }
}

/// All revisions that are or were live.
struct PolicyHistoryPage {
    var revisions: Page<PolicyRevision>
    var query: TableQuery

    static func columns(_ f: Frame) -> [Column<PolicyRevision>] {
        [
            Column(f.t(.revisionWord), key: "number", plain: { "\($0.number)" }) { revision in
                "<a href=\"/policy/revisions/\(revision.number)\">\(f.t(.revisionOf, "\(revision.number)"))</a>"
            },
            Column(f.t(.liveSince), key: "at", plain: { f.time($0.at) }),
            Column(f.t(.who), key: "who", plain: \.who),
            Column(f.t(.draftNote), key: "note", plain: \.note),
        ]
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .policy,
            title: f.t(.policyHistory),
            body: card(
                nil,
                f.table(
                    Table(
                        f.t(.policyHistory),
                        columns: Self.columns(f),
                        page: revisions,
                        query: query,
                        exportPath: "/policy/history.csv",
                        searchHint: f.t(.searchRevisions),
                        empty: emptyState(f.t(.noRevisions)),
                        actions: { "<a href=\"/policy/revisions/\($0.number)\">\(f.t(.whatChanges))</a>" }
                    )
                )
            )
        )
    }
}

/// One revision and how it differs from another.
struct PolicyRevisionPage {
    var revision: PolicyRevision
    /// The revision it is compared with; 0 = no policy.
    var from: Int
    var changes: [PolicyChange]
    /// Numbers of all revisions, newest first.
    var numbers: [Int]

    func page(_ f: Frame) -> Screen {
        let number = revision.number
        let path = "/policy/revisions/\(number)"
        let options =
            numbers.filter { $0 != number }.map { ("\($0)", f.t(.revisionOf, "\($0)")) }
            + [("0", f.t(.emptyRevision))]
        return Screen(
            item: .policy,
            title: f.t(.revisionOf, "\(number)"),
            hint: f.t(.madeLiveBy, revision.who, f.time(revision.at), revision.note.isEmpty ? "--" : revision.note),
            above: [(f.t(.policyHistory), "/policy/history")],
            actions: f.mayEditPolicy
                ? actionButton(
                    f.t(.draftFromRevision),
                    to: "/policy/drafts/new",
                    .add,
                    hidden: [("from", "\(number)")]
                ) : .empty,
            body: """
                \(card(
                    from == 0 ? f.t(.whatChanges) : f.t(.differencesFrom, "\(from)"),
                    actions: f.exportLink(path + "/changes.csv?from=\(from)"),
                    """
                    <form method="get" action="\(path)" class="tools"><label for="from">\(f.t(.compareWith))</label>\
                    <span>\(select("from", options, selected: "\(from)"))</span>\
                    <button class="button" type="submit">\(f.t(.compare))</button></form>
                    \(f.changes(changes, than: from))
                    """
                ))
                \(PolicyView(policy: revision.policy, path: path).html(f))
                """
        )
    }
}

extension Frame {
    /// Whether the reader may write drafts: the role allows it, and he is responsible for the whole operator.
    var mayEditPolicy: Bool { may(.editPolicy) && staff?.scope == .all }

    /// Whether the reader may make drafts live.
    var mayPublishPolicy: Bool { may(.publishPolicy) && staff?.scope == .all }

    /// A table that may be wider than its place.
    func scrolled(_ caption: String, isTight: Bool = false, _ table: HTML) -> HTML {
        "<div class=\"scroll\(isTight ? " tight" : "")\" tabindex=\"0\" role=\"region\" aria-label=\"\(caption)\">\(table)</div>"
    }

    /// Changes in words.
    func changes(_ changes: [PolicyChange], than revision: Int) -> HTML {
        guard !changes.isEmpty else { return "<p class=\"help\">\(t(.noPolicyChanges, "\(revision)"))</p>" }
        return scrolled(t(.whatChanges), plainTable(Self.changeColumns(self), changes))
    }
}
