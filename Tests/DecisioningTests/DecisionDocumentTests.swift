// What docs/decisions.md says holds: its worked example is played, and the tests it names exist.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import InMemory
import Kernel
import Model
import Ports
import TestSupport
import Testing

/// One subscriber through two waves and a call to the hotline, as the document tells it.
private struct WorkedExample {
    let log = InMemoryDecisionLog()
    let objects = InMemoryObjects()
    /// Records that set the operator up.
    private let setUpRecords: Int

    private static let index = SubscriberIndex(0)
    private static let waves = [1, 2].map { WaveID(campaign: CampaignID($0), occurrence: 1) }
    private static let call: UInt64 = 7
    private static let september = LocalMonth(number: 12 * (2026 - 1970) + 8)
    private static let october = LocalMonth(number: september.number + 1)

    private static func at(_ day: Int, _ hour: Int, _ minute: Int = 0) -> LocalTime {
        let first = Self.september.firstDay
        let minutes = Int64(Int(first.number) + day - 1) * 1440 + Int64(hour * 60 + minute) - 480
        return LocalTime(instant: Instant(epochMs: minutes * 60_000), offsetSeconds: 28_800)
    }

    private static func inputs(_ objects: InMemoryObjects) -> FakeInputs {
        FakeInputs(objects: objects) { FakeProfile(subscribers: $0, rules: ["gotone": { _ in true }], scores: [:]) }
    }

    private static func spec(_ number: Int64, _ category: String, at touchpoints: [Touchpoint] = []) -> CampaignSpec {
        CampaignSpec(
            id: CampaignID(number),
            name: "campaign \(number)",
            category: category,
            validFrom: at(1, 0).day,
            validTo: at(60, 0).day,
            touchpoints: touchpoints
        )
    }

    private static func setUp(_ objects: InMemoryObjects) throws -> [LogRecord] {
        let caps: [ChannelClass: Cap] = [
            .sms: Cap(count: 3, months: 1), .outbound: Cap(count: 1, months: 3), .inbound: Cap(count: 1, months: 1),
            .website: Cap(count: 3, months: 1),
        ]
        let name = BilingualText(zh: "全球通", en: "GoTone")
        let overall = Cap(count: 4, months: 1)
        var policy = ContactPolicy(
            revision: 1,
            tiers: [PolicyTier(code: "gotone", name: name, rule: "gotone", caps: caps, overall: overall)],
            dnd: [],
            intervalDays: [.sms: 3],
            similarDays: [:],
            quietHours: [:],
            holdout: Holdout(ppm: 0, epoch: "2026"),
            reservationHours: 72
        )
        policy.offers = OfferLimits(offers: 3, minutesToShow: 30, minutesKept: 120)
        var line = ByteWriter()
        line.write(Int64(1_001))
        var records: [LogRecord] = [
            .genesis(salt: Array(0..<16), now: at(16, 9)),
            .linesAssigned(base: 0, count: 1, file: objects.put(line.bytes)),
            .attributesLoaded(load: "1", catalogue: .zero, columns: []),
            .policySet(revision: 1, file: objects.put(Array(try JSONEncoder().encode(policy)))),
        ]
        for spec in [spec(1, "data_pack"), spec(2, "care"), spec(3, "voice_plan", at: [.hotline])] {
            records.append(.campaignSet(spec.id, revision: 1, file: objects.put(try spec.canonicalJSON())))
        }
        return records + [.poolSet(CampaignID(3), file: objects.put(Bitset(full: 1).listFile))]
    }

    init() async throws {
        let host = try DecisionHost(
            log: log,
            objects: objects,
            inputs: Self.inputs(objects),
            threads: 1
        )
        let setUp = try Self.setUp(objects)
        setUpRecords = setUp.count
        try await host.record(setUp)
        let everybody = Bitset(full: 1)
        func leave(_ wave: WaveID, at time: LocalTime) async throws {
            let check = try await host.handOff(wave, block: 0, range: 0..<Block.size, at: time) { _ in true }
            #expect(check.leaving == [Self.index])
            try await host.feedback(wave, .accepted, check.leaving, at: time)
        }
        // A wave whose text arrives.
        _ = try await host.run(wave: Self.waves[0], planned: Self.at(16, 10), audience: everybody)
        try await leave(Self.waves[0], at: Self.at(16, 10))
        try await host.feedback(Self.waves[0], .delivered, [Self.index], at: Self.at(16, 10, 2))
        // A call to the hotline; the agent's system is slow to say that the offer was made.
        let request = OfferRequest(
            request: Self.call,
            index: Self.index.number,
            touchpoint: .hotline,
            entrance: .inbound,
            at: Self.at(17, 14),
            limit: 3
        )
        let answer = try await host.answer(request)
        #expect(answer.offers == [CampaignID(3)])
        try await host.tick(Self.at(17, 14, 31))
        let shown = OfferResponse(
            request: Self.call,
            index: Self.index.number,
            campaign: nil,
            result: .shown,
            at: Self.at(17, 14, 50)
        )
        #expect(try await host.respond(shown) == .taken)
        // A wave of the last evening of a month that leaves the next morning, and is answered after it expired; the
        // channel's file of the month says better.
        _ = try await host.run(wave: Self.waves[1], planned: Self.at(30, 18), audience: everybody)
        try await leave(Self.waves[1], at: Self.at(31, 10))
        try await host.tick(Self.at(34, 10))
        try await host.feedback(Self.waves[1], .failed, [Self.index], at: Self.at(35, 9))
        try await host.feedback(Self.waves[1], .delivered, [Self.index], at: Self.at(40, 8))
    }

