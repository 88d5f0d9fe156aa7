// Sign-in.
// SPDX-License-Identifier: Apache-2.0

import Texts

/// The page that asks who is there.
struct SignInPage {
    /// Where to go afterwards.
    var next: String
    /// What was typed as login, kept after a failure.
    var login = ""

    func html(_ f: Frame) -> HTML {
        f.document(
            title: f.t(.signIn),
            bodyClass: "door",
            """
            <main id="main" class="door"><header><p class="brand">\(f.t(.productName))</p>\(f.languageSwitch)</header>
            <h1>\(f.t(.signIn))</h1>
            <p class="hint">\(f.t(.productLine))</p>
            \(f.noticeBox)
            <form method="post" action="/sign-in" class="stack"><input type="hidden" name="next" value="\(next)">
            \(field(f.t(.login), id: "login", isRequired: true, input("login", login, isRequired: true, maxLength: 64, completion: "username")))
            \(field(f.t(.password), id: "password", isRequired: true, input("password", "", type: "password", isRequired: true, maxLength: 256, completion: "current-password")))
            <button class="button primary" type="submit">\(f.t(.signIn))</button></form>
            <p class="help">\(f.t(.signInHelp))</p></main>
            """
        )
    }
}
