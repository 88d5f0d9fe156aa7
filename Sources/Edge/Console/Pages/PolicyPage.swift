// 接触控制策略: the live revision, to read.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// The contact policy.
struct PolicyPage {
    var policy: ContactPolicy?

    static func tierColumns(_ f: Frame) -> [Column<PolicyTier>] {
        func cap(_ cap: Cap?) -> String {
            guard let cap else { return "--" }
            return cap.months == 1 ? f.t(.perMonth, "\(cap.count)") : f.t(.perMonths, "\(cap.count)", "\(cap.months)")
        }
        return [
            Column(f.t(.tier), key: "name", plain: { f.language($0.name) }),
            Column(f.t(.rule), plain: \.rule, cell: { "<code>\($0.rule)</code>" }),
        ]
            + ChannelClass.allCases.map { channel in
                Column(
                    f.language(channel.name),
                    key: channel.code,
                    isNumber: true,
                    rank: { Int64($0.caps[channel]?.count ?? 0) * 100 / Int64(max(1, $0.caps[channel]?.months ?? 1)) },
                    plain: { cap($0.caps[channel]) }
                )
            } + [
                Column(
                    f.t(.overall),
                    key: "overall",
                    isNumber: true,
                    rank: { Int64($0.overall.count) },
                    plain: { cap($0.overall) }
                )
            ]
    }

    static func dndColumns(_ f: Frame) -> [Column<DNDClass>] {
        [
            Column(f.t(.classNumber), key: "number", rank: { Int64($0.number) }, plain: { "\($0.number)" }),
            Column(f.t(.name), key: "name", plain: { f.language($0.name) }),
            Column(f.t(.byChannel), key: "channel", plain: { f.t($0.isByChannel ? .yes : .no) }),
            Column(f.t(.untickable), key: "untick", plain: { f.t($0.mayBeUnticked ? .mayUntick : .always) }),
        ]
    }

    func page(_ f: Frame) -> Screen {
        guard let policy else {
            return Screen(
                item: .policy,
                title: f.t(.menuPolicy),
                body: card(nil, emptyState(f.t(.noPolicy), linkButton(f.t(.backHome), to: "/")))
            )
        }
        return Screen(
            item: .policy,
            title: f.t(.menuPolicy),
            hint: f.t(.policyHint, "\(policy.revision)"),
            body: """
                \(card(f.t(.capTable), "\(tiers(policy, f))<p class=\"help\">\(f.t(.capHelp))</p>"))
                \(card(f.t(.dndClasses), classes(policy, f)))
                <div class="columns">
                \(card(f.t(.intervals), actions: f.exportLink("/policy/rules.csv"), facts(shown(Self.intervals(policy, f)))))
                \(card(f.t(.quietAndHolidays), facts(shown(Self.quiet(policy, f)))))
                </div>
                """
        )
    }

    private func tiers(_ policy: ContactPolicy, _ f: Frame) -> HTML {
        f.table(
            f.t(.capTable),
            Self.tierColumns(f),
            of: policy.tiers,
            prefix: "t.",
            exportPath: "/policy/caps.csv",
            searchHint: f.t(.searchTiers),
            empty: emptyState(f.t(.nothingFound))
        )
    }

    private func classes(_ policy: ContactPolicy, _ f: Frame) -> HTML {
        f.table(
            f.t(.dndClasses),
            Self.dndColumns(f),
            of: policy.dnd,
            prefix: "d.",
            exportPath: "/policy/dnd.csv",
            searchHint: f.t(.searchClasses),
            empty: emptyState(f.t(.nothingFound))
        )
    }

    /// Intervals, reservations, quiet hours and holidays: what is neither cap nor class.
    static func rules(_ policy: ContactPolicy, _ f: Frame) -> TextTable {
        TextTable(
            head: [f.t(.rule), f.t(.value)],
            rows: (intervals(policy, f) + quiet(policy, f)).map { [$0.label, $0.value] }
        )
    }

    private func shown(_ items: [(label: String, value: String)]) -> [(label: String, value: HTML)] {
        items.map { ($0.label, HTML(escaping: $0.value)) }
    }

    private static func intervals(_ policy: ContactPolicy, _ f: Frame) -> [(label: String, value: String)] {
        ChannelClass.allCases.compactMap { channel in
            policy.intervalDays[channel].map { (f.language(channel.name), f.t(.daysApart, "\($0)")) }
        }
            + policy.similarDays.sorted { $0.key < $1.key }.map {
                (f.t(.similarOf, f.category($0.key)), f.t(.daysApart, "\($0.value)"))
            } + [(f.t(.reservationTime), f.t(.hours, "\(policy.reservationHours)"))]
    }

    private static func quiet(_ policy: ContactPolicy, _ f: Frame) -> [(label: String, value: String)] {
        ChannelClass.allCases.compactMap { channel in
            policy.quietHours[channel].map {
                (f.t(.quietOf, f.language(channel.name)), "\(clock($0.from)) ～ \(clock($0.to))")
            }
        } + [
            (
                f.t(.holidays),
                policy.holidays.isEmpty
                    ? f.t(.none) : policy.holidays.map(\.iso).joined(separator: f.language("、", ", "))
            ),
            (
                f.t(.holdoutShare),
                "\(f.language.percent(Double(policy.holdout.ppm) / 1_000_000)) \(f.t(.epoch, policy.holdout.epoch))"
            ),
        ]
    }
}
