// gyre report: the evaluation of a campaign.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Evaluation
import Kernel
import Model
import Ports
import Texts

struct ReportCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Print what a campaign came to: reach, response, lift, cost and benefit."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "Number or exact name of the campaign.")
    var campaign: String

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        var campaign: Int64
        var target: Int
        var outcomes: [String: Int64]
        var sent: Int
        var delivered: Int
        var open: Int
        var ordered: Int
        var control: Int
        var controlOrdered: Int
        var liftPercentagePoints: Double
        var low: Double
        var high: Double
        var costMinor: Int64
        var netBenefitMinor: Int64
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        let campaign = try await platform.campaign(campaign)
        let wave = try await platform.host.read { state in
            state.waves.values.filter { $0.wave.campaign == campaign.id }.max { $0.wave < $1.wave }
        }
        guard let wave else { throw ControlPlaneError.notFound(object: "a wave of campaign \(campaign.id.number)") }
        let e = WaveEvaluation(wave, valuePerOrderMinor: campaign.plan.valuePerOrderMinor)
        let output = Output(
            campaign: campaign.id.number,
            target: e.target,
            outcomes: Dictionary(e.outcomes.map { ($0.outcome.code, $0.count) }, uniquingKeysWith: +),
            sent: e.sent,
            delivered: e.delivered,
            open: e.open,
            ordered: e.lift.contact.successes,
            control: e.lift.control.total,
            controlOrdered: e.lift.control.successes,
            liftPercentagePoints: e.lift.difference * 100,
            low: e.lift.interval.lowerBound * 100,
            high: e.lift.interval.upperBound * 100,
            costMinor: e.costMinor,
            netBenefitMinor: e.netBenefitMinor
        )
        guard !json else { return try caller.printJSON(output) }
        let t = caller.language
        caller.print(
            "\(e.name): " + t("目标 ", "target ") + t.number(e.target) + t("，送达 ", ", delivered ") + t.number(e.delivered)
        )
        for total in e.outcomes { caller.print("  \(t.number(Int(total.count)))  \(t(total.outcome.name))") }
        caller.print(
            t("净提升 ", "Lift ") + t.fixed(output.liftPercentagePoints, decimals: 2) + " ["
                + t.fixed(output.low, decimals: 2) + ", " + t.fixed(output.high, decimals: 2) + "] "
                + t("百分点", "percentage points")
        )
        caller.print(
            t("成本 ", "Cost ") + t.money(minor: e.costMinor) + t("，净收益 ", ", net benefit ")
                + t.money(minor: e.netBenefitMinor)
        )
    }
}
