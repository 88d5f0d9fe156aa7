// Looks at segments before they are used: how they overlap, and who came and left between two audiences.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Ports
public import Segmentation

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

extension Segments {
    /// How the members of some segments overlap, in the order given.
    ///
    /// - Throws: ``PlanningError/badDefinition(part:why:)`` unless 2 to `Overlap.mostSets` are given.
    public func overlap(
        _ segments: [Segment],
        in organisation: OrganisationScope,
        today: LocalDay
    ) async throws -> Overlap {
        guard (2...Overlap.mostSets).contains(segments.count) else {
            throw PlanningError.badDefinition(
                part: "segments",
                why: BilingualText(
                    zh: "请选择 2 至 \(Overlap.mostSets) 个客户群进行比较",
                    en: "compare 2 to \(Overlap.mostSets) segments"
                )
            )
        }
        var sets: [Bitset] = []
        for segment in segments { sets.append(try await members(of: segment, in: organisation, today: today)) }
        return Overlap(sets, threads: threads)
    }

    /// What changed between the two last audiences of a segment; nil while there are not two.
    public func lastMovement(
        of segment: Segment
    ) async throws -> (from: Audience, to: Audience, counts: AudienceMovement)? {
        let last = try await store.audiences(ofSegment: segment.id).prefix(2)
        guard let to = last.first, let from = last.dropFirst().first else { return nil }
        return (from, to, try await movement(from: from, to: to).counts)
    }

    /// Who came and who left between two audiences.
    ///
    /// - Returns: The counts, those who came, and those who left.
    public func movement(
        from earlier: Audience,
        to later: Audience
    ) async throws -> (counts: AudienceMovement, came: Bitset, left: Bitset) {
        let (before, after) = (try await members(of: earlier.file), try await members(of: later.file))
        var (came, left) = (after, before)
        came.subtract(before)
        left.subtract(after)
        let counts = AudienceMovement(stayed: after.count - came.count, came: came.count, left: left.count)
        return (counts, came, left)
    }
}
