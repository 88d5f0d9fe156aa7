// Overruns in words: which cap is exceeded by how much, and the facts behind it.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Kernel
public import Model

extension OverrunGroup {
    /// The cap, as people name it.
    public var capName: BilingualText { check.capName }

    /// Whether a text that people search for names the tier, the cap or a month of the window.
    public func matches(_ search: String) -> Bool {
        guard !search.isEmpty else { return true }
        let texts = [tier, tierName.zh, tierName.en, check.code, capName.zh, capName.en, window.text]
        return texts.contains { $0.lowercased().contains(search.lowercased()) }
    }
}

extension Outcome {
    /// Name of the cap that a check compares with.
    public var capName: BilingualText {
        let channel = ChannelClass.allCases.first { Outcome.cap($0) == self }
        return channel.map { BilingualText(zh: "\($0.name.zh)上限", en: "\($0.name.en) cap") }
            ?? BilingualText(zh: "总体上限", en: "Overall cap")
    }
}

extension Overrun {
    /// `短信上限 2026-09：5 次，上限 4 次`.
    public func sentence(_ language: Language) -> String {
        language(
            "\(check.capName.zh) \(window.text)：\(used) 次，上限 \(cap) 次",
            "\(check.capName.en) \(window.text): \(used) contacts, at most \(cap)"
        )
    }
}

extension OverrunCause {
    /// What happened, when, and where it stands in the log.
    public func sentence(_ language: Language, _ names: EventNames) -> String {
        let day = at.day.iso
        let what = what(names)
        return language(
            "\(day) \(what.zh)（日志位置 \(position)）",
            "\(day): \(what.en) (log position \(position))"
        )
    }

    private func what(_ names: EventNames) -> BilingualText {
        let offer = campaign.map { "“\(names.campaign($0))”" }
        switch kind {
        case .lateReceipt:
            return BilingualText(
                zh: "\(offer ?? "")已返还后又收到送达回执",
                en: "\(offer ?? "") had been given back and was delivered after all"
            )
        case .loaded:
            return BilingualText(zh: "导入了其他来源的接触记录", en: "contacts of other sources were loaded")
        case .shownAfterAll:
            return BilingualText(
                zh: "\(offer ?? "推荐")过期返还后又确认已展示",
                en: "\(offer ?? "an offer") had lapsed and was shown after all"
            )
        case .policy(let revision):
            return BilingualText(zh: "策略第 \(revision) 版降低了上限", en: "policy revision \(revision) lowered the cap")
        case .tier(let code):
            let tier =
                names.policy?.tiers.first { $0.code == code }?.name ?? BilingualText(zh: "最严档", en: "strictest row")
            return BilingualText(
                zh: "用户转入上限更低的档位“\(tier.zh)”",
                en: "the subscriber came into the tier “\(tier.en)”, whose cap is lower"
            )
        case .decision:
            return BilingualText(
                zh: "严重错误：Gyre 的决策超出了上限\(offer.map { "（\($0)）" } ?? "")，请立即报告",
                en:
                    "GUARANTEE BROKEN: a decision of Gyre exceeded the cap\(offer.map { " (\($0))" } ?? ""); report it at once"
            )
        }
    }
}

extension OverrunSubscriber {
    /// Everything that is exceeded, in one line.
    public func sentence(_ language: Language) -> String {
        overruns.map { $0.sentence(language) }.joined(separator: language("；", "; "))
    }

    /// The facts behind it, in one line.
    public func causes(_ language: Language, _ names: EventNames) -> String {
        causes.map { $0.sentence(language, names) }.joined(separator: language("；", "; "))
    }
}
