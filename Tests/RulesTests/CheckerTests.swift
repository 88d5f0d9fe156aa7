// What is wrong with a rule, where, and what is suggested; and what a correct rule is said to read.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Rules
import RuleSupport
import Testing

@Suite struct CheckerTests {
    /// Rule, marked part, stable code, suggestion.
    @Test(
        arguments: [
            // Reading.
            ("", "", "empty", nil),
            ("  ", "  ", "empty", nil),
            ("arpu == 80", "==", "unexpected_character", "="),
            ("arpu >= 80 && is_5g", "&&", "unexpected_character", "AND"),
            ("arpu ≥ 80", "≥", "unexpected_character", ">="),
            ("brand ＝ '全球通'", "＝", "unexpected_character", "="),
            ("on_list（'black'）", "（", "unexpected_character", "("),
            ("brand = “全球通”", "“", "unexpected_character", "'"),
            ("arpu > 80;", ";", "unexpected_character", ""),
            ("arpu # 80", "#", "unexpected_character", nil),
            ("brand = '全球通", "'", "unterminated_text", nil),
            ("\"brand = 1", "\"", "unterminated_name", nil),
            ("age > 30d", "30d", "malformed_number", nil),
            ("age > 1234567890123456789012", "1234567890123456789012", "malformed_number", nil),
            ("age > 1.", "1.", "malformed_number", nil),
            ("activated > DATE '2026-02-30'", "'2026-02-30'", "malformed_day", nil),
            ("arpu >= ", "", "expected", nil),
            ("arpu >= AND is_5g", "AND", "expected", nil),
            ("(arpu >= 80", "", "expected", nil),
            ("arpu >= 80 is_5g", "is_5g", "expected", nil),
            ("arpu BETWEEN 1 OR 2", "OR", "expected", nil),
            ("arpu IS 5", "5", "expected", nil),
            ("arpu NOT 5", "5", "expected", nil),
            ("arpu = NOT is_5g", "NOT", "expected", nil),
            ("arpu IN 5", "5", "expected", nil),
            ("arpu IN (5; 6)", ";", "unexpected_character", ""),
            ("activated > today - INTERVAL '3' MONTH", "'3'", "expected", nil),
            ("activated > today - INTERVAL 3 YEAR", "YEAR", "expected", nil),
            ("activated > today - INTERVAL 1000001 DAY", "1000001", "interval_too_long", nil),
            ("1 < arpu < 5", "<", "chained_comparison", nil),
            ("arpu = 1 IN (2)", "IN", "chained_comparison", nil),
            // Names.
            ("arpuu >= 80", "arpuu", "unknown_attribute", "arpu"),
            ("ARPU >= 80", "ARPU", "unknown_attribute", "arpu"),
            ("月均消废 >= 80", "月均消废", "unknown_attribute", "月均消费"),
            ("归属地 = '深圳'", "归属地", "unknown_attribute", nil),
            ("nonsense >= 80", "nonsense", "unknown_attribute", nil),
            ("brand = 全球通", "全球通", "unknown_attribute", "'全球通'"),
            ("brand = \"全球通\"", "\"全球通\"", "unknown_attribute", "'全球通'"),
            ("brand = '全球痛'", "'全球痛'", "unknown_value", "'全球通'"),
            ("card >= '金卡客户'", "'金卡客户'", "unknown_value", "'金卡'"),
            ("brand IN ('全球通', '动感')", "'动感'", "unknown_value", nil),
            ("on_list('blakc')", "'blakc'", "unknown_member", "'black'"),
            ("in_audience('summr')", "'summr'", "unknown_member", "'summer'"),
            ("owns('5g-129')", "'5g-129'", "unknown_member", "'5g-128'"),
            ("onlist('black')", "onlist", "unknown_function", "on_list"),
            // Types.
            ("arpu", "arpu", "expected_condition", nil),
            ("arpu + 1", "arpu + 1", "expected_condition", nil),
            ("is_5g AND 'x'", "'x'", "expected_condition", nil),
            ("(arpu > 1) > 2", "(arpu > 1)", "expected_value", nil),
            ("on_list('black') = TRUE", "on_list('black')", "expected_value", nil),
            ("arpu > '80'", "'80'", "wrong_operands", "80"),
            ("city = 5", "5", "wrong_operands", "'5'"),
            ("activated > '2026-01-31'", "'2026-01-31'", "wrong_operands", "DATE '2026-01-31'"),
            ("is_5g = 1", "1", "wrong_operands", "TRUE"),
            ("arpu = city", "arpu = city", "wrong_operands", nil),
            ("is_5g < TRUE", "is_5g < TRUE", "not_ordered", nil),
            ("city < 'b'", "city", "not_ordered", nil),
            ("brand >= '全球通'", "brand", "not_ordered", nil),
            ("card < brand", "brand", "not_ordered", nil),
            ("arpu = NULL", "arpu = NULL", "compare_with_null", nil),
            ("age IN (1, NULL)", "NULL", "null_in_list", nil),
            ("NULL", "NULL", "null_here", nil),
            ("age IN (1, tenure)", "tenure", "not_constant", nil),
            ("is_5g IN (TRUE)", "is_5g", "wrong_operands", nil),
            ("arpu LIKE '8%'", "arpu", "not_text", nil),
            ("city LIKE home", "home", "text_needed", nil),
            ("city LIKE 'a!b' ESCAPE '!'", "'a!b'", "malformed_pattern", nil),
            ("city LIKE 'a!' ESCAPE '!'", "'a!'", "malformed_pattern", nil),
            ("city LIKE 'a' ESCAPE ''", "''", "malformed_escape", nil),
            ("on_list(black)", "black", "text_needed", nil),
            ("on_list()", "on_list()", "argument_count", nil),
            ("days_between(today) > 1", "days_between(today)", "argument_count", nil),
            ("days_between(today, arpu) > 1", "days_between(today, arpu)", "wrong_operands", nil),
            ("arpu > INTERVAL 3 DAY", "INTERVAL 3 DAY", "misplaced_interval", nil),
            ("arpu + INTERVAL 3 DAY > 1", "arpu + INTERVAL 3 DAY", "misplaced_interval", nil),
            ("activated + 90 > today", "90", "day_arithmetic", "INTERVAL 90 DAY"),
            ("activated * 2 > today", "activated * 2", "day_arithmetic", nil),
            ("today - activated > 90", "today - activated", "day_difference", "days_between(activated, today)"),
            ("-city = 'x'", "-city", "wrong_operands", nil),
            ("city + 1 > 2", "city + 1", "wrong_operands", nil),
            // Behaviour.
            ("count(5) > 1", "5", "expected", nil),
            ("sum(contact) > 1", ")", "expected", nil),
            ("last(contact, 5) > 1", "5", "expected", nil),
            ("did(contact, within 90)", ")", "expected", nil),
            ("did(contact, within 90 days, answered)", ",", "expected", nil),
            ("did(contact, answered, answered)", "answered", "expected", nil),
            ("did(contact, BETWEEN today)", ")", "expected", nil),
            ("did(contcat)", "contcat", "unknown_source", "contact"),
            ("did(接触纪录)", "接触纪录", "unknown_source", "接触记录"),
            ("did(visit)", "visit", "unknown_source", nil),
            ("did(contact, chanel = 'sms')", "chanel", "unknown_column", "channel"),
            ("did(contact, channel = sms)", "sms", "unknown_column", "'sms'"),
            ("last(contact, outcom) = 'a'", "outcom", "unknown_column", "outcome"),
            ("sum(contact, \"x y\") > 1", "\"x y\"", "unknown_column", nil),
            ("sum(contact, channel) > 1", "channel", "sum_not_number", nil),
            ("sum(contact, day) > 1", "day", "sum_not_number", nil),
            ("did(contact, arpu > 5)", "arpu", "only_columns", nil),
            ("did(contact, on_list('black'))", "on_list('black')", "only_columns", nil),
            ("did(contact, NOT did(contact))", "did(contact)", "only_columns", nil),
            ("did(contact, campaign > count(contact))", "count(contact)", "only_columns", nil),
            ("count(contact)", "count(contact)", "expected_condition", nil),
            ("did(contact) = TRUE", "did(contact)", "expected_value", nil),
            ("did(contact, channel)", "channel", "expected_condition", nil),
            ("did(contact, campaign = 'a')", "campaign = 'a'", "wrong_operands", nil),
            ("did(contact, campaign = '5')", "'5'", "wrong_operands", "5"),
            ("count(contact) = 'a'", "count(contact) = 'a'", "wrong_operands", nil),
            ("last(contact, channel) < 'b'", "last(contact, channel)", "not_ordered", nil),
            ("last(contact, answered) IN (TRUE)", "last(contact, answered)", "wrong_operands", nil),
            ("count(contact) LIKE '1%'", "count(contact)", "not_text", nil),
            ("did(contact, BETWEEN '2026-01-31' AND today)", "'2026-01-31'", "window_not_day", "DATE '2026-01-31'"),
            ("did(contact, BETWEEN activated AND today)", "activated", "window_not_day", nil),
            ("did(contact, BETWEEN 5 AND today)", "5", "window_not_day", nil),
            ("did(contact, BETWEEN today AND today + 5)", "5", "day_arithmetic", "INTERVAL 5 DAY"),
            ("did(contact, within 1000001 days)", "1000001", "interval_too_long", nil),
            ("count(contact) * 99999999 > 0", "count(contact) * 99999999", "overflow", nil),
            ("sum(subscriber_month, fee) * 99999999 > 0", "sum(subscriber_month, fee) * 99999999", "overflow", nil),
            // Widths.
            ("balance * 10 > 0", "balance * 10", "overflow", nil),
            ("balance / 3 > 0", "balance / 3", "overflow", nil),
            ("balance > rate", "balance > rate", "overflow", nil),
            ("arpu * 0.123456789012345678 > 0", "arpu * 0.123456789012345678", "too_many_digits", nil),
            (
                "activated + INTERVAL 1000000 MONTH + INTERVAL 1000000 MONTH > today",
                "activated + INTERVAL 1000000 MONTH + INTERVAL 1000000 MONTH", "overflow", nil
            ),
        ] as [(String, String, String, String?)]
    )
    func `an error marks its characters and says what to write`(
        rule: String,
        marked: String,
        code: String,
        suggestion: String?
    ) throws {
        let error = try #require(throws: RuleError.self) { try RuleWorld.scope.check(rule) }
        let units = Array(rule.utf16)
        #expect(String(decoding: units[error.start.offset..<error.end.offset], as: UTF16.self) == marked)
        #expect(error.code == "rule." + code)
        #expect(error.suggestion == suggestion)
        #expect(!error.message.zh.isEmpty && error.message.zh != error.message.en)
        if let suggestion, code != "unknown_function" {
            // What is suggested mends the rule, or at least this error.
            let mended =
                String(decoding: units[..<error.start.offset], as: UTF16.self) + suggestion
                + String(decoding: units[error.end.offset...], as: UTF16.self)
            #expect((try? RuleWorld.scope.check(mended)) != nil || code == "unexpected_character", "\(mended)")
        }
    }

