// A full disk while a commit holds answers, responses and blocks of a wave: refused as a whole, and working again.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Decisioning
import Foundation
import InMemory
import Kernel
import Model
import Ports
import SQLiteStore
import TestSupport
import Testing

/// A log on a disk that can be full; it remembers what kinds of records were refused together.
private final class RefusingLog: DecisionLog {
    let disk: PowerCutDisk
    /// Kinds of records of each append that was refused.
    let refused = LockedValue<[Set<String>]>([])
    /// Whether there is room again after an append was refused.
    let mendsItself = LockedValue(false)
    /// Whether the next append takes its time.
    let isSlow = LockedValue(false)
    private let log: SQLiteDecisionLog

    init() throws {
        disk = try PowerCutDisk()
        log = try disk.log()
    }

    func append(_ batches: [LogBatch]) throws {
        let waits = isSlow.withLock { isSlow in
            defer { isSlow = false }
            return isSlow
        }
        if waits { Thread.sleep(forTimeInterval: 0.5) }
        do {
            try log.append(batches)
        } catch {
            let kinds = try batches.map { batch in
                switch try LogRecord(decoding: batch.payload) {
                case .answered: "answers"
                case .responded: "responses"
                case .waveBlock: "blocks"
                default: "others"
                }
            }
            refused.withLock { $0.append(Set(kinds)) }
            if mendsItself.withLock({ $0 }) { disk.mend() }
            throw error
        }
    }

    /// From here on nothing can be written.
    func fill() { disk.fail(.writes(code: 13), skip: 0, count: 1_000_000) }  // SQLITE_FULL

    func position() throws -> LogPosition { try log.position() }

    func read(from sequence: Int64, _ body: (LogBatch) throws -> Void) throws { try log.read(from: sequence, body) }

    func batches(for key: LogKey) throws -> [LogBatch] { try log.batches(for: key) }

    func batches(at sequences: [Int64]) throws -> [LogBatch] { try log.batches(at: sequences) }

    func read(chain: LogChain?, from sequence: Int64, withKeys: Bool, _ body: (LogBatch) throws -> Void) throws {
        try log.read(chain: chain, from: sequence, withKeys: withKeys, body)
    }
}

/// An operator with one campaign in the pool and one for a wave, on a disk that can be full.
private struct FullDiskDesk {
    let world = DecisionWorld(seed: 21, subscribers: 330_000)  // six blocks
    let objects = InMemoryObjects()
    let log: RefusingLog
    let host: DecisionHost
    /// Requests that are on their way.
    private let begun: LockedValue<Int>

    init(
        begun: LockedValue<Int> = LockedValue(0),
        observe: @escaping @Sendable (ProtocolStep, RefusingLog) -> Void = { _, _ in }
    ) async throws {
        self.begun = begun
        let log = try RefusingLog()
        self.log = log
        host = try DecisionHost(
            log: log,
            objects: objects,
            inputs: world.inputs(objects),
            threads: 2,
            blocksPerCommit: 1,
            observe: { observe($0, log) }
        )
        var specs = [world.campaign(1, category: "data_pack"), world.campaign(2, category: "care", limit: 3_000)]
        specs[0].touchpoints = [.counter, .website]
        specs[0].capacity = 400
        try await host.record(world.setUp(objects, campaigns: specs))
        let everybody = objects.put(Bitset(full: world.subscribers).listFile)
        try await host.record([.poolSet(CampaignID(1), file: everybody)])
    }

    /// Requests of different subscribers in all blocks; the number says which.
    func request(_ number: Int) -> OfferRequest {
        OfferRequest(
            request: UInt64(number),
            index: UInt32(number * 1_009 % world.subscribers),
            touchpoint: number % 2 == 0 ? .counter : .website,
            entrance: .inbound,
            at: world.start,
            limit: 3
        )
    }

