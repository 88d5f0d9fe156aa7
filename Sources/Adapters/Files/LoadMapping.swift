// How a file becomes rows of a warehouse table: the checked content of a mapping file.
// SPDX-License-Identifier: Apache-2.0

public import Model
public import Ports

/// A warehouse table that files can be loaded into (DESIGN section 6).
public enum LoadTable: String, Sendable, CaseIterable {
    case subscriber
    case subscriberMonth = "subscriber_month"
    case contact
    case complaint
    case subscription
    case visit
    case externalBehaviour = "external_behaviour"
}

/// How the values of a column are read and checked.
public enum ValueKind: Hashable, Sendable {
    /// The line's permanent id: a positive number of at most 18 digits, or one derived from a text.
    case lineID(fromText: Bool)
    /// A customer's or an account's id, of the same shape.
    case id(fromText: Bool)
    /// A telephone number.
    case msisdn
    /// An IMSI: 14 or 15 digits (ITU-T E.212).
    case imsi
    /// A value of an attribute's type, inside its domain and range.
    case attribute(Attribute)
    /// A month, stored as its first day.
    case month
    /// A moment, stored in UTC.
    case time

    /// The type of the warehouse column.
    public var warehouseType: WarehouseType {
        switch self {
        case .lineID, .id, .msisdn, .imsi: .integer
        case .attribute(let attribute): attribute.type.warehouseType
        case .month: .day
        case .time: .timestamp
        }
    }
}

/// One column of the table and where its values come from.
public struct ColumnMapping: Hashable, Sendable {
    /// Where values come from.
    public enum Source: Hashable, Sendable {
        /// A column of the file.
        case column(String)
        /// The same text for every row.
        case constant(String)
        /// No value in any row.
        case absent
        /// The value of another column of the table, which stands before this one.
        case copy(of: String)
        /// The operator's local day of a time column, which stands before this one.
        case localDay(of: String)
    }

    /// The table's column.
    public var name: String
    /// How its values are read.
    public var kind: ValueKind
    /// Where they come from.
    public var source: Source
    /// Whether a missing value loads as NULL; else it rejects the row.
    public var blankIsNull: Bool
    /// Texts of the file and what they stand for; nil = no value.
    public var translations: [String: String?] = [:]
    /// Pattern of days, months and times.
    public var pattern: DatePattern
    /// Decimal point and digit grouping of numbers.
    public var point: UInt8 = UInt8(ascii: ".")
    /// Digit grouping of numbers, taken out before they are read; nil = none.
    public var group: UInt8?
    /// Whether digits beyond the scale are rounded half away from zero; else they reject the row.
    public var rounds = false

    /// The table's column as the warehouse has it.
    public var field: WarehouseField { WarehouseField(name, kind.warehouseType) }
}

/// The checked content of a mapping file.
public struct LoadMapping: Hashable, Sendable {
    /// How the file is written.
    public enum Format: Hashable, Sendable {
        /// Text in rows and columns.
        case csv(CSVFormat)
        /// Apache Parquet.
        case parquet
    }

    /// The table that is loaded.
    public var table: LoadTable
    /// How the file is written.
    public var format: Format
    /// Texts that mean "no value".
    public var nulls: [String]
    /// Offset of times that carry none, in seconds east of UTC.
    public var utcOffsetSeconds: Int32
    /// The largest share of rejected rows a load may have, in hundredths of a percent (500 = 5 %).
    public var maximumRejects: Int
    /// The columns of the table in their order.
    public var columns: [ColumnMapping]

    /// The columns as the warehouse has them.
    public var fields: [WarehouseField] { columns.map(\.field) }

    /// The columns of the file that the mapping reads, each once.
    public var fileColumns: [String] {
        var seen: Set<String> = []
        return columns.compactMap {
            if case .column(let name) = $0.source, seen.insert(name).inserted { name } else { nil }
        }
    }
}

/// How a CSV file is written.
public struct CSVFormat: Hashable, Sendable {
    /// Encodings of CSV files.
    public enum Encoding: String, Sendable, CaseIterable {
        case utf8 = "utf-8"
        /// GBK, read as GB 18030, which contains it.
        case gbk
    }

    /// Between two fields: one ASCII character.
    public var delimiter = UInt8(ascii: ",")
    /// The encoding.
    public var encoding = Encoding.utf8
    /// Names of the columns of a file without a header line; nil = the first line names them.
    public var header: [String]?

    /// A comma-separated UTF-8 file with a header line.
    public init() {}
}
