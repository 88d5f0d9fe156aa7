// Segments that are computed by themselves: which are due, and in what order (SEG-36).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
public import Model
import Ports
import Rules

/// A segment that is due, and its last audience.
struct DueSegment: Sendable {
    let segment: Segment
    let last: Audience?
}

/// A segment that could not be computed, with the reason.
public typealias SegmentProblem = (segment: Segment, problem: String)

extension Segments {
    /// Computes what is due: those whose attributes, or tables of behaviour, were loaded anew, those whose day has come; and lets those whose
    /// last day has passed expire.
    ///
    /// What asks each subscriber for himself is found anew only for who changed since it was last found so;
    /// see ``RefreshPass``. All others are found anew, those that others name first.
    ///
    /// - Returns: Segments that could not be computed; the others go on.
    public func keepFresh(at now: LocalTime) async throws -> [SegmentProblem] {
        let (load, columns) = try await host.read { ($0.attributes?.load, $0.hotColumns) }
        var (due, problems): ([DueSegment], [SegmentProblem]) = ([], [])
        let all = try await all(SegmentFilter(states: [.saved, .computed, .published]))
        refreshed.keepOnly(Set(all.map(\.id)))
        for segment in all {
            do {
                if let last = segment.validTo, last < now.day {
                    _ = try await move(segment, to: .expired, by: Self.system, at: now.instant)
                } else if let asked = try await self.due(segment, load: load, at: now) {
                    due.append(asked)
                }
            } catch ControlPlaneError.stale {
                // Somebody is working on it; the next pass sees what they made of it.
            } catch {
                problems.append((segment, "\(error)"))
            }
        }
        guard !due.isEmpty else {
            refreshed.forgetValues(unless: Dictionary(columns.map { ($0.code, $0.file) }) { first, _ in first })
            return problems
        }
        let (rest, failed) = try await RefreshPass(self, at: now).compute(due)
        problems += failed
        for segment in try await inOrder(rest) {
            do {
                _ = try await compute(segment, by: Self.system, today: now.day, at: now.instant)
            } catch ControlPlaneError.stale {
                // As above.
            } catch {
                problems.append((segment, "\(error)"))
            }
        }
        return problems
    }

    /// The same, knowing of earlier refreshes what is stored, as after a start.
    public func afterStart() -> Segments {
        var other = self
        other.refreshed = RefreshMemory()
        return other
    }

    /// The same, knowing nothing of earlier refreshes.
    public func withoutPast() -> Segments {
        var other = self
        other.refreshed = RefreshMemory(readsStored: false)
        return other
    }

    /// Who stands in the audit log for what happens by itself.
    static let system = "gyre"

    private func due(_ segment: Segment, load: String?, at now: LocalTime) async throws -> DueSegment? {
        guard let load, [.onLoad, .daily].contains(segment.refresh) else { return nil }
        guard let number = segment.audience else { return DueSegment(segment: segment, last: nil) }
        var found = refreshed.audience(number, of: segment.id)
        if found == nil { found = try await store.audience(number) }
        guard let last = found else { return DueSegment(segment: segment, last: nil) }
        let facts = last.facts == nil ? nil : try await facts(of: segment.definition)
        let isDue =
            last.load != load || last.revision != segment.revision || last.facts != facts
            || (segment.refresh == .daily
                && LocalTime(instant: last.at, offsetSeconds: now.offsetSeconds).day < now.day)
        return isDue ? DueSegment(segment: segment, last: last) : nil
    }

    /// What the tables of behaviour hold that a definition asks for: the loads they are made of; nil when it asks for none.
    func facts(of definition: SegmentDefinition) async throws -> ContentHash? {
        var tables: Set<String> = []
        if case .sql = definition.source { tables = Set(EventSource.standard.flatMap(\.tables)) }
        let catalogue = try await catalogue()
        var (waiting, seen) = (definition.rules, Set<String>())
        while let rule = waiting.popLast() {
            guard let syntax = try? RuleSyntax(parsing: rule) else { continue }
            for name in syntax.sourceNames {
                tables.formUnion(
                    EventSource.standard.filter { $0.name == name || $0.title.zh == name }.flatMap(\.tables)
                )
            }
            for name in syntax.attributeNames where seen.insert(name).inserted {
                if let expression = catalogue.attribute(named: name)?.expression { waiting.append(expression) }
            }
        }
        guard !tables.isEmpty else { return nil }
        var loads: [String] = []
        for table in tables.sorted() { loads += try await store.loads(table: table).map { "\(table)/\($0.id)" } }
        return .sha256(Array(loads.joined(separator: "\n").utf8))
    }

    /// Segments in an order in which those that others name come first.
    private func inOrder(_ segments: [Segment]) async throws -> [Segment] {
        let byID = Dictionary(segments.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let byName = Dictionary(segments.map { ($0.name, $0.id) }, uniquingKeysWith: { first, _ in first })
        var (ordered, seen): ([Segment], Set<Int64>) = ([], [])
        func take(_ segment: Segment) {
            guard seen.insert(segment.id).inserted else { return }
            let audiences = segment.definition.rules.flatMap { (try? RuleSyntax(parsing: $0).audiences) ?? [] }
            for named in segment.definition.segments + audiences.compactMap({ byName[$0] }) {
                if let segment = byID[named] { take(segment) }
            }
            ordered.append(segment)
        }
        segments.forEach(take)
        return ordered
    }
}
