// Policy files: what is read, that every mistake is told with its place, and that what is written is read back.
// SPDX-License-Identifier: Apache-2.0

import Files
import Foundation
import Kernel
import Model
import Testing

@Suite struct PolicyFileTests {
    private static let tier = """
        tiers:
          - code: all
            zh: 全部
            en: All
            rule: fine
            caps: { sms: 1 per month, outbound: 1 per 3 months, inbound: 0 per month, website: 200 per 2 months }
            overall: 2 per month

        """
    private static let base = tier + "dnd: [{ number: 3, zh: 甲, en: A, untick: true }]\n"

    private func parse(_ text: String) throws -> ContactPolicy {
        try PolicyFile.parse(text, file: "p.yaml", revision: 4) { rule in
            rule == "wrong" ? RuleRemark(message: BilingualText(zh: "错", en: "bad rule")) : nil
        }
    }

    @Test func `a file without the newer keys has the standard linkage and else nothing`() throws {
        let policy = try parse(Self.base)
        var expected = ContactPolicy(revision: 4, tiers: policy.tiers, dnd: policy.dnd)
        expected.linkage = .standard
        #expect(policy == expected)
        #expect(policy.tiers[0].caps[.website] == Cap(count: 200, months: 2))
        #expect(policy.ranking == [.priority, .expectedValue] && policy.offers == OfferLimits())
    }

    @Test func `all keys are read`() throws {
        let policy = try parse(
            Self.tier + """
                dnd:
                  - { number: 1, zh: 甲, en: A, by_channel: true, untick: false }
                  - { number: 3, zh: 乙, en: B, untick: true, unticked_by: [planner, approver] }
                interval_days: { sms: 3, outbound: 180 }
                similar_days: { a: 30, b: 1 }
                similar_to: { a: [b, c] }
                product_days: { "*": 60, P1: 90 }
                category_rules:
                  - { code: r1, zh: 规则, en: Rule, categories: [a], rule: fine }
                  - { code: r2, zh: 规则, en: Rule, rule: fine }
                quiet_hours: { sms: "21:00-09:00" }
                quiet_areas:
                  - { code: west, zh: 西部, en: West, rule: fine, quiet_hours: { sms: "23:00-11:00" } }
                holidays: [2027-01-01, 2026-10-01]
                holdout: { percent: 2.5, epoch: "2026" }
                reservation_hours: 24
                ranking: [personal_priority, value]
                offers: { most: 8, minutes_to_show: 5, minutes_kept: 5 }
                linkage:
                  - code: t
                    zh: 类型
                    en: Type
                    categories: [a]
                    history_at: [hotline, counter]
                    cells:
                      - { contacted: outbound, result: completed, cancels: [sms, outbound] }
                      - { contacted: sms, result: accepted, cancels: all }
                  - { code: other, zh: 其他, en: Other }
                """
        )
        #expect(policy.dnd[1].untickedBy == ["planner", "approver"] && policy.dnd[0].untickedBy == nil)
        #expect(policy.similarTo == ["a": ["b", "c"]] && policy.days(betweenContactsFor: "X") == 60)
        #expect(policy.categoryRules.map { $0.applies(to: "z") } == [false, true])
        #expect(policy.quietAreas[0].quietHours[.sms] == QuietHours(from: 1380, to: 660))
        #expect(policy.holidays.map(\.iso) == ["2026-10-01", "2027-01-01"])
        #expect(policy.holdout == Holdout(ppm: 25_000, epoch: "2026") && policy.reservationHours == 24)
        #expect(policy.ranking == [.personalPriority, .value])
        #expect(policy.offers == OfferLimits(offers: 8, minutesToShow: 5, minutesKept: 5))
        let type = try #require(policy.linkage.type(of: "a"))
        #expect(type.historyAt == [.hotline, .counter])
        #expect(type.cancelled(after: .accepted, on: .sms) == ChannelClass.allCases)
        #expect(policy.linkage.type(of: "z")?.code == "other" && policy.linkage.types[1].cells.isEmpty)
    }

