// Characters to tokens. Every token knows its place; what only looks like SQL is named together with its remedy.
// SPDX-License-Identifier: Apache-2.0

import Kernel

/// Words that cannot be attribute names unless quoted with `"`.
enum Keyword: String, CaseIterable {
    case and, or, not, `in`, between, like, escape, `is`, null, `true`, `false`, today, interval
}

struct Token: Equatable {
    enum Kind: Equatable {
        case keyword(Keyword)
        /// An identifier; quoted ones are never soft keywords such as `date`.
        case name(String, quoted: Bool)
        case number(Scaled)
        case text(String)
        /// One of `= <> < <= > >= + - * / ( ) ,`.
        case symbol(String)
        case end
    }

    var kind: Kind
    /// Offsets in Unicode scalars.
    var range: Range<Int>
}

struct Lexer {
    private let scalars: [Unicode.Scalar]
    private var position = 0

    init(_ scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    static func tokens(_ scalars: [Unicode.Scalar]) throws(RuleFault) -> [Token] {
        guard scalars.count <= RuleLimits.length else {
            throw RuleFault(.tooLong, RuleLimits.length..<RuleLimits.length + 1)
        }
        var lexer = Lexer(scalars)
        var tokens: [Token] = []
        while let token = try lexer.next() { tokens.append(token) }
        tokens.append(Token(kind: .end, range: scalars.count..<scalars.count))
        return tokens
    }

    private func peek(_ ahead: Int = 0) -> Unicode.Scalar? {
        position + ahead < scalars.count ? scalars[position + ahead] : nil
    }

    private mutating func next() throws(RuleFault) -> Token? {
        while let scalar = peek(), scalar.properties.isWhitespace { position += 1 }
        guard let scalar = peek() else { return nil }
        let start = position
        let kind: Token.Kind
        if scalar.properties.isIDStart || scalar == "_" {
            kind = word()
        } else if ("0"..."9").contains(scalar) {
            kind = try number()
        } else if scalar == "'" {
            kind = .text(try quoted(by: "'", problem: .unterminatedText).nfc)
        } else if scalar == "\"" {
            let name = try quoted(by: "\"", problem: .unterminatedName)
            guard !name.isEmpty else { throw RuleFault(.emptyName, start..<position) }
            kind = .name(name.nfc, quoted: true)
        } else {
            kind = .symbol(try symbol(scalar))
        }
        return Token(kind: kind, range: start..<position)
    }

    private func slice(_ range: Range<Int>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[range])
        return String(text)
    }

    private mutating func word() -> Token.Kind {
        let start = position
        while let scalar = peek(), scalar.properties.isIDContinue || scalar == "_" { position += 1 }
        let text = slice(start..<position)
        return Keyword(rawValue: text.lowercased()).map { .keyword($0) } ?? .name(text.nfc, quoted: false)
    }

    private mutating func number() throws(RuleFault) -> Token.Kind {
        let start = position
        while let scalar = peek(), ("0"..."9").contains(scalar) || scalar == "." { position += 1 }
        // A letter directly behind the digits is a slip (`30d`, `3个月`), not the start of a name.
        while let scalar = peek(), scalar.properties.isIDContinue { position += 1 }
        guard let value = Scaled(parsing: slice(start..<position)) else {
            throw RuleFault(.malformedNumber(slice(start..<position)), start..<position)
        }
        return .number(value)
    }

    private mutating func quoted(by quote: Unicode.Scalar, problem: RuleProblem) throws(RuleFault) -> String {
        let start = position
        var text = String.UnicodeScalarView()
        position += 1
        while let scalar = peek() {
            position += 1
            if scalar == "\0" { throw RuleFault(.unexpectedCharacter("U+0000"), position - 1..<position) }
            guard scalar == quote else {
                text.append(scalar)
                continue
            }
            guard peek() == quote else { return String(text) }
            text.append(quote)
            position += 1
        }
        throw RuleFault(problem, start..<start + 1)
    }

    /// What people write, and what this language has instead.
    private static let remedies: [(written: [Unicode.Scalar], remedy: String)] = [
        ("==", "="), ("=>", ">="), ("=<", "<="), ("&&", "AND"), ("||", "OR"), ("&", "AND"), ("|", "OR"), ("!", "NOT"),
        ("≠", "<>"), ("≥", ">="), ("≤", "<="), ("×", "*"), ("÷", "/"), ("－", "-"), ("＋", "+"),
        ("＝", "="), ("＞", ">"), ("＜", "<"), ("（", "("), ("）", ")"), ("，", ","), ("、", ","),
        ("‘", "'"), ("’", "'"), ("“", "'"), ("”", "'"), ("`", "\""), ("[", "("), ("]", ")"), (";", ""), ("；", ""),
    ].map { (Array($0.0.unicodeScalars), $0.1) }

    private mutating func symbol(_ scalar: Unicode.Scalar) throws(RuleFault) -> String {
        let pair = slice(position..<min(position + 2, scalars.count))
        switch pair {
        case "<>", "<=", ">=":
            position += 2
            return pair
        case "!=":
            position += 2
            return "<>"
        default: break
        }
        for (written, remedy) in Self.remedies where scalars[position...].starts(with: written) {
            throw RuleFault(
                .unexpectedCharacter(slice(position..<position + written.count)),
                position..<position + written.count,
                suggestion: remedy
            )
        }
        guard "=<>+-*/(),".unicodeScalars.contains(scalar) else {
            let shown = scalar.properties.generalCategory == .control ? "U+" + hex(scalar) : String(scalar)
            throw RuleFault(.unexpectedCharacter(shown), position..<position + 1)
        }
        position += 1
        return String(scalar)
    }

    private func hex(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

extension RuleNode {
    /// Whether `name` can stand unquoted.
    static func isPlain(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, first.properties.isIDStart || first == "_" else { return false }
        return name.unicodeScalars.allSatisfy { $0.properties.isIDContinue || $0 == "_" }
            && Keyword(rawValue: name.lowercased()) == nil
    }
}
