// 属性目录 and 客户群画像.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addProfiles() {
        page("/catalogue", .viewSegments) { frame, _, _ in try await catalogue(frame).page(frame) }
        export("/catalogue.csv", .viewSegments) { frame, _ in
            let columns = CataloguePage.columns(frame)
            return csv(
                columns,
                TableQuery(frame).page(of: try await catalogue(frame).rows, columns, isWhole: true).rows
            )
        }
        page("/catalogue/{code}", .viewSegments) { frame, _, context in
            try await attribute(frame, context).page(frame)
        }
        export("/catalogue/{code}/distribution.csv", .viewSegments) { frame, context in
            let page = try await attribute(frame, context)
            guard let distribution = page.distribution else { throw EdgeError.notFound("distribution") }
            let view = ProfiledAttributeView(attribute: page.attribute, distribution: distribution, hasMembers: false)
            return csv(view.table(frame))
        }
        page("/segments/{id}/profile", .viewSegments) { frame, _, context in
            try await profile(frame, context).page(frame)
        }
        export("/segments/{id}/profile.csv", .viewSegments) { frame, context in
            let columns = SegmentProfilePage.columns(frame)
            let rows = try await profile(frame, context).profile.attributes
            return csv(columns, TableQuery(frame).page(of: rows, columns, isWhole: true).rows)
        }
        export("/segments/{id}/profile/distribution.csv", .viewSegments) { frame, context in
            let wanted = frame.parameter("attribute")
            let found = try await profile(frame, context).profile.attributes.first { $0.attribute.code == wanted }
            guard let found else { throw EdgeError.notFound("attribute \(wanted.prefix(64))") }
            return csv(SegmentProfilePage.view(found).table(frame))
        }
    }

    /// Empty before the first load.
    private func catalogue(_ frame: Frame) async throws -> CataloguePage {
        do {
            let catalogue = try await platform.segments.catalogue()
            let asked = frame.parameter("group")
            return CataloguePage(
                catalogue: catalogue,
                nulls: try await platform.segments.withoutValue(),
                subscribers: try await platform.host.read { $0.subscribers },
                group: catalogue.groups.contains { $0.code == asked } ? asked : ""
            )
        } catch DecisionError.noProfile {
            let none = AttributeCatalogue(groups: [], attributes: [])
            return CataloguePage(catalogue: none, nulls: [:], subscribers: 0, group: "")
        }
    }

    func attribute(_ frame: Frame, _ context: EdgeContext) async throws -> AttributePage {
        let (catalogue, staff) = (try await platform.segments.catalogue(), try context.user())
        let attribute = try site.attribute(context, in: catalogue)
        let isHidden = !site.maySee(attribute, staff)
        return AttributePage(
            attribute: attribute,
            group: catalogue.groups.first { $0.code == attribute.group }?.name
                ?? BilingualText(zh: attribute.group, en: attribute.group),
            distribution: isHidden
                ? nil
                : try await platform.segments.distribution(of: attribute, in: staff.scope, today: frame.now.day),
            isHidden: isHidden,
            segments: try await platform.segments.users(of: attribute, seenBy: staff),
            uses: frame.mayEditCatalogue
                ? try await platform.catalogues.uses(of: attribute).filter { $0.kind != .segment } : [],
            revision: try await lastRevision()
        )
    }

    private func profile(_ frame: Frame, _ context: EdgeContext) async throws -> SegmentProfilePage {
        let staff = try context.user()
        let segment = try await site.segment(try context.id(), for: staff)
        return SegmentProfilePage(
            segment: segment,
            profile: try await site.profile(of: segment, for: staff),
            scope: staff.scope
        )
    }
}
