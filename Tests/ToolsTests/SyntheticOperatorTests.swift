// The synthetic operator: the same for any order of generation, unique numbers, realistic shares and relations.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Ports
import Synthetic
import Testing

@Suite struct SyntheticOperatorTests {
    @Test(arguments: SyntheticTable.allCases)
    func `blocks generated backwards and on several threads give the same bytes`(table: SyntheticTable) async throws {
        let world = try Example.world(5_000)
        let whole = csv(world, table)
        let parts = stride(from: 0, to: 5_000, by: 700).map { $0..<min($0 + 700, 5_000) }
        let together = await withTaskGroup(of: (Int, [UInt8]).self) { group in
            for part in parts.reversed() { group.addTask { (part.lowerBound, csv(world, table, subscribers: part)) } }
            return await group.reduce(into: [Int: [UInt8]]()) { $0[$1.0] = $1.1 }
        }
        #expect(parts.flatMap { together[$0.lowerBound] ?? [] } == whole)
        #expect(!whole.isEmpty)
    }

    @Test func `a larger operator of the same seed begins with the smaller one, another seed differs`() throws {
        let small = csv(try Example.world(300), .subscriber)
        #expect(csv(try Example.world(2_000), .subscriber, subscribers: 0..<300) == small)
        #expect(csv(try Example.world(300, seed: 2), .subscriber) != small)
    }

    @Test func `line ids rise with the index and lead back to it`() throws {
        let world = try Example.world(20_000)
        let lines = try Example.subscribers.get().integers("line_id")
        #expect(zip(lines, lines.dropFirst()).allSatisfy { $0 < $1 })
        for (index, line) in lines.enumerated().filter({ $0.offset % 97 == 0 }) {
            #expect(world.line(index) == LineID(line))
            #expect(world.index(of: LineID(line)) == index)
            #expect(world.index(of: LineID(line + 1)) == nil)
        }
        #expect(world.index(of: LineID(1)) == nil)
        #expect(world.index(of: try Example.world(20_001).line(20_000)) == nil)
    }

    @Test func `numbers are unique, well formed and from the home city's ranges`() throws {
        let plan = try Example.numbers()
        let table = try Example.subscribers.get()
        let numbers = try table.integers("msisdn")
        #expect(Set(numbers).count == 20_000)
        #expect(Set(try table.integers("imsi")).count == 20_000)
        #expect(numbers.allSatisfy { MSISDN(normalising: String($0))?.number == $0 })
        let cities = try table.texts("city")
        let provinces = try table.texts("province")
        for row in stride(from: 0, to: 20_000, by: 7) {
            #expect(plan.cityCode(of: MSISDN(numbers[row])).map(String.init) == cities[row])
            #expect(cities[row].hasPrefix(provinces[row]))
        }
        #expect(Set(cities).count == 51)
    }

