// Golden logs: what a release wrote, every later build folds to the same facts (DESIGN section 4, "Replay").
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

/// A log and the files it names in one file, and beside it what must come out, as text a person can check.
private struct GoldenLog {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden")
    static let world = DecisionWorld(seed: 41, subscribers: 400)

    let log = InMemoryDecisionLog()
    let objects = InMemoryObjects()

    /// Reads the file of a release.
    init(_ release: String) throws {
        var r = ByteReader([UInt8](try Data(contentsOf: Self.folder.appending(path: release + ".log"))))
        for _ in 0..<(try r.read(UInt32.self)) { _ = objects.put(Array(try r.readCounted())) }
        var builder = LogBuilder(position: .start)
        for _ in 0..<(try r.read(UInt32.self)) {
            let chain = LogChain(number: try r.read())
            let key: LogKey? =
                try r.read(UInt8.self) == 0 ? nil : LogKey(wave: try r.read(), block: try r.read())
            let payload = Array(try r.readCounted())
            let (previous, digest) = (Array(try r.read(count: 32)), Array(try r.read(count: 32)))
            let batch = LogBatch(
                sequence: builder.position.sequence + 1,
                chain: chain,
                key: key,
                payload: payload,
                previous: ContentHash(bytes: previous) ?? .zero,
                digest: ContentHash(bytes: digest) ?? .zero
            )
            try builder.verify(batch)
            try log.append([batch])
        }
        #expect(r.isAtEnd)
    }

    /// Plays a log that holds every type of record.
    init() async throws {
        let script = LoopScript(world: Self.world, limit: 40, requests: 24, objects: objects)
        let host = try script.host(log)
        try await script.play(on: host, to: 3)
        let audience = objects.put(Self.world.audience(percent: 10).listFile)
        let given = WaveID(campaign: CampaignID(3), occurrence: 2)
        try await host.record([
            .waveOpened(
                given,
                planned: script.planned(3),
                audience: audience,
                policyRevision: 1,
                campaignRevision: 1
            ),
            .waveAborted(given), .campaignStatus(CampaignID(3), .live),
        ])
        // A wave that leaves in the month after its slot.
        let late = WaveID(campaign: CampaignID(3), occurrence: 3)
        _ = try await host.run(wave: late, planned: script.planned(3), audience: Self.world.audience(percent: 50))
        let next = LocalTime(
            instant: script.planned(3).instant.adding(ms: 30 * 86_400_000),
            offsetSeconds: script.planned(3).offsetSeconds
        )
        _ = try await host.handOff(late, block: 0, range: 0..<Block.size, at: next) { _ in true }
        try await offer(on: host, at: next)
        try await assign(on: host, after: next)
        let end = LocalTime(instant: next.instant.adding(ms: 5 * 86_400_000), offsetSeconds: next.offsetSeconds)
        try await host.erase([7, 150, 399], at: end)
        try await takeOut(on: host, at: end)
    }

    /// Contacts that are loaded, some of which are taken out again.
    private func takeOut(on host: DecisionHost, at time: LocalTime) async throws {
        func history(_ step: Int) -> ContactHistory {
            var history = ContactHistory()
            let counts = (0..<Self.world.subscribers).map { UInt8($0 % step == 0 ? 2 : 0) }
            history.counters.append(.init(channel: .sms, month: time.month, counts: counts))
            history.add(channel: .sms, category: "upsell", day: time.day, indices: [UInt32(step), 30])
            return history
        }
        let (kept, removed) = (history(3), history(5))
        try await host.record([
            .historyLoaded(file: objects.put(kept.encoded())), .historyLoaded(file: objects.put(removed.encoded())),
            .historyRemoved(file: objects.put(removed.encoded())),
        ])
    }

    /// A wave under an assignment, and an assignment that is taken back.
    private func assign(on host: DecisionHost, after time: LocalTime) async throws {
        let planned = LocalTime(
            instant: time.instant.adding(ms: 4 * 86_400_000),
            offsetSeconds: time.offsetSeconds
        )
        func file(_ campaign: Int64, percent: UInt64) -> ContentHash {
            let assignment = Assignment(
                campaign: CampaignID(campaign),
                revision: 1,
                days: time.day...planned.day,
                solution: .sha256(Array("solution".utf8)),
                members: Self.world.members(96, perMille: percent * 10)
            )
            return objects.put(assignment.encoded())
        }
        try await host.record([
            .assignmentSet(CampaignID(3), file: file(3, percent: 50)),
            .assignmentSet(CampaignID(8), file: file(8, percent: 10)),
            .assignmentSet(CampaignID(9), file: file(9, percent: 20)), .assignmentSet(CampaignID(8), file: nil),
        ])
        let wave = WaveID(campaign: CampaignID(3), occurrence: 4)
        _ = try await host.run(wave: wave, planned: planned, audience: Self.world.audience(percent: 70))
    }

