// The parser against whatever is typed: it never crashes, says where it stopped, and what it accepts it can repeat.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import RuleSupport
import Rules
import Testing

@Suite struct RuleFuzzTests {
    private static let words = [
        "arpu", "age", "balance", "points", "activated", "is_5g", "city", "card", "brand", "品牌", "x", "\"home\"", "AND",
        "OR", "NOT", "IN", "BETWEEN", "LIKE", "ESCAPE", "IS", "NULL", "TRUE", "today", "INTERVAL", "DAY", "MONTH",
        "DATE", "'2026-01-31'", "'a%'", "''", "'金卡'", "0", "1", "3", "0.5", "999999999999999999", "9223372036854775807",
        "0.000000000000000001", "1000000", "(", ")", "(", ")", ",", "=", "<>", "<", ">=", "+", "-", "*", "/",
        "days_between", "on_list", "'black'", "within", "90 days", "count(contact", "did(contact",
        "sum(subscriber_month",
        "last(contact", "channel", "outcome", "fee", "month", "answered",
    ]

    /// Rules that say something, to be damaged.
    private static let corpus = [
        "brand = '全球通' AND arpu >= 80.00 AND NOT on_list('black')",
        "NOT (card >= '金卡' OR rent * 1.5 + 2 / -age > 10) AND activated >= today - INTERVAL 6 MONTH",
        "city LIKE '深!%' ESCAPE '!' AND \"归属地(市)\" NOT IN ('a', 'it''s') AND last_order IS NOT NULL",
        "count(contact, channel = 'sms' AND outcome = 'accepted', within 90 days) >= 2 OR did(contact)",
        "sum(subscriber_month, fee, mb > 5, BETWEEN DATE '2026-01-31' AND today - INTERVAL 1 DAY) / 3 >= 80",
        "last(contact, outcome, NOT answered) = 'a' AND days_between(last(contact, day), today) NOT BETWEEN 1 AND 2",
    ]

    private static let strange: [Unicode.Scalar] = [
        "\0", "\n", "\t", "'", "\"", "\\", "(", ")", ",", ".", "-", "!", "%", "_", "（", "’", "\u{301}", "\u{200D}",
        "\u{202E}", "\u{FEFF}", "\u{10FFFF}", "😀", "é", "전", "0", "9", "a",
    ]

    private func below(_ limit: Int, _ random: inout SeededRandom) -> Int { Int.random(in: 0..<limit, using: &random) }

    private func sentence(_ random: inout SeededRandom) -> String {
        let length = 1 + below(14, &random)
        return (0..<length).map { _ in Self.words[below(Self.words.count, &random)] }.joined(separator: " ")
    }

    /// A rule of the corpus with characters, words or whole stretches taken out, doubled, exchanged or put in.
    private func damaged(_ random: inout SeededRandom) -> String {
        var scalars = Array(Self.corpus[below(Self.corpus.count, &random)].unicodeScalars)
        for _ in 0..<[1, 1, 1, 2, 4][below(5, &random)] where !scalars.isEmpty {
            let place = below(scalars.count, &random)
            let end = min(scalars.count, place + 1 + below(8, &random))
            switch below(6, &random) {
            case 0: scalars.removeSubrange(place..<end)
            case 1: scalars.insert(contentsOf: scalars[place..<end], at: place)
            case 2: scalars.insert(Self.strange[below(Self.strange.count, &random)], at: place)
            case 3: scalars[place] = Self.strange[below(Self.strange.count, &random)]
            case 4:
                scalars.insert(
                    contentsOf: Array(Self.words[below(Self.words.count, &random)].unicodeScalars),
                    at: place
                )
            default:
                let other = Array(Self.corpus[below(Self.corpus.count, &random)].unicodeScalars)
                scalars = Array(scalars[..<place] + other[below(other.count, &random)...])
            }
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    private func noise(_ random: inout SeededRandom) -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<below(40, &random) {
            let any = Unicode.Scalar(UInt32(below(0x11_0000, &random)))
            text.append(below(3, &random) == 0 ? any ?? "x" : Self.strange[below(Self.strange.count, &random)])
        }
        return String(text)
    }

    private enum Ending { case refused, unchecked, accepted }

    /// Reads, prints, checks and translates; what holds for every text is expected.
    private func run(_ text: String, _ seed: UInt64) throws -> Ending {
        let note = Comment(rawValue: "GYRE_SEED=\(seed): \(text.debugDescription)")
        let syntax: RuleSyntax
        do {
            syntax = try RuleSyntax(parsing: text)
        } catch {
            expectPlace(of: error, in: text, note)
            return .refused
        }
        #expect(try RuleSyntax(parsing: syntax.canonicalText).root == syntax.root, note)
        let json = try JSONEncoder().encode(syntax)
        #expect(try JSONDecoder().decode(RuleSyntax.self, from: json).root == syntax.root, note)
        let day = LocalDay(number: 20_778)
        if let score = try? RuleWorld.scope.checkScore(syntax) { #expect(!score.sql(.duckdb, today: day).text.isEmpty) }
        do {
            let rule = try RuleWorld.scope.check(syntax)
            for dialect in [SQLDialect.duckdb, .spark] { #expect(!rule.sql(dialect, today: day).text.isEmpty, note) }
            return .accepted
        } catch {
            expectPlace(of: error, in: text, note)
            return .unchecked
        }
    }

    private func expectPlace(of error: RuleError, in text: String, _ note: Comment) {
        #expect(0 <= error.start.offset && error.start.offset <= error.end.offset, note)
        #expect(error.end.offset <= text.utf16.count || error.problem == .tooLong, note)
        #expect(error.start.line >= 1 && error.start.column >= 1, note)
        #expect(!error.message.zh.isEmpty && !error.message.en.isEmpty && error.code.hasPrefix("rule."), note)
        #expect(!error.report(on: text).isEmpty, note)
    }

    @Test func `nothing that is typed crashes; it is refused at its place, or prints and reads back the same`() throws {
        let seed = ProcessInfo.processInfo.environment["GYRE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
        print("rule fuzz: repeat with GYRE_SEED=\(seed)")
        var random = SeededRandom(seed: seed)
        var endings: [Ending: Int] = [:]
        for _ in 0..<4_000 {
            endings[try run(sentence(&random), seed), default: 0] += 1
            endings[try run(damaged(&random), seed), default: 0] += 1
            endings[try run(noise(&random), seed), default: 0] += 1
        }
        for rule in Self.corpus { #expect(try run(rule, seed) == .accepted) }
        #expect(endings[.accepted, default: 0] > 100 && endings[.unchecked, default: 0] > 500, "\(endings)")
        #expect(endings[.refused, default: 0] > 5_000, "\(endings)")
    }

    @Test(arguments: ["(", "NOT (", "did(contact, ", "count(contact, NOT (", "-(", "(((((", "sum(x, y, ("])
    func `a million nested brackets are an error with a place`(piece: String) throws {
        for count in [1_000_000, 60_000 / piece.count, 101] {
            let text = String(repeating: piece, count: count) + "1" + String(repeating: ")", count: count)
            let error = try #require(throws: RuleError.self) { try RuleSyntax(parsing: text) }
            #expect([.tooLong, .tooDeep].contains(error.problem))
            expectPlace(of: error, in: text, "\(piece) x \(count)")
        }
    }
}
