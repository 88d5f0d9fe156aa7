// Deterministic work for the decision core in small steps, each of which may be repeated after a crash.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
public import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports

/// Something a client or a gateway was told; what was told must be in the log, whatever happens afterwards.
public enum Told: Hashable, Sendable {
    /// Inputs of a cycle were recorded; cycle 0 sets the operator up.
    case recorded(cycle: Int)
    /// The wave of a cycle ran.
    case ran(cycle: Int, outcome: ContentHash)
    /// Members of part of a block may leave.
    case leaving(cycle: Int, block: Int, from: Int, to: Int)
    /// The gateway got a message.
    case submitted(cycle: Int, index: UInt32)
    /// What came back was taken for part of a block.
    case tookFeedback(cycle: Int, block: Int, kind: FeedbackKind)
    /// A request of one subscriber was answered.
    case offered(request: UInt64, offers: [CampaignID], controls: [CampaignID])
    /// What came of offers was taken.
    case tookResponse(request: UInt64, result: ContactResult)
    /// What was not shown in a cycle was given back.
    case lapsed(cycle: Int)
    /// A cycle is complete.
    case ended(cycle: Int)

    /// One line of text, read back by ``init(line:)``.
    public var line: String {
        switch self {
        case .recorded(let cycle): "recorded \(cycle)"
        case .ran(let cycle, let outcome): "ran \(cycle) \(outcome.hex)"
        case .leaving(let cycle, let block, let from, let to): "leaving \(cycle) \(block) \(from) \(to)"
        case .submitted(let cycle, let index): "submitted \(cycle) \(index)"
        case .tookFeedback(let cycle, let block, let kind): "feedback \(cycle) \(block) \(kind.rawValue)"
        case .offered(let request, let offers, let controls):
            "offered \(request) \(Self.text(offers)) \(Self.text(controls))"
        case .tookResponse(let request, let result): "response \(request) \(result.code)"
        case .lapsed(let cycle): "lapsed \(cycle)"
        case .ended(let cycle): "ended \(cycle)"
        }
    }

    /// Reads ``line``; nil for any other text.
    public init?(line: some StringProtocol) {
        let words = String(line).split(separator: " ").map(String.init)
        let numbers = words.dropFirst().map { Int($0) ?? 0 }
        switch (words.first, words.count) {
        case ("recorded", 2): self = .recorded(cycle: numbers[0])
        case ("ran", 3):
            guard let outcome = ContentHash(hex: words[2]) else { return nil }
            self = .ran(cycle: numbers[0], outcome: outcome)
        case ("leaving", 5): self = .leaving(cycle: numbers[0], block: numbers[1], from: numbers[2], to: numbers[3])
        case ("submitted", 3): self = .submitted(cycle: numbers[0], index: UInt32(numbers[1]))
        case ("feedback", 4):
            guard let kind = FeedbackKind(rawValue: UInt8(numbers[2])) else { return nil }
            self = .tookFeedback(cycle: numbers[0], block: numbers[1], kind: kind)
        case ("offered", 4):
            let (offers, controls) = (Self.campaigns(words[2]), Self.campaigns(words[3]))
            self = .offered(request: UInt64(numbers[0]), offers: offers, controls: controls)
        case ("response", 3):
            guard let result = ContactResult(code: words[2]) else { return nil }
            self = .tookResponse(request: UInt64(numbers[0]), result: result)
        case ("lapsed", 2): self = .lapsed(cycle: numbers[0])
        case ("ended", 2): self = .ended(cycle: numbers[0])
        default: return nil
        }
    }

    private static func text(_ campaigns: [CampaignID]) -> String {
        campaigns.isEmpty ? "-" : campaigns.map { "\($0.number)" }.joined(separator: ",")
    }

    private static func campaigns(_ text: String) -> [CampaignID] {
        text.split(separator: ",").compactMap { Int64($0) }.map { CampaignID($0) }
    }
}

