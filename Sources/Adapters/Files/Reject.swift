// Rows that are not loaded: where, which value, and why, with a stable code and a sentence.
// SPDX-License-Identifier: Apache-2.0

/// Why a row is not loaded; the raw value is the stable name in reject files and summaries.
public enum RejectCode: String, Sendable, CaseIterable {
    case tooFewFields = "too_few_fields"
    case tooManyFields = "too_many_fields"
    case cutOff = "cut_off"
    case badQuote = "bad_quote"
    case fieldTooLong = "field_too_long"
    case badEncoding = "bad_encoding"
    case blank
    case notANumber = "not_a_number"
    case outOfRange = "out_of_range"
    case tooPrecise = "too_precise"
    case notAFlag = "not_a_flag"
    case notADay = "not_a_day"
    case notATime = "not_a_time"
    case notInDomain = "not_in_domain"
    case badLineID = "bad_line_id"
    case badID = "bad_id"
    case badMSISDN = "bad_msisdn"
    case badIMSI = "bad_imsi"
    case unknownLine = "unknown_line"
    case duplicateLine = "duplicate_line"
    case duplicateMSISDN = "duplicate_msisdn"
    case idCollision = "id_collision"
}

/// A row that is not loaded.
public struct Reject: Hashable, Sendable {
    /// Characters of a value that are kept.
    public static let valueLimit = 80

    /// Line of the file where the row starts, from 1; for Parquet the number of the row.
    public var line: Int
    /// The file's column, or nil when the row as a whole is wrong.
    public var column: String?
    /// The value as it stands in the file, cut to ``valueLimit`` characters.
    public var value: String
    /// Why.
    public var code: RejectCode
    /// Why, in a sentence.
    public var sentence: String
}

/// A value that a row cannot have.
struct Refusal: Equatable {
    var code: RejectCode
    var sentence: String
}
