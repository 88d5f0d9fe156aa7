// Every way in which a rule can be wrong, with its message in both languages.
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model

/// What kind of names a function takes.
public enum MembershipKind: String, Sendable, CaseIterable {
    /// Special lists, `on_list('black')`.
    case list
    /// Frozen audiences, `in_audience('summer')`.
    case audience
    /// Products that a subscriber may own, `owns('5g-128')`.
    case product

    /// The function that asks for it.
    public var function: String {
        switch self {
        case .list: "on_list"
        case .audience: "in_audience"
        case .product: "owns"
        }
    }
}

/// What the parser expected.
public enum RuleExpectation: Sendable, CaseIterable {
    case value
    case operand
    case closingParenthesis
    case openingParenthesis
    case commaOrClosingParenthesis
    case and
    case nullAfterIs
    case predicateAfterNot
    case intervalCount
    case intervalUnit
    case source
    case column
    case window
    case end
}

/// What is wrong with a rule.
public enum RuleProblem: Hashable, Sendable {
    // Reading.
    case tooLong
    case tooDeep
    case empty
    case unexpectedCharacter(String)
    case unterminatedText
    case unterminatedName
    case emptyName
    case malformedNumber(String)
    case malformedDay(String)
    case expected(RuleExpectation, found: String)
    case chainedComparison
    case intervalTooLong
    case malformedTree(String)
    // Names.
    case unknownAttribute(String)
    case unknownFunction(String)
    case unknownValue(String, attribute: String)
    case unknownMember(MembershipKind, String)
    case unknownSource(String)
    case unknownColumn(String, source: String)
    // Types.
    case expectedCondition(found: BilingualText)
    case expectedValue
    case wrongOperands(operator: String, left: BilingualText, right: BilingualText)
    case notOrdered(attribute: String)
    case notText(found: BilingualText)
    case textNeeded(function: String)
    case argumentCount(function: String, expected: Int, found: Int)
    case compareWithNull
    case nullInList
    case nullHere
    case notConstant
    case malformedPattern
    case malformedEscape
    case misplacedInterval
    case dayArithmetic
    case dayDifference
    case behaviourNotHere
    case onlyColumns(source: String, columns: [String])
    case sumNotNumber(found: BilingualText)
    case windowNotDay
    // Derived attributes.
    case derivedFails(attribute: String, why: BilingualText)
    case derivedCircle([String])
    case derivedTooLarge(attribute: String)
    case derivedType(found: BilingualText)
    case derivedDigits(Int)
    case derivedMembership
    case conditionAsValue(attribute: String)
    // Widths.
    case tooManyDigits
    case overflow(attributes: [String])
    case scoreNotNumber(found: BilingualText)
    case scoreTooWide(low: Scaled, high: Scaled)
}

extension RuleProblem {
    /// Stable name; part of ``RuleError/code``.
    public var name: String {
        switch self {
        case .tooLong: "too_long"
        case .tooDeep: "too_deep"
        case .empty: "empty"
        case .unexpectedCharacter: "unexpected_character"
        case .unterminatedText: "unterminated_text"
        case .unterminatedName: "unterminated_name"
        case .emptyName: "empty_name"
        case .malformedNumber: "malformed_number"
        case .malformedDay: "malformed_day"
        case .expected: "expected"
        case .chainedComparison: "chained_comparison"
        case .intervalTooLong: "interval_too_long"
        case .malformedTree: "malformed_tree"
        case .unknownAttribute: "unknown_attribute"
        case .unknownFunction: "unknown_function"
        case .unknownValue: "unknown_value"
        case .unknownMember: "unknown_member"
        case .unknownSource: "unknown_source"
        case .unknownColumn: "unknown_column"
        case .expectedCondition: "expected_condition"
        case .expectedValue: "expected_value"
        case .wrongOperands: "wrong_operands"
        case .notOrdered: "not_ordered"
        case .notText: "not_text"
        case .textNeeded: "text_needed"
        case .argumentCount: "argument_count"
        case .compareWithNull: "compare_with_null"
        case .nullInList: "null_in_list"
        case .nullHere: "null_here"
        case .notConstant: "not_constant"
        case .malformedPattern: "malformed_pattern"
        case .malformedEscape: "malformed_escape"
        case .misplacedInterval: "misplaced_interval"
        case .dayArithmetic: "day_arithmetic"
        case .dayDifference: "day_difference"
        case .behaviourNotHere: "behaviour_not_here"
        case .onlyColumns: "only_columns"
        case .sumNotNumber: "sum_not_number"
        case .windowNotDay: "window_not_day"
        case .derivedFails: "derived_fails"
        case .derivedCircle: "derived_circle"
        case .derivedTooLarge: "derived_too_large"
        case .derivedType: "derived_type"
        case .derivedDigits: "derived_digits"
        case .derivedMembership: "derived_membership"
        case .conditionAsValue: "condition_as_value"
        case .tooManyDigits: "too_many_digits"
        case .overflow: "overflow"
        case .scoreNotNumber: "score_not_number"
        case .scoreTooWide: "score_too_wide"
        }
    }

