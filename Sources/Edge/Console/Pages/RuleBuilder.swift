// What the visual builder of conditions reads: a rule as nested groups, and all that conditions can be made of.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import Planning
import Rules
import Texts

/// A rule as the builder shows it: groups of conditions; each condition has its text, so that one the builder has no
/// fields for stays as it was written.
struct BuilderNode: Encodable {
    /// NOT stands before it.
    var negated = false
    /// `and` or `or`; nil of a condition.
    var group: String?
    var parts: [BuilderNode]?
    /// The canonical text of a condition, and its tree.
    var text: String?
    var tree: RuleNode?
    /// The text of the condition on the rows of an aggregate, and what all of has to hold for it.
    var rows: String?
    var rowParts: [BuilderNode]?

    /// Takes apart AND, OR and NOT; NOT NOT is a group of one.
    static func of(_ node: RuleNode) -> BuilderNode {
        switch node.kind {
        case .and(let parts): return BuilderNode(group: "and", parts: parts.map(of))
        case .or(let parts): return BuilderNode(group: "or", parts: parts.map(of))
        case .not(let part):
            var inner = of(part)
            if inner.negated { inner = BuilderNode(group: "and", parts: [inner]) }
            inner.negated = true
            return inner
        default:
            let rows = node.aggregate?.condition
            let parts: [BuilderNode]? = rows.map { rows in
                guard case .and(let parts) = rows.kind else { return [of(rows)] }
                return parts.map(of)
            }
            return BuilderNode(text: node.text, tree: node, rows: rows?.text, rowParts: parts)
        }
    }
}

extension RuleNode {
    /// The aggregate that a condition asks for or compares.
    fileprivate var aggregate: RuleAggregate? {
        switch kind {
        case .aggregate(let aggregate): aggregate
        case .comparison(let left, _, _): if case .aggregate(let aggregate) = left.kind { aggregate } else { nil }
        default: nil
        }
    }
}

/// Why a text is no rule.
struct BuilderProblem: Encodable {
    var message: String
    /// UTF-16 code units.
    var start: Int
    var end: Int
}

/// What conditions can be made of, in the reader's language.
struct BuilderCatalogue: Encodable {
    struct Choice: Encodable {
        var value: String
        var label: String
    }

    struct Field: Encodable {
        var code: String
        /// The code as a rule writes it.
        var word: String
        /// Another name that a rule may use.
        var alias: String
        var label: String
        var group: String
        /// `number`, `day`, `enum`, `text` or `flag`.
        var type: String
        var unit: String?
        var isOrdered: Bool
        var domain: [Choice]
        /// Values that a text often has; others may be written.
        var known: [Choice] = []
    }

    struct Source: Encodable {
        var code: String
        var word: String
        var alias: String
        var label: String
        var columns: [Field]
    }

    var attributes: [Field]
    var lists: [Choice]
    var products: [Choice]
    var audiences: [Choice]
    var sources: [Source]
    /// The builder's texts by name.
    var texts: [String: String]

    /// `held`: What text columns of behaviour hold, by table and column.
    init(_ scope: RuleScope, audiences: [String], held: ValuesByColumn, _ f: Frame) {
        let groups = Dictionary(
            scope.catalogue.groups.map { ($0.code, f.language($0.name)) },
            uniquingKeysWith: { first, _ in first }
        )
        func field(_ attribute: Attribute) -> Field {
            Field(
                code: attribute.code,
                word: RuleNode(.name(attribute.code)).text,
                alias: attribute.name.zh,
                label: f.language(attribute.name),
                group: groups[attribute.group] ?? attribute.group,
                type: attribute.isNumber ? "number" : attribute.type.name,
                unit: attribute.unit.map { f.unit($0) },
                isOrdered: attribute.isOrdered,
                domain: attribute.domain.map { Choice(value: $0.value, label: f.language($0.label)) }
            )
        }
        attributes = scope.catalogue.attributes.map(field)
        lists = scope.lists.sorted().map { Choice(value: $0, label: f.list(ListID($0))) }
        products = scope.products.sorted().map { Choice(value: $0, label: $0) }
        self.audiences = audiences.map { Choice(value: $0, label: $0) }
        sources = (scope.sources ?? []).map { source in
            Source(
                code: source.name,
                word: RuleNode(.name(source.name)).text,
                alias: source.title.zh,
                label: f.language(source.title),
                columns: source.columns.attributes.map { column in
                    var made = field(column)
                    let usual = f.knownValues(of: column.code, in: source.name, products: scope.products)
                    let isUsual = Set(usual.map(\.value))
                    let others = (held[source.name]?[column.code] ?? []).filter { !isUsual.contains($0) }
                    made.known = usual + others.map { Choice(value: $0, label: "") }
                    return made
                }
            )
        }
        texts = Dictionary(
            Self.words.map { ("\($0)", f.t($0)) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private static let words: [ConsoleText] = [
        .splitConditions, .rule, .allOf, .anyOf, .joinedBy, .notWord, .addCondition, .addGroup, .conditionGroup,
        .condition, .moveUp, .moveDown, .dragHint, .remove, .findSubject, .comparisonWord, .value, .choose, .opEqual,
        .opNotEqual, .opLess, .opLessOrEqual, .opGreater, .opGreaterOrEqual, .opBetween, .opNotBetween, .opIn,
        .opNotIn, .opNull, .opFilled, .opContains, .opBegins, .opLike, .opNotLike, .opLast, .opNext, .opAgo, .opSince,
        .yes, .no, .unitDays, .unitMonths, .onSpecialList, .functionOwns, .inAudience, .behaviour, .fnDid,
        .fnCount, .fnSum, .fnLast, .behaviourColumn, .behaviourRows, .onlyRows, .timeWindow, .anyTime, .incomplete,
        .emptyGroup,
        .movedTo, .conditionRemoved, .ruleUnreadable, .nothingFound, .toWord, .severalValues, .builderFailed,
    ]
}
