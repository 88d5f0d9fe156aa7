// Multi-channel linkage: what a contact on one channel means for the same offer on the others (area LNK).
// SPDX-License-Identifier: Apache-2.0

/// What came of a contact, as the linkage matrix distinguishes it (LNK-09), and what the customer answered.
///
/// Raw values are written to the decision log: a value that shipped is never reused and never changes meaning.
public enum ContactResult: UInt8, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
    /// The offer was seen or heard; the contact counts.
    case shown = 1
    /// The customer takes it.
    case accepted = 2
    /// The customer does not want it.
    case refused = 3
    /// The customer thinks about it.
    case considering = 4
    /// The customer asked for another time.
    case later = 5
    /// An outbound call was brought to its end.
    case completed = 6
    /// An outbound call broke off.
    case interrupted = 7
    /// The contact did not come about; it is given back.
    case failed = 8

    /// Stable name in files and API.
    public var code: String { String(describing: self) }

    /// The result with this name.
    public init?(code: String) {
        guard let match = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = match
    }

    /// Whether a customer was reached, so that the contact counts for good.
    public var isContact: Bool { self != .failed }

    public var codingKey: any CodingKey { ContactResultKey(stringValue: code) }

    public init?<T: CodingKey>(codingKey: T) {
        self.init(code: codingKey.stringValue)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let result = Self(code: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription:
                    "\"\(text)\" is not a result; use \(Self.allCases.map(\.code).joined(separator: ", "))"
            )
        }
        self = result
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(code)
    }
}

private struct ContactResultKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// A row heading of the information-update matrix: a result on a channel class (LNK-09).
public struct LinkageCell: Hashable, Sendable, Codable {
    /// The channel class of the contact.
    public var contacted: ChannelClass
    /// What came of it.
    public var result: ContactResult
    /// The channel classes on which the same offer is cancelled; it is kept on all others.
    public var cancels: [ChannelClass]

    /// Makes a cell row; see the properties.
    public init(_ contacted: ChannelClass, _ result: ContactResult, cancels: [ChannelClass]) {
        self.contacted = contacted
        self.result = result
        self.cancels = cancels
    }
}

/// The linkage of one campaign type (LNK-08, LNK-09).
public struct LinkageType: Hashable, Sendable, Codable {
    /// Identifier, for example `voice_plan`.
    public var code: String
    /// Names in both languages.
    public var name: BilingualText
    /// The campaign categories of this type; the type without any takes all others.
    public var categories: [String]
    /// Touchpoints where the contact history of such campaigns is shown (LNK-08).
    public var historyAt: [Touchpoint]
    /// What cancels the offer elsewhere; whatever is not listed keeps it everywhere (LNK-09).
    public var cells: [LinkageCell]

    /// Makes a type; see the properties.
    public init(
        code: String,
        name: BilingualText,
        categories: [String],
        historyAt: [Touchpoint],
        cells: [LinkageCell]
    ) {
        self.code = code
        self.name = name
        self.categories = categories
        self.historyAt = historyAt
        self.cells = cells
    }

    /// The channel classes on which an offer is cancelled after a result on a channel class.
    public func cancelled(after result: ContactResult, on channel: ChannelClass) -> [ChannelClass] {
        cells.first { $0.contacted == channel && $0.result == result }?.cancels ?? []
    }
}

/// The linkage rules of a policy.
public struct Linkage: Hashable, Sendable, Codable {
    /// The types in order; the first that lists a category is its type.
    public var types: [LinkageType]

    /// Makes linkage of types in order.
    public init(types: [LinkageType]) {
        self.types = types
    }

    /// The type of a category: the first that lists it, else the first that lists none; nil when there is neither.
    public func type(of category: String) -> LinkageType? {
        types.first { $0.categories.contains(category) } ?? types.first { $0.categories.isEmpty }
    }

    /// Keeps everything everywhere and shows no history.
    public static let none = Linkage(types: [])

    /// The defaults: the cell values of the source's second table are lost, so these are Gyre's reading of it.
    ///
    /// An answer ends the offer everywhere. A call or visit in which the offer was talked about ends what would push
    /// it again (calls, texts); what waits for the customer (site, counter) stays. A broken-off call, a text and a look
    /// at the site end nothing. History is shown as the first table says (LNK-08).
    public static let standard: Linkage = {
        let answers = ChannelClass.allCases.flatMap { channel in
            [ContactResult.accepted, .refused].map { LinkageCell(channel, $0, cancels: ChannelClass.allCases) }
        }
        let talks = [
            LinkageCell(.outbound, .completed, cancels: [.sms, .outbound]),
            LinkageCell(.inbound, .shown, cancels: [.sms, .outbound]),
        ]
        func type(_ code: String, _ zh: String, _ en: String, _ categories: [String], shows: Bool) -> LinkageType {
            LinkageType(
                code: code,
                name: BilingualText(zh: zh, en: en),
                categories: categories,
                historyAt: shows ? [.outbound, .hotline, .counter] : [],
                cells: shows ? answers + talks : answers
            )
        }
        return Linkage(types: [
            type("voice_plan", "语音套餐类", "Voice plans", ["voice_plan", "upgrade_5g"], shows: true),
            type("voice_vas", "语音增值类", "Voice value-added services", ["voice_vas"], shows: true),
            type("data", "数据营销类", "Data marketing", ["data", "data_pack"], shows: true),
            type("retention", "挽留类", "Retention", ["retention"], shows: false),
            type("care", "关怀类", "Care", ["care"], shows: false),
            type("other", "其他带动类", "Other", [], shows: false),
        ])
    }()
}
