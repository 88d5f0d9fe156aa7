// Errors as the edge shows them: RFC 9457 problem details. The one place that knows which error is which HTTP status.
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Foundation
public import Hummingbird
public import Kernel
public import Model
import Planning
import Ports
public import Rules
public import Texts

/// What the edge itself refuses.
public enum EdgeError: CodedError, Equatable {
    case signedOut
    case wrongPassword
    case forbidden(Permission)
    case notFound(String)
    case methodNotAllowed(allowed: String)
    /// An unsafe request that another site may have made the browser send.
    case crossSite
    case tooManyAttempts(seconds: Int)
    case badRequest(field: String, why: String)
    case tooLarge(bytes: Int)
    /// What is sent cannot be kept on the disk.
    case noRoom(cause: String)
    /// An idempotency key is needed, is used for something else, or its first request is still under way.
    case keyMissing
    case keyReused
    case keyBusy
    case badPassword

    public var code: String {
        switch self {
        case .signedOut: "edge.signed_out"
        case .wrongPassword: "edge.wrong_password"
        case .forbidden: "edge.forbidden"
        case .notFound: "edge.not_found"
        case .methodNotAllowed: "edge.method_not_allowed"
        case .crossSite: "edge.cross_site"
        case .tooManyAttempts: "edge.too_many_attempts"
        case .badRequest: "edge.bad_request"
        case .tooLarge: "edge.too_large"
        case .noRoom: "edge.no_room"
        case .keyMissing: "edge.key_missing"
        case .keyReused: "edge.key_reused"
        case .keyBusy: "edge.key_busy"
        case .badPassword: "edge.bad_password"
        }
    }

    public var description: String {
        switch self {
        case .signedOut: "sign in first; the session may have ended"
        case .wrongPassword: "the sign-in name or the password is wrong"
        case .forbidden(let permission): "your role does not allow this (\(permission.rawValue)); ask an administrator"
        case .notFound(let what): "\(what) does not exist, or is outside your part of the organisation"
        case .methodNotAllowed(let allowed): "the address takes \(allowed)"
        case .crossSite: "the request came from another site; repeat it on a page of Gyre, or use a bearer token"
        case .tooManyAttempts(let seconds): "too many failed sign-ins; try again in \(seconds) seconds"
        case .badRequest(let field, let why): "\(field): \(why)"
        case .tooLarge(let bytes): "the body has more than \(bytes) bytes; send it in parts"
        case .noRoom(let cause):
            "the server cannot keep the file (\(cause)); free space in its data directory, then send it again"
        case .keyMissing: "this request needs the header Idempotency-Key, a new value for each thing to be done"
        case .keyReused: "the Idempotency-Key was used for another request; choose a new one"
        case .keyBusy: "the first request with this Idempotency-Key is still under way; repeat it later"
        case .badPassword: "a password has 10 to 200 characters"
        }
    }
}

/// The body of every error answer of the API (RFC 9457).
public struct Problem: Codable, Hashable, Sendable {
    /// Identifies the kind of problem: `urn:gyre:problem:` and the code.
    public var type: String
    /// The HTTP status in words.
    public var title: String
    /// The HTTP status.
    public var status: Int
    /// What happened and what to do next.
    public var detail: String
    /// Stable name of the problem, for example `control.stale`.
    public var code: String
    /// Number of the request in the server's log.
    public var requestId: String?
    /// Places in the input that are wrong.
    public var errors: [Place]?

    /// A place in the input.
    public struct Place: Codable, Hashable, Sendable {
        /// Field of the request body.
        public var field: String
        /// What is wrong there, in the language of the request.
        public var message: String
        /// UTF-16 code units from the start of the field, where the place is a part of it.
        public var start: Int?
        /// The unit after the last one concerned.
        public var end: Int?
        /// What to write instead, where known.
        public var suggestion: String?
    }

    /// Describes an error; what is not meant for people outside becomes a plain "internal error".
    public init(_ error: any Error, language: Language, requestId: String?) {
        let status = Self.status(of: error)
        self.status = status.code
        title = status.reasonPhrase
        self.requestId = requestId
        switch error {
        case let error as RuleError:
            code = error.code
            detail = language(error.message)
            errors = [Self.place(of: error, field: "rule", language)]
        case PlanningError.badExpression(let field, let error):
            code = error.code
            detail = language(error.message)
            errors = [Self.place(of: error, field: field, language)]
        case PlanningError.badRule(let part, let error):
            code = error.code
            detail = language(error.message)
            errors = [Self.place(of: error, field: part, language)]
        case CatalogueError.badExpression(_, let error):
            code = error.code
            detail = language(error.message)
            errors = [Self.place(of: error, field: "expression", language)]
        case CatalogueError.badField(let attribute, let field, let why):
            code = CatalogueError.badField(attribute: attribute, field: field, why: why).code
            detail = "\(error)"
            errors = [Place(field: field, message: why)]
        case let error as OwnQueryError:
            code = error.code
            detail = language(error.message)
            errors = [
                Place(
                    field: "from.sql",
                    message: detail,
                    start: error.range?.lowerBound,
                    end: error.range?.upperBound
                )
            ]
        case PlanningError.badDefinition(let part, let why):
            code = PlanningError.badDefinition(part: part, why: why).code
            detail = "\(part): \(language(why))"
            errors = [Place(field: part, message: language(why))]
        case DecisionError.erased:
            code = "decision.erased"
            detail = language(Self.erased)
        case PolicyError.invalid(let problems):
            code = PolicyError.invalid([]).code
            detail = "the policy has \(problems.count) problems; the errors name their places"
            errors = problems.map { Self.place(of: $0, language) }
        case let error as any CodedError:
            code = error.code
            detail =
                status.code >= 500 && ![503, 507].contains(status.code)
                ? "something went wrong inside; the server's log has it under the request's number" : "\(error)"
        case let error as HTTPError:
            code = Self.code(of: error.status)
            // What was sent may stand in it, however long it is.
            detail = String((error.body ?? error.status.reasonPhrase).prefix(400))
        case is DecodingError:
            code = "edge.bad_request"
            detail = "the body does not have the form that the API describes"
        default:
            code = "edge.internal"
            detail = "something went wrong inside; the server's log has it under the request's number"
        }
        type = "urn:gyre:problem:\(code)"
    }

