// A model of a segment: which of its conditions a new one takes over (SEG-12).
// SPDX-License-Identifier: Apache-2.0

import Model
import Planning
import Texts

/// The conditions of a model, to be ticked.
struct SegmentTemplatePage {
    var model: Segment

    func page(_ f: Frame) -> Screen {
        let conditions = model.definition.rule.flatMap { try? Segments.conditions(of: $0) } ?? []
        return Screen(
            item: .segments,
            title: f.t(.newSegment),
            hint: model.name,
            above: [(model.name, "/segments/\(model.id)")],
            body: card(
                f.t(.templateConditions),
                """
                <p class="help">\(f.t(.templateHelp))</p>
                <form method="get" action="/segments/new"><input type="hidden" name="template" value="\(Int(model.id))">\
                <input type="hidden" name="kept" value="yes"><fieldset class="checks column"><legend>\(f.t(.rule))</legend>\
                \(each: conditions.enumerated(), { place, text in
                    "<label class=\"check\"><input type=\"checkbox\" name=\"keep\" value=\"\(place)\" checked><code>\(text)</code></label>"
                })</fieldset><button class="button primary" type="submit">\(f.t(.takeOver))</button></form>
                """
            )
        )
    }
}
