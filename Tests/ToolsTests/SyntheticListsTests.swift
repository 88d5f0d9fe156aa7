// The special lists of the synthetic operator: sizes, agreement with attributes, blocks in any order.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Synthetic
import Testing

@Suite struct SyntheticListsTests {
    @Test func `each class holds between 0.3 and 4 percent, and a block is the same alone`() throws {
        let world = try Example.world(Block.size + 1_000)
        let alone = world.specialListWords(block: 1)
        let lists = world.specialListMembers()
        #expect(lists.map(\.list) == SyntheticOperator.specialLists)
        #expect(Set(lists.map(\.list)).count == lists.count)
        for (list, members) in lists where list.code != "dnd_01" {
            #expect((200...2_650).contains(members.count), "\(list.code): \(members.count)")
        }
        let requested = lists.filter { $0.list.code == "dnd_01" }
        #expect(requested.count == 5)
        #expect((1_400...2_700).contains(requested.reduce(0) { $0 + $1.members.count }))
        for (list, members) in requested { #expect(members.count > 40, "\(list)") }
        for (entry, words) in zip(lists, alone) {
            let tail = entry.members.words[Block.words...]
            #expect(tail.elementsEqual(words.prefix(tail.count)) && words[tail.count...].allSatisfy { $0 == 0 })
        }
    }

    @Test func `lists that attributes decide agree with them`() throws {
        let world = try Example.world(20_000)
        let table = try Example.subscribers.get()
        let lists = Dictionary(uniqueKeysWithValues: world.specialListMembers().map { ($0.list, $0.members) })
        func check(_ number: Int, _ column: String, _ values: Set<String>) throws {
            let members = try #require(lists[.dnd(number)])
            let wrong = try table.texts(column).enumerated().filter { index, value in
                members.contains(UInt32(index)) != values.contains(value)
            }
            #expect(wrong.map(\.offset) == [], "class \(number)")
        }
        try check(3, "vip_level", ["钻卡", "金卡"])
        try check(4, "vip_level", ["银卡"])
        try check(10, "customer_type", ["单位户"])
        try check(14, "status", ["停机"])
        try check(15, "status", ["销号"])
    }
}
