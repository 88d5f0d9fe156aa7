// 渠道接触分析: contacts per channel and kind, channels that customers prefer, and what moved to electronic channels.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Texts

/// The analysis of contacts by channel.
struct ChannelsPage {
    static let path = "/customers/channels"
    static let spans = [3, 6, 12, 24]

    var report: ChannelReport
    var rule = ""
    var kind = ""
    var months = 6
    /// Channels that count as physical.
    var physical: Set<String> = []
    var error: String?

    /// All channels of the report.
    var channels: [String] { report.channels }

    private var places: [LocalMonth] { report.months }

    static func columns(_ f: Frame) -> [Column<ChannelContacts>] {
        [
            Column(f.t(.month), key: "month", rank: { Int64($0.month.number) }, plain: { $0.month.iso }),
            Column(f.t(.channel), key: "channel", plain: { f.touchChannel($0.channel) }),
            Column(f.t(.contactKind), key: "kind", plain: { f.touchKind($0.kind) }),
            Column(
                f.t(.contactsCount),
                key: "contacts",
                isNumber: true,
                rank: { Int64($0.contacts) },
                plain: { f.number($0.contacts) }
            ),
            Column(
                f.t(.subscribersUnit),
                key: "subscribers",
                isNumber: true,
                rank: { Int64($0.subscribers) },
                plain: { f.number($0.subscribers) }
            ),
        ]
    }

    static func preferenceColumns(_ f: Frame, all: Int) -> [Column<ChannelPreference>] {
        [
            Column(f.t(.preferredChannel), key: "channel", plain: { f.touchChannel($0.channel) }),
            Column(
                f.t(.subscribersUnit),
                key: "subscribers",
                isNumber: true,
                rank: { Int64($0.subscribers) },
                plain: { f.number($0.subscribers) }
            ),
            Column(f.t(.shareOfSubscribers), isNumber: true, plain: { f.share($0.subscribers, of: all) }),
            Column(f.t(.shareOnChannel), isNumber: true, plain: { f.share($0.onChannel, of: $0.contacts) }),
        ]
    }

    var diversion: [ChannelDiversion] { report.diversion(physical: physical) }

    static func diversionColumns(_ f: Frame) -> [Column<ChannelDiversion>] {
        [
            Column(f.t(.month), plain: { $0.month.iso }),
            Column(f.t(.physicalChannels), isNumber: true, plain: { f.number($0.physical) }),
            Column(f.t(.electronicChannels), isNumber: true, plain: { f.number($0.electronic) }),
            Column(
                f.t(.electronicShare),
                isNumber: true,
                plain: { f.share($0.electronic, of: $0.physical + $0.electronic) }
            ),
        ]
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .customers,
            title: f.t(.channelAnalysis),
            hint: f.t(.channelHint),
            body: """
                \(card(nil, choices(f)))
                \(report.contacts.isEmpty ? card(nil, emptyState(f.t(.noTouches))) : results(f))
                """
        )
    }

    private func choices(_ f: Frame) -> HTML {
        let kinds = [("", f.t(.all))] + ContactChoice.kinds.map { ($0, f.touchKind($0)) }
        let spans = Self.spans.map { ("\($0)", f.t(.lastMonths, "\($0)")) }
        return """
            <form method="get" action="\(Self.path)" class="stack"><div class="fields three">
            \(field(f.t(.contactPeriod), id: "months", select("months", spans, selected: "\(months)")))
            \(field(f.t(.contactKind), id: "kind", select("kind", kinds, selected: kind)))
            \(field(f.t(.channelRule), id: "rule", help: f.t(.channelRuleHelp), error: error, "<input id=\"rule\" name=\"rule\" value=\"\(rule)\" maxlength=\"2000\" aria-describedby=\"rule-help\">"))</div>
            \(when: !channels.isEmpty, physicalChoice(f))
            <p><button class="button primary" type="submit">\(Icon.chart.markup)\(f.t(.apply))</button></p></form>
            """
    }

    private func physicalChoice(_ f: Frame) -> HTML {
        """
        <fieldset class="wide"><legend>\(f.t(.countsPhysical))</legend><div class="checks">\(each: channels, { channel in
            "<label><input type=\"checkbox\" name=\"physical\" value=\"\(channel)\"\(attribute: "checked", physical.contains(channel) ? "" : nil)> \(f.touchChannel(channel))</label>"
        })</div><input type="hidden" name="chosen" value="yes"></fieldset>
        """
    }

    private func results(_ f: Frame) -> HTML {
        let all = report.preferences.reduce(0) { $0 + $1.subscribers }
        let bars = report.preferences.map {
            Chart.Item(name: f.touchChannel($0.channel), value: Double($0.subscribers), label: f.number($0.subscribers))
        }
        let preferred = Self.preferenceColumns(f, all: all)
        let table = TextTable(
            head: preferred.map(\.title),
            rows: report.preferences.map { row in preferred.map { $0.plain(row) } }
        )
        let description = f.t(.preferenceDescription, f.number(all))
        return """
            <div class="columns">
            \(card(f.t(.contactsByChannel), byChannel(f)))
            \(card(f.t(.channelPreference), actions: f.exportLink(f.address(self, "preference")), f.chart(Chart(kind: .bars, items: bars, description: description), table)))</div>
            \(card(f.t(.channelDiversion), actions: f.exportLink(f.address(self, "diversion")), diverted(f)))
            \(card(f.t(.contactsByKind), f.table(
                f.t(.contactsByKind), Self.columns(f), of: report.contacts, exportPath: Self.path + ".csv",
                searchHint: f.t(.searchChannels), empty: .empty)))
            """
    }

    private func byChannel(_ f: Frame) -> HTML {
        let series = channels.map { channel in
            TrendSeries(
                name: f.touchChannel(channel),
                values: places.map { month in
                    let sum = report.contacts.filter { $0.month == month && $0.channel == channel }
                        .reduce(0) { $0 + $1.contacts }
                    return (Double(sum), f.number(sum))
                }
            )
        }
        return f.trend(
            f.t(.contactsByChannel),
            unit: f.t(.contactsCount),
            places: places.map(\.iso),
            head: f.t(.month),
            series
        )
    }

    private func diverted(_ f: Frame) -> HTML {
        let rows = diversion
        func series(_ name: ConsoleText, _ value: (ChannelDiversion) -> Int) -> TrendSeries {
            TrendSeries(name: f.t(name), values: rows.map { (Double(value($0)), f.number(value($0))) })
        }
        return """
            \(f.trend(
                f.t(.channelDiversion), unit: f.t(.contactsCount), places: places.map(\.iso), head: f.t(.month),
                [series(.physicalChannels, \.physical), series(.electronicChannels, \.electronic)]))
            <div class="scroll" tabindex="0" role="region" aria-label="\(f.t(.channelDiversion))">\(f.plainTable(Self.diversionColumns(f), rows))</div>
            """
    }
}

extension Frame {
    /// The export of a part of the analysis, with the same choices.
    fileprivate func address(_ page: ChannelsPage, _ part: String) -> String {
        "\(ChannelsPage.path)/\(part).csv" + Self.encoded(query)
    }
}
