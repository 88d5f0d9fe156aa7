// The process of a segment: handed in, looked at by another, released or returned (客户群流程, SEG-23).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// A segment's last audience as it was handed in for another's decision, and what came of it (APR-03, SEG-23).
public struct SegmentReview: Hashable, Sendable, Codable {
    /// The audience.
    public let audience: Int64
    /// Who handed it in.
    public let submittedBy: String
    /// When.
    public let submittedAt: Instant
    /// What was decided; nil while it waits.
    public private(set) var result: ApprovalResult?
    /// Who decided.
    public private(set) var decidedBy: String?
    /// When.
    public private(set) var decidedAt: Instant?
    /// Why; required for all results but pass.
    public private(set) var reason: String?

    /// Makes one that waits.
    public init(audience: Int64, submittedBy: String, submittedAt: Instant) {
        (self.audience, self.submittedBy, self.submittedAt) = (audience, submittedBy, submittedAt)
    }

    /// The same with a decision.
    public func decided(_ result: ApprovalResult, by who: String, at now: Instant, reason: String) -> SegmentReview {
        var decided = self
        (decided.result, decided.decidedBy, decided.decidedAt, decided.reason) = (result, who, now, reason)
        return decided
    }

    /// The same with another reason, for one that must go.
    public func saying(_ reason: String) -> SegmentReview {
        var said = self
        said.reason = reason
        return said
    }

    /// Whether nobody has decided yet.
    public var isWaiting: Bool { result == nil }
}

extension Segment {
    /// Whether it waits for another's decision.
    public var isWaiting: Bool { review?.isWaiting ?? false }

    /// Whether only another's decision releases it: it waits for one, or was not passed the last time.
    public var needsDecision: Bool { review.map { $0.result != .pass } ?? false }

    /// Takes back what waits, because what was handed in is not the last word any more.
    public mutating func withdrawReview() { if isWaiting { review = nil } }
}
