// Loading an operator's own file: indices are permanent, a recycled number inherits nothing, a bad load leaves nothing.
// SPDX-License-Identifier: Apache-2.0

import Assembly
import DecisionHost
import Decisioning
import Demo
import Foundation
import InMemory
import Kernel
import Model
import Planning
import Ports
import SimulatedChannel
import Synthetic
import Testing

@Suite(.serialized) struct LoadingTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-load-\(UUID().uuidString)")
        .path(percentEncoded: false)
    private let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/telco-churn").path(percentEncoded: false)

    private func open(_ name: String) async throws -> Platform {
        try await Platform(PlatformSettings(directory: "\(folder)/\(name)")) { _ in
            SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
        }
    }

    private func load(_ platform: Platform, _ lines: [String]) async throws -> LoadCounts {
        let file = "\(folder)/\(UUID().uuidString).csv"
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        return try await platform.load(
            file: file,
            mapping: example + "/mapping.yaml",
            catalogue: AttributeCatalogue(file: example + "/catalogue.yaml"),
            by: "test"
        ).counts
    }

    private func rows(_ count: Int) throws -> (header: String, rows: [String]) {
        let lines = try String(contentsOfFile: example + "/customers.csv", encoding: .utf8).split(separator: "\n")
        return (String(lines[0]), lines.dropFirst().prefix(count).map(String.init))
    }

    @Test func `a data directory belongs to one until it is closed, whoever still knows of it then`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try await open("one")
        await #expect(throws: DataDirectoryError.self) { try await open("one") }
        await first.close()
        let second = try await open("one")
        await second.close()
        withExtendedLifetime(first) {}
    }

    @Test func `a file loaded in another order gives the same indices`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (header, rows) = try rows(500)
        var random = SeededRandom(seed: 3)
        var found: [[Int64]] = []
        for (name, order) in [("a", rows), ("b", rows.shuffled(using: &random))] {
            let platform = try await open(name)
            _ = try await load(platform, [header] + order)
            found.append(try await platform.host.read { $0.lines })
            await platform.close()
        }
        #expect(found[0].count == 500)
        #expect(found[0] == found[1])
    }

    @Test func `a recycled number gets a new index with empty counters and leaves the old line without a number`()
        async throws
    {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (header, rows) = try rows(50)
        let platform = try await open("recycled")
        _ = try await load(platform, [header] + rows)
        let fields = rows[0].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let number = try #require(MSISDN(normalising: fields[1]))
        let old = try #require(platform.numbers.current.owner(of: number))
        try await platform.host.record([.listChanged(.dnd(2), added: [old.number], removed: [])])

        let recycled = (["99000000000001"] + fields.dropFirst()).joined(separator: ",")
        _ = try await load(platform, [header, recycled])
        let new = try #require(platform.numbers.current.owner(of: number))
        #expect(new.number == 50, "the next free index")
        #expect(platform.numbers.current.number(of: old) == nil)
        let held = try await platform.warehouse.rows(
            SQLText("SELECT idx, to_day IS NULL FROM line_number WHERE number = \(number.number) ORDER BY idx")
        )
        #expect(held == [[.integer(Int64(old.number)), .flag(false)], [.integer(50), .flag(true)]])
        let others = try await platform.warehouse.integer(
            SQLText("SELECT count(*) FROM line_number WHERE kind = 'msisdn' AND to_day IS NULL")
        )
        #expect(others == 50, "49 lines keep their numbers, one number has moved")
        let month = platform.clock.now.month
        let (isBarred, count) = try await platform.host.read { state in
            (
                state.lists[.dnd(2)]?.contains(new.number) ?? false,
                state.ledger.count(new, channel: .sms, month: month)
            )
        }
        #expect(!isBarred && count == 0, "lists and counters stay with the old line")
        await platform.close()
    }

    @Test func `a load with too many rejects changes nothing, and loading a file twice loads it once`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (header, rows) = try rows(100)
        let platform = try await open("rejects")
        _ = try await load(platform, [header] + rows)
        let before = try await platform.host.read { $0.stateSHA256() }
        let bad = rows.enumerated().map {
            $0 % 10 == 0 ? "not-a-line," + $1.drop(while: { $0 != "," }).dropFirst() : $1
        }
        await #expect(throws: (any Error).self) { _ = try await load(platform, [header] + bad) }
        #expect(try await platform.host.read { $0.stateSHA256() } == before)
        #expect(try await platform.store.loads(table: "subscriber").count == 1)
        let again = try await load(platform, [header] + rows)
        #expect(again.rows == 100)
        #expect(try await platform.store.loads(table: "subscriber").count == 1, "the same content is the same load")
        #expect(try await platform.host.read { $0.stateSHA256() } == before)
        await platform.close()
    }

    @Test func `a generated operator is loaded as the same bytes by any number of workers`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let examples = URL(filePath: example).deletingLastPathComponent().path(percentEncoded: false)
        let world = try SyntheticOperator(
            seed: 11,
            subscribers: 5_000,
            asOf: LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0),
            numbers: NumberPlan(csv: String(contentsOfFile: examples + "/number-ranges.csv", encoding: .utf8))
        )
        let catalogue = try AttributeCatalogue(file: examples + "/operator/catalogue.yaml")
        var found: [[String: ContentHash]] = []
        for workers in [1, 2, 7] {
            var settings = PlatformSettings(directory: "\(folder)/\(workers)")
            settings.threads = workers
            let platform = try await Platform(settings, salt: [UInt8](repeating: 1, count: 16)) { _ in
                SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
            }
            for table in SyntheticTable.allCases {
                let load = try await platform.loading.load(
                    SyntheticTableSource(world, table, subscribersPerPart: 700),
                    catalogue: catalogue,
                    by: "test",
                    at: Instant(epochMs: 0)
                )
                #expect(load.counts.loaded > 0, "\(table)")
            }
            #expect(try await platform.host.read { $0.lines } == (0..<5_000).map { world.line($0).number })
            await platform.close()
            found.append(try hashes(below: "\(folder)/\(workers)/warehouse"))
        }
        let parts = SyntheticTable.allCases.count * 8
        #expect(found[0].count == parts + 1, "eight parts of each table, and the dated numbers")
        #expect(found[0] == found[1] && found[0] == found[2])
    }

    /// What opening finds with a list of loads of its own.
    private func reopen(_ platform: Platform, _ store: InMemoryControlPlane) async throws -> (String?, NumberIndex) {
        let numbers = LiveNumbers()
        let loading = SubscriberLoading(
            warehouse: platform.warehouse,
            host: platform.host,
            log: platform.log,
            inputs: platform.inputs,
            store: store,
            numbers: numbers,
            folder: platform.directory.path + "/warehouse",
            workers: 2
        )
        try await loading.open()
        return (await loading.settleAfterOpening(at: platform.clock.now.instant), numbers.current)
    }

    @Test func `a live load that the list of loads lacks is entered at opening, or it is said why not`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (header, rows) = try rows(20)
        let platform = try await open("unlisted")
        _ = try await load(platform, [header] + rows)
        #expect(platform.notListed == nil)
        let listed = try await platform.store.loads(table: "subscriber")
        let store = InMemoryControlPlane()
        #expect(try await reopen(platform, store).0 == nil)
        #expect(store.loads(table: nil) == listed)

        let entry = try "\(platform.directory.path)/warehouse/\(#require(listed.first).folder)/_load.json"
        try FileManager.default.removeItem(atPath: entry)
        let (reason, numbers) = try await reopen(platform, InMemoryControlPlane())
        #expect(reason?.contains("_load.json") == true)
        #expect(numbers.count == 20, "what is live is open all the same")
        await platform.close()
    }

    @Test func `a load that lost rows or their order is damaged`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (header, rows) = try rows(20)
        let platform = try await open("damaged")
        _ = try await load(platform, [header] + rows)
        let warehouse: any WarehouseEngine = platform.warehouse
        let path = "\(platform.directory.path)/warehouse/subscriber"
        let part = try
            "\(path)/\(#require(FileManager.default.contentsOfDirectory(atPath: path).first))/part-00000.parquet"
        for (query, cause) in [
            ("SELECT * FROM subscriber ORDER BY idx DESC", "row 0 is out of order"),
            ("SELECT * FROM subscriber WHERE idx < 10 ORDER BY idx", "10 lines instead of 20"),
        ] {
            try await warehouse.exportParquet(SQLText(query), to: part)
            let error = await #expect(throws: LoadingError.self) { try await reopen(platform, InMemoryControlPlane()) }
            #expect(error?.code == "load.damaged" && error?.description.contains(cause) == true)
        }
        await platform.close()
    }

    /// SHA-256 of every file by its path.
    private func hashes(below folder: String) throws -> [String: ContentHash] {
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".parquet") }
        return try Dictionary(
            uniqueKeysWithValues: files.map {
                ($0, ContentHash.sha256([UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\($0)")))))
            }
        )
    }
}
