// What docs/rules.md shows is what the language does: every example of it is read, checked and evaluated.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import RuleSupport
import Rules
import Testing

@Suite struct RuleDocumentTests {
    private static let document: String = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (try? String(contentsOf: root.appending(path: "docs/rules.md"), encoding: .utf8)) ?? ""
    }()

    /// The lines of all blocks of a kind.
    private static func lines(_ kind: String) -> [String] {
        blocks(kind).flatMap { $0.split(separator: "\n").map(String.init) }
    }

    private static func blocks(_ kind: String) -> [String] {
        document.components(separatedBy: "\n```\(kind)\n").dropFirst().map { $0.components(separatedBy: "\n```")[0] }
    }

    /// The attributes and names of the document.
    private static let scope: RuleScope = {
        var scope = RuleWorld.scope
        scope.lists.insert("dnd_03")
        scope.sources = EventSource.standard.map { source in
            guard source.name == "subscriber_month" else { return source }
            var source = source
            let typed = [("fee_total", AttributeType.decimal(scale: 2)), ("data_mb", .integer)].map { code, type in
                Attribute(code: code, name: BilingualText(zh: code, en: code), type: type, group: "")
            }
            source.columns = AttributeCatalogue(groups: [], attributes: source.columns.attributes + typed)
            return source
        }
        return scope
    }()

    @Test func `the document has examples of every kind`() {
        #expect(Self.lines("rule").count >= 20 && Self.lines("true").count >= 6 && Self.lines("wrong").count >= 15)
        #expect(Self.lines("score").count >= 2 && Self.blocks("json").count == 1)
        let kinds = Set(Self.document.split(separator: "\n").filter { $0.hasPrefix("```") && $0 != "```" })
        #expect(kinds == ["```rule", "```true", "```wrong", "```score", "```json"], "a block that no test reads")
    }

    @Test(arguments: lines("rule"))
    func `a rule of the document is accepted`(rule: String) throws {
        let checked = try Self.scope.check(rule)
        #expect(!checked.sql(.duckdb, today: LocalDay(number: 20_778)).text.isEmpty)
        #expect(try RuleSyntax(parsing: checked.syntax.canonicalText).root == checked.syntax.root)
    }

    @Test(arguments: lines("true"))
    func `what the document says is true is true`(rule: String) throws {
        var random = SeededRandom(seed: 1)
        let table = RuleTable(rows: 1, random: &random)
        var interpreter = RowInterpreter(table)
        let checked = try Self.scope.check(rule)
        #expect(interpreter.members(checked.syntax.root) == [0])
    }

    @Test(arguments: lines("score"))
    func `a score of the document is accepted`(score: String) throws {
        _ = try Self.scope.checkScore(score)
    }

    @Test(arguments: lines("wrong"))
    func `what the document calls wrong is refused with its code`(line: String) throws {
        let code = try #require(line.split(separator: " ").last)
        let rule = line.dropLast(code.count).trimmingCharacters(in: .whitespaces)
        let error = try #require(throws: RuleError.self) { try Self.scope.check(rule) }
        #expect(error.code == code)
    }

    @Test func `the tree of the document is that of its text`() throws {
        let json = try #require(Self.blocks("json").first)
        let syntax = try JSONDecoder().decode(RuleSyntax.self, from: Data(json.utf8))
        #expect(syntax.text == "count(contact, channel = 'sms', within 90 days) >= 2")
        _ = try Self.scope.check(syntax)
    }

    @Test func `the document names every limit, function and column there is`() {
        let limits = [RuleLimits.length, RuleLimits.depth, RuleLimits.interval].map {
            $0.formatted(.number.locale(Locale(identifier: "en_US")))
        }
        let functions = RuleAggregate.Function.allCases.map(\.rawValue) + MembershipKind.allCases.map(\.function)
        let columns = EventSource.standard.flatMap {
            [$0.name, $0.title.zh] + $0.columns.attributes.flatMap { [$0.code, $0.name.zh] }
        }
        for word in limits + functions + columns { #expect(Self.document.contains(word), "\(word)") }
    }
}
