// What is wrong with a rule, where, and what to write instead.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// A place in a rule's text.
public struct RulePosition: Hashable, Sendable {
    /// UTF-16 code units from the start, as browsers count in text fields.
    public var offset: Int
    /// Line, from 1.
    public var line: Int
    /// Column in characters as people count them, from 1.
    public var column: Int

    /// Joins offset, line and column.
    public init(offset: Int, line: Int, column: Int) {
        self.offset = offset
        self.line = line
        self.column = column
    }
}

/// A rule that cannot be read or does not fit the attribute catalogue.
public struct RuleError: CodedError, Equatable {
    /// What is wrong.
    public var problem: RuleProblem
    /// The first character concerned.
    public var start: RulePosition
    /// The character after the last one concerned.
    public var end: RulePosition
    /// What to write between `start` and `end` instead (empty = nothing), where that is known.
    public var suggestion: String?

    /// Stable name of the problem, for example `rule.unknown_attribute`.
    public var code: String { "rule." + problem.name }

    /// What is wrong and what to do, in both languages.
    public var message: BilingualText {
        let message = problem.message
        guard let suggestion, !suggestion.isEmpty else { return message }
        return BilingualText(zh: message.zh + "，可改为 \(suggestion)", en: message.en + "; write \(suggestion)")
    }

    /// Line, column and message in English.
    public var description: String { "line \(start.line), column \(start.column): \(message.en)" }
}

/// A problem with its place in the scalars of the text, before lines and columns are counted.
struct RuleFault: Error {
    var problem: RuleProblem
    var range: Range<Int>
    var suggestion: String?

    init(_ problem: RuleProblem, _ range: Range<Int>, suggestion: String? = nil) {
        self.problem = problem
        self.range = range
        self.suggestion = suggestion
    }

    /// Counts lines and columns in the text that the ranges refer to.
    func located(in scalars: [Unicode.Scalar]) -> RuleError {
        RuleError(
            problem: problem,
            start: Self.position(of: range.lowerBound, in: scalars),
            end: Self.position(of: range.upperBound, in: scalars),
            suggestion: suggestion
        )
    }

    private static func position(of offset: Int, in scalars: [Unicode.Scalar]) -> RulePosition {
        let before = scalars[..<min(offset, scalars.count)]
        let lineStart = before.lastIndex(of: "\n").map { $0 + 1 } ?? 0
        var line = String.UnicodeScalarView()
        line.append(contentsOf: before[lineStart...])
        return RulePosition(
            offset: before.reduce(0) { $0 + UTF16.width($1) },
            line: before.count { $0 == "\n" } + 1,
            column: String(line).count + 1
        )
    }
}

extension RuleError {
    /// Characters that ``marked(in:)`` shows at most before, under and after the marker.
    private static let shown = 60

    /// The line of the rule that the error concerns and, below it, a marker `^~~~` under the characters concerned.
    ///
    /// Of a long line only the part around the marker is shown, with `…` for what is left out.
    /// Wide characters count as two columns, as terminals show them; tabs become spaces.
    ///
    /// - Parameter rule: The text that was read; for a rule that came as a tree, its canonical text.
    /// - Returns: Two lines.
    public func marked(in rule: String) -> String {
        let lines = rule.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.indices.contains(start.line - 1) else { return "" }
        let line = lines[start.line - 1].map { $0.isWhitespace ? " " : $0 }
        let place = min(start.column - 1, line.count)
        let length = start.line == end.line ? end.column - start.column : line.count - place
        let concerned = line[place...].prefix(min(length, Self.shown))
        let before = (place > Self.shown ? "…" : "") + String(line[..<place].suffix(Self.shown))
        let after = line[concerned.endIndex...]
        let rest = String(after.prefix(Self.shown)) + (after.count > Self.shown ? "…" : "")
        let width = max(1, concerned.reduce(0) { $0 + $1.columns })
        return before + String(concerned) + rest + "\n"
            + String(repeating: " ", count: before.reduce(0) { $0 + $1.columns }) + "^"
            + String(repeating: "~", count: width - 1)
    }

    /// The message with the marked line below it.
    public func report(on rule: String, language: KeyPath<BilingualText, String> = \.en) -> String {
        let place = BilingualText(
            zh: "第 \(start.line) 行第 \(start.column) 列：",
            en: "line \(start.line), column \(start.column): "
        )
        return place[keyPath: language] + message[keyPath: language] + "\n" + marked(in: rule)
    }
}
