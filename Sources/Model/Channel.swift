// Channel classes: what contact caps are counted by (FRQ-01).
// SPDX-License-Identifier: Apache-2.0

/// A class of channels that share one contact cap (FRQ-01).
public enum ChannelClass: UInt8, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
    /// SMS, MMS and WAP push; unit: contacts.
    case sms = 0
    /// Outbound calls, third parties included (FRQ-03); unit: contacts.
    case outbound = 1
    /// Calls and visits that the customer began; unit: contacts.
    case inbound = 2
    /// Websites and apps; unit: distinct campaigns; outside the overall cap (FRQ-02).
    case website = 3

    /// Stable name in files, API and reason codes.
    public var code: String {
        switch self {
        case .sms: "sms"
        case .outbound: "outbound"
        case .inbound: "inbound"
        case .website: "website"
        }
    }

    /// The class with this name.
    public init?(code: String) {
        guard let match = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = match
    }

    /// Whether contacts of the class count towards the overall cap (FRQ-02).
    public var countsOverall: Bool { self != .website }

    public var codingKey: any CodingKey { ChannelCodingKey(stringValue: code) }

    public init?<T: CodingKey>(codingKey: T) {
        self.init(code: codingKey.stringValue)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let channel = Self(code: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "\"\(text)\" is not a channel class; use sms, outbound, inbound or website"
            )
        }
        self = channel
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}

private struct ChannelCodingKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
