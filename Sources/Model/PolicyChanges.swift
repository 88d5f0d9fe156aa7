// How two contact policies differ, entry by entry; what people read of it is in Texts.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A part of the policy that is taken over as a whole when a draft moves to another base.
public enum PolicySection: String, Sendable, CaseIterable, Codable {
    case tiers, dnd, intervalDays, similarDays, similarTo, productDays, categoryRules, quietHours, quietAreas
    case holidays, holdout, reservationHours, ranking, offers, linkage

    /// Copies the part from one policy to another.
    public func copy(from source: ContactPolicy, to target: inout ContactPolicy) {
        switch self {
        case .tiers: target.tiers = source.tiers
        case .dnd: target.dnd = source.dnd
        case .intervalDays: target.intervalDays = source.intervalDays
        case .similarDays: target.similarDays = source.similarDays
        case .similarTo: target.similarTo = source.similarTo
        case .productDays: target.productDays = source.productDays
        case .categoryRules: target.categoryRules = source.categoryRules
        case .quietHours: target.quietHours = source.quietHours
        case .quietAreas: target.quietAreas = source.quietAreas
        case .holidays: target.holidays = source.holidays
        case .holdout: target.holdout = source.holdout
        case .reservationHours: target.reservationHours = source.reservationHours
        case .ranking: target.ranking = source.ranking
        case .offers: target.offers = source.offers
        case .linkage: target.linkage = source.linkage
        }
    }
}

/// What a changed entry says of its item.
public enum PolicyAspect: Hashable, Sendable {
    /// The value itself, where an item has only one.
    case whole
    /// The order of the items of a section.
    case order
    case name
    case rule
    case categories
    case overall
    case isByChannel
    case mayBeUnticked
    case history
    case minutesToShow
    case minutesKept
    case epoch
    /// A cap, an interval or quiet hours of a channel class.
    case channel(ChannelClass)
    /// What a result on a channel class cancels (LNK-09).
    case cell(ChannelClass, ContactResult)
}

/// A value of the policy that can differ.
public enum PolicyValue: Hashable, Sendable {
    case cap(Cap)
    /// A cap of distinct campaigns, the website's unit (FRQ-01).
    case items(Cap)
    case days(Int)
    case hours(Int)
    case minutes(Int)
    case number(Int)
    case share(ppm: Int)
    case quiet(QuietHours)
    case text(String)
    case name(BilingualText)
    case flag(Bool)
    /// Who may untick a class; nil = every planner, empty = nobody.
    case roles([String]?)
    /// Codes in an order that means something.
    case codes([String])
    case categories([String])
    case channels([ChannelClass])
    case touchpoints([Touchpoint])
    case dates([LocalDay])
    case ranking([RankingKey])
}

/// One entry that differs between two policies.
public struct PolicyChange: Hashable, Sendable {
    /// The part of the policy.
    public var section: PolicySection
    /// Code of the item in the part, for example of a tier or a category; empty where the part is one item.
    public var item: String
    /// Name of the item, where it has one.
    public var name: BilingualText?
    /// What of the item.
    public var aspect: PolicyAspect
    /// The value before; nil = there was none.
    public var before: PolicyValue?
    /// The value after; nil = there is none.
    public var after: PolicyValue?
}

extension ContactPolicy {
    /// What is different in another policy, in the order of its parts; the revision's number is not looked at.
    public func changes(to other: ContactPolicy) -> [PolicyChange] {
        let (old, new) = (PolicyEntries(self).all, PolicyEntries(other).all)
        let before = Dictionary(old.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        let names = Dictionary((old + new).map { ($0.key, $0.name) }, uniquingKeysWith: { $1 ?? $0 })
        var changes: [PolicyChange] = []
        for section in PolicySection.allCases {
            var seen: Set<PolicyEntries.Key> = []
            for entry in new + old where entry.key.section == section && seen.insert(entry.key).inserted {
                guard before[entry.key] != after[entry.key] else { continue }
                changes.append(
                    PolicyChange(
                        section: section,
                        item: entry.key.item,
                        name: names[entry.key] ?? nil,
                        aspect: entry.key.aspect,
                        before: before[entry.key],
                        after: after[entry.key]
                    )
                )
            }
        }
        return changes
    }

    /// The parts in which another policy differs.
    public func changedSections(to other: ContactPolicy) -> [PolicySection] {
        let changed = Set(changes(to: other).map(\.section))
        return PolicySection.allCases.filter(changed.contains)
    }
}

/// A policy as a list of values that can be compared one by one.
private struct PolicyEntries {
    struct Key: Hashable {
        var section: PolicySection
        var item: String
        var aspect: PolicyAspect
    }

    private(set) var all: [(key: Key, name: BilingualText?, value: PolicyValue)] = []

