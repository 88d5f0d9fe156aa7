// 接触控制策略.
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
import Texts

extension Console {
    func addPolicy() {
        page("/policy", .viewPolicy) { frame, _, _ in
            let query = TableQuery(frame, prefix: "p.")
            let drafts = try await platform.store.policyDrafts(query.list, states: [.draft])
            return PolicyPage(policy: try await policy(), drafts: drafts, query: query).page(frame)
        }
        export("/policy/drafts.csv", .viewPolicy, columns: PolicyPage.draftColumns) { frame, _ in
            try await everything(TableQuery(frame, prefix: "p.")) {
                try await platform.store.policyDrafts($0, states: [.draft])
            }
        }
        addExports("/policy") { _ in
            guard let policy = try await policy() else { throw EdgeError.notFound("policy") }
            return policy
        }
        addHistory()
        addDrafts()
        addDraftActs()
        addShadow()
        site.post("/policy/rules/check", .editPolicy) { request, context in
            let rule = try await FormBody.read(request, context)["rule"].unixLines
            let frame = try await frame(request, context)
            return respond(try await remark(on: rule, frame))
        }
    }

    /// The policy in force.
    func policy() async throws -> ContactPolicy? { try await platform.policies.live() }

    /// Registers the exports of a policy's tables.
    private func addExports(
        _ path: String,
        _ policy: @escaping @Sendable (EdgeContext) async throws -> ContactPolicy
    ) {
        export(path + "/caps.csv", .viewPolicy, columns: PolicyView.tierColumns) { frame, context in
            let columns = PolicyView.tierColumns(frame)
            return TableQuery(frame, prefix: "t.").page(of: try await policy(context).tiers, columns, isWhole: true)
                .rows
        }
        export(path + "/dnd.csv", .viewPolicy, columns: PolicyView.dndColumns) { frame, context in
            let columns = PolicyView.dndColumns(frame)
            return TableQuery(frame, prefix: "d.").page(of: try await policy(context).dnd, columns, isWhole: true).rows
        }
        export(path + "/category-rules.csv", .viewPolicy, columns: PolicyView.categoryColumns) { frame, context in
            let (columns, rules) = (PolicyView.categoryColumns(frame), try await policy(context).categoryRules)
            return TableQuery(frame, prefix: "c.").page(of: rules, columns, isWhole: true).rows
        }
        export(path + "/rules.csv", .viewPolicy) { frame, context in
            csv(PolicyView.rules(try await policy(context), frame))
        }
        export(path + "/linkage.csv", .viewPolicy) { frame, context in
            let code = frame.parameter("type")
            guard let type = try await policy(context).linkage.types.first(where: { $0.code == code }) else {
                throw EdgeError.notFound("linkage type \(code.prefix(64))")
            }
            return csv(PolicyView.linkage(type, frame))
        }
    }

    // MARK: History

    private func addHistory() {
        page("/policy/history", .viewPolicy) { frame, _, _ in
            let query = TableQuery(frame)
            let revisions = try await platform.store.policyRevisions(query.list)
            return PolicyHistoryPage(revisions: revisions, query: query).page(frame)
        }
        export("/policy/history.csv", .viewPolicy, columns: PolicyHistoryPage.columns) { frame, _ in
            try await everything(TableQuery(frame)) { try await platform.store.policyRevisions($0) }
        }
        page("/policy/revisions/{id}", .viewPolicy) { frame, _, context in
            let revision = try await platform.policies.revision(Int(context.id()))
            let from = from(frame, revision.number)
            return PolicyRevisionPage(
                revision: revision,
                from: from,
                changes: try await platform.policies.changes(from: from, to: revision.number),
                numbers: try await Site.everything(ListQuery()) { try await platform.store.policyRevisions($0) }
                    .map(\.number)
            ).page(frame)
        }
        export("/policy/revisions/{id}/changes.csv", .viewPolicy, columns: Frame.changeColumns) { frame, context in
            let number = Int(try context.id())
            return try await platform.policies.changes(from: from(frame, number), to: number)
        }
        addExports("/policy/revisions/{id}") { context in
            try await platform.policies.revision(Int(context.id())).policy
        }
    }

