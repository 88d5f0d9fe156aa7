// Drafts and revisions of the contact policy in SQLite.
// SPDX-License-Identifier: Apache-2.0

import GRDB
import Kernel
public import Model
public import Ports

extension SQLiteControlPlane {
    public func policyDraft(_ id: Int64) async throws -> PolicyDraft? {
        try await read { try Self.policyDraft(id, $0) }
    }

    public func policyDrafts(
        _ query: ListQuery,
        states: Set<PolicyDraftState>
    ) async throws
        -> Page<PolicyDraft>
    {
        var list = ListStatement("*", from: "policy_draft")
        let names = states.map(\.rawValue).sorted()
        let places = names.map { _ in "?" }.joined(separator: ", ")
        list.keep("state IN (\(places))", StatementArguments(names))
        list.keep(query.search, in: ["author", "note"])
        let order = query.order(by: PolicyDraftColumn.self)
        let column =
            switch order.column {
            case .number: "id"
            case .author: "author"
            case .note: "note"
            case .updated: "updated_ms"
            }
        return try await read { [list] db in
            try list.page(db, query, by: column, isDescending: order.isDescending, number: "id", Self.policyDraft)
        }
    }

    public func save(_ draft: PolicyDraft, audit: AuditEntry) async throws -> PolicyDraft {
        try await change(audit) { db in
            let stored = draft.version == 0 ? nil : try Self.policyDraft(draft.id, db)
            if draft.version > 0 {
                guard let stored else { throw ControlPlaneError.notFound(object: "policy-draft/\(draft.id)") }
                guard stored.version == draft.version else {
                    throw ControlPlaneError.stale(object: "policy-draft/\(draft.id)", expectedVersion: draft.version)
                }
            }
            try ControlPlaneChecks.check(draft, replacing: stored)
            var saved = draft
            saved.version += 1
            let values: StatementArguments = [
                saved.version, saved.base, saved.author, saved.note, saved.state.rawValue,
                try canonicalJSON(saved.policy), saved.createdAt.epochMs, saved.updatedAt.epochMs,
            ]
            if stored == nil {
                try db.execute(
                    sql: """
                        INSERT INTO policy_draft (version, base, author, note, state, policy, created_ms, updated_ms)
                        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                        """,
                    arguments: values
                )
                saved.id = db.lastInsertedRowID
            } else {
                try db.execute(
                    sql: """
                        UPDATE policy_draft SET version = ?, base = ?, author = ?, note = ?, state = ?, policy = ?,
                            created_ms = ?, updated_ms = ?
                        WHERE id = ?
                        """,
                    arguments: values + [saved.id]
                )
            }
            return saved
        }
    }

    public func record(_ revision: PolicyRevision, audit: AuditEntry) async throws {
        try await change(audit) { db in
            let sql = "SELECT 1 FROM policy_revision WHERE number = ?"
            guard try Int.fetchOne(db, sql: sql, arguments: [revision.number]) == nil else {
                throw ControlPlaneError.nameTaken(object: "policy", name: "\(revision.number)")
            }
            let draft = try revision.draft.flatMap { try Self.policyDraft($0, db) }
            if let id = revision.draft, draft == nil { throw ControlPlaneError.notFound(object: "policy-draft/\(id)") }
            try ControlPlaneChecks.check(revision, from: draft)
            if let draft {
                try db.execute(
                    sql: "UPDATE policy_draft SET state = 'live', version = version + 1, updated_ms = ? WHERE id = ?",
                    arguments: [revision.at.epochMs, draft.id]
                )
            }
            try db.execute(
                sql: "INSERT INTO policy_revision (number, at_ms, who, note, draft, policy) VALUES (?, ?, ?, ?, ?, ?)",
                arguments: [
                    revision.number, revision.at.epochMs, revision.who, revision.note, revision.draft,
                    try canonicalJSON(revision.policy),
                ]
            )
        }
    }

    public func policyRevision(_ number: Int) async throws -> PolicyRevision? {
        try await read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM policy_revision WHERE number = ?", arguments: [number])
                .map(Self.policyRevision)
        }
    }

    public func policyRevisions(_ query: ListQuery) async throws -> Page<PolicyRevision> {
        var list = ListStatement("*", from: "policy_revision")
        list.keep(query.search, in: ["who", "note"])
        let order = query.order(by: PolicyRevisionColumn.self)
        let column =
            switch order.column {
            case .number: "number"
            case .at: "at_ms"
            case .who: "who"
            case .note: "note"
            }
        return try await read { [list] db in
            try list.page(
                db,
                query,
                by: column,
                isDescending: order.isDescending,
                number: "number",
                Self.policyRevision
            )
        }
    }

    private static func policyDraft(_ id: Int64, _ db: Database) throws -> PolicyDraft? {
        try Row.fetchOne(db, sql: "SELECT * FROM policy_draft WHERE id = ?", arguments: [id]).map(policyDraft)
    }

    private static func policyDraft(_ row: Row) throws -> PolicyDraft {
        let id: Int64 = try row.value("id")
        var draft = PolicyDraft(
            base: try row.value("base"),
            policy: try row.json("policy", of: "policy-draft/\(id)"),
            author: try row.value("author"),
            note: try row.value("note"),
            at: try row.instant("created_ms")
        )
        draft.id = id
        draft.version = try row.value("version")
        draft.state = try row.name("state", of: "policy-draft/\(id)")
        draft.updatedAt = try row.instant("updated_ms")
        return draft
    }

    private static func policyRevision(_ row: Row) throws -> PolicyRevision {
        let number: Int = try row.value("number")
        return PolicyRevision(
            at: try row.instant("at_ms"),
            who: try row.value("who"),
            note: try row.value("note"),
            draft: try row.optional("draft"),
            policy: try row.json("policy", of: "policy/\(number)")
        )
    }
}
