// 客户群画像: which attributes set a segment apart.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Profiles
import Texts

/// The page of a segment beside the base.
struct SegmentProfilePage {
    /// Attributes shown as charts.
    static let charts = 12

    var segment: Segment
    var profile: SegmentProfile
    /// Who it is compared with.
    var scope: OrganisationScope

    static func columns(_ f: Frame) -> [Column<ProfiledAttribute>] {
        [
            Column(f.t(.name), key: "name", plain: { f.language($0.attribute.name) }) {
                "<a href=\"/catalogue/\($0.attribute.code)\">\(f.language($0.attribute.name))</a>"
            },
            Column(f.t(.code), key: "code", plain: \.attribute.code, cell: { "<code>\($0.attribute.code)</code>" }),
            Column(
                f.t(.distance),
                key: "difference",
                isNumber: true,
                rank: { Int64($0.distribution.distancePPM) },
                plain: { f.share($0.distribution.distancePPM, of: 1_000_000) }
            ),
            Column(f.t(.telling), plain: { view($0).telling(f) }),
            Column(
                f.t(.noValue) + " · " + f.t(.inSegment),
                isNumber: true,
                plain: { f.share($0.distribution.nulls.members, of: $0.distribution.total.members) }
            ),
            Column(
                f.t(.noValue) + " · " + f.t(.inBase),
                isNumber: true,
                plain: { f.share($0.distribution.nulls.base, of: $0.distribution.total.base) }
            ),
        ]
    }

    static func view(_ profiled: ProfiledAttribute) -> ProfiledAttributeView {
        ProfiledAttributeView(attribute: profiled.attribute, distribution: profiled.distribution, hasMembers: true)
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .segments,
            title: f.t(.segmentProfile),
            hint: f.t(.profileHint, f.scope(scope)),
            above: [(segment.name, "/segments/\(segment.id)")],
            body: profile.members == 0 ? card(nil, emptyState(f.t(.profileEmpty))) : found(f)
        )
    }

    private func found(_ f: Frame) -> HTML {
        let path = "/segments/\(segment.id)/profile"
        return """
            \(figures([
                (f.t(.memberCount), f.number(profile.members), f.t(.shareOfBase, f.share(profile.members, of: profile.base))),
                (f.t(.inBase), f.number(profile.base), f.scope(scope)),
                (f.t(.allAttributes), f.number(profile.attributes.count), nil),
            ]))
            <p class="help">\(f.t(.distanceHelp))</p>
            <div class="columns">\(each: profile.attributes.prefix(Self.charts), { profiled in
                card(
                    f.title(profiled.attribute) + " · " + f.t(.distance) + " " + f.share(profiled.distribution.distancePPM, of: 1_000_000),
                    actions: f.exportLink("\(path)/distribution.csv?attribute=\(profiled.attribute.code)"),
                    f.spread(Self.view(profiled), description: f.t(.profileDescription, f.title(profiled.attribute)))
                )
            })</div>
            \(card(f.t(.allAttributes), f.table(
                f.t(.allAttributes), Self.columns(f), of: profile.attributes, exportPath: "\(path).csv",
                searchHint: f.t(.searchCatalogue), empty: .empty)))
            """
    }
}
