// How the API reads and answers: JSON bodies, pages with cursors, CSV of every list.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTypes
public import Hummingbird
import Kernel
import Model
import NIOCore
public import Ports
public import Texts

extension Response {
    /// A JSON answer.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return json(ByteBuffer(bytes: try encoder.encode(value)), status: status)
    }

    /// The media type of JSON text.
    static let jsonType = "application/json; charset=utf-8"

    /// An answer of JSON text.
    static func json(_ text: ByteBuffer, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: jsonType],
            body: ResponseBody(byteBuffer: text)
        )
    }

    /// An answer without a body.
    static var done: Response { Response(status: .noContent) }
}

extension Request {
    /// The JSON body.
    ///
    /// - Throws: 415 for another media type, 400 for a body that does not fit, 413 for one that is too long.
    func json<T: Decodable>(_ type: T.Type, _ context: EdgeContext) async throws -> T {
        let media = (headers[.contentType] ?? "").prefix { $0 != ";" }
        guard media.lowercased().split(separator: " ") == ["application/json"] else {
            throw HTTPError(.unsupportedMediaType, message: "send the body as application/json")
        }
        return try await decode(as: type, context: context)
    }

    /// A parameter behind `?` that is not empty.
    func query(_ name: String) -> String? {
        uri.queryParameters[name[...]].map { String($0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether the answer is wanted as CSV: `format=csv` or an `Accept` header that names it.
    func wantsCSV() throws(EdgeError) -> Bool {
        switch query("format") {
        case "csv": true
        case "json": false
        case nil: (headers[.accept] ?? "").hasPrefix("text/csv")
        default: throw .badRequest(field: "format", why: "use json or csv")
        }
    }
}

/// A column of a list's CSV.
public struct CSVColumn<Row>: Sendable {
    let head: BilingualText
    let text: @Sendable (Row) -> String

    /// Names a column and says what is in it.
    public init(_ zh: String, _ en: String, _ text: @escaping @Sendable (Row) -> String) {
        head = BilingualText(zh: zh, en: en)
        self.text = text
    }
}

/// CSV for people: UTF-8 with BOM, so that spreadsheets show Chinese; CRLF (RFC 4180).
public enum CSV {
    /// A whole file as an answer.
    public static func response<Row>(
        name: String,
        rows: [Row],
        columns: [CSVColumn<Row>],
        language: Language
    ) -> Response {
        let text = text(rows, columns, language)
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8",
                .contentDisposition: "attachment; filename=\"\(name).csv\"",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }

    /// A whole file: the headings, then the rows.
    public static func text<Row>(_ rows: [Row], _ columns: [CSVColumn<Row>], _ language: Language) -> String {
        text([columns.map { language($0.head) }] + rows.map { row in columns.map { $0.text(row) } })
    }

    /// A whole file: the headings, then the records.
    public static func text(_ records: [[String]]) -> String {
        records.reduce(into: "\u{FEFF}") { $0 += $1.map(cell).joined(separator: ",") + "\r\n" }
    }

    /// A cell; what a spreadsheet would run as a formula gets an apostrophe, numbers excepted (OWASP, CSV injection).
    private static func cell(_ text: String) -> String {
        var text = text
        let isNumber = text.allSatisfy { $0.isNumber || "+-.,%".contains($0) }
        if let first = text.utf8.first, "=+-@\t\r\n".utf8.contains(first), !isNumber { text = "'" + text }
        guard text.utf8.contains(where: { "\",\r\n".utf8.contains($0) }) else { return text }
        // Byte by byte: a sign before a joiner or an accent is another `Character`.
        return "\"" + String(decoding: text.utf8.flatMap { $0 == UInt8(ascii: "\"") ? [$0, $0] : [$0] }, as: UTF8.self)
            + "\""
    }
}

/// A page as the API gives it.
struct ListAnswer<Item: Encodable>: Encodable {
    var items: [Item]
    var total: Int
    var next: String?
}

/// A place in a list: what it continues, and how far.
struct Cursor: Codable {
    var offset: Int
    var list: String

    var text: String { Data("\(offset):\(list)".utf8).base64EncodedString().replacing("=", with: "") }

    init(offset: Int, list: String) {
        self.offset = offset
        self.list = list
    }

    init?(text: String) {
        let padded = text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: padded) else { return nil }
        let parts = String(decoding: data, as: UTF8.self).split(separator: ":")
        guard parts.count == 2, let offset = Int(parts[0]), offset >= 0 else { return nil }
        self.init(offset: offset, list: String(parts[1]))
    }
}

extension Site {
    /// Answers a list: a page of JSON, or all of it as CSV.
    ///
    /// Query: `search`, `order`, `direction` (asc, desc), `limit` (1...1 000), `cursor`, `format`. A cursor continues
    /// one list only; an export is recorded.
    public func list<Column: ListColumn, Row: Sendable>(
        _ request: Request,
        _ context: EdgeContext,
        name: String,
        order: Column.Type,
        columns: [CSVColumn<Row>],
        form: (Row) -> some Encodable,
        page: (ListQuery) async throws -> Page<Row>
    ) async throws -> Response {
        var query = try Self.query(request, order: order)
        if try request.wantsCSV() {
            let staff = try context.user()
            let rows = try await Self.everything(query, page)
            try await audit(staff.login, "export", name, detail: "\(rows.count) rows")
            return CSV.response(name: name, rows: rows, columns: columns, language: context.language)
        }
        let list = Self.identity(of: request)
        if let text = request.query("cursor") {
            guard let cursor = Cursor(text: text), cursor.list == list else {
                throw EdgeError.badRequest(field: "cursor", why: "it does not continue this list; start without one")
            }
            query.offset = cursor.offset
        }
        let part = try await page(query)
        let end = query.offset + part.rows.count
        return try Response.json(
            ListAnswer(
                items: part.rows.map(form),
                total: part.total,
                next: end < part.total && !part.rows.isEmpty ? Cursor(offset: end, list: list).text : nil
            )
        )
    }

    /// Answers something that is no list of the store: as JSON, or its rows as CSV; an export is recorded.
    func answer<Row>(
        _ request: Request,
        _ context: EdgeContext,
        name: String,
        rows: [Row],
        columns: [CSVColumn<Row>],
        json: some Encodable
    ) async throws -> Response {
        guard try request.wantsCSV() else { return try Response.json(json) }
        try await audit(try context.user().login, "export", name, detail: "\(rows.count) rows")
        let file = String(name.map { $0 == "/" ? "-" : $0 })
        return CSV.response(name: file, rows: rows, columns: columns, language: context.language)
    }

    /// Search, order and limit of a request.
    static func query<Column: ListColumn>(_ request: Request, order: Column.Type) throws(EdgeError) -> ListQuery {
        let column = request.query("order") ?? ""
        guard column.isEmpty || Column(rawValue: column) != nil else {
            let names = Column.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badRequest(field: "order", why: "use one of \(names)")
        }
        let direction = request.query("direction") ?? "desc"
        guard direction == "asc" || direction == "desc" else {
            throw .badRequest(field: "direction", why: "use asc or desc")
        }
        guard let limit = Int(request.query("limit") ?? "20"), (1...1000).contains(limit) else {
            throw .badRequest(field: "limit", why: "use 1 to 1000")
        }
        return ListQuery(
            search: request.query("search") ?? "",
            order: column,
            isDescending: direction == "desc",
            limit: limit
        )
    }

    /// Names a list with its conditions, so that a cursor does not continue another one.
    private static func identity(of request: Request) -> String {
        let conditions = ["search", "order", "direction", "phase"].map { "\($0)=\(request.query($0) ?? "")" }
        let text = request.uri.path + "?" + conditions.joined(separator: "&")
        return String((ContentHash(bytes: Array(SHA256.hash(data: Data(text.utf8)))) ?? .zero).hex.prefix(12))
    }
}