    /// The table of the document: every record after the set-up, and what the state says once it is applied.
    func table() throws -> [String] {
        let replay = Replay(log: log, inputs: Self.inputs(objects), threads: 1)
        var lines = [
            "| record | what | at | SMS Sep | SMS Oct | inbound Sep | overall Sep | wave 1 | wave 2 | call |",
            "|---|---|---|---|---|---|---|---|---|---|",
        ]
        for batch in log.batches {
            try replay.fold(upTo: batch.sequence)
            guard batch.sequence > setUpRecords else { continue }
            let record = try LogRecord(decoding: batch.payload)
            let (name, time) = Self.words(record)
            let state = replay.state
            func used(_ channel: ChannelClass, _ month: LocalMonth) -> Int {
                state.ledger.count(Self.index, channel: channel, month: month)
            }
            let counted = ChannelClass.allCases.filter(\.countsOverall)
            let numbers = [
                used(.sms, Self.september), used(.sms, Self.october), used(.inbound, Self.september),
                counted.reduce(0) { $0 + used($1, Self.september) },
            ]
            let minute = time.map { String($0.isoLocal.dropFirst(5).prefix(11)).replacing("T", with: " ") }
            let standings = Self.waves.map { Self.standing($0, state) } + [Self.standing(state)]
            let cells: [String] =
                ["\(batch.sequence)", "`\(name)`", minute ?? ""] + numbers.map(String.init) + standings
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        return lines
    }

    /// The record's name in `LogRecord`, with the kind of feedback, and the time that it carries.
    private static func words(_ record: LogRecord) -> (name: String, time: LocalTime?) {
        switch record {
        case .tick(let time): ("tick", time)
        case .waveOpened(_, let planned, _, _, _): ("waveOpened", planned)
        case .waveSelected: ("waveSelected", nil)
        case .waveBlock: ("waveBlock", nil)
        case .waveClosed: ("waveClosed", nil)
        case .handedOff(_, _, _, _, let at, _): ("handedOff", at)
        case .reported(_, _, let kind, _, let at): ("reported \(kind.code)", at)
        case .answered(let all): ("answered", all.first?.request.at)
        case .lapsed: ("lapsed", nil)
        case .responded(let all): ("responded \(all.first?.result.code ?? "")", all.first?.at)
        default: ("\(record)", nil)
        }
    }

    private static func standing(_ wave: WaveID, _ state: DecisionState) -> String {
        guard let block = state.waves[wave]?.blocks[0], block.contact.contains(index.offset) else { return "" }
        if block.settled.contains(index.offset) { return "settled" }
        if block.released.contains(index.offset) { return "released" }
        return block.handedOff.contains(index.offset) ? "left" : "reserved"
    }

    private static func standing(_ state: DecisionState) -> String {
        guard let offer = state.standing(of: call)?.first else { return "" }
        return offer.isReleased ? "released" : offer.standing == .shown ? "settled" : "reserved"
    }
}

@Suite struct DecisionDocumentTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

    /// The lines between two marks of the document.
    private func section(_ name: String) throws -> [String] {
        let file = Self.repository.appending(path: "docs/decisions.md")
        let lines = try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        .map(String.init)
        let begin = try #require(lines.firstIndex(of: "<!-- \(name) -->"), "the document has no \(name)")
        let end = try #require(lines.firstIndex(of: "<!-- end of \(name) -->"), "\(name) has no end")
        return lines[(begin + 1)..<end].filter { !$0.isEmpty }
    }

    @Test func `the worked example of the document is what happens`() async throws {
        let table = try await WorkedExample().table()
        let written = try section("worked example")
        #expect(written == table, "the table should be:\n\(table.joined(separator: "\n"))")
    }

    @Test func `every test that the document names exists in the file it names`() throws {
        let rows = try section("guarantees").dropFirst(2)
        #expect(rows.count >= 20)
        for row in rows {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 3, "a row has guarantee, test and file: \(row)")
            let path = cells[2].trimmingCharacters(in: ["`"])
            let source = try String(contentsOf: Self.repository.appending(path: path), encoding: .utf8)
            #expect(source.contains("func \(cells[1])("), "\(path) has no test \(cells[1])")
        }
    }
}
