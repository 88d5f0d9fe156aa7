// Everybody at once against one host: the log is the order, and a slow account of it must agree with every decision.
// SPDX-License-Identifier: Apache-2.0

import DecisionHost
import Foundation
import InMemory
import Kernel
import Model
import Ports
import Testing
import TestSupport

@testable import Decisioning

private let isLong = ProcessInfo.processInfo.environment["GYRE_LONG"] == "1"

/// Random work of several tasks on one host.
private final class Crowd: Sendable {
    /// What the tasks share.
    struct Common {
        var now: LocalTime
        var policy: ContactPolicy
        var requests: UInt64 = 0
        var ticks = 0
        var occurrence: Int32 = 0
        /// Waves with contacts that may still leave, or of which something may still come back.
        var waves: [WaveID] = []
    }

    let world: DecisionWorld
    let log = InMemoryDecisionLog()
    let objects = InMemoryObjects()
    let host: DecisionHost
    /// The subscribers everything happens to, on two blocks.
    let customers: [UInt32]
    private let common: LockedValue<Common>
    /// Minutes that every tenth tick moves on; the others move on by a few.
    private let leap: Int

    init(seed: UInt64, customers: Int, leap: Int) async throws {
        world = DecisionWorld(seed: seed, subscribers: 66_500)
        self.leap = leap
        self.customers = (0..<UInt32(customers)).map { $0 % 2 == 0 ? $0 / 2 * 83 : 65_536 + $0 / 2 }
        common = LockedValue(Common(now: world.start, policy: world.policy))
        host = try DecisionHost(
            log: log,
            objects: objects,
            inputs: world.inputs(objects),
            threads: 1,
            blocksPerCommit: 1
        )
        try await host.record(world.setUp(objects, campaigns: []))
        var random = SeededRandom(seed: seed)
        for number in 1...9 { try await setCampaign(Int64(number), &random) }
        try await setPolicy(&random)
    }

