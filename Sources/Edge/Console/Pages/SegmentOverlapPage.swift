// Segments side by side, before they are used.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Segmentation
import Texts

/// Segments side by side: how many they have in common.
struct SegmentOverlapPage {
    /// Segments that are compared at most.
    static let most = Overlap.mostSets

    /// Segments to choose from.
    var choices: [Segment]
    var chosen: [Segment]
    var overlap: Overlap?

    struct Combination: Sendable {
        var names: [String]
        var count: Int
    }

    static func columns(_ f: Frame) -> [Column<Combination>] {
        [
            Column(f.t(.exactlyIn), plain: { $0.names.joined(separator: " ∩ ") }),
            Column(
                f.t(.memberCount),
                key: "count",
                isNumber: true,
                rank: { Int64($0.count) },
                plain: { f.number($0.count) }
            ),
        ]
    }

    /// Pairs of segments, as the matrix has them.
    struct Pair: Sendable {
        var a: String
        var b: String
        var both: Int
    }

    static func pairColumns(_ f: Frame) -> [Column<Pair>] {
        [
            Column(f.t(.segment), plain: \.a), Column(f.t(.segment), plain: \.b),
            Column(f.t(.memberCount), isNumber: true, plain: { "\($0.both)" }),
        ]
    }

    static func pairs(_ overlap: Overlap, of segments: [Segment]) -> [Pair] {
        segments.indices.flatMap { a in
            segments.indices.map { Pair(a: segments[a].name, b: segments[$0].name, both: overlap.both(a, $0)) }
        }
    }

    /// Combinations that somebody is in, the largest first.
    static func combinations(_ overlap: Overlap, of segments: [Segment]) -> [Combination] {
        overlap.exactly.indices.dropFirst().filter { overlap.exactly[$0] > 0 }
            .map { part in
                let names = segments.indices.filter { part >> $0 & 1 == 1 }.map { segments[$0].name }
                return Combination(names: names, count: overlap.exactly[part])
            }
            .sorted { $0.count > $1.count }
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .segments,
            title: f.t(.compareSegments),
            hint: f.t(.compareHint, "\(Self.most)"),
            body: "\(card(f.t(.chooseSegments), chooser(f)))\(overlap.map { found($0, f) })"
        )
    }

    private func chooser(_ f: Frame) -> HTML {
        """
        <form method="get" action="/segments/overlap"><fieldset class="checks"><legend>\(f.t(.segment))</legend>\(each: choices, { segment in
            "<label class=\"check\"><input type=\"checkbox\" name=\"s\" value=\"\(Int(segment.id))\"\(attribute: "checked", chosen.contains { $0.id == segment.id } ? "" : nil)>\(segment.name)\(when: segment.count != nil, " <small>\(f.number(Int(segment.count ?? 0)))</small>")</label>"
        })</fieldset><button class="button primary" type="submit">\(f.t(.compareNow))</button></form>
        """
    }

    private func found(_ overlap: Overlap, _ f: Frame) -> HTML {
        let combinations = Self.combinations(overlap, of: chosen)
        let items = combinations.prefix(20).map {
            Chart.Item(name: $0.names.joined(separator: " ∩ "), value: Double($0.count), label: f.number($0.count))
        }
        let sets = chosen.indices
        return """
            \(card(f.t(.overlapMatrix), actions: f.exportLink("/segments/overlap/matrix.csv?" + chosen.map { "s=\($0.id)" }.joined(separator: "&")), f.scrolled(f.t(.overlapMatrix), """
                <table><thead><tr><th></th>\(each: chosen, { "<th scope=\"col\" class=\"number\">\($0.name)</th>" })</tr></thead>
                <tbody>\(each: sets, { a in "<tr><th scope=\"row\">\(chosen[a].name)</th>\(each: sets, { b in "<td class=\"number\">\(f.number(overlap.both(a, b)))<br><small>\(f.share(overlap.both(a, b), of: overlap.both(a, a)))</small></td>" })</tr>" })</tbody></table>
                """)))
            \(card(f.t(.exactlyIn), actions: f.exportLink("/segments/overlap.csv?" + chosen.map { "s=\($0.id)" }.joined(separator: "&")), """
                \(f.chart(Chart(kind: .bars, items: Array(items), description: f.t(.exactlyIn)), TextTable(Self.columns(f), combinations)))
                """))
            """
    }
}
