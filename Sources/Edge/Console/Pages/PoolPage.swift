// 营销活动池: the campaigns on offer, and what one customer would be offered at each touchpoint (areas POL, TCH).
// SPDX-License-Identifier: Apache-2.0

import Decisioning
import Kernel
import Model
import Texts

/// A campaign in the pool.
struct PoolRow: Sendable {
    var id: CampaignID
    var plan: CampaignPlan
    var members: Int
    var made: Int
    var shown: Int
    var accepted: Int
    var refused: Int
    var isPaused: Bool
    /// Why it cannot be ranked and is skipped; nil when it can.
    var problem: String?

    func state(_ f: Frame) -> (text: String, tone: Tone) {
        if problem != nil { return (f.t(.poolBroken), .bad) }
        if plan.planned.day > f.now.day { return (f.t(.poolAhead), .neutral) }
        if plan.validTo < f.now.day { return (f.t(.poolExpired), .neutral) }
        return isPaused ? (f.t(.phasePaused), .warn) : (f.t(.poolOffered), .good)
    }
}

/// A campaign of the pool for one customer, in the order of ranking.
struct PoolStanding: Sendable {
    /// From 1 among those that would be offered; nil for the others.
    var rank: Int?
    var id: CampaignID
    var name: String
    var priority: Int
    /// Why not, in words; nil when it would be offered.
    var reason: BilingualText?
}

/// One customer's offers at a touchpoint.
struct PoolCustomer: Sendable {
    var index: UInt32
    /// The number in full: the reader typed it.
    var number: String
    var touchpoint: Touchpoint
    var standings: [PoolStanding]
}

/// The page of the pool.
struct PoolPage {
    var rows: [PoolRow]
    var customer: PoolCustomer?
    var typed = ""
    var error: String?

    static func columns(_ f: Frame) -> [Column<PoolRow>] {
        func count(_ title: ConsoleText, _ key: String, _ value: @escaping (PoolRow) -> Int) -> Column<PoolRow> {
            Column(f.t(title), key: key, isNumber: true, rank: { Int64(value($0)) }, plain: { f.number(value($0)) })
        }
        return [
            Column(f.t(.campaign), key: "name", plain: { $0.plan.name }) {
                "<a href=\"/campaigns/\($0.id.number)\">\($0.plan.name)</a>"
            },
            Column(f.t(.touchpoints), plain: { f.places($0.plan.touchpoints) }),
            Column(
                f.t(.priorityShort),
                key: "priority",
                isNumber: true,
                rank: { Int64($0.plan.priority) },
                plain: { "\($0.plan.priority)" }
            ),
            Column(f.t(.validTo), key: "valid", plain: { $0.plan.validTo.iso }),
            count(.poolMembers, "members") { $0.members }, count(.poolMade, "made") { $0.made },
            count(.standingShown, "shown") { $0.shown }, count(.poolAccepted, "accepted") { $0.accepted },
            count(.poolRefused, "refused") { $0.refused },
            Column(f.t(.state), key: "state", plain: { $0.state(f).text }) {
                let state = $0.state(f)
                return tag(state.text, state.tone)
            },
        ]
    }

    static func standingColumns(_ f: Frame) -> [Column<PoolStanding>] {
        [
            Column(f.t(.poolRank), plain: { $0.rank.map { "\($0)" } ?? "--" }),
            Column(f.t(.campaign), plain: \.name) {
                f.may(.viewCampaigns) ? "<a href=\"/campaigns/\($0.id.number)\">\($0.name)</a>" : "\($0.name)"
            },
            Column(f.t(.poolVerdict), plain: { f.t($0.reason == nil ? .poolWould : .poolWouldNot) }) {
                tag(f.t($0.reason == nil ? .poolWould : .poolWouldNot), $0.reason == nil ? .good : .neutral)
            },
            Column(f.t(.poolWhy), plain: { $0.reason.map { f.language($0) } ?? "--" }),
            Column(f.t(.priorityShort), isNumber: true, plain: { "\($0.priority)" }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        // Who serves customers sees this of one of them, and no campaigns.
        Screen(
            item: f.may(.viewCampaigns) ? .pool : .desk,
            title: customer.map { f.t(.poolOf, $0.number) } ?? f.t(.menuPool),
            hint: f.t(customer == nil ? .poolHint : .poolFindHelp),
            actions: customer == nil || !f.may(.viewCampaigns)
                ? .empty : linkButton(f.t(.otherNumber), to: "/pool#find"),
            body: customer.map { standings($0, f) }
                ?? "\(problems(f))\(card(nil, table(f)))\(when: f.may(.explain), card(f.t(.poolFind), id: "find", finder(f)))"
        )
    }

    private func finder(_ f: Frame) -> HTML {
        """
        \(numberForm(f, action: "/pool/find", typed: typed, error: error, button: .find))\
        <p class="help">\(f.t(.poolFindHelp))</p>
        """
    }

    /// Those that are skipped, by name, above the table.
    private func problems(_ f: Frame) -> HTML {
        let broken = rows.filter { $0.problem != nil }
        guard !broken.isEmpty else { return .empty }
        let names = broken.map(\.plan.name).joined(separator: f.language("、", ", "))
        return """
            <div class="notice error" role="alert">\(Icon.error.markup)<p>\(f.t(.poolProblem, names))<br>\
            \(each: broken, { "<code>\($0.problem ?? "")</code><br>" })</p></div>
            """
    }

    private func table(_ f: Frame) -> HTML {
        f.table(
            f.t(.menuPool),
            Self.columns(f),
            of: rows,
            exportPath: "/pool.csv",
            searchHint: f.t(.searchPool),
            empty: emptyState(f.t(.poolEmpty), linkButton(f.t(.menuCampaigns), to: "/campaigns"))
        )
    }

    private func standings(_ customer: PoolCustomer, _ f: Frame) -> HTML {
        let path = "/pool/\(customer.index)"
        return """
            \(tabs(f.t(.touchpoints), Touchpoint.allCases.map { (f.language($0.name), path + "?at=" + $0.code, nil, $0 == customer.touchpoint) }))
            \(card(nil, customer.standings.isEmpty ? emptyState(f.t(.poolNone), f.may(.viewCampaigns) ? linkButton(f.t(.menuPool), to: "/pool") : .empty) : """
                <div class="tools"><span class="total">\(f.t(.rowsTotal, f.number(customer.standings.count)))</span>\
                \(f.exportLink(path + "/offers.csv?at=" + customer.touchpoint.code))</div>
                \(f.scrolled(f.t(.poolOf, customer.number), isTight: true, f.plainTable(Self.standingColumns(f), customer.standings)))
                """))
            """
    }
}
