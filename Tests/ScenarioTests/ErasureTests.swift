// A data-protection request over a whole data directory: afterwards no file in it tells who somebody was.
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
import Testing

/// An operator with two loads of subscribers, a table of contacts and rejected rows, one of whose customers wants out.
private struct Operator {
    struct Stopped: Error {}

    static let name = "周子轩"
    static let (oldNumber, number) = ("13987650001", "13987650002")
    static let (line, imsi, customer, account) = (
        88_000_000_012_347, 460_001_234_567_891, 77_000_000_054_321, 66_000_000_098_765
    )

    let folder = FileManager.default.temporaryDirectory.appending(path: "gyre-erase-\(UUID().uuidString)")
        .path(percentEncoded: false)
    private let example = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/telco-churn").path(percentEncoded: false)

    var data: String { folder + "/data" }

    /// Opens the data directory and closes it again, so that the next one may open it.
    func opened<Result>(
        _ step: @escaping @Sendable (ErasureStep) throws -> Void = { _ in },
        _ body: (Platform) async throws -> Result
    ) async throws -> Result {
        let platform = try await Platform(PlatformSettings(directory: data), erasureStep: step) { _ in
            SimulatedGateway { _ in SimulatedReaction(isDelivered: true, receiptSeconds: 1) }
        }
        do {
            let result = try await body(platform)
            await platform.close()
            return result
        } catch {
            await platform.close()
            throw error
        }
    }

