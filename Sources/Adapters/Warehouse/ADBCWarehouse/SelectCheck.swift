// Whether a query's syntax tree has nothing but what own queries are offered.
// SPDX-License-Identifier: Apache-2.0

internal import Ports

/// Walks the syntax tree of one query; what it does not know, it refuses.
struct SelectCheck {
    /// A refusal, with the bytes concerned.
    struct Refusal: Error {
        var problem: OwnQueryError.Problem
        var range: Range<Int>?
    }

    /// Relations that one query may read when all its CTEs are written out, each as often as there are `*`.
    ///
    /// It bounds what the engine plans, which no time limit interrupts.
    static let mostRelations = 200
    /// Characters and `%` of one text: patterns with many take time that no limit interrupts.
    static let longestText = 500
    static let mostWildcards = 4

    private let readable: [String]
    private var tables: Set<String> = []

    /// Lets a query read some relations.
    init(readable: [String]) { self.readable = readable }

    /// Checks a statement as the parser gives it.
    mutating func check(_ statement: SyntaxTree) throws(Refusal) {
        tables = Self.tables(in: statement)
        var scope: [String: Int] = [:]
        for name in readable { scope[Self.lower(name)] = 1 }
        _ = try query(statement["node"], scope)
    }

    // MARK: Queries and tables; each gives how many relations it reads

    private func query(_ node: SyntaxTree, _ outer: [String: Int]) throws(Refusal) -> Int {
        let type = node["type"].text
        guard ["SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE"].contains(type), node["sample"] == .null else {
            throw refused(node["sample"] == .null ? type : "SAMPLE", node)
        }
        var (scope, count) = (outer, 0)
        for entry in node["cte_map"]["map"].parts {
            let (name, cte) = (Self.lower(entry["key"].text), entry["value"]["query_node"])
            // Only the second half of a recursive CTE sees the CTE itself.
            scope[name] = try query(cte, scope)
        }
        guard case .object(let parts) = node else { throw refused(type, node) }
        if type == "RECURSIVE_CTE_NODE" {
            var inner = scope
            inner[Self.lower(node["cte_name"].text)] = 1
            count += try query(node["left"], scope) + query(node["right"], inner)
        }
        for key in parts.keys.sorted() where !["cte_map", "sample", "type", "left", "right"].contains(key) {
            let part = node[key]
            if key == "from_table" { count += try table(part, scope) } else { count += try walk(part, scope) }
        }
        if type == "SET_OPERATION_NODE" {
            guard node["left"] == .null, node["right"] == .null else { throw refused(type, node) }
        }
        let stars = node["select_list"].parts.filter { $0["class"].text == "STAR" }.count
        count = max(1, count) * max(1, stars)
        guard count <= Self.mostRelations else { throw Refusal(problem: .tooComplex, range: nil) }
        return count
    }

    private func table(_ table: SyntaxTree, _ scope: [String: Int]) throws(Refusal) -> Int {
        if table == .null { return 0 }
        guard table["sample"] == .null else { throw refused("TABLESAMPLE", table) }
        switch table["type"].text {
        case "EMPTY": return 0
        case "BASE_TABLE":
            guard table["at_clause"] == .null else { throw refused("AT", table) }
            let path = table["qualified_name"]["path"].parts.map(\.text)
            guard path.count == 1, path == [table["table_name"].text], let count = scope[Self.lower(path[0])] else {
                let name = path.joined(separator: ".")
                throw Refusal(problem: .unknownTable(String(name.prefix(80)), readable: readable), range: table.range)
            }
            return count
        case "SUBQUERY": return try query(table["subquery"]["node"], scope)
        case "JOIN":
            return try self.table(table["left"], scope) + self.table(table["right"], scope)
                + walk(table["condition"], scope) + walk(table["ranking_expression"], scope)
        case "EXPRESSION_LIST": return try walk(table["values"], scope)
        case "TABLE_FUNCTION":
            let function = table["function"]
            guard OwnFunctions.tables.contains(Self.lower(try name(of: function))) else {
                throw Refusal(problem: .function(String(function["function_name"].text.prefix(80))), range: table.range)
            }
            return try 1 + walk(function["arguments"], scope)
        default: throw refused(table["type"].text, table)
        }
    }

    // MARK: Expressions

