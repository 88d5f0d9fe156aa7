// The closed loop played once: plan, approve, decide, send, settle, measure, over simulated time.
// SPDX-License-Identifier: Apache-2.0

import Approval
import Assembly
import DecisionHost
import Decisioning
import Dispatching
import Evaluation
import Execution
import Feedback
import Foundation
public import Kernel
public import Model
import Planning
import Ports
import SimulatedChannel
import Synchronization
import Synthetic
public import Texts

/// What a demo is asked to do.
public struct DemoSettings: Sendable {
    /// Data directory of the synthetic operator; the real table is kept in `real` below it.
    public var directory: String
    /// Folder with the example files.
    public var examples: String
    /// Size of the synthetic operator.
    public var subscribers: Int
    /// Chooses the synthetic operator and all reactions.
    public var seed: UInt64
    /// Language of the contents: names of segments and campaigns.
    public var language: Language

    /// Makes settings; see the properties.
    public init(directory: String, examples: String, subscribers: Int = 200_000, seed: UInt64 = 42, language: Language)
    {
        self.directory = directory
        self.examples = examples
        self.subscribers = subscribers
        self.seed = seed
        self.language = language
    }

    var synthetic: PlatformSettings { PlatformSettings(directory: directory) }
    var real: PlatformSettings { PlatformSettings(directory: directory + "/real") }
}

/// Plays the demo on both operators.
public struct Demo: Sendable {
    private let settings: DemoSettings
    private let report: @Sendable (DemoProgress) -> Void

    /// Prepares a demo; `report` is called as it goes on.
    public init(_ settings: DemoSettings, report: @escaping @Sendable (DemoProgress) -> Void) {
        self.settings = settings
        self.report = report
    }

    /// Replaces the data directory (only one that a demo made) and plays the loop on the real table and the synthetic
    /// operator.
    public func run() async throws -> DemoReport {
        try DataDirectory.removeDemo(at: settings.directory)
        let numbers = try String(contentsOfFile: settings.examples + "/number-ranges.csv", encoding: .utf8)
        let synthetic = try SyntheticWorld(
            subscribers: settings.subscribers,
            seed: settings.seed,
            numbers: numbers
        )
        // The outer directory is made first, so that its marker stands before anything else is in it.
        let second = try await play(synthetic, settings.synthetic, part: 0)
        let first = try await play(TelcoWorld(seed: settings.seed, examples: settings.examples), settings.real, part: 1)
        return DemoReport(operators: [first, second], seed: settings.seed)
    }

    private func play(
        _ world: some DemoWorld,
        _ platformSettings: PlatformSettings,
        part: Int
    ) async throws
        -> OperatorReport
    {
        let clock = OperatorClock(
            zone: platformSettings.timeZone,
            simulatedFrom: OperatorClock(zone: platformSettings.timeZone).at(world.start, minute: 8 * 60).instant
        )
        let market = Market(world: world)
        let platform = try await Platform(
            platformSettings,
            isDemo: true,
            salt: world.salt,
            clock: clock,
            gateway: market.gateway
        )
        let story = DemoStory(world: world, platform: platform, market: market, settings: settings) { step, done in
            report(DemoProgress(operatorTitle: world.title, step: step, done: (Double(part) + done) / 2))
        }
        let result = try await story.run()
        await platform.close()
        return result
    }
}

/// How far a demo is.
public struct DemoProgress: Sendable {
    /// The operator that is being played.
    public var operatorTitle: BilingualText
    /// What is being done.
    public var step: BilingualText
    /// 0...1 over both operators.
    public var done: Double
}

/// The subscribers' reactions, shared by the gateway and the order system.
final class Market: Sendable {
    private let world: any DemoWorld
    private let running = Mutex<(id: CampaignID, category: String)?>(nil)

    init(world: any DemoWorld) { self.world = world }

    /// The SMS simulator: it knows a subscriber by number, as a real network does.
    @Sendable func gateway(_ numbers: LiveNumbers) -> any ChannelGateway {
        SimulatedGateway { [self] message in
            guard let index = numbers.current.owner(of: message.to), let campaign = running.withLock({ $0 }) else {
                return SimulatedReaction(isDelivered: false, receiptSeconds: 1)
            }
            // The line number stands for the subscriber in the model; the number is only its address.
            let response = response(index, campaign: campaign.id, category: campaign.category)
            return SimulatedReaction(
                isDelivered: response.isDelivered,
                receiptSeconds: response.receiptSeconds,
                reply: response.reply.map { $0 == .unsubscribe ? "TD" : "1" },
                replySeconds: response.replySeconds
            )
        }
    }