    func load(_ platform: Platform, _ lines: [String], mapping: String) async throws -> LoadCounts {
        let file = "\(folder)/\(UUID().uuidString)"
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file + ".csv"))
        try Data(mapping.utf8).write(to: URL(filePath: file + ".yaml"))
        return try await platform.load(
            file: file + ".csv",
            mapping: file + ".yaml",
            catalogue: AttributeCatalogue(file: example + "/catalogue.yaml"),
            by: "test"
        ).counts
    }

    /// Rows of the example with customers, accounts and SIM cards of their own; the first is the one who wants out.
    private func rows(number: String) throws -> [String] {
        let lines = try String(contentsOfFile: example + "/customers.csv", encoding: .utf8).split(separator: "\n")
        var rows = [lines[0] + ",imsi,cust,acct"].map(String.init)
        for (place, line) in lines.dropFirst().prefix(300).enumerated() {
            var fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            if place == 0 { fields.replaceSubrange(0..<3, with: ["\(Self.line)", number, Self.name]) }
            fields += [
                "\(place == 0 ? Self.imsi : 460_009_000_000_000 + place)",
                "\(place == 0 ? Self.customer : 77_100_000_000_000 + place)",
                "\(place == 0 ? Self.account : 66_100_000_000_000 + place)",
            ]
            rows.append(fields.joined(separator: ","))
        }
        return rows
    }

    func subscribers(_ platform: Platform, number: String, rejects: Bool = false) async throws -> LoadCounts {
        var rows = try rows(number: number)
        if rejects {
            // A second row of his with a contract that is none, and a name over two lines.
            let wrong = rows[1].replacing("\(Self.line)", with: "88000000012348").replacing(
                Self.name,
                with: "\"\(Self.name)\nsees \(Self.line)\""
            )
            rows.append(wrong.replacing("Month-to-month", with: "Forever"))
        }
        let mapping = try String(contentsOfFile: example + "/mapping.yaml", encoding: .utf8)
        let ids = "columns:\n  imsi: imsi\n  customer_id: cust\n  account_id: acct\n"
        return try await load(platform, rows, mapping: mapping.replacing("columns:\n", with: ids))
    }

    /// Everything that happens before the request; returns his index.
    func live(_ platform: Platform) async throws -> SubscriberIndex {
        let counts = try await subscribers(platform, number: Self.oldNumber, rejects: true)
        #expect(counts.rejected == 1)
        _ = try await subscribers(platform, number: Self.number)
        let contacts = """
            table: contact
            columns:
              line_id: line
              at: at
              channel: channel
              kind: kind
            """
        _ = try await load(
            platform,
            [
                "line,at,channel,kind", "\(Self.line),2026-09-01T10:00:00+08:00,sms,marketing",
                "70000000252747,2026-09-02T10:00:00+08:00,sms,marketing",
            ],
            mapping: contacts
        )
        try await platform.setPolicy(file: example + "/policy.yaml", by: "test")
        let index = try #require(
            MSISDN(normalising: Self.number).flatMap { platform.numbers.current.owner(of: $0) }
        )
        let agent = Staff(login: "agent", name: "agent", role: .agent)
        _ = try await platform.lists.add(
            index,
            to: ListID("black"),
            reason: "\(Self.name)来电，号码 139 8765 0002",
            by: agent,
            at: platform.clock.now.instant
        )
        try await platform.store.append(
            AuditEntry(
                at: platform.clock.now.instant,
                who: "agent",
                action: "note",
                object: "x",
                detail: "customer \(Self.customer) called"
            )
        )
        try await filesOfOthers(platform)
        try await platform.host.keepCheckpoint(after: 1)
        return index
    }

    /// He is in a file that waits for another system, and in one that another system brought.
    private func filesOfOthers(_ platform: Platform) async throws {
        let (now, planner) = (platform.clock.now, Staff(login: "plan", name: "plan", role: .planner))
        let all = Segment(name: "all", rule: "TRUE", owner: "plan", scope: .all, updatedAt: now.instant)
        var segment = try await platform.segments.save(all, by: planner, today: now.day, at: now.instant)
        segment = try await platform.segments.compute(segment, by: "plan", today: now.day, at: now.instant).1
        let export = try await platform.segments.askForExport(
            of: segment,
            attributes: [],
            reason: "x",
            delivery: SegmentDelivery(to: "crm"),
            by: planner,
            at: now
        )
        let approver = Staff(login: "appr", name: "appr", role: .approver)
        _ = try await platform.segments.decide(export, isApproved: true, by: approver, at: now.instant)
        #expect(try await platform.segmentOutbox.deliver().files.map(\.count) == [300])
        let inbox = platform.listInbox.path
        try Data("\(Self.number)\n".utf8).write(to: URL(filePath: inbox + "/grey.csv"))
        try Data("\(Self.number)\n".utf8).write(to: URL(filePath: inbox + "/nothing.csv"))
        #expect(try await platform.listInbox.take().map(\.problem) == [nil, "list.unknown_list"])
        let feed = URL(filePath: platform.feeds.path + "/care")
        try FileManager.default.createDirectory(at: feed, withIntermediateDirectories: true)
        let mapping = """
            table: contact
            columns: { line_id: { column: line, form: number }, at: at, channel: channel, kind: kind, details: details }
            """
        try Data(mapping.utf8).write(to: feed.appending(path: "mapping.yaml"))
        let rows = "line,at,channel,kind,details\n\(Self.line),2026-09-01 10:00:00,hall,care,\(Self.name)\n"
        try Data(rows.utf8).write(to: feed.appending(path: "today.csv"))
        try Data("nothing\n\(Self.number)\n".utf8).write(to: feed.appending(path: "wrong.csv"))
        #expect(try await platform.feeds.take().map(\.problem) == [nil, "load.missing_columns"])
    }

    /// Whatever of him any file of the data directory holds: as text or as stored, Parquet files read.
    func traces() async throws -> [String] {
        let numbers =
            [Int64(Self.line), Int64(Self.imsi), Int64(Self.customer), Int64(Self.account)]
            + [Self.oldNumber, Self.number].compactMap { MSISDN(normalising: $0)?.number }
        let texts = numbers.map(String.init) + [Self.oldNumber, Self.number, Self.name]
        var needles = texts.map { ($0, Array($0.utf8)) }
        for number in numbers {
            needles.append(("\(number) as 8 bytes", withUnsafeBytes(of: number.littleEndian) { Array($0) }))
        }
        var found: [String] = []
        var tables: [String] = []
        for file in try FileManager.default.subpathsOfDirectory(atPath: data) {
            guard let bytes = FileManager.default.contents(atPath: "\(data)/\(file)") else { continue }
            for (name, needle) in needles where bytes.range(of: Data(needle)) != nil {
                found.append("\(file): \(name)")
            }
            if file.hasSuffix(".parquet") { tables.append(file) }
        }
        return try await opened { (platform: Platform) async throws -> [String] in
            for file in tables {
                for row in try await platform.warehouse.rows(SQLText("SELECT * FROM read_parquet('\(data)/\(file)')")) {
                    for value in row {
                        switch value {
                        case .integer(let number) where numbers.contains(number): found.append("\(file): \(number)")
                        case .text(let text) where texts.contains(text): found.append("\(file): \(text)")
                        default: break
                        }
                    }
                }
            }
            return found
        }
    }
}

@Suite(.serialized) struct ErasureScenarios {
    private let world = Operator()
    private let admin = Staff(login: "admin", name: "admin", role: .administrator)

    private func erase(_ platform: Platform) async throws -> [SubscriberIndex] {
        try await platform.erasing.erase([Operator.number], reason: "DSR-12", by: admin, at: platform.clock.now)
    }

