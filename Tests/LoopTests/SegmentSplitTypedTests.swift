// Splits as people type them.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Testing

@Suite struct SegmentSplitTypedTests {
    @Test(
        arguments: [
            (["random:3"], .random(weights: [1, 1, 1], draw: 1)),
            (["random:1,1,2"], .random(weights: [1, 1, 2], draw: 1)),
            (["tail:13579,02468"], .tailDigits(["13579", "02468"])), (["value:city"], .attribute("city")),
            (["bands:age:30,50"], .bands("age", edges: ["30", "50"])), (["rule:age > 30"], .conditions(["age > 30"])),
            (["rule:name = 'a:b'", "rule:TRUE"], .conditions(["name = 'a:b'", "TRUE"])),
        ] as [([String], SegmentSplit)]
    )
    func `a way and its details make a split`(typed: [String], split: SegmentSplit) throws {
        #expect(try SegmentSplit(typed: typed) == split)
    }

    @Test(arguments: [
        [], [""], ["random"], ["random:"], ["random:a,b"], ["bands:age"], ["age"], ["values:age"],
        ["random:2", "tail:1"],
        ["rule:TRUE", "value:city"], ["random:1:2"],
    ])
    func `what is no split is refused`(typed: [String]) {
        #expect(throws: PlanningError.self) { try SegmentSplit(typed: typed) }
    }

    @Test func `the console names the way apart from its details, and rules by line`() throws {
        #expect(try SegmentSplit(by: "random", detail: "1 1;2") == .random(weights: [1, 1, 2], draw: 1))
        #expect(
            try SegmentSplit(by: "random", detail: "100") == .random(weights: Array(repeating: 1, count: 100), draw: 1)
        )
        #expect(
            try SegmentSplit(by: "random", detail: "0") == .random(weights: [0], draw: 1),
            "refused later: a part is nobody"
        )
        #expect(try SegmentSplit(by: "conditions", detail: "age > 30\n \nTRUE") == .conditions(["age > 30", "TRUE"]))
        #expect(try SegmentSplit(by: "bands:age", detail: "30, 50") == .bands("age", edges: ["30", "50"]))
        #expect(throws: PlanningError.self) { try SegmentSplit(by: "age", detail: "") }
    }

    @Test(arguments: [("abc", 3), ("号码", 4), ("", 0), ("😀 ok", 5)])
    func `a terminal shows Chinese and pictures two columns wide`(text: String, columns: Int) {
        #expect(text.columns == columns)
    }
}
