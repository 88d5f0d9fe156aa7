// API: staff and the audit log.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
import Model
import Ports

extension Site {
    private struct NewStaff: Decodable {
        var login: String
        var name: String
        var role: Role
        var scope: OrganisationScope?
    }

    private struct StaffChange: Decodable {
        var name: String?
        var role: Role?
        var scope: OrganisationScope?
        var isActive: Bool?
        var renewPassword: Bool?
    }

    private struct StaffAnswer: Encodable {
        var staff: Staff
        /// Shown once.
        var password: String?
    }

    static let staffColumns: [CSVColumn<Staff>] = [
        CSVColumn("登录名", "Sign-in name") { $0.login },
        CSVColumn("姓名", "Name") { $0.name },
        CSVColumn("角色", "Role") { $0.role.rawValue },
        CSVColumn("省", "Province") { $0.scope.province ?? "" },
        CSVColumn("市", "City") { $0.scope.city ?? "" },
        CSVColumn("县", "County") { $0.scope.county ?? "" },
        CSVColumn("启用", "Active") { $0.isActive ? "1" : "0" },
    ]

    static let auditColumns: [CSVColumn<AuditEntry>] = [
        CSVColumn("时间", "Time") { $0.at.iso },
        CSVColumn("操作人", "Who") { $0.who },
        CSVColumn("操作", "Action") { $0.action },
        CSVColumn("对象", "Object") { $0.object },
        CSVColumn("说明", "Detail") { $0.detail },
    ]

    func addStaffRoutes() {
        get("\(Self.api)/staff", .manageStaff) { [self] request, context in
            let staff = try context.user()
            return try await list(
                request,
                context,
                name: "staff",
                order: StaffColumn.self,
                columns: Self.staffColumns,
                form: { $0 },
                page: { try await self.staff($0, in: staff.scope) }
            )
        }
        post("\(Self.api)/staff", .manageStaff) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(NewStaff.self, context)
                let user = try context.user()
                let scope = input.scope ?? user.scope
                let new = Staff(login: input.login, name: input.name, role: input.role, scope: scope)
                try checkScope(new.scope, of: new.login, for: user)
                let password = try await accounts.add(new, by: user.login)
                return try Response.json(StaffAnswer(staff: new, password: password), status: .created)
            }
        }
        on(.put, "\(Self.api)/staff/{login}", .manageStaff) { [self] request, context in
            let user = try context.user()
            let login = context.parameters.get("login") ?? ""
            guard var person = try await platform.store.staff(login: login)?.staff else {
                throw EdgeError.notFound("staff \(login.prefix(64))")
            }
            try checkScope(person.scope, of: login, for: user)
            let input = try await request.json(StaffChange.self, context)
            person.name = input.name ?? person.name
            person.role = input.role ?? person.role
            person.scope = input.scope ?? person.scope
            person.isActive = input.isActive ?? person.isActive
            try checkScope(person.scope, of: login, for: user)
            let password = try await accounts.update(
                person,
                renewingPassword: input.renewPassword ?? false,
                by: user.login
            )
            return try Response.json(StaffAnswer(staff: person, password: password))
        }
        get("\(Self.api)/audit", .viewAudit) { [self] request, context in
            let scope = try context.user().scope
            return try await list(
                request,
                context,
                name: "audit",
                order: AuditColumn.self,
                columns: Self.auditColumns,
                form: JSONObject.init
            ) { try await self.audit($0, in: scope) }
        }
    }
}
