// gyre explain: why a subscriber did or did not get a campaign.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Assembly
import DecisionHost
import Decisioning
import Kernel
import Model
import Ports
import Texts

struct ExplainCommand: PlatformCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say why a subscriber did or did not get a campaign, with every check and its evidence."
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "Number or exact name of the campaign.")
    var campaign: String

    @Argument(help: "The subscriber's number.", transform: Self.number)
    var msisdn: MSISDN

    @Flag(help: "Print the result as JSON.")
    var json = false

    struct Output: Encodable {
        struct Reason: Encodable {
            var code: String
            var passed: Bool
            var decided: Bool
            var evidence: [String: String]
        }

        var outcome: String
        var wave: String?
        var position: Int64
        var reasons: [Reason]
        var aftermath: [[String: String]]
        var counterfactual: Needed?

        struct Needed: Encodable {
            var changes: [String]
            var outcome: String
        }
    }

    private static func number(_ text: String) throws -> MSISDN {
        guard let number = MSISDN(normalising: text) else {
            throw ValidationError("\(text) is not a telephone number; write for example 13800138000")
        }
        return number
    }

    func run(on platform: Platform, for caller: Caller) async throws {
        let campaign = try await platform.campaign(campaign)
        guard let index = platform.numbers.current.owner(of: msisdn) else {
            throw ControlPlaneError.notFound(object: "subscriber \(msisdn.masked)")
        }
        let explanation = try platform.explainer.explain(campaign.id, index)
        let (policy, campaigns) = try await platform.host.read { ($0.policy, $0.campaigns.mapValues(\.spec.name)) }
        let names = SentenceNames(
            campaign: campaign.plan.name,
            channel: explanation.request?.touchpoint.channel ?? campaign.plan.channel,
            policy: policy,
            campaigns: campaigns
        )
        if json {
            try caller.printJSON(output(explanation, names, caller.language))
        } else {
            show(explanation, names, to: caller)
        }
    }

    private func output(_ explanation: Explanation, _ names: SentenceNames, _ language: Language) -> Output {
        let deciding = explanation.checks.firstIndex { $0.outcome == explanation.outcome && !$0.isPassed }
        return Output(
            outcome: explanation.outcome.code,
            wave: explanation.wave.map { "\($0.campaign.number)/\($0.occurrence)" },
            position: explanation.position,
            reasons: explanation.checks.enumerated().map { position, check in
                Output.Reason(
                    code: check.outcome.code,
                    passed: check.isPassed,
                    decided: position == deciding,
                    evidence: Dictionary(
                        check.evidence.map { ($0.key, $0.value) },
                        uniquingKeysWith: { $0 + ", " + $1 }
                    )
                )
            },
            aftermath: explanation.aftermath.map { [$0.key: $0.value] },
            counterfactual: explanation.counterfactual.map {
                Output.Needed(changes: $0.clauses(language, names), outcome: $0.outcome.code)
            }
        )
    }

    private func show(_ explanation: Explanation, _ names: SentenceNames, to caller: Caller) {
        let t = caller.language
        caller.print(t("结果：", "Outcome: ") + t(explanation.outcome.name) + " (\(explanation.at.isoLocal))")
        let deciding = explanation.checks.firstIndex { $0.outcome == explanation.outcome && !$0.isPassed }
        for (position, check) in explanation.checks.enumerated() {
            let mark = check.isPassed ? "✓" : position == deciding ? "✗" : "·"
            let evidence = check.evidence.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            caller.print("  \(mark) \(t(check.outcome.name))  \(evidence)")
        }
        for fact in explanation.aftermath { caller.print("  → \(fact.key) \(fact.value)") }
        guard let counterfactual = explanation.counterfactual else { return }
        caller.print(t("怎样才会接触：", "What a contact needed:"))
        for clause in counterfactual.clauses(t, names) { caller.print("  + \(clause)") }
        caller.print("  \(counterfactual.verdict(t))")
    }
}
