// Tables of behaviour: what a rule may ask about what subscribers did.
// SPDX-License-Identifier: Apache-2.0

public import Model

/// A table with any number of rows per subscriber, each of a day.
public struct EventSource: Hashable, Sendable {
    /// Name of the table, as rules write it.
    public var name: String
    /// Names for people; a rule may use the Chinese one.
    public var title: BilingualText
    /// Columns that conditions, sums and last values read, typed like attributes.
    public var columns: AttributeCatalogue
    /// The column with a row's day.
    public var day: String
    /// A time that orders the rows of one day; nil = there is none.
    public var time: String?

    /// Joins name, columns and day.
    public init(name: String, title: BilingualText, columns: [Attribute], day: String, time: String? = nil) {
        self.name = name
        self.title = title
        self.columns = AttributeCatalogue(groups: [], attributes: columns)
        self.day = day
        self.time = time
    }

    /// The relation that SQL reads: the columns, ``day``, ``time`` and `idx`, the subscriber, which is never NULL.
    public var relation: String { "event_" + name }
}

// MARK: The tables that every operator has

extension EventSource {
    /// The tables of behaviour with their fixed columns (docs/formats.md); loads may add others.
    public static let standard = [
        EventSource(
            name: "contact",
            title: BilingualText(zh: "接触记录", en: "Contacts"),
            columns: [
                column("day", "日期", .day), column("channel", "渠道", .text), column("kind", "类型", .text),
                column("category", "类别", .text), column("outcome", "结果", .text),
                column("campaign", "活动", .text), column("means", "联系方式", .text),
                column("business", "业务类型", .text), column("handling", "办理类型", .text),
                column("department", "被投诉部门", .text), column("seconds", "时长（秒）", .integer),
            ],
            day: "day",
            time: "at"
        ),
        EventSource(
            name: "complaint",
            title: BilingualText(zh: "投诉", en: "Complaints"),
            columns: [
                column("day", "日期", .day), column("topic", "主题", .text), column("resolved", "已解决", .flag),
                column("escalated", "升级投诉", .flag), column("channel", "渠道", .text),
                column("call_seconds", "通话时长（秒）", .integer),
            ],
            day: "day"
        ),
        EventSource(
            name: "subscription",
            title: BilingualText(zh: "订购", en: "Subscriptions"),
            columns: [
                column("product", "产品", .text), column("from_day", "开始日期", .day), column("to_day", "结束日期", .day),
                column("trial", "试用", .flag), column("end_reason", "结束原因", .text),
            ],
            day: "from_day"
        ),
        EventSource(
            name: "subscriber_month",
            title: BilingualText(zh: "月账单", en: "Monthly bills"),
            columns: [column("month", "月份", .day)],
            day: "month"
        ),
        EventSource(
            name: "visit",
            title: BilingualText(zh: "访问轨迹", en: "Visits"),
            columns: [
                column("day", "日期", .day), column("channel", "渠道", .text), column("step", "步骤", .text),
                column("business", "业务类型", .text), column("seconds", "时长（秒）", .integer),
            ],
            day: "day",
            time: "at"
        ),
        EventSource(
            name: "external_behaviour",
            title: BilingualText(zh: "外部行为", en: "Behaviour elsewhere"),
            columns: [
                column("day", "日期", .day), column("source", "来源", .text), column("kind", "类型", .text),
                column("value", "取值", .text),
            ],
            day: "day"
        ),
        EventSource(
            name: "interest",
            title: BilingualText(zh: "业务倾向", en: "Interest in products"),
            columns: [
                column("day", "日期", .day), column("product", "产品", .text), column("demand", "需求度", .integer),
                column("rejection", "拒绝度", .integer),
            ],
            day: "day"
        ),
    ]

    private static func column(_ code: String, _ zh: String, _ type: AttributeType) -> Attribute {
        Attribute(code: code, name: BilingualText(zh: zh, en: code), type: type, group: "", isHot: false)
    }
}
