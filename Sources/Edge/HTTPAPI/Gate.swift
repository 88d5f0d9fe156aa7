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
        site.record(
            Answered(
                method: request.method.rawValue,
                // The path is the route's, not the request's: no number of a customer gets into the log.
                route: context.endpointPath ?? "unknown",
                status: response.status.code,
                who: context.staff,
                elapsed: ContinuousClock.now - start
            ),
            context.logger
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

    /// Headers of all answers.
    static let headers: [(name: HTTPField.Name?, value: String)] = [
        (.contentSecurityPolicy, contentPolicy), (.xContentTypeOptions, "nosniff"), (.referrerPolicy, "same-origin"),
        (.openerPolicy, "same-origin"),
    ]

    private static func addHeaders(_ response: inout Response, requestID: String) {
        response.headers[.requestID] = requestID
        for (name, value) in headers { response.headers[name] = value }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = notKept }
    }

    /// What caches are told unless an answer says otherwise.
    static let notKept = "no-store"
}

/// What is on record of a request that was answered.
struct Answered {
    var method: String
    var route: String
    var status: Int
    var who: Staff?
    var elapsed: Duration
}

extension Site {
    /// Counts a request and writes its line in the log.
    func record(_ answered: Answered, _ logger: Logger) {
        metrics.count(request: answered.method, route: answered.route, status: answered.status, answered.elapsed)
        logger.info(
            "request",
            metadata: [
                "method": .string(answered.method), "route": .string(answered.route),
                "status": .stringConvertible(answered.status), "who": .string(answered.who?.login ?? "-"),
                "ms": .stringConvertible(answered.elapsed / .milliseconds(1)),
            ]
        )
    }
}
