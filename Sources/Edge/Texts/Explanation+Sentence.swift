// One plain sentence per decision, as an agent reads it to a customer (接触原因查询).
// SPDX-License-Identifier: Apache-2.0

public import Decisioning
public import Kernel
public import Model

/// Names that a decision's evidence refers to by code.
public struct SentenceNames: Sendable {
    /// The campaign as people know it.
    public var campaign: String
    /// The channel class it contacts through.
    public var channel: ChannelClass
    /// The contact policy, for names of tiers and do-not-disturb classes; nil when none was set.
    public var policy: ContactPolicy?
    /// Other campaigns by number, for those that were in the way.
    public var campaigns: [CampaignID: String]

    /// Joins the names.
    public init(
        campaign: String,
        channel: ChannelClass,
        policy: ContactPolicy?,
        campaigns: [CampaignID: String] = [:]
    ) {
        self.campaign = campaign
        self.channel = channel
        self.policy = policy
        self.campaigns = campaigns
    }

    func tier(_ code: String) -> BilingualText {
        policy?.tiers.first { $0.code == code }?.name ?? BilingualText(zh: "最严档", en: "strictest row")
    }

    func dnd(_ number: Int) -> BilingualText {
        policy?.dnd.first { $0.number == number }?.name ?? Outcome.dnd(class: number).name
    }
}

extension Explanation {
    /// What happened and why, in one sentence.
    ///
    /// For example 「11月17日“流量包”的短信因本月短信已达4次上限（神州行每月4次）未发送。」
    public func sentence(_ language: Language, _ names: SentenceNames) -> String {
        let day = language.day(at.day)
        let channel = names.channel.words
        let what = language(
            "\(day)“\(names.campaign)”的\(channel.noun.zh)",
            "The \(channel.noun.en) “\(names.campaign)” of \(day)"
        )
        if isRehearsed { return rehearsedSentence(language, names) }
        if let request { return offerSentence(language, names, day: day, place: request.touchpoint.name) }
        switch outcome {
        case .contact: return what + contactSentence(language, names)
        case .control:
            let ordered = has("ordered")
            return language(
                what + "\(channel.not.zh)：该用户被抽入对照组，用于评估活动效果"
                    + (ordered ? "；之后用户自行订购了产品。" : "。"),
                what
                    + " was \(channel.not.en): the subscriber was drawn into the control group that measures the effect"
                    + (ordered ? "; the subscriber ordered the product anyway." : ".")
            )
        default:
            let reason = (deciding ?? CheckResult(outcome, isPassed: false)).reason(names)
            return language(
                "\(what)因\(reason.zh)\(channel.not.zh)。",
                "\(what) was \(channel.not.en) because \(reason.en)."
            )
        }
    }

    /// What a request was answered, and what came of it.
    private func offerSentence(
        _ language: Language,
        _ names: SentenceNames,
        day: String,
        place: BilingualText
    ) -> String {
        switch outcome {
        case .contact:
            let result = aftermath.last { $0.key.hasPrefix("answer_") }
                .flatMap { ContactResult(code: String($0.key.dropFirst("answer_".count))) }
            let after =
                result.map { BilingualText(zh: "，结果：\($0.name.zh)", en: "; result: \($0.name.en)") }
                ?? (has("released")
                    ? BilingualText(zh: "，未展示，接触次数已返还", en: ", was not shown and was given back")
                    : BilingualText(zh: "", en: ""))
            return language(
                "\(day)在\(place.zh)推荐了“\(names.campaign)”\(after.zh)。",
                "“\(names.campaign)” was offered at the \(place.en) on \(day)\(after.en)."
            )
        case .control:
            return language(
                "\(day)在\(place.zh)未推荐“\(names.campaign)”：该用户被抽入对照组，用于评估活动效果。",
                "“\(names.campaign)” was not offered at the \(place.en) on \(day): the subscriber was drawn into the "
                    + "control group that measures the effect."
            )
        default:
            let reason = (deciding ?? CheckResult(outcome, isPassed: false)).reason(names)
            return language(
                "\(day)在\(place.zh)因\(reason.zh)未推荐“\(names.campaign)”。",
                "“\(names.campaign)” was not offered at the \(place.en) on \(day) because \(reason.en)."
            )
        }
    }

    private func rehearsedSentence(_ language: Language, _ names: SentenceNames) -> String {
        let channel = names.channel.words
        switch outcome {
        case .contact:
            return language(
                "“\(names.campaign)”尚未执行；按当前情况，该用户会收到\(channel.noun.zh)。",
                "“\(names.campaign)” has not run yet; as things stand the subscriber would get the \(channel.noun.en)."
            )
        case .control:
            return language(
                "“\(names.campaign)”尚未执行；按当前情况，该用户会进入对照组，不会收到\(channel.noun.zh)。",
                "“\(names.campaign)” has not run yet; as things stand the subscriber would be in the control group."
            )
        default:
            let reason = (deciding ?? CheckResult(outcome, isPassed: false)).reason(names)
            return language(
                "“\(names.campaign)”尚未执行；按当前情况，该用户会因\(reason.zh)收不到\(channel.noun.zh)。",
                "“\(names.campaign)” has not run yet; as things stand the subscriber would not get the "
                    + "\(channel.noun.en) because \(reason.en)."
            )
        }
    }