    /// What is wrong and what to do, without the suggested replacement.
    public var message: BilingualText {
        switch self {
        case .tooLong: text("规则超过 \(RuleLimits.length) 个字符", "the rule is longer than \(RuleLimits.length) characters")
        case .tooDeep:
            text(
                "规则嵌套超过 \(RuleLimits.depth) 层，请拆分",
                "the rule is nested deeper than \(RuleLimits.depth) levels; split it"
            )
        case .empty: text("规则为空", "the rule is empty")
        case .unexpectedCharacter(let character):
            text("规则中不能使用 \(character)", "\(character) has no place in a rule")
        case .unterminatedText: text("文本缺少结尾的 '", "the text that starts here has no closing '")
        case .unterminatedName: text("名称缺少结尾的 \"", "the name that starts here has no closing \"")
        case .emptyName: text("名称为空", "the name is empty")
        case .malformedNumber(let number):
            text(
                "\(number) 不是数字：写成 12 或 12.50，有效数字不超过 18 位",
                "\(number) is not a number; numbers look like 12 or 12.50 and have at most 18 digits"
            )
        case .malformedDay(let day):
            text("'\(day)' 不是日期：写成 DATE '2026-01-31'", "'\(day)' is not a day; days look like DATE '2026-01-31'")
        case .expected(let expectation, let found): expectation.message(found: found)
        case .chainedComparison:
            text("比较不能连写，请用 BETWEEN … AND … 或 AND", "comparisons cannot be chained; use BETWEEN … AND … or AND")
        case .intervalTooLong:
            text("间隔不能超过 \(RuleLimits.interval)", "an interval has at most \(RuleLimits.interval) days or months")
        case .malformedTree(let detail): text("规则树不正确：\(detail)", "the rule tree is malformed: \(detail)")
        case .unknownAttribute(let name): text("没有属性 \(name)", "there is no attribute \(name)")
        case .unknownFunction(let name):
            text(
                "没有函数 \(name)，可用：on_list、in_audience、owns、days_between、count、sum、last、did",
                "there is no function \(name); there are on_list, in_audience, owns, days_between, count, sum, last and did"
            )
        case .unknownValue(let value, let attribute):
            text("\(attribute) 没有取值 '\(value)'", "\(attribute) has no value '\(value)'")
        case .unknownMember(.list, let name): text("没有特殊名单 '\(name)'", "there is no special list '\(name)'")
        case .unknownMember(.audience, let name): text("没有客户群快照 '\(name)'", "there is no audience '\(name)'")
        case .unknownMember(.product, let name): text("没有产品 '\(name)'", "there is no product '\(name)'")
        case .unknownSource(let name): text("没有行为表 \(name)", "there is no table of behaviour \(name)")
        case .unknownColumn(let name, let source):
            text("行为表 \(source) 没有列 \(name)", "table \(source) has no column \(name)")
        case .expectedCondition(let found):
            text(
                "此处需要条件（如 arpu >= 80），不能是\(found.zh)",
                "a condition is needed here (such as arpu >= 80), not \(found.en)"
            )
        case .expectedValue: text("此处需要值，不能是条件", "a value is needed here, not a condition")
        case .wrongOperands(let sign, let left, let right):
            text(
                "\(sign) 不能用于\(left.zh)与\(right.zh)",
                "\(sign) does not go with \(left.en) and \(right.en)"
            )
        case .notOrdered(let attribute):
            text("\(attribute) 的取值没有大小顺序，请用 =、<> 或 IN", "the values of \(attribute) have no order; use =, <> or IN")
        case .notText(let found):
            text("LIKE 只能用于文本，不能是\(found.zh)", "LIKE goes with texts only, not with \(found.en)")
        case .textNeeded(let function):
            text("\(function) 需要带引号的名称，如 \(function)('…')", "\(function) takes a quoted name, as in \(function)('…')")
        case .argumentCount(let function, let expected, let found):
            text(
                "\(function) 需要 \(expected) 个参数，现有 \(found) 个",
                "\(function) takes \(expected) arguments, not \(found)"
            )
        case .compareWithNull:
            text("与 NULL 比较没有结果，请用 IS NULL 或 IS NOT NULL", "nothing compares with NULL; use IS NULL or IS NOT NULL")
        case .nullInList: text("IN 列表中不能有 NULL，请另加 OR … IS NULL", "NULL cannot stand in an IN list; add OR … IS NULL")
        case .nullHere: text("NULL 只能用于 IS NULL 和 IS NOT NULL", "NULL stands only in IS NULL and IS NOT NULL")
        case .notConstant:
            text(
                "IN 列表中只能是数字、文本、日期或 today 加减间隔",
                "an IN list holds only numbers, texts, days, or today plus or minus an interval"
            )
        case .malformedPattern:
            text(
                "LIKE 的转义字符之后只能是 %、_ 或转义字符本身",
                "in a LIKE pattern the escape character is followed by %, _ or itself"
            )
        case .malformedEscape: text("ESCAPE 需要一个字符", "ESCAPE takes exactly one character")
        case .misplacedInterval:
            text(
                "间隔只能加到日期上或从日期减去，如 today - INTERVAL 90 DAY",
                "an interval is only added to a day or subtracted from one, as in today - INTERVAL 90 DAY"
            )
        case .dayArithmetic:
            text(
                "日期只能加减间隔，如 today - INTERVAL 90 DAY",
                "to a day only an interval is added, as in today - INTERVAL 90 DAY"
            )
        case .dayDifference:
            text("两个日期相差的天数请用 days_between(起, 止)", "for the days between two days use days_between(from, to)")
        case .behaviourNotHere:
            text(
                "此处的规则只能读取内存中的属性，不能使用行为条件（count、sum、last、did），请把该条件放进客户群的规则",
                "rules here read attributes in memory and cannot ask for behaviour (count, sum, last, did); "
                    + "put the condition into the rule of a segment"
            )
        case .onlyColumns(let source, let columns):
            text(
                "此处只能使用行为表 \(source) 的列：\(columns.joined(separator: "、"))；其他条件请写在括号外，用 AND 连接",
                "only columns of \(source) can stand here: \(columns.joined(separator: ", ")); "
                    + "put other conditions beside it with AND"
            )
        case .sumNotNumber(let found): text("sum 只能用于数字列，不能是\(found.zh)", "sum adds up numbers, not \(found.en)")
        case .windowNotDay:
            text(
                "时间范围的起止只能是日期或 today 加减间隔，如 today - INTERVAL 3 MONTH",
                "a window goes from a day to a day: DATE '2026-01-31', or today plus or minus an interval"
            )
        case .derivedFails(let attribute, let why):
            text(
                "派生属性 \(attribute) 无法计算：\(why.zh)",
                "the derived attribute \(attribute) cannot be computed: \(why.en)"
            )
        case .derivedCircle(let codes):
            text(
                "派生属性循环引用：\(codes.joined(separator: " → "))",
                "derived attributes are made of each other: \(codes.joined(separator: " -> ")); take one out"
            )
        case .derivedTooLarge(let attribute):
            text(
                "展开派生属性 \(attribute) 后过大（最多 \(RuleLimits.derivations) 层引用、\(RuleLimits.derivedNodes) 个节点、"
                    + "嵌套 \(RuleLimits.depth) 层），请简化",
                "with the derived attribute \(attribute) written out this is too large (at most \(RuleLimits.derivations) "
                    + "attributes made of each other, \(RuleLimits.derivedNodes) nodes, \(RuleLimits.depth) levels); simplify it"
            )
        case .derivedType(let found):
            text(
                "派生属性的表达式必须得出数字或日期，或为条件，不能是\(found.zh)",
                "a derived attribute is a number, a day or a condition, not \(found.en)"
            )
        case .derivedMembership:
            text(
                "派生属性不能引用名单、客户群或产品，请直接写在规则中",
                "a derived attribute cannot ask for lists, audiences or products; write them in the rule"
            )
        case .conditionAsValue(let attribute):
            text(
                "\(attribute) 是条件：单独使用，或前加 NOT，或与 TRUE、FALSE 比较",
                "\(attribute) is a condition: let it stand alone, behind NOT, or beside = TRUE"
            )
        case .derivedDigits(let scale):
            text(
                "表达式有 \(scale) 位小数，请设定保留的小数位数（0 至 9）",
                "the expression has \(scale) digits after the point; say how many to keep, 0 to 9"
            )
        case .tooManyDigits:
            text("结果的小数位超过 18 位，请减少小数位", "the result has more than 18 digits after the point; use fewer")
        case .overflow(let attributes):
            if attributes.isEmpty {
                text("结果可能超过 18 位数字", "the result may exceed 18 digits")
            } else {
                text(
                    "结果可能超过 18 位数字：请在属性目录中为 \(attributes.joined(separator: "、")) 设置 range",
                    "the result may exceed 18 digits; give \(attributes.joined(separator: ", ")) a range in the catalogue"
                )
            }
        case .scoreNotNumber(let found):
            text("评分必须是数字，不能是\(found.zh)", "a score is a number, not \(found.en)")
        case .scoreTooWide(let low, let high):
            text(
                "评分取值 \(low) 至 \(high) 超出 -2147.483647 至 2147.483647，请除以合适的数",
                "the score ranges from \(low) to \(high), beyond -2147.483647 to 2147.483647; divide it"
            )
        }
    }

