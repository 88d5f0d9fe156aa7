// Looks at segments before they are used: how they overlap.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
import Ports
public import Segmentation

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
}
