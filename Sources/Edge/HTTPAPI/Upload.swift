// Bodies too large for memory: kept in a file of the data directory while they are worked on.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Glibc
import Hummingbird
public import Kernel
import NIOCore

/// Something that was sent, in a file that is removed when nobody holds it any more.
public final class Upload: Sendable {
    /// The file.
    public let path: String
    /// The SHA-256 of its content.
    public let digest: ContentHash
    /// Bytes in it.
    public let count: Int

    fileprivate init(path: String, digest: ContentHash, count: Int) {
        (self.path, self.digest, self.count) = (path, digest, count)
    }

    deinit { unlink(path) }

    /// Takes a body into a file.
    ///
    /// - Throws: ``EdgeError/tooLarge(bytes:)``; ``EdgeError/noRoom(cause:)`` when the file cannot be written.
    static func receive(_ body: RequestBody, in folder: String, limit: Int) async throws -> Upload {
        let writer = try Writer(in: folder, limit: limit)
        for try await buffer in body { try buffer.withUnsafeReadableBytes { try writer.write($0) } }
        return writer.finish()
    }

    /// Writes an upload piece by piece; what is not finished is removed.
    public final class Writer {
        private let path: String
        private let limit: Int
        private let descriptor: Int32
        private var hasher = SHA256()
        private var count = 0
        private var isFinished = false

        /// Begins a file in a folder.
        ///
        /// - Throws: ``EdgeError/noRoom(cause:)``.
        public init(in folder: String, limit: Int) throws(EdgeError) {
            path = "\(folder)/upload-\(UInt64.random(in: 0 ... .max))"
            self.limit = limit
            descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw Self.failure }
        }

        deinit {
            if descriptor >= 0 { close(descriptor) }
            if !isFinished { unlink(path) }
        }

        /// Adds bytes.
        ///
        /// - Throws: ``EdgeError``.
        public func write(_ bytes: UnsafeRawBufferPointer) throws(EdgeError) {
            count += bytes.count
            guard count <= limit else { throw EdgeError.tooLarge(bytes: limit) }
            hasher.update(bufferPointer: bytes)
            var rest = bytes
            while !rest.isEmpty {
                let written = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { throw Self.failure }
                rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            }
        }

        /// The whole file.
        public func finish() -> Upload {
            isFinished = true
            return Upload(path: path, digest: ContentHash(bytes: Array(hasher.finalize())) ?? .zero, count: count)
        }

        private static var failure: EdgeError { .noRoom(cause: String(cString: strerror(errno))) }
    }
}
