// Text to tree and back: precedence, quoting, limits, and the canonical form.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Rules
import Testing

@Suite struct ParserTests {
    private func canonical(_ text: String) throws -> String {
        try RuleSyntax(parsing: text).canonicalText
    }

    @Test(arguments: [
        ("brand = '全球通' AND arpu >= 80 AND NOT on_list('black')", nil),
        ("a=1 or b=2 and c=3", "a = 1 OR b = 2 AND c = 3"),
        ("(a=1 or b=2) and c=3", "(a = 1 OR b = 2) AND c = 3"),
        ("(a = 1 AND b = 2) AND c = 3", nil),
        ("NOT (a AND b)", nil),
        ("not not a", "NOT NOT a"),
        ("NOT a = 1", nil),
        ("x != 1", "x <> 1"),
        ("((x)) > ((1 + 2) * 3)", "x > (1 + 2) * 3"),
        ("1 + 2 * 3 - 4 / 5 < 0", nil),
        ("1 - (2 - 3) < 0", nil),
        ("a / (b / c) > 1", nil),
        ("a / b / c > 1", nil),
        ("-(-5) < -x * 2", nil),
        ("- -5 < + 3", "-(-5) < 3"),
        ("-(a + b) > 0", nil),
        ("x in (1,2 , 3)", "x IN (1, 2, 3)"),
        ("x NOT IN ('it''s')", nil),
        ("x not between 1 and 2 and y", "x NOT BETWEEN 1 AND 2 AND y"),
        ("name like 'a\\_%' escape '\\'", "name LIKE 'a\\_%' ESCAPE '\\'"),
        ("x is not null", "x IS NOT NULL"),
        ("d >= DATE '2026-01-31' + INTERVAL 1 MONTH", nil),
        ("d >= date '2026-01-31' - interval 90 days", "d >= DATE '2026-01-31' - INTERVAL 90 DAY"),
        ("date = DATE '2026-01-31'", nil),
        ("TODAY > d", "today > d"),
        ("days_between(activated, today) >= 365", nil),
        ("f = true or FALSE", "f = TRUE OR FALSE"),
        ("近三月平均 >= 80.00", nil),
        ("\"归属地(市)\" = '深圳'", nil),
        ("\"and\" = 1", nil),
        ("\"plain\" = 1", "plain = 1"),
        ("\"a\"\"b\" = 1", nil),
        ("count(contact, channel = 'sms' AND outcome = 'accepted', within 90 days) >= 2", nil),
        ("count(complaint) = 0", nil),
        ("count(complaint, within 1 months) = 0", "count(complaint, within 1 month) = 0"),
        ("COUNT(contact, within = 5) > 1", "count(contact, within = 5) > 1"),
        ("did( contact )", "did(contact)"),
        ("NOT did(contact, a OR b, within 3 months)", nil),
        ("sum(subscriber_month, fee, within 1 day) / 3 >= 80.00", nil),
        ("last(\"月 账单\", \"and\") IS NULL", nil),
        ("last(contact, within, within = 5, within 2 days) = 'a'", nil),
        (
            "count(contact, between date '2026-01-01' and today - interval 1 month) = 0",
            "count(contact, BETWEEN DATE '2026-01-01' AND today - INTERVAL 1 MONTH) = 0"
        ),
        (
            "sum(contact, n, x BETWEEN 1 AND 2, BETWEEN (today) AND today) > 0",
            "sum(contact, n, x BETWEEN 1 AND 2, BETWEEN today AND today) > 0"
        ),
        ("count = 1 AND \"sum\" = 2", "count = 1 AND sum = 2"),
    ])
    func `text is read by precedence and printed canonically`(text: String, expected: String?) throws {
        let syntax = try RuleSyntax(parsing: text)
        #expect(syntax.canonicalText == expected ?? text)
        let again = try RuleSyntax(parsing: syntax.canonicalText)
        #expect(again.root == syntax.root)
        #expect(again.canonicalText == syntax.canonicalText)
    }

