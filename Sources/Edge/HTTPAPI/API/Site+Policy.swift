// API: the contact policy, its revisions, and drafts of the next one.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Site {
    private struct NewDraft: Decodable {
        var note: String?
        /// A revision whose contents are to come back; nil = the live one.
        var from: Int?
    }

    private struct DraftInput: Decodable {
        var version: Int
        var note: String?
        var policy: PolicyForm
    }

    private struct DraftVersion: Decodable {
        var version: Int
    }

    static let revisionColumns: [CSVColumn<PolicyRevision>] = [
        CSVColumn("版本", "Revision") { "\($0.number)" },
        CSVColumn("生效时间", "Live since") { $0.at.iso },
        CSVColumn("操作人", "Who") { $0.who },
        CSVColumn("说明", "Note") { $0.note },
        CSVColumn("草案", "Draft") { $0.draft.map { "\($0)" } ?? "" },
    ]

    static let draftColumns: [CSVColumn<PolicyDraft>] = [
        CSVColumn("草案", "Draft") { "\($0.id)" },
        CSVColumn("状态", "State") { $0.state.rawValue },
        CSVColumn("基于版本", "Base") { "\($0.base)" },
        CSVColumn("创建人", "Author") { $0.author },
        CSVColumn("说明", "Note") { $0.note },
        CSVColumn("更新时间", "Changed") { $0.updatedAt.iso },
    ]

    func addPolicyRoutes() {
        let path = "\(Self.api)/policy"
        get(path, .viewPolicy) { [self] _, _ in
            guard let policy = try await platform.policies.live() else { throw EdgeError.notFound("policy") }
            return try Response.json(PolicyForm(policy))
        }
        get("\(path)/revisions", .viewPolicy) { [self] request, context in
            try await list(
                request,
                context,
                name: "policy-revisions",
                order: PolicyRevisionColumn.self,
                columns: Self.revisionColumns,
                form: { JSONObject($0) }
            ) { try await platform.store.policyRevisions($0) }
        }
        get("\(path)/revisions/{id}", .viewPolicy) { [self] _, context in
            let revision = try await platform.policies.revision(Int(try context.id()))
            return try Response.json(JSONObject(revision, hasPolicy: true))
        }
        get("\(path)/revisions/{id}/changes", .viewPolicy) { [self] request, context in
            let number = Int(try context.id())
            guard let from = Int(request.query("from") ?? "\(number - 1)"), from >= 0 else {
                throw EdgeError.badRequest(field: "from", why: "use the number of a revision, or 0 for none")
            }
            let changes = try await platform.policies.changes(from: from, to: number)
            return try await self.changes(request, context, "policy/\(number)/changes", changes)
        }
        addPolicyDrafts(path + "/drafts")
        get("\(path)/shadow", .viewPolicy) { [self] _, _ in try await shadow() }
        on(.delete, "\(path)/shadow", .editPolicy) { [self] _, context in
            guard try await platform.policies.stopShadow(by: try context.user(), at: now) != nil else {
                throw EdgeError.notFound("policy/shadow")
            }
            return Response(status: .noContent)
        }
    }

    private func shadow() async throws -> Response {
        guard let status = try await platform.policies.shadow() else { throw EdgeError.notFound("policy/shadow") }
        return try Response.json(JSONObject(status))
    }

    private func addPolicyDrafts(_ path: String) {
        get(path, .viewPolicy) { [self] request, context in
            let states = try Self.states(request)
            return try await list(
                request,
                context,
                name: "policy-drafts",
                order: PolicyDraftColumn.self,
                columns: Self.draftColumns,
                form: { JSONObject($0) }
            ) { try await platform.store.policyDrafts($0, states: states) }
        }
        post(path, .editPolicy) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(NewDraft.self, context)
                let staff = try context.user()
                let draft = try await platform.policies.begin(
                    note: input.note ?? "",
                    from: input.from,
                    by: staff,
                    at: now
                )
                return try await answer(draft, context, status: .created)
            }
        }
        get("\(path)/{id}", .viewPolicy) { [self] _, context in
            try await answer(platform.policies.draft(try context.id()), context)
        }
        on(.put, "\(path)/{id}", .editPolicy) { [self] request, context in
            let input = try await request.json(DraftInput.self, context)
            let old = try await platform.policies.draft(try context.id())
            let draft = try await platform.policies.edit(
                old.id,
                version: input.version,
                policy: input.policy.policy,
                note: input.note ?? old.note,
                by: try context.user(),
                at: now
            )
            return try await answer(draft, context)
        }
        get("\(path)/{id}/changes", .viewPolicy) { [self] request, context in
            let draft = try await platform.policies.draft(try context.id())
            let changes = try await platform.policies.changes(of: draft)
            return try await self.changes(request, context, "policy-draft/\(draft.id)/changes", changes)
        }
        get("\(path)/{id}/preview", .editPolicy) { [self] request, context in
            guard try context.user().scope == .all else { throw PolicyError.notWholeOperator }
            let draft = try await platform.policies.draft(try context.id())
            guard let day = request.query("day").map({ LocalDay(iso: $0) }) ?? today else {
                throw EdgeError.badRequest(field: "day", why: "write a day as 2026-01-31")
            }
            let preview = try await platform.policies.preview(draft.policy, on: day)
            return try await answer(
                request,
                context,
                name: "policy-draft/\(draft.id)/preview",
                rows: preview.rows,
                columns: Self.previewColumns(context.language),
                json: JSONObject(preview)
            )
        }
        act("live", path, .publishPolicy) { [self] id, version, staff in
            try Response.json(
                JSONObject(try await platform.policies.makeLive(id, version: version, by: staff, at: now))
            )
        }
        act("shadow", path, .editPolicy) { [self] id, version, staff in
            try await platform.policies.startShadow(id, version: version, by: staff, at: platform.clock.now)
            return try await shadow()
        }
        act("discard", path, .editPolicy) { [self] id, version, staff in
            try Response.json(
                JSONObject(try await platform.policies.discard(id, version: version, by: staff, at: now))
            )
        }
        act("rebase", path, .editPolicy) { [self] id, version, staff in
            let (draft, both) = try await platform.policies.rebase(id, version: version, by: staff, at: now)
            let answer: JSONObject = ["draft": JSONObject(draft), "changedByBoth": both.map(\.rawValue)]
            return try Response.json(answer)
        }
    }

    /// Registers an act on a version of a draft.
    private func act(
        _ name: String,
        _ path: String,
        _ access: Access,
        _ body: @escaping @Sendable (Int64, Int, Staff) async throws -> Response
    ) {
        post("\(path)/{id}/\(name)", access) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(DraftVersion.self, context)
                return try await body(try context.id(), input.version, try context.user())
            }
        }
    }

    private func answer(
        _ draft: PolicyDraft,
        _ context: EdgeContext,
        status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let problems = try await platform.policies.problems(of: draft.policy)
        let places = problems.map { Problem.place(of: $0, context.language) }
        return try Response.json(JSONObject(draft, problems: places), status: status)
    }

    private func changes(
        _ request: Request,
        _ context: EdgeContext,
        _ name: String,
        _ changes: [PolicyChange]
    ) async throws -> Response {
        let language = context.language
        let json = changes.map { change -> JSONObject in
            ["section": change.section.rawValue, "item": change.item, "text": change.sentence(language)]
        }
        return try await answer(
            request,
            context,
            name: name,
            rows: changes,
            columns: [
                CSVColumn("部分", "Part") { language($0.section.name) },
                CSVColumn("变更", "Change") { $0.sentence(language) },
            ],
            json: json
        )
    }

    /// The states asked for: `state=draft,live`; none = all.
    private static func states(_ request: Request) throws(EdgeError) -> Set<PolicyDraftState> {
        guard let text = request.query("state") else { return Set(PolicyDraftState.allCases) }
        var states: Set<PolicyDraftState> = []
        for name in text.split(separator: ",") {
            guard let state = PolicyDraftState(rawValue: String(name)) else {
                throw .badRequest(field: "state", why: "use some of draft, live, discarded")
            }
            states.insert(state)
        }
        return states
    }

    private static func previewColumns(_ language: Language) -> [CSVColumn<PreviewRow>] {
        [
            CSVColumn("分组", "Group") { language($0.group.group.name) },
            CSVColumn("渠道", "Channel") { $0.reach.channel.code },
            CSVColumn("用户数", "Subscribers") { "\($0.group.subscribers)" },
            CSVColumn("现在可触达", "Reachable now") { "\($0.reach.before)" },
            CSVColumn("变更后可触达", "Reachable after") { "\($0.reach.after)" },
            CSVColumn("新增可触达", "Newly reachable") { "\($0.reach.gained)" },
            CSVColumn("新增不可触达", "Newly blocked") { "\($0.reach.lost)" },
        ]
    }
}

