// Derived attributes in rules: what they become, and what is refused and where.
// SPDX-License-Identifier: Apache-2.0

import Kernel
import Model
import RuleSupport
import Testing

@testable import Rules

@Suite struct DerivedTests {
    private let today = LocalDay(number: 20_000)

    private func definition(_ code: String, _ expression: String, decimals: Int? = nil) -> DerivedAttribute {
        let name = BilingualText(zh: "名" + code, en: code)
        return DerivedAttribute(code: code, name: name, group: "all", expression: expression, decimals: decimals)
    }

    /// The scope with attributes of these expressions as they are, checked or not.
    private func scope(_ expressions: [(code: String, expression: String)]) -> RuleScope {
        var scope = RuleWorld.scope
        let made = expressions.map { code, expression in
            Attribute(
                code: code,
                name: BilingualText(zh: "名" + code, en: code),
                type: .integer,
                group: "all",
                expression: expression
            )
        }
        scope.catalogue = AttributeCatalogue(groups: [], attributes: RuleWorld.catalogue.attributes + made)
        return scope
    }

    // MARK: What they become

    @Test func `a rule reads what its derived attributes are made of, and keeps their names`() throws {
        let text = "d_score >= 10 AND 周年 IS NOT NULL"
        let rule = try RuleWorld.scope.check(text)
        #expect(rule.syntax.canonicalText.contains("d_score") && rule.syntax.canonicalText.contains("周年"))
        #expect(rule.uses.attributes.map(\.code) == ["arpu", "rent", "tenure", "age", "activated"])
        #expect(!rule.uses.requiresWarehouse)
        let sql = rule.sql(.duckdb, today: today).text
        #expect(!sql.contains("d_score") && !sql.contains("d_sum") && sql.contains("\"rent\""))
        let tree = try RuleSyntax(root: rule.syntax.root)
        #expect(try RuleWorld.scope.check(tree).condition == rule.condition)
    }