    private func has(_ key: String) -> Bool { aftermath.contains { $0.key == key } }

    /// What became of a contact.
    private func contactSentence(_ language: Language, _ names: SentenceNames) -> String {
        if let code = aftermath.first(where: { $0.key == "dropped" })?.value {
            let dropped = Outcome(code: code) ?? .noAddress
            let reason = CheckResult(dropped, isPassed: false).reason(names)
            return language(
                "在发出前复核时因\(reason.zh)撤下，未发送，接触次数已返还。",
                " was withdrawn at the check before sending because \(reason.en); the contact was given back."
            )
        }
        guard has("handed_off") else {
            return has("released")
                ? language("未发出，接触次数已返还。", " never left, and the contact was given back.")
                : language("已列入发送名单，尚未发出。", " is on the list to send and has not left yet.")
        }
        var zh: String
        var en: String
        if has("delivered") {
            (zh, en) = ("已送达", " was delivered")
        } else if has("refused") || has("failed") {
            (zh, en) = ("未能送达，接触次数已返还", " could not be delivered, and the contact was given back")
        } else if has("unknown") {
            (zh, en) = ("已交网关，结果不明，计为一次接触", " went to the gateway with unknown result and counts as a contact")
        } else if has("settled") {
            (zh, en) = ("已发出，未收到状态报告，到期计为一次接触", " was sent, got no receipt in time and counts as a contact")
        } else {
            (zh, en) = ("已发出，等待状态报告", " was sent and waits for its receipt")
        }
        for (key, more) in [
            ("replied", ("用户已回复", "the customer replied")), ("ordered", ("用户已订购", "the customer ordered")),
            ("unsubscribed", ("用户已回复退订", "the customer replied to unsubscribe")),
        ] where has(key) {
            zh += "，" + more.0
            en += ", " + more.1
        }
        return language(zh + "。", en + ".")
    }
}

extension CheckResult {
    fileprivate func value(_ key: String) -> String? { evidence.first { $0.key == key }?.value }

    /// Why a subscriber who fails this check is not contacted: a clause that follows 因 or "because".
    public func reason(_ names: SentenceNames) -> BilingualText {
        let channel = names.channel.words
        switch outcome {
        case .campaignNotLive: return both("活动当时未在执行期", "the campaign was not live")
        case .channelNotConfirmed: return both("渠道尚未确认数量和日期", "the channel had not confirmed count and date")
        case .notInSegment: return both("用户不在目标客户群内", "the subscriber is not in the segment")
        case .holdout:
            return both("用户属于全局空白组（不参加任何营销）", "the subscriber is in the global holdout, which gets no marketing")
        case .productOwned:
            return both(
                "用户已订购该产品\(named("product").zh)",
                "the subscriber owns the product\(named("product").en) already"
            )
        case .productConflict:
            return both(
                "活动产品与用户已有产品\(named("product").zh)冲突",
                "the offer conflicts with a product the subscriber owns\(named("product").en)"
            )
        case .withdrawn: return withdrawnReason
        case .categoryRule:
            return both(
                "用户属于该类活动不营销的对象\(named("rule").zh)",
                "a rule of the policy keeps this category away from the subscriber\(named("rule").en)"
            )
        case .listBlack: return both("用户在黑名单中", "the subscriber is on the black list")
        case .listGrey: return both("用户在灰名单中", "the subscriber is on the grey list")
        case .interval, .similarCampaign: return recentReason(channel)
        case .capSMS, .capOutbound, .capInbound, .capWebsite, .capOverall: return capReason(names)
        case .noScore: return both("用户没有可用的评分", "the subscriber has no score")
        case .outranked where value("assignment") != nil:
            return both("多活动统筹没有把该活动分配给用户", "the arbitration across campaigns did not give the subscriber this one")
        case .outranked: return rankReason(names)
        case .capacity: return both("渠道容量已满\(cut.zh)", "the channel's capacity went to others\(cut.en)")
        case .budget: return both("活动预算已用完\(cut.zh)", "the budget went to others\(cut.en)")
        case .quietHours:
            return both("免扰时段结束前活动已过有效期", "the campaign ends before the quiet hours do")
        case .takenMeanwhile:
            return both(
                "预扣前最后一次接触名额已被其他接触占用",
                "another contact took the last free place before the reservation"
            )
        case .noAddress: return both("用户已没有可用号码", "the subscriber has no number any more")
        case .control: return both("用户被抽入对照组", "the subscriber was drawn into the control group")
        case .contact: return both("通过全部检查", "every check was passed")
        default:
            let number = outcome.dndClass ?? 1
            let name = names.dnd(number)
            return both(
                "用户登记了免打扰（第\(number)类：\(name.zh)）",
                "the subscriber is on do-not-disturb list \(number) (\(name.en))"
            )
        }
    }

