// Segments by a query of one's own (自定义SQL, SEG-04): what it may read, and whom it names.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Ports
import Rules

extension Segments {
    /// Columns of `subscriber` beside the attributes; numbers and names of persons are not among them.
    private static let identities = ["idx", "line_id", "customer_id", "account_id"]

    /// Checks a query without running it.
    ///
    /// - Throws: `OwnQueryError` that points at the character where one is known.
    func check(sql text: String) async throws {
        // What may be read does not depend on the day.
        try await sandbox.check(try await ownQuery(text, today: LocalDay(number: 0)))
    }

    /// The subscribers that a query names.
    func members(sql text: String, today: LocalDay) async throws -> Bitset {
        let query = try await ownQuery(text, today: today)
        let subscribers = try await host.read { $0.subscribers }
        return try await sandbox.subscribers(of: query, into: Bitset(universe: subscribers)) { members, indices in
            for index in indices {
                guard (0..<Int64(subscribers)).contains(index) else { throw OwnQueryError(.nobody(index)) }
                members.insert(UInt32(index))
            }
        }
    }

    private func ownQuery(_ text: String, today: LocalDay) async throws -> OwnQuery {
        let dialect = sandbox.dialect
        let known = Set(try await catalogue().attributes.filter { $0.expression == nil }.map(\.code)).union(
            Self.identities
        )
        let loaded = try await LoadFolders(warehouse: warehouse, root: "").columns("subscriber").map(\.name)
        let derived = try await derivedSQL(dialect, today: today).map {
            ", \($0.sql.text) AS \(dialect.quoted(identifier: $0.attribute.code))"
        }
        let columns = dialect.columnList(loaded.filter { known.contains($0) }) + derived.joined()
        let relations =
            [
                OwnRelation("subscriber", "SELECT \(columns) FROM \(sandbox.view("subscriber"))"),
                OwnRelation("today", "SELECT DATE \(dialect.quoted(literal: today.iso)) AS \"day\""),
            ] + (try await EventSources(warehouse).relations(in: sandbox, today: today))
        return OwnQuery(
            text,
            relations: relations,
            lines: "SELECT line_id, idx FROM \(sandbox.view("line"))",
            views: ["subscriber", "line"] + Set(EventSource.standard.flatMap(\.tables)).sorted()
        )
    }
}
