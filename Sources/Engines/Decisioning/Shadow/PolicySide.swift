// A contact policy with everything that is derived from it and kept.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

/// One policy and its caches; the state has one, a shadow another.
final class PolicySide {
    struct TierKey: Equatable {
        var policy: Int
        var profile: Int
        var lists: Int
        var day: LocalDay
        var lines: Int
    }

    var policy: ContactPolicy? {
        didSet { capRows = policy?.capRows ?? [] }
    }
    private(set) var capRows: [CapRow] = []
    let offerPlans = OfferPlans()
    var tierUse: (policy: Int, profile: Int, usesLists: Bool)?
    var tiers: (key: TierKey, tiers: [UInt8])?
    var holdout: (holdout: Holdout, lines: Int, members: Bitset)?
}

/// A policy that decides beside the live one, without effect; see ``DecisionState/under(_:_:)``.
public final class ShadowPolicy {
    var side = PolicySide()

    /// Prepares a policy; its rules are checked when something is decided.
    public init(_ policy: ContactPolicy) {
        side.policy = policy
    }
}
