// What changed between two contact policies, in words of both languages.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

extension PolicyChange {
    /// The change as one sentence, for example `VIP customers, SMS cap: 2 a month → 1 a month`.
    public func sentence(_ language: Language) -> String {
        let what = subject(language)
        switch (before.map { $0.words(language) }, after.map { $0.words(language) }) {
        case (let before?, let after?): return language("\(what)：\(before) → \(after)", "\(what): \(before) → \(after)")
        case (nil, let after?): return language("\(what)：新增，\(after)", "\(what): new, \(after)")
        case (let before?, nil): return language("\(what)：取消，原为 \(before)", "\(what): dropped, was \(before)")
        case (nil, nil): return what
        }
    }

    /// What the change is about, for example `VIP customers, SMS cap`.
    public func subject(_ language: Language) -> String {
        let part = language(section.name)
        let item = name.map { language($0) } ?? item
        let named: String
        switch section {
        case .tiers, .categoryRules, .quietAreas, .linkage: named = item.isEmpty ? part : "\(part) \(item)"
        case .dnd: named = language("免打扰\(self.item) \(item)", "Do-not-disturb class \(self.item) \(item)")
        case .similarDays, .similarTo, .productDays: named = item == "*" ? "\(part) *" : "\(part) \(item)"
        default: named = part
        }
        let aspect = aspect.words(language, in: section)
        return aspect.isEmpty ? named : named + language("，", ", ") + aspect
    }
}

extension PolicySection {
    /// The part's name.
    public var name: BilingualText {
        switch self {
        case .tiers: BilingualText(zh: "档位", en: "Tier")
        case .dnd: BilingualText(zh: "免打扰类别", en: "Do-not-disturb classes")
        case .intervalDays: BilingualText(zh: "渠道最小间隔", en: "Minimum interval")
        case .similarDays: BilingualText(zh: "同类营销间隔", en: "Similar campaigns")
        case .similarTo: BilingualText(zh: "视为同类的类别", en: "Counted as similar to")
        case .productDays: BilingualText(zh: "同一产品间隔", en: "Interval of a product")
        case .categoryRules: BilingualText(zh: "类别规则", en: "Category rule")
        case .quietHours: BilingualText(zh: "免扰时段", en: "Quiet hours")
        case .quietAreas: BilingualText(zh: "地区免扰", en: "Quiet area")
        case .holidays: BilingualText(zh: "节假日", en: "Holidays")
        case .holdout: BilingualText(zh: "全局空白组", en: "Global holdout")
        case .reservationHours: BilingualText(zh: "预扣保留", en: "Reservations kept")
        case .ranking: BilingualText(zh: "优先级排序", en: "Ranking")
        case .offers: BilingualText(zh: "单次推荐上限", en: "Most offers in an answer")
        case .linkage: BilingualText(zh: "联动类型", en: "Linkage type")
        }
    }
}

extension PolicyAspect {
    fileprivate func words(_ language: Language, in section: PolicySection) -> String {
        switch self {
        case .whole: ""
        case .order: language("顺序", "order")
        case .name: language("名称", "name")
        case .rule: language("规则", "rule")
        case .categories: language("适用类别", "categories")
        case .overall: language("总体上限", "overall cap")
        case .isByChannel: language("按渠道登记", "by channel")
        case .mayBeUnticked: language("可取消剔除的角色", "may be unticked by")
        case .history: language("展示历史的触点", "history shown at")
        case .minutesToShow: language("展示时限", "time to show")
        case .minutesKept: language("结果保留时间", "answer kept")
        case .epoch: language("周期", "epoch")
        case .channel(let channel):
            section == .tiers
                ? language("\(channel.name.zh)上限", "\(channel.name.en) cap") : language(channel.name)
        case .cell(let channel, let result):
            language(
                "\(channel.name.zh)\(result.name.zh)后取消",
                "cancelled after \(result.name.en) on \(channel.name.en)"
            )
        }
    }
}

