// Names of outcomes and evidence, as people read them.
// SPDX-License-Identifier: Apache-2.0

public import Model

extension Outcome {
    /// The outcome's name for lists and charts.
    public var name: BilingualText {
        switch self {
        case .erased: BilingualText(zh: "用户信息已删除", en: "Erased")
        case .campaignNotLive: BilingualText(zh: "活动未在执行期", en: "Campaign not live")
        case .channelNotConfirmed: BilingualText(zh: "渠道未确认", en: "Channel not confirmed")
        case .notInSegment: BilingualText(zh: "不在目标客户群", en: "Not in the segment")
        case .holdout: BilingualText(zh: "全局空白组", en: "Global holdout")
        case .productOwned: BilingualText(zh: "已订购该产品", en: "Owns the product")
        case .productConflict: BilingualText(zh: "与已有产品冲突", en: "Conflicts with a product owned")
        case .dnd01: BilingualText(zh: "免打扰1：主动要求屏蔽", en: "Do not disturb 1: asked not to be")
        case .dnd02: BilingualText(zh: "免打扰2：敏感投诉客户", en: "Do not disturb 2: sensitive complaints")
        case .dnd03: BilingualText(zh: "免打扰3：VIP钻金卡", en: "Do not disturb 3: VIP diamond and gold")
        case .dnd04: BilingualText(zh: "免打扰4：VIP银卡", en: "Do not disturb 4: VIP silver")
        case .dnd05: BilingualText(zh: "免打扰5：集团公司客户", en: "Do not disturb 5: group company")
        case .dnd06: BilingualText(zh: "免打扰6：公司员工", en: "Do not disturb 6: employees")
        case .dnd07: BilingualText(zh: "免打扰7：政务通", en: "Do not disturb 7: government line")
        case .dnd08: BilingualText(zh: "免打扰8：警务通", en: "Do not disturb 8: police line")
        case .dnd09: BilingualText(zh: "免打扰9：奥组委", en: "Do not disturb 9: Olympic committee")
        case .dnd10: BilingualText(zh: "免打扰10：单位户", en: "Do not disturb 10: organisations")
        case .dnd11: BilingualText(zh: "免打扰11：外籍", en: "Do not disturb 11: foreign nationals")
        case .dnd12: BilingualText(zh: "免打扰12：黑户", en: "Do not disturb 12: black accounts")
        case .dnd13: BilingualText(zh: "免打扰13：随E行", en: "Do not disturb 13: Sui-E-Xing")
        case .dnd14: BilingualText(zh: "免打扰14：已停机", en: "Do not disturb 14: suspended")
        case .dnd15: BilingualText(zh: "免打扰15：已销号", en: "Do not disturb 15: cancelled")
        case .withdrawn: BilingualText(zh: "其他渠道已处理，本渠道取消", en: "Cancelled by another channel")
        case .categoryRule: BilingualText(zh: "不符合该类活动的规则", en: "Kept away by a category rule")
        case .listBlack: BilingualText(zh: "黑名单", en: "Black list")
        case .listGrey: BilingualText(zh: "灰名单", en: "Grey list")
        case .interval: BilingualText(zh: "距上次接触太近", en: "Too soon after the last contact")
        case .similarCampaign: BilingualText(zh: "近期已有类似营销", en: "Similar campaign recently")
        case .capSMS: BilingualText(zh: "短信类接触超频", en: "SMS cap reached")
        case .capOutbound: BilingualText(zh: "外呼类接触超频", en: "Outbound cap reached")
        case .capInbound: BilingualText(zh: "呼入类接触超频", en: "Inbound cap reached")
        case .capWebsite: BilingualText(zh: "网站类活动超频", en: "Website cap reached")
        case .capOverall: BilingualText(zh: "总体接触超频", en: "Overall cap reached")
        case .noScore: BilingualText(zh: "无评分", en: "No score")
        case .outranked: BilingualText(zh: "排名靠后", en: "Outranked")
        case .capacity: BilingualText(zh: "超出渠道容量", en: "Beyond channel capacity")
        case .budget: BilingualText(zh: "超出预算", en: "Beyond budget")
        case .quietHours: BilingualText(zh: "免扰时段", en: "Quiet hours until validity ends")
        case .takenMeanwhile: BilingualText(zh: "名额被其他接触占用", en: "Taken by another contact meanwhile")
        case .noAddress: BilingualText(zh: "号码无效", en: "No number of its own")
        case .control: BilingualText(zh: "对照组", en: "Control group")
        case .contact: BilingualText(zh: "接触", en: "Contact")
        }
    }
}
