// Scenes: templates under which campaigns start with sensible contents (CMP-07).
// SPDX-License-Identifier: Apache-2.0

public import Model

/// A template of a campaign: wording, category, controls.
public struct Scene: Hashable, Sendable, Codable {
    /// Identifier.
    public var code: String
    /// Names in both languages.
    public var name: BilingualText
    /// Category of campaigns made from it.
    public var category: String
    /// Goal to start from.
    public var goal: BilingualText
    /// Message to start from; customers are written to in Chinese.
    public var message: String
    /// Product on offer; nil = none.
    public var product: String?
    /// Value of one order in minor units.
    public var valuePerOrderMinor: Int64
    /// Control share in millionths.
    public var controlPPM: Int

    /// The scenes that come with Gyre; the scene tree of CMP-08 is edited later.
    public static let standard: [Scene] = [
        Scene(
            code: "retention",
            name: BilingualText(zh: "业务保有", en: "Retention"),
            category: "retention",
            goal: BilingualText(zh: "降低合约到期客户的离网", en: "Keep customers whose contract ends"),
            message: "尊敬的客户，您可享续约优惠：承诺在网12个月，每月立减20元。回复1办理，回复TD退订。",
            product: nil,
            valuePerOrderMinor: 12_000,
            controlPPM: 300_000
        ),
        Scene(
            code: "data_pack",
            name: BilingualText(zh: "流量包推荐", en: "Data pack"),
            category: "data_pack",
            goal: BilingualText(zh: "向流量将超套餐的客户推荐流量包", en: "Offer a pack to those who use up their data"),
            message: "尊敬的客户，您的流量即将用完，现办理10元10GB流量包，当月有效。回复10办理，回复TD退订。",
            product: "DATA10",
            valuePerOrderMinor: 1_000,
            controlPPM: 100_000
        ),
        Scene(
            code: "upgrade_5g",
            name: BilingualText(zh: "5G升级", en: "5G upgrade"),
            category: "upgrade_5g",
            goal: BilingualText(zh: "引导5G终端客户办理5G套餐", en: "Move owners of 5G phones to a 5G plan"),
            message: "尊敬的客户，您的手机支持5G，升级5G套餐首月半价，更快更畅。回复5G办理，回复TD退订。",
            product: nil,
            valuePerOrderMinor: 9_600,
            controlPPM: 100_000
        ),
        Scene(
            code: "care",
            name: BilingualText(zh: "客户关怀", en: "Customer care"),
            category: "care",
            goal: BilingualText(zh: "节日问候与服务提醒", en: "Greetings and service reminders"),
            message: "尊敬的客户，感谢您一直以来的支持，祝您节日快乐！回复TD退订。",
            product: nil,
            valuePerOrderMinor: 0,
            controlPPM: 50_000
        ),
    ]

    /// The scene with this code.
    public static func named(_ code: String) -> Scene? {
        standard.first { $0.code == code }
    }
}
