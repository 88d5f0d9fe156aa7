// Arbitration through the loop: planned, solved, adopted, run as waves, and compared with what the waves reserved.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import DecisionHost
import Decisioning
import Dispatching
import Evaluation
import InMemory
import Kernel
import Model
import Planning
import Ports
import TestSupport
import Testing

@Suite struct ArbitrationLoopTests {
    /// Three approved campaigns on three days, who compete for the same subscribers.
    private struct Desk {
        let world = DecisionWorld(seed: 23, subscribers: 4_000)
        let log = InMemoryDecisionLog()
        let objects = InMemoryObjects()
        let store: any ControlPlaneStore = InMemoryControlPlane()
        let host: DecisionHost
        let arbitrations: Arbitrations
        let dispatches: Dispatches

        init() async throws {
            host = try await world.host(log: log, objects: objects, campaigns: [])
            dispatches = Dispatches(store: store, host: host)
            arbitrations = Self.arbitrations(world, store, host, objects)
            let segment = Segment(
                name: "all",
                rule: "TRUE",
                owner: "planner",
                scope: .all,
                updatedAt: world.start.instant
            )
            _ = try await store.save(segment, audit: entry)
            for number in Int64(1)...3 { _ = try await campaign(number) }
        }

        static func arbitrations(
            _ world: DecisionWorld,
            _ store: any ControlPlaneStore,
            _ host: DecisionHost,
            _ objects: InMemoryObjects
        ) -> Arbitrations {
            Arbitrations(
                store: store,
                host: host,
                inputs: world.inputs(objects),
                threads: 2,
                now: { world.start },
                audience: { world.audience(percent: $0.id.number == 3 ? 50 : 80) }
            )
        }

        private var entry: AuditEntry {
            AuditEntry(at: world.start.instant, who: "planner", action: "test", object: "")
        }

        func campaign(_ number: Int64, isApproved: Bool = true) async throws -> Campaign {
            let slot = LocalTime(
                instant: world.start.instant.adding(ms: (number % 4) * 86_400_000),
                offsetSeconds: world.start.offsetSeconds
            )
            var plan = CampaignPlan(
                name: "campaign \(number)",
                scene: "retention",
                goal: "keep them",
                category: "c\(number)",
                segment: 1,
                message: "hello",
                planned: slot,
                validTo: world.start.day.adding(days: 30)
            )
            plan.score = "score"
            plan.valuePerOrderMinor = 5_000 + number * 1_000
            if number == 2 { (plan.budgetMinor, plan.costPerPartMinor) = (900, 3) }
            var campaign = Campaign(plan: plan, owner: "planner", scope: .all, updatedAt: world.start.instant)
            campaign = try await store.save(campaign, audit: entry)
            guard isApproved else { return campaign }
            campaign.phase = .submitted
            var approval = Approval(
                campaign: campaign.id,
                revision: 1,
                submittedBy: "planner",
                submittedAt: world.start.instant
            )
            let submitted = try await store.save(approval, with: campaign, audit: entry)
            (approval, campaign) = (submitted.approval, submitted.campaign)
            approval.result = .pass
            (approval.decidedBy, approval.decidedAt) = ("approver", world.start.instant)
            campaign.phase = .approved
            return try await store.save(approval, with: campaign, audit: entry).campaign
        }

        func setup(sms: Int = 400, minimum: Int = 0) -> ArbitrationSetup {
            ArbitrationSetup(
                from: world.start.day,
                to: world.start.day.adding(days: 6),
                entries: (1...3).map {
                    ArbitrationEntry(campaign: CampaignID($0), revision: 0, minimum: $0 == 1 ? minimum : 0)
                },
                capacities: [ArbitrationCapacity(channel: .sms, limit: sms)]
            )
        }

        func solve(_ setup: ArbitrationSetup, from previous: Int64? = nil) async throws -> Arbitration {
            let begun = try await arbitrations.begin("window", setup, from: previous, by: planner)
            #expect(begun.state == .solving)
            return try await solved(begun.id)
        }

        func solved(_ id: Int64) async throws -> Arbitration {
            for _ in 0..<2_000 {
                let found = try await arbitrations.arbitration(id, for: planner)
                if found.state != .solving { return found }
                try await Task.sleep(for: .milliseconds(10))
            }
            throw NotSolved(id: id)
        }

