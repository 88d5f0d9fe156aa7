// 属性目录: changes, each a revision.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Rules
import Texts

extension Console {
    func addCatalogueChanges() {
        page("/derived-attributes", .editCatalogue) { frame, _, _ in
            try await derivedPage(nil, nil).page(frame)
        }
        page("/derived-attributes/{code}", .editCatalogue) { frame, _, context in
            try await derivedPage(code(context), nil).page(frame)
        }
        form("/derived-attributes", .editCatalogue) { body, frame, context in
            try await save(body, nil, frame, context)
        }
        form("/derived-attributes/{code}", .editCatalogue) { body, frame, context in
            try await save(body, code(context), frame, context)
        }
        form("/derived-attributes/{code}/remove", .editCatalogue) { body, frame, context in
            let (code, catalogues) = (code(context), platform.catalogues)
            return try await act(body, frame, context) { base, reason, staff in
                _ = try await catalogues.remove(code, base: base, reason: reason, by: staff, at: frame.now.instant)
                return .next("/catalogue", .saved)
            } again: {
                try await attribute(frame, context).page(frame)
            }
        }
        form("/catalogue/{code}/storage", .editCatalogue) { body, frame, context in
            let (code, isHot, catalogues) = (code(context), body["hot"] == "yes", platform.catalogues)
            return try await act(body, frame, context) { base, reason, staff in
                _ = try await catalogues.hold(
                    code,
                    hot: isHot,
                    base: base,
                    reason: reason,
                    by: staff,
                    at: frame.now.instant
                )
                return .next("/catalogue/\(code)", .saved)
            } again: {
                try await attribute(frame, context).page(frame)
            }
        }
        site.post("/catalogue-check", .editCatalogue) { request, context in
            let body = try await FormBody.read(request, context)
            return respond(try await remark(on: body["rule"].unixLines, try await frame(request, context)))
        }
        site.post("/catalogue-preview.csv", .editCatalogue) { request, context in
            let body = try await FormBody.read(request, context)
            let frame = try await frame(request, context)
            let found = try await preview(DerivedForm(body), body["old"], frame, context)
            guard let distribution = found.distribution else { throw EdgeError.notFound("distribution") }
            let view = ProfiledAttributeView(attribute: found.attribute, distribution: distribution, hasMembers: false)
            return try await download(csv(view.table(frame)), request, context)
        }
        addCatalogueHistory()
    }

    private func addCatalogueHistory() {
        page("/catalogue-revisions", .viewSegments) { frame, _, _ in
            let query = TableQuery(frame)
            let revisions = try await platform.store.catalogueRevisions(query.list)
            return CatalogueHistoryPage(revisions: revisions, query: query, last: try await lastRevision()).page(frame)
        }
        export("/catalogue-revisions.csv", .viewSegments, columns: CatalogueHistoryPage.columns) { frame, _ in
            try await everything(TableQuery(frame)) { try await platform.store.catalogueRevisions($0) }
        }
        page("/catalogue-revisions/{id}", .viewSegments) { frame, _, context in
            try await revisionPage(context).page(frame)
        }
        export("/catalogue-revisions/{id}/changes.csv", .viewSegments, columns: CatalogueChangeRow.columns) {
            frame,
            context in
            try await revisionPage(context).changes.map { CatalogueChangeRow($0, frame) }
        }
        form("/catalogue-revisions/{id}/restore", .editCatalogue) { body, frame, context in
            let number = context.parameters.get("id").flatMap { Int($0) } ?? -1
            let catalogues = platform.catalogues
            return try await act(body, frame, context) { base, reason, staff in
                let made = try await catalogues.restore(
                    number,
                    base: base,
                    reason: reason,
                    by: staff,
                    at: frame.now.instant
                )
                return .next("/catalogue-revisions/\(made.number)", .saved)
            } again: {
                guard number == 0 else { return try await revisionPage(context).page(frame) }
                let revisions = try await platform.store.catalogueRevisions(TableQuery(frame).list)
                let last = try await lastRevision()
                return CatalogueHistoryPage(revisions: revisions, query: TableQuery(frame), last: last).page(frame)
            }
        }
    }

