// 员工与操作日志: staff, and the append-only audit log.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// Staff or audit log, by tab.
struct StaffPage {
    enum Contents {
        case staff(Page<Staff>)
        case audit(Page<AuditEntry>)
    }

    /// A password that was just made, shown once.
    struct NewPassword: Sendable {
        var login: String
        var password: String
    }

    var contents: Contents
    var query: TableQuery
    var newPassword: NewPassword?

    static func staffColumns(_ f: Frame) -> [Column<Staff>] {
        [
            Column(f.t(.login), key: "login", plain: \.login),
            Column(f.t(.personName), key: "name", plain: \.name),
            Column(f.t(.role), key: "role", plain: { f.t($0.role.text) }),
            Column(f.t(.scope), plain: { f.scope($0.scope) }),
            Column(
                f.t(.state),
                plain: { f.t($0.isActive ? .active : .inactive) },
                cell: {
                    tag(f.t($0.isActive ? .active : .inactive), $0.isActive ? .good : .neutral)
                }
            ),
        ]
    }

    static func auditColumns(_ f: Frame) -> [Column<AuditEntry>] {
        [
            Column(f.t(.time), key: "at", plain: { f.time($0.at) }),
            Column(f.t(.who), key: "who", plain: \.who),
            Column(f.t(.action), key: "action", plain: { f.action($0.action) }) { entry in
                "\(f.action(entry.action)) <code class=\"muted\">\(entry.action)</code>"
            },
            Column(f.t(.object), key: "object", plain: \.object),
            Column(f.t(.detail), plain: { $0.detail.isEmpty ? "--" : $0.detail }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let isAudit = if case .audit = contents { true } else { false }
        let links: [(title: String, path: String, count: Int?, isCurrent: Bool)] = [
            (f.t(.staffList), "/staff", nil, !isAudit), (f.t(.auditLog), "/staff?tab=audit", nil, isAudit),
        ]
        let new = linkButton(f.t(.newStaff), to: "/staff/new", .add, isPrimary: true)
        return Screen(
            item: .staff,
            title: f.t(.menuStaff),
            hint: f.t(isAudit ? .auditHint : .staffHint),
            actions: f.may(.manageStaff) && !isAudit ? new : .empty,
            body: """
                \(newPassword.map { passwordBox($0, f) })
                \(tabs(f.t(.menuStaff), f.may(.manageStaff) ? links : [links[1]]))
                \(card(nil, table(f, new)))
                """
        )
    }

    private func passwordBox(_ made: NewPassword, _ f: Frame) -> HTML {
        """
        <div class="notice done" role="status">\(Icon.done.markup)<p>\
        \(f.t(.passwordMade, made.login)) <code class="secret">\(made.password)</code></p></div>
        """
    }

    private func table(_ f: Frame, _ new: HTML) -> HTML {
        switch contents {
        case .staff(let staff):
            f.table(
                Table(
                    f.t(.staffList),
                    columns: Self.staffColumns(f),
                    page: staff,
                    query: query,
                    exportPath: "/staff.csv",
                    searchHint: f.t(.searchStaff),
                    empty: emptyState(f.t(.noStaff), new),
                    actions: { actions($0, f) }
                )
            )
        case .audit(let entries):
            f.table(
                Table(
                    f.t(.auditLog),
                    columns: Self.auditColumns(f),
                    page: entries,
                    query: query,
                    exportPath: "/audit.csv",
                    searchHint: f.t(.searchAudit),
                    empty: emptyState(f.t(.noAudit), linkButton(f.t(.backHome), to: "/"))
                )
            )
        }
    }

    private func actions(_ staff: Staff, _ f: Frame) -> HTML {
        let path = "/staff/\(Frame.encoded(value: staff.login))"
        let renew = actionButton(
            f.t(.renewPassword),
            to: path + "/password",
            question: Question(title: f.t(.renewQuestion, staff.name), effect: f.t(.renewEffect))
        )
        guard staff.login != f.staff?.login else { return renew }
        let turn =
            staff.isActive
            ? actionButton(
                f.t(.deactivate),
                to: path + "/deactivate",
                question: Question(
                    title: f.t(.deactivateQuestion, staff.name),
                    effect: f.t(.deactivateEffect),
                    isDangerous: true
                )
            )
            : actionButton(f.t(.activate), to: path + "/activate")
        return "\(renew)\(turn)"
    }
}

/// A new member of staff.
struct StaffFormPage {
    var values: [String: String] = [:]
    var errors: [String: String] = [:]

    func page(_ f: Frame) -> Screen {
        func line(_ name: String, _ label: ConsoleText, help: ConsoleText? = nil, isRequired: Bool = false) -> HTML {
            field(
                f.t(label),
                id: name,
                isRequired: isRequired,
                help: help.map { f.t($0) },
                error: errors[name],
                input(
                    name,
                    values[name] ?? "",
                    isRequired: isRequired,
                    maxLength: 64,
                    hasHelp: help != nil,
                    completion: "off"
                )
            )
        }
        return Screen(
            item: .staff,
            title: f.t(.newStaff),
            hint: f.t(.newStaffHint),
            body: """
                <form method="post" action="/staff" class="blocks">\(card(nil, """
                    <div class="fields">\(line("login", .login, help: .loginHelp, isRequired: true))
                    \(line("name", .personName, isRequired: true))
                    \(field(f.t(.role), id: "role", isRequired: true, select("role", Role.allCases.map { ($0.rawValue, f.t($0.text)) }, selected: values["role"] ?? Role.planner.rawValue)))
                    \(line("province", .province, help: .scopeHelp))
                    \(line("city", .city))
                    \(line("county", .county))</div>
                    """))
                <div class="footer"><button class="button primary" type="submit">\(f.t(.create))</button>\
                \(linkButton(f.t(.cancel), to: "/staff"))</div></form>
                """
        )
    }
}

extension Frame {
    /// What an audit entry says was done, where the console knows it.
    func action(_ code: String) -> String {
        let names: [String: ConsoleText] = [
            "segment.create": .actSegmentCreate, "segment.update": .actSegmentUpdate,
            "segment.compute": .computeSegment, "segment.submit": .submitSegment,
            "segment.publish": .publishSegment, "segment.expired": .expireSegment,
            "segment.saved": .reopenSegment, "segment.delete": .deleteWord, "segment.movement": .movement,
            "export.ask": .exportMembers, "export.approve": .exportApproved, "export.refuse": .standingRefused,
            "campaign.create": .actCampaignCreate,
            "campaign.update": .actCampaignUpdate, "campaign.dry_run": .tabDryRun, "campaign.submit": .submit,
            "approval.pass": .resultPass, "approval.adjust": .resultAdjust, "approval.fail": .resultFail,
            "campaign.run": .start, "campaign.pause": .pause, "campaign.resume": .resume, "campaign.stop": .stop,
            "campaign.finish": .actFinish, "campaign.test_send": .testSend, "session.open": .signIn,
            "session.close": .signOut, "session.refused": .actSignInRefused, "staff.add": .newStaff,
            "staff.update": .actStaffUpdate, "staff.password": .changePassword, "policy.set": .actPolicySet,
            "policy.shadow": .actShadow, "policy.shadow_end": .actShadowEnd,
            "policy.draft": .actPolicyDraft, "policy.edit": .actPolicyEdit, "policy.discard": .actPolicyDiscard,
            "policy.rebase": .actPolicyRebase, "policy.live": .actPolicyLive, "policy.found": .actPolicyFound,
            "arbitration.begin": .actArbitrationBegin, "arbitration.solve": .actArbitrationSolve,
            "arbitration.adopt": .actArbitrationAdopt, "arbitration.withdraw": .actArbitrationWithdraw,
            "arbitration.settle": .actArbitrationSettle,
            "load": .actLoad, "load.rollback": .actRollback, "subscriber.unmask": .actUnmask, "list.add": .registerDND,
            "list.remove": .actListRemove, "subscriber.serve": .actServe,
            "list.import": .importFile, "list.settings": .listSettings, "subscriber.look_up": .findNumber,
            "staff.create": .newStaff,
            "export": .exportCSV, "request.raise": .raiseRequest, "request.take": .didTake,
            "request.release": .didRelease, "request.ask": .didAsk, "request.reply": .didReply,
            "request.answer": .didAnswer, "request.accept": .didAccept, "request.reopen": .didReopen,
            "request.cancel": .didCancel,
        ]
        return names[code].map { t($0) } ?? code
    }
}
