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
            guard frame.parameter("tab") != "audit", try context.user().may(.manageStaff) else {
                return StaffPage(contents: .audit(try await platform.store.audit(query.list)), query: query).page(frame)
            }
            return try await staffList(frame).page(frame)
        }
        export("/staff.csv", .manageStaff, columns: StaffPage.staffColumns) { frame, _ in
            try await everything(TableQuery(frame)) { try await platform.store.staff($0) }
        }
        export("/audit.csv", .viewAudit, columns: StaffPage.auditColumns) { frame, _ in
            try await everything(TableQuery(frame)) { try await platform.store.audit($0) }
        }
        page("/staff/new", .manageStaff) { frame, _, _ in StaffFormPage().page(frame) }
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
            do {
                let password = try await site.accounts.add(staff, by: try context.user().login)
                return try await shown(StaffPage.NewPassword(login: staff.login, password: password), frame)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                page.errors["login"] = error.code == "control.invalid" ? frame.t(.wrongLogin) : frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
        form("/staff/{login}/password", .manageStaff) { _, frame, context in
            let staff = try await member(context)
            guard
                let password = try await site.accounts.update(
                    staff,
                    renewingPassword: true,
                    by: try context.user().login
                )
            else { return .next("/staff", .staff) }
            return try await shown(StaffPage.NewPassword(login: staff.login, password: password), frame)
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
        return staff
    }

    private func staffList(_ frame: Frame) async throws -> StaffPage {
        let query = TableQuery(frame)
        return StaffPage(contents: .staff(try await platform.store.staff(query.list)), query: query)
    }

    /// The list with a password above it, shown this once.
    private func shown(_ made: StaffPage.NewPassword, _ frame: Frame) async throws -> FormAnswer {
        var frame = frame
        frame.path = "/staff"
        var page = try await staffList(frame)
        page.newPassword = made
        return .page(page.page(frame), Notice(isError: false, text: frame.t(.doneStaff)))
    }
}
