// A draft of the contact policy: what it changes, whom that concerns, and its form.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model
import Texts

/// Parts of the page of a draft.
enum PolicyDraftTab: String, CaseIterable {
    case contents, effect
}

/// A draft and everything that is known of it.
struct PolicyDraftPage {
    var draft: PolicyDraft
    var tab: PolicyDraftTab
    /// The revision that is live.
    var live: Int
    /// The form as typed, where it could not be saved.
    var typed: PolicyFields?
    /// What could not be read, by field.
    var errors: [String: String] = [:]
    var problems: [PolicyProblem] = []
    var changes: [PolicyChange] = []
    /// nil while there are problems.
    var preview: PolicyPreview?
    /// Categories somebody may mean.
    var categories: [String] = []

    private var path: String { "/policy/drafts/\(draft.id)" }
    private var isOpen: Bool { draft.state == .draft }
    private var isCurrent: Bool { draft.base == live }

    func page(_ f: Frame) -> Screen {
        let titles: [(PolicyDraftTab, ConsoleText, Int?)] = [
            (.contents, .tabContents, nil), (.effect, .tabEffect, changes.count),
        ]
        return Screen(
            item: .policy,
            title: draft.note.isEmpty ? f.t(.draftNumber, "\(draft.id)") : draft.note,
            hint: f.t(.draftHint, draft.author, "\(draft.base)", f.time(draft.updatedAt)),
            actions: actions(f),
            body: """
                <p class="summary"><span>\(state(f)) \(f.t(.draftNumber, "\(draft.id)"))</span></p>
                \(when: isOpen && !isCurrent, staleBox(f))
                \(when: isOpen && !problems.isEmpty, problemBox(f))
                \(tabs(f.t(.menuPolicy), titles.map { (f.t($1), $0 == .contents ? path : path + "?tab=\($0.rawValue)", $2, $0 == tab) }))
                \(tab == .effect ? effect(f) : contents(f))
                """
        )
    }

    private func state(_ f: Frame) -> HTML {
        switch draft.state {
        case .draft: tag(f.t(.stateDraft), .warn)
        case .live: tag(f.t(.stateLive), .good)
        case .discarded: tag(f.t(.stateDiscarded))
        }
    }

    private func actions(_ f: Frame) -> HTML {
        guard isOpen else { return .empty }
        let version = [("version", "\(draft.version)")]
        let discard = actionButton(
            f.t(.discardDraft),
            to: path + "/discard",
            question: Question(
                title: f.t(.discardQuestion, "\(draft.id)"),
                effect: f.t(.discardEffect),
                isDangerous: true
            ),
            hidden: version
        )
        let shadow = actionButton(
            f.t(.startShadow),
            to: path + "/shadow",
            question: Question(title: f.t(.startShadowQuestion, "\(draft.id)"), effect: f.t(.startShadowEffect)),
            hidden: version
        )
        let mayRun = f.mayEditPolicy && problems.isEmpty && typed == nil && !changes.isEmpty
        guard let preview, isCurrent, typed == nil, !changes.isEmpty, f.mayPublishPolicy else {
            return "\(when: f.mayEditPolicy, discard)\(when: mayRun, shadow)"
        }
        let effect = f.t(
            .makeLiveEffect,
            f.number(preview.affected),
            f.number(preview.subscribers),
            f.number(preview.retiered)
        )
        let makeLive = actionButton(
            f.t(.makeLive),
            to: path + "/live",
            .done,
            isPrimary: true,
            question: Question(title: f.t(.makeLiveQuestion, "\(draft.id)", "\(draft.base + 1)"), effect: effect),
            hidden: version
        )
        return "\(when: f.mayEditPolicy, discard)\(when: mayRun, shadow)\(makeLive)"
    }

    private func staleBox(_ f: Frame) -> HTML {
        """
        <div class="notice error" role="alert">\(Icon.error.markup)<p>\(f.t(.baseIsOld, "\(draft.base)", "\(live)"))</p>\
        \(when: f.mayEditPolicy, actionButton(f.t(.rebase, "\(live)"), to: path + "/rebase", hidden: [("version", "\(draft.version)")]))</div>
        """
    }

    private func problemBox(_ f: Frame) -> HTML {
        """
        <div class="notice error" role="alert">\(Icon.error.markup)<div><p>\(f.t(.policyProblems, "\(problems.count)"))</p>
        <ul class="plainlist">\(each: problems, { problem in
            "<li><a href=\"\(path)#\(PolicyFields.name(of: problem, in: draft.policy))\">\(place(problem, f))</a>\(f.language("：", ": "))\(f.language(problem.remark.message))</li>"
        })</ul></div></div>
        """
    }

    /// The part of the policy with a problem, and the row where it has rows.
    private func place(_ problem: PolicyProblem, _ f: Frame) -> String {
        let part = problem.path.first.flatMap { PolicySection(rawValue: $0) }.map { f.language($0.name) } ?? problem.key
        let row = problem.path.first { $0.hasPrefix("[") }.flatMap { Int($0.dropFirst().dropLast()) }
        return row.map { f.t(.rowOf, part, "\($0 + 1)") } ?? part
    }

