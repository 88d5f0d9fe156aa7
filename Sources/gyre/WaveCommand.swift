// gyre wave: one run of the decision core over a campaign's segment.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Dispatching
import Foundation
import Kernel
import Model
import Planning
import Ports
import Texts

struct WaveCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "wave",
        abstract: "Decide an approved campaign over its segment; --dry-run decides without effect."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "Number or exact name of the campaign.")
    var campaign: String

    @Option(
        help: "The slot as ISO 8601, for example 2026-09-17T10:00:00+08:00; else the plan's.",
        transform: Self.instant
    )
    var at: Instant?

    @Flag(help: "Decide without reserving or logging anything.")
    var dryRun = false

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        var wave: String
        var target: Int64
        var outcomes: [String: Int64]
        var batches: Int
        var ms: Int
        var outcomeSHA256: String
    }

    private static func instant(_ text: String) throws -> Instant {
        guard let date = try? Date(text, strategy: .iso8601) else {
            throw ValidationError("\(text) is not ISO 8601; write for example 2026-09-17T10:00:00+08:00")
        }
        return Instant(epochMs: Int64(date.timeIntervalSince1970 * 1000))
    }

    /// A wave that has begun is finished even when the command is cancelled: half a wave would be resumed anyway.
    func run(on platform: Platform, for caller: Caller) async throws {
        let campaign = try await platform.campaign(campaign)
        let slot = at.map { platform.clock.local($0) }
        try Task.checkCancellation()
        let start = ContinuousClock().now
        let summary = try await decide(campaign, slot, platform, caller)
        let ms = start.duration(to: ContinuousClock().now).components
        let output = Output(
            wave: "\(summary.wave.campaign.number)/\(summary.wave.occurrence)",
            target: summary.target,
            outcomes: Dictionary(summary.totals.map { ($0.outcome.code, $0.count) }, uniquingKeysWith: +),
            batches: summary.batches,
            ms: Int(ms.seconds * 1000 + ms.attoseconds / 1_000_000_000_000_000),
            outcomeSHA256: summary.outcomeSHA256.hex
        )
        if json { try caller.printJSON(output) } else { show(summary, output, to: caller) }
    }

    private func decide(
        _ campaign: Campaign,
        _ slot: LocalTime?,
        _ platform: Platform,
        _ caller: Caller
    ) async throws -> WaveSummary {
        guard dryRun else {
            if let runner = caller.runner { return try await runner.decide(campaign, slot: slot, by: "cli") }
            return try await platform.run(campaign, slot: slot, by: "cli").1
        }
        try await platform.host.beginMonth(of: platform.clock.now)
        return try await platform.host.rehearse(
            campaign.spec(unticker: campaign.owner),
            occurrence: try await platform.host.nextOccurrence(of: campaign.id),
            planned: slot ?? campaign.plan.planned,
            audience: try await platform.campaigns.audience(of: campaign)
        )
    }

    private func show(_ summary: WaveSummary, _ output: Output, to caller: Caller) {
        let t = caller.language
        caller.print((dryRun ? t("试算 ", "Dry run ") : t("波次 ", "Wave ")) + output.wave)
        caller.print(t("目标 ", "Target ") + t.number(Int(summary.target)))
        for total in summary.totals { caller.print("  \(t.number(Int(total.count)))  \(t(total.outcome.name))") }
        caller.print(t("结果哈希 ", "Outcome hash ") + output.outcomeSHA256)
    }
}

extension Platform {
    /// The campaign with a number or an exact name.
    func campaign(_ text: String) async throws -> Campaign {
        if let number = Int64(text), let found = try await store.campaign(CampaignID(number)) { return found }
        if let found = try await store.campaign(named: text) { return found }
        throw ControlPlaneError.notFound(object: "campaign \"\(text)\"")
    }
}
