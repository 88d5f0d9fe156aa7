// A simulated market for a running server: an SMS gateway and an order system that answer within seconds.
// SPDX-License-Identifier: Apache-2.0

public import Assembly
public import DecisionHost
import Decisioning
import Feedback
import Kernel
import Model
public import Ports
import SimulatedChannel
import Synthetic

/// Reactions of subscribers to campaigns run by hand on a simulated channel.
///
/// Everybody reacts by the same small probabilities, drawn per subscriber and day, so that a campaign made in the
/// console shows receipts, replies, orders and lift within a minute.
public struct LiveMarket: Sendable {
    private let seed: UInt64
    private static let traits = ResponseTraits(
        failurePPM: 25_000,
        baseOrderPPM: 20_000,
        upliftPPM: 30_000,
        unsubscribePPM: 3_000,
        otherReplyPPM: 10_000
    )
    /// Longest wait for a receipt or reply, in seconds.
    private static let patience = 8

    /// Chooses the reactions.
    public init(seed: UInt64) {
        self.seed = seed
    }

    private func response(_ index: SubscriberIndex) -> SimulatedResponse {
        ResponseModel(seed: seed, campaign: CampaignID(0))
            .response(of: LineID(Int64(index.number) + 1), traits: Self.traits)
    }

    /// The SMS simulator; it knows a subscriber by number, as a real network does.
    @Sendable public func gateway(_ numbers: LiveNumbers) -> any ChannelGateway {
        SimulatedGateway { message in
            guard let index = numbers.current.owner(of: message.to) else {
                return SimulatedReaction(isDelivered: true, receiptSeconds: 1)  // a staff number outside the base
            }
            let response = response(index)
            return SimulatedReaction(
                isDelivered: response.isDelivered,
                receiptSeconds: min(response.receiptSeconds, Self.patience),
                reply: response.reply.map { $0 == .unsubscribe ? "TD" : "1" },
                replySeconds: min(response.replySeconds, Self.patience)
            )
        }
    }

    /// Reports the orders of both arms for every wave whose receipts are all in, once.
    public func placeOrders(on platform: Platform) async throws {
        let waves = try await platform.host.read { state in
            state.waves.values.filter {
                $0.status == .closed && $0.handedOffAt != nil && $0.sum(\.open) == 0 && $0.sum(\.ordered) == 0
            }
        }
        for wave in waves.sorted(by: { $0.openedAt < $1.openedAt }) {
            let reached = wave.members(\.delivered)
            let others = Set(wave.members(\.contact) + wave.members(\.control)).subtracting(reached)
            let orders =
                reached.filter { response($0).ordersWithContact }
                + others.sorted().filter { response($0).ordersWithoutContact }
            guard !orders.isEmpty else { continue }
            try await platform.receipts.recordOrders(wave.wave, orders, at: platform.clock.now)
        }
    }
}
