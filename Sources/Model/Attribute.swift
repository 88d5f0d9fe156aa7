// The attribute catalogue: every fact about a subscriber that rules, scores and pages may use.
// SPDX-License-Identifier: Apache-2.0

/// The type of an attribute; it decides the operators a rule may use and the columns that hold it.
public enum AttributeType: Hashable, Sendable {
    /// True or false; a flag is a condition by itself.
    case flag
    /// A whole number.
    case integer
    /// A decimal with `scale` digits after the point (1...9), held as a scaled integer.
    case decimal(scale: Int)
    /// A calendar day in the operator's zone.
    case day
    /// One of the values of the attribute's domain.
    case enumeration
    /// Free text.
    case text

    /// Name used in catalogue files and messages, for example `decimal(2)`.
    public var name: String {
        switch self {
        case .flag: "flag"
        case .integer: "integer"
        case .decimal(let scale): "decimal(\(scale))"
        case .day: "day"
        case .enumeration: "enum"
        case .text: "text"
        }
    }
}

extension AttributeType: Codable {
    /// Parses a name such as `decimal(2)`; nil for anything else.
    public init?(name: String) {
        switch name {
        case "flag": self = .flag
        case "integer": self = .integer
        case "day": self = .day
        case "enum": self = .enumeration
        case "text": self = .text
        default:
            guard name.hasPrefix("decimal("), name.hasSuffix(")"), let scale = Int(name.dropFirst(8).dropLast()),
                (1...9).contains(scale)
            else { return nil }
            self = .decimal(scale: scale)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let name = try container.decode(String.self)
        guard let type = AttributeType(name: name) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "unknown attribute type \(name)")
        }
        self = type
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// Text in the two languages of the console.
public struct BilingualText: Hashable, Sendable, Codable {
    /// Simplified Chinese.
    public var zh: String
    /// English.
    public var en: String

    /// Joins the two texts.
    public init(zh: String, en: String) {
        self.zh = zh
        self.en = en
    }
}

/// One value of an enumeration: what is stored and how people read it.
public struct DomainValue: Hashable, Sendable, Codable {
    /// The stored text (NFC), as rules write it.
    public var value: String
    /// How the console shows it.
    public var label: BilingualText

    /// Joins a stored value and its labels.
    public init(value: String, label: BilingualText) {
        self.value = value
        self.label = label
    }
}

/// How much care an attribute needs on screens and in exports (SEC-04).
public enum Sensitivity: String, Sendable, CaseIterable, Codable {
    /// Shown to everybody who may see the subscriber.
    case open
    /// Masked unless the role may unmask; each unmasking is recorded.
    case masked
}

/// A catalogued fact about a subscriber.
public struct Attribute: Hashable, Sendable, Codable {
    /// The identifier rules use: lower-case ASCII letters, digits and `_`, starting with a letter.
    public var code: String
    /// Names in both languages; a rule may also use the Chinese name.
    public var name: BilingualText
    /// The type.
    public var type: AttributeType
    /// The group it is listed under, for example `fees`.
    public var group: String
    /// The values of an enumeration, in the order the catalogue gives them; empty for other types.
    public var domain: [DomainValue]
    /// Whether `<`, `<=`, `>`, `>=` and BETWEEN compare by domain order; only for enumerations.
    public var isOrdered: Bool
    /// Unit of a number, for example `CNY` or `MB`; nil where there is none.
    public var unit: String?
    /// Least and greatest unscaled value a load accepts; nil = the width of the type.
    public var range: ClosedRange<Int64>?
    /// Whether the column is held in memory (hot) or read from the warehouse (cold).
    public var isHot: Bool
    /// Masking on screens and in exports.
    public var sensitivity: Sensitivity
    /// The value of the rule language that a derived attribute stands for; nil = a column of the load.
    public var expression: String?

    /// Whether its values are held in memory as they were loaded.
    public var isHotColumn: Bool { isHot && expression == nil }

    /// Makes an attribute; see the properties for the meaning of each argument.
    public init(
        code: String,
        name: BilingualText,
        type: AttributeType,
        group: String,
        domain: [DomainValue] = [],
        isOrdered: Bool = false,
        unit: String? = nil,
        range: ClosedRange<Int64>? = nil,
        isHot: Bool = true,
        sensitivity: Sensitivity = .open,
        expression: String? = nil
    ) {
        self.code = code
        self.name = name
        self.type = type
        self.group = group
        self.domain = domain
        self.isOrdered = isOrdered
        self.unit = unit
        self.range = range
        self.isHot = isHot
        self.sensitivity = sensitivity
        self.expression = expression
    }
}

/// All attributes of an operator, in catalogue order, and the groups they are listed under.
public struct AttributeCatalogue: Hashable, Sendable {
    /// Groups in display order: code and names.
    public var groups: [AttributeGroup]
    /// Attributes in catalogue order.
    public let attributes: [Attribute]
    /// The revision of its derived attributes and of what is hot; nil = as the operator's file has it.
    public var revision: Int?
    private let positions: [String: Int]

    /// Makes a catalogue; codes are unique (the reader of catalogue files reports duplicates with their line).
    public init(groups: [AttributeGroup], attributes: [Attribute], revision: Int? = nil) {
        self.groups = groups
        self.attributes = attributes
        self.revision = revision
        positions = Dictionary(
            attributes.enumerated().map { ($0.element.code, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// The attribute with this code.
    public subscript(code: String) -> Attribute? {
        positions[code].map { attributes[$0] }
    }

    /// The attribute whose code or Chinese name is `name`.
    public func attribute(named name: String) -> Attribute? {
        self[name] ?? attributes.first { $0.name.zh == name }
    }
}

/// A heading of the catalogue.
public struct AttributeGroup: Hashable, Sendable, Codable {
    /// Identifier.
    public var code: String
    /// Names in both languages.
    public var name: BilingualText

    /// Joins identifier and names.
    public init(code: String, name: BilingualText) {
        self.code = code
        self.name = name
    }
}

extension AttributeCatalogue: Codable {
    private enum CodingKeys: CodingKey {
        case groups
        case attributes
        case revision
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            groups: try container.decode([AttributeGroup].self, forKey: .groups),
            attributes: try container.decode([Attribute].self, forKey: .attributes),
            revision: try container.decodeIfPresent(Int.self, forKey: .revision)
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(groups, forKey: .groups)
        try container.encode(attributes, forKey: .attributes)
        try container.encodeIfPresent(revision, forKey: .revision)
    }
}
