// 403, 404, 500 and the other answers that are no page.
// SPDX-License-Identifier: Apache-2.0

import Texts

/// A page for what cannot be shown: what happened and where to go.
struct ErrorPage {
    /// HTTP status.
    var status: Int
    /// What happened, where more is known than the status says.
    var detail: String?
    /// Number of the request, to find it in the logs.
    var request: String?

    func html(_ f: Frame) -> HTML {
        let (title, sentence): (ConsoleText, ConsoleText) =
            switch status {
            case 403: (.forbiddenTitle, .forbiddenSentence)
            case 404: (.notFoundTitle, .notFoundSentence)
            case 400..<500: (.badRequestTitle, .badRequestSentence)
            default: (.serverErrorTitle, .serverErrorSentence)
            }
        let body: HTML = """
            <section class="card fault"><p class="status" aria-hidden="true">\(status)</p><p>\
            \(detail ?? f.t(sentence))</p>\
            \(when: request != nil, "<p class=\"help\">\(f.t(.requestNumber, request ?? ""))</p>")\
            <div class="actions">\(linkButton(f.t(f.staff == nil ? .signIn : .backHome), to: f.staff == nil ? "/sign-in" : "/", isPrimary: true))</div></section>
            """
        guard f.staff != nil else {
            return f.document(
                title: f.t(title),
                bodyClass: "door",
                "<main id=\"main\" class=\"door\"><header><p class=\"brand\">\(f.t(.productName))</p>\(f.languageSwitch)</header><h1>\(f.t(title))</h1>\(body)</main>"
            )
        }
        return f.render(Screen(title: f.t(title), body: body))
    }
}
