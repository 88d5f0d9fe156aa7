// One data request: what is needed, what may be done next, the answer, and who did what when.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// The page of a data request.
struct DataRequestPage {
    var request: DataRequest
    /// What the reader may do next.
    var acts: [DataRequestAct]
    /// The segment it is about, where the reader sees it.
    var segment: Segment?
    /// The segment of the answer, where the reader sees it.
    var answer: Segment?
    /// Segments an answer may name.
    var choices: [Segment] = []
    /// What was written before it was refused.
    var typed: (act: DataRequestAct, text: String, segment: String)?

    private var path: String { "/requests/\(request.id)" }

    func page(_ f: Frame) -> Screen {
        let written = acts.filter { $0.needsText || $0 == .answer }
        return Screen(
            item: .requests,
            title: request.title,
            hint: f.t(.requestOf, "\(request.id)", request.requestedBy),
            actions: "\(each: acts.filter { !written.contains($0) }, { button($0, f) })",
            body: """
                <div class="columns">
                \(card(f.t(.menuRequests), details(f)))
                \(card(f.t(.historyWord), history(f)))
                </div>
                \(request.answer.map { card(f.t(.requestAnswer), id: "answer-given", answered($0, f)) })
                \(each: written, { card(f.t($0.text), id: $0.rawValue, form($0, f)) })
                """
        )
    }

    // MARK: What may follow

    private func button(_ act: DataRequestAct, _ f: Frame) -> HTML {
        let question: Question? =
            switch act {
            case .take where request.worker != nil:
                Question(title: f.t(.takeOverQuestion), effect: f.t(.takeOverEffect, request.worker ?? ""))
            case .accept: Question(title: f.t(.acceptQuestion), effect: f.t(.acceptEffect))
            case .cancel:
                Question(title: f.t(.cancelRequestQuestion), effect: f.t(.cancelRequestEffect), isDangerous: true)
            default: nil
            }
        return actionButton(
            f.t(act == .take && request.worker != nil ? .actTakeOver : act.text),
            to: "\(path)/\(act.rawValue)",
            isPrimary: act == .take || act == .accept,
            question: question,
            hidden: [("version", "\(request.version)")]
        )
    }

    private func form(_ act: DataRequestAct, _ f: Frame) -> HTML {
        let kept = typed?.act == act ? typed : nil
        let (id, must) = ("\(act.rawValue)-text", act.needsText ? "" : String?.none)
        let label: ConsoleText =
            switch act {
            case .ask: .questionWord
            case .answer: .answerText
            case .reopen: .whatIsMissing
            default: .replyText
            }
        let named = field(
            f.t(.answerSegment),
            id: "segment",
            help: f.t(.answerSegmentHelp),
            select("segment", f.choices(choices), selected: kept?.segment ?? "")
        )
        let area: HTML = """
            <textarea id="\(id)" name="text" rows="3" maxlength="\(DataRequest.longestText)"\(attribute: "required", must)>\(kept?.text ?? "")</textarea>
            """
        return """
            <form method="post" action="\(path)/\(act.rawValue)" class="stack"><input type="hidden" name="version" \
            value="\(request.version)">
            \(when: act == .answer, named)\(field(f.t(label), id: id, isRequired: act.needsText, area))
            <div><button class="button\(act == .ask || act == .reopen ? "" : " primary")" type="submit">\(f.t(act.text))</button></div></form>
            """
    }

    // MARK: What is known

    private func details(_ f: Frame) -> HTML {
        var items: [(label: String, value: HTML)] = [
            (f.t(.state), tag(f.t(request.state.text), request.state.tone)), (f.t(.wantedBy), f.wantedTag(request)),
            (f.t(.requestNeed), "<span class=\"prose\">\(request.need)</span>"),
            (f.t(.requestReason), "<span class=\"prose\">\(request.reason)</span>"),
            (f.t(.raisedBy), "\(request.requestedBy) \(f.time(request.requestedAt))"),
            (f.t(.worker), "\(request.worker ?? "--")"), (f.t(.scope), "\(f.scope(request.scope))"),
        ]
        if let id = request.segment { items.append((f.t(.requestSegment), link(id, segment, f))) }
        return facts(items)
    }

    private func link(_ id: Int64, _ segment: Segment?, _ f: Frame) -> HTML {
        guard let segment else { return "\(f.t(.segmentNotSeen, "\(id)"))" }
        return
            "<a class=\"told\" href=\"/segments/\(segment.id)\">\(segment.name)</a> \(tag(f.t(segment.state.text), segment.state.tone))"
    }

    private func answered(_ step: DataRequestStep, _ f: Frame) -> HTML {
        let text: HTML = step.text.isEmpty ? .empty : "<p class=\"prose\">\(step.text)</p>"
        guard let id = step.segment else { return text }
        let items: [(label: String, value: HTML)] = [
            (f.t(.segment), link(id, answer, f)),
            (f.t(.memberCount), "\(answer?.count.map { f.number(Int($0)) } ?? "--")"),
        ]
        return "\(text)\(facts(items))\(answer.map { exporting($0, f) })"
    }

    /// Numbers in full go the way of all exports: a second person agrees.
    private func exporting(_ segment: Segment, _ f: Frame) -> HTML {
        guard segment.audience != nil, f.may(.editSegments), f.staff?.scope.covers(segment.scope) == true else {
            return .empty
        }
        let reason = input(
            "reason",
            f.t(.requestExportReason, "\(request.id)", request.title),
            isRequired: true,
            maxLength: 200
        )
        return """
            <p class="help">\(f.t(.exportMembersHelp))</p>
            <form method="post" action="/segments/\(segment.id)/export" class="rowform">\
            \(field(f.t(.reasonWord), id: "reason", isRequired: true, reason))\
            <button class="button" type="submit">\(f.t(.askForExport))</button>\
            \(linkButton(f.t(.segmentExports), to: "/segments/exports"))</form>
            """
    }

    private func history(_ f: Frame) -> HTML {
        let lines = request.steps.reversed().map { step -> HTML in
            let named: HTML = step.segment.map { " <a href=\"/segments/\($0)\">\(f.t(.segment)) \($0)</a>" } ?? .empty
            let text: HTML = step.text.isEmpty ? .empty : "<br><span class=\"prose\">\(step.text)</span>"
            return "<li><time>\(f.time(step.at))</time> \(step.who) \(f.t(step.act.past))\(named)\(text)</li>"
        }
        return """
            <ul class="timeline">\(lines)\
            <li><time>\(f.time(request.requestedAt))</time> \(request.requestedBy) \(f.t(.didRaise))</li></ul>
            """
    }
}
