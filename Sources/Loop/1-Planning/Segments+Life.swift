// The life of a segment: saved, computed, released, expired; and what it takes over from models (SEG-12, SEG-20).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports
public import Rules

extension Segments {
    // MARK: Saving

    /// Saves a segment; all but drafts are checked and counted.
    ///
    /// A changed definition takes a computed or released segment back to saved; what was released stays released.
    /// - Throws: ``PlanningError`` with the part of the definition that cannot be, `ControlPlaneError` for a taken name
    ///   or a stale version.
    public func save(_ segment: Segment, by staff: Staff, today: LocalDay, at now: Instant) async throws -> Segment {
        var segment = segment
        segment.name = segment.name.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...100).contains(segment.name.count) else { throw PlanningError.badName(segment.name) }
        guard segment.purpose.count <= 1_000 else {
            throw PlanningError.badValue(field: "purpose", why: "it has at most 1000 characters")
        }
        guard segment.validTo.map({ $0 >= today }) ?? true || segment.state == .expired else {
            throw PlanningError.badValue(field: "validTo", why: "its last day has passed")
        }
        try await check(segment.matches)
        let stored = segment.id == 0 ? nil : try await store.segment(segment.id)
        let isAsStored = stored?.definition == segment.definition && stored?.scope == segment.scope
        if stored != nil, !isAsStored, segment.state != .draft { segment.state = .saved }
        if segment.state == .draft {
            segment.count = nil
        } else {
            try await check(segment.definition, of: segment.id, in: segment.scope)
            if !isAsStored || segment.count == nil {
                let found = try await find(segment.definition, of: segment.id, in: segment.scope, today: today)
                segment.count = Int64(found.members.count)
            }
        }
        if segment.state != .computed { segment.withdrawReview() }
        segment.updatedAt = now
        let action = segment.id == 0 ? "segment.create" : "segment.update"
        return try await store.save(segment, audit: entry(action, segment, staff.login, now))
    }

    private func check(_ matches: [SegmentMatch]) async throws {
        guard matches.count <= SegmentMatch.most else {
            throw PlanningError.badValue(field: "matches", why: "at most \(SegmentMatch.most)")
        }
        for (place, match) in matches.enumerated() {
            let part = "matches.\(place)"
            guard (1...100).contains(match.subject.trimmingCharacters(in: .whitespacesAndNewlines).count) else {
                throw PlanningError.badValue(field: "\(part).subject", why: "it has 1 to 100 characters")
            }
            guard (1...9).contains(match.priority) else {
                throw PlanningError.badValue(field: "\(part).priority", why: "it is 1, the first, to 9")
            }
            if !match.condition.isEmpty { try await check(rule: match.condition, at: "\(part).condition") }
        }
    }

    /// Checks what can be checked of a definition without finding members.
    ///
    /// - Throws: ``PlanningError`` with the first part that cannot be.
    public func check(
        _ definition: SegmentDefinition,
        of segment: Int64 = 0,
        in organisation: OrganisationScope
    ) async throws {
        switch definition.source {
        case .rule(let rule): try await check(rule: rule, at: "from.rule")
        case .sql(let text): try await check(sql: text)
        case .members, .algebra, .outcome: break
        }
        for (place, exclusion) in definition.exclusions.enumerated() {
            if case .rule(let rule) = exclusion { try await check(rule: rule, at: "exclude.\(place).rule") }
            if case .filter(let filter) = exclusion { try filter.check(at: "exclude.\(place)") }
        }
        if case .top(_, let score) = definition.pick {
            do {
                _ = try await scope().checkScore(score)
            } catch let error as RuleError {
                throw PlanningError.badRule(part: "pick.top.score", error)
            }
        }
        var (waiting, seen) = (definition.segments, Set<Int64>())
        while let next = waiting.popLast() {
            guard next != segment else { throw PlanningError.circular(segment) }
            guard seen.insert(next).inserted else { continue }
            guard let named = try await store.segment(next) else { throw PlanningError.unknownSegment(next) }
            waiting += named.definition.segments
        }
    }

    private func check(rule: String, at part: String) async throws {
        do {
            _ = try await check(rule)
        } catch let error as RuleError {
            throw PlanningError.badRule(part: part, error)
        }
    }

    /// Removes a segment that nothing uses and of which nothing was released.
    public func delete(_ segment: Segment, by staff: Staff, at now: Instant) async throws {
        let audit = entry("segment.delete", segment, staff.login, now)
        try await store.deleteSegment(segment.id, version: segment.version, audit: audit)
    }

    // MARK: Audiences

    /// Freezes the members of a segment as they are now.
    ///
    /// One that is released and computed anew by itself is released again with them.
    public func compute(
        _ segment: Segment,
        by who: String,
        today: LocalDay,
        at now: Instant
    ) async throws -> (Audience, Segment) {
        guard segment.state != .draft, segment.state != .expired else {
            throw PlanningError.wrongState(segment.state, wanted: .computed)
        }
        // Before members are found: a load in between makes it due once more.
        let facts = try await shownTables().facts(of: segment)
        let found = try await find(segment.definition, of: segment.id, in: segment.scope, today: today)
        let audience = Audience(
            segment: segment.id,
            revision: segment.revision,
            file: try host.store(found.members.listFile),
            count: Int64(found.members.count),
            universe: Int64(found.members.universe),
            steps: found.steps,
            load: found.load,
            facts: facts,
            who: who,
            at: now
        )
        let computed = recording(audience, of: segment)
        return try await store.record(audience, of: computed.segment, audit: computed.audit)
    }

    /// What is recorded with an audience.
    func recording(_ audience: Audience, of segment: Segment) -> AudienceRecording {
        var computed = segment
        let isReleasedAgain = segment.state == .published && segment.refresh != .byHand
        computed.state = isReleasedAgain ? .published : .computed
        computed.withdrawReview()
        computed.updatedAt = audience.at
        let audit = entry("segment.compute", segment, audience.who, audience.at)
        return AudienceRecording(audience: audience, segment: computed, audit: audit)
    }

    /// Releases the last audience of a segment's present definition; it never changes from then on.
    ///
    /// - Throws: ``PlanningError/wrongState(_:wanted:)`` unless one is computed.
    public func publish(_ segment: Segment, by staff: Staff, at now: Instant) async throws -> Segment {
        guard segment.state == .computed, let audience = segment.audience else {
            throw PlanningError.wrongState(segment.state, wanted: .published)
        }
        guard !segment.needsDecision else {
            throw PlanningError.notAllowed(
                "it was handed in, so that another decides; when it was returned, hand it in anew"
            )
        }
        var published = segment
        (published.state, published.published, published.updatedAt) = (.published, audience, now)
        return try await store.save(published, audit: entry("segment.publish", segment, staff.login, now))
    }

    /// Hands the last audience of a segment's present definition in, so that another decides on its release (SEG-23).
    ///
    /// A change of the definition, or members that are frozen anew, take it back; what was returned is handed in again.
    /// - Throws: ``PlanningError`` unless one is computed that others see and that does not wait already.
    public func submit(_ segment: Segment, by staff: Staff, at now: Instant) async throws -> Segment {
        guard segment.state == .computed, let audience = segment.audience, !segment.isWaiting else {
            throw PlanningError.wrongState(segment.state, wanted: .published)
        }
        guard segment.sharing != .owner else {
            throw PlanningError.badValue(field: "sharing", why: "share it first, for nobody else sees it")
        }
        var submitted = segment
        submitted.review = SegmentReview(audience: audience, submittedBy: staff.login, submittedAt: now)
        submitted.updatedAt = now
        return try await store.save(submitted, audit: entry("segment.submit", segment, staff.login, now))
    }

    /// Ends the use of a segment, or takes an ended one up again.
    public func move(
        _ segment: Segment,
        to state: SegmentState,
        by who: String,
        at now: Instant
    ) async throws -> Segment {
        guard [.expired, .saved].contains(state), segment.state.next.contains(state) else {
            throw PlanningError.wrongState(segment.state, wanted: state)
        }
        var moved = segment
        (moved.state, moved.updatedAt) = (state, now)
        if state == .saved { moved.validTo = nil }
        moved.withdrawReview()
        return try await store.save(moved, audit: entry("segment.\(state.rawValue)", segment, who, now))
    }

    /// All segments that a filter lets through.
    public func all(_ filter: SegmentFilter) async throws -> [Segment] {
        var (found, query): ([Segment], ListQuery) = ([], ListQuery(order: "name", isDescending: false, limit: 1_000))
        while true {
            let page = try await store.segments(query, filter, seenBy: nil)
            found += page.rows
            query.offset += page.rows.count
            if page.rows.isEmpty || query.offset >= page.total { return found }
        }
    }

    // MARK: Models

    /// The conditions of a rule that can be taken over one by one: the parts of its topmost AND.
    public static func conditions(of rule: String) throws(RuleError) -> [String] {
        let root = try RuleSyntax(parsing: rule).root
        guard case .and(let parts) = root.kind else { return [root.text] }
        return parts.map(\.text)
    }

    /// A rule made of some conditions of another one.
    public static func rule(of conditions: [String]) throws(RuleError) -> String {
        var parts: [RuleNode] = []
        for condition in conditions { parts.append(try RuleSyntax(parsing: condition).root) }
        guard let first = parts.first else { return "" }
        return parts.count == 1 ? first.text : RuleNode(.and(parts)).text
    }

    private func entry(_ action: String, _ segment: Segment, _ who: String, _ now: Instant) -> AuditEntry {
        AuditEntry(
            at: now,
            who: who,
            action: action,
            object: segment.id == 0 ? "segment/\(segment.name)" : "segment/\(segment.id)",
            detail: segment.name
        )
    }
}
