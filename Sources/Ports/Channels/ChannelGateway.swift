// A channel's gateway: takes messages, and says later what became of them.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Identifies one message to one subscriber; opaque to gateways, resolvable by Gyre without a table.
public struct MessageID: Hashable, Comparable, Sendable, Codable {
    /// 64 bits; shown as 16 hexadecimal digits.
    public var number: UInt64

    /// Wraps a number.
    public init(_ number: UInt64) {
        self.number = number
    }

    /// Orders by number.
    public static func < (a: MessageID, b: MessageID) -> Bool { a.number < b.number }
}

/// One message to one number.
public struct OutgoingMessage: Hashable, Sendable {
    /// Derived from the reservation and the attempt; resending the same message repeats it.
    public var id: MessageID
    /// Where to.
    public var to: MSISDN
    /// What.
    public var text: String

    /// Makes a message; see the properties.
    public init(id: MessageID, to: MSISDN, text: String) {
        self.id = id
        self.to = to
        self.text = text
    }
}

/// What a gateway said at once.
public enum SubmitResult: UInt8, Sendable {
    case accepted
    case refused
    /// The connection broke before the answer: the message may or may not have left.
    case unknown
}

/// What a gateway reports later.
public struct GatewayEvent: Hashable, Sendable {
    /// The message it is about.
    public var message: MessageID
    /// What happened.
    public var kind: Kind
    /// When it happened.
    public var at: Instant

    /// What can happen to a message.
    public enum Kind: Hashable, Sendable {
        case delivered
        case failed
        /// The customer answered with a text.
        case reply(String)
    }

    /// Makes an event; see the properties.
    public init(message: MessageID, kind: Kind, at: Instant) {
        self.message = message
        self.kind = kind
        self.at = at
    }
}

/// A channel's gateway.
///
/// Promises of every adapter (checked by `ChannelConformance`): one result per message, in order; a message id that
/// was accepted before is accepted again without a second message when ``isIdempotent`` is true; events of one
/// message come in the order in which they happened and may come before the submit returned.
public protocol ChannelGateway: Sendable {
    /// Whether repeating a message id is harmless.
    var isIdempotent: Bool { get }
    /// Messages per second it takes; nil = as fast as they come.
    var ratePerSecond: Int? { get }
    /// Submits messages; one result each, in order.
    func submit(_ messages: [OutgoingMessage], at now: Instant) async throws -> [SubmitResult]
    /// Events that happened up to `now` and were not given out before, in order of time.
    func events(until now: Instant) async throws -> [GatewayEvent]
}