    /// Offers at two touchpoints, with answers of every kind, one that broke off and some that lapse.
    private func offer(on host: DecisionHost, at start: LocalTime) async throws {
        func time(minutes: Int) -> LocalTime {
            LocalTime(instant: start.instant.adding(ms: Int64(minutes) * 60_000), offsetSeconds: start.offsetSeconds)
        }
        for number in Int64(8)...9 {
            var spec = Self.world.campaign(number, category: "data_pack")
            spec.touchpoints = [.counter, .website]
            spec.product = nil
            spec.conflictingProducts = []
            spec.validTo = start.day.adding(days: 20)
            spec.priority = Int(number)
            let everybody = objects.put(Bitset(full: Self.world.subscribers).listFile)
            try await host.record([
                .campaignSet(spec.id, revision: 1, file: objects.put(spec.canonicalJSON())),
                .campaignStatus(spec.id, .live), .poolSet(spec.id, file: everybody),
            ])
        }
        for index in UInt32(0)..<120 {
            let request = OfferRequest(
                request: 7_000_000 + UInt64(index),
                index: index,
                touchpoint: index % 2 == 0 ? .counter : .website,
                entrance: .inbound,
                at: time(minutes: Int(index) / 4),
                limit: UInt8(1 + index % 3)
            )
            let answer = try await host.answer(request)
            guard let first = answer.offers.first, index % 5 != 0 else { continue }
            let response = OfferResponse(
                request: request.request,
                index: index,
                campaign: index % 3 == 0 ? nil : first,
                result: ContactResult.allCases[Int(index) % ContactResult.allCases.count],
                at: time(minutes: Int(index) / 4 + 1),
                until: index % 7 == 0 ? start.day.adding(days: 3) : nil
            )
            _ = try await host.respond(response)
        }
        try await host.tick(time(minutes: 62))
    }

    func write(_ release: String) throws {
        var w = ByteWriter()
        var batches: [LogBatch] = []
        try log.read(from: 1) { batches.append($0) }
        let files = try batches.flatMap { try Self.files(of: LogRecord(decoding: $0.payload)) }
        let contents = try Set(files).sorted { $0.hex < $1.hex }.map { try objects.bytes($0) }
        w.write(UInt32(contents.count))
        for content in contents { w.write(counted: content) }
        w.write(UInt32(batches.count))
        for batch in batches {
            w.write(batch.chain.number)
            w.write(UInt8(batch.key == nil ? 0 : 1))
            if let key = batch.key {
                w.write(key.wave)
                w.write(key.block)
            }
            w.write(counted: batch.payload)
            w.write(raw: batch.previous.bytes)
            w.write(raw: batch.digest.bytes)
        }
        try FileManager.default.createDirectory(at: Self.folder, withIntermediateDirectories: true)
        try Data(w.bytes).write(to: Self.folder.appending(path: release + ".log"))
        try Data(facts().utf8).write(to: Self.folder.appending(path: release + ".txt"))
    }

    /// The files a fold reads; a checkpoint's are not needed.
    private static func files(of record: LogRecord) -> [ContentHash] {
        switch record {
        case .erased(_, let files, _): files.map(\.new)
        case .linesAssigned(_, _, let file), .listReplaced(_, let file), .policySet(_, let file),
            .campaignSet(_, _, let file), .historyLoaded(let file), .historyRemoved(let file),
            .waveOpened(_, _, let file, _, _),
            .poolSet(_, let file), .assignmentSet(_, .some(let file)):
            [file]
        default: []
        }
    }