    @Test func `a derived attribute means its expression in brackets`() throws {
        let written = try RuleWorld.scope.check("(arpu + rent) * 2 > 30")
        #expect(try RuleWorld.scope.check("d_sum * 2 > 30").condition == written.condition)
        #expect(
            try RuleWorld.scope.checkScore("d_sum / 10000").value
                == RuleWorld.scope.checkScore("(arpu + rent) / 10000").value
        )
    }

    @Test func `behaviour in an expression needs the warehouse and is refused in memory`() throws {
        #expect(try RuleWorld.scope.check("d_contacts > 1").uses.requiresWarehouse)
        #expect(RuleWorld.derivedCatalogue["d_contacts"]?.isHot == false)
        var memory = RuleWorld.scope
        memory.sources = nil
        let error = try #require(throws: RuleError.self) { try memory.check("arpu > 1 AND d_contacts > 1") }
        #expect(error.code == "rule.derived_fails" && error.start.column == 14 && error.end.column == 24)
        #expect(throws: RuleError.self) { try RuleWorld.scope.checkScore("d_contacts / 1000000") }
    }

    @Test func `type, bounds, storage and masking follow from the expression`() throws {
        func made(_ expression: String, decimals: Int? = nil) throws -> Attribute {
            try RuleWorld.scope.attribute(of: definition("d", expression, decimals: decimals))
        }
        #expect(try made("age + 1").type == .integer && (try made("age + 1").range) == -19...121)
        #expect(try made("arpu / tenure").type == .decimal(scale: 6))
        #expect(try made("rate * 3", decimals: 2).range == -15_000...15_000)
        #expect(try made("rate * -1", decimals: 0).range == -50...50)
        #expect(try made("age", decimals: 2).type == .decimal(scale: 2))
        #expect(try made("last_order - INTERVAL 1 MONTH").type == .day)
        #expect(try made("days_between(activated, today)").isHot)
        let cold = try made("count(contact)")
        #expect(!cold.isHot && cold.type == .integer)
        var scope = RuleWorld.scope
        var attributes = RuleWorld.catalogue.attributes
        let place = try #require(attributes.firstIndex { $0.code == "age" })
        (attributes[place].sensitivity, attributes[place].isHot) = (.masked, false)
        scope.catalogue = AttributeCatalogue(groups: [], attributes: attributes)
        let masked = try scope.attribute(of: definition("d", "age * 2"))
        #expect(masked.sensitivity == .masked && !masked.isHot)
    }

    // MARK: What is refused

    @Test(arguments: [
        ("city", "derived_type"), ("brand", "derived_type"), ("'a'", "derived_type"),
        ("TRUE", "derived_type"), ("on_list('black')", "derived_membership"), ("d_tag + 1", "condition_as_value"),
        ("agee + 1", "unknown_attribute"), ("NULL", "null_here"), ("", "empty"), ("age +", "expected"),
        ("balance * arpu * arpu", "overflow"), ("rate * rate * rate", "derived_digits"),
        ("1; DROP TABLE subscriber", "unexpected_character"), ("age) OR (1 = 1", "expected"),
        ("age -- x", "unknown_attribute"), ("(SELECT 1)", "expected"), ("sleep(9)", "unknown_function"),
    ])
    func `an expression that is no number, day or condition is refused`(_ expression: String, _ code: String) throws {
        let error = try #require(throws: RuleError.self) {
            try RuleWorld.scope.attribute(of: definition("d", expression))
        }
        #expect(error.code == "rule." + code, "\(expression): \(error)")
    }

    @Test func `a condition is a flag that is never NULL and stands where flags do`() throws {
        let made = try RuleWorld.scope.attribute(of: definition("d", "arpu > 80 AND is_5g"))
        #expect(made.type == .flag && made.range == nil && made.isHot)
        #expect(try !RuleWorld.scope.attribute(of: definition("d", "d_active OR is_5g")).isHot)
        #expect(try RuleWorld.scope.attribute(of: definition("d", "is_5g")).type == .flag)
        #expect(try RuleWorld.scope.check("d_tag IS NULL").condition == .constant(false))
        #expect(try RuleWorld.scope.check("画像 IS NOT NULL").condition == .constant(true))
        let (tag, other) = (try RuleWorld.scope.check("d_tag"), try RuleWorld.scope.check("d_tag = TRUE"))
        #expect(tag.condition == other.condition)
        #expect(try RuleWorld.scope.check("FALSE <> d_tag").condition == other.condition)
        #expect(try RuleWorld.scope.check("d_tag = FALSE").condition == .not(tag.condition))
        for (rule, code) in [
            ("d_tag > 1", "not_ordered"), ("d_tag = 1", "wrong_operands"), ("d_tag = 'a'", "wrong_operands"),
            ("age + d_tag > 1", "condition_as_value"), ("d_tag IN (TRUE)", "condition_as_value"),
            ("d_tag BETWEEN FALSE AND TRUE", "not_ordered"), ("d_tag = NULL", "compare_with_null"),
        ] {
            let error = try #require(throws: RuleError.self) { try RuleWorld.scope.check(rule) }
            #expect(error.code == "rule." + code, "\(rule): \(error)")
        }
        let error = try #require(throws: RuleError.self) { try RuleWorld.scope.checkScore("d_tag") }
        #expect(error.code == "rule.condition_as_value")
    }

    @Test func `digits that are too many can be cut off`() throws {
        let cut = try RuleWorld.scope.attribute(of: definition("d", "rate * rate * rate", decimals: 9))
        #expect(cut.type == .decimal(scale: 9))
        for decimals in [-1, 10] {
            #expect(throws: RuleError.self) {
                try RuleWorld.scope.attribute(of: definition("d", "rate", decimals: decimals))
            }
        }
    }

    @Test func `a circle is named at the place that leads into it`() throws {
        let circle = scope([("a1", "b1 + 1"), ("b1", "名a1 + 1"), ("self", "self")])
        let error = try #require(throws: RuleError.self) { try circle.check("age > 0 AND b1 > 0") }
        #expect(error.problem == .derivedCircle(["b1", "a1", "b1"]))
        #expect(error.start.column == 13 && error.end.column == 15)
        #expect(try #require(throws: RuleError.self) { try circle.check("self = 1") }.code == "rule.derived_circle")
    }

    @Test func `an expression that does not fit any more is named with its reason`() throws {
        let broken = scope([("a1", "gone + 1"), ("b1", "a1 * 2"), ("day1", "activated")])
        let error = try #require(throws: RuleError.self) { try broken.check("b1 > 0") }
        #expect(error.problem == .derivedFails(attribute: "a1", why: RuleProblem.unknownAttribute("gone").message))
        #expect(error.start.column == 1 && error.end.column == 3)
        #expect(throws: RuleError.self) { try broken.check("day1 > 0") }
    }

    @Test func `what is written out is bounded in length, levels and depth`() throws {
        // Doubling: 2^k uses of the first.
        var doubling: [(code: String, expression: String)] = [("x0", "age")]
        for step in 1...9 {
            let last = "x\(step - 1)"
            doubling.append(("x\(step)", Array(repeating: last, count: 4).joined(separator: " + ")))
        }
        let fits = scope(doubling)
        _ = try fits.check("x4 > 0")
        for code in ["x6", "x9"] {
            let error = try #require(throws: RuleError.self) { try fits.check("\(code) > 0") }
            #expect(error.code == "rule.derived_too_large")
        }
        // Many uses in one rule count together.
        let many = Array(repeating: "x4", count: 6).joined(separator: " + ")
        #expect(try #require(throws: RuleError.self) { try fits.check("\(many) > 0") }.code == "rule.derived_too_large")
        // A chain of more than ten.
        let chain = (0...500).map { (code: "c\($0)", expression: $0 == 0 ? "age" : "c\($0 - 1)") }
        _ = try scope(chain).check("c9 > 0")
        #expect(
            try #require(throws: RuleError.self) { try scope(chain).check("c500 > 0") }.code == "rule.derived_too_large"
        )
        // Deep expressions on each other.
        let deep = String(repeating: "-", count: 45) + " "
        let nested = scope([("n1", "\(deep)age"), ("n2", "\(deep)n1"), ("n3", "\(deep)n2")])
        _ = try nested.check("n2 > 0")
        #expect(try #require(throws: RuleError.self) { try nested.check("n3 > 0") }.code == "rule.derived_too_large")
    }

    @Test func `the rows of a source have no derived attributes`() throws {
        let error = try #require(throws: RuleError.self) { try RuleWorld.scope.check("did(contact, d_sum > 1)") }
        #expect(error.code == "rule.only_columns")
    }
}
