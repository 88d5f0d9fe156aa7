// Audiences that go to other systems as files: what they hold, when they go, and who is left out (SEG-22, SEG-32, LST-20).
// SPDX-License-Identifier: Apache-2.0

import Assembly
import Crypto
import DecisionHost
import Decisioning
import Foundation
import Kernel
import Model
import Planning
import Ports
import Synthetic
import Testing

@Suite(.serialized) struct DeliveryTests {
    private let staff = Staff(login: "plan", name: "plan", role: .planner)
    private let approver = Staff(login: "appr", name: "appr", role: .approver)
    private let admin = Staff(login: "admin", name: "admin", role: .administrator)

    /// A segment less two lists, computed, and what a delivery of it is asked for and agreed to with.
    private func with(
        _ body: (Platform, Segment, (SegmentDelivery, [String]) async throws -> SegmentExport) async throws -> Void
    ) async throws {
        let day = LocalDay(year: 2026, month: 9, day: 16) ?? LocalDay(number: 0)
        try await withOperator([.subscriber], subscribers: 2_000, on: day) { platform, _, _ in
            let now = platform.clock.now
            let definition = SegmentDefinition(.rule("age >= 30"), exclusions: [.list("black"), .list("dnd_01@sms")])
            let new = Segment(name: "老客户", definition: definition, owner: "plan", scope: .all, updatedAt: now.instant)
            let saved = try await platform.segments.save(new, by: staff, today: now.day, at: now.instant)
            let segment = try await compute(platform, saved)
            try await body(platform, segment) { delivery, attributes in
                let asked = try await platform.segments.askForExport(
                    of: segment,
                    attributes: attributes,
                    reason: "同步 CRM",
                    delivery: delivery,
                    by: staff,
                    at: now
                )
                return try await platform.segments.decide(asked, isApproved: true, by: approver, at: now.instant)
            }
        }
    }

    private func compute(_ platform: Platform, _ segment: Segment) async throws -> Segment {
        let now = platform.clock.now
        return try await platform.segments.compute(segment, by: "plan", today: now.day, at: now.instant).1
    }

    private func audience(_ platform: Platform, _ number: Int64?) async throws -> [UInt32] {
        let number = try #require(number)
        let audience = try #require(try await platform.store.audience(number))
        return try await platform.segments.members(of: audience.file).indices
    }

