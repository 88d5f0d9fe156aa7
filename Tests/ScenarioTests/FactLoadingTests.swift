// Loads of contacts, months and subscriptions: they add up, count once, survive crashes, and can be taken out again.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Planning
import Ports
import SimulatedChannel
import Synchronization
import Testing

@Suite(.serialized) struct FactLoadingTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-facts-\(UUID().uuidString)")
        .path(percentEncoded: false)
    private let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/telco-churn").path(percentEncoded: false)

    private struct Crash: Error {}

    /// Ends a load at a step once it is armed.
    private final class Trap: Sendable {
        let step = Mutex<LoadStep?>(nil)

        func pass(_ now: LoadStep) throws {
            let isHere = step.withLock { step in
                guard step == now else { return false }
                step = nil
                return true
            }
            if isHere { throw Crash() }
        }
    }

    private func open(_ name: String, trap: Trap = Trap()) async throws -> Platform {
        let platform = try await Platform(
            PlatformSettings(directory: "\(folder)/\(name)"),
            loadStep: { try trap.pass($0) },
            gateway: { _ in SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) } }
        )
        if try await platform.host.read({ $0.subscribers }) == 0 { try await load(platform, customers(40)) }
        return platform
    }

    private func customers(_ count: Int, from first: Int = 0) throws -> [String] {
        let lines = try String(contentsOfFile: example + "/customers.csv", encoding: .utf8).split(separator: "\n")
        return [String(lines[0])] + lines.dropFirst(1 + first).prefix(count).map(String.init)
    }

    /// The line id of a customer of the example file.
    private func line(_ number: Int) throws -> String {
        String(try customers(1, from: number)[1].prefix { $0 != "," })
    }

    private static let mappings = [
        "contact": """
        columns:
          line_id: line
          at: at
          channel: channel
          kind: { constant: marketing }
          category: category
          campaign: campaign
        """,
        "subscription": """
        columns:
          line_id: line
          product: product
          from_day: from
          to_day: { column: to, blank: "null" }
        """,
        "subscriber_month": """
        columns:
          line_id: line
          month: { column: month, date: YYYY-MM }
          fee: { column: fee, type: decimal(2) }
        """,
    ]

    @discardableResult
    private func load(
        _ platform: Platform,
        _ lines: [String],
        as table: String = "subscriber"
    ) async throws -> (record: LoadRecord, counts: LoadCounts) {
        let file = "\(folder)/\(UUID().uuidString).csv"
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        var mapping = example + "/mapping.yaml"
        if let text = Self.mappings[table] {
            mapping = "\(folder)/\(table).yaml"
            let whole = "table: \(table)\nmax_reject_percent: 60\n" + text
            try Data((whole + "\n").utf8).write(to: URL(filePath: mapping))
        }
        let catalogue = try AttributeCatalogue(file: example + "/catalogue.yaml")
        return try await platform.load(file: file, mapping: mapping, catalogue: catalogue, by: "test")
    }

    /// A file of contacts: customer, channel, campaign.
    private func contacts(_ platform: Platform, _ rows: [(Int, String, String)]) throws -> [String] {
        let day = platform.clock.now.day.month.firstDay.iso
        return ["line,at,channel,category,campaign"]
            + (try rows.map { "\(try line($0.0)),\(day) 10:00:00,\($0.1),upsell,\($0.2)" })
    }

    private func rows(_ platform: Platform, _ table: String) async throws -> Int64? {
        try await platform.warehouse.integer(SQLText("SELECT CAST(count(*) AS BIGINT) FROM \(table)"))
    }

    /// Contacts of this month that the ledger counts, all subscribers together.
    private func counted(_ platform: Platform, _ channel: ChannelClass = .sms) async throws -> Int {
        let month = platform.clock.now.month
        return try await platform.host.read { state in
            (0..<UInt32(state.subscribers)).reduce(0) {
                $0 + state.ledger.count(SubscriberIndex($1), channel: channel, month: month)
            }
        }
    }

    @Test func `loads of contacts add up, each counts once, and rows of unknown lines are rejected`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let platform = try await open("add")
        let first = try contacts(platform, [(0, "sms", "A"), (3, "sms", "A"), (3, "outbound", "B")])
        let (_, counts) = try await load(platform, first + ["77,2026-01-01 10:00:00,sms,upsell,A"], as: "contact")
        #expect(counts.rows == 4 && counts.rejected == 1)
        let rejects = try String(contentsOfFile: try #require(counts.rejectFile), encoding: .utf8)
        #expect(rejects.contains("unknown_line"))
        try await load(platform, contacts(platform, [(3, "sms", "C")]), as: "contact")
        #expect(try await counted(platform) == 3)
        #expect(try await counted(platform, .outbound) == 1)
        #expect(try await rows(platform, "contact") == 4)
        let state = try await platform.host.read { $0.stateSHA256() }
        try await load(platform, first + ["77,2026-01-01 10:00:00,sms,upsell,A"], as: "contact")
        #expect(try await platform.host.read { $0.stateSHA256() } == state, "the same file again")
        let order = try await platform.warehouse.rows(SQLText("SELECT idx FROM contact WHERE load_no = 1"))
        let indices = order.compactMap { $0[0].integer }
        #expect(indices == indices.sorted() && indices.count == 3)
        await platform.close()
        let again = try await open("add")
        #expect(try await counted(again) == 3, "opening counts nothing again")
        #expect(again.notListed == nil)
        await again.close()
    }

    @Test func `a load that is taken out leaves what only the others would have left`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var states: [Int: [Int]] = [:]
        for isDetour in [0, 1] {
            let platform = try await open("detour\(isDetour)")
            try await load(platform, contacts(platform, [(1, "sms", "A"), (1, "website", "W")]), as: "contact")
            if isDetour == 1 {
                let wrong = try contacts(platform, [(1, "sms", "A"), (2, "website", "X"), (1, "website", "W")])
                let (record, _) = try await load(platform, wrong, as: "contact")
                #expect(try await counted(platform) == 2)
                #expect(try await counted(platform, .website) == 2, "a campaign on websites counts once")
                _ = try await platform.loading.rollback(record.id, by: "test", at: platform.clock.now.instant)
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/detour1/warehouse/\(record.folder)"))
                #expect(try await platform.store.load(id: record.id) == nil)
                try await load(platform, wrong, as: "contact")
                _ = try await platform.loading.rollback(record.id, by: "test", at: platform.clock.now.instant)
            }
            states[isDetour] = [
                try await counted(platform), try await counted(platform, .website),
                Int(try await rows(platform, "contact") ?? -1),
            ]
            await platform.close()
        }
        #expect(states[0] == states[1])
        #expect(states[0] == [1, 1, 2])
    }

    @Test func `a campaign on websites that two loads have counts until both are out, in either order`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for isFirstOut in [true, false] {
            let platform = try await open("website\(isFirstOut)")
            let one = try await load(platform, contacts(platform, [(1, "website", "W")]), as: "contact").record
            let two = try await load(
                platform,
                contacts(platform, [(1, "website", "W"), (1, "website", "V")]),
                as: "contact"
            )
            .record
            #expect(try await counted(platform, .website) == 2)
            let order = isFirstOut ? [(one, 2), (two, 0)] : [(two, 1), (one, 0)]
            for (load, left) in order {
                _ = try await platform.loading.rollback(load.id, by: "test", at: platform.clock.now.instant)
                #expect(try await counted(platform, .website) == left)
            }
            await #expect(throws: (any Error).self) { try await rows(platform, "contact") }
            await platform.close()
        }
    }

    @Test func `a later load of subscriptions or months replaces what it is about, and gives it back when taken out`()
        async throws
    {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let platform = try await open("owners")
        func owners(_ product: String) async throws -> Int {
            try await platform.host.read { $0.lists[.product(product)]?.count ?? 0 }
        }
        let header = "line,product,from,to"
        let (a, b) = (try line(0), try line(1))
        try await load(platform, [header, "\(a),P1,2020-01-01,", "\(b),P1,2020-01-01,"], as: "subscription")
        #expect(try await owners("P1") == 2)
        let ended = try await load(
            platform,
            [header, "\(a),P1,2020-01-01,2021-01-01", "\(a),P2,2021-01-01,"],
            as: "subscription"
        )
        #expect(try await owners("P1") == 1)
        #expect(try await owners("P2") == 1)
        #expect(try await rows(platform, "subscription") == 3)
        _ = try await platform.loading.rollback(ended.record.id, by: "test", at: platform.clock.now.instant)
        #expect(try await owners("P1") == 2)
        #expect(try await owners("P2") == 0)
        let months = ["line,month,fee"]
        try await load(platform, months + ["\(a),2026-01,10.00", "\(a),2026-02,11.00"], as: "subscriber_month")
        try await load(platform, months + ["\(a),2026-02,12.50"], as: "subscriber_month")
        let fees = try await platform.warehouse.rows(SQLText("SELECT fee FROM subscriber_month ORDER BY month"))
        #expect(fees.map { "\($0[0])" }.count == 2)
        #expect(fees.last?[0] == .decimal(Scaled(unscaled: 1250, scale: 2)))
        await platform.close()
    }

    private func contracts(_ platform: Platform) async throws -> [String?] {
        try await platform.host.read { state in
            let profile = try state.profileReader()
            return (0..<UInt32(state.subscribers)).map { profile.text(of: "contract", at: SubscriberIndex($0)) }
        }
    }

    @Test func `taking out the last load of subscribers brings the values before back; new lines keep their indices`()
        async throws
    {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let platform = try await open("subscribers")
        let first = try #require(try await platform.store.loads(table: "subscriber").first)
        let now = platform.clock.now.instant
        await #expect(throws: LoadingError.self) { try await platform.loading.rollback(first.id, by: "test", at: now) }
        func values(_ index: UInt32) async throws -> [String?] {
            try await platform.host.read { state in
                try ["contract", "monthly_charges"].map {
                    try state.profileReader().text(of: $0, at: SubscriberIndex(index))
                }
            }
        }
        let before = try await values(0)
        let all = try await contracts(platform)
        let changed = try customers(45).map { $0.replacing("Month-to-month", with: "Two year") }
        let second = try await load(platform, changed).record
        #expect(try await contracts(platform) != all)
        await #expect(throws: LoadingError.self) { try await platform.loading.rollback(first.id, by: "test", at: now) }
        _ = try await platform.loading.rollback(second.id, by: "test", at: now)
        #expect(try await values(0) == before)
        #expect(try await contracts(platform) == all + [nil, nil, nil, nil, nil])
        #expect(try await values(44) == [nil, nil])
        #expect(platform.numbers.current.number(of: SubscriberIndex(44)) == nil)
        #expect(try await platform.host.read { $0.subscribers } == 45, "an index is never given back")
        #expect(try await platform.store.loads(table: "subscriber").map(\.id) == [first.id])
        await platform.close()
        let again = try await open("subscribers")
        #expect(try await rows(again, "subscriber") == 45)
        try await load(again, changed)
        #expect(try await again.host.read { $0.subscribers } == 45)
        #expect(again.numbers.current.number(of: SubscriberIndex(44)) != nil)
        await again.close()
    }

    @Test(arguments: [LoadStep.written, .listed, .counted])
    func `a load of contacts that crashed counts once after the next opening`(step: LoadStep) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trap = Trap()
        let platform = try await open("crash", trap: trap)
        let file = try contacts(platform, [(1, "sms", "A"), (2, "sms", "A")])
        trap.step.withLock { $0 = step }
        // Steps after the load is live are only seen through what is found later.
        await #expect(throws: (any Error).self) { try await load(platform, file, as: "contact") }
        await platform.close()
        let again = try await open("crash")
        try await load(again, file, as: "contact")
        #expect(try await counted(again) == 2)
        #expect(try await rows(again, "contact") == 2)
        await again.close()
    }

    @Test(arguments: [LoadStep.removalMarked, .unlisted, .uncounted])
    func `taking out that crashed is as if it had not begun, or is done at the next opening`(
        step: LoadStep
    ) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trap = Trap()
        let platform = try await open("crash", trap: trap)
        try await load(platform, contacts(platform, [(1, "sms", "A")]), as: "contact")
        let record = try await load(platform, contacts(platform, [(1, "sms", "A"), (2, "sms", "A")]), as: "contact")
            .record
        trap.step.withLock { $0 = step }
        let now = platform.clock.now.instant
        await #expect(throws: Crash.self) { try await platform.loading.rollback(record.id, by: "test", at: now) }
        await platform.close()
        let again = try await open("crash")
        let isThere = try await again.store.load(id: record.id) != nil
        #expect(isThere == (step == .removalMarked))
        #expect(try await counted(again) == (isThere ? 3 : 1))
        #expect(try await rows(again, "contact") == (isThere ? 3 : 1))
        if isThere { _ = try await again.loading.rollback(record.id, by: "test", at: now) }
        #expect(try await counted(again) == 1)
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/crash/warehouse/\(record.folder)"))
        await again.close()
    }

    @Test(arguments: [LoadStep.recorded, .removalMarked, .removalRecorded])
    func `a load of subscribers and its removal survive a crash`(step: LoadStep) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let trap = Trap()
        let platform = try await open("crash", trap: trap)
        let now = platform.clock.now.instant
        if step == .recorded { trap.step.withLock { $0 = step } }
        let record = try? await load(platform, customers(45)).record
        if let record {
            trap.step.withLock { $0 = step }
            await #expect(throws: Crash.self) { try await platform.loading.rollback(record.id, by: "test", at: now) }
        }
        await platform.close()
        let again = try await open("crash")
        #expect(again.notListed == nil)
        let loads = try await again.store.loads(table: "subscriber")
        #expect(loads.count == (step == .removalRecorded ? 1 : 2))
        #expect(try await again.host.read { $0.attributes?.load } == loads.last?.id)
        #expect(try await rows(again, "subscriber") == 45)
        await again.close()
    }
}