    /// A rule's error as a place in a field.
    public static func place(of error: RuleError, field: String, _ language: Language) -> Place {
        Place(
            field: field,
            message: language(error.message),
            start: error.start.offset,
            end: error.end.offset,
            suggestion: error.suggestion
        )
    }

    /// A policy's problem as a place in the body.
    static func place(of problem: PolicyProblem, _ language: Language) -> Place {
        Place(
            field: problem.key,
            message: language(problem.remark.message),
            start: problem.remark.range?.lowerBound,
            end: problem.remark.range?.upperBound,
            suggestion: problem.remark.suggestion
        )
    }

    private static let erased = BilingualText(
        zh: "该用户的信息已按要求删除，不再提供任何信息，也不再接触该用户",
        en: "this subscriber was erased on request: nothing is told of him any more, and he is not contacted"
    )

    private static func code(of status: HTTPResponse.Status) -> String {
        switch status {
        case .notFound: "edge.not_found"
        case .contentTooLarge: "edge.too_large"
        case .internalServerError: "edge.internal"
        default: "edge.bad_request"
        }
    }

    // MARK: Status

    /// The HTTP status of an error; 500 for everything that only a fault of Gyre brings about.
    public static func status(of error: any Error) -> HTTPResponse.Status {
        switch error {
        case let error as any CodedError: status(ofCode: error.code)
        case let error as any HTTPResponseError: error.status
        case is DecodingError: .badRequest
        default: .internalServerError
        }
    }

    /// The HTTP status of a stable error code.
    public static func status(ofCode code: String) -> HTTPResponse.Status {
        switch code {
        case "edge.signed_out", "edge.wrong_password": .unauthorized
        case "edge.forbidden", "edge.cross_site", "plan.not_allowed", "approval.own_campaign", "approval.own_segment",
            "approval.outside_scope",
            "policy.not_allowed",
            "request.wrong_person", "list.not_allowed", "catalogue.not_allowed":
            .forbidden
        case "edge.not_found", "control.not_found", "decision.unknown_campaign", "decision.unknown_wave",
            "list.unknown_number", "customer.nobody", "load.unknown", "touchpoint.unknown_interaction",
            "catalogue.unknown", "feed.unknown":
            .notFound
        case "decision.erased": .gone
        case "edge.method_not_allowed": .methodNotAllowed
        case "edge.too_many_attempts": .tooManyRequests
        case "edge.bad_request", "edge.key_missing": .badRequest
        case "edge.too_large": .contentTooLarge
        case "edge.key_busy", "control.stale", "control.name_taken", "control.transition", "plan.wrong_phase",
            "plan.no_dry_run", "plan.wrong_state", "control.in_use", "approval.already_decided", "dispatch.wrong_phase",
            "run.busy", "decision.wave_open",
            "decision.wave_not_closed", "decision.no_policy", "decision.no_profile", "load.no_subscribers",
            "load.not_last", "load.only", "load.no_catalogue",
            "dispatch.no_wave", "dispatch.no_touchpoint", "touchpoint.not_offered", "policy.base_not_live",
            "policy.closed", "policy.nothing_changed", "arbitrate.wrong_state", "arbitrate.changed",
            "arbitrate.overlaps", "arbitrate.over", "list.busy", "request.wrong_state", "catalogue.stale",
            "catalogue.nothing_changed", "catalogue.in_use":
            .conflict
        case "edge.key_reused", "edge.bad_password", "control.invalid", "approval.reason_missing", "plan.bad_name",
            "plan.bad_message", "dispatch.bad_expression", "touchpoint.bad_interaction", "plan.bad_value",
            "plan.unknown_segment", "plan.bad_definition", "plan.circular_segment",
            "decision.invalid_policy", "decision.month_not_held", "policy.invalid", "arbitrate.campaigns",
            "arbitrate.not_planned",
            "arbitrate.bad_limit", "erase.no_numbers", "erase.too_many", "erase.reason_missing",
            "catalogue.reason_missing", "catalogue.bad_field", "catalogue.circular",
            "feed.bad_name":
            .unprocessableContent
        case "load.empty", "load.encoding", "load.damaged", "load.header", "load.missing_columns", "load.open_quote",
            "load.field_too_long", "load.record_too_long", "load.too_large", "load.cannot_read":
            .unprocessableContent
        case "control.file_disk_full", "edge.no_room":
            HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        case "decision.read_only", "load.not_counted", "control.file_locked", "control.file_no_access",
            "run.unavailable":
            .serviceUnavailable
        default:
            code.hasPrefix("rule.") || code.hasPrefix("sql.") || code.hasPrefix("customer.") || code.hasPrefix("list.")
                || code.hasPrefix("request.")
                ? .unprocessableContent : .internalServerError
        }
    }

    // MARK: Answer

    /// The problem as an answer of the API.
    public var response: Response {
        var headers: HTTPFields = [.contentType: "application/problem+json; charset=utf-8"]
        if status == HTTPResponse.Status.unauthorized.code { headers[.wwwAuthenticate] = "Bearer realm=\"gyre\"" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = (try? encoder.encode(self)) ?? Data()
        return Response(
            status: HTTPResponse.Status(code: status),
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body))
        )
    }
}
