// Bodies of forms: URL-encoded, and multipart where a file comes along.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPAPI
import Hummingbird

/// What a form sent.
struct FormBody: Sendable {
    /// A file that came along.
    struct File: Sendable {
        var name: String
        var bytes: [UInt8]
    }

    private(set) var fields: [(name: String, value: String)] = []
    private(set) var file: File?

    init(fields: [(name: String, value: String)]) { self.fields = fields }

    /// The last value of a field; empty when absent.
    subscript(name: String) -> String { fields.last { $0.name == name }?.value ?? "" }

    /// The last value without blanks at its ends.
    func trimmed(_ name: String) -> String { self[name].trimmingCharacters(in: .whitespacesAndNewlines) }

    /// All values of a field.
    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    /// Reads the body of a request.
    ///
    /// - Throws: `EdgeError.tooLarge(bytes:)`, or `EdgeError.badRequest(field:why:)` for a body that is no form.
    static func read(_ request: Request, _ context: EdgeContext) async throws -> FormBody {
        let limit = context.maxUploadSize
        var bytes: [UInt8] = []
        for try await buffer in request.body {
            bytes += buffer.readableBytesView
            guard bytes.count <= limit else { throw EdgeError.tooLarge(bytes: limit) }
        }
        let type = request.headers[.contentType] ?? ""
        if type.lowercased().hasPrefix("multipart/form-data"), let at = type.range(of: "boundary=") {
            let boundary = type[at.upperBound...].prefix { $0 != ";" }.trimmingCharacters(
                in: CharacterSet(charactersIn: "\"")
            )
            return try FormBody(multipart: bytes, boundary: boundary)
        }
        return FormBody(fields: decode(String(decoding: bytes, as: UTF8.self)))
    }

    /// Reads `a=1&b=%E4%BD%A0`; a plus sign is a blank (WHATWG URL standard, 5.1).
    static func decode(_ text: String) -> [(name: String, value: String)] {
        text.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (unescaped(parts[0]), parts.count > 1 ? unescaped(parts[1]) : "")
        }
    }

    private static func unescaped(_ text: Substring) -> String {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let high = hex(rest.first), let low = hex(rest.dropFirst().first) {
                out.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                out.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8?) -> UInt8? {
        switch byte {
        case .some(let digit) where (0x30...0x39).contains(digit): digit - 0x30
        case .some(let digit) where (0x41...0x46).contains(digit): digit - 0x41 + 10
        case .some(let digit) where (0x61...0x66).contains(digit): digit - 0x61 + 10
        default: nil
        }
    }

    /// Reads the parts between boundaries (RFC 7578).
    init(multipart bytes: [UInt8], boundary: String) throws {
        let delimiter = Data("\r\n--\(boundary)".utf8)
        let data = Data("\r\n".utf8) + Data(bytes)
        guard !boundary.isEmpty, var at = data.range(of: delimiter)?.upperBound else {
            throw EdgeError.badRequest(field: "body", why: "is no multipart form")
        }
        while let next = data.range(of: delimiter, in: at..<data.endIndex) {
            let part = data[at..<next.lowerBound]
            at = next.upperBound
            guard let blank = part.range(of: Data("\r\n\r\n".utf8)) else { continue }
            let head = String(decoding: part[..<blank.lowerBound], as: UTF8.self)
            let content = part[blank.upperBound...]
            guard let name = Self.attribute("name", in: head) else { continue }
            if let fileName = Self.attribute("filename", in: head) {
                if !fileName.isEmpty { file = File(name: fileName, bytes: Array(content)) }
            } else {
                fields.append((name, String(decoding: content, as: UTF8.self)))
            }
        }
    }

    private static func attribute(_ name: String, in head: String) -> String? {
        guard let start = head.range(of: "; \(name)=\"") else { return nil }
        let rest = head[start.upperBound...]
        return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
    }
}
