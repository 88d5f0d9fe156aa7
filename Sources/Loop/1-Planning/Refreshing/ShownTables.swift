// Segments that ask what subscribers did are due when the tables they ask show other loads.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model
import Ports
import Rules

/// What a definition asks for of the tables of behaviour, and what it names that may ask for more.
struct AskedTables: Sendable {
    private(set) var tables: Set<String> = []
    /// Segments that it names.
    private(set) var segments: [Int64]
    /// Names of the segments whose audiences its rules ask for.
    private(set) var audiences: Set<String> = []

    init(of definition: SegmentDefinition, _ catalogue: AttributeCatalogue) {
        segments = definition.segments
        if case .sql = definition.source { tables.formUnion(EventSource.standard.flatMap(\.tables)) }
        var (rules, names): ([String], Set<String>) = (definition.rules, [])
        while let rule = rules.popLast() {
            guard let syntax = try? RuleSyntax(parsing: rule) else { continue }
            // Owners are those of the subscriptions that are loaded.
            if syntax.asksForOwners { tables.insert("subscription") }
            for name in syntax.sourceNames {
                let sources = EventSource.standard.filter { $0.name == name || $0.title.zh == name }
                tables.formUnion(sources.flatMap(\.tables))
            }
            for name in syntax.attributeNames where names.insert(name).inserted {
                if let expression = catalogue.attribute(named: name)?.expression { rules.append(expression) }
            }
            audiences.formUnion(syntax.audiences)
        }
    }
}

/// What the tables of behaviour show at one moment.
struct ShownTables {
    /// The text of each table's view.
    let views: [String: String]
    let catalogue: AttributeCatalogue
    /// The catalogue's file.
    let catalogueFile: ContentHash
    let store: any ControlPlaneStore
    let memory: RefreshMemory

    /// What the tables show that a segment asks for, also through segments and audiences that it names.
    ///
    /// - Parameter segment: The segment.
    /// - Returns: A digest, which is another one once they show other loads; nil when it asks for none.
    /// - Throws: What the store throws.
    func facts(of segment: Segment) async throws -> ContentHash? {
        var tables: Set<String> = []
        var (left, seen): ([Segment], Set<Int64>) = ([segment], [])
        while let next = left.popLast() {
            let asked = memory.askedTables(by: next, under: catalogueFile) { AskedTables(of: $0, catalogue) }
            tables.formUnion(asked.tables)
            for id in asked.segments where seen.insert(id).inserted {
                if let named = try await store.segment(id) { left.append(named) }
            }
            for name in asked.audiences {
                guard let named = try await store.segment(named: name), seen.insert(named.id).inserted else { continue }
                left.append(named)
            }
        }
        return digest(of: tables)
    }

    /// What some tables show; nil of none.
    func digest(of tables: Set<String>) -> ContentHash? {
        guard !tables.isEmpty else { return nil }
        let texts = tables.sorted().map { "\($0): \(views[$0] ?? "")" }
        return .sha256(Array(texts.joined(separator: "\n").utf8))
    }
}