        func adopt(_ arbitration: Arbitration) async throws -> Arbitration {
            try await arbitrations.adopt(arbitration.id, version: arbitration.version, by: approver) {
                try await dispatches.assign($0)
            }
        }

        func run(_ number: Int64) async throws -> WaveSummary {
            let campaign = try #require(try await store.campaign(CampaignID(number)))
            let percent: UInt64 = number == 3 ? 50 : 80
            return try await dispatches.run(
                campaign,
                audience: world.audience(percent: percent),
                by: "planner",
                at: world.start
            ).1
        }

        func compared(_ arbitration: Arbitration) async throws -> [PlannedAndReserved] {
            let result = try #require(try arbitrations.result(of: arbitration))
            let waves = try await host.read { Array($0.waves.values) }
            return try PlannedAndReserved.all(of: result, in: arbitration.setup, waves: waves, log: log)
        }
    }

    @Test func `what is planned is reserved, but for what happened since`() async throws {
        let desk = try await Desk()
        let solved = try await desk.solve(desk.setup(minimum: 60))
        #expect(solved.state == .solved, "\(solved.problem ?? "")")
        let (figures, result) = (
            try #require(solved.figures), try #require(try desk.arbitrations.result(of: solved))
        )
        #expect(try ArbitrationResult(decoding: result.encoded()) == result)
        #expect(figures.valueMinor <= figures.boundMinor && figures.valueMinor >= figures.greedyMinor ?? 0)
        #expect(figures.gapPPM < 20_000, "the gap is \(figures.gapPPM) millionths")
        for constraint in result.solution.constraints {
            #expect(constraint.kind == .minimum ? constraint.used >= 60 : constraint.used <= constraint.limit)
        }
        #expect(result.solution.constraints.map(\.name).contains("budget/2"))
        #expect(result.solution.constraints.contains { $0.dual > 0 && result.microMinorPerUnit($0) > 0 })
        #expect(result.campaigns.allSatisfy { !$0.controls.isEmpty }, "a control group is assigned too")

        let adopted = try await desk.adopt(solved)
        #expect(adopted.state == .adopted && adopted.adoptedBy == "approver")
        #expect(try await desk.compared(adopted).allSatisfy { $0.wave == nil })
        // Twenty of those planned are barred before their wave runs.
        let barred = Array(try #require(result.campaigns.first { $0.number == 3 }).members.prefix(20))
        try await desk.host.record([.listChanged(ListID("black"), added: barred, removed: [])])
        for number in Int64(1)...3 { _ = try await desk.run(number) }
        let compared = try await desk.compared(adopted)
        for each in compared {
            let lost = each.lost.reduce(into: (members: 0, value: Int64(0))) {
                $0.members += $1.tally.members
                $0.value += $1.tally.valueMinor
            }
            #expect(each.planned.members == each.reserved.members + lost.members)
            #expect(abs(each.planned.valueMinor - each.reserved.valueMinor - lost.value) <= 2, "but for rounding")
            #expect(each.unplanned == 0 && each.planned.members > 50)
            #expect(each.keptControls > 0 && each.keptControls <= each.plannedControls)
        }
        let third = try #require(compared.first { $0.campaign == CampaignID(3) })
        #expect(third.lost.first { $0.outcome == .listBlack }?.tally.members == 20)
        for each in compared where each.campaign != CampaignID(3) { #expect(each.lost == []) }

        var contacted = Set<SubscriberIndex>()
        for wave in try await desk.host.read({ Array($0.waves.values) }) {
            for index in wave.members(\.contact) {
                #expect(contacted.insert(index).inserted, "\(index.number) got two offers")
            }
        }
        let replay = Replay(log: desk.log, inputs: desk.world.inputs(desk.objects), threads: 2, verifies: true)
        try replay.fold()
        #expect(try await desk.host.read { $0.stateSHA256() } == replay.state.stateSHA256())
        await #expect(throws: ArbitratingError.notPlanned(CampaignID(1), why: "it is running")) {
            _ = try await desk.solve(desk.setup())
        }
    }

    @Test func `solving again starts from the prices before, and minimums that cannot be met are named`() async throws {
        let desk = try await Desk()
        let first = try await desk.solve(desk.setup())
        let wider = try await desk.solve(desk.setup(sms: 440), from: first.id)
        #expect(wider.previous == first.id)
        let (before, after) = (try #require(first.figures), try #require(wider.figures))
        #expect(after.valueMinor > before.valueMinor && after.gapPPM < 20_000)
        let prices = try #require(try desk.arbitrations.result(of: first)).solution.constraints
        // The bound of the first, moved along its prices, holds for the second.
        let result = try #require(try desk.arbitrations.result(of: first))
        let gain = prices.filter { $0.name.hasPrefix("capacity/") }
            .reduce(Int64(0)) { $0 + result.microMinorPerUnit($1) * 40 / 1_000_000 }
        #expect(after.valueMinor <= before.boundMinor + gain + 10)

        let short = try await desk.solve(desk.setup(sms: 400, minimum: 401), from: first.id)
        #expect(short.state == .infeasible && short.result == nil)
        let gap = try #require(short.shortfalls.first)
        #expect((gap.campaign, gap.wanted, gap.possible) == (CampaignID(1), 401, 400))
        #expect(gap.reason == .limits && gap.limits == ["capacity/sms/\(desk.world.start.day.adding(days: 1).iso)"])
    }

    @Test func `a result is adopted only while its campaigns are as they were, and withdrawn whole`() async throws {
        let desk = try await Desk()
        let first = try #require(try await desk.store.campaign(CampaignID(1)))
        let plain = try await desk.host.rehearse(
            first.spec(unticker: "planner"),
            occurrence: 1,
            planned: first.plan.planned,
            audience: desk.world.audience(percent: 80)
        )
        var adopted = try await desk.adopt(try await desk.solve(desk.setup()))
        let other = try await desk.solve(desk.setup(sms: 200))
        await #expect(throws: ArbitratingError.overlaps(adopted.id, (1...3).map { CampaignID($0) })) {
            _ = try await desk.adopt(other)
        }
        await #expect(throws: ArbitratingError.wrongState(adopted.id, .adopted)) { _ = try await desk.adopt(adopted) }
        // A restart finds what the log says; what was being solved is broken off.
        let half = try await desk.store.save(
            Arbitration(
                name: "half",
                setup: adopted.setup,
                owner: "planner",
                scope: .all,
                at: desk.world.start.instant
            ),
            audit: AuditEntry(at: desk.world.start.instant, who: "planner", action: "test", object: "")
        )
        let again = Desk.arbitrations(desk.world, desk.store, desk.host, desk.objects)
        try await again.settle()
        #expect(try await desk.solved(half.id).state == .failed)
        #expect(try await desk.solved(adopted.id) == adopted)

        adopted = try await again.withdraw(adopted.id, version: adopted.version, by: approver)
        #expect(adopted.state == .withdrawn)
        #expect(try await desk.host.read { $0.assignments.isEmpty })
        #expect(try await desk.run(1).totals == plain.totals, "the wave goes by score again")
        await #expect(throws: ArbitratingError.changed([CampaignID(1)])) { _ = try await desk.adopt(other) }
    }

    @Test func `what cannot be arbitrated is refused with its reason`() async throws {
        let desk = try await Desk()
        let draft = try await desk.campaign(5, isApproved: false)
        var setup = desk.setup()
        setup.entries = [setup.entries[0]]
        await #expect(throws: ArbitratingError.campaigns(1)) { _ = try await desk.solve(setup) }
        setup = desk.setup()
        setup.to = desk.world.start.day.adding(days: 2)
        await #expect(throws: ArbitratingError.self) { _ = try await desk.solve(setup) }
        setup = desk.setup()
        setup.perSubscriber = 0
        await #expect(throws: ArbitratingError.self) { _ = try await desk.solve(setup) }
        setup = desk.setup()
        setup.entries.append(ArbitrationEntry(campaign: draft.id, revision: 0))
        let solved = try await desk.solve(setup)
        #expect(solved.state == .solved, "drafts may take part")
        await #expect(throws: ArbitratingError.changed([draft.id])) { _ = try await desk.adopt(solved) }
        let elsewhere = Staff(login: "x", name: "X", role: .planner, scope: OrganisationScope(province: "浙江"))
        await #expect(throws: ControlPlaneError.self) {
            try await desk.arbitrations.arbitration(solved.id, for: elsewhere)
        }
    }
}

private struct NotSolved: Error { let id: Int64 }

private let planner = Staff(login: "planner", name: "P", role: .planner)
private let approver = Staff(login: "approver", name: "A", role: .approver)
