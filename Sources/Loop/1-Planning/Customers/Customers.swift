// One customer on one page: found by number, IMSI, customer number or a part of a number, and read row by row (CUS-01, CUS-05).
// SPDX-License-Identifier: Apache-2.0

public import DecisionHost
public import Decisioning
public import Kernel
public import Model
public import Ports
import Rules

/// Looks up customers.
public struct Customers: Sendable {
    let warehouse: any WarehouseEngine
    let host: DecisionHost
    let store: any ControlPlaneStore
    let numbers: LiveNumbers
    let segments: Segments
    let lists: SpecialLists
    let explainer: Explainer

    /// Reads rows from the warehouse, hot attributes, lists and decisions through the host and its log.
    public init(
        warehouse: any WarehouseEngine,
        host: DecisionHost,
        store: any ControlPlaneStore,
        numbers: LiveNumbers,
        segments: Segments,
        lists: SpecialLists,
        explainer: Explainer
    ) {
        self.warehouse = warehouse
        self.host = host
        self.store = store
        self.numbers = numbers
        self.segments = segments
        self.lists = lists
        self.explainer = explainer
    }

    private var dialect: SQLDialect { warehouse.dialect }

    // MARK: Finding

    /// The lines that fit a question, inside a scope.
    ///
    /// - Throws: ``CustomerError``, ``SpecialListError`` for a number; nobody found is an error.
    public func find(_ question: CustomerQuestion, in scope: OrganisationScope) async throws -> CustomerCandidates {
        switch question {
        case .number(let typed):
            let index = try await lists.subscriber(typed, in: scope)
            return try await candidates("idx = \(index.number)", in: scope)
        case .imsi(let typed):
            let digits = typed.filter { !$0.isWhitespace }
            guard (14...15).contains(digits.utf8.count), let imsi = Self.digits(digits) else {
                throw CustomerError.badIMSI
            }
            let holders = "SELECT idx FROM line_number WHERE kind = 'imsi' AND number = \(imsi) AND to_day IS NULL"
            return try await candidates("idx IN (\(holders))", in: scope)
        case .customer(let typed):
            let digits = typed.filter { !$0.isWhitespace }
            guard (1...18).contains(digits.utf8.count), let customer = Self.digits(digits) else {
                throw CustomerError.badCustomer
            }
            return try await candidates("customer_id = \(customer)", in: scope)
        case .fragment(let typed, let province, let city):
            return try await candidates(try await fragment(typed, province: province, city: city), in: scope)
        }
    }