    func begin(_ campaign: CampaignID, category: String) {
        running.withLock { $0 = (campaign, category) }
    }

    func response(_ index: SubscriberIndex, campaign: CampaignID, category: String) -> SimulatedResponse {
        ResponseModel(seed: world.seed, campaign: campaign)
            .response(of: LineID(Int64(index.number) + 1), traits: world.traits(index, category: category))
    }

    /// The true average effect of contacting these subscribers, in millionths.
    func trueEffectPPM(_ members: [SubscriberIndex], category: String) -> Int? {
        ResponseModel.trueEffectPPM(over: members.lazy.map { self.world.traits($0, category: category) })
    }
}

/// The story of one operator.
private struct DemoStory: Sendable {
    let world: any DemoWorld
    let platform: Platform
    let market: Market
    let settings: DemoSettings
    let progress: @Sendable (BilingualText, Double) -> Void

    private static let planner = Staff(login: "planner", name: "林晓", role: .planner)
    private static let approver = Staff(login: "approver", name: "陈立", role: .approver)

    func run() async throws -> OperatorReport {
        let catalogue = try ExampleFiles.catalogue(settings.examples, world.example)
        progress(BilingualText(zh: "装载数据", en: "Loading data"), 0)
        try await world.load(platform, catalogue: catalogue) { part in
            progress(BilingualText(zh: "装载\(part.zh)", en: "Loading \(part.en)"), 0.1)
        }
        try await platform.setPolicy(file: "\(settings.examples)/\(world.example)/policy.yaml", by: "demo")
        try await world.prepare(platform)
        try await createStaff()
        let starter = "\(settings.examples)/\(world.example)/starter.yaml"
        if FileManager.default.fileExists(atPath: starter) {
            let (planner, language) = (Self.planner, settings.language)
            _ = try await platform.addStarter(file: starter, named: { language($0) }, reason: "demo", by: planner)
        }
        var campaigns: [(Campaign, WaveID)] = []
        for (position, plan) in world.campaigns.enumerated() {
            let share = 0.5 + 0.4 * Double(position) / Double(world.campaigns.count)
            campaigns.append(try await play(plan, progress: share))
        }
        progress(BilingualText(zh: "订购与评估", en: "Orders and evaluation"), 0.92)
        let last = world.campaigns.map(\.day).max() ?? world.start
        platform.clock.advance(to: platform.clock.at(last.adding(days: 14), minute: 9 * 60).instant)
        try await platform.host.tick(platform.clock.now)
        for (campaign, wave) in campaigns {
            try await recordOrders(wave, category: campaign.plan.category)
            _ = try await platform.dispatches.finish(campaign, at: platform.clock.now.instant)
        }
        return try await OperatorReport(
            platform: platform,
            world: world,
            campaigns: campaigns.map { ($0.0, $0.1) },
            market: market
        )
    }

    private func createStaff() async throws {
        let now = platform.clock.now.instant
        for staff in [
            Self.planner, Self.approver, Staff(login: "agent", name: "王芳", role: .agent),
            Staff(login: "admin", name: "赵敏", role: .administrator),
        ] {
            try await platform.store.add(
                staff,
                password: PasswordHash(text: "!"),  // nobody signs in until `--serve` sets one-time passwords
                audit: AuditEntry(at: now, who: "demo", action: "staff.create", object: "staff/\(staff.login)")
            )
        }
    }

