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
