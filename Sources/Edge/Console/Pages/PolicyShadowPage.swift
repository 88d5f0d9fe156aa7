// A draft that decides beside the live policy, and how its decisions would differ.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Kernel
import Model
import Texts

/// What the shadow found so far.
struct PolicyShadowPage {
    /// Members of waves with one outcome under the live policy and another under the draft.
    struct OutcomeRow: Sendable {
        var pair: ShadowReport.Pair
        var members: Int
    }

    /// Requests at one touchpoint.
    struct RequestRow: Sendable {
        var touchpoint: Touchpoint
        var requests: ShadowReport.Requests
    }

    /// nil while none runs.
    var status: ShadowStatus?
    var campaigns: [CampaignID: String]

    /// Changed outcomes, most members first.
    var outcomes: [OutcomeRow] {
        (status?.report.total ?? [:]).filter { $0.key.live != $0.key.shadow }
            .map { OutcomeRow(pair: $0.key, members: $0.value) }
            .sorted {
                ($1.members, $0.pair.live.rawValue, $0.pair.shadow.rawValue)
                    < ($0.members, $1.pair.live.rawValue, $1.pair.shadow.rawValue)
            }
    }

    var requests: [RequestRow] {
        Touchpoint.allCases.compactMap { touchpoint in
            status?.report.requests[touchpoint].map { RequestRow(touchpoint: touchpoint, requests: $0) }
        }
    }

    /// Newest first.
    var examples: [ShadowReport.Example] { status?.report.examples.reversed() ?? [] }

    func page(_ f: Frame) -> Screen {
        guard let status else {
            let empty = emptyState(f.t(.noShadow), linkButton(f.t(.menuPolicy), to: "/policy"))
            return Screen(
                item: .policy,
                title: f.t(.shadowTitle),
                hint: f.t(.noShadowHelp),
                body: "\(card(nil, empty))"
            )
        }
        let report = status.report
        let members = report.total.values.reduce(0, +)
        let changed = outcomes.reduce(0) { $0 + $1.members }
        let (asked, differs) = requests.reduce((0, 0)) { ($0.0 + $1.requests.requests, $0.1 + $1.requests.changed) }
        return Screen(
            item: .policy,
            title: f.t(.shadowTitle),
            hint: f.t(.shadowHint, "\(status.draft)", f.time(status.since)),
            actions: actions(status, f),
            body: """
                <p class="help">\(f.t(.shadowHelp))</p>
                \(report.failures.map { "<div class=\"notice error\" role=\"alert\">\(Icon.error.markup)<p>\(f.t(.shadowFailures, f.number($0.count), $0.last))</p></div>" })
                \(figures([
                    (f.t(.shadowWaves), f.number(report.waveCount), nil),
                    (f.t(.shadowMembers), f.number(members), nil),
                    (f.t(.shadowMembersChanged), f.number(changed), members == 0 ? nil : f.t(.shareOfBase, f.share(changed, of: members))),
                    (f.t(.shadowVisits), f.number(asked), nil),
                    (f.t(.shadowVisitsChanged), f.number(differs), asked == 0 ? nil : f.t(.shareOfBase, f.share(differs, of: asked))),
                ]))
                \(part(.shadowOutcomes, "outcomes", Self.outcomeColumns(f), outcomes, f))
                \(part(.shadowWaves, "waves", waveColumns(f), report.waves.reversed(), f))
                \(part(.shadowRequests, "requests", Self.requestColumns(f), requests, f))
                \(part(.shadowExamples, "examples", exampleColumns(f), examples, f))
                """
        )
    }

    private func actions(_ status: ShadowStatus, _ f: Frame) -> HTML {
        let stop = actionButton(
            f.t(.stopShadow),
            to: "/policy/shadow/stop",
            question: Question(title: f.t(.stopShadowQuestion), effect: f.t(.stopShadowEffect), isDangerous: true)
        )
        let open = linkButton(f.t(.shadowDraft), to: "/policy/drafts/\(status.draft)")
        return "\(open)\(when: f.mayEditPolicy, stop)"
    }

    private func part<Row>(
        _ title: ConsoleText,
        _ name: String,
        _ columns: [Column<Row>],
        _ rows: [Row],
        _ f: Frame
    ) -> HTML {
        guard !rows.isEmpty else { return card(f.t(title), "<p>\(f.t(.nothingCompared))</p>") }
        return card(
            f.t(title),
            actions: f.exportLink("/policy/shadow/\(name).csv"),
            f.scrolled(f.t(title), f.plainTable(columns, rows))
        )
    }

    // MARK: Columns

    static func outcomeColumns(_ f: Frame) -> [Column<OutcomeRow>] {
        [
            Column(f.t(.shadowLive), plain: { f.language($0.pair.live.name) }),
            Column(f.t(.shadowUnderDraft), plain: { f.language($0.pair.shadow.name) }),
            Column(f.t(.shadowMembers), isNumber: true, plain: { f.number($0.members) }),
        ]
    }

    func waveColumns(_ f: Frame) -> [Column<ShadowReport.Wave>] {
        [
            Column(f.t(.time), plain: { f.time($0.planned) }),
            Column(f.t(.wave), plain: { name($0.wave.campaign) + " · \($0.wave.occurrence)" }),
            Column(f.t(.shadowMembers), isNumber: true, plain: { f.number($0.target) }),
            Column(f.t(.shadowContactsLive), isNumber: true, plain: { f.number($0.count(.contact).live) }),
            Column(f.t(.shadowContactsDraft), isNumber: true, plain: { f.number($0.count(.contact).shadow) }),
            Column(f.t(.shadowChanged), isNumber: true, plain: { f.number($0.changed) }),
        ]
    }

    static func requestColumns(_ f: Frame) -> [Column<RequestRow>] {
        [
            Column(f.t(.touchpointWord), plain: { f.language($0.touchpoint.name) }),
            Column(f.t(.shadowVisits), isNumber: true, plain: { f.number($0.requests.requests) }),
            Column(f.t(.shadowOffersLive), isNumber: true, plain: { f.number($0.requests.live) }),
            Column(f.t(.shadowOffersDraft), isNumber: true, plain: { f.number($0.requests.shadow) }),
            Column(f.t(.shadowChanged), isNumber: true, plain: { f.number($0.requests.changed) }),
        ]
    }

    func exampleColumns(_ f: Frame) -> [Column<ShadowReport.Example>] {
        func names(_ campaigns: [CampaignID]) -> String {
            campaigns.isEmpty ? f.t(.none) : campaigns.map(name).joined(separator: f.language("、", ", "))
        }
        return [
            Column(f.t(.time), plain: { f.time($0.answer.request.at) }),
            Column(f.t(.touchpointWord), plain: { f.language($0.answer.request.touchpoint.name) }),
            Column(f.t(.shadowLive), plain: { names($0.answer.offers) }),
            Column(f.t(.shadowUnderDraft), plain: { names($0.offers) }),
        ]
    }

    private func name(_ campaign: CampaignID) -> String { campaigns[campaign] ?? "\(campaign.number)" }
}
