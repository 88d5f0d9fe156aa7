// Sending: what a wave reserved leaves for the channel, in portions that are durable before any byte leaves.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
public import Kernel
public import Model
public import Ports

/// How far the sending of a wave is.
public struct SendProgress: Hashable, Sendable, Codable {
    /// Contacts of the wave.
    public var total: Int
    /// Left for the channel so far, in this run and before.
    public var sent: Int
    /// Dropped by the second check.
    public var dropped: Int
    /// Said by the gateway at once.
    public var accepted: Int
    public var refused: Int
    public var unknown: Int
    /// Whether something has to wait: the campaign was paused or stopped, quiet hours began, or some areas have them.
    public var isHeld: Bool
    /// Contacts that wait for the end of their area's quiet hours after everybody else was looked at; 0 when sending ended
    /// before.
    public var heldByArea: Int
    /// When the first of them may leave; nil when there are none, or the policy never lets them.
    public var heldUntil: LocalTime?

    init(total: Int, sent: Int) {
        self.total = total
        self.sent = sent
        dropped = 0
        accepted = 0
        refused = 0
        unknown = 0
        isHeld = false
        heldByArea = 0
    }

    /// Counts those whom the second check of a portion held.
    fileprivate mutating func hold(_ check: SecondCheck) {
        heldByArea += check.held.count
        guard let until = check.heldUntil, heldUntil.map({ until.instant < $0.instant }) ?? true else { return }
        heldUntil = until
    }
}

/// Sends waves through a gateway.
public struct Sending: Sendable {
    private let host: DecisionHost
    private let gateway: any ChannelGateway
    private let numbers: LiveNumbers
    /// Messages per hand-off; with a rate, what takes half a second, so that a pause takes effect quickly.
    private let portion: Int

    /// Sends through a gateway to the numbers that are valid at that moment.
    public init(host: DecisionHost, gateway: any ChannelGateway, numbers: LiveNumbers) {
        self.host = host
        self.gateway = gateway
        self.numbers = numbers
        portion = gateway.ratePerSecond.map { max(1, $0 / 2) } ?? Block.size
    }

    /// Sends everything of a closed wave that has not left.
    ///
    /// `now`: Asked before each portion.
    /// `progress`: Called after each portion.
    /// **Returns**: How far it got; `isHeld` when the campaign is paused or stopped, or quiet hours have begun, for everybody
    /// or in some areas. Whoever is in other areas has left then.
    public func send(
        _ wave: WaveID,
        text: String,
        now: @escaping @Sendable () -> LocalTime,
        progress: @Sendable (SendProgress) async -> Void = { _ in }
    ) async throws -> SendProgress {
        guard
            let (state, codec) = try await host.read({ state in
                state.waves[wave].map { ($0, state.messageCodec) }
            })
        else { throw DecisionError.unknownWave(wave) }
        guard state.status == .closed else { throw DecisionError.waveNotClosed(wave) }
        var report = SendProgress(total: state.sum(\.contact), sent: state.sum(\.handedOff))
        for (block, members) in state.blocks.sorted(by: { $0.key < $1.key }) {
            for range in portions(members.unsent) {
                try Task.checkCancellation()
                let before = (report.sent, report.dropped)
                guard try await sendPortion(state, block, range, text, codec, now, &report) else {
                    (report.isHeld, report.heldByArea, report.heldUntil) = (true, 0, nil)
                    await progress(report)
                    return report
                }
                if (report.sent, report.dropped) != before { await progress(report) }
            }
        }
        report.isHeld = report.heldByArea > 0
        return report
    }

    /// Ranges of offsets with at most one portion of members each.
    private func portions(_ members: BlockSet) -> [Range<Int>] {
        guard !members.isEmpty else { return [] }
        guard members.count > portion else { return [0..<Block.size] }
        var ranges: [Range<Int>] = []
        var (start, count) = (0, 0)
        members.forEach { offset in
            if count == portion {
                ranges.append(start..<offset)
                (start, count) = (offset, 0)
            }
            count += 1
        }
        ranges.append(start..<Block.size)
        return ranges
    }

    /// Hands one portion off, without those whose area has quiet hours; false when the campaign lets nothing go.
    private func sendPortion(
        _ wave: WaveState,
        _ block: Int,
        _ range: Range<Int>,
        _ text: String,
        _ codec: MessageCodec,
        _ clock: @escaping @Sendable () -> LocalTime,
        _ report: inout SendProgress
    ) async throws -> Bool {
        guard try await host.read({ $0.campaigns[wave.wave.campaign]?.status }) == .live else { return false }
        let numbers = numbers.current
        let check = try await host.handOff(wave.wave, block: block, range: range, at: clock()) {
            numbers.isReachable($0)
        }
        // Where only areas are quiet, others of them may leave with the next portions.
        guard check.hold == nil || !check.held.isEmpty else { return false }
        report.hold(check)
        let now = check.time
        report.dropped += check.drops.reduce(0) { $0 + $1.members.count }
        let leaving = check.leaving
        guard !leaving.isEmpty else { return true }
        let messages = leaving.compactMap { index in
            numbers.number(of: index).map { number in
                let address = MessageAddress(waveSerial: wave.serial, attempt: 0, index: index.number)
                return OutgoingMessage(id: MessageID(codec.id(of: address)), to: number, text: text)
            }
        }
        let results: [SubmitResult]
        do {
            results = try await gateway.submit(messages, at: now.instant)
        } catch {
            // Nobody knows what left: counted as contacts, never resent by itself.
            try await host.feedback(wave.wave, .unknown, leaving, at: now)
            throw error
        }
        for (result, kind) in [
            (SubmitResult.accepted, FeedbackKind.accepted), (.refused, .refused), (.unknown, .unknown),
        ] {
            let members = zip(leaving, results).filter { $0.1 == result }.map(\.0)
            try await host.feedback(wave.wave, kind, members, at: now)
            switch result {
            case .accepted: report.accepted += members.count
            case .refused: report.refused += members.count
            case .unknown: report.unknown += members.count
            }
        }
        report.sent += leaving.count
        return true
    }

    /// Sends a text to staff numbers; counted apart, never in the ledger.
    public func sendTest(_ text: String, to numbers: [MSISDN], now: LocalTime) async throws -> [SubmitResult] {
        let codec = try await host.read { $0.messageCodec }
        let messages = numbers.enumerated().map { position, number in
            // Wave serial 0 is no wave: receipts of tests resolve to nothing.
            let address = MessageAddress(waveSerial: 0, attempt: 0, index: UInt32(position))
            return OutgoingMessage(id: MessageID(codec.id(of: address)), to: number, text: text)
        }
        return try await gateway.submit(messages, at: now.instant)
    }
}
