// A gateway that behaves like a real one over simulated time: delays, failures, replies. Deterministic.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Ports
import Synchronization

/// How a number reacts to a message.
public struct SimulatedReaction: Hashable, Sendable {
    /// Whether the message reaches the handset.
    public var isDelivered: Bool
    /// Seconds until the receipt.
    public var receiptSeconds: Int
    /// Text of the reply; nil = none.
    public var reply: String?
    /// Seconds from the submission until the reply.
    public var replySeconds: Int

    /// Makes a reaction; see the properties.
    public init(isDelivered: Bool, receiptSeconds: Int, reply: String? = nil, replySeconds: Int = 0) {
        self.isDelivered = isDelivered
        self.receiptSeconds = receiptSeconds
        self.reply = reply
        self.replySeconds = replySeconds
    }
}

/// A gateway without a network: a ``ChannelGateway`` that is idempotent by message id and moves with simulated time.
public final class SimulatedGateway: ChannelGateway {
    private struct Content {
        var submitted: Set<MessageID> = []
        var due: [GatewayEvent] = []
        var isSorted = true
    }

    public let isIdempotent = true
    public let ratePerSecond: Int?
    private let react: @Sendable (OutgoingMessage) -> SimulatedReaction
    private let content = Mutex(Content())

    /// Reacts to each message as `react` says.
    ///
    /// `ratePerSecond`: Messages per second it asks for; nil = as fast as they come.
    public init(ratePerSecond: Int? = nil, react: @escaping @Sendable (OutgoingMessage) -> SimulatedReaction) {
        self.ratePerSecond = ratePerSecond
        self.react = react
    }

    /// Messages accepted so far, repeats not counted.
    public var messageCount: Int { content.withLock { $0.submitted.count } }

    public func submit(_ messages: [OutgoingMessage], at now: Instant) -> [SubmitResult] {
        content.withLock { content in
            for message in messages where content.submitted.insert(message.id).inserted {
                let reaction = react(message)
                content.due.append(
                    GatewayEvent(
                        message: message.id,
                        kind: reaction.isDelivered ? .delivered : .failed,
                        at: now.adding(ms: Int64(reaction.receiptSeconds) * 1000)
                    )
                )
                if let reply = reaction.reply {
                    let seconds = max(reaction.replySeconds, reaction.receiptSeconds)
                    content.due.append(
                        GatewayEvent(
                            message: message.id,
                            kind: .reply(reply),
                            at: now.adding(ms: Int64(seconds) * 1000)
                        )
                    )
                }
                content.isSorted = false
            }
        }
        return [SubmitResult](repeating: .accepted, count: messages.count)
    }

    public func events(until now: Instant) -> [GatewayEvent] {
        content.withLock { content in
            if !content.isSorted {
                // Stable: the receipt of a message stays before its reply. Newest first, so that taking is cheap.
                content.due = content.due.enumerated()
                    .sorted { ($1.element.at, $1.offset) < ($0.element.at, $0.offset) }
                    .map(\.element)
                content.isSorted = true
            }
            var events: [GatewayEvent] = []
            while let event = content.due.last, event.at <= now {
                events.append(event)
                content.due.removeLast()
            }
            return events
        }
    }
}
