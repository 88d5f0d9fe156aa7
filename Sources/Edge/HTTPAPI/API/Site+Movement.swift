// API: who came and who left between two audiences of a segment, and segments made of them.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Hummingbird
import Kernel
public import Model
public import Planning
import Ports
import Texts

extension Site {
    private struct SideInput: Decodable {
        var from: Int64
        var to: Int64
        var side: MovementSide
    }

    func addMovement() {
        let path = "\(Self.api)/segments/{id}/movement"
        get(path, .viewSegments) { [self] request, context in
            let staff = try context.user()
            let segment = try await segment(try context.id(), for: staff)
            let (from, to) = (request.query("from").flatMap { Int64($0) }, request.query("to").flatMap { Int64($0) })
            let change = try await movement(of: segment, from: from, to: to, for: staff)
            let counts = change.counts
            let sample: JSONObject = [
                "came": try await platform.segments.sample(change.came, attributes: [], today: today),
                "left": try await platform.segments.sample(change.left, attributes: [], today: today),
            ]
            let answer: JSONObject = [
                "stayed": counts.stayed, "came": counts.came, "left": counts.left, "sample": sample,
            ]
            return try Response.json(answer)
        }
        post(path, .editSegments) { [self] request, context in
            try await keys.once(request, context) { request in
                let staff = try context.user()
                let segment = try await segment(try context.id(), for: staff)
                let input = try await request.json(SideInput.self, context)
                let change = try await movement(of: segment, from: input.from, to: input.to, for: staff)
                let saved = try await platform.segments.save(
                    input.side,
                    of: change,
                    in: segment,
                    name: { context.language($0) },
                    by: staff,
                    at: now
                )
                return try Response.json(JSONObject(saved), status: .created)
            }
        }
    }

    /// Who came and who left between two audiences of a segment, in the reader's part of the organisation.
    ///
    /// - Throws: ``EdgeError/badRequest(field:why:)`` for an audience that is not the segment's.
    public func movement(
        of segment: Segment,
        from: Int64?,
        to: Int64?,
        for staff: Staff
    ) async throws -> AudienceChange {
        func audience(_ id: Int64?, _ name: String) async throws -> Audience {
            guard let id, let audience = try await platform.store.audience(id), audience.segment == segment.id
            else { throw EdgeError.badRequest(field: name, why: "name an audience of this segment") }
            return audience
        }
        return try await platform.segments.movement(
            from: try await audience(from, "from"),
            to: try await audience(to, "to"),
            in: staff.scope,
            today: today
        )
    }
}
