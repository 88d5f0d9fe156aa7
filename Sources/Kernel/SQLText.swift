// SQL as a value: text, its bound parameters and the dialect it is written in.
// SPDX-License-Identifier: Apache-2.0

/// The SQL a warehouse engine understands; adapters state theirs, engines print for it.
public enum SQLDialect: String, Sendable, CaseIterable {
    case duckdb
    case spark
}

/// A value bound to a `?` in SQL.
public enum SQLValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
}

/// One SQL statement with positional `?` parameters, in one dialect.
public struct SQLText: Hashable, Sendable {
    /// Exactly one statement, without a closing semicolon.
    public var text: String
    /// Values of the `?` in order.
    public var parameters: [SQLValue]
    /// The dialect the text is written in.
    public var dialect: SQLDialect

    /// Joins a statement, its parameters and its dialect.
    public init(_ text: String, parameters: [SQLValue] = [], dialect: SQLDialect = .duckdb) {
        self.text = text
        self.parameters = parameters
        self.dialect = dialect
    }
}

extension SQLDialect {
    /// An identifier quoted for this dialect; quotes inside are doubled.
    public func quoted(identifier: String) -> String {
        switch self {
        case .duckdb: "\"" + Self.escaped(identifier, ["\"": "\"\""]) + "\""
        case .spark: "`" + Self.escaped(identifier, ["`": "``"]) + "`"
        }
    }

    /// A string literal for this dialect; Spark also escapes backslashes, which it would otherwise interpret.
    public func quoted(literal: String) -> String {
        switch self {
        case .duckdb:
            // Its parser ends a statement at a NUL.
            literal.utf8.contains(0)
                ? "('" + Self.escaped(literal, ["'": "''", "\0": "' || chr(0) || '"]) + "')"
                : "'" + Self.escaped(literal, ["'": "''"]) + "'"
        case .spark: "'" + Self.escaped(literal, ["'": "\\'", "\\": "\\\\", "\0": "\\0"]) + "'"
        }
    }

    /// Scalar by scalar: as a `Character`, a quote before a joiner or an accent is another sign than a quote.
    private static func escaped(_ text: String, _ signs: [Unicode.Scalar: String]) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if let sign = signs[scalar] { escaped += sign.unicodeScalars } else { escaped.append(scalar) }
        }
        return String(escaped)
    }
}
