// Sign-in, sign-out, language.
// SPDX-License-Identifier: Apache-2.0

import HTTPAPI
import Hummingbird
import Kernel
import Texts

extension Console {
    func addAccess() {
        site.get("/sign-in", .open) { request, context in
            let frame = try await frame(request, context)
            let next = Frame.safePath(frame.parameter("next"))
            guard context.staff == nil else { return redirect(next) }
            return respond(SignInPage(next: next).html(frame))
        }
        site.post("/sign-in", .open) { request, context in
            let body = try await FormBody.read(request, context)
            let next = Frame.safePath(body["next"])
            do {
                let (_, token) = try await site.accounts.signIn(
                    login: body["login"],
                    password: body["password"],
                    address: context.address
                )
                var response = redirect(next)
                response.setCookie(site.accounts.cookie(token: token))
                return response
            } catch let error as EdgeError {
                var frame = try await frame(request, context)
                frame.notice = Notice(isError: true, text: frame.problem(error))
                return respond(
                    SignInPage(next: next, login: body.trimmed("login")).html(frame),
                    status: Problem.status(of: error)
                )
            }
        }
        site.post("/sign-out", .signedIn) { _, context in
            if let token = context.sessionToken {
                try await site.accounts.signOut(token: token, staff: try context.user())
            }
            var response = redirect("/sign-in")
            response.setCookie(site.accounts.cookie(token: ""))
            return response
        }
        page(PasswordPage.path, .signedIn) { frame, _, _ in PasswordPage().page(frame) }
        site.post(PasswordPage.path, .signedIn) { request, context in
            let body = try await FormBody.read(request, context)
            let frame = try await frame(request, context)
            let staff = try context.user()
            var page = PasswordPage()
            var notice: Notice?
            if body["new"] != body["again"] { page.errors["again"] = frame.t(.passwordsDiffer) }
            if page.errors.isEmpty {
                do {
                    try await site.accounts.changePassword(of: staff, from: body["old"], to: body["new"])
                    // All sessions have ended; this one goes on as a new one.
                    let token = try await site.accounts.open(staff, address: context.address)
                    var response = redirect("/", .password)
                    response.setCookie(site.accounts.cookie(token: token))
                    return response
                } catch EdgeError.wrongPassword {
                    page.errors["old"] = frame.t(.wrongOldPassword)
                } catch EdgeError.badPassword {
                    page.errors["new"] = frame.t(.passwordRule)
                } catch let error as EdgeError {
                    notice = Notice(isError: true, text: frame.problem(error))
                }
            }
            var shown = frame
            shown.notice = notice
            return respond(shown.render(page.page(shown)), status: .unprocessableContent)
        }
        site.get("/language/{code}", .open) { request, context in
            guard let language = Language(rawValue: context.parameters.get("code") ?? "") else {
                throw EdgeError.notFound("language")
            }
            let query = FormBody.decode(request.uri.query ?? "")
            var response = redirect(Frame.safePath(query.first { $0.name == "back" }?.value ?? "/"))
            response.setCookie(
                Cookie(
                    name: "lang",
                    value: language.tag,
                    maxAge: 31_536_000,
                    path: "/",
                    secure: site.settings.isSecure,
                    sameSite: .lax
                )
            )
            return response
        }
    }
}
