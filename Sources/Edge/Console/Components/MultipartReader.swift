// Forms with a file, read as they arrive: fields stay in memory, the file goes to the disk (RFC 7578).
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import HTTPAPI
import NIOCore

/// Takes a multipart body piece by piece.
struct MultipartReader {
    private static let mostHeaderBytes = 16_384

    private(set) var fields: [(name: String, value: String)] = []
    private(set) var file: (name: String, writer: Upload.Writer)?
    private let delimiter: [UInt8]
    private let folder: String?
    private let fieldLimit: Int
    private let fileLimit: Int
    private var pending: [UInt8] = Array("\r\n".utf8)
    private var state = State.preamble
    private var fieldBytes = 0

    private enum State { case preamble, head, field(String), file, skipped, end }

    /// `folder`: Where the file goes; nil = files are skipped.
    init(boundary: String, folder: String?, fieldLimit: Int, fileLimit: Int) throws(EdgeError) {
        guard !boundary.isEmpty, boundary.utf8.count <= 200 else {
            throw EdgeError.badRequest(field: "body", why: "is no multipart form")
        }
        delimiter = Array("\r\n--\(boundary)".utf8)
        (self.folder, self.fieldLimit, self.fileLimit) = (folder, fieldLimit, fileLimit)
    }

    /// Whether the last boundary was seen.
    var isComplete: Bool { if case .end = state { true } else { false } }

    mutating func take(_ bytes: ByteBufferView) throws {
        pending += bytes
        while try advance() {}
    }

    /// Takes the next part of what is pending; false when more must arrive first.
    private mutating func advance() throws -> Bool {
        switch state {
        case .end:
            pending = []
            return false
        case .head:
            if pending.starts(with: Array("--".utf8)) {
                state = .end
                return true
            }
            guard let blank = Self.place(of: Array("\r\n\r\n".utf8), in: pending) else {
                guard pending.count <= Self.mostHeaderBytes else {
                    throw EdgeError.badRequest(field: "body", why: "is no multipart form")
                }
                return false
            }
            let head = String(decoding: pending[..<blank], as: UTF8.self)
            pending.removeFirst(blank + 4)
            try begin(head)
            return true
        case .preamble, .field, .file, .skipped:
            guard let place = Self.place(of: delimiter, in: pending) else {
                // The delimiter may have begun at the end.
                try put(max(0, pending.count - delimiter.count + 1))
                return false
            }
            try put(place)
            pending.removeFirst(delimiter.count)
            if case .field(let name) = state { fields.append((name, String(decoding: value, as: UTF8.self))) }
            state = .head
            return true
        }
    }

    private mutating func begin(_ head: String) throws {
        guard let name = Self.attribute("name", in: head) else { return state = .skipped }
        guard let fileName = Self.attribute("filename", in: head) else {
            value = []
            return state = .field(name)
        }
        guard let folder, !fileName.isEmpty, file == nil else { return state = .skipped }
        file = (fileName, try Upload.Writer(in: folder, limit: fileLimit))
        state = .file
    }

    private var value: [UInt8] = []

    /// Takes bytes of the part from what is pending.
    private mutating func put(_ count: Int) throws {
        switch state {
        case .file: try pending[..<count].withUnsafeBytes { [file] in try file?.writer.write($0) }
        case .field:
            fieldBytes += count
            guard fieldBytes <= fieldLimit else { throw EdgeError.tooLarge(bytes: fieldLimit) }
            value += pending[..<count]
        default: break
        }
        pending.removeFirst(count)
    }

    /// Where some bytes begin.
    static func place(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
        bytes.withUnsafeBytes { all in
            guard let base = all.baseAddress, let first = wanted.first else { return nil }
            var from = 0
            while from + wanted.count <= all.count {
                let room = all.count - wanted.count - from + 1
                guard let found = memchr(base + from, Int32(first), room) else { return nil }
                let place = UnsafeRawPointer(found) - base
                if memcmp(base + place, wanted, wanted.count) == 0 { return place }
                from = place + 1
            }
            return nil
        }
    }

    private static func attribute(_ name: String, in head: String) -> String? {
        guard let start = head.range(of: "; \(name)=\"") else { return nil }
        let rest = head[start.upperBound...]
        return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
    }
}
