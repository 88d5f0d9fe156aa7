// What people change of the attribute catalogue: derived attributes, and what is held in memory; each change a revision.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

/// Names that attributes may have.
public enum AttributeCode {
    /// The fixed columns of `subscriber`.
    public static let fixedColumns = ["idx", "line_id", "msisdn", "imsi", "customer_id", "account_id", "name"]

    /// Words of the rule language.
    public static let ruleWords = [
        "and", "or", "not", "in", "between", "like", "escape", "is", "null", "true", "false", "today", "interval",
    ]

    /// Whether it is an identifier: lower-case ASCII letters, digits and `_`, starting with a letter, at most 63.
    public static func isIdentifier(_ text: String) -> Bool {
        let bytes = text.utf8
        let isPlain = bytes.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        return isPlain && bytes.count <= 63 && bytes.first.map { (0x61...0x7A).contains($0) } ?? false
    }
}

/// An attribute made of others by a value of the rule language.
public struct DerivedAttribute: Hashable, Sendable, Codable {
    /// The identifier rules use; see ``AttributeCode``.
    public var code: String
    /// Names in both languages; a rule may also use the Chinese one.
    public var name: BilingualText
    /// The group of the catalogue it is listed under.
    public var group: String
    /// A number or a day in the rule language, of attributes, other derived ones and behaviour.
    public var expression: String
    /// Digits after the point of a number, the others cut off; nil = as many as the expression has.
    public var decimals: Int?
    /// Unit of a number; nil where there is none.
    public var unit: String?

    /// Makes a definition; see the properties.
    public init(
        code: String,
        name: BilingualText,
        group: String,
        expression: String,
        decimals: Int? = nil,
        unit: String? = nil
    ) {
        self.code = code
        self.name = name
        self.group = group
        self.expression = expression
        self.decimals = decimals
        self.unit = unit
    }
}

/// Everything a revision says beyond the operator's catalogue file.
public struct CatalogueContent: Hashable, Sendable, Codable {
    /// Derived attributes in the order they were added; they may name each other, but not in a circle.
    public var derived: [DerivedAttribute]
    /// Where an attribute is held, by code: true = in memory, false = in the warehouse only; others as the file says.
    public var hot: [String: Bool]

    /// Joins both.
    public init(derived: [DerivedAttribute] = [], hot: [String: Bool] = [:]) {
        self.derived = derived
        self.hot = hot
    }

    /// The definition with this code.
    public subscript(code: String) -> DerivedAttribute? { derived.first { $0.code == code } }

    /// What is different in a later content.
    public func changes(to new: CatalogueContent) -> [CatalogueChange] {
        let added = new.derived.filter { self[$0.code] == nil }.map { CatalogueChange.added($0) }
        let edited = new.derived.compactMap { after in
            self[after.code].flatMap { $0 == after ? nil : CatalogueChange.edited(from: $0, to: after) }
        }
        let removed = derived.filter { new[$0.code] == nil }.map { CatalogueChange.removed($0) }
        let codes = Set(hot.keys).union(new.hot.keys).sorted()
        return added + edited + removed
            + codes.filter { hot[$0] != new.hot[$0] }.map { .storage($0, from: hot[$0], to: new.hot[$0]) }
    }
}

/// One difference between two revisions.
public enum CatalogueChange: Hashable, Sendable {
    case added(DerivedAttribute)
    case edited(from: DerivedAttribute, to: DerivedAttribute)
    case removed(DerivedAttribute)
    /// Where an attribute is held; nil = as the file says.
    case storage(String, from: Bool?, to: Bool?)

    /// The attribute that changes.
    public var code: String {
        switch self {
        case .added(let derived), .removed(let derived), .edited(_, let derived): derived.code
        case .storage(let code, _, _): code
        }
    }
}

/// A revision of the catalogue; it never changes.
public struct CatalogueRevision: Hashable, Sendable, Codable {
    /// From 1, without gaps.
    public var number: Int
    /// When it was made.
    public var at: Instant
    /// Sign-in name of who made it.
    public var who: String
    /// What it is for.
    public var reason: String
    /// All of it, not only what changed.
    public var content: CatalogueContent

    /// Makes a revision; see the properties.
    public init(number: Int, at: Instant, who: String, reason: String, content: CatalogueContent) {
        self.number = number
        self.at = at
        self.who = who
        self.reason = reason
        self.content = content
    }
}