    @Test(arguments: [
        ("interval_days: { sms: 181 }", 10, "interval_days.sms", "1 to 180"),
        ("interval_days: { sms: x }", 10, "interval_days.sms", "whole number"),
        ("interval_days: { smz: 3 }", 10, "interval_days.smz", "did you mean 'sms'"),
        ("similar_to: { a: [b] }", 10, "similar_to.a", "similar days"),
        ("similar_days: { a: 0 }", 10, "similar_days.a", "1 to 180"),
        ("product_days: { P: 999 }", 10, "product_days.P", "1 to 180"),
        ("category_rules: [{ code: R, zh: 一, en: a, rule: fine }]", 10, "category_rules[0].code", "lower-case"),
        ("category_rules: [{ code: r, zh: 一, en: a, rule: wrong }]", 10, "category_rules[0].rule", "bad rule"),
        ("category_rules: [{ code: r, zh: 一, en: a }]", 10, "category_rules[0]", "'rule' is missing"),
        ("category_rules: [7]", 10, "category_rules[0]", "expected a map"),
        ("quiet_areas: [{ code: a, zh: 一, en: a, rule: fine }]", 10, "quiet_areas[0]", "'quiet_hours' is missing"),
        ("quiet_hours: { sms: 9-9 }", 10, "quiet_hours.sms", "21:00-09:00"),
        ("holidays: [2026-02-30]", 10, "holidays[0]", "write a day"),
        ("holidays: [2026-02-03, 2026-02-03]", 10, "holidays", "twice"),
        ("holdout: { percent: 51, epoch: a }", 10, "holdout.percent", "0 to 50"),
        ("reservation_hours: 0", 10, "reservation_hours", "1 to 720"),
        ("ranking: [value, value]", 10, "ranking", "each once"),
        ("ranking: [valu]", 10, "ranking[0]", "did you mean 'value'"),
        ("offers: { most: 9 }", 10, "offers.most", "1 to 8"),
        ("offers: { minutes_to_show: 60, minutes_kept: 30 }", 10, "offers.minutes_kept", "less than"),
        ("linkage: [{ code: a, zh: 一, en: a }, { code: b, zh: 一, en: b }]", 10, "linkage[1]", "only one type"),
        (
            "linkage: [{ code: a, zh: 一, en: a, cells: [{ contacted: sms, result: seen, cancels: all }] }]", 10,
            "linkage[0].cells[0].result", "Possible"
        ),
        (
            "linkage: [{ code: a, zh: 一, en: a, cells: [{ contacted: sms, result: shown, cancels: [] }] }]", 10,
            "linkage[0].cells[0]", "channels to cancel"
        ),
        ("holliday: []", 10, "holliday", "did you mean 'holidays'"),
    ])
    func `a mistake is told with line and key`(_ text: String, line: Int, key: String, message: String) {
        expect(Self.base + text, [(line - 1, key, message)])
    }

    @Test func `mistakes in tiers and classes are told, all at once`() {
        let text = """
            tiers:
              - { code: a, zh: 一, en: a, rule: wrong, caps: { sms: 9 per year }, overall: 1 per month }
              - { code: a, zh: 一, rule: fine, overall: 201 per month }
            dnd:
              - { number: 14, zh: 一, en: a, untick: true }
              - { number: 16, zh: 一, en: a, untick: maybe }
              - { number: 14, zh: 一, en: a, unticked_by: [planner] }
              - { number: 5, zh: 一, en: a, untick: true, unticked_by: [boss] }
            """
        expect(
            text,
            [
                (2, "tiers[0].rule", "bad rule"), (2, "tiers[0].caps.sms", "9 per year"),
                (2, "tiers[0].caps", "outbound is missing"), (2, "tiers[0].caps", "inbound is missing"),
                (2, "tiers[0].caps", "website is missing"), (3, "tiers[1]", "'en' is missing"),
                (3, "tiers[1].code", "occurs twice"), (3, "tiers[1]", "'caps' is missing"),
                (3, "tiers[1].overall", "201"), (5, "dnd[0].untick", "LST-17"), (6, "dnd[1].number", "1 to 15"),
                (6, "dnd[1].untick", "true or false"), (7, "dnd[2].number", "occurs twice"),
                (7, "dnd[2].unticked_by", "only where"), (8, "dnd[3].unticked_by", "no role"),
            ]
        )
    }

