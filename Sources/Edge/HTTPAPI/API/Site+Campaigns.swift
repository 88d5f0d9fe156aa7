// API: campaigns in planning: scenes, drafts, dry run, submission.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Evaluation
import Hummingbird
import Kernel
import Model
import Planning
import Ports
import Texts

extension Site {
    private struct CampaignInput: Decodable {
        var plan: PlanForm
        var version: Int
    }

    private struct NewCampaign: Decodable {
        var scene: String
        var name: String
        var segment: Int64
        var planned: String
        var validTo: String
        var goal: String?
        var message: String?
        var product: String?
        var channel: String?
        var valuePerOrderMinor: Int64?
        var costPerPartMinor: Int64?
        var controlPPM: Int?
        var score: String?
        var limit: Int?
        var budgetMinor: Int64?
        var unticked: [Int]?
        var conflictingProducts: [String]?
    }

    private struct DryRunAnswer: Encodable {
        var campaign: JSONObject
        var target: Int64
        var outcomes: [String: Int64]
        var outcomeSHA256: String
        var ms: Int
    }

    private struct SceneForm: Encodable {
        var code: String
        var name: BilingualText
        var category: String
        var goal: BilingualText
        var message: String
        var product: String?
        var valuePerOrderMinor: Int64
        var controlPPM: Int

        init(_ scene: Scene) {
            code = scene.code
            name = scene.name
            category = scene.category
            goal = scene.goal
            message = scene.message
            product = scene.product
            valuePerOrderMinor = scene.valuePerOrderMinor
            controlPPM = scene.controlPPM
        }
    }

    static let campaignColumns: [CSVColumn<Campaign>] = [
        CSVColumn("编号", "Number") { "\($0.id.number)" },
        CSVColumn("名称", "Name") { $0.plan.name },
        CSVColumn("状态", "Phase") { $0.phase.rawValue },
        CSVColumn("渠道", "Channel") { $0.plan.channel.code },
        CSVColumn("计划时间", "Planned") { $0.plan.planned.isoOffset },
        CSVColumn("有效期至", "Valid to") { $0.plan.validTo.iso },
        CSVColumn("策划", "Owner") { $0.owner },
        CSVColumn("更新时间", "Changed") { $0.updatedAt.iso },
    ]

    private static func sceneColumns(_ language: Language) -> [CSVColumn<Scene>] {
        [
            CSVColumn("代码", "Code") { $0.code }, CSVColumn("场景", "Scene") { language($0.name) },
            CSVColumn("类别", "Category") { $0.category }, CSVColumn("目的", "Goal") { language($0.goal) },
            CSVColumn("短信内容", "Message") { $0.message }, CSVColumn("产品", "Product") { $0.product ?? "" },
            CSVColumn("单笔价值（分）", "Value of an order (minor units)") { "\($0.valuePerOrderMinor)" },
            CSVColumn("对照组（百万分比）", "Control (millionths)") { "\($0.controlPPM)" },
        ]
    }

    static let evaluationColumns: [CSVColumn<WaveEvaluation>] = [
        CSVColumn("波次", "Wave") { "\($0.wave.occurrence)" }, CSVColumn("目标", "Target") { "\($0.target)" },
        CSVColumn("可触达", "Reachable") { "\($0.reachable)" }, CSVColumn("接触", "Contacts") { "\($0.contacts)" },
        CSVColumn("发送", "Sent") { "\($0.sent)" }, CSVColumn("送达", "Delivered") { "\($0.delivered)" },
        CSVColumn("接触组订购", "Orders, contacted") { "\($0.lift.contact.successes)" },
        CSVColumn("对照组", "Control group") { "\($0.lift.control.total)" },
        CSVColumn("对照组订购", "Orders, control") { "\($0.lift.control.successes)" },
        CSVColumn("净提升", "Lift") { "\($0.lift.difference)" },
        CSVColumn("净提升下限", "Lift, low") { "\($0.lift.interval.lowerBound)" },
        CSVColumn("净提升上限", "Lift, high") { "\($0.lift.interval.upperBound)" },
        CSVColumn("费用（分）", "Cost (minor units)") { "\($0.costMinor)" },
        CSVColumn("净收益（分）", "Net benefit (minor units)") { "\($0.netBenefitMinor)" },
    ]

