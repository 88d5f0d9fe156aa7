// Staff and their sessions in SQLite.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
public import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func staff(login: String) async throws -> (staff: Staff, password: PasswordHash)? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM staff WHERE login = ?", arguments: [login]).map {
                (try Self.staff($0), PasswordHash(text: try $0.value("password")))
            }
        }
    }

    public func staff(_ query: ListQuery) async throws -> Page<Staff> {
        var list = ListStatement("*", from: "staff")
        list.keep(query.search, in: ["login", "name"])
        let order = query.order(by: StaffColumn.self)
        let column =
            switch order.column {
            case .login: "login"
            case .name: "name"
            case .role: "role"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "login", Self.staff)
        }
    }

    public func add(_ staff: Staff, password: PasswordHash, audit: AuditEntry) async throws {
        try ControlPlaneChecks.check(staff)
        try await change(audit) { db in
            guard try !Self.exists(staff.login, db) else {
                throw ControlPlaneError.nameTaken(object: "staff", name: staff.login)
            }
            try db.execute(
                sql: """
                    INSERT INTO staff (name, role, province, city, county, is_active, password, login)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: Self.values(staff) + [password.text, staff.login]
            )
        }
    }

    public func update(_ staff: Staff, password: PasswordHash?, audit: AuditEntry) async throws {
        try ControlPlaneChecks.check(staff)
        try await change(audit) { db in
            try db.execute(
                sql: """
                    UPDATE staff SET name = ?, role = ?, province = ?, city = ?, county = ?, is_active = ?,
                        password = coalesce(?, password)
                    WHERE login = ?
                    """,
                arguments: Self.values(staff) + [password?.text, staff.login]
            )
            guard db.changesCount == 1 else { throw ControlPlaneError.notFound(object: "staff/\(staff.login)") }
            if password != nil {
                try db.execute(sql: "DELETE FROM session WHERE login = ?", arguments: [staff.login])
            }
        }
    }

    public func openSession(tokenHash: ContentHash, login: String, at now: Instant, expires: Instant) async throws {
        try await change(nil) { db in
            guard try Self.exists(login, db) else { throw ControlPlaneError.notFound(object: "staff/\(login)") }
            try db.execute(sql: "DELETE FROM session WHERE expires_ms <= ?", arguments: [now.epochMs])
            try db.execute(
                sql: "INSERT INTO session (token, login, expires_ms) VALUES (?, ?, ?) ON CONFLICT (token) DO NOTHING",
                arguments: [Data(tokenHash.bytes), login, expires.epochMs]
            )
            guard db.changesCount == 1 else {
                throw ControlPlaneError.invalid(object: "session of \(login)", reason: "its token is in use")
            }
        }
    }

    public func session(tokenHash: ContentHash, at now: Instant) async throws -> Staff? {
        try await read { db in
            let sql = """
                SELECT staff.* FROM session JOIN staff USING (login)
                WHERE token = ? AND expires_ms > ? AND is_active = 1
                """
            return try Row.fetchOne(db, sql: sql, arguments: [Data(tokenHash.bytes), now.epochMs]).map(Self.staff)
        }
    }

    public func closeSession(tokenHash: ContentHash) async throws {
        try await change(nil) { db in
            try db.execute(sql: "DELETE FROM session WHERE token = ?", arguments: [Data(tokenHash.bytes)])
        }
    }

    private static func exists(_ login: String, _ db: Database) throws -> Bool {
        try Row.fetchOne(db, sql: "SELECT 1 FROM staff WHERE login = ?", arguments: [login]) != nil
    }

    private static func values(_ staff: Staff) -> StatementArguments {
        let scope = staff.scope
        return [staff.name, staff.role.rawValue, scope.province, scope.city, scope.county, staff.isActive]
    }

    private static func staff(_ row: Row) throws -> Staff {
        let login: String = try row.value("login")
        return Staff(
            login: login,
            name: try row.value("name"),
            role: try row.name("role", of: "staff/\(login)"),
            scope: try row.scope(),
            isActive: try row.value("is_active")
        )
    }
}
