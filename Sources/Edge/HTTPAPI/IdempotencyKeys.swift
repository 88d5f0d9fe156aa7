// Idempotency keys: a request that is repeated with the same key gets the first answer and does nothing.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Model
import NIOCore
import Synchronization

/// Answers by key, kept for a day while the server runs.
///
/// What must hold across a restart does not rest on it: a campaign runs once because its phase says so, names are unique.
/// Source: IETF draft "The Idempotency-Key HTTP Header Field".
final class IdempotencyKeys: Sendable {
    private struct Name: Hashable {
        var login: String
        var key: String
    }

    private struct Entry {
        var request: ContentHash
        var answer: (status: HTTPResponse.Status, headers: HTTPFields, body: ByteBuffer)?
        var at: ContinuousClock.Instant
    }

    private static let limit = 10_000
    private static let lifetime: Duration = .seconds(86_400)
    private let entries = Mutex<[Name: Entry]>([:])

    /// Runs `body` once per key.
    ///
    /// - Parameters:
    ///   - request: With the key in its header; its body is taken into memory.
    ///   - context: Whose key it is.
    ///   - isNeeded: Whether a request without a key is refused; otherwise it just runs.
    ///   - body: Does the work.
    /// - Returns: What `body` answered, now or when the key was first used.
    /// - Throws: ``EdgeError/keyMissing``, ``EdgeError/keyReused``, ``EdgeError/keyBusy``, or what `body` throws; a
    ///   request that failed may be repeated with its key.
    func once(
        _ request: Request,
        _ context: EdgeContext,
        isNeeded: Bool = false,
        _ body: (Request) async throws -> Response
    ) async throws -> Response {
        guard let key = try Self.key(of: request) else {
            guard !isNeeded else { throw EdgeError.keyMissing }
            return try await body(request)
        }
        var request = request
        let bytes = try await request.collectBody(upTo: context.maxUploadSize)
        let digest = Self.digest("\(request.method) \(request.uri.path)", Data(bytes.readableBytesView))
        return try await once(Name(login: context.staff?.login ?? "", key: key), digest) {
            try await body(request)
        }
    }

    /// Runs `body` once per key, with the request's body in a file.
    ///
    /// - Parameters:
    ///   - request: With the key in its header; without one `body` just runs.
    ///   - context: Whose key it is; also says how large the file may be.
    ///   - folder: Where the file goes.
    ///   - body: Does the work.
    /// - Returns: What `body` answered, now or when the key was first used.
    /// - Throws: ``EdgeError``, or what `body` throws.
    func once(
        _ request: Request,
        _ context: EdgeContext,
        uploadingTo folder: String,
        _ body: (Upload) async throws -> Response
    ) async throws -> Response {
        let key = try Self.key(of: request)
        let upload = try await Upload.receive(request.body, in: folder, limit: context.maxListSize)
        guard let key else { return try await body(upload) }
        let digest = Self.digest("\(request.method) \(request.uri.string)", Data(upload.digest.hex.utf8))
        return try await once(Name(login: context.staff?.login ?? "", key: key), digest) { try await body(upload) }
    }

    private static func key(of request: Request) throws(EdgeError) -> String? {
        guard let key = request.headers[.idempotencyKey], !key.isEmpty else { return nil }
        guard key.utf8.count <= 200 else { throw .badRequest(field: "Idempotency-Key", why: "at most 200 bytes") }
        return key
    }

    private static func digest(_ address: String, _ body: Data) -> ContentHash {
        var hasher = SHA256()
        hasher.update(data: Data("\(address)\n".utf8))
        hasher.update(data: body)
        return ContentHash(bytes: Array(hasher.finalize())) ?? .zero
    }

    private func once(
        _ name: Name,
        _ digest: ContentHash,
        _ body: () async throws -> Response
    ) async throws -> Response {
        if let answer = try begin(name, digest) {
            var headers = answer.headers
            headers[HTTPField.Name("Idempotency-Replayed")] = "true"
            return Response(status: answer.status, headers: headers, body: ResponseBody(byteBuffer: answer.body))
        }
        do {
            let response = try await body()
            let collected = Collector()
            try await response.body.write(collected)
            let buffer = collected.buffer.withLock { $0 }
            entries.withLock { $0[name]?.answer = (response.status, response.headers, buffer) }
            return Response(status: response.status, headers: response.headers, body: ResponseBody(byteBuffer: buffer))
        } catch {
            entries.withLock { $0[name] = nil }
            throw error
        }
    }

    private func begin(
        _ name: Name,
        _ digest: ContentHash
    ) throws(EdgeError) -> (status: HTTPResponse.Status, headers: HTTPFields, body: ByteBuffer)? {
        let now = ContinuousClock.now
        return try entries.withLock { entries throws(EdgeError) in
            if entries.count >= Self.limit { entries = entries.filter { now - $0.value.at < Self.lifetime } }
            if let entry = entries[name], now - entry.at < Self.lifetime {
                guard entry.request == digest else { throw EdgeError.keyReused }
                guard let answer = entry.answer else { throw EdgeError.keyBusy }
                return answer
            }
            entries[name] = Entry(request: digest, at: now)
            return nil
        }
    }

    /// Takes a body into memory; only short answers have keys.
    private final class Collector: ResponseBodyWriter, Sendable {
        let buffer = Mutex(ByteBuffer())

        func write(_ part: ByteBuffer) async throws {
            buffer.withLock { _ = $0.writeImmutableBuffer(part) }
        }

        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}