    /// Lets `tasks` work until `operations` are done between them.
    func work(_ operations: Int, tasks: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                group.addTask {
                    var random = SeededRandom(seed: self.world.seed &* 1_000 &+ UInt64(task))
                    var answers: [OfferAnswer] = []
                    for _ in 0..<operations / tasks { try await self.step(&random, &answers) }
                }
            }
            try await group.waitForAll()
        }
        // What waits behind a request of another clock lapses with it.
        try await host.tick(common.withLock { $0.now.adding(minutes: 60) })
    }

    private func step(_ random: inout SeededRandom, _ answers: inout [OfferAnswer]) async throws {
        let now = common.withLock { $0.now }
        func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
        func anybody() -> UInt32 { customers[below(customers.count)] }
        switch below(1_000) {
        case 0..<560:
            let answer = try await host.answer(request(at: now, &random))
            answers.append(answer)
            if answers.count > 120 { answers.removeFirst(60) }
        case 560..<880:
            guard let answer = answers.suffix(40).randomElement(using: &random) else { return }
            let response = OfferResponse(
                request: answer.request.request,
                index: answer.request.index,
                campaign: below(10) < 6 ? answer.offers.randomElement(using: &random) : nil,
                result: ContactResult.allCases[below(ContactResult.allCases.count)],
                at: now,
                until: below(2) == 0 ? now.day.adding(days: 1 + below(9)) : nil
            )
            _ = try await host.respond(response)
        case 880..<900:
            let some = below(4)
            let next = common.withLock { common in
                common.ticks += 1
                common.now = common.now.adding(minutes: common.ticks % 10 == 0 ? leap : some)
                return common.now
            }
            try await host.tick(next)
        case 900..<950:
            let lists = [ListID("black"), .dnd(1, channel: .sms), .dnd(2), .dnd(4), .product("P1"), .product("P3")]
            let (list, added, removed) = (lists[below(lists.count)], anybody(), anybody())
            try await host.record([.listChanged(list, added: [added], removed: added == removed ? [] : [removed])])
        case 950..<954: try await setPolicy(&random)
        case 954..<956: try await setCampaign(Int64(1 + below(9)), &random)
        case 956..<958:
            let status: CampaignStatus = [.paused, .live, .live, .stopped][below(4)]
            try await host.record([.campaignStatus(CampaignID(Int64(1 + below(9))), status)])
        case 958..<959: try await loadLateFile(now, &random)
        case 959..<961: try await wave(now, &random)
        case 961..<970: try await leave(now, &random)
        default: try await receive(now, &random)
        }
    }

    private func request(at now: LocalTime, _ random: inout SeededRandom) -> OfferRequest {
        func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
        let number = common.withLock { common in
            common.requests += 1
            return common.requests
        }
        return OfferRequest(
            request: number,
            index: customers[below(customers.count)],
            touchpoint: Touchpoint.allCases[below(Touchpoint.allCases.count)],
            entrance: below(5) > 0 ? .inbound : .event,
            at: now,
            limit: UInt8(1 + below(5)),
            campaigns: below(6) == 0 ? [CampaignID(Int64(1 + below(9))), CampaignID(Int64(1 + below(9)))] : []
        )
    }

    // MARK: Inputs

    private func setCampaign(_ number: Int64, _ random: inout SeededRandom) async throws {
        func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
        let today = common.withLock { $0.now.day }
        var spec = world.campaign(number, category: ["retention", "data_pack", "care", "voice_plan"][below(4)])
        spec.touchpoints = Touchpoint.allCases.filter { _ in below(10) < 7 }
        spec.product = below(10) < 3 ? nil : "P\(1 + below(3))"
        spec.conflictingProducts = below(10) < 3 ? ["P2"] : []
        spec.priority = 1 + below(3)
        spec.personalPriority = below(2) == 0 ? "score" : nil
        spec.score = below(10) < 7 ? "score" : nil
        spec.valuePerOrderMinor = Int64(below(5) * 100)
        spec.capacity = below(10) < 4 ? customers.count + below(20 * customers.count) : nil
        spec.controlPPM = below(2) == 0 ? 200_000 : 0
        (spec.validFrom, spec.validTo) = (today, today.adding(days: 20 + below(200)))
        spec.limit = 50
        let file = objects.put(try Array(JSONEncoder().encode(spec)))
        var audience = Bitset(universe: world.subscribers)
        for index in customers where below(4) > 0 { audience.insert(index) }
        var records: [LogRecord] = [
            .campaignSet(spec.id, revision: Int32(spec.revision), file: file), .campaignStatus(spec.id, .live),
            .poolSet(spec.id, file: objects.put(audience.listFile)),
        ]
        if below(3) == 0 {
            let assignment = Assignment(
                campaign: spec.id,
                revision: spec.revision,
                days: today...today.adding(days: 30),
                solution: .sha256(audience.listFile),
                members: audience
            )
            records.append(.assignmentSet(spec.id, file: objects.put(assignment.encoded())))
        }
        try await host.record(records)
    }

    private func setPolicy(_ random: inout SeededRandom) async throws {
        func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
        var policy = common.withLock { common in
            common.policy.revision += 1
            return common.policy
        }
        policy.similarDays = below(2) == 0 ? ["retention": 30, "data_pack": 5] : [:]
        policy.similarTo = below(2) == 0 ? ["data_pack": ["voice_plan"]] : [:]
        policy.productDays = below(2) == 0 ? ["P1": 10, "*": 3] : [:]
        policy.intervalDays = below(2) == 0 ? [.sms: 3, .outbound: 7] : [:]
        let name = BilingualText(zh: "r", en: "r")
        policy.categoryRules =
            below(2) == 0 ? [CategoryRule(code: "r", name: name, categories: ["care"], rule: "gold")] : []
        policy.quietHours = below(2) == 0 ? [.sms: QuietHours(from: 1_260, to: 540)] : [:]
        policy.quietAreas = ["young", "gold"].filter { _ in below(2) == 0 }.map { rule in
            let hours = [.sms: QuietHours(from: below(1_440), to: below(1_440))] as [ChannelClass: QuietHours]
            return QuietArea(code: rule, name: name, rule: rule, quietHours: below(4) == 0 ? [:] : hours)
        }
        policy.ranking = [[.priority, .expectedValue], [.personalPriority, .value], [.expectedValue]][below(3)]
        policy.offers = OfferLimits(offers: 1 + below(4), minutesToShow: 20, minutesKept: 60)
        for tier in policy.tiers.indices {
            policy.tiers[tier].caps[.inbound] = Cap(count: 3 + below(4), months: 1 + below(2))
            policy.tiers[tier].caps[.outbound] = Cap(count: 3, months: 3)
            policy.tiers[tier].overall = Cap(count: 7 + below(3), months: 1)
        }
        let file = objects.put(try Array(JSONEncoder().encode(policy)))
        try await host.record([.policySet(revision: Int32(policy.revision), file: file)])
    }

    /// A channel tells weeks later whom it contacted.
    private func loadLateFile(_ now: LocalTime, _ random: inout SeededRandom) async throws {
        var counts = [UInt8](repeating: 0, count: world.subscribers)
        var indices: Set<UInt32> = []
        for _ in 0..<3 { indices.insert(customers[Int.random(in: 0..<customers.count, using: &random)]) }
        for index in indices { counts[Int(index)] = 1 }
        let day = now.day.adding(days: -Int.random(in: 0..<40, using: &random))
        let channel = ChannelClass.allCases[Int.random(in: 0..<4, using: &random)]
        var history = ContactHistory()
        history.counters = [.init(channel: channel, month: day.month, counts: counts)]
        history.add(channel: channel, category: "care", day: day, indices: indices.sorted())
        try await host.record([.historyLoaded(file: objects.put(history.encoded()))])
    }

    // MARK: Waves

    private func wave(_ now: LocalTime, _ random: inout SeededRandom) async throws {
        let occurrence = common.withLock { common in
            common.occurrence += 1
            return common.occurrence
        }
        let campaign = CampaignID(Int64(Int.random(in: 1...9, using: &random)))
        let wave = WaveID(campaign: campaign, occurrence: occurrence)
        var audience = Bitset(universe: world.subscribers)
        let share = customers.count / 100
        for index in customers where Int.random(in: 0..<share, using: &random) == 0 { audience.insert(index) }
        // Some of its members are asked for while it selects, and may take the contact it wanted.
        let requests = (0..<12).map { _ in request(at: now, &random) }
        async let summary = host.run(wave: wave, planned: now, audience: audience)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for request in requests { group.addTask { _ = try await self.host.answer(request) } }
            try await group.waitForAll()
        }
        guard try await summary.count(.contact) > 0 else { return }
        common.withLock { common in
            common.waves.append(wave)
            if common.waves.count > 12 { common.waves.removeFirst() }
        }
    }

    private func leave(_ now: LocalTime, _ random: inout SeededRandom) async throws {
        guard let wave = common.withLock({ $0.waves }).randomElement(using: &random) else { return }
        let block = Int.random(in: 0...1, using: &random)
        let start = Int.random(in: 0...1, using: &random) * Block.size / 2
        _ = try await host.handOff(wave, block: block, range: start..<start + Block.size / 2, at: now) {
            $0.number % 50 != 0
        }
    }

    private func receive(_ now: LocalTime, _ random: inout SeededRandom) async throws {
        guard let wave = common.withLock({ $0.waves }).randomElement(using: &random) else { return }
        // Now and then a channel tells of somebody who never left, or whose contact was given back.
        let isStrange = Int.random(in: 0..<4, using: &random) == 0
        let gone =
            try await host.read { state in
                isStrange ? state.waves[wave]?.members(\.contact) : state.waves[wave]?.members(\.handedOff)
            } ?? []
        let kind = FeedbackKind.allCases.randomElement(using: &random) ?? .delivered
        let salt = UInt32.random(in: 0..<7, using: &random)
        try await host.feedback(wave, kind, gone.filter { ($0.number + salt) % 7 < 3 }, at: now)
    }
}

