// The syntax tree against the catalogue: names, types, order, constants. Numbers are in Checker+Numbers.
// SPDX-License-Identifier: Apache-2.0

import Kernel
public import Model

struct Checker {
    let scope: RuleScope
    /// The source whose columns the names are, inside the condition of an aggregate.
    let inside: EventSource?
    /// The attributes of the subscriber, which have no value there.
    private let outside: AttributeCatalogue?
    var uses = RuleUses()
    /// Derived attributes by code, the codes on the way to the one being written out, and how large they are so far.
    var writtenOut: [String: WrittenOut] = [:]
    var within: [String] = []
    var measure = (nodes: 0, height: 0)
    /// Whether what is checked is what a derived attribute stands for.
    var isDefinition = false

    init(scope: RuleScope) {
        self.scope = scope
        inside = nil
        outside = nil
    }

    /// A checker of conditions on the rows of a source.
    init(inside source: EventSource, of scope: RuleScope) {
        self.scope = RuleScope(catalogue: source.columns)
        inside = source
        outside = scope.catalogue
    }

    /// Runs a check and gives its errors lines and columns of the text.
    mutating func located<T>(
        _ syntax: RuleSyntax,
        _ body: (inout Checker) throws(RuleFault) -> T
    ) throws(RuleError) -> T {
        do {
            return try body(&self)
        } catch {
            throw error.located(in: Array(syntax.text.unicodeScalars))
        }
    }

    // MARK: Conditions

    mutating func condition(_ node: RuleNode) throws(RuleFault) -> CheckedCondition {
        switch node.kind {
        case .and(let parts): return .and(try conditions(parts))
        case .or(let parts): return .or(try conditions(parts))
        case .not(let part): return .not(try condition(part))
        case .boolean(let value): return .constant(value)
        case .comparison(let left, let sign, let right): return try comparison(left, sign, right, node.range)
        case .between(let value, let low, let high, let negated):
            let both = CheckedCondition.and([
                try comparison(value, .greaterOrEqual, low, node.range),
                try comparison(value, .lessOrEqual, high, node.range),
            ])
            return negated ? .not(both) : both
        case .isIn(let value, let list, let negated):
            let member = try isIn(value, list)
            return negated ? .not(member) : member
        case .like(let value, let pattern, let escape, let negated):
            let match = try like(value, pattern, escape)
            return negated ? .not(match) : match
        case .isNull(let value, let negated):
            if try tag(value) != nil { return .constant(negated) }
            let test = CheckedCondition.isNull(try self.value(value))
            return negated ? .not(test) : test
        case .call(let function, let arguments):
            if let kind = MembershipKind.allCases.first(where: { $0.function == function }) {
                return try member(kind, arguments, node.range)
            }
        case .aggregate(let aggregate) where aggregate.function == .did: return try did(aggregate, node.range)
        default: break
        }
        if let tag = try tag(node) { return tag }
        let found = try value(node)
        switch (found.operation, found.type) {
        case (.attribute(let attribute), .flag): return .flag(attribute)
        case (.aggregate, .flag): return .compare(found, .equal, .constant(1, .flag))
        default: throw RuleFault(.expectedCondition(found: RuleProblem.typeName(found.type)), node.range)
        }
    }

    private mutating func conditions(_ nodes: [RuleNode]) throws(RuleFault) -> [CheckedCondition] {
        var checked: [CheckedCondition] = []
        for node in nodes { checked.append(try condition(node)) }
        return checked
    }

