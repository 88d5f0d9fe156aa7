// gyre overruns: who has more contacts than his cap allows, and which facts did that.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Feedback
import Kernel
import Model
import Texts

struct OverrunsCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "overruns",
        abstract:
            "List counters above their caps, by tier, cap and window, and subscriber by subscriber with the cause.",
        discussion:
            "Facts from outside may put a counter above its cap; a decision never does. If one ever should have, the "
            + "command says so and ends with status 1."
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "Only tiers, caps and months that this text names, for example 短信, cap_overall or 2026-09.")
    var search = ""

    @Option(help: "Subscribers to list with their causes, 0 to 1000.")
    var limit = 20

    @Option(help: "Subscribers to pass over first.")
    var offset = 0

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        struct Count: Encodable {
            var tier: String
            var check: String
            var from: String
            var to: String
            var subscribers: Int
        }

        struct Subscriber: Encodable {
            var subscriber: UInt32
            var number: String
            var tier: String
            var overruns: [String]
            var causes: [Cause]
        }

        struct Cause: Encodable {
            var code: String
            var at: String
            var campaign: Int64?
            var position: Int64
        }

        var subscribers: Int
        var above: Int
        var counts: [Count]
        var listed: [Subscriber]
    }

    func validate() throws {
        guard (0...1_000).contains(limit) else { throw ValidationError("--limit is 0 to 1000") }
        guard offset >= 0 else { throw ValidationError("--offset is not negative") }
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        let search = search
        let report = try await platform.overruns.report(on: platform.clock.now.day) { $0.matches(search) }
        let listed = try await platform.overruns.explained(report, offset: offset, limit: limit)
        let (policy, campaigns) = try await platform.host.read { ($0.policy, $0.campaigns.mapValues(\.spec.name)) }
        if json {
            try caller.printJSON(output(report, listed, platform, caller.language))
        } else {
            show(report, listed, platform, EventNames(campaigns: campaigns, policy: policy), to: caller)
        }
        guard let broken = listed.first(where: \.isBroken), let cause = broken.causes.first(where: \.isBroken) else {
            return
        }
        throw DecisionError.capExceeded(subscriber: broken.index, sequence: cause.position)
    }

    private func number(_ subscriber: OverrunSubscriber, _ platform: Platform) -> String {
        platform.numbers.current.number(of: subscriber.index)?.masked ?? ""
    }

    private func output(
        _ report: OverrunReport,
        _ listed: [OverrunSubscriber],
        _ platform: Platform,
        _ language: Language
    ) -> Output {
        Output(
            subscribers: report.subscribers,
            above: report.members.count,
            counts: report.counts.map {
                Output.Count(
                    tier: $0.group.tier,
                    check: $0.group.check.code,
                    from: $0.group.window.first.iso,
                    to: $0.group.window.last.iso,
                    subscribers: $0.subscribers
                )
            },
            listed: listed.map { subscriber in
                Output.Subscriber(
                    subscriber: subscriber.index.number,
                    number: number(subscriber, platform),
                    tier: subscriber.tier,
                    overruns: subscriber.overruns.map { $0.sentence(language) },
                    causes: subscriber.causes.map {
                        Output.Cause(
                            code: $0.code,
                            at: $0.at.isoLocal,
                            campaign: $0.campaign?.number,
                            position: $0.position
                        )
                    }
                )
            }
        )
    }

    private func show(
        _ report: OverrunReport,
        _ listed: [OverrunSubscriber],
        _ platform: Platform,
        _ names: EventNames,
        to caller: Caller
    ) {
        let t = caller.language
        caller.print(
            t("超限用户 ", "Above a cap: ") + t.number(report.members.count)
                + t("，共 ", " of ") + t.number(report.subscribers) + t(" 户", " subscribers")
        )
        for count in report.counts {
            let group = count.group
            caller.print(
                "  \(t(group.tierName))  \(t(group.capName))  \(group.window.text)  \(t.number(count.subscribers))"
            )
        }
        for subscriber in listed {
            caller.print("#\(subscriber.index.number) \(number(subscriber, platform)) \(t(subscriber.tierName))")
            for overrun in subscriber.overruns {
                caller.print("  ✗ \(overrun.sentence(t))")
                for cause in overrun.causes { caller.print("    ← \(cause.sentence(t, names))") }
            }
        }
    }
}
