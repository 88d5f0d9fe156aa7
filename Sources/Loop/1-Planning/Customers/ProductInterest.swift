// Demand and rejection of each subscriber for each product, from what is on record (CUS-17).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Ports
import Rules

/// A relation (subscriber, product, day, demand, rejection) over subscriptions and contacts, complaints among them.
///
/// Points add up and stop at 100. A contact is about the product that its business type names.
/// `day` is that of the last sign. What gives points, and how many, is an interpretation of the source, which names the data
/// and the two degrees only.
enum ProductInterest {
    /// The source that rules ask.
    static let source = "interest"
    /// The tables it is made of.
    static let tables = ["subscription", "contact"]

    /// Days that a sign counts.
    static let days = (subscription: 365, contact: 183)

    /// Points of a subscription.
    enum Subscription {
        static let held = 50, givenUp = 30
        /// Besides, when it was given up within ``soonDays`` of its first day (开通又取消, SEG-29).
        static let givenUpSoon = 20
        static let soonDays = 92
    }

    /// Points of a contact by kind and outcome.
    enum Contact {
        static let asked = 15, accepted = 30, considering = 20, refused = 20, complained = 25
    }

    /// The rows as SQL.
    ///
    /// - Parameters:
    ///   - columns: Columns of the tables that are loaded.
    ///   - dialect: The SQL to write.
    ///   - today: The logical day.
    ///   - view: The name of a table.
    /// - Returns: A query, no rows where nothing is loaded.
    static func rows(
        _ columns: [String: Set<String>],
        _ dialect: SQLDialect,
        today: LocalDay,
        view: (String) -> String
    ) -> String {
        let day = dialect.quoted(identifier: "day")
        let parts = [
            columns["subscription"] == nil ? nil : subscriptions(today, view("subscription")),
            columns["contact"]?.contains("business") == true ? contacts(today, view("contact"), day) : nil,
        ].compactMap { $0 }
        let signs = parts.isEmpty ? nil : parts.joined(separator: " UNION ALL ")
        func integer(_ value: String) -> String { "CAST(\(value) AS \(dialect.typeName(.integer)))" }
        func text(_ value: String) -> String { "CAST(\(value) AS \(dialect.typeName(.text)))" }
        func date(_ value: String) -> String { "CAST(\(value) AS \(dialect.typeName(.day)))" }
        guard let signs else {
            return "SELECT \(integer("NULL")) AS idx, \(text("NULL")) AS product, \(date("NULL")) AS \(day), "
                + "\(integer("NULL")) AS demand, \(integer("NULL")) AS rejection WHERE FALSE"
        }
        return """
            SELECT idx, \(text("product")) AS product, \(date("max(sign_day)")) AS \(day),
            \(integer("least(100, sum(demand))")) AS demand, \(integer("least(100, sum(rejection))")) AS rejection
            FROM (\(signs)) AS signs WHERE idx IS NOT NULL AND product IS NOT NULL GROUP BY idx, product
            """
    }

    private static func subscriptions(_ today: LocalDay, _ view: String) -> String {
        let (now, begin) = ("DATE '\(today.iso)'", "DATE '\(today.adding(days: -days.subscription).iso)'")
        let isHeld = "to_day IS NULL OR to_day > \(now)"
        let soon = "to_day < from_day + INTERVAL \(Subscription.soonDays) DAY"
        return """
            SELECT idx, product, least(coalesce(to_day, from_day), \(now)) AS sign_day,
            CASE WHEN \(isHeld) THEN \(Subscription.held) ELSE 0 END AS demand,
            CASE WHEN \(isHeld) THEN 0 WHEN \(soon) THEN \(Subscription.givenUp + Subscription.givenUpSoon)
            ELSE \(Subscription.givenUp) END AS rejection
            FROM \(view) WHERE from_day <= \(now) AND (\(isHeld) OR to_day > \(begin))
            """
    }

    private static func contacts(_ today: LocalDay, _ view: String, _ day: String) -> String {
        let begin = "DATE '\(today.adding(days: -days.contact).iso)'"
        return """
            SELECT idx, business AS product, \(day) AS sign_day,
            CASE WHEN kind IN ('enquiry', 'query', 'handling') THEN \(Contact.asked)
            WHEN kind = 'marketing' AND outcome = 'accepted' THEN \(Contact.accepted)
            WHEN kind = 'marketing' AND outcome = 'considering' THEN \(Contact.considering) ELSE 0 END AS demand,
            CASE WHEN kind = 'marketing' AND outcome = 'refused' THEN \(Contact.refused)
            WHEN kind = 'complaint' THEN \(Contact.complained) ELSE 0 END AS rejection
            FROM \(view) WHERE business IS NOT NULL AND \(day) > \(begin) AND \(day) <= DATE '\(today.iso)'
            AND (kind IN ('enquiry', 'query', 'handling', 'complaint')
            OR kind = 'marketing' AND outcome IN ('accepted', 'considering', 'refused'))
            """
    }
}
