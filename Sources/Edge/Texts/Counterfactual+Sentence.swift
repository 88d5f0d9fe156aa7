// What would have had to be different, in words.
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
import Kernel
public import Model

extension Counterfactual {
    /// One clause per change, in the order of the checks.
    public func clauses(_ language: Language, _ names: SentenceNames) -> [String] {
        changes.map { language($0.clause(names)) }
    }

    /// What the checks gave when they were made again with all changes.
    public func verdict(_ language: Language) -> String {
        switch outcome {
        case .contact: language("按此重新判定：会接触。", "Decided again with these changes: a contact.")
        case .control:
            language("按此重新判定：会进入对照组。", "Decided again with these changes: drawn into the control group.")
        default:
            language("按此重新判定：仍为“\(outcome.name.zh)”。", "Decided again with these changes: still “\(outcome.name.en)”.")
        }
    }
}

extension Counterfactual.Change {
    fileprivate func clause(_ names: SentenceNames) -> BilingualText {
        func both(_ zh: String, _ en: String) -> BilingualText { BilingualText(zh: zh, en: en) }
        switch self {
        case .notOn(let list):
            if let product = list.productCode { return both("未订购产品 \(product)", "not owning the product \(product)") }
            let name = list.name(names.policy)
            return both("不在名单“\(name.zh)”上", "not being on the list “\(name.en)”")
        case .without(let campaign, let channel, let day):
            let title = campaign.flatMap { names.campaigns[$0] }
            let (zh, en) = (Language.zh.day(day), Language.en.day(day))
            return both(
                "没有\(zh)的\(channel.words.noun.zh)" + (title.map { "“\($0)”" } ?? ""),
                "without the \(channel.words.noun.en) of \(en)" + (title.map { ", “\($0)”" } ?? "")
            )
        case .fewer(let channel, let month, let count):
            return both(
                "\(month.iso) 的\(channel.name.zh)接触少 \(count) 次",
                "\(count) contact\(count == 1 ? "" : "s") fewer of class \(channel.name.en) in \(month.iso)"
            )
        case .passes(let outcome): return outcome.opposite
        }
    }
}

extension Outcome {
    /// What is true when the check of the outcome passes.
    fileprivate var opposite: BilingualText {
        func both(_ zh: String, _ en: String) -> BilingualText { BilingualText(zh: zh, en: en) }
        switch self {
        case .campaignNotLive: return both("活动在执行期内", "a campaign that is live on that day")
        case .channelNotConfirmed: return both("渠道已确认", "a channel that confirmed")
        case .notInSegment: return both("在目标客户群内", "being in the segment")
        case .holdout: return both("未被抽入全局空白组", "not being drawn into the global holdout")
        case .withdrawn: return both("其他渠道未处理该活动", "no result on another channel that cancels it here")
        case .categoryRule: return both("不符合该类活动的剔除规则", "not matching the rule of the category")
        case .noScore: return both("有可用评分", "having a score")
        case .outranked: return both("排名进入名额", "ranking within the places")
        case .capacity: return both("渠道还有容量", "capacity left on the channel")
        case .budget: return both("活动还有预算", "budget left")
        case .quietHours: return both("有效期延续到免扰时段之后", "validity beyond the quiet hours")
        case .control: return both("未被抽入对照组", "not being drawn into the control group")
        default: return both("通过检查“\(name.zh)”", "passing “\(name.en)”")
        }
    }
}

extension ListID {
    /// The product whose owners the list holds; nil for other lists.
    public var productCode: String? {
        code.hasPrefix("product/") ? String(code.dropFirst("product/".count)) : nil
    }

    /// The list's name.
    public func name(_ policy: ContactPolicy?) -> BilingualText {
        if let outcome = Outcome(code: code), let number = outcome.dndClass {
            let name = policy?.dnd.first { $0.number == number }?.name
            return name.map { BilingualText(zh: "免打扰\(number)：\($0.zh)", en: "Do not disturb \(number): \($0.en)") }
                ?? outcome.name
        }
        switch code {
        case "black": return Outcome.listBlack.name
        case "grey": return Outcome.listGrey.name
        case "white": return BilingualText(zh: "白名单", en: "White list")
        case "important": return BilingualText(zh: "重要客户", en: "Important customers")
        case "vip": return BilingualText(zh: "VIP", en: "VIP")
        default:
            if let preference = Preference(rawValue: code) { return preference.name }
            return productCode.map { BilingualText(zh: "产品 \($0)", en: "Product \($0)") }
                ?? BilingualText(zh: code, en: code)
        }
    }
}