    private func revisionPage(_ context: EdgeContext) async throws -> CatalogueRevisionPage {
        let revision = try await site.catalogueRevision(context)
        return CatalogueRevisionPage(
            revision: revision,
            changes: try await platform.catalogues.changes(by: revision),
            last: try await lastRevision()
        )
    }

    /// The number of the last revision; 0 = none.
    func lastRevision() async throws -> Int { try await platform.catalogues.last()?.number ?? 0 }

    private func code(_ context: EdgeContext) -> String { context.parameters.get("code") ?? "" }

    /// A change that a button with a reason makes; what refuses it stands above its page.
    private func act(
        _ body: FormBody,
        _ frame: Frame,
        _ context: EdgeContext,
        _ change: (_ base: Int, _ reason: String, Staff) async throws -> FormAnswer,
        again: () async throws -> Screen
    ) async throws -> FormAnswer {
        do {
            return try await change(Int(body["base"]) ?? -1, body.trimmed("reason"), try context.user())
        } catch let error as any CodedError where Problem.status(of: error).code < 500 {
            return .page(try await again(), Notice(isError: true, text: frame.problem(error)))
        }
    }

    // MARK: The form

    private func derivedPage(_ old: String?, _ form: DerivedForm?) async throws -> DerivedPage {
        let (last, catalogue) = (try await platform.catalogues.last(), try await platform.segments.catalogue())
        let stored = old.flatMap { last?.content[$0] }
        if let old, stored == nil { throw EdgeError.notFound("derived attribute \(old.prefix(64))") }
        let first = catalogue.groups.first?.code ?? ""
        return DerivedPage(
            form: form ?? DerivedForm(stored, group: first, base: last?.number ?? 0),
            old: old,
            groups: catalogue.groups
        )
    }

    private func save(
        _ body: FormBody,
        _ old: String?,
        _ frame: Frame,
        _ context: EdgeContext
    ) async throws -> FormAnswer {
        let form = DerivedForm(body)
        var page = try await derivedPage(old, form)
        do {
            guard body["act"] != "preview" else {
                let found = try await preview(form, old ?? "", frame, context)
                page.preview = found
                let text = frame.t(.derivedIs, frame.typeName(found.attribute))
                return .page(page.page(frame), Notice(isError: false, text: text))
            }
            _ = try await platform.catalogues.define(
                form.definition,
                replacing: old,
                base: form.base,
                reason: form.reason,
                by: try context.user(),
                at: frame.now.instant
            )
            return .next("/catalogue/\(form.code)", .saved)
        } catch let error as any CodedError where Problem.status(of: error).code < 500 {
            if let field = Self.field(of: error, form.code) { page.wrong = (field, frame.problem(error)) }
            return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
        }
    }

    /// The field of the form that an error is about.
    private static func field(of error: any CodedError, _ code: String) -> String? {
        switch error as? CatalogueError {
        case .badField(code, let field, _): field
        case .badExpression(code, _), .circular: "expression"
        case .reasonMissing: "reason"
        default: nil
        }
    }

    private func preview(
        _ form: DerivedForm,
        _ old: String,
        _ frame: Frame,
        _ context: EdgeContext
    ) async throws -> DerivedPreview {
        try await platform.catalogues.preview(
            form.definition,
            replacing: old.isEmpty ? nil : old,
            for: try context.user(),
            today: frame.now.day
        )
    }

    /// What an expression gives, or what is wrong with it and what to write instead.
    private func remark(on expression: String, _ frame: Frame) async throws -> HTML {
        guard expression.contains(where: { !$0.isWhitespace }) else { return .empty }
        do {
            let checked = DerivedAttribute(
                code: "x",
                name: BilingualText(zh: "x", en: "x"),
                group: "",
                expression: expression,
                decimals: nil
            )
            let attribute = try await platform.segments.scope().attribute(of: checked)
            return "<p class=\"help\">\(frame.t(.derivedIs, frame.typeName(attribute)))</p>"
        } catch let error as RuleError {
            let button: HTML =
                error.suggestion.map { text in
                    """
                     <button type="button" class="button small" data-suggest data-start="\(error.start.offset)" \
                    data-end="\(error.end.offset)" data-text="\(text)">\(frame.t(.useSuggestion, text))</button>
                    """
                } ?? .empty
            return "<p class=\"wrong\">\(frame.language(error.message))\(button)</p>"
        }
    }
}
