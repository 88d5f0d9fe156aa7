// The SQL of a rule, for both engines.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Rules
import RuleSupport
import Testing

@Suite struct RuleSQLTests {
    private let today = LocalDay(number: 20_778)  // 2026-11-21

    private func sql(_ rule: String, _ dialect: SQLDialect = .duckdb) throws -> String {
        try RuleWorld.scope.check(rule).sql(dialect, today: today).text
    }

    @Test(arguments: [
        ("brand = '全球通' AND arpu >= 80", #"("brand" = '全球通') AND ("arpu" >= 80.00)"#),
        ("NOT (is_5g OR age < 18)", #"NOT ("is_5g" OR ("age" < 18))"#),
        ("arpu > 80.005", #""arpu" > 80.00"#),
        ("arpu >= 80.005", #""arpu" > 80.00"#),
        ("arpu < -80.005", #""arpu" <= -80.01"#),
        ("80.005 < arpu", #""arpu" > 80.00"#),
        ("arpu = 80.005", #""arpu" < -92233720368547758.08"#),
        ("age IN (1, 2.0, 2.5)", #""age" IN (1, 2)"#),
        (
            "arpu + rent * 2 > 100",
            #"(CAST(CAST("arpu" AS DECIMAL(38, 2)) * 100 AS BIGINT) + "#
                + #"(CAST(CAST("rent" AS DECIMAL(38, 2)) * 100 AS BIGINT) * 2)) > 10000"#
        ),
        ("age / tenure >= 0.5", #"(("age" * 1000000) // NULLIF("tenure", 0)) >= 500000"#),
        (
            "arpu = age",
            #"CAST(CAST("arpu" AS DECIMAL(38, 2)) * 100 AS BIGINT) = ("age" * 100)"#
        ),
        (
            "card >= '金卡'",
            #"CASE "card" WHEN '普通' THEN 0 WHEN '银卡' THEN 1 WHEN '金卡' THEN 2 WHEN '钻石卡' THEN 3 END >= 2"#
        ),
        ("activated >= today - INTERVAL 90 DAY", #""activated" >= DATE '2026-08-23'"#),
        (
            "activated + INTERVAL 24 MONTH < today",
            #"CAST("activated" + INTERVAL 24 MONTH AS DATE) < DATE '2026-11-21'"#
        ),
        ("days_between(activated, today) >= 365", #"datediff('day', "activated", DATE '2026-11-21') >= 365"#),
        ("city LIKE '100!%_' ESCAPE '!'", #""city" LIKE '100\%_' ESCAPE '\'"#),
        ("city LIKE 'a\\b'", #""city" LIKE 'a\b'"#),
        ("is_5g <> TRUE AND is_group IS NULL", #"("is_5g" <> TRUE) AND ("is_group" IS NULL)"#),
        ("on_list('o''neill')", #""idx" IN (SELECT "idx" FROM "list_member" WHERE "list" = 'o''neill')"#),
        ("NOT owns('vod')", #"NOT ("idx" IN (SELECT "idx" FROM "product_owner" WHERE "product" = 'vod'))"#),
        ("in_audience('暑期')", #""idx" IN (SELECT "idx" FROM "audience_member" WHERE "audience" = '暑期')"#),
        ("did(contact)", #""idx" IN (SELECT "idx" FROM "event_contact")"#),
        (
            "NOT did(contact, channel = 'sms', within 90 days)",
            #""idx" NOT IN (SELECT "idx" FROM "event_contact" WHERE ("channel" = 'sms') AND "#
                + #""day" BETWEEN DATE '2026-08-24' AND DATE '2026-11-21')"#
        ),
        ("count(contact) = 0", #""idx" NOT IN (SELECT "idx" FROM "event_contact")"#),
        ("count(contact) >= 2", #""idx" IN (SELECT "idx" FROM "event_contact" GROUP BY "idx" HAVING count(*) >= 2)"#),
        (
            "NOT count(contact) > 2",
            #""idx" NOT IN (SELECT "idx" FROM "event_contact" GROUP BY "idx" HAVING count(*) > 2)"#
        ),
        (
            "count(contact) IN (0, 5)",
            #""idx" NOT IN (SELECT "idx" FROM "event_contact" GROUP BY "idx" HAVING (count(*) IN (0, 5)) IS NOT TRUE)"#
        ),
        (
            "is_5g AND sum(contact, campaign, within 1 month) >= 5",
            #"("is_5g") AND ("idx" IN (SELECT "idx" FROM "event_contact" WHERE "day" BETWEEN DATE '2026-10-22' AND "#
                + #"DATE '2026-11-21' GROUP BY "idx" HAVING CAST(CASE WHEN sum("campaign") > 1000000000000 THEN "#
                + #"1000000000000 WHEN sum("campaign") < -1000000000000 THEN -1000000000000 ELSE sum("campaign") END "#
                + #"AS BIGINT) >= 5))"#
        ),
        (
            "NOT last(contact, outcome) = 'a'",
            #""idx" IN (SELECT "idx" FROM "event_contact" WHERE "day" IS NOT NULL GROUP BY "idx" HAVING "#
                + #"last("outcome" ORDER BY "day" NULLS FIRST, "at" NULLS FIRST, "outcome" NULLS FIRST) <> 'a')"#
        ),
        (
            "count(contact) > age",
            #"(SELECT count(*) FROM "event_contact" WHERE "event_contact"."idx" = "subscriber"."idx") > "age""#
        ),
        ("TRUE AND 1 < 2", "TRUE AND TRUE"),
        ("city = home", #""city" = "home""#),
    ])
    func `DuckDB text`(rule: String, expected: String) throws {
        #expect(try sql(rule) == expected)
    }

    @Test(arguments: [
        ("city = 'it''s \\'", #"`city` = 'it\'s \\'"#),
        ("city LIKE 'a\\b%'", #"`city` LIKE 'a\\\\b%'"#),
        ("age / tenure > 1", "((`age` * 1000000) div NULLIF(`tenure`, 0)) > 1000000"),
        ("arpu + 1 > 2", "(CAST(`arpu` * 100 AS BIGINT) + 100) > 200"),
        (
            "last(subscriber_month, fee) > 1",
            "`idx` IN (SELECT `idx` FROM `event_subscriber_month` WHERE `month` IS NOT NULL GROUP BY `idx` HAVING "
                + "CAST(max_by(`fee`, struct(`month`, `fee`)) * 100 AS BIGINT) > 100)"
        ),
        ("days_between(activated, last_order) > 1", "CAST(datediff(`last_order`, `activated`) AS BIGINT) > 1"),
    ])
    func `Spark text`(rule: String, expected: String) throws {
        #expect(try sql(rule, .spark) == expected)
    }

    @Test func `a score is an integer expression`() throws {
        let score = try RuleWorld.scope.checkScore("arpu / 100")
        #expect(
            score.sql(.duckdb, today: today).text
                == #"((CAST(CAST("arpu" AS DECIMAL(38, 2)) * 100 AS BIGINT) * 10000) // 100)"#
        )
    }
}

@Suite struct LikePatternTests {
    @Test(arguments: [
        ("", "", true), ("", "a", false), ("%", "", true), ("%%", "abc", true), ("a%", "a", true),
        ("a%c", "abbc", true),
        ("a%c", "abb", false), ("%b%", "abc", true), ("_", "😀", true), ("_", "\u{E9}", true), ("__", "e\u{301}", true),
        ("_", "ab", false), ("%a_b%", "xxaab", true), ("%ab%ab", "abxabxab", true), ("A", "a", false),
        ("%😀_", "a😀😀b", true), ("a%b%c%d", "a--b--c--", false),
    ])
    func `matches by code points and case`(pattern: String, text: String, expected: Bool) throws {
        #expect(try #require(LikePattern(pattern)).matches(text) == expected)
    }

    @Test func `a hostile pattern takes no exponential time`() throws {
        let pattern = try #require(LikePattern(String(repeating: "%a", count: 200) + "b"))
        #expect(!pattern.matches(String(repeating: "a", count: 5_000)))
    }
}
