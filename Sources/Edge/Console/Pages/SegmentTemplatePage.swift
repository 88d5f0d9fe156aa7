// A model of a segment: which of its conditions a new one takes over (SEG-12).
// SPDX-License-Identifier: Apache-2.0

import Model
import Planning
import Texts

/// The parts of a model, to be ticked.
struct SegmentTemplatePage {
    var model: Segment

    /// What is ticked: a condition or an exclusion by its place, an option.
    private enum Part: String {
        case condition, exclusion, line, pick
    }

    private var conditions: [String] { model.definition.rule.flatMap { try? Segments.conditions(of: $0) } ?? [] }

    /// The model's definition with what the address keeps of it; a source that is no rule stays whole.
    ///
    /// - Throws: `RuleError`.
    func chosen(_ f: Frame) throws -> SegmentDefinition {
        func places(_ part: Part) -> Set<Int> {
            Set(f.query.filter { $0.name == part.rawValue }.compactMap { Int($0.value) })
        }
        func kept<Each>(_ all: [Each], _ part: Part) -> [Each] {
            let places = places(part)
            return all.indices.filter(places.contains).map { all[$0] }
        }
        var definition = model.definition
        if definition.rule != nil { definition.source = .rule(try Segments.rule(of: kept(conditions, .condition))) }
        definition.exclusions = kept(definition.exclusions, .exclusion)
        if places(.line).isEmpty { definition.customerLine = nil }
        if places(.pick).isEmpty { definition.pick = nil }
        return definition
    }

    func page(_ f: Frame) -> Screen {
        let definition = model.definition
        var options: [HTML] = []
        if definition.customerLine != nil { options.append(tick(.line, 0, "\(f.t(.stepOnePerCustomer))")) }
        if definition.pick != nil { options.append(tick(.pick, 0, "\(f.t(.stepPick))")) }
        return Screen(
            item: .segments,
            title: f.t(.newSegment),
            hint: model.name,
            above: [(model.name, "/segments/\(model.id)")],
            body: card(
                f.t(.templateConditions),
                """
                <p class="help">\(f.t(.templateHelp))</p>
                <form method="get" action="/segments/new" class="stack"><input type="hidden" name="template" value="\(Int(model.id))">\
                <input type="hidden" name="kept" value="yes">
                \(group(.rule, conditions.enumerated().map { tick(.condition, $0, "<code>\($1)</code>") }, f))
                \(group(.exclusions, definition.exclusions.enumerated().map { tick(.exclusion, $0, "\($1.text(f.language))") }, f))
                \(group(.segmentOptions, options, f))
                <button class="button primary" type="submit">\(f.t(.takeOver))</button></form>
                """
            )
        )
    }

    private func group(_ title: ConsoleText, _ ticks: [HTML], _ f: Frame) -> HTML {
        guard !ticks.isEmpty else { return .empty }
        return "<fieldset class=\"checks column\"><legend>\(f.t(title))</legend>\(each: ticks, { $0 })</fieldset>"
    }

    private func tick(_ part: Part, _ place: Int, _ text: HTML) -> HTML {
        "<label class=\"check\"><input type=\"checkbox\" name=\"\(part.rawValue)\" value=\"\(place)\" checked>\(text)</label>"
    }
}