/// One line of a preview.
private struct PreviewRow: Sendable {
    var group: PolicyGroupPreview
    var reach: PolicyReach
}

extension PolicyPreview {
    fileprivate var rows: [PreviewRow] {
        groups.flatMap { group in group.reach.map { PreviewRow(group: group, reach: $0) } }
    }
}

extension JSONObject {
    init(_ status: ShadowStatus) {
        let report = status.report
        func members(_ members: [ShadowReport.Pair: Int]) -> [JSONObject] {
            members.sorted {
                ($0.key.live.rawValue, $0.key.shadow.rawValue) < ($1.key.live.rawValue, $1.key.shadow.rawValue)
            }
            .map { ["live": $0.key.live.code, "shadow": $0.key.shadow.code, "members": $0.value] }
        }
        self = [
            "draft": status.draft, "version": status.version, "since": status.since.isoOffset,
            "waveCount": report.waveCount, "outcomes": members(report.total),
            "waves": report.waves.map { wave -> JSONObject in
                [
                    "campaign": wave.wave.campaign.number, "occurrence": wave.wave.occurrence,
                    "planned": wave.planned.isoOffset, "target": wave.target, "changed": wave.changed,
                    "outcomes": members(wave.members),
                ]
            },
            "requests": Touchpoint.allCases.compactMap { touchpoint -> JSONObject? in
                report.requests[touchpoint].map {
                    [
                        "touchpoint": touchpoint.code, "requests": $0.requests, "changed": $0.changed,
                        "offersLive": $0.live, "offersShadow": $0.shadow,
                    ]
                }
            },
            "failures": report.failures?.count ?? 0, "lastFailure": report.failures?.last,
        ]
    }