extension PolicyValue {
    /// The value as people read it.
    public func words(_ language: Language) -> String {
        func list(_ items: [String], none: BilingualText) -> String {
            items.isEmpty ? language(none) : items.joined(separator: language("、", ", "))
        }
        func time(_ minute: Int) -> String {
            (minute / 60 < 10 ? "0" : "") + "\(minute / 60):" + (minute % 60 < 10 ? "0" : "") + "\(minute % 60)"
        }
        let nothing = BilingualText(zh: "无", en: "none")
        switch self {
        case .cap(let cap):
            return cap.months == 1
                ? language("\(cap.count) 次/月", "\(cap.count) a month")
                : language("\(cap.count) 次/\(cap.months) 个月", "\(cap.count) in \(cap.months) months")
        case .items(let cap):
            return cap.months == 1
                ? language("\(cap.count) 个/月", "\(cap.count) campaigns a month")
                : language("\(cap.count) 个/\(cap.months) 个月", "\(cap.count) campaigns in \(cap.months) months")
        case .days(let days): return language("\(days) 天", "\(days) days")
        case .hours(let hours): return language("\(hours) 小时", "\(hours) hours")
        case .minutes(let minutes): return language("\(minutes) 分钟", "\(minutes) minutes")
        case .number(let number): return "\(number)"
        case .share(let ppm):
            var digits = Scaled(unscaled: Int64(ppm), scale: 4).description
            while digits.contains("."), digits.hasSuffix("0") || digits.hasSuffix(".") { digits.removeLast() }
            return digits + "%"
        case .quiet(let quiet): return "\(time(quiet.from))～\(time(quiet.to))"
        case .text(let text): return language("“\(text)”", "“\(text)”")
        case .name(let name): return language(name)
        case .flag(let flag): return language(flag ? "是" : "否", flag ? "yes" : "no")
        case .roles(nil): return language("全部策划", "every planner")
        case .roles(let roles?):
            let names = roles.map { role in Role(rawValue: role).map { language($0.name) } ?? role }
            return list(names, none: BilingualText(zh: "任何人不可", en: "nobody"))
        case .codes(let codes): return list(codes, none: nothing)
        case .categories(let codes): return list(codes, none: BilingualText(zh: "全部", en: "all"))
        case .channels(let channels): return list(channels.map { language($0.name) }, none: nothing)
        case .touchpoints(let all): return list(all.map { language($0.name) }, none: nothing)
        case .dates(let days): return list(days.map(\.iso), none: nothing)
        case .ranking(let keys): return list(keys.map { language($0.name) }, none: nothing)
        }
    }
}

extension ContactResult {
    /// The result's name.
    public var name: BilingualText {
        switch self {
        case .shown: BilingualText(zh: "已展示", en: "shown")
        case .accepted: BilingualText(zh: "接受", en: "accepted")
        case .refused: BilingualText(zh: "拒绝", en: "refused")
        case .considering: BilingualText(zh: "考虑中", en: "considering")
        case .later: BilingualText(zh: "以后再说", en: "later")
        case .completed: BilingualText(zh: "通话完成", en: "call completed")
        case .interrupted: BilingualText(zh: "通话中断", en: "call interrupted")
        case .failed: BilingualText(zh: "未接触到", en: "not reached")
        }
    }
}

extension Touchpoint {
    /// The touchpoint's name.
    public var name: BilingualText {
        switch self {
        case .counter: BilingualText(zh: "营业厅", en: "shop counter")
        case .hotline: BilingualText(zh: "热线", en: "hotline")
        case .website: BilingualText(zh: "网站", en: "website")
        case .app: BilingualText(zh: "掌上营业厅", en: "app")
        case .terminal: BilingualText(zh: "自助终端", en: "self-service terminal")
        case .outbound: BilingualText(zh: "外呼", en: "outbound call")
        case .sms: BilingualText(zh: "短信", en: "SMS")
        }
    }
}

extension RankingKey {
    /// The key's name.
    public var name: BilingualText {
        switch self {
        case .priority: BilingualText(zh: "通用优先级", en: "general priority")
        case .personalPriority: BilingualText(zh: "个性化优先级", en: "personal priority")
        case .expectedValue: BilingualText(zh: "期望价值", en: "expected value")
        case .value: BilingualText(zh: "订购价值", en: "value of an order")
        }
    }
}

extension Role {
    /// The role's name.
    public var name: BilingualText {
        switch self {
        case .planner: BilingualText(zh: "策划", en: "planner")
        case .approver: BilingualText(zh: "审批人", en: "approver")
        case .agent: BilingualText(zh: "客服代表", en: "agent")
        case .administrator: BilingualText(zh: "管理员", en: "administrator")
        }
    }
}