    /// Checks an expression, or a part of a query that holds expressions.
    private func walk(_ tree: SyntaxTree, _ scope: [String: Int]) throws(Refusal) -> Int {
        if case .object = tree {
            if tree["node"] != .null { return try query(tree["node"], scope) }
            if tree["class"] == .null, tree["type"].text.hasSuffix("_NODE") { return try query(tree, scope) }
            if tree["class"] != .null {
                if try expression(tree) { return 0 }
            } else if tree["type"] != .null, !Self.modifiers.contains(tree["type"].text) {
                throw refused(tree["type"].text, tree)
            }
        }
        var count = 0
        for part in tree.parts { count += try walk(part, scope) }
        return count
    }

    /// Checks an expression but for its parts.
    ///
    /// - Returns: Whether it has no parts.
    private func expression(_ tree: SyntaxTree) throws(Refusal) -> Bool {
        let kind = tree["class"].text
        switch kind {
        case "CONSTANT":
            let text = tree["literal"]["text"].text
            guard text.utf8.count <= Self.longestText,
                text.utf8.count(where: { $0 == UInt8(ascii: "%") }) <= Self.mostWildcards
            else { throw Refusal(problem: .tooComplex, range: tree.range) }
            return true
        case "COLUMN_REF":
            let path = tree["column_names"].parts.map { Self.lower($0.text) }
            guard path.count == 1 else { return true }
            if OwnFunctions.words.contains(path[0]) { throw Refusal(problem: .function(path[0]), range: tree.range) }
            if tables.contains(path[0]) { throw Refusal(problem: .wholeRow(path[0]), range: tree.range) }
            return true
        case "POSITIONAL_REFERENCE": return true
        case "FUNCTION", "WINDOW":
            let name = Self.lower(try name(of: tree))
            let isOffered =
                OwnFunctions.scalars.contains(name) || OwnFunctions.aggregates.contains(name)
                || (kind == "WINDOW" && OwnFunctions.windows.contains(name))
            guard isOffered, !tree["export_state"].isTrue else {
                throw Refusal(problem: .function(String(name.prefix(80))), range: tree.range)
            }
        case "OPERATOR":
            guard OwnFunctions.operators.contains(tree["type"].text) else { throw refused(tree["type"].text, tree) }
        case "TYPE":
            guard OwnFunctions.types.contains(tree["type_name"].text.uppercased()),
                tree["qualified_name"]["path"].parts.count == 1
            else { throw refused("CAST AS " + tree["type_name"].text, tree) }
        case "BETWEEN", "CASE", "CAST", "COMPARISON", "CONJUNCTION", "STAR", "SUBQUERY": break
        default: throw refused(kind, tree)
        }
        return false
    }

    /// The name of a function, which has no schema.
    private func name(of function: SyntaxTree) throws(Refusal) -> String {
        let path = function["qualified_name"]["path"].parts.map(\.text)
        guard path.count == 1, path == [function["function_name"].text] else {
            let name = path.joined(separator: ".")
            throw Refusal(problem: .function(String(name.prefix(80))), range: function.range)
        }
        return path[0]
    }

    private func refused(_ what: String, _ tree: SyntaxTree) -> Refusal {
        let name = ["SHOW_REF": "DESCRIBE, SHOW", "VALUE_PARAMETER": "?", "PARAMETER": "?"][what] ?? what
        return Refusal(problem: .notOffered(String(name.prefix(80))), range: tree.range)
    }

    // MARK: Names

    private static let modifiers: Set<String> = [
        "ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER", "ORDER_DEFAULT",
        "ASCENDING", "DESCENDING",
    ]

    /// Names of all tables in a tree: what would be a whole row, used as a value.
    ///
    /// Rows made of rows double with each step, without end.
    private static func tables(in tree: SyntaxTree) -> Set<String> {
        var found: Set<String> = []
        if ["BASE_TABLE", "SUBQUERY", "TABLE_FUNCTION", "EXPRESSION_LIST", "JOIN"].contains(tree["type"].text),
            tree["class"] == .null
        {
            found.formUnion([tree["alias"].text, tree["table_name"].text].filter { !$0.isEmpty }.map(lower))
        }
        for part in tree.parts { found.formUnion(tables(in: part)) }
        return found
    }

    /// Names as the engine compares them: only A to Z have small letters.
    private static func lower(_ name: String) -> String {
        String(decoding: name.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }
}