    @Test func `AND binds tighter than OR, NOT looser than a comparison`() throws {
        let root = try RuleSyntax(parsing: "NOT a = 1 OR b AND c").root
        let comparison = RuleNode(
            .comparison(
                RuleNode(.name("a")),
                .equal,
                RuleNode(.number(Scaled(unscaled: 1, scale: 0)))
            )
        )
        #expect(
            root
                == RuleNode(
                    .or([
                        RuleNode(.not(comparison)), RuleNode(.and([RuleNode(.name("b")), RuleNode(.name("c"))])),
                    ])
                )
        )
    }

    @Test func `a text literal is normalised to NFC`() throws {
        let root = try RuleSyntax(parsing: "name = 'cafe\u{301}'").root
        guard case .comparison(_, _, let literal) = root.kind, case .text(let text) = literal.kind else {
            Issue.record("not a comparison with a text")
            return
        }
        #expect(Array(text.utf8) == Array("caf\u{E9}".utf8))
    }

    @Test(arguments: ["(", "NOT ", "-", "on_list(", "(1 + ", "count(x, ", "did(x, ", "sum(x,y, "])
    func `a million of anything that nests is an error, not a crash`(piece: String) {
        let error = #expect(throws: RuleError.self) {
            try RuleSyntax(parsing: String(repeating: piece, count: 1_000_000))
        }
        #expect(error?.problem == .tooLong)
        let deep = #expect(throws: RuleError.self) {
            try RuleSyntax(parsing: String(repeating: piece, count: 6_000))
        }
        #expect(deep?.problem == .tooDeep)
    }

    @Test func `a long chain of operators is as deep as it is long`() throws {
        let sum = String(repeating: "1 + ", count: 10_000) + "1 > 0"
        #expect(throws: RuleError.self) { try RuleSyntax(parsing: sum) }
        let all = Array(repeating: "a", count: 10_000).joined(separator: " AND ")
        #expect(try canonical(all) == all)
        let list = "a IN (" + Array(repeating: "1", count: 10_000).joined(separator: ", ") + ")"
        #expect(try canonical(list) == list)
    }
}

@Suite struct RuleJSONTests {
    private let everything = """
        NOT (brand IN ('全球通', '动感地带') OR arpu BETWEEN 80.00 AND rent * 1.5 + 2 / -x) \
        AND activated >= today - INTERVAL 6 MONTH AND last_order <> DATE '2026-01-31' AND is_5g = TRUE \
        AND city LIKE '深%' ESCAPE '!' AND home NOT LIKE '_圳' AND remark IS NOT NULL AND x IS NULL \
        AND on_list('black') AND y NOT IN (1) AND z NOT BETWEEN 1 AND 2 AND w = NULL \
        AND count(contact, channel = 'sms', within 90 days) >= 2 AND count(visit) > 0 \
        AND NOT did(contact) AND sum(bill, fee, a OR b, BETWEEN DATE '2026-01-01' AND today) > 1 \
        AND last(bill, fee, within 1 month) IS NULL
        """

    @Test func `the tree survives JSON unchanged`() throws {
        let syntax = try RuleSyntax(parsing: everything)
        let data = try JSONEncoder().encode(syntax)
        let back = try JSONDecoder().decode(RuleSyntax.self, from: data)
        #expect(back.root == syntax.root)
        #expect(back.text == syntax.canonicalText)
    }