    private mutating func comparison(
        _ leftNode: RuleNode,
        _ sign: ComparisonOperator,
        _ rightNode: RuleNode,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedCondition {
        for node in [leftNode, rightNode] where node.kind == .null { throw RuleFault(.compareWithNull, range) }
        if let condition = try tagComparison(leftNode, sign, rightNode, range) { return condition }
        var left = try operand(leftNode, beside: rightNode)
        var right = try operand(rightNode, beside: leftNode)
        switch (left.type, right.type) {
        case (.number, .number): return try numbers(left, sign, right, range)
        case (.day, .day): return .compare(left, sign, right)
        case (.flag, .flag):
            guard sign == .equal || sign == .notEqual else {
                throw RuleFault(.notOrdered(attribute: leftNode.text), range)
            }
            return .compare(left, sign, right)
        case (.enumeration, .text):
            right = try domainValue(right, rightNode, of: left)
        case (.text, .enumeration):
            left = try domainValue(left, leftNode, of: right)
        case (.enumeration, .enumeration), (.text, .text): break
        default: throw mismatch(sign.rawValue, left, leftNode, right, rightNode, range)
        }
        if sign != .equal, sign != .notEqual {
            try requireOrder(left, leftNode, right, rightNode)
        }
        if case .text(let a) = left.operation, case .text(let b) = right.operation {
            return .constant((a == b) == (sign == .equal))
        }
        return .compare(left, sign, right)
    }

    /// The condition that a derived attribute stands for, where a node names such a one.
    private mutating func tag(_ node: RuleNode) throws(RuleFault) -> CheckedCondition? {
        guard case .name(let name) = node.kind, let attribute = scope.catalogue.attribute(named: name),
            attribute.type == .flag, let expression = attribute.expression,
            case .condition(let condition) = try derived(attribute, expression, node.range)
        else { return nil }
        return .holds(condition)
    }

    /// A comparison of flags one of which is a derived attribute.
    private mutating func tagComparison(
        _ left: RuleNode,
        _ sign: ComparisonOperator,
        _ right: RuleNode,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedCondition? {
        let tags = (left: try tag(left), right: try tag(right))
        guard let tag = tags.left ?? tags.right else { return nil }
        guard sign == .equal || sign == .notEqual else {
            throw RuleFault(.notOrdered(attribute: (tags.left == nil ? right : left).text), range)
        }
        let other: CheckedCondition
        if tags.left != nil, let right = tags.right {
            other = right
        } else {
            let node = tags.left == nil ? left : right
            let (value, flag) = (try value(node), CheckedValue(.constant(1), type: .flag, range: 0...1))
            guard value.type == .flag else {
                throw tags.left == nil
                    ? mismatch(sign.rawValue, value, left, flag, right, range)
                    : mismatch(sign.rawValue, flag, left, value, right, range)
            }
            other = try condition(node)
        }
        if case .constant(let isTrue) = other { return isTrue == (sign == .equal) ? tag : .not(tag) }
        let same = CheckedCondition.or([.and([tag, other]), .and([.not(tag), .not(other)])])
        return sign == .equal ? same : .not(same)
    }

    /// A side of a comparison; a bare word beside an enumeration is probably a value without its quotes.
    private mutating func operand(_ node: RuleNode, beside other: RuleNode) throws(RuleFault) -> CheckedValue {
        if case .name(let word) = node.kind, scope.catalogue.attribute(named: word) == nil,
            case .name(let name) = other.kind, let attribute = scope.catalogue.attribute(named: name),
            attribute.domain.contains(where: { $0.value == word })
        {
            throw RuleFault(.unknownAttribute(word), node.range, suggestion: RuleNode(.text(word)).text)
        }
        if let inside, case .name(let word) = node.kind, case .name(let name) = other.kind,
            inside.columns.attribute(named: word) == nil, inside.columns.attribute(named: name)?.type == .text
        {
            let fault = inside.unknownColumn(word, node.range)
            throw RuleFault(fault.problem, fault.range, suggestion: fault.suggestion ?? RuleNode(.text(word)).text)
        }
        return try value(node)
    }

    /// A text beside an enumeration: one of the values of its domain.
    private func domainValue(
        _ value: CheckedValue,
        _ node: RuleNode,
        of enumeration: CheckedValue
    ) throws(RuleFault) -> CheckedValue {
        guard case .text(let text) = value.operation, case .enumeration(let code) = enumeration.type,
            let attribute = scope.catalogue[code]
        else { return value }
        guard attribute.domain.contains(where: { $0.value == text }) else {
            let labelled = attribute.domain.first { $0.label.zh == text || $0.label.en == text }?.value
            let nearest = labelled ?? Nearest.name(text, among: attribute.domain.map(\.value))
            throw RuleFault(
                .unknownValue(text, attribute: code),
                node.range,
                suggestion: nearest.map { RuleNode(.text($0)).text }
            )
        }
        return CheckedValue(.text(text), type: enumeration.type, range: 0...0)
    }

    /// `<` and its kin need one ordered domain on both sides.
    private func requireOrder(
        _ left: CheckedValue,
        _ leftNode: RuleNode,
        _ right: CheckedValue,
        _ rightNode: RuleNode
    ) throws(RuleFault) {
        var domains: [[String]] = []
        for (value, node) in [(left, leftNode), (right, rightNode)] {
            guard case .enumeration(let code) = value.type, let attribute = scope.catalogue[code],
                attribute.isOrdered
            else { throw RuleFault(.notOrdered(attribute: node.text), node.range) }
            domains.append(attribute.domain.map(\.value))
        }
        guard domains[0] == domains[1] else { throw RuleFault(.notOrdered(attribute: rightNode.text), rightNode.range) }
    }

    private func mismatch(
        _ sign: String,
        _ left: CheckedValue,
        _ leftNode: RuleNode,
        _ right: CheckedValue,
        _ rightNode: RuleNode,
        _ range: Range<Int>
    ) -> RuleFault {
        let problem = RuleProblem.wrongOperands(
            operator: sign,
            left: RuleProblem.typeName(left.type),
            right: RuleProblem.typeName(right.type)
        )
        for (value, node, other) in [(right, rightNode, left), (left, leftNode, right)] {
            switch (node.kind, other.type) {
            case (.text(let text), .number) where Scaled(parsing: text) != nil:
                return RuleFault(problem, node.range, suggestion: text)
            case (.text(let text), .day) where LocalDay(iso: text) != nil:
                return RuleFault(problem, node.range, suggestion: "DATE '\(text)'")
            case (.text(let text), .flag) where ["true", "false"].contains(text.lowercased()):
                return RuleFault(problem, node.range, suggestion: text.uppercased())
            case (.number(let number), .text), (.number(let number), .enumeration):
                return RuleFault(problem, node.range, suggestion: "'\(number)'")
            case (.number(let number), .flag) where value.range == 0...0 || value.range == 1...1:
                return RuleFault(problem, node.range, suggestion: number.unscaled == 0 ? "FALSE" : "TRUE")
            default: continue
            }
        }
        return RuleFault(problem, range)
    }

    private mutating func isIn(_ node: RuleNode, _ list: [RuleNode]) throws(RuleFault) -> CheckedCondition {
        let value = try value(node)
        guard value.type != .flag else {
            throw RuleFault(
                .wrongOperands(
                    operator: "IN",
                    left: RuleProblem.typeName(.flag),
                    right: BilingualText(zh: "列表", en: "a list")
                ),
                node.range
            )
        }
        var items: [CheckedValue] = []
        for itemNode in list {
            guard itemNode.kind != .null else { throw RuleFault(.nullInList, itemNode.range) }
            var item = try operand(itemNode, beside: node)
            guard item.isConstantOfDay else { throw RuleFault(.notConstant, itemNode.range) }
            switch (value.type, item.type) {
            case (.number, .number): break
            case (.day, .day), (.text, .text): break
            case (.enumeration, .text): item = try domainValue(item, itemNode, of: value)
            default: throw mismatch("IN", value, node, item, itemNode, itemNode.range)
            }
            items.append(item)
        }
        if case .number = value.type { return numberIsIn(value, items) }
        if case .text(let text) = value.operation {
            return .constant(items.contains { $0.operation == .text(text) })
        }
        return .isIn(value, items)
    }

    private mutating func like(
        _ node: RuleNode,
        _ patternNode: RuleNode,
        _ escapeNode: RuleNode?
    ) throws(RuleFault) -> CheckedCondition {
        let value = try value(node)
        switch value.type {
        case .text, .enumeration: break
        default: throw RuleFault(.notText(found: RuleProblem.typeName(value.type)), node.range)
        }
        guard case .text(let text) = patternNode.kind else {
            throw RuleFault(.textNeeded(function: "LIKE"), patternNode.range)
        }
        var escape: Unicode.Scalar?
        if let escapeNode {
            guard case .text(let character) = escapeNode.kind, character.unicodeScalars.count == 1 else {
                throw RuleFault(.malformedEscape, escapeNode.range)
            }
            escape = character.unicodeScalars.first
        }
        guard let pattern = LikePattern(text, escape: escape) else {
            throw RuleFault(.malformedPattern, patternNode.range)
        }
        switch value.operation {
        case .attribute, .aggregate: return .like(value, pattern)
        case .text(let constant): return .constant(pattern.matches(constant))
        default: throw RuleFault(.notText(found: RuleProblem.typeName(value.type)), node.range)
        }
    }

    private mutating func member(
        _ kind: MembershipKind,
        _ arguments: [RuleNode],
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedCondition {
        try refuseInsideSource(range)
        guard !isDefinition else { throw RuleFault(.derivedMembership, range) }
        guard arguments.count == 1 else {
            throw RuleFault(.argumentCount(function: kind.function, expected: 1, found: arguments.count), range)
        }
        guard case .text(let name) = arguments[0].kind else {
            throw RuleFault(.textNeeded(function: kind.function), arguments[0].range)
        }
        let known = scope.names(kind)
        guard known.contains(name) else {
            let nearest = Nearest.name(name, among: known)
            throw RuleFault(
                .unknownMember(kind, name),
                arguments[0].range,
                suggestion: nearest.map { RuleNode(.text($0)).text }
            )
        }
        let membership = Membership(kind, name)
        if !uses.memberships.contains(membership) { uses.memberships.append(membership) }
        return .member(membership)
    }

    // MARK: Values

    mutating func value(_ node: RuleNode) throws(RuleFault) -> CheckedValue {
        switch node.kind {
        case .name(let name): return try attribute(name, node.range)
        case .number(let number): return .constant(number.unscaled, .number(scale: number.scale))
        case .text(let text): return CheckedValue(.text(text), type: .text, range: 0...0)
        case .day(let day): return .constant(Int64(day.number), .day)
        case .boolean(let value): return .constant(value ? 1 : 0, .flag)
        case .today:
            uses.today = true
            return CheckedValue(.today, type: .day, range: DayBounds.calendar)
        case .negative(let part): return try negated(part, node.range)
        case .arithmetic(let left, let sign, let right): return try arithmetic(left, sign, right, node.range)
        case .call(let function, let arguments): return try call(function, arguments, node.range)
        case .null: throw RuleFault(.nullHere, node.range)
        case .interval: throw RuleFault(.misplacedInterval, node.range)
        case .aggregate(let aggregate):
            guard aggregate.function != .did else { throw RuleFault(.expectedValue, node.range) }
            return try self.aggregate(aggregate, node.range)
        case .and, .or, .not, .comparison, .isIn, .between, .like, .isNull:
            throw RuleFault(.expectedValue, node.range)
        }
    }

    private mutating func attribute(_ name: String, _ range: Range<Int>) throws(RuleFault) -> CheckedValue {
        guard let attribute = scope.catalogue.attribute(named: name) else {
            if outside?.attribute(named: name) != nil { try refuseInsideSource(range) }
            if let inside { throw inside.unknownColumn(name, range) }
            let names = scope.catalogue.attributes.flatMap { [$0.code, $0.name.zh] }
            let english = scope.catalogue.attributes.first { $0.name.en == name }?.code
            let nearest = english ?? Nearest.name(name, among: names)
            throw RuleFault(.unknownAttribute(name), range, suggestion: nearest.map { RuleNode(.name($0)).text })
        }
        if let expression = attribute.expression {
            guard case .value(let value) = try derived(attribute, expression, range) else {
                throw RuleFault(.conditionAsValue(attribute: attribute.code), range)
            }
            return value
        }
        if !uses.attributes.contains(where: { $0.code == attribute.code }) { uses.attributes.append(attribute) }
        return CheckedValue(.attribute(attribute), type: attribute.valueType, range: attribute.valueRange)
    }

    private mutating func call(
        _ function: String,
        _ arguments: [RuleNode],
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedValue {
        if MembershipKind.allCases.contains(where: { $0.function == function }) {
            throw RuleFault(.expectedValue, range)
        }
        guard function == "days_between" else {
            let known =
                MembershipKind.allCases.map(\.function) + ["days_between"]
                + RuleAggregate.Function.allCases.map(\.rawValue)
            let nearest = Nearest.name(function, among: known)
            let name = range.lowerBound..<range.lowerBound + function.unicodeScalars.count
            throw RuleFault(.unknownFunction(function), name, suggestion: nearest)
        }
        guard arguments.count == 2 else {
            throw RuleFault(.argumentCount(function: function, expected: 2, found: arguments.count), range)
        }
        let from = try value(arguments[0])
        let to = try value(arguments[1])
        guard from.type == .day, to.type == .day else {
            throw mismatch(function, from, arguments[0], to, arguments[1], range)
        }
        let low = to.range.lowerBound - from.range.upperBound
        let high = to.range.upperBound - from.range.lowerBound
        return CheckedValue(.daysBetween(from, to), type: .number(scale: 0), range: low...high).folded
    }
}

/// Bounds of day numbers.
enum DayBounds {
    /// 0001-01-01 to 9999-12-31: what a DATE literal can say and a load accepts.
    static let calendar: ClosedRange<Int64> = -719_162...2_932_896
    /// What arithmetic may reach; all engines count that far.
    static let arithmetic: ClosedRange<Int64> = -40_000_000...40_000_000
}

extension Attribute {
    /// The type of the attribute's values in a rule.
    public var valueType: ValueType {
        switch type {
        case .flag: .flag
        case .integer: .number(scale: 0)
        case .decimal(let scale): .number(scale: scale)
        case .day: .day
        case .enumeration: .enumeration(attribute: code)
        case .text: .text
        }
    }

    /// Bounds of the attribute's unscaled values: its range, else the width of its type.
    ///
    /// Integers are ±10¹⁵, decimals have 18 digits, days are those of the years 1...9999.
    public var valueRange: ClosedRange<Int64> {
        switch type {
        case .flag: 0...1
        case .integer: range ?? -1_000_000_000_000_000...1_000_000_000_000_000
        case .decimal: range ?? -999_999_999_999_999_999...999_999_999_999_999_999
        case .day: range ?? DayBounds.calendar
        case .enumeration, .text: 0...0
        }
    }
}
