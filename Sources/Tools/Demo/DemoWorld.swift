// An operator the demo plays with: what is loaded, which campaigns run, how subscribers react.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Foundation
import Kernel
import Model
public import Planning
public import Ports
public import Synthetic

/// One campaign of a demo: the segment's rule, the scene and what the planner changes.
struct DemoCampaign: Sendable {
    var segment: BilingualText
    var rule: String
    var scene: String
    var name: BilingualText
    /// Local day of the slot.
    var day: LocalDay
    /// Minute of the day of the slot.
    var minute: Int
    var score: String?
    var limit: Int?
    var controlPPM: Int
}

/// An operator with its reactions.
protocol DemoWorld: Sendable {
    /// Shown as the heading of the operator's part of the report.
    var title: BilingualText { get }
    /// Folder of the example files, below `Examples/`.
    var example: String { get }
    /// Simulated moment at which the story begins.
    var start: LocalDay { get }
    /// Campaigns in order of their slots.
    var campaigns: [DemoCampaign] { get }
    /// Secret of the data directory's draws, so that the demo is repeatable.
    var salt: [UInt8] { get }
    /// Loads everything; `step` is called with the name of each part.
    func load(_ platform: Platform, catalogue: AttributeCatalogue, step: @Sendable (BilingualText) -> Void) async throws
    /// Reads what reactions depend on; called once after loading.
    func prepare(_ platform: Platform) async throws
    /// How a subscriber reacts to a campaign, whether contacted or not.
    func traits(_ index: SubscriberIndex, category: String) -> ResponseTraits
    /// Chooses the world's reactions.
    var seed: UInt64 { get }
}

/// A synthetic table on its way into the warehouse.
public struct SyntheticTableSource: PartedTableSource {
    private let synthetic: SyntheticOperator
    private let kind: SyntheticTable
    private let subscribersPerPart: Int

    /// The rows of a table.
    ///
    /// `subscribersPerPart`: The files of a load depend on it, their content does not. The usual number makes two whole
    /// row groups of table `subscriber`.
    public init(_ synthetic: SyntheticOperator, _ kind: SyntheticTable, subscribersPerPart: Int = 245_760) {
        self.synthetic = synthetic
        self.kind = kind
        self.subscribersPerPart = subscribersPerPart
    }

    public var table: String { kind.rawValue }
    public var fields: [WarehouseField] { synthetic.fields(of: kind) }
    public var name: String { "synthetic \(kind.rawValue)" }
    public var loadID: String {
        "synthetic-\(kind.rawValue)-\(synthetic.seed)-\(synthetic.subscribers)-\(synthetic.asOf.iso)"
    }
    public var parts: Int { max(1, (synthetic.subscribers + subscribersPerPart - 1) / subscribersPerPart) }

    public func part(_ number: Int) -> SyntheticSource {
        let start = number * subscribersPerPart
        return synthetic.source(kind, subscribers: start..<min(start + subscribersPerPart, synthetic.subscribers))
    }
}

/// A made-up operator of any size.
struct SyntheticWorld: DemoWorld {
    let synthetic: SyntheticOperator
    let seed: UInt64

    /// Describes the operator; `numbers` is the text of the number ranges.
    init(subscribers: Int, seed: UInt64, numbers: String) throws {
        self.seed = seed
        synthetic = try SyntheticOperator(
            seed: seed,
            subscribers: subscribers,
            asOf: LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0),
            numbers: try NumberPlan(csv: numbers)
        )
    }

    let title = BilingualText(zh: "合成运营商", en: "A synthetic operator")
    let example = "operator"
    var start: LocalDay { synthetic.asOf }
    var salt: [UInt8] { (0..<16).map { UInt8(truncatingIfNeeded: SeededRandom.mix(seed &+ $0)) } }

    var campaigns: [DemoCampaign] {
        [
            DemoCampaign(
                segment: BilingualText(zh: "流量将超套餐客户", en: "Nearly out of data"),
                rule: "status = '正常' AND data_use_ratio >= 70 AND NOT on_list('white')",
                scene: "data_pack",
                name: BilingualText(zh: "9月流量包推荐", en: "September data pack"),
                day: start.adding(days: 1),
                minute: 10 * 60,
                score: "propensity_data_pack",
                limit: synthetic.subscribers / 8,
                controlPPM: 150_000
            ),
            DemoCampaign(
                segment: BilingualText(zh: "5G终端未办5G套餐", en: "5G phone without a 5G plan"),
                rule: "status = '正常' AND is_5g_terminal AND NOT is_5g_plan",
                scene: "upgrade_5g",
                name: BilingualText(zh: "9月5G升级", en: "September 5G upgrade"),
                day: start.adding(days: 8),
                minute: 10 * 60 + 30,
                score: "propensity_5g",
                limit: synthetic.subscribers / 8,
                controlPPM: 150_000
            ),
        ]
    }

    func load(
        _ platform: Platform,
        catalogue: AttributeCatalogue,
        step: @Sendable (BilingualText) -> Void
    ) async throws {
        let names: [(SyntheticTable, BilingualText)] = [
            (.subscriber, BilingualText(zh: "用户资料", en: "subscribers")),
            (.subscriberMonth, BilingualText(zh: "月度消费", en: "monthly facts")),
            (.contact, BilingualText(zh: "接触历史", en: "contact history")),
            (.complaint, BilingualText(zh: "投诉", en: "complaints")),
            (.subscription, BilingualText(zh: "订购关系", en: "subscriptions")),
            (.visit, BilingualText(zh: "访问轨迹", en: "visits")),
        ]
        for (table, name) in names {
            step(name)
            _ = try await platform.loading.load(
                SyntheticTableSource(synthetic, table),
                catalogue: catalogue,
                by: "demo",
                at: platform.clock.now.instant
            )
        }
        step(BilingualText(zh: "特殊名单", en: "special lists"))
        try await platform.facts.replace(synthetic.specialListMembers())
    }

    func prepare(_ platform: Platform) {}

    func traits(_ index: SubscriberIndex, category: String) -> ResponseTraits {
        synthetic.responseTraits(Int(index.number), category: OfferCategory(rawValue: category) ?? .general)
    }
}