    @Test func `the form is what a visual builder expects`() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = try encoder.encode(RuleSyntax(parsing: "arpu >= 12.50 AND NOT on_list('black')"))
        #expect(
            String(decoding: json, as: UTF8.self) == """
                {"conditions":[{"left":{"attribute":"arpu","type":"attribute"},"operator":">=",\
                "right":{"number":"12.50","type":"number"},"type":"comparison"},\
                {"condition":{"arguments":[{"text":"black","type":"text"}],"function":"on_list","type":"call"},\
                "type":"not"}],"type":"and"}
                """
        )
    }

    @Test(arguments: [
        (
            "count(contact, a, within 90 days) > 0",
            #"{"condition":{"attribute":"a","type":"attribute"},"source":"contact","type":"count","#
                + #""within":{"count":90,"unit":"day"}}"#
        ),
        (
            "sum(bill, fee, BETWEEN today AND DATE '2026-01-31') > 0",
            #"{"column":"fee","high":{"day":"2026-01-31","type":"day"},"low":{"type":"today"},"source":"bill","type":"sum"}"#
        ),
    ])
    func `behaviour is an object named by its function`(rule: String, left: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        guard case .comparison(let node, _, _) = try RuleSyntax(parsing: rule).root.kind else {
            Issue.record("not a comparison")
            return
        }
        #expect(String(decoding: try encoder.encode(node), as: UTF8.self) == left)
    }

    @Test(arguments: [
        (#"{"type":"and","conditions":[{"type":"today"}]}"#, "one condition is no AND"),
        (#"{"type":"and","conditions":[]}"#, "no condition is no AND"),
        (#"{"type":"number","number":"-5"}"#, "a negative number is a negation"),
        (#"{"type":"in","value":{"type":"today"},"list":[]}"#, "an empty list"),
        (#"{"type":"attribute","attribute":""}"#, "an empty name"),
        (#"{"type":"interval","interval":{"count":-1,"unit":"day"}}"#, "a negative interval"),
        (#"{"type":"call","function":"a b","arguments":[]}"#, "a function that is two words"),
        (#"{"type":"text","text":"\u0000"}"#, "a NUL"),
        (#"{"type":"count","source":"a","column":"b"}"#, "a count of a column"),
        (#"{"type":"sum","source":"a"}"#, "a sum of nothing"),
        (#"{"type":"did","source":""}"#, "a source without a name"),
        (#"{"type":"call","function":"sum","arguments":[{"type":"today"}]}"#, "a sum as a call"),
    ])
    func `a tree that text cannot say is refused`(json: String, why: String) {
        #expect(throws: RuleError.self, Comment(rawValue: why)) {
            try JSONDecoder().decode(RuleSyntax.self, from: Data(json.utf8))
        }
    }

    @Test(arguments: [
        #"{"type":"nonsense"}"#, #"{"type":"not"}"#, #"{"type":"number","number":"1e5"}"#, "[]", "{",
        #"{"type":"last","column":"b"}"#, #"{"type":"did","source":"a","low":{"type":"today"}}"#,
        #"{"type":"did","source":"a","within":{"count":1,"unit":"day"},"low":{"type":"today"},"high":{"type":"today"}}"#,
        #"{"type":"day","day":"2026-02-30"}"#, #"{"type":"comparison","operator":"~"}"#,
    ])
    func `JSON that is no tree is refused`(json: String) {
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(RuleSyntax.self, from: Data(json.utf8)) }
    }

    @Test func `a deep JSON tree is an error, not a crash`() {
        for depth in [150, 100_000] {
            let json =
                String(repeating: #"{"type":"not","condition":"#, count: depth) + #"{"type":"today"}"#
                + String(repeating: "}", count: depth)
            #expect(throws: (any Error).self) { try JSONDecoder().decode(RuleSyntax.self, from: Data(json.utf8)) }
        }
    }

    @Test(arguments: ["\u{200D}", "\u{301}", "\u{FE0F}", "\u{20DD}"])
    func `a quote before a sign that joins with it stays in its text`(sign: String) throws {
        let syntax = try RuleSyntax(parsing: "\"c\"\"\(sign)\" = 'x''\(sign) OR 1 = 1'")
        let again = try RuleSyntax(parsing: syntax.canonicalText)
        #expect(again.root == syntax.root && again.canonicalText.utf8.elementsEqual(syntax.canonicalText.utf8))
        func same(_ text: String, _ expected: String) -> Bool { text.utf8.elementsEqual(expected.utf8) }
        let (duckdb, spark) = (SQLDialect.duckdb, SQLDialect.spark)
        #expect(same(duckdb.quoted(literal: "x'\(sign)"), "'x''\(sign)'"))
        #expect(same(duckdb.quoted(identifier: "x\"\(sign)"), "\"x\"\"\(sign)\""))
        #expect(same(spark.quoted(literal: "\\\(sign)'\(sign)"), "'\\\\\(sign)\\'\(sign)'"))
        #expect(same(spark.quoted(identifier: "`\(sign)"), "```\(sign)`"))
    }
}