    /// What the fold must say, one fact a line.
    func facts() throws -> String {
        let replay = Replay(log: log, inputs: Self.world.inputs(objects), threads: 1)
        try replay.fold()
        let state = replay.state
        var lines = ["batches \(replay.batches)", "now \(state.now.isoLocal)", "lines \(state.lines.count)"]
        lines.append("first line \(state.lines.first ?? 0), last \(state.lines.last ?? 0)")
        if !state.erased.isEmpty {
            lines.append("erased \(state.erased.sorted().map(String.init).joined(separator: ", "))")
        }
        lines.append("policy revision \(state.policy?.revision ?? 0)")
        for (list, members) in state.lists.sorted(by: { $0.key < $1.key }) {
            lines.append("list \(list.code) \(members.count)")
        }
        for (id, campaign) in state.campaigns.sorted(by: { $0.key < $1.key }) {
            lines.append("campaign \(id.number) \(campaign.status) \(campaign.spec.name)")
        }
        for wave in state.waves.values.sorted(by: { $0.wave < $1.wave }) {
            let sets: [(String, KeyPath<WaveBlockState, BlockSet>)] = [
                ("contact", \.contact), ("control", \.control), ("left", \.handedOff), ("accepted", \.accepted),
                ("delivered", \.delivered), ("settled", \.settled), ("released", \.released), ("replied", \.replied),
                ("open", \.open),
            ]
            let counts = sets.map { "\($0) \(wave.sum($1))" }.joined(separator: ", ")
            let totals = wave.totals.map { "\($0.outcome.code) \($0.count)" }.joined(separator: ", ")
            let moved = wave.blocks.values.flatMap(\.moved).map { ", \($0.members.count) counted in \($0.month.iso)" }
            lines.append("wave \(wave.wave.campaign.number)/\(wave.wave.occurrence) \(wave.status): \(totals)")
            lines.append("  \(counts)\(moved.joined())")
        }
        for channel in ChannelClass.allCases {
            for number in state.ledger.monthsHeld.lowerBound.number...state.ledger.monthsHeld.upperBound.number {
                let month = LocalMonth(number: number)
                let sum = (0..<UInt32(state.subscribers)).reduce(0) {
                    $0 + state.ledger.count(SubscriberIndex($1), channel: channel, month: month)
                }
                lines.append("contacts \(channel.code) \(month.iso) \(sum)")
            }
        }
        let settled = state.concluded.values.count { $0 }
        lines.append(
            "single reservations open \(state.singles.count), settled \(settled), "
                + "released \(state.concluded.count - settled)"
        )
        for (id, adopted) in state.assignments.sorted(by: { $0.key < $1.key }) {
            let (days, members) = (adopted.assignment.days, adopted.assignment.members.count)
            lines.append("assignment of campaign \(id.number) \(days.lowerBound.iso) \(days.upperBound.iso) \(members)")
        }
        return (lines + Self.offers(in: state)).joined(separator: "\n") + "\n"
    }

    /// Facts of single offers; none in logs that have none.
    private static func offers(in state: DecisionState) -> [String] {
        guard !state.pooledCampaigns.isEmpty else { return [] }
        let kept = state.keptInteractions
        let offered = kept.reduce(0) { $0 + $1.answer.offers.count }
        let controls = kept.reduce(0) { $0 + $1.answer.controls.count }
        return state.pooledCampaigns.map { "pool \($0.id.number) contacts \($0.contacts)" } + [
            "answers kept \(kept.count), offers \(offered), control \(controls), settled \(kept.count(where: \.isSettled)), "
                + "given back \(kept.count(where: \.isReleased))"
        ]
    }
}

@Suite struct GoldenLogTests {
    private static let releases: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: GoldenLog.folder.path)) ?? []
        return files.filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }.sorted()
    }()

    @Test func `there is a golden log, and together they hold every type of record`() throws {
        var types: Set<UInt8> = []
        for release in Self.releases {
            try GoldenLog(release).log.read(from: 1) { types.insert($0.payload[0]) }
        }
        #expect(types == Set(1...30))
    }

    @Test(arguments: releases) func `the log of a release folds to the facts it folded to then`(release: String) throws
    {
        let facts = try String(contentsOf: GoldenLog.folder.appending(path: release + ".txt"), encoding: .utf8)
        #expect(try GoldenLog(release).facts() == facts)
    }

    /// `GYRE_WRITE_GOLDEN=NAME swift test --filter GoldenLogTests` writes the log of a new release; never an old one.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["GYRE_WRITE_GOLDEN"] != nil))
    func `a new release writes its golden log`() async throws {
        let release = try #require(ProcessInfo.processInfo.environment["GYRE_WRITE_GOLDEN"])
        try #require(!Self.releases.contains(release), "a golden log never changes")
        try await GoldenLog().write(release)
    }
}
