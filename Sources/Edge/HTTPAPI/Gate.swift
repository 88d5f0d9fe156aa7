// The one gate that every request passes: request number, who asks, cross-site check, errors, headers, one log line.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Logging
import Model
import Texts

/// Names of headers that the standard list lacks.
extension HTTPField.Name {
    static let fetchSite = HTTPField.Name("Sec-Fetch-Site")
    static let requestID = HTTPField.Name("X-Request-Id")
    static let idempotencyKey = HTTPField.Name("Idempotency-Key")
    static let lastEventID = HTTPField.Name("Last-Event-ID")
    static let referrerPolicy = HTTPField.Name("Referrer-Policy")
    static let openerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy")
    static let noBuffering = HTTPField.Name("X-Accel-Buffering")
}

extension HTTPFields {
    /// A header by a name that may not exist.
    subscript(name: HTTPField.Name?) -> String? {
        get { name.flatMap { self[$0] } }
        set { if let name { self[name] = newValue } }
    }
}

/// The middleware around all routes.
struct Gate: RouterMiddleware {
    let site: Site

    /// Only the site's own files run or show; nobody frames it (CSP level 3).
    static let contentPolicy =
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        + "frame-ancestors 'none'"

    func handle(
        _ request: Request,
        context: EdgeContext,
        next: (Request, EdgeContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        let start = ContinuousClock.now
        context.language = Self.language(of: request)
        var response: Response
        do {
            try await identify(request, &context)
            response = try await next(request, context)
        } catch {
            response = await answer(error, request, context)
        }
        Self.addHeaders(&response, requestID: context.id)
        // The path is the route's, not the request's: no number of a customer gets into the log.
        let route = context.endpointPath ?? "unknown"
        let elapsed = ContinuousClock.now - start
        site.metrics.count(request: request.method.rawValue, route: route, status: response.status.code, elapsed)
        context.logger.info(
            "request",
            metadata: [
                "method": .string(request.method.rawValue), "route": .string(route),
                "status": .stringConvertible(response.status.code), "who": .string(context.staff?.login ?? "-"),
                "ms": .stringConvertible(elapsed / .milliseconds(1)),
            ]
        )
        return response
    }

    /// The language a browser asks for: cookie, then the first language of the header.
    static func language(of request: Request) -> Language {
        if let chosen = request.cookies["lang"]?.value { return Language(tag: chosen) }
        return Language(tag: request.headers[.acceptLanguage] ?? "en")
    }

    /// Finds out who asks and refuses what another site made a browser send.
    private func identify(_ request: Request, _ context: inout EdgeContext) async throws {
        let bearer = request.headers[.authorization].flatMap {
            $0.lowercased().hasPrefix("bearer ") ? String($0.dropFirst(7)) : nil
        }
        if bearer == nil { try Self.refuseCrossSite(request) }
        context.sessionToken = bearer ?? request.cookies[Accounts.cookieName]?.value
        if let token = context.sessionToken { context.staff = try await site.accounts.staff(token: token) }
    }

    /// Lets an unsafe request pass when the browser says it comes from this site; programs without a cookie pass too.
    static func refuseCrossSite(_ request: Request) throws(EdgeError) {
        guard ![.get, .head, .options, .trace].contains(request.method) else { return }
        if let site = request.headers[.fetchSite] {
            guard site == "same-origin" || site == "none" else { throw .crossSite }
        } else if let origin = request.headers[.origin] {
            let host = request.head.authority ?? request.headers[HTTPField.Name("Host")] ?? ""
            guard let at = origin.range(of: "://"), origin[at.upperBound...] == host else { throw .crossSite }
        } else {
            guard request.cookies[Accounts.cookieName] == nil else { throw .crossSite }
        }
    }

    private func answer(_ error: any Error, _ request: Request, _ context: EdgeContext) async -> Response {
        let problem = Problem(error, language: context.language, requestId: context.id)
        if problem.status >= 500, !(error is CancellationError) {
            context.logger.error("failed", metadata: ["code": .string(problem.code), "error": .string("\(error)")])
        }
        var response: Response?
        if !request.uri.path.hasPrefix("/api/") {
            if problem.status == 401, request.method == .get {
                let back = request.uri.path == "/" ? "" : "?next=" + Self.escaped(request.uri.string)
                return .redirect(to: "/sign-in" + back, type: .normal)
            }
            response = await site.errorPage?(problem, request, context)
        }
        var answer = response ?? problem.response
        switch error {
        case EdgeError.methodNotAllowed(let allowed): answer.headers[.allow] = allowed
        case EdgeError.tooManyAttempts(let seconds): answer.headers[.retryAfter] = String(seconds)
        default: break
        }
        return answer
    }

    private static func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "/-_.")))
            ?? ""
    }

    private static func addHeaders(_ response: inout Response, requestID: String) {
        response.headers[.requestID] = requestID
        response.headers[.contentSecurityPolicy] = contentPolicy
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "same-origin"
        response.headers[.openerPolicy] = "same-origin"
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    }
}