    @Test func `every number of a small plan is used exactly once`() throws {
        let plan = try NumberPlan(csv: "prefix7,city_code\n1390931,6201\n1380971,6301\n")
        let asOf = try #require(LocalDay(iso: "2026-02-28"))
        let world = try SyntheticOperator(seed: 3, subscribers: 20_000, asOf: asOf, numbers: plan)
        let numbers = try MemoryTable(world, .subscriber).integers("msisdn").sorted()
        let ranges: [ClosedRange<Int64>] = [
            8_613_809_710_000...8_613_809_719_999, 8_613_909_310_000...8_613_909_319_999,
        ]
        #expect(numbers == ranges.flatMap { Array($0) })
        #expect(throws: SyntheticError.tooFewNumbers(subscribers: 20_001, numbers: 20_000)) {
            try SyntheticOperator(seed: 3, subscribers: 20_001, asOf: asOf, numbers: plan)
        }
        #expect(throws: SyntheticError.size(0)) {
            try SyntheticOperator(seed: 3, subscribers: 0, asOf: asOf, numbers: plan)
        }
    }

    @Test(arguments: [
        ("prefix,city\n", 1), ("prefix7,city_code\n139093,6201\n", 2), ("prefix7,city_code\n1390931,62\n", 2),
        ("prefix7,city_code\n1390931,6201\n1290931,6201\n", 3), ("prefix7,city_code\n", 0),
        ("prefix7,city_code\n1390931,6201\n1390931,6202\n", 0),
    ])
    func `a wrong file of number ranges is refused with its line`(text: String, line: Int) throws {
        let error = try #require(throws: NumberPlanError.self) { try NumberPlan(csv: text) }
        #expect(error.line == line)
    }

    @Test func `shares are those of a real operator`() throws {
        let table = try Example.subscribers.get()
        func share(_ column: String, _ value: String) throws -> Double {
            percent(try table.texts(column).lazy.map { $0 == value })
        }
        #expect((18...22).contains(try share("brand", "全球通")))
        #expect((26...30).contains(try share("brand", "动感地带")))
        #expect((96...98.5).contains(try share("status", "正常")))
        #expect((0.2...0.8).contains(try share("vip_level", "钻卡")))
        #expect((0.3...1.0).contains(try share("vip_level", "金卡")))
        #expect((1...2.5).contains(try share("vip_level", "银卡")))
        #expect((4.5...5.5).contains(percent(try table.nulls("age"))))
        #expect((5...7).contains(percent(try table.integers("complaints_6m").lazy.map { $0 > 0 })))
        #expect((60...90).contains(mean(try table.integers("arpu_avg_3m")) / 100))
        #expect((5...11).contains(mean(try table.integers("churn_risk")) / 10_000))
        for flag in ["is_5g_plan", "has_contract", "has_broadband", "app_user", "e_bill", "dual_sim", "video_user"] {
            #expect((10...70).contains(percent(try table.flags(flag))), "\(flag)")
        }
    }

    @Test func `brand, age, spending, data use, tenure, complaints and churn hang together`() throws {
        let table = try Example.subscribers.get()
        let brand = try table.texts("brand")
        let arpu = try table.integers("arpu_avg_3m")
        let tenure = try table.integers("tenure_months")
        func average(_ values: [Int64], _ name: String) -> Double {
            mean(zip(values, brand).filter { $0.1 == name }.map(\.0))
        }
        #expect(average(arpu, "全球通") > 1.5 * average(arpu, "动感地带"))
        #expect(average(arpu, "动感地带") > 1.1 * average(arpu, "神州行"))
        #expect(average(tenure, "全球通") > 1.3 * average(tenure, "神州行"))
        let data = try table.integers("data_gb_avg_3m")
        let churn = try table.integers("churn_risk")
        #expect(correlation(data, arpu) > 0.3)
        #expect(correlation(try table.integers("age"), data) < -0.3)
        #expect(correlation(churn, try table.integers("complaints_6m")) > 0.15)
        #expect(correlation(churn, tenure) < -0.1)
    }

    @Test func `neighbours in line order are unrelated`() throws {
        let table = try Example.subscribers.get()
        for column in ["arpu_avg_3m", "age", "churn_risk", "msisdn"] {
            let values = try table.integers(column)
            #expect(abs(correlation(values.dropLast(), values.dropFirst())) < 0.02, "\(column)")
        }
    }

    @Test func `facts agree with each other`() throws {
        let world = try Example.world(20_000)
        let table = try Example.subscribers.get()
        let age = try table.integers("age")
        let unknown = try table.nulls("age")
        let birthday = try table.days("birthday")
        let tenure = try table.integers("tenure_months")
        let joined = try table.days("join_day")
        #expect(try table.nulls("birthday") == unknown)
        /// Rows in which `asOf` is not within the month or year after `months` full months from `start`.
        func wrong(_ start: [Int32], _ months: [Int64], within length: Int) -> [Int] {
            start.indices.filter { row in
                let day = LocalDay(number: start[row])
                let isTooLong = day.components.day <= 28 && day.adding(months: Int(months[row])) > world.asOf
                return isTooLong || day.adding(months: Int(months[row]) + length) <= world.asOf
            }
        }
        #expect(wrong(birthday, age.map { $0 * 12 }, within: 12).filter { !unknown[$0] } == [])
        #expect(wrong(joined, tenure, within: 1) == [])
        let ends = try table.days("contract_end")
        let noContract = try table.nulls("contract_end")
        let running = ends.indices.map { !noContract[$0] && ends[$0] >= world.asOf.number }
        #expect(try table.flags("has_contract") == running)
    }
}
