// Tokens to a syntax tree. Precedence, loosest first: OR, AND, NOT, comparisons, + -, * /, unary -.
// SPDX-License-Identifier: Apache-2.0

import Kernel

struct Parser {
    private let tokens: [Token]
    private let scalars: [Unicode.Scalar]
    private var position = 0
    private var depth = 0

    private init(_ scalars: [Unicode.Scalar]) throws(RuleFault) {
        self.scalars = scalars
        tokens = try Lexer.tokens(scalars)
    }

    static func parse(_ scalars: [Unicode.Scalar]) throws(RuleFault) -> RuleNode {
        var parser = try Parser(scalars)
        guard parser.current.kind != .end else { throw RuleFault(.empty, 0..<scalars.count) }
        let root = try parser.disjunction()
        guard parser.current.kind == .end else { throw parser.unexpected(.end) }
        return root
    }

    // MARK: Tokens

    private var current: Token { tokens[position] }

    private mutating func accept(_ keyword: Keyword) -> Bool {
        guard current.kind == .keyword(keyword) else { return false }
        position += 1
        return true
    }

    private mutating func accept(_ symbol: String) -> Bool {
        guard current.kind == .symbol(symbol) else { return false }
        position += 1
        return true
    }

    private mutating func accept(_ sign: ArithmeticOperator) -> ArithmeticOperator? {
        accept(sign.rawValue) ? sign : nil
    }

    private mutating func require(_ symbol: String, _ expectation: RuleExpectation) throws(RuleFault) {
        guard accept(symbol) else { throw unexpected(expectation) }
    }

    /// Accepts an unquoted word that is special only here.
    private mutating func accept(word: String) -> Bool {
        guard case .name(let name, quoted: false) = current.kind, name.lowercased() == word else { return false }
        position += 1
        return true
    }

