// The functions, operators and types that own queries are offered (docs/segments.md lists them).
// SPDX-License-Identifier: Apache-2.0

/// What may be called by name.
///
/// None of them reaches outside, tells the time or draws by lot, so that a query over the same load gives the same
/// members. None makes texts or lists that are longer than what it is given: their memory is outside the engine's limit.
enum OwnFunctions {
    static let tables: Set<String> = ["range", "generate_series"]

    static let scalars: Set<String> = [
        // Operators are functions to the parser.
        "+", "-", "*", "/", "//", "%", "~~", "!~~", "~~*", "!~~*", "like_escape", "not_like_escape",
        // Numbers
        "abs", "ceil", "ceiling", "floor", "round", "sign", "trunc", "mod", "divide", "greatest", "least", "sqrt", "ln",
        "log10",
        "power", "pow", "exp",
        // Texts
        "lower", "upper", "length", "strlen", "trim", "ltrim", "rtrim", "substr", "substring", "left", "right",
        "contains", "starts_with", "ends_with", "prefix", "suffix", "instr", "strpos", "position", "split_part",
        "regexp_matches", "regexp_full_match", "regexp_extract", "md5",
        // Days
        "date_part", "datepart", "date_diff", "datediff", "date_trunc", "datetrunc", "date_add", "date_sub", "datesub",
        "year", "quarter", "month", "week", "day", "dayofmonth", "dayofweek", "isodow", "dayofyear", "hour", "minute",
        "second",
        "last_day", "make_date", "to_years", "to_months", "to_weeks", "to_days", "to_hours", "to_minutes", "to_seconds",
        // NULL
        "coalesce", "ifnull", "nullif", "if",
    ]

    static let aggregates: Set<String> = [
        "count", "count_star", "count_if", "countif", "sum", "avg", "mean", "min", "max", "median", "mode", "stddev",
        "stddev_pop", "stddev_samp", "variance", "var_pop", "var_samp", "quantile_cont", "quantile_disc", "bool_and",
        "bool_or", "any_value", "first", "last", "arg_min", "arg_max", "min_by", "max_by",
    ]

    static let windows: Set<String> = [
        "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead", "first_value",
        "last_value", "nth_value",
    ]

    static let operators: Set<String> = [
        "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT", "OPERATOR_COALESCE", "OPERATOR_NULLIF",
        "COMPARE_IN",
        "COMPARE_NOT_IN", "GROUPING_FUNCTION",
    ]

    static let types: Set<String> = [
        "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL", "FLOAT", "DOUBLE", "VARCHAR",
        "DATE", "TIME", "TIMESTAMP", "INTERVAL",
    ]

    /// Functions that are called without brackets.
    static let words: Set<String> = [
        "current_catalog", "current_connection_id", "current_database", "current_date", "current_localtime",
        "current_localtimestamp", "current_query", "current_query_id", "current_role", "current_schema",
        "current_setting", "current_time", "current_timestamp", "current_transaction_id", "current_user", "localtime",
        "localtimestamp", "session_user", "user",
    ]
}
