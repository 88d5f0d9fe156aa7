// What is wrong with a query that somebody wrote, where, and what to do next.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// An own query that is refused or was stopped.
public struct OwnQueryError: CodedError, Equatable {
    /// What is wrong.
    public enum Problem: Hashable, Sendable {
        /// It is longer than ``OwnQueryLimits/characters``, or has characters that nobody can see.
        case unreadable
        /// The words of the parser.
        case syntax(String)
        /// It is not one SELECT.
        case notOneSelect
        /// It reads something else than what may be read.
        case unknownTable(String, readable: [String])
        /// A function that is not offered.
        case function(String)
        /// Another thing that is not offered, as SQL names it.
        case notOffered(String)
        /// A table is used where a value belongs.
        case wholeRow(String)
        /// It is nested too deep, or its parts multiply.
        case tooComplex
        /// Its first column is no number named `idx` or `line_id`.
        case firstColumn(name: String, type: String)
        /// It does not fit its tables: the words of the engine.
        case wrong(String)
        /// It failed on a value: the words of the engine.
        case value(String)
        /// It names a subscriber that there is not.
        case nobody(Int64)
        case time(seconds: Int)
        case memory
        case rows(limit: Int)
    }

    /// What is wrong.
    public var problem: Problem
    /// UTF-16 code units of the query concerned; nil where no place is known.
    public var range: Range<Int>?

    /// Joins both.
    public init(_ problem: Problem, at range: Range<Int>? = nil) {
        self.problem = problem
        self.range = range
    }

    public var code: String {
        switch problem {
        case .unreadable: "sql.unreadable"
        case .syntax: "sql.syntax"
        case .notOneSelect: "sql.not_one_select"
        case .unknownTable: "sql.unknown_table"
        case .function: "sql.function"
        case .notOffered: "sql.not_offered"
        case .wholeRow: "sql.whole_row"
        case .tooComplex: "sql.too_complex"
        case .firstColumn: "sql.first_column"
        case .wrong: "sql.wrong"
        case .value: "sql.value"
        case .nobody: "sql.nobody"
        case .time: "sql.time_limit"
        case .memory: "sql.memory_limit"
        case .rows: "sql.row_limit"
        }
    }

    public var description: String { message.en }

    /// What is wrong and what to do, in both languages.
    public var message: BilingualText {
        switch problem {
        case .unreadable:
            text(
                "SQL 最长 \(OwnQueryLimits.characters) 个字符，且不能含不可见的控制字符，请缩短或重新输入",
                "SQL has at most \(OwnQueryLimits.characters) characters and no control characters; shorten or retype it"
            )
        case .syntax(let words): text("SQL 语法有误：\(words)", "the SQL cannot be read: \(words)")
        case .notOneSelect:
            text("只能写一条 SELECT 查询，末尾不加分号", "write exactly one SELECT, without a semicolon at its end")
        case .unknownTable(let name, let readable):
            text(
                "不能读取表“\(name)”，可读取的表：\(readable.joined(separator: "、"))",
                "\(name) cannot be read; there are \(readable.joined(separator: ", "))"
            )
        case .function(let name):
            text("不提供函数 \(name)，可用函数见文档", "the function \(name) is not offered; the documentation lists those that are")
        case .notOffered(let what):
            text("自定义 SQL 不支持 \(what)，请去掉", "own SQL does not offer \(what); leave it out")
        case .wholeRow(let name):
            text("“\(name)”是表名，不是字段，请写明字段", "\(name) is a table, not a value; name one of its columns")
        case .tooComplex:
            text(
                "SQL 过于复杂（嵌套过深或引用的表过多），请拆成几个客户群再组合",
                "the SQL is nested too deep or reads too many tables; make several segments and combine them"
            )
        case .firstColumn(let name, let type):
            text(
                "第一列必须是 idx 或 line_id（整数），现在是 \(name)（\(type)）",
                "the first column must be idx or line_id, a whole number; it is \(name), \(type)"
            )
        case .wrong(let words): text("SQL 与数据表不符：\(words)", "the SQL does not fit its tables: \(words)")
        case .value(let words): text("SQL 执行时遇到无法处理的值：\(words)", "the SQL failed on a value: \(words)")
        case .nobody(let index): text("结果中的 idx \(index) 不是用户", "the result has idx \(index), which is no subscriber")
        case .time(let seconds):
            text(
                "SQL 超过 \(seconds) 秒仍未完成，已停止；请缩小范围或先用规则缩小客户群",
                "the SQL was stopped after \(seconds) seconds; narrow it down"
            )
        case .memory:
            text(
                "SQL 所需内存超过限制，已停止；请减少排序、连接或去重的数据量",
                "the SQL needs more memory than it may have; sort, join or group fewer rows"
            )
        case .rows(let limit):
            text("SQL 返回超过 \(limit) 行，已停止；请加上条件", "the SQL gives more than \(limit) rows; add conditions")
        }
    }

    private func text(_ zh: String, _ en: String) -> BilingualText { BilingualText(zh: zh, en: en) }
}