/// Reads a log once, a naive fold of each customer beside it, and says what does not agree.
private final class CrowdCheck {
    private let folds: [UInt32: SubscriberFold]
    private var contacts: [CampaignID: Int64] = [:]
    /// Those whom a wave meant: to the others it is nothing.
    private var members: [WaveID: [SubscriberFold]] = [:]
    /// By wave, what each member of its audience would get, and the copies to find that with.
    private var openings: [WaveID: [UInt32: (SubscriberFold, CampaignSpec, LocalTime)]] = [:]
    private var expected: [WaveID: [UInt32: Outcome]] = [:]
    private(set) var problems: [String] = []
    private(set) var answers = 0
    private(set) var outcomes = 0
    private(set) var taken = 0
    private(set) var counters = 0

    init(_ crowd: Crowd) throws {
        let inputs = DecodedInputs(crowd.world.inputs(crowd.objects))
        folds = Dictionary(
            uniqueKeysWithValues: crowd.customers.map {
                ($0, SubscriberFold(index: SubscriberIndex($0), inputs: inputs))
            }
        )
        let replay = Replay(log: crowd.log, inputs: crowd.world.inputs(crowd.objects), threads: 1)
        let end = crowd.log.position().sequence
        let step = max(1, end / 20)
        try crowd.log.read(from: 1) { batch in
            try take(LogRecord(decoding: batch.payload), sequence: batch.sequence)
            guard batch.sequence % step == 0 || batch.sequence == end else { return }
            try replay.fold(upTo: batch.sequence)
            compare(replay.state, at: batch.sequence)
        }
    }

