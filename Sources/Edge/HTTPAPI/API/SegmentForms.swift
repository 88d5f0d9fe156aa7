// Segments, their audiences and comparisons as the API reads and shows them.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model
import Planning
import Rules
import Segmentation
import Texts

/// What a request says of a segment; what it leaves out stays, or is as for a new one.
struct SegmentForm: Decodable {
    var name: String?
    var purpose: String?
    /// A rule, instead of a definition.
    var rule: String?
    var definition: SegmentDefinition?
    var template: Template?
    var state: SegmentState?
    var sharing: SegmentSharing?
    var isTemplate: Bool?
    var refresh: SegmentRefresh?
    /// Subject, channel, condition and priority that it is matched with.
    var matches: [SegmentMatch]?
    /// Last local day; an empty text takes it away.
    var validTo: String?
    /// The version it was read at; needed to change one.
    var version: Int?

    /// A model, and which of its conditions are taken over; all when none is named (SEG-12).
    struct Template: Decodable {
        var segment: Int64
        var conditions: [Int]?
    }

    /// Puts what the request says into a segment.
    func fill(_ segment: inout Segment) throws(EdgeError) {
        segment.name = name ?? segment.name
        segment.purpose = purpose ?? segment.purpose
        if let rule { segment.definition.source = .rule(rule) }
        segment.definition = definition ?? segment.definition
        guard [nil, .draft, .saved].contains(state) else {
            throw .badRequest(
                field: "state",
                why: "use draft or saved; the others are reached by compute, publish and expire"
            )
        }
        segment.state = state ?? segment.state
        segment.sharing = sharing ?? segment.sharing
        segment.isTemplate = isTemplate ?? segment.isTemplate
        segment.refresh = refresh ?? segment.refresh
        segment.matches = matches ?? segment.matches
        if let validTo {
            let day = LocalDay(iso: validTo)
            guard validTo.isEmpty || day != nil else {
                throw .badRequest(field: "validTo", why: "write a day as YYYY-MM-DD, or an empty text")
            }
            segment.validTo = day
        }
    }
}

extension SegmentDefinition {
    /// A model's definition with some conditions of its rule, by their place.
    func keeping(_ conditions: [Int]?) throws -> SegmentDefinition {
        guard let conditions, let rule else { return self }
        let all = try Segments.conditions(of: rule)
        guard !conditions.isEmpty, conditions.allSatisfy(all.indices.contains) else {
            throw EdgeError.badRequest(field: "template.conditions", why: "name conditions 0 to \(all.count - 1)")
        }
        var kept = self
        kept.source = .rule(try Segments.rule(of: conditions.map { all[$0] }))
        return kept
    }
}

extension JSONObject {
    /// A segment with its definition.
    public init(_ segment: Segment) {
        self = [
            "id": segment.id, "version": segment.version, "revision": segment.revision, "name": segment.name,
            "purpose": segment.purpose, "definition": segment.definition, "rule": segment.definition.rule,
            "summary": segment.definition.summary, "state": segment.state, "owner": segment.owner,
            "scope": segment.scope, "sharing": segment.sharing, "isTemplate": segment.isTemplate,
            "refresh": segment.refresh, "matches": segment.matches, "validTo": segment.validTo?.iso,
            "count": segment.count,
            "audience": segment.audience, "published": segment.published,
            "review": segment.review.map { JSONObject($0) }, "updatedAt": segment.updatedAt.iso,
        ]
    }

    init(_ review: SegmentReview) {
        self = [
            "audience": review.audience, "submittedBy": review.submittedBy, "submittedAt": review.submittedAt.iso,
            "result": review.result, "decidedBy": review.decidedBy, "decidedAt": review.decidedAt?.iso,
            "reason": review.reason,
        ]
    }

    /// Frozen members, and what each step of the definition did.
    public init(_ audience: Audience) {
        self = [
            "id": audience.id, "segment": audience.segment, "revision": audience.revision, "sha256": audience.file.hex,
            "count": audience.count, "universe": audience.universe, "steps": audience.steps, "load": audience.load,
            "who": audience.who, "at": audience.at.iso,
        ]
    }

    init(_ revision: SegmentRevision) {
        self = [
            "number": revision.number, "name": revision.name, "definition": revision.definition, "who": revision.who,
            "at": revision.at.iso,
        ]
    }

    /// What names a segment.
    public init(_ use: SegmentUse) {
        func users(_ users: [SegmentUse.User]) -> [JSONObject] { users.map { ["id": $0.id, "name": $0.name] } }
        let campaigns: [JSONObject] = use.campaigns.map { ["id": $0.id, "name": $0.name, "product": $0.product] }
        self = [
            "campaigns": campaigns, "segments": users(use.segments), "deliveries": users(use.deliveries),
            "requests": users(use.requests),
        ]
    }

    init(_ found: FoundMembers, ms: Int) {
        self = ["count": found.members.count, "steps": found.steps, "load": found.load, "ms": ms]
    }

    init(_ overlap: Overlap, of segments: [Segment]) {
        let sets = segments.indices
        self = [
            "segments": segments.map { segment -> JSONObject in ["id": segment.id, "name": segment.name] },
            "both": sets.map { a in sets.map { overlap.both(a, $0) } },
            "exactly": overlap.exactly.indices.dropFirst().filter { overlap.exactly[$0] > 0 }.map {
                part -> JSONObject in
                [
                    "segments": sets.filter { part >> $0 & 1 == 1 }.map { segments[$0].id },
                    "count": overlap.exactly[part],
                ]
            },
        ]
    }
}
