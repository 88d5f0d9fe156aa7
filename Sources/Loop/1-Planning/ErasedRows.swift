// The rows of erased subscribers in the Parquet files of all loads, those of earlier loads included.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Ports

/// Finds and destroys what loads say of some subscribers.
///
/// Each file that says something of them is written anew in its place; the others stay as they are.
struct ErasedRows: Sendable {
    let folders: LoadFolders
    let subscribers: [UInt32]

    /// What somebody is known by outside.
    struct Identities: Sendable {
        var lines: Set<Int64> = []
        var mentions = Mentions([])
    }

    private static let identities = ["line_id", "msisdn", "imsi", "customer_id", "account_id"]

    private var warehouse: any WarehouseEngine { folders.warehouse }
    private var dialect: SQLDialect { folders.dialect }
    private var indices: String { "(\(subscribers.map { "\($0)" }.joined(separator: ", ")))" }

    /// What the loads that are still whole know them by.
    func identities() async throws -> Identities {
        var found = Identities()
        var words: Set<String> = []
        for file in try files(of: "subscriber") {
            let names = try await columns(of: file).filter { Self.identities.contains($0) || $0 == "number" }
            guard !names.isEmpty else { continue }
            let sql = "SELECT \(dialect.columnList(names)) FROM \(dialect.parquet(file)) WHERE idx IN \(indices)"
            let rows = try await warehouse.rows(SQLText(sql, dialect: dialect), limit: subscribers.count * 1_000)
            for (name, value) in rows.lazy.flatMap({ zip(names, $0) }) {
                switch value {
                case .integer(let number):
                    words.insert(String(number))
                    if name == "line_id" { found.lines.insert(number) }
                    if ["msisdn", "number"].contains(name) { words.insert(MSISDN(number).national) }
                case .text(let text): words.insert(text)
                default: break
                }
            }
        }
        found.mentions = Mentions(words.map { $0.hasPrefix("+") ? String($0.dropFirst()) : $0 })
        return found
    }

    /// Removes the rows of lines from all tables but `subscriber`.
    func removeFacts(ofLines lines: Set<Int64>) async throws {
        guard !lines.isEmpty else { return }
        let condition = "line_id IN (\(lines.sorted().map { "\($0)" }.joined(separator: ", ")))"
        for table in try tables() where table != "subscriber" {
            for file in try files(of: table) where try await columns(of: file).contains("line_id") {
                try await rewrite(
                    file,
                    where: condition,
                    as: "SELECT * FROM",
                    keeping: "NOT coalesce(\(condition), FALSE)"
                )
            }
        }
    }

    /// Makes every value of them NULL in table `subscriber`, where the row keeps its index, and removes their numbers.
    func removeValues() async throws {
        for file in try files(of: "subscriber") {
            let columns = try await columns(of: file)
            if columns.contains("number") {
                let condition = "idx IN \(indices)"
                try await rewrite(file, where: condition, as: "SELECT * FROM", keeping: "NOT (\(condition))")
                continue
            }
            let own = columns.filter { $0 != "idx" }.map { dialect.quoted(identifier: $0) }
            let cleared = own.map { "CASE WHEN idx IN \(indices) THEN NULL ELSE \($0) END AS \($0)" }
            let isThere = own.map { "\($0) IS NOT NULL" }.joined(separator: " OR ")
            try await rewrite(
                file,
                where: "idx IN \(indices) AND (\(isThere))",
                as: "SELECT idx, \(cleared.joined(separator: ", ")) FROM",
                keeping: nil
            )
        }
    }

    /// Writes a file anew when it has rows of a kind.
    private func rewrite(
        _ file: String,
        where condition: String,
        as select: String,
        keeping kept: String?
    ) async throws {
        let rows = dialect.parquet(file)
        let count = "SELECT CAST(count(*) AS BIGINT) FROM \(rows) WHERE \(condition)"
        guard try await (warehouse.integer(SQLText(count, dialect: dialect)) ?? 0) > 0 else { return }
        let sql = "\(select) \(rows)" + (kept.map { " WHERE \($0)" } ?? "")
        try await warehouse.exportParquet(SQLText(sql, dialect: dialect), to: file)
    }

    private func columns(of file: String) async throws -> [String] {
        try await warehouse.rows(dialect.parquetColumns(file)).compactMap { row in
            if case .text(let name)? = row.first { name } else { nil }
        }
    }

    // MARK: Files

    private func tables() throws -> [String] {
        guard FileManager.default.fileExists(atPath: folders.root) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folders.root).sorted()
    }

    /// Every Parquet file of a table, also of loads that are not listed; what stands in sub-folders comes first.
    private func files(of table: String) throws -> [String] {
        let folder = folders.path(table)
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".parquet") }
            .sorted { ($0.contains("/numbers/") ? 0 : 1, $0) < ($1.contains("/numbers/") ? 0 : 1, $1) }
            .map { "\(folder)/\($0)" }
    }
}
