// The upkeep of special lists in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
import Ports

extension SQLiteControlPlane {
    public func listSettings() async throws -> [ListSetting] {
        try await read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM list_setting ORDER BY list").map { try Self.listSetting($0) }
        }
    }

    public func save(_ setting: ListSetting, audit: AuditEntry) async throws -> ListSetting {
        try ControlPlaneChecks.check(setting)
        return try await change(audit) { db in
            let sql = "SELECT version FROM list_setting WHERE list = ?"
            let stored = try Int.fetchOne(db, sql: sql, arguments: [setting.list]) ?? 0
            guard stored == setting.version else {
                throw ControlPlaneError.stale(
                    object: "settings of list \(setting.list)",
                    expectedVersion: setting.version
                )
            }
            var saved = setting
            saved.version += 1
            try db.execute(
                sql: """
                    INSERT INTO list_setting (list, roles, logins, every_days, reason, who, at_ms, version, rule)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                    ON CONFLICT (list) DO UPDATE SET roles = ?2, logins = ?3, every_days = ?4, reason = ?5, who = ?6,
                        at_ms = ?7, version = ?8, rule = ?9
                    """,
                arguments: [
                    saved.list, try canonicalJSON(saved.roles.map(\.rawValue).sorted()),
                    try canonicalJSON(saved.logins.sorted()), saved.everyDays, saved.reason, saved.who,
                    saved.at.epochMs, saved.version, saved.rule,
                ]
            )
            return saved
        }
    }

    public func lastListUpdate(of object: String) async throws -> AuditEntry? {
        // The condition is word for word that of the index.
        let names = ControlPlaneChecks.listUpdates.map { "'\($0)'" }.joined(separator: ", ")
        let sql = """
            SELECT * FROM audit WHERE object = ? AND action IN (\(names)) ORDER BY at_ms DESC, id DESC LIMIT 1
            """
        return try await read { db in
            try Row.fetchOne(db, sql: sql, arguments: [object]).map(Self.auditEntry)
        }
    }

    private static func listSetting(_ row: Row) throws -> ListSetting {
        let list: String = try row.value("list")
        let object = "settings of list \(list)"
        let (roles, logins): ([Role], [String]) = (
            try row.json("roles", of: object), try row.json("logins", of: object)
        )
        return ListSetting(
            list: list,
            roles: Set(roles),
            logins: Set(logins),
            everyDays: try row.optional("every_days"),
            rule: try row.optional("rule"),
            reason: try row.value("reason"),
            who: try row.value("who"),
            at: try row.instant("at_ms"),
            version: try row.value("version")
        )
    }
}
