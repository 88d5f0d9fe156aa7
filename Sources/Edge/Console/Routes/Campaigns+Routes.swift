// 营销活动.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Evaluation
import HTTPAPI
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Console {
    func addCampaigns() {
        addCampaignPages()
        addCampaignForms()
        addCampaignActs()
    }

    private func addCampaignPages() {
        page("/campaigns", .viewCampaigns) { frame, _, context in
            let scope = try context.user().scope
            let query = TableQuery(frame)
            let tab = PhaseTab(rawValue: frame.parameter("phase")) ?? .all
            var counts: [PhaseTab: Int] = [:]
            for tab in PhaseTab.allCases {
                counts[tab] = try await platform.store.campaigns(ListQuery(limit: 1), phases: tab.phases, in: scope)
                    .total
            }
            let campaigns = try await platform.store.campaigns(query.list, phases: tab.phases, in: scope)
            return CampaignListPage(campaigns: campaigns, tab: tab, counts: counts, query: query).page(frame)
        }
        export("/campaigns.csv", .viewCampaigns, columns: CampaignListPage.columns) { frame, context in
            let scope = try context.user().scope
            let tab = PhaseTab(rawValue: frame.parameter("phase")) ?? .all
            return try await everything(TableQuery(frame)) {
                try await platform.store.campaigns($0, phases: tab.phases, in: scope)
            }
        }
        page("/campaigns/{id}", .viewCampaigns) { frame, _, context in
            let campaign = try await site.campaign(context.id(), for: context.user())
            let tab = CampaignTab(rawValue: frame.parameter("tab")) ?? .overview
            return try await detail(campaign, tab, wave: Int32(frame.parameter("wave"))).page(frame)
        }
        addCampaignExports()
    }

    private func addCampaignExports() {
        export("/campaigns/{id}/approvals.csv", .viewCampaigns, columns: CampaignDetailPage.approvalColumns) {
            frame,
            context in
            let campaign = try await site.campaign(context.id(), for: context.user())
            let approvals = try await platform.store.approvals(of: campaign.id)
            let columns = CampaignDetailPage.approvalColumns(frame)
            return TableQuery(frame).page(of: approvals, columns, isWhole: true).rows
        }
        export("/campaigns/{id}/dry-run/losses.csv", .viewCampaigns) { frame, context in
            let campaign = try await site.campaign(context.id(), for: context.user())
            guard let dryRun = campaign.dryRun else { throw PlanningError.noDryRun }
            return csv(frame.lossTable(dryRun.totals))
        }
        export("/campaigns/{id}/rules/kinds.csv", .viewCampaigns) { frame, context in
            let filter = try await filter(of: site.campaign(context.id(), for: context.user()))
            return csv(CampaignFilter.kindColumns(frame), filter.kinds(frame))
        }
        export("/campaigns/{id}/rules/populations.csv", .viewCampaigns) { frame, context in
            let filter = try await filter(of: site.campaign(context.id(), for: context.user()))
            return csv(CampaignFilter.populationColumns(frame), filter.populations(frame))
        }
        export("/campaigns/{id}/evaluation/waves.csv", .viewCampaigns) { frame, context in
            let campaign = try await site.campaign(context.id(), for: context.user())
            let columns = CampaignDetailPage.waveColumns(frame)
            let waves = try await waves(of: campaign).reversed()
            return csv(columns, TableQuery(frame, prefix: "w.").page(of: Array(waves), columns, isWhole: true).rows)
        }
        let tables: [(name: String, make: @Sendable (Frame, WaveEvaluation) -> TextTable)] = [
            ("funnel", { $0.funnelTable($1) }), ("lift", { $0.liftTable($1.lift) }),
            ("losses", { $0.lossTable($1.losses) }),
        ]
        for table in tables {
            export("/campaigns/{id}/evaluation/\(table.name).csv", .viewCampaigns) { frame, context in
                let campaign = try await site.campaign(context.id(), for: context.user())
                let wave = Int32(frame.parameter("wave"))
                guard let found = try await waves(of: campaign).last(where: { wave == nil || $0.occurrence == wave })
                else { throw EdgeError.notFound("evaluation of campaign \(campaign.id.number)") }
                return csv(table.make(frame, found.evaluation))
            }
        }
        export("/campaigns/scenes.csv", .viewCampaigns, columns: ScenePage.columns) { _, _ in Scene.standard }
    }

    private func detail(_ campaign: Campaign, _ tab: CampaignTab, wave: Int32? = nil) async throws -> CampaignDetailPage
    {
        let progress = try await site.runner.progress(of: campaign)?.progress
        let waves = tab == .evaluation ? try await waves(of: campaign) : []
        return CampaignDetailPage(
            campaign: campaign,
            tab: tab,
            segment: try await platform.store.segment(campaign.plan.segment),
            run: progress.map { RunState($0) },
            waves: waves,
            chosenWave: waves.contains { $0.occurrence == wave } ? wave : nil,
            approvals: tab == .records ? try await platform.store.approvals(of: campaign.id) : [],
            filter: tab == .rules ? try await filter(of: campaign) : nil,
            pooled: tab == .run ? try await pooled(campaign.id) : nil
        )
    }

    /// What rules removed of a campaign's targets, in its waves or its dry run, and how its offers stand.
    private func filter(of campaign: Campaign) async throws -> CampaignFilter {
        CampaignFilter(
            campaign: campaign,
            segment: try await platform.store.segment(campaign.plan.segment),
            policy: try await policy(),
            waves: try await waves(of: campaign),
            pooled: try await pooled(campaign.id)
        )
    }

    /// How a campaign's offers stand; nil when it never was in the pool.
    private func pooled(_ id: CampaignID) async throws -> CampaignFilter.Pooled? {
        let (known, base) = try await platform.host.read { ($0.pooled(id), $0.subscribers) }
        guard let known else { return nil }
        // Once it ended, the core keeps no members; the audience file does.
        let members =
            known.isOffered
            ? known.members : try Bitset(audienceFile: platform.inputs.bytes(known.audience), subscribers: base).count
        return CampaignFilter.Pooled(known, members: members)
    }

    /// The closed waves of a campaign, oldest first.
    private func waves(of campaign: Campaign) async throws -> [EvaluatedWave] {
        let value = campaign.plan.valuePerOrderMinor
        return try await platform.host.read { state in
            state.waves.values.filter { $0.wave.campaign == campaign.id && $0.status == .closed }
                .sorted { $0.wave < $1.wave }
                .map { wave in
                    EvaluatedWave(
                        planned: wave.planned,
                        evaluation: WaveEvaluation(wave, valuePerOrderMinor: value),
                        withdrawn: wave.blocks.values.reduce(0) { $0 + $1.released.subtracting($1.handedOff).count }
                    )
                }
        }
    }

    // MARK: Form

    private func addCampaignForms() {
        page("/campaigns/new", .editCampaigns) { frame, _, context in
            let segment = Int64(frame.parameter("segment"))
            guard let scene = Scene.named(frame.parameter("scene")) else {
                return ScenePage(segment: segment, match: Int(frame.parameter("match"))).page(frame)
            }
            var form = newForm(scene, segment, frame)
            if let segment, let place = Int(frame.parameter("match")) {
                let matches = try await site.segment(segment, for: context.user()).matches
                if matches.indices.contains(place) { form.take(matches[place]) }
            }
            return try await formPage(form, scene, for: context.user()).page(frame)
        }
        page("/campaigns/{id}/edit", .editCampaigns) { frame, _, context in
            let campaign = try await site.campaign(context.id(), for: context.user())
            guard campaign.phase == .draft else {
                throw PlanningError.wrongPhase(campaign.phase, wanted: .draft)
            }
            return try await formPage(CampaignForm(campaign), scene(of: campaign.plan), for: context.user()).page(frame)
        }
        form("/campaigns/save", .editCampaigns) { body, frame, context in
            let staff = try context.user()
            let scene = Scene.named(body["scene"]) ?? Scene.standard[0]
            let classes = try await platform.host.read { state in
                (state.policy?.dnd ?? []).filter { $0.mayBeUnticked(by: staff.role) }.map(\.number)
            }
            var form = CampaignForm(body, classes: classes)
            let plan = form.plan(scene: scene, frame, clock: platform.clock)
            if form.errors.isEmpty {
                do {
                    var campaign = Campaign(
                        plan: plan,
                        owner: staff.login,
                        scope: staff.scope,
                        updatedAt: frame.now.instant
                    )
                    if let id = form.id {
                        campaign = try await site.campaign(id, for: staff)
                        campaign.plan = plan
                        campaign.version = form.version
                    }
                    try await site.checkSegment(of: plan, for: staff)
                    campaign = try await platform.campaigns.save(campaign, by: staff, at: frame.now.instant)
                    return .next("/campaigns/\(campaign.id.number)", .saved)
                } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                    guard form.take(error, frame) else {
                        let page = try await formPage(form, scene, for: staff).page(frame)
                        return .page(page, Notice(isError: true, text: frame.problem(error)))
                    }
                }
            }
            return .page(try await formPage(form, scene, for: staff).page(frame), nil)
        }
    }

    private func scene(of plan: CampaignPlan) -> Scene { Scene.named(plan.scene) ?? Scene.standard[0] }

    /// A form filled from a scene: tomorrow at ten, for a fortnight.
    private func newForm(_ scene: Scene, _ segment: Int64?, _ frame: Frame) -> CampaignForm {
        var form = CampaignForm()
        let day = frame.now.day
        form.values = [
            "name": "\(frame.language(scene.name)) \(day.iso)", "goal": frame.language(scene.goal),
            "message": scene.message,
            "category": scene.category, "product": scene.product ?? "", "value": money(scene.valuePerOrderMinor),
            "control": percent(scene.controlPPM), "cost": "0.05", "segment": segment.map { "\($0)" } ?? "",
            "planned": "\(day.adding(days: 1).iso)T10:00", "validTo": day.adding(days: 15).iso,
            "channel": ChannelClass.sms.code, "priority": "\(CampaignSpec.usualPriority)",
        ]
        return form
    }

    private func formPage(_ form: CampaignForm, _ scene: Scene, for staff: Staff) async throws -> CampaignFormPage {
        let usable = SegmentFilter(states: [.saved, .computed, .published], isTemplate: false)
        let segments = try await platform.store.segments(ListQuery(limit: 1000), usable, seenBy: staff)
        let catalogue = try await platform.segments.catalogue()
        return CampaignFormPage(
            form: form,
            scene: scene,
            segments: segments.rows,
            policy: try await platform.host.read { $0.policy },
            scores: catalogue.attributes.filter { $0.isHot && $0.isNumber && $0.sensitivity == .open }
        )
    }

    // MARK: Acts

    private func addCampaignActs() {
        act("dry-run", .editCampaigns, .dryRun, .dryRun) { campaign, staff, now in
            _ = try await platform.campaigns.dryRun(campaign, by: staff, at: now)
        }
        act("submit", .editCampaigns, .overview, .submitted) { campaign, staff, now in
            _ = try await platform.campaigns.submit(campaign, by: staff, at: now)
        }
        act("run", .runCampaigns, .run, .started) { campaign, staff, _ in
            try await site.runner.start(campaign, by: staff.login)
        }
        act("pause", .runCampaigns, .run, .paused) { campaign, staff, _ in
            _ = try await site.runner.pause(campaign, by: staff.login)
        }
        act("resume", .runCampaigns, .run, .resumed) { campaign, staff, _ in
            _ = try await site.runner.resume(campaign, by: staff.login)
        }
        act("stop", .runCampaigns, .run, .stopped) { campaign, staff, _ in
            _ = try await site.runner.stop(campaign, by: staff.login)
        }
        form("/campaigns/{id}/test-send", .editCampaigns) { body, frame, context in
            let staff = try context.user()
            let campaign = try await site.campaign(context.id(), for: staff)
            let typed = body.trimmed("numbers").split { ",，、;； \t\n".contains($0) }
            let numbers = typed.compactMap { MSISDN(normalising: $0) }
            guard numbers.count == typed.count, (1...10).contains(numbers.count) else {
                var page = try await detail(campaign, .overview)
                page.testNumbers = body["numbers"]
                return .page(page.page(frame), Notice(isError: true, text: frame.t(.wrongTestNumbers)))
            }
            _ = try await site.runner.testSend(campaign, to: numbers, by: staff.login)
            return .next("/campaigns/\(campaign.id.number)", .tested)
        }
    }

    /// Registers one button of a campaign.
    private func act(
        _ name: String,
        _ access: Access,
        _ tab: CampaignTab,
        _ done: Done,
        _ body: @escaping @Sendable (Campaign, Staff, Instant) async throws -> Void
    ) {
        form("/campaigns/{id}/\(name)", access) { _, frame, context in
            let staff = try context.user()
            let campaign = try await site.campaign(context.id(), for: staff)
            do {
                try await body(campaign, staff, frame.now.instant)
            } catch let error as any CodedError where Problem.status(of: error).code < 500 {
                let page = try await detail(campaign, tab).page(frame)
                return .page(page, Notice(isError: true, text: frame.problem(error)))
            }
            let path = "/campaigns/\(campaign.id.number)"
            return .next(tab == .overview ? path : path + "?tab=" + tab.rawValue, done)
        }
    }
}
