// 免打扰名单: settings of each list, and the folder of other systems.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addListUpkeep() {
        page("/lists/settings/{code}", .manageStaff) { frame, _, context in
            try await settings(context).page(frame)
        }
        form("/lists/settings/{code}", .manageStaff) { body, frame, context in
            var page = try await settings(context)
            page.fill(body)
            let days = page.everyDays.isEmpty ? nil : Int(page.everyDays) ?? 0
            do {
                _ = try await site.lists.say(
                    ListSetting(
                        list: page.list.code,
                        roles: Set(page.roles.compactMap { Role(rawValue: $0) }),
                        logins: Set(
                            page.logins.split { $0.isWhitespace || $0 == "," || $0 == "，" }.map(String.init)
                                + body.all("program")
                        ),
                        everyDays: days,
                        rule: page.rule.isEmpty ? nil : page.rule,
                        reason: page.reason,
                        who: try context.user().login,
                        at: frame.now.instant,
                        version: page.version
                    ),
                    by: try context.user(),
                    at: frame.now.instant
                )
                return .next("/lists", .saved)
            } catch let error as SpecialListError {
                page.errors[error.field] = frame.problem(error)
                return .page(page.page(frame), nil)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
        }
        addInbox()
    }

    private func settings(_ context: EdgeContext) async throws -> ListSettingsPage {
        let code = String((context.parameters.get("code") ?? "").prefix(64))
        guard ListID.standardCodes.contains(code), try context.user().scope == .all else {
            throw EdgeError.notFound("list \(code)")
        }
        return ListSettingsPage(ListID(code), try await site.lists.setting(of: code), policy: try await policy())
    }

    // MARK: Inbox

    private func addInbox() {
        page("/lists/inbox", .editLists) { frame, _, context in
            let query = TableQuery(frame)
            let found = query.page(of: try inboxFiles(context), InboxPage.columns(frame))
            let rows = try found.rows.map { try inboxRow($0.file, frame) }
            return InboxPage(files: Page(rows: rows, total: found.total), query: query).page(frame)
        }
        export("/lists/inbox.csv", .editLists, columns: InboxPage.columns) { frame, context in
            try TableQuery(frame).page(of: inboxFiles(context), InboxPage.columns(frame), isWhole: true).rows
                .map { try inboxRow($0.file, frame) }
        }
        page("/lists/inbox/report", .editLists) { frame, _, context in
            let (file, done) = try inboxReport(frame, context)
            let list = platform.listInbox.list(of: file)
            return InboxReportPage(file: file, list: list, done: done, policy: try await policy()).page(frame)
        }
        export("/lists/inbox/rejects.csv", .editLists) { frame, context in
            let rejects = try inboxReport(frame, context).1.report.rejects
            let columns = ListsPage.rejectColumns(frame)
            return csv(columns, TableQuery(frame, prefix: "r.").page(of: rejects, columns, isWhole: true).rows)
        }
    }

    /// All files, for those who see the whole operator.
    private func inboxFiles(_ context: EdgeContext) throws -> [InboxRow] {
        guard InboxPage.isSeen(by: try context.user()) else { throw EdgeError.notFound("inbox") }
        return try platform.listInbox.files().map { InboxRow(file: $0, list: platform.listInbox.list(of: $0)) }
    }

    /// A file with what became of it.
    private func inboxRow(_ file: InboxFile, _ frame: Frame) throws -> InboxRow {
        let refusal = try platform.listInbox.refusal(of: file)
        let text = refusal.map { said in Frame.texts[said.code].map { frame.t($0) } ?? "\(said.code): \(said.text)" }
        let done = try platform.listInbox.report(of: file)
        return InboxRow(file: file, list: platform.listInbox.list(of: file), done: done, problem: text)
    }

    /// The report an address asks for.
    private func inboxReport(_ frame: Frame, _ context: EdgeContext) throws -> (InboxFile, ListImport) {
        let key = frame.parameter("file")
        guard let file = try inboxFiles(context).map(\.file).first(where: { $0.standing == .taken && $0.key == key }),
            let done = try platform.listInbox.report(of: file)
        else { throw EdgeError.notFound("file") }
        return (file, done)
    }
}

extension SpecialListError {
    /// The field of the settings it belongs to.
    fileprivate var field: String {
        switch self {
        case .badFrequency: "everyDays"
        case .unknownLogin: "logins"
        case .badRule: "rule"
        default: "reason"
        }
    }
}
