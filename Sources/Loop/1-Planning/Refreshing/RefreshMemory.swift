// What is known of segments from one refresh to the next.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Kernel
import Model
import Segmentation
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
        /// Changes that the audience's file follows; 0 = it is a whole one.
        let depth: Int
        let audience: Audience
    }

    private struct Checked {
        let definition: SegmentDefinition
        let scope: OrganisationScope
        let rowwise: RowwiseDefinition?
    }

    private struct Content {
        var entries: [Int64: Entry] = [:]
        /// Refreshes that entries name, by their files.
        var pasts: [ContentHash: RefreshedPast] = [:]
        var names: Names?
        var checked: [Int64: Checked] = [:]
        /// What definitions ask for of the tables of behaviour, under one catalogue.
        var asked: [Int64: (definition: SegmentDefinition, tables: AskedTables)] = [:]
        var askedCatalogue: ContentHash?
        /// The only one that holds columns.
        var latest: RefreshedPast?
    }

    private let content = Mutex(Content())
    private let readsStored: Bool

    /// `readsStored`: Whether what a process before this one remembered is read.
    init(readsStored: Bool = true) { self.readsStored = readsStored }

    /// The audience with a number, if it is the last one found of a segment: it never changes.
    func audience(_ number: Int64, of segment: Int64) -> Audience? {
        content.withLock { $0.entries[segment]?.audience }.flatMap { $0.id == number ? $0 : nil }
    }

    /// How the last audience was found; nil when that was in another way, or of another definition.
    ///
    /// What is not known of a process before this one is read.
    func past(of segment: Segment, last: Audience?, _ inputs: StoredInputs) -> Entry? {
        guard let last, let lookedAt = last.lookedAt, last.revision == segment.revision,
            lookedAt.scope == segment.scope
        else { return nil }
        let (known, past) = content.withLock { content in
            (content.entries[segment.id], content.pasts[lookedAt.file])
        }
        if let known, known.audience.id == last.id { return known }
        // What cannot be read is found anew.
        guard readsStored, let past = past ?? (try? RefreshedPast(stored: lookedAt.file, inputs: inputs)),
            let mark = try? inputs.bytes(last.file, offset: 0, count: AudienceDelta.markBytes)
        else { return nil }
        let entry = Entry(past: past, depth: AudienceDelta.depth(ofMark: mark), audience: last)
        content.withLock { content in
            content.pasts[lookedAt.file] = past
            content.entries[segment.id] = entry
        }
        return entry
    }

    func keep(_ audience: Audience, depth: Int, _ past: RefreshedPast) {
        content.withLock { content in
            content.entries[audience.segment] = Entry(past: past, depth: depth, audience: audience)
            content.pasts[past.file] = past
            if content.latest !== past { content.latest?.forgetValues() }
            content.latest = past
        }
    }

    /// The last refresh of this process.
    var latest: RefreshedPast? { content.withLock { $0.latest } }

    /// Lets go of the columns of the last refresh, unless they are the live ones.
    ///
    /// `columns`: The live column files by attribute; an erasure replaces them within a load.
    func forgetValues(unless columns: [String: ContentHash]) {
        content.withLock { content in
            if content.latest?.columns != columns { content.latest?.forgetValues() }
        }
    }

    /// Forgets segments that there are no more.
    func keepOnly(_ segments: Set<Int64>) {
        content.withLock { content in
            content.entries = content.entries.filter { segments.contains($0.key) }
            let named = Set(content.entries.values.map(\.past.file))
            content.pasts = content.pasts.filter { named.contains($0.key) }
            content.checked = content.checked.filter { segments.contains($0.key) }
            content.asked = content.asked.filter { segments.contains($0.key) }
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

    /// What the definition of a segment asks for of the tables of behaviour, looked up when it is not known.
    ///
    /// - Parameters:
    ///   - segment: The segment.
    ///   - catalogue: The catalogue's file.
    ///   - look: Looks it up.
    /// - Returns: The tables, and what else it names.
    func askedTables(
        by segment: Segment,
        under catalogue: ContentHash,
        _ look: (SegmentDefinition) -> AskedTables
    ) -> AskedTables {
        let known = content.withLock { content in
            if content.askedCatalogue != catalogue { (content.askedCatalogue, content.asked) = (catalogue, [:]) }
            return content.asked[segment.id]
        }
        if let known, known.definition == segment.definition { return known.tables }
        let tables = look(segment.definition)
        content.withLock { content in
            if content.askedCatalogue == catalogue { content.asked[segment.id] = (segment.definition, tables) }
        }
        return tables
    }
}