    func addCampaignRoutes() {
        addCampaignObjects()
        get("\(Self.api)/scenes", .viewCampaigns) { [self] request, context in
            try await answer(
                request,
                context,
                name: "scenes",
                rows: Scene.standard,
                columns: Self.sceneColumns(context.language),
                json: Scene.standard.map { SceneForm($0) }
            )
        }
        post("\(Self.api)/campaigns/{id}/dry-run", .editCampaigns) { [self] _, context in
            let staff = try context.user()
            let campaign = try await campaign(try context.id(), for: staff)
            let start = ContinuousClock.now
            let (updated, summary) = try await platform.campaigns.dryRun(campaign, by: staff, at: now)
            return try Response.json(
                DryRunAnswer(
                    campaign: JSONObject(updated),
                    target: summary.target,
                    outcomes: Dictionary(summary.totals.map { ($0.outcome.code, $0.count) }, uniquingKeysWith: +),
                    outcomeSHA256: summary.outcomeSHA256.hex,
                    ms: Int((ContinuousClock.now - start) / .milliseconds(1))
                )
            )
        }
        post("\(Self.api)/campaigns/{id}/submit", .editCampaigns) { [self] _, context in
            let staff = try context.user()
            let campaign = try await campaign(try context.id(), for: staff)
            return try await Response.json(
                JSONObject(platform.campaigns.submit(campaign, by: staff, at: now)),
                status: .created
            )
        }
        get("\(Self.api)/campaigns/{id}/evaluation", .viewCampaigns) { [self] request, context in
            let campaign = try await campaign(try context.id(), for: try context.user())
            let value = campaign.plan.valuePerOrderMinor
            let evaluations = try await platform.host.read { state in
                state.waves.values.filter { $0.wave.campaign == campaign.id && $0.status == .closed }
                    .sorted { $0.wave < $1.wave }
                    .map { WaveEvaluation($0, valuePerOrderMinor: value) }
            }
            return try await answer(
                request,
                context,
                name: "campaign/\(campaign.id.number)/evaluation",
                rows: evaluations,
                columns: Self.evaluationColumns,
                json: evaluations.map { JSONObject($0) }
            )
        }
    }

    private func addCampaignObjects() {
        get("\(Self.api)/campaigns", .viewCampaigns) { [self] request, context in
            let staff = try context.user()
            let phases = try Self.phases(request)
            return try await list(
                request,
                context,
                name: "campaigns",
                order: CampaignColumn.self,
                columns: Self.campaignColumns,
                form: JSONObject.init
            ) { try await platform.store.campaigns($0, phases: phases, in: staff.scope) }
        }
        post("\(Self.api)/campaigns", .editCampaigns) { [self] request, context in
            try await keys.once(request, context) { request in
                let input = try await request.json(NewCampaign.self, context)
                let staff = try context.user()
                let plan = try plan(input, context)
                try await checkSegment(of: plan, for: staff)
                let draft = Campaign(plan: plan, owner: staff.login, scope: staff.scope, updatedAt: now)
                let saved = try await platform.campaigns.save(draft, by: staff, at: now)
                return try Response.json(JSONObject(saved), status: .created)
            }
        }
        get("\(Self.api)/campaigns/{id}", .viewCampaigns) { [self] _, context in
            try await Response.json(JSONObject(campaign(try context.id(), for: try context.user())))
        }
        on(.put, "\(Self.api)/campaigns/{id}", .editCampaigns) { [self] request, context in
            let staff = try context.user()
            var campaign = try await campaign(try context.id(), for: staff)
            let input = try await request.json(CampaignInput.self, context)
            campaign.version = input.version
            campaign.plan = try input.plan.plan(platform.clock)
            try await checkSegment(of: campaign.plan, for: staff)
            return try await Response.json(JSONObject(platform.campaigns.save(campaign, by: staff, at: now)))
        }
    }

    /// The phases asked for: `phase=running,paused`; none = all.
    private static func phases(_ request: Request) throws(EdgeError) -> Set<CampaignPhase> {
        guard let text = request.query("phase") else { return Set(CampaignPhase.allCases) }
        var phases: Set<CampaignPhase> = []
        for name in text.split(separator: ",") {
            guard let phase = CampaignPhase(rawValue: String(name)) else {
                let known = CampaignPhase.allCases.map(\.rawValue).joined(separator: ", ")
                throw .badRequest(field: "phase", why: "use some of \(known)")
            }
            phases.insert(phase)
        }
        return phases
    }

    /// The scene's contents with what the planner gave instead.
    private func plan(_ input: NewCampaign, _ context: EdgeContext) throws(EdgeError) -> CampaignPlan {
        guard let scene = Scene.named(input.scene) else {
            let known = Scene.standard.map(\.code).joined(separator: ", ")
            throw .badRequest(field: "scene", why: "use one of \(known)")
        }
        var plan = CampaignPlan(
            name: input.name,
            scene: scene.code,
            goal: input.goal ?? context.language(scene.goal),
            category: scene.category,
            segment: input.segment,
            message: input.message ?? scene.message,
            planned: platform.clock.now,
            validTo: today
        )
        plan.product = input.product ?? scene.product
        plan.valuePerOrderMinor = input.valuePerOrderMinor ?? scene.valuePerOrderMinor
        plan.costPerPartMinor = input.costPerPartMinor ?? 0
        plan.controlPPM = input.controlPPM ?? scene.controlPPM
        plan.score = input.score
        plan.limit = input.limit
        plan.budgetMinor = input.budgetMinor
        plan.unticked = input.unticked ?? []
        plan.conflictingProducts = input.conflictingProducts ?? []
        var form = PlanForm(plan)
        form.planned = input.planned
        form.validTo = input.validTo
        form.channel = input.channel ?? plan.channel.code
        return try form.plan(platform.clock)
    }
}
