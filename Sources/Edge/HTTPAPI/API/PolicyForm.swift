// The contact policy as JSON shows it and takes it: days as text, unknown names refused.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model

/// A policy in a body.
struct PolicyForm: Codable {
    var policy: ContactPolicy

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case revision, tiers, dnd, intervalDays, similarDays, similarTo, productDays, categoryRules, quietHours
        case quietAreas, holidays, holdout, reservationHours, ranking, offers, linkage
    }

    private struct AnyKey: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(_ policy: ContactPolicy) { self.policy = policy }

    /// Reads a whole policy; parts that are left out get what a policy file without them means.
    init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        let known = CodingKeys.allCases.map(\.rawValue)
        if let unknown = names.sorted().first(where: { !known.contains($0) }) {
            throw EdgeError.badRequest(
                field: "policy.\(unknown)",
                why: "is no part of a policy; use \(known.joined(separator: ", "))"
            )
        }
        let c = try decoder.container(keyedBy: CodingKeys.self)
        let days = try (c.decodeIfPresent([String].self, forKey: .holidays) ?? []).map { text in
            guard let day = LocalDay(iso: text) else {
                throw EdgeError.badRequest(field: "policy.holidays", why: "write a day as 2026-01-31, not '\(text)'")
            }
            return day
        }
        policy = ContactPolicy(
            revision: 0,
            tiers: try c.decode([PolicyTier].self, forKey: .tiers),
            dnd: try c.decode([DNDClass].self, forKey: .dnd),
            intervalDays: try c.decodeIfPresent([ChannelClass: Int].self, forKey: .intervalDays) ?? [:],
            similarDays: try c.decodeIfPresent([String: Int].self, forKey: .similarDays) ?? [:],
            quietHours: try c.decodeIfPresent([ChannelClass: QuietHours].self, forKey: .quietHours) ?? [:],
            holidays: days.sorted()
        )
        policy.similarTo = try c.decodeIfPresent([String: [String]].self, forKey: .similarTo) ?? policy.similarTo
        policy.productDays = try c.decodeIfPresent([String: Int].self, forKey: .productDays) ?? policy.productDays
        policy.categoryRules = try c.decodeIfPresent([CategoryRule].self, forKey: .categoryRules) ?? []
        policy.quietAreas = try c.decodeIfPresent([QuietArea].self, forKey: .quietAreas) ?? []
        policy.holdout = try c.decodeIfPresent(Holdout.self, forKey: .holdout) ?? policy.holdout
        policy.reservationHours = try c.decodeIfPresent(Int.self, forKey: .reservationHours) ?? policy.reservationHours
        policy.ranking = try c.decodeIfPresent([RankingKey].self, forKey: .ranking) ?? policy.ranking
        policy.offers = try c.decodeIfPresent(OfferLimits.self, forKey: .offers) ?? policy.offers
        policy.linkage = try c.decodeIfPresent(Linkage.self, forKey: .linkage) ?? policy.linkage
    }

    func encode(to encoder: any Encoder) throws {
        try policy.encode(to: encoder)
        var c = encoder.container(keyedBy: CodingKeys.self)
        try c.encode(policy.holidays.map(\.iso), forKey: .holidays)
    }
}
