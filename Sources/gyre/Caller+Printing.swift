// What commands print besides lines: tables, and what is wrong with texts that people wrote.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

extension Caller {
    /// Writes rows of cells, each column as wide as a terminal shows it; the first row is the headings.
    func print(table rows: [[String]]) {
        // A text that somebody typed stays in its cell.
        let rows = rows.map { row in row.map { String($0.map { $0.isNewline || $0 == "\t" ? " " : $0 }) } }
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.map { column < $0.count ? $0[column].columns : 0 }.max() ?? 0
        }
        for row in rows {
            let cells = zip(row, widths).enumerated().map { place, cell in
                place == row.count - 1 ? cell.0 : cell.0 + String(repeating: " ", count: cell.1 - cell.0.columns)
            }
            print(cells.joined(separator: "  "))
        }
    }

    /// Does something with rules, queries or definitions that people wrote; of what is wrong it says where.
    ///
    /// `text`: The text of a part of a definition, such as `from.rule`; of a rule alone the part is empty.
    func pointing<Result>(
        into text: (_ part: String) -> String?,
        _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch let error as RuleError {
            note(report(error, on: text("")))
        } catch PlanningError.badRule(let part, let error) {
            note("\(part): " + report(error, on: text(part)))
        } catch PlanningError.badDefinition(let part, let why) {
            note("gyre: \(part): \(language(why))")
        } catch CatalogueError.badExpression(let attribute, let error) {
            note("\(attribute): " + report(error, on: text(attribute)))
        } catch let error as OwnQueryError {
            note("gyre: " + place(of: error, in: text("from.sql") ?? "") + language(error.message))
        }
        throw ExitCode(1)
    }

    private func report(_ error: RuleError, on text: String?) -> String {
        let key = language == .zh ? \BilingualText.zh : \.en
        guard let text else {
            return language(
                "第 \(error.start.line) 行第 \(error.start.column) 列：",
                "line \(error.start.line), column \(error.start.column): "
            ) + language(error.message)
        }
        return error.report(on: text, language: key)
    }

    private func place(of error: OwnQueryError, in text: String) -> String {
        guard let range = error.range else { return "" }
        let before = String(decoding: Array(text.utf16).prefix(range.lowerBound), as: UTF16.self)
        let lines = before.split(separator: "\n", omittingEmptySubsequences: false)
        let (line, column) = (lines.count, (lines.last?.count ?? 0) + 1)
        return language("第 \(line) 行第 \(column) 列：", "line \(line), column \(column): ")
    }
}
