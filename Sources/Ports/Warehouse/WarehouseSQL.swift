// SQL that names tables, columns and files: built here only, always quoted.
// SPDX-License-Identifier: Apache-2.0

public import Kernel

extension SQLDialect {
    /// The type's name in a table definition.
    public func typeName(_ type: WarehouseType) -> String {
        switch (type, self) {
        case (.flag, _): "BOOLEAN"
        case (.integer, _): "BIGINT"
        case (.decimal(let scale), _): "DECIMAL(18,\(scale))"
        case (.day, _): "DATE"
        case (.timestamp, .duckdb): "TIMESTAMP"
        case (.timestamp, .spark): "TIMESTAMP_NTZ"
        case (.text, .duckdb): "VARCHAR"
        case (.text, .spark): "STRING"
        }
    }

    /// Makes an empty table; it fails when the table exists.
    public func createTable(_ name: String, _ fields: [WarehouseField]) -> SQLText {
        let columns = fields.map { "\(quoted(identifier: $0.name)) \(typeName($0.type))" }.joined(separator: ", ")
        return SQLText("CREATE TABLE \(quoted(identifier: name)) (\(columns))", dialect: self)
    }

    /// Removes a table; nothing happens when there is none.
    public func dropTable(_ name: String) -> SQLText {
        SQLText("DROP TABLE IF EXISTS \(quoted(identifier: name))", dialect: self)
    }

    /// Gives a table another name.
    public func renameTable(_ name: String, to other: String) -> SQLText {
        SQLText("ALTER TABLE \(quoted(identifier: name)) RENAME TO \(quoted(identifier: other))", dialect: self)
    }

    /// Columns as they stand in a SELECT list, comma-separated and quoted.
    public func columnList(_ names: some Sequence<String>) -> String {
        names.map { quoted(identifier: $0) }.joined(separator: ", ")
    }

    /// A Parquet file (or a `*` pattern of files) as a table expression for FROM.
    public func parquet(_ path: String) -> String {
        switch self {
        case .duckdb: "read_parquet(\(quoted(literal: path)))"
        case .spark: "parquet.\(quoted(identifier: path))"
        }
    }

    /// Every column of a Parquet file as text, for files whose columns are typed by a mapping file.
    public func parquetAsText(_ path: String, columns: [String]) -> SQLText {
        let list = columns.map {
            let name = quoted(identifier: $0)
            return "CAST(\(name) AS \(typeName(.text))) AS \(name)"
        }
        return SQLText("SELECT \(list.joined(separator: ", ")) FROM \(parquet(path))", dialect: self)
    }

    /// The names of a Parquet file's columns, in file order: a query of one text column.
    public func parquetColumns(_ path: String) -> SQLText {
        SQLText("SELECT column_name FROM (DESCRIBE SELECT * FROM \(parquet(path)))", dialect: self)
    }

    /// A UTF-8 CSV file with a header line that Gyre wrote itself, as a table expression for FROM.
    ///
    /// An empty field is NULL, a wrong one is an error. Operators' files go through a mapping file instead.
    public func csv(_ path: String, _ fields: [WarehouseField]) -> String {
        let columns = fields.map { "\(quoted(literal: $0.name)): \(quoted(literal: typeName($0.type)))" }
        return "read_csv(\(quoted(literal: path)), auto_detect = false, header = true, delim = ',', quote = '\"', "
            + "escape = '\"', nullstr = '', strict_mode = true, columns = {\(columns.joined(separator: ", "))})"
    }
}
