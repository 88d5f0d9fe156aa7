// 目标客户群: the list, and the models new ones are made from.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// The list of segments.
struct SegmentListPage {
    /// Which segments it shows.
    enum Tab: String, CaseIterable {
        case all, waiting, published, drafts, templates, expired

        var filter: SegmentFilter {
            switch self {
            case .all: SegmentFilter(states: [.draft, .saved, .computed, .published])
            case .waiting: SegmentFilter(isWaiting: true)
            case .published: SegmentFilter(states: [.published])
            case .drafts: SegmentFilter(states: [.draft])
            case .templates: SegmentFilter(isTemplate: true)
            case .expired: SegmentFilter(states: [.expired])
            }
        }

        var text: ConsoleText {
            switch self {
            case .all: .all
            case .waiting: .segmentWaiting
            case .published: .segmentPublished
            case .drafts: .phaseDraft
            case .templates: .segmentTemplates
            case .expired: .segmentExpired
            }
        }
    }

    /// Those that wait for a decision.
    static let waitingPath = "/segments?tab=\(Tab.waiting.rawValue)"

    var segments: Page<Segment>
    var query: TableQuery
    var tab: Tab

    static func columns(_ f: Frame) -> [Column<Segment>] {
        [
            Column(f.t(.name), key: "name", plain: \.name) { segment in
                "<a href=\"/segments/\(Int(segment.id))\">\(segment.name)</a>"
            },
            Column(f.t(.state), key: "state", plain: { state(of: $0, f).joined(separator: f.language("，", ", ")) }) {
                "\(tag(f.t($0.state.text), $0.state.tone))\($0.openReview.map { " \(tag(f.t($0.text), $0.tone))" as HTML })"
            },
            Column(f.t(.definition), plain: \.definition.summary) {
                "<code class=\"clip short\" title=\"\($0.definition.summary)\">\($0.definition.summary)</code>"
            },
            Column(f.t(.memberCount), key: "count", isNumber: true, plain: { $0.count.map { f.number($0) } ?? "--" }),
            Column(f.t(.scope), plain: { f.scope($0.scope) }),
            Column(f.t(.owner), key: "owner", plain: \.owner),
            Column(f.t(.updatedAt), key: "updated", plain: { f.time($0.updatedAt) }),
        ]
    }

    private static func state(of segment: Segment, _ f: Frame) -> [String] {
        [f.t(segment.state.text)] + (segment.openReview.map { [f.t($0.text)] } ?? [])
    }

    func page(_ f: Frame) -> Screen {
        let new =
            f.may(.editSegments) ? linkButton(f.t(.newSegment), to: "/segments/new", .add, isPrimary: true) : .empty
        let shown = Tab.allCases.map { other in
            (f.t(other.text), other == .all ? "/segments" : "/segments?tab=\(other.rawValue)", Int?.none, other == tab)
        }
        let table = Table(
            f.t(.menuSegments),
            columns: Self.columns(f),
            page: segments,
            query: query,
            exportPath: "/segments.csv",
            searchHint: f.t(.searchSegments),
            empty: emptyState(f.t(.noSegments), new),
            actions: { acts(on: $0, f) }
        )
        return Screen(
            item: .segments,
            title: f.t(.menuSegments),
            hint: f.t(.segmentsHint),
            actions:
                "\(linkButton(f.t(.segmentExports), to: "/segments/exports"))\(linkButton(f.t(.compareSegments), to: "/segments/overlap"))\(new)",
            body: "\(tabs(f.t(.menuSegments), shown))\(card(nil, f.table(table)))"
        )
    }

    private func acts(on segment: Segment, _ f: Frame) -> HTML {
        """
        \(when: f.may(.editSegments) && segment.isTemplate, " <a href=\"/segments/new?template=\(Int(segment.id))\">\(f.t(.useTemplate))</a>")\
        \(when: f.may(.editCampaigns) && segment.isUsable, " <a href=\"/campaigns/new?segment=\(Int(segment.id))\">\(f.t(.useInCampaign))</a>")
        """
    }
}

extension Segment {
    /// What waits for a decision, or for changes after one.
    var openReview: SegmentReview? { state == .computed && review?.result != .pass ? review : nil }

    /// Whether a campaign may begin with it.
    var isUsable: Bool { [.saved, .computed, .published].contains(state) && !isTemplate }
}
