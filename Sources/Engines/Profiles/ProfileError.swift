// Why hot columns cannot be built, read or asked.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Rules

/// A problem with hot columns or with a rule that should run on them.
public enum ProfileError: CodedError, Equatable {
    /// A value outside the attribute's range; the load should have rejected it.
    case outOfRange(attribute: String, row: Int, value: Int64)
    /// A text outside the attribute's domain; the load should have rejected it.
    case notInDomain(attribute: String, row: Int, value: String)
    /// More or fewer rows than the column was made for.
    case rowCount(attribute: String, expected: Int, found: Int)
    /// A batch or column of another type than the attribute's.
    case wrongType(attribute: String, expected: String, found: String)
    /// A column for an attribute that the catalogue does not have.
    case unknownAttribute(String)
    /// A rule that reads attributes without a column in memory, or tables of behaviour.
    case requiresWarehouse(attributes: [String])
    /// A rule that asks for a list, audience or product nobody supplies.
    case unknownMembership(Membership)
    /// Bytes that are no column, or a damaged one.
    case malformed(offset: Int, expected: String)

    public var code: String {
        switch self {
        case .outOfRange: "profile.out_of_range"
        case .notInDomain: "profile.not_in_domain"
        case .rowCount: "profile.row_count"
        case .wrongType: "profile.wrong_type"
        case .unknownAttribute: "profile.unknown_attribute"
        case .requiresWarehouse: "profile.requires_warehouse"
        case .unknownMembership: "profile.unknown_membership"
        case .malformed: "profile.malformed"
        }
    }

    public var description: String {
        switch self {
        case .outOfRange(let attribute, let row, let value):
            "\(attribute), row \(row): \(value) is outside the range of the attribute; widen its range or reload the data"
        case .notInDomain(let attribute, let row, let value):
            "\(attribute), row \(row): '\(value)' is not in the domain of the attribute; add it or reload the data"
        case .rowCount(let attribute, let expected, let found):
            "\(attribute): \(found) rows instead of \(expected); rebuild the column from the warehouse"
        case .wrongType(let attribute, let expected, let found):
            "\(attribute): expected \(expected), found \(found); rebuild the column from the warehouse"
        case .unknownAttribute(let attribute):
            "there is a column for \(attribute), but no such attribute in the catalogue"
        case .requiresWarehouse(let attributes):
            "not in memory: \(attributes.joined(separator: ", ")); make attributes hot in the catalogue, or use a segment"
        case .unknownMembership(let membership):
            "no members are known for \(membership.kind.function)('\(membership.name)')"
        case .malformed(let offset, let expected):
            "damaged column at byte \(offset): expected \(expected); rebuild the file from the warehouse"
        }
    }
}
