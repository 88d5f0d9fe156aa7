// Charts: numbers for the script that draws them, and always a table with the same numbers behind.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Texts

/// A chart as the script gets it.
struct Chart: Encodable {
    /// What to draw.
    enum Kind: String, Encodable {
        /// Stages, each a part of the one before.
        case funnel
        /// Bars, longest first.
        case bars
        /// Two shares with intervals, and their difference.
        case lift
        /// One or more series over months.
        case trend
        /// Bars of one or two series over values in their order.
        case shares
    }

    struct Item: Encodable {
        var name: String
        var value: Double
        /// The value as people read it.
        var label: String
        /// Ends of the interval, for ``Kind/lift``.
        var low: Double?
        var high: Double?
        /// Which series it is of, for ``Kind/trend`` and ``Kind/shares``.
        var series: String?
    }

    var kind: Kind
    var items: [Item]
    /// What assistive technology says of the picture.
    var description: String
    /// Unit of the values, and the places in their order, for ``Kind/trend`` and ``Kind/shares``.
    var unit: String?
    var places: [String]?
}

extension Frame {
    /// The chart and, folded behind it, its table.
    func chart(_ chart: Chart, _ table: TextTable) -> HTML {
        let json = (try? chart.canonicalJSON()).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        return """
            <figure class="chart"><div class="canvas \(chart.kind.rawValue)\(chart.items.count <= 4 ? " few" : "")" role="img" \
            aria-label="\(chart.description)" data-chart="\(json)"></div>
            <details><summary>\(t(.dataTable))</summary>
            \(plainTable(table.columns, table.rows))</details></figure>

            """
    }
}
