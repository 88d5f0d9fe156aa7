// Feedback: receipts, replies, opt-outs and orders become settlements, lists and results.
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
import Decisioning
import Foundation
public import Kernel
public import Model
public import Ports

/// What one round of feedback brought.
public struct FeedbackCounts: Hashable, Sendable, Codable {
    public var delivered = 0
    public var failed = 0
    public var replied = 0
    public var unsubscribed = 0
    public var ordered = 0
    /// Events whose message id belongs to no wave: test sends, or somebody else's messages.
    public var unmatched = 0

    /// Nothing so far.
    public init() {}
}

/// Takes feedback from gateways and order systems.
public struct Receipts: Sendable {
    private let host: DecisionHost
    private let gateway: any ChannelGateway
    private let store: any ControlPlaneStore

    /// Reads from a gateway.
    public init(host: DecisionHost, gateway: any ChannelGateway, store: any ControlPlaneStore) {
        self.host = host
        self.gateway = gateway
        self.store = store
    }

    /// Takes everything that happened up to `now`; a reply TD, T or 退订 registers do-not-disturb class 1 for SMS.
    public func collect(until now: LocalTime) async throws -> FeedbackCounts {
        struct Key: Hashable {
            var serial: UInt32
            var kind: FeedbackKind
        }
        let events = try await gateway.events(until: now.instant)
        guard !events.isEmpty else { return FeedbackCounts() }
        let (codec, waves) = try await host.read { state in
            (state.messageCodec, Dictionary(uniqueKeysWithValues: state.waves.values.map { ($0.serial, $0.wave) }))
        }
        let subscribers = try await host.read { $0.subscribers }
        var counts = FeedbackCounts()
        var found: [Key: [SubscriberIndex]] = [:]
        for event in events {
            let address = codec.address(of: event.message.number)
            guard waves[address.waveSerial] != nil, Int(address.index) < subscribers, address.attempt == 0 else {
                counts.unmatched += 1
                continue
            }
            let kind: FeedbackKind =
                switch event.kind {
                case .delivered: .delivered
                case .failed: .failed
                case .reply(let text): Self.isUnsubscribe(text) ? .unsubscribed : .replied
                }
            found[Key(serial: address.waveSerial, kind: kind), default: []].append(SubscriberIndex(address.index))
        }
        for (key, members) in found.sorted(by: {
            ($0.key.serial, $0.key.kind.rawValue) < ($1.key.serial, $1.key.kind.rawValue)
        }) {
            guard let wave = waves[key.serial] else { continue }
            try await host.feedback(wave, key.kind, members, at: now)
            switch key.kind {
            case .delivered: counts.delivered += members.count
            case .failed: counts.failed += members.count
            case .replied: counts.replied += members.count
            case .unsubscribed:
                counts.unsubscribed += members.count
                try await bar(members, at: now)
            default: break
            }
        }
        return counts
    }

    /// Records orders of a wave's product, whatever the arm.
    public func recordOrders(_ wave: WaveID, _ members: [SubscriberIndex], at now: LocalTime) async throws {
        try await host.feedback(wave, .ordered, members, at: now)
    }

    /// Whether a reply asks for no more messages.
    static func isUnsubscribe(_ text: String) -> Bool {
        ["TD", "T", "退订", "N"].contains(text.trimmingCharacters(in: .whitespacesAndNewlines).uppercased())
    }

    private func bar(_ members: [SubscriberIndex], at now: LocalTime) async throws {
        let list = ListID.dnd(1, channel: .sms)
        try await host.record([.listChanged(list, added: members.map(\.number), removed: [])])
        try await store.record(
            members.map {
                ListChange(
                    at: now.instant,
                    who: "system",
                    list: list,
                    index: $0.number,
                    isAdded: true,
                    reason: "TD"
                )
            },
            audit: AuditEntry(
                at: now.instant,
                who: "system",
                action: "list.add",
                object: "list/dnd_01",
                detail: "\(members.count) replies TD"
            )
        )
    }
}