    private func rows(_ platform: Platform, _ system: String, _ file: DeliveredFile) throws -> [[String]] {
        let path = "\(platform.segmentOutbox.folder)/\(system)/\(file.name)"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return text.split(separator: "\r\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
    }

    private func list(_ platform: Platform, _ index: UInt32, _ list: ListID) async throws {
        let now = platform.clock.now.instant
        _ = try await platform.lists.add(SubscriberIndex(index), to: list, reason: "x", by: admin, at: now)
    }

    @Test func `a file holds line, number, attributes and mark of each member, and says what it is`() async throws {
        try await with { platform, segment, ask in
            #expect(try await platform.segmentOutbox.deliver().files.isEmpty, "nothing was agreed to")
            let export = try await ask(SegmentDelivery(to: "crm"), ["brand", "occupation"])
            let file = try #require(try await platform.segmentOutbox.deliver().files.first)
            let members = try await audience(platform, segment.audience)
            let rows = try rows(platform, "crm", file)
            #expect(rows[0] == ["line_id", "msisdn", "brand", "occupation", "mark"])
            #expect(rows.count - 1 == members.count && file.count == Int64(members.count) && file.removed == 0)
            let profile = try await platform.host.read { try $0.profileReader() }
            let lines = try await platform.host.read { $0.lines }
            for (row, index) in zip(rows.dropFirst(), members) {
                let number = try #require(platform.numbers.current.number(of: SubscriberIndex(index)))
                #expect(row[0] == "\(lines[Int(index)])" && row[1] == number.national && row[4] == export.mark)
                #expect(row[2] == profile.text(of: "brand", at: SubscriberIndex(index)) ?? "")
            }
            #expect(rows.dropFirst().contains { !$0[3].isEmpty }, "cold attributes come along")

            let path = "\(platform.segmentOutbox.folder)/crm/\(file.name)"
            let content = try Data(contentsOf: URL(filePath: path))
            let manifest = try #require(
                JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path + ".json"))) as? [String: Any]
            )
            #expect(
                manifest["sha256"] as? String == SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined()
            )
            #expect(manifest["rows"] as? Int == members.count && manifest["bytes"] as? Int == content.count)
            #expect(manifest["mark"] as? String == "E\(export.id)/plan" && manifest["name"] as? String == "老客户")

            #expect(try await platform.segmentOutbox.deliver().files.isEmpty, "once")
            #expect(try await platform.store.deliveredFiles(ofExport: export.id) == [file])
            let audit = try await platform.store.audit(ListQuery(search: "export.deliver"))
            #expect(audit.rows.map(\.object) == ["export/\(export.id)"])
            await #expect(throws: PlanningError.self, "it is delivered, not fetched") {
                try await platform.segments.fetch(export, by: staff, at: platform.clock.now)
            }
        }
    }

    @Test func `who came onto an excluded list after the audience was found is left out, and the audience stays`()
        async throws
    {
        try await with { platform, segment, ask in
            let members = try await audience(platform, segment.audience)
            try await list(platform, members[0], ListID("black"))
            try await list(platform, members[1], .dnd(1))
            try await list(platform, members[2], ListID("grey"))
            _ = try await ask(SegmentDelivery(to: "boss"), [])
            let file = try #require(try await platform.segmentOutbox.deliver().files.first)
            #expect(file.removed == 2 && file.count == Int64(members.count - 2))
            let lines = try await platform.host.read { $0.lines }
            let first = try rows(platform, "boss", file)[1]
            #expect(first[0] == "\(lines[Int(members[2])])", "a list that the segment does not exclude changes nothing")
            #expect(try await audience(platform, segment.audience) == members)
        }
    }

    @Test func `while a delivery goes on each new audience follows, until its day or its end`() async throws {
        try await with { platform, segment, ask in
            let today = platform.clock.now.day
            let until = today.adding(days: 30)
            let export = try await ask(SegmentDelivery(to: "crm", until: until), [])
            let first = try #require(try await platform.segmentOutbox.deliver().files.first)
            #expect(try await platform.segmentOutbox.deliver().files.isEmpty)
            let members = try await audience(platform, segment.audience)
            try await list(platform, members[0], ListID("black"))
            let next = try await compute(platform, segment)
            #expect(next.audience != segment.audience)
            let second = try #require(try await platform.segmentOutbox.deliver().files.first)
            #expect(second.audience == next.audience && second.count == first.count - 1 && second.removed == 0)
            #expect(try await platform.store.deliveredFiles(ofExport: export.id) == [second, first])
            _ = try await compute(platform, next)
            let short = try await ask(SegmentDelivery(to: "boss", until: today), [])
            #expect(try await platform.segments.dueDeliveries(at: platform.clock.now).count == 2)
            let tomorrow = LocalTime(
                instant: platform.clock.now.instant.adding(ms: 86_400_000),
                offsetSeconds: platform.clock.now.offsetSeconds
            )
            #expect(try await platform.segments.dueDeliveries(at: tomorrow).map(\.export.id) == [export.id])
            #expect(try await platform.store.segmentExport(short.id)?.endedBy == "gyre", "its day is over")
            let other = Staff(login: "zhang", name: "zhang", role: .planner)
            let now = platform.clock.now.instant
            await #expect(throws: PlanningError.self, "somebody else's") {
                try await platform.segments.endDelivery(of: export, by: other, at: now)
            }
            let ended = try await platform.segments.endDelivery(of: export, by: approver, at: now)
            #expect(ended.endedBy == "appr" && ended.endedAt == now)
            #expect(try await platform.segmentOutbox.deliver().files.isEmpty)
            await #expect(throws: PlanningError.self, "once") {
                try await platform.segments.endDelivery(of: ended, by: approver, at: now)
            }
        }
    }

    @Test func `what cannot be delivered says why and holds nobody else up, and old files go`() async throws {
        try await with { platform, _, ask in
            for wrong in [
                SegmentDelivery(to: "../x"), SegmentDelivery(to: ""),
                SegmentDelivery(to: "crm", until: LocalDay(number: 1)),
            ] {
                await #expect(throws: PlanningError.self) { try await ask(wrong, []) }
            }
            // A file where the folder of the first system should be.
            let folder = platform.segmentOutbox.folder
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: folder + "/boss"))
            let stuck = try await ask(SegmentDelivery(to: "boss"), [])
            _ = try await ask(SegmentDelivery(to: "crm"), [])
            let (files, problems) = try await platform.segmentOutbox.deliver()
            #expect(files.count == 1 && problems.map(\.export.id) == [stuck.id])
            #expect((problems.first?.error as? DataDirectoryError)?.code == "data.not_writable")
            try FileManager.default.removeItem(atPath: folder + "/boss")
            #expect(try await platform.segmentOutbox.deliver().files.map(\.export) == [stuck.id])

            let path = "\(folder)/crm/\(files[0].name)"
            let old = Date(timeIntervalSince1970: Double(platform.clock.now.instant.epochMs) / 1_000 - 8 * 86_400)
            try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: path)
            try await platform.segmentOutbox.deliver()
            #expect(!FileManager.default.fileExists(atPath: path))
            #expect(!FileManager.default.fileExists(atPath: path + ".json"), "what stands beside it goes too")

        }
    }
}
