// A contact policy to read: the parts every page about policies shares.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Texts

/// A policy as cards; its exports lie below `path`.
struct PolicyView {
    var policy: ContactPolicy
    var path: String

    static func tierColumns(_ f: Frame) -> [Column<PolicyTier>] {
        func cap(_ cap: Cap?, _ channel: ChannelClass? = nil) -> String {
            cap.map { (channel == .website ? PolicyValue.items($0) : .cap($0)).words(f.language) } ?? "--"
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
                    plain: { cap($0.caps[channel], channel) }
                )
            } + [
                Column(
                    f.t(.overall),
                    key: "overall",
                    isNumber: true,
                    rank: { Int64($0.overall.count) * 100 / Int64(max(1, $0.overall.months)) },
                    plain: { cap($0.overall) }
                )
            ]
    }

    static func dndColumns(_ f: Frame) -> [Column<DNDClass>] {
        [
            Column(f.t(.classNumber), key: "number", rank: { Int64($0.number) }, plain: { "\($0.number)" }),
            Column(f.t(.name), key: "name", plain: { f.language($0.name) }),
            Column(f.t(.byChannel), key: "channel", plain: { f.t($0.isByChannel ? .yes : .no) }),
            Column(
                f.t(.untickable),
                key: "untick",
                plain: { $0.mayBeUnticked ? PolicyValue.roles($0.untickedBy).words(f.language) : f.t(.always) }
            ),
        ]
    }

    static func categoryColumns(_ f: Frame) -> [Column<CategoryRule>] {
        [
            Column(f.t(.name), key: "name", plain: { f.language($0.name) }),
            Column(
                f.t(.categoriesField),
                plain: { rule in
                    PolicyValue.categories(rule.categories.map { f.category($0) }).words(f.language)
                }
            ),
            Column(f.t(.rule), plain: \.rule, cell: { "<code>\($0.rule)</code>" }),
        ]
    }

    /// What a linkage type cancels, row by row.
    static func linkage(_ type: LinkageType, _ f: Frame) -> TextTable {
        TextTable(
            head: [f.t(.afterResult)] + ChannelClass.allCases.map { f.language($0.name) },
            rows: type.cells.map { cell in
                [f.cell(cell.contacted, cell.result)]
                    + ChannelClass.allCases.map { f.t(cell.cancels.contains($0) ? .cancelled : .kept) }
            }
        )
    }

    /// Intervals, reservations, quiet hours, ranking and limits: what is neither cap nor class.
    static func rules(_ policy: ContactPolicy, _ f: Frame) -> TextTable {
        TextTable(
            head: [f.t(.rule), f.t(.value)],
            rows: (intervals(policy, f) + quiet(policy, f) + limits(policy, f)).map { [$0.label, $0.value] }
        )
    }

    func html(_ f: Frame) -> HTML {
        """
        \(card(f.t(.capTable), "\(tiers(f))<p class=\"help\">\(f.t(.capHelp))</p>"))
        \(card(f.t(.dndClasses), classes(f)))
        <div class="columns">
        \(card(f.t(.intervals), actions: f.exportLink(path + "/rules.csv"), facts(shown(Self.intervals(policy, f)))))
        \(card(f.t(.quietAndHolidays), facts(shown(Self.quiet(policy, f)))))
        </div>
        \(when: !policy.categoryRules.isEmpty, card(f.t(.categoryRules), categoryRules(f)))
        \(card(f.t(.rankingTitle), facts(shown(Self.limits(policy, f)))))
        \(card(f.t(.linkageTitle), linkage(f)))
        """
    }

    private func tiers(_ f: Frame) -> HTML {
        let query = TableQuery(f, prefix: "t.")
        let columns = Self.tierColumns(f)
        return f.table(
            Table(
                f.t(.capTable),
                columns: columns,
                page: query.page(of: policy.tiers, columns),
                query: query,
                exportPath: path + "/caps.csv",
                searchHint: f.t(.searchTiers),
                empty: emptyState(f.t(.nothingFound))
            )
        )
    }

    private func classes(_ f: Frame) -> HTML {
        let query = TableQuery(f, prefix: "d.")
        let columns = Self.dndColumns(f)
        return f.table(
            Table(
                f.t(.dndClasses),
                columns: columns,
                page: query.page(of: policy.dnd, columns),
                query: query,
                exportPath: path + "/dnd.csv",
                searchHint: f.t(.searchClasses),
                empty: emptyState(f.t(.nothingFound))
            )
        )
    }

    private func categoryRules(_ f: Frame) -> HTML {
        let query = TableQuery(f, prefix: "c.")
        let columns = Self.categoryColumns(f)
        return f.table(
            Table(
                f.t(.categoryRules),
                columns: columns,
                page: query.page(of: policy.categoryRules, columns),
                query: query,
                exportPath: path + "/category-rules.csv",
                empty: emptyState(f.t(.nothingFound))
            )
        )
    }

    private func linkage(_ f: Frame) -> HTML {
        """
        <p class="help">\(f.t(.linkageHelp)) \(f.t(.othersKept))</p>
        \(each: policy.linkage.types, { type in
            let table = Self.linkage(type, f)
            let categories = PolicyValue.categories(type.categories.map { f.category($0) }).words(f.language)
            let places = PolicyValue.touchpoints(type.historyAt).words(f.language)
            return """
                <details class="part"><summary>\(f.language(type.name)) <small>\(categories)</small></summary>
                <div class="tools spread"><span>\(f.t(.historyAt)): \(places)</span>\
                \(f.exportLink(path + "/linkage.csv?type=" + Frame.encoded(value: type.code)))</div>
                <div class="scroll" tabindex="0" role="region" aria-label="\(f.t(.linkageOf, f.language(type.name)))">\
                \(f.plainTable(table.columns, table.rows))</div></details>

                """
        })
        """
    }

    private func shown(_ items: [(label: String, value: String)]) -> [(label: String, value: HTML)] {
        items.map { ($0.label, HTML(escaping: $0.value)) }
    }

    private static func intervals(_ policy: ContactPolicy, _ f: Frame) -> [(label: String, value: String)] {
        ChannelClass.allCases.compactMap { channel in
            policy.intervalDays[channel].map { (f.language(channel.name), f.t(.daysApart, "\($0)")) }
        }
            + policy.similarDays.sorted { $0.key < $1.key }.map { category, days in
                let others = policy.similarTo[category] ?? []
                let also = others.isEmpty ? "" : "（+ " + others.map { f.category($0) }.joined(separator: ", ") + "）"
                return (f.t(.similarOf, f.category(category)), f.t(.daysApart, "\(days)") + also)
            }
            + policy.productDays.sorted { $0.key < $1.key }.map { product, days in
                (product == "*" ? f.t(.otherProducts) : f.t(.listProduct, product), f.t(.daysApart, "\(days)"))
            } + [(f.t(.reservationTime), f.t(.hours, "\(policy.reservationHours)"))]
    }

    private static func quiet(_ policy: ContactPolicy, _ f: Frame) -> [(label: String, value: String)] {
        func hours(_ hours: QuietHours) -> String { "\(clock(hours.from)) ～ \(clock(hours.to))" }
        let general = ChannelClass.allCases.compactMap { channel in
            policy.quietHours[channel].map { (f.t(.quietOf, f.language(channel.name)), hours($0)) }
        }
        let areas = policy.quietAreas.flatMap { area in
            ChannelClass.allCases.compactMap { channel in
                area.quietHours[channel].map {
                    (f.t(.areaQuiet, f.language(area.name), f.language(channel.name)), hours($0))
                }
            }
        }
        return general + areas + [
            (f.t(.holidays), PolicyValue.dates(policy.holidays).words(f.language)),
            (
                f.t(.holdoutShare),
                "\(f.language.percent(Double(policy.holdout.ppm) / 1_000_000)) \(f.t(.epoch, policy.holdout.epoch))"
            ),
        ]
    }

    private static func limits(_ policy: ContactPolicy, _ f: Frame) -> [(label: String, value: String)] {
        [
            (f.language(PolicySection.ranking.name), PolicyValue.ranking(policy.ranking).words(f.language)),
            (f.t(.mostOffers), "\(policy.offers.offers)"), (f.t(.minutesToShow), "\(policy.offers.minutesToShow)"),
            (f.t(.minutesKept), "\(policy.offers.minutesKept)"),
        ]
    }
}

extension Frame {
    /// A result on a channel class, as the linkage matrix names its rows.
    func cell(_ channel: ChannelClass, _ result: ContactResult) -> String {
        language(channel.name) + language("：", ": ") + language(result.name)
    }

    /// Numbers of changes between two policies as a table, with words.
    static func changeColumns(_ f: Frame) -> [Column<PolicyChange>] {
        [
            Column(f.t(.policyPart), plain: { f.language($0.section.name) }),
            Column(f.t(.change), plain: { $0.sentence(f.language) }),
        ]
    }
}