    private func contents(_ f: Frame) -> HTML {
        guard isOpen, f.mayEditPolicy else {
            return PolicyView(policy: draft.policy, path: path).html(f)
        }
        var errors = errors
        var suggestions: [String: RuleRemark] = [:]
        if typed == nil {
            for problem in problems {
                let field = PolicyFields.name(of: problem, in: draft.policy)
                errors[field] = [errors[field], f.language(problem.remark.message)].compactMap { $0 }
                    .joined(separator: f.language("；", "; "))
                suggestions[field] = problem.remark
            }
        }
        return PolicyFormView(
            draft: draft,
            path: path,
            fields: typed ?? PolicyFields(draft.policy),
            errors: errors,
            suggestions: suggestions,
            categories: categories
        ).html(f)
    }

    // MARK: Effect

    static func reachColumns(_ f: Frame) -> [Column<PolicyReachRow>] {
        [
            Column(f.t(.attributeGroup), plain: { f.language($0.group.name) }),
            Column(f.t(.memberCount), isNumber: true, plain: { f.number($0.subscribers) }),
            Column(f.t(.channel), plain: { f.language($0.reach.channel.name) }),
            Column(f.t(.reachBefore), isNumber: true, plain: { f.number($0.reach.before) }),
            Column(f.t(.reachAfter), isNumber: true, plain: { f.number($0.reach.after) }),
            Column(f.t(.reachGained), isNumber: true, plain: { f.number($0.reach.gained) }) {
                $0.reach.gained == 0 ? "0" : "<b class=\"gain\">+\(f.number($0.reach.gained))</b>"
            },
            Column(f.t(.reachLost), isNumber: true, plain: { f.number($0.reach.lost) }) {
                $0.reach.lost == 0 ? "0" : "<b class=\"loss\">−\(f.number($0.reach.lost))</b>"
            },
        ]
    }

    static func tierColumns(_ f: Frame) -> [Column<PolicyTierPreview>] {
        [
            Column(f.t(.tier), plain: { f.language($0.name) }),
            Column(f.t(.before), isNumber: true, plain: { $0.before.map { f.number($0) } ?? "--" }),
            Column(f.t(.after), isNumber: true, plain: { $0.after.map { f.number($0) } ?? "--" }),
        ]
    }

    static func ruleColumns(_ f: Frame) -> [Column<PolicyRulePreview>] {
        [
            Column(f.t(.categoryRules), plain: { f.language($0.name) }),
            Column(f.t(.before), isNumber: true, plain: { $0.before.map { f.number($0) } ?? "--" }),
            Column(f.t(.after), isNumber: true, plain: { $0.after.map { f.number($0) } ?? "--" }),
        ]
    }

    private func effect(_ f: Frame) -> HTML {
        let changed = card(
            f.t(.whatChanges),
            actions: changes.isEmpty ? .empty : f.exportLink(path + "/changes.csv"),
            f.changes(changes, than: draft.base)
        )
        guard let preview else {
            return
                "\(changed)\(when: isOpen && !problems.isEmpty, card(f.t(.tabEffect), "<p>\(f.t(.effectBlocked))</p>"))"
        }
        return """
            \(figures([
                (f.t(.affected), f.number(preview.affected), f.t(.shareOfBase, f.share(preview.affected, of: preview.subscribers))),
                (f.t(.retiered), f.number(preview.retiered), f.t(.shareOfBase, f.share(preview.retiered, of: preview.subscribers))),
                (f.t(.subscriberCount), f.number(preview.subscribers), nil),
            ]))
            \(changed)
            \(card(f.t(.effectOf, preview.day.iso), actions: f.exportLink(path + "/effect.csv"), """
                <p class="help">\(f.t(.effectHelp))</p>
                \(f.scrolled(f.t(.effectOf, preview.day.iso), isTight: true, f.plainTable(Self.reachColumns(f), PolicyReachRow.all(preview))))
                """))
            \(when: preview.tiers.contains { $0.before != $0.after }, card(f.t(.tierSizes), actions: f.exportLink(path + "/tiers.csv"), f.scrolled(f.t(.tierSizes), f.plainTable(Self.tierColumns(f), preview.tiers))))
            \(when: !preview.rules.isEmpty, card(f.t(.rulesKeptAway), actions: f.exportLink(path + "/kept-away.csv"), f.scrolled(f.t(.rulesKeptAway), f.plainTable(Self.ruleColumns(f), preview.rules))))
            """
    }
}

/// One line of the preview's table.
struct PolicyReachRow {
    var group: PreviewGroup
    var subscribers: Int
    var reach: PolicyReach

    static func all(_ preview: PolicyPreview) -> [PolicyReachRow] {
        preview.groups.flatMap { group in
            group.reach.map { PolicyReachRow(group: group.group, subscribers: group.subscribers, reach: $0) }
        }
    }
}