    init(_ revision: PolicyRevision, hasPolicy: Bool = false) {
        self = [
            "revision": revision.number, "at": revision.at.iso, "who": revision.who, "note": revision.note,
            "draft": revision.draft, "policy": hasPolicy ? PolicyForm(revision.policy) : nil,
        ]
    }

    init(_ draft: PolicyDraft, problems: [Problem.Place]? = nil) {
        self = [
            "id": draft.id, "version": draft.version, "base": draft.base, "state": draft.state.rawValue,
            "author": draft.author, "note": draft.note, "createdAt": draft.createdAt.iso,
            "updatedAt": draft.updatedAt.iso, "policy": PolicyForm(draft.policy), "problems": problems,
        ]
    }

    init(_ preview: PolicyPreview) {
        let groups = preview.groups.map { group -> JSONObject in
            [
                "code": group.group.code, "name": group.group.name, "subscribers": group.subscribers,
                "reach": group.reach.map { reach -> JSONObject in
                    [
                        "channel": reach.channel.code, "before": reach.before, "after": reach.after,
                        "gained": reach.gained, "lost": reach.lost,
                    ]
                },
            ]
        }
        let tiers = preview.tiers.map { tier -> JSONObject in
            ["code": tier.code, "name": tier.name, "before": tier.before, "after": tier.after]
        }
        let rules = preview.rules.map { rule -> JSONObject in
            ["code": rule.code, "name": rule.name, "before": rule.before, "after": rule.after]
        }
        self = [
            "day": preview.day.iso, "revision": preview.revision, "subscribers": preview.subscribers,
            "affected": preview.affected, "retiered": preview.retiered, "changed": preview.changed.map(\.rawValue),
            "groups": groups, "tiers": tiers, "rules": rules,
        ]
    }
}
