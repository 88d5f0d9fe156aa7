// Who came and who left between two audiences of a segment, and segments made of them.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Ports

/// What changed from one audience to another.
public struct AudienceMovement: Hashable, Sendable, Codable {
    /// Members of both.
    public var stayed: Int
    /// Members of the later one only.
    public var came: Int
    /// Members of the earlier one only.
    public var left: Int

    /// Joins all.
    public init(stayed: Int, came: Int, left: Int) {
        (self.stayed, self.came, self.left) = (stayed, came, left)
    }
}

/// A side of a movement.
public enum MovementSide: String, Sendable, Codable, CaseIterable {
    case came, left

    fileprivate func label(_ change: AudienceChange) -> BilingualText {
        let which = "\(change.earlier.id) → \(change.later.id)"
        return switch self {
        case .came: BilingualText(zh: "新进入 \(which)", en: "came \(which)")
        case .left: BilingualText(zh: "已离开 \(which)", en: "left \(which)")
        }
    }
}

/// Who came, who left, and how many stayed, from one audience to another.
public struct AudienceChange: Sendable {
    public var earlier: Audience
    public var later: Audience
    public var counts: AudienceMovement
    public var came: Bitset
    public var left: Bitset

    /// Joins both audiences and what changed.
    public init(earlier: Audience, later: Audience, counts: AudienceMovement, came: Bitset, left: Bitset) {
        (self.earlier, self.later, self.counts, self.came, self.left) = (earlier, later, counts, came, left)
    }

    /// One side of it.
    public subscript(side: MovementSide) -> Bitset { side == .came ? came : left }
}

extension Segments {
    /// Who came and who left between two audiences; who is outside the organisation scope is in neither.
    public func movement(
        from earlier: Audience,
        to later: Audience,
        in organisation: OrganisationScope,
        today: LocalDay
    ) async throws -> AudienceChange {
        var (before, after) = (try await members(of: earlier.file), try await members(of: later.file))
        if organisation != .all {
            var visible = try await members("TRUE", in: organisation, today: today)
            // Subscribers may have come while these were read.
            let universe = max(before.universe, after.universe, visible.universe)
            visible.grow(universe: universe)
            before.grow(universe: universe)
            after.grow(universe: universe)
            before.formIntersection(visible)
            after.formIntersection(visible)
        }
        before.grow(universe: max(before.universe, after.universe))
        after.grow(universe: before.universe)
        var (came, left) = (after, before)
        came.subtract(before)
        left.subtract(after)
        let counts = AudienceMovement(stayed: after.count - came.count, came: came.count, left: left.count)
        return AudienceChange(earlier: earlier, later: later, counts: counts, came: came, left: left)
    }

    /// What changed between the two last audiences of a segment; nil while there are not two.
    public func lastMovement(
        of segment: Segment,
        in organisation: OrganisationScope,
        today: LocalDay
    ) async throws -> AudienceChange? {
        let last = try await store.audiences(ofSegment: segment.id).prefix(2)
        guard let to = last.first, let from = last.dropFirst().first else { return nil }
        return try await movement(from: from, to: to, in: organisation, today: today)
    }

    /// Saves who came or who left as a segment of its own, named after both audiences.
    ///
    /// - Throws: ``PlanningError/badDefinition(part:why:)`` when it is nobody.
    public func save(
        _ side: MovementSide,
        of change: AudienceChange,
        in segment: Segment,
        name: (BilingualText) -> String,
        by staff: Staff,
        at now: Instant
    ) async throws -> Segment {
        guard !change[side].isEmpty else {
            throw PlanningError.badDefinition(
                part: "side",
                why: side == .came
                    ? BilingualText(zh: "两次快照之间没有新进入的用户", en: "nobody came between the two audiences")
                    : BilingualText(zh: "两次快照之间没有离开的用户", en: "nobody left between the two audiences")
            )
        }
        return try await save(
            SegmentPart(label: side.label(change), members: change[side]),
            of: segment,
            action: "segment.movement",
            name: name,
            by: staff,
            at: now
        )
    }
}
