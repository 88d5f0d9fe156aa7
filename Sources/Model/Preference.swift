// What customer managers learn of a customer and write back (CUS-26).
// SPDX-License-Identifier: Apache-2.0

/// A preference of a customer: a list of its own each, so that rules, policies and the customer's history know it at once.
///
/// Such a list by itself keeps nobody from being contacted.
public enum Preference: String, Sendable, CaseIterable {
    case prefersSMS = "prefers_sms"
    case prefersCalls = "prefers_calls"
    case prefersCounter = "prefers_counter"
    case prefersOnline = "prefers_online"
    case prefersDaytime = "prefers_daytime"
    case prefersEvening = "prefers_evening"
    case prefersWeekend = "prefers_weekend"
    case likesData = "likes_data"
    case likesTerminals = "likes_terminals"
    case likesMedia = "likes_media"
    case likesGames = "likes_games"
    case likesTravel = "likes_travel"
    case likesFamily = "likes_family"
    case priceSensitive = "price_sensitive"
    case serviceSensitive = "service_sensitive"

    /// The list of those who have it.
    public var list: ListID { ListID(rawValue) }

    /// Its name.
    public var name: BilingualText {
        switch self {
        case .prefersSMS: BilingualText(zh: "偏好短信联系", en: "Prefers texts")
        case .prefersCalls: BilingualText(zh: "偏好电话联系", en: "Prefers calls")
        case .prefersCounter: BilingualText(zh: "偏好营业厅办理", en: "Prefers the counter")
        case .prefersOnline: BilingualText(zh: "偏好网站和应用", en: "Prefers website and app")
        case .prefersDaytime: BilingualText(zh: "偏好白天联系", en: "Prefers daytime")
        case .prefersEvening: BilingualText(zh: "偏好晚间联系", en: "Prefers evenings")
        case .prefersWeekend: BilingualText(zh: "偏好周末联系", en: "Prefers weekends")
        case .likesData: BilingualText(zh: "关注流量优惠", en: "Interested in data")
        case .likesTerminals: BilingualText(zh: "关注终端优惠", en: "Interested in phones")
        case .likesMedia: BilingualText(zh: "喜欢影音", en: "Likes video and music")
        case .likesGames: BilingualText(zh: "喜欢游戏", en: "Likes games")
        case .likesTravel: BilingualText(zh: "喜欢旅行", en: "Likes travelling")
        case .likesFamily: BilingualText(zh: "关注家庭业务", en: "Interested in family plans")
        case .priceSensitive: BilingualText(zh: "对价格敏感", en: "Sensitive to prices")
        case .serviceSensitive: BilingualText(zh: "对服务敏感", en: "Sensitive to service")
        }
    }
}