/// The script's world does not behave as it should; the text says how.
public struct ScriptFailure: Error, CustomStringConvertible {
    public let description: String
}

/// Waves, hand-offs in two parts because an area has quiet hours, feedback, offers, responses, assignments and ticks over one ``DecisionWorld``, cycle by cycle.
///
/// What is known after a cycle depends on the world alone: a script that was interrupted anywhere and is played again
/// from the start ends with the same account (``Decisioning/DecisionState/account()``); only the order in which offers of
/// different subscribers came differs. What a gateway says is a function of the index, so that it does not matter which
/// messages got out before an interruption.
public struct LoopScript: Sendable {
    /// The operator.
    public let world: DecisionWorld
    /// Contacts of a wave.
    public let limit: Int
    /// Requests of single subscribers in a cycle.
    public let requests: Int
    let audience: Bitset
    let objects: any ObjectStore
    private let observe: @Sendable (ProtocolStep) -> Void
    let tell: @Sendable (Told) -> Void

    /// Prepares a script; `observe` is called at each step of the protocol, `tell` the moment somebody is told something.
    public init(
        world: DecisionWorld,
        limit: Int,
        requests: Int,
        objects: any ObjectStore,
        observe: @escaping @Sendable (ProtocolStep) -> Void = { _ in },
        tell: @escaping @Sendable (Told) -> Void = { _ in }
    ) {
        // In the east the evening is quiet: there they leave later.
        var world = world
        world.quietAreas = [
            QuietArea(
                code: "east",
                name: BilingualText(zh: "东部", en: "East"),
                rule: "east",
                quietHours: [.sms: QuietHours(from: 17 * 60 + 30, to: 20 * 60)]
            )
        ]
        self.world = world
        self.limit = limit
        self.requests = requests
        audience = world.audience(percent: 60)
        self.objects = objects
        self.observe = observe
        self.tell = tell
    }

    /// Opens a host over a log; each block of a wave is a commit of its own.
    public func host(_ log: any DecisionLog) throws -> DecisionHost {
        try DecisionHost(
            log: log,
            objects: objects,
            inputs: world.inputs(objects),
            threads: 2,
            blocksPerCommit: 1,
            observe: observe
        )
    }

    /// The wave of a cycle.
    public static func wave(_ cycle: Int) -> WaveID {
        WaveID(campaign: CampaignID(Int64(cycle)), occurrence: 1)
    }

    /// The slot of a cycle: two days after the one before.
    public func planned(_ cycle: Int) -> LocalTime {
        let ms = Int64(cycle - 1) * 2 * 86_400_000
        return LocalTime(instant: world.start.instant.adding(ms: ms), offsetSeconds: world.start.offsetSeconds)
    }

    /// Plays all cycles up to `last` that are not complete yet.
    public func play(on host: DecisionHost, to last: Int) async throws {
        if try await host.read({ $0.sequence == 0 }) {
            try await host.record(world.setUp(objects, campaigns: []))
            tell(.recorded(cycle: 0))
        }
        _ = try await host.resume()
        for cycle in 1...last {
            let status = try await host.read { $0.campaigns[CampaignID(Int64(cycle))]?.status }
            if status != .stopped { try await play(cycle, on: host) }
        }
    }