    /// One campaign from its segment to the last receipt.
    private func play(_ plan: DemoCampaign, progress share: Double) async throws -> (Campaign, WaveID) {
        let language = settings.language
        let name = language(plan.name)
        progress(BilingualText(zh: "策划：\(name)", en: "Planning: \(name)"), share)
        let now = platform.clock.now.instant
        let segment = try await platform.segments.save(
            Segment(
                name: language(plan.segment),
                rule: plan.rule,
                owner: Self.planner.login,
                scope: .all,
                updatedAt: now
            ),
            by: Self.planner,
            today: world.start,
            at: now
        )
        let draft = try await platform.campaigns.save(try draft(plan, segment: segment), by: Self.planner, at: now)
        progress(BilingualText(zh: "试算与审批：\(name)", en: "Dry run and approval: \(name)"), share + 0.05)
        let (rehearsed, dryRun) = try await platform.campaigns.dryRun(draft, by: Self.planner, at: now)
        let submitted = try await platform.campaigns.submit(rehearsed, by: Self.planner, at: now).campaign
        let approved = try await platform.approvals.decide(
            submitted,
            .pass,
            reason: "",
            by: Self.approver,
            at: now
        )
        platform.clock.advance(to: approved.plan.planned.instant)
        try await platform.host.tick(platform.clock.now)
        progress(BilingualText(zh: "执行：\(name)", en: "Running: \(name)"), share + 0.1)
        let (running, summary) = try await platform.run(approved, by: Self.planner.login)
        if try await platform.host.read({ $0.waves.count }) == 1, dryRun.outcomeSHA256 != summary.outcomeSHA256 {
            throw DemoError.dryRunDiffers(campaign: name)
        }
        market.begin(running.id, category: running.plan.category)
        let clock = platform.clock
        _ = try await platform.sending.send(summary.wave, text: running.plan.message) { clock.now }
        progress(BilingualText(zh: "回执与反算：\(name)", en: "Receipts and settlement: \(name)"), share + 0.15)
        for hours in [1, 4, 24, 72, 120] {
            platform.clock.advance(to: running.plan.planned.instant.adding(ms: Int64(hours) * 3_600_000))
            _ = try await platform.receipts.collect(until: platform.clock.now)
            try await platform.host.tick(platform.clock.now)
        }
        return (running, summary.wave)
    }

    private func draft(_ demo: DemoCampaign, segment: Segment) throws -> Campaign {
        guard let scene = Scene.named(demo.scene) else { throw DemoError.unknownScene(demo.scene) }
        var plan = CampaignPlan(
            name: settings.language(demo.name),
            scene: scene.code,
            goal: settings.language(scene.goal),
            category: scene.category,
            segment: segment.id,
            message: scene.message,
            planned: platform.clock.at(demo.day, minute: demo.minute),
            validTo: demo.day.adding(days: 30)
        )
        plan.product = scene.product
        plan.valuePerOrderMinor = scene.valuePerOrderMinor
        plan.costPerPartMinor = 4
        plan.score = demo.score
        plan.limit = demo.limit
        plan.controlPPM = demo.controlPPM
        return Campaign(plan: plan, owner: Self.planner.login, scope: .all, updatedAt: platform.clock.now.instant)
    }

    /// What the order system reports after two weeks: orders of both arms, by the subscribers' own reactions.
    private func recordOrders(_ wave: WaveID, category: String) async throws {
        guard let state = try await platform.host.read({ $0.waves[wave] }) else { return }
        var orders: [SubscriberIndex] = []
        for (block, members) in state.blocks.sorted(by: { $0.key < $1.key }) {
            members.contact.union(members.control).forEach { offset in
                let index = SubscriberIndex(UInt32(block * Block.size + offset))
                let response = market.response(index, campaign: wave.campaign, category: category)
                let wasReached = members.delivered.contains(offset)
                if wasReached ? response.ordersWithContact : response.ordersWithoutContact { orders.append(index) }
            }
        }
        try await platform.receipts.recordOrders(wave, orders, at: platform.clock.now)
    }
}

/// What can go wrong in a demo and nowhere else.
public enum DemoError: CodedError {
    case unknownScene(String)
    case dryRunDiffers(campaign: String)
    case noExamples(String)

    public var code: String {
        switch self {
        case .unknownScene: "demo.unknown_scene"
        case .dryRunDiffers: "demo.dry_run_differs"
        case .noExamples: "demo.no_examples"
        }
    }

    public var description: String {
        switch self {
        case .unknownScene(let scene): "scene \(scene) does not exist"
        case .dryRunDiffers(let campaign): "the dry run of \(campaign) and its wave came out differently"
        case .noExamples(let path): "\(path) is not there; name the folder with --examples or GYRE_EXAMPLES"
        }
    }
}

/// Finds and reads the example files.
public enum ExampleFiles {
    /// The folder `Examples`: the setting, else beside or above the program, else in or above the working directory.
    public static func folder(setting: String?) throws -> String {
        func isThere(_ folder: String) -> Bool {
            FileManager.default.fileExists(atPath: folder + "/number-ranges.csv")
        }
        if let setting, !setting.isEmpty {
            guard isThere(setting) else { throw DemoError.noExamples(setting) }
            return setting
        }
        guard let found = nearestFile("Examples", from: PlatformSettings.places, where: isThere) else {
            throw DemoError.noExamples("Examples")
        }
        return found
    }

    static func catalogue(_ examples: String, _ example: String) throws -> AttributeCatalogue {
        try AttributeCatalogue(file: "\(examples)/\(example)/catalogue.yaml")
    }
}
