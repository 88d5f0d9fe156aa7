// Derived attributes: where a rule names one, its expression stands in the checked tree.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// A value of the rule language that fits the catalogue.
public struct CheckedExpression: Hashable, Sendable {
    /// The value as written.
    public let syntax: RuleSyntax
    /// What it means.
    public let value: CheckedValue
    /// What it reads.
    public let uses: RuleUses

    /// The value on the rows of table `subscriber`: a number as an unscaled BIGINT, a day as DATE.
    public func sql(_ dialect: SQLDialect, today: LocalDay) -> SQLText {
        SQLText(SQLPrinter(dialect: dialect).integer(value.bound(today: today)), dialect: dialect)
    }
}

extension RuleScope {
    /// Reads and checks a value.
    ///
    /// - Throws: ``RuleError`` with the place of the first problem.
    public func checkValue(_ text: String) throws(RuleError) -> CheckedExpression {
        let syntax = try RuleSyntax(parsing: text)
        var checker = Checker(scope: self)
        let value = try checker.located(syntax) { checker throws(RuleFault) in try checker.value(syntax.root) }
        return CheckedExpression(syntax: syntax, value: value, uses: checker.uses)
    }

    /// The attribute that a definition makes: its type and bounds are those of the expression.
    ///
    /// It is hot when everything it reads is, and masked when anything it reads is.
    ///
    /// - Throws: ``RuleError`` with a place in the expression.
    public func attribute(of derived: DerivedAttribute) throws(RuleError) -> Attribute {
        let checked = try checkValue(derived.expression)
        var checker = Checker(scope: self)
        let (type, range) = try checker.located(checked.syntax) { checker throws(RuleFault) in
            try checker.type(of: derived, checked.value, checked.syntax.root.range)
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
    var value: CheckedValue
    /// Nodes, those of the derived attributes in it included.
    var nodes: Int
    /// Levels, likewise.
    var height: Int
}

extension Checker {
    fileprivate func type(
        of derived: DerivedAttribute,
        _ value: CheckedValue,
        _ range: Range<Int>
    ) throws(RuleFault) -> (AttributeType, ClosedRange<Int64>) {
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

    /// The value of a derived attribute, for the place that names it.
    mutating func derived(
        _ attribute: Attribute,
        _ expression: String,
        _ range: Range<Int>
    ) throws(RuleFault) -> CheckedValue {
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
        return written.value
    }

    private mutating func writeOut(
        _ attribute: Attribute,
        _ expression: String,
        _ range: Range<Int>
    ) throws(RuleFault) -> WrittenOut {
        do throws(RuleFault) {
            let root = try Parser.parse(Array(expression.unicodeScalars))
            var value = try self.value(root)
            switch (value.type, attribute.type) {
            case (.number, .integer): value = try rescaled(value, to: 0, root.range)
            case (.number, .decimal(let scale)): value = try rescaled(value, to: scale, root.range)
            case (.day, .day): break
            default: throw RuleFault(.derivedType(found: RuleProblem.typeName(value.type)), root.range)
            }
            return WrittenOut(value: value, nodes: root.count + measure.nodes, height: root.height + measure.height)
        } catch {
            switch error.problem {
            case .derivedFails, .derivedCircle, .derivedTooLarge: throw RuleFault(error.problem, range)
            default: throw RuleFault(.derivedFails(attribute: attribute.code, why: error.problem.message), range)
            }
        }
    }
}
