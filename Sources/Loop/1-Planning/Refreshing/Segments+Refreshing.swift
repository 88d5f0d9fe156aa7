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
    /// What the tables of behaviour show that it asks for.
    var facts: ContentHash?
}

/// A segment that could not be computed, with the reason.
public typealias SegmentProblem = (segment: Segment, problem: String)

extension Segments {
    /// Computes what is due: those whose attributes, or tables of behaviour, were loaded anew, those whose time has come; and
    /// lets those whose last day has passed expire.
    ///
    /// What asks each subscriber for himself is found anew only for who changed since it was last found so;
    /// see ``RefreshPass``. All others are found anew, those that others name first.
    ///
    /// - Returns: Segments that could not be computed; the others go on.
    public func keepFresh(at now: LocalTime) async throws -> [SegmentProblem] {
        let (load, columns) = try await host.read { ($0.attributes?.load, $0.hotColumns) }
        var (due, problems): ([DueSegment], [SegmentProblem]) = ([], [])
        let all = try await all(SegmentFilter(states: [.saved, .computed, .published]))
        let shown = load == nil ? nil : try await shownTables()
        refreshed.keepOnly(Set(all.map(\.id)))
        for segment in all {
            do {
                if let last = segment.validTo, last < now.day {
                    _ = try await move(segment, to: .expired, by: Self.system, at: now.instant)
                } else if let asked = try await self.due(segment, load: load, shown, at: now) {
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

    private func due(
        _ segment: Segment,
        load: String?,
        _ shown: ShownTables?,
        at now: LocalTime
    ) async throws -> DueSegment? {
        // What was handed in stays as it is until somebody has decided on it.
        guard let load, let shown, ![.byHand, .atUse].contains(segment.refresh), !segment.isWaiting else { return nil }
        guard let number = segment.audience else { return DueSegment(segment: segment, last: nil) }
        var found = refreshed.audience(number, of: segment.id)
        if found == nil { found = try await store.audience(number) }
        guard let last = found else { return DueSegment(segment: segment, last: nil) }
        let facts = try await shown.facts(of: segment)
        let isDue =
            last.revision != segment.revision
            || (segment.refresh.followsLoads && (last.load != load || last.facts != facts))
            || segment.refresh.hasCome(since: LocalTime(instant: last.at, offsetSeconds: now.offsetSeconds), at: now)
        return isDue ? DueSegment(segment: segment, last: last, facts: facts) : nil
    }

    /// What the tables of behaviour show now.
    ///
    /// The text of a view names the loads it shows. The list of loads would not do: it says so before the rows are there, or
    /// after they are gone.
    ///
    /// - Throws: What the warehouse throws; `DecisionError.noProfile` before the first load.
    func shownTables() async throws -> ShownTables {
        guard let file = try await host.read({ $0.attributes?.catalogue }) else { throw DecisionError.noProfile }
        let names = Set(EventSource.standard.flatMap(\.tables)).sorted().map { warehouse.dialect.quoted(literal: $0) }
        let sql = "SELECT view_name, sql FROM duckdb_views() WHERE view_name IN (\(names.joined(separator: ", ")))"
        let rows = try await warehouse.rows(SQLText(sql, dialect: warehouse.dialect))
        let views = Dictionary(
            rows.map { ($0[0].text ?? "", $0[1].text ?? "") },
            uniquingKeysWith: { first, _ in first }
        )
        return ShownTables(
            views: views,
            catalogue: try inputs.catalogue(file),
            catalogueFile: file,
            store: store,
            memory: refreshed
        )
    }

    /// What the tables show that a rule asks for; nil when it asks for none.
    ///
    /// - Throws: As ``shownTables()``.
    func facts(of rule: String) async throws -> ContentHash? {
        let tables = AskedTables(of: SegmentDefinition(.rule(rule)), try await catalogue()).tables
        return tables.isEmpty ? nil : try await shownTables().digest(of: tables)
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
