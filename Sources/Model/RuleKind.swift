// The kinds of marketing rules (CFL-01 ... CFL-05), and which of them an outcome belongs to.
// SPDX-License-Identifier: Apache-2.0

/// A kind of marketing rule.
public enum RuleKind: String, Sendable, CaseIterable {
    /// 营销策划规则: who, what and by which rank, from planning (CFL-01).
    case planning
    /// 调整后营销规则: planning rules fitted to the situation (CFL-02).
    case adjusted
    /// 公共营销规则: holds for every campaign (CFL-03).
    case common = "public"
    /// 冲突检验规则: keeps similar marketing from the same customer (CFL-04).
    case conflict
    /// 营销执行规则: adjusted, public and conflict rules merged, delivered with the execution customers (CFL-05).
    case execution
}

extension Outcome {
    /// The kind of the rule that removed a subscriber with this outcome; nil for contacts and control.
    ///
    /// Execution rules are the sum of others; only what the second check before sending adds is theirs alone.
    public var ruleKind: RuleKind? {
        switch self {
        case .contact, .control: nil
        case .campaignNotLive, .notInSegment, .noScore, .outranked: .planning
        case .channelNotConfirmed, .capacity, .budget: .adjusted
        case .productOwned, .productConflict, .similarCampaign, .withdrawn: .conflict
        case .noAddress: .execution
        default: .common
        }
    }
}