    private var withdrawnReason: BilingualText {
        if let until = value("until").flatMap({ LocalDay(iso: $0) }) {
            let (zh, en) = (Language.zh.day(until), Language.en.day(until))
            return both("用户要求\(zh)以后再联系", "the customer asked not to be offered this before \(en)")
        }
        return both(
            "该活动已在其他渠道得到处理，本渠道按联动规则取消",
            "what happened to this offer on another channel cancelled it here"
        )
    }

    private func both(_ zh: String, _ en: String) -> BilingualText { BilingualText(zh: zh, en: en) }

    private func named(_ key: String) -> BilingualText {
        value(key).map { both("（\($0)）", " (\($0))") } ?? both("", "")
    }

    private func rankReason(_ names: SentenceNames) -> BilingualText {
        let ahead = evidence.filter { $0.key == "ahead" }
            .compactMap { Int64($0.value).flatMap { names.campaigns[CampaignID($0)] } }
        guard !ahead.isEmpty else { return both("评分排名在名额之外\(cut.zh)", "others ranked higher\(cut.en)") }
        return both(
            "名额先给了" + ahead.map { "“\($0)”" }.joined(separator: "、"),
            ahead.map { "“\($0)”" }.joined(separator: ", ") + " ranked higher"
        )
    }

    private var cut: BilingualText {
        guard let score = value("score"), let cut = value("cut") else { return both("", "") }
        return both("（评分 \(score)，入选线 \(cut)）", " (score \(score), needed \(cut))")
    }

    private func recentReason(_ channel: ChannelWords) -> BilingualText {
        let last = value("last").flatMap { LocalDay(iso: $0) }
        guard let last, let days = value("days") else {
            return outcome == .interval
                ? both("距上次\(channel.noun.zh)时间过短", "the last \(channel.noun.en) was too close")
                : both("近期已有同类营销", "a similar campaign was too close")
        }
        let (zh, en) = (Language.zh.day(last), Language.en.day(last))
        return outcome == .interval
            ? both(
                "\(zh)已有一次\(channel.noun.zh)，间隔不足\(days)天",
                "there was \(channel.article) \(channel.noun.en) on \(en), less than \(days) days away"
            )
            : both(
                "\(zh)已有同类营销，\(days)天内不再重复",
                "a similar campaign ran on \(en), less than \(days) days away"
            )
    }

    private func capReason(_ names: SentenceNames) -> BilingualText {
        let kind: BilingualText
        switch outcome {
        case .capOutbound: kind = both("外呼", "outbound")
        case .capInbound: kind = both("呼入推荐", "inbound")
        case .capWebsite: kind = both("网站活动", "website")
        case .capOverall: kind = both("各渠道接触", "overall")
        default: kind = both("短信", "SMS")
        }
        guard let cap = value("cap"), let months = value("months") else {
            return both("\(kind.zh)已达次数上限", "the \(kind.en) cap was reached")
        }
        let tier = value("tier").map(names.tier)
        let monthly = months == "1"
        let period = monthly ? both("每月", "a month") : both("每\(months)个月", "in \(months) months")
        let row = tier.map { both("（\($0.zh)\(period.zh)\(cap)次）", " (\($0.en): \(cap) \(period.en))") } ?? both("", "")
        return both(
            (monthly ? "本月" : "近\(months)个月") + "\(kind.zh)已达\(cap)次上限\(row.zh)",
            "the \(kind.en) cap of \(cap) \(period.en) was reached\(row.en)"
        )
    }
}

/// How sentences speak of a channel class.
struct ChannelWords {
    var noun: BilingualText
    /// English article of the noun.
    var article: String
    /// What follows "was", for example "not sent".
    var not: BilingualText
}

extension ChannelClass {
    /// The class's name for lists.
    public var name: BilingualText {
        switch self {
        case .sms: BilingualText(zh: "短信", en: "SMS")
        case .outbound: BilingualText(zh: "外呼", en: "Outbound call")
        case .inbound: BilingualText(zh: "呼入", en: "Inbound contact")
        case .website: BilingualText(zh: "网站", en: "Website")
        }
    }

    var words: ChannelWords {
        func words(_ zh: String, _ article: String, _ en: String, _ notZh: String, _ notEn: String) -> ChannelWords {
            ChannelWords(
                noun: BilingualText(zh: zh, en: en),
                article: article,
                not: BilingualText(zh: notZh, en: notEn)
            )
        }
        switch self {
        case .sms: return words("短信", "an", "SMS", "未发送", "not sent")
        case .outbound: return words("外呼", "a", "call", "未拨打", "not made")
        case .inbound: return words("呼入推荐", "an", "inbound offer", "未推荐", "not made")
        case .website: return words("网站推荐", "a", "website offer", "未展示", "not shown")
        }
    }
}

extension Language {
    /// A day of this year or nearby, for sentences: `11月17日`, `17 November`.
    public func day(_ day: LocalDay) -> String {
        let (_, month, date) = day.components
        let names = [
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ]
        return self("\(month)月\(date)日", "\(date) \(names[month - 1])")
    }
}
