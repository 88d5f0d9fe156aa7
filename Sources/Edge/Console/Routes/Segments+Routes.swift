// 目标客户群: lists, editor, and what becomes of a segment.
// SPDX-License-Identifier: Apache-2.0

import Approval
import Assembly
import DecisionHost
import Decisioning
import Foundation
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
            let (query, tab) = (TableQuery(frame), SegmentListPage.Tab(rawValue: frame.parameter("tab")) ?? .all)
            let staff = try context.user()
            let segments = try await platform.store.segments(query.list, tab.filter, seenBy: staff)
            return SegmentListPage(segments: segments, query: query, tab: tab).page(frame)
        }
        export("/segments.csv", .viewSegments, columns: SegmentListPage.columns) { frame, context in
            let (staff, tab) = (try context.user(), SegmentListPage.Tab(rawValue: frame.parameter("tab")) ?? .all)
            return try await everything(TableQuery(frame)) {
                try await platform.store.segments($0, tab.filter, seenBy: staff)
            }
        }
        export("/segments/attributes.csv", .viewSegments) { frame, _ in
            let catalogue = try await platform.segments.catalogue()
            return csv(AttributePicker.columns(frame, catalogue.groups), catalogue.attributes)
        }
        addSegmentEditor()
        addRuleBuilder()
        addSegmentPages()
        addSegmentActs()
        addSegmentImport()
        addSegmentExports()
        addMovement()
    }

    // MARK: Exports

    private func addSegmentExports() {
        page("/segments/exports", .viewSegments) { frame, _, context in
            let (staff, query) = (try context.user(), TableQuery(frame))
            let exports = try await platform.store.segmentExports(query.list, in: staff.scope)
            return SegmentExportsPage(exports: exports, query: query, login: staff.login).page(frame)
        }
        export("/segments/exports.csv", .viewSegments, columns: SegmentExportsPage.columns) { frame, context in
            let staff = try context.user()
            return try await everything(TableQuery(frame)) {
                try await platform.store.segmentExports($0, in: staff.scope)
            }
        }
        form("/segments/{id}/export", .editSegments) { body, frame, context in
            let staff = try context.user()
            let segment = try await site.segment(try context.id(), for: staff)
            _ = try await platform.segments.askForExport(
                of: segment,
                attributes: body.all("attribute"),
                reason: body.trimmed("reason"),
                delivery: try Self.delivery(body),
                by: staff,
                at: frame.now
            )
            return .next("/segments/exports", .asked)
        }
        page("/segments/exports/{id}", .viewSegments) { frame, _, context in
            let export = try await site.segmentExport(try context.id(), for: try context.user())
            let files = try await platform.store.deliveredFiles(ofExport: export.id)
            return SegmentDeliveryPage(export: export, files: files).page(frame)
        }
        export("/segments/exports/{id}/files.csv", .viewSegments, columns: SegmentDeliveryPage.columns) {
            frame,
            context in
            let export = try await site.segmentExport(try context.id(), for: try context.user())
            let files = try await platform.store.deliveredFiles(ofExport: export.id)
            return TableQuery(frame).page(of: files, SegmentDeliveryPage.columns(frame), isWhole: true).rows
        }
        form("/segments/exports/{id}/end", .viewSegments) { _, frame, context in
            let staff = try context.user()
            let export = try await site.segmentExport(try context.id(), for: staff)
            _ = try await platform.segments.endDelivery(of: export, by: staff, at: frame.now.instant)
            return .next("/segments/exports/\(export.id)", .deliveryEnded)
        }
        for (name, isApproved) in [("approve", true), ("refuse", false)] {
            form("/segments/exports/{id}/\(name)", .approve) { _, frame, context in
                let staff = try context.user()
                let export = try await site.segmentExport(try context.id(), for: staff)
                _ = try await platform.segments.decide(
                    export,
                    isApproved: isApproved,
                    by: staff,
                    at: frame.now.instant
                )
                return .next("/segments/exports", isApproved ? .passed : .rejected)
            }
        }
        site.get("/segments/exports/{id}/members.csv", .editSegments) { request, context in
            let staff = try context.user()
            let export = try await site.segmentExport(try context.id(), for: staff)
            let language = try await frame(request, context).language
            return try await site.segmentExport(export, for: staff, language: language)
        }
    }

    /// Where an export is to go; nil when who asks fetches it.
    private static func delivery(_ body: FormBody) throws -> SegmentDelivery? {
        let (system, until) = (body.trimmed("system"), body.trimmed("until"))
        guard !system.isEmpty || !until.isEmpty else { return nil }
        return SegmentDelivery(
            to: system,
            until: until.isEmpty ? nil : try LocalDay(day: until, field: "until")
        )
    }

    // MARK: Lists

    private func addSegmentImport() {
        page("/segments/import", .editSegments) { frame, _, _ in SegmentImportPage().page(frame) }
        addListPreview("/segments/import/preview", .editSegments)
        form("/segments/import", .editSegments, uploads: true) { body, frame, context in
            let numbers = NumberListFields(kind: body["kind"], column: body["column"])
            var page = SegmentImportPage(name: body.trimmed("name"), numbers: numbers)
            guard let source = source(body, frame) else {
                page.error = frame.t(.fileMissing)
                return .page(page.page(frame), nil)
            }
            do {
                let origin: MemberFile.Origin = body.file == nil ? .pasted : .file
                let (saved, report) = try await platform.memberLists.segment(
                    named: page.name,
                    of: source,
                    origin: origin,
                    by: try context.user(),
                    at: frame.now
                )
                let done = SegmentImport(file: source.name, segment: saved.id, report: report)
                let id = segmentImports.add(done, session: context.sessionToken ?? "")
                return .next("/segments/\(saved.id)?import=\(id)", .imported)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                let isName = ["plan.bad_name", "control.name_taken"].contains(error.code)
                if isName { page.nameError = frame.problem(error) } else { page.error = frame.problem(error) }
                return .page(page.page(frame), nil)
            }
        }
        export("/segments/imports/{id}/rejects.csv", .editSegments) { frame, context in
            guard let done = segmentImports.report(Int(try context.id()), session: context.sessionToken) else {
                throw EdgeError.notFound("import")
            }
            let columns = ListsPage.rejectColumns(frame)
            let rows = TableQuery(frame, prefix: "i.").page(of: done.report.rejects, columns, isWhole: true).rows
            return csv(columns, rows)
        }
    }

    // MARK: Editor

    private func addSegmentEditor() {
        page("/segments/new", .editSegments) { frame, _, context in
            var form = SegmentForm(SegmentKind(rawValue: frame.parameter("kind")) ?? .rule)
            if let id = Int64(frame.parameter("template")) {
                let model = try await site.segment(id, for: try context.user())
                guard frame.parameter("kept") == "yes" else { return SegmentTemplatePage(model: model).page(frame) }
                form = SegmentForm(try SegmentTemplatePage(model: model).chosen(frame))
            }
            return try await editor(form, context.user().scope, frame, context)
        }
        page("/segments/{id}/edit", .editSegments) { frame, _, context in
            let segment = try await site.editableSegment(try context.id(), for: context.user())
            return try await editor(SegmentForm(segment), segment.scope, frame, context)
        }
        site.post("/segments/check", .editSegments) { request, context in
            let form = SegmentForm(try await FormBody.read(request, context))
            let frame = try await frame(request, context)
            let result = try await result(of: form, in: context.user().scope, frame)
            return respond(result?.html(frame) ?? "<p class=\"help\">\(frame.t(.resultEmpty))</p>")
        }
        site.post("/segments/sample.csv", .editSegments) { request, context in
            let json = try await FormBody.read(request, context)["definition"]
            guard let definition = try? JSONDecoder().decode(SegmentDefinition.self, from: Data(json.utf8)) else {
                throw EdgeError.badRequest(field: "definition", why: "write a definition first")
            }
            let frame = try await frame(request, context)
            let form = SegmentForm(definition)
            switch try await result(of: form, in: context.user().scope, frame) {
            case .members(_, _, _, _, let sample, let attributes):
                return try await download(csv(RuleResult.sampleColumns(attributes, frame), sample), request, context)
            case .wrong(let why, _, _), .failed(let why): throw EdgeError.badRequest(field: "definition", why: why)
            case nil: throw EdgeError.badRequest(field: "definition", why: "write a definition first")
            }
        }
        site.post("/segments/funnel.csv", .editSegments) { request, context in
            let json = try await FormBody.read(request, context)["definition"]
            let frame = try await frame(request, context)
            guard let definition = try? JSONDecoder().decode(SegmentDefinition.self, from: Data(json.utf8)),
                case .members(_, let found, _, _, _, _) = try await result(
                    of: SegmentForm(definition),
                    in: context.user().scope,
                    frame
                )
            else { throw EdgeError.badRequest(field: "definition", why: "write a definition first") }
            return try await download(csv(frame.stepColumns(of: definition), found.steps), request, context)
        }
        form("/segments/save", .editSegments) { body, frame, context in
            let staff = try context.user()
            let form = SegmentForm(body)
            var segment = Segment(
                name: "",
                rule: "",
                owner: staff.login,
                scope: staff.scope,
                updatedAt: frame.now.instant
            )
            if let id = form.id {
                segment = try await site.editableSegment(id, for: staff)
                segment.version = form.version
            }
            do {
                try form.fill(&segment)
                segment.state = body["draft"] == "yes" ? .draft : segment.state == .draft ? .saved : segment.state
                let saved = try await platform.segments.save(
                    segment,
                    by: staff,
                    today: frame.now.day,
                    at: frame.now.instant
                )
                return .next("/segments/\(saved.id)", .saved)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                let isName = ["plan.bad_name", "control.name_taken"].contains(error.code)
                let isRule = if case PlanningError.badRule? = error as? PlanningError { true } else { false }
                let isShown = isName || isRule || error is OwnQueryError
                let page = try await editor(
                    form,
                    segment.scope,
                    frame,
                    context,
                    nameError: isName ? frame.problem(error) : nil
                )
                return .page(page, isShown ? nil : Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    private func addRuleBuilder() {
        site.post("/segments/tree", .viewSegments) { request, context in
            let rule = try await FormBody.read(request, context)["rule"].unixLines
            let frame = try await frame(request, context)
            do {
                return try respond(json: BuilderNode.of(RuleSyntax(parsing: rule).root))
            } catch let error as RuleError {
                let place = frame.t(.rulePlace, "\(error.start.line)", "\(error.start.column)")
                let problem = BuilderProblem(
                    message: place + frame.language(error.message),
                    start: error.start.offset,
                    end: error.end.offset
                )
                return try respond(json: problem, status: .unprocessableContent)
            }
        }
        site.get("/segments/catalogue.json", .viewSegments) { request, context in
            let seen = try await everything(TableQuery(frame(request, context))) {
                try await platform.store.segments($0, SegmentListPage.Tab.all.filter, seenBy: try context.user())
            }
            let audiences = seen.filter { $0.audience != nil }.map(\.name)
            let frame = try await frame(request, context)
            let scope = try await platform.segments.scope()
            let held = try await platform.segments.knownValues()
            return try respond(json: BuilderCatalogue(scope, audiences: audiences, held: held, frame))
        }
    }

    private func editor(
        _ form: SegmentForm,
        _ scope: OrganisationScope,
        _ frame: Frame,
        _ context: EdgeContext,
        nameError: String? = nil
    ) async throws -> Screen {
        let staff = try context.user()
        let newest = ListQuery(limit: 200)
        let phases = Set(CampaignPhase.allCases)
        return SegmentEditorPage(
            form: form,
            scope: scope,
            catalogue: try await platform.segments.catalogue(),
            segments: try await platform.store.segments(newest, SegmentListPage.Tab.all.filter, seenBy: staff).rows,
            campaigns: try await platform.store.campaigns(newest, phases: phases, in: staff.scope).rows,
            policy: try await policy(),
            result: try await result(of: form, in: scope, frame),
            nameError: nameError
        ).page(frame)
    }

    /// Finds the members a form asks for and takes a sample; nil for a form that says nothing yet.
    private func result(of form: SegmentForm, in scope: OrganisationScope, _ frame: Frame) async throws -> RuleResult? {
        guard !form.isBlank else { return nil }
        do {
            let definition = try form.definition()
            let start = ContinuousClock.now
            try await platform.segments.check(definition, of: form.id ?? 0, in: scope)
            let found = try await platform.segments.find(definition, of: form.id, in: scope, today: frame.now.day)
            let elapsed = Int((ContinuousClock.now - start) / .milliseconds(1))
            let attributes = try await shown(for: definition)
            return .members(
                definition: definition,
                found: found,
                base: try await site.subscribers(in: scope),
                milliseconds: max(1, elapsed),
                sample: try await platform.segments.sample(
                    found.members,
                    attributes: attributes.map(\.code),
                    today: frame.now.day
                ),
                attributes: attributes
            )
        } catch PlanningError.badRule("from.rule", let error) {
            return .wrong(frame.language(error.message), at: error.start.offset..<error.end.offset, of: form.rule)
        } catch let error as OwnQueryError where error.range != nil && form.kind == .sql {
            return .wrong(frame.problem(error), at: error.range ?? 0..<0, of: form.sql)
        } catch let error as any CodedError where Problem.status(of: error).code < 500 {
            return .failed(frame.problem(error))
        }
    }

    /// Open attributes for a sample: those the rule names, then others in memory.
    func shown(for definition: SegmentDefinition) async throws -> [Attribute] {
        let catalogue = try await platform.segments.catalogue()
        let open = { (attribute: Attribute) in attribute.sensitivity == .open }
        let named =
            if let rule = definition.rule { try await platform.segments.check(rule).uses.attributes.filter(open) } else
            {
                [Attribute]()
            }
        let others = catalogue.attributes.filter { attribute in
            open(attribute) && attribute.isHotColumn && !named.contains { $0.code == attribute.code }
        }
        return Array((named + others).prefix(6))
    }

    // MARK: Pages

    private func addSegmentPages() {
        page("/segments/overlap", .viewSegments) { frame, _, context in
            let staff = try context.user()
            let choices = try await platform.store.segments(
                ListQuery(limit: 200),
                SegmentListPage.Tab.all.filter,
                seenBy: staff
            ).rows.filter { $0.state != .draft }
            let chosen = try await chosen(frame, staff)
            let overlap =
                chosen.count < 2
                ? nil : try await platform.segments.overlap(chosen, in: staff.scope, today: frame.now.day)
            let isCut = frame.query.count { $0.name == "s" } > SegmentOverlapPage.most
            return SegmentOverlapPage(choices: choices, chosen: chosen, overlap: overlap, isCut: isCut).page(frame)
        }
        export("/segments/overlap.csv", .viewSegments, columns: SegmentOverlapPage.columns) { frame, context in
            let staff = try context.user()
            let chosen = try await chosen(frame, staff)
            let overlap = try await platform.segments.overlap(chosen, in: staff.scope, today: frame.now.day)
            return SegmentOverlapPage.combinations(overlap, of: chosen)
        }
        export("/segments/overlap/matrix.csv", .viewSegments, columns: SegmentOverlapPage.pairColumns) {
            frame,
            context in
            let staff = try context.user()
            let chosen = try await chosen(frame, staff)
            let overlap = try await platform.segments.overlap(chosen, in: staff.scope, today: frame.now.day)
            return SegmentOverlapPage.pairs(overlap, of: chosen)
        }
        export("/segments/{id}/funnel.csv", .viewSegments) { frame, context in
            let segment = try await site.segment(try context.id(), for: context.user())
            guard let audience = try await platform.store.audiences(ofSegment: segment.id).first else {
                throw EdgeError.notFound("audience")
            }
            let revisions = try await platform.store.revisions(ofSegment: segment.id)
            let definition = revisions.first { $0.number == audience.revision }?.definition
            return csv(frame.stepColumns(of: definition ?? segment.definition), audience.steps)
        }
        addSegmentMatches()
        page("/segments/{id}", .viewSegments) { frame, _, context in
            let segment = try await site.segment(try context.id(), for: context.user())
            var page = try await detail(segment, context.user())
            if let id = Int(frame.parameter("import")) {
                let report = segmentImports.report(id, session: context.sessionToken)
                page.imported = report.flatMap { $0.segment == segment.id ? (id, $0) : nil }
            }
            return page.page(frame)
        }
        export("/segments/{id}/audiences.csv", .viewSegments, columns: SegmentDetailPage.audienceColumns) {
            _,
            context in
            let segment = try await site.segment(try context.id(), for: context.user())
            return try await platform.store.audiences(ofSegment: segment.id)
        }
        export("/segments/{id}/revisions.csv", .viewSegments, columns: SegmentDetailPage.revisionColumns) {
            _,
            context in
            let segment = try await site.segment(try context.id(), for: context.user())
            return try await platform.store.revisions(ofSegment: segment.id)
        }
    }

    /// The segments an address names, at most as many as are compared.
    private func chosen(_ frame: Frame, _ staff: Staff) async throws -> [Segment] {
        var chosen: [Segment] = []
        for item in frame.query where item.name == "s" && chosen.count < SegmentOverlapPage.most {
            guard let id = Int64(item.value), !chosen.contains(where: { $0.id == id }) else { continue }
            chosen.append(try await site.segment(id, for: staff))
        }
        return chosen
    }

    func detail(_ segment: Segment, _ staff: Staff) async throws -> SegmentDetailPage {
        let audiences = try await platform.store.audiences(ofSegment: segment.id)
        return SegmentDetailPage(
            segment: segment,
            audiences: audiences,
            revisions: try await platform.store.revisions(ofSegment: segment.id),
            use: try await platform.store.use(ofSegment: segment.id),
            isEditable: segment.isEditable(by: staff),
            movement: try await platform.segments.lastMovement(
                of: segment,
                in: staff.scope,
                today: platform.clock.now.day
            )?.counts,
            attributes: try await platform.segments.catalogue().attributes
        )
    }

    // MARK: Acts

    private func addSegmentActs() {
        act("compute", .computed) { console, segment, staff, frame in
            _ = try await console.platform.segments.compute(
                segment,
                by: staff.login,
                today: frame.now.day,
                at: frame.now.instant
            )
        }
        act("publish", .published) { console, segment, staff, frame in
            _ = try await console.platform.segments.publish(segment, by: staff, at: frame.now.instant)
        }
        act("submit", .submitted) { console, segment, staff, frame in
            _ = try await console.platform.segments.submit(segment, by: staff, at: frame.now.instant)
        }
        form("/segments/{id}/decision", .approve) { body, frame, context in
            let staff = try context.user()
            var segment = try await site.segment(try context.id(), for: staff)
            guard let result = ApprovalResult(rawValue: body["result"]) else {
                throw EdgeError.badRequest(field: "result", why: "is pass, adjust or fail")
            }
            let reason = body.trimmed("reason")
            segment.version = Int(body["version"]) ?? 0
            do {
                _ = try await platform.approvals.decide(
                    segment,
                    result,
                    reason: reason,
                    by: staff,
                    at: frame.now.instant
                )
            } catch ApprovalError.reasonMissing {
                var page = try await detail(segment, staff)
                page.decision = (reason, frame.t(.reasonMissing))
                return .page(page.page(frame), nil)
            }
            return .next("/segments/\(segment.id)", .decided(result))
        }
        act("expire", .saved) { console, segment, staff, frame in
            _ = try await console.platform.segments.move(segment, to: .expired, by: staff.login, at: frame.now.instant)
        }
        act("reopen", .saved) { console, segment, staff, frame in
            _ = try await console.platform.segments.move(segment, to: .saved, by: staff.login, at: frame.now.instant)
        }
        form("/segments/{id}/delete", .editSegments) { body, frame, context in
            let staff = try context.user()
            var segment = try await site.editableSegment(try context.id(), for: staff)
            segment.version = Int(body["version"]) ?? 0
            try await platform.segments.delete(segment, by: staff, at: frame.now.instant)
            return .next("/segments", .deleted)
        }
        site.post("/segments/{id}/parts.csv", .editSegments) { request, context in
            let body = try await FormBody.read(request, context)
            let (frame, staff) = (try await frame(request, context), try context.user())
            let segment = try await site.segment(try context.id(), for: staff)
            let split = try SegmentSplit(by: body["by"], detail: body["detail"].unixLines)
            let members = try await platform.segments.members(of: segment, in: staff.scope, today: frame.now.day)
            let parts = try await platform.segments.split(members, by: split, today: frame.now.day)
            return try await download(csv(SegmentDetailPage.partColumns(frame), parts), request, context)
        }
        form("/segments/{id}/split", .editSegments) { body, frame, context in
            let staff = try context.user()
            let segment = try await site.segment(try context.id(), for: staff)
            var page = try await detail(segment, staff)
            do {
                let split = try SegmentSplit(by: body["by"], detail: body["detail"].unixLines)
                let (today, now) = (frame.now.day, frame.now.instant)
                let members = try await platform.segments.members(of: segment, in: staff.scope, today: today)
                let parts = try await platform.segments.split(members, by: split, today: today)
                page.parts = (body["by"], body["detail"], parts)
                guard body["save"] == "yes" else { return .page(page.page(frame), nil) }
                _ = try await platform.segments.save(
                    parts,
                    of: segment,
                    name: { frame.language($0) },
                    by: staff,
                    at: now
                )
                return .next("/segments", .split)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                page.splitError = frame.problem(error)
                return .page(page.page(frame), nil)
            }
        }
    }

    /// A change of a segment's state by a button.
    private func act(
        _ name: String,
        _ done: Done,
        _ body: @escaping @Sendable (Console, Segment, Staff, Frame) async throws -> Void
    ) {
        form("/segments/{id}/\(name)", .editSegments) { [self] fields, frame, context in
            let staff = try context.user()
            var segment = try await site.editableSegment(try context.id(), for: staff)
            segment.version = Int(fields["version"]) ?? 0
            try await body(self, segment, staff, frame)
            return .next("/segments/\(segment.id)", done)
        }
    }
}

extension String {
    /// Browsers send line ends as CR LF; rules and messages have LF.
    var unixLines: String { replacing("\r\n", with: "\n") }
}
