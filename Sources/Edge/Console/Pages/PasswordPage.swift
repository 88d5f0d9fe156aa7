// One's own password.
// SPDX-License-Identifier: Apache-2.0

import Model
import Texts

/// The form that changes the reader's own password.
struct PasswordPage {
    static let path = "/me/password"

    /// What is wrong, by field.
    var errors: [String: String] = [:]

    func page(_ f: Frame) -> Screen {
        func line(_ name: String, _ label: ConsoleText, help: ConsoleText? = nil, completion: String) -> HTML {
            field(
                f.t(label),
                id: name,
                isRequired: true,
                help: help.map { f.t($0) },
                error: errors[name],
                input(
                    name,
                    "",
                    type: "password",
                    isRequired: true,
                    maxLength: 256,
                    hasHelp: help != nil,
                    completion: completion
                )
            )
        }
        return Screen(
            title: f.t(.changePassword),
            hint: f.t(.passwordHint),
            body: card(
                nil,
                """
                <form method="post" action="\(Self.path)" class="stack narrow">
                <input type="text" name="login" value="\(f.staff?.login ?? "")" autocomplete="username" hidden>
                \(line("old", .oldPassword, completion: "current-password"))
                \(line("new", .newPassword, help: .passwordRule, completion: "new-password"))
                \(line("again", .repeatPassword, completion: "new-password"))
                <div class="actions start"><button class="button primary" type="submit">\(f.t(.changePassword))</button>\
                \(linkButton(f.t(.cancel), to: "/"))</div></form>
                """
            )
        )
    }
}
