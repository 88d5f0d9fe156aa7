// 员工与操作日志.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Ports
import Texts

extension Console {
    func addStaff() {
        page("/staff", .viewAudit) { frame, _, context in
            let query = TableQuery(frame)
            let user = try context.user()
            guard frame.parameter("tab") != "audit", user.may(.manageStaff) else {
                let entries = try await site.audit(query.list, in: user.scope)
                return StaffPage(contents: .audit(entries), query: query).page(frame)
            }
            return try await staffList(frame, for: user).page(frame)
        }
        export("/staff.csv", .manageStaff, columns: StaffPage.staffColumns) { frame, context in
            let scope = try context.user().scope
            return try await everything(TableQuery(frame)) { try await site.staff($0, in: scope) }
        }
        export("/audit.csv", .viewAudit, columns: StaffPage.auditColumns) { frame, context in
            let scope = try context.user().scope
            return try await everything(TableQuery(frame)) { try await site.audit($0, in: scope) }
        }
        page("/staff/new", .manageStaff) { frame, _, context in
            // Whoever is added works inside the administrator's own part of the organisation.
            let scope = try context.user().scope
            let values = [("province", scope.province), ("city", scope.city), ("county", scope.county)]
            return StaffFormPage(values: Dictionary(uniqueKeysWithValues: values.map { ($0, $1 ?? "") })).page(frame)
        }
        form("/staff", .manageStaff) { body, frame, context in
            let values = Dictionary(body.fields.map { ($0.name, $0.value.trimmingCharacters(in: .whitespaces)) }) { $1 }
            var page = StaffFormPage(values: values)
            for name in ["login", "name"] where body.trimmed(name).isEmpty { page.errors[name] = frame.t(.required) }
            guard page.errors.isEmpty, let role = Role(rawValue: body["role"]) else {
                return .page(page.page(frame), nil)
            }
            func part(_ name: String) -> String? { body.trimmed(name).isEmpty ? nil : body.trimmed(name) }
            let staff = Staff(
                login: body.trimmed("login").lowercased(),
                name: body.trimmed("name"),
                role: role,
                scope: OrganisationScope(province: part("province"), city: part("city"), county: part("county"))
            )
            let user = try context.user()
            guard user.scope.covers(staff.scope) else {
                page.errors["province"] = frame.t(.scopeTooWide, frame.scope(user.scope))
                return .page(page.page(frame), nil)
            }
            do {
                let password = try await site.accounts.add(staff, by: user.login)
                return try await shown(StaffPage.NewPassword(login: staff.login, password: password), frame, for: user)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                page.errors["login"] = error.code == "control.invalid" ? frame.t(.wrongLogin) : frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
        form("/staff/{login}/password", .manageStaff) { _, frame, context in
            let (staff, user) = (try await member(context), try context.user())
            guard let password = try await site.accounts.update(staff, renewingPassword: true, by: user.login)
            else { return .next("/staff", .staff) }
            return try await shown(StaffPage.NewPassword(login: staff.login, password: password), frame, for: user)
        }
        for (name, isActive) in [("deactivate", false), ("activate", true)] {
            form("/staff/{login}/\(name)", .manageStaff) { _, _, context in
                var staff = try await member(context)
                let me = try context.user().login
                guard staff.login != me else { throw EdgeError.badRequest(field: "login", why: "is your own") }
                staff.isActive = isActive
                _ = try await site.accounts.update(staff, renewingPassword: false, by: me)
                return .next("/staff", .staff)
            }
        }
    }

    private func member(_ context: EdgeContext) async throws -> Staff {
        let login = context.parameters.get("login")?.removingPercentEncoding ?? ""
        guard let staff = try await platform.store.staff(login: login)?.staff else { throw EdgeError.notFound("staff") }
        try site.checkScope(staff.scope, of: login, for: try context.user())
        return staff
    }

    private func staffList(_ frame: Frame, for user: Staff) async throws -> StaffPage {
        let query = TableQuery(frame)
        return StaffPage(contents: .staff(try await site.staff(query.list, in: user.scope)), query: query)
    }

    /// The list with a password above it, shown this once.
    private func shown(_ made: StaffPage.NewPassword, _ frame: Frame, for user: Staff) async throws -> FormAnswer {
        var frame = frame
        frame.path = "/staff"
        var page = try await staffList(frame, for: user)
        page.newPassword = made
        return .page(page.page(frame), Notice(isError: false, text: frame.t(.doneStaff)))
    }
}
