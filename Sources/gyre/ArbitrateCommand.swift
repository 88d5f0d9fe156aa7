// gyre arbitrate: who gets which of several campaigns.
// SPDX-License-Identifier: Apache-2.0

import Arbitration
import ArgumentParser
import Assembly
import Kernel
import Model
import Planning
import Ports
import Texts

struct ArbitrateCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "arbitrate",
        abstract: "Assign the offers of campaigns with planned waves over the whole base, for the most expected value.",
        discussion: "The result is kept like one made in the console, where it is adopted."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "Numbers or exact names of the campaigns, two or more.")
    var campaigns: [String]

    @Option(help: "What people call it.")
    var name = "gyre arbitrate"

    @Option(help: "Offers a subscriber may get.")
    var perSubscriber = 1

    @Option(help: "SMS contacts a day; unlimited when absent.")
    var sms: Int?

    @Option(help: "Outbound calls a day; unlimited when absent.")
    var outbound: Int?

    @Option(help: "Number of an arbitration whose prices to start from.")
    var from: Int64?

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        struct Limit: Encodable {
            var name: String
            var limit: Int64
            var used: Int64
            var microMinorPerUnit: Int64
        }

        struct Part: Encodable {
            var campaign: Int64
            var candidates: Int64
            var contacts: Int
            var controls: Int
        }

        var arbitration: Int64
        var figures: ArbitrationFigures
        var limits: [Limit]
        var campaigns: [Part]
        var result: String?
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        var found: [Campaign] = []
        for campaign in campaigns { found.append(try await platform.campaign(campaign)) }
        let days = found.map(\.plan.planned.day)
        guard let first = days.min(), let last = days.max() else { throw ArbitratingError.campaigns(0) }
        var setup = ArbitrationSetup(
            from: first,
            to: last,
            entries: found.map { ArbitrationEntry(campaign: $0.id, revision: $0.revision) },
            perSubscriber: perSubscriber
        )
        for (channel, limit) in [(ChannelClass.sms, sms), (.outbound, outbound)] {
            if let limit { setup.capacities.append(ArbitrationCapacity(channel: channel, limit: limit)) }
        }
        let staff = Staff(login: "cli", name: "cli", role: .administrator)
        let begun = try await platform.arbitrations.begin(name, setup, from: from, by: staff)
        var solved = begun
        while solved.state == .solving {
            try await Task.sleep(for: .milliseconds(20))
            solved = try await platform.arbitrations.arbitration(begun.id, for: staff)
        }
        guard let figures = solved.figures, let result = try platform.arbitrations.result(of: solved) else {
            throw ArbitratingError.noResult(solved.id, why: Self.why(solved))
        }
        let output = Output(
            arbitration: solved.id,
            figures: figures,
            limits: result.solution.constraints.map {
                .init(name: $0.name, limit: $0.limit, used: $0.used, microMinorPerUnit: result.microMinorPerUnit($0))
            },
            campaigns: result.campaigns.map {
                .init(
                    campaign: $0.number,
                    candidates: $0.candidates,
                    contacts: $0.members.count,
                    controls: $0.controls.count
                )
            },
            result: solved.result?.hex
        )
        if json { try caller.printJSON(output) } else { show(output, found, to: caller) }
    }

    private static func why(_ failed: Arbitration) -> String {
        let short = failed.shortfalls.map { short in
            "campaign \(short.campaign.number) wants \(short.wanted) contacts, \(short.possible) are possible"
        }
        return failed.problem ?? short.joined(separator: "; ")
    }

    private func show(_ output: Output, _ campaigns: [Campaign], to caller: Caller) {
        let (t, figures) = (caller.language, output.figures)
        let names = Dictionary(campaigns.map { ($0.id.number, $0.plan.name) }, uniquingKeysWith: { a, _ in a })
        caller.print(
            t("期望价值 ", "Expected value ") + t.money(minor: figures.valueMinor) + t("，可证上界 ", ", proven bound ")
                + t.money(minor: figures.boundMinor) + t("，贪心 ", ", greedy ")
                + (figures.greedyMinor.map { t.money(minor: $0) } ?? "--")
        )
        for part in output.campaigns {
            caller.print("  \(t.number(part.contacts))  \(names[part.campaign] ?? "\(part.campaign)")")
        }
        for limit in output.limits {
            let price = t.fixed(Double(limit.microMinorPerUnit) / 100_000_000, decimals: 2)
            caller.print("  \(limit.name)  \(limit.used)/\(limit.limit)  " + t("影子价格 ", "shadow price ") + price)
        }
        caller.print(t("统筹编号 ", "Arbitration ") + "\(output.arbitration)")
    }
}
