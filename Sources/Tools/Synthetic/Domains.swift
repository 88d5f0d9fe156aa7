// The values of the synthetic operator's enumerations, plans and products; labels are in Examples/operator/catalogue.yaml.
// SPDX-License-Identifier: Apache-2.0

/// A brand; raw values are positions in ``Domains/brand``.
enum Brand: Int {
    case goTone = 0
    case mZone = 1
    case easyOwn = 2
}

/// A tariff plan of the synthetic operator.
struct Plan {
    var name: String
    var brand: Brand
    var feeCents: Int
    var dataMB: Int
    var minutes: Int
    var is5G: Bool
}

/// Values as they stand in the warehouse, in the order of the attribute catalogue.
enum Domains {
    static let brand = ["全球通", "动感地带", "神州行"]
    static let vipLevel = ["普通", "银卡", "金卡", "钻卡"]
    static let sex = ["男", "女"]
    static let status = ["正常", "停机", "销号"]
    static let customerType = ["个人", "集团成员", "单位户"]
    static let paymentType = ["预付费", "后付费"]
    static let occupation = ["学生", "企业职员", "公务员", "教师", "个体经营", "农业", "自由职业", "退休"]
    static let lifeStage = ["新入网", "成长", "成熟", "衰退"]
    static let level = ["低", "中", "高"]
    static let valueTier = ["敏感", "一般", "高价值"]
    static let terminalType = ["功能机", "4G手机", "5G手机", "数据终端"]
    static let terminalBrand = ["华为", "荣耀", "小米", "OPPO", "vivo", "苹果", "三星", "其他"]
    static let preferredChannel = ["短信", "外呼", "营业厅", "热线", "网站", "掌上营业厅"]

    /// Plans by brand, cheapest first.
    static let plans: [Plan] = [
        plan(.goTone, yuan: 58, gb: 20, minutes: 300),
        plan(.goTone, yuan: 88, gb: 30, minutes: 500),
        plan(.goTone, yuan: 108, gb: 40, minutes: 600, is5G: true),
        plan(.goTone, yuan: 128, gb: 60, minutes: 1_000, is5G: true),
        plan(.goTone, yuan: 158, gb: 80, minutes: 1_000, is5G: true),
        plan(.goTone, yuan: 198, gb: 100, minutes: 1_500, is5G: true),
        plan(.goTone, yuan: 298, gb: 150, minutes: 2_000, is5G: true),
        plan(.goTone, yuan: 398, gb: 200, minutes: 3_000, is5G: true),
        plan(.mZone, yuan: 19, gb: 5, minutes: 50),
        plan(.mZone, yuan: 29, gb: 20, minutes: 100),
        plan(.mZone, yuan: 39, gb: 30, minutes: 100),
        plan(.mZone, yuan: 49, gb: 40, minutes: 150, is5G: true),
        plan(.mZone, yuan: 59, gb: 50, minutes: 200, is5G: true),
        plan(.mZone, yuan: 79, gb: 60, minutes: 200, is5G: true),
        plan(.mZone, yuan: 99, gb: 90, minutes: 300, is5G: true),
        plan(.easyOwn, yuan: 8, gb: 0, minutes: 30),
        plan(.easyOwn, yuan: 19, gb: 3, minutes: 100),
        plan(.easyOwn, yuan: 29, gb: 10, minutes: 100),
        plan(.easyOwn, yuan: 38, gb: 15, minutes: 200),
        plan(.easyOwn, yuan: 48, gb: 20, minutes: 300),
        plan(.easyOwn, yuan: 58, gb: 25, minutes: 300, is5G: true),
        plan(.easyOwn, yuan: 88, gb: 40, minutes: 500, is5G: true),
    ]

    private static func plan(_ brand: Brand, yuan: Int, gb: Int, minutes: Int, is5G: Bool = false) -> Plan {
        Plan(
            name: Domains.brand[brand.rawValue] + (is5G ? "5G" : "") + "\(yuan)元套餐",
            brand: brand,
            feeCents: yuan * 100,
            dataMB: gb * 1_024,
            minutes: minutes,
            is5G: is5G
        )
    }

    /// Products a subscriber may hold beside the plan; raw values are positions in ``products``.
    enum Product: Int, CaseIterable {
        case broadband, iptv, ringBackTone, video, game, roaming, family, dataPack, mailbox, newspaper
    }

    static let products = [
        "家庭宽带", "互联网电视", "彩铃", "视频会员", "游戏加速包", "国际漫游", "家庭网", "流量月包", "手机邮箱", "手机报",
    ]

    /// What is stored in `subscription.product`: all plans, then the other products.
    static let subscribable = plans.map(\.name) + products

    /// Terminal models: eight series of each brand (text, not an enumeration).
    static let terminalModels = terminalBrand.flatMap { brand in
        ["A1", "A3", "M5", "M7", "P8", "P9", "X10", "X12"].map { "\(brand) \($0)" }
    }

    static let channel = ["sms", "outbound", "inbound", "website"]
    static let contactKind = ["care", "enquiry", "complaint", "handling", "marketing", "query"]
    static let contactOutcome = [
        "delivered", "undelivered", "accepted", "considering", "refused", "no_answer", "done", "viewed", "clicked",
    ]
    static let visitChannel = ["web", "ivr", "hotline"]
    /// Three steps of each channel, in order.
    static let visitStep = [
        "首页", "业务详情", "办理页", "语音主菜单", "业务介绍", "办理确认", "接入人工", "业务咨询", "办理登记",
    ]
    static let complaintTopic = ["资费争议", "网络质量", "营销骚扰", "服务态度", "业务办理", "账单疑问"]

    private static let surnames = [
        "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "高", "林", "罗",
        "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "袁", "潘", "于", "蒋", "蔡",
    ]
    private static let given = [
        "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀英", "霞", "平",
        "刚", "桂英", "文博", "子涵", "浩然", "雨桐", "一诺", "志强", "建国", "建华", "晓燕", "海燕", "雪梅", "春梅", "国强",
        "玉兰", "佳怡", "欣怡", "思远", "嘉豪", "俊杰", "梓萱", "宇轩", "诗涵", "晨曦", "丽娟", "婷婷", "红梅", "新华", "永强",
    ]
    /// Invented names of customers: 40 surnames x 50 given names.
    static let customerNames = surnames.flatMap { surname in given.map { surname + $0 } }
}

/// The category of a campaign, a contact and an offer.
public enum OfferCategory: String, Sendable, CaseIterable {
    /// More data for the month.
    case dataPack = "data_pack"
    /// A 5G plan.
    case upgrade5G = "upgrade_5g"
    /// Staying: a contract with a discount.
    case retention
    /// Home broadband.
    case broadband
    /// Video, games, ring-back tones and the like.
    case valueAdded = "value_added"
    /// International roaming.
    case roaming
    /// A handset with a contract.
    case terminal
    /// Anything else.
    case general
}
