// Overruns: more contacts than the cap in force allows. Facts from outside do that; a decision never may.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// Consecutive calendar months in which a cap counts.
public struct CapWindow: Hashable, Comparable, Sendable {
    /// The first month.
    public var first: LocalMonth
    /// How many months, 1 to 3.
    public var months: Int

    /// Joins first month and length.
    public init(first: LocalMonth, months: Int) {
        self.first = first
        self.months = months
    }

    /// The last month.
    public var last: LocalMonth { LocalMonth(number: first.number + Int32(months) - 1) }
    /// All its months.
    var all: [LocalMonth] { (0..<Int32(months)).map { LocalMonth(number: first.number + $0) } }
    /// `2026-09`, or `2026-09 … 2026-11`.
    public var text: String { months == 1 ? first.iso : "\(first.iso) … \(last.iso)" }

    /// All windows of a length in the months that are counted.
    ///
    /// A window that reaches out of these months holds no more than one that does not.
    static func all(of months: Int, in ring: ClosedRange<LocalMonth>) -> [CapWindow] {
        guard months > 0, ring.upperBound.number - ring.lowerBound.number + 1 >= months else { return [] }
        return (ring.lowerBound.number...ring.upperBound.number - Int32(months) + 1)
            .map { CapWindow(first: LocalMonth(number: $0), months: months) }
    }

    public static func < (a: CapWindow, b: CapWindow) -> Bool { (a.first, a.months) < (b.first, b.months) }
}

/// What overruns are counted by.
public struct OverrunGroup: Hashable, Sendable {
    /// Code of the tier whose cap is exceeded; `unknown` for those in none.
    public var tier: String
    /// Its name.
    public var tierName: BilingualText
    /// The check of the cap: `cap_sms` … `cap_overall`.
    public var check: Outcome
    /// The window.
    public var window: CapWindow
}

/// Subscribers with an overrun of one kind.
public struct OverrunCount: Hashable, Sendable {
    /// The kind.
    public var group: OverrunGroup
    /// How many they are.
    public var subscribers: Int
}

/// A cap of one subscriber that is exceeded in one window.
public struct Overrun: Hashable, Sendable {
    /// The check of the cap.
    public var check: Outcome
    /// The window.
    public var window: CapWindow
    /// Contacts counted there.
    public var used: Int
    /// The cap.
    public var cap: Int
    /// What brought it about, in the order of the log; filled in by ``Explainer/overruns(of:on:)``.
    public var causes: [OverrunCause] = []
}

/// A fact that put a counter above the cap, or raised it further.
public struct OverrunCause: Hashable, Sendable {
    /// What it was.
    public enum Kind: Hashable, Sendable {
        /// A receipt for a contact that had been given back: it arrived after all.
        case lateReceipt(WaveID)
        /// Contacts that others made, or made before Gyre, were loaded.
        case loaded
        /// An offer that had been given back was shown after all.
        case shownAfterAll(CampaignID?)
        /// A revision of the policy lowered the cap.
        case policy(revision: Int)
        /// The subscriber came into a tier with a lower cap.
        case tier(String)
        /// A decision of Gyre, which none may be: the guarantee is broken.
        case decision(CampaignID?)
    }

    /// What it was.
    public var kind: Kind
    /// When it came: the time that came with it, else the last tick before it.
    public var at: LocalTime
    /// Its place in the log.
    public var position: Int64

    /// Whether it breaks the guarantee that no decision raises a counter above the cap in force.
    public var isBroken: Bool { if case .decision = kind { true } else { false } }
    /// Stable name.
    public var code: String {
        switch kind {
        case .lateReceipt: "late_receipt"
        case .loaded: "loaded"
        case .shownAfterAll: "shown_after_all"
        case .policy: "policy"
        case .tier: "tier"
        case .decision: "decision"
        }
    }
    /// The campaign of the contact, where there is one.
    public var campaign: CampaignID? {
        switch kind {
        case .lateReceipt(let wave): wave.campaign
        case .shownAfterAll(let campaign), .decision(let campaign): campaign
        case .loaded, .policy, .tier: nil
        }
    }
}

/// A subscriber with every cap of his that is exceeded.
public struct OverrunSubscriber: Hashable, Sendable {
    /// The subscriber.
    public var index: SubscriberIndex
    /// Code of his tier.
    public var tier: String
    /// Its name.
    public var tierName: BilingualText
    /// What is exceeded, by check and window; empty when nothing is any more.
    public var overruns: [Overrun]

    /// The facts behind all of it, each once, in the order of the log.
    public var causes: [OverrunCause] {
        Set(overruns.flatMap(\.causes)).sorted { ($0.position, $0.code) < ($1.position, $1.code) }
    }
    /// Whether a decision of Gyre is among the causes.
    public var isBroken: Bool { causes.contains(where: \.isBroken) }
}

extension PolicyTier {
    /// The caps that are checked, in the order of checks, with the classes that count for each.
    var checkedCaps: [(check: Outcome, channels: [ChannelClass], cap: Cap)] {
        let own = ChannelClass.allCases.compactMap { channel in
            caps[channel].map { (check: Outcome.cap(channel), channels: [channel], cap: $0) }
        }
        return own + [(.capOverall, ChannelClass.allCases.filter(\.countsOverall), overall)]
    }
}