    private func expect(_ text: String, _ wanted: [(line: Int, key: String, message: String)]) {
        do {
            _ = try parse(text)
            Issue.record("\(text) was taken")
        } catch let error as DocumentError {
            #expect(error.problems.count == wanted.count, "\(error)")
            for each in wanted {
                #expect(
                    error.problems.contains {
                        $0.line == each.line && $0.key == each.key && $0.message.contains(each.message)
                    },
                    "\(each) is not in \(error)"
                )
            }
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: ["operator", "telco-churn"])
    func `the example policies are read, written and read back`(_ example: String) throws {
        let folder = URL(filePath: #filePath).appending(path: "../../../../Examples/\(example)").standardizedFileURL
        let path = folder.appending(path: "policy.yaml").path(percentEncoded: false)
        let policy = try PolicyFile.read(path: path, revision: 7) { _ in nil }
        #expect(try PolicyFile.parse(PolicyFile.text(policy), file: "x", revision: 7) { _ in nil } == policy)
        #expect((example == "operator") == !policy.categoryRules.isEmpty)
        #expect(policy.linkage == .standard)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `whatever policy is written is read back equal`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let policy = Self.policy(&random)
        #expect(policy.problems { _ in nil } == [])
        let text = PolicyFile.text(policy)
        #expect(try PolicyFile.parse(text, file: "x", revision: 1) { _ in nil } == policy, "\(text)")
    }

    // MARK: Made-up policies

    private static let words = [
        "a", "null", "yes", "on", "12", "1e3", "~", "全球通", "- x", "a: b", "#no", "'", "\"q\"", "a\\b", "line\nbreak",
        "tab\t.", " lead", "trail ", "{}", "[x]", "*", "&a", "!t", "%", "@", "`", "😀", "2026-01-01", "é", ",", "?",
        "0x1F", ".5", "=", "<<", "a#b", "NUL\u{1}", "a\u{2028}b",
    ]

    private static func policy(_ random: inout SeededRandom) -> ContactPolicy {
        func number(_ range: ClosedRange<Int>) -> Int {
            range.lowerBound + Int(random.next() % UInt64(range.upperBound - range.lowerBound + 1))
        }
        func word() -> String { words[number(0...words.count - 1)] }
        func name() -> BilingualText { BilingualText(zh: word(), en: word()) }
        func flag() -> Bool { number(0...1) == 1 }
        func some<T>(_ all: [T]) -> [T] { all.filter { _ in flag() } }
        func cap() -> Cap { Cap(count: number(0...200), months: number(1...3)) }
        func hours() -> [ChannelClass: QuietHours] {
            Dictionary(
                uniqueKeysWithValues: some(ChannelClass.allCases).map { channel in
                    let from = number(0...1439)
                    return (channel, QuietHours(from: from, to: (from + number(1...1439)) % 1440))
                }
            )
        }
        var policy = ContactPolicy(revision: 1, tiers: [], dnd: [])
        policy.tiers = (0...number(0...4)).map { place in
            PolicyTier(
                code: "t\(place)",
                name: name(),
                rule: word(),
                caps: Dictionary(uniqueKeysWithValues: ChannelClass.allCases.map { ($0, cap()) }),
                overall: cap()
            )
        }
        policy.dnd = some(Array(1...15)).map { number in
            let mayBe = ![2, 14, 15].contains(number) && flag()
            let roles = some(Role.allCases.map(\.rawValue))
            return DNDClass(
                number: number,
                name: name(),
                isByChannel: flag(),
                mayBeUnticked: mayBe,
                untickedBy: mayBe && !roles.isEmpty ? roles : nil
            )
        }
        for channel in some(ChannelClass.allCases) { policy.intervalDays[channel] = number(1...180) }
        for word in some(words) { policy.similarDays[word] = number(1...180) }
        for word in policy.similarDays.keys.sorted() where flag() {
            policy.similarTo[word] = some(words.filter { $0 != word })
        }
        for word in some(words) { policy.productDays[word] = number(1...180) }
        policy.categoryRules = some(["a", "b", "c"]).map {
            CategoryRule(code: $0, name: name(), categories: some(words), rule: word())
        }
        policy.quietHours = hours()
        policy.quietAreas = some(["x", "y"]).map {
            QuietArea(code: $0, name: name(), rule: word(), quietHours: hours())
        }
        policy.holidays = some((20_000..<20_010).map { LocalDay(number: $0) })
        policy.holdout = Holdout(ppm: number(0...500_000), epoch: word())
        policy.reservationHours = number(1...720)
        policy.ranking = [.value] + some([.priority, .expectedValue])
        let minutes = number(1...1440)
        policy.offers = OfferLimits(offers: number(1...8), minutesToShow: minutes, minutesKept: minutes + number(0...9))
        guard flag() else { return policy }
        policy.linkage = Linkage(
            types: some(["m", "n"]).map { code in
                LinkageType(
                    code: code,
                    name: name(),
                    categories: code == "m" ? ["z \(word())"] : [],
                    historyAt: some(Touchpoint.allCases),
                    cells: some(ContactResult.allCases).compactMap { result in
                        let cancels = some(ChannelClass.allCases)
                        return cancels.isEmpty ? nil : LinkageCell(.outbound, result, cancels: cancels)
                    }
                )
            }
        )
        return policy
    }
}