    @Test func `the marker stands under the characters, also behind wide ones and on later lines`() throws {
        let rule = "brand = '全球通'\n  AND 月租 >= '80'"
        let error = try #require(throws: RuleError.self) { try RuleWorld.scope.check(rule) }
        #expect(error.start == RulePosition(offset: 26, line: 2, column: 13))
        #expect(
            error.marked(in: rule) == """
                  AND 月租 >= '80'
                              ^~~~
                """
        )
        #expect(
            error.report(on: rule).hasPrefix("line 2, column 13: >= does not go with a number and a text; write 80\n")
        )
        #expect(error.report(on: rule, language: \.zh).hasPrefix("第 2 行第 13 列：>= 不能用于数字与文本，可改为 80\n"))
    }

    @Test func `of a long line only the part around the marker is shown`() throws {
        let rule = String(repeating: "arpu > 1 OR ", count: 100) + "brand >= '全球通'" + String(repeating: " ", count: 99)
        let error = try #require(throws: RuleError.self) { try RuleWorld.scope.check(rule) }
        let lines = error.marked(in: rule).split(separator: "\n", omittingEmptySubsequences: false)
        try #require(lines.count == 2)
        #expect(lines[0].hasPrefix("…") && lines[0].hasSuffix("…") && lines[0].count <= 200)
        let place = try #require(lines[1].firstIndex(of: "^"))
        let marked = lines[0].dropFirst(lines[1].distance(from: lines[1].startIndex, to: place))
        let concerned = rule.dropFirst(error.start.column - 1)
        #expect(marked.prefix(5) == concerned.prefix(5))
    }

    @Test func `an overflow names the attributes that need a range`() throws {
        let error = try #require(throws: RuleError.self) { try RuleWorld.scope.check("balance * arpu > points") }
        #expect(error.problem == .overflow(attributes: ["balance"]))
    }

    @Test func `a rule says what it reads`() throws {
        let rule = try RuleWorld.scope.check(
            "品牌 = '全球通' AND (arpu > 1 OR arpu < -1) AND on_list('black') AND NOT on_list('black') AND owns('vod')"
        )
        #expect(rule.uses.attributes.map(\.code) == ["brand", "arpu"])
        #expect(rule.uses.memberships == [Membership(.list, "black"), Membership(.product, "vod")])
        #expect(!rule.uses.today && !rule.uses.requiresWarehouse)
        let cold = try RuleWorld.scope.check("remark LIKE '%投诉%' AND activated < today")
        #expect(cold.uses.today && cold.uses.requiresWarehouse)
        #expect(cold.uses.coldAttributes.map(\.code) == ["remark"])
    }

    @Test func `behaviour is named by what it reads, and not to be had where rules run in memory`() throws {
        let rule = try RuleWorld.scope.check(
            "arpu > 1 AND did(接触记录, 渠道 = 'sms', within 3 months) AND count(contact) > 5 AND sum(月账单, 费用) / 3 >= 80"
        )
        #expect(rule.uses.attributes.map(\.code) == ["arpu"])
        #expect(rule.uses.sources.map(\.name) == ["contact", "subscriber_month"])
        #expect(rule.uses.today && rule.uses.requiresWarehouse && rule.uses.coldAttributes.isEmpty)
        var memory = RuleWorld.scope
        memory.sources = nil
        let error = try #require(throws: RuleError.self) { try memory.check("arpu > 1 AND did(contact)") }
        #expect(error.problem == .behaviourNotHere && error.start.column == 18)
        let score = try #require(throws: RuleError.self) { try RuleWorld.scope.checkScore("count(contact) / 1000") }
        #expect(score.code == "rule.behaviour_not_here" && score.start.column == 7)
    }

    @Test(arguments: [
        ("arpu", "overflow of a wide score", "score_too_wide"), ("city", "no number", "score_not_number"),
        ("arpu > 1", "a condition", "expected_value"), ("balance / 1000", "too wide to divide", "overflow"),
    ])
    func `a score that does not fit Int32 micro-units is an error`(text: String, why: String, code: String) throws {
        // ±1000.00 fits ±2147.483647; the range of `points` does not.
        let text = text == "arpu" ? "points" : text
        let error = try #require(throws: RuleError.self, Comment(rawValue: why)) {
            try RuleWorld.scope.checkScore(text)
        }
        #expect(error.code == "rule." + code)
    }

    @Test(arguments: ["arpu", "arpu / 3 - rate", "age * 0.1234567890", "0.5"])
    func `a score comes in micro-units`(text: String) throws {
        #expect(try RuleWorld.scope.checkScore(text).value.type == .number(scale: 6))
    }
}
