// Members with full numbers: asked for by one, agreed to by another, marked, and on record each time they are fetched.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
public import Kernel
public import Model
import Ports

/// A row of an export.
public struct ExportedMember: Hashable, Sendable {
    /// The number in full; empty for who has none now.
    public var number: String
    /// The open attributes that were asked for, as text.
    public var attributes: [String]
}

extension Segments {
    /// Rows that one export holds at most.
    public static let mostExported: Int64 = 2_000_000

    /// Asks for the last audience of a segment with full numbers.
    ///
    /// - Parameters:
    ///   - segment: Whose.
    ///   - attributes: Open ones that go along.
    ///   - reason: What the numbers are for.
    ///   - delivery: The system that gets them, and whether later audiences follow; nil = `staff` fetches them.
    ///   - staff: Who asks.
    ///   - now: When.
    /// - Returns: The export, which waits.
    /// - Throws: ``PlanningError`` when there is none, when it is too large to be fetched, without a reason, for attributes
    ///   that are not open, and for a delivery that nobody could take or that is over.
    public func askForExport(
        of segment: Segment,
        attributes: [String],
        reason: String,
        delivery: SegmentDelivery? = nil,
        by staff: Staff,
        at now: LocalTime
    ) async throws -> SegmentExport {
        guard staff.scope.covers(segment.scope) else {
            throw PlanningError.notAllowed("the segment reaches beyond your part of the organisation")
        }
        guard let number = segment.audience, let audience = try await store.audience(number) else {
            throw PlanningError.wrongState(segment.state, wanted: .computed)
        }
        guard delivery != nil || audience.count <= Self.mostExported else {
            throw PlanningError.badValue(field: "segment", why: "an export has at most \(Self.mostExported) members")
        }
        guard reason.contains(where: { !$0.isWhitespace }) else {
            throw PlanningError.badValue(field: "reason", why: "say what the numbers are for")
        }
        _ = try await shown(attributes)
        if let delivery {
            guard SegmentDelivery.isSystem(delivery.system) else {
                throw PlanningError.badValue(field: "system", why: "1 to 32 of a-z, 0-9, - and _, a letter first")
            }
            guard delivery.until.map({ $0 >= now.day }) ?? true else {
                throw PlanningError.badValue(field: "until", why: "the day is over")
            }
        }
        var export = SegmentExport(
            segment: segment,
            audience: audience,
            attributes: attributes,
            reason: reason,
            requestedBy: staff.login,
            requestedAt: now.instant
        )
        export.delivery = delivery
        let asked = entry("export.ask", "segment/\(segment.id)", staff, now.instant, reason)
        return try await store.save(export, audit: asked)
    }

    /// Agrees to an export of somebody else's, or refuses it.
    public func decide(
        _ export: SegmentExport,
        isApproved: Bool,
        by staff: Staff,
        at now: Instant
    ) async throws -> SegmentExport {
        guard staff.login != export.requestedBy else {
            throw PlanningError.notAllowed("nobody agrees to an export of their own; another approver decides")
        }
        var decided = export
        (decided.state, decided.decidedBy, decided.decidedAt) = (isApproved ? .approved : .refused, staff.login, now)
        let action = isApproved ? "export.approve" : "export.refuse"
        return try await store.save(decided, audit: entry(action, "export/\(export.id)", staff, now, export.name))
    }

    /// The rows of an approved export, for whoever asked for it; on record each time.
    ///
    /// Their order belongs to this export alone, so that even a copy without the marks says which one it came from.
    public func fetch(_ export: SegmentExport, by staff: Staff, at now: LocalTime) async throws -> [ExportedMember] {
        guard staff.login == export.requestedBy, export.isOpen(at: now.instant) else {
            throw PlanningError.notAllowed("the export is not approved, is not yours, or its seven days are over")
        }
        guard let audience = try await store.audience(export.audience) else {
            throw PlanningError.unknownSegment(export.segment)
        }
        let members = try await members(of: audience.file)
        let shown = try await shown(export.attributes)
        let detail = "\(audience.count) members"
        try await store.append(entry("export.fetch", "export/\(export.id)", staff, now.instant, detail))
        let values = try await values(of: shown, for: members.indices, today: now.day)
        let lines = try await host.read { $0.lines }
        let hash = KeyedHash(key0: 0x6578_706F_7274_7321, key1: UInt64(bitPattern: export.id))
        var order: [(key: UInt64, index: UInt32)] = []
        members.forEach { index in
            let line = lines[Int(index)]
            if line != 0 { order.append((hash(line), index)) }
        }
        order.sort { $0 < $1 }
        let numbers = numbers.current
        return order.map { _, number in
            ExportedMember(
                number: numbers.number(of: SubscriberIndex(number))?.national ?? "",
                attributes: export.attributes.map { values.text(of: $0, at: number) }
            )
        }
    }

    func entry(
        _ action: String,
        _ object: String,
        _ staff: Staff,
        _ now: Instant,
        _ detail: String
    ) -> AuditEntry {
        AuditEntry(at: now, who: staff.login, action: action, object: object, detail: detail)
    }
}
