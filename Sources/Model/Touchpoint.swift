// Touchpoints: the places where an offer can meet a customer, and the channel class each counts in.
// SPDX-License-Identifier: Apache-2.0

/// A place where an offer can meet a customer (LNK-04, TCH-01).
///
/// Raw values are written to the decision log: a value that shipped is never reused and never changes meaning.
public enum Touchpoint: UInt8, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
    /// A clerk's desk in a shop (营业厅).
    case counter = 1
    /// A call the customer made (呼叫中心呼入).
    case hotline = 2
    /// The operator's web site (门户网站).
    case website = 3
    /// The operator's app, and WAP before it.
    case app = 4
    /// A self-service terminal (自助终端).
    case terminal = 5
    /// A call the operator makes, third parties included (FRQ-03).
    case outbound = 6
    /// A text message.
    case sms = 7

    /// The class whose caps count a contact here (FRQ-01).
    public var channel: ChannelClass {
        switch self {
        case .counter, .hotline: .inbound
        case .website, .app, .terminal: .website
        case .outbound: .outbound
        case .sms: .sms
        }
    }

    /// Stable name in files, addresses and API.
    public var code: String { String(describing: self) }

    /// The touchpoint with this name.
    public init?(code: String) {
        guard let match = Self.byCode[code] else { return nil }
        self = match
    }

    private static let byCode = Dictionary(uniqueKeysWithValues: allCases.map { ($0.code, $0) })

    public var codingKey: any CodingKey { TouchpointCodingKey(stringValue: code) }

    public init?<T: CodingKey>(codingKey: T) {
        self.init(code: codingKey.stringValue)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let touchpoint = Self(code: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "\"\(text)\" is not a touchpoint; use \(Self.allCases.map(\.code).joined(separator: ", "))"
            )
        }
        self = touchpoint
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}

private struct TouchpointCodingKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// Where a request for a decision comes from (DESIGN section 4, "Request").
public enum Entrance: UInt8, Sendable, CaseIterable, Codable {
    /// A scheduled run over an audience.
    case wave = 1
    /// Something that happened in the network.
    case event = 2
    /// A customer who is here now.
    case inbound = 3
}