    private mutating func add(
        _ section: PolicySection,
        _ item: String = "",
        _ name: BilingualText? = nil,
        _ aspect: PolicyAspect = .whole,
        _ value: PolicyValue
    ) {
        all.append((Key(section: section, item: item, aspect: aspect), name, value))
    }

    init(_ policy: ContactPolicy) {
        addTiers(policy.tiers)
        addClasses(policy.dnd)
        for channel in ChannelClass.allCases {
            if let days = policy.intervalDays[channel] {
                add(.intervalDays, "", nil, .channel(channel), .days(days))
            }
            if let quiet = policy.quietHours[channel] { add(.quietHours, "", nil, .channel(channel), .quiet(quiet)) }
        }
        for (category, days) in policy.similarDays.sorted(by: { $0.key < $1.key }) {
            add(.similarDays, category, nil, .whole, .days(days))
        }
        for (category, others) in policy.similarTo.sorted(by: { $0.key < $1.key }) where !others.isEmpty {
            add(.similarTo, category, nil, .whole, .categories(others))
        }
        for (product, days) in policy.productDays.sorted(by: { $0.key < $1.key }) {
            add(.productDays, product, nil, .whole, .days(days))
        }
        addRules(policy)
        add(.holidays, "", nil, .whole, .dates(policy.holidays))
        add(.holdout, "", nil, .whole, .share(ppm: policy.holdout.ppm))
        add(.holdout, "", nil, .epoch, .text(policy.holdout.epoch))
        add(.reservationHours, "", nil, .whole, .hours(policy.reservationHours))
        add(.ranking, "", nil, .whole, .ranking(policy.ranking))
        add(.offers, "", nil, .whole, .number(policy.offers.offers))
        add(.offers, "", nil, .minutesToShow, .minutes(policy.offers.minutesToShow))
        add(.offers, "", nil, .minutesKept, .minutes(policy.offers.minutesKept))
        addLinkage(policy.linkage)
    }

    private mutating func addTiers(_ tiers: [PolicyTier]) {
        add(.tiers, "", nil, .order, .codes(tiers.map(\.code)))
        for tier in tiers {
            add(.tiers, tier.code, tier.name, .name, .name(tier.name))
            add(.tiers, tier.code, tier.name, .rule, .text(tier.rule))
            for channel in ChannelClass.allCases {
                guard let cap = tier.caps[channel] else { continue }
                let value: PolicyValue = channel == .website ? .items(cap) : .cap(cap)
                add(.tiers, tier.code, tier.name, .channel(channel), value)
            }
            add(.tiers, tier.code, tier.name, .overall, .cap(tier.overall))
        }
    }

    private mutating func addClasses(_ classes: [DNDClass]) {
        for dnd in classes.sorted(by: { $0.number < $1.number }) {
            let item = String(dnd.number)
            add(.dnd, item, dnd.name, .name, .name(dnd.name))
            add(.dnd, item, dnd.name, .isByChannel, .flag(dnd.isByChannel))
            let roles: [String]? = dnd.mayBeUnticked ? dnd.untickedBy?.sorted() : []
            add(.dnd, item, dnd.name, .mayBeUnticked, .roles(roles))
        }
    }

    private mutating func addRules(_ policy: ContactPolicy) {
        for rule in policy.categoryRules {
            add(.categoryRules, rule.code, rule.name, .name, .name(rule.name))
            add(.categoryRules, rule.code, rule.name, .categories, .categories(rule.categories))
            add(.categoryRules, rule.code, rule.name, .rule, .text(rule.rule))
        }
        if policy.quietAreas.count > 1 { add(.quietAreas, "", nil, .order, .codes(policy.quietAreas.map(\.code))) }
        for area in policy.quietAreas {
            add(.quietAreas, area.code, area.name, .name, .name(area.name))
            add(.quietAreas, area.code, area.name, .rule, .text(area.rule))
            for channel in ChannelClass.allCases {
                guard let quiet = area.quietHours[channel] else { continue }
                add(.quietAreas, area.code, area.name, .channel(channel), .quiet(quiet))
            }
        }
    }

    private mutating func addLinkage(_ linkage: Linkage) {
        if linkage.types.count > 1 { add(.linkage, "", nil, .order, .codes(linkage.types.map(\.code))) }
        for type in linkage.types {
            add(.linkage, type.code, type.name, .name, .name(type.name))
            add(.linkage, type.code, type.name, .categories, .categories(type.categories))
            let history = type.historyAt.sorted { $0.rawValue < $1.rawValue }
            add(.linkage, type.code, type.name, .history, .touchpoints(history))
            for cell in type.cells where !cell.cancels.isEmpty {
                let channels = cell.cancels.sorted { $0.rawValue < $1.rawValue }
                add(.linkage, type.code, type.name, .cell(cell.contacted, cell.result), .channels(channels))
            }
        }
    }
}
