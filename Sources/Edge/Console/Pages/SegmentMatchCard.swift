// What a segment is matched with, and the campaigns that begin with it (SEG-31).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// A match and its place among those of the segment.
struct PlacedMatch {
    var place: Int
    var match: SegmentMatch

    static func all(of segment: Segment) -> [PlacedMatch] {
        segment.matches.enumerated().map { PlacedMatch(place: $0, match: $1) }
    }
}

extension SegmentDetailPage {
    static func matchColumns(_ f: Frame) -> [Column<PlacedMatch>] {
        [
            Column(f.t(.matchSubject), plain: \.match.subject),
            Column(f.t(.channel), plain: { f.language($0.match.channel.name) }),
            Column(
                f.t(.matchCondition),
                plain: { $0.match.condition.isEmpty ? f.t(.anyTime) : $0.match.condition },
                cell: { $0.match.condition.isEmpty ? "\(f.t(.anyTime))" : "<code>\($0.match.condition)</code>" }
            ),
            Column(f.t(.priorityShort), isNumber: true, plain: { "\($0.match.priority)" }),
        ]
    }

    /// The matches, what can be begun with each, and a form for another.
    func matching(_ f: Frame) -> HTML {
        let may = isEditable && f.may(.editSegments)
        let rows = PlacedMatch.all(of: segment)
        func acts(_ row: PlacedMatch) -> HTML {
            let question = Question(
                title: f.t(.removeMatchQuestion, row.match.subject),
                effect: f.t(.removeMatchEffect)
            )
            let hidden = [("version", "\(segment.version)"), ("place", "\(row.place)")]
            let begin = "/campaigns/new?segment=\(segment.id)&match=\(row.place)"
            return """
                \(when: f.may(.editCampaigns) && segment.isUsable, linkButton(f.t(.useInCampaign), to: begin, .add))
                \(when: may, actionButton(f.t(.remove), to: "/segments/\(segment.id)/matches/remove", question: question, hidden: hidden))
                """
        }
        let table = f.table(
            f.t(.matchTitle),
            Self.matchColumns(f),
            of: rows,
            prefix: "m.",
            exportPath: "/segments/\(segment.id)/matches.csv",
            empty: .empty,
            actions: acts
        )
        return """
            <p class="help">\(f.t(.matchHelp))</p>
            \(when: !rows.isEmpty, table)
            \(when: may && rows.count < SegmentMatch.most, form(f))
            """
    }

    private func form(_ f: Frame) -> HTML {
        let channels = ChannelClass.allCases.map { ($0.code, f.language($0.name)) }
        let priorities = (1...9).map { ("\($0)", "\($0)") }
        return """
            <form method="post" action="/segments/\(segment.id)/matches" class="fields matches">\
            <input type="hidden" name="version" value="\(segment.version)">
            \(field(f.t(.matchSubject), id: "subject", isRequired: true, input("subject", "", isRequired: true, maxLength: 100)))
            \(field(f.t(.channel), id: "match-channel", select("match-channel", channels, selected: ChannelClass.sms.code)))
            \(field(f.t(.priorityShort), id: "match-priority", help: f.t(.matchPriorityHelp), select("match-priority", priorities, selected: "\(CampaignSpec.usualPriority)")))
            \(field(f.t(.matchCondition), id: "condition", help: f.t(.matchConditionHelp), input("condition", "", maxLength: 1000, hasHelp: true)))
            <div class="field act"><button class="button" type="submit">\(Icon.add.markup)\(f.t(.addMatch))</button></div></form>
            """
    }
}
