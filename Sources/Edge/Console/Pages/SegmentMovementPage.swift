// Who came and who left between any two audiences of a segment.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Ports
import Texts

/// The page of a movement.
struct SegmentMovementPage {
    var segment: Segment
    /// All of the segment's, the newest first.
    var audiences: [Audience]
    var change: AudienceChange
    /// Some of who came and of who left.
    var samples: [MovementSide: [MaskedMember]]
    /// Open attributes that samples show.
    var attributes: [Attribute]

    static func path(_ segment: Segment) -> String { "/segments/\(segment.id)/movement" }

    /// A choice of two audiences; empty when there are not two.
    static func chooser(
        _ segment: Segment,
        _ audiences: [Audience],
        from: Int64? = nil,
        to: Int64? = nil,
        _ f: Frame
    ) -> HTML {
        guard audiences.count > 1 else { return .empty }
        let choices = audiences.map {
            ("\($0.id)", f.t(.audienceChoice, "\($0.id)", f.time($0.at), f.number(Int($0.count))))
        }
        let (first, last) = (from ?? audiences[1].id, to ?? audiences[0].id)
        return """
            <form method="get" action="\(path(segment))" class="stack"><div class="fields">
            \(field(f.t(.earlierAudience), id: "from", select("from", choices, selected: "\(first)")))
            \(field(f.t(.laterAudience), id: "to", select("to", choices, selected: "\(last)")))
            </div><p><button class="button" type="submit">\(f.t(.showMovement))</button></p></form>
            """
    }

    func page(_ f: Frame) -> Screen {
        let counts = change.counts
        return Screen(
            item: .segments,
            title: f.t(.movement),
            hint: f.t(.movementHint),
            above: [(segment.name, "/segments/\(segment.id)")],
            body: """
                \(card(nil, Self.chooser(segment, audiences, from: change.earlier.id, to: change.later.id, f)))
                \(figures([
                    (f.t(.came), f.number(counts.came), f.t(.shareOfLater, f.share(counts.came, of: counts.came + counts.stayed))),
                    (f.t(.left), f.number(counts.left), f.t(.shareOfEarlier, f.share(counts.left, of: counts.left + counts.stayed))),
                    (f.t(.stayed), f.number(counts.stayed), f.t(.inBothAudiences)),
                ]))
                \(side(.came, .came, .nobodyCame, f))\(side(.left, .left, .nobodyLeft, f))
                """
        )
    }

    private func side(_ side: MovementSide, _ title: ConsoleText, _ nobody: ConsoleText, _ f: Frame) -> HTML {
        guard let sample = samples[side], !sample.isEmpty else { return card(f.t(title), emptyState(f.t(nobody))) }
        let (path, from, to) = (Self.path(segment), "\(change.earlier.id)", "\(change.later.id)")
        let save = actionButton(
            f.t(side == .came ? .segmentOfCame : .segmentOfLeft),
            to: path + "/save",
            .add,
            hidden: [("from", from), ("to", to), ("side", side.rawValue)]
        )
        return card(
            f.t(title),
            actions:
                "\(when: f.may(.editSegments), save)\(f.exportLink("\(path)/\(side.rawValue).csv?from=\(from)&to=\(to)"))",
            """
            <p class="help">\(f.t(.sampleCaption, f.number(sample.count)))</p>
            \(f.scrolled(f.t(title), f.plainTable(RuleResult.sampleColumns(attributes, f), sample)))
            """
        )
    }
}
