// What a rule may refer to: attributes, special lists, audiences, products, behaviour.
// SPDX-License-Identifier: Apache-2.0

public import Model

/// The names that rules are checked against.
public struct RuleScope: Sendable {
    /// Attributes by code and Chinese name.
    public var catalogue: AttributeCatalogue
    /// Codes of special lists.
    public var lists: Set<String>
    /// Names of audiences.
    public var audiences: Set<String>
    /// Codes of products.
    public var products: Set<String>
    /// Tables of behaviour; nil where rules cannot ask for it, because the decision core evaluates them in memory.
    public var sources: [EventSource]?

    /// Joins a catalogue and the known names.
    public init(
        catalogue: AttributeCatalogue,
        lists: Set<String> = [],
        audiences: Set<String> = [],
        products: Set<String> = [],
        sources: [EventSource]? = nil
    ) {
        self.catalogue = catalogue
        self.lists = lists
        self.audiences = audiences
        self.products = products
        self.sources = sources
    }

    /// The known names of a kind.
    public func names(_ kind: MembershipKind) -> Set<String> {
        switch kind {
        case .list: lists
        case .audience: audiences
        case .product: products
        }
    }

    /// Checks a condition.
    ///
    /// - Throws: ``RuleError`` with the place of the first name or type that does not fit.
    public func check(_ syntax: RuleSyntax) throws(RuleError) -> CheckedRule {
        var checker = Checker(scope: self)
        let condition = try checker.located(syntax) { checker throws(RuleFault) in
            try checker.condition(syntax.root)
        }
        return CheckedRule(syntax: syntax, condition: condition, uses: checker.uses)
    }

    /// Reads and checks the text of a condition.
    ///
    /// - Throws: ``RuleError`` with the place of the first problem.
    public func check(_ text: String) throws(RuleError) -> CheckedRule {
        try check(RuleSyntax(parsing: text))
    }

    /// Checks a numeric value that ranks subscribers; it cannot ask for behaviour.
    ///
    /// The score is in micro-units (10⁻⁶, rounded toward zero) and must fit `Int32` for every value that its
    /// attributes may have.
    ///
    /// - Throws: ``RuleError`` with the place of the first problem.
    public func checkScore(_ syntax: RuleSyntax) throws(RuleError) -> CheckedScore {
        var scope = self
        scope.sources = nil
        var checker = Checker(scope: scope)
        let value = try checker.located(syntax) { checker throws(RuleFault) in
            try checker.score(syntax.root)
        }
        return CheckedScore(syntax: syntax, value: value, uses: checker.uses)
    }

    /// Reads and checks the text of a numeric value that ranks subscribers; see ``checkScore(_:)-(RuleSyntax)``.
    ///
    /// - Throws: ``RuleError`` with the place of the first problem.
    public func checkScore(_ text: String) throws(RuleError) -> CheckedScore {
        try checkScore(RuleSyntax(parsing: text))
    }
}
