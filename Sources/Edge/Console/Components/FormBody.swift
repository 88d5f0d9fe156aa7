// Bodies of forms: URL-encoded, and multipart where a file comes along.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPAPI
import Hummingbird

/// What a form sent.
struct FormBody: Sendable {
    /// A file that came along, kept on the disk while the form is worked on.
    struct File: Sendable {
        var name: String
        var content: Upload
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
    /// `folder`: Where a file goes; nil = the form has none, and a file is left out.
    ///
    /// - Throws: `EdgeError.tooLarge(bytes:)`, or `EdgeError.badRequest(field:why:)` for a body that is no form.
    static func read(
        _ request: Request,
        _ context: EdgeContext,
        uploadingTo folder: String? = nil
    ) async throws -> FormBody {
        let limit = context.maxUploadSize
        let type = request.headers[.contentType] ?? ""
        if type.lowercased().hasPrefix("multipart/form-data"), let at = type.range(of: "boundary=") {
            let boundary = type[at.upperBound...].prefix { $0 != ";" }.trimmingCharacters(
                in: CharacterSet(charactersIn: "\"")
            )
            var reader = try MultipartReader(
                boundary: boundary,
                folder: folder,
                fieldLimit: limit,
                fileLimit: context.maxListSize
            )
            for try await buffer in request.body { try reader.take(buffer.readableBytesView) }
            guard reader.isComplete else { throw EdgeError.badRequest(field: "body", why: "is no multipart form") }
            var body = FormBody(fields: reader.fields)
            body.file = reader.file.map { File(name: $0.name, content: $0.writer.finish()) }
            return body
        }
        var bytes: [UInt8] = []
        for try await buffer in request.body {
            bytes += buffer.readableBytesView
            guard bytes.count <= limit else { throw EdgeError.tooLarge(bytes: limit) }
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
}
