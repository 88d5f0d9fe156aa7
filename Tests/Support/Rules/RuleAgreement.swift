// One run of the comparison: random tables and rules, every evaluator asked, every difference kept.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
import Model
public import Profiles
public import Rules

/// A rule on which two evaluators differ.
public struct RuleDifference: CustomStringConvertible, Sendable {
    /// The rule, and the seed that brings it back.
    public var rule: String
    /// Who differs from the row interpreter.
    public var evaluator: String
    /// The first row that is a member for only one of them, with its values.
    public var row: String
    /// The SQL of the rule.
    public var sql: String

    public var description: String { "\(evaluator) differs on: \(rule)\n  row: \(row)\n  SQL: \(sql)" }
}

/// Draws cases and compares evaluators on them.
public struct RuleAgreement {
    /// Answers for all rules of a table: the row numbers that each selects.
    public typealias Evaluator = @Sendable (RuleTable, [CheckedRule]) async throws -> [[Int]]

    /// Rows of a table: two words and a rest.
    public static let rows = 130
    /// Cases compared.
    public private(set) var cases = 0
    /// Cases that select between 1 and 99 % of the rows.
    public private(set) var telling = 0
    /// In how many cases an operator met a type and NULLs.
    public private(set) var coverage: [String: Int] = [:]
    /// What was found; at most one per case.
    public private(set) var differences: [RuleDifference] = []

    private var random: SeededRandom
    private let asksBehaviour: Bool
    private var featureNumber = 0

    /// Starts the run that belongs to a seed, of rules about attributes or about behaviour too.
    public init(seed: UInt64, behaviour: Bool = false) {
        random = SeededRandom(seed: seed)
        asksBehaviour = behaviour
    }

    /// Draws a table and rules for it, each with its interpretation.
    ///
    /// - Throws: ``RuleError`` when a generated rule is refused for anything but its width.
    private mutating func draw(_ count: Int) throws -> (RuleTable, [CheckedRule]) {
        var table = RuleTable(rows: Self.rows, random: &random)
        if asksBehaviour { table.drawEvents(&random) }
        let features = asksBehaviour ? RuleFeature.behaviour : RuleFeature.all
        var generator = RuleGenerator(table, random: SeededRandom(seed: random.next()))
        var rules: [CheckedRule] = []
        while rules.count < count {
            let feature = features[featureNumber % features.count]
            do {
                rules.append(try RuleWorld.scope.check(RuleSyntax(root: generator.rule(featuring: feature))))
                featureNumber += 1
            } catch {
                switch error.problem {
                case .overflow, .tooManyDigits: continue
                default: throw error
                }
            }
        }
        return (table, rules)
    }

    /// Compares evaluators with the row interpreter on one more table.
    public mutating func run(
        rules count: Int,
        fault: PlantedFault? = nil,
        evaluators: [(name: String, members: Evaluator)]
    ) async throws {
        let (table, rules) = try draw(count)
        var interpreter = RowInterpreter(table, fault: fault)
        var expected: [[Int]] = []
        for rule in rules {
            interpreter.reset()
            let members = interpreter.members(rule.syntax.root)
            for key in interpreter.seen { coverage[key, default: 0] += 1 }
            if members.count * 100 >= Self.rows, members.count * 100 <= 99 * Self.rows { telling += 1 }
            expected.append(members)
        }
        cases += rules.count
        for (name, members) in evaluators {
            let found = try await members(table, rules)
            for (number, rule) in rules.enumerated() where found[number] != expected[number] {
                differences.append(Self.difference(name, table, rule, found[number], expected[number]))
            }
        }
    }

    private static func difference(
        _ name: String,
        _ table: RuleTable,
        _ rule: CheckedRule,
        _ found: [Int],
        _ expected: [Int]
    ) -> RuleDifference {
        let row = Set(found).symmetricDifference(expected).min() ?? 0
        let events = rule.uses.sources.flatMap { table.events[$0.name] ?? [] }.filter { $0.row == row }
        let values = rule.uses.attributes.map { "\($0.code) = \(table.value($0.code, row))" } + events.map { "\($0)" }
        return RuleDifference(
            rule: rule.syntax.canonicalText,
            evaluator: name,
            row: "\(row) (\(found.contains(row) ? "member" : "no member")): " + values.joined(separator: ", "),
            sql: rule.sql(.duckdb, today: table.today).text
        )
    }

    /// The hot columns as an evaluator.
    public static let columns: Evaluator = { table, rules in
        let profile = try table.profile()
        return try rules.map { rule in
            let predicate = try profile.compile(rule, today: table.today) { table.bitset($0) }
            var rows: [Int] = []
            predicate.evaluate().forEach { rows.append(Int($0)) }
            return rows
        }
    }