    private func text(_ range: Range<Int>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[range].prefix(40))
        return String(text)
    }

    private func unexpected(_ expectation: RuleExpectation) -> RuleFault {
        RuleFault(.expected(expectation, found: text(current.range)), current.range)
    }

    /// The node whose last token has just been accepted.
    private func node(_ kind: RuleNode.Kind, from start: Int) throws(RuleFault) -> RuleNode {
        let node = RuleNode(kind, range: start..<max(start, tokens[max(0, position - 1)].range.upperBound))
        guard node.height <= RuleLimits.depth else { throw RuleFault(.tooDeep, node.range) }
        return node
    }

    /// Runs `body` one level of the parser's own recursion deeper.
    private mutating func nested(
        _ body: (inout Parser) throws(RuleFault) -> RuleNode
    ) throws(RuleFault) -> RuleNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= RuleLimits.depth else { throw RuleFault(.tooDeep, current.range) }
        return try body(&self)
    }

    // MARK: Conditions

    private mutating func disjunction() throws(RuleFault) -> RuleNode {
        let start = current.range.lowerBound
        var parts = [try conjunction()]
        while accept(.or) { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : try node(.or(parts), from: start)
    }

    private mutating func conjunction() throws(RuleFault) -> RuleNode {
        let start = current.range.lowerBound
        var parts = [try negation()]
        while accept(.and) { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : try node(.and(parts), from: start)
    }

    private mutating func negation() throws(RuleFault) -> RuleNode {
        let start = current.range.lowerBound
        guard accept(.not) else { return try predicate() }
        let part = try nested { parser throws(RuleFault) in try parser.negation() }
        return try node(.not(part), from: start)
    }

    private mutating func predicate() throws(RuleFault) -> RuleNode {
        let start = current.range.lowerBound
        let left = try sum()
        let result: RuleNode
        if let comparison = acceptComparison() {
            let right = try sum()
            result = try node(.comparison(left, comparison, right), from: start)
        } else if accept(.is) {
            let negated = accept(.not)
            guard accept(.null) else { throw unexpected(.nullAfterIs) }
            result = try node(.isNull(left, negated: negated), from: start)
        } else {
            let negated = accept(.not)
            if accept(.in) {
                let list = try list()
                result = try node(.isIn(left, list, negated: negated), from: start)
            } else if accept(.between) {
                let low = try sum()
                guard accept(.and) else { throw unexpected(.and) }
                let high = try sum()
                result = try node(.between(left, low: low, high: high, negated: negated), from: start)
            } else if accept(.like) {
                let pattern = try sum()
                let escape = accept(.escape) ? try sum() : nil
                result = try node(.like(left, pattern: pattern, escape: escape, negated: negated), from: start)
            } else if negated {
                throw unexpected(.predicateAfterNot)
            } else {
                return left
            }
        }
        let behind = position
        if acceptComparison() != nil || accept(.in) || accept(.between) || accept(.like) || accept(.is) {
            throw RuleFault(.chainedComparison, tokens[behind].range)
        }
        return result
    }

    private mutating func acceptComparison() -> ComparisonOperator? {
        guard case .symbol(let symbol) = current.kind, let comparison = ComparisonOperator(rawValue: symbol) else {
            return nil
        }
        position += 1
        return comparison
    }

    private mutating func list() throws(RuleFault) -> [RuleNode] {
        try require("(", .openingParenthesis)
        var items = [try sum()]
        while accept(",") { items.append(try sum()) }
        try require(")", .commaOrClosingParenthesis)
        return items
    }

    // MARK: Values

    private mutating func sum() throws(RuleFault) -> RuleNode {
        let start = current.range.lowerBound
        var left = try product()
        while let sign = accept(.add) ?? accept(.subtract) {
            let right = try product()
            left = try node(.arithmetic(left, sign, right), from: start)
        }
        return left
    }

    private mutating func product() throws(RuleFault) -> RuleNode {
        let start = current.range.lowerBound
        var left = try factor()
        while let sign = accept(.multiply) ?? accept(.divide) {
            let right = try factor()
            left = try node(.arithmetic(left, sign, right), from: start)
        }
        return left
    }

    private mutating func factor() throws(RuleFault) -> RuleNode {
        let start = current.range.lowerBound
        if accept("-") {
            let part = try nested { parser throws(RuleFault) in try parser.factor() }
            return try node(.negative(part), from: start)
        }
        if accept("+") { return try nested { parser throws(RuleFault) in try parser.factor() } }
        return try primary()
    }

    private mutating func primary() throws(RuleFault) -> RuleNode {
        let token = current
        let start = token.range.lowerBound
        position += 1
        switch token.kind {
        case .number(let value): return try node(.number(value), from: start)
        case .text(let value): return try node(.text(value), from: start)
        case .keyword(.true): return try node(.boolean(true), from: start)
        case .keyword(.false): return try node(.boolean(false), from: start)
        case .keyword(.null): return try node(.null, from: start)
        case .keyword(.today): return try node(.today, from: start)
        case .keyword(.interval):
            let interval = try interval()
            return try node(.interval(interval), from: start)
        case .name(let name, let quoted): return try named(name, quoted: quoted, from: start)
        case .symbol("("):
            let inner = try nested { parser throws(RuleFault) in try parser.disjunction() }
            try require(")", .closingParenthesis)
            // The brackets belong to the place of the node, so that a marker covers them.
            return RuleNode(inner.kind, range: start..<tokens[position - 1].range.upperBound)
        case .keyword(.not):
            position -= 1
            throw unexpected(.operand)
        case .keyword, .symbol, .end:
            position -= 1
            throw unexpected(.value)
        }
    }

    private mutating func named(_ name: String, quoted: Bool, from start: Int) throws(RuleFault) -> RuleNode {
        if !quoted, name.lowercased() == "date", case .text(let iso) = current.kind {
            position += 1
            guard let day = LocalDay(iso: iso) else { throw RuleFault(.malformedDay(iso), tokens[position - 1].range) }
            return try node(.day(day), from: start)
        }
        guard !quoted, accept("(") else { return try node(.name(name), from: start) }
        let function = name.lowercased()
        if let function = RuleAggregate.Function(rawValue: function) {
            return try nested { parser throws(RuleFault) in try parser.aggregate(function, from: start) }
        }
        var arguments: [RuleNode] = []
        if !accept(")") {
            repeat {
                arguments.append(try nested { parser throws(RuleFault) in try parser.sum() })
            } while accept(",")
            try require(")", .commaOrClosingParenthesis)
        }
        return try node(.call(function, arguments), from: start)
    }

    /// What follows the bracket: source [, column] [, condition] [, window].
    private mutating func aggregate(
        _ function: RuleAggregate.Function,
        from start: Int
    ) throws(RuleFault) -> RuleNode {
        let source = try word(.source)
        var column: RuleNode?
        if function.takesColumn {
            try require(",", .column)
            column = try word(.column)
        }
        var condition: RuleNode?
        var window: RuleWindow?
        while window == nil, accept(",") {
            window = try acceptWindow()
            if window == nil {
                guard condition == nil else { throw unexpected(.window) }
                condition = try disjunction()
            }
        }
        try require(")", window == nil ? .commaOrClosingParenthesis : .closingParenthesis)
        let aggregate = RuleAggregate(function, source, column, condition: condition, window: window)
        return try node(.aggregate(aggregate), from: start)
    }

    private mutating func word(_ expectation: RuleExpectation) throws(RuleFault) -> RuleNode {
        guard case .name(let name, _) = current.kind else { throw unexpected(expectation) }
        position += 1
        return try node(.name(name), from: tokens[position - 1].range.lowerBound)
    }

    /// `within` is a window only before a number; a column may be called so.
    private mutating func acceptWindow() throws(RuleFault) -> RuleWindow? {
        if accept(.between) {
            let low = try sum()
            guard accept(.and) else { throw unexpected(.and) }
            return .between(low, try sum())
        }
        guard case .number = tokens[min(position + 1, tokens.count - 1)].kind, accept(word: "within") else {
            return nil
        }
        return .within(try interval())
    }

    private mutating func interval() throws(RuleFault) -> RuleInterval {
        guard case .number(let number) = current.kind, number.scale == 0 else { throw unexpected(.intervalCount) }
        guard number.unscaled <= Int64(RuleLimits.interval) else {
            throw RuleFault(.intervalTooLong, current.range)
        }
        position += 1
        for unit in IntervalUnit.allCases where accept(word: unit.rawValue) || accept(word: unit.rawValue + "s") {
            return RuleInterval(count: Int(number.unscaled), unit: unit)
        }
        throw unexpected(.intervalUnit)
    }
}
