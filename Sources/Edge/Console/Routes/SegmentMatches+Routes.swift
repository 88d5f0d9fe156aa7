// What a segment is matched with: added and removed one by one.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Texts

extension Console {
    func addSegmentMatches() {
        change("/segments/{id}/matches", .saved) { matches, body in
            matches.append(
                SegmentMatch(
                    subject: body.trimmed("subject"),
                    channel: ChannelClass.allCases.first { $0.code == body["match-channel"] } ?? .sms,
                    condition: body.trimmed("condition"),
                    priority: Int(body["match-priority"]) ?? CampaignSpec.usualPriority
                )
            )
        }
        change("/segments/{id}/matches/remove", .saved) { matches, body in
            if let place = Int(body["place"]), matches.indices.contains(place) { matches.remove(at: place) }
        }
        export("/segments/{id}/matches.csv", .viewSegments, columns: SegmentDetailPage.matchColumns) { _, context in
            PlacedMatch.all(of: try await site.segment(try context.id(), for: context.user()))
        }
    }

    private func change(
        _ path: String,
        _ done: Done,
        _ edit: @escaping @Sendable (inout [SegmentMatch], FormBody) -> Void
    ) {
        form(path, .editSegments) { [self] body, frame, context in
            let staff = try context.user()
            var segment = try await site.editableSegment(try context.id(), for: staff)
            segment.version = Int(body["version"]) ?? 0
            edit(&segment.matches, body)
            do {
                _ = try await platform.segments.save(segment, by: staff, today: frame.now.day, at: frame.now.instant)
            } catch let error as PlanningError {
                let page = try await detail(try await site.segment(segment.id, for: staff), staff)
                return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
            }
            return .next("/segments/\(segment.id)#match", done)
        }
    }
}