    /// A random table and random scores over it.
    public static func scores(_ count: Int, random: inout SeededRandom) throws -> (RuleTable, [CheckedScore]) {
        let table = RuleTable(rows: rows, random: &random)
        var generator = RuleGenerator(table, random: SeededRandom(seed: random.next()))
        var scores: [CheckedScore] = []
        while scores.count < count {
            do {
                scores.append(try RuleWorld.scope.checkScore(RuleSyntax(root: generator.score())))
            } catch {
                switch error.problem {
                case .overflow, .tooManyDigits, .scoreTooWide: continue
                default: throw error
                }
            }
        }
        return (table, scores)
    }

    /// The scores of the first block's rows; nil = none.
    public static func filled(_ score: ColumnScore) -> [Int64?] {
        let all = [UInt64](repeating: .max, count: Block.words)
        var scores = [Int32](repeating: 0, count: Block.size)
        scores.withUnsafeMutableBufferPointer { scores in
            all.withUnsafeBufferPointer { score.fill(block: 0, selected: $0, into: scores) }
        }
        return scores.prefix(score.universe).map { $0 == ColumnScore.missing ? nil : Int64($0) }
    }

    /// Operators, types and NULLs with the number of cases that met them, as a table to print.
    public var coverageTable: String {
        let lines = coverage.sorted { $0.key < $1.key }.map { key, count in
            let parts = key.split(separator: "|").map(String.init)
            return parts[0].padded(14) + parts[1].padded(14) + parts[2].padded(24) + String(count)
        }
        return (["operator      type          NULLs                   cases"] + lines).joined(separator: "\n")
    }

    /// Combinations that fewer than 20 cases met so far.
    public var rare: [String] {
        (asksBehaviour ? Self.requiredOfBehaviour : Self.requiredCoverage).filter { coverage[$0, default: 0] < 20 }
    }

    /// Combinations that must occur, whether they did or not.
    private static let requiredCoverage: [String] = {
        let both = ["value,value", "value,NULL", "NULL,value", "NULL,NULL"]
        let one = ["value", "NULL"]
        let truths = ["true", "false", "unknown"]
        var keys: [String] = []
        func add(_ operators: [String], _ types: [String], _ nulls: [String]) {
            for name in operators { for type in types { for null in nulls { keys.append("\(name)|\(type)|\(null)") } } }
        }
        let all = ["flag", "integer", "decimal", "day", "enum", "ordered enum", "text"]
        let ordered = ["integer", "decimal", "day", "ordered enum"]
        add(["=", "<>"], all, both)
        add(["<", "<=", ">", ">="], ordered, both)
        add(["IN", "NOT IN"], all.filter { $0 != "flag" }, one)
        add(["BETWEEN", "NOT BETWEEN"], ordered, both.flatMap { ["value," + $0, "NULL," + $0] })
        add(["LIKE", "NOT LIKE"], ["enum", "ordered enum", "text"], one)
        add(["IS NULL", "IS NOT NULL"], all, one)
        add(["+", "-", "*"], ["integer", "decimal"], both)
        add(["/"], ["integer", "decimal"], both + ["value,zero"])
        add(["-"], ["of integer", "of decimal"], one)
        add(["+ INTERVAL", "- INTERVAL"], ["day", "month"], one)
        add(["days_between"], ["day"], both)
        add(["alone"], ["flag"], one)
        add(["NOT"], ["condition"], truths)
        add(["AND", "OR"], ["condition"], truths.flatMap { a in truths.map { "\(a),\($0)" } })
        for kind in MembershipKind.allCases { add([kind.function], [kind.rawValue], ["member", "no member"]) }
        return keys
    }()

    private static let requiredOfBehaviour: [String] = {
        var keys: [String] = []
        func add(_ operators: [String], _ types: [String], _ states: [String]) {
            for name in operators {
                for type in types { for state in states { keys.append("\(name)|\(type)|\(state)") } }
            }
        }
        add(["did"], ["rows"], ["row", "no row"])
        add(["count"], ["rows"], ["value", "no row"])
        add(["sum"], ["integer", "decimal"], ["value", "NULL", "no row"])
        add(["last"], ["integer", "decimal", "day", "flag", "text"], ["value", "no row"])
        add(["last"], ["integer", "decimal", "flag", "text"], ["NULL"])
        add(["row"], ["condition"], ["true", "false", "unknown"])
        add(["within"], ["day", "month"], ["in", "out", "no day"])
        add(["between"], ["window"], ["in", "out", "no day"])
        return keys
    }()
}

extension String {
    fileprivate func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(1, width - count))
    }
}
