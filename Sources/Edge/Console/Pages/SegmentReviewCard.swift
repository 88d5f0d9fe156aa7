// 客户群审批: what was handed in, what came of it, and the decision (SEG-23).
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// The card of a segment that was handed in for another's decision.
struct SegmentReviewCard {
    var segment: Segment
    var review: SegmentReview
    /// Members of the audience that was handed in.
    var members: Int64
    /// What was typed, and what is wrong with it, after a refused decision.
    var reason = ""
    var error: String?

    func html(_ f: Frame) -> HTML {
        card(f.t(.stepApproval), id: "review", "\(facts(items(f)))\(review.isWaiting ? decision(f) : .empty)")
    }

    private func items(_ f: Frame) -> [(label: String, value: HTML)] {
        var items: [(label: String, value: HTML)] = [
            (f.t(.state), tag(f.t(review.text), review.tone)),
            (f.t(.handedIn), "\(f.t(.reviewOfAudience, "\(review.audience)", f.number(members)))"),
            (f.t(.submittedBy), "\(review.submittedBy)"),
            (f.t(.submittedAt), "\(f.time(review.submittedAt))"),
        ]
        if let decidedBy = review.decidedBy, let decidedAt = review.decidedAt {
            items += [(f.t(.decidedBy), "\(decidedBy)"), (f.t(.decidedAt), "\(f.time(decidedAt))")]
        }
        if let reason = review.reason, !reason.isEmpty { items.append((f.t(.opinion), "\(reason)")) }
        return items
    }

    private func decision(_ f: Frame) -> HTML {
        guard f.may(.approve) else { return .empty }
        guard ![segment.owner, review.submittedBy].contains(f.staff?.login) else {
            return "<p>\(f.t(.ownSegment))</p>"
        }
        guard f.staff?.scope.covers(segment.scope) == true else { return "<p>\(f.t(.segmentBeyond))</p>" }
        let pass = Question(title: f.t(.passQuestion, segment.name), effect: f.t(.passSegmentEffect, f.number(members)))
        let fail = Question(
            title: f.t(.failQuestion, segment.name),
            effect: f.t(.failSegmentEffect),
            isDangerous: true
        )
        return """
            <form method="post" action="/segments/\(segment.id)/decision" class="stack" \
            data-reason-missing="\(f.t(.reasonMissing))"><input type="hidden" name="version" \
            value="\(segment.version)">
            \(decisionFields(f, reason: reason, error: error, pass: pass, fail: fail))</form>
            """
    }
}

/// The opinion and the three buttons of a decision (APR-03).
func decisionFields(_ f: Frame, reason: String, error: String?, pass: Question, fail: Question) -> HTML {
    """
    \(field(f.t(.opinion), id: "reason", help: f.t(.opinionHelp), error: error, isWide: true, "<textarea id=\"reason\" name=\"reason\" rows=\"3\" maxlength=\"500\" aria-describedby=\"reason-help\">\(reason)</textarea>"))
    <div class="actions start"><button class="button primary" name="result" \
    value="pass"\(confirming: pass)>\(Icon.done.markup)\(f.t(.resultPass))</button>
    <button class="button" name="result" value="adjust" data-needs-reason>\
    \(Icon.back.markup)\(f.t(.resultAdjust))</button>
    <button class="button danger" name="result" value="fail" \
    data-needs-reason\(confirming: fail)>\(Icon.refuse.markup)\(f.t(.resultFail))</button></div>
    """
}

extension SegmentReview {
    /// What came of it so far.
    var text: ConsoleText {
        switch result {
        case nil: .segmentWaiting
        case .pass: .resultPass
        case .adjust: .doneReturned
        case .fail: .resultFail
        }
    }

    var tone: Tone {
        switch result {
        case nil: .warn
        case .pass: .good
        case .adjust: .info
        case .fail: .bad
        }
    }
}
