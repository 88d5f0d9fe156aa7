// The control plane's promises about transactions and lists.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Testing

extension ControlPlaneConformance {
    func aFailedChangeLeavesNothing() async throws {
        let staff = Staff(login: "wang", name: "王芳", role: .planner)
        try await add(staff)
        let segment = try await store.save(newSegment("客户群"), audit: entry("segment.create"))
        let draft = try await saved("草稿")
        let waiting = try await submit(try await saved("待审"))
        var edited = draft
        (edited.plan.message, edited.revision) = ("edited", 2)
        let newCampaign = try await newCampaign("新活动")
        let policyDraft = try await store.save(newDraft("草案"), audit: entry("policy.draft"))
        let revision = PolicyRevision(
            at: at(9),
            who: "li",
            note: "x",
            draft: policyDraft.id,
            policy: policyDraft.policy
        )
        let listDays = ListDates(
            list: .dnd(2),
            index: 5,
            to: LocalDay(number: 20_000),
            who: "li",
            reason: "x",
            isEntered: true
        )
        let listImport = ListImportRecord(
            at: at(3),
            who: "li",
            list: .dnd(2),
            mode: .add,
            source: "x.csv",
            reason: "x"
        )
        let listChange = ListChange(at: at(3), who: "li", list: .dnd(2), index: 5, isAdded: true, reason: "x")
        let changes: [(String, @Sendable () async throws -> Void)] = [
            ("staff.add", { try await add(Staff(login: "li", name: "李", role: .agent)) }),
            ("staff.update", { try await update(staff, name: "changed", password: "new") }),
            ("segment.create", { _ = try await store.save(newSegment("新客户群"), audit: entry("segment.create")) }),
            ("segment.save", { _ = try await store.save(segment, audit: entry("segment.save")) }),
            ("campaign.create", { _ = try await store.save(newCampaign, audit: entry("campaign.create")) }),
            ("campaign.edit", { [edited] in _ = try await store.save(edited, audit: entry("campaign.edit")) }),
            ("campaign.submit", { _ = try await submit(try #require(try await store.campaign(draft.id))) }),
            ("campaign.pass", { _ = try await move(waiting.campaign, to: .approved) }),
            ("policy.draft", { _ = try await store.save(newDraft("新草案"), audit: entry("policy.draft")) }),
            ("policy.live", { try await store.record(revision, audit: entry("policy.live")) }),
            ("catalogue.change", { try await store.record(newCatalogue(1), audit: entry("catalogue.change")) }),
            ("list.add", { try await store.record([listChange], audit: entry("list.add")) }),
            (
                "list.import",
                {
                    try await store.record(
                        listImport,
                        changes: [listChange],
                        dates: [listDays],
                        audit: entry("list.import")
                    )
                }
            ), ("load", { try await store.record(newLoad("a", table: "contact"), audit: entry("load")) }),
            ("explain", { try await store.append(entry("explain")) }),
        ]
        for (action, change) in changes {
            let before = try await everything()
            try await failWrites(true)
            await #expect(throws: (any Error).self, "\(action)") { try await change() }
            try await failWrites(false)
            #expect(try await everything() == before, "\(action) left something behind")
            try await change()
            let after = try await everything()
            #expect(after.audit.count == before.audit.count + 1 && after.audit.first?.action == action)
            #expect((after == before.audited(after.audit)) == (action == "explain"), "\(action) changed nothing")
        }
    }

    func aRefusedChangeLeavesNothing() async throws {
        let segment = try await store.save(newSegment("客户群"), audit: entry("segment.create"))
        let draft = try await saved("草稿")
        _ = try await store.save(segment, audit: entry("segment.save"))
        _ = try await store.save(draft, audit: entry("campaign.save"))
        let before = try await everything()
        for version in [1, 3] {
            await #expect(throws: ControlPlaneError.stale(object: "segment/\(segment.id)", expectedVersion: version)) {
                var stale = segment
                (stale.version, stale.name) = (version, "stale")
                _ = try await store.save(stale, audit: entry("stale"))
            }
            await #expect(throws: ControlPlaneError.stale(object: name(draft), expectedVersion: version)) {
                var stale = draft
                (stale.version, stale.revision, stale.plan.name) = (version, 2, "stale")
                _ = try await store.save(stale, audit: entry("stale"))
            }
            await #expect(throws: ControlPlaneError.stale(object: name(draft), expectedVersion: version)) {
                var stale = moved(draft, .submitted)
                stale.version = version
                let approval = Approval(campaign: draft.id, revision: 1, submittedBy: "wang", submittedAt: at(10))
                _ = try await store.save(approval, with: stale, audit: entry("stale"))
            }
        }
        let unsigned = AuditEntry(at: at(0), who: "", action: "x", object: "")
        await #expect(throws: ControlPlaneError.self) { try await store.save(newSegment("x"), audit: unsigned) }
        #expect(try await everything() == before)
    }

