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
    /// Whether more were chosen than are compared.
    var isCut = false

    struct Combination: Sendable {
        /// Places of its segments.
        var sets: Set<Int>
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
            .sorted { (-overlap.exactly[$0], $0) < (-overlap.exactly[$1], $1) }
            .map { part in
                let sets = segments.indices.filter { part >> $0 & 1 == 1 }
                return Combination(sets: Set(sets), names: sets.map { segments[$0].name }, count: overlap.exactly[part])
            }
    }

    func page(_ f: Frame) -> Screen {
        Screen(
            item: .segments,
            title: f.t(.compareSegments),
            hint: f.t(.compareHint, "\(Self.most)"),
            body: "\(card(f.t(.chooseSegments), chooser(f)))\(result(f))"
        )
    }

    private func chooser(_ f: Frame) -> HTML {
        """
        <form method="get" action="/segments/overlap"><fieldset class="checks"><legend class="hidden">\(f.t(.segment))</legend>\(each: choices, { segment in
            "<label class=\"check\"><input type=\"checkbox\" name=\"s\" value=\"\(Int(segment.id))\"\(attribute: "checked", chosen.contains { $0.id == segment.id } ? "" : nil)>\(segment.name)\(when: segment.count != nil, " <small>\(f.number(Int(segment.count ?? 0)))</small>")</label>"
        })</fieldset><button class="button primary" type="submit">\(f.t(.compareNow))</button></form>
        """
    }

    /// What comes of the choice: why there is nothing yet, or the comparison.
    private func result(_ f: Frame) -> HTML {
        guard let overlap else {
            return chosen.isEmpty ? .empty : card(nil, "<p>\(f.t(.chooseMoreSegments))</p>")
        }
        return """
            \(when: isCut, "<p class=\"help\">\(f.t(.firstCompared, "\(Self.most)"))</p>")\
            \(exact(overlap, f))\(matrix(overlap, f))
            """
    }

    private func export(_ name: String, _ f: Frame) -> HTML {
        f.exportLink("/segments/\(name).csv?" + chosen.map { "s=\($0.id)" }.joined(separator: "&"))
    }

    private func matrix(_ overlap: Overlap, _ f: Frame) -> HTML {
        let sets = chosen.indices
        let rows: HTML = """
            \(each: sets, { a in
                "<tr><th scope=\"row\">\(chosen[a].name)</th>\(each: sets, { b in "<td class=\"number\">\(f.number(overlap.both(a, b)))<br><small>\(f.share(overlap.both(a, b), of: overlap.both(a, a)))</small></td>" })</tr>"
            })
            """
        let table: HTML = """
            <table class="pairs"><thead><tr><th scope="col">\(f.t(.segment))</th>\(each: chosen, { "<th scope=\"col\" class=\"number\">\($0.name)</th>" })</tr></thead>
            <tbody>\(rows)</tbody></table>
            """
        return card(
            f.t(.overlapMatrix),
            actions: export("overlap/matrix", f),
            f.scrolled(f.t(.overlapMatrix), table)
        )
    }

    private func exact(_ overlap: Overlap, _ f: Frame) -> HTML {
        let combinations = Self.combinations(overlap, of: chosen)
        guard let largest = combinations.first else {
            return card(f.t(.exactlyIn), emptyState(f.t(.nobodyCompared)))
        }
        let plot = UpsetPlot(
            sets: chosen.indices.map { UpsetPlot.Group(name: chosen[$0].name, count: overlap.both($0, $0)) },
            combinations: combinations.map {
                UpsetPlot.Combination(sets: $0.sets, name: $0.names.joined(separator: " ∩ "), count: $0.count)
            },
            description: f.t(
                .upsetDescription,
                "\(chosen.count)",
                "\(combinations.count)",
                largest.names.joined(separator: " ∩ "),
                f.number(largest.count)
            )
        )
        return card(
            f.t(.exactlyIn),
            actions: export("overlap", f),
            f.plot(plot, TextTable(Self.columns(f), combinations))
        )
    }
}
