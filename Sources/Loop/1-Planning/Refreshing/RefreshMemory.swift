// What is known of segments from one refresh to the next.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Synchronization

/// How segments were found last, and what their definitions mean.
final class RefreshMemory: Sendable {
    /// Names that rules are checked against; with others they are checked anew.
    struct Names: Equatable {
        let catalogue: ContentHash
        let lists: Set<ListID>
    }

    struct Entry {
        let past: RefreshedPast
        /// Whether the audience's file is a whole one.
        let isWhole: Bool
        let audience: Audience
        fileprivate let definition: SegmentDefinition
        fileprivate let scope: OrganisationScope
    }

    private struct Checked {
        let definition: SegmentDefinition
        let scope: OrganisationScope
        let rowwise: RowwiseDefinition?
    }

    private struct Content {
        var entries: [Int64: Entry] = [:]
        var names: Names?
        var checked: [Int64: Checked] = [:]
        /// The only one that holds columns.
        var latest: RefreshedPast?
    }

    private let content = Mutex(Content())

    /// The audience with a number, if it is the last one found of a segment: it never changes.
    func audience(_ number: Int64, of segment: Int64) -> Audience? {
        content.withLock { $0.entries[segment]?.audience }.flatMap { $0.id == number ? $0 : nil }
    }

    /// How the last audience was found; nil when that was in another way, or of another definition.
    func past(of segment: Segment, last: Audience?) -> Entry? {
        guard let entry = content.withLock({ $0.entries[segment.id] }), let last, entry.audience.id == last.id,
            entry.definition == segment.definition, entry.scope == segment.scope
        else { return nil }
        return entry
    }

    func keep(_ segment: Segment, _ audience: Audience, isWhole: Bool, _ past: RefreshedPast) {
        let entry = Entry(
            past: past,
            isWhole: isWhole,
            audience: audience,
            definition: segment.definition,
            scope: segment.scope
        )
        content.withLock { content in
            content.entries[segment.id] = entry
            if content.latest !== past { content.latest?.forgetValues() }
            content.latest = past
        }
    }

    /// Lets go of the columns of the last refresh, unless they are those of the live load.
    func forgetValues(unless load: String?) {
        content.withLock { content in
            if content.latest?.load != load { content.latest?.forgetValues() }
        }
    }

    /// Forgets segments that there are no more.
    func keepOnly(_ segments: Set<Int64>) {
        content.withLock { content in
            content.entries = content.entries.filter { segments.contains($0.key) }
            content.checked = content.checked.filter { segments.contains($0.key) }
        }
    }

    /// Forgets what definitions mean when rules may refer to other names now.
    func checkAnew(unless names: Names) {
        content.withLock { content in
            if content.names != names { (content.names, content.checked) = (names, [:]) }
        }
    }

    /// What the definition of a segment means, checked when it is not known; nil = nothing that can be asked row by row.
    func definition(
        of segment: Segment,
        _ check: (Segment) throws -> RowwiseDefinition?
    ) rethrows -> RowwiseDefinition? {
        if let known = content.withLock({ $0.checked[segment.id] }), known.definition == segment.definition,
            known.scope == segment.scope
        {
            return known.rowwise
        }
        let rowwise = try check(segment)
        let checked = Checked(definition: segment.definition, scope: segment.scope, rowwise: rowwise)
        content.withLock { $0.checked[segment.id] = checked }
        return rowwise
    }
}
