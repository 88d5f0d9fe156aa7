// Segments in memory.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model
public import Ports

extension InMemoryControlPlane {
    public func segment(_ id: Int64) -> Segment? {
        look { $0.segments.first { $0.id == id } }
    }

    public func segment(named name: String) -> Segment? {
        look { $0.segments.first { isSame($0.name, name) } }
    }

    public func segments(
        _ query: ListQuery,
        _ filter: SegmentFilter,
        seenBy staff: Staff?
    ) -> Page<Segment> {
        let order = query.order(by: SegmentColumn.self)
        return look { $0.segments }.filter { filter.contains($0) && staff.map($0.isVisible) ?? true }
            .page(
                query,
                isDescending: order.isDescending,
                searching: { [$0.name, $0.definition.summary, $0.owner] },
                number: \.id
            ) {
                switch order.column {
                case .name: .text($0.name)
                case .owner: .text($0.owner)
                case .count: .number($0.count)
                case .state: .text($0.state.rawValue)
                case .updated: .number($0.updatedAt.epochMs)
                }
            }
    }

    public func save(_ segment: Segment, audit: AuditEntry) throws -> Segment {
        try change(audit) { try $0.put(segment, who: audit.who) }
    }

    public func deleteSegment(_ id: Int64, version: Int, audit: AuditEntry) throws {
        try change(audit) { content in
            let object = "segment/\(id)"
            guard let stored = content.segments.first(where: { $0.id == id }) else {
                throw ControlPlaneError.notFound(object: object)
            }
            guard stored.version == version else {
                throw ControlPlaneError.stale(object: object, expectedVersion: version)
            }
            let use = content.use(of: id)
            if let campaign = use.campaigns.first {
                throw ControlPlaneError.inUse(object: object, by: "campaign/\(campaign.id)")
            }
            if let user = use.segments.first { throw ControlPlaneError.inUse(object: object, by: "segment/\(user.id)") }
            if let user = use.deliveries.first {
                throw ControlPlaneError.inUse(object: object, by: "export/\(user.id)")
            }
            guard stored.published == nil else {
                throw ControlPlaneError.invalid(object: object, reason: "an audience of it was released; let it expire")
            }
            content.segments.removeAll { $0.id == id }
            content.segmentRevisions.removeAll { $0.segment == id }
            content.audiences.removeAll { $0.segment == id }
        }
    }

    public func revisions(ofSegment id: Int64) -> [SegmentRevision] {
        look { $0.segmentRevisions.filter { $0.segment == id }.reversed() }
    }

    public func use(ofSegment id: Int64) -> SegmentUse {
        look { $0.use(of: id) }
    }

    public func record(_ audience: Audience, of segment: Segment, audit: AuditEntry) throws -> (Audience, Segment) {
        try change(audit) { try $0.insert(audience, of: segment, who: audit.who) }
    }

    public func record(_ audiences: [AudienceRecording]) throws -> [(audience: Audience, segment: Segment)?] {
        try change(nil) { content in
            try audiences.map { each in
                try ControlPlaneChecks.check(each.audit)
                do {
                    var next = content
                    let recorded = try next.insert(each.audience, of: each.segment, who: each.audit.who)
                    next.audit.append(each.audit)
                    content = next
                    return recorded
                } catch ControlPlaneError.stale, ControlPlaneError.notFound {
                    return nil
                }
            }
        }
    }

    public func segmentExport(_ id: Int64) -> SegmentExport? {
        look { $0.segmentExports.first { $0.id == id } }
    }

    public func segmentExports(_ query: ListQuery, in scope: OrganisationScope) -> Page<SegmentExport> {
        let order = query.order(by: SegmentExportColumn.self)
        return look { $0.segmentExports }.filter { scope.covers($0.scope) }
            .page(
                query,
                isDescending: order.isDescending,
                searching: { [$0.name, $0.reason, $0.requestedBy] },
                number: \.id
            ) {
                switch order.column {
                case .number: .number($0.id)
                case .name: .text($0.name)
                case .who: .text($0.requestedBy)
                case .state: .text($0.state.rawValue)
                }
            }
    }

    public func save(_ export: SegmentExport, audit: AuditEntry) throws -> SegmentExport {
        try change(audit) { content in
            let place = content.segmentExports.firstIndex { $0.id == export.id }
            guard export.id == 0 || place != nil else {
                throw ControlPlaneError.notFound(object: "export/\(export.id)")
            }
            try ControlPlaneChecks.check(export, replacing: place.map { content.segmentExports[$0] })
            var saved = export
            if place == nil { saved.id = Int64(content.segmentExports.count) + 1 }
            content.segmentExports.put(saved, at: place)
            return saved
        }
    }