    private func take(_ record: LogRecord, sequence: Int64) throws {
        switch record {
        case .answered(let all):
            for answer in all {
                guard let fold = folds[answer.request.index] else { continue }
                let naive = try fold.answer(to: answer.request) { contacts[$0] ?? 0 }
                answers += 1
                if naive != answer { problem("\(sequence): \(answer), naively \(naive)") }
                change(fold, answer.request.request) { fold.take(answer) }
            }
        case .responded(let all):
            for response in all {
                guard let fold = folds[response.index] else { continue }
                change(fold, response.request) { fold.take(response) }
            }
        case .lapsed(let all):
            for lapse in all {
                guard let fold = folds[lapse.index] else { continue }
                change(fold, lapse.request) { fold.take(lapse) }
            }
        case .waveOpened(let wave, _, let audience, _, _):
            try prepare(record)
            members[wave] = try folds.values.filter { try $0.isMember(ofAudience: audience) }
            try apply(record, sequence, to: members[wave])
        case .waveSelected(let wave, _), .waveBlock(let wave, _, _), .handedOff(let wave, _, _, _, _, _),
            .handedOffSome(let wave, _, _, _, _, _, _), .reported(let wave, _, _, _, _), .released(let wave, _, _):
            try prepare(record)
            try apply(record, sequence, to: members[wave])
        default: try apply(record, sequence, to: Array(folds.values))
        }
    }

    private func apply(_ record: LogRecord, _ sequence: Int64, to some: [SubscriberFold]?) throws {
        for fold in some ?? [] { try fold.apply(record, sequence: sequence) }
    }

    private func change(_ fold: SubscriberFold, _ request: UInt64, _ body: () -> Void) {
        func standing() -> [CampaignID] {
            fold.offers.filter { $0.request.request == request && $0.isContact }.map(\.campaign)
        }
        for campaign in standing() { contacts[campaign, default: 0] -= 1 }
        body()
        for campaign in standing() { contacts[campaign, default: 0] += 1 }
    }

    /// Before a record of a wave is applied: keeps the state of its opening, or compares its outcomes.
    private func prepare(_ record: LogRecord) throws {
        switch record {
        case .waveOpened(let wave, let planned, let audience, _, _):
            openings[wave] = try folds.filter { try $0.value.isMember(ofAudience: audience) }.compactMapValues { fold in
                fold.campaigns[wave.campaign].map { (SubscriberFold(copying: fold), $0.spec, planned) }
            }
        case .waveSelected(let wave, let cuts):
            expected[wave] = try openings.removeValue(forKey: wave)?.mapValues { fold, spec, planned in
                try fold.checks(spec, on: planned, isMember: true, cuts: cuts).outcome
            }
        case .waveBlock(let wave, let block, let logged):
            for (index, outcome) in expected[wave] ?? [:] where SubscriberIndex(index).block == Int(block) {
                let found = try logged.outcome(at: SubscriberIndex(index).offset)
                outcomes += 1
                if found == .takenMeanwhile, outcome == .contact {
                    taken += 1
                } else if found != outcome {
                    problem("wave \(wave), \(index): \(found?.code ?? "nothing"), naively \(outcome.code)")
                }
            }
        default: break
        }
    }

