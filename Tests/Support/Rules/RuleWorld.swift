// A small operator's catalogue and names, which the tests of rules and columns share.
// SPDX-License-Identifier: Apache-2.0

public import Model
public import Rules

/// Attributes of every type, in pairs where two of a type are compared with each other.
public enum RuleWorld {
    public static let catalogue = AttributeCatalogue(
        groups: [AttributeGroup(code: "all", name: BilingualText(zh: "全部", en: "All"))],
        attributes: [
            attribute("brand", "品牌", .enumeration, domain: ["全球通", "动感地带", "神州行"]),
            attribute("old_brand", "原品牌", .enumeration, domain: ["神州行", "全球通", "café"]),
            attribute("card", "卡级", .enumeration, domain: ["普通", "银卡", "金卡", "钻石卡"], isOrdered: true),
            attribute("best_card", "最高卡级", .enumeration, domain: ["普通", "银卡", "金卡", "钻石卡"], isOrdered: true),
            attribute("arpu", "月均消费", .decimal(scale: 2), range: -100_000...100_000),
            attribute("rent", "月租", .decimal(scale: 2), range: -100_000...100_000),
            attribute("rate", "单价", .decimal(scale: 4), range: -500_000...500_000),
            attribute("balance", "余额", .decimal(scale: 2)),
            attribute("age", "年龄", .integer, range: -20...120),
            attribute("tenure", "在网月数", .integer, range: -50...400),
            attribute("points", "积分", .integer),
            attribute("activated", "入网日期", .day),
            attribute("last_order", "最近订购", .day),
            attribute("is_5g", "5G用户", .flag),
            attribute("is_group", "集团成员", .flag),
            attribute("city", "城市", .text),
            attribute("home", "归属地(市)", .text),
            attribute("remark", "备注", .text, isHot: false),
        ]
    )

    /// Tables of behaviour with columns of every type that such a table can have.
    public static let sources = [
        EventSource(
            name: "contact",
            title: BilingualText(zh: "接触记录", en: "Contacts"),
            columns: [
                attribute("channel", "渠道", .text, isHot: false), attribute("outcome", "结果", .text, isHot: false),
                attribute("campaign", "活动编号", .integer, isHot: false), attribute("day", "日期", .day, isHot: false),
                attribute("answered", "已接听", .flag, isHot: false),
            ],
            day: "day",
            time: "at"
        ),
        EventSource(
            name: "subscriber_month",
            title: BilingualText(zh: "月账单", en: "Monthly bills"),
            columns: [
                attribute("month", "月份", .day, isHot: false), attribute("fee", "费用", .decimal(scale: 2), isHot: false),
                attribute("rate", "折扣", .decimal(scale: 9), isHot: false),
                attribute("mb", "流量", .integer, isHot: false),
                attribute("note", "备注", .text, isHot: false),
            ],
            day: "month"
        ),
    ]

    /// Derived attributes: a sum, one of a quotient with digits cut off, one made of others, days, one that asks for behaviour;
    /// conditions, likewise.
    public static let derived = [
        DerivedAttribute(code: "d_sum", name: names("合计"), group: "all", expression: "arpu + rent"),
        DerivedAttribute(code: "d_ratio", name: names("单月占比"), group: "all", expression: "arpu / tenure", decimals: 1),
        DerivedAttribute(code: "d_score", name: names("综合分"), group: "all", expression: "d_sum * 2 - 单月占比 + age"),
        DerivedAttribute(code: "d_whole", name: names("整数部分"), group: "all", expression: "rate * 3", decimals: 0),
        DerivedAttribute(
            code: "d_years",
            name: names("年"),
            group: "all",
            expression: "days_between(activated, today) / 365"
        ),
        DerivedAttribute(
            code: "d_anniversary",
            name: names("周年"),
            group: "all",
            expression: "activated + INTERVAL 12 MONTH"
        ),
        DerivedAttribute(
            code: "d_contacts",
            name: names("近期接触"),
            group: "all",
            expression: "count(contact, within 3 months) + d_whole"
        ),
        DerivedAttribute(
            code: "d_tag",
            name: names("画像"),
            group: "all",
            expression: "arpu > rent AND NOT (age < 30 OR d_years >= 5)"
        ),
        DerivedAttribute(
            code: "d_other_tag",
            name: names("反画像"),
            group: "all",
            expression: "NOT d_tag OR city LIKE '深%'"
        ),
        DerivedAttribute(
            code: "d_active",
            name: names("活跃"),
            group: "all",
            expression: "画像 OR did(contact, within 3 months)"
        ),
    ]

    /// The catalogue with derived attributes.
    public static let derivedCatalogue = derived.reduce(catalogue) { catalogue, derived in
        guard let attribute = try? RuleScope(catalogue: catalogue, sources: sources).attribute(of: derived) else {
            preconditionFailure("\(derived.code) does not fit")
        }
        return AttributeCatalogue(groups: catalogue.groups, attributes: catalogue.attributes + [attribute])
    }

    private static func names(_ zh: String) -> BilingualText { BilingualText(zh: zh, en: zh) }

    /// The catalogue with lists, audiences, products and behaviour.
    public static let scope = RuleScope(
        catalogue: derivedCatalogue,
        lists: ["black", "grey", "o'neill"],
        audiences: ["summer", "暑期"],
        products: ["5g-128", "vod"],
        sources: sources
    )

    private static func attribute(
        _ code: String,
        _ zh: String,
        _ type: AttributeType,
        domain: [String] = [],
        isOrdered: Bool = false,
        range: ClosedRange<Int64>? = nil,
        isHot: Bool = true
    ) -> Attribute {
        Attribute(
            code: code,
            name: BilingualText(zh: zh, en: code.replacing("_", with: " ")),
            type: type,
            group: "all",
            domain: domain.map { DomainValue(value: $0, label: BilingualText(zh: $0 + "客户", en: $0)) },
            isOrdered: isOrdered,
            range: range,
            isHot: isHot
        )
    }
}