    private static func digits(_ text: String) -> Int64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(text) : nil
    }

    /// The condition of a part of a number and a region.
    private func fragment(_ typed: String, province: String, city: String) async throws -> String {
        let parts = typed.filter { !$0.isWhitespace }
            .split(omittingEmptySubsequences: true) { "*＊xX".contains($0) }.map(String.init)
        guard (1...2).contains(parts.count), let last = parts.last, last.utf8.count == 4, let tail = Self.digits(last)
        else {
            throw CustomerError.badFragment
        }
        // Chinese numbers have 13 digits with the country code.
        var conditions = ["msisdn % 10000 = \(tail)"]
        if parts.count == 2 {
            guard (3...7).contains(parts[0].utf8.count), let head = Self.digits(parts[0]) else {
                throw CustomerError.badFragment
            }
            let unit = (0..<(11 - parts[0].utf8.count)).reduce(Int64(1)) { unit, _ in unit * 10 }
            let first = Int64(8_600_000_000_000) + head * unit
            conditions.append("msisdn BETWEEN \(first) AND \(first + unit - 1)")
        }
        let region = try await self.region(OrganisationScope(province: province.nonEmpty, city: city.nonEmpty))
        guard !region.isEmpty else { throw CustomerError.regionMissing }
        return (conditions + region).joined(separator: " AND ")
    }

    /// The conditions of a part of the organisation, where the catalogue has its attributes.
    private func region(_ scope: OrganisationScope) async throws -> [String] {
        let catalogue = try await segments.catalogue()
        return [("province", scope.province), ("city", scope.city), ("county", scope.county)].compactMap {
            code,
            value in
            value.flatMap { catalogue[code] == nil ? nil : "\(code) = \(dialect.quoted(literal: $0))" }
        }
    }

    private func candidates(_ condition: String, in scope: OrganisationScope) async throws -> CustomerCandidates {
        let found = try await lines(condition, in: scope)
        guard !found.lines.isEmpty else { throw CustomerError.nobody }
        return found
    }

    private func lines(_ condition: String, in scope: OrganisationScope) async throws -> CustomerCandidates {
        let catalogue = try await segments.catalogue()
        let all = ([condition] + (try await region(scope))).joined(separator: " AND ")
        let places = ["province", "city"].map { catalogue[$0] == nil ? "NULL" : "CAST(\($0) AS VARCHAR)" }
        let sql = """
            SELECT idx, \(places.joined(separator: ", ")) FROM subscriber WHERE \(all) AND line_id IS NOT NULL
            ORDER BY idx LIMIT \(CustomerCandidates.most + 1)
            """
        let rows = try await warehouse.rows(SQLText(sql, dialect: dialect))
        let numbers = numbers.current
        let found = rows.compactMap { row -> CustomerCandidate? in
            guard case .integer(let number) = row[0] else { return nil }
            let index = SubscriberIndex(UInt32(number))
            return CustomerCandidate(
                index: index,
                masked: numbers.number(of: index)?.masked ?? "",
                province: row[1].text,
                city: row[2].text
            )
        }
        return CustomerCandidates(
            lines: Array(found.prefix(CustomerCandidates.most)),
            hasMore: found.count > CustomerCandidates.most
        )
    }

    /// Whether a scope covers a subscriber.
    public func isVisible(_ index: SubscriberIndex, in scope: OrganisationScope) async throws -> Bool {
        guard scope != .all else { return try await host.read { Int(index.number) < $0.subscribers } }
        return try await !lines("idx = \(index.number)", in: scope).lines.isEmpty
    }

    // MARK: Reading

    /// Everything but the contacts.
    ///
    /// `scope`: Segments and other lines outside it are left out.
    ///
    /// - Throws: `DecisionError.erased(_:)`.
    public func view(
        of index: SubscriberIndex,
        in scope: OrganisationScope,
        today: LocalDay
    ) async throws -> CustomerView {
        let profile = try await profile(of: index)
        async let others = others(of: profile.identity, in: scope)
        async let months = months(of: index)
        async let subscriptions = subscriptions(of: index)
        async let complaints = complaints(of: index)
        async let visits = visits(of: index)
        async let elsewhere = elsewhere(of: index)
        async let interests = interests(of: index, today: today)
        async let dated = datedNumbers(of: index)
        async let segments = segments(with: index, in: scope, today: today)
        return CustomerView(
            identity: profile.identity,
            others: try await others,
            profile: profile.values,
            months: try await months,
            subscriptions: try await subscriptions,
            complaints: try await complaints,
            visits: try await visits,
            elsewhere: try await elsewhere,
            interests: try await interests,
            lists: try await lists.entries(of: index),
            segments: try await segments,
            numbers: try await dated
        )
    }

    /// Who has the line, and its attributes by group, hot and cold.
    ///
    /// - Throws: `DecisionError.erased(_:)`.
    public func profile(
        of index: SubscriberIndex
    ) async throws -> (identity: CustomerIdentity, values: [AttributeValues]) {
        if try await host.read({ $0.isErased(index) }) { throw DecisionError.erased(index) }
        let catalogue = try await segments.catalogue()
        let today = try await host.read { $0.now.day }
        let derived = try await segments.derivedSQL(dialect, today: today)
        let computed = derived.map {
            ", \($0.sql.text) AS \(warehouse.dialect.quoted(identifier: "=" + $0.attribute.code))"
        }
        let found = try await rows("SELECT *\(computed.joined()) FROM subscriber WHERE idx = \(index.number)")
        let row = found.rows.first ?? []
        func value(_ column: String) -> WarehouseValue { row.isEmpty ? .null : found.value(column, row) }
        let identity = CustomerIdentity(
            index: index,
            line: value("line_id").integer,
            customer: value("customer_id").integer,
            account: value("account_id").integer,
            msisdn: numbers.current.number(of: index),
            imsi: value("imsi").integer,
            name: value("name").text
        )
        let values = catalogue.groups.map { group in
            let own = catalogue.attributes.filter { $0.group == group.code && $0.expression == nil }
            let computed = derived.map(\.attribute).filter { $0.group == group.code }
            return AttributeValues(
                group: group,
                values: own.map { ($0, value($0.code)) } + computed.map { ($0, value("=" + $0.code)) }
            )
        }
        return (identity, values.filter { !$0.values.isEmpty })
    }

    /// Other lines of the same customer.
    public func others(of identity: CustomerIdentity, in scope: OrganisationScope) async throws -> CustomerCandidates {
        guard let customer = identity.customer else { return CustomerCandidates(lines: [], hasMore: false) }
        var found = try await lines("customer_id = \(customer)", in: scope)
        found.lines.removeAll { $0.index == identity.index }
        return found
    }

    /// The last twelve months that were loaded, oldest first.
    public func months(of index: SubscriberIndex) async throws -> FactRows {
        var found = try await facts("subscriber_month", of: index, "ORDER BY month DESC LIMIT 12")
        found.rows.reverse()
        return found
    }

    /// Products held and given up, those held now first.
    public func subscriptions(of index: SubscriberIndex) async throws -> FactRows {
        try await facts("subscription", of: index, "ORDER BY to_day IS NOT NULL, from_day DESC LIMIT 1000")
    }

    /// Complaints, newest first.
    public func complaints(of index: SubscriberIndex) async throws -> FactRows {
        try await facts("complaint", of: index, "ORDER BY day DESC LIMIT 1000")
    }

    /// Steps on the web, in voice menus and with the hotline, newest first.
    public func visits(of index: SubscriberIndex) async throws -> FactRows {
        try await facts("visit", of: index, "ORDER BY \(dialect.quoted(identifier: "at")) DESC LIMIT 1000")
    }

    /// What he did elsewhere, newest first.
    public func elsewhere(of index: SubscriberIndex) async throws -> FactRows {
        try await facts("external_behaviour", of: index, "ORDER BY day DESC LIMIT 1000")
    }

    /// Demand and rejection by product, the strongest demand first.
    public func interests(of index: SubscriberIndex, today: LocalDay) async throws -> FactRows {
        let columns = try await EventSources(warehouse).columnNames(of: ProductInterest.tables, warehouse)
        let dialect = dialect
        let rows = ProductInterest.rows(columns, dialect, today: today) { dialect.quoted(identifier: $0) }
        return try await self.rows(
            "SELECT * FROM (\(rows)) AS found WHERE idx = \(index.number) ORDER BY demand DESC, rejection DESC, product"
        )
    }

    /// Numbers that the line has and had, newest first.
    public func datedNumbers(of index: SubscriberIndex) async throws -> [DatedNumber] {
        let sql = """
            SELECT kind, number, from_day, to_day FROM line_number WHERE idx = \(index.number)
            ORDER BY kind DESC, from_day DESC, to_day DESC NULLS FIRST
            """
        return try await rows(sql).rows.compactMap { row in
            guard let kind = row[0].text, let number = row[1].integer, let from = row[2].day else { return nil }
            return DatedNumber(kind: kind, number: number, from: from, to: row[3].day)
        }
    }

    /// A subscriber's rows of a table of facts; none while nothing of the table is loaded.
    func facts(_ table: String, of index: SubscriberIndex, _ rest: String) async throws -> FactRows {
        guard try await !store.loads(table: table).isEmpty else { return FactRows() }
        return try await rows("SELECT * EXCLUDE (load_no) FROM \(table) WHERE idx = \(index.number) \(rest)")
    }

    private func rows(_ sql: String) async throws -> FactRows {
        try await warehouse.query(SQLText(sql, dialect: dialect), into: FactRows()) { found, batch in
            found.fields = batch.fields
            for row in 0..<batch.rowCount {
                found.rows.append(batch.columns.indices.map { batch.value(column: $0, row: row) })
            }
        }
    }

    // MARK: Segments

    /// Segments of a scope that a subscriber is in; see ``Segments/all(with:in:today:)``.
    public func segments(
        with index: SubscriberIndex,
        in scope: OrganisationScope,
        today: LocalDay
    ) async throws -> [Segment] {
        try await segments.all(with: index, in: scope, today: today)
    }
}

extension String {
    var nonEmpty: String? { isEmpty ? nil : self }
}

extension WarehouseValue {
    /// The text; nil for anything else.
    public var text: String? { if case .text(let text) = self { text } else { nil } }
    /// The whole number; nil for anything else.
    public var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    /// The day; nil for anything else.
    public var day: LocalDay? { if case .day(let day) = self { day } else { nil } }
}