    /// Asks or answers to all at once; gives how many were refused, which must say so.
    func all(_ numbers: Range<Int>, _ one: @escaping @Sendable (Int) async throws -> Void) async throws -> Int {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in numbers {
                group.addTask {
                    begun.withLock { $0 += 1 }
                    do {
                        try await one(number)
                        return false
                    } catch let error as DecisionHostError {
                        #expect(error.code == "decision.read_only")
                        return true
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
    }

    func ask(_ numbers: Range<Int>) async throws -> Int {
        try await all(numbers) { _ = try await host.answer(request($0)) }
    }

    func respond(_ numbers: Range<Int>) async throws -> Int {
        try await all(numbers) { number in
            let response = OfferResponse(
                request: UInt64(number),
                index: request(number).index,
                campaign: nil,
                result: number % 3 == 0 ? .failed : .accepted,
                at: world.start
            )
            let answer = try await host.respond(response)
            #expect(answer == .taken)
        }
    }

    /// Lets everything wait until it is decided for one commit, on a disk that is full by then.
    func whileFull(_ work: @escaping @Sendable () async throws -> Int) async throws -> Int {
        let (isHeld, last) = (LockedValue(false), begun.withLock { $0 } + 120)
        async let held: Void = host.read { _ in
            isHeld.withLock { $0 = true }
            Self.wait(for: last, begun)
            log.fill()
        }
        while !isHeld.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
        let refused = try await work()
        try await held
        log.disk.mend()
        return refused
    }

    /// Holds the owner until so many requests are on their way, and a little longer, so that they wait for it.
    static func wait(for count: Int, _ begun: LockedValue<Int>) {
        for _ in 0..<20_000 where begun.withLock({ $0 }) < count { usleep(1_000) }
        Thread.sleep(forTimeInterval: 0.3)
    }

    func states() async throws -> (live: ContentHash, folded: ContentHash) {
        let replay = Replay(log: log, inputs: world.inputs(objects), threads: 2)
        try replay.fold()
        return (try await host.read { $0.stateSHA256() }, replay.state.stateSHA256())
    }

    func problems() throws -> [String] { try audit(log, world: world, objects: objects, told: []) }
}

@Suite struct FullDiskOfferTests {
    @Test func `answers that share a commit are refused together, nothing is reserved, and they are given later`()
        async throws
    {
        let desk = try await FullDiskDesk()
        let before = try await desk.states()
        let (numbers, end) = (1..<121, try desk.log.position())
        #expect(try await desk.whileFull { try await desk.ask(numbers) } == 120)
        #expect(desk.log.refused.withLock { $0 } == [["answers"]])
        let after = try await desk.states()
        #expect(after.live == before.live && after.folded == before.live)
        #expect(try desk.log.position() == end)
        #expect(try await desk.ask(numbers) == 0)
        #expect(try await desk.host.read { $0.keptInteractions.count } == 120)
        #expect(try desk.problems().isEmpty)
    }

    @Test func `responses that share a commit are refused together, and what was offered stays reserved`() async throws
    {
        let desk = try await FullDiskDesk()
        let numbers = 1..<121
        #expect(try await desk.ask(numbers) == 0)
        let before = try await desk.states()
        #expect(try await desk.whileFull { try await desk.respond(numbers) } == 120)
        #expect(desk.log.refused.withLock { $0 } == [["responses"]])
        let after = try await desk.states()
        #expect(after.live == before.live && after.folded == before.live)
        #expect(try await desk.respond(numbers) == 0)
        let settled = try await desk.host.read { $0.keptInteractions.count { $0.isSettled } }
        #expect(settled > 20)
        #expect(try desk.problems().isEmpty)
    }

    @Test func `a commit of blocks, answers and responses is refused as a whole, and the wave ends as if it never was`()
        async throws
    {
        let commits = LockedValue(0)
        let (isWaiting, begun) = (LockedValue(false), LockedValue(0))
        let desk = try await FullDiskDesk(begun: begun) { step, log in
            if step == .waveSelected {
                // Requests pile up here.
                isWaiting.withLock { $0 = true }
                FullDiskDesk.wait(for: 360, begun)
            }
            guard step == .blocksDecided else { return }
            let count = commits.withLock { count in
                count += 1
                return count
            }
            // While the first blocks are written the requests are decided; they leave with the blocks after them.
            if count == 1 { log.isSlow.withLock { $0 = true } }
            if count == 2 { log.fill() }
        }
        let wave = WaveID(campaign: CampaignID(2), occurrence: 1)
        let audience = desk.world.audience(percent: 60)
        let planned = desk.world.start
        #expect(try await desk.ask(1..<121) == 0)
        let isRefused = Task {
            do {
                _ = try await desk.host.run(wave: wave, planned: planned, audience: audience)
                return false
            } catch is DecisionHostError {
                return true
            }
        }
        while !isWaiting.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(1)) }
        async let asked = desk.ask(121..<241)
        async let answered = desk.respond(1..<121)
        let refusals = try await [asked, answered]
        #expect(refusals == [120, 120])
        #expect(try await isRefused.value)
        #expect(desk.log.refused.withLock { $0.first } == ["answers", "responses", "blocks"])
        desk.log.disk.mend()
        let states = try await desk.states()
        #expect(states.live == states.folded, "what failed is undone")
        #expect(try await desk.host.read { $0.keptInteractions.count { $0.isSettled } } == 0)

        // The same disk has room again: everything comes to the end it would have had.
        #expect(try await desk.respond(1..<121) == 0)
        let summary = try await desk.host.run(wave: wave, planned: planned, audience: audience)
        #expect(try await desk.ask(121..<241) == 0)
        #expect(summary.count(.contact) > 1_000)
        #expect(try desk.problems().isEmpty)
    }

    @Test func `a wave does not close without blocks whose commit failed, though requests found the disk well again`()
        async throws
    {
        let isFilled = LockedValue(false)
        let desk = try await FullDiskDesk { step, log in
            guard step == .blocksDecided else { return }
            let isFirst = isFilled.withLock { isFilled in
                defer { isFilled = true }
                return !isFilled
            }
            if isFirst { log.fill() }
        }
        desk.log.mendsItself.withLock { $0 = true }
        let wave = WaveID(campaign: CampaignID(2), occurrence: 1)
        let audience = desk.world.audience(percent: 60)
        // Somebody asks all the time, so that there are requests after the commit that fails.
        let asking = Task {
            var (number, refused) = (1, 0)
            while !Task.isCancelled {
                refused += try await desk.ask(number..<number + 20)
                number += 20
            }
            return refused
        }
        var summary: WaveSummary?
        var refusals = 0
        while summary == nil, refusals < 10 {
            do {
                summary = try await desk.host.run(wave: wave, planned: desk.world.start, audience: audience)
            } catch is DecisionHostError {
                refusals += 1
            }
        }
        asking.cancel()
        _ = try await asking.value
        #expect(refusals == 1 && desk.log.refused.withLock { $0.contains { $0.contains("blocks") } })
        let replay = Replay(log: desk.log, inputs: desk.world.inputs(desk.objects), threads: 2, verifies: true)
        try replay.fold()
        #expect(try await desk.host.read { $0.stateSHA256() } == replay.state.stateSHA256())
        let contacts = replay.state.waves[wave]?.blocks.values.reduce(0) { $0 + $1.counted.count }
        #expect(contacts == Int(summary?.count(.contact) ?? 0), "all that the totals say is in the log")
        #expect(try desk.problems().isEmpty)
    }
}
