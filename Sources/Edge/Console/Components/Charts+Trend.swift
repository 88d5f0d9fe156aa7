// Charts over months: one or more series with their unit, and the table behind.
// SPDX-License-Identifier: Apache-2.0

import Texts

/// Values of one name over time.
struct TrendSeries {
    var name: String
    /// As many as the chart has places; nil = unknown.
    var values: [(value: Double, label: String)?]
}

extension Frame {
    /// Series over places such as months; bars when there is one, else lines.
    func trend(_ title: String, unit: String, places: [String], head: String, _ series: [TrendSeries]) -> HTML {
        guard let first = places.first, let last = places.last else { return .empty }
        let items = series.flatMap { series in
            zip(places, series.values).compactMap { place, value in
                value.map { Chart.Item(name: place, value: $0.value, label: $0.label, series: series.name) }
            }
        }
        let description = t(.trendDescription, title, unit, first, last)
        let table = TextTable(
            head: [head] + series.map(\.name),
            rows: places.indices.map { place in
                [places[place]] + series.map { $0.values[place]?.label ?? "--" }
            }
        )
        return chart(Chart(kind: .trend, items: items, description: description, unit: unit, places: places), table)
    }
}