    func oneOfTwoWritersWins() async throws {
        let segment = try await store.save(newSegment("客户群"), audit: entry("segment.create"))
        let writers = 16
        let outcomes = await withTaskGroup(of: Result<Int, any Error>.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    do {
                        var mine = segment
                        mine.definition.source = .rule("arpu > \(writer)")
                        _ = try await store.save(mine, audit: entry("writer.\(writer)"))
                        return .success(writer)
                    } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let winners = outcomes.compactMap { try? $0.get() }
        let winner = try #require(winners.first)
        #expect(winners.count == 1)
        for case .failure(let error) in outcomes {
            #expect(error as? ControlPlaneError == .stale(object: "segment/\(segment.id)", expectedVersion: 1))
        }
        let stored = try #require(try await store.segment(segment.id))
        #expect(stored.definition.rule == "arpu > \(winner)" && stored.version == 2)
        #expect(try await actions() == ["segment.create", "writer.\(winner)"])

        // Nobody's entry is lost, and one name goes to one of them.
        let created = await withTaskGroup(of: Bool.self) { group in
            for writer in 0..<writers {
                group.addTask { (try? await store.append(entry("look.\(writer)"))) != nil }
                group.addTask { (try? await store.save(newSegment("同名"), audit: entry("create"))) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(created == writers + 1)
        #expect(try await store.audit(ListQuery(search: "look.")).total == writers)
        #expect(try await store.segments(ListQuery(), in: .all).total == 2)
    }
}

// MARK: Lists

extension ControlPlaneConformance {
    func searchIsLiteral() async throws {
        let all = ["Gold 50%", "gold_card", "金卡用户", "it's", "a\\b", "\u{E9}", "e\u{301}x"]
        for name in all { _ = try await store.save(newSegment(name), audit: entry()) }
        let found: [(String, [String])] = [
            ("", all), ("GOLD", ["Gold 50%", "gold_card"]), ("d 5", ["Gold 50%"]), ("金卡", ["金卡用户"]),
            ("%", ["Gold 50%"]), ("_", ["gold_card"]), ("'", ["it's"]), ("\\", ["a\\b"]), ("\\%", []),
            ("' OR 1=1 --", []), ("\0", []), ("GOLD\0", []),
            ("\u{E9}", ["\u{E9}"]), ("\u{C9}", []), ("%\u{301}", []), ("\u{301}X", ["e\u{301}x"]),
        ]
        for (text, names) in found {
            let page = try await store.segments(ListQuery(search: text, order: "name"), in: .all)
            #expect(Set(page.rows.map(\.name)) == Set(names), "\(text)")
            #expect(page.total == names.count)
        }
        _ = try await saved("老用户回馈")
        let searches = ["用户": 1, "WANG": 1, "why": 1, "arpu": 0]
        for (text, count) in searches {
            let query = ListQuery(search: text)
            #expect(
                try await store.campaigns(query, phases: Set(CampaignPhase.allCases), in: .all).total == count,
                "\(text)"
            )
        }
        try await add(Staff(login: "zhao", name: "Zhao 赵", role: .agent))
        try await add(Staff(login: "qian", name: "钱", role: .agent))
        #expect(try await store.staff(ListQuery(search: "赵")).rows.map(\.login) == ["zhao"])
        #expect(try await store.staff(ListQuery(search: "QI")).rows.map(\.login) == ["qian"])
    }

    func listsAreOrdered() async throws {
        let segments: [(String, Int64?, Int64)] = [("b", 5, 30), ("a", nil, 10), ("C", 5, 20), ("é", 7, 20)]
        for (name, count, updated) in segments {
            var segment = newSegment(name)
            (segment.count, segment.updatedAt) = (count, at(updated))
            _ = try await store.save(segment, audit: entry())
        }
        func names(_ order: String, _ isDescending: Bool) async throws -> [String] {
            try await store.segments(ListQuery(order: order, isDescending: isDescending), in: .all).rows.map(\.name)
        }
        #expect(try await names("name", false) == ["C", "a", "b", "é"])
        #expect(try await names("name", true) == ["é", "b", "a", "C"])
        #expect(try await names("count", false) == ["a", "b", "C", "é"])
        #expect(try await names("count", true) == ["é", "C", "b", "a"])
        #expect(try await names("updated", false) == ["a", "C", "é", "b"])
        for unknown in ["", "rule", "name; DROP TABLE segment", "1"] {
            #expect(try await names(unknown, false) == ["b", "é", "C", "a"], "\(unknown)")
        }

        let rejected = try await campaign(in: .rejected, "1")
        let running = try await campaign(in: .running, "2")
        let draft = try await campaign(in: .draft, "3")
        func campaigns(_ order: CampaignColumn, _ phases: Set<CampaignPhase>) async throws -> [CampaignID] {
            let query = ListQuery(order: order.rawValue, isDescending: false)
            return try await store.campaigns(query, phases: phases, in: .all).rows.map(\.id)
        }
        let all = Set(CampaignPhase.allCases)
        #expect(try await campaigns(.phase, all) == [draft.id, running.id, rejected.id])
        #expect(try await campaigns(.planned, all) == [rejected.id, running.id, draft.id])
        #expect(try await campaigns(.name, [.draft, .running]) == [running.id, draft.id])
        #expect(try await campaigns(.owner, []).isEmpty)
        #expect(try await campaigns(.updated, all).count == 3)

        var waiting: [Int64] = []
        for (name, submitted) in [("x", Int64(50)), ("z", 40), ("y", 60)] {
            waiting.append(try await submit(try await saved(name), at: at(submitted)).approval.id)
        }
        func approvals(_ order: String) async throws -> [Int64] {
            let query = ListQuery(order: order, isDescending: true)
            return try await store.pendingApprovals(query, in: .all).rows.map(\.approval.id)
        }
        #expect(try await approvals("") == [waiting[1], waiting[0], waiting[2]])
        #expect(try await approvals("campaign") == [waiting[1], waiting[2], waiting[0]])
        #expect(try await approvals("submitter") == waiting.reversed())

        for (login, role) in [("b", Role.planner), ("a", .agent)] {
            try await add(Staff(login: login, name: login, role: role))
        }
        #expect(try await store.staff(ListQuery()).rows.map(\.login) == ["a", "b"])
        for column in StaffColumn.allCases {
            let query = ListQuery(order: column.rawValue, isDescending: true)
            #expect(try await store.staff(query).rows.map(\.login) == ["b", "a"], "\(column)")
        }
        for column in AuditColumn.allCases {
            #expect(try await store.audit(ListQuery(order: column.rawValue, limit: 1)).rows.count == 1, "\(column)")
        }
    }

    func pagesAddUp() async throws {
        var names: [String] = []
        for number in 0..<25 {
            var segment = newSegment(number % 2 == 0 ? "even \(number)" : "odd \(number)")
            segment.updatedAt = at(Int64(number / 5))
            names.append(segment.name)
            _ = try await store.save(segment, audit: entry())
        }
        var query = ListQuery(limit: 10)
        var seen: [String] = []
        for (offset, rows) in [(0, 10), (10, 10), (20, 5), (30, 0)] {
            query.offset = offset
            let page = try await store.segments(query, in: .all)
            #expect(page.rows.count == rows && page.total == 25)
            seen += page.rows.map(\.name)
        }
        #expect(seen == names.reversed())
        (query.search, query.offset) = ("even", 10)
        let evens = try await store.segments(query, in: .all)
        #expect(evens.rows.map(\.name) == ["even 4", "even 2", "even 0"] && evens.total == 13)
        (query.offset, query.limit) = (-5, -5)
        #expect(try await store.segments(query, in: .all).rows.count == 1)
        #expect(ListQuery(offset: -1, limit: 5_000).limit == 1_000)
    }

    func listsShowWhatTheScopeCovers() async throws {
        let places: [String?] = [nil, "浙江", "x' OR '1'='1"]
        var scopes: [OrganisationScope] = []
        for province in places {
            for city in [nil, "杭州"] as [String?] {
                for county in [nil, "西湖"] as [String?] {
                    scopes.append(OrganisationScope(province: province, city: city, county: county))
                }
            }
        }
        for (number, scope) in scopes.enumerated() {
            var segment = newSegment("segment \(number)")
            segment.scope = scope
            segment = try await store.save(segment, audit: entry())
            var campaign = try await newCampaign("campaign \(number)", segment: segment.id)
            campaign.scope = scope
            _ = try await submit(try await store.save(campaign, audit: entry()))
        }
        for scope in scopes + [OrganisationScope(province: "江苏")] {
            let visible = Set(scopes.filter { scope.covers($0) })
            let query = ListQuery(limit: 100)
            let segments = try await store.segments(query, in: scope)
            let campaigns = try await store.campaigns(query, phases: [.submitted], in: scope)
            let approvals = try await store.pendingApprovals(query, in: scope)
            for seen in [
                segments.rows.map(\.scope), campaigns.rows.map(\.scope), approvals.rows.map(\.campaign.scope),
            ] {
                #expect(seen.count == visible.count && Set(seen) == visible, "\(scope)")
            }
            #expect([segments.total, campaigns.total, approvals.total] == Array(repeating: visible.count, count: 3))
        }
    }

    func textsAreBytes() async throws {
        let composed = try await store.save(newSegment("caf\u{E9}"), audit: entry())
        let apart = try await store.save(newSegment("cafe\u{301}"), audit: entry())
        let upper = try await store.save(newSegment("CAF\u{E9}"), audit: entry())
        #expect(Set([composed.id, apart.id, upper.id]).count == 3)
        #expect(try await store.segment(named: "cafe\u{301}")?.id == apart.id)
        #expect(try await store.segment(named: "caf\u{E9}")?.id == composed.id)
        for text in ["a\0b", "\0"] {
            await #expect(throws: ControlPlaneError.self) { try await store.save(newSegment(text), audit: entry()) }
        }
        var campaign = try await saved("长文本")
        campaign.plan.goal = String(repeating: "目标 ' \" \\ \u{1F600}\n", count: 2_000)
        campaign.plan.message = "NUL \0 inside"
        campaign.revision = 2
        let kept = try await store.save(campaign, audit: entry())
        #expect(try await store.campaign(kept.id) == kept)
    }
}