    public func openDeliveries() -> [SegmentExport] {
        look { content in content.segmentExports.filter { $0.state == .approved && content.isOpen($0) } }
    }

    public func deliveredFiles(ofExport id: Int64) -> [DeliveredFile] {
        look { $0.deliveredFiles.filter { $0.export == id } }.sorted { $0.audience > $1.audience }
    }

    public func record(_ file: DeliveredFile, audit: AuditEntry) throws {
        try change(audit) { content in
            try ControlPlaneChecks.check(file, of: content.segmentExports.first { $0.id == file.export })
            content.deliveredFiles.removeAll { ($0.export, $0.audience) == (file.export, file.audience) }
            content.deliveredFiles.append(file)
        }
    }

    public func audience(_ id: Int64) -> Audience? {
        look { $0.audiences.first { $0.id == id } }
    }

    public func audiences(ofSegment id: Int64) -> [Audience] {
        look { $0.audiences.filter { $0.segment == id }.reversed() }
    }
}

extension InMemoryControlPlane.Content {
    /// Whether an export may still go to another system.
    fileprivate func isOpen(_ export: SegmentExport) -> Bool {
        guard let delivery = export.delivery, export.endedAt == nil else { return false }
        return delivery.until != nil || !deliveredFiles.contains { $0.export == export.id }
    }

    fileprivate func use(of id: Int64) -> SegmentUse {
        SegmentUse(
            campaigns: campaigns.filter { $0.plan.segment == id }.sorted { $0.id.number < $1.id.number }
                .map { SegmentUse.User(id: $0.id.number, name: $0.plan.name, product: $0.plan.product) },
            segments: segments.filter { $0.definition.segments.contains(id) }.sorted { $0.id < $1.id }
                .map { SegmentUse.User(id: $0.id, name: $0.name) },
            deliveries: segmentExports.filter { $0.segment == id && $0.state != .refused && isOpen($0) }
                .map { SegmentUse.User(id: $0.id, name: $0.delivery?.system ?? "") },
            requests: dataRequests.filter { request in
                request.segment == id || request.steps.contains { $0.segment == id }
            }
            .sorted { $0.id < $1.id }.map { SegmentUse.User(id: $0.id, name: $0.title) }
        )
    }

    fileprivate mutating func insert(
        _ audience: Audience,
        of segment: Segment,
        who: String
    ) throws -> (Audience, Segment) {
        try ControlPlaneChecks.check(audience, of: segment)
        var (recorded, updated) = (audience, segment)
        recorded.id = (audiences.last?.id ?? 0) + 1
        audiences.append(recorded)
        updated.count = audience.count
        updated.audience = recorded.id
        if updated.state == .published { updated.published = recorded.id }
        return (recorded, try put(updated, who: who))
    }

    fileprivate mutating func put(_ segment: Segment, who: String) throws -> Segment {
        let object = "segment/\(segment.id)"
        let place = segment.version == 0 ? nil : segments.firstIndex { $0.id == segment.id }
        if segment.version > 0 {
            guard let place else { throw ControlPlaneError.notFound(object: object) }
            guard segments[place].version == segment.version else {
                throw ControlPlaneError.stale(object: object, expectedVersion: segment.version)
            }
        }
        let stored = place.map { segments[$0] }
        guard !segments.contains(where: { isSame($0.name, segment.name) && $0.id != stored?.id }) else {
            throw ControlPlaneError.nameTaken(object: "segment", name: segment.name)
        }
        for id in [segment.audience, segment.published].compactMap({ $0 })
        where !audiences.contains(where: { $0.id == id && $0.segment == segment.id }) {
            throw ControlPlaneError.notFound(object: "audience/\(id)")
        }
        try ControlPlaneChecks.check(segment, replacing: stored)
        for used in segment.definition.segments where !segments.contains(where: { $0.id == used }) {
            throw ControlPlaneError.notFound(object: "segment/\(used)")
        }
        var saved = segment
        if stored == nil {
            lastSegment += 1
            saved.id = lastSegment
        }
        saved.version += 1
        saved.revision = stored.map { $0.revision + ($0.definition == segment.definition ? 0 : 1) } ?? 1
        segments.put(saved, at: place)
        if saved.revision != stored?.revision {
            segmentRevisions.append(
                SegmentRevision(
                    segment: saved.id,
                    number: saved.revision,
                    name: saved.name,
                    definition: saved.definition,
                    who: who,
                    at: saved.updatedAt
                )
            )
        }
        return saved
    }
}
