// One plain sentence for every outcome and everything that may happen to a contact, in both languages.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Testing
import Texts

@testable import Decisioning

struct ConsoleSentenceTests {
    private static let policy = ContactPolicy(
        revision: 1,
        tiers: [
            PolicyTier(
                code: "easyown",
                name: BilingualText(zh: "神州行", en: "Easyown"),
                rule: "TRUE",
                caps: [.sms: Cap(count: 4, months: 1)],
                overall: Cap(count: 5, months: 1)
            )
        ],
        dnd: [
            DNDClass(
                number: 5,
                name: BilingualText(zh: "集团公司客户", en: "Group-company customers"),
                isByChannel: false,
                mayBeUnticked: true
            )
        ]
    )
    private static let at = LocalTime(instant: Instant(epochMs: 1_794_880_800_000), offsetSeconds: 28_800)

    private static func explanation(
        _ outcome: Outcome,
        _ evidence: [Evidence] = [],
        aftermath: [Evidence] = [],
        hasWave: Bool = true
    ) -> Explanation {
        Explanation(
            campaign: CampaignID(1),
            wave: hasWave ? WaveID(campaign: CampaignID(1), occurrence: 1) : nil,
            at: at,
            outcome: outcome,
            position: 9,
            checks: [CheckResult(outcome, isPassed: outcome == .contact, evidence)],
            aftermath: aftermath
        )
    }

    private static func say(_ explanation: Explanation, _ language: Language, _ channel: ChannelClass = .sms) -> String
    {
        explanation.sentence(language, SentenceNames(campaign: "流量包", channel: channel, policy: policy))
    }

    @Test func `a cap is said with its number, period and tier`() {
        let evidence = [Evidence("used", 4), Evidence("cap", 4), Evidence("months", 1), Evidence("tier", "easyown")]
        let refused = Self.explanation(.capSMS, evidence)
        #expect(Self.say(refused, .zh) == "11月17日“流量包”的短信因本月短信已达4次上限（神州行每月4次）未发送。")
        #expect(
            Self.say(refused, .en)
                == "The SMS “流量包” of 17 November was not sent because the SMS cap of 4 a month was reached (Easyown: 4 a month)."
        )
    }

    @Test(arguments: Outcome.allCases)
    func `every outcome has one sentence in both languages on every channel`(outcome: Outcome) {
        for channel in ChannelClass.allCases {
            for place in 0..<3 {
                var explanation = Self.explanation(outcome, hasWave: place == 0)
                if place == 2 {
                    explanation.request = OfferRequest(
                        request: 1,
                        index: 2,
                        touchpoint: .hotline,
                        entrance: .inbound,
                        at: Self.at,
                        limit: 1
                    )
                }
                let zh = Self.say(explanation, .zh, channel)
                let en = Self.say(explanation, .en, channel)
                #expect(zh.hasSuffix("。") && zh.filter { $0 == "。" }.count == 1, "\(zh)")
                #expect(en.hasSuffix(".") && !en.contains("  "), "\(en)")
                #expect(en.replacing("流量包", with: "").unicodeScalars.allSatisfy { $0.value < 0x3000 }, "\(en)")
                #expect(zh.contains("“流量包”") && en.contains("“流量包”"))
                #expect(!zh.contains("nil") && !zh.contains("?") && !en.contains("nil"))
            }
        }
    }

    @Test func `lists are named as the policy names them`() {
        #expect(Self.say(Self.explanation(.dnd05), .zh).contains("第5类：集团公司客户"))
        #expect(Self.say(Self.explanation(.dnd05), .en).contains("list 5 (Group-company customers)"))
        let recent = Self.explanation(.interval, [Evidence("days", 3), Evidence("last", "2026-11-16")])
        #expect(Self.say(recent, .zh) == "11月17日“流量包”的短信因11月16日已有一次短信，间隔不足3天未发送。")
    }

    @Test func `what became of a contact is told`() {
        func contact(_ keys: [String]) -> String {
            Self.say(
                Self.explanation(.contact, aftermath: keys.map { Evidence($0, $0 == "dropped" ? "dnd_05" : "yes") }),
                .zh
            )
        }
        let start = "11月17日“流量包”的短信"
        #expect(contact([]) == start + "已列入发送名单，尚未发出。")
        #expect(contact(["released"]) == start + "未发出，接触次数已返还。")
        #expect(contact(["dropped", "released"]).contains("发出前复核时因用户登记了免打扰（第5类：集团公司客户）撤下"))
        #expect(contact(["handed_off"]) == start + "已发出，等待状态报告。")
        #expect(contact(["handed_off", "delivered", "settled"]) == start + "已送达。")
        #expect(contact(["handed_off", "delivered", "replied", "ordered", "settled"]) == start + "已送达，用户已回复，用户已订购。")
        #expect(contact(["handed_off", "delivered", "unsubscribed"]) == start + "已送达，用户已回复退订。")
        #expect(contact(["handed_off", "failed", "released"]) == start + "未能送达，接触次数已返还。")
        #expect(contact(["handed_off", "unknown", "settled"]).contains("结果不明"))
        #expect(contact(["handed_off", "settled"]).contains("未收到状态报告"))
        let control = Self.explanation(.control, aftermath: [Evidence("ordered", "x")])
        #expect(Self.say(control, .zh).hasSuffix("之后用户自行订购了产品。"))
        #expect(Self.say(control, .en).hasSuffix("ordered the product anyway."))
    }
}
