// 多活动统筹: the list.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Texts

/// The list of arbitrations.
struct ArbitrationListPage {
    var arbitrations: Page<Arbitration>
    var query: TableQuery

    static func columns(_ f: Frame) -> [Column<Arbitration>] {
        [
            Column(f.t(.arbitrationNumber), key: "number", plain: { "\($0.id)" }),
            Column(f.t(.name), key: "name", plain: \.name) { "<a href=\"/arbitrations/\($0.id)\">\($0.name)</a>" },
            Column(f.t(.state), key: "state", plain: { f.t($0.state.text) }, cell: { f.state($0.state) }),
            Column(f.t(.windowWord), plain: { f.window($0.setup) }) {
                "<span class=\"day\">\($0.setup.from.iso)</span> ～ <span class=\"day\">\($0.setup.to.iso)</span>"
            },
            Column(f.t(.campaignCount), isNumber: true, plain: { f.number($0.setup.entries.count) }),
            Column(
                f.t(.expectedValue),
                isNumber: true,
                plain: { $0.figures.map { f.language.money(minor: $0.valueMinor) } ?? "--" }
            ),
            Column(f.t(.overGreedy), isNumber: true, plain: { $0.figures.flatMap(f.overGreedy) ?? "--" }),
            Column(f.t(.gapAtMost), isNumber: true, plain: { $0.figures.map { "≤ " + f.gap($0) } ?? "--" }),
            Column(f.t(.owner), key: "owner", plain: \.owner),
            Column(f.t(.updatedAt), key: "updated", plain: { f.time($0.updatedAt) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        let new =
            f.may(.editCampaigns)
            ? linkButton(f.t(.newArbitration), to: "/arbitrations/new", .add, isPrimary: true) : .empty
        return Screen(
            item: .arbitrations,
            title: f.t(.menuArbitrations),
            hint: f.t(.arbitrationsHint),
            actions: new,
            body: card(
                nil,
                f.table(
                    Table(
                        f.t(.menuArbitrations),
                        columns: Self.columns(f),
                        page: arbitrations,
                        query: query,
                        exportPath: "/arbitrations.csv",
                        searchHint: f.t(.searchArbitrations),
                        empty: emptyState(f.t(.noArbitrations), new),
                        actions: { "<a href=\"/arbitrations/\($0.id)\">\(f.t(.view))</a>" }
                    )
                )
            )
        )
    }
}

extension ArbitrationState {
    var text: ConsoleText {
        switch self {
        case .solving: .arbitrationSolving
        case .solved: .arbitrationSolved
        case .infeasible: .arbitrationInfeasible
        case .failed: .arbitrationFailed
        case .adopted: .arbitrationAdopted
        case .withdrawn: .arbitrationWithdrawn
        }
    }

    var tone: Tone {
        switch self {
        case .solving: .warn
        case .solved: .info
        case .infeasible, .failed: .bad
        case .adopted: .good
        case .withdrawn: .neutral
        }
    }
}

extension Frame {
    func state(_ state: ArbitrationState) -> HTML { tag(t(state.text), state.tone) }

    func window(_ setup: ArbitrationSetup) -> String { t(.windowOf, setup.from.iso, setup.to.iso) }

    /// `+4.2%`: how much more than greedy an assignment is worth; nil without a greedy one.
    func overGreedy(_ figures: ArbitrationFigures) -> String? {
        guard let greedy = figures.greedyMinor, greedy > 0 else { return nil }
        return "+" + language.percent(Double(figures.valueMinor - greedy) / Double(greedy), decimals: 2)
    }

    /// `0.12%`: what the value may be short of the best possible, rounded up.
    func gap(_ figures: ArbitrationFigures) -> String {
        language.percent(Double((figures.gapPPM + 99) / 100) / 10_000, decimals: 2)
    }
}
