// The form that erases subscribers, and the page that says what cannot be undone before it does.
// SPDX-License-Identifier: Apache-2.0

import Model
import Planning
import Texts

/// Asks for numbers and a reason, then once more.
struct ErasurePage {
    static let path = "/erasure"

    /// As typed: numbers apart by white space or commas.
    var typed = ""
    var reason = ""
    /// What is wrong, by field.
    var errors: [String: String] = [:]
    /// Whether everything is typed and only the confirmation is left.
    var isConfirming = false

    init() {}

    init(_ body: FormBody) {
        typed = body["numbers"]
        reason = body.trimmed("reason")
    }

    /// The numbers one by one; spaces inside of one would make two of it.
    var numbers: [String] {
        typed.split { $0.isWhitespace || $0 == "," || $0 == "，" || $0 == ";" }.map(String.init)
    }

    /// Notes what is missing.
    mutating func check(_ f: Frame) {
        if numbers.isEmpty { errors["numbers"] = f.t(.required) }
        if numbers.count > Erasing.most { errors["numbers"] = f.t(.erasureTooMany, f.number(Erasing.most)) }
        if reason.isEmpty { errors["reason"] = f.t(.listReasonMissing) }
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .staff,
            title: f.t(.menuErasure),
            hint: f.t(.erasureHint),
            body: isConfirming ? confirmation(f) : card(nil, form(f))
        )
    }

    private func form(_ f: Frame) -> HTML {
        """
        <form method="post" action="\(Self.path)/check" class="stack">
        \(field(f.t(.erasureNumbers), id: "numbers", isRequired: true, help: f.t(.erasureNumbersHelp), error: errors["numbers"], "<textarea id=\"numbers\" name=\"numbers\" rows=\"4\" required autocomplete=\"off\" aria-describedby=\"numbers-help\">\(typed)</textarea>"))
        \(field(f.t(.reasonWord), id: "reason", isRequired: true, help: f.t(.erasureReasonHelp), error: errors["reason"], input("reason", reason, isRequired: true, maxLength: 200, hasHelp: true)))
        <div class="actions start"><button class="button primary" type="submit">\(f.t(.erasureNext))</button></div></form>
        """
    }

    private func confirmation(_ f: Frame) -> HTML {
        card(
            f.t(.erasureQuestion, f.number(numbers.count)),
            """
            <ul class="list">\(each: [.erasureGone, .erasureKept, .erasureForGood] as [ConsoleText], { "<li>\(f.t($0))</li>" })</ul>
            <p>\(f.t(.reasonWord)): \(reason)</p>
            <form method="post" action="\(Self.path)" class="stack">
            <input type="hidden" name="numbers" value="\(typed)"><input type="hidden" name="reason" value="\(reason)">
            <p><label><input type="checkbox" name="understood" value="yes" required> \(f.t(.erasureUnderstood))</label></p>
            <div class="actions start"><button class="button danger" type="submit">\(f.t(.erasureDo))</button>\
            \(linkButton(f.t(.cancel), to: Self.path))</div></form>
            """
        )
    }
}