    private func text(_ zh: String, _ en: String) -> BilingualText {
        BilingualText(zh: zh, en: en)
    }

    /// How messages call a type.
    static func typeName(_ type: ValueType) -> BilingualText {
        switch type {
        case .number: BilingualText(zh: "数字", en: "a number")
        case .day: BilingualText(zh: "日期", en: "a day")
        case .flag: BilingualText(zh: "标志", en: "a flag")
        case .enumeration(let attribute): BilingualText(zh: "\(attribute) 的取值", en: "a value of \(attribute)")
        case .text: BilingualText(zh: "文本", en: "a text")
        }
    }
}

extension RuleExpectation {
    func message(found: String) -> BilingualText {
        let (zh, en) = words
        return BilingualText(
            zh: found.isEmpty ? "规则在此结束，缺少\(zh)" : "此处需要\(zh)，而不是 \(found)",
            en: found.isEmpty ? "the rule ends where \(en) is needed" : "\(en) is needed here, not \(found)"
        )
    }

    private var words: (zh: String, en: String) {
        switch self {
        case .value: ("属性、数字、'文本'、日期或括号", "an attribute, a number, a 'text', a day or a bracket")
        case .operand: ("值（条件要放在括号内）", "a value (a condition only in brackets)")
        case .closingParenthesis: (" )", ")")
        case .openingParenthesis: (" (", "(")
        case .commaOrClosingParenthesis: (" , 或 )", ", or )")
        case .and: (" AND", "AND")
        case .nullAfterIs: (" NULL 或 NOT NULL", "NULL or NOT NULL")
        case .predicateAfterNot: (" IN、BETWEEN 或 LIKE", "IN, BETWEEN or LIKE")
        case .intervalCount: ("天数或月数（整数）", "a whole number of days or months")
        case .intervalUnit: (" DAY 或 MONTH", "DAY or MONTH")
        case .source: ("行为表名，如 contact", "the name of a table of behaviour such as contact")
        case .column: ("该行为表的列名", "the name of a column of that table")
        case .window: ("时间范围，如 within 90 days", "a window such as within 90 days")
        case .end: ("规则结束，或 AND、OR", "the end of the rule, or AND or OR,")
        }
    }
}
