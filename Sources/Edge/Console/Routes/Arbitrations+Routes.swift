// 多活动统筹.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Assembly
import DecisionHost
import Evaluation
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addArbitrations() {
        page("/arbitrations", .viewCampaigns) { frame, _, context in
            let (query, scope) = (TableQuery(frame), try context.user().scope)
            let all = Set(ArbitrationState.allCases)
            let found = try await platform.store.arbitrations(query.list, states: all, in: scope)
            return ArbitrationListPage(arbitrations: found, query: query).page(frame)
        }
        export("/arbitrations.csv", .viewCampaigns, columns: ArbitrationListPage.columns) { frame, context in
            let scope = try context.user().scope
            return try await everything(TableQuery(frame)) {
                try await platform.store.arbitrations($0, states: Set(ArbitrationState.allCases), in: scope)
            }
        }
        page("/arbitrations/{id}", .viewCampaigns) { frame, _, context in
            try await arbitrationPage(try await arbitration(context), frame).page(frame)
        }
        site.get("/arbitrations/{id}/progress", .viewCampaigns) { request, context in
            let arbitration = try await arbitration(context)
            let progress = platform.arbitrations.progress(of: arbitration.id)
            let isOver = arbitration.state != .solving
            return respond(ArbitrationPage.progress(isOver ? nil : progress, try await frame(request, context)))
        }
        export("/arbitrations/{id}/limits.csv", .viewCampaigns) { frame, context in
            let page = try await arbitrationPage(try await arbitration(context), frame)
            return csv(ArbitrationPage.limitColumns(frame, page.names), page.limits)
        }
        export("/arbitrations/{id}/value.csv", .viewCampaigns) { frame, context in
            csv(try await arbitrationPage(try await arbitration(context), frame).valueTable(frame))
        }
        export("/arbitrations/{id}/worth.csv", .viewCampaigns) { frame, context in
            csv(try await arbitrationPage(try await arbitration(context), frame).worthTable(frame))
        }
        export("/arbitrations/{id}/campaigns.csv", .viewCampaigns, columns: ArbitrationPage.campaignColumns) {
            frame,
            context in
            try await arbitrationPage(try await arbitration(context), frame).rows
        }
        addArbitrationForms()
        actOnArbitration("adopt", .adopted) { try await platform.adopt($0, version: $1, by: $2) }
        actOnArbitration("withdraw", .withdrawn) { try await platform.arbitrations.withdraw($0, version: $1, by: $2) }
    }

    private func arbitration(_ context: EdgeContext) async throws -> Arbitration {
        try await platform.arbitrations.arbitration(try context.id(), for: try context.user())
    }

    private func arbitrationPage(_ arbitration: Arbitration, _ frame: Frame) async throws -> ArbitrationPage {
        let campaigns = try await campaigns(of: arbitration)
        let names = Dictionary(campaigns.map { ($0.id, $0.plan.name) }, uniquingKeysWith: { a, _ in a })
        var page = ArbitrationPage(arbitration: arbitration, names: names)
        page.unapproved = campaigns.filter { $0.phase != .approved }.map(\.plan.name)
        page.progress = platform.arbitrations.progress(of: arbitration.id)
        page.isOver = arbitration.setup.to < frame.now.day
        guard let result = try platform.arbitrations.result(of: arbitration) else { return page }
        page.limits = LimitRow.all(result)
        page.rows = ArbitratedRow.all(result, try await platform.plannedAndReserved(arbitration), names: names)
        return page
    }

    private func campaigns(of arbitration: Arbitration) async throws -> [Campaign] {
        var campaigns: [Campaign] = []
        for entry in arbitration.setup.entries {
            if let campaign = try await platform.store.campaign(entry.campaign) { campaigns.append(campaign) }
        }
        return campaigns
    }

    // MARK: Forms

    private func addArbitrationForms() {
        page("/arbitrations/new", .editCampaigns) { frame, _, context in
            let staff = try context.user()
            let today = frame.now.day
            let last = today.adding(days: Arbitrations.mostDays - 1)
            guard let from = LocalDay(iso: frame.parameter("from")), let to = LocalDay(iso: frame.parameter("to"))
            else {
                // The days from today on that have campaigns; a week when there are none.
                let all = try await platform.arbitrations.plannable(from: today, to: last, for: staff)
                let to = all.map(\.plan.planned.day).max() ?? today.adding(days: 6)
                return ArbitrationFormPage(form: newForm(from: today, to: to, all, frame), campaigns: all).page(frame)
            }
            return try await newPage(from: from, to: to, frame, staff).page(frame)
        }
        export("/arbitrations/plannable.csv", .editCampaigns, columns: ArbitrationFormPage.columns) { frame, context in
            guard let from = LocalDay(iso: frame.parameter("from")), let to = LocalDay(iso: frame.parameter("to")),
                from <= to
            else { throw EdgeError.badRequest(field: "from", why: "write days as 2026-01-31") }
            return try await platform.arbitrations.plannable(from: from, to: to, for: context.user())
        }
        export("/arbitrations/{id}/entries.csv", .viewCampaigns, columns: ArbitrationFormPage.columns) { _, context in
            try await campaigns(of: try await arbitration(context))
        }
        form("/arbitrations/new", .editCampaigns) { body, frame, context in
            let staff = try context.user()
            guard let from = LocalDay(iso: body["from"]), let to = LocalDay(iso: body["to"]), from <= to else {
                throw EdgeError.badRequest(field: "from", why: "write days as 2026-01-31")
            }
            var page = try await newPage(from: from, to: to, frame, staff)
            page.form = ArbitrationForm(body, from: from, to: to)
            return try await solve(page, frame, by: staff)
        }
        page("/arbitrations/{id}/again", .editCampaigns) { frame, _, context in
            let old = try await arbitration(context)
            let campaigns = try await campaigns(of: old)
            return ArbitrationFormPage(
                form: ArbitrationForm(old, campaigns: campaigns),
                campaigns: campaigns,
                previous: old
            )
            .page(frame)
        }
        form("/arbitrations/{id}/again", .editCampaigns) { body, frame, context in
            let old = try await arbitration(context)
            let form = ArbitrationForm(body, from: old.setup.from, to: old.setup.to)
            let page = ArbitrationFormPage(form: form, campaigns: try await campaigns(of: old), previous: old)
            return try await solve(page, frame, by: try context.user())
        }
    }

    private func newForm(from: LocalDay, to: LocalDay, _ campaigns: [Campaign], _ frame: Frame) -> ArbitrationForm {
        var form = ArbitrationForm(from: from, to: to, campaigns: campaigns)
        form.name = frame.t(.menuArbitrations) + " " + from.iso
        return form
    }

    private func newPage(
        from: LocalDay,
        to: LocalDay,
        _ frame: Frame,
        _ staff: Staff
    ) async throws -> ArbitrationFormPage {
        let campaigns =
            from <= to ? try await platform.arbitrations.plannable(from: from, to: to, for: staff) : []
        var form = newForm(from: from, to: to, campaigns, frame)
        if from > to { form.errors["to"] = frame.t(.wrongDate) }
        return ArbitrationFormPage(form: form, campaigns: campaigns)
    }

    private func solve(_ page: ArbitrationFormPage, _ frame: Frame, by staff: Staff) async throws -> FormAnswer {
        var page = page
        let setup = page.form.setup(frame)
        guard page.form.errors.isEmpty else {
            let text = frame.t(.formHasErrors, "\(page.form.errors.count)")
            return .page(page.page(frame), Notice(isError: true, text: text))
        }
        do {
            let begun = try await platform.arbitrations.begin(
                page.form.name,
                setup,
                from: page.previous?.id,
                by: staff
            )
            return .next("/arbitrations/\(begun.id)", nil)
        } catch let error as any CodedError where Problem.status(of: error).code < 500 {
            return .page(page.page(frame), Notice(isError: true, text: frame.problem(error)))
        }
    }

    /// Registers one button of an arbitration.
    private func actOnArbitration(
        _ name: String,
        _ done: Done,
        _ body: @escaping @Sendable (Int64, Int, Staff) async throws -> Arbitration
    ) {
        form("/arbitrations/{id}/\(name)", .approve) { fields, frame, context in
            let arbitration = try await arbitration(context)
            do {
                _ = try await body(arbitration.id, Int(fields["version"]) ?? 0, try context.user())
                return .next("/arbitrations/\(arbitration.id)", done)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                let page = try await arbitrationPage(arbitration, frame).page(frame)
                return .page(page, Notice(isError: true, text: frame.problem(error)))
            }
        }
    }
}
