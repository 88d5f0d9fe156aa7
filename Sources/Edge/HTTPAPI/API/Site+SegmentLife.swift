// API: what becomes of a segment: funnel, audiences, release, split, comparison.
// SPDX-License-Identifier: Apache-2.0

import Approval
import Assembly
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Segmentation
import Texts

extension SegmentFilter {
    /// Reads `state`, a list with commas, `template` and `waiting`.
    init(_ parameters: Parameters) throws(EdgeError) {
        self.init()
        if let text = parameters["state"], !text.isEmpty {
            states = []
            for name in text.split(separator: ",") {
                guard let state = SegmentState(rawValue: String(name)) else {
                    let names = SegmentState.allCases.map(\.rawValue).joined(separator: ", ")
                    throw .badRequest(field: "state", why: "use \(names)")
                }
                states.insert(state)
            }
        }
        isTemplate = try Self.flag(parameters, "template")
        isWaiting = try Self.flag(parameters, "waiting")
    }

    private static func flag(_ parameters: Parameters, _ name: Substring) throws(EdgeError) -> Bool? {
        switch parameters[name].map(String.init) {
        case nil, "": nil
        case "true": true
        case "false": false
        default: throw .badRequest(field: String(name), why: "use true or false")
        }
    }
}

extension Site {
    private struct FindInput: Decodable {
        var definition: SegmentDefinition
    }

    private struct VersionInput: Decodable {
        var version: Int
    }

    private struct DecisionInput: Decodable {
        var version: Int
        var result: ApprovalResult
        var reason: String?
    }

    private struct SplitInput: Decodable {
        var by: SegmentSplit
        /// Makes segments of the parts; else they are only counted.
        var save: Bool?
    }

    private struct OverlapInput: Decodable {
        var segments: [Int64]
    }

    func addSegmentLife() {
        addFunnel()
        addMoves()
        addComparisons()
        addMovement()
        addListsOfMembers()
        get("\(Self.api)/segments/{id}/revisions", .viewSegments) { [self] _, context in
            let segment = try await segment(try context.id(), for: try context.user())
            let revisions = try await platform.store.revisions(ofSegment: segment.id)
            return try Response.json(revisions.map { JSONObject($0) })
        }
        get("\(Self.api)/segments/{id}/audiences", .viewSegments) { [self] _, context in
            let segment = try await segment(try context.id(), for: try context.user())
            return try await Response.json(platform.store.audiences(ofSegment: segment.id).map { JSONObject($0) })
        }
        get("\(Self.api)/segments/{id}/use", .viewSegments) { [self] _, context in
            let segment = try await segment(try context.id(), for: try context.user())
            return try await Response.json(JSONObject(platform.store.use(ofSegment: segment.id)))
        }
    }

    private func addFunnel() {
        post("\(Self.api)/segments/find", .viewSegments) { [self] request, context in
            let definition = try await request.json(FindInput.self, context).definition
            let staff = try context.user()
            if case .sql = definition.source, !staff.may(.editSegments) { throw EdgeError.forbidden(.editSegments) }
            let scope = staff.scope
            let start = ContinuousClock.now
            try await platform.segments.check(definition, in: scope)
            let found = try await platform.segments.find(definition, in: scope, today: today)
            let ms = Int((ContinuousClock.now - start) / .milliseconds(1))
            return try Response.json(JSONObject(found, ms: ms))
        }
    }

    private func addListsOfMembers() {
        post("\(Self.api)/segments/import", .editSegments) { [self] request, context in
            let staff = try context.user()
            guard let name = request.query("name") else {
                throw EdgeError.badRequest(field: "name", why: "name the new segment")
            }
            let kind: IdentityKind = try Self.choice(request, "kind") ?? .msisdn
            let origin: MemberFile.Origin = try Self.choice(request, "origin") ?? .external
            guard [.external, .file].contains(origin) else {
                throw EdgeError.badRequest(field: "origin", why: "use external or file")
            }
            return try await keys.once(request, context, uploadingTo: platform.directory.temporary) { upload in
                let source = platform.list(
                    file: upload.path,
                    name: String((request.query("file") ?? name).prefix(200)),
                    kind: kind,
                    column: IdentityColumn(typed: request.query("column") ?? "")
                )
                let (saved, report) = try await platform.memberLists.segment(
                    named: name,
                    of: source,
                    origin: origin,
                    by: staff,
                    at: platform.clock.now
                )
                let answer: JSONObject = ["segment": JSONObject(saved), "report": report]
                return try Response.json(answer, status: .created)
            }
        }
    }