    /// The revision asked to compare with; else the one before.
    private func from(_ frame: Frame, _ number: Int) -> Int {
        max(0, Int(frame.parameter("from")) ?? number - 1)
    }

    // MARK: Drafts

    private func addDrafts() {
        page("/policy/drafts/{id}", .viewPolicy) { frame, _, context in
            let tab = PolicyDraftTab(rawValue: frame.parameter("tab")) ?? .contents
            return try await draftPage(try await platform.policies.draft(context.id()), tab, frame).page(frame)
        }
        addExports("/policy/drafts/{id}") { context in
            try await platform.policies.draft(context.id()).policy
        }
        export("/policy/drafts/{id}/changes.csv", .viewPolicy, columns: Frame.changeColumns) { _, context in
            try await platform.policies.changes(of: try await platform.policies.draft(context.id()))
        }
        export("/policy/drafts/{id}/effect.csv", .viewPolicy, columns: PolicyDraftPage.reachColumns) { frame, context in
            PolicyReachRow.all(try await preview(context, frame))
        }
        export("/policy/drafts/{id}/tiers.csv", .viewPolicy, columns: PolicyDraftPage.tierColumns) { frame, context in
            try await preview(context, frame).tiers
        }
        export("/policy/drafts/{id}/kept-away.csv", .viewPolicy, columns: PolicyDraftPage.ruleColumns) {
            frame,
            context in
            try await preview(context, frame).rules
        }
        form("/policy/drafts/new", .editPolicy) { body, frame, context in
            let draft = try await platform.policies.begin(
                note: "",
                from: Int(body["from"]),
                by: try context.user(),
                at: frame.now.instant
            )
            return .next("/policy/drafts/\(draft.id)", .draft)
        }
        form("/policy/drafts/{id}/save", .editPolicy) { body, frame, context in
            let draft = try await platform.policies.draft(context.id())
            let fields = PolicyFields(body)
            let (policy, errors) = fields.policy(frame)
            func again(_ errors: [String: String], _ notice: Notice) async throws -> FormAnswer {
                var page = try await draftPage(draft, .contents, frame)
                (page.typed, page.errors) = (fields, errors)
                return .page(page.page(frame), notice)
            }
            guard errors.isEmpty else {
                return try await again(
                    errors,
                    Notice(isError: true, text: frame.t(.formHasErrors, "\(errors.count)"))
                )
            }
            do {
                _ = try await platform.policies.edit(
                    draft.id,
                    version: Int(body["version"]) ?? 0,
                    policy: policy,
                    note: body.trimmed("note"),
                    by: try context.user(),
                    at: frame.now.instant
                )
                return .next("/policy/drafts/\(draft.id)", .saved)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                return try await again([:], Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    private func addDraftActs() {
        act("live", .publishPolicy) { id, version, staff, frame in
            let revision = try await platform.policies.makeLive(id, version: version, by: staff, at: frame.now.instant)
            return .next("/policy/revisions/\(revision.number)", .live)
        }
        act("discard", .editPolicy) { id, version, staff, frame in
            _ = try await platform.policies.discard(id, version: version, by: staff, at: frame.now.instant)
            return .next("/policy", .discarded)
        }
        act("rebase", .editPolicy) { id, version, staff, frame in
            let (draft, both) = try await platform.policies.rebase(
                id,
                version: version,
                by: staff,
                at: frame.now.instant
            )
            let parts = both.map { frame.language($0.name) }.joined(separator: frame.language("、", ", "))
            let text = both.isEmpty ? frame.t(.rebased, "\(draft.base)") : frame.t(.rebasedBoth, "\(draft.base)", parts)
            let page = try await draftPage(draft, .effect, frame).page(frame)
            return .page(page, Notice(isError: false, text: text))
        }
    }

    // MARK: Shadow

    private func addShadow() {
        act("shadow", .editPolicy) { id, version, staff, frame in
            try await platform.policies.startShadow(id, version: version, by: staff, at: frame.now)
            return .next("/policy/shadow", .shadow)
        }
        form("/policy/shadow/stop", .editPolicy) { _, frame, context in
            _ = try await platform.policies.stopShadow(by: try context.user(), at: frame.now.instant)
            return .next("/policy/shadow", .shadowEnd)
        }
        page("/policy/shadow", .viewPolicy) { frame, _, _ in try await shadowPage().page(frame) }
        export("/policy/shadow/waves.csv", .viewPolicy) { frame, _ in
            let page = try await shadowPage()
            return csv(page.waveColumns(frame), page.status?.report.waves.reversed() ?? [])
        }
        export("/policy/shadow/outcomes.csv", .viewPolicy) { frame, _ in
            csv(PolicyShadowPage.outcomeColumns(frame), try await shadowPage().outcomes)
        }
        export("/policy/shadow/requests.csv", .viewPolicy) { frame, _ in
            csv(PolicyShadowPage.requestColumns(frame), try await shadowPage().requests)
        }
        export("/policy/shadow/examples.csv", .viewPolicy) { frame, _ in
            let page = try await shadowPage()
            return csv(page.exampleColumns(frame), page.examples)
        }
    }

    private func shadowPage() async throws -> PolicyShadowPage {
        let status = try await platform.policies.shadow()
        let names = try await platform.host.read { $0.campaigns.mapValues(\.spec.name) }
        return PolicyShadowPage(status: status, campaigns: names)
    }

    /// Registers one button of a draft.
    private func act(
        _ name: String,
        _ access: Access,
        _ body: @escaping @Sendable (Int64, Int, Staff, Frame) async throws -> FormAnswer
    ) {
        form("/policy/drafts/{id}/\(name)", access) { fields, frame, context in
            let draft = try await platform.policies.draft(context.id())
            do {
                return try await body(draft.id, Int(fields["version"]) ?? 0, try context.user(), frame)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                let page = try await draftPage(draft, .effect, frame).page(frame)
                return .page(page, Notice(isError: true, text: frame.problem(error)))
            }
        }
    }

    private func preview(_ context: EdgeContext, _ frame: Frame) async throws -> PolicyPreview {
        guard frame.mayEditPolicy || frame.mayPublishPolicy else { throw PolicyError.notWholeOperator }
        let draft = try await platform.policies.draft(context.id())
        return try await platform.policies.preview(draft.policy, on: frame.now.day)
    }

    private func draftPage(_ draft: PolicyDraft, _ tab: PolicyDraftTab, _ frame: Frame) async throws -> PolicyDraftPage
    {
        let policies = platform.policies
        let live = try await policies.live()
        let problems = draft.state == .draft ? try await policies.problems(of: draft.policy) : []
        let isSeen = frame.mayEditPolicy || frame.mayPublishPolicy
        let isCounted = draft.state == .draft && problems.isEmpty && isSeen
        var page = PolicyDraftPage(draft: draft, tab: tab, live: live?.revision ?? 0)
        page.problems = problems
        page.changes = try await policies.changes(of: draft)
        page.preview = isCounted ? try await policies.preview(draft.policy, on: frame.now.day) : nil
        let named = draft.policy.similarDays.keys + draft.policy.categoryRules.flatMap(\.categories)
        page.categories = Set(named + Scene.standard.map(\.category)).sorted()
        return page
    }

    /// What a rule comes to: its members, or what is wrong with it and what to write instead.
    private func remark(on rule: String, _ frame: Frame) async throws -> HTML {
        guard rule.contains(where: { !$0.isWhitespace }) else { return .empty }
        guard let remark = try await platform.policies.ruleCheck()(rule) else {
            let count = try await platform.policies.count(rule, today: frame.now.day)
            return "<p class=\"help\">\(frame.t(.ruleMatches, frame.number(count)))</p>"
        }
        let button: HTML =
            remark.suggestion.flatMap { text in
                remark.range.map { range in
                    """
                     <button type="button" class="button small" data-suggest data-start="\(range.lowerBound)" \
                    data-end="\(range.upperBound)" data-text="\(text)">\(frame.t(.useSuggestion, text))</button>
                    """
                }
            } ?? .empty
        return "<p class=\"wrong\">\(frame.language(remark.message))\(button)</p>"
    }
}
