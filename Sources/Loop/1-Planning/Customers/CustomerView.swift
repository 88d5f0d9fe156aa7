// What is known of one line and of who has it: the values that the unified customer view is made of (CUS-01, CON-02).
// SPDX-License-Identifier: Apache-2.0

public import Kernel
public import Model
public import Ports

/// How a customer is looked for.
public enum CustomerQuestion: Hashable, Sendable {
    /// A telephone number as people write it.
    case number(String)
    case imsi(String)
    /// The number of a customer, who may have several lines.
    case customer(String)
    /// What is seen of a masked number (`139****5678`, or the last four digits) and where the customer is.
    case fragment(String, province: String, city: String)
}

/// Why nobody is looked up.
public enum CustomerError: CodedError, Equatable {
    case badIMSI
    case badCustomer
    case badFragment
    case regionMissing
    case nobody
    case reasonMissing

    public var code: String {
        switch self {
        case .badIMSI: "customer.bad_imsi"
        case .badCustomer: "customer.bad_customer"
        case .badFragment: "customer.bad_fragment"
        case .regionMissing: "customer.region_missing"
        case .nobody: "customer.nobody"
        case .reasonMissing: "customer.reason_missing"
        }
    }

    // What was typed is personal: no message repeats it.
    public var description: String {
        switch self {
        case .badIMSI: "this is no IMSI; it has 14 or 15 digits"
        case .badCustomer: "this is no customer number; it has 1 to 18 digits"
        case .badFragment: "write the last four digits, or the number with its middle hidden, such as 139****5678"
        case .regionMissing: "say the province or the city as well: a part of a number alone fits too many"
        case .nobody: "nobody in your part of the organisation fits; check the digits"
        case .reasonMissing: "say why the data is to be shown in full; the reason is recorded"
        }
    }
}

/// A line that fits what was asked: never the whole number.
public struct CustomerCandidate: Hashable, Sendable {
    public var index: SubscriberIndex
    /// Number with its middle hidden; empty when the line has none now.
    public var masked: String
    /// Province and city as the catalogue's attributes have them; nil where there are none.
    public var province: String?
    public var city: String?
}

/// Lines that fit, at most ``CustomerCandidates/most``.
public struct CustomerCandidates: Hashable, Sendable {
    public static let most = 50

    public var lines: [CustomerCandidate]
    /// Whether more fit than are shown.
    public var hasMore: Bool
}

/// Who has a line, and the line's numbers.
public struct CustomerIdentity: Hashable, Sendable {
    public var index: SubscriberIndex
    public var line: Int64?
    public var customer: Int64?
    public var account: Int64?
    public var msisdn: MSISDN?
    public var imsi: Int64?
    public var name: String?
}

/// Attributes of a group with their values.
public struct AttributeValues: Sendable {
    public var group: AttributeGroup
    public var values: [(attribute: Attribute, value: WarehouseValue)]
}

/// A number that the line had or has.
public struct DatedNumber: Hashable, Sendable {
    /// `msisdn` or `imsi`.
    public var kind: String
    public var number: Int64
    public var from: LocalDay
    /// nil = until now.
    public var to: LocalDay?
}

/// Some rows of a warehouse table.
public struct FactRows: Sendable {
    public var fields: [WarehouseField] = []
    public var rows: [[WarehouseValue]] = []

    /// No rows.
    public init() {}

    /// The place of a column.
    public func place(_ column: String) -> Int? { fields.firstIndex { $0.name == column } }

    /// A value of a row; NULL where the column is not there.
    public func value(_ column: String, _ row: [WarehouseValue]) -> WarehouseValue {
        place(column).map { row[$0] } ?? .null
    }
}

/// Everything but the contacts.
public struct CustomerView: Sendable {
    public var identity: CustomerIdentity
    /// Other lines of the same customer.
    public var others: CustomerCandidates
    public var profile: [AttributeValues]
    /// The last twelve months that were loaded, oldest first.
    public var months: FactRows
    public var subscriptions: FactRows
    public var complaints: FactRows
    /// Steps on the web, in voice menus and with the hotline, newest first (CON-13).
    public var visits: FactRows
    /// What he did elsewhere, newest first (CUS-23).
    public var elsewhere: FactRows
    /// Demand and rejection by product, of 100, the strongest demand first (CUS-17).
    public var interests: FactRows
    public var lists: [ListEntry]
    /// Saved segments that the line is in now.
    public var segments: [Segment]
    public var numbers: [DatedNumber]
}

/// One touch between the operator and a customer, loaded or made by Gyre.
public struct CustomerContact: Hashable, Sendable {
    public var at: LocalTime
    /// Channel, kind (care, enquiry, complaint, handling, marketing, query) and outcome by their codes.
    public var channel: String
    public var kind: String
    public var outcome: String
    public var category: String
    /// The campaign as people know it.
    public var campaign: String
    /// Business type, handling type, means of contact, department complained about, what was queried or said.
    public var business = ""
    public var handling = ""
    public var means = ""
    public var department = ""
    public var details = ""
    /// Whether it was made by Gyre.
    public var isOwn: Bool
}

/// Which contacts are wanted; nil = all.
public struct ContactFilter: Hashable, Sendable {
    public var kind: String?
    public var channel: String?
    public var from: LocalDay?
    public var to: LocalDay?

    public init(kind: String? = nil, channel: String? = nil, from: LocalDay? = nil, to: LocalDay? = nil) {
        self.kind = kind
        self.channel = channel
        self.from = from
        self.to = to
    }

    /// Whether a contact is wanted.
    public func admits(_ contact: CustomerContact) -> Bool {
        (kind == nil || kind == contact.kind) && (channel == nil || channel == contact.channel)
            && from.map { $0 <= contact.at.day } ?? true && to.map { contact.at.day <= $0 } ?? true
    }
}
