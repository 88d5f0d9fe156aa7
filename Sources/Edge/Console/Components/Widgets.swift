// Small parts that pages are made of.
// SPDX-License-Identifier: Apache-2.0

import Model
import Texts

/// How a tag is coloured.
enum Tone: String {
    case neutral, info, good, warn, bad
}

/// A state as dot and word.
func tag(_ text: String, _ tone: Tone = .neutral) -> HTML { "<span class=\"tag \(tone.rawValue)\">\(text)</span>" }

/// A white card with a heading.
func card(_ title: String?, id: String? = nil, actions: HTML = .empty, _ body: HTML) -> HTML {
    guard let title else { return "<section class=\"card\"\(attribute: "id", id)>\(body)</section>" }
    return """
        <section class="card"\(attribute: "id", id)><header><h2>\(title)</h2><div class="actions">\(actions)</div>\
        </header>
        \(body)</section>

        """
}

/// Key figures in a row.
func figures(_ items: [(label: String, value: String, hint: String?)]) -> HTML {
    """
    <dl class="figures">\(each: items, { item in
        "<div><dt>\(item.label)</dt><dd>\(item.value)\(when: item.hint != nil, "<small>\(item.hint ?? "")</small>")</dd></div>"
    })</dl>

    """
}

/// Facts as label and value, in columns (描述列表).
func facts(_ items: [(label: String, value: HTML)]) -> HTML {
    "<dl class=\"facts\">\(each: items, { "<div><dt>\($0.label)</dt><dd>\($0.value)</dd></div>" })</dl>\n"
}

/// A link that looks like a button.
func linkButton(_ text: String, to path: String, _ icon: Icon? = nil, isPrimary: Bool = false) -> HTML {
    "<a class=\"button\(isPrimary ? " primary" : "")\" href=\"\(path)\">\(icon?.markup)\(text)</a>"
}

/// What a button asks before it acts: heading, what will happen, and the word on the button.
struct Question {
    var title: String
    var effect: String
    var isDangerous = false
}

/// A form that is one button.
func actionButton(
    _ text: String,
    to path: String,
    _ icon: Icon? = nil,
    isPrimary: Bool = false,
    question: Question? = nil,
    hidden: [(name: String, value: String)] = []
) -> HTML {
    """
    <form method="post" action="\(path)" class="inline"\(confirming: question)>\
    \(each: hidden, { "<input type=\"hidden\" name=\"\($0.name)\" value=\"\($0.value)\">" })\
    <button type="submit" \
    class="button\(isPrimary ? " primary" : "")\(question?.isDangerous == true ? " danger" : "")">\
    \(icon?.markup)\(text)</button></form>
    """
}

extension HTML.Interpolation {
    /// Attributes by which the page asks before a form is sent.
    mutating func appendInterpolation(confirming question: Question?) {
        guard let question else { return }
        appendInterpolation(attribute: "data-ask", question.title)
        appendInterpolation(attribute: "data-effect", question.effect)
        appendInterpolation(attribute: "data-danger", question.isDangerous ? "yes" : nil)
    }
}

/// A labelled control with help and error below it.
func field(
    _ label: String,
    id: String,
    isRequired: Bool = false,
    help: String? = nil,
    error: String? = nil,
    isWide: Bool = false,
    _ control: HTML
) -> HTML {
    """
    <div class="field\(isWide ? " wide" : "")\(error == nil ? "" : " wrong")"><label for="\(id)">\(label)\
    \(when: isRequired, "<span class=\"must\" aria-hidden=\"true\">*</span>")</label>\(control)\
    \(when: help != nil, "<p class=\"help\" id=\"\(id)-help\">\(help ?? "")</p>")\
    \(when: error != nil, "<p class=\"wrong\" role=\"alert\" id=\"\(id)-error\">\(error ?? "")</p>")</div>

    """
}

/// A one-line input.
func input(
    _ name: String,
    _ value: String,
    type: String = "text",
    isRequired: Bool = false,
    placeholder: String? = nil,
    least: String? = nil,
    most: String? = nil,
    step: String? = nil,
    maxLength: Int? = nil,
    hasHelp: Bool = false,
    completion: String? = nil
) -> HTML {
    """
    <input id="\(name)" name="\(name)" type="\(type)" value="\(value)"\(attribute: "placeholder", placeholder)\
    \(attribute: "min", least)\(attribute: "max", most)\(attribute: "step", step)\
    \(attribute: "maxlength", maxLength.map { "\($0)" })\(attribute: "required", isRequired ? "" : nil)\
    \(attribute: "autocomplete", completion)\(attribute: "aria-describedby", hasHelp ? name + "-help" : nil)>
    """
}

/// A choice of one.
func select(
    _ name: String,
    _ options: [(value: String, label: String)],
    selected: String,
    isRequired: Bool = false
) -> HTML {
    """
    <select id="\(name)" name="\(name)"\(attribute: "required", isRequired ? "" : nil)>\(each: options, {
        "<option value=\"\($0.value)\"\(attribute: "selected", $0.value == selected ? "" : nil)>\($0.label)</option>"
    })</select>
    """
}

/// One sentence and one action where there is nothing to show.
func emptyState(_ sentence: String, _ action: HTML = .empty) -> HTML {
    """
    <div class="nothing"><svg class="icon" aria-hidden="true">\
    <use href="\(ConsoleAssets.path("icons.svg"))#tabler-file-text"/></svg>
    <p>\(sentence)</p>\(action)</div>

    """
}

/// Tabs that are addresses.
func tabs(_ label: String, _ items: [(title: String, path: String, count: Int?, isCurrent: Bool)]) -> HTML {
    """
    <nav class="tabs" aria-label="\(label)"><ul>\(each: items, { item in
        "<li><a href=\"\(item.path)\"\(attribute: "aria-current", item.isCurrent ? "true" : nil)>\(item.title)\(when: item.count != nil, " <span>\(item.count ?? 0)</span>")</a></li>"
    })</ul></nav>

    """
}

/// The steps of a process; those before `current` are done.
func steps(_ titles: [String], current: Int) -> HTML {
    """
    <ol class="steps">\(each: titles.enumerated(), { position, title in
        "<li\(attribute: "class", position < current ? "past" : nil)\(attribute: "aria-current", position == current ? "step" : nil)>\(title)</li>"
    })</ol>

    """
}

extension Role {
    /// The role's name.
    var text: ConsoleText {
        switch self {
        case .planner: .rolePlanner
        case .approver: .roleApprover
        case .agent: .roleAgent
        case .administrator: .roleAdministrator
        }
    }
}

extension CampaignPhase {
    /// The phase's name.
    var text: ConsoleText {
        switch self {
        case .draft: .phaseDraft
        case .submitted: .phaseSubmitted
        case .approved: .phaseApproved
        case .running: .phaseRunning
        case .paused: .phasePaused
        case .stopped: .phaseStopped
        case .finished: .phaseFinished
        case .rejected: .phaseRejected
        }
    }

    var tone: Tone {
        switch self {
        case .draft, .stopped: .neutral
        case .submitted, .paused: .warn
        case .approved, .running: .info
        case .finished: .good
        case .rejected: .bad
        }
    }
}

extension Frame {
    func phase(_ phase: CampaignPhase) -> HTML { tag(t(phase.text), phase.tone) }
}
