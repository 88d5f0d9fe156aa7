// Months, contacts, complaints and subscriptions of the synthetic operator agree with the subscribers and bite the caps.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Synthetic
import Testing

@Suite struct SyntheticHistoryTests {
    @Test func `three months a subscriber, and their mean is the subscriber's`() throws {
        let world = try Example.world(5_000)
        let months = MemoryTable(world, .subscriberMonth)
        let subscribers = MemoryTable(world, .subscriber)
        #expect(months.rowCount == 15_000)
        let starts = ["2026-08-01", "2026-09-01", "2026-10-01"].compactMap { LocalDay(iso: $0)?.number }
        #expect(try Array(months.days("month").prefix(6)) == starts + starts)
        let total = try months.integers("fee_total")
        let parts = try [
            "fee_rent", "fee_voice", "fee_data", "fee_sms", "fee_value_added", "fee_roaming",
        ].map { try months.integers($0) }
        let discount = try months.integers("discount")
        let sums = total.indices.map { row in parts.reduce(-discount[row]) { sum, part in sum + part[row] } }
        #expect(sums == total)
        #expect(total.allSatisfy { $0 >= 0 })
        let arpu = try subscribers.integers("arpu_avg_3m")
        let means = arpu.indices.map { total[(3 * $0)..<(3 * $0 + 3)].reduce(0, +) / 3 }
        #expect(arpu == means)
        #expect(try subscribers.integers("fee_last_month") == arpu.indices.map { total[3 * $0 + 2] })
    }

    @Test func `contacts are in order, inside the history and after joining`() throws {
        let world = try Example.world(20_000)
        let contacts = try Example.contacts.get()
        let lines = try contacts.integers("line_id")
        let at = try contacts.integers("at")
        let days = try contacts.days("day")
        let ordered = lines.indices.dropLast().allSatisfy { (lines[$0], at[$0]) <= (lines[$0 + 1], at[$0 + 1]) }
        #expect(ordered)
        let first = try #require(LocalDay(iso: "2026-08-01")).number
        let history = first..<world.asOf.number
        #expect(days.allSatisfy { history.contains($0) })
        let localDays = at.map { Int32(($0 / 1_000_000 + 28_800) / 86_400) }
        #expect(localDays == days)
        let joined = try Example.subscribers.get().days("join_day")
        let early = lines.indices.filter { row in
            guard let index = world.index(of: LineID(lines[row])) else { return true }
            return days[row] < joined[index]
        }
        #expect(early == [])
        #expect((3...6).contains(Double(contacts.rowCount) / 20_000))
        let kinds = try contacts.texts("kind")
        #expect(try contacts.nulls("category") == kinds.map { $0 != "marketing" })
        #expect(try contacts.nulls("campaign") == kinds.map { $0 != "marketing" })
        #expect(Set(kinds).count == 6)
        #expect(Set(try contacts.texts("channel")) == Set(ChannelClass.allCases.map(\.code)))
    }

    @Test func `some subscribers are at or over the caps of FRQ-01, most are far below`() throws {
        let contacts = try Example.contacts.get()
        let lines = try contacts.integers("line_id")
        let days = try contacts.days("day")
        let kinds = try contacts.texts("kind")
        let channels = try contacts.texts("channel")
        let september = try #require(LocalDay(iso: "2026-09-01")).number
        let november = try #require(LocalDay(iso: "2026-11-01")).number
        var sms: [Int64: Int] = [:]
        var overall: [Int64: Int] = [:]
        var called: Set<Int64> = []
        for row in 0..<contacts.rowCount where kinds[row] == "marketing" {
            if days[row] >= november {
                if channels[row] == "sms" { sms[lines[row], default: 0] += 1 }
                if channels[row] != "website" { overall[lines[row], default: 0] += 1 }
            }
            if channels[row] == "outbound", days[row] >= september { called.insert(lines[row]) }
        }
        func share(_ counts: [Int64: Int], atLeast cap: Int) -> Double {
            Double(counts.values.count { $0 >= cap }) / 200
        }
        #expect((1.5...6).contains(share(sms, atLeast: 3)))
        #expect((0.5...3).contains(share(sms, atLeast: 4)))
        #expect((0.5...3).contains(share(overall, atLeast: 4)))
        #expect((0.2...1.5).contains(share(overall, atLeast: 5)))
        #expect((5...11).contains(Double(called.count) / 200))
    }

    @Test func `complaint and enquiry rows are as many as the subscribers say`() throws {
        let world = try Example.world(20_000)
        let subscribers = try Example.subscribers.get()
        let complaints = MemoryTable(world, .complaint)
        let lines = try subscribers.integers("line_id")
        var counted: [Int64: Int64] = [:]
        for line in try complaints.integers("line_id") { counted[line, default: 0] += 1 }
        #expect(try subscribers.integers("complaints_6m") == lines.map { counted[$0] ?? 0 })
        var last: [Int64: Int32] = [:]
        for (line, day) in zip(try complaints.integers("line_id"), try complaints.days("day")) { last[line] = day }
        #expect(try subscribers.days("last_complaint_day") == lines.map { last[$0] ?? 0 })
        let halfYear = world.asOf.number - 182..<world.asOf.number
        #expect(try complaints.days("day").allSatisfy { halfYear.contains($0) })

        let contacts = try Example.contacts.get()
        let kinds = try contacts.texts("kind")
        let days = try contacts.days("day")
        let november = try #require(LocalDay(iso: "2026-11-01")).number
        let asked = kinds.indices.count { kinds[$0] == "enquiry" && days[$0] < november }
        #expect(try subscribers.integers("enquiries_3m").reduce(0, +) == Int64(asked))
    }

    @Test func `each subscriber holds the plan and the products that the attributes name`() throws {
        let world = try Example.world(5_000)
        let subscribers = MemoryTable(world, .subscriber)
        let subscriptions = MemoryTable(world, .subscription)
        let from = try subscriptions.days("from_day")
        let to = try subscriptions.days("to_day")
        let open = try subscriptions.nulls("to_day")
        let today = world.asOf.number
        #expect(from.indices.allSatisfy { open[$0] || (from[$0] <= to[$0] && to[$0] <= today) })
        let products = try subscriptions.texts("product")
        var held: [Int64: Set<String>] = [:]
        for (row, line) in try subscriptions.integers("line_id").enumerated() where open[row] {
            held[line, default: []].insert(products[row])
        }
        let lines = try subscribers.integers("line_id")
        let plans = try subscribers.texts("tariff_plan")
        let broadband = try subscribers.flags("has_broadband")
        let video = try subscribers.flags("video_user")
        let wrong = lines.indices.filter { row in
            let own = held[lines[row]] ?? []
            return !own.contains(plans[row]) || own.contains("家庭宽带") != broadband[row]
                || own.contains("视频会员") != video[row]
        }
        #expect(wrong == [])
    }
}
