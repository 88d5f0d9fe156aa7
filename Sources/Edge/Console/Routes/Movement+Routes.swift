// Who came and who left between two audiences of a segment.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addMovement() {
        let path = "/segments/{id}/movement"
        page(path, .viewSegments) { frame, _, context in try await movement(frame, context).page(frame) }
        for side in MovementSide.allCases {
            export("\(path)/\(side.rawValue).csv", .viewSegments) { frame, context in
                let page = try await movement(frame, context)
                return csv(RuleResult.sampleColumns(page.attributes, frame), page.samples[side] ?? [])
            }
        }
        form(path + "/save", .editSegments) { body, frame, context in
            var frame = frame
            frame.query = ["from", "to"].map { Frame.QueryItem($0, body[$0]) }
            guard let side = MovementSide(rawValue: body["side"]) else {
                throw EdgeError.badRequest(field: "side", why: "use came or left")
            }
            let page = try await movement(frame, context)
            do {
                let saved = try await platform.segments.save(
                    side,
                    of: page.change,
                    in: page.segment,
                    name: { [language = frame.language] in language($0) },
                    by: try context.user(),
                    at: frame.now.instant
                )
                return .next("/segments/\(saved.id)", .saved)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    /// What an address asks for; the last two audiences when it names none.
    private func movement(_ frame: Frame, _ context: EdgeContext) async throws -> SegmentMovementPage {
        let staff = try context.user()
        let segment = try await site.segment(try context.id(), for: staff)
        let audiences = try await platform.store.audiences(ofSegment: segment.id)
        guard audiences.count > 1 else { throw EdgeError.notFound("audience") }
        let names = ["from", "to"].map(frame.parameter)
        let isPlain = names.allSatisfy(\.isEmpty)
        let change = try await site.movement(
            of: segment,
            from: isPlain ? audiences[1].id : Int64(names[0]),
            to: isPlain ? audiences[0].id : Int64(names[1]),
            for: staff
        )
        let attributes = try await shown(for: segment.definition)
        var samples: [MovementSide: [MaskedMember]] = [:]
        for side in MovementSide.allCases {
            samples[side] = try await platform.segments.sample(
                change[side],
                attributes: attributes.map(\.code),
                today: frame.now.day
            )
        }
        return SegmentMovementPage(
            segment: segment,
            audiences: audiences,
            change: change,
            samples: samples,
            attributes: attributes
        )
    }
}
