// Members leave the house as numbers only after a second person agreed (SEC, SEG-22).
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Where an export stands.
public enum SegmentExportState: String, Sendable, CaseIterable, Codable {
    /// Asked for.
    case waiting
    /// A second person agreed: it may be fetched.
    case approved
    /// A second person refused.
    case refused
}

/// An audience that somebody wants with full numbers.
public struct SegmentExport: Hashable, Sendable {
    /// Number, unique; 0 until asked for.
    public var id: Int64 = 0
    /// The segment.
    public var segment: Int64
    /// Its name when it was asked for.
    public var name: String
    /// The audience, which never changes.
    public var audience: Int64
    /// Members of it.
    public var count: Int64
    /// Open attributes that go along.
    public var attributes: [String]
    /// Why, in the words of whoever asked.
    public var reason: String
    /// Whose segment it is.
    public var scope: OrganisationScope
    /// Who asked.
    public var requestedBy: String
    /// When.
    public var requestedAt: Instant
    /// Where it stands.
    public var state = SegmentExportState.waiting
    /// Who agreed or refused; never who asked.
    public var decidedBy: String?
    /// When.
    public var decidedAt: Instant?
    /// Where it goes by itself; nil = whoever asked fetches it.
    public var delivery: SegmentDelivery?
    /// Who ended its delivery.
    public var endedBy: String?
    /// When.
    public var endedAt: Instant?

    /// How long an approved one may be fetched.
    public static let validMs: Int64 = 7 * 86_400_000

    /// Asks for an audience of a segment.
    public init(
        segment: Segment,
        audience: Audience,
        attributes: [String],
        reason: String,
        requestedBy: String,
        requestedAt: Instant
    ) {
        self.init(
            segment: segment.id,
            name: segment.name,
            audience: audience.id,
            count: audience.count,
            attributes: attributes,
            reason: reason,
            scope: segment.scope,
            requestedBy: requestedBy,
            requestedAt: requestedAt
        )
    }

    /// Joins the parts of one that is stored.
    public init(
        segment: Int64,
        name: String,
        audience: Int64,
        count: Int64,
        attributes: [String],
        reason: String,
        scope: OrganisationScope,
        requestedBy: String,
        requestedAt: Instant
    ) {
        self.segment = segment
        self.name = name
        self.audience = audience
        self.count = count
        self.attributes = attributes
        self.reason = reason
        self.scope = scope
        self.requestedBy = requestedBy
        self.requestedAt = requestedAt
    }

    /// What stands in each row of the file, so that a copy says where it came from.
    public var mark: String { "E\(id)/\(requestedBy)" }

    /// Whether it may be fetched now.
    public func isOpen(at now: Instant) -> Bool {
        guard delivery == nil, state == .approved, let decidedAt else { return false }
        return now.epochMs - decidedAt.epochMs <= Self.validMs
    }
}
