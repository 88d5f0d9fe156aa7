// Audiences for other systems: which are due, and their rows as of the moment they leave (SEG-22, SEG-32, LST-20).
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
public import Model
import Ports

/// An audience that a system is to get.
public struct DueDelivery: Sendable {
    /// What was asked for and agreed to.
    public var export: SegmentExport
    /// The audience: the one asked for or, while deliveries go on, the segment's last.
    public var audience: Audience

    /// The name of its file; the same each time it is written.
    public var name: String { "segment-\(export.segment)-audience-\(audience.id)-E\(export.id).csv" }
}

/// A row for another system.
public struct DeliveredMember: Hashable, Sendable {
    /// The line, which keeps its id when the number changes.
    public var line: Int64
    /// The number, in the national form.
    public var number: String
    /// The attributes that were asked for, as text.
    public var attributes: [String]
}

/// Members of an audience who may still be delivered, and their values.
public struct DeliveredMembers: Sendable {
    fileprivate let members: Bitset
    fileprivate let values: MemberValues
    fileprivate let attributes: [String]
    fileprivate let lines: [Int64]
    fileprivate let numbers: LiveNumbers

    /// The rows of those who have a number now, in the order of the index.
    public func forEach(_ body: (DeliveredMember) throws -> Void) rethrows {
        // Read here: who is erased between finding members and writing them has none any more.
        let numbers = numbers.current
        try members.forEach { index in
            guard let number = numbers.number(of: SubscriberIndex(index)) else { return }
            try body(
                DeliveredMember(
                    line: lines[Int(index)],
                    number: number.national,
                    attributes: attributes.map { values.text(of: $0, at: index) }
                )
            )
        }
    }
}

extension Segments {
    /// Audiences that other systems are to get now, oldest request first.
    ///
    /// A delivery that goes on has at most one: the last audience. Those between it and the one before it are of the past.
    /// One whose last day is over ends.
    public func dueDeliveries(at now: LocalTime) async throws -> [DueDelivery] {
        var due: [DueDelivery] = []
        for export in try await store.openDeliveries() {
            var wanted: Int64? = export.audience
            if let until = export.delivery?.until {
                guard now.day <= until else {
                    var ended = export
                    (ended.endedBy, ended.endedAt) = (Self.system, now.instant)
                    let said = AuditEntry(
                        at: now.instant,
                        who: Self.system,
                        action: "export.end",
                        object: "export/\(export.id)",
                        detail: export.name
                    )
                    _ = try await store.save(ended, audit: said)
                    continue
                }
                // A segment that was released gives what was released.
                let segment = try await store.segment(export.segment)
                wanted = segment.flatMap { $0.state == .expired ? nil : $0.published ?? $0.audience }
            }
            guard let wanted, let audience = try await store.audience(wanted) else { continue }
            let isThere = try await store.deliveredFiles(ofExport: export.id).contains { $0.audience == wanted }
            if !isThere { due.append(DueDelivery(export: export, audience: audience)) }
        }
        return due
    }

    /// Who of an audience leaves now, which stays as it is.
    ///
    /// Those are left out whom the lists that the segment excludes have got meanwhile.
    public func members(for due: DueDelivery, today: LocalDay) async throws -> DeliveredMembers {
        let definition = try await store.revisions(ofSegment: due.export.segment)
            .first { $0.number == due.audience.revision }?.definition
        let codes = (definition?.exclusions ?? []).compactMap { exclusion in
            if case .list(let code) = exclusion { code } else { nil }
        }
        var members = try await members(of: due.audience.file)
        let (lines, listed) = try await host.read { state in
            (state.lines, codes.compactMap { state.lists.members(excludedBy: $0) })
        }
        // A load may have brought more subscribers meanwhile.
        members.grow(universe: lines.count)
        for list in listed { members.subtract(list) }
        return DeliveredMembers(
            members: members,
            values: try await values(of: shown(due.export.attributes), for: members.indices, today: today),
            attributes: due.export.attributes,
            lines: lines,
            numbers: numbers
        )
    }

    /// Records that the file of an audience is where its system fetches it.
    public func record(_ file: DeliveredFile, of due: DueDelivery, at now: Instant) async throws {
        let detail = "\(due.export.delivery?.system ?? "") \(file.name): \(file.count) rows, \(file.removed) left out"
        try await store.record(
            file,
            audit: AuditEntry(
                at: now,
                who: Self.system,
                action: "export.deliver",
                object: "export/\(due.export.id)",
                detail: detail
            )
        )
    }

    /// Ends a delivery: nothing more goes to its system.
    ///
    /// Whoever asked for it may, and who may agree to exports.
    ///
    /// - Returns: The export as stored.
    /// - Throws: ``PlanningError/notAllowed(_:)`` for others, and when nothing is delivered.
    public func endDelivery(of export: SegmentExport, by staff: Staff, at now: Instant) async throws -> SegmentExport {
        guard staff.login == export.requestedBy || staff.may(.approve) else {
            throw PlanningError.notAllowed("a delivery is ended by whoever asked for it, or by an approver")
        }
        guard export.delivery != nil, export.state == .approved, export.endedAt == nil else {
            throw PlanningError.notAllowed("nothing is delivered for this export")
        }
        var ended = export
        (ended.endedBy, ended.endedAt) = (staff.login, now)
        return try await store.save(ended, audit: entry("export.end", "export/\(export.id)", staff, now, export.name))
    }
}
