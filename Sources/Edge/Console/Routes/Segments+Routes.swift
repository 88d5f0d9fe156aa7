// 目标客户群.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

extension Console {
    func addSegments() {
        page("/segments", .viewSegments) { frame, _, context in
            let query = TableQuery(frame)
            let segments = try await platform.store.segments(query.list, in: try context.user().scope)
            return SegmentListPage(segments: segments, query: query).page(frame)
        }
        export("/segments.csv", .viewSegments, columns: SegmentListPage.columns) { frame, context in
            let scope = try context.user().scope
            return try await everything(TableQuery(frame)) { try await platform.store.segments($0, in: scope) }
        }
        export("/segments/attributes.csv", .viewSegments) { frame, _ in
            let catalogue = try await platform.segments.catalogue()
            return csv(AttributePicker.columns(frame, catalogue.groups), catalogue.attributes)
        }
        page("/segments/new", .editSegments) { frame, _, context in
            let segment = Segment(
                name: "",
                rule: "",
                owner: "",
                scope: try context.user().scope,
                updatedAt: frame.now.instant
            )
            return try await editor(segment, frame)
        }
        page("/segments/{id}", .viewSegments) { frame, _, context in
            try await editor(try await site.segment(context.id(), for: context.user()), frame)
        }
        site.post("/segments/check", .viewSegments) { request, context in
            let rule = try await FormBody.read(request, context)["rule"].unixLines
            let frame = try await frame(request, context)
            let result = try await result(of: rule, in: context.user().scope, frame)
            return respond(result?.html(frame) ?? "<p class=\"help\">\(frame.t(.resultEmpty))</p>")
        }
        site.post("/segments/sample.csv", .viewSegments) { request, context in
            let rule = try await FormBody.read(request, context)["rule"].unixLines
            let frame = try await frame(request, context)
            switch try await result(of: rule, in: context.user().scope, frame) {
            case .members(_, _, _, _, let sample, let attributes):
                return try await download(csv(RuleResult.sampleColumns(attributes, frame), sample), request, context)
            case .wrong(let error, _): throw error
            case .failed, nil: throw EdgeError.badRequest(field: "rule", why: "write a rule first")
            }
        }
        form("/segments/save", .editSegments) { body, frame, context in
            let staff = try context.user()
            var segment = Segment(
                name: "",
                rule: "",
                owner: staff.login,
                scope: staff.scope,
                updatedAt: frame.now.instant
            )
            if let id = Int64(body["id"]) {
                segment = try await site.segment(id, for: staff)
                segment.version = Int(body["version"]) ?? 0
            }
            segment.name = body.trimmed("name")
            segment.rule = body["rule"].unixLines
            do {
                // The rule by itself must be right, before the organisation's conditions are added to it.
                _ = try await platform.segments.check(segment.rule)
                segment = try await platform.segments.save(
                    segment,
                    by: staff,
                    today: frame.now.day,
                    at: frame.now.instant
                )
                return .next("/segments/\(segment.id)", .saved)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                let isName = ["plan.bad_name", "control.name_taken"].contains(error.code)
                let page = try await editor(segment, frame, nameError: isName ? frame.problem(error) : nil)
                return .page(
                    page,
                    isName || error is RuleError ? nil : Notice(isError: true, text: frame.problem(error))
                )
            }
        }
    }

    private func editor(_ segment: Segment, _ frame: Frame, nameError: String? = nil) async throws -> Screen {
        SegmentEditorPage(
            id: segment.id == 0 ? nil : segment.id,
            version: segment.version,
            name: segment.name,
            rule: segment.rule,
            scope: segment.scope,
            catalogue: try await platform.segments.catalogue(),
            result: try await result(of: segment.rule, in: segment.scope, frame),
            nameError: nameError
        ).page(frame)
    }

    /// Counts a rule and takes a sample; nil for an empty rule.
    private func result(of rule: String, in scope: OrganisationScope, _ frame: Frame) async throws -> RuleResult? {
        guard rule.contains(where: { !$0.isWhitespace }) else { return nil }
        do {
            let checked = try await platform.segments.check(rule)
            let start = ContinuousClock.now
            let count = try await platform.segments.count(rule, in: scope, today: frame.now.day)
            let elapsed = Int((ContinuousClock.now - start) / .milliseconds(1))
            let catalogue = try await platform.segments.catalogue()
            let open = { (attribute: Attribute) in attribute.sensitivity == .open && attribute.isHot }
            let named = checked.uses.attributes.filter(open)
            let others = catalogue.attributes.filter { attribute in
                open(attribute) && !named.contains { $0.code == attribute.code }
            }
            let shown = Array((named + others).prefix(6))
            let members = try await platform.segments.members(rule, in: scope, today: frame.now.day)
            return .members(
                rule: rule,
                count: count,
                base: try await site.subscribers(in: scope),
                milliseconds: max(1, elapsed),
                sample: try await platform.segments.sample(members, attributes: shown.map(\.code)),
                attributes: shown
            )
        } catch let error as RuleError {
            return .wrong(error, rule: rule)
        }
    }
}

extension String {
    /// Browsers send line ends as CR LF; rules and messages have LF.
    var unixLines: String { replacing("\r\n", with: "\n") }
}
