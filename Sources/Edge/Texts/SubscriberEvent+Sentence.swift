// One sentence for everything that happens to a subscriber.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Kernel
public import Model

/// Names that a subscriber's events refer to.
public struct EventNames: Sendable {
    /// Campaigns by number.
    public var campaigns: [CampaignID: String]
    /// The contact policy, for names of do-not-disturb classes.
    public var policy: ContactPolicy?

    /// Joins the names.
    public init(campaigns: [CampaignID: String], policy: ContactPolicy?) {
        self.campaigns = campaigns
        self.policy = policy
    }

    func campaign(_ id: CampaignID) -> String { campaigns[id] ?? "\(id.number)" }
}

extension SubscriberEvent {
    /// Stable name of what happened, for files and the API.
    public var code: String {
        switch kind {
        case .known: "known"
        case .listed: "listed"
        case .unlisted: "unlisted"
        case .decided(_, let outcome): "decided_" + outcome.code
        case .dropped: "dropped"
        case .handedOff: "handed_off"
        case .feedback(_, let kind): kind.code
        case .corrected(_, let kind): kind.code + "_late"
        case .released: "released"
        case .answered: "answered"
        case .responded(let response): "answer_" + response.result.code
        case .lapsed: "lapsed"
        }
    }

    /// The campaign it is about; nil for lists, and for answers with several offers.
    public var campaign: CampaignID? {
        switch kind {
        case .decided(let wave, _), .dropped(let wave, _), .handedOff(let wave), .feedback(let wave, _),
            .corrected(let wave, _), .released(let wave):
            wave.campaign
        case .responded(let response): response.campaign
        case .answered(let answer): answer.offers.count == 1 ? answer.offers.first : nil
        case .known, .listed, .unlisted, .lapsed: nil
        }
    }

    /// What happened, in one sentence.
    public func sentence(_ language: Language, _ names: EventNames) -> String {
        func named(_ campaigns: [CampaignID]) -> BilingualText {
            let all = campaigns.map(names.campaign)
            return BilingualText(
                zh: all.map { "“\($0)”" }.joined(separator: "、"),
                en: all.map { "“\($0)”" }.joined(separator: ", ")
            )
        }
        switch kind {
        case .known: return language("用户进入系统。", "The subscriber became known.")
        case .listed(let list), .unlisted(let list):
            let isOn = self.code == "listed"
            if let product = list.productCode {
                return isOn
                    ? language("订购了产品 \(product)。", "Got the product \(product).")
                    : language("退订了产品 \(product)。", "Gave up the product \(product).")
            }
            let name = list.name(names.policy)
            let channel = list.channel.map { BilingualText(zh: "（\($0.name.zh)）", en: " (\($0.name.en))") }
            return isOn
                ? language(
                    "进入名单“\(name.zh)”\(channel?.zh ?? "")。",
                    "Came on the list “\(name.en)”\(channel?.en ?? "")."
                )
                : language("移出名单“\(name.zh)”\(channel?.zh ?? "")。", "Left the list “\(name.en)”\(channel?.en ?? "").")
        case .decided(let wave, let outcome):
            let name = names.campaign(wave.campaign)
            return outcome == .contact
                ? language("“\(name)”选中该用户，预扣一次接触。", "“\(name)” chose the subscriber and reserved a contact.")
                : language(
                    "“\(name)”未选中：\(outcome.name.zh)。",
                    "“\(name)” did not choose the subscriber: \(outcome.name.en)."
                )
        case .dropped(let wave, let outcome):
            let name = names.campaign(wave.campaign)
            return language(
                "“\(name)”发送前撤下：\(outcome.name.zh)。",
                "“\(name)” was withdrawn before sending: \(outcome.name.en)."
            )
        case .handedOff(let wave):
            return language(
                "“\(names.campaign(wave.campaign))”已交渠道。",
                "“\(names.campaign(wave.campaign))” left for its channel."
            )
        case .feedback(let wave, let kind):
            let name = names.campaign(wave.campaign)
            return language("“\(name)”：\(kind.name.zh)。", "“\(name)”: \(kind.name.en).")
        case .corrected(let wave, let kind):
            let name = names.campaign(wave.campaign)
            return kind == .delivered
                ? language(
                    "“\(name)”：迟到回执，\(kind.name.zh)，接触次数重新计入。",
                    "“\(name)”: \(kind.name.en) after all; the contact counts again."
                )
                : language(
                    "“\(name)”：迟到回执，\(kind.name.zh)，返还接触次数。",
                    "“\(name)”: \(kind.name.en) after all; the contact was given back."
                )
        case .released(let wave):
            let name = names.campaign(wave.campaign)
            return language("“\(name)”未发出，返还接触次数。", "“\(name)” never left; the contact was given back.")
        case .answered(let answer):
            let place = answer.request.touchpoint.name
            if answer.offers.isEmpty {
                return answer.controls.isEmpty
                    ? language("\(place.zh)询问推荐，没有可推荐的活动。", "Asked for offers at the \(place.en); there were none.")
                    : language(
                        "\(place.zh)询问推荐；因对照组未推荐\(named(answer.controls).zh)。",
                        "Asked for offers at the \(place.en); the control group kept back \(named(answer.controls).en)."
                    )
            }
            let offers = named(answer.offers)
            return language("\(place.zh)推荐\(offers.zh)。", "Offered at the \(place.en): \(offers.en).")
        case .responded(let response):
            let offer = response.campaign.map { names.campaign($0) }
            return language(
                (offer.map { "“\($0)”" } ?? "本次推荐") + "：\(response.result.name.zh)。",
                (offer.map { "“\($0)”" } ?? "All offers of the contact") + ": \(response.result.name.en)."
            )
        case .lapsed:
            return language("推荐未展示，返还接触次数。", "The offers were not shown in time and were given back.")
        }
    }
}

extension FeedbackKind {
    /// The kind's name.
    public var name: BilingualText {
        switch self {
        case .accepted: BilingualText(zh: "网关已接收", en: "taken by the gateway")
        case .refused: BilingualText(zh: "网关拒收", en: "refused by the gateway")
        case .unknown: BilingualText(zh: "网关结果不明", en: "result unknown")
        case .delivered: BilingualText(zh: "已送达", en: "delivered")
        case .failed: BilingualText(zh: "未送达", en: "not delivered")
        case .replied: BilingualText(zh: "用户已回复", en: "replied")
        case .unsubscribed: BilingualText(zh: "用户退订", en: "unsubscribed")
        case .ordered: BilingualText(zh: "用户已订购", en: "ordered")
        }
    }
}
