// Derived attributes: where a rule names one, its expression stands in the checked tree.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// A value of the rule language that fits the catalogue.
public struct CheckedExpression: Hashable, Sendable {
    /// The value as written.
    public let syntax: RuleSyntax
    /// What it means.
    public let meaning: DerivedMeaning
    /// What it reads.
    public let uses: RuleUses

    /// The value on the rows of table `subscriber`: a number as an unscaled BIGINT, a day as DATE, a condition as BOOLEAN.
    public func sql(_ dialect: SQLDialect, today: LocalDay) -> SQLText {
        let printer = SQLPrinter(dialect: dialect)
        let text =
            switch meaning {
            case .value(let value): printer.integer(value.bound(today: today))
            case .condition(let condition): "(\(printer.members(condition.bound(today: today)))) IS TRUE"
            }
        return SQLText(text, dialect: dialect)
    }
}

/// What a derived attribute stands for.
public enum DerivedMeaning: Hashable, Sendable {
    /// A number or a day.
    case value(CheckedValue)
    /// A condition: true where it holds, else false, never NULL.
    case condition(CheckedCondition)
}

extension RuleScope {
    /// Reads and checks a value, or a condition.
    ///
    /// - Throws: ``RuleError`` with the place of the first problem.
    public func checkExpression(_ text: String) throws(RuleError) -> CheckedExpression {
        let syntax = try RuleSyntax(parsing: text)
        var checker = Checker(scope: self)
        checker.isDefinition = true
        let meaning = try checker.located(syntax) { checker throws(RuleFault) in try checker.meaning(syntax.root) }
        return CheckedExpression(syntax: syntax, meaning: meaning, uses: checker.uses)
    }

    /// The attribute that a definition makes: its type and bounds are those of the expression.
    ///
    /// It is hot when everything it reads is, and masked when anything it reads is. Lists, audiences and products are not for
    /// it: they change between loads.
    ///
    /// - Throws: ``RuleError`` with a place in the expression.
    public func attribute(of derived: DerivedAttribute) throws(RuleError) -> Attribute {
        let checked = try checkExpression(derived.expression)
        var checker = Checker(scope: self)
        let (type, range) = try checker.located(checked.syntax) { checker throws(RuleFault) in
            try checker.type(of: derived, checked.meaning, checked.syntax.root.range)
        }
        let isMasked = checked.uses.attributes.contains { $0.sensitivity == .masked }
        return Attribute(
            code: derived.code,
            name: derived.name,
            type: type,
            group: derived.group,
            unit: derived.unit,
            range: range,
            isHot: !checked.uses.requiresWarehouse,
            sensitivity: isMasked ? .masked : .open,
            expression: derived.expression
        )
    }
}

/// A derived attribute as it was written out once in a rule.
struct WrittenOut {
    var meaning: DerivedMeaning
    /// Nodes, those of the derived attributes in it included.
    var nodes: Int
    /// Levels, likewise.
    var height: Int
}

extension Checker {
    fileprivate func type(
        of derived: DerivedAttribute,
        _ meaning: DerivedMeaning,
        _ range: Range<Int>
    ) throws(RuleFault) -> (AttributeType, ClosedRange<Int64>?) {
        guard case .value(let value) = meaning else { return (.flag, nil) }
        switch value.type {
        case .day: return (.day, value.range)
        case .number(let scale):
            let decimals = derived.decimals ?? scale
            guard (0...9).contains(decimals) else { throw RuleFault(.derivedDigits(scale), range) }
            let kept = try rescaled(value, to: decimals, range)
            return (decimals == 0 ? .integer : .decimal(scale: decimals), kept.range)
        case .flag, .enumeration, .text:
            throw RuleFault(.derivedType(found: RuleProblem.typeName(value.type)), range)
        }
    }

    /// What an expression means: conditions are told from values by what is written.
    mutating func meaning(_ node: RuleNode) throws(RuleFault) -> DerivedMeaning {
        switch node.kind {
        case .and, .or, .not, .comparison, .isIn, .between, .like, .isNull: .condition(try condition(node))
        case .aggregate(let aggregate) where aggregate.function == .did: .condition(try condition(node))
        case .call(let function, _) where MembershipKind.allCases.contains(where: { $0.function == function }):
            .condition(try condition(node))
        case .name(let name) where scope.catalogue.attribute(named: name)?.type == .flag:
            .condition(try condition(node))
        default:
            .value(try value(node))
        }
    }

    /// What a derived attribute stands for, for the place that names it.
    mutating func derived(
        _ attribute: Attribute,
        _ expression: String,
        _ range: Range<Int>
    ) throws(RuleFault) -> DerivedMeaning {
        let outer = measure
        let written: WrittenOut
        if let known = writtenOut[attribute.code] {
            written = known
        } else {
            guard !within.contains(attribute.code) else {
                throw RuleFault(.derivedCircle(within + [attribute.code]), range)
            }
            guard within.count < RuleLimits.derivations else {
                throw RuleFault(.derivedTooLarge(attribute: attribute.code), range)
            }
            within.append(attribute.code)
            measure = (0, 0)
            written = try writeOut(attribute, expression, range)
            within.removeLast()
            writtenOut[attribute.code] = written
        }
        measure = (outer.nodes + written.nodes, max(outer.height, written.height))
        guard measure.nodes <= RuleLimits.derivedNodes, measure.height <= RuleLimits.depth else {
            throw RuleFault(.derivedTooLarge(attribute: attribute.code), range)
        }
        return written.meaning
    }

    private mutating func writeOut(
        _ attribute: Attribute,
        _ expression: String,
        _ range: Range<Int>
    ) throws(RuleFault) -> WrittenOut {
        do throws(RuleFault) {
            let root = try Parser.parse(Array(expression.unicodeScalars))
            var meaning = try self.meaning(root)
            switch (meaning, attribute.type) {
            case (.condition, .flag): break
            case (.value(let value), .integer) where value.type.isNumber:
                meaning = .value(try rescaled(value, to: 0, root.range))
            case (.value(let value), .decimal(let scale)) where value.type.isNumber:
                meaning = .value(try rescaled(value, to: scale, root.range))
            case (.value(let value), .day) where value.type == .day: break
            case (.value(let value), _):
                throw RuleFault(.derivedType(found: RuleProblem.typeName(value.type)), root.range)
            case (.condition, _): throw RuleFault(.derivedType(found: RuleProblem.typeName(.flag)), root.range)
            }
            return WrittenOut(meaning: meaning, nodes: root.count + measure.nodes, height: root.height + measure.height)
        } catch {
            switch error.problem {
            case .derivedFails, .derivedCircle, .derivedTooLarge: throw RuleFault(error.problem, range)
            default: throw RuleFault(.derivedFails(attribute: attribute.code, why: error.problem.message), range)
            }
        }
    }
}