    private func compare(_ state: DecisionState, at sequence: Int64) {
        let held = state.ledger.monthsHeld
        for (number, fold) in folds {
            for month in (held.lowerBound.number...held.upperBound.number).map({ LocalMonth(number: $0) }) {
                for channel in ChannelClass.allCases {
                    let mine = min(255, fold.counts[month]?[channel] ?? 0)
                    let theirs = state.ledger.count(fold.index, channel: channel, month: month)
                    counters += 1
                    if mine != theirs {
                        problem("\(sequence): \(number) \(channel) \(month.iso) \(mine), state \(theirs)")
                    }
                }
            }
        }
        for pooled in state.pooledCampaigns where pooled.contacts != contacts[pooled.id] ?? 0 {
            problem(
                "\(sequence): \(pooled.id) has \(contacts[pooled.id] ?? 0) contacts, in the state \(pooled.contacts)"
            )
        }
    }

    private func problem(_ text: String) { problems.append(text) }
}

@Suite(.serialized) struct ModelRunTests {
    private static let operations = isLong ? 1_000_000 : 20_000
    private static let customers = isLong ? 1_500 : 240
    private static let mostExplained = 40

    @Test func `whatever tasks do at once, a slow account of the log agrees with every counter and decision`()
        async throws
    {
        let seed = UInt64.random(in: 1...UInt64(UInt32.max))
        let clock = ContinuousClock()
        let begin = clock.now
        let crowd = try await Crowd(seed: seed, customers: Self.customers, leap: isLong ? 200 : 2_000)
        try await crowd.work(Self.operations, tasks: 8)
        let worked = clock.now
        let (state, time) = try await crowd.host.read { ($0.stateSHA256(), $0.now) }

        let inputs = crowd.world.inputs(crowd.objects)
        let replay = Replay(log: crowd.log, inputs: inputs, threads: 2, verifies: true)
        try replay.fold()
        #expect(replay.state.stateSHA256() == state, "seed \(seed)")
        let decided = clock.now
        let audit = try LogAudit(crowd.log, world: crowd.world, objects: crowd.objects)
        audit.compare(with: replay.state)
        audit.checkNothingIsDue()
        #expect(audit.problems.isEmpty, "seed \(seed): \(audit.problems.count), \(audit.problems.prefix(5))")
        try await Self.checkOverruns(crowd, replay.state, on: time.day, seed)
        let audited = clock.now
        let check = try CrowdCheck(crowd)
        #expect(check.problems.isEmpty, "seed \(seed): \(check.problems.count), \(check.problems.prefix(5))")
        #expect(check.answers > Self.operations / 3 && check.outcomes > Self.operations / 100)
        #expect(time.month > crowd.world.start.month)
        print(
            """
            model run: seed \(seed), \(Self.operations) operations in \(worked - begin), \(crowd.log.position().sequence) \
            batches up to \(time.day.iso); \(check.answers) answers, \(check.outcomes) outcomes of waves \
            (\(check.taken) taken meanwhile) and \(check.counters) counters compared, \(audit.reserved) contacts \
            reserved, \(audit.released) given back, \(audit.overruns) overruns from outside; decided again in \
            \(decided - worked), audited in \(audited - decided), folded naively in \(clock.now - audited)
            """
        )
    }

    /// Of everybody above a cap the log names facts from outside, and no decision.
    private static func checkOverruns(
        _ crowd: Crowd,
        _ state: DecisionState,
        on day: LocalDay,
        _ seed: UInt64
    ) async throws {
        let explainer = Explainer(
            log: crowd.log,
            inputs: crowd.world.inputs(crowd.objects),
            postings: InMemoryPostings(),
            rows: InMemoryWaveRows()
        )
        let scan = try #require(try state.overrunScan(on: day))
        let above = scan.report([scan.count(scan.blocks, state.ledger, threads: 2)]).members
        // Each part of the log is walked by itself: those above a cap first, then others.
        let looked = crowd.customers.filter(above.contains) + crowd.customers.filter { !above.contains($0) }
        let found = try explainer.overruns(of: looked.prefix(mostExplained).map { SubscriberIndex($0) }, on: day)
        #expect(found.count == min(looked.count, mostExplained))
        for subscriber in found {
            #expect(subscriber.overruns.isEmpty != above.contains(subscriber.index.number), "seed \(seed)")
            #expect(!subscriber.isBroken, "seed \(seed): \(subscriber)")
            #expect(subscriber.overruns.allSatisfy { !$0.causes.isEmpty }, "seed \(seed): \(subscriber)")
        }
    }
}