    private func addMoves() {
        move("compute") { site, segment, staff in
            let (today, now) = (site.today, site.now)
            let (audience, computed) = try await site.platform.segments.compute(
                segment,
                by: staff.login,
                today: today,
                at: now
            )
            return ["segment": JSONObject(computed), "audience": JSONObject(audience)]
        }
        move("publish") { site, segment, staff in
            JSONObject(try await site.platform.segments.publish(segment, by: staff, at: site.now))
        }
        move("submit") { site, segment, staff in
            JSONObject(try await site.platform.segments.submit(segment, by: staff, at: site.now))
        }
        post("\(Self.api)/segments/{id}/decision", .approve) { [self] request, context in
            try await keys.once(request, context) { request in
                let staff = try context.user()
                var segment = try await segment(try context.id(), for: staff)
                let input = try await request.json(DecisionInput.self, context)
                segment.version = input.version
                let decided = try await platform.approvals.decide(
                    segment,
                    input.result,
                    reason: input.reason ?? "",
                    by: staff,
                    at: now
                )
                return try Response.json(JSONObject(decided))
            }
        }
        move("expire") { site, segment, staff in
            JSONObject(try await site.platform.segments.move(segment, to: .expired, by: staff.login, at: site.now))
        }
        move("reopen") { site, segment, staff in
            JSONObject(try await site.platform.segments.move(segment, to: .saved, by: staff.login, at: site.now))
        }
        post("\(Self.api)/segments/{id}/split", .editSegments) { [self] request, context in
            try await keys.once(request, context) { request in
                let staff = try context.user()
                let segment = try await segment(try context.id(), for: staff)
                let input = try await request.json(SplitInput.self, context)
                let members = try await platform.segments.members(of: segment, in: staff.scope, today: today)
                let parts = try await platform.segments.split(members, by: input.by, today: today)
                let saved =
                    input.save == true
                    ? try await platform.segments.save(
                        parts,
                        of: segment,
                        name: { context.language($0) },
                        by: staff,
                        at: now
                    ) : []
                let answer = parts.enumerated().map { place, part -> JSONObject in
                    [
                        "label": context.language(part.label), "count": part.members.count,
                        "segment": saved.isEmpty ? nil : saved[place].id,
                    ]
                }
                return try Response.json(["parts": answer] as JSONObject, status: saved.isEmpty ? .ok : .created)
            }
        }
    }

    /// A change of state of one segment, asked for with the version that was read.
    private func move(
        _ name: String,
        _ body: @escaping @Sendable (Site, Segment, Staff) async throws -> JSONObject
    ) {
        post("\(Self.api)/segments/{id}/\(name)", .editSegments) { [self] request, context in
            try await keys.once(request, context) { request in
                let staff = try context.user()
                var segment = try await editableSegment(try context.id(), for: staff)
                segment.version = try await request.json(VersionInput.self, context).version
                return try Response.json(try await body(self, segment, staff))
            }
        }
    }

    private func addComparisons() {
        post("\(Self.api)/segments/overlap", .viewSegments) { [self] request, context in
            let staff = try context.user()
            let input = try await request.json(OverlapInput.self, context)
            guard input.segments.count <= Overlap.mostSets else {
                throw EdgeError.badRequest(field: "segments", why: "compare at most \(Overlap.mostSets)")
            }
            var segments: [Segment] = []
            for id in input.segments { segments.append(try await segment(id, for: staff)) }
            let overlap = try await platform.segments.overlap(segments, in: staff.scope, today: today)
            return try Response.json(JSONObject(overlap, of: segments))
        }
    }
}
