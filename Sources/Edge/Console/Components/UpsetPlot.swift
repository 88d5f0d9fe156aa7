// Who is in exactly which of some sets, as an UpSet plot: a bar for each combination, dots below say which sets it is of.
// SPDX-License-Identifier: Apache-2.0

import Texts

/// An UpSet plot; the largest combinations come first.
///
/// The sets stand at its left as text; the bars scroll beside them where the screen is narrow.
struct UpsetPlot {
    /// Combinations that are drawn at most; the table behind has all.
    static let mostBars = 24

    struct Group {
        var name: String
        var count: Int
    }

    struct Combination {
        /// Places of the sets it is of.
        var sets: Set<Int>
        /// As people read it.
        var name: String
        var count: Int
    }

    var sets: [Group]
    var combinations: [Combination]
    /// What assistive technology says of the picture.
    var description: String

    /// Pixels of a row of dots, as the style sheet has it for the names, and of the bars with the numbers above.
    private static let (row, bars, head) = (40, 150, 22)

    private var drawn: ArraySlice<Combination> { combinations.prefix(Self.mostBars) }
    private func middle(ofRow set: Int) -> Int { Self.head + Self.bars + Self.row * set + Self.row / 2 }

    /// The picture; its table is put behind by ``Frame/plot(_:_:)``.
    func markup(_ f: Frame) -> HTML {
        let largest = max(1, sets.map(\.count).max() ?? 1)
        return """
            <div class="upset"><ol>\(each: sets, { set in
                "<li title=\"\(set.name)\"><span>\(set.name)</span><small>\(f.number(set.count))</small>\(share(set.count, of: largest))</li>"
            })</ol>\
            <div class="scroll" tabindex="0" role="region" aria-label="\(description)">\(picture(f))</div></div>
            """
    }

    /// How large a set is beside the largest.
    private func share(_ count: Int, of largest: Int) -> HTML {
        """
        <svg width="100%" height="6" aria-hidden="true"><rect class="bar" width="\(count * 100 / largest)%" height="6" rx="2"/>\
        </svg>
        """
    }

    private func picture(_ f: Frame) -> HTML {
        let labels = drawn.map { f.number($0.count) }
        // A column is as wide as the longest number above it.
        let step = max(38, 14 + 7 * (labels.map(\.count).max() ?? 0))
        let (width, height) = (step * drawn.count, Self.head + Self.bars + Self.row * sets.count)
        let columns = zip(drawn, labels).enumerated().map { place, column in
            self.column(column.0, label: column.1, from: place * step, step: step)
        }
        return """
            <svg role="img" aria-label="\(description)" width="\(width)" height="\(height)">\
            \(each: sets.indices.filter { $0 % 2 == 0 }, { set in
                "<rect class=\"band\" y=\"\(middle(ofRow: set) - Self.row / 2)\" width=\"100%\" height=\"\(Self.row)\"/>"
            })\(columns)</svg>
            """
    }

    private func column(_ combination: Combination, label: String, from left: Int, step: Int) -> HTML {
        let most = max(1, combinations.first?.count ?? 1)
        let height = max(1, combination.count * Self.bars / most)
        let (top, bottom) = (Self.head + Self.bars - height, Self.head + Self.bars)
        let (middle, width) = (left + step / 2, min(30, step - 12))
        let (first, last) = (combination.sets.min() ?? 0, combination.sets.max() ?? 0)
        let dots: HTML = """
            \(each: sets.indices, { set in
                "<circle class=\"\(combination.sets.contains(set) ? "in" : "out")\" cx=\"\(middle)\" cy=\"\(self.middle(ofRow: set))\" r=\"7\"/>"
            })
            """
        return """
            <g><title>\(combination.name): \(label)</title>\
            <rect class="hit" x="\(left)" width="\(step)" height="100%"/>\
            <rect class="bar" x="\(middle - width / 2)" y="\(top)" width="\(width)" height="\(bottom - top)"/>\
            <text x="\(middle)" y="\(top - 6)" text-anchor="middle">\(label)</text>\
            <line x1="\(middle)" x2="\(middle)" y1="\(self.middle(ofRow: first))" y2="\(self.middle(ofRow: last))"/>\
            \(dots)</g>
            """
    }
}

extension Frame {
    /// The plot, what its signs mean, and folded behind it its table.
    func plot(_ plot: UpsetPlot, _ table: TextTable) -> HTML {
        let (all, most) = (plot.combinations.count, UpsetPlot.mostBars)
        return """
            <figure class="chart"><p class="help">\(t(.upsetHelp))\(when: all > most, " \(t(.upsetLargest, "\(most)", "\(all)"))")</p>\
            \(plot.markup(self))
            <details><summary>\(t(.dataTable))</summary>
            \(scrolled(plot.description, plainTable(table.columns, table.rows)))</details></figure>

            """
    }
}
