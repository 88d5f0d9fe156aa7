// Why the attribute catalogue is not changed.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Rules

/// Why the attribute catalogue is not changed.
public enum CatalogueError: CodedError, Equatable {
    /// Another revision was made since the one that the change was based on.
    case stale(base: Int, current: Int)
    /// What the change says is the case already.
    case nothingChanged
    /// The catalogue holds for everybody, so only staff of the whole operator change it.
    case notWholeOperator
    case reasonMissing
    /// A field of a definition, or of a switch, that cannot be; `attribute` is its code.
    case badField(attribute: String, field: String, why: String)
    /// An expression that does not fit; the error points into it.
    case badExpression(attribute: String, RuleError)
    /// Derived attributes that are made of each other.
    case circular([String])
    /// What uses an attribute as it is, and could not go on.
    case inUse([CatalogueUse])
    case unknownRevision(Int)
    case unknownDerived(String)

    public var code: String {
        switch self {
        case .stale: "catalogue.stale"
        case .nothingChanged: "catalogue.nothing_changed"
        case .notWholeOperator: "catalogue.not_allowed"
        case .reasonMissing: "catalogue.reason_missing"
        case .badField: "catalogue.bad_field"
        case .badExpression(_, let error): error.code
        case .circular: "catalogue.circular"
        case .inUse: "catalogue.in_use"
        case .unknownRevision, .unknownDerived: "catalogue.unknown"
        }
    }

    public var description: String {
        switch self {
        case .stale(let base, let current):
            "the change is based on revision \(base) of the catalogue, and \(current) is the last; look at what changed, "
                + "and repeat it"
        case .nothingChanged: "the catalogue is like that already; nothing was changed"
        case .notWholeOperator:
            "the catalogue holds for the whole operator; staff of a part of it cannot change it"
        case .reasonMissing: "say why, in 1 to 500 characters"
        case .badField(let attribute, let field, let why): "attribute \(attribute), \(field): \(why)"
        case .badExpression(let attribute, let error): "derived attribute \(attribute): \(error)"
        case .circular(let codes):
            "derived attributes are made of each other: \(codes.joined(separator: " -> ")); take one out"
        case .inUse(let uses):
            "it is used, and this could not go on: " + uses.map(\.description).joined(separator: "; ")
                + "; change these first"
        case .unknownRevision(let number): "the catalogue has no revision \(number)"
        case .unknownDerived(let code): "there is no derived attribute \(code)"
        }
    }
}

/// Something that reads attributes.
public struct CatalogueUse: Hashable, Sendable, CustomStringConvertible {
    /// What reads them.
    public enum Kind: String, Sendable, CaseIterable {
        case segment, campaign, policy, policyDraft, derived, list
    }

    /// What it is.
    public var kind: Kind
    /// Its number; 0 of what has none.
    public var id: Int64
    /// Its name.
    public var name: String
    /// The part of it that reads them, such as `score`; empty = its rule.
    public var part: String
    /// What is wrong with it then, in English.
    public var why: String

    /// Joins all.
    public init(_ kind: Kind, id: Int64 = 0, name: String, part: String = "", why: String = "") {
        (self.kind, self.id, self.name, self.part, self.why) = (kind, id, name, part, why)
    }

    public var description: String {
        let number = id == 0 ? "" : " \(id)"
        return
            "\(kind.rawValue)\(number) \"\(name)\"\(part.isEmpty ? "" : " (\(part))")\(why.isEmpty ? "" : ": \(why)")"
    }
}
