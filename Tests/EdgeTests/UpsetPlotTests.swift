// The picture of segments side by side, and what stands behind it.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Kernel
import Model
import Segmentation
import Testing
import Texts

@testable import Console

@Suite struct UpsetPlotTests {
    private static let now = LocalTime(instant: Instant(epochMs: 1_789_531_200_000), offsetSeconds: 28_800)

    private func segments(_ count: Int) -> [Segment] {
        (1...count).map { number in
            var segment = Segment(
                name: "S\(number)",
                rule: "TRUE",
                owner: "plan",
                scope: .all,
                updatedAt: Self.now.instant
            )
            segment.id = Int64(number)
            return segment
        }
    }

    private func markup(_ count: Int, _ sets: [Bitset], cut: Bool = false) -> String {
        let chosen = segments(count)
        let frame = Frame(language: .en, staff: nil, path: "/segments/overlap", now: Self.now)
        let overlap = sets.isEmpty ? nil : Overlap(sets, threads: 1)
        return SegmentOverlapPage(choices: chosen, chosen: chosen, overlap: overlap, isCut: cut).page(frame).body.text
    }

    private func set(_ members: some Sequence<UInt32>) -> Bitset {
        var set = Bitset(universe: 300)
        for member in members { set.insert(member) }
        return set
    }

    private func count(_ part: String, in text: String) -> Int { text.components(separatedBy: part).count - 1 }

    @Test func `combinations come largest first, each a bar with a dot for every segment`() throws {
        let sets = [set(0..<100), set(60..<100), set(90..<130)]
        let chosen = segments(3)
        let combinations = SegmentOverlapPage.combinations(Overlap(sets, threads: 1), of: chosen)
        #expect(combinations.map(\.count) == [60, 30, 30, 10])
        #expect(combinations.map(\.names) == [["S1"], ["S1", "S2"], ["S3"], ["S1", "S2", "S3"]])
        let text = markup(3, sets)
        #expect(count("<title>", in: text) == 4 && text.contains("<title>S1 ∩ S2: 30</title>"))
        #expect(count("<circle class=\"in\"", in: text) == 7 && count("<circle", in: text) == 12)
        // The largest bar is as high as the plot, the others in proportion.
        for height in [150, 75, 25] { #expect(text.contains("height=\"\(height)\"/>"), "\(height)") }
        #expect(text.contains("3 segments have 4 combinations; the largest is S1 with 60 subscribers"))
        #expect(!text.contains("style="), "the security policy has no inline styles")
    }

    @Test func `of many combinations the largest are drawn and all are in the table`() {
        // Subscriber i is in set k when bit k of i is set: 31 combinations of five sets.
        let sets = (0..<5).map { bit in set((0..<300).filter { ($0 % 32) >> UInt32(bit) & 1 == 1 }) }
        let text = markup(5, sets)
        #expect(count("<title>", in: text) == UpsetPlot.mostBars)
        #expect(text.contains("Drawn are the 24 largest of 31"))
        let table = text.components(separatedBy: "<details>")[1].components(separatedBy: "</details>")[0]
        #expect(count("<tr>", in: table) == 32)
    }

    @Test func `what there is nothing to draw of says so`() {
        #expect(markup(2, [Bitset(universe: 9), Bitset(universe: 9)]).contains("Nobody is in any of these segments"))
        #expect(markup(1, []).contains("Choose at least one more segment"))
        #expect(markup(8, (0..<8).map { set([$0]) }, cut: true).contains("here are the first 8"))
    }
}
