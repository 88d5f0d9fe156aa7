// Strategy filters (策略筛选): who is left out of a product's campaigns because of what they did with it (SEG-29, SEG-30).
// SPDX-License-Identifier: Apache-2.0

/// Leaves out who did something with a product, within a number of days.
///
/// A filter is a rule with a name: ``rule`` says exactly whom it takes away.
public struct StrategyFilter: Hashable, Sendable, Codable {
    /// What they did; periods of the source are examples, so each can be changed.
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// Holds the product now (已订购).
        case subscribed
        /// Tried it and did not stay (试用后未订购).
        case tried
        /// It was ended for many at once (批量退订).
        case bulkUnsubscribed = "bulk_unsubscribed"
        /// Gave it up himself (主动退订).
        case unsubscribed
        /// Complained about it (投诉过相关业务).
        case complained
        /// Was offered it on any channel (营销过).
        case marketed
        /// Began it and gave it up again within the days (开通又取消).
        case cancelledSoon = "cancelled_soon"
        /// Was won for it (已发展).
        case developed

        /// The days that are usual.
        public var usualDays: Int {
            switch self {
            case .subscribed: 0
            case .tried, .bulkUnsubscribed: 183
            case .unsubscribed: 365
            case .complained: 3_660
            case .marketed, .cancelledSoon: 92
            case .developed: 60
            }
        }
    }

    /// What they did.
    public var kind: Kind
    /// The product, as table `subscription`, the business type of contacts and the topic of complaints name it.
    public var product: String
    /// How far back is looked, in days; of no meaning for ``Kind/subscribed``.
    public var days: Int

    /// Joins all; `days`: nil = the usual ones.
    public init(_ kind: Kind, product: String, days: Int? = nil) {
        self.kind = kind
        self.product = product
        self.days = days ?? kind.usualDays
    }

    private enum Key: String, CodingKey {
        case kind, product, days
    }

    /// Reads a filter; days that are left out are the usual ones.
    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: Key.self)
        self.init(
            try c.decode(Kind.self, forKey: .kind),
            product: try c.decode(String.self, forKey: .product),
            days: try c.decodeIfPresent(Int.self, forKey: .days)
        )
    }

    /// Writes all fields.
    public func encode(to encoder: any Encoder) throws {
        var c = encoder.container(keyedBy: Key.self)
        try c.encode(kind, forKey: .kind)
        try c.encode(product, forKey: .product)
        try c.encode(days, forKey: .days)
    }

    /// The rule that it stands for.
    public var rule: String {
        // By scalars, as rules are read: a quote may carry a combining mark.
        var name = "'"
        for scalar in product.unicodeScalars {
            if scalar == "'" { name.unicodeScalars.append(scalar) }
            name.unicodeScalars.append(scalar)
        }
        name += "'"
        let ended = "product = \(name) AND to_day <= today AND to_day > today - INTERVAL \(days) DAY"
        return switch kind {
        case .subscribed: "did(subscription, product = \(name) AND (to_day IS NULL OR to_day > today))"
        case .tried:
            "did(subscription, product = \(name) AND trial, within \(days) days) AND NOT did(subscription, "
                + "product = \(name) AND (to_day IS NULL OR to_day > today))"
        case .bulkUnsubscribed: "did(subscription, \(ended) AND end_reason = 'bulk')"
        case .unsubscribed: "did(subscription, \(ended) AND (end_reason IS NULL OR end_reason <> 'bulk'))"
        case .complained:
            "did(complaint, topic = \(name), within \(days) days) OR did(contact, kind = 'complaint' AND "
                + "business = \(name), within \(days) days)"
        case .marketed: "did(contact, kind = 'marketing' AND business = \(name), within \(days) days)"
        case .cancelledSoon: "did(subscription, product = \(name) AND to_day <= today, within \(days) days)"
        case .developed: "did(subscription, product = \(name), within \(days) days)"
        }
    }
}
