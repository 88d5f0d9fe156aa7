// Lists of subscribers as people bring them: telephone numbers, lines or customers, one a row (SEG-01, LST-18).
// SPDX-License-Identifier: Apache-2.0

/// What a list names subscribers by.
public enum IdentityKind: String, Sendable, Codable, CaseIterable {
    /// A telephone number (手机号), in any way people write it.
    case msisdn
    /// The operator's permanent id of a line (用户编号).
    case line
    /// A customer (客户编号), who stands for all his lines.
    case customer

    /// Names of columns that hold it, in lower case.
    public var columnNames: Set<String> {
        switch self {
        case .msisdn:
            [
                "msisdn", "mobile", "phone", "phone number", "phone_number", "number", "tel", "手机号", "手机号码", "号码", "电话",
                "电话号码", "用户号码", "服务号码",
            ]
        case .line: ["line", "line_id", "line id", "user_id", "subscriber_id", "用户编号", "用户标识", "用户id"]
        case .customer: ["customer", "customer_id", "customer id", "cust_id", "客户编号", "客户标识", "客户id"]
        }
    }
}

/// Which column of a list holds the numbers.
public enum IdentityColumn: Hashable, Sendable {
    /// Columns that can be chosen by place: as many as a sheet has.
    public static let most = 16_384

    /// The one whose heading says so, else the first.
    case found
    /// The one with this heading; when there is none and the text is letters as a sheet counts (`B`, `AA`), that one.
    case named(String)
    /// By its place, from 1.
    case number(Int)

    /// What somebody typed: nothing, a place, letters or a heading.
    public init(typed text: String) {
        let text = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        if text.isEmpty { self = .found } else { self = Int(text).map { .number($0) } ?? .named(text) }
    }

    /// The place, from 1, of the column that a sheet calls `A`, `B` … `XFD`; nil for anything else.
    public static func number(ofLetters text: String) -> Int? {
        guard (1...3).contains(text.utf8.count) else { return nil }
        var number = 0
        for byte in text.uppercased().utf8 {
            guard (0x41...0x5A).contains(byte) else { return nil }
            number = number * 26 + Int(byte - 0x40)
        }
        return number <= most ? number : nil
    }
}

/// Why a row of a list names nobody.
public enum IdentityRefusal: String, Sendable, Codable, CaseIterable {
    /// The row has no such column, or nothing in it.
    case blank
    /// It holds something that is no number.
    case notANumber = "not_a_number"
    /// A spreadsheet has shortened it, as in `1.3987E+10`: digits are lost.
    case shortened
    /// It is a number, but no telephone number.
    case notAPhoneNumber = "not_a_phone_number"
    /// The row is not a record of a CSV file.
    case malformed
}

/// Some rows of a list, in the order of the file.
public struct IdentityBatch: Hashable, Sendable {
    /// Line of the file where each row begins, from 1.
    public var lines: [Int32] = []
    /// The number of each row; 0 where it is refused.
    public var values: [Int64] = []
    /// Why rows are refused, and the beginning of what stands there, by position in this batch, ascending.
    public var refusals: [Refused] = []

    /// A row that names nobody.
    public struct Refused: Hashable, Sendable {
        /// Position in the batch.
        public var position: Int
        /// Why.
        public var why: IdentityRefusal
        /// What stands there, at most 40 characters.
        public var text: String

        /// Joins the three.
        public init(position: Int, why: IdentityRefusal, text: String) {
            self.position = position
            self.why = why
            self.text = text
        }
    }

    /// No rows.
    public init() {}
}

/// What the first rows of a list look like, so that somebody can tell the column of the numbers.
public struct ListPreview: Hashable, Sendable {
    /// A column of the list.
    public struct Column: Hashable, Sendable {
        /// What stands above it; nil when the list has no heading.
        public var heading: String?
        /// What its rows hold, numbers in full.
        public var cells: [String]
        /// How many of them can be read as a number of the kind asked for.
        public var numbers: Int

        /// Joins all.
        public init(heading: String?, cells: [String], numbers: Int) {
            (self.heading, self.cells, self.numbers) = (heading, cells, numbers)
        }
    }

    /// Columns that are shown at most.
    public static let mostColumns = 20

    /// The first columns.
    public var columns: [Column]
    /// The column that is read, from 1.
    public var chosen: Int
    /// Rows that are shown.
    public var rows: Int

    /// Joins all.
    public init(columns: [Column], chosen: Int, rows: Int) {
        (self.columns, self.chosen, self.rows) = (columns, chosen, rows)
    }
}
