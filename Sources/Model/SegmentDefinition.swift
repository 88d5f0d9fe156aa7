// How the members of a segment are found: a source, then what is taken away, then what is picked (SEG-01 to SEG-16).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Where members come from.
public enum SegmentSource: Hashable, Sendable {
    /// A rule over attributes, lists and behaviour (SEG-02).
    case rule(String)
    /// A list of members that was imported, received or split off (SEG-01, SEG-08, SEG-18).
    case members(MemberFile)
    /// Saved segments combined (SEG-03).
    case algebra(SegmentAlgebra)
    /// Those with certain outcomes of an earlier campaign (SEG-05).
    case outcome(CampaignOutcome)
    /// A query whose first column holds subscribers (自定义SQL, SEG-04).
    case sql(String)
}

/// Members as a file, and where it came from.
public struct MemberFile: Hashable, Sendable, Codable {
    /// How the members came.
    public enum Origin: String, Sendable, Codable, CaseIterable {
        /// A file somebody brought.
        case file
        /// Numbers pasted into a box.
        case pasted
        /// Another system, through the API.
        case external
        /// A part of another segment.
        case split
        /// The members of another segment at one moment.
        case frozen
    }

    /// The members.
    public var file: ContentHash
    /// How many they are.
    public var count: Int64
    /// How they came.
    public var origin: Origin
    /// Name of the file, the system or the segment.
    public var name: String

    /// Joins all.
    public init(file: ContentHash, count: Int64, origin: Origin, name: String) {
        self.file = file
        self.count = count
        self.origin = origin
        self.name = name
    }
}

/// What became of subscribers in a campaign.
public enum CampaignResult: String, Sendable, Codable, CaseIterable {
    /// A contact was made and not given back.
    case contacted
    /// The control group.
    case control
    /// It reached the handset, or was shown.
    case delivered
    /// It was given back: refused by the gateway, failed or expired.
    case failed
    /// Ordered or accepted the offer.
    case accepted
    /// Refused it.
    case refused
    /// Said they would think about it, or asked for later.
    case considering
    /// Replied to the message.
    case replied
    /// Unsubscribed.
    case unsubscribed
    /// Contacted, and neither accepted, refused, considering, replied nor unsubscribed.
    case silent
}

/// Those with any of some results of a campaign.
public struct CampaignOutcome: Hashable, Sendable, Codable {
    /// The campaign's number.
    public var campaign: Int64
    /// Results, any of which makes a member.
    public var results: [CampaignResult]

    /// Joins both.
    public init(campaign: Int64, results: [CampaignResult]) {
        self.campaign = campaign
        self.results = results
    }
}

/// Members who are taken away (剔除, SEG-14).
public enum SegmentExclusion: Hashable, Sendable {
    /// A special list: `black`, `grey`, `dnd_01` and so on, whose entries hold for all channels; with a channel behind it
    /// (`dnd_01@sms`) those for that channel besides.
    case list(String)
    /// Who did something with a product (策略筛选).
    case filter(StrategyFilter)
    /// Who was contacted within the last days, by any campaign of a category or by any at all (近期已有类似营销).
    case contacted(category: String?, days: Int)
    /// Who was contacted by one of some campaigns (SEG-17).
    case campaigns([Int64])
    /// Who meets a rule (条件抵触客户).
    case rule(String)
    /// The members of a segment; an uploaded list is one.
    case segment(Int64)
}

/// Which line of a customer stays (一客多号去重).
public enum CustomerLine: Hashable, Sendable {
    /// The one with the highest value of a hot attribute, such as the ARPU.
    case highest(String)
    /// The one that has been there longest.
    case main
}

/// A number of members out of all.
public enum SegmentPick: Hashable, Sendable {
    /// Those with the highest scores; equal ones by lot.
    case top(Int, score: String)
    /// By lot; the same draw of the same members gives the same ones, another draw gives independent ones.
    case sample(Int, draw: Int)
}

/// How the members of a segment are found.
///
/// As JSON: `{"from": {"rule": "…"}, "exclude": [{"list": "black"}, {"contacted": {"category": "data", "days": 90}}],
/// "one_per_customer": {"highest": "arpu_avg_3m"}, "pick": {"sample": {"count": 1000, "draw": 1}}}`.
public struct SegmentDefinition: Hashable, Sendable {
    /// Where members come from.
    public var source: SegmentSource
    /// Who is taken away, in this order.
    public var exclusions: [SegmentExclusion]
    /// One line per customer; nil = all lines.
    public var customerLine: CustomerLine?
    /// How many stay; nil = all.
    public var pick: SegmentPick?

    /// Exclusions a definition may have.
    public static let mostExclusions = 30

    /// Joins all.
    public init(
        _ source: SegmentSource,
        exclusions: [SegmentExclusion] = [],
        customerLine: CustomerLine? = nil,
        pick: SegmentPick? = nil
    ) {
        self.source = source
        self.exclusions = exclusions
        self.customerLine = customerLine
        self.pick = pick
    }

    /// The segments it names, each once, ascending; those that rules name are not among them.
    public var segments: [Int64] {
        var found: Set<Int64> = []
        if case .algebra(let algebra) = source { found.formUnion(algebra.segments) }
        for case .segment(let id) in exclusions { found.insert(id) }
        return found.sorted()
    }

    /// The rule of the source; nil when members come from elsewhere.
    public var rule: String? {
        if case .rule(let rule) = source { rule } else { nil }
    }

    /// All rules in it: of the source and of exclusions.
    public var rules: [String] {
        (rule.map { [$0] } ?? [])
            + exclusions.compactMap { exclusion in
                switch exclusion {
                case .rule(let rule): rule
                case .filter(let filter): filter.rule
                case .list, .contacted, .campaigns, .segment: nil
                }
            }
    }

    /// What lists show and searches look at: the rule or query, else the source as JSON.
    public var summary: String {
        switch source {
        case .rule(let text), .sql(let text): text
        case .members(let file): file.name
        case .algebra(let algebra): algebra.text
        case .outcome(let outcome):
            "campaign \(outcome.campaign): " + outcome.results.map(\.rawValue).joined(separator: ", ")
        }
    }
}

extension SegmentAlgebra {
    /// As people write it: `(1 ∪ 2) \ 3`.
    public var text: String {
        func joined(_ parts: [SegmentAlgebra], _ sign: String) -> String {
            parts.map { part in if case .segment = part { part.text } else { "(\(part.text))" } }
                .joined(separator: " \(sign) ")
        }
        return switch self {
        case .segment(let id): "\(id)"
        case .union(let parts): joined(parts, "∪")
        case .intersection(let parts): joined(parts, "∩")
        case .difference(let parts): joined(parts, "\\")
        }
    }
}