    @Test func `after an erasure no file of the data directory holds number, line id or customer key`() async throws {
        defer { try? FileManager.default.removeItem(atPath: world.folder) }
        let (index, lines) = try await world.opened { (platform: Platform) async throws -> (SubscriberIndex, Int) in
            let index = try await world.live(platform)
            #expect(try await !world.tracesOfOpen(platform).isEmpty, "the search finds what is there")
            let lines = try await platform.host.read { $0.subscribers }
            #expect(try await erase(platform) == [index])
            try await checkRunning(platform, index)
            return (index, lines)
        }
        #expect(try await world.traces() == [])
        let waiting = try #require(
            FileManager.default.subpathsOfDirectory(atPath: world.data).first { $0.hasSuffix("E1.csv") }
        )
        let lines300 = try String(contentsOfFile: "\(world.data)/\(waiting)", encoding: .utf8).split(separator: "\r\n")
        #expect(lines300.count == 300, "the others are still there")

        // Loaded again, the same line is somebody new.
        try await world.opened { (again: Platform) async throws -> Void in
            _ = try await world.subscribers(again, number: "13987650003")
            let new = try #require(MSISDN(normalising: "13987650003").flatMap { again.numbers.current.owner(of: $0) })
            #expect(Int(new.number) == lines && new != index)
            #expect(try await again.host.read { $0.isErased(index) && !$0.isErased(new) })
            let isListed = try await again.host.read { $0.lists[ListID("black")]?.contains(new.number) }
            #expect(isListed == false)
        }
    }

    /// Beside the running process already, nothing tells who he was, and the log folds and is decided again the same.
    private func checkRunning(_ platform: Platform, _ index: SubscriberIndex) async throws {
        #expect(platform.numbers.current.number(of: index) == nil)
        await #expect(throws: ErasingError.number(1, .unknownNumber)) { try await erase(platform) }
        #expect(throws: DecisionError.erased(index)) { try platform.explainer.history(of: index) }
        await #expect(throws: DecisionError.erased(index)) {
            try await platform.lists.add(
                index,
                to: .dnd(2),
                reason: "x",
                by: admin,
                at: platform.clock.now.instant
            )
        }
        let shown = try await platform.warehouse.rows(
            SQLText("SELECT line_id, msisdn, name, contract FROM subscriber WHERE idx = \(index.number)")
        )
        #expect(shown == [[.null, .null, .null, .null]])
        #expect(try await platform.warehouse.integer(SQLText("SELECT count(*) FROM contact")) == 1)
        let profile = try await platform.host.read { try $0.profileReader() }
        #expect(profile.text(of: "contract", at: index) == nil)
        let changes = try await platform.store.listChanges(of: index.number)
        #expect(changes.map(\.reason) == ["erased", "erased"])
        let audit = try await platform.store.audit(ListQuery(limit: 1_000)).rows
        #expect(audit.first { $0.action == "subscriber.erase" }?.detail == "DSR-12")
        #expect(audit.contains { $0.action == "subscriber.erased" && $0.object == "subscriber/\(index.number)" })
        #expect(audit.count { $0.detail == "erased" } == 2, "the reason on the list, and the note with his customer id")
        let replay = Replay(log: platform.log, inputs: platform.inputs, threads: 2, verifies: true)
        try replay.fold()
        #expect(try await platform.host.read { $0.stateSHA256() } == replay.state.stateSHA256())
    }

    @Test(arguments: ErasureStep.allCases)
    func `an erasure that ended between two steps is completed when the directory is opened`(
        step: ErasureStep
    ) async throws {
        defer { try? FileManager.default.removeItem(atPath: world.folder) }
        let stop: @Sendable (ErasureStep) throws -> Void = { if $0 == step { throw Operator.Stopped() } }
        let index = try await world.opened(stop) { (platform: Platform) async throws -> SubscriberIndex in
            let index = try await world.live(platform)
            await #expect(throws: Operator.Stopped.self) { try await erase(platform) }
            return index
        }
        try await world.opened { (again: Platform) async throws -> Void in
            if step == .asked {
                #expect(try await again.host.read { $0.erased.isEmpty }, "nothing was done yet")
                #expect(try await erase(again) == [index])
            }
            #expect(try await again.host.read { $0.isErased(index) })
            #expect(try await again.store.erasedSubscribers() == [index.number])
        }
        #expect(try await world.traces() == [])
    }
}

extension Operator {
    /// What files hold while the directory is open, Parquet files not read.
    fileprivate func tracesOfOpen(_ platform: Platform) async throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: data).filter { file in
            let content = FileManager.default.contents(atPath: "\(data)/\(file)") ?? Data()
            let id = withUnsafeBytes(of: Int64(Self.line).littleEndian) { Data($0) }
            return content.range(of: id) != nil || content.range(of: Data(Self.number.utf8)) != nil
        }
    }
}