    private func play(_ cycle: Int, on host: DecisionHost) async throws {
        let (wave, planned) = (Self.wave(cycle), planned(cycle))
        if try await host.read({ $0.campaigns[wave.campaign] == nil }) { try await record(cycle, on: host) }
        try await host.tick(planned)
        tell(.recorded(cycle: cycle))
        // What expired without an answer turns out not to have arrived.
        if cycle > 2 {
            try await receiveLate(.failed, of: cycle - 2, at: planned, on: host) { _, index in index.number % 9 == 7 }
        }
        let summary = try await host.run(wave: wave, planned: planned, audience: audience)
        tell(.ran(cycle: cycle, outcome: summary.outcomeSHA256))
        for block in 0..<Block.count(subscribers: world.subscribers) {
            let size = min(Block.size, world.subscribers - block * Block.size)
            // The last quarter of each block never leaves.
            for range in [0..<size / 2, size / 2..<size / 4 * 3] {
                try await handOff(cycle, block: block, range: range, on: host)
            }
        }
        // Before the offers: they must find the same counters when they are asked for again.
        try await host.releaseUnsent(wave)
        // A channel's file says that some of what failed arrived after all, and some of what never left.
        try await receiveLate(.delivered, of: cycle, at: planned, on: host) { state, index in
            let isOfLastQuarter = state.released.contains(index.offset) && !state.handedOff.contains(index.offset)
            return index.number % 50 != 0 && (index.number % 18 == 0 || isOfLastQuarter && index.number % 5 == 0)
        }
        try await offer(cycle, on: host)
        let doubtful = (0..<20).map { UInt32($0 * 31 + cycle * 7) % UInt32(world.subscribers) }
        try await host.record([.listChanged(.dnd(2), added: doubtful, removed: [])])
        try await host.keepCheckpoint(after: 1)
        // The cycle's own campaign last: it says that the cycle is complete.
        var records = Self.offered(cycle).reversed().map { LogRecord.campaignStatus($0, .stopped) }
        if cycle % 4 == 0 { records.insert(.assignmentSet(wave.campaign, file: nil), at: 0) }
        try await host.record(records)
        tell(.ended(cycle: cycle))
    }

    private func handOff(_ cycle: Int, block: Int, range: Range<Int>, on host: DecisionHost) async throws {
        let (wave, planned) = (Self.wave(cycle), planned(cycle))
        for time in [planned, planned.adding(minutes: 150)] {
            let leaving = try await host.handOff(wave, block: block, range: range, at: time) { $0.number % 50 != 0 }
                .leaving
            if !leaving.isEmpty {
                tell(.leaving(cycle: cycle, block: block, from: range.lowerBound, to: range.upperBound))
            }
            for index in leaving {
                tell(.submitted(cycle: cycle, index: index.number))
                observe(.submitted)
            }
        }
        let gone = try await host.read { state in
            var gone: [SubscriberIndex] = []
            state.waves[wave]?.blocks[block]?.handedOff.forEach {
                if range.contains($0) { gone.append(SubscriberIndex(UInt32(block * Block.size + $0))) }
            }
            return gone
        }
        for kind in [FeedbackKind.accepted, .failed, .delivered, .replied] {
            let members = gone.filter { Self.comesBack(kind, $0) }
            try await host.feedback(wave, kind, members, at: planned)
            if !members.isEmpty { tell(.tookFeedback(cycle: cycle, block: block, kind: kind)) }
        }
    }

    /// Takes what came back of a cycle's wave when its contacts were concluded already.
    private func receiveLate(
        _ kind: FeedbackKind,
        of cycle: Int,
        at time: LocalTime,
        on host: DecisionHost,
        where isLate: @escaping @Sendable (WaveBlockState, SubscriberIndex) -> Bool
    ) async throws {
        let wave = Self.wave(cycle)
        let blocks = try await host.read { $0.waves[wave]?.blocks ?? [:] }
        for (block, state) in blocks.sorted(by: { $0.key < $1.key }) {
            var members: [SubscriberIndex] = []
            state.contact.forEach {
                let index = SubscriberIndex(UInt32(block * Block.size + $0))
                if isLate(state, index) { members.append(index) }
            }
            try await host.feedback(wave, kind, members, at: time)
            if !members.isEmpty { tell(.tookFeedback(cycle: cycle, block: block, kind: kind)) }
        }
    }

    private static func comesBack(_ kind: FeedbackKind, _ index: SubscriberIndex) -> Bool {
        switch kind {
        case .accepted: true
        case .failed: index.number % 9 == 0
        case .delivered: (2...6).contains(index.number % 9)
        case .replied: index.number % 41 == 3
        default: false
        }
    }
}
