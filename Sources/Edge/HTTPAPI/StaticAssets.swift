// Files that pages refer to: read once, served from memory with a version in the address.
// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Foundation
import HTTPTypes
import Hummingbird
public import Kernel
import Synchronization

/// Why the files of a page cannot be served.
public enum AssetError: CodedError, Equatable {
    case unreadable(path: String)
    case tooLarge(path: String, bytes: Int)

    public var code: String {
        switch self {
        case .unreadable: "assets.unreadable"
        case .tooLarge: "assets.too_large"
        }
    }

    public var description: String {
        switch self {
        case .unreadable(let path): "\(path) cannot be read; run bin/setup, or name another folder of web assets"
        case .tooLarge(let path, let bytes): "\(path) has \(bytes) bytes, more than a page can use; remove it"
        }
    }
}

/// The files that pages refer to, below the path `/assets/`.
///
/// A file `NAME.gz` beside `NAME` is what browsers get that take gzip.
public final class StaticAssets: Sendable {
    private struct File {
        var content: ByteBuffer
        var zipped: ByteBuffer?
        var type: String
        var version: String
    }

    private static let fileLimit = 8 << 20
    private let files: Mutex<[String: File]>

    /// Reads all files of the folders, not of folders below them.
    ///
    /// - Throws: ``AssetError``.
    public init(folders: [String]) throws(AssetError) {
        var found: [String: Data] = [:]
        for folder in folders {
            guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
                throw .unreadable(path: folder)
            }
            for name in names where Self.type(of: name.hasSuffix(".gz") ? String(name.dropLast(3)) : name) != nil {
                let path = "\(folder)/\(name)"
                guard let data = FileManager.default.contents(atPath: path) else { throw .unreadable(path: path) }
                guard data.count <= Self.fileLimit else { throw .tooLarge(path: path, bytes: data.count) }
                found[name] = data
            }
        }
        files = Mutex([:])
        for (name, data) in found where !name.hasSuffix(".gz") {
            add(name, data, zipped: found[name + ".gz"])
        }
    }

    /// Adds a file that is compiled in; one of the same name is replaced.
    public func add(_ name: String, _ content: Data, zipped: Data? = nil) {
        guard let type = Self.type(of: name) else { preconditionFailure("no media type is known for \(name)") }
        let digest = ContentHash(bytes: Array(SHA256.hash(data: content))) ?? .zero
        let file = File(
            content: ByteBuffer(bytes: content),
            zipped: zipped.map { ByteBuffer(bytes: $0) },
            type: type,
            version: String(digest.hex.prefix(12))
        )
        files.withLock { $0[name] = file }
    }

    /// The address of a file with its version, so that browsers keep it for good; without version when it is not there.
    public func address(_ name: String) -> String {
        files.withLock { $0[name]?.version }.map { "/assets/\(name)?v=\($0)" } ?? "/assets/\(name)"
    }

    /// Names of all files, in order.
    public var names: [String] { files.withLock { $0.keys.sorted() } }

    func answer(_ name: String, _ request: Request) throws(EdgeError) -> Response {
        guard let file = files.withLock({ $0[name] }) else { throw .notFound("file \(name.prefix(60))") }
        let isZipped = file.zipped != nil && (request.headers[.acceptEncoding] ?? "").contains("gzip")
        let tag = "\"\(file.version)\(isZipped ? "-gz" : "")\""
        let isVersioned = request.uri.queryParameters["v"].map { String($0) } == file.version
        var headers: HTTPFields = [
            .eTag: tag,
            .vary: "Accept-Encoding",
            .cacheControl: isVersioned ? "public, max-age=31536000, immutable" : "public, max-age=300",
        ]
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: headers) }
        headers[.contentType] = file.type
        if isZipped { headers[.contentEncoding] = "gzip" }
        let body = isZipped ? file.zipped ?? file.content : file.content
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }

    private static func type(of name: String) -> String? {
        switch name.split(separator: ".").last {
        case "css": "text/css; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "ico": "image/x-icon"
        case "json": "application/json"
        case "woff2": "font/woff2"
        case "txt": "text/plain; charset=utf-8"
        default: nil
        }
    }
}
