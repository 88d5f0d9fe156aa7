// How values of an attribute are spread: rows, charts and sentences.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Profiles
import Texts

/// Subscribers with one value or a range of values.
struct SpreadRow: Sendable {
    var label: String
    var count: ColumnDistribution.Counts
}

extension Attribute {
    /// Rows of a chart at most, besides those without a value.
    private static let mostRows = 20

    /// An unscaled number or a day as people read it.
    func shown(unscaled value: Int64) -> String {
        switch type {
        case .decimal(let scale): Scaled(unscaled: value, scale: scale).description
        case .day: LocalDay(number: Int32(truncatingIfNeeded: value)).iso
        default: "\(value)"
        }
    }

    /// The parts of a distribution in their order, few enough to look at: ranges are joined, rare texts are the others.
    func rows(of distribution: ColumnDistribution, _ f: Frame) -> [SpreadRow] {
        let parts = distribution.parts
        var (rows, others): ([SpreadRow], ColumnDistribution.Counts) = ([], distribution.others)
        if isOrderedNumber {
            let each = (parts.count + Self.mostRows - 1) / Self.mostRows
            rows = stride(from: 0, to: parts.count, by: max(1, each)).map { start in
                let joined = parts[start..<min(start + each, parts.count)]
                let (low, high) = (parts[start].values.lowerBound, joined.last?.values.upperBound ?? 0)
                let label = low == high ? shown(unscaled: low) : "\(shown(unscaled: low)) ~ \(shown(unscaled: high))"
                return SpreadRow(label: label, count: Self.sum(joined.map(\.count)))
            }
        } else {
            let weights = parts.map { part in
                max(
                    Self.ppm(part.count.base, distribution.total.base),
                    Self.ppm(part.count.members, distribution.total.members)
                )
            }
            let kept = Set(parts.indices.sorted { (-weights[$0], $0) < (-weights[$1], $1) }.prefix(Self.mostRows))
            rows = parts.indices.filter(kept.contains).map { place in
                let text = parts[place].text ?? (parts[place].values.lowerBound == 1 ? "TRUE" : "FALSE")
                return SpreadRow(label: text.isEmpty ? "''" : shown(text, f.language), count: parts[place].count)
            }
            others = Self.sum(parts.indices.filter { !kept.contains($0) }.map { parts[$0].count } + [others])
        }
        if others.base > 0 { rows.append(SpreadRow(label: f.t(.otherValues), count: others)) }
        if distribution.nulls.base > 0 { rows.append(SpreadRow(label: f.t(.noValue), count: distribution.nulls)) }
        return rows
    }

    var isOrderedNumber: Bool { isNumber || type == .day }

    static func ppm(_ part: Int, _ whole: Int) -> Int { whole == 0 ? 0 : part * 1_000_000 / whole }

    private static func sum(_ counts: [ColumnDistribution.Counts]) -> ColumnDistribution.Counts {
        counts.reduce(into: .init(base: 0, members: 0)) { sum, count in
            sum = .init(base: sum.base + count.base, members: sum.members + count.members)
        }
    }
}

extension Frame {
    /// Name and unit of an attribute.
    func title(_ attribute: Attribute) -> String {
        language(attribute.name) + (attribute.unit.map { language("（\(unit($0))）", " (\(unit($0)))") } ?? "")
    }

    /// Shares of the base, and of members beside it when there are any.
    func spread(_ profiled: ProfiledAttributeView, description: String) -> HTML {
        let (distribution, rows) = (profiled.distribution, profiled.rows(self))
        func items(_ name: String, _ whole: Int, _ count: KeyPath<ColumnDistribution.Counts, Int>) -> [Chart.Item] {
            rows.map { row in
                let value = whole == 0 ? 0 : Double(row.count[keyPath: count]) * 100 / Double(whole)
                return Chart.Item(
                    name: row.label,
                    value: value,
                    label: share(row.count[keyPath: count], of: whole),
                    series: name
                )
            }
        }
        let base = items(t(.inBase), distribution.total.base, \.base)
        let members = profiled.hasMembers ? items(t(.inSegment), distribution.total.members, \.members) : []
        return chart(
            Chart(
                kind: .shares,
                items: members + base,
                description: description,
                unit: t(.shareUnit),
                places: rows.map(\.label)
            ),
            profiled.table(self)
        )
    }
}

/// An attribute, its distribution, and whether members are looked at beside the base.
struct ProfiledAttributeView: Sendable {
    var attribute: Attribute
    var distribution: ColumnDistribution
    var hasMembers: Bool

    func rows(_ f: Frame) -> [SpreadRow] { attribute.rows(of: distribution, f) }

    /// The numbers behind the chart.
    func table(_ f: Frame) -> TextTable {
        let total = distribution.total
        let base = hasMembers ? f.t(.inBase) : f.t(.subscribersUnit)
        var head = [f.title(attribute)]
        if hasMembers { head += [f.t(.inSegment), f.t(.shareOfBaseWord)] }
        head += [base, f.t(.shareOfBaseWord)]
        if hasMembers { head.append(f.t(.differencePoints)) }
        return TextTable(
            head: head,
            rows: rows(f).map { row in
                var cells = [row.label]
                if hasMembers { cells += [f.number(row.count.members), f.share(row.count.members, of: total.members)] }
                cells += [f.number(row.count.base), f.share(row.count.base, of: total.base)]
                if hasMembers {
                    let points =
                        Attribute.ppm(row.count.members, total.members) - Attribute.ppm(row.count.base, total.base)
                    cells.append((points > 0 ? "+" : "") + f.language.fixed(Double(points) / 10_000, decimals: 1))
                }
                return cells
            }
        )
    }

    /// What differs most, in a few words.
    func telling(_ f: Frame) -> String {
        if let members = distribution.memberQuantiles?.median, let base = distribution.baseQuantiles?.median {
            return f.t(.medianBeside, attribute.shown(unscaled: members), attribute.shown(unscaled: base))
        }
        let total = distribution.total
        func gain(_ row: SpreadRow) -> Int {
            Attribute.ppm(row.count.members, total.members) - Attribute.ppm(row.count.base, total.base)
        }
        guard let row = rows(f).max(by: { gain($0) < gain($1) }) else { return "--" }
        return f.t(
            .shareBeside,
            row.label,
            f.share(row.count.members, of: total.members),
            f.share(row.count.base, of: total.base)
        )
    }
}
